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
from io import BytesIO

from .strings import long_strings
from .web import Chunk, Web, may_have_strings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 256 << 20  # bytes, of all outputs together


class Code:
    """A chunk, as expansion needs it: texts, and holes where it refers to others.

    `bytes` says how large its expansion is; `newlines` has the ends of lines after which
    indentation may go, `last` the last end of a line, and `width` the width of what follows that.
    `text` is the expansion of one that is used more than once, or that has no holes.
    """

    __slots__ = ("bytes", "inline", "last", "name", "newlines", "pieces", "text", "width")

    def __init__(self, name: str, pieces: list[str | Hole]) -> None:
        self.name, self.pieces = name, pieces
        self.bytes = self.newlines = self.width = 0
        self.last, self.inline = "", False
        self.text: str | None = None


class Hole:
    """A reference, as expansion needs it: what it stands for.

    `lead` is its indentation if it stands alone on its line; then those blanks are
    in no text around it.  `quoted` says that it stands inside a multi-line string.
    """

    __slots__ = ("alone", "code", "lead", "quoted")

    def __init__(self, code: Code, lead: str, alone: bool, quoted: bool) -> None:
        self.code, self.lead, self.alone, self.quoted = code, lead, alone, quoted


def pieces_of(chunk: Chunk, codes: dict[str, Code]) -> list[str | Hole]:
    """A chunk's code, cut at its references."""
    pieces: list[str | Hole] = []
    cut = chunk.cut()
    if cut:  # as nearly always
        for at in range(0, len(cut) - 1, 3):
            before, lead, name = cut[at : at + 3]
            if before:
                pieces.append(before)
            pieces.append(Hole(codes[name], lead, True, False))
        if cut[-1]:
            pieces.append(cut[-1])
        return pieces
    text = chunk.text
    spans: list[tuple[int, int]] = []
    if may_have_strings(text):
        language = chunk.parts[0].language or ""
        if chunk.is_file:
            language = chunk.name.rpartition(".")[2]
        spans = long_strings(text, language)
        marked, at = [], 0
        for start, end in spans:
            marked += [text[at:start], text[start:end].replace("\n", "\r")]
            at = end
        text = "".join(marked) + text[at:]
    if "⟨" not in text:
        return [text] if text else []
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
        pieces += [before, Hole(codes[reference.name], lead, alone, quoted)]
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

    def hole(self, hole: Hole) -> None:
        code = hole.code
        if code.last and (code.last == "\r" or hole.quoted or not code.width):
            self.lead, self.width = "", code.width
        elif code.bytes:
            self.lead += hole.lead
            self.width += code.width


def measure(code: Code) -> None:
    """How large an expansion is, by arithmetic alone, if no reference is inside a line."""
    bytes = newlines = 0
    for piece in code.pieces:
        if isinstance(piece, str):
            bytes += len(piece) if piece.isascii() else len(piece.encode())
            newlines += piece.count("\n")
        else:
            inner = piece.code
            if inner.bytes:
                bytes += inner.bytes + (inner.newlines + 1) * len(piece.lead)
            newlines += inner.newlines
    code.bytes, code.newlines = bytes, newlines


def measure_lines(code: Code) -> None:
    """The same if there may be such references: what they make of lines that go on there."""
    measure(code)
    line = Line()
    for piece in code.pieces:
        if isinstance(piece, str):
            last = max(piece.rfind("\n"), piece.rfind("\r"))
            code.last = piece[last] if last >= 0 else code.last
            line.text(piece)
        else:
            inner = piece.code
            if piece.quoted:
                code.newlines -= inner.newlines
            elif not piece.alone:
                code.bytes += inner.newlines * (len(line.lead) + line.width)
            if inner.last:
                code.last = "\r" if piece.quoted else inner.last
            line.hole(piece)
    code.width = len(line.lead) + line.width


def bottom_up(roots: list[Code]) -> list[Code]:
    """All below the roots, each after those that it refers to.  Cycles there are none."""
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


