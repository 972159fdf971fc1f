"""What is refused, or fails, says what would be right, what it was about, and with whom."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import socket as native
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    WINDOWS,
    Makers,
    collect_garbage,
    int_option,
    name_of,
    needs_posix,
    needs_unix_sockets,
    windows_differs,
)

import sockets
from sockets import (
    AddressInfo,
    AddressInfoOption,
    Datagrams,
    InternetAddress,
    IpOption,
    ReceiveFromOption,
    SendToOption,
    ShutdownMethod,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    _sockets,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    detach_socket,
    duplicate_socket,
    finish_connect,
    get_address_info,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    listen_socket,
    receive_datagrams,
    receive_exactly,
    receive_from_socket,
    receive_into_socket,
    receive_message,
    send_all,
    send_datagrams,
    send_message,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    string_to_internet_address,
    to_python_socket,
    wait_for_socket,
    within,
)

TCP = SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO
UDP = SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
LOCAL = SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
HERE = InternetAddress("127.0.0.1", 80)
INFO = AddressInfo(*TCP, HERE)
Attempt = Callable[[Socket], object]


# A value of a wrong class.

ADDRESSES: list[tuple[Any, str]] = [
    (("127.0.0.1", 80), "use InternetAddress(ip, port)"),
    (("::1", 80, 0, 0), "use Internet6Address(ip, port)"),
    ("127.0.0.1:80",
     "use string_to_internet_address, string_to_internet6_address or UnixAddress"),
    (b"/tmp/s", "use string_to_internet_address, string_to_internet6_address or UnixAddress"),
    (Path("/tmp/s"), "use UnixAddress(path)"),
    (INFO, "use its .address"),
]
TAKERS: list[Callable[[Socket, Any], object]] = [
    bind_socket, connect_socket, lambda sock, wrong: send_to_socket(sock, b"", wrong),
    lambda sock, wrong: send_all(sock, b"", wrong), lambda _, wrong: AddressInfo(*TCP, wrong),
    lambda sock, wrong: send_to_socket(sock, buffer=b"", address=wrong),
    lambda _, wrong: Datagrams(b"", 1, wrong),
    lambda sock, wrong: within(1, connect_socket, sock, wrong),
]


@pytest.mark.parametrize("take", TAKERS)
@pytest.mark.parametrize(("wrong", "hint"), ADDRESSES, ids=lambda value: type(value).__name__)
def test_what_is_no_address_is_told_what_makes_one(
    take: Callable[[Socket, Any], object], wrong: object, hint: str
) -> None:
    with create_socket(*UDP) as sock, pytest.raises(TypeError) as refusal:
        take(sock, wrong)
    assert "address must be a SocketAddress, not " in str(refusal.value)
    assert str(refusal.value).endswith(f" ({type(wrong).__name__}); {hint}")


@pytest.mark.parametrize(("attempt", "hint"), [
    (lambda _: sockets.internet_address_to_string("127.0.0.1"), "; use InternetAddress(ip, port)"),
    (lambda _: sockets.internet6_address_to_string("::1"), "; use Internet6Address(ip, port)"),
    (lambda s: set_socket_option(s, IpOption.ADD_MEMBERSHIP, ("239.1.2.3", None)),
     "; use InternetAddress(ip, port)"),
    (lambda s: set_socket_option(s, IpOption.MULTICAST_INTERFACE, "127.0.0.1"),
     "; use InternetAddress(ip, port)"),
    (lambda _: string_to_internet_address(b"127.0.0.1:80"), "(bytes); decode it first"),
    (lambda _: get_address_info(b"localhost", 80), "(bytes); decode it first"),
    (lambda _: get_address_info("localhost", b"80"),
     "service must be an int, a str or None, not b'80' (bytes); decode it first"),
    (lambda _: get_address_info("localhost", 80.0), "an int, a str or None, not 80.0 (float)"),
    (lambda _: create_socket(native.AF_INET, native.SOCK_STREAM, 0), "; use SocketDomain.INTERNET"),
    (lambda _: create_socket(TCP[0], native.SOCK_STREAM, 0), "; use SocketType.STREAM"),
    (lambda _: create_socket(*TCP[:2], 0), "; use SocketProtocol.AUTO"),
    (lambda _: create_socket(*TCP[:2], 132), "; use SocketProtocol(132)"),
    (lambda _: create_socket(4242, *TCP[1:]), "must be a SocketDomain, not 4242 (int)"),
    (lambda _: create_socket(2**40, *TCP[1:]), "(int)"),
    (lambda _: create_socket(*TCP[:2], True), "must be a SocketProtocol, not True (bool)"),
    (lambda s: receive_from_socket(s, 9, native.MSG_PEEK), "; use ReceiveFromOption.PEEK"),
    (lambda s: receive_from_socket(s, 9, native.MSG_PEEK | native.MSG_OOB),
     "; use ReceiveFromOption(3)"),
    (lambda s: send_to_socket(s, b"", None, native.MSG_OOB), "; use SendToOption.OUT_OF_BAND"),
    (lambda s: shutdown_socket(s, native.SHUT_WR), "; use ShutdownMethod.WRITE"),
    (lambda _: get_address_info(None, 1, None, None, None, native.AI_PASSIVE),
     "; use AddressInfoOption.PASSIVE"),
    (lambda _: close_socket(native.socket), "(type)"),
])
def test_a_value_of_a_wrong_class_is_told_the_way_to_the_right_one(
    attempt: Attempt, hint: str
) -> None:
    with create_socket(*UDP) as sock, pytest.raises(TypeError) as refusal:
        attempt(sock)
    assert str(refusal.value).endswith(hint)


def test_a_socket_of_pythons_is_told_how_to_become_one() -> None:
    with native.socket() as theirs, pytest.raises(TypeError, match=r"; use from_python_socket$"):
        listen_socket(theirs, 1)  # type: ignore[arg-type]


def test_no_hint_is_given_where_there_is_none() -> None:
    for wrong in (None, 5, 2.5, object(), ShutdownMethod.READ):
        with create_socket(*UDP) as sock, pytest.raises(TypeError) as refusal:
            bind_socket(sock, wrong)  # type: ignore[arg-type]
        assert str(refusal.value).endswith(f"({type(wrong).__name__})")


@pytest.mark.parametrize(("one", "other"), [
    (ReceiveFromOption.PEEK, ReceiveFromOption.OUT_OF_BAND),
    (SendToOption.DONT_ROUTE, SendToOption.OUT_OF_BAND),
    (AddressInfoOption.PASSIVE, AddressInfoOption.NUMERIC_HOST),
])
def test_flags_that_are_joined_are_told_how_to_be_passed(one: Any, other: Any) -> None:
    with pytest.raises(TypeError) as refusal:
        one | other
    assert str(refusal.value).endswith(f"pass both, {one!r}, {other!r}")
    for stranger in (1, SocketType.RAW):
        with pytest.raises(TypeError, match="unsupported operand"):
            one | stranger


# Methods.

@pytest.mark.parametrize("name", [
    name for name in dir(native.socket)
    if not name.startswith("_") and name not in ("fileno", "type", "timeout", "share", "ioctl")
] + ["sendmsg", "recvmsg", "recv", "close"])
def test_a_method_of_pythons_sockets_is_told_what_stands_here_for_it(name: str) -> None:
    if name in ("recvmsg_into", "sendmsg_afalg", "get_inheritable", "set_inheritable"):
        pytest.skip("nobody's first thought")
    with create_socket(*TCP) as sock:
        with pytest.raises(AttributeError) as refusal:
            getattr(sock, name)
        assert not hasattr(sock, name)
        said = str(refusal.value)
        assert said.startswith(f"'Socket' object has no attribute {name!r}; use ")
        assert said.endswith(" (what wants a socket of Python's takes that of to_python_socket)")
        instead = said.partition("; use ")[2].partition(" ")[0]
        assert instead in sockets.__all__ or hasattr(sock, instead)
    assert refusal.value.name == name


def test_another_attribute_is_missed_as_ever() -> None:
    with create_socket(*TCP) as sock, pytest.raises(AttributeError, match="no attribute 'colour'"):
        sock.colour  # type: ignore[attr-defined] # noqa: B018


def test_an_empty_record_says_that_it_is_empty() -> None:
    if not _sockets.HAS_BASES_IN_C:
        pytest.skip("only with bases in C")
    with pytest.raises(AttributeError, match="the record is empty"):
        Socket.__new__(Socket).domain  # noqa: B018


# A closed socket.

def closed(kind: Any = TCP) -> Socket:
    sock = create_socket(*kind)
    close_socket(sock)
    return sock


CLOSED: list[Attempt] = [
    lambda s: bind_socket(s, HERE), lambda s: listen_socket(s, 1), accept_socket,
    lambda s: accept_socket(sock=s), lambda s: connect_socket(s, HERE), finish_connect,
    lambda s: connect_socket(s, InternetAddress("127.0.0.1", 9)),
    close_socket, lambda s: close_socket(sock=s), lambda s: shutdown_socket(s, ShutdownMethod.READ),
    lambda s: send_to_socket(s, b"", None), lambda s: send_to_socket(s, buffer=b"", address=HERE),
    lambda s: send_all(s, b"x"), lambda s: receive_from_socket(s, 1),
    lambda s: receive_from_socket(sock=s, count=1), lambda s: receive_exactly(s, 1),
    lambda s: receive_into_socket(s, bytearray(1)), get_socket_name, get_peer_name,
    lambda s: get_socket_option(s, SocketOption.TYPE),
    lambda s: set_socket_option(s, SocketOption.REUSE_ADDRESS, True),
    lambda s: set_socket_nonblocking(s, True), lambda s: wait_for_socket(s, True, True, 0),
    duplicate_socket, detach_socket, to_python_socket, lambda s: within(1, accept_socket, s),
]
CLOSED_UDP: list[Attempt] = [
    lambda s: send_datagrams(s, [Datagrams(b"x", 1, None)]), lambda s: receive_datagrams(s, 1, 1),
]


@pytest.mark.parametrize(("attempt", "kind"), [(each, TCP) for each in CLOSED]
                         + [(each, UDP) for each in CLOSED_UDP])
def test_a_call_on_a_closed_socket_says_that_it_is_closed(attempt: Attempt, kind: Any) -> None:
    sock = closed(kind)
    with pytest.raises(SocketCondition) as failure:
        attempt(sock)
    condition = failure.value
    assert condition.type == (errno.ENOTSOCK if WINDOWS else errno.EBADF)
    assert condition.message.endswith("; the socket is closed")
    assert "; the socket is closed)" in str(condition)
    assert condition.strerror == condition.message
    assert str(pickle.loads(pickle.dumps(condition))) == str(condition)


def test_a_descriptor_that_was_closed_behind_its_back_is_a_bad_descriptor() -> None:
    sock = create_socket(*UDP)
    os.close(sock.fd) if not WINDOWS else native.close(sock.fd)
    with pytest.raises(SocketCondition) as failure:
        send_to_socket(sock, b"x", HERE)
    assert "closed" not in failure.value.message
    with pytest.raises(SocketCondition):
        close_socket(sock)


# A step that was left out.

LISTEN, CONNECT = "; listen_socket first", "; connect_socket first"
ACCEPTED = f"{CONNECT}, or use what accept_socket returned"


@pytest.mark.parametrize(("attempt", "kind", "error", "step"), [
    *((attempt, kind, errno.EINVAL, LISTEN) for kind in (TCP, LOCAL) for attempt in (
        accept_socket, lambda s: accept_socket(sock=s))),
    *((attempt, TCP, errno.ENOTCONN, ACCEPTED) for attempt in (
        lambda s: receive_from_socket(s, 1), lambda s: receive_from_socket(sock=s, count=1),
        lambda s: receive_into_socket(s, bytearray(1)), lambda s: receive_exactly(s, 1),
        lambda s: receive_message(s, 1))),
    *((attempt, kind, error, step) for kind, error, step in (
        (UDP, errno.EDESTADDRREQ, "; pass it, or connect_socket first"),
        (LOCAL, errno.ENOTCONN, CONNECT)) for attempt in (
        lambda s: send_to_socket(s, b"x", None), lambda s: send_all(s, b"x"),
        lambda s: send_to_socket(sock=s, buffer=b"x", address=None),
        lambda s: send_message(s, [b"x"]))),
    (lambda s: send_datagrams(s, [Datagrams(b"x", 1, None)]), UDP, errno.EDESTADDRREQ,
     "; pass it, or connect_socket first"),
    *((attempt, TCP, errno.ENOTCONN, "") for attempt in (
        get_peer_name, lambda s: shutdown_socket(s, ShutdownMethod.WRITE))),
])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other errors")
def test_a_step_that_was_left_out_is_named(
    attempt: Attempt, kind: Any, error: int, step: str
) -> None:
    for nonblocking in (False, True):
        with create_socket(*kind) as sock:
            set_socket_nonblocking(sock, nonblocking)
            with pytest.raises(SocketCondition) as failure:
                attempt(sock)
        assert failure.value.type == error
        assert failure.value.message == os.strerror(error) + step


# What an error is about.

@pytest.mark.parametrize(("option", "value", "about"), [
    (int_option(4242), 5, "4242, 4, "),
    (IpOption.ADD_MEMBERSHIP,
     (InternetAddress("239.1.2.3", None), InternetAddress("192.0.2.1", None)),
     "IpOption.ADD_MEMBERSHIP = (InternetAddress('239.1.2.3', None), "),
])
@needs_posix
def test_an_error_of_an_option_names_option_and_value(
    option: SocketOption, value: object, about: str
) -> None:
    with create_socket(*UDP) as sock, pytest.raises(SocketCondition) as failure:
        set_socket_option(sock, option, value)
    assert about in str(failure.value.address)
    assert str(failure.value).endswith(str(failure.value.address))
    assert repr(option) in str(failure.value.address)
    pickle.dumps(failure.value)


@needs_posix
def test_a_number_that_the_kernel_refuses_is_named_with_its_option() -> None:
    with create_socket(*UDP) as sock:
        with pytest.raises(SocketCondition) as failure:
            set_socket_option(sock, TcpOption.NO_DELAY, True)
        assert failure.value.address == "TcpOption.NO_DELAY = True"
        assert failure.value.who == "set_socket_option"
        with pytest.raises(SocketCondition) as failure:
            get_socket_option(sock, TcpOption.NO_DELAY)
        assert failure.value.address == "TcpOption.NO_DELAY"


def test_a_long_value_of_an_option_is_named_in_short() -> None:
    option = SocketOption(4242, 4096, bytes, bytes)
    with create_socket(*UDP) as sock, pytest.raises(SocketCondition) as failure:
        set_socket_option(sock, option, b"x" * 4000)
    assert len(str(failure.value)) < 300


@windows_differs("refused")
@pytest.mark.parametrize("attempt", [
    lambda s: receive_from_socket(s, 1), lambda s: receive_into_socket(s, bytearray(1)),
    lambda s: receive_from_socket(sock=s, count=1), lambda s: send_to_socket(s, b"x", None),
    lambda s: receive_datagrams(s, 1, 1), lambda s: get_and_raise(s),
])
def test_a_refused_datagram_names_the_peer(attempt: Attempt, make: Makers) -> None:
    if make.family.unix:
        pytest.skip("there it is refused at once")
    first, second = make.datagrams()
    set_socket_nonblocking(first, True)
    peer = name_of(second)
    connect_socket(first, peer)
    close_socket(second)
    send_to_socket(first, b"x", None)
    wait_for_socket(first, True, False, 10)
    with pytest.raises(ConnectionRefusedError) as failure:
        attempt(first)
    condition: Any = failure.value
    assert condition.address == peer
    assert str(condition).endswith(f": {peer}")


def get_and_raise(sock: Socket) -> None:
    finish_connect(sock)


@needs_unix_sockets
def test_a_unix_peer_is_named_by_its_path_and_none_without(make: Makers) -> None:
    client, server = make.pair()
    close_socket(server)
    with pytest.raises(SocketCondition) as failure:
        while True:
            send_to_socket(client, b"x", None)
    address = failure.value.address
    assert address is None or (isinstance(address, SocketAddress) and str(address))


def test_not_yet_asks_the_kernel_nothing_more(make: Makers, monkeypatch: Any) -> None:
    first, second = make.datagrams()
    set_socket_nonblocking(first, True)
    connect_socket(first, name_of(second))

    def ask(*_: object) -> None:
        pytest.fail("asked")

    monkeypatch.setattr(_sockets, "ask_name", ask)
    for call in (lambda: receive_from_socket(first, 1),
                 lambda: receive_from_socket(sock=first, count=1),
                 lambda: receive_into_socket(first, bytearray(1))):
        _, why = call()
        assert isinstance(why, SocketCondition)
        assert why.address is None


# A socket that was lost.

def lost(sock: list[Socket]) -> str:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        sock.clear()
        collect_garbage()
    [warning] = [each for each in warned if each.category is ResourceWarning]
    return str(warning.message)


def test_a_lost_socket_is_named_with_its_addresses(make: Makers) -> None:
    client, _server = make.pair()
    own, peer = get_socket_name(client), get_peer_name(client)
    kept = [duplicate_socket(client)]
    ends = f"{f' at {own}' if str(own) else ''}{f' to {peer}' if str(peer) else ''}>"
    assert lost(kept).endswith(f"blocking{ends}")
    listener = make.listener()
    kept = [duplicate_socket(listener)]
    assert lost(kept).endswith(f"blocking at {get_socket_name(listener)}>")


def test_a_lost_socket_of_a_strange_domain_is_named_without() -> None:
    def extract(packed: bytes) -> SocketAddress:
        raise ValueError("no")

    domain = SocketDomain(SocketDomain.INTERNET.value, extract, 16)
    kept = [create_socket(domain, *UDP[1:])]
    said = lost(kept)
    assert said.startswith("unclosed Socket fd=" if not WINDOWS else "unclosed ")


# The resolver.

def test_a_name_that_does_not_resolve_is_pythons_error_too() -> None:
    with pytest.raises(native.gaierror) as failure:
        get_address_info("localhost", 80, None, None, None, AddressInfoOption.NUMERIC_HOST)
    condition: Any = failure.value
    assert isinstance(condition, SocketCondition)
    assert condition.name == "EAI_NONAME"
    assert condition.errno == condition.type == native.EAI_NONAME
    again = pickle.loads(pickle.dumps(condition))
    assert isinstance(again, native.gaierror)
    assert str(again) == str(condition)


def test_a_condition_has_the_name_of_its_error() -> None:
    assert SocketCondition("a", "b", errno.EADDRINUSE, "c").name.endswith("EADDRINUSE")
    assert SocketCondition("a", "b", errno.EAGAIN, "c").name.endswith("EAGAIN")
    assert not isinstance(SocketCondition("a", "getaddrinfo", 99999, "c"), native.gaierror)


def test_a_condition_is_printed_with_its_address() -> None:
    condition = SocketCondition("bind_socket", "bind", errno.EINVAL, "no", HERE)
    name = condition.name
    assert repr(condition) == (
        f"SocketCondition('bind_socket', 'bind', {name}, 'no', InternetAddress('127.0.0.1', 80))"
    )
    if not WINDOWS:
        again = eval(repr(condition), {**vars(sockets), **vars(errno)})
        assert str(again) == str(condition)


def test_importing_the_resolvers_error_waits_until_there_is_one() -> None:
    program = (
        f"import sys; sys.path = {sys.path!r}\nimport sockets\n"
        "assert '_socket' not in sys.modules\n"
        "try:\n    sockets.get_address_info('a b', 'no-such-service')\n"
        "except sockets.SocketCondition as condition:\n"
        "    print(type(condition).__mro__[2].__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          timeout=50)
    assert done.stdout == "gaierror\n", done.stderr


# An import without what was built.

def test_an_import_by_another_python_says_which_one_to_use(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir()
    for name in ("__init__.py", "_sockets.py"):
        shutil.copy(Path(sockets.__file__).parent / name, tmp_path / "sockets" / name)
    done = subprocess.run([sys.executable, "-S", "-c", "import sockets"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=50)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: sockets: sockets._stub is missing; in a checkout, ")
    assert "run `make build`, and then its .venv/bin/python (this is " in last
    assert sys.executable in last
