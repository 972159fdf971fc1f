"""What was asked for is what is waited for: nothing, enough bytes, an end, a kind of socket."""

from __future__ import annotations

import contextlib
import socket as native
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import (
    WINDOWS,
    WITH_IPV6,
    Family,
    Makers,
    Waiter,
    int_option,
    name_of,
    needs_posix,
    needs_unix_sockets,
    readable,
    until,
    wine_lacks,
)

from sockets import (
    ReceiveFromOption,
    ShutdownMethod,
    Socket,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    accept_socket,
    adopt_descriptor,
    close_socket,
    connect_socket,
    create_socket,
    detach_socket,
    from_python_socket,
    make_socket_pair,
    receive_datagrams,
    receive_exactly,
    receive_from_socket,
    receive_into_socket,
    send_datagrams,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    to_python_socket,
    wait_for_socket,
)

AUTO, STREAM, DATAGRAM = SocketProtocol.AUTO, SocketType.STREAM, SocketType.DATAGRAM
SEQUENCE = SocketType.SEQUENCE_PACKET
PEEK = ReceiveFromOption.PEEK


@pytest.fixture(params=WITH_IPV6)
def family(request: pytest.FixtureRequest, folder: Any) -> Family:
    return Family(request.param, folder)


# Nothing.

def hang_up(client: Socket, server: Socket) -> None:
    close_socket(server)


def end_both(client: Socket, server: Socket) -> None:
    shutdown_socket(client, ShutdownMethod.READ_AND_WRITE)


def reset(client: Socket, server: Socket) -> None:
    set_socket_option(server, SocketOption.LINGER, 0)
    close_socket(server)


def send(client: Socket, server: Socket) -> None:
    send_to_socket(server, b"x", None)


@pytest.mark.parametrize(
    "event", [hang_up, pytest.param(end_both, marks=wine_lacks("end")), reset, send]
)
def test_waiting_for_nothing_lasts_its_time_whatever_happens_to_the_socket(
    make: Makers, event: Callable[[Socket, Socket], None]
) -> None:
    client, server = make.pair()
    event(client, server)
    readable(client)
    began, computed = time.monotonic(), time.process_time()
    assert wait_for_socket(client, False, False, 0.3) == (False, False)
    assert time.monotonic() - began >= (0.28 if WINDOWS else 0.3)
    assert time.process_time() - computed < 0.25, "it was asked again and again"
    assert wait_for_socket(client, False, False, 0) == (False, False)


# The low-water mark.

MARK = int_option(getattr(native, "SO_RCVLOWAT", 0))


def by_option(makers: Makers, sock: Socket) -> Socket:
    set_socket_option(sock, MARK, 10)
    return sock


def by_an_option_of_a_number(makers: Makers, sock: Socket) -> Socket:
    sock = by_option(makers, sock)
    assert MARK.level == SocketOption.TYPE.level
    return sock


def by_pythons_socket(makers: Makers, sock: Socket) -> Socket:
    theirs = to_python_socket(sock)
    theirs.setsockopt(native.SOL_SOCKET, native.SO_RCVLOWAT, 10)
    return makers.keep(from_python_socket(theirs))


def by_who_had_it_before(makers: Makers, sock: Socket) -> Socket:
    theirs = to_python_socket(sock)
    theirs.setsockopt(native.SOL_SOCKET, native.SO_RCVLOWAT, 10)
    return makers.keep(adopt_descriptor(theirs.detach()))


def received(sock: Socket) -> bytes | None:
    return receive_from_socket(sock, 100)[0]


def received_by_name(sock: Socket) -> bytes | None:
    return receive_from_socket(sock=sock, count=100)[0]


def received_into(sock: Socket) -> bytes:
    buffer = bytearray(100)
    count, _ = receive_into_socket(sock, buffer)
    return bytes(buffer[:count])


def peeked(sock: Socket) -> bytes | None:
    return receive_from_socket(sock, 100, PEEK)[0]


