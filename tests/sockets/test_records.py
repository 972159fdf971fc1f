"""The records: their fields, what they refuse, how they compare, print and travel."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from helpers import WINDOWS, collect_garbage, fcntl, int_of_bytes, needs_unix_sockets, text_of

import sockets
from sockets import (
    AddressInfo,
    AddressInfoOption,
    InternetAddress,
    IpOption,
    ProtocolEntry,
    RawOption,
    ReceiveFromOption,
    SendToOption,
    ShutdownMethod,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketConstant,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    UdpOption,
    UnixAddress,
)

LOOPBACK = 0x7F000001


# What a program adds: functions, classes and constants, at module level as pickle wants them.

def pack_int(value: int) -> bytes:
    return struct.pack("i", value)


def unpack_int(data: bytes) -> int:
    return int_of_bytes(data)


SctpOption = sockets.define_socket_option_type("SctpOption", 132)


class Priority(SocketConstant):
    __slots__ = ()


Priority.HIGH = Priority(6)


class LinkType(SocketType):
    __slots__ = ()


LinkType.PACKET = LinkType(10)


class LoopbackAddress(SocketAddress):
    """A port of this host's loopback interface, by nothing but its number."""

    __slots__ = ("port",)

    def __init__(self, port: int) -> None:
        super().__init__(port)

    def converter(self) -> bytes:
        conversions.append(self.port)
        return InternetAddress(LOOPBACK, self.port).converter()


conversions: list[int] = []


def extract_loopback(packed: bytes) -> LoopbackAddress:
    return LoopbackAddress(int.from_bytes(packed[2:4], "big"))


LOOPBACK_DOMAIN = SocketDomain(socket.AF_INET, extract_loopback, 16)


class HomeAddress(LoopbackAddress):
    __slots__ = ("comment",)

    def __init__(self, port: int, comment: str) -> None:
        SocketAddress.__init__(self, port, comment)


class WiderDomain(SocketDomain):
    __slots__ = ()


class ProxyCondition(SocketCondition):
    """A condition of a program's own."""


OPTION_PARTS: dict[str, object] = {
    "id": 7, "size": 4, "maker": pack_int, "converter": unpack_int,
}
INFO_PARTS: dict[str, object] = {
    "domain": SocketDomain.INTERNET, "type": SocketType.STREAM,
    "protocol": SocketProtocol(6), "address": InternetAddress(LOOPBACK, 80),
}

# Every record that is a value: its class, its fields in order, a field to change and to what.
VALUES: list[tuple[type, dict[str, object], str, object]] = [
    (SocketOption, {**OPTION_PARTS, "level": 41}, "level", 42),
    (TcpOption, OPTION_PARTS, "id", 8),
    (UdpOption, OPTION_PARTS, "size", 8),
    (RawOption, OPTION_PARTS, "maker", bytes),
    (IpOption, OPTION_PARTS, "converter", bytes),
    (SctpOption, OPTION_PARTS, "id", 8),
    (UnixAddress, {"path": "/tmp/s"}, "path", "/tmp/t"),
    (InternetAddress, {"ip": 1, "port": 2}, "ip", None),
    (LoopbackAddress, {"port": 2}, "port", 3),
    (HomeAddress, {"port": 2, "comment": "door"}, "comment", "window"),
    (AddressInfo, INFO_PARTS, "address", UnixAddress("/tmp/s")),
    (AddressInfoOption, {"value": 3}, "value", 4),
    (SocketConstant, {"value": 3}, "value", 4),
    (SocketDomain, {"value": 3, "extractor": extract_loopback, "address_size": 16},
     "address_size", 17),
    (WiderDomain, {"value": 3, "extractor": extract_loopback, "address_size": 16},
     "extractor", bytes),
    (SocketType, {"value": 77}, "value", 78),
    (SocketProtocol, {"value": 77}, "value", 78),
    (ShutdownMethod, {"value": 77}, "value", 78),
    (SendToOption, {"value": 77}, "value", 78),
    (ReceiveFromOption, {"value": 77}, "value", 78),
    (Priority, {"value": 77}, "value", 78),
    (LinkType, {"value": 77}, "value", 78),
    (ProtocolEntry, {"name": "tcp", "aliases": ("TCP",), "value": SocketProtocol(6)},
     "aliases", ()),
]

every_value = pytest.mark.parametrize(
    ("kind", "parts", "other_field", "other"), VALUES, ids=[kind.__name__ for kind, *_ in VALUES]
)


@pytest.fixture
def pair() -> Iterator[tuple[Socket, socket.socket]]:
    """The two ends of a connection: a record of ours, and Python's own."""
    domain = SocketDomain.UNIX
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    sock = Socket(ours.detach(), domain, SocketType.STREAM, SocketProtocol.AUTO)
    with theirs:
        yield sock, theirs
        if sock.fd >= 0:
            sockets.close_socket(sock)


# Values.

