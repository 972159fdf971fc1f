"""Which stretches of code are keywords, comments and strings.

Pygments knows some 600 languages, each by regular expressions of its own; on a few lines that
are meant so, some of them run for years, and a regular expression cannot be interrupted.  So they
run in a process of their own, which is killed if it takes too long.
"""

from __future__ import annotations

import faulthandler
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pygments.token import _TokenType

PATIENCE = 20  # seconds for a block, and one more for every so many characters
PACE = 10_000


class Highlighter:
    """Asks the other process, and remembers its answers; what took too long is asked no more."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.known: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
        self.stopped: dict[str, str] = {}  # languages, and why

    def stretches(self, text: str, language: str | None) -> list[tuple[int, int, str]]:
        """Begin, end and tag of each, in order; each is within its line."""
        if not language or language in self.stopped:
            return []
        if (text, language) not in self.known:
            self.known[text, language] = self.ask(text, language)
        return self.known[text, language]

    def ask(self, text: str, language: str) -> list[tuple[int, int, str]]:
        process = self.process = self.process or started()
        why = "Pygments failed at one of its blocks"

        def stop() -> None:
            nonlocal why
            why = f"one of its blocks took more than {PATIENCE} seconds"
            process.kill()

        limit = PATIENCE + len(text) / PACE
        timer = Timer(limit, stop)
        timer.start()
        try:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps((text, language, limit)) + "\n")
            process.stdin.flush()
            return [*map(tuple, json.loads(process.stdout.readline()))]
        except (OSError, ValueError):  # it is no more
            self.stopped[language] = why
            self.end()
            return []
        except BaseException:  # its answer would be taken for the next one's
            self.end()
            raise
        finally:
            timer.cancel()

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.process = None


def started() -> subprocess.Popen[str]:
    """The other process; it finds what this one does, this package too, and nothing else."""
    path = [*sys.path, str(Path(__file__).parents[1])]
    script = f"import sys; sys.path[:] = {path!r}; from {__name__} import serve; serve()"
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="ascii")


def serve() -> None:
    """Answer; and end soon after a limit, if whoever asked has not lived to see to it."""
    for line in sys.stdin:
        text, language, limit = json.loads(line)
        faulthandler.dump_traceback_later(limit + 1, exit=True)
        print(json.dumps([*merged(text, language)]), flush=True)
        faulthandler.cancel_dump_traceback_later()


@cache
def tag_of(kind: _TokenType) -> str:
    from pygments.token import Comment, Keyword, Operator, String

    tags = ((Comment.Preproc, ""), (Comment, "i"), (Keyword, "b"), (Operator.Word, "b"),
            (String, "q"))
    return next((tag for family, tag in tags if kind[: len(family)] == family), "")


def merged(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    """What Pygments finds, as stretches."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return
    last = None  # it goes on if the next one is of its kind: a string's quotes are tokens
    for start, kind, value in lexer.get_tokens_unprocessed(text):
        if tag := tag_of(kind):
            for line in value.splitlines(keepends=True):
                end = start + len(line.rstrip("\n"))
                if last and last[2] == tag and text[last[1] : start] in ("", " "):
                    last = (last[0], end, tag)
                elif start < end:
                    if last:
                        yield last
                    last = (start, end, tag)
                start += len(line)
    if last:
        yield last


HIGHLIGHTER = Highlighter()
