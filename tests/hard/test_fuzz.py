"""Every parser and codec, on whatever Hypothesis comes up with, for SECONDS of time."""

from __future__ import annotations

import errno
import ipaddress
import os
import pickle
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
import sockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sockets import (
    AddressInfo, AddressInfoOption, AncillaryData, Credentials, HopLimit, Internet6Address,
    Internet6Option, Internet6PacketInfo, InternetAddress, InternetPacketInfo, IpOption,
    ProtocolEntry, RawOption,
    ReceiveFromOption, SendToOption, ShutdownMethod, SocketCondition, SocketConstant, SocketDomain,
    SocketOption, SocketProtocol, SocketType, TcpOption, TimeStamp, UdpOption, UnixAddress,
    close_descriptors, foreign_to_internet6_address, foreign_to_internet_address,
    foreign_to_unix_address, get_address_info, internet6_address_to_string,
    internet_address_to_string, lookup_ancillary_item, make_foreign_address, make_socket_pair,
    receive_message, send_message, set_socket_option, string_to_internet6_address,
    string_to_internet_address, string_to_ipv4, string_to_ipv6,
)

SECONDS = float(os.environ.get("SECONDS", "60"))

# What people write, with what they should not.
marks = st.sampled_from(["", "0", "1", "9", "25", "255", "256", "01", "65535", "65536", ".", ":",
                         "[", "]", "%", "::", "ffff", "1.2.3.4", " ", "-", "+", "_", "x", "e",
                         "\0", "٣", "²", "é", "lo", "/"])
texts = st.one_of(st.text(), st.lists(marks, max_size=14).map("".join),
                  st.ip_addresses().map(str), st.ip_addresses(v=4).map("{}:80".format))
numbers = st.one_of(st.integers(), st.sampled_from(
    [n + d for n in (0, 2**8, 2**16, 2**31, 2**32, 2**63, 2**64, 2**128, -(2**31), -(2**63))
     for d in (-1, 0, 1)]))
u16, u32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
u128 = st.one_of(st.integers(0, 2**128 - 1), st.ip_addresses(v=6).map(int), st.lists(
    st.sampled_from([b"\0\0", b"\0\1", b"\xff\xff"]), min_size=8, max_size=8).map(
        lambda groups: int.from_bytes(b"".join(groups), "big")))
i32 = st.integers(-(2**31), 2**31 - 1)
anything = st.one_of(numbers, texts, st.none(), st.booleans(), st.floats(), st.binary(),
                     st.just(SocketType.STREAM), st.just(sockets))

PROPERTIES: list[Callable[[], None]] = []


def holds(**strategies: Any) -> Callable[[Any], Any]:
    """Keep a property, to be tried with arguments from these strategies."""
    def keep(check: Any) -> Any:
        PROPERTIES.append(settings(
            max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )(given(**strategies)(check)))
        return check

    return keep


@holds(text=texts)
def ipv4_text_is_read_exactly_as_by_the_standard_library(text: str) -> None:
    try:
        expected = int(ipaddress.IPv4Address(text))
    except ValueError:
        expected = None
    try:
        assert string_to_ipv4(text) == expected
    except ValueError as error:
        assert expected is None
        assert repr(text) in str(error)


@holds(text=texts)
def internet_text_is_read_or_refused_and_written_back_the_same(text: str) -> None:
    try:
        address = string_to_internet_address(text)
    except ValueError as error:
        assert repr(text) in str(error)
    else:
        assert str(address) == internet_address_to_string(address) == text


@holds(text=st.one_of(texts, st.ip_addresses(v=6).map(str), st.ip_addresses(v=6).map(
    lambda ip: ip.exploded.upper())))
def ipv6_text_is_read_exactly_as_by_the_standard_library(text: str) -> None:
    try:
        expected = None if "%" in text else int(ipaddress.IPv6Address(text))
    except ValueError:
        expected = None
    try:
        assert string_to_ipv6(text) == expected
    except ValueError as error:
        assert expected is None
        assert repr(text) in str(error)


@holds(text=texts)
def internet6_text_is_read_or_refused(text: str) -> None:
    try:
        address = string_to_internet6_address(text)
    except ValueError as error:
        assert repr(text) in str(error)
    else:
        assert string_to_internet6_address(str(address)) == address


