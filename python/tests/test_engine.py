"""The API, on small collections and on the built-in questions."""

from __future__ import annotations

import datetime
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import rqsearch
from rqsearch import Engine

FAQ = """# Bakery

## How long must dough rise?

Until it has doubled in size: about two hours at 22 degrees.

## Which flour is best for bread?

Strong flour, with at least twelve percent protein.

## Why is my crust soft?

The oven had no steam, or the loaf cooled in a bag.
"""

RECORDS: list[dict[str, Any]] = [
    {
        "id": 1,
        "question": "How do I splice a rope?",
        "answer": "Unlay the strands.",
        "tags": ["rope"],
        "url": "https://example.org/1",
        "date": "2024-03-01",
    },
    {
        "id": 2,
        "question": "Why wax a rope?",
        "answer": "It repels water.",
        "section": "Care",
        "level": "easy",
        "season": "winter",
    },
    {"id": 3, "question": "why wax a ROPE", "answer": "Because water rots it."},
]


@pytest.fixture(scope="module")
def builtin() -> Engine:
    return Engine.builtin()


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    path = tmp_path / "faq.md"
    path.write_text(FAQ, encoding="utf-8")
    return path


def test_a_search_returns_hits_with_attributes(builtin: Engine) -> None:
    results = builtin.search("holding a mutex across await", limit=3)
    assert results.answered
    assert results.query == "holding a mutex across await"
    assert len(results) == len(results.hits) == len(list(results)) == 3
    assert [hit.rank for hit in results] == [1, 2, 3]
    hit = results[0]
    assert "Mutex" in hit.title
    assert hit.confidence is not None and 0.5 < hit.confidence <= 1
    assert hit.source.path.endswith(".md") and hit.source.line > 0
    assert str(hit.source) == f"{hit.source.path}:{hit.source.line}"
    assert hit.snippet.text
    assert results[-1] == results[2] and results[:2] == [results[0], results[1]]
    assert results.to_dict()["hits"][0] == hit.to_dict()


