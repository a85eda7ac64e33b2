#!/usr/bin/env bash
# Writes the man pages and shell completions that a binary generates.
#
# Usage: packaging/completions.sh BINARY DIR
#
# Creates DIR/man/*.1 and DIR/completions/{rqsearch.bash,rqsearch.fish,_rqsearch,_rqsearch.ps1,rqsearch.elv}.
# The binary must run on this machine.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 2 ] || fail "usage: packaging/completions.sh BINARY DIR"
binary=$1 dir=$2
[ -x "$binary" ] || fail "$binary is not an executable file; build it first: cargo build --profile dist"

mkdir -p "$dir/man" "$dir/completions"
"$binary" man --dir "$dir/man"
"$binary" completions bash > "$dir/completions/rqsearch.bash"
"$binary" completions fish > "$dir/completions/rqsearch.fish"
"$binary" completions zsh > "$dir/completions/_rqsearch"
"$binary" completions powershell > "$dir/completions/_rqsearch.ps1"
"$binary" completions elvish > "$dir/completions/rqsearch.elv"
