"""The options that not every program needs: what the kernel makes of them, and what they do."""

from __future__ import annotations

import contextlib
import errno
import os
import socket as native
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    LOOPBACK,
    Family,
    Makers,
    has_loopback6,
    name_of,
    needs_ipv6,
    needs_posix,
    readable,
    receive_exactly,
    reports,
)

from sockets import (
    Credentials,
    Internet6Address,
    Internet6Option,
    InternetAddress,
    IpOption,
    MtuDiscovery,
    Socket,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpInformation,
    TcpOption,
    bind_socket,
    connect_socket,
    create_socket,
    get_interfaces,
    get_socket_option,
    make_socket_pair,
    receive_from_socket,
    send_all,
    send_to_socket,
    set_socket_option,
    shutdown_socket,
    wait_for_socket,
)
from sockets import ReceiveFromOption, SendToOption, ShutdownMethod

linux = pytest.mark.skipif(sys.platform != "linux", reason="an option of Linux")
STREAM, DATAGRAM = SocketType.STREAM, SocketType.DATAGRAM
internet = pytest.mark.parametrize("family", ["internet", "internet6"], indirect=True)


@pytest.fixture
def family(request: pytest.FixtureRequest, folder: Path) -> Family:
    if request.param == "internet6" and not has_loopback6():
        pytest.skip("the machine has no IPv6 loopback")
    return Family(request.param, folder)


@contextlib.contextmanager
def privileged() -> Iterator[None]:
    try:
        yield
    except PermissionError as condition:
        pytest.skip(f"it takes a privilege: {condition}")


# Set and read back.

ROWS: list[tuple[str, str, SocketType, str, list[Any]]] = [
    ("SocketOption", "OUT_OF_BAND_INLINE", STREAM, "SO_OOBINLINE", [True, False]),
    ("SocketOption", "RECEIVE_LOW_WATER", STREAM, "SO_RCVLOWAT", [1, 9, 4096]),
    ("SocketOption", "PRIORITY", STREAM, "SO_PRIORITY", [0, 6, 1]),
    ("SocketOption", "BUSY_POLL", DATAGRAM, "46", [50, 0]),
    ("SocketOption", "MARK", STREAM, "SO_MARK", [1, 2**32 - 1, 0]),
    ("TcpOption", "CORK", STREAM, "TCP_CORK", [True, False]),
    ("TcpOption", "QUICK_ACK", STREAM, "TCP_QUICKACK", [False, True]),
    ("TcpOption", "USER_TIMEOUT", STREAM, "TCP_USER_TIMEOUT", [1, 30000, 2**31 - 1, 0]),
    ("TcpOption", "FAST_OPEN_CONNECT", STREAM, "30", [True, False]),
    ("IpOption", "TYPE_OF_SERVICE", DATAGRAM, "IP_TOS", [0, 0xB8, 255]),
    ("IpOption", "MTU_DISCOVER", DATAGRAM, "10",
     [getattr(MtuDiscovery, name, None) for name in ("DONT", "DO", "PROBE", "WANT")]),
    ("IpOption", "TRANSPARENT", STREAM, "19", [True, False]),
    ("IpOption", "MULTICAST_ALL", DATAGRAM, "49", [False, True]),
    ("Internet6Option", "TRAFFIC_CLASS", DATAGRAM, "IPV6_TCLASS", [0, 0xB8, 255]),
    ("Internet6Option", "DONT_FRAGMENT", DATAGRAM, "IPV6_DONTFRAG", [True, False]),
    ("Internet6Option", "MTU_DISCOVER", DATAGRAM, "23",
     [getattr(MtuDiscovery, name, None) for name in ("DONT", "DO", "PROBE", "WANT")]),
    ("Internet6Option", "TRANSPARENT", STREAM, "75", [True, False]),
    ("Internet6Option", "MULTICAST_ALL", DATAGRAM, "29", [False, True]),
]
KINDS = {"SocketOption": SocketOption, "TcpOption": TcpOption, "IpOption": IpOption,
         "Internet6Option": Internet6Option}


