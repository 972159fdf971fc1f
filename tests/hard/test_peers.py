"""Programs of others at the other end: nginx, redis, dnsmasq, curl and socat."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from sockets import (
    Internet6Address,
    InternetAddress,
    ShutdownMethod,
    Socket,
    SocketAddress,
    SocketCondition,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    UnixAddress,
    accept_socket,
    bind_socket,
    close_socket,
    connect_socket,
    create_socket,
    finish_connect,
    get_socket_name,
    listen_socket,
    receive_exactly,
    receive_from_socket,
    send_all,
    send_to_socket,
    set_socket_nonblocking,
    set_socket_option,
    shutdown_socket,
    wait_for_socket,
    within,
)

STREAM, DATAGRAM = SocketType.STREAM, SocketType.DATAGRAM
DEADLINE = 20.0
FAMILIES = ["tcp", "ipv6", "unix"]
LARGE = 24 << 20


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (tests/hard/peers-packages.txt)")
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="p", dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield Path(name)


def free_port() -> int:
    """A port on which, a moment ago, nothing listened, neither for TCP nor for UDP."""
    while True:
        with (
            create_socket(SocketDomain.INTERNET, STREAM, SocketProtocol.AUTO) as tcp,
            create_socket(SocketDomain.INTERNET, DATAGRAM, SocketProtocol.AUTO) as udp,
            create_socket(SocketDomain.INTERNET_V6, STREAM, SocketProtocol.AUTO) as tcp6,
        ):
            bind_socket(tcp, InternetAddress(0x7F000001, 0))
            name = get_socket_name(tcp)
            assert isinstance(name, InternetAddress)
            assert name.port is not None
            with contextlib.suppress(SocketCondition):
                bind_socket(udp, name)
                bind_socket(tcp6, Internet6Address(1, name.port))
                return name.port


def domain_of(address: SocketAddress) -> SocketDomain:
    if isinstance(address, UnixAddress):
        return SocketDomain.UNIX
    if isinstance(address, Internet6Address):
        return SocketDomain.INTERNET_V6
    return SocketDomain.INTERNET


def connect(address: SocketAddress) -> Socket:
    sock = create_socket(domain_of(address), STREAM, SocketProtocol.AUTO)
    try:
        if connect_socket(sock, address) is not True:
            assert finish_connect(sock, DEADLINE) is True
    except BaseException:
        close_socket(sock)
        raise
    return sock


@contextlib.contextmanager
def running(command: list[str], *places: SocketAddress, log: Path) -> Iterator[None]:
    """A process that is ready once it can be connected to, and is killed at the end."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )
    try:
        for place in places:
            end = time.monotonic() + DEADLINE
            while True:
                assert process.poll() is None, f"{command[0]} ended: {log.read_text()}"
                assert time.monotonic() < end, f"{command[0]} is not ready: {log.read_text()}"
                with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):
                    close_socket(connect(place))
                    break
                time.sleep(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def three_places(folder: Path) -> dict[str, SocketAddress]:
    port = free_port()
    return {
        "tcp": InternetAddress(0x7F000001, port),
        "ipv6": Internet6Address(1, port),
        "unix": UnixAddress(folder / "s"),
    }


# nginx

@pytest.fixture
def nginx(folder: Path) -> Iterator[dict[str, SocketAddress]]:
    places = three_places(folder)
    (folder / "nginx.conf").write_text(f"""
        daemon off;
        master_process off;
        pid {folder}/pid;
        error_log stderr;
        events {{ worker_connections 64; }}
        http {{
            access_log off;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
            fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
            server {{
                listen {places["tcp"]};
                listen {places["ipv6"]};
                listen unix:{places["unix"]};
                root {folder};
            }}
        }}
    """)
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    command += ["-e", "stderr"]
    with running(command, *places.values(), log=folder / "log"):
        yield places


def receive_head(sock: Socket) -> tuple[str, dict[str, str], bytes]:
    """The status line and the fields of a response, and what came behind them."""
    data = b""
    while b"\r\n\r\n" not in data:
        part, why = within(DEADLINE, receive_from_socket, sock, 65536)
        assert part, why
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    return status, {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}, rest


@pytest.mark.parametrize("family", FAMILIES)
def test_a_large_file_comes_from_nginx(
    nginx: dict[str, SocketAddress], folder: Path, family: str
) -> None:
    content = random.randbytes(LARGE + 7)
    (folder / "large").write_bytes(content)
    with connect(nginx[family]) as sock:
        for _ in range(2):  # twice on one connection
            send_all(sock, b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n", timeout=DEADLINE)
            status, fields, rest = receive_head(sock)
            assert status == "HTTP/1.1 200 OK"
            assert int(fields["content-length"]) == len(content)
            body, why = receive_exactly(sock, len(content) - len(rest), timeout=DEADLINE)
            assert why is None
            assert sha256(rest + body).digest() == sha256(content).digest()
        send_all(sock, b"GET /none HTTP/1.0\r\n\r\n", timeout=DEADLINE)
        status, fields, rest = receive_head(sock)
        assert status == "HTTP/1.1 404 Not Found"
        missing = int(fields["content-length"]) - len(rest)
        assert len(receive_exactly(sock, missing, timeout=DEADLINE)[0]) == missing
        assert receive_exactly(sock, 1, timeout=DEADLINE) == (b"", None)


# redis

class Redis:
    """A client for redis: commands and replies in its protocol, RESP."""

    def __init__(self, sock: Socket) -> None:
        self.sock, self.data = sock, bytearray()

    @staticmethod
    def pack(*words: bytes) -> bytes:
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            parts += [b"$%d\r\n" % len(word), word, b"\r\n"]
        return b"".join(parts)

    def more(self) -> None:
        part, why = within(DEADLINE, receive_from_socket, self.sock, 1 << 18)
        assert part, why
        self.data += part

    def take(self, count: int) -> bytes:
        while len(self.data) < count:
            self.more()
        taken = bytes(self.data[:count])
        del self.data[:count]
        return taken

    def reply(self) -> bytes | int | None:
        while b"\r\n" not in self.data:
            self.more()
        line = self.take(self.data.index(b"\r\n") + 2)[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return None if rest == b"-1" else self.take(int(rest) + 2)[:-2]
        return int(rest) if kind == b":" else line

    def ask(self, *words: bytes) -> bytes | int | None:
        send_all(self.sock, self.pack(*words), timeout=DEADLINE)
        return self.reply()


def test_redis_keeps_binary_data_and_answers_a_pipeline_in_order(folder: Path) -> None:
    place = UnixAddress(folder / "redis")
    command = [
        program("redis-server"), "--port", "0", "--unixsocket", place.path, "--save", "",
        "--appendonly", "no", "--daemonize", "no", "--dir", str(folder),
    ]
    with running(command, place, log=folder / "log"), connect(place) as sock:
        redis = Redis(sock)
        assert redis.ask(b"PING") == b"+PONG"
        assert redis.ask(b"GET", b"nothing") is None
        for size in (0, 1, 1000, 1 << 16, 5 << 20):
            value, key = random.randbytes(size), b"\r\n\0" + bytes([size % 251])
            assert redis.ask(b"SET", key, value) == b"+OK"
            assert redis.ask(b"STRLEN", key) == size
            got = redis.ask(b"GET", key)
            assert isinstance(got, bytes)
            assert sha256(got).digest() == sha256(value).digest()
        values = [random.randbytes(random.randrange(2000)) for _ in range(3000)]
        pipeline = b"".join(
            redis.pack(b"SET", b"k%d" % n, value) + redis.pack(b"GET", b"k%d" % n)
            for n, value in enumerate(values)
        )
        failures: list[object] = []

        def send() -> None:
            failures.append(send_all(sock, pipeline, timeout=DEADLINE)[1])

        sender = threading.Thread(target=send)
        sender.start()
        replies = [redis.reply() for _ in range(2 * len(values))]
        sender.join()
        assert failures == [None]
        assert replies[::2] == [b"+OK"] * len(values)
        assert replies[1::2] == values
        assert redis.ask(b"NONSENSE")[:5] == b"-ERR "  # type: ignore[index]


# dnsmasq

A, TXT, AAAA = 1, 16, 28


def encode_name(name: str) -> bytes:
    labels = name.encode("ascii").split(b".")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def encode_query(number: int, name: str, kind: int) -> bytes:
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + encode_name(name) + struct.pack(
        "!2H", kind, 1
    )


def decode_name(data: bytes, place: int) -> tuple[str, int]:
    labels: list[str] = []
    after = None
    for _ in range(128):
        length = data[place]
        if length >= 0xC0:
            after = after or place + 2
            place = (length & 0x3F) << 8 | data[place + 1]
        elif length:
            labels.append(data[place + 1 : place + 1 + length].decode("ascii"))
            place += 1 + length
        else:
            return ".".join(labels), after or place + 1
    raise AssertionError("the name has no end")


def decode_answer(data: bytes, number: int) -> tuple[int, list[tuple[str, int, bytes]]]:
    """The response code, and name, type and data of each answer."""
    got, flags, questions, answers, _, _ = struct.unpack_from("!6H", data)
    assert got == number
    assert flags & 0x8000
    place, records = 12, []
    for _ in range(questions):
        place = decode_name(data, place)[1] + 4
    for _ in range(answers):
        name, place = decode_name(data, place)
        kind, _, _, size = struct.unpack_from("!HHIH", data, place)
        records.append((name, kind, data[place + 10 : place + 10 + size]))
        place += 10 + size
    return flags & 15, records


@pytest.fixture
def dnsmasq(folder: Path) -> Iterator[InternetAddress]:
    port = free_port()
    place = InternetAddress(0x7F000001, port)
    text = ",".join(["x" * 250] * 8)  # more than fits into one datagram of plain DNS
    command = [
        program("dnsmasq"), "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--user=root",
        "--pid-file", "--local=/test/", "--host-record=one.test,192.0.2.1,2001:db8::1",
        "--host-record=two.test,192.0.2.2", f"--txt-record=long.test,{text}",
    ]
    with running(command, place, log=folder / "log"):
        yield place


RECORDS = [
    ("one.test", A, bytes([192, 0, 2, 1])),
    ("one.test", AAAA, bytes.fromhex("20010db8" + "00" * 11 + "01")),
    ("two.test", A, bytes([192, 0, 2, 2])),
]


def test_dnsmasq_answers_datagrams(dnsmasq: InternetAddress) -> None:
    with create_socket(SocketDomain.INTERNET, DATAGRAM, SocketProtocol.AUTO) as sock:
        for number in range(300):
            record = RECORDS[number % len(RECORDS)]
            query = encode_query(number, record[0], record[1])
            assert send_to_socket(sock, query, dnsmasq) == len(query)
            answer, source = within(DEADLINE, receive_from_socket, sock, 1500)
            assert source == dnsmasq
            assert decode_answer(answer, number) == (0, [record])
        send_to_socket(sock, encode_query(7, "none.test", A), dnsmasq)
        answer, _ = within(DEADLINE, receive_from_socket, sock, 1500)
        assert decode_answer(answer, 7) == (3, [])  # no such name
        send_to_socket(sock, encode_query(8, "long.test", TXT), dnsmasq)
        answer, _ = within(DEADLINE, receive_from_socket, sock, 1500)
        assert answer[2] & 2, "the answer does not say that it was cut off"


def test_dnsmasq_answers_on_a_connection(dnsmasq: InternetAddress) -> None:
    def answer_to(sock: Socket) -> bytes:
        head, why = receive_exactly(sock, 2, timeout=DEADLINE)
        assert why is None
        body, why = receive_exactly(sock, int.from_bytes(head, "big"), timeout=DEADLINE)
        assert why is None
        return body

    with connect(dnsmasq) as sock:
        for number, record in enumerate(RECORDS * 10):
            query = encode_query(number, record[0], record[1])
            send_all(sock, struct.pack("!H", len(query)) + query, timeout=DEADLINE)
            assert decode_answer(answer_to(sock), number) == (0, [record])
        query = encode_query(99, "long.test", TXT)
        send_all(sock, struct.pack("!H", len(query)) + query, timeout=DEADLINE)
        code, [(_, kind, data)] = decode_answer(answer_to(sock), 99)
        assert (code, kind, data) == (0, TXT, (b"\xfa" + b"x" * 250) * 8)


# curl and socat

class Server(threading.Thread):
    """A server of ours that takes one connection after the other.

    It keeps what is sent with PUT and gives it back to GET; a client that speaks no HTTP gets
    its bytes back once it has finished.
    """

    def __init__(self, place: SocketAddress) -> None:
        super().__init__(daemon=True)
        self.listener = create_socket(domain_of(place), STREAM, SocketProtocol.AUTO)
        if not isinstance(place, UnixAddress):
            set_socket_option(self.listener, SocketOption.REUSE_ADDRESS, True)
        bind_socket(self.listener, place)
        listen_socket(self.listener, 8)
        self.kept = b""
        self.failure: BaseException | None = None
        self.over = False

    def run(self) -> None:
        try:
            while not self.over:
                wait_for_socket(self.listener, True, False, 0.05)
                client, _ = accept_socket(self.listener)
                if client is not None:
                    with client:
                        set_socket_nonblocking(client, True)
                        self.serve(client)
        except BaseException as error:
            self.failure = error
        finally:
            close_socket(self.listener)

    def serve(self, client: Socket) -> None:
        first, _ = receive_exactly(client, 4, timeout=DEADLINE)
        if first not in (b"PUT ", b"GET "):
            self.echo(client, first)
            return
        status, fields, rest = receive_head(client)
        assert status.endswith("HTTP/1.1"), status
        if first == b"PUT ":
            if fields.get("expect") == "100-continue":
                send_all(client, b"HTTP/1.1 100 Continue\r\n\r\n", timeout=DEADLINE)
            missing = int(fields["content-length"]) - len(rest)
            body, why = receive_exactly(client, missing, timeout=DEADLINE)
            assert why is None
            self.kept = rest + body
        content = self.kept if first == b"GET " else b"kept\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        count, why = send_all(client, head % len(content) + content, timeout=DEADLINE)
        assert why is None
        assert count == len(head % len(content)) + len(content)
        shutdown_socket(client, ShutdownMethod.WRITE)
        with contextlib.suppress(ConnectionResetError):
            assert receive_exactly(client, 1, timeout=DEADLINE) == (b"", None)

    def echo(self, client: Socket, data: bytes) -> None:
        """Send back what comes, half of a second after the client's end of it too."""
        total = bytearray(data)
        while part := within(DEADLINE, receive_from_socket, client, 1 << 18)[0]:
            total += part
        assert part == b"", "the client did not finish"
        assert send_all(client, total, timeout=DEADLINE) == (len(total), None)


@pytest.fixture(params=FAMILIES)
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[Server, SocketAddress]]:
    place = three_places(folder)[request.param]
    ours = Server(place)
    ours.start()
    yield ours, place
    ours.over = True
    ours.join(DEADLINE)
    assert not ours.is_alive()
    assert ours.failure is None, ours.failure


def client_program(command: list[str], data: Path | None = None) -> bytes:
    with contextlib.ExitStack() as stack:
        given = stack.enter_context(data.open("rb")) if data else subprocess.DEVNULL
        done = subprocess.run(command, stdin=given, capture_output=True, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_curl_puts_and_gets_a_large_file(
    server: tuple[Server, SocketAddress], folder: Path
) -> None:
    ours, place = server
    unix = isinstance(place, UnixAddress)
    command = [program("curl"), "--silent", "--show-error", "--fail", "--noproxy", "*"]
    command += ["--unix-socket", place.path] if isinstance(place, UnixAddress) else ["--globoff"]
    url = "http://localhost/f" if unix else f"http://{place}/f"
    content = random.randbytes(LARGE + 3)
    (folder / "content").write_bytes(content)
    assert client_program([*command, "--upload-file", str(folder / "content"), url]) == b"kept\n"
    assert sha256(ours.kept).digest() == sha256(content).digest()
    assert sha256(client_program([*command, url])).digest() == sha256(content).digest()


def test_socat_gets_back_what_it_sends(
    server: tuple[Server, SocketAddress], folder: Path
) -> None:
    _, place = server
    if isinstance(place, UnixAddress):
        target = f"UNIX-CONNECT:{place.path}"
    else:
        kind = "TCP6" if isinstance(place, Internet6Address) else "TCP4"
        target = f"{kind}:{place}"
    for size in (5, 100_000, LARGE):
        content = random.randbytes(size)
        (folder / "content").write_bytes(content)
        back = client_program([program("socat"), "-t", "20", "-", target], folder / "content")
        assert len(back) == size
        assert sha256(back).digest() == sha256(content).digest()


def test_a_peer_that_is_not_there_is_refused(folder: Path) -> None:
    for place, kind in (
        (InternetAddress(0x7F000001, free_port()), errno.ECONNREFUSED),
        (Internet6Address(1, free_port()), errno.ECONNREFUSED),
        (UnixAddress(folder / "none"), errno.ENOENT),
    ):
        with pytest.raises(SocketCondition) as caught:
            connect(place)
        assert caught.value.type == kind
