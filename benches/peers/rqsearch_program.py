"""Measures rqsearch through its program, as people use it.

The program embeds each phrase itself, and its replies have excerpts. `--all` lists questions that ask the same as a
better hit too, as the other tools do.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from measure import WARM_UP, peak_bytes


@dataclass(frozen=True)
class Searches:
    """What searches for all phrases took and found."""

    seconds: list[float]
    ids: list[list[str]]
    """For each phrase the ids of the hits, the best first."""
    peak_bytes: int | None


@dataclass(frozen=True)
class Program:
    """The program and an index."""

    path: Path
    index_dir: Path

    def version(self) -> str:
        return self._output("-V").split()[-1]

    def index(self, source: Path) -> float:
        """Indexes a file or a directory, and returns the seconds that this takes."""
        start = time.perf_counter()
        self._output("index", "--index", str(self.index_dir), str(source))
        return time.perf_counter() - start

    def export(self, file: Path) -> None:
        """Writes all questions to a file."""
        file.write_text(self._output("export", "--index", str(self.index_dir)))

    def search_once(self, phrase: str, limit: int) -> float:
        """Starts the program for one phrase, and returns the seconds that this takes."""
        start = time.perf_counter()
        done = subprocess.run([*self._search(limit), "--json", phrase], stdout=subprocess.DEVNULL, check=False)
        seconds = time.perf_counter() - start
        # 1 means that no question answers the phrase.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"rqsearch failed with exit status {done.returncode} for {phrase!r}")
        return seconds

    def search_batch(self, phrases: Sequence[str], limit: int) -> Searches:
        """Searches with `--batch`, one phrase after the other."""
        command = [*self._search(limit), "--batch", "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin and process.stdout
            requests, answers = process.stdin, process.stdout

            def ask(phrase: str) -> bytes:
                requests.write(json.dumps({"text": phrase}).encode() + b"\n")
                requests.flush()
                return answers.readline()

            for phrase in phrases[:WARM_UP]:
                ask(phrase)
            seconds, replies = _timed(ask, phrases)
            peak = peak_bytes(process.pid)
        return Searches(seconds, [_ids(json.loads(reply)) for reply in replies], peak)

    def search_served(self, phrases: Sequence[str], limit: int) -> Searches:
        """Searches with `serve`. Each phrase was searched for before, so that its vector is in the server's cache."""
        command = [str(self.path), "serve", "--listen", "127.0.0.1:0", "--index", str(self.index_dir)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                connection = HTTPConnection("127.0.0.1", _port(process))

                def ask(phrase: str) -> bytes:
                    connection.request("GET", "/search?" + urlencode({"q": phrase, "limit": limit, "all": "true"}))
                    reply = connection.getresponse()
                    body = reply.read()
                    if reply.status != 200:
                        raise RuntimeError(f"rqsearch serve replied {reply.status}: {body.decode()}")
                    return body

                for phrase in phrases:
                    ask(phrase)
                seconds, replies = _timed(ask, phrases)
                peak = peak_bytes(process.pid)
            finally:
                process.terminate()
        return Searches(seconds, [_ids(json.loads(reply)) for reply in replies], peak)

    def _search(self, limit: int) -> list[str]:
        return [str(self.path), "--index", str(self.index_dir), "--all", "-n", str(limit)]

    def _output(self, *args: str) -> str:
        done = subprocess.run([self.path, *args], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"rqsearch {args[0]} failed with exit status {done.returncode}:\n{done.stderr}")
        return done.stdout


def _timed(ask: Callable[[str], bytes], phrases: Sequence[str]) -> tuple[list[float], list[bytes]]:
    seconds, replies = [], []
    for phrase in phrases:
        start = time.perf_counter()
        reply = ask(phrase)
        seconds.append(time.perf_counter() - start)
        replies.append(reply)
    return seconds, replies


def _ids(reply: dict[str, Any]) -> list[str]:
    if "error" in reply:
        raise RuntimeError(f"rqsearch could not answer a phrase: {reply['error']}")
    return [hit["id"] for hit in reply["hits"]]


def _port(process: subprocess.Popen[str]) -> int:
    """Reads the message that names the address of the server."""
    message = ""
    assert process.stderr
    for line in process.stderr:
        message += line
        if address := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
            return int(address[1])
    raise RuntimeError(f"rqsearch serve did not start: {message}")
