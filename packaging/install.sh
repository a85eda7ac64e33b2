#!/bin/sh
# Installs a released rqsearch: downloads the archive for this machine, checks its SHA-256, copies the
# program.
#
#   curl -fsSL https://github.com/rqsearch/rqsearch/releases/latest/download/install.sh | sh
#
# Environment:
#   RQSEARCH_VERSION      the version, such as 0.2.0 [default: latest]
#   RQSEARCH_INSTALL_DIR  where the program goes [default: ~/.local/bin]
#   RQSEARCH_RELEASES     where releases are [default: the project's GitHub releases]; file:// works
#
# Writes nothing else, and never changes a shell's configuration.
set -eu

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 2
}

target() {
    case $(uname -m) in
        x86_64 | amd64) arch=x86_64 ;;
        aarch64 | arm64) arch=aarch64 ;;
        *) fail "there is no released program for the processor $(uname -m); build it from source: docs/install.md" ;;
    esac
    case $(uname -s) in
        Linux)
            # The program loads ONNX Runtime at run time, which a static musl program cannot do.
            if ldd --version 2>&1 | grep -qi musl; then
                fail "there is no released program for musl (Alpine Linux); build it from source: docs/install.md"
            fi
            echo "$arch-unknown-linux-gnu" ;;
        Darwin) echo "$arch-apple-darwin" ;;
        # An x86-64 program runs on Windows for arm64 too.
        MINGW* | MSYS* | CYGWIN*) echo x86_64-pc-windows-msvc ;;
        *) fail "there is no released program for $(uname -s); build it from source: docs/install.md" ;;
    esac
}

download() {
    curl --proto '=https,file' --fail --silent --show-error --location --retry 3 --output "$2" "$1" ||
        fail "could not download $1; check the version and the network"
}

hash_of() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

main() {
    version=${RQSEARCH_VERSION:-latest}
    version=${version#v}
    dir=${RQSEARCH_INSTALL_DIR:-$HOME/.local/bin}
    releases=${RQSEARCH_RELEASES:-https://github.com/rqsearch/rqsearch/releases}
    case $version in
        *[!0-9A-Za-z.+-]*) fail "'$version' is not a version; use one such as 0.2.0, or latest" ;;
        latest) from=$releases/latest/download ;;
        *) from=$releases/download/v$version ;;
    esac
    command -v curl >/dev/null || fail "curl is not installed; install it, or download an archive: docs/install.md"
    target=$(target)

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    download "$from/SHA256SUMS" "$work/SHA256SUMS"
    # The checksums name the archive, and so the version that `latest` is.
    archive=$(awk '{ print $2 }' "$work/SHA256SUMS" | grep "^rqsearch-[0-9].*-$target\.[tz]" | head -n 1)
    [ -n "$archive" ] || fail "$from has no archive for $target; build it from source: docs/install.md"
    expected=$(awk -v archive="$archive" '$2 == archive { print $1 }' "$work/SHA256SUMS")
    download "$from/$archive" "$work/$archive"
    [ "$(hash_of "$work/$archive")" = "$expected" ] ||
        fail "the SHA-256 of $archive is not the one in SHA256SUMS; the download is damaged or not genuine"

    case $archive in
        *.zip) unzip -q "$work/$archive" -d "$work" && name=${archive%.zip} program=rqsearch.exe ;;
        *) tar -xzf "$work/$archive" -C "$work" && name=${archive%.tar.gz} program=rqsearch ;;
    esac
    mkdir -p "$dir"
    # A rename replaces a program that is running; a copy over it fails.
    cp "$work/$name/$program" "$dir/$program.new"
    chmod 755 "$dir/$program.new"
    mv -f "$dir/$program.new" "$dir/$program"
    echo "installed $("$dir/$program" -V) as $dir/$program" >&2
    case ":$PATH:" in
        *":$dir:"*) ;;
        *) echo "$dir is not on your PATH; add it: export PATH=\"$dir:\$PATH\"" >&2 ;;
    esac
}

# All of it is read before anything runs, in case the download of this script breaks off.
main
