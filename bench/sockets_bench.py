"""Measure this library beside Python's `socket` and beside C, in one process.

    python bench/sockets_bench.py FLOOR.so RESULT.json [WORD ...]

A row of the table is one job, done by each of its contestants: ours, theirs, and, where C can
say how fast the kernel itself is, the floor, and ours by the long way, without the fast paths.
A round lets each of them do the job equally
often, in a shuffled order, and keeps the ratios of their times; of many rounds the medians
are kept, and the quartiles, which tell how far to trust them.  Time is the process's own
where it can be, since others may be busy on the machine.  WORDs choose the rows that have
one of them in their names.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import random
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any

import sockets
from sockets import (
    AddressInfoOption, Datagrams, Descriptors, IpOption, Socket, SocketDomain, SocketOption,
    SocketProtocol, SocketType, UdpOption, UnixAddress, accept_socket, bind_socket,
    close_descriptors, close_socket, connect_socket, create_socket, from_python_socket,
    get_address_info, get_socket_name, get_socket_option, listen_socket, make_socket_pair,
    receive_datagrams, receive_exactly, receive_from_socket, receive_into_socket, receive_message,
    send_all, send_datagrams, send_message, send_to_socket, set_socket_nonblocking,
    set_socket_option, string_to_internet_address, wait_for_socket,
)

Job = Callable[[int], object]  # do it so often
ROUNDS = 25
ROUND_NS = 25_000_000  # about what one contestant's part in a round takes
BUSY_ROUND_NS = 250_000_000  # beside a thread that gives the lock up every 5,000,000
ANYWHERE = string_to_internet_address("127.0.0.1:0")
AUTO = SocketProtocol.AUTO


# The contestants. Each function makes what a job needs, and returns the job.

def our_bound(domain: SocketDomain, type: SocketType) -> Any:
    sock = create_socket(domain, type, AUTO)
    bind_socket(sock, ANYWHERE if domain is SocketDomain.INTERNET else UnixAddress(""))
    return sock


def their_bound(domain: int, type: int) -> Any:
    sock = socket.socket(domain, type)
    sock.bind(("127.0.0.1", 0) if domain == socket.AF_INET else "")
    return sock


def their_two(domain: int, type: int) -> tuple[Any, Any]:
    one, other = their_bound(domain, type), their_bound(domain, type)
    one.setblocking(False)
    other.setblocking(False)
    return one, other


def our_datagrams() -> Job:
    one, other = (our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM) for _ in range(2))
    address, data = get_socket_name(other), bytes(64)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, data, address)
            receive_from_socket(other, 2048)

    return job


def their_datagrams() -> Job:
    one, other = their_two(socket.AF_INET, socket.SOCK_DGRAM)
    address, data = other.getsockname(), bytes(64)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.sendto(data, address)
            other.recvfrom(2048)

    return job


def our_datagrams_into() -> Job:
    one, other = (our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM) for _ in range(2))
    address, data, room = get_socket_name(other), bytes(64), bytearray(2048)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, data, address)
            receive_into_socket(other, room)

    return job


def their_datagrams_into() -> Job:
    one, other = their_two(socket.AF_INET, socket.SOCK_DGRAM)
    address, data, room = other.getsockname(), bytes(64), bytearray(2048)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.sendto(data, address)
            other.recvfrom_into(room)

    return job


def our_known_sender() -> Job:
    one, other = (our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM) for _ in range(2))
    address, data, known = get_socket_name(other), bytes(64), {get_socket_name(one): 1}

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, data, address)
            known[receive_from_socket(other, 2048)[1]]  # type: ignore[index]

    return job


def their_known_sender() -> Job:
    one, other = their_two(socket.AF_INET, socket.SOCK_DGRAM)
    address, data, known = other.getsockname(), bytes(64), {one.getsockname(): 1}

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.sendto(data, address)
            known[other.recvfrom(2048)[1]]

    return job


MANY = 64


def our_many(runs: int, offload: bool) -> Job:
    """So many runs make MANY datagrams together; what the kernel may join, it does if it can."""
    one, other = (our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM) for _ in range(2))
    if offload:
        set_socket_option(other, UdpOption.RECEIVE_OFFLOAD, True)
    run = Datagrams(bytes(64 * MANY // runs), 64, get_socket_name(other))
    sent = [run] * runs

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_datagrams(one, sent)
            missing = MANY
            while missing:
                got = receive_datagrams(other, missing, 64)
                missing -= sum(map(len, got))  # type: ignore[arg-type]

    return job


def their_many() -> Job:
    one, other = their_two(socket.AF_INET, socket.SOCK_DGRAM)
    address, data = other.getsockname(), bytes(64)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            for _ in range(MANY):
                one.sendto(data, address)
            for _ in range(MANY):
                other.recvfrom(64)

    return job


def echoes(
    peers: int, server: Any, port: int, serve: Callable[[], object], offload: bool = False
) -> Job:
    """So many peers send MANY datagrams together, and get them back; only the server counts."""
    kind = socket.AF_INET, socket.SOCK_DGRAM
    clients = [socket.socket(*kind) for _ in range(peers)]
    for client in clients:
        client.connect(("127.0.0.1", port))
    one = from_python_socket(clients[0].dup())
    flow = Datagrams(bytes(64 * MANY), 64, None)

    def job(count: int) -> int:
        took = 0
        for _ in repeat(None, count):
            if peers == 1:
                send_datagrams(one, [flow] if offload else [*map(flow_of, flow)])
            else:
                for client in clients:
                    client.send(flow[0])
            began = process_time_ns()
            serve()
            took += process_time_ns() - began
            for client in clients * (MANY // peers):
                client.recv(64)
        return took

    job.server = server  # type: ignore[attr-defined] # it stays open
    return job


def flow_of(data: bytes) -> Datagrams:
    return Datagrams(data, 64, None)


def our_echoes(peers: int, offload: bool) -> Job:
    server = our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM)
    if offload:
        set_socket_option(server, UdpOption.RECEIVE_OFFLOAD, True)

    def serve() -> None:
        missing = MANY
        while missing:
            runs: Any = receive_datagrams(server, missing, 64)
            missing -= send_datagrams(server, runs)  # type: ignore[operator]

    return echoes(peers, server, get_socket_name(server).port, serve, offload)  # type: ignore


def their_echoes(peers: int) -> Job:
    server = their_bound(socket.AF_INET, socket.SOCK_DGRAM)
    server.setblocking(False)

    def serve() -> None:
        for _ in repeat(None, MANY):
            data, address = server.recvfrom(64)
            server.sendto(data, address)

    return echoes(peers, server, server.getsockname()[1], serve)


def our_stream() -> Job:
    one, other = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, AUTO)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, b"x", None)
            receive_from_socket(other, 2048)
            send_to_socket(other, b"x", None)
            receive_from_socket(one, 2048)

    return job


def their_stream() -> Job:
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.send(b"x")
            other.recv(2048)
            other.send(b"x")
            one.recv(2048)

    return job


def our_stream_into() -> Job:
    """A server that receives into a buffer, and sends from it."""
    one, other = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, AUTO)
    room = memoryview(bytearray(2048))

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, b"x", None)
            received: Any = receive_into_socket(other, room)[0]
            send_to_socket(other, room[:received], None)
            receive_from_socket(one, 2048)

    return job


def their_stream_into() -> Job:
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    room = memoryview(bytearray(2048))

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.send(b"x")
            other.send(room[: other.recv_into(room)])
            one.recv(2048)

    return job


def our_exactly() -> Job:
    one, other = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, AUTO)
    set_socket_nonblocking(other, False)
    data = bytes(64)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, data, None)
            receive_exactly(other, 64)

    return job


def their_exactly() -> Job:
    one, other = socket.socketpair()
    one.setblocking(False)
    data = bytes(64)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.send(data)
            other.recv(64, socket.MSG_WAITALL)

    return job


def their_sender(size: int) -> Any:
    """A socket from which so much comes, by another process, as often as it is asked for."""
    client, server = their_connected()
    client.setblocking(True)
    server.setblocking(True)
    if os.fork() == 0:
        client.close()
        block = bytes(size)
        while server.recv(1):
            server.sendall(block)
        os._exit(0)
    server.close()
    return client


def our_large(size: int, nonblocking: bool) -> Job:
    sock = Socket(
        their_sender(size).detach(), SocketDomain.INTERNET, SocketType.STREAM, AUTO
    )
    set_socket_nonblocking(sock, nonblocking)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(sock, b"x", None)
            if len(receive_exactly(sock, size)[0]) != size:
                raise AssertionError

    return job


def their_large(size: int) -> Job:
    sock = their_sender(size)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sock.send(b"x")
            if len(sock.recv(size, socket.MSG_WAITALL)) != size:
                raise AssertionError

    return job


def their_large_nonblocking(size: int) -> Job:
    sock = their_sender(size)
    sock.setblocking(False)
    poll = select.poll()
    poll.register(sock, select.POLLIN)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sock.send(b"x")
            rest = memoryview(bytearray(size))
            while rest:
                try:
                    rest = rest[sock.recv_into(rest) :]
                except BlockingIOError:
                    poll.poll()

    return job


def our_descriptors() -> Job:
    one, other = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, AUTO)
    fds = [one.fd, other.fd]

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_message(one, [b"x"], None, [Descriptors(fds)])
            _, header = receive_message(other, 2048)
            close_descriptors(header.items[0])  # type: ignore[arg-type, union-attr]

    return job


def their_descriptors() -> Job:
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    fds, room = [one.fileno(), other.fileno()], socket.CMSG_SPACE(8)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sent = array("i", fds)
            one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])
            _, [(_, _, data)], _, _ = other.recvmsg(2048, room)
            received = array("i")
            received.frombytes(data)
            for fd in received:
                os.close(fd)

    return job


def our_packet_info() -> Job:
    """An answer comes from the address that was asked."""
    one, other = (our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM) for _ in range(2))
    set_socket_option(other, IpOption.RECEIVE_PACKET_INFO, True)
    address, data = get_socket_name(other), bytes(64)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_to_socket(one, data, address)
            received: Any = receive_message(other, 2048)
            asked, header = received
            send_message(other, [asked], header.address, header.items)
            receive_from_socket(one, 2048)

    return job


def their_packet_info() -> Job:
    one, other = their_two(socket.AF_INET, socket.SOCK_DGRAM)
    other.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    address, data, room = other.getsockname(), bytes(64), socket.CMSG_SPACE(12)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            one.sendto(data, address)
            asked, [(level, type, told)], _, place = other.recvmsg(2048, room)
            index, here, _ = struct.unpack("=I4s4s", told)
            answer = struct.pack("=I4s4s", index, here, bytes(4))
            other.sendmsg([asked], [(level, type, answer)], 0, place)
            one.recvfrom(2048)

    return job


def our_nothing_yet() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            data, _why = receive_from_socket(sock, 2048)
            if data is not None:
                raise AssertionError

    return job


def their_nothing_yet() -> Job:
    sock = their_bound(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            try:
                sock.recvfrom(2048)
            except BlockingIOError:
                continue
            raise AssertionError

    return job


def our_connections(domain: SocketDomain) -> Job:
    listener = our_bound(domain, SocketType.STREAM)
    listen_socket(listener, 8)
    address: Any = get_socket_name(listener)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            client = create_socket(domain, SocketType.STREAM, AUTO)
            connect_socket(client, address)
            server, _ = accept_socket(listener)
            close_socket(client)
            close_socket(server)  # type: ignore[arg-type]

    return job


def their_connections(domain: int) -> Job:
    listener = their_bound(domain, socket.SOCK_STREAM)
    listener.listen(8)
    address = listener.getsockname()

    def job(count: int) -> None:
        for _ in repeat(None, count):
            client = socket.socket(domain, socket.SOCK_STREAM)
            client.connect(address)
            server, _ = listener.accept()
            client.close()
            server.close()

    return job


def our_get_option() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.STREAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            get_socket_option(sock, SocketOption.RECEIVE_BUFFER)

    return job


def their_get_option() -> Job:
    sock = their_bound(socket.AF_INET, socket.SOCK_STREAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    return job


def our_set_option() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.STREAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            set_socket_option(sock, SocketOption.RECEIVE_BUFFER, 65536)

    return job


def their_set_option() -> Job:
    sock = their_bound(socket.AF_INET, socket.SOCK_STREAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    return job


def our_name() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            get_socket_name(sock)

    return job


def their_name() -> Job:
    sock = their_bound(socket.AF_INET, socket.SOCK_DGRAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sock.getsockname()

    return job


def our_modes() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.STREAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            set_socket_nonblocking(sock, False)
            set_socket_nonblocking(sock, True)

    return job


def their_modes() -> Job:
    sock = their_bound(socket.AF_INET, socket.SOCK_STREAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            sock.setblocking(True)
            sock.setblocking(False)

    return job


def our_look() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            wait_for_socket(sock, True, False, 0)

    return job


def their_look() -> Job:
    poll = select.poll()
    poll.register(sock := their_bound(socket.AF_INET, socket.SOCK_DGRAM), select.POLLIN)

    def job(count: int) -> None:
        for _ in repeat(None, count if sock else 0):
            poll.poll(0)

    return job


def our_text() -> Job:
    sock = our_bound(SocketDomain.INTERNET, SocketType.DATAGRAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            repr(sock)

    return job


def their_text() -> Job:
    sock = their_bound(socket.AF_INET, socket.SOCK_DGRAM)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            repr(sock)

    return job


def our_resolve() -> Job:
    def job(count: int) -> None:
        for _ in repeat(None, count):
            get_address_info(
                "127.0.0.1", 80, None, None, None, AddressInfoOption.NUMERIC_HOST
            )

    return job


def their_resolve() -> Job:
    def job(count: int) -> None:
        for _ in repeat(None, count):
            socket.getaddrinfo("127.0.0.1", 80, flags=socket.AI_NUMERICHOST)

    return job


def our_connected() -> tuple[Any, Any]:
    listener = our_bound(SocketDomain.INTERNET, SocketType.STREAM)
    listen_socket(listener, 1)
    client = create_socket(SocketDomain.INTERNET, SocketType.STREAM, AUTO)
    connect_socket(client, get_socket_name(listener))  # type: ignore[arg-type]
    server: Any = accept_socket(listener)[0]
    set_socket_nonblocking(server, True)
    close_socket(listener)
    return client, server


def their_connected() -> tuple[Any, Any]:
    listener = their_bound(socket.AF_INET, socket.SOCK_STREAM)
    listener.listen(1)
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    listener.close()
    client.setblocking(False)
    server.setblocking(False)
    return client, server


def our_blocks(size: int) -> Job:
    client, server = our_connected()
    block = bytes(size)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            rest: Any = block
            missing = size
            while missing:
                if rest:
                    sent = send_to_socket(client, rest, None)
                    rest = memoryview(rest)[sent:] if isinstance(sent, int) else rest
                data, _ = receive_from_socket(server, missing)
                missing -= len(data or b"")

    return job


def their_blocks(size: int) -> Job:
    client, server = their_connected()
    block = bytes(size)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            rest: Any = block
            missing = size
            while missing:
                try:
                    if rest:
                        rest = memoryview(rest)[client.send(rest):]
                except BlockingIOError:
                    pass
                try:  # noqa: SIM105 - suppress() takes longer
                    missing -= len(server.recv(missing))
                except BlockingIOError:
                    pass

    return job


def our_blocks_to_another(size: int) -> Job:
    client, server = our_connected()
    set_socket_nonblocking(client, False)
    set_socket_nonblocking(server, False)
    block = bytes(size)
    if os.fork() == 0:
        close_socket(client)
        while receive_exactly(server, size)[0]:
            send_all(server, b"x")
        os._exit(0)
    close_socket(server)

    def job(count: int) -> None:
        for _ in repeat(None, count):
            send_all(client, block)
            receive_from_socket(client, 1)

    return job


def their_blocks_to_another(size: int) -> Job:
    client, server = their_connected()
    client.setblocking(True)
    server.setblocking(True)
    block = bytes(size)
    if os.fork() == 0:
        client.close()
        while server.recv(size, socket.MSG_WAITALL):
            server.sendall(b"x")
        os._exit(0)
    server.close()

    def job(count: int) -> None:
        for _ in repeat(None, count):
            client.sendall(block)
            client.recv(1)

    return job


def imports(module: str) -> Job:
    """Importing in fresh processes, from compiled files; what starting takes is not counted."""
    code = (
        "import sys, time; sys.path += sys.argv[1:]; began = time.process_time_ns(); "
        f"import {module}; print(time.process_time_ns() - began)"
    )
    paths = [path for path in sys.path if path.endswith(("site-packages", "generated"))]
    environment = {key: value for key, value in os.environ.items() if "PYTHON" not in key}
    command = [sys.executable, "-I", "-c", code, *paths]

    def job(count: int) -> int:
        return sum(
            int(subprocess.check_output(command, env=environment)) for _ in range(count)
        )

    job(1)  # compiles
    return job


# The rows.

class Row:
    """A job: its contestants, and the greatest ratio of our time to theirs that is wanted."""

    def __init__(
        self, name: str, goal: float, ours: Callable[[], Job], theirs: Callable[[], Job],
        floor: str | None = None, *, clock: Callable[[], int] = process_time_ns,
        busy: bool = False, count: int = 0,
    ) -> None:
        self.name, self.goal, self.ours, self.theirs, self.floor = name, goal, ours, theirs, floor
        self.clock, self.busy, self.count = clock, busy, count


def blocks(size: int, name: str, floor: str) -> list[Row]:
    return [
        Row(f"TCP blocks of {name}, one process", 1.00, lambda: our_blocks(size),
            lambda: their_blocks(size), floor),
        Row(f"TCP blocks of {name}, two processes", 1.00, lambda: our_blocks_to_another(size),
            lambda: their_blocks_to_another(size), clock=perf_counter_ns),
    ]


ROWS = [
    Row("UDP, 64 bytes, sent and received", 0.95, our_datagrams, their_datagrams, "datagrams"),
    Row("UDP, 64 datagrams in a call, with offload", 1 / 15, lambda: our_many(1, True),
        their_many),
    Row("UDP, 64 datagrams in a call, without", 0.65, lambda: our_many(MANY, False),
        their_many, "many_datagrams"),
    Row("UDP echo server, 64 peers, a call for all", 0.80, lambda: our_echoes(MANY, False),
        lambda: their_echoes(MANY)),
    Row("UDP echo server, one flow", 0.56, lambda: our_echoes(1, False),
        lambda: their_echoes(1)),
    Row("UDP echo server, one flow, with offload", 0.19, lambda: our_echoes(1, True),
        lambda: their_echoes(1)),
    Row("UNIX stream, 1 byte, there and back", 0.95, our_stream, their_stream, "stream"),
    Row("UNIX stream, a message with two descriptors", 1.30, our_descriptors, their_descriptors),
    Row("UDP, answered with packet information", 1.00, our_packet_info, their_packet_info),
    Row("receive when nothing is there", 0.30, our_nothing_yet, their_nothing_yet,
        "nothing_yet"),
    Row("UDP to itself, beside a busy thread", 0.50, our_datagrams, their_datagrams,
        clock=perf_counter_ns, busy=True),
    Row("UNIX stream to itself, beside a busy thread", 0.50, our_stream, their_stream,
        clock=perf_counter_ns, busy=True),
    Row("TCP connect, accept, close", 0.85, lambda: our_connections(SocketDomain.INTERNET),
        lambda: their_connections(socket.AF_INET), "tcp_connections"),
    Row("UNIX connect, accept, close", 0.85, lambda: our_connections(SocketDomain.UNIX),
        lambda: their_connections(socket.AF_UNIX), "unix_connections"),
    Row("get an option", 1.05, our_get_option, their_get_option, "get_option"),
    Row("set an option", 1.05, our_set_option, their_set_option, "set_option"),
    Row("receive and look the sender up, UDP", 0.85, our_known_sender, their_known_sender),
    Row("receive into a buffer, UDP", 0.86, our_datagrams_into, their_datagrams_into),
    Row("receive into a buffer, UNIX stream", 0.86, our_stream_into, their_stream_into),
    Row("receive exactly 64 bytes", 0.95, our_exactly, their_exactly),
    Row("receive exactly 1 MiB, non-blocking", 1.10, lambda: our_large(1 << 20, True),
        lambda: their_large_nonblocking(1 << 20)),
    Row("receive exactly 32 MiB", 1.10, lambda: our_large(1 << 25, False),
        lambda: their_large(1 << 25)),
    Row("get the name of a socket", 0.90, our_name, their_name),
    Row("make a socket blocking, and non-blocking", 1.00, our_modes, their_modes),
    Row("look whether a socket is ready", 1.20, our_look, their_look),
    Row("a socket as text", 1.00, our_text, their_text),
    Row("resolve a numeric address", 0.45, our_resolve, their_resolve, "resolve"),
    *blocks(65536, "64 KiB", "blocks_64k"),
    *blocks(1 << 20, "1 MiB", "blocks_1m"),
    Row("import", 0.30, lambda: imports("sockets"), lambda: imports("socket"), count=1),
]


# Measuring.

@contextmanager
def busy_thread(wanted: bool) -> Iterator[None]:
    """Another thread that never stops computing, while the job is done."""
    stop = not wanted

    def compute() -> None:
        while not stop:
            pass

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop = True
        thread.join()


def timed(job: Job, clock: Callable[[], int]) -> Callable[[int], float]:
    def time(count: int) -> float:
        began = clock()
        answer = job(count)
        return answer if isinstance(answer, int) else clock() - began

    return time


LONG_WAYS = {name: procedure.__wrapped__ for name, procedure in vars(sockets).items()
             if name in globals() and hasattr(procedure, "__wrapped__")}


def the_long_way(job: Job) -> Job:
    """The job by the procedures in whose places there are fast paths."""
    quick = {name: globals()[name] for name in LONG_WAYS}

    def slowly(count: int) -> object:
        globals().update(LONG_WAYS)
        try:
            return job(count)
        finally:
            globals().update(quick)

    return slowly


def contestants(row: Row, floor: Any) -> dict[str, Callable[[int], float]]:
    found = {name: timed(make(), row.clock) for name, make in
             (("ours", row.ours), ("theirs", row.theirs))}
    if row.floor:
        found["long"] = timed(the_long_way(row.ours()), row.clock)
        function = getattr(floor, row.floor)
        function.restype = ctypes.c_longlong
        found["floor"] = function
    return found


def how_often(row: Row, run: Callable[[int], float]) -> int:
    count, wanted = max(row.count, 1), BUSY_ROUND_NS if row.busy else ROUND_NS
    while not row.count and (took := run(count)) < wanted / 4:
        count *= 2
    return row.count or max(1, int(count * wanted / took))


def ratios(ours: list[float], others: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(
        [our / other for our, other in zip(ours, others, strict=True)], n=4
    )
    return {"median": round(middle, 3), "low": round(low, 3), "high": round(high, 3)}


def measure(row: Row, floor: Any) -> dict[str, Any]:
    runs = contestants(row, floor)
    times: dict[str, list[float]] = {name: [] for name in runs}
    with busy_thread(row.busy):
        count = how_often(row, runs["theirs"])
        for _ in range(ROUNDS):
            for name in random.sample(list(runs), len(runs)):
                took = runs[name](count)
                if took <= 0:
                    raise SystemExit(f"{row.name}: {name} failed")
                times[name].append(took / count)
    return {
        "name": row.name,
        "goal": row.goal,
        "nanoseconds": {name: round(statistics.median(its)) for name, its in times.items()},
        **{f"to {name}": ratios(times["ours"], its) for name, its in times.items()
           if name != "ours"},
    }


def main() -> None:
    floor, output, *words = sys.argv[1:]
    library = ctypes.CDLL(floor)
    results = []
    for row in ROWS:
        if not words or any(word in row.name for word in words):
            results.append(measure(row, library))
            print(f"{row.name:40} {results[-1]['to theirs']}", file=sys.stderr)
    machine = f"{platform.system()} {platform.machine()}"
    answer = {"python": platform.python_version(), "machine": machine, "rows": results}
    Path(output).write_text(json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    main()
