"""Send a line over TLS, print the answer. Usage: python3 tls_client.py HOST SERVICE TEXT [CA]"""

import ssl
import sys
from collections.abc import Callable
from typing import TypeVar

from sockets import *

T = TypeVar("T")


def carry(step: Callable[[], T]) -> T:
    """Do a step of TLS, and carry bytes to and fro until it is done."""
    while True:
        try:
            return step()
        except ssl.SSLWantReadError:
            pass
        finally:
            or_raise(send_all(sock, outgoing.read(), timeout=10))
        data, _ = or_raise(within(10, receive_from_socket, sock, 65536))
        incoming.write(data) if data else incoming.write_eof()


host, service, text = sys.argv[1:4]
context = ssl.create_default_context(cafile=sys.argv[4] if len(sys.argv) > 4 else None)
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
sock, _ = or_raise(connect_first(get_address_info(host, service)[0], 10))
with sock:
    carry(tls.do_handshake)
    carry(lambda: tls.write(text.encode() + b"\n"))
    while data := carry(lambda: tls.read(65536)):
        print(data.decode(), end="")
