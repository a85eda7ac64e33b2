#!/usr/bin/env bash
# Installs the Rust version that Cargo.toml declares, and makes it the default.
#
# Usage: packaging/rust.sh [OPTION OF rustup toolchain install...]     for example --component clippy
set -euo pipefail
source "$(dirname "$0")/common.sh"

rust=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
[ -n "$rust" ] || fail "Cargo.toml declares no rust-version"
rustup toolchain install "$rust" --profile minimal --no-self-update "$@"
rustup default "$rust"
