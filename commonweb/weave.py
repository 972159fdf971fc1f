"""Make the book that people read out of a web.

    web-weave [WEB] [--out DIR] [--fonts DIR]

Writes WEB's book (of sockets.md) as one page of HTML and as a PDF below DIR
(build/book): contents, sections, code with its cross references, index of every
identifier, list of chunk names.  If Python modules of WEB have an `__all__`, a
second page is their reference: every public name and what is said of it.  The pages
ask for nothing over a network, run no script but their own, and need that one for
search, previews and keys alone.

The status is 0, or 1 if something is wrong with the web or a file, or 2 if it is with the command.
"""

from __future__ import annotations

import argparse
import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .expansion import TooLarge, tangle
from .messages import Problem, complain, reason, run, say, warn
from .outputs import Place
from .record import read_plain
from .web import Web
from .writing import Output, write

if TYPE_CHECKING:
    from collections.abc import Iterable

# What needs more than Python is imported where it is used: if it is missing, that is told.


def main(arguments: list[str], program: str = "web-weave") -> int:
    options = argparse.ArgumentParser(
        program, add_help=False,
        description="Make the book, a page of HTML and a PDF, that a web means.")
    options.add_argument("web", nargs="?", type=Path, default=Path("sockets.md"),
                         help="the document (sockets.md)")
    options.add_argument("--out", type=Path, default=Path("build/book"), metavar="DIR",
                         help="where the book goes (build/book)")
    options.add_argument("--fonts", type=Path, default=Path("build/fonts"), metavar="DIR",
                         help="where its fonts are, else the reader's are used (build/fonts)")
    options.add_argument("--version", action="store_true", help="print the version")
    options.add_argument("-h", "--help", action="store_true", help="print this")
    chosen = options.parse_args(arguments)
    if chosen.help or chosen.version:
        say(options.format_help().rstrip() if chosen.help else f"{program} {__version__}")
        return 0
    try:
        return weave(chosen.web, chosen.out, chosen.fonts)
    except ModuleNotFoundError as error:
        warn(f"{program}: error: no module {error.name}: expected the libraries of "
             "pip install 'commonweb[weave]'")
        return 1


class Sources:
    """What a book is made of: the web, what lies beside it, and the program that draws."""

    def __init__(self, path: Path, fonts: Path) -> None:
        from .figures import graphs, graphviz, pictures
        from .page import read_fonts
        from .prose import differences, images, parse

        folder = Path(os.path.realpath(path)).parent
        self.data, self.licence = path.read_bytes(), read_licence(folder)
        self.fonts = read_fonts(fonts)
        self.web = Web(self.data)
        self.tokens = parse(self.web)
        self.pictures, self.problems = pictures(images(self.tokens), folder)
        if not self.web.problems:
            self.problems += differences(self.web, self.tokens)
        self.graphs = graphs(self.web)
        self.graphviz = graphviz() if self.graphs else ""

    def digest(self) -> str:
        """A digest of all that decides what the book is."""
        from .freshness import digest, shapers

        files: list[tuple[str, str | bytes]] = [*self.pictures.items(), *self.fonts.items()]
        return digest(self.data, self.licence, self.graphviz,
                      *chain.from_iterable(files), *shapers())


def read_licence(folder: Path) -> bytes:
    """The licence beside a web, if there is one, and it is no link to somewhere else."""
    place = folder / "LICENSE"
    inside = place.is_file() and folder in Path(os.path.realpath(place)).parents
    return place.read_bytes() if inside else b""


