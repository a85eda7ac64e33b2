"""Runs a search in a terminal of 88 columns and renders what it shows as SVG."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS, ROWS = 88, 40
COMMANDS = [["-n", "2", "holding a mutex across await"], ["-n", "1", "pizza in naples"]]


def run(program: str, arguments: list[str]) -> str:
    terminal, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("RQSEARCH_INDEX", "NO_COLOR")}
    process = subprocess.Popen(
        [program, "--builtin", *arguments],
        stdin=other, stdout=other, stderr=other, cwd=tempfile.gettempdir(), env=environment | {"TERM": "xterm-256color"},
    )
    os.close(other)
    output = b""
    try:
        while chunk := os.read(terminal, 1 << 16):
            output += chunk
    except OSError:  # The program has ended.
        pass
    process.wait()
    return output.decode().replace("\r", "")


def main(program: str, picture: str) -> None:
    program = os.path.abspath(program)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    for number, arguments in enumerate(COMMANDS):
        typed = " ".join(f'"{argument}"' if " " in argument else argument for argument in arguments)
        console.print(Text("\n" if number else "").append("$ ", "bold green").append(f"rqsearch {typed}", "bold"))
        console.print(Text.from_ansi(run(program, arguments)))
    svg = console.export_svg(title="rqsearch", theme=MONOKAI)
    # A picture that loads nothing: the viewer's own monospace font.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "ui-monospace")
    Path(picture).write_text(svg, encoding="utf-8")


main(*sys.argv[1:])
