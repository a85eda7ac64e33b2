#!/usr/bin/env bash
# Versions, release notes, the crate's files, the SBOM and the glibc check.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# --- versions and notes
cat > "$scratch/CHANGELOG.md" <<TEXT
# Changelog

## [Unreleased]

- later

## [$version] - 2026-11-28

- now ([docs](docs/search.md#facets), [site](https://example.org/))

### Fixed

- and this

## [0.0.1] - 2026-11-27

## [0.0.0] - 2026-11-26

- first

[$version]: https://example.org/compare
[0.0.0]: https://example.org/tree
TEXT
export CHANGELOG="$scratch/CHANGELOG.md"
run 0 "$root/packaging/notes.sh" "$version"
file=https://github.com/rqsearch/rqsearch/blob/v$version/docs/search.md
same "$output" "- now ([docs]($file#facets), [site](https://example.org/))"$'\n\n### Fixed\n\n- and this'
run 0 "$root/packaging/notes.sh" 0.0.0
same "$output" '- first'
run 2 "$root/packaging/notes.sh" 0.0.1
contains "$output" 'has no notes for 0.0.1'
run 0 "$root/packaging/check-version.sh" "v$version"
same "$output" "$version"
run 2 "$root/packaging/check-version.sh" "v9$version"
contains "$output" "but Cargo.toml says $version"
run 2 "$root/packaging/check-version.sh" "$version"
unset CHANGELOG
passed "a tag, Cargo.toml and the changelog have to agree"

# --- the crate has what it is built of
cd "$root"
listed=$(cargo package --list --allow-dirty --offline)
for file in build.rs Cargo.lock LICENSE-APACHE LICENSE-MIT README.md models/minilm.onnx models/vocab.txt models/SHA256SUMS \
    index/meta.json index/.managed.json; do
    grep -qxF "$file" <<<"$listed" || die "the crate lacks $file"
done
while IFS= read -r file; do
    grep -qxF "$file" <<<"$listed" || die "the crate lacks $file"
done < <(git ls-files src corpus index models examples ':!models/minilm-*')
if grep -E '^(tests|eval|benches/peers|packaging|\.github|\.ci)/' <<<"$listed"; then die "the crate has files that only the repository needs"; fi
passed "the crate has what it is built of, and no more"

# --- crates.io takes packages of up to 10 MB
cargo package --workspace --exclude rqsearch-python --no-verify --allow-dirty --quiet
packages=$(cargo metadata --no-deps --offline --format-version 1 |
    jq -r '.packages[] | select(.publish == null) | "\(.name)-\(.version)"')
same "$(wc -l <<<"$packages")" 4
for package in $packages; do
    size=$(wc -c < "${CARGO_TARGET_DIR:-target}/package/$package.crate")
    [ "$size" -le 10000000 ] || die "the package $package has $size bytes"
done
passed "every package is small enough for crates.io"

# --- the SBOM
run 0 "$root/packaging/sbom.sh" x86_64-unknown-linux-gnu
same "$(jq -r '.bomFormat + " " + .specVersion + " " + .metadata.component.name + " " + .metadata.component.version' <<<"$output")" \
    "CycloneDX 1.6 rqsearch $version"
same "$(jq '[.components[] | select(.name == "tantivy") | .hashes[0].content | length]' <<<"$output")" $'[\n  64\n]'
# Development dependencies are not part of the program.
same "$(jq '[.components[].name] | map(select(. == "proptest" or . == "portable-pty")) | length' <<<"$output")" 0
same "$(jq '([.components[]."bom-ref"] + [.metadata.component."bom-ref"]) as $known | [.dependencies[] | .ref, .dependsOn[]] - $known | length' <<<"$output")" 0
run 2 "$root/packaging/sbom.sh"
passed "the SBOM lists what is linked"

# --- glibc
if [ "$(uname -s)" = Linux ] && command -v objdump >/dev/null; then
    run 0 "$root/packaging/glibc.sh" "$binary" 99.0
    run 2 "$root/packaging/glibc.sh" "$binary" 2.2
    contains "$output" "newer than 2.2"
    passed "a binary for a newer glibc is refused"
fi
