#!/usr/bin/env bash
# Prints the section of CHANGELOG.md about one version: the text of the release.
#
# Usage: packaging/notes.sh VERSION
#
# Fails when there is no such section, or nothing in it.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/notes.sh VERSION"
changelog=${CHANGELOG:-$root/CHANGELOG.md}
# A heading is `## 1.2.3` or `## 1.2.3 (2026-11-28)`.
notes=$(awk -v version="$1" '
    /^## / { on = $2 == version; next }
    on { print }
' "$changelog")
[ -n "${notes//[[:space:]]/}" ] ||
    fail "$changelog has no notes for $1; rename the heading \"## Unreleased\" to \"## $1\""
printf '%s\n' "$notes" | sed -e '/./,$!d'
