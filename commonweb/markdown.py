"""Which fences and headings a CommonMark document has.

A fence may stand in lists and quotes, and what looks like one may be part of
an HTML block, of indented code or of another fence.  So the containers are
followed as the specification (0.31, "Phase 1: block structure") describes it.
Link reference definitions hide no fence; so only what is underlined is asked whether it is one.
Front matter, as YAML between lines of ---, is no part of the document.

Lines and columns count from 1, columns count characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache


def begins_of_lines(text: str) -> list[int]:
    return [0, *[match.end() for match in re.finditer("\n", text)]]


class Document:
    """A text, and where its lines begin, once the first place is asked for.

    So many lines are `above` it, of other documents.
    """

    def __init__(self, text: str, above: int = 0) -> None:
        self.text, self.above = text, above
        self.begins: list[int] | None = None

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character."""
        if self.begins is None:
            self.begins = begins_of_lines(self.text)
        line = bisect_right(self.begins, at)
        return self.above + line, at - self.begins[line - 1] + 1


class Heading:
    """A heading outside lists and quotes; it stands `at` a character of the document.

    It begins with # (ATX), or is underlined (setext).
    """

    __slots__ = ("at", "document", "level", "text")

    def __init__(self, document: Document, at: int, level: int, text: str,
                 underlined: bool = False) -> None:
        self.document, self.at, self.level = document, at, level
        self.text = text.strip(" \t")
        if underlined:
            self.text = " ".join(text.split())
        elif self.text[-1:] == "#":
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

    It opens `at` a character of the document with a `mark`, and its last line has its `end` there;
    it is not `closed` if the document or the container ended first.  Its `content` has each line
    with its newline.  If containers or the fence's own indentation take something away from the
    lines, `starts` tells how many characters that was, line by line.
    """

    __slots__ = ("at", "begins", "closed", "content", "document", "end", "info", "mark", "starts")

    def __init__(self, document: Document, at: int, mark: str, info: str) -> None:
        self.document, self.at, self.mark, self.info = document, at, mark, info.strip(" \t")
        self.end = at
        self.content, self.closed = "", False
        self.starts: list[int] | None = None
        self.begins: list[int] | None = None  # of the lines in the content, once they are asked for

    @property
    def opens(self) -> int:
        """The line that opens it."""
        return self.document.place(self.at)[0]

    @property
    def column(self) -> int:
        return self.document.place(self.at)[1]

    @property
    def lines(self) -> list[str]:
        return self.content.split("\n")[:-1]

    @property
    def language(self) -> str | None:
        return language_of(self.info)

    @property
    def only_shown(self) -> bool:
        """Whether its opening line says so, by the word `example`."""
        return "example" in self.info and EXAMPLE.search(self.info) is not None

    def place(self, row: int, offset: int = 0) -> tuple[int, int]:
        """Line and column in the document of a character of a line of the content."""
        start = self.starts[row] if self.starts else 0
        return self.opens + 1 + row, max(start + offset, 0) + 1

    def place_of(self, offset: int) -> tuple[int, int]:
        """Line and column in the document of a character of the content."""
        if self.begins is None:
            self.begins = begins_of_lines(self.content)
        row = bisect_right(self.begins, offset) - 1
        return self.place(row, offset - self.begins[row])


# A fence's language, which some write in braces, after a dot, or with more behind it; and the word
# for what is only shown.
LANGUAGE = re.compile(r"(?:\{[^}\n]*?(?<![^\s{])\.|\{?[ \t]*)([^\s{},.=][^\s{},=]*)")
EXAMPLE = re.compile(r"(?<![^\s{},.])example(?![^\s{},])")


@lru_cache(None)
def language_of(info: str) -> str | None:
    """The language that the opening line of a fence names."""
    found = LANGUAGE.match(info)
    return found[1].lower() if found else None


FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})(.*)")
HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
DEFINITION = re.compile(  # of what a link leads to
    r""" {0,3}\[(?=[^\]]*[^\s\]])(?:[^\[\]\\]|\\.)+\]:[ \t]*\n?[ \t]*"""
    r"""(?:<(?:[^<>\n\\]|\\.)*>|[^\s<]\S*)"""
    r"""(?:(?:[ \t]+|[ \t]*\n[ \t]*)(?:"(?:[^"\\]|\\(?s:.))*"|'(?:[^'\\]|\\(?s:.))*'"""
    r"""|\((?:[^()\\]|\\(?s:.))*\)))?[ \t]*(?:\n|\Z)""")
