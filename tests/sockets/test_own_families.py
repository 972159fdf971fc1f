"""Whole families of Linux, added by a program: netlink, packets, virtual machines.

What stands above each family's tests is made with the public names alone, as any program would
make it. So these show whether the hierarchy is as open as it is said to be.
"""

from __future__ import annotations

import errno
import struct
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from helpers import DEADLINE

import sockets
from sockets import (
    Internet6Address,
    InternetAddress,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    accept_socket,
    adopt_descriptor,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    define_socket_option_type,
    detach_socket,
    flag_option,
    get_interface_by_name,
    get_interfaces,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    listen_socket,
    make_foreign_address,
    or_raise,
    receive_exactly,
    receive_from_socket,
    register_socket_domain,
    send_all,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    within,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="families of Linux")
RAW, DATAGRAM, STREAM = SocketType.RAW, SocketType.DATAGRAM, SocketType.STREAM
both_modes = pytest.mark.parametrize("nonblocking", [True, False])


def open_socket(
    domain: SocketDomain, type: SocketType, protocol: int = 0, nonblocking: bool = True
) -> Socket:
    try:
        sock = create_socket(domain, type, SocketProtocol(protocol))
    except SocketCondition as condition:
        return pytest.skip(f"not to be had here: {condition}")
    set_socket_nonblocking(sock, nonblocking)
    if not nonblocking:
        set_socket_option(sock, SocketOption.RECEIVE_TIMEOUT, DEADLINE)
    return sock


def receive(sock: Socket, count: int) -> tuple[bytes, Any]:
    limit = DEADLINE if sock.nonblocking else None
    return or_raise(within(limit, receive_from_socket, sock, count))


# Netlink, netlink(7): datagrams to and from the kernel.

class NetlinkAddress(SocketAddress):
    """NetlinkAddress(port, groups=0): a process's end of netlink, or the kernel's, 0."""

    __slots__ = __match_args__ = ("port", "groups")

    port: int
    groups: int

    def __init__(self, port: int, groups: int = 0) -> None:
        super().__init__(port, groups)

    def converter(self) -> bytes:
        return make_foreign_address(16, struct.pack("=HII", 0, self.port, self.groups))


def to_netlink_address(packed: bytes) -> NetlinkAddress:
    _, port, groups = struct.unpack("=HII", packed[2:12])
    return NetlinkAddress(port, groups)


class NetlinkDomain(SocketDomain):
    """A class of domains of one's own, for the name of the constant."""

    __slots__ = ()

    NETLINK: ClassVar[NetlinkDomain]


