"""What C is handed by classes that lie, by private parts, and by exceptions at every step.

Nothing here may crash, or send or show a byte that the program did not hold; each is either what
was meant or one clear exception. And no exception that somebody raises is ever lost.
"""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import sockets
from sockets import (
    AddressInfo,
    AddressInfoOption,
    Datagrams,
    InternetAddress,
    ReceiveFromOption,
    SendToOption,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    UnixAddress,
    _sockets,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    get_address_info,
    get_peer_name,
    get_socket_name,
    get_socket_option,
    listen_socket,
    make_foreign_address,
    make_socket_pair,
    receive_datagrams,
    receive_exactly,
    receive_from_socket,
    receive_into_socket,
    send_all,
    send_datagrams,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    wait_for_socket,
)

UNIX, STREAM, DATAGRAM = SocketDomain.UNIX, SocketType.STREAM, SocketType.DATAGRAM
AUTO = SocketProtocol.AUTO
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="about names of Linux")
needs_bases = pytest.mark.skipif(
    not _sockets.HAS_BASES_IN_C, reason="the private parts are plain ones here"
)
REFUSED = (AttributeError, TypeError, ValueError, OverflowError, SocketCondition)


@pytest.fixture
def pair() -> Iterator[tuple[Socket, Socket]]:
    first, second = make_socket_pair(UNIX, DATAGRAM, AUTO)
    with first, second:
        yield first, second


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as name:
        yield name


# Subclasses that lie.

class Liar(int):
    """Compares, converts and counts as whatever lets it through."""

    def say(self, *others: object) -> Any:
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __bool__ = say
    __hash__ = int.__hash__

    def one(self, *others: object) -> Any:
        return 1

    __int__ = __index__ = __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = one
    __and__ = __rand__ = __or__ = __ror__ = __neg__ = one


class Long(bytes):
    """Says that it is far longer than it is."""

    def __len__(self) -> int:
        return 50_000


