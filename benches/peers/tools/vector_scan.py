"""Compares a phrase with all vectors, for tools that search words only: one product of matrices with NumPy."""

from pathlib import Path

import numpy as np

from collection import DIMENSIONS, Collection, Vector


class VectorScan:
    """The vectors of a collection in two files."""

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        owners = np.array([passage.question for passage in collection.passages], dtype=np.int64)
        vectors = np.frombuffer(collection.vectors, dtype=np.float32).reshape(-1, DIMENSIONS)
        np.save(directory / "vectors.npy", vectors)
        # The passages of a question follow each other, so the first one of each is enough.
        questions, firsts = np.unique(owners, return_index=True)
        np.save(directory / "firsts.npy", np.stack([questions, firsts]))

    def __init__(self, directory: Path) -> None:
        self.vectors = np.load(directory / "vectors.npy", mmap_mode="r")
        self.questions, self.firsts = np.load(directory / "firsts.npy")

    def nearest(self, vector: Vector, count: int) -> list[int]:
        """The questions with the highest cosine of any of their passages, the best first."""
        cosines = self.vectors @ np.frombuffer(vector, dtype=np.float32)
        best_of_each = np.maximum.reduceat(cosines, self.firsts)
        count = min(count, len(best_of_each))
        best = np.argpartition(-best_of_each, count - 1)[:count]
        return [int(question) for question in self.questions[best[np.argsort(-best_of_each[best])]]]
