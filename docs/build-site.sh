#!/usr/bin/env bash
# Builds the documentation into a static site with its own search, with MkDocs (PyPI):
#
#     docs/build-site.sh [OUT]
#
# OUT is target/docs by default. RQSEARCH is the program, target/release/rqsearch by default.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
program=$(realpath "${RQSEARCH:-$target/release/rqsearch}")
out=$(realpath -m "${1:-$target/docs}")
tools="$target/docs-tools"

if ! [ -x "$tools/bin/mkdocs" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check mkdocs==1.6.1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/pages" "$work/theme"
cp -r docs/*.md docs/pictures "$work/pages"
mv "$work/pages/README.md" "$work/pages/index.md"
# Pages outside of docs/ are on the web only.
repository=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml | head -1)
sed -i -E "s#\]\(\.\./([^)]+)\)#](${repository}/blob/main/\1)#g" "$work"/pages/*.md
cat > "$work/mkdocs.yml" <<CONFIG
site_name: rqsearch
docs_dir: pages
site_dir: "$out"
use_directory_urls: false
theme: {name: mkdocs, custom_dir: theme, color_mode: auto, user_color_mode_toggle: true, highlightjs: false, search_index_only: true}
nav:
  - Documentation: index.md
  - Tutorials: [$(cd "$work/pages" && printf '%s, ' tutorial*.md)]
  - Pages: [$(cd "$work/pages" && printf '%s\n' *.md | grep -v -e '^index' -e '^tutorial' | paste -s -d ,)]
extra_javascript: [{path: rqsearch/rqsearch.js, type: module}]
validation: {links: {not_found: info, anchors: info}}
CONFIG
cat > "$work/theme/main.html" <<'PAGE'
{% extends "base.html" %}
{# The switch between light and dark expects the styles of highlight.js, which another host would send. #}
{% block extrahead %}<style id="hljs-light"></style><style id="hljs-dark"></style>{% endblock %}
{% block search_button %}<li class="nav-item"><rq-search></rq-search></li>{% endblock %}
PAGE
"$tools/bin/python" docs/sections.py "$work/pages" "$work"
"$program" index --index "$work/index" "$work"/*.jsonl 2> /dev/null
# A relative address starts at the directory of the script.
"$program" site "$work/pages/rqsearch" --index "$work/index" --link '../{stem}.html#{key}'
"$tools/bin/mkdocs" build --quiet --clean --config-file "$work/mkdocs.yml"
echo "$out/index.html"
