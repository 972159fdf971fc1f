"""Many datagrams in one call, and receiving into a buffer of the caller's."""

from __future__ import annotations

import array
import contextlib
import errno
import mmap
import os
import pickle
import signal
import socket as native
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DEADLINE,
    SO_RCVTIMEO,
    WITH_IPV6,
    Family,
    Makers,
    Waiter,
    interrupting,
    int_option,
    name_of,
    needs_posix,
    readable,
    reports,
    send_all,
    windows_differs,
    wine_lacks,
    with_lock,
)
from hypothesis import given
from hypothesis import strategies as st
from test_lock import Stepper, made_blocking, stepper, would_block  # noqa: F401

from sockets import (
    HAS_DONT_WAIT,
    HAS_RECEIVE_OFFLOAD,
    Datagrams,
    InternetAddress,
    ReceiveFromOption,
    SendToOption,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketOption,
    SocketType,
    UdpOption,
    close_socket,
    connect_socket,
    get_socket_option,
    receive_datagrams,
    receive_from_socket,
    receive_into_socket,
    send_datagrams,
    send_to_socket,
    set_socket_option,
    skip_datagrams,
    within,
)

DATAGRAM = SocketType.DATAGRAM
NO_CHECKSUM = int_option(11)  # SO_NO_CHECK, with which the kernel refuses offload
NOT_WAITING = [SendToOption(ReceiveFromOption.DONT_WAIT.value)] if HAS_DONT_WAIT else []
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="SO_NO_CHECK is Linux's")
SHORT = 0.2  # seconds that a call has to wait in vain


@pytest.fixture(params=WITH_IPV6)
def family(request: pytest.FixtureRequest, folder: Path) -> Family:
    return Family(request.param, folder)


@pytest.fixture(params=["plain", "joined"])
def joining(request: pytest.FixtureRequest) -> bool:
    """Whether the kernel joins what is received, where it can."""
    return bool(request.param == "joined")


def receiver(make: Makers, joining: bool = False) -> Socket:
    sock = make.bound()
    if make.family.unix:
        return sock
    set_socket_option(sock, SocketOption.RECEIVE_BUFFER, 2**21)
    if joining and HAS_RECEIVE_OFFLOAD:
        set_socket_option(sock, UdpOption.RECEIVE_OFFLOAD, True)
    return sock


def datagrams_of(runs: list[Datagrams]) -> list[tuple[bytes, SocketAddress | None]]:
    return [(datagram, run.address) for run in runs for datagram in run]


def send_and_receive(
    sender: Socket, sock: Socket, runs: list[Datagrams], size: int = 65507, count: int = 64
) -> list[Datagrams]:
    """Send all the runs, receiving at the same time, since a UNIX socket's queue is short."""
    got: list[Datagrams] = []
    total = sum(map(len, runs))
    while len(datagrams_of(got)) < total:
        if runs:
            sent = send_datagrams(sender, runs, *NOT_WAITING)
            if isinstance(sent, int):
                runs = skip_datagrams(runs, sent)
        readable(sock)
        received = receive_datagrams(sock, count, size)
        assert isinstance(received, list)
        got += received
    assert runs == []
    return got


# Runs.

@given(st.binary(max_size=300), st.integers(1, 400))
def test_a_run_is_cut_into_pieces_of_its_size(data: bytes, size: int) -> None:
    run = Datagrams(data, size, None)
    pieces = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
    assert list(run) == pieces
    assert len(run) == len(pieces)
    assert [run[i] for i in range(len(run))] == pieces
    assert run[-1] == pieces[-1]
    with pytest.raises(IndexError):
        run[len(pieces)]


@given(st.lists(st.tuples(st.binary(max_size=50), st.integers(1, 20))), st.integers(0, 60))
def test_skipping_leaves_the_datagrams_that_were_not_sent(
    parts: list[tuple[bytes, int]], count: int
) -> None:
    runs = [Datagrams(data, size, InternetAddress(i, 1)) for i, (data, size) in enumerate(parts)]
    assert datagrams_of(skip_datagrams(runs, count)) == datagrams_of(runs)[count:]


def test_a_run_is_a_value() -> None:
    address = InternetAddress(1, 2)
    run = Datagrams(bytearray(b"abcd"), 2, address)
    assert run == Datagrams(memoryview(b"abcd"), 2, address)
    assert run.data == b"abcd"
    assert type(run.data) is bytes
    assert len({run, Datagrams(array.array("B", b"abcd"), 2, address)}) == 1
    assert pickle.loads(pickle.dumps(run)) == run
    assert run != Datagrams(b"abcd", 3, address)
    assert repr(Datagrams(b"ab", 1, None)) == "Datagrams(b'ab', 1, None, False)"


