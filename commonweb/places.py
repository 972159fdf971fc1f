"""Places: where the names in an output were written.

Lines count from 1; columns count characters from 0, as in syntax trees, but in a document from 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from .origins import Run, Use, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .web import Part, Web

    Spot = tuple[Part, int, int]  # a part, a row of its text, characters before it in the row

WORD = re.compile(r"\w+")


def normal(name: str) -> str:
    """An identifier as Python compares it."""
    if name.isascii():
        return name
    import unicodedata

    return unicodedata.normalize("NFKC", name)


class Places:
    """An output, and where its characters were written."""

    def __init__(self, web: Web, name: str, text: str) -> None:
        self.name, self.text, self.lines = name, text, text.split("\n")
        self.runs = list(runs(web, name, text))
        self.starts = [(run.line, run.column) for run in self.runs]

    def line(self, number: int) -> str:
        return self.lines[number - 1] if number <= len(self.lines) else ""

    def column(self, line: int, octets: int) -> int:
        """A column, given in bytes."""
        text = self.line(line)
        return octets if text.isascii() else len(text.encode()[:octets].decode(errors="ignore"))

    def find(self, name: str, node: Any, around: Any = None) -> tuple[int, int]:
        """Line and column of a name in a node of a syntax tree: the first word that is equal.

        Before Python 3.12 a node in an f-string does not always say where it stands; then the
        name is looked for in the string around it.
        """
        first, begin = node.lineno, self.column(node.lineno, node.col_offset)
        if around and not self.line(first).startswith(name, begin):
            return self.find(name, around)
        for line in range(first, node.end_lineno + 1):
            for match in WORD.finditer(self.line(line), begin if line == first else 0):
                if match[0] == name or normal(match[0]) == name:
                    return line, match.start()
        return first, begin

    def run(self, line: int, column: int) -> Run:
        """The run of a character, or else the last before it, or the first."""
        return self.runs[max(bisect_right(self.starts, (line, column + 1)) - 1, 0)]

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in the document of a character, or of what stands before it."""
        run = self.run(line, column)
        end = len(run.text)
        return run.place(min(max(column + 1 - run.column, 0), end) if run.line == line else end)

    def place_of(self, name: str, node: Any) -> tuple[int, int]:
        """Line and column in the document of a name in a node."""
        return self.place(*self.find(name, node))

    def spot(self, name: str, line: int, column: int) -> Spot | None:
        """Where a name stands in the document, if there it is one word."""
        if not name or not self.runs:
            return None
        run = self.run(line, column)
        start = column + 1 - run.column
        end = start + len(name)
        around = run.text[max(start - 1, 0) : start] + run.text[end : end + 1]
        if run.line != line or run.text[max(start, 0) : end] != name or WORD.search(around):
            return None
        return run.part, run.row, run.offset + start

    def spot_in(self, name: str, node: Any) -> Spot | None:
        """Where a name in a node stands in the document, if there it is one word."""
        line, column = self.find(name, node)
        end = node.end_lineno, self.column(node.end_lineno, node.end_col_offset)
        return self.spot(name, line, column) if (line, column) < end else None


def common(one: Use, other: Use) -> Use | None:
    """The innermost use that both are part of."""
    a: Use | None = one
    b: Use | None = other
    while a is not b:
        if a and (not b or a.depth >= b.depth):
            a = a.above
        elif b:
            b = b.above
    return a
