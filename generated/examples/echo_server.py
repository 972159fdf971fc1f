"""An echo server. Usage: python3 echo_server.py [ADDRESS:PORT]"""

import selectors
import sys

from sockets import (
    Socket, SocketCondition, SocketDomain, SocketProtocol, SocketType, accept_socket,
    bind_socket, close_socket, create_socket, get_socket_name, listen_socket,
    receive_from_socket, send_to_socket, string_to_internet_address,
)

LOST = {"ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH",
        "ENONET", "ENOPROTOOPT", "EOPNOTSUPP", "EPERM", "EPROTO", "ETIMEDOUT"}
selector = selectors.DefaultSelector()


def serve(place: str) -> None:
    server = create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO)
    bind_socket(server, string_to_internet_address(place))
    listen_socket(server, 64)
    selector.register(server, selectors.EVENT_READ)
    print(get_socket_name(server), flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is server:
                welcome(server)
            elif isinstance(key.fileobj, Socket):
                echo(key.fileobj, key.data)


def welcome(server: Socket) -> None:
    try:
        client, _ = accept_socket(server, nonblocking=True)
    except SocketCondition as condition:
        if condition.name.removeprefix("WSA") not in LOST:
            raise
        return
    if client is not None:
        selector.register(client, selectors.EVENT_READ, b"")


def echo(client: Socket, waiting: bytes) -> None:
    try:
        data = waiting or receive_from_socket(client, 65536)[0]
        if data is None:
            return
        if data == b"":
            raise EOFError("the client has finished")
        sent = send_to_socket(client, data, None)
    except (EOFError, SocketCondition):
        selector.unregister(client)
        close_socket(client)
        return
    left = data[sent:] if isinstance(sent, int) else data
    if left != waiting:
        event = selectors.EVENT_WRITE if left else selectors.EVENT_READ
        selector.modify(client, event, left)


serve(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0")
