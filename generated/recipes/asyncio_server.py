"""An echo server by asyncio. Usage: python3 asyncio_server.py [PLACE]"""

import asyncio
import contextlib
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


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def serve(server: Socket) -> None:
    async with await asyncio.start_server(echo, sock=to_python_socket(server)) as arrivals:
        await arrivals.serve_forever()


asyncio.run(serve(listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0")))
