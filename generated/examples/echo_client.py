"""A client for the echo server. Usage: python3 echo_client.py ADDRESS:PORT"""

import selectors
import sys

from sockets import (
    ShutdownMethod, SocketDomain, SocketProtocol, SocketType, connect_socket, create_socket,
    receive_from_socket, send_to_socket, shutdown_socket, string_to_internet_address,
)


def talk(place: str, text: bytes) -> None:
    selector = selectors.DefaultSelector()
    with create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        if connect_socket(sock, string_to_internet_address(place)) is not True:
            print("connecting ...", file=sys.stderr)
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        sending, data = True, None
        while data != b"":
            selector.select()
            if sending:
                sent = send_to_socket(sock, text, None)
                text = text[sent:] if isinstance(sent, int) else text
                if not text:
                    shutdown_socket(sock, ShutdownMethod.WRITE)
                    selector.modify(sock, selectors.EVENT_READ)
                    sending = False
            data, _ = receive_from_socket(sock, 65536)
            sys.stdout.buffer.write(data or b"")


if len(sys.argv) != 2:
    sys.exit(__doc__)
talk(sys.argv[1], sys.stdin.buffer.read())
