"""The README does what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import windows_differs

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **options)


@windows_differs("errors")
def test_the_code_that_shows_why_ends_as_it_says(tmp_path):
    [code] = re.findall(r"^```python\n(from sockets.*?)^```", README, re.M | re.S)
    result = run(sys.executable, "-c", code, cwd=tmp_path)
    address, answer = result.stdout.splitlines()
    assert re.fullmatch(r"127\.0\.0\.1:\d+", address)
    assert answer == "11 Resource temporarily unavailable"
    raised = "sockets.SocketCondition: connect_socket: connect: EISCONN "
    assert raised + "(Transport endpoint is already connected): 127.0.0.1:9" in result.stderr


[WEB] = re.findall(r"^````markdown\n(.*?)^````", README, re.M | re.S)
POWERS = "".join(f"{n} {2**n}\n" for n in range(31))


@pytest.fixture
def tangled(tmp_path):
    (tmp_path / "powers.md").write_text(WEB)
    done = run(sys.executable, ROOT / "tangle.py", "powers.md", "--out", "src", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_the_web_that_it_shows_can_be_tangled_and_run(tangled):
    assert run(sys.executable, "src/powers.py", cwd=tangled).stdout == POWERS


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc here")
def test_the_web_that_it_shows_can_be_tangled_compiled_and_run(tangled):
    compiled = run("gcc", "-Wall", "-Werror", "src/c/powers.c", "-o", "powers", cwd=tangled)
    assert compiled.returncode == 0, compiled.stderr
    assert run(tangled / "powers").stdout == POWERS


def test_every_file_that_it_links_to_exists():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link
