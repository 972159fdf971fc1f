"""Signals, threads, changing buffers and reused descriptors under load."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from sockets import (
    InternetAddress,
    ReceiveFromOption,
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
    get_peer_name,
    get_socket_name,
    get_socket_option,
    listen_socket,
    make_socket_pair,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    wait_for_socket,
    within,
)

AUTO, UNIX, INTERNET = SocketProtocol.AUTO, SocketDomain.UNIX, SocketDomain.INTERNET
STREAM, DATAGRAM = SocketType.STREAM, SocketType.DATAGRAM


opened: list[Socket] = []


def new(domain: SocketDomain, type: SocketType) -> Socket:
    """A socket that is closed after the test."""
    opened.append(create_socket(domain, type, AUTO))
    return opened[-1]


def new_pair(type: SocketType) -> tuple[Socket, Socket]:
    pair = make_socket_pair(UNIX, type, AUTO)
    opened.extend(pair)
    return pair


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    yield
    while opened:
        with contextlib.suppress(SocketCondition):
            close_socket(opened.pop())


# Signals.

CALLS = 1_000_000
TOO_LONG = 120.0

class Interruptions:
    """Signals that arrive all the time, and a handler for them that makes a failing call."""

    def __init__(self) -> None:
        self.count = 0
        self.wrong: list[str] = []
        self.closed = new(UNIX, STREAM)
        close_socket(self.closed)

    def handle(self, *_: object) -> None:
        self.count += 1
        try:
            answer = send_to_socket(self.closed, b"nothing", None)
        except SocketCondition as condition:
            if (condition.type, condition.syscall) != (errno.EBADF, "sendto"):
                self.wrong.append(f"in the handler: {condition}")
        else:
            self.wrong.append(f"in the handler: {answer!r} was returned")

    @contextlib.contextmanager
    def every(self, pause: float) -> Iterator[None]:
        old = signal.signal(signal.SIGALRM, self.handle)
        signal.setitimer(signal.ITIMER_REAL, pause, pause)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)


def failing_calls(folder: Path) -> list[tuple[str, int, Callable[[], Any]]]:
    """The system call, the error expected, and the call; none of them waits."""
    stream, datagram = new(UNIX, STREAM), new(UNIX, DATAGRAM)
    tcp, bound = new(INTERNET, STREAM), new(UNIX, DATAGRAM)
    blocking, listener = new(UNIX, DATAGRAM), new(UNIX, STREAM)
    full, _kept = new_pair(DATAGRAM)
    cut, other = new_pair(STREAM)
    close_socket(other)
    while isinstance(send_to_socket(full, b"x", None), int):
        pass
    set_socket_nonblocking(blocking, False)
    bind_socket(bound, UnixAddress(folder / "bound"))
    bind_socket(listener, UnixAddress(folder / "listener"))
    listen_socket(listener, 1)
    nowhere = UnixAddress(folder / "nowhere")
    unknown = SocketOption(9999, 4, bytes, bytes)
    large = bytearray(100_000)
    dont_wait = ReceiveFromOption.DONT_WAIT
    again = errno.EAGAIN
    return [
        ("recvfrom", again, lambda: receive_from_socket(datagram, 100)[1]),
        ("recvfrom", again, lambda: receive_from_socket(datagram, 65536)[1]),
        ("recvfrom", again, lambda: receive_from_socket(blocking, 10, dont_wait)[1]),
        ("accept", again, lambda: accept_socket(listener)[1]),
        ("sendto", again, lambda: send_to_socket(full, b"x", None)),
        ("sendto", errno.ENOTCONN, lambda: send_to_socket(stream, b"x", None)),
        ("sendto", errno.ENOTCONN, lambda: send_to_socket(datagram, large, None)),
        ("sendto", errno.ENOENT, lambda: send_to_socket(blocking, b"x", nowhere)),
        ("sendto", errno.EPIPE, lambda: send_to_socket(cut, b"x", None)),
        ("sendto", errno.EPIPE, lambda: send_to_socket(cut, large, None)),
        ("recvfrom", errno.EINVAL, lambda: receive_from_socket(stream, 10)),
        ("recvfrom", errno.ENOTCONN, lambda: receive_from_socket(tcp, 10)),
        ("connect", errno.ENOENT, lambda: connect_socket(stream, nowhere)),
        ("accept", errno.EINVAL, lambda: accept_socket(stream)),
        ("bind", errno.EINVAL, lambda: bind_socket(bound, nowhere)),
        ("listen", errno.EOPNOTSUPP, lambda: listen_socket(datagram, 1)),
        ("shutdown", errno.ENOTCONN, lambda: shutdown_socket(tcp, ShutdownMethod.WRITE)),
        ("getpeername", errno.ENOTCONN, lambda: get_peer_name(tcp)),
        ("getsockopt", errno.ENOPROTOOPT, lambda: get_socket_option(tcp, unknown)),
        ("setsockopt", errno.ENOPROTOOPT, lambda: set_socket_option(tcp, unknown, 4)),
    ]


@pytest.mark.timeout(TOO_LONG + 30)
@pytest.mark.parametrize("pause", [1e-4], ids=["10 kHz"])
def test_a_failing_call_in_a_signal_handler_changes_no_error(tmp_path: Path, pause: float) -> None:
    calls = failing_calls(tmp_path)
    rounds = CALLS // len(calls)
    interruptions, wrong = Interruptions(), []
    with interruptions.every(pause):
        start, before, computed = time.monotonic(), interruptions.count, time.process_time()
        for _ in range(rounds):
            for syscall, expected, call in calls:
                try:
                    answer = call()
                except SocketCondition as condition:
                    answer = condition
                if answer.type != expected or answer.syscall != syscall:
                    wrong.append((syscall, expected, repr(answer)))
        took, handled = time.monotonic() - start, interruptions.count - before
        computed = time.process_time() - computed
    print(
        f"\n{rounds * len(calls)} failing calls in {took:.1f} s, {handled} signals handled, "
        f"{handled / took:.0f} each second, {handled / computed:.0f} each second of computing, "
        f"{len(wrong)} wrong errors"
    )
    assert not wrong, wrong[:10]
    assert not interruptions.wrong, interruptions.wrong[:10]
    assert handled > 1000 * computed


@pytest.mark.timeout(60)
def test_a_timeout_ends_in_time_however_many_signals_arrive() -> None:
    interruptions = Interruptions()
    first, second = new_pair(STREAM)
    with interruptions.every(1e-4):
        for _ in range(10):
            before, start = interruptions.count, time.monotonic()
            data, why = within(0.2, receive_from_socket, first, 10)
            assert data is None
            assert why.type == errno.ETIMEDOUT
            assert 0.2 <= time.monotonic() - start < 5
            assert wait_for_socket(second, True, False, 0.1) == (False, False)
            assert 0.3 <= time.monotonic() - start < 10
            assert interruptions.count > before + 10
    assert not interruptions.wrong


@pytest.mark.timeout(60)
def test_blocking_transfers_lose_nothing_to_signals() -> None:
    """A stream of 64 MiB in blocking calls, each of which is interrupted again and again."""
    interruptions = Interruptions()
    first, second = new_pair(STREAM)
    data = random.randbytes(1 << 20)
    total, digests = 64, [blake2b(), blake2b()]

    def receive_slowly() -> None:
        while got := receive_from_socket(second, 1 << 18)[0]:
            digests[1].update(got)

    set_socket_nonblocking(first, False)
    set_socket_nonblocking(second, False)
    reader = threading.Thread(target=receive_slowly)
    reader.start()
    with interruptions.every(1e-4):
        for _ in range(total):
            view = memoryview(data)
            while view:
                sent = send_to_socket(first, view, None)
                assert isinstance(sent, int)
                digests[0].update(view[:sent])
                view = view[sent:]
        shutdown_socket(first, ShutdownMethod.WRITE)
        reader.join()
    assert digests[0].digest() == digests[1].digest()
    assert not interruptions.wrong


# Threads.

SENDERS = RECEIVERS = 8
MESSAGES = 800  # by each sender
IN_FLIGHT = 8  # messages; few enough that no receiver's buffer overflows
LABEL = struct.Struct("!HI16s")


@pytest.fixture
def collecting() -> Iterator[None]:
    """Collections all the time in a thread, and a change of threads as often as can be."""
    over = threading.Event()

    def collect() -> None:
        while not over.is_set():
            gc.collect()
            time.sleep(0.001)

    gc.collect()
    gc.freeze()  # so that a collection looks at the test's objects only, and is quick
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    collector = threading.Thread(target=collect)
    collector.start()
    yield
    over.set()
    collector.join()
    gc.unfreeze()
    sys.setswitchinterval(old)


def datagram_socket(family: str, folder: Path, name: str, nonblocking: bool) -> Socket:
    unix = family == "unix"
    sock = new(UNIX if unix else INTERNET, DATAGRAM)
    set_socket_nonblocking(sock, nonblocking)
    bind_socket(sock, UnixAddress(folder / name) if unix else InternetAddress(0x7F000001, 0))
    return sock


def name_of(sock: Socket) -> SocketAddress:
    name = get_socket_name(sock)
    assert name is not None
    return name


@pytest.mark.timeout(90)
@pytest.mark.parametrize("nonblocking", [False, True], ids=["blocking", "nonblocking"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
@pytest.mark.parametrize("family", ["unix", "udp"])
def test_eight_senders_and_eight_receivers_change_no_byte(
    folder: Path, collecting: None, family: str, shared: bool, nonblocking: bool
) -> None:
    count = 1 if shared else SENDERS
    outs = [datagram_socket(family, folder, f"o{n}", nonblocking) for n in range(count)] * 8
    ins = [datagram_socket(family, folder, f"i{n}", nonblocking) for n in range(count)] * 8
    for out, into in zip(outs[:count], ins[:count], strict=True):
        set_socket_option(into, SocketOption.RECEIVE_BUFFER, 1 << 20)
        set_socket_option(out, SocketOption.SEND_BUFFER, 1 << 20)
    names = {name_of(out) for out in outs[:count]}
    window = threading.Semaphore(IN_FLIGHT)
    pool = random.Random(1).randbytes(1 << 17)
    largest = 100_000 if family == "unix" else 60_000
    failures: list[str] = []
    arrived: list[tuple[int, int]] = []

    def work(procedure: Callable[[int], None], number: int) -> None:
        try:
            procedure(number)
        except BaseException as error:
            failures.append(f"{procedure.__name__} {number}: {error!r}")

    def send(data: bytes, out: Socket, to: SocketAddress) -> None:
        while not isinstance(sent := send_to_socket(out, data, to), int):
            wait_for_socket(out, False, True, 1)
        if sent != len(data):
            failures.append(f"{sent} of {len(data)} sent")

    def sender(number: int) -> None:
        chance, to = random.Random(number), name_of(ins[number])
        for sequence in range(MESSAGES):
            start = chance.randrange(1000)
            payload = pool[start : start + chance.choice((0, 1, 100, 3000, 9000, largest))]
            digest = blake2b(
                b"%d %d " % (number, sequence) + payload, digest_size=16
            ).digest()
            if not window.acquire(timeout=20):
                failures.append("a message did not arrive")
                return
            send(LABEL.pack(number, sequence, digest) + payload, outs[number], to)

    def receiver(number: int) -> None:
        own = bytearray()
        while True:
            data, source = receive_from_socket(ins[number], 200_000)
            if data is None:
                wait_for_socket(ins[number], True, False, 1)
                continue
            if not data:
                return
            window.release()
            from_number, sequence, digest = LABEL.unpack_from(data)
            own[:] = b"%d %d " % (from_number, sequence) + data[LABEL.size :]
            if blake2b(own, digest_size=16).digest() != digest:
                failures.append(f"message {sequence} of {from_number} has wrong bytes")
            if source not in names:
                failures.append(f"message {sequence} of {from_number} came from {source!r}")
            arrived.append((from_number, sequence))

    receivers = [
        threading.Thread(target=work, args=(receiver, n), daemon=True) for n in range(RECEIVERS)
    ]
    senders = [
        threading.Thread(target=work, args=(sender, n), daemon=True) for n in range(SENDERS)
    ]
    for thread in receivers + senders:
        thread.start()
    for thread in senders:
        thread.join()
    for number in range(RECEIVERS):
        send(b"", outs[number], name_of(ins[number]))
    for thread in receivers:
        thread.join(20)
    assert not failures, failures[:10]
    expected = [(number, sequence) for number in range(SENDERS) for sequence in range(MESSAGES)]
    assert sorted(arrived) == expected


# Buffers.

BUFFERS = {
    "bytearray": "buffer = bytearray(b'a') * SIZE; change = lambda: buffer.extend(b'a' * 99)",
    "cleared": "buffer = bytearray(b'a') * SIZE; change = buffer.clear",
    "view": "buffer = memoryview(bytearray(b'a') * SIZE); change = buffer.release",
    "array": "buffer = array.array('B', b'a' * SIZE); change = lambda: buffer.append(97)",
    "closed map": "buffer = mmap.mmap(-1, SIZE); change = buffer.close",
    "shrunk map": "buffer = mmap.mmap(-1, SIZE); change = lambda: buffer.resize(4096)",
}

PREAMBLE = """
import array, errno, mmap, os, random, signal, sys, tempfile, threading, time
from sockets import *

