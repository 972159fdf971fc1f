"""An exception anywhere in the library loses no descriptor, and closes nobody else's.

Ctrl-C, an alarm or another thread may raise an exception between any two of Python's
instructions. So each procedure is called again and again, and an exception is raised before its
first instruction, before its second, and so on. Afterwards the free numbers are given to files of
the test's, everybody closes what is theirs, and it is counted what stays open (a leak), and which
of those files are closed (a stranger's). Then the same with real signals, at random moments, for
SECONDS in all.

There is one kind of place that a tracer reaches and no signal does. Where a bare number changes
hands, the last step is an assignment, and behind it there are only loads and the return: CPython
looks for signals on entry, after calls and before it goes back in a loop. What is raised on that
way back is counted by itself.
"""

from __future__ import annotations

import dis
import gc
import inspect
import os
import random
import signal
import socket as native
import sys
import tempfile
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sockets
from sockets import (
    AddressInfo,
    Datagrams,
    Descriptors,
    Internet6Address,
    InternetAddress,
    MessageHeader,
    ReceivedDescriptors,
    ShutdownMethod,
    Socket,
    SocketAddress,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    TimeToLive,
    UnixAddress,
    _sockets,
)

SECONDS = float(os.environ.get("SECONDS", "20"))
AUTO, STREAM, DATAGRAM = SocketProtocol.AUTO, SocketType.STREAM, SocketType.DATAGRAM
FAMILIES = {
    "unix": SocketDomain.UNIX, "internet": SocketDomain.INTERNET,
    "internet6": SocketDomain.INTERNET_V6,
}
LIBRARY = vars(_sockets)
FILES = 12  # as many as numbers may become free in one call


class Stop(BaseException):
    """What the handler raises, as that of Ctrl-C raises KeyboardInterrupt."""


# Who owns what.

class Number:
    """A bare descriptor of the caller's, who closes it unless somebody has taken it over."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        if self.number >= 0:
            os.close(self.number)


class Database:
    """The C library's open file of protocols."""

    @staticmethod
    def close() -> None:
        sockets.close_protocol_database()


def close(owner: Any) -> None:
    if isinstance(owner, Socket):
        if owner.fd >= 0:
            sockets.close_socket(owner)
    elif isinstance(owner, (Number, Database, native.socket)):
        with suppress(OSError):
            owner.close()
    elif isinstance(owner, ReceivedDescriptors):
        sockets.close_descriptors(owner)
    elif isinstance(owner, MessageHeader):
        close(owner.items)
    elif isinstance(owner, tuple):
        for each in owner:
            close(each)


class Scene(NamedTuple):
    """What one call needs: the call, who owns descriptors before it, and what its end means."""

    call: Callable[[], Any]
    owners: tuple[Any, ...] = ()
    returned: Callable[[Any], Any] = lambda result: result  # what the caller owns then


class Stage:
    """Makes scenes, in one family and mode, with the procedures of one way."""

    def __init__(self, family: str, nonblocking: bool, way: str, folder: Path) -> None:
        self.domain, self.nonblocking, self.way = FAMILIES[family], nonblocking, way
        self.folder, self.count = folder, 0

    def procedure(self, name: str) -> Callable[..., Any]:
        """The public one, or the one in whose place a fast path stands, and which stands in its."""
        public = getattr(sockets, name)
        long = getattr(public, "__wrapped__", public)
        return long if self.way == "long" else public  # type: ignore[no-any-return]

    def address(self) -> SocketAddress:
        if self.domain is SocketDomain.UNIX:
            self.count += 1
            return UnixAddress(self.folder / str(self.count))
        return InternetAddress(0x7F000001, 0) if self.domain is SocketDomain.INTERNET \
            else Internet6Address(1, 0)

    def socket(self, type: SocketType = STREAM) -> Socket:
        sock = sockets.create_socket(self.domain, type, AUTO)
        sockets.set_socket_nonblocking(sock, self.nonblocking)
        return sock

    def bound(self, type: SocketType = DATAGRAM) -> Socket:
        sock = self.socket(type)
        sockets.bind_socket(sock, self.address())
        return sock

    def listener(self) -> Socket:
        sock = self.bound(STREAM)
        sockets.listen_socket(sock, 4)
        return sock

    def name(self, sock: Socket) -> SocketAddress:
        name = sockets.get_socket_name(sock)
        assert name is not None
        return name

    def connected(self) -> tuple[Socket, Socket, Socket]:
        """A listener, and a client that it has not accepted yet."""
        listener, client = self.listener(), self.socket()
        sockets.connect_socket(client, self.name(listener))
        sockets.wait_for_socket(listener, True, False, 10)
        return listener, client, listener

    def pair(self, type: SocketType = STREAM) -> tuple[Socket, Socket]:
        """Two connected sockets, with something for the first to receive, twice."""
        if type == DATAGRAM:
            first, second = self.bound(), self.bound()
            sockets.connect_socket(first, self.name(second))
            sockets.connect_socket(second, self.name(first))
        else:
            listener, second, _ = self.connected()
            accepted, _ = sockets.accept_socket(listener)
            assert accepted is not None
            first = accepted
            sockets.close_socket(listener)
        sockets.set_socket_nonblocking(first, self.nonblocking)
        for _ in range(2):
            sockets.send_to_socket(second, b"some bytes", None)
        sockets.wait_for_socket(first, True, False, 10)
        return first, second


