"""Each system call of the stub fails in each way it can; each time the documented thing happens.

Run by `make test-faults`, which preloads tests/hard/shim.c. The shim strikes at the calls that the
compiled stub makes in this thread, and at no others, so that Python works on.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import gzip
import os
import re
import shutil
import signal
import socket as native
import struct
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sockets._stub
from sockets import (
    Datagrams, Descriptors, InternetAddress, NameInfoOption, ShutdownMethod, Socket,
    SocketCondition, SocketDomain, SocketOption, SocketProtocol, SocketType, UdpOption, UnixAddress,
    accept_socket, adopt_descriptor, bind_socket, close_descriptors, close_protocol_database,
    close_socket, connect_socket, create_socket, duplicate_socket, finish_connect, get_address_info,
    get_host_name, get_interface_by_index, get_interface_by_name, get_interfaces, get_name_info,
    get_peer_name, get_protocol_by_constant, get_protocol_by_name, get_service_by_name,
    get_service_by_port, get_socket_name, get_socket_option, listen_socket, make_socket_pair,
    next_protocol_entry, open_protocol_database, receive_datagrams, receive_exactly,
    receive_from_socket, receive_into_socket, receive_message, receive_message_into, send_all,
    send_datagrams, send_file, send_message, send_to_socket, set_socket_nonblocking,
    set_socket_option, shutdown_socket, skip_datagrams, string_to_internet6_address, take_socket,
    wait_for_socket,
)

from faults import CALLS, ELSEWHERE, RESOLVER, WINDOWS, number_of
from helpers import asleep, until

STUB = Path(__file__).parents[2] / "generated" / "sockets-stub.c"
INSTEAD, AFTER, SHORT, LENGTH = range(4)
ROOM = 128  # of struct sockaddr_storage
SIGNAL = signal.SIGUSR1
LOOPBACK = InternetAddress(0x7F000001, 0)
FLAG = SocketOption(
    native.SO_KEEPALIVE, 4, lambda on: struct.pack("i", on), lambda raw: struct.unpack("i", raw)[0]
)

shim = ctypes.CDLL(None)
if not hasattr(shim, "fault_order"):
    pytest.exit("tests/hard/shim.c is not preloaded; use `make test-faults`", 1)
shim.fault_calls.restype = ctypes.c_long


def symbols() -> set[str]:
    """What the compiled stub wants of other libraries."""
    listing = subprocess.run(
        ["nm", "-D", "--undefined-only", sockets._stub.__file__],
        capture_output=True, text=True, check=True,
    ).stdout
    return {line.split()[-1].partition("@")[0] for line in listing.splitlines()}


SYMBOLS = symbols()
PLAIN = "accept4" not in SYMBOLS


class Order(NamedTuple):
    call: str
    error: int = 0
    how: int = INSTEAD
    value: int = 0
    skip: int = 0
    times: int = 1
    signal: int = 0


@contextlib.contextmanager
def faults(*orders: Order) -> Iterator[None]:
    """Let the shim watch, and strike as ordered; each order has to be carried out."""
    shim.fault_clear()
    for call, error, how, value, skip, times, signum in orders:
        shim.fault_order(
            call.encode(), how, error, ctypes.c_long(value), skip, times, int(signum)
        )
    shim.fault_watch()
    try:
        yield
        left = shim.fault_left()
    finally:
        calls.clear()
        calls.update({name: shim.fault_calls(name.encode()) for name in CALLS})
        shim.fault_clear()
    assert left == 0, f"{left} faults of {orders} did not happen"


calls: dict[str, int] = {}  # how often each was made under the last `faults`


def descriptors() -> dict[str, str]:
    places = {}
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            places[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return {fd: place for fd, place in places.items() if not place.startswith("/proc/")}


@pytest.fixture(autouse=True)
def nothing_is_leaked() -> Iterator[None]:
    gc.collect()
    before = descriptors()
    yield
    gc.collect()
    assert descriptors() == before


# The ways on which a user comes to a system call.

class Way(NamedTuple):
    """`prepare(stack)` returns what is to be done each time before the call, the call, and a
    procedure that returns the socket in question; the last may be None."""

    call: str
    who: str
    syscall: str
    prepare: Callable[[contextlib.ExitStack], Any]
    skip: int = 0
    first: tuple[Order, ...] = ()
    label: str = ""
    rule: str = ""  # the call whose row says what is returned and retried
    without: str = ""  # errors that this use of the call cannot have

    def __str__(self) -> str:
        return f"{self.call}-{self.who}" + (f"-{self.label}" if self.label else "")


WAYS: list[Way] = []


def way(call: str, who: str, syscall: str = "", **more: Any) -> Callable[[Any], Any]:
    def add(prepare: Any) -> Any:
        WAYS.append(Way(call, who, syscall or call, prepare, **more))
        return prepare

    return add


def nothing() -> None:
    pass


def close_all(*socks: Any) -> None:
    for sock in socks:
        if isinstance(sock, Socket) and sock.fd >= 0:
            close_socket(sock)


def make(stack: contextlib.ExitStack, type: SocketType, bound: bool = False) -> Socket:
    sock = create_socket(SocketDomain.INTERNET, type, SocketProtocol.AUTO)
    stack.callback(close_all, sock)
    if bound:
        bind_socket(sock, LOOPBACK)
    return sock


def pair(stack: contextlib.ExitStack, nonblocking: bool) -> tuple[Socket, native.socket]:
    ours, theirs = native.socketpair()
    stack.callback(theirs.close)
    sock = Socket(ours.detach(), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    stack.callback(close_all, sock)
    set_socket_nonblocking(sock, nonblocking)
    theirs.settimeout(20)
    return sock, theirs


@way("socket", "create_socket")
def creation(stack: contextlib.ExitStack) -> Any:
    return nothing, lambda: make(stack, SocketType.STREAM), None


def accepting(stack: contextlib.ExitStack) -> Any:
    listener = make(stack, SocketType.STREAM, bound=True)
    listen_socket(listener, 64)
    name = get_socket_name(listener)
    place = ("127.0.0.1", name.port)

    def client_comes() -> None:
        client = stack.enter_context(native.create_connection(place))
        client.settimeout(20)

    def accept() -> Any:
        client, address = accept_socket(listener)
        stack.callback(close_all, client)
        return client, address

    return client_comes, accept, lambda: listener


ACCEPT = "accept" if PLAIN else "accept4"
way(ACCEPT, "accept_socket", "accept")(accepting)


@way("connect", "connect_socket")
def connecting(stack: contextlib.ExitStack) -> Any:
    sock, peer = make(stack, SocketType.DATAGRAM), make(stack, SocketType.DATAGRAM, bound=True)
    name = get_socket_name(peer)
    return nothing, lambda: connect_socket(sock, name), lambda: sock


GOES_ON = (Order("connect", errno.EINTR), Order("connect", errno.EALREADY))
way("poll", "connect_socket", "connect", first=GOES_ON)(connecting)
way("getsockopt", "connect_socket", "connect", first=GOES_ON)(connecting)


@way("getsockopt", "finish_connect")
@way("getpeername", "finish_connect")
@way("poll", "finish_connect")
def finishing(stack: contextlib.ExitStack) -> Any:
    sock, _ = pair(stack, nonblocking=True)
    return nothing, lambda: finish_connect(sock), lambda: sock


@way("bind", "bind_socket")
def binding(stack: contextlib.ExitStack) -> Any:
    new: list[Socket] = []
    return (
        lambda: new.append(make(stack, SocketType.DATAGRAM)),
        lambda: bind_socket(new[-1], LOOPBACK), lambda: new[-1],
    )


@way("listen", "listen_socket")
def listening(stack: contextlib.ExitStack) -> Any:
    sock = make(stack, SocketType.STREAM, bound=True)
    return nothing, lambda: listen_socket(sock, 4), lambda: sock


@way("close", "close_socket")
def closing(stack: contextlib.ExitStack) -> Any:
    new: list[Socket] = []
    return (
        lambda: new.append(make(stack, SocketType.STREAM)), lambda: close_socket(new[-1]),
        lambda: new[-1],
    )


@way("close", "close_socket", label="with")
def leaving(stack: contextlib.ExitStack) -> Any:
    def leave() -> None:
        with make(stack, SocketType.STREAM):
            pass

    return nothing, leave, None


@way("shutdown", "shutdown_socket")
def ending(stack: contextlib.ExitStack) -> Any:
    sock, _ = pair(stack, nonblocking=True)
    return nothing, lambda: shutdown_socket(sock, ShutdownMethod.WRITE), lambda: sock


# Small and large, with the lock and without; 100,000 bytes get a buffer of their own.
for nonblocking, size in ((True, 4), (False, 4), (True, 65536), (True, 100_000)):
    label = f"{'nonblocking' if nonblocking else 'blocking'}-{size}"

    @way("recvfrom", "receive_from_socket", label=label)
    def receiving(
        stack: contextlib.ExitStack, nonblocking: bool = nonblocking, size: int = size
    ) -> Any:
        sock, peer = pair(stack, nonblocking)
        return (
            lambda: peer.send(b"abcd"), lambda: receive_from_socket(sock, size), lambda: sock
        )

    @way("sendto", "send_to_socket", label=label)
    def sending(
        stack: contextlib.ExitStack, nonblocking: bool = nonblocking, size: int = size
    ) -> Any:
        sock, peer = pair(stack, nonblocking)

        def send() -> Any:
            sent = send_to_socket(sock, bytearray(size), None)
            if isinstance(sent, int):
                assert len(peer.recv(sent, native.MSG_WAITALL)) == sent
            return sent

        return nothing, send, lambda: sock


    @way("recvmsg", "receive_message", label=label)
    def receiving_messages(
        stack: contextlib.ExitStack, nonblocking: bool = nonblocking, size: int = size
    ) -> Any:
        sock, peer = pair(stack, nonblocking)

        def receive() -> Any:
            data, header = receive_message(sock, size)
            if data is not None:
                assert data == b"abcd"
                close_descriptors(header.items[0])
            return data, header

        return lambda: native.send_fds(peer, [b"abcd"], [0, 1]), receive, lambda: sock

    @way("sendmsg", "send_message", label=label)
    def sending_messages(
        stack: contextlib.ExitStack, nonblocking: bool = nonblocking, size: int = size
    ) -> Any:
        sock, peer = pair(stack, nonblocking)

        def send() -> Any:
            sent = send_message(sock, [bytearray(size - 1), b"x"], None, [Descriptors([0])])
            if isinstance(sent, int):
                data, fds, _, _ = native.recv_fds(peer, sent, 2)
                os.close(fds[0])
                rest = sent - len(data)
                assert len(peer.recv(rest, native.MSG_WAITALL) if rest else b"") == rest
            return sent

        return nothing, send, lambda: sock


def nine_bytes(stack: contextlib.ExitStack) -> int:
    file = os.memfd_create("nine")
    stack.callback(os.close, file)
    os.write(file, b"123456789")
    return file


# A refused file is read and sent, which has a test of its own; a non-blocking socket is waited for.
for nonblocking, waits in (True, " EAGAIN EWOULDBLOCK"), (False, ""):
    @way("sendfile", "send_file", without="EINVAL ENOSYS" + waits, label=str(nonblocking))
    def sending_a_file(stack: contextlib.ExitStack, nonblocking: bool = nonblocking) -> Any:
        sock, peer = pair(stack, nonblocking)
        file = nine_bytes(stack)

        def send() -> Any:
            done, condition = send_file(sock, file, 2, 5)
            if condition is None:
                assert peer.recv(done, native.MSG_WAITALL) == b"34567"
            return done if condition is None else (None, condition)

        return nothing, send, lambda: sock


@pytest.mark.parametrize("name", ["EINVAL", "ENOSYS"])
def test_a_file_that_is_refused_in_the_middle_is_read_from_there(name: str) -> None:
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        file = nine_bytes(stack)
        with faults(Order("sendfile", how=SHORT, value=3),
                    Order("sendfile", number_of(name))):
            assert send_file(sock, file) == (9, None)
        assert peer.recv(99) == b"123456789"


@way("recvmsg", "receive_message_into")
def receiving_messages_into(stack: contextlib.ExitStack) -> Any:
    sock, peer = pair(stack, nonblocking=True)
    buffers = [bytearray(2), bytearray(9)]
    return lambda: peer.send(b"abcd"), lambda: receive_message_into(sock, buffers), lambda: sock


@way("recvfrom", "receive_into_socket")
def receiving_into(stack: contextlib.ExitStack) -> Any:
    sock, peer = pair(stack, nonblocking=True)
    buffer = bytearray(9)
    return lambda: peer.send(b"abcd"), lambda: receive_into_socket(sock, buffer), lambda: sock


# Many datagrams: by the system's own calls, or by one call for each.

def two(
    stack: contextlib.ExitStack, joining: bool = False, nonblocking: bool = True
) -> tuple[Socket, Socket]:
    """A sender, connected, and a receiver, perhaps of what the kernel has joined."""
    sender, sock = make(stack, SocketType.DATAGRAM), make(stack, SocketType.DATAGRAM, bound=True)
    connect_socket(sender, get_socket_name(sock))
    set_socket_nonblocking(sender, nonblocking)
    set_socket_nonblocking(sock, nonblocking)
    if joining:
        set_socket_option(sock, UdpOption.RECEIVE_OFFLOAD, True)
    return sender, sock


SEND, RECEIVE = ("sendto", "recvmsg") if PLAIN else ("sendmmsg", "recvmmsg")

for nonblocking in (True, False):
    for call, joining in ((RECEIVE, False), *(() if PLAIN else (("recvmsg", True),))):
        label = f"{'joined' if joining else 'plain'}-{nonblocking}"

        @way(call, "receive_datagrams", "recvmmsg", label=label)
        def receiving_many(
            stack: contextlib.ExitStack, joining: bool = joining, nonblocking: bool = nonblocking
        ) -> Any:
            sender, sock = two(stack, joining, nonblocking)

            def receive() -> Any:
                got = receive_datagrams(sock, 1, 9)
                assert isinstance(got, SocketCondition) or got[0].data == b"abcd"
                return got

            return lambda: send_to_socket(sender, b"abcd", None), receive, lambda: sock

    @way(SEND, "send_datagrams", "sendmmsg", label=str(nonblocking))
    def sending_many(stack: contextlib.ExitStack, nonblocking: bool = nonblocking) -> Any:
        sender, _ = two(stack, nonblocking=nonblocking)

        def send() -> Any:
            sent = send_datagrams(sender, [Datagrams(b"abcd", 4, None)])
            assert isinstance(sent, SocketCondition) or sent == 1
            return sent

        return nothing, send, lambda: sender


@way("socketpair", "make_socket_pair")
def pairing(stack: contextlib.ExitStack) -> Any:
    def act() -> Any:
        both = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
        stack.callback(close_all, *both)
        return both

    return nothing, act, None


@way("poll", "wait_for_socket")
def waiting(stack: contextlib.ExitStack) -> Any:
    sock, peer = pair(stack, nonblocking=True)
    return lambda: peer.send(b"x"), lambda: wait_for_socket(sock, True, False, 5), lambda: sock


@way("fcntl", "duplicate_socket", "dup")
def duplicating(stack: contextlib.ExitStack) -> Any:
    sock = make(stack, SocketType.STREAM)

    def duplicate() -> None:
        close_socket(duplicate_socket(sock))

    return nothing, duplicate, lambda: sock


@way("getsockopt", "get_socket_option")
def getting(stack: contextlib.ExitStack) -> Any:
    sock = make(stack, SocketType.STREAM)
    return nothing, lambda: get_socket_option(sock, FLAG), lambda: sock


@way("setsockopt", "set_socket_option")
def setting(stack: contextlib.ExitStack) -> Any:
    sock = make(stack, SocketType.STREAM)
    return nothing, lambda: set_socket_option(sock, FLAG, 1), lambda: sock


@way("getsockname", "get_socket_name")
def naming(stack: contextlib.ExitStack) -> Any:
    sock = make(stack, SocketType.STREAM, bound=True)
    return nothing, lambda: get_socket_name(sock), lambda: sock


@way("getpeername", "get_peer_name")
def naming_the_peer(stack: contextlib.ExitStack) -> Any:
    sock, _ = pair(stack, nonblocking=True)
    return nothing, lambda: get_peer_name(sock), lambda: sock


def changing_mode(stack: contextlib.ExitStack) -> Any:
    sock = make(stack, SocketType.STREAM)

    def change() -> None:
        mode = sock.nonblocking
        try:
            set_socket_nonblocking(sock, not mode)
        finally:  # record and kernel agree, however it went
            assert sock.fd < 0 or sock.nonblocking is not os.get_blocking(sock.fd)

    return nothing, change, lambda: sock


way("ioctl", "set_socket_nonblocking")(changing_mode)


@way("fcntl", "Socket")
def adopting(stack: contextlib.ExitStack) -> Any:
    plain = stack.enter_context(native.socket())

    def adopt() -> Socket:
        fd = os.dup(plain.fileno())
        try:
            sock = Socket(fd, SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
        except BaseException:
            os.close(fd)
            raise
        stack.callback(close_all, sock)
        return sock

    return nothing, adopt, None


def asking(stack: contextlib.ExitStack) -> Any:
    plain = stack.enter_context(native.socket())

    def adopt() -> None:
        fd = os.dup(plain.fileno())
        try:
            sock = adopt_descriptor(fd)
        except BaseException:
            os.close(fd)  # which is still the caller's
            raise
        close_socket(sock)

    return nothing, adopt, None


for skip, label in enumerate(("domain", "type", "protocol")):
    way("getsockopt", "adopt_descriptor", skip=skip, label=label)(asking)


if PLAIN:
    # Three or four calls make one; if any of them fails, the descriptor must not stay open.
    LOCKS = "EACCES EAGAIN EINTR"
    for call in ("fcntl", "ioctl"):
        way(call, "create_socket", "socket", rule="socket", without=LOCKS)(creation)
        way(call, "accept_socket", "accept", rule="accept", without=LOCKS)(accepting)
    way("setsockopt", "create_socket", "socket", rule="socket")(creation)
    way("setsockopt", "accept_socket", "accept", rule="accept")(accepting)
    for skip in range(2):
        for call in ("fcntl", "ioctl"):
            way(call, "make_socket_pair", "socketpair", skip=skip, label=str(skip),
                rule="socketpair", without=LOCKS)(pairing)
        way("setsockopt", "make_socket_pair", "socketpair", skip=skip, label=str(skip),
            rule="socketpair")(pairing)


# The data.

def test_no_call_of_the_stub_lacks_a_row() -> None:
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", STUB.read_text(), flags=re.DOTALL)
    text = re.sub(r"^#\s*(if|ifdef|ifndef|elif|else|endif|undef|include)\b.*", "", text,
                  flags=re.MULTILINE)
    macros = set(re.findall(r"^#\s*define\s+(\w+)", text, re.MULTILINE))
    defined = set(re.findall(r"^[a-z][\w \*]*?\b(\w+)\([^;{]*?\)\s*\{", text, re.MULTILINE))
    called = set(re.findall(r"\b([A-Za-z_]\w*)\s*\(", text)) - macros - defined
    called -= {"if", "for", "while", "switch", "return", "sizeof", "defined", "_Alignas"}
    called -= {"PyEval_SaveThread", "PyEval_RestoreThread", "memcmp", "memcpy", "memmove", "memset"}
    called -= {"strchr", "strlen", "strspn", "sigaddset", "sigemptyset", "sigismember"}
    called -= {"clock_gettime"}  # CLOCK_MONOTONIC is always there
    called = {name for name in called if not name.startswith(("CMSG_", "__atomic_", "__sync_"))}
    for parameters in re.findall(r"^#\s*define\s+\w+\(([\w, ]*)\)", text, re.MULTILINE):
        called -= set(parameters.split(", "))
    assert len(called) > 20
    assert called - set(CALLS) - WINDOWS == set()


def test_no_symbol_of_the_compiled_stub_lacks_a_row() -> None:
    of_the_language = {
        "__errno_location", "memset", "memchr", "memcpy", "memmove", "memcmp", "strlen", "strchr",
        "strspn", "abort", "sigaddset", "sigemptyset", "sigismember",
        "__cmsg_nxthdr",  # a macro of the headers
        "clock_gettime",  # CLOCK_MONOTONIC is always there
    }
    others = {name for name in SYMBOLS if re.match(r"_?Py|_ITM_|__cxa_|__gmon|__stack_chk", name)}
    # fcntl64 is fcntl, under the name it has for large files.
    named = {name.removesuffix("64") for name in SYMBOLS - of_the_language - others}
    assert named - set(CALLS) == set()


def test_every_call_has_a_way_to_it() -> None:
    reached = {each.call for each in WAYS}
    elsewhere = {
        name for name in CALLS
        if name.startswith(("getproto", "getserv", "getaddr", "getname", "gethost", "if_"))
    }
    silent = {name for name, call in CALLS.items() if not call.errors}
    here = {name.removesuffix("64") for name in SYMBOLS} & set(CALLS)
    assert here - reached - elsewhere - silent == set()


@pytest.mark.parametrize("name", CALLS)
def test_no_error_of_the_manual_page_lacks_a_row(name: str) -> None:
    page, _, section = CALLS[name].manual.partition(".")
    places = [
        Path(f"/usr/share/man/man{section}/{found}.{section}.gz")
        for found in (page, page.replace("setsockopt", "getsockopt"))
    ]
    place = next((place for place in places if place.exists()), None)
    if place is None:
        pytest.skip(f"{CALLS[name].manual} is not installed (manpages-dev)")
    text = gzip.decompress(place.read_bytes()).decode()
    heading = "RETURN VALUE" if name in ("getaddrinfo", "getnameinfo") else "ERRORS"
    for part in text.split("\n.SH ")[1:]:
        if part.startswith(heading) and CALLS[name].errors:
            errors = set(re.findall(r"\b(E[A-Z][A-Z0-9_]{2,})\b", part)) - {"ERRORS"}
            assert errors
            assert errors - set(CALLS[name].errors.split()) - ELSEWHERE == set()


# What a failure ends in.

EACH_ERROR = [
    pytest.param(each, name, id=f"{each}-{name}")
    for each in WAYS
    for name in CALLS[each.call].errors.split()
    if name not in each.without.split() and name not in CALLS[each.call].retried.split()
]


@pytest.mark.parametrize(("each", "name"), EACH_ERROR)
def test_an_error_ends_as_documented(each: Way, name: str) -> None:
    number, row = number_of(name), CALLS[each.rule or each.call]
    how = AFTER if each.call == "close" else INSTEAD  # close(2) closes, whatever it says
    # A small blocking call is first made in a way that cannot wait.
    times = 2 if each.label == "blocking-4" and name in ("EAGAIN", "EWOULDBLOCK") else 1
    order = Order(each.call, number, how, skip=each.skip, times=times)
    result, raised = None, None
    with contextlib.ExitStack() as stack:
        ready, act, _ = each.prepare(stack)
        ready()
        with faults(*each.first, order):
            try:
                result = act()
            except SocketCondition as condition:
                raised = condition
        assert calls[each.call] == each.skip + times or each.call == each.rule
        if name in row.ignored.split():
            assert (result, raised) == (None, None)
        else:
            expected_value = name in row.returned.split()
            if expected_value and isinstance(result, tuple):
                nobody, result = result
                assert nobody is None
            condition = result if expected_value else raised
            assert isinstance(condition, SocketCondition), (result, raised)
            assert raised is None or not expected_value
            assert (condition.who, condition.syscall) == (each.who, each.syscall)
            assert condition.type == condition.errno == number
            assert condition.message.partition("; ")[0] == os.strerror(number)
            assert isinstance(condition, type(OSError(number, "")))
        # It works afterwards as if nothing had been.
        ready()
        with faults():
            act()
        assert calls[each.call] >= 1 or each.first


def test_a_fault_strikes_only_the_stub_and_this_thread() -> None:
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        made: list[Socket] = []
        thread = threading.Thread(target=lambda: made.append(make(stack, SocketType.STREAM)))
        with faults(Order("socket", errno.EMFILE)):
            stack.enter_context(native.socket())
            thread.start()
            thread.join()
            assert len(made) == 1
            with pytest.raises(SocketCondition):
                make(stack, SocketType.STREAM)


# Signals.

INTERRUPTED = [
    each for each in WAYS
    if "EINTR" in CALLS[each.call].retried.split() and "EINTR" not in each.without.split()
]
# Their manual pages do not name it; were it to come, the engine would retry.
ENGINE = [
    each for each in WAYS
    if each not in INTERRUPTED and not each.first
    and each.call in ("bind", "listen", "shutdown", "getsockname", "getpeername", "getsockopt",
                      "setsockopt") and each.who.endswith(("_socket", "_option", "_name"))
    and each.who not in ("create_socket", "accept_socket")
]


@contextlib.contextmanager
def handling(handler: Callable[[], Any]) -> Iterator[list[int]]:
    seen: list[int] = []

    def handle(*_: object) -> None:
        seen.append(1)
        handler()

    before = signal.signal(SIGNAL, handle)
    try:
        yield seen
    finally:
        signal.signal(SIGNAL, before)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("each", INTERRUPTED + ENGINE, ids=str)
def test_an_interrupted_call_is_made_again_after_the_handler(each: Way, times: int) -> None:
    order = Order(each.call, errno.EINTR, skip=each.skip, times=times, signal=SIGNAL)
    with contextlib.ExitStack() as stack, handling(nothing) as seen:
        ready, act, _ = each.prepare(stack)
        ready()
        with faults(*each.first, order):
            result = act()
        assert len(seen) == times
        made_again = times + each.skip + 1
        assert calls[each.call] == made_again
        if isinstance(result, tuple):
            assert result[0] is not None
        assert not isinstance(result, SocketCondition)


class Stop(Exception):
    pass


def stop() -> None:
    raise Stop


@pytest.mark.parametrize("each", INTERRUPTED + ENGINE, ids=str)
def test_a_handler_that_raises_ends_the_call(each: Way) -> None:
    order = Order(each.call, errno.EINTR, skip=each.skip, signal=SIGNAL)
    with contextlib.ExitStack() as stack, handling(stop) as seen:
        ready, act, _ = each.prepare(stack)
        ready()
        with faults(*each.first, order), pytest.raises(Stop):
            act()
        assert len(seen) == 1
        assert calls[each.call] == each.skip + 1
        ready()
        act()


@pytest.mark.timeout(10)
@pytest.mark.parametrize("each", INTERRUPTED + ENGINE, ids=str)
def test_a_handler_that_closes_the_socket_ends_the_call_with_ebadf(each: Way) -> None:
    order = Order(each.call, errno.EINTR, skip=each.skip, signal=SIGNAL)
    with contextlib.ExitStack() as stack:
        ready, act, sock = each.prepare(stack)
        if sock is None:
            pytest.skip("no socket is there yet")
        ready()
        others: list[int] = []

        def close_and_reuse() -> None:
            close_socket(sock())
            stack.enter_context(reused := native.socket())
            others.append(reused.fileno())

        fd = sock().fd
        with handling(close_and_reuse), faults(*each.first, order), \
                pytest.raises(SocketCondition) as caught:
            act()
        assert others == [fd]  # the number had another owner by then
        assert caught.value.type == errno.EBADF
        assert caught.value.who == each.who


@pytest.mark.parametrize("each", [each for each in WAYS if each.call == "close"], ids=str)
@pytest.mark.parametrize("error", ["EINTR", "EIO", "ENOSPC", "EDQUOT"])
def test_a_close_is_made_once_whatever_it_reports(each: Way, error: str) -> None:
    with contextlib.ExitStack() as stack, handling(nothing) as seen:
        ready, act, sock = each.prepare(stack)
        ready()
        order = Order("close", number_of(error), AFTER, signal=SIGNAL)
        with faults(order), contextlib.suppress(SocketCondition):
            act()
        assert calls["close"] == 1
        assert len(seen) == 1
        if sock is not None:
            assert sock().fd == -1


@pytest.mark.parametrize("error", ["EINTR", "EIO", "ENOSPC", "EDQUOT", "EBADF"])
def test_a_dropped_socket_is_closed_once_whatever_close_reports(error: str) -> None:
    sock = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
    with faults(Order("close", number_of(error), AFTER)), pytest.warns(ResourceWarning):
        del sock
        gc.collect()
    assert calls["close"] == 1


@pytest.mark.parametrize("error", ["EINTR", "EIO", "ENOSPC", "EDQUOT"])
def test_a_late_close_is_made_once_and_does_not_spoil_the_call(error: str) -> None:
    """This thread receives; another closes the socket meanwhile, and then the peer sends."""
    receiver = threading.get_native_id()

    def close_and_send() -> None:
        until(lambda: asleep(receiver))
        close_socket(sock)
        peer.send(b"data")

    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=False)
        with faults(Order("close", number_of(error), AFTER)):
            thread = threading.Thread(target=close_and_send)
            thread.start()
            assert receive_from_socket(sock, 9) == (b"data", None)
        thread.join()
        assert calls["close"] == 1
        assert sock.fd == -1


@pytest.mark.parametrize("times", [1, 3])
def test_a_connection_that_a_signal_left_going_on_is_waited_for(times: int) -> None:
    """A blocking connect that a signal interrupts goes on in the kernel."""
    with contextlib.ExitStack() as stack, handling(nothing) as seen:
        listener, sock = make(stack, SocketType.STREAM, bound=True), make(stack, SocketType.STREAM)
        listen_socket(listener, 4)
        set_socket_nonblocking(sock, False)
        interrupted = Order("connect", errno.EINTR, AFTER, times=times, signal=SIGNAL)
        with faults(interrupted):
            assert connect_socket(sock, get_socket_name(listener)) is True
        assert len(seen) == times
        assert get_peer_name(sock) == get_socket_name(listener)


def test_a_connection_that_ends_badly_after_a_signal_is_reported() -> None:
    with contextlib.ExitStack() as stack, handling(nothing):
        nobody, sock = make(stack, SocketType.STREAM, bound=True), make(stack, SocketType.STREAM)
        name = get_socket_name(nobody)
        assert isinstance(connect_socket(sock, name), SocketCondition)  # refused, but not yet told
        set_socket_nonblocking(sock, False)
        with faults(*GOES_ON), pytest.raises(ConnectionRefusedError) as caught:
            connect_socket(sock, name)
        assert (caught.value.who, caught.value.address) == ("connect_socket", name)


# Short counts, and lengths.

@pytest.mark.parametrize("count", [1, 3])
def test_a_short_receive_leaves_the_rest_for_the_next(count: int) -> None:
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        peer.send(b"abcd")
        with faults(Order("recvfrom", how=SHORT, value=count)):
            first, _ = receive_from_socket(sock, 100)
        rest, _ = receive_from_socket(sock, 100)
        assert (first, rest) == (b"abcd"[:count], b"abcd"[count:])


@pytest.mark.parametrize("size", [4, 70_000])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_short_send_says_how_much_was_taken(count: int, size: int) -> None:
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        with faults(Order("sendto", how=SHORT, value=count)):
            assert send_to_socket(sock, bytes(size), None) == count
        assert count == 0 or peer.recv(100) == bytes(count)


@pytest.mark.parametrize("times", [1, 20])
def test_short_counts_do_not_end_what_is_to_be_complete(times: int) -> None:
    data = bytes(range(200))
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        with faults(Order("sendto", how=SHORT, value=7, times=times),
                    Order("sendto", errno.EAGAIN), Order("sendto", errno.EINTR, times=3)):
            assert send_all(sock, data, timeout=20) == (200, None)
        assert peer.recv(1000) == data
        peer.send(data)
        with faults(Order("recvfrom", how=SHORT, value=7, times=times),
                    Order("recvfrom", errno.EAGAIN), Order("recvfrom", errno.EINTR, times=3)):
            assert receive_exactly(sock, 200, timeout=20) == (data, None)


def test_what_was_done_before_a_failure_is_told() -> None:
    data = bytes(range(200))
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        with pytest.raises(ConnectionResetError) as caught, \
                faults(Order("sendto", how=SHORT, value=7, times=2),
                       Order("sendto", errno.ECONNRESET)):
            send_all(sock, data)
        assert caught.value.done == 14
        assert peer.recv(1000) == data[:14]
        peer.send(data)
        with pytest.raises(ConnectionResetError) as caught, \
                faults(Order("recvfrom", how=SHORT, value=7, times=2),
                       Order("recvfrom", errno.ECONNRESET)):
            receive_exactly(sock, 200)
        assert caught.value.done == data[:14]


# Messages: lists that are cut, and descriptors that nobody can be told of.

@pytest.mark.parametrize("room", [0, 1, 15, 16, 19, 20, 23, 24, 28, 31, 32, 4096])
@pytest.mark.parametrize("nonblocking", [True, False])
def test_a_list_of_descriptors_that_the_kernel_cuts_is_closed(
    nonblocking: bool, room: int
) -> None:
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking)
        native.send_fds(peer, [b"abcd"], [0, 1, 2, 0])
        with faults(Order("recvmsg", how=SHORT, value=room)):
            data, header = receive_message(sock, 9)
        assert data == b"abcd"
        assert header.items_truncated == (room < 32)
        for item in header.items:
            assert len(item) == min(4, (room - 16) // 4)
            close_descriptors(item)


@pytest.mark.parametrize("error", ["EINTR", "EIO"])
def test_each_received_descriptor_is_closed_once_whatever_close_reports(error: str) -> None:
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        for drop in (False, True):
            native.send_fds(peer, [b"abcd"], [0, 1, 2])
            _, header = receive_message(sock, 9)
            with faults(Order("close", number_of(error), AFTER, times=3)):
                if drop:
                    with pytest.warns(ResourceWarning):
                        del header
                        gc.collect()
                else:
                    close_descriptors(header.items[0])
            assert calls["close"] == 3


@pytest.mark.parametrize("call", ["fcntl", "getsockopt"])
def test_a_descriptor_that_cannot_be_recognised_stays_with_its_owner(call: str) -> None:
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=True)
        native.send_fds(peer, [b"abcd"], [sock.fd])
        _, header = receive_message(sock, 9)
        with header.items[0] as item:
            with faults(Order(call, errno.EBADF)), pytest.raises(SocketCondition):
                take_socket(item)
            assert len(item) == 1
            close_socket(take_socket(item))
            assert len(item) == 0


@pytest.mark.skipif(PLAIN, reason="nothing is tried at once where a send may wait all the same")
@pytest.mark.parametrize("count", [0, 1, 5, 6, 11])
def test_a_blocking_send_goes_on_with_what_the_kernel_has_not_taken_at_once(count: int) -> None:
    """The descriptors have gone with the first part, and do not go again."""
    parts = [b"first", b"", b"second"]
    with contextlib.ExitStack() as stack:
        sock, peer = pair(stack, nonblocking=False)
        with faults(Order("sendmsg", how=SHORT, value=count)):
            assert send_message(sock, parts, None, [Descriptors([0])]) == 11
        data, fds, _, _ = native.recv_fds(peer, 99, 9)
        data += peer.recv(99) if len(data) < 11 else b""
        assert (data, len(fds)) == (b"firstsecond", 1)
        for fd in fds:
            os.close(fd)
        with faults(Order("sendmsg", how=SHORT, value=3), Order("sendmsg", errno.EPIPE)):
            assert send_message(sock, parts) == 3
        assert peer.recv(99) == b"fir"


# Many datagrams: offload that is refused, and what is known of the others when one fails.

NUMBERED = b"".join(i.to_bytes(2, "big") for i in range(100))
RUN = Datagrams(NUMBERED, 2, None)


def all_from(sock: Socket) -> bytes:
    data = b""
    while isinstance(more := receive_datagrams(sock, 64, 99), list):
        data += b"".join(run.data for run in more)
    return data


@pytest.mark.skipif(PLAIN, reason="there is no offload")
@pytest.mark.parametrize("joining", [False, True])
@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("name", ["EIO", "EINVAL", "EMSGSIZE", "ENOPROTOOPT", "EOPNOTSUPP"])
def test_offload_that_is_refused_is_done_without(name: str, skip: int, joining: bool) -> None:
    with contextlib.ExitStack() as stack:
        sender, sock = two(stack, joining)
        with faults(Order("sendmmsg", how=SHORT, value=1, times=skip),
                    Order("sendmmsg", number_of(name))):
            assert send_datagrams(sender, [RUN]) == 100
        assert all_from(sock) == NUMBERED


@pytest.mark.skipif(PLAIN, reason="there is no offload")
def test_a_kernel_without_offload_is_not_asked_for_it() -> None:
    with contextlib.ExitStack() as stack:
        sender, sock = two(stack)
        with faults(Order("getsockopt", errno.ENOPROTOOPT)):
            assert send_datagrams(sender, [RUN]) == 100
        assert calls["sendmmsg"] == 2  # messages of one datagram, sixty-four at a time
        with faults(Order("getsockopt", errno.ENOPROTOOPT)):
            data = receive_datagrams(sock, 64, 2)
        assert isinstance(data, list)
        assert data[0].data + all_from(sock) == NUMBERED


@pytest.mark.parametrize("name", ["ECONNREFUSED", "ENOBUFS", "EPERM", "EAGAIN", "EINTR"])
def test_what_was_sent_before_an_error_is_told(name: str) -> None:
    singles = [Datagrams(each, 2, None) for each in RUN]
    with contextlib.ExitStack() as stack:
        sender, sock = two(stack)
        failing = Order(SEND, number_of(name), skip=5 if PLAIN else 0)
        orders = (failing,) if PLAIN else (Order(SEND, how=SHORT, value=5), failing)
        with faults(*orders):
            try:
                sent = send_datagrams(sender, singles)
            except SocketCondition as condition:
                assert condition.type == number_of(name) not in (errno.EAGAIN, errno.EINTR)
                sent = condition.done
            else:
                assert number_of(name) in (errno.EAGAIN, errno.EINTR)
        assert sent == 5
        assert all_from(sock) == NUMBERED[:10]
        assert send_datagrams(sender, skip_datagrams(singles, 5)) == 95
        assert all_from(sock) == NUMBERED[10:]


@pytest.mark.skipif(PLAIN, reason="there is no sendmmsg")
def test_a_send_that_stopped_without_a_reason_is_gone_on_with_once() -> None:
    singles = [Datagrams(each, 2, None) for each in RUN]
    with contextlib.ExitStack() as stack:
        sender, sock = two(stack)
        with faults(Order("sendmmsg", how=SHORT, value=5)):
            assert send_datagrams(sender, singles) == 6
        assert all_from(sock) == NUMBERED[:12]


@pytest.mark.parametrize("joining", [False] if PLAIN else [False, True])
@pytest.mark.parametrize("name", ["ECONNREFUSED", "ENOMEM", "EAGAIN", "EINTR"])
def test_what_was_received_before_an_error_is_not_lost(name: str, joining: bool) -> None:
    with contextlib.ExitStack() as stack:
        sender, sock = two(stack, joining)
        for each in (b"abc", b"def", b"ghi"):
            send_to_socket(sender, each, None)
        if not (PLAIN or joining):  # the kernel gives 64, and the error comes with the next
            for each in list(RUN)[:64]:
                send_to_socket(sender, each, None)
        call = "recvmsg" if joining else RECEIVE
        number = number_of(name)
        with faults(Order(call, number, skip=2 if call != "recvmmsg" else 1)):
            try:
                got = receive_datagrams(sock, 100, 9)
            except SocketCondition as condition:
                assert condition.type == number not in (errno.EAGAIN, errno.EINTR)
                got = condition.done
            else:
                assert number in (errno.EAGAIN, errno.EINTR)
        data = b"".join(run.data for run in got)
        assert data.startswith(b"abcdef")
        assert data + all_from(sock) == b"abcdefghi" + (b"" if PLAIN or joining else NUMBERED[:128])


ABSENT = ["ENODEV", "ENXIO"]
ASKING = {
    "if_nametoindex": lambda: get_interface_by_name("lo"),
    "if_indextoname": lambda: get_interface_by_index(1),
    "if_nameindex": get_interfaces,
    "gethostname": get_host_name,
}


@pytest.mark.parametrize(("call", "name"), [
    (call, name) for call in ASKING for name in CALLS[call].errors.split()
])
def test_a_question_about_this_machine_that_fails_is_reported(call: str, name: str) -> None:
    with faults(Order(call, number_of(name))):
        if name in ABSENT:
            assert ASKING[call]() is None
        elif name in CALLS[call].retried.split():
            assert ASKING[call]() != []
        else:
            with pytest.raises(SocketCondition) as caught:
                ASKING[call]()
            assert (caught.value.syscall, caught.value.type) == (call, number_of(name))


@pytest.mark.parametrize("name", ABSENT)
def test_an_interface_that_is_not_found_is_a_wrong_value(name: str) -> None:
    with faults(Order("if_nametoindex", number_of(name))), pytest.raises(ValueError):
        string_to_internet6_address("fe80::1%lo")


@pytest.mark.parametrize(
    "name", [name for name in CALLS["if_nametoindex"].errors.split() if name not in ABSENT]
)
def test_an_interface_that_cannot_be_asked_for_is_no_wrong_value(name: str) -> None:
    with faults(Order("if_nametoindex", number_of(name))), \
            pytest.raises(SocketCondition) as caught:
        string_to_internet6_address("fe80::1%lo")
    condition = caught.value
    assert (condition.who, condition.syscall) == ("string_to_internet6_address", "if_nametoindex")
    assert condition.type == number_of(name)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000])
def test_a_converter_sees_as_many_bytes_as_the_kernel_returned(size: int) -> None:
    option = SocketOption(native.SO_TYPE, 4, bytes, len)
    with contextlib.ExitStack() as stack:
        sock = make(stack, SocketType.STREAM)
        with faults(Order("getsockopt", how=LENGTH, value=size)):
            assert get_socket_option(sock, option) == min(size, 4)


LENGTHS = [0, 1, 2, 3, 15, 16, 17, 110, 127, 128, 129, 1000, 2**31 - 1]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("call", [ACCEPT, "recvfrom", "getsockname", "getpeername"])
def test_an_address_is_never_longer_than_its_room(call: str, length: int) -> None:
    seen: list[int] = []
    domain = SocketDomain(
        native.AF_INET, lambda packed: seen.append(len(packed)) or LOOPBACK, 16  # type: ignore
    )
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(native.create_server(("127.0.0.1", 0)))
        stack.enter_context(native.create_connection(server.getsockname()))
        middle = stack.enter_context(server.accept()[0])
        stack.enter_context(native.create_connection(server.getsockname()))
        receiver = stack.enter_context(native.socket(native.AF_INET, native.SOCK_DGRAM))
        receiver.bind(("127.0.0.1", 0))
        sender = stack.enter_context(native.socket(native.AF_INET, native.SOCK_DGRAM))
        sender.sendto(b"x", receiver.getsockname())
        fd = os.dup({ACCEPT: server, "recvfrom": receiver}.get(call, middle).fileno())
        sock = Socket(fd, domain, SocketType.STREAM, SocketProtocol.AUTO)
        stack.callback(close_all, sock)
        act = {
            ACCEPT: accept_socket, "recvfrom": lambda sock: receive_from_socket(sock, 1),
            "getsockname": lambda sock: (sock, get_socket_name(sock)),
            "getpeername": lambda sock: (sock, get_peer_name(sock)),
        }[call]
        with faults(Order(call, how=LENGTH, value=length)):
            first, address = act(sock)
        stack.callback(close_all, first)
        assert first is not None
        assert address == (LOOPBACK if length else None)
        assert seen == ([min(length, ROOM)] if length else [])


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("family", ["INTERNET", "UNIX"])
def test_an_accepted_socket_with_a_strange_address_is_not_lost(family: str, length: int) -> None:
    """An address too short to be one raises, and then the descriptor is closed."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp"))
        unix = family == "UNIX"
        listener = create_socket(
            getattr(SocketDomain, family), SocketType.STREAM, SocketProtocol.AUTO
        )
        stack.callback(close_all, listener)
        bind_socket(listener, UnixAddress(f"{folder}/s") if unix else LOOPBACK)
        listen_socket(listener, 4)
        name = get_socket_name(listener)
        client = stack.enter_context(native.socket(native.AF_UNIX if unix else native.AF_INET))
        client.connect(name.path if unix else ("127.0.0.1", name.port))
        with warnings.catch_warnings(), faults(Order(ACCEPT, how=LENGTH, value=length)):
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                close_all(accept_socket(listener)[0])
            except ValueError:
                assert not unix and 0 < length < 16
            gc.collect()


