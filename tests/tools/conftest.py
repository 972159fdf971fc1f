"""What all tests of the tools rest on."""

import functools
import os
import sys
from pathlib import Path

import commonweb

# The commands that the tests start import the same tools, wherever they run.
os.environ["PYTHONPATH"] = str(Path(commonweb.__file__).resolve().parents[1])

# Webs, and what is tangled, have the same ends of lines everywhere; Python's files have others.
if sys.platform == "win32":
    Path.write_text = functools.partialmethod(Path.write_text, newline="\n")  # type: ignore
