"""Make the book that people read out of a web.

    web-weave [WEB] [--out DIR] [--fonts DIR]

Writes WEB's book (of sockets.md) as one page of HTML and as a PDF below DIR
(build/book): contents, sections, code with its cross references, index of every
identifier, list of chunk names.  The page asks for nothing over a network, runs
no script but its own, and needs that one for search, previews and keys alone.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token as Block
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Operator, String
from pygments.util import ClassNotFound

from . import __version__
from .expansion import Code, Hole, Line, Opening, expand, survey, tangle
from .identifiers import Index
from .markdown import Document, Heading, blocks
from .messages import Problem, complain
from .web import REFERENCE, Chunk, Part, Section, Web, names_file

STYLE = Path(__file__).with_name("style")


# ---------------------------------------------------------------------------
# Anchors.  Every line of the document can be linked to; so can sections by their
# number, and what the index says of a name.


def line_anchor(line: int) -> str:
    return f"L{line}"


def link(anchor: str, text: str, kind: str = "") -> str:
    return f"<a {kind and f'class={kind} '}href=#{anchor}>{text}</a>"


def section_link(number: str, kind: str = "") -> str:
    return link(f"s{number}", number, kind)


def unlinked(html: str) -> str:
    """HTML without its links, for where it stands in one or in what opens."""
    return re.sub(r"</?a\b[^>]*>", "", html)


# ---------------------------------------------------------------------------
# Code.


class Span(NamedTuple):
    """A stretch of code and the tags around it."""

    start: int
    end: int
    open: str
    close: str


def marked(text: str, spans: Sequence[Span], starts: Sequence[int], begin: int, end: int) -> str:
    """The HTML of a stretch of code; spans are in order and do not overlap."""
    out, at = [], begin
    for number in range(max(bisect_right(starts, begin) - 1, 0), len(spans)):
        span = spans[number]
        if span.start >= end:
            break
        start, stop = max(span.start, at), min(span.end, end)
        if start < stop:
            out += [escape(text[at:start], False), span.open, escape(text[start:stop], False),
                    span.close]
            at = stop
    return "".join(out) + escape(text[at:end], False)


TAGS = ((Comment.Preproc, ""), (Comment, "i"), (Keyword, "b"), (Operator.Word, "b"),
        (String, "q"))
lexers: dict[str, Lexer | None] = {}


def highlighted(text: str, language: str | None) -> Iterator[Span]:
    """Keywords, comments and strings, each within its line."""
    if language not in lexers:
        try:
            lexers[language or ""] = get_lexer_by_name(language or "text")
        except ClassNotFound:
            lexers[language or ""] = None
    lexer = lexers[language or ""]
    if lexer is None:
        return
    last = None  # it goes on if the next one is of its kind: a string's quotes are tokens
    for start, kind, value in lexer.get_tokens_unprocessed(text):
        tag = next((tag for family, tag in TAGS
                    if kind[: len(family)] == family), "")
        if tag:
            for line in value.splitlines(keepends=True):
                end = start + len(line.rstrip("\n"))
                if last and last.open == f"<{tag}>" and text[last.end : start] in ("", " "):
                    last = last._replace(end=end)
                elif start < end:
                    if last:
                        yield last
                    last = Span(start, end, f"<{tag}>", f"</{tag}>")
                start += len(line)
    if last:
        yield last


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


class Expander:
    """What chunks mean, as they stand where they are used.

    Expansions repeat code: of all together there is a limit, and one to their depth.
    Where it is reached a reference does not open, it only leads to its chunk.
    """

    LIMIT, DEPTH = 16 << 20, 100

    def __init__(self, web: Web) -> None:
        self.codes = survey(web)
        self.depths: dict[Code, int] = {}
        self.weights: dict[Code, int] = {}  # of what they open to: their code, and tags in it
        for code in self.codes.values():
            holes = [piece.code for piece in code.pieces if isinstance(piece, Hole)]
            self.weights[code] = code.bytes + sum(
                256 + max(self.weights[hole] - hole.bytes, 0) for hole in holes)
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
                line.hole(piece)

    def expand(self, hole: Hole, indent: str) -> tuple[str, list[Opening]] | None:
        """What a reference stands for, and where in it, by characters, other chunks do."""
        if self.weights[hole.code] > self.left or self.depths[hole.code] > self.DEPTH:
            return None
        self.left -= self.weights[hole.code]
        openings: list[Opening] = []
        [out] = expand(hole.code, "" if hole.quoted else indent,
                       0 if hole.alone or hole.quoted else len(indent), openings)
        ends = [0, *accumulate(map(len, out))]
        for opening in openings:
            opening.start, opening.end = ends[opening.start], ends[opening.end]
        return "".join(out).replace("\r", "\n"), openings


# ---------------------------------------------------------------------------
# Prose.

PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp"}
SECTIONS = re.compile(r"§{1,2} ?[0-9]+[A-Z]?(?:(?:[\u2013, ]| and )+[0-9]+[A-Z]?\b)*")
NUMBER = re.compile(r"[0-9]+[A-Z]?")
NAME = re.compile(r"⟨([^⟨⟩]+)⟩(?:\+?≡)?")


class Prose:
    """Markdown as HTML, in which names of code, chunks and sections are links.

    Raw HTML is shown, not obeyed, and a link that would run a script is none.
    """

    def __init__(self, book: Book) -> None:
        self.book = book
        self.markdown = MarkdownIt("commonmark", {"html": False, "typographer": True})
        self.markdown.enable(["table", "smartquotes"])
        renderer = self.markdown.renderer
        assert isinstance(renderer, RendererHTML)
        for rule in ("text", "code_inline", "fence", "code_block", "image", "table_open",
                     "table_close"):
            renderer.rules[rule] = getattr(self, rule)

    def blocks(self) -> list[Block]:
        """The document, without the headings that open sections, each block with its anchor."""
        tokens = self.markdown.parse("\n".join(self.book.web.lines))
        openings = {section.line for section in self.book.web.sections}
        found: list[Block] = []
        seen: set[int] = set()
        heading = False
        for at, token in enumerate(tokens):
            line = token.map[0] + 1 if token.map else 0
            if token.type == "heading_open" and line in openings:
                heading = True
            if token.type == "th_open" and not tokens[at + 1].content:
                token.tag = tokens[at + 2].tag = "td"  # what is empty is no heading
            if not heading:
                if token.nesting == 1 and line and line not in seen:
                    seen.add(line)
                    token.attrSet("id", line_anchor(line))
                found.append(token)
            if token.type == "heading_close":
                heading = False
        return found

    def html(self, tokens: list[Block]) -> str:
        return str(self.markdown.renderer.render(tokens, self.markdown.options, {}))

    def inline(self, text: str) -> str:
        return str(self.markdown.renderInline(text))

    # Rules.

    def text(self, tokens: Sequence[Block], at: int, options: Any, env: Any) -> str:
        text, out, done = tokens[at].content, [], 0
        if "§" in text:
            for match in SECTIONS.finditer(text):
                for number in NUMBER.finditer(text, match.start(), match.end()):
                    if number[0] in self.book.numbers:
                        out += [escape(text[done : number.start()], False),
                                section_link(number[0])]
                        done = number.end()
        return "".join(out) + escape(text[done:], False)

    def code_inline(self, tokens: Sequence[Block], at: int, options: Any, env: Any) -> str:
        text = tokens[at].content
        name = NAME.fullmatch(text)
        if name and name[1] in self.book.web.chunks:
            return self.book.name(self.book.web.chunks[name[1]])
        html, anchor = escape(text, False), self.book.meaning(text)
        return f"<code>{link(anchor, html) if anchor else html}</code>"

    def fence(self, tokens: Sequence[Block], at: int, options: Any, env: Any) -> str:
        token = tokens[at]
        part = self.book.parts.get(token.map[0] + 1) if token.map else None
        if part:
            return self.book.part(part)
        language = token.info.split(None, 1)[0].lower() if token.info.strip() else None
        if language == "dot":
            try:
                drawing = figure(token.content)
            except (ValueError, OSError, subprocess.SubprocessError) as error:
                line = token.map[0] + 1 if token.map else 1
                self.book.web.error(line, 1, f"no figure: {error}")
                return ""
            if drawing:
                return f"<figure>{drawing}</figure>\n"
        text = token.content.rstrip("\n")
        spans = list(highlighted(text, language))
        html = marked(text, spans, [span.start for span in spans], 0, len(text))
        return f"<pre class=shown{scrolls(text)}>{html}</pre>\n"

    code_block = fence

    def image(self, tokens: Sequence[Block], at: int, options: Any, env: Any) -> str:
        """A picture out of the web's own folder goes into the page; others stay away."""
        token = tokens[at]
        source, words = str(token.attrGet("src") or ""), escape(token.content)
        place = picture(source, self.book.folder)
        if place:
            kind = PICTURES[place.suffix.lower()]
            data = base64.b64encode(place.read_bytes()).decode()
            return f'<img alt="{words}" src="data:image/{kind};base64,{data}">'
        return f'<a href="{escape(source)}">{words or escape(source)}</a>'

    def table_open(self, tokens: Sequence[Block], at: int, options: Any, env: Any) -> str:
        anchor = tokens[at].attrGet("id")
        return f"<div class=table tabindex=0{f' id={anchor}' if anchor else ''}><table>\n"

    def table_close(self, tokens: Sequence[Block], at: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


def first_line(block: Block) -> int:
    """Where a block begins; 0 for what belongs to the one before."""
    return block.map[0] + 1 if block.map and block.nesting >= 0 else 0


def picture(source: str, folder: Path) -> Path | None:
    """The picture that a link names, if it lies in the folder."""
    try:
        place = Path(os.path.realpath(folder / unquote(source)))
        inside = folder in place.parents and place.suffix.lower() in PICTURES and place.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return None
    return place if inside else None


def pictures(web: Web, folder: Path) -> list[Path]:
    """All that may be pictures of a web."""
    names = {match[1] for line in web.lines for match in re.finditer(r"\]\(<?([^)>\s]+)", line)}
    found = [picture(name, folder) for name in sorted(names)]
    return [place for place in found if place]


def scrolls(text: str) -> str:
    """What lets keys scroll a block that may be too wide and holds no link."""
    return " tabindex=0" if max(map(len, text.split("\n"))) > 36 else ""


SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "g", "path", "polygon", "polyline", "ellipse", "text", "title"}
KEPT = {"d", "points", "cx", "cy", "rx", "ry", "x", "y", "text-anchor", "viewBox", "transform",
        "class", "stroke-dasharray", "font-weight", "font-style"}


