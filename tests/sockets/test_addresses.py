"""Addresses: as text, as the bytes of C structures, and as the kernel returns them."""

from __future__ import annotations

import ctypes
import os
import pickle
import re
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import needs_unix_sockets, needs_utf8_names
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sockets import (
    InternetAddress,
    Socket,
    SocketAddress,
    SocketDomain,
    SocketProtocol,
    SocketType,
    UnixAddress,
    bind_socket,
    create_socket,
    foreign_to_internet_address,
    foreign_to_unix_address,
    get_peer_name,
    get_socket_name,
    internet_address_to_string,
    receive_from_socket,
    send_to_socket,
    set_socket_nonblocking,
    string_to_internet_address,
    string_to_ipv4,
)
from sockets._sockets import socket_address_to_foreign as packed_form

settings.register_profile("addresses", deadline=None, max_examples=300)
thorough = settings.get_profile("addresses")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
needs_bytes_in_paths = pytest.mark.skipif(
    sys.platform == "darwin", reason="its file systems take only UTF-8"
)

LOOPBACK = 0x7F000001
ROOM = 108 if sys.platform == "linux" else 104
HEADER = 2  # bytes in front of sun_path

OCTET = "(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
WELL_WRITTEN = re.compile(rf"{OCTET}(\.{OCTET}){{3}}(:(0|[1-9][0-9]{{0,4}}))?")

# departures 29, 30
BAD_IPS = [
    "", ".", "...", "1", "1.2", "1.2.3", "1.2.3.4.5", "1..3.4", ".1.2.3", "1.2.3.", "1.2.3.4.",
    "256.1.1.1", "1.2.3.256", "999.1.1.1", "01.2.3.4", "1.2.3.04", "00.0.0.0", "0x7f.0.0.1",
    "#x50.1.1.1", "3/2.1.1.1", "1.2.3.4e0", "+1.2.3.4", "-1.2.3.4", "1.2.3.-4", " 1.2.3.4",
    "1.2.3.4 ", "1. 2.3.4", "1.2.3.4\n", "1.2.3.4\0", "1_0.2.3.4", "٣.2.3.4", "1.2.3.\uff18",
    "1.2.3.²", "localhost", "1.2.3.a", "a.b.c.d", "::1", "2130706433", "1,2,3,4", "1.2.3.99999999",
]
BAD_TEXTS = [
    *BAD_IPS, "1.2.3.4:", ":80", ":", "1.2.3.4:abc", "1.2.3.4:5:6", "1.2.3.4::5", "1.2.3.4:5:",
    "1.2.3.4:80.5", "1.2.3.4:3/2", "1.2.3.4:#x50", "1.2.3.4:0x50", "1.2.3.4:+80", "1.2.3.4:-1",
    "1.2.3.4: 80", "1.2.3.4:80 ", "1.2.3.4 :80", "1.2.3.4:8_0", "1.2.3.4:65536", "1.2.3.4:99999999",
    "1.2.3.4:080", "1.2.3.4:00", "1.2.3.4:\uff18\uff10", "1.2.3.4:٨٠", "1.2.3.4:²", "1.2.3.4:http",
    "1.2.3:80", "1..3.4:80", "256.1.1.1:80", "01.2.3.4:80", "1.2.3.4:80\n", "1:2.3.4:80",
]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory whose own path is short, so that there is room in a UNIX address."""
    with tempfile.TemporaryDirectory(dir=None if os.name == "nt" else "/tmp", prefix="s") as path:
        yield Path(path)


def raw_name(theirs: socket.socket, ask: Callable[[Socket], object] = get_socket_name) -> object:
    """The very bytes that the kernel returns for a name of Python's own socket."""
    domain = SocketDomain(theirs.family, lambda packed: packed, 110)  # type: ignore[arg-type]
    fd = socket.dup(theirs.fileno())
    with Socket(fd, domain, SocketType(theirs.type), SocketProtocol.AUTO) as sock:
        return ask(sock)


