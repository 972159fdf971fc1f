"""The ready-made options: units and ranges, what the kernel makes of them, and what they do."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import pickle
import socket as native
import struct
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from helpers import (
    text_of,
    CONNECTING,
    LOOPBACK,
    Makers,
    fill,
    has_loopback6,
    name_of,
    needs_ipv6,
    readable,
    reports,
    windows_differs,
    wine_lacks,
    wine_shows,
    writable,
)

from sockets import (
    HAS_KEEP_ALIVE_TIMES,
    HAS_REUSE_PORT,
    Internet6Address,
    Internet6Option,
    InternetAddress,
    IpOption,
    Socket,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    get_socket_option,
    listen_socket,
    make_socket_pair,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    string_to_internet6_address,
    string_to_internet_address,
)
from sockets._sockets import FOREIGN_VALUES



def make(domain: SocketDomain, type: SocketType = SocketType.STREAM) -> Socket:
    return create_socket(domain, type, SocketProtocol.AUTO)


def python_says(sock: Socket, level: int, id: int, size: int = 0) -> Any:
    """What CPython's getsockopt says of the same open socket."""
    family, kind = native.AddressFamily(sock.domain.value), native.SocketKind(sock.type.value)
    with native.socket(family, kind, fileno=native.dup(sock.fd)) as other:
        return other.getsockopt(level, id, size) if size else other.getsockopt(level, id)


def integer(value: int) -> int:
    return value


def seconds(raw: bytes) -> float:
    whole, millionths = struct.unpack("ll", raw)
    return float(whole + millionths / 10**6)


def linger(raw: bytes) -> int | None:
    on, length = struct.unpack("ii", raw)
    return length if on else None


def ipv4(raw: bytes) -> InternetAddress:
    return InternetAddress(int.from_bytes(raw, "big"), None)


Row = tuple[Any, int, int, list[Any], int, Callable[[Any], Any]]
SOL, TCP, IP, IP6 = native.SOL_SOCKET, native.IPPROTO_TCP, native.IPPROTO_IP, native.IPPROTO_IPV6
FLAGS = [True, False, True]
TIMES = [1.5, 3, 0.5, 4_000_000, None]  # whole ticks of every kernel's clock
ANY, LO = InternetAddress(0, None), InternetAddress(LOOPBACK.ip, None)

# The option; its level and number in Python; values to set; the size and reader for Python's.
ROWS: dict[str, Row] = {
    "SocketOption.REUSE_ADDRESS": (
        SocketOption.REUSE_ADDRESS, SOL, native.SO_REUSEADDR, FLAGS, 0, bool),
    "SocketOption.BROADCAST": (SocketOption.BROADCAST, SOL, native.SO_BROADCAST, FLAGS, 0, bool),
    "SocketOption.KEEP_ALIVE": (SocketOption.KEEP_ALIVE, SOL, native.SO_KEEPALIVE, FLAGS, 0, bool),
    "SocketOption.LINGER": (
        SocketOption.LINGER, SOL, native.SO_LINGER, [0, 1, 32767, None, 5], 8, linger),
    "SocketOption.RECEIVE_BUFFER": (
        SocketOption.RECEIVE_BUFFER, SOL, native.SO_RCVBUF, [0, 4096, 65536], 0, integer),
    "SocketOption.SEND_BUFFER": (
        SocketOption.SEND_BUFFER, SOL, native.SO_SNDBUF, [0, 4096, 65536], 0, integer),
    "SocketOption.RECEIVE_TIMEOUT": (
        SocketOption.RECEIVE_TIMEOUT, SOL, native.SO_RCVTIMEO, TIMES, 16, seconds),
    "SocketOption.SEND_TIMEOUT": (
        SocketOption.SEND_TIMEOUT, SOL, native.SO_SNDTIMEO, TIMES, 16, seconds),
    "TcpOption.NO_DELAY": (TcpOption.NO_DELAY, TCP, native.TCP_NODELAY, FLAGS, 0, bool),
    "IpOption.TTL": (IpOption.TTL, IP, native.IP_TTL, [1, 64, 255], 0, integer),
    "IpOption.MULTICAST_INTERFACE": (
        IpOption.MULTICAST_INTERFACE, IP, native.IP_MULTICAST_IF, [LO, ANY], 4, ipv4),
    "IpOption.MULTICAST_LOOP": (
        IpOption.MULTICAST_LOOP, IP, native.IP_MULTICAST_LOOP, FLAGS, 0, bool),
    "IpOption.MULTICAST_TTL": (
        IpOption.MULTICAST_TTL, IP, native.IP_MULTICAST_TTL, [0, 1, 255], 0, integer),
    "Internet6Option.HOP_LIMIT": (
        Internet6Option.HOP_LIMIT, IP6, native.IPV6_UNICAST_HOPS, [0, 1, 255], 0, integer),
    "Internet6Option.V6_ONLY": (
        Internet6Option.V6_ONLY, IP6, native.IPV6_V6ONLY, FLAGS, 0, bool),
    "Internet6Option.MULTICAST_INTERFACE": (
        Internet6Option.MULTICAST_INTERFACE, IP6, native.IPV6_MULTICAST_IF, [1, 0], 0, integer),
    "Internet6Option.MULTICAST_LOOP": (
        Internet6Option.MULTICAST_LOOP, IP6, native.IPV6_MULTICAST_LOOP, FLAGS, 0, bool),
    "Internet6Option.MULTICAST_HOPS": (
        Internet6Option.MULTICAST_HOPS, IP6, native.IPV6_MULTICAST_HOPS, [0, 1, 255], 0, integer),
}
if HAS_REUSE_PORT:
    ROWS["SocketOption.REUSE_PORT"] = (
        SocketOption.REUSE_PORT, SOL, native.SO_REUSEPORT, FLAGS, 0, bool)