@pytest.mark.parametrize(("error", "values"), [
    (TypeError, ("text", 1, None)), (TypeError, (b"", "1", None)), (TypeError, (b"", True, None)),
    (TypeError, (b"x", 1, "127.0.0.1:1")), (ValueError, (b"x", 0, None)),
    (ValueError, (b"x", -1, None)), (TypeError, (memoryview(b"abcd")[::2], 1, None)),
])
def test_wrong_parts_of_a_run_are_refused(error: Any, values: Any) -> None:
    with pytest.raises(error, match=r"Datagrams: (data|buffer|size|address) must"):
        Datagrams(*values)


# There and back.

def test_datagrams_arrive_whole_in_order_with_their_sender(make: Makers, joining: bool) -> None:
    first, second = make.bound(), receiver(make, joining)
    data = os.urandom(64 * 64)
    [*runs] = send_and_receive(first, second, [Datagrams(data, 64, name_of(second))], 64)
    assert datagrams_of(runs) == [(data[i : i + 64], name_of(first)) for i in range(0, 4096, 64)]


def test_what_was_received_can_be_sent_as_it_is(make: Makers, joining: bool) -> None:
    client, server = receiver(make, joining), receiver(make, joining)
    data = os.urandom(1000)
    asked = send_and_receive(client, server, [Datagrams(data, 99, name_of(server))])
    answer = send_and_receive(server, client, asked)
    assert b"".join(run.data for run in answer) == data
    assert {run.address for run in answer} == {name_of(server)}


def test_one_call_sends_to_many_addresses(make: Makers) -> None:
    sender, places = make.bound(), [receiver(make) for _ in range(5)]
    runs = [Datagrams(bytes([i]) * (7 + i), 4, name_of(sock)) for i, sock in enumerate(places)]
    assert send_datagrams(sender, runs) == sum(map(len, runs))
    for run, sock in zip(runs, places, strict=True):
        got = receive_datagrams(sock, 64, 100)
        assert got == [Datagrams(run.data, 4, name_of(sender))]


def test_datagrams_of_many_senders_are_kept_apart(make: Makers, joining: bool) -> None:
    senders, sock = [make.bound() for _ in range(4)], receiver(make, joining)
    for sender in senders * 2:
        assert send_datagrams(sender, [Datagrams(b"x", 1, name_of(sock))]) == 1
    got: list[Datagrams] = []
    while len(datagrams_of(got)) < 8:
        more = receive_datagrams(sock, 64, 9)
        assert isinstance(more, list)
        got += more
    assert datagrams_of(got) == [(b"x", name_of(sender)) for sender in senders * 2]


@pytest.mark.parametrize("sizes", [
    [0], [0, 0, 0], [5, 0, 5], [0, 5], [3, 3, 2], [3, 3, 2, 3], [3, 4, 3], [2, 3], [1] * 9,
    [3, 3, 2, 2, 2, 1, 3],
])
def test_datagrams_of_all_sizes_keep_their_bounds(
    make: Makers, joining: bool, sizes: list[int]
) -> None:
    sender, sock = make.bound(), receiver(make, joining)
    sent = [os.urandom(size) for size in sizes]
    runs = [Datagrams(data, len(data), name_of(sock)) for data in sent]
    got = send_and_receive(sender, sock, runs)
    assert [datagram for datagram, _ in datagrams_of(got)] == sent


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 127, 128, 129, 1025, 3000])
def test_batches_of_every_length_are_sent_and_received_whole(
    tcp: Makers, joining: bool, count: int
) -> None:
    """Beyond 64 messages, 64 segments, and the kernel's 1024 in one call."""
    sender, sock = tcp.bound(), receiver(tcp, joining)
    set_socket_option(sock, SocketOption.RECEIVE_BUFFER, 2**22)
    numbered = b"".join(i.to_bytes(8, "big") for i in range(count))
    got: list[Datagrams] = []
    runs = [Datagrams(numbered, 8, name_of(sock))]
    while runs:
        part = Datagrams(runs[0].data[: 8 * 200], 8, runs[0].address)  # the queue has its bounds
        assert send_datagrams(sender, [part]) == len(part)
        runs = skip_datagrams(runs, len(part))
        wanted = len(datagrams_of(got)) + len(part)
        while len(datagrams_of(got)) < wanted:
            more = receive_datagrams(sock, count, 8)
            assert isinstance(more, list)
            got += more
    assert b"".join(datagram for datagram, _ in datagrams_of(got)) == numbered
    assert all(run.size == 8 for run in got)


