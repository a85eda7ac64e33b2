"""txtai's hybrid search with vectors from outside.

An entry is a passage. Both scores count half, which is the default, and Faiss is set up as txtai does it for this size.
txtai asks a function for the vectors of texts: here it looks them up.
"""

import os
from pathlib import Path

# Lets an index name the function below.
os.environ["ALLOW_RESOLVE_TRANSFORM"] = "True"
# Nothing is downloaded from a hub of models.
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from txtai import Embeddings

from collection import DIMENSIONS, Collection, Vector
from fusion import CANDIDATES, without_repeats

# How many passages a search returns: several can be of one question.
PASSAGES = 4 * CANDIDATES

_vectors: dict[str, np.ndarray] = {}


def transform(texts: list[str]) -> np.ndarray:
    """The vectors of texts that were announced."""
    return np.stack([_vectors[text] for text in texts])


class Tool:
    NAME = "txtai hybrid"
    PACKAGES = ("txtai", "faiss-cpu", "torch")

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        texts = [passage.text for passage in collection.passages]
        vectors = np.frombuffer(collection.vectors, dtype=np.float32).reshape(-1, DIMENSIONS)
        _vectors.update(zip(texts, vectors, strict=True))
        embeddings = Embeddings(method="external", transform=f"{__name__}.transform", hybrid=True)
        embeddings.index(enumerate(texts))
        embeddings.save(str(directory / "index"))
        np.save(directory / "owners.npy", np.array([passage.question for passage in collection.passages]))

    def __init__(self, directory: Path) -> None:
        self.embeddings = Embeddings()
        self.embeddings.load(str(directory / "index"))
        self.owners = np.load(directory / "owners.npy")

    def search(self, phrase: str, vector: Vector, limit: int) -> list[int]:
        _vectors[phrase] = np.frombuffer(vector, dtype=np.float32)
        found = self.embeddings.search(phrase, PASSAGES)
        return without_repeats(int(self.owners[passage]) for passage, _ in found)[:limit]
