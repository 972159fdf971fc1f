"""What is between the values of `socket` and those of `sockets`: addresses, numbers, items.

There they are tuples, paths and numbers, here records and constants. What a function cannot use
is refused with the exceptions of CPython's, for which programs (and its tests) look.
"""

from __future__ import annotations

import _socket
import math
import operator
import os
import sys
from typing import Any

import sockets

# Addresses.


class PlainAddress(sockets.SocketAddress):
    """An address of a family that only the kernel knows: bytes."""

    __slots__ = ("packed",)

    def converter(self) -> bytes:
        return self.packed


def domain_of(family: int) -> sockets.SocketDomain:
    family = operator.index(family)
    domain = sockets.lookup_domain(family)
    if domain is None:
        domain = sockets.SocketDomain(family, PlainAddress, 128)
        sockets.register_socket_domain(domain)
    return domain


def find_host(host: Any, kind: Any) -> Any:
    """The first address of a host: of a name, a numeric address, "", or "<broadcast>"."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode()
    if not isinstance(host, str):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    if host == "":
        return kind(None, None)
    if host == "<broadcast>" and kind is sockets.InternetAddress:
        return kind("255.255.255.255", None)
    infos, _ = sockets.get_address_info(host, None, kind.domain)
    return infos[0].address


def to_port(port: Any) -> int:
    port = operator.index(port)
    if not 0 <= port <= 65535:
        raise OverflowError("port must be 0-65535.")
    return int(port)


def to_address(family: int, value: Any, who: str) -> sockets.SocketAddress:
    """The address that a tuple or a path means, for a socket of this family."""
    if family == _socket.AF_UNIX:
        return to_unix_address(value)
    if family not in (_socket.AF_INET, _socket.AF_INET6):
        raise OSError(f"{who}(): bad family")
    if not isinstance(value, tuple):
        raise TypeError(f"{who}(): address must be a tuple, not {type(value).__name__}")
    if family == _socket.AF_INET:
        host, port = value
        port = to_port(port)
        return sockets.InternetAddress(find_host(host, sockets.InternetAddress).ip, port)
    if not 2 <= len(value) <= 4:
        raise TypeError(f"{who}(): AF_INET6 address must be a tuple of 2 to 4 values")
    host, port, flow, scope = (*value, *(0, 0)[len(value) - 2:])
    port = to_port(port)
    if not 0 <= flow <= 0xFFFFF:
        raise OverflowError(f"{who}(): flowinfo must be 0-1048575.")
    found = find_host(host, sockets.Internet6Address)
    return sockets.Internet6Address(found.ip, port, flow, scope or found.scope)


def to_unix_address(value: Any) -> sockets.UnixAddress:
    address = sockets.UnixAddress(value if isinstance(value, str) else bytes(expect_bytes(value)))
    try:
        address.converter()
    except ValueError:
        raise OSError("AF_UNIX path too long") from None
    return address


def from_address(address: Any) -> Any:
    """The tuple, or the path, for an address."""
    if isinstance(address, sockets.InternetAddress):
        return str(address).rpartition(":")[0], address.port
    if isinstance(address, sockets.Internet6Address):
        host = _socket.inet_ntop(_socket.AF_INET6, (address.ip or 0).to_bytes(16, "big"))
        return host, address.port, address.flow, address.scope
    if isinstance(address, sockets.UnixAddress):
        path = address.path
        return os.fsencode(path) if path.startswith("\0") else path
    if isinstance(address, PlainAddress):
        return int.from_bytes(address.packed[:2], sys.byteorder), address.packed[2:]
    return address


# Arguments.


def to_int(value: Any) -> int:
    value = operator.index(value)
    if not -(2**31) <= value < 2**31:
        raise OverflowError(f"{value} does not fit into an int of C")
    return int(value)


def flags_of(kind: Any, flags: Any) -> tuple[Any, ...]:
    flags = to_int(flags)
    return (kind(flags),) if flags else ()


def expect_bytes(data: Any) -> Any:
    """The data itself: a view in a frame of a traceback would lend its buffer on and on."""
    try:
        memoryview(data).release()
    except TypeError:
        raise TypeError(
            f"a bytes-like object is required, not '{type(data).__name__}'"
        ) from None
    return data


def to_size(size: Any, who: str) -> int:
    size = operator.index(size)
    if size < 0:
        raise ValueError(f"negative buffersize in {who}")
    return int(size)


def to_timeout(value: Any) -> float | None:
    if value is None:
        return None
    seconds = float(value) if isinstance(value, float) else operator.index(value)
    if math.isnan(seconds):
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError("Timeout value out of range")
    if seconds > 2**63 / 1e9:
        raise OverflowError("timestamp too large to convert to C _PyTime_t")
    return float(seconds)


def from_item(item: Any) -> tuple[int, int, bytes]:
    """An ancillary item in numbers and bytes; descriptors are the caller's from now on."""
    data = item.converter()
    if isinstance(item, sockets.ReceivedDescriptors):
        for _ in item.fds:
            sockets.take_descriptor(item)
    return item.level, item.type, data


def keep_bytes(level: int, kind: int) -> None:
    """Let items of this kind arrive as bytes, whatever the library makes of them."""
    sockets.register_ancillary_item(type("PlainItem", (sockets.AncillaryItem,), {
        "__slots__": (), "level": level, "type": kind,
        "extractor": classmethod(lambda _, data: sockets.AncillaryData(level, kind, data)),
    }))


LEVELS = _socket.SOL_SOCKET, _socket.IPPROTO_IP, _socket.IPPROTO_IPV6, _socket.IPPROTO_UDP
for level in LEVELS:
    for number in range(256):
        if sockets.lookup_ancillary_item(level, number) is not None:
            keep_bytes(level, number)
