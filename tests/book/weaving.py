"""Weaving for tests: webs made of chunks, their pages, and what every page must be."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup
from pages import Element, read
from pages import files as files_in

from commonweb import figures, markup
from commonweb.book import Book
from commonweb.expansion import tangle
from commonweb.identifiers import Index
from commonweb.page import document, files, reference, script, style
from commonweb.links import images
from commonweb.prose import Prose, parse, title_of
from commonweb.reference import packages
from commonweb.tangled import Tangled
from commonweb.weave import read_licence
from commonweb.web import Web

ROOT = Path(__file__).parents[2]
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
                         "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
EVIL = """<script>hacked()</script><img src=x onerror=hacked()></title></style></script>"""
EVIL_LINKS = [
    "javascript:hacked()", "JaVaScRiPt:hacked()", "&#106;avascript:hacked()", "java\tscript:x",
    "javascript&colon;hacked()", "\x01javascript:hacked()", "vbscript:x", "%6aavascript:hacked()",
    "data:text/html,<script>hacked()</script>", "data:image/svg+xml,<svg/onload=hacked()>",
    "file:///etc/passwd", "javascript&#x3A;hacked()", "&NewLine;javascript:hacked()",
]


def chunk(code: str, name: str = "a.py", language: str = "python") -> str:
    return f"```````{language}\n# ⟨{name}⟩≡\n{code}\n```````\n"


# A web whose references stand in lines, at several depths and before strings; and its code, with
# those references that open only where what they stand for is written twice.
NESTED = ("# T\n\n" + chunk("def f():\n    ⟨B⟩\n\n\t⟨C⟩\n⟨D⟩\n    ⟨D⟩")
          + chunk("if x:\n\n    ⟨C⟩\nelse:\n  ⟨C⟩\ny", "B")
          + chunk("c = ⟨E⟩\n", "C") + chunk("# more\nd", "C").replace("⟩≡", "⟩+≡")
          + chunk("s = '''\n'''", "D") + chunk("1", "E"))
NESTED_CODE = """\
def f():
    if x:

        c = ⟨E 1⟩

        # more
        d
    else:
      c = ⟨E 1⟩

      # more
      d
    y

\tc = ⟨E 1⟩

\t# more
\td
s = '''
'''
    ⟨D 1⟩
"""


def woven(text: str | bytes, folder: Path = ROOT / "tests" / "book", paper: bool = False) -> str:
    web = Web(text.encode() if isinstance(text, str) else text)
    assert web.problems == []
    outputs = tangle(web)
    assert web.problems == []
    page = page_of(web, outputs, folder, paper)
    if not paper:
        check(read(page), {name: data.decode() for name, data in outputs.items()})
    return page


def page_of(web: Web, outputs: dict[str, bytes], folder: Path = ROOT, paper: bool = False,
            drawings: Mapping[int, Markup | None] | None = None) -> str:
    """The page of a web, or its paper, without fonts."""
    tokens = parse(web)
    if drawings is None:
        drawings, problems = figures.drawn(figures.graphs(web), True)
        assert problems == []
    pictures, problems = figures.pictures(images(tokens), folder)
    assert problems == []
    book = Book(web, Index(web, outputs), title_of(tokens) or "web",
                read_licence(folder).decode(), packages=packages(web, outputs))
    return document(book, Prose(book, tokens, drawings, pictures), {}, paper)


def reference_of(text: str) -> str:
    """The reference of a web, without fonts."""
    web = Web(text.encode())
    outputs = tangle(web)
    assert web.problems == []
    return reference(Book(web, Index(web, outputs), "web", "", "a b", packages(web, outputs)), {})


def files_of(text: str) -> tuple[str, str]:
    """The page of a web's files and its book, without fonts."""
    web = Web(text.encode())
    outputs = tangle(web)
    assert web.problems == []
    book = Book(web, Index(web, outputs), "web", "", "a b")
    tangled = Tangled(book, outputs)
    prose = Prose(book, parse(web), {}, {})
    return files(book, tangled, {}), document(book, prose, {}, tangled=tangled)


# What a page may hold. All else is the web's, and is words.
ATTRIBUTES = {"id", "class", "href", "title", "style", "role", "aria-label", "aria-level",
              "tabindex", "alt", "src", "start", "data-n", "data-full", "data-bare", "fill",
              "stroke", "font-family", "font-size", *figures.KEPT}
ATTRIBUTES |= {name.lower() for name in figures.KEPT}
ATTRIBUTES |= {"aria-hidden", "rel", "type", "checked", "disabled", "width", *markup.KEPT}
WORDS = ("s sup sub input kbd del ins main div section aside header nav h1 h2 h3 h4 h5 h6 p a "
         "span ul ol li b i q u small em strong code pre br hr blockquote img table thead tbody "
         "tr th td details summary figure figcaption")
TAGS = {*figures.SHAPES, *WORDS.split(" "), *markup.TAGS}


def check(page: Element, outputs: dict[str, str] | None = None) -> None:
    """No script but the page's, nothing from outside; and the code is the code."""
    html = page.one("html")
    assert [one.tag for one in html.elements] == [
        "meta", "title", *["meta"] * (len(html.elements) - 7), "style", "header", "nav", "main",
        "script"]
    assert {one.attributes.get("http-equiv") for one in html.elements if one.tag == "meta"} == {
        None, "Content-Security-Policy"}
    assert html.one("script").text() == script()
    assert html.one("style").text() == style({}, "page")
    check_body(html)
    if outputs is not None:
        assert files_in(page) == outputs


def check_reference(page: Element) -> None:
    """No script, nothing from outside."""
    html = page.one("html")
    assert [one.tag for one in html.elements] == [
        "meta", "title", "meta", "meta", "meta", "style", "header", "main"]
    assert html.one("style").text() == style({}, "page", "reference")
    check_body(html)


def check_files(page: Element) -> None:
    """No script, nothing from outside; its links are the book's."""
    html = page.one("html")
    assert [one.tag for one in html.elements] == [
        "meta", "title", "meta", "meta", "meta", "base", "style", "header", "main"]
    assert html.one("style").text() == style({}, "page", "files")
    for link in html.every("a"):
        assert re.match(r"#[Lcis]|a%20b(-files)?\.html", link.attributes["href"]), link
        link.attributes["href"] = link.attributes["href"].replace("#L", "#block-")
    check_body(html)


def check_body(html: Element) -> None:
    """Nothing that could run, no link in a link, no name twice."""
    named: set[str] = set()
    links = []
    for element in [*html.one("header").every(), *html.one("main").every()]:
        assert element.tag in TAGS, element
        assert set(element.attributes) <= ATTRIBUTES, element
        assert re.fullmatch(r"|--c:\d+|width:[\d.e+]+em|text-align:\w+",
                            element.attributes.get("style", "")), element
        if "id" in element.attributes:
            assert element.attributes["id"] not in named, element
            named.add(element.attributes["id"])
        if "src" in element.attributes:
            assert re.match(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,",
                            element.attributes["src"])
        if element.tag == "a":
            links.append(element.attributes.get("href", "#"))
            assert [one for one in element.every("a") if one is not element] == []
    for href in links:
        if href.startswith("#") and re.match(r"#[Lsx]\d", href):
            assert href[1:] in named, href
        else:
            assert not re.match(r"[\s\0-\x20]*(javascript|vbscript|file|data):(?!image/)", href,
                                re.IGNORECASE), href