@pytest.mark.parametrize("size", [1, 700, 1472, 9000, 20000, 32733, 32734, 60000, 65507])
def test_large_datagrams_go_as_they_are(tcp: Makers, joining: bool, size: int) -> None:
    """Those for which there is no offload, and those of which 64 KiB hold few."""
    sender, sock = tcp.bound(), receiver(tcp, joining)
    data = os.urandom(size * 5)
    got = send_and_receive(sender, sock, [Datagrams(data, size, name_of(sock))], 65507, 5)
    assert b"".join(run.data for run in got) == data
    assert {len(datagram) for datagram, _ in datagrams_of(got)} == {size}


@pytest.mark.parametrize("longer", [1, 5, 60])
def test_what_exceeds_the_size_is_lost_and_nothing_else(
    make: Makers, joining: bool, longer: int
) -> None:
    sender, sock = make.bound(), receiver(make, joining)
    data = os.urandom((64 + longer) * 6 + 10)
    run = Datagrams(data, 64 + longer, name_of(sock))
    got = send_and_receive(sender, sock, [run], 64)
    assert [datagram for datagram, _ in datagrams_of(got)] == [each[:64] for each in run]
    marks = [run.truncated and len(each) == run.size for run in got for each in run]
    assert marks == [len(each) > 64 for each in run]


def test_what_was_cut_is_told_from_what_fits_exactly(make: Makers, joining: bool) -> None:
    sender, sock = make.bound(), receiver(make, joining)
    sent = [b"1234", b"5678", b"12345", b"6789a", b"bcde", b"f", b"", b"12345"]
    runs = [Datagrams(each, len(each), name_of(sock)) for each in sent]
    got = send_and_receive(sender, sock, runs, 4)
    assert [(each, run.truncated) for run in got for each in run] == [
        (each[:4], len(each) > 4) for each in sent
    ]


def test_a_mark_is_a_part_of_the_value() -> None:
    cut = Datagrams(b"abcd", 2, None, True)
    assert cut.truncated and not Datagrams(b"abcd", 2, None).truncated
    assert cut != Datagrams(b"abcd", 2, None)
    assert pickle.loads(pickle.dumps(cut)) == cut
    assert skip_datagrams([cut], 1) == [Datagrams(b"cd", 2, None, True)]
    with pytest.raises(TypeError, match="Datagrams: truncated must be a bool, not 1"):
        Datagrams(b"abcd", 2, None, 1)  # type: ignore[arg-type]


@linux_only
def test_how_long_a_datagram_was_is_told_to_whoever_asks(make: Makers) -> None:
    first, second = make.datagrams()
    truncate, peek = ReceiveFromOption(native.MSG_TRUNC), ReceiveFromOption.PEEK
    send_to_socket(first, b"0123456789", None)
    buffer = bytearray(4)
    assert receive_into_socket(second, bytearray(), truncate, peek)[0] == 10
    assert receive_from_socket(second, 4, truncate, peek)[0] == b"0123"
    assert receive_into_socket(second, buffer, peek)[0] == 4
    assert receive_into_socket(second, buffer, truncate)[0] == 10
    assert buffer == b"0123"


@linux_only
def test_other_control_data_does_not_hide_the_bounds(tcp: Makers) -> None:
    sender, sock = tcp.bound(), receiver(tcp, True)
    for option in (29, 40):  # SO_TIMESTAMP, SO_RXQ_OVFL
        set_socket_option(sock, int_option(option), 1)
    set_socket_option(sock, int_option(8, SocketOption, 0), 1)  # IP_PKTINFO
    data = os.urandom(640)
    got = send_and_receive(sender, sock, [Datagrams(data, 64, name_of(sock))])
    assert [len(datagram) for datagram, _ in datagrams_of(got)] == [64] * 10


def test_a_connected_socket_sends_to_its_peer(make: Makers) -> None:
    first, second = make.datagrams()
    assert send_datagrams(first, [Datagrams(b"abc", 1, None)]) == 3
    assert receive_datagrams(second, 9, 9) == [Datagrams(b"abc", 1, name_of(first))]


def test_no_runs_are_nothing_to_send(make: Makers) -> None:
    assert send_datagrams(make.bound(), []) == 0


def test_receiving_stops_at_the_count(make: Makers) -> None:
    sender, sock = make.bound(), receiver(make)
    assert send_datagrams(sender, [Datagrams(b"abcde", 1, name_of(sock))]) == 5
    for part in (b"ab", b"cd", b"e"):
        assert receive_datagrams(sock, 2, 9) == [Datagrams(part, 1, name_of(sender))]


def test_an_unnamed_sender_has_no_address(unix: Makers) -> None:
    sender, sock = unix.socket(DATAGRAM), unix.bound()
    assert send_datagrams(sender, [Datagrams(b"ab", 1, name_of(sock))]) == 2
    assert receive_datagrams(sock, 9, 9) == [Datagrams(b"ab", 1, None)]