class Changing:
    """A property that answers otherwise each time, the last answer for ever."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.asked = answers, 0

    def __get__(self, record: object, kind: type) -> Any:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]

    def __set__(self, record: object, value: object) -> None:
        pass


@pytest.mark.parametrize("count", [5, 3000, 70_000, 1_500_000])
def test_a_count_that_lies_receives_as_many_bytes_as_it_is(
    count: int, pair: tuple[Socket, Socket]
) -> None:
    first, second = pair
    data = os.urandom(4000)
    for procedure in {receive_from_socket, inspect.unwrap(receive_from_socket)}:
        assert send_to_socket(first, data, None) == len(data)
        assert procedure(second, Liar(count))[0] == data[:count]
    with pytest.raises(ValueError, match="count must be from 0"):
        receive_from_socket(second, Liar(-1))
    assert send_to_socket(first, data, None) == len(data)
    runs = receive_datagrams(second, Liar(60_000), Liar(3000))
    assert isinstance(runs, list)
    assert [run.data for run in runs] == [data[:3000]]


@pytest.mark.parametrize(
    ("data", "size"), [
        (b"1234567890", Changing(5, 0)), (b"1234567890", Changing(0)),
        (b"1234567890", Changing(-1)), (b"1234567890", Changing(Liar(0))),
        (b"1234567890", Changing(Liar(3))), (b"1234567890", Changing("x")),
        (b"1234567890", Changing(2**70)), (Changing(Long(b"1234567890")), 5),
        (Changing(b"", b"1234567890", b"1"), 5), (Changing(Long(b"")), 0),
        (Changing(bytearray(b"12")), 1), (Changing(None), 1),
    ],
)
def test_a_run_that_lies_sends_its_own_bytes_or_none(
    data: Any, size: Any, pair: tuple[Socket, Socket]
) -> None:
    class Run(Datagrams):
        __slots__ = ()

    if isinstance(data, Changing):
        Run.data = data
    if isinstance(size, Changing):
        Run.size = size
    run = Run(b"1234567890", 5, None)
    with contextlib.suppress(*REFUSED):
        send_datagrams(pair[0], [run, run])
    while (received := receive_from_socket(pair[1], 60_000)[0]) is not None:
        assert received in b"1234567890"


class Runs(list):  # type: ignore[type-arg]
    def __len__(self) -> int:
        return 1000


class Growing(SocketAddress):
    """Its converter makes the list of the runs longer, while they are laid out."""

    place: bytes
    runs: list[Datagrams]

    def converter(self) -> bytes:
        self.runs.extend([Datagrams(b"more", 4, None)] * 3)
        return self.place


def test_a_list_that_lies_about_its_length_or_grows_is_sent_as_it_was_read(
    pair: tuple[Socket, Socket], folder: str
) -> None:
    assert send_datagrams(pair[0], Runs([Datagrams(b"one", 3, None)])) == 1
    assert receive_from_socket(pair[1], 99)[0] == b"one"
    with create_socket(UNIX, DATAGRAM, AUTO) as sock, create_socket(UNIX, DATAGRAM, AUTO) as other:
        bind_socket(other, UnixAddress(folder + "/other"))
        address = Growing()
        Growing.place = UnixAddress(folder + "/other").converter()
        Growing.runs = [Datagrams(b"to", 2, address)]
        with contextlib.suppress(SocketCondition):
            send_datagrams(sock, address.runs)
        assert receive_from_socket(other, 99)[0] == b"to"


class Any4(SocketAddress):
    __slots__ = ("packed",)

    def converter(self) -> bytes:
        return self.packed


def test_a_converter_whose_bytes_lie_gives_its_own_bytes_to_the_kernel() -> None:
    name = b"\0" + os.urandom(8).hex().encode()
    packed = UnixAddress(name).converter()
    with create_socket(UNIX, DATAGRAM, AUTO) as sock, create_socket(UNIX, DATAGRAM, AUTO) as other:
        bind_socket(sock, Any4(Long(packed)))
        assert get_socket_name(sock) == UnixAddress(name)
        for procedure in (send_to_socket, send_to_socket):
            assert procedure(other, b"x", Any4(Long(packed))) == 1
            assert receive_from_socket(sock, 9)[0] == b"x"
        assert connect_socket(other, Any4(Long(packed))) is True
        assert send_datagrams(other, [Datagrams(b"y", 1, Any4(Long(packed)))]) == 1
        for extractor in (
            sockets.foreign_to_internet_address, sockets.foreign_to_internet6_address
        ):
            with pytest.raises(ValueError, match="too short"):
                extractor(Long(b"12"))
        assert sockets.foreign_to_unix_address(Long(packed)) == UnixAddress(name)
        assert make_foreign_address(2, Long(b"12"))[2:] == b"12"


def test_a_path_whose_bytes_lie_is_as_long_as_it_is() -> None:
    class Path(str):
        def encode(self, *arguments: Any) -> bytes:
            return Long(b"/tmp/x")

    address = UnixAddress(Path("/tmp/x"))
    assert address.converter() == UnixAddress("/tmp/x").converter()


def test_an_option_that_lies_about_its_size_gets_what_it_has_room_for(
    pair: tuple[Socket, Socket]
) -> None:
    class Option(SocketOption):
        __slots__ = ()

    for size in (Changing(4, 60_000), Changing(1, 4), Changing(Liar(2))):
        Option.size = size
        option = Option(SocketOption.TYPE.id, 4, bytes, bytes)
        size.asked = 0
        assert len(get_socket_option(pair[0], option)) <= 4
        for made in (Long(b"\1\0\0\0"), Long(b""), b"12345678"):
            option = Option(SocketOption.KEEP_ALIVE.id, 4, lambda value: made, bytes)  # noqa: B023
            with contextlib.suppress(*REFUSED):
                set_socket_option(pair[0], option, None)
    for wrong in (Changing(0), Changing(-1), Changing(2**40), Changing("x")):
        Option.size = wrong
        with pytest.raises(REFUSED):
            get_socket_option(pair[0], Option(SocketOption.TYPE.id, 4, bytes, bytes))


def test_a_constant_is_the_number_that_it_was_made_of(pair: tuple[Socket, Socket]) -> None:
    kind = SocketType(Liar(DATAGRAM.value))
    assert kind.value.__class__ is int
    create_socket(UNIX, kind, AUTO).__exit__()

    class Flag(SendToOption):
        __slots__ = ()

    Flag.value = Changing(2**80)
    with contextlib.suppress(AttributeError):
        assert send_to_socket(pair[0], b"x", None, Flag(0)) == 1
    for wrong in (2**31, -(2**31) - 1, 2**80, Liar(2**40)):
        with pytest.raises(ValueError, match="value must be from"):
            SendToOption(wrong)
    for wrong in ("1", 1.0, None, True):
        with pytest.raises(TypeError, match="value must be an int"):
            SendToOption(wrong)


class Impostor:
    """An instance of a class by its own account only."""

    def __init__(self, kind: type, **parts: object) -> None:
        self.__dict__.update(parts)
        self.kind = kind

    @property
    def __class__(self) -> Any:
        return self.__dict__["kind"]


def test_an_impostor_is_refused(pair: tuple[Socket, Socket]) -> None:
    sock, fake = pair[0], Impostor(
        SocketAddress, _packed=Long(b"12"), converter=lambda: b"12"
    )
    for call in (
        lambda: send_to_socket(sock, b"x", fake), lambda: connect_socket(sock, fake),
        lambda: bind_socket(sock, fake),
        lambda: send_datagrams(sock, [Datagrams(b"x", 1, fake)]),
        lambda: send_to_socket(Impostor(Socket), b"x", None),
        lambda: receive_from_socket(Impostor(Socket, _nonblocking=True, _foreign=5), 9),
        lambda: create_socket(Impostor(SocketDomain, value=1), STREAM, AUTO),
        lambda: send_to_socket(sock, b"x", None, Impostor(SendToOption, value=2**80)),
        lambda: get_socket_option(sock, Impostor(SocketOption, _number=None)),
    ):
        with pytest.raises(REFUSED):
            call()


# Private parts.

WRONG = [None, 5, -1, 2**80, "x", object(), b"", True, STREAM, (1, 2, 3, 4, 5)]


@needs_bases
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", ["_foreign", "_domain", "_type", "_protocol", "_nonblocking"])
def test_the_private_parts_of_a_socket_can_be_neither_taken_away_nor_made_wrong(name: str) -> None:
    first, second = make_socket_pair(UNIX, STREAM, AUTO)
    with pytest.raises((AttributeError, TypeError)):
        delattr(first, name)
    for wrong in WRONG:
        for put in (setattr, object.__setattr__):
            with contextlib.suppress(AttributeError, TypeError):
                put(first, name, wrong)
    for use in (
        lambda sock: send_to_socket(sock, b"x", None), lambda sock: receive_from_socket(sock, 9),
        accept_socket, lambda sock: get_socket_option(sock, SocketOption.TYPE),
        lambda sock: set_socket_option(sock, SocketOption.KEEP_ALIVE, True),
        lambda sock: connect_socket(sock, UnixAddress("/none")),
    ):
        with contextlib.suppress(SocketCondition):
            use(first)
    assert receive_from_socket(second, 9)[0] == b"x"
    fd = first.fd
    del first
    gc.collect()
    with pytest.raises(OSError):
        os.fstat(fd)
    close_socket(second)


@needs_bases
@pytest.mark.parametrize(("record", "names"), [
    (SendToOption(0), ["value"]),
    (SocketDomain(1, sockets.foreign_to_unix_address, 16), ["value", "extractor"]),
    (InternetAddress(0x7F000001, 9), ["_packed"]), (UnixAddress("/x"), ["_packed"]),
    (SocketOption(1, 4, bytes, bytes), ["_number", "_quick"]),
    (AddressInfo(UNIX, STREAM, AUTO, UnixAddress("/x")),
     ["domain", "type", "protocol", "address"]),
], ids=lambda value: value.__class__.__name__)
def test_the_parts_of_a_record_that_c_reads_cannot_be_made_wrong(
    record: Any, names: list[str], pair: tuple[Socket, Socket]
) -> None:
    for name in names:
        for wrong in WRONG:
            with contextlib.suppress(AttributeError, TypeError, OverflowError):
                object.__setattr__(record, name, wrong)
        with pytest.raises((AttributeError, TypeError)):
            object.__delattr__(record, name)
    for call in (
        lambda: send_to_socket(pair[0], b"x", None, record),
        lambda: send_to_socket(pair[0], b"x", record), lambda: connect_socket(pair[0], record),
        lambda: create_socket(record, STREAM, AUTO), lambda: get_socket_option(pair[0], record),
        lambda: set_socket_option(pair[0], record, 1),
        lambda: get_address_info("127.0.0.1", 1, record),
    ):
        with contextlib.suppress(*REFUSED):
            answer = call()
            if isinstance(answer, Socket):
                close_socket(answer)


@needs_bases
def test_what_c_has_put_in_place_stays() -> None:
    for base in ("SocketBase", "ConstantBase", "DomainBase", "InfoBase", "AddressBase",
                 "OptionBase"):
        kind = getattr(_sockets, base)
        for name in [name for name in vars(kind) if not name.startswith("__")]:
            with pytest.raises(TypeError):
                delattr(kind, name)
            with pytest.raises(TypeError):
                setattr(kind, name, None)
        kind()
    with pytest.raises(TypeError):
        object.__new__(Socket)
    for again in (
        lambda: _sockets.fast.make_bases(print, print), lambda: _sockets.fast.take_places({}, 1),
        lambda: _sockets.fast.take_places(vars(_sockets), 1),
    ):
        with pytest.raises(RuntimeError):
            again()
    _sockets.lib.make_fast_module_keep()
    first, second = make_socket_pair(UNIX, STREAM, AUTO)
    with first, second:
        assert send_to_socket(first, b"x", None) == 1
        assert receive_from_socket(second, 9)[0] == b"x"


def run(script: str, **environment: str) -> str:
    """What a script printed, in a process of its own; it fails if the process did."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True,
                          text=True, timeout=100, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_poisoned_tables_end_in_an_exception_and_nothing_worse() -> None:
    assert run("""
from sockets import *
from sockets import _sockets
a, b = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
for poison in (5, None, (), (int, ()), (int, (1, "x")), (OSError, 5), SocketDomain.UNIX):
    for number in range(-20, 200):
        _sockets.known_answers[number] = poison
        _sockets.known_types[number] = _sockets.known_protocols[number] = poison
        _sockets.socket_domain_db[number] = poison
    for call in (
        lambda: receive_from_socket(a, 9), lambda: accept_socket(a),
        lambda: get_address_info("127.0.0.1", 80), lambda: get_address_info("::1", 80),
        lambda: get_address_info("127.0.0.1", "80"),
    ):
        try: call()
        except Exception: pass
print("lives")
""") == "lives\n"


