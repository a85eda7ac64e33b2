#!/usr/bin/env bash
# Compares the public items of the crate, as listed by `cargo doc`, with tests/public-items.txt.
# --write updates the file. Run `cargo doc --release --no-deps` first.
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
        echo "the public items of the crate changed: run tests/public-items.sh --write and review the diff" >&2
        exit 1
    }
fi
