"""A web: a program written as a document.

A web is a CommonMark document.  Its headings divide it into numbered
*sections*; a fenced code block whose first line is a comment such as
`# ⟨Split the address⟩≡` is a *part* of the *chunk* of that name, and
`⟨Split the address⟩` in a line of code is a *reference* to it.  This module
reads a web and finds what is wrong with it.  The tangler turns the result into
code, the weaver into a book, so everything here knows its place in the document:
lines and columns count from 1, columns count characters.

Only what startup can afford is imported: the tangler runs at every save.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from .markdown import Fence, Heading, blocks
from .messages import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


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
        return self.after.line if self.after else self.heading.document.text.count("\n") + 1


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

    Its code begins at `begin` in what the fence holds; `names` is what it refers to, in order.  If
    all references stand alone on their lines, and none can be in a string, `cut` is the code cut at
    these lines: code, indentation, name, code, indentation, name, ..., code.
    """

    captures: Sequence[Word] = ()
    exports: Sequence[Word] = ()
    skip = 1  # how many lines of the fence stand before the code
    names: Sequence[str] = ()
    cut: list[str] | None = None
    _references: list[Reference] | None = None
    _begins: list[int] | None = None

    def __init__(
        self, name: str, continues: bool, column: int, section: Section | None, fence: Fence,
        begin: int,
    ) -> None:
        self.name, self.continues, self.column = name, continues, column
        self.section, self.fence, self.begin = section, fence, begin

    @property
    def text(self) -> str:
        """Its code without the header and declarations, lines joined by newlines."""
        return self.fence.source[self.begin : self.fence.end - 1]

    @property
    def line(self) -> int:
        return self.fence.opens + 1

    @property
    def rows(self) -> int:
        """How many lines of code it has: an empty text may be none or one."""
        return self.fence.source.count("\n", self.begin, self.fence.end)

    @property
    def language(self) -> str | None:
        return self.fence.language

    @property
    def references(self) -> list[Reference]:
        if self._references is None:
            self._references = [Reference(match[1], self, *match.span())
                                for match in REFERENCE.finditer(self.text) if match[1]]
        return self._references

    def place(self, row: int, offset: int = 0) -> tuple[int, int]:
        """Line and column in the document of a character of a line of the code."""
        return self.fence.place(self.skip + row, offset)

    def place_of(self, offset: int) -> tuple[int, int]:
        """Line and column in the document of a character of the code."""
        if self._begins is None:
            self._begins = [0, *[match.end() for match in re.finditer("\n", self.text)]]
        row = bisect_right(self._begins, offset) - 1
        return self.place(row, offset - self._begins[row])


class Chunk:
    """A chunk: all its parts, in order.

    For each reference `users` has the part that it stands in, and `below` the chunk that is meant.
    """

    __slots__ = ("below", "done", "is_file", "name", "parts", "users")

    def __init__(self, name: str, first: Part) -> None:
        self.name, self.is_file = name, names_file(name)
        self.parts = [first]
        self.users: list[Part] = []
        self.below: list[Chunk] = []
        self.done: bool | None = None  # False while those below it are looked at

    @property
    def text(self) -> str:
        """The code of all parts, lines joined by newlines."""
        if len(self.parts) == 1:
            return self.parts[0].text
        return "\n".join([part.text for part in self.parts if part.rows])

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
            base += len(part.text) + 1 if part.rows else 0

    def cut(self) -> list[str]:
        """Its text cut at the lines of references, if every part can be: see `Part`."""
        if len(self.parts) == 1:
            return self.parts[0].cut or []
        found: list[str] = []
        for part in self.parts:
            cut = part.cut or [part.text]
            if not part.cut and ("⟨" in cut[0] or may_have_strings(cut[0])):
                return []
            if found and part.rows:
                found[-1] += "\n" + cut[0]
                found += cut[1:]
            elif part.rows:
                found = [*cut]
        return found


REFERENCE = re.compile(r"⟨⟨|⟨([^⟨⟩\n]*)(⟩?)")
ALONE = re.compile(r"^([ \t]*)⟨([^⟨⟩\s](?:[^⟨⟩\n]*[^⟨⟩\s])?)⟩[ \t]*$", re.M)

