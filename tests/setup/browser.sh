#!/usr/bin/env bash
# Installs a browser for the tests of the web page: Chromium (Debian package) and its driver (npm).
set -euo pipefail
cd "$(dirname "$0")/.."
folder="${CARGO_TARGET_DIR:-../target}/test-tools/browser"
mkdir -p "$folder"
if [ -e "$folder/done" ] && cmp -s browser/package-lock.json "$folder/package-lock.json" && command -v chromium > /dev/null; then
    exit 0
fi
rm -f "$folder/done"
if ! command -v chromium > /dev/null; then
    apt-get update --quiet
    apt-get install --quiet --yes --no-install-recommends chromium
fi
cp browser/package.json browser/package-lock.json "$folder"
npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts
touch "$folder/done"
