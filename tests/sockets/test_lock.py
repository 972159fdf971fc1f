"""Python's lock: given up by the calls that can wait or copy much, kept by those that cannot."""

from __future__ import annotations

import errno
import importlib.util
import itertools
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    FORKING,
    DEADLINE,
    LOOPBACK,
    SO_RCVTIMEO,
    SO_REUSEADDR,
    SO_SNDTIMEO,
    Makers,
    Waiter,
    asleep,
    fill,
    interrupting,
    name_of,
    reports,
    run_python,
    until,
    with_lock,
    windows_differs,
    needs_posix,
)

from sockets import (
    AddressInfo,
    AddressInfoOption,
    InternetAddress,
    NameInfoOption,
    ReceiveFromOption,
    ShutdownMethod,
    Socket,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    _sockets,
    accept_socket,
    adopt_descriptor,
    bind_socket,
    close_protocol_database,
    close_socket,
    connect_first,
    connect_socket,
    create_listener,
    create_socket,
    detach_socket,
    duplicate_socket,
    finish_connect,
    get_address_info,
    get_host_name,
    get_interface_by_index,
    get_interface_by_name,
    get_interfaces,
    get_name_info,
    get_peer_name,
    get_protocol_by_constant,
    get_protocol_by_name,
    get_service_by_name,
    get_service_by_port,
    get_socket_name,
    get_socket_option,
    listen_socket,
    make_socket_pair,
    next_protocol_entry,
    open_protocol_database,
    receive_exactly,
    receive_from_socket,
    receive_into_socket,
    send_file,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    wait_for_socket,
    wait_for_urgent,
)

GENERATED = Path(__file__).parents[2] / "generated"
CALLS = 5000  # of each procedure that keeps the lock

pytestmark = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this Python has no lock"
)


class Stepper(threading.Thread):
    """A thread that makes a step whenever it gets the lock, and gives it back at once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.steps = 0
        self.stop = False

    def run(self) -> None:
        while not self.stop:
            self.steps += 1
            time.sleep(0.000001)

    def steps_across(self, call: Callable[[], Any]) -> int:
        """How many steps this thread makes during many calls, after it has made some."""
        goal = self.steps + 5
        until(lambda: self.steps > goal, "the other thread's steps")
        before = self.steps
        for _ in itertools.repeat(None, CALLS):
            call()
        return self.steps - before

    def steps_during_enough_of(self, call: Callable[[], Any]) -> int:
        """Make calls until this thread has made steps; or no steps, after very many."""
        goal, end = self.steps + 3, time.monotonic() + DEADLINE
        while self.steps < goal and time.monotonic() < end:
            for _ in itertools.repeat(None, 100):
                call()
        return self.steps + 3 - goal


@pytest.fixture
def stepper() -> Iterator[Stepper]:
    """The other thread. No thread is asked to give the lock up; it must do so by itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = Stepper()
    thread.start()
    try:
        yield thread
    finally:
        thread.stop = True
        thread.join()
        sys.setswitchinterval(interval)


def expecting(type: int, call: Callable[[], Any]) -> Callable[[], None]:
    def fails() -> None:
        try:
            call()
        except SocketCondition as condition:
            assert condition.type == type
        else:
            raise AssertionError("the call did not fail")

    return fails


def would_block(call: Callable[[], Any]) -> Callable[[], None]:
    def waits() -> None:
        answer = call()
        if isinstance(answer, int):
            return  # TCP has found a little more room
        condition = answer[1] if isinstance(answer, tuple) else answer
        assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)

    return waits


# The stepper itself: what the tests below stand on.

@with_lock
def test_pure_python_keeps_the_lock(stepper: Stepper) -> None:
    assert stepper.steps_across(lambda: sum(range(20))) <= 2


def test_a_python_call_that_gives_the_lock_up_is_noticed(stepper: Stepper) -> None:
    with open(os.devnull, "rb") as null:
        assert stepper.steps_during_enough_of(lambda: os.read(null.fileno(), 1)) >= 3


