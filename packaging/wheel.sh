#!/usr/bin/env bash
# Installs the wheel in a directory into a fresh environment and tries it: the program and the module.
#
# Usage: packaging/wheel.sh DIR
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/wheel.sh DIR"
wheels=("$1"/*.whl)
{ [ ${#wheels[@]} -eq 1 ] && [ -e "${wheels[0]}" ]; } || fail "$1 should hold one wheel; found ${#wheels[@]}: ${wheels[*]}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=python3
command -v python3 >/dev/null || python=python
"$python" -m venv "$work/venv"
bin="$work/venv/bin"
[ -d "$bin" ] || bin="$work/venv/Scripts"
"$bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "${wheels[0]}"
cd "$work"
version=$(cargo_version)
printed=$("$bin/rqsearch" -V)
[ "${printed%$'\r'}" = "rqsearch $version" ] || fail "the wheel's program is '$printed', not rqsearch $version"
"$bin/rqsearch" --builtin -n 1 "holding a mutex across await"
"$bin/python" -c 'import rqsearch; print(rqsearch.Engine.builtin().search("holding a mutex across await", limit=1))'