def may_have_strings(text: str) -> bool:
    """Whether there may be strings of several lines in a text; nearly always there are none."""
    return "\\" in text or '"""' in text or "'''" in text


NUMBER = re.compile(r"([0-9]+[A-Za-z]{0,2})\.(?=\s|$)\s*(.*)")
CLOSERS = {"/*": "*/", "<!--": "-->", "(*": "*)"}
COMMENT = re.compile(r"[ \t]*(#|//|--|;+|%+|/\*|<!--|\(\*)(\|?)[ \t]*")
# A header: its name and sign; then the beginning of a declaration below it, if there is one.
HEADER = re.compile(r"[ \t]*(?:#|//|--|;+|%+|(/\*)|(<!--)|(\(\*))[ \t]*⟨([^⟨⟩\n]*)⟩(\+?)≡"
                    r"[^\S\n]*(?(1)\*/|(?(2)-->|(?(3)\*\))))[^\S\n]*\n"
                    r"([ \t]*(?:#|//|--|;+|%+|/\*|<!--|\(\*)\|)?")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FILE = re.compile(r"\S*(?:/\S*|\.[^.\s]+)")
# What was perhaps meant to be a header: a name in some kind of brackets, and no other words.
NEAR_HEADER = r"[^\w⟨〈<«]*[⟨〈<«]+[ \t]*([^\s⟨⟩〈〉<>«»][^⟨⟩〈〉<>«»]*?)[ \t]*[⟩〉>»]+\W*"
# What cannot stand in a document: surrogates are how bytes that are not UTF-8 were decoded.
GARBAGE = re.compile("[\0\udc80-\udcff]")


def followers(number: str) -> list[str]:
    """The numbers that may follow one; "" is the start, and after Z come no more letters."""
    match = re.fullmatch(r"([0-9]{1,9})([A-Z]?)", number)
    if not match:
        return [] if number else ["1"]
    letter = chr(ord(match[2] or "@") + 1)
    return [str(int(match[1]) + 1)] + ([match[1] + letter] if letter <= "Z" else [])


def is_plain(name: str) -> bool:
    """Whether a name has just single blanks within it."""
    return name.isprintable() and "  " not in name and name.strip(" ") == name != ""


def names_file(name: str) -> bool:
    """A name without spaces that has a `/` or a suffix is a file's."""
    return " " not in name and FILE.fullmatch(name) is not None


