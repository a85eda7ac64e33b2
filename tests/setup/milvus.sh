#!/usr/bin/env bash
# Installs a small Milvus server, which the tests of `milvus://` start on the loopback interface.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder="${CARGO_TARGET_DIR:-target}/test-tools/milvus"
if [ -e "$folder/done" ]; then exit; fi
mkdir -p "$folder"
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check 'milvus-lite==3.2.2' 'pymilvus==3.0.2'
touch "$folder/done"
