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

from web import Chunk, Web

LIMIT = 256 << 20  # bytes, of all outputs together


class Hole:
    """A reference, as expansion needs it.

    `lead` is its indentation if it stands alone on its line; then those blanks are
    in no text around it.  `quoted` says that it stands inside a multi-line string.
    """

    __slots__ = ("alone", "lead", "name", "quoted")

    def __init__(self, name: str, lead: str, alone: bool, quoted: bool) -> None:
        self.name, self.lead, self.alone, self.quoted = name, lead, alone, quoted


def pieces_of(chunk: Chunk) -> list[str | Hole]:
    """A chunk's code, cut at its references."""
    text = chunk.parts[0].text if len(chunk.parts) == 1 else chunk.text
    spans: list[tuple[int, int]] = []
    if '"""' in text or "'''" in text or "\\\n" in text:
        spans = chunk.strings()
        cut, at = [], 0
        for start, end in spans:
            cut += [text[at:start], text[start:end].replace("\n", "\r")]
            at = end
        text = "".join(cut) + text[at:]
    if "⟨" not in text:
        return [text] if text else []
    pieces: list[str | Hole] = []
    at = span = 0
    for reference, start in chunk.references():
        end = start + reference.end - reference.start
        while span < len(spans) and spans[span][1] <= start:
            span += 1
        quoted = span < len(spans) and spans[span][0] < start
        before, lead, alone = text[at:start], "", False
        if not quoted:
            begin = text.rfind("\n", at, start) + 1
            if begin >= at and not text[begin:start].strip(" \t"):
                stop = text.find("\n", end)
                stop = len(text) if stop < 0 else stop
                if not text[end:stop].strip(" \t"):
                    before, lead, end, alone = text[at:begin], text[begin:start], stop, True
        pieces += [before, Hole(reference.name, lead, alone, quoted)]
        at = end
    pieces.append(text[at:])
    return [piece.replace("⟨⟨", "⟨") if isinstance(piece, str) else piece for piece in pieces
            if piece != ""]


class Line:
    """How far the current line of a chunk's expansion has come.

    `lead` is the blanks it begins with, `width` the number of characters after them.
    """

    def __init__(self) -> None:
        self.lead, self.width = "", 0

    def text(self, text: str) -> None:
        begin = max(text.rfind("\n"), text.rfind("\r")) + 1
        if begin or not (self.lead or self.width):
            rest = text[begin:].lstrip(" \t")
            self.lead = text[begin : len(text) - len(rest)]
            self.width = len(rest)
        else:
            self.width += len(text)

    def hole(self, hole: Hole, size: Size) -> None:
        if size.last and (size.last == "\r" or hole.quoted or not size.width):
            self.lead, self.width = "", size.width
        elif size.bytes:
            self.lead += hole.lead
            self.width += size.width


class Size:
    """How large an expansion is: at most so many bytes, with so many ends of lines
    after which indentation may go; the last end of a line, and the width of what follows."""

    last, width = "", 0

    def __init__(self, bytes: int, newlines: int) -> None:
        self.bytes, self.newlines = bytes, newlines


def measure(pieces: list[str | Hole], sizes: dict[str, Size]) -> Size:
    """The size of a chunk's expansion, by arithmetic alone, if no reference is inside a line."""
    bytes = newlines = 0
    for piece in pieces:
        if isinstance(piece, str):
            bytes += len(piece) if piece.isascii() else len(piece.encode())
            newlines += piece.count("\n")
        else:
            size = sizes[piece.name]
            bytes += size.bytes + (size.newlines + 1) * len(piece.lead) if size.bytes else 0
            newlines += size.newlines
    return Size(bytes, newlines)


def measure_lines(pieces: list[str | Hole], sizes: dict[str, Size]) -> Size:
    """The same if there may be such references: what they make of lines that go on there."""
    total, line = measure(pieces, sizes), Line()
    for piece in pieces:
        if isinstance(piece, str):
            last = max(piece.rfind("\n"), piece.rfind("\r"))
            total.last = piece[last] if last >= 0 else total.last
            line.text(piece)
        else:
            size = sizes[piece.name]
            if piece.quoted:
                total.newlines -= size.newlines
            elif not piece.alone:
                total.bytes += size.newlines * (len(line.lead) + line.width)
            if size.last:
                total.last = "\r" if piece.quoted else size.last
            line.hole(piece, size)
    total.width = len(line.lead) + line.width
    return total


def bottom_up(pieces: dict[str, list[str | Hole]], roots: list[str]) -> list[str]:
    """All names below the roots, each after those that it refers to.  Cycles there are none."""
    order: dict[str, None] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        name, left = stack.pop()
        if left:
            order.setdefault(name)
        elif name not in order:
            stack.append((name, True))
            stack += [(piece.name, False) for piece in pieces[name] if isinstance(piece, Hole)
                      and piece.name not in order]
    return list(order)


