"""The class `_socket.socket` of CPython once more, on the public interface of `sockets` alone.

`install` puts it and its functions in the place of CPython's, before anybody imports `socket`,
whose class is a subclass of it: so all that is written for `socket` runs on `sockets`. It also
shows what is between the two: a timeout that the socket keeps, and one that is said with the call;
exceptions, and conditions; and the values, in stock_values.py.

Constants and the functions that need no system call, such as htons, remain CPython's, and so do
gethostbyaddr and gethostbyname_ex, whose place getaddrinfo has taken long ago.
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import operator
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import sockets
from stock_values import (
    domain_of,
    expect_bytes,
    find_host,
    flags_of,
    from_address,
    from_item,
    to_address,
    to_int,
    to_port,
    to_size,
    to_timeout,
)

default_timeout: float | None = None


class socket:
    """socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object"""

    __slots__ = ("_sock", "_timeout")
    _sock: sockets.Socket
    _timeout: float | None

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: Any = None
    ) -> None:
        if fileno is not None:
            self._adopt(family, type, proto, fileno)
            self._timeout = default_timeout
            if default_timeout is not None:
                sockets.set_socket_nonblocking(self._sock, True)
            return
        type = _socket.SOCK_STREAM if type == -1 else operator.index(type)
        self._sock = sockets.create_socket(
            domain_of(_socket.AF_INET if family == -1 else family),
            sockets.SocketType(type & ~(_socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)),
            sockets.SocketProtocol(max(0, operator.index(proto))),
        )
        self.settimeout(0.0 if type & _socket.SOCK_NONBLOCK else default_timeout)

    def _adopt(self, family: int, type: int, proto: int, fileno: Any) -> None:
        fd = operator.index(fileno)
        if fd < 0:
            raise ValueError("negative file descriptor")
        found = sockets.adopt_descriptor(fd)
        self._sock = sockets.Socket(
            sockets.detach_socket(found),
            found.domain if family == -1 else domain_of(family),
            found.type if type == -1 else sockets.SocketType(operator.index(type)),
            found.protocol if proto == -1 else sockets.SocketProtocol(operator.index(proto)),
        )

    def __del__(self) -> None:
        if self.fileno() >= 0:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=2, source=self)
            self.close()

    def __repr__(self) -> str:
        return (
            f"<socket object, fd={self.fileno()}, family={int(self.family)}, "
            f"type={int(self.type)}, proto={self.proto}>"
        )

    # What it is. An object whose __init__ has not run has no _sock.

    @property
    def family(self) -> int:
        return self._sock.domain.value if hasattr(self, "_sock") else 0

    @property
    def type(self) -> int:
        return self._sock.type.value if hasattr(self, "_sock") else 0

    @property
    def proto(self) -> int:
        return self._sock.protocol.value if hasattr(self, "_sock") else 0

    @property
    def timeout(self) -> float | None:
        return self._timeout

    def fileno(self) -> int:
        return self._sock.fd if hasattr(self, "_sock") else -1

    def detach(self) -> int:
        return sockets.detach_socket(self._sock) if self.fileno() >= 0 else -1

    def close(self) -> None:
        if self.fileno() >= 0:
            with contextlib.suppress(ConnectionResetError):
                sockets.close_socket(self._sock)

    # Waiting. A socket with a timeout does not block, and `within` waits for it.

    def settimeout(self, value: Any) -> None:
        timeout = to_timeout(value)
        sockets.set_socket_nonblocking(self._sock, timeout is not None)
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        return self._timeout

    def setblocking(self, flag: Any) -> None:
        self.settimeout(None if flag else 0.0)

    def getblocking(self) -> bool:
        return self._timeout != 0

    def _within(self, procedure: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            if self._timeout:
                return sockets.or_raise(
                    sockets.within(self._timeout, procedure, self._sock, *arguments, **named)
                )
            return sockets.or_raise(procedure(self._sock, *arguments, **named))
        except sockets.SocketCondition as condition:
            if self._timeout and condition.type == errno.ETIMEDOUT:
                raise TimeoutError("timed out") from condition
            raise

    # Names and connections.

    def bind(self, address: Any) -> None:
        sockets.bind_socket(self._sock, to_address(self.family, address, "bind"))

    def listen(self, backlog: Any = None) -> None:
        backlog = min(_socket.SOMAXCONN, 128) if backlog is None else to_int(backlog)
        sockets.listen_socket(self._sock, max(0, backlog))

    def _accept(self) -> tuple[int, Any]:
        accepted, address = self._within(sockets.accept_socket)
        return sockets.detach_socket(accepted), from_address(address)

    def connect(self, address: Any) -> None:
        self._within(sockets.connect_socket, to_address(self.family, address, "connect"))

    def connect_ex(self, address: Any) -> int:
        foreign = to_address(self.family, address, "connect_ex")
        try:
            self._within(sockets.connect_socket, foreign)
        except sockets.SocketCondition as condition:
            return condition.type
        except TimeoutError:
            return errno.EWOULDBLOCK
        return 0

    def getsockname(self) -> Any:
        return from_address(sockets.get_socket_name(self._sock))

    def getpeername(self) -> Any:
        return from_address(sockets.get_peer_name(self._sock))

    def shutdown(self, how: int) -> None:
        sockets.shutdown_socket(self._sock, sockets.ShutdownMethod(to_int(how)))

    # Bytes.

    def send(self, data: Any, flags: int = 0) -> int:
        flags = flags_of(sockets.SendToOption, flags)
        return int(self._within(sockets.send_to_socket, expect_bytes(data), None, *flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        data, flags = expect_bytes(data), flags_of(sockets.SendToOption, flags)
        try:
            sockets.or_raise(
                sockets.send_all(self._sock, data, None, *flags, timeout=self._timeout)
            )
        except sockets.SocketCondition as condition:
            if self._timeout is None or condition.type != errno.ETIMEDOUT:
                raise
            if self._timeout:
                raise TimeoutError("timed out") from condition
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from condition

    def sendto(self, *arguments: Any) -> int:
        if not 2 <= len(arguments) <= 3:
            raise TypeError(f"sendto() takes 2 or 3 arguments ({len(arguments)} given)")
        data, flags, address = arguments[0], arguments[1:-1], arguments[-1]
        data, flags = expect_bytes(data), flags_of(sockets.SendToOption, *(flags or (0,)))
        foreign = to_address(self.family, address, "sendto")
        return int(self._within(sockets.send_to_socket, data, foreign, *flags))

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        return self._receive(to_size(bufsize, "recvfrom"), flags)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        return self._receive(to_size(bufsize, "recv"), flags)[0]

    def _receive(self, size: int, flags: int) -> tuple[bytes, Any]:
        flags = flags_of(sockets.ReceiveFromOption, flags)
        data, address = self._within(sockets.receive_from_socket, size, *flags)
        return data, from_address(address)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        return self._receive_into(buffer, to_size(nbytes, "recvfrom_into"), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return self._receive_into(buffer, to_size(nbytes, "recv_into"), flags)[0]

    def _receive_into(self, buffer: Any, size: int, flags: int) -> tuple[int, Any]:
        flags = flags_of(sockets.ReceiveFromOption, flags)
        with memoryview(buffer) as whole, whole.cast("B") as view:
            if size > len(view):
                raise ValueError("buffer too small for requested bytes")
            with view[: size or len(view)] as part:
                count, address = self._within(sockets.receive_into_socket, part, *flags)
        return count, from_address(address)

    # Messages. What came beside the bytes is bytes here too.

    def sendmsg(
        self, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None
    ) -> int:
        flags = flags_of(sockets.SendToOption, flags)
        items = []
        for each in ancdata:
            if len(each) != 3:
                raise TypeError("[sendmsg] ancillary data must be of three: level, type, data")
            items.append(sockets.AncillaryData(to_int(each[0]), to_int(each[1]), each[2]))
        foreign = None if address is None else to_address(self.family, address, "sendmsg")
        return int(self._within(
            sockets.send_message, [expect_bytes(each) for each in buffers], foreign, items, *flags
        ))

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> tuple[Any, ...]:
        return self._receive_message(
            sockets.receive_message, to_size(bufsize, "recvmsg"), ancbufsize, flags
        )

    def recvmsg_into(self, buffers: Any, ancbufsize: int = 0, flags: int = 0) -> tuple[Any, ...]:
        return self._receive_message(
            sockets.receive_message_into, list(buffers), ancbufsize, flags
        )

    def _receive_message(
        self, procedure: Any, room: Any, ancbufsize: int, flags: Any
    ) -> tuple[Any, ...]:
        flags = flags_of(sockets.ReceiveFromOption, flags)
        items_room = min(to_size(ancbufsize, "recvmsg"), 4096)
        data, header = self._within(procedure, room, *flags, room=items_room)
        items = [from_item(item) for item in header.items]
        return data, items, header.flags, from_address(header.address)

    # Options. C's functions have no types: an int, or bytes.

    def _size(self) -> int:
        return 8 if self.family == _socket.AF_VSOCK else 4

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        if not 0 <= buflen <= 1024:
            raise OSError("getsockopt buflen out of range")
        option = sockets.SocketOption(optname, buflen or self._size(), bytes, bytes, level)
        value = sockets.get_socket_option(self._sock, option)
        return value if buflen else int.from_bytes(value, sys.byteorder, signed=True)

    def setsockopt(self, level: int, optname: int, value: Any, optlen: int | None = None) -> None:
        if value is None or optlen is not None:
            raise TypeError("setsockopt: an option without a value has no way through sockets")
        if isinstance(value, int):
            data = to_int(value).to_bytes(self._size(), sys.byteorder, signed=True)
        else:
            data = bytes(expect_bytes(value))
        option = sockets.SocketOption(optname, len(data), bytes, bytes, level)
        sockets.set_socket_option(self._sock, option, data)


# Functions of the module.


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, ...]]:
    if isinstance(host, (bytes, bytearray)):
        host = host.decode()
    if isinstance(port, bytes):
        port = port.decode()
    if port is not None:
        port = str(port)
        port.encode()  # a UnicodeEncodeError, for which programs may ask
    infos, name = sockets.get_address_info(
        host, port,
        domain_of(family) if family else None,
        sockets.SocketType(type) if type else None,
        sockets.SocketProtocol(proto) if proto else None,
        *flags_of(sockets.AddressInfoOption, flags),
    )
    return [
        (info.domain.value, info.type.value, info.protocol.value, name or "",
            from_address(info.address))
        for info in infos
    ]


def gethostbyname(host: Any) -> str:
    return str(sockets.InternetAddress(find_host(host, sockets.InternetAddress).ip, None))


def getnameinfo(sockaddr: Any, flags: int) -> tuple[str, str]:
    if not isinstance(sockaddr, tuple):
        del sockaddr  # what fails here keeps no hold of it
        raise TypeError("getnameinfo() argument 1 must be a tuple")
    host, port, *more = sockaddr
    numeric = sockets.AddressInfoOption.NUMERIC_HOST
    infos, _ = sockets.get_address_info(
        host, port, None, sockets.SocketType.DATAGRAM, None, numeric
    )
    address = infos[0].address
    if more:
        address = to_address(infos[0].domain.value, (host, port, *more), "getnameinfo")
    return sockets.get_name_info(address, *flags_of(sockets.NameInfoOption, flags))


def found(entry: Any, what: str) -> Any:
    if entry is None:
        raise OSError(f"{what} not found")
    return entry


def getprotobyname(name: str) -> int:
    return int(found(sockets.get_protocol_by_name(name), "protocol").value.value)


def getservbyname(name: str, protocol: str | None = None) -> int:
    return int(found(sockets.get_service_by_name(name, protocol), "service/proto").port)


def getservbyport(port: int, protocol: str | None = None) -> str:
    return str(found(sockets.get_service_by_port(to_port(port), protocol), "port/proto").name)


def gethostname() -> str:
    return sockets.get_host_name()


def if_nameindex() -> list[tuple[int, str]]:
    return [(each.index, each.name) for each in sockets.get_interfaces()]


def if_nametoindex(name: Any) -> int:
    return int(found(sockets.get_interface_by_name(os.fsdecode(name)), "interface").index)


def if_indextoname(index: int) -> str:
    if not 0 <= index < 2**32:
        raise OverflowError(f"{index} is no index of an interface")
    entry = sockets.get_interface_by_index(index) if index else None
    return str(found(entry, "interface").name)


def socketpair(
    family: int = _socket.AF_UNIX, type: int = _socket.SOCK_STREAM, proto: int = 0
) -> tuple[socket, socket]:
    pair = sockets.make_socket_pair(
        domain_of(family), sockets.SocketType(operator.index(type)), sockets.SocketProtocol(proto)
    )
    for each in pair:
        sockets.set_socket_nonblocking(each, False)
    first, second = [
        socket(family, type, proto, fileno=sockets.detach_socket(each)) for each in pair
    ]
    return first, second


def dup(fd: int) -> int:
    original = sockets.adopt_descriptor(fd)
    try:
        return sockets.detach_socket(sockets.duplicate_socket(original))
    finally:
        sockets.detach_socket(original)


def close(fd: int) -> None:
    if fd < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    sockets.close_socket(sockets.adopt_descriptor(fd))


def getdefaulttimeout() -> float | None:
    return default_timeout


def setdefaulttimeout(timeout: Any) -> None:
    global default_timeout
    default_timeout = to_timeout(timeout)


REPLACED = [
    socket, getaddrinfo, getnameinfo, gethostbyname, getprotobyname, getservbyname, getservbyport,
    gethostname, if_nameindex, if_nametoindex, if_indextoname, socketpair, dup, close,
    getdefaulttimeout, setdefaulttimeout,
]


def install() -> None:
    assert "socket" not in sys.modules, "too late: the module socket has a class already"
    for each in REPLACED:
        setattr(_socket, each.__name__, each)
    _socket.SocketType = socket  # type: ignore[misc]
