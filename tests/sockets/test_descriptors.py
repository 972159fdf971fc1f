"""Descriptors that change owners, and sockets of ours in Python's selectors, asyncio and ssl."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import selectors
import socket as native
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    LOOPBACK,
    Makers,
    Waiter,
    has_loopback6,
    name_of,
    needs_posix,
    needs_unix_sockets,
    readable,
    reports,
    windows_differs,
)

from sockets import (
    InternetAddress,
    Socket,
    SocketDomain,
    SocketProtocol,
    SocketType,
    UnixAddress,
    accept_socket,
    adopt_descriptor,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    detach_socket,
    duplicate_socket,
    from_python_socket,
    get_socket_name,
    listen_socket,
    make_socket_pair,
    receive_exactly,
    receive_from_socket,
    send_all,
    send_to_socket,
    set_socket_nonblocking,
    to_python_socket,
    wait_for_socket,
    within,
)

AUTO, STREAM, DATAGRAM = SocketProtocol.AUTO, SocketType.STREAM, SocketType.DATAGRAM

# For tests alone: a key that everybody knows, and its certificate for "localhost".
PEM = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHdRQ33Z+8sfstMzi
gSfz303Sjgky/vkVhkKtzWgJXfChRANCAAQI9ium02hUdFvAEoj5sRu1Pced1Nmp
6WfyVGQ7VJOo0557ur56KSR1Ug6D9wGUYJ7Bl/g7zjyvuU3zLP4sc+Lw
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBpTCCAUugAwIBAgIUJDT/sZGnaiX8Sx+7u252lSXdSxkwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjIwMzc1MVoYDzIxMjYxMDI5
MjAzNzUxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQI9ium02hUdFvAEoj5sRu1Pced1Nmp6WfyVGQ7VJOo0557ur56KSR1
Ug6D9wGUYJ7Bl/g7zjyvuU3zLP4sc+Lwo3kwdzAdBgNVHQ4EFgQUjscCK9fZ/+bf
S73PC9garVJWjIIwHwYDVR0jBBgwFoAUjscCK9fZ/+bfS73PC9garVJWjIIwFAYD
VR0RBA0wC4IJbG9jYWxob3N0MA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD
AgKEMAoGCCqGSM49BAMCA0gAMEUCIEOAguoq5tyAVru6LGFzX4RgO+Uz7DpnsG1U
i2iDgf4qAiEAiqXraczFkViS3ZwXgH1nNDAxosvGwOmQ1HkxkaqGGLA=
-----END CERTIFICATE-----
"""


@pytest.fixture
def pair() -> Iterator[tuple[Socket, Socket]]:
    first, second = make_socket_pair(SocketDomain.UNIX, STREAM, AUTO)
    with first, second:
        yield first, second


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError as error:
        assert error.errno == errno.EBADF
        return False
    return True


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


# Duplicates.

def test_a_duplicate_is_the_same_socket_with_a_descriptor_of_its_own(make: Makers) -> None:
    client, server = make.pair()
    other = make.keep(duplicate_socket(client))
    assert other.fd != client.fd
    assert (other.domain, other.type, other.protocol) == (
        client.domain, client.type, client.protocol
    )
    assert other.nonblocking is client.nonblocking is make.nonblocking
    assert os.get_blocking(other.fd) is not make.nonblocking
    assert not os.get_inheritable(other.fd)
    assert get_socket_name(other) == get_socket_name(client)
    assert os.fstat(other.fd).st_ino == os.fstat(client.fd).st_ino
    send_all(other, b"by the other")
    assert receive_exactly(server, 12)[0] == b"by the other"


def test_the_socket_is_closed_when_both_are(pair: tuple[Socket, Socket]) -> None:
    other = duplicate_socket(pair[0])
    close_socket(pair[0])
    assert wait_for_socket(pair[1], True, False, 0) == (False, False)
    send_all(other, b"still here")
    assert receive_exactly(pair[1], 10)[0] == b"still here"
    close_socket(other)
    readable(pair[1])
    assert receive_from_socket(pair[1], 9)[0] == b""


