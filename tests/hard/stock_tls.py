"""TLS for the sockets of stock_socket.py.

CPython's `_ssl` reads and writes by descriptor, and takes nothing but its own `_socket.socket`.
It can also leave to others what it has for the peer, and wants from it; so these bytes are
carried here, by the socket's own methods. `ssl.SSLSocket` asks no more of its TLS than this class.
"""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Callable
from typing import Any

import stock_socket


class Tls:
    def __init__(self, sock: Any, *arguments: Any, context: Any, **named: Any) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.held = context._wrap_bio(self.incoming, self.outgoing, *arguments, **named)
        self.sock = weakref.ref(sock)
        self.unsent = b""
        self.record = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.held, name)

    def __setattr__(self, name: str, value: Any) -> None:
        target = self.held if name in ("context", "owner", "session") else self
        object.__setattr__(target, name, value)

    def do_handshake(self) -> None:
        self.carry("handshake", self.held.do_handshake)

    def read(self, *arguments: Any) -> Any:
        return self.carry("read", self.held.read, *arguments)

    def write(self, data: Any) -> int:
        return int(self.carry("write", self.held.write, data))

    def shutdown(self) -> Any:
        self.carry("read", self.held.shutdown)
        return self.sock()

    def carry(self, what: str, procedure: Callable[..., Any], *arguments: Any) -> Any:
        """Call the procedure, and as often again as the peer has to be heard before it ends."""
        try:
            self.send_rest()
            while True:
                try:
                    return procedure(*arguments)
                except ssl.SSLWantReadError:
                    self.send_rest()
                    self.receive()
                finally:
                    self.send_rest()
        except TimeoutError:
            raise TimeoutError(f"The {what} operation timed out") from None

    def send_rest(self) -> None:
        self.unsent += self.outgoing.read()
        while self.unsent:
            try:
                self.unsent = self.unsent[stock_socket.socket.send(self.sock(), self.unsent):]
            except BlockingIOError:
                raise ssl.SSLWantWriteError(
                    ssl.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)"
                ) from None

    def receive(self) -> None:
        """Receive to the end of a record at most: what nobody reads yet stays with the kernel.

        Else a program that waits until the socket is readable would wait for what is here.
        """
        size = 5 + int.from_bytes(self.record[3:5], "big") if len(self.record) >= 5 else 5
        try:
            data = stock_socket.socket.recv(self.sock(), size - len(self.record))
        except BlockingIOError:
            raise ssl.SSLWantReadError(
                ssl.SSL_ERROR_WANT_READ, "The operation did not complete (read)"
            ) from None
        if not data:
            self.incoming.write_eof()
            return
        self.incoming.write(data)
        self.record += data
        if len(self.record) == size > 5:
            self.record = b""


def install() -> None:
    def wrap_socket(self: Any, sock: Any, *arguments: Any, **named: Any) -> Tls:
        return Tls(sock, *arguments, context=self, **named)

    ssl.SSLContext._wrap_socket = wrap_socket  # type: ignore[attr-defined]