# The scenes. Each public procedure has one, or several, under its name and perhaps a word more.

def create(stage: Stage) -> Scene:
    made = stage.procedure("create_socket")
    return Scene(lambda: made(domain=stage.domain, type=STREAM, protocol=AUTO))


def create_none(stage: Stage) -> Scene:
    made = stage.procedure("create_socket")
    return Scene(lambda: made(stage.domain, STREAM, SocketProtocol(99)))


def create_and_drop(stage: Stage) -> Scene:
    made = stage.procedure("create_socket")

    def call() -> None:
        made(stage.domain, STREAM, AUTO)

    return Scene(call)


def make_pair(stage: Stage) -> Scene:
    made = stage.procedure("make_socket_pair")
    return Scene(lambda: made(SocketDomain.UNIX, STREAM, AUTO))


def make_no_pair(stage: Stage) -> Scene:
    made = stage.procedure("make_socket_pair")
    return Scene(lambda: made(SocketDomain.INTERNET, STREAM, AUTO))


def construct(stage: Stage) -> Scene:
    number = Number(sockets.detach_socket(stage.socket()))
    return Scene(
        lambda: Socket(number.number, stage.domain, STREAM, AUTO), (number,), taken(number)
    )


def taken(number: Number) -> Callable[[Any], Any]:
    def returned(result: Any) -> Any:
        number.number = -1
        return result

    return returned


def adopt(stage: Stage) -> Scene:
    number = Number(sockets.detach_socket(stage.socket()))
    made = stage.procedure("adopt_descriptor")
    return Scene(lambda: made(number.number), (number,), taken(number))


def adopt_none(stage: Stage) -> Scene:
    number, made = Number(os.open("/dev/null", 0)), stage.procedure("adopt_descriptor")
    return Scene(lambda: made(number.number), (number,), taken(number))


def adopt_supervised(stage: Stage) -> Scene:
    low = min(set(range(3, 500)) - set(map(int, os.listdir("/proc/self/fd"))))
    first = next(fd for fd in range(low, 500) if not {fd, fd + 1} & set(
        map(int, os.listdir("/proc/self/fd"))))
    numbers = []
    for at in (0, 1):
        sock = sockets.detach_socket(stage.socket())
        if sock != first + at:
            os.dup2(sock, first + at)
            os.close(sock)
        numbers.append(Number(first + at))
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")
    LIBRARY["FIRST_HANDED_ON"] = first
    made = stage.procedure("adopt_from_supervisor")

    def returned(result: Any) -> Any:
        for number in numbers:
            number.number = -1
        return tuple(sock for _, sock in result)

    return Scene(made, tuple(numbers), returned)


def detach(stage: Stage) -> Scene:
    sock, made = stage.socket(), stage.procedure("detach_socket")
    return Scene(lambda: made(sock), (sock,), Number)


def duplicate(stage: Stage) -> Scene:
    sock, made = stage.socket(), stage.procedure("duplicate_socket")
    return Scene(lambda: made(sock), (sock,))


def from_python(stage: Stage) -> Scene:
    theirs, made = native.socket(stage.domain.value), stage.procedure("from_python_socket")
    return Scene(lambda: made(theirs), (theirs,))


def to_python(stage: Stage) -> Scene:
    sock, made = stage.socket(), stage.procedure("to_python_socket")
    return Scene(lambda: made(sock), (sock,))


