#!/usr/bin/env bash
# Runs every test in this directory.
#
# Usage: tests/packaging/run.sh
#
# Needs jq, python3 and a binary: RQSEARCH, or the one of `cargo build --release`.
set -euo pipefail
cd "$(dirname "$0")"

passed=0 failed=0
for test in *.sh; do
    case $test in run.sh | lib.sh) continue ;; esac
    if "./$test"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
