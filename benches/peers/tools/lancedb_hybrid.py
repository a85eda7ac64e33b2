"""LanceDB's hybrid search with its RRFReranker.

A row is a passage. The text index has the default settings: English stems and stop words. There is no vector index: its
documentation calls one unnecessary for around 100,000 rows or fewer.
"""

import os
from pathlib import Path

# Each search would log two warnings that its own hybrid search gives rise to.
os.environ.setdefault("LANCEDB_LOG", "error")

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.rerankers import RRFReranker

from collection import DIMENSIONS, Collection, Vector
from fusion import CANDIDATES, without_repeats

# How many passages each of its retrievers returns: several can be of one question.
PASSAGES = 4 * CANDIDATES


class Tool:
    NAME = "LanceDB hybrid"
    PACKAGES = ("lancedb",)

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        rows = pa.table(
            {
                "question": pa.array([passage.question for passage in collection.passages], pa.int64()),
                "text": pa.array([passage.text for passage in collection.passages]),
                "vector": pa.FixedSizeListArray.from_arrays(
                    pa.array(np.frombuffer(collection.vectors, dtype=np.float32)), DIMENSIONS
                ),
            }
        )
        table = lancedb.connect(directory).create_table("passages", rows)
        table.create_index("text", config=lancedb.index.FTS())

    def __init__(self, directory: Path) -> None:
        self.table = lancedb.connect(directory).open_table("passages")
        self.reranker = RRFReranker()

    def search(self, phrase: str, vector: Vector, limit: int) -> list[int]:
        query = self.table.search(query_type="hybrid", vector_column_name="vector", fts_columns="text")
        query = query.vector(np.frombuffer(vector, dtype=np.float32)).text(phrase).distance_type("cosine")
        found = query.select(["question"]).rerank(self.reranker).limit(PASSAGES).to_arrow()
        return without_repeats(found["question"].to_pylist())[:limit]
