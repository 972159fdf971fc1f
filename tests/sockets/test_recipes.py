"""The recipes, each as a process over real sockets."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket as native
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import (
    DEADLINE,
    FAILING_ACCEPT,
    LOST,
    WINDOWS,
    needs_ipv6,
    needs_unix_sockets,
    receive_exactly,
    send_all,
    windows_differs,
)

from commonweb.expansion import tangle
from commonweb.web import Web
from sockets import (
    ShutdownMethod,
    Socket,
    SocketAddress,
    SocketDomain,
    SocketProtocol,
    SocketType,
    UnixAddress,
    connect_socket,
    create_socket,
    set_socket_nonblocking,
    shutdown_socket,
    string_to_internet6_address,
    string_to_internet_address,
)

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "generated" / "recipes"
TEXT = os.urandom(1 << 16) * 16

needs_trio = pytest.mark.skipif(not importlib.util.find_spec("trio"), reason="Trio is not here")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no os.fork")
needs_pairs = pytest.mark.skipif(WINDOWS, reason="the platform has no socketpair")
SERVERS = [
    "threads_server", "selectors_server", "asyncio_server",
    pytest.param("forked_server", marks=needs_fork), pytest.param("trio_server", marks=needs_trio),
    pytest.param("graceful_server", marks=needs_pairs),
]


def test_they_are_what_their_document_means() -> None:
    web = Web((ROOT / "recipes.md").read_bytes())
    meant = tangle(web)
    assert web.problems == []
    assert meant == {path.name: path.read_bytes() for path in RECIPES.glob("*.py")}


@contextlib.contextmanager
def running(name: str, *words: str, cwd: Path, launcher: str = "", fds: tuple[int, ...] = ()
            ) -> Iterator[subprocess.Popen[str]]:
    """A recipe that runs; at the end it has said nothing on standard error."""
    program = [launcher and "-c", launcher, str(RECIPES / f"{name}.py"), *words]
    with subprocess.Popen(
        [sys.executable, "-W", "error", *filter(None, program)], cwd=cwd, pass_fds=fds,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            _, errors = process.communicate(timeout=DEADLINE)
    assert errors == ""


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def run(name: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(RECIPES / f"{name}.py"), *words], cwd=cwd,
        capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.fixture(params=["internet", pytest.param("internet6", marks=needs_ipv6),
                        pytest.param("unix", marks=needs_unix_sockets)])
def place(request: pytest.FixtureRequest, folder: Path) -> str:
    return {"internet": "127.0.0.1:0", "internet6": "[::1]:0",
            "unix": str(folder / "s")}[request.param]


def address_of(place: str) -> tuple[SocketDomain, SocketAddress]:
    if "/" in place:
        return SocketDomain.UNIX, UnixAddress(place)
    if place.startswith("["):
        return SocketDomain.INTERNET_V6, string_to_internet6_address(place)
    return SocketDomain.INTERNET, string_to_internet_address(place)


@contextlib.contextmanager
def connected(place: str) -> Iterator[Socket]:
    domain, address = address_of(place)
    with create_socket(domain, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        set_socket_nonblocking(sock, False)
        assert connect_socket(sock, address) is True
        yield sock


def echoes(sock: Socket, text: bytes) -> bool:
    """Whether all comes back, and then the end."""
    sender = threading.Thread(
        target=lambda: (send_all(sock, text), shutdown_socket(sock, ShutdownMethod.WRITE)))
    sender.start()
    received = receive_exactly(sock, len(text) + 1)
    sender.join(DEADLINE)
    return received == text


# Servers.


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_sends_back_what_several_clients_send_at_once(
    name: str, place: str, folder: Path
) -> None:
    with running(name, place, cwd=folder) as server:
        there = line(server)
        with connected(there) as first, connected(there) as second:
            assert echoes(second, TEXT)
            assert echoes(first, TEXT)


@windows_differs("gone")
@pytest.mark.parametrize("name", SERVERS)
def test_a_client_that_breaks_off_does_not_end_a_server(name: str, folder: Path) -> None:
    with running(name, cwd=folder) as server:
        there = line(server)
        for _ in range(3):
            with native.create_connection(("127.0.0.1", int(there.split(":")[1]))) as plain:
                plain.setsockopt(native.SOL_SOCKET, native.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                plain.send(TEXT)
        with connected(there) as sock:
            assert echoes(sock, TEXT)
        assert server.poll() is None


@pytest.mark.parametrize("name", [
    "threads_server", "selectors_server",
    pytest.param("forked_server", marks=needs_fork),
    pytest.param("graceful_server", marks=needs_pairs)])
def test_a_client_that_is_gone_before_it_is_accepted_does_not_end_a_server(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL_WITH", LOST)
    with running(name, cwd=folder, launcher=FAILING_ACCEPT) as server, connected(
            line(server)) as sock:
        assert echoes(sock, b"still there")


@needs_pairs
def test_a_signal_lets_those_who_are_there_finish_and_nobody_else_in(
    place: str, folder: Path
) -> None:
    with running("graceful_server", place, cwd=folder) as server:
        there = line(server)
        with connected(there) as sock:
            send_all(sock, b"x")
            assert receive_exactly(sock, 1) == b"x"
            server.send_signal(signal.SIGTERM)
            refused = False
            while not refused:
                try:
                    with connected(there) as late:
                        shutdown_socket(late, ShutdownMethod.WRITE)
                        receive_exactly(late, 1)
                except (ConnectionRefusedError, ConnectionResetError):
                    refused = True
            assert echoes(sock, TEXT)
        assert line(server) == "stopped"
        assert server.wait(DEADLINE) == 0


@needs_pairs
def test_a_signal_stops_a_server_that_nobody_talks_to(folder: Path) -> None:
    with running("graceful_server", cwd=folder) as server:
        line(server)
        server.send_signal(signal.SIGTERM)
        assert line(server) == "stopped"
        assert server.wait(DEADLINE) == 0


LAUNCHER = """import os, sys
os.dup2(int(os.environ["AT"]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid() + int(os.environ["OFF"])))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""