def accept(stage: Stage) -> Scene:
    owners, made = stage.connected(), stage.procedure("accept_socket")
    return Scene(lambda: made(sock=owners[0]), owners)


def accept_none(stage: Stage) -> Scene:
    listener, made = stage.listener(), stage.procedure("accept_socket")
    sockets.set_socket_option(listener, SocketOption.RECEIVE_TIMEOUT, 1e-6)
    return Scene(lambda: made(listener), (listener,))


def close_it(stage: Stage) -> Scene:
    sock, made = stage.socket(), stage.procedure("close_socket")
    return Scene(lambda: made(sock), (sock,))


def leave_with(stage: Stage) -> Scene:
    sock = stage.socket()

    def call() -> None:
        with sock:
            pass

    return Scene(call, (sock,))


def with_one(name: str, *arguments: Any, type: SocketType = STREAM) -> Callable[[Stage], Scene]:
    """A procedure that is called with one new socket, and further arguments."""
    def scene(stage: Stage) -> Scene:
        sock, made = stage.bound(type), stage.procedure(name)
        return Scene(lambda: made(sock, *arguments), (sock,))

    return scene


def with_two(name: str, *arguments: Any, type: SocketType = STREAM, **named: Any) -> Any:
    """A procedure that is called with one of two connected sockets, and further arguments."""
    def scene(stage: Stage) -> Scene:
        owners, made = stage.pair(type), stage.procedure(name)
        if "timeout" in named:
            sockets.set_socket_nonblocking(owners[0], True)
        return Scene(lambda: made(owners[0], *arguments, **named), owners)

    return scene


def bind(stage: Stage) -> Scene:
    sock, address, made = stage.socket(), stage.address(), stage.procedure("bind_socket")
    return Scene(lambda: made(sock, address), (sock,))


def connect(stage: Stage) -> Scene:
    listener, sock, made = stage.listener(), stage.socket(), stage.procedure("connect_socket")
    address = stage.name(listener)
    return Scene(lambda: made(sock=sock, address=address), (sock, listener))


def connect_first(stage: Stage) -> Scene:
    listener, made = stage.listener(), stage.procedure("connect_first")
    infos = [AddressInfo(stage.domain, STREAM, AUTO, stage.name(listener))]
    return Scene(lambda: made(infos, 10), (listener,))


def create_listener(stage: Stage) -> Scene:
    address, made = stage.address(), stage.procedure("create_listener")
    return Scene(lambda: made(address, 4, (SocketOption.REUSE_ADDRESS, True)))


def finish(stage: Stage) -> Scene:
    owners, made = stage.connected(), stage.procedure("finish_connect")
    return Scene(lambda: made(owners[1]), owners)


def within_accept(stage: Stage) -> Scene:
    owners, made = stage.connected(), stage.procedure("within")
    return Scene(lambda: made(None, stage.procedure("accept_socket"), owners[0]), owners)


def set_mode(stage: Stage) -> Scene:
    sock, made = stage.socket(), stage.procedure("set_socket_nonblocking")
    return Scene(lambda: made(sock, not stage.nonblocking), (sock,))


def send_runs(stage: Stage) -> Scene:
    owners, made = stage.pair(DATAGRAM), stage.procedure("send_datagrams")
    return Scene(lambda: made(owners[0], [Datagrams(b"12345678", 4, None)] * 2), owners)


def with_descriptors(name: str, argument: Any) -> Callable[[Stage], Scene]:
    """A procedure that receives a message with descriptors."""
    def scene(stage: Stage) -> Scene:
        first, second = sockets.make_socket_pair(SocketDomain.UNIX, STREAM, AUTO)
        sockets.set_socket_nonblocking(first, stage.nonblocking)
        sockets.send_message(second, [b"some bytes"], None, [Descriptors([first, second])])
        made = stage.procedure(name)
        return Scene(lambda: made(first, argument), (first, second))

    return scene


def received(name: str, returned: Callable[[Any], Any]) -> Callable[[Stage], Scene]:
    """A procedure that is called with descriptors that have been received."""
    def scene(stage: Stage) -> Scene:
        start = with_descriptors("receive_message", 9)(stage)
        item, made = start.call()[1].items[0], stage.procedure(name)
        return Scene(lambda: made(item), (*start.owners, item), returned)

    return scene


def send_descriptors(stage: Stage) -> Scene:
    first, second = sockets.make_socket_pair(SocketDomain.UNIX, STREAM, AUTO)
    sockets.set_socket_nonblocking(first, stage.nonblocking)
    made = stage.procedure("send_message")
    items = [Descriptors([first, second])]
    return Scene(lambda: made(first, [b"some", b"bytes"], None, items), (first, second))