@pytest.mark.parametrize(("kind", "name", "type", "number", "values"), ROWS,
                         ids=[f"{row[0]}.{row[1]}" for row in ROWS])
@needs_posix
def test_an_option_is_set_and_read_back_as_python_reads_it(
    kind: str, name: str, type: SocketType, number: str, values: list[Any]
) -> None:
    option = getattr(KINDS[kind], name, None)
    if option is None:
        pytest.skip("the platform has no such option")
    id = int(number) if number.isdigit() else getattr(native, number)
    assert option.id == id
    domain = SocketDomain.INTERNET_V6 if kind == "Internet6Option" else SocketDomain.INTERNET
    if domain is SocketDomain.INTERNET_V6 and not has_loopback6():
        pytest.skip("the machine has no IPv6")
    with create_socket(domain, type, SocketProtocol.AUTO) as sock, privileged(), \
            native.socket(fileno=os.dup(sock.fileno())) as theirs:
        for value in values:
            set_socket_option(sock, option, value)
            found = get_socket_option(sock, option)
            assert found == value
            assert found.__class__ is value.__class__
            plain = value.value if isinstance(value, MtuDiscovery) else int(value)
            assert theirs.getsockopt(option.level, id) % 2**32 == plain


@linux
@pytest.mark.parametrize("value", [-1, 2**32, "1", None, 1.0])
def test_a_mark_is_32_bits(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="set_socket_option: value must be"):
        SocketOption.MARK.maker(value)


@linux
def test_the_way_to_find_the_mtu_is_a_constant() -> None:
    assert IpOption.MTU_DISCOVER.converter(bytes(4)) is MtuDiscovery.DONT
    assert repr(MtuDiscovery(3)) == "MtuDiscovery.PROBE"
    with pytest.raises(TypeError, match="value must be a MtuDiscovery, not 2"):
        IpOption.MTU_DISCOVER.maker(2)  # type: ignore[arg-type]


# What they do.

@internet
def test_urgent_data_comes_among_the_rest_if_that_is_asked_for(quick: Makers) -> None:
    client, server = quick.pair()
    set_socket_option(server, SocketOption.OUT_OF_BAND_INLINE, True)
    send_all(client, b"ab")
    send_to_socket(client, b"!", None, SendToOption.OUT_OF_BAND)
    send_all(client, b"cd")
    assert receive_exactly(server, 5) == b"ab!cd"
    with pytest.raises(SocketCondition):
        receive_from_socket(server, 1, ReceiveFromOption.OUT_OF_BAND)


@linux
@internet
def test_fewer_bytes_than_the_mark_wake_nobody_up(quick: Makers) -> None:
    client, server = quick.pair()
    set_socket_option(server, SocketOption.RECEIVE_LOW_WATER, 5)
    send_all(client, b"1234")
    assert wait_for_socket(server, True, False, 0.05) == (False, False)
    send_all(client, b"5")
    assert wait_for_socket(server, True, False, 20) == (True, False)
    assert receive_exactly(server, 5) == b"12345"


@linux
@internet
def test_a_cork_keeps_what_does_not_fill_a_packet(quick: Makers) -> None:
    client, server = quick.pair()
    set_socket_option(client, TcpOption.CORK, True)
    send_all(client, b"head")
    assert wait_for_socket(server, True, False, 0.05) == (False, False)
    send_all(client, b"body")
    set_socket_option(client, TcpOption.CORK, False)
    readable(server)
    assert receive_from_socket(server, 99)[0] == b"headbody"


@linux
@internet
def test_who_defers_accepting_sees_a_client_only_when_it_has_sent_something(
    quick: Makers,
) -> None:
    listener, client = quick.listener(), quick.socket()
    set_socket_option(listener, TcpOption.DEFER_ACCEPT, 30)
    assert get_socket_option(listener, TcpOption.DEFER_ACCEPT) >= 30
    connect_socket(client, name_of(listener))
    assert wait_for_socket(client, False, True, 20) == (False, True)
    assert wait_for_socket(listener, True, False, 0.05) == (False, False)
    send_all(client, b"x")
    server = quick.accepted(listener)
    assert receive_exactly(server, 1) == b"x"


