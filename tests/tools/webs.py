"""What the tests of the tools share: webs at random, and what a platform lacks."""

from __future__ import annotations

import contextlib
import functools
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st

WINDOWS = sys.platform == "win32"
TANGLE = (sys.executable, "-m", "commonweb", "tangle")  # the command, by this Python
SOCKETS = Path(__file__).parents[2] / "sockets.md"  # a large web; the tools by themselves lack it
needs_sockets = pytest.mark.skipif(not SOCKETS.exists(), reason="sockets.md is not here")


@functools.cache
def lacks_links() -> bool:
    """Whether Windows makes no symbolic link: it may want a privilege, and Wine makes none."""
    if not WINDOWS:
        return False
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "link")
        with contextlib.suppress(OSError):
            link.symlink_to("nowhere")
        return not link.is_symlink()


needs_links = pytest.mark.skipif(
    lacks_links(), reason="a symbolic link cannot be made here (CreateSymbolicLink)"
)
needs_posix = pytest.mark.skipif(WINDOWS, reason="is about files as POSIX systems have them")


def draw_web(data: st.DataObject) -> tuple[str, dict[str, list[str]]]:
    """A web without errors: chunk n refers to chunks above n only, and to each at least once."""
    count = data.draw(st.integers(1, 6))
    names = ["f.py", *(f"N{i}" for i in range(1, count))]
    if count > 2:
        names[1] = "g.py"
    fragment = st.sampled_from(["a", "x = ", " ", "(", ")", "⟨⟨", "'s'", '"""t"""', "# c"])
    chunks: dict[str, list[str]] = {}
    for place, name in enumerate(names):
        later = [other for other in names[place + 1 :] if "." not in other]
        pieces = fragment
        if later:
            pieces |= st.sampled_from([f"⟨{other}⟩" for other in later])
        line = st.one_of(
            st.just(""),
            st.tuples(st.sampled_from(["", "  ", "\t", "    "]),
                      st.lists(pieces, max_size=3).map("".join)).map("".join),
            st.sampled_from(['"""', "x = '''a", "'''"] if data.draw(st.booleans()) else [""]),
        )
        lines = data.draw(st.lists(line, max_size=5))
        if later:  # the next one is used
            lines.append(data.draw(st.sampled_from(["", "   ", "y = "])) + f"⟨{later[0]}⟩")
        chunks[name] = lines
    text = "# Web\n"
    for name, lines in chunks.items():
        cut = data.draw(st.integers(0, len(lines)))
        text += "\n".join(["``````python", f"# ⟨{name}⟩≡", *lines[:cut], "``````", "prose", ""])
        if cut < len(lines):
            text += "\n".join(["``````python", f"# ⟨{name}⟩+≡", *lines[cut:], "``````", ""])
    return text, chunks


@st.composite
def mutated(draw: st.DrawFn, lines: list[str], scraps: st.SearchStrategy[str]) -> str:
    """A document with a few things done to it that slips of a hand or a tool may do."""
    found, spots = list(lines), st.integers(0, len(lines) - 1)
    for _ in range(draw(st.integers(1, 4))):
        if not found:
            break
        at, other = draw(spots) % len(found), draw(spots) % len(found)
        slip = draw(st.sampled_from(["drop", "twice", "swap", "move", "cut", "scrap", "end"]))
        if slip == "drop":
            del found[at]
        elif slip == "twice":
            found.insert(at, found[at])
        elif slip == "swap":
            found[at], found[other] = found[other], found[at]
        elif slip == "move":
            found[at:at] = found[other : other + 30]
        elif slip == "cut":
            cut = draw(st.integers(0, 80))
            found[at] = found[at][:cut] + found[at][cut + 1 :]
        elif slip == "scrap":
            found.insert(at, draw(scraps))
        else:
            del found[max(at, 1) :]
    return "\n".join(found)
