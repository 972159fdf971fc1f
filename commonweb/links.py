"""Where a document's links lead: to its own headings and names, and to files beside it.

GitHub gives each heading an anchor that is made of its words, and so do links in a document name
it; files are named as they lie beside the document, which the book does not.  What leads nowhere
is a warning.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from .markup import ANCHOR, tags
from .messages import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.token import Token

    from .web import Web


ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/|$")  # what is no file beside the document
OURS = re.compile(r"(?:L|s)[0-9]+[A-Z]?|fn(?:ref)?[0-9:]+")


def first_line(token: Token) -> int:
    """Where a block begins; 0 for what belongs to the one before."""
    return token.map[0] + 1 if token.map and token.nesting >= 0 else 0


def pieces(tokens: Sequence[Token]) -> Iterator[tuple[Token, int]]:
    """All tokens, those within lines too, each with the first line of its block."""
    line = 1
    for token in tokens:
        line = first_line(token) or line
        inside = [token]
        for each in inside:
            inside += each.children or ()
            yield each, line


def images(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """What the images of a document name, and the first line of the block that each stands in."""
    for token, line in pieces(tokens):
        if token.type == "image":
            yield str(token.attrGet("src") or ""), line
        elif token.type in ("html_block", "html_inline"):
            for tag in tags(token.content):
                if tag.name == "img" and "src" in tag.attributes:
                    yield tag.attributes["src"], line


def links(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """What the links of a document lead to, and the first line of the block of each."""
    for token, line in pieces(tokens):
        if token.type == "link_open":
            yield str(token.attrGet("href") or ""), line
        elif token.type in ("html_block", "html_inline"):
            for tag in tags(token.content):
                if tag.name == "a" and "href" in tag.attributes:
                    yield tag.attributes["href"], line


def anchors(tokens: Sequence[Token]) -> dict[str, str]:
    """The anchors that a document has, and what the book calls them."""
    found: dict[str, str] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join([child.content if child.type in ("text", "code_inline") else
                             " " * (child.type in ("softbreak", "hardbreak"))
                             for child in tokens[at + 1].children or ()])
            slug = name = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
            number = 0
            while name in found:
                number += 1
                name = f"{slug}-{number}"
            found[name] = f"L{first_line(token)}"
    for token, line in pieces(tokens):
        if token.type in ("html_block", "html_inline"):
            for tag in tags(token.content):
                given = tag.attributes.get("id") or tag.attributes.get("name")
                if given:  # in a line of prose it is that of its block
                    found.setdefault(given, ANCHOR + given if token.type == "html_block" else
                                     f"L{line}")
    return found


def targets(web: Web, tokens: Sequence[Token], paths: list[str], out: Path
            ) -> tuple[dict[str, str], list[Problem]]:
    """Where links lead that lead elsewhere in a book than in documents; and which do nowhere."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    folder, line = Path(paths[0]).parent, 1
    blocks: dict[str, list[Token]] = {}
    for token in tokens:
        line = first_line(token) or line
        blocks.setdefault(web.place(line)[0] or paths[0], []).append(token)
    documents = {os.path.relpath(path, folder): anchors(inside) for path, inside in blocks.items()}
    for href, line in links(tokens):
        place, sign, name = href.partition("#")
        file = unquote(place.partition("?")[0])
        known = documents.get(os.path.normpath(file) if place else
                              os.path.relpath(web.place(line)[0] or paths[0], folder))
        if known is not None:
            name = unquote(name)
            if name in known or name.lower() in known:
                found[href] = "#" + quote(known.get(name) or known[name.lower()])
            elif name in ("", "top"):
                found[href] = "#top" if len(documents) < 2 or not file else (
                    f"#{next(iter(known.values()), 'top')}")
            elif not OURS.fullmatch(name):
                problems.append(Problem(line, 1, f"a link to #{name} leads nowhere: expected a "
                                        "heading of these words, joined by hyphens"))
        elif not ELSEWHERE.match(place):
            if is_there(os.path.join(folder, file)):
                found[href] = moved(folder, out, place) + sign + name
            else:
                problems.append(Problem(line, 1, f"a link to {file} leads nowhere: expected a file "
                                        "beside the document"))
    return found, problems


def is_there(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a NUL in it
        return False


def moved(folder: Path, out: Path, place: str) -> str:
    """What lies beside the document, as seen from the book's folder."""
    try:
        way = os.path.relpath(os.path.realpath(folder), os.path.realpath(out))
    except ValueError:  # on another drive
        return place
    return quote(os.path.normpath(os.path.join(way, unquote(place))).replace(os.sep, "/"))


def missing(tokens: Sequence[Token], pictures: Mapping[str, str]) -> list[Problem]:
    """Pictures that are not in the book and should be."""
    return [Problem(line, 1, f"no picture {unquote(source)}: expected one beside the web, as PNG, "
                    "JPEG, GIF, WebP or SVG") for source, line in images(tokens)
            if source not in pictures and not ELSEWHERE.match(source)]
