"""An echo server by Trio. Usage: python3 trio_server.py [PLACE]"""

import contextlib
import sys

import trio

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


async def echo(stream: trio.SocketStream) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        async for data in stream:
            await stream.send_all(data)


async def serve(server: Socket) -> None:
    moved = trio.socket.from_stdlib_socket(to_python_socket(server))
    await trio.serve_listeners(echo, [trio.SocketListener(moved)])


trio.run(serve, listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0"))
