"""The README does what it says."""

import re
import subprocess
import sys
from pathlib import Path

from conftest import windows_differs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=30, **options)


@windows_differs("errors have the names and texts of Winsock")
def test_the_code_that_shows_why_ends_as_it_says(tmp_path):
    [code] = re.findall(r"^```python\n(from sockets.*?)^```", README, re.M | re.S)
    result = run(sys.executable, "-c", code, cwd=tmp_path)
    address, answer = result.stdout.splitlines()
    assert re.fullmatch(r"127\.0\.0\.1:\d+", address)
    assert answer == "None 11 Resource temporarily unavailable"
    raised = "sockets.SocketCondition: connect_socket: connect: EISCONN "
    assert raised + "(Transport endpoint is already connected): 127.0.0.1:9" in result.stderr


def test_the_web_that_it_shows_can_be_tangled_and_run(tmp_path):
    [web] = re.findall(r"^````markdown\n(.*?)^````", README, re.M | re.S)
    (tmp_path / "hello.md").write_text(web, encoding="utf-8")
    tangled = run(sys.executable, ROOT / "tangle.py", "hello.md", "--out", "build", cwd=tmp_path)
    assert tangled.returncode == 0, tangled.stderr
    greeted = run(sys.executable, "build/hello.py", "Ada", "Aaron", cwd=tmp_path)
    assert greeted.stdout == "Hello, Ada!\nHello, Aaron!\n"


def test_every_file_that_it_links_to_exists():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link
