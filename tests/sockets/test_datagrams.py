"""Datagram sockets of both families in both modes, and the other kinds that keep their bounds."""

from __future__ import annotations

import errno
import gc
import os
import select
import socket as native
import struct
import sys
import threading
from typing import Any

import pytest
from helpers import (
    LOOPBACK,
    SO_RCVTIMEO,
    SO_SNDBUF,
    Makers,
    Waiter,
    int_option,
    name_of,
    readable,
    reports,
    wait_for,
    wine_lacks,
    windows_differs,
)

from sockets import (
    InternetAddress,
    IpOption,
    ReceiveFromOption,
    ShutdownMethod,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketProtocol,
    SocketType,
    UnixAddress,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    listen_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
)

DATAGRAM = SocketType.DATAGRAM
SO_BROADCAST = int_option(native.SO_BROADCAST)


# There and back.

def test_a_datagram_arrives_with_its_senders_address(make: Makers) -> None:
    first, second = make.bound(), make.bound()
    assert send_to_socket(first, b"question", name_of(second)) == 8
    readable(second)
    data, sender = receive_from_socket(second, 99)
    assert (data, sender) == (b"question", name_of(first))
    assert sender is not None
    assert send_to_socket(second, b"answer", sender) == 6  # type: ignore[arg-type]
    readable(first)
    assert receive_from_socket(first, 99) == (b"answer", name_of(second))


def test_a_connected_datagram_socket_sends_to_its_peer(make: Makers) -> None:
    first, second = make.datagrams()  # departure 4
    assert get_peer_name(first) == get_socket_name(second)
    assert send_to_socket(first, b"x", None) == 1
    readable(second)
    assert receive_from_socket(second, 9) == (b"x", name_of(first))
    third = make.bound()
    assert send_to_socket(first, b"y", name_of(third)) == 1
    readable(third)
    assert receive_from_socket(third, 9)[0] == b"y"


def test_a_datagram_socket_can_be_connected_to_another_peer(make: Makers) -> None:
    first, second = make.datagrams()
    third = make.bound()
    assert connect_socket(first, name_of(third)) is True
    send_to_socket(first, b"x", None)
    readable(third)
    assert receive_from_socket(third, 9)[0] == b"x"
    assert select.select([second], [], [], 0)[0] == []


@wine_lacks("unconnected")
def test_sending_to_nobody_in_particular_is_reported(make: Makers) -> None:
    with pytest.raises(SocketCondition) as caught:
        send_to_socket(make.bound(), b"x", None)
    assert caught.value.type in (errno.EDESTADDRREQ, errno.ENOTCONN)


def test_an_unnamed_sender_has_no_address(unix: Makers) -> None:
    receiver, sender = unix.bound(), unix.socket(DATAGRAM)  # departure 5
    assert get_socket_name(sender) == UnixAddress("")
    assert send_to_socket(sender, b"x", name_of(receiver)) == 1
    assert receive_from_socket(receiver, 9) == (b"x", None)


def test_abstract_senders_are_answered(unix: Makers) -> None:
    receiver, sender = unix.bound(), unix.socket(DATAGRAM)  # departure 6
    bind_socket(sender, UnixAddress(""))
    send_to_socket(sender, b"x", name_of(receiver))
    data, address = receive_from_socket(receiver, 9)
    assert (data, address) == (b"x", name_of(sender))
    assert isinstance(address, UnixAddress)
    assert address.path.startswith("\0")
    send_to_socket(receiver, b"y", address)
    assert receive_from_socket(sender, 9) == (b"y", name_of(receiver))


def test_non_ascii_paths_name_their_senders(unix: Makers) -> None:
    receiver, sender = unix.bound(), unix.socket(DATAGRAM)  # departure 3
    path = os.fsencode(unix.family.folder) + b"/\xff\xc3\xbc"
    bind_socket(sender, UnixAddress(path))
    send_to_socket(sender, b"x", name_of(receiver))
    assert receive_from_socket(receiver, 9) == (b"x", UnixAddress(path))


def test_a_records_of_senders_compare_and_hash_as_addresses_made_by_hand(tcp: Makers) -> None:
    first, second = tcp.datagrams()
    send_to_socket(first, b"x", None)
    readable(second)
    sender = receive_from_socket(second, 9)[1]
    assert isinstance(sender, InternetAddress)
    made = InternetAddress(LOOPBACK.ip, sender.port)
    assert {made: 1}[sender] == 1
    assert str(sender) == f"127.0.0.1:{sender.port}"


# Not yet.

