"""Those who look on, by audit hooks, see these sockets as they see those of Python's module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import WITH_IPV6, needs_posix, run_python

from sockets import _sockets

BEFORE = """
import json, os, sys
family, folder = sys.argv[1:3]
places = [folder + "/" + name for name in "abc"]
seen = []

def plain(value):
    if isinstance(value, tuple):
        return [value[0], "port" if value[1] else 0, *value[2:]]
    return os.path.basename(value) if isinstance(value, str) and "/" in value else value

def look(event, arguments):
    if event.startswith("socket."):
        if not event.startswith("socket.get"):
            assert isinstance(arguments[0].fileno(), int)
            arguments = arguments[1:]
        seen.append([event, *map(plain, arguments)])
"""
PYTHONS = BEFORE + """
import socket
kind = {"internet": "AF_INET", "internet6": "AF_INET6", "unix": "AF_UNIX"}[family]
kind, STREAM, DATAGRAM = getattr(socket, kind), socket.SOCK_STREAM, socket.SOCK_DGRAM

def place():
    return {"internet": ("127.0.0.1", 0), "internet6": ("::1", 0, 0, 0)}.get(family) or places.pop()

sys.addaudithook(look)
with socket.socket(kind, STREAM) as listener, socket.socket(kind, STREAM) as client:
    listener.bind(place())
    listener.listen(4)
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    with server, server.dup():
        client.send(b"x")
        server.recv(1)
with socket.socket(kind, DATAGRAM) as first, socket.socket(kind, DATAGRAM) as second:
    first.bind(place())
    second.bind(place())
    for _ in range(2):
        first.sendto(b"x", second.getsockname())
    first.connect(second.getsockname())
    first.send(b"x")
    second.sendmsg([b"x"], [], 0, first.getsockname())
    first.sendmsg([b"x"])
socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST)
socket.getservbyname("http")
socket.getservbyport(80, "tcp")
socket.gethostname()
socket.getaddrinfo("127.0.0.1", 80)
socket.getaddrinfo("127.0.0.1", "80", socket.AF_INET, STREAM)
for each in socket.socketpair(socket.AF_UNIX, STREAM):
    each.close()
print(json.dumps(seen))
"""
OURS = BEFORE + """
from sockets import *
if "long" in sys.argv:
    for name in list(globals()):
        globals()[name] = getattr(globals()[name], "__wrapped__", globals()[name])
kind = {"internet": "INTERNET", "internet6": "INTERNET_V6", "unix": "UNIX"}[family]
kind, STREAM, DATAGRAM = getattr(SocketDomain, kind), SocketType.STREAM, SocketType.DATAGRAM
AUTO = SocketProtocol.AUTO

def place():
    if family == "unix":
        return UnixAddress(places.pop())
    return InternetAddress(0x7F000001, 0) if family == "internet" else Internet6Address(1, 0)

sys.addaudithook(look)
with create_socket(kind, STREAM, AUTO) as listener, create_socket(kind, STREAM, AUTO) as client:
    bind_socket(listener, place())
    listen_socket(listener, 4)
    nobody, _ = accept_socket(listener)
    within(20, connect_socket, client, get_socket_name(listener))
    server, _ = within(20, accept_socket, listener)
    with server, duplicate_socket(server):
        send_all(client, b"x")
        receive_from_socket(server, 1)
with create_socket(kind, DATAGRAM, AUTO) as first, create_socket(kind, DATAGRAM, AUTO) as second:
    bind_socket(first, place())
    bind_socket(second, place())
    for _ in range(2):
        send_to_socket(first, b"x", get_socket_name(second))
    connect_socket(first, get_socket_name(second))
    send_to_socket(first, b"x", None)
    send_datagrams(second, [Datagrams(b"x", 1, get_socket_name(first))])
    send_datagrams(first, [Datagrams(b"x", 1, None)])
get_name_info(InternetAddress("127.0.0.1", 80), NameInfoOption.NUMERIC_HOST)
get_service_by_name("http")
get_service_by_port(80, "tcp")
get_host_name()
get_address_info("127.0.0.1", 80)
get_address_info("127.0.0.1", "80", SocketDomain.INTERNET, STREAM)
for each in make_socket_pair(SocketDomain.UNIX, STREAM, AUTO):
    close_socket(each)
print(json.dumps(seen))
"""


def events(program: str, *arguments: object) -> Any:
    return json.loads(run_python(program, *map(str, arguments)))


@needs_posix
@pytest.mark.parametrize("way", ["fast", "long"])
@pytest.mark.parametrize("family", WITH_IPV6)
def test_the_events_are_those_of_pythons_own_sockets(
    family: str, way: str, folder: Path
) -> None:
    (folder / "theirs").mkdir()
    (folder / "ours").mkdir()
    theirs = events(PYTHONS, family, folder / "theirs")
    assert len(theirs) == 23
    assert events(OURS, family, folder / "ours", way) == theirs


FORBIDDEN = """
import os, socket, sys
from sockets import *
if "long" in sys.argv:
    for name in list(globals()):
        globals()[name] = getattr(globals()[name], "__wrapped__", globals()[name])

forbidden = ""

