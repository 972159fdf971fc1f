"""What a person sees who makes a mistake: the place, what was expected, the nearest name."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from webs import TANGLE

from commonweb import tangle

HELLO = '''\
# Greetings

## 1. The program
It says hello to whoever is named.

```python
# ⟨hello.py⟩≡
import sys

for name in sys.argv[1:]:
    ⟨Greet⟩
```

## 2. Manners
```python
# ⟨Greet⟩≡
print(f"Hello, {name}!")
```
'''
NO_HEADER = ("error: not a chunk's header: expected only # ⟨Name⟩≡ or # ⟨Name⟩+≡ in the first "
             "line, or the word example after ``` for what is only shown")

# The commonest mistakes: what becomes what in HELLO, and what is said.
MISTAKES = {
    "a misspelt name": ("    ⟨Greet⟩", "    ⟨Great⟩", """\
hello.md:11:5: error: ⟨Great⟩ is not defined; did you mean ⟨Greet⟩?
   11 |     ⟨Great⟩
      |     ^^^^^^^
"""),
    "a continuation that begins": ("# ⟨Greet⟩≡", "# ⟨Greet⟩+≡", """\
hello.md:16:3: error: ⟨Greet⟩+≡ continues nothing: expected ⟨Greet⟩≡ the first time
   16 | # ⟨Greet⟩+≡
      |   ^^^^^^^^^
"""),
    "a sign that is another": ("# ⟨Greet⟩≡", "# ⟨Greet⟩=", f"""\
hello.md:16:3: {NO_HEADER}
   16 | # ⟨Greet⟩=
      |   ^^^^^^^
"""),
    "a line above the header": ("# ⟨Greet⟩≡", "\n# ⟨Greet⟩≡", f"""\
hello.md:17:3: {NO_HEADER}
   17 | # ⟨Greet⟩≡
      |   ^^^^^^^^
"""),
    "another tool's brackets": ("# ⟨hello.py⟩≡", "<<hello.py>>=", f"""\
hello.md:7:1: {NO_HEADER}
    7 | <<hello.py>>=
      | ^
hello.md:16:3: error: ⟨Greet⟩ is never used (a file's name has a suffix or a / and no blanks, or \
begins with ./, as in ⟨./Greet⟩)
   16 | # ⟨Greet⟩≡
      |   ^^^^^^^^
"""),
    "a fence that is not closed": ("    ⟨Greet⟩\n```", "    ⟨Greet⟩\n", """\
hello.md:11:5: error: ⟨Greet⟩ is not defined; line 16 is not read as its header: expected \
a comment like # ⟨Greet⟩≡ in the first line of a fenced block
   11 |     ⟨Greet⟩
      |     ^^^^^^^
hello.md:16:3: error: the header of ⟨Greet⟩ is not the first line of its code block: expected \
the one from line 6 closed before
   16 | # ⟨Greet⟩≡
      |   ^^^^^^^^
"""),
    "a bracket that is not closed": ("    ⟨Greet⟩", "\t⟨Greet", """\
hello.md:11:2: error: unclosed ⟨: expected ⟩ on the same line (⟨⟨ stands for a ⟨ that is none \
of a reference's)
   11 |     ⟨Greet
      |     ^
"""),
    "a number out of order": ("## 2.", "## 3.", """\
hello.md:14:1: error: section 3: expected 2 or 1A after 1
   14 | ## 3. Manners
      | ^^^^^
"""),
    "a chunk that uses itself": ("print(f", "⟨Greet⟩; print(f", """\
hello.md:17:1: error: a cycle: ⟨Greet⟩ → ⟨Greet⟩
   17 | ⟨Greet⟩; print(f"Hello, {name}!")
      | ^^^^^^^
"""),
    "a declaration that is none": ("# ⟨Greet⟩≡", "# ⟨Greet⟩≡\n#| capture: name", """\
hello.md:17:4: error: 'capture' is not a declaration: expected captures: or exports: and names
   17 | #| capture: name
      |    ^^^^^^^
"""),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], text: str) -> str:
    Path("hello.md").write_text(text)
    assert tangle.main(["hello.md"]) == 1
    assert not Path("generated").exists()
    return capsys.readouterr().err


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_common_mistake(mistake: str, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong, expected = MISTAKES[mistake]
    assert HELLO.count(right) == 1
    assert said(capsys, HELLO.replace(right, wrong)) == expected


def test_a_web_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hello.md").write_text(HELLO)
    assert tangle.main(["helo.md"]) == 1
    assert capsys.readouterr().err == (
        f"helo.md:1:1: error: cannot be read: {os.strerror(2)}; did you mean hello.md?\n")


def test_an_option_that_is_misspelt(capsys: pytest.CaptureFixture[str]) -> None:
    assert tangle.main(["--chek"]) == 2
    assert "unknown option '--chek'; did you mean --check?\n" in capsys.readouterr().err


def test_one_root_that_is_misspelt(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hello.md").write_text(HELLO)
    assert tangle.main(["hello.md", "--root", "Gret"]) == 1
    assert "error: ⟨Gret⟩ is not defined; did you mean ⟨Greet⟩?\n" in capsys.readouterr().err


@pytest.mark.parametrize("brackets", ["<{}>≡", "〈{}〉≡", "《{}》=", "⟨ {} ⟩ =", "«{}»"])
def test_brackets_of_other_kinds_are_pointed_at(
    brackets: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = HELLO.replace("# ⟨Greet⟩≡", brackets.format("Greet"))
    shown = ("not a chunk's header" if "≡" in brackets else
             "; line 16 is not read" if "《" not in brackets else "is not defined\n")
    assert shown in said(capsys, text)


@pytest.mark.parametrize(("line", "shown", "mark"), [
    ("\tx\t⟨B⟩", "    x    ⟨B⟩", "         ^^^"),
    ("漢字 ⟨B⟩", "漢字 ⟨B⟩", "     ^^^"),
    ("e\u0301 ⟨B⟩", "e\u0301 ⟨B⟩", "  ^^^"),
    ("\x1b[1m ⟨B⟩", "\\x1b[1m ⟨B⟩", "        ^^^"),
    ("x" * 500 + "⟨B⟩" + "y" * 500, "…" + "x" * 80 + "⟨B⟩" + "y" * 77 + "…", " " * 81 + "^^^"),
])
def test_the_mark_stands_under_the_place(
    line: str, shown: str, mark: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = said(capsys, f"## 1. x\n```\n# ⟨a.py⟩≡\n{line}\n```\n").splitlines()
    assert lines[1:] == [f"    4 | {shown}", f"      | {mark}"]


@pytest.mark.parametrize(("environment", "colour"), [
    ({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_is_for_terminals_that_want_it(
    place: Path, environment: dict[str, str], colour: bool
) -> None:
    pty = pytest.importorskip("pty")
    (place / "hello.md").write_text(HELLO.replace("    ⟨Greet⟩", "    ⟨Great⟩"))
    ours, theirs = pty.openpty()
    clean = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(
            [*TANGLE, "hello.md"], stderr=theirs, check=False,
            env={**clean, "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **environment}, timeout=60)
        os.close(theirs)
        shown = terminal.read(10000).decode()
    assert done.returncode == 1
    assert ("\033[1;31merror:\033[m" in shown) == colour
    assert ("\033[" in shown) == colour
