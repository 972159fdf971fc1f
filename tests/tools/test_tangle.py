"""What a web is tangled to, what is refused, and how the files are written."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webs import TANGLE, draw_web, needs_links, needs_posix

from commonweb import expansion, outputs, tangle
from commonweb.web import Web

Snapshot = dict[str, tuple[bytes, int, int]]


def files(text: str) -> dict[str, str]:
    """The files of a web that has no problems."""
    web = Web(text.encode())
    assert web.problems + outputs.check_names(web) == []
    found = expansion.tangle(web)
    assert web.problems == []
    return {name: data.decode() for name, data in found.items()}


def web_of(*chunks: str, language: str = "python") -> str:
    """A web of one section for each chunk, given as header and code."""
    text = ""
    for number, chunk in enumerate(chunks, 1):
        name, _, code = chunk.partition("\n")
        text += f"## {number}. x\n```{language}\n# ⟨{name}\n{code}\n```\n"
    return text


# Expansion.

def test_indentation_passes_to_every_line_but_empty_ones() -> None:
    text = web_of("a.py⟩≡\nif x:\n    ⟨B⟩\n\ty\n \t⟨C⟩", "B⟩≡\na\n\n  ⟨C⟩", "C⟩≡\nc\n d")
    assert files(text) == {"a.py": "if x:\n    a\n\n      c\n       d\n\ty\n \tc\n \t d\n"}


def test_inside_a_line_a_chunk_goes_on_at_the_references_column() -> None:
    text = web_of("a.py⟩≡\n\tx = f(⟨B⟩, ⟨C⟩) + 1\n\tend", "B⟩≡\na,\n\nb", "C⟩≡\nc,\nd")
    assert files(text) == {"a.py": "\tx = f(a,\n\n\t      b, c,\n\t         d) + 1\n\tend\n"}


def test_a_reference_alone_to_nothing_leaves_an_empty_line() -> None:
    assert files("## 1. x\n```\n# ⟨a.x⟩≡\na\n  ⟨B⟩  \nb\n```\n```\n# ⟨B⟩≡\n```\n") == {
        "a.x": "a\n\nb\n"}


def test_a_multi_line_string_keeps_its_lines() -> None:
    text = web_of("a.py⟩≡\nif x:\n    ⟨B⟩\n    z = ⟨C⟩",
                  'B⟩≡\ns = """\na\n\n  b"""\ny',
                  "C⟩≡\n'p\\\nq', (\nr)")
    assert files(text) == {"a.py": 'if x:\n    s = """\na\n\n  b"""\n    y\n'
                           "    z = 'p\\\nq', (\n        r)\n"}


def test_a_reference_in_a_multi_line_string_gets_no_indentation() -> None:
    text = web_of('a.py⟩≡\nif x:\n    ⟨B⟩', 'B⟩≡\ns = """\n  ⟨C⟩ """\nt', "C⟩≡\na\n  ⟨D⟩",
                  "D⟩≡\nd\ne")
    assert files(text) == {"a.py": 'if x:\n    s = """\n  a\n  d\n  e """\n    t\n'}


def test_a_string_may_go_on_in_the_next_part() -> None:
    text = web_of('a.py⟩≡\n  ⟨B⟩', 'B⟩≡\nx = """', 'B⟩+≡\na\n"""\nb')
    assert files(text) == {"a.py": '  x = """\na\n"""\n  b\n'}


def test_strings_of_c_and_of_other_languages() -> None:
    code = 'char *s = "a\\\nb";'
    assert files(web_of("a.c⟩≡\n  ⟨B⟩", f"B⟩≡\n{code}", language="c")) == {
        "a.c": '  char *s = "a\\\nb";\n'}
    assert files(web_of("a.txt⟩≡\n  ⟨B⟩", f"B⟩≡\n{code}", language="text")) == {
        "a.txt": '  char *s = "a\\\n  b";\n'}


def test_parts_follow_each_other_and_declarations_are_left_out() -> None:
    text = web_of("a.py⟩≡\na\n", "B⟩≡\n#| exports: b\nb", "a.py⟩+≡\n#| captures: b\n⟨B⟩", "B⟩+≡\nc")
    assert files(text) == {"a.py": "a\n\nb\nc\n"}


def test_a_doubled_bracket_is_a_literal_one_and_a_closing_one_is_itself() -> None:
    assert files(web_of("a.py⟩≡\n⟨⟨x⟩ ⟩⟩ ⟨B⟩⟩", "B⟩≡\n⟨⟨")) == {"a.py": "⟨x⟩ ⟩⟩ ⟨⟩\n"}


def test_an_empty_chunk_makes_an_empty_file() -> None:
    text = "## 1. x\n```\n# ⟨a.x⟩≡\n```\n```\n# ⟨b.x⟩≡\n\n```\n"
    assert files(text) == {"a.x": "", "b.x": "\n"}


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_tangling_is_the_plain_recursive_expansion(data: st.DataObject) -> None:
    text, chunks = draw_web(data)
    expected = {name: "".join(line + "\n" for line, _ in plain(chunks, name))
                for name in chunks if "." in name}
    assert files(text) == expected
    assert files(text.replace("\n", "\r\n")) == expected
    assert files(text.replace("\n", "\r")) == expected


def plain(chunks: dict[str, list[str]], name: str) -> list[tuple[str, bool]]:
    """The lines of an expansion, and whether each begins inside a string; by recursion."""
    code = "\n".join(chunks[name])
    blanked = re.sub(r"⟨⟨|⟨[^⟨⟩\n]*⟩", lambda match: "_" * len(match[0]), code)
    quoted = [False] * (len(code) + 1)
    strings = r"(?s)#[^\n]*|('''|\"\"\")(.*?)(\1|\Z)|'[^'\n]*'?|\"[^\"\n]*\"?"
    for match in re.finditer(strings, blanked):
        if match[1]:
            for at in range(match.start() + 1, match.end() + (not match[3])):
                quoted[at] = True
    result: list[tuple[str, bool]] = []
    at = 0
    for source in chunks[name]:
        lines = [("", quoted[at])]
        blanks = ""  # as wide as the current line, its own leading tabs kept
        alone = re.fullmatch(r"([ \t]*)⟨(\w[^⟨⟩]*)⟩[ \t]*", source)
        if alone and not quoted[at + len(alone[1])]:
            lines = [(alone[1] + line if line and not inside else line, inside)
                     for line, inside in plain(chunks, alone[2]) or [("", False)]]
        else:
            for match in re.finditer(r"⟨⟨|⟨([^⟨⟩]*)⟩|[^⟨]+", source):
                if not match[1]:
                    text = match[0].replace("⟨⟨", "⟨")
                    lead = "" if blanks else text[: len(text) - len(text.lstrip(" \t"))]
                    blanks += lead + " " * (len(text) - len(lead))
                    lines[-1] = (lines[-1][0] + text, lines[-1][1])
                    continue
                first, *more = plain(chunks, match[1]) or [("", False)]
                lines[-1] = (lines[-1][0] + first[0], lines[-1][1])
                for line, inside in more:
                    stays = quoted[at + match.start()] or inside
                    lines.append((blanks + line if line and not stays else line, stays))
                if more:
                    kept = "" if stays or not line else blanks
                    blanks = kept + " " * len(line)
                else:
                    blanks += " " * len(first[0])
        result += lines
        at += len(source) + 1
    return result


def test_ten_thousand_levels() -> None:
    depth = 10000
    chunks = [f"N{i}⟩≡\na{i}\n⟨N{i + 1}⟩\nb{i}" for i in range(depth)]
    text = web_of("a.py⟩≡\n⟨N0⟩", *chunks, f"N{depth}⟩≡\nend")
    lines = [f"a{i}" for i in range(depth)] + ["end"] + [f"b{i}" for i in reversed(range(depth))]
    assert files(text) == {"a.py": "\n".join(lines) + "\n"}


@pytest.mark.parametrize("glue", ["\n", "", "  x  "])
def test_a_web_that_doubles_sixty_times_is_refused(glue: str) -> None:
    chunks = [f"N{i}⟩≡\n⟨N{i + 1}⟩{glue}⟨N{i + 1}⟩" for i in range(60)]
    web = Web(web_of("a.py⟩≡\n⟨N0⟩", *chunks, "N60⟩≡\n1").encode())
    with pytest.raises(expansion.TooLarge) as caught:
        expansion.tangle(web)
    problem = caught.value.problem
    assert (problem.line, problem.column) == (3, 3)
    assert re.fullmatch(r"⟨a\.py⟩ grows too large: more than 256 MiB in all outputs; "
                        r"⟨N\d\d⟩ alone has more", problem.message)


def test_nothing_doubled_sixty_times_is_nothing() -> None:
    chunks = [f"N{i}⟩≡\n⟨N{i + 1}⟩⟨N{i + 1}⟩" for i in range(60)]
    text = web_of("a.py⟩≡\n  ⟨N0⟩\nx", *chunks) + "```\n# ⟨N60⟩≡\n```\n"
    assert files(text) == {"a.py": "\nx\n"}


def test_indentation_that_grows_is_counted() -> None:
    chunks = [f"N{i}⟩≡\n{' ' * 1000}⟨N{i + 1}⟩\n⟨N{i + 1}⟩" for i in range(20)]
    web = Web(web_of("a.py⟩≡\n⟨N0⟩", *chunks, "N20⟩≡\n1").encode())
    with pytest.raises(expansion.TooLarge):
        expansion.tangle(web)


# The command.

GOOD = ("## 1. x\n```py\n# ⟨a.py⟩≡\n⟨B⟩\n```\n## 2. y\n```py\n# ⟨B⟩≡\nb\n```\n"
        "```c\n// ⟨d/e.c⟩≡\n```\n")


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """A working folder where something was tangled before."""
    monkeypatch.chdir(tmp_path)
    for path in ("sockets.md", "w.md"):
        (tmp_path / path).write_text(web_of("a.py⟩≡\nold"))
        assert tangle.main([path]) == 0
        (tmp_path / path).unlink()
    capsys.readouterr()
    os.utime(tmp_path / "generated/a.py", (1, 1))
    return tmp_path


def snapshot(folder: Path) -> Snapshot:
    found: Snapshot = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        found[str(path)] = data, status.st_mtime_ns if path.is_file() else 0, status.st_ino
    return found


def fails(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, *expected: str
) -> None:
    """Tangling says exactly this, with status 1, and touches nothing."""
    (folder / "w.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    before = snapshot(folder)
    assert tangle.main(["w.md"]) == 1
    assert snapshot(folder) == before
    captured = capsys.readouterr()
    assert captured.out == ""
    assert messages(captured.err) == [f"w.md:{line}" for line in expected]


def messages(text: str) -> list[str]:
    """The messages without the lines that are shown with them."""
    return [line for line in text.splitlines() if not re.match(r" *\d* \|", line)]


def test_it_writes_and_says_what_it_wrote(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "sockets.md").write_text(GOOD)
    assert tangle.main(["sockets.md"]) == 0
    assert capsys.readouterr().out == "wrote generated/a.py, generated/d/e.c\n"
    assert (place / "generated/a.py").read_text() == "b\n"
    assert (place / "generated/d/e.c").read_bytes() == b""
    assert sorted(os.listdir("generated")) == ["a.py", "d"]
    assert tangle.main(["sockets.md", "--out", "generated"]) == 0
    assert capsys.readouterr().out == "2 unchanged in generated\n"


def test_what_is_unchanged_keeps_its_time(place: Path) -> None:
    (place / "sockets.md").write_text(GOOD)
    (place / "generated/a.py").write_text("b\n")
    os.utime(place / "generated/a.py", (1, 1))
    assert tangle.main(["sockets.md"]) == 0
    assert (place / "generated/a.py").stat().st_mtime == 1


@needs_posix
def test_the_mode_of_a_file_is_kept_and_new_ones_follow_the_umask(place: Path) -> None:
    (place / "sockets.md").write_text(GOOD)
    (place / "generated/a.py").chmod(0o751)
    umask = os.umask(0o027)
    try:
        assert tangle.main(["sockets.md"]) == 0
    finally:
        os.umask(umask)
    assert (place / "generated/a.py").stat().st_mode & 0o777 == 0o751
    assert (place / "generated/d/e.c").stat().st_mode & 0o777 == 0o640


def test_other_files_are_left_alone(place: Path) -> None:
    (place / "sockets.md").write_text(GOOD)
    (place / "generated/other.py").write_text("mine")
    assert tangle.main(["sockets.md"]) == 0
    assert (place / "generated/other.py").read_text() == "mine"


@pytest.mark.parametrize("arguments", [
    ["--nonsense"], ["--out"], ["--out", ""], [""], ["-x", "a"], ["--out="]])
def test_wrong_usage(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    before = snapshot(place)
    assert tangle.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    complaint, usage = captured.err.splitlines()
    assert complaint.startswith("web-tangle: ")
    assert usage == tangle.USAGE.format(program="web-tangle")
    assert snapshot(place) == before


def test_dump(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = GOOD.replace("⟨B⟩≡\n", "⟨B⟩≡\n#| captures: x, y\n#| exports: z\n")
    (place / "w.md").write_text(text + "###### 2A.\n```\n# ⟨B⟩+≡\n⟨⟨\n```\n")
    before = snapshot(place)
    assert tangle.main(["--dump", "w.md"]) == 0
    assert snapshot(place) == before
    output = capsys.readouterr().out
    assert "\\u" not in output
    assert json.loads(output) == {
        "sections": [
            {"number": "1", "title": "x", "depth": 0, "line": 1, "chunks": [
                {"name": "a.py", "kind": "file", "continues": False, "language": "py", "line": 3,
                 "captures": [], "exports": [], "references": ["B"]}]},
            {"number": "2", "title": "y", "depth": 0, "line": 6, "chunks": [
                {"name": "B", "kind": "named", "continues": False, "language": "py", "line": 8,
                 "captures": ["x", "y"], "exports": ["z"], "references": []},
                {"name": "d/e.c", "kind": "file", "continues": False, "language": "c", "line": 14,
                 "captures": [], "exports": [], "references": []}]},
            {"number": "2A", "title": None, "depth": None, "line": 16, "chunks": [
                {"name": "B", "kind": "named", "continues": True, "language": None, "line": 18,
                 "captures": [], "exports": [], "references": []}]},
        ],
        "chunks": {
            "a.py": {"kind": "file", "defined_in": ["1"], "used_in": []},
            "B": {"kind": "named", "defined_in": ["2", "2A"], "used_in": ["1"]},
            "d/e.c": {"kind": "file", "defined_in": ["2"], "used_in": []},
        },
    }


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_dump_tells_what_the_web_says(data: st.DataObject) -> None:
    text, chunks = draw_web(data)
    found = json.loads(tangle.dump(Web(text.encode())))
    parts = [part for section in found["sections"] for part in section["chunks"]]
    assert list(found["chunks"]) == list(chunks)
    for name, lines in chunks.items():
        said = [r for part in parts if part["name"] == name for r in part["references"]]
        assert said == [m for m in re.findall(r"⟨⟨|⟨([^⟨⟩]*)⟩", "\n".join(lines)) if m]
    for part in parts:
        line = text.split("\n")[part["line"] - 1]
        assert line == f"# ⟨{part['name']}⟩{'+' if part['continues'] else ''}≡"


# Errors.

def test_an_undefined_chunk(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("a.py⟩≡\nx\n  y = ⟨Bind the sokcet⟩", "Bind the socket⟩≡\nx",
                                "c.py⟩≡\n⟨Bind the socket⟩ ⟨Zebra⟩"),
          "5:7: error: ⟨Bind the sokcet⟩ is not defined; did you mean ⟨Bind the socket⟩?",
          "15:19: error: ⟨Zebra⟩ is not defined")


def test_an_unused_chunk(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("a.py⟩≡", "Be kind⟩≡", "Makefile⟩≡"),
          "8:3: error: ⟨Be kind⟩ is never used",
          "13:3: error: ⟨Makefile⟩ is never used (a file's name has a suffix or a / and no blanks, "
          "or begins with ./, as in ⟨./Makefile⟩)")


def test_cycles_are_named_once_with_their_whole_path(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(place, capsys, web_of("a.py⟩≡\n⟨A⟩⟨D⟩", "A⟩≡\n⟨B⟩", "B⟩≡\n⟨C⟩", "C⟩≡\n ⟨A⟩⟨A⟩⟨B⟩",
                                "D⟩≡\n⟨D⟩"),
          "19:2: error: a cycle: ⟨A⟩ → ⟨B⟩ → ⟨C⟩ → ⟨A⟩",
          "19:8: error: a cycle: ⟨B⟩ → ⟨C⟩ → ⟨B⟩",
          "24:1: error: a cycle: ⟨D⟩ → ⟨D⟩")


def test_defined_twice(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("a.py⟩≡", "a.py⟩+≡", "a.py⟩≡"),
          "13:3: error: ⟨a.py⟩≡ a second time, the first is in line 3: expected ⟨a.py⟩+≡")


def test_continued_before_defined(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys,
          web_of("Make it so⟩≡", "a.py⟩+≡\n⟨Make it so⟩", "Make it  now⟩+≡", "a.py⟩≡"),
          "8:3: error: ⟨a.py⟩+≡ continues nothing: expected ⟨a.py⟩≡ the first time",
          "13:3: error: ⟨Make it now⟩+≡ continues nothing: expected ⟨Make it now⟩≡ the first time"
          "; did you mean ⟨Make it so⟩?")


def test_a_reference_to_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("a.py⟩≡\n1 ⟨b.py⟩", "b.py⟩≡"),
          "4:3: error: ⟨b.py⟩ is a file, not to be referred to")


def test_two_languages(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ("# x\n  ```\n  # ⟨a.py⟩≡\n  ```\n```Python\n# ⟨a.py⟩+≡\n```\n"
            " - ~~~ c\n   # ⟨a.py⟩+≡\n   ~~~\n")
    fails(place, capsys, text, "8:4: error: ⟨a.py⟩ is in c here, but in python in line 5")


def test_a_fence_that_is_not_closed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, "# x\n> ```\n> # ⟨a.py⟩≡\n\n  ~~~~\n# ⟨b.py⟩≡\n~~~\n",
          "2:3: error: unclosed fence: expected a line ``` after it, in the same list or quote",
          "5:3: error: unclosed fence: expected a line ~~~~ after it, in the same list or quote")


def test_a_chunk_before_the_first_section(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, "# x\n```\n# ⟨a.py⟩≡\n⟨B⟩\n```\n## 1. x\n```\n# ⟨B⟩≡\n```\n",
          "3:3: error: ⟨a.py⟩ stands before the first section: expected a heading above it")


def test_a_web_without_files(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = ("1:1: error: no chunk of this web is a file, so there is nothing to write: "
               "expected a name like ⟨hello.py⟩")
    fails(place, capsys, "", message)
    fails(place, capsys, "# x\n```\na\n```\n", message)


def test_bytes_that_are_not_utf8_and_nul(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, "# ⟨é".encode() + b"\xff\xfe\r\nx\0\r" + GOOD.encode() + b"\xe2\x9f",
          "1:5: error: byte 0xFF is not UTF-8",
          "2:2: error: a NUL character",
          "16:1: error: byte 0xE2 is not UTF-8")


def test_control_characters_in_names(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("a.py⟩≡\n x⟨B\x1b[1m⟩", "B\x1b[1m⟩≡", "c\x7f.py⟩≡"),
          "4:5: error: a control character in a name",
          "8:5: error: a control character in a name",
          "13:5: error: a control character in a name")


RELATIVE = "leads out of the output folder: expected a relative path, its parts joined by /"
PLAIN = "is not a plain path: expected parts that are neither empty nor . between single /"
PRIVATE = "where version control keeps what it runs: expected another folder"


@pytest.mark.parametrize(("name", "message"), [
    ("../a.py", "leads out of the output folder: expected a path without .."),
    ("d/../../a.py", "leads out of the output folder: expected a path without .."),
    ("/tmp/a.py", RELATIVE),
    ("C:a.py", RELATIVE),
    ("d\\a.py", RELATIVE),
    ("d//a.py", PLAIN),
    ("d/./a.py", PLAIN),
    ("a/", PLAIN),
    ("~/a.py", RELATIVE),
    ("~root/a.py", RELATIVE),
    ("d/" + "x" * 5000, "is longer than any system's paths: expected at most 4096 characters"),
    (".git/config", f"leads into .git, {PRIVATE}"),
    ("d/.GiT/hooks/post-checkout", f"leads into .GiT, {PRIVATE}"),
    ("d/.git", f"leads into .git, {PRIVATE}"),
    (".git./a", f"leads into .git., {PRIVATE}"),
    ("GIT~1/a", f"leads into GIT~1, {PRIVATE}"),
    (".\uff47it/a", f"leads into .\uff47it, {PRIVATE}"),
    (".hg/hgrc", f"leads into .hg, {PRIVATE}"),
])
def test_names_that_are_no_plain_path(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, message: str
) -> None:
    fails(place, capsys, web_of("x.py⟩≡", f"{name}⟩≡"), f"8:3: error: ⟨{name}⟩ {message}")


@pytest.mark.parametrize("name", [".github/a.yml", ".gitignore", "d/.gitattributes", "git/a.py",
                                  "a.git", "~a.py", "a~/b.py", "\u00fc/\u4e2d.py", "CON.txt"])
def test_names_that_are_nothing_special(name: str) -> None:
    assert files(web_of(f"{name}⟩≡\nx")) == {name: "x\n"}


@pytest.mark.parametrize(("character", "called"), [
    ("\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE)"), ("\u2067", "U+2067 (RIGHT-TO-LEFT ISOLATE)"),
    ("\u061c", "U+061C (ARABIC LETTER MARK)"), ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
    ("\ufeff", "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"), ("\u00ad", "U+00AD (SOFT HYPHEN)"),
    ("\u3164", "U+3164 (HANGUL FILLER)"), ("\U000e0061", "U+E0061 (TAG LATIN SMALL LETTER A)"),
    ("\u034f", "U+034F (COMBINING GRAPHEME JOINER)"), ("\u200c", "U+200C (ZERO WIDTH NON-JOINER)"),
    ("\u200d", "U+200D (ZERO WIDTH JOINER)"), ("\ufe0f", "U+FE0F (VARIATION SELECTOR-16)"),
])
def test_names_with_characters_that_nobody_sees(
    place: Path, capsys: pytest.CaptureFixture[str], character: str, called: str
) -> None:
    """Some join letters or signs, but not in files' names, which are compared as bytes."""
    wrong = f"has an invisible character in its name, {called}: expected none"
    name = f".g{character}it/a.py"
    shown = name if character.isprintable() else name.replace(character, ascii(character)[1:-1])
    fails(place, capsys, web_of("x.py⟩≡", f"{name}⟩≡"), f"8:3: error: ⟨{shown}⟩ {wrong}")
    text = web_of("x.py⟩≡\n⟨A b⟩", f"A {character}b⟩≡").replace("⟨A b", f"⟨A {character}b")
    if character in "\u200c\u200d\ufe0f":
        assert files(text) == {"x.py": "\n"}
    else:
        shown = shown[2:3] if character.isprintable() else ascii(character)[1:-1]
        fails(place, capsys, text, f"8:3: error: ⟨A {shown}b⟩ {wrong}")