# Kept.

@with_lock
@windows_differs("flags")
def test_a_receive_of_nothing_yet_keeps_the_lock(quick: Makers, stepper: Stepper) -> None:
    client, _ = quick.pair()
    for count in (9, 65535):
        call = would_block(lambda n=count: receive_from_socket(client, n))  # type: ignore[misc]
        assert stepper.steps_across(call) <= 2
        room = bytearray(count)
        call = would_block(lambda b=room: receive_into_socket(client, b))  # type: ignore[misc]
        assert stepper.steps_across(call) <= 2


@with_lock
def test_a_receive_with_dont_wait_on_a_blocking_socket_keeps_the_lock(
    slow: Makers, stepper: Stepper
) -> None:
    client, _ = slow.pair()
    call = would_block(lambda: receive_from_socket(client, 9, ReceiveFromOption.DONT_WAIT))
    assert stepper.steps_across(call) <= 2


@with_lock
@windows_differs("flags")
def test_a_send_without_room_keeps_the_lock(quick: Makers, stepper: Stepper) -> None:
    client, _ = quick.pair()
    fill(client)
    for size in (1, 65535):
        call = would_block(
            lambda data=bytes(size): send_to_socket(client, data, None)  # type: ignore[misc]
        )
        assert stepper.steps_across(call) <= 2


@with_lock
@windows_differs("flags")
def test_datagrams_there_and_back_keep_the_lock(quick: Makers, stepper: Stepper) -> None:
    first, second = quick.datagrams()
    address = name_of(second)

    def round_trip() -> None:
        assert send_to_socket(first, b"x", None) == 1
        assert send_to_socket(first, bytearray(b"y"), address) == 1
        for _ in range(2):
            receive_from_socket(second, 9)

    assert stepper.steps_across(round_trip) <= 2


@with_lock
def test_names_keep_the_lock(quick: Makers, stepper: Stepper) -> None:
    client, _ = quick.pair()
    assert stepper.steps_across(lambda: get_socket_name(client)) <= 2
    assert stepper.steps_across(lambda: get_peer_name(client)) <= 2


@with_lock
def test_names_of_this_machine_keep_the_lock(stepper: Stepper) -> None:
    def ask() -> None:
        get_host_name()
        get_interface_by_name("nobody's")
        get_interface_by_index(1)

    assert stepper.steps_across(ask) <= 2


@with_lock
def test_listening_keeps_the_lock(quick: Makers, stepper: Stepper) -> None:
    listener = quick.listener()
    assert stepper.steps_across(lambda: listen_socket(listener, 5)) <= 2


@with_lock
def test_changing_the_mode_keeps_the_lock(make: Makers, stepper: Stepper) -> None:
    sock = make.socket()

    def change() -> None:
        set_socket_nonblocking(sock, True)
        set_socket_nonblocking(sock, False)

    assert stepper.steps_across(change) <= 2


@pytest.mark.skipif(not _sockets.HAS_FAST_PATHS, reason="all goes the long way here")
def test_a_look_that_does_not_wait_keeps_the_lock(make: Makers, stepper: Stepper) -> None:
    client, _ = make.pair()
    for timeout in (0, 0.0):
        assert stepper.steps_across(lambda t=timeout: wait_for_socket(client, True, True, t)) <= 2


@pytest.mark.skipif(not _sockets.HAS_FAST_PATHS, reason="all goes the long way here")
@windows_differs("flags")
def test_a_piece_that_is_there_is_received_with_the_lock_kept(
    make: Makers, stepper: Stepper
) -> None:
    client, server = make.pair()

    def pass_on() -> None:
        send_to_socket(client, b"12345", None)
        assert receive_exactly(server, 5) == (b"12345", None)

    assert stepper.steps_across(pass_on) <= 2


# Given up, though these calls do not wait: nothing promises that they never will.

def test_a_non_blocking_accept_gives_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    listener = quick.listener()
    call = would_block(lambda: accept_socket(listener))
    assert stepper.steps_during_enough_of(call) >= 3


