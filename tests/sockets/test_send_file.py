"""Sending files: all of them, parts, what cannot be finished, and what the system cannot send."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    Makers,
    asleep,
    needs_posix,
    reports,
    run_python,
    until,
    with_lock,
)

from sockets import (
    ShutdownMethod,
    Socket,
    SocketCondition,
    SocketOption,
    _sockets,
    close_socket,
    receive_from_socket,
    send_file,
    set_socket_option,
    shutdown_socket,
    within,
)

LARGE = 3_000_000  # more than a socket holds
CONTENT = os.urandom(LARGE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "large"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(params=["sendfile", "EINVAL", "ENOSYS"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The system's call; and as if it refused the file, or there were none."""
    if request.param != "sendfile":
        error = getattr(errno, request.param)
        monkeypatch.setattr(_sockets, "sendfile_block", lambda *arguments: -error)
    return str(request.param)


def narrow(make: Makers) -> tuple[Socket, Socket]:
    """A pair that holds much less than the file."""
    client, server = make.pair()
    set_socket_option(client, SocketOption.SEND_BUFFER, 65536)
    set_socket_option(server, SocketOption.RECEIVE_BUFFER, 65536)
    return client, server


class Reader(threading.Thread):
    """Receives until the end."""

    def __init__(self, sock: Socket) -> None:
        super().__init__(daemon=True)
        self.sock, self.got = sock, bytearray()
        self.start()

    def run(self) -> None:
        while True:
            data, condition = within(DEADLINE if self.sock.nonblocking else None,
                                     receive_from_socket, self.sock, 1 << 18)
            assert data is not None, condition
            if not data:
                return
            self.got += data

    def all(self) -> bytes:
        self.join(DEADLINE)
        assert not self.is_alive()
        return bytes(self.got)


def drained(sock: Socket) -> bytes:
    """What is there."""
    got = bytearray()
    while (data := within(0.2, receive_from_socket, sock, 1 << 18)[0] if sock.nonblocking
           else receive_from_socket(sock, 1 << 18, _sockets.ReceiveFromOption.DONT_WAIT)[0]):
        got += data
    return bytes(got)


# All of it, and parts.

def test_a_file_is_sent_to_its_end(make: Makers, place: Path, way: str) -> None:
    client, server = make.pair()
    reader = Reader(server)
    with place.open("rb") as file:
        assert send_file(client, file) == (LARGE, None)
        assert file.tell() == 0 or sys.platform == "win32"
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert reader.all() == CONTENT


@pytest.mark.parametrize(("offset", "count", "expected"), [
    (0, 0, 0), (0, 1, 1), (5, 1000, 1000), (LARGE - 3, None, 3), (LARGE - 3, 100, 3),
    (LARGE, None, 0), (LARGE + 10**9, 7, 0), (0, 70000, 70000),
])
def test_a_part_of_a_file_is_sent(
    quick: Makers, place: Path, way: str, offset: int, count: int | None, expected: int
) -> None:
    client, server = quick.pair()
    reader = Reader(server)
    with place.open("rb") as file:
        assert send_file(client, file.fileno(), offset, count) == (expected, None)
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert reader.all() == CONTENT[offset : offset + expected]


@needs_posix
def test_the_files_own_position_is_not_used_and_not_moved(quick: Makers, place: Path) -> None:
    client, server = quick.pair()
    with place.open("rb", buffering=0) as file:
        file.seek(100)
        assert send_file(client, file, 7, 5) == (5, None)
        assert file.tell() == 100
    assert drained(server) == CONTENT[7:12]


@needs_posix
def test_a_file_that_the_kernel_makes_up_is_sent(quick: Makers) -> None:
    client, server = quick.pair()
    made_up = Path("/proc/self/cmdline")
    with (made_up if made_up.exists() else Path(__file__)).open("rb") as file:
        expected = file.read()
        assert send_file(client, file) == (len(expected), None)
    assert drained(server) == expected


# What cannot be finished.

