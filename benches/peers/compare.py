"""Measures rqsearch and other tools with the same questions and the same vectors. `run.sh` runs it; see README.md."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import collection
import report
from judged import Judge, JudgedPhrase, Quality, read_phrases, read_set
from made_up import Generator
from metrics import percentile
from report import Measured, Result
from rqsearch_program import Program, Searches
from tools import TOOLS, tool

REPOSITORY = Path(__file__).resolve().parents[2]

# The number of hits. One more is asked for, since a phrase can be a question itself, which then does not count.
LIMIT = 11


@dataclass(frozen=True)
class Task:
    """A collection to measure with."""

    name: str
    source: Path
    """What rqsearch indexes."""
    phrases: list[str]
    judged: list[JudgedPhrase]
    is_timed: bool
    second_edition: Path | None = None
    """Other records with the same texts, so that indexing them needs no embedding."""


def main() -> None:
    args = arguments()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    names = usable(args.tools)
    fixed = {"versions": versions(names, Program(args.rqsearch, args.work))}
    measured: list[Measured] = []
    for task in tasks(args):
        measured.append(measure(task, names, args))
        # Written each time, so that a failure later on loses nothing.
        results = {"machine": report.machine(), "collections": [asdict(collection) for collection in measured]}
        args.json.write_text(json.dumps(fixed | results, indent=2) + "\n")
    print("\n\n".join(filter(None, [report.table(measured), report.sets_table(measured)])))
    say(f"all figures: {args.json}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rqsearch", type=Path, required=True, help="the program, compiled with --release")
    parser.add_argument("--vectors", type=Path, required=True, help="the example vectors, compiled")
    parser.add_argument(
        "--questions", type=int, default=30_000, help="how many questions to make up; 0 for none [%(default)s]"
    )
    parser.add_argument("--sets", type=Path, help="a directory of judged sets in BEIR layout")
    parser.add_argument("--tools", nargs="*", default=TOOLS, choices=TOOLS, help="the tools besides rqsearch [all]")
    parser.add_argument(
        "--cold", type=int, default=7, help="how many processes to start for the cold time [%(default)s]"
    )
    parser.add_argument("--work", type=Path, required=True, help="a directory for indexes; it is emptied")
    parser.add_argument("--json", type=Path, required=True, help="the file for all figures")
    return parser.parse_args()


def tasks(args: argparse.Namespace) -> list[Task]:
    """The collections, in the order of the report."""
    judged = read_phrases(REPOSITORY / "eval" / "rust.tsv")
    found = [Task("rust", REPOSITORY / "corpus", [phrase.text for phrase in judged], judged, is_timed=True)]
    if args.questions:
        found.append(made_up(args.questions, args.work))
    sets = sorted(args.sets.glob("*/qrels/test.tsv")) if args.sets else []
    if not sets:
        say(f"no judged sets in {args.sets}; they are skipped" if args.sets else "no --sets; they are skipped")
    for file in sets:
        directory = file.parents[1]
        judged = read_set(directory)
        texts = [phrase.text for phrase in judged]
        found.append(Task(directory.name, directory / "corpus.jsonl", texts, judged, is_timed=False))
    return found


def made_up(count: int, work: Path) -> Task:
    generator = Generator(REPOSITORY / "models" / "vocab.txt")
    source, second = work / "made-up.jsonl", work / "made-up-second.jsonl"
    collection.write_json_lines(source, generator.questions(count, edition=1))
    collection.write_json_lines(second, generator.questions(count, edition=2))
    phrases = list(generator.phrases(count))
    return Task("made up", source, phrases, [], is_timed=True, second_edition=second)


def measure(task: Task, names: Sequence[str], args: argparse.Namespace) -> Measured:
    """Measures rqsearch first, since the others use its questions and vectors."""
    work = args.work / task.name.replace(" ", "-")
    work.mkdir()
    program = Program(args.rqsearch, work / "rqsearch")
    say(f"{task.name}: rqsearch, index with embedding")
    result = Result("rqsearch", embed_and_index_seconds=program.index(task.source))
    if task.second_edition:
        say(f"{task.name}: rqsearch, index without embedding")
        shutil.copyfile(task.second_edition, task.source)
        result.index_seconds = program.index(task.source)
    say(f"{task.name}: vectors")
    measured = write_collection(program, task, work, args.vectors)
    judge = Judge(work, task.judged) if task.judged else None
    say(f"{task.name}: rqsearch, search")
    measured.results += measure_rqsearch(result, program, task, work, judge, args.cold)
    for name in names:
        say(f"{task.name}: {tool(name).NAME}")
        measured.results.append(measure_tool(name, task, work, judge, args.cold))
    return measured


def write_collection(program: Program, task: Task, work: Path, vectors: Path) -> Measured:
    """Writes the questions, passages, phrases and vectors, and counts them."""
    program.export(work / "questions.jsonl")
    (work / "phrases.txt").write_text("".join(phrase + "\n" for phrase in task.phrases))
    command = [vectors, program.index_dir, work / "phrases.txt", work]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    loaded = collection.load(work)
    return Measured(task.name, len(loaded.questions), len(loaded.passages), len(task.phrases))


def measure_rqsearch(
    result: Result, program: Program, task: Task, work: Path, judge: Judge | None, processes: int
) -> list[Result]:
    """Measures the program with `--batch`, and with `serve` if times matter."""
    positions = {question.id: position for position, question in enumerate(collection.questions_in(work))}

    def fill(result: Result, searches: Searches) -> None:
        rankings = [[positions[id] for id in ids] for ids in searches.ids]
        add_searches(result, searches.seconds, searches.peak_bytes, task, judge.quality(rankings) if judge else None)

    result.index_bytes = size(program.index_dir)
    fill(result, program.search_batch(task.phrases, LIMIT))
    if not task.is_timed:
        return [result]
    program.search_once(task.phrases[0], LIMIT)
    phrases = task.phrases[1 : processes + 1]
    result.cold_seconds = statistics.median(program.search_once(phrase, LIMIT) for phrase in phrases)
    served = Result("rqsearch serve, vector given")
    fill(served, program.search_served(task.phrases, LIMIT))
    return [result, served]


def measure_tool(name: str, task: Task, work: Path, judge: Judge | None, processes: int) -> Result:
    """Measures another tool. Each step is a process."""
    index = work / name
    index.mkdir()
    result = Result(tool(name).NAME)
    result.index_seconds = step("build", name, work, index)["seconds"]
    result.index_bytes = size(index)
    if task.is_timed:
        result.cold_seconds = cold_seconds(name, work, index, processes)
    searches = step("search", name, work, index, LIMIT)
    quality = judge.quality(searches["rankings"]) if judge else None
    add_searches(result, searches["seconds"], searches["peak_bytes"], task, quality)
    return result


def add_searches(
    result: Result, seconds: Sequence[float], peak_bytes: int | None, task: Task, quality: Quality | None
) -> None:
    result.quality = quality
    if task.is_timed:
        result.p50_seconds, result.p99_seconds = (percentile(seconds, percent) for percent in (50, 99))
        result.peak_bytes = peak_bytes


def cold_seconds(name: str, work: Path, index: Path, processes: int) -> float:
    """The median time of processes that search for one phrase each. The first process is not measured."""
    seconds = []
    for nth in range(processes + 1):
        start = time.perf_counter()
        step("once", name, work, index, nth, LIMIT)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def step(name: str, *args: Any) -> dict[str, Any]:
    """Runs a step of `measure.py`, and returns what it writes."""
    command = [sys.executable, str(Path(__file__).with_name("measure.py")), name, *map(str, args)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    outcome: dict[str, Any] = json.loads(output)
    return outcome


def usable(names: Sequence[str]) -> list[str]:
    """The tools whose packages are installed."""
    found = []
    for name in names:
        try:
            tool(name)
            found.append(name)
        except ModuleNotFoundError as error:
            say(f"{name} is left out: {error}")
    return found


def versions(names: Sequence[str], program: Program) -> dict[str, str]:
    packages = dict.fromkeys(package for name in names for package in tool(name).PACKAGES)
    return {"rqsearch": program.version()} | {package: version(package) for package in packages}


def size(directory: Path) -> int:
    """The bytes of all files in a directory."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
