"""Reading what a person names on the command line."""

from __future__ import annotations

import os
import sys

from .messages import Problem, complain, nearest, reason
from .record import LIMIT


def read(path: str) -> bytes:
    """A web, which may be any kind of file that ends; from standard input if it is called -."""
    if path != "-":
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    elif sys.stdin is None:
        raise OSError(0, "it is closed")
    else:
        data = sys.stdin.buffer.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise OSError(0, f"larger than {LIMIT >> 20} MiB")
    return data


def others(path: str) -> str:
    """The name in a folder that is most like one that cannot be read, as the end of a message."""
    try:
        return nearest(os.path.basename(path), os.listdir(os.path.dirname(path) or ".")[:1000])
    except OSError:
        return ""


def unread(path: str, error: Exception) -> int:
    """Complain of a web that cannot be read."""
    near = others(path) if isinstance(error, FileNotFoundError) else ""
    return complain(path, [Problem(1, 1, f"cannot be read: {reason(error)}{near}")])
