"""A plugin of pytest for the tests that run under a sanitizer.

The sanitizer's library has to be the first that is preloaded, so it is put before what a test
preloads into a process of its own. Processes that are not Python's, compilers for instance, are
started without it. And each process of pytest looks for lost memory at its end, since those of
pytest-xdist end without.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from typing import Any

SANITIZER = os.environ.get("LD_PRELOAD", "")
start = subprocess.Popen.__init__


def start_with_sanitizer(self: Any, arguments: Any, *more: Any, **named: Any) -> None:
    environment = dict(os.environ if named.get("env") is None else named["env"])
    program = arguments if isinstance(arguments, (str, os.PathLike)) else arguments[0]
    preloaded = environment.get("LD_PRELOAD", SANITIZER)
    if not os.path.basename(os.fspath(program)).startswith("python"):
        environment.pop("LD_PRELOAD", None)
    elif SANITIZER not in preloaded:
        environment["LD_PRELOAD"] = f"{SANITIZER}:{preloaded}"
    start(self, arguments, *more, **{**named, "env": environment})


def pytest_configure() -> None:
    if not SANITIZER:
        raise SystemExit("tests/hard/sanitized.py: no sanitizer is preloaded; see rules.mk there")
    subprocess.Popen.__init__ = start_with_sanitizer  # type: ignore[method-assign]


def pytest_sessionfinish() -> None:
    check = getattr(ctypes.CDLL(None), "__lsan_do_recoverable_leak_check", None)
    if check is not None and "detect_leaks=1" in os.environ.get("ASAN_OPTIONS", ""):
        check()
