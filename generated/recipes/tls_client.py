"""Send a line over TLS, print the answer. Usage: python3 tls_client.py HOST SERVICE TEXT [CA]"""

import ssl
import sys
import time
from collections.abc import Callable
from typing import TypeVar

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


T = TypeVar("T")


def carry(step: Callable[[], T]) -> T:
    """Do a step of TLS, and carry bytes to and fro until it is done."""
    while True:
        try:
            return step()
        except ssl.SSLWantReadError:
            pass
        finally:
            _, late = send_all(sock, outgoing.read(), timeout=10)
        data, why = within(10, receive_from_socket, sock, 65536)
        if late or data is None:
            raise late or why
        incoming.write(data) if data else incoming.write_eof()


host, service, text = sys.argv[1:4]
context = ssl.create_default_context(cafile=sys.argv[4] if len(sys.argv) > 4 else None)
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
with connect_by_name(host, service, 10) as sock:
    carry(tls.do_handshake)
    carry(lambda: tls.write(text.encode() + b"\n"))
    while data := carry(lambda: tls.read(65536)):
        print(data.decode(), end="")
