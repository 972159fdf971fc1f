"""Measure servers made with this library beside others, under a load from C.

    python bench/servers_bench.py LOAD RESULT.json [--quick] [WORD ...]

A row of the table is a kind of work, and each contestant is a server process of its own that
does it: `LOAD`, made of load.c, asks.  A round lets each of them work equally long, in a
shuffled order, while the others are stopped, and takes the server's processor time a request;
beside a busy thread, where that thread would have most of it, the time a request.  The ratios
to `socket` with selectors are taken within a round; of the rounds the medians are kept, and
the quartiles.  WORDs choose the rows that have one of them in their names, and `--quick`
tries each contestant for a moment only, which says that it runs and nothing more.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import platform
import random
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sockets import (
    SocketCondition, SocketDomain, SocketProtocol, SocketType, UnixAddress, accept_socket,
    bind_socket, close_socket, create_listener, create_socket, get_socket_name,
    receive_datagrams, receive_from_socket, receive_into_socket, send_datagrams, send_to_socket,
    set_socket_nonblocking, string_to_internet_address,
)

ROOM = 16384
WAITING = 128  # connections not yet accepted
PAGE = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 15\r\n\r\nHello, sockets.")


# What a server does at a time, by one library and by the other. `turn` answers once, and says
# whether there may be more to do.

class Theirs:
    def __init__(self, kind: str) -> None:
        self.page = PAGE if kind == "http" else None

    def listen(self, where: str) -> Any:
        if where.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.bind(where)
            print(where, flush=True)
        else:
            server = socket.create_server(("127.0.0.1", 0))
            print("{}:{}".format(*server.getsockname()), flush=True)
        server.listen(WAITING)
        return server

    def accept(self, server: Any, blocking: bool) -> Any:
        try:
            client, _ = server.accept()
        except BlockingIOError:
            return None
        client.setblocking(blocking)
        return client

    def turn(self, sock: Any) -> bool:
        try:
            data = sock.recv(ROOM)
            if data:
                sock.send(self.page or data)
            return bool(data)
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self, sock: Any) -> None:
        sock.close()

    def set_blocking(self, sock: Any, blocking: bool) -> None:
        sock.setblocking(blocking)


class Ours(Theirs):
    def listen(self, where: str) -> Any:
        server = create_listener(
            UnixAddress(where) if where.startswith("/") else string_to_internet_address(where),
            WAITING)
        print(get_socket_name(server), flush=True)
        return server

    def accept(self, server: Any, blocking: bool) -> Any:
        return accept_socket(server, nonblocking=not blocking)[0]

    def turn(self, sock: Any) -> bool:
        try:
            data, _ = receive_from_socket(sock, ROOM)
            if data:
                send_to_socket(sock, self.page or data, None)
            return data != b""
        except SocketCondition:
            return False

    def close(self, sock: Any) -> None:
        close_socket(sock)

    def set_blocking(self, sock: Any, blocking: bool) -> None:
        set_socket_nonblocking(sock, not blocking)


class OursInto(Ours):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.room = memoryview(bytearray(ROOM))

    def turn(self, sock: Any) -> bool:
        try:
            count, _ = receive_into_socket(sock, self.room)
            if count:
                send_to_socket(sock, self.page or self.room[:count], None)
            return count != 0
        except SocketCondition:
            return False


class TheirDatagrams(Theirs):
    def listen(self, where: str) -> Any:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 0))
        print("{}:{}".format(*server.getsockname()), flush=True)
        return server

    def turn(self, sock: Any) -> bool:
        try:
            data, address = sock.recvfrom(ROOM)
        except BlockingIOError:
            return False
        sock.sendto(data, address)
        return True


class OurDatagrams(Ours):
    def listen(self, where: str) -> Any:
        server = create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO)
        bind_socket(server, string_to_internet_address(where))
        print(get_socket_name(server), flush=True)
        return server

    def turn(self, sock: Any) -> bool:
        data, address = receive_from_socket(sock, ROOM)
        if data is None:
            return False
        send_to_socket(sock, data, address)  # type: ignore[arg-type]
        return True


class OurDatagramsInto(OurDatagrams):
    room = memoryview(bytearray(ROOM))

    def turn(self, sock: Any) -> bool:
        count, address = receive_into_socket(sock, self.room)
        if count is None:
            return False
        send_to_socket(sock, self.room[:count], address)  # type: ignore[arg-type]
        return True


class OurBatches(OurDatagrams):
    def turn(self, sock: Any) -> bool:
        runs = receive_datagrams(sock, 64, 2048)
        if not isinstance(runs, list):
            return False
        send_datagrams(sock, runs)
        return True


# The ways to wait.

def selected(side: Theirs, where: str) -> tuple[Any, selectors.BaseSelector]:
    """A server that does not block, and a selector that looks after it."""
    server = side.listen(where)
    side.set_blocking(server, False)
    selector = selectors.DefaultSelector()
    selector.register(server, selectors.EVENT_READ)
    return server, selector


def with_selectors(side: Theirs, where: str) -> None:
    server, selector = selected(side, where)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            if sock is server:
                client = side.accept(server, False)
                if client is not None:
                    selector.register(client, selectors.EVENT_READ)
            elif not side.turn(sock):
                selector.unregister(sock)
                side.close(sock)


def with_threads(side: Theirs, where: str) -> None:
    def converse(client: Any) -> None:
        while side.turn(client):
            pass
        side.close(client)

    server = side.listen(where)
    side.set_blocking(server, True)
    while True:
        client = side.accept(server, True)
        threading.Thread(target=converse, args=(client,), daemon=True).start()


def with_readers(side: Theirs, where: str) -> None:
    def welcome() -> None:
        client = side.accept(server, False)
        if client is not None:
            loop.add_reader(client, converse, client)

    def converse(client: Any) -> None:
        if not side.turn(client):
            loop.remove_reader(client)
            side.close(client)

    loop = asyncio.new_event_loop()
    server = side.listen(where)
    side.set_blocking(server, False)
    loop.add_reader(server, welcome)
    loop.run_forever()


def drained(side: Theirs, where: str) -> None:
    """Datagrams: wait, and answer all that are there."""
    server, selector = selected(side, where)
    while True:
        selector.select()
        while side.turn(server):
            pass


def one_by_one(side: Theirs, where: str) -> None:
    """Datagrams: each call waits for itself."""
    server = side.listen(where)
    side.set_blocking(server, True)
    while True:
        side.turn(server)


class Protocol(asyncio.Protocol, asyncio.DatagramProtocol):
    def __init__(self, page: bytes | None) -> None:
        self.page = page

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.page or data)

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.transport.sendto(data, address)


def with_protocols(side: Theirs, where: str, loops: str = "asyncio") -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = side.listen(where)
        server.setblocking(False)
        if isinstance(side, TheirDatagrams):
            await loop.create_datagram_endpoint(lambda: Protocol(None), sock=server)
        else:
            await loop.create_server(lambda: Protocol(side.page), sock=server, backlog=WAITING)
        await loop.create_future()

    importlib.import_module(loops).new_event_loop().run_until_complete(run())


def with_uvloop(side: Theirs, where: str) -> None:
    with_protocols(side, where, "uvloop")


# The contestants: how they wait, and for what they do then; streams first, then datagrams.

Way = tuple[Callable[[Theirs, str], None], type[Theirs]]
MEASURE = "`socket`, selectors"
CONTESTANTS: dict[str, tuple[Way | None, Way | None]] = {
    MEASURE: ((with_selectors, Theirs), (drained, TheirDatagrams)),
    "ours, selectors": ((with_selectors, Ours), (drained, OurDatagrams)),
    "ours, selectors, into a buffer": ((with_selectors, OursInto), (drained, OurDatagramsInto)),
    "ours, selectors, in batches": (None, (drained, OurBatches)),
    "`socket`, threads": ((with_threads, Theirs), (one_by_one, TheirDatagrams)),
    "ours, threads": ((with_threads, Ours), (one_by_one, OurDatagrams)),
    "`socket`, `add_reader`": ((with_readers, Theirs), None),
    "ours, `add_reader`": ((with_readers, Ours), None),
    "asyncio, protocols": ((with_protocols, Theirs), (with_protocols, TheirDatagrams)),
    "uvloop, protocols": ((with_uvloop, Theirs), (with_uvloop, TheirDatagrams)),
}
EXAMPLE, FLOOR = "the echo server of §1", "C, epoll"
EXAMPLE_PATH = Path(__file__).parents[1] / "generated" / "examples" / "echo_server.py"
HAS_UVLOOP = importlib.util.find_spec("uvloop") is not None


# The work.

class Row:
    def __init__(
        self, name: str, kind: str, clients: int, size: int, busy: bool = False
    ) -> None:
        self.name, self.kind, self.clients, self.size, self.busy = name, kind, clients, size, busy

    def contestants(self) -> list[str]:
        """No lock is of any concern to C; and the example has no busy thread."""
        names = [name for name, ways in CONTESTANTS.items() if ways[self.kind == "udp"]
                 and (HAS_UVLOOP or not name.startswith("uvloop"))]
        if self.busy:
            return names
        return names + [EXAMPLE] * (self.kind in ("tcp", "churn")) + [FLOOR]


ROWS = [
    Row("TCP, 64 bytes", "tcp", 64, 64),
    Row("TCP, 16 KiB", "tcp", 64, 16384),
    Row("HTTP", "http", 64, 0),
    Row("UNIX, 64 bytes", "unix", 64, 64),
    Row("TCP, a connection a request", "churn", 16, 64),
    Row("UDP, 64 bytes", "udp", 64, 64),
    Row("TCP, beside a busy thread", "tcp", 64, 64, busy=True),
    Row("UDP, beside a busy thread", "udp", 64, 64, busy=True),
]


def serve(name: str, kind: str, where: str, busy: str) -> None:
    way = CONTESTANTS[name][kind == "udp"]
    assert way is not None
    if busy:
        threading.Thread(target=compute, daemon=True).start()
    way[0](way[1](kind), where)


def compute() -> None:
    while True:
        pass


# Measuring.

ROUNDS = 13
SECONDS = 0.1
BUSY_SECONDS = 0.2  # beside a thread that gives the lock up every 0.005


class Server:
    def __init__(self, load: str, name: str, row: Row, folder: str) -> None:
        where = f"{folder}/{name.replace('/', '')}" if row.kind == "unix" else "127.0.0.1:0"
        command = [sys.executable, __file__, "serve", name, row.kind, where, "busy" * row.busy]
        if name == EXAMPLE:
            command = [sys.executable, str(EXAMPLE_PATH), where]
        elif name == FLOOR:
            command = [load, "serve", row.kind, where]
        self.name = name
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        place = self.process.stdout.readline().strip()
        if not place:
            raise SystemExit(f"{row.name}: {name} does not start")
        self.ask = [load, "ask", row.kind, place, str(row.clients), str(row.size)]
        self.busy = row.busy
        self.pid = self.process.pid
        self.stop()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def time(self, seconds: float) -> float:
        """Nanoseconds a request."""
        here, *others = sorted(os.sched_getaffinity(0))
        if others and not self.busy:
            for thread in os.listdir(f"/proc/{self.pid}/task"):
                os.sched_setaffinity(int(thread), {here})
        self.process.send_signal(signal.SIGCONT)
        answer = subprocess.check_output(
            [*self.ask, str(seconds), str(self.pid)], text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, others or {here}))
        self.stop()
        done, passed, computed = map(int, answer.split())
        if not done or self.process.poll() is not None:
            raise SystemExit(f"{self.name} answered {done} requests")
        return (passed if self.busy else computed) / done


def ratios(times: list[float], measure: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(
        [time / one for time, one in zip(times, measure, strict=True)], n=4, method="inclusive"
    )
    return {"median": round(middle, 3), "low": round(low, 3), "high": round(high, 3)}


def measure(load: str, row: Row, rounds: int, part: float) -> dict[str, Any]:
    seconds = part * (BUSY_SECONDS if row.busy else SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        servers: list[Server] = []
        try:
            servers += [Server(load, name, row, folder) for name in row.contestants()]
            times: dict[str, list[float]] = {server.name: [] for server in servers}
            for _ in range(rounds):
                for server in random.sample(servers, len(servers)):
                    times[server.name].append(server.time(seconds))
        finally:
            for server in servers:
                server.process.kill()
                server.process.communicate()
    return {
        "name": row.name,
        "nanoseconds": round(statistics.median(times[MEASURE])),
        "ratios": {name: ratios(its, times[MEASURE]) for name, its in times.items()},
    }


def main() -> None:
    load, output, *words = sys.argv[1:]
    quick = "--quick" in words
    words = [word for word in words if word != "--quick"]
    if not HAS_UVLOOP:
        print("uvloop is not installed here: it is left out", file=sys.stderr)
    results = []
    for row in ROWS:
        if not words or any(word in row.name for word in words):
            results.append(measure(load, row, 2 if quick else ROUNDS, 0.5 if quick else 1))
            print(f"{row.name:40} {results[-1]['ratios']['ours, selectors']}", file=sys.stderr)
    machine = f"{platform.system()} {platform.machine()}"
    answer = {"python": platform.python_version(), "machine": machine,
              "contestants": [*CONTESTANTS, EXAMPLE, FLOOR], "rows": results}
    Path(output).write_text(json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(*sys.argv[2:])
    else:
        main()
