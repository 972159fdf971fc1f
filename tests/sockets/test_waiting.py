"""Waiting with a limit: pairs, wait_for_socket, within, finish_connect, and whole transfers."""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import gc
import math
import os
import random
import select
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    WINDOWS,
    text_of,
    LOOPBACK,
    WITH_IPV6,
    Family,
    Makers,
    Waiter,
    collect_garbage,
    fill,
    name_of,
    needs_posix,
    readable,
    reports,
    run_python,
    until,
    windows_differs,
    wine_lacks,
)

from sockets import (
    ReceiveFromOption,
    ShutdownMethod,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    UnixAddress,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    finish_connect,
    make_socket_pair,
    receive_exactly,
    receive_from_socket,
    send_all,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    wait_for_socket,
    within,
)

AUTO, STREAM, DATAGRAM = SocketProtocol.AUTO, SocketType.STREAM, SocketType.DATAGRAM
LONG = 30.0  # seconds: a limit that no wait of a test that passes reaches


@pytest.fixture(params=WITH_IPV6)
def family(request: pytest.FixtureRequest, folder: Path) -> Family:
    return Family(request.param, folder)


@pytest.fixture
def pair() -> Iterator[tuple[Socket, Socket]]:
    first, second = make_socket_pair(SocketDomain.UNIX, STREAM, AUTO)
    with first, second:
        yield first, second


