"""Messages: several buffers, an address and ancillary data in one call."""

from __future__ import annotations

import array
import contextlib
import errno
import os
import pickle
import socket as native
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    WITH_IPV6,
    Family,
    Makers,
    Waiter,
    collect_garbage,
    fill,
    int_option,
    name_of,
    readable,
    reports,
    run_python,
    with_lock,
)
from hypothesis import given
from hypothesis import strategies as st
from test_lock import Stepper, made_blocking, stepper, would_block  # noqa: F401

from sockets import (
    HAS_MESSAGES,
    HAS_RECEIVE_OFFLOAD,
    AncillaryData,
    AncillaryItem,
    Credentials,
    Descriptors,
    HopLimit,
    Internet6Address,
    Internet6ErrorReport,
    Internet6Option,
    Internet6PacketInfo,
    InternetAddress,
    InternetErrorReport,
    InternetPacketInfo,
    IpOption,
    MessageHeader,
    ReceivedDescriptors,
    ReceiveFromOption,
    SegmentSize,
    ShutdownMethod,
    Socket,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TimeStamp,
    TimeToLive,
    TrafficClass,
    TypeOfService,
    UdpOption,
    close_descriptors,
    close_socket,
    connect_socket,
    create_socket,
    detach_socket,
    lookup_ancillary_item,
    make_socket_pair,
    receive_from_socket,
    receive_message,
    receive_message_into,
    register_ancillary_item,
    send_message,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    take_descriptor,
    take_socket,
    within,
)
from sockets import _sockets

pytestmark = pytest.mark.skipif(not HAS_MESSAGES, reason="the platform has no messages")

LINUX = sys.platform == "linux"
linux_only = pytest.mark.skipif(not LINUX, reason="only Linux has it")
RIGHTS = getattr(native, "SCM_RIGHTS", 1)
LOOPBACK_INDEX = dict(map(reversed, native.if_nameindex())).get("lo" if LINUX else "lo0", 1)


@pytest.fixture(params=WITH_IPV6)
def family(request: pytest.FixtureRequest, folder: Path) -> Family:
    return Family(request.param, folder)


@pytest.fixture
def channel() -> Iterator[tuple[Socket, Socket]]:
    """Two connected UNIX stream sockets, non-blocking."""
    pair = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    with pair[0], pair[1]:
        yield pair


@pytest.fixture(autouse=True)
def nothing_leaks() -> Iterator[None]:
    before = descriptors()
    yield
    collect_garbage()
    assert descriptors() <= before


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def received(sock: Socket, count: int = 100, *flags: ReceiveFromOption, room: int = 4096) -> Any:
    readable(sock)
    data, header = receive_message(sock, count, *flags, room=room)
    assert isinstance(header, MessageHeader)
    return data, header


def item_of(sock: Socket) -> Any:
    [item] = received(sock)[1].items
    return item


# Bytes.

BUFFERS: list[Any] = [
    b"ab", bytearray(b"cd"), memoryview(b"xefx")[1:3], b"", array.array("B", b"g"),
]


@pytest.mark.parametrize("kind", ["pair", "datagrams"])
def test_several_buffers_go_as_one(make: Makers, kind: str) -> None:
    first, second = getattr(make, kind)()
    assert send_message(first, BUFFERS) == 7
    data, header = received(second)
    assert data == b"abcdefg"
    assert header.items == () and not header.truncated and not header.items_truncated


def test_buffers_are_filled_one_after_the_other(make: Makers) -> None:
    first, second = make.datagrams()
    for text in (b"abcdefg", b"", b"abc"):
        buffers = [bytearray(b".."), memoryview(bytearray(b"......")), array.array("B", b"...")]
        assert send_message(first, (text,)) == len(text)
        readable(second)
        count, header = receive_message_into(second, buffers)
        assert (count, header.address) == (len(text), name_of(first))
        assert b"".join(map(bytes, buffers)) == text.ljust(11, b".")


def test_a_message_goes_to_its_address_and_says_from_whom_it_came(make: Makers) -> None:
    sender, places = make.bound(), [make.bound(), make.bound()]
    for i, sock in enumerate(places):
        assert send_message(sender, [b"to", bytes([i])], name_of(sock)) == 3
    for i, sock in enumerate(places):
        data, header = received(sock)
        assert (data, header.address) == (b"to" + bytes([i]), name_of(sender))


def test_no_buffers_are_an_empty_message(make: Makers) -> None:
    first, second = make.datagrams()
    assert send_message(first, []) == 0
    assert received(second)[0] == b""
    assert send_message(first, [b"lost"]) == 4
    readable(second)
    count, header = receive_message_into(second, [])
    assert (count, header.truncated) == (0, True)


def test_what_has_no_room_is_lost_and_that_is_told(make: Makers) -> None:
    first, second = make.datagrams()
    for count in (0, 3):
        assert send_message(first, [b"abcd"]) == 4
        data, header = received(second, count)
        assert (data, header.truncated) == (b"abcd"[:count], True)
    for size in (4, 5):
        assert send_message(first, [b"abcd"]) == 4
        assert not received(second, size)[1].truncated


@linux_only
def test_a_flag_tells_how_long_a_datagram_was(make: Makers) -> None:
    first, second = make.datagrams()
    flag, peek = ReceiveFromOption(native.MSG_TRUNC), ReceiveFromOption.PEEK
    send_message(first, [b"abcdef"])
    assert received(second, 4, flag, peek)[0] == b"abcd"
    assert receive_message_into(second, [bytearray(2), bytearray(1)], flag)[0] == 6


def test_the_end_of_a_stream_is_no_bytes(make: Makers) -> None:
    client, server = make.pair()
    send_message(client, [b"last"])
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert received(server)[0] == b"last"
    data, header = received(server)
    assert (data, header.items) == (b"", ())


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 300000])
def test_a_message_of_every_size_arrives_whole(make: Makers, size: int) -> None:
    """Below 64 KiB in memory that is used again, above it in memory of its own."""
    client, server = make.pair()
    data, got = os.urandom(size), b""
    waiter = Waiter(within, DEADLINE if make.nonblocking else None, rest_of, client, data)
    while len(got) < size:
        got += received(server, size)[0]
    assert waiter.answer() == size
    assert got == data


