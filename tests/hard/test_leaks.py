"""Memory and descriptors stay flat over very many calls, of every kind and every failure.

What is measured, after a warm-up: the resident set, what the C library's allocator has given out,
and the number of descriptors; then, over fewer calls since it slows them down, Python's own count.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import socket as native
import struct
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sockets
from sockets import (
    AddressInfo, AddressInfoOption, AncillaryData, AncillaryItem, Credentials, Datagrams,
    Descriptors, HopLimit, Interface, Internet6Address, Internet6ErrorReport, Internet6Option,
    Internet6PacketInfo, InternetAddress, InternetErrorReport, InternetPacketInfo, IpOption,
    MessageHeader, MtuDiscovery, NameInfoOption, ProtocolEntry, RawOption, ReceiveFromOption,
    ReceivedDescriptors, SegmentSize, SendToOption, ServiceEntry, ShutdownMethod, Socket,
    SocketAddress, SocketCondition, SocketConstant, SocketDomain, SocketOption, SocketProtocol,
    SocketType, TcpInformation, TcpOption, TimeStamp, TimeToLive, TrafficClass, TypeOfService,
    UdpOption, UnixAddress, accept_socket, adopt_descriptor, adopt_from_supervisor, bind_socket,
    close_descriptors, close_protocol_database, close_socket, connect_first, connect_socket,
    create_listener, create_socket, define_socket_option_type, detach_socket, duplicate_socket,
    finish_connect, flag_option, foreign_to_internet6_address, foreign_to_internet_address,
    foreign_to_unix_address, from_python_socket, get_address_info, get_host_name,
    get_interface_by_index, get_interface_by_name, get_interfaces, get_name_info, get_peer_name,
    get_protocol_by_constant, get_protocol_by_name, get_service_by_name, get_service_by_port,
    get_socket_name, get_socket_option, internet6_address_to_internet_address,
    internet6_address_to_string, internet_address_to_internet6_address,
    internet_address_to_string, listen_socket, lookup_ancillary_item, make_foreign_address,
    make_socket_pair, next_protocol_entry, number_option, open_protocol_database, or_raise,
    receive_datagrams, receive_exactly, receive_from_socket, receive_into_socket,
    receive_message, receive_message_into, register_ancillary_item, register_socket_domain,
    send_all, send_datagrams, send_file, send_message, send_to_socket, set_socket_nonblocking,
    set_socket_option, shutdown_socket, skip_datagrams, socket_error, socket_raise_unless,
    string_to_internet6_address, string_to_internet_address, string_to_ipv4, string_to_ipv6,
    take_descriptor, take_socket, to_python_socket, wait_for_socket, wait_for_urgent, within,
)

POLLS, MANY = 1_000_000, 20_000
THIS = os.open(__file__, os.O_RDONLY)
PAGE = os.sysconf("SC_PAGE_SIZE")
STREAM, DATAGRAM, AUTO = SocketType.STREAM, SocketType.DATAGRAM, SocketProtocol.AUTO
LOOPBACK = InternetAddress(0x7F000001, 0)
INTEGER = (4, lambda value: struct.pack("i", value), lambda raw: struct.unpack("i", raw)[0])
KEEP_ALIVE = SocketOption(native.SO_KEEPALIVE, *INTEGER)
UNKNOWN = SocketOption(12345, *INTEGER)


class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost",
    )]


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Mallinfo


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def in_use() -> int:
    now = mallinfo()
    return int(now.uordblks + now.hblkhd)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def repeat(act: Callable[[], object], times: int) -> None:
    for _ in range(times):
        act()


def stays_flat(act: Callable[[], object], times: int) -> None:
    """Make the call so many times, and again under tracemalloc.

    The bounds are below a byte a call, but for what single pages and arenas come to.
    """
    repeat(act, times // 20 + 200)
    gc.collect()
    at_first = resident(), in_use(), descriptors()
    repeat(act, times)
    gc.collect()
    grown = [now - then for now, then in zip(
        (resident(), in_use(), descriptors()), at_first, strict=True
    )]
    assert grown[0] < 300_000, f"{grown[0]} bytes more are resident after {times} calls"
    assert grown[1] < 20_000, f"{grown[1]} bytes more are allocated after {times} calls"
    assert grown[2] == 0, f"{grown[2]} descriptors more are open"

    tracemalloc.start()
    try:
        repeat(act, 100)
        gc.collect()
        traced, _ = tracemalloc.get_traced_memory()
        repeat(act, 1000)
        gc.collect()
        more = tracemalloc.get_traced_memory()[0] - traced
    finally:
        tracemalloc.stop()
    assert more < 4000, f"Python holds {more} bytes more after 1000 calls"


def stream() -> Socket:
    return create_socket(SocketDomain.INTERNET, STREAM, AUTO)


def close_open(sock: Socket | None) -> None:
    if sock is not None and sock.fd >= 0:
        close_socket(sock)


class Parts:
    """Sockets in the states that the calls below need."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path) -> None:
        def keep(sock: Socket) -> Socket:
            stack.callback(close_open, sock)
            return sock

        self.listener = keep(stream())
        bind_socket(self.listener, LOOPBACK)
        listen_socket(self.listener, 128)
        self.name = get_socket_name(self.listener)
        self.bound = keep(create_socket(SocketDomain.INTERNET, DATAGRAM, AUTO))
        bind_socket(self.bound, LOOPBACK)
        self.fresh = keep(stream())
        ours, theirs = native.socketpair()
        self.peer = stack.enter_context(theirs)
        self.pair = keep(Socket(ours.detach(), SocketDomain.UNIX, STREAM, AUTO))
        set_socket_nonblocking(self.pair, True)
        self.netlink = stack.enter_context(native.socket(native.AF_NETLINK, native.SOCK_RAW))
        self.file = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, self.file)
        self.closed_native = native.socket()
        self.closed_native.close()
        self.closed = stream()
        close_socket(self.closed)
        self.closed_datagrams = create_socket(SocketDomain.INTERNET, DATAGRAM, AUTO)
        close_socket(self.closed_datagrams)
        ours, theirs = native.socketpair()
        theirs.close()
        self.broken = keep(Socket(ours.detach(), SocketDomain.UNIX, STREAM, AUTO))
        self.unix_server = keep(create_socket(SocketDomain.UNIX, STREAM, AUTO))
        self.unix_address = UnixAddress(folder / "s")
        bind_socket(self.unix_server, self.unix_address)
        listen_socket(self.unix_server, 128)
        self.unbound = UnixAddress(folder / "nobody")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    with contextlib.ExitStack() as stack:
        yield Parts(stack, tmp_path_factory.mktemp("s"))


