"""The library at work: protocols, transfers and crowds, and beside programs of other people."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import selectors
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    LOOPBACK,
    SO_ERROR,
    Makers,
    Waiter,
    name_of,
    readable,
    receive_exactly,
    send_all,
    until,
    writable,
)

from sockets import (
    ShutdownMethod,
    Socket,
    SocketCondition,
    SocketDomain,
    SocketProtocol,
    SocketType,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    get_address_info,
    get_socket_option,
    listen_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    shutdown_socket,
)

STREAM, DATAGRAM, AUTO = SocketType.STREAM, SocketType.DATAGRAM, SocketProtocol.AUTO
MIB = 1 << 20


def block_of(number: int) -> bytes:
    """A mebibyte that differs from every other, without asking for random bytes."""
    return hashlib.sha256(b"%d" % number).digest() * (MIB // 32)


BLOCKS = [block_of(number) for number in range(64)]
DIGEST = hashlib.sha256(b"".join(BLOCKS)).hexdigest()


# HTTP.

@pytest.fixture
def web_server(folder: Path) -> Iterator[int]:
    """A web server of somebody else's in a process of its own; its port."""
    (folder / "page").write_bytes(BLOCKS[0][:100_000])
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1",
         "--directory", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            yield int(words[words.index("port") + 1])
        finally:
            process.terminate()
            process.wait(DEADLINE)


