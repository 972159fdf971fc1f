"""Stream sockets of both families in both modes: what each procedure does, and how it fails."""

from __future__ import annotations

import array
import errno
import gc
import mmap
import os
import pickle
import signal
import socket as native
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    CONNECTING,
    LOOPBACK,
    SO_ERROR,
    SO_LINGER,
    SO_RCVBUF,
    SO_RCVTIMEO,
    SO_REUSEADDR,
    SO_SNDBUF,
    SO_SNDTIMEO,
    WINDOWS,
    Family,
    Makers,
    Waiter,
    collect_garbage,
    fcntl,
    fill,
    int_of_bytes,
    int_option,
    name_of,
    needs_posix,
    needs_utf8_names,
    readable,
    receive_exactly,
    reports,
    run_python,
    send_all,
    until,
    wait_for,
    windows_differs,
    wine_lacks,
    wine_shows,
    writable,
)

import sockets
from sockets import (
    InternetAddress,
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
    UnixAddress,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    define_socket_option_type,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    listen_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    socket_maximum_connections,
    string_to_internet_address,
)

STREAM, AUTO = SocketType.STREAM, SocketProtocol.AUTO


def would_block(result: Any, who: str, syscall: str) -> bool:
    """Whether a result is the pair of nothing and a condition that says "not yet"."""
    nothing, condition = result
    return (
        nothing is None
        and isinstance(condition, SocketCondition)
        and condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
        and (condition.who, condition.syscall) == (who, syscall)
    )


def flags_of(sock: Socket) -> int:
    return fcntl(sock.fd, "F_GETFL")


def closes_on_exec(sock: Socket) -> bool:
    return bool(fcntl(sock.fd, "F_GETFD") & 1)


def refused_address() -> SocketAddress:
    """A port of this machine on which nobody listens: one that another socket has bound."""
    with native.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return InternetAddress(LOOPBACK.ip, holder.getsockname()[1])


# Creating.

def test_a_created_socket_is_non_blocking_and_close_on_exec(quick: Makers) -> None:
    sock = create_socket(quick.family.domain, STREAM, AUTO)
    with sock:  # departures 15 and 20
        assert sock.nonblocking is True
        assert flags_of(sock) & os.O_NONBLOCK
        assert closes_on_exec(sock)
        assert (sock.domain, sock.type, sock.protocol) == (quick.family.domain, STREAM, AUTO)


@needs_posix
def test_a_program_that_is_started_inherits_no_socket(slow: Makers) -> None:
    listener = slow.listener()  # departure 15
    client = slow.socket()
    assert connect_socket(client, name_of(listener)) is True
    server = slow.accepted(listener)
    inodes = {os.readlink(f"/proc/self/fd/{sock.fd}") for sock in (listener, client, server)}
    assert len(inodes) == 3
    listing = "import os\nfor fd in os.listdir('/proc/self/fd'):\n" \
        "    if os.path.islink('/proc/self/fd/' + fd): print(os.readlink('/proc/self/fd/' + fd))"
    child = subprocess.run(
        [sys.executable, "-c", listing], close_fds=False, capture_output=True, text=True,
        check=True, timeout=30,
    )
    assert inodes.isdisjoint(child.stdout.split())


def test_create_reports_what_the_kernel_does_not_support() -> None:
    with reports(errno.EPROTONOSUPPORT, "create_socket", "socket"):
        create_socket(SocketDomain.INTERNET, STREAM, SocketProtocol(17))
    with reports(errno.EAFNOSUPPORT, "create_socket", "socket"):
        create_socket(SocketDomain(1000, lambda raw: LOOPBACK, 16), STREAM, AUTO)


@pytest.mark.parametrize("arguments", [
    (STREAM, SocketDomain.INTERNET, AUTO), (SocketDomain.INTERNET, AUTO, STREAM),
    (2, STREAM, AUTO), (SocketDomain.INTERNET, 1, AUTO), (SocketDomain.INTERNET, STREAM, 0),
    (SocketDomain.INTERNET, STREAM, None),
])
def test_create_refuses_numbers_and_constants_of_another_kind(arguments: Any) -> None:
    with pytest.raises(TypeError, match=r"create_socket: (domain|type|protocol) must be"):
        create_socket(*arguments)


@pytest.mark.parametrize("nonblocking", [True, False])
@windows_differs("mode")
def test_a_record_of_a_descriptor_asks_the_kernel_for_its_mode(nonblocking: bool) -> None:
    plain = native.socket()  # departure 20
    plain.setblocking(not nonblocking)
    with Socket(plain.detach(), SocketDomain.INTERNET, STREAM, AUTO) as sock:
        assert sock.nonblocking is nonblocking


def test_a_record_of_a_bad_descriptor_is_refused() -> None:
    plain = native.socket()
    fd = plain.fileno()
    plain.close()
    with reports(errno.EBADF, "Socket", "fcntl"):
        Socket(fd, SocketDomain.INTERNET, STREAM, AUTO)
    with pytest.raises(ValueError, match="fd"):
        Socket(-1, SocketDomain.INTERNET, STREAM, AUTO)
    with pytest.raises(ValueError, match="fd"):
        Socket(2**63, SocketDomain.INTERNET, STREAM, AUTO)
    for wrong in (True, "3", 3.0, None):
        with pytest.raises(TypeError, match="fd"):
            Socket(wrong, SocketDomain.INTERNET, STREAM, AUTO)  # type: ignore[arg-type]


@pytest.mark.parametrize("other", [os.O_APPEND, getattr(os, "O_ASYNC", 0)])
def test_the_mode_changes_and_no_other_flag_does(family: Family, other: int) -> None:
    with create_socket(family.domain, STREAM, AUTO) as sock:  # departure 18
        fcntl(sock.fd, "F_SETFL", flags_of(sock) | other)
        for flag in (False, False, True, True, False):
            set_socket_nonblocking(sock, flag)
            assert sock.nonblocking is flag
            assert bool(flags_of(sock) & os.O_NONBLOCK) is flag
            assert flags_of(sock) & other
        assert closes_on_exec(sock)


def test_the_mode_is_a_bool(tcp: Makers) -> None:
    sock = tcp.socket()  # departure 20
    for wrong in (1, 0, None, "no", []):
        with pytest.raises(TypeError, match="flag must be a bool"):
            set_socket_nonblocking(sock, wrong)  # type: ignore[arg-type]
    assert sock.nonblocking is True
    with pytest.raises(AttributeError):
        sock.nonblocking = False  # type: ignore[misc]


# Binding, listening and names.

def test_bind_to_port_0_lets_the_kernel_choose(tcp: Makers) -> None:
    sock = tcp.socket()  # departures 31 and 36
    bind_socket(sock, string_to_internet_address("127.0.0.1:0"))
    name = get_socket_name(sock)
    assert isinstance(name, InternetAddress)
    assert name.ip == LOOPBACK.ip
    assert name.port


