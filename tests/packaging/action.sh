#!/usr/bin/env bash
# The duplicate check for pull requests (action.yml), run in real git repositories.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

mkdir "$scratch/bin"
ln -s "$binary" "$scratch/bin/rqsearch"
PATH="$scratch/bin:$PATH"
check="$root/packaging/action/check.sh"
git config --global user.name Tester
git config --global user.email tester@example.org
git config --global init.defaultBranch main
git config --global advice.detachedHead false

# repository NAME: creates a repository whose first commit has one FAQ, and enters it.
repository() {
    git init --quiet "$scratch/$1"
    cd "$scratch/$1"
    mkdir faq
    cat > faq/kitchen.md <<'MARKDOWN'
# Kitchen

## How do I sharpen a kitchen knife?

Use a whetstone of 1000 grit at an angle of twenty degrees.

## How long should bread dough rise?

Until it has doubled in size.
MARKDOWN
    commit base
}

commit() {
    git add --all
    git commit --quiet --message "$1"
}

# question FILE TITLE [ANSWER]
question() {
    printf '\n## %s\n\n%s\n' "$2" "${3:-An answer to it.}" >> "$1"
}

unset INPUT_PATHS INPUT_THRESHOLD INPUT_BASE

# --- a paraphrase, an exact repeat and a question that is new
repository duplicates
question faq/garden.md "When should I prune roses?"
question faq/garden.md "How can I sharpen a kitchen knife?" "Use a whetstone of 1000 grit at an angle of twenty degrees."
question faq/garden.md "How long should bread dough rise?" "Until it has doubled in size."
commit change
export INPUT_PATHS=faq INPUT_BASE=HEAD~1
export GITHUB_OUTPUT="$scratch/output" GITHUB_STEP_SUMMARY="$scratch/summary"
run 1 "$check"
contains "$output" "::error file=faq/garden.md,line=6,title=Duplicate question::How can I sharpen a kitchen knife?%0Afaq/kitchen.md:3 asks the same: How do I sharpen a kitchen knife?"
contains "$output" "::error file=faq/garden.md,line=10,title=Duplicate question::How long should bread dough rise?%0Afaq/kitchen.md:7 asks the same: How long should bread dough rise? (the same words)"
contains "$output" "3 new of 5 questions, 2 of them asked before"
lacks "$output" "prune"
same "$(cat "$scratch/output")" "duplicates=2"
contains "$(cat "$scratch/summary")" "| How can I sharpen a kitchen knife? | faq/garden.md:6 | How do I sharpen a kitchen knife? | faq/kitchen.md:3 |"
same "$(git status --porcelain)" ""
same "$(git worktree list | wc -l | tr -d ' ')" 1
unset GITHUB_OUTPUT GITHUB_STEP_SUMMARY
passed "duplicates are annotated, summarised and fail"

# --- thresholds
INPUT_THRESHOLD=0.99 run 1 "$check"
contains "$output" "1 of them asked before"
INPUT_THRESHOLD=often run 2 "$check"
contains "$output" "::error title=rqsearch::could not compare the questions"
passed "the threshold decides, and has to be a number"

# --- decisions
cd "$scratch/duplicates"
rqsearch index faq > "$scratch/log" 2>&1
pair() { # TITLE TITLE DECISION: prints a line of the file of decisions
    rqsearch export | jq -sc --arg one "$1" --arg two "$2" --arg decision "$3" \
        'def about($title): first(.[] | select(.title == $title)) | {id, title}; {one: about($one), two: about($two), $decision}'
}
mkdir curated
pair "How do I sharpen a kitchen knife?" "How can I sharpen a kitchen knife?" different > curated/decisions.jsonl
INPUT_DECISIONS=curated/decisions.jsonl run 1 "$check"
lacks "$output" "knife"
contains "$output" "3 new of 5 questions, 1 of them asked before"
# Without the input, the file in the root of the repository is used.
cp curated/decisions.jsonl duplicates.jsonl
INPUT_THRESHOLD=0.79 run 1 "$check"
contains "$output" "1 of them asked before"
pair "How do I sharpen a kitchen knife?" "How can I sharpen a kitchen knife?" same > duplicates.jsonl
run 1 "$check"
contains "$output" "1 of them asked before"
echo broken > duplicates.jsonl
run 2 "$check"
contains "$output" "duplicates.jsonl:1: not a decision"
rm -r curated duplicates.jsonl .rqsearch
passed "decided pairs are not reported"

