"""Nothing that somebody wrote is lost: edits of outputs, clones, branches, killed processes."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from webs import lacks_links, needs_links, needs_posix

from commonweb import tangle, web, writing
from commonweb.record import digest

WEB = """\
## 1. One
```python
# ⟨a.py⟩≡
def first():
    ⟨Say it⟩
```
## 2. Two
```python
# ⟨Say it⟩≡
print("{word}")
return 1
```
```c
// ⟨d/e.c⟩≡
int {word};
```
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a web that was tangled."""
    monkeypatch.chdir(tmp_path)
    write("one")
    assert tangle.main(["w.md"]) == 0
    return tmp_path


def write(word: str) -> None:
    Path("w.md").write_text(WEB.format(word=word))


def edit(path: str, old: str, new: str) -> str:
    text = Path(path).read_text()
    assert old in text
    Path(path).write_text(text.replace(old, new))
    return Path(path).read_text()


def git(*words: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main",
         *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def clone(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh clone of a repository in which web and outputs are committed."""
    if not shutil.which("git"):
        pytest.skip("no git here")
    for name in os.environ:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    git("init", "-q")
    git("add", "w.md", "generated")
    git("commit", "-q", "-m", "one")
    git("clone", "-q", ".", "clone")
    monkeypatch.chdir(place / "clone")
    yield place / "clone"


