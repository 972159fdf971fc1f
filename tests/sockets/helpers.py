"""What the tests of sockets share: places, sockets of every family and mode, and waits that end."""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import gc
import os
import select
import signal
import socket as native
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sockets import (
    HAS_UNIX_SOCKETS,
    Internet6Address,
    InternetAddress,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    UnixAddress,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    get_socket_name,
    get_socket_option,
    listen_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    wait_for_socket,
)

HAS_LOCK = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
with_lock = pytest.mark.skipif(not HAS_LOCK, reason="only with a lock that calls can keep")
WINDOWS = sys.platform == "win32"
DEADLINE = 40.0  # seconds; no wait of a test that passes comes near it
LOOPBACK = InternetAddress(0x7F000001, 0)

needs_unix_sockets = pytest.mark.skipif(
    not HAS_UNIX_SOCKETS, reason="the platform has no UNIX sockets"
)


needs_utf8_names = pytest.mark.skipif(
    sys.getfilesystemencoding() != "utf-8", reason="names of files are not UTF-8 here"
)


# What a platform lacks.

# What Microsoft documents of Windows otherwise than POSIX has it, and where: on its pages about
# the function, "SOL_SOCKET Socket Options", or "Windows Sockets Error Codes". Much of it
# tests/sockets/test_windows.py shows.
WINDOWS_DIFFERS = {
    "connect": "a connect that is asked for again fails with WSAEISCONN when it is made, and "
               "starts anew when it was refused (connect)",
    "errors": "errors have the numbers, names and texts of Winsock (FormatMessage)",
    "flags": "no flag tells a call not to wait (recv, send), and no handle is passed on",
    "gone": "accept may fail with WSAECONNRESET if the client has gone, which ends the example",
    "handles": "a socket is a handle, WSAENOTSOCK if it is none (socket data type)",
    "hints": "what a hint leaves open may be open in the results (getaddrinfo)",
    "outcome": "why a connect failed is told by SO_ERROR alone (select); a send after it is "
               "WSAENOTCONN (send)",
    "mode": "FIONBIO sets whether a socket waits, and nothing tells it (ioctlsocket)",
    "refused": "a refused datagram is WSAECONNRESET to a later receive or send (recvfrom, send)",
    "reuse": "SO_REUSEADDR lets a socket take an address that is in use (SO_REUSEADDR)",
    "shutdown": "a direction that is shut down is WSAESHUTDOWN (recv, send)",
    "sizes": "an option that is asked for in too few bytes is WSAEFAULT (getsockopt)",
    "structures": "linger has two short numbers (linger), a timeout is milliseconds (setsockopt)",
    "timeouts": "only receives and sends have timeouts; in the end it is WSAETIMEDOUT (getsockopt)",
    "unbound": "a socket that is not bound has no name, but WSAEINVAL (getsockname)",
    "waiting": "a shutdown forbids later calls, and is not said to end those that wait (shutdown)",
    "writable": "a socket without a connection does not become writable (select)",
}
# What Wine does otherwise than Microsoft documents it, so that tests fail there.
WINE = WINDOWS and hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
WINE_LACKS = {
    "broadcast": "sending to all without SO_BROADCAST is WSAEINVAL, not WSAEACCES (sendto)",
    "end": "the end of a stream that is shut down both ways makes nobody ready (select, WSAPoll)",
    "error": "SO_ERROR is told again, and not cleared (getsockopt)",
    "flags": "getaddrinfo takes flags that do not exist, and is not WSAEINVAL (getaddrinfo)",
    "keep-alive": "MinGW's headers and Wine have no TCP_KEEPIDLE and its like (socket options)",
    "options": "an option that does not exist is accepted, not WSAENOPROTOOPT (getsockopt)",
    "reset": "closesocket with SO_LINGER of 0 seconds does not reset the stream (closesocket)",
    "texts": "FormatMessage has no text for WSAEWOULDBLOCK and others (system error codes)",
    "unconnected": "sending without a connection is WSAECONNRESET for a stream, WSAEINVAL for a "
                   "datagram, not WSAENOTCONN (send, sendto, system error codes)",
    "wait-all": "a blocking recv returns what is there, whatever MSG_WAITALL says (recv)",
}
# What was seen in Wine, and Microsoft's pages say nothing of.
WINE_SHOWS = {
    "groups": "leaving a group that was not joined is WSAEINVAL",
    "out-of-band": "MSG_OOB with nothing to receive succeeds",
}


