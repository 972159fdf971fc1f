"""The book and its reference as HTML: templates filled, with fonts, style and script in them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup

from .docstrings import Docstrings
from .listings import Listings
from .templates import STYLE, TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from .book import Book
    from .prose import Prose
    from .tangled import Tangled

# The faces of the book: family, weight, style, and the font's file.
FACES = (
    ("Prose", 400, "normal", "SourceSerif4SmText-Regular.woff2"),
    ("Prose", 400, "italic", "SourceSerif4SmText-It.woff2"),
    ("Prose", 600, "normal", "SourceSerif4SmText-Semibold.woff2"),
    ("Display", 600, "normal", "SourceSerif4Display-Semibold.woff2"),
    ("Code", 400, "normal", "SourceCodePro-Regular.woff2"),
    ("Code", 400, "italic", "SourceCodePro-It.woff2"),
    ("Code", 600, "normal", "SourceCodePro-Semibold.woff2"),
    ("Signs", 400, "normal", "NotoSansMath-Regular.woff2"),
)


def read_fonts(folder: Path) -> dict[str, bytes]:
    """The fonts that a folder has of the book's; without them the reader's are used."""
    return {name: (folder / name).read_bytes() for _, _, _, name in FACES
            if (folder / name).is_file()}


def faces(fonts: Mapping[str, bytes]) -> str:
    """The style sheet that brings the fonts."""
    return "".join(
        f"@font-face{{font-family:{family};font-weight:{weight};font-style:{style};"
        f"src:url(data:font/woff2;base64,{base64.b64encode(fonts[name]).decode()})}}"
        for family, weight, style, name in FACES if name in fonts)


def style(fonts: Mapping[str, bytes], *sheets: str) -> Markup:
    """The fonts, and the style sheets of these names, without what is for who reads their source.
    """
    text = "".join([(STYLE / f"{sheet}.css").read_text("utf-8") for sheet in sheets])
    return Markup(faces(fonts) + "\n"
                  + re.sub(r"(?s)/\*.*?\*/|(?<=[{};])\s+|\s+(?=[{}])", "", text))


def script() -> Markup:
    """The page's script, without what is for who reads its source."""
    return Markup(re.sub(r"(?m)^\s*//.*\n|^\s+", "", (STYLE / "page.js").read_text("utf-8")))


# An end that HTML knows by what follows: here other blocks, the end of one, or the next of a kind.
ENDS = re.compile(r"""
    (?: </p> (?=\s*<(?:p|div|section|aside|figure|ul|ol|pre|table|blockquote|details|h[1-6]
                    |/div|/section|/aside|/li|/td|/blockquote)\b)
    | </li> (?=\s*<(?:li|/ul|/ol)\b) | </t[dh]> (?=\s*<(?:td|th|/tr)\b)
    | </tr> (?=\s*<(?:tr|/thead|/tbody)\b) | </(?:thead|tbody)> (?=\s*<(?:tbody|/table)\b)
    ) \n?
    """, re.VERBOSE)


def light(html: Markup) -> Markup:
    """HTML without the ends and the quotes that can be left out."""
    text, longer = str(html), ""
    while text != longer:
        text, longer = ENDS.sub("", text), text
    return Markup(re.sub(r'(<\w+ (?:id|class)=)"(\w+)"', r"\1\2", text))


def document(book: Book, prose: Prose, fonts: Mapping[str, bytes], paper: bool = False,
             tangled: Tangled | None = None) -> str:
    """The book as a page for a screen, or for paper; beside it there may be one of its files."""
    medium = "paper" if paper else "page"
    code = Listings(book, prose.words, paper, tangled.begun if tangled else ())
    example = None if paper else code.example()  # while there is room for one
    sections = [(section, html if paper else light(html))
                for section, html in prose.sections(code)]
    (_, front), *sections = sections
    digest = base64.b64encode(hashlib.sha256(script().encode()).digest()).decode()
    return TEMPLATES.get_template(f"{medium}.html").render(
        book=book, tangled=tangled, front=front, sections=sections, notes=prose.footnotes(code),
        inline=prose.inline, words=prose.words,
        description=prose.description, example=example,
        style=style(fonts, medium), script=script(), digest=digest)


def files(book: Book, tangled: Tangled, fonts: Mapping[str, bytes]) -> str:
    """The files that a book's code is tangled to."""
    return TEMPLATES.get_template("files.html").render(
        book=book, tangled=tangled, style=style(fonts, "page", "files"))


def reference(book: Book, fonts: Mapping[str, bytes], others: Iterable[str] = ()) -> str:
    """The reference of a book's packages, with links to other books beside it. It has no italics.
    """
    italics = {name for _, _, style, name in FACES if style == "italic"}
    upright = {name: data for name, data in fonts.items() if name not in italics}
    return TEMPLATES.get_template("reference.html").render(
        book=book, docs=Docstrings(book.packages),
        others=[(stem[:1].upper() + stem[1:], quote(f"{stem}.html")) for stem in others],
        style=style(upright, "page", "reference"))
