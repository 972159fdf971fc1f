"""Code as HTML: highlighted, each name a link, each reference one that opens where it stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from .book import MINOR
from .expansion import Hole, Line, Opening, expand, survey
from .highlighting import HIGHLIGHTER
from .templates import macro
from .notation import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from .book import Book
    from .expansion import Code
    from .web import Part, Reference, Web


# ---------------------------------------------------------------------------
# Code with tags.


class Span(NamedTuple):
    """A stretch of code and the tags around it."""

    start: int
    end: int
    open: str
    close: str


class Tagged:
    """Code and its spans, which are in order and do not overlap."""

    def __init__(self, text: str, spans: Iterable[Span]) -> None:
        self.text, self.spans = text, list(spans)
        self.starts = [span.start for span in self.spans]

    def html(self, begin: int, end: int) -> str:
        out, at = [], begin
        for number in range(max(bisect_right(self.starts, begin) - 1, 0), len(self.spans)):
            span = self.spans[number]
            if span.start >= end:
                break
            start, stop = max(span.start, at), min(span.end, end)
            if start < stop:
                out += [words(self.text[at:start]), span.open,
                        words(self.text[start:stop]), span.close]
                at = stop
        return "".join(out) + words(self.text[at:end])


def words(text: str) -> str:
    """Code as words of HTML, where > is itself."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def joined(html: str) -> str:
    """Code in which a comment, a string or empty lines have one tag for all of their lines."""
    html = re.sub(r"(<span class=e[^>]*>\n)</span><span class=e>", r"\1", html)
    return re.sub(r"</([biq])>(\s+)<\1>", r"\2", html)


def highlighted(text: str, language: str | None) -> Iterator[Span]:
    """Keywords, comments and strings, each within its line."""
    for start, end, tag in HIGHLIGHTER.stretches(text, language):
        yield Span(start, end, f"<{tag}>", f"</{tag}>")


def laid_over(lower: Iterable[Span], upper: Sequence[Span]) -> list[Span]:
    """Both lists of spans as one: where they overlap, the upper ones count."""
    spans, number = list(upper), 0
    for span in lower:
        start = span.start
        while number < len(upper) and upper[number].end <= start:
            number += 1
        at = number
        while at < len(upper) and upper[at].start < span.end:
            if start < upper[at].start:
                spans.append(span._replace(start=start, end=upper[at].start))
            start, at = upper[at].end, at + 1
        if start < span.end:
            spans.append(span._replace(start=start))
    return sorted(spans)


def shown(text: str, language: str | None) -> Markup:
    """Code that is no chunk's."""
    html = Tagged(text, highlighted(text, language)).html(0, len(text))
    return macro("shown")(Markup(html), scrolls(text))


def scrolls(text: str) -> bool:
    """Whether a block may be too wide; if it holds no link, keys must be able to scroll it."""
    return max(map(len, text.split("\n"))) > 36


# ---------------------------------------------------------------------------
# What references open to.


class Expander:
    """What chunks mean, as they stand where they are used.

    Expansions repeat code: of all together there is a limit, and one to their depth.
    What is beyond is not written twice.
    """

    LIMIT, DEPTH = 512 << 10, 100

    def __init__(self, web: Web) -> None:
        self.codes = survey(web)
        self.depths: dict[Code, int] = {}
        self.weights: dict[Code, int] = {}  # of what they open to: their code, and tags in it
        self.newlines: dict[Code, int] = {}  # also those in strings
        for code in self.codes.values():
            holes = [piece.code for piece in code.pieces if isinstance(piece, Hole)]
            self.weights[code] = code.bytes + sum(
                256 + max(self.weights[hole] - hole.bytes, 0) for hole in holes)
            self.newlines[code] = sum([
                piece.count("\n") + piece.count("\r") if isinstance(piece, str) else
                self.newlines[piece.code] for piece in code.pieces])
            self.depths[code] = 1 + max((self.depths[hole] for hole in holes), default=0)
        self.left = self.LIMIT

    def holes(self, name: str) -> Iterator[tuple[Hole, str]]:
        """The references in a chunk, with the indentation of what they stand for."""
        line = Line()
        for piece in self.codes[name].pieces:
            if isinstance(piece, str):
                line.text(piece)
            else:
                yield piece, line.lead + piece.lead + " " * line.width
                if piece.code.line:  # else all references of the web stand alone on their lines
                    line.hole(piece)

    def expand(self, hole: Hole, indent: str) -> tuple[str, list[Opening]] | None:
        """What a reference stands for, and where in it, by characters, other chunks do."""
        if self.weights[hole.code] > self.left or self.depths[hole.code] > self.DEPTH:
            return None
        self.left -= self.weights[hole.code]
        openings: list[Opening] = []
        text = expand(hole.code, "" if hole.quoted else indent, hole.alone or hole.quoted, openings)
        return text.replace("\r", "\n"), openings


