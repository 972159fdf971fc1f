"""The command: one clear line, whatever its streams, its record and its folders are."""

from __future__ import annotations

import errno
import io
import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from webs import TANGLE, needs_links, needs_posix

from commonweb import documents, record, tangle

WEB = ("## 1. x\n```c\n// ⟨a.c⟩≡\nint é;\n```\n```python\n# ⟨d/b.py⟩≡\n⟨É⟩\n```\n"
       "```python\n# ⟨É⟩≡\nx\n```\n")
PROGRAM = "python -m commonweb tangle"
SHELL = shutil.which("sh")
# Every mode; and what is wrong, or asked wrongly.
MODES = [["w.md"], ["w.md", "--check"], ["w.md", "--force"], ["w.md", "--lines", "--out", "o"],
         ["w.md", "--root", "a.c"], ["w.md", "--dump"], ["w.md", "where", "generated/a.c:1"],
         ["w.md", "where", "w.md:4"], ["--help"], ["--version"], ["-", "--root", "a.c"],
         ["-", "--out", "generated"]]
WRONG = [["missing.md"], ["missing/w.md"], ["bad.md"], ["bad.md", "--dump"],
         ["w.md", "--root", "none"], ["w.md", "where", "none:1"], ["w.md", "where", "none"],
         ["w.md", "--out", "file"], ["w.md", "--check", "--out", "none"], ["--wrong"],
         ["w.md", "w.md"]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder where a web was tangled, and the web changed since."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    Path("w.md").write_text(WEB, "utf-8")
    Path("bad.md").write_text(WEB.replace("É⟩≡", "È⟩≡"), "utf-8")
    Path("file").write_text("mine")
    assert tangle.main(["w.md"]) == 0
    return tmp_path / "in"


def start(arguments: list[str], redirection: str = "", **environment: str
          ) -> subprocess.CompletedProcess[bytes]:
    """Run the command, its streams redirected by a shell; a web is on its standard input."""
    if redirection and not SHELL:
        pytest.skip("no shell here")
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh"] if redirection else []
    return subprocess.run([*shell, *TANGLE, *arguments], input=WEB.encode(), capture_output=True,
                          check=False, timeout=60, env={**os.environ, **environment})


def told(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """The lines on standard error, without those that show where something is wrong."""
    assert b"Traceback" not in done.stderr
    said = done.stderr.decode(errors="replace")  # in the locale's encoding
    return [line for line in said.splitlines() if not re.match(r" *\d* \|", line)]


# Streams.

@needs_posix
@pytest.mark.parametrize("arguments", MODES, ids=" ".join)
def test_an_output_that_cannot_be_told_is_an_error(place: Path, arguments: list[str]) -> None:
    assert start(arguments).returncode == 0
    reasons = {">&-": "it is closed", ">&- <w.md 2>file": ""}
    if os.path.exists("/dev/full"):
        reasons[">/dev/full"] = os.strerror(errno.ENOSPC)
    for redirection, reason in reasons.items():
        done = start(arguments, redirection)
        if reason:
            assert told(done) == [f"{PROGRAM}: error: standard output: {reason}"]
        else:  # what is told last goes to the file, and nothing else does
            assert Path("file").read_text() == f"{PROGRAM}: error: standard output: it is closed\n"
        assert (done.returncode, done.stdout) == (1, b"")
    assert Path("generated/a.c").read_text("utf-8") == "int é;\n"


@needs_posix
@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_an_error_has_its_status_even_if_nobody_can_be_told(
    place: Path, arguments: list[str]
) -> None:
    usual = start(arguments)
    status = 2 if arguments in (["--wrong"], ["w.md", "w.md"]) else 1
    assert (usual.returncode, usual.stdout) == (status, b"")
    assert told(usual)
    for redirection in ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", "<&-", ">&-"]:
        if "full" in redirection and not os.path.exists("/dev/full"):
            continue
        done = start(arguments, redirection)
        assert (done.returncode, done.stdout) == (status, b"")
        assert done.stderr == (b"" if "2>" in redirection else usual.stderr)


@needs_posix
def test_a_reader_who_has_gone_is_no_error(place: Path) -> None:
    Path("w.md").write_text(f"{WEB}```\n# ⟨É⟩+≡\n{'y' * 100000}\n```\n", "utf-8")
    if not SHELL:
        pytest.skip("no shell here")
    done = subprocess.run(["sh", "-c", '"$@" | true; "$@" --root d/b.py | head -n 1', "sh", *TANGLE,
                           "w.md"], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"x\n", b"")
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([*TANGLE, "w.md", "--dump"], stdout=writer, stderr=subprocess.PIPE,
                             check=False, timeout=60)
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, b"")


@needs_posix
@pytest.mark.parametrize("arguments", [["-"], ["-", "--check"], ["-", "--dump"]], ids=" ".join)
def test_a_standard_input_that_is_closed(place: Path, arguments: list[str]) -> None:
    done = start(arguments, "<&-")
    assert told(done) == ["<stdin>:1:1: error: cannot be read: it is closed"]
    assert (done.returncode, done.stdout) == (1, b"")


@needs_posix
def test_no_file_takes_the_place_of_a_closed_stream(place: Path) -> None:
    """Or else what is told to nobody would be in it."""
    for closed in itertools.product(["", "<&-"], ["", ">&-"], ["", "2>&-"]):
        for arguments in (["w.md", "--force"], ["bad.md"]):
            shutil.rmtree("generated")
            shutil.rmtree("build")
            assert tangle.main(["w.md"]) == 0
            start(arguments, " ".join(closed))
            assert Path("generated/a.c").read_text("utf-8") == "int é;\n"
            assert Path("generated/d/b.py").read_text() == "x\n"
            assert Path("w.md").read_text("utf-8") == WEB


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16", "cp037", "cp1252", "utf-7"])
def test_a_stream_of_any_encoding(
    place: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    for arguments in [*MODES[:-2], *WRONG]:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding, line_buffering=True) for _ in "oe"]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            status = tangle.main(arguments)
        out, err = [stream.buffer.getvalue() for stream in streams]
        raw = "--root" in arguments or "--dump" in arguments
        assert out.decode("utf-8" if raw else encoding) or status
        assert (status == 0) == (arguments in MODES)
        assert bool(re.search("error: |web-tangle: ", err.decode(encoding))) == bool(status)


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are UTF-8 there")
def test_names_that_are_not_utf8(place: Path) -> None:
    """The web's and the output folder's; in every mode, and after an edit."""
    web, out = os.fsdecode(b"\xff.md"), os.fsdecode(b"\xfe")
    Path(web).write_text(WEB, "utf-8")
    for mode in ([], ["--check"], ["--lines"], ["--lines", "--check"], ["--dump"],
                 ["--root", "a.c"], ["where", f"{out}/a.c:1"], ["where", f"{web}:4"]):
        for encoding in ("utf-8", "ascii"):
            done = start([web, *mode, "--out", out], PYTHONIOENCODING=encoding)
            assert told(done) == [] or "--lines" in mode or "--check" in mode or "where" in mode
    Path(out, "a.c").write_bytes(b"\xfd")
    for mode in ([], ["--check"], ["--lines"]):
        assert len(told(start([web, *mode, "--out", out]))) in (1, 2)