# What C uses, it owns.

FREED = """
import signal, sys, tempfile, threading, time
from sockets import *
UNIX, DATAGRAM, AUTO = SocketDomain.UNIX, SocketType.DATAGRAM, SocketProtocol.AUTO
folder = tempfile.mkdtemp(dir="/tmp")
right, stranger, sock, early, filling = [create_socket(UNIX, DATAGRAM, AUTO) for _ in range(5)]
bind_socket(right, UnixAddress(folder + "/here"))
bind_socket(stranger, UnixAddress(folder + "/othr"))
slow, go, sent, junk = threading.Event(), threading.Event(), 0, []

class Slow(SocketAddress):
    __slots__ = ("path",)
    def converter(self):
        packed = UnixAddress(self.path).converter()
        if threading.current_thread() is not threading.main_thread():
            slow.set()
            go.wait()
        return packed

address = Slow(folder + "/here")
thread = threading.Thread(target=send_to_socket, args=(early, b"first", address))
thread.start()
slow.wait()
set_socket_nonblocking(sock, False)
send_to_socket(filling, b"0", address)
while isinstance(send_to_socket(filling, b"fill", UnixAddress(folder + "/here")), int):
    pass

def handler(*_):
    go.set()                    # the thread has its bytes now, and keeps them or gives them up
    thread.join()
    other = b"\\1\\0" + folder.encode() + b"/othr\\0"
    for i in range(2000):
        junk.append(bytes(bytearray(other)))
    threading.Thread(target=lambda: (time.sleep(0.2), drain(right))).start()

def drain(sock):
    while receive_from_socket(sock, 99)[0] is not None:
        pass

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
assert send_to_socket(sock, b"for here only", address) == 13
assert receive_from_socket(stranger, 99)[0] is None
print("right")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_two_threads_at_the_first_use_of_one_address_send_to_where_it_says() -> None:
    assert run(FREED) == "right\n"


def test_threads_that_pack_the_same_addresses_send_to_where_they_say(folder: str) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    wrong: list[BaseException] = []
    with create_socket(UNIX, DATAGRAM, AUTO) as right:
        bind_socket(right, UnixAddress(folder + "/here"))
        addresses = [UnixAddress(folder + "/here") for _ in range(3000)]

        def send() -> None:
            try:
                with create_socket(UNIX, DATAGRAM, AUTO) as sock:
                    for address in addresses:
                        while not isinstance(send_to_socket(sock, b"x", address), int):
                            receive_from_socket(right, 9)
            except BaseException as failure:
                wrong.append(failure)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sys.setswitchinterval(interval)
    assert not wrong


def test_a_domain_that_is_registered_anew_while_an_answer_is_made_lives_on() -> None:
    """On Python 3.11 and before, the collector runs whenever something is allocated."""
    assert run("""