def test_a_missing_ip_binds_to_the_any_address(tcp: Makers) -> None:
    sock = tcp.socket()
    bind_socket(sock, InternetAddress(None, 0))
    name = name_of(sock)
    assert isinstance(name, InternetAddress)
    assert name.ip == 0


def test_a_name_in_use_is_reported_with_the_address(make: Makers) -> None:
    listener = make.listener()
    with reports(errno.EADDRINUSE, "bind_socket", "bind") as caught:
        bind_socket(make.socket(), name_of(listener))
    assert "EADDRINUSE" in str(caught.value)
    assert str(name_of(listener)) in str(caught.value)


def test_binding_twice_is_reported(make: Makers) -> None:
    sock = make.bound(STREAM)
    with reports(errno.EINVAL, "bind_socket", "bind"):
        bind_socket(sock, make.family.address())


def test_bind_refuses_what_is_no_address(make: Makers) -> None:
    sock = make.socket()
    for wrong in ("127.0.0.1:80", ("127.0.0.1", 80), None, 80, sock):
        with pytest.raises(TypeError, match="bind_socket: address must be a SocketAddress"):
            bind_socket(sock, wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="bind_socket: sock must be a Socket"):
        bind_socket(sock.fd, make.family.address())  # type: ignore[arg-type]


def test_an_address_without_a_port_stays_off_the_wire(tcp: Makers) -> None:
    sock = tcp.socket()
    for procedure in (bind_socket, connect_socket, lambda s, a: send_to_socket(s, b"", a)):
        with pytest.raises(ValueError, match="no port"):
            procedure(sock, InternetAddress(LOOPBACK.ip, None))


def test_a_bound_unix_socket_is_a_file_of_just_that_name(unix: Makers) -> None:
    sock = unix.socket()  # departure 6
    path = unix.family.folder / "grüße"
    bind_socket(sock, UnixAddress(path))
    assert os.listdir(unix.family.folder) == ["grüße"]
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert get_socket_name(sock) == UnixAddress(str(path))


@pytest.mark.parametrize("short", [1, 0], ids=["with a NUL behind it", "without"])
def test_a_path_may_fill_the_structure_and_no_more(unix: Makers, short: int) -> None:
    folder = os.fsencode(unix.family.folder)  # departure 3
    path = folder + b"/" + b"p" * (108 - short - 1 - len(folder))
    listener, client, other = unix.socket(), unix.socket(), unix.socket()
    bind_socket(listener, UnixAddress(path))
    listen_socket(listener, 2)
    name = name_of(listener)
    assert name == UnixAddress(path)
    for sock, address in (client, UnixAddress(path)), (other, pickle.loads(pickle.dumps(name))):
        assert connect_socket(sock, address) is True
        assert get_peer_name(sock) == name
    with pytest.raises(ValueError, match="109 bytes long, and at most 108 fit"):
        bind_socket(unix.socket(), UnixAddress(path + b"p" * (1 + short)))


@needs_utf8_names
def test_a_paths_bytes_are_measured_and_not_its_characters(unix: Makers) -> None:
    path = "/tmp/" + "ü" * 52  # departure 3: 57 characters, 109 bytes
    for procedure in (bind_socket, connect_socket):
        with pytest.raises(ValueError, match="109 bytes"):
            procedure(unix.socket(), UnixAddress(path))


def test_a_path_with_a_nul_inside_is_refused(unix: Makers) -> None:
    with pytest.raises(ValueError, match="NUL"):
        bind_socket(unix.socket(), UnixAddress("/tmp/a\0b"))


class Packed(SocketAddress):
    """An address that is given by its bytes."""

    __slots__ = ("bytes",)
    bytes: Any

    def __init__(self, bytes: Any) -> None:
        super().__init__(bytes)

    def converter(self) -> bytes:
        return self.bytes  # type: ignore[no-any-return]


def test_a_path_that_fills_the_structure_is_read_to_its_end_and_answered(unix: Makers) -> None:
    folder = os.fsencode(unix.family.folder)  # departure 9
    path = folder + b"/" + b"q" * (108 - 1 - len(folder))
    listener, client = unix.socket(), unix.socket()
    bind_socket(listener, Packed(struct.pack("=H", native.AF_UNIX) + path))
    listen_socket(listener, 1)
    name = name_of(listener)
    assert isinstance(name, UnixAddress)
    assert os.fsencode(name.path) == path
    assert connect_socket(client, name) is True


def test_an_address_has_to_convert_itself_to_bytes(tcp: Makers) -> None:
    with pytest.raises(TypeError, match=r"Packed.converter must return bytes"):
        bind_socket(tcp.socket(), Packed(bytearray(16)))


def test_abstract_names_are_just_those_bytes(unix: Makers) -> None:
    name = f"\0native sockets {os.getpid()}\0 {id(unix)}"  # departure 6
    listener, shorter, client = unix.socket(), unix.socket(), unix.socket()
    bind_socket(listener, UnixAddress(name))
    listen_socket(listener, 1)
    assert get_socket_name(listener) == UnixAddress(name)
    listed = Path("/proc/net/unix").read_text().splitlines()
    assert any(line.endswith(" " + name.replace("\0", "@")) for line in listed)
    bind_socket(shorter, UnixAddress(name[:-1]))
    with reports(errno.ECONNREFUSED):
        connect_socket(client, UnixAddress(name + "\0"))
    assert connect_socket(client, UnixAddress(name)) is True
    assert get_peer_name(client) == UnixAddress(name)


def test_an_abstract_name_may_have_108_bytes_and_no_more(unix: Makers) -> None:
    name = b"\0" + f"{os.getpid()} {id(unix)}".encode().ljust(107, b"=")
    sock = unix.socket()
    bind_socket(sock, UnixAddress(name))
    assert get_socket_name(sock) == UnixAddress(name)
    with pytest.raises(ValueError, match="at most 108 fit"):
        bind_socket(unix.socket(), UnixAddress(name + b"="))


def test_binding_the_empty_path_makes_the_kernel_choose_a_name(unix: Makers) -> None:
    sock, other = unix.socket(), unix.socket()  # departure 6
    assert get_socket_name(sock) == UnixAddress("")
    for each in (sock, other):
        bind_socket(each, UnixAddress(""))
        name = name_of(each)
        assert isinstance(name, UnixAddress)
        assert name.path[0] == "\0"
        assert len(name.path) == 6
    assert name_of(sock) != name_of(other)


