"""The examples in the docstrings and in docs/python.md."""

from __future__ import annotations

import doctest
from pathlib import Path
from types import ModuleType

import pytest

import rqsearch
from rqsearch import _engine

GUIDE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.mark.parametrize("module", [rqsearch, _engine])
def test_docstrings(module: ModuleType) -> None:
    check([test for test in doctest.DocTestFinder().find(module) if test.examples])


def test_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text(encoding="utf-8").replace("```", "\n")
    check([doctest.DocTestParser().get_doctest(text, {}, "python.md", str(GUIDE), 0)])


def check(tests: list[doctest.DocTest]) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in tests:
        runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0, "see the output above"
