"""Blocking sockets: threads run meanwhile, and signals neither break a call nor misdirect it."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    WINDOWS,
    DEADLINE,
    SO_LINGER,
    SO_RCVBUF,
    SO_SNDBUF,
    Makers,
    Waiter,
    asleep,
    fill,
    name_of,
    receive_exactly,
    reports,
    run_python,
    until,
    needs_posix,
    windows_differs,
)

from sockets import (
    ReceiveFromOption,
    ShutdownMethod,
    Socket,
    accept_socket,
    close_socket,
    connect_socket,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
)
from sockets._sockets import connect_wait_block

CALLS = ["accept", "connect", "receive", "send"]


def steps_during(waiter: Waiter) -> None:
    """Make many steps of this thread while the other one waits in its call."""
    waiter.is_asleep()
    steps = 0
    for _ in range(200_000):
        steps += 1
    assert steps == 200_000
    assert waiter.is_alive()
    assert WINDOWS or asleep(waiter.native_id or 0)


# Threads.

def test_another_thread_runs_during_a_blocking_accept(slow: Makers) -> None:
    listener = slow.listener()
    waiter = Waiter(accept_socket, listener)
    steps_during(waiter)
    client = slow.socket()
    assert connect_socket(client, name_of(listener)) is True
    server, _ = waiter.answer()
    assert slow.keep(server).fd >= 0


def test_another_thread_runs_during_a_blocking_receive(slow: Makers) -> None:
    client, server = slow.pair()
    for count in (9, 100_000):
        waiter = Waiter(receive_from_socket, server, count)
        steps_during(waiter)
        send_to_socket(client, b"x", None)
        assert waiter.answer() == (b"x", None)


def test_another_thread_runs_during_a_blocking_send(slow: Makers) -> None:
    client, server = slow.pair()
    for size in (1, 100_000):
        set_socket_nonblocking(client, True)
        total = fill(client)
        set_socket_nonblocking(client, False)
        waiter = Waiter(send_to_socket, client, bytes(size), None)
        steps_during(waiter)
        receive_exactly(server, total + size)
        assert waiter.answer() == size


def test_another_thread_runs_during_a_blocking_connect(slow: Makers) -> None:
    listener = slow.listener(0)
    first, second = slow.socket(), slow.socket()
    assert connect_socket(first, name_of(listener)) is True
    waiter = Waiter(connect_socket, second, name_of(listener))
    steps_during(waiter)
    slow.accepted(listener)
    assert waiter.answer() is True


def test_another_thread_runs_while_a_connect_is_waited_for(tcp: Makers) -> None:
    listener = tcp.listener(0)
    first, second = tcp.socket(), tcp.socket()
    connect_socket(first, name_of(listener))
    set_socket_nonblocking(first, False)
    tcp_wait = Waiter(connect_wait_block, first._foreign, 0.0)
    assert tcp_wait.answer() == 0
    connect_socket(second, name_of(listener))
    set_socket_nonblocking(second, False)
    waiter = Waiter(connect_wait_block, second._foreign, 0.0)
    steps_during(waiter)
    tcp.accepted(listener)
    assert waiter.answer() == 0


def test_another_thread_runs_while_closing_lingers(tcp: Makers) -> None:
    listener, client = tcp.listener(), tcp.socket()
    set_socket_option(listener, SO_RCVBUF, 4096)
    set_socket_option(client, SO_SNDBUF, 1 << 20)
    connect_socket(client, name_of(listener))
    server = tcp.accepted(listener)
    total = fill(client)
    set_socket_option(client, SO_LINGER, int(DEADLINE))
    set_socket_nonblocking(client, False)
    waiter = Waiter(close_socket, client)
    steps_during(waiter)
    assert client.fd == -1
    assert len(receive_exactly(server, total + 1)) == total
    assert waiter.answer() is None


def test_sending_and_receiving_go_on_at_once_on_one_socket(slow: Makers) -> None:
    client, server = slow.pair()
    receiver = Waiter(receive_from_socket, client, 9).is_asleep()
    assert send_to_socket(client, b"out", None) == 3
    assert receive_from_socket(server, 9)[0] == b"out"
    send_to_socket(server, b"in", None)
    assert receiver.answer()[0] == b"in"


def test_two_threads_wait_for_one_listener_and_get_one_client_each(slow: Makers) -> None:
    listener = slow.listener()
    waiters = [Waiter(accept_socket, listener).is_asleep() for _ in range(2)]
    for client in (slow.socket(), slow.socket()):
        assert connect_socket(client, name_of(listener)) is True
    servers = [slow.keep(waiter.answer()[0]) for waiter in waiters]
    assert servers[0].fd != servers[1].fd


# Ends that come from another thread.

@windows_differs("waiting")
def test_shutdown_wakes_a_blocked_receive(slow: Makers) -> None:
    client, _ = slow.pair()
    waiter = Waiter(receive_from_socket, client, 9).is_asleep()
    shutdown_socket(client, ShutdownMethod.READ_AND_WRITE)
    assert waiter.answer()[0] == b""


@windows_differs("waiting")
def test_shutdown_wakes_a_blocked_send(slow: Makers) -> None:
    client, _ = slow.pair()
    waiter = Waiter(send_to_socket, client, bytes(64 << 20), None).is_asleep()
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert 0 < waiter.answer() < 64 << 20
    with reports(errno.EPIPE, "send_to_socket", "sendto"):
        send_to_socket(client, b"x", None)


@windows_differs("waiting")
def test_shutdown_wakes_a_blocked_accept(slow: Makers) -> None:
    listener = slow.listener()
    waiter = Waiter(accept_socket, listener).is_asleep()
    shutdown_socket(listener, ShutdownMethod.READ_AND_WRITE)
    with reports(errno.EINVAL, "accept_socket", "accept"):
        waiter.answer()


def test_a_peer_that_goes_wakes_a_blocked_receive(slow: Makers) -> None:
    client, server = slow.pair()
    waiter = Waiter(receive_from_socket, client, 9).is_asleep()
    close_socket(server)
    assert waiter.answer()[0] == b""


@needs_posix
def test_close_does_not_wake_a_blocked_receive(slow: Makers) -> None:
    client, server = slow.pair()
    waiter = Waiter(receive_from_socket, client, 9).is_asleep()
    close_socket(client)
    for _ in range(50_000):
        pass
    assert WINDOWS or asleep(waiter.native_id or 0)
    send_to_socket(server, b"still", None)
    assert waiter.answer()[0] == b"still"
    with reports(errno.EBADF):
        receive_from_socket(client, 9, ReceiveFromOption.DONT_WAIT)


# Signals. Each of the four calls waits in a process of its own, whose main thread is hit.

PRELUDE = """
import array, errno, fcntl, os, signal, socket, sys, termios, threading
from sockets import *

