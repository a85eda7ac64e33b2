"""The compared tools, one module each.

To add a tool, copy the module that is most like it, change it, add its name to `TOOLS`, and its package to
`requirements.txt`.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from collection import Collection, Vector

# The modules in this package that contain a `Tool`, in the order of the report.
TOOLS = ("bm25s_numpy", "lancedb_hybrid", "sqlite_fts_vec", "tantivy_numpy", "txtai_hybrid")


class Tool(Protocol):
    """A tool that searches by words and by vectors."""

    NAME: str
    """Its name in the report."""
    PACKAGES: tuple[str, ...]
    """The packages whose versions the report names. The tool is left out if one is not installed."""

    @staticmethod
    def build(collection: Collection, directory: Path) -> None:
        """Creates an index in an empty directory."""

    def __init__(self, directory: Path) -> None:
        """Opens the index."""

    def search(self, phrase: str, vector: Vector, limit: int) -> list[int]:
        """Returns the positions of at most `limit` different questions, the best first."""


def tool(name: str) -> type[Tool]:
    """Imports a tool."""
    return cast(type[Tool], import_module(f"tools.{name}").Tool)