def lasts(limit: float, procedure: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a call returns that has to go on until the limit, and not for much longer."""
    start = time.monotonic()
    result = procedure(*arguments, **named)
    tick = 0.016 if WINDOWS else 0  # which is how exactly that clock goes there
    assert limit - tick <= time.monotonic() - start < limit + 10
    return result


def is_late(condition: object, who: str, syscall: str) -> None:
    assert isinstance(condition, SocketCondition)
    assert isinstance(condition, TimeoutError)
    assert (condition.who, condition.syscall, condition.type) == (who, syscall, errno.ETIMEDOUT)
    assert condition.message == text_of(errno.ETIMEDOUT)


# Pairs.

@pytest.mark.parametrize("kind", [STREAM, DATAGRAM, SocketType.SEQUENCE_PACKET])
def test_a_pair_is_connected_both_ways(kind: SocketType) -> None:
    first, second = make_socket_pair(SocketDomain.UNIX, kind, AUTO)
    with first, second:
        for one, other in ((first, second), (second, first)):
            assert send_to_socket(one, b"hello", None) == 5
            assert receive_from_socket(other, 9)[0] == b"hello"
            assert (one.domain, one.type, one.protocol) == (SocketDomain.UNIX, kind, AUTO)


def test_the_datagrams_of_a_pair_keep_their_bounds() -> None:
    first, second = make_socket_pair(SocketDomain.UNIX, DATAGRAM, AUTO)
    with first, second:
        for data in (b"one", b"", b"three"):
            send_to_socket(first, data, None)
        assert [receive_from_socket(second, 9)[0] for _ in range(3)] == [b"one", b"", b"three"]


def test_a_pair_does_not_block_and_is_not_inherited(pair: tuple[Socket, Socket]) -> None:
    assert pair[0].fd != pair[1].fd
    for sock in pair:
        assert sock.nonblocking
        assert not os.get_blocking(sock.fd)
        assert not os.get_inheritable(sock.fd)
        data, condition = receive_from_socket(sock, 1)
        assert data is None
        assert isinstance(condition, BlockingIOError)


def test_a_pair_can_be_made_blocking(pair: tuple[Socket, Socket]) -> None:
    set_socket_nonblocking(pair[0], False)
    assert pair[1].nonblocking
    waiter = Waiter(receive_from_socket, pair[0], 9).is_asleep()
    send_to_socket(pair[1], b"x", None)
    assert waiter.answer()[0] == b"x"


def test_the_system_makes_no_pairs_of_other_domains() -> None:
    with reports(errno.EOPNOTSUPP, "make_socket_pair", "socketpair"):
        make_socket_pair(SocketDomain.INTERNET, STREAM, AUTO)
    with reports(errno.EPROTONOSUPPORT, "make_socket_pair", "socketpair"):
        make_socket_pair(SocketDomain.UNIX, STREAM, SocketProtocol(77))


def test_a_pair_wants_constants_in_their_order() -> None:
    domain: Any = SocketDomain.UNIX
    for arguments in ((STREAM, domain, AUTO), (1, STREAM, AUTO), (domain, STREAM, 0)):
        with pytest.raises(TypeError, match="make_socket_pair: "):
            make_socket_pair(*arguments)  # type: ignore[arg-type]


# wait_for_socket.

def test_what_can_be_done_now_is_answered_at_once(pair: tuple[Socket, Socket]) -> None:
    assert wait_for_socket(pair[0], True, True, LONG) == (False, True)
    assert wait_for_socket(pair[0], False, True, None) == (False, True)
    send_to_socket(pair[1], b"x", None)
    assert wait_for_socket(pair[0], True, True) == (True, True)
    assert wait_for_socket(pair[0], True, False, LONG) == (True, False)
    assert wait_for_socket(pair[0], False, True, LONG) == (False, True)


def test_a_listening_socket_is_readable_once_somebody_connects(quick: Makers) -> None:
    listener, client = quick.listener(), quick.socket()
    assert wait_for_socket(listener, True, False, 0) == (False, False)
    connect_socket(client, name_of(listener))
    assert wait_for_socket(listener, True, False, LONG) == (True, False)


@pytest.mark.parametrize("timeout", [None, LONG, 10**9])
def test_what_comes_later_ends_the_wait(pair: tuple[Socket, Socket], timeout: Any) -> None:
    waiter = Waiter(wait_for_socket, pair[0], True, False, timeout).is_asleep()
    send_to_socket(pair[1], b"x", None)
    assert waiter.answer() == (True, False)
    fill(pair[1])
    waiter = Waiter(wait_for_socket, pair[1], False, True, timeout).is_asleep()
    while receive_from_socket(pair[0], 1 << 20)[0]:
        pass
    assert waiter.answer() == (False, True)


@pytest.mark.parametrize("timeout", [0.05, 0.2, 1e-9])
def test_when_the_time_is_up_nothing_can_be_done(
    pair: tuple[Socket, Socket], timeout: float
) -> None:
    assert lasts(timeout, wait_for_socket, pair[0], True, False, timeout) == (False, False)


def test_no_time_is_a_look_and_no_wait(pair: tuple[Socket, Socket]) -> None:
    start = time.monotonic()
    for _ in range(1000):
        assert wait_for_socket(pair[0], True, True, 0) == (False, True)
        assert wait_for_socket(pair[0], True, False, 0) == (False, False)
    assert time.monotonic() - start < 10


def test_waiting_for_nothing_lasts_until_the_time_is_up(pair: tuple[Socket, Socket]) -> None:
    assert lasts(0.05, wait_for_socket, pair[0], False, False, 0.05) == (False, False)


def test_waiting_changes_neither_the_mode_nor_the_data(slow: Makers) -> None:
    client, server = slow.pair()
    assert wait_for_socket(server, True, False, 0) == (False, False)
    send_to_socket(client, b"x", None)
    assert wait_for_socket(server, True, False, LONG) == (True, False)
    assert not server.nonblocking
    assert os.get_blocking(server.fd)
    assert receive_from_socket(server, 9)[0] == b"x"


def test_the_end_of_the_connection_makes_both_ready(pair: tuple[Socket, Socket]) -> None:
    fill(pair[0])
    close_socket(pair[1])
    assert wait_for_socket(pair[0], True, True, LONG) == (True, True)
    assert wait_for_socket(pair[0], True, False) == (True, False)
    assert wait_for_socket(pair[0], False, True) == (False, True)


def test_an_error_makes_both_ready(tcp: Makers) -> None:
    nobody, client = tcp.bound(STREAM), tcp.socket()
    connect_socket(client, name_of(nobody))
    assert wait_for_socket(client, False, True, LONG) == (False, True)
    assert wait_for_socket(client, True, True, LONG) == (True, True)


def test_the_end_of_the_stream_is_something_to_read(pair: tuple[Socket, Socket]) -> None:
    waiter = Waiter(wait_for_socket, pair[0], True, False, LONG).is_asleep()
    shutdown_socket(pair[1], ShutdownMethod.WRITE)
    assert waiter.answer() == (True, False)


@pytest.mark.parametrize("timeout", [0, 0.1, None])
def test_a_closed_socket_cannot_be_waited_for(timeout: Any, pair: tuple[Socket, Socket]) -> None:
    close_socket(pair[0])
    with reports(errno.EBADF, "wait_for_socket", "poll"):
        wait_for_socket(pair[0], True, True, timeout)


@needs_posix
def test_a_descriptor_closed_by_somebody_else_cannot_be_waited_for() -> None:
    run_python("""if True:
        import errno, os
        from sockets import *
        first, second = make_socket_pair(
            SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
        )
        os.close(first.fd)
        try:
            wait_for_socket(first, True, False, 1)
        except SocketCondition as condition:
            assert condition.type == errno.EBADF
        else:
            raise AssertionError
        detach_socket(first)
        close_socket(second)
    """)


def test_waiting_wants_a_socket_truth_values_and_seconds(pair: tuple[Socket, Socket]) -> None:
    wait: Any = wait_for_socket
    sock = pair[0]
    for arguments in ((sock.fd, True, True, 0), (sock, 1, True, 0), (sock, True, None, 0),
                      (sock, True, True, "1"), (sock, True, True, True), (None, True, True)):
        with pytest.raises(TypeError, match="wait_for_socket: "):
            wait(*arguments)
    for timeout in (-1, -0.001, 10**9 + 1, math.inf, math.nan):
        with pytest.raises(ValueError, match="timeout must be from 0 to 1000000000 seconds"):
            wait(sock, True, True, timeout)


SIGNALS = """if True:
    import errno, signal, time
    from sockets import *

    first, second = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    count = 0

    def handle(number, frame):
        global count
        count += 1
        act()

    signal.signal(signal.SIGALRM, handle)
    start = time.monotonic()

    def ring():
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.002)

    def quiet():
        signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.mark.parametrize("call", [
    "wait_for_socket(first, True, False, 0.3) == (False, False)",
    "within(0.3, receive_from_socket, first, 9)[1].type == errno.ETIMEDOUT",
    "receive_exactly(first, 9, timeout=0.3)[1].type == errno.ETIMEDOUT",
])
@needs_posix
def test_signals_do_not_prolong_the_wait(call: str) -> None:
    run_python(SIGNALS + f"""
    act = lambda: None
    ring()
    start = time.monotonic()
    assert {call}
    spent = time.monotonic() - start
    quiet()
    assert 0.3 <= spent < 5, spent
    assert count >= 5, count
    first.__exit__(), second.__exit__()
    """)