call, family, folder = sys.argv[1:4]
UNIX = family == "unix"
domain = SocketDomain.UNIX if UNIX else SocketDomain.INTERNET
kept = []


def plain(*pairs):
    "Make sockets of Python's own into records, which block."
    kept.extend(pairs)
    return [Socket(os.dup(s.fileno()), domain, SocketType.STREAM, SocketProtocol.AUTO)
            for s in pairs]


def listening(backlog):
    listener = socket.socket(socket.AF_UNIX if UNIX else socket.AF_INET)
    listener.bind(f"{folder}/{len(kept)}" if UNIX else ("127.0.0.1", 0))
    [record] = plain(listener)
    listen_socket(record, backlog)  # PyPy's own makes one of nought
    close_socket(record)
    return listener


def client_of(listener):
    client = socket.socket(listener.family)
    client.setblocking(False)
    kept.append(client)
    client.connect_ex(listener.getsockname())
    return client


def pair():
    listener = listening(1)
    near = socket.socket(listener.family)
    near.connect(listener.getsockname())
    far = listener.accept()[0]
    listener.close()
    kept.append(far)
    far.setblocking(False)
    return near, far


def in_flight(near):
    "How many bytes TCP has sent that are not acknowledged yet: they will make room."
    queued, unsent = array.array("i", [0]), array.array("i", [0])
    fcntl.ioctl(near.fileno(), termios.TIOCOUTQ, queued)
    fcntl.ioctl(near.fileno(), 0x894B, unsent)
    return queued[0] - unsent[0]


