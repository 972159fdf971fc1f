"""The documents of a web: which they are, and how they are read.

Several are joined to one text, in which a line before each names it.  That line begins with what no
document may have, so whatever is told of one text is told of them all.
"""

from __future__ import annotations

import os
import sys

from .messages import Problem, complain, nearest, reason
from .record import LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .web import Web

MARK = b"\xfe\xff\0"
TABLE = "pyproject.toml"
UNNAMED = f'no web is named: expected one, or documents = ["WEB"] below [tool.commonweb] in {TABLE}'


def read(path: str) -> bytes:
    """A document: any kind of file that ends, or standard input if it is called -."""
    if path != "-":
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    elif sys.stdin is None:
        raise OSError(0, "it is closed")
    else:
        data = sys.stdin.buffer.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise OSError(0, f"larger than {LIMIT >> 20} MiB", path)
    return data


def read_all(paths: Sequence[str]) -> bytes:
    """The text of a web; what cannot be read is named by the error."""
    found, size = [], 0
    for path in paths:
        try:
            found.append((path, read(path)))
        except OSError as error:
            error.filename = path
            raise
        size += len(found[-1][1])
        if size > LIMIT:
            raise OSError(0, f"larger than {LIMIT >> 20} MiB, with those before it", path)
    return joined(found)


def joined(documents: Sequence[tuple[str, bytes]]) -> bytes:
    """Documents as one text."""
    clean = [(path, data.replace(MARK, b"\0")) for path, data in documents]
    if len(clean) == 1:
        return clean[0][1]
    return b"".join([MARK + os.fsencode(path) + b"\n" + data + (b"" if data[-1:] in (b"\n", b"\r")
                                                               else b"\n")
                     for path, data in clean])


def parted(data: bytes) -> list[tuple[str, bytes]]:
    """The documents of a text; one by itself has no name."""
    if not data.startswith(MARK):
        return [("", data)]
    pieces = [piece.partition(b"\n") for piece in data.split(MARK)[1:]]
    return [(os.fsdecode(name), text) for name, _, text in pieces]


def wrong_paths(paths: Sequence[str]) -> str:
    """What is wrong with the names of documents, if anything is."""
    if not paths:
        return UNNAMED
    if len(paths) == 1:
        return ""
    if "-" in paths:
        return "expected standard input alone, or files"
    odd = next((path for path in paths if "\n" in path or "\0" in path), "")
    if odd:
        return f"{odd!r} is no name of a document"
    if len({os.path.realpath(path) for path in paths}) < len(paths):
        return "a document is named twice"
    if len({os.path.realpath(os.path.dirname(path)) for path in paths}) > 1:
        return "expected the documents of a web in one folder"
    return ""


def listed() -> tuple[list[str], str]:
    """The documents that the table of the working folder names; or else what is wrong."""
    try:
        with open(TABLE, "rb") as file:
            data = file.read(LIMIT)
    except OSError:
        return [], ""
    if b"[tool.commonweb" not in data:
        return [], ""
    try:
        import tomllib  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return [], (f"{TABLE} is read by Python 3.11 or later, and this is "
                    f"{sys.version.split()[0]}: expected the web as an argument")
    try:
        table = tomllib.loads(data.decode()).get("tool", {}).get("commonweb", {})
        paths = table.get("documents", [])
    except (ValueError, AttributeError) as error:
        return [], f"{TABLE}: {error}"
    if not isinstance(paths, list) or not all(
        isinstance(path, str) and path and not os.path.isabs(path) and path[0] != "-"
        and ".." not in path.replace("\\", "/").split("/") for path in paths
    ):
        return [], f"{TABLE}: expected documents as a list of files in its folder"
    return paths, ""


def choose(paths: list[str], default: Sequence[str] = ()) -> tuple[list[str], str]:
    """The documents that are named, or else those of the table, or else by default if they are
    there; or what is wrong with them."""
    wrong = ""
    if not paths:
        paths, wrong = listed()
        if not (paths or wrong) and all(map(os.path.exists, default)):
            paths = [*default]
    return paths, wrong or wrong_paths(paths)


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


def tell(path: str, web: Web, problems: list[Problem], kind: str = "error") -> int:
    """Complain of problems in a web; a path is what is said of it if it is one document."""
    return complain(path, problems, web.lines, kind, web.place)
