#!/usr/bin/env bash
# Packs a release archive: the binary, licences, README, CHANGELOG, man pages and completions.
#
# Usage: packaging/archive.sh BINARY TARGET OUT_DIR
#
# Writes OUT_DIR/rqsearch-VERSION-TARGET.tar.gz (.zip for Windows targets) and prints its path. The
# archive holds one directory of the same name. Cargo.toml tells `cargo binstall` this layout.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 3 ] || fail "usage: packaging/archive.sh BINARY TARGET OUT_DIR"
binary=$1 target=$2
mkdir -p "$3"
out=$(cd "$3" && pwd)

version=$(cargo_version)
built=$("$binary" -V)
built=${built%$'\r'}
[ "$built" = "rqsearch $version" ] || fail "$binary is '$built', but Cargo.toml says $version; build it again"

name="rqsearch-$version-$target"
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT
mkdir "$staging/$name"
cp "$binary" "$staging/$name/"
cp "$root/LICENSE-APACHE" "$root/LICENSE-MIT" "$root/README.md" "$root/CHANGELOG.md" "$staging/$name/"
# The built-in model has a licence of its own.
cp "$root/models/LICENSE" "$staging/$name/LICENSE-MODEL"
"$root/packaging/completions.sh" "$binary" "$staging/$name"

case $target in
    *windows*)
        archive="$out/$name.zip"
        rm -f "$archive"
        if command -v 7z >/dev/null; then
            (cd "$staging" && 7z a -bd -bso0 "$archive" "$name")
        else
            (cd "$staging" && python3 -m zipfile -c "$archive" "$name")
        fi
        ;;
    *)
        archive="$out/$name.tar.gz"
        tar -C "$staging" -czf "$archive" "$name"
        ;;
esac
printf '%s\n' "$archive"
