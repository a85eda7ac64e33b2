#!/usr/bin/env bash
# Fills in the Homebrew formula: the version, and the SHA-256 of each archive.
#
# Usage: packaging/homebrew.sh VERSION SHA256SUMS
#
# Prints the formula. Fails when SHA256SUMS lacks an archive that the formula needs.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 2 ] || fail "usage: packaging/homebrew.sh VERSION SHA256SUMS"
version=$1 sums=$2

hash_of() {
    local archive="rqsearch-$version-$1.tar.gz" hash
    hash=$(awk -v archive="$archive" '$2 == archive { print $1 }' "$sums")
    [[ $hash =~ ^[0-9a-f]{64}$ ]] || fail "$sums has no checksum of $archive"
    printf '%s' "$hash"
}

mac_arm=$(hash_of aarch64-apple-darwin)
mac_x86=$(hash_of x86_64-apple-darwin)
linux_arm=$(hash_of aarch64-unknown-linux-gnu)
linux_x86=$(hash_of x86_64-unknown-linux-gnu)
sed -e '/^# Template/d' \
    -e "s/@VERSION@/$version/g" \
    -e "s/@SHA256_MACOS_ARM64@/$mac_arm/" \
    -e "s/@SHA256_MACOS_X86_64@/$mac_x86/" \
    -e "s/@SHA256_LINUX_ARM64@/$linux_arm/" \
    -e "s/@SHA256_LINUX_X86_64@/$linux_x86/" \
    "$root/packaging/homebrew/rqsearch.rb.in"
