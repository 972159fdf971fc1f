"""Records at home in Python: written as one writes them, copied, sorted, and taken apart."""

from __future__ import annotations

import copy
import ipaddress
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest
from helpers import WINDOWS, needs_unix_sockets
from hypothesis import example, given, settings
from hypothesis import strategies as st

import sockets
from sockets import (
    AddressInfo,
    Datagrams,
    Internet6Address,
    InternetAddress,
    ProtocolEntry,
    ReceiveFromOption,
    SendToOption,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketConstant,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    TcpOption,
    UnixAddress,
    adopt_descriptor,
    bind_socket,
    create_socket,
    detach_socket,
    foreign_to_internet6_address,
    foreign_to_internet_address,
    get_address_info,
    get_socket_name,
    string_to_internet6_address,
    string_to_internet_address,
)

unhurried = settings(deadline=None)

CONSTANTS = {
    f"{kind.__name__}.{name}": constant
    for kind in vars(sockets).values() if isinstance(kind, type)
    for name, constant in vars(kind).items() if name.isupper() and not isinstance(constant, int)
}
EVERY_PICKLE = range(pickle.HIGHEST_PROTOCOL + 1)


def pack(value: int) -> bytes:
    return bytes([value])


def unpack(data: bytes) -> int:
    return data[0]


def extract(packed: bytes) -> UnixAddress:
    return UnixAddress(packed)


class Flag(SendToOption):
    __slots__ = ()


Flag.MORE = Flag(0x8000)

ports = st.none() | st.integers(0, 65535)
words = st.just(0) | st.integers(0, 2**32 - 1)
four = st.builds(InternetAddress, st.none() | st.just(0) | st.integers(0, 2**32 - 1), ports)
six = st.builds(
    Internet6Address, st.none() | st.just(0) | st.integers(0, 2**128 - 1), ports, words, words
)
unix = st.builds(  # on Windows not all bytes are a name
    UnixAddress, st.text("a\u00e9/", max_size=20) if WINDOWS else st.binary(max_size=20)
)
addresses = st.one_of(four, six, unix)
numbers = st.integers(-(2**31), 2**31 - 1)
constants = st.sampled_from(sorted(CONSTANTS)).map(CONSTANTS.__getitem__) | st.builds(
    lambda kind, number: kind(number),
    st.sampled_from([SocketType, SocketProtocol, SendToOption, ReceiveFromOption, Flag]), numbers,
)
domains = st.builds(SocketDomain, numbers, st.just(extract), st.integers(1, 128))
options = st.builds(
    lambda kind, id, size, maker, converter: kind(id, size, maker, converter),
    st.sampled_from([SocketOption, TcpOption]), numbers, st.integers(1, 99),
    st.sampled_from([pack, bytes, memoryview]), st.sampled_from([unpack, len, SocketType, extract]),
)
infos = st.builds(
    AddressInfo, domains | st.just(SocketDomain.INTERNET), st.builds(SocketType, numbers),
    st.builds(SocketProtocol, numbers), addresses,
)
records = st.one_of(
    addresses, constants, domains, options, infos,
    st.builds(ProtocolEntry, st.text(), st.lists(st.text()), st.builds(SocketProtocol, numbers)),
    st.builds(Datagrams, st.binary(), st.integers(1, 9), st.none() | addresses),
)


# As one writes them.

@unhurried
@given(records)
@example(CONSTANTS["SocketOption.LINGER"])
def test_what_is_printed_makes_the_record_again(record: Any) -> None:
    again = eval(repr(record), {**vars(sockets), **globals()})
    assert again == record
    assert again.__class__ is record.__class__
    assert repr(again) == repr(record)
    assert hash(again) == hash(record)