import gc, itertools
from sockets import *
DOMAIN = SocketDomain.INTERNET
count = itertools.count()

class Anew:
    def __del__(self):
        next(count)
        register_socket_domain(SocketDomain(DOMAIN.value, DOMAIN.extractor, 16))
        junk.append(["x"] * 12)

def extract(packed):
    return foreign_to_internet_address(packed)

junk = []
gc.set_threshold(1, 1, 1)
for i in range(3000):
    ring = Anew()
    ring.ring = ring
    del ring
    infos, _ = get_address_info("127.0.0.1", 80)
    assert {info.domain.value for info in infos} == {DOMAIN.value}
    assert all(str(info.address) == "127.0.0.1:80" for info in infos)
    del junk[:]
print("lives", next(count) > 1000)
""") == "lives True\n"


@needs_linux
def test_an_extractor_that_takes_its_own_domain_away_is_held_while_it_runs() -> None:
    first, second = make_socket_pair(UNIX, DATAGRAM, AUTO)
    with first, second:
        bind_socket(second, UnixAddress(""))  # the system chooses a name

        class Extractor:
            def __call__(self, packed: bytes) -> SocketAddress:
                first._domain = UNIX
                gc.collect(0)
                return UnixAddress(self.name)

            def __init__(self) -> None:
                self.name = "held"

        for _ in range(200):
            first._domain = SocketDomain(UNIX.value, Extractor(), UNIX.address_size)
            assert send_to_socket(second, b"x", None) == 1
            assert receive_from_socket(first, 9) == (b"x", UnixAddress("held"))


# No exception is lost.

class Stop(BaseException):
    """As what a handler raises for Ctrl-C, and of no class that anybody expects."""


def raising_at(number: int, act: Callable[[], object]) -> tuple[int, BaseException | None]:
    """Raise at the so-manieth step of the library's: how many there were, and what came of it."""
    steps, old = 0, sys.gettrace()

    def trace(frame: Any, event: str, arg: object) -> Any:
        nonlocal steps
        if frame.f_globals.get("__name__") not in (_sockets.__name__, "extractors"):
            return None
        frame.f_trace_opcodes = True
        steps += 1
        if steps == number:
            raise Stop
        return trace

    try:
        sys.settrace(trace)
        act()
    except BaseException as raised:
        sys.settrace(old)
        return steps, raised
    finally:
        sys.settrace(old)
    return steps, None