# Offload.

def offers(sock: Socket, option: int) -> bool:
    with contextlib.suppress(SocketCondition):
        get_socket_option(sock, int_option(option, SocketOption, native.IPPROTO_UDP))
        return True
    return False


@pytest.mark.skipif(not HAS_RECEIVE_OFFLOAD, reason="no offload here")
def test_runs_go_through_the_kernel_as_one(tcp: Makers) -> None:
    """Seen from a socket of Python's own, which gets them joined."""
    sender, sock = tcp.bound(), receiver(tcp, True)
    if not offers(sock, 103):
        pytest.skip("this kernel has no UDP_SEGMENT")
    assert send_datagrams(sender, [Datagrams(bytes(640), 64, name_of(sock))]) == 10
    plain = native.socket(fileno=os.dup(sock.fd))
    with plain:
        data, control, _, _ = plain.recvmsg(65536, 64)
    assert len(data) == 640
    assert control == [(native.IPPROTO_UDP, 104, struct.pack("i", 64))]


@linux_only
def test_offload_that_is_refused_is_done_without(tcp: Makers, joining: bool) -> None:
    sender, sock = tcp.bound(), receiver(tcp, joining)
    set_socket_option(sender, NO_CHECKSUM, 1)
    numbered = b"".join(i.to_bytes(4, "big") for i in range(100))
    for runs in ([Datagrams(numbered, 4, name_of(sock))],
                 [Datagrams(numbered[:4], 4, name_of(sock)),
                  Datagrams(numbered[4:], 4, name_of(sock))]):
        assert send_datagrams(sender, runs) == 100  # none lost, none doubled
        got: list[Datagrams] = []
        while isinstance(more := receive_datagrams(sock, 64, 9), list):
            got += more
        assert b"".join(run.data for run in got) == numbered
        assert len(datagrams_of(got)) == 100


def test_sending_by_runs_does_not_change_what_a_plain_receive_gets(tcp: Makers) -> None:
    sender, sock = tcp.bound(), receiver(tcp)
    send_datagrams(sender, [Datagrams(b"aabbc", 2, name_of(sock))])
    assert [receive_from_socket(sock, 99)[0] for _ in range(3)] == [b"aa", b"bb", b"c"]
    receive_datagrams(sock, 9, 9)
    send_datagrams(sender, [Datagrams(b"aabbc", 2, name_of(sock))])
    assert [receive_from_socket(sock, 99)[0] for _ in range(3)] == [b"aa", b"bb", b"c"]


# Partial results.

def test_a_full_queue_ends_a_send_with_the_count_and_then_with_the_condition(
    unix: Makers,
) -> None:
    sender, sock = unix.bound(), unix.bound()
    runs = [Datagrams(bytes(range(100)), 1, name_of(sock))]
    sent = send_datagrams(sender, runs)
    assert isinstance(sent, int)
    assert 0 < sent < 100
    condition = send_datagrams(sender, skip_datagrams(runs, sent))
    assert isinstance(condition, SocketCondition)
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
    assert (condition.who, condition.syscall) == ("send_datagrams", "sendmmsg")
    assert condition.address == name_of(sock)
    received = receive_datagrams(sock, 100, 1)
    assert isinstance(received, list)
    assert received[0].data == bytes(range(sent))


@pytest.mark.parametrize("before", [0, 1, 3, 70])
def test_a_datagram_that_is_too_long_fails_after_those_before_it(
    tcp: Makers, before: int
) -> None:
    sender, sock, other = tcp.bound(), receiver(tcp), receiver(tcp)
    runs = [Datagrams(bytes([i]), 1, name_of(sock)) for i in range(before)]
    runs += [Datagrams(bytes(65508), 65508, name_of(other)), Datagrams(b"z", 1, name_of(sock))]
    with reports(errno.EMSGSIZE, "send_datagrams", "sendmmsg") as caught:
        send_datagrams(sender, runs)
    assert caught.value.done == before
    assert caught.value.address == name_of(other)
    got = receive_datagrams(sock, 100, 1)
    sent = b"".join(run.data for run in got) if isinstance(got, list) else b""
    assert sent == bytes(range(before))
    assert send_datagrams(sender, skip_datagrams(runs, before + 1)) == 1


def test_a_refused_run_that_is_too_long_is_reported(tcp: Makers) -> None:
    sender, sock = tcp.bound(), receiver(tcp)
    with reports(errno.EMSGSIZE) as caught:
        send_datagrams(sender, [Datagrams(bytes(65508 * 2), 65508, name_of(sock))])
    assert caught.value.done == 0