def test_a_non_blocking_connect_gives_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    first, second = quick.datagrams()
    address = name_of(second)
    assert stepper.steps_during_enough_of(lambda: connect_socket(first, address)) >= 3


@windows_differs("handles")
def test_binding_gives_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    sock, address = quick.bound(), quick.family.address()
    call = expecting(errno.EINVAL, lambda: bind_socket(sock, address))
    assert stepper.steps_during_enough_of(call) >= 3


def test_creating_gives_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    call = expecting(errno.EPROTONOSUPPORT, lambda: create_socket(
        quick.family.domain, SocketType.STREAM, SocketProtocol(99)))
    assert stepper.steps_during_enough_of(call) >= 3


@windows_differs("handles")
def test_closing_gives_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    closed = quick.socket()
    close_socket(closed)
    call = expecting(errno.EBADF, lambda: close_socket(closed))
    assert stepper.steps_during_enough_of(call) >= 3


def test_shutting_down_gives_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    client, _ = quick.pair()
    call = lambda: shutdown_socket(client, ShutdownMethod.WRITE)  # noqa: E731
    assert stepper.steps_during_enough_of(call) >= 3


def test_options_of_a_programs_own_give_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    sock = quick.socket()
    for call in (
        lambda: get_socket_option(sock, SO_REUSEADDR),
        lambda: set_socket_option(sock, SO_REUSEADDR, 1),
    ):
        assert stepper.steps_during_enough_of(call) >= 3


def duplicate_and_close(sock: Socket) -> None:
    close_socket(duplicate_socket(sock))


def pair_and_close(_: Socket) -> None:
    for sock in make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO):
        close_socket(sock)


def refused_first() -> None:
    nobody = AddressInfo(LOOPBACK.domain, SocketType.STREAM, SocketProtocol.AUTO,
                         InternetAddress(LOOPBACK.ip, 1))
    expecting(errno.ECONNREFUSED, lambda: connect_first([nobody]))()


def send_this_file(sock: Socket) -> None:
    with open(__file__, "rb") as file:
        send_file(sock, file, 0, 1, timeout=0)


GIVE_UP: list[Callable[[Socket], object]] = [
    lambda sock: detach_socket(adopt_descriptor(sock.fd)),
    lambda sock: wait_for_socket(sock, False, True, 1),
    lambda sock: finish_connect(sock, 0),
    lambda _: get_address_info("127.0.0.1", 80, *[None] * 3, AddressInfoOption.NUMERIC_HOST),
    lambda _: get_address_info(node="127.0.0.1", service="80"),
    lambda _: close_socket(create_listener(LOOPBACK, 1)),
    lambda _: get_protocol_by_name("tcp"),
    lambda _: get_protocol_by_constant(SocketProtocol(6)),
    lambda _: get_name_info(LOOPBACK, NameInfoOption.NUMERIC_HOST, NameInfoOption.NUMERIC_SERVICE),
    lambda _: get_service_by_name("nobody's"),
    lambda _: get_service_by_port(1),
    lambda _: get_interfaces(),
]
GIVE_UP_ON_POSIX: list[Callable[[Socket], object]] = [
    duplicate_and_close,
    pair_and_close,
    lambda _: refused_first(),
    send_this_file,
    lambda sock: wait_for_urgent(sock, 0),
    lambda _: next_protocol_entry(),
    lambda _: open_protocol_database(False),
    lambda _: close_protocol_database(),
]


@pytest.mark.parametrize("act", [
    *GIVE_UP, *[pytest.param(act, marks=needs_posix) for act in GIVE_UP_ON_POSIX]
])
def test_whatever_might_wait_gives_the_lock_up(
    act: Callable[[Socket], object], quick: Makers, stepper: Stepper
) -> None:
    client, _ = quick.pair()
    assert stepper.steps_during_enough_of(lambda: act(client)) >= 3


