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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Problem:
    """Something wrong, and where; notes are lines to be shown with it."""

    def __init__(self, line: int, column: int, message: str, notes: Iterable[str] = ()) -> None:
        self.line, self.column, self.message, self.notes = line, column, message, notes

    def __repr__(self) -> str:
        return f"{self.line}:{self.column}: error: {self.message}"


# ---------------------------------------------------------------------------
# CommonMark's blocks, as far as they decide what is a fence and what a heading.
#
# A fence may stand in lists and quotes, and what looks like one may be part of
# an HTML block, of indented code or of another fence.  So the containers are
# followed as the specification (0.31, "Phase 1: block structure") describes it.
# Link reference definitions are the one thing left out: they hide no fence.


class Document:
    """A text, and where its lines begin; that is looked up when the first place is told."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._begins: list[int] = []

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character."""
        if not self._begins:
            self._begins = [0, *[match.end() for match in re.finditer("\n", self.text)]]
        line = bisect_right(self._begins, at)
        return line, at - self._begins[line - 1] + 1


class Heading:
    """An ATX heading outside lists and quotes; it stands `at` a character of the document."""

    __slots__ = ("at", "document", "level", "text")

    def __init__(self, document: Document, at: int, level: int, text: str) -> None:
        self.document, self.at, self.level = document, at, level
        self.text = text.strip(" \t")
        if self.text[-1:] == "#":
            unclosed = self.text.rstrip("#")  # a closing sequence has a blank before it
            if not unclosed or unclosed[-1] in " \t":
                self.text = unclosed.rstrip(" \t")

    @property
    def line(self) -> int:
        return self.document.place(self.at)[0]

    @property
    def column(self) -> int:
        return self.document.place(self.at)[1]


class Fence:
    """A fenced code block.

    It opens `at` a character of the document with a `mark`; it is not `closed` if the document
    or the container ended first.  Its content, each line with its newline, stands in
    `source` from `begin` to `end`: in the document itself, or, if containers or the fence's own
    indentation take something away from the lines, by itself; then `starts` tells
    how many characters that was, line by line.
    """

    __slots__ = ("at", "begin", "closed", "document", "end", "info", "mark", "source", "starts")

    def __init__(self, document: Document, at: int, mark: str, info: str, begin: int, end: int
                 ) -> None:
        self.document, self.at, self.mark, self.info = document, at, mark, info.strip(" \t")
        self.source, self.begin, self.end = document.text, begin, end
        self.starts: list[int] | None = None
        self.closed = True

    @property
    def opens(self) -> int:
        """The line that opens it."""
        return self.document.place(self.at)[0]

    @property
    def column(self) -> int:
        return self.document.place(self.at)[1]

    @property
    def lines(self) -> list[str]:
        return self.source[self.begin : self.end].split("\n")[:-1]

    @property
    def language(self) -> str | None:
        words = self.info.split(None, 1)
        return words[0].lower() if words else None

    def place(self, row: int, offset: int = 0) -> tuple[int, int]:
        """Line and column in the document of a character of the content."""
        start = self.starts[row] if self.starts else 0
        return self.opens + 1 + row, max(start + offset, 0) + 1


FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})(.*)")
HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
THEMATIC = re.compile(r"(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$")
BULLET = re.compile(r"(?:[-+*]|([0-9]{1,9})[.)])(?=[ \t]|$)")
ATTRIBUTE = r"""\s+[a-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
BLOCK = ("address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd"
         "|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset"
         "|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol"
         "|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr"
         "|track|ul")
# How each kind of HTML block begins and ends; none: at the next blank line.  Compiled only
# when a line begins with "<": that takes longer than reading many a web.
HTML = (
    (r"<(?:script|pre|textarea|style)(?:\s|>|$)", r"(?i)</(?:script|pre|textarea|style)>"),
    (r"<!--", r"-->"),
    (r"<\?", r"\?>"),
    (r"<![a-z]", r">"),
    (r"<!\[CDATA\[", r"\]\]>"),
    (rf"</?(?:{BLOCK})(?:\s|/?>|$)", ""),
    (rf"(?:<[a-z][a-z0-9-]*(?:{ATTRIBUTE})*\s*/?>|</[a-z][a-z0-9-]*\s*>)\s*$", ""),
)


class Cursor:
    """A position in a line, in characters and in columns; tabs stop at every fourth.

    `next` is the next character that is not blank.  Of a tab a part may be taken:
    then `column` lies between its ends.
    """

    def __init__(self, line: str) -> None:
        self.line, self.at, self.column, self.partial = line, 0, 0, False
        self.look()

    def look(self) -> None:
        line, at, column = self.line, self.at, self.column
        while line[at : at + 1] in (" ", "\t"):
            column += 4 - column % 4 if line[at] == "\t" else 1
            at += 1
        self.next, self.next_column = at, column

    @property
    def indent(self) -> int:
        return self.next_column - self.column

    @property
    def blank(self) -> bool:
        return self.next == len(self.line)

    def take(self, columns: int) -> None:
        """Take at most so many columns of blanks."""
        goal = min(self.column + columns, self.next_column)
        while self.column < goal:
            width = 4 - self.column % 4 if self.line[self.at] == "\t" else 1
            self.partial = self.column + width > goal
            if self.partial:
                self.column = goal
            else:
                self.column += width
                self.at += 1

    def jump(self, length: int) -> None:
        """Take the blanks and so many characters after them."""
        self.at, self.column, self.partial = self.next + length, self.next_column + length, False
        self.look()

    def rest(self) -> tuple[str, int]:
        """What is left, and where it starts in the line; the rest of a tab counts as spaces."""
        if self.partial:
            left = 4 - self.column % 4
            return " " * left + self.line[self.at + 1 :], self.at + 1 - left
        return self.line[self.at :], self.at


PARAGRAPH, INDENTED = "paragraph", "indented"
QUOTE = -1  # among the containers; a list item stands there as the indentation it asks for
# Outside of containers: lines that are blank or can only be text, any number of them, then
# perhaps a heading and more such lines, and then perhaps the beginning of a fence.
TEXT = r"(?:[ \t]*\n|([^\s\d#`~<>=_*+-].*\n))*"
PLAIN = re.compile(rf"{TEXT}(?:(\#{{1,6}})(?=[ \t\n])(.*)\n{TEXT})?"
                   r"(?:(`{3,}(?=[^`\n]*\n)|~{3,})(.*)\n)?")


def closing(mark: str) -> re.Pattern[str]:
    """What closes a fence that such a mark has opened."""
    if mark not in CLOSING:
        CLOSING[mark] = re.compile(rf" {{0,3}}{mark}{mark[0]}*[ \t]*(?=\n|\Z)")
    return CLOSING[mark]


CLOSING: dict[str, re.Pattern[str]] = {}


def end_of_fence(text: str, begin: int, mark: str) -> int:
    """Where the line stands that closes a plain fence, or the document ends."""
    at = text.find(mark, begin)
    if at >= 0 and text[at - 1] == "\n" == text[at + len(mark)]:  # as nearly always
        return at
    closes, at = closing(mark).match, begin
    while (at := text.find(mark, at)) >= 0:
        start = text.rfind("\n", begin - 1, at) + 1
        if closes(text, start):
            return start
        at = text.index("\n", at)
    return len(text)


def blocks(text: str) -> list[Heading | Fence]:
    """The headings and fences of a document, in order."""
    found: list[Heading | Fence] = []
    contents: list[tuple[Fence, list[str]]] = []  # of fences that are read line by line
    containers: list[int] = []
    # The open leaf: none, PARAGRAPH, INDENTED, a fence, or an HTML block of that number.
    leaf: str | int | Fence | None = None
    hollow = False  # the innermost container is an item that has only its marker so far
    indent, starts = 0, list[int]()  # the indentation of the open fence, and its `starts`
    if text[-1:] != "\n":
        text += "\n"
    document, start, size = Document(text), 0, len(text)
    while start < size:

        # A short cut for nearly every line: outside of containers text is skipped, and a plain
        # heading or a whole fence taken.
        if (not containers and (leaf is None or leaf == PARAGRAPH)
                and (plain := PLAIN.match(text, start))):
            level, title, mark, info = plain.group(2, 3, 5, 6)
            stop = plain.end()
            if level:
                found.append(Heading(document, plain.start(2), len(level), title))
            if mark:
                bottom = end_of_fence(text, stop, mark)
                fence = Fence(document, plain.start(5), mark, info, stop, bottom)
                found.append(fence)
                fence.closed, leaf = bottom < size, None
                start = text.find("\n", bottom) + 1 or size
                continue
            if stop > start:
                leaf = PARAGRAPH if stop in (plain.end(1), plain.end(4)) else None
                start = stop
                if level or start == size:
                    continue
        first, stop = start, text.index("\n", start)
        line = text[first:stop]
        start = stop + 1

        # Which containers go on?
        cursor, matched = Cursor(line), 0
        for container in containers:
            if container == QUOTE:
                if cursor.indent > 3 or line[cursor.next : cursor.next + 1] != ">":
                    break
                cursor.jump(1)
                cursor.take(1)
            elif hollow and matched == len(containers) - 1 if cursor.blank else (
                cursor.indent < container
            ):
                break
            else:
                cursor.take(container)
            matched += 1
        hollow = False
        inside = matched == len(containers)

        # Does the open leaf go on?
        if inside and isinstance(leaf, Fence):
            if cursor.indent < 4 and closing(leaf.mark).match(line, cursor.next):
                leaf.closed, leaf = True, None
            else:
                cursor.take(indent)
                rest, column = cursor.rest()
                contents[-1][1].append(rest + "\n")
                starts.append(column)
            continue
        if inside and isinstance(leaf, int):
            end = HTML[leaf][1]
            if re.search(end, line[cursor.at :]) if end else cursor.blank:
                leaf = None
            continue
        if leaf != PARAGRAPH or cursor.blank:
            leaf = INDENTED if leaf == INDENTED and inside else None
            del containers[matched:]

        # What begins here?  Containers, any number of them, and then one leaf.
        while cursor.indent < 4 and not cursor.blank:
            at = cursor.next
            character, interrupts = line[at], inside and leaf == PARAGRAPH
            if character == ">":
                cursor.jump(1)
                cursor.take(1)
                container = QUOTE
            elif character == "#" and (heading := HEADING.match(line, at)):
                del containers[matched:]
                leaf = None
                if not containers:
                    found.append(Heading(document, first + at, len(heading[0]),
                                         line[heading.end() :]))
                break
            elif character in "`~" and (opening := FENCE.match(line, at)):
                del containers[matched:]
                leaf = Fence(document, first + at, opening[1], opening[2], 0, 0)
                leaf.closed, indent = False, cursor.indent
                leaf.starts = starts = []
                found.append(leaf)
                contents.append((leaf, []))
                break
            elif character == "<" and (kind := html_kind(line, at, leaf == PARAGRAPH)) is not None:
                del containers[matched:]
                end = HTML[kind][1]
                leaf = None if end and re.search(end, line[at:]) else kind
                break
            elif (interrupts and SETEXT.match(line, at)) or THEMATIC.match(line, at):
                del containers[matched:]
                leaf = None
                break
            elif (bullet := BULLET.match(line, at)) and not (
                # Numbers but 1 and empty items do not interrupt a paragraph.
                interrupts
                and (int(bullet[1] or 1) != 1 or not line[bullet.end() :].strip(" \t"))
            ):
                width = cursor.indent + len(bullet[0])
                cursor.jump(len(bullet[0]))
                hollow = cursor.blank
                space = 1 if hollow or cursor.indent > 4 else cursor.indent
                cursor.take(space)
                container = width + space
            else:
                leaf = PARAGRAPH
                break
            containers[matched:] = [container]
            matched, inside, leaf = matched + 1, True, None
        else:
            if not cursor.blank and leaf != PARAGRAPH:
                leaf = INDENTED
    for fence, content in contents:
        fence.source = "".join(content)
        fence.end = len(fence.source)
    return found


def html_kind(line: str, at: int, paragraph: bool) -> int | None:
    """Which kind of HTML block begins here; the last kind cannot interrupt a paragraph."""
    for kind, (start, _) in enumerate(HTML[: -1 if paragraph else None]):
        if re.compile(start, re.IGNORECASE | re.ASCII).match(line, at):
            return kind
    return None


# ---------------------------------------------------------------------------
# Sections, chunks, references.


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

    def strings(self) -> list[tuple[int, int]]:
        """The spans in `text` of the strings of several lines."""
        language = self.parts[0].language or ""
        if self.is_file:
            language = self.name.rpartition(".")[2]
        return long_strings(self.text, language)


REFERENCE = re.compile(r"⟨⟨|⟨([^⟨⟩\n]*)(⟩?)")
ALONE = re.compile(r"^([ \t]*)⟨([^⟨⟩\s](?:[^⟨⟩\n]*[^⟨⟩\s])?)⟩[ \t]*$", re.M)

# What a multi-line string is.  Comments and short strings are matched too, so that
# a quote inside them opens nothing.  A chunk is taken to close what it opens.
SHORT = r"""|"(?:\\(?s:.)|[^\\"\n])*"?|'(?:\\(?s:.)|[^\\'\n])*'?"""
LONG = r"""|%s[^%s\\]*(?:(?:\\(?s:.|\Z)|%s(?!%s))[^%s\\]*)*(?:%s|\Z)"""
PYTHON = "#.*" + "".join([LONG % (q * 3, q, q, q * 2, q, q * 3) for q in "\"'"]) + SHORT
C = r"//.*|/\*(?s:.*?)(?:\*/|\Z)" + SHORT
LANGUAGES = {"python": PYTHON, "py": PYTHON, "pyi": PYTHON, "c": C, "h": C}


def may_have_strings(text: str) -> bool:
    """Whether there may be strings of several lines in a text; nearly always there are none."""
    return "\\" in text or '"""' in text or "'''" in text


def long_strings(text: str, language: str) -> list[tuple[int, int]]:
    """The spans of multi-line strings: triple-quoted ones, and those that a backslash continues.

    Indentation may not pass into them.  Only Python and C are known; a string's
    prefix does not matter, for a raw string too ends at the first quote without a
    backslash before it.
    """
    tokens = LANGUAGES.get(language)
    triple = ('"""', "'''") if tokens is PYTHON else ()
    if not tokens or not any(sign in text for sign in ("\\\n", *triple)):
        return []
    # References are prose, with apostrophes in it.
    text = REFERENCE.sub(lambda match: "_" * len(match[0]), text)
    return [match.span() for match in re.finditer(tokens, text) if match[0][0] in "\"'"
            and ("\n" in match[0] or match[0].startswith(triple))]


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


# ---------------------------------------------------------------------------
# Places.


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