@linux
@internet
def test_a_client_that_opens_fast_sends_before_it_is_connected(quick: Makers) -> None:
    listener = quick.listener()
    set_socket_option(listener, TcpOption.FAST_OPEN, 8)
    assert get_socket_option(listener, TcpOption.FAST_OPEN) == 8
    if int(Path("/proc/sys/net/ipv4/tcp_fastopen").read_text()) & 3 != 3:
        pytest.skip("the sysctl net.ipv4.tcp_fastopen does not allow it")
    for first in (True, False):  # the first connection fetches what the second shows
        client = quick.socket()
        set_socket_option(client, TcpOption.FAST_OPEN_CONNECT, True)
        if not first:
            assert connect_socket(client, name_of(listener)) is True
            assert wait_for_socket(listener, True, False, 0.05) == (False, False)
        else:
            connect_socket(client, name_of(listener))
            assert wait_for_socket(client, False, True, 20) == (False, True)
        send_all(client, b"hello", timeout=20)
        server = quick.accepted(listener)
        assert receive_exactly(server, 5) == b"hello"


@linux
def test_the_algorithm_is_one_that_the_kernel_has() -> None:
    place = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
    with create_socket(SocketDomain.INTERNET, STREAM, SocketProtocol.AUTO) as sock:
        for name in place.read_text().split():
            with privileged():
                set_socket_option(sock, TcpOption.CONGESTION, name)
                assert get_socket_option(sock, TcpOption.CONGESTION) == name
        with reports(errno.ENOENT, "set_socket_option", "setsockopt"):
            set_socket_option(sock, TcpOption.CONGESTION, "no such")
        for value, kind in ((1, TypeError), ("a\0", ValueError), ("x" * 17, ValueError)):
            with pytest.raises(kind, match="set_socket_option: "):
                set_socket_option(sock, TcpOption.CONGESTION, value)  # type: ignore[arg-type]


@linux
@internet
def test_tcp_tells_what_it_has_found_out(quick: Makers) -> None:
    client, server = quick.pair()
    send_all(client, bytes(5000))
    receive_exactly(server, 5000)
    send_all(server, b"thanks")
    receive_exactly(client, 6)
    told = get_socket_option(client, TcpOption.INFORMATION)
    assert isinstance(told, TcpInformation)
    assert told.state == "ESTABLISHED"
    assert told.round_trip is not None and 0 < told.round_trip < 20
    assert told.retransmission_time is not None and 0.1 < told.retransmission_time < 60
    assert told.segment_size and told.congestion_window and told.path_mtu
    assert told.bytes_sent in (None, 5000) and told.bytes_received in (None, 6)
    assert told.bytes_acknowledged in (None, 5000, 5001)  # which counts the connecting too
    assert (told.lost, told.retransmitted) == (0, 0)
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert receive_from_socket(server, 1)[0] in (b"", None)
    readable(server)
    assert get_socket_option(server, TcpOption.INFORMATION).state == "CLOSE_WAIT"


@linux
@pytest.mark.parametrize("size", [0, 1, 8, 104, 160, 232, 300])
def test_an_older_kernel_tells_less(size: int) -> None:
    told = TcpOption.INFORMATION.converter((b"\1" + bytes(6) + b"\1" * 300)[:size])
    assert told.state == ("ESTABLISHED" if size else "UNKNOWN")
    assert (told.round_trip is None) is (size < 72)
    assert (told.retransmitted is None) is (size < 104)
    assert (told.least_round_trip is None) is (size < 152)
    assert (told.delivery_rate is None) is (size < 168)
    assert (told.bytes_sent is None) is (size < 208)
    if size >= 72:
        assert told.round_trip == 0x01010101 / 10**6
    assert TcpOption.INFORMATION.converter(b"\xff" * size).state == "UNKNOWN"


