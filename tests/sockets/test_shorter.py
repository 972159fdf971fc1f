"""What takes one line where everybody used to write the same few."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    LOOPBACK,
    WITH_IPV6,
    Family,
    Makers,
    Waiter,
    name_of,
    needs_posix,
    readable,
    reports,
    windows_differs,
)

from sockets import (
    AddressInfo,
    AddressInfoOption,
    Datagrams,
    Internet6Address,
    InternetAddress,
    IpOption,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    UnixAddress,
    _sockets,
    accept_socket,
    bind_socket,
    close_socket,
    connect_first,
    connect_socket,
    create_listener,
    create_socket,
    define_socket_option_type,
    flag_option,
    get_address_info,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    make_foreign_address,
    number_option,
    or_raise,
    receive_exactly,
    receive_from_socket,
    send_all,
    send_datagrams,
    send_to_socket,
    set_socket_option,
    within,
)

LINUX = sys.platform == "linux"


def descriptors() -> set[str]:
    return set(os.listdir("/dev/fd")) if os.name == "posix" else set()


# Accepting without blocking.

def long_accept(sock: Socket, **named: Any) -> Any:
    """accept_socket without its fast path."""
    return getattr(accept_socket, "__wrapped__", accept_socket)(sock, **named)


@pytest.mark.parametrize("accept", [accept_socket, long_accept])
@pytest.mark.parametrize("nonblocking", [False, True])
def test_an_accepted_socket_is_in_the_mode_that_was_asked_for(
    make: Makers, accept: Callable[..., Any], nonblocking: bool
) -> None:
    listener, client = make.listener(), make.socket()
    assert connect_socket(client, name_of(listener)) is True or make.nonblocking
    readable(listener)
    server, _ = accept(listener, nonblocking=nonblocking)
    with server:
        assert server.nonblocking is nonblocking
        if os.name == "posix":
            assert os.get_blocking(server.fd) is not nonblocking
            assert os.get_inheritable(server.fd) is False
        if nonblocking:
            assert receive_from_socket(server, 1)[0] is None


@pytest.mark.parametrize("accept", [accept_socket, long_accept])
def test_accepting_takes_nothing_else_for_a_mode(
    tcp: Makers, accept: Callable[..., Any]
) -> None:
    listener = tcp.listener()
    for wrong in (1, 0, None, "yes"):
        with pytest.raises(TypeError, match="nonblocking must be a bool"):
            accept(listener, nonblocking=wrong)
    for named in ({"blocking": True}, {"nonblocking": True, "more": 1}):
        with pytest.raises(TypeError, match="unexpected keyword"):
            accept(listener, **named)
    nobody, condition = accept(listener, nonblocking=True)
    assert nobody is None
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)


def test_within_hands_named_arguments_on(quick: Makers) -> None:
    listener, client = quick.listener(), quick.socket()
    waiter = Waiter(lambda: within(DEADLINE, accept_socket, listener, nonblocking=True))
    connect_socket(client, name_of(listener))
    server, _ = waiter.answer()
    with server:
        assert server.nonblocking


# The domain of an address.

@pytest.mark.parametrize("name", WITH_IPV6)
def test_an_address_knows_its_domain(name: str, folder: Any) -> None:
    family = Family(name, folder)
    address = family.address()
    assert address.domain is family.domain
    with create_socket(address.domain, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        bind_socket(sock, address)
        assert name_of(sock).domain is family.domain  # and so does one that the kernel made


class Outer(SocketAddress):
    """An address of a program's own, which tells no domain."""

    def converter(self) -> bytes:
        return LOOPBACK.converter()


