"""tantivy's Python binding for words, NumPy for vectors, combined by reciprocal rank fusion.

Words are looked up in two fields of whole questions, with English stems. The query language would read characters of a
phrase as operators, so that only the words of a phrase are passed on.
"""

import re
from pathlib import Path

import tantivy

from collection import Collection, Vector
from fusion import CANDIDATES, reciprocal_rank_fusion
from tools.vector_scan import VectorScan


class Tool:
    NAME = "tantivy + NumPy"
    PACKAGES = ("tantivy", "numpy")

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        (directory / "words").mkdir()
        index = tantivy.Index(_schema(), path=str(directory / "words"))
        writer = index.writer()
        for position, question in enumerate(collection.questions):
            title = "\n".join([question.title, *question.also])
            writer.add_document(tantivy.Document(question=position, title=title, answer=question.answer))
        writer.commit()
        writer.wait_merging_threads()
        VectorScan.build(collection, directory)

    def __init__(self, directory: Path) -> None:
        self.index = tantivy.Index.open(str(directory / "words"))
        self.searcher = self.index.searcher()
        self.vectors = VectorScan(directory)

    def search(self, phrase: str, vector: Vector, limit: int) -> list[int]:
        text = " ".join(re.findall(r"\w+", phrase.lower()))
        query, _ = self.index.parse_query_lenient(text, ["title", "answer"])
        hits = self.searcher.search(query, CANDIDATES).hits
        words = [self.searcher.doc(address)["question"][0] for _, address in hits]
        return reciprocal_rank_fusion([words, self.vectors.nearest(vector, CANDIDATES)])[:limit]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("question", stored=True)
    builder.add_text_field("title", tokenizer_name="en_stem")
    builder.add_text_field("answer", tokenizer_name="en_stem")
    return builder.build()
