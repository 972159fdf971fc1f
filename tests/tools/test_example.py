"""What the tools' README shows is so."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from webs import TANGLE

# In the tools' own source archive the README stands beside the tests; here, beside the tools.
PLACES = Path(__file__).parents[2] / "commonweb", Path(__file__).parents[1]
[README] = [place / "README.md" for place in PLACES if (place / "__main__.py").exists()]
TEXT = README.read_text(encoding="utf-8")
[WEB] = re.findall(r"^````markdown example\n(.*?)^````", TEXT, re.M | re.S)
RIGHT, WRONG = re.findall(r"^```console\n(.*?)^```", TEXT, re.M | re.S)
POWERS = "".join(f"{n} {2**n}\n" for n in range(31))
COMMANDS = {"web-tangle": TANGLE, "web-weave": (sys.executable, "-m", "commonweb", "weave"),
            "python3": (sys.executable,)}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", timeout=60,
                          check=False, env={**os.environ, "PYTHONUTF8": "1"})


def commands(session: str) -> list[tuple[str, str]]:
    """The commands of a session at the terminal, each with what it prints."""
    return re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", session, re.M)


def ask(line: str, place: Path) -> str:
    """What a line of a session prints; `| tail -n 1` is all that it may know of a shell."""
    line, _, last = line.partition(" | ")
    program, *arguments = shlex.split(line)
    done = run(*COMMANDS[program], *arguments, cwd=place)
    said = done.stdout + done.stderr
    if last:
        assert last == "tail -n 1"
        return said.splitlines(keepends=True)[-1]
    return said


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "powers.md").write_text(WEB, encoding="utf-8")
    return tmp_path


@pytest.fixture
def tangled(place: Path) -> Path:
    done = run(*TANGLE, "powers.md", "--out", "src", cwd=place)
    assert done.returncode == 0, done.stderr
    return place


def test_the_commands_answer_as_it_shows(place: Path) -> None:
    asked = commands(RIGHT)
    assert [line.split()[0] for line, _ in asked] == [
        "web-tangle", "python3", "web-tangle", "web-weave"]
    for line, answer in asked[:-1]:
        assert ask(line, place) == answer


@pytest.mark.skipif(not all(map(importlib.util.find_spec, ("markdown_it", "weasyprint"))),
                    reason="nothing here to weave with")
def test_the_book_is_woven_as_it_shows(place: Path) -> None:
    line, answer = commands(RIGHT)[-1]
    assert ask(line, place) == answer
    assert (place / "book" / "powers.pdf").stat().st_size > 1000


def test_a_mistake_is_told_as_it_shows(place: Path) -> None:
    [(line, answer)] = commands(WRONG)
    (place / "powers.md").write_text(WEB.replace("⟨Limit⟩)", "⟨Limt⟩)", 1), encoding="utf-8")
    assert ask(line, place) == answer


def test_the_program_in_python_runs(tangled: Path) -> None:
    assert run(sys.executable, "src/powers.py", cwd=tangled).stdout == POWERS


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc here")
def test_the_program_in_c_can_be_compiled_and_runs(tangled: Path) -> None:
    compiled = run("gcc", "-Wall", "-Werror", "src/c/powers.c", "-o", "powers", cwd=tangled)
    assert compiled.returncode == 0, compiled.stderr
    assert run(tangled / "powers", cwd=tangled).stdout == POWERS