def test_a_duplicate_is_not_inherited(pair: tuple[Socket, Socket]) -> None:
    with duplicate_socket(pair[0]) as other:
        script = "import os, sys; os.fstat(int(sys.argv[1]))"
        done = subprocess.run(
            [sys.executable, "-c", script, str(other.fd)], close_fds=False, capture_output=True,
            timeout=50,
        )
        assert b"Bad file descriptor" in done.stderr


def test_duplicates_share_their_mode(pair: tuple[Socket, Socket]) -> None:
    with duplicate_socket(pair[0]) as other:
        set_socket_nonblocking(pair[0], False)
        assert os.get_blocking(other.fd)
        with duplicate_socket(pair[0]) as third:
            assert not third.nonblocking


def test_closed_sockets_have_no_duplicate(pair: tuple[Socket, Socket]) -> None:
    close_socket(pair[0])
    with reports(errno.EBADF, "duplicate_socket", "dup"):
        duplicate_socket(pair[0])
    with pytest.raises(TypeError, match="duplicate_socket: sock must be a Socket"):
        duplicate_socket(pair[1].fd)  # type: ignore[arg-type]


# Taking a descriptor out, and putting one in.

def test_a_detached_descriptor_stays_open(pair: tuple[Socket, Socket]) -> None:
    number = pair[0].fd
    fd = detach_socket(pair[0])
    try:
        assert fd == number
        assert pair[0].fd == -1
        os.write(fd, b"x")
        assert receive_from_socket(pair[1], 9)[0] == b"x"
    finally:
        native.close(fd)


def test_a_detached_socket_is_as_if_closed(pair: tuple[Socket, Socket]) -> None:
    native.close(detach_socket(pair[0]))
    for call in (detach_socket, close_socket, to_python_socket, duplicate_socket):
        with reports(errno.EBADF, call.__name__):
            call(pair[0])
    with pytest.raises(TypeError, match="detach_socket: sock must be a Socket"):
        detach_socket(3)  # type: ignore[arg-type]


AF_UNIX = getattr(native, "AF_UNIX", None)
FAMILIES = [native.AF_INET, native.AF_INET6, pytest.param(AF_UNIX, marks=needs_unix_sockets)]


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("kind", [native.SOCK_STREAM, native.SOCK_DGRAM])
@pytest.mark.parametrize("family", FAMILIES)
@windows_differs("unbound")
def test_the_kernel_says_what_is_adopted(family: int, kind: int, blocking: bool) -> None:
    if family == native.AF_INET6 and not has_loopback6():
        pytest.skip("the machine has no IPv6")
    theirs = native.socket(family, kind)
    theirs.setblocking(blocking)
    number = theirs.detach()
    with adopt_descriptor(number) as sock:
        assert sock.fd == number
        assert sock.domain.value == family
        assert sock.domain in (
            SocketDomain.INTERNET, SocketDomain.INTERNET_V6, SocketDomain.UNIX
        )
        assert sock.type == SocketType(int(kind))
        assert sock.nonblocking is not blocking
        assert os.get_blocking(number) is blocking
        if hasattr(native, "SO_PROTOCOL"):
            tcp = {native.SOCK_STREAM: native.IPPROTO_TCP, native.SOCK_DGRAM: native.IPPROTO_UDP}
            wanted = 0 if family == AF_UNIX else tcp[native.SocketKind(kind)]
            assert sock.protocol == SocketProtocol(wanted)
    assert not is_open(number)


def test_an_adopted_socket_works(tcp: Makers) -> None:
    with native.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE)
        client = tcp.socket()
        connect_socket(client, InternetAddress(LOOPBACK.ip, server.getsockname()[1]))
        theirs, _ = server.accept()
    ours = tcp.keep(adopt_descriptor(theirs.detach()))
    send_all(client, b"adopted")
    assert receive_exactly(ours, 7) == (b"adopted", None)
    assert name_of(ours) == get_socket_name(ours)