def fetch(port: int, path: str, nonblocking: bool) -> tuple[bytes, bytes]:
    infos, _ = get_address_info("127.0.0.1", port, None, STREAM)
    info = infos[0]
    assert info.address is not None
    with create_socket(info.domain, info.type, info.protocol) as sock:
        set_socket_nonblocking(sock, nonblocking)
        if connect_socket(sock, info.address) is not True:
            writable(sock)
            assert get_socket_option(sock, SO_ERROR) == 0
        send_all(sock, f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        head, _, body = receive_exactly(sock, 10 * MIB).partition(b"\r\n\r\n")
    return head, body


def test_a_page_is_fetched_from_a_web_server(web_server: int, mode: bool) -> None:
    head, body = fetch(web_server, "/page", mode)
    assert head.split(b"\r\n")[0].endswith(b"200 OK")
    assert b"Content-Length: 100000" in head.split(b"\r\n")
    assert body == BLOCKS[0][:100_000]


def test_a_page_that_is_not_there_is_the_servers_to_report(web_server: int) -> None:
    head, _ = fetch(web_server, "/none", nonblocking=True)
    assert b" 404 " in head.split(b"\r\n")[0]


# Questions and answers by datagram, in the form of DNS.

NAMES = {b"one.example": 0xC0000201, b"two.example": 0xC0000202}


def question(number: int, name: bytes) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
    head = struct.pack("!6H", number, 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack("!2H", 1, 1)


def asked_name(packet: bytes) -> bytes:
    labels, place = [], 12
    while packet[place]:
        labels.append(packet[place + 1 : place + 1 + packet[place]])
        place += 1 + packet[place]
    return b".".join(labels)


def answer(packet: bytes) -> bytes:
    ip = NAMES.get(asked_name(packet))
    [number] = struct.unpack("!H", packet[:2])
    header = struct.pack("!6H", number, 0x8180 if ip else 0x8183, 1, 1 if ip else 0, 0, 0)
    record = struct.pack("!HHHIHI", 0xC00C, 1, 1, 60, 4, ip) if ip else b""
    return header + packet[12:] + record


def serve_names(sock: Socket) -> int:
    served = 0
    while True:
        packet, client = receive_from_socket(sock, 512)
        assert packet is not None, client
        if packet == b"":
            return served
        assert send_to_socket(sock, answer(packet), client) > 12  # type: ignore[operator, arg-type]
        served += 1


def test_names_are_asked_for_by_datagram(mode: bool) -> None:
    with create_socket(SocketDomain.INTERNET, DATAGRAM, AUTO) as server, \
            create_socket(SocketDomain.INTERNET, DATAGRAM, AUTO) as client:
        bind_socket(server, LOOPBACK)
        set_socket_nonblocking(server, False)
        set_socket_nonblocking(client, mode)
        waiter = Waiter(serve_names, server)
        assert connect_socket(client, name_of(server)) is True
        for number in range(100):
            name = (*NAMES, b"three.example")[number % 3]
            asked = question(number, name)
            assert send_to_socket(client, asked, None) == len(asked)
            readable(client)
            reply, sender = receive_from_socket(client, 512)
            assert sender == name_of(server)
            assert reply is not None
            if name in NAMES:
                assert reply[-4:] == struct.pack("!I", NAMES[name])
            assert struct.unpack("!2H", reply[:4]) == (
                number, 0x8180 if name in NAMES else 0x8183)
        send_to_socket(client, b"", None)
        assert waiter.answer() == 100


# 64 MiB there and back.

def echo_all(sock: Socket) -> int:
    """Send everything back, on a blocking socket, up to the end of the stream."""
    total = 0
    while True:
        data, _ = receive_from_socket(sock, MIB)
        assert data is not None
        if not data:
            shutdown_socket(sock, ShutdownMethod.WRITE)
            return total
        total += len(data)
        view = memoryview(data)
        while view:
            view = view[send_to_socket(sock, view, None):]  # type: ignore[misc]


def send_blocks(sock: Socket) -> None:
    for block in BLOCKS:
        send_all(sock, block)
    shutdown_socket(sock, ShutdownMethod.WRITE)


def test_64_mib_go_there_and_back_through_blocking_sockets_in_threads(slow: Makers) -> None:
    client, server = slow.pair()
    echo, sender = Waiter(echo_all, server), Waiter(send_blocks, client)
    digest, total = hashlib.sha256(), 0
    while True:
        data, _ = receive_from_socket(client, MIB)
        assert data is not None
        if not data:
            break
        digest.update(data)
        total += len(data)
    sender.answer()
    assert echo.answer() == total == 64 * MIB
    assert digest.hexdigest() == DIGEST


def test_64_mib_go_there_and_back_through_non_blocking_sockets_in_one_thread(
    quick: Makers,
) -> None:
    client, server = quick.pair()
    digest, received = hashlib.sha256(), 0
    waiting: list[memoryview] = []  # at the server, to go back
    sending = [memoryview(block) for block in reversed(BLOCKS)]
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
        selector.register(server, selectors.EVENT_READ)
        while received < 64 * MIB:
            happened = selector.select(DEADLINE)
            assert happened
            for key, events in happened:
                pieces = sending if key.fileobj is client else waiting
                if events & selectors.EVENT_WRITE:
                    sent: Any = send_to_socket(key.fileobj, pieces[-1], None)  # type: ignore
                    if isinstance(sent, int):
                        rest = pieces.pop()[sent:]
                        if rest:
                            pieces.append(rest)
                if events & selectors.EVENT_READ:
                    data, _ = receive_from_socket(key.fileobj, 256 * 1024)  # type: ignore
                    if data is None:
                        continue
                    if key.fileobj is client:
                        digest.update(data)
                        received += len(data)
                    else:
                        waiting.insert(0, memoryview(data))
                wanted = (selectors.EVENT_WRITE if pieces else 0) | (
                    selectors.EVENT_READ if key.fileobj is client or len(waiting) < 8 else 0)
                selector.modify(key.fileobj, wanted)
    assert digest.hexdigest() == DIGEST


# A crowd.

CROWD = 200


class Crowd:
    """A non-blocking server in one thread, which answers when all its clients are there."""

    def __init__(self, listener: Socket) -> None:
        self.listener = listener
        self.clients: dict[Socket, bytes] = {}
        self.most = 0

    def serve(self) -> int:
        served = 0
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            while served < CROWD:
                happened = selector.select(DEADLINE)
                assert happened, f"{served} served, {len(self.clients)} there"
                for key, _ in happened:
                    if key.fileobj is self.listener:
                        self.welcome_all(selector)
                    else:
                        served += self.hear(selector, key.fileobj)  # type: ignore[arg-type]
        return served

    def welcome_all(self, selector: selectors.BaseSelector) -> None:
        while True:
            client, _ = accept_socket(self.listener)
            if client is None:
                break
            set_socket_nonblocking(client, True)
            selector.register(client, selectors.EVENT_READ)
            self.clients[client] = b""
        self.most = max(self.most, len(self.clients))

    def hear(self, selector: selectors.BaseSelector, client: Socket) -> int:
        data, _ = receive_from_socket(client, 4096)
        if data is None:
            return 0
        if data:
            self.clients[client] += data
            return 0
        text = self.clients.pop(client)
        assert send_to_socket(client, text.upper(), None) == len(text)
        selector.unregister(client)
        close_socket(client)
        return 1


def test_200_clients_talk_at_once_with_one_non_blocking_server(quick: Makers) -> None:
    crowd = Crowd(quick.listener(CROWD))
    address = name_of(crowd.listener)
    waiter = Waiter(crowd.serve)
    clients = [quick.socket() for _ in range(CROWD)]
    for client in clients:
        started = connect_socket(client, address)
        assert started is True or isinstance(started, SocketCondition)
    for client in clients:
        writable(client)
        assert get_socket_option(client, SO_ERROR) == 0
    until(lambda: crowd.most == CROWD or not waiter.is_alive(), "the whole crowd")
    for number, client in enumerate(clients):
        send_all(client, b"hello from %d " % number * 20)
    for client in reversed(clients):
        shutdown_socket(client, ShutdownMethod.WRITE)
    for number, client in enumerate(clients):
        assert receive_exactly(client, 10_000) == b"HELLO FROM %d " % number * 20
    assert waiter.answer() == CROWD
    assert crowd.most == CROWD


# asyncio.

def test_asyncio_takes_these_sockets_as_they_are(quick: Makers) -> None:
    listener, client = quick.listener(), quick.socket()

    async def readable_now(sock: Socket, writing: bool = False) -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        add, remove = (loop.add_writer, loop.remove_writer) if writing else (
            loop.add_reader, loop.remove_reader)
        add(sock, event.set)
        try:
            await asyncio.wait_for(event.wait(), DEADLINE)
        finally:
            remove(sock)

    async def serve() -> bytes:
        await readable_now(listener)
        server, _ = accept_socket(listener)
        assert server is not None
        quick.keep(server)
        await readable_now(server)
        data, _ = receive_from_socket(server, 99)
        assert data is not None
        assert send_to_socket(server, data[::-1], None) == len(data)
        return data

    async def ask() -> bytes | None:
        connect_socket(client, name_of(listener))
        await readable_now(client, writing=True)
        assert send_to_socket(client, b"question", None) == 8
        await readable_now(client)
        return receive_from_socket(client, 99)[0]

    async def both() -> list[bytes | None]:
        return list(await asyncio.gather(serve(), ask()))

    loop = asyncio.SelectorEventLoop()  # the usual one on Windows watches no sockets
    with contextlib.closing(loop):
        assert loop.run_until_complete(both()) == [b"question", b"noitseuq"]


# Several things at once.

def test_threads_serve_one_client_each(slow: Makers) -> None:
    listener = slow.socket()
    bind_socket(listener, slow.family.address())
    listen_socket(listener, 16)

    def serve_one() -> int:
        client, _ = accept_socket(listener)
        assert client is not None
        with client:
            return echo_all(client)

    servers = [Waiter(serve_one) for _ in range(8)]
    data = [BLOCKS[number][: 300_000 + number] for number in range(8)]

    def ask(number: int) -> bytes:
        client = slow.socket()
        assert connect_socket(client, name_of(listener)) is True
        sender = Waiter(send_all, client, data[number])
        heard = receive_exactly(client, len(data[number]))
        sender.answer()
        shutdown_socket(client, ShutdownMethod.WRITE)
        return heard

    clients = [Waiter(ask, number) for number in range(8)]
    assert [client.answer() for client in clients] == data
    assert sorted(server.answer() for server in servers) == [len(each) for each in data]