def rest_of(sock: Socket, data: bytes) -> Any:
    """Send all, in three buffers each time."""
    done = 0
    while done < len(data):
        rest = memoryview(data)[done:]
        sent = send_message(sock, [rest[:9], rest[9:100], rest[100:]])
        if isinstance(sent, SocketCondition):
            assert sock.nonblocking
            _sockets.wait_for_socket(sock, False, True, DEADLINE)
            continue
        assert sent == len(rest) or sock.nonblocking
        done += sent
    return done


def test_a_blocking_stream_goes_on_with_what_had_no_room_at_once(unix: Makers) -> None:
    """The items have gone with the first byte, and do not go again."""
    client, server = unix.pair()
    set_socket_option(client, SocketOption.SEND_BUFFER, 4608)
    room = fill(client)
    got = 0
    while got < room - 2000:  # leaves the client room for a part
        got += len(received(server, room - 2000 - got)[0])
    unix.nonblocking = False
    unix.keep(client)
    data = os.urandom(60000)
    with open(os.devnull, "rb") as file:
        waiter = Waiter(send_message, client, [data[:5], data[5:]], None, [Descriptors([file])])
        items, parts = [], [b""]
        while len(b"".join(parts)) < room - got + 60000:
            part, header = received(server, 7000)
            parts.append(part)
            items += header.items
        assert waiter.answer() == 60000
    assert b"".join(parts)[room - got:] == data
    [item] = items
    close_descriptors(item)


# Not yet.

def test_nothing_yet_is_a_value(quick: Makers) -> None:
    client, _ = quick.pair()
    for receive, argument in ((receive_message, 9), (receive_message_into, [bytearray(3)])):
        nothing, condition = receive(client, argument)
        assert nothing is None
        assert isinstance(condition, SocketCondition)
        assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
        assert (condition.who, condition.syscall) == (receive.__name__, "recvmsg")


def test_no_room_yet_is_a_value_and_can_be_waited_for(quick: Makers) -> None:
    client, server = quick.pair()
    fill(client)
    answer = within(0.01, send_message, client, [b"x"])
    if isinstance(answer, SocketCondition):
        assert (answer.who, answer.syscall, answer.type) == (
            "send_message", "sendmsg", errno.ETIMEDOUT
        )
    waiter = Waiter(within, DEADLINE, send_message, client, [b"x", b"y"])
    while waiter.is_alive():
        receive_from_socket(server, 2**20)
    assert waiter.answer() in (1, 2)


def test_a_blocking_receive_waits(slow: Makers) -> None:
    client, server = slow.pair()
    for receive, argument in ((receive_message, 9), (receive_message_into, [bytearray(3)])):
        waiter = Waiter(receive, server, argument).is_asleep()
        send_message(client, [b"abc"])
        assert waiter.answer()[0] in (b"abc", 3)
    assert receive_message(server, 9, ReceiveFromOption.DONT_WAIT)[0] is None
    set_socket_option(server, SocketOption.RECEIVE_TIMEOUT, 0.02)
    assert receive_message(server, 9)[0] is None


def test_within_waits_for_a_message(quick: Makers) -> None:
    client, server = quick.pair()
    waiter = Waiter(within, DEADLINE, receive_message, server, 9).is_asleep()
    send_message(client, [b"abc"])
    assert waiter.answer()[0] == b"abc"
    nothing, condition = within(0.01, receive_message, server, 9, room=0)
    assert nothing is None
    assert condition.type == errno.ETIMEDOUT  # type: ignore[union-attr]


def test_a_wait_for_all_bytes_takes_none_before(slow: Makers) -> None:
    client, server = slow.pair()
    waiter = Waiter(receive_message, server, 6, ReceiveFromOption.WAIT_ALL).is_asleep()
    send_message(client, [b"abc"])
    waiter.is_asleep()
    send_message(client, [b"def"])
    assert waiter.answer()[0] == b"abcdef"


@with_lock
def test_messages_there_and_back_keep_the_lock(
    quick: Makers, stepper: Stepper  # noqa: F811
) -> None:
    sender, sock = quick.bound(), quick.bound()
    place, buffer = name_of(sock), bytearray(9)

    def round_trip() -> None:
        assert send_message(sender, [b"a", b"b"], place, ()) == 2
        receive_message(sock, 9)
        receive_message(sock, 65535)
        receive_message_into(sock, [buffer])

    assert stepper.steps_across(round_trip) <= 2