@needs_fork
@pytest.mark.parametrize("blocking", [True, False])
def test_a_server_takes_its_socket_from_a_supervisor(
    place: str, folder: Path, blocking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = (native.AF_UNIX if "/" in place else
              native.AF_INET6 if place.startswith("[") else native.AF_INET)
    with native.socket(family) as listening:
        listening.bind(place if "/" in place else (place[:-2].strip("[]"), 0))
        listening.listen()
        listening.setblocking(blocking)
        monkeypatch.setenv("AT", str(listening.fileno()))
        monkeypatch.setenv("OFF", "0")
        with running("supervised_server", cwd=folder, launcher=LAUNCHER,
                     fds=(listening.fileno(),)) as server, connected(line(server)) as sock:
            assert echoes(sock, TEXT)
        monkeypatch.setenv("OFF", "1")
        other = subprocess.run(
            [sys.executable, "-c", LAUNCHER, str(RECIPES / "supervised_server.py")],
            pass_fds=[listening.fileno()], capture_output=True, text=True, timeout=DEADLINE,
            check=False)
        assert other.stderr == "expected one socket from a supervisor, and got 0\n"


# Clients.


@contextlib.contextmanager
def listening(family: int, host: str) -> Iterator[native.socket]:
    with native.socket(family) as server:
        server.bind((host, 0))
        server.listen()
        server.settimeout(DEADLINE)
        yield server


FAMILIES = [(native.AF_INET, "127.0.0.1"),
            pytest.param(native.AF_INET6, "::1", marks=needs_ipv6)]


@pytest.mark.parametrize(("family", "host"), FAMILIES)
def test_a_client_connects_by_name(family: int, host: str, folder: Path) -> None:
    with listening(family, host) as server:
        port = server.getsockname()[1]
        with running("connect_by_name", host, str(port), cwd=folder) as client:
            with server.accept()[0] as one:
                one.send(b"hello")
            assert client.wait(DEADLINE) == 0
            shown = f"[{host}]" if ":" in host else host
            assert line(client) == f"connected to {shown}:{port}"
            assert line(client) == "hello"


def test_a_client_to_whom_nobody_listens_says_why(folder: Path) -> None:
    with native.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        done = run("connect_by_name", "127.0.0.1", str(holder.getsockname()[1]), cwd=folder)
    assert done.returncode == 1
    assert "ECONNREFUSED" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("family", "host"), FAMILIES)
