"""HTML in a document: what GitHub shows of it, and nothing that could run or reach out.

Tags that only lay words out are taken, with few attributes; all others are shown as words.
Comments are for who reads the source.  Since a document opens a tag in one place and closes it in
another, or never, nh3 reads what comes of a section once more, and lets nothing else through.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import nh3

from .markdown import ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Callable

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "del",
    "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "picture", "pre", "q",
    "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "summary",
    "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr",
}
KEPT = {"href", "title", "open", "colspan", "rowspan", "start", "dir", "lang"}
TAG = re.compile(rf"<(?:[a-z][a-z0-9-]*(?:{ATTRIBUTE})*\s*/?|/[a-z][a-z0-9-]*\s*)>", re.IGNORECASE)
COMMENT = re.compile(r"<!--(?:-?>|.*?(?:-->|\Z))", re.DOTALL)
# What HTML opens again in the next block, with all that it says, if it is not closed.
AGAIN = {"a", "b", "code", "em", "i", "s", "small", "strike", "strong", "tt", "u"}
ANCHOR = "u-"  # before the names that a document's own tags have


class Tag(HTMLParser):
    """One tag: its name, whether it closes, and its attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.name, self.closes, self.attributes = "", False, dict[str, str]()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.name = tag
        self.attributes = {key: value or "" for key, value in reversed(attrs)}

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        self.name, self.closes = tag, True

    def __str__(self) -> str:
        if self.closes:
            return f"</{self.name}>"
        kept = {key: value for key, value in self.attributes.items() if key in KEPT}
        name = self.attributes.get("id") or self.attributes.get("name")
        place = ""
        if name and self.name in AGAIN:
            place = f'<span id="{escape(ANCHOR + name)}"></span>'
        elif name:
            kept["id"] = ANCHOR + name
        if self.attributes.get("align") in ("left", "right", "center"):
            kept["style"] = f"text-align:{self.attributes['align']}"
        return f"{place}<{self.name}" + "".join(
            [f' {key}="{escape(value)}"' for key, value in kept.items()]) + ">"


def tags(source: str) -> list[Tag]:
    """The tags in a piece of HTML that are taken."""
    found = [Tag(match[0]) for match in TAG.finditer(COMMENT.sub("", source))]
    return [tag for tag in found if tag.name in TAGS]


def taken(source: str, shown: Callable[[Tag], str]) -> str:
    """A piece of HTML: its tags as they are `shown`, and all else that looks like one as words."""
    out, at, text = [], 0, COMMENT.sub("", source)
    for match in TAG.finditer(text):
        tag = Tag(match[0])
        if tag.name in TAGS:
            out += [words(text[at : match.start()]), shown(tag)]
            at = match.end()
    return "".join([*out, words(text[at:])])


def words(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def clean(html: str) -> str:
    """HTML in which all that is open is closed."""
    return nh3.clean(
        html, tags=TAGS | {"input", "section"}, link_rel=None,
        attributes={"*": {"id", "class", "style", "tabindex", "title", "dir", "lang"},
                    "a": {"href"}, "details": {"open"}, "ol": {"start"},
                    "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"},
                    "input": {"type", "checked", "disabled", "aria-label"}},
        filter_style_properties={"text-align"})
