"""Where files are written and where not, and what is left by runs that were killed."""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from webs import TANGLE, WINDOWS, needs_links, needs_posix

from commonweb import tangle, writing

WEB = "## 1. x\n```\n# ⟨a.py⟩≡\n{word}\n```\n```\n# ⟨d/e.py⟩≡\n{word}\n```\n"
needs_folders = pytest.mark.skipif(not writing.OPENS, reason="folders cannot be opened here")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a web that was tangled."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    write("one")
    assert tangle.main(["w.md"]) == 0
    write("two")
    return tmp_path / "in"


def write(word: str) -> None:
    Path("w.md").write_text(WEB.format(word=word))


def texts() -> list[str]:
    return [Path("generated", name).read_text() for name in ("a.py", "d/e.py")]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def messages(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if "error" in line]


# Runs that were killed, and runs beside others.

PAUSED = """\
import os, sys, threading
real, count = os.replace, int(sys.argv[1])

def replace(*arguments, **options):
    global count
    count -= 1
    if count == 0:
        print("here", flush=True)
        if not sys.stdin.readline():
            threading.Event().wait()  # to be killed
    return real(*arguments, **options)

os.replace = replace
from commonweb import tangle
sys.exit(tangle.main(sys.argv[2:]))
"""


class Paused:
    """A run that waits before one of its replacements."""

    def __init__(self, at: int, *arguments: str, before: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", PAUSED, str(at), *arguments], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self.process.stdout
        assert self.process.stdout.readline() == "here\n"

    def go_on(self) -> tuple[int, str, str]:
        out, err = self.process.communicate("\n", timeout=60)
        return self.process.returncode, out, err

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


def left() -> list[Path]:
    return [path for folder in ("generated", "build") for path in Path(folder).rglob(".tangle*")]


@pytest.fixture
def paused() -> Iterator[list[Paused]]:
    runs: list[Paused] = []
    yield runs
    for run in runs:
        run.kill()


@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_a_run_left_that_was_killed_does_not_stop_the_next(place: Path, at: int) -> None:
    Paused(at, "w.md").kill()
    assert left()
    write("three")
    assert tangle.main(["w.md"]) == 0
    assert texts() == ["three\n", "three\n"]
    assert WINDOWS or not left()


@pytest.mark.skipif(not shutil.which("unshare"), reason="no program makes a namespace here")
@pytest.mark.parametrize("at", [1, 2, 3])
def test_also_where_every_run_has_the_same_number(place: Path, at: int) -> None:
    alone = ("unshare", "--pid", "--fork", "--kill-child")
    if os.geteuid() != 0:
        alone += ("--user", "--map-root-user")
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespace may be made here")
    Paused(at, "w.md", before=alone).kill()
    assert left()
    write("three")
    for word in ("three", "four"):
        write(word)
        done = subprocess.run([*alone, *TANGLE, "w.md"], check=False, capture_output=True,
                              text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert texts() == [f"{word}\n"] * 2
    assert not left()


def test_what_was_left_goes_even_if_nothing_else_has_changed(place: Path) -> None:
    Paused(3, "w.md").kill()
    for path in Path("generated").rglob(".tangle*"):
        if path.name.endswith("-old"):
            continue
        os.replace(path, path.parent / "e.py")  # as if it had been killed right after that
    assert WINDOWS or left()
    assert tangle.main(["w.md"]) == 0
    assert texts() == ["two\n"] * 2
    assert WINDOWS or not left()


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("other", [["w.md"], ["v.md"], ["w.md", "--out", "generated/d"],
                                   ["w.md", "--out", "."]])
def test_a_run_that_is_alive_keeps_its_files(
    place: Path, paused: list[Paused], at: int, other: list[str]
) -> None:
    """So does another one, of the same web or not, to the same folder or one in or above it."""
    Path("v.md").write_text("## 1. x\n```\n# ⟨d/v.py⟩≡\nv\n```\n")
    paused.append(Paused(at, "w.md"))
    before = left()
    write("three")
    assert tangle.main(other) == 0
    assert set(left()) >= set(before)
    status, _, err = paused[0].go_on()
    assert (status, err) == (0, "")
    assert WINDOWS or not left()


@needs_folders
def test_a_lock_that_somebody_keeps_is_not_waited_for(place: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    handle = os.open("generated", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert tangle.main(["w.md"]) == 0
    finally:
        os.close(handle)
    assert texts() == ["two\n"] * 2


# All or nothing.

@pytest.fixture(params=[True, False])
def opens(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether folders are opened: not every platform can."""
    monkeypatch.setattr(writing, "OPENS", writing.OPENS and request.param)
    return writing.OPENS


@pytest.mark.timeout(600)  # hundreds of runs, some in Wine
@pytest.mark.parametrize("error", [OSError(5, "broken", "x"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["open", "mkdir", "link", "replace", "chmod", "write", "urandom",
                                  "unlink", "close", "stat", "listdir"])
def test_whatever_fails_all_is_written_or_nothing(
    place: Path, opens: bool, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    """Each call of a function of the system in turn; and nothing is left behind."""
    real, left = getattr(os, name), [0]

    def call(*arguments: Any, **options: Any) -> object:
        left[0] -= 1
        if left[0] == 0:
            if name == "close":  # which gives the file up also if it fails
                real(*arguments)
            raise error
        return real(*arguments, **options)

    text = Path("w.md").read_text() + "```\n# ⟨new/er/f.py⟩≡\nf\n```\n"
    new = {"a.py": b"two\n", "d/e.py": b"two\n", "new/er/f.py": b"f\n"}
    for at in itertools.count(1):
        for folder in ("generated", "build"):
            shutil.rmtree(folder)
        write("one")
        assert tangle.main(["w.md"]) == 0
        Path("w.md").write_text(text)
        before = all_of()
        with monkeypatch.context() as patch:
            patch.setattr(os, name, call)
            left[0] = at
            try:
                status = tangle.main(["w.md"])
            except (OSError, KeyboardInterrupt):
                status = 130
        found = {name: data for name, data in files_of(Path("generated")).items()
                 if ".tangle-" not in name}
        if status and found == new:  # interrupted when all was done, and before all was clean
            assert isinstance(error, KeyboardInterrupt)
        else:
            assert all_of() == before if status else found == new
        if left[0] > 0:
            break


def all_of() -> dict[str, bytes]:
    """What files and folders there are."""
    return {**files_of(Path()), **{str(path): b"" for path in Path().rglob("*") if path.is_dir()}}


# Links.

@needs_links
@pytest.mark.parametrize("link", ["build", "build/tangled"])
def test_a_link_leads_no_record_out(place: Path, link: str) -> None:
    (place.parent / "outside/tangled").mkdir(parents=True)
    shutil.rmtree(link)
    os.symlink(place.parent / "outside", link)
    before = files_of(place.parent / "outside")
    assert tangle.main(["w.md", "--force"]) == 0
    assert texts() == ["two\n"] * 2
    write("three")
    assert tangle.main(["w.md"]) == 1  # what was tangled is not known
    assert files_of(place.parent / "outside") == before


@needs_links
@pytest.mark.parametrize("arguments", [[], ["--out", "generated"], ["--out", "generated/inner"],
                                       ["--out", "./generated"], ["--out", "../in/generated"],
                                       ["--out", "ABSOLUTE"]])
def test_a_link_leads_no_output_folder_out(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Its name may be a stranger's choice; the way out is to name where it leads."""
    outside = place.parent / "outside"
    (outside / "inner").mkdir(parents=True)
    shutil.rmtree("generated")
    os.symlink("../outside", "generated")
    arguments = [word.replace("ABSOLUTE", str(place / "generated")) for word in arguments]
    assert tangle.main(["w.md", *arguments]) == 1
    assert files_of(outside) == {}
    said = messages(capsys)
    assert len(said) == 2
    assert f"through a link: expected --out {outside}, if meant" in said[0]
    assert tangle.main(["w.md", "--out", str(outside)]) == 0
    assert (outside / "a.py").read_text() == "two\n"


@needs_links
def test_a_link_that_leads_out_is_seen_from_elsewhere(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.parent)
    shutil.rmtree("in/generated")
    os.symlink("../outside", "in/generated")
    os.mkdir("outside")
    assert tangle.main(["in/w.md", "--out", "in/generated"]) == 1
    assert "leads out of in/generated through a link" in messages(capsys)[0]
    assert os.listdir("outside") == []


@needs_folders
@pytest.mark.parametrize("name", ["open", "stat", "replace", "link", "chmod",
                                  "path.realpath", "path.isdir", "path.exists"])
def test_a_folder_that_becomes_a_link_meanwhile(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """At whatever moment, all is written where it belongs or nothing is, and nothing outside."""
    outside, module = place.parent / "outside", os.path if "." in name else os
    left, real = [0], getattr(module, name.removeprefix("path."))

    def call(*arguments: Any, **options: Any) -> object:
        left[0] -= 1
        if left[0] == 0:
            os.rename("generated/d", "generated/was")
            os.symlink("../../outside", "generated/d")
        return real(*arguments, **options)

    for at in itertools.count(1):
        for folder in ("generated", "build", str(outside)):
            shutil.rmtree(folder, ignore_errors=True)
        outside.mkdir()
        (outside / "e.py").write_text("mine")
        write("one")
        assert tangle.main(["w.md"]) == 0
        write("two")
        with monkeypatch.context() as patch:
            patch.setattr(module, name.removeprefix("path."), call)
            left[0] = at
            status = tangle.main(["w.md"])
        assert files_of(outside) == {"e.py": b"mine"}
        if left[0] > 0:
            break
        found = [Path("generated", name).read_text() for name in ("a.py", "was/e.py")]
        assert found == ([["two\n"] * 2, ["one\n"] * 2][status])
        assert not list(Path("generated").rglob(".tangle*"))


# Modes.

@needs_posix
@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6711, 0o7777, 0o4000])
@pytest.mark.parametrize("arguments", [["w.md"], ["w.md", "--force"]])
def test_no_file_runs_as_somebody_else(place: Path, mode: int, arguments: list[str]) -> None:
    path = Path("generated/a.py")
    path.chmod(mode | 0o400)
    assert tangle.main(arguments) == 0
    assert path.read_text() == "two\n"
    assert stat.S_IMODE(path.stat().st_mode) == (mode | 0o400) & 0o777


@needs_posix
@pytest.mark.parametrize("mode", [0o600, 0o4711])
def test_nobody_can_do_more_with_a_file_while_it_is_written(
    place: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    Path("generated/a.py").chmod(mode)
    modes = []
    real = os.chmod

    def chmod(path: int, mode: int) -> None:
        modes.append(stat.S_IMODE(os.stat(path).st_mode))
        real(path, mode)

    monkeypatch.setattr(os, "chmod", chmod)
    assert tangle.main(["w.md"]) == 0
    assert mode & 0o777 in modes
    assert all(found & 0o7000 == 0 for found in modes)
    assert stat.S_IMODE(os.stat("generated/a.py").st_mode) == mode & 0o777
