"""python -m commonweb tangle|weave ...: the commands web-tangle and web-weave."""

from __future__ import annotations

import os
import sys

PROGRAM = "python -m commonweb"
USAGE = f"usage: {PROGRAM} tangle|weave ..."


def main(name: str) -> None:
    if sys.path[0] == os.path.realpath("."):  # Python looks there first, but there are only webs
        del sys.path[0]
    program = f"{PROGRAM} {name}"
    if name == "tangle":
        from . import tangle

        del sys.argv[1]
        tangle.command(program)
    elif name == "weave":
        from . import weave

        del sys.argv[1]
        weave.command(program)
    from .messages import run

    run(usage, PROGRAM)


def usage(arguments: list[str], program: str) -> int:
    from .messages import say, warn

    if arguments[:1] in (["-h"], ["--help"]):
        say(USAGE)
        return 0
    warn(USAGE)
    return 2


main(sys.argv[1] if len(sys.argv) > 1 else "")