def test_every_procedure_that_makes_a_system_call_has_a_test_of_the_lock() -> None:
    document = (GENERATED.parent / "sockets.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", document.partition("## 29.")[0], re.M)
    tests = "".join(Path(__file__).with_name(name).read_text(encoding="utf-8")
                    for name in ("test_lock.py", "test_many.py", "test_ancillary.py",
                                 "test_waiting.py"))
    for names, calls in rows:
        for name in re.findall(r"`(\w+)`", names):
            known = calls == "`SOMAXCONN`" or "sd_listen_fds" in calls  # no system call
            assert known or re.search(rf"\b{name}\(", tests), name


def test_large_buffers_give_the_lock_up(quick: Makers, stepper: Stepper) -> None:
    client, _ = quick.pair()
    fill(client)
    data = bytes(65536)
    for call in (
        lambda: send_to_socket(client, data, None),
        lambda: receive_from_socket(client, 65536),
        lambda: receive_from_socket(client, 65536, ReceiveFromOption.DONT_WAIT),
        lambda: receive_into_socket(client, bytearray(65536)),
    ):
        assert stepper.steps_during_enough_of(would_block(call)) >= 3


@windows_differs("timeouts")
def test_blocking_sockets_give_the_lock_up_when_they_wait(slow: Makers, stepper: Stepper) -> None:
    first, second = slow.datagrams()
    set_socket_option(second, SocketOption.RECEIVE_TIMEOUT, 0.001)
    call = would_block(lambda: receive_from_socket(second, 9))
    assert stepper.steps_during_enough_of(call) >= 3
    first, _ = slow.pair()
    set_socket_nonblocking(first, True)
    fill(first)
    set_socket_nonblocking(first, False)
    set_socket_option(first, SocketOption.SEND_TIMEOUT, 0.001)
    call = would_block(lambda: send_to_socket(first, b"x", None))
    assert stepper.steps_during_enough_of(call) >= 3


@with_lock
@windows_differs("flags")
def test_blocking_sockets_that_need_not_wait_keep_the_lock(
    slow: Makers, stepper: Stepper
) -> None:
    first, second = slow.datagrams()
    address = name_of(second)

    def round_trip() -> None:
        assert send_to_socket(first, b"x", None) == 1
        assert send_to_socket(first, b"", address) == 0
        assert receive_from_socket(second, 9)[0] == b"x"
        assert receive_from_socket(second, 9)[0] == b""

    assert stepper.steps_across(round_trip) <= 2


# A blocking call that need not wait gives the lock up as well once several others wait. What
# has released the lock is counted, and whatever ends a call, it is not counted any longer.

def round_trip(makers: Makers) -> Callable[[], None]:
    """A message there and back between blocking sockets, which never has to wait."""
    first, second = makers.pair()

    def act() -> None:
        assert send_to_socket(first, b"x", None) == 1
        assert receive_from_socket(second, 9)[0] == b"x"

    return act


@with_lock
@windows_differs("flags")
def test_blocking_sockets_give_the_lock_up_only_while_several_other_calls_wait(
    slow: Makers, stepper: Stepper
) -> None:
    act, pairs = round_trip(slow), [slow.pair() for _ in range(3)]
    waiters = [Waiter(receive_from_socket, pairs[0][0], 9).is_asleep()]
    assert stepper.steps_across(act) <= 2
    waiters += [Waiter(receive_from_socket, client, 9).is_asleep() for client, _ in pairs[1:]]
    assert stepper.steps_during_enough_of(act) >= 3
    for (_, server), waiter in zip(pairs, waiters, strict=True):
        send_to_socket(server, b"x", None)
        assert waiter.answer()[0] == b"x"
    assert stepper.steps_across(act) <= 2


@with_lock
@windows_differs("flags")
def test_calls_that_failed_do_not_count_as_waiting(slow: Makers, stepper: Stepper) -> None:
    act = round_trip(slow)
    for _ in range(3):
        waiter = Waiter(accept_socket, listener := slow.listener()).is_asleep()
        shutdown_socket(listener, ShutdownMethod.READ_AND_WRITE)
        with pytest.raises(SocketCondition):
            waiter.answer()
    assert stepper.steps_across(act) <= 2


