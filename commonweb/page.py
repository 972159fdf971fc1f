"""The book and its reference as HTML: templates filled, with fonts, style and script in them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from markupsafe import Markup

from .docstrings import Docstrings
from .listings import Listings
from .templates import STYLE, TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .book import Book
    from .prose import Prose

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
    """The fonts, and the style sheets of these names."""
    return Markup(faces(fonts) + "\n" + "".join(
        (STYLE / f"{sheet}.css").read_text("utf-8") for sheet in sheets))


def document(book: Book, prose: Prose, fonts: Mapping[str, bytes], paper: bool = False) -> str:
    """The book as a page for a screen, or for paper."""
    medium = "paper" if paper else "page"
    listings = Listings(book, prose.words, paper)
    (_, front), *sections = prose.sections(listings)
    script = (STYLE / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return TEMPLATES.get_template(f"{medium}.html").render(
        book=book, front=front, sections=sections, notes=prose.footnotes(listings),
        inline=prose.inline, words=prose.words,
        style=style(fonts, medium), script=Markup(script), digest=digest)


def reference(book: Book, fonts: Mapping[str, bytes]) -> str:
    """The reference of a book's packages. It has no italics."""
    italics = {name for _, _, style, name in FACES if style == "italic"}
    upright = {name: data for name, data in fonts.items() if name not in italics}
    return TEMPLATES.get_template("reference.html").render(
        book=book, docs=Docstrings(book.packages), style=style(upright, "page", "reference"))
