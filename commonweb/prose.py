"""Prose: Markdown as HTML, in which names of code, chunks and sections are links.

What GitHub shows is shown: tables, footnotes, lists of tasks, alerts, and of HTML what lays words
out (see `markup`).  A link that would run a script is none.
"""

from __future__ import annotations

import re
from html import escape, unescape
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import smartquotes
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.gfm import gfm_plugin

from .links import first_line, pieces
from .listings import shown
from .markdown import front_matter, language_of
from .markup import COMMENT, Tag, clean, taken
from .markup import tags as tags_of
from .messages import Problem
from .templates import macro, unlinked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.rules_core import StateCore

    from .book import Book
    from .listings import Listings
    from .web import Section, Web

SECTIONS = re.compile(r"§{1,2} ?[0-9]+[A-Z]?(?:(?:[\u2013, ]| and )+[0-9]+[A-Z]?\b)*")
LIST = re.compile(r".+", re.DOTALL)  # of sections, in a table's column for them
NUMBER = re.compile(r"[0-9]+[A-Z]?")
NAME = re.compile(r"⟨([^⟨⟩]+)⟩(?:\+?≡)?")
CAPTION = re.compile(r"\*[^*]+\*")  # the paragraph below a figure, if it is set off
DRESS = re.compile(r' (?:fill|stroke|font-family|font-size)="[^"]*"| text-anchor="middle"')
WORDS = re.compile(r"(<text[^>]*>)([^<]+)(</text>)")  # in a figure
DEPTH = 100  # of lists and quotes in each other
QUOTES = 1000  # in a paragraph: in one with more they stay straight, for each takes all its length


def markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"typographer": True, "maxNesting": DEPTH})
    reader.enable("smartquotes")
    reader.use(gfm_plugin)
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
    """The blocks of all documents, and then the footnotes of all."""
    found: list[Token] = []
    notes: list[Token] = []
    count = 0
    for _, above, text in web.documents:
        front = front_matter(text)
        tokens = markdown().parse("\n" * (above + front.count("\n")) + text[len(front) :])
        for token, _ in pieces(tokens):
            if count and token.type.startswith("footnote_") and "id" in token.meta:
                token.meta["id"] += count  # they are numbered throughout
        count += sum([token.type == "footnote_open" for token in tokens])
        end = next((at for at, token in enumerate(tokens) if token.type == "footnote_block_open"),
                   len(tokens))
        found += tokens[:end]
        if end < len(tokens):
            notes = [*notes[:-1], *tokens[end + bool(notes) :]]  # one block
    return found + notes


def differences(web: Web, tokens: Sequence[Token]) -> list[Problem]:
    """Where the code blocks of the book are first not those of the tangler, if they ever are."""
    read = {(fence.opens, fence.content) for fence in web.all_fences}
    text = takewhile(lambda token: token.type != "footnote_block_open", tokens)
    others = {(first_line(token), token.content) for token in text if token.type == "fence"}
    return [Problem(line, 1, "the tangler and the book's reader of Markdown (markdown-it) find "
                    "other code blocks from here on: expected fewer lists and quotes around")
            for line, _ in sorted(read ^ others)[:1]]


def title_of(tokens: Sequence[Token]) -> str:
    """The first heading of level 1, if there is one."""
    return next((tokens[at + 1].content for at, token in enumerate(tokens)
                 if token.type == "heading_open" and token.tag == "h1" and not token.level), "")


def subtitle_of(tokens: Sequence[Token]) -> Token | None:
    """The paragraph right below the title."""
    kinds = [token.type for token in tokens[:5]]
    heading = kinds == ["heading_open", "inline", "heading_close", "paragraph_open", "inline"]
    return tokens[4] if heading and tokens[0].tag == "h1" else None


