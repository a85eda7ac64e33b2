#!/usr/bin/env bash
# Installs the official MCP clients for Python and JavaScript.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder="${CARGO_TARGET_DIR:-target}/test-tools/mcp"
if [ -e "$folder/done" ]; then exit; fi
mkdir -p "$folder"
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check 'mcp==2.3.0' 'jsonschema==4.26.0'
npm install --prefix "$folder" --silent --no-save --no-package-lock '@modelcontextprotocol/sdk@1'
touch "$folder/done"