@needs_posix
def test_a_handler_that_raises_ends_the_wait() -> None:
    run_python(SIGNALS + """
    def act():
        quiet()
        raise KeyError("from the handler")

    ring()
    try:
        wait_for_socket(first, True, False, 30)
    except KeyError:
        pass
    else:
        raise AssertionError
    assert count == 1
    first.__exit__(), second.__exit__()
    """)


@pytest.mark.parametrize("timeout", [30, None])
@needs_posix
def test_a_handler_that_closes_the_socket_ends_the_wait(timeout: Any) -> None:
    run_python(SIGNALS + f"""
    def act():
        quiet()
        first.__exit__()  # which a second alarm, if it came before the quiet, may have done

    ring()
    try:
        wait_for_socket(first, True, False, {timeout})
    except SocketCondition as condition:
        assert (condition.type, condition.who) == (errno.EBADF, "wait_for_socket")
    else:
        raise AssertionError
    second.__exit__()
    """)


@needs_posix
def test_a_handler_that_sends_ends_the_wait_with_what_it_sent() -> None:
    run_python(SIGNALS + """
    act = lambda: (quiet(), send_to_socket(second, b"x", None))
    ring()
    assert within(30, receive_from_socket, first, 9)[0] == b"x"
    first.__exit__(), second.__exit__()
    """)


# within.

def test_a_call_that_can_be_made_is_made_at_once(quick: Makers) -> None:
    listener, client = quick.listener(), quick.socket()
    assert within(LONG, connect_socket, client, name_of(listener)) is True
    server, address = within(LONG, accept_socket, listener)
    assert isinstance(address, SocketAddress)
    quick.keep(server)
    assert within(LONG, send_to_socket, client, b"data", None) == 4
    assert within(LONG, receive_from_socket, server, 9)[0] == b"data"
    close_socket(client)
    assert within(LONG, receive_from_socket, server, 9)[0] == b""


@pytest.mark.parametrize("timeout", [LONG, None])
@needs_posix
def test_a_call_is_made_again_when_it_can_be(quick: Makers, timeout: Any) -> None:
    listener, client = quick.listener(), quick.socket()
    waiter = Waiter(within, timeout, accept_socket, listener).is_asleep()
    assert within(timeout, connect_socket, client, name_of(listener)) is True
    server = quick.keep(waiter.answer()[0])
    waiter = Waiter(within, timeout, receive_from_socket, server, 9).is_asleep()
    send_to_socket(client, b"x", None)
    assert waiter.answer()[0] == b"x"
    total = fill(client)
    waiter = Waiter(within, timeout, send_to_socket, client, b"last", None).is_asleep()
    assert len(receive_exactly(server, total, timeout=LONG)[0]) == total
    assert waiter.answer() == 4


def test_when_the_time_is_up_the_answer_has_the_shape_of_not_yet(quick: Makers) -> None:
    listener, (client, server) = quick.listener(), quick.pair()
    nobody, condition = lasts(0.05, within, 0.05, accept_socket, listener)
    assert nobody is None
    is_late(condition, "accept_socket", "accept")
    data, condition = lasts(0.05, within, 0.05, receive_from_socket, server, 9)
    assert data is None
    is_late(condition, "receive_from_socket", "recvfrom")
    fill(client)
    is_late(lasts(0.05, within, 0.05, send_to_socket, client, b"x", None),
            "send_to_socket", "sendto")
    is_late(within(0, accept_socket, listener)[1], "accept_socket", "accept")


