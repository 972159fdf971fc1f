"""python -m commonweb tangle|weave ...: the commands web-tangle and web-weave."""

import os
import sys

USAGE = "usage: python -m commonweb tangle|weave ..."


def main(name: str) -> None:
    if sys.path[0] == os.path.realpath("."):  # Python looks there first, but there are only webs
        del sys.path[0]
    if name == "tangle":
        from .tangle import command
    elif name == "weave":
        from .weave import command
    elif name in ("-h", "--help"):
        print(USAGE)
        return
    else:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    del sys.argv[1]
    command(f"python -m commonweb {name}")


main(sys.argv[1] if len(sys.argv) > 1 else "")
