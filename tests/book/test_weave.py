"""The command that weaves: what it reads and writes, when, and what it says."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from textwrap import indent

import pytest
from pages import Element, read
from weaving import PIXEL, ROOT, chunk, page_of

from commonweb import __version__, figures, freshness, highlighting, listings
from commonweb.expansion import tangle
from commonweb.page import FACES
from commonweb.weave import Sources, main
from commonweb.web import Web


def run(folder: Path, *arguments: str | bytes | Path, **variables: str
        ) -> subprocess.CompletedProcess[str]:
    """What the command does in a folder; variables are of its environment."""
    return subprocess.run([sys.executable, "-m", "commonweb", "weave", *arguments], cwd=folder,
                          env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
                          capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "t.md").write_text("# T\n\n![p](p.png)\n\n" + chunk("x = 1"))
    (tmp_path / "p.png").write_bytes(PIXEL)
    return tmp_path


def test_what_is_unchanged_is_not_woven_again(place: Path) -> None:
    def weave_it() -> tuple[bool, float]:
        start = time.monotonic()
        result = run(place, "t.md", "--out", "out", "--fonts", "fonts")
        assert result.returncode == 0, result.stderr
        return "wrote" in result.stdout, time.monotonic() - start

    targets = [place / "out" / "t.html", place / "out" / "t.pdf"]
    assert weave_it()[0]
    before = [target.stat().st_mtime_ns for target in targets]
    assert not weave_it()[0]
    assert [target.stat().st_mtime_ns for target in targets] == before
    changes = [lambda: (place / "t.md").write_text("# U\n\n![p](p.png)\n\n" + chunk("x = 1")),
               lambda: (place / "p.png").write_bytes(PIXEL + b"x"),
               lambda: (place / "LICENSE").write_text("free"),
               lambda: targets[0].write_text("spoilt"),
               targets[1].unlink]
    for change in changes:
        change()
        assert weave_it()[0]
        assert not weave_it()[0]
    assert targets[0].read_text().startswith("<!doctype html>")
    assert targets[1].read_bytes().startswith(b"%PDF")
    assert sorted(os.listdir(place / "out")) == [".t.woven", "t-files.html", "t.html", "t.pdf"]


def test_a_draft_is_woven_and_what_it_lacks_is_listed(place: Path) -> None:
    (place / "t.md").write_text(
        "# T\n\n" + chunk("x = ⟨Plan⟩\n⟨Other plan⟩") + chunk("⟨Plan⟩", "Idea"))
    assert run(place, "t.md", "--out", "out").returncode == 1
    result = run(place, "t.md", "--out", "out", "--draft")
    assert result.returncode == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("t.md:")] == [
        "t.md:5:5: warning: ⟨Plan⟩ is not defined",
        "t.md:6:1: warning: ⟨Other plan⟩ is not defined",
        "t.md:9:3: warning: ⟨Idea⟩ is never used (a file's name has a suffix or a / and no blanks, "
        "or begins with ./, as in ⟨./Idea⟩)",
        "t.md:10:1: warning: ⟨Plan⟩ is not defined"]
    assert "Other plan" in (place / "out" / "t.html").read_text()


def test_a_web_with_public_names_has_a_reference_that_is_fresh_or_made_anew(place: Path) -> None:
    def weave_it() -> str:
        result = run(place, "t.md", "--out", ".")
        assert result.returncode == 0, result.stderr
        return result.stdout

    public = '__all__ = ["f"]\ndef f(): "Eff."'
    (place / "t.md").write_text("# T\n\n" + chunk(public))
    page = place / "t-reference.html"
    assert weave_it() == "wrote t.html, t-files.html and t-reference.html\nwrote t.pdf\n"
    assert weave_it() == "t.html, t-files.html, t-reference.html and t.pdf unchanged\n"
    woven = page.read_bytes()
    for change in (lambda: page.write_text("spoilt"), page.unlink):
        change()
        assert weave_it().startswith("wrote")
        assert page.read_bytes() == woven
    assert 'href="t-reference.html"' in (place / "t.html").read_text()
    (place / "t.md").write_text("# T\n\n" + chunk("x = 1"))
    assert weave_it() == "wrote t.html and t-files.html\nwrote t.pdf\n"
    assert weave_it() == "t.html, t-files.html and t.pdf unchanged\n"
    assert "t-reference.html" not in (place / "t.html").read_text()


def test_the_reference_leads_to_the_books_beside_it(place: Path) -> None:
    (place / "t.md").write_text("# T\n\n" + chunk('__all__ = ["f"]\ndef f(): "Eff."'))
    (place / "more.md").write_text("# M\n\n" + chunk("x = 1"))
    for web, said in (("more.md", "wrote"), ("t.md", "wrote"), ("t.md", "t.html")):
        assert run(place, web, "--out", ".").stdout.startswith(said)
    page = read((place / "t-reference.html").read_text())
    assert "more.html" in [a.attributes["href"] for a in page.one("header").every("a")]
    for file in place.glob("*more.*"):
        file.unlink()
    assert run(place, "t.md", "--out", ".").stdout.startswith("wrote")
    assert "more.html" not in (place / "t-reference.html").read_text()


@pytest.mark.parametrize("data", [PIXEL[:40], b"no picture", b""])
def test_a_broken_picture_is_an_error_where_it_stands(
    place: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    (place / "p.png").write_bytes(data)
    assert main([str(place / "t.md"), "--out", str(place / "out")]) == 1
    assert "t.md:3:1: error: no picture: p.png is broken" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_two_runs_write_the_same_page(place: Path) -> None:
    for out in ("one", "two"):
        assert run(place, "t.md", "--out", out).returncode == 0
    assert (place / "one" / "t.html").read_bytes() == (place / "two" / "t.html").read_bytes()


@pytest.mark.parametrize(("text", "message"), [
    (b"# T\n", "t.md:1:1: error: no chunk of this web is a file"),
    (b"# T\xff\n", "t.md:1:4: error: byte 0xFF is not UTF-8"),
    (chunk("⟨Nobody⟩").join(["# T\n", ""]).encode(), "t.md:4:1: error: ⟨Nobody⟩ is not defined"),
    (("# T\n\n" + chunk("x") + "\n```dot\ngraph {\n```\n").encode(),
     "t.md:8:1: error: no figure: "),
    (b"![x](x%00.png)\n", "error"),
])
def test_what_is_wrong_is_told_and_nothing_is_written(
    place: Path, text: bytes, message: str
) -> None:
    (place / "t.md").write_bytes(text)
    result = run(place, "t.md", "--out", "out")
    assert result.returncode == 1
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not (place / "out").exists()


def told(result: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The one line that a command ends with that has failed."""
    assert result.returncode == status, result.stderr
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize(("arguments", "message"), [
    (["missing.md"], "missing.md:1:1: error: cannot be read: No such file or directory"),
    (["."], ".:1:1: error: cannot be read: Is a directory"),
    (["t.md", "--out", "p.png"],
     "t.md:1:1: error: no book is written: p.png/t.html: Not a directory"),
    (["t.md", "--out", "x" * 300], "/t.html: File name too long"),
    (["t.md", "--out", "."], "t.md:1:1: error: no book is written: t.html: not a plain file"),
    (["q.md", "--out", "."], "q.md:1:1: error: no book is written: .q.woven: not a plain file"),
])
def test_what_cannot_be_read_or_written_is_told(
    place: Path, arguments: list[str], message: str
) -> None:
    (place / "t.html").mkdir()
    (place / "q.md").write_text("# T\n\n" + chunk("x = 1"))
    os.mkfifo(place / ".q.woven")
    there = sorted(os.listdir(place))
    assert message in told(run(place, *arguments))
    assert sorted(os.listdir(place)) == there