def test_listen_takes_every_length_but_a_negative_one(make: Makers) -> None:
    sock = make.bound(STREAM)
    for length in (0, 1, socket_maximum_connections(), 2**31 - 1):
        listen_socket(sock, length)
    for wrong in (-1, -(2**31), 2**31):  # departure 32
        with pytest.raises(ValueError, match="listen_socket: queue_length must be from 0"):
            listen_socket(sock, wrong)
    for kind in (True, "5", 5.0, None):
        with pytest.raises(TypeError, match="listen_socket: queue_length must be an int"):
            listen_socket(sock, kind)  # type: ignore[arg-type]


def test_the_maximum_of_connections_is_the_systems_number() -> None:
    # It only grew: a Python that was compiled with older headers knows an older one.
    assert socket_maximum_connections() >= native.SOMAXCONN >= 128


def test_a_socket_knows_its_own_name_and_its_peers(make: Makers) -> None:
    listener, client = make.listener(), make.socket()  # departure 36
    address = name_of(listener)
    with reports(errno.ENOTCONN, "get_peer_name", "getpeername"):
        get_peer_name(client)
    connect_socket(client, address)
    server = make.accepted(listener)
    assert get_peer_name(client) == get_socket_name(server) == address
    assert get_peer_name(server) == get_socket_name(client)
    if make.family.unix:
        assert get_peer_name(server) == UnixAddress("")  # departure 5
    for procedure in (get_socket_name, get_peer_name):
        with pytest.raises(TypeError, match=f"{procedure.__name__}: sock must be a Socket"):
            procedure(client.fd)


# Accepting.

def test_accept_of_nobody_is_a_value(quick: Makers) -> None:
    listener = quick.listener()  # departure 1
    for _ in range(3):
        assert would_block(accept_socket(listener), "accept_socket", "accept")


def test_an_accepted_socket_blocks_and_closes_on_exec(make: Makers) -> None:
    listener, client = make.listener(), make.socket()  # departures 15 and 19
    connect_socket(client, name_of(listener))
    readable(listener)
    server, _ = accept_socket(listener)
    assert server is not None
    with server:
        assert server.nonblocking is False
        assert not flags_of(server) & os.O_NONBLOCK
        assert closes_on_exec(server)
        assert listener.nonblocking is make.nonblocking
        assert (server.domain, server.type) == (listener.domain, listener.type)


def test_the_accepted_clients_address_is_its_own(make: Makers) -> None:
    listener, client = make.listener(), make.socket()
    bind_socket(client, make.family.address())
    connect_socket(client, name_of(listener))
    readable(listener)
    server, address = accept_socket(listener)
    assert server is not None
    with server:
        assert address == get_socket_name(client)


def test_an_accepted_client_without_a_name_has_the_empty_path(unix: Makers) -> None:
    listener = unix.listener()  # departure 5
    assert connect_socket(unix.socket(), name_of(listener)) is True
    server, address = accept_socket(listener)
    assert server is not None
    with server:
        assert address == UnixAddress("")


def test_accept_on_what_does_not_listen_is_reported(make: Makers) -> None:
    with reports(errno.EINVAL, "accept_socket", "accept"):
        accept_socket(make.bound(STREAM))
    with reports(errno.EOPNOTSUPP, "accept_socket", "accept"):
        accept_socket(make.bound())
    with pytest.raises(TypeError, match="accept_socket: sock must be a Socket"):
        accept_socket(3)  # type: ignore[arg-type]


@needs_posix
def test_an_extractor_that_raises_does_not_lose_the_accepted_descriptor(tcp: Makers) -> None:
    def extractor(packed: bytes) -> SocketAddress:
        raise ArithmeticError("no")

    domain = SocketDomain(native.AF_INET, extractor, 16)  # departures 14 and 16
    listener = tcp.keep(create_socket(domain, STREAM, AUTO))
    bind_socket(listener, LOOPBACK)
    listen_socket(listener, 1)
    plain = native.socket()
    plain.bind(("127.0.0.1", 0))
    with Socket(native.dup(listener.fd), SocketDomain.INTERNET, STREAM, AUTO) as same, plain:
        port = name_of(same).port  # type: ignore[attr-defined]
        plain.connect(("127.0.0.1", port))
        readable(listener)
        before = len(os.listdir("/proc/self/fd"))
        with pytest.warns(ResourceWarning, match="unclosed"):
            with pytest.raises(ArithmeticError):
                accept_socket(listener)
            gc.collect()
            collect_garbage()
        assert len(os.listdir("/proc/self/fd")) == before


# Connecting.

@windows_differs("connect")
def test_connecting_over_tcp_is_in_progress_then_true_then_eisconn(tcp: Makers) -> None:
    listener, client = tcp.listener(), tcp.socket()  # departure 1
    started = connect_socket(client, name_of(listener))
    assert isinstance(started, SocketCondition)
    assert started.type == CONNECTING
    assert (started.who, started.syscall) == ("connect_socket", "connect")
    writable(client)
    assert get_socket_option(client, SO_ERROR) == 0
    assert connect_socket(client, name_of(listener)) is True
    with reports(errno.EISCONN, "connect_socket", "connect"):
        connect_socket(client, name_of(listener))


def test_a_blocking_connect_is_true_when_it_returns(slow: Makers) -> None:
    assert connect_socket(slow.socket(), name_of(slow.listener())) is True


def test_a_connect_over_unix_is_true_at_once(unix: Makers) -> None:
    assert connect_socket(unix.socket(), name_of(unix.listener())) is True


@windows_differs("connect")
def test_connecting_to_a_closed_port_is_in_progress_then_refused(tcp: Makers) -> None:
    client, address = tcp.socket(), refused_address()
    started = connect_socket(client, address)
    assert isinstance(started, SocketCondition)
    assert started.type == CONNECTING
    writable(client)
    with reports(errno.ECONNREFUSED, "connect_socket", "connect") as caught:
        connect_socket(client, address)
    assert isinstance(caught.value, ConnectionRefusedError)
    assert "ECONNREFUSED" in str(caught.value)
    assert str(address) in str(caught.value)


@windows_differs("outcome")
def test_the_outcome_of_a_connect_is_also_told_by_so_error_and_by_a_send(tcp: Makers) -> None:
    asked, sent = tcp.socket(), tcp.socket()
    for client in (asked, sent):
        connect_socket(client, refused_address())
        writable(client)
    assert get_socket_option(asked, SO_ERROR) == errno.ECONNREFUSED
    with reports(errno.ECONNREFUSED, "send_to_socket", "sendto"):
        send_to_socket(sent, b"x", None)


def test_a_blocking_connect_to_a_closed_port_is_refused(tcp: Makers) -> None:
    client = tcp.socket()
    set_socket_nonblocking(client, False)
    with reports(errno.ECONNREFUSED, "connect_socket", "connect"):
        connect_socket(client, refused_address())


