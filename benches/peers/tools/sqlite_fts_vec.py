"""SQLite with FTS5 for words and sqlite-vec for vectors, combined by reciprocal rank fusion.

apsw is a binding with its own SQLite, since Python's sqlite3 is often compiled without extensions. FTS5 has a row per
question and sqlite-vec a row per passage. Any word of a phrase may match; the order is that of FTS5's bm25().
"""

import re
from pathlib import Path

import apsw
import sqlite_vec

from collection import DIMENSIONS, Collection, Vector
from fusion import CANDIDATES, reciprocal_rank_fusion, without_repeats

# How many of the nearest passages are read: several can be of one question.
PASSAGES = 4 * CANDIDATES


class Tool:
    NAME = "SQLite FTS5 + sqlite-vec"
    PACKAGES = ("apsw", "sqlite-vec")

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        database = _connect(directory)
        database.execute(
            "create virtual table words using fts5(title, answer, content='', tokenize='porter unicode61')"
        )
        database.execute(f"create virtual table passages using vec0(embedding float[{DIMENSIONS}], +question integer)")
        questions = (
            (position, "\n".join([question.title, *question.also]), question.answer)
            for position, question in enumerate(collection.questions)
        )
        size = DIMENSIONS * collection.vectors.itemsize
        vectors = memoryview(collection.vectors).cast("B")
        passages = (
            (bytes(vectors[size * row : size * (row + 1)]), passage.question)
            for row, passage in enumerate(collection.passages)
        )
        with database:
            database.executemany("insert into words(rowid, title, answer) values (?, ?, ?)", questions)
            database.executemany("insert into passages(embedding, question) values (?, ?)", passages)

    def __init__(self, directory: Path) -> None:
        self.database = _connect(directory)

    def search(self, phrase: str, vector: Vector, limit: int) -> list[int]:
        passages = self.database.execute(
            "select question from passages where embedding match ? and k = ? order by distance",
            (vector.tobytes(), PASSAGES),
        )
        nearest = without_repeats(question for (question,) in passages)[:CANDIDATES]
        return reciprocal_rank_fusion([self._with_words(phrase), nearest])[:limit]

    def _with_words(self, phrase: str) -> list[int]:
        any_word = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", phrase))
        # FTS5 refuses a query without words, such as that of the phrase "$".
        if not any_word:
            return []
        found = self.database.execute(
            "select rowid from words where words match ? order by rank limit ?", (any_word, CANDIDATES)
        )
        return [question for (question,) in found]


def _connect(directory: Path) -> apsw.Connection:
    database = apsw.Connection(str(directory / "index.sqlite"))
    database.enable_load_extension(True)
    database.load_extension(sqlite_vec.loadable_path())
    return database
