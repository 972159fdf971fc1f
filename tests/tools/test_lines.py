"""From the outputs back to the web: #line, the map, `where`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweb import expansion, tangle
from commonweb.lines import lined
from commonweb.origins import runs
from commonweb.web import Web

WEB = """\
# Places

## 1. C
```c
/* ⟨a.c⟩≡ */
#include <stdio.h>
#define TWICE(x) \\
    ((x) + \\
     (x))

int main(void)
{
    ⟨Print⟩
    int y = TWICE(⟨Seven⟩ +
                  1);
    return y + nothing;
}
```

## 2. More
```c
/* ⟨Print⟩≡ */
/* A comment
   ⟨Seven⟩
   of lines. */
puts("\\
hello");

wrong(here);
```

```c
/* ⟨Seven⟩≡ */
7
```

```python
# ⟨d/b.py⟩≡
def f():
    return g()

⟨G⟩
```

## 3. Python
```python
# ⟨G⟩≡
def g():

    return 1 + (
        2 / 0)
```
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.md").write_text(WEB)
    assert tangle.main(["w.md"]) == 0
    assert tangle.main(["w.md", "--lines", "--out", "build/lines"]) == 0
    return tmp_path


def line_of(text: str) -> int:
    [line] = [n for n, line in enumerate(WEB.splitlines(), 1) if line.strip() == text]
    return line


# #line.

