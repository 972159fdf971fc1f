"""Webs of several documents: one program, and places that say which document."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from commonweb import tangle
from commonweb.documents import joined, parted
from commonweb.web import Web

ONE = """\
# One
Prose.
```python
# ⟨a.py⟩≡
def first():
    ⟨Say it⟩
```
"""
TWO = """\
# Two
```python
# ⟨Say it⟩≡
return 1
```
```c
// ⟨b.c⟩≡
int b;
```
"""
needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="no tomllib in this Python")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("one.md").write_text(ONE)
    Path("two.md").write_text(TWO)
    return tmp_path


def errors(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    capsys.readouterr()
    assert tangle.main(["one.md", "two.md", *words]) == 1
    return [line for line in capsys.readouterr().err.splitlines() if "error:" in line]


def test_several_documents_are_one_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert tangle.main(["one.md", "two.md"]) == 0
    assert Path("generated/a.py").read_text() == "def first():\n    return 1\n"
    assert tangle.main(["one.md", "two.md"]) == 0
    assert capsys.readouterr().out.endswith("2 unchanged in generated\n")
    assert tangle.main(["one.md", "two.md", "--dump"]) == 0
    sections = json.loads(capsys.readouterr().out)["sections"]
    assert [section["title"] for section in sections] == ["One", "Two"]
    assert tangle.main(["two.md"]) == 1  # one alone is another web
    assert tangle.main(["one.md", "two.md", "--check"]) == 0


def test_places_say_which_document(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.md").write_text(TWO.replace("return 1", "⟨Missing⟩") + "```\n# ⟨a.py⟩≡\n```\n\0")
    assert errors(capsys) == [
        "two.md:4:1: error: ⟨Missing⟩ is not defined",
        "two.md:11:3: error: ⟨a.py⟩≡ a second time, the first is in one.md:4: expected ⟨a.py⟩+≡",
        "two.md:13:1: error: a NUL character"]
    Path("two.md").write_text(TWO.replace("int b;", "int b;\n⟨Missing"))
    assert errors(capsys)[0].startswith("two.md:9:1: error: unclosed ⟨")
    os.remove("two.md")
    assert errors(capsys) == [
        "two.md:1:1: error: cannot be read: No such file or directory; did you mean one.md?"]


@pytest.mark.parametrize("open_end", ["```\n", "<!-- ", "> - ", "---\n", "| a |", "Text\n"])
def test_nothing_that_a_document_leaves_open_goes_on_in_the_next(open_end: str) -> None:
    Path("one.md").write_text(ONE + open_end)
    web = Web(joined([(path, Path(path).read_bytes()) for path in ("one.md", "two.md")]))
    assert [part.name for part in web.parts] == ["a.py", "Say it", "b.c"]
    assert [web.place(part.line) for part in web.parts] == [
        ("one.md", 4), ("two.md", 3), ("two.md", 7)]


def test_front_matter_is_none_of_any_document() -> None:
    Path("two.md").write_text("---\ntitle: x\n---\n" + TWO)
    assert tangle.main(["one.md", "two.md"]) == 0


def test_each_line_is_found_in_its_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert tangle.main(["one.md", "two.md", "--lines"]) == 0
    assert '#line 8 "two.md"\nint b;' in Path("generated/b.c").read_text()
    table = json.loads(Path("generated/lines.json").read_text())
    assert table["web"] == ["one.md", "two.md"]
    assert table["files"]["a.py"] == [[1, 1, 5, 1, 0], [2, 5, 4, 1, 1]]
    assert tangle.main(["one.md", "two.md", "--force"]) == 0
    for asked, said in (("generated/a.py:2", "two.md:4:1: §2, ⟨Say it⟩\n"),
                        ("two.md:4", "generated/a.py:2:5: ⟨Say it⟩\n"),
                        ("one.md:5", "generated/a.py:1:1: ⟨a.py⟩\n")):
        capsys.readouterr()
        assert tangle.main(["one.md", "two.md", "where", asked]) == 0
        assert capsys.readouterr().out == said


def test_edits_go_into_the_document_that_they_are_of(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.md").write_text(TWO[:-1])  # its last line is not ended
    assert tangle.main(["one.md", "two.md"]) == 0
    path = Path("generated/a.py")
    path.write_text(path.read_text().replace("return 1", "return 2"))
    assert errors(capsys) == [
        "two.md:4:1: error: generated/a.py was edited since it was tangled: line 2 is not what §2 "
        "says here; --detangle takes the edit into the web, --force loses it"]
    before = os.stat("one.md").st_mtime_ns
    assert tangle.main(["one.md", "two.md", "--detangle"]) == 0
    assert capsys.readouterr().out == "two.md:4: took generated/a.py:2\n2 unchanged in generated\n"
    assert Path("two.md").read_text() == TWO[:-1].replace("return 1", "return 2")
    assert os.stat("one.md").st_mtime_ns == before
    pytest.importorskip("merge3")
    path.write_text(path.read_text().replace("return 2", "return 3"))
    Path("one.md").write_text("\n" + ONE)
    assert tangle.main(["one.md", "two.md", "--detangle"]) == 0
    assert Path("one.md").read_text() == "\n" + ONE
    assert Path("two.md").read_text() == TWO[:-1].replace("return 1", "return 3")


def test_no_output_replaces_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.md").write_text(TWO.replace("b.c", "two.md"))
    assert errors(capsys, "--out", ".") == [
        "two.md:7:4: error: ⟨two.md⟩ would replace the web itself"]


@needs_toml
def test_documents_are_listed_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text('[tool.commonweb]\ndocuments = ["one.md", "two.md"]\n')
    assert tangle.main([]) == 0
    assert tangle.main(["one.md", "two.md", "--check"]) == 0
    assert tangle.main(["two.md"]) == 1  # what is named is all


@pytest.mark.parametrize("text, message", [
    (None, "no web is named: expected one, or documents"),
    ("[tool.other]\n", "no web is named"),
    ("[tool.commonweb]\ndocuments = 1\n", "expected documents as a list of files in its folder"),
    ("[tool.commonweb]\ndocuments = ['../w.md']\n", "expected documents as a list"),
    ("[tool.commonweb]\ndocuments = ['/w.md']\n", "expected documents as a list"),
    ("[tool.commonweb]\ndocuments = ['--force']\n", "expected documents as a list"),
    ("[tool.commonweb\n", "pyproject.toml: "),
])
def test_without_a_web_it_says_how_to_name_one(
    text: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if text:
        Path("pyproject.toml").write_text(text)
        if "commonweb" in text and sys.version_info < (3, 11):
            message = "pyproject.toml is read by Python 3.11 or later"
    assert tangle.main([]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("words, message", [
    (["one.md", "./one.md"], "a document is named twice"),
    (["one.md", "-"], "expected standard input alone"),
    (["one.md", "other/two.md"], "expected the documents of a web in one folder"),
    (["one.md", "two\n.md"], "is no name of a document"),
])
def test_documents_that_are_none_together_are_wrong_usage(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tangle.main(words) == 2
    assert message in capsys.readouterr().err


def test_a_document_cannot_pretend_to_be_several() -> None:
    text = joined([("a.md", b"x\n"), ("b.md", b"y")])
    assert [name for name, _ in parted(text)] == ["a.md", "b.md"]
    assert Web(joined([("a.md", text)])).documents[1:] == []
    assert [name for name, _ in parted(joined([("c.md", text), ("d.md", b"")]))] == ["c.md", "d.md"]
