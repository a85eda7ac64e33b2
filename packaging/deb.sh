#!/usr/bin/env bash
# Builds the Debian package from a finished binary.
#
# Usage: packaging/deb.sh BINARY OUT_DIR [OPTION...]        options of `cargo deb`, such as --fast
#
# The package is for the architecture of this machine. Needs cargo-deb and dpkg-shlibdeps (Debian:
# dpkg-dev), which finds the dependencies. Uses the directory target/deb. [package.metadata.deb] in
# Cargo.toml lists the files of the package. Prints the path of the package.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -ge 2 ] || fail "usage: packaging/deb.sh BINARY OUT_DIR [OPTION...]"
binary=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
shift 2
cd "$root"

# [package.metadata.deb] names these paths, so they do not follow CARGO_TARGET_DIR.
staging=target/deb
rm -rf "$staging"
mkdir -p "$staging"
cp "$binary" "$staging/rqsearch"
packaging/completions.sh "$binary" "$staging"

# Debian wants one file that covers everything in the package, the model included.
{
    cat <<'TEXT'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: rqsearch
Source: https://github.com/rqsearch/rqsearch

Files: *
Copyright: rqsearch contributors
License: Expat or Apache-2.0

Files: models/*
Copyright: The authors of all-MiniLM-L6-v2 (see models/README.md)
License: Apache-2.0
Comment: The weights are compiled into the program.

License: Apache-2.0
 The full text is in /usr/share/common-licenses/Apache-2.0.

License: Expat
TEXT
    # The format wants a dot for an empty line, and a space before every line.
    sed -e 's/^$/./' -e 's/^/ /' LICENSE-MIT
} > "$staging/copyright"

maintainer=$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)
date=$(LC_ALL=C date -u -R -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}")
cat > "$staging/changelog" <<TEXT
rqsearch ($(cargo_version)-1) unstable; urgency=medium

  * Changes are listed in CHANGELOG.md of the source.

 -- $maintainer  $date
TEXT

cargo deb --no-build --output "$out" "$@"