@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc here")
def test_a_compiler_names_the_document(place: Path) -> None:
    done = subprocess.run(["gcc", "-Wall", "-pedantic", "-fsyntax-only", "build/lines/a.c"],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    found = re.findall(r"^([^:\n]+):(\d+):\d+: (\w+): .*'(\w+)'", done.stderr, re.M)
    assert ("w.md", str(line_of("wrong(here);")), "error", "here") in found
    assert ("w.md", str(line_of("return y + nothing;")), "error", "nothing") in found
    assert {name for name, *_ in found} == {"w.md"}


def test_line_directives_stand_where_they_may_and_nothing_else_differs(place: Path) -> None:
    lines = Path("build/lines/a.c").read_text().splitlines(keepends=True)
    assert [line for line in lines if not line.startswith("#line ")] == (
        Path("generated/a.c").read_text().splitlines(keepends=True))
    for before, line in zip(["", *lines], lines):
        if line.startswith("#line "):
            assert not before.endswith("\\\n")
            assert re.fullmatch(r'#line \d+ "w\.md"\n', line)
    text = "".join(lines)
    assert '/* A comment\n       7\n       of lines. */\n' in text
    assert 'TWICE(7 +\n' in text
    assert "#line" not in Path("generated/a.c").read_text()


def test_prose_changes_no_output(place: Path) -> None:
    before = {path: path.read_bytes() for path in Path("generated").rglob("*") if path.is_file()}
    Path("w.md").write_text(WEB.replace("## 2. More\n", "## 2. More\n\nOf prose,\nthree lines.\n"))
    assert tangle.main(["w.md", "--check"]) == 0
    assert tangle.main(["w.md"]) == 0
    assert {path: path.read_bytes() for path in before} == before


code = st.lists(st.sampled_from(
    ["a(", ")", "b;", "", "/* x", "*/", "// y \\", "'\"'", '"s\\', 'e"', "}", "#define z(q) \\",
     "⟨B⟩ c", "  ⟨B⟩", "{"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(code, code.map(lambda lines: [line for line in lines if "⟨" not in line]))
def test_a_line_directive_tells_where_the_next_line_is_from(
    first: list[str], second: list[str]
) -> None:
    web = Web("\n".join(["## 1. x", "```c", "// ⟨a.c⟩≡", *first, "⟨B⟩", "```", "", "```c",
                         "// ⟨B⟩≡", *second, "```", ""]).encode())
    assert not web.problems
    output = expansion.tangle(web)["a.c"].decode()
    places: dict[int, int] = {}
    for run in runs(web, "a.c", output):
        places.setdefault(run.line, run.place()[0])
    text = lined(output, runs(web, "a.c", output), web, 'd\\"w.md')
    rest = text.split("\n")
    plain = [line for line in rest if not line.startswith("#line ")]
    assert plain == output.split("\n")
    number = 0
    for line, after in zip(rest, rest[1:]):
        if line.startswith("#line "):
            assert line == f'#line {places[number + 1]} "d/\\"w.md"'
            assert not after.startswith("#line")
        else:
            number += 1


# The map, and the question where.

def test_the_map_leads_every_character_to_the_document(place: Path) -> None:
    found = json.loads(Path("build/lines/lines.json").read_text())
    assert (found["web"], list(found["files"])) == ("w.md", ["d/b.py"])
    assert found["digest"] == sha256(WEB.encode()).hexdigest()
    code, document = Path("generated/d/b.py").read_text().splitlines(), WEB.splitlines()
    for line, column, row, place_in_row in found["files"]["d/b.py"]:
        assert code[line - 1][column - 1 :].split() == document[row - 1][place_in_row - 1 :].split()
    assert len(found["files"]["d/b.py"]) == 5


@pytest.mark.parametrize(("asked", "answer"), [
    ("generated/d/b.py:2", "w.md:{return g()}:5: §2, ⟨d/b.py⟩"),
    ("generated/d/b.py:2:12", "w.md:{return g()}:12: §2, ⟨d/b.py⟩"),
    ("generated/d/b.py:3", "w.md:{return g()}:5: §2, ⟨d/b.py⟩"),
    ("generated/d/b.py:7:9", "w.md:{2 / 0)}:9: §3, ⟨G⟩"),
    ("./generated/../generated/a.c:8", "w.md:{/* A comment}:1: §2, ⟨Print⟩"),
    ("w.md:{2 / 0)}", "generated/d/b.py:7:9: ⟨G⟩"),
    ("w.md:{7}", "generated/a.c:9:8: ⟨Seven⟩\ngenerated/a.c:15:19: ⟨Seven⟩"),
])
def test_where(place: Path, capsys: pytest.CaptureFixture[str], asked: str, answer: str) -> None:
    def number(text: str) -> str:
        return re.sub(r"\{(.*)\}", lambda found: str(line_of(found[1])), text)

    capsys.readouterr()
    assert tangle.main(["w.md", "where", number(asked)]) == 0
    assert capsys.readouterr().out == number(answer) + "\n"
    assert tangle.main(["where", number(asked), "w.md"]) == 0


@pytest.mark.parametrize(("asked", "answer"), [
    ("5", ["2:5: ⟨Deep⟩"]), ("6", ["4:1: ⟨Deep⟩"]), ("4:16", ["1:16: ⟨Limit⟩"]),
    ("11", ["2:5: ⟨Deep⟩", "4:1: ⟨Deep⟩"]), ("4", ["1:1: ⟨a.py⟩"])])
def test_where_a_reference_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    asked: str, answer: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fence = "```\n\n```python\n# "
    Path("w.md").write_text(
        "# T\n```python\n# ⟨a.py⟩≡\nfor n in range(⟨Limit⟩):\n    ⟨Print⟩\n⟨Print⟩\n"
        f"{fence}⟨Print⟩≡\n⟨Deep⟩\nprint(n)\n{fence}⟨Deep⟩≡\npass\n{fence}⟨Limit⟩≡\n31\n```\n")
    assert tangle.main(["w.md", "where", f"w.md:{asked}"]) == 0
    assert capsys.readouterr().out == "".join(f"generated/a.py:{line}\n" for line in answer)


@pytest.mark.parametrize(("asked", "complaint"), [
    ("generated/b.py:1", "generated/b.py is neither w.md nor one of its files in generated; "
     "did you mean d/b.py?"),
    ("w.md:1", "no output has this line: expected a line of a chunk's code"),
    ("w.md", "not a place: expected FILE:LINE or FILE:LINE:COLUMN"),
    ("generated/a.c:1000", "generated/a.c has no line 1000 of code"),
])
def test_where_there_is_no_answer(
    place: Path, capsys: pytest.CaptureFixture[str], asked: str, complaint: str
) -> None:
    capsys.readouterr()
    assert tangle.main(["w.md", "where", asked]) == 1
    assert capsys.readouterr() == ("", f"{asked}: error: {complaint}\n")


def test_where_in_a_file_that_is_not_fresh_has_no_answer(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("generated/a.c").write_text("edited\n")
    capsys.readouterr()
    assert tangle.main(["w.md", "where", "generated/a.c:1"]) == 1
    assert "generated/a.c is not what w.md means now: tangle first" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_map_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("w.md").write_text("## 1. x\n```\n# ⟨lines.json⟩≡\n{}\n```\n")
    assert tangle.main(["w.md", "--lines", "--out", "o"]) == 1
    assert "w.md:3:3: error: ⟨lines.json⟩ is where --lines puts its map" in capsys.readouterr().err
    assert tangle.main(["w.md", "--out", "o"]) == 0


def test_an_edit_of_a_file_with_line_directives_is_kept(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("build/lines/a.c")
    path.write_text(path.read_text().replace("wrong(here)", "right(here)"))
    capsys.readouterr()
    assert tangle.main(["w.md", "--lines", "--out", "build/lines"]) == 1
    line = line_of("wrong(here);")
    assert capsys.readouterr().err.startswith(
        f"w.md:{line}:1: error: build/lines/a.c was edited since it was tangled: ")