def test_a_receive_of_no_datagram_is_a_value(quick: Makers) -> None:
    sock = quick.bound()  # departure 1
    for count in (0, 1, 65535, 65536, 65537, 1 << 20):
        nothing, condition = receive_from_socket(sock, count)
        assert nothing is None
        assert isinstance(condition, SocketCondition)
        assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
        assert (condition.who, condition.syscall) == ("receive_from_socket", "recvfrom")


def test_a_send_to_a_full_queue_is_a_value(unix: Makers) -> None:
    first, second = unix.datagrams()
    sent = 0
    while isinstance(result := send_to_socket(first, b"%d" % sent, None), int):
        sent += 1
    assert sent > 0
    assert result.type in (errno.EAGAIN, errno.EWOULDBLOCK)
    assert (result.who, result.syscall) == ("send_to_socket", "sendto")
    assert receive_from_socket(second, 9)[0] == b"0"
    assert isinstance(send_to_socket(first, b"more", None), int)
    arrived = [receive_from_socket(second, 9)[0] for _ in range(sent)]
    assert arrived == [b"%d" % n for n in range(1, sent)] + [b"more"]


def test_dont_wait_makes_one_receive_of_a_blocking_socket_return(slow: Makers) -> None:
    first, second = slow.datagrams()  # departure 8
    nothing, condition = receive_from_socket(second, 9, ReceiveFromOption.DONT_WAIT)
    assert nothing is None
    assert isinstance(condition, BlockingIOError)
    send_to_socket(first, b"x", None)
    readable(second)
    assert receive_from_socket(second, 9, ReceiveFromOption.DONT_WAIT)[0] == b"x"


def test_a_blocking_receive_waits_for_a_datagram(slow: Makers) -> None:
    first, second = slow.datagrams()
    waiter = Waiter(receive_from_socket, second, 9).is_asleep()
    send_to_socket(first, b"x", None)
    assert waiter.answer() == (b"x", name_of(first))


def test_a_blocking_send_waits_for_room(unix: Makers) -> None:
    first, second = unix.datagrams()
    while isinstance(send_to_socket(first, b"x", None), int):
        pass
    set_socket_nonblocking(first, False)
    waiter = Waiter(send_to_socket, first, b"last", None).is_asleep()
    assert receive_from_socket(second, 9)[0] == b"x"
    assert waiter.answer() == 4


@windows_differs("timeouts")
def test_a_receive_timeout_that_runs_out_is_a_would_block_value(slow: Makers) -> None:
    sock = slow.bound()
    set_socket_option(sock, SO_RCVTIMEO, 0.02)
    nothing, condition = receive_from_socket(sock, 9)
    assert nothing is None
    assert isinstance(condition, SocketCondition)
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)


# Sizes.

def test_a_datagram_without_contents_is_no_end(make: Makers) -> None:
    first, second = make.datagrams()  # departure 35
    for data in (b"", b"x", b""):
        assert send_to_socket(first, data, None) == len(data)
        readable(second)
        assert receive_from_socket(second, 9) == (data, name_of(first))


def test_an_empty_datagram_and_the_end_of_a_stream_look_alike(make: Makers) -> None:
    first, second = make.datagrams()  # departure 35
    send_to_socket(first, b"", None)
    readable(second)
    client, server = make.pair()
    close_socket(client)
    readable(server)
    assert receive_from_socket(second, 9)[0] == receive_from_socket(server, 9)[0] == b""
    assert (second.type, server.type) == (DATAGRAM, SocketType.STREAM)


def test_a_datagram_is_cut_to_the_count_and_its_rest_is_lost(make: Makers) -> None:
    first, second = make.datagrams()
    for data in (b"long datagram", b"next"):
        send_to_socket(first, data, None)
    readable(second)
    assert receive_from_socket(second, 4)[0] == b"long"
    assert receive_from_socket(second, 99)[0] == b"next"


def test_a_count_of_nothing_takes_a_datagram(make: Makers) -> None:
    first, second = make.datagrams()
    for data in (b"first", b"second"):
        send_to_socket(first, data, None)
    readable(second)
    assert receive_from_socket(second, 0) == (b"", name_of(first))
    assert receive_from_socket(second, 99)[0] == b"second"


