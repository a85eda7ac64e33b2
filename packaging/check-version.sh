#!/usr/bin/env bash
# Fails unless a release tag, Cargo.toml and CHANGELOG.md name the same version.
#
# Usage: packaging/check-version.sh TAG
#
# Prints the version, without the tag's `v`.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/check-version.sh TAG"
version=$(cargo_version)
[ "$1" = "v$version" ] || fail "the tag is $1, but Cargo.toml says $version; tag v$version, or change the version"
"$root/packaging/notes.sh" "$version" >/dev/null
printf '%s\n' "$version"
