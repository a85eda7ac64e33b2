#!/usr/bin/env bash
# Measures the search of a static site beside Pagefind, on the same pages: see README.md.
#
#     measure.sh [QUESTIONS]
#
# QUESTIONS is how many questions the index has: the built-in ones, and for a larger number made from them.
# ALONE=1 leaves Pagefind out.
set -euo pipefail
cd "$(dirname "$0")"
target=$(realpath "${CARGO_TARGET_DIR:-../../target}")
program="${RQSEARCH:-$target/release/rqsearch}"
tools="$target/test-tools"
questions="${1:-660}"

../../tests/setup/browser.sh
folder="$target/site-tools"
if [ -z "${ALONE:-}" ]; then
    mkdir -p "$folder"
    cp package.json package-lock.json "$folder"
    npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error > /dev/null
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" export --builtin > "$work/builtin.jsonl"
node pages.mjs "$work/builtin.jsonl" "$questions" "$work"
"$program" index --index "$work/index" ${KEYWORD_ONLY:+--keyword-only} "$work/questions.jsonl" 2> /dev/null
"$program" site "$work/site/search" --index "$work/index" --link '/pages/{key}.html' 2>&1 | head -1
[ -n "${ALONE:-}" ] || "$folder/node_modules/.bin/pagefind" --site "$work/site" --glob 'pages/*.html' --output-path "$work/site/pagefind" --silent
RQSEARCH_TEST_TOOLS="$tools/browser" node measure.mjs "$work/site" ../../eval/rust.tsv