@wine_lacks("reset")
def test_what_the_call_raises_is_raised(tcp: Makers) -> None:
    client, server = tcp.pair()
    set_socket_option(client, SocketOption.LINGER, 0)
    waiter = Waiter(within, LONG, receive_from_socket, server, 9).is_asleep()
    close_socket(client)
    with reports(errno.ECONNRESET, "receive_from_socket", "recvfrom"):
        waiter.answer()
    with reports(errno.ECONNRESET if WINDOWS else errno.EPIPE, "send_to_socket", "sendto"):
        within(LONG, send_to_socket, server, b"x", None)
    close_socket(server)
    for procedure, arguments in ((receive_from_socket, (9,)), (accept_socket, ())):
        with reports(errno.EBADF, procedure.__name__):
            within(LONG, procedure, server, *arguments)


def test_a_refused_connect_is_raised_with_its_address(tcp: Makers) -> None:
    nobody, client = tcp.bound(STREAM), tcp.socket()
    with reports(errno.ECONNREFUSED, syscall="connect") as caught:
        within(LONG, connect_socket, client, name_of(nobody))
    assert isinstance(caught.value, ConnectionRefusedError)
    assert caught.value.address == name_of(nobody)


def test_a_connect_that_takes_too_long_is_late_and_goes_on(tcp: Makers) -> None:
    listener, first, second = tcp.listener(0), tcp.socket(), tcp.socket()
    address = name_of(listener)
    assert within(LONG, connect_socket, first, address) is True
    condition = lasts(0.05, within, 0.05, connect_socket, second, address)
    is_late(condition, "connect_socket", "connect")
    assert condition.address == address
    is_late(lasts(0.05, finish_connect, second, 0.05), "finish_connect", "connect")
    tcp.accepted(listener)
    assert finish_connect(second, LONG) is True


def test_a_connect_that_was_late_is_waited_for_by_connecting_again(tcp: Makers) -> None:
    listener, first, second = tcp.listener(0), tcp.socket(), tcp.socket()
    address = name_of(listener)
    assert within(LONG, connect_socket, first, address) is True
    for _ in range(2):
        is_late(lasts(0.05, within, 0.05, connect_socket, second, address),
                "connect_socket", "connect")
    with reports(errno.EALREADY, "connect_socket", "connect"):
        connect_socket(second, address)
    tcp.accepted(listener)
    assert within(LONG, connect_socket, second, address) is True


def test_a_procedure_that_waits_by_itself_is_given_the_limit(make: Makers) -> None:
    client, server = make.pair()
    for sock in (client, server):
        set_socket_nonblocking(sock, True)
    assert lasts(0.1, within, 0.1, wait_for_socket, server, True, False) == (False, False)
    send_to_socket(client, b"some", None)
    data, condition = lasts(0.1, within, 0.1, receive_exactly, server, 9)
    assert data == b"some"
    is_late(condition, "receive_from_socket", "recvfrom")
    count, condition = lasts(0.1, within, 0.1, send_all, client, bytes(10**8))
    assert 0 < count < 10**8
    is_late(condition, "send_to_socket", "sendto")
    assert within(LONG, receive_exactly, server, 5) == (bytes(5), None)
    assert within(None, receive_exactly, server, 5) == (bytes(5), None)


def test_finishing_a_connect_is_given_the_limit(tcp: Makers) -> None:
    listener, first, second = tcp.listener(0), tcp.socket(), tcp.socket()
    assert within(LONG, connect_socket, first, name_of(listener)) is True
    assert isinstance(connect_socket(second, name_of(listener)), SocketCondition)
    is_late(lasts(0.1, within, 0.1, finish_connect, second), "finish_connect", "connect")
    tcp.accepted(listener)
    assert within(LONG, finish_connect, second) is True


def test_what_a_procedure_of_ones_own_got_before_it_was_late_is_not_lost(quick: Makers) -> None:
    client, server = quick.pair()
    send_to_socket(client, b"some", None)
    data, condition = within(
        LONG, lambda sock: receive_exactly(sock, 9, timeout=0.05), server
    )
    assert data == b"some"
    is_late(condition, "receive_from_socket", "recvfrom")