@pytest.mark.parametrize(("name", "message"), [
    ("LICENSE", "/LICENSE:1:1: error: cannot be read: Permission denied"),
    ("p.png", "t.md:3:1: error: no picture: p.png cannot be read: Permission denied"),
    (FACES[0][-1], f"/{FACES[0][-1]}:1:1: error: cannot be read: Permission denied"),
])
def test_what_may_not_be_read_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str,
    message: str,
) -> None:
    for file in ("LICENSE", FACES[0][-1]):
        (place / file).write_bytes(b"x")
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert main([str(place / "t.md"), "--out", str(place), "--fonts", str(place)]) == 1
    first, *excerpt = capsys.readouterr().err.splitlines()
    assert message in first
    assert len(excerpt) in (0, 2)


@pytest.mark.parametrize("record", [b"\xff\xfe", b"", b"\0" * 1000])
def test_a_record_that_is_none_is_made_anew(place: Path, record: bytes) -> None:
    (place / ".t.woven").write_bytes(record)
    assert run(place, "t.md", "--out", ".").stdout == "wrote t.html and t-files.html\nwrote t.pdf\n"
    assert run(place, "t.md", "--out", ".").stdout == "t.html, t-files.html and t.pdf unchanged\n"


def test_a_name_that_is_no_text_is_a_title(place: Path) -> None:
    name = b"w\xff\xe9.md"
    with open(os.path.join(os.fsencode(place), name), "w") as file:
        file.write("## T\n\n" + chunk("x = 1"))
    result = run(place, name, "--out", "out")
    assert (result.returncode, result.stderr) == (0, "")
    (page,) = set(place.glob("out/*.html")) - set(place.glob("out/*-files.html"))
    assert "<title>w\ufffd\ufffd</title>" in page.read_text("utf-8")


