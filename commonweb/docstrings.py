"""What is said of public names as HTML: their names, and those of manual pages, are links."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from .templates import macro

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .reference import Entry, Package

NAME = r"(?P<name>\b[A-Za-z_]\w*(?:\.\w+)*)"
WORD = re.compile(rf"`(?P<code>[^`]+)`|\b(?P<manual>[a-z]\w+)\((?P<part>[1-8])\)|{NAME}")
PREFORMATTED = re.compile(r"^(?:\s|>>> |[-*] )", re.MULTILINE)
LABEL = re.compile(r"\n(?=[A-Z]\w+: )")  # a line like "Value: ..." is a paragraph


class Docstrings:
    """What is said of the names of packages, with links to whatever something is said of.

    An entry's anchor is its name; behind that of its package, if there are several.
    """

    def __init__(self, packages: Sequence[Package]) -> None:
        self.several = len(packages) > 1
        self.anchors = {self.anchor(entry.name, package) for package in packages
                        for entry in package.entries()}

    def anchor(self, name: str, package: Package) -> str:
        return f"{package.name}.{name}" if self.several else name

    def find(self, word: str, package: Package, entry: Entry | None = None) -> str:
        """The anchor of what a word means, if something is said of it: perhaps of a neighbour."""
        owner = entry.name.partition(".")[0] if entry else ""
        found = (self.anchor(f"{owner}.{word}", package), self.anchor(word, package), word)
        return next((name for name in found if name in self.anchors), "")

    def html(self, text: str, package: Package, entry: Entry | None = None) -> Markup:
        """What is said of an entry, or of a package: paragraphs, and what is laid out as it is."""
        out = []
        for block in re.split(r"\n{2,}", text):
            if PREFORMATTED.search(block):
                out.append(macro("shown")(block, True))
            elif block.strip():
                out += [Markup("<p>{}</p>\n").format(self.linked(paragraph, package, entry))
                        for paragraph in LABEL.split(block)]
        return Markup("").join(out)

    def linked(self, text: str, package: Package, entry: Entry | None = None) -> Markup:
        """A paragraph, or what follows a name. Each name leads, once, to what is said of it.

        A word that is like a word of English is a name only between backticks.
        """
        seen = {self.find(entry.name, package)} if entry else set[str]()
        out, done = [], 0
        for match in WORD.finditer(text):
            word = match["code"] or match["name"]
            if match["manual"]:
                html = str(macro("manual")(match["manual"], match["part"]))
            elif match["name"] and word.islower() and not re.search("[_.]", word):
                continue
            else:
                html, anchor = escape(word, False), self.find(word, package, entry)
                if anchor and anchor not in seen:
                    seen.add(anchor)
                    html = f"<a href=#{anchor}>{html}</a>"
                if match["code"]:
                    html = f"<code>{html}</code>"
            out += [escape(text[done : match.start()], False), html]
            done = match.end()
        return Markup("".join(out) + escape(text[done:], False))
