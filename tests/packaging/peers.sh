#!/usr/bin/env bash
# The comparison with other tools: its scripts, without the tools.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
export PYTHONPYCACHEPREFIX=$scratch/compiled

run 0 python3 -m compileall -q "$root/benches/peers"
run 0 python3 -m unittest discover --start-directory "$root/benches/peers"
contains "$output" OK
passed "the modules compile, and the metrics are those computed by hand"

# A module that nobody lists would never run, and a version that is not pinned would change the figures.
for tool in "$root"/benches/peers/tools/*.py; do
    grep -q '^class Tool:' "$tool" || continue
    name=$(basename "$tool" .py)
    grep -q "\"$name\"" "$root/benches/peers/tools/__init__.py" || die "tools/__init__.py lacks $name"
done
if grep -Ehv '^(#|$)' "$root"/benches/peers/requirements*.txt | grep -Ev '^[A-Za-z0-9_-]+==[0-9][^ ]*( |$)'; then
    die "a requirement names no version"
fi
run 0 "$root/benches/peers/run.sh" --help
contains "$output" 'Usage: benches/peers/run.sh'
passed "every tool is listed, and every requirement is pinned"