# Webs and folders.

@needs_posix
def test_a_web_that_never_ends(place: Path, monkeypatch: pytest.MonkeyPatch,
                               capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(documents, "LIMIT", 1 << 20)
    for mode in ([], ["--dump"], ["--check"]):
        assert tangle.main(["/dev/zero", *mode]) == 1
        assert capsys.readouterr().err == (
            "/dev/zero:1:1: error: cannot be read: larger than 1 MiB\n")


@needs_posix
def test_a_web_from_a_pipe(place: Path) -> None:
    if not SHELL:
        pytest.skip("no shell here")
    done = subprocess.run(["sh", "-c", 'cat w.md | "$@" /dev/stdin --root a.c', "sh", *TANGLE],
                          capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.decode()) == (0, "int é;\n")


def test_a_working_folder_that_is_gone(place: Path) -> None:
    script = ("import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); "
              "from commonweb.tangle import command; command('t')")
    if sys.platform == "win32":
        pytest.skip("a folder in use cannot be removed here")
    for arguments in ([str(place / "w.md")], ["w.md"], [str(place / "w.md"), "--dump"],
                      [str(place / "w.md"), "--out", str(place / "o")]):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True,
                              check=False, timeout=60)
        assert len(told(done)) == (done.returncode != 0)
        assert done.returncode in (0, 1)


