"""A web as a book: what stands in it besides prose and code, as data for the templates."""

from __future__ import annotations

import os
import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from .markdown import Document, Heading
from .web import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .identifiers import Identifier, Index
    from .reference import Package
    from .web import Chunk, Part, Web


class Place(NamedTuple):
    """Where a link leads, a line of the document, and the number of the section there."""

    line: int
    number: str


class Mention(NamedTuple):
    """A section in the index that defines a name or uses it: there, at the first such place."""

    place: Place
    defines: bool


class Entry(NamedTuple):
    """A name in the index; `line` is where it is defined first."""

    name: str
    exported: bool
    mentions: list[Mention]
    line: int | None


class Title(NamedTuple):
    """A line of the contents and those below it; one that only leads to a depth has no section."""

    section: Section | None
    below: list[Title]


class Note(NamedTuple):
    """What the margin says about a part of a chunk.

    Where its chunk goes on and is used is said beside the first part; `name` is the chunk's where
    a section has several parts.
    """

    name: str
    also: list[Place]
    users: list[Place]
    captures: list[str]
    exports: list[str]


class Meaning(NamedTuple):
    """What a name is that a section uses and another defines."""

    name: str
    kind: str
    place: Place


NOWHERE = Section("", None, None, Heading(Document(""), -1, 1, ""))


class Book:
    """A web as a book, and beside it the reference of its packages.

    An anchor is `L` and a line, `s` and a section, or `x` and a name's number.
    """

    def __init__(self, web: Web, index: Index, title: str, licence: str, stem: str = "book",
                 packages: Sequence[Package] = (), by: str = "") -> None:
        self.by = by  # whom, and when
        heading = web.title  # which says the title in the prose, unless it opens a section
        self.titled = heading is not None and heading not in [s.heading for s in web.sections[:1]]
        self.web, self.index, self.title, self.packages = web, index, title, packages
        # Where both pages are, as links have it.
        self.page, self.reference = (quote(os.fsencode(f"{stem}{end}"))
                                     for end in (".html", "-reference.html"))
        self.licence = [text for text in re.split(r"(?:\r?\n){2,}", licence.strip()) if text]
        self.numbers = {section.number for section in web.sections}
        self.levels = dict(levels(web.sections))
        self.parts = {part.fence.opens: part for part in web.parts}
        names = sorted(index.named, key=lambda name: (name.lstrip("_$").casefold(), name))
        self.anchors = {name: f"x{number}" for number, name in enumerate(names)}
        # The lines that the index may give a page for.
        self.targets = {identifier.definitions[0].place[0] for identifier in index.identifiers
                        if identifier.definitions}

    # Names and numbers.

    def place(self, part: Part, line: int = 0) -> Place:
        """A part's place, or that of a line of its code."""
        return Place(line or part.line, part.section.number if part.section else "?")

    def places(self, parts: Iterable[Part]) -> list[Place]:
        """The places of parts, one for each section, in the document's order."""
        found = {part.section: part for part in sorted(parts, key=lambda part: part.line)}
        return [self.place(part) for part in found.values()]

    def first(self, name: str) -> Place:
        """Where a chunk begins."""
        return self.place(self.web.chunks[name].parts[0])

    def meaning(self, name: str, section: Section | None) -> int | None:
        """The line that defines what a name in a section's prose means, if it is one of ours."""
        found = self.index.find(name, section or NOWHERE)
        return found.definitions[0].place[0] if found and found.definitions else None

    # What stands beside a section.

    def notes(self, section: Section) -> list[Note]:
        """Where its code is used and goes on, and which names its chunks share."""
        found = []
        for part in section.parts:
            parts = self.web.chunks[part.name].parts
            first = part is parts[0]
            note = Note(part.name if len(section.parts) > 1 else "",
                        self.places(other for other in parts
                                    if first and other.section is not section),
                        self.places(self.web.chunks[part.name].users if first else []),
                        [word.name for word in part.captures], [word.name for word in part.exports])
            if any(note[1:]):
                found.append(note)
        return found

    def elsewhere(self, section: Section) -> list[Meaning]:
        """The names that it uses and others define."""
        return [Meaning(identifier.name, identifier.kind, self.place(use.part, use.place[0]))
                for identifier in self.index.elsewhere(section)
                for use in identifier.definitions[:1]]

    # Contents, index, list of chunks.

    def contents(self) -> list[Title]:
        """The titled sections, nested by depth."""
        whole: list[Title] = []
        for section in self.web.sections:
            if section.title:
                titles = whole
                for _ in range(section.depth or 0):
                    if not titles:
                        titles.append(Title(None, []))
                    titles = titles[-1].below
                titles.append(Title(section, []))
        return whole

    def entries(self) -> Iterator[tuple[str, list[Entry]]]:
        """The index: every identifier, by initial."""
        for letter, names in groupby(self.anchors, initial):
            yield letter, [self._entry(name, self.index.named[name]) for name in names]

    def _entry(self, name: str, identifiers: list[Identifier]) -> Entry:
        found: dict[str, tuple[bool, int]] = {}  # of a section: whether it defines, minus the line
        for identifier in identifiers:
            for defines, uses in ((True, identifier.definitions), (False, identifier.uses)):
                for use in uses:
                    line, number = self.place(use.part, use.place[0])
                    found[number] = max(found.get(number, (False, -line)), (defines, -line))
        mentions = [Mention(Place(-line, number), defines)
                    for number, (defines, line) in found.items()]
        return Entry(name, any(identifier.exported for identifier in identifiers),
                     sorted(mentions),
                     next((use.place[0] for identifier in identifiers
                           for use in identifier.definitions), None))

    def chunks(self) -> list[Chunk]:
        """The chunks by name, files last."""
        return sorted(self.web.chunks.values(),
                      key=lambda chunk: (chunk.is_file, chunk.name.casefold()))


def levels(sections: Iterable[Section]) -> Iterator[tuple[str, int]]:
    """The levels of the titled sections' headings, which skip none, as depths may."""
    open: list[int] = []
    for section in sections:
        if section.title:
            depth = section.depth or 0
            while open and open[-1] >= depth:
                open.pop()
            open.append(depth)
            yield section.number, len(open) + 1


def initial(name: str) -> str:
    """Under which letter a name stands in the index."""
    letters = name.lstrip("_$")
    return letters[:1].upper() if letters[:1].isalpha() else "_"
