"""Outputs that are not what the web means: which lines, and in which section."""

from __future__ import annotations

import os

from .expansion import tangle
from .origins import runs
from .outputs import Output, Record, digest
from .web import Web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def committed(path: str, target: str) -> bytes:
    """The web as it was in the commit that last changed an output; nothing if git has none."""
    import subprocess

    def git(*words: str) -> bytes:
        return subprocess.run(["git", "-C", os.path.dirname(path) or ".", *words], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout

    try:
        commit = git("log", "-1", "--format=%H", "--", os.path.abspath(target)).decode().strip()
        return git("show", f"{commit}:./{os.path.basename(path)}") if commit else b""
    except (OSError, subprocess.CalledProcessError):
        return b""


def check_edits(
    web: Web, path: str, outputs: list[Output], contents: dict[str, bytes], record: Record
) -> None:
    """Complain of outputs that would be overwritten and are not known to be tangled."""
    meant: dict[bytes, dict[str, bytes]] = {b"": {}}
    for output in outputs:
        if output.old is None or output.name not in contents:
            continue
        if os.path.islink(output.path):  # only the link is replaced
            continue
        known = record.digests.get(output.name, [])
        if digest(output.old) in known:
            continue
        then = committed(path, output.path)
        if then not in meant:
            before = Web(then)
            meant[then] = {} if before.problems else tangle(before)
        if output.old.replace(b"\r\n", b"\n") == meant[then].get(output.name):
            continue  # (git may have written the other ends of lines)
        verb = "was edited since it was tangled" if known or output.name in meant[then] else (
            "is not known to be tangled")
        found = list(differences(web, output, contents[output.name].decode()))
        for line, column, section, rows, notes in found[:3]:
            more = f" (and in {len(found) - 3} more places)" if len(found) > 3 else ""
            web.error(line, column, f"{output.path} {verb}: {rows} not what §{section} says here"
                      f"{more}; move the edit here, or lose it with --force", notes)


def check_fresh(web: Web, outputs: list[Output], contents: dict[str, bytes]) -> None:
    """Complain of outputs that are not what the web means."""
    for output in outputs:
        if output.name not in contents:
            continue
        if output.old is None:
            part = web.chunks[output.name].parts[0]
            web.error(part.line, part.column, f"{output.path} is missing: expected it tangled")
            continue
        for line, column, _, rows, notes in differences(web, output,
                                                        contents[output.name].decode()):
            web.error(line, column, f"{output.path} is not fresh: {rows} not what is said here",
                      notes)
            break


def differences(
    web: Web, output: Output, code: str
) -> Iterator[tuple[int, int, str, str, list[str]]]:
    """Where what stands in an output's file differs from what is to be written.

    Each time: line, column and section of the web, which lines of the file, and
    what these lines are, as notes.  `code` is the output without any #line.
    """
    old = (output.old or b"").decode("utf-8", "replace").split("\n")
    new = output.data.decode().split("\n")
    written = {run.line: run for run in reversed(list(runs(web, output.name, code)))}
    header = web.chunks[output.name].parts[0]
    for begin, end, row, stop in unequal(old, new):
        plain = row + 1
        if output.data != code.encode():
            plain -= sum([line.startswith("#line ") for line in new[: row + 1]])
        run = next((written[line] for line in [*range(plain, plain + stop - row),
                                               *range(plain - 1, 0, -1)] if line in written), None)
        line, column = run.place() if run else (header.line, header.column)
        section = (run.part if run else header).section
        rows = (f"lines {begin + 1} to {end} are" if end > begin + 1 else
                f"line {end} is" if end > begin else f"what follows line {begin} is")
        notes = [f"{output.path}:{number + 1}: {old[number]}" for number in range(begin, end)]
        if len(notes) > 4:
            notes[3:] = ["..."]
        yield line, column, section.number if section else "?", rows, notes


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

    matcher = SequenceMatcher(None, old[first:rows], new[first:columns], False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield first + a, first + b, first + c, first + d