@windows_differs("timeouts")
def test_a_time_out_that_a_blocking_socket_has_is_a_limit(slow: Makers) -> None:
    client, server = slow.pair()
    set_socket_option(server, SocketOption.RECEIVE_TIMEOUT, 0.1)
    set_socket_option(client, SocketOption.SEND_TIMEOUT, 0.1)
    send_to_socket(client, b"some", None)
    data, condition = lasts(0.1, receive_exactly, server, 9)
    assert (data, condition.type, condition.syscall) == (b"some", errno.EAGAIN, "recvfrom")
    data, condition = lasts(0.1, within, None, receive_from_socket, server, 9)
    assert (data, condition.type) == (None, errno.EAGAIN)
    data, condition = lasts(0.1, within, None, receive_exactly, server, 9)
    assert (data, condition.type) == (b"", errno.EAGAIN)
    count, condition = lasts(0.1, send_all, client, bytes(10**8))
    assert 0 < count < 10**8
    assert (condition.type, condition.syscall) == (errno.EAGAIN, "sendto")
    assert lasts(0.1, within, None, send_to_socket, client, b"x", None).type == errno.EAGAIN
    rest = receive_exactly(server, count)[0]
    assert len(rest) == count


@windows_differs("timeouts")
def test_a_time_out_of_a_listener_is_a_limit(slow: Makers) -> None:
    listener = slow.listener()
    set_socket_option(listener, SocketOption.RECEIVE_TIMEOUT, 0.1)
    nobody, condition = lasts(0.1, within, None, accept_socket, listener)
    assert (nobody, condition.type, condition.syscall) == (None, errno.EAGAIN, "accept")


@pytest.mark.parametrize("timeout", [0, 0.1])
def test_a_connect_to_a_full_unix_queue_asks_until_the_time_is_up(
    unix: Makers, timeout: float
) -> None:
    listener = unix.listener(0)
    assert within(LONG, connect_socket, unix.socket(), name_of(listener)) is True
    condition = lasts(timeout, within, timeout, connect_socket, unix.socket(), name_of(listener))
    is_late(condition, "connect_socket", "connect")
    assert condition.address == name_of(listener)


@pytest.mark.parametrize("timeout", [LONG, None])
def test_a_connect_waits_for_room_in_a_unix_queue(unix: Makers, timeout: float | None) -> None:
    listener, client = unix.listener(0), unix.socket()
    assert within(LONG, connect_socket, unix.socket(), name_of(listener)) is True
    waiter = Waiter(within, timeout, connect_socket, client, name_of(listener)).is_asleep()
    unix.accepted(listener)
    assert waiter.answer() is True


@pytest.mark.parametrize("timeout", [0, 0.1])
def test_a_send_to_a_full_unix_socket_does_not_ask_without_end(
    unix: Makers, timeout: float
) -> None:
    receiver, sender = unix.bound(), unix.socket(DATAGRAM)
    address = name_of(receiver)
    while isinstance(send_to_socket(sender, b"x", address), int):
        pass
    calls = 0

    def counted(sock: Socket, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 2000:
            raise RuntimeError("asked again and again")
        return send_to_socket(sock, *arguments)

    is_late(lasts(timeout, within, timeout, counted, sender, b"x", address),
            "send_to_socket", "sendto")


def test_a_datagram_waits_for_room_at_its_peer(unix: Makers) -> None:
    sender, receiver = unix.datagrams()
    while isinstance(send_to_socket(sender, b"x", None), int):
        pass
    is_late(within(0.05, send_to_socket, sender, b"y", None), "send_to_socket", "sendto")
    waiter = Waiter(within, LONG, send_to_socket, sender, b"y", None).is_asleep()
    while receive_from_socket(receiver, 9)[0]:
        pass
    assert waiter.answer() == 1


def test_a_limit_needs_a_socket_that_does_not_block(slow: Makers) -> None:
    client, server = slow.pair()
    for call in (
        lambda: within(1, receive_from_socket, server, 9),
        lambda: within(0, accept_socket, server),
        lambda: send_all(client, b"x", timeout=1),
        lambda: receive_exactly(server, 1, timeout=1),
    ):
        with pytest.raises(ValueError, match="a timeout needs a non-blocking socket"):
            call()
    assert wait_for_socket(server, True, False, 0) == (False, False)


def test_without_a_limit_the_socket_may_block(slow: Makers) -> None:
    listener, client = slow.listener(), slow.socket()
    assert within(None, connect_socket, client, name_of(listener)) is True
    server = slow.keep(within(None, accept_socket, listener)[0])
    waiter = Waiter(within, None, receive_from_socket, server, 9).is_asleep()
    assert within(None, send_to_socket, client, b"x", None) == 1
    assert waiter.answer()[0] == b"x"


def test_within_wants_seconds_and_a_socket(pair: tuple[Socket, Socket]) -> None:
    limited: Any = within
    for timeout in ("1", True, b"1", [1]):
        with pytest.raises(TypeError, match="within: timeout must be a number of seconds"):
            limited(timeout, receive_from_socket, pair[0], 9)
    for timeout in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="within: timeout must be from 0 to"):
            limited(timeout, receive_from_socket, pair[0], 9)
    with pytest.raises(TypeError, match="within: sock must be a Socket"):
        limited(1, receive_from_socket, pair[0].fd, 9)


