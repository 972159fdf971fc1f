"""Many connections over all families for a long time, with every byte accounted for.

Usage: python soak.py [SECONDS]

This process makes three listeners (IPv4, IPv6, UNIX) and forks two workers, which serve them,
and two clients, which keep 500 connections open between them. Each connection carries bytes
both ways at once, of a pool that all processes know. A connection ends with a half-close from
each side, or one side resets it in the middle. A worker forks now and then, and gives every
other connection of its own to the child. A timer interrupts every process all the time, with a
handler that makes a failing call. Each side of each connection reports what it sent and what it
received, as counts and digests, and this process compares the two. It ends with status 1 and a
line that says why, if a byte, a connection, a descriptor or memory is lost.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import selectors
import signal
import struct
import sys
import tempfile
import time
import traceback
from hashlib import blake2b
from typing import Any, NoReturn

from sockets import (
    Internet6Address,
    InternetAddress,
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
    create_socket,
    duplicate_socket,
    finish_connect,
    get_socket_name,
    listen_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    socket_maximum_connections,
)

AT_A_TIME = 500
WORKERS = CLIENTS = 2
LARGEST = 4 << 20
SPLIT_AFTER = 2.0  # seconds between two forks of a worker
SIGNAL_EVERY = 0.001
GRACE = 60.0  # seconds for what is open when the time is over

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
FULL, EARLY, RESET = 1, 2, 3  # how one side saw a connection end
GONE = {errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN}

HEADER = struct.Struct("!QIIIIq")  # number, bytes up, where, bytes down, where, server resets at
# side, outcome, family, reconnected, number, sent, received, digests of both
RECORD = struct.Struct("!BBBBQQQ16s16s")
FAREWELL = struct.Struct("!BBBBQQQ32x")  # b"T", 3 bytes unused, signals, forks, anonymous
assert RECORD.size == FAREWELL.size

POOL = memoryview(random.Random(42).randbytes(2 * LARGEST))


class Lost(Exception):
    """What must not happen has happened."""


class Tally:
    """What one process counts, and the pipe on which it reports."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.signals = self.forks = self.anonymous = 0
        self.stopping = False
        self.closed = create_socket(
            SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
        )
        close_socket(self.closed)
        self.wrong = ""

    def interrupted(self, *_: object) -> None:
        self.signals += 1
        try:
            send_to_socket(self.closed, b"nothing", None)
            self.wrong = "a send on a closed socket succeeded"
        except SocketCondition as condition:
            if condition.type != errno.EBADF:
                self.wrong = f"a send on a closed socket: {condition}"

    def stop(self, *_: object) -> None:
        self.stopping = True

    def begin(self) -> None:
        signal.signal(signal.SIGALRM, self.interrupted)
        signal.signal(signal.SIGTERM, self.stop)
        signal.setitimer(signal.ITIMER_REAL, SIGNAL_EVERY, SIGNAL_EVERY)

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self.wrong:
            raise Lost(self.wrong)
        os.write(self.pipe, FAREWELL.pack(
            ord("T"), 0, 0, 0, self.signals, self.forks, self.anonymous
        ))


