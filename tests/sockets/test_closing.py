"""Closing a socket on which calls of other threads are under way: its number stays taken."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from helpers import (
    FORKING,
    Makers,
    Waiter,
    fill,
    name_of,
    receive_exactly,
    reports,
    run_python,
    send_all,
    until,
    needs_posix,
)

from sockets import (
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
    duplicate_socket,
    get_socket_name,
    listen_socket,
    make_socket_pair,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    to_python_socket,
    wait_for_socket,
)


def open_numbers() -> set[int]:
    return {int(number) for number in os.listdir("/proc/self/fd")}


class UnderWay(NamedTuple):
    """A socket, a call on it that waits in another thread, and what makes that call return."""

    sock: Socket
    call: Waiter
    end: Callable[[], Any]


def accepting(slow: Makers) -> UnderWay:
    listener, client = slow.listener(), slow.socket()
    name = name_of(listener)
    call = Waiter(accept_socket, listener)
    return UnderWay(listener, call, lambda: connect_socket(client, name))


def connecting(slow: Makers) -> UnderWay:
    listener, first, second = slow.listener(0), slow.socket(), slow.socket()
    connect_socket(first, name_of(listener))
    call = Waiter(connect_socket, second, name_of(listener))
    return UnderWay(second, call, lambda: slow.accepted(listener))


def receiving(slow: Makers) -> UnderWay:
    client, server = slow.pair()
    return UnderWay(
        client, Waiter(receive_from_socket, client, 9), lambda: send_to_socket(server, b"x", None)
    )


def sending(slow: Makers) -> UnderWay:
    client, server = slow.pair()
    set_socket_nonblocking(client, True)
    total = fill(client)
    set_socket_nonblocking(client, False)
    call = Waiter(send_to_socket, client, bytes(100_000), None)
    return UnderWay(client, call, lambda: receive_exactly(server, total + 100_000))


def waiting(slow: Makers) -> UnderWay:
    client, server = slow.pair()
    call = Waiter(wait_for_socket, client, True, False)
    return UnderWay(client, call, lambda: close_socket(server))


@pytest.fixture(params=[accepting, connecting, receiving, sending, waiting])
def under_way(request: pytest.FixtureRequest, slow: Makers) -> Iterator[UnderWay]:
    each = request.param(slow)
    each.call.is_asleep()
    yield each
    if each.call.is_alive():
        each.end()
    result = each.call.answer()
    if isinstance(result, tuple) and isinstance(result[0], Socket):
        close_socket(result[0])


@contextlib.contextmanager
def many_sockets() -> Iterator[list[int]]:
    """Make sockets of all kinds of system calls; the numbers that they got."""
    with contextlib.ExitStack() as stack:
        made: list[Socket] = []
        for _ in range(20):
            one = create_socket(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
            pair = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
            made += [stack.enter_context(sock) for sock in (one, *pair, duplicate_socket(one))]
        yield [sock.fd for sock in made]


def test_no_other_socket_gets_the_number_until_the_call_has_returned(under_way: UnderWay) -> None:
    number = under_way.sock.fd
    close_socket(under_way.sock)
    with many_sockets() as numbers:
        assert number not in numbers
        assert under_way.call.is_alive()
        under_way.end()
        under_way.call.answer()
    with many_sockets() as numbers:
        assert number in numbers


def test_the_socket_is_closed_for_all_other_calls(under_way: UnderWay) -> None:
    sock = under_way.sock
    close_socket(sock)
    assert sock.fd == -1
    assert "closed" in repr(sock)
    for call in (
        lambda: receive_from_socket(sock, 9), lambda: send_to_socket(sock, b"x", None),
        lambda: accept_socket(sock), lambda: wait_for_socket(sock, True, True, 0),
        lambda: get_socket_name(sock), lambda: listen_socket(sock, 1),
        lambda: shutdown_socket(sock, ShutdownMethod.WRITE), lambda: duplicate_socket(sock),
        lambda: set_socket_nonblocking(sock, True), lambda: detach_socket(sock),
        lambda: to_python_socket(sock), lambda: close_socket(sock),
    ):
        with reports(errno.EBADF):
            call()
    assert under_way.call.is_alive()


def test_the_last_of_several_calls_gives_the_number_back(slow: Makers) -> None:
    client, server = slow.pair()
    number = client.fd
    calls = [Waiter(receive_from_socket, client, 1).is_asleep() for _ in range(3)]
    close_socket(client)
    for left in (3, 2, 1):
        with many_sockets() as numbers:
            assert number not in numbers
        send_to_socket(server, b"x", None)
        until(lambda left=left: sum(call.is_alive() for call in calls) < left)  # type: ignore[misc]
    assert [call.answer()[0] for call in calls] == [b"x"] * 3
    assert number not in open_numbers()


def test_the_peer_sees_the_end_when_the_call_has_returned(slow: Makers) -> None:
    client, server = slow.pair()
    call = Waiter(receive_from_socket, client, 9).is_asleep()
    close_socket(client)
    send_to_socket(server, b"last", None)
    assert call.answer()[0] == b"last"
    assert receive_from_socket(server, 9)[0] == b""


def test_a_call_that_has_returned_is_no_longer_under_way(slow: Makers) -> None:
    client, server = slow.pair()
    number = client.fd
    for data in (b"one", b"two"):
        send_to_socket(server, data, None)
        assert receive_from_socket(client, 9)[0] == data
    close_socket(client)
    assert number not in open_numbers()


@needs_posix
def test_several_closed_sockets_wait_for_their_calls_each(slow: Makers) -> None:
    pairs = [slow.pair() for _ in range(4)]
    numbers = [client.fd for client, _ in pairs]
    calls = [Waiter(receive_from_socket, client, 9).is_asleep() for client, _ in pairs]
    for client, _ in pairs:
        close_socket(client)
    taken = set(numbers)
    for index in (1, 0, 3, 2):
        assert taken <= open_numbers()
        send_to_socket(pairs[index][1], b"x", None)
        assert calls[index].answer()[0] == b"x"
        taken.remove(numbers[index])
        assert not open_numbers() & (set(numbers) - taken)


def test_a_detached_number_is_not_closed_by_the_call(slow: Makers) -> None:
    client, server = slow.pair()
    call = Waiter(receive_from_socket, client, 9).is_asleep()
    with adopt_descriptor(detach_socket(client)) as adopted:
        send_to_socket(server, b"x", None)
        assert call.answer()[0] == b"x"
        send_all(adopted, b"still open")
        assert receive_from_socket(server, 99)[0] == b"still open"


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads take turns more often than once in five milliseconds."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(interval)


@needs_posix
def test_no_call_reaches_a_socket_that_was_made_meanwhile(many_switches: None) -> None:
    """Threads send and receive on pairs that other threads close and replace: each gets its own."""
    kind = SocketDomain.UNIX, SocketType.DATAGRAM, SocketProtocol.AUTO
    expected = {errno.EBADF, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE}
    identities = itertools.count()
    replaced = threading.Event()

    def new_pair() -> tuple[bytes, Socket, Socket]:
        pair = make_socket_pair(*kind)
        for sock in pair:
            set_socket_nonblocking(sock, False)
            set_socket_option(sock, SocketOption.RECEIVE_TIMEOUT, 0.001)
            set_socket_option(sock, SocketOption.SEND_TIMEOUT, 0.001)
        return b"%d" % next(identities), *pair

    pairs = [new_pair() for _ in range(4)]

    def use(seed: int) -> int:
        chance, received = random.Random(seed), 0
        while not replaced.is_set():
            identity, first, second = chance.choice(pairs)
            with contextlib.suppress(SocketCondition):
                send_to_socket(first, identity, None)
            try:
                data, _ = receive_from_socket(second, 70_000)  # so much that the lock is given up
            except SocketCondition as condition:
                assert condition.type in expected, condition
            else:
                assert data in (identity, None)
                received += data is not None
        return received

    def replace(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(1000):
            index = seed + 2 * chance.randrange(2)  # each thread replaces its own
            (_, *old), pairs[index] = pairs[index], new_pair()
            for sock in old:
                close_socket(sock)

    users = [Waiter(use, seed) for seed in range(4)]
    for closer in [Waiter(replace, seed) for seed in range(2)]:
        closer.answer()
    replaced.set()
    assert sum(user.answer() for user in users) > 0
    for _, *both in pairs:
        for sock in both:
            close_socket(sock)


# A fork has one thread only.

CHILDREN = FORKING + """
def is_open(number):
    return os.path.exists(f"/proc/self/fd/{number}")