@with_lock
@needs_posix
def test_calls_that_a_signal_ended_do_not_count_as_waiting(
    slow: Makers, stepper: Stepper
) -> None:
    act = round_trip(slow)
    for _ in range(3):
        client, _ = slow.pair()
        with pytest.raises(InterruptedError):
            interrupting(lambda sock=client: receive_from_socket(sock, 9),  # type: ignore[misc]
                         InterruptedError())
    assert stepper.steps_across(act) <= 2


@with_lock
@needs_posix
def test_a_fork_counts_the_calls_that_wait_in_each_process() -> None:
    run_python(FORKING + """
from test_lock import Stepper

def act():
    send_to_socket(first, b"x", None)
    receive_from_socket(second, 9)

def steps(measure):
    stepper = Stepper()
    stepper.start()
    try:
        return measure(stepper, act)
    finally:
        stepper.stop = True
        stepper.join()

def fork():
    if (process := os.fork()) == 0:
        os._exit(0 if steps(Stepper.steps_across) <= 2 else 9)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

sys.setswitchinterval(1000)
first, second = pair()
pairs = [pair() for _ in range(3)]
waiters = [Waiter(receive_from_socket, one, 9).is_asleep() for one, _ in pairs]
assert steps(Stepper.steps_during_enough_of) >= 3
assert Waiter(fork).answer() == 0
assert steps(Stepper.steps_during_enough_of) >= 3
for _, other in pairs:
    send_to_socket(other, b"x", None)
for waiter in waiters:
    waiter.answer()
assert steps(Stepper.steps_across) <= 2
for sock in [first, second, *sum(pairs, ())]:
    close_socket(sock)
""", os.path.dirname(__file__))


def test_waiting_for_all_gives_the_lock_up_though_it_need_not_wait(
    slow: Makers, stepper: Stepper
) -> None:
    client, server = slow.pair()

    def round_trip() -> None:
        assert send_to_socket(client, b"x", None) == 1
        assert receive_from_socket(server, 1, ReceiveFromOption.WAIT_ALL)[0] == b"x"

    assert stepper.steps_during_enough_of(round_trip) >= 3


@with_lock
def test_quick_options_keep_the_lock(quick: Makers, stepper: Stepper) -> None:
    sock = quick.socket()
    for option, value in (
        (SocketOption.KEEP_ALIVE, True), (SocketOption.RECEIVE_BUFFER, 65536),
        (SocketOption.LINGER, 3), (SocketOption.SEND_TIMEOUT, 3),
    ):
        assert stepper.steps_across(lambda o=option: get_socket_option(sock, o)) <= 2  # type: ignore[misc]
        assert stepper.steps_across(
            lambda o=option, v=value: set_socket_option(sock, o, v)  # type: ignore[misc]
        ) <= 2


def test_a_blocking_send_that_begins_at_once_goes_on_until_all_is_taken(slow: Makers) -> None:
    client, server = slow.pair()
    set_socket_option(client, SocketOption.SEND_BUFFER, 4096)
    set_socket_option(server, SocketOption.RECEIVE_BUFFER, 4096)
    data = os.urandom(65535)
    for _ in range(4):
        waiter = Waiter(send_to_socket, client, data, None)
        received = b""
        while len(received) < len(data):
            received += receive_from_socket(server, 1000)[0] or b""
        assert received == data
        assert waiter.answer() == len(data)


@windows_differs("timeouts")
def test_a_blocking_send_whose_time_is_up_tells_what_part_was_taken(slow: Makers) -> None:
    client, _server = slow.pair()
    set_socket_option(client, SocketOption.SEND_BUFFER, 4096)
    set_socket_option(client, SocketOption.SEND_TIMEOUT, 0.01)
    parts = []
    while isinstance(part := send_to_socket(client, bytes(65535), None), int):
        parts.append(part)
    assert 0 < parts[-1] <= 65535
    assert part.type in (errno.EAGAIN, errno.EWOULDBLOCK)


