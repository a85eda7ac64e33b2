#!/usr/bin/env bash
# Prints a software bill of materials: the crates that are linked into the program for one target, as
# CycloneDX 1.6 JSON.
#
# Usage: packaging/sbom.sh TARGET
#
# Needs cargo and jq. Development and build dependencies are left out: they are not in the program.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/sbom.sh TARGET"
cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo metadata --locked --format-version 1 --filter-platform "$1" > "$work/metadata.json"
# `cargo metadata` leaves the hashes out; Cargo.lock has them.
awk -F '"' '
    /^name = / { name = $2 } /^version = / { version = $2 }
    /^checksum = / { printf "{\"key\":\"%s@%s\",\"value\":\"%s\"}\n", name, version, $2 }
' Cargo.lock | jq -s from_entries > "$work/hashes.json"

jq --slurpfile hashes "$work/hashes.json" --arg target "$1" '
    . as $metadata
    | (reduce .packages[] as $package ({}; .[$package.id] = $package)) as $packages
    | (reduce .resolve.nodes[] as $node ({};
        .[$node.id] = [$node.deps[] | select(any(.dep_kinds[]; .kind == null)) | .pkg])) as $linked
    | (.packages | map(select(.name == "rqsearch" and .source == null)) | first | .id) as $main
    | def reach: . as $seen | ([.[] | $linked[.][]] + $seen | unique) | if . == $seen then . else reach end;
    def purl: "pkg:cargo/\(.name)@\(.version)";
    ([$main] | reach) as $all
    | {
        bomFormat: "CycloneDX", specVersion: "1.6", version: 1,
        metadata: {
            component: ($packages[$main] | {
                type: "application", "bom-ref": purl, name, version, purl: purl,
                licenses: [{expression: .license}]
            }),
            properties: [{name: "cargo:target", value: $target}]
        },
        components: [$all[] | select(. != $main) | $packages[.] | {
            type: "library", "bom-ref": purl, name, version, purl: purl
        } + (if .license then {licenses: [{expression: (.license | gsub("/"; " OR "))}]} else {} end)
          + ($hashes[0]["\(.name)@\(.version)"] as $hash
             | if $hash then {hashes: [{alg: "SHA-256", content: $hash}]} else {} end)
        ],
        dependencies: [$all[] | {ref: ($packages[.] | purl), dependsOn: ([$linked[.][] | $packages[.] | purl] | unique)}]
    }
' "$work/metadata.json"