@needs_posix
def test_what_is_no_socket_is_not_adopted_and_stays_open() -> None:
    reading, writing = os.pipe()
    try:
        for fd in (reading, writing):
            with reports(errno.ENOTSOCK, "adopt_descriptor"):
                adopt_descriptor(fd)
            assert is_open(fd)
    finally:
        os.close(reading)
        os.close(writing)
    with reports(errno.EBADF):
        adopt_descriptor(reading)


@pytest.mark.skipif(not hasattr(native, "AF_NETLINK"), reason="Linux has netlink sockets")
def test_a_family_that_is_not_registered_is_not_adopted_and_stays_open() -> None:
    with native.socket(native.AF_NETLINK, native.SOCK_RAW) as sock:
        with pytest.raises(ValueError, match="for family 16; hand a SocketDomain"):
            adopt_descriptor(sock.fileno())
        assert is_open(sock.fileno())
        with pytest.raises(ValueError, match="no domain is registered"):
            from_python_socket(sock)
        assert is_open(sock.fileno())


@needs_posix
def test_a_descriptor_is_a_number() -> None:
    bad: list[Any] = [None, "3", 3.0, True]
    for wrong in bad:
        with pytest.raises(TypeError, match="fd must be an int"):
            adopt_descriptor(wrong)
    for number in (-1, 2**31):
        with pytest.raises(ValueError, match="fd must be from 0"):
            adopt_descriptor(number)


def test_failures_leave_nothing_open(pair: tuple[Socket, Socket]) -> None:
    reading, writing = os.pipe()
    closed = duplicate_socket(pair[0])
    close_socket(closed)
    before = descriptors()
    for _ in range(100):
        for call, argument in (
            (adopt_descriptor, reading), (duplicate_socket, closed), (to_python_socket, closed),
            (detach_socket, closed),
        ):
            with pytest.raises(OSError):
                call(argument)  # type: ignore[operator]
    assert descriptors() == before
    os.close(reading)
    os.close(writing)


# To Python's sockets and back.

@needs_posix
def test_a_socket_changes_over_with_its_descriptor(make: Makers) -> None:
    client, server = make.pair()
    number = client.fd
    before = descriptors()
    with to_python_socket(client) as theirs:
        assert theirs.fileno() == number
        assert client.fd == -1
        assert descriptors() == before
        assert theirs.getblocking() is os.get_blocking(number) is not make.nonblocking
        assert theirs.gettimeout() == (0.0 if make.nonblocking else None)
        assert theirs.family == make.family.domain.value
        assert theirs.type == native.SOCK_STREAM
        theirs.sendall(b"theirs")
        assert receive_exactly(server, 6)[0] == b"theirs"
        ours = make.keep(from_python_socket(theirs))
        assert theirs.fileno() == -1
        assert ours.fd == number
        assert ours.nonblocking is make.nonblocking
        assert descriptors() == before
        send_all(ours, b"ours")
        assert receive_exactly(server, 4)[0] == b"ours"
        with reports(errno.EBADF, "from_python_socket"):
            from_python_socket(theirs)
    assert is_open(number)


def test_the_usual_timeout_of_python_does_not_change_the_mode(pair: tuple[Socket, Socket]) -> None:
    set_socket_nonblocking(pair[0], False)
    native.setdefaulttimeout(5)
    try:
        with to_python_socket(pair[0]) as theirs:
            assert theirs.getblocking()
            assert theirs.gettimeout() is None
            assert os.get_blocking(theirs.fileno())
    finally:
        native.setdefaulttimeout(None)


def test_a_python_socket_with_a_timeout_is_one_that_does_not_block() -> None:
    first, second = native.socketpair()
    with second:
        first.settimeout(5)
        with from_python_socket(first) as ours:
            assert ours.nonblocking
            second.send(b"x")
            assert within(DEADLINE, receive_from_socket, ours, 9)[0] == b"x"


