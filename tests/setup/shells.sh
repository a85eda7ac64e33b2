#!/usr/bin/env bash
# Installs the shells for the tests of completions, and mandoc, which checks man pages.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder="${CARGO_TARGET_DIR:-target}/test-tools/shells"
if [ -e "$folder/done" ]; then exit; fi
missing=()
for program in bash zsh fish mandoc; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
mkdir -p "$folder"
touch "$folder/done"
