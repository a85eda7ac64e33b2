"""Finds the question that any phrase is about: hybrid search for questions and answers, offline.

>>> import rqsearch
>>> engine = rqsearch.Engine.builtin()
>>> results = engine.search("holding a mutex across await", limit=3)
>>> results.answered
True
>>> results[0].title
'Should I use `std::sync::Mutex` or `tokio::sync::Mutex` in async code?'
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rqsearch._engine import (
        Check,
        Duplicate,
        DuplicateGroup,
        Engine,
        Facet,
        Facets,
        FacetValue,
        Hit,
        Question,
        Results,
        Skipped,
        Snippet,
        Source,
    )
    from rqsearch._errors import Error, IndexNotFoundError

    __version__: str

__all__ = [
    "Check",
    "Duplicate",
    "DuplicateGroup",
    "Engine",
    "Error",
    "Facet",
    "FacetValue",
    "Facets",
    "Hit",
    "IndexNotFoundError",
    "Question",
    "Results",
    "Skipped",
    "Snippet",
    "Source",
    "__version__",
]


def __getattr__(name: str) -> object:
    # Imported when first used: the command line starts without it.
    if name == "__version__":
        from rqsearch import _rqsearch

        return _rqsearch.__version__
    if name in __all__:
        from rqsearch import _engine, _errors

        return getattr(_errors if name.endswith("Error") else _engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