EXTRACTORS: dict[str, Any] = {"__name__": "extractors", "sockets": sockets}
exec("""
def extract(packed):
    return sockets.foreign_to_unix_address(packed)
def make(value):
    return b"1234"
def convert(data):
    return data
class Lender:
    def __buffer__(self, flags):
        return memoryview(bytearray(b"hello"))
class Closed(sockets.SocketAddress):
    def converter(self):
        return sockets.UnixAddress("/none/such").converter()
""", EXTRACTORS)


class Scene:
    """Sockets in the states that the calls below need; every call can be made again."""

    def __init__(self, folder: str) -> None:
        own = SocketDomain(UNIX.value, EXTRACTORS["extract"], UNIX.address_size)
        self.own = own
        self.first, self.second = make_socket_pair(own, DATAGRAM, AUTO)
        self.closed = create_socket(UNIX, STREAM, AUTO)
        close_socket(self.closed)
        self.bound = create_socket(own, DATAGRAM, AUTO)
        self.place = UnixAddress(folder + "/b")
        bind_socket(self.bound, self.place)
        self.sender = create_socket(UNIX, DATAGRAM, AUTO)
        bind_socket(self.sender, UnixAddress(folder + "/s"))
        self.listener = create_socket(own, STREAM, AUTO)
        bind_socket(self.listener, UnixAddress(folder + "/l"))
        listen_socket(self.listener, 9)
        self.near, self.far = make_socket_pair(UNIX, STREAM, AUTO)
        self.buffer = bytearray(9)
        self.option = SocketOption(12345, 4, EXTRACTORS["make"], EXTRACTORS["convert"])
        self.sockets = [self.first, self.second, self.bound, self.sender, self.listener]
        self.sockets += [self.near, self.far]

    def close(self) -> None:
        for sock in self.sockets:
            close_socket(sock)

    def prepare(self) -> None:
        """A datagram at `bound`, and a client at `listener`, whatever there was before."""
        for sock in (self.bound, self.first, self.second, self.far):
            while receive_from_socket(sock, 9)[0] is not None:
                pass
        while (client := accept_socket(self.listener)[0]) is not None:
            close_socket(client)
        send_to_socket(self.sender, b"hello", self.place)
        with create_socket(UNIX, STREAM, AUTO) as client:
            connect_socket(client, get_socket_name(self.listener))
        self.buffer.append(0)  # BufferError, if it were still lent
        del self.buffer[9:]