@holds(ip=st.none() | u128, port=st.none() | u16, flow=u32, scope=u32)
def an_internet6_address_survives_text_and_bytes(
    ip: int | None, port: int | None, flow: int, scope: int
) -> None:
    address = Internet6Address(ip, port, flow, scope)
    plain = Internet6Address(ip or 0, port, 0, scope)  # the text has no flow
    assert string_to_internet6_address(str(address)) == plain
    text = internet6_address_to_string(Internet6Address(ip, None))
    assert int(ipaddress.IPv6Address(text)) == (ip or 0)
    assert text == text.lower() and len(text) <= 39
    if port is None:
        with pytest.raises(ValueError):
            address.converter()
    else:
        packed = address.converter()
        assert packed[2:] == struct.pack("!HI", port, flow) + (ip or 0).to_bytes(
            16, "big") + struct.pack("=I", scope)
        again = foreign_to_internet6_address(packed)
        assert again == Internet6Address(ip or 0, port, flow, scope)


@holds(packed=st.binary(max_size=140))
def bytes_are_an_internet6_address_or_refused(packed: bytes) -> None:
    try:
        address = foreign_to_internet6_address(packed)
    except ValueError:
        assert len(packed) < 28
    else:
        assert address.converter()[2:] == packed[2:28]


@holds(family=anything, rest=anything)
def a_foreign_address_is_a_header_and_the_rest_or_refused(family: Any, rest: Any) -> None:
    try:
        packed = make_foreign_address(family, rest)
    except (TypeError, ValueError):
        assert not (type(family) is int and 0 <= family < 256 and isinstance(rest, bytes))
    else:
        assert packed == struct.pack("=H", family) + rest


@holds(ip=st.none() | u32, port=st.none() | u16)
def an_internet_address_survives_text_and_bytes(ip: int | None, port: int | None) -> None:
    address = InternetAddress(ip, port)
    again = string_to_internet_address(str(address))
    assert (again.ip, again.port) == (ip or 0, port)
    if port is None:
        with pytest.raises(ValueError):
            address.converter()
    else:
        packed = address.converter()
        assert packed[2:8] == struct.pack("!HI", port, ip or 0)
        assert foreign_to_internet_address(packed) == again


@holds(packed=st.binary(max_size=140))
def bytes_are_an_internet_address_or_refused(packed: bytes) -> None:
    try:
        address = foreign_to_internet_address(packed)
    except ValueError:
        assert len(packed) < 16
    else:
        assert (address.port, address.ip) == struct.unpack("!HI", packed[2:8])
        assert address == InternetAddress(address.ip, address.port)
        assert hash(address) == hash(InternetAddress(address.ip, address.port))
        repr(address)


@holds(packed=st.binary(max_size=140))
def bytes_are_a_unix_address_whatever_they_are(packed: bytes) -> None:
    address = foreign_to_unix_address(packed)
    path = packed[2:]
    assert os.fsencode(address.path) == (path if path[:1] == b"\0" else path.partition(b"\0")[0])
    assert pickle.loads(pickle.dumps(address)) == address
    str(address), repr(address)
    if len(packed) >= 2:
        again = foreign_to_unix_address(UnixAddress(address.path).converter())
        assert again == address


@holds(path=st.one_of(st.text(), st.binary(max_size=120), st.binary(max_size=120).map(
    lambda tail: b"\0" + tail), st.binary(min_size=105, max_size=110)))
def a_unix_path_survives_its_bytes_or_is_refused(path: str | bytes) -> None:
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        with pytest.raises(ValueError):
            UnixAddress(path)
        return
    address = UnixAddress(path)
    abstract = raw[:1] == b"\0"
    try:
        packed = address.converter()
    except ValueError:
        assert len(raw) > 108 or (b"\0" in raw and not abstract)
    else:
        assert len(packed) == 2 + len(raw) + (1 if 0 < len(raw) < 108 and not abstract else 0)
        assert packed[2:].removesuffix(b"" if abstract else b"\0") == raw
        assert foreign_to_unix_address(packed) == address