# The resolver, and the protocol database.

@pytest.mark.parametrize("name", [n for n in CALLS["getaddrinfo"].errors.split()
                                  if n != "EAI_SYSTEM"])
def test_a_code_of_the_resolver_is_never_taken_for_an_errno(name: str) -> None:
    order = Order("getaddrinfo", RESOLVER[name], value=errno.ECONNREFUSED)
    with faults(order), pytest.raises(SocketCondition) as caught:
        get_address_info("127.0.0.1", 80)
    condition = caught.value
    assert isinstance(condition, native.gaierror)
    assert not isinstance(condition, ConnectionRefusedError)
    assert (condition.who, condition.syscall) == ("get_address_info", "getaddrinfo")
    assert condition.type == RESOLVER[name]
    assert name in str(condition) and "'127.0.0.1'" in str(condition)


@pytest.mark.parametrize("name", ["EMFILE", "ENOMEM", "EACCES", "ECONNREFUSED", "EAGAIN"])
def test_an_errno_behind_the_resolver_is_reported(name: str) -> None:
    order = Order("getaddrinfo", RESOLVER["EAI_SYSTEM"], value=number_of(name))
    with faults(order), pytest.raises(SocketCondition) as caught:
        get_address_info("127.0.0.1", 80)
    assert caught.value.type == number_of(name)
    assert name in str(caught.value)


