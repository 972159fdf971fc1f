"""Time grows with the input, also where somebody means it not to.

A web and one eight times as large are read; what is quadratic takes 64 times as long.  A few times
more than eight are left to machines that have much else to do.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from commonweb.expansion import tangle
from commonweb.hygiene import check
from commonweb.web import Web

UNKNOWN = "# T\n```\n# ⟨a.py⟩≡\n⟨B⟩\n```\n"
FENCE = "```python\n# ⟨{}⟩≡\n{}\n```\n"


def blocks(*code: str) -> str:
    return "\n".join(["# T", *(f"```python\n{block}\n```" for block in code)])


SHAPES: dict[str, Callable[[int], str]] = {
    "bullets": lambda n: "- " * n + "x\n",
    "bullets of two kinds": lambda n: "- * " * n + "x\n",
    "stars and lines": lambda n: "* _ " * n + "x\n",
    "empty lines in lists": lambda n: "- + " * n + "x\n" + "\n" * n,
    "empty lines in quotes in lists": lambda n: "- + > " * (n // 9) + "x\n" + "- + > \n" * (n // 9),
    "empty lines in a fence in lists": lambda n: "- + " * n + "```\n" + "\n" * n,
    "a name and blanks": lambda n: UNKNOWN + "<a" + " " * n + "x\n",
    "a name and brackets": lambda n: UNKNOWN + "<a" + ">" * n + "x\n",
    "brackets": lambda n: UNKNOWN + "<" * n + "x\n",
    "captures in a line": lambda n: "# T\n" + FENCE.format("a.py", "⟨B⟩") + FENCE.format(
        "B", "#| captures: " + ", ".join(f"a{i}" for i in range(n)) + "\npass"),
    "captures in many lines": lambda n: "# T\n" + FENCE.format(
        "a.py", "\n".join(f"a{i} = 1" for i in range(n)) + "\n⟨B⟩") + FENCE.format(
            "B", "\n".join(f"#| captures: a{i}" for i in range(n)) + "\npass"),
    "attributes": lambda n: "<a " * n + "\n" + "<a " + "a " * n + "\n\n<a " + " " * n + "b\n",
    "parts": lambda n: "# T\n" + FENCE.format("a.py", "x") + FENCE.format("a.py", "x").replace(
        "≡", "+≡") * n,
    "fences": lambda n: "```\n~~~\n" * n,
    "chunks that use each other's names": lambda n: blocks(
        "# ⟨a.py⟩≡\n" + "\n".join(f"⟨C{i}⟩" for i in range(n)), *(
            f"# ⟨C{i}⟩≡\n#| exports: f{i}\ndef f{i}(a):\n    b = a\n    return f{max(i - 1, 0)}(b)"
            for i in range(n))),
    "one chunk many times in a loop": lambda n: blocks(
        "# ⟨a.py⟩≡\ndef f(x):\n    while x:\n" + "        ⟨Step⟩\n" * n,
        "# ⟨Step⟩≡\n#| captures: x\n#| exports: x\nif x:\n    x = x + 1"),
    "loops behind each other": lambda n: blocks(
        "# ⟨a.py⟩≡\n⟨X⟩\n" + "for i in x:\n    if i:\n        y = i\n        break\n" * n,
        "# ⟨X⟩≡\n#| exports: x\nx = 1"),
    "chunks in chunks": lambda n: blocks(
        "# ⟨a.py⟩≡\nx = 1\n⟨C0⟩", *(
            f"# ⟨C{i}⟩≡\ny{i} = x\n⟨C{i + 1}⟩" for i in range(n // 8)),
        f"# ⟨C{n // 8}⟩≡\n#| exports: z\nz = x"),
    "many chunks in a loop": lambda n: blocks(
        "# ⟨a.py⟩≡\ndef f(x):\n    while x:\n" + "".join(f"        ⟨C{i}⟩\n" for i in range(n)), *(
            f"# ⟨C{i}⟩≡\n#| captures: x\n#| exports: x\nif x:\n    x = x + 1"
            for i in range(n))),
}


def seconds(text: str) -> float:
    """How long a web takes to be read, tangled and checked, without the collector."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        web = Web(text.encode())
        if not web.problems:
            check(web, tangle(web))
        return time.process_time() - start
    finally:
        gc.enable()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_eight_times_the_web_takes_some_eight_times_as_long(shape: Callable[[int], str]) -> None:
    size, small = 100, 0.0
    while small < 0.01 and size < 200_000:
        size *= 2
        small = seconds(shape(size))
    large = min(seconds(shape(8 * size)) for _ in range(3))
    small = max(small, seconds(shape(size)), seconds(shape(size)))
    assert large < 30 * max(small, 0.016)  # on Windows it is how exactly that clock goes
