"""Ask a server that repeats what it gets. Usage: python3 udp_client.py PLACE TEXT"""

import os
import sys
import time

from sockets import *

def read_place(place: str) -> SocketAddress:
    if "/" in place:
        return UnixAddress(place)
    if place.startswith("["):
        return string_to_internet6_address(place)
    return string_to_internet_address(place)


def ask(sock: Socket, question: bytes) -> bytes:
    mark = os.urandom(8)
    for patience in (0.25, 0.5, 1, 2, 4):
        send_to_socket(sock, mark + question, None)
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            answer, _ = within(left, receive_from_socket, sock, 65536)
            if answer is not None and answer.startswith(mark):
                return bytes(answer[len(mark) :])
    raise TimeoutError(f"no answer from {get_peer_name(sock)}")


address = read_place(sys.argv[1])
with create_socket(address.domain, SocketType.DATAGRAM, SocketProtocol.AUTO) as sock:
    connect_socket(sock, address)
    print(ask(sock, sys.argv[2].encode()).decode())