@pytest.mark.parametrize(("address", "text"), [
    (InternetAddress(0x7F000001, 80), "InternetAddress('127.0.0.1', 80)"),
    (InternetAddress(None, None), "InternetAddress(None, None)"),
    (InternetAddress(0, 80), "InternetAddress('0.0.0.0', 80)"),
    (Internet6Address(1, 80), "Internet6Address('::1', 80)"),
    (Internet6Address("fe80::1", None, scope=2), "Internet6Address('fe80::1', None, scope=2)"),
    (Internet6Address(1, 80, 5), "Internet6Address('::1', 80, flow=5)"),
    (Internet6Address(None, 0), "Internet6Address(None, 0)"),
    (foreign_to_internet_address(InternetAddress(1, 2).converter()),
     "InternetAddress('0.0.0.1', 2)"),
    (foreign_to_internet6_address(Internet6Address(1, 2).converter()),
     "Internet6Address('::1', 2)"),
])
def test_an_address_is_printed_as_people_write_it(address: SocketAddress, text: str) -> None:
    assert repr(address) == text


def test_a_procedure_without_a_name_is_printed_as_python_prints_it() -> None:
    maker = lambda value: b""  # noqa: E731
    for converter in (maker, "".join, Flag.MORE._values, len):
        written = "len" if converter is len else repr(converter)
        option = SocketOption(7, 4, maker, converter)
        assert repr(option) == f"SocketOption(7, 4, {maker!r}, {written}, {option.level})"


def test_an_address_of_a_derived_class_prints_its_further_fields() -> None:
    class Named(Internet6Address):
        __slots__ = ("name",)

        def __init__(self, ip: int, port: int, name: int) -> None:
            SocketAddress.__init__(self, ip, port, 0, 0, name)

    assert repr(Named(1, 80, 0)) == "Named('::1', 80, name=0)"


@pytest.mark.parametrize(("form", "text"), [
    ("", "127.0.0.1:80"), (">14", "  127.0.0.1:80"), ("*^16", "**127.0.0.1:80**"),
    (".9", "127.0.0.1"),
])
def test_a_record_fits_a_column(form: str, text: str) -> None:
    assert format(InternetAddress("127.0.0.1", 80), form) == text


def test_every_record_fits_a_column() -> None:
    assert f"{SocketType.RAW:<16}|" == "SocketType.RAW  |"
    assert f"{SocketOption.LINGER:>20}" == " SocketOption.LINGER"
    with pytest.raises(ValueError, match="format"):
        format(SocketType.RAW, "d")


# What an address is made of.

@unhurried
@given(st.integers(0, 2**32 - 1), ports)
def test_a_text_and_pythons_object_make_the_same_address(ip: int, port: int | None) -> None:
    theirs = ipaddress.IPv4Address(ip)
    for way in (theirs, str(theirs), ip):
        address = InternetAddress(way, port)
        assert address.ip.__class__ is int
        assert (address.ip, address.port) == (ip, port)
    assert ipaddress.IPv4Address(address.ip) == theirs
    assert ipaddress.ip_address(str(InternetAddress(ip, None))) == theirs


@unhurried
@given(st.integers(0, 2**128 - 1), ports, st.integers(1, 2**32 - 1))
def test_so_they_do_with_ipv6_and_its_scope(ip: int, port: int | None, scope: int) -> None:
    theirs = ipaddress.IPv6Address(f"{ipaddress.IPv6Address(ip)}%{scope}")
    for way in (theirs, str(theirs)):
        assert Internet6Address(way, port) == Internet6Address(ip, port, scope=scope)
        assert Internet6Address(way, port, 7, scope) == Internet6Address(ip, port, 7, scope)
    address = Internet6Address(ipaddress.IPv6Address(ip), port, scope=scope)
    assert (address.ip, address.scope) == (ip, scope)
    again = ipaddress.IPv6Address(str(Internet6Address(ip, None, scope=scope)))
    assert int(again) == ip
    assert again.scope_id == str(scope)


def test_two_scopes_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="Internet6Address: scope is 3, but ip has another, 2"):
        Internet6Address("fe80::1%2", 80, scope=3)


