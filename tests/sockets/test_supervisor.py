"""Sockets that a supervisor hands on: for this process, with their names, and of the right kind."""

from __future__ import annotations

import errno
import os
import socket as native
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import DEADLINE, has_loopback6, reports, run_python

from sockets import (
    Socket,
    SocketDomain,
    SocketType,
    _sockets,
    adopt_from_supervisor,
    close_socket,
)

if sys.platform == "win32":
    pytest.skip("handles are not handed on by number there", allow_module_level=True)
STREAM, DATAGRAM = SocketType.STREAM, SocketType.DATAGRAM
VARIABLES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"
Handed = Callable[..., list[int]]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handed]:
    """Hand on sockets of these kinds, in a row from some number on; the rest is environment."""
    fds: list[int] = []

    def hand(*kinds: tuple[int, int], **variables: str) -> list[int]:
        made = [native.socket(*kind) for kind in kinds]
        first = 500 + os.getpid() % 100
        for at, sock in enumerate(made):
            if kinds[at][0] != native.AF_UNIX:
                sock.bind(("127.0.0.1" if kinds[at][0] == native.AF_INET else "::1", 0))
            os.dup2(sock.fileno(), first + at)  # which is inheritable
            fds.append(first + at)
            sock.close()
        monkeypatch.setattr(_sockets, "FIRST_HANDED_ON", first)
        told = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(kinds)), **variables}
        for name in VARIABLES:
            if name in told:
                monkeypatch.setenv(name, told[name])
            else:
                monkeypatch.delenv(name, raising=False)
        return fds

    yield hand
    for fd in fds:
        try:
            os.close(fd)
        except OSError as error:
            assert error.errno == errno.EBADF


TCP = (native.AF_INET, native.SOCK_STREAM)
UDP = (native.AF_INET, native.SOCK_DGRAM)
PATH = (native.AF_UNIX, native.SOCK_STREAM)


def close_all(adopted: list[tuple[str, Socket]]) -> None:
    for _, sock in adopted:
        close_socket(sock)


def kinds_of(adopted: list[tuple[str, Socket]]) -> list[tuple[str, SocketDomain, SocketType]]:
    return [(name, sock.domain, sock.type) for name, sock in adopted]


def test_sockets_come_in_their_order_with_their_names(handed: Handed) -> None:
    six = (native.AF_INET6, native.SOCK_STREAM) if has_loopback6() else TCP
    fds = handed(TCP, UDP, PATH, six, LISTEN_FDNAMES="web:dns::web")
    adopted = adopt_from_supervisor()
    assert [sock.fd for _, sock in adopted] == fds
    assert kinds_of(adopted) == [
        ("web", SocketDomain.INTERNET, STREAM), ("dns", SocketDomain.INTERNET, DATAGRAM),
        ("", SocketDomain.UNIX, STREAM),
        ("web", SocketDomain.INTERNET_V6 if has_loopback6() else SocketDomain.INTERNET, STREAM),
    ]
    assert not any(os.get_inheritable(fd) for fd in fds)
    assert not any(name in os.environ for name in VARIABLES)
    close_all(adopted)


@pytest.mark.parametrize("nonblocking", [True, False])
def test_the_mode_is_the_supervisors(handed: Handed, nonblocking: bool) -> None:
    [fd] = handed(TCP)
    os.set_blocking(fd, not nonblocking)
    [(name, sock)] = adopt_from_supervisor(SocketDomain.INTERNET, STREAM)
    assert (name, sock.nonblocking, sock.fd) == ("unknown", nonblocking, fd)
    close_socket(sock)


def test_the_environment_may_be_kept(handed: Handed) -> None:
    handed(TCP, LISTEN_FDNAMES="one")
    adopted = adopt_from_supervisor(keep_environment=True)
    assert [os.environ[name] for name in VARIABLES] == [str(os.getpid()), "1", "one"]
    close_all(adopted)


@pytest.mark.parametrize("variables", [
    {"LISTEN_PID": str(os.getpid() + 1)}, {"LISTEN_PID": "0"}, {"LISTEN_PID": "x"},
    {"LISTEN_FDS": "0"}, {"LISTEN_FDS": "0", "LISTEN_FDNAMES": ""},
])
def test_what_is_for_others_or_nothing_is_left_alone(
    handed: Handed, variables: dict[str, str]
) -> None:
    [fd] = handed(TCP, **variables)
    assert adopt_from_supervisor() == []
    assert os.get_inheritable(fd)
    assert not any(name in os.environ for name in VARIABLES)


