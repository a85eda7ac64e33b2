"""Judged phrases: which questions are relevant for which phrase."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import collection
from collection import Question
from metrics import mean, ndcg


@dataclass(frozen=True)
class JudgedPhrase:
    """A phrase with the questions that answer it."""

    text: str
    id: str = ""
    """The key of the question that the phrase itself is, if it is one. It is not an answer to itself."""
    titles: tuple[str, ...] = ()
    """Each question whose title contains one of these, ignoring case, is relevant."""
    grades: tuple[tuple[str, int], ...] = ()
    """The keys of relevant questions, with their grades."""


def read_phrases(file: Path) -> list[JudgedPhrase]:
    """Reads lines of a phrase, a tab, and parts of the relevant titles with `|` between them.

    Phrases that nothing answers are left out.
    """
    judged = []
    for line in file.read_text().splitlines():
        phrase, _, titles = line.partition("\t")
        parts = tuple(part.strip().lower() for part in titles.split("|") if part.strip())
        if parts and not line.startswith("# "):
            judged.append(JudgedPhrase(phrase, titles=parts))
    return judged


def read_set(directory: Path) -> list[JudgedPhrase]:
    """Reads `queries.jsonl` and `qrels/test.tsv` of a set in BEIR layout."""
    grades: dict[str, dict[str, int]] = {}
    _, *lines = (directory / "qrels" / "test.tsv").read_text().splitlines()
    for line in lines:
        query, document, grade = line.split("\t")
        if int(grade) > 0 and query != document:
            grades.setdefault(query, {})[document] = int(grade)
    return [
        # A phrase is a line.
        JudgedPhrase(" ".join(query["text"].split()), query["_id"], grades=tuple(grades[query["_id"]].items()))
        for query in collection.json_lines(directory / "queries.jsonl")
        if query["_id"] in grades
    ]


@dataclass(frozen=True)
class Quality:
    """Means over all phrases."""

    ndcg_10: float
    first_right: float
    """The share of phrases whose first hit is relevant."""


class Judge:
    """Judges what a tool finds in a collection."""

    def __init__(self, directory: Path, phrases: Sequence[JudgedPhrase]) -> None:
        self.phrases = phrases
        self.questions = collection.questions_in(directory)
        self.titles = [question.title.lower() for question in self.questions]

    def quality(self, rankings: Sequence[Sequence[int]]) -> Quality:
        """Compares the ranking of each phrase, which consists of positions of questions, with the judgements."""
        gains, firsts = [], []
        for phrase, ranking in zip(self.phrases, rankings, strict=True):
            grades = self._grades(phrase)
            found = [grades.get(hit, 0) for hit in ranking if not self._is_itself(phrase, self.questions[hit])]
            gains.append(ndcg(found, list(grades.values())))
            firsts.append(float(bool(found) and found[0] > 0))
        return Quality(mean(gains), mean(firsts))

    def _grades(self, phrase: JudgedPhrase) -> dict[int, int]:
        """The relevant questions by position."""
        if phrase.titles:
            return {
                position: 1
                for position, title in enumerate(self.titles)
                if any(part in title for part in phrase.titles)
            }
        by_key = dict(phrase.grades)
        return {
            position: by_key[question.key] for position, question in enumerate(self.questions) if question.key in by_key
        }

    @staticmethod
    def _is_itself(phrase: JudgedPhrase, question: Question) -> bool:
        return bool(phrase.id) and question.key == phrase.id
