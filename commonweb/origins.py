"""Where each character of an output was written."""

from __future__ import annotations

import re

from .web import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .web import Chunk, Part, Web


class Use:
    """A chunk at one of its places in an output: what `reference` within `above` stands for.

    The file itself has neither.  `depth` counts the uses above, `order` those before.
    """

    def __init__(self, name: str, reference: Reference | None, above: Use | None, order: int
                 ) -> None:
        self.name, self.reference, self.above, self.order = name, reference, above, order
        self.depth: int = above.depth + 1 if above else 0


class Run:
    """Characters of an output, and where they were written.

    They begin at `line` and `column` of the output, and in row `row` of the part's
    code after `offset` characters.  `use` tells at which of its places the chunk
    stands there.
    """

    def __init__(self, text: str, line: int, column: int, part: Part, row: int, offset: int,
                 use: Use) -> None:
        self.text, self.line, self.column = text, line, column
        self.part, self.row, self.offset, self.use = part, row, offset, use

    def place(self, offset: int = 0) -> tuple[int, int]:
        """Line and column in the document of one of its characters."""
        return self.part.place(self.row, self.offset + offset)


CODE = re.compile(r"⟨⟨|⟨([^⟨⟩\n]*)⟩|[^⟨\n]+|\n")


def pieces(chunk: Chunk) -> Iterator[Run | Reference]:
    """A chunk's code within lines, without the blanks around it, and its references."""
    anywhere = Use(chunk.name, None, None, 0)
    for part in chunk.parts:
        references = iter(part.references)
        row = begin = 0
        for match in CODE.finditer(part.text):
            text, start = match[0], match.start()
            if text == "\n":
                row, begin = row + 1, start + 1
            elif match[1] is not None:
                yield next(references)
            elif stripped := text.strip(" \t"):
                offset = start - begin + text.index(stripped)
                yield Run(stripped.replace("⟨⟨", "⟨"), 0, 0, part, row, offset, anywhere)


def runs(web: Web, name: str, output: str) -> Iterator[Run]:
    """Where an output comes from, in its order; `output` is what the chunk of that name means.

    Tangling adds and drops nothing but blanks and ends of lines, so output and chunks
    are read side by side.  No run begins or ends with a blank.
    """
    known = {name: list(pieces(web.chunks[name]))}
    hollow: set[str] = set()  # chunks that mean nothing but blanks
    stack = [(Use(name, None, None, 0), iter(known[name]), 0)]
    at = begin = count = order = 0
    line = 1
    while stack:
        use, rest, before = stack[-1]
        for piece in rest:
            if isinstance(piece, Reference):
                name = piece.name
                if name not in known:
                    known[name] = list(pieces(web.chunks[name]))
                if name not in hollow:
                    order += 1
                    stack.append((Use(name, piece, use, order), iter(known[name]), count))
                    break
                continue
            while output[at : at + 1] in (" ", "\t", "\n"):
                at += 1
                if output[at - 1] == "\n":
                    line, begin = line + 1, at
            if not output.startswith(piece.text, at):
                raise ValueError(f"line {line} of the output is not what ⟨{use.name}⟩ means")
            yield Run(piece.text, line, at - begin + 1, piece.part, piece.row, piece.offset, use)
            at += len(piece.text)
            count += 1
        else:
            if count == before:
                hollow.add(use.name)
            stack.pop()
