"""Combines the rankings of two retrievers, for tools that leave this to the user."""

from collections.abc import Iterable, Sequence

# How many questions each retriever contributes.
CANDIDATES = 50

# From Cormack, Clarke and Büttcher (2009), and the default of most tools.
RANK_CONSTANT = 60


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]]) -> list[int]:
    """Orders what is in any of the rankings by the sum of 1 / (60 + rank)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (RANK_CONSTANT + rank)
    return sorted(scores, key=lambda item: -scores[item])


def without_repeats(items: Iterable[int]) -> list[int]:
    """Keeps the first of equal items. The questions of ranked passages are ranked by their best passage."""
    return list(dict.fromkeys(items))