# Runs a program in which accepting fails with each of the errors that are named, then works.
FAILING_ACCEPT = """import errno, os, runpy, sys
import sockets
accept_socket, names = sockets.accept_socket, os.environ["FAIL_WITH"].split()
def fail(sock, nonblocking=False):
    if names:
        sockets.socket_error("accept_socket", "accept", getattr(errno, names.pop()))
    return accept_socket(sock, nonblocking=nonblocking)
sockets.accept_socket = fail
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
# What accept reports of a connection, not of the one who accepts.
LOST = " ".join(name for name in (
    "ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENONET",
    "ENOPROTOOPT", "EOPNOTSUPP", "EPERM", "EPROTO", "ETIMEDOUT") if hasattr(errno, name))


def windows_differs(how: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(WINDOWS, reason=f"Windows, as documented: {WINDOWS_DIFFERS[how]}")


def wine_lacks(what: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(WINE, reason=f"Wine, not as documented: {WINE_LACKS[what]}")


def wine_shows(what: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(WINE, reason=f"Wine, not documented: {WINE_SHOWS[what]}")


needs_posix = pytest.mark.skipif(
    WINDOWS, reason="looks through fcntl, /proc, signals, fork or other things of POSIX systems"
)


# Waiting.

def until(question: Callable[[], Any], what: str = "it", deadline: float = DEADLINE) -> Any:
    """Ask until the answer is true, where no event tells when it will be."""
    end = time.monotonic() + deadline
    while not (answer := question()):
        assert time.monotonic() < end, f"{what} did not come about in {deadline} s"
        time.sleep(0.0005)
    return answer


def wait_for(sock: Any, event: str = "POLLIN", deadline: float = DEADLINE) -> None:
    """Wait until the kernel reports the event, or an error, for a socket."""
    if not hasattr(select, "poll"):
        reading, writing = [sock] * (event == "POLLIN"), [sock] * (event == "POLLOUT")
        assert any(select.select(reading, writing, [sock], deadline)), f"nothing on {sock!r}"
        return
    events = getattr(select, event)
    poll = select.poll()
    poll.register(sock, events)
    assert poll.poll(deadline * 1000), f"nothing happened on {sock!r} in {deadline} s"


def readable(sock: Any) -> None:
    wait_for(sock, "POLLIN")


def writable(sock: Any) -> None:
    wait_for(sock, "POLLOUT")


def asleep(thread: int, process: int | str = "self") -> bool:
    """Whether a thread waits in the kernel, and not for one of Python's locks."""
    task = Path(f"/proc/{process}/task/{thread}")
    try:
        state = (task / "stat").read_text().rpartition(")")[2].split()[0]
        waits_in = (task / "wchan").read_text()
    except OSError:
        return False
    return state == "S" and "futex" not in waits_in


def collect_garbage() -> None:
    """Have what nothing refers to go now, as it goes by itself where references are counted."""
    if sys.implementation.name != "cpython":
        for _ in range(3):
            gc.collect()


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
        """Return once the call waits in the kernel; where none can be asked, very likely waits."""
        if WINDOWS:
            self.join(0.1)
            assert self.is_alive(), f"the call did not wait: {self.result!r}, {self.error!r}"
            return self
        until(lambda: not self.is_alive() or asleep(self.native_id or 0), "the call's wait")
        assert self.is_alive(), f"the call did not wait: {self.result!r}, {self.error!r}"
        return self

    def answer(self) -> Any:
        self.join(DEADLINE)
        assert not self.is_alive(), "the call did not end"
        if self.error is not None:
            raise self.error
        return self.result


def interrupting(act: Callable[[], Any], error: Exception | None = None) -> tuple[Any, int]:
    """Make a call in this thread, which a signal interrupts once it waits; or may end."""
    seen: list[int] = []
    main, thread = threading.get_ident(), threading.get_native_id()

    def handle(*_: object) -> None:
        seen.append(1)
        if error is not None:
            raise error

    def interrupt() -> None:
        until(lambda: asleep(thread))
        signal.pthread_kill(main, signal.SIGUSR1)
        until(lambda: seen)

    before = signal.signal(signal.SIGUSR1, handle)
    helper = threading.Thread(target=interrupt, daemon=True)
    helper.start()
    try:
        return act(), len(seen)
    finally:
        helper.join(DEADLINE)
        signal.signal(signal.SIGUSR1, before)


# What begins a script that forks in a thread while others wait: blocking UNIX pairs, and who waits.
FORKING = """
import errno, os, sys, warnings
warnings.filterwarnings("ignore", "This process .* is multi-threaded")  # so it is to be
sys.path.insert(0, sys.argv[1])
from helpers import Waiter
from sockets import *

def pair():
    both = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    for sock in both:
        set_socket_nonblocking(sock, False)
    return both
"""