def without_sockets(name: str, *arguments: Any, owner: Any = None) -> Callable[[Stage], Scene]:
    def scene(stage: Stage) -> Scene:
        made = stage.procedure(name)
        return Scene(lambda: made(*arguments), (owner,), lambda _: None)

    return scene


RUN = Datagrams(b"12345678", 4, None)
FILE = os.open(__file__, os.O_RDONLY)
SCENES: dict[str, Callable[[Stage], Scene]] = {
    "Socket": construct,
    "accept_socket": accept,
    "accept_socket, nobody there": accept_none,
    "adopt_descriptor": adopt,
    "adopt_descriptor, no socket": adopt_none,
    "adopt_from_supervisor": adopt_supervised,
    "bind_socket": bind,
    "close_descriptors": received("close_descriptors", lambda _: None),
    "close_socket": close_it,
    "close_socket, by with": leave_with,
    "connect_first": connect_first,
    "connect_socket": connect,
    "create_listener": create_listener,
    "create_socket": create,
    "create_socket, no protocol": create_none,
    "create_socket, and drop it": create_and_drop,
    "detach_socket": detach,
    "duplicate_socket": duplicate,
    "finish_connect": finish,
    "from_python_socket": from_python,
    "get_peer_name": with_two("get_peer_name"),
    "get_socket_name": with_two("get_socket_name"),
    "get_socket_option": with_one("get_socket_option", SocketOption.LINGER),
    "listen_socket": with_one("listen_socket", 4),
    "make_socket_pair": make_pair,
    "make_socket_pair, no such pair": make_no_pair,
    "receive_datagrams": with_two("receive_datagrams", 4, 100, type=DATAGRAM),
    "receive_exactly": with_two("receive_exactly", 15),
    "receive_exactly, in time": with_two("receive_exactly", 30, timeout=0.001),
    "receive_from_socket": with_two("receive_from_socket", 9),
    "receive_into_socket": with_two("receive_into_socket", bytearray(9)),
    "receive_message": with_descriptors("receive_message", 9),
    "receive_message, without descriptors": with_two("receive_message", 9),
    "receive_message_into": with_descriptors("receive_message_into", [bytearray(3)] * 2),
    "send_all": with_two("send_all", bytes(1000)),
    "send_datagrams": send_runs,
    "send_file": with_two("send_file", FILE, 0, 1000),
    "send_message": send_descriptors,
    "send_to_socket": with_two("send_to_socket", bytearray(9), None),
    "set_socket_nonblocking": set_mode,
    "set_socket_option": with_one("set_socket_option", SocketOption.LINGER, 3),
    "shutdown_socket": with_two("shutdown_socket", ShutdownMethod.WRITE),
    "take_descriptor": received("take_descriptor", Number),
    "take_socket": received("take_socket", lambda sock: sock),
    "to_python_socket": to_python,
    "wait_for_socket": with_two("wait_for_socket", True, False, 1),
    "wait_for_urgent": with_two("wait_for_urgent", 0.001),
    "within": within_accept,
}
WITHOUT_SOCKETS: dict[str, Callable[[Stage], Scene]] = {
    "define_socket_option_type": without_sockets("define_socket_option_type", "Name", 1),
    "close_protocol_database": without_sockets("close_protocol_database"),
    "foreign_to_internet6_address": without_sockets(
        "foreign_to_internet6_address", Internet6Address(1, 1).converter()),
    "foreign_to_internet_address": without_sockets(
        "foreign_to_internet_address", InternetAddress(1, 1).converter()),
    "foreign_to_unix_address": without_sockets(
        "foreign_to_unix_address", UnixAddress("x").converter()),
    "flag_option": without_sockets("flag_option", TcpOption, 1),
    "get_address_info": without_sockets("get_address_info", "127.0.0.1", "80"),
    "get_protocol_by_constant": without_sockets("get_protocol_by_constant", SocketProtocol(6)),
    "get_protocol_by_name": without_sockets("get_protocol_by_name", "tcp"),
    "get_host_name": without_sockets("get_host_name"),
    "get_interface_by_index": without_sockets("get_interface_by_index", 1),
    "get_interface_by_name": without_sockets("get_interface_by_name", "lo"),
    "get_interfaces": without_sockets("get_interfaces"),
    "get_name_info": without_sockets("get_name_info", InternetAddress(0x7F000001, 80)),
    "get_service_by_name": without_sockets("get_service_by_name", "http"),
    "get_service_by_port": without_sockets("get_service_by_port", 80),
    "internet6_address_to_internet_address": without_sockets(
        "internet6_address_to_internet_address", Internet6Address("::ffff:1.2.3.4", 1)),
    "internet_address_to_internet6_address": without_sockets(
        "internet_address_to_internet6_address", InternetAddress(1, 1)),
    "internet6_address_to_string": without_sockets(
        "internet6_address_to_string", Internet6Address(1, 1)),
    "internet_address_to_string": without_sockets(
        "internet_address_to_string", InternetAddress(1, 1)),
    "lookup_ancillary_item": without_sockets("lookup_ancillary_item", 1, 1),
    "lookup_domain": without_sockets("lookup_domain", 2),
    "make_foreign_address": without_sockets("make_foreign_address", 2, b"123456"),
    "next_protocol_entry": without_sockets("next_protocol_entry", owner=Database()),
    "number_option": without_sockets("number_option", TcpOption, 1, 0, 9, "times"),
    "open_protocol_database": without_sockets("open_protocol_database", True, owner=Database()),
    "or_raise": without_sockets("or_raise", (b"data", None)),
    "register_ancillary_item": without_sockets("register_ancillary_item", TimeToLive),
    "register_socket_domain": without_sockets("register_socket_domain", SocketDomain.INTERNET),
    "skip_datagrams": without_sockets("skip_datagrams", [RUN], 1),
    "socket_error": without_sockets("socket_error", "who", "call", 1),
    "socket_maximum_connections": without_sockets("socket_maximum_connections"),
    "socket_raise_unless": without_sockets("socket_raise_unless", "who", "call", 1, 1),
    "string_to_internet6_address": without_sockets("string_to_internet6_address", "[::1%lo]:1"),
    "string_to_internet_address": without_sockets("string_to_internet_address", "1.2.3.4:5"),
    "string_to_ipv4": without_sockets("string_to_ipv4", "1.2.3.4"),
    "string_to_ipv6": without_sockets("string_to_ipv6", "::1"),
}
SCENES |= WITHOUT_SOCKETS
# With these a bare number changes hands.
NUMBERS = {
    "Socket", "adopt_descriptor", "adopt_from_supervisor", "detach_socket", "take_descriptor",
}


