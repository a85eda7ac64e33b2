#!/usr/bin/env bash
# Renders the pictures of the README from real output: a search in a terminal (terminal.svg), the web
# page (page.png), and the dialog of a static site (site.png).
#
# Usage: cargo build --release && tests/setup/browser.sh && docs/pictures/make.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/pictures-venv"
[ -d "$venv" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check rich==14.2.0
"$venv/bin/python" docs/pictures/terminal.py "$target/release/rqsearch" docs/pictures/terminal.svg
RQSEARCH_TEST_TOOLS="$(realpath "$target/test-tools/browser")" node docs/pictures/page.mjs "$target/release/rqsearch" docs/pictures/page.png
RQSEARCH_TEST_TOOLS="$(realpath "$target/test-tools/browser")" node docs/pictures/site.mjs "$target/release/rqsearch" docs/pictures/site.png
ls -l docs/pictures/*.svg docs/pictures/*.png
