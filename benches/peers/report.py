"""Results as plain data, and as a Markdown table."""

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from judged import Quality
from metrics import mean


@dataclass
class Result:
    """What one tool did with one collection. `None` stands for what was not measured."""

    tool: str
    index_seconds: float | None = None
    """Without the time to embed."""
    embed_and_index_seconds: float | None = None
    index_bytes: int | None = None
    cold_seconds: float | None = None
    """The median of several processes that open the index, search once and exit."""
    p50_seconds: float | None = None
    p99_seconds: float | None = None
    peak_bytes: int | None = None
    quality: Quality | None = None


@dataclass
class Measured:
    """A collection and the results of all tools."""

    name: str
    questions: int
    passages: int
    phrases: int
    results: list[Result] = field(default_factory=list)


HEADER = (
    "| questions | tool | index | disk | cold | warm p50 | warm p99 | memory | nDCG@10 | first hit right |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def table(measured: Sequence[Measured]) -> str:
    """A Markdown table with a row per collection and tool, and means over the judged sets without times."""
    timed = [collection for collection in measured if _is_timed(collection)]
    sets = [collection for collection in measured if not _is_timed(collection)]
    rows = [
        _row(f"{collection.name}, {collection.questions:,}", result)
        for collection in timed
        for result in collection.results
    ]
    return "\n".join([HEADER, *rows, *_mean_rows(sets)])


def sets_table(measured: Sequence[Measured]) -> str:
    """A Markdown table with the nDCG@10 of each judged set."""
    sets = [collection for collection in measured if not _is_timed(collection)]
    if not sets:
        return ""
    lines = [
        "| nDCG@10 | " + " | ".join(collection.name for collection in sets) + " |",
        "|---|" + "---:|" * len(sets),
    ]
    for tool in _tools(sets):
        found = [_quality_of(collection, tool) for collection in sets]
        cells = [_score(quality.ndcg_10) if quality else "" for quality in found]
        lines.append(f"| {tool} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> dict[str, str | int | None]:
    """What the figures depend on besides the tools."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load at the end": None if load is None else f"{load:.1f}",
    }


def _is_timed(collection: Measured) -> bool:
    return any(result.cold_seconds for result in collection.results)


def _mean_rows(sets: Sequence[Measured]) -> Iterable[str]:
    for tool in _tools(sets):
        found = [quality for collection in sets if (quality := _quality_of(collection, tool))]
        quality = Quality(
            mean([quality.ndcg_10 for quality in found]), mean([quality.first_right for quality in found])
        )
        yield _row(f"mean of {len(found)} judged sets", Result(tool, quality=quality))


def _tools(sets: Sequence[Measured]) -> list[str]:
    judged = (result.tool for collection in sets for result in collection.results if result.quality)
    return list(dict.fromkeys(judged))


def _quality_of(collection: Measured, tool: str) -> Quality | None:
    return next((result.quality for result in collection.results if result.tool == tool), None)


def _row(name: str, result: Result) -> str:
    quality = result.quality
    cells = [
        name,
        result.tool,
        _index(result),
        _unit(result.index_bytes, 1e-6, "MB"),
        _unit(result.cold_seconds, 1e3, "ms"),
        _unit(result.p50_seconds, 1e3, "ms"),
        _unit(result.p99_seconds, 1e3, "ms"),
        _unit(result.peak_bytes, 1e-6, "MB"),
        _score(quality.ndcg_10) if quality else "",
        f"{quality.first_right:.1%}" if quality else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _index(result: Result) -> str:
    times = [_unit(result.index_seconds, 1, "s"), _unit(result.embed_and_index_seconds, 1, "s with embedding")]
    return ", ".join(filter(None, times))


def _unit(value: float | None, factor: float, unit: str) -> str:
    if value is None:
        return ""
    scaled = value * factor
    return f"{scaled:,.0f} {unit}" if scaled >= 10 else f"{scaled:.1f} {unit}"


def _score(value: float) -> str:
    return f"{value:.3f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())