class Connection:
    """One side of a connection."""

    def __init__(self, sock: Socket, family: int) -> None:
        self.sock, self.family = sock, family
        self.number: int | None = None
        self.head = b""  # the header, as far as it is still to be sent, or has come
        self.out = self.expected = POOL[:0]
        self.sent = self.received = 0
        self.digest_out, self.digest_in = blake2b(digest_size=16), blake2b(digest_size=16)
        self.reset_at = -1
        self.connecting = self.all_sent = self.all_received = False
        self.reconnected = False

    def take(self, header: bytes, client: bool) -> None:
        self.number, up, up_at, down, down_at, server_resets_at = HEADER.unpack(header)
        upward, downward = POOL[up_at : up_at + up], POOL[down_at : down_at + down]
        self.out, self.expected = (upward, downward) if client else (downward, upward)
        if not client:
            self.reset_at = server_resets_at

    def events(self) -> int:
        if self.connecting:
            return WRITE
        sending = bool(self.head or not self.all_sent) if self.number is not None else False
        return (0 if self.all_received else READ) | (WRITE if sending else 0)

    def send(self) -> None:
        if self.head:
            count = send_to_socket(self.sock, self.head, None)
            if isinstance(count, int):
                self.head = self.head[count:]
            return
        chunk = self.out[self.sent : self.sent + random.choice((1, 1000, 60000, 300000))]
        if chunk:
            count = send_to_socket(self.sock, chunk, None)
            if not isinstance(count, int):
                return
            if count > len(chunk):
                raise Lost(f"{count} bytes sent of {len(chunk)}")
            self.digest_out.update(chunk[:count])
            self.sent += count
        if self.sent == len(self.out):
            shutdown_socket(self.sock, ShutdownMethod.WRITE)
            self.all_sent = True

    def receive(self) -> None:
        if self.number is None:
            data, _ = receive_from_socket(self.sock, HEADER.size - len(self.head))
            if data:
                self.head += data
                if len(self.head) == HEADER.size:
                    self.take(self.head, client=False)
                    self.head = b""
            elif data == b"":
                self.all_received = True
            return
        data, _ = receive_from_socket(self.sock, random.choice((7, 4096, 65536, 262144)))
        if data:
            self.digest_in.update(data)
            self.received += len(data)
            if self.received > len(self.expected):
                raise Lost(f"connection {self.number}: more bytes than there should be")
        elif data == b"":
            self.all_received = True

    def step(self, mask: int) -> int:
        """Do what can be done; return how the connection has ended, or 0."""
        try:
            if self.connecting:
                if finish_connect(self.sock, 0) is True:
                    self.connecting = False
                return 0
            if mask & READ and not self.all_received:
                self.receive()
            if mask & WRITE and self.number is not None and not self.all_sent:
                self.send()
        except SocketCondition as condition:
            if condition.type in GONE:
                return EARLY
            raise
        if 0 <= self.reset_at <= self.sent + self.received and not self.head:
            set_socket_option(self.sock, SocketOption.LINGER, 0)
            return RESET
        if not self.all_received:
            return 0
        if self.number is None or self.received < len(self.expected):
            return EARLY
        return FULL if self.all_sent else 0

    def report(self, tally: Tally, side: bytes, outcome: int) -> None:
        if self.number is None:
            tally.anonymous += 1
            return
        prefix = blake2b(self.expected[: self.received], digest_size=16)
        if prefix.digest() != self.digest_in.digest():
            raise Lost(f"connection {self.number}: wrong bytes in {self.received}")
        os.write(tally.pipe, RECORD.pack(
            side[0], outcome, self.family, self.reconnected, self.number, self.sent,
            self.received, self.digest_out.digest(), self.digest_in.digest(),
        ))


class Loop:
    """The connections of one process."""

    def __init__(self, tally: Tally, side: bytes) -> None:
        self.tally, self.side = tally, side
        self.selector = selectors.DefaultSelector()
        self.open: dict[Connection, int] = {}
        self.ended: list[tuple[Connection, int]] = []

    def add(self, connection: Connection) -> None:
        self.open[connection] = events = connection.events()
        self.selector.register(connection.sock, events, connection)

    def renumber(self, connection: Connection) -> None:
        """Let the connection go on through another descriptor."""
        copy = duplicate_socket(connection.sock)
        self.selector.unregister(connection.sock)
        close_socket(connection.sock)
        connection.sock = copy
        self.add(connection)

    def serve(self, connection: Connection, mask: int) -> None:
        outcome = connection.step(mask)
        if outcome:
            self.selector.unregister(connection.sock)
            del self.open[connection]
            close_socket(connection.sock)
            connection.report(self.tally, self.side, outcome)
            self.ended.append((connection, outcome))
        elif self.open[connection] != (events := connection.events()):
            self.open[connection] = events
            self.selector.modify(connection.sock, events, connection)
        elif random.random() < 0.001:
            self.renumber(connection)


def descriptors(process: int | str = "self") -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def resident(process: int) -> int:
    """The memory of a process that is its own, in KiB."""
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))


# The server's side.

