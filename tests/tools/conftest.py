"""What all tests of the tools rest on."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

import commonweb

# The commands that the tests start import the same tools, wherever they run.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(commonweb.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
).rstrip(os.pathsep)

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

read_text, write_text = Path.read_text, Path.write_text
NEWLINE = {"newline": "\n"} if sys.platform == "win32" else {}


@pytest.fixture(autouse=True)
def files_are_those_of_webs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Webs, and what is tangled, are UTF-8 and end their lines alike everywhere.

    Python's files are as the locale and the platform have it.
    """
    monkeypatch.setattr(Path, "read_text", lambda path, encoding="utf-8", *more: read_text(
        path, encoding, *more))
    monkeypatch.setattr(Path, "write_text", lambda path, data, encoding="utf-8", *more: write_text(
        path, data, encoding, *more, **NEWLINE))