FRONT = re.compile(r"---[ \t]*\n(?=['\"]?[A-Za-z_][\w .-]*['\"]?[ \t]*:(?:\s|$))"
                   r"(?:(?!(?:---|\.\.\.)[ \t]*$).*\n)*(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.M)
BULLET = re.compile(r"(?:[-+*]|([0-9]{1,9})[.)])(?=[ \t]|$)(?=[ \t]*([^ \t]?))")
ATTRIBUTE = r"""\s+[a-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
BLOCK = ("address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd"
         "|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset"
         "|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol"
         "|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr"
         "|track|ul")
# How each kind of HTML block begins, and what ends it.  Compiled only when a line begins
# with "<": that takes longer than reading many a web.
BLANK = r"^[ \t]*$"
HTML = (
    (r"<(?:script|pre|textarea|style)(?:\s|>|$)", r"(?i)</(?:script|pre|textarea|style)>"),
    (r"<!--", r"-->"),
    (r"<\?", r"\?>"),
    (r"<![a-z]", r">"),
    (r"<!\[CDATA\[", r"\]\]>"),
    (rf"</?(?:{BLOCK})(?:\s|/?>|$)", BLANK),
    (rf"(?:<[a-z][a-z0-9-]*(?:{ATTRIBUTE})*\s*/?>|</[a-z][a-z0-9-]*\s*>)\s*$", BLANK),
)


def end_of_html(line: str, at: int, paragraph: bool) -> re.Pattern[str] | None:
    """What ends the HTML block that begins here; the last kind cannot interrupt a paragraph."""
    if line.startswith("<", at):
        for start, end in HTML[: -1 if paragraph else None]:
            if re.compile(start, re.IGNORECASE | re.ASCII).match(line, at):
                return re.compile(end)
    return None


class Cursor:
    """A position in a line, in characters and in columns; tabs stop at every fourth.

    `next` is the next character that is not blank.  Of a tab a part may be taken:
    then `column` lies between its ends.
    """

    def __init__(self, line: str) -> None:
        self.line, self.at, self.column, self.partial = line, 0, 0, False
        self.tails: dict[str, int] = {}  # of a sign: from where on there is no other
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

    def across(self) -> bool:
        """Whether the rest is a thematic break: one sign, three times or more, and blanks."""
        sign = self.line[self.next]
        if sign not in "*_-":
            return False
        if sign not in self.tails:  # a line may ask at each of its bullets
            self.tails[sign] = len(self.line.rstrip(f"{sign} \t"))
        return self.next >= self.tails[sign] and self.line.count(sign, self.next) > 2

    def quote(self) -> bool:
        """Take the sign of a quote, if there is one."""
        if self.indent > 3 or not self.line.startswith(">", self.next):
            return False
        self.jump(1)
        self.take(1)
        return True

    def rest(self) -> tuple[str, int]:
        """What is left, and where it starts in the line; the rest of a tab counts as spaces."""
        if self.partial:
            left = 4 - self.column % 4
            return " " * left + self.line[self.at + 1 :], self.at + 1 - left
        return self.line[self.at :], self.at


# Outside of containers nearly all is told by how lines begin: those that are blank or can only be
# text, any number of them, and then perhaps a heading or the beginning of a fence.
PLAIN = re.compile(r"(?:[ \t]*\n|([^\s\d#`~<>=_*+-].*\n))*"
                   r"(?:(#{1,6})(?=[ \t\n])(.*)\n|(`{3,}(?=[^`\n]*\n)|~{3,})(.*)\n)?")


@lru_cache
def closing_line(mark: str) -> re.Pattern[str]:
    """The line, after the end of another, that closes a fence which such a mark has opened."""
    return re.compile(rf"\n {{0,3}}{mark}{mark[0]}*[ \t]*(?=\n)")


PARAGRAPH = "paragraph"
QUOTE = -1  # among the containers; a list item stands there as the indentation it asks for


def blocks(text: str, above: int = 0) -> list[Heading | Fence]:
    """The headings and fences of a document, in order."""
    reader = Reader(text if text.endswith("\n") else text + "\n", above)
    reader.read()
    return reader.found


def front_matter(text: str) -> str:
    """The lines with which a document begins that are none of it."""
    found = FRONT.match(text)
    return found[0] if found else ""


class Reader:
    """A document that is being read: its headings and fences so far, and what is open.

    The innermost block that is open, the `leaf`, is None if it decides nothing: no block or
    indented code; else PARAGRAPH, a fence, or of an HTML block the pattern that ends it.
    """

    def __init__(self, text: str, above: int) -> None:
        self.document = Document(text, above)
        self.found: list[Heading | Fence] = []
        self.containers: list[int] = []
        self.quotes: list[int] = []  # where among them
        self.hollow = False  # the innermost container is an item that has only its marker so far
        self.leaf: str | Fence | re.Pattern[str] | None = None
        self.indent = 0  # of the open fence
        self.paragraph = 0  # where the open one begins, outside of containers
        self.contents: list[tuple[Fence, list[str]]] = []  # of fences that are read line by line

    def read(self) -> None:
        text = self.document.text
        at = len(front_matter(text))
        while at < len(text):
            if not self.containers and self.leaf in (None, PARAGRAPH):
                at = self.leap(at)
            if at < len(text):
                end = text.index("\n", at)
                self.line(Cursor(text[at:end]), at)
                at = end + 1
        for fence, lines in self.contents:
            fence.content = "".join(lines)

    def leap(self, at: int) -> int:
        """Take what is told by how lines begin; return where that ends.

        Reading this line by line, too, would take twelve times as long.
        """
        while True:
            plain = PLAIN.match(self.document.text, at)
            assert plain  # it may be empty
            start, at = at, plain.end()
            if plain[2]:
                self.found.append(Heading(self.document, plain.start(2), len(plain[2]), plain[3]))
            elif plain[4]:
                at = self.whole_fence(Fence(self.document, plain.start(4), plain[4], plain[5]), at)
            else:
                if at > start:
                    self.begin_paragraph(start, at)
                    self.leaf = PARAGRAPH if plain.end(1) == at else None
                return at
            self.leaf = None

    def begin_paragraph(self, start: int, at: int) -> None:
        """Find where the paragraph begins that goes on there: it is the open one, unless there is
        an empty line between."""
        text, begin = self.document.text, at
        while begin > start:
            above = text.rfind("\n", 0, begin - 1) + 1
            if not text[above:begin].strip(" \t\n"):
                break
            begin = above
        if begin > start or self.leaf != PARAGRAPH:
            self.paragraph = begin

    def whole_fence(self, fence: Fence, begin: int) -> int:
        """Take a fence outside of containers and its content, which begins there, to its end."""
        text = self.document.text
        first = text.find(fence.mark, begin)  # no line before it can close the fence
        closing = closing_line(fence.mark).search(text, text.rfind("\n", 0, first)) if (
            first >= 0) else None
        fence.closed = closing is not None
        fence.content = text[begin : closing.start() + 1 if closing else len(text)]
        fence.end = begin + len(fence.content)
        self.found.append(fence)
        return closing.end() + 1 if closing else len(text)

    def line(self, cursor: Cursor, start: int) -> None:
        """Take a line, which starts at that character of the document."""
        matched = self.go_on(cursor)
        inside = matched == len(self.containers)
        self.hollow = False
        if inside and isinstance(self.leaf, Fence):
            self.line_of_fence(self.leaf, cursor, start)
        elif inside and isinstance(self.leaf, re.Pattern):
            if self.leaf.search(cursor.line[cursor.at :]):
                self.leaf = None
        else:
            if self.leaf != PARAGRAPH or cursor.blank:
                self.leaf = None
                self.close(matched)
            self.begin(cursor, matched, start)

    def go_on(self, cursor: Cursor) -> int:
        """How many of the open containers go on in a line; what it has of them is taken."""
        for number, container in enumerate(self.containers):
            if cursor.blank and not cursor.indent:  # a loop would ask all, at every such line
                end = next((at for at in self.quotes if at >= number), len(self.containers))
                return end - (self.hollow and end == len(self.containers))
            if container == QUOTE:
                if not cursor.quote():
                    return number
            elif self.hollow and number == len(self.containers) - 1 if cursor.blank else (
                cursor.indent < container
            ):
                return number
            else:
                cursor.take(container)
        return len(self.containers)

    def close(self, count: int) -> None:
        """Close all containers but the first ones, so many."""
        del self.containers[count:]
        while self.quotes and self.quotes[-1] >= count:
            self.quotes.pop()

    def line_of_fence(self, fence: Fence, cursor: Cursor, start: int) -> None:
        """Take a line in which the open fence goes on, or is closed."""
        mark = cursor.line[cursor.next :].rstrip(" \t")
        if cursor.indent < 4 and mark.startswith(fence.mark) and not mark.strip(fence.mark[0]):
            fence.closed, self.leaf = True, None
            return
        cursor.take(self.indent)
        rest, column = cursor.rest()
        self.contents[-1][1].append(rest + "\n")
        assert fence.starts is not None
        fence.starts.append(column)
        fence.end = start + len(cursor.line)

    def begin(self, cursor: Cursor, matched: int, start: int) -> None:
        """Take what begins in a line: containers, any number of them, and then one leaf."""
        while cursor.indent < 4 and not cursor.blank:
            # What begins in the same containers may interrupt the paragraph there.
            interrupts = self.leaf == PARAGRAPH and matched == len(self.containers)
            if self.begins_leaf(cursor, matched, start, interrupts):
                return
            container = self.begins_container(cursor, interrupts)
            if container is None:
                if self.leaf != PARAGRAPH:
                    self.paragraph = start
                self.leaf = PARAGRAPH
                return
            self.close(matched)
            if container == QUOTE:
                self.quotes.append(matched)
            self.containers.append(container)
            self.leaf = None
            matched += 1

    def begins_leaf(self, cursor: Cursor, matched: int, start: int, interrupts: bool) -> bool:
        """Take a heading, a fence, an HTML block or a line across, if one begins here."""
        line, at = cursor.line, cursor.next
        heading, opening = HEADING.match(line, at), FENCE.match(line, at)
        end = end_of_html(line, at, self.leaf == PARAGRAPH)
        underlined = interrupts and SETEXT.match(line, at) and self.underlined(start, line[at])
        if not (heading or opening or end or underlined or cursor.across()):
            return False
        self.close(matched)
        self.leaf = None
        if heading and not self.containers:
            self.found.append(Heading(self.document, start + at, len(heading[0]),
                                      line[heading.end() :]))
        elif opening:
            self.leaf = fence = Fence(self.document, start + at, opening[1], opening[2])
            fence.starts, self.indent = [], cursor.indent
            self.found.append(fence)
            self.contents.append((fence, []))
        elif end and not end.search(line[at:]):
            self.leaf = end
        return True

    def underlined(self, start: int, sign: str) -> bool:
        """Whether a line that starts there underlines something; outside of containers that is a
        heading."""
        if self.containers:
            return True
        begin, text = self.paragraph, self.document.text
        while definition := DEFINITION.match(text, begin, start):
            begin = definition.end()
        words = text[begin:start].lstrip(" \t")
        if words:
            self.found.append(Heading(self.document, start - len(words), 1 if sign == "=" else 2,
                                      words, True))
        return bool(words)

    def begins_container(self, cursor: Cursor, interrupts: bool) -> int | None:
        """Take the sign of a quote or of a list item, if one begins here."""
        if cursor.quote():
            return QUOTE
        bullet = BULLET.match(cursor.line, cursor.next)
        if not bullet:
            return None
        # Numbers but 1 and empty items do not interrupt a paragraph.
        if interrupts and (not bullet[2] or int(bullet[1] or 1) != 1):
            return None
        width = cursor.indent + len(bullet[0])
        cursor.jump(len(bullet[0]))
        self.hollow = cursor.blank
        space = 1 if self.hollow or cursor.indent > 4 else cursor.indent
        cursor.take(space)
        return width + space
