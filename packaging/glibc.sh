#!/usr/bin/env bash
# Fails when a Linux binary needs a newer glibc than it may.
#
# Usage: packaging/glibc.sh BINARY NEWEST        for example: packaging/glibc.sh target/dist/rqsearch 2.28
#
# Needs objdump (Debian: binutils). Prints the version that the binary needs.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 2 ] || fail "usage: packaging/glibc.sh BINARY NEWEST"
symbols=$(objdump -T "$1")
needs=$(grep -oE 'GLIBC_[0-9.]+' <<<"$symbols" | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
[ -n "$needs" ] || fail "$1 names no glibc version; is it linked to glibc at all?"
newest=$(printf '%s\n%s\n' "$needs" "$2" | sort -V | tail -n 1)
[ "$newest" = "$2" ] || fail "$1 needs glibc $needs, newer than $2; build it with cargo-zigbuild for .$2"
printf '%s\n' "$needs"