@needs_posix
@pytest.mark.parametrize("receive", [received, received_by_name, received_into, peeked])
@pytest.mark.parametrize("mark", [
    by_option, by_an_option_of_a_number, by_pythons_socket, by_who_had_it_before,
])
def test_a_blocking_receive_waits_for_as_many_bytes_as_the_low_water_mark_says(
    slow: Makers, mark: Callable[[Makers, Socket], Socket], receive: Callable[[Socket], bytes]
) -> None:
    if receive is peeked and slow.family.unix:
        pytest.skip("the kernel does not wait there")
    client, server = slow.pair()
    server = mark(slow, server)
    send_to_socket(client, b"12345", None)
    readable_now(server)
    waiter = Waiter(receive, server).is_asleep()
    send_to_socket(client, b"6789012345", None)  # Linux wakes for ten *more* bytes
    assert waiter.answer() == b"123456789012345"


def readable_now(sock: Socket) -> None:
    """Return when something is there, though it is less than the mark."""
    def there() -> bool:
        data, _ = receive_from_socket(sock, 1, PEEK, ReceiveFromOption.DONT_WAIT)
        return data is not None

    until(there)


@needs_posix
def test_an_accepted_socket_inherits_the_mark_of_its_listener(slow: Makers) -> None:
    listener, client = slow.listener(), slow.socket()
    set_socket_option(listener, MARK, 10)
    connect_socket(client, name_of(listener))
    server = slow.keep(accept_socket(listener)[0])  # type: ignore[arg-type]
    theirs = to_python_socket(server)
    mark = theirs.getsockopt(native.SOL_SOCKET, native.SO_RCVLOWAT)
    server = slow.keep(from_python_socket(theirs))
    send_to_socket(client, b"12345", None)
    readable_now(server)
    if mark == 1:  # as on a UNIX socket
        assert receive_from_socket(server, 100)[0] == b"12345"
        return
    waiter = Waiter(received, server).is_asleep()
    send_to_socket(client, b"6789012345", None)
    assert waiter.answer() == b"123456789012345"


@needs_posix
def test_who_does_not_wait_gets_less_than_the_mark_says(make: Makers) -> None:
    client, server = make.pair()
    set_socket_option(server, MARK, 10)
    send_to_socket(client, b"12345", None)
    readable_now(server)
    flags = () if server.nonblocking else (ReceiveFromOption.DONT_WAIT,)
    assert receive_from_socket(server, 100, *flags)[0] == b"12345"


@needs_posix
def test_the_end_and_the_count_end_the_wait_before_the_mark(slow: Makers) -> None:
    client, server = slow.pair()
    set_socket_option(server, MARK, 10)
    send_to_socket(client, b"1234567", None)
    readable_now(server)
    assert receive_from_socket(server, 3)[0] == b"123"
    waiter = Waiter(received, server).is_asleep()
    close_socket(client)
    assert waiter.answer() == b"4567"


@needs_posix
def test_a_mark_of_one_and_a_datagram_are_no_reason_to_wait(slow: Makers) -> None:
    client, server = slow.pair()
    set_socket_option(server, MARK, 10)
    set_socket_option(server, MARK, 1)
    send_to_socket(client, b"1", None)
    assert receive_from_socket(server, 9)[0] == b"1"
    first, second = slow.datagrams()
    set_socket_option(second, MARK, 10)
    send_to_socket(first, b"1", None)
    assert receive_from_socket(second, 9)[0] == b"1"


# The end of a connection that keeps bounds.

@pytest.fixture(params=["blocking", "nonblocking"])
def packets(request: pytest.FixtureRequest) -> Iterator[tuple[Socket, Socket]]:
    first, second = make_socket_pair(SocketDomain.UNIX, SEQUENCE, AUTO)
    with first, second:
        set_socket_nonblocking(first, request.param == "nonblocking")
        yield first, second


def messages(sock: Socket, count: int, size: int) -> list[bytes]:
    runs = receive_datagrams(sock, count, size)
    assert isinstance(runs, list)
    return [datagram for run in runs for datagram in run]


@needs_posix
@needs_unix_sockets
@pytest.mark.parametrize("count", [1, 2, 64, 100, 65536])
@pytest.mark.parametrize("end", [
    close_socket, lambda sock: shutdown_socket(sock, ShutdownMethod.WRITE),
], ids=["closed", "shut down"])
def test_the_end_of_a_connection_of_packets_is_one_empty_datagram(
    packets: tuple[Socket, Socket], count: int, end: Callable[[Socket], None]
) -> None:
    first, second = packets
    end(second)
    for _ in range(2):
        assert messages(first, count, 1) == [b""]
        assert receive_from_socket(first, 9)[0] == b""


@needs_posix
@needs_unix_sockets
@pytest.mark.parametrize("count", [2, 3, 64, 100])
def test_what_was_sent_before_the_end_comes_before_it(
    packets: tuple[Socket, Socket], count: int
) -> None:
    first, second = packets
    sent = [b"one", b"two", b"", b"a longer one", b""]
    for data in sent:
        send_to_socket(second, data, None)
    close_socket(second)
    got: list[bytes] = []
    while len(got) < len(sent) + 1:
        got += messages(first, count, 64)
    assert got[: len(sent) + 1] == [*sent, b""]


@needs_posix
@needs_unix_sockets
@pytest.mark.parametrize("count", [3, 64, 100])
def test_empty_datagrams_are_no_end(make: Makers, count: int) -> None:
    first, second = make.datagrams()
    for data in (b"", b"", b"x"):
        send_to_socket(first, data, None)
        readable(second)
    got: list[bytes] = []
    while len(got) < 3:
        got += messages(second, count, 9)
    assert got == [b"", b"", b"x"]


# What hides in a number.

class Derived(ReceiveFromOption):
    __slots__ = ()


PEEKING = [
    (PEEK,), (ReceiveFromOption(PEEK.value | ReceiveFromOption.WAIT_ALL.value),),
    (Derived(PEEK.value),), (ReceiveFromOption(PEEK.value),),
    (ReceiveFromOption.WAIT_ALL, Derived(PEEK.value | ReceiveFromOption.WAIT_ALL.value)),
]


@pytest.mark.parametrize("flags", PEEKING, ids=str)
def test_who_goes_on_receiving_does_not_peek(make: Makers, flags: Any) -> None:
    client, server = make.pair()
    send_to_socket(client, b"12345", None)
    readable(server)
    with pytest.raises(ValueError, match="receive_exactly: PEEK would receive the same"):
        receive_exactly(server, 10, *flags)
    assert receive_from_socket(server, 9)[0] == b"12345"
    first, second = make.datagrams()
    send_to_socket(first, b"12345", None)
    readable(second)
    with pytest.raises(ValueError, match="receive_datagrams: PEEK would receive the same"):
        receive_datagrams(second, 10, 10, *flags)
    assert receive_from_socket(second, 9)[0] == b"12345"


TYPE_FLAGS = [
    flag for name in ("SOCK_CLOEXEC", "SOCK_NONBLOCK") if (flag := getattr(native, name, 0))
]


@pytest.mark.parametrize("flag", TYPE_FLAGS)
def test_a_stream_is_one_whatever_flags_its_type_has(quick: Makers, flag: int) -> None:
    with create_socket(quick.family.domain, SocketType(STREAM.value | flag), AUTO) as sock:
        for call in (lambda: receive_datagrams(sock, 1, 1), lambda: send_datagrams(sock, [])):
            with pytest.raises(ValueError, match="a stream does not keep the bounds"):
                call()
    client, server = quick.pair()
    send_to_socket(client, b"12345", None)
    with Socket(
        detach_socket(server), quick.family.domain, SocketType(STREAM.value | flag), AUTO
    ) as same:
        assert receive_exactly(same, 5) == (b"12345", None)


@pytest.mark.parametrize("flag", [0, *TYPE_FLAGS])
@pytest.mark.parametrize("kind", [DATAGRAM, SEQUENCE, SocketType.RAW, SocketType.RANDOM])
def test_only_a_stream_is_received_in_parts(make: Makers, kind: SocketType, flag: int) -> None:
    first, second = make.datagrams()
    for data in (b"0123456789", b"abcdef", b"xyz"):
        send_to_socket(first, data, None)
    same = Socket(
        detach_socket(second), make.family.domain, SocketType(kind.value | flag), AUTO
    )
    make.made.append(same)
    for count in (0, 4, 18):
        with pytest.raises(ValueError, match=r"only a stream .* use receive_from_socket"):
            receive_exactly(same, count)
    got: list[bytes] = []
    while len(got) < 3:
        with contextlib.suppress(SocketCondition):
            readable(same)
            got.append(receive_from_socket(same, 99)[0] or b"")
    assert got == [b"0123456789", b"abcdef", b"xyz"]