def refused(capsys: pytest.CaptureFixture[str], path: str, section: str, rows: str) -> None:
    """Tangling names file, lines and section, writes nothing, and does it when forced to."""
    before = {path: path.read_bytes() for path in Path("generated").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert tangle.main(["w.md"]) == 1
    error = capsys.readouterr().err
    assert re.match(rf"w\.md:\d+:\d+: error: {path} .*: {rows} not what §{section} (says here|said "
                    "here, and the web has changed here too); --detangle takes the edit into the "
                    "web, --force loses it\n", error), error
    assert {path: path.read_bytes() for path in before} == before
    assert tangle.main(["w.md", "--force"]) == 0
    assert "wrote" in capsys.readouterr().out
    assert tangle.main(["w.md", "--check"]) == 0


def test_an_edited_output_is_kept_and_its_lines_and_section_are_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", '    print("one")', '    print("mine")\n    # and this')
    write("two")
    capsys.readouterr()
    assert tangle.main(["w.md"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "w.md:10:1: error: generated/a.py was edited since it was tangled: lines 2 to 3 are not "
        "what §2 said here, and the web has changed here too; --detangle takes the edit into the "
        "web, --force loses it",
        '   10 | print("two")',
        "      | ^^^^^",
        '      | generated/a.py:2:     print("mine")',
        "      | generated/a.py:3:     # and this"]
    assert "int one;" in Path("generated/d/e.c").read_text()  # all or nothing


def test_an_edit_is_kept_even_if_the_web_is_the_same(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", "return 1\n", "return 1\nmore\n")
    refused(capsys, "generated/a.py", "2", "line 4 is")


def test_lines_that_somebody_took_away_are_an_edit(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/a.py", "    return 1\n", "")
    refused(capsys, "generated/a.py", "2", "what follows line 2 is")


def test_an_edit_in_many_places_is_told_in_three(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("w.md").write_text(web_of_lines("x", 40))
    assert tangle.main(["w.md", "--force"]) == 0
    path = Path("generated/a.py")
    path.write_text("".join(f"{line}{'!' * (n % 5 == 0)}\n"
                            for n, line in enumerate(path.read_text().splitlines())))
    Path("w.md").write_text(web_of_lines("x", 41))
    capsys.readouterr()
    assert tangle.main(["w.md"]) == 1
    error = capsys.readouterr().err
    assert error.count("error:") == 3
    assert error.count("(and in 5 more places)") == 3  # what the web adds is no edit


def test_an_edit_is_told_from_what_the_web_changed_meanwhile(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "## 1. x\n```python\n# ⟨a.py⟩≡\nlimit = {}\nprint(limit)\n```\n"
    Path("w.md").write_text(text.format(10))
    assert tangle.main(["w.md", "--force"]) == 0
    edit("generated/a.py", "print(limit)", "print(limit, 2)")
    Path("w.md").write_text("prose\n\n" + text.format(20))
    capsys.readouterr()
    assert tangle.main(["w.md"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "w.md:7:1: error: generated/a.py was edited since it was tangled: line 2 is not what §1 "
        "says here; --detangle takes the edit into the web, --force loses it",
        "    7 | print(limit)",
        "      | ^^^^^",
        "      | generated/a.py:2: print(limit, 2)"]


def test_an_edit_that_somebody_took_into_the_web_is_none_any_more(place: Path) -> None:
    edit("generated/a.py", 'print("one")', 'print("mine")')
    edit("w.md", 'print("one")', 'print("mine")')
    edit("w.md", "int one;", "int two;")
    edit("w.md", "return 1", "return 2")
    assert tangle.main(["w.md"]) == 0
    assert Path("generated/a.py").read_text().endswith('print("mine")\n    return 2\n')


def test_who_goes_back_to_what_was_there_once_has_edited(clone: Path) -> None:
    for word in ("two", "three"):
        write(word)
        assert tangle.main(["w.md"]) == 0
        git("commit", "-q", "-a", "-m", word)
    edit("generated/a.py", "three", "one")
    write("four")
    assert tangle.main(["w.md"]) == 1


def web_of_lines(word: str, count: int) -> str:
    lines = "\n".join(f"{word}{n}" for n in range(count))
    return f"## 1. x\n```\n# ⟨a.py⟩≡\n{lines}\n```\n"


def test_a_file_that_was_never_tangled_is_not_overwritten(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("build")
    write("two")
    capsys.readouterr()
    assert tangle.main(["w.md"]) == 1
    assert "generated/a.py is not known to be tangled" in capsys.readouterr().err
    write("one")  # what it would be is there: no need to ask anybody
    assert tangle.main(["w.md"]) == 0
    write("two")
    assert tangle.main(["w.md"]) == 0


def test_a_removed_output_is_written_again(place: Path) -> None:
    os.remove("generated/a.py")
    assert tangle.main(["w.md"]) == 0
    assert Path("generated/a.py").exists()


# Outputs that the web has no more.

def without_c() -> None:
    Path("w.md").write_text(Path("w.md").read_text().replace("// ⟨d/e.c⟩≡", "// ⟨d/f.c⟩≡"))


def test_an_output_that_the_web_has_no_more_is_named_and_removed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_c()
    assert tangle.main(["w.md", "--check"]) == 1
    assert ("error: generated/d/e.c is no file of this web any more: expected it removed, as "
            "tangling does") in capsys.readouterr().err
    assert Path("generated/d/e.c").exists()
    assert tangle.main(["w.md"]) == 0
    said = capsys.readouterr().out
    assert said == "wrote generated/d/f.c; removed generated/d/e.c; 1 unchanged in generated\n"
    assert [path.name for path in Path("generated/d").iterdir()] == ["f.c"]
    assert tangle.main(["w.md", "--check"]) == 0


def test_one_that_was_edited_is_kept_and_all_else_too(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = edit("generated/d/e.c", "one", "two")
    without_c()
    assert tangle.main(["w.md"]) == 1
    assert ("error: generated/d/e.c is no file of this web any more, and was edited since it was "
            "tangled: move the edit and remove it, or lose it with --force") in (
        capsys.readouterr().err)
    assert Path("generated/d/e.c").read_text() == edited
    assert not Path("generated/d/f.c").exists()
    assert tangle.main(["w.md", "--force"]) == 0
    assert not Path("generated/d/e.c").exists()


def test_what_another_web_writes_there_now_is_kept(place: Path) -> None:
    Path("other.md").write_text("# O\n```c\n// ⟨d/e.c⟩≡\nint one;\n```\n")
    assert tangle.main(["other.md"]) == 0
    without_c()
    assert tangle.main(["w.md"]) == 0
    assert Path("generated/d/e.c").exists()


@pytest.mark.parametrize("name", ["../keep", ".git/config", "d/link", "build", "no/where"])
def test_a_record_names_nothing_else_to_remove(place: Path, name: str) -> None:
    Path("keep").write_text("")
    Path("generated/.git").mkdir()
    Path("generated/.git/config").write_text("")
    if name == "d/link":
        if lacks_links():
            pytest.skip("no links here")
        Path("generated/d/link").symlink_to("../../keep")
    (record,) = Path("build/tangled").iterdir()
    empty = digest(b"")
    record.write_text(record.read_text() + f"{empty} {empty} {name}\n")
    write("two")
    assert tangle.main(["w.md"]) == 0
    assert Path("keep").exists()
    assert Path("generated/.git/config").exists()


@needs_posix
def test_a_run_that_fails_removes_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "broken")

    without_c()
    monkeypatch.setattr(writing.Output, "replace", fail)
    assert tangle.main(["w.md"]) == 1
    assert Path("generated/d/e.c").read_text() == "int one;\n"
    assert [path.name for path in Path("generated/d").iterdir()] == ["e.c"]


@needs_posix
def test_a_script_can_be_run_and_stays_so(place: Path) -> None:
    def mode() -> int:
        return Path("generated/tool").stat().st_mode & 0o7777

    old = os.umask(0o027)
    try:
        for word in ("one", "two"):
            Path("w.md").write_text(f"# T\n```sh\n# ⟨./tool⟩≡\n#!/bin/sh\necho {word}\n```\n")
            assert tangle.main(["w.md"]) == 0
            assert mode() == 0o750
        assert subprocess.run(["generated/tool"], capture_output=True).stdout == b"two\n"
        Path("generated/tool").chmod(0o4644)
        edit("w.md", "two", "three")
        assert tangle.main(["w.md"]) == 0
        assert mode() == 0o755
    finally:
        os.umask(old)


def test_a_record_that_is_damaged_is_none(place: Path) -> None:
    for junk in (b"", b"\xff\0\n\n1 2\n", b"x" * 100):
        (record,) = Path("build/tangled").iterdir()
        record.write_bytes(junk)
        assert tangle.main(["w.md"]) == 0
        assert record.read_bytes() != junk


@pytest.mark.parametrize("build", ["file", pytest.param("nothing", marks=needs_links)])
def test_without_a_place_for_the_record_it_is_careful(place: Path, build: str) -> None:
    shutil.rmtree("build")
    if build == "file":
        Path("build").write_text("mine")
    else:
        os.symlink("nowhere", "build")
    os.remove("generated/a.py")
    assert tangle.main(["w.md"]) == 0
    write("two")
    assert tangle.main(["w.md"]) == 1
    assert tangle.main(["w.md", "--force"]) == 0


# With git.

def test_in_a_fresh_clone_what_was_committed_is_no_edit(clone: Path) -> None:
    write("two")
    assert tangle.main(["w.md"]) == 0
    assert '"two"' in Path("generated/a.py").read_text()


def test_in_a_fresh_clone_an_edit_is_kept(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit("generated/d/e.c", "int one;", "int mine;")
    write("two")
    refused(capsys, "generated/d/e.c", "2", "line 1 is")


def test_an_edit_that_was_committed_is_kept(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit("generated/d/e.c", "int one;", "int mine;")
    git("commit", "-q", "-a", "-m", "an edit")
    write("two")
    refused(capsys, "generated/d/e.c", "2", "line 1 is")


def test_outputs_that_were_committed_before_the_web_changed_are_no_edit(clone: Path) -> None:
    write("two")
    git("commit", "-q", "-a", "-m", "two, not tangled")
    write("three")
    assert tangle.main(["w.md"]) == 0


def test_after_a_change_of_branch_what_was_committed_is_no_edit(
    clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git("checkout", "-q", "-b", "other")
    write("two")
    assert tangle.main(["w.md"]) == 0
    git("commit", "-q", "-a", "-m", "two")
    git("checkout", "-q", "main")
    write("three")
    assert tangle.main(["w.md"]) == 0
    git("checkout", "-q", "--force", "other")
    edit("generated/a.py", '"two"', '"mine"')
    refused(capsys, "generated/a.py", "2", "line 2 is")


def test_after_a_merge_what_was_committed_is_no_edit(clone: Path) -> None:
    git("checkout", "-q", "-b", "other")
    edit("w.md", "return 1", "return 1\n# a\n# b\n# c\nreturn 2")
    assert tangle.main(["w.md"]) == 0
    git("commit", "-q", "-a", "-m", "other")
    git("checkout", "-q", "main")
    edit("w.md", "int one;", "int two;")
    assert tangle.main(["w.md"]) == 0
    git("commit", "-q", "-a", "-m", "main")
    git("merge", "-q", "-m", "both", "other")
    assert tangle.main(["w.md", "--check"]) == 0  # and generated files did not conflict
    write("three")
    assert tangle.main(["w.md"]) == 0


def test_other_ends_of_lines_are_no_edit(clone: Path) -> None:
    path = Path("generated/a.py")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    write("two")
    assert tangle.main(["w.md"]) == 0


# Killed.

KILL = """\
import os, signal, sys
count, opens = int(sys.argv[1]), os.open

def deadly(real):
    def call(*arguments, **options):
        global count
        count -= real is not opens or arguments[1] & os.O_CREAT != 0  # opening changes nothing
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return call

import commonweb.writing  # it asks what these functions can do
for name in ("open", "replace", "link", "unlink", "mkdir", "chmod", "rmdir"):
    setattr(os, name, deadly(getattr(os, name)))
from commonweb import tangle
sys.exit(tangle.main(["w.md"]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes end otherwise here")
def test_a_process_killed_at_any_moment_leaves_every_output_old_or_new(place: Path) -> None:
    write("two")
    edit("w.md", "## 2. Two\n", "```python\n# ⟨new/f.py⟩≡\nf\n```\n## 2. Two\n")
    new = {"a.py": b'def first():\n    print("two")\n    return 1\n', "d/e.c": b"int two;\n",
           "new/f.py": b"f\n"}
    at, killed = 0, True
    while killed:
        shutil.rmtree("generated")
        shutil.rmtree("build")
        text = Path("w.md").read_text()
        write("one")
        assert tangle.main(["w.md"]) == 0
        Path("w.md").write_text(text)
        old = {name: Path("generated", name).read_bytes() for name in ("a.py", "d/e.c")}
        at += 1
        done = subprocess.run([sys.executable, "-c", KILL, str(at)], check=False, timeout=60,
                              capture_output=True)
        killed = done.returncode == -signal.SIGKILL
        assert killed or done.returncode == 0
        for name, data in new.items():
            path = Path("generated", name)
            assert (path.read_bytes() if path.exists() else None) in (old.get(name), data)
        if at % 2:
            edit("w.md", "return 1", "return 2")  # the web may change before the next run
        assert tangle.main(["w.md"]) == 0
        assert not list(Path("generated").rglob(".tangle*"))
        Path("w.md").write_text(text)
    assert at > 8


# Checking.

def test_checking_forgives_what_git_does_to_ends_of_lines(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (Path("w.md"), Path("generated/a.py"), Path("generated/d/e.c")):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    shutil.rmtree("build")
    assert tangle.main(["w.md", "--check"]) == 0
    assert capsys.readouterr().out.endswith("2 unchanged in generated\n")
    Path("generated/d/e.c").write_bytes(b"int other;\r\n")
    assert tangle.main(["w.md", "--check"]) == 1


def test_checking_writes_nothing_and_says_what_is_not_fresh(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert tangle.main(["w.md", "--check"]) == 0
    assert capsys.readouterr().out == "2 unchanged in generated\n"
    write("two")
    os.remove("generated/d/e.c")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert tangle.main(["w.md", "--check"]) == 1
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line for line in captured.err.splitlines() if "error" in line] == [
        "w.md:10:1: error: generated/a.py is not fresh: line 2 is not what is said here",
        "w.md:14:4: error: generated/d/e.c is missing: expected it tangled"]
    assert tangle.main(["w.md"]) == 0
    assert tangle.main(["w.md", "--check"]) == 0


def test_a_run_that_finds_nothing_changed_does_not_read_the_web(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(web.Web, "__init__", lambda *_: pytest.fail("the web was read"))
        assert tangle.main(["w.md"]) == 0
    assert capsys.readouterr().out == "2 unchanged in generated\n"
    edit("generated/a.py", "return 1", "return 2")
    assert tangle.main(["w.md"]) == 1