def name_of(theirs: socket.socket, domain: SocketDomain) -> object:
    """What this library takes the name of Python's own socket for."""
    fd = socket.dup(theirs.fileno())
    with Socket(fd, domain, SocketType(theirs.type), SocketProtocol.AUTO) as sock:
        return get_socket_name(sock)


def unix_datagram_socket() -> Socket:
    return create_socket(SocketDomain.UNIX, SocketType.DATAGRAM, SocketProtocol.AUTO)


# Text.

ips = st.integers(0, 2**32 - 1)
ports = st.integers(0, 65535)
near_texts = st.text("0123456789.:-+ x/#٣\uff18", max_size=24) | st.builds(
    "{}.{}.{}.{}{}".format,
    *[st.integers(0, 300)] * 4,
    st.sampled_from(["", ":", ":0", ":80", ":65535", ":65536", ":080", ":1:2", " ", "."]),
)


@thorough
@given(ips, ports | st.none())
def test_an_address_comes_back_from_its_text(ip: int, port: int | None) -> None:
    address = InternetAddress(ip, port)
    text = internet_address_to_string(address)
    assert text == str(address)
    assert text.partition(":")[0] == socket.inet_ntoa(ip.to_bytes(4, "big"))
    assert text.partition(":")[1:] == (("", "") if port is None else (":", str(port)))
    assert string_to_internet_address(text) == address


@thorough
@given(ips)
def test_an_ip_is_read_with_its_first_octet_highest(ip: int) -> None:
    assert string_to_ipv4(socket.inet_ntoa(ip.to_bytes(4, "big"))) == ip


@thorough
@given(st.text() | near_texts)
@example("1.2.3:80")
@example("256.1.1.1:80")
@example("1.2.3.4:65536")
def test_a_text_is_an_address_with_that_text_or_refused_and_quoted(text: str) -> None:
    well_written = WELL_WRITTEN.fullmatch(text)
    good = well_written is not None and int(text.partition(":")[2] or 0) < 65536
    try:
        address = string_to_internet_address(text)
    except ValueError as error:
        assert not good
        assert repr(text) in str(error)
    else:
        assert good
        assert str(address) == text


@thorough
@given(st.text() | near_texts)
def test_a_text_is_an_ip_or_refused_and_quoted(text: str) -> None:
    good = WELL_WRITTEN.fullmatch(text) is not None and ":" not in text
    try:
        ip = string_to_ipv4(text)
    except ValueError as error:
        assert not good
        assert repr(text) in str(error)
    else:
        assert good
        assert str(InternetAddress(ip, None)) == text


# departures 29, 30
@pytest.mark.parametrize("text", BAD_TEXTS, ids=ascii)
def test_a_text_that_is_not_quite_an_address_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError) as refusal:
        string_to_internet_address(text)
    assert repr(text) in str(refusal.value)


# departures 29, 30
@pytest.mark.parametrize("text", [*BAD_IPS, "1.2.3.4:80", "1.2.3.4:"], ids=ascii)
def test_a_text_that_is_not_quite_an_ip_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError) as refusal:
        string_to_ipv4(text)
    assert repr(text) in str(refusal.value)


@pytest.mark.parametrize("read", [string_to_internet_address, string_to_ipv4])
@pytest.mark.parametrize("text", [b"1.2.3.4", None, 1, ["1.2.3.4"]])
def test_what_is_no_text_is_refused(read: Callable[[object], object], text: object) -> None:
    with pytest.raises(TypeError, match=read.__name__):
        read(text)


def test_an_ip_alone_has_no_port() -> None:  # departure 30
    assert string_to_internet_address("1.2.3.4") == InternetAddress(0x01020304, None)


def test_port_zero_is_written_and_read() -> None:  # departure 31
    address = string_to_internet_address("127.0.0.1:0")
    assert address == InternetAddress(LOOPBACK, 0)
    assert str(address) == "127.0.0.1:0"
    with create_socket(
        SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
    ) as sock:
        bind_socket(sock, address)
        name = get_socket_name(sock)
        assert isinstance(name, InternetAddress)
        assert name.port


def test_a_missing_ip_is_the_any_address() -> None:
    assert str(InternetAddress(None, 80)) == "0.0.0.0:80"
    assert str(InternetAddress(None, None)) == "0.0.0.0"
    assert InternetAddress(None, 80).converter() == InternetAddress(0, 80).converter()
    assert InternetAddress(None, 80) == InternetAddress(0, 80)
    assert hash(InternetAddress(None, 80)) == hash(InternetAddress(0, 80))
    assert InternetAddress(None, 80).ip is None


def test_an_address_without_a_port_does_not_go_on_the_wire() -> None:
    address = InternetAddress(LOOPBACK, None)
    with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
        address.converter()
    with create_socket(
        SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
    ) as sock, pytest.raises(ValueError, match="port"):
        bind_socket(sock, address)


# Internet addresses as bytes.

@thorough
@given(ips, ports)
def test_the_packed_form_has_family_port_and_ip_in_network_order(ip: int, port: int) -> None:
    packed = InternetAddress(ip, port).converter()
    assert len(packed) == 16
    if sys.platform == "linux":
        assert packed == struct.pack("=H", socket.AF_INET) + struct.pack("!HI8x", port, ip)
    assert packed[2:8] == struct.pack("!HI", port, ip)


@thorough
@given(ips, ports)
def test_an_address_from_the_kernel_equals_one_made_by_hand(ip: int, port: int) -> None:
    eager = InternetAddress(ip, port)
    assert foreign_to_internet_address(eager.converter()) == eager
    assert eager == foreign_to_internet_address(eager.converter())
    assert hash(foreign_to_internet_address(eager.converter())) == hash(eager)
    assert repr(foreign_to_internet_address(eager.converter())) == repr(eager)
    assert str(foreign_to_internet_address(eager.converter())) == str(eager)
    assert foreign_to_internet_address(eager.converter()).port == port
    assert foreign_to_internet_address(eager.converter()).ip == ip
    lazy = foreign_to_internet_address(eager.converter())
    assert pickle.loads(pickle.dumps(lazy)) == eager
    assert foreign_to_internet_address(eager.converter()) in {eager}


def test_an_address_from_the_kernel_never_changes() -> None:
    lazy = foreign_to_internet_address(InternetAddress(LOOPBACK, 80).converter())
    for field in ("ip", "port", "name"):
        with pytest.raises(AttributeError):
            setattr(lazy, field, 1)
        with pytest.raises(AttributeError):
            delattr(lazy, field)
    with pytest.raises(AttributeError, match="name"):
        lazy.name  # noqa: B018
    assert not hasattr(lazy, "__dict__")
    assert lazy == InternetAddress(LOOPBACK, 80)


@thorough
@given(st.binary(max_size=140))
def test_any_bytes_are_an_internet_address_of_those_bytes_or_refused(data: bytes) -> None:
    try:
        address = foreign_to_internet_address(data)
    except ValueError as error:
        assert len(data) < 16
        assert repr(data) in str(error)
    else:
        assert packed_form(address) == data
        assert (address.port, address.ip) == struct.unpack("!HI", data[2:8])
        assert string_to_internet_address(str(address)) == address


def test_what_the_kernel_keeps_of_our_address_is_what_python_reads() -> None:
    for ip in (LOOPBACK, LOOPBACK + 1 if sys.platform == "linux" else LOOPBACK, 0, None):
        with create_socket(
            SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO
        ) as sock:
            bind_socket(sock, InternetAddress(ip, 0))
            name = get_socket_name(sock)
            with socket.socket(fileno=socket.dup(sock.fd)) as theirs:
                assert isinstance(name, InternetAddress)
                text = socket.inet_ntoa((ip or 0).to_bytes(4, "big"))
                assert theirs.getsockname() == (text, name.port)
                assert raw_name(theirs) == name.converter() == packed_form(name)


def test_what_the_kernel_keeps_of_pythons_address_is_what_we_read() -> None:
    with socket.socket() as theirs:
        theirs.bind(("127.0.0.1", 0))
        name = name_of(theirs, SocketDomain.INTERNET)
        assert name == InternetAddress(LOOPBACK, theirs.getsockname()[1])
        assert isinstance(name, InternetAddress)
        assert raw_name(theirs) == InternetAddress(name.ip, name.port).converter()


def test_the_two_ends_of_a_connection_have_each_others_names() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, \
            socket.create_connection(server.getsockname()) as client:
        fd = socket.dup(client.fileno())
        with Socket(fd, SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as sock:
            here, there = get_socket_name(sock), get_peer_name(sock)
        assert str(here) == "{}:{}".format(*client.getsockname())
        assert str(there) == "{}:{}".format(*server.getsockname())
        assert isinstance(there, InternetAddress)
        assert raw_name(client, get_peer_name) == there.converter()


# UNIX addresses.

def test_a_path_is_a_str_however_it_was_given(directory: Path) -> None:
    text = str(directory / "s")

    class Slash:
        def __fspath__(self) -> bytes:
            return text.encode()

    addresses = [UnixAddress(path) for path in (text, text.encode(), Path(text), Slash())]
    assert [address.path for address in addresses] == [text] * 4
    assert len(set(addresses)) == 1


@thorough
@given(st.binary(max_size=140))
@needs_unix_sockets
def test_any_bytes_are_kept_as_a_path(path: bytes) -> None:
    address = UnixAddress(path)
    assert address.path == os.fsdecode(path)
    assert os.fsencode(address.path) == path
    assert UnixAddress(address.path) == address
    assert pickle.loads(pickle.dumps(address)) == address


@needs_unix_sockets
def test_paths_are_equal_as_the_bytes_that_they_are() -> None:
    assert UnixAddress("/tmp/ä") == UnixAddress(os.fsencode("/tmp/ä"))
    assert UnixAddress("/tmp/\udcff") == UnixAddress(b"/tmp/\xff")
    # Two ways to write the two bytes of the letter.
    odd = "".join(chr(0xDC00 + byte) for byte in os.fsencode("ä"))
    assert os.fsencode(odd) == os.fsencode("ä")
    assert UnixAddress(odd) == UnixAddress("ä")
    assert hash(UnixAddress(odd)) == hash(UnixAddress("ä"))
    assert UnixAddress("/tmp/a") != UnixAddress("/tmp/./a")


def test_a_path_that_has_no_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="d800"):
        UnixAddress("/tmp/\ud800").converter()


# departures 3, 6
@pytest.mark.parametrize("path", ["/tmp/s", "relative", "ä" * 10, "x" * (ROOM - 1), b"\xff\xfe"])
@needs_unix_sockets
def test_a_path_is_packed_as_long_as_it_is_with_one_nul(path: str | bytes) -> None:
    packed = UnixAddress(path).converter()
    assert packed[HEADER:] == os.fsencode(path) + b"\0"
    if sys.platform == "linux":
        assert packed[:HEADER] == struct.pack("=H", socket.AF_UNIX)


# departure 3
@needs_utf8_names
@pytest.mark.parametrize("letter", ["x", "ä", "€", "𝄞"])
def test_a_path_is_measured_in_bytes(letter: str) -> None:
    size = len(os.fsencode(letter))
    fits = letter * (ROOM // size) + "x" * (ROOM % size)
    for path in fits, fits[:-1] + "x" * (len(os.fsencode(fits[-1])) - 1):  # and one less
        assert len(UnixAddress(path).converter()) == HEADER + ROOM
    too_long = fits + "x"
    assert size == 1 or len(too_long) < ROOM
    with pytest.raises(ValueError) as refusal:
        UnixAddress(too_long).converter()
    for part in (too_long, f"{ROOM + 1} bytes", str(ROOM)):
        assert part in str(refusal.value)


# departure 3
@pytest.mark.parametrize("path", ["a\0b", "a\0", "/tmp/\0/x", b"/tmp/s\0", "x" * 50 + "\0"])
def test_a_path_with_a_nul_in_it_is_refused(path: str | bytes) -> None:
    with pytest.raises(ValueError) as refusal:
        UnixAddress(path).converter()
    assert "NUL" in str(refusal.value)
    assert repr(os.fsdecode(path)) in str(refusal.value)


def test_a_path_is_refused_before_anything_is_bound() -> None:
    with unix_datagram_socket() as sock:
        for path in ("x" * (ROOM + 1), "a\0b", "€" * 40):
            with pytest.raises(ValueError, match="UnixAddress"):
                bind_socket(sock, UnixAddress(path))
            with pytest.raises(ValueError, match="UnixAddress"):
                send_to_socket(sock, b"", UnixAddress(path))
        assert get_socket_name(sock) == UnixAddress("")


# departure 6
@on_linux
@pytest.mark.parametrize("name", [b"\0", b"\0a", b"\0a\0b", b"\0\0", b"\0\xff", b"\0" + b"x" * 107])
def test_an_abstract_name_is_packed_as_just_its_bytes(name: bytes) -> None:
    assert UnixAddress(name).converter() == struct.pack("=H", socket.AF_UNIX) + name


@on_linux
@needs_utf8_names
def test_an_abstract_name_of_too_many_bytes_is_refused() -> None:
    for name in ("\0" + "x" * 108, "\0" + "ä" * 54):
        with pytest.raises(ValueError, match=r"109 bytes.*108"):
            UnixAddress(name).converter()


@on_linux
def test_an_abstract_name_prints_its_nul_as_an_at_sign() -> None:
    assert str(UnixAddress("\0name")) == "@name"
    assert repr(UnixAddress("\0name")) == r"UnixAddress('\x00name')"


def test_the_empty_path_is_an_address_without_a_path() -> None:  # departure 6
    assert len(UnixAddress("").converter()) == HEADER


@on_linux
@thorough
@given(st.binary(max_size=110))
def test_a_path_comes_back_from_its_packed_form(path: bytes) -> None:
    address = UnixAddress(path)
    try:
        packed = address.converter()
    except ValueError:
        assert len(path) > ROOM or (b"\0" in path and path[0] != 0)
    else:
        assert foreign_to_unix_address(packed) == address
        assert hash(foreign_to_unix_address(packed)) == hash(address)
        assert packed_form(foreign_to_unix_address(packed)) == packed


# departures 5, 9
@thorough
@given(st.binary(max_size=110))
@needs_unix_sockets
def test_any_bytes_are_a_unix_address_of_those_bytes(data: bytes) -> None:
    address = foreign_to_unix_address(data)
    assert packed_form(address) == data
    path = os.fsencode(address.path)
    assert data[HEADER:].startswith(path)
    abstract = sys.platform == "linux" and data[HEADER : HEADER + 1] == b"\0"
    assert path == (data[HEADER:] if abstract else data[HEADER:].split(b"\0")[0])
    assert UnixAddress(address.path) == address


PATHS = [
    pytest.param(b"s", id="short"),
    pytest.param("ä€𝄞".encode(), id="letters"),
    pytest.param(b"\xff\xfe\x80", id="undecodable", marks=needs_bytes_in_paths),
    pytest.param(b"x" * (ROOM - 1), id="longest"),
]


def fill(directory: Path, name: bytes) -> bytes:
    """The path of `name` in the directory, cut to the room that there is."""
    return (os.fsencode(directory) + b"/" + name)[: ROOM - 1]


@pytest.mark.parametrize("name", PATHS)
def test_what_the_kernel_keeps_of_our_path_is_what_python_reads(
    directory: Path, name: bytes
) -> None:
    path = fill(directory, name)
    with unix_datagram_socket() as sock:
        bind_socket(sock, UnixAddress(path))
        assert os.path.exists(path)
        assert get_socket_name(sock) == UnixAddress(path)
        with socket.socket(fileno=socket.dup(sock.fd)) as theirs:
            assert os.fsencode(theirs.getsockname()) == path
            if sys.platform == "linux":
                assert raw_name(theirs) == UnixAddress(path).converter()


@pytest.mark.parametrize("name", PATHS)
def test_what_the_kernel_keeps_of_pythons_path_is_what_we_read(
    directory: Path, name: bytes
) -> None:
    path = fill(directory, name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind(path)
        name_found = name_of(theirs, SocketDomain.UNIX)
        assert name_found == UnixAddress(path)
        if sys.platform == "linux":
            assert raw_name(theirs) == UnixAddress(path).converter()


def abstract_names() -> list[bytes]:
    """Names that no other process has: short, with a NUL and a stray byte, and the longest."""
    start = b"\0%d-%s" % (os.getpid(), os.urandom(6).hex().encode())
    return [start, start + b"\0\xff", start.ljust(108, b"x")]


# departure 6
@on_linux
@pytest.mark.parametrize("which", range(3))
def test_what_the_kernel_keeps_of_our_abstract_name_is_what_python_reads(which: int) -> None:
    name = abstract_names()[which]
    with unix_datagram_socket() as sock:
        bind_socket(sock, UnixAddress(name))
        assert get_socket_name(sock) == UnixAddress(name)
        with socket.socket(fileno=socket.dup(sock.fd)) as theirs:
            assert theirs.getsockname() == name
            assert raw_name(theirs) == UnixAddress(name).converter()


@on_linux
@pytest.mark.parametrize("which", range(3))
def test_what_the_kernel_keeps_of_pythons_abstract_name_is_what_we_read(which: int) -> None:
    name = abstract_names()[which]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind(name)
        assert name_of(theirs, SocketDomain.UNIX) == UnixAddress(name)
        assert raw_name(theirs) == UnixAddress(name).converter()


# departure 5
def test_a_socket_without_a_name_has_the_empty_path() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with theirs, Socket(
        ours.detach(), SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO
    ) as sock:
        assert get_socket_name(sock) == get_peer_name(sock) == UnixAddress("")
        if sys.platform == "linux":
            assert raw_name(theirs) == UnixAddress("").converter()


@on_linux
def test_binding_the_empty_path_lets_the_kernel_choose_a_name() -> None:  # departure 6
    with unix_datagram_socket() as sock:
        bind_socket(sock, UnixAddress(""))
        name = get_socket_name(sock)
        assert isinstance(name, UnixAddress)
        assert re.fullmatch(r"\0[0-9a-f]{5}", name.path)


# departure 9
@on_linux
def test_a_path_that_fills_its_structure_is_read_whole_and_answered(directory: Path) -> None:
    path = fill(directory, b"x" * ROOM) + b"y"  # 108 bytes, with no room for a NUL
    libc = ctypes.CDLL(None, use_errno=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs, \
            unix_datagram_socket() as sock:
        theirs.setblocking(False)
        structure = struct.pack("=H", socket.AF_UNIX) + path
        assert libc.bind(theirs.fileno(), structure, len(structure)) == 0
        assert name_of(theirs, SocketDomain.UNIX) == UnixAddress(path)
        bind_socket(sock, UnixAddress(directory / "s"))
        set_socket_nonblocking(sock, False)
        theirs.sendto(b"question", str(directory / "s"))
        question, asker = receive_from_socket(sock, 100)
        assert (question, asker) == (b"question", UnixAddress(path))
        assert isinstance(asker, SocketAddress)
        assert send_to_socket(sock, b"answer", asker) == 6
        assert theirs.recv(100) == b"answer"
