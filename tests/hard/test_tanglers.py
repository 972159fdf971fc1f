"""Two programs that are not ours tangle the document, and write the same files.

noweb indents every line by the column of its chunk, empty ones and those inside strings too.
Entangled does so with strings, too, and ends no file with a newline.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from commonweb import expansion
from commonweb.strings import long_strings
from commonweb.web import Web

ROOT = Path(__file__).parents[2]
WEB = Web((ROOT / "sockets.md").read_bytes())
FILES = {name: data.decode() for name, data in expansion.tangle(WEB).items()}
ENTANGLED = os.environ.get("ENTANGLED", "")


def agrees(name: str, ours: str, theirs: str) -> None:
    """They are the same, but for the indentation of lines that begin inside strings."""
    spans, at = long_strings(ours, name.rpartition(".")[2]), 0
    for line, other in zip(ours.split("\n"), theirs.split("\n"), strict=True):
        if any(start < at < end for start, end in spans):
            assert line.lstrip(" ") == other.lstrip(" ")
        else:
            assert line == (other if other.strip(" ") else "")
        at += len(line) + 1


@pytest.fixture(scope="module")
def noweb() -> bytes:
    done = subprocess.run(["sed", "-E", "-f", ROOT / "tests/hard/noweb.sed", ROOT / "sockets.md"],
                          check=True, capture_output=True)
    return done.stdout


@pytest.mark.parametrize("name", FILES)
def test_noweb_writes_the_same(name: str, noweb: bytes) -> None:
    done = subprocess.run(["notangle", f"-R{name}", "-"], input=noweb, check=True,
                          capture_output=True)
    assert done.stderr == b""
    agrees(name, FILES[name] or "\n", done.stdout.decode())  # it has no empty files


@pytest.fixture(scope="module")
def entangled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not ENTANGLED:
        pytest.skip("Entangled did not install")
    place = tmp_path_factory.mktemp("entangled")
    shutil.copy(ROOT / "sockets.md", place)
    shutil.copy(ROOT / "tests/hard/entangled.toml", place)
    subprocess.run([ENTANGLED, ROOT / "tests/hard/entangled_web.py"], cwd=place, check=True,
                   capture_output=True)
    return place


@pytest.mark.parametrize("name", FILES)
def test_entangled_writes_the_same(name: str, entangled: Path) -> None:
    theirs = (entangled / name).read_text()
    agrees(name, FILES[name], theirs + "\n" if FILES[name] else theirs)