def test_names_that_look_the_same(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("x.py⟩≡\n⟨A b⟩⟨A b\u200d⟩⟨A\ufe0f b⟩", "A b⟩≡", "A b\u200d⟩≡",
                                "A\ufe0f b⟩≡"),
          "13:3: error: ⟨A b\\u200d⟩ looks like ⟨A b⟩ (line 8)",
          "18:3: error: ⟨A\ufe0f b⟩ looks like ⟨A b⟩ (line 8)")


@pytest.mark.parametrize("out", [".git", ".git/hooks", "d/.Git/x"])
def test_an_output_folder_where_version_control_keeps_its_own(
    place: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    (place / "w.md").write_text(web_of("a.py⟩≡"))
    assert tangle.main(["w.md", "--out", out]) == 1
    (message,) = messages(capsys.readouterr().err)
    assert message.startswith("w.md:3:3: error: ⟨a.py⟩ leads into .")
    assert message.endswith(PRIVATE)


@needs_links
def test_a_link_within_the_folder_that_leads_there(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "generated/.git/hooks").mkdir(parents=True)
    os.symlink(".git/hooks", "generated/d")
    fails(place, capsys, web_of("d/a.py⟩≡"), f"3:3: error: ⟨d/a.py⟩ leads into .git, {PRIVATE}")


@pytest.mark.parametrize("folder", ["tangled", "TANGLED"])
def test_an_output_that_would_be_taken_for_a_record(
    place: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    (place / "w.md").write_text(web_of("a.py⟩≡\nx"))
    assert tangle.main(["w.md", "--out", "build"]) == 0
    names = [f"{folder}/{path.name}" for path in (place / "build/tangled").iterdir()]
    (place / "w.md").write_text(web_of(*(f"{name}⟩≡\nx" for name in [*names, f"{folder}/any"])))
    before = snapshot(place)
    capsys.readouterr()
    assert tangle.main(["w.md", "--out", "build"]) == 1
    said = messages(capsys.readouterr().err)
    assert [line.partition("⟩ ")[2] for line in said] == [
        "lies where it is recorded what was tangled: expected another name"] * (len(names) + 1)
    assert snapshot(place) == before


@pytest.mark.parametrize(("one", "other"), [("a/B.py", "A/b.py"), ("\u00e9.py", "e\u0301.py")])
def test_names_that_are_one_file_on_some_systems(
    place: Path, capsys: pytest.CaptureFixture[str], one: str, other: str
) -> None:
    fails(place, capsys, web_of(f"{one}⟩≡", f"{other}⟩≡"),
          f"8:3: error: ⟨{other}⟩ and ⟨{one}⟩ (line 3) are one file on some systems")


def test_a_file_where_another_output_needs_a_folder(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(place, capsys, web_of("a/b/c.py⟩≡", "a/b⟩≡"),
          "3:3: error: ⟨a/b/c.py⟩ needs a folder where ⟨a/b⟩ (line 8) is a file")


def test_a_file_where_a_folder_is_needed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(place, capsys, web_of("b.py⟩≡", "a.py/c/d.py⟩≡"), "8:3: error: ⟨a.py/c/d.py⟩ needs a "
          "folder where generated/a.py is a file")


def test_an_output_folder_that_is_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "w.md").write_text(GOOD)
    (place / "o").write_text("mine")
    assert tangle.main(["w.md", "--out", "o"]) == 1
    assert messages(capsys.readouterr().err) == [
        "w.md:3:3: error: ⟨a.py⟩ needs a folder where o is a file",
        "w.md:12:4: error: ⟨d/e.c⟩ needs a folder where o is a file"]
    assert (place / "o").read_text() == "mine"


def test_an_output_that_would_replace_a_folder(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "generated/b.py").mkdir()
    fails(place, capsys, web_of("a.py⟩≡\nx", "b.py⟩≡"), "8:3: error: ⟨b.py⟩ would replace the "
          "folder generated/b.py")


def test_an_output_that_would_replace_the_web(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = web_of("w.md⟩≡\nx")
    (place / "w.md").write_text(text)
    assert tangle.main(["w.md", "--out", "."]) == 1
    assert messages(capsys.readouterr().err) == [
        "w.md:3:3: error: ⟨w.md⟩ would replace the web itself"]
    assert (place / "w.md").read_text() == text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_an_output_that_would_replace_a_pipe(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("generated/b.py")
    fails(place, capsys, web_of("a.py⟩≡\nx", "b.py⟩≡"), "8:3: error: ⟨b.py⟩ would replace "
          "generated/b.py, which is not a plain file")


@pytest.mark.parametrize("link", ["generated/d", "generated/d/e.py"])
@needs_links
def test_links_do_not_lead_out(
    place: Path, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    (place / "outside").mkdir()
    (place / "outside/e.py").write_text("mine")
    if link == "generated/d":
        os.symlink(place / "outside", link)
    else:
        os.mkdir("generated/d")
        os.symlink("../../outside/e.py", link)
    fails(place, capsys, web_of("a.py⟩≡\nx", "d/e.py⟩≡"),
          "8:3: error: ⟨d/e.py⟩ leads out of generated through a link")


@needs_links
def test_a_link_to_nowhere_outside_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.symlink(place / "nowhere", "generated/b.py")
    fails(place, capsys, web_of("a.py⟩≡\nx", "b.py⟩≡"),
          "8:3: error: ⟨b.py⟩ leads out of generated through a link")


@needs_links
def test_a_link_within_the_folder_is_replaced_and_its_target_left(place: Path) -> None:
    (place / "generated/real").write_text("mine")
    os.symlink("real", "generated/b.py")
    (place / "w.md").write_text(web_of("b.py⟩≡\nx"))
    assert tangle.main(["w.md"]) == 0
    assert not os.path.islink("generated/b.py")
    assert (place / "generated/b.py").read_text() == "x\n"
    assert (place / "generated/real").read_text() == "mine"
    assert sorted(os.listdir("generated")) == ["b.py", "real"]  # what the web has no more is gone


@needs_links
def test_two_names_that_a_link_makes_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkdir("generated/d")
    os.symlink("d", "generated/l")
    fails(place, capsys, web_of("d/a.py⟩≡\nx", "l/a.py⟩≡"),
          "8:3: error: ⟨l/a.py⟩ would replace ⟨d/a.py⟩")


@needs_links
def test_the_output_folder_may_be_a_link(place: Path) -> None:
    os.symlink("generated", "o")
    (place / "w.md").write_text(GOOD)
    assert tangle.main(["w.md", "--out", "o"]) == 0
    assert (place / "generated/a.py").read_text() == "b\n"


def test_all_errors_in_one_run_sorted_by_place(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = web_of("a.py⟩≡\n#| exports: 1\n⟨A⟩ ⟨B", "../b.py⟩≡", "C⟩+≡").replace("## 3", "## 4")
    (place / "generated/d.py").mkdir()
    fails(place, capsys, text + "```\n# ⟨d.py⟩≡\n",
          "4:13: error: '1' is not an identifier",
          "5:1: error: ⟨A⟩ is not defined",
          "5:5: error: unclosed ⟨: expected ⟩ on the same line "
          "(⟨⟨ stands for a ⟨ that is none of a reference's)",
          "9:3: error: ⟨../b.py⟩ leads out of the output folder: expected a path without ..",
          "12:1: error: section 4: expected 3 or 2A after 2",
          "14:3: error: ⟨C⟩+≡ continues nothing: expected ⟨C⟩≡ the first time",
          "17:1: error: unclosed fence: expected a line ``` after it, in the same list or quote",
          "18:3: error: ⟨d.py⟩ would replace the folder generated/d.py")


@pytest.mark.parametrize("path", ["missing.md", "generated", "bad\0name"])
def test_unreadable_input(place: Path, capsys: pytest.CaptureFixture[str], path: str) -> None:
    assert tangle.main([path]) == 1
    shown = path.replace("\0", "\\x00")
    assert re.fullmatch(re.escape(shown) + r":1:1: error: cannot be read: .+\n",
                        capsys.readouterr().err)


# Writing.

def fail_at(monkeypatch: pytest.MonkeyPatch, name: str, count: int, error: BaseException) -> None:
    """Make the count-th call of a function of `os` fail; of `open`, the count-th that creates."""
    real, calls = getattr(os, name), []

    def call(*arguments: Any, **options: Any) -> object:
        if name != "open" or arguments[1] & os.O_CREAT:
            calls.append(arguments)
            if len(calls) == count:
                raise error
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, call)


@pytest.mark.parametrize(("name", "count", "code", "where"), [
    ("replace", 2, errno.EACCES, "3:3: a.py"), ("replace", 3, errno.EACCES, "12:4: d/e.c"),
    ("open", 2, errno.EROFS, "3:3: a.py"), ("open", 3, errno.ENOSPC, "12:4: d/e.c"),
    ("mkdir", 1, errno.ENOSPC, "12:4: d/e.c"), ("chmod", 2, errno.EPERM, "3:3: a.py")])
def test_a_failure_while_writing_leaves_everything_as_it_was(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    name: str, count: int, code: int, where: str,
) -> None:
    (place / "w.md").write_text(GOOD)
    before = snapshot(place)
    fail_at(monkeypatch, name, count, OSError(code, os.strerror(code), "somewhere"))
    assert tangle.main(["w.md"]) == 1
    position, path = where.split(" ")
    assert messages(capsys.readouterr().err) == [
        f"w.md:{position} error: cannot write generated/{path}: {os.strerror(code)}"]
    assert snapshot(place) == before


def test_an_interrupt_leaves_everything_as_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "w.md").write_text(GOOD)
    before = snapshot(place)
    fail_at(monkeypatch, "replace", 3, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        tangle.main(["w.md"])
    assert snapshot(place) == before


def test_a_full_disk(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    (place / "w.md").write_text(web_of(
        "a.py⟩≡\nx", "big.py⟩≡\n" + "⟨Y⟩" * 100, "Y⟩≡\n" + "y" * 1000))
    before = snapshot(place)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50000, limits[1]))
    try:
        assert tangle.main(["w.md"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    (message,) = messages(capsys.readouterr().err)
    assert message.startswith("w.md:8:3: error: cannot write generated/big.py: ")
    assert snapshot(place) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_may_not_be_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "generated").chmod(0o555)
    try:
        fails(place, capsys, GOOD, "3:3: error: cannot write generated/a.py: "
              + os.strerror(errno.EACCES))
    finally:
        (place / "generated").chmod(0o755)


def test_without_hard_links_it_writes_all_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "w.md").write_text(GOOD)
    fail_at(monkeypatch, "link", 1, OSError(errno.EPERM, "no links"))
    assert tangle.main(["w.md"]) == 0
    assert (place / "generated/a.py").read_text() == "b\n"
    assert sorted(os.listdir("generated")) == ["a.py", "d"]


# The program as people start it.

def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*TANGLE, *arguments], cwd=folder, capture_output=True, check=False,
        env={**os.environ, **environment})


def test_a_terminal_that_cannot_show_a_name_is_no_reason_to_crash(place: Path) -> None:
    (place / "w.md").write_bytes(web_of("a.py⟩≡\n⟨B⟩").encode())
    done = run(place, "w.md", PYTHONIOENCODING="ascii:strict")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.splitlines() == [
        b"w.md:4:1: error: \\u27e8B\\u27e9 is not defined",
        b"    4 | \\u27e8B\\u27e9",
        b"      | ^^^^^^^^^^^^^"]


def test_a_dump_is_utf8_whatever_the_locale(place: Path) -> None:
    (place / "w.md").write_bytes(web_of("a.py⟩≡\n⟨É⟩", "É⟩≡").encode())
    done = run(place, "w.md", "--dump", PYTHONIOENCODING="ascii:strict")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "É" in json.loads(done.stdout)["chunks"]


def test_usage_and_success_have_their_status(place: Path) -> None:
    (place / "sockets.md").write_text(GOOD)
    assert run(place, "sockets.md").returncode == 0
    assert run(place, "--what").returncode == 2


def test_thousands_of_references_in_one_line_take_no_time_to_speak_of() -> None:
    count = 50000
    assert files(web_of("a.py⟩≡\n" + "⟨B⟩" * count, "B⟩≡\nb")) == {"a.py": "b" * count + "\n"}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device here")
@pytest.mark.parametrize("arguments", [["w.md"], ["w.md", "--dump"]])
def test_output_that_nobody_can_read_is_an_error_without_traceback(
    place: Path, arguments: list[str]
) -> None:
    (place / "w.md").write_text(GOOD)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*TANGLE, *arguments], cwd=place,
                              stdout=full, stderr=subprocess.PIPE, check=False, text=True)
    assert (done.returncode, done.stderr) == (
        1, f"python -m commonweb tangle: error: standard output: {os.strerror(errno.ENOSPC)}\n")