if HAS_KEEP_ALIVE_TIMES:
    ROWS["TcpOption.KEEP_ALIVE_IDLE"] = (
        TcpOption.KEEP_ALIVE_IDLE, TCP, native.TCP_KEEPIDLE, [1, 75, 32767], 0, integer)
    ROWS["TcpOption.KEEP_ALIVE_INTERVAL"] = (
        TcpOption.KEEP_ALIVE_INTERVAL, TCP, native.TCP_KEEPINTVL, [1, 9, 32767], 0, integer)
    ROWS["TcpOption.KEEP_ALIVE_COUNT"] = (
        TcpOption.KEEP_ALIVE_COUNT, TCP, native.TCP_KEEPCNT, [1, 3, 127], 0, integer)
# What asks for ancillary data; the numbers are Linux's, where Python does not know them.
for kind, level, name, in_c, number in (
    (SocketOption, SOL, "TIME_STAMPS", "SO_TIMESTAMPNS", 35),
    (IpOption, IP, "RECEIVE_PACKET_INFO", "IP_PKTINFO", 8),
    (IpOption, IP, "RECEIVE_TTL", "IP_RECVTTL", 12),
    (IpOption, IP, "RECEIVE_TYPE_OF_SERVICE", "IP_RECVTOS", 13),
    (IpOption, IP, "RECEIVE_ERRORS", "IP_RECVERR", 11),
    (Internet6Option, IP6, "RECEIVE_PACKET_INFO", "IPV6_RECVPKTINFO", 49),
    (Internet6Option, IP6, "RECEIVE_HOP_LIMIT", "IPV6_RECVHOPLIMIT", 51),
    (Internet6Option, IP6, "RECEIVE_TRAFFIC_CLASS", "IPV6_RECVTCLASS", 66),
    (Internet6Option, IP6, "RECEIVE_ERRORS", "IPV6_RECVERR", 25),
):
    if hasattr(kind, name):
        ROWS[f"{kind.__name__}.{name}"] = (
            getattr(kind, name), level, getattr(native, in_c, number), FLAGS, 0, bool)
OTHERS = {
    "SocketOption.ERROR": SocketOption.ERROR,
    "SocketOption.TYPE": SocketOption.TYPE,
    "IpOption.ADD_MEMBERSHIP": IpOption.ADD_MEMBERSHIP,
    "IpOption.DROP_MEMBERSHIP": IpOption.DROP_MEMBERSHIP,
    "Internet6Option.JOIN_GROUP": Internet6Option.JOIN_GROUP,
    "Internet6Option.LEAVE_GROUP": Internet6Option.LEAVE_GROUP,
}
ALL: dict[str, SocketOption] = {
    f"{kind.__name__}.{name}": option
    for kind in (SocketOption, TcpOption, IpOption, Internet6Option)
    for name, option in vars(kind).items() if name.isupper()
}


