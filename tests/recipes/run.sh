#!/usr/bin/env bash
# Runs the recipes of docs/site.md: builds a small site from corpus/ with each generator, and searches it in Chromium.
#
#     tests/recipes/run.sh [RECIPE…]
#
# The recipes are html, mkdocs and hugo; all of them by default. Hugo has to be installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
program=$(realpath "${RQSEARCH:-$target/release/rqsearch}")
tests/setup/browser.sh
export RQSEARCH_TEST_TOOLS="$target/test-tools/browser"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The questions on two subjects with an index beside them, from which paths start.
mkdir "$work/source"
cp corpus/async.md corpus/cargo.md "$work/source"
index="$work/source/.rqsearch"
(cd "$work/source" && "$program" index ${KEYWORD_ONLY:+--keyword-only} --index "$index" async.md cargo.md 2> "$work/log") || { cat "$work/log"; exit 1; }

# Searches a site that was built.
check() {
    node tests/browser/built.mjs "$@"
}

html() {
    mkdir "$work/html"
    "$program" export --index "$index" > "$work/questions.jsonl"
    node benches/site/pages.mjs "$work/questions.jsonl" 40 "$work/html"
    cat > "$work/html/site/index.html" <<PAGE
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Questions</title></head>
<body><main><h1>Questions</h1><rq-search></rq-search></main>
<script type="module" src="search/rqsearch.js"></script></body>
</html>
PAGE
    "$program" site "$work/html/site/search" --index "$index" --link '../pages/{id}.html'
    check "$work/html/site" /index.html 'holding a mutex across await' Mutex
}

mkdocs() {
    local tools="$target/docs-tools"
    if ! [ -x "$tools/bin/mkdocs" ]; then
        python3 -m venv "$tools"
        "$tools/bin/pip" install --quiet --disable-pip-version-check mkdocs==1.6.1
    fi
    mkdir -p "$work/mkdocs/docs"
    cp "$work"/source/*.md "$work/mkdocs/docs"
    echo '# Questions' > "$work/mkdocs/docs/index.md"
    cat > "$work/mkdocs/mkdocs.yml" <<CONFIG
site_name: Questions
plugins: []
extra_javascript: [{path: rqsearch/rqsearch.js, type: module}]
extra_css: [rqsearch/rqsearch.css]
CONFIG
    "$program" site "$work/mkdocs/docs/rqsearch" --index "$index" --link '../{stem}/#{anchor}'
    "$tools/bin/mkdocs" build --quiet --config-file "$work/mkdocs/mkdocs.yml"
    check "$work/mkdocs/site" /index.html 'holding a mutex across await' Mutex
}

hugo() {
    mkdir -p "$work/hugo/content" "$work/hugo/layouts/_default"
    cp "$work"/source/*.md "$work/hugo/content"
    echo 'title = "Questions"' > "$work/hugo/config.toml"
    cat > "$work/hugo/layouts/_default/baseof.html" <<'LAYOUT'
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ .Site.Title }}</title></head>
<body><main>{{ block "main" . }}{{ .Content }}{{ end }}</main><rq-search></rq-search>
<script type="module" src="/rqsearch/rqsearch.js"></script></body>
</html>
LAYOUT
    for layout in single list; do echo '{{ define "main" }}{{ .Content }}{{ end }}' > "$work/hugo/layouts/_default/$layout.html"; done
    "$program" site "$work/hugo/static/rqsearch" --index "$index" --link '/{stem}/#{anchor}'
    command hugo --quiet --source "$work/hugo"
    check "$work/hugo/public" /index.html 'holding a mutex across await' Mutex
}

for recipe in "${@:-html mkdocs hugo}"; do
    for one in $recipe; do echo "== $one"; "$one"; done
done