def test_a_refusal_of_the_peer_is_never_forgotten(tcp: Makers) -> None:
    """The kernel tells it once, and sendmmsg drops it if something was sent before."""
    sender, nobody = tcp.bound(), tcp.bound()
    connect_socket(sender, name_of(nobody))
    close_socket(nobody)
    runs = [Datagrams(b"x", 1, None), Datagrams(b"yy", 2, None)] * 10
    told = 0
    while runs:
        try:
            sent = send_datagrams(sender, runs)
        except ConnectionRefusedError as refused:
            assert isinstance(refused, SocketCondition)
            told += 1
            sent = refused.done  # type: ignore[assignment]
        assert isinstance(sent, int)
        assert sent <= 2
        runs = skip_datagrams(runs, sent)
    assert told >= 5


@windows_differs("refused")
def test_a_refusal_comes_before_what_is_received_and_loses_none_of_it(tcp: Makers) -> None:
    sender, nobody = tcp.bound(), tcp.bound()
    connect_socket(sender, name_of(nobody))
    address = name_of(sender)
    send_datagrams(nobody, [Datagrams(b"abc", 1, address)])
    close_socket(nobody)
    send_to_socket(sender, b"x", None)
    with pytest.raises(ConnectionRefusedError):
        receive_datagrams(sender, 9, 9)
    got = receive_datagrams(sender, 9, 9)
    assert isinstance(got, list)
    assert [run.data for run in got] == [b"abc"]


@wine_lacks("unconnected")
def test_sending_without_a_peer_is_reported(make: Makers) -> None:
    with pytest.raises(SocketCondition) as caught:
        send_datagrams(make.bound(), [Datagrams(b"ab", 1, None)])
    assert caught.value.type in (errno.EDESTADDRREQ, errno.ENOTCONN)
    assert caught.value.done == 0
    assert caught.value.address is None


# Waiting.

def test_nothing_yet_is_a_value(quick: Makers, joining: bool) -> None:
    sock = receiver(quick, joining)
    condition = receive_datagrams(sock, 64, 64)
    assert isinstance(condition, SocketCondition)
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
    assert (condition.who, condition.syscall) == ("receive_datagrams", "recvmmsg")


def test_a_blocking_socket_waits_for_the_first_and_for_no_more(
    slow: Makers, joining: bool
) -> None:
    sender, sock = slow.bound(), receiver(slow, joining)
    waiter = Waiter(receive_datagrams, sock, 64, 64).is_asleep()
    assert send_to_socket(sender, b"x", name_of(sock)) == 1
    assert waiter.answer() == [Datagrams(b"x", 1, name_of(sender))]
    condition = receive_datagrams(sock, 64, 64, ReceiveFromOption.DONT_WAIT)
    assert isinstance(condition, SocketCondition)


@windows_differs("timeouts")
def test_a_receive_timeout_that_runs_out_is_a_value(slow: Makers, joining: bool) -> None:
    sock = receiver(slow, joining)
    set_socket_option(sock, SO_RCVTIMEO, SHORT)
    condition = receive_datagrams(sock, 64, 64)
    assert isinstance(condition, SocketCondition)
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)


def test_a_blocking_socket_waits_until_there_is_room(slow: Makers) -> None:
    if not slow.family.unix:
        pytest.skip("UDP does not wait for its receiver")
    sender, sock = slow.bound(), slow.bound()
    waiter = Waiter(send_datagrams, sender, [Datagrams(bytes(100), 1, name_of(sock))]).is_asleep()
    got = 0
    while got < 100:
        more = receive_datagrams(sock, 100, 1)
        assert isinstance(more, list)
        got += sum(map(len, more))
    assert waiter.answer() == 100


def test_within_waits_for_many(quick: Makers) -> None:
    sender, sock = quick.bound(), receiver(quick)
    late = within(0, receive_datagrams, sock, 64, 64)
    assert isinstance(late, SocketCondition)
    assert late.type == errno.ETIMEDOUT
    waiter = Waiter(within, DEADLINE, receive_datagrams, sock, 64, 64).is_asleep()
    send_datagrams(sender, [Datagrams(b"x", 1, name_of(sock))])
    assert waiter.answer() == [Datagrams(b"x", 1, name_of(sender))]


def test_within_waits_for_room(unix: Makers) -> None:
    sender, sock = unix.bound(), unix.bound()
    connect_socket(sender, name_of(sock))
    runs = [Datagrams(bytes(100), 1, None)]
    sent = send_datagrams(sender, runs)
    assert isinstance(sent, int)
    waiter = Waiter(within, DEADLINE, send_datagrams, sender, skip_datagrams(runs, sent))
    waiter.is_asleep()
    receive_datagrams(sock, 100, 1)
    assert waiter.answer() > 0