def fill(near):
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    near.setblocking(False)
    settled = False
    while not settled:
        settled = UNIX or (in_flight(near) == 0 and near.getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, 8)[4] > 0)  # (as in helpers.fill)
        try:
            while near.send(bytes(65536)):
                settled = False
        except BlockingIOError:
            pass
    near.setblocking(True)


def drain(far):
    try:
        while far.recv(1 << 20):
            pass
    except BlockingIOError:
        pass


if call == "accept":
    listener = listening(100)
    [sock] = plain(listener)
    waits = lambda: accept_socket(sock)
    finish = lambda: client_of(listener)
    good = lambda answer: isinstance(answer[0], Socket) and not close_socket(answer[0])
elif call == "connect":
    listener = listening(0)
    kept.append(listener)
    first = client_of(listener)
    [sock] = plain(socket.socket(listener.family))
    listener.setblocking(False)
    address = UnixAddress(listener.getsockname()) if UNIX else \\
        string_to_internet_address("127.0.0.1:%d" % listener.getsockname()[1])
    waits = lambda: connect_socket(sock, address)

    def finish():
        try:
            kept.append(listener.accept()[0])
        except BlockingIOError:
            pass
    good = lambda answer: answer is True
elif call == "receive":
    near, far = pair()
    [sock] = plain(near)
    waits = lambda: receive_from_socket(sock, 1)
    finish = lambda: far.send(b"x")
    good = lambda answer: answer[0] == b"x"
else:
    near, far = pair()
    fill(near)
    [sock] = plain(near)
    waits = lambda: send_to_socket(sock, b"y", None)
    finish = lambda: drain(far)
    good = lambda answer: answer == 1


def every(seconds, tick):
    "Have `tick(n)` called by a signal's handler, time after time, with n from 1."
    count = iter(range(1, 1 << 60))
    signal.signal(signal.SIGALRM, lambda *_: tick(next(count)))
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)


def quiet():
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


def leave():
    quiet()
    if sock.fd >= 0:
        close_socket(sock)
    for each in kept:
        each.close()
"""

RETRIED = PRELUDE + """
ticks = 0
def tick(n):
    global ticks
    ticks = n
    if n >= 6:
        finish()
every(0.004, tick)
answer = waits()
quiet()
print(good(answer), ticks >= 6)
leave()
"""


@pytest.mark.parametrize("family", ["internet", "unix"])
@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_a_call_is_made_again_after_a_handler_has_returned(
    call: str, family: str, folder: Path
) -> None:
    assert run_python(RETRIED, call, family, str(folder)) == "True True\n"  # departures 21, 39


CLOSED = PRELUDE + """
every(0.004, lambda n: n == 3 and close_socket(sock))
try:
    print("returned", waits())
except SocketCondition as condition:
    quiet()
    print(condition.type == errno.EBADF, sock.fd)
leave()
"""


@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_a_handler_that_closes_the_socket_ends_the_call(call: str, folder: Path) -> None:
    assert run_python(CLOSED, call, "unix", str(folder)) == "True -1\n"  # departures 10, 21


REPLACED = PRELUDE + """
if call == "accept":
    other = listening(5)
    client_of(other)
    untouched = lambda: isinstance(other.accept()[0].close(), type(None))
elif call == "connect":
    other = socket.socket(socket.AF_UNIX)
    def untouched():
        try:
            other.getpeername()
        except OSError as error:
            return error.errno == errno.ENOTCONN
