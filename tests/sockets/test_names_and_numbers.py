"""Names of hosts, services and interfaces, beside what Python's `socket` says of them."""

from __future__ import annotations

import os
import pickle
import socket as native
import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest
from helpers import needs_ipv6, needs_posix, needs_unix_sockets, reports, windows_differs

from sockets import (
    AddressInfoOption,
    Interface,
    Internet6Address,
    InternetAddress,
    NameInfoOption,
    ResolverCode,
    ServiceEntry,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketType,
    UnixAddress,
    _sockets,
    get_address_info,
    get_host_name,
    get_interface_by_index,
    get_interface_by_name,
    get_interfaces,
    get_name_info,
    get_service_by_name,
    get_service_by_port,
    internet6_address_to_internet_address,
    internet_address_to_internet6_address,
    string_to_internet6_address,
)

NUMERIC = NameInfoOption.NUMERIC_HOST, NameInfoOption.NUMERIC_SERVICE
TCP_NAMES = "http", "smtp", "domain"


# The way back from an address.

@pytest.mark.parametrize(("address", "expected"), [
    (InternetAddress("192.0.2.1", 80), ("192.0.2.1", "80")),
    (InternetAddress(None, 0), ("0.0.0.0", "0")),
    (Internet6Address("2001:db8::1", 65535), ("2001:db8::1", "65535")),
    (Internet6Address("::ffff:192.0.2.1", 1), ("::ffff:192.0.2.1", "1")),
])
def test_numbers_are_told_without_asking_anybody(
    address: SocketAddress, expected: tuple[str, str]
) -> None:
    assert get_name_info(address, *NUMERIC) == expected


@needs_posix
def test_a_scope_is_told_by_the_name_of_its_interface() -> None:
    first = get_interfaces()[0]
    address = Internet6Address("fe80::1", 7, scope=first.index)
    assert get_name_info(address, *NUMERIC) == (f"fe80::1%{first.name}", "7")
    assert string_to_internet6_address(get_name_info(address, *NUMERIC)[0]).scope == first.index


def told(ask: Callable[..., tuple[str, str]], *question: Any) -> tuple[str, str] | int | None:
    """The names, or the code of why there are none: some hosts have no name for ::1."""
    try:
        return ask(*question)
    except native.gaierror as error:
        return error.errno


@pytest.mark.parametrize("flags", [(), (NameInfoOption.DATAGRAM,), (NameInfoOption.NUMERIC_HOST,),
                                   (NameInfoOption.LOCAL_NAME,)])
@pytest.mark.parametrize("address", [
    InternetAddress("127.0.0.1", 53), pytest.param(Internet6Address(1, 512), marks=needs_ipv6),
])
def test_names_are_those_that_python_finds(
    address: InternetAddress | Internet6Address, flags: tuple[NameInfoOption, ...]
) -> None:
    bits = sum(flag.value for flag in flags)
    place = get_name_info(address, *NUMERIC)[0], address.port or 0
    assert told(get_name_info, address, *flags) == told(native.getnameinfo, place, bits)


@needs_posix
@needs_unix_sockets
def test_a_path_has_no_name_and_no_code_of_the_resolver_is_an_errno() -> None:
    try:
        assert get_name_info(UnixAddress("/run/x"))[1] == "/run/x"  # GNU's takes it for a service
    except SocketCondition as condition:
        assert condition.type == ResolverCode.FAMILY


def test_a_name_that_is_required_and_missing_is_an_error_of_the_resolver() -> None:
    address = InternetAddress("192.0.2.1", 80)  # for documentation only (RFC 5737)
    with pytest.raises(native.gaierror) as caught:
        get_name_info(address, NameInfoOption.NAME_REQUIRED)
    condition = caught.value
    assert isinstance(condition, SocketCondition)
    assert condition.type in (ResolverCode.NO_NAME, ResolverCode.AGAIN, ResolverCode.FAIL)
    assert (condition.who, condition.syscall) == ("get_name_info", "getnameinfo")
    assert condition.name.startswith("EAI_") and str(address) in str(condition)
    assert pickle.loads(pickle.dumps(condition)).type == condition.type