def forbid(event, arguments):
    if event == forbidden:
        raise PermissionError(event)

def refused(event, call, *arguments):
    global forbidden
    before, forbidden = os.listdir("/dev/fd"), event
    try:
        call(*arguments)
    except PermissionError as error:
        assert str(error) == event
    else:
        raise AssertionError(f"{call} was not prevented")
    forbidden = ""
    assert os.listdir("/dev/fd") == before

INTERNET, STREAM, AUTO = SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO
here = InternetAddress(0x7F000001, 0)
sys.addaudithook(forbid)

NEW = "socket.__new__"
refused(NEW, create_socket, INTERNET, STREAM, AUTO)
refused(NEW, make_socket_pair, SocketDomain.UNIX, STREAM, AUTO)
refused("socket.bind", create_listener, here, 4)
with create_listener(here, 4) as listener:
    there = get_socket_name(listener)
    for _ in range(2):
        with create_socket(INTERNET, STREAM, AUTO) as client:
            refused("socket.connect", connect_socket, client, there)
            try:
                get_peer_name(client)
            except OSError:
                pass
            else:
                raise AssertionError("it is connected")
            within(20, connect_socket, client, there)
            wait_for_socket(listener, True, False, 20)
            forbidden = NEW
            refused(NEW, accept_socket, listener)  # which closes what it has accepted
            assert receive_exactly(client, 1) == (b"", None)
    refused(NEW, duplicate_socket, listener)
    refused(NEW, adopt_descriptor, listener.fd)
    refused(NEW, Socket, listener.fd, INTERNET, STREAM, AUTO)
    refused("socket.connect", connect_first, [AddressInfo(INTERNET, STREAM, AUTO, there)])
with socket.socket() as theirs:
    refused(NEW, from_python_socket, theirs)
    assert theirs.fileno() >= 0
with create_socket(INTERNET, STREAM, AUTO) as ours:
    refused(NEW, to_python_socket, ours)
    assert ours.fd >= 0
with create_socket(INTERNET, SocketType.DATAGRAM, AUTO) as sock:
    bind_socket(sock, here)
    for _ in range(2):
        refused("socket.sendto", send_to_socket, sock, b"x", get_socket_name(sock))
        refused("socket.sendmsg", send_datagrams, sock, [Datagrams(b"x", 1, get_socket_name(sock))])
    assert receive_from_socket(sock, 1)[0] is None
refused("socket.getaddrinfo", get_address_info, "127.0.0.1", 80)
refused("socket.getaddrinfo", get_address_info, None, "80")
"""


@needs_posix
@pytest.mark.parametrize("way", ["fast", "long"])
def test_what_a_hook_forbids_is_not_done_and_nothing_is_left_open(way: str) -> None:
    run_python(FORBIDDEN, way)


MEDDLING = """
import sys
from sockets import *

deed = None

def meddle(event, arguments):
    global deed
    if event.startswith("socket.") and deed:
        do, deed = deed, None
        do(*arguments)

sys.addaudithook(meddle)
INTERNET, DATAGRAM, AUTO = SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO

def new():
    return create_socket(INTERNET, DATAGRAM, AUTO)

for call in (
    lambda sock, address: send_to_socket(sock, bytearray(b"x"), address),
    lambda sock, address: connect_socket(sock, address),
):
    sock = new()
    bind_socket(sock, InternetAddress(0x7F000001, 0))
    address = get_socket_name(sock)
    deed = lambda sock, address: close_socket(sock)
    try:
        call(sock, address)
    except SocketCondition as condition:
        assert sock.fd == -1 and "EBADF" in str(condition)
    else:
        raise AssertionError("it was closed")

kept = []
deed = lambda *arguments: kept.append(arguments)
sock = new()
assert kept[0] == (sock, INTERNET.value, DATAGRAM.value, AUTO.value)
bind_socket(sock, InternetAddress(0x7F000001, 0))
data = bytearray(b"abc")
deed = lambda *arguments: data.extend(b"def" * 1000)
assert send_to_socket(sock, data, get_socket_name(sock)) == 3003
assert receive_from_socket(sock, 9999)[0] == data
deed = lambda *arguments: sys.addaudithook(lambda event, arguments: kept.append(event))
send_to_socket(sock, data, get_socket_name(sock))
send_to_socket(sock, data, get_socket_name(sock))
assert "socket.sendto" in kept
close_socket(sock)
"""


@needs_posix
def test_a_hook_may_be_any_program() -> None:
    run_python(MEDDLING)


@pytest.mark.skipif(not _sockets.HAS_FAST_PATHS, reason="all goes the long way here")
def test_where_python_cannot_be_told_there_are_no_fast_paths() -> None:
    printed = run_python("""
import _cffi_backend
def load_library(*arguments):
    raise OSError
_cffi_backend.load_library = load_library
from sockets import *
from sockets import _sockets
with create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO) as sock:
    bind_socket(sock, InternetAddress(0x7F000001, 0))
    assert send_to_socket(sock, b"x", get_socket_name(sock)) == 1
    assert receive_from_socket(sock, 2)[0] == b"x"
print(_sockets.HAS_FAST_PATHS)
""")
    assert printed == "False\n"
