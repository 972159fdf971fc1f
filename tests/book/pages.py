"""A page of the book, read as a browser reads it: its elements, its text, its code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from commonweb.figures import SHAPES
from commonweb.notation import names_file

VOID = {"base", "meta", "br", "hr", "img", "link", "input"}
UNCLOSED = {"li", "html", "p", "td", "th", "tr", "thead", "tbody"}
# What the start of an element ends before it.
ENDED = {"li": {"li", "p"}, "td": {"td", "th", "p"}, "th": {"td", "th", "p"},
         "tr": {"td", "th", "p", "tr"}, "tbody": {"td", "th", "p", "tr", "thead"}}
ENDED |= {tag: {"p"} for tag in (
    "p", "div", "section", "aside", "figure", "ul", "ol", "pre", "table", "blockquote", "details",
    "h1", "h2", "h3", "h4", "h5", "h6")}


class Element:
    """An element: its tag, its attributes, and its children, which are elements and text."""

    def __init__(self, tag: str, attributes: dict[str, str], line: int) -> None:
        self.tag, self.attributes, self.line = tag, attributes, line
        self.children: list[Element | str] = []

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attributes}> in line {self.line}"

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def elements(self) -> list[Element]:
        return [child for child in self.children if isinstance(child, Element)]

    def every(self, tag: str = "", kind: str = "") -> Iterator[Element]:
        """This element and all in it, in order, that have the tag and the class."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            if tag in ("", element.tag) and (not kind or kind in element.classes):
                yield element
            waiting += reversed(element.elements)

    def one(self, tag: str = "", kind: str = "") -> Element:
        return next(self.every(tag, kind))

    def named(self) -> dict[str, Element]:
        """What links can lead to."""
        return {element.attributes["id"]: element for element in self.every()
                if "id" in element.attributes}

    def text(self, without: str = "") -> str:
        """Its text, without what stands in elements of a tag."""
        out: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            child = waiting.pop()
            if isinstance(child, str):
                out.append(child)
            elif child.tag != without:
                waiting += reversed(child.children)
        return "".join(out)

    def code(self, named: dict[str, Element]) -> str:
        """The code that it holds: every reference replaced by what it opens to.

        A long one opens to the blocks that it leads to, which are among the elements with a name;
        their lines have its indentation.
        """
        out: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            child = waiting.pop()
            if isinstance(child, str):
                out.append(child)
            elif "far" in child.classes:
                code = "".join(named[a.attributes["href"][1:]].one("div", "code").code(named)
                               for a in child.one("div").every("a"))
                lead = child.one("summary").children[0]
                out.append(re.sub("(?m)^(?=.)", lead, code) if isinstance(lead, str) else code)
            elif child.tag != "summary":
                waiting += reversed(child.children)
        return "".join(out)


class Reader(HTMLParser):
    """Reads a page, and complains where its tags do not match."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, 0)
        self.open = [self.root]
        self.feed(page)
        self.close()
        while self.open[-1].tag in UNCLOSED:
            self.open.pop()
        assert self.open == [self.root], f"never closed: {self.open[1:]}"

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        assert len({name for name, _ in pairs}) == len(pairs), f"line {line}: {pairs}"
        while self.open[-1].tag in ENDED.get(tag, ()):
            self.open.pop()
        element = Element(tag, {name: value or "" for name, value in pairs}, line)
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, pairs)
        if tag in SHAPES:  # in HTML the slash says nothing
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1].tag in UNCLOSED and self.open[-1].tag != tag:
            self.open.pop()
        if tag == "p" and self.open[-1].tag != tag:
            return  # an empty paragraph, where what stood in one has ended it
        assert self.open[-1].tag == tag, f"</{tag}> in line {self.getpos()[0]}: {self.open[-1]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Element:
    return Reader(page).root


def files(page: Element) -> dict[str, str]:
    """The files taken out of a page: of each the code of its blocks, in order."""
    found: dict[str, str] = {}
    named = page.named()
    for chunk in page.every("div", "chunk"):
        name = chunk.one("span", "name")
        file = name.elements[0].text()
        if name.elements[0].tag == "code" and names_file(file):
            found[file] = found.get(file, "") + chunk.one("div", "code").code(named)
    return found