# What works.

def test_a_million_would_block_receives(parts: Parts) -> None:
    stays_flat(lambda: receive_from_socket(parts.bound, 100), POLLS)


def test_a_million_would_block_accepts(parts: Parts) -> None:
    stays_flat(lambda: accept_socket(parts.listener), POLLS)


def test_polls_with_a_large_buffer(parts: Parts) -> None:
    stays_flat(lambda: receive_from_socket(parts.bound, 100_000), MANY)


def test_resolutions() -> None:
    def resolve() -> None:
        assert get_address_info("127.0.0.1", 80, None, None, None,
                                AddressInfoOption.NUMERIC_HOST)[0]

    stays_flat(resolve, MANY)


def test_look_ups_of_protocols() -> None:
    def look_up() -> None:
        get_protocol_by_name("tcp")
        get_service_by_name("http")
        get_service_by_port(80, "tcp")
        get_name_info(InternetAddress(0x7F000001, 80))
        get_interfaces()
        get_interface_by_index(1)
        get_interface_by_name("lo")
        get_host_name()
        get_protocol_by_constant(SocketProtocol(17))
        open_protocol_database(False)
        next_protocol_entry()
        close_protocol_database()

    stays_flat(look_up, MANY // 4)


def test_creating_and_closing() -> None:
    stays_flat(lambda: close_socket(stream()), MANY)


def test_leaving_a_with() -> None:
    def use() -> None:
        with stream():
            pass

    stays_flat(use, MANY)


def test_accepted_sockets(parts: Parts) -> None:
    """Over UNIX sockets, which leave no ports behind that wait for their time."""
    def connect() -> None:
        with create_socket(SocketDomain.UNIX, STREAM, AUTO) as client:
            assert connect_socket(client, parts.unix_address) is True
            accepted, _ = accept_socket(parts.unix_server)
            assert accepted is not None
            close_socket(accepted)

    stays_flat(connect, MANY)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_records_dropped_open(parts: Parts) -> None:
    stays_flat(stream, MANY)

    def drop() -> None:
        client = create_socket(SocketDomain.UNIX, STREAM, AUTO)
        connect_socket(client, parts.unix_address)
        accept_socket(parts.unix_server)

    stays_flat(drop, MANY)


def test_sending_and_receiving(parts: Parts) -> None:
    data = bytearray(1000)

    def exchange() -> None:
        assert send_to_socket(parts.pair, data, None) == 1000
        parts.peer.send(parts.peer.recv(1000))
        assert receive_from_socket(parts.pair, 1000)[0] == data

    stays_flat(exchange, MANY)


def test_many_datagrams_at_a_time(parts: Parts) -> None:
    """A few, which use the batches that are kept, and more, which do not."""
    place, buffer = get_socket_name(parts.bound), bytearray(9)
    runs = [Datagrams(bytes(640), 64, place), Datagrams(b"x", 1, place)]

    def exchange() -> None:
        for count in (64, 100):
            assert send_datagrams(parts.bound, runs) == 11
            got = receive_datagrams(parts.bound, count, 64)
            assert isinstance(got, list) and sum(map(len, got)) == 11
        assert send_datagrams(parts.bound, skip_datagrams(runs, 10)) == 1
        assert receive_into_socket(parts.bound, buffer)[0] == 1

    stays_flat(exchange, MANY)


def test_a_million_would_block_receives_of_many(parts: Parts) -> None:
    stays_flat(lambda: receive_datagrams(parts.bound, 64, 64), POLLS)


def test_messages_with_descriptors(parts: Parts) -> None:
    """Those that are taken, closed, cut off by the kernel, and left in what is dropped."""
    peer = parts.peer.fileno()

    def exchange() -> None:
        native.send_fds(parts.peer, [b"x"], [peer, peer, 0])
        data, header = receive_message(parts.pair, 9)
        assert data == b"x"
        with header.items[0] as item:
            os.close(take_descriptor(item))
            close_socket(take_socket(item))
        for room in (0, 20, 24):
            native.send_fds(parts.peer, [b"x"], [0, 0, 0])
            for item in receive_message_into(parts.pair, [bytearray(9)], room=room)[1].items:
                close_descriptors(item)
        assert send_message(parts.pair, [b"a", b"b"], None, [Descriptors([0])]) == 2
        os.close(native.recv_fds(parts.peer, 9, 1)[1][0])

    stays_flat(exchange, MANY)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_descriptors_that_nobody_takes(parts: Parts) -> None:
    def drop() -> None:
        native.send_fds(parts.peer, [b"x"], [0, 0])
        receive_message(parts.pair, 9)

    stays_flat(drop, MANY)


def test_messages_with_packet_information(parts: Parts) -> None:
    place, buffer = get_socket_name(parts.bound), bytearray(9)
    for option in (IpOption.RECEIVE_PACKET_INFO, IpOption.RECEIVE_TTL, SocketOption.TIME_STAMPS):
        set_socket_option(parts.bound, option, True)

    def exchange() -> None:
        assert send_message(parts.bound, [b"a", b"b"], place, [TimeToLive(9)]) == 2
        assert len(receive_message(parts.bound, 9)[1].items) == 3
        assert send_message(parts.bound, [b"a"], place) == 1
        assert len(receive_message_into(parts.bound, [buffer])[1].items) == 3
        assert receive_message(parts.bound, 9)[0] is None
        assert receive_message(parts.bound, 100_000)[0] is None

    stays_flat(exchange, MANY)
    for option in (IpOption.RECEIVE_PACKET_INFO, IpOption.RECEIVE_TTL, SocketOption.TIME_STAMPS):
        set_socket_option(parts.bound, option, False)


def test_options_and_names(parts: Parts) -> None:
    def ask() -> None:
        set_socket_option(parts.fresh, KEEP_ALIVE, 1)
        assert get_socket_option(parts.fresh, KEEP_ALIVE) == 1
        str(get_socket_name(parts.listener))
        get_peer_name(parts.pair)
        set_socket_nonblocking(parts.fresh, True)

    stays_flat(ask, MANY)


def test_pairs_duplicates_and_changes_of_owner() -> None:
    def move() -> None:
        first, second = make_socket_pair(SocketDomain.UNIX, STREAM, AUTO)
        third = duplicate_socket(first)
        close_socket(first)
        fourth = from_python_socket(to_python_socket(third))
        close_socket(adopt_descriptor(detach_socket(fourth)))
        close_socket(second)

    stays_flat(move, MANY // 2)


def test_waiting(parts: Parts) -> None:
    def wait() -> None:
        assert wait_for_socket(parts.pair, True, False, 0) == (False, False)
        nothing, condition = within(0, receive_from_socket, parts.pair, 10)
        assert nothing is None and condition.type == errno.ETIMEDOUT
        assert receive_exactly(parts.pair, 10, timeout=0)[0] == b""

    stays_flat(wait, MANY)


def test_a_loss_would_be_seen() -> None:
    kept: list[object] = []
    with pytest.raises(AssertionError, match=r"resident|allocated"):
        stays_flat(lambda: kept.append(bytearray(20)), MANY)
    kept.clear()
    with pytest.raises(AssertionError, match="descriptors"):
        stays_flat(lambda: kept.append(os.dup(0)), 100)
    for fd in kept:
        os.close(fd)  # type: ignore[arg-type]


# What fails: every public name, with its kinds of error.

TYPE, VALUE = (TypeError,), (ValueError,)
CONDITION = (SocketCondition,)
Failure = tuple[tuple[type[BaseException], ...], Callable[[Parts], object]]


def raising(*_: object) -> Any:
    raise LookupError("from a procedure of the user's")


NOBODY = AddressInfo(SocketDomain.INTERNET, STREAM, AUTO, InternetAddress("127.0.0.1", 1))
ELSEWHERE = InternetAddress("192.0.2.1", 0)
FAILURES: dict[str, list[Failure]] = {
    "AddressInfo": [(TYPE, lambda p: AddressInfo(1, STREAM, AUTO, None))],
    "AddressInfoOption": [(TYPE, lambda p: AddressInfoOption("1")),
                          (VALUE, lambda p: AddressInfoOption(2**40))],
    "InternetAddress": [(TYPE, lambda p: InternetAddress(b"1", 1)),
                        (VALUE, lambda p: InternetAddress("1", 1)),
                        (VALUE, lambda p: InternetAddress(0, 65536))],
    "AncillaryData": [(TYPE, lambda p: AncillaryData(1, 1, "")),
                      (VALUE, lambda p: AncillaryData(2**40, 1, b""))],
    "AncillaryItem": [((NotImplementedError,), lambda p: AncillaryItem().converter()),
                      ((NotImplementedError,), lambda p: AncillaryItem.extractor(b""))],
    "Credentials": [(TYPE, lambda p: Credentials(1, 1, "1")),
                    (VALUE, lambda p: Credentials.extractor(b"x"))],
    "Descriptors": [(TYPE, lambda p: Descriptors(1)), (VALUE, lambda p: Descriptors([-1])),
                    (VALUE, lambda p: Descriptors([p.closed]).converter())],
    "HopLimit": [(TYPE, lambda p: HopLimit("1")), (VALUE, lambda p: HopLimit(256))],
    "Internet6ErrorReport": [(TYPE, lambda p: Internet6ErrorReport()),
                             (VALUE, lambda p: Internet6ErrorReport.extractor(b"x"))],
    "Internet6PacketInfo": [(TYPE, lambda p: Internet6PacketInfo(1, p.name)),
                            (VALUE, lambda p: Internet6PacketInfo.extractor(bytes(21)))],
    "InternetErrorReport": [(TYPE, lambda p: InternetErrorReport()),
                            (VALUE, lambda p: InternetErrorReport.extractor(bytes(15)))],
    "InternetPacketInfo": [(TYPE, lambda p: InternetPacketInfo(1, "::1")),
                           (VALUE, lambda p: InternetPacketInfo(-1, p.name))],
    "MessageHeader": [(TYPE, lambda p: MessageHeader())],
    "ReceivedDescriptors": [(TYPE, lambda p: ReceivedDescriptors())],
    "SegmentSize": [(TYPE, lambda p: SegmentSize(1.0)), (VALUE, lambda p: SegmentSize(65536))],
    "TimeStamp": [(TYPE, lambda p: TimeStamp("1")), (VALUE, lambda p: TimeStamp.extractor(b""))],
    "TimeToLive": [(TYPE, lambda p: TimeToLive(None)), (VALUE, lambda p: TimeToLive(-1))],
    "TrafficClass": [(TYPE, lambda p: TrafficClass(b"")), (VALUE, lambda p: TrafficClass(256))],
    "TypeOfService": [(TYPE, lambda p: TypeOfService([])), (VALUE, lambda p: TypeOfService(256))],
    "close_descriptors": [(TYPE, lambda p: close_descriptors(1))],
    "lookup_ancillary_item": [(TYPE, lambda p: lookup_ancillary_item("1", 1)),
                              (VALUE, lambda p: lookup_ancillary_item(2**40, 1))],
    "receive_message": [
        (TYPE, lambda p: receive_message(p.pair, "1")),
        (VALUE, lambda p: receive_message(p.pair, 1, room=4097)),
        ((MemoryError, OverflowError), lambda p: receive_message(p.pair, 2**62)),
        (CONDITION, lambda p: receive_message(p.fresh, 10)),
        (CONDITION, lambda p: receive_message(p.fresh, 100_000)),
        (CONDITION, lambda p: receive_message(p.closed, 10))],
    "receive_message_into": [
        (TYPE, lambda p: receive_message_into(p.pair, [bytearray(9), b"constant"])),
        (TYPE, lambda p: receive_message_into(p.pair, bytearray(9))),
        (CONDITION, lambda p: receive_message_into(p.fresh, [bytearray(10)] * 3)),
        (CONDITION, lambda p: receive_message_into(p.fresh, [bytearray(1)] * 1025))],
    "register_ancillary_item": [(TYPE, lambda p: register_ancillary_item(1)),
                                (TYPE, lambda p: register_ancillary_item(AncillaryItem)),
                                (VALUE, lambda p: register_ancillary_item(Descriptors))],
    "send_message": [
        (TYPE, lambda p: send_message(p.pair, [bytearray(3), "text"])),
        (TYPE, lambda p: send_message(p.pair, [b"x"], None, [1])),
        (VALUE, lambda p: send_message(p.pair, [b"x"], p.name)),
        (VALUE, lambda p: send_message(p.pair, [b"x"], None, [Descriptors([p.closed])])),
        (CONDITION, lambda p: send_message(p.pair, [b"x"], None, [Descriptors([987654])])),
        (CONDITION, lambda p: send_message(p.bound, [b"x"], p.name, [
            AncillaryData(1, 1, bytes(4096))])),
        (CONDITION, lambda p: send_message(p.broken, [b"x"], None, [Descriptors([0])])),
        (CONDITION, lambda p: send_message(p.bound, [bytearray(70_000)], p.name))],
    "take_descriptor": [(TYPE, lambda p: take_descriptor([0]))],
    "take_socket": [(TYPE, lambda p: take_socket(Descriptors([0])))],
    "Datagrams": [(TYPE, lambda p: Datagrams("text", 1, None)),
                  (VALUE, lambda p: Datagrams(bytearray(3), 0, None))],
    "Internet6Address": [(TYPE, lambda p: Internet6Address(b"1", 1)),
                         (VALUE, lambda p: Internet6Address("1", 1)),
                         (VALUE, lambda p: Internet6Address(2**128, 1)),
                         (VALUE, lambda p: Internet6Address(1, None).converter())],
    "Internet6Option": [(TYPE, lambda p: Internet6Option("1", *INTEGER)),
                        (VALUE, lambda p: Internet6Option(1, 0, bytes, bytes))],
    "IpOption": [(TYPE, lambda p: IpOption("1", *INTEGER)),
                 (VALUE, lambda p: IpOption(1, 0, bytes, bytes))],
    "Interface": [(TYPE, lambda p: Interface(b"lo", 1)), (VALUE, lambda p: Interface("lo", 0))],
    "MtuDiscovery": [(TYPE, lambda p: MtuDiscovery("1")), (VALUE, lambda p: MtuDiscovery(2**40))],
    "TcpInformation": [(TYPE, lambda p: TcpInformation("ESTABLISHED"))],
    "NameInfoOption": [(TYPE, lambda p: NameInfoOption("1")),
                       (VALUE, lambda p: NameInfoOption(2**40))],
    "ProtocolEntry": [(TYPE, lambda p: ProtocolEntry("tcp", "TCP", AUTO))],
    "ServiceEntry": [(TYPE, lambda p: ServiceEntry("http", "HTTP", 80, "tcp")),
                     (VALUE, lambda p: ServiceEntry("http", (), 65536, "tcp"))],
    "RawOption": [(TYPE, lambda p: RawOption("1", *INTEGER)),
                  (VALUE, lambda p: RawOption(2**40, *INTEGER))],
    "ReceiveFromOption": [(TYPE, lambda p: ReceiveFromOption(None)),
                          (VALUE, lambda p: ReceiveFromOption(2**40))],
    "SendToOption": [(TYPE, lambda p: SendToOption(True)),
                     (VALUE, lambda p: SendToOption(-(2**40)))],
    "ShutdownMethod": [(TYPE, lambda p: ShutdownMethod(1.0)),
                       (VALUE, lambda p: ShutdownMethod(2**31))],
    "Socket": [(TYPE, lambda p: Socket("1", SocketDomain.INTERNET, STREAM, AUTO)),
               (VALUE, lambda p: Socket(-1, SocketDomain.INTERNET, STREAM, AUTO)),
               (CONDITION, lambda p: Socket(987654, SocketDomain.INTERNET, STREAM, AUTO))],
    "SocketAddress": [((NotImplementedError,), lambda p: SocketAddress().converter()),
                      (TYPE, lambda p: bind_socket(p.fresh, Wrong()))],
    "SocketCondition": [(TYPE, lambda p: SocketCondition())],
    "SocketConstant": [(TYPE, lambda p: SocketConstant("1")),
                       (VALUE, lambda p: SocketConstant(2**31))],
    "SocketDomain": [(TYPE, lambda p: SocketDomain(1, None, 16)),
                     (VALUE, lambda p: SocketDomain(1, bytes, 0))],
    "SocketOption": [(TYPE, lambda p: SocketOption(1, 4, None, bytes)),
                     (VALUE, lambda p: SocketOption(1, 2**20, bytes, bytes))],
    "SocketProtocol": [(TYPE, lambda p: SocketProtocol("1")),
                       (VALUE, lambda p: SocketProtocol(2**31))],
    "SocketType": [(TYPE, lambda p: SocketType("1")), (VALUE, lambda p: SocketType(2**31))],
    "TcpOption": [(TYPE, lambda p: TcpOption("1", *INTEGER)),
                  (VALUE, lambda p: TcpOption(1, 0, bytes, bytes))],
    "UdpOption": [(TYPE, lambda p: UdpOption(1, 4, bytes, 4)),
                  (VALUE, lambda p: UdpOption(1, 0, bytes, bytes))],
    "UnixAddress": [(TYPE, lambda p: UnixAddress(1)),
                    (VALUE, lambda p: bind_socket(p.fresh, UnixAddress("x" * 200))),
                    (VALUE, lambda p: bind_socket(p.fresh, UnixAddress("x\0y")))],
    "accept_socket": [(TYPE, lambda p: accept_socket(1)),
                      (CONDITION, lambda p: accept_socket(p.fresh)),
                      (CONDITION, lambda p: accept_socket(p.closed))],
    "adopt_descriptor": [(TYPE, lambda p: adopt_descriptor("1")),
                         (VALUE, lambda p: adopt_descriptor(-1)),
                         (VALUE, lambda p: adopt_descriptor(p.netlink.fileno())),
                         (CONDITION, lambda p: adopt_descriptor(p.file)),
                         (CONDITION, lambda p: adopt_descriptor(987654))],
    "adopt_from_supervisor": [(TYPE, lambda p: adopt_from_supervisor(2)),
                              (VALUE, lambda p: supervised("x")),
                              (CONDITION, lambda p: supervised("1"))],
    "bind_socket": [(TYPE, lambda p: bind_socket(p.fresh, "127.0.0.1:0")),
                    (VALUE, lambda p: bind_socket(p.fresh, InternetAddress(0, None))),
                    (CONDITION, lambda p: bind_socket(p.fresh, p.name)),
                    (VALUE, lambda p: bind_socket(p.fresh, p.unbound))],
    "close_socket": [(TYPE, lambda p: close_socket(1)),
                     (CONDITION, lambda p: close_socket(p.closed))],
    "connect_first": [(TYPE, lambda p: connect_first(1)),
                      (VALUE, lambda p: connect_first([])),
                      (CONDITION, lambda p: connect_first([NOBODY], 5))],
    "connect_socket": [(TYPE, lambda p: connect_socket(p.fresh, None)),
                       (VALUE, lambda p: connect_socket(p.fresh, InternetAddress(1, None))),
                       (CONDITION, lambda p: connect_socket(p.pair, p.unix_address)),
                       (CONDITION, lambda p: connect_socket(p.closed, p.name))],
    "create_listener": [(TYPE, lambda p: create_listener("127.0.0.1:0", 8)),
                        (VALUE, lambda p: create_listener(p.name, -1)),
                        (CONDITION, lambda p: create_listener(ELSEWHERE, 8))],
    "create_socket": [
        (TYPE, lambda p: create_socket(STREAM, STREAM, AUTO)),
        (CONDITION, lambda p: create_socket(SocketDomain.INTERNET, SocketType(99), AUTO)),
        (CONDITION, lambda p: create_socket(SocketDomain.UNIX, STREAM, SocketProtocol(6)))],
    "define_socket_option_type": [(TYPE, lambda p: define_socket_option_type(1, 1)),
                                  (VALUE, lambda p: define_socket_option_type("X", 2**40))],
    "detach_socket": [(TYPE, lambda p: detach_socket(1)),
                      (CONDITION, lambda p: detach_socket(p.closed))],
    "duplicate_socket": [(TYPE, lambda p: duplicate_socket(1)),
                         (CONDITION, lambda p: duplicate_socket(p.closed))],
    "finish_connect": [(TYPE, lambda p: finish_connect(1)),
                       (TYPE, lambda p: finish_connect(p.fresh, "1")),
                       (VALUE, lambda p: finish_connect(p.fresh, -1)),
                       (CONDITION, lambda p: finish_connect(p.closed, 1))],
    "flag_option": [(TYPE, lambda p: flag_option(1, 1))],
    "foreign_to_internet6_address": [(VALUE, lambda p: foreign_to_internet6_address(b"\2\0"))],
    "foreign_to_internet_address": [(VALUE, lambda p: foreign_to_internet_address(b"\2\0"))],
    "foreign_to_unix_address": [(TYPE, lambda p: foreign_to_unix_address(1))],
    "from_python_socket": [(TYPE, lambda p: from_python_socket(1)),
                           (VALUE, lambda p: from_python_socket(p.netlink)),
                           (CONDITION, lambda p: from_python_socket(p.closed_native))],
    "get_address_info": [
        (TYPE, lambda p: get_address_info(1, 80)),
        (VALUE, lambda p: get_address_info("127.0.0.1", 65536)),
        (VALUE, lambda p: get_address_info("a\0b", 80)),
        (CONDITION, lambda p: get_address_info(
            "no number", 80, None, None, None, AddressInfoOption.NUMERIC_HOST)),
        (CONDITION, lambda p: get_address_info(
            "127.0.0.1", 80, SocketDomain.INTERNET, SocketType(99)))],
    "get_peer_name": [(TYPE, lambda p: get_peer_name(1)),
                      (CONDITION, lambda p: get_peer_name(p.fresh)),
                      (CONDITION, lambda p: get_peer_name(p.closed))],
    "get_protocol_by_constant": [(TYPE, lambda p: get_protocol_by_constant(6))],
    "get_interface_by_index": [(TYPE, lambda p: get_interface_by_index("1")),
                               (VALUE, lambda p: get_interface_by_index(-1))],
    "get_interface_by_name": [(TYPE, lambda p: get_interface_by_name(1)),
                              (VALUE, lambda p: get_interface_by_name("l\0"))],
    "get_name_info": [
        (TYPE, lambda p: get_name_info("127.0.0.1")),
        (VALUE, lambda p: get_name_info(InternetAddress(1, None))),
        (CONDITION, lambda p: get_name_info(InternetAddress(1, 1), NameInfoOption(2**30)))],
    "get_service_by_name": [(TYPE, lambda p: get_service_by_name(b"http")),
                            (VALUE, lambda p: get_service_by_name("h\0ttp"))],
    "get_service_by_port": [(TYPE, lambda p: get_service_by_port("80")),
                            (VALUE, lambda p: get_service_by_port(65536))],
    "internet6_address_to_internet_address": [
        (TYPE, lambda p: internet6_address_to_internet_address(p.name))],
    "internet_address_to_internet6_address": [
        (TYPE, lambda p: internet_address_to_internet6_address(Internet6Address(1, 1)))],
    "get_protocol_by_name": [(TYPE, lambda p: get_protocol_by_name(b"tcp")),
                             (VALUE, lambda p: get_protocol_by_name("t\0cp"))],
    "get_socket_name": [(TYPE, lambda p: get_socket_name(None)),
                        (CONDITION, lambda p: get_socket_name(p.closed))],
    "get_socket_option": [
        (TYPE, lambda p: get_socket_option(p.fresh, 1)),
        (CONDITION, lambda p: get_socket_option(p.fresh, UNKNOWN)),
        ((LookupError,), lambda p: get_socket_option(
            p.fresh, SocketOption(native.SO_TYPE, 4, bytes, raising)))],
    "internet6_address_to_string": [(TYPE, lambda p: internet6_address_to_string("::1"))],
    "internet_address_to_string": [(TYPE, lambda p: internet_address_to_string("1.2.3.4"))],
    "listen_socket": [(TYPE, lambda p: listen_socket(p.fresh, "1")),
                      (VALUE, lambda p: listen_socket(p.fresh, -1)),
                      (CONDITION, lambda p: listen_socket(p.bound, 1))],
    "make_foreign_address": [(TYPE, lambda p: make_foreign_address("2", b"")),
                             (TYPE, lambda p: make_foreign_address(2, "")),
                             (VALUE, lambda p: make_foreign_address(256, b""))],
    "make_socket_pair": [
        (TYPE, lambda p: make_socket_pair(STREAM, STREAM, AUTO)),
        (CONDITION, lambda p: make_socket_pair(SocketDomain.INTERNET, STREAM, AUTO))],
    "number_option": [(TYPE, lambda p: number_option(TcpOption, "1")),
                      (VALUE, lambda p: number_option(TcpOption, 1, 5, 4))],
    "open_protocol_database": [(TYPE, lambda p: open_protocol_database(1))],
    "or_raise": [(CONDITION, lambda p: or_raise(accept_socket(p.listener)))],
    "receive_datagrams": [
        (TYPE, lambda p: receive_datagrams(p.bound, 1, "1")),
        (VALUE, lambda p: receive_datagrams(p.pair, 1, 1)),
        ((MemoryError, OverflowError), lambda p: receive_datagrams(p.bound, 65536, 2**31 - 1)),
        (CONDITION, lambda p: receive_datagrams(p.closed_datagrams, 1, 1))],
    "receive_exactly": [(TYPE, lambda p: receive_exactly(1, 1)),
                        (TYPE, lambda p: receive_exactly(p.pair, "1")),
                        (VALUE, lambda p: receive_exactly(p.pair, -1)),
                        (VALUE, lambda p: receive_exactly(p.pair, 1, timeout=-1)),
                        (CONDITION, lambda p: receive_exactly(p.fresh, 1))],
    "receive_from_socket": [
        (TYPE, lambda p: receive_from_socket(p.pair, "1")),
        (TYPE, lambda p: receive_from_socket(p.pair, 1, SendToOption.OUT_OF_BAND)),
        (VALUE, lambda p: receive_from_socket(p.pair, -1)),
        ((MemoryError, OverflowError), lambda p: receive_from_socket(p.pair, 2**62)),
        (CONDITION, lambda p: receive_from_socket(p.fresh, 10)),
        (CONDITION, lambda p: receive_from_socket(p.fresh, 100_000)),
        (CONDITION, lambda p: receive_from_socket(p.closed, 10))],
    "receive_into_socket": [
        (TYPE, lambda p: receive_into_socket(p.pair, b"constant")),
        (TYPE, lambda p: receive_into_socket(p.pair, bytearray(1), SendToOption.OUT_OF_BAND)),
        (CONDITION, lambda p: receive_into_socket(p.fresh, bytearray(10))),
        (CONDITION, lambda p: receive_into_socket(p.fresh, bytearray(100_000)))],
    "register_socket_domain": [(TYPE, lambda p: register_socket_domain(2))],
    "send_all": [(TYPE, lambda p: send_all(1, b"")), (TYPE, lambda p: send_all(p.pair, "")),
                 (VALUE, lambda p: send_all(p.pair, b"", timeout=float("nan"))),
                 (CONDITION, lambda p: send_all(p.broken, b"x"))],
    "send_datagrams": [
        (TYPE, lambda p: send_datagrams(p.bound, [b"x"])),
        (VALUE, lambda p: send_datagrams(p.pair, [])),
        (CONDITION, lambda p: send_datagrams(p.bound, [
            Datagrams(b"x", 1, get_socket_name(p.fresh)), Datagrams(b"ab", 1, None)])),
        (CONDITION, lambda p: send_datagrams(p.bound, [Datagrams(bytes(70_000), 70_000, p.name)]))],
    "skip_datagrams": [(TYPE, lambda p: skip_datagrams(1, 1)),
                       (VALUE, lambda p: skip_datagrams([], -1))],
    "send_file": [(TYPE, lambda p: send_file(p.pair, "file")),
                  (VALUE, lambda p: send_file(p.pair, p.file, -1)),
                  (CONDITION, lambda p: send_file(p.broken, THIS)),
                  (CONDITION, lambda p: send_file(p.pair, 987654)),
                  (CONDITION, lambda p: send_file(p.closed, p.file))],
    "send_to_socket": [
        (TYPE, lambda p: send_to_socket(p.pair, "text", None)),
        (TYPE, lambda p: send_to_socket(p.pair, memoryview(b"abcd")[::2], None)),
        (TYPE, lambda p: send_to_socket(p.pair, b"", None, ReceiveFromOption.PEEK)),
        (VALUE, lambda p: send_to_socket(p.bound, b"", InternetAddress(1, None))),
        (CONDITION, lambda p: send_to_socket(p.broken, b"x", None)),
        (CONDITION, lambda p: send_to_socket(p.bound, bytearray(70_000), p.name)),
        (CONDITION, lambda p: send_to_socket(p.closed, bytearray(3), None))],
    "set_socket_nonblocking": [(TYPE, lambda p: set_socket_nonblocking(p.fresh, 1)),
                               (CONDITION, lambda p: set_socket_nonblocking(p.closed, True))],
    "set_socket_option": [
        (TYPE, lambda p: set_socket_option(p.fresh, 1, 1)),
        (TYPE, lambda p: set_socket_option(p.fresh, SocketOption(1, 4, str, bytes), 1)),
        (CONDITION, lambda p: set_socket_option(p.fresh, UNKNOWN, 1)),
        ((struct.error,), lambda p: set_socket_option(p.fresh, KEEP_ALIVE, "x"))],
    "shutdown_socket": [(TYPE, lambda p: shutdown_socket(p.fresh, 1)),
                        (CONDITION, lambda p: shutdown_socket(p.fresh, ShutdownMethod.READ)),
                        (CONDITION, lambda p: shutdown_socket(p.closed, ShutdownMethod.READ))],
    "socket_error": [(CONDITION, lambda p: socket_error("me", "call", errno.EIO))],
    "socket_raise_unless": [
        (CONDITION, lambda p: socket_raise_unless("me", "call", errno.EIO, errno.EAGAIN))],
    "string_to_internet6_address": [
        (TYPE, lambda p: string_to_internet6_address(1)),
        (VALUE, lambda p: string_to_internet6_address("[::1")),
        (VALUE, lambda p: string_to_internet6_address("fe80::1%nowhere"))],
    "string_to_internet_address": [
        (TYPE, lambda p: string_to_internet_address(1)),
        (VALUE, lambda p: string_to_internet_address("1.2.3.4:99999"))],
    "string_to_ipv4": [(TYPE, lambda p: string_to_ipv4(1)),
                       (VALUE, lambda p: string_to_ipv4("1.2.3"))],
    "string_to_ipv6": [(TYPE, lambda p: string_to_ipv6(1)),
                       (VALUE, lambda p: string_to_ipv6("1::2::3"))],
    "to_python_socket": [(TYPE, lambda p: to_python_socket(1)),
                         (CONDITION, lambda p: to_python_socket(p.closed))],
    "wait_for_socket": [(TYPE, lambda p: wait_for_socket(1, True, True)),
                        (TYPE, lambda p: wait_for_socket(p.fresh, 1, True)),
                        (VALUE, lambda p: wait_for_socket(p.fresh, True, True, -1)),
                        (CONDITION, lambda p: wait_for_socket(p.closed, True, True))],
    "wait_for_urgent": [(TYPE, lambda p: wait_for_urgent(1)),
                        (VALUE, lambda p: wait_for_urgent(p.pair, -1)),
                        (CONDITION, lambda p: wait_for_urgent(p.closed, 0))],
    "within": [(TYPE, lambda p: within(1, receive_from_socket, 1, 1)),
               (VALUE, lambda p: within(-1, receive_from_socket, p.pair, 1)),
               (CONDITION, lambda p: within(1, receive_from_socket, p.closed, 1))],
}

# These take nothing that could be wrong.
CANNOT_FAIL = {
    "HAS_DONT_WAIT", "HAS_KEEP_ALIVE_TIMES", "HAS_MESSAGES", "HAS_PROTOCOL_ITERATION",
    "HAS_RECEIVE_OFFLOAD", "HAS_REUSE_PORT", "HAS_UNIX_SOCKETS",
    "ResolverCode",
    "close_protocol_database", "get_host_name", "get_interfaces", "lookup_domain",
    "next_protocol_entry", "socket_maximum_connections",
}


def supervised(count: str) -> Any:
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=count)
    sockets._sockets.FIRST_HANDED_ON = 987654
    return adopt_from_supervisor()


class Wrong(SocketAddress):
    """An address whose converter does not return bytes."""

    __slots__ = ()

    def converter(self) -> Any:
        return "not bytes"


def test_every_public_name_has_its_failures_listed() -> None:
    assert set(FAILURES) | CANNOT_FAIL == set(sockets.__all__)
    assert set(FAILURES) & CANNOT_FAIL == set()


READY_MADE = {
    f"{kind.__name__}.{name}": option
    for kind in (SocketOption, TcpOption, UdpOption, RawOption, IpOption, Internet6Option)
    for name, option in vars(kind).items() if name.isupper() and isinstance(option, SocketOption)
}


@pytest.mark.parametrize("option", READY_MADE.values(), ids=READY_MADE)
def test_values_that_a_ready_made_option_refuses(option: SocketOption, parts: Parts) -> None:
    def refuse() -> None:
        for value in ("x", -(2**40), (1, 2, 3)):
            with contextlib.suppress(TypeError, ValueError, SocketCondition):
                set_socket_option(parts.fresh, option, value)
                raise AssertionError(f"{value!r} was taken")

    stays_flat(refuse, MANY // 4)


@pytest.mark.parametrize(("kinds", "fail"), [
    pytest.param(kinds, fail, id=f"{name}-{kinds[0].__name__}-{number}")
    for name, failures in FAILURES.items() for number, (kinds, fail) in enumerate(failures)
])
def test_failures(kinds: tuple[type[BaseException], ...], fail: Any, parts: Parts) -> None:
    def attempt() -> None:
        try:
            fail(parts)
        except kinds:
            return
        raise AssertionError("it did not fail")

    # A class that is made and dropped is a cycle, which waits for the collector.
    classes = "define_socket_option_type" in fail.__code__.co_names
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stays_flat(attempt, MANY // 20 if classes else MANY)
