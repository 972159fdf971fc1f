"""Fixtures, and the skipping of what the platform lacks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket as native
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import places  # (first: then tracebacks through sockets lead to the document)
import pytest
from hypothesis import settings

pytest.register_assert_rewrite("helpers")

from helpers import WINDOWS, Family, Makers, needs_unix_sockets  # noqa: E402

from sockets import (  # noqa: E402
    HAS_DONT_WAIT,
    HAS_REUSE_PORT,
    HAS_UNIX_SOCKETS,
    ReceiveFromOption,
    SocketDomain,
    SocketOption,
)

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

os.environ["SOCKETS_PLACES"] = str(Path(places.__file__).parent)  # so do those of child processes

# A constant that the platform lacks is absent. So are, on Windows, many things of Python.
LACKING = [
    (kind, name)
    for kind, name, there in [
        (SocketDomain, "UNIX", HAS_UNIX_SOCKETS), (SocketDomain, "LOCAL", HAS_UNIX_SOCKETS),
        (ReceiveFromOption, "DONT_WAIT", HAS_DONT_WAIT),
        (SocketOption, "REUSE_PORT", HAS_REUSE_PORT),
    ] if not there
]
PYTHONS_OWN = (native, os, select, signal, asyncio)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    return (yield from skip_what_is_lacking())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    return (yield from skip_what_is_lacking())


def skip_what_is_lacking() -> Iterator[None]:
    """Skip a test as soon as the library says that the platform lacks what it is about.

    That it says so where it should, and nowhere else, is what test_windows.py is about.
    """
    try:
        return (yield)
    except FileNotFoundError as error:
        if WINDOWS and str(error.filename).startswith("/proc/"):
            pytest.skip("the platform has no /proc")
        raise
    except NotImplementedError as error:
        if WINDOWS and str(error).endswith(": not supported on this platform (win32)"):
            pytest.skip(f"{error}")
        raise
    except AttributeError as error:
        # A test asked for it itself, and not what tests share, which would make all of them skip.
        frames = traceback.extract_tb(error.__traceback__)
        if not Path(frames[-1].filename).name.startswith("test_"):
            raise
        if (error.obj, error.name) in LACKING or (WINDOWS and error.obj in PYTHONS_OWN):
            pytest.skip(f"the platform has no {error.obj.__name__}.{error.name}")
        raise


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary directory whose paths are short enough for UNIX addresses."""
    with tempfile.TemporaryDirectory(prefix="s", dir=None if WINDOWS else "/tmp") as name:
        yield Path(name)


@pytest.fixture(params=["internet", pytest.param("unix", marks=needs_unix_sockets)])
def family(request: pytest.FixtureRequest) -> Family:
    unix = request.param == "unix"  # which alone wants a folder
    return Family(request.param, request.getfixturevalue("folder") if unix else Path())


@pytest.fixture(params=["blocking", "nonblocking"])
def mode(request: pytest.FixtureRequest) -> bool:
    """Whether sockets are to be non-blocking."""
    return bool(request.param == "nonblocking")


@pytest.fixture
def make(family: Family, mode: bool) -> Iterator[Makers]:
    """Sockets of each family in each mode: a test that asks for this runs four times."""
    with contextlib.closing(Makers(family, mode)) as makers:
        yield makers


@pytest.fixture
def quick(family: Family) -> Iterator[Makers]:
    """Non-blocking sockets of each family."""
    with contextlib.closing(Makers(family, True)) as makers:
        yield makers


@pytest.fixture
def slow(family: Family) -> Iterator[Makers]:
    """Blocking sockets of each family."""
    with contextlib.closing(Makers(family, False)) as makers:
        yield makers


@pytest.fixture
def tcp() -> Iterator[Makers]:
    """Non-blocking sockets of the Internet family."""
    with contextlib.closing(Makers(Family("internet", Path()), True)) as makers:
        yield makers


@pytest.fixture
def unix(folder: Path) -> Iterator[Makers]:
    """Non-blocking sockets of the UNIX family."""
    if not HAS_UNIX_SOCKETS:
        pytest.skip("the platform has no UNIX sockets")
    with contextlib.closing(Makers(Family("unix", folder), True)) as makers:
        yield makers
