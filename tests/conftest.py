"""What several test files share: places, sockets of every family and mode, and waits that end."""

from __future__ import annotations

import array
import contextlib
import fcntl
import select
import socket as native
import struct
import subprocess
import sys
import sysconfig
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import places  # noqa: F401  (first: then tracebacks through sockets lead to the document)
import pytest

from sockets import (
    InternetAddress,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    UnixAddress,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    get_socket_name,
    listen_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    wait_for_socket,
)

HAS_LOCK = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
with_lock = pytest.mark.skipif(not HAS_LOCK, reason="only with a lock that calls can keep")

DEADLINE = 40.0  # seconds; no wait of a test that passes comes near it
LOOPBACK = InternetAddress(0x7F000001, 0)


# Waiting.

def until(question: Callable[[], Any], what: str = "it", deadline: float = DEADLINE) -> Any:
    """Ask until the answer is true, where no event tells when it will be."""
    end = time.monotonic() + deadline
    while not (answer := question()):
        assert time.monotonic() < end, f"{what} did not come about in {deadline} s"
        time.sleep(0.0005)
    return answer


def wait_for(sock: Any, events: int = select.POLLIN, deadline: float = DEADLINE) -> None:
    """Wait until the kernel reports one of the events, or an error, for a socket."""
    poll = select.poll()
    poll.register(sock, events)
    assert poll.poll(deadline * 1000), f"nothing happened on {sock!r} in {deadline} s"


def readable(sock: Any) -> None:
    wait_for(sock, select.POLLIN)


def writable(sock: Any) -> None:
    wait_for(sock, select.POLLOUT)


def asleep(thread: int, process: int | str = "self") -> bool:
    """Whether a thread waits in the kernel, and not for one of Python's locks."""
    task = Path(f"/proc/{process}/task/{thread}")
    try:
        state = (task / "stat").read_text().rpartition(")")[2].split()[0]
        waits_in = (task / "wchan").read_text()
    except OSError:
        return False
    return state == "S" and "futex" not in waits_in


class Waiter(threading.Thread):
    """A thread that makes one call, and keeps what it returned or raised."""

    def __init__(self, procedure: Callable[..., Any], *arguments: object) -> None:
        super().__init__(daemon=True)
        self.call = procedure, arguments
        self.result: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        procedure, arguments = self.call
        try:
            self.result = procedure(*arguments)
        except BaseException as error:
            self.error = error

    def is_asleep(self) -> Waiter:
        """Return once the call waits in the kernel."""
        until(lambda: not self.is_alive() or asleep(self.native_id or 0), "the call's wait")
        assert self.is_alive(), f"the call did not wait: {self.result!r}, {self.error!r}"
        return self

    def answer(self) -> Any:
        self.join(DEADLINE)
        assert not self.is_alive(), "the call did not end"
        if self.error is not None:
            raise self.error
        return self.result


def run_python(script: str, *arguments: str, deadline: float = 40.0, **more: Any) -> str:
    """Run a script in a process of its own, which has to end well; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True, text=True, timeout=deadline, **more,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


@contextlib.contextmanager
def reports(type: int, who: str = "", syscall: str = "") -> Iterator[Any]:
    """Expect a condition to be raised, with this errno, by this procedure and system call."""
    with pytest.raises(SocketCondition) as caught:
        yield caught
    condition = caught.value
    assert condition.type == type, condition
    assert who in ("", condition.who)
    assert syscall in ("", condition.syscall)


# Sockets.

def int_option(id: int, kind: Any = SocketOption, *level: int) -> Any:
    """An option whose value is a C int."""
    return kind(
        id, 4, lambda value: struct.pack("i", value), lambda raw: struct.unpack("i", raw)[0], *level
    )


def time_option(id: int) -> SocketOption:
    """An option whose value is a struct timeval, here in seconds."""
    return SocketOption(
        id, 16, lambda value: struct.pack("ll", int(value), int(value % 1 * 1e6)),
        lambda raw: sum(n / d for n, d in zip(struct.unpack("ll", raw), (1, 1e6), strict=True)),
    )


SO_ERROR = int_option(native.SO_ERROR)
SO_SNDBUF = int_option(native.SO_SNDBUF)
SO_RCVBUF = int_option(native.SO_RCVBUF)
SO_REUSEADDR = int_option(native.SO_REUSEADDR)
SO_RCVTIMEO = time_option(native.SO_RCVTIMEO)
SO_SNDTIMEO = time_option(native.SO_SNDTIMEO)
SO_LINGER = SocketOption(
    native.SO_LINGER, 8, lambda seconds: struct.pack("ii", 1, seconds),
    lambda raw: struct.unpack("ii", raw),
)


class Family:
    """One of the two families: its domain, and addresses to bind."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.unix = name == "unix"
        self.domain = SocketDomain.UNIX if self.unix else SocketDomain.INTERNET
        self.folder = folder
        self.count = 0

    def address(self) -> SocketAddress:
        if not self.unix:
            return LOOPBACK
        self.count += 1
        return UnixAddress(self.folder / str(self.count))