@pytest.mark.parametrize(("kind", "ip", "error", "said"), [
    (InternetAddress, "localhost", ValueError, "'localhost'.*host name .* get_address_info$"),
    (InternetAddress, "www.example.com", ValueError, "get_address_info$"),
    (InternetAddress, "::1", ValueError, "string_to_internet6_address reads IPv6 addresses$"),
    (InternetAddress, "1.2.3.4:80", ValueError, "an IPv4 address: '1.2.3.4:80': '4:80' is not"),
    (InternetAddress, "1.2.3.256", ValueError, "'256' is not a decimal number from 0 to 255"),
    (InternetAddress, ipaddress.IPv6Address(1), TypeError, "ipaddress.IPv4Address .*IPv6Address"),
    (InternetAddress, ipaddress.IPv4Interface("1.2.3.4/8"), ValueError, "'1.2.3.4/8'"),
    (Internet6Address, "localhost", ValueError, "'localhost'.*get_address_info$"),
    (Internet6Address, "127.0.0.1", ValueError, "string_to_internet_address reads IPv4 addresses$"),
    (Internet6Address, "[::1]:80", ValueError, "'.::1.:80'"),
    (Internet6Address, "::1%nowhere", ValueError, "there is no network interface 'nowhere'$"),
    (Internet6Address, ipaddress.IPv4Address(1), TypeError, "ipaddress.IPv6Address .*IPv4Address"),
])
def test_what_makes_no_address_is_refused_with_the_way_out(
    kind: Callable[[Any, int], SocketAddress], ip: object, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=f"^{kind.__name__}: ip .*{said}"):
        kind(ip, 80)


@pytest.mark.parametrize("read", [string_to_internet_address, sockets.string_to_ipv4,
                                  string_to_internet6_address, sockets.string_to_ipv6])
@pytest.mark.parametrize("text", ["localhost", "localhost:80", "a.b.example", "example.com:http"])
def test_a_host_name_is_told_who_looks_it_up(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"; a host name is looked up by get_address_info$"):
        read(text)


@pytest.mark.parametrize("text", ["[::1]:80", "::1", "fe80::1%lo"])
def test_the_reader_of_one_family_knows_the_other(text: str) -> None:
    with pytest.raises(ValueError, match=r"; string_to_internet6_address reads IPv6 addresses$"):
        string_to_internet_address(text)
    with pytest.raises(ValueError, match=r"; string_to_internet_address reads IPv4 addresses$"):
        string_to_internet6_address("127.0.0.1:80")


def test_a_derived_text_is_read_as_it_is_written() -> None:
    class Text(str):
        def __str__(self) -> str:
            return "127.0.0.1"

    assert InternetAddress(Text("anything"), 80) == InternetAddress(0x7F000001, 80)


# Equality and order.

@unhurried
@given(st.one_of(four, six))
def test_an_address_is_equal_to_what_its_text_is_read_as(address: Any) -> None:
    if isinstance(address, InternetAddress):
        again: SocketAddress = string_to_internet_address(str(address))
    else:
        again = string_to_internet6_address(str(address)).__replace__(flow=address.flow)
    assert again == address
    assert hash(again) == hash(address)


@pytest.mark.parametrize("any_address", [InternetAddress(None, 0), Internet6Address(None, 0)])
def test_a_socket_bound_to_no_host_has_an_equal_name(any_address: Any) -> None:
    four = isinstance(any_address, InternetAddress)
    domain = SocketDomain.INTERNET if four else SocketDomain.INTERNET_V6
    with create_socket(domain, SocketType.DATAGRAM, SocketProtocol.AUTO) as sock:
        try:
            bind_socket(sock, any_address)
        except SocketCondition:
            pytest.skip("no IPv6 here")
        name: Any = get_socket_name(sock)
    assert name.ip == 0
    assert any_address.ip is None
    assert name == any_address.__replace__(port=name.port)
    assert len({name, any_address.__replace__(port=name.port)}) == 1


def test_a_missing_port_is_not_port_zero() -> None:
    assert InternetAddress(1, None) != InternetAddress(1, 0)
    assert Internet6Address(1, None) != Internet6Address(1, 0)