def test_what_a_terminal_cannot_show_is_written_in_ascii(place: Path) -> None:
    (place / "\xe9.md").write_text("# T\n\n" + chunk("x = 1"))
    result = run(place, "\xe9.md", "--out", "out", PYTHONIOENCODING="ascii")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "wrote out/\\xe9.html and out/\\xe9-files.html\nwrote out/\\xe9.pdf\n"


@pytest.mark.parametrize("arguments", [["t.md"], ["--help"], ["--version"]])
@pytest.mark.parametrize(("stream", "reason"), [
    (">/dev/full", "No space left on device"), (">&-", "it is closed")])
def test_what_cannot_be_printed_is_an_error(
    place: Path, arguments: list[str], stream: str, reason: str
) -> None:
    command = shlex.join([sys.executable, "-m", "commonweb", "weave", *arguments])
    result = subprocess.run(["sh", "-c", f"{command} {stream}"], cwd=place,
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
                            text=True, timeout=100, check=False)
    assert told(result) == f"python -m commonweb weave: error: standard output: {reason}"


def test_without_a_place_for_complaints_nothing_is_printed_in_another(place: Path) -> None:
    command = shlex.join([sys.executable, "-m", "commonweb", "weave", "--what"])
    result = subprocess.run(["sh", "-c", f"{command} 2>&-"], cwd=place, stdout=subprocess.PIPE,
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=100, check=False)
    assert (result.returncode, result.stdout) == (2, b"")


def test_a_book_does_not_replace_its_web(place: Path) -> None:
    (place / "t.md").rename(place / "t.html")
    before = (place / "t.html").read_bytes()
    assert "t.html:1:1: error: the book would replace its web: expected another --out than ." in (
        run(place, "t.html", "--out", ".").stderr)
    assert (place / "t.html").read_bytes() == before
    assert run(place, "t.html", "--html").stdout == (
        "wrote build/book/t.html and build/book/t-files.html\n")


def test_webs_are_read_as_the_tangler_reads_them(place: Path) -> None:
    (place / "u.md").write_text("# T\n\n" + chunk("x", "../a.py"))
    assert "⟨../a.py⟩ leads out of the output folder" in run(place, "u.md").stderr
    assert told(run(place, "tt.md")) == (
        "tt.md:1:1: error: cannot be read: No such file or directory; did you mean t.md?")


def test_the_page_and_the_paper_may_be_made_one_without_the_other(place: Path) -> None:
    def weave_it(*options: str) -> str:
        return run(place, "t.md", "--out", ".", *options).stdout

    assert weave_it("--html") == "wrote t.html and t-files.html\n"
    assert weave_it("--html") == "t.html and t-files.html unchanged\n"
    assert not (place / "t.pdf").exists()
    assert weave_it() == "wrote t.pdf\n"  # the page is there
    (place / "t.md").write_text("# U\n\n" + chunk("x = 2"))
    assert weave_it("--pdf") == "wrote t.pdf\n"
    assert "<title>T</title>" in (place / "t.html").read_text()
    assert weave_it() == "wrote t.html and t-files.html\n"
    assert weave_it() == "t.html, t-files.html and t.pdf unchanged\n"
    assert run(place, "t.md", "--html", "--pdf").returncode == 2