NETLINK = NetlinkDomain.NETLINK = NetlinkDomain(16, to_netlink_address, 12)
NetlinkAddress.domain = NETLINK
KERNEL = NetlinkAddress(0)
NetlinkOption = define_socket_option_type("NetlinkOption", 270)
EXTENDED_ERRORS = flag_option(NetlinkOption, 11)
ROUTE, GET_LINK, NEW_LINK, DONE, ERROR, REQUEST, DUMP = 0, 18, 16, 3, 2, 1, 0x300
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= HEADER.size:
        length, type, *_ = HEADER.unpack_from(data)
        yield type, data[HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, type = struct.unpack_from("=HH", data)
        yield type, data[4:length]
        data = data[(length + 3) & ~3 :]


def links(sock: Socket) -> list[tuple[str, int]]:
    """Ask the kernel for its interfaces: their names, and their indices."""
    body = bytes(16)  # struct ifinfomsg
    request = HEADER.pack(HEADER.size + len(body), GET_LINK, REQUEST | DUMP, 1, 0) + body
    assert send_to_socket(sock, request, KERNEL) == len(request)
    found = []
    while True:
        data, source = receive(sock, 65536)
        assert source == KERNEL
        for type, content in messages(data):
            if type == DONE:
                return found
            assert type == NEW_LINK
            index = struct.unpack_from("=BxHi", content)[2]
            names = [value for kind, value in attributes(content[16:]) if kind == 3]
            found.append((names[0].rstrip(b"\0").decode(), index))


@both_modes
def test_the_kernel_tells_its_interfaces_by_netlink(nonblocking: bool) -> None:
    with open_socket(NETLINK, RAW, ROUTE, nonblocking) as sock:
        bind_socket(sock, NetlinkAddress(0))
        own = get_socket_name(sock)
        assert isinstance(own, NetlinkAddress) and own.port != 0
        assert links(sock) == [(each.name, each.index) for each in get_interfaces()]


def test_netlink_has_options_of_its_own_and_answers_mistakes() -> None:
    with open_socket(NETLINK, RAW, ROUTE) as sock:
        assert get_socket_option(sock, EXTENDED_ERRORS) is False
        set_socket_option(sock, EXTENDED_ERRORS, True)
        assert get_socket_option(sock, EXTENDED_ERRORS) is True
        connect_socket(sock, KERNEL)
        assert get_peer_name(sock) == KERNEL
        request = HEADER.pack(HEADER.size + 16, 0x7FF, REQUEST, 7, 0) + bytes(16)
        send_to_socket(sock, request, None)
        data, _ = receive(sock, 65536)
        [(type, content)] = messages(data)
        assert type == ERROR
        assert -struct.unpack_from("=i", content)[0] == errno.EOPNOTSUPP


def test_records_of_an_own_family_are_as_those_of_the_library() -> None:
    address = NetlinkAddress(7, 1)
    assert repr(address) == "NetlinkAddress(7, 1)"
    assert {address: 1}[to_netlink_address(address.converter())] == 1
    assert sorted([NetlinkAddress(9), address])[0] is address
    assert repr(NETLINK) == "NetlinkDomain.NETLINK"
    with open_socket(NETLINK, RAW, ROUTE) as sock:
        assert "NetlinkDomain.NETLINK" in repr(sock)
        for stranger in (InternetAddress(1, 1), Internet6Address(1, 1)):
            with pytest.raises(ValueError, match=r"must be of the socket's domain, NetlinkDomain"):
                bind_socket(sock, stranger)


def test_a_descriptor_is_of_an_own_family_once_that_is_registered() -> None:
    fd = detach_socket(open_socket(NETLINK, RAW, ROUTE))
    with pytest.raises(ValueError, match="no domain is registered for family 16"):
        adopt_descriptor(fd)
    register_socket_domain(NETLINK)
    try:
        with adopt_descriptor(fd) as sock:
            assert (sock.domain, sock.type) == (NETLINK, RAW)
            assert links(sock)
    finally:
        del sockets._sockets.socket_domain_db[16]


# Packets, packet(7): what interfaces send and receive, below IP.

class PacketAddress(SocketAddress):
    """PacketAddress(protocol, interface, hardware=b"", kind=0): a place on a network."""

    __slots__ = __match_args__ = ("protocol", "interface", "hardware", "kind")

    protocol: int
    interface: int
    hardware: bytes
    kind: int

    def __init__(
        self, protocol: int, interface: int, hardware: bytes = b"", kind: int = 0
    ) -> None:
        super().__init__(protocol, interface, hardware, kind)

    def converter(self) -> bytes:
        return make_foreign_address(17, struct.pack(
            "=2siHBB8s", self.protocol.to_bytes(2, "big"), self.interface, 0, self.kind,
            len(self.hardware), self.hardware,
        ))


def to_packet_address(packed: bytes) -> PacketAddress:
    protocol, interface, _, kind, length = struct.unpack("=2siHBB", packed[2:12])
    return PacketAddress(
        int.from_bytes(protocol, "big"), interface, packed[12 : 12 + length], kind)


PACKET = SocketDomain(17, to_packet_address, 20)
PacketAddress.domain = PACKET
EXPERIMENTAL, IPV4 = 0x88B5, 0x0800  # protocols of Ethernet; the first is for experiments


def in_network_order(protocol: int) -> int:
    return int.from_bytes(protocol.to_bytes(2, "big"), sys.byteorder)


@both_modes
def test_a_packet_goes_over_an_interface_without_ip(nonblocking: bool) -> None:
    lo = get_interface_by_name("lo")
    assert lo is not None
    protocol = in_network_order(EXPERIMENTAL)
    with open_socket(PACKET, DATAGRAM, protocol, nonblocking) as receiver, \
            open_socket(PACKET, DATAGRAM, protocol, nonblocking) as sender:
        bind_socket(receiver, PacketAddress(EXPERIMENTAL, lo.index))
        own = get_socket_name(receiver)
        assert isinstance(own, PacketAddress)
        assert (own.protocol, own.interface, len(own.hardware)) == (EXPERIMENTAL, lo.index, 6)
        place = PacketAddress(EXPERIMENTAL, lo.index, bytes(6))
        for number in range(3):
            assert send_to_socket(sender, b"below IP %d" % number, place) == 10
            data, source = receive(receiver, 99)
            assert data == b"below IP %d" % number
            assert (source.protocol, source.interface) == (EXPERIMENTAL, lo.index)


def test_who_may_can_see_what_others_send() -> None:
    lo = get_interface_by_name("lo")
    assert lo is not None
    text = b"seen on the way"
    with open_socket(PACKET, DATAGRAM, in_network_order(IPV4)) as watcher, \
            create_socket(SocketDomain.INTERNET, DATAGRAM, SocketProtocol.AUTO) as sock:
        bind_socket(watcher, PacketAddress(IPV4, lo.index))
        bind_socket(sock, InternetAddress("127.0.0.1", 0))
        send_to_socket(sock, text, get_socket_name(sock))
        while text not in receive(watcher, 65536)[0]:
            pass


# Virtual machines, vsock(7): a machine and its host.

class VirtualAddress(SocketAddress):
    """VirtualAddress(machine, port): a place on a virtual machine, or on its host."""

    __slots__ = __match_args__ = ("machine", "port")

    machine: int
    port: int

    def __init__(self, machine: int, port: int) -> None:
        super().__init__(machine, port)

    def converter(self) -> bytes:
        return make_foreign_address(40, struct.pack("=HIIB3x", 0, self.port, self.machine, 0))


def to_virtual_address(packed: bytes) -> VirtualAddress:
    _, port, machine = struct.unpack("=HII", packed[2:12])
    return VirtualAddress(machine, port)


VIRTUAL = SocketDomain(40, to_virtual_address, 16)
VirtualAddress.domain = VIRTUAL
ANY, ITSELF = 2**32 - 1, 1


def test_a_virtual_machine_has_ports() -> None:
    with open_socket(VIRTUAL, STREAM) as sock:
        bind_socket(sock, VirtualAddress(ANY, ANY))
        own = get_socket_name(sock)
        assert isinstance(own, VirtualAddress)
        assert own.machine == ANY and 0 < own.port < ANY
        with open_socket(VIRTUAL, STREAM) as other, pytest.raises(SocketCondition) as caught:
            bind_socket(other, own)
        assert caught.value.type == errno.EADDRINUSE
        assert caught.value.address == own


@both_modes
def test_a_virtual_machine_talks_to_itself(nonblocking: bool) -> None:
    with open_socket(VIRTUAL, STREAM) as listener, open_socket(VIRTUAL, STREAM) as client:
        try:
            bind_socket(listener, VirtualAddress(ITSELF, ANY))
        except SocketCondition as condition:
            pytest.skip(f"the kernel has no vsock_loopback: {condition}")
        listen_socket(listener, 4)
        place = get_socket_name(listener)
        assert isinstance(place, VirtualAddress)
        assert within(DEADLINE, connect_socket, client, place) is True
        assert get_peer_name(client) == place
        server, source = or_raise(within(DEADLINE, accept_socket, listener))
        assert isinstance(source, VirtualAddress) and source == get_socket_name(client)
        set_socket_nonblocking(server, nonblocking)
        with server:
            send_all(client, b"from itself")
            assert receive_exactly(server, 11) == (b"from itself", None)
            close_socket(client)
            assert receive(server, 9)[0] == b""