def closing(answer: Any) -> None:
    if isinstance(answer, tuple) and isinstance(answer[0], Socket):
        close_socket(answer[0])


CALLS: dict[str, Callable[[Scene], object]] = {
    "receive": lambda s: receive_from_socket(s.bound, 9),
    "receive much": lambda s: receive_from_socket(s.bound, 9000),
    "receive into": lambda s: receive_into_socket(s.bound, s.buffer),
    "receive nothing": lambda s: receive_from_socket(s.first, 9),
    "receive, closed": lambda s: receive_from_socket(s.closed, 9),
    "receive into, closed": lambda s: receive_into_socket(s.closed, s.buffer),
    "receive into what is no buffer": lambda s: receive_into_socket(s.bound, b"x"),
    "receive into a lender": lambda s: receive_into_socket(s.bound, EXTRACTORS["Lender"]()),
    "receive by name": lambda s: receive_from_socket(sock=s.bound, count=9),
    "send": lambda s: send_to_socket(s.first, b"x", None),
    "send a buffer": lambda s: send_to_socket(s.first, s.buffer, None),
    "send what is no buffer": lambda s: send_to_socket(s.first, "x", None),
    "send what is lent": lambda s: send_to_socket(s.first, EXTRACTORS["Lender"](), None),
    "send, unpacked": lambda s: send_to_socket(s.sender, b"x", UnixAddress(s.place.path)),
    "send to nobody": lambda s: send_to_socket(s.sender, b"x", EXTRACTORS["Closed"]()),
    "send, closed": lambda s: send_to_socket(s.closed, b"x", None),
    "accept": lambda s: closing(accept_socket(s.listener)),
    "accept, closed": lambda s: accept_socket(s.closed),
    "connect": lambda s: connect_socket(s.sender, s.place),
    "connect to nobody": lambda s: connect_socket(s.sender, EXTRACTORS["Closed"]()),
    "create what there is not": lambda s: create_socket(UNIX, SocketType(99), AUTO),
    "close, closed": lambda s: close_socket(s.closed),
    "get an option": lambda s: get_socket_option(s.first, SocketOption.TYPE),
    "get an option of the program's": lambda s: get_socket_option(s.first, s.option),
    "set an option wrongly": lambda s: set_socket_option(s.first, SocketOption.KEEP_ALIVE, 5),
    "set an option of the program's": lambda s: set_socket_option(s.first, s.option, 5),
    "send all": lambda s: send_all(s.near, s.buffer),
    "send all, closed": lambda s: send_all(s.closed, s.buffer),
    "send all of what is no buffer": lambda s: send_all(s.near, "x"),
    "send all of what is lent": lambda s: send_all(s.near, EXTRACTORS["Lender"]()),
    "receive exactly": lambda s: (send_all(s.near, b"x"), receive_exactly(s.far, 1)),
    "receive exactly, nothing": lambda s: receive_exactly(s.far, 1, timeout=0.001),
    "receive exactly, closed": lambda s: receive_exactly(s.closed, 1),
    "name": lambda s: get_socket_name(s.bound),
    "name of a peer": lambda s: get_peer_name(s.first),
    "name, closed": lambda s: get_socket_name(s.closed),
    "mode": lambda s: set_socket_nonblocking(s.first, True),
    "mode, closed": lambda s: set_socket_nonblocking(s.closed, True),
    "look": lambda s: wait_for_socket(s.bound, True, False, 0),
    "look, closed": lambda s: wait_for_socket(s.closed, True, False, timeout=0),
    "a key": lambda s: {UnixAddress(s.place.path): 5}[get_socket_name(s.bound)],
    "a key that cannot be packed": lambda s: {InternetAddress(1, None): 5}.get(s.place),
    "resolve": lambda s: get_address_info("127.0.0.1", 80),
    "resolve a name": lambda s: get_address_info("127.0.0.1", "80"),
    "resolve nothing": lambda s: get_address_info(
        "x", 80, None, None, None, AddressInfoOption.NUMERIC_HOST),
    "send many": lambda s: send_datagrams(s.first, [Datagrams(b"xy", 1, None)]),
    "receive many": lambda s: receive_datagrams(s.bound, 9, 9),
    "receive many, nothing": lambda s: receive_datagrams(s.first, 9, 9),
    "peek": lambda s: receive_from_socket(s.bound, 9, ReceiveFromOption.PEEK),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", CALLS)
def test_what_is_raised_at_any_step_arrives(name: str, folder: str) -> None:
    """At each instruction of each function of Python's that a call runs, from C and without."""
    if ("lender" in name or "lent" in name) and sys.version_info < (3, 12):
        pytest.skip("a class in Python lends nothing before 3.12")
    scene = Scene(folder)
    try:
        scene.prepare()
        number, steps = 0, 1
        while number < steps:
            number += 1
            scene.prepare()
            steps, raised = raising_at(number, lambda: CALLS[name](scene))
            if steps < number:
                break
            assert isinstance(raised, Stop), f"lost at step {number}: {raised!r}"
            steps = number + 1
        print(f"{name}: {number - 1} steps, each arrived", end="; ")
    finally:
        scene.close()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a class in Python lends nothing before")
@pytest.mark.parametrize("error", [KeyboardInterrupt, Stop, MemoryError, LookupError])
def test_what_a_lender_raises_arrives_and_it_is_asked_once(
    error: type[BaseException], pair: tuple[Socket, Socket]
) -> None:
    class Lender:
        asked = 0

        def __buffer__(self, flags: int) -> memoryview:
            Lender.asked += 1
            raise error

    for call in (
        lambda: send_to_socket(pair[0], Lender(), None),
        lambda: receive_into_socket(pair[0], Lender()),
    ):
        Lender.asked = 0
        with pytest.raises(error):
            call()
        assert Lender.asked == 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a class in Python lends nothing before")
def test_what_a_lender_does_when_it_gets_its_buffer_back_hides_no_exception() -> None:
    assert run("""
import os, signal, threading, time
from sockets import *
class Stop(Exception): pass
def handler(*_): raise Stop
signal.signal(signal.SIGUSR1, handler)
class Lender:
    back = 0
    def __buffer__(self, flags): return memoryview(bytearray(9))
    def __release_buffer__(self, view):
        Lender.back += 1
        try: raise LookupError
        except LookupError: pass
a, b = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
set_socket_nonblocking(a, False)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
try: receive_into_socket(a, Lender())
except Stop: print("arrived", Lender.back)
""") == "arrived 1\n"


STORM = """
import signal, random, sys
from sockets import *
class Stop(Exception): pass
ran = 0
def handler(*_):
    global ran; ran += 1; raise Stop
signal.signal(signal.SIGALRM, handler)
a, b = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
buffer, caught = bytearray(4096), 0
def go_on(want):
    signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-5, 1e-4))
    while ran < want:
        %s
for i in range(400):
    try: go_on(ran + 1)
    except Stop: caught += 1
print(ran - caught, "lost")
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.parametrize("call", [
    "receive_into_socket(a, buffer)", "receive_into_socket(a, memoryview(buffer)[1:])",
    "receive_from_socket(a, 4096)", "receive_from_socket(a, 9999)",
    "send_to_socket(a, buffer, None); receive_into_socket(b, buffer)",
    "get_socket_option(a, SocketOption.TYPE)", "get_address_info('127.0.0.1', 80)",
    "set_socket_option(a, SocketOption.KEEP_ALIVE, True)",
    "close_socket(create_socket(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO))",
])
def test_what_a_handler_raises_arrives_in_a_storm_of_signals(call: str) -> None:
    assert run(STORM % call) == "0 lost\n"


COLLECTED = """if True:
    import gc, os, socket, sys
    from sockets import *

    theirs = socket.socket()
    theirs.bind(("127.0.0.1", 0))
    theirs.listen(200)
    listener = from_python_socket(theirs)
    extractor, place = listener._domain.extractor, get_socket_name(listener)

    def replace(phase, info):
        global replaced
        listener._domain = SocketDomain(socket.AF_INET, extractor, 16)
        listener._type, listener._protocol = SocketType(1), SocketProtocol(0)
        replaced += phase == "start"

    replaced = 0
    replace("start", None)
    for more in range(100):
        client = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
        within(10, connect_socket, client, place), wait_for_socket(listener, True, False, 10)
        gc.collect(), gc.disable()
        kept = [[] for _ in range(more % 12)]
        gc.callbacks.append(replace)
        gc.set_threshold(6), gc.enable()
        served, _ = accept_socket(listener)
        gc.disable(), gc.callbacks.clear()
        assert type(served._domain) is SocketDomain and type(served._type) is SocketType
        repr(served), close_socket(served), close_socket(client)
    print(replaced > 1)
    close_socket(listener)
"""


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="a collection waits for the call's end")
def test_what_an_accepted_socket_takes_over_is_owned_while_its_record_is_made() -> None:
    assert run(COLLECTED, PYTHONMALLOC="debug") == "True\n"


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@needs_bases
def test_what_came_is_told_where_there_is_no_memory_for_more() -> None:
    assert run("""
import resource, threading
from sockets import *
a, b = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
block = b"x" * 2**20
def send():
    for _ in range(64): send_all(a, block)
    close_socket(a)
threading.Thread(target=send).start()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**26 + 2**25, resource.RLIM_INFINITY))
try: receive_exactly(b, 2**33)
except MemoryError as failure: print(len(failure.done) == failure.done.count(b"x") == 2**26)
""") == "True\n"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@needs_bases
@pytest.mark.parametrize("mode", [True, False], ids=["nonblocking", "blocking"])
def test_no_byte_is_lost_in_a_storm_of_signals(mode: bool) -> None:
    assert run(RECEIVED % mode) == "True True\n"
    assert run(SENT % mode) == "True True\n"


STOPPED = """
import random, signal, threading
from itertools import starmap
from operator import itemgetter
from sockets import *
class Stop(Exception): pass
def handler(*_): raise Stop
def pair(nonblocking):
    both = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    set_socket_nonblocking(both[0], nonblocking)
    return both
