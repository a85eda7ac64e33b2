# Shared by the scripts in this directory; sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# fail MESSAGE...: prints the message and exits with status 2.
fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

# The version in Cargo.toml.
cargo_version() {
    sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml"
}

# sha256 FILE...: prints `HASH  FILE` for each file. macOS has no sha256sum.
sha256() {
    if command -v sha256sum >/dev/null; then
        # Git for Windows marks binary files with `*`; the two-space form is the same everywhere.
        sha256sum "$@" | sed 's/ \*/  /'
    else
        shasum -a 256 "$@"
    fi
}
