"""The README does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import windows_differs

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
TALK, SERVE, WHY = PROGRAMS


def run(program: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program, *words], cwd=cwd, capture_output=True,
                          encoding="utf-8", timeout=30)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address at which the README's server serves."""
    server = subprocess.Popen([sys.executable, "-c", SERVE], cwd=tmp_path, stdout=subprocess.PIPE,
                              encoding="utf-8")
    with server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.kill()


def test_its_first_program_talks_to_its_second(served: str, tmp_path: Path) -> None:
    for _ in range(2):  # the one client after the other
        done = run(TALK, served, cwd=tmp_path)
        assert (done.stdout, done.stderr) == ("Hello, sockets.\n", "")


@windows_differs("errors")
def test_the_code_that_shows_why_ends_as_it_says(tmp_path: Path) -> None:
    done = run(WHY, cwd=tmp_path)
    [answer] = done.stdout.splitlines()
    assert answer.endswith("EAGAIN (Resource temporarily unavailable)")
    raised = "sockets.SocketCondition: connect_socket: connect: EISCONN "
    assert raised + "(Transport endpoint is already connected): 127.0.0.1:9" in done.stderr


def anchors(document: Path) -> set[str]:
    """The anchors that a code host makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "commonweb/README.md",
    "commonweb/CHANGELOG.md"])
def test_every_file_that_is_linked_to_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    prose = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text, flags=re.S)  # in code is no link
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        file, _, anchor = link.partition("#")
        assert ((ROOT / name).parent / file).exists(), link
        assert not anchor or anchor in anchors((ROOT / name).parent / file), link
