"""Makes up questions, to measure speed with a chosen number of them.

The words are those of the built-in model's vocabulary, which orders them by frequency. How often a word occurs follows
Zipf's law. Each phrase has four words of a title and one other word. The seed is fixed.
"""

import random
import re
from collections.abc import Iterator
from math import exp, log
from pathlib import Path
from typing import Any

PHRASES = 500


class Generator:
    """Makes up questions and phrases."""

    def __init__(self, vocabulary: Path) -> None:
        self.words = [word for word in vocabulary.read_text().split() if re.fullmatch("[a-z]{3,}", word)]
        # The probability of rank r is proportional to 1 / (r + 2.7), as Mandelbrot found.
        self.most = log((len(self.words) + 2.7) / 2.7)

    def questions(self, count: int, edition: int) -> Iterator[dict[str, Any]]:
        """The same questions with the same texts in each edition. Their records differ."""
        for nth in range(count):
            title, answer = self._question(nth)
            yield {"question": " ".join(title) + "?", "answer": " ".join(answer) + ".", "edition": edition}

    def phrases(self, count: int) -> Iterator[str]:
        """Phrases about `count` questions."""
        source = random.Random("phrases")
        for _ in range(PHRASES):
            title, _ = self._question(source.randrange(count))
            yield " ".join([*title[:8:2], self._word(source)])

    def _question(self, nth: int) -> tuple[list[str], list[str]]:
        source = random.Random(nth)
        title = [self._word(source) for _ in range(source.randint(6, 10))]
        answer = [self._word(source) for _ in range(source.randint(12, 25))]
        # An answer repeats some words of its title.
        return title, answer + title[::2]

    def _word(self, source: random.Random) -> str:
        rank = int(2.7 * exp(source.random() * self.most) - 2.7)
        return self.words[min(rank, len(self.words) - 1)]
