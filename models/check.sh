#!/usr/bin/env bash
# Compares the files of the built-in model with SHA256SUMS, where minilm.data stands for the parts of the weights.
set -euo pipefail
cd "$(dirname "$0")"
sum() { sha256sum | cut -d' ' -f1; }
diff SHA256SUMS - <<END
$(sum < minilm.onnx)  minilm.onnx
$(cat minilm-1/weights minilm-2/weights minilm-3/weights | sum)  minilm.data
$(sum < vocab.txt)  vocab.txt
END