# A record that says non-blocking, and an open file that somebody else has made blocking.

def made_blocking(makers: Makers, sock: Socket) -> Socket:
    """Let another descriptor of the same open file change its mode; the record cannot know."""
    set_socket_option(sock, SO_RCVTIMEO, DEADLINE)  # if a test fails, it ends
    set_socket_option(sock, SO_SNDTIMEO, DEADLINE)
    script = "import os, sys; os.set_blocking(int(sys.argv[1]), True)"
    subprocess.run(
        [sys.executable, "-c", script, str(sock.fd)], pass_fds=[sock.fd], check=True, timeout=30
    )
    assert os.get_blocking(sock.fd)
    assert sock.nonblocking is True
    return sock


@windows_differs("flags")
def test_a_receive_does_not_freeze_when_another_process_has_changed_the_mode(
    quick: Makers,
) -> None:
    client, _ = quick.pair()
    made_blocking(quick, client)
    began = time.monotonic()
    for count in (9, 65535, 65536, 1 << 20):
        would_block(lambda n=count: receive_from_socket(client, n))()  # type: ignore[misc]
    assert time.monotonic() - began < DEADLINE / 2


@windows_differs("flags")
def test_a_send_does_not_freeze_when_another_process_has_changed_the_mode(
    quick: Makers,
) -> None:
    client, _ = quick.pair()
    fill(client)
    made_blocking(quick, client)
    began = time.monotonic()
    for size in (1, 65535, 65536, 1 << 20):
        would_block(
            lambda data=bytes(size): send_to_socket(client, data, None)  # type: ignore[misc]
        )()
    assert time.monotonic() - began < DEADLINE / 2


@windows_differs("flags")
def test_an_accept_lets_others_run_when_another_process_has_changed_the_mode(
    quick: Makers,
) -> None:
    listener = made_blocking(quick, quick.listener())
    waiter = Waiter(accept_socket, listener).is_asleep()
    for _ in range(100_000):
        pass
    assert asleep(waiter.native_id or 0)
    client = quick.socket()
    connect_socket(client, name_of(listener))
    server, _ = waiter.answer()
    quick.keep(server)


def test_a_connect_lets_others_run_when_another_process_has_changed_the_mode(
    unix: Makers,
) -> None:
    listener, first, second = unix.listener(0), unix.socket(), unix.socket()
    assert connect_socket(first, name_of(listener)) is True
    made_blocking(unix, second)
    waiter = Waiter(connect_socket, second, name_of(listener)).is_asleep()
    for _ in range(100_000):
        pass
    assert asleep(waiter.native_id or 0)
    unix.accepted(listener)
    assert waiter.answer() is True


@needs_posix
def test_the_mode_is_that_of_the_open_file(quick: Makers) -> None:
    sock = quick.socket()
    copy = Socket(os.dup(sock.fd), quick.family.domain, SocketType.STREAM, SocketProtocol.AUTO)
    with copy:
        assert copy.nonblocking is True
        set_socket_nonblocking(copy, False)
        assert os.get_blocking(sock.fd)
    with Socket(
        os.dup(sock.fd), quick.family.domain, SocketType.STREAM, SocketProtocol.AUTO
    ) as third:
        assert third.nonblocking is False


@windows_differs("flags")
def test_the_stubs_that_keep_the_lock_do_not_wait_whatever_they_are_told(slow: Makers) -> None:
    client, server = slow.pair()
    frame = _sockets.Frame(9)
    again = {-errno.EAGAIN, -errno.EWOULDBLOCK}
    began = time.monotonic()
    assert _sockets.recvfrom_keep(client._foreign, frame.data, 9, 0, frame.struct) in again
    sent = 0
    while sent >= 0:
        sent = _sockets.sendto_keep(
            server._foreign, bytes(60000), 60000, 0, _sockets.ffi.NULL, 0
        )
    assert sent in again
    assert time.monotonic() - began < DEADLINE / 2


# The stubs and what is declared of them.