def test_the_way_back_takes_addresses_and_its_own_flags_only() -> None:
    with pytest.raises(TypeError, match="get_name_info: address must be a SocketAddress"):
        get_name_info("127.0.0.1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="flag must be a NameInfoOption"):
        get_name_info(InternetAddress(1, 1), AddressInfoOption.NUMERIC_HOST)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has no port"):
        get_name_info(InternetAddress(1, None))


# Codes and flags of the resolver.

def test_a_code_is_what_the_conditions_type_is_compared_with() -> None:
    with reports(ResolverCode.NO_NAME, "get_address_info", "getaddrinfo"):
        get_address_info("no.number", 80, None, None, None, AddressInfoOption.NUMERIC_HOST)
    with reports(ResolverCode.NO_NAME, "get_address_info", "getaddrinfo"):
        get_address_info("::1", "http", None, None, None, AddressInfoOption.NUMERIC_SERVICE)
    made = SocketCondition("f", "getaddrinfo", ResolverCode.FAMILY, "no")
    assert made.name == "EAI_FAMILY" and isinstance(made, native.gaierror)


@windows_differs("hints")
def test_an_ipv4_host_is_mapped_into_ipv6_where_that_is_asked_for() -> None:
    if not hasattr(AddressInfoOption, "V4_MAPPED"):
        pytest.skip("there is no AI_V4MAPPED here")
    infos, _ = get_address_info(
        "192.0.2.1", 80, SocketDomain.INTERNET_V6, SocketType.STREAM, None,
        AddressInfoOption.V4_MAPPED, AddressInfoOption.ALL, AddressInfoOption.NUMERIC_HOST)
    [mapped] = {info.address for info in infos}
    assert isinstance(mapped, Internet6Address)
    assert internet6_address_to_internet_address(mapped) == InternetAddress("192.0.2.1", 80)


def test_configured_leaves_out_nothing_that_this_machine_could_reach() -> None:
    infos, _ = get_address_info(
        "127.0.0.1", 80, None, SocketType.STREAM, None, AddressInfoOption.CONFIGURED)
    assert [info.address for info in infos] == [InternetAddress("127.0.0.1", 80)]


# IDNA.

class Newer(types.ModuleType):
    """What the package `idna` is to the library."""

    asked: tuple[Any, ...] = ()

    def encode(self, *arguments: Any, **named: Any) -> bytes:
        self.asked += (arguments, named)
        if "x" in arguments[0]:
            raise UnicodeError("not in IDNA 2008")
        return b"xn--newer"


def test_the_newer_idna_is_used_where_it_is_installed_and_only_when_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    newer = Newer("idna")
    monkeypatch.setitem(sys.modules, "idna", newer)
    assert _sockets.node_to_foreign("f", "plain") == b"plain"
    assert newer.asked == ()
    assert _sockets.node_to_foreign("f", "straße") == b"xn--newer"
    assert newer.asked == (("straße",), {"uts46": True})
    with pytest.raises(ValueError, match="f: node is not a host name or an address: 'ßx'"):
        _sockets.node_to_foreign("f", "ßx")


def test_without_it_pythons_own_codec_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "idna", None)
    assert _sockets.node_to_foreign("f", "straße.example") == b"strasse.example"
    assert _sockets.node_to_foreign("f", "bücher.example") == b"xn--bcher-kva.example"


def test_the_package_itself_tells_a_sharp_s_from_two_others() -> None:
    pytest.importorskip("idna", reason="the package idna is not installed")
    assert _sockets.node_to_foreign("f", "STRASSE.Example") == b"STRASSE.Example"
    assert _sockets.node_to_foreign("f", "Straße.example") == b"xn--strae-oqa.example"
    for wrong in ("a..ß", "ß" * 80, "-ß", "ß\N{ZERO WIDTH SPACE}\N{SNOWMAN}"):
        with pytest.raises(ValueError, match="is not a host name"):
            _sockets.node_to_foreign("f", wrong)


# Services.

def port_of(name: str, *protocol: str) -> int | None:
    try:
        return native.getservbyname(name, *protocol)
    except OSError:
        return None


@pytest.mark.parametrize("protocol", [(), ("tcp",), ("udp",), ("no-such",)])
@pytest.mark.parametrize("name", ["http", "domain", "smtp", "no-such-service", "", "ä", "x" * 5000])
def test_a_service_is_found_by_its_name(name: str, protocol: tuple[str, ...]) -> None:
    entry = get_service_by_name(name, *protocol)
    assert (entry and entry.port) == port_of(name, *protocol)
    if entry is not None:
        assert name in (entry.name, *entry.aliases)
        assert entry.protocol == (protocol or (entry.protocol,))[0]
        assert get_service_by_port(entry.port, entry.protocol) == entry


@needs_posix
def test_an_alias_finds_its_service() -> None:
    entry = get_service_by_name("http", "tcp")
    if entry is None or not entry.aliases:
        pytest.skip("the services of this machine have no aliases")
    for alias in entry.aliases:
        assert get_service_by_name(alias, "tcp") == entry


@pytest.mark.parametrize("protocol", [(), ("udp",)])
@pytest.mark.parametrize("port", [0, 25, 53, 80, 258, 65535])
def test_a_port_finds_the_service_that_python_finds(port: int, protocol: tuple[str, ...]) -> None:
    entry = get_service_by_port(port, *protocol)
    try:
        expected: str | None = native.getservbyport(port, *protocol)
    except OSError:
        expected = None
    assert (entry and entry.name) == expected
    assert entry is None or (type(entry), entry.port) == (ServiceEntry, port)


@pytest.mark.parametrize(("wrong", "kind"), [
    (lambda: get_service_by_name(80), TypeError), (lambda: get_service_by_name("a\0"), ValueError),
    (lambda: get_service_by_name("http", 6), TypeError),
    pytest.param(lambda: get_service_by_name("http", "\ud800"), ValueError, marks=needs_posix),
    (lambda: get_service_by_port("80"), TypeError), (lambda: get_service_by_port(-1), ValueError),
    (lambda: get_service_by_port(65536), ValueError),
    (lambda: get_service_by_port(80, "t\0"), ValueError),
    (lambda: ServiceEntry("x", "xy", 1, "tcp"), TypeError),
    (lambda: ServiceEntry("x", (), 65536, "tcp"), ValueError),
    (lambda: get_interface_by_name(1), TypeError),
    (lambda: get_interface_by_index(-1), ValueError),
    (lambda: get_interface_by_index(2**32), ValueError), (lambda: Interface("x", 0), ValueError),
])
def test_what_cannot_be_asked_is_refused_before_anybody_is(wrong: Any, kind: type) -> None:
    with pytest.raises(kind, match=r"^(get_\w+|ServiceEntry|Interface): "):
        wrong()


def test_threads_that_look_up_services_do_not_get_each_others() -> None:
    known = {name: get_service_by_name(name, "tcp") for name in TCP_NAMES}
    wrong: list[Any] = []

    def ask(name: str) -> None:
        for _ in range(300):
            if get_service_by_name(name, "tcp") != known[name]:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(name,)) for name in TCP_NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Interfaces.

@needs_posix
def test_the_interfaces_are_those_that_python_finds() -> None:
    found = get_interfaces()
    assert [(each.index, each.name) for each in found] == native.if_nameindex()
    for each in found:
        assert get_interface_by_name(each.name) == get_interface_by_index(each.index) == each


@needs_posix
@pytest.mark.parametrize("name", ["", "no such", "ä", "x" * 500])
def test_there_is_no_interface_of_such_a_name(name: str) -> None:
    assert get_interface_by_name(name) is None


@needs_posix
@pytest.mark.parametrize("index", [0, 2**31 - 1, 2**32 - 1])
def test_there_is_no_interface_of_such_a_number(index: int) -> None:
    assert get_interface_by_index(index) is None


@needs_posix
def test_a_list_longer_than_the_room_for_it_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rooms: list[int] = []

    def many(found: Any, room: int) -> int:
        rooms.append(room)
        for at in range(min(room, 40)):
            found[at].index, found[at].name = at + 1, b"eth%d" % at
        return 40

    monkeypatch.setattr(_sockets, "if_nameindex_block", many)
    assert get_interfaces() == [Interface(f"eth{at}", at + 1) for at in range(40)]
    assert rooms == [16, 40]


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows lacks them")
@pytest.mark.parametrize("ask", [get_interfaces, lambda: get_interface_by_name("x"),
                                 lambda: get_interface_by_index(1)])
def test_windows_names_its_interfaces_otherwise(ask: Any) -> None:
    with pytest.raises(NotImplementedError, match="interface"):
        ask()


# This machine, and addresses in addresses.

def test_the_name_of_the_host_is_what_python_says() -> None:
    assert get_host_name() == native.gethostname()
    assert type(get_host_name()) is str
    if hasattr(os, "uname"):
        assert get_host_name() == os.uname().nodename


@pytest.mark.parametrize("port", [80, None])
@pytest.mark.parametrize("ip", ["192.0.2.1", "0.0.0.0", "255.255.255.255"])
def test_an_ipv4_address_is_mapped_into_ipv6_and_comes_back(ip: str, port: int | None) -> None:
    address = InternetAddress(ip, port)
    mapped = internet_address_to_internet6_address(address)
    assert mapped == Internet6Address(f"::ffff:{ip}", port)
    assert internet6_address_to_internet_address(mapped) == address


@pytest.mark.parametrize("text", ["::", "::1", "::192.0.2.1", "::1:ffff:1.2.3.4", "fe80::1"])
def test_an_ipv6_address_proper_is_no_ipv4_one(text: str) -> None:
    assert internet6_address_to_internet_address(Internet6Address(text, 1)) is None


def test_only_addresses_of_the_one_family_become_those_of_the_other() -> None:
    with pytest.raises(TypeError, match="must be an InternetAddress"):
        internet_address_to_internet6_address(Internet6Address(1, 1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be an Internet6Address"):
        internet6_address_to_internet_address(InternetAddress(1, 1))  # type: ignore[arg-type]
