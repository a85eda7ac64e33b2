#!/usr/bin/env bash
# Creates a draft release, uploads every file to it, and publishes it when all are there.
#
# Usage: packaging/publish.sh TAG DIR NOTES
#
# Needs gh, with GH_TOKEN and GH_REPO. A draft that an earlier, failed run left is used again; a
# published release is never changed.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 3 ] || fail "usage: packaging/publish.sh TAG DIR NOTES"
tag=$1 dir=$2 notes=$3
files=("$dir"/*)
[ -e "${files[0]}" ] || fail "$dir is empty: there is nothing to release"

if draft=$(gh release view "$tag" --json isDraft --jq .isDraft 2>/dev/null); then
    [ "$draft" = true ] || fail "$tag is published already; release a new version"
else
    gh release create "$tag" --draft --verify-tag --title "$tag" --notes-file "$notes"
fi
gh release upload "$tag" --clobber "${files[@]}"

uploaded=$(gh release view "$tag" --json assets --jq '.assets | length')
[ "$uploaded" -eq "${#files[@]}" ] ||
    fail "the draft $tag has $uploaded files, but $dir has ${#files[@]}; delete the draft and run this job again"
gh release edit "$tag" --draft=false
