#!/usr/bin/env bash
# A release from end to end, without a network: archive, checksums, formula, and install.sh from them.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

case $(uname -s)-$(uname -m) in
    Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
    Linux-aarch64) target=aarch64-unknown-linux-gnu ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    *) die "this test knows Linux and macOS only" ;;
esac
releases="$scratch/releases"
out="$releases/download/v$version"

# --- the archive
run 0 "$root/packaging/archive.sh" "$binary" "$target" "$out"
same "$output" "$out/rqsearch-$version-$target.tar.gz"
list=$(tar -tzf "$output")
for file in rqsearch LICENSE-APACHE LICENSE-MIT LICENSE-MODEL README.md CHANGELOG.md man/rqsearch.1 man/rqsearch-index.1 \
    completions/rqsearch.bash completions/_rqsearch completions/rqsearch.fish completions/_rqsearch.ps1; do
    contains "$list" "rqsearch-$version-$target/$file"
done
run 0 "$root/packaging/archive.sh" "$binary" x86_64-pc-windows-msvc "$out"
contains "$(python3 -m zipfile -l "$output")" "rqsearch-$version-x86_64-pc-windows-msvc/README.md"
passed "archives hold everything"

# --- what binstall computes from Cargo.toml is what archive.sh writes
metadata=$(sed -n '/^\[package.metadata.binstall\]/,/^\[package.metadata.deb\]/p' "$root/Cargo.toml")
# shellcheck disable=SC2016
url=$(sed -n 's/^pkg-url = "\(.*\)"/\1/p' <<<"$metadata" |
    sed -e "s/{ name }/rqsearch/g; s/{ version }/$version/g; s/{ target }/$target/g; s/{ archive-suffix }/.tar.gz/; s|{ repo }/releases|$releases|")
[ -f "$url" ] || die "binstall would look for $url"
inside=$(sed -n 's/^bin-dir = "\(.*\)"/\1/p' <<<"$metadata" |
    sed -e "s/{ name }/rqsearch/g; s/{ version }/$version/g; s/{ target }/$target/g; s/{ bin }/rqsearch/; s/{ binary-ext }//")
contains "$list" "$inside"
passed "cargo-binstall finds the archive"

# --- checksums
for other in aarch64-unknown-linux-gnu x86_64-unknown-linux-gnu aarch64-apple-darwin x86_64-apple-darwin; do
    [ -e "$out/rqsearch-$version-$other.tar.gz" ] || echo "stands for $other" > "$out/rqsearch-$version-$other.tar.gz"
done
cp "$root/packaging/install.sh" "$out/"
run 0 "$root/packaging/checksums.sh" "$out"
same "$(wc -l < "$out/SHA256SUMS" | tr -d ' ')" 6
lacks "$(cat "$out/SHA256SUMS")" SHA256SUMS
if command -v sha256sum >/dev/null; then (cd "$out" && sha256sum --check --quiet SHA256SUMS); fi
mkdir "$scratch/none"
run 2 "$root/packaging/checksums.sh" "$scratch/none"
passed "every file has a checksum"

# --- the Homebrew formula
run 0 "$root/packaging/homebrew.sh" "$version" "$out/SHA256SUMS"
lacks "$output" "@"
lacks "$output" "Template"
while read -r hash file; do
    case $file in
        *.tar.gz) contains "$output" "/releases/download/v$version/$file\"
      sha256 \"$hash\"" ;;
    esac
done < "$out/SHA256SUMS"
if command -v ruby >/dev/null; then ruby -c <<<"$output" >/dev/null; fi
grep -v darwin "$out/SHA256SUMS" > "$scratch/some"
run 2 "$root/packaging/homebrew.sh" "$version" "$scratch/some"
contains "$output" "has no checksum of rqsearch-$version-aarch64-apple-darwin.tar.gz"
passed "the formula has the checksums of the archives"

# --- install.sh
export RQSEARCH_RELEASES="file://$releases" RQSEARCH_INSTALL_DIR="$scratch/installed"
RQSEARCH_VERSION=$version run 0 sh "$root/packaging/install.sh"
contains "$output" "installed rqsearch $version as $scratch/installed/rqsearch"
contains "$output" "is not on your PATH"
same "$("$scratch/installed/rqsearch" -V)" "rqsearch $version"
mkdir -p "$releases/latest"
ln -s "$out" "$releases/latest/download"
run 0 sh "$root/packaging/install.sh"
same "$(ls "$scratch/installed")" rqsearch
unset RQSEARCH_INSTALL_DIR
run 0 sh "$root/packaging/install.sh"
[ -x "$HOME/.local/bin/rqsearch" ] || die "not installed in ~/.local/bin"
passed "install.sh installs a version and the latest"

export RQSEARCH_INSTALL_DIR="$scratch/refused"
RQSEARCH_VERSION=9.9.9 run 2 sh "$root/packaging/install.sh"
contains "$output" "could not download file://$releases/download/v9.9.9/SHA256SUMS"
RQSEARCH_VERSION=../0 run 2 sh "$root/packaging/install.sh"
contains "$output" "is not a version"
echo more >> "$out/rqsearch-$version-$target.tar.gz"
run 2 sh "$root/packaging/install.sh"
contains "$output" "is not the one in SHA256SUMS"
[ ! -e "$scratch/refused" ] || die "something was installed"
passed "install.sh refuses what it cannot verify"