def test_an_unreachable_network_is_reported(tcp: Makers) -> None:
    with reports(errno.ENETUNREACH, "connect_socket", "connect") as caught:
        connect_socket(tcp.socket(), string_to_internet_address("255.255.255.255:9"))
    assert "255.255.255.255:9" in str(caught.value)


def test_connecting_to_a_path_with_nobody_behind_it_is_reported(unix: Makers) -> None:
    folder = unix.family.folder
    (folder / "file").touch()
    with reports(errno.ENOENT, "connect_socket", "connect") as caught:
        connect_socket(unix.socket(), UnixAddress(folder / "none"))
    assert isinstance(caught.value, FileNotFoundError)
    assert str(folder / "none") in str(caught.value)
    with reports(errno.ECONNREFUSED, "connect_socket", "connect"):
        connect_socket(unix.socket(), UnixAddress(folder / "file"))


def test_a_full_unix_queue_says_again_and_not_in_progress(unix: Makers) -> None:
    listener, waiting = unix.listener(0), unix.socket()  # departure 22
    assert connect_socket(unix.socket(), name_of(listener)) is True
    full = connect_socket(waiting, name_of(listener))
    assert isinstance(full, SocketCondition)
    assert full.type == errno.EAGAIN != errno.EINPROGRESS
    assert isinstance(full, BlockingIOError)
    assert full is not True
    unix.accepted(listener)
    assert connect_socket(waiting, name_of(listener)) is True


def test_connecting_again_during_a_connect_is_reported(tcp: Makers) -> None:
    listener = tcp.listener(0)
    first, second = tcp.socket(), tcp.socket()
    connect_socket(first, name_of(listener))
    writable(first)
    connect_socket(second, name_of(listener))  # the queue is full: TCP waits
    with reports(errno.EALREADY, "connect_socket", "connect"):
        connect_socket(second, name_of(listener))


def test_connect_refuses_what_is_no_address(make: Makers) -> None:
    for wrong in ("127.0.0.1:80", None, 80):
        with pytest.raises(TypeError, match="connect_socket: address must be a SocketAddress"):
            connect_socket(make.socket(), wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="connect_socket: sock must be a Socket"):
        connect_socket(None, LOOPBACK)  # type: ignore[arg-type]


# Sending and receiving.

def test_what_is_sent_arrives_both_ways(make: Makers) -> None:
    client, server = make.pair()
    for sender, receiver, data in ((client, server, b"there"), (server, client, b"and back")):
        assert send_to_socket(sender, data, None) == len(data)  # departure 4
        readable(receiver)
        address = name_of(sender) if make.family.unix and sender is server else None
        assert receive_from_socket(receiver, 100) == (data, address)  # departure 5


def test_a_stream_arrives_in_the_pieces_that_are_asked_for(make: Makers) -> None:
    client, server = make.pair()
    send_to_socket(client, b"abcdef", None)
    readable(server)
    assert [receive_from_socket(server, n)[0] for n in (1, 2, 9)] == [b"a", b"bc", b"def"]


def test_a_unix_stream_from_a_peer_with_a_name_tells_the_name(unix: Makers) -> None:
    listener, client = unix.listener(), unix.bound(STREAM)  # departure 5
    assert connect_socket(client, name_of(listener)) is True
    server = unix.accepted(listener)
    send_to_socket(client, b"x", None)
    assert receive_from_socket(server, 9) == (b"x", name_of(client))


def test_an_address_is_too_much_on_a_connected_unix_stream(unix: Makers) -> None:
    listener = unix.listener()  # departure 4
    client = unix.socket()
    connect_socket(client, name_of(listener))
    with reports(errno.EISCONN, "send_to_socket", "sendto"):
        send_to_socket(client, b"x", name_of(listener))
    assert send_to_socket(client, b"x", None) == 1


@wine_lacks("unconnected")
def test_sending_without_a_connection_is_reported(make: Makers) -> None:
    sock = make.socket()
    with pytest.raises(SocketCondition) as caught:
        send_to_socket(sock, b"x", None)
    assert caught.value.type in (errno.ENOTCONN, errno.EPIPE)
    with pytest.raises(SocketCondition) as caught:
        receive_from_socket(sock, 1)
    assert caught.value.type in (errno.ENOTCONN, errno.EINVAL)


def test_a_receive_of_nothing_yet_is_a_value(quick: Makers) -> None:
    client, server = quick.pair()  # departure 1
    for sock in (client, server):
        for count in (1, 65535, 65536, 65537, 1 << 20):
            result = receive_from_socket(sock, count)
            assert would_block(result, "receive_from_socket", "recvfrom")
            assert isinstance(result[1], BlockingIOError)


def test_a_send_without_room_is_a_value_and_room_can_come_back(quick: Makers) -> None:
    client, server = quick.pair()
    total = fill(client)
    assert total > 0
    for size in (1, 65535, 65536, 1 << 20):
        while isinstance(full := send_to_socket(client, bytes(size), None), int):
            total += full
        assert isinstance(full, SocketCondition)
        assert full.type in (errno.EAGAIN, errno.EWOULDBLOCK)
        assert (full.who, full.syscall) == ("send_to_socket", "sendto")
    assert len(receive_exactly(server, total)) == total
    writable(client)
    assert send_to_socket(client, b"x", None) == 1


def test_nothing_is_lost_or_changed_on_the_way(make: Makers) -> None:
    client, server = make.pair()
    data = os.urandom(3 << 20)
    sender = Waiter(send_all, client, data)
    assert receive_exactly(server, len(data)) == data
    sender.answer()


def test_dont_wait_makes_one_receive_of_a_blocking_socket_return(slow: Makers) -> None:
    client, server = slow.pair()  # departure 8
    for count in (5, 1 << 20):
        result = receive_from_socket(server, count, ReceiveFromOption.DONT_WAIT)
        assert would_block(result, "receive_from_socket", "recvfrom")
    send_to_socket(client, b"x", None)
    readable(server)
    assert receive_from_socket(server, 5, ReceiveFromOption.DONT_WAIT)[0] == b"x"


@wine_lacks("wait-all")
def test_wait_all_waits_for_all(slow: Makers) -> None:
    client, server = slow.pair()  # departure 8
    send_to_socket(client, b"first ", None)
    waiter = Waiter(receive_from_socket, server, 12, ReceiveFromOption.WAIT_ALL).is_asleep()
    send_to_socket(client, b"second", None)
    assert waiter.answer() == (b"first second", None)


@wine_lacks("wait-all")
def test_wait_all_ends_with_the_stream(slow: Makers) -> None:
    client, server = slow.pair()
    send_to_socket(client, b"first", None)
    waiter = Waiter(receive_from_socket, server, 12, ReceiveFromOption.WAIT_ALL).is_asleep()
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert waiter.answer()[0] == b"first"