def may_read_all() -> bool:
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return os.access(file.name, os.R_OK)


@pytest.mark.skipif(may_read_all(), reason="everything may be read here")
@pytest.mark.parametrize("path", ["generated", "generated/a.c", "generated/d", "build",
                                  "build/tangled", "RECORD", "w.md", "."])
@pytest.mark.parametrize("mode", [0, 0o100, 0o500])
def test_what_may_not_be_read(place: Path, path: str, mode: int) -> None:
    where = place / path.replace("RECORD", str(next(Path("build/tangled").iterdir())))
    usual = where.stat().st_mode
    for arguments in (["w.md"], ["w.md", "--force"], ["w.md", "--check"], ["generated/missing.md"],
                      ["w.md", "where", "generated/a.c:1"]):
        try:
            where.chmod(mode)
            done = start(arguments)
        finally:
            where.chmod(usual)
        lines = told(done)
        assert (done.returncode == 0) == (not lines), lines
        assert len(lines) <= 2
        assert not list(Path().rglob(".tangle*"))


def test_a_folder_whose_names_cannot_be_listed(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listdir", lambda *_: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert tangle.main(["missing.md"]) == 1
    assert capsys.readouterr().err == (
        f"missing.md:1:1: error: cannot be read: {os.strerror(errno.ENOENT)}\n")


# Records that are none, and what stands where files are written.

def to_socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def to_huge(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def linked(target: str) -> Callable[[Path], None]:
    def link(path: Path) -> None:
        path.unlink()
        path.symlink_to(target)
    return link


def to_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


THINGS: dict[str, Callable[[Path], None]] = {
    "pipe": to_pipe, "socket": to_socket, "huge": to_huge, "folder": to_folder,
    "/dev/zero": linked("/dev/zero"), "nowhere": linked("nowhere"), "itself": linked("e"),
    "/proc/kmsg": linked("/proc/kmsg"), "elsewhere": linked("../../../file"),
}


@needs_posix
@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("where", ["record", "generated/a.c", "generated/d/b.py"])
@pytest.mark.parametrize("changed", [False, True])
def test_something_else_where_a_file_is_to_be(
    place: Path, capsys: pytest.CaptureFixture[str], thing: str, where: str, changed: bool
) -> None:
    """It is neither read nor followed, and every mode ends, with a line if not with success."""
    (place.parent / "file").write_text("outside")
    path = next(Path("build/tangled").iterdir()) if where == "record" else Path(where)
    THINGS[thing](path)
    if changed:
        Path("w.md").write_text(WEB.replace("int é", "int ê"), "utf-8")
    for mode in (["--check"], ["where", "generated/a.c:1"], ["--lines", "--out", "o"], [],
                 ["--force"]):
        capsys.readouterr()
        status = tangle.main(["w.md", *mode])
        said = capsys.readouterr()
        assert status in (0, 1)
        assert (status == 0) == (said.err == "")
    assert (place.parent / "file").read_text() == "outside"
    if where == "record" and changed:
        assert Path("generated/a.c").read_text("utf-8") == "int ê;\n"
    if where == "record" and thing != "folder":
        assert path.is_file() and not path.is_symlink()
        assert tangle.main(["w.md"]) == 0


@needs_posix
@pytest.mark.parametrize("thing", ["pipe", "/dev/zero", "folder"])
def test_what_is_no_plain_file_is_not_even_opened(
    place: Path, monkeypatch: pytest.MonkeyPatch, thing: str
) -> None:
    """To open a device may already do something."""
    record = next(Path("build/tangled").iterdir())
    opened, seen, real = [], [], os.open

    def record_open(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(os.path.basename(path))
        return real(path, *arguments, **options)

    for path in (record, Path("generated/a.c")):
        THINGS[thing](path)
        seen += opened
        opened.clear()
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", record_open)
            for mode in (["--check"], ["where", "generated/a.c:1"], []):
                tangle.main(["w.md", *mode])
        assert not {path.name, "zero"} & set(opened)
    assert seen


@needs_posix
@pytest.mark.parametrize("thing", ["pipe", "huge", "/dev/zero", "/proc/kmsg", "folder"])
@pytest.mark.parametrize("name", ["{}", "../{}", "../../{}", "/dev/zero", "d/../../{}", "", ".",
                                  "a\0b", "x" * 100000, "\udcff"])
def test_a_record_that_names_something_else(place: Path, thing: str, name: str) -> None:
    for folder in ("generated", ".", ".."):
        path = Path(folder, "bait")
        path.write_text("")
        THINGS[thing](path)
    path = next(Path("build/tangled").iterdir())
    lines = path.read_bytes().split(b"\n")
    named = name.format("bait").encode("utf-8", "surrogateescape")
    path.write_bytes(b"\n".join([lines[0], lines[1].replace(b"a.c", named), *lines[1:]]))
    for mode in ([], ["--check"]):
        assert tangle.main(["w.md", *mode]) == 0


@needs_posix
def test_a_record_of_more_than_can_have_been_written(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it names is not read for longer than tangling would have taken to write it."""
    read, real = [], record.digest

    def digest(data: bytes) -> str:
        read.append(len(data))
        return real(data)

    monkeypatch.setattr(record, "digest", digest)
    path = next(Path("build/tangled").iterdir())
    key = path.read_text().split("\n")[0]
    with open("generated/big", "wb") as file:
        file.truncate(1 << 20)
    now = record.digest(bytes(1 << 20))
    for number in range(100):
        os.link("generated/big", f"generated/{number}")
    path.write_text("\n".join([key, *(f"{now} {now} {number}" for number in range(100)), ""]))
    monkeypatch.setattr(record, "LIMIT", 10 << 20)
    read.clear()
    assert tangle.main(["w.md"]) == 0
    assert sum(read) < 12 << 20


@needs_posix
@pytest.mark.parametrize("thing", ["pipe", "socket", "huge", "nowhere", "itself", "/dev/zero"])
@pytest.mark.parametrize("folder", ["build", "build/tangled", "generated", "generated/d"])
def test_something_else_where_a_folder_is_to_be(
    place: Path, capsys: pytest.CaptureFixture[str], thing: str, folder: str
) -> None:
    shutil.rmtree(folder)
    Path(folder).write_text("")
    THINGS[thing](Path(folder))
    for mode in (["--check"], [], ["--force"]):
        capsys.readouterr()
        status = tangle.main(["w.md", *mode])
        assert (status == 0) == (capsys.readouterr().err == "")
        assert status == 0 or "generated" in folder


@needs_links
def test_the_map_is_not_written_through_a_link(place: Path) -> None:
    (place.parent / "file").write_text("outside")
    os.mkdir("o")
    os.symlink("../../file", "o/lines.json")
    assert tangle.main(["w.md", "--lines", "--out", "o"]) == 1
    assert (place.parent / "file").read_text() == "outside"
