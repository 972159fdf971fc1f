"""Webs that nobody would write: no traceback, no hang, no file elsewhere, no part of a file."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webs import SOCKETS, mutated, needs_sockets

from commonweb import expansion, tangle
from commonweb.web import Web

SLOW = pytest.mark.timeout(600)  # seconds, for a machine that has much else to do

LINES = SOCKETS.read_text(encoding="utf-8").split("\n") if SOCKETS.exists() else [""]

NAMES = ["a.py", "b/c.c", "../up.py", "/tmp/x.py", "A", "B", "Be kind", "", " ", "x" * 300 + ".py",
         "a.py/b", "\u00e9.py", "CON.txt", "a\\b.py", ".", "..", "c:d.py", "B ", "~/x"]
SCRAPS = ["```", "~~~~", "``` python", "# h", "## 1. One", "## 2. Two", "###### 3.", "> ", "- ",
          "    ", "\t", "<!--", "-->", "<pre>", "", "text", "===", "'''", '"""', "x = '''", "\\",
          "#| captures: a, b", "#| exports:", "⟨", "⟩", "⟨⟨", "≡", "+≡", "\r", "\0", "\x1b[2J",
          "\u2028", "\ufeff", "\U0001f600", "int f(", "#define X \\"]
names = st.sampled_from(NAMES)
lines = st.one_of(
    st.sampled_from(SCRAPS),
    names.map("# ⟨{}⟩≡".format), names.map("// ⟨{}⟩+≡".format), names.map("  ⟨{}⟩".format),
    names.map("x = ⟨{}⟩ + 1".format), st.text(max_size=20))
webs = st.lists(st.one_of(
    lines.map(lambda line: [line]),
    st.tuples(names, st.booleans(), st.lists(lines, max_size=5)).map(
        lambda drawn: ["```c", f"// ⟨{drawn[0]}⟩{'+' * drawn[1]}≡", *drawn[2], "```"])),
    max_size=12).map(lambda blocks: "\n".join(line for block in blocks for line in block))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def survives(data: bytes) -> None:
    """Tangling ends with a status and says why; it writes all files, or none, in its folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, out = folder / "in/w.md", folder / "in/out"
        path.parent.mkdir()
        path.write_bytes(data)
        said, wrong = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
            status = tangle.main([str(path), "--out", str(out)])
            again = tangle.main([str(path), "--out", str(out), "--check"])
        assert status == again
        found = files_of(folder)
        assert found.pop("in/w.md") == data
        if status == 0:
            assert all(re.match("in/build/tangled/[0-9a-f]+", name) for name in found
                       if not name.startswith("in/out/"))
            meant = expansion.tangle(Web(data))
            assert {name: data for name, data in found.items() if "/out/" in name} == {
                f"in/out/{name}": data for name, data in meant.items()}
            assert wrong.getvalue() == ""
            with contextlib.redirect_stdout(said):
                assert tangle.main([str(path), "--lines", "--out", str(folder / "lines")]) == 0
        else:
            assert status == 1
            assert found == {}
            assert not out.exists()
            first = wrong.getvalue().split("\n", 1)[0]
            assert re.match(re.escape(str(path)) + r":\d+:\d+: error: .", first)
        assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", said.getvalue() + wrong.getvalue())


@SLOW
@settings(max_examples=100, deadline=None)
@given(webs)
def test_random_webs(text: str) -> None:
    survives(text.encode("utf-8", "surrogatepass"))


@SLOW
@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    survives(data)
    survives(b"## 1. x\n```\n# \xe2\x9f\xa8a.py\xe2\x9f\xa9\xe2\x89\xa1\n" + data + b"\n```\n")


code = st.text(st.characters(exclude_characters="⟨⟩`\0", exclude_categories=["Cs"]), max_size=60)


@SLOW
@settings(max_examples=100, deadline=None)
@given(code, code, st.sampled_from(["py", "c", "txt"]))
def test_random_code_in_a_web_without_mistakes(first: str, second: str, suffix: str) -> None:
    text = (f"## 1. x\n``````{suffix}\n# ⟨a.{suffix}⟩≡\n{first}\n  ⟨B⟩ + ⟨B⟩\n\t⟨B⟩\n``````\n\n"
            f"``````{suffix}\n# ⟨B⟩≡\n{second}\n``````\n")
    assert not Web(text.encode()).problems
    survives(text.encode())


@needs_sockets
@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # which tells of a failure
@SLOW
@settings(max_examples=8, deadline=None)
@given(mutated(LINES, lines))
def test_mutations_of_the_document(text: str) -> None:
    survives(text.encode("utf-8", "surrogatepass"))


# Webs that are many times larger than a person would write: each in a time that grows with its
# size only, which the time limit of the tests sees.

MANY = 10000


@pytest.mark.parametrize("text", [
    "## 1. x\n" * MANY,
    "> " * MANY + "```",
    "- " * 2000 + "x\n" + ("  " * 2000 + "x\n") * 5,
    "```\n# ⟨a.py⟩≡\n" + "⟨x⟩" * MANY,
    "```\n# ⟨a.py⟩≡\n" + "⟨" * MANY,
    "```\n# ⟨a.py⟩≡\n" + "⟨x\n" * MANY,
    "".join(f"## {n}. x\n```\n# ⟨a.py⟩+≡\n⟨a.py⟩\n```\n" for n in range(1, MANY // 4)),
    "# x\n" + "".join(f"```\n# ⟨c{n}⟩≡\n⟨c{n + 1}⟩⟨c{n // 2}⟩\n```\n" for n in range(MANY // 4)),
    "```" + "`" * MANY + "\n" + "``\n" * MANY,
    "## 1. x\n```\n# ⟨a.py⟩≡\n" + "'''\n\\\n" * MANY + "```\n",
    "<a " * MANY, "#" * MANY, "* " * MANY, "_ " * MANY, "1." * MANY, "`" * MANY, "\t" * MANY,
    ("~" * 99 + "\n") * (MANY // 10), "\n".join("~" * (n % 300 + 3) for n in range(MANY // 5)),
])
def test_huge_webs_take_no_longer_than_their_size(text: str) -> None:
    survives(text.encode())
