"""A socket's own time-out while signals come, and what a handler that raises must not lose."""

from __future__ import annotations

import pytest
from helpers import WITH_IPV6, needs_posix, needs_unix_sockets, run_python

from sockets._sockets import HAS_FAST_PATHS

SIGNALS = """if True:
    import errno, os, signal, sys, tempfile, time
    from sockets import *

    STREAM, DATAGRAM, AUTO = SocketType.STREAM, SocketType.DATAGRAM, SocketProtocol.AUTO
    folder = tempfile.TemporaryDirectory(prefix="s", dir="/tmp")
    count = 0

    def address():
        if sys.argv[1] == "unix":
            names.append(os.path.join(folder.name, str(len(names))))
            return UnixAddress(names[-1])
        if sys.argv[1] == "internet6":
            return string_to_internet6_address("[::1]:0")
        return string_to_internet_address("127.0.0.1:0")

    made, names = [], []

    def make(kind):
        domain = {"unix": SocketDomain.UNIX, "internet": SocketDomain.INTERNET,
                  "internet6": SocketDomain.INTERNET_V6}[sys.argv[1]]
        made.append(create_socket(domain, kind, AUTO))
        return made[-1]

    def listener(backlog=8):
        bind_socket(sock := make(STREAM), address())
        listen_socket(sock, backlog)
        return sock

    def streams():
        client, server = make(STREAM), listener()
        assert within(30, connect_socket, client, get_socket_name(server)) is True
        made.append(within(30, accept_socket, server)[0])
        return client, made[-1]

    def datagrams():
        first, second = make(DATAGRAM), make(DATAGRAM)
        bind_socket(first, address()), bind_socket(second, address())
        connect_socket(first, get_socket_name(second))
        connect_socket(second, get_socket_name(first))
        return first, second

    def fill(sock):
        set_socket_nonblocking(sock, True)
        for size in (65536, 1024, 1):
            while isinstance(within(0.05, send_to_socket, sock, bytes(size), None), int):
                pass
        set_socket_nonblocking(sock, False)

    def refused(send):
        while not isinstance(condition := send(), SocketCondition):
            pass  # what was full has found some room: TCP packs more closely after a while
        return condition

    def ring(first, then=0.0):
        signal.setitimer(signal.ITIMER_REAL, first, then)

    def limited(sock):
        set_socket_nonblocking(sock, False)
        for option in (SocketOption.RECEIVE_TIMEOUT, SocketOption.SEND_TIMEOUT):
            set_socket_option(sock, option, 0.4)
        return sock

    def handle(number, frame):
        global count
        count += 1
        act()

    signal.signal(signal.SIGALRM, handle)
"""
DONE = """
    ring(0)
    for sock in made:
        close_socket(sock)
    folder.cleanup()
"""
CALLS = {
    "receive": "sock, _ = streams(); call = lambda: receive_from_socket(sock, 9)[1]",
    "large": "sock, _ = streams(); call = lambda: receive_from_socket(sock, 100000)[1]",
    "into": "sock, _ = streams(); call = lambda: receive_into_socket(sock, bytearray(9))[1]",
    "exactly": "sock, _ = streams(); call = lambda: receive_exactly(sock, 9)[1]",
    "within": "sock, _ = streams(); call = lambda: within(None, receive_from_socket, sock, 9)[1]",
    "packet": "sock, _ = datagrams(); call = lambda: receive_from_socket(sock, 9)[1]",
    "packets": "sock, _ = datagrams(); call = lambda: receive_datagrams(sock, 9, 9)",
    "send": """
    sock, _ = streams(); fill(sock)
    call = lambda: refused(lambda: send_to_socket(sock, b'x', None))""",
    "all": """
    sock, _ = streams(); fill(sock)
    call = lambda: refused(lambda: send_all(sock, b'x')[1])""",
    "accept": "sock = listener(); call = lambda: accept_socket(sock)[1]",
    "connect": """
    full, sock = listener(0), make(STREAM)
    name = get_socket_name(full)
    assert within(30, connect_socket, make(STREAM), name) is True
    call = lambda: connect_socket(sock, name)""",
}


