"""Questions, their passages, phrases, and the vectors of both, in one directory.

| file | content |
|---|---|
| `questions.jsonl` | what `rqsearch export` writes |
| `passages.jsonl`, `passages.f32`, `phrases.f32` | what `examples/vectors.rs` writes |
| `phrases.txt` | a phrase per line |

Only the standard library is imported, so that the time to start a tool does not contain packages that it does not use.
"""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

DIMENSIONS = 384

# The vector of a phrase or a passage: DIMENSIONS floats of length 1.
Vector: TypeAlias = "array[float]"


@dataclass(frozen=True)
class Question:
    """A question with its answer."""

    id: str
    key: str | None
    title: str
    also: list[str]
    answer: str


@dataclass(frozen=True)
class Passage:
    """A part of a question that has a vector: a title, an alternative title, or a title with a part of the answer."""

    question: int
    """The position of the question in the collection."""
    text: str


@dataclass(frozen=True)
class Collection:
    """What a tool indexes."""

    questions: list[Question]
    passages: list[Passage]
    """The passages of one question follow each other."""
    vectors: Vector
    """The vectors of all passages, one after the other."""


def load(directory: Path) -> Collection:
    """Reads a collection."""
    questions = questions_in(directory)
    positions = {question.id: position for position, question in enumerate(questions)}
    passages = [Passage(positions[line["question"]], line["text"]) for line in json_lines(directory / "passages.jsonl")]
    file = directory / "passages.f32"
    vectors = array("f")
    with file.open("rb") as source:
        vectors.fromfile(source, file.stat().st_size // vectors.itemsize)
    if len(vectors) != len(passages) * DIMENSIONS:
        raise ValueError(f"{file} does not have a vector of {DIMENSIONS} dimensions for each passage")
    return Collection(questions, passages, vectors)


def questions_in(directory: Path) -> list[Question]:
    """Reads the questions of a collection."""
    fields = ("id", "key", "title", "also", "answer")
    return [Question(*(line[field] for field in fields)) for line in json_lines(directory / "questions.jsonl")]


def phrases(directory: Path) -> Iterator[tuple[str, Vector]]:
    """Reads the phrases of a collection, each with its vector."""
    with (directory / "phrases.txt").open(newline="\n") as texts, (directory / "phrases.f32").open("rb") as vectors:
        for text in texts:
            vector = array("f")
            vector.fromfile(vectors, DIMENSIONS)
            yield text.rstrip("\n"), vector


def json_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Reads a file with a JSON object per line."""
    with file.open(newline="\n") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def write_json_lines(file: Path, values: Iterator[dict[str, Any]]) -> None:
    """Writes a file with a JSON object per line."""
    with file.open("w") as out:
        out.writelines(json.dumps(value) + "\n" for value in values)