@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupted_resolver_is_asked_again(times: int) -> None:
    order = Order(
        "getaddrinfo", RESOLVER["EAI_SYSTEM"], value=errno.EINTR, times=times, signal=SIGNAL
    )
    with handling(nothing) as seen, faults(order):
        infos, _ = get_address_info("127.0.0.1", 80)
    assert infos
    assert len(seen) == times
    assert calls["getaddrinfo"] == times + 1


def test_a_handler_that_raises_ends_a_resolution() -> None:
    order = Order("getaddrinfo", RESOLVER["EAI_SYSTEM"], value=errno.EINTR, signal=SIGNAL)
    with handling(stop), faults(order), pytest.raises(Stop):
        get_address_info("127.0.0.1", 80)
    assert calls["getaddrinfo"] == 1


def back(*flags: NameInfoOption) -> Any:
    return get_name_info(LOOPBACK, *flags)


@pytest.mark.parametrize("name", [n for n in CALLS["getnameinfo"].errors.split()
                                  if n != "EAI_SYSTEM"])
def test_a_code_of_the_way_back_is_never_taken_for_an_errno(name: str) -> None:
    order = Order("getnameinfo", RESOLVER[name], value=errno.ECONNREFUSED)
    with faults(order), pytest.raises(native.gaierror) as caught:
        back()
    assert not isinstance(caught.value, ConnectionRefusedError)
    assert (caught.value.who, caught.value.syscall) == ("get_name_info", "getnameinfo")
    assert caught.value.type == RESOLVER[name]
    assert name in str(caught.value) and "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("name", ["EMFILE", "ENOMEM", "EACCES"])