def socket_for(name: str) -> Socket:
    """A socket that has the option."""
    six = name.startswith("Internet6")
    if six and not has_loopback6():
        pytest.skip("the machine has no IPv6")
    kind = SocketType.DATAGRAM if "MULTICAST" in name else SocketType.STREAM
    return make(SocketDomain.INTERNET_V6 if six else SocketDomain.INTERNET, kind)


# Set and read back.

WITH_STRUCTURES = [
    pytest.param(name, marks=windows_differs("structures"))
    if name.endswith(("LINGER", "TIMEOUT")) else name for name in ROWS
]


@pytest.mark.parametrize("name", WITH_STRUCTURES)
def test_an_option_is_set_and_read_as_python_reads_it(name: str) -> None:
    option, level, id, values, size, reader = ROWS[name]
    with socket_for(name) as sock:
        for value in values:
            set_socket_option(sock, option, value)
            ours, theirs = get_socket_option(sock, option), reader(
                python_says(sock, level, id, size)
            )
            if "TIMEOUT" in name:
                assert (ours or 0) == theirs == (value or 0)
                assert (ours is None) is (value is None)
                continue
            assert ours == theirs
            assert type(ours) is type(theirs)
            if "BUFFER" not in name:  # the kernel has its own opinion of sizes
                assert ours == value


@pytest.mark.parametrize("name", WITH_STRUCTURES)
def test_a_new_socket_has_what_python_says_it_has(name: str) -> None:
    option, level, id, _, size, reader = ROWS[name]
    with socket_for(name) as sock:
        ours = get_socket_option(sock, option)
        assert (ours or 0) == (reader(python_says(sock, level, id, size)) or 0)


@pytest.mark.parametrize("name", ["SocketOption.RECEIVE_BUFFER", "SocketOption.SEND_BUFFER"])
def test_a_larger_buffer_is_larger(name: str) -> None:
    option = ROWS[name][0]
    with socket_for(name) as sock:
        set_socket_option(sock, option, 8192)
        small = get_socket_option(sock, option)
        assert small >= 8192
        set_socket_option(sock, option, 65536)
        assert get_socket_option(sock, option) > small


def test_a_multicast_interface_of_none_leaves_the_choice_to_the_system() -> None:
    with make(SocketDomain.INTERNET, SocketType.DATAGRAM) as sock:
        set_socket_option(sock, IpOption.MULTICAST_INTERFACE, LO)
        set_socket_option(sock, IpOption.MULTICAST_INTERFACE, None)
        assert get_socket_option(sock, IpOption.MULTICAST_INTERFACE) == ANY


@needs_ipv6
@pytest.mark.parametrize("option", [Internet6Option.HOP_LIMIT, Internet6Option.MULTICAST_HOPS])
def test_minus_one_hop_is_the_systems_usual_number(option: Internet6Option) -> None:
    with make(SocketDomain.INTERNET_V6, SocketType.DATAGRAM) as sock:
        usual = get_socket_option(sock, option)
        set_socket_option(sock, option, 77)
        set_socket_option(sock, option, -1)
        assert get_socket_option(sock, option) == usual


def test_a_time_too_short_for_the_kernel_is_still_a_limit() -> None:
    with make(SocketDomain.INTERNET) as sock:
        set_socket_option(sock, SocketOption.RECEIVE_TIMEOUT, 1e-9)
        assert 0 < get_socket_option(sock, SocketOption.RECEIVE_TIMEOUT) < 0.1


@pytest.mark.parametrize("kind", [SocketType.STREAM, SocketType.DATAGRAM])
def test_the_type_is_what_the_kernel_says(kind: SocketType) -> None:
    for domain in (SocketDomain.INTERNET, SocketDomain.UNIX):
        with make(domain, kind) as sock:
            answer = get_socket_option(sock, SocketOption.TYPE)
            assert answer == kind
            assert answer.value == python_says(sock, SOL, native.SO_TYPE)


