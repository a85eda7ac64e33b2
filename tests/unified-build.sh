#!/usr/bin/env bash
# Checks that the tests enable the same features of each dependency as the program. Otherwise cargo compiles the
# dependency, and everything that depends on it, twice.
set -euo pipefail
cd "$(dirname "$0")/.."

features() {
    cargo tree --locked --edges "$1" --prefix none --format '{p} {f}' | sed 's/ (\*)$//' | LC_ALL=C sort -u
}

# If a package has different features in the two lists, `comm` outputs its name twice.
program=$(features normal,build)
tests=$(features normal,build,dev)
differ=$(comm -3 <(echo "$program") <(echo "$tests") | awk '{ print $1, $2 }' | sort | uniq -d)
if [[ -n $differ ]]; then
    echo "compiled twice, because a dev-dependency turns on more features (see unified-build in Cargo.toml):" >&2
    for name in $(cut -d' ' -f1 <<<"$differ"); do
        diff <(grep "^$name " <<<"$program") <(grep "^$name " <<<"$tests") >&2 || true
    done
    exit 1
fi