def test_peek_leaves_the_data(make: Makers) -> None:
    client, server = make.pair()
    send_to_socket(client, b"abc", None)
    readable(server)
    assert receive_from_socket(server, 2, ReceiveFromOption.PEEK)[0] == b"ab"
    assert receive_from_socket(server, 9, ReceiveFromOption.PEEK)[0] == b"abc"
    assert receive_from_socket(server, 9)[0] == b"abc"


def test_urgent_data_overtakes(tcp: Makers) -> None:
    client, server = tcp.pair()
    assert send_to_socket(client, b"plain", None) == 5
    assert send_to_socket(client, b"!", None, SendToOption.OUT_OF_BAND) == 1
    wait_for(server, "POLLPRI")
    assert receive_from_socket(server, 9, ReceiveFromOption.OUT_OF_BAND)[0] == b"!"
    assert receive_from_socket(server, 9)[0] == b"plain"


@wine_shows("out-of-band")
def test_without_urgent_data_none_is_received(tcp: Makers) -> None:
    _, server = tcp.pair()
    with reports(errno.EINVAL, "receive_from_socket", "recvfrom"):
        receive_from_socket(server, 9, ReceiveFromOption.OUT_OF_BAND)


def test_flags_are_taken_together_and_a_program_adds_its_own(tcp: Makers) -> None:
    client, server = tcp.pair()
    more = SendToOption(native.MSG_MORE)
    assert send_to_socket(client, b"a", None, more, SendToOption.DONT_ROUTE) == 1
    assert send_to_socket(client, b"b", None, SendToOption.DONT_ROUTE) == 1
    readable(server)
    both = ReceiveFromOption.PEEK, ReceiveFromOption.DONT_WAIT
    assert receive_from_socket(server, 9, *both)[0] == b"ab"
    assert receive_from_socket(server, 9)[0] == b"ab"


def test_flags_of_another_kind_are_refused(make: Makers) -> None:
    client, _ = make.pair()
    for wrong in (ReceiveFromOption.PEEK, 0, None, True):
        with pytest.raises(TypeError, match="send_to_socket: flag must be a SendToOption"):
            send_to_socket(client, b"x", None, wrong)  # type: ignore[arg-type]
    for wrong in (SendToOption.OUT_OF_BAND, native.MSG_PEEK, None):
        with pytest.raises(TypeError, match="receive_from_socket: flag must be a ReceiveFrom"):
            receive_from_socket(client, 1, wrong)  # type: ignore[arg-type]


def test_send_and_receive_refuse_what_is_no_socket_or_address(make: Makers) -> None:
    client, _ = make.pair()
    with pytest.raises(TypeError, match="send_to_socket: sock must be a Socket"):
        send_to_socket(client.fd, b"x", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="send_to_socket: address must be a SocketAddress"):
        send_to_socket(client, b"x", "127.0.0.1:9")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="receive_from_socket: sock must be a Socket"):
        receive_from_socket(None, 1)  # type: ignore[arg-type]


# Counts and buffers.

@pytest.mark.parametrize("count", [-1, -(2**31), -(2**63), -(2**100), 2**63, 2**64, 2**100])
def test_a_count_that_cannot_be_meant_is_refused(make: Makers, count: int) -> None:
    client, server = make.pair()
    send_to_socket(client, b"kept", None)
    with pytest.raises(ValueError, match="receive_from_socket: count must be from 0"):
        receive_from_socket(server, count)
    readable(server)
    assert receive_from_socket(server, 9)[0] == b"kept"


@pytest.mark.parametrize("count", [True, False, "9", 9.0, None, b"9"])
def test_a_count_is_an_int(make: Makers, count: Any) -> None:
    with pytest.raises(TypeError, match="receive_from_socket: count must be an int"):
        receive_from_socket(make.socket(), count)


def test_a_count_of_nothing_returns_nothing_and_takes_nothing(make: Makers) -> None:
    client, server = make.pair()
    send_to_socket(client, b"kept", None)
    readable(server)
    assert receive_from_socket(server, 0) == (b"", None)
    assert receive_from_socket(server, 9)[0] == b"kept"


def test_a_huge_count_gets_what_there_is(make: Makers) -> None:
    client, server = make.pair()
    for count in (65535, 65536, 65537, 1 << 24):
        send_to_socket(client, b"little", None)
        readable(server)
        assert receive_from_socket(server, count)[0] == b"little"


def test_a_count_beyond_all_memory_is_a_memory_error_and_no_crash(tcp: Makers) -> None:
    client, server = tcp.pair()
    with pytest.raises(MemoryError):
        receive_from_socket(server, sys.maxsize)
    send_to_socket(client, b"fine", None)
    readable(server)
    assert receive_from_socket(server, 9)[0] == b"fine"


def mapped() -> mmap.mmap:
    memory = mmap.mmap(-1, 8)
    memory[:] = b"8 bytes!"
    return memory


class Bytes(bytes):
    """A kind of bytes."""


@pytest.mark.parametrize("buffer", [
    pytest.param(b"8 bytes!", id="bytes"),
    pytest.param(Bytes(b"8 bytes!"), id="subclass"),
    pytest.param(bytearray(b"8 bytes!"), id="bytearray"),
    pytest.param(memoryview(b"(8 bytes!)")[1:-1], id="slice"),
    pytest.param(memoryview(bytearray(b"8 bytes!")), id="writable-view"),
    pytest.param(memoryview(b"8 bytes!").cast("H", (2, 2)), id="matrix"),
    pytest.param(array.array("i", b"8 bytes!"), id="array"),
    pytest.param(mapped(), id="mmap"),
    pytest.param(struct.Struct("8s").pack(b"8 bytes!"), id="struct"),
])
def test_everything_with_its_bytes_in_one_piece_can_be_sent(make: Makers, buffer: Any) -> None:
    client, server = make.pair()
    assert send_to_socket(client, buffer, None) == 8
    assert receive_exactly(server, 8) == b"8 bytes!"


@pytest.mark.parametrize("buffer", [
    pytest.param(b"", id="bytes"), pytest.param(bytearray(), id="bytearray"),
    pytest.param(memoryview(b"abc")[3:], id="slice"),
])
def test_sending_nothing_sends_nothing(make: Makers, buffer: Any) -> None:
    client, server = make.pair()
    assert send_to_socket(client, buffer, None) == 0
    assert send_to_socket(client, b"x", None) == 1
    assert receive_exactly(server, 1) == b"x"


@pytest.mark.parametrize("buffer", [
    pytest.param("text", id="str"), pytest.param(memoryview(b"abcdef")[::2], id="steps"),
    pytest.param(memoryview(b"abcdef")[::-1], id="backwards"), pytest.param(7, id="int"),
    pytest.param(None, id="None"), pytest.param([1, 2], id="list"),
    pytest.param(object(), id="object"),
])
def test_what_has_not_its_bytes_in_one_piece_is_refused(make: Makers, buffer: Any) -> None:
    client, _ = make.pair()
    with pytest.raises(TypeError, match="send_to_socket: buffer must be an object with its bytes"):
        send_to_socket(client, buffer, None)