def figure(source: str) -> str:
    """A graph in the DOT language as SVG, drawn by Graphviz; nothing if that is not there.

    Of what Graphviz writes only shapes and words are taken.  A page gives them its colours
    by a style sheet; paper knows only those that stand in the drawing.
    """
    from xml.etree import ElementTree

    if not shutil.which("dot"):
        return ""
    run = subprocess.run(
        ["dot", "-Tsvg", "-Gfontname=serif", "-Nfontname=serif", "-Efontname=serif",
         "-Nfontsize=12", "-Efontsize=11"],
        input=source.encode(), capture_output=True, timeout=60)
    if run.returncode:
        raise ValueError(run.stderr.decode(errors="replace").strip().split("\n")[0])

    def html(element: ElementTree.Element) -> str:
        tag = element.tag.removeprefix(SVG)
        if tag == "a":
            return "".join(map(html, element))
        if tag not in SHAPES or tag == "title":
            return ""
        words = "".join(f' {key}="{escape(value)}"' for key, value in element.items()
                        if key in KEPT)
        if tag == "text":
            words += ' fill="#1c1b19" font-family="Prose" font-size="12"'
        elif tag not in ("svg", "g"):
            full = element.get("fill", "none") not in ("none", "white", "transparent")
            bare = element.get("stroke") in ("none", "transparent")
            words += f"{' data-full' * full}{' data-bare' * bare}"
            words += (f' fill="{"#f3efe6" if full else "none"}" '
                      f'stroke="{"none" if bare else "#5c574d"}"')
        text = escape(element.text or "", False) if tag == "text" else ""
        return f"<{tag}{words}>{text}{''.join(map(html, element))}</{tag}>"

    try:
        root = ElementTree.fromstring(run.stdout)
    except ElementTree.ParseError:
        raise ValueError("expected one graph, without control characters") from None
    width = float(str(root.get("width")).removesuffix("pt")) / 13.5
    title = escape(root.findtext(f"{SVG}g/{SVG}title") or "figure")
    return html(root).replace(
        "<svg", f'<svg role=img aria-label="{title}" style="width:{width:.3g}em"', 1)


