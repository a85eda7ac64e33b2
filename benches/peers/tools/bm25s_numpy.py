"""bm25s for words, NumPy for vectors, combined by reciprocal rank fusion.

Stop words and a stemmer as in the README of bm25s; its parameters are the defaults. Words are looked up in whole
questions.
"""

from pathlib import Path

import bm25s
import Stemmer

from collection import Collection, Vector
from fusion import CANDIDATES, reciprocal_rank_fusion
from tools.vector_scan import VectorScan


class Tool:
    NAME = "bm25s + NumPy"
    PACKAGES = ("bm25s", "PyStemmer", "numpy")

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        texts = ["\n".join([question.title, *question.also, question.answer]) for question in collection.questions]
        retriever = bm25s.BM25()
        retriever.index(_tokens(texts, Stemmer.Stemmer("english")), show_progress=False)
        retriever.save(directory / "words")
        VectorScan.build(collection, directory)

    def __init__(self, directory: Path) -> None:
        self.stemmer = Stemmer.Stemmer("english")
        self.retriever = bm25s.BM25.load(directory / "words", mmap=True)
        self.candidates = min(CANDIDATES, self.retriever.scores["num_docs"])
        self.vectors = VectorScan(directory)

    def search(self, phrase: str, vector: Vector, limit: int) -> list[int]:
        tokens = _tokens([phrase], self.stemmer)
        found, scores = self.retriever.retrieve(tokens, k=self.candidates, show_progress=False)
        words = [int(question) for question, score in zip(found[0], scores[0], strict=True) if score > 0]
        return reciprocal_rank_fusion([words, self.vectors.nearest(vector, CANDIDATES)])[:limit]


def _tokens(texts: list[str], stemmer: Stemmer.Stemmer) -> bm25s.tokenization.Tokenized:
    return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