@pytest.mark.parametrize("count", [0, 1, 4, 65535, 65536, 65537])
def test_a_greater_length_than_the_buffers_does_not_read_past_it(
    make: Makers, count: int
) -> None:
    first, second = make.datagrams()
    data = os.urandom(count + 500 if count < 65000 else 60000)
    send_to_socket(first, data, None)
    send_to_socket(first, data, None)
    readable(second)
    truncate = ReceiveFromOption(native.MSG_TRUNC)
    peek = ReceiveFromOption.PEEK
    for flags in ((truncate, peek), (truncate,), (truncate, ReceiveFromOption.DONT_WAIT)):
        assert receive_from_socket(second, count, *flags)[0] == data[:count]


def test_the_largest_datagram_goes_and_a_larger_one_is_refused(tcp: Makers) -> None:
    first, second = tcp.datagrams()
    data = os.urandom(65507)
    assert send_to_socket(first, data, None) == 65507
    readable(second)
    assert receive_from_socket(second, 65507)[0] == data
    for size in (65508, 65536, 100000):
        with reports(errno.EMSGSIZE, "send_to_socket", "sendto"):
            send_to_socket(first, bytes(size), name_of(second))


def test_a_unix_datagram_larger_than_the_senders_memory_is_refused(unix: Makers) -> None:
    first, _ = unix.datagrams()
    room = get_socket_option(first, SO_SNDBUF)
    with reports(errno.EMSGSIZE, "send_to_socket", "sendto"):
        send_to_socket(first, bytes(room + 1), None)


def test_datagrams_of_more_than_a_frame_are_whole(unix: Makers) -> None:
    first, second = unix.datagrams()
    data = os.urandom(120_000)
    assert send_to_socket(first, data, None) == len(data)
    assert receive_from_socket(second, len(data) + 1) == (data, name_of(first))


def test_peek_leaves_the_datagram(make: Makers) -> None:
    first, second = make.datagrams()
    send_to_socket(first, b"abc", None)
    readable(second)
    for _ in range(2):
        peeked = receive_from_socket(second, 2, ReceiveFromOption.PEEK)
        assert peeked == (b"ab", name_of(first))
    assert receive_from_socket(second, 9)[0] == b"abc"


# Failures.

@windows_differs("refused")
def test_a_closed_port_refuses_the_datagram_after_the_next_call(tcp: Makers) -> None:
    gone, sender = tcp.bound(), tcp.bound()
    connect_socket(sender, name_of(gone))
    close_socket(gone)
    assert send_to_socket(sender, b"x", None) == 1
    wait_for(sender, "POLLERR")
    with reports(errno.ECONNREFUSED, "receive_from_socket", "recvfrom") as caught:
        receive_from_socket(sender, 9)
    assert isinstance(caught.value, ConnectionRefusedError)


def test_a_path_that_nobody_has_is_reported_with_its_name(unix: Makers) -> None:
    path = unix.family.folder / "none"
    with reports(errno.ENOENT, "send_to_socket", "sendto") as caught:
        send_to_socket(unix.bound(), b"x", UnixAddress(path))
    assert str(path) in str(caught.value)
    gone = unix.bound()
    name = name_of(gone)
    close_socket(gone)
    with reports(errno.ECONNREFUSED, "connect_socket", "connect"):
        connect_socket(unix.bound(), name)


@wine_lacks("broadcast")
def test_broadcasting_has_to_be_allowed_first(tcp: Makers) -> None:
    # All on the loopback interface, to which there is always a way.
    sock, everybody = tcp.socket(DATAGRAM), InternetAddress(0x7FFFFFFF, 9)
    with reports(errno.EACCES, "connect_socket", "connect") as caught:
        connect_socket(sock, everybody)
    assert isinstance(caught.value, PermissionError)
    assert "127.255.255.255:9" in str(caught.value)
    with reports(errno.EACCES, "send_to_socket", "sendto"):
        send_to_socket(sock, b"x", everybody)
    set_socket_option(sock, SO_BROADCAST, 1)
    assert get_socket_option(sock, SO_BROADCAST) == 1


def test_datagram_sockets_neither_listen_nor_accept(make: Makers) -> None:
    sock = make.bound()
    with reports(errno.EOPNOTSUPP, "listen_socket", "listen"):
        listen_socket(sock, 1)
    with reports(errno.EOPNOTSUPP, "accept_socket", "accept"):
        accept_socket(sock)


@windows_differs("shutdown")
def test_shutting_down_ends_sending(make: Makers) -> None:
    first, _ = make.datagrams()
    shutdown_socket(first, ShutdownMethod.WRITE)
    with reports(errno.EPIPE, "send_to_socket", "sendto"):
        send_to_socket(first, b"x", None)