def worker(listeners: list[Socket], pipe: int) -> None:
    tally = Tally(pipe)
    before = descriptors()
    loop = Loop(tally, b"S")
    tally.begin()
    for family, listener in enumerate(listeners):
        loop.selector.register(listener, READ, family)
    next_split = time.monotonic() + SPLIT_AFTER * random.uniform(0.5, 1)
    children: set[int] = set()
    listening = True
    while listening or loop.open:
        ready = loop.selector.select(0.2)
        for key, mask in ready:
            if isinstance(key.data, Connection):
                loop.serve(key.data, mask)
            else:
                welcome(loop, key.fileobj, key.data)
        loop.ended.clear()
        if tally.stopping and listening and not ready:
            for listener in listeners:
                loop.selector.unregister(listener)
                close_socket(listener)
            listening = False
        if listening and time.monotonic() > next_split:
            next_split += SPLIT_AFTER
            collect(children, os.WNOHANG)
            tally.forks += 1
            children.add(split(loop, listeners, before))
    collect(children, 0)
    loop.selector.close()
    if descriptors() != before - len(listeners):
        raise Lost(f"a worker began with {before} descriptors, and has {descriptors()} left")
    tally.end()


def welcome(loop: Loop, listener: Any, family: int) -> None:
    for _ in range(16):
        try:
            sock, _ = accept_socket(listener)
        except SocketCondition as condition:
            if condition.type != errno.ECONNABORTED:
                raise
            continue
        if sock is None:
            return
        set_socket_nonblocking(sock, True)
        loop.add(Connection(sock, family))


def collect(children: set[int], how: int) -> None:
    for child in list(children):
        process, status = os.waitpid(child, how)
        if process:
            children.remove(child)
            if status:
                raise Lost(f"a child of a worker ended with status {status}")


def split(loop: Loop, listeners: list[Socket], before: int) -> int:
    """Fork, and leave every other connection to the child, which ends when they have ended."""
    mine, given = list(loop.open)[::2], list(loop.open)[1::2]
    child = os.fork()
    if child:
        for connection in given:
            loop.selector.unregister(connection.sock)
            close_socket(connection.sock)
            del loop.open[connection]
        return child
    with failing_aloud():
        tally = loop.tally
        tally.signals = tally.forks = tally.anonymous = 0
        tally.begin()
        loop.selector.close()
        for sock in listeners + [connection.sock for connection in mine]:
            close_socket(sock)
        inherited = Loop(tally, b"S")
        for connection in given:
            inherited.add(connection)
        while inherited.open:
            for key, mask in inherited.selector.select(0.2):
                inherited.serve(key.data, mask)
            inherited.ended.clear()
        inherited.selector.close()
        if descriptors() != before - len(listeners):
            raise Lost(f"a child of a worker has {descriptors()} descriptors left")
        tally.end()
    return 0  # never: the child has ended


# The clients' side.

def client(which: int, places: list[tuple[SocketDomain, SocketAddress]], pipe: int) -> None:
    tally = Tally(pipe)
    before = descriptors()
    loop = Loop(tally, b"C")
    tally.begin()
    count = which << 48
    again: list[tuple[int, Connection]] = []  # transfers that the server has reset
    while not tally.stopping or loop.open or again:
        while len(loop.open) < AT_A_TIME // CLIENTS and (again or not tally.stopping):
            count += 1
            old = again.pop() if again else None
            family = old[0] if old else count % len(places)
            connection = begin(places[family], family, count, old[1] if old else None)
            if connection is None:  # the listener's queue is full
                if old:
                    again.append(old)
                break
            loop.add(connection)
        for key, mask in loop.selector.select(0.05):
            loop.serve(key.data, mask)
        again += [(c.family, c) for c, outcome in loop.ended if outcome == EARLY]
        loop.ended.clear()
    loop.selector.close()
    if descriptors() != before:
        raise Lost(f"a client began with {before} descriptors, and has {descriptors()} left")
    tally.end()


def size() -> int:
    return int(LARGEST ** random.random())


