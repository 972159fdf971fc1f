"""Make the book that people read out of a web.

    web-weave [WEB ...] [--out DIR] [--fonts DIR] [--html | --pdf] [--draft] [--watch]

Writes WEB's book as one page of HTML and as a PDF below DIR
(build/book): contents, sections, code with its cross references, index of every
identifier, list of chunk names.  A second page has the files that are tangled, each line with
the section that wrote it.  If Python modules of WEB have an `__all__`, a
third is their reference: every public name and what is said of it.  The pages
ask for nothing over a network, run no script but their own, and need that one for
search, previews and keys alone.

The page is there long before the PDF, and --html makes nothing else; --watch makes it again
whenever WEB is saved.

The status is 0, or 1 if something is wrong with the web or a file, or 2 if it is with the command.
"""

from __future__ import annotations

import argparse
import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .documents import choose, read_all, tell, unread
from .expansion import TooLarge, tangle
from .messages import OUTPUT, Problem, complain, reason, run, say, warn
from .outputs import Place, check_names
from .record import read_plain
from .web import Web
from .writing import Output, write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NoReturn

# What needs more than Python is imported where it is used: if it is missing, that is told.

# How the names of a book's files end.
PAGE, FILES, REFERENCE, PAPER = ".html", "-files.html", "-reference.html", ".pdf"
# Where the paper's index has room for the number of a page.
ROOM = "p.\N{NO-BREAK SPACE}000"


