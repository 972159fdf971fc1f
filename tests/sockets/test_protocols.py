"""The protocol database, beside a reading of the file that it stands in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import needs_posix

import sockets
from sockets import (
    HAS_PROTOCOL_ITERATION,
    ProtocolEntry,
    SendToOption,
    SocketProtocol,
    SocketType,
    close_protocol_database,
    get_protocol_by_constant,
    get_protocol_by_name,
    next_protocol_entry,
    open_protocol_database,
)

FILE = Path("/etc/protocols")

pytestmark = pytest.mark.skipif(
    not FILE.exists() or Path("/var/lib/misc/protocols.db").exists(),
    reason="the database is not in a file that can be read here",
)


@pytest.fixture(autouse=True)
def a_closed_database() -> Iterator[None]:
    """The iteration is the process's own, so that every test begins and ends without one."""
    if HAS_PROTOCOL_ITERATION:
        close_protocol_database()
    yield
    if HAS_PROTOCOL_ITERATION:
        close_protocol_database()


@pytest.fixture(scope="module")
def listed() -> list[ProtocolEntry]:
    """The entries of the file, in its order."""
    entries = []
    for line in FILE.read_text().splitlines():
        words = line.partition("#")[0].split()
        if len(words) >= 2 and words[1].isdigit():
            name, number, *aliases = words
            entries.append(ProtocolEntry(name, tuple(aliases), SocketProtocol(int(number))))
    assert len(entries) > 3
    return entries


def first_named(listed: list[ProtocolEntry], name: str) -> ProtocolEntry:
    return next(entry for entry in listed if name in (entry.name, *entry.aliases))


def read_to_the_end() -> list[ProtocolEntry]:
    entries = []
    while (entry := next_protocol_entry()) is not None:
        entries.append(entry)
    return entries


@needs_posix
def test_the_platform_can_iterate() -> None:
    assert sockets.HAS_PROTOCOL_ITERATION is True


# departures 7, 33
def test_the_database_read_to_its_end_is_the_file(listed: list[ProtocolEntry]) -> None:
    entries = read_to_the_end()
    assert entries == listed
    assert [entry.aliases for entry in entries] == [entry.aliases for entry in listed]
    for entry in entries:
        assert type(entry) is ProtocolEntry
        assert type(entry.name) is str
        assert type(entry.aliases) is tuple
        assert {type(alias) for alias in entry.aliases} <= {str}
        assert type(entry.value) is SocketProtocol


# departure 7
def test_at_the_end_there_is_nothing_however_often_one_asks(
    listed: list[ProtocolEntry],
) -> None:
    read_to_the_end()
    assert next_protocol_entry() is None
    assert next_protocol_entry() is None


@needs_posix
def test_every_name_and_every_alias_finds_its_entry(listed: list[ProtocolEntry]) -> None:
    for entry in listed:
        for name in (entry.name, *entry.aliases):
            assert get_protocol_by_name(name) == first_named(listed, name)


@needs_posix
def test_every_number_finds_its_first_entry(listed: list[ProtocolEntry]) -> None:
    for entry in listed:
        first = next(other for other in listed if other.value == entry.value)
        assert get_protocol_by_constant(entry.value) == first


def test_the_usual_protocols_are_there() -> None:
    for name, number in {"icmp": 1, "tcp": 6, "udp": 17}.items():
        entry = get_protocol_by_name(name)
        assert entry is not None
        assert entry == get_protocol_by_constant(SocketProtocol(number))
        assert (entry.name, entry.value) == (name, SocketProtocol(number))


# departure 7
@pytest.mark.parametrize(
    "name", ["", "no-such-protocol", "tc", "tcpp", "tcp ", "6", "é", "x" * 5000], ids=len
)
def test_a_name_that_is_not_there_is_none(name: str) -> None:
    assert get_protocol_by_name(name) is None


# departure 7
@pytest.mark.parametrize("number", [-1, 254, 256, 4242, 2**31 - 1, -(2**31)])
def test_a_number_that_is_not_there_is_none(number: int, listed: list[ProtocolEntry]) -> None:
    assert SocketProtocol(number) not in [entry.value for entry in listed]
    assert get_protocol_by_constant(SocketProtocol(number)) is None


@pytest.mark.parametrize("name", [b"tcp", 6, None, SocketProtocol(6)])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(TypeError, match="get_protocol_by_name: name must be a str") as refusal:
        get_protocol_by_name(name)
    assert repr(name) in str(refusal.value)


def test_a_name_with_a_nul_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"get_protocol_by_name: name .*'tcp\\x00'"):
        get_protocol_by_name("tcp\0")


# departure 34
@pytest.mark.parametrize("protocol", [6, True, "tcp", None, SocketType(6), SendToOption(6)])
def test_what_is_no_protocol_is_not_looked_up(protocol: Any) -> None:
    with pytest.raises(TypeError) as refusal:
        get_protocol_by_constant(protocol)
    assert "get_protocol_by_constant: protocol must be a SocketProtocol" in str(refusal.value)
    assert repr(protocol) in str(refusal.value)


@pytest.mark.parametrize("keep_alive", [True, False])
def test_opening_begins_again(keep_alive: bool, listed: list[ProtocolEntry]) -> None:
    assert [next_protocol_entry(), next_protocol_entry()] == listed[:2]
    open_protocol_database(keep_alive)
    assert [next_protocol_entry(), next_protocol_entry()] == listed[:2]
    read_to_the_end()
    open_protocol_database(keep_alive)
    assert read_to_the_end() == listed


def test_closing_begins_again(listed: list[ProtocolEntry]) -> None:
    assert [next_protocol_entry(), next_protocol_entry()] == listed[:2]
    close_protocol_database()
    assert next_protocol_entry() == listed[0]
    close_protocol_database()
    close_protocol_database()
    assert next_protocol_entry() == listed[0]


@pytest.mark.parametrize("keep_alive", [1, 0, None, "yes"])
def test_keeping_the_database_open_is_true_or_false(keep_alive: Any) -> None:
    with pytest.raises(TypeError, match="open_protocol_database: keep_alive must be a bool"):
        open_protocol_database(keep_alive)


# departure 49
@pytest.mark.parametrize("keep_alive", [True, False])
def test_lookups_do_not_move_the_iteration(
    keep_alive: bool, listed: list[ProtocolEntry]
) -> None:
    open_protocol_database(keep_alive)
    for entry in listed:
        assert next_protocol_entry() == entry
        assert get_protocol_by_name("udp") == first_named(listed, "udp")
        assert get_protocol_by_constant(SocketProtocol(6)) == first_named(listed, "tcp")
        assert get_protocol_by_name("no-such-protocol") is None
    assert next_protocol_entry() is None


# departure 49
def test_lookups_from_many_threads_agree(listed: list[ProtocolEntry]) -> None:
    begin = threading.Barrier(9)
    wrong: list[object] = []
    done: list[int] = []

    def look_up(start: int) -> None:
        begin.wait(30)
        for entry in listed[start:] + listed[:start]:
            for name in (entry.name, *entry.aliases):
                if (found := get_protocol_by_name(name)) != first_named(listed, name):
                    wrong.append((name, found))
            found = get_protocol_by_constant(entry.value)
            if found is None or found.value != entry.value:
                wrong.append((entry.value, found))
        done.append(start)

    threads = [threading.Thread(target=look_up, args=(3 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    begin.wait(30)
    iterated = read_to_the_end()  # meanwhile
    for thread in threads:
        thread.join(50)
    assert wrong == []
    assert sorted(done) == [3 * i for i in range(8)]
    assert iterated == listed