@linux
def test_a_socket_is_bound_to_an_interface_and_free_again() -> None:
    with create_socket(SocketDomain.INTERNET, DATAGRAM, SocketProtocol.AUTO) as sock, privileged():
        assert get_socket_option(sock, SocketOption.BIND_TO_DEVICE) is None
        set_socket_option(sock, SocketOption.BIND_TO_DEVICE, "lo")
        assert get_socket_option(sock, SocketOption.BIND_TO_DEVICE) == "lo"
        with reports(errno.ENODEV, "set_socket_option", "setsockopt"):
            set_socket_option(sock, SocketOption.BIND_TO_DEVICE, "no such")
        set_socket_option(sock, SocketOption.BIND_TO_DEVICE, None)
        assert get_socket_option(sock, SocketOption.BIND_TO_DEVICE) is None


@linux
@pytest.mark.parametrize("type", [STREAM, SocketType.SEQUENCE_PACKET])
def test_the_peer_of_a_unix_socket_is_known(type: SocketType, folder: Path) -> None:
    one, two = make_socket_pair(SocketDomain.UNIX, type, SocketProtocol.AUTO)
    with one, two:
        for sock in (one, two):
            peer = get_socket_option(sock, SocketOption.PEER_CREDENTIALS)
            assert peer == Credentials(os.getpid(), os.geteuid(), os.getegid())
    maker = Makers(Family("unix", folder), True)
    try:
        client, _ = maker.pair()
        assert get_socket_option(client, SocketOption.PEER_CREDENTIALS) == peer
        alone = maker.socket()
        assert get_socket_option(alone, SocketOption.PEER_CREDENTIALS) is None
    finally:
        maker.close()


@linux
@internet
def test_nobody_is_known_at_the_other_end_of_a_network(quick: Makers) -> None:
    client, _ = quick.pair()
    assert get_socket_option(client, SocketOption.PEER_CREDENTIALS) is None


@linux
@internet
def test_the_mtu_is_known_of_a_connected_socket(quick: Makers) -> None:
    kind: Any = Internet6Option if quick.family.name == "internet6" else IpOption
    with create_socket(quick.family.domain, DATAGRAM, SocketProtocol.AUTO) as alone, \
            reports(errno.ENOTCONN, "get_socket_option", "getsockopt"):
        get_socket_option(alone, kind.MTU)
    sock, _ = quick.datagrams()
    mtu = int(Path("/sys/class/net/lo/mtu").read_text())
    assert get_socket_option(sock, kind.MTU) in (mtu, min(mtu, 65535))
    with pytest.raises(ValueError, match="can only be read"):
        set_socket_option(sock, kind.MTU, 1500)


@linux
@internet
def test_an_address_of_others_can_be_bound_by_a_proxy(quick: Makers) -> None:
    six = quick.family.name == "internet6"
    kind: Any = Internet6Option if six else IpOption
    address = Internet6Address("2001:db8::1", 0) if six else InternetAddress("192.0.2.1", 0)
    sock = quick.socket()
    with reports(errno.EADDRNOTAVAIL, "bind_socket", "bind"):
        bind_socket(sock, address)
    with privileged():
        set_socket_option(sock, kind.TRANSPARENT, True)
        bind_socket(sock, address)
        assert name_of(sock).ip == address.ip


# Groups, by the index of an interface, and for one source.

def heard(receiver: Socket, sender: Socket, address: Any, data: bytes) -> Any:
    """Who sent what the receiver gets of the group, or None; a second datagram ends the wait."""
    own = name_of(receiver)
    assert send_to_socket(sender, data, address) == len(data)
    assert send_to_socket(sender, b"end", own.__class__(
        LOOPBACK.ip if isinstance(own, InternetAddress) else 1, own.port)) == 3
    source, got = None, b""
    while got != b"end":
        readable(receiver)
        got, whose = receive_from_socket(receiver, 99)
        source = whose if got == data else source
    return source


