"""Fast paths: they are there, and answer as the procedures in whose places they are."""

from __future__ import annotations

import array
import copy
import ctypes
import errno
import functools
import gc
import inspect
import mmap
import operator
import os
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
from helpers import (
    LOOPBACK,
    WINDOWS,
    Makers,
    Waiter,
    collect_garbage,
    fill,
    name_of,
    needs_posix,
    needs_unix_sockets,
    with_lock,
)
from hypothesis import given
from hypothesis import strategies as st

import sockets
from sockets import (
    HAS_MESSAGES,
    AddressInfoOption,
    AncillaryData,
    Datagrams,
    Internet6Address,
    Internet6Option,
    InternetAddress,
    IpOption,
    ReceiveFromOption,
    SendToOption,
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
    connect_socket,
    create_socket,
    get_address_info,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    receive_exactly,
    receive_from_socket,
    receive_into_socket,
    register_socket_domain,
    send_all,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    wait_for_socket,
)

FAST = (
    "accept_socket", "close_socket", "connect_socket", "create_socket", "get_address_info",
    "get_peer_name", "get_socket_name", "get_socket_option", "receive_exactly",
    "receive_from_socket", "receive_into_socket", "send_all", "send_to_socket",
    "set_socket_nonblocking", "set_socket_option", "wait_for_socket",
    *(("receive_message", "receive_message_into", "send_message") if HAS_MESSAGES else ()),
)
HAS_FAST_PATHS = _sockets.HAS_FAST_PATHS
needs_fast_paths = pytest.mark.skipif(not HAS_FAST_PATHS, reason="all goes the long way here")
AUTO = SocketProtocol.AUTO


def long_way(name: str) -> Callable[..., Any]:
    """The procedure in whose place a fast path stands (§90V)."""
    fast = getattr(sockets, name)
    return fast.__wrapped__ if HAS_FAST_PATHS else fast  # type: ignore[no-any-return]


def size_of(value: object) -> int:
    return sys.getsizeof(value, 0)  # PyPy does not tell


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returned or raised, in a form that can be compared."""
    try:
        answer = call()
        if isinstance(answer, Socket):
            close_socket(answer)
            return Socket
        return told(answer)
    except Exception as failure:
        return "raised", told(failure)


def told(answer: Any) -> Any:
    if isinstance(answer, tuple):
        return tuple(map(told, answer))
    if isinstance(answer, Exception):
        return answer.__class__.__mro__, str(answer), repr(answer)
    return answer


def both(name: str, *arguments: Any, **named: Any) -> None:
    """Make the same call in both ways; it must be one that can be made twice."""
    fast, slow = getattr(sockets, name), long_way(name)
    assert outcome(lambda: fast(*arguments, **named)) == outcome(
        lambda: slow(*arguments, **named)
    )


@with_lock
@pytest.mark.skipif("long" in sockets.__file__, reason="built without them")
def test_there_are_fast_paths() -> None:
    assert HAS_FAST_PATHS


@needs_fast_paths
@pytest.mark.parametrize("name", FAST)
def test_a_fast_path_has_the_name_the_documentation_and_the_arguments_of_its_procedure(
    name: str,
) -> None:
    fast, slow = getattr(sockets, name), long_way(name)
    assert isinstance(slow, types.FunctionType)
    assert not isinstance(fast, types.FunctionType)
    assert (fast.__name__, inspect.getdoc(fast)) == (slow.__name__, inspect.getdoc(slow))
    assert inspect.signature(fast) == inspect.signature(slow)
    assert pickle.loads(pickle.dumps(fast)) is copy.copy(fast) is fast


@needs_fast_paths
def test_the_class_of_fast_paths_makes_no_others_and_stays_as_it_is() -> None:
    kind: Any = type(sockets.create_socket)
    for make in (kind, lambda: object.__new__(kind), lambda: kind.__new__(kind)):
        with pytest.raises((TypeError, AttributeError)):
            make()
    with pytest.raises(TypeError):
        type("Derived", (kind,), {})
    with pytest.raises(TypeError):
        kind.__call__ = None
    for name in ("__wrapped__", "__doc__", "other"):
        with pytest.raises(AttributeError):
            setattr(sockets.create_socket, name, None)


@needs_fast_paths
def test_a_fast_path_is_called_in_any_way_that_a_function_is() -> None:
    arguments = SocketDomain.INTERNET, SocketType.DATAGRAM, AUTO
    names = dict(zip(("domain", "type", "protocol"), arguments, strict=True))
    kind: Any = type(create_socket)
    for make in (
        lambda: create_socket(*arguments), lambda: create_socket(**names),
        lambda: create_socket(arguments[0], protocol=AUTO, type=arguments[1]),
        functools.partial(create_socket, *arguments),
        lambda: kind.__call__(create_socket, *arguments),
        lambda: operator.methodcaller("__call__", *arguments)(create_socket),
    ):
        with make() as sock:
            assert (sock.domain, sock.type, sock.protocol) == arguments

    class Uses:
        make = create_socket

    with Uses().make(*arguments) as sock:  # as with functions of C, there is no self
        assert sock.type is SocketType.DATAGRAM
    assert repr(create_socket).startswith("<fast path of <function create_socket at ")
    assert inspect.isroutine(create_socket)


# Arguments that are not of the usual kind: the message is the procedure's.

class Bare(SocketDomain):
    """Derived without its parent's constructor, so that its slots are empty."""

    def __init__(self) -> None:
        pass


