"""What is dropped while it is open is closed, whatever happens to the warning about it."""

from __future__ import annotations

import os
import socket as native
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from helpers import Family, Makers, collect_garbage, name_of, needs_posix, run_python

from sockets import (
    Socket,
    SocketDomain,
    SocketProtocol,
    SocketType,
    accept_socket,
    adopt_descriptor,
    connect_socket,
    create_socket,
    detach_socket,
    duplicate_socket,
    from_python_socket,
    make_socket_pair,
)

pytestmark = needs_posix
AUTO, STREAM = SocketProtocol.AUTO, SocketType.STREAM


LINGERING = """if True:
    import gc, socket, sys
    sys.path.insert(0, sys.argv[1])
    from helpers import Waiter
    from sockets import *

    class Silent(Socket):
        __slots__ = ()
        def __del__(self):
            pass

    listener = socket.create_server(("127.0.0.1", 0))
    client = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
    set_socket_option(client, SocketOption.LINGER, 1)
    within(30, connect_socket, client, string_to_internet_address(
        "127.0.0.1:%d" % listener.getsockname()[1]))
    peer = listener.accept()[0]
    while isinstance(send_to_socket(client, bytes(100_000), None), int):
        pass
    kept = [Silent(detach_socket(client), SocketDomain.INTERNET, SocketType.STREAM,
                   SocketProtocol.AUTO)]
    closing = Waiter(kept.clear).is_asleep()
    gc.collect()
    closing.answer()
    peer.close(), listener.close()
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="what is dropped is collected")
def test_a_collection_meets_nothing_of_a_record_whose_descriptor_is_being_closed() -> None:
    run_python(LINGERING, os.path.dirname(__file__), env={**os.environ, "PYTHONMALLOC": "debug"})


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What cannot be raised where a record goes is kept, and nothing is printed."""
    kept: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda event: kept.append(event.exc_type))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield kept


def created(makers: Makers) -> list[Socket]:
    return [create_socket(makers.family.domain, STREAM, AUTO)]


def created_by_name(makers: Makers) -> list[Socket]:
    return [create_socket(domain=makers.family.domain, type=STREAM, protocol=AUTO)]


def accepted(makers: Makers) -> list[Socket]:
    listener, client = makers.listener(), makers.socket()
    connect_socket(client, name_of(listener))
    sock, _ = accept_socket(listener)
    assert sock is not None
    return [sock]


def duplicated(makers: Makers) -> list[Socket]:
    return [duplicate_socket(makers.socket())]


def paired(_: Makers) -> list[Socket]:
    return [*make_socket_pair(SocketDomain.UNIX, STREAM, AUTO)]


def adopted(makers: Makers) -> list[Socket]:
    return [adopt_descriptor(detach_socket(created(makers)[0]))]


def given(makers: Makers) -> list[Socket]:
    return [Socket(detach_socket(created(makers)[0]), makers.family.domain, STREAM, AUTO)]


def changed_over(makers: Makers) -> list[Socket]:
    return [from_python_socket(native.socket(makers.family.domain.value))]


ORIGINS = [created, created_by_name, accepted, duplicated, paired, adopted, given, changed_over]


class Unprintable(SocketType):
    """A constant whose printed form fails, in each way in which one can."""

    __slots__ = ()
    failure: BaseException

    def __repr__(self) -> NoReturn:
        raise self.failure


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("failure", [
    ValueError("no"), RuntimeError("no"), RecursionError("no"), KeyboardInterrupt("no"),
], ids=lambda failure: failure.__class__.__name__)
def test_a_socket_that_cannot_be_printed_is_closed(
    slow: Makers, origin: Callable[[Makers], list[Socket]], failure: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Unprintable, "failure", failure, raising=False)
    made = origin(slow)
    for sock in made:
        sock._type = Unprintable(STREAM.value)
    numbers = {sock.fd for sock in made}
    assert all(map(is_open, numbers))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        while made:
            made.pop()
        sock = made  # type: ignore[assignment]
        collect_garbage()
    assert not any(map(is_open, numbers))
    if isinstance(failure, Exception):
        assert {str(each.message) for each in warned} == {
            f"unclosed Socket fd={number}" for number in numbers
        }


class Failing(Socket):
    """A subclass whose constructor fails when the descriptor is in the record."""

    __slots__ = ("name",)

    def __init__(self, fd: int, domain: SocketDomain, name: Any) -> None:
        super().__init__(fd, domain, STREAM, AUTO)
        self.name = name.upper()

    def __repr__(self) -> str:
        return f"<Failing {self.name}>"


def test_a_socket_whose_constructor_failed_is_closed(family: Family) -> None:
    number = detach_socket(create_socket(family.domain, STREAM, AUTO))
    with pytest.raises(AttributeError):
        Failing(number, family.domain, None)
    collect_garbage()
    assert not is_open(number)


class Derived(Socket):
    def __repr__(self) -> str:
        raise AttributeError("it has been closed")


def test_the_warning_does_not_depend_on_what_a_subclass_says_of_itself(family: Family) -> None:
    sock = Derived(detach_socket(create_socket(family.domain, STREAM, AUTO)),
                   family.domain, STREAM, AUTO)
    said = Socket.__repr__(sock).rstrip(">")
    with pytest.warns(ResourceWarning) as warned:
        del sock
        collect_garbage()
    assert [str(each.message).partition(" at ")[0].rstrip(">") for each in warned] == [
        f"unclosed {said}"]


@pytest.mark.parametrize("made", [
    "create_socket(*kind)", "create_socket(domain=kind[0], type=kind[1], protocol=kind[2])",
    "make_socket_pair(*kind)", "duplicate_socket(first)",
    "from_python_socket(socket.socket(socket.AF_UNIX))", "to_python_socket(create_socket(*kind))",
])
def test_what_is_dropped_at_the_bottom_of_a_recursion_is_closed(made: str) -> None:
    run_python(f"""if True:
        import gc, os, socket, sys
        from sockets import *
        kind = SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
        sys.warnoptions.clear()
        import warnings; warnings.simplefilter("ignore")

        first = create_socket(*kind)

        def deep():
            {made}
            deep()

        before = len(os.listdir("/proc/self/fd"))
        # Down there nothing can be said: not even a hook for what is said could be called.
        sys.stderr = None
        for _ in range(5):
            try:
                deep()
            except RecursionError:
                pass
        gc.collect()
        sys.stderr = sys.__stderr__
        leaked = len(os.listdir("/proc/self/fd")) - before
        assert leaked == 0, leaked
        close_socket(first)
    """)


def test_a_constant_is_printed_while_others_add_names() -> None:
    class Kind(SocketType):
        pass

    def add() -> None:
        for number in range(3000):
            setattr(Kind, f"NAME_{number % 300}", number)
            if number % 300 == 299:
                for each in range(300):
                    delattr(Kind, f"NAME_{each}")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    adding = threading.Thread(target=add)
    adding.start()
    try:
        while adding.is_alive():
            assert repr(Kind(77)) == "Kind(77)"
    finally:
        sys.setswitchinterval(interval)
        adding.join()
