"""An echo server by Trio. Usage: python3 trio_server.py [PLACE]"""

import contextlib
import sys

import trio

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


async def echo(stream: trio.SocketStream) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        async for data in stream:
            await stream.send_all(data)


async def serve(server: Socket) -> None:
    moved = trio.socket.from_stdlib_socket(to_python_socket(server))
    await trio.serve_listeners(echo, [trio.SocketListener(moved)])


trio.run(serve, listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0"))
