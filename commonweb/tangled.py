"""A web's outputs beside its book: each line with the section that wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from .listings import Tagged, highlighted, joined
from .origins import runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .book import Book, Place
    from .origins import Run
    from .web import Part

LIMIT = 8 << 20  # bytes of all outputs that are shown


class Stretch(NamedTuple):
    """Lines of an output, from number `first` on, that one block wrote.

    `begun` are the lines of the blocks whose code begins with it, in this output or any.
    """

    place: Place
    begun: list[int]
    first: int
    code: Markup

    @property
    def numbers(self) -> str:
        """The numbers of its lines, one below another."""
        return "\n".join(map(str, range(self.first, self.first + self.code.count("\n"))))


class File(NamedTuple):
    """An output; if it is too large to be shown it has no stretches."""

    name: str
    anchor: str
    stretches: list[Stretch]


class Tangled:
    """The outputs as a page shows them; `begun` are the lines of all blocks that begin there."""

    def __init__(self, book: Book, outputs: Mapping[str, bytes]) -> None:
        self.book, self.begun = book, set[int]()
        # The block that a reference stands in.
        self.blocks = {id(reference): part for part in book.web.parts
                       for reference in part.references}
        self.files, left = [], LIMIT
        for name, data in outputs.items():
            left -= len(data)
            self.files.append(File(name, book.chunk_anchors[name],
                                   [*self.stretches(name, data.decode())] if left >= 0 else []))

    def stretches(self, name: str, text: str) -> Iterator[Stretch]:
        """An output, cut where another block goes on."""
        code = Tagged(text, highlighted(text, self.book.web.chunks[name].language))
        starts = [0, *(at + 1 for at, sign in enumerate(text) if sign == "\n")]
        found: list[tuple[int, Part, list[int]]] = []
        line = 0
        for run in runs(self.book.web, name, text):
            begun = self.begin(run)
            if run.line > line and (begun or not found or found[-1][1] is not run.part):
                # What is empty before the first line of all belongs to it.
                found.append((run.line if found else 1, run.part, begun))
            else:
                found[-1][2].extend(begun)
            line = run.line
        for number, (first, part, begun) in enumerate(found):
            end = found[number + 1][0] if number + 1 < len(found) else len(starts)
            html = joined(code.html(starts[first - 1], starts[end - 1]))
            yield Stretch(self.book.place(part), begun, first, Markup(html))

    def begin(self, run: Run) -> list[int]:
        """The blocks that begin here and nowhere before: its own, and those around it."""
        parts, use = [run.part], run.use
        while use.reference and use.above:
            parts.append(self.blocks[id(use.reference)])
            use = use.above
        begun = [part.line for part in parts if part.line not in self.begun]
        self.begun.update(begun)
        return begun
