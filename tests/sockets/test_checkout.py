"""What a fresh checkout does, whichever Python it meets and wherever it lies."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLD = [python for version in ("2.7", "3.6", "3.7", "3.8") if (python := next(
    map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")),
    shutil.which(f"python{version}")))]
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="no make here")


# The tests may be run by make themselves, which has told them so.
CLEAN = {name: value for name, value in os.environ.items() if "MAKE" not in name}


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=CLEAN | variables, capture_output=True,
                          encoding="utf-8", timeout=60)


@pytest.mark.parametrize("variables", [
    {}, {"PYTHONSAFEPATH": "1"}, {"PYTHONDONTWRITEBYTECODE": "1"}, {"LC_ALL": "C"},
], ids=str)
def test_what_is_generated_is_what_the_document_means(variables: dict[str, str]) -> None:
    done = run(sys.executable, "tangle.py", "--check", **variables)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("python", OLD or [
    pytest.param("", marks=pytest.mark.skip(reason="no Python before 3.9 here"))])
def test_a_python_that_is_too_old_to_tangle_is_told_so_in_one_line(python: str) -> None:
    version = run(python, "-c", "import sys; print(sys.version.split()[0])").stdout.strip()
    done = run(python, "tangle.py", "--check", PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"commonweb needs Python 3.9 or later, and this is {version}\n"


@needs_make
@pytest.mark.parametrize("python", OLD or [
    pytest.param("", marks=pytest.mark.skip(reason="no Python before 3.9 here"))])
def test_a_python_that_is_too_old_to_build_with_is_told_so_in_one_line(python: str) -> None:
    done = run("make", "build", f"PYTHON={python}")
    first, *rest = done.stderr.splitlines()
    assert re.fullmatch(r"this needs Python 3\.11 or later, and \S+ is [\d.]+: name another, as in "
                        r"PYTHON=python3\.\d+", first)
    assert len(rest) == 1
    assert rest[0].startswith("make: *** ")


@needs_make
def test_make_tells_what_each_target_is_for_in_a_line() -> None:
    told = run("make", "help").stdout.splitlines()
    aligned = re.compile(r"(?=.{20} \S.{,78}$)make [a-z-]+ +.*")
    assert [line for line in told if not aligned.fullmatch(line)] == []
    targets = [line.split()[1] for line in told]
    assert len(targets) == len(set(targets))
    makefiles = [ROOT / "Makefile", *ROOT.glob("*/rules.mk"), *ROOT.glob("tests/**/*.mk")]
    named = re.findall(r"^\.PHONY:((?:[^\n\\]|\\\n)*)",
                       "\n".join(path.read_text(encoding="utf-8") for path in makefiles), re.M)
    inner = {"FORCE", "alarm-asan", "measure-asan", "bench-measure"}
    assert set(" ".join(named).split()) - inner == set(targets)