def build_procedures() -> Any:
    spec = importlib.util.spec_from_file_location("build", GENERATED / "build_sockets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_names_of_the_stubs_tell_what_they_do() -> None:
    for name, keeps in _sockets.KEEPS_LOCK.items():
        assert name.endswith("_block") is not keeps
    assert {name for name in _sockets.KEEPS_LOCK if name.endswith("_block")} >= {
        f"{name}_block" for name in ("accept", "connect", "recvfrom", "sendto", "bind", "close")
    }


def test_the_build_stops_at_a_stub_that_does_not_do_what_is_declared() -> None:
    check_guards = build_procedures().check_guards
    stub = (GENERATED / "sockets-stub.c").read_text(encoding="utf-8")
    check_guards(stub, _sockets.KEEPS_LOCK)
    for name, keeps in (("accept_block", True), ("listen_keep", False), ("bind_block", True)):
        with pytest.raises(SystemExit, match=f"{name} .* GUARD") as stopped:
            check_guards(stub, {**_sockets.KEEPS_LOCK, name: keeps})
        assert "\n" not in str(stopped.value)


WRAPPER = """
static PyObject *
_cffi_f_listen_keep(PyObject *self, PyObject *args)
{
  Py_BEGIN_ALLOW_THREADS
  _cffi_restore_errno();
  { result = listen_keep(x0, x1); }
  Py_END_ALLOW_THREADS
  return pyresult;
}
"""


@pytest.mark.parametrize("wrapper", [
    WRAPPER.replace("Py_BEGIN_ALLOW_THREADS", "PyThreadState *state = PyEval_SaveThread();"),
    WRAPPER.replace("  Py_END_ALLOW_THREADS\n", ""),
    WRAPPER.replace("  return", "  Py_BEGIN_ALLOW_THREADS\n  Py_END_ALLOW_THREADS\n  return"),
    WRAPPER.replace("listen_keep", "something_else"),
    "",
])
def test_the_build_stops_at_wrappers_of_another_form(wrapper: str) -> None:
    check_wrappers = build_procedures().check_wrappers
    check_wrappers(WRAPPER, {"listen_keep": True})
    with pytest.raises(SystemExit, match="this version of cffi") as stopped:
        check_wrappers(wrapper, {"listen_keep": True})
    assert "\n" not in str(stopped.value)


@windows_differs("handles")
def test_sizes_and_results_have_the_widths_of_c() -> None:
    from sockets._stub import ffi, lib  # departures 1 and 40

    for name in ("recvfrom_block", "recvfrom_keep", "sendto_block", "sendto_keep"):
        kind = ffi.typeof(getattr(lib, name))
        assert ffi.sizeof(kind.result) == ffi.sizeof("ssize_t")
        assert int(ffi.cast(kind.result, -1)) == -1
        assert ffi.sizeof(kind.args[2]) == ffi.sizeof("size_t")
    for name in ("accept_block", "connect_block", "bind_block", "listen_keep"):
        kind = ffi.typeof(getattr(lib, name))
        assert ffi.sizeof(kind.result) == ffi.sizeof("int")
        assert int(ffi.cast(kind.result, -1)) == -1


@windows_differs("handles")
def test_a_failure_comes_back_in_band() -> None:
    from sockets._stub import ffi, lib  # departures 1 and 38

    nothing, frame = ffi.new("struct foreign_socket *", (-1,)), ffi.new("struct foreign_frame *")
    packed = LOOPBACK.converter()
    assert lib.accept_block(nothing, 0, frame) == -errno.EBADF
    assert lib.connect_block(nothing, packed, len(packed)) == -errno.EBADF
    assert lib.recvfrom_keep(nothing, ffi.new("char[]", 9), 9, 0, frame) == -errno.EBADF
    assert frame.length == 0
    with reports(errno.EAFNOSUPPORT):
        create_socket(
            SocketDomain(1000, lambda raw: LOOPBACK, 16), SocketType.STREAM, SocketProtocol.AUTO
        )
