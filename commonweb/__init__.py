"""Literate programs as CommonMark documents.

The tools are programs, which import each other from the folder that they lie in. Python puts
a program's folder first; the commands do it here, where nothing else is to be imported.
"""

from __future__ import annotations

import sys
from pathlib import Path


sys.path.insert(0, str(Path(__file__).parent))


def tangle() -> None:
    """The command web-tangle."""
    from tangle import command

    command()


def weave() -> None:
    """The command web-weave; it wants the extra `weave`."""
    try:
        from weave import command
    except ModuleNotFoundError as error:
        sys.exit(f"web-weave: {error.name} is missing: pip install 'commonweb[weave]'")

    command()