def test_every_procedure_has_a_scene() -> None:
    public = {
        name for name in sockets.__all__
        if inspect.isroutine(getattr(sockets, name))
    }
    assert {name.partition(",")[0] for name in SCENES} == public | {"Socket"}


# Before each instruction.

def way_back(code: types.CodeType) -> set[int]:
    """The instructions behind a last assignment or statement, with nothing but the return."""
    found, behind = set(), False
    tail: list[int] = []
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("STORE_ATTR", "STORE_SUBSCR", "POP_TOP"):
            behind, tail = True, []
        elif instruction.opname.startswith(("LOAD_FAST", "LOAD_CONST", "NOP", "CACHE")):
            tail.append(instruction.offset)
        elif instruction.opname.startswith("RETURN_") and behind:
            found |= {*tail, instruction.offset}
        else:
            behind = False
    return found


class Tracer:
    """Raises before the instruction of that number, counted over all frames of the library."""

    def __init__(self, place: int) -> None:
        self.left, self.raised, self.on_way_back = place, False, False

    def __call__(self, frame: Any, event: str, _: object) -> Any:
        if frame.f_globals is not LIBRARY:
            return None
        frame.f_trace = self  # 3.13 wants to know it first
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event in ("call", "opcode"):
            self.left -= 1
            if self.left == 0:
                self.raised = True
                self.on_way_back = (
                    event == "opcode" and frame.f_lasti in way_back(frame.f_code)
                    and frame.f_back.f_globals is not LIBRARY
                )
                raise Stop
        return self