@pytest.mark.parametrize(("call", "often"), [
    *((call, True) for call in CALLS), ("receive", False), ("accept", False), ("connect", False),
])
@pytest.mark.parametrize("family", WITH_IPV6)
@needs_posix
def test_a_time_out_runs_out_also_when_signals_come(family: str, call: str, often: bool) -> None:
    """In time; but where poll is mistaken, as for a full UNIX queue, a last call is made."""
    run_python(SIGNALS + "\n    " + CALLS[call] + f"""
    act = lambda: None
    limited(sock)
    ring(*({(0.05, 0.05) if often else (0.2,)}))
    start = time.monotonic()
    condition = call()
    spent = time.monotonic() - start
    assert isinstance(condition, SocketCondition), condition
    expected = errno.EINPROGRESS if {call == "connect" and family != "unix"} else errno.EAGAIN
    assert condition.type == expected, condition
    late = 0.3 if {call == "connect" and family == "unix" and not often} else 0
    assert 0.39 <= spent < 0.4 + late + 20, spent
    assert count >= 1
    """ + DONE, family)


@pytest.mark.parametrize(("call", "limit"), [
    *((call, "30") for call in CALLS if call not in ("exactly", "within", "all")),  # these wait
    ("receive", ""), ("accept", ""), ("connect", ""),
])
@pytest.mark.parametrize("family", WITH_IPV6)
@needs_posix
def test_who_is_made_non_blocking_by_a_handler_waits_no_longer(
    family: str, call: str, limit: str
) -> None:
    run_python(SIGNALS + "\n    " + CALLS[call] + f"""
    for option in (SocketOption.RECEIVE_TIMEOUT, SocketOption.SEND_TIMEOUT):
        if {limit!r}:
            set_socket_option(sock, option, 30)
    set_socket_nonblocking(sock, False)
    act = lambda: set_socket_nonblocking(sock, True)
    ring(0.1)
    start = time.monotonic()
    condition = call()
    assert isinstance(condition, SocketCondition), condition
    expected = errno.EINPROGRESS if {call == "connect" and family != "unix"} else errno.EAGAIN
    assert condition.type == expected, condition
    assert count == 1 and time.monotonic() - start < 20
    """ + DONE, family)


@needs_unix_sockets
@needs_posix
def test_a_full_queue_says_try_again_in_every_domain_of_unix_addresses() -> None:
    """The domain is known by its number: a program may have registered its own."""
    run_python(SIGNALS + """
    full = listener(0)
    name = get_socket_name(full)
    kind = SocketDomain.UNIX
    own = SocketDomain(kind.value, kind.extractor, kind.address_size - 1)
    made.append(sock := create_socket(own, STREAM, AUTO))
    assert within(30, connect_socket, make(STREAM), name) is True
    act = lambda: None
    limited(sock)
    ring(0.05, 0.05)
    condition = connect_socket(sock, name)
    assert condition.type == errno.EAGAIN, condition
    """ + DONE, "unix")


@pytest.mark.parametrize("way", ["fast", "long"])
@needs_unix_sockets
@needs_posix
def test_what_a_hook_takes_is_not_taken_off_the_time_out(way: str) -> None:
    run_python(SIGNALS + "\n    " + CALLS["connect"] + f"""
    act = lambda: None
    limited(sock)
    connect = connect_socket if {way == "fast"} else getattr(
        connect_socket, "__wrapped__", connect_socket)
    within(0, connect_socket, make(STREAM), name)  # whoever connected to it once is quick

    def hook(event, arguments):
        if event == "socket.connect":
            begin = time.monotonic()
            while time.monotonic() < begin + 0.5:
                pass
            hook.end = time.monotonic()
            ring(0.1)

    sys.addaudithook(hook)
    condition = connect(sock, name)
    assert condition.type == errno.EAGAIN, condition
    assert time.monotonic() - hook.end >= 0.39
    """ + DONE, "unix")


@pytest.mark.parametrize("family", WITH_IPV6)
@needs_posix
def test_what_comes_before_the_time_out_is_received_also_when_signals_come(family: str) -> None:
    run_python(SIGNALS + """
    sock, other = streams()
    set_socket_nonblocking(sock, False)
    set_socket_option(sock, SocketOption.RECEIVE_TIMEOUT, 30)

    def act():
        if count == 3:
            send_to_socket(other, b"here", None)

    ring(0.05, 0.05)
    assert receive_from_socket(sock, 9)[0] == b"here"
    assert count == 3
    """ + DONE, family)


# What was done before a handler raised.