class BareOption(SocketOption):
    def __init__(self) -> None:
        pass


class BareAddress(SocketAddress):
    pass


NO_SOCKET = Socket.__new__(Socket)
WRONG: list[Any] = [
    None, 7, -1, 2**70, True, "x", b"x", NO_SOCKET, Bare(), BareOption(), BareAddress(),
    SocketType.STREAM, AUTO, SocketDomain.INTERNET, ReceiveFromOption.PEEK,
    SendToOption.DONT_ROUTE, InternetAddress(1, None), SocketOption.KEEP_ALIVE, [],
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: value.__class__.__name__)
@pytest.mark.parametrize("name", FAST)
def test_a_wrong_argument_is_refused_as_by_the_procedure(
    name: str, wrong: Any, quick: Makers
) -> None:
    sock = quick.socket(SocketType.DATAGRAM)
    usual: dict[str, list[Any]] = {
        "accept_socket": [sock],
        "close_socket": [],
        "connect_socket": [sock, InternetAddress(1, None)],
        "create_socket": [quick.family.domain, SocketType.STREAM, SocketProtocol(99)],
        "get_address_info": ["127.0.0.1", 80, None, None, None, AddressInfoOption.NUMERIC_HOST],
        "get_peer_name": [sock],
        "get_socket_name": [sock],
        "get_socket_option": [sock, SocketOption.KEEP_ALIVE],
        "receive_exactly": [sock, 9],
        "receive_from_socket": [sock, 9],
        "receive_into_socket": [sock, bytearray(9)],
        "receive_message": [sock, 9],
        "receive_message_into": [sock, [bytearray(9)]],
        "send_all": [sock, b"", InternetAddress(1, None)],
        "send_message": [sock, [b""], InternetAddress(1, None), [AncillaryData(1, 2, b"")]],
        "send_to_socket": [sock, b"", InternetAddress(1, None)],
        "set_socket_nonblocking": [sock, True],
        "set_socket_option": [sock, SocketOption.KEEP_ALIVE, True],
        "wait_for_socket": [sock, False, True, 0],
    }
    for place in range(len(usual[name]) + 1):
        for arguments in (
            [*usual[name][:place], wrong, *usual[name][place + 1 :]],
            [*usual[name][:place], wrong],
            usual[name][:place],
        ):
            both(name, *arguments)
    both(name, wrong=wrong)
    if name.startswith("receive_message"):
        both(name, *usual[name], room=wrong)
        both(name, *usual[name], room=9, wrong=wrong)


def test_named_arguments_do_what_they_do_in_order(quick: Makers) -> None:
    first, second = quick.datagrams()
    assert send_to_socket(sock=first, buffer=b"hello", address=None) == 5
    assert receive_from_socket(count=9, sock=second)[0] == b"hello"
    sock = create_socket(type=SocketType.STREAM, domain=quick.family.domain, protocol=AUTO)
    set_socket_option(sock, value=True, option=SocketOption.KEEP_ALIVE)
    assert get_socket_option(option=SocketOption.KEEP_ALIVE, sock=sock) is True
    close_socket(sock=sock)


