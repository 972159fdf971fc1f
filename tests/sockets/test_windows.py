"""What is different on Windows: the numbers, the errors and their texts, and what it lacks."""

from __future__ import annotations

import ctypes
import errno
import socket as native
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from helpers import name_of, readable, reports, wine_lacks, writable

import sockets
from sockets import (
    Socket,
    ShutdownMethod,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    accept_socket,
    close_protocol_database,
    connect_socket,
    duplicate_socket,
    finish_connect,
    foreign_to_unix_address,
    get_socket_name,
    get_socket_option,
    listen_socket,
    make_socket_pair,
    next_protocol_entry,
    open_protocol_database,
    receive_exactly,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    string_to_internet6_address,
)
from sockets._sockets import errno_message
from sockets._values import FOREIGN_VALUES

if sys.platform != "win32":
    pytest.skip("is about Windows", allow_module_level=True)

STREAM, AUTO = SocketType.STREAM, SocketProtocol.AUTO
WSAEWOULDBLOCK, WSAENOTSOCK, WSAECONNREFUSED = 10035, 10038, 10061
WSAVERNOTSUPPORTED = 10092


# The values of section 79's names. Those of errors are on Microsoft's "Windows Sockets Error
# Codes" (to which getaddrinfo's page leads those of EAI_), those of SD_ and FORMAT_MESSAGE_ on the
# pages of shutdown and FormatMessage. For options and flags the pages name the headers: their
# numbers are those of winsock2.h, ws2def.h and ws2ipdef.h in Microsoft's SDK. Sizes are counted
# from the structures there. All are typed in here, and do not come from the compiler's headers.
DOCUMENTED = {
    "$error-again": 10035, "$error-in-progress": 10036, "$error-would-block": 10035,
    "$file-set-flag": 0x8004667E, "$format-message-allocate-buffer": 0x100,
    "$format-message-from-system": 0x1000, "$ipproto-ip": 0, "$ipproto-raw": 255,
    "$ipproto-tcp": 6, "$ipproto-udp": 17, "$option-non-blocking": 1, "$socket-error": -1,
    "$sol-socket": 0xFFFF, "%ai/canonname": 2, "%ai/numerichost": 4, "%ai/passive": 1,
    "%msg/dont-route": 4, "%msg/out-of-band": 1, "%msg/peek": 2, "%msg/wait-all": 8,
    "%shutdown/read": 0, "%shutdown/read&write": 2, "%shutdown/write": 1,
    "%socket-domain/internet": 2, "%socket-domain/internet-v6": 23, "%socket-type/datagram": 2,
    "%socket-type/random": 4, "%socket-type/raw": 3, "%socket-type/sequence-packet": 5,
    "%socket-type/stream": 1, "%somaxconn": 0x7FFFFFFF, "af-inet": 2, "invalid-socket": -1,
    "size-of/addr-in": 16, "size-of/addrinfo": 48, "size-of/integer": 4, "size-of/ip": 4,
    "size-of/pointer": 8, "size-of/port": 2, "size-of/protoent": 24, "size-of/sa-family": 2,
    "size-of/size-t": 8, "size-of/sockaddr-in": 16, "size-of/sockaddr-storage": 128,
    "size-of/socklen-t": 4, "size-of/wsa-data": 408, "%eai/again": 11002, "%eai/badflags": 10022,
    "%eai/fail": 11003, "%eai/family": 10047, "%eai/memory": 8, "%eai/noname": 11001,
    "%eai/service": 10109, "%eai/socktype": 10044, "$so/reuse-address": 4, "$so/broadcast": 0x20,
    "$so/keep-alive": 8, "$so/linger": 0x80, "$so/receive-buffer": 0x1002,
    "$so/send-buffer": 0x1001, "$so/receive-timeout": 0x1006, "$so/send-timeout": 0x1005,
    "$so/error": 0x1007, "$so/type": 0x1008, "$tcp/no-delay": 1, "$ip/ttl": 4,
    "$ip/add-membership": 12, "$ip/drop-membership": 13, "$ip/multicast-interface": 9,
    "$ip/multicast-loop": 11, "$ip/multicast-ttl": 10, "$ipproto-ipv6": 41,
    "$ipv6/hop-limit": 4, "$ipv6/v6-only": 27, "$ipv6/join-group": 12, "$ipv6/leave-group": 13,
    "$ipv6/multicast-interface": 9, "$ipv6/multicast-loop": 11, "$ipv6/multicast-hops": 10,
    "size-of/linger": 4, "size-of/timeval": 8, "$so/out-of-band-inline": 0x100,
    "$ip/type-of-service": 3, "$ipv6/traffic-class": 39, "$ipv6/dont-fragment": 14,
    "$mcast/join-group": 41, "$mcast/leave-group": 42, "$mcast/join-source-group": 45,
    "$mcast/leave-source-group": 46, "size-of/group-req": 136, "%ai/all": 0x100,
    "%ai/addrconfig": 0x400, "%ai/v4mapped": 0x800, "%ai/numericserv": 8, "%ni/nofqdn": 1,
    "%ni/numerichost": 2, "%ni/namereqd": 4, "%ni/numericserv": 8, "%ni/dgram": 0x10,
}
MAY_BE_THERE = {  # in newer headers, or in some; EAI_NODATA is not on getaddrinfo's page
    "%eai/nodata": {11001, 11004}, "$tcp/keep-idle": {3}, "$tcp/keep-interval": {17},
    "$tcp/keep-count": {16},
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_name_has_the_value_that_microsoft_documents(name: str) -> None:
    assert FOREIGN_VALUES[name] == DOCUMENTED[name]


def test_what_is_not_documented_is_not_there() -> None:
    for name in FOREIGN_VALUES.keys() - DOCUMENTED.keys():
        assert FOREIGN_VALUES[name] in MAY_BE_THERE[name]


@pytest.mark.parametrize(("name", "theirs"), [
    ("$sol-socket", "SOL_SOCKET"), ("%somaxconn", "SOMAXCONN"), ("%msg/peek", "MSG_PEEK"),
    ("%socket-domain/internet-v6", "AF_INET6"), ("%ai/canonname", "AI_CANONNAME"),
    ("%eai/noname", "EAI_NONAME"), ("$so/linger", "SO_LINGER"), ("$ip/ttl", "IP_TTL"),
    ("$tcp/no-delay", "TCP_NODELAY"), ("$ipv6/v6-only", "IPV6_V6ONLY"),
])
def test_the_compilers_headers_agree_with_those_that_python_was_built_with(
    name: str, theirs: str
) -> None:
    if not hasattr(native, theirs):
        pytest.skip(f"this Python has no {theirs}")
    assert FOREIGN_VALUES[name] == getattr(native, theirs)


# What Windows lacks: a constant is absent, a predicate says so; a procedure says so if called.

def test_what_the_platform_lacks_is_told_beforehand() -> None:
    assert not sockets.HAS_UNIX_SOCKETS
    assert not sockets.HAS_PROTOCOL_ITERATION
    assert not sockets.HAS_DONT_WAIT
    assert not sockets.HAS_REUSE_PORT
    for kind, name in [
        (SocketDomain, "UNIX"), (SocketDomain, "LOCAL"),
        (sockets.ReceiveFromOption, "DONT_WAIT"), (SocketOption, "REUSE_PORT"),
    ]:
        assert not hasattr(kind, name)


LACKING: dict[str, tuple[str, Callable[[Socket], object]]] = {
    "packing a UNIX address": (
        "UNIX sockets", lambda _: sockets.UnixAddress("x").converter()
    ),
    "reading a UNIX address": ("UNIX sockets", lambda _: foreign_to_unix_address(b"\1\0x\0")),
    "opening the protocols": (
        "open_protocol_database", lambda _: open_protocol_database(True)
    ),
    "the next protocol": ("next_protocol_entry", lambda _: next_protocol_entry()),
    "closing the protocols": ("close_protocol_database", lambda _: close_protocol_database()),
    "a pair": (
        "make_socket_pair",
        lambda _: make_socket_pair(SocketDomain.INTERNET, SocketType.STREAM, AUTO),
    ),
    "a duplicate": ("duplicate_socket", duplicate_socket),
    "an interface's name": (
        "the name of an interface",
        lambda _: string_to_internet6_address("[fe80::1%eth0]:80"),
    ),
}


@pytest.mark.parametrize("what", LACKING)
def test_a_procedure_says_in_one_error_what_the_platform_lacks(tcp: Any, what: str) -> None:
    feature, call = LACKING[what]
    with pytest.raises(NotImplementedError) as caught:
        call(tcp.socket())
    assert str(caught.value) == f"{feature}: not supported on this platform (win32)"


# Errors.

def test_a_would_block_value_has_windows_number_and_name(tcp: Any) -> None:
    listener = tcp.listener()
    nothing, why = accept_socket(listener)
    assert nothing is None
    assert (why.type, why.syscall) == (WSAEWOULDBLOCK, "accept")
    assert repr(why).startswith("SocketCondition('accept_socket', 'accept', WSAEWOULDBLOCK, ")


def test_a_refused_connection_is_pythons_own_error_too(slow: Any) -> None:
    holder = slow.bound(STREAM)
    with pytest.raises(ConnectionRefusedError) as caught:
        connect_socket(slow.socket(), name_of(holder))
    assert caught.value.type == WSAECONNREFUSED
    assert "WSAECONNREFUSED" in str(caught.value)


def test_an_error_is_its_own_calls_and_not_the_last_that_the_thread_saw(tcp: Any) -> None:
    sock = tcp.socket()
    ctypes.WinDLL("ws2_32").WSASetLastError(4711)
    with reports(WSAENOTSOCK, "get_socket_name"):
        get_socket_name(closed(tcp))
    ctypes.WinDLL("ws2_32").WSASetLastError(4711)
    with pytest.raises(sockets.SocketCondition) as caught:
        listen_socket(sock, 1)
    assert caught.value.type == 10022  # WSAEINVAL: it has not been bound


def closed(makers: Any) -> Socket:
    sock: Socket = makers.socket()
    sockets.close_socket(sock)
    return sock


# "Windows Sockets Error Codes".
ERRORS = {
    "WSAEINTR": 10004, "WSAEBADF": 10009, "WSAEACCES": 10013, "WSAEFAULT": 10014,
    "WSAEINVAL": 10022, "WSAEMFILE": 10024, "WSAEWOULDBLOCK": 10035, "WSAEINPROGRESS": 10036,
    "WSAEALREADY": 10037, "WSAENOTSOCK": 10038, "WSAEDESTADDRREQ": 10039, "WSAEMSGSIZE": 10040,
    "WSAEPROTOTYPE": 10041, "WSAENOPROTOOPT": 10042, "WSAEPROTONOSUPPORT": 10043,
    "WSAESOCKTNOSUPPORT": 10044, "WSAEOPNOTSUPP": 10045, "WSAEPFNOSUPPORT": 10046,
    "WSAEAFNOSUPPORT": 10047, "WSAEADDRINUSE": 10048, "WSAEADDRNOTAVAIL": 10049,
    "WSAENETDOWN": 10050, "WSAENETUNREACH": 10051, "WSAENETRESET": 10052,
    "WSAECONNABORTED": 10053, "WSAECONNRESET": 10054, "WSAENOBUFS": 10055, "WSAEISCONN": 10056,
    "WSAENOTCONN": 10057, "WSAESHUTDOWN": 10058, "WSAETIMEDOUT": 10060, "WSAECONNREFUSED": 10061,
    "WSAEHOSTUNREACH": 10065,
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_named_as_microsoft_documents_its_number(name: str) -> None:
    assert getattr(errno, name) == ERRORS[name]
    assert name[4:] in repr(sockets.SocketCondition("x", "y", ERRORS[name], ""))


@pytest.mark.parametrize("number", [5, 6, 87, 10013, 10022, 10035, 10048, 10054, 10061, 10093])
def test_a_message_is_what_format_message_says(number: int) -> None:
    text = errno_message(number)
    assert text == text.strip() != ""
    said = ctypes.FormatError(number)
    assert text == (f"error {number}" if said == "<no description>" else said.strip())


@wine_lacks("texts")
def test_a_would_block_value_says_in_words_why(tcp: Any) -> None:
    _, why = accept_socket(tcp.listener())
    assert "non-blocking" in why.message


def test_a_number_without_a_text_says_the_number() -> None:
    assert errno_message(99999) == "error 99999"


# What Windows documents otherwise than POSIX has it: tests/sockets/helpers.py lists it.

WSAEINVAL, WSAEISCONN, WSAESHUTDOWN, WSAETIMEDOUT = 10022, 10056, 10058, 10060


def test_a_direction_that_is_shut_down_says_so(make: Any) -> None:
    client, server = make.pair()
    shutdown_socket(client, ShutdownMethod.WRITE)
    with reports(WSAESHUTDOWN, "send_to_socket"):
        send_to_socket(client, b"x", None)
    assert receive_exactly(server, 1) == (b"", None)
    shutdown_socket(server, ShutdownMethod.READ)
    with reports(WSAESHUTDOWN, "receive_from_socket"):
        receive_from_socket(server, 1)


def test_a_connect_that_is_asked_for_again_says_that_it_is_made(tcp: Any) -> None:
    client, address = tcp.socket(), name_of(tcp.listener())
    assert connect_socket(client, address).type == WSAEWOULDBLOCK
    writable(client)
    assert finish_connect(client) is True
    with reports(WSAEISCONN, "connect_socket", "connect"):
        connect_socket(client, address)


def test_why_a_connect_was_refused_is_told_by_so_error(tcp: Any) -> None:
    nobody, client = tcp.bound(STREAM), tcp.socket()
    assert connect_socket(client, name_of(nobody)).type == WSAEWOULDBLOCK
    writable(client)
    assert get_socket_option(client, SocketOption.ERROR).type == WSAECONNREFUSED


def test_a_timeout_that_runs_out_is_raised_since_the_connection_is_of_no_use_then(
    slow: Any,
) -> None:
    client, _server = slow.pair()
    for option in (SocketOption.RECEIVE_TIMEOUT, SocketOption.SEND_TIMEOUT):
        set_socket_option(client, option, 0.05)
        assert get_socket_option(client, option) == 0.05
    with reports(WSAETIMEDOUT, "receive_from_socket") as caught:
        receive_from_socket(client, 1)
    assert isinstance(caught.value, TimeoutError)
    with reports(WSAETIMEDOUT, "send_to_socket"):
        while True:
            send_to_socket(client, bytes(1 << 20), None)


def test_lingering_has_two_short_numbers(tcp: Any) -> None:
    sock = tcp.socket()
    for seconds in (None, 0, 3, 32767):
        set_socket_option(sock, SocketOption.LINGER, seconds)
        assert get_socket_option(sock, SocketOption.LINGER) == seconds


def test_a_socket_that_is_not_bound_cannot_be_adopted_without_its_kind(tcp: Any) -> None:
    with reports(WSAEINVAL, "adopt_descriptor", "getsockname"):
        sockets.adopt_descriptor(tcp.socket().fd)


def test_a_datagram_that_is_too_long_for_its_room_is_cut(quick: Any) -> None:
    first, second = quick.datagrams()  # Windows says WSAEMSGSIZE of it
    send_to_socket(first, b"too long", None)
    readable(second)
    assert receive_from_socket(second, 3) == (b"too", name_of(first))


# Handles.

def test_a_socket_is_as_wide_as_a_pointer() -> None:
    from sockets._stub import ffi

    assert ffi.sizeof("socket_t") == ctypes.sizeof(ctypes.c_void_p) == 8


@pytest.mark.parametrize("handle", [2**31, 2**32 + 4, 2**63 - 1])
def test_a_handle_is_not_cut_to_an_int(handle: int, tcp: Any) -> None:
    with reports(WSAENOTSOCK, "Socket"):
        Socket(handle, SocketDomain.INTERNET, STREAM, AUTO)
    sock = tcp.socket()
    cut = sock.fd + 2**32  # as an int, it would be the socket
    with reports(WSAENOTSOCK, "adopt_descriptor"):
        sockets.adopt_descriptor(cut)


def test_a_socket_is_not_inherited(tcp: Any) -> None:
    kernel32 = ctypes.WinDLL("kernel32")
    flags = ctypes.c_ulong(99)
    assert kernel32.GetHandleInformation(ctypes.c_void_p(tcp.socket().fd), ctypes.byref(flags))
    assert flags.value & 1 == 0


def test_the_mode_changes_and_is_what_the_record_says(slow: Any) -> None:
    listener = slow.listener()
    set_socket_nonblocking(listener, True)
    assert accept_socket(listener)[1].type == WSAEWOULDBLOCK
    client = slow.socket()
    assert connect_socket(client, name_of(listener)) is True
    set_socket_nonblocking(client, True)
    assert receive_from_socket(client, 1)[1].type == WSAEWOULDBLOCK


# Winsock.

def test_winsock_is_started_by_the_import_alone() -> None:
    script = """
import sys
import sockets
assert "socket" not in sys.modules and "_socket" not in sys.modules
with sockets.create_socket(
    sockets.SocketDomain.INTERNET, sockets.SocketType.STREAM, sockets.SocketProtocol.AUTO
) as sock:
    print(sock.fd > 0)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=40
    )
    assert (run.stdout, run.stderr) == ("True\n", "")


def test_a_start_that_fails_fails_the_import() -> None:
    script = """
import ctypes, sys, types
from sockets import _stub
print(_stub.lib.winsock_start_keep(0))
class Lib:
    def __getattr__(self, name):
        return getattr(_stub.lib, name)
    def winsock_start_keep(self, version):
        return _stub.lib.winsock_start_keep(0)
for name in ("sockets", "sockets._sockets"):
    del sys.modules[name]
sys.modules["sockets._stub"] = types.SimpleNamespace(ffi=_stub.ffi, lib=Lib())
import sockets
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=40
    )
    assert run.stdout == f"{WSAVERNOTSUPPORTED}\n"
    assert run.stderr.splitlines()[-1].startswith("ImportError: sockets: Winsock does not start: ")