def test_a_signal_ends_a_send_that_waits_with_what_was_sent(slow: Makers) -> None:
    if not slow.family.unix:
        pytest.skip("UDP does not wait for its receiver")
    sender, sock = slow.bound(), slow.bound()
    runs = [Datagrams(bytes(range(100)), 1, name_of(sock))]
    sent, seen = interrupting(lambda: send_datagrams(sender, runs))
    assert seen == 1
    assert 0 < sent < 100
    got = receive_datagrams(sock, 100, 1)
    assert isinstance(got, list)
    assert got[0].data == bytes(range(sent))


def test_a_signal_during_a_receive_is_handled_and_the_receive_goes_on(
    slow: Makers, joining: bool
) -> None:
    sender, sock = slow.bound(), receiver(slow, joining)
    place, seen = name_of(sock), []

    def handle(*_: object) -> None:
        seen.append(send_to_socket(sender, b"x", place))

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert receive_datagrams(sock, 64, 64) == [Datagrams(b"x", 1, name_of(sender))]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen == [1]


def test_a_closed_socket_is_reported(make: Makers) -> None:
    sock = make.bound()
    place = name_of(sock)
    close_socket(sock)
    with reports(errno.EBADF, "send_datagrams"):
        send_datagrams(sock, [Datagrams(b"ab", 1, place)])
    with reports(errno.EBADF, "receive_datagrams"):
        receive_datagrams(sock, 1, 1)
    with reports(errno.EBADF, "receive_into_socket"):
        receive_into_socket(sock, bytearray(1))


# What is refused.

def test_wrong_arguments_are_refused_before_the_kernel_hears_of_them(make: Makers) -> None:
    sock, run = make.bound(), Datagrams(b"x", 1, None)
    stream = make.socket(SocketType.STREAM)
    wrong: list[tuple[Any, Callable[..., Any], tuple[Any, ...]]] = [
        (TypeError, send_datagrams, (1, [run])),
        (TypeError, send_datagrams, (sock, run)),
        (TypeError, send_datagrams, (sock, [b"x"])),
        (TypeError, send_datagrams, (sock, [object()])),  # smaller than a run is
        (TypeError, send_datagrams, (sock, [run], ReceiveFromOption.PEEK)),
        (ValueError, send_datagrams, (stream, [run])),
        (ValueError, send_datagrams, (sock, [Datagrams(b"", 0, InternetAddress(1, None))])),
        (TypeError, receive_datagrams, (1, 1, 1)),
        (TypeError, receive_datagrams, (sock, "1", 1)),
        (TypeError, receive_datagrams, (sock, 1, True)),
        (TypeError, receive_datagrams, (sock, 1, 1, SendToOption.OUT_OF_BAND)),
        (ValueError, receive_datagrams, (sock, 0, 1)),
        (ValueError, receive_datagrams, (sock, 65537, 1)),
        (ValueError, receive_datagrams, (sock, 1, 0)),
        (ValueError, receive_datagrams, (sock, 1, 1, ReceiveFromOption.PEEK)),
        (ValueError, receive_datagrams, (stream, 1, 1)),
        (TypeError, skip_datagrams, (run, 1)),
        (ValueError, skip_datagrams, ([run], -1)),
        (TypeError, receive_into_socket, (1, bytearray(1))),
        (TypeError, receive_into_socket, (sock, b"constant")),
        (TypeError, receive_into_socket, (sock, memoryview(bytearray(9))[::2])),
        (TypeError, receive_into_socket, (sock, 9)),
        (TypeError, receive_into_socket, (sock, bytearray(1), SendToOption.OUT_OF_BAND)),
    ]
    for error, procedure, arguments in wrong:
        with pytest.raises(error):
            procedure(*arguments)


# Into a buffer of the caller's.

def test_data_comes_into_the_callers_buffer_and_the_rest_stays(make: Makers) -> None:
    first, second = make.datagrams()
    buffer = bytearray(b"." * 10)
    send_to_socket(first, b"abc", None)
    readable(second)
    assert receive_into_socket(second, buffer) == (3, name_of(first))
    assert buffer == b"abc......."
    send_to_socket(first, b"xyz", None)
    readable(second)
    with memoryview(buffer)[5:7] as part:
        assert receive_into_socket(second, part) == (2, name_of(first))  # the z is lost
    assert buffer == b"abc..xy..."


@pytest.mark.parametrize("size", [1, 4096, 65535, 65536, 200_000])
def test_a_streams_bytes_come_into_the_callers_buffer(make: Makers, size: int) -> None:
    client, server = make.pair()
    data, got, buffer = os.urandom(size), b"", bytearray(size)
    thread = threading.Thread(target=send_all, args=(client, data))
    thread.start()
    while len(got) < size:
        readable(server)
        count, address = receive_into_socket(server, buffer)
        assert isinstance(count, int)
        assert count > 0
        assert not isinstance(address, SocketCondition)
        got += buffer[:count]
    thread.join()
    assert got == data


