#!/usr/bin/env bash
# Compares rqsearch with other tools: installs them from PyPI, measures, and prints a Markdown table.
#
# Usage: benches/peers/run.sh [--txtai] [OPTION...]
#
#   --txtai            also install txtai and PyTorch, which take 5.5 GB
#   --rqsearch FILE    use this program, and the example `vectors` of
#   --vectors FILE     this file, instead of compiling both
#   --questions N      make up N questions for the times; 0 for none (default: 30000)
#   --sets DIR         also measure the judged sets in this directory (BEIR layout)
#   --tools NAME...    only these tools: the names of the modules in tools/
#   --cold N           start N processes for the cold time (default: 7)
#   --json FILE        write all figures to this file (default: target/peers/results.json)
#
# Needs Python 3.11 or later. The environment and the indexes are below target/peers.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/benches/peers
target=${CARGO_TARGET_DIR:-$root/target}
work=$target/peers

requirements=("$here/requirements.txt")
compile=1
options=()
for argument in "$@"; do
    case $argument in
    -h | --help)
        sed -n 's/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed 1d
        exit
        ;;
    --txtai) requirements+=("$here/requirements-txtai.txt") ;;
    --rqsearch | --rqsearch=*)
        compile=0
        options+=("$argument")
        ;;
    *) options+=("$argument") ;;
    esac
done

mkdir -p "$work"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
python=$work/venv/bin/python
if ! cat "${requirements[@]}" | cmp -s - "$work/venv/installed"; then
    rm -f "$work/venv/installed"
    echo "installing the tools into $work/venv" >&2
    "$python" -m pip install --quiet --disable-pip-version-check "${requirements[@]/#/--requirement=}"
    cat "${requirements[@]}" >"$work/venv/installed"
fi

if [ "$compile" -eq 1 ]; then
    cargo build --manifest-path "$root/Cargo.toml" --release --bin rqsearch --example vectors
    options+=(--rqsearch "$target/release/rqsearch" --vectors "$target/release/examples/vectors")
fi
# Modules are compiled once, as in an installed program, and not into the repository.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$work/compiled
exec "$python" "$here/compare.py" --work "$work/work" --json "$work/results.json" "${options[@]}"
