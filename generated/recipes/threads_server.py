"""An echo server with a thread for each client. Usage: python3 threads_server.py [PLACE]"""

import contextlib
import sys
import threading

from sockets import *

def read_place(place: str) -> tuple[SocketDomain, SocketAddress]:
    if "/" in place:
        return SocketDomain.UNIX, UnixAddress(place)
    if place.startswith("["):
        return SocketDomain.INTERNET_V6, string_to_internet6_address(place)
    return SocketDomain.INTERNET, string_to_internet_address(place)


def listen(place: str) -> Socket:
    domain, address = read_place(place)
    server = create_socket(domain, SocketType.STREAM, SocketProtocol.AUTO)
    if not isinstance(address, UnixAddress):
        set_socket_option(server, SocketOption.REUSE_ADDRESS, True)
    bind_socket(server, address)
    listen_socket(server, 64)
    print(get_socket_name(server), flush=True)
    return server


def echo(client: Socket) -> None:
    with client, contextlib.suppress(SocketCondition):
        set_socket_option(client, SocketOption.RECEIVE_TIMEOUT, 60)
        while data := receive_from_socket(client, 65536)[0]:
            send_all(client, data)


with listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0") as server:
    while True:
        client, _ = within(None, accept_socket, server)
        threading.Thread(target=echo, args=(client,), daemon=True).start()