def test_highlights_count_characters() -> None:
    engine = Engine.from_records([{"question": "Grüße?", "answer": "Ä Ö Ü: bread, and again bread."}])
    snippet = engine.search("bread", mode="keyword")[0].snippet
    assert [snippet.text[start:end] for start, end in snippet.highlights] == ["bread", "bread"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit must be at least 1"),
        ({"limit": -1}, "limit must be at least 1"),
        ({"offset": -1}, "offset must be at least 0"),
        ({"sort": "oldest"}, "sort"),
        ({"since": "someday"}, "since"),
        ({"mode": "fuzzy"}, "mode"),
        ({"min_confidence": 2.0}, "min_confidence"),
    ],
)
def test_a_wrong_argument_is_a_value_error(builtin: Engine, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        builtin.search("bread", **arguments)


def test_an_empty_phrase_is_a_value_error(builtin: Engine) -> None:
    with pytest.raises(ValueError, match="empty"):
        builtin.search("  ")


def test_filters_take_one_value_or_several(builtin: Engine) -> None:
    one = builtin.search("lifetime", level="senior")
    assert one and {hit.level for hit in one} == {"senior"}
    several = builtin.search("lifetime", level=["senior", "intermediate"], limit=30)
    assert {hit.level for hit in several} == {"senior", "intermediate"}
    assert len(builtin.search("lifetime", section="no such section")) == 0


def test_facets_count_what_matches(builtin: Engine) -> None:
    facets = builtin.search("mutex", facets=["level", "tag"], facet_values=2).facets
    assert facets is not None
    assert [facet.name for facet in facets] == ["level", "tag"]
    assert facets["tag"].more > 0 and len(facets["tag"].values) == 2
    for value in facets["level"].values:
        alone = builtin.search("mutex", facets="level", level=value.value).facets
        assert alone is not None and alone.matching == value.count
    assert builtin.search("mutex").facets is None
    with pytest.raises(KeyError):
        facets["year"]
    with pytest.raises(ValueError, match="not a facet|unknown variant"):
        builtin.search("mutex", facets="color")  # type: ignore[arg-type]


def test_a_language_without_questions_is_named(builtin: Engine) -> None:
    assert len(builtin.search("mutex", language="en")) > 0
    notice = builtin.search("mutex", language=["xx"]).notice
    assert notice is not None and "en (English)" in notice


def test_words_can_be_required_and_excluded() -> None:
    engine = Engine.from_records([{"question": "Why wax a rope?"}, {"question": "Why is waxing a rope slow?"}])
    assert len(engine.search('"wax" -rope', all=True)) == 2
    assert [hit.title for hit in engine.search("rope", exact="wax a rope")] == ["Why wax a rope?"]
    assert [hit.title for hit in engine.search("rope", without=["wax", "hemp"])] == ["Why is waxing a rope slow?"]
    with pytest.raises(ValueError, match="no words"):
        engine.search("rope", exact="?")


def test_hits_can_be_sorted_and_paged() -> None:
    records = [
        {"question": f"How do I wax rope number {year}?", "date": f"{year}-03-01", "score": -year} for year in (2021, 2023, 2022)
    ]
    engine = Engine.from_records([*records, {"question": "How do I wax a rope?"}])
    dates = [hit.date for hit in engine.search("wax rope", sort="newest", all=True)]
    assert dates == ["2023-03-01", "2022-03-01", "2021-03-01", None]
    first = engine.search("wax rope", sort="score", all=True, limit=2)
    assert ([hit.date for hit in first], first.total, first.next) == (["2021-03-01", "2022-03-01"], 4, 2)
    rest = engine.search("wax rope", sort="score", all=True, limit=2, offset=2)
    assert ([hit.rank for hit in rest], rest.next) == ([3, 4], None)
    since = engine.search("wax rope", since=datetime.date(2022, 3, 1), until="2022", all=True)
    assert [hit.date for hit in since] == ["2022-03-01"]
    time = datetime.datetime(2022, 12, 31, tzinfo=datetime.timezone.utc)
    assert [hit.date for hit in engine.search("wax rope", since=time, all=True)] == ["2023-03-01"]


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
def test_every_mode_finds_the_question(builtin: Engine, mode: Any) -> None:
    titles = [hit.title for hit in builtin.search("what is a trait object", mode=mode)]
    assert any("trait object" in title for title in titles)


def test_search_many_equals_single_searches(builtin: Engine) -> None:
    phrases = ["what is a trait object", "pizza in naples", "E0502"]
    found = builtin.search_many(phrases, limit=2)
    assert [results.query for results in found] == phrases
    assert [results.answered for results in found] == [True, False, True]
    for phrase, results in zip(phrases, found):
        assert [hit.id for hit in results] == [hit.id for hit in builtin.search(phrase, limit=2)]
    assert builtin.search_many([]) == []


def test_build_open_and_update(faq: Path, tmp_path: Path) -> None:
    directory = tmp_path / "index"
    engine = Engine.build(directory, faq)
    assert len(engine) == 3 and engine.skipped == []
    assert engine.search("when has the dough risen enough")[0].title == "How long must dough rise?"

    with faq.open("a", encoding="utf-8") as file:
        file.write("\n## Can I freeze dough?\n\nYes, for up to a month.\n")
    assert len(Engine.build(directory, [faq])) == 4
    assert len(Engine.open(directory)) == 4


def test_an_open_engine_sees_changes_on_disk(faq: Path, tmp_path: Path) -> None:
    engine = Engine.build(tmp_path / "index", faq)
    faq.write_text(FAQ + "\n## Can I freeze dough?\n\nYes.\n", encoding="utf-8")
    Engine.build(tmp_path / "index", faq)
    deadline = time.monotonic() + 30
    while len(engine) != 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(engine) == 4


def test_a_keyword_only_index_has_no_confidence(faq: Path, tmp_path: Path) -> None:
    engine = Engine.build(tmp_path / "index", faq, keyword_only=True)
    hit = engine.search("dough")[0]
    assert hit.title == "How long must dough rise?"
    assert hit.confidence is None
    with pytest.raises(rqsearch.Error):
        engine.search("dough", mode="semantic")


def test_skipped_records_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"question": "Why wax a rope?"}\n{"question": \n', encoding="utf-8")
    engine = Engine.build(tmp_path / "index", path)
    assert len(engine) == 1
    [skipped] = engine.skipped
    assert (skipped.path.name, skipped.line) == ("records.jsonl", 2)
    assert skipped.reason and str(skipped).endswith(skipped.reason)


def test_synonyms_and_pins_of_the_index_are_used(faq: Path, tmp_path: Path) -> None:
    engine = Engine.build(tmp_path / "index", faq)
    (soft,) = (hit.id for hit in engine.search("why is my crust soft", limit=1))
    (tmp_path / "index" / "synonyms.toml").write_text('same = [["grist", "flour"]]')
    (tmp_path / "index" / "pins.toml").write_text(f'[[pin]]\nphrase = "bread"\nids = "{soft}"')
    engine = Engine.open(tmp_path / "index")
    assert [hit.title for hit in engine.search("grist", mode="keyword")] == ["Which flour is best for bread?"]
    assert not list(engine.search("grist", mode="keyword", synonyms=False))
    first = engine.search("bread")[0]
    assert (first.id, first.pinned) == (soft, True)
    assert not engine.search("bread", pins=False)[0].pinned


def test_records_need_no_files() -> None:
    engine = Engine.from_records(RECORDS)
    assert len(engine) == 3
    question = engine.get("2")
    assert question is not None
    assert question.title == "Why wax a rope?"
    assert question.answer == "It repels water."
    assert (question.section, question.level, question.key) == ("Care", "easy", "2")
    assert question.fields == {"season": "winter"}
    first = engine.get("1")
    assert first is not None and (first.tags, first.url) == (["rope"], "https://example.org/1")
    assert (first.date, question.date) == ("2024-03-01", None)


def test_records_from_a_generator_and_no_records() -> None:
    assert len(Engine.from_records({"question": f"What is {word}?"} for word in ("hemp", "sisal"))) == 2
    with pytest.raises(ValueError, match="no records"):
        Engine.from_records([])


def test_get_by_id(builtin: Engine) -> None:
    first = next(iter(builtin))
    assert builtin.get(first.id) == first
    assert builtin.get(first.id[:8]) == first
    assert builtin.get("no-such-id") is None
    assert builtin.get("") is None


def test_iteration_yields_every_question(builtin: Engine) -> None:
    questions = list(builtin)
    assert len(questions) == len(builtin) == 660
    assert len({question.id for question in questions}) == 660
    places = [(question.source.path, question.source.line) for question in questions]
    assert places == sorted(places)


def test_duplicates_and_check() -> None:
    # Equal titles are duplicates if their answers agree.
    assert not Engine.from_records(RECORDS).duplicates()
    engine = Engine.from_records([*RECORDS[:2], RECORDS[2] | {"answer": RECORDS[1]["answer"]}])
    [group] = engine.duplicates()
    titles = {group.canonical.title, *(other.title for other in group.duplicates)}
    assert titles == {"Why wax a rope?", "why wax a ROPE"}
    assert group.duplicates[0].kind == "repeat"
    assert 0.9 < group.duplicates[0].probability <= 1

    found = engine.check("Why wax a rope?")
    assert found and found.duplicates[0].kind == "exact"
    assert not engine.check("Which saw cuts plywood?")
    with pytest.raises(ValueError, match="threshold"):
        engine.check("Why?", threshold=1.5)


def test_stats_name_the_model(builtin: Engine) -> None:
    stats = builtin.stats()
    assert stats["questions"] == 660
    assert "MiniLM" in str(stats["model"])


def test_errors_are_exceptions_of_the_package(tmp_path: Path) -> None:
    with pytest.raises(rqsearch.IndexNotFoundError, match="no index in") as raised:
        Engine.open(tmp_path)
    assert isinstance(raised.value, rqsearch.Error) and isinstance(raised.value, FileNotFoundError)
    with pytest.raises(rqsearch.Error, match="does not exist"):
        Engine.build(tmp_path / "index", tmp_path / "missing.md")
    with pytest.raises(ValueError, match="model"):
        Engine.build(tmp_path / "index", tmp_path, model="")
    with pytest.raises(TypeError, match="builtin"):
        Engine()


def test_replies_compare_and_describe_themselves(builtin: Engine) -> None:
    hit = builtin.search("cow vs clone", limit=1)[0]
    assert hit == builtin.search("cow vs clone", limit=1)[0]
    assert hit != builtin.get(hit.id)
    assert repr(hit).startswith("Hit(") and hit.id in repr(hit)
    assert repr(builtin.search("cow vs clone", limit=1)) == "Results('cow vs clone', answered=True, 1 hits)"
    with pytest.raises(TypeError):
        hash(hit)


def test_the_gil_is_released_while_searching(builtin: Engine) -> None:
    """Another thread runs while a long search is under way."""
    done = threading.Event()
    phrases = [f"what is the lifetime of value number {number}" for number in range(1000)]

    def work() -> None:
        builtin.search_many(phrases, limit=1)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    woken = 0
    while not done.is_set():
        woken += 1
        time.sleep(sys.getswitchinterval())
    thread.join()
    # If the search held the GIL, this thread would wake before and after it only.
    assert woken > 20


def test_threads_share_an_engine(builtin: Engine) -> None:
    expected = [hit.id for hit in builtin.search("what is a trait object")]
    found: list[list[str]] = []

    def work() -> None:
        for _ in range(10):
            found.append([hit.id for hit in builtin.search("what is a trait object")])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 40


def test_the_package_lists_what_it_exports() -> None:
    assert set(rqsearch.__all__) <= set(dir(rqsearch))
    for name in rqsearch.__all__:
        assert getattr(rqsearch, name) is not None
    with pytest.raises(AttributeError):
        rqsearch.nothing  # noqa: B018