@pytest.mark.parametrize("name", [
    "IpOption.ADD_MEMBERSHIP", "IpOption.DROP_MEMBERSHIP", "Internet6Option.JOIN_GROUP",
    "Internet6Option.LEAVE_GROUP",
])
@pytest.mark.skipif(not hasattr(native, "SO_DOMAIN"), reason="as Linux has it")
def test_membership_cannot_be_read(name: str) -> None:
    with socket_for(name) as sock, reports(errno.ENOPROTOOPT, "get_socket_option", "getsockopt"):
        get_socket_option(sock, OTHERS[name])


def test_an_option_of_another_protocol_is_a_condition() -> None:
    with make(SocketDomain.UNIX) as sock:
        with reports(errno.EOPNOTSUPP, "set_socket_option", "setsockopt"):
            set_socket_option(sock, TcpOption.NO_DELAY, True)
        with reports(errno.EOPNOTSUPP, "get_socket_option", "getsockopt"):
            get_socket_option(sock, IpOption.TTL)


@pytest.mark.parametrize("name", ROWS)
def test_an_option_of_a_closed_socket_is_a_condition(name: str) -> None:
    with socket_for(name) as sock:
        close_socket(sock)
        with reports(errno.EBADF, "get_socket_option", "getsockopt"):
            get_socket_option(sock, ROWS[name][0])
        with reports(errno.EBADF, "set_socket_option", "setsockopt"):
            set_socket_option(sock, ROWS[name][0], ROWS[name][3][0])


# Wrong values.

BOOLEANS = [name for name, row in ROWS.items() if row[3] is FLAGS]
RANGES: dict[str, tuple[int, int, str]] = {
    "SocketOption.LINGER": (0, 32767, " seconds"),
    "SocketOption.RECEIVE_BUFFER": (0, 2**31 - 1, " bytes"),
    "SocketOption.SEND_BUFFER": (0, 2**31 - 1, " bytes"),
    "IpOption.TTL": (1, 255, " hops"),
    "IpOption.MULTICAST_TTL": (0, 255, " hops"),
    "Internet6Option.HOP_LIMIT": (-1, 255, " hops"),
    "Internet6Option.MULTICAST_HOPS": (-1, 255, " hops"),
    "Internet6Option.MULTICAST_INTERFACE": (0, 2**31 - 1, ""),
}
if HAS_KEEP_ALIVE_TIMES:
    RANGES["TcpOption.KEEP_ALIVE_IDLE"] = (1, 32767, " seconds")
    RANGES["TcpOption.KEEP_ALIVE_INTERVAL"] = (1, 32767, " seconds")
    RANGES["TcpOption.KEEP_ALIVE_COUNT"] = (1, 127, " probes")


def refuses(name: str, kind: type[Exception], value: object, text: str) -> None:
    """The option refuses a value, and the socket has what it had before."""
    with socket_for(name) as sock:
        before = get_socket_option(sock, ALL[name]) if name in ROWS else None
        with pytest.raises(kind, match=f"^set_socket_option: .*{text}"):
            set_socket_option(sock, ALL[name], value)
        if name in ROWS:
            assert get_socket_option(sock, ALL[name]) == before


@pytest.mark.parametrize("name", BOOLEANS)
def test_a_truth_value_is_a_bool_and_nothing_else(name: str) -> None:
    for value in (1, 0, None, "yes", 1.0, b"\1\0\0\0"):
        refuses(name, TypeError, value, "value must be a bool")


@pytest.mark.parametrize("name", RANGES)
def test_a_number_out_of_range_is_told_the_range_and_the_unit(name: str) -> None:
    low, high, unit = RANGES[name]
    for value in (low - 1, high + 1, 2**70, -(2**70)):
        refuses(name, ValueError, value, f"from {low} to {high}{unit}.* not {value}$")


@pytest.mark.parametrize("name", RANGES)
def test_a_number_is_an_int_and_nothing_else(name: str) -> None:
    values: list[Any] = [True, 1.0, "1", b"\1\0\0\0", (1, 1)]
    for value in values + ([] if "LINGER" in name else [None]):
        refuses(name, TypeError, value, "value must be an int")


@pytest.mark.parametrize("name", ["SocketOption.RECEIVE_TIMEOUT", "SocketOption.SEND_TIMEOUT"])
def test_a_time_is_a_positive_number_of_seconds_or_none(name: str) -> None:
    for value in (0, -1, 0.0, -0.5, 4 * 10**6 + 1, math.inf, math.nan, 2**70):
        refuses(name, ValueError, value, "more than 0 and at most 4000000 seconds, or None")
    for wrong in (True, "1", b"1", (1, 0), Decimal(1)):
        refuses(name, TypeError, wrong, "value must be a number of seconds, or None")


