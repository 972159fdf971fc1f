"""An echo server whose socket comes from a supervisor. Usage: see sd_listen_fds(3)"""

import contextlib
import sys
import threading

from sockets import *

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


servers = adopt_from_supervisor(type=SocketType.STREAM)
if len(servers) != 1:
    sys.exit(f"expected one socket from a supervisor, and got {len(servers)}")
[(_, server)] = servers
with server:
    set_socket_nonblocking(server, True)
    print(get_socket_name(server), flush=True)
    while True:
        wait_for_socket(server, True, False, None)
        if client := accept(server):
            threading.Thread(target=echo, args=(client,), daemon=True).start()