@contextlib.contextmanager
def group_of(six: bool) -> Iterator[tuple[Socket, Socket, Any, int, Any, Any]]:
    """A receiver, a sender, a group, an interface, its class of options, and who the sender is."""
    domain = SocketDomain.INTERNET_V6 if six else SocketDomain.INTERNET
    kind: Any = Internet6Option if six else IpOption
    with create_socket(domain, DATAGRAM, SocketProtocol.AUTO) as receiver, \
            create_socket(domain, DATAGRAM, SocketProtocol.AUTO) as sender:
        own = os.getpid() & 0xFFFF  # Linux lets a socket hear the groups that others have joined
        group: Any = InternetAddress(0xEFFE0000 | own, 0)  # 239.254.x.y
        if six:
            group = Internet6Address(f"ff01::7778:{own:x}", 0)
        bind_socket(receiver, group.__class__(None, 0))
        address = group.__class__(group.ip, name_of(receiver).port)
        if six:
            set_socket_option(sender, Internet6Option.MULTICAST_HOPS, 0)
        else:
            set_socket_option(sender, IpOption.MULTICAST_TTL, 0)
        for index in [each.index for each in get_interfaces()]:
            source = None
            set_socket_option(sender, kind.MULTICAST_INTERFACE, index if six else LOOPBACK)
            with contextlib.suppress(SocketCondition):
                set_socket_option(receiver, kind.JOIN_GROUP, (group, index))
                with contextlib.suppress(SocketCondition):
                    source = heard(receiver, sender, address, b"try")
                set_socket_option(receiver, kind.LEAVE_GROUP, (group, index))
            if source is not None:
                yield receiver, sender, address, index, kind, source
                return
        pytest.skip("the kernel has no interface over which groups can be heard here")


FAMILIES = [False, pytest.param(True, marks=needs_ipv6)]


@needs_posix
@pytest.mark.parametrize("six", FAMILIES)
def test_a_group_is_joined_and_left_by_the_index_of_an_interface(six: bool) -> None:
    with group_of(six) as (receiver, sender, group, index, kind, _):
        set_socket_option(receiver, kind.JOIN_GROUP, (group, index))
        assert heard(receiver, sender, group, b"joined")
        with reports(errno.EADDRINUSE, "set_socket_option"):
            set_socket_option(receiver, kind.JOIN_GROUP, (group, index))
        set_socket_option(receiver, kind.LEAVE_GROUP, (group, index))
        assert not heard(receiver, sender, group, b"left")


@needs_posix
@pytest.mark.skipif(not hasattr(IpOption, "JOIN_SOURCE_GROUP"), reason="there is no RFC 3678 here")
@pytest.mark.parametrize("six", FAMILIES)
def test_of_a_group_that_was_joined_for_one_source_nobody_else_is_heard(six: bool) -> None:
    with group_of(six) as (receiver, sender, group, index, kind, source):
        other = source.__class__("2001:db8::7" if six else "127.0.0.77", 0)
        set_socket_option(receiver, kind.JOIN_SOURCE_GROUP, (group, other, index))
        assert not heard(receiver, sender, group, b"not from you")
        set_socket_option(receiver, kind.JOIN_SOURCE_GROUP, (group, source, index))
        assert heard(receiver, sender, group, b"from you")
        set_socket_option(receiver, kind.LEAVE_SOURCE_GROUP, (group, source, index))
        assert not heard(receiver, sender, group, b"no more")


@linux
@pytest.mark.parametrize("six", FAMILIES)
def test_groups_that_others_have_joined_can_be_left_out(six: bool) -> None:
    with group_of(six) as (receiver, sender, group, index, kind, _), \
            create_socket(group.domain, DATAGRAM, SocketProtocol.AUTO) as other:
        set_socket_option(other, kind.JOIN_GROUP, (group, index))
        assert heard(receiver, sender, group, b"of all")
        set_socket_option(receiver, kind.MULTICAST_ALL, False)
        assert not heard(receiver, sender, group, b"of mine")


def test_the_scope_of_a_group_says_its_interface() -> None:
    if not hasattr(Internet6Option, "JOIN_SOURCE_GROUP"):
        pytest.skip("there is no RFC 3678 here")
    scoped, plain = Internet6Address("ff02::1", None, scope=5), Internet6Address("ff02::1", None)
    source = Internet6Address("fe80::1", None)
    maker = Internet6Option.JOIN_SOURCE_GROUP.maker
    assert maker((scoped, source)) == maker((plain, source, 5)) == maker((scoped, source, 5))
    assert maker((plain, source)) == maker((plain, source, 0))