CLASSES = [AddressInfoOption, ReceiveFromOption, SendToOption, ShutdownMethod, SocketConstant,
           SocketProtocol, SocketType]


@holds(kind=st.sampled_from(CLASSES), value=anything)
def a_constant_is_a_c_int_or_refused(kind: Any, value: Any) -> None:
    try:
        constant = kind(value)
    except TypeError:
        assert not isinstance(value, int) or isinstance(value, bool)
    except ValueError:
        assert not -(2**31) <= value < 2**31
    else:
        assert constant.value == value
        assert eval(repr(constant), vars(sockets)) == constant
        assert pickle.loads(pickle.dumps(constant)) == constant


@holds(kind=st.sampled_from([SocketOption, TcpOption, UdpOption, RawOption, IpOption,
                             Internet6Option]),
       id=anything, size=anything, maker=st.sampled_from([bytes, None, 1]), level=anything)
def an_option_has_ranges(kind: Any, id: Any, size: Any, maker: Any, level: Any) -> None:
    levels = (level,) if kind is SocketOption else ()
    try:
        option = kind(id, size, maker, bytes, *levels)
    except (TypeError, ValueError):
        numbers = [n for n in (id, size, *levels)]
        plain = all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
        fits = plain and all(-(2**31) <= n < 2**31 for n in numbers)
        assert not (fits and 1 <= size <= 65536 and maker is bytes)
    else:
        assert (option.id, option.size, option.maker) == (id, size, maker)
        assert pickle.loads(pickle.dumps(option)) == option


@holds(ip=anything, port=anything)
def an_internet_address_has_ranges(ip: Any, port: Any) -> None:
    try:
        address = InternetAddress(ip, port)
    except (TypeError, ValueError):
        return
    assert address.ip is None if ip is None else 0 <= address.ip < 2**32
    assert isinstance(ip, (str, type(None))) or address.ip == ip
    assert port is None or 0 <= port < 2**16
    assert pickle.loads(pickle.dumps(address)) == address


@holds(node=anything, service=anything, numeric=st.sampled_from(["127.0.0.1", None]),
       port=st.one_of(u16, u16.map(str), texts, numbers))
def nodes_and_services_are_resolved_or_refused(
    node: Any, service: Any, numeric: str | None, port: Any
) -> None:
    for pair in ((node, port), (node, service), (numeric, port)):
        try:
            infos, name = get_address_info(
                *pair, SocketDomain.INTERNET, SocketType.STREAM, None,
                AddressInfoOption.NUMERIC_HOST,
            )
        except (TypeError, ValueError, SocketCondition) as error:
            assert str(error)
            plain = isinstance(pair[1], int) and not isinstance(pair[1], bool)
            assert pair[0] != "127.0.0.1" or not (plain and 0 <= pair[1] < 65536)
        else:
            assert infos and name is None
            for info in infos:
                assert isinstance(info.address, InternetAddress)
                if isinstance(pair[1], int):
                    assert info.address.port == pair[1]
                elif pair[1] is not None and pair[1].isdigit():
                    assert info.address.port == int(pair[1])


# Ancillary data: of any kind, through the kernel and through the extractors.

LEVELS = st.sampled_from([0, 1, 17, 41]) | i32
items = st.lists(st.builds(AncillaryData, LEVELS, st.integers(0, 110) | i32,
                           st.binary(max_size=64)), max_size=6)
CHANNEL = make_socket_pair(SocketDomain.UNIX, SocketType.DATAGRAM, SocketProtocol.AUTO)
set_socket_option(CHANNEL[1], SocketOption.PASS_CREDENTIALS, True)


