#!/usr/bin/env bash
# Builds the program that is released, and prints its path on the last line.
#
# Usage: packaging/build.sh TARGET
#
# Linux programs run with glibc 2.28 (Debian 10, RHEL 8) and later; that takes cargo-zigbuild
# (pip install cargo-zigbuild ziglang). They are not linked statically: a static program cannot load
# ONNX Runtime, which models other than the built-in one need.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/build.sh TARGET"
target=$1
glibc=2.28
cd "$root"
binary=${CARGO_TARGET_DIR:-target}/$target/dist/rqsearch
case $target in
    *-linux-gnu)
        cargo zigbuild --locked --profile dist --features milvus --bin rqsearch --target "$target.$glibc"
        packaging/glibc.sh "$binary" "$glibc"
        ;;
    *-windows-msvc)
        # Without the C runtime of Visual Studio, which not every machine has.
        RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --profile dist --features milvus --bin rqsearch --target "$target"
        binary=$binary.exe
        ;;
    *)
        MACOSX_DEPLOYMENT_TARGET=11.0 cargo build --locked --profile dist --features milvus --bin rqsearch --target "$target"
        ;;
esac
"$binary" --version
printf '%s\n' "$binary"
