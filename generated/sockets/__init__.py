"""BSD sockets with types, values and honest errors.

Records instead of magic numbers; would-block results as values; one condition,
`SocketCondition`, that says who, which system call, which error and its message;
and Python's lock given up only by the calls that can block.
"""

from ._sockets import (
    HAS_DONT_WAIT, HAS_PROTOCOL_ITERATION, HAS_UNIX_SOCKETS,
    AddressInfo, AddressInfoOption, InternetAddress, IpOption, ProtocolEntry, RawOption,
    ReceiveFromOption, SendToOption, ShutdownMethod, Socket, SocketAddress, SocketCondition,
    SocketConstant, SocketDomain, SocketOption, SocketProtocol, SocketType, TcpOption,
    UdpOption, UnixAddress,
    accept_socket, bind_socket, close_protocol_database, close_socket, connect_socket,
    create_socket, define_socket_option_type, foreign_to_internet_address,
    foreign_to_unix_address, get_address_info, get_peer_name, get_protocol_by_constant,
    get_protocol_by_name, get_socket_name, get_socket_option, internet_address_to_string,
    listen_socket, lookup_domain, next_protocol_entry, open_protocol_database,
    receive_from_socket, register_socket_domain, send_to_socket, set_socket_nonblocking,
    set_socket_option, shutdown_socket, socket_error, socket_maximum_connections,
    socket_raise_unless, string_to_internet_address, string_to_ipv4,
)

__all__ = [
    "HAS_DONT_WAIT", "HAS_PROTOCOL_ITERATION", "HAS_UNIX_SOCKETS",
    "AddressInfo", "AddressInfoOption", "InternetAddress", "IpOption", "ProtocolEntry",
    "RawOption", "ReceiveFromOption", "SendToOption", "ShutdownMethod", "Socket",
    "SocketAddress", "SocketCondition", "SocketConstant", "SocketDomain", "SocketOption",
    "SocketProtocol", "SocketType", "TcpOption", "UdpOption", "UnixAddress",
    "accept_socket", "bind_socket", "close_protocol_database", "close_socket",
    "connect_socket", "create_socket", "define_socket_option_type",
    "foreign_to_internet_address", "foreign_to_unix_address", "get_address_info",
    "get_peer_name", "get_protocol_by_constant", "get_protocol_by_name", "get_socket_name",
    "get_socket_option", "internet_address_to_string", "listen_socket", "lookup_domain",
    "next_protocol_entry", "open_protocol_database", "receive_from_socket",
    "register_socket_domain", "send_to_socket", "set_socket_nonblocking",
    "set_socket_option", "shutdown_socket", "socket_error", "socket_maximum_connections",
    "socket_raise_unless", "string_to_internet_address", "string_to_ipv4",
]
