"""Doing something again whenever files change."""

from __future__ import annotations

import gc
import os
from time import sleep

from .messages import reason, say, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PAUSE = 0.2  # seconds between two looks


def states(paths: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """What tells one state of files from the next: nothing of those that are not there."""
    found: dict[str, tuple[int, ...]] = {}
    for path in paths:
        try:
            status = os.stat(path)
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        except (OSError, ValueError):
            found[path] = ()
    return found


def watch(once: Callable[[], object], paths: Callable[[], Iterable[str]], program: str) -> int:
    """Do it now, and whenever what it read has changed, until somebody interrupts.

    An editor may write a file in several steps, so it has to be at rest for a moment.  Whatever
    goes wrong has been told, and may be right the next time; but not if nobody listens any more.
    """
    gc.enable()
    seen: dict[str, tuple[int, ...]] | None = None
    try:
        while True:
            now = states(paths())
            while seen is not None and now != seen:
                sleep(PAUSE / 4)
                before, now = now, states(paths())
                if now == before:
                    break
            if now != seen:
                seen = now
                try:
                    once()
                except (BrokenPipeError, MemoryError):
                    raise
                except OSError as error:
                    warn(f"{program}: error: " + (f"{error.filename}: " if error.filename else "")
                         + reason(error))
                seen.update({path: state for path, state in states(paths()).items()
                             if path not in seen})
                say(f"waiting for changes of {', '.join(sorted(seen))}" if len(seen) < 4 else
                    f"waiting for changes of {len(seen)} files")
            sleep(PAUSE)
    except KeyboardInterrupt:
        return 0