def child(act):
    if (process := os.fork()) == 0:
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(process, 0)[1] == 0

client, server = pair()
number = client.fd
call = Waiter(receive_from_socket, client, 9).is_asleep()
"""


def run_child(script: str) -> None:
    run_python(CHILDREN + script, os.path.dirname(__file__))


@needs_posix
def test_a_child_closes_at_once_what_its_parent_has_calls_on() -> None:
    run_child("""
def act():
    assert is_open(number)
    close_socket(client)
    assert not is_open(number)
    with create_socket(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        assert sock.fd <= number

child(act)
assert call.is_alive() and is_open(number)
send_to_socket(server, b"x", None)
assert call.answer()[0] == b"x"
close_socket(client)
assert not is_open(number)
close_socket(server)
""")


@needs_posix
def test_a_child_does_not_keep_what_its_parent_has_closed() -> None:
    run_child("""
def act():
    assert not is_open(number)
    assert client.fd == -1
    try:
        receive_from_socket(client, 9)
    except SocketCondition as condition:
        assert condition.type == errno.EBADF

close_socket(client)
child(act)
assert is_open(number)
send_to_socket(server, b"x", None)
assert call.answer()[0] == b"x"
assert not is_open(number)
close_socket(server)
""")


@needs_posix
def test_a_child_counts_its_own_calls() -> None:
    run_child("""
def act():
    second = Waiter(receive_from_socket, client, 9).is_asleep()
    close_socket(client)
    assert is_open(number)
    send_to_socket(server, b"y", None)
    assert second.answer()[0] == b"y"
    assert not is_open(number)

send_to_socket(server, b"x", None)
assert call.answer()[0] == b"x"
child(act)
close_socket(client)
close_socket(server)
""")


@needs_posix
def test_closing_needs_no_descriptor_of_its_own() -> None:
    run_child("""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
several = []
try:
    while True:
        several += pair()
except SocketCondition as condition:
    assert condition.type == errno.EMFILE
close_socket(client)
for sock in several[2:]:
    close_socket(sock)
kept = [pair() for _ in several[4::2]]
assert number not in [sock.fd for both in kept for sock in both]
send_to_socket(server, b"x", None)
assert call.answer()[0] == b"x"
assert not is_open(number)
for sock in (server, *several[:2], *[sock for both in kept for sock in both]):
    close_socket(sock)
""")