def test_when_the_time_is_up_it_is_told_how_much_went_and_the_rest_can_follow(
    quick: Makers, place: Path, way: str
) -> None:
    client, server = narrow(quick)
    with place.open("rb") as file:
        done, condition = send_file(client, file, timeout=0.05)
        assert 0 < done < LARGE
        assert condition is not None and condition.type == errno.ETIMEDOUT
        reader = Reader(server)
        again, condition = within(DEADLINE, send_file, client, file, done)
        assert (done + again, condition) == (LARGE, None)
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert reader.all() == CONTENT


def test_a_time_of_nothing_still_sends_what_there_is_room_for(quick: Makers, place: Path) -> None:
    client, server = quick.pair()
    with place.open("rb") as file:
        assert send_file(client, file, 0, 100, timeout=0) == (100, None)
    assert drained(server) == CONTENT[:100]


@needs_posix
def test_a_blocking_sockets_own_time_out_ends_it_too(
    slow: Makers, place: Path, way: str
) -> None:
    client, server = narrow(slow)
    set_socket_option(client, SocketOption.SEND_TIMEOUT, 0.05)
    with place.open("rb") as file:
        done, condition = send_file(client, file)
        with pytest.raises(ValueError, match="send_file: a timeout needs a non-blocking socket"):
            send_file(client, file, timeout=1)
    assert condition is not None and condition.type in _sockets.NOT_YET
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert 0 < done < LARGE
    assert Reader(server).all() == CONTENT[:done]


def test_a_peer_that_has_gone_is_an_error_that_has_the_count(
    quick: Makers, place: Path, way: str
) -> None:
    client, server = narrow(quick)
    with place.open("rb") as file:
        done, _ = send_file(client, file, timeout=0.05)
        close_socket(server)
        for _ in range(3):  # a reset may be told before the broken pipe
            with pytest.raises((ConnectionError, BrokenPipeError)) as caught:
                send_file(client, file, done, timeout=DEADLINE)
            assert isinstance(caught.value, SocketCondition)
            assert caught.value.done == 0
            sends_itself = way == "sendfile" and sys.platform != "win32"
            assert caught.value.syscall == ("sendfile" if sends_itself else "sendto")


BROKEN = """
import signal, sys, tempfile
from sockets import *
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
if len(sys.argv) > 1:  # it is pending, and stays so
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
    signal.raise_signal(signal.SIGPIPE)
one, two = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
close_socket(two)
with tempfile.TemporaryFile() as file:
    file.write(b"x" * 9)
    file.flush()
    for _ in range(2):
        try:
            send_file(one, file)
        except BrokenPipeError as condition:
            print(condition.name, condition.who, condition.syscall, condition.done)
close_socket(one)
print([*map(int, signal.sigpending())], [*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))])
"""


@needs_posix
@pytest.mark.parametrize("pending", [False, True])
def test_nobody_is_killed_by_a_broken_pipe_and_a_signal_of_others_is_left_pending(
    pending: bool
) -> None:
    *told, after = run_python(BROKEN, *["pending"] * pending).splitlines()
    assert told == ["EPIPE send_file sendfile 0"] * 2
    assert after == ("[13] [13]" if pending else "[] []")


# Signals.

class Stop(Exception):
    """What a handler raises."""