def test_the_page_is_made_at_every_save_and_after_every_error(place: Path) -> None:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # (as in test_watch.py)
    with subprocess.Popen([sys.executable, "-m", "commonweb", "weave", "t.md", "--watch", "--out",
                           "."], cwd=place, env={**os.environ, "PYTHONPATH": str(ROOT)},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        signal.signal(signal.SIGINT, handler)
        assert process.stdout and process.stderr

        def said() -> list[str]:
            lines = []
            while not (line := process.stdout.readline()).startswith("waiting"):
                assert line
                lines.append(line)
            return lines

        try:
            assert said() == ["wrote t.html and t-files.html\n"]
            (place / "p.png").write_bytes(PIXEL + b"x")
            assert said() == ["wrote t.html and t-files.html\n"]
            (place / "t.md").write_text("# T\n\n" + chunk("⟨Missing⟩"))
            assert said() == []
            (place / "t.md").write_text("# U\n\n" + chunk("x = 3"))
            assert said() == ["wrote t.html and t-files.html\n"]
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert "⟨Missing⟩ is not defined" in process.stderr.read()
        finally:
            process.kill()
    assert "<title>U</title>" in (place / "t.html").read_text()
    assert not (place / "t.pdf").exists()


def test_documents_are_the_chapters_of_one_book(place: Path) -> None:
    (place / "u.md").write_text("Chapter\n=======\n\n## Part\n\n" + chunk("y", "Say y"))
    (place / "t.md").write_text("# T\n\n[part](u.md#part)[^n]\n\n" + chunk("⟨Say y⟩")
                                + "\n[^n]: Note.\n\n<!-- open")
    (place / "u.md").write_text((place / "u.md").read_text() + "\nMore.[^n]\n\n[^n]: Other.\n")
    result = run(place, "t.md", "u.md", "--html", "--out", ".")
    assert (result.stdout, result.stderr) == ("wrote t.html and t-files.html\n", "")
    page = read((place / "t.html").read_text())
    headings = {one.text(): one.attributes["id"] for one in page.one("main").every("h3")
                if "id" in one.attributes}
    assert [one.attributes["href"] for one in page.one("main").every("a")
            if one.text() == "part"] == [f"#{headings['3 Part']}"]
    ids = [one.attributes["id"] for one in page.one("main").every() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    assert ids.index("fn2") == ids.index("fn1") + 2 > ids.index(headings["3 Part"])
    assert [one.text() for one in page.one("main").every() if one.tag in ("h2", "h3")
            and one.text()[:1].isdigit()] == ["1 T", "2 Chapter", "3 Part"]
    (place / "u.md").write_text("# U\n\n" + chunk("⟨Say z⟩", "Say y"))
    assert "u.md:5:1: error: ⟨Say z⟩ is not defined" in run(place, "t.md", "u.md").stderr
    assert run(place).returncode == 2  # there is no default


def test_the_guide_is_woven_without_a_warning(place: Path) -> None:
    shutil.copytree(ROOT / "commonweb" / "guide", place / "guide")
    documents = re.findall(r'"(\w[\w-]*\.md)"', (place / "guide" / "pyproject.toml").read_text())
    result = run(place / "guide", *documents, "--html", "--out", ".")
    assert (result.stdout, result.stderr) == ("wrote begin.html and begin-files.html\n", "")
    page = read((place / "guide" / "begin.html").read_text())
    assert page.one("title").text() == "Literate programs with commonweb"
    chapters = [one.text() for one in page.one("main").every("h2") if one.text()[0].isdigit()]
    assert len(chapters) == len(documents)


def test_it_says_what_it_is_and_how_it_is_used(place: Path) -> None:
    assert run(place, "--version").stdout == f"python -m commonweb weave {__version__}\n"
    said = run(place, "-h").stdout
    assert said.startswith("usage: python -m commonweb weave ")
    assert "\n  -h, --help   print this\n" in said
    wrong = run(place, "--what")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "\npython -m commonweb weave: error: unrecognized arguments: --what\n" in wrong.stderr


@pytest.mark.parametrize("library", ["markdown_it", "jinja2", "tree_sitter", "weasyprint"])
def test_a_library_that_is_missing_is_told(place: Path, library: str) -> None:
    script = (f"import sys; sys.modules[{library!r}] = None; "
              "from commonweb.weave import command; command()")
    result = subprocess.run([sys.executable, "-c", script, "t.md"], cwd=place,
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
                            text=True, timeout=100, check=False)
    assert told(result) == (f"web-weave: error: no module {library}: expected the libraries of "
                            "pip install 'commonweb[weave]'")
    assert not (place / "build").exists()


def test_a_library_that_cannot_be_loaded_is_told(place: Path) -> None:
    """What WeasyPrint does where there is no Pango."""
    (place / "weasyprint").mkdir()
    (place / "weasyprint" / "__init__.py").write_text(
        "raise OSError(\"cannot load library 'libpango-1.0-0': no such file\")")
    assert told(run(place, "t.md", PYTHONPATH=f"{place}{os.pathsep}{ROOT}")) == (
        "t.md:1:1: error: no book is written: cannot load library 'libpango-1.0-0': no such file")
    assert not (place / "build").exists()


# Figures.

GRAPH = "digraph roads {\n  a -> b\n}"


@pytest.fixture
def figure(place: Path) -> Path:
    (place / "t.md").write_text("# T\n\n" + chunk("x = 1")
                                + f"\n- a list\n\n  ```dot\n{indent(GRAPH, '  ')}\n  ```\n")
    return place


def programs(place: Path, script: str) -> str:
    """A path on which there is nothing but a program `dot`."""
    (place / "bin").mkdir(exist_ok=True)
    (place / "bin" / "dot").write_text(f"#!/bin/sh\n{script}\n")
    (place / "bin" / "dot").chmod(0o755)
    return str(place / "bin")


WARNING = "t.md:10:3: warning: figure not drawn, for there is no Graphviz: "


def test_without_graphviz_it_is_woven_and_warned_of_till_there_is_one(figure: Path) -> None:
    def weave_it(**variables: str) -> tuple[str, Element]:
        result = run(figure, "t.md", "--out", ".", **variables)
        assert result.returncode == 0
        assert result.stderr.count("warning") == result.stderr.count(WARNING)
        said = result.stdout.split()[0].rstrip(",")
        return (f"{said}, {result.stderr.count('warning')} warned of",
                read((figure / "t.html").read_text("utf-8")).one("figure"))

    nothing = str(figure / "nothing")
    for said in ("wrote, 1 warned of", "t.html, 1 warned of"):
        found, shown = weave_it(PATH=nothing)
        assert found == said
        assert "Graphviz was missing" in shown.one("figcaption").text()
        assert shown.one("pre").text() == GRAPH
    for said in ("wrote, 0 warned of", "t.html, 0 warned of"):
        found, shown = weave_it()
        assert found == said
        assert [child.tag for child in shown.elements] == ["svg"]
    assert weave_it(PATH=nothing)[0] == "wrote, 1 warned of"


def test_paper_says_too_that_a_figure_is_not_drawn() -> None:
    web = Web(f"# T\n\n{chunk('x = 1')}\n```dot\n{GRAPH}\n```\n".encode())
    drawings, problems = figures.drawn(figures.graphs(web), False)
    assert problems == []
    page = read(page_of(web, tangle(web), paper=True, drawings=drawings)).one("figure")
    assert "Graphviz was missing" in page.one("figcaption").text()
    assert page.one("pre").text() == GRAPH


@pytest.mark.parametrize("script", ["exit 1", "kill $$", "exec /nowhere"])
def test_a_graphviz_that_does_not_run_is_none(figure: Path, script: str) -> None:
    result = run(figure, "t.md", PATH=programs(figure, script))
    assert result.returncode == 0
    assert result.stderr.startswith(WARNING)


def test_another_graphviz_draws_anew_and_each_figure_once(figure: Path) -> None:
    for version in ("1", "2"):
        path = programs(figure, f'echo "$1" >> {figure}/log\n[ "$1" = -V ] && echo {version} >&2 ||'
                                f' exec {shutil.which("dot")} "$@"')
        assert run(figure, "t.md", PATH=path).stdout.startswith("wrote")
        assert run(figure, "t.md", PATH=path).stdout.endswith("unchanged\n")
    assert (figure / "log").read_text().split() == ["-V", "-Tsvg", "-V"] * 2


@pytest.mark.parametrize(("script", "message"), [
    ("exec sleep 60", "no figure: dot was stopped after 0.2 seconds"),
    ("exit 3", "no figure: dot ended with status 3"),
    ("echo '<svg'", "no figure: expected one graph"),
    ("echo '<svg/>'", "no figure: expected one graph"),
    ("printf '\\377' >&2; exit 1", "no figure: \ufffd"),
])
def test_each_figure_that_cannot_be_drawn_is_told_once(
    figure: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    script: str, message: str,
) -> None:
    path = programs(figure, f'[ "$1" = -V ] && exit\n{script}')
    monkeypatch.setenv("PATH", f"{path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(figures, "graphviz", lambda: "1")
    monkeypatch.setattr(figures, "PATIENCE", 0.2 if "sleep" in script else 30)
    assert main([str(figure / "t.md"), "--out", str(figure / "out")]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(errors) == 1
    assert f"t.md:10:3: error: {message}" in errors[0]
    assert not (figure / "out").exists()


# Highlighting.


def test_a_language_that_takes_too_long_is_plain_and_warned_of(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = "<!--" * 750  # minutes
    (place / "t.md").write_text(f"# T\n\n```mcschema\n{slow}\n```\n\n" + chunk("'x'")
                                + f"\n```mcschema\n{slow}x\n```\n")
    monkeypatch.setattr(highlighting, "HIGHLIGHTER", highlighting.Highlighter())
    monkeypatch.setattr(listings, "HIGHLIGHTER", highlighting.HIGHLIGHTER)
    monkeypatch.setattr(highlighting, "PATIENCE", 5)
    assert main([str(place / "t.md"), "--out", str(place / "out")]) == 0
    highlighting.HIGHLIGHTER.end()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert line.endswith("t.md:3:1: warning: code in mcschema is not highlighted: "
                         "one of its blocks took more than 5 seconds")
    monkeypatch.setattr(highlighting.HIGHLIGHTER, "stopped", {})
    monkeypatch.setattr(highlighting.Highlighter, "ask", lambda *_: [])
    capsys.readouterr()
    assert main([str(place / "t.md"), "--out", str(place / "out"), "--html"]) == 0
    assert "wrote" in capsys.readouterr().out  # a plain book is not taken for fresh
    page = read((place / "out" / "t.html").read_text("utf-8"))
    assert [pre.text() for pre in page.every("pre")] == [slow, f"{slow}x"]
    assert page.one("div", "code").one("q").text() == "'x'"


def test_code_is_highlighted_by_the_command_in_a_checkout(place: Path) -> None:
    (place / "t.md").write_text("# T\n\n" + chunk("import os"))
    result = subprocess.run(
        [sys.executable, "-m", "commonweb", "weave", place / "t.md", "--out", place], cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True, text=True, timeout=100, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "<b>import</b>" in (place / "t.html").read_text()


@pytest.mark.parametrize("language", ["python", "c", "nobody", "", None])
def test_whatever_comes_before_a_block_it_is_highlighted(language: str | None) -> None:
    found = highlighting.Highlighter()
    found.stretches("\0\u2028\U0001f600\n'''a\n\nb'''", language)
    assert found.stretches("if x:  # why\n    'a\\n'", "python") == [
        (0, 2, "b"), (7, 12, "i"), (17, 22, "q")]
    assert found.stopped == {}
    found.end()


@pytest.mark.skipif(os.name == "nt", reason="kills, and asks who lives")
def test_the_process_ends_though_the_one_that_asked_was_killed() -> None:
    asks = ("import json, time; from commonweb import highlighting as h; process = h.started(); "
            "process.stdin.write(json.dumps(('<!--' * 750, 'mcschema', 2)) + chr(10)); "
            "process.stdin.flush(); print(process.pid, flush=True); time.sleep(100)")
    with subprocess.Popen([sys.executable, "-c", asks], cwd=ROOT, stdout=subprocess.PIPE) as asker:
        assert asker.stdout
        process = int(asker.stdout.readline())
        asker.kill()
    end = time.monotonic() + 60
    while time.monotonic() < end and lives(process):
        time.sleep(0.1)
    assert not lives(process)


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_an_answer_that_was_not_waited_for_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    found = highlighting.Highlighter()

    def interrupted(text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(highlighting.json, "loads", interrupted)
        with pytest.raises(KeyboardInterrupt):
            found.stretches("'x'", "python")
    assert found.stretches("if x: pass", "python") == [(0, 2, "b"), (6, 10, "b")]
    found.end()


# What decides whether a book is still the same.


def digest(place: Path) -> str:
    return Sources([str(place / "t.md")], place, place).digest()


def changes(place: Path) -> Iterator[Callable[[], object]]:
    yield lambda: (place / "t.md").write_text((place / "t.md").read_text() + "\n")
    yield lambda: (place / "LICENSE").write_text("free")
    yield lambda: (place / "LICENSE").unlink()
    for _, _, _, font in FACES:
        yield lambda font=font: (place / font).write_bytes(b"a")  # type: ignore[misc]
        yield lambda font=font: (place / font).write_bytes(b"b")  # type: ignore[misc]
    for picture in ("p.png", "a b.png", "c.gif"):
        yield lambda picture=picture: (place / picture).write_bytes(b"x")  # type: ignore[misc]
        yield lambda picture=picture: (place / picture).unlink()  # type: ignore[misc]


def test_whatever_lies_beside_a_web_and_is_in_its_book_counts(place: Path) -> None:
    (place / "t.md").write_text("# T\n\n![p](p.png) [![q][r]](x)\n\n| ![c](<c.gif>) |\n|-|\n\n"
                                "[r]: <a b.png>\n\n" + chunk("x = 1"))
    seen = [digest(place)]
    for change in changes(place):
        change()
        assert digest(place) != seen[-1]
        seen.append(digest(place))
    (place / "other.png").write_bytes(PIXEL)
    assert digest(place) == seen[-1]


def test_every_file_of_the_tools_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "commonweb"
    shutil.copytree(Path(freshness.__file__).parent, tools,
                    ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(freshness, "__file__", str(tools / "freshness.py"))
    seen = {freshness.digest(*freshness.shapers())}
    files = [file for file in tools.rglob("*") if file.suffix in (".py", ".html", ".css", ".js")]
    for file in files:
        file.write_bytes(file.read_bytes() + b"\n")
        seen.add(freshness.digest(*freshness.shapers()))
    assert len(seen) == len(files) + 1


def test_the_versions_of_all_that_weaves_count(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = freshness.versions(freshness.LIBRARIES)
    assert {"jinja2", "markdown-it-py", "mdurl", "pygments", "weasyprint", "pydyf", "pyphen",
            "tinycss2", "fonttools"} <= {name for name, version in versions.items() if version}
    assert "pytest" not in versions
    seen = {freshness.digest(*freshness.shapers())}
    found = metadata.distribution

    class Newer:
        def __init__(self, name: str) -> None:
            self.version, self.requires = "1000", found(name).requires

    for library in [name for name, version in versions.items() if version]:
        monkeypatch.setattr(metadata, "distribution", lambda name, newer=library: (
            Newer if name == newer else found)(name))
        seen.add(freshness.digest(*freshness.shapers()))
    monkeypatch.setattr(sys, "version", "4.0")
    seen.add(freshness.digest(*freshness.shapers()))
    assert freshness.pango()
    monkeypatch.setattr(freshness, "pango", lambda: "1000")
    seen.add(freshness.digest(*freshness.shapers()))
    assert len(seen) == len([version for version in versions.values() if version]) + 3


def test_these_are_the_libraries_that_weaving_asks_for() -> None:
    project = (ROOT / "commonweb" / "pyproject.toml").read_text()
    extra = re.search(r"\nweave = \[(.*?)\]", project, re.DOTALL)
    assert extra
    assert re.findall(r'"([\w-]+)', extra[1]) == sorted(freshness.LIBRARIES, key=str.casefold)
