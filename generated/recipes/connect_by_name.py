"""Print what a server says of itself. Usage: python3 connect_by_name.py HOST SERVICE"""

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


with connect_by_name(sys.argv[1], sys.argv[2], 10) as sock:
    print("connected to", get_peer_name(sock))
    greeting, why = within(10, receive_from_socket, sock, 1000)
    print(why if greeting is None else greeting.decode(errors="replace"))