def until_told(transfer):  # whether all arrived each time, and at last an exception told of a part
    whole, told = transfer()
    while whole and not told:
        whole, told = transfer()
    print(whole, told)
signal.signal(signal.SIGALRM, handler)
"""
RECEIVED = STOPPED + """
data = bytes(range(251)) * 40_000
def transfer():
    b, a = pair(%s)
    def send():
        for start in range(0, len(data), 5000): send_all(a, data[start : start + 5000])
        close_socket(a)
    threading.Thread(target=send).start()
    got, told = [], 0
    while (missing := len(data) - sum(map(len, got))) > 0:
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-5, 1e-3))
            got.extend(map(itemgetter(0), starmap(receive_exactly, [(b, missing)])))  # in one step
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Stop as failure:
            got.append(getattr(failure, "done", b""))
            told += hasattr(failure, "done")
    close_socket(b)
    return b"".join(got) == data, told > 0
until_told(transfer)
"""
SENT = STOPPED + """
data = bytearray(range(251)) * 40_000
def transfer():
    a, b = pair(%s)
    got, sent, told = [], [], 0
    def receive():
        while part := receive_exactly(b, 5000)[0]: got.append(part)
    receiver = threading.Thread(target=receive)
    receiver.start()
    while (done := sum(sent)) < len(data):
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-5, 1e-3))
            sent.extend(map(itemgetter(0), starmap(send_all, [(a, memoryview(data)[done:])])))
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Stop as failure:
            sent.append(getattr(failure, "done", 0))
            told += hasattr(failure, "done")
    close_socket(a)
    receiver.join()
    close_socket(b)
    return b"".join(got) == data, told > 0
until_told(transfer)
"""


# References.

@pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="only a debug build counts them")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", CALLS)
def test_a_thousand_calls_leave_as_many_references_as_there_were(name: str, folder: str) -> None:
    if ("lender" in name or "lent" in name) and sys.version_info < (3, 12):
        pytest.skip("a class in Python lends nothing before 3.12")
    scene, call = Scene(folder), CALLS[name]

    def references_after(times: int) -> int:
        for _ in range(times):
            scene.prepare()
            with contextlib.suppress(Exception):
                call(scene)
        gc.collect()
        return sys.gettotalrefcount()  # type: ignore[attr-defined,no-any-return]

    try:
        at_first = references_after(100)
        grown = references_after(1000) - at_first
    finally:
        scene.close()
    print(f"{name}: {grown:+} references", end="; ")
    assert grown < 100
