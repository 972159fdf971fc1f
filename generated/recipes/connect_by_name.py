"""Print what a server says of itself. Usage: python3 connect_by_name.py HOST SERVICE"""

import sys

from sockets import *

infos, _ = get_address_info(sys.argv[1], sys.argv[2], type=SocketType.STREAM)
sock, address = or_raise(connect_first(infos, 10))
with sock:
    print("connected to", address)
    greeting, why = within(10, receive_from_socket, sock, 1000)
    print(why if greeting is None else greeting.decode(errors="replace"))