def test_a_web_from_standard_input_and_one_root_to_standard_output(place: Path) -> None:
    done = subprocess.run([*TANGLE, "-", "--root", "a.py"], cwd=place,
                          input=GOOD.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"b\n", b"")
    done = subprocess.run([*TANGLE, "-", "--root=B"], cwd=place,
                          input=GOOD.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"b\n", b"")
    done = subprocess.run([*TANGLE, "-", "--out", "o"], cwd=place,
                          input=GOOD.encode(), capture_output=True, check=False)
    assert (done.returncode, (place / "o/a.py").read_text()) == (0, "b\n")
    done = subprocess.run([*TANGLE, "-"], cwd=place,
                          input=b"## 2. x\n", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"<stdin>:1:1: error: ")


def test_one_root_is_refused_if_anything_is_wrong_with_the_web(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "w.md").write_text(web_of("a.py⟩≡\nx", "b.py⟩≡\n⟨C⟩"))
    assert tangle.main(["w.md", "--root", "a.py"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert messages(captured.err) == ["w.md:9:1: error: ⟨C⟩ is not defined"]


@pytest.mark.parametrize("arguments", [
    ["--check", "--force"], ["--root", "a", "--dump"], ["where", "a:1", "--check"], ["where"],
    ["--root="], ["--out=", "w.md"]])
def test_options_that_do_not_go_together(place: Path, arguments: list[str]) -> None:
    assert tangle.main(arguments) == 2
