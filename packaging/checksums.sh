#!/usr/bin/env bash
# Writes DIR/SHA256SUMS with the SHA-256 of every other file in DIR, sorted by name.
#
# Usage: packaging/checksums.sh DIR
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/checksums.sh DIR"
cd "$1"
rm -f SHA256SUMS
shopt -s nullglob
files=(*)
[ ${#files[@]} -gt 0 ] || fail "$1 is empty: there is nothing to release"
sums=$(sha256 "${files[@]}")
printf '%s\n' "$sums" > SHA256SUMS
