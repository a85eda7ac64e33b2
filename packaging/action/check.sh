#!/usr/bin/env bash
# Finds questions that a pull request adds although they were asked before.
#
# Runs in the root of a checkout, with `rqsearch` on the PATH. Needs git and jq. action.yml calls it;
# outside GitHub it works the same and prints the same annotations.
#
# Environment:
#   INPUT_PATHS      files and directories with questions, one per line
#   INPUT_THRESHOLD  the probability, 0 to 1, from which two questions are duplicates; empty: the default
#   INPUT_DECISIONS  the file of decisions about duplicates; empty: duplicates.jsonl if it exists
#   INPUT_BASE       the commit to compare with; empty: BASE_SHA, or for a merge commit its first parent
#   HEAD_SHA         the last commit of the pull request, as GitHub reports it (optional)
#   BASE_SHA         the base of the pull request, as GitHub reports it (optional)
#   GITHUB_OUTPUT, GITHUB_STEP_SUMMARY   written to where set
#
# Exit status: 0 no new duplicates, 1 new duplicates, 2 error.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd -P .

# Data of a workflow command: no line break may end it.
escape() {
    local text=$1
    text=${text//'%'/%25}
    text=${text//$'\r'/%0D}
    text=${text//$'\n'/%0A}
    printf '%s' "$text"
}

fail() {
    printf '::error title=rqsearch::%s\n' "$(escape "$*")"
    exit 2
}

# The commit that this checkout is compared with.
base_commit() {
    if [ -n "${INPUT_BASE:-}" ]; then
        printf '%s' "$INPUT_BASE"
        return
    fi
    # GitHub checks out a merge of the pull request into its base. That base can be newer than
    # BASE_SHA. `git log` hides the parents in a shallow clone, the commit itself does not.
    local parents
    parents=$(git cat-file commit HEAD | sed -n '/^$/q; s/^parent //p')
    if [ -n "${HEAD_SHA:-}" ] && [ "$(sed -n 2p <<<"$parents")" = "$HEAD_SHA" ]; then
        sed -n 1p <<<"$parents"
    elif [ -n "${BASE_SHA:-}" ]; then
        printf '%s' "$BASE_SHA"
    else
        fail "there is nothing to compare with: this is not a pull request. Set the input base to a commit"
    fi
}

# index DIR INDEX OPTION...: indexes the paths that exist below DIR.
index() {
    local dir=$1 index=$2 path status=0
    shift 2
    local there=()
    for path in "${paths[@]}"; do
        if [ -e "$dir/$path" ]; then there+=("$path"); fi
    done
    [ ${#there[@]} -gt 0 ] || return 0
    (cd "$dir" && rqsearch --index "$index" index "$@" -- "${there[@]}") > "$work/log" 2>&1 || status=$?
    if [ "$status" -eq 2 ] && [ -e "$index/meta.json" ]; then
        printf '::warning title=rqsearch::%s\n' "$(escape "some files could not be read: $(grep '^rqsearch: ' "$work/log" | head -n 20)")"
    elif [ "$status" -ne 0 ]; then
        fail "could not index ${there[*]}: $(cat "$work/log")"
    fi
}

# questions INDEX: prints the questions of an index, one JSON object per line.
questions() {
    if [ -e "$1/meta.json" ]; then
        # Status 1: there are none.
        rqsearch --index "$1" export || [ $? -eq 1 ]
    fi
}

command -v jq >/dev/null || fail "jq is not installed on this runner; install it in a step before this one"
command -v rqsearch >/dev/null || fail "rqsearch is not installed on this runner; install it in a step before this one"

paths=()
while IFS= read -r path; do
    path="${path#"${path%%[![:space:]]*}"}"
    path="${path%"${path##*[![:space:]]}"}"
    path=${path%/}
    path=${path#./}
    case $path in
        '') ;;
        /* | .. | ../* | */.. | */../*) fail "the path $path leaves the repository; use paths relative to its root" ;;
        *) paths+=("$path") ;;
    esac
done <<<"${INPUT_PATHS:-.}"
[ ${#paths[@]} -gt 0 ] || paths=(.)
found=no
for path in "${paths[@]}"; do
    if [ -e "$path" ]; then found=yes; fi
done
[ $found = yes ] || fail "none of these paths exists: ${paths[*]}; check the input paths"

threshold=()
if [ -n "${INPUT_THRESHOLD:-}" ]; then threshold=("--threshold=$INPUT_THRESHOLD"); fi

decisions=()
# Without the option, rqsearch looks beside the index, which is the root of the repository.
if [ -n "${INPUT_DECISIONS:-}" ]; then decisions=("--decisions=$INPUT_DECISIONS"); fi

work=$(cd "$(mktemp -d)" && pwd -P)
# An index names files relative to the directory it is in, as annotations need them.
head_index=$(mktemp -d "$PWD/.rqsearch-check.XXXXXX")
base_index="$work/base/$(basename "$head_index")"
cleanup() {
    git worktree remove --force "$work/base" 2>/dev/null || true
    rm -rf "$work" "$head_index"
}
trap cleanup EXIT
# Only these two indexes are used, whatever else the runner or the repository has.
unset RQSEARCH_INDEX

base=$(base_commit) || { printf '%s\n' "$base"; exit 2; }
case $base in -*) fail "$base is not a commit; check the input base" ;; esac
if ! git cat-file -e "$base^{commit}" 2>/dev/null; then
    git fetch --quiet --no-tags --depth=1 origin "$base" 2> "$work/log" ||
        fail "could not fetch the base commit $base: $(cat "$work/log")"
    git cat-file -e "$base^{commit}" 2>/dev/null || base=FETCH_HEAD
fi
git worktree add --quiet --detach --force "$work/base" "$base" 2> "$work/log" ||
    fail "could not check out the base commit $base: $(cat "$work/log")"

# Of the base, only titles and places are needed: no embedding.
index "$work/base" "$base_index" --keyword-only
index . "$head_index"
questions "$base_index" > "$work/base.jsonl"
questions "$head_index" > "$work/head.jsonl"
if [ -s "$work/head.jsonl" ]; then
    status=0
    rqsearch --index "$head_index" dups --json ${threshold[@]+"${threshold[@]}"} ${decisions[@]+"${decisions[@]}"} > "$work/dups.json" 2> "$work/log" || status=$?
    [ "$status" -le 1 ] || fail "could not compare the questions: $(cat "$work/log")"
else
    printf '{"questions":0,"pairs":[]}' > "$work/dups.json"
    printf '::warning title=rqsearch::%s\n' "$(escape "no questions found in ${paths[*]}; check the input paths")"
fi

jq -n --slurpfile base "$work/base.jsonl" --slurpfile head "$work/head.jsonl" --slurpfile dups "$work/dups.json" \
    -f "$here/new-duplicates.jq" > "$work/new.json"
jq -r -L "$here" 'include "report"; annotations' "$work/new.json"
count=$(jq '.duplicates | length' "$work/new.json")
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    jq -r -L "$here" 'include "report"; summary' "$work/new.json" >> "$GITHUB_STEP_SUMMARY"
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf 'duplicates=%s\n' "$count" >> "$GITHUB_OUTPUT"
fi
jq -r '"\(.new) new of \(.questions) questions, \(.duplicates | length) of them asked before"' "$work/new.json"
[ "$count" -eq 0 ] || exit 1