@pytest.mark.parametrize("name", ["SocketOption.ERROR", "SocketOption.TYPE"])
def test_what_can_only_be_read_is_not_set(name: str) -> None:
    for value in (None, 0, SocketType.STREAM):
        refuses(name, ValueError, value, "can only be read")


def test_an_interface_is_an_address_of_its_family() -> None:
    for value in (0, "127.0.0.1", Internet6Address(1, None), b"\x7f\0\0\1"):
        refuses("IpOption.MULTICAST_INTERFACE", TypeError, value, "must be an InternetAddress")


@pytest.mark.parametrize("name", ["IpOption.ADD_MEMBERSHIP", "IpOption.DROP_MEMBERSHIP"])
def test_an_ipv4_membership_is_a_group_and_an_interface(name: str) -> None:
    group = string_to_internet_address("239.1.2.3")
    for value in (None, "239.1.2.3", [group, None], (group,), (group, None, None)):
        refuses(name, TypeError, value, "value must be the group's address, or a tuple of it")
    other = Internet6Address(1, None)
    for value in (("239.1.2.3", None), (other, None), (group, 1), (group, "lo")):
        refuses(name, TypeError, value, "must be an InternetAddress")
    for text in ("223.255.255.255", "240.0.0.0", "0.0.0.0"):
        wrong = (string_to_internet_address(text), None)
        refuses(name, ValueError, wrong, rf"from 224\.0\.0\.0 to 239\.255\.255\.255, not {text}$")


@pytest.mark.parametrize("name", ["Internet6Option.JOIN_GROUP", "Internet6Option.LEAVE_GROUP"])
def test_an_ipv6_membership_is_a_group_and_an_index(name: str) -> None:
    group = string_to_internet6_address("ff01::7")
    for value in (None, "ff01::7", [group, 1], (group,), (group, 1, 1)):
        refuses(name, TypeError, value, "value must be the group's address, or a tuple of it")
    for value in (("ff01::7", 1), (InternetAddress(1, None), 1), (group, None), (group, "lo")):
        refuses(name, TypeError, value, "must be an")
    for index in (-1, 2**31):
        refuses(name, ValueError, (group, index), "interface must be from 0 to 2147483647")
    refuses(name, ValueError, (string_to_internet6_address("fe80::1"), 1), "begin with ff.*fe80::1")
    scoped = Internet6Address("ff12::7", None, scope=4)
    refuses(name, ValueError, (scoped, 1), "interface is 1, but group has another, 4")


@pytest.mark.parametrize(("value", "index"), [
    (Internet6Address("ff12::7", None, scope=4), 4),
    ((Internet6Address("ff12::7", None, scope=4), 0), 4),
    ((Internet6Address("ff12::7", None, scope=4), 4), 4),
    ((Internet6Address("ff12::7", None), 4), 4),
    (Internet6Address("ff12::7", 80), 0),
], ids=repr)
def test_the_interface_of_an_ipv6_group_is_its_scope_or_said_with_it(
    value: Internet6Address | tuple[Internet6Address, int], index: int
) -> None:
    packed = Internet6Option.JOIN_GROUP.maker(value)
    assert packed[:2] == b"\xff\x12"
    assert packed[16:] == struct.pack("=i", index)


def test_an_ipv4_group_alone_leaves_the_interface_to_the_system() -> None:
    group = InternetAddress("224.0.0.7", None)
    maker = IpOption.ADD_MEMBERSHIP.maker
    assert maker(group) == maker((group, None)) == bytes([224, 0, 0, 7, 0, 0, 0, 0])


# What they do.

@pytest.fixture
def pair() -> Iterator[tuple[Socket, Socket]]:
    first, second = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    with first, second:
        yield first, second


def takes_its_time(procedure: Callable[[], Any], limit: float) -> SocketCondition:
    """Make a call that has to give up after the limit, and not before."""
    start = time.monotonic()
    result = procedure()
    spent = time.monotonic() - start
    assert limit - 0.001 <= spent < limit + 10
    condition = result[1] if isinstance(result, tuple) else result
    assert isinstance(condition, SocketCondition)
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
    return condition


