"""What type checkers say of programs that use the package as it is installed in build/library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "build" / "library" / "bin" / "python"
CHECKERS = {
    "mypy": ("mypy", "--strict", "--no-incremental", "--python-executable", str(INSTALLED)),
    "pyright": ("pyright", "--pythonpath", str(INSTALLED)),
}
BEFORE = """\
import copy
from ipaddress import IPv4Address, IPv6Address
from sockets import (
    AncillaryItem, Descriptors, HopLimit, Internet6Address, InternetAddress, InternetPacketInfo,
    IpOption, MessageHeader, MtuDiscovery, NameInfoOption, ReceivedDescriptors, SendToOption,
    ShutdownMethod, SocketAddress, SocketDomain, SocketOption, SocketProtocol, SocketType,
    TcpOption, UnixAddress, accept_socket, adopt_from_supervisor, bind_socket, close_socket,
    connect_first, connect_socket, create_listener, create_socket, flag_option, get_address_info,
    get_interface_by_name, get_name_info, get_service_by_name, get_socket_name, get_socket_option,
    listen_socket, number_option, or_raise, receive_exactly, receive_from_socket, receive_message,
    receive_message_into, register_ancillary_item, send_all, send_file, send_message,
    send_to_socket, set_socket_option, shutdown_socket, take_descriptor, take_socket,
    wait_for_urgent, within,
)
sock = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
address = InternetAddress("127.0.0.1", 80)
client, peer = accept_socket(sock)
infos, _ = get_address_info("localhost", 80)
info = infos[0]
"""
WRONG = [
    "create_socket(SocketType.STREAM, SocketDomain.INTERNET, SocketProtocol.AUTO)",
    "create_socket(2, SocketType.STREAM, SocketProtocol.AUTO)",
    'bind_socket(sock, "127.0.0.1:80")',
    'connect_socket(sock, ("127.0.0.1", 80))',
    "connect_socket(address, sock)",
    'InternetAddress(b"127.0.0.1", 80)',
    'InternetAddress(IPv6Address("::1"), 80)',
    "Internet6Address(1, 80) < address",
    "info.address.port",
    "SendToOption.DONT_ROUTE | SendToOption.OUT_OF_BAND",
    'listen_socket(sock, "8")',
    "shutdown_socket(sock, SocketType.STREAM)",
    "shutdown_socket(sock, 1)",
    'send_to_socket(sock, "text", address)',
    'receive_from_socket(sock, "10")',
    "get_socket_option(sock, 3)",
    "set_socket_option(sock, SocketDomain.INTERNET, True)",
    "close_socket(client)",
    "close_socket(sock.fileno())",
    'set_socket_option(sock, SocketOption.LINGER, "x")',
    "set_socket_option(sock, SocketOption.REUSE_ADDRESS, 1)",
    "set_socket_option(sock, IpOption.ADD_MEMBERSHIP, (address, 1))",
    "set_socket_option(sock, number_option(TcpOption, 18), 0.5)",
    "get_socket_option(sock, SocketOption.RECEIVE_BUFFER).decode()",
    "get_socket_option(sock, SocketOption.LINGER) + 1",
    "flag_option(SocketType, 1)",
    "number_option(TcpOption.NO_DELAY, 1)",
    "accept_socket(sock, nonblocking=1)",
    "accept_socket(sock, True)",
    'within(1, receive_from_socket, sock, "x")',
    "within(1, receive_from_socket, sock)",
    "within(1, accept_socket, sock, nonblocking=0)",
    "within(1, connect_socket, address, sock)",
    "within(1, get_address_info, sock)",
    "within(1, send_to_socket, sock, b'x', None).to_bytes(1, 'big')",
    "within(1, accept_socket, sock)[0].fd",
    'create_listener("127.0.0.1:80", 1)',
    "create_listener(address, 1, SocketOption.REUSE_ADDRESS)",
    'connect_first(get_address_info("localhost", 80))',
    "connect_first([], 1)[0].fd",
    "or_raise(accept_socket(sock))[1].port",
    "send_message(sock, b'x')",
    "send_message(sock, [b'x'], None, Descriptors([sock]))",
    "send_message(sock, [b'x'], [Descriptors([sock])])",
    "receive_message(sock, [bytearray(9)])",
    "receive_message(sock, 9, SendToOption.DONT_ROUTE)",
    "receive_message_into(sock, bytearray(9), room='x')",
    "take_descriptor(Descriptors([sock]))",
    "register_ancillary_item(HopLimit(1))",
    "InternetPacketInfo(1, Internet6Address(1, 1))",
    "or_raise(receive_message(sock, 9))[0].items",
    "SocketDomain.APPLETALK",
    "wait_for_urgent(sock, True, 1)",
    "adopt_from_supervisor(SocketType.STREAM)",
    'send_file(sock, "name")',
    "send_file(sock, 3, 0, None, 1)",
    'get_name_info("127.0.0.1")',
    "get_name_info(address, SendToOption.DONT_ROUTE)",
    'get_service_by_name("http").port',
    "get_socket_option(sock, TcpOption.INFORMATION).round_trip + 1",
    "get_socket_option(sock, SocketOption.PEER_CREDENTIALS).uid",
    "set_socket_option(sock, IpOption.MTU_DISCOVER, 2)",
    "set_socket_option(sock, IpOption.JOIN_SOURCE_GROUP, address)",
    "address.prot",
]
RIGHT = [
    "connect_socket(sock, address)",
    "shutdown_socket(sock, ShutdownMethod.WRITE)",
    'send_to_socket(sock, b"bytes", address)',
    "if client is not None:\n    close_socket(client)",
    'Internet6Address("::1", 80, scope=2)',
    "InternetAddress(IPv4Address(1), address.port)",
    "Internet6Address(IPv6Address(1), None)",
    "sorted([address, InternetAddress(None, 80)])",
    "connect_socket(create_socket(info.domain, info.type, info.protocol), info.address)",
    "name = get_socket_name(sock)\nassert isinstance(name, InternetAddress)\nprint(name.port)",
    "match get_socket_name(sock):\n"
    "    case InternetAddress(ip, port) | Internet6Address(ip, port):\n"
    "        print((ip or 0) + (port or 0))\n"
    "    case UnixAddress(path):\n"
    "        print(path.upper())",
    'f"{address:>20}"',
    "within(1, wait_for_urgent, sock).real",
    "for label, each in adopt_from_supervisor():\n    print(label + '', each.fd)",
    'or_raise(send_file(sock, open("x", "rb"), timeout=1))[0].to_bytes(1, "big")',
    "within(1, send_file, sock, 3)[0].to_bytes(1, 'big')",
    "host, service = get_name_info(address, NameInfoOption.NUMERIC_HOST)\nprint(host + service)",
    'if (found := get_interface_by_name("lo")):\n    print(found.name + "", found.index + 1)',
    "set_socket_option(sock, IpOption.MTU_DISCOVER, MtuDiscovery.DO)",
    "set_socket_option(sock, IpOption.JOIN_SOURCE_GROUP, (address, address, 1))",
    'set_socket_option(sock, TcpOption.CONGESTION, "cubic")',
    "get_socket_option(sock, TcpOption.INFORMATION).state.lower()",
    "set_socket_option(sock, SocketOption.LINGER, None)",
    "set_socket_option(sock, SocketOption.RECEIVE_TIMEOUT, 1)",
    "set_socket_option(sock, flag_option(TcpOption, 3), True)",
    "set_socket_option(sock, IpOption.ADD_MEMBERSHIP, (address, None))",
    "set_socket_option(sock, IpOption.ADD_MEMBERSHIP, address)",
    "room: int = get_socket_option(sock, SocketOption.RECEIVE_BUFFER)",
    "def change(anything: SocketOption) -> None:\n    set_socket_option(sock, anything, 7)",
    "create_socket(address.domain, SocketType.STREAM, SocketProtocol.AUTO)",
    "create_listener(address, 8, (SocketOption.REUSE_ADDRESS, True), (TcpOption.NO_DELAY, True))",
    "or_raise(accept_socket(sock, nonblocking=True))[0].fd",
    "or_raise(within(1, receive_from_socket, sock, 9))[0].decode()",
    "or_raise(within(1, send_to_socket, sock, b'x', None)).to_bytes(1, 'big')",
    "or_raise(connect_first(get_address_info('localhost', 80)[0], 5))[0].fd",
    "or_raise(receive_exactly(sock, 9, timeout=1))[0].decode()",
    "or_raise(send_all(sock, b'x', timeout=1))[0].to_bytes(1, 'big')",
    "send_message(sock, [b'x', bytearray(1)], address, [Descriptors([sock]), HopLimit(3)])",
    "data, header = or_raise(receive_message(sock, 9, room=0))\n"
    "print(data.decode(), header.truncated, header.items)",
    "count, told = or_raise(within(1, receive_message_into, sock, [bytearray(3)]))\n"
    "print(count + 1, told.address)",
    "for item in MessageHeader(None, (), 0).items:\n"
    "    match item:\n"
    "        case InternetPacketInfo(interface, here):\n"
    "            print(interface + 1, here)\n"
    "        case ReceivedDescriptors():\n"
    "            with item:\n"
    "                print(take_descriptor(item) + 1, take_socket(item).fd)",
    "class Mine(AncillaryItem):\n"
    "    __slots__ = ('text',)\n"
    "    level, type = 1, 99\n"
    "    text: str\n"
    "    def converter(self) -> bytes:\n"
    "        return self.text.encode()\n"
    "    @classmethod\n"
    "    def extractor(cls, data: bytes) -> AncillaryItem:\n"
    "        return cls(data.decode())\n"
    "register_ancillary_item(Mine)",
    "answer = accept_socket(sock)",
    "if answer[0] is None:\n    print(answer[1].who)\nelse:\n    print(answer[0].fd)",
    "match within(1, receive_from_socket, sock, 9):\n"
    "    case None, condition:\n        print(condition.who)\n"
    "    case data, sender:\n        print(data.decode(), sender)",
]


def check(checker: str, *programs: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker], *programs], cwd=programs[0].parent,
        capture_output=True, text=True, timeout=110,
        env={**os.environ, "MYPYPATH": "", "PYTHONPATH": ""},
    )


pytestmark = pytest.mark.parametrize("checker", CHECKERS)


def test_the_programs_of_the_readme_the_examples_and_the_recipes_are_right(
    checker: str, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    for folder in ("examples", "recipes"):
        programs += [path.read_text() for path in (ROOT / "generated" / folder).glob("*.py")
                     if path.name != "trio_server.py"]  # Trio is not here
    assert len(programs) >= 16
    paths = [tmp_path / f"program{number}.py" for number in range(len(programs))]
    for path, program in zip(paths, programs, strict=True):
        path.write_text(program)
    result = check(checker, *paths)
    assert result.returncode == 0, result.stdout


def test_each_wrong_use_is_a_type_error_and_no_right_one_is(checker: str, tmp_path: Path) -> None:
    program = tmp_path / "uses.py"
    program.write_text(BEFORE + "\n".join([*RIGHT, *WRONG]) + "\n")
    lines = program.read_text().splitlines()
    said = check(checker, program).stdout
    found = {lines[int(number) - 1] for number in re.findall(r"uses\.py:(\d+):.*? error", said)}
    assert found == set(WRONG), said