@pytest.mark.parametrize("name", VARIABLES[:2])
def test_without_the_variables_there_is_nothing(
    handed: Handed, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    handed(TCP)
    monkeypatch.delenv(name)
    assert adopt_from_supervisor() == []


@pytest.mark.parametrize(("count", "names", "wrong"), [
    ("x", None, "LISTEN_FDS: 'x' is not a decimal number"), ("-1", None, "LISTEN_FDS: '-1'"),
    ("01", None, "LISTEN_FDS: '01'"), ("", None, "LISTEN_FDS: ''"),
    ("99999999999", None, "LISTEN_FDS: '99999999999'"),
    ("1", "a:b", "LISTEN_FDNAMES has 2 names, and LISTEN_FDS is 1: 'a:b'"),
    ("3", "a:b", "LISTEN_FDNAMES has 2 names, and LISTEN_FDS is 3"),
])
def test_variables_that_contradict_are_refused(
    handed: Handed, count: str, names: str | None, wrong: str
) -> None:
    more = {} if names is None else {"LISTEN_FDNAMES": names}
    fds = handed(TCP, LISTEN_FDS=count, **more)
    with pytest.raises(ValueError, match=f"^adopt_from_supervisor: {wrong}"):
        adopt_from_supervisor()
    assert os.get_inheritable(fds[0])
    assert not any(name in os.environ for name in VARIABLES)


@pytest.mark.parametrize(("expected", "wrong"), [
    ((SocketDomain.UNIX, None), "must be of SocketDomain.UNIX, not of SocketDomain.INTERNET"),
    ((None, DATAGRAM), "must be of SocketType.DATAGRAM, not of SocketType.STREAM"),
    ((SocketDomain.INTERNET, STREAM), "must be of SocketType.STREAM, not of SocketType.DATAGRAM"),
])
def test_of_sockets_that_are_not_what_was_expected_none_is_adopted(
    handed: Handed, expected: Any, wrong: str
) -> None:
    fds = handed(TCP, UDP, LISTEN_FDNAMES="a:b")
    told = rf"^adopt_from_supervisor: descriptor \d+, '[ab]', {wrong}"
    with pytest.raises(ValueError, match=told):
        adopt_from_supervisor(*expected)
    for fd in fds:
        assert os.get_inheritable(fd)  # and open


def test_what_is_no_socket_or_not_open_is_named(handed: Handed) -> None:
    fds = handed(TCP, UDP)
    os.close(fds[1])
    with reports(errno.EBADF, "adopt_from_supervisor") as caught:
        adopt_from_supervisor()
    assert f"descriptor {fds[1]}, 'unknown'" in str(caught.value)
    reading, writing = os.pipe()
    os.dup2(reading, fds[1])
    os.close(reading)
    os.close(writing)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")
    with reports(errno.ENOTSOCK, "adopt_from_supervisor") as caught:
        adopt_from_supervisor()
    assert f"descriptor {fds[1]}, 'unknown'" in str(caught.value)
    assert os.get_inheritable(fds[0])


@pytest.mark.parametrize("wrong", [
    lambda: adopt_from_supervisor(2),  # type: ignore[arg-type]
    lambda: adopt_from_supervisor(None, SocketDomain.UNIX),  # type: ignore[arg-type]
    lambda: adopt_from_supervisor(keep_environment=1),  # type: ignore[arg-type]
])
def test_wrong_arguments_leave_the_environment_as_it_is(handed: Handed, wrong: Any) -> None:
    handed(TCP)
    with pytest.raises(TypeError, match=r"^adopt_from_supervisor: "):
        wrong()
    assert os.environ["LISTEN_FDS"] == "1"


LAUNCHER = """
import os, socket, sys
one, two = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
kept = [os.dup(each.detach()) for each in (one, two)]
for at, fd in enumerate(kept):
    os.dup2(fd, 3 + at)
os.environ.update(LISTEN_FDS="2", LISTEN_FDNAMES="web:dns", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
SERVICE = """
import os, subprocess, sys
from sockets import *
for name, sock in adopt_from_supervisor():
    print(name, sock.fd, sock.domain, sock.type, os.get_inheritable(sock.fd))
    close_socket(sock)
child = "from sockets import *; print(adopt_from_supervisor())"
print(subprocess.run([sys.executable, "-c", child], capture_output=True, text=True).stdout.strip())
"""


def test_a_service_that_was_started_with_sockets_has_them_and_its_children_do_not() -> None:
    answer = subprocess.run([sys.executable, "-c", LAUNCHER, SERVICE], capture_output=True,
                            text=True, timeout=DEADLINE, check=True).stdout.splitlines()
    assert answer == [
        "web 3 SocketDomain.INTERNET SocketType.STREAM False",
        "dns 4 SocketDomain.INTERNET SocketType.DATAGRAM False", "[]",
    ]
    assert run_python("from sockets import *; print(adopt_from_supervisor())").strip() == "[]"