def test_a_procedure_of_ones_own_that_answers_alike_can_be_limited(
    pair: tuple[Socket, Socket]
) -> None:
    def line(sock: Socket) -> Any:
        data, condition = receive_from_socket(sock, 99, ReceiveFromOption.PEEK)
        return data if isinstance(data, bytes) else condition

    is_late(within(0.01, line, pair[0]), "receive_from_socket", "recvfrom")
    send_to_socket(pair[1], b"mine", None)
    assert within(LONG, line, pair[0]) == b"mine"


# finish_connect.

def test_a_connect_that_succeeds_is_finished(tcp: Makers) -> None:
    listener, client = tcp.listener(), tcp.socket()
    connect_socket(client, name_of(listener))
    assert finish_connect(client) is True
    assert finish_connect(client, 0) is True


def test_a_connect_that_is_refused_is_raised(tcp: Makers) -> None:
    nobody, client = tcp.bound(STREAM), tcp.socket()
    connect_socket(client, name_of(nobody))
    with reports(errno.ECONNREFUSED, "finish_connect", "connect") as caught:
        finish_connect(client, LONG)
    assert isinstance(caught.value, ConnectionRefusedError)


@windows_differs("writable")
def test_a_socket_without_a_connection_has_not_finished_its_connect(tcp: Makers) -> None:
    with reports(errno.ENOTCONN, "finish_connect"):
        finish_connect(tcp.socket(), LONG)
    nobody, client = tcp.bound(STREAM), tcp.socket()
    connect_socket(client, name_of(nobody))
    with reports(errno.ECONNREFUSED, "finish_connect"):
        finish_connect(client, LONG)
    with reports(errno.ENOTCONN, "finish_connect"):  # the error was told, and is no success
        finish_connect(client, LONG)


def test_finishing_a_connect_wants_a_socket_and_seconds(tcp: Makers) -> None:
    finish: Any = finish_connect
    with pytest.raises(TypeError):
        finish(3)
    with pytest.raises(TypeError, match="number of seconds"):
        finish(tcp.socket(), "1")
    with pytest.raises(ValueError, match="from 0 to"):
        finish(tcp.socket(), -1)
    closed = tcp.socket()
    close_socket(closed)
    with reports(errno.EBADF):
        finish(closed)


# send_all and receive_exactly.

def test_megabytes_arrive_as_they_were_sent(make: Makers) -> None:
    client, server = make.pair()
    data = random.Random(1).randbytes(5_000_000)
    receiver = Waiter(receive_exactly, server, len(data))
    assert send_all(client, data) == (len(data), None)
    assert receiver.answer() == (data, None)
    if make.nonblocking:
        sender = Waiter(lambda: send_all(server, data, timeout=LONG))
        assert receive_exactly(client, len(data), timeout=LONG) == (data, None)
        assert sender.answer() == (len(data), None)


def test_what_was_sent_when_the_time_was_up_is_counted_exactly(quick: Makers) -> None:
    client, server = quick.pair()
    data = random.Random(2).randbytes(16_000_000)
    sent, condition = lasts(0.1, send_all, client, data, timeout=0.1)
    is_late(condition, "send_to_socket", "sendto")
    assert 0 < sent < len(data)
    assert receive_exactly(server, sent, timeout=40) == (data[:sent], None)
    got, condition = lasts(0.1, receive_exactly, server, 1, timeout=0.1)
    is_late(condition, "receive_from_socket", "recvfrom")
    assert got == b""
    receiver = Waiter(receive_exactly, server, len(data) - sent)
    assert send_all(client, memoryview(data)[sent:]) == (len(data) - sent, None)
    assert receiver.answer() == (data[sent:], None)


def test_with_no_time_what_can_be_done_at_once_is_done(quick: Makers) -> None:
    client, server = quick.pair()
    assert send_all(client, b"some", timeout=0) == (4, None)
    readable(server)
    got, condition = receive_exactly(server, 9, timeout=0)
    assert got == b"some"
    is_late(condition, "receive_from_socket", "recvfrom")


def test_a_stream_that_ends_gives_fewer_bytes_and_no_condition(make: Makers) -> None:
    client, server = make.pair()
    send_all(client, b"short")
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert receive_exactly(server, 100) == (b"short", None)
    assert receive_exactly(server, 100) == (b"", None)


