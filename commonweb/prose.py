"""Prose: Markdown as HTML, in which names of code, chunks and sections are links.

Raw HTML is read as CommonMark has it, for what stands in an HTML block is no chunk.  It is shown,
not obeyed; its comments are for who reads the source.  A link that would run a script is none.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import smartquotes
from markupsafe import Markup

from .listings import shown
from .markdown import front_matter, language_of
from .messages import Problem
from .templates import macro, unlinked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

    from .book import Book
    from .listings import Listings
    from .web import Section, Web

SECTIONS = re.compile(r"§{1,2} ?[0-9]+[A-Z]?(?:(?:[\u2013, ]| and )+[0-9]+[A-Z]?\b)*")
NUMBER = re.compile(r"[0-9]+[A-Z]?")
NAME = re.compile(r"⟨([^⟨⟩]+)⟩(?:\+?≡)?")
COMMENT = re.compile(r"<!--(?:-?>|.*?(?:-->|\Z))", re.DOTALL)
DEPTH = 100  # of lists and quotes in each other
QUOTES = 1000  # in a paragraph: in one with more they stay straight, for each takes all its length


def markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"typographer": True, "maxNesting": DEPTH})
    reader.enable(["table", "smartquotes"])
    reader.core.ruler.at("smartquotes", few_quotes)
    return reader


def few_quotes(state: StateCore) -> None:
    """Make quotes typographic, where they are not too many."""
    tokens = state.tokens
    state.tokens = [token for token in tokens
                    if token.content.count("'") + token.content.count('"') <= QUOTES]
    smartquotes(state)
    state.tokens = tokens


def parse(web: Web) -> list[Token]:
    """The blocks of all documents."""
    found: list[Token] = []
    for _, above, text in web.documents:
        front = front_matter(text)
        found += markdown().parse("\n" * (above + front.count("\n")) + text[len(front) :])
    return found


def differences(web: Web, tokens: Sequence[Token]) -> list[Problem]:
    """Where the code blocks of the book are first not those of the tangler, if they ever are."""
    read = {(fence.opens, fence.content) for fence in web.all_fences}
    others = {(first_line(token), token.content) for token in tokens if token.type == "fence"}
    return [Problem(line, 1, "the tangler and the book's reader of Markdown (markdown-it) find "
                    "other code blocks from here on: expected fewer lists and quotes around")
            for line, _ in sorted(read ^ others)[:1]]


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
        assert isinstance(self.markdown.renderer, RendererHTML)
        self.renderer = self.markdown.renderer
        for rule in ("text", "code_inline", "fence", "code_block", "image", "table_open",
                     "table_close", "link_open", "link_close", "html_inline", "html_block"):
            self.renderer.rules[rule] = getattr(self, rule)

    def sections(self, code: Listings) -> Iterator[tuple[Section | None, Markup]]:
        """What stands before the first section, and then section by section."""
        sections = self.book.web.sections
        ends = [section.line for section in sections] + [len(self.book.web.lines) + 1]
        at = 0
        for section, end in zip([None, *sections], ends, strict=True):
            start = at
            while at < len(self.blocks) and first_line(self.blocks[at]) < end:
                at += 1
            yield section, Markup(self.renderer.render(
                self.blocks[start:at], self.markdown.options, {"section": section, "code": code}))

    def inline(self, text: str, section: Section | None = None) -> Markup:
        """A title, or what else is a line of prose."""
        return Markup(self.markdown.renderInline(text, {"section": section}))

    def words(self, name: str) -> Markup:
        """A chunk's name."""
        if name not in self.known:
            self.known[name] = (Markup("<code>{}</code>").format(name)
                                if self.book.web.chunks[name].is_file else self.inline(name))
        return self.known[name]

    # The rules, by the kind of token.

    def link_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        env["linked"] = True  # what stands in it is no other link
        return self.renderer.renderToken(tokens, at, options, env)

    def link_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        env["linked"] = False
        return "</a>"

    def text(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        text, out, done = tokens[at].content, [], 0
        if "§" in text and not env.get("linked"):
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
            html = macro("name")(self.words(name[1]), self.book.first(name[1]))
        else:
            words, line = escape(text, False), self.book.meaning(text, env.get("section"))
            html = Markup(f"<code><a href=#L{line}>{words}</a></code>" if line else
                          f"<code>{words}</code>")
        return str(unlinked(html) if env.get("linked") else html)

    def html_inline(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return escape(COMMENT.sub("", tokens[at].content), False)

    def html_block(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        source = COMMENT.sub("", tokens[at].content).strip("\n")
        return str(shown(source, "html")) if source.strip() else ""

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        token, line = tokens[at], first_line(tokens[at])
        part = self.book.parts.get(line)
        if part:
            return str(env["code"].part(part))
        figure = self.figures.get(line)
        if figure:
            return str(figure)
        source = shown(token.content.rstrip("\n"), language_of(token.info.strip()))
        return str(macro("undrawn")(source) if line in self.figures else source)

    code_block = fence

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A picture out of the web's own folder goes into the page; others stay away."""
        source, words = str(tokens[at].attrGet("src") or ""), tokens[at].content
        image = macro("image")(source, words, self.pictures.get(source))
        return str(unlinked(image) if env.get("linked") else image)

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