RAISES = SIGNALS + """
    import threading

    class Deaf(Exception):
        @property
        def done(self):
            return None

    def act():
        ring(0)
        raise kind("from the handler")

    def told(call):
        try:
            answer = call()
        except BaseException as failure:
            assert type(failure) is kind, failure
            if kind is Deaf:
                notes = getattr(failure, "__notes__", None)
                return notes
            return failure.done
        raise AssertionError(answer)

    kind = {"interrupt": KeyboardInterrupt, "own": KeyError, "deaf": Deaf}[sys.argv[2]]
    blocking = sys.argv[3] == "blocking"

    def note(done):
        if kind is Deaf:
            return [f"done before that: {done!r}"]
        return done
"""
MODES = pytest.mark.parametrize("mode", ["blocking", "nonblocking"])
KINDS = pytest.mark.parametrize("kind", ["interrupt", "own", "deaf"])


@MODES
@KINDS
@pytest.mark.parametrize("family", WITH_IPV6)
@needs_posix
def test_what_was_received_before_a_handler_raised_is_told(
    family: str, kind: str, mode: str
) -> None:
    run_python(RAISES + """
    sock, other = streams()
    set_socket_nonblocking(sock, not blocking)
    send_to_socket(other, b"HEADER", None)
    wait_for_socket(sock, True, False, 30)
    ring(0.1)
    assert told(lambda: receive_exactly(sock, 10)) == note(b"HEADER")
    send_to_socket(other, b"BODY", None)
    assert receive_exactly(sock, 4) == (b"BODY", None)
    """ + DONE, family, kind, mode)


@MODES
@pytest.mark.parametrize("family", WITH_IPV6)
@pytest.mark.skipif(not HAS_FAST_PATHS, reason="Python runs behind the call, and so do handlers")
@needs_posix
def test_how_much_was_sent_before_a_handler_raised_is_told(family: str, mode: str) -> None:
    run_python(RAISES + """
    sock, other = streams()
    set_socket_nonblocking(sock, not blocking)
    ring(0.2)
    done = told(lambda: send_all(sock, bytes(10**8)))
    shutdown_socket(sock, ShutdownMethod.WRITE)
    received = receive_exactly(other, 10**8)[0]
    assert 0 < done == len(received), (done, len(received))
    """ + DONE, family, "interrupt", mode)


@needs_posix
@needs_unix_sockets
def test_how_many_datagrams_were_sent_before_a_handler_raised_is_told() -> None:
    """A UNIX socket waits for its receiver, whose queue holds some of them."""
    run_python(RAISES + """
    sock, other = datagrams()
    set_socket_nonblocking(sock, False)
    ring(0.2)
    done = told(lambda: send_datagrams(sock, [Datagrams(bytes(3000), 10, None)]))
    assert 0 < done == sum(map(len, receive_datagrams(other, 300, 10))), done
    """ + DONE, "unix", "own", "blocking")


@MODES
@pytest.mark.parametrize("family", WITH_IPV6)
@needs_posix
def test_no_datagram_is_lost_by_whatever_interrupts_receiving(family: str, mode: str) -> None:
    """An exception before each instruction in turn; but no handler runs before a return."""
    run_python(RAISES + """
    import dis, itertools

    class Stop(Exception):
        pass

    left = 0

    def trace(frame, event, argument):
        global left
        if frame.f_code is not receive_datagrams.__code__:
            return None
        frame.f_trace = trace  # 3.13 wants to know it first
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        code = frame.f_code.co_code[frame.f_lasti]
        if event == "opcode" and not dis.opname[code].startswith("RETURN"):
            left -= 1
            if left == 0:
                raise Stop
        return trace

    first, second = datagrams()
    set_socket_nonblocking(second, not blocking)
    for at in itertools.count(1):
        assert send_datagrams(first, [Datagrams(bytes(40), 10, None)]) == 4
        wait_for_socket(second, True, False, 30)
        left = at
        sys.settrace(trace)
        try:
            got = receive_datagrams(second, 9, 10)
        except Stop as failure:
            got = getattr(failure, "done", [])
        finally:
            sys.settrace(None)
        if not got:
            set_socket_nonblocking(second, True)
            got = receive_datagrams(second, 9, 10)
            set_socket_nonblocking(second, not blocking)
            assert isinstance(got, list), at
        assert [len(run) for run in got] == [4], (at, got)
        if left > 0:
            break
    assert at > 100
    """ + DONE, family, "own", mode)