def test_an_errno_behind_the_way_back_is_reported(name: str) -> None:
    order = Order("getnameinfo", RESOLVER["EAI_SYSTEM"], value=number_of(name))
    with faults(order), pytest.raises(SocketCondition) as caught:
        back()
    assert caught.value.type == number_of(name)


def test_an_interrupted_way_back_is_gone_again_unless_the_handler_raises() -> None:
    order = Order("getnameinfo", RESOLVER["EAI_SYSTEM"], value=errno.EINTR, signal=SIGNAL)
    with handling(nothing) as seen, faults(order):
        assert len(back()) == 2
    assert (len(seen), calls["getnameinfo"]) == (1, 2)
    with handling(stop), faults(order), pytest.raises(Stop):
        back()


@pytest.mark.parametrize("name", ["EMFILE", "ENFILE"])
def test_numbers_that_nobody_asked_for_are_doubted_when_no_file_can_be_opened(name: str) -> None:
    nobody = InternetAddress("192.0.2.1", 258)
    with faults(Order("socket", number_of(name))), pytest.raises(SocketCondition) as caught:
        get_name_info(nobody, NameInfoOption.NUMERIC_HOST)
    assert (caught.value.syscall, caught.value.type) == ("getnameinfo", number_of(name))
    with faults():
        both = NameInfoOption.NUMERIC_HOST, NameInfoOption.NUMERIC_SERVICE
        assert get_name_info(nobody, *both) == ("192.0.2.1", "258")
    assert calls["socket"] == 0