class Tally:
    """What came of the calls, in all."""

    def __init__(self) -> None:
        self.calls = self.interrupted = self.leaks = self.strangers = self.modes = 0

    def __str__(self) -> str:
        return (
            f"{self.interrupted} of {self.calls} calls interrupted, {self.leaks} leaks, "
            f"{self.strangers} strangers, {self.modes} wrong modes"
        )

    def faults(self) -> int:
        return self.leaks + self.strangers + self.modes

    def end(self, scene: Scene, result: Any, ended: bool, before: int) -> None:
        """Everybody closes what is theirs; count what goes wrong."""
        owned = scene.returned(result) if ended else None
        owners = [*scene.owners, owned]
        gc.collect(0)
        files = [os.open("/dev/null", os.O_RDONLY) for _ in range(FILES)]
        for owner in owners:
            if isinstance(owner, Socket) and owner.fd >= 0 and owner.fd not in files:
                self.modes += owner.nonblocking is os.get_blocking(owner.fd)
        close(tuple(owners))
        del owners, owned, result
        for file in files:
            try:
                os.close(file)
            except OSError:
                self.strangers += 1
        self.leaks += max(len(os.listdir("/proc/self/fd")) - before, 0)
        self.calls += 1


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "unraisablehook", lambda event: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:
        yield Path(name)


def interrupt(scene: Scene, tracer: Tracer, tally: Tally, before: int) -> None:
    result, ended = None, False
    old = sys.gettrace()
    sys.settrace(tracer)
    try:
        result = scene.call()
        sys.settrace(old)
        ended = True
    except (Stop, Exception):
        sys.settrace(old)
    tally.interrupted += tracer.raised
    tally.end(scene, result, ended, before)


@pytest.mark.timeout(400, method="thread")
@pytest.mark.parametrize("nonblocking", [True, False], ids=["nonblocking", "blocking"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("way", ["as it is", "long"] if _sockets.HAS_FAST_PATHS else ["as it is"])
def test_an_exception_before_any_instruction_leaves_each_descriptor_one_owner(
    folder: Path, family: str, nonblocking: bool, way: str
) -> None:
    stage = Stage(family, nonblocking, way, folder)
    wrong, total, back = [], Tally(), Tally()
    once = (family, nonblocking, way) == ("unix", True, "as it is")
    for name, make in SCENES.items():
        tally, place = Tally(), 0
        going_on = once or name not in WITHOUT_SOCKETS
        while going_on:
            place += 1
            before = len(os.listdir("/proc/self/fd"))
            tracer, each = Tracer(place), Tally()
            interrupt(make(stage), tracer, each, before)
            going_on = tracer.raised
            for sum in (back,) if tracer.on_way_back and name in NUMBERS else (tally, total):
                for field, value in vars(each).items():
                    setattr(sum, field, getattr(sum, field) + value)
        if tally.faults():
            wrong.append(f"{name}: {tally}")
    print(f"\n{family}, {'non' * nonblocking}blocking, {way}: {total}; on the way back: {back}")
    assert not wrong, "\n".join(wrong)


# At random moments.

class Alarm:
    """Raises once, at a random moment of a call, and not behind it, however late the signal is."""

    def __init__(self) -> None:
        self.armed = False

    def __call__(self, *_: object) -> None:
        if self.armed:
            self.armed = False
            raise Stop


def storm(scene: Scene, alarm: Alarm, delay: float, tally: Tally, before: int) -> None:
    result = None
    try:
        try:
            alarm.armed = True
            signal.setitimer(signal.ITIMER_REAL, delay)
            result = scene.call()
        finally:
            alarm.armed = False
    except Stop:
        tally.interrupted += 1
    except Exception:
        pass
    tally.end(scene, result, result is not None, before)


OWNERS = [
    "accept_socket", "adopt_descriptor", "close_socket, by with", "create_socket",
    "create_socket, and drop it", "detach_socket", "duplicate_socket", "from_python_socket",
    "make_socket_pair", "receive_message", "receive_message_into", "set_socket_nonblocking",
    "take_descriptor", "take_socket", "to_python_socket",
]


@pytest.mark.timeout(SECONDS * 20 + 60, method="thread")
@pytest.mark.parametrize("name", OWNERS)
def test_signals_at_random_moments_leave_each_descriptor_one_owner(folder: Path, name: str) -> None:
    stage, tally, alarm = Stage("unix", False, "long", folder), Tally(), Alarm()
    old, end = signal.signal(signal.SIGALRM, alarm), time.monotonic() + SECONDS / len(OWNERS)
    random.seed(name)
    try:
        while time.monotonic() < end:
            before = len(os.listdir("/proc/self/fd"))
            storm(SCENES[name](stage), alarm, random.uniform(1e-6, 5e-5), tally, before)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    print(f"\n{name}: {tally}")
    assert tally.interrupted > 0
    assert tally.faults() == 0