def test_a_receive_timeout_ends_a_receive(pair: tuple[Socket, Socket]) -> None:
    set_socket_nonblocking(pair[0], False)
    set_socket_option(pair[0], SocketOption.RECEIVE_TIMEOUT, 0.2)
    assert takes_its_time(lambda: receive_from_socket(pair[0], 9), 0.2).syscall == "recvfrom"
    send_to_socket(pair[1], b"x", None)
    assert receive_from_socket(pair[0], 9)[0] == b"x"


def test_a_send_timeout_ends_a_send(pair: tuple[Socket, Socket]) -> None:
    fill(pair[0])
    set_socket_nonblocking(pair[0], False)
    set_socket_option(pair[0], SocketOption.SEND_TIMEOUT, 0.2)
    assert takes_its_time(lambda: send_to_socket(pair[0], b"x", None), 0.2).syscall == "sendto"


@windows_differs("timeouts")
def test_a_receive_timeout_ends_an_accept(tcp: Makers) -> None:
    listener = tcp.listener()
    set_socket_nonblocking(listener, False)
    set_socket_option(listener, SocketOption.RECEIVE_TIMEOUT, 0.2)
    assert takes_its_time(lambda: accept_socket(listener), 0.2).syscall == "accept"


@wine_lacks("reset")
def test_lingering_for_no_time_resets_the_connection(tcp: Makers) -> None:
    client, server = tcp.pair()
    set_socket_option(client, SocketOption.LINGER, 0)
    close_socket(client)
    readable(server)
    with reports(errno.ECONNRESET, "receive_from_socket"):
        receive_from_socket(server, 9)


def test_without_lingering_the_connection_ends_well(tcp: Makers) -> None:
    client, server = tcp.pair()
    set_socket_option(client, SocketOption.LINGER, 0)
    set_socket_option(client, SocketOption.LINGER, None)
    close_socket(client)
    readable(server)
    assert receive_from_socket(server, 9)[0] == b""


@wine_lacks("error")
def test_the_pending_error_is_told_once(tcp: Makers) -> None:
    nobody, client = tcp.bound(SocketType.STREAM), tcp.socket()
    assert get_socket_option(client, SocketOption.ERROR) is None
    condition = connect_socket(client, name_of(nobody))
    assert isinstance(condition, SocketCondition)
    assert condition.type == CONNECTING
    writable(client)
    error = get_socket_option(client, SocketOption.ERROR)
    assert isinstance(error, SocketCondition)
    assert isinstance(error, ConnectionRefusedError)
    assert error.type == errno.ECONNREFUSED
    assert error.message == text_of(errno.ECONNREFUSED)
    assert get_socket_option(client, SocketOption.ERROR) is None


@windows_differs("reuse")
def test_a_used_address_can_be_bound_again_with_reuse_address(tcp: Makers) -> None:
    listener, client = tcp.socket(), tcp.socket()
    set_socket_option(listener, SocketOption.REUSE_ADDRESS, True)
    bind_socket(listener, LOOPBACK)
    listen_socket(listener, 1)
    connect_socket(client, name_of(listener))
    server = tcp.accepted(listener)
    address = name_of(listener)
    close_socket(listener)
    close_socket(server)  # this end closes first, and its address stays in use
    readable(client)
    close_socket(client)
    second = tcp.socket(SocketType.STREAM)
    with reports(errno.EADDRINUSE, "bind_socket"):
        bind_socket(second, address)
    set_socket_option(second, SocketOption.REUSE_ADDRESS, True)
    bind_socket(second, address)


@pytest.mark.skipif(not HAS_REUSE_PORT, reason="the platform lacks the option")
def test_two_sockets_share_a_port_with_reuse_port(tcp: Makers) -> None:
    first, second = tcp.socket(SocketType.DATAGRAM), tcp.socket(SocketType.DATAGRAM)
    set_socket_option(first, SocketOption.REUSE_PORT, True)
    bind_socket(first, LOOPBACK)
    with reports(errno.EADDRINUSE, "bind_socket"):
        bind_socket(second, name_of(first))
    set_socket_option(second, SocketOption.REUSE_PORT, True)
    bind_socket(second, name_of(first))