def indented(text: str, indent: str) -> str:
    """Put the indentation before each line but the first, if it is not empty or in a string."""
    if not indent:
        return text
    if "\r" in text:
        return re.sub(r"\n(?=[^\n\r])", "\n" + indent, text)
    shown = text.replace("\n", "\n" + indent)
    if text[-1] == "\n":
        shown = shown[: -len(indent)]
    if "\n\n" in text:  # twice, since an empty line's end is the next one's begin
        empty = "\n" + indent + "\n"
        shown = shown.replace(empty, "\n\n").replace(empty, "\n\n")
    return shown


ALL = 1 << 62  # of any indentation


class Opening:
    """Where in an expansion that of a reference stands: as indices into its strings."""

    def __init__(self, name: str, start: int) -> None:
        self.name, self.start, self.end = name, start, start


def expand(
    name: str, pieces: dict[str, list[str | Hole]], sizes: dict[str, Size], known: dict[str, str],
    inline: set[str], indent: str = "", done: int = 0, openings: list[Opening] | None = None,
) -> list[str]:
    """The expansion of a chunk, in strings, given those of chunks that are used more than once.

    The other chunks are expanded where they stand, on a stack of our own: a web may
    nest them deeper than Python nests calls.  So every line is written once, with
    its whole indentation.  `inline` has the chunks with references inside lines; `done` says
    how much of its indentation the first line has already.  What stands where for which
    reference is noted in `openings`, if they are given.
    """
    out: list[str] = []
    # The chunks being expanded: what is left of each, its indentation, whether it stands in
    # a string (a newline of its own then is none of ours), whether that began with it.
    stack = [(iter(pieces[name]), indent, False, False, Line() if name in inline else None)]
    opened: list[Opening] = []
    while stack:
        rest, indent, quoted, _, line = stack[-1]
        for piece in rest:
            inner, raw, enters = indent, quoted, False
            if isinstance(piece, str):
                text = piece
                if line:
                    line.text(piece)
            else:
                size, enters = sizes[piece.name], piece.quoted
                if not size.bytes:
                    continue
                if enters:
                    inner, raw, done = "", True, 0
                else:
                    inner += piece.lead
                    if line and size.newlines:
                        inner += line.lead + " " * line.width
                    if not piece.lead:
                        done = min(done, len(inner))
                if line:
                    line.hole(piece, size)
                if piece.name not in known:
                    stack.append((iter(pieces[piece.name]), inner, raw, enters,
                                  Line() if piece.name in inline else None))
                    if openings is not None:
                        opened.append(Opening(piece.name, len(out)))
                        openings.append(opened[-1])
                    break
                text = known[piece.name]
            if text:
                if text[0] not in "\n\r":
                    out.append(inner[done:])
                shown = indented(text, inner)
                out.append(shown.replace("\n", "\r") if raw else shown)
                done = 0 if text[-1] == "\n" else ALL
            if enters:
                done = ALL
        else:
            if stack.pop()[3]:
                done = ALL
            if opened:
                opened.pop().end = len(out)
    return out


def survey(web: Web) -> tuple[dict[str, list[str | Hole]], dict[str, Size], set[str]]:
    """The pieces and the sizes of all chunks, and which have references inside lines."""
    pieces: dict[str, list[str | Hole]] = {}
    sizes: dict[str, Size] = {}
    inline: set[str] = set()
    for name in web.order:
        code = pieces[name] = pieces_of(web.chunks[name])
        sizes[name] = measure(code, sizes)
        if len(code) > 1 and any([not isinstance(hole, str) and not hole.alone for hole in code]):
            inline.add(name)
    if inline:
        for name in web.order:
            sizes[name] = measure_lines(pieces[name], sizes)
    return pieces, sizes, inline


def tangle(web: Web, roots: list[str] | None = None) -> dict[str, bytes]:
    """What the roots mean, else all files, of a web that has no problems yet.

    Too large ones become its problem.
    """
    files = roots or [name for name, chunk in web.chunks.items() if chunk.is_file]
    pieces, sizes, inline = survey(web)
    if sum([sizes[name].bytes for name in files]) > LIMIT:
        largest = max(files, key=lambda name: sizes[name].bytes)
        culprit = next((name for name in bottom_up(pieces, [largest])
                        if sizes[name].bytes > LIMIT), largest)
        part = web.chunks[largest].parts[0]
        web.error(part.line, part.column, f"⟨{largest}⟩ grows too large: more than "
                  f"{LIMIT >> 20} MiB in all outputs" + (
                      f"; ⟨{culprit}⟩ alone has more" if culprit != largest else ""))
        return {}
    known: dict[str, str] = {}
    # What is used more than once is expanded once; what has no references is its own expansion.
    for name in bottom_up(pieces, files) if roots else web.order:
        code = pieces[name]
        if len(code) == 1 and isinstance(code[0], str):
            known[name] = code[0]
        elif len(web.chunks[name].uses) > 1:
            known[name] = "".join(expand(name, pieces, sizes, known, inline))
    return {name: "".join([*expand(name, pieces, sizes, known, inline), "\n"])
            .replace("\r", "\n").encode() if web.chunks[name].rows else b"" for name in files}
