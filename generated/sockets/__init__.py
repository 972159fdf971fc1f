"""BSD sockets with types, values and honest errors.

Records instead of magic numbers; would-block results as values; one condition,
`SocketCondition`, that says who, which system call, which error and its message;
and the GIL released only by the calls that can block.
"""

__version__ = "0.1.0"

from . import _sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._sockets import *

__all__ = [
    "HAS_DONT_WAIT", "HAS_KEEP_ALIVE_TIMES", "HAS_MESSAGES", "HAS_PROTOCOL_ITERATION",
    "HAS_RECEIVE_OFFLOAD", "HAS_REUSE_PORT", "HAS_UNIX_SOCKETS",
    "AddressInfo", "AddressInfoOption", "AncillaryData", "AncillaryItem", "Credentials",
    "Datagrams", "Descriptors", "HopLimit", "Interface", "Internet6Address", "Internet6ErrorReport",
    "Internet6Option", "Internet6PacketInfo", "InternetAddress", "InternetErrorReport",
    "InternetPacketInfo", "IpOption", "MessageHeader", "MtuDiscovery", "NameInfoOption",
    "ProtocolEntry", "RawOption", "ReceiveFromOption", "ReceivedDescriptors", "ResolverCode",
    "SegmentSize", "SendToOption", "ServiceEntry", "ShutdownMethod", "Socket", "SocketAddress",
    "SocketCondition", "SocketConstant", "SocketDomain", "SocketOption", "SocketProtocol",
    "SocketType", "TcpInformation", "TcpOption", "TimeStamp", "TimeToLive", "TrafficClass",
    "TypeOfService", "UdpOption", "UnixAddress",
    "accept_socket", "adopt_descriptor", "adopt_from_supervisor", "bind_socket",
    "close_descriptors", "close_protocol_database", "close_socket", "connect_first",
    "connect_socket", "create_listener", "create_socket", "define_socket_option_type",
    "detach_socket", "duplicate_socket", "finish_connect", "flag_option",
    "foreign_to_internet6_address", "foreign_to_internet_address", "foreign_to_unix_address",
    "from_python_socket", "get_address_info", "get_host_name", "get_interface_by_index",
    "get_interface_by_name", "get_interfaces", "get_name_info", "get_peer_name",
    "get_protocol_by_constant", "get_protocol_by_name", "get_service_by_name",
    "get_service_by_port", "get_socket_name", "get_socket_option",
    "internet6_address_to_internet_address", "internet6_address_to_string",
    "internet_address_to_internet6_address", "internet_address_to_string", "listen_socket",
    "lookup_ancillary_item", "lookup_domain", "make_foreign_address", "make_socket_pair",
    "next_protocol_entry", "number_option", "open_protocol_database", "or_raise",
    "receive_datagrams", "receive_exactly", "receive_from_socket", "receive_into_socket",
    "receive_message", "receive_message_into", "register_ancillary_item", "register_socket_domain",
    "send_all", "send_datagrams", "send_file", "send_message", "send_to_socket",
    "set_socket_nonblocking", "set_socket_option", "shutdown_socket", "skip_datagrams",
    "socket_error", "socket_maximum_connections", "socket_raise_unless",
    "string_to_internet6_address", "string_to_internet_address", "string_to_ipv4", "string_to_ipv6",
    "take_descriptor", "take_socket", "to_python_socket", "wait_for_socket", "wait_for_urgent",
    "within",
]
globals().update({name: getattr(_sockets, name) for name in __all__})