else:
    other, end = pair()
    end.send(b"for the other")
    def untouched():
        assert other.recv(99) == b"for the other"
        other.send(b"first")
        return end.recv(99) == b"first"

def tick(n):
    if n == 3:
        number = sock.fd
        close_socket(sock)
        os.dup2(other.fileno(), number)
        kept.append(socket.socket(other.family, other.type, fileno=number))
every(0.004, tick)
try:
    print("returned", waits())
except SocketCondition as condition:
    quiet()
    print(condition.type == errno.EBADF, untouched())
kept.append(other)
leave()
"""


@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_a_call_that_is_made_again_never_touches_the_numbers_next_owner(
    call: str, folder: Path
) -> None:
    assert run_python(REPLACED, call, "unix", str(folder)) == "True True\n"  # departures 10, 21


MODE = PRELUDE + """
every(0.004, lambda n: n == 3 and set_socket_nonblocking(sock, True))
answer = waits()
quiet()
condition = answer[1] if isinstance(answer, tuple) else answer
print(condition.type in (errno.EAGAIN, errno.EWOULDBLOCK))
leave()
"""


@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_a_call_that_is_made_again_heeds_a_mode_that_the_handler_changed(
    call: str, folder: Path
) -> None:
    assert run_python(MODE, call, "unix", str(folder)) == "True\n"


RAISED = PRELUDE + """
class Enough(Exception):
    pass

def tick(n):
    if n == 3:
        quiet()
        raise Enough
try:
    every(0.004, tick)
    print("returned", waits())
except Enough:
    finish()
    print(good(waits()))
leave()
"""


@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_a_handler_that_raises_ends_the_call_and_spoils_nothing(call: str, folder: Path) -> None:
    assert run_python(RAISED, call, "unix", str(folder)) == "True\n"  # departures 21, 39


INTERRUPTED = PRELUDE + """
signal.signal(signal.SIGINT, signal.default_int_handler)
print("ready", flush=True)
try:
    waits()
except KeyboardInterrupt:
    print("interrupted", flush=True)
finish()
print(good(waits()))
leave()
"""


@pytest.mark.parametrize("family", ["internet", "unix"])
@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_ctrl_c_ends_a_call(call: str, family: str, folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, call, family, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            until(lambda: asleep(child.pid, child.pid), "the child's wait")
            os.kill(child.pid, signal.SIGINT)
            out, err = child.communicate(timeout=DEADLINE)
        finally:
            child.kill()
    assert err == ""
    assert out == "interrupted\nTrue\n"  # departures 21, 39


ANOTHER_THREAD = PRELUDE + """
from pathlib import Path
signal.signal(signal.SIGUSR1, lambda *_: None)
answers = []
waiter = threading.Thread(target=lambda: answers.append(waits()))
waiter.start()
task = Path(f"/proc/self/task/{waiter.native_id}")

def switches():
    "How often the thread has been woken, once it waits in the kernel."
    while True:
        state = (task / "stat").read_text().rpartition(")")[2].split()[0]
        if state == "S" and "futex" not in (task / "wchan").read_text():
            lines = (task / "status").read_text().splitlines()
            return [line for line in lines if line.startswith("voluntary")][0]

for _ in range(30):
    before = switches()
    signal.pthread_kill(waiter.ident, signal.SIGUSR1)
    while switches() == before:
        pass
finish()
waiter.join()
print(good(answers[0]))
leave()
"""


@pytest.mark.parametrize("call", CALLS)
@needs_posix
def test_a_signal_that_hits_a_thread_is_not_seen_by_its_call(call: str, folder: Path) -> None:
    assert run_python(ANOTHER_THREAD, call, "unix", str(folder)) == "True\n"


STORM = """
import errno, signal, socket, sys
from sockets import *

