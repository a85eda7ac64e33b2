"""The engine and what it returns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any, Literal, Union, overload

from rqsearch import _rqsearch

_Path = Union[str, "os.PathLike[str]"]
Mode = Literal["hybrid", "keyword", "semantic"]
Sort = Literal["relevance", "newest", "score"]
FacetName = Literal["section", "tag", "level", "language", "source", "year"]


class _Reply:
    """Data of the engine. Two replies with the same data are equal."""

    __slots__ = ("_data",)

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def to_dict(self) -> dict[str, Any]:
        """The same data with the keys that ``rqsearch --json`` writes."""
        return self._data

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]


class Source(_Reply):
    """Where a question is."""

    __slots__ = ()

    @property
    def path(self) -> str:
        """The file, relative to the directory that holds the index if it is below it."""
        return self._data["path"]

    @property
    def line(self) -> int:
        """The line of the question, from 1."""
        return self._data["line"]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def __repr__(self) -> str:
        return f"Source({str(self)!r})"


class Snippet(_Reply):
    """An excerpt of an answer.

    >>> snippet = Engine.builtin().search("cow vs clone")[0].snippet
    >>> [snippet.text[start:end] for start, end in snippet.highlights][0]
    'Cow'
    """

    __slots__ = ()

    @property
    def text(self) -> str:
        """Whole sentences, as Markdown with inline markup only, or whole lines of code."""
        return self._data["text"]

    @property
    def kind(self) -> str:
        """``"text"`` or ``"code"``."""
        return self._data["kind"]

    @property
    def language(self) -> str | None:
        """The language of code in lower case, if the answer names it."""
        return self._data["language"]

    @property
    def highlights(self) -> list[tuple[int, int]]:
        """The ranges of :attr:`text` that match the phrase, in characters.

        ``to_dict()`` has them in UTF-8 bytes, as the JSON of the program has.
        """
        encoded = self.text.encode()

        def characters(end: int) -> int:
            return len(encoded[:end].decode())

        return [(characters(start), characters(end)) for start, end in self._data["highlights"]]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Snippet({self.text!r})"


class _Titled(_Reply):
    __slots__ = ()

    @property
    def id(self) -> str:
        """Names the question in its index; stays the same as long as its file and title do."""
        return self._data["id"]

    @property
    def title(self) -> str:
        """The question."""
        return self._data["title"]

    @property
    def source(self) -> Source:
        """Where it is."""
        return Source(self._data["source"])


class _Described(_Titled):
    __slots__ = ()

    @property
    def key(self) -> str | None:
        """The name that the source gives it, such as the ``id`` of a record."""
        return self._data["key"]

    @property
    def section(self) -> str | None:
        """The heading that it is under, or its category."""
        return self._data["section"]

    @property
    def level(self) -> str | None:
        """Its difficulty, in the words of the source."""
        return self._data["level"]

    @property
    def tags(self) -> list[str]:
        """Its subjects."""
        return self._data["tags"]

    @property
    def url(self) -> str | None:
        """Its web address."""
        return self._data["url"]

    @property
    def date(self) -> str | None:
        """Its date: ``YYYY-MM-DD``, or RFC 3339 in UTC (``2024-03-01T10:20:30Z``)."""
        return self._data["date"]


class Question(_Described):
    """A question with its answer.

    >>> question = Engine.builtin().get("50c562f97e98")
    >>> question.title
    'What is `Cow`, and when does it pay off?'
    """

    __slots__ = ()

    @property
    def answer(self) -> str:
        """The answer, Markdown; empty if there is none."""
        return self._data["answer"]

    @property
    def also(self) -> list[str]:
        """Alternative titles: other ways to ask it."""
        return self._data["also"]

    @property
    def score(self) -> float | None:
        """The rating that the source gives it, such as votes."""
        return self._data["score"]

    @property
    def fields(self) -> dict[str, str]:
        """Everything else that the source says about it."""
        return self._data["fields"]

    def __repr__(self) -> str:
        return f"Question({self.title!r}, id={self.id!r})"


class Hit(_Described):
    """A question that was found."""

    __slots__ = ()

    @property
    def rank(self) -> int:
        """From 1."""
        return self._data["rank"]

    @property
    def score(self) -> float:
        """Orders the hits of one phrase; not comparable between phrases."""
        return self._data["score"]

    @property
    def confidence(self) -> float | None:
        """How sure it is that it answers the phrase, 0 to 1. None if the index has no embeddings."""
        return self._data["confidence"]

    @property
    def probability(self) -> float | None:
        """The probability, 0 to 1, that it answers the phrase. None unless the index is calibrated."""
        return self._data["probability"]

    @property
    def quality(self) -> str | None:
        """A word for :attr:`confidence`: ``"strong"``, ``"likely"`` or ``"weak"``."""
        return self._data["quality"]

    @property
    def pinned(self) -> bool:
        """Whether the owner of the index put the question first for this phrase."""
        return self._data["pinned"]

    @property
    def snippet(self) -> Snippet:
        """The part of the answer that shows best why it was found."""
        return Snippet(self._data["snippet"])

    @property
    def distinction(self) -> str | None:
        """If other questions have the same title: the first line of the answer that tells this one apart."""
        return self._data["distinction"]

    @property
    def also_asked(self) -> list[dict[str, Any]]:
        """Questions that ask the same and would have been hits as well."""
        return self._data["also_asked"]

    def __repr__(self) -> str:
        confidence = "" if self.confidence is None else f", confidence={self.confidence:.2f}"
        return f"Hit({self.title!r}, id={self.id!r}{confidence})"


class FacetValue(_Reply):
    """A value of a facet."""

    __slots__ = ()

    @property
    def value(self) -> str:
        """The value, for the filter with the name of the facet."""
        return self._data["value"]

    @property
    def count(self) -> int:
        """How many of the matching questions have it."""
        return self._data["count"]

    def __repr__(self) -> str:
        return f"FacetValue({self.value!r}, {self.count})"


class Facet(_Reply):
    """The values of one property of the matching questions."""

    __slots__ = ()

    @property
    def name(self) -> FacetName:
        """The name of the property."""
        return self._data["name"]

    @property
    def values(self) -> list[FacetValue]:
        """The most frequent values first; years are in order, latest first."""
        return [FacetValue(value) for value in self._data["values"]]

    @property
    def more(self) -> int:
        """How many other values there are."""
        return self._data["more"]

    def __repr__(self) -> str:
        return f"Facet({self.name!r}, {self.values!r})"


class Facets(_Reply):
    """The counts of all questions that match a phrase and the filters, also of those that are not hits."""

    __slots__ = ()

    @property
    def matching(self) -> int:
        """The number of questions that match."""
        return self._data["matching"]

    @property
    def counts(self) -> list[Facet]:
        """The facets, in the order of the request."""
        return [Facet(facet) for facet in self._data["counts"]]

    def __getitem__(self, name: FacetName) -> Facet:
        """The facet with this name. KeyError if it was not requested."""
        for facet in self.counts:
            if facet.name == name:
                return facet
        raise KeyError(name)

    def __iter__(self) -> Iterator[Facet]:
        """The facets, in the order of the request."""
        return iter(self.counts)

    def __repr__(self) -> str:
        return f"Facets({self.matching} matching, {self.counts!r})"


class Results(_Reply, Sequence[Hit]):
    """The hits of one phrase, best first: a sequence of :class:`Hit`.

    >>> results = Engine.builtin().search("pizza in naples")
    >>> results.answered
    False
    """

    __slots__ = ()

    @property
    def query(self) -> str:
        """The phrase."""
        return self._data["query"]

    @property
    def answered(self) -> bool:
        """Whether the most relevant question is likely to answer the phrase; see ``min_confidence``."""
        return self._data["answered"]

    @property
    def total(self) -> int:
        """How many questions were ranked, before those that ask the same become one hit."""
        return self._data["total"]

    @property
    def next(self) -> int | None:
        """The ``offset`` of the next page. None if this is the last one."""
        return self._data["next"]

    @property
    def took_ms(self) -> float:
        """How long the search took, in milliseconds."""
        return self._data["took_ms"]

    @property
    def notice(self) -> str | None:
        """Why less was searched than requested, if so."""
        return self._data["notice"]

    @property
    def facets(self) -> Facets | None:
        """The counts of the ``facets`` that were requested. None if none were."""
        facets = self._data.get("facets")
        return None if facets is None else Facets(facets)

    @property
    def hits(self) -> list[Hit]:
        """The hits as a list."""
        return [Hit(hit) for hit in self._data["hits"]]

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> list[Hit]: ...
    def __getitem__(self, index: int | slice) -> Hit | list[Hit]:
        found = self._data["hits"][index]
        return [Hit(hit) for hit in found] if isinstance(index, slice) else Hit(found)

    def __len__(self) -> int:
        return len(self._data["hits"])

    def __repr__(self) -> str:
        return f"Results({self.query!r}, answered={self.answered}, {len(self)} hits)"


class Duplicate(_Titled):
    """A question that asks the same as another one."""

    __slots__ = ()

    @property
    def kind(self) -> Literal["exact", "repeat", "paraphrase"]:
        """The same text; the same but for case, punctuation and markup; or the same in other words."""
        return self._data["kind"]

    @property
    def probability(self) -> float:
        """The probability, 0 to 1, that both ask the same."""
        return self._data["probability"]

    def __repr__(self) -> str:
        return f"Duplicate({self.title!r}, {self.kind}, probability={self.probability:.2f})"


class DuplicateGroup(_Reply):
    """Questions that ask the same."""

    __slots__ = ()

    @property
    def canonical(self) -> Duplicate:
        """The question to keep."""
        return Duplicate({**self._data["canonical"], "kind": "exact", "probability": 1.0})

    @property
    def duplicates(self) -> list[Duplicate]:
        """The others, the most probable first."""
        return [Duplicate(member) for member in self._data["duplicates"]]

    def __repr__(self) -> str:
        return f"DuplicateGroup({self.canonical.title!r}, {len(self.duplicates)} duplicates)"


class Check(_Reply):
    """Whether a new question duplicates one of the index. True in a condition if it does."""

    __slots__ = ()

    @property
    def duplicates(self) -> list[Duplicate]:
        """The questions that it duplicates, the most probable first."""
        return [Duplicate(member) for member in self._data["duplicates"]]

    def __bool__(self) -> bool:
        return bool(self._data["duplicate"])

    def __repr__(self) -> str:
        return f"Check({self._data['query']!r}, {len(self.duplicates)} duplicates)"


class Skipped:
    """A record or file that could not be read while indexing."""

    __slots__ = ("path", "line", "reason")

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path = path
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}" if self.line else f"{self.path}: {self.reason}"

    def __repr__(self) -> str:
        return f"Skipped({str(self)!r})"


class Engine:
    """An index with its embedding model, open for searches.

    Create one with :meth:`builtin`, :meth:`open`, :meth:`build` or :meth:`from_records`. Any number of threads
    may use it at once: the GIL is released while it works. Changes to the index on disk are seen within 0.1
    seconds.
    """

    __slots__ = ("_engine", "skipped")

    _engine: _rqsearch.Engine
    skipped: list[Skipped]
    """What :meth:`build` or :meth:`from_records` could not read."""

    def __init__(self) -> None:
        raise TypeError("use Engine.builtin(), Engine.open(), Engine.build() or Engine.from_records()")

    @classmethod
    def _new(cls, engine: _rqsearch.Engine, skipped: Iterable[tuple[Any, int | None, str]] = ()) -> Engine:
        new = object.__new__(cls)
        new._engine = engine
        new.skipped = [Skipped(Path(path), line, reason) for path, line, reason in skipped]
        return new

    @classmethod
    def builtin(cls) -> Engine:
        """The 660 questions on Rust that come with the package.

        >>> len(Engine.builtin())
        660
        """
        return cls._new(_rqsearch.Engine.builtin())

    @classmethod
    def open(cls, dir: _Path = ".rqsearch") -> Engine:
        """Open the index in a directory.

        Raises :class:`IndexNotFoundError` if there is none.

        >>> Engine.open("nowhere")
        Traceback (most recent call last):
        rqsearch._errors.IndexNotFoundError: no index in nowhere
        """
        return cls._new(_rqsearch.Engine.open(dir))

    @classmethod
    def build(
        cls,
        dir: _Path,
        paths: _Path | Iterable[_Path],
        *,
        model: str | None = None,
        keyword_only: bool = False,
        reread: bool = False,
    ) -> Engine:
        """Create or update the index in a directory from files and directories, and open it.

        Only changed files are read again, unless ``reread`` is true. ``model`` is what ``rqsearch index --model``
        takes; the default is the model of the index, or the built-in one. Records and files that cannot be read
        are listed in :attr:`skipped`.

        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "faq.md").write_text("## How long must dough rise?\\n\\nUntil it has doubled in size.\\n")
        >>> engine = Engine.build(folder / ".rqsearch", folder / "faq.md")
        >>> engine.search("when is the bread ready to bake")[0].title
        'How long must dough rise?'
        """
        if isinstance(paths, (str, os.PathLike)):
            paths = [paths]
        return cls._new(*_rqsearch.Engine.build(dir, list(paths), model, keyword_only, reread))

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]], *, keyword_only: bool = False) -> Engine:
        """Index records that are not in files: mappings with the keys of a JSON Lines file.

        ``question`` or ``title`` is required; ``answer``, ``id``, ``section``, ``level``, ``tags``, ``url`` and ``date``
        are understood, other keys are kept in :attr:`Question.fields`. The index lives as long as the engine. To keep
        one, write the records to a ``.jsonl`` file and use :meth:`build`.

        >>> engine = Engine.from_records([{"id": 7, "question": "Why wax a rope?", "answer": "It lasts longer."}])
        >>> engine.search("why is rope waxed")[0].key
        '7'
        """
        lines = "".join(json.dumps(dict(record), ensure_ascii=False) + "\n" for record in records)
        if not lines:
            raise ValueError("there are no records to index")
        return cls._new(*_rqsearch.Engine.from_json_lines(lines.encode(), keyword_only))

    def search(
        self,
        phrase: str,
        *,
        limit: int = 10,
        offset: int = 0,
        sort: Sort = "relevance",
        mode: Mode = "hybrid",
        exact: str | Sequence[str] = (),
        without: str | Sequence[str] = (),
        source: str | Sequence[str] = (),
        section: str | Sequence[str] = (),
        level: str | Sequence[str] = (),
        tag: str | Sequence[str] = (),
        language: str | Sequence[str] = (),
        since: str | date | None = None,
        until: str | date | None = None,
        min_confidence: float | None = None,
        all: bool = False,
        synonyms: bool = True,
        pins: bool = True,
        facets: FacetName | Sequence[FacetName] = (),
        facet_values: int = 20,
    ) -> Results:
        """Find the questions that a phrase is about, best first.

        The phrase is plain text. Words in quotation marks raise the questions that contain them in this order.

        ``exact`` requires words next to each other in this order, and ``without`` excludes words; other forms of a
        word do not match. ``source``, ``section``, ``level``, ``tag`` and ``language`` take one value or several, of
        which one must hold. ``since`` and ``until`` limit the date of the question: a :class:`datetime.date` or a text such as
        ``"2024"``, ``"2024-03"`` or ``"2024-03-01"``. ``sort`` orders the relevant questions by date (``"newest"``)
        or by the rating in their source (``"score"``). ``offset`` skips the first hits.

        ``min_confidence`` is the least confidence for :attr:`Results.answered`. ``all`` also returns hits that ask
        the same as a better one. ``synonyms`` and ``pins`` use the files ``synonyms.toml`` and ``pins.toml`` of the
        index. ``facets`` counts all matching questions by properties, with the ``facet_values`` most frequent values of
        each; the phrase may be empty then.

        >>> engine = Engine.builtin()
        >>> [hit.level for hit in engine.search("mutex", limit=2, level="senior")]
        ['senior', 'senior']
        >>> [hit.rank for hit in engine.search("mutex", exact="MutexGuard", limit=2, offset=1)]
        [2, 3]
        >>> facets = engine.search("", facets="level").facets
        >>> [value.value for value in facets["level"].values]
        ['intermediate', 'beginner', 'senior']
        """
        options = _options(
            limit, offset, sort, mode, exact, without, source, section, level, tag, since, until, min_confidence, all
        )
        options |= {"synonyms": synonyms, "pins": pins, "language": _values(language)}
        options |= {"facets": _values(facets), "facet_values": facet_values}
        return Results(self._engine.search({"q": phrase, **options}))

    def search_many(
        self,
        phrases: Iterable[str],
        *,
        limit: int = 10,
        offset: int = 0,
        sort: Sort = "relevance",
        mode: Mode = "hybrid",
        exact: str | Sequence[str] = (),
        without: str | Sequence[str] = (),
        source: str | Sequence[str] = (),
        section: str | Sequence[str] = (),
        level: str | Sequence[str] = (),
        tag: str | Sequence[str] = (),
        language: str | Sequence[str] = (),
        since: str | date | None = None,
        until: str | date | None = None,
        min_confidence: float | None = None,
        all: bool = False,
        synonyms: bool = True,
        pins: bool = True,
        facets: FacetName | Sequence[FacetName] = (),
        facet_values: int = 20,
    ) -> list[Results]:
        """Search for several phrases on all processors. The results are in the order of the phrases.

        >>> first, second = Engine.builtin().search_many(["E0502", "what is a trait object"], limit=1)
        >>> second.query
        'what is a trait object'
        """
        options = _options(
            limit, offset, sort, mode, exact, without, source, section, level, tag, since, until, min_confidence, all
        )
        options |= {"synonyms": synonyms, "pins": pins, "language": _values(language)}
        options |= {"facets": _values(facets), "facet_values": facet_values}
        requests = [{"q": phrase, **options} for phrase in phrases]
        return [Results(reply) for reply in self._engine.search_many(requests)]

    def check(self, question: str, *, threshold: float | None = None) -> Check:
        """Find the questions that a new question duplicates with at least this probability.

        >>> bool(Engine.builtin().check("Which saw cuts plywood?"))
        False
        """
        return Check(self._engine.check(_without_none(q=question, threshold=threshold)))

    def duplicates(
        self, *, threshold: float | None = None, within: str | None = None, across: bool = False
    ) -> list[DuplicateGroup]:
        """Find the questions of the index that ask the same, the largest group first.

        ``within`` compares only questions from files whose path contains it, ``across`` only questions from
        different files.

        >>> engine = Engine.from_records([{"question": "Why wax a rope?"}, {"question": "why wax a ROPE"}])
        >>> [group.duplicates[0].kind for group in engine.duplicates()]
        ['repeat']
        """
        reply = self._engine.duplicates(_without_none(threshold=threshold, within=within, across=across))
        return [DuplicateGroup(group) for group in reply["groups"]]

    def get(self, id: str) -> Question | None:
        """The question with this id or key, or whose id begins with it. None if there is none or several."""
        found = self._engine.find(id)
        return Question(found[0]) if len(found) == 1 else None

    def stats(self) -> dict[str, Any]:
        """What the index holds, as ``rqsearch stats --json`` writes it."""
        return self._engine.stats()

    def __iter__(self) -> Iterator[Question]:
        """Every question, in the order of file and line."""
        return (Question(question) for question in self._engine.questions())

    def __len__(self) -> int:
        """The number of questions."""
        return len(self._engine)

    def __repr__(self) -> str:
        return f"Engine({self.stats()['index']!r}, {len(self)} questions)"


def _options(
    limit: int,
    offset: int,
    sort: str,
    mode: str,
    exact: str | Sequence[str],
    without: str | Sequence[str],
    source: str | Sequence[str],
    section: str | Sequence[str],
    level: str | Sequence[str],
    tag: str | Sequence[str],
    since: str | date | None,
    until: str | date | None,
    min_confidence: float | None,
    all: bool,
) -> dict[str, Any]:
    if limit < 1:
        raise ValueError("limit must be at least 1")
    if offset < 0:
        raise ValueError("offset must be at least 0")

    def day(given: str | date | None) -> str | None:
        if isinstance(given, datetime):
            # A time without a zone is local, as everywhere in Python.
            return given.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return given.isoformat() if isinstance(given, date) else given

    return _without_none(
        limit=limit,
        offset=offset,
        sort=sort,
        mode=mode,
        exact=_values(exact),
        without=_values(without),
        source=_values(source),
        section=_values(section),
        level=_values(level),
        tag=_values(tag),
        since=day(since),
        until=day(until),
        min_confidence=min_confidence,
        all=all,
    )


def _values(given: str | Sequence[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _without_none(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}