def test_closing_and_recognising_what_arrived_give_the_lock_up(
    quick: Makers, stepper: Stepper  # noqa: F811
) -> None:
    client, server = streams = make_socket_pair(
        SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    quick.keep(client), quick.keep(server)

    def arrived() -> ReceivedDescriptors:
        send_message(client, [b"x"], None, [Descriptors([client])])
        received = receive_message(server, 9)[1].items[0]  # type: ignore[union-attr]
        assert isinstance(received, ReceivedDescriptors)
        return received

    assert streams
    assert stepper.steps_during_enough_of(lambda: close_descriptors(arrived())) >= 3
    assert stepper.steps_during_enough_of(lambda: close_socket(take_socket(arrived()))) >= 3


def test_large_messages_and_blocking_sockets_give_the_lock_up(
    quick: Makers, stepper: Stepper  # noqa: F811
) -> None:
    sock, buffer = quick.bound(), bytearray(65536)
    for call in (lambda: receive_message(sock, 65536),
                 lambda: receive_message_into(sock, [bytearray(1), buffer])):
        assert stepper.steps_during_enough_of(would_block(call)) >= 3
    quick.nonblocking = False
    first, second = quick.datagrams()

    def there_and_back() -> None:
        send_message(first, [b"ab"])
        receive_message(second, 9)
        receive_from_socket(second, 9, ReceiveFromOption.DONT_WAIT)

    set_socket_option(second, SocketOption.RECEIVE_TIMEOUT, 0.001)
    assert stepper.steps_during_enough_of(lambda: receive_message(second, 9)) >= 3


# Arguments.

@pytest.mark.parametrize(("error", "told", "call"), [
    (TypeError, "sock must be a Socket", lambda s: send_message(3, [])),  # type: ignore[arg-type]
    (TypeError, "put a single one into a list", lambda s: send_message(s, b"ab")),
    (TypeError, "buffer must be an object", lambda s: send_message(s, ["text"])),
    (TypeError, "address must be a SocketAddress", lambda s: send_message(s, [], "x")),
    (ValueError, "address must be of the socket's", lambda s: send_message(
        s, [], InternetAddress(1, 1))),
    (TypeError, "items must be a list", lambda s: send_message(s, [], None, Descriptors([0]))),
    (TypeError, "item must be an AncillaryItem", lambda s: send_message(s, [], None, [b""])),
    (NotImplementedError, "cannot be sent", lambda s: send_message(s, [], None, [TimeStamp(1)])),
    (TypeError, "flag must be a SendToOption", lambda s: send_message(s, [], None, (), 1)),
    (TypeError, "count must be an int", lambda s: receive_message(s, b"")),
    (ValueError, "count must be from 0", lambda s: receive_message(s, -1)),
    (ValueError, "room must be from 0 to 4096", lambda s: receive_message(s, 1, room=4097)),
    (TypeError, "room must be an int", lambda s: receive_message_into(s, [], room=None)),
    (TypeError, "flag must be a Rec", lambda s: receive_message(s, 1, 1)),
    (TypeError, "buffer must be a writable", lambda s: receive_message_into(s, [b"abc"])),
    (TypeError, "put a single one", lambda s: receive_message_into(s, bytearray(1))),
])
def test_wrong_arguments_are_refused_before_any_call(
    channel: tuple[Socket, Socket], error: Any, told: str, call: Callable[[Any], Any]
) -> None:
    with pytest.raises(error, match=told):
        call(channel[0])
    assert receive_message(channel[1], 9)[0] is None


def test_a_closed_socket_is_no_descriptor(make: Makers) -> None:
    sock = make.bound()
    close_socket(sock)
    with reports(errno.EBADF, "receive_message", "recvmsg"):
        receive_message(sock, 9)
    with reports(errno.EBADF, "receive_message_into", "recvmsg"):
        receive_message_into(sock, [])
    with reports(errno.EBADF, "send_message", "sendmsg"):
        send_message(sock, [b""])


def test_buffers_are_lent_for_the_call_only(slow: Makers) -> None:
    first, second = slow.datagrams()
    buffers = [bytearray(2), bytearray(2)]
    waiter = Waiter(receive_message_into, second, buffers).is_asleep()
    with pytest.raises(BufferError):
        buffers[1].append(1)
    send_message(first, [b"abcd"])
    assert waiter.answer()[0] == 4
    for receive in (lambda: receive_message_into(second, [buffers[0], b"fixed"]),
                    lambda: send_message(first, [buffers[0], "text"])):
        with pytest.raises(TypeError):
            receive()
    for buffer in buffers:
        buffer.append(1)


def test_items_that_have_no_room_are_refused_and_nothing_is_sent(
    channel: tuple[Socket, Socket]
) -> None:
    for items in ([AncillaryData(1, 77, bytes(4081))], [AncillaryData(1, 77, bytes(100))] * 40):
        with reports(errno.ENOBUFS, "send_message", "sendmsg"):
            send_message(channel[0], [b"x"], None, items)
    assert receive_message(channel[1], 9)[0] is None


def test_an_item_that_the_socket_does_not_know_is_refused(tcp: Makers) -> None:
    first, _ = tcp.datagrams()
    with reports(errno.EINVAL, "send_message", "sendmsg"):
        send_message(first, [b"x"], None, [AncillaryData(native.SOL_SOCKET, 12345, b"")])


# Items of a program's own.

class Lost(AncillaryItem):
    """How many datagrams the kernel had no room for, SO_RXQ_OVFL of socket(7)."""

    __slots__ = ("count",)
    level, type = native.SOL_SOCKET, 40
    count: int

    @classmethod
    def extractor(cls, data: bytes) -> Lost:
        return cls(*struct.unpack("=I", data))


@pytest.fixture
def counting(tcp: Makers) -> Iterator[tuple[Socket, Socket]]:
    """Two sockets, of which the second is told how many datagrams were lost."""
    first, second = tcp.datagrams()
    set_socket_option(second, int_option(40), 1)
    set_socket_option(second, SocketOption.RECEIVE_BUFFER, 2304)
    for _ in range(100):
        send_to_socket(first, bytes(1000), None)
    while receive_from_socket(second, 9)[0] is not None:
        pass
    send_to_socket(first, b"x", None)
    yield first, second
    _sockets.item_kinds.pop((Lost.level, Lost.type), None)


@linux_only
def test_what_nobody_knows_stays_bytes(counting: tuple[Socket, Socket]) -> None:
    item = item_of(counting[1])
    assert (item.level, item.type) == (native.SOL_SOCKET, 40)
    assert type(item) is AncillaryData
    assert 1 <= struct.unpack("=I", item.data)[0] < 100


@linux_only
def test_a_program_adds_a_kind_of_item_with_public_classes_alone(
    counting: tuple[Socket, Socket]
) -> None:
    assert lookup_ancillary_item(Lost.level, Lost.type) is None
    register_ancillary_item(Lost)
    assert lookup_ancillary_item(Lost.level, Lost.type) is Lost
    item = item_of(counting[1])
    assert isinstance(item, Lost)
    assert 1 <= item.count < 100
    assert eval(repr(item)) == item and hash(item) == hash(Lost(item.count))
    with pytest.raises(NotImplementedError, match="Lost has no converter"):
        send_message(counting[0], [], None, [item])


@linux_only
def test_what_its_class_cannot_read_stays_bytes(counting: tuple[Socket, Socket]) -> None:
    class Picky(Lost):
        __slots__ = ()

        @classmethod
        def extractor(cls, data: bytes) -> Lost:
            raise ValueError("not mine")

    register_ancillary_item(Picky)
    assert type(item_of(counting[1])) is AncillaryData


@linux_only
@pytest.mark.parametrize("result", [ZeroDivisionError("wrong"), "no item"])
def test_another_fault_of_an_extractor_is_raised_with_the_bytes(
    counting: tuple[Socket, Socket], result: Any
) -> None:
    class Broken(Lost):
        __slots__ = ()

        @classmethod
        def extractor(cls, data: bytes) -> Any:
            if isinstance(result, Exception):
                raise result
            return result

    register_ancillary_item(Broken)
    with pytest.raises((ZeroDivisionError, TypeError)) as raised:
        receive_message(counting[1], 9)
    assert raised.value.done == b"x"  # type: ignore[attr-defined]


@linux_only
def test_descriptors_are_closed_when_an_extractor_fails(unix: Makers) -> None:
    class Broken(Credentials):
        __slots__ = ()

        @classmethod
        def extractor(cls, data: bytes) -> Any:
            raise ZeroDivisionError("wrong")

    first, second = unix.pair()
    set_socket_option(second, SocketOption.PASS_CREDENTIALS, True)
    register_ancillary_item(Broken)
    try:
        send_message(first, [b"x"], None, [Descriptors([0, 1, 2])])
        before = descriptors()
        with pytest.warns(ResourceWarning, match="unclosed descriptors"):
            with pytest.raises(ZeroDivisionError):
                received(second)
            collect_garbage()
        assert descriptors() == before
    finally:
        register_ancillary_item(Credentials)


def test_a_kind_with_other_numbers_is_sent_by_hand(channel: tuple[Socket, Socket]) -> None:
    class Raw(AncillaryItem):
        __slots__ = ()
        level, type = native.SOL_SOCKET, RIGHTS

        def converter(self) -> bytes:
            return struct.pack("i", channel[0].fd)

    assert send_message(channel[0], [b"x"], None, [Raw()]) == 1
    with item_of(channel[1]) as got:
        assert os.path.sameopenfile(got.fds[0], channel[0].fd)


@pytest.mark.parametrize(("error", "told", "kind"), [
    (TypeError, "class of ancillary items", Lost(1)), (TypeError, "class of anc", SocketOption),
    (TypeError, "needs a level and a type", AncillaryItem),
    (ValueError, "always arrive as ReceivedDescriptors", Descriptors),
    (ValueError, "always arrive", type("Mine", (Lost,), {"type": RIGHTS, "__slots__": ()})),
    (TypeError, "level must be an int", type("Mine", (Lost,), {"level": "1", "__slots__": ()})),
    (TypeError, "extractor must be a procedure",
     type("Mine", (Lost,), {"extractor": None, "__slots__": ()})),
])
def test_what_is_no_kind_of_item_is_not_registered(error: Any, told: str, kind: Any) -> None:
    before = dict(_sockets.item_kinds)
    with pytest.raises(error, match=told):
        register_ancillary_item(kind)
    assert _sockets.item_kinds == before


def test_a_converter_must_return_bytes(channel: tuple[Socket, Socket]) -> None:
    class Wrong(Lost):
        __slots__ = ()

        def converter(self) -> Any:
            return "text"

    with pytest.raises(TypeError, match=r"Wrong\.converter must return bytes"):
        send_message(channel[0], [b"x"], None, [Wrong(1)])


# Descriptors.

def test_descriptors_arrive_as_others_for_the_same_files(channel: tuple[Socket, Socket]) -> None:
    first, second = channel
    with open(os.devnull, "rb") as file:
        assert send_message(first, [b"x"], None, [Descriptors([file, first, file.fileno()])]) == 1
        data, header = received(second)
        assert data == b"x" and not header.items_truncated
        [item] = header.items
        assert len(item) == 3
        for mine, other in zip((file.fileno(), first.fd, file.fileno()), item.fds, strict=True):
            assert mine != other
            assert os.path.sameopenfile(mine, other)
            assert not os.get_inheritable(other)
        close_descriptors(item)
        close_descriptors(item)
        assert (len(item), item.fds) == (0, ())


@pytest.mark.parametrize("buffers", [1, 16, 17, 40])
@pytest.mark.parametrize("files", [1, 16, 17, 100])
@pytest.mark.parametrize("sequence", [list, tuple])
def test_many_buffers_and_descriptors_go_as_few_do(
    channel: tuple[Socket, Socket], buffers: int, files: int, sequence: Any
) -> None:
    parts = sequence([b"ab"] * buffers)
    item = Descriptors([channel[0] if i % 2 else 0 for i in range(files)])
    assert send_message(channel[0], parts, None, sequence([item])) == 2 * buffers
    into = sequence([bytearray(1) for _ in range(2 * buffers)])
    count, header = receive_message_into(channel[1], into)
    assert b"".join(into) == b"ab" * buffers and count == 2 * buffers
    with header.items[0] as received:
        assert len(received) == files
        for i, fd in enumerate(received.fds):
            assert os.path.sameopenfile(fd, channel[0].fd if i % 2 else 0)


def test_an_object_that_was_closed_is_not_sent(channel: tuple[Socket, Socket]) -> None:
    first, second = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    item = Descriptors([first, second])
    close_socket(first)
    with second, pytest.raises(ValueError, match="descriptor must be from 0"):
        send_message(channel[0], [b"x"], None, [item])
    assert receive_message(channel[1], 9)[0] is None


def test_what_is_taken_is_the_takers(channel: tuple[Socket, Socket]) -> None:
    first, second = channel
    with open(os.devnull, "rb") as file:
        send_message(first, [b"x"], None, [Descriptors((file, second))])
    with item_of(second) as item:
        fds = item.fds
        fd = take_descriptor(item)
        assert (fd, item.fds) == (fds[0], fds[1:])
        sock = take_socket(item)
        assert sock.fd == fds[1]
        with pytest.raises(ValueError, match="no descriptor is left"):
            take_descriptor(item)
    with sock:
        assert (sock.domain, sock.type, sock.nonblocking) == (
            SocketDomain.UNIX, SocketType.STREAM, True
        )
        send_message(first, [b"to the twin"])
        assert received(sock)[0] == b"to the twin"
    os.close(fd)


def test_what_is_no_socket_stays_where_it_was(channel: tuple[Socket, Socket]) -> None:
    with open(os.devnull, "rb") as file:
        send_message(channel[0], [b"x"], None, [Descriptors([file])])
    with item_of(channel[1]) as item:
        fds = item.fds
        with reports(errno.ENOTSOCK, "take_socket"):
            take_socket(item)
        assert item.fds == fds


def test_what_nobody_takes_is_closed_with_a_warning(channel: tuple[Socket, Socket]) -> None:
    send_message(channel[0], [b"x"], None, [Descriptors([0, 1, 2])])
    before = descriptors()
    item = item_of(channel[1])
    fd = take_descriptor(item)
    with pytest.warns(ResourceWarning, match=f"unclosed descriptors \\({fd + 1}, {fd + 2}\\)"):
        del item
        collect_garbage()
    os.close(fd)
    assert descriptors() == before


def test_what_was_taken_or_closed_is_dropped_silently(channel: tuple[Socket, Socket]) -> None:
    for _ in range(2):
        send_message(channel[0], [b"x"], None, [Descriptors([0])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        os.close(take_descriptor(item_of(channel[1])))
        close_descriptors(item_of(channel[1]))
        collect_garbage()


def test_memory_with_descriptors_is_not_used_again_before_they_are_gone(
    channel: tuple[Socket, Socket]
) -> None:
    first, second = channel
    for fd in (0, 1, 2):
        send_message(first, [b"x"], None, [Descriptors([fd])])
    items = [item_of(second) for _ in range(3)]
    assert len({item.fds for item in items}) == 3
    for fd, item in enumerate(items):
        assert os.path.sameopenfile(fd, item.fds[0])
        send_message(first, [b"x"])
        assert received(second)[1].items == ()
        assert len(item) == 1
        close_descriptors(item)


def test_a_cut_list_is_told_and_closed(channel: tuple[Socket, Socket]) -> None:
    first, second = channel
    before = descriptors()
    for room in range(native.CMSG_SPACE(16)):
        send_message(first, [b"x"], None, [Descriptors([0, 1, 2, 0])])
        data, header = received(second, room=room)
        assert data == b"x"
        assert header.items_truncated == (room < native.CMSG_LEN(16))
        for item in header.items:
            assert len(item) == min(4, (room - native.CMSG_LEN(0)) // 4)
            close_descriptors(item)
        assert descriptors() == before


def test_a_peek_brings_descriptors_of_its_own(channel: tuple[Socket, Socket]) -> None:
    send_message(channel[0], [b"x"], None, [Descriptors([0])])
    _, header = received(channel[1], 9, ReceiveFromOption.PEEK)
    for item in header.items:
        close_descriptors(item)
    with item_of(channel[1]) as item:
        assert len(item) == 1


@linux_only
def test_as_many_descriptors_as_the_kernel_takes_go_in_one_message(
    channel: tuple[Socket, Socket]
) -> None:
    assert send_message(channel[0], [b"x"], None, [Descriptors([0] * 253)]) == 1
    with item_of(channel[1]) as item:
        assert len(set(item.fds)) == 253
    with reports(errno.EINVAL, "send_message"):
        send_message(channel[0], [b"x"], None, [Descriptors([0] * 254)])


def test_received_descriptors_can_be_sent_on(channel: tuple[Socket, Socket]) -> None:
    first, second = channel
    send_message(first, [b"x"], None, [Descriptors([0])])
    with item_of(second) as item:
        send_message(second, [b"y"], None, [item])
        with item_of(first) as back:
            assert os.path.sameopenfile(0, back.fds[0])
        assert len(item) == 1


def test_an_owner_is_no_value(channel: tuple[Socket, Socket]) -> None:
    send_message(channel[0], [b"x"], None, [Descriptors([0])])
    with item_of(channel[1]) as item:
        assert item == item and item != Descriptors(item.fds)
        assert item in {item}
        assert repr(item) == f"<ReceivedDescriptors fds={item.fds}>"
        with pytest.raises(TypeError, match="one owner"):
            pickle.dumps(item)
        with pytest.raises(AttributeError):
            item.fds = ()
    with pytest.raises(TypeError, match="only receive_message"):
        ReceivedDescriptors()


def test_descriptors_are_asked_for_when_they_are_sent(channel: tuple[Socket, Socket]) -> None:
    with open(os.devnull, "rb") as file:
        items = [Descriptors([file])]
    with pytest.raises(ValueError, match="closed file"):
        send_message(channel[0], [b"x"], None, items)
    sock = create_socket(SocketDomain.UNIX, SocketType.DATAGRAM, SocketProtocol.AUTO)
    items = [Descriptors([sock])]
    close_socket(sock)
    with pytest.raises(ValueError, match="descriptor must be from 0"):
        send_message(channel[0], [b"x"], None, items)
    with reports(errno.EBADF, "send_message"):
        send_message(channel[0], [b"x"], None, [Descriptors([2**31 - 1])])
    assert receive_message(channel[1], 9)[0] is None


@pytest.mark.parametrize(("error", "files"), [
    (TypeError, 3), (TypeError, ["3"]), (TypeError, [True]), (ValueError, [-1]),
    (TypeError, [None]),
])
def test_what_has_no_descriptor_is_refused(error: Any, files: Any) -> None:
    with pytest.raises(error, match=r"Descriptors: files? must"):
        Descriptors(files)


def test_python_and_we_hand_descriptors_to_each_other() -> None:
    theirs, other = native.socketpair()
    ours = _sockets.from_python_socket(other)
    with theirs, ours:
        native.send_fds(theirs, [b"x"], [0, 1])
        with item_of(ours) as item:
            assert [os.path.sameopenfile(i, fd) for i, fd in enumerate(item.fds)] == [True] * 2
        send_message(ours, [b"y"], None, [Descriptors([0])])
        _, fds, _, _ = native.recv_fds(theirs, 9, 4)
        os.close(*fds)


# What packets tell.

def told(receiver: Socket, option: Any) -> None:
    set_socket_option(receiver, option, True)


def test_packet_information_says_where_to_and_answers_from_there(tcp: Makers) -> None:
    server, client = tcp.socket(SocketType.DATAGRAM), tcp.bound()
    _sockets.bind_socket(server, InternetAddress(None, 0))
    told(server, IpOption.RECEIVE_PACKET_INFO)
    port = name_of(server).port  # type: ignore[attr-defined]
    for host in ("127.0.0.1", "127.0.0.77") if LINUX else ("127.0.0.1",):
        send_message(client, [b"where?"], InternetAddress(host, port))
        item = item_of(server)
        here = InternetAddress(host, None)
        assert item == InternetPacketInfo(LOOPBACK_INDEX, here, here)
        send_message(server, [b"there"], name_of(client), [item])
        assert received(client)[1].address == InternetAddress(host, port)


def test_ipv6_packet_information_says_where_to_and_answers_from_there(six: Makers) -> None:
    server, client = six.socket(SocketType.DATAGRAM), six.bound()
    _sockets.bind_socket(server, Internet6Address(None, 0))
    told(server, Internet6Option.RECEIVE_PACKET_INFO)
    port = name_of(server).port  # type: ignore[attr-defined]
    send_message(client, [b"where?"], Internet6Address("::1", port))
    item = item_of(server)
    assert item == Internet6PacketInfo(LOOPBACK_INDEX, Internet6Address("::1", None))
    send_message(server, [b"there"], name_of(client), [item])
    assert received(client)[1].address == Internet6Address("::1", port)
    with reports(errno.EINVAL, "send_message"):
        bad = Internet6PacketInfo(0, Internet6Address("2001:db8::1", None))
        send_message(server, [b"x"], name_of(client), [bad])


@pytest.fixture
def six(folder: Path) -> Iterator[Makers]:
    """Non-blocking sockets of the IPv6 family."""
    makers = Makers(Family("internet6", folder), True)
    try:
        makers.bound()
    except SocketCondition:
        pytest.skip("the machine has no IPv6 loopback")
    yield makers
    makers.close()


@linux_only
def test_hops_and_classes_are_told_and_can_be_sent(tcp: Makers, six: Makers) -> None:
    for make, hops, urgency, options in (
        (tcp, TimeToLive, TypeOfService, (IpOption.RECEIVE_TTL, IpOption.RECEIVE_TYPE_OF_SERVICE)),
        (six, HopLimit, TrafficClass,
         (Internet6Option.RECEIVE_HOP_LIMIT, Internet6Option.RECEIVE_TRAFFIC_CLASS)),
    ):
        first, second = make.datagrams()
        for option in options:
            told(second, option)
        items: list[Any] = [hops(7), urgency(0x48)]
        send_message(first, [b"x"], None, items)
        assert set(received(second)[1].items) == set(items)
        send_to_socket(first, b"x", None)
        assert set(received(second)[1].items) == {hops(64), urgency(0)}


@pytest.mark.parametrize("domain", ["INTERNET", "INTERNET_V6", "UNIX"])
def test_a_time_stamp_says_when_a_datagram_came(folder: Path, domain: str) -> None:
    names = {"INTERNET": "internet", "INTERNET_V6": "internet6", "UNIX": "unix"}
    make = Makers(Family(names[domain], folder), True)
    try:
        first, second = make.datagrams()
        told(second, SocketOption.TIME_STAMPS)
        before = time.time_ns()
        send_message(first, [b"x"])
        item = item_of(second)
        assert isinstance(item, TimeStamp)
        assert before - 10**7 <= item.nanoseconds <= time.time_ns()
    finally:
        make.close()


@linux_only
def test_credentials_say_who_has_sent(channel: tuple[Socket, Socket]) -> None:
    first, second = channel
    told(second, SocketOption.PASS_CREDENTIALS)
    mine = Credentials(os.getpid(), os.getuid(), os.getgid())
    send_message(first, [b"x"])
    assert item_of(second) == mine
    send_message(first, [b"x"], None, [mine, Descriptors([0])])
    items = received(second)[1].items
    assert items[0] == mine and len(items) == 2
    close_descriptors(items[1])
    send_message(first, [b"x"])
    _, header = received(second, room=native.CMSG_LEN(12) - 1)
    assert header.items_truncated
    [cut] = header.items
    assert cut == AncillaryData(mine.level, mine.type, mine.converter()[:-1])


@linux_only
@pytest.mark.parametrize("waits", [False, True])
def test_an_unreachable_peer_is_told_by_its_icmp_message(
    tcp: Makers, six: Makers, waits: bool
) -> None:
    for make, option, report in (
        (tcp, IpOption.RECEIVE_ERRORS,
         InternetErrorReport(errno.ECONNREFUSED, 2, 3, 3, 0, 0, InternetAddress("127.0.0.1", 0))),
        (six, Internet6Option.RECEIVE_ERRORS,
         Internet6ErrorReport(errno.ECONNREFUSED, 3, 1, 4, 0, 0, Internet6Address("::1", 0))),
    ):
        sender, gone = make.bound(), make.bound()
        told(sender, option)
        place = name_of(gone)
        close_socket(gone)
        set_socket_nonblocking(sender, not waits)
        flag = ReceiveFromOption.ERROR_QUEUE
        assert receive_message(sender, 9, flag)[0] is None
        send_message(sender, [b"any", b"body"], place)
        data, header = received(sender, 100, flag)
        assert (data, header.address, header.items) == (b"anybody", place, (report,))
        assert receive_message(sender, 9, flag)[0] is None
        set_socket_nonblocking(sender, True)
        send_message(sender, [b"again"], place)
        assert within(DEADLINE, receive_message, sender, 9, flag)[0] == b"again"


@pytest.mark.skipif(not HAS_RECEIVE_OFFLOAD, reason="the platform has no segments")
def test_a_size_of_segments_cuts_and_tells(tcp: Makers, six: Makers) -> None:
    for make in (tcp, six):
        sender, receiver = make.datagrams()
        data = os.urandom(250)
        send_message(sender, [data], None, [SegmentSize(100)])
        assert [received(receiver)[0] for _ in range(3)] == [data[:100], data[100:200], data[200:]]
        told(receiver, UdpOption.RECEIVE_OFFLOAD)
        send_message(sender, [data], None, [SegmentSize(100)])
        got, header = received(receiver, 1000)
        if len(got) == 250:
            assert header.items == (SegmentSize(100),)


# Properties.

KINDS = [kind for kind in (
    TimeToLive, HopLimit, TypeOfService, TrafficClass, InternetPacketInfo, Internet6PacketInfo,
    Credentials, TimeStamp, InternetErrorReport, Internet6ErrorReport, SegmentSize,
) if hasattr(kind, "type")]
BYTE, INDEX = st.integers(0, 255), st.integers(0, 2**31 - 1)
HOSTS = st.builds(InternetAddress, st.integers(0, 2**32 - 1), st.none())
HOSTS6 = st.builds(Internet6Address, st.integers(0, 2**128 - 1), st.none())
NUMBER = st.integers(0, 2**32 - 1)


@given(st.sampled_from(KINDS), st.one_of(
    st.binary(max_size=64), st.sampled_from([1, 2, 4, 8, 12, 16, 20, 32, 44]).flatmap(
        lambda size: st.binary(min_size=size, max_size=size))))
def test_any_bytes_become_an_item_of_their_kind_or_stay_bytes(kind: Any, data: bytes) -> None:
    arrives = 104 if kind is SegmentSize else kind.type
    item = _sockets.read_item("receive_message", kind.level, arrives, data)
    if type(item) is AncillaryData:
        assert item == AncillaryData(kind.level, arrives, data)
    else:
        assert type(item) is kind
        assert eval(repr(item)) == item


@given(st.one_of(
    st.builds(TimeToLive, BYTE), st.builds(HopLimit, BYTE), st.builds(TypeOfService, BYTE),
    st.builds(TrafficClass, BYTE), st.builds(InternetPacketInfo, INDEX, HOSTS, HOSTS),
    st.builds(Internet6PacketInfo, INDEX, HOSTS6),
    st.builds(Credentials, INDEX, NUMBER, NUMBER),
))
def test_an_item_comes_back_from_its_bytes(item: Any) -> None:
    assert item.extractor(item.converter()) == item
    assert pickle.loads(pickle.dumps(item)) == item
    assert eval(repr(item)) == item
    with pytest.raises(ValueError):
        item.extractor(item.converter() + b"x")


@pytest.mark.parametrize(("error", "make"), [
    (ValueError, lambda: TimeToLive(256)), (TypeError, lambda: HopLimit("1")),
    (ValueError, lambda: SegmentSize(65536)), (ValueError, lambda: TrafficClass(-1)),
    (ValueError, lambda: InternetPacketInfo(-1)), (TypeError, lambda: InternetPacketInfo(1, "::1")),
    (TypeError, lambda: InternetPacketInfo(1, None, Internet6Address(1, 1))),
    (TypeError, lambda: Internet6PacketInfo(1, InternetAddress(1, 1))),
    (ValueError, lambda: Credentials(-1, 0, 0)), (ValueError, lambda: Credentials(0, 2**32, 0)),
    (TypeError, lambda: Credentials(0, 0, None)), (ValueError, lambda: TimeStamp(-1)),
    (TypeError, lambda: AncillaryData("1", 2, b"")), (TypeError, lambda: AncillaryData(1, 2, "")),
    (ValueError, lambda: AncillaryData(2**31, 2, b"")),
    (TypeError, lambda: lookup_ancillary_item("1", 2)),
    (TypeError, lambda: take_descriptor(3)), (TypeError, lambda: take_socket(Descriptors([0]))),
    (TypeError, lambda: close_descriptors(None)),
])
def test_wrong_parts_are_refused(error: Any, make: Callable[[], Any]) -> None:
    with pytest.raises(error, match=r"^\w+: \w+ must be|has the fields"):
        make()


def test_what_one_thread_is_closing_no_other_can_take(tcp: Makers) -> None:
    listener, client = tcp.listener(), tcp.socket()
    set_socket_option(listener, SocketOption.RECEIVE_BUFFER, 4096)
    set_socket_option(client, SocketOption.SEND_BUFFER, 1 << 20)
    connect_socket(client, name_of(listener))
    server = tcp.accepted(listener)
    fill(client)
    set_socket_option(client, SocketOption.LINGER, 30)
    set_socket_nonblocking(client, False)  # on Linux one that does not block does not linger
    first, second = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    tcp.keep(first), tcp.keep(second)
    send_message(first, [b"x"], None, [Descriptors([client, 0])])
    item = received(second)[1].items[0]
    close_socket(client)
    waiter = Waiter(close_descriptors, item).is_asleep()
    with pytest.raises(ValueError, match="no descriptor is left"):
        take_descriptor(item)
    with contextlib.suppress(SocketCondition):
        while receive_from_socket(server, 1 << 20)[0] != b"" and waiter.is_alive():
            pass
    waiter.answer()


@pytest.fixture
def two_sockets(channel: tuple[Socket, Socket]) -> Iterator[ReceivedDescriptors]:
    send_message(channel[0], [b"x"], None, [Descriptors(channel)])
    with item_of(channel[1]) as item:
        yield item


def when_recognised(monkeypatch: pytest.MonkeyPatch, *calls: Callable[[], object]) -> None:
    """Each of these is called once, when a descriptor has been looked at and not yet taken."""
    waiting, recognise = list(calls), _sockets.recognise

    def look(who: str, fd: int) -> Socket:
        sock = recognise(who, fd)
        if waiting:
            waiting.pop()()
        return sock

    monkeypatch.setattr(_sockets, "recognise", look)


def test_two_threads_take_two_sockets(
    two_sockets: ReceivedDescriptors, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=DEADLINE)
    when_recognised(monkeypatch, both.wait, both.wait)
    fds, waiters = two_sockets.fds, [Waiter(take_socket, two_sockets) for _ in range(2)]
    socks = [waiter.answer() for waiter in waiters]
    assert sorted(sock.fd for sock in socks) == sorted(fds)
    assert two_sockets.fds == ()
    for sock in socks:
        close_socket(sock)


def test_a_socket_is_not_taken_where_its_descriptor_just_was(
    two_sockets: ReceivedDescriptors, monkeypatch: pytest.MonkeyPatch
) -> None:
    fds, taken = two_sockets.fds, []
    when_recognised(monkeypatch, lambda: taken.append(take_descriptor(two_sockets)))
    with take_socket(two_sockets) as sock:
        assert (*taken, sock.fd) == fds
    os.close(taken[0])


@pytest.mark.parametrize("closed_first", [False, True])
def test_no_socket_is_taken_where_all_were_just_closed(
    two_sockets: ReceivedDescriptors, monkeypatch: pytest.MonkeyPatch, closed_first: bool
) -> None:
    recognise = _sockets.recognise
    when_recognised(monkeypatch, lambda: close_descriptors(two_sockets))
    if closed_first:
        monkeypatch.setattr(_sockets, "recognise", lambda who, fd: (
            close_descriptors(two_sockets), recognise(who, fd)
        ))
    with pytest.raises(ValueError, match="no descriptor is left"):
        take_socket(two_sockets)


def test_threads_take_each_descriptor_once(channel: tuple[Socket, Socket]) -> None:
    before, interval = descriptors(), sys.getswitchinterval()

    def work(item: ReceivedDescriptors, start: threading.Barrier) -> list[int]:
        taken = []
        start.wait(DEADLINE)
        with contextlib.suppress(ValueError):
            while True:
                taken.append(take_descriptor(item))
                taken.append(detach_socket(take_socket(item)))
        return taken

    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            send_message(channel[0], [b"x"], None, [Descriptors([channel[0]] * 100)])
            item, start = item_of(channel[1]), threading.Barrier(3)
            fds = sorted(item.fds)
            waiters = [Waiter(work, item, start) for _ in range(3)]
            taken = [fd for waiter in waiters for fd in waiter.answer()]
            assert item.fds == () and sorted(taken) == fds
            for fd in taken:
                os.close(fd)
    finally:
        sys.setswitchinterval(interval)
    assert descriptors() == before


def test_threads_receive_descriptors_at_the_same_time_and_lose_none() -> None:
    pairs = [make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
             for _ in range(4)]
    before = descriptors()

    def work(first: Socket, second: Socket) -> None:
        for _ in range(200):
            send_message(first, [b"x"], None, [Descriptors([0, second])])
            with received(second)[1].items[0] as item:
                os.close(take_descriptor(item))

    waiters = [Waiter(work, *pair) for pair in pairs]
    for waiter in waiters:
        waiter.answer()
    assert descriptors() == before
    for pair in pairs:
        for sock in pair:
            close_socket(sock)


@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="no other Python can be told to fail"
)
@pytest.mark.skipif(
    hasattr(sys, "gettotalrefcount"), reason="with its own checks CPython ends at its own mistake"
)
def test_no_descriptor_is_lost_when_an_allocation_fails() -> None:
    """Python's own allocator fails once, at each of its calls in turn.

    If it fails where CPython's stack is to grow, CPython loses the arguments of the call; so there
    may be one place where the memory with the descriptors, an argument, is lost to everybody.
    """
    pytest.importorskip("_testcapi", reason="this Python cannot be told to fail")
    run_python("""if True:
        import os, socket, warnings
        import _testcapi
        from sockets import *

        warnings.simplefilter("ignore")
        first, second = make_socket_pair(
            SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
        )
        second = to_python_socket(second)
        set_socket_option(first, SocketOption.PASS_CREDENTIALS, True)

        def receive():
            return receive_message(first, 9)

        failures, lost = 0, []
        for place in range(400):
            socket.send_fds(second, [b"x"], [0, 1, 2])
            before = len(os.listdir("/proc/self/fd"))
            got = None
            try:
                _testcapi.set_nomemory(place, place + 1)
                got = receive()
            except MemoryError:
                failures += 1
            finally:
                _testcapi.remove_mem_hooks()
            if got is not None:
                close_descriptors(got[1].items[-1])
            del got
            if len(os.listdir("/proc/self/fd")) != before:
                lost.append(place)
            while receive_from_socket(first, 9)[0] is not None:
                pass
        assert 20 < failures < 400 and len(lost) <= 1, (failures, lost)
        second.close()
        close_socket(first)
    """)


def test_audit_hooks_are_told_of_a_message_and_can_forbid_it() -> None:
    run_python("""if True:
        import sys
        from sockets import *

        first, second = [create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM,
                                       SocketProtocol.AUTO) for _ in range(2)]
        bind_socket(second, InternetAddress("127.0.0.1", 0))
        place, seen, forbidden = get_socket_name(second), [], []

        def look(event, arguments):
            if event == "socket.sendmsg":
                seen.append((arguments[0] is first, *arguments[1:]))
                if forbidden:
                    raise PermissionError("not here")

        sys.addaudithook(look)
        assert send_message(first, [b"x"], place, [TypeOfService(16)]) == 1
        connect_socket(first, place)
        assert send_message(first, [b"y"]) == 1
        assert seen == [(True, ("127.0.0.1", place.port)), (True, None)], seen
        forbidden.append(1)
        try:
            send_message(first, [b"z"])
        except PermissionError:
            forbidden.clear()
        assert not forbidden
        got = [receive_message(second, 9)[0] for _ in range(3)]
        assert got == [b"x", b"y", None], got
        close_socket(first)
        close_socket(second)
    """)