def test_the_end_of_a_stream_is_zero_bytes(make: Makers) -> None:
    client, server = make.pair()
    close_socket(client)
    readable(server)
    buffer = bytearray(b"x")
    assert receive_into_socket(server, buffer)[0] == 0
    assert buffer == b"x"


def test_buffers_of_every_kind_are_filled(quick: Makers) -> None:
    client, server = quick.datagrams()
    with mmap.mmap(-1, 4096) as mapped:
        numbers = array.array("I", [0, 0])
        for buffer in (bytearray(8), numbers, mapped, memoryview(bytearray(8)).cast("H")):
            send_to_socket(client, b"12345678", None)
            readable(server)
            assert receive_into_socket(server, buffer)[0] == 8  # type: ignore[arg-type]
            assert bytes(buffer)[:8] == b"12345678"  # type: ignore[arg-type]


def test_nothing_yet_leaves_the_buffer_alone_and_free(quick: Makers) -> None:
    client, _ = quick.pair()
    buffer = bytearray(b"abc")
    nothing, condition = receive_into_socket(client, buffer)
    assert nothing is None
    assert isinstance(condition, SocketCondition)
    assert condition.type in (errno.EAGAIN, errno.EWOULDBLOCK)
    assert (condition.who, condition.syscall) == ("receive_into_socket", "recvfrom")
    buffer += b"d"  # it can be resized again


def test_a_buffer_cannot_be_resized_while_it_is_lent(slow: Makers) -> None:
    client, server = slow.pair()
    buffer = bytearray(5)
    waiter = Waiter(receive_into_socket, client, buffer).is_asleep()
    with pytest.raises(BufferError):
        buffer.append(1)
    send_to_socket(server, b"x", None)
    assert waiter.answer()[0] == 1
    buffer.append(1)
    assert buffer == b"x\0\0\0\0\1"


def test_a_flag_that_asks_for_the_whole_length_makes_nothing_longer(quick: Makers) -> None:
    first, second = quick.datagrams()
    for receive in (
        lambda: receive_from_socket(second, 2, ReceiveFromOption(0x20))[0],
        lambda: receive_datagrams(second, 1, 2, ReceiveFromOption(0x20))[0].data,  # type: ignore[index, union-attr]
    ):
        send_to_socket(first, b"abcdef", None)
        readable(second)
        assert receive() == b"ab"


def test_within_waits_for_what_comes_into_a_buffer(quick: Makers) -> None:
    client, server = quick.pair()
    buffer = bytearray(3)
    waiter = Waiter(within, DEADLINE, receive_into_socket, client, buffer).is_asleep()
    send_to_socket(server, b"abc", None)
    assert waiter.answer()[0] == 3
    assert buffer == b"abc"


# The lock.

@with_lock
@windows_differs("flags")
def test_few_datagrams_there_and_back_keep_the_lock(
    quick: Makers, joining: bool, stepper: Stepper  # noqa: F811
) -> None:
    sender, sock = quick.bound(), receiver(quick, joining)
    runs, buffer = [Datagrams(b"abc", 1, name_of(sock))], bytearray(9)

    def round_trip() -> None:
        assert send_datagrams(sender, runs) == 3
        receive_datagrams(sock, 64, 9)
        receive_datagrams(sock, 64, 9)
        receive_into_socket(sock, buffer)

    assert stepper.steps_across(round_trip) <= 2


@with_lock
def test_a_receive_with_dont_wait_keeps_the_lock(
    slow: Makers, joining: bool, stepper: Stepper  # noqa: F811
) -> None:
    sock, buffer = receiver(slow, joining), bytearray(65535)
    flag = ReceiveFromOption.DONT_WAIT
    for call in (lambda: receive_datagrams(sock, 64, 64, flag),
                 lambda: receive_into_socket(sock, buffer, flag)):
        assert stepper.steps_across(would_block(call)) <= 2


@with_lock
def test_a_send_without_room_keeps_the_lock(
    unix: Makers, stepper: Stepper  # noqa: F811
) -> None:
    sender, sock = unix.bound(), unix.bound()
    runs = [Datagrams(bytes(64), 1, name_of(sock))]
    while isinstance(send_datagrams(sender, runs), int):
        pass
    assert stepper.steps_across(would_block(lambda: send_datagrams(sender, runs))) <= 2