def test_a_datagram_that_is_lost_is_sent_again(family: int, host: str, folder: Path) -> None:
    with native.socket(family, native.SOCK_DGRAM) as server:
        server.bind((host, 0))
        server.settimeout(DEADLINE)
        place = f"[{host}]" if ":" in host else host
        with running("udp_client", f"{place}:{server.getsockname()[1]}", "why?",
                     cwd=folder) as client:
            lost, _ = server.recvfrom(100)
            again, sender = server.recvfrom(100)
            assert lost == again
            server.sendto(b"12345678 of another question", sender)
            server.sendto(again, sender)
            assert line(client) == "why?"
            assert client.wait(DEADLINE) == 0


@pytest.mark.parametrize("group", [
    "239.255.77.78", pytest.param("[ff01::7778]", marks=needs_ipv6)])
@pytest.mark.skipif(WINDOWS, reason="the platform has no loopback interface by that name")
def test_a_group_hears_what_is_sent_to_it(group: str, folder: Path) -> None:
    family = native.AF_INET6 if group.startswith("[") else native.AF_INET
    with native.socket(family, native.SOCK_DGRAM) as holder:
        holder.bind(("", 0))
        port = holder.getsockname()[1]
    interfaces = ["127.0.0.1"] if family == native.AF_INET else [
        name for _, name in native.if_nameindex()]
    choices = [(f"{group}:{port}", interface) for interface in interfaces]
    words = next((words for words in choices
                  if run("multicast", *words, "try", cwd=folder).returncode == 0), None)
    if not words:
        pytest.skip("the kernel has no route for multicast")
    with running("multicast", *words, cwd=folder) as one, \
            running("multicast", *words, cwd=folder) as two:
        assert [line(one), line(two)] == ["joined", "joined"]
        assert run("multicast", *words, "hello", cwd=folder).stderr == ""
        for receiver in (one, two):
            while (heard := line(receiver)) and not heard.endswith(": hello"):
                pass  # what strangers send: the port is anybody's
            assert heard


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost, made by OpenSSL."""
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
               " -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1")
    try:
        subprocess.run([*command.split(), "-keyout", str(place), "-out", f"{place}.crt"],
                       check=True, capture_output=True, timeout=DEADLINE)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no openssl that makes a certificate: {error}")
    place.write_text(place.read_text() + Path(f"{place}.crt").read_text())
    return place


@pytest.mark.parametrize("name", ["tls_client", "asyncio_tls_client"])
@pytest.mark.parametrize(("family", "host"), FAMILIES)
def test_a_line_goes_there_and_back_over_tls(
    name: str, family: int, host: str, certificate: Path, folder: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with listening(family, host) as server:
        port = str(server.getsockname()[1])
        with running(name, host, port, "Hello, TLS.", f"{certificate}.crt", cwd=folder) as client:
            with context.wrap_socket(server.accept()[0], server_side=True) as one:
                one.settimeout(DEADLINE)
                heard = one.recv(100)
                one.sendall(heard * 4_000)  # more than a record, less than a pipe holds
                with contextlib.suppress(OSError):
                    one.unwrap()
            assert client.stdout is not None
            assert client.stdout.read() == "Hello, TLS.\n" * 4_000
            assert client.wait(DEADLINE) == 0


@pytest.mark.parametrize("name", ["tls_client", "asyncio_tls_client"])
def test_a_server_that_nobody_vouches_for_is_refused(
    name: str, certificate: Path, folder: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with listening(*FAMILIES[0]) as server:  # type: ignore[arg-type]
        port = str(server.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as plain:
                context.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        done = run(name, "127.0.0.1", port, "secret", cwd=folder)
        thread.join(DEADLINE)
    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr
