"""What the chunks of a web mean: expansion.

A reference stands for its chunk: the chunk's first line goes in its place, the
others are indented to its column, and what follows it follows the last line.  An
empty line stays empty, and a line that begins inside a multi-line string is left
as it is.  Alone on its line a reference hands on its indentation, tabs and all.

In expanded code "\\r" ends a line if the next one begins inside a string, where
no indentation may go; "\\n" ends any other.  (No other "\\r" is left in a web.)
"""

from __future__ import annotations

import re
from bisect import bisect
from io import StringIO

from .messages import Problem
from .strings import long_strings
from .web import Chunk, Web

LIMIT = 256 << 20  # bytes, of all outputs together


class TooLarge(Exception):
    """What the outputs would be is too large; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Hole:
    """A reference, as expansion needs it: what it stands for.

    `lead` is its indentation if it stands alone on its line; then those blanks are
    in no text around it.  `quoted` says that it stands inside a multi-line string.
    """

    __slots__ = ("alone", "code", "lead", "quoted")

    def __init__(self, code: Code, lead: str, alone: bool, quoted: bool) -> None:
        self.code, self.lead, self.alone, self.quoted = code, lead, alone, quoted


class Line:
    """How far the current line has come in an expansion.

    `lead` is the blanks it begins with, `width` the number of characters after them, and
    `after` the end of the line before it, if there is one.
    """

    __slots__ = ("after", "lead", "width")

    def __init__(self) -> None:
        self.after, self.lead, self.width = "", "", 0

    def text(self, text: str) -> None:
        begin = max(text.rfind("\n"), text.rfind("\r")) + 1
        if begin:
            self.after = text[begin - 1]
        if begin or not (self.lead or self.width):
            rest = text[begin:].lstrip(" \t")
            self.lead = text[begin : len(text) - len(rest)]
            self.width = len(rest)
        else:
            self.width += len(text)

    def hole(self, hole: Hole) -> None:
        last = hole.code.line
        assert last
        width = len(last.lead) + last.width
        if last.after:
            self.after = "\r" if hole.quoted else last.after
        if last.after and (self.after == "\r" or not width):
            self.lead, self.width = "", width
        elif hole.code.bytes:
            self.lead += hole.lead
            self.width += width


class Code:
    """A chunk, as expansion needs it: texts, and holes where it refers to others.

    Of its expansion is known, by arithmetic alone, its size in `bytes`, the number of
    `newlines` after which indentation may go, and how far its last `line` has come; and
    its `text`, if that is made once for all places.
    """

    __slots__ = ("bytes", "inline", "line", "name", "newlines", "pieces", "text")

    def __init__(self, name: str, pieces: list[str | Hole]) -> None:
        self.name, self.pieces = name, pieces
        self.inline = any([not isinstance(piece, str) and not piece.alone for piece in pieces])
        self.bytes = self.newlines = 0
        self.line: Line | None = None
        self.text: str | None = None

    def measure(self, line: Line | None) -> None:
        """Find these figures, but without a line no last one; all below is measured already."""
        for piece in self.pieces:
            if isinstance(piece, str):
                self.bytes += len(piece) if piece.isascii() else len(piece.encode())
                self.newlines += piece.count("\n")
                if line:
                    line.text(piece)
            else:
                inner, indent = piece.code, len(piece.lead)
                if line and not piece.quoted:
                    indent += len(line.lead) + line.width
                if inner.bytes:
                    self.bytes += inner.bytes + inner.newlines * indent + len(piece.lead)
                if not piece.quoted:
                    self.newlines += inner.newlines
                if line:
                    line.hole(piece)
        self.line = line


def survey(web: Web) -> dict[str, Code]:
    """The code of all chunks of a web without problems, each after what it refers to."""
    codes: dict[str, Code] = {}
    for chunk in web.order:
        codes[chunk.name] = Code(chunk.name, pieces_of(chunk, codes))
    inline = any([code.inline for code in codes.values()])  # else no one asks for a line
    for code in codes.values():
        code.measure(Line() if inline else None)
    return codes


def bottom_up(roots: list[Code]) -> list[Code]:
    """All below the roots, each after those that it refers to."""
    order: dict[Code, None] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        code, left = stack.pop()
        if left:
            order.setdefault(code)
        elif code not in order:
            stack.append((code, True))
            stack += [(piece.code, False) for piece in code.pieces if isinstance(piece, Hole)
                      and piece.code not in order]
    return list(order)


def pieces_of(chunk: Chunk, codes: dict[str, Code]) -> list[str | Hole]:
    """A chunk's code, cut at its references."""
    text, spans = with_marked_strings(chunk)
    if not chunk.below:  # as most have none
        return [text.replace("⟨⟨", "⟨")] if text else []
    pieces: list[str | Hole] = []
    at = 0
    for reference, start in chunk.references():
        end = start + reference.end - reference.start
        lead, alone, quoted = "", False, is_within(spans, start)
        begin = text.rfind("\n", at, start) + 1
        if begin >= at and not quoted and not text[begin:start].strip(" \t"):
            stop = text.find("\n", end)
            stop = len(text) if stop < 0 else stop
            if not text[end:stop].strip(" \t"):
                lead, alone = text[begin:start], True
                start, end = begin, stop
        if at < start:
            pieces.append(text[at:start])
        pieces.append(Hole(codes[reference.name], lead, alone, quoted))
        at = end
    if at < len(text):
        pieces.append(text[at:])
    if "⟨⟨" in text:
        return [piece.replace("⟨⟨", "⟨") if isinstance(piece, str) else piece for piece in pieces]
    return pieces


def with_marked_strings(chunk: Chunk) -> tuple[str, list[tuple[int, int]]]:
    """A chunk's text, in which "\\r" ends lines within strings; and the spans of these."""
    text = chunk.text
    spans = long_strings(text, chunk.language)
    if not spans:
        return text, spans
    marked, at = [], 0
    for start, end in spans:
        marked += [text[at:start], text[start:end].replace("\n", "\r")]
        at = end
    return "".join([*marked, text[at:]]), spans


def is_within(spans: list[tuple[int, int]], at: int) -> bool:
    """Whether a character is in one of the spans."""
    before = bisect(spans, (at, at))
    return before > 0 and at < spans[before - 1][1]


def indented(text: str, indent: str) -> str:
    """Put the indentation before each line but the first, if it is not empty or in a string."""
    if not indent:
        return text
    if "\n\n" in text or "\r" in text:
        return re.sub(r"\n(?=[^\n\r])", "\n" + indent, text)
    shown = text.replace("\n", "\n" + indent)
    return shown[: -len(indent)] if text[-1] == "\n" else shown


class Opening:
    """Where in an expansion that of a reference stands."""

    def __init__(self, name: str, start: int) -> None:
        self.name, self.start, self.end = name, start, start


class Place:
    """A chunk at a place in an expansion: what is left of it, and its indentation.

    `within` says that its reference stands in a string of the chunk around it. It is `quoted` if
    any around it does: then a newline of its own is none of ours.
    """

    __slots__ = ("indent", "line", "opening", "quoted", "rest", "within")

    def __init__(self, code: Code, indent: str, quoted: bool = False, within: bool = False) -> None:
        self.rest = iter([code.text] if code.text else code.pieces)
        self.indent, self.quoted, self.within = indent, quoted, within
        self.line = Line() if code.inline else None
        self.opening: Opening | None = None

    def enter(self, hole: Hole) -> Place:
        """What a reference in it stands for."""
        if hole.quoted:
            return Place(hole.code, "", True, True)
        indent = self.indent + hole.lead
        if self.line and hole.code.newlines:
            indent += self.line.lead + " " * self.line.width
        return Place(hole.code, indent, self.quoted)


def expand(code: Code, indent: str = "", fresh: bool = True,
           openings: list[Opening] | None = None) -> str:
    """The expansion of a chunk; what stands where for which reference is noted in `openings`.

    The other chunks are expanded where they stand, on a stack of our own: a web may
    nest them deeper than Python nests calls.  So every line is written once, with
    its whole indentation.  Unless the first line is `fresh`, it has its indentation already.
    """
    out = StringIO()
    blanks = ""  # in a line that is not fresh, what comes before the next text
    stack = [Place(code, indent)]
    while stack:
        place = stack[-1]
        for piece in place.rest:
            if isinstance(piece, str):
                if piece[0] not in "\n\r":
                    out.write(place.indent if fresh else blanks)
                shown = indented(piece, place.indent)
                out.write(shown.replace("\n", "\r") if place.quoted else shown)
                fresh, blanks = piece[-1] == "\n", ""
                if place.line:
                    place.line.text(piece)
            elif piece.code.bytes:
                inner = place.enter(piece)
                fresh, blanks = fresh or piece.quoted, blanks + piece.lead
                if place.line:
                    place.line.hole(piece)
                if openings is not None:
                    inner.opening = Opening(piece.code.name, out.tell())
                    openings.append(inner.opening)
                stack.append(inner)
                break
        else:
            stack.pop()
            if place.opening:
                place.opening.end = out.tell()
            fresh = fresh and not place.within
    return out.getvalue()


def tangle(web: Web, roots: list[str] | None = None) -> dict[str, bytes]:
    """What the roots mean, else all files, of a web that has no problems."""
    codes = survey(web)
    files = [codes[name] for name in roots or [chunk.name for chunk in web.files]]
    if sum([code.bytes for code in files]) > LIMIT:
        raise TooLarge(too_large(web, max(files, key=lambda code: code.bytes)))
    for code in bottom_up(files) if roots else codes.values():
        if len(web.chunks[code.name].users) > 1:
            code.text = expand(code)
    return {code.name: written(code) if web.chunks[code.name].rows else b"" for code in files}


def too_large(web: Web, largest: Code) -> Problem:
    """That all is too large, and which chunk it is that makes the largest file so."""
    culprit = next((code for code in bottom_up([largest]) if code.bytes > LIMIT), largest)
    part = web.chunks[largest.name].parts[0]
    return Problem(part.line, part.column, f"⟨{largest.name}⟩ grows too large: more than "
                   f"{LIMIT >> 20} MiB in all outputs" + (
                       f"; ⟨{culprit.name}⟩ alone has more" if culprit is not largest else ""))


def written(code: Code) -> bytes:
    """What a file is to hold."""
    return expand(code).replace("\r", "\n").encode() + b"\n"
