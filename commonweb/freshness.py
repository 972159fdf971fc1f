"""Whether a book is still what would be woven: all that shapes it, as one digest."""

from __future__ import annotations

import ctypes
import hashlib
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What weaving asks for in pyproject.toml.
LIBRARIES = ("Jinja2", "MarkupSafe", "PyYAML", "Pygments", "markdown-it-py", "mdit-py-plugins",
             "nh3", "py-svg-hush", "tree-sitter", "tree-sitter-c", "weasyprint")
# What sets text on paper, as it is called on Linux, macOS and Windows.
PANGO = ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll")


def shapers() -> Iterator[bytes | str]:
    """What shapes every book: these tools, and the versions of what they are run with."""
    here = Path(__file__).parent
    for place in sorted([*here.glob("*.py"), *(here / "style").iterdir()]):
        yield place.name
        yield place.read_bytes()
    yield sys.version
    for name, version in versions(LIBRARIES).items():
        yield f"{name} {version}"
    yield pango()


def versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of libraries and of all that they rest on, as far as they are installed."""
    found: dict[str, str] = {}
    waiting = [*names]
    while waiting:
        name = waiting.pop().lower()
        if name not in found:
            try:
                library = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                found[name] = ""
                continue
            found[name] = library.version
            waiting += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in library.requires or ()
                        if "extra ==" not in line]
    return found


def pango() -> str:
    """The version of Pango, which no Python package tells."""
    for name in PANGO:
        try:
            return str(ctypes.CDLL(name).pango_version())
        except OSError:
            pass
    return ""


def digest(*sources: bytes | str) -> str:
    whole = hashlib.sha256()
    for source in sources:
        data = source.encode() if isinstance(source, str) else source
        whole.update(b"%d " % len(data) + data)
    return whole.hexdigest()