def test_changing_over_wants_a_socket_of_the_right_kind(pair: tuple[Socket, Socket]) -> None:
    wrong: Any = pair[0].fd
    with pytest.raises(TypeError):
        to_python_socket(wrong)
    for value in (wrong, None, pair[0]):
        with pytest.raises(TypeError):
            from_python_socket(value)
    with open(detach_socket(pair[0]), "rb", buffering=0) as file:
        with pytest.raises(TypeError):
            from_python_socket(file)  # type: ignore[arg-type]
        assert is_open(file.fileno())


# selectors and asyncio.

@pytest.mark.parametrize("kind", [selectors.DefaultSelector, selectors.SelectSelector])
def test_a_selector_takes_our_sockets(kind: Any, pair: tuple[Socket, Socket]) -> None:
    with kind() as selector:
        key = selector.register(pair[0], selectors.EVENT_READ, "data")
        assert (key.fd, key.fileobj) == (pair[0].fd, pair[0])
        assert selector.select(0) == []
        send_to_socket(pair[1], b"x", None)
        assert [(key.fileobj, key.data, event) for key, event in selector.select(DEADLINE)] == [
            (pair[0], "data", selectors.EVENT_READ)
        ]
        selector.modify(pair[0], selectors.EVENT_WRITE)
        assert selector.select(DEADLINE)[0][1] == selectors.EVENT_WRITE
        selector.unregister(pair[0])


def run(coroutine: Any) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(coroutine, DEADLINE)

    return asyncio.run(limited())


def test_an_event_loop_calls_back_for_our_sockets(pair: tuple[Socket, Socket]) -> None:
    async def talk() -> list[Any]:
        loop, got = asyncio.get_running_loop(), []
        done = asyncio.Event()

        def received() -> None:
            got.append(receive_from_socket(pair[0], 9)[0])
            loop.remove_reader(pair[0])
            done.set()

        def writable() -> None:
            got.append(send_to_socket(pair[1], b"x", None))
            loop.remove_writer(pair[1])

        loop.add_reader(pair[0], received)
        loop.add_writer(pair[1], writable)
        await done.wait()
        return got

    assert run(talk()) == [1, b"x"]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.write_eof()
    await writer.drain()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def test_streams_of_asyncio_run_over_our_sockets(quick: Makers) -> None:
    listener, client = quick.listener(), quick.socket()
    address, data = name_of(listener), bytes(range(256)) * 4000

    async def talk() -> bytes:
        server = await asyncio.start_server(echo, sock=to_python_socket(listener))
        async with server:
            connect_socket(client, address)
            reader, writer = await asyncio.open_connection(sock=to_python_socket(client))
            writer.write(data)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    assert run(talk()) == data


def test_a_client_of_ours_talks_to_a_server_of_asyncio(tcp: Makers) -> None:
    listener, client = tcp.listener(), tcp.socket()
    address = name_of(listener)

    async def talk() -> Any:
        async with await asyncio.start_server(echo, sock=to_python_socket(listener)):
            return await asyncio.to_thread(ask)

    def ask() -> Any:
        within(DEADLINE, connect_socket, client, address)
        send_all(client, b"question", timeout=DEADLINE)
        theirs = to_python_socket(client)
        theirs.shutdown(native.SHUT_WR)
        with from_python_socket(theirs) as ours:
            return receive_exactly(ours, 100, timeout=DEADLINE)

    assert run(talk()) == (b"question", None)


# ssl.

@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's and the client's."""
    path = tmp_path / "test.pem"
    path.write_text(PEM)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=PEM[PEM.index("-----BEGIN CERT"):])
    return server, client


DATA = bytes(range(256)) * 2000


def serve_tls(listener: native.socket, context: ssl.SSLContext) -> bytes:
    """Echo what one client sends, as Python's ssl does it; return what that was."""
    accepted, _ = listener.accept()
    accepted.settimeout(DEADLINE)
    with context.wrap_socket(accepted, server_side=True) as tls:
        received = b""
        while len(received) < len(DATA):
            received += tls.recv(65536)
        tls.sendall(received)
        tls.unwrap().close()
        return received