class Web:
    """A document, read: its sections, its chunks by name, and its problems."""

    def __init__(self, data: bytes) -> None:
        try:
            text = data.decode()
            clean = b"\0" not in data
        except UnicodeDecodeError:
            text, clean = data.decode("utf-8", "surrogateescape"), False
        text = text[text.startswith("\ufeff") :]
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.text = text
        self._lines: list[str] = []
        self.sections: list[Section] = []
        self.chunks: dict[str, Chunk] = {}
        self.files: list[Chunk] = []  # those of them that are files
        self.fences: list[Fence] = []  # the illustrations
        self.problems: list[Problem] = []
        self._last = self._right = ""  # section numbers
        self._next = "1"
        self._numbers: dict[str, Heading] = {}  # where they are first
        self._patience = 20000  # names to compare with misspelt ones, in all
        self._suggested: set[str] = set()
        self._near_headers: dict[str, int] = {}

        self.declares = False  # whether any chunk says what it captures or exports
        self.order: list[Chunk] = []  # each after those that it refers to
        self._referring: list[Part] = []

        if not clean:
            self._check_characters()
        self._read()
        self._check_chunks()
        self._check_cycles()

    @property
    def lines(self) -> list[str]:
        """The document's lines; most runs need none of them by itself."""
        if not self._lines and self.text:
            self._lines = self.text.split("\n")
            if not self._lines[-1]:
                self._lines.pop()
        return self._lines

    def error(self, line: int, column: int, message: str, notes: Iterable[str] = ()) -> None:
        self.problems.append(Problem(line, column, message, notes))

    # Reading.

    def _check_characters(self) -> None:
        for number, line in enumerate(self.lines, 1):
            garbage = GARBAGE.search(line)
            if garbage:
                code = ord(garbage[0])
                self.error(number, garbage.start() + 1, "a NUL character" if not code else
                           f"byte 0x{code - 0xDC00:02X} is not UTF-8")

    def _read(self) -> None:
        found = blocks(self.text)
        numbered = any(NUMBER.match(block.text) for block in found if isinstance(block, Heading))
        section: Section | None = None
        for block in found:
            if isinstance(block, Fence):
                if not block.closed:
                    self.error(block.opens, block.column, "unclosed fence: expected a line "
                               f"{block.mark} after it, in the same list or quote")
                self._fence(block, section)
                continue
            opened = (self._numbered(block) if numbered else
                      Section(str(len(self.sections) + 1), block.text or None,
                              max(block.level - 2, 0), block))
            if opened:
                if section:
                    section.after = block
                section = opened
                self.sections.append(section)

    def _numbered(self, heading: Heading) -> Section | None:
        """The section that a heading opens, if it has a number; numbers are checked in order."""
        number, dot, title = heading.text.partition(". ")
        if dot and number == self._next:  # as nearly always
            self._last = self._right = number
            self._next = str(int(number) + 1)
            self._numbers.setdefault(number, heading)
        else:
            match = NUMBER.match(heading.text)
            if not match:
                return None
            number, title = match.groups()
            self._numbers.setdefault(number, heading)
            self._check_order(number, heading)
        if heading.level == 1:
            self.error(heading.line, heading.column, f"section {number} has a heading of level 1: "
                       "expected ## to ##### with a title, or ###### without")
        depth = heading.level - 2 if heading.level < 6 or title else None
        return Section(number, title.lstrip() or None, depth, heading)

    def _check_order(self, number: str, heading: Heading) -> None:
        """A number must follow the one before it.

        After a wrong one either it or the last right one may be followed, so that
        one slip is one error.
        """
        right, line, column = self._right, heading.line, heading.column
        first = self._numbers[number].line
        if number in followers(self._last) or number in followers(right):
            self._right = number
        else:
            expected = " or ".join(followers(right))
            again = f" again (first in line {first})" if first < line else ""
            self.error(line, column, f"section {number}{again}: expected {expected}" + (
                f" after {right}" if right else ""))
        self._last = number
        self._next = next(iter(followers(self._right)), "")

    def _fence(self, fence: Fence, section: Section | None) -> None:
        """Take a fence for a part of a chunk, if its first line says so."""
        source, first = fence.source, fence.begin
        header = HEADER.match(source, first, fence.end)
        if not header:
            self._illustration(fence)
            return
        name, sign, declared = header.group(4, 5, 6)
        column = header.start(4) - first
        if fence.starts:
            column = fence.place(0, column)[1] - 1
        if not is_plain(name):
            name = self._name(name, fence.opens + 1, column)
        part = Part(name, sign == "+", column, section, fence,
                    source.index("\n", header.end(5)) + 1)
        if declared:
            self._declarations(part)
        if source.find("⟨", part.begin, fence.end) >= 0:
            self._refer(part)
        if section:
            section.parts.append(part)
        else:
            self.error(part.line, column, f"⟨{name}⟩ stands before the first section: "
                       "expected a heading above it")
        if name in self.chunks:
            self.chunks[name].parts.append(part)
        else:
            chunk = self.chunks[name] = Chunk(name, part)
            if chunk.is_file:
                self.files.append(chunk)

    def _illustration(self, fence: Fence) -> None:
        """A fence without a header; what only looks like one is an error."""
        self.fences.append(fence)
        first = fence.lines[0] if fence.end > fence.begin else ""
        comment = COMMENT.match(first) if "⟨" in first else None
        if comment and first.startswith("⟨", comment.end()):
            closer = CLOSERS.get(comment[1], "")
            begin, end = comment[1], closer and " " + closer
            self.error(*fence.place(0, comment.end()), "not a chunk's header: expected only "
                       f"{begin} ⟨Name⟩≡{end} or {begin} ⟨Name⟩+≡{end}")

    def _name(self, raw: str, line: int, column: int) -> str:
        """A name with its blanks normalised; `column` is the bracket's before it."""
        control = CONTROL.search(raw)
        if control:
            self.error(line, column + 1 + control.start(), "a control character in a name")
        name = " ".join(raw.split())
        if not name:
            self.error(line, column, "an empty name: expected ⟨Name⟩")
        return name

    def _declarations(self, part: Part) -> None:
        """Read the lines `#| captures: a, b` and `#| exports: c` below the header, any number."""
        lines = part.fence.lines
        header = COMMENT.match(lines[0])
        forms = ("//", "/*") if header and header[1] == "/*" else (header and header[1],)
        while part.skip < len(lines):
            comment = COMMENT.match(lines[part.skip])
            if not comment or not comment[2] or comment[1] not in forms:
                break
            text, closer = lines[part.skip].rstrip(), CLOSERS.get(comment[1], "")
            if closer and text.endswith(closer):
                text = text[: -len(closer)].rstrip()
            start = comment.end()
            word, colon, names = text[start:].partition(":")
            place = part.fence.place(part.skip, start)
            part.begin += len(lines[part.skip]) + 1
            part.skip += 1
            word = word.rstrip()
            if word not in ("captures", "exports") or not colon:
                self.error(*place, f"{word!r} is not a declaration: "
                           "expected captures: or exports: and names")
                continue
            start += text[start:].index(":") + 1
            self.declares = True
            words = [*(part.captures if word == "captures" else part.exports)]
            for item in names.split(","):
                name = item.strip()
                line, column = part.fence.place(
                    part.skip - 1, start + len(item) - len(item.lstrip()))
                start += len(item) + 1
                if not name.isidentifier():
                    self.error(line, column, f"{name!r} is not an identifier" if name else
                               "an identifier is missing here")
                elif any(name == other.name for other in words):
                    self.error(line, column, f"{name} a second time in {word}")
                else:
                    words.append(Word(name, line, column))
            if word == "captures":
                part.captures = words
            else:
                part.exports = words

    def _refer(self, part: Part) -> None:
        """Find the references in a part."""
        text = part.text
        cut = ALONE.split(text)
        names = cut[2::3]
        if len(names) == text.count("⟨") and is_plain("".join(names)):
            part.names = names
            part.cut = None if may_have_strings(text) else cut
        else:
            part._references = self._references(part)
            part.names = [reference.name for reference in part.references]
        if part.names:
            self._referring.append(part)

    def _references(self, part: Part) -> list[Reference]:
        """The references in a part of which some do not stand alone on their lines."""
        text, found = part.text, list[Reference]()
        for match in REFERENCE.finditer(text):
            raw, start, end = match[1], match.start(), match.end()
            if raw is None:  # the literal bracket
                continue
            if not match[2]:
                self.error(*part.place_of(start), "unclosed ⟨: expected ⟩ on the same line "
                           "(⟨⟨ stands for a ⟨ that is none of a reference's)")
                self._suggested.add(" ".join(raw.split()))  # perhaps it is used here
                continue
            if not is_plain(raw):
                raw = self._name(raw, *part.place_of(start))
            if text.startswith(("≡", "+≡"), end):
                self.error(*part.place_of(start), f"the header of ⟨{raw}⟩ is not the first line "
                           f"of its code block: expected the one from line {part.fence.opens} "
                           "closed before")
            elif raw:
                found.append(Reference(raw, part, start, end))
        return found

    # Checking.

    def _check_chunks(self) -> None:
        """Check that what is used is defined, what is defined is used, and signs and languages."""
        chunks, wrong = self.chunks, dict[Part, None]()
        for part in self._referring:
            below = chunks[part.name].below
            for name in part.names:
                used = chunks.get(name)
                if used:
                    used.users.append(part)
                    below.append(used)
                if not used or used.is_file:
                    wrong[part] = None
        for part in wrong:
            for reference in part.references:
                used = chunks.get(reference.name)
                if not used:
                    near = self._near_header(reference.name) or self.hint(reference.name)
                    self.error(reference.line, reference.column,
                               f"⟨{reference.name}⟩ is not defined{near}")
                elif used.is_file:
                    self.error(reference.line, reference.column,
                               f"⟨{used.name}⟩ is a file, not to be referred to")
        if not self.files:
            self._near_header("")
            near = next(filter(names_file, self._near_headers), "")
            self.error(1, 1, "no chunk of this web is a file, so there is nothing to write" + (
                self._near_header(near) or ": expected a name like ⟨hello.py⟩"))
        for chunk in self.chunks.values():
            first = chunk.parts[0]
            if len(chunk.parts) == 1 and (chunk.users or chunk.is_file) and not first.continues:
                continue
            name = f"⟨{chunk.name}⟩"
            if first.continues:
                self.error(first.line, first.column, f"{name}+≡ continues nothing: "
                           f"expected {name}≡ the first time" + self.hint(chunk.name))
            elif not chunk.is_file and not chunk.users and chunk.name not in self._suggested:
                self.error(first.line, first.column, f"{name} is never used" + (
                    "" if " " in chunk.name else " (a file's name has a suffix or a /)"))
            language, begun = first, None if first.continues else first
            for part in chunk.parts[1:]:
                if not part.continues:
                    if begun:
                        self.error(part.line, part.column, f"{name}≡ a second time, the first is "
                                   f"in line {begun.line}: expected {name}+≡")
                    begun = begun or part
                if language.language is None:
                    language = part
                elif part.language not in (None, language.language):
                    self.error(part.fence.opens, part.fence.column,
                               f"{name} is in {part.language} here, but in {language.language} "
                               f"in line {language.fence.opens}")

    def hint(self, name: str) -> str:
        """The nearest other chunk, as the end of a message."""
        near = self.nearest(name, self.chunks)
        self._suggested.add(near)
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

    def _near_header(self, name: str) -> str:
        """Which line may have been meant as a chunk's header, as the end of a message."""
        if not self._near_headers:
            self._near_headers[""] = 0
            headers = {part.line for chunk in self.chunks.values() for part in chunk.parts}
            pattern = re.compile(NEAR_HEADER)
            for number, line in enumerate(self.lines, 1):
                near = pattern.fullmatch(line)
                if near and number not in headers and line.strip() != f"⟨{near[1]}⟩":
                    self._near_headers.setdefault(" ".join(near[1].split()), number)
        if not self._near_headers.get(name):
            return ""
        return (f"; line {self._near_headers[name]} is not read as its header: expected "
                f"a comment like # ⟨{name}⟩≡ in the first line of a fenced block")

    def _check_cycles(self) -> None:
        """Walk the chunks depth first; a reference to one that is still open closes a cycle."""
        known: set[tuple[str, ...]] = set()
        for root in self.chunks.values():
            stack = [] if root.done else [(root, iter(root.below))]  # the open chunks
            while stack:
                chunk, rest = stack[-1]
                chunk.done = False
                for used in rest:
                    if used.done is None:
                        stack.append((used, iter(used.below)))
                        break
                    if not used.done:
                        self._cycle([link for link, _ in stack], used, known)
                else:
                    stack.pop()
                    chunk.done = True
                    self.order.append(chunk)

    def _cycle(self, path: list[Chunk], used: Chunk, known: set[tuple[str, ...]]) -> None:
        """Complain of a cycle that a reference closes; of each once, and of a hundred at most."""
        if len(known) < 100:
            cycle = [chunk.name for chunk in path[path.index(used) :]]
            low = cycle.index(min(cycle))
            key = tuple(cycle[low:] + cycle[:low])
            if key not in known:
                known.add(key)
                reference = next(reference for reference, _ in path[-1].references()
                                 if reference.name == used.name)
                self.error(reference.line, reference.column, "a cycle: " + " → ".join(
                    f"⟨{link}⟩" for link in [*cycle, used.name]))