class Prose:
    """A document's prose.

    `figures` has those that are drawn, by line, and None for others; `pictures` the data of images,
    `targets` where links lead that lead elsewhere than the document says.
    """

    def __init__(self, book: Book, tokens: Sequence[Token],
                 figures: Mapping[int, Markup | None], pictures: Mapping[str, str],
                 targets: Mapping[str, str] | None = None) -> None:
        self.book, self.figures, self.pictures = book, figures, pictures
        self.targets = targets or {}
        notes = next((at for at, token in enumerate(tokens)
                      if token.type == "footnote_block_open"), len(tokens))
        self.blocks = blocks(tokens[:notes], {section.line for section in book.web.sections})
        self.tellings = tellings(self.blocks, book)
        subtitle = subtitle_of(tokens)
        self.description = plain(subtitle) if subtitle else ""
        self.notes = blocks(tokens[notes + 1 : -1], set())
        self.names: set[str] = set()  # those that HTML of the document's own has
        self.kept: list[str] = []  # HTML of our own, that is not to be cleaned
        self.mark = "\ue000"
        while self.mark in book.web.text:
            self.mark += "\ue000"
        self.known: dict[str, Markup] = {}  # names of chunks
        self.markdown = markdown()
        assert isinstance(self.markdown.renderer, RendererHTML)
        self.renderer = self.markdown.renderer
        for rule in ("text", "code_inline", "fence", "code_block", "image", "table_open",
                     "table_close", "lone_image", "link_open", "link_close", "html_inline",
                     "html_block", "list_item_open", "footnote_ref", "footnote_anchor", "imprint",
                     "sidenotes"):
            self.renderer.rules[rule] = getattr(self, rule)

    def sections(self, code: Listings) -> Iterator[tuple[Section | None, Markup]]:
        """What stands before the first section, and then section by section."""
        sections = self.book.web.sections
        self.names.clear()
        ends = [section.line for section in sections] + [len(self.book.web.lines) + 1]
        at = 0
        for section, end in zip([None, *sections], ends, strict=True):
            start = at
            while at < len(self.blocks) and first_line(self.blocks[at]) < end:
                at += 1
            own = self.blocks[start:at]
            paragraph = next((number + 1 for number, token in enumerate(own)
                              if token.type == "paragraph_close" and not token.level), None)
            if section is None:
                title = next((number + 1 for number, token in enumerate(own)
                              if token.type == "heading_close"), 0)
                own.insert(paragraph if title and self.description and paragraph else title,
                           Token("imprint", "", 0))
            elif section.number in self.tellings and not code.paper:
                own.insert(len(own) if paragraph is None else paragraph,
                           Token("sidenotes", "", 0))
            yield section, self.rendered(own, section, code)

    def imprint(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return self.keep(str(macro("imprint")(self.book.imprint)))

    def sidenotes(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """What a table says of the section."""
        section = env["section"]
        return self.keep(str(macro("sidenotes")([(row.line, row.label, [
            (heading, self.rendered([cell], section, env["code"]))
            for heading, cell in row.cells]) for row in self.tellings[section.number]])))

    def footnotes(self, code: Listings) -> Markup:
        """The notes that stand at the end."""
        return self.rendered(self.notes, None, code)

    def rendered(self, blocks: Sequence[Token], section: Section | None, code: Listings) -> Markup:
        env = {"section": section, "code": code, "raw": False}
        html = self.renderer.render(blocks, self.markdown.options, env)
        return self.whole(html, env)

    def whole(self, html: str, env: Any) -> Markup:
        if env["raw"]:
            html = clean(html)
        return Markup(re.sub(f"{self.mark}([0-9]+);", lambda match: self.kept[int(match[1])], html))

    def keep(self, html: str) -> str:
        """What stands in place of HTML of our own till all around it is cleaned."""
        self.kept.append(html)
        return f"{self.mark}{len(self.kept) - 1};"

    def inline(self, text: str, section: Section | None = None) -> Markup:
        """A title, or what else is a line of prose."""
        env = {"section": section, "raw": False}
        return self.whole(self.markdown.renderInline(text, env), env)

    def words(self, name: str) -> Markup:
        """A chunk's name."""
        if name not in self.known:
            self.known[name] = (Markup("<code>{}</code>").format(name)
                                if self.book.web.chunks[name].is_file else self.inline(name))
        return self.known[name]

    # The rules, by the kind of token.

    def link_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        env["linked"] = True  # what stands in it is no other link
        href = str(tokens[at].attrGet("href"))
        tokens[at].attrSet("href", self.targets.get(href, href))
        return self.renderer.renderToken(tokens, at, options, env)

    def link_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        env["linked"] = False
        return "</a>"

    def text(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        text, out, done = tokens[at].content, [], 0
        bare = bool(tokens[at].meta.get("sections"))
        if ("§" in text or bare) and not env.get("linked"):
            for match in (LIST if bare else SECTIONS).finditer(text):
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
            words, anchor = escape(text, False), self.book.meaning(text, env.get("section"))
            if env.get("code") and env["code"].paper and tokens[at].meta.get("narrow"):
                words = re.sub(r"([._(/=]|, ?)(?=\w)", r"\1<wbr>", words)
                words = re.sub(r"[^\s<&;]{30}(?=[^\s<&;])", r"\g<0><wbr>", words)
            html = Markup(f"<code><a href=#{anchor}>{words}</a></code>" if anchor else
                          f"<code>{words}</code>")
        return str(unlinked(html) if env.get("linked") else html)

    def html_inline(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        if not tags_of(tokens[at].content):
            return escape(COMMENT.sub("", tokens[at].content), False)
        return self.raw(tokens[at].content, env)

    def html_block(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        if tags_of(tokens[at].content):
            return self.raw(tokens[at].content, env, True)
        source = COMMENT.sub("", tokens[at].content).strip("\n")
        return self.keep(str(shown(source, "html"))) if source.strip() else ""

    def raw(self, source: str, env: Any, block: bool = False) -> str:
        """HTML of the document's own; only in blocks has it names, each once."""
        def show(tag: Tag) -> str:
            given = tag.attributes
            name = given.pop("id", "") or given.pop("name", "")
            given.pop("name", "")
            if block and name and name not in self.names:
                self.names.add(name)
                given["id"] = name
            if tag.name == "img":
                return self.picture(given.get("src", ""), given.get("alt", ""), env,
                                    given.get("width", ""))
            if tag.name == "a":
                if env.get("linked") and not tag.closes:
                    return ""
                env["linked"] = not tag.closes
                href = given.pop("href", "")
                if href := self.harmless(self.targets.get(href, href)):
                    given["href"] = href
            return str(tag)

        env["raw"] = True
        return taken(source, show)

    def fence(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        if env.get("linked"):  # by a tag that is not closed
            env["linked"] = False
            return "</a>" + self.fence(tokens, at, options, env)
        token, line = tokens[at], first_line(tokens[at])
        part = self.book.parts.get(line)
        if part:
            return self.keep(str(env["code"].part(part)))
        figure, words = self.figures.get(line), self.caption(token, env)
        if figure:
            return self.keep(str(macro("figure")(self.drawing(figure, env), line, words)))
        source = shown(token.content.rstrip("\n"), language_of(token.info.strip()))
        return self.keep(str(
            macro("undrawn")(source, words) if line in self.figures else source))

    def caption(self, token: Token, env: Any) -> Markup | str:
        caption = token.meta.get("caption")
        return self.rendered([caption], env.get("section"), env["code"]) if caption else ""

    def drawing(self, figure: Markup, env: Any) -> Markup:
        """A figure that Graphviz has drawn; a page has its colours and fonts from its style sheet,
        and links in it."""
        if not env.get("code") or env["code"].paper:
            return figure
        linked = WORDS.sub(lambda text: self.node(text, env), DRESS.sub("", figure))
        # What is an image to those who hear the page holds no links for them.
        return Markup(linked.replace("role=img", "role=group", "<a " in linked))

    def node(self, text: re.Match[str], env: Any) -> str:
        """A node of a figure: a link to the section or to the name that it tells."""
        words = unescape(text[2])
        number = re.search(r"§ ?([0-9]+[A-Z]?)", words)
        anchor = (f"s{number[1]}" if number and number[1] in self.book.numbers else
                  self.book.meaning(words, env.get("section")) if words.isidentifier() else "")
        return f"<a href=#{anchor}>{text[0]}</a>" if anchor else text[0]

    code_block = fence

    def lone_image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """An image that is a paragraph of its own: with a caption, or drawn, it is a figure."""
        token, words = tokens[at], self.caption(tokens[at], env)
        image = (token.children or [])[0]
        if not words and not isinstance(self.pictures.get(str(image.attrGet("src"))), Markup):
            return self.renderer.render(token.meta["paragraph"], options, env)
        html = self.whole(self.image([image], 0, options, env), env)
        return self.keep(str(macro("figure")(html, first_line(token), words)))

    def image(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """A picture out of the web's own folder goes into the page; others stay away."""
        return self.picture(str(tokens[at].attrGet("src") or ""), tokens[at].content, env)

    def harmless(self, href: str) -> str:
        """A link as browsers read it, if it runs no script."""
        href = re.sub(r"[\0-\x1f]", "", href).strip()
        return href if self.markdown.validateLink(href) else ""

    def picture(self, source: str, words: str, env: Any, width: str = "") -> str:
        href, data = self.harmless(source), self.pictures.get(source)
        image = self.drawing(data, env) if isinstance(data, Markup) else macro("image")(
            href, words, data, width if width.isdecimal() else "")
        return self.keep(str(unlinked(image) if env.get("linked") or not href else image))

    def list_item_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        """An item; one of a list of tasks says whether it is done."""
        item = self.renderer.renderToken(tokens, at, options, env)
        done = tokens[at].meta.get("checked")
        return item if done is None else item + (
            f'<input type=checkbox disabled{" checked" * done} '
            f'aria-label="{"done" if done else "to do"}"> ')

    def footnote_ref(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        number, again = tokens[at].meta["id"] + 1, tokens[at].meta.get("subId", 0)
        return (f"<sup id=fnref{number}{f'-{again}' * bool(again)}>"
                f"<a href=#fn{number}>{number}</a></sup>")

    def footnote_anchor(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        number, again = tokens[at].meta["id"] + 1, tokens[at].meta.get("subId", 0)
        return f' <a href=#fnref{number}{f"-{again}" * bool(again)} aria-label="back">↩</a>'

    def table_open(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        anchor = tokens[at].attrGet("id")
        figure = "<figure class=table" if tokens[at].meta.get("captioned") else "<div class=table"
        return f"{figure} tabindex=0{f' id={anchor}' if anchor else ''}><table>\n"

    def table_close(self, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        if caption := tokens[at].meta.get("caption"):
            words = self.rendered([caption], env["section"], env["code"])
            return f"</table><figcaption>{words}</figcaption></figure>\n"
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
        if token.type == "paragraph_open" and is_bold(tokens[at + 1]):
            token.attrSet("class", "bold")  # it is like a heading of what follows
        if not heading:
            if (token.nesting == 1 and line and line not in seen
                    and token.type not in ("thead_open", "tbody_open")):  # but their rows
                seen.add(line)
                token.attrSet("id", f"L{line}")
            found.append(token)
        if token.type == "heading_close":
            heading = False
    return captioned(found)


def is_bold(inline: Token) -> bool:
    """Whether all of a paragraph is set off."""
    kinds = [child.type for child in inline.children or ()
             if child.content or child.type != "text"]
    return (kinds[:1], kinds[-1:], kinds.count("strong_open")) == (
        ["strong_open"], ["strong_close"], 1)


def is_image(inline: Token) -> bool:
    """Whether a paragraph is an image and nothing else."""
    return [child.type for child in inline.children or () if child.content or child.attrs] == [
        "image"]


def captioned(tokens: Sequence[Token]) -> list[Token]:
    """Blocks, where a figure or a table has the caption that stands below it: a paragraph that is
    set off."""
    found: list[Token] = []
    table: Token | None = None
    for token in tokens:
        found.append(token)
        if token.type == "table_open":
            table = token
        if token.type == "paragraph_close" and not token.level and is_image(found[-2]):
            found[-3:] = [Token("lone_image", "", 0, map=found[-3].map, meta={
                "paragraph": found[-3:]}, children=found[-2].children)]
        kinds = [each.type for each in found[-4:]]
        if kinds[1:] == ["paragraph_open", "inline", "paragraph_close"]:
            above, _, inline, _ = found[-4:]
            dot = above.type == "fence" and language_of(above.info.strip()) == "dot"
            shown = dot or above.type == "lone_image" or (
                above.type == "table_close" and not above.level)
            if shown and CAPTION.fullmatch(inline.content):
                del found[-3:]
                above.meta["caption"] = inline
                if above.type == "table_close" and table:
                    table.meta["captioned"] = True
    return found


# ---------------------------------------------------------------------------
# What a table says of sections.


class Telling(NamedTuple):
    """A row of a table that has a column of sections: it is told beside each of them too."""

    line: int
    label: str
    cells: list[tuple[str, Token]]  # each with its column's heading


def tellings(tokens: Sequence[Token], book: Book) -> dict[str, list[Telling]]:
    """The rows, by section, of the tables with a column that is headed by the section sign.

    The numbers in that column are made links.
    """
    found: dict[str, list[Telling]] = {}
    heads: list[str] = []
    row: list[Token] = []
    line = 0
    for at, token in enumerate(tokens):
        if token.type in ("table_open", "tr_open"):
            row, line = [], first_line(token)
            heads = [] if token.type == "table_open" else heads
        elif token.type in ("th_open", "td_open"):
            row.append(tokens[at + 1])
            for child in row[-1].children or ():
                child.meta["narrow"] = True  # on paper its code may be divided
        elif token.type == "tr_close" and not heads:
            heads = [cell.content for cell in row]
        elif token.type == "tr_close" and "§" in heads and len(row) == len(heads):
            where = row[heads.index("§")]
            for child in where.children or ():
                child.meta["sections"] = True
            cells = [*zip(heads, row)]
            told = [(head, cell) for head, cell in cells if head not in ("", "§") and cell.content]
            label = next((cell.content for head, cell in cells if not head), "")
            for number in book.listed(where.content):
                found.setdefault(number, []).append(Telling(line, label, told))
    return found


def plain(inline: Token) -> str:
    """The words of a paragraph."""
    return "".join(child.content if child.type in ("text", "code_inline") else " "
                   if child.type == "softbreak" else "" for child in inline.children or ())