def begin(
    place: tuple[SocketDomain, SocketAddress], family: int, number: int, old: Connection | None
) -> Connection | None:
    domain, address = place
    sock = create_socket(domain, SocketType.STREAM, SocketProtocol.AUTO)
    if random.random() < 0.1:
        set_socket_option(sock, SocketOption.SEND_BUFFER, 4096)
    try:
        answer = connect_socket(sock, address)
    except SocketCondition as condition:
        close_socket(sock)
        if condition.type == errno.EADDRNOTAVAIL:  # all ports are in TIME_WAIT
            return None
        raise
    if answer is not True and answer.type == errno.EAGAIN:
        close_socket(sock)
        return None
    connection = Connection(sock, family)
    connection.connecting = answer is not True
    up, down = (len(old.out), len(old.expected)) if old else (size(), size())
    up_at, down_at = random.randrange(LARGEST), random.randrange(LARGEST)
    chance, reset_at = random.random(), random.randrange(up + down)
    server_resets_at = -1
    if not old and chance < 0.1:
        connection.reset_at = reset_at
    elif not old and chance < 0.2:
        server_resets_at = reset_at
    connection.reconnected = old is not None
    header = HEADER.pack(number, up, up_at, down, down_at, server_resets_at)
    connection.take(header, client=True)
    connection.head = header
    return connection


# The process that starts the others and compares.

@contextlib.contextmanager
def failing_aloud() -> Any:
    """End this process, with status 1 and the reason if there is an exception."""
    status = 1
    try:
        yield
        status = 0
    except Lost as lost:
        print(f"soak: LOST in process {os.getpid()}: {lost}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def start(procedure: Any, *arguments: Any) -> int:
    process = os.fork()
    if process == 0:
        with failing_aloud():
            procedure(*arguments)
    return process


class Books:
    """What both sides have reported."""

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[Any, ...]] = {}
        self.rest = b""
        self.connections = [0, 0, 0]
        self.up = self.down = self.resets = self.reconnects = 0
        self.signals = self.forks = self.anonymous = 0

    def read(self, data: bytes) -> None:
        data = self.rest + data
        whole = len(data) - len(data) % RECORD.size
        self.rest = data[whole:]
        for place in range(0, whole, RECORD.size):
            record = data[place : place + RECORD.size]
            if record[:1] == b"T":
                *_, signals, forks, anonymous = FAREWELL.unpack(record)
                self.signals += signals
                self.forks += forks
                self.anonymous += anonymous
            else:
                self.enter(RECORD.unpack(record))

    def enter(self, record: tuple[Any, ...]) -> None:
        number = record[4]
        other = self.waiting.pop(number, None)
        if other is None:
            self.waiting[number] = record
        elif other[0] == record[0]:
            raise Lost(f"connection {number} was reported twice by one side")
        else:
            self.compare(*((record, other) if record[0] == b"C"[0] else (other, record)))

    def compare(self, client: tuple[Any, ...], server: tuple[Any, ...]) -> None:
        number, outcomes = client[4], {client[1], server[1]}
        if client[2] != server[2]:
            raise Lost(f"connection {number} changed its family")
        for sender, receiver, way in ((client, server, "up"), (server, client, "down")):
            if receiver[6] > sender[5]:
                raise Lost(f"connection {number}: {receiver[6]} of {sender[5]} bytes {way}")
            if RESET not in outcomes:
                if sender[5] != receiver[6]:
                    raise Lost(f"connection {number}: {receiver[6]} of {sender[5]} bytes {way}")
                if sender[7] != receiver[8]:
                    raise Lost(f"connection {number}: the digests of the bytes {way} differ")
        if RESET not in outcomes and outcomes != {FULL}:
            raise Lost(f"connection {number} ended early, and nobody had reset it")
        self.count(client, server[6])

    def count(self, client: tuple[Any, ...], up: int) -> None:
        self.connections[client[2]] += 1
        self.up += up
        self.down += client[6]
        self.resets += client[1] != FULL
        self.reconnects += client[3]

    def close(self) -> None:
        """What is left may only be of connections that were reset before the server knew them."""
        if self.rest:
            raise Lost("a report was cut off")
        if self.anonymous > len(self.waiting):
            raise Lost(f"{self.anonymous} unknown to the server, {len(self.waiting)} of clients")
        for record in self.waiting.values():
            if record[0] != b"C"[0] or record[1] != RESET:
                raise Lost(f"connection {record[4]} was reported by one side only")
            self.count(record, 0)

    def totals(self) -> str:
        families = zip(self.connections, ("IPv4", "IPv6", "UNIX"), strict=True)
        return (
            f"{sum(self.connections)} connections "
            f"({', '.join(f'{n} {name}' for n, name in families)}), {self.up} bytes up, "
            f"{self.down} bytes down, {self.resets} resets, {self.reconnects} reconnections"
        )