# ---------------------------------------------------------------------------
# The book.


NOWHERE = Section("", None, None, Heading(Document(""), -1, 1, ""))
MINOR = ("local", "parameter", "label", "attribute", "field", "external", "module")


class Book:
    """A web as a book; `paper` is for the one with pages, in which nothing opens."""

    def __init__(self, web: Web, folder: Path, index: Index, paper: bool) -> None:
        self.web, self.folder, self.index, self.paper = web, folder, index, paper
        self.expander = Expander(web)
        self.numbers = {section.number for section in web.sections}
        self.parts = {part.fence.opens: part for chunk in web.chunks.values()
                      for part in chunk.parts}
        self.holes = {id(reference): hole for name, chunk in web.chunks.items()
                      for (reference, _), hole in zip(chunk.references(),
                                                      self.expander.holes(name), strict=True)}
        self.entries = {name: f"x{number}" for number, name in enumerate(sorted(
            self.index.named, key=lambda name: (name.lstrip("_$").casefold(), name)))}
        # The lines that the index gives a page for.
        self.targets = {use.place[0] for identifier in self.index.identifiers
                        for use in identifier.definitions[:1]}
        # What stands behind the sections.
        self.matter = {"index": ("Index of identifiers", self.index_html),
                       "chunks": ("Names of the chunks", self.chunks_html)}
        self.licence = find_licence(folder)
        if self.licence:
            self.matter["licence"] = "Licence", self.licence_html
        self.levels = dict(levels(web.sections))
        self.section: Section | None = None  # the one being woven
        self.prose = Prose(self)

    # Names and numbers.

    def meaning(self, text: str) -> str:
        """The anchor of what a name in prose means, or nothing."""
        found = self.index.find(text, self.section or NOWHERE)
        if not found or not found.definitions:
            return ""
        return line_anchor(found.definitions[0].place[0])

    def number(self, part: Part) -> str:
        return part.section.number if part.section else "?"

    def name(self, chunk: Chunk, sign: str = "") -> str:
        """A chunk's name as it is printed, with the section where it begins."""
        first = chunk.parts[0]
        where = link(line_anchor(first.line), self.number(first))
        return f"<span class=name>⟨{self.words(chunk.name)} {where}⟩{sign}</span>"

    def words(self, name: str) -> str:
        return f"<code>{escape(name)}</code>" if names_file(name) else self.prose.inline(name)

    def sections_of(self, parts: Iterable[Part]) -> str:
        """Links to the sections of parts: "45", "45 and 47", "45, 47, and 50"."""
        found = {self.number(part): part for part in sorted(parts, key=lambda part: part.line)}
        links = [link(line_anchor(part.line), number) for number, part in found.items()]
        if len(links) < 3:
            return " and ".join(links)
        return ", ".join(links[:-1]) + ", and " + links[-1]

    # Code.

    def part(self, part: Part) -> str:
        """A code block: its header, and its lines, each with its anchor."""
        chunk, text = self.web.chunks[part.name], part.text
        masked = REFERENCE.sub(lambda match: "_" * len(match[0]), text)
        spans = laid_over(highlighted(masked, part.language), self.links(part))
        starts = [span.start for span in spans]
        references = iter([*part.references, None])
        reference = next(references)
        rows, begin = [], 0
        lines = text.split("\n") if part.rows else []
        filled = [row for row, line in enumerate(lines) if line] or [0]
        first, last = filled[0], filled[-1]
        for row, line in enumerate(lines):
            out, at, end, alone = [], begin, begin + len(line), False
            while reference and reference.start < end:
                hole, indent = self.holes[id(reference)]
                alone = (line.strip() == text[reference.start : reference.end]
                         and not hole.quoted)
                lead = line[: reference.start - begin] if alone else ""
                out += ["" if alone else marked(text, spans, starts, at, reference.start)
                        .replace("⟨⟨", "⟨"),
                        self.reference(hole, indent, lead, alone)]
                at = end if alone else reference.end
                reference = next(references)
            html = "".join(out) + marked(text, spans, starts, at, end).replace("⟨⟨", "⟨")
            html += "" if alone else "\n"
            number = part.place(row)[0]
            if self.paper and not first <= row <= last:
                begin = end + 1
                continue
            tag, kind = "div" if out else "span", "" if first <= row <= last else " class=e"
            if self.paper and number not in self.targets:
                rows.append(html)
            else:
                rows.append(f"<{tag}{kind} id={line_anchor(number)}>{html}</{tag}>")
            begin = end + 1
        return (f"<div class=chunk id={line_anchor(part.line)}><div class=head>"
                f"{self.name(chunk, '+≡' if part.continues else '≡')}{self.position(part)}</div>"
                f"<div class=\"code m{(last + 1 - first) % 4}\"{scrolls(text)}>"
                f"{''.join(rows)}</div></div>\n")

    def position(self, part: Part) -> str:
        """Which part of its chunk this is, with links to its neighbours."""
        parts = self.web.chunks[part.name].parts
        if len(parts) == 1:
            return ""
        here = parts.index(part)
        arrows = [f"<a href=#{line_anchor(parts[there].line)} aria-label=\"{words} part\">"
                  f"{sign}</a>" if 0 <= there < len(parts) else f"<span>{sign}</span>"
                  for there, sign, words in ((here - 1, "←", "previous"), (here + 1, "→", "next"))]
        return f"<span class=nth>{arrows[0]} part {here + 1} of {len(parts)} {arrows[1]}</span>"

    def links(self, part: Part) -> list[Span]:
        """The identifiers in a part: those that it defines lead to the index, others to there."""
        spans: list[Span] = []
        begins = [0, *(match.end() for match in re.finditer("\n", part.text))]
        for mark in self.index.marks.get(part, ()):
            identifier, use = mark.identifier, mark.use
            if self.paper and (not mark.defines or identifier.kind in MINOR):
                continue
            if mark.defines:
                kind = "" if identifier.kind in MINOR else "class=d "
                opening = f"<a {kind}href=#{self.entries[identifier.name]}>"
            elif identifier.definitions:
                opening = f"<a href=#{line_anchor(identifier.definitions[0].place[0])}>"
            else:
                continue
            start = begins[use.row] + use.offset
            if not spans or spans[-1].end <= start:
                spans.append(Span(start, start + use.length, opening, "</a>"))
        return spans

    def reference(self, hole: Hole, indent: str, lead: str, alone: bool) -> str:
        """A reference; it opens to show the code that it stands for.

        Alone it ends its line, in what it opens to: else there would be an empty line below.
        """
        found = None if self.paper else self.expander.expand(hole, indent)
        if found is None:
            return lead + self.name(self.web.chunks[hole.code.name]) + "\n" * alone
        text, openings = found
        spans = list(highlighted(text, self.web.chunks[hole.code.name].parts[0].language))
        starts = [span.start for span in spans]

        def inside(begin: int, end: int, number: int) -> tuple[str, int]:
            out: list[str] = []
            while number < len(openings) and openings[number].start < end:
                opening = openings[number]
                start, stop = opening.start, opening.end
                alone = text[start - 1 : start] in ("", "\n") and text[stop : stop + 1] in (
                    "", "\n")
                html, next_number = inside(start, stop, number + 1)
                following = openings[next_number : next_number + 1]
                lead = ""
                if alone and not (following and following[0].start == stop):
                    line = text[start:stop].lstrip("\n").split("\n", 1)[0]
                    lead = line[: len(line) - len(line.lstrip(" \t"))]
                    stop = min(stop + 1, end)
                    html += text[opening.end : stop]
                out += [marked(text, spans, starts, begin, start),
                        self.opening(opening.name, lead, html, alone)]
                begin, number = stop, next_number
            return "".join(out) + marked(text, spans, starts, begin, end), number

        return self.opening(hole.code.name, lead, inside(0, len(text), 0)[0] + "\n" * alone, alone,
                            "" if alone else f" style=--c:{len(indent)}")

    def opening(self, name: str, lead: str, html: str, alone: bool, style: str = "") -> str:
        # What opens holds no link: those who hear the page, or go by keys, could not tell
        # the two apart.  The link to the chunk stands before it, its sign in the style sheet.
        first = self.web.chunks[name].parts[0]
        kind = "" if alone else " class=in" if "\n" in html else " class=\"in one\""
        where = self.number(first)
        return (f"<a class=to href=#{line_anchor(first.line)} aria-label=\"Section {where}\"></a>"
                f"<details{kind}><summary>{lead}<span class=name>⟨{unlinked(self.words(name))} "
                f"<small>{where}</small>⟩</span></summary><div{style}>{html}</div></details>")

    # Sections.

    def sections(self) -> Iterator[str]:
        """What stands before the first section, and then section by section."""
        tokens = self.prose.blocks()
        starts = [section.line for section in self.web.sections] + [len(self.web.lines) + 1]
        at = 0
        for section, end in zip([None, *self.web.sections], starts, strict=True):
            start = at
            while at < len(tokens) and first_line(tokens[at]) < end:
                at += 1
            self.section = section
            html = self.prose.html(tokens[start:at])
            yield self.section_html(section, html) if section else html

    def section_html(self, section: Section, html: str) -> str:
        number = f"<a class=n href=#s{section.number}>{section.number}</a>"
        if section.title:
            level = min((section.depth or 0) + 2, 6)
            rank = self.levels[section.number]
            aria = f" aria-level={rank}" if rank != level else ""
            head = (f"<h{level}{aria} id={line_anchor(section.line)}>{number} "
                    f"<span>{self.prose.inline(section.title)}</span></h{level}>\n")
            kind = f"d{section.depth}"
        else:
            head, kind = f"<p class=n id={line_anchor(section.line)}>{number}</p>\n", "run"
        return (f"<section id=s{section.number} class={kind}>\n"
                f"<div class=text data-n={section.number}>\n{head}{html}</div>\n"
                f"{self.margin(section)}</section>\n")

    def margin(self, section: Section) -> str:
        """Beside a section: where its code is used and goes on, and its identifiers."""
        out = []
        for part in section.parts:
            chunk = self.web.chunks[part.name]
            told = []
            if part is chunk.parts[0] and len(chunk.parts) > 1:
                told.append(f"See also {plural('section', chunk.parts[1:])} "
                            f"{self.sections_of(chunk.parts[1:])}.")
            if chunk.users and part is chunk.parts[0]:
                uses = chunk.users
                told.append(f"This code is used in {plural('section', uses)} "
                            f"{self.sections_of(uses)}.")
            for verb, words in (("captures", part.captures), ("exports", part.exports)):
                if words:
                    names = ", ".join(self.word(word.name) for word in words)
                    told.append(f"This section {verb} {names}.")
            if told and len(section.parts) > 1:
                told.insert(0, f"<span class=name>⟨{self.words(chunk.name)}⟩</span>")
            out += [f"<p>{sentence}</p> " for sentence in told]
        rows = []
        for identifier in self.index.elsewhere(section):
            use = identifier.definitions[0]
            if self.paper:
                rows.append(f"<code>{escape(identifier.name)}</code> {self.number(use.part)}")
            else:
                rows.append(f"<li>{link(line_anchor(use.place[0]), escape(identifier.name))} "
                            f"<span>{identifier.kind} {self.number(use.part)}</span>")
        if rows:
            out.append(f"<p>Defined elsewhere: {', '.join(rows)}.</p>" if self.paper else
                       f"<ul aria-label=\"Names used here\">{''.join(rows)}</ul>")
        return f"<aside aria-label=\"Beside section {section.number}\">{''.join(out)}</aside>\n" \
            if out else ""

    def word(self, name: str) -> str:
        anchor = self.entries.get(name)
        return f"<code>{link(anchor, escape(name)) if anchor else escape(name)}</code>"

    # Contents, index, lists.

    def contents(self) -> str:
        """The titled sections, nested by depth."""
        out, depth = ["<ol>"], 0
        for section in self.web.sections:
            if section.title is None or section.depth is None:
                continue
            while depth < section.depth:
                out.append("<li><ol>" if out[-1].endswith("<ol>") else "<ol>")
                depth += 1
            while depth > section.depth:
                out.append("</ol>")
                depth -= 1
            out.append(f"<li><a href=#s{section.number}><b>{section.number}</b> "
                       f"<span>{unlinked(self.prose.inline(section.title))}</span></a>")
        out += ["</ol>" * depth, *(f"<li><a href=#{name}><b></b> <span>{heading}</span></a>"
                                   for name, (heading, _) in self.matter.items())]
        return "".join(out) + "</ol>"

    def side(self) -> str:
        """The upper two levels of the contents, for a screen that has room beside the book."""
        rows = [f"<li class=d{section.depth}><a href=#s{section.number}>"
                f"{unlinked(self.prose.inline(section.title))}</a>"
                for section in self.web.sections if section.title and section.depth in (0, 1)]
        return f"<nav class=side aria-label=Groups><ul>{''.join(rows)}</ul></nav>\n"

    def index_html(self) -> str:
        """Every identifier, with the sections that define it (underlined) and use it."""
        names = self.index.named
        out: list[str] = []
        letter = ""
        for name in self.entries:
            if initial(name) != letter:
                letter = initial(name)
                out.append(f"{'</ul>' if out else ''}<h3>{escape(letter)}</h3>\n<ul class=index>")
            found: dict[str, tuple[int, bool]] = {}  # line and whether it is a definition
            for identifier in names[name]:
                for defines, uses in ((True, identifier.definitions), (False, identifier.uses)):
                    for use in uses:
                        number, line = self.number(use.part), use.place[0]
                        old = found.get(number)
                        if not old or (defines, -line) > (old[1], -old[0]):
                            found[number] = line, defines
            shown = [(line, f"<u>{number}</u>" if defines else number)
                      for number, (line, defines) in sorted(
                          found.items(), key=lambda item: item[1][0])]
            places = [text if self.paper else link(line_anchor(line), text) for line, text in shown]
            word = escape(name)
            if any(identifier.exported for identifier in names[name]):
                word = f"<b>{word}</b>"
            first = next((use.place[0] for identifier in names[name]
                          for use in identifier.definitions), None)
            if self.paper and first:
                places.append(f"<a class=page href=#{line_anchor(first)}></a>")
            out.append(f"<li id={self.entries[name]}><code>{word}</code> {', '.join(places)}\n")
        return "".join(out) + ("</ul>" if out else "")

    def chunks_html(self) -> str:
        """Every chunk's name, with the sections that it consists of and is used in."""
        rows = []
        for chunk in sorted(self.web.chunks.values(),
                            key=lambda chunk: (chunk.is_file, chunk.name.casefold())):
            where = self.sections_of(chunk.parts)
            used = self.sections_of(chunk.users)
            rows.append(f"<li><span class=name>⟨{self.words(chunk.name)} {where}⟩</span> "
                        + (f"used in {plural('section', chunk.users)} {used}."
                           if used else "a file.") + "\n")
        return f"<ul class=names>{''.join(rows)}</ul>"

    def licence_html(self) -> str:
        assert self.licence
        paragraphs = self.licence.read_text("utf-8", "replace").strip().split("\n\n")
        return "".join(f"<p>{escape(paragraph, False)}</p>\n" for paragraph in paragraphs)


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


