"""The program that the package installs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rqsearch

PROGRAM = Path(sys.executable).with_name("rqsearch")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("RQSEARCH")}


def run(*arguments: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=directory,
        env=ENVIRONMENT,
        timeout=120,
    )


def test_version() -> None:
    assert run("--version").stdout.startswith(f"rqsearch {rqsearch.__version__}")


def test_the_module_is_the_same_program() -> None:
    module = subprocess.run([sys.executable, "-m", "rqsearch", "-V"], capture_output=True, text=True, timeout=120)
    assert (module.returncode, module.stdout) == (0, run("-V").stdout)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--builtin", "what is a trait object"], 0),
        (["--builtin", "pizza in naples"], 1),
        (["--index", "nowhere", "phrase"], 2),
        (["--no-such-option"], 2),
        (["--help"], 0),
    ],
)
def test_exit_status(tmp_path: Path, arguments: list[str], status: int) -> None:
    ended = run(*arguments, directory=tmp_path)
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr


def test_index_and_search(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text("## How long must dough rise?\n\nUntil it has doubled.\n", encoding="utf-8")
    indexed = run("index", "faq.md", directory=tmp_path)
    assert indexed.returncode == 0, indexed.stderr
    found = run("when is the dough ready", directory=tmp_path)
    assert "How long must dough rise?" in found.stdout, found.stderr


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    command = f"'{PROGRAM}' export --builtin | head -n 1 > /dev/null; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert (ended.stdout, ended.stderr) == ("0\n", "")


def test_ctrl_c_ends_the_program(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [PROGRAM, "--builtin", "--batch", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=ENVIRONMENT,
    )
    assert program.stdin is not None and program.stdout is not None
    # A reply proves that it runs. It waits for the next phrase then.
    program.stdin.write(b"what is a trait object\n")
    program.stdin.flush()
    assert json.loads(program.stdout.readline())["answered"]
    program.send_signal(signal.SIGINT)
    assert program.wait(timeout=60) == -signal.SIGINT
    assert b"Traceback" not in program.stderr.read() if program.stderr else b""


def test_phrases_in_any_script() -> None:
    phrase = "Was ist ein Trait-Objekt? 特征对象"
    ended = run("--builtin", "--json", phrase)
    assert ended.returncode in (0, 1), ended.stderr
    assert json.loads(ended.stdout)["query"] == phrase