def test_many_datagrams_and_large_ones_give_the_lock_up(
    quick: Makers, joining: bool, stepper: Stepper  # noqa: F811
) -> None:
    sender, sock = quick.bound(), receiver(quick, joining)
    place, buffer = name_of(sock), bytearray(65536)
    for call in (
        lambda: receive_datagrams(sock, 65, 1),
        lambda: receive_datagrams(sock, 1, 65536),
        lambda: receive_datagrams(sock, 64, 1024, ReceiveFromOption.DONT_WAIT),
        lambda: receive_into_socket(sock, buffer),
        lambda: receive_into_socket(sock, buffer, ReceiveFromOption.DONT_WAIT),
    ):
        assert stepper.steps_during_enough_of(would_block(call)) >= 3
    for run in (Datagrams(bytes(65), 1, place), Datagrams(bytes(65536), 32768, place)):
        def send(run: Datagrams = run) -> None:
            send_datagrams(sender, [run])

        assert stepper.steps_during_enough_of(send) >= 3


def test_blocking_sockets_give_the_lock_up(
    slow: Makers, joining: bool, stepper: Stepper  # noqa: F811
) -> None:
    sender, sock = slow.bound(), receiver(slow, joining)
    place = name_of(sock)

    def there_and_back() -> None:
        assert send_datagrams(sender, [Datagrams(b"ab", 1, place)]) == 2
        receive_datagrams(sock, 9, 9)
        receive_datagrams(sock, 9, 9, ReceiveFromOption.DONT_WAIT)

    assert stepper.steps_during_enough_of(there_and_back) >= 3


@windows_differs("flags")
def test_nothing_freezes_when_another_process_has_changed_the_mode(
    quick: Makers, joining: bool
) -> None:
    sender, sock = quick.bound(), receiver(quick, joining)
    place = name_of(sock)
    made_blocking(quick, sock)
    made_blocking(quick, sender)
    began = time.monotonic()
    for size in (9, 65535, 65536, 2**20):
        would_block(lambda size=size: receive_into_socket(sock, bytearray(size)))()  # type: ignore[misc]
    for count, size in ((1, 1), (64, 64), (65, 1), (2, 65536)):
        would_block(
            lambda count=count, size=size: receive_datagrams(sock, count, size)  # type: ignore[misc]
        )()
    if quick.family.unix:
        for data in (bytes(64), bytes(1000)):
            while isinstance(send_datagrams(sender, [Datagrams(data, 1, place)]), int):
                pass
    assert time.monotonic() - began < DEADLINE / 2


@with_lock
@needs_posix
def test_closing_waits_for_a_receive_of_many(slow: Makers) -> None:
    sock, sender = slow.bound(), slow.bound()
    place, fd = name_of(sock), sock.fd
    waiter = Waiter(receive_datagrams, sock, 9, 9).is_asleep()
    close_socket(sock)
    assert os.fstat(fd)  # the number is still taken
    send_to_socket(sender, b"x", place)
    assert waiter.answer() == [Datagrams(b"x", 1, name_of(sender))]
    with pytest.raises(OSError):
        os.fstat(fd)


# Several at once.

def test_threads_do_not_share_their_batches(tcp: Makers) -> None:
    pairs = [(tcp.bound(), receiver(tcp)) for _ in range(4)]

    def exchange(letter: bytes, sender: Socket, sock: Socket) -> None:
        for count in range(1, 200):
            run = Datagrams(letter * (count % 60 + 1) * 4, 4, name_of(sock))
            assert send_datagrams(sender, [run]) == len(run)
            got = receive_datagrams(sock, 64, 64)
            assert isinstance(got, list)
            assert [(each.data, each.size) for each in got] == [(run.data, 4)]

    threads = [Waiter(exchange, bytes([65 + i]), *pair) for i, pair in enumerate(pairs)]
    for thread in threads:
        thread.answer()


def test_what_was_received_does_not_change_with_the_next_call(quick: Makers) -> None:
    first, second = quick.datagrams()
    send_datagrams(first, [Datagrams(b"abc", 1, None)])
    before = receive_datagrams(second, 9, 9)
    send_datagrams(first, [Datagrams(b"xyz", 1, None)])
    receive_datagrams(second, 9, 9)
    assert before == [Datagrams(b"abc", 1, name_of(first))]


@needs_posix
def test_an_odd_file_is_no_socket_for_many(quick: Makers) -> None:
    read, write = os.pipe()
    with contextlib.closing(open(read, "rb")), contextlib.closing(open(write, "wb")):
        sock = quick.socket(DATAGRAM)
        os.dup2(write, sock.fd)
        with reports(errno.ENOTSOCK):
            send_datagrams(sock, [Datagrams(b"x", 1, None)])
        with reports(errno.ENOTSOCK):
            receive_datagrams(sock, 1, 1)