OTHERS = [LOOPBACK, Internet6Address(1, 0), UnixAddress("/nowhere")]
CALLS: dict[str, Callable[[Socket, SocketAddress], object]] = {
    "bind_socket": bind_socket,
    "connect_socket": connect_socket,
    "send_to_socket": lambda sock, address: send_to_socket(sock, b"x", address),
    "send_datagrams": lambda sock, address: send_datagrams(sock, [Datagrams(b"x", 1, address)]),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", WITH_IPV6)
def test_an_address_of_another_domain_is_refused_before_the_kernel_hears_of_it(
    call: str, name: str, folder: Any
) -> None:
    domain = Family(name, folder).domain
    with create_socket(domain, SocketType.DATAGRAM, SocketProtocol.AUTO) as sock:
        for address in OTHERS:
            if getattr(address, "domain", domain) != domain:
                for _ in range(2):  # the second time it is packed
                    told = (f"{call}: address must be of the socket's domain, {domain!r}, and "
                            f"{address} is of {address.domain!r}")
                    with pytest.raises(ValueError) as caught:
                        CALLS[call](sock, address)
                    assert str(caught.value) == told


@pytest.mark.parametrize("call", CALLS)
def test_an_address_that_tells_no_domain_is_for_the_kernel_to_judge(
    call: str, tcp: Makers
) -> None:
    address = Outer()
    sock = tcp.socket(SocketType.DATAGRAM)
    if call == "bind_socket":
        bind_socket(sock, address)
    else:
        target = name_of(tcp.bound())
        packed = make_foreign_address(target.domain.value, target.converter()[2:])
        address = type("There", (SocketAddress,), {"converter": lambda self: packed})()
        for _ in range(2):
            assert CALLS[call](sock, address) in (1, True)


def test_a_domain_of_the_same_family_is_no_other_domain(tcp: Makers) -> None:
    mine = SocketDomain(SocketDomain.INTERNET.value, lambda packed: LOOPBACK, 16)
    with create_socket(mine, SocketType.DATAGRAM, SocketProtocol.AUTO) as sock:
        bind_socket(sock, LOOPBACK)


# A listener.

@pytest.mark.parametrize("name", WITH_IPV6)
def test_a_listener_is_made_of_its_address_its_queue_and_options(name: str, folder: Any) -> None:
    family = Family(name, folder)
    options = (SocketOption.REUSE_ADDRESS, True), (SocketOption.KEEP_ALIVE, True)
    with create_listener(family.address(), 4, *options) as listener:
        assert listener.nonblocking
        assert (listener.domain, listener.type) == (family.domain, SocketType.STREAM)
        assert all(get_socket_option(listener, option) is value for option, value in options)
        with create_socket(family.domain, SocketType.STREAM, SocketProtocol.AUTO) as client:
            connect_socket(client, name_of(listener))
            readable(listener)
            server, _ = or_raise(accept_socket(listener))
            close_socket(server)


@needs_posix
def test_a_listener_that_fails_leaves_nothing_open(unix: Makers) -> None:
    place = unix.family.address()
    before = descriptors()
    wrong: list[tuple[type[Exception], tuple[Any, ...]]] = [
        (TypeError, ("127.0.0.1:80", 1)),
        (TypeError, (place, "1")),
        (ValueError, (place, -1)),
        (TypeError, (place, 1, SocketOption.REUSE_ADDRESS)),
        (TypeError, (place, 1, (SocketOption.REUSE_ADDRESS, 1))),
        (TypeError, (place, 1, (True, SocketOption.REUSE_ADDRESS))),
        (TypeError, (Outer(), 1)),
    ]
    for error, arguments in wrong:
        with pytest.raises(error):
            create_listener(*arguments)
    with create_listener(LOOPBACK, 1) as other:
        with reports(errno.EADDRINUSE, "bind_socket", "bind"):
            create_listener(name_of(other), 1)
        close_socket(other)
    with reports(errno.EADDRNOTAVAIL, "bind_socket", "bind"):
        create_listener(InternetAddress(0xC0000201, 0), 1)
    assert descriptors() == before
    assert os.listdir(unix.family.folder) == []  # no file of a socket that did not come to be


# A connection to the first that answers.

def info(address: SocketAddress, type: SocketType = SocketType.STREAM) -> AddressInfo:
    return AddressInfo(address.domain, type, SocketProtocol.AUTO, address)


@pytest.fixture
def refuser() -> Iterator[SocketAddress]:
    """An address where nobody listens."""
    with create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        bind_socket(sock, LOOPBACK)
        yield name_of(sock)


def fill_queue(listener: Socket) -> list[Socket]:
    """Connect to a listener until it has no room for one connection more."""
    clients: list[Socket] = []
    while len(clients) < 16:
        clients.append(create_socket(listener.domain, SocketType.STREAM, SocketProtocol.AUTO))
        if within(0.2, connect_socket, clients[-1], name_of(listener)) is not True:
            break
    return clients


@pytest.fixture
def silent() -> Iterator[SocketAddress]:
    """An address that does not answer, as Linux does not if a listener has no room."""
    if not LINUX:
        pytest.skip("it is Linux that does not answer then")
    with create_listener(LOOPBACK, 0) as listener:
        clients = fill_queue(listener)
        yield name_of(listener)
        for client in clients:
            close_socket(client)


@pytest.fixture
def untouched() -> Iterator[None]:
    """Whatever a test does, afterwards there are as many descriptors as before."""
    before = descriptors()
    yield
    assert descriptors() == before


@pytest.mark.parametrize("name", WITH_IPV6)
def test_the_one_address_is_connected_to(name: str, folder: Any) -> None:
    with create_listener(Family(name, folder).address(), 4) as listener:
        sock, address = connect_first([info(name_of(listener))], DEADLINE)
        assert sock is not None
        with sock:
            assert sock.nonblocking
            assert address == name_of(listener) == get_peer_name(sock)


@needs_posix
def test_the_next_is_tried_at_once_when_one_has_failed(
    refuser: SocketAddress, untouched: None
) -> None:
    with create_listener(LOOPBACK, 4) as listener:
        started = time.monotonic()
        sock, address = connect_first(
            [info(refuser), info(UnixAddress("/nowhere")), info(name_of(listener))], DEADLINE
        )
        assert sock is not None
        with sock:
            assert address == name_of(listener) == get_peer_name(sock)
            assert get_socket_option(sock, SocketOption.ERROR) is None
    assert time.monotonic() - started < DEADLINE / 2


def test_the_next_is_tried_after_a_quarter_of_a_second_when_one_does_not_answer(
    silent: SocketAddress, untouched: None
) -> None:
    with create_listener(LOOPBACK, 4) as listener:
        started = time.monotonic()
        sock, address = connect_first([info(silent), info(name_of(listener))], DEADLINE)
        assert 0.25 <= time.monotonic() - started < DEADLINE / 2
        assert sock is not None
        with sock:
            assert address == name_of(listener)


def test_one_that_answers_late_may_still_be_the_first(
    silent: SocketAddress, untouched: None
) -> None:
    with create_listener(LOOPBACK, 0) as listener:
        fillers = fill_queue(listener)
        infos = [info(name_of(listener)), info(silent)]
        waiter = Waiter(lambda: connect_first(infos, DEADLINE)).is_asleep()
        while waiter.is_alive():  # the kernel asks again after a second, and then there is room
            client, _ = within(0.1, accept_socket, listener)
            if client is not None:
                close_socket(client)
        sock, address = waiter.answer()
        close_socket(sock)
        assert address == name_of(listener)
        for filler in fillers:
            close_socket(filler)


def test_the_families_take_turns() -> None:
    four = [InternetAddress(0x7F000001, port) for port in (1, 2, 3)]
    six = [Internet6Address(1, port) for port in (1, 2)]
    turns = _sockets.take_turns("connect_first", [info(each) for each in (*six, *four)])
    assert [each.address for each in turns] == [six[0], four[0], six[1], four[1], four[2]]


@needs_posix
def test_all_failures_are_told(refuser: SocketAddress, untouched: None) -> None:
    places = [refuser, UnixAddress("/nowhere/at/all")]
    with pytest.raises(FileNotFoundError) as caught:
        connect_first([info(place) for place in places], DEADLINE)
    condition = caught.value
    assert isinstance(condition, SocketCondition)
    assert (condition.who, condition.syscall) == ("connect_first", "connect")
    assert str(condition) == (
        f"connect_first: connect: ENOENT ({os.strerror(errno.ENOENT)}): /nowhere/at/all; "
        f"ECONNREFUSED ({os.strerror(errno.ECONNREFUSED)}): {refuser}"
    )
    assert isinstance(condition.done, list)
    assert [each.address for each in condition.done] == places  # type: ignore[union-attr]
    assert [each.type for each in condition.done] == [  # type: ignore[union-attr]
        errno.ECONNREFUSED, errno.ENOENT]
    copy = pickle.loads(pickle.dumps(condition))
    assert (str(copy), len(copy.done)) == (str(condition), 2)


@windows_differs("errors")
def test_a_single_failure_is_as_it_would_be_without_others(refuser: SocketAddress) -> None:
    with reports(errno.ECONNREFUSED, "connect_first", "connect") as caught:
        connect_first([info(refuser)])
    assert caught.value.address == refuser


@needs_posix
def test_a_socket_that_cannot_be_made_is_a_failure_like_others(
    refuser: SocketAddress, untouched: None
) -> None:
    place = InternetAddress(0x7F000001, 1)
    strange = AddressInfo(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol(17), place)
    with pytest.raises(ConnectionRefusedError) as caught:
        connect_first([strange, info(refuser)])
    assert [each.syscall for each in caught.value.done] == [  # type: ignore[attr-defined]
        "socket", "connect"]


def test_when_the_time_is_up_nothing_is_left(
    silent: SocketAddress, refuser: SocketAddress, untouched: None
) -> None:
    started = time.monotonic()
    nothing, condition = connect_first([info(silent), info(refuser)], 0.4)
    assert 0.4 <= time.monotonic() - started < DEADLINE / 2
    assert nothing is None
    assert isinstance(condition, SocketCondition)
    assert (condition.who, condition.type) == ("connect_first", errno.ETIMEDOUT)
    assert [each.address for each in condition.done] == [refuser]  # type: ignore[union-attr]
    assert f"): {silent}; ECONNREFUSED (" in str(condition)


def test_with_no_time_at_all_what_answers_at_once_is_connected(refuser: SocketAddress) -> None:
    with create_listener(LOOPBACK, 4) as listener:
        sock, _ = connect_first([info(name_of(listener))], 0)
        assert sock is not None or not LINUX
        if sock is not None:
            close_socket(sock)


@needs_posix
def test_a_handler_that_raises_leaves_nothing_open(silent: SocketAddress, untouched: None) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with pytest.raises(KeyboardInterrupt):
            connect_first([info(silent), info(silent)], DEADLINE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_the_resolver_returns_can_be_connected_to(untouched: None) -> None:
    with create_listener(LOOPBACK, 4) as listener:
        port = name_of(listener).port  # type: ignore[attr-defined]
        infos, _ = get_address_info("127.0.0.1", port)  # of all types
        sock, address = connect_first(infos, DEADLINE)
        assert sock is not None
        with sock:
            assert (sock.type, address) == (SocketType.STREAM, name_of(listener))


def test_a_type_that_the_resolver_does_not_tell_is_taken_for_a_stream(untouched: None) -> None:
    with create_listener(LOOPBACK, 4) as listener:
        sock, _ = connect_first([info(name_of(listener), SocketType(0))], DEADLINE)
        assert sock is not None
        with sock:
            assert sock.type == SocketType.STREAM


@pytest.mark.parametrize(("infos", "error", "told"), [
    (3, TypeError, "infos must be a list of AddressInfo, not 3"),
    ([LOOPBACK], TypeError, "info must be an AddressInfo"),
    (([info(LOOPBACK)], None), TypeError, "info must be an AddressInfo"),
    ([], ValueError, "infos has no address of a stream"),
    ([info(LOOPBACK, SocketType.DATAGRAM)], ValueError, "infos has no address of a stream"),
])
def test_what_cannot_be_connected_to_is_refused(
    infos: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=f"connect_first: {told}"):
        connect_first(infos)


# Raising what was returned.

def test_an_answer_is_handed_back_if_it_is_no_condition(quick: Makers) -> None:
    client, server = quick.pair()
    assert or_raise(send_to_socket(client, b"abc", None)) == 3
    readable(server)
    assert or_raise(receive_from_socket(server, 9))[0] == b"abc"
    assert or_raise(send_all(client, b"abc", timeout=DEADLINE)) == (3, None)
    assert or_raise(receive_exactly(server, 3, timeout=DEADLINE)) == (b"abc", None)
    for other in (True, 0, None, (), (1, 2, 3), []):
        assert or_raise(other) is other  # type: ignore[comparison-overlap]


def test_a_condition_is_raised_and_what_was_done_is_not_lost(quick: Makers) -> None:
    client, server = quick.pair()
    for answer in (receive_from_socket(client, 1), receive_from_socket(client, 1)[1]):
        with pytest.raises(BlockingIOError):
            or_raise(answer)
    send_all(client, b"abc")
    with reports(errno.ETIMEDOUT) as caught:
        or_raise(receive_exactly(server, 9, timeout=0.05))
    assert caught.value.done == b"abc"


class Held:
    """What a caller has in a variable."""


def refused() -> AddressInfo:
    with create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        bind_socket(sock, InternetAddress("127.0.0.1", 0))
        address = get_socket_name(sock)
    assert isinstance(address, InternetAddress)
    return AddressInfo(
        SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO, address
    )


@pytest.mark.parametrize("fail", [
    lambda sock: or_raise(receive_from_socket(sock, 1)),
    lambda sock: or_raise(receive_from_socket(sock, 1)[1]),
    lambda sock: or_raise(receive_exactly(sock, 9, timeout=0.01)),
    lambda sock: or_raise(within(0.01, receive_from_socket, sock, 1)),
    lambda sock: close_socket(sock) or send_to_socket(sock, b"", None),
    lambda sock: close_socket(sock) or send_all(sock, b"abc"),
    lambda sock: close_socket(sock) or get_socket_option(sock, SocketOption.TYPE),
    lambda sock: get_address_info("127.0.0.x", 80, None, None, None,
                                  AddressInfoOption.NUMERIC_HOST),
    lambda sock: connect_first([refused(), refused()], DEADLINE),
], ids=["pair", "half", "done", "within", "closed", "all", "option", "resolver", "first"])
@pytest.mark.skipif(sys.implementation.name != "cpython", reason="references are not counted")
def test_a_condition_that_was_caught_keeps_nothing_of_its_callers(
    quick: Makers, fail: Callable[[Socket], object],
) -> None:
    def caller() -> weakref.ref[Held]:
        held = Held()
        try:
            fail(quick.pair()[0])
        except SocketCondition:
            return weakref.ref(held)
        raise AssertionError("nothing failed")

    gc.disable()
    try:
        assert caller()() is None
    finally:
        gc.enable()


# Options of one line.

@pytest.mark.parametrize(("kind", "id"), [
    (SocketOption, 9 if LINUX else None), (TcpOption, 1), (IpOption, 2 if LINUX else None)])
def test_an_option_is_made_of_its_class_and_its_number(kind: Any, id: int | None) -> None:
    if id is None:
        pytest.skip("the number is Linux's")
    with create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        flag, number = flag_option(kind, id), number_option(kind, id, 0, 1, "bits")
        assert type(flag) is type(number) is kind
        for value in (True, False):
            if kind is not IpOption:  # a TTL is not 0
                set_socket_option(sock, flag, value)
                assert get_socket_option(sock, flag) is value
                set_socket_option(sock, number, int(value))
                assert get_socket_option(sock, number) == value
        with pytest.raises(TypeError, match="value must be a bool, not 1"):
            set_socket_option(sock, flag, 1)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="value must be from 0 to 1 bits, not 2"):
            set_socket_option(sock, number, 2)


def test_an_option_of_a_class_of_ones_own_is_made_so_too() -> None:
    kind = define_socket_option_type("MyOption", 6)
    option = number_option(kind, 1)
    assert (type(option), option.level, option.id, option.size) == (kind, 6, 1, 4)
    assert option.converter(option.maker(-5)) == -5


@pytest.mark.parametrize(("call", "error", "told"), [
    (lambda: flag_option(SocketType, 1), TypeError, "kind must be a class of options"),  # type: ignore[arg-type]
    (lambda: number_option(TcpOption.NO_DELAY, 1), TypeError, "kind must be a class of options"),  # type: ignore[arg-type]
    (lambda: flag_option(TcpOption, "1"), TypeError, "id must be an int"),  # type: ignore[arg-type]
    (lambda: number_option(TcpOption, 1, 5, 4), ValueError, "high must be from 5"),
    (lambda: number_option(TcpOption, 1, 0, 2**31), ValueError, "high must be from 0"),
    (lambda: number_option(TcpOption, 1, 0, 1, 2), TypeError, "unit must be a str"),  # type: ignore[arg-type]
])
def test_an_option_that_cannot_be_is_refused(
    call: Callable[[], object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        call()


def test_a_group_can_be_joined_and_not_asked_for(tcp: Makers) -> None:
    with pytest.raises(ValueError, match="this option can only be set"):
        IpOption.ADD_MEMBERSHIP.converter(bytes(8))


def test_brackets_after_a_class_of_options_are_for_type_checkers() -> None:
    assert SocketOption[int].__origin__ is SocketOption  # type: ignore[attr-defined]
    assert TcpOption[bool].__origin__ is TcpOption  # type: ignore[attr-defined]