def test_a_buffer_is_given_back_whatever_happens(make: Makers) -> None:
    client, _ = make.pair()
    buffer = bytearray(b"abc")
    send_to_socket(client, buffer, None)
    buffer.append(1)
    with pytest.raises(SocketCondition):
        send_to_socket(make.socket(), buffer, None)
    buffer.append(2)
    close_socket(client)
    with reports(errno.EBADF):
        send_to_socket(client, buffer, None)
    buffer.append(3)
    assert buffer == b"abc\1\2\3"


def test_a_buffer_cannot_be_resized_while_it_is_sent(slow: Makers) -> None:
    client, server = slow.pair()  # departure 2
    buffer = bytearray(os.urandom(16 << 20))
    copy = bytes(buffer)
    sender = Waiter(send_to_socket, client, buffer, None).is_asleep()
    with pytest.raises(BufferError):
        buffer.extend(b"more")
    with pytest.raises(BufferError):
        buffer.clear()
    assert receive_exactly(server, len(copy)) == copy
    assert sender.answer() == len(copy)
    buffer.clear()


def test_a_buffer_that_nobody_else_holds_is_held_while_it_is_sent(slow: Makers) -> None:
    client, server = slow.pair()  # departure 2
    pattern = bytes(range(256)) * 4096
    sender = Waiter(lambda: send_to_socket(client, bytearray(pattern * 8), None)).is_asleep()
    gc.collect()
    garbage = [bytearray(len(pattern) * 8) for _ in range(4)]  # would lie where the bytes lay
    assert receive_exactly(server, len(pattern) * 8) == pattern * 8
    assert sender.answer() == len(pattern) * 8
    del garbage


# Ends.

def test_a_closed_connection_is_no_bytes(make: Makers) -> None:
    client, server = make.pair()
    send_to_socket(client, b"last", None)
    close_socket(client)
    assert receive_exactly(server, 9) == b"last"
    assert receive_from_socket(server, 9)[0] == b""
    assert receive_from_socket(server, 9)[0] == b""


@windows_differs("shutdown")
def test_half_a_connection_can_be_ended(make: Makers) -> None:
    client, server = make.pair()
    send_to_socket(client, b"question", None)
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert receive_exactly(server, 99) == b"question"
    assert send_to_socket(server, b"answer", None) == 6
    readable(client)
    assert receive_from_socket(client, 99)[0] == b"answer"
    with reports(errno.EPIPE, "send_to_socket", "sendto") as caught:
        send_to_socket(client, b"more", None)
    assert isinstance(caught.value, BrokenPipeError)


@windows_differs("shutdown")
def test_both_directions_can_be_ended(make: Makers) -> None:
    client, server = make.pair()
    shutdown_socket(client, ShutdownMethod.READ_AND_WRITE)
    assert receive_from_socket(client, 9)[0] == b""
    readable(server)
    assert receive_from_socket(server, 9)[0] == b""
    with reports(errno.EPIPE):
        send_to_socket(client, b"x", None)


@windows_differs("shutdown")
def test_the_reading_direction_can_be_ended(make: Makers) -> None:
    client, server = make.pair()
    shutdown_socket(client, ShutdownMethod.READ)
    assert receive_from_socket(client, 9)[0] == b""
    assert send_to_socket(client, b"still", None) == 5
    readable(server)
    assert receive_from_socket(server, 9)[0] == b"still"


def test_shutdown_says_what_it_cannot_do(make: Makers) -> None:
    if not make.family.unix:
        with reports(errno.ENOTCONN, "shutdown_socket", "shutdown"):
            shutdown_socket(make.socket(), ShutdownMethod.WRITE)
    client, _ = make.pair()
    with reports(errno.EINVAL, "shutdown_socket", "shutdown"):
        shutdown_socket(client, ShutdownMethod(77))
    for wrong in (native.SHUT_WR, None, SendToOption.OUT_OF_BAND):
        with pytest.raises(TypeError, match="shutdown_socket: method must be a ShutdownMethod"):
            shutdown_socket(client, wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="shutdown_socket: sock must be a Socket"):
        shutdown_socket(client.fd, ShutdownMethod.WRITE)  # type: ignore[arg-type]


def test_writing_to_who_has_gone_is_a_broken_pipe(make: Makers) -> None:
    client, server = make.pair()
    close_socket(server)

    def broken() -> SocketCondition | None:
        try:
            send_to_socket(client, b"x", None)
        except SocketCondition as condition:
            return condition
        return None

    condition = until(broken, "the broken pipe")
    assert condition.type in (errno.EPIPE, errno.ECONNRESET)
    assert isinstance(condition, (BrokenPipeError, ConnectionResetError))


BROKEN_PIPE = """
import errno, signal, socket, sys
from sockets import *
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
family = getattr(SocketDomain, sys.argv[1])
if sys.argv[1] == "UNIX":
    near, far = socket.socketpair(socket.AF_UNIX)
else:
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    far = listener.accept()[0]
    listener.close()
sock = Socket(near.detach(), family, SocketType.STREAM, SocketProtocol.AUTO)
set_socket_nonblocking(sock, sys.argv[2] == "nonblocking")
far.close()
for size in (1, 1, 70000):
    condition = None
    while condition is None:
        try:
            send_to_socket(sock, bytes(size), None)
        except (BrokenPipeError, ConnectionResetError) as error:
            condition = error
    print(condition.who, condition.type in (errno.EPIPE, errno.ECONNRESET))
close_socket(sock)
"""


@needs_posix
def test_a_broken_pipe_kills_nobody_even_with_the_default_handler(
    family: Family, mode: bool
) -> None:
    words = family.name.upper(), "nonblocking" if mode else "blocking"
    assert run_python(BROKEN_PIPE, *words) == "send_to_socket True\n" * 3
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN


@wine_lacks("reset")
def test_a_connection_that_is_broken_off_is_reset(tcp: Makers) -> None:
    client, server = tcp.pair()
    set_socket_option(client, SO_LINGER, 0)
    close_socket(client)
    readable(server)
    with reports(errno.ECONNRESET, "receive_from_socket", "recvfrom") as caught:
        receive_from_socket(server, 9)
    assert isinstance(caught.value, ConnectionResetError)


def test_a_unix_peer_that_goes_with_unread_data_resets(unix: Makers) -> None:
    client, server = unix.pair()
    send_to_socket(client, b"unread", None)
    readable(server)
    close_socket(server)
    with reports(errno.ECONNRESET, "receive_from_socket", "recvfrom"):
        receive_from_socket(client, 9)