SEARCHES = [
    ("getprotobyname", "get_protocol_by_name", lambda: get_protocol_by_name("tcp")),
    ("getprotobynumber", "get_protocol_by_constant",
     lambda: get_protocol_by_constant(SocketProtocol(6))),
    ("getprotoent", "next_protocol_entry", next_protocol_entry),
    ("getservbyname", "get_service_by_name", lambda: get_service_by_name("http")),
    ("getservbyport", "get_service_by_port", lambda: get_service_by_port(80, "tcp")),
]


@pytest.fixture
def database() -> Iterator[None]:
    if not Path("/etc/protocols").exists():
        pytest.skip("there is no /etc/protocols (netbase)")
    open_protocol_database(True)
    yield
    close_protocol_database()


@pytest.mark.parametrize("name", ["ENOENT", "EMFILE", "ENOMEM"])
@pytest.mark.parametrize(("syscall", "who", "search"), SEARCHES, ids=[s[0] for s in SEARCHES])
def test_a_search_that_fails_is_reported_and_one_that_finds_nothing_is_none(
    syscall: str, who: str, search: Any, name: str, database: None
) -> None:
    if PLAIN:  # these answer with a null pointer, whatever it was
        with faults(Order(syscall, number_of(name))):
            assert search() is None
    elif name == "ENOENT":
        with faults(Order(f"{syscall}_r", errno.ENOENT)):
            assert search() is None
    else:
        with faults(Order(f"{syscall}_r", number_of(name))), \
                pytest.raises(SocketCondition) as caught:
            search()
        assert (caught.value.who, caught.value.syscall) == (who, syscall)
        assert caught.value.type == number_of(name)
    assert search() is not None


