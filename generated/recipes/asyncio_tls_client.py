"""Send a line over TLS, print the answer.

Usage: python3 asyncio_tls_client.py HOST SERVICE TEXT [CA]
"""

import asyncio
import ssl
import sys
import time

from sockets import *

def connect_by_name(host: str, service: str, timeout: float) -> Socket:
    end = time.monotonic() + timeout
    infos, _ = get_address_info(host, service, type=SocketType.STREAM)
    failure: Exception = LookupError(f"no address of {host} can be used")
    for at, info in enumerate(infos):
        share = max(0, end - time.monotonic()) / (len(infos) - at)
        try:
            return connect(info, share)
        except SocketCondition as condition:
            failure = condition
    raise failure


def connect(info: AddressInfo, timeout: float) -> Socket:
    sock = create_socket(info.domain, info.type, info.protocol)
    try:
        outcome = within(timeout, connect_socket, sock, info.address)
        if outcome is not True:
            raise outcome
    except BaseException:
        close_socket(sock)
        raise
    return sock


async def talk(host: str, service: str, text: str, ca: str | None = None) -> None:
    sock = await asyncio.to_thread(connect_by_name, host, service, 10)
    reader, writer = await asyncio.open_connection(
        sock=to_python_socket(sock), server_hostname=host,
        ssl=ssl.create_default_context(cafile=ca))
    writer.write(text.encode() + b"\n")
    print((await reader.read()).decode(), end="")
    writer.close()
    await writer.wait_closed()


asyncio.run(talk(*sys.argv[1:]))