@unhurried
@given(st.sampled_from([four, six, unix]).flatmap(lambda kind: st.tuples(kind, kind, kind)))
def test_the_order_is_total_and_agrees_with_equality(three: Any) -> None:
    a, b, c = three
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a <= b) is (not b < a)
    assert (a >= b) is (b <= a)
    assert (a != b) or hash(a) == hash(b)
    if a <= b <= c:
        assert a <= c
    assert sorted([c, b, a]) == sorted(three)


def test_addresses_are_sorted_by_host_then_port() -> None:
    texts = ["9.0.0.1:80", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:9", "10.0.0.1:80", "192.0.2.1:1"]
    read = [string_to_internet_address(text) for text in texts]
    assert sorted(reversed(read)) == read
    with pytest.raises(TypeError, match="'<' not supported"):
        sorted([InternetAddress(1, 2), Internet6Address(1, 2)])  # type: ignore[type-var]


def test_there_is_no_order_but_of_addresses() -> None:
    with pytest.raises(TypeError):
        SocketType.STREAM < SocketType.RAW  # type: ignore[operator] # noqa: B015


# Copies.

@unhurried
@given(records)
def test_a_copy_is_equal_however_it_was_made(record: Any) -> None:
    copies = [copy.copy(record), copy.deepcopy(record), record.__replace__()]
    copies += [pickle.loads(pickle.dumps(record, protocol)) for protocol in EVERY_PICKLE]
    for again in copies:
        assert again == record
        assert again.__class__ is record.__class__
        assert hash(again) == hash(record)


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_has_no_copy(name: str) -> None:
    constant = CONSTANTS[name]
    holder = [constant, {constant: constant}]
    for again in (copy.copy(constant), copy.deepcopy(constant), copy.deepcopy(holder)[0],
                  *(pickle.loads(pickle.dumps(constant, protocol)) for protocol in EVERY_PICKLE)):
        assert again is constant


def test_a_constant_of_a_program_has_no_copy_either() -> None:
    for again in (copy.copy(Flag.MORE), pickle.loads(pickle.dumps(Flag.MORE))):
        assert again is Flag.MORE
    assert pickle.loads(pickle.dumps(SendToOption(0x8000))) == SendToOption(0x8000)


def test_what_contains_constants_still_does_after_a_journey() -> None:
    info = AddressInfo(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO,
                       InternetAddress(1, 2))
    again = pickle.loads(pickle.dumps(info))
    assert again.domain is SocketDomain.INTERNET
    assert again.type is SocketType.STREAM
    assert again.protocol is SocketProtocol.AUTO


def test_the_resolver_and_the_kernel_speak_of_the_constants() -> None:
    for service in (80, "80"):  # by the fast path and the long way
        infos, _ = get_address_info("127.0.0.1", service, None, SocketType.STREAM)
        assert [info.type for info in infos if info.type is SocketType.STREAM]
        assert all(info.domain is SocketDomain.INTERNET for info in infos)
    made = create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO)
    bind_socket(made, InternetAddress("127.0.0.1", 0))  # Windows does not know it otherwise
    with adopt_descriptor(detach_socket(made)) as sock:
        assert sock.type is SocketType.DATAGRAM
        assert sock.domain is SocketDomain.INTERNET


@needs_unix_sockets
def test_two_names_of_one_domain_are_one_constant() -> None:
    assert SocketDomain.LOCAL is SocketDomain.UNIX


