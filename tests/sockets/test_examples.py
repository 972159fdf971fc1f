"""The two programs that open the document, as processes, started in another directory."""

from __future__ import annotations

import hashlib
import os
import re
import socket as native
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import (
    DEADLINE,
    FAILING_ACCEPT,
    LOST,
    SO_LINGER,
    receive_exactly,
    send_all,
    until,
    writable,
    windows_differs,
)

from sockets import (
    SocketAddress,
    SocketDomain,
    SocketProtocol,
    SocketType,
    close_socket,
    connect_socket,
    create_socket,
    set_socket_option,
    string_to_internet_address,
)

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "generated" / "examples"
TEXT = hashlib.sha512(b"text").digest() * 65536  # 4 MiB


class Server:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.place = process.stdout.readline().strip()

    @property
    def address(self) -> SocketAddress:
        return string_to_internet_address(self.place)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """The echo server; at the end it has to be running still, and to have said nothing else."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / "echo_server.py")], cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:
        try:
            yield Server(process)
            assert process.poll() is None, "the server has ended"
        finally:
            process.kill()
            _, errors = process.communicate(timeout=DEADLINE)
    assert errors == ""


def start_client(place: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(EXAMPLES / "echo_client.py"), place], cwd=folder,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )


def talk(place: str, folder: Path, text: bytes) -> tuple[int, bytes, bytes]:
    with start_client(place, folder) as client:
        try:
            out, err = client.communicate(text, timeout=DEADLINE)
        finally:
            client.kill()
    return client.returncode, out, err


@pytest.mark.parametrize("text", [b"", b"x", b"hello\n" * 100, TEXT], ids=len)
def test_the_client_prints_what_it_was_given(server: Server, folder: Path, text: bytes) -> None:
    status, out, err = talk(server.place, folder, text)
    assert (status, len(out), out == text) == (0, len(text), True)
    assert err.replace(b"\r\n", b"\n") in (b"", b"connecting ...\n")


def test_the_server_prints_where_it_listens(server: Server) -> None:
    host, _, port = server.place.partition(":")
    assert host == "127.0.0.1"
    assert 0 < int(port) < 65536


def test_the_server_listens_where_it_is_told(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(EXAMPLES / "echo_server.py"), "127.0.0.3:0"], cwd=folder,
        stdout=subprocess.PIPE, text=True,
    ) as process:
        try:
            assert Server(process).place.startswith("127.0.0.3:")
        finally:
            process.kill()


def test_several_clients_are_served_at_once(server: Server, folder: Path) -> None:
    texts = [TEXT[number : 500_000 * number + 1] for number in range(1, 5)]
    clients = [start_client(server.place, folder) for _ in texts]
    try:
        for client, text in zip(clients, texts, strict=True):
            assert client.stdin is not None
            client.stdin.write(text)
        for client, text in reversed(list(zip(clients, texts, strict=True))):
            out, _ = client.communicate(timeout=DEADLINE)
            assert out == text
            assert client.returncode == 0
    finally:
        for client in clients:
            client.kill()


def test_a_client_that_is_slow_does_not_hold_up_the_others(server: Server, folder: Path) -> None:
    with create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as slow:
        connect_socket(slow, server.address)
        writable(slow)
        send_all(slow, TEXT[:1000])
        assert talk(server.place, folder, b"in between")[1] == b"in between"
        assert receive_exactly(slow, 1000) == TEXT[:1000]


def test_a_client_that_breaks_off_does_not_end_the_server(server: Server, folder: Path) -> None:
    idle = server.descriptors()
    for number in range(10):
        sock = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
        connect_socket(sock, server.address)
        writable(sock)
        send_all(sock, TEXT[: 1 + 50_000 * number])
        set_socket_option(sock, SO_LINGER, 0)
        close_socket(sock)
    assert talk(server.place, folder, b"still there")[:2] == (0, b"still there")
    until(lambda: server.descriptors() == idle, "the server's closing of broken connections")


@windows_differs("gone")
def test_a_client_that_leaves_without_a_word_does_not_end_the_server(
    server: Server, folder: Path
) -> None:
    for _ in range(3):
        with native.create_connection(("127.0.0.1", int(server.place.split(":")[1]))):
            pass
    with native.socket() as plain:
        plain.setsockopt(native.SOL_SOCKET, native.SO_LINGER, struct.pack("ii", 1, 0))
        plain.connect(("127.0.0.1", int(server.place.split(":")[1])))
    assert talk(server.place, folder, b"still there")[:2] == (0, b"still there")


def failing(names: str, folder: Path) -> subprocess.Popen[str]:
    """The server, which accepting fails with each of these errors first."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", FAILING_ACCEPT, str(EXAMPLES / "echo_server.py")],
        cwd=folder, env={**os.environ, "FAIL_WITH": names}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def test_a_client_that_is_gone_before_it_is_accepted_does_not_end_the_server(
    folder: Path
) -> None:
    with failing(LOST, folder) as process:
        try:
            server = Server(process)
            assert talk(server.place, folder, b"still there")[:2] == (0, b"still there")
        finally:
            process.kill()


def test_a_server_that_has_run_out_of_descriptors_says_so_and_ends(folder: Path) -> None:
    with failing("EMFILE", folder) as process:
        try:
            with native.create_connection(("127.0.0.1", int(Server(process).place.split(":")[1]))):
                _, errors = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "SocketCondition: accept_socket: accept: EMFILE" in errors


def test_the_programs_print_what_the_document_shows(server: Server, folder: Path) -> None:
    text = (ROOT / "sockets.md").read_text(encoding="utf-8")
    shown = re.search(
        r"^\$ python3 echo_server.py &\n(\S+)\n"
        r"\$ echo \"(.*)\" \| python3 echo_client.py (\S+)\n(connecting \.\.\.\n)(.*\n)```",
        text, re.M)
    assert shown
    place, said, asked, pending, answer = shown.groups()
    assert re.sub(r"\d+$", "", place) == re.sub(r"\d+$", "", server.place)
    assert place == asked
    status, out, err = talk(server.place, folder, f"{said}\n".encode())
    assert (status, out.decode()) == (0, answer)
    assert err.replace(b"\r\n", b"\n").decode() in (pending, "")


@windows_differs("outcome")
def test_a_client_to_whom_nobody_listens_says_which_error_it_was(folder: Path) -> None:
    with native.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{holder.getsockname()[1]}"
        status, out, err = talk(place, folder, b"hello")
    assert (status, out) == (1, b"")
    last = err.decode().splitlines()[-1]
    assert "SocketCondition: send_to_socket: sendto: ECONNREFUSED (Connection refused)" in last


def test_a_place_that_is_none_is_quoted(folder: Path) -> None:
    status, _, err = talk("nowhere:at:all", folder, b"")
    assert status == 1
    assert "'nowhere:at:all'" in err.decode().splitlines()[-1]