def test_an_empty_record_of_a_socket_is_a_closed_socket_and_nothing_worse() -> None:
    for call in (
        lambda: receive_from_socket(NO_SOCKET, 9), lambda: send_to_socket(NO_SOCKET, b"", None),
        lambda: accept_socket(NO_SOCKET), lambda: close_socket(NO_SOCKET),
        lambda: get_socket_option(NO_SOCKET, SocketOption.KEEP_ALIVE),
        lambda: get_socket_name(NO_SOCKET), lambda: get_peer_name(NO_SOCKET),
        lambda: set_socket_nonblocking(NO_SOCKET, True),
        lambda: wait_for_socket(NO_SOCKET, True, True, 0),
    ):
        with pytest.raises((SocketCondition, AttributeError)) as failure:
            call()
        closed = errno.WSAENOTSOCK if WINDOWS else errno.EBADF
        assert getattr(failure.value, "type", closed) == closed


# Data.

@given(st.integers(0, 300), st.integers(0, 300))
def test_a_datagram_comes_whole_or_cut_in_either_way(length: int, count: int) -> None:
    with create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM, AUTO) as sock:
        bind_socket(sock, LOOPBACK)
        address, data = name_of(sock), os.urandom(length)
        for receive in (receive_from_socket, long_way("receive_from_socket")):
            assert send_to_socket(sock, data, address) == length
            assert receive(sock, count) == (data[:count], address)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 5000, 65535, 65536, 100000])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_what_is_received_is_a_bytes_like_any_other(size: int, part: int, make: Makers) -> None:
    client, server = make.pair()
    digits = b"123456789" * size
    data = digits[: (size * part // 2 + part) or 1][:size]
    sent = 0
    while sent < len(data):
        done = send_to_socket(client, data[sent:], None)
        sent += done if isinstance(done, int) else 0
    got = b""
    while len(got) < len(data):
        piece = receive_from_socket(server, size)[0]
        if piece:
            assert hash(piece) == hash(bytes(bytearray(piece)))
            assert piece + b"" == b"".join([piece[:1], piece[1:]])
            assert (piece[:20] + b"0").isdigit()
            assert size_of(piece) == size_of(bytes(bytearray(piece)))
            assert int(piece[-4:]) >= 0
            got += piece
    assert got == data


def test_the_size_of_a_bytes_is_that_of_what_came(quick: Makers) -> None:
    first, second = quick.datagrams()
    for count in (10, 5000, 60000):
        assert send_to_socket(first, b"1234", None) == 4
        data, _ = receive_from_socket(second, count)
        assert data == b"1234"
        assert int(data) == 1234
        assert size_of(data) == size_of(b"1234")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_sent_and_is_free_afterwards(kind: Any, make: Makers) -> None:
    first, second = make.datagrams()
    buffer = kind(b"hello")
    assert send_to_socket(first, buffer, name_of(second)) == 5
    assert receive_from_socket(second, 9)[0] == b"hello"
    if kind is bytearray:
        buffer.extend(b"!")  # BufferError, if it were still lent


def test_a_buffer_is_free_after_a_send_that_fails(quick: Makers) -> None:
    client, _ = quick.pair()
    fill(client)
    buffer = bytearray(9)
    assert isinstance(send_to_socket(client, buffer, None), SocketCondition)
    buffer.append(0)
    close_socket(client)
    with pytest.raises(SocketCondition):
        send_to_socket(client, buffer, None)
    buffer.append(0)
    with pytest.raises(SocketCondition):
        receive_into_socket(client, buffer)
    buffer.append(0)


def test_flags_are_heeded(make: Makers) -> None:
    first, second = make.datagrams()
    assert send_to_socket(first, b"hello", None, SendToOption.DONT_ROUTE) == 5
    assert receive_from_socket(second, 9, ReceiveFromOption.PEEK)[0] == b"hello"
    room = bytearray(9)
    assert receive_into_socket(second, room, ReceiveFromOption.PEEK)[0] == 5
    assert receive_from_socket(second, 9)[0] == b"hello"
    for wrong in (SendToOption.DONT_ROUTE, None, 1):
        both("receive_from_socket", second, 9, ReceiveFromOption.PEEK, wrong)
        both("receive_into_socket", second, bytearray(9), wrong)
    both("send_to_socket", first, b"", None, ReceiveFromOption.PEEK)


def test_a_buffer_that_cannot_be_written_to_is_refused(quick: Makers) -> None:
    sock = quick.socket(SocketType.DATAGRAM)
    own = memoryview(bytearray(9))
    released = own[1:]
    released.release()
    for wrong in (
        b"12345", memoryview(b"12345"), "12345", None, own[::2], own.toreadonly(), released
    ):
        both("receive_into_socket", sock, wrong)


@pytest.mark.parametrize("room", [
    memoryview(bytearray(8)).cast("B", (2, 4)), array.array("H", bytes(8)),
    memoryview(array.array("I", bytes(8))), (ctypes.c_uint32 * 2)(), mmap.mmap(-1, 8),
], ids=["matrix", "array", "numbers", "c_uint32", "map"])
def test_every_kind_of_writable_memory_is_received_into(room: Any, quick: Makers) -> None:
    client, server = quick.pair()
    for size in (8, 5):
        data = bytes(range(size))
        assert send_to_socket(client, data, None) == size
        assert wait_for_socket(server, True, False, 9)[0]
        assert receive_into_socket(server, room)[0] == size
        assert bytes(room)[:size] == data


def test_a_buffer_that_is_refused_is_refused_in_the_words_of_the_procedure(quick: Makers) -> None:
    sock = quick.socket(SocketType.DATAGRAM)
    for wrong in ("text", None, 5, memoryview(b"123456")[::2], [1]):
        both("send_to_socket", sock, wrong, None)
    closed = memoryview(b"12")
    closed.release()
    both("send_to_socket", sock, closed, None)


# All of a piece.

WAYS = pytest.mark.parametrize("way", ["fast", "long"])


def exactly(way: str) -> Callable[..., Any]:
    return receive_exactly if way == "fast" else long_way("receive_exactly")


@WAYS
@pytest.mark.parametrize("count", [0, 1, 2, 4095, 4097, 65535, 65536, 300_000])
def test_all_of_a_piece_comes_as_a_bytes_like_any_other(count: int, way: str, make: Makers) -> None:
    client, server = make.pair()
    data = os.urandom(count)
    sender = Waiter(send_all, client, data + b"rest")
    got, why = exactly(way)(server, count)
    assert (got, why) == (data, None)
    assert hash(got) == hash(bytes(bytearray(data)))
    assert size_of(got) == size_of(bytes(bytearray(data)))
    assert exactly(way)(server, 4) == (b"rest", None)
    assert sender.answer() == (count + 4, None)


@WAYS
@pytest.mark.parametrize("count", [6, 100_000, 2**31, sys.maxsize])
def test_a_length_that_never_comes_is_met_by_what_came_before_the_end(
    count: int, way: str, make: Makers
) -> None:
    client, server = make.pair()
    send_all(client, b"short")
    close_socket(client)
    got, why = exactly(way)(server, count)
    assert (got, why) == (b"short", None)
    assert size_of(got) == size_of(b"short")
    assert exactly(way)(server, count) == (b"", None)


@needs_posix
def test_a_length_that_is_believed_takes_no_gigabytes(quick: Makers) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")  # which PyPy lacks
    client, server = quick.pair()
    send_all(client, b"short")
    close_socket(client)
    tracemalloc.start()
    try:
        assert receive_exactly(server, 2**40)[0] == b"short"
        assert tracemalloc.get_traced_memory()[1] < 2**28
    finally:
        tracemalloc.stop()


def test_more_than_there_is_room_for_at_first_comes_whole(unix: Makers) -> None:
    client, server = unix.pair()
    data = bytes(range(256)) * 2**18 + b"more"  # 64 MiB
    sender = Waiter(send_all, client, data)
    got, why = receive_exactly(server, len(data))
    assert why is None
    assert got == data
    assert sender.answer() == (len(data), None)


@WAYS
def test_what_came_before_the_time_was_up_is_told(way: str, quick: Makers) -> None:
    client, server = quick.pair()
    for data in (b"", b"abc"):
        send_all(client, data)
        got, why = exactly(way)(server, 9, timeout=0.05)
        assert (got, why.name, why.who) == (data, "ETIMEDOUT", "receive_from_socket")
    for wrong in (-1, "1", float("nan")):
        both("receive_exactly", server, 9, timeout=wrong)
    both("receive_exactly", server, 9, time=1)
    close_socket(server)
    both("receive_exactly", server, 9)
    set_socket_nonblocking(client, False)
    both("receive_exactly", client, 9, timeout=1)


@WAYS
@pytest.mark.parametrize("kind", [bytes, bytearray, lambda data: memoryview(b"x" + data)[1:]],
                         ids=["bytes", "bytearray", "slice"])
def test_what_there_was_no_room_for_before_the_time_was_up_is_told(
    kind: Callable[[bytes], Any], way: str, quick: Makers
) -> None:
    client, server = quick.pair()
    send = send_all if way == "fast" else long_way("send_all")
    buffer = kind(os.urandom(8_000_000))
    sent, why = send(client, buffer, timeout=0.05)
    assert 0 < sent < 8_000_000
    assert (why.name, why.who, why.address) == ("ETIMEDOUT", "send_to_socket", None)
    assert receive_exactly(server, sent) == (bytes(buffer[:sent]), None)
    for wrong in (-1, "1", float("nan")):
        both("send_all", client, buffer, timeout=wrong)
    for wrong in ("text", None, memoryview(b"abcd")[::2]):
        both("send_all", client, wrong)
        both("send_all", client, wrong, timeout=-1)
    close_socket(client)
    both("send_all", client, buffer)
    if isinstance(buffer, bytearray):
        gc.collect()  # by which PyPy ends a loan
        buffer.clear()  # BufferError, if it were still lent


@WAYS
def test_a_socket_that_is_closed_meanwhile_says_so_and_what_came(way: str, make: Makers) -> None:
    client, server = make.pair()
    send_all(client, b"head")
    waiter = Waiter(exactly(way), server, 9).is_asleep()
    close_socket(server)
    send_all(client, b"x")
    close_socket(client)  # at the latest now the call that is under way has ended
    with pytest.raises(SocketCondition) as failure:
        waiter.answer()
    assert failure.value.done in (b"head", b"headx")
    assert failure.value.type in (errno.EBADF, getattr(errno, "WSAENOTSOCK", None))


# Names, modes and looks.

def test_both_ends_have_the_names_that_the_procedures_tell(make: Makers) -> None:
    client, server = make.pair()
    assert get_peer_name(client) == get_socket_name(server)
    for sock in (client, server, make.socket()):
        both("get_socket_name", sock)
        both("get_peer_name", sock)
    close_socket(client)
    both("get_socket_name", client)
    both("get_peer_name", client)


def test_record_and_kernel_agree_on_the_mode_in_either_way(make: Makers) -> None:
    sock = make.socket()
    for change in (set_socket_nonblocking, long_way("set_socket_nonblocking")):
        for mode in (True, True, False, False, True):
            change(sock, mode)
            assert sock.nonblocking is mode
            assert WINDOWS or os.get_blocking(sock.fd) is not mode
    for wrong in (0, 1, None, "x"):
        both("set_socket_nonblocking", sock, wrong)
    close_socket(sock)
    both("set_socket_nonblocking", sock, False)
    assert sock.nonblocking


@pytest.mark.parametrize("timeout", [0, 0.0, -0.0, False, -1, 2**70, 1e-9, None, "0", float("nan")])
def test_a_look_tells_what_the_procedure_tells(timeout: Any, make: Makers) -> None:
    client, server = make.pair()
    assert send_to_socket(client, b"x", None) == 1
    assert wait_for_socket(server, True, False, 9)[0]
    for asked in ((True, False), (False, True), (True, True)):
        both("wait_for_socket", server, *asked, timeout)
        both("wait_for_socket", server, *asked, timeout=timeout)
    if timeout is not None:
        both("wait_for_socket", client, True, False, timeout)
        both("wait_for_socket", client, False, False, timeout)
    for wrong in ((1, 0), (None, True), (True, "x")):
        both("wait_for_socket", server, *wrong, timeout)
    both("wait_for_socket", server, True, False, limit=timeout)
    close_socket(server)
    both("wait_for_socket", server, True, True, timeout)


# Addresses.

class Strange(SocketAddress):
    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)

    def converter(self) -> bytes:
        return self.data


@pytest.mark.parametrize("name", ["receive_from_socket", "accept_socket"])
def test_a_domain_of_the_programs_own_has_its_extractor_called(name: str) -> None:
    domain = SocketDomain(SocketDomain.INTERNET.value, Strange, SocketDomain.INTERNET.address_size)
    kind = SocketType.DATAGRAM if name == "receive_from_socket" else SocketType.STREAM
    with create_socket(domain, kind, AUTO) as sock, create_socket(domain, kind, AUTO) as peer:
        bind_socket(sock, LOOPBACK)
        place = get_socket_name(sock)
        assert isinstance(place, Strange)
        if name == "receive_from_socket":
            assert send_to_socket(peer, b"x", place) == 1
            data, address = receive_from_socket(sock, 1)
            assert data == b"x"
            assert isinstance(address, Strange)
        else:
            sockets.listen_socket(sock, 1)
            connect_socket(peer, place)
            client, address = sockets.within(9, accept_socket, sock)
            assert client.domain is domain
            assert address == get_socket_name(peer)
            close_socket(client)


def test_an_extractor_that_fails_fails_the_call_and_leaks_nothing() -> None:
    def fail(packed: bytes) -> SocketAddress:
        raise LookupError("no address")

    domain = SocketDomain(SocketDomain.INTERNET.value, fail, SocketDomain.INTERNET.address_size)
    with create_socket(domain, SocketType.DATAGRAM, AUTO) as sock:
        bind_socket(sock, LOOPBACK)
        address = sockets.adopt_descriptor(os.dup(sock.fd)) if os.name != "nt" else None
        if address is None:
            pytest.skip("no second descriptor")
        with address as other:
            place = name_of(other)
            assert send_to_socket(other, b"x", place) == 1
            with pytest.raises(LookupError):
                receive_from_socket(sock, 1)


def test_a_registered_extractor_is_called_for_what_is_resolved() -> None:
    domain = SocketDomain(SocketDomain.INTERNET.value, Strange, SocketDomain.INTERNET.address_size)
    wrong: Any = SocketDomain(SocketDomain.INTERNET.value, len, SocketDomain.INTERNET.address_size)
    try:
        register_socket_domain(domain)
        infos, _ = get_address_info("127.0.0.1", 80)
        assert {info.domain for info in infos} == {domain}
        assert all(isinstance(info.address, Strange) for info in infos)
        both("get_address_info", "127.0.0.1", 80)
        register_socket_domain(wrong)
        both("get_address_info", "127.0.0.1", 80)
        with pytest.raises(TypeError, match="get_address_info: address must be a SocketAddress"):
            get_address_info("127.0.0.1", 80)
    finally:
        register_socket_domain(SocketDomain.INTERNET)


@given(
    st.sampled_from(["127.0.0.1", "::1", "1.2.3", "", "a b", "1.2.3.4\0", "\u0661", "0x7f.1"]),
    st.one_of(st.integers(-2, 65540), st.integers(), st.sampled_from(["80", " 80", "", None])),
    st.sampled_from([None, SocketDomain.INTERNET, SocketDomain.INTERNET_V6]),
    st.sampled_from([None, SocketType.STREAM, SocketType.DATAGRAM]),
    st.lists(st.sampled_from([
        AddressInfoOption.NUMERIC_HOST, AddressInfoOption.PASSIVE,
        AddressInfoOption.CANONICAL_NAME,
    ])),
)
def test_a_name_is_resolved_alike_in_both_ways(
    node: str, service: Any, domain: Any, type: Any, flags: list[AddressInfoOption]
) -> None:
    both("get_address_info", node, service, domain, type, None, AddressInfoOption.NUMERIC_HOST,
         *flags)


def test_an_address_from_the_kernel_is_equal_to_one_that_was_made(make: Makers) -> None:
    first, second = make.datagrams()
    assert send_to_socket(first, b"x", None) == 1
    _, address = receive_from_socket(second, 1)
    assert address == get_socket_name(first)
    assert hash(address) == hash(get_socket_name(first))
    assert pickle.loads(pickle.dumps(address)) == address
    for kind, fields in (
        (InternetAddress, "ip port"), (Internet6Address, "ip port flow scope"),
        (UnixAddress, "path"),
    ):
        if isinstance(address, kind):
            values = operator.attrgetter(*fields.split())(address)
            assert kind(*(values if isinstance(values, tuple) else (values,))) == address
            with pytest.raises(AttributeError):
                address.pat  # type: ignore[union-attr]  # noqa: B018


# Options.

@given(st.one_of(st.integers(), st.integers(-3, 300), st.booleans(), st.floats(), st.none()))
def test_an_option_takes_and_refuses_the_same_values_in_both_ways(value: Any) -> None:
    options: list[tuple[SocketDomain, SocketOption]] = [
        (SocketDomain.INTERNET, IpOption.TTL),
        (SocketDomain.INTERNET_V6, Internet6Option.HOP_LIMIT),
        (SocketDomain.INTERNET, SocketOption.KEEP_ALIVE),
        (SocketDomain.INTERNET, TcpOption.NO_DELAY),
    ]
    for domain, option in options:
        try:
            sock = create_socket(domain, SocketType.STREAM, AUTO)
        except SocketCondition:
            continue  # no IPv6 here
        with sock:
            before = get_socket_option(sock, option)
            fast = outcome(lambda: set_socket_option(sock, option, value))  # noqa: B023
            then = get_socket_option(sock, option)
            set_socket_option(sock, option, before)
            slow = outcome(lambda: long_way("set_socket_option")(sock, option, value))  # noqa: B023
            assert (fast, then) == (slow, long_way("get_socket_option")(sock, option))
            assert then.__class__ is before.__class__


# Addresses as keys.

class Own(InternetAddress):
    """Of another class, which therefore equals none of its parent's."""

    __slots__ = ("more",)
    __match_args__ = ("ip", "port", "more")

    def __init__(self, ip: Any, port: int | None, more: int = 0) -> None:
        SocketAddress.__init__(self, ip, port, more)


few, ports = st.sampled_from([None, 0, 1, 2**24]), st.sampled_from([None, 0, 80, 256])
words = st.sampled_from([0, 1, 2**31])
paths = st.sampled_from(["", "a", "ab", "\0", "\0a", "\0a\0", "\0a\0b", "a\0b", "\udcff", "x" * 108,
                         "x" * 109])
addresses = st.one_of(
    st.builds(InternetAddress, few, ports), st.builds(Own, few, ports, words),
    st.builds(Internet6Address, few, ports, words, words), st.builds(UnixAddress, paths),
)
EXTRACTORS: dict[type, Any] = {
    InternetAddress: sockets.foreign_to_internet_address,
    Internet6Address: sockets.foreign_to_internet6_address,
    UnixAddress: sockets.foreign_to_unix_address,
}


def forms(address: SocketAddress) -> list[SocketAddress]:
    """The same address: made by hand, packed, as the kernel gives it, and that once looked at."""
    made = [address, copy.copy(address)]
    try:
        packed = _sockets.socket_address_to_foreign(made[1])
    except (NotImplementedError, ValueError):
        return made
    if address.__class__ in EXTRACTORS:
        made += [EXTRACTORS[address.__class__](packed) for _ in range(2)]
        str(made[-1])
    return made


@given(addresses, addresses)
def test_addresses_are_keys_in_every_form_as_their_fields_are(
    one: SocketAddress, other: SocketAddress
) -> None:
    equal = one.__class__ is other.__class__ and one._key() == other._key()
    for each in forms(one):
        for its in forms(other):
            assert (each == its, each != its) == (equal, not equal)
            assert _sockets.Record.__eq__(each, its) in (equal, NotImplemented)
            if equal:
                assert hash(each) == hash(its)
                assert {each: "here"}[its] == "here"
            else:
                assert its not in {each: "here"}


def test_what_the_kernel_leaves_behind_the_fields_does_not_tell_addresses_apart() -> None:
    packed = InternetAddress(5, 80).converter()
    one, other = (sockets.foreign_to_internet_address(packed[:8] + bytes([n]) * 9) for n in (1, 2))
    assert one == other == InternetAddress(5, 80)
    assert hash(one) == hash(other) == hash(InternetAddress(5, 80))


def test_the_sender_of_a_datagram_is_found_among_addresses_made_by_hand(make: Makers) -> None:
    first, second = make.datagrams()
    address: Any = name_of(first)
    known = {type(address)(*[getattr(address, name) for name in address.__match_args__]): "first"}
    for _ in range(2):
        assert send_to_socket(first, b"x", None) == 1
        assert wait_for_socket(second, True, False, 9)[0]
        assert known[receive_from_socket(second, 9)[1]] == "first"  # type: ignore[index]


def test_an_address_of_a_class_that_compares_by_more_is_compared_by_it() -> None:
    assert Own(1, 80, 1) != Own(1, 80, 2)
    assert Own(1, 80, 1) == Own(1, 80, 1) != InternetAddress(1, 80)
    for address in (Own(1, 80), InternetAddress(1, 80)):
        assert InternetAddress.__eq__(address, 5) is NotImplemented
        if HAS_FAST_PATHS:
            with pytest.raises(TypeError):
                InternetAddress.__eq__(5, address)  # type: ignore[arg-type, call-arg]
    empty = InternetAddress.__new__(InternetAddress)
    for wrong in (lambda: hash(empty), lambda: empty == InternetAddress(1, 80)):
        with pytest.raises(AttributeError):
            wrong()


# Answers.

@pytest.mark.parametrize("name", ["receive_from_socket", "receive_into_socket", "accept_socket"])
def test_an_answer_is_the_procedures_and_nobody_elses(name: str, quick: Makers) -> None:
    sock = quick.listener() if name == "accept_socket" else quick.bound()
    more = {"receive_from_socket": [9], "receive_into_socket": [bytearray(9)], "accept_socket": []}
    answers = [getattr(sockets, name)(sock, *more[name])[1] for _ in range(3)]
    answers += [long_way(name)(sock, *more[name])[1] for _ in range(2)]
    assert len({id(answer) for answer in answers}) == 5
    for answer in answers:
        assert (answer.who, answer.type in (errno.EAGAIN, errno.EWOULDBLOCK)) == (name, True)
        assert isinstance(answer, BlockingIOError)
        assert (str(answer), repr(answer), answer.args, answer.address, answer.__class__) == (
            str(answers[0]), repr(answers[0]), answers[0].args, None, answers[0].__class__
        )
        assert not hasattr(answer, "characters_written")
        assert str(pickle.loads(pickle.dumps(answer))) == str(answer)


@needs_posix
def test_a_send_without_room_says_to_whom(quick: Makers) -> None:
    if not quick.family.unix:
        pytest.skip("UDP does not wait for its receiver")
    first, second = quick.datagrams()
    for address in (None, name_of(second)):
        while not isinstance(answer := send_to_socket(first, bytes(999), address), SocketCondition):
            pass
        assert answer.address == address


@needs_unix_sockets
def test_a_client_that_is_not_accepted_yet_has_its_record_closed_with_it(unix: Makers) -> None:
    listener = unix.listener()
    with create_socket(SocketDomain.UNIX, SocketType.STREAM, AUTO) as client:
        assert connect_socket(client, name_of(listener)) is True
        accepted, address = accept_socket(listener)
        assert isinstance(accepted, Socket)
        assert address == UnixAddress("")
        assert not accepted.nonblocking
        fd = accepted.fd
        with pytest.warns(ResourceWarning, match="unclosed"):
            del accepted
            collect_garbage()
        with pytest.raises(OSError):
            os.fstat(fd)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="it goes later, and elsewhere")
