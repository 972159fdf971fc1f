"""Send a line over TLS, print the answer.

Usage: python3 asyncio_tls_client.py HOST SERVICE TEXT [CA]
"""

import asyncio
import ssl
import sys

from sockets import *

def connect(host: str, service: str) -> Socket:
    return or_raise(connect_first(get_address_info(host, service)[0], 10))[0]


async def talk(host: str, service: str, text: str, ca: str | None = None) -> None:
    sock = await asyncio.to_thread(connect, host, service)
    reader, writer = await asyncio.open_connection(
        sock=to_python_socket(sock), server_hostname=host,
        ssl=ssl.create_default_context(cafile=ca))
    writer.write(text.encode() + b"\n")
    print((await reader.read()).decode(), end="")
    writer.close()
    await writer.wait_closed()


asyncio.run(talk(*sys.argv[1:]))