# ---------------------------------------------------------------------------
# Chunks.

LONG = 30  # lines that a reference opens to; more are not written twice
WIDTH = 98  # columns that paper has room for


class Listings:
    """The code of a book's chunks: for its page, or for paper, where nothing opens.

    `words` makes HTML of a chunk's name; `begun` are the lines of the blocks that the page of the
    files has.
    """

    def __init__(self, book: Book, words: Callable[[str], Markup], paper: bool,
                 begun: Collection[int] = ()) -> None:
        self.book, self.words, self.paper, self.begun = book, words, paper, begun
        self.numbers = {part: number for chunk in book.web.chunks.values()
                        for number, part in enumerate(chunk.parts)}
        self.expander = Expander(book.web)
        self.holes = {id(reference): hole for name, chunk in book.web.chunks.items()
                      for (reference, _), hole in zip(chunk.references(),
                                                      self.expander.holes(name), strict=True)}

    def name(self, name: str, sign: str = "", anchor: str = "") -> Markup:
        """A chunk's name as it is printed, with the section where it begins."""
        return macro("name")(self.words(name), self.book.first(name), sign, anchor)

    def part(self, part: Part) -> Markup:
        """A code block: its header, and its lines, each with its anchor."""
        parts = self.book.web.chunks[part.name].parts
        lines = part.text.split("\n") if part.rows else []
        filled = [row for row, line in enumerate(lines) if line] or [0]
        kinds = ["" if filled[0] <= row <= filled[-1] else "e" for row in range(len(lines))]
        if self.paper:
            kinds = ["wide" if len(line.expandtabs(8)) > WIDTH else kind
                     for line, kind in zip(lines, kinds)]
        rows = [self.row(part, row, html, opens, kind)
                for row, (kind, (html, opens)) in enumerate(zip(kinds, self.rows(part, lines)))]
        code = Markup(joined("".join(rows)))
        anchor = self.book.chunk_anchors[part.name]
        return macro("chunk")(
            self.name(part.name, "+≡" if part.continues else "≡", anchor), part, parts,
            self.numbers[part], anchor, code, scrolls(part.text) and "<a " not in code,
            self.book, self.book.note(part), self.paper, part.line in self.begun)

    def example(self) -> tuple[Markup, Markup] | None:
        """A block to show a reader how one works: a short one that a short chunk stands in."""
        parts = [part for part in self.numbers if len(part.references) == 1 and part.rows <= 20
                 and not self.book.web.chunks[part.name].is_file
                 and self.book.web.chunks[part.references[0].name].rows <= 20]
        for part in sorted(parts, key=lambda part: part.rows):
            rows = self.rows(part, part.text.strip("\n").split("\n"))
            html = "".join(f"<div>{html}</div>" if opens else html for html, opens in rows)
            if "<details>" in html:
                return (self.name(part.name, "+≡" if part.continues else "≡"),
                        Markup(re.sub(r"(<a) id=[^ >]+", r"\1", html)))
        return None

    def row(self, part: Part, row: int, html: str, opens: bool, kind: str) -> str:
        """A line of code, with its anchor if it is the first or links lead to it.

        Empty lines at a block's ends, of the kind `e`, are there, but not to be seen.
        """
        line = part.place(row)[0]
        if self.paper and kind == "e":
            return ""
        named = line in (self.book.targets if self.paper else self.book.lines) or (
            not row and not self.paper)
        if not (named or kind) and (self.paper or not opens):
            return html
        tag = "div" if opens or kind == "wide" else "span"
        return (f"<{tag}{f' class={kind}' * bool(kind)}{f' id=L{line}' if named else ''}>{html}"
                f"</{tag}>")

    def rows(self, part: Part, lines: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """The HTML of each line, and whether there is a reference in it."""
        masked = REFERENCE.sub(lambda match: "_" * len(match[0]), part.text)
        code = Tagged(part.text, laid_over(highlighted(masked, part.language), self.links(part)))
        references: list[Reference] = [*reversed(part.references)]
        begin = 0
        for line in lines:
            out, at, end, newline = [], begin, begin + len(line), "\n"
            while references and references[-1].start < end:
                reference = references.pop()
                hole, indent = self.holes[id(reference)]
                if hole.alone:
                    at, newline = end, ""
                else:
                    out.append(code.html(at, reference.start).replace("⟨⟨", "⟨"))
                    at = reference.end
                out.append(self.reference(hole, indent))
            out += [code.html(at, end).replace("⟨⟨", "⟨"), newline]
            yield "".join(out), len(out) > 2
            begin = end + 1

    def links(self, part: Part) -> list[Span]:
        """The identifiers in a part: those that it defines lead to the index, others to there.

        A block leads to a definition once; what is bound in it and of no use outside needs no
        link, it is in sight.
        """
        spans: list[Span] = []
        seen = set[int]()
        begins = [0, *(match.end() for match in re.finditer("\n", part.text))]
        for mark in self.book.index.marks.get(part, ()):
            identifier, use = mark.identifier, mark.use
            minor = identifier.kind in MINOR
            if (self.paper or mark.defines) and (minor or not mark.defines):
                continue
            if mark.defines:
                anchor = self.book.lasting.get(identifier, "")
                lasts = anchor and use is identifier.definitions[0]
                opening = (f"<a{f' id={anchor}' if lasts else ''} "
                           f"href=#{self.book.anchors[identifier.name]}>")
            elif identifier.definitions:
                definition = identifier.definitions[0]
                line = self.book.spot(definition).line
                if line in seen or (minor and definition.part is part):
                    continue
                seen.add(line)
                opening = f"<a href=#L{line}>"
            else:
                continue
            start = begins[use.row] + use.offset
            if not spans or spans[-1].end <= start:
                spans.append(Span(start, start + use.length, opening, "</a>"))
        return spans

    def reference(self, hole: Hole, indent: str) -> str:
        """A reference; it opens to show the code that it stands for.

        Alone it ends its line, in what it opens to: else there would be an empty line below.
        What is long and not indented is taken by the page's script from where it stands; and what
        is beyond the limit, unless the script cannot know which lines have no indentation.
        """
        name, newline = hole.code.name, "\n" if hole.alone else ""
        newlines, found = self.expander.newlines[hole.code], None
        far = hole.alone and not self.paper and (not indent or newlines == hole.code.newlines)
        if not (self.paper or (far and not indent and newlines > LONG)):
            found = self.expander.expand(hole, indent)
        if found is None and far:
            places = map(self.book.place, self.book.web.chunks[name].parts)
            return self.opening(name, hole.lead, macro("far")([*places]), "far")
        if found is None:
            return hole.lead + self.name(name) + newline
        text, openings = found
        language = self.book.web.chunks[name].language
        code = Tagged(text, highlighted(text, language))
        html = joined(self.inside(code, openings, 0, len(text), 0)[0]) + newline
        return self.opening(name, hole.lead, html, kind_of(html, hole.alone),
                            None if hole.alone else len(indent))

    def inside(self, code: Tagged, openings: Sequence[Opening], begin: int, end: int, number: int
               ) -> tuple[str, int]:
        """A stretch of what a reference opens to.  Others open in it, the first of which has this
        number; the number of the first behind it is told too."""
        text, out = code.text, list[str]()
        while number < len(openings) and openings[number].start < end:
            opening = openings[number]
            start, stop = opening.start, opening.end
            alone = text[start - 1 : start] in ("", "\n") and text[stop : stop + 1] in ("", "\n")
            html, next_number = self.inside(code, openings, start, stop, number + 1)
            following = openings[next_number : next_number + 1]
            lead = ""
            if alone and not (following and following[0].start == stop):
                line = text[start:stop].lstrip("\n").split("\n", 1)[0]
                lead = line[: len(line) - len(line.lstrip(" \t"))]
                stop = min(stop + 1, end)
                html += text[opening.end : stop]
            out += [code.html(begin, start),
                    self.opening(opening.name, lead, html, kind_of(html, alone))]
            begin, number = stop, next_number
        return "".join(out) + code.html(begin, end), number

    def opening(self, name: str, lead: str, html: str, kind: str, column: int | None = None
                ) -> str:
        return str(macro("opening")(self.words(name), self.book.first(name), lead, Markup(html),
                                    kind, column))


def kind_of(html: str, alone: bool) -> str:
    """How what a reference opens to is laid out: below it, or in its line."""
    return "" if alone else "in" if "\n" in html else "in one"
