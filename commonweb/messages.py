"""Messages: what is wrong with a web, and how a person is told of it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import NoReturn, TextIO

OUTPUT = "standard output"


class Problem:
    """Something wrong, and where; notes are lines to be shown with it."""

    def __init__(self, line: int, column: int, message: str, notes: Iterable[str] = ()) -> None:
        self.line, self.column, self.message, self.notes = line, column, message, notes

    def __repr__(self) -> str:
        return f"{self.line}:{self.column}: error: {self.message}"


class Gap(Problem):
    """What only a draft may have: it is unused, or not yet written."""


def clean(text: str, stream: TextIO) -> str:
    """Text as a terminal can show it; nothing in a name may steer it."""
    text = "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])
    encoding = stream.encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def say(*lines: str | bytes) -> None:
    """Print what was asked for; it is an error if it does not arrive."""
    try:
        if sys.stdout is None:
            raise OSError(0, "it is closed")
        for line in lines:
            if isinstance(line, bytes):
                sys.stdout.buffer.write(line)
            else:
                print(clean(line, sys.stdout))
        sys.stdout.flush()
    except OSError as error:
        error.filename = OUTPUT
        raise


def warn(text: str) -> None:
    """Print what is wrong, for whoever can be told."""
    try:
        if sys.stderr is not None:
            print(clean(text, sys.stderr), file=sys.stderr)
    except OSError:
        pass


MARKED = r"⟨[^⟨⟩\n]*⟩(?:\+?≡)?|[\w.]+|#+[ \t]+[\w.]+|([`~])\1*|.?"


def excerpt(line: str, column: int, stream: TextIO) -> tuple[str, str, str]:
    """A line before, in and after the place to be marked; of a long line, what is near."""
    import re

    span = re.compile(MARKED).match(line, column - 1)
    begin, end = span.span() if span else (len(line), len(line))
    first, last = max(begin - 80, 0), begin + 80
    end = min(end, last)
    texts = ["…" * (first > 0) + line[first:begin], line[begin:end],
             line[end:last] + "…" * (len(line) > last)]
    before, marked, after = [clean(text.replace("\t", "    "), stream) for text in texts]
    return before, marked, after


def width(text: str) -> int:
    """How many columns a terminal takes for it."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum([0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text])


def complain(path: str, problems: list[Problem], lines: Sequence[str] = (), kind: str = "error",
             place: Callable[[int], tuple[str, int]] | None = None) -> int:
    """Print problems in the order of their places, each with its line and a mark under it.

    Their `kind` may also be "warning"; `place` tells of which document, if there are several, a
    line is, and which there.
    """
    try:
        for problem in sorted(problems, key=lambda found: (found.line, found.column)):
            if sys.stderr is not None:
                name, number = place(problem.line) if place else ("", problem.line)
                show(name or path, number, problem, lines, kind, sys.stderr)
    except OSError:
        pass  # nobody can be told
    return 1


def show(path: str, number: int, problem: Problem, lines: Sequence[str], kind: str,
         stream: TextIO) -> None:
    plain = not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    bold, red, green, off = [""] * 4 if plain else ["\033[1m", "\033[1;31m", "\033[1;32m", "\033[m"]
    place = clean(f"{path}:{number}:{problem.column}:", stream)
    print(f"{bold}{place}{off} {red}{kind}:{off} {clean(problem.message, stream)}", file=stream)
    if problem.line <= len(lines):
        before, marked, after = excerpt(lines[problem.line - 1], problem.column, stream)
        mark = " " * width(before) + green + "^" * max(width(marked), 1) + off
        print(f"{number:5} | {before}{marked}{after}\n      | {mark}", file=stream)
    for note in problem.notes:
        text = note if len(note) <= 200 else note[:200] + "…"
        print(f"      | {clean(text, stream)}", file=stream)


def nearest(name: str, names: Iterable[str]) -> str:
    """The nearest other name, as the end of a message."""
    from difflib import get_close_matches

    near = get_close_matches(name, names, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def run(main: Callable[[list[str], str], int], program: str) -> NoReturn:
    """What the shell starts: a command with its arguments, that ends with its status.

    Whatever ends it otherwise is told in one line.
    """
    import gc

    gc.disable()  # nothing here is garbage before the end
    if None in (sys.stdin, sys.stdout, sys.stderr):  # no file may get such a stream's number
        while os.open(os.devnull, os.O_RDWR) < 2:
            pass
    status = 1
    try:
        status = main(sys.argv[1:], program)
    except KeyboardInterrupt:
        status = 130  # as the shell says of who was ended by that signal
    except BrokenPipeError:
        status = 141  # and of who wrote to somebody who had gone
    except OSError as error:
        warn(f"{program}: error: " + (f"{error.filename}: " if error.filename else "")
             + reason(error))
    except MemoryError:
        warn(f"{program}: error: not enough memory")
    os._exit(status)  # what was read need not be taken apart