def test_broadcasting_has_to_be_allowed(tcp: Makers) -> None:
    sock = tcp.socket(SocketType.DATAGRAM)
    broadcast = InternetAddress(0x7FFFFFFF, 9)
    with reports(errno.EACCES, "send_to_socket"):
        send_to_socket(sock, b"x", broadcast)
    set_socket_option(sock, SocketOption.BROADCAST, True)
    assert send_to_socket(sock, b"x", broadcast) == 1


# Multicast. The group's scope and the hops see to it that nothing leaves the machine.

def gets(receiver: Socket, sender: Socket, address: Any, data: bytes) -> bool:
    """Whether the receiver gets the sender's datagram; one to itself ends the wait."""
    own = name_of(receiver)
    assert send_to_socket(sender, data, address) == len(data)
    loopback = type(own)(LOOPBACK.ip if isinstance(own, InternetAddress) else 1, own.port)
    assert send_to_socket(sender, b"end", loopback) == 3
    found = False
    while True:
        readable(receiver)
        got, _ = receive_from_socket(receiver, 99)
        if got == b"end":
            return found
        found = found or got == data


@wine_shows("groups")
def test_an_ipv4_group_is_joined_heard_and_left() -> None:
    group = InternetAddress(0xEFFD0000 | os.getpid() & 0xFFFF, None)  # 239.253.x.y, and no other's
    with (
        make(SocketDomain.INTERNET, SocketType.DATAGRAM) as receiver,
        make(SocketDomain.INTERNET, SocketType.DATAGRAM) as sender,
    ):
        bind_socket(receiver, InternetAddress(None, 0))
        own = name_of(receiver)
        assert isinstance(own, InternetAddress)
        address = InternetAddress(group.ip, own.port)
        set_socket_option(sender, IpOption.MULTICAST_INTERFACE, LO)
        set_socket_option(sender, IpOption.MULTICAST_TTL, 0)
        try:
            set_socket_option(receiver, IpOption.ADD_MEMBERSHIP, (group, LO))
            send_to_socket(sender, b"try", address)
        except SocketCondition as condition:
            pytest.skip(f"the kernel refuses multicast on loopback: {condition}")
        assert gets(receiver, sender, address, b"joined")
        with reports(errno.EADDRINUSE, "set_socket_option"):
            set_socket_option(receiver, IpOption.ADD_MEMBERSHIP, (group, LO))
        set_socket_option(receiver, IpOption.DROP_MEMBERSHIP, (group, LO))
        assert not gets(receiver, sender, address, b"left")
        with reports(errno.EADDRNOTAVAIL, "set_socket_option"):
            set_socket_option(receiver, IpOption.DROP_MEMBERSHIP, (group, LO))


def interface_for(sender: Socket, group: Internet6Address) -> int:
    """An interface with a route for multicast: loopback, if it has one."""
    for index, _ in native.if_nameindex():
        with contextlib.suppress(SocketCondition):
            set_socket_option(sender, Internet6Option.MULTICAST_INTERFACE, index)
            send_to_socket(sender, b"try", Internet6Address(group.ip, 9))
            return index
    return pytest.skip("the kernel has no route for IPv6 multicast")


@needs_ipv6
@wine_shows("groups")
def test_an_ipv6_group_is_joined_heard_and_left() -> None:
    group = string_to_internet6_address("ff01::7777")
    with (
        make(SocketDomain.INTERNET_V6, SocketType.DATAGRAM) as receiver,
        make(SocketDomain.INTERNET_V6, SocketType.DATAGRAM) as sender,
    ):
        set_socket_option(sender, Internet6Option.MULTICAST_HOPS, 0)
        index = interface_for(sender, group)
        bind_socket(receiver, Internet6Address(None, 0))
        own = name_of(receiver)
        assert isinstance(own, Internet6Address)
        address = Internet6Address(group.ip, own.port)
        assert not gets(receiver, sender, address, b"outside")
        set_socket_option(receiver, Internet6Option.JOIN_GROUP, (group, index))
        assert gets(receiver, sender, address, b"joined")
        with reports(errno.EADDRINUSE, "set_socket_option"):
            set_socket_option(receiver, Internet6Option.JOIN_GROUP, (group, index))
        if native.if_indextoname(index) != "lo":  # which returns all that it is given
            set_socket_option(sender, Internet6Option.MULTICAST_LOOP, False)
            assert not gets(receiver, sender, address, b"no loop")
            set_socket_option(sender, Internet6Option.MULTICAST_LOOP, True)
        scoped = Internet6Address(group.ip, None, scope=index)
        set_socket_option(receiver, Internet6Option.LEAVE_GROUP, scoped)
        assert not gets(receiver, sender, address, b"left")
        with reports(errno.EADDRNOTAVAIL, "set_socket_option"):
            set_socket_option(receiver, Internet6Option.LEAVE_GROUP, (group, index))


