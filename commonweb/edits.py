"""Outputs that are not what the web means: which lines, and in which section."""

from __future__ import annotations

import os
import re
from contextlib import suppress

from .documents import joined
from .expansion import TooLarge, tangle
from .history import History
from .messages import Problem
from .origins import runs
from .record import Record, digest
from .web import Web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .writing import Output

    Span = tuple[int, int, int, int]  # lines of one list, from and to, and those of the other

CHANGES = 10  # of a file, in which the last one is looked for after which it was as tangled


class Base:
    """A web as it was when files were tangled from it, and what it meant."""

    def __init__(self, data: bytes) -> None:
        self.data, self.web = data, Web(data, draft=True)
        self.contents: dict[str, bytes] = {}
        with suppress(TooLarge):
            if not self.web.problems:
                self.contents = tangle(self.web)

    def lines(self, name: str) -> list[str]:
        return self.contents[name].decode().split("\n")


class Edit:
    """A file that somebody edited: its `lines` as they are now, and in its `base` as it was.

    Without any base it is not known as what it was tangled.  The numbers are those that the lines
    have in the file, where there may be a #line before any of them.
    """

    def __init__(self, output: Output, verb: str, lined: list[str]) -> None:
        self.output, self.verb = output, verb
        self.base: Base | None = None
        names = "|".join([re.escape(os.path.basename(path)) for path in lined])
        mark = re.compile(rf'#line [0-9]+ ".*(?:{names})"') if names else None
        lines = unix(output.old or b"").decode("utf-8", "surrogateescape").split("\n")
        self.numbers = [number for number, line in enumerate(lines, 1)
                        if not (mark and mark.fullmatch(line))]
        self.lines = [lines[number - 1] for number in self.numbers]

    def choose(self, *bases: Base | None) -> None:
        """Take the base in which the file was most like what it is, but not the same: who goes back
        to what was there once has edited, too."""
        name = self.output.name
        self.base = min([base for base in bases if base and name in base.contents
                         and base.lines(name) != self.lines],
                        key=lambda base: distance(self.lines, base.lines(name)), default=None)


def unix(data: bytes) -> bytes:
    """A text without the other ends of lines that git may have written."""
    return data.replace(b"\r\n", b"\n")


def find_edits(paths: list[str], outputs: list[Output], record: Record) -> list[Edit]:
    """Which files are not known to be as they were tangled, and from what they were.

    That is known by the record, or by git: a file was tangled that was what the web meant in the
    commit that last changed it.
    """
    unknown = [output for output in outputs
               if output.old is not None
               and not os.path.islink(output.path)  # only the link is replaced
               and digest(output.old) not in record.digests.get(output.name, [])]
    if not unknown:
        return []
    edits, bases = [], dict[str, Base]()
    kept = Base(record.kept) if record.kept else None
    with History(os.path.dirname(paths[0]) or ".") as history:

        def base_of(commit: str) -> Base:
            if commit not in bases:
                found = [(path, history.content(commit, path)) for path in paths]
                bases[commit] = Base(joined([
                    (path, data) for path, data in found if data] or found[:1]))
            return bases[commit]

        for output in unknown:
            name, known = output.name, output.name in record.digests
            last = next(iter(history.changes(output.path)), "")
            meant = base_of(last).contents.get(name)
            if meant is not None and unix(output.old or b"") == meant:
                continue
            verb = "was edited since it was tangled"
            if meant is None and not known:
                verb = "is not known to be tangled"
                verb += f" ({history.trouble})" if history.trouble else ""
            edit = Edit(output, verb, paths if record.lines else [])
            tangled = next((commit for commit in history.changes(output.path, CHANGES)
                            if name in base_of(commit).contents
                            and unix(history.content(commit, output.path))
                            == base_of(commit).contents[name]), "")
            edit.choose(kept if known else None, base_of(tangled) if tangled else None)
            edits.append(edit)
    return edits


def check_edits(
    web: Web, paths: list[str], outputs: list[Output], contents: dict[str, bytes], record: Record
) -> list[Problem]:
    """Complain of outputs that would be overwritten and are not known to be tangled."""
    coded = [output for output in outputs if output.name in contents]
    return [problem for edit in find_edits(paths, coded, record)
            for problem in edited(web, edit, contents[edit.output.name].decode())]


def check_fresh(web: Web, outputs: list[Output], contents: dict[str, bytes]) -> list[Problem]:
    """Complain of outputs that are not what the web means."""
    problems = []
    for output in outputs:
        if output.old is None and output.name in contents:
            part = web.chunks[output.name].parts[0]
            problems.append(Problem(part.line, part.column,
                                    f"{output.path} is missing: expected it tangled"))
        elif output.name in contents:
            found, _ = differences(web, output, contents[output.name].decode(), 1)
            problems += [difference.problem(f"{output.path} is not fresh: {difference.rows} not "
                                            "what is said here") for difference in found]
    return problems


def edited(web: Web, edit: Edit, code: str) -> list[Problem]:
    """What is said of an output that is not to be overwritten."""
    path = edit.output.path
    if edit.base:
        found, count = edits_of(web, edit, code)
    else:
        found, count = differences(web, edit.output, code, 3)
    more = f" (and in {count - 3} more places)" if count > 3 else ""
    return [difference.problem(
        f"{path} {edit.verb}: {difference.rows} not what §{difference.section} "
        + ("said here, and the web has changed here too" if difference.both else "says here")
        + f"{more}; --detangle takes the edit into the web, --force loses it")
        for difference in found]


