"""Which fences and headings a CommonMark document has.

A fence may stand in lists and quotes, and what looks like one may be part of
an HTML block, of indented code or of another fence.  So the containers are
followed as the specification (0.31, "Phase 1: block structure") describes it.
Link reference definitions are the one thing left out: they hide no fence.

Lines and columns count from 1, columns count characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right


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
