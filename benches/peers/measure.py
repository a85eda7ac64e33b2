"""Runs one step of one tool in a process of its own, so that time and memory are its own.

    measure.py build TOOL COLLECTION INDEX           creates an index
    measure.py once TOOL COLLECTION INDEX NTH LIMIT  opens it, searches for the nth phrase, and exits
    measure.py search TOOL COLLECTION INDEX LIMIT    opens it and searches for all phrases

Each writes a JSON object to standard output.
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import collection
from tools import tool

# Searches before those that are measured.
WARM_UP = 20


def build(name: str, collection_dir: Path, index: Path) -> dict[str, Any]:
    """Creates an index. Reading the questions and the vectors is not part of the time."""
    maker = tool(name)
    questions = collection.load(collection_dir)
    start = time.perf_counter()
    maker.build(questions, index)
    return {"seconds": time.perf_counter() - start}


def once(name: str, collection_dir: Path, index: Path, nth: int, limit: int) -> dict[str, Any]:
    """Searches for one phrase."""
    phrase, vector = next(islice(collection.phrases(collection_dir), nth, None))
    return {"ranking": tool(name)(index).search(phrase, vector, limit)}


def search(name: str, collection_dir: Path, index: Path, limit: int) -> dict[str, Any]:
    """Searches for all phrases, one after the other."""
    phrases = list(collection.phrases(collection_dir))
    opened = tool(name)(index)
    for phrase, vector in phrases[:WARM_UP]:
        opened.search(phrase, vector, limit)
    seconds, rankings = [], []
    for phrase, vector in phrases:
        start = time.perf_counter()
        ranking = opened.search(phrase, vector, limit)
        seconds.append(time.perf_counter() - start)
        rankings.append(ranking)
    return {"seconds": seconds, "rankings": rankings, "peak_bytes": peak_bytes("self")}


def peak_bytes(process: int | str) -> int | None:
    """The peak of the resident memory of a process, with mapped files. `None` where the system is not Linux."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return None
    lines = (line.split() for line in status.splitlines())
    return next(int(words[1]) * 1024 for words in lines if words[0] == "VmHWM:")


STEPS: dict[str, Callable[..., dict[str, Any]]] = {"build": build, "once": once, "search": search}


def main() -> None:
    step, name, *directories = sys.argv[1:5]
    numbers = [int(argument) for argument in sys.argv[5:]]
    json.dump(STEPS[step](name, *map(Path, directories), *numbers), sys.stdout)


if __name__ == "__main__":
    main()
