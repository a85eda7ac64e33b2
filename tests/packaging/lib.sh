# Shared by the tests in this directory; sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$(realpath "${RQSEARCH:-${CARGO_TARGET_DIR:-$root/target}/release/rqsearch}")
[ -x "$binary" ] || { echo "$binary is missing; build it first: cargo build --release" >&2; exit 2; }
version=$("$binary" -V)
version=${version#rqsearch }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Nothing of the user's configuration, and nothing of the workflow that runs the tests.
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$scratch/home GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_NOSYSTEM=1
unset RQSEARCH_INDEX GITHUB_OUTPUT GITHUB_STEP_SUMMARY GITHUB_PATH BASE_SHA HEAD_SHA
mkdir "$HOME"

# die MESSAGE: fails the test, with the line of the check that failed.
die() {
    echo "FAILED: $(basename "$0"), line ${BASH_LINENO[1]}: $*" >&2
    exit 1
}

# run STATUS COMMAND...: runs the command, fails unless it exits with STATUS. Its output is in $output.
run() {
    local expected=$1 status=0
    shift
    output=$("$@" 2>&1) || status=$?
    [ "$status" -eq "$expected" ] || die "exit status $status, not $expected: $*"$'\n'"$output"
}

# contains TEXT PART: fails unless PART is in TEXT.
contains() {
    case $1 in *"$2"*) ;; *) die "no \"$2\" in:"$'\n'"$1" ;; esac
}

# lacks TEXT PART: fails if PART is in TEXT.
lacks() {
    case $1 in *"$2"*) die "\"$2\" in:"$'\n'"$1" ;; esac
}

# same ACTUAL EXPECTED
same() {
    [ "$1" = "$2" ] || die "expected:"$'\n'"$2"$'\n'"found:"$'\n'"$1"
}

passed() {
    echo "ok: $*"
}