class Difference:
    """Where what stands in an output's file differs from what is to be written.

    Line, column and section of the web; which lines of the file, and what these are, as notes; and
    whether `both` the file and the web differ from what was tangled.
    """

    def __init__(self, line: int, column: int, section: str, rows: str, notes: list[str],
                 both: bool = False) -> None:
        self.line, self.column, self.section = line, column, section
        self.rows, self.notes, self.both = rows, notes, both

    def problem(self, message: str) -> Problem:
        return Problem(self.line, self.column, message, self.notes)


class Locator:
    """Where in the web the lines of an output were written, whose `code` is without any #line."""

    def __init__(self, web: Web, output: Output, code: str) -> None:
        self.output, self.header = output, web.chunks[output.name].parts[0]
        self.written = {run.line: run for run in reversed(list(runs(web, output.name, code)))}

    def difference(self, lines: list[str], numbers: range | list[int], row: int, rows: int,
                   both: bool = False) -> Difference:
        """What is said of these lines of the file, and where: of so many lines of the code from
        that row on, or else of the last before them."""
        run = next((self.written[line] for line in [*range(row + 1, row + 1 + rows),
                                                    *range(row, 0, -1)] if line in self.written),
                   None)
        line, column = run.place() if run else (self.header.line, self.header.column)
        section = (run.part if run else self.header).section
        begin, end = numbers[0], numbers[-1]
        said = (f"lines {begin} to {end} are" if len(lines) > 1 else
                f"line {end} is" if lines else f"what follows line {begin - 1} is")
        notes = [f"{self.output.path}:{number}: {line}"
                 for number, line in zip(numbers, lines[:4])]
        if len(lines) > 4:
            notes[3:] = ["..."]
        return Difference(line, column, section.number if section else "?", said, notes, both)


def differences(
    web: Web, output: Output, code: str, most: int
) -> tuple[list[Difference], int]:
    """The first differences, and how many there are; `code` is the output without any #line."""
    old = (output.old or b"").decode("utf-8", "replace").split("\n")
    new = output.data.decode("utf-8", "replace").split("\n")
    locator, found = Locator(web, output, code), []
    spans = list(unequal(old, new))
    for begin, end, row, stop in spans[:most]:
        plain = row
        if output.data != code.encode():
            plain -= sum([line.startswith("#line ") for line in new[: row + 1]])
        found.append(locator.difference(old[begin:end], range(begin + 1, max(end, begin + 1) + 1),
                                        plain, stop - row))
    return found, len(spans)


def edits_of(web: Web, edit: Edit, code: str) -> tuple[list[Difference], int]:
    """The first of somebody's edits of a file that the web does not have yet, and how many there
    are: told from what the web changed meanwhile by what was tangled."""
    assert edit.base
    base, lines, new = edit.base.lines(edit.output.name), edit.lines, code.split("\n")
    changes = [*by_lines(unequal(new, base))]
    done = {(row, stop, *new[begin:end]) for begin, end, row, stop in changes}
    spans = [(begin, end, row, stop) for begin, end, row, stop in by_lines(unequal(lines, base))
             if (row, stop, *lines[begin:end]) not in done]
    spans = [*together(spans)]
    locator, found = Locator(web, edit.output, code), []
    for begin, end, row, stop in spans[:3]:
        both = any((row < other_stop and other < stop) or other == row
                   for _, _, other, other_stop in changes)
        first, last = across(changes, row), across(changes, stop)
        numbers = edit.numbers[begin:end] or [edit.numbers[begin]]
        found.append(locator.difference(lines[begin:end], numbers, first, last - first, both))
    return found, len(spans)


def by_lines(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans; of those that have equally many lines in both lists, line by line."""
    for begin, end, row, stop in spans:
        if end - begin == stop - row:
            yield from ((begin + n, begin + n + 1, row + n, row + n + 1) for n in range(stop - row))
        else:
            yield begin, end, row, stop


def together(spans: Iterable[Span]) -> Iterator[Span]:
    """The spans, those that follow each other put together."""
    last: Span | None = None
    for span in spans:
        if last and (last[1], last[3]) == (span[0], span[2]):
            last = (last[0], span[1], last[2], span[3])
        else:
            if last:
                yield last
            last = span
    if last:
        yield last


def across(spans: list[Span], row: int) -> int:
    """Where a row of the second of two lists is in the first, or what stands in its place."""
    shift = 0
    for begin, end, other, stop in spans:
        if row < other:
            break
        if row < stop:
            return min(begin + row - other, end)
        shift = end - stop
    return row + shift


def distance(old: list[str], new: list[str]) -> int:
    return sum([end - begin + stop - row for begin, end, row, stop in unequal(old, new)])


def unequal(old: list[str], new: list[str]) -> Iterator[Span]:
    """The spans of two lists of lines that differ."""
    first, last = 0, 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    rows, columns = len(old) - last, len(new) - last
    if (rows - first) * (columns - first) > 1000000:  # comparing would take long
        yield first, rows, first, columns
        return
    from difflib import SequenceMatcher

    # It spares itself the commonest lines of the second list, if that is long.
    swap = rows > columns
    lists = (new[first:columns], old[first:rows]) if swap else (old[first:rows], new[first:columns])
    for tag, a, b, c, d in SequenceMatcher(None, *lists).get_opcodes():
        if tag != "equal":
            span = (c, d, a, b) if swap else (a, b, c, d)
            yield span[0] + first, span[1] + first, span[2] + first, span[3] + first