def listen(folder: str) -> tuple[list[Socket], list[tuple[SocketDomain, SocketAddress]]]:
    listeners, places = [], []
    for domain, address in (
        (SocketDomain.INTERNET, InternetAddress(0x7F000001, 0)),
        (SocketDomain.INTERNET_V6, Internet6Address(1, 0, 0, 0)),
        (SocketDomain.UNIX, UnixAddress(f"{folder}/soak")),
    ):
        listener = create_socket(domain, SocketType.STREAM, SocketProtocol.AUTO)
        bind_socket(listener, address)
        listen_socket(listener, socket_maximum_connections())
        listeners.append(listener)
        name = get_socket_name(listener)
        assert name is not None
        places.append((domain, name))
    return listeners, places


def check_flat(samples: dict[int, list[tuple[int, int]]], names: dict[int, str]) -> None:
    """The greatest figures of the last third are those of the middle one, but for some slack."""
    for process, rows in samples.items():
        third = len(rows) // 3
        for what, column, slack in (("descriptors", 0, 150), ("KiB of memory", 1, 8192)):
            middle = max((row[column] for row in rows[third : 2 * third]), default=0)
            last = max((row[column] for row in rows[2 * third :]), default=0)
            print(f"soak: {names[process]}: at most {middle}, later {last} {what}")
            if third > 5 and last > middle + slack + middle // 4:
                raise Lost(f"{what} of {names[process]} grew from {middle} to {last}")


def soak(seconds: float, folder: str) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    reading, pipe = os.pipe()
    listeners, places = listen(folder)
    workers = [start(worker, listeners, pipe) for _ in range(WORKERS)]
    for listener in listeners:
        close_socket(listener)
    clients = [start(client, which, places, pipe) for which in range(CLIENTS)]
    os.close(pipe)
    names = {process: f"worker {n}" for n, process in enumerate(workers)}
    names |= {process: f"client {n}" for n, process in enumerate(clients)}
    try:
        oversee(seconds, reading, workers, clients, names)
    finally:
        for process in names:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)


def oversee(
    seconds: float, reading: int, workers: list[int], clients: list[int], names: dict[int, str]
) -> None:
    books = Books()
    running = set(names)
    samples: dict[int, list[tuple[int, int]]] = {process: [] for process in names}
    begun = time.monotonic()
    told, sampled = 0, 0.0
    at_once = 0
    selector = selectors.DefaultSelector()
    selector.register(reading, READ)
    while True:
        now = time.monotonic() - begun
        if selector.select(0.1):
            data = os.read(reading, 1 << 16)
            if not data:
                break
            books.read(data)
        for process in list(running):
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                running.remove(process)
                if status or now < seconds:
                    raise Lost(f"{names[process]} ended with status {status} after {now:.0f} s")
        if now > sampled + 1 and now < seconds:
            sampled = now
            for process in names:
                samples[process].append((descriptors(process), resident(process)))
            at_once = max(at_once, sum(samples[process][-1][0] for process in clients))
        if now // 60 > told:
            told = int(now // 60)
            print(f"soak: {now:.0f} s: {books.totals()}", flush=True)
        if now > seconds:
            for process in running & set(clients) or running & set(workers):
                os.kill(process, signal.SIGTERM)
        if now > seconds + GRACE:
            raise Lost(f"{', '.join(names[p] for p in running)} did not end in {GRACE:.0f} s")
    while running:
        process, status = os.wait()
        running.discard(process)
        if status:
            raise Lost(f"{names[process]} ended with status {status}")
    books.close()
    check_flat(samples, names)
    took = time.monotonic() - begun
    print(
        f"soak: {took:.0f} s, {AT_A_TIME} connections at a time: {books.totals()}, "
        f"{books.signals} signals, {books.forks} forks; nothing was lost"
    )
    if sum(books.connections) < AT_A_TIME or min(books.connections) == 0 or at_once < AT_A_TIME:
        raise Lost(f"too little was done: {at_once} descriptors at once")


def main() -> NoReturn:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    status = 1
    with tempfile.TemporaryDirectory(prefix="soak", dir="/tmp") as folder:
        try:
            soak(seconds, folder)
            status = 0
        except Lost as lost:
            print(f"soak: LOST: {lost}")
    sys.exit(status)


if __name__ == "__main__":
    main()