# --- nothing new
repository unchanged
# Two old questions that ask the same are not what this pull request did.
question faq/kitchen.md "How can I sharpen a kitchen knife?"
commit "an old duplicate"
git mv faq/kitchen.md faq/cooking.md
question faq/cooking.md "When should I prune roses?"
commit change
run 0 "$check"
contains "$output" "1 new of 4 questions, 0 of them asked before"
lacks "$output" "::error"
passed "old duplicates and renamed files pass"

# --- two new questions, in a file whose name and title try to break out
repository hostile
name=$'faq/a,b:100%.md'
# shellcheck disable=SC2016
title='Why is `x | y` <b>slow</b>? ::error::'
question "$name" "$title"
question "$name" "$title"
commit change
GITHUB_STEP_SUMMARY="$scratch/summary2" run 1 "$check"
contains "$output" "::error file=faq/a%2Cb%3A100%25.md,line=6,title=Duplicate question::"
contains "$output" "2 new of 4 questions, 1 of them asked before"
lacks "$(cat "$scratch/summary2")" "<b>"
contains "$(cat "$scratch/summary2")" "&#96;x &#124; y&#96;"
passed "a repeat within the pull request is one duplicate, and text stays text"

# --- as GitHub checks out a pull request: a shallow clone of a merge, with a base that moved on
repository origin
git checkout --quiet -b feature
question faq/garden.md "How do I make a kitchen knife sharp?"
commit feature
head=$(git rev-parse HEAD)
old=$(git rev-parse main)
git checkout --quiet main
question faq/new.md "How can I get rid of snails?"
commit "the base moves"
git merge --quiet --no-edit --no-ff feature
git config uploadpack.allowAnySHA1InWant true
git clone --quiet --depth 1 "file://$scratch/origin" "$scratch/shallow"
cd "$scratch/shallow"
unset INPUT_BASE
BASE_SHA=$old HEAD_SHA=$head run 1 "$check"
contains "$output" "1 new of 4 questions, 1 of them asked before"
passed "in a shallow clone of a merge, the first parent is the base"

# --- no base at all: the first questions of a repository
git init --quiet "$scratch/empty"
cd "$scratch/empty"
echo text > README
commit base
mkdir faq
question faq/a.md "When should I prune roses?"
question faq/a.md "When should I prune my roses?"
commit change
INPUT_BASE=HEAD~1 run 1 "$check"
contains "$output" "faq/a.md:2 asks the same"
passed "paths may be new"

# --- mistakes
INPUT_BASE='' run 2 "$check"
contains "$output" "there is nothing to compare with"
INPUT_BASE=0123456789012345678901234567890123456789 run 2 "$check"
contains "$output" "could not fetch the base commit"
INPUT_BASE=HEAD~1 INPUT_PATHS=questions run 2 "$check"
contains "$output" "none of these paths exists: questions"
INPUT_BASE=HEAD~1 INPUT_PATHS=../other run 2 "$check"
contains "$output" "leaves the repository"
INPUT_BASE=HEAD~1 INPUT_PATHS=README run 0 "$check"
contains "$output" "::warning title=rqsearch::no questions found in README"
passed "mistakes are named"

# --- action.yml hands every input on
for input in paths threshold version base; do
    # shellcheck disable=SC2016
    grep -q '\${{ inputs\.'"$input"' }}' "$root/action.yml" || die "action.yml declares $input and does not use it"
done
passed "action.yml uses its inputs"
