#!/usr/bin/env bash
# Holds tests/public-items.txt to what `cargo doc` finds public; --write renews it. Run after
# `cargo doc --release --no-deps`.
set -euo pipefail
cd "$(dirname "$0")/.."
list=tests/public-items.txt
page="${CARGO_TARGET_DIR:-target}/doc/rqsearch/all.html"

# <li><a href="engine/struct.Engine.html">engine::Engine</a></li>  →  engine::Engine (struct)
items() {
    grep -oE '<a href="([a-z_0-9]+/)*[a-z]+\.[A-Za-z_0-9]+\.html">[A-Za-z_0-9:]+</a>' "$page" |
        sed -E 's|<a href="([a-z_0-9]+/)*([a-z]+)\.[^"]*">([^<]*)</a>|\3 (\2)|' | LC_ALL=C sort
}

if [[ ${1:-} == --write ]]; then
    items >"$list"
else
    diff -u "$list" <(items) || {
        echo "the crate's public items changed: tests/public-items.sh --write, and look at the difference" >&2
        exit 1
    }
fi