def test_options_of_ip_reach_their_level(tcp: Makers) -> None:
    sock = tcp.socket(DATAGRAM)
    lifetime = int_option(native.IP_TTL, IpOption)
    set_socket_option(sock, lifetime, 17)
    assert get_socket_option(sock, lifetime) == 17
    with reports(errno.EINVAL, "set_socket_option", "setsockopt"):
        set_socket_option(sock, lifetime, 70000)


# Other kinds, and domains of one's own.

def test_sequence_packets_keep_their_bounds_and_tell_their_end(unix: Makers) -> None:
    listener, client = (unix.socket(SocketType.SEQUENCE_PACKET) for _ in range(2))
    bind_socket(listener, unix.family.address())
    listen_socket(listener, 1)
    assert connect_socket(client, name_of(listener)) is True
    server = unix.accepted(listener)
    assert server.type == SocketType.SEQUENCE_PACKET
    for data in (b"one", b"two three"):
        assert send_to_socket(client, data, None) == len(data)
    assert receive_from_socket(server, 99)[0] == b"one"
    assert receive_from_socket(server, 3)[0] == b"two"
    close_socket(client)
    assert receive_from_socket(server, 99)[0] == b""


class InternetAddress6(SocketAddress):
    """An IPv6 address and port, as a program of one's own may define it."""

    __slots__ = ("ip", "port")
    ip: bytes
    port: int

    def __init__(self, ip: bytes, port: int) -> None:
        super().__init__(ip, port)

    def converter(self) -> bytes:
        return struct.pack("=H", native.AF_INET6) + struct.pack("!HI16sI", self.port, 0, self.ip, 0)


def test_a_program_adds_a_domain_of_its_own(mode: bool) -> None:
    seen: list[bytes] = []

    def extractor(packed: bytes) -> InternetAddress6:
        seen.append(packed)
        port, _, ip, _ = struct.unpack("!HI16sI", packed[2:])
        return InternetAddress6(ip, port)

    domain = SocketDomain(native.AF_INET6, extractor, 28)
    home = InternetAddress6(bytes(15) + b"\1", 0)
    with create_socket(domain, DATAGRAM, SocketProtocol.AUTO) as first, \
            create_socket(domain, DATAGRAM, SocketProtocol.AUTO) as second:
        for sock in (first, second):
            set_socket_nonblocking(sock, mode)
            try:
                bind_socket(sock, home)
            except SocketCondition as condition:
                assert condition.type == errno.EADDRNOTAVAIL
                pytest.skip("this machine has no IPv6")
        assert send_to_socket(first, b"x", name_of(second)) == 1
        readable(second)
        assert receive_from_socket(second, 9) == (b"x", name_of(first))
    assert {(type(packed), len(packed)) for packed in seen} == {(bytes, 28)}


# Memory that the kernel reads and writes.

def test_nothing_moves_while_threads_collect_garbage(make: Makers) -> None:
    first, second = make.datagrams()  # departure 2
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            garbage: list[Any] = [bytearray(range(256)) for _ in range(50)]
            garbage.append(garbage)
            del garbage
            gc.collect(0)

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(400):
            data = b"%06d" % number * 100
            buffer = bytearray(data) if number % 2 else data
            assert send_to_socket(first, buffer, None) == len(data)
            readable(second)
            assert receive_from_socket(second, 2000) == (data, name_of(first))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_threads_do_not_share_the_memory_that_they_receive_into(make: Makers) -> None:
    def talk(first: Any, second: Any, letter: bytes) -> None:
        for number in range(200):
            data = letter * (500 + number)
            assert send_to_socket(first, data, None) == len(data)
            readable(second)
            assert receive_from_socket(second, 9000) == (data, name_of(first))

    waiters = [Waiter(talk, *make.datagrams(), letter) for letter in (b"a", b"b", b"c")]
    for waiter in waiters:
        waiter.answer()


def test_received_bytes_stay_what_they_were(make: Makers) -> None:
    first, second = make.datagrams()
    kept = []
    for number in range(50):
        send_to_socket(first, b"%d" % number, None)
        readable(second)
        kept.append(receive_from_socket(second, 99))
    assert kept == [(b"%d" % number, name_of(first)) for number in range(50)]


def test_sending_changes_no_bytes(make: Makers) -> None:
    first, second = make.datagrams()
    data = b"constant"
    references = getattr(sys, "getrefcount", lambda _: None)  # PyPy counts none
    before = references(data), hash(data)
    for _ in range(10):
        send_to_socket(first, data, None)
        readable(second)
        receive_from_socket(second, 99)
    assert (references(data), hash(data)) == before
    assert data == bytes([99, 111, 110, 115, 116, 97, 110, 116])
