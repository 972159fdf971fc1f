"""What all tests of the tools rest on."""

import functools
import os
import sys
from pathlib import Path

import commonweb

# The commands that the tests start import the same tools, wherever they run.
os.environ["PYTHONPATH"] = str(Path(commonweb.__file__).resolve().parents[1])

# Webs, and what is tangled, are UTF-8 and end their lines alike everywhere; Python's files are as
# the locale and the platform have it.
Path.read_text = functools.partialmethod(Path.read_text, encoding="utf-8")  # type: ignore
Path.write_text = functools.partialmethod(Path.write_text, encoding="utf-8", **(  # type: ignore
    {"newline": "\n"} if sys.platform == "win32" else {}))
