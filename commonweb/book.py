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

    from .identifiers import Identifier, Index, Use
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
    """A name in the index; `line` is where it is defined first.

    If it is `minor`, of use in its own blocks alone, it is enough to lead to the first of them.
    """

    name: str
    minor: bool
    exported: bool
    public: bool
    mentions: list[Mention]
    line: int | None


class Title(NamedTuple):
    """A line of the contents and those below it; one that only leads to a depth has no section."""

    section: Section | None
    below: list[Title]


class Note(NamedTuple):
    """What stands beside a part of a chunk.

    Where its chunk goes on and is used is said beside the first part; a name that several parts of
    a section use, beside the first of them.
    """

    also: list[Place]
    users: list[Place]
    captures: list[str]
    exports: list[str]
    meanings: list[Meaning]


class Meaning(NamedTuple):
    """What a name is that a section uses and another defines."""

    name: str
    kind: str
    place: Place


NOWHERE = Section("", None, None, Heading(Document(""), -1, 1, ""))

# What is seldom looked for outside of the block that it is bound in.
MINOR = ("local", "parameter", "label", "attribute", "field", "external", "module")

# A date as metadata have it: a year, a month or a day.
DATE = r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"

# Anchors that are no name's: of lines, sections and the index, and the page's own.
TAKEN = re.compile(r"[Lsx][0-9].*|top|search|reading|contents|index|chunks|licence|files|found.*")