@every_value
def test_a_records_fields_are_what_it_was_made_of(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    record = kind(*parts.values())
    assert {field: getattr(record, field) for field in parts} == parts
    assert isinstance(record, kind)


@every_value
def test_a_record_can_be_made_with_its_fields_named(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    assert kind(**parts) == kind(*parts.values())


@every_value
def test_a_record_never_changes(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    record = kind(*parts.values())
    for field in (*parts, "a_new_one"):
        with pytest.raises(AttributeError, match=rf"{kind.__name__}.*{field}"):
            setattr(record, field, 1)
        with pytest.raises(AttributeError, match=rf"{kind.__name__}.*{field}"):
            delattr(record, field)
    assert record == kind(*parts.values())


@every_value
def test_a_record_has_slots_and_no_dictionary(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    assert not hasattr(kind(*parts.values()), "__dict__")


@every_value
def test_records_of_the_same_fields_are_one_key(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    first, second = kind(*parts.values()), kind(*parts.values())
    assert first is not second
    assert first == second
    assert (first != second) is False
    assert hash(first) == hash(second)
    assert {first: "here"}[second] == "here"


@every_value
def test_records_that_differ_in_one_field_differ(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    first, second = kind(**parts), kind(**{**parts, other_field: other})
    assert first != second
    assert (first == second) is False
    assert len({first, second}) == 2


@every_value
def test_a_record_survives_pickle_and_copy(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    record = kind(*parts.values())
    travelled = [
        pickle.loads(pickle.dumps(record, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for again in (*travelled, copy.copy(record), copy.deepcopy(record)):
        assert again == record
        assert again.__class__ is kind
        assert hash(again) == hash(record)
        assert repr(again) == repr(record)


@every_value
def test_a_record_prints_its_class_and_fields(
    kind: type, parts: dict[str, object], other_field: str, other: object
) -> None:
    written = [
        value.__name__ if callable(value) else "'0.0.0.1'" if field == "ip" else repr(value)
        for field, value in parts.items()
    ]
    assert repr(kind(*parts.values())) == f"{kind.__name__}({', '.join(written)})"


def test_records_of_different_classes_never_compare_equal() -> None:
    constants = [
        AddressInfoOption(1), ReceiveFromOption(1), SendToOption(1), ShutdownMethod(1),
        SocketConstant(1), SocketProtocol(1), SocketType(1), Priority(1), LinkType(1),
    ]
    options = [
        kind(1, 4, pack_int, unpack_int)
        for kind in (SocketOption, TcpOption, UdpOption, RawOption, IpOption, SctpOption)
    ]
    for family in (constants, options):
        assert len(set(family)) == len(family)
        for place, record in enumerate(family):
            assert [record == another for another in family].index(True) == place
    assert SocketConstant(1) != 1
    assert InternetAddress(1, 2) != (1, 2)


# Constants.

CONSTANTS = {
    AddressInfoOption: {
        "CANONICAL_NAME": socket.AI_CANONNAME, "NUMERIC_HOST": socket.AI_NUMERICHOST,
        "PASSIVE": socket.AI_PASSIVE,
    },
    SocketDomain: {"UNIX": getattr(socket, "AF_UNIX", 1), "INTERNET": socket.AF_INET},
    SocketType: {
        "STREAM": socket.SOCK_STREAM, "DATAGRAM": socket.SOCK_DGRAM,
        "SEQUENCE_PACKET": socket.SOCK_SEQPACKET, "RAW": socket.SOCK_RAW,
        "RANDOM": socket.SOCK_RDM,
    },
    SocketProtocol: {"AUTO": 0},
    ShutdownMethod: {
        "READ": socket.SHUT_RD, "WRITE": socket.SHUT_WR, "READ_AND_WRITE": socket.SHUT_RDWR,
    },
    SendToOption: {"DONT_ROUTE": socket.MSG_DONTROUTE, "OUT_OF_BAND": socket.MSG_OOB},
    ReceiveFromOption: {  # departure 8: two of these were 0
        "OUT_OF_BAND": socket.MSG_OOB, "PEEK": socket.MSG_PEEK,
        "WAIT_ALL": socket.MSG_WAITALL, "DONT_WAIT": getattr(socket, "MSG_DONTWAIT", 0),
    },
}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [(kind, name, value) for kind, names in CONSTANTS.items() for name, value in names.items()],
)
def test_a_ready_made_constant_has_the_headers_number_and_prints_its_name(
    kind: type, name: str, value: int
) -> None:
    constant = getattr(kind, name)
    assert constant.__class__ is kind
    assert isinstance(constant, SocketConstant)
    assert constant.value == value
    assert repr(constant) == f"{kind.__name__}.{name}"


def test_local_is_another_name_of_unix() -> None:
    assert SocketDomain.LOCAL == SocketDomain.UNIX
    assert repr(SocketDomain.LOCAL) in ("SocketDomain.UNIX", "SocketDomain.LOCAL")


def test_a_constant_made_from_a_number_prints_the_name_of_that_number() -> None:
    assert repr(SocketType(socket.SOCK_RAW)) == "SocketType.RAW"
    assert repr(SocketType(4242)) == "SocketType(4242)"
    assert repr(SocketConstant(0)) == "SocketConstant(0)"


def test_constants_that_a_program_adds_print_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert repr(Priority(6)) == "Priority.HIGH"
    assert repr(Priority(0)) == "Priority(0)"
    assert repr(LinkType(10)) == "LinkType.PACKET"
    assert repr(LinkType(1)) == "LinkType(1)"  # a SocketType.STREAM is something else
    assert repr(SocketProtocol(132)) == "SocketProtocol(132)"
    monkeypatch.setattr(SocketProtocol, "SCTP", SocketProtocol(132), raising=False)
    assert repr(SocketProtocol(132)) == "SocketProtocol.SCTP"


def test_what_records_contain_prints_by_name_too() -> None:
    info = AddressInfo(
        SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO, UnixAddress("/tmp/s")
    )
    assert repr(info) == (
        "AddressInfo(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO, "
        "UnixAddress('/tmp/s'))"
    )


# Options.

def test_an_option_without_a_level_is_one_of_sockets_in_general() -> None:
    assert SocketOption(7, 4, pack_int, unpack_int).level == socket.SOL_SOCKET


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        (TcpOption, socket.IPPROTO_TCP), (UdpOption, socket.IPPROTO_UDP),
        (RawOption, socket.IPPROTO_RAW), (IpOption, socket.IPPROTO_IP), (SctpOption, 132),
    ],
)
def test_an_option_class_knows_its_level_and_takes_none(
    kind: Callable[..., SocketOption], level: int
) -> None:
    assert kind(7, 4, pack_int, unpack_int).level == level
    assert isinstance(kind(7, 4, pack_int, unpack_int), SocketOption)
    with pytest.raises(TypeError):
        kind(7, 4, pack_int, unpack_int, level)


def test_a_defined_option_type_is_a_class_of_its_caller() -> None:
    assert issubclass(SctpOption, SocketOption)
    assert (SctpOption.__name__, SctpOption.__module__) == ("SctpOption", __name__)
    assert sockets.define_socket_option_type("SctpOption", 132) is not SctpOption


def test_a_defined_option_type_sets_and_reads_a_real_socket() -> None:
    kind = sockets.define_socket_option_type("TransportOption", socket.IPPROTO_TCP)
    no_delay = kind(socket.TCP_NODELAY, 4, pack_int, unpack_int)
    with sockets.create_socket(
        SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO
    ) as sock:
        assert sockets.get_socket_option(sock, no_delay) == 0
        sockets.set_socket_option(sock, no_delay, 1)
        assert sockets.get_socket_option(sock, no_delay) != 0
        reader = TcpOption(socket.TCP_NODELAY, 4, pack_int, unpack_int)
        assert sockets.get_socket_option(sock, reader) != 0


# Numbers and bytes of derived classes.

class Fifth(int):
    """An int by another name, as the constants of Python's `socket` are."""

    def __repr__(self) -> str:
        return "the fifth"

    __str__ = __repr__


def test_a_number_of_a_derived_class_is_kept_as_a_plain_one() -> None:
    for record, field in (
        (SocketType(Fifth(5)), "value"), (InternetAddress(Fifth(5), Fifth(5)), "port"),
        (SocketOption(Fifth(5), Fifth(5), bytes, bytes, Fifth(5)), "level"),
        (SocketDomain(Fifth(5), extract_loopback, Fifth(5)), "address_size"),
        (sockets.Datagrams(b"12345", Fifth(5), None), "size"),
    ):
        assert getattr(record, field).__class__ is int
        assert getattr(record, field) == 5
        assert "fifth" not in repr(record)
    assert SocketType(socket.SOCK_STREAM) == SocketType.STREAM
    assert repr(SocketType(socket.SOCK_STREAM)) == "SocketType.STREAM"


def test_the_first_packed_form_of_an_address_stays() -> None:
    class Counting(SocketAddress):
        __slots__ = ()
        count = 0

        def converter(self) -> bytes:
            Counting.count += 1
            if Counting.count == 1:  # as if in another thread
                packed.append(sockets._sockets.socket_address_to_foreign(self))
            return InternetAddress(LOOPBACK, Counting.count).converter()

    packed: list[bytes] = []
    address = Counting()
    packed.append(sockets._sockets.socket_address_to_foreign(address))
    packed.append(sockets._sockets.socket_address_to_foreign(address))
    assert Counting.count == 2
    if sockets._sockets.HAS_BASES_IN_C:
        assert packed[0] is packed[1]
    assert packed[1] is packed[2]


def test_a_record_of_a_socket_is_made_once(pair: tuple[Socket, socket.socket]) -> None:
    sock, theirs = pair
    fd, kind = sock.fd, (sock.domain, sock.type, sock.protocol)
    for number in (fd, theirs.fileno(), 0):
        with pytest.raises(ValueError, match="a record is made once"):
            sock.__init__(number, *kind)  # type: ignore[misc]
    assert sock.fd == fd
    theirs.send(b"x")
    assert sockets.receive_from_socket(sock, 9)[0] == b"x"
    sockets.close_socket(sock)
    with pytest.raises(ValueError, match="a record is made once"):
        sock.__init__(theirs.fileno(), *kind)  # type: ignore[misc]
    theirs.getsockname()  # still open


def test_a_record_that_could_not_be_made_has_no_descriptor_and_can_be_made_yet() -> None:
    ours, theirs = socket.socketpair()
    kind = SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
    with ours, theirs:
        sock = Socket.__new__(Socket)
        assert sock.fd == -1
        for wrong in ((ours.fileno(), *kind[1:], kind[0]), (-1, *kind)):
            with pytest.raises((TypeError, ValueError)):
                sock.__init__(*wrong)  # type: ignore[misc]
            assert sock.fd == -1
        sock.__init__(ours.detach(), *kind)  # type: ignore[misc]
        theirs.send(b"x")
        assert sockets.receive_from_socket(sock, 9)[0] == b"x"
        sockets.close_socket(sock)


# Extension.

def test_an_address_and_a_domain_of_ones_own_work_with_the_kernel() -> None:
    parts = LOOPBACK_DOMAIN, SocketType.DATAGRAM, SocketProtocol.AUTO
    with sockets.create_socket(*parts) as one, sockets.create_socket(*parts) as other:
        for sock in (one, other):
            sockets.bind_socket(sock, LoopbackAddress(0))
            sockets.set_socket_nonblocking(sock, False)
        here, there = sockets.get_socket_name(one), sockets.get_socket_name(other)
        assert isinstance(here, LoopbackAddress)
        assert isinstance(there, LoopbackAddress)
        conversions.clear()
        for text in (b"first", b"second"):
            assert sockets.send_to_socket(one, text, there) == len(text)
            assert sockets.receive_from_socket(other, 100) == (text, here)
        assert conversions == [there.port]  # the packed form is made once and kept


def test_an_address_without_a_converter_says_so() -> None:
    class Nowhere(SocketAddress):
        __slots__ = ()

    with sockets.create_socket(
        SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
    ) as sock, pytest.raises(NotImplementedError, match="Nowhere"):
        sockets.bind_socket(sock, Nowhere())


def test_a_converter_that_returns_something_else_than_bytes_is_named() -> None:
    class Textual(SocketAddress):
        __slots__ = ()

        def converter(self) -> bytes:
            return "text"  # type: ignore[return-value]

    with sockets.create_socket(
        SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
    ) as sock, pytest.raises(TypeError, match=r"Textual\.converter.*'text'"):
        sockets.bind_socket(sock, Textual())


def test_constants_of_a_subclass_are_taken_where_their_kind_is() -> None:
    class Kind(SocketType):
        __slots__ = ()

    datagram = Kind(socket.SOCK_DGRAM)
    with sockets.create_socket(SocketDomain.INTERNET, datagram, SocketProtocol.AUTO) as sock:
        assert sock.type is datagram


def test_a_subclass_without_slots_is_a_value_all_the_same() -> None:
    class Loose(SocketConstant):
        pass

    assert Loose(3) == Loose(3) != SocketConstant(3)
    with pytest.raises(AttributeError, match="immutable"):
        Loose(3).value = 4


# What is refused, and what the refusal says.

def refuse_bad_level() -> object:
    return sockets.define_socket_option_type("T", True)


TCP = SocketProtocol(6)
WRONG_TYPES: list[tuple[Callable[[], object], list[str]]] = [
    (lambda: SocketConstant(True), ["SocketConstant", "value", "True (bool)"]),
    (lambda: SocketType("1"), ["SocketType", "value", "'1' (str)"]),
    (lambda: SocketProtocol(6.0), ["SocketProtocol", "value", "6.0 (float)"]),
    (lambda: SendToOption(None), ["SendToOption", "value", "None (NoneType)"]),
    (lambda: SocketDomain(2, None, 16), ["SocketDomain", "extractor", "None"]),
    (lambda: SocketDomain(2, bytes, True), ["SocketDomain", "address_size", "True (bool)"]),
    (lambda: SocketDomain("2", bytes, 16), ["SocketDomain", "value", "'2' (str)"]),
    (lambda: InternetAddress(True, 80), ["InternetAddress", "ip", "True (bool)"]),
    (lambda: InternetAddress(1.0, 80), ["InternetAddress", "ip", "a str", "1.0 (float)"]),
    (lambda: InternetAddress(b"127.0.0.1", 80), ["InternetAddress", "ip", "(bytes)"]),
    (lambda: InternetAddress(1, False), ["InternetAddress", "port", "False (bool)"]),
    (lambda: InternetAddress(1, 80.0), ["InternetAddress", "port", "80.0 (float)"]),
    (lambda: UnixAddress(7), ["UnixAddress", "path", "7 (int)"]),
    (lambda: UnixAddress(bytearray(b"/tmp")), ["UnixAddress", "path", "(bytearray)"]),
    (lambda: UnixAddress(None), ["UnixAddress", "path", "None"]),
    (lambda: SocketOption(True, 4, bytes, bytes), ["SocketOption", "id", "True (bool)"]),
    (lambda: SocketOption(1, "4", bytes, bytes), ["SocketOption", "size", "'4' (str)"]),
    (lambda: SocketOption(1, 4, 5, bytes), ["SocketOption", "maker", "5 (int)"]),
    (lambda: SocketOption(1, 4, bytes, 5), ["SocketOption", "converter", "5 (int)"]),
    (lambda: SocketOption(1, 4, bytes, bytes, True), ["SocketOption", "level", "True (bool)"]),
    (lambda: TcpOption(1, True, bytes, bytes), ["TcpOption", "size", "True (bool)"]),
    (lambda: SctpOption(1, 4, None, bytes), ["SctpOption", "maker", "None"]),
    (lambda: sockets.define_socket_option_type(b"T", 6), ["name", "b'T' (bytes)"]),
    (refuse_bad_level, ["define_socket_option_type", "level", "True (bool)"]),
    (lambda: AddressInfo(SocketType.STREAM, SocketDomain.INTERNET, TCP, None),
     ["AddressInfo", "domain", "SocketType.STREAM"]),
    (lambda: AddressInfo(SocketDomain.INTERNET, TCP, SocketType.STREAM, None),
     ["AddressInfo", "type", "SocketProtocol(6)"]),
    (lambda: AddressInfo(SocketDomain.INTERNET, SocketType.STREAM, 6, None),
     ["AddressInfo", "protocol", "6 (int)"]),
    (lambda: AddressInfo(SocketDomain.INTERNET, SocketType.STREAM, TCP, ("127.0.0.1", 80)),
     ["AddressInfo", "address", "(tuple)"]),
    (lambda: AddressInfo(SocketDomain.INTERNET, SocketType.STREAM, TCP, None),
     ["AddressInfo", "address", "None"]),
    (lambda: ProtocolEntry(b"tcp", (), TCP), ["ProtocolEntry", "name", "b'tcp' (bytes)"]),
    (lambda: ProtocolEntry("tcp", (), 6), ["ProtocolEntry", "value", "6 (int)"]),
    (lambda: ProtocolEntry("tcp", (), SocketType.STREAM),  # departure 33
     ["ProtocolEntry", "value", "SocketType.STREAM"]),
    (lambda: ProtocolEntry("tcp", "TCP", TCP), ["ProtocolEntry", "aliases", "'TCP'"]),
    (lambda: ProtocolEntry("tcp", ("TCP", 6), TCP), ["ProtocolEntry", "alias", "6 (int)"]),
    (lambda: ProtocolEntry("tcp", 5, TCP), ["ProtocolEntry", "aliases", "5 (int)"]),
    (lambda: sockets.create_socket(SocketType.STREAM, SocketDomain.INTERNET, TCP),
     ["create_socket", "domain", "SocketType.STREAM"]),
    (lambda: sockets.create_socket(SocketDomain.INTERNET, TCP, SocketType.STREAM),
     ["create_socket", "type", "SocketProtocol(6)"]),
    (lambda: sockets.create_socket(SocketDomain.INTERNET, SocketType.STREAM, 0),
     ["create_socket", "protocol", "0 (int)"]),
    (lambda: Socket(True, SocketDomain.INTERNET, SocketType.STREAM, TCP),
     ["Socket", "fd", "True (bool)"]),
    (lambda: Socket("3", SocketDomain.INTERNET, SocketType.STREAM, TCP),
     ["Socket", "fd", "'3' (str)"]),
    (lambda: Socket(0, SocketType.STREAM, SocketDomain.INTERNET, TCP),
     ["Socket", "domain", "SocketType.STREAM"]),
    (lambda: sockets.register_socket_domain(SocketType.STREAM),
     ["register_socket_domain", "domain", "SocketType.STREAM"]),
    (lambda: sockets.internet_address_to_string("127.0.0.1"),
     ["internet_address_to_string", "address", "'127.0.0.1' (str)"]),
]
WRONG_VALUES: list[tuple[Callable[[], object], list[str]]] = [
    (lambda: InternetAddress(-1, 80), ["InternetAddress", "ip", "-1"]),
    (lambda: InternetAddress(2**32, 80), ["InternetAddress", "ip", "4294967296"]),
    (lambda: InternetAddress("1.2.3", 80), ["InternetAddress", "ip", "'1.2.3'"]),
    (lambda: InternetAddress(1, -1), ["InternetAddress", "port", "-1"]),
    (lambda: InternetAddress(1, 65536), ["InternetAddress", "port", "65536", "65535"]),
    (lambda: SocketConstant(2**31), ["SocketConstant", "value", "2147483648"]),
    (lambda: SocketType(-(2**31) - 1), ["SocketType", "value", "-2147483649"]),
    (lambda: SocketDomain(2, bytes, 0), ["SocketDomain", "address_size", "0"]),
    (lambda: SocketDomain(2, bytes, 10**6), ["SocketDomain", "address_size", "1000000"]),
    (lambda: SocketOption(1, 0, bytes, bytes), ["SocketOption", "size", "0"]),
    (lambda: SocketOption(1, 10**9, bytes, bytes), ["SocketOption", "size", "1000000000"]),
    (lambda: SocketOption(2**31, 4, bytes, bytes), ["SocketOption", "id", "2147483648"]),
    (lambda: SocketOption(1, 4, bytes, bytes, 2**31), ["SocketOption", "level", "2147483648"]),
    (lambda: UdpOption(2**31, 4, bytes, bytes), ["UdpOption", "id", "2147483648"]),
    (lambda: sockets.define_socket_option_type("T", 2**31), ["level", "2147483648"]),
    (lambda: Socket(-1, SocketDomain.INTERNET, SocketType.STREAM, TCP), ["Socket", "fd", "-1"]),
]


# departure 23: one class for a wrong type, one for an impossible value
@pytest.mark.parametrize(
    ("attempt", "said", "kind"),
    [(*case, TypeError) for case in WRONG_TYPES] + [(*case, ValueError) for case in WRONG_VALUES],
    ids=["-".join(said) for _, said in WRONG_TYPES + WRONG_VALUES],
)
def test_a_refusal_names_the_argument_and_what_it_got(
    attempt: Callable[[], object], said: list[str], kind: type[Exception]
) -> None:
    with pytest.raises(kind) as refusal:
        attempt()
    assert type(refusal.value) is kind
    for part in said:
        assert part in str(refusal.value)


def test_a_huge_argument_is_shown_in_short() -> None:
    with pytest.raises(TypeError) as refusal:
        InternetAddress(b"1" * 10**6, 80)
    assert len(str(refusal.value)) < 200


# Sockets.

def test_a_socket_has_the_fields_it_was_made_of(pair: tuple[Socket, socket.socket]) -> None:
    sock, _ = pair
    assert sock.fd == sock.fileno() >= 0
    assert sock.domain is SocketDomain.UNIX
    assert sock.type is SocketType.STREAM
    assert sock.protocol is SocketProtocol.AUTO
    assert sock.nonblocking is False
    for field in ("fd", "domain", "type", "protocol", "nonblocking", "other"):
        with pytest.raises(AttributeError):
            setattr(sock, field, 1)
    assert not hasattr(sock, "__dict__")


# departure 20
@needs_unix_sockets
def test_a_socket_made_of_a_descriptor_asks_the_kernel_for_its_mode() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for flags in (os.O_NONBLOCK, 0):
            fcntl(ours.fileno(), "F_SETFL", flags)
            sock = Socket(
                socket.dup(ours.fileno()), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
            )
            with sock:
                assert sock.nonblocking is bool(flags)


def test_a_descriptor_that_is_not_open_makes_no_socket() -> None:
    with pytest.raises(SocketCondition) as condition:
        Socket(2**31 - 1, SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    assert condition.value.type == errno.EBADF
    assert condition.value.who == "Socket"


def test_a_socket_prints_what_it_is_open_and_closed(pair: tuple[Socket, socket.socket]) -> None:
    sock, _ = pair
    names = "SocketDomain.UNIX SocketType.STREAM SocketProtocol.AUTO"
    assert repr(sock) == f"<Socket fd={sock.fd} {names} blocking>"
    sockets.set_socket_nonblocking(sock, True)
    assert repr(sock) == f"<Socket fd={sock.fd} {names} nonblocking>"
    sockets.close_socket(sock)
    assert repr(sock) == f"<Socket closed {names} nonblocking>"


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_socket_refuses_to_be_copied(
    way: Callable[[Any], object], pair: tuple[Socket, socket.socket]
) -> None:
    with pytest.raises(TypeError, match="Socket cannot be copied or pickled"):
        way(pair[0])


def test_sockets_are_equal_to_nothing_but_themselves(pair: tuple[Socket, socket.socket]) -> None:
    sock, _ = pair
    fd = socket.dup(sock.fd)
    with Socket(fd, sock.domain, sock.type, sock.protocol) as other:
        assert sock != other
        assert {sock: 1, other: 2}[other] == 2


def test_a_with_statement_closes(pair: tuple[Socket, socket.socket]) -> None:
    sock, theirs = pair
    with sock as same:
        assert same is sock
        assert sock.fd >= 0
    assert (sock.fd, sock.fileno()) == (-1, -1)
    assert theirs.recv(1) == b""


def test_a_with_statement_closes_when_its_body_fails(pair: tuple[Socket, socket.socket]) -> None:
    sock, theirs = pair
    with pytest.raises(ZeroDivisionError), sock:
        raise ZeroDivisionError
    assert sock.fd == -1
    assert theirs.recv(1) == b""


# departure 10
def test_leaving_a_with_statement_after_a_close_is_quiet(
    pair: tuple[Socket, socket.socket],
) -> None:
    sock, _ = pair
    with sock:
        sockets.close_socket(sock)
    with sock:
        pass
    with pytest.raises(SocketCondition) as condition:
        sockets.close_socket(sock)
    assert condition.value.type == errno.EBADF


# departure 10
@needs_unix_sockets
def test_a_socket_dropped_open_warns_and_is_closed() -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    sock = Socket(ours.detach(), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
    said = repr(sock)
    with theirs:
        with pytest.warns(ResourceWarning) as warned:
            del sock
            collect_garbage()
        assert [str(warning.message) for warning in warned] == [f"unclosed {said}"]
        assert warned[0].filename == __file__ or sys.implementation.name != "cpython"
        assert theirs.recv(1) == b""


# departure 10
@needs_unix_sockets
def test_a_socket_dropped_open_is_closed_where_warnings_are_errors() -> None:
    program = """if True:
        import gc, socket, sys
        from sockets import Socket, SocketDomain, SocketProtocol, SocketType
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        sys.unraisablehook = lambda unraisable: print(unraisable.exc_type.__name__)
        sock = Socket(ours.detach(), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
        del sock
        gc.collect()
        gc.collect()
        print(theirs.recv(1))
        theirs.close()
    """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=50
    )
    assert (run.stdout, run.stderr) == ("ResourceWarning\nb''\n", "")


@needs_unix_sockets
def test_a_socket_that_was_never_made_leaves_nothing_to_warn_of() -> None:
    # The descriptor is still its owner's when the arguments are refused.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(TypeError):
            Socket(ours.fileno(), SocketDomain.UNIX, SocketType.STREAM, None)
        ours.sendall(b"x")
        assert theirs.recv(1) == b"x"
    Socket.__new__(Socket)


# Conditions.

PYTHON_CLASSES = {
    errno.EAGAIN: BlockingIOError, errno.EWOULDBLOCK: BlockingIOError,
    errno.EALREADY: BlockingIOError, errno.EINPROGRESS: BlockingIOError,
    errno.EPIPE: BrokenPipeError, errno.ESHUTDOWN: BrokenPipeError,
    errno.ECONNABORTED: ConnectionAbortedError, errno.ECONNREFUSED: ConnectionRefusedError,
    errno.ECONNRESET: ConnectionResetError, errno.EEXIST: FileExistsError,
    errno.ENOENT: FileNotFoundError, errno.EINTR: InterruptedError,
    errno.EISDIR: IsADirectoryError, errno.ENOTDIR: NotADirectoryError,
    errno.EACCES: PermissionError, errno.EPERM: PermissionError,
    errno.ESRCH: ProcessLookupError, errno.ETIMEDOUT: TimeoutError,
    errno.ECHILD: ChildProcessError,
}
PLAIN = [errno.EADDRINUSE, errno.EBADF, errno.EISCONN, errno.ENOTCONN, errno.EMSGSIZE, 99999]
RESOLVER_NAMES = [
    "EAI_ADDRFAMILY", "EAI_AGAIN", "EAI_BADFLAGS", "EAI_FAIL", "EAI_FAMILY", "EAI_MEMORY",
    "EAI_NODATA", "EAI_NONAME", "EAI_OVERFLOW", "EAI_SERVICE", "EAI_SOCKTYPE", "EAI_SYSTEM",
]


@pytest.mark.parametrize("number", PYTHON_CLASSES, ids=errno.errorcode.get)
def test_a_condition_is_an_instance_of_pythons_class_for_its_errno(number: int) -> None:
    condition = SocketCondition("accept_socket", "accept", number, "so it is")
    assert isinstance(condition, SocketCondition)
    assert isinstance(condition, OSError)
    assert isinstance(condition, PYTHON_CLASSES[number])
    assert type(condition).__name__ == "SocketCondition"
    with pytest.raises(PYTHON_CLASSES[number]):
        raise condition


@pytest.mark.parametrize("number", PLAIN)
def test_a_condition_of_another_errno_is_a_plain_oserror(number: int) -> None:
    condition = SocketCondition("accept_socket", "accept", number, "so it is")
    assert type(condition) is SocketCondition
    assert not any(isinstance(condition, kind) for kind in PYTHON_CLASSES.values())


@pytest.mark.parametrize("number", [*PYTHON_CLASSES, *PLAIN])
def test_a_conditions_fields_are_what_it_was_made_of(number: int) -> None:
    condition = SocketCondition("accept_socket", "accept", number, "so it is")
    assert condition.who == "accept_socket"
    assert condition.syscall == "accept"
    assert condition.type == condition.errno == number
    assert condition.message == condition.strerror == "so it is"
    assert condition.address is None
    where = InternetAddress(LOOPBACK, 80)
    assert SocketCondition("a", "b", number, "c", where).address is where


# departure 24
@pytest.mark.parametrize("number", [*PYTHON_CLASSES, -2])
def test_a_resolver_code_is_never_taken_for_an_errno(number: int) -> None:
    condition = SocketCondition("get_address_info", "getaddrinfo", number, "so it is")
    assert not any(isinstance(condition, kind) for kind in PYTHON_CLASSES.values())
    assert condition.type == number


# departure 24
@pytest.mark.parametrize("name", RESOLVER_NAMES)
def test_a_resolver_code_is_called_by_its_name(name: str) -> None:
    code = getattr(socket, name, None)
    if code is None or (WINDOWS and name == "EAI_NODATA"):  # which is EAI_NONAME there
        pytest.skip("not on this platform")
    condition = SocketCondition("get_address_info", "getaddrinfo", code, "so it is")
    assert f"getaddrinfo: {name} " in str(condition)
    assert name in repr(condition)
    # The number of another call's error has nothing to do with it.
    assert name not in str(SocketCondition("connect_socket", "connect", code, "so it is"))


def test_a_conditions_text_has_all_its_parts() -> None:
    for address, text in (
        (InternetAddress(LOOPBACK, 80), "127.0.0.1:80"), (UnixAddress("/tmp/s"), "/tmp/s"),
    ):
        condition = SocketCondition(
            "connect_socket", "connect", errno.ECONNREFUSED, "nobody there", address
        )
        for part in ("connect_socket", ": connect:", "ECONNREFUSED", "nobody there", text):
            assert part in str(condition)
    bare = str(SocketCondition("listen_socket", "listen", errno.EBADF, "not open"))
    assert bare == "listen_socket: listen: EBADF (not open)"
    assert "None" not in bare
    assert "99999" in str(SocketCondition("a", "b", 99999, "c"))
    said = repr(SocketCondition("listen_socket", "listen", errno.EBADF, "not open"))
    assert said == "SocketCondition('listen_socket', 'listen', EBADF, 'not open')"


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EBADF, errno.EAGAIN])
@pytest.mark.parametrize("syscall", ["connect", "getaddrinfo"])
def test_a_condition_survives_pickle_and_copy(number: int, syscall: str) -> None:
    condition = SocketCondition("who", syscall, number, "so it is", UnixAddress("/tmp/s"))
    travelled = [
        pickle.loads(pickle.dumps(condition, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]
    for again in (*travelled, copy.copy(condition), copy.deepcopy(condition)):
        assert type(again) is type(condition)
        assert str(again) == str(condition)
        assert (again.who, again.syscall, again.type, again.message, again.address) == (
            "who", syscall, number, "so it is", UnixAddress("/tmp/s"))


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EBADF])
def test_a_condition_class_of_ones_own_is_raised_and_caught(number: int) -> None:
    condition = ProxyCondition("proxy", "connect", number, "so it is")
    assert isinstance(condition, ProxyCondition)
    assert isinstance(condition, ConnectionRefusedError) == (number == errno.ECONNREFUSED)
    assert str(condition) == f"proxy: connect: {errno.errorcode[number]} (so it is)"
    with pytest.raises(ProxyCondition):
        raise condition
    plain = SocketCondition("proxy", "connect", number, "so it is")
    assert not isinstance(plain, ProxyCondition)


def test_a_condition_class_of_ones_own_prints_its_name() -> None:
    condition = ProxyCondition("proxy", "connect", errno.ECONNREFUSED, "so it is")
    name = "WSAECONNREFUSED" if WINDOWS else "ECONNREFUSED"
    assert repr(condition) == f"ProxyCondition('proxy', 'connect', {name}, 'so it is')"


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EBADF])
def test_a_condition_class_of_ones_own_survives_pickle(number: int) -> None:
    again = pickle.loads(pickle.dumps(ProxyCondition("proxy", "connect", number, "so it is")))
    assert isinstance(again, ProxyCondition)
    assert isinstance(again, ConnectionRefusedError) == (number == errno.ECONNREFUSED)


def test_socket_error_raises_with_the_systems_message() -> None:
    with pytest.raises(ConnectionRefusedError) as raised:
        sockets.socket_error("my_connect", "connect", errno.ECONNREFUSED)
    condition = raised.value
    assert isinstance(condition, SocketCondition)
    assert (condition.who, condition.syscall) == ("my_connect", "connect")
    assert condition.type == errno.ECONNREFUSED
    assert condition.message == text_of(errno.ECONNREFUSED)


def test_socket_raise_unless_returns_what_is_expected_and_raises_the_rest() -> None:
    expected = errno.EAGAIN, errno.EINPROGRESS
    for number in expected:
        condition = sockets.socket_raise_unless("my_accept", "accept", number, *expected)
        assert isinstance(condition, SocketCondition)
        assert isinstance(condition, BlockingIOError)
        assert (condition.who, condition.syscall, condition.type) == (
            "my_accept", "accept", number)
        assert condition.message == text_of(number)
    for others in (expected, ()):
        with pytest.raises(SocketCondition) as raised:
            sockets.socket_raise_unless("my_accept", "accept", errno.EBADF, *others)
        assert raised.value.type == errno.EBADF
        assert raised.value.message == text_of(errno.EBADF)


def test_every_public_name_is_there() -> None:
    for name in sockets.__all__:
        assert hasattr(sockets, name)
    assert len(set(sockets.__all__)) == len(sockets.__all__)
    promised = {  # departure 37: what one needs to extend the library
        "SocketConstant", "AddressInfoOption", "lookup_domain", "foreign_to_unix_address",
        "foreign_to_internet_address", "get_socket_name", "get_peer_name",
    }
    assert promised <= set(sockets.__all__)


def test_a_name_is_remembered_for_the_record_that_has_it_alone() -> None:
    class Kind(SocketType):
        pass

    one, other = Kind(77), Kind(77)
    assert repr(one) == repr(other) == "Kind(77)"
    Kind.SEVENTY_SEVEN = one  # type: ignore[attr-defined]
    known = len(sockets._sockets.names_of_records)
    for _ in range(3):
        assert repr(one) == repr(other) == repr(Kind(77)) == "Kind.SEVENTY_SEVEN"
        assert repr(Kind(78)) == "Kind(78)"
    assert len(sockets._sockets.names_of_records) == known + 1
