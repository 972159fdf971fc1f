"""A web: a program written as a document.

A web is a CommonMark document.  Its headings divide it into numbered
*sections*; a fenced code block whose first line is a comment such as
`# ⟨Split the address⟩≡` is a *part* of the *chunk* of that name, and
`⟨Split the address⟩` in a line of code is a *reference* to it.  The tangler turns
a web into code, the weaver into a book, so everything here knows its place in the
document: lines and columns count from 1, columns count characters.

What is written in another form than these is a problem found here; what is wrong with a web
that is well written, `faults` finds.
"""

from __future__ import annotations

from functools import cached_property

from .documents import parted
from .faults import faults, garbage
from .markdown import Fence, Heading, blocks, front_matter
from .messages import Gap, Problem
from .notation import (
    CLOSERS, CONTROL, HEADER, KNOWN, NUMBER, REFERENCE, TITLE, is_comment, names_file, one_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Word:
    """A captured or exported identifier."""

    def __init__(self, name: str, line: int, column: int) -> None:
        self.name, self.line, self.column = name, line, column


class Section:
    """A section: from its heading to that of the next section, `after`.

    `depth` is None where the heading is only a number.
    """

    __slots__ = ("after", "depth", "heading", "number", "parts", "title")

    def __init__(self, number: str, title: str | None, depth: int | None, heading: Heading
                 ) -> None:
        self.number, self.title, self.depth, self.heading = number, title, depth, heading
        self.after: Heading | None = None
        self.parts: list[Part] = []

    @property
    def line(self) -> int:
        return self.heading.line

    @property
    def column(self) -> int:
        return self.heading.column

    @property
    def end(self) -> int:
        """The line after its last."""
        document = self.heading.document
        return self.after.line if self.after else document.above + document.text.count("\n") + 1


class Reference:
    """A reference in a line of code: its name, its span in the part's text, and its place."""

    __slots__ = ("end", "name", "part", "start")

    def __init__(self, name: str, part: Part, start: int, end: int) -> None:
        self.name, self.part, self.start, self.end = name, part, start, end

    @property
    def line(self) -> int:
        return self.part.place_of(self.start)[0]

    @property
    def column(self) -> int:
        return self.part.place_of(self.start)[1]


class Part:
    """One code block of a chunk; `line` and `column` are its name's.

    Its code begins at `begin` in what the fence holds, below the header and the declarations.
    """

    def __init__(self, name: str, continues: bool, section: Section | None, fence: Fence,
                 begin: int) -> None:
        self.name, self.continues, self.section = name, continues, section
        self.fence, self.begin = fence, begin
        self.captures: list[Word] = []
        self.exports: list[Word] = []
        self.references: list[Reference] = []

    @property
    def code(self) -> str:
        """Its code, each line with its newline."""
        return self.fence.content[self.begin :]

    @property
    def text(self) -> str:
        """Its code, lines joined by newlines."""
        return self.fence.content[self.begin : -1]

    @property
    def line(self) -> int:
        return self.fence.opens + 1

    @property
    def column(self) -> int:
        return self.fence.place_of(self.fence.content.index("⟨"))[1]

    @property
    def rows(self) -> int:
        """How many lines of code it has: an empty text may be none or one."""
        return self.fence.content.count("\n", self.begin)

    @property
    def language(self) -> str | None:
        return self.fence.language

    def place(self, row: int, offset: int = 0) -> tuple[int, int]:
        """Line and column in the document of a character of a line of the code."""
        return self.fence.place(self.fence.content.count("\n", 0, self.begin) + row, offset)

    def place_of(self, offset: int) -> tuple[int, int]:
        """Line and column in the document of a character of the code."""
        return self.fence.place_of(self.begin + offset)


class Missing(Part):
    """What a draft does not have yet: no code, where it is first referred to."""

    def __init__(self, reference: Reference) -> None:
        part = reference.part
        super().__init__(reference.name, False, part.section, part.fence, len(part.fence.content))
        self.reference = reference

    @property
    def line(self) -> int:
        return self.reference.line

    @property
    def column(self) -> int:
        return self.reference.column


class Chunk:
    """A chunk: all its parts, in order.

    For each reference `users` has the part that it stands in, and `below` the chunk that is meant.
    """

    __slots__ = ("below", "is_file", "name", "parts", "users")

    def __init__(self, name: str) -> None:
        self.name, self.is_file = name, False
        self.parts: list[Part] = []
        self.below: list[Chunk] = []
        self.users: list[Part] = []

    @property
    def is_missing(self) -> bool:
        return isinstance(self.parts[0], Missing)

    @property
    def text(self) -> str:
        """The code of all parts, lines joined by newlines."""
        if len(self.parts) == 1:  # as most have
            return self.parts[0].text
        return "".join([part.code for part in self.parts])[:-1]

    @property
    def language(self) -> str | None:
        """The one name of its language, by a file's suffix, or else as the first fence has it that
        tells one."""
        suffix = self.name.rpartition(".")[2] if self.is_file else ""
        told = (part.language for part in self.parts if part.language)
        return one_name(suffix if suffix in KNOWN else next(told, None))

    @property
    def rows(self) -> int:
        return sum([part.rows for part in self.parts])

    @property
    def uses(self) -> list[Reference]:
        """All references to it."""
        return [reference for part in dict.fromkeys(self.users) for reference in part.references
                if reference.name == self.name]

    def references(self) -> Iterator[tuple[Reference, int]]:
        """Every reference, with where it starts in `text`."""
        base = 0
        for part in self.parts:
            for reference in part.references:
                yield reference, base + reference.start
            base += len(part.fence.content) - part.begin


def ordered(chunks: Iterable[Chunk]) -> tuple[list[Chunk], list[list[Chunk]]]:
    """The chunks, each after those that it refers to; and the cycles that leave no such order.

    They are walked depth first: a reference to one that is still open closes a cycle, from it to
    where the reference stands.  Each cycle is found once, and of many a hundred.
    """
    order: list[Chunk] = []
    cycles: dict[tuple[str, ...], list[Chunk]] = {}  # by their names, the least one first
    done: dict[Chunk, bool] = {}
    for root in chunks:
        stack = [] if root in done else [(root, iter(root.below))]
        while stack:
            chunk, rest = stack[-1]
            done[chunk] = False
            for used in rest:
                if used not in done:
                    stack.append((used, iter(used.below)))
                    break
                if not done[used] and len(cycles) < 100:
                    path = [link for link, _ in stack]
                    cycle = path[path.index(used) :]
                    names = [link.name for link in cycle]
                    least = names.index(min(names))
                    cycles.setdefault((*names[least:], *names[:least]), cycle)
            else:
                done[chunk] = True
                order.append(chunk)
                stack.pop()
    return order, list(cycles.values())


class Web:
    """A document, read: its sections, its chunks by name, and its problems.

    Its parts are in the document's order; fences that are no parts are illustrations.  A sole
    first heading of level 1 is its title, if front matter has none; else those of level 1 rank at
    the top.  In a draft the `gaps` are no problems, and what is not yet written means nothing.
    """

    def __init__(self, data: bytes, draft: bool = False) -> None:
        self.problems: list[Problem] = []
        self.mentioned: set[str] = set()  # names in problems: perhaps their chunks are used there
        self._patience = 20000  # names to compare with misspelt ones, in all
        self.documents: list[tuple[str, int, str]] = []  # name, lines above, text
        self.text = self._read(data)
        self.sections: list[Section] = []
        self.parts: list[Part] = []
        self.chunks: dict[str, Chunk] = {}
        self.files: list[Chunk] = []  # those of them that are files
        self.fences: list[Fence] = []  # the illustrations
        found = [block for _, above, text in self.documents for block in blocks(text, above)]
        self._rank([block for block in found if isinstance(block, Heading)])
        for block in found:
            if isinstance(block, Heading):
                self._heading(block)
            else:
                self._fence(block)
        for part in self.parts:
            for reference in part.references:
                used = self.chunks.get(reference.name)
                if not used and draft:
                    used = self.chunks[reference.name] = Chunk(reference.name)
                    used.is_file, used.parts = False, [Missing(reference)]
                if used:
                    used.users.append(part)
                    self.chunks[part.name].below.append(used)
        self.order, self.cycles = ordered(self.chunks.values())
        self.problems += faults(self)
        self.gaps: list[Problem] = [found for found in self.problems if isinstance(found, Gap)]
        if draft:
            self.problems = [found for found in self.problems if not isinstance(found, Gap)]

    @cached_property
    def lines(self) -> list[str]:
        """The document's lines; most runs need none of them by itself."""
        return self.text.removesuffix("\n").split("\n") if self.text else []

    def place(self, line: int) -> tuple[str, int]:
        """The document of a line, which has no name if it is the only one, and the line there."""
        name, above, _ = next((found for found in reversed(self.documents) if found[1] < line),
                              self.documents[0])
        return name, max(line - above, 1)

    def at(self, line: int) -> str:
        """How a message names another line."""
        name, number = self.place(line)
        return f"{name}:{number}" if name else f"line {number}"

    @property
    def all_fences(self) -> list[Fence]:
        """Those of its parts, and the illustrations."""
        return [*self.fences, *(part.fence for part in self.parts)]

    @property
    def declares(self) -> bool:
        """Whether any chunk says what it captures or exports."""
        return any(part.captures or part.exports for part in self.parts)

    def error(self, line: int, column: int, message: str, notes: Iterable[str] = ()) -> None:
        self.problems.append(Problem(line, column, message, notes))

    # Reading.

    def _read(self, data: bytes) -> str:
        """Read the documents; their text, with a line before each of several."""
        texts, above = [], 0
        for name, piece in parted(data):
            if name:
                texts.append(f"\0{name}\n")
                above += 1
            text = self._decode(piece, above)
            self.documents.append((name, above, text))
            texts.append(text)
            above += text.count("\n")
        return "".join(texts)

    def _decode(self, data: bytes, above: int) -> str:
        try:
            text, clean = data.decode(), b"\0" not in data
        except UnicodeDecodeError:
            text, clean = data.decode("utf-8", "surrogateescape"), False
        text = text.removeprefix("\ufeff")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if not clean:
            self.problems += garbage(text, above)
        return text

    def _rank(self, headings: list[Heading]) -> None:
        """See which heading is the document's title, and what the others are.

        Numbers make sections if all headings have them; if one in ten has none, it was forgotten.
        """
        first = [heading for heading in headings if heading.level == 1]
        self.title: Heading | None = None
        if first and first == headings[:1] and not NUMBER.match(first[0].text) and not (
                TITLE.search(front_matter(self.documents[0][2]))):
            self.title = first[0]
        self.top = 1 if first and not self.title else 2
        others = [heading for heading in headings if heading is not self.title]
        bare = [heading for heading in others if not NUMBER.match(heading.text)]
        self.numbered = bool(others) and len(bare) * 10 <= len(others)
        self.bare = set(bare if self.numbered else [])

    def _heading(self, heading: Heading) -> None:
        """Open a section, unless it is the title."""
        number, title, depth = str(len(self.sections) + 1), heading.text, heading.level - self.top
        if heading is self.title or heading in self.bare:
            return
        if self.numbered:
            match = NUMBER.match(heading.text)
            assert match  # as _rank has seen
            number, title = match.groups()
        self._section(heading, number, title, depth)

    def _section(self, heading: Heading, number: str, title: str, depth: int) -> None:
        untitled = self.numbered and heading.level == 6 and not title
        if self.sections:
            self.sections[-1].after = heading
        self.sections.append(Section(number, title or None, None if untitled else max(depth, 0),
                                     heading))

    def _fence(self, fence: Fence) -> None:
        """Take a fence for a part of a chunk, if its first line is a header."""
        header = HEADER.match(fence.content)
        if not header or not is_comment(header[1], header[4]) or fence.only_shown:
            self.fences.append(fence)
            return
        name = self._name(header[2], fence, header.start(2) - 1)
        is_file = names_file(name)
        name = name.removeprefix("./")
        if not self.sections and self.title and not self.numbered:  # code stands right below it
            self._section(self.title, "1", self.title.text, 0)
        section = self.sections[-1] if self.sections else None
        part = Part(name, header[3] == "+", section, fence, header.end())
        if header[5]:
            self._declarations(part, header[5], header.start(5))
        if fence.content.find("⟨", part.begin) >= 0:
            self._references(part)
        self.parts.append(part)
        if section:
            section.parts.append(part)
        chunk = self.chunks.get(name)
        if not chunk:
            chunk = self.chunks[name] = Chunk(name)
        if is_file and not chunk.is_file:
            chunk.is_file = True
            self.files.append(chunk)
        chunk.parts.append(part)

    def _name(self, raw: str, fence: Fence, at: int) -> str:
        """A name with its blanks normalised; its bracket is `at` a character of the fence."""
        name = " ".join(raw.split())
        if not raw.isprintable() and (control := CONTROL.search(raw)):
            self.error(*fence.place_of(at + 1 + control.start()), "a control character in a name")
        if not name:
            self.error(*fence.place_of(at), "an empty name: expected ⟨Name⟩")
        return name

    def _declarations(self, part: Part, lines: str, at: int) -> None:
        """Read lines `#| captures: a, b` and `#| exports: c`, which begin there in the fence."""
        known: set[tuple[str, str]] = set()
        for line in lines.split("\n")[:-1]:
            comment, _, text = line.partition("|")
            blanks = len(text) - len(text.lstrip(" \t"))
            text = text[blanks:].rstrip()
            for closer in CLOSERS.get(comment.strip(" \t"), ()):
                text = text.removesuffix(closer).rstrip()
            self._declaration(part, text, at + len(comment) + 1 + blanks, known)
            at += len(line) + 1

    def _declaration(self, part: Part, text: str, at: int, known: set[tuple[str, str]]) -> None:
        """Read one of them; `known` are the names before it, each with its word."""
        word, colon, names = text.partition(":")
        kind, place_of = word.rstrip(), part.fence.place_of
        if kind not in ("captures", "exports") or not colon:
            self.error(*place_of(at), f"{kind!r} is not a declaration: "
                       "expected captures: or exports: and names")
            return
        words = part.captures if kind == "captures" else part.exports
        at += len(word) + 1
        for item in names.split(","):
            name, place = item.strip(), place_of(at + len(item) - len(item.lstrip()))
            at += len(item) + 1
            if not name.isidentifier():
                self.error(*place, f"{name!r} is not an identifier" if name else
                           "an identifier is missing here")
            elif (kind, name) in known:
                self.error(*place, f"{name} a second time in {kind}")
            else:
                known.add((kind, name))
                words.append(Word(name, *place))

    def _references(self, part: Part) -> None:
        """Find the references in a part."""
        text = part.text
        for match in REFERENCE.finditer(text):
            raw, start, end = match[1], match.start(), match.end()
            if raw is None:  # the literal bracket
                continue
            if not match[2]:
                self.error(*part.place_of(start), "unclosed ⟨: expected ⟩ on the same line "
                           "(⟨⟨ stands for a ⟨ that is none of a reference's)")
                self.mentioned.add(" ".join(raw.split()))
                continue
            name = self._name(raw, part.fence, part.begin + start)
            if text.startswith(("≡", "+≡"), end):
                self.error(*part.place_of(start), f"the header of ⟨{name}⟩ is not the first line "
                           f"of its code block: expected the one from {self.at(part.fence.opens)} "
                           "closed before")
            elif name:
                part.references.append(Reference(name, part, start, end))

    # Hints.

    def hint(self, name: str) -> str:
        """The nearest other chunk, as the end of a message."""
        near = self.nearest(name, self.chunks)
        self.mentioned.add(near)
        return f"; did you mean ⟨{near}⟩?" if near else ""

    def nearest(self, name: str, others: Iterable[str]) -> str:
        """The most similar of other names, or nothing.

        Comparing takes long; a web of nothing but mistakes gets hints for the first of them.
        """
        if self._patience < 0 or len(name) > 200:
            return ""
        names = sorted(set(others) - {name})
        self._patience -= len(names)
        if self._patience < 0:
            return ""
        from difflib import get_close_matches

        return next(iter(get_close_matches(name, names, 1, 0.75)), "")