def find_licence(folder: Path) -> Path | None:
    """The licence beside a web, unless it is a link to somewhere else."""
    place = folder / "LICENSE"
    inside = place.is_file() and folder in Path(os.path.realpath(place)).parents
    return place if inside else None


def plural(word: str, parts: Sequence[Part]) -> str:
    return word + "s" * (len({id(part.section) for part in parts}) > 1)


def initial(name: str) -> str:
    letters = name.lstrip("_$")
    return letters[:1].upper() if letters[:1].isalpha() else "_"


# ---------------------------------------------------------------------------
# Pages.

# The faces of the book: family, weight, style, and the font's file.
FACES = (
    ("Prose", 400, "normal", "SourceSerif4SmText-Regular"),
    ("Prose", 400, "italic", "SourceSerif4SmText-It"),
    ("Prose", 600, "normal", "SourceSerif4SmText-Semibold"),
    ("Display", 600, "normal", "SourceSerif4Display-Semibold"),
    ("Code", 400, "normal", "SourceCodePro-Regular"),
    ("Code", 400, "italic", "SourceCodePro-It"),
    ("Code", 600, "normal", "SourceCodePro-Semibold"),
    ("Signs", 400, "normal", "NotoSansMath-Regular"),
)


def faces(folder: Path) -> str:
    """The style sheet that brings the fonts of a folder; without them the reader's are used."""
    rules = []
    for family, weight, style, name in FACES:
        place = folder / f"{name}.woff2"
        if place.is_file():
            data = base64.b64encode(place.read_bytes()).decode()
            rules.append(f"@font-face{{font-family:{family};font-weight:{weight};"
                         f"font-style:{style};src:url(data:font/woff2;base64,{data})}}")
    return "".join(rules)