SIZE = 16 << 20
writing, reading = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
set_socket_nonblocking(writing, False)

def drain(count):
    got = 0
    while got < count:
        data, why = receive_from_socket(reading, 1 << 20)
        if data is None:
            wait_for_socket(reading, True, False)
        else:
            got += len(data)
            if not data:
                break
    return got
"""

BLOCKED = """
results = []

def disturb(*_):
    try:
        change()
        results.append("changed")
    except BufferError:
        results.append("refused")

def interfere():
    wait_for_socket(reading, True, False)
    time.sleep(0.05)      # the send has filled the socket, and waits
    if HOW == "thread":
        disturb()
    else:
        os.kill(os.getpid(), signal.SIGUSR1)
        while not results:
            time.sleep(0.001)
    drain(SIZE)

signal.signal(signal.SIGUSR1, disturb)
thread = threading.Thread(target=interfere)
thread.start()
sent = send_to_socket(writing, buffer, None)
thread.join()
assert sent == SIZE, sent
assert results == ["refused"], results
change()                  # after the send the buffer is free
"""


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script],
        capture_output=True, text=True, timeout=50,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("how", ["thread", "handler"])
@pytest.mark.parametrize("buffer", list(BUFFERS))
def test_a_buffer_cannot_be_changed_while_a_send_waits(buffer: str, how: str) -> None:
    # A send that a signal interrupts before its first byte is begun again; after that it
    # returns how much was sent. So the handler's case sends the rest in a loop.
    script = BLOCKED
    if how == "handler":
        script = script.replace(
            "sent = send_to_socket(writing, buffer, None)\n",
            "sent = send_all(writing, buffer)[0]\n",
        )
        if buffer == "view":  # send_all has a view of its own, so that letting this one go is safe
            script = script.replace('== ["refused"], results', 'in (["refused"], ["changed"])')
    run(f"HOW = {how!r}\n{PREAMBLE}\n{BUFFERS[buffer]}\n{script}")


def test_a_file_cut_off_under_its_map_is_an_error_in_a_send() -> None:
    run(PREAMBLE + """
