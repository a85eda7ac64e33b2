#!/usr/bin/env bash
# A real browser for the tests of the pages: Chromium (Debian's package), and what drives it (npm).
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