# Closing.

SOCKET_PROCEDURES = [name for name in sockets.__all__ if "socket" in name or "_name" in name]


def every_procedure(sock: Socket, address: SocketAddress) -> dict[str, Any]:
    return {
        "accept": lambda: accept_socket(sock),
        "bind": lambda: bind_socket(sock, address),
        "listen": lambda: listen_socket(sock, 1),
        "connect": lambda: connect_socket(sock, address),
        "send": lambda: send_to_socket(sock, b"x", None),
        "send far": lambda: send_to_socket(sock, bytes(100000), None),
        "send to": lambda: send_to_socket(sock, b"x", address),
        "receive": lambda: receive_from_socket(sock, 1),
        "receive much": lambda: receive_from_socket(sock, 100000),
        "peek": lambda: receive_from_socket(sock, 1, ReceiveFromOption.PEEK),
        "own name": lambda: get_socket_name(sock),
        "peer name": lambda: get_peer_name(sock),
        "shutdown": lambda: shutdown_socket(sock, ShutdownMethod.READ_AND_WRITE),
        "get option": lambda: get_socket_option(sock, SO_REUSEADDR),
        "set option": lambda: set_socket_option(sock, SO_REUSEADDR, 1),
        "set mode": lambda: set_socket_nonblocking(sock, True),
        "unset mode": lambda: set_socket_nonblocking(sock, False),
        "close": lambda: close_socket(sock),
    }


@pytest.mark.parametrize("name", list(every_procedure(None, LOOPBACK)))  # type: ignore[arg-type]
def test_a_closed_socket_is_a_bad_descriptor_though_its_number_is_anothers(
    make: Makers, name: str
) -> None:
    client, server = make.pair()  # departure 10
    number = client.fd
    send_to_socket(server, b"for the first", None)
    readable(client)
    close_socket(client)
    assert client.fd == client.fileno() == -1
    ours, theirs = native.socketpair()
    with ours, theirs:
        if theirs.fileno() == number:
            ours, theirs = theirs, ours
        if ours.fileno() != number:
            os.dup2(ours.fileno(), number)
        try:
            theirs.send(b"for the other")
            before = fcntl(number, "F_GETFL")
            with reports(errno.EBADF) as caught:
                every_procedure(client, make.family.address())[name]()
            assert caught.value.who in SOCKET_PROCEDURES
            assert fcntl(number, "F_GETFL") == before
            assert ours.recv(99) == b"for the other"
            ours.send(b"back")
            assert theirs.recv(99) == b"back"
        finally:
            if ours.fileno() != number:
                os.close(number)


def test_a_socket_that_is_closed_within_its_with_is_closed_once(make: Makers) -> None:
    with make.socket() as sock:  # departure 10
        close_socket(sock)
        assert "closed" in repr(sock)
    with pytest.raises(ArithmeticError), make.socket() as sock:
        raise ArithmeticError
    assert sock.fd == -1
    with reports(errno.EBADF, "close_socket", "close"):
        close_socket(sock)


def test_close_refuses_what_is_no_socket() -> None:
    for wrong in (3, None, True, "3"):
        with pytest.raises(TypeError, match="close_socket: sock must be a Socket"):
            close_socket(wrong)  # type: ignore[arg-type]


@needs_posix
def test_a_socket_that_is_dropped_open_warns_and_is_closed(family: Family) -> None:
    sock = create_socket(family.domain, STREAM, AUTO)  # departure 10
    fd = sock.fd
    inode = os.readlink(f"/proc/self/fd/{fd}")
    with pytest.warns(ResourceWarning, match=f"unclosed <Socket fd={fd} "):
        del sock
        gc.collect()
    open_now = {
        os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
        if os.path.islink(f"/proc/self/fd/{n}")
    }
    assert inode not in open_now


