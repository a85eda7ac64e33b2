#!/usr/bin/env python3
"""Measures `rqsearch gaps` on a labelled set.

    eval/gaps.py SET [--all] [--out-of-scope FILE] [--rqsearch PROGRAM]

SET is a directory in the layout of BEIR: corpus.jsonl, queries.jsonl and qrels/test.tsv. Documents and queries that are
connected by judgements have one intent. Every second intent is not indexed, so that nothing answers its queries, unless
--all is given. Nothing answers the phrases of --out-of-scope either: JSON Lines with the key text.

Prints the part of the phrases without an answer that is in gaps, the part of the phrases with an answer that is, the
purity of the groups (of the phrases in groups of two or more with an intent, those with the most frequent intent of their
group), and how many suggestions are right (an intent that is indexed: another way to ask; else: new question).
"""

import argparse
import collections
import json
import pathlib
import subprocess
import tempfile


def read_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def intents(qrels):
    """Maps each query and document to its intent: those that judgements connect have the same."""
    parent = {}

    def root(name):
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for line in qrels.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if float(score) > 0:
            one, two = root(("q", query)), root(("d", document))
            parent[max(one, two)] = min(one, two)
    return {name: root(name) for name in list(parent)}


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    return done.stdout


def key(text):
    """Spellings with the same key are one phrase."""
    return " ".join(text.casefold().split()).rstrip("?!.… ")


def fraction(part, whole):
    return f"{part / whole:.3f} ({part} of {whole})" if whole else "-"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set", type=pathlib.Path)
    parser.add_argument("--rqsearch", default="rqsearch", metavar="PROGRAM")
    parser.add_argument("--similarity", metavar="S")
    parser.add_argument("--min-confidence", metavar="C")
    parser.add_argument("--all", action="store_true", help="index every intent")
    parser.add_argument("--out-of-scope", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--show", action="store_true", help="print the groups")
    args = parser.parse_args()

    intent_of = intents(args.set / "qrels" / "test.tsv")
    names = sorted({intent for (kind, _), intent in intent_of.items() if kind == "q"})
    held_out = set() if args.all else set(names[1::2])
    documents = [
        document
        for document in read_lines(args.set / "corpus.jsonl")
        if intent_of.get(("d", document["_id"])) not in held_out
    ]
    labels, answerable, texts = {}, {}, []
    for query in read_lines(args.set / "queries.jsonl"):
        intent = intent_of.get(("q", query["_id"]))
        labels[key(query["text"])] = intent
        answerable[key(query["text"])] = intent is not None and intent not in held_out
        texts.append(query["text"])
    for query in read_lines(args.out_of_scope) if args.out_of_scope else []:
        labels.setdefault(key(query["text"]), None)
        answerable.setdefault(key(query["text"]), False)
        texts.append(query["text"])

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        corpus, phrases, index = folder / "corpus.jsonl", folder / "phrases.jsonl", folder / "index"
        corpus.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
        phrases.write_text("".join(json.dumps({"q": text}) + "\n" for text in texts), encoding="utf-8")
        run(args.rqsearch, "index", "--index", index, corpus)
        options = ["--similarity", args.similarity] if args.similarity else []
        options += ["--min-confidence", args.min_confidence] if args.min_confidence else []
        reply = run(args.rqsearch, "gaps", "--json", "--min-size", "1", "--index", index, *options, phrases)
    groups = json.loads(reply)["groups"]

    gaps = [key(example["text"]) for group in groups for example in group["examples"]]
    counts = collections.Counter(answerable[text] for text in gaps if text in answerable)
    totals = collections.Counter(answerable.values())
    print(f"documents {len(documents)}, intents {len(names)}, held out {len(held_out)}")
    print("unanswerable phrases in gaps:", fraction(counts[False], totals[False]))
    print("answerable phrases in gaps:  ", fraction(counts[True], totals[True]))

    pure = labelled = grouped = right = suggested = another = 0
    for group in groups:
        texts = [key(example["text"]) for example in group["examples"]]
        known = collections.Counter(labels[text] for text in texts if labels.get(text) is not None)
        if len(texts) > 1:
            grouped += len(texts)
            if sum(known.values()) > 1:
                pure += known.most_common(1)[0][1]
                labelled += sum(known.values())
        if known:
            is_indexed = known.most_common(1)[0][0] not in held_out
            suggested += 1
            another += is_indexed
            right += is_indexed == (group["suggestion"] == "another_way")
        if args.show and len(texts) > 1:
            print(group["asked"], group["suggestion"], len(known), texts[:6], group["nearest"] and group["nearest"]["title"])
    sizes = sum(len(group["examples"]) > 1 for group in groups)
    print(f"groups of two or more: {sizes}, phrases in them: {fraction(grouped, len(gaps))}")
    print("purity:", fraction(pure, labelled))
    print("right suggestions:", fraction(right, suggested), f"of which another way {another}")


if __name__ == "__main__":
    main()
