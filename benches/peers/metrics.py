"""Metrics of rankings and of times."""

from collections.abc import Sequence
from math import ceil, log2


def ndcg(found: Sequence[int], relevant: Sequence[int], depth: int = 10) -> float:
    """Normalized discounted cumulative gain.

    `found` has the grade of each hit, 0 if it is not relevant; `relevant` has the grades of all relevant questions.
    0 if nothing is relevant.
    """
    best = _gain(sorted(relevant, reverse=True), depth)
    return _gain(found, depth) / best if best else 0.0


def _gain(grades: Sequence[int], depth: int) -> float:
    return sum(grade / log2(rank + 1) for rank, grade in enumerate(grades[:depth], 1))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1]


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 if there are no values."""
    return sum(values) / len(values) if values else 0.0
