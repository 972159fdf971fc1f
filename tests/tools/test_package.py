"""The tools as a package: their commands, and what an import of them leaves alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import commonweb


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    # (SOCKETS_PLACES would have Python start with a module of the tests.)
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True,
                          timeout=60, check=False, env={**os.environ, "SOCKETS_PLACES": ""})


def test_importing_it_hides_no_module_of_others_and_touches_no_path(tmp_path: Path) -> None:
    here = Path(commonweb.__file__).parent
    names = sorted(path.stem for path in here.glob("*.py"))
    for name in names:
        (tmp_path / f"{name}.py").write_text("MINE = True\n")
    script = f"""
import sys
sys.path.insert(0, "")  # also where Python is told not to look here
before = list(sys.path)
import commonweb.tangle
assert sys.path == before
for name in {[name for name in names if not name.startswith("__")]!r}:
    assert __import__(name).MINE
"""
    done = run("-c", script, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["--dump"], ["--root", "none"], ["--lines"], []])
def test_no_module_beside_a_web_is_run(tmp_path: Path, arguments: list[str]) -> None:
    """Neither by the installed command, nor by Python's -m as soon as the tools are there."""
    (tmp_path / "w.md").write_text("## 1. x\n```\n# ⟨a.py⟩≡\nx\n```\n", "utf-8")
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/a.py").write_text("mine")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("1" * 40)
    (tmp_path / ".git/objects").mkdir()
    for name in ("difflib", "fcntl", "hashlib", "json", "posixpath", "random", "re", "subprocess",
                 "tempfile", "threading", "unicodedata", "_blake2", "commonweb.re"):
        (tmp_path / f"{name}.py").write_text("open('mark', 'w')")
    for start in (["-m", "commonweb", "tangle"],
                  ["-c", "import sys; sys.path.remove(''); from commonweb.tangle import command; "
                   "command()"]):
        if start[0] == "-m" and (sys.version_info < (3, 11) or sys.platform == "win32"):
            continue  # what Python itself imports before is not frozen there
        done = run(*start, "w.md", *arguments, cwd=tmp_path)
        assert "Traceback" not in done.stderr
        assert done.returncode == ("--dump" not in arguments)
        assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["-h"]])
def test_the_package_says_which_commands_it_has(tmp_path: Path, arguments: list[str]) -> None:
    done = run("-m", "commonweb", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "usage: python -m commonweb tangle|weave ...\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_help_that_does_not_arrive_is_an_error(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "commonweb", "-h"], cwd=tmp_path, text=True,
                              stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (
        1, "python -m commonweb: error: standard output: No space left on device\n")


@pytest.mark.parametrize("arguments", [[], ["knit"], ["--what"]])
def test_another_command_is_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    done = run("-m", "commonweb", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: python -m commonweb tangle|weave ...\n"


def test_the_tangler_bears_the_name_that_it_was_called_by(tmp_path: Path) -> None:
    program = "python -m commonweb tangle"
    assert run("-m", "commonweb", "tangle", "--version", cwd=tmp_path).stdout == (
        f"{program} {commonweb.__version__}\n")
    assert program in run("-m", "commonweb", "tangle", "--help", cwd=tmp_path).stdout
    wrong = run("-m", "commonweb", "tangle", "--what", cwd=tmp_path)
    assert wrong.stderr.startswith(f"{program}: unknown option '--what'")
    assert f"usage: {program} [WEB ...]" in wrong.stderr
    installed = "from commonweb.tangle import command; command()"
    assert run("-c", installed, "--version", cwd=tmp_path).stdout == (
        f"web-tangle {commonweb.__version__}\n")


def test_a_python_that_is_too_old_is_told_so_in_one_line(tmp_path: Path) -> None:
    done = run("-c", "import sys; sys.version_info = (3, 8, 1); sys.version = '3.8.1 (now)'; "
               "import commonweb", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "commonweb needs Python 3.9 or later, and this is 3.8.1\n"


def test_its_version_is_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", commonweb.__version__)
