"""An echo server that SIGTERM stops with care. Usage: python3 graceful_server.py [PLACE]"""

import contextlib
import selectors
import signal
import sys
import threading
import time

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


LOST = {"ECONNABORTED", "ECONNRESET", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH",
        "ENONET", "ENOPROTOOPT", "EOPNOTSUPP", "EPERM", "EPROTO", "ETIMEDOUT"}


def accept(server: Socket, nonblocking: bool = False) -> Socket | None:
    try:
        return accept_socket(server, nonblocking=nonblocking)[0]
    except SocketCondition as condition:
        if condition.name.removeprefix("WSA") not in LOST:
            raise
        return None


def echo(client: Socket) -> None:
    with client, contextlib.suppress(SocketCondition):
        set_socket_option(client, SocketOption.RECEIVE_TIMEOUT, 60)
        while data := receive_from_socket(client, 65536)[0]:
            send_all(client, data)


woken, waker = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
signal.set_wakeup_fd(waker.fileno())
signal.signal(signal.SIGTERM, lambda number, frame: None)
threads: list[threading.Thread] = []

with woken, waker, listen(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0") as server:
    selector = selectors.DefaultSelector()
    selector.register(server, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while woken not in [key.fileobj for key, _ in selector.select()]:
        if client := accept(server):
            threads = [thread for thread in threads if thread.is_alive()]
            threads.append(threading.Thread(target=echo, args=(client,), daemon=True))
            threads[-1].start()

end = time.monotonic() + 5
for thread in threads:
    thread.join(max(0, end - time.monotonic()))
print("stopped")
