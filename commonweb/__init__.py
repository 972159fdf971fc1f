"""Literate programs as CommonMark documents.

The tools are programs, which import each other from the folder that they lie in. Python puts
a program's folder first; the commands do it here, where nothing else is to be imported.
"""

from __future__ import annotations

import sys
from pathlib import Path


def tangle() -> None:
    """The command web-tangle."""
    sys.path.insert(0, str(Path(__file__).parent))
    from tangle import command

    command()