class Copy:
    """The book in its folder, and the record of what it was made of.

    The book is a page, its paper, and the reference if there is one.
    """

    def __init__(self, out: Path, stem: str) -> None:
        self.out, self.record = out, out / f".{stem}.woven"
        self.files = [out / f"{stem}{end}" for end in (".html", ".pdf", "-reference.html")]
        self.old: dict[Path, bytes | None] = {}
        for place in (*self.files, self.record):
            try:
                self.old[place] = read_plain(str(place))
            except FileNotFoundError:
                self.old[place] = None
        record = self.old[self.record] or b""
        self.count = record.count(b" ")  # of the files that it has

    def is_of(self, digest: str) -> bool:
        """Whether it is made of what has this digest, and is as it was made."""
        files = [self.old[place] or b"" for place in self.files[: self.count]]
        return self.old[self.record] == self.recorded(digest, files)

    def recorded(self, made_of: str, files: Iterable[bytes]) -> bytes:
        from .freshness import digest

        return " ".join([made_of, *map(digest, files)]).encode() + b"\n"

    def replace(self, files: list[bytes], made_of: str) -> None:
        """Put another book in its place, or nothing."""
        self.count = len(files)
        new = dict(zip(self.files, files))
        new[self.record] = self.recorded(made_of, files)
        outputs = [Output(place.name, Place(str(place)), data, self.old[place])
                   for place, data in new.items()]
        write(outputs, [output.place for output in outputs], Place(os.path.join(self.out, "")))

    def __str__(self) -> str:
        *others, last = map(str, self.files[: self.count])
        return f"{', '.join(others)} and {last}"


def weave(path: Path, out: Path, fonts: Path) -> int:
    """Write a web's book, unless it is there and would be the same."""
    try:
        sources = Sources(path, fonts)
    except OSError as error:
        return complain(str(error.filename or path),
                        [Problem(1, 1, f"cannot be read: {reason(error)}")])
    lines = sources.web.lines
    problems = [*sources.web.problems, *sources.problems]
    if problems:
        return complain(str(path), problems, lines)
    if sources.graphs and not sources.graphviz:
        from .figures import undrawn

        complain(str(path), undrawn(sources.graphs), lines, "warning")
    made_of = sources.digest()
    try:
        copy = Copy(out, path.stem)
        fresh = copy.is_of(made_of)
        if not fresh:
            pages, problems = compose(sources, path)
            if problems:
                return complain(str(path), problems, lines)
            complain(str(path), plain(sources.web), lines, "warning")
            screen, paper, *others = pages
            files = [screen.encode(), pdf(paper), *(page.encode() for page in others)]
            copy.replace(files, made_of)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return complain(str(path), [Problem(1, 1, f"no book is written: {where}{reason(error)}")])
    except RecursionError:
        return complain(str(path), [Problem(1, 1, "no book is written: something in it is nested "
                                            "too deeply, as emphasis in emphasis may be")])
    say(f"{copy} unchanged" if fresh else f"wrote {copy}")
    return 0


def compose(sources: Sources, path: Path) -> tuple[list[str], list[Problem]]:
    """The HTML of the book, for a screen, for paper, and of its reference; or what is wrong."""
    from .book import Book
    from .figures import drawn
    from .identifiers import Index
    from .page import document, reference
    from .prose import Prose, title_of
    from .reference import packages

    web = sources.web
    try:
        outputs = tangle(web)
    except TooLarge as error:
        return [], [error.problem]
    figures, problems = drawn(sources.graphs, bool(sources.graphviz))
    if problems:
        return [], problems
    title = title_of(sources.tokens) or os.fsencode(path.stem).decode("utf-8", "replace")
    book = Book(web, Index(web, outputs), title, sources.licence.decode("utf-8", "replace"),
                path.stem, packages(web, outputs))
    prose = Prose(book, sources.tokens, figures, sources.pictures)
    pages = [document(book, prose, sources.fonts, paper) for paper in (False, True)]
    return pages + [reference(book, sources.fonts)] * bool(book.packages), []


def plain(web: Web) -> list[Problem]:
    """Which languages were not highlighted, and why."""
    from .highlighting import HIGHLIGHTER

    places = {fence.language: (fence.opens, fence.column)
              for fence in reversed([*web.fences, *(part.fence for part in web.parts)])}
    return [Problem(*places.get(language, (1, 1)), f"code in {language} is not highlighted: {why}")
            for language, why in sorted(HIGHLIGHTER.stopped.items())]


def pdf(html: str) -> bytes:
    """A book on paper."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    # Fonts and pictures are in the book; nothing else is asked for.
    fetcher = URLFetcher(allowed_protocols=["data"])
    return bytes(HTML(string=html, url_fetcher=fetcher).write_pdf())


def command(program: str = "web-weave") -> None:
    """What the shell starts, by this name."""
    run(main, program)
