"""Outputs that are not what the web means: which lines, and in which section."""

from __future__ import annotations

import os
from contextlib import suppress

from .expansion import TooLarge, tangle
from .history import History
from .messages import Problem
from .origins import runs
from .record import Record, digest
from .web import Web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .writing import Output


def check_edits(
    web: Web, path: str, outputs: list[Output], contents: dict[str, bytes], record: Record
) -> list[Problem]:
    """Complain of outputs that would be overwritten and are not known to be tangled."""
    unknown = [output for output in outputs
               if output.old is not None and output.name in contents
               and not os.path.islink(output.path)  # only the link is replaced
               and digest(output.old) not in record.digests.get(output.name, [])]
    if not unknown:
        return []
    problems = []
    with History(os.path.dirname(path) or ".") as history:
        commits: dict[str, list[Output]] = {}
        for output in unknown:
            commits.setdefault(history.last_change(output.path), []).append(output)
        for commit, changed in commits.items():
            meant = meanings(history.content(commit, path), [output.name for output in changed])
            for output in changed:
                # (git may have written the other ends of lines)
                if (output.old or b"").replace(b"\r\n", b"\n") == meant.get(output.name):
                    continue
                if output.name in meant or output.name in record.digests:
                    verb = "was edited since it was tangled"
                else:
                    verb = "is not known to be tangled"
                    verb += f" ({history.trouble})" if history.trouble else ""
                problems += edited(web, output, contents[output.name].decode(), verb)
    return problems


def meanings(data: bytes, names: list[str]) -> dict[str, bytes]:
    """What a web meant by these names, those that it had and if nothing was wrong with it."""
    web = Web(data)
    known = [name for name in names if name in web.chunks]
    with suppress(TooLarge):
        return tangle(web, known) if known and not web.problems else {}
    return {}


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


def edited(web: Web, output: Output, code: str, verb: str) -> list[Problem]:
    """What is said of an output that is not to be overwritten."""
    found, count = differences(web, output, code, 3)
    more = f" (and in {count - 3} more places)" if count > 3 else ""
    return [difference.problem(
        f"{output.path} {verb}: {difference.rows} not what §{difference.section} says here{more}; "
        "move the edit here, or lose it with --force") for difference in found]


class Difference:
    """Where what stands in an output's file differs from what is to be written.

    Line, column and section of the web; which lines of the file, and what these are, as notes.
    """

    def __init__(self, line: int, column: int, section: str, rows: str, notes: list[str]) -> None:
        self.line, self.column, self.section = line, column, section
        self.rows, self.notes = rows, notes

    def problem(self, message: str) -> Problem:
        return Problem(self.line, self.column, message, self.notes)


def differences(
    web: Web, output: Output, code: str, most: int
) -> tuple[list[Difference], int]:
    """The first differences, and how many there are; `code` is the output without any #line."""
    old = (output.old or b"").decode("utf-8", "replace").split("\n")
    new = output.data.decode("utf-8", "replace").split("\n")
    written = {run.line: run for run in reversed(list(runs(web, output.name, code)))}
    header = web.chunks[output.name].parts[0]
    found = []
    spans = list(unequal(old, new))
    for begin, end, row, stop in spans[:most]:
        plain = row + 1
        if output.data != code.encode():
            plain -= sum([line.startswith("#line ") for line in new[: row + 1]])
        run = next((written[line] for line in [*range(plain, plain + stop - row),
                                               *range(plain - 1, 0, -1)] if line in written), None)
        line, column = run.place() if run else (header.line, header.column)
        section = (run.part if run else header).section
        rows = (f"lines {begin + 1} to {end} are" if end > begin + 1 else
                f"line {end} is" if end > begin else f"what follows line {begin} is")
        notes = [f"{output.path}:{number + 1}: {old[number]}"
                 for number in range(begin, min(end, begin + 4))]
        if end > begin + 4:
            notes[3:] = ["..."]
        found.append(Difference(line, column, section.number if section else "?", rows, notes))
    return found, len(spans)


def unequal(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
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
