"""Figures: the graphs that a web describes, drawn by Graphviz, and the pictures beside it."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree

from markupsafe import Markup
from py_svg_hush import filter_svg

from .messages import Problem, reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .markdown import Fence
    from .web import Web

# ---------------------------------------------------------------------------
# Graphs.

PATIENCE = 30  # seconds, for one graph
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "g", "path", "polygon", "polyline", "ellipse", "text", "title"}
KEPT = {"d", "points", "cx", "cy", "rx", "ry", "x", "y", "text-anchor", "viewBox", "transform",
        "class", "stroke-dasharray", "font-weight", "font-style"}
PRECISE = re.compile(r"(?<=\.\d)\d+")  # more than can be seen


def graphs(web: Web) -> list[Fence]:
    """What is to be drawn: the code blocks in the DOT language."""
    return [fence for fence in web.fences if fence.language == "dot"]


def graphviz() -> str:
    """The version of Graphviz; nothing if there is none that runs."""
    try:
        run = subprocess.run(["dot", "-V"], stdin=subprocess.DEVNULL, capture_output=True,
                             timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return (run.stdout + run.stderr).decode(errors="replace").strip()


def undrawn(fences: Sequence[Fence]) -> list[Problem]:
    """Of what to warn where there is no Graphviz."""
    return [Problem(fence.opens, fence.column, "figure not drawn, for there is no Graphviz: "
                    "install it (graphviz.org/download; in most systems the package graphviz)")
            for fence in fences]


def drawn(fences: Sequence[Fence], graphviz: bool
          ) -> tuple[dict[int, Markup | None], list[Problem]]:
    """The figures, by the lines where they stand, and what cannot be drawn.

    Without Graphviz there are none, and that is no problem.
    """
    figures: dict[int, Markup | None] = {fence.opens: None for fence in fences}
    problems: list[Problem] = []
    for fence in fences if graphviz else ():
        try:
            figures[fence.opens] = drawing("\n".join(fence.lines))
        except subprocess.TimeoutExpired:
            problems.append(Problem(fence.opens, fence.column, "no figure: dot was stopped after "
                                    f"{PATIENCE} seconds, expected a graph that takes less"))
        except (ValueError, OSError) as error:
            problems.append(Problem(fence.opens, fence.column, f"no figure: {reason(error)}"))
    return figures, problems


def drawing(source: str) -> Markup:
    """A graph, drawn."""
    run = subprocess.run(
        ["dot", "-Tsvg", "-Gfontname=serif", "-Nfontname=serif", "-Efontname=serif",
         "-Nfontsize=12", "-Efontsize=11"],
        input=source.encode(), capture_output=True, timeout=PATIENCE)
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().split("\n")[0]
        raise ValueError(said or f"dot ended with status {run.returncode}")
    return drawn_by_graphviz(run.stdout)


def drawn_by_graphviz(svg: bytes) -> Markup:
    """What Graphviz has written, as a part of a page.

    Of it only shapes and words are taken.  A page gives them its colours by a style sheet; paper
    knows only those that stand in the drawing.
    """
    try:
        root = ElementTree.fromstring(svg)
        width = float(str(root.get("width")).removesuffix("pt")) / 13.5
    except (ElementTree.ParseError, ValueError):
        raise ValueError("expected one graph, without control characters") from None
    title = root.findtext(f"{SVG}g/{SVG}title") or ""
    if re.fullmatch(r"%\d+|", title):  # how Graphviz calls what has no name
        title = "figure"
    return Markup(shapes(root).replace(
        "<svg", f'<svg role=img aria-label="{escape(title)}" style="width:{width:.3g}em"', 1))


def shapes(element: ElementTree.Element) -> str:
    """The HTML of an element and of those in it."""
    tag = element.tag.removeprefix(SVG)
    inside = "".join(map(shapes, element))
    if tag == "a":
        return inside
    if tag not in SHAPES or tag == "title":
        return ""
    words = "".join(f' {key}="{escape(PRECISE.sub("", value))}"'
                    for key, value in element.items() if key in KEPT)
    if tag == "text":
        words += ' fill="#1c1b19" font-family="Prose" font-size="12"'
        inside = escape(element.text or "", False) + inside
    elif tag not in ("svg", "g"):
        full = element.get("fill", "none") not in ("none", "white", "transparent")
        bare = element.get("stroke") in ("none", "transparent")
        words += (f"{' data-full' * full}{' data-bare' * bare}"
                  f' fill="{"#f3efe6" if full else "none"}"'
                  f' stroke="{"none" if bare else "#5c574d"}"')
    shape = tag not in ("svg", "g", "text")
    return f"<{tag}{words}/>" if shape else f"<{tag}{words}>{inside}</{tag}>"


# ---------------------------------------------------------------------------
# Pictures.

KINDS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp",
         ".svg": "svg+xml"}
GRAPHVIZ = b"<!-- Generated by graphviz"  # what its drawings begin with


def pictures(images: Iterable[tuple[str, int]], folder: Path
             ) -> tuple[dict[str, str], list[Problem]]:
    """The data of the images that lie in the folder, by what names them; others stay away.

    What Graphviz has drawn is HTML, as if it were drawn out of the document.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for source, line in images:
        place = picture(source, folder)
        if place and source not in found:
            try:
                data, kind = place.read_bytes(), KINDS[place.suffix.lower()]
                if kind == "svg+xml":
                    if GRAPHVIZ in data[:1000]:
                        found[source] = drawn_by_graphviz(data)
                        continue
                    data = filter_svg(data)  # of which nothing may run or lead out
            except (OSError, ValueError) as error:
                problems.append(Problem(line, 1, f"no picture: {source} cannot be read: "
                                        f"{reason(error)}"))
                continue
            if kind != "svg+xml" and not whole(data):
                problems.append(Problem(line, 1, f"no picture: {source} is broken, or is no "
                                        f"picture: expected all of a {place.suffix[1:]} file"))
            found[source] = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return found, problems


def whole(data: bytes) -> bool:
    """Whether a picture can be shown, all of it."""
    from PIL import Image  # which WeasyPrint, too, reads pictures with

    try:
        with Image.open(BytesIO(data)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


def picture(source: str, folder: Path) -> Path | None:
    """The picture that a link names, if it lies in the folder."""
    try:
        place = Path(os.path.realpath(folder / unquote(source)))
        inside = folder in place.parents and place.suffix.lower() in KINDS and place.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL in it
        return None
    return place if inside else None