@pytest.mark.skipif(PLAIN, reason="those calls have memory of their own")
@pytest.mark.parametrize(("syscall", "who", "search"), SEARCHES, ids=[s[0] for s in SEARCHES])
def test_too_little_memory_is_made_more_and_more_up_to_a_bound(
    syscall: str, who: str, search: Any, database: None
) -> None:
    with faults(Order(f"{syscall}_r", errno.ERANGE, times=3)):
        assert search() is not None
    assert calls[f"{syscall}_r"] == 4
    shim.fault_clear()
    with pytest.raises(SocketCondition) as caught, contextlib.suppress(AssertionError), \
            faults(Order(f"{syscall}_r", errno.ERANGE, times=1000)):
        search()
    assert caught.value.type == errno.ERANGE
    assert calls[f"{syscall}_r"] < 20


def test_a_signal_while_the_database_is_opened_or_closed_runs_its_handler() -> None:
    with handling(nothing) as seen:
        with faults(Order("setprotoent", errno.EINTR, signal=SIGNAL)):
            open_protocol_database(True)
        with faults(Order("endprotoent", errno.EINTR, signal=SIGNAL)):
            close_protocol_database()
    assert len(seen) == 2


def test_a_handler_that_raises_leaves_the_database_unlocked() -> None:
    with handling(stop):
        for call, act in (("setprotoent", lambda: open_protocol_database(True)),
                          ("endprotoent", close_protocol_database)):
            with faults(Order(call, errno.EINTR, signal=SIGNAL)), pytest.raises(Stop):
                act()
    thread = threading.Thread(target=close_protocol_database, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_the_shim_is_built_of_the_source_that_is_here() -> None:
    assert shutil.which("nm")
    assert "shim" in os.environ["LD_PRELOAD"]
