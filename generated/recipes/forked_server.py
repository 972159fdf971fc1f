"""An echo server with a process for each client. Usage: python3 forked_server.py [PLACE]"""

import contextlib
import os
import signal
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


def echo(client: Socket) -> None:
    with client, contextlib.suppress(SocketCondition):
        set_socket_option(client, SocketOption.RECEIVE_TIMEOUT, 60)
        while data := receive_from_socket(client, 65536)[0]:
            send_all(client, data)


signal.signal(signal.SIGCHLD, signal.SIG_IGN)
with listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0") as server:
    while True:
        wait_for_socket(server, True, False, None)
        if client := accept(server):
            with client:
                if os.fork() == 0:
                    close_socket(server)
                    echo(client)
                    os._exit(0)
