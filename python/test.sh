#!/usr/bin/env bash
# Builds the wheel of the Python package, installs it into an environment of its own under the target directory,
# and tests it there: the API, the examples in the docstrings, the types, and the command line.
#
# Usage: python/test.sh [PYTEST ARGUMENTS...]
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tools=$target/test-tools/python
if [ ! -x "$tools/bin/python" ]; then
    python3 -m venv "$tools"
fi
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
    'maturin==1.16.0' 'mypy==2.4.1' 'pytest==9.2.0'

# The release profile: the wheel shares its dependencies with `cargo build --release`.
rm -rf "$target/test-wheel"
"$tools/bin/maturin" build --quiet --locked --release --interpreter "$tools/bin/python" --out "$target/test-wheel"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall \
    "$target"/test-wheel/*.whl

export PATH="$tools/bin:$PATH"
"$tools/bin/mypy" --no-error-summary python/rqsearch python/tests
"$tools/bin/stubtest" rqsearch._rqsearch
# The installed package is tested, not the source next to it: hence importlib.
exec "$tools/bin/pytest" "$@"
