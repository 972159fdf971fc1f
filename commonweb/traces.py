"""Of which rows of a web's code each line of an output is made.

`origins` knows where its characters were written; this knows of empty lines and blanks as well,
and which indentation each use of a chunk hands on.
"""

from __future__ import annotations

from .expansion import with_marked_strings
from .origins import Use
from .web import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .web import Chunk, Part, Web

    Piece = tuple[Part, int, int, str, bool]  # row, where in it, what it is, whether it is all


class Stretch:
    """A stretch of a part's row between references, as it stands in a line of an output.

    `raw` is its text from `begin` on in the row; `at` tells where it begins in the line.
    """

    __slots__ = ("at", "begin", "part", "raw", "row", "use", "whole")

    def __init__(self, piece: Piece, use: Use) -> None:
        self.part, self.row, self.begin, self.raw, self.whole = piece
        self.use, self.at = use, 0

    @property
    def text(self) -> str:
        return self.raw.replace("⟨⟨", "⟨")

    @property
    def end(self) -> int:
        return self.at + len(self.text)

    @property
    def line(self) -> int:
        return self.part.place(self.row)[0]


class Line:
    """A line of an output; `plain` says that it is its stretches, and blanks before them."""

    __slots__ = ("lead", "number", "plain", "stretches", "text")

    def __init__(self, number: int, text: str, stretches: list[Stretch]) -> None:
        self.number, self.text, self.stretches = number, text, stretches
        joined = "".join([stretch.text for stretch in stretches])
        self.lead = len(text) - len(joined)
        self.plain = bool(stretches) and not text[: self.lead].strip(" \t") and (
            self.lead >= 0 and text[self.lead :] == joined)
        at = self.lead
        for stretch in stretches:
            stretch.at = at
            at = stretch.end

    @property
    def sole(self) -> Stretch | None:
        """The whole row that it is, if it is one."""
        first = self.stretches[0] if self.plain and len(self.stretches) == 1 else None
        return first if first and first.whole else None


def indentation(text: str) -> str:
    return text[: len(text) - len(text.lstrip(" \t"))]


def rows_of(part: Part) -> list[str]:
    return part.text.split("\n") if part.rows else []


def pieces(chunk: Chunk) -> Iterator[Piece | Reference | None]:
    """A chunk's stretches and references; nothing stands for the end of a line.

    The blanks around a reference that is alone are none of ours.
    """
    begun = False
    for part in chunk.parts:
        references, begin = [*reversed(part.references)], 0
        for row, line in enumerate(rows_of(part)):
            if begun:
                yield None
            begun, at, end = True, begin, begin + len(line)
            inside = []
            while references and references[-1].start < end:
                inside.append(references.pop())
            alone = len(inside) == 1 and line.strip(" \t") == (
                line[inside[0].start - begin : inside[0].end - begin])
            for reference in inside:
                if not alone:
                    yield part, row, at - begin, line[at - begin : reference.start - begin], False
                yield reference
                at = reference.end
            if not alone:
                yield part, row, at - begin, line[at - begin :], not inside
            begin = end + 1


class Trace:
    """An output, line by line; and `uses`, the stretches of each part at each of its places."""

    def __init__(self, web: Web, name: str, output: str) -> None:
        self.name = name
        self.uses: dict[Use, list[tuple[Line, Stretch]]] = {}  # of each, those that begin a row
        texts = output.removesuffix("\n").split("\n")
        self.lines = [Line(number, text, stretches) for number, (text, stretches) in enumerate(
            zip(texts, self._stretches(web, name)), 1)]
        for line in self.lines:
            for stretch in line.stretches:
                if not stretch.begin:
                    self.uses.setdefault(stretch.use, []).append((line, stretch))

    def _stretches(self, web: Web, name: str) -> Iterator[list[Stretch]]:
        known: dict[str, list[Piece | Reference | None]] = {}
        hollow: set[str] = set()  # chunks that mean nothing

        def entered(use: Use) -> tuple[Use, Iterator[Piece | Reference | None], int]:
            if use.name not in known:
                known[use.name] = [*pieces(web.chunks[use.name])]
            return use, iter(known[use.name]), count

        count = order = 0
        found: list[Stretch] = []
        stack = [entered(Use(name, None, None, 0))]
        while stack:
            use, rest, before = stack[-1]
            for piece in rest:
                if isinstance(piece, Reference):
                    if piece.name not in hollow:
                        order += 1
                        stack.append(entered(Use(piece.name, piece, use, order)))
                        break
                elif piece is None:
                    yield found
                    found = []
                    count += 1
                else:
                    found.append(Stretch(piece, use))
                    count += bool(piece[3])
            else:
                if count == before:
                    hollow.add(use.name)
                stack.pop()
        yield found

    def indent(self, web: Web, use: Use) -> str:
        """The indentation that a use of a chunk hands on to its lines, but not into strings."""
        if not use.above or use not in self.uses:
            return ""
        (first, stretch), *others = self.uses[use]
        strings = rows_in_strings(web.chunks[use.name])
        for line, other in others:
            if other.raw and line.plain and (other.part, other.row) not in strings:
                return line.text[: other.at]
        before = first.text[: stretch.at]
        return indentation(before) + " " * len(before[len(indentation(before)) :])


def rows_in_strings(chunk: Chunk) -> set[tuple[Part, int]]:
    """The rows of a chunk that begin in a string of several lines."""
    text, _ = with_marked_strings(chunk)
    if "\r" not in text:
        return set()
    ends = iter([sign for sign in text if sign in "\n\r"])
    rows = [(part, row) for part in chunk.parts for row in range(part.rows)]
    return {row for row, end in zip(rows[1:], ends) if end == "\r"}