def run_python(script: str, *arguments: str, deadline: float = 40.0, **more: Any) -> str:
    """Run a script in a process of its own, which has to end well; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True, text=True, timeout=deadline, **more,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


# What a connect that goes on is told by.
CONNECTING = errno.EWOULDBLOCK if WINDOWS else errno.EINPROGRESS

# Winsock's errors have numbers of their own. Most of them errno has under the known names.
WINSOCK = {
    getattr(errno, name): getattr(errno, "WSA" + name, 0)
    for name in ("EACCES", "EFAULT", "EINVAL", "EMFILE")
} | {errno.EBADF: errno.ENOTSOCK}


def text_of(error: int) -> str:
    """What the system says in words of an error."""
    if not WINDOWS:
        return os.strerror(error)
    text = ctypes.FormatError(error).strip()
    return f"error {error}" if text == "<no description>" else text


@contextlib.contextmanager
def reports(type: int, who: str = "", syscall: str = "") -> Iterator[Any]:
    """Expect a condition to be raised, with this errno, by this procedure and system call."""
    with pytest.raises(SocketCondition) as caught:
        yield caught
    condition = caught.value
    assert condition.type == (WINSOCK.get(type, type) if WINDOWS else type), condition
    assert who in ("", condition.who)
    assert syscall in ("", condition.syscall)


# Sockets.

def fcntl(fd: int, command: str, *argument: int) -> int:
    """fcntl(2), where there is one."""
    module: Any = pytest.importorskip("fcntl", reason="the platform has no fcntl")
    result: int = module.fcntl(fd, getattr(module, command), *argument)
    return result


def int_option(id: int, kind: Any = SocketOption, *level: int) -> Any:
    """An option whose value is a C int."""
    return kind(
        id, 4, lambda value: struct.pack("i", value), int_of_bytes, *level
    )


def int_of_bytes(raw: bytes) -> int:
    """A C int, of which a system may return fewer bytes: Windows does of what is true or false."""
    return int.from_bytes(raw, sys.byteorder, signed=True)


def time_option(id: int) -> SocketOption:
    """An option whose value is a struct timeval, or on Windows milliseconds; here in seconds."""
    if WINDOWS:
        return SocketOption(
            id, 4, lambda value: struct.pack("I", int(value * 1000)),
            lambda raw: struct.unpack("I", raw)[0] / 1000,
        )
    return SocketOption(
        id, 16, lambda value: struct.pack("ll", int(value), int(value % 1 * 1e6)),
        lambda raw: sum(n / d for n, d in zip(struct.unpack("ll", raw), (1, 1e6), strict=True)),
    )


# How often TCP has asked for room, of which there was none: a byte of struct tcp_info.
TCP_BACKOFF = TcpOption(getattr(native, "TCP_INFO", 0), 8, bytes, lambda raw: raw[4])
SO_ERROR = int_option(native.SO_ERROR)
SO_SNDBUF = int_option(native.SO_SNDBUF)
SO_RCVBUF = int_option(native.SO_RCVBUF)
SO_REUSEADDR = int_option(native.SO_REUSEADDR)
SO_RCVTIMEO = time_option(native.SO_RCVTIMEO)
SO_SNDTIMEO = time_option(native.SO_SNDTIMEO)
SO_LINGER = SocketOption(
    native.SO_LINGER, 4 if WINDOWS else 8,
    lambda seconds: struct.pack("HH" if WINDOWS else "ii", 1, seconds),
    lambda raw: struct.unpack("HH" if WINDOWS else "ii", raw),
)


def has_loopback6() -> bool:
    try:
        with native.socket(native.AF_INET6, native.SOCK_STREAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_loopback6(), reason="the machine has no IPv6 loopback")


class Family:
    """One of the families: its domain, and addresses to bind."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.unix = name == "unix"
        self.domain: SocketDomain = getattr(SocketDomain, {
            "unix": "UNIX", "internet": "INTERNET", "internet6": "INTERNET_V6",
        }[name])
        self.folder = folder
        self.count = 0

    def address(self) -> SocketAddress:
        if not self.unix:
            return LOOPBACK if self.name == "internet" else Internet6Address(1, 0)
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
    """How many bytes a TCP socket has sent that are not acknowledged yet (only Linux tells)."""
    if sys.platform != "linux":
        return 0
    import fcntl
    import termios

    queued, unsent = array.array("i", [0]), array.array("i", [0])
    fcntl.ioctl(sock.fd, termios.TIOCOUTQ, queued)
    fcntl.ioctl(sock.fd, 0x894B, unsent)  # SIOCOUTQNSD
    return queued[0] - unsent[0]


def is_refused_room(sock: Socket) -> bool:
    """Whether the other end of a TCP socket was asked for room, and had none (only Linux tells)."""
    if sys.platform != "linux" or in_flight(sock):
        return False
    backoff: int = get_socket_option(sock, TCP_BACKOFF)
    return backoff > 0


def fill(sock: Socket) -> int:
    """Send on a non-blocking stream socket until the kernel takes no more; return how much.

    With TCP a full socket does not stay full. What is in flight makes room when it has arrived,
    and the other end, when it is asked after 0.2 seconds, packs more closely what it has. After
    that it has no room until somebody receives.
    """
    total, since = 0, time.monotonic()
    while True:
        while isinstance(sent := send_to_socket(sock, bytes(65536), None), int):
            total, since = total + sent, time.monotonic()
        if (sock.domain not in (SocketDomain.INTERNET, SocketDomain.INTERNET_V6)
                or is_refused_room(sock) or time.monotonic() > since + 1.0):
            return total
        wait_for_socket(sock, False, True, 0.005)


WITH_IPV6 = [
    "internet", pytest.param("internet6", marks=needs_ipv6),
    pytest.param("unix", marks=needs_unix_sockets),
]
