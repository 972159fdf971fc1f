"""Print what is sent to a group, or send to it.

Usage: python3 multicast.py GROUP INTERFACE [TEXT]
       GROUP like 239.255.1.2:5000, and INTERFACE the machine's address there; or
       GROUP like [ff02::4321]:5000, and INTERFACE a name like eth0
"""

import socket
import sys

from sockets import *

def read_place(place: str) -> SocketAddress:
    if "/" in place:
        return UnixAddress(place)
    if place.startswith("["):
        return string_to_internet6_address(place)
    return string_to_internet_address(place)


def join(sock: Socket, group: SocketAddress, interface: str) -> None:
    if isinstance(group, InternetAddress):
        here = string_to_internet_address(interface)
        bind_socket(sock, InternetAddress(None, group.port))
        set_socket_option(sock, IpOption.ADD_MEMBERSHIP, (group, here))
    elif isinstance(group, Internet6Address):
        index = socket.if_nametoindex(interface)
        bind_socket(sock, Internet6Address(None, group.port))
        set_socket_option(sock, Internet6Option.JOIN_GROUP, (group, index))


def send(sock: Socket, group: SocketAddress, interface: str, text: bytes) -> None:
    if isinstance(group, InternetAddress):
        here = string_to_internet_address(interface)
        set_socket_option(sock, IpOption.MULTICAST_INTERFACE, here)
    else:
        index = socket.if_nametoindex(interface)
        set_socket_option(sock, Internet6Option.MULTICAST_INTERFACE, index)
    send_to_socket(sock, text, group)


group = read_place(sys.argv[1])
with create_socket(group.domain, SocketType.DATAGRAM, SocketProtocol.AUTO) as sock:
    if len(sys.argv) > 3:
        send(sock, group, sys.argv[2], sys.argv[3].encode())
    else:
        set_socket_option(sock, SocketOption.REUSE_ADDRESS, True)
        join(sock, group, sys.argv[2])
        print("joined", flush=True)
        while True:
            text, sender = or_raise(within(None, receive_from_socket, sock, 65536))
            print(f"{sender}: {text.decode(errors='replace')}", flush=True)