@needs_posix
@pytest.mark.parametrize("raises", [True, False])
def test_a_signal_runs_its_handler_and_nothing_is_sent_twice_or_lost(
    make: Makers, place: Path, way: str, raises: bool
) -> None:
    if raises and way != "sendfile" and not _sockets.HAS_FAST_PATHS:
        pytest.skip("between a send and its count there are instructions of Python's here")
    client, server = narrow(make)
    seen: list[int] = []
    readers: list[Reader] = []

    def handler(number: int, frame: Any) -> None:
        seen.append(number)
        if raises:
            raise Stop
        readers.append(Reader(server))

    old = signal.signal(signal.SIGUSR1, handler)
    main = threading.get_ident()

    def strike() -> None:
        until(lambda: asleep(threading.main_thread().native_id or 0), "a full socket")
        signal.pthread_kill(main, signal.SIGUSR1)

    thread = threading.Thread(target=strike, daemon=True)
    try:
        with place.open("rb") as file:
            thread.start()
            if raises:
                with pytest.raises(Stop) as caught:
                    send_file(client, file)
                done = caught.value.done  # type: ignore[attr-defined]
                assert 0 < done < LARGE
            else:
                assert send_file(client, file) == (LARGE, None)
                done = LARGE
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, old)
    assert seen == [signal.SIGUSR1]
    shutdown_socket(client, ShutdownMethod.WRITE)
    assert (readers[0] if readers else Reader(server)).all() == CONTENT[:done]


@needs_posix
@with_lock
def test_other_threads_run_while_a_file_waits_for_room(slow: Makers, place: Path) -> None:
    client, server = narrow(slow)
    with place.open("rb") as file:
        results: list[Any] = []
        thread = threading.Thread(target=lambda: results.append(send_file(client, file)))
        thread.start()
        got = bytearray()  # which this thread could not receive
        while len(got) < LARGE:
            got += receive_from_socket(server, 1 << 18)[0] or b""
        thread.join()
    assert (results, bytes(got)) == ([(LARGE, None)], CONTENT)


# What is wrong.

@pytest.fixture
def pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.write(writing, b"x")
    yield reading
    os.close(reading)
    os.close(writing)


@needs_posix
def test_what_has_no_places_is_refused_and_nothing_of_it_is_lost(
    quick: Makers, pipe: int, way: str
) -> None:
    client, server = quick.pair()
    with reports(errno.ESPIPE, "send_file"):
        send_file(client, pipe)
    assert os.read(pipe, 9) == b"x"
    assert drained(server) == b""


def test_what_is_not_an_open_file_is_refused(quick: Makers, place: Path) -> None:
    client, _ = quick.pair()
    file = place.open("rb")
    file.close()
    wrong: list[tuple[Any, Any]] = [
        (TypeError, lambda: send_file(1, file)),  # type: ignore[arg-type]
        (TypeError, lambda: send_file(client, b"x")),  # type: ignore[arg-type]
        (TypeError, lambda: send_file(client, io.BytesIO(b"x"))),
        (TypeError, lambda: send_file(client, file)),
        (TypeError, lambda: send_file(client, True)),
        (ValueError, lambda: send_file(client, -1)),
        (ValueError, lambda: send_file(client, 0, -1)),
        (TypeError, lambda: send_file(client, 0, "0")),  # type: ignore[arg-type]
        (ValueError, lambda: send_file(client, 0, 0, -1)),
        (TypeError, lambda: send_file(client, 0, 0, 1.0)),  # type: ignore[arg-type]
        (ValueError, lambda: send_file(client, 0, timeout=-1)),
    ]
    for kind, call in wrong:
        with pytest.raises(kind, match=r"^send_file: "):
            call()


@needs_posix
def test_whose_descriptor_is_bad_is_told(quick: Makers, place: Path, way: str) -> None:
    client, _ = quick.pair()
    with reports(errno.EBADF, "send_file") as caught:
        send_file(client, 987654)
    assert "file 987654" in str(caught.value)
    close_socket(client)
    with place.open("rb") as file, pytest.raises(SocketCondition, match="the socket is closed"):
        send_file(client, file)


@needs_posix
def test_a_file_that_grows_is_sent_as_far_as_it_goes(quick: Makers, tmp_path: Path) -> None:
    client, server = quick.pair()
    with (tmp_path / "growing").open("wb+", buffering=0) as file:
        ask: Callable[[int], Any] = lambda offset: send_file(client, file, offset)  # noqa: E731
        file.write(b"one")
        assert ask(0) == (3, None)
        assert ask(3) == (0, None)
        file.write(b"two")
        assert ask(3) == (3, None)
    assert drained(server) == b"onetwo"