for when in ("before", "during"):
    for size in (60000, SIZE):                 # the copy with Python's lock, and without
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            map = mmap.mmap(file.fileno(), size)
            writing, reading = make_socket_pair(
                SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
            )
            if when == "before":
                file.truncate(0)
                condition = None
                try:
                    send_to_socket(writing, map, None)
                except SocketCondition as error:
                    condition = error
                assert condition.type == errno.EFAULT, condition
            elif size == SIZE:
                set_socket_nonblocking(writing, False)
                received = []
                def cut():
                    wait_for_socket(reading, True, False)
                    time.sleep(0.05)
                    file.truncate(0)
                    received.append(drain(SIZE))
                thread = threading.Thread(target=cut)
                thread.start()
                try:
                    sent = send_to_socket(writing, map, None)
                except SocketCondition as error:
                    assert error.type == errno.EFAULT, error
                    sent = 0
                assert sent < SIZE
                close_socket(writing)
                thread.join()
                assert received[0] >= sent, (received, sent)
""")


def test_a_released_or_closed_buffer_is_refused() -> None:
    run(PREAMBLE + """
view = memoryview(b"abc")
view.release()
map = mmap.mmap(-1, 100)
map.close()
for buffer in (view, map, memoryview(b"abcdef")[::2], "text", None, 3):
    try:
        send_to_socket(writing, buffer, None)
    except TypeError as error:
        assert "send_to_socket: buffer" in str(error)
    else:
        raise SystemExit(f"{buffer!r} was sent")
""")


@pytest.mark.parametrize("nonblocking", [True, False])
@pytest.mark.parametrize("how", ["thread", "handler"])
def test_buffers_that_change_size_all_the_time_are_sent_whole(how: str, nonblocking: bool) -> None:
    out = run(f"HOW, NONBLOCKING = {how!r}, {nonblocking!r}" + """
import random, signal, sys, threading, time
from sockets import *

sys.setswitchinterval(1e-5)
buffer = bytearray(b"a" * 1000)
counts = {"changed": 0, "refused": 0}
over = False

def change(*_):
    try:
        if len(buffer) > 150_000:
            del buffer[random.randrange(10, 1000):]
        else:
            buffer.extend(b"a" * random.randrange(1, 90_000))
        counts["changed"] += 1
    except BufferError:
        counts["refused"] += 1

def keep_changing():
    while not over:
        change()

first, second = make_socket_pair(SocketDomain.UNIX, SocketType.DATAGRAM, SocketProtocol.AUTO)
set_socket_option(first, SocketOption.SEND_BUFFER, 1 << 20)
set_socket_nonblocking(first, NONBLOCKING)
if HOW == "thread":
    thread = threading.Thread(target=keep_changing)
    thread.start()
else:
    signal.signal(signal.SIGALRM, change)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
sizes = set()
end = time.monotonic() + 2
while time.monotonic() < end:
    sent = send_to_socket(first, buffer, None)
    if isinstance(sent, int):
        data, _ = receive_from_socket(second, 400_000)
        assert len(data) == sent and not data.strip(b"a"), (sent, len(data), set(data))
        sizes.add(sent)
over = True
signal.setitimer(signal.ITIMER_REAL, 0, 0)
if HOW == "thread":
    thread.join()
print(len(sizes), "sizes,", counts)
assert len(sizes) > 20 and counts["changed"] > 20
""")
    print(out, end="")


# Descriptors.

PAIRS = 12
SECONDS = 8.0
IDENTITY = struct.Struct("!QQ")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:
        yield Path(name)


class Pair:
    """Two connected sockets whose data say which pair they belong to."""

    count = 0

    def __init__(self, nonblocking: bool) -> None:
        Pair.count += 1
        self.identity = IDENTITY.pack(Pair.count, ~Pair.count & 2**64 - 1)
        self.first, self.second = make_socket_pair(UNIX, DATAGRAM, AUTO)
        for sock in (self.first, self.second):
            if not nonblocking:
                set_socket_option(sock, SocketOption.SEND_TIMEOUT, 0.05)
                set_socket_option(sock, SocketOption.RECEIVE_TIMEOUT, 0.05)
                set_socket_nonblocking(sock, False)


class Traffic:
    """Threads that use pairs of sockets, and others that close and replace them."""

    def __init__(self, nonblocking: bool) -> None:
        self.nonblocking = nonblocking
        self.pairs = [Pair(nonblocking) for _ in range(PAIRS)]
        self.over = False
        self.wrong: list[str] = []
        self.counts = {"sent": 0, "received": 0, "closed": 0, "replaced": 0, "late": 0,
                       "copied": 0, "forked": 0}
        self.numbers: set[int] = set()

    def keep_on(self, procedure: Callable[[random.Random], None], seed: int) -> None:
        chance = random.Random(seed)
        try:
            while not self.over:
                procedure(chance)
        except BaseException as error:
            self.wrong.append(f"{procedure.__name__}: {error!r}")

    def send(self, chance: random.Random) -> None:
        pair = chance.choice(self.pairs)
        sock = chance.choice((pair.first, pair.second))
        padding = bytes(chance.choice((0, 0, 100, 70_000)))
        try:
            if isinstance(send_to_socket(sock, pair.identity + padding, None), int):
                self.counts["sent"] += 1
        except SocketCondition as condition:
            # Its own end was closed, or the other one: nothing else can have happened.
            self.note(condition, errno.EBADF, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNRESET)

    def receive(self, chance: random.Random) -> None:
        pair = chance.choice(self.pairs)
        sock = chance.choice((pair.first, pair.second))
        try:
            data, _ = receive_from_socket(sock, chance.choice((100, 80_000)))
        except SocketCondition as condition:
            self.note(condition, errno.EBADF, errno.ECONNRESET)
            return
        if data is not None:
            self.counts["received"] += 1
            if data[: IDENTITY.size] != pair.identity:
                self.wrong.append(f"{data[:16]!r} came where {pair.identity!r} was expected")

    def note(self, condition: SocketCondition, *expected: int) -> None:
        if condition.type not in expected:
            self.wrong.append(str(condition))
        self.counts["closed"] += condition.type == errno.EBADF

    def replace(self, chance: random.Random) -> None:
        index = chance.randrange(PAIRS)
        pair = self.pairs[index]
        early = None if chance.random() < 0.5 else Pair(self.nonblocking)
        for sock in (pair.first, pair.second):
            number = sock.fd
            close_socket(sock)
            # Still there: calls are under way on it, or `copy` or `fork` were faster.
            self.counts["late"] += os.path.exists(f"/proc/self/fd/{number}")
        self.pairs[index] = early or Pair(self.nonblocking)
        self.numbers |= {self.pairs[index].first.fd, self.pairs[index].second.fd}
        self.counts["replaced"] += 1
        time.sleep(0.0002)

    def copy(self, chance: random.Random) -> None:
        """Send through a second descriptor of a socket, and close that."""
        pair = chance.choice(self.pairs)
        try:
            duplicate = duplicate_socket(pair.first)
        except SocketCondition as condition:
            self.note(condition, errno.EBADF)
            return
        try:
            send_to_socket(duplicate, pair.identity, None)
        except SocketCondition as condition:
            self.note(condition, errno.ECONNREFUSED, errno.ENOTCONN, errno.ECONNRESET)
        close_socket(duplicate)
        self.counts["copied"] += 1
        time.sleep(0.0005)

    def fork(self, chance: random.Random) -> None:
        """A child closes what it inherits, and sends through some of it."""
        pairs = list(self.pairs)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for number, pair in enumerate(pairs):
                    with contextlib.suppress(SocketCondition):
                        if number < 2:
                            send_to_socket(pair.first, pair.identity, None)
                    for sock in (pair.first, pair.second):
                        with contextlib.suppress(SocketCondition):
                            close_socket(sock)
                status = 0
            finally:
                os._exit(status)
        if os.waitpid(child, 0)[1]:
            self.wrong.append("a child failed")
        self.counts["forked"] += 1
        time.sleep(0.05)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("nonblocking", [True, False], ids=["nonblocking", "blocking"])
def test_a_reused_number_never_leads_to_another_socket(
    collecting: None, nonblocking: bool
) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    traffic = Traffic(nonblocking)
    work = [traffic.send] * 3 + [traffic.receive] * 3 + [traffic.copy, traffic.fork]
    threads = [
        threading.Thread(target=traffic.keep_on, args=(procedure, seed), daemon=True)
        for seed, procedure in enumerate([*work, traffic.replace])
    ]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    traffic.over = True
    for thread in threads:
        thread.join(20)
    sys.setswitchinterval(interval)
    for pair in traffic.pairs:
        opened.extend((pair.first, pair.second))
    print(
        f"\n{traffic.counts}, {len(traffic.numbers)} different numbers, "
        f"{len(traffic.wrong)} wrong"
    )
    assert not traffic.wrong, traffic.wrong[:10]
    counts = traffic.counts
    assert min(counts["received"], counts["closed"], counts["replaced"]) > 100, counts
    assert min(counts["late"], counts["copied"], counts["forked"]) > 10, counts
    assert len(traffic.numbers) < counts["replaced"] / 3, "the numbers were not reused"
