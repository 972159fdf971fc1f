"""The README does what it says."""

import re
import subprocess
import sys
from pathlib import Path

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


def test_every_file_that_it_links_to_exists():
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link
