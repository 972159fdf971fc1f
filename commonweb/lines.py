"""The way back: from what was tangled to where it was written."""

from __future__ import annotations

import os
import posixpath
import re
import sys

from .messages import nearest
from .origins import Run, runs
from .record import read_plain
from .strings import tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .web import Web

C_SUFFIXES = {"c", "h", "cc", "hh", "cpp", "hpp", "cxx", "hxx"}
MAP = "lines.json"


def with_lines(
    web: Web, path: str, data: bytes, contents: dict[str, bytes]
) -> dict[str, bytes]:
    """The outputs with the way back to the web: #line in C, and a map for the rest.

    The map tells of each run of characters its line and column in the output and
    those in the web, and of which web, by its digest, it tells.  Of several documents each run
    has, last, the number.
    """
    import json
    from hashlib import sha256

    found, files = {}, {}
    for name, output in contents.items():
        code = output.decode()
        origins = runs(web, name, code)
        if name.rpartition(".")[2] in C_SUFFIXES:
            found[name] = lined(code, origins, web, path).encode(
                "utf-8", sys.getfilesystemencodeerrors())  # not every path is UTF-8
        else:
            found[name] = output
            files[name] = [[run.line, run.column, *placed(web, run)] for run in origins]
    documents = [name for name, _, _ in web.documents if name]
    whole = {"web": documents or path, "digest": sha256(data).hexdigest(), "files": files}
    found[MAP] = json.dumps(whole, separators=(",", ":")).encode() + b"\n"
    return found


def placed(web: Web, run: Run) -> list[int]:
    """Line and column of a run in its document, and the number of that if there are several."""
    line, column = run.place()
    name, number = web.place(line)
    return [number, column, *([name for name, _, _ in web.documents].index(name),) * bool(name)]


def lined(code: str, origins: Iterable[Run], web: Web, path: str) -> str:
    """C code with a #line wherever the next line is not written below the last one."""
    written: dict[int, int] = {}
    for run in origins:
        written.setdefault(run.line, run.place()[0])
    joined, lines = joined_lines(code), []
    follows: int | None = None
    for number, line in enumerate(code.split("\n"), 1):
        place = written.get(number, follows)
        if place and place != follows and number not in joined:
            name, there = web.place(place)
            name = (name or path).replace("\\", "/").replace('"', '\\"')
            lines.append(f'#line {there} "{name}"')
            follows = place
        lines.append(line)
        follows = follows and follows + 1
    return "\n".join(lines)


def joined_lines(code: str) -> set[int]:
    """The lines of C before which no directive may stand.

    They begin inside a comment, after a backslash, or between parentheses, which
    may be a macro's.  (A brace in the first column closes what is open in one branch
    of an #if only.)
    """
    found: set[int] = set()
    line, depth = 1, 0
    for match in re.finditer(tokens("c")[1].pattern + r"|\\\n|[()\n]", code):
        token = match[0]
        if token == "(":
            depth += 1
        elif token == ")":
            depth = max(depth - 1, 0)
        elif token != "\n":
            found.update(range(line + 1, line + 1 + token.count("\n")))
        elif code.startswith("}", match.end()):
            depth = 0
        elif depth:
            found.add(line + 1)
        line += token.count("\n")
    return found


def where(web: Web, path: str, out: str, contents: dict[str, bytes], place: str) -> list[str]:
    """The places that a line of an output, or of the web, has on the other side.

    A line that is empty has the place of what stands before it; a reference has those of what it
    stands for.
    """
    asked = re.fullmatch(r"(.+?):([0-9]{1,9})(?::([0-9]{1,9}))?", place)
    if not asked:
        raise LookupError("not a place: expected FILE:LINE or FILE:LINE:COLUMN")
    file, line, column = asked[1], int(asked[2]), int(asked[3] or 0)
    found: dict[tuple[str, int], str] = {}
    above = next((above for name, above, _ in web.documents
                  if os.path.realpath(file) == os.path.realpath(name or path)), None)
    if above is not None:
        line += above
        asked_for = {id(reference) for part in web.parts for reference in part.references
                     if reference.line == line and (not column or 0 <= column - reference.column
                                                    < reference.end - reference.start)}
        for name, data in contents.items():
            known = set[int]()  # uses of the references that were asked for
            for run in runs(web, name, data.decode()):
                first, use = run.place(), run.use
                while use.above and id(use.reference) not in asked_for:
                    use = use.above
                begins = use.above is not None and use.order not in known
                known.add(use.order if use.above else -1)
                if begins or (first[0] == line and (
                        not column or 0 <= column - first[1] < len(run.text))):
                    found.setdefault((name, run.line), f"{posixpath.join(out, name)}:"
                                     f"{run.line}:{run.column}: ⟨{run.part.name}⟩")
        if not found:
            raise LookupError("no output has this line: expected a line of a chunk's code")
        return list(found.values())
    folder = os.path.join(os.path.realpath(out), "")
    name = os.path.realpath(file).removeprefix(folder).replace(os.sep, "/")
    if name not in contents:
        raise LookupError(f"{file} is neither {path} nor one of its files in {out}"
                          + nearest(name, contents))
    if read_plain(file) != contents[name]:
        raise LookupError(f"{file} is not what {path} means now: tangle first")
    best: Run | None = None
    for run in runs(web, name, contents[name].decode()):
        if run.line > line or (best and best.line == line and run.column > column):
            break
        best = run
    if not best or line > contents[name].count(b"\n"):
        raise LookupError(f"{file} has no line {line} of code")
    number = best.part.section.number if best.part.section else "?"
    row, at = best.place(
        max(0, min(column - best.column, len(best.text) - 1)) if best.line == line else 0)
    document, row = web.place(row)
    return [f"{document or path}:{row}:{at}: §{number}, ⟨{best.part.name}⟩"]
