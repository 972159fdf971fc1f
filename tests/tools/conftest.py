"""What all tests of the tools rest on."""

import os
import sys
from pathlib import Path

from hypothesis import settings

import commonweb

# The commands that the tests start import the same tools, wherever they run.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(commonweb.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
).rstrip(os.pathsep)

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# Webs, and what is tangled, are UTF-8 and end their lines alike everywhere; Python's files are as
# the locale and the platform have it.
read_text, write_text = Path.read_text, Path.write_text
NEWLINE = {"newline": "\n"} if sys.platform == "win32" else {}
Path.read_text = lambda path, encoding="utf-8", *more: read_text(  # type: ignore
    path, encoding, *more)
Path.write_text = lambda path, data, encoding="utf-8", *more: write_text(  # type: ignore
    path, data, encoding, *more, **NEWLINE)