class Makers:
    """Makes sockets in one mode, and closes at the end what a test has left open.

    A blocking socket gets timeouts, so that a test which fails does not hang.
    """

    def __init__(self, family: Family, nonblocking: bool) -> None:
        self.family, self.nonblocking = family, nonblocking
        self.made: list[Socket] = []

    def keep(self, sock: Socket) -> Socket:
        self.made.append(sock)
        if sock.nonblocking != self.nonblocking:
            set_socket_nonblocking(sock, self.nonblocking)
        if not self.nonblocking:
            set_socket_option(sock, SO_RCVTIMEO, DEADLINE)
            set_socket_option(sock, SO_SNDTIMEO, DEADLINE)
        return sock

    def socket(self, type: SocketType = SocketType.STREAM) -> Socket:
        return self.keep(create_socket(self.family.domain, type, SocketProtocol.AUTO))

    def bound(self, type: SocketType = SocketType.DATAGRAM) -> Socket:
        sock = self.socket(type)
        bind_socket(sock, self.family.address())
        return sock

    def listener(self, backlog: int = 8) -> Socket:
        sock = self.bound(SocketType.STREAM)
        listen_socket(sock, backlog)
        return sock

    def accepted(self, listener: Socket) -> Socket:
        readable(listener)
        sock, _ = accept_socket(listener)
        assert sock is not None
        return self.keep(sock)

    def pair(self) -> tuple[Socket, Socket]:
        """Two stream sockets, connected with each other: the client's end, the server's."""
        listener, client = self.listener(), self.socket()
        address = name_of(listener)
        assert connect_socket(client, address) is True or client.nonblocking
        server = self.accepted(listener)
        writable(client)
        close_socket(listener)
        return client, server

    def datagrams(self) -> tuple[Socket, Socket]:
        """Two datagram sockets with addresses, the first connected to the second."""
        first, second = self.bound(), self.bound()
        assert connect_socket(first, name_of(second)) is True
        return first, second

    def close(self) -> None:
        for sock in self.made:
            if sock.fd >= 0:
                close_socket(sock)


def name_of(sock: Socket) -> SocketAddress:
    address = get_socket_name(sock)
    assert address is not None
    return address


def send_all(sock: Socket, data: bytes) -> None:
    view = memoryview(data)
    while view:
        sent = send_to_socket(sock, view[: 1 << 20], None)
        if isinstance(sent, int):
            view = view[sent:]
        else:
            writable(sock)


def receive_exactly(sock: Socket, count: int) -> bytes:
    """Receive so many bytes of a stream, or all up to its end if that comes first."""
    parts: list[bytes] = []
    while count:
        readable(sock)
        data, _ = receive_from_socket(sock, min(count, 1 << 20))
        if data == b"":
            break
        if data:
            parts.append(data)
            count -= len(data)
    return b"".join(parts)


def in_flight(sock: Socket) -> int:
    """How many bytes a TCP socket has sent that are not acknowledged yet (Linux)."""
    queued, unsent = array.array("i", [0]), array.array("i", [0])
    fcntl.ioctl(sock.fd, termios.TIOCOUTQ, queued)
    fcntl.ioctl(sock.fd, 0x894B, unsent)  # SIOCOUTQNSD
    return queued[0] - unsent[0]


def fill(sock: Socket) -> int:
    """Send on a non-blocking stream socket until the kernel takes no more; return how much.

    What TCP has in flight makes room once it has arrived, so that is waited for.
    """
    total, settled = 0, False
    while not settled:
        settled = sock.domain != SocketDomain.INTERNET or (
            in_flight(sock) == 0 and not wait_for_socket(sock, False, True, 0.05)[1])
        while isinstance(sent := send_to_socket(sock, bytes(65536), None), int):
            total += sent
            settled = False
    return total


# Fixtures.

@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary directory whose paths are short enough for UNIX addresses."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(params=["internet", "unix"])
def family(request: pytest.FixtureRequest, folder: Path) -> Family:
    return Family(request.param, folder)


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
def tcp(folder: Path) -> Iterator[Makers]:
    """Non-blocking sockets of the Internet family."""
    with contextlib.closing(Makers(Family("internet", folder), True)) as makers:
        yield makers


@pytest.fixture
def unix(folder: Path) -> Iterator[Makers]:
    """Non-blocking sockets of the UNIX family."""
    with contextlib.closing(Makers(Family("unix", folder), True)) as makers:
        yield makers