def test_bytes_that_were_not_asked_for_stay(make: Makers) -> None:
    client, server = make.pair()
    send_all(client, b"headbody")
    assert receive_exactly(server, 4) == (b"head", None)
    assert receive_exactly(server, 0) == (b"", None)
    assert receive_exactly(server, 4) == (b"body", None)


def test_pieces_are_put_together(quick: Makers) -> None:
    client, server = quick.pair()
    receiver = Waiter(lambda: receive_exactly(server, 6, timeout=LONG))
    for piece in (b"ab", b"cd", b"ef"):
        receiver.is_asleep()
        send_all(client, piece)
        if piece != b"ef":
            until(lambda: wait_for_socket(server, True, False, 0) == (False, False))
    assert receiver.answer() == (b"abcdef", None)


def test_flags_are_passed_on(make: Makers) -> None:
    client, server = make.pair()
    send_all(client, b"once")
    assert receive_exactly(server, 4, ReceiveFromOption.WAIT_ALL) == (b"once", None)


def test_peeking_again_and_again_is_refused(make: Makers) -> None:
    client, server = make.pair()
    send_all(client, b"once")
    with pytest.raises(ValueError, match=r"receive_exactly: PEEK"):
        receive_exactly(server, 8, ReceiveFromOption.PEEK)
    assert receive_exactly(server, 4) == (b"once", None)


def test_a_failed_send_tells_how_much_is_gone(tcp: Makers) -> None:
    client, server = tcp.pair()
    data = bytes(64_000_000)
    sender = Waiter(send_all, client, data).is_asleep()
    read = len(receive_exactly(server, 100_000)[0])
    sender.is_asleep()
    set_socket_option(server, SocketOption.LINGER, 0)
    close_socket(server)
    with pytest.raises(SocketCondition) as caught:
        sender.answer()
    assert caught.value.type in (errno.ECONNRESET, errno.EPIPE)
    assert isinstance(caught.value.done, int)
    assert read < caught.value.done < len(data)


def test_a_failed_unix_send_tells_exactly_how_much_was_taken(pair: tuple[Socket, Socket]) -> None:
    sender = Waiter(send_all, pair[0], bytes(4_000_000)).is_asleep()
    read = len(receive_exactly(pair[1], 300_000)[0])
    sender.is_asleep()
    shutdown_socket(pair[1], ShutdownMethod.READ)
    rest = 0  # which is still there to be read, and until then the sender waits
    while data := receive_from_socket(pair[1], 1 << 20)[0]:
        rest += len(data)
    with reports(errno.EPIPE, "send_to_socket") as caught:
        sender.answer()
    assert caught.value.done == read + rest


@wine_lacks("reset")
def test_a_failed_receive_keeps_what_had_come(tcp: Makers) -> None:
    client, server = tcp.pair()
    receiver = Waiter(receive_exactly, server, 100).is_asleep()
    send_all(client, b"so far")
    until(lambda: wait_for_socket(server, True, False, 0) == (False, False))
    receiver.is_asleep()
    set_socket_option(client, SocketOption.LINGER, 0)
    close_socket(client)
    with reports(errno.ECONNRESET, "receive_from_socket") as caught:
        receiver.answer()
    assert caught.value.done == b"so far"


def test_a_failure_at_once_has_done_nothing(tcp: Makers) -> None:
    sock = tcp.socket()
    with reports(errno.ENOTCONN, "receive_from_socket") as caught:
        receive_exactly(sock, 9)
    assert caught.value.done == b""
    close_socket(sock)
    with reports(errno.EBADF, "send_to_socket") as caught:
        send_all(sock, b"x")
    assert caught.value.done == 0


@pytest.mark.parametrize("empty", [b"", bytearray(), memoryview(b""), array.array("i")])
def test_nothing_is_sent_at_once(make: Makers, empty: Any) -> None:
    client, server = make.pair()
    if client.nonblocking:
        fill(client)
    assert send_all(client, empty) == (0, None)
    assert wait_for_socket(server, True, False, 0)[0] is client.nonblocking


@pytest.mark.parametrize("buffer", [
    b"abcdefgh", bytearray(b"abcdefgh"), memoryview(b"xabcdefghx")[1:-1],
    memoryview(b"abcdefgh").cast("B", (2, 4)), array.array("H", b"abcdefgh"),
    (ctypes.c_char * 8)(*b"abcdefgh"), (ctypes.c_uint32 * 2).from_buffer_copy(b"abcdefgh"),
], ids=["bytes", "bytearray", "slice", "matrix", "array", "c_char", "c_uint32"])
def test_every_kind_of_buffer_is_sent(pair: tuple[Socket, Socket], buffer: Any) -> None:
    assert send_all(pair[0], buffer) == (8, None)
    assert receive_exactly(pair[1], 8) == (b"abcdefgh", None)