def test_tls_runs_over_our_socket_through_memory(
    tcp: Makers, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = contexts[1].wrap_bio(incoming, outgoing, server_hostname="localhost")
    sock = tcp.socket()

    def pump(call: Any, *arguments: Any) -> Any:
        while True:
            try:
                result, wants = call(*arguments), False
            except ssl.SSLWantReadError:
                result, wants = None, True
            if outgoing.pending:
                assert send_all(sock, outgoing.read(), timeout=DEADLINE)[1] is None
            if not wants:
                return result
            data, _ = within(DEADLINE, receive_from_socket, sock, 65536)
            assert data is not None
            if data:
                incoming.write(data)
            else:
                incoming.write_eof()

    with native.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        server = Waiter(serve_tls, listener, contexts[0])
        address = InternetAddress(LOOPBACK.ip, listener.getsockname()[1])
        assert within(DEADLINE, connect_socket, sock, address) is True
        pump(tls.do_handshake)
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
        assert dict(pair[0] for pair in tls.getpeercert()["subject"])["commonName"] == "localhost"
        assert pump(tls.write, DATA) == len(DATA)
        received = b""
        while len(received) < len(DATA):
            received += pump(tls.read, 65536)
        pump(tls.unwrap)
        assert server.answer() == received == DATA


def test_tls_runs_over_a_python_socket_made_of_ours(
    slow: Makers, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    first, second = slow.pair()

    class Ready:  # as a listener whose client is there
        @staticmethod
        def accept() -> Any:
            return to_python_socket(second), None

    server = Waiter(serve_tls, Ready, contexts[0])
    number = first.fd
    theirs = to_python_socket(first)
    theirs.settimeout(DEADLINE)
    with contexts[1].wrap_socket(theirs, server_hostname="localhost") as tls:
        assert tls.fileno() == number
        tls.sendall(DATA)
        received = b""
        while len(received) < len(DATA):
            received += tls.recv(65536)
        tls.unwrap().close()
    assert server.answer() == received == DATA


def test_a_certificate_that_nobody_vouches_for_is_refused(
    slow: Makers, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    first, second = slow.pair()

    def serve() -> None:
        theirs = to_python_socket(second)
        theirs.settimeout(DEADLINE)
        with theirs, pytest.raises(ssl.SSLError):
            contexts[0].wrap_socket(theirs, server_side=True).recv(1)

    server = Waiter(serve)
    theirs = to_python_socket(first)
    theirs.settimeout(DEADLINE)
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with theirs, pytest.raises(ssl.SSLCertVerificationError):
        strict.wrap_socket(theirs, server_hostname="localhost")
    server.answer()


def test_a_listener_that_was_pythons_accepts_as_ours(folder: Path) -> None:
    with native.socket(native.AF_UNIX) as theirs:
        theirs.bind(str(folder / "x"))
        theirs.listen(1)
        with from_python_socket(theirs) as listener:
            with create_socket(SocketDomain.UNIX, STREAM, AUTO) as client:
                assert connect_socket(client, UnixAddress(folder / "x")) is True
                accepted, _ = accept_socket(listener)
                assert accepted is not None
                with accepted:
                    assert accepted.type == STREAM
            assert listener.domain is SocketDomain.UNIX


def test_a_listener_that_was_ours_accepts_as_pythons(folder: Path) -> None:
    with create_socket(SocketDomain.UNIX, STREAM, AUTO) as ours:
        bind_socket(ours, UnixAddress(folder / "x"))
        listen_socket(ours, 1)
        with to_python_socket(ours) as listener, native.socket(native.AF_UNIX) as client:
            client.connect(str(folder / "x"))
            accepted, _ = listener.accept()
            accepted.close()
