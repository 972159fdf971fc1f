"""An echo server with one thread for all. Usage: python3 selectors_server.py [PLACE]"""

import selectors
import sys

from sockets import *

def read_place(place: str) -> SocketAddress:
    if "/" in place:
        return UnixAddress(place)
    if place.startswith("["):
        return string_to_internet6_address(place)
    return string_to_internet_address(place)


def listen(place: str) -> Socket:
    server = create_listener(read_place(place), 64, (SocketOption.REUSE_ADDRESS, True))
    print(get_socket_name(server), flush=True)
    return server


LOST = {"ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH",
        "ENONET", "ENOPROTOOPT", "EOPNOTSUPP", "EPERM", "EPROTO", "ETIMEDOUT"}


def accept(server: Socket, nonblocking: bool = False) -> Socket | None:
    try:
        return accept_socket(server, nonblocking=nonblocking)[0]
    except SocketCondition as condition:
        if condition.name.removeprefix("WSA") not in LOST:
            raise
        return None


def welcome(server: Socket) -> None:
    if client := accept(server, nonblocking=True):
        selector.register(client, selectors.EVENT_READ, b"")


def echo(client: Socket, unsent: bytes) -> None:
    """Receive or send once, and say what to wait for next, if it is something else."""
    data = unsent or receive_from_socket(client, 65536)[0]
    if data is None:
        return
    if data == b"":
        raise EOFError
    sent = send_to_socket(client, data, None)
    left = data[sent:] if isinstance(sent, int) else data
    if left != unsent:
        selector.modify(client, selectors.EVENT_WRITE if left else selectors.EVENT_READ, left)


selector = selectors.DefaultSelector()
with listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0") as server:
    selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if not isinstance(key.fileobj, Socket):
                continue
            if key.fileobj is server:
                welcome(server)
                continue
            try:
                echo(key.fileobj, key.data)
            except (EOFError, SocketCondition):
                selector.unregister(key.fileobj)
                close_socket(key.fileobj)