@pytest.mark.parametrize("wrong", ["text", None, 5, [1], memoryview(b"abcd")[::2]])
def test_what_is_no_buffer_is_not_sent(pair: tuple[Socket, Socket], wrong: Any) -> None:
    with pytest.raises(TypeError, match="send_all: buffer must be an object with its bytes"):
        send_all(pair[0], wrong)


def resizable(buffer: bytearray) -> bool:
    collect_garbage()
    try:
        buffer.append(1)
    except BufferError:
        return False
    del buffer[-1:]
    return True


def test_a_buffer_is_held_during_the_call_and_not_after(pair: tuple[Socket, Socket]) -> None:
    buffer = bytearray(4_000_000)
    sender = Waiter(send_all, pair[0], buffer).is_asleep()
    assert not resizable(buffer)
    assert len(receive_exactly(pair[1], len(buffer))[0]) == 4_000_000
    assert sender.answer() == (4_000_000, None)
    assert resizable(buffer)


def test_a_buffer_is_not_held_when_the_time_is_up(pair: tuple[Socket, Socket]) -> None:
    buffer = bytearray(4_000_000)
    sent, _ = send_all(pair[0], buffer, timeout=0)
    assert sent < 4_000_000
    assert resizable(buffer)


def test_a_buffer_is_not_held_by_the_condition_of_a_failure(pair: tuple[Socket, Socket]) -> None:
    close_socket(pair[1])
    buffer = bytearray(100)
    gc.disable()  # which would hide it
    try:
        with reports(errno.EPIPE, "send_to_socket") as caught:
            send_all(pair[0], buffer)
        assert caught.value.done == 0
        assert resizable(buffer)
    finally:
        gc.enable()


def test_whole_transfers_want_the_right_arguments(pair: tuple[Socket, Socket]) -> None:
    send, receive = (send_all, receive_exactly)  # type: Any, Any
    for call in (
        lambda: send(5, b"x"), lambda: receive(5, 1), lambda: receive(pair[0], "1"),
        lambda: receive(pair[0], True), lambda: receive(pair[0], 1, 2),
        lambda: send(pair[0], b"x", None, 2), lambda: send(pair[0], b"x", timeout="1"),
        lambda: receive(pair[0], 1, timeout=True), lambda: send(pair[0], b"x", "address"),
    ):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: receive(pair[0], -1), lambda: receive(pair[0], 1, timeout=-1),
        lambda: send(pair[0], b"x", timeout=math.nan),
    ):
        with pytest.raises(ValueError, match="must be from 0 to"):
            call()


def test_a_datagram_is_sent_whole_to_its_address(unix: Makers) -> None:
    receiver, sender = unix.bound(), unix.socket(DATAGRAM)
    assert send_all(sender, b"datagram", name_of(receiver), timeout=LONG) == (8, None)
    assert receive_from_socket(receiver, 99)[0] == b"datagram"


def test_other_threads_run_during_every_wait(pair: tuple[Socket, Socket]) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: wait_for_socket(pair[0], True, False, LONG),
        lambda: within(LONG, receive_from_socket, pair[0], 9),
        lambda: receive_exactly(pair[0], 1, timeout=LONG),
    ]
    for call in calls:
        waiter = Waiter(call).is_asleep()
        assert threading.active_count() > 1
        send_to_socket(pair[1], b"x", None)
        waiter.answer()
        receive_from_socket(pair[0], 9)


def test_a_poll_of_ours_agrees_with_pythons(quick: Makers) -> None:
    client, server = quick.pair()

    def theirs(sock: Socket) -> tuple[bool, bool]:
        got, put, _ = select.select([sock], [sock], [], 0)
        return bool(got), bool(put)

    def agree() -> None:
        for sock in (client, server):
            assert wait_for_socket(sock, True, True, 0) == theirs(sock)

    agree()
    send_to_socket(client, b"x", None)
    readable(server)
    agree()
    fill(client)
    agree()
    with contextlib.suppress(SocketCondition):
        shutdown_socket(client, ShutdownMethod.WRITE)
    agree()
    close_socket(server)
    readable(client)
    assert wait_for_socket(client, True, True, 0) == theirs(client)


def test_a_bound_path_and_a_port_are_both_waited_for(unix: Makers, tcp: Makers) -> None:
    for makers in (unix, tcp):
        receiver = makers.bound()
        waiter = Waiter(within, LONG, receive_from_socket, receiver, 9).is_asleep()
        send_to_socket(makers.socket(DATAGRAM), b"x", name_of(receiver))
        assert waiter.answer()[0] == b"x"
    assert isinstance(name_of(unix.bound()), UnixAddress)
    again = tcp.socket()
    bind_socket(again, LOOPBACK)