a, b = socket.socketpair()
made = [Socket(s.detach(), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
        for s in (a, b)]
full, empty = made
set_socket_nonblocking(full, True)
set_socket_nonblocking(empty, True)
while isinstance(send_to_socket(full, bytes(9999), None), int):
    pass
lone = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
closed = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
close_socket(closed)
wrong = SocketOption(9999, 4, bytes, bytes)
nowhere = UnixAddress("/nowhere/at/all")
local = create_socket(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)

calls = [
    (errno.EAGAIN, lambda: receive_from_socket(full, 9)[1]),
    (errno.EAGAIN, lambda: receive_from_socket(full, 99999)[1]),
    (errno.EAGAIN, lambda: send_to_socket(full, b"x", None)),
    (errno.ENOTCONN, lambda: get_peer_name(lone)),
    (errno.EINVAL, lambda: accept_socket(lone)),
    (errno.EBADF, lambda: receive_from_socket(closed, 1)),
    (errno.EBADF, lambda: listen_socket(closed, 1)),
    (errno.ENOPROTOOPT, lambda: get_socket_option(lone, wrong)),
    (errno.ENOPROTOOPT, lambda: set_socket_option(lone, wrong, b"1234")),
    (errno.ENOENT, lambda: connect_socket(local, nowhere)),
    (errno.ENOTCONN, lambda: shutdown_socket(lone, ShutdownMethod.READ)),
    (errno.EPROTONOSUPPORT, lambda: create_socket(
        SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol(17))),
]


def outcome(call):
    try:
        return call()
    except SocketCondition as condition:
        return condition


signals = 0
def handler(*_):
    global signals
    expected, call = calls[signals % len(calls)]
    signals += 1
    assert outcome(call).type == expected
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)

made_calls, wrong_ones = 0, []
while made_calls < 15_000 or signals < 400:
    for expected, call in calls:
        result = outcome(call)
        made_calls += 1
        if not isinstance(result, SocketCondition) or result.type != expected:
            wrong_ones.append((expected, result))
signal.setitimer(signal.ITIMER_REAL, 0)
print(made_calls >= 15_000, signals >= 400, wrong_ones[:3])
for sock in (full, empty, lone, local):
    close_socket(sock)
"""


@needs_posix
def test_a_storm_of_signals_does_not_mix_errors_up() -> None:
    assert run_python(STORM) == "True True []\n"  # departure 38


TRANSFER_STORM = """
import hashlib, signal, socket, sys, threading
from sockets import *

near, far = [
    Socket(s.detach(), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    for s in socket.socketpair()
]
data = bytes(range(256)) * 32768
signals = 0
def handler(*_):
    global signals
    signals += 1
    try:
        get_peer_name(closed)
    except SocketCondition:
        pass
closed = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
close_socket(closed)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)

def send():
    view = memoryview(data)
    while view:
        view = view[send_to_socket(near, view[:50_000], None):]
    close_socket(near)
sender = threading.Thread(target=send)
sender.start()
parts = []
while (part := receive_from_socket(far, 60_000)[0]):
    parts.append(part)
sender.join()
signal.setitimer(signal.ITIMER_REAL, 0)
print(b"".join(parts) == data, signals > 0)
close_socket(far)
"""


@needs_posix
def test_a_storm_of_signals_does_not_spoil_a_transfer() -> None:
    assert run_python(TRANSFER_STORM) == "True True\n"  # departure 21


# What the helpers promise, so that the tests above mean what they say.

def test_a_waiter_reports_a_call_that_does_not_wait(slow: Makers) -> None:
    def answers() -> int:
        return 7

    waiter = Waiter(answers)
    waiter.join(DEADLINE)
    with pytest.raises(AssertionError, match="did not wait: 7"):
        waiter.is_asleep()
    assert waiter.answer() == 7
    with contextlib.suppress(AssertionError):
        until(lambda: False, deadline=0.01)


def test_sockets_of_the_fixtures_are_blocking_as_they_say(slow: Makers) -> None:
    made: list[Callable[[], Any]] = [slow.socket, slow.bound, slow.listener]
    for maker in made:
        sock = maker()
        assert isinstance(sock, Socket)
        assert sock.nonblocking is False
        assert os.get_blocking(sock.fd)