@needs_posix
def test_a_dropped_socket_is_closed_even_if_warnings_are_errors(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    raised: list[Any] = []  # departure 10
    monkeypatch.setattr(sys, "unraisablehook", lambda event: raised.append(event.exc_type))
    sock = create_socket(family.domain, STREAM, AUTO)
    inode = os.readlink(f"/proc/self/fd/{sock.fd}")
    del sock
    gc.collect()
    assert raised == [ResourceWarning]
    assert inode not in {
        os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
        if os.path.islink(f"/proc/self/fd/{n}")
    }


# Timeouts and other options.

def test_every_would_block_value_is_a_condition_of_its_own(quick: Makers) -> None:
    client, _ = quick.pair()
    (_, first), (_, second) = (receive_from_socket(client, 9) for _ in range(2))
    assert isinstance(first, SocketCondition)
    assert isinstance(second, SocketCondition)
    first.who = "somebody"
    first.__context__ = ValueError("mine")
    assert second.who == "receive_from_socket"
    assert second.__context__ is None
    copy = pickle.loads(pickle.dumps(second))
    assert (type(copy), str(copy), copy.type) == (type(second), str(second), second.type)
    assert isinstance(copy, BlockingIOError)


@pytest.mark.parametrize("count", [65537, 1 << 20])
def test_what_a_large_receive_has_returned_no_later_one_changes(slow: Makers, count: int) -> None:
    client, server = slow.pair()
    blocks = [bytes([number]) * count for number in range(3)]
    waiter = Waiter(lambda: [sockets.send_all(client, block) for block in blocks])
    got = [sockets.receive_exactly(server, count)[0] for _ in blocks]
    assert got == blocks
    waiter.answer()
    send_to_socket(client, b"short", None)
    assert receive_from_socket(server, count)[0] == b"short"
    assert got == blocks


@windows_differs("timeouts")
def test_a_receive_timeout_that_runs_out_is_a_would_block_value(slow: Makers) -> None:
    client, _ = slow.pair()
    set_socket_option(client, SO_RCVTIMEO, 0.02)
    assert get_socket_option(client, SO_RCVTIMEO) == pytest.approx(0.02, abs=0.01)
    for count in (9, 100000):
        assert would_block(receive_from_socket(client, count), "receive_from_socket", "recvfrom")
    assert client.nonblocking is False


@windows_differs("timeouts")
def test_an_accept_timeout_that_runs_out_is_a_would_block_value(slow: Makers) -> None:
    listener = slow.listener()
    set_socket_option(listener, SO_RCVTIMEO, 0.02)
    assert would_block(accept_socket(listener), "accept_socket", "accept")


@windows_differs("timeouts")
def test_a_send_timeout_that_runs_out_is_a_would_block_value(slow: Makers) -> None:
    client, _ = slow.pair()
    set_socket_option(client, SO_SNDTIMEO, 0.02)
    sent = send_to_socket(client, bytes(64 << 20), None)
    assert isinstance(sent, int)
    assert 0 < sent < 64 << 20

    def nothing_more() -> Any:  # what was on its way may make room once or twice
        result = send_to_socket(client, b"x" * 65536, None)
        return result if isinstance(result, SocketCondition) else None

    assert until(nothing_more).type in (errno.EAGAIN, errno.EWOULDBLOCK)


@windows_differs("timeouts")
def test_a_connect_timeout_that_runs_out_is_a_value(slow: Makers) -> None:
    listener, waiting = slow.listener(0), slow.socket()
    first = slow.socket()
    assert connect_socket(first, name_of(listener)) is True
    readable(listener)
    set_socket_option(waiting, SO_SNDTIMEO, 0.05)
    result = connect_socket(waiting, name_of(listener))
    assert isinstance(result, SocketCondition)
    assert result.type == (errno.EAGAIN if slow.family.unix else errno.EINPROGRESS)


def test_options_are_set_and_got_through_maker_and_converter(make: Makers) -> None:
    sock = make.socket()
    set_socket_option(sock, SO_REUSEADDR, 1)
    assert get_socket_option(sock, SO_REUSEADDR) == 1
    set_socket_option(sock, SO_RCVBUF, 50000)
    assert get_socket_option(sock, SO_RCVBUF) >= 50000
    set_socket_option(sock, SO_SNDBUF, 50000)
    assert get_socket_option(sock, SO_SNDBUF) >= 50000
    assert get_socket_option(sock, SO_LINGER) == (0, 0)


def test_options_of_other_levels_reach_their_level(tcp: Makers) -> None:
    sock = tcp.socket()
    delay = int_option(native.TCP_NODELAY, TcpOption)
    made = int_option(native.TCP_NODELAY, define_socket_option_type("Mine", native.IPPROTO_TCP))
    plain = int_option(native.TCP_NODELAY, SocketOption, native.IPPROTO_TCP)
    for option in (delay, made, plain):
        for value in (1, 0):
            set_socket_option(sock, option, value)
            assert get_socket_option(sock, delay) == value
            assert int_of_bytes(get_socket_option(sock, SocketOption(
                native.TCP_NODELAY, 4, bytes, bytes, native.IPPROTO_TCP))) == value


@pytest.mark.parametrize("size", [1, 3, 4, 5, 100, 65536])
@windows_differs("sizes")
def test_a_converter_sees_as_many_bytes_as_the_kernel_returned(tcp: Makers, size: int) -> None:
    seen: list[bytes] = []
    option = SocketOption(native.SO_TYPE, size, bytes, lambda raw: seen.append(raw) or 7)
    assert get_socket_option(tcp.socket(), option) == 7
    assert type(seen[0]) is bytes
    assert seen[0] == struct.pack("i", native.SOCK_STREAM)[: min(size, 4)]


def test_a_maker_must_return_bytes(tcp: Makers) -> None:
    sock = tcp.socket()
    for wrong in (1, "1", bytearray(4), None):
        option = SocketOption(native.SO_REUSEADDR, 4, lambda value: value, bytes)
        with pytest.raises(TypeError, match="set_socket_option: maker must return bytes"):
            set_socket_option(sock, option, wrong)
    assert get_socket_option(sock, SO_REUSEADDR) == 0


def test_what_maker_and_converter_raise_comes_through(tcp: Makers) -> None:
    def raises(value: object) -> bytes:
        raise ArithmeticError(value)

    option = SocketOption(native.SO_REUSEADDR, 4, raises, raises)  # departures 14 and 16
    with pytest.raises(ArithmeticError):
        set_socket_option(tcp.socket(), option, 1)
    with pytest.raises(ArithmeticError):
        get_socket_option(tcp.socket(), option)


@wine_lacks("options")
def test_an_option_that_does_not_exist_is_reported(make: Makers) -> None:
    option = int_option(9999)
    with reports(errno.ENOPROTOOPT, "get_socket_option", "getsockopt"):
        get_socket_option(make.socket(), option)
    with reports(errno.ENOPROTOOPT, "set_socket_option", "setsockopt"):
        set_socket_option(make.socket(), option, 1)


def test_too_few_bytes_for_an_option_are_reported(make: Makers) -> None:
    short = SocketOption(native.SO_RCVTIMEO, 1, bytes, bytes)
    with reports(errno.EFAULT if WINDOWS else errno.EINVAL, "set_socket_option", "setsockopt"):
        set_socket_option(make.socket(), short, b"1")


def test_an_option_is_a_socket_option(make: Makers) -> None:
    sock = make.socket()
    for wrong in (native.SO_REUSEADDR, None, (1, 2)):
        with pytest.raises(TypeError, match="option must be a SocketOption"):
            get_socket_option(sock, wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="option must be a SocketOption"):
            set_socket_option(sock, wrong, 1)  # type: ignore[arg-type]
    for procedure in (get_socket_option, set_socket_option):
        with pytest.raises(TypeError, match="sock must be a Socket"):
            procedure(sock.fd, SO_REUSEADDR, *[1] * (procedure is set_socket_option))


# Nothing is lost.

def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def grows(step: Any, count: int) -> int:
    """By how many bytes the process grows in so many steps, once it has warmed up."""
    for _ in range(count // 10):
        step()
    gc.collect()
    before = resident()
    for _ in range(count):
        step()
    gc.collect()
    return resident() - before


def test_polling_for_nothing_loses_nothing(quick: Makers) -> None:
    client, _ = quick.pair()  # departures 12 and 13: 24 bytes of each poll were lost
    listener = quick.listener()
    assert grows(lambda: accept_socket(listener), 60_000) < 700_000
    assert grows(lambda: receive_from_socket(client, 9), 60_000) < 700_000


@needs_posix
def test_failing_calls_lose_nothing(tcp: Makers) -> None:
    sock, address = tcp.bound(STREAM), LOOPBACK  # departures 14 and 16
    option = SocketOption(native.SO_TYPE, 64, lambda value: 1 // 0, lambda raw: 1 // 0)

    def fail() -> None:
        for call in (
            lambda: bind_socket(sock, InternetAddress(1, None)),
            lambda: bind_socket(sock, address),
            lambda: send_to_socket(sock, bytearray(9), InternetAddress(1, None)),
            lambda: send_to_socket(sock, "text", None),  # type: ignore[arg-type]
            lambda: receive_from_socket(sock, 9),
            lambda: get_socket_option(sock, option),
            lambda: set_socket_option(sock, option, 1),
        ):
            try:
                call()
            except (ValueError, TypeError, SocketCondition, ZeroDivisionError):
                continue
            raise AssertionError("the call did not fail")

    files = len(os.listdir("/proc/self/fd"))
    assert grows(fail, 8_000) < 400_000
    assert len(os.listdir("/proc/self/fd")) == files