def document(book: Book, title: str, fonts: str) -> str:
    """The whole book as HTML.

    Its policy forbids all that does not stand in it, and every script but its own.
    """
    front, *sections = book.sections()
    blocks = {"contents": ("Contents", book.contents), **book.matter}
    contents, *matter = [
        f"<section id={name} class=matter><h2>{heading}</h2>\n{html()}</section>\n"
        for name, (heading, html) in blocks.items()]
    style = (STYLE / ("paper.css" if book.paper else "page.css")).read_text("utf-8")
    script = "" if book.paper else (STYLE / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = ("default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
              f"script-src 'sha256-{digest}'")
    bar = " ".join(f"<a href=#{name}>{heading.split()[0]}</a>"
                   for name, (heading, _) in blocks.items())
    out = ["<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
           f"<title>{escape(title)}</title>\n"
           '<meta name=viewport content="width=device-width, initial-scale=1">\n'
           "<meta name=generator content=weave>\n"]
    if not book.paper:
        out.append(f'<meta http-equiv=Content-Security-Policy content="{policy}">\n')
    out.append(f"<style>{fonts}\n{style}</style>\n")
    if not book.paper:
        out.append(f"<header class=bar><a href=#top>{escape(title)}</a>"
                   f"<nav aria-label=Parts>{bar}</nav></header>\n{book.side()}")
    out += [f"<main id=top>\n<div class=front>\n{front}</div>\n", contents, *sections,
            *matter, "</main>\n"]
    if script:
        out.append(f"<script>{script}</script>\n")
    return "".join(out)


def title_of(web: Web, path: Path) -> str:
    """The document's first heading of level 1, or its file's name."""
    for block in blocks(web.text):
        if isinstance(block, Heading) and block.level == 1:
            return block.text
    return path.stem


# ---------------------------------------------------------------------------
# The command.


def digest_of(files: Iterable[Path]) -> str:
    """One digest of files, those that are not there included."""
    whole = hashlib.sha256()
    for place in files:
        data = place.read_bytes() if place.is_file() else b""
        whole.update(b"%s %d " % (os.fsencode(place.name), len(data)) + data)
    return whole.hexdigest()


def write(place: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}-{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def paper(html: str) -> bytes:
    """The PDF of a book."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    # Fonts and pictures are in the book; nothing else is asked for.
    fetcher = URLFetcher(allowed_protocols=["data"])
    return bytes(HTML(string=html, url_fetcher=fetcher).write_pdf())


def main(arguments: list[str], program: str = "web-weave") -> int:
    options = argparse.ArgumentParser(
        program, description="Make the book, a page of HTML and a PDF, that a web means.")
    options.add_argument("web", nargs="?", type=Path, default=Path("sockets.md"),
                         help="the document (sockets.md)")
    options.add_argument("--out", type=Path, default=Path("build/book"), metavar="DIR",
                         help="where the book goes (build/book)")
    options.add_argument("--fonts", type=Path, default=Path("build/fonts"), metavar="DIR",
                         help="where its fonts are, else the reader's are used (build/fonts)")
    options.add_argument("--version", action="version", version=f"{program} {__version__}")
    chosen = options.parse_args(arguments)
    path, folder = chosen.web, Path(os.path.realpath(chosen.web)).parent
    try:
        web = Web(path.read_bytes())
    except OSError as error:
        return complain(str(path), [Problem(1, 1, f"cannot be read: {error.strerror}")])
    targets = [chosen.out / f"{path.stem}{suffix}" for suffix in (".html", ".pdf")]
    record = chosen.out / f".{path.stem}.woven"
    here = Path(__file__).parent
    sources = [path, folder / "LICENSE", *pictures(web, folder), *sorted(STYLE.iterdir()),
               *sorted(here.glob("*.py")),
               *(chosen.fonts / f"{name}.woff2" for _, _, _, name in FACES)]
    made_of = digest_of(sources)
    if record.is_file() and record.read_text() == f"{made_of} {digest_of(targets)}":
        print(f"{targets[0]} and {targets[1]} unchanged")
        return 0
    if web.problems:
        return complain(str(path), web.problems, web.lines)
    title, fonts = title_of(web, path), faces(chosen.fonts)
    index = Index(web, tangle(web))
    try:
        pages = [document(Book(web, folder, index, on_paper), title, fonts)
                 for on_paper in (False, True)]
        if web.problems:
            return complain(str(path), web.problems, web.lines)
        write(targets[0], pages[0].encode())
        write(targets[1], paper(pages[1]))
        write(record, f"{made_of} {digest_of(targets)}".encode())
    except OSError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    print(f"wrote {targets[0]} and {targets[1]}")
    return 0


def command(program: str = "web-weave") -> None:
    """What the shell starts, by this name."""
    import gc

    gc.disable()  # hardly anything here is garbage before the end
    sys.exit(main(sys.argv[1:], program))