@pytest.mark.parametrize(("record", "changes", "expected"), [
    (InternetAddress("127.0.0.1", 80), {"port": 81}, InternetAddress("127.0.0.1", 81)),
    (InternetAddress("127.0.0.1", 80), {"ip": "::".replace("::", "10.0.0.1")},
     InternetAddress("10.0.0.1", 80)),
    (InternetAddress(None, 80), {}, InternetAddress(0, 80)),
    (Internet6Address("::1", 80, 5, 7), {"scope": 0}, Internet6Address("::1", 80, 5)),
    (UnixAddress("/a"), {"path": b"/b"}, UnixAddress("/b")),
    (SocketType.STREAM, {"value": SocketType.RAW.value}, SocketType.RAW),
    (SocketOption(1, 4, pack, unpack, 6), {"level": 7}, SocketOption(1, 4, pack, unpack, 7)),
    (TcpOption(1, 4, pack, unpack), {"id": 2}, TcpOption(2, 4, pack, unpack)),
    (ProtocolEntry("tcp", [], SocketProtocol(6)), {"aliases": ("TCP",)},
     ProtocolEntry("tcp", ["TCP"], SocketProtocol(6))),
    (Datagrams(b"1234", 2, None), {"address": InternetAddress(1, 2)},
     Datagrams(b"1234", 2, InternetAddress(1, 2))),
])
def test_a_record_is_made_anew_with_some_fields_replaced(
    record: Any, changes: dict[str, object], expected: object
) -> None:
    before = repr(record)
    assert record.__replace__(**changes) == expected
    if sys.version_info >= (3, 13):
        assert copy.replace(record, **changes) == expected
    assert repr(record) == before


def test_a_replacement_is_checked_as_ever() -> None:
    with pytest.raises(TypeError, match="InternetAddress has no field 'prot'"):
        InternetAddress(1, 2).__replace__(prot=80)
    with pytest.raises(ValueError, match="InternetAddress: port must be"):
        InternetAddress(1, 2).__replace__(port=65536)


# Patterns.

def take_apart(value: object) -> object:
    match value:
        case InternetAddress(ip, port):
            return "four", ip, port
        case Internet6Address(ip, port, flow, scope):
            return "six", ip, port, flow, scope
        case UnixAddress(path):
            return "path", path
        case SocketType.STREAM:
            return "a stream"
        case SocketDomain(value, extractor, size):
            return "domain", value, extractor, size
        case SocketConstant(value):
            return "constant", value
        case AddressInfo(domain, type, protocol, address):
            return domain, type, protocol, address
        case TcpOption(id, size, _, converter):
            return "tcp", id, size, converter
        case SocketOption(id, _, _, _, level):
            return "option", id, level
        case ProtocolEntry(name, aliases, value):
            return name, aliases, value
        case Datagrams(data, size, None):
            return data, size
        case Socket(fd, domain, type, protocol):
            return fd, domain, type, protocol
        case SocketCondition(who, syscall, type, message, address):
            return who, syscall, type, message, address
    return None


INFO = (SocketDomain.INTERNET, SocketType.RAW, SocketProtocol(6), InternetAddress(1, 2))


@pytest.mark.parametrize(("record", "parts"), [
    (InternetAddress("0.0.0.1", 80), ("four", 1, 80)),
    (foreign_to_internet_address(InternetAddress(1, 2).converter()), ("four", 1, 2)),
    (Internet6Address(1, 2, 3, 4), ("six", 1, 2, 3, 4)), (UnixAddress(b"/a"), ("path", "/a")),
    (SocketType.STREAM, "a stream"), (SocketType(77), ("constant", 77)),
    (SocketDomain(3, extract, 5), ("domain", 3, extract, 5)), (AddressInfo(*INFO), INFO),
    (TcpOption(1, 4, pack, unpack), ("tcp", 1, 4, unpack)),
    (SocketOption(1, 4, pack, unpack, 6), ("option", 1, 6)),
    (ProtocolEntry("a", ["b"], SocketProtocol(6)), ("a", ("b",), SocketProtocol(6))),
    (Datagrams(b"1234", 2, None), (b"1234", 2)),
    (SocketCondition("a", "b", 3, "c", "d"), ("a", "b", 3, "c", "d")),
])
def test_a_pattern_takes_a_record_apart(record: object, parts: object) -> None:
    assert take_apart(record) == parts


def test_a_pattern_takes_a_socket_apart() -> None:
    kind = SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
    with create_socket(*kind) as sock:
        assert take_apart(sock) == (sock.fd, *kind)


def test_a_pattern_takes_a_record_of_a_program_apart() -> None:
    class Place(SocketAddress):
        __slots__ = ("street", "number", "_mark")

    match Place("High Street", 7):
        case Place(street, number):
            assert (street, number) == ("High Street", 7)
        case _:
            pytest.fail("it has its slots for fields")