class WrongUsage(Exception):
    """What is wrong with the command."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongUsage(message)


def main(arguments: list[str], program: str = "web-weave") -> int:
    options = Parser(
        program, add_help=False,
        description="Make the book, a page of HTML and a PDF, that a web means.")
    options.add_argument("web", nargs="*", metavar="WEB", help="its documents, in one folder "
                         "(those that pyproject.toml lists below [tool.commonweb])")
    options.add_argument("--out", type=Path, default=Path("build/book"), metavar="DIR",
                         help="where the book goes (build/book)")
    options.add_argument("--fonts", type=Path, default=Path("build/fonts"), metavar="DIR",
                         help="where its fonts are, else the reader's are used (build/fonts)")
    only = options.add_mutually_exclusive_group()
    only.add_argument("--html", action="store_true", help="make nothing but the page")
    only.add_argument("--pdf", action="store_true", help="make nothing but the PDF")
    options.add_argument("--draft", action="store_true",
                         help="even if chunks are unused or not yet written, which are listed")
    options.add_argument("--watch", action="store_true",
                         help="make the page again whenever the web is saved")
    options.add_argument("--version", action="store_true", help="print the version")
    options.add_argument("-h", "--help", action="store_true", help="print this")
    try:
        chosen = options.parse_args(arguments)
        if chosen.watch and chosen.pdf:
            raise WrongUsage("--watch makes the page, not the PDF")
        paths, wrong = chosen.web, ""
        if not (chosen.help or chosen.version):
            paths, wrong = choose(paths)
        if wrong or paths == ["-"]:
            raise WrongUsage(wrong or "expected a web that is a file")
    except WrongUsage as error:
        for line in (*options.format_usage().splitlines(), f"{program}: error: {error}"):
            warn(line)
        return 2
    if chosen.help or chosen.version:
        said = options.format_help().rstrip() if chosen.help else f"{program} {__version__}"
        say(*said.split("\n"))
        return 0
    weaver = Weaver(paths, chosen.out, chosen.fonts, chosen.draft,
                    [PAGE] * (not chosen.pdf) + [PAPER] * (not chosen.html and not chosen.watch))
    try:
        if chosen.watch:
            from .watch import watch

            return watch(weaver.weave, lambda: weaver.watched, program)
        return weaver.weave()
    except ModuleNotFoundError as error:
        warn(f"{program}: error: no module {error.name}: expected the libraries of "
             "pip install 'commonweb[weave]'")
        return 1


class Sources:
    """What a book is made of: the web, what lies beside it, and the program that draws."""

    def __init__(self, paths: list[str], out: Path, fonts: Path, draft: bool = False) -> None:
        from .figures import graphs, graphviz, picture, pictures
        from .links import images, missing, targets
        from .matter import Matter
        from .page import read_fonts
        from .prose import differences, parse

        folder = Path(os.path.realpath(paths[0])).parent
        self.data, self.licence = read_all(paths), read_licence(folder)
        self.fonts = read_fonts(fonts)
        self.web = Web(self.data, draft)
        self.tokens = parse(self.web)
        self.pictures, self.problems = pictures(images(self.tokens), folder)
        self.targets, self.warnings = targets(self.web, self.tokens, paths, out)
        self.warnings += missing(self.tokens, self.pictures)
        _, above, text = self.web.documents[0]
        self.matter = Matter(text, above)
        self.problems += self.matter.problems
        self.files = [str(folder / "LICENSE"), *(
            str(place) for source in self.pictures if (place := picture(source, folder)))]
        if not self.web.problems:
            self.problems += differences(self.web, self.tokens)
        self.graphs = graphs(self.web)
        self.graphviz = graphviz() if self.graphs else ""

    def digest(self, others: Iterable[str] = ()) -> str:
        """A digest of all that decides what the book is, the others beside it too."""
        from .freshness import digest, shapers

        files: list[tuple[str, str | bytes]] = [
            *self.pictures.items(), *self.fonts.items(), *self.targets.items()]
        return digest(self.data, self.licence, self.graphviz, "\n".join(others),
                      *chain.from_iterable(files), *shapers())


def read_licence(folder: Path) -> bytes:
    """The licence beside a web, if there is one, and it is no link to somewhere else."""
    place = folder / "LICENSE"
    inside = place.is_file() and folder in Path(os.path.realpath(place)).parents
    return place.read_bytes() if inside else b""


class Copy:
    """The book in its folder, and the record of what its files were made of.

    They are a page, that of the code's files, the reference if there is one, and the paper; the
    record has a line for each: how its name ends, the digest of what it was made of, and its own.
    """

    def __init__(self, out: Path, stem: str) -> None:
        self.out, self.record = out, out / f".{stem}.woven"
        self.files = {end: out / f"{stem}{end}" for end in (PAGE, FILES, REFERENCE, PAPER)}
        self.old: dict[Path, bytes | None] = {}
        for place in (*self.files.values(), self.record):
            try:
                self.old[place] = read_plain(str(place))
            except FileNotFoundError:
                self.old[place] = None
        self.others = sorted(
            each.name[1:-6] for each in out.glob(".*.woven")
            if each != self.record and (out / f"{each.name[1:-6]}{PAGE}").is_file())
        lines = (self.old[self.record] or b"").decode("utf-8", "replace").split("\n")
        self.known = {words[0]: words[1:] for words in map(str.split, lines)
                      if len(words) == 3 and words[0] in self.files}

    def ends(self, kind: str) -> list[str]:
        """Which files the page or the paper is: with a page there are those beside it."""
        return [end for end in (kind, *[FILES, REFERENCE] * (kind == PAGE)) if end in self.known]

    def has(self, kind: str, made_of: str) -> bool:
        """Whether the page or the paper is made of what has this digest, and as it was made."""
        from .freshness import digest

        return kind in self.known and all(
            self.known[end] == [made_of, digest(self.old[self.files[end]] or b"")]
            for end in self.ends(kind))

    def replace(self, files: dict[str, bytes], made_of: str) -> None:
        """Put other files in the place of some, or none."""
        from .freshness import digest

        if PAGE in files:
            self.known.pop(REFERENCE, None)
        self.known.update({end: [made_of, digest(data)] for end, data in files.items()})
        record = "".join([f"{end} {' '.join(words)}\n" for end, words in self.known.items()])
        new = {self.files[end]: data for end, data in files.items()}
        new[self.record] = record.encode()
        outputs = [Output(place.name, Place(str(place)), data, self.old[place])
                   for place, data in new.items()]
        write(outputs, [output.place for output in outputs], Place(os.path.join(self.out, "")))
        self.old.update(new)

    def names(self, kinds: Iterable[str]) -> str:
        """The names of files, as they are said."""
        *others, last = [str(self.files[end]) for kind in kinds for end in self.ends(kind)]
        return f"{', '.join(others)} and {last}" if others else last


class Weaver:
    """Weaves a web into the kinds of book that are asked for; `watched` is all that it has read."""

    def __init__(self, paths: list[str], out: Path, fonts: Path, draft: bool,
                 kinds: list[str]) -> None:
        self.paths, self.out, self.fonts, self.draft, self.kinds = paths, out, fonts, draft, kinds
        self.stem, self.watched = Path(paths[0]).stem, paths
        self.lacks = "no book"

    def weave(self) -> int:
        """Write the book, unless it is there and would be the same."""
        path = self.paths[0]
        try:
            sources = Sources(self.paths, self.out, self.fonts, self.draft)
        except (OSError, ValueError) as error:
            return unread(str(getattr(error, "filename", None) or path), error)
        self.watched = [*self.paths, *sources.files]
        web = sources.web
        problems = [*web.problems, *check_names(web), *sources.problems]
        if self.draft:
            tell(path, web, web.gaps, "warning")
        if problems:
            return tell(path, web, problems)
        tell(path, web, sources.warnings, "warning")
        if sources.graphs and not sources.graphviz:
            from .figures import undrawn

            tell(path, web, undrawn(sources.graphs), "warning")
        try:
            problems = self.write(sources)
        except OSError as error:
            if error.filename == OUTPUT:
                raise
            where = f"{error.filename}: " if error.filename else ""
            return complain(path, [Problem(1, 1, f"{self.lacks} is written: {where}"
                                                 f"{reason(error)}")])
        except RecursionError:
            return complain(path, [Problem(1, 1, f"{self.lacks} is written: something in it "
                                       "is nested too deeply, as emphasis in emphasis may be")])
        return tell(path, web, problems) if problems else 0

    def write(self, sources: Sources) -> list[Problem]:
        """Write what is not there yet, first the page; or else what is wrong."""
        self.lacks = "no book"
        copy = Copy(self.out, self.stem)
        made_of = sources.digest(copy.others)
        webs = {*map(os.path.realpath, self.paths)}
        if webs & {*map(os.path.realpath, (*copy.files.values(), copy.record))}:
            return [Problem(1, 1, "the book would replace its web: expected another --out than "
                                  f"{self.out}")]
        missing = [kind for kind in self.kinds if not copy.has(kind, made_of)]
        if not missing:
            say(f"{copy.names(self.kinds)} unchanged")
            return []
        if PAPER in missing:
            import weasyprint  # noqa: F401  (before anything is written)
        pages, problems = compose(sources, self.stem, missing, copy.others)
        if problems:
            return problems
        unlike = plain(sources.web)
        tell(self.paths[0], sources.web, unlike, "warning")
        for kind in missing:
            files = {PAPER: pdf(pages[PAPER])} if kind == PAPER else {
                end: html.encode() for end, html in pages.items() if end != PAPER}
            # What may be better the next time is not to be taken for fresh.
            copy.replace(files, "-" if unlike else made_of)
            say(f"wrote {copy.names([kind])}")
            self.lacks = "no PDF"
        return []


def compose(sources: Sources, stem: str, kinds: list[str], others: Iterable[str] = ()
            ) -> tuple[dict[str, str], list[Problem]]:
    """The HTML of the book, for a screen, with its reference, and for paper; or what is wrong."""
    from .book import Book
    from .figures import drawn
    from .identifiers import Index
    from .page import document, files, reference
    from .prose import Prose, title_of
    from .reference import packages
    from .tangled import Tangled

    web = sources.web
    try:
        outputs = tangle(web)
    except TooLarge as error:
        return {}, [error.problem]
    figures, problems = drawn(sources.graphs, bool(sources.graphviz))
    if problems:
        return {}, problems
    matter = sources.matter
    title = matter.title or title_of(sources.tokens) or (
        os.fsencode(stem).decode("utf-8", "replace"))
    book = Book(web, Index(web, outputs), title, sources.licence.decode("utf-8", "replace"),
                stem, packages(web, outputs), matter.author, matter.date)
    prose = Prose(book, sources.tokens, figures, sources.pictures, sources.targets)
    tangled = Tangled(book, outputs) if PAGE in kinds else None
    pages = {kind: document(book, prose, sources.fonts, kind == PAPER, tangled) for kind in kinds}
    if tangled:
        pages[FILES] = files(book, tangled, sources.fonts)
        if book.packages:
            pages[REFERENCE] = reference(book, sources.fonts, others)
    return pages, []


def plain(web: Web) -> list[Problem]:
    """Which languages were not highlighted, and why."""
    from .highlighting import HIGHLIGHTER

    places = {fence.language: (fence.opens, fence.column)
              for fence in reversed(web.all_fences)}
    return [Problem(*places.get(language, (1, 1)), f"code in {language} is not highlighted: {why}")
            for language, why in sorted(HIGHLIGHTER.stopped.items())]


def pdf(html: str) -> bytes:
    """A book on paper."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    # Fonts and pictures are in the book; nothing else is asked for.
    fetcher = URLFetcher(allowed_protocols=["data"])
    document = HTML(string=html, url_fetcher=fetcher).render(pdf_tags=True)
    tell_pages(document.pages)
    return bytes(document.write_pdf(pdf_tags=True))


def tell_pages(pages: list[Any]) -> None:
    """Put the numbers of pages into the index, which has room for them.

    Their style could tell them, by target-counter; but WeasyPrint would lay the index out three
    times, and look at each of its entries for each line that anything leads to.
    """
    numbers: dict[str, str] = {}
    for at, page in enumerate(pages, 1):
        for anchor in page.anchors:
            numbers.setdefault(anchor, str(at))
    for page in pages:
        for box in page._page_box.descendants():
            if getattr(box, "text", "") == ROOM and box.element.get("class") == "page":
                number = numbers.get(box.element.get("href", "")[1:], "?")
                box.text = f"p.\N{NO-BREAK SPACE}{number}"
                box.pango_layout.text = box.text  # it is set anew when it is drawn


def command(program: str = "web-weave") -> None:
    """What the shell starts, by this name."""
    run(main, program)
