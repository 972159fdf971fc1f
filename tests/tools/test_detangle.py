"""The way back: edits of tangled files are taken into the web, or refused, and nothing is lost."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from webs import draw_web, needs_links

from commonweb import tangle
from commonweb.web import Web

WEB = """\
# 1. One
Prose of one.
```python
# ⟨a.py⟩≡
def first():
    ⟨Say it⟩

for n in range(⟨Limit⟩):
    pass
```
## 2. Two
Prose of two.
```python
# ⟨Say it⟩≡
text = \"\"\"of
several lines\"\"\"
return text
```
> - Prose in a list.
>   ```
>   # ⟨Limit⟩≡
>   31
>   ```
""".replace("# 1.", "## 1.")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a web that was tangled."""
    monkeypatch.chdir(tmp_path)
    Path("w.md").write_text(WEB)
    assert tangle.main(["w.md"]) == 0
    return tmp_path


def edit(path: str, *pairs: tuple[str, str]) -> None:
    text = Path(path).read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    Path(path).write_text(text)


def taken(capsys: pytest.CaptureFixture[str], *pairs: tuple[str, str], file: str = "a.py",
          web: str = WEB) -> list[str]:
    """What is said when the edits are taken, after which the web is the old one with these pairs,
    and the file is as it was edited."""
    edited = Path("generated", file).read_text()
    capsys.readouterr()
    assert tangle.main(["w.md", "--detangle"]) == 0
    for old, new in pairs:
        assert old in web
        web = web.replace(old, new)
    assert Path("w.md").read_text() == web
    assert Path("generated", file).read_text() == edited
    said = capsys.readouterr().out.splitlines()
    assert tangle.main(["w.md", "--detangle"]) == 0  # twice is once
    assert Path("w.md").read_text() == web
    return said


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Why the edits are not taken, which leaves all files as they are."""
    files = [path for path in Path().rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    capsys.readouterr()
    assert tangle.main(["w.md", "--detangle", *options]) == 1
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
    return "\n".join(line for line in capsys.readouterr().err.splitlines() if "error:" in line)


# What is taken.

def test_an_edit_goes_to_the_part_that_wrote_the_lines_less_their_indentation(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", ("    return text\n", "    if text:\n        return ⟨text⟩\n"),
         ("    pass\n", "    print(n)\n    pass\n"))
    assert taken(capsys, ("return text\n", "if text:\n    return ⟨⟨text⟩\n"),
                 ("    pass\n", "    print(n)\n    pass\n")) == [
        "w.md:9: took generated/a.py:8", "w.md:18: took generated/a.py:4",
        "1 unchanged in generated"]


def test_strings_of_several_lines_keep_their_lines(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", ("several lines", "many\n    more lines"),
         ("    return text", "    other = '''\nhere'''\n    return text + other"))
    taken(capsys, ("several lines", "many\n    more lines"),
          ("return text", "other = '''\nhere'''\nreturn text + other"))


def test_an_edit_beside_a_reference_in_its_line_goes_to_who_wrote_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", ("range(31)", "range(32)"))
    taken(capsys, (">   31\n", ">   32\n"))
    edit("generated/a.py", ("for n in", "for number in"))
    taken(capsys, (">   31\n", ">   32\n"), ("for n in", "for number in"))


def test_containers_of_a_block_are_written_before_its_new_lines(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = WEB.replace("31\n", "31 +\n>\n>   1 +\n>   2\n")
    Path("w.md").write_text(web)
    assert tangle.main(["w.md"]) == 0
    edit("generated/a.py", ("               1 +\n", "               1 +\n\n               3 +\n"))
    taken(capsys, (">   1 +\n", ">   1 +\n>\n>   3 +\n"), web=web)


def test_lines_that_may_stand_at_several_places_go_between_lines_of_one_part(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", ("for n", "second()\n\nfor n"))
    taken(capsys, ("for n", "second()\n\nfor n"))


def test_added_lines_go_to_the_neighbour_whose_indentation_they_have(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", ("def first():\n", "def first():\n    # of first\n"))
    taken(capsys, ("text = ", "# of first\ntext = "))


def test_a_chunk_used_twice_takes_an_edit_that_was_made_twice(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = WEB.replace("    pass", "    ⟨Say it⟩")
    Path("w.md").write_text(web)
    assert tangle.main(["w.md"]) == 0
    edit("generated/a.py", ("return text", "return None"))
    taken(capsys, ("return text", "return None"), web=web)
    path = Path("generated/a.py")
    path.write_text(path.read_text().replace("return None", "return 0", 1))
    assert refused(capsys) == (
        f"w.md:14:1: error: ⟨Say it⟩ stands at {path}:2 and at {path}:7, but not "
        "with the same edits: expected them alike")


def test_ends_of_lines_and_the_byte_order_mark_stay_what_they_are(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ("\ufeff" + WEB.replace("\n", "\r\n")).encode()
    Path("w.md").write_bytes(before)
    assert tangle.main(["w.md", "--detangle"]) == 0
    assert Path("w.md").read_bytes() == before
    edit("generated/a.py", ("return text", "return None\n    # and this"))
    assert tangle.main(["w.md", "--detangle"]) == 0
    assert Path("w.md").read_bytes() == before.replace(b"return text", b"return None\r\n# and this")


def test_lines_that_tell_compilers_of_the_web_are_no_edit(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "## 1. x\n```c\n// ⟨a.c⟩≡\nint a;\n⟨More⟩\nint c;\n```\n```c\n// ⟨More⟩≡\nint b;\n```\n"
    Path("w.md").write_text(text)
    assert tangle.main(["w.md", "--lines", "--out", "lines"]) == 0
    edit("lines/a.c", ("int b;\n", "int b;\nint b2;\n"))
    assert refused(capsys, "--lines", "--out", "lines") == (
        "w.md:10:1: error: lines/a.c:5: what is added there may belong to ⟨More⟩ (line 10) or to "
        "⟨a.c⟩ (line 6): expected it in one of them by hand")
    edit("lines/a.c", ("int b;\nint b2;\n", "int b1;\nint b2;\n"))
    assert tangle.main(["w.md", "--lines", "--out", "lines", "--detangle"]) == 0
    assert Path("w.md").read_text() == text.replace("int b;\n", "int b1;\nint b2;\n")
    assert tangle.main(["w.md", "--lines", "--out", "lines", "--check"]) == 0


# What the web has changed meanwhile.

def test_what_both_sides_changed_is_merged(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("merge3")
    edit("generated/a.py", ("return text", "return None"))
    edit("w.md", ("Prose of one.\n", "Other prose.\n\nOf two paragraphs.\n"), ("31", "32"))
    now = Path("w.md").read_text()
    assert tangle.main(["w.md", "--detangle"]) == 0
    assert Path("w.md").read_text() == now.replace("return text", "return None")
    text = Path("generated/a.py").read_text()
    assert "return None" in text and "range(32)" in text
    assert tangle.main(["w.md", "--check"]) == 0


def test_a_line_that_both_sides_changed_is_a_conflict_with_both_places(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("merge3")
    edit("generated/a.py", ("return text", "return None"))
    edit("w.md", ("Prose of one.\n", "Prose\nof one.\n"), ("return text", "return 0"))
    assert refused(capsys) == (
        "w.md:18:1: error: the web has changed here, and so has generated/a.py:4: expected one of "
        "both, or both by hand")


def test_without_its_library_nothing_is_merged_but_edits_are_taken(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "merge3", None)
    edit("generated/a.py", ("return text", "return None"))
    taken(capsys, ("return text", "return None"))
    edit("generated/a.py", ("return None", "return 1"))
    edit("w.md", ("Prose of one.\n", "Other prose.\n"))
    assert "pip install 'commonweb[detangle]'" in refused(capsys)


def test_in_a_fresh_clone_edits_are_told_by_what_was_committed(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("git"):
        pytest.skip("no git here")
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "w.md", "generated"], ["commit", "-q", "-m", "one"],
                  ["clone", "-q", ".", "clone"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.chdir("clone")
    edit("generated/a.py", ("return text", "return None"))
    subprocess.run([*git, "commit", "-q", "-a", "-m", "an edit"], check=True)
    edit("generated/a.py", ("return None", "return 1"))
    taken(capsys, ("return text", "return 1"))


def test_what_was_tangled_must_be_known(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree("build")
    edit("generated/a.py", ("return text", "return None"))
    assert refused(capsys) == (
        "w.md:4:1: error: generated/a.py is not known to be tangled, and from what is not known: "
        "expected the record of it in build/tangled, or a commit")


# What cannot be decided.

@pytest.mark.parametrize("old, new, message", [
    ("    return text\n\n", "    return 1\n# a\n# b\n", "goes across a seam"),
    ("range(31)", "list([31])", "is at a seam or goes across one"),
    ("for n in range(31):\n", "", "a line that several places of the web are put together in"),
    ("    return text\n", "  return text\n", "is not indented as what ⟨Say it⟩ stands for"),
    ("    return text\n", "    \n", "has nothing but blanks"),
    ("    pass\n", "    pass", "ends within a line"),
    ("    pass\n", "```\n", "the edits would make this"),
    ("    pass\n", "    pass\r# x\n", "has a character that no web can have"),
])
def test_what_cannot_be_decided_is_an_error_and_nothing_is_written(
    place: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    path = Path("generated/a.py")
    text = path.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())
    error = refused(capsys)
    assert message in error
    assert re.match(r"w\.md:\d+:1: error: ", error)


def test_bytes_that_are_not_utf_8_are_not_taken(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("generated/a.py")
    path.write_bytes(path.read_bytes() + b"\xff\n")
    assert "generated/a.py:8 has a character that no web can have" in refused(capsys)


@needs_links
def test_a_web_behind_a_link_is_not_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", ("return text", "return None"))
    Path("w.md").rename("other.md")
    Path("w.md").symlink_to("other.md")
    assert "is a link: expected" in refused(capsys)


def test_names_that_the_edits_should_declare_are_told_in_the_new_web(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web = WEB.replace("text = ", "text = name + ").replace("first()", "first(name)").replace(
        "# ⟨Say it⟩≡\n", "# ⟨Say it⟩≡\n#| captures: name\n")
    Path("w.md").write_text(web)
    assert tangle.main(["w.md", "--force"]) == 0
    edit("generated/a.py", ("first(name)", "first(name, more)"), ("return text", "return more"))
    edited = Path("generated/a.py").read_text()
    capsys.readouterr()
    assert tangle.main(["w.md", "--detangle"]) == 1
    assert "w.md:18:8: error: " in capsys.readouterr().err
    assert "return more" in Path("w.md").read_text()
    edit("w.md", ("captures: name", "captures: name, more"))
    assert tangle.main(["w.md"]) == 0
    assert Path("generated/a.py").read_text() == edited


# Laws.

def check_laws(data: st.DataObject, folder: str) -> str:
    """Random edits of what a random web means are taken or refused, and the laws are held."""
    text, _ = draw_web(data)
    path, out = Path(folder, "w.md"), Path(folder, "out")
    path.write_text(text)
    words = [str(path), "--out", str(out)]
    assert tangle.main(words) == 0
    before, meant = path.read_bytes(), {file: file.read_bytes() for file in out.iterdir()}
    assert tangle.main([*words, "--detangle"]) == 0
    assert path.read_bytes() == before  # no edit, no byte
    scraps = st.sampled_from(["a = 1", "b", "⟨", "⟨N1⟩", "'''", "# c", "", " ", "x = ⟨⟨"])
    edited = dict(meant)
    for file in data.draw(st.lists(st.sampled_from(sorted(meant)), unique=True, min_size=1)):
        lines = meant[file].decode().split("\n")[:-1]
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(lines)))
            near = lines[min(at, len(lines) - 1)] if lines else ""
            lead = near[: len(near) - len(near.lstrip())]
            new = [lead + data.draw(scraps) for _ in range(data.draw(st.integers(0, 2)))]
            lines[at : at + data.draw(st.integers(0, 2))] = new
        edited[file] = "".join(f"{line}\n" for line in lines).encode()
    for file, content in edited.items():
        file.write_bytes(content)
    if importlib.util.find_spec("merge3") and data.draw(st.booleans()):  # the web changes, too
        text = text.replace("\nprose\n", "\nother prose\n\nand more\n")
        path.write_text(text)
        before = path.read_bytes()
    prose = prose_of(text)
    status = tangle.main([*words, "--detangle"])
    if status:
        assert path.read_bytes() == before
        assert {file: file.read_bytes() for file in out.iterdir()} == edited
        return "refused"
    assert {file: file.read_bytes() for file in out.iterdir()} == edited
    after = path.read_bytes()
    assert prose_of(after.decode()) == prose
    assert (after != before) == (edited != meant)
    assert tangle.main([*words, "--detangle"]) == 0
    assert path.read_bytes() == after
    assert {file: file.read_bytes() for file in out.iterdir()} == edited
    for file in edited:
        file.unlink()
    assert tangle.main(words) == 0
    assert {file: file.read_bytes() for file in out.iterdir()} == edited
    return "taken" if edited != meant else "nothing"


def prose_of(text: str) -> list[str]:
    """The lines of a web without its code, but with the lines around that."""
    lines = text.split("\n")
    web = Web(text.encode())
    code = {part.place(row)[0] for part in web.parts for row in range(part.rows)}
    return [line for number, line in enumerate(lines, 1) if number not in code]


@given(st.data())
@settings(max_examples=60)
def test_edits_are_taken_whole_or_not_at_all(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        event(check_laws(data, folder))
