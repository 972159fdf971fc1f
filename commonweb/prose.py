"""Prose: Markdown as HTML, in which names of code, chunks and sections are links.

Raw HTML is shown, not obeyed, and a link that would run a script is none.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markupsafe import Markup

from .listings import shown
from .templates import macro
from .notation import names_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.token import Token

    from .book import Book
    from .listings import Listings
    from .web import Section, Web

SECTIONS = re.compile(r"§{1,2} ?[0-9]+[A-Z]?(?:(?:[\u2013, ]| and )+[0-9]+[A-Z]?\b)*")
NUMBER = re.compile(r"[0-9]+[A-Z]?")
NAME = re.compile(r"⟨([^⟨⟩]+)⟩(?:\+?≡)?")


def markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "typographer": True})
    return reader.enable(["table", "smartquotes"])


def parse(web: Web) -> list[Token]:
    """The blocks of a document."""
    return markdown().parse(web.text)


def title_of(tokens: Sequence[Token]) -> str:
    """The first heading of level 1, if there is one."""
    return next((tokens[at + 1].content for at, token in enumerate(tokens)
                 if token.type == "heading_open" and token.tag == "h1" and not token.level), "")


def images(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """What the images of a document name, and the first line of the block that each stands in."""
    line = 1
    for token in tokens:
        line = first_line(token) or line
        inside = [*(token.children or ())]
        for child in inside:
            inside += child.children or ()
            if child.type == "image":
                yield str(child.attrGet("src") or ""), line


def first_line(token: Token) -> int:
    """Where a block begins; 0 for what belongs to the one before."""
    return token.map[0] + 1 if token.map and token.nesting >= 0 else 0


class Prose:
    """A document's prose.

    `figures` has those that are drawn, by line, and None for others; `pictures` the data of images.
    """

    def __init__(self, book: Book, tokens: Sequence[Token],
                 figures: Mapping[int, Markup | None], pictures: Mapping[str, str]) -> None:
        self.book, self.figures, self.pictures = book, figures, pictures
        self.blocks = blocks(tokens, {section.line for section in book.web.sections})
        self.known: dict[str, Markup] = {}  # names of chunks
        self.markdown = markdown()
        renderer = self.markdown.renderer
        assert isinstance(renderer, RendererHTML)
        for rule in ("text", "code_inline", "fence", "code_block", "image", "table_open",
                     "table_close"):
            renderer.rules[rule] = getattr(self, rule)

    def sections(self, code: Listings) -> Iterator[tuple[Section | None, Markup]]:
        """What stands before the first section, and then section by section."""
        sections = self.book.web.sections
        ends = [section.line for section in sections] + [len(self.book.web.lines) + 1]
        at = 0
        for section, end in zip([None, *sections], ends, strict=True):
            start = at
            while at < len(self.blocks) and first_line(self.blocks[at]) < end:
                at += 1
            yield section, Markup(self.markdown.renderer.render(
                self.blocks[start:at], self.markdown.options, {"section": section, "code": code}))

    def inline(self, text: str, section: Section | None = None) -> Markup:
        """A title, or what else is a line of prose."""
        return Markup(self.markdown.renderInline(text, {"section": section}))

    def words(self, name: str) -> Markup:
        """A chunk's name."""
        if name not in self.known:
            self.known[name] = (Markup("<code>{}</code>").format(name) if names_file(name) else
                                self.inline(name))
        return self.known[name]

    # The rules, by the kind of token.

    def text(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        text, out, done = tokens[at].content, [], 0
        if "§" in text:
            for match in SECTIONS.finditer(text):
                for number in NUMBER.finditer(text, match.start(), match.end()):
                    if number[0] in self.book.numbers:
                        out += [escape(text[done : number.start()], False),
                                f"<a href=#s{number[0]}>{number[0]}</a>"]
                        done = number.end()
        return "".join(out) + escape(text[done:], False)

    def code_inline(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        text = tokens[at].content
        name = NAME.fullmatch(text)
        if name and name[1] in self.book.web.chunks:
            return str(macro("name")(self.words(name[1]), self.book.first(name[1])))
        html, line = escape(text, False), self.book.meaning(text, env.get("section"))
        return f"<code><a href=#L{line}>{html}</a></code>" if line else f"<code>{html}</code>"

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        token, line = tokens[at], first_line(tokens[at])
        part = self.book.parts.get(line)
        if part:
            return str(env["code"].part(part))
        figure = self.figures.get(line)
        if figure:
            return str(figure)
        language = token.info.split(None, 1)[0].lower() if token.info.strip() else None
        source = shown(token.content.rstrip("\n"), language)
        return str(macro("undrawn")(source) if line in self.figures else source)

    code_block = fence

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A picture out of the web's own folder goes into the page; others stay away."""
        source, words = str(tokens[at].attrGet("src") or ""), tokens[at].content
        return str(macro("image")(source, words, self.pictures.get(source)))

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        anchor = tokens[at].attrGet("id")
        return f"<div class=table tabindex=0{f' id={anchor}' if anchor else ''}><table>\n"

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


def blocks(tokens: Sequence[Token], openings: set[int]) -> list[Token]:
    """The blocks of a document without the headings that open sections, each with its anchor."""
    found: list[Token] = []
    seen: set[int] = set()
    heading = False
    for at, token in enumerate(tokens):
        line = first_line(token)
        if token.type == "heading_open" and line in openings:
            heading = True
        if token.type == "th_open" and not tokens[at + 1].content:
            token.tag = tokens[at + 2].tag = "td"  # what is empty is no heading
        if not heading:
            if token.nesting == 1 and line and line not in seen:
                seen.add(line)
                token.attrSet("id", f"L{line}")
            found.append(token)
        if token.type == "heading_close":
            heading = False
    return found