def indented(text: str, indent: str) -> str:
    """Put the indentation before each line but the first, if it is not empty or in a string."""
    if not indent:
        return text
    if "\r" in text:
        return re.sub(r"\n(?=[^\n\r])", "\n" + indent, text)
    if text[-1] == "\n":
        shown = text[:-1].replace("\n", "\n" + indent) + "\n"
    else:
        shown = text.replace("\n", "\n" + indent)
    if "\n\n" in text:  # twice, since an empty line's end is the next one's begin
        empty = "\n" + indent + "\n"
        shown = shown.replace(empty, "\n\n").replace(empty, "\n\n")
    return shown


ALL = 1 << 62  # of any indentation


BATCH = 1000  # strings at a time: memory that was used before costs less than new memory


class Opening:
    """Where in an expansion that of a reference stands: as indices into its strings."""

    def __init__(self, name: str, start: int) -> None:
        self.name, self.start, self.end = name, start, start


def expand(
    code: Code, indent: str = "", done: int = 0, openings: list[Opening] | None = None
) -> Iterator[list[str]]:
    """The expansion of a chunk, in batches of strings.

    The other chunks are expanded where they stand, on a stack of our own: a web may
    nest them deeper than Python nests calls.  So every line is written once, with
    its whole indentation.  `done` says how much of its indentation the first line has already.
    What stands where for which reference is noted in `openings`, if they are given; then all is
    one batch, and the expansions that are known already are not used.
    """
    out: list[str] = []
    # The chunks being expanded: what is left of each, its indentation, whether it stands in
    # a string (a newline of its own then is none of ours), whether that began with it.
    stack = [(iter(code.pieces), indent, False, False, Line() if code.inline else None)]
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
                code, enters = piece.code, piece.quoted
                if not code.bytes:
                    continue
                if enters:
                    inner, raw, done = "", True, 0
                else:
                    inner += piece.lead
                    if line and code.newlines:
                        inner += line.lead + " " * line.width
                    if not piece.lead:
                        done = min(done, len(inner))
                if line:
                    line.hole(piece)
                if code.text is None or openings is not None:
                    stack.append((iter(code.pieces), inner, raw, enters,
                                  Line() if code.inline else None))
                    if openings is not None:
                        opened.append(Opening(code.name, len(out)))
                        openings.append(opened[-1])
                    break
                text = code.text
            if text:
                if done < len(inner) and text[0] not in "\n\r":
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
            if len(out) > BATCH and openings is None:
                yield out
                out = []
    yield out


def survey(web: Web) -> dict[str, Code]:
    """The code of all chunks, each after what it refers to."""
    codes: dict[str, Code] = {}
    inline = False
    for chunk in web.order:
        code = codes[chunk.name] = Code(chunk.name, pieces_of(chunk, codes))
        if chunk.below:
            measure(code)
            code.inline = any([not isinstance(hole, str) and not hole.alone
                               for hole in code.pieces])
            inline = inline or code.inline
        elif code.pieces:
            code.text = text = str(code.pieces[0])
            code.bytes = len(text) if text.isascii() else len(text.encode())
            code.newlines = text.count("\n")
    if inline:
        for code in codes.values():
            measure_lines(code)
    return codes


def tangle(web: Web, roots: list[str] | None = None) -> dict[str, bytes]:
    """What the roots mean, else all files, of a web that has no problems yet.

    Too large ones become its problem.
    """
    codes = survey(web)
    files = [codes[name] for name in roots or [chunk.name for chunk in web.files]]
    if sum([code.bytes for code in files]) > LIMIT:
        largest = max(files, key=lambda code: code.bytes)
        culprit = next((code for code in bottom_up([largest]) if code.bytes > LIMIT), largest)
        part = web.chunks[largest.name].parts[0]
        web.error(part.line, part.column, f"⟨{largest.name}⟩ grows too large: more than "
                  f"{LIMIT >> 20} MiB in all outputs" + (
                      f"; ⟨{culprit.name}⟩ alone has more" if culprit is not largest else ""))
        return {}
    for code in bottom_up(files) if roots else codes.values():
        if code.text is None and len(web.chunks[code.name].users) > 1:
            code.text = "".join(map("".join, expand(code)))
    return {code.name: written(code) if web.chunks[code.name].rows else b"" for code in files}


def written(code: Code) -> bytes:
    """What a file is to hold."""
    data = BytesIO()
    for batch in expand(code):
        data.write("".join(batch).replace("\r", "\n").encode())
    data.write(b"\n")
    return data.getvalue()
