#!/usr/bin/env bash
# Prints the section of CHANGELOG.md about one version: the text of the release.
#
# Usage: packaging/notes.sh VERSION
#
# The text is read outside of the repository, so relative links become addresses of the files in that version. Fails when
# there is no such section, or nothing in it.
set -euo pipefail
source "$(dirname "$0")/common.sh"

[ $# -eq 1 ] || fail "usage: packaging/notes.sh VERSION"
changelog=${CHANGELOG:-$root/CHANGELOG.md}
repository=$(sed -n 's/^repository = "\(.*\)"$/\1/p' "$root/Cargo.toml")
# A heading is `## [1.2.3] - 2026-11-28`. The lines `[1.2.3]: ADDRESS` at the end of the file are where headings link to.
notes=$(awk -v heading="[$1]" '
    /^## / { on = $2 == heading; next }
    /^\[[^]]*\]: / { next }
    on { print }
' "$changelog")
[ -n "${notes//[[:space:]]/}" ] ||
    fail "$changelog has no notes for $1; write \"## [$1] - DATE\" below the heading \"## [Unreleased]\""
printf '%s\n' "$notes" | sed -E -e "s#\]\(([^):]+)\)#](${repository}/blob/v$1/\1)#g" -e '/./,$!d'
