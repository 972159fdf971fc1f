"""What the build of `sockets` does besides compiling. setup.py calls it."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

GENERATED = Path(__file__).parent


def load_program(directory: str) -> dict[str, Any]:
    """Run the program before its C parts exist; the library of values is in `directory`."""
    sys.path.insert(0, directory)
    try:
        return runpy.run_path(str(GENERATED / "sockets" / "_sockets.py"))
    finally:
        sys.path.remove(directory)


def write_values(program: dict[str, Any], path: Path) -> None:
    """Write the module `sockets._values`."""
    text = program["define_bindings"](program["FOREIGN_VALUES"])
    path.write_text('"""Written by the build: numbers of this platform\'s C headers."""\n\n' + text)

KEEP_THE_LOCK = """
#ifndef PYPY_VERSION
#undef Py_BEGIN_ALLOW_THREADS
#undef Py_END_ALLOW_THREADS
#define Py_BEGIN_ALLOW_THREADS {
#define Py_END_ALLOW_THREADS }
#endif
#line 1 "_stub.c"
"""


def write_wrapper(program: dict[str, Any], path: Path) -> None:
    """Write the C source of the module `sockets._stub`."""
    from cffi import FFI

    sources = [GENERATED / name for name in ("sockets-stub.c", "sockets-fast.c")]
    stub = "".join(source.read_text(encoding="utf-8") for source in sources)
    check_guards(stub, program["KEEPS_LOCK"])
    ffi = FFI()
    ffi.cdef("\n".join([*program["FOREIGN_TYPES"], *find_heads(stub, program["KEEPS_LOCK"])]))
    ffi.set_source("sockets._stub", stub + KEEP_THE_LOCK)
    ffi.emit_c_code(str(path))
    check_wrappers(path.read_text(), program["KEEPS_LOCK"])


def find_heads(stub: str, names: Iterable[str]) -> list[str]:
    """The heads of the stubs of these names, as declarations."""
    found = re.findall(r"^(\w[\w ]*?[ *](\w+)\([^;{}]*\))\n\{", stub, re.MULTILINE)
    heads = {name: head + ";" for head, name in found}
    return [heads[name] for name in names if name.endswith(("_block", "_keep"))]


def check_wrappers(wrapper: str, keeps_lock: dict[str, bool]) -> None:
    found = re.findall(
        r"^_cffi_f_(\w+)\(.*?^  Py_BEGIN_ALLOW_THREADS$.*?^  Py_END_ALLOW_THREADS$.*?^}$",
        wrapper, re.DOTALL | re.MULTILINE,
    )
    lines = wrapper.splitlines()
    uses = {lines.count(f"  Py_{word}_ALLOW_THREADS") for word in ("BEGIN", "END")}
    behind = wrapper.partition(KEEP_THE_LOCK)[2]
    if (
        sorted(found) != sorted(keeps_lock) or uses != {len(keeps_lock)} or "PyEval_" in behind
    ):
        raise SystemExit(
            "sockets: this version of cffi writes wrappers of a form that is not known here; "
            "install the version that pyproject.toml asks for"
        )


def check_guards(stub: str, keeps_lock: dict[str, bool]) -> None:
    for name, keeps in keeps_lock.items():
        body = re.search(rf"^\w+ {name}\([^{{]*\{{(.*?)^\}}", stub, re.DOTALL | re.MULTILINE)
        guarded = body is not None and "GUARD(" in body[1]
        if guarded == keeps:
            raise SystemExit(
                f"sockets-stub.c: {name} {'has a' if guarded else 'lacks the'} GUARD, "
                f"but is declared to {'keep' if keeps else 'release'} the lock"
            )