# The options as values.

@pytest.mark.parametrize("name", ALL)
def test_an_option_is_printed_by_its_name(name: str) -> None:
    assert repr(ALL[name]) == name


@pytest.mark.parametrize("name", ALL)
def test_an_option_is_pickled_as_a_value(name: str) -> None:
    again = pickle.loads(pickle.dumps(ALL[name]))
    assert again == ALL[name]
    assert hash(again) == hash(ALL[name])
    assert repr(again) == name
    assert again.level == ALL[name].level


def test_no_two_options_are_equal() -> None:
    assert len(set(ALL.values())) == len(ALL) > len(ROWS)


def test_what_is_lacking_is_absent_and_a_predicate_tells() -> None:
    assert HAS_REUSE_PORT is hasattr(SocketOption, "REUSE_PORT")
    assert HAS_REUSE_PORT is hasattr(native, "SO_REUSEPORT")
    for name in ("IDLE", "INTERVAL", "COUNT"):
        assert HAS_KEEP_ALIVE_TIMES is hasattr(TcpOption, f"KEEP_ALIVE_{name}")
    if HAS_KEEP_ALIVE_TIMES:
        assert hasattr(native, "TCP_KEEPINTVL")


NAMES = {
    "$so/reuse-address": "SO_REUSEADDR", "$so/reuse-port": "SO_REUSEPORT",
    "$so/broadcast": "SO_BROADCAST", "$so/keep-alive": "SO_KEEPALIVE", "$so/linger": "SO_LINGER",
    "$so/receive-buffer": "SO_RCVBUF", "$so/send-buffer": "SO_SNDBUF",
    "$so/receive-timeout": "SO_RCVTIMEO", "$so/send-timeout": "SO_SNDTIMEO",
    "$so/error": "SO_ERROR", "$so/type": "SO_TYPE", "$so/domain": "SO_DOMAIN",
    "$so/protocol": "SO_PROTOCOL", "$tcp/no-delay": "TCP_NODELAY",
    "$tcp/keep-idle": "TCP_KEEPIDLE", "$tcp/keep-interval": "TCP_KEEPINTVL",
    "$tcp/keep-count": "TCP_KEEPCNT", "$ip/ttl": "IP_TTL",
    "$ip/add-membership": "IP_ADD_MEMBERSHIP", "$ip/drop-membership": "IP_DROP_MEMBERSHIP",
    "$ip/multicast-interface": "IP_MULTICAST_IF", "$ip/multicast-loop": "IP_MULTICAST_LOOP",
    "$ip/multicast-ttl": "IP_MULTICAST_TTL", "$ipproto-ipv6": "IPPROTO_IPV6",
    "$ipv6/hop-limit": "IPV6_UNICAST_HOPS", "$ipv6/v6-only": "IPV6_V6ONLY",
    "$ipv6/join-group": "IPV6_JOIN_GROUP", "$ipv6/leave-group": "IPV6_LEAVE_GROUP",
    "$ipv6/multicast-interface": "IPV6_MULTICAST_IF",
    "$ipv6/multicast-loop": "IPV6_MULTICAST_LOOP", "$ipv6/multicast-hops": "IPV6_MULTICAST_HOPS",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_that_of_python(name: str) -> None:
    if not hasattr(native, NAMES[name]):
        pytest.skip(f"Python does not know {NAMES[name]}")
    assert FOREIGN_VALUES[name] == getattr(native, NAMES[name])


@windows_differs("structures")
def test_the_sizes_of_structures_are_those_of_struct() -> None:
    assert FOREIGN_VALUES["size-of/timeval"] == struct.calcsize("ll")
    assert FOREIGN_VALUES["size-of/linger"] == struct.calcsize("ii")