class Book:
    """A web as a book, and beside it the reference of its packages.

    An anchor is `L` and a line, `s` and a section, or `x` and a name's number.  Two kinds last
    when the web is changed: an exported name is its own anchor, and a chunk's is `chunk-` and
    its name.
    """

    def __init__(self, web: Web, index: Index, title: str, licence: str, stem: str = "book",
                 packages: Sequence[Package] = (), author: str = "", date: str = "") -> None:
        self.by = " · ".join(filter(None, [author, date]))
        heading = web.title  # which says the title in the prose, unless it opens a section
        self.titled = heading is not None and heading not in [s.heading for s in web.sections[:1]]
        self.web, self.index, self.title, self.packages = web, index, title, packages
        # Where the pages are, as links have it.
        self.page, self.reference, self.files = (
            quote(os.fsencode(f"{stem}{end}"))
            for end in (".html", "-reference.html", "-files.html"))
        self.licence = [text for text in re.split(r"(?:\r?\n){2,}", licence.strip()) if text]
        self.numbers = {section.number for section in web.sections}
        holder, year, self.imprint = imprint(self.licence, packages, self.by)
        self.author = author or holder
        self.created = date if re.fullmatch(DATE, date) else year
        self.levels = dict(levels(web.sections))  # of the sections' headings
        self.parts = {part.fence.opens: part for part in web.parts}
        names = sorted(index.named, key=lambda name: (name.lstrip("_$").casefold(), name))
        self.anchors = {name: f"x{number}" for number, name in enumerate(names)}
        # Those that links lead to.
        self.indexed = {name for name, found in index.named.items()
                        if any(identifier.kind not in MINOR for identifier in found)}
        self.indexed |= {word.name for part in web.parts
                         for word in (*part.captures, *part.exports)}
        self.lasting = lasting(index.identifiers)
        self.exported = {identifier.name: anchor for identifier, anchor in self.lasting.items()}
        self.chunk_anchors = chunk_anchors(web.chunks)
        # The lines that links lead to, and those that the index may give a page for.
        self.lines = {use.place[0] for identifier in index.identifiers
                      for use in led_to(identifier)}
        self.lines |= {entry.line for package in packages for entry in package.entries()}
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

    def spot(self, use: Use) -> Place:
        """The place of a name: its line, if links lead there, or the block that it stands in."""
        line = use.place[0]
        return self.place(use.part, line if line in self.lines else 0)

    def meaning(self, name: str, section: Section | None) -> str:
        """The anchor of what a name in a section's prose means, if it is one of ours."""
        found = self.index.find(name, section or NOWHERE)
        if not found or not found.definitions:
            return ""
        return self.lasting.get(found) or f"L{self.spot(found.definitions[0]).line}"

    def own(self, name: str) -> str:
        """The anchor of an exported name; of another, that in the index, if it stands there."""
        return self.exported.get(name) or self.anchors.get(name, "")

    def listed(self, text: str) -> list[str]:
        """The sections in a list such as `45, 48`; of a range the first."""
        ranges = re.findall(r"([0-9]+[A-Z]?)(?: ?\u2013 ?[0-9]+[A-Z]?)?", text)
        return [number for number in dict.fromkeys(ranges) if number in self.numbers]

    # What stands beside a block of code.

    def note(self, part: Part) -> Note | None:
        """Where its code is used and goes on, which names it shares, and what it uses."""
        parts = self.web.chunks[part.name].parts
        first = part is parts[0]
        note = Note(self.places(other for other in parts
                                if first and other.section is not part.section),
                    self.places(self.web.chunks[part.name].users if first else []),
                    [word.name for word in part.captures], [word.name for word in part.exports],
                    self.elsewhere(part))
        return note if any(note) else None

    def elsewhere(self, part: Part) -> list[Meaning]:
        """The names that it uses, its section is the first to, and another section defines."""
        if not part.section:
            return []
        earlier = part.section.parts[: part.section.parts.index(part)]
        told = {mark.identifier for other in earlier for mark in self.index.marks.get(other, ())}
        here = {mark.identifier for mark in self.index.marks.get(part, ())} - told
        return [Meaning(identifier.name, identifier.kind, self.spot(use))
                for identifier in self.index.elsewhere(part.section) if identifier in here
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
        # Of a section: whether it defines, minus the line, and where that is.
        found: dict[str, tuple[bool, int, Place]] = {}
        for identifier in identifiers:
            for defines, uses in ((True, identifier.definitions), (False, identifier.uses)):
                for use in uses:
                    spot = self.spot(use)
                    mention = (defines, -use.place[0], spot)
                    found[spot.number] = max(found.get(spot.number, mention), mention)
        mentions = [Mention(spot, defines) for defines, _, spot in found.values()]
        return Entry(name, all(identifier.kind in MINOR for identifier in identifiers),
                     any(identifier.exported for identifier in identifiers),
                     any(identifier.public for identifier in identifiers),
                     sorted(mentions),
                     next((use.place[0] for identifier in identifiers
                           for use in identifier.definitions), None))

    def chunks(self) -> list[Chunk]:
        """The chunks by name, files last."""
        return sorted(self.web.chunks.values(),
                      key=lambda chunk: (chunk.is_file, chunk.name.casefold()))


def imprint(licence: Sequence[str], packages: Sequence[Package], by: str
            ) -> tuple[str, str, list[str]]:
    """Author and year, and what the title page says: these, version and name of the licence, as
    the licence and the code have them. A document that says whom it is by need not be told."""
    words = " ".join(" ".join(licence[:2]).split())
    holder = re.search(r"(?i)\bcopyright (?:\(c\)|©) ([0-9][0-9, \u2013-]*) (.+?)"
                       r"(?= after | permission |[.;,]|$)", words)
    version = next((package.version for package in packages if package.version), "")
    facts = [holder[2] if holder else "", f"version {version}" if version else "",
             holder[1] if holder else "",
             licence[0] if licence and len(licence[0]) < 40 and "\n" not in licence[0] else ""]
    author, year = facts[0], facts[2].strip()[-4:]
    if by:
        facts = [facts[1], facts[3]]
    return author, year, [fact[:1].upper() + fact[1:] for fact in facts if fact]


def lasting(identifiers: Iterable[Identifier]) -> dict[Identifier, str]:
    """The anchors of exported names: of several things of one name, the first public one has it."""
    chosen: dict[str, Identifier] = {}
    for identifier in identifiers:
        if identifier.definitions and (identifier.exported or identifier.public):
            other = chosen.setdefault(identifier.name, identifier)
            if identifier.public and not other.public:
                chosen[identifier.name] = identifier
    return {identifier: f"name-{name}" if TAKEN.fullmatch(name) else name
            for name, identifier in chosen.items()}


def chunk_anchors(names: Iterable[str]) -> dict[str, str]:
    """The anchors of chunks: what in a name an address cannot have is a hyphen there."""
    found: dict[str, str] = {}
    taken = set[str]()
    for name in names:
        anchor = base = "chunk-" + re.sub(r"[^\w./]+", "-", name).strip("-")
        number = 1
        while anchor in taken:
            number += 1
            anchor = f"{base}-{number}"
        taken.add(anchor)
        found[name] = anchor
    return found


def led_to(identifier: Identifier) -> Iterable[Use]:
    """The definitions of a name that have a line's anchor: the first, if it is used in another
    block or known outside of its own, and then the first of each section."""
    first = identifier.definitions[:1]
    if identifier.kind not in MINOR:
        return [*first, *{use.section: use for use in reversed(identifier.definitions)}.values()]
    return [use for use in first if any(other.part is not use.part for other in identifier.uses)]


def levels(sections: Iterable[Section]) -> Iterator[tuple[str, int]]:
    """The levels of the sections' headings, which skip none, as depths may.

    A section without a title stands one level below the one whose text it goes on with.
    """
    open: list[int] = []
    for section in sections:
        if section.title:
            depth = section.depth or 0
            while open and open[-1] >= depth:
                open.pop()
            open.append(depth)
        yield section.number, min(len(open) + (1 if section.title else 2), 6)


def initial(name: str) -> str:
    """Under which letter a name stands in the index."""
    letters = name.lstrip("_$")
    return letters[:1].upper() if letters[:1].isalpha() else "_"