def test_the_warning_about_an_open_socket_points_to_who_dropped_it() -> None:
    sock = create_socket(SocketDomain.INTERNET, SocketType.STREAM, AUTO)
    with pytest.warns(ResourceWarning) as warnings:
        del sock
    assert warnings[0].filename == __file__


class Elsewhere(Datagrams):
    """Its data are not where C would look for them."""

    __slots__ = ("data",)
    __match_args__ = Datagrams.__match_args__


PLACE, OTHER = InternetAddress(1, 5), InternetAddress(1, 6)
RUN = Datagrams(b"abcde", 2, PLACE)
NO_SIZE = Datagrams.__new__(Datagrams)
for field, value in ("data", b"abc"), ("size", 0), ("address", None), ("truncated", False):
    object.__setattr__(NO_SIZE, field, value)


@needs_fast_paths
@pytest.mark.parametrize("runs", [
    [], (), [RUN], (RUN, RUN), [RUN, Datagrams(b"", 1, PLACE), Datagrams(b"", 0, OTHER), RUN],
    [Datagrams(b"xy", 2**40, None), Datagrams(bytes(1000), 999, OTHER)], [RUN] * 64, [RUN] * 65,
    [Datagrams(bytes(65535), 1400, PLACE)], [Datagrams(bytes(40000), 1, PLACE)] * 2,
    [Elsewhere(b"a", 5, PLACE)], [RUN, Datagrams.__new__(Datagrams)], [RUN, NO_SIZE], [RUN, "run"],
    None, {RUN}, [Datagrams(b"a", 1, Internet6Address(1, 1))],
    [Datagrams(b"a", 1, UnixAddress("x"))], [Datagrams(b"a", 1, InternetAddress(1, None))],
])
def test_runs_are_laid_out_alike_in_both_ways(runs: Any) -> None:
    def laid(lay: Any) -> Any:
        data, addresses, table, datagrams = lay("who", sock, runs)
        return data, addresses, list(table)[1:], datagrams

    fast = _sockets.lay_runs
    with create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM, AUTO) as sock:
        assert outcome(lambda: laid(fast)) == outcome(lambda: laid(fast.__wrapped__))  # type: ignore


def test_an_extractor_may_register_another_domain_in_its_own_place() -> None:
    size = SocketDomain.INTERNET.address_size

    def again(packed: bytes) -> SocketAddress:
        register_socket_domain(SocketDomain(SocketDomain.INTERNET.value, again, size))
        return Strange(packed)

    try:
        register_socket_domain(SocketDomain(SocketDomain.INTERNET.value, again, size))
        for _ in range(20):
            infos, _ = get_address_info("127.0.0.1", 80)
            assert {info.domain.extractor for info in infos} == {again}
    finally:
        register_socket_domain(SocketDomain.INTERNET)