@holds(items=items, room=st.integers(0, 4096))
def any_items_are_sent_or_refused_and_no_descriptor_is_lost(items: Any, room: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    try:
        assert send_message(CHANNEL[0], [b"data"], None, items) == 4
    except SocketCondition as condition:
        assert condition.syscall == "sendmsg"
        assert receive_message(CHANNEL[1], 9)[0] is None
        return
    data, header = receive_message(CHANNEL[1], 9, room=room)
    assert data == b"data"
    for item in header.items:
        if hasattr(item, "fds"):
            close_descriptors(item)
    assert len(os.listdir("/proc/self/fd")) == before


@holds(item=st.builds(AncillaryData, st.sampled_from([0, 1, 41, 17]), st.integers(0, 110),
                      st.binary(max_size=64)))
def any_bytes_become_an_item_or_stay_bytes(item: AncillaryData) -> None:
    made = sockets._sockets.read_item("receive_message", item.level, item.type, item.data)
    kind = lookup_ancillary_item(item.level, item.type)
    assert made == item or (kind is not None and type(made) is kind)


names = st.text(max_size=20)
addresses = st.one_of(
    st.builds(InternetAddress, st.none() | u32, st.none() | u16), st.none(),
    st.builds(UnixAddress, st.binary(max_size=100)),
)
RECORDS: dict[str, st.SearchStrategy[Any]] = {
    **{kind.__name__: st.builds(kind, i32) for kind in CLASSES},
    "SocketDomain": st.builds(SocketDomain, i32, st.just(foreign_to_unix_address),
                              st.integers(1, 128)),
    "AddressInfo": st.builds(
        AddressInfo, st.sampled_from([SocketDomain.UNIX, SocketDomain.INTERNET]),
        st.builds(SocketType, i32), st.builds(SocketProtocol, i32), addresses.filter(bool)),
    "ProtocolEntry": st.builds(ProtocolEntry, names, st.lists(names), st.builds(SocketProtocol,
                                                                               i32)),
    "InternetAddress": st.builds(InternetAddress, st.none() | u32, st.none() | u16),
    "Internet6Address": st.builds(Internet6Address, st.none() | u128, st.none() | u16, u32, u32),
    "UnixAddress": st.builds(UnixAddress, st.binary(max_size=120)),
    "AncillaryData": st.builds(AncillaryData, i32, i32, st.binary(max_size=20)),
    "Credentials": st.builds(Credentials, st.integers(0, 2**31 - 1), u32, u32),
    "HopLimit": st.builds(HopLimit, st.integers(0, 255)),
    "Internet6PacketInfo": st.builds(
        Internet6PacketInfo, st.integers(0, 2**31 - 1),
        st.none() | st.builds(Internet6Address, u128, st.none())),
    "InternetPacketInfo": st.builds(
        InternetPacketInfo, st.integers(0, 2**31 - 1),
        st.none() | st.builds(InternetAddress, u32, st.none())),
    "TimeStamp": st.builds(TimeStamp, st.integers(0, 2**63 - 1)),
    "Datagrams": st.builds(sockets.Datagrams, st.binary(max_size=99), st.integers(1, 65535),
                           st.none() | addresses),
    "SocketCondition": st.builds(
        SocketCondition, names, st.sampled_from(["getaddrinfo", "connect", "x"]),
        st.one_of(i32, st.sampled_from(sorted(errno.errorcode))), names, addresses),
    **{kind.__name__: st.builds(kind, i32, st.integers(1, 65536), st.just(bytes), st.just(len))
       for kind in (SocketOption, TcpOption, UdpOption, RawOption, IpOption,
                    Internet6Option)},
}


@holds(record=st.one_of(list(RECORDS.values())), protocol=st.integers(2, pickle.HIGHEST_PROTOCOL))
def a_record_survives_pickling(record: Any, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(record, protocol))
    assert type(again) is type(record)
    assert repr(again) == repr(record)
    assert str(again) == str(record)
    if not isinstance(record, SocketCondition):
        assert again == record
        assert hash(again) == hash(record)
    else:
        assert again.args == record.args
        assert (again.who, again.syscall, again.type, again.message, again.address) == (
            record.who, record.syscall, record.type, record.message, record.address)


def test_every_record_is_pickled_here() -> None:
    kinds = {
        name for name in sockets.__all__
        if isinstance(kind := getattr(sockets, name), type)
        and (hasattr(kind, "fields") or issubclass(kind, OSError))
    }
    assert kinds - set(RECORDS) - {"SocketAddress"} == set()  # the last has no fields of its own


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("check", PROPERTIES, ids=lambda check: check.__name__)
def test(check: Callable[[], None]) -> None:
    end = time.monotonic() + SECONDS / len(PROPERTIES)
    check()
    while time.monotonic() < end:
        check()
