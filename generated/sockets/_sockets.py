"""BSD sockets with types, values and honest errors.

The program of `sockets.md`, from which this file is tangled. Use it through
the package `sockets`, whose names are the public ones.
"""

from __future__ import annotations

import errno
import os
import sys
from itertools import starmap
from _thread import RLock
from _warnings import warn
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ipaddress
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from typing import (
        IO, Any, ClassVar, Concatenate, Generic, Literal, NoReturn, ParamSpec, Self, overload,
    )

    from typing_extensions import Buffer, TypeVar

    First = TypeVar("First")
    Second = TypeVar("Second")
    Result = TypeVar("Result")
    Value = TypeVar("Value", default=Any)
    Rest = ParamSpec("Rest")

WINDOWS = sys.platform == "win32"
DESCRIPTORS = sys.maxsize if WINDOWS else 2**31 - 1  # the greatest
class Later:
    """What an expression means, at the time when somebody wants something of it."""

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def __getattr__(self, name: str) -> Any:
        return getattr(eval(self.expression), name)

    def __getitem__(self, item: object) -> Any:
        if isinstance(item, tuple):
            item = tuple([eval(i.expression) if isinstance(i, Later) else i for i in item])
        return eval(self.expression)[item]


globals().update(
    Any="__import__('typing').Any",
    Buffer="getattr(__import__('_collections_abc'), 'Buffer', Any)",  # from Python 3.12 on
    NoReturn="__import__('typing').NoReturn",
    Self="__import__('typing').Self",
    ipaddress=Later("__import__('ipaddress')"),
    Rest=Later("__import__('typing').ParamSpec('Rest')"),
    socket=Later("__import__('socket')"),
    **{name: f"__import__('typing').TypeVar('{name}')"
       for name in ("First", "Second", "Result", "Value")},
    **{name: Later(f"__import__('typing').{name}")
       for name in ("IO", "Callable", "ClassVar", "Concatenate", "Iterator", "Literal",
                    "Sequence")},
)


def unsupported_feature(feature: str) -> NoReturn:
    raise NotImplementedError(f"{feature}: not supported on this platform ({sys.platform})")


def on_machine(*, windows: Any, macos: Any, other: Any) -> Any:
    if WINDOWS:
        return windows
    return macos if sys.platform == "darwin" else other
C_LIBRARIES = on_machine(windows=["ws2_32"], macos=[], other=[])
VALUES_LIBRARY = "socket-ffi-values" + on_machine(windows=".dll", macos=".dylib", other=".so")
if __package__:
    try:
        from ._stub import ffi, lib
        from ._values import FOREIGN_VALUES
    except ModuleNotFoundError as missing:
        raise ImportError(
            f"sockets: {missing.name} is missing; in a checkout, run `make build`, and then its "
            f".venv/bin/python (this is {sys.executable}); elsewhere, install the package with "
            "pip (either needs a C compiler)"
        ) from None


def resolve(name: str) -> str:
    for directory in sys.path:
        path = os.path.join(directory, name)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"{name} is in none of the directories {sys.path}")


def define_foreign_values(
    shared_object: str, proc_name: str, names: Sequence[str]
) -> dict[str, int]:
    from cffi import FFI

    for text in (shared_object, proc_name, *names):
        if not isinstance(text, str):
            raise TypeError(f"define_foreign_values: {text!r} must be a str")
    if len(set(names)) < len(names):
        raise ValueError("define_foreign_values: a name stands in the list twice")
    foreign = FFI()
    foreign.cdef(f"int {proc_name}(const char *name, long long *value);")
    procedure = getattr(foreign.dlopen(resolve(shared_object)), proc_name)


    def get_ffi_value(name: str) -> int | None:
        value = foreign.new("long long *")
        known = procedure(name.encode(), value)
        if not known:
            raise LookupError(f"{shared_object} does not know the value {name!r}")
        return int(value[0]) if known == 1 else None
    answers = {name: get_ffi_value(name) for name in names}
    return {name: value for name, value in answers.items() if value is not None}


def list_foreign_names(shared_object: str, proc_name: str) -> list[str]:
    from cffi import FFI

    foreign: Any = FFI()
    foreign.cdef(f"const char *{proc_name}(size_t place);")
    procedure = getattr(foreign.dlopen(resolve(shared_object)), proc_name)
    names: list[str] = []
    while (name := procedure(len(names))) != foreign.NULL:
        names.append(foreign.string(name).decode())
    return names


def define_bindings(values: dict[str, int]) -> str:
    lines = "".join(f'    "{name}": {value},\n' for name, value in values.items())
    return f"FOREIGN_VALUES: dict[str, int] = {{\n{lines}}}\n"
FOREIGN_TYPES: list[str] = []
KEEPS_LOCK: dict[str, bool] = {}
NOT_ON_WINDOWS = {
    "getprotoent_block": "next_protocol_entry", "setprotoent_block": "open_protocol_database",
    "endprotoent_block": "close_protocol_database", "socketpair_block": "make_socket_pair",
    "duplicate_block": "duplicate_socket", "if_nametoindex_keep": "the name of an interface",
    "if_indextoname_keep": "the name of an interface",
    "if_nameindex_block": "the list of interfaces",
}


def declare(text: str) -> None:
    FOREIGN_TYPES.append(text)


def define_ffi(names: str) -> list[Callable[..., int]]:
    return [
        lacking(NOT_ON_WINDOWS[name]) if WINDOWS and name in NOT_ON_WINDOWS else find_stub(name)
        for name in names.split()
    ]


def find_stub(name: str) -> Callable[..., int]:
    KEEPS_LOCK[name] = not name.endswith("_block")
    stub: Callable[..., int] = getattr(lib, name) if __package__ else len  # not called
    return stub


def lacking(feature: str) -> Callable[..., int]:
    return lambda *arguments: unsupported_feature(feature)

FOREIGN_NAMES = (
    "$error-again", "$error-in-progress", "$error-would-block", "$file-set-flag",
    "$format-message-allocate-buffer", "$format-message-from-system", "$ipproto-ip",
    "$ipproto-raw", "$ipproto-tcp", "$ipproto-udp", "$option-non-blocking", "$socket-error",
    "$sol-socket", "%ai/canonname", "%ai/numerichost", "%ai/passive", "%msg/dont-route",
    "%msg/dont-wait", "%msg/out-of-band", "%msg/peek", "%msg/wait-all", "%shutdown/read",
    "%shutdown/read&write", "%shutdown/write", "%socket-domain/internet",
    "%socket-domain/internet-v6", "%socket-domain/local", "%socket-domain/unix",
    "%socket-type/datagram", "%socket-type/random", "%socket-type/raw",
    "%socket-type/sequence-packet", "%socket-type/stream", "%somaxconn", "af-inet", "af-unix",
    "invalid-socket", "size-of/addr-in", "size-of/addr-un", "size-of/addrinfo",
    "size-of/integer", "size-of/ip", "size-of/pointer", "size-of/port", "size-of/protoent",
    "size-of/sa-family", "size-of/size-t", "size-of/sockaddr-in", "size-of/sockaddr-un",
    "size-of/socklen-t", "size-of/wsa-data", "unix-max-path",
)

if not __package__:
    further = set(list_foreign_names(VALUES_LIBRARY, "get_ffi_name")).difference(FOREIGN_NAMES)
    FOREIGN_VALUES = define_foreign_values(
        VALUES_LIBRARY, "get_ffi_value", [*FOREIGN_NAMES, *sorted(further)]
    )
ERROR_AGAIN = FOREIGN_VALUES["$error-again"]
ERROR_IN_PROGRESS = FOREIGN_VALUES["$error-in-progress"]
ERROR_WOULD_BLOCK = FOREIGN_VALUES["$error-would-block"]
ERROR_CONNECTING = ERROR_WOULD_BLOCK if WINDOWS else ERROR_IN_PROGRESS
ERROR_BAD_DESCRIPTOR = errno.ENOTSOCK if WINDOWS else errno.EBADF
ERROR_INVALID = getattr(errno, "WSAEINVAL", errno.EINVAL)
INTERRUPTED = -errno.EINTR
LEAST_INT = -(2**31)
ADDRESS_ROOM = FOREIGN_VALUES["size-of/sockaddr-storage"]
SIZE_OF_ADDRESS = FOREIGN_VALUES["size-of/sockaddr-in"]
NOT_YET = ERROR_AGAIN, ERROR_WOULD_BLOCK
DONT_WAIT = FOREIGN_VALUES.get("%msg/dont-wait", 0)

HAS_UNIX_SOCKETS = "af-unix" in FOREIGN_VALUES
"""Whether there are UNIX sockets, unix(7): SocketDomain.UNIX, and addresses for it.

Value: a bool, False on Windows."""
HAS_DONT_WAIT = "%msg/dont-wait" in FOREIGN_VALUES
"""Whether there is MSG_DONTWAIT, recvfrom(2): ReceiveFromOption.DONT_WAIT.

Value: a bool, False on Windows."""
HAS_REUSE_PORT = "$so/reuse-port" in FOREIGN_VALUES
"""Whether there is SO_REUSEPORT, socket(7): SocketOption.REUSE_PORT.

Value: a bool, True on Linux, macOS and the BSDs."""
HAS_KEEP_ALIVE_TIMES = all(
    f"$tcp/keep-{what}" in FOREIGN_VALUES for what in ("idle", "interval", "count")
)
"""Whether there are TCP_KEEPIDLE and its like, tcp(7): three options of TcpOption.

Value: a bool, True on Linux, macOS, FreeBSD, NetBSD and Windows 10."""
HAS_RECEIVE_OFFLOAD = "$udp/receive-offload" in FOREIGN_VALUES
"""Whether there is UDP_GRO, udp(7): UdpOption.RECEIVE_OFFLOAD.

Value: a bool, True on Linux; a kernel before 5.0 refuses the option nevertheless."""
HAS_MESSAGES = not WINDOWS
"""Whether there are sendmsg and recvmsg, sendmsg(2): send_message, receive_message, their items.

Value: a bool, False on Windows."""
HAS_PROTOCOL_ITERATION = not WINDOWS
"""Whether the protocol database can be gone through, getprotoent(3): next_protocol_entry.

Value: a bool, False on Windows."""
RESOLVERS = "getaddrinfo", "getnameinfo"
RESOLVER_CODES = {
    value: "EAI_" + name[5:].upper() for name, value in FOREIGN_VALUES.items()
    if name.startswith("%eai/")
}
ABSTRACT_NAMES = sys.platform in ("linux", "android")

if WINDOWS:


    def errno_message(type: int) -> str:
        text = ffi.new("wchar_t[]", 512)
        length = format_message_keep(FOREIGN_VALUES["$format-message-from-system"], type, text, 512)
        return ffi.string(text, length).strip() if length else f"error {type}"
else:


    def errno_message(type: int) -> str:
        return os.strerror(type)


def call_with_errno(procedure: Callable[..., int], sock: Socket, *arguments: object) -> int:
    while (result := procedure(sock._foreign, *arguments)) == INTERRUPTED:
        pass
    return result


def wait_for_rest(sock: Socket, writing: bool, since: float) -> int:
    return call_with_errno(wait_for_rest_block, sock, writing, since)


def later(procedure: Callable[..., Any], *arguments: object) -> map[Any]:
    return map(procedure, *[each if isinstance(each, map) else (each,) for each in arguments])


def make_descriptor(owner: Socket, procedure: Callable[..., int], *arguments: object) -> int:
    foreign = owner._foreign
    next(later(setattr, foreign, "fd", later(procedure, *arguments)))
    result: int = foreign.fd
    if result < 0:
        foreign.fd = -1
    return result


def keeping(answers: list[Result], procedure: Callable[..., Result]) -> Callable[..., Result]:
    def ask(*arguments: object) -> Result:
        answers.extend(starmap(procedure, (arguments,)))
        return answers[-1]

    return ask


def tell_done(failure: BaseException, done: object) -> None:
    try:
        failure.done = done  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        failure.add_note(f"done before that: {done!r}")
declare("""
    typedef int... socket_t;
    typedef int... socklen_t;
    struct foreign_socket { socket_t fd; ...; };
    struct foreign_frame { socklen_t length; ...; };
    struct foreign_resolution { struct addrinfo *list; int system_error; int count; ...; };
    struct foreign_protocol { struct protoent *found; ...; };
    void freeaddrinfo(struct addrinfo *list);
    const char *gai_strerror(int code);
""")
gai_strerror: Callable[..., Any]
clock_keep: Callable[..., float]
socket_block, close_block, shutdown_block, bind_block, listen_keep, poll_block = define_ffi(
    "socket_block close_block shutdown_block bind_block listen_keep poll_block"
)
sendto_keep, recvfrom_keep, getsockname_keep, getpeername_keep, address_family_keep = define_ffi(
    "sendto_keep recvfrom_keep getsockname_keep getpeername_keep address_family_keep"
)
getsockopt_block, getsockopt_keep, getsockopt_number_keep = define_ffi(
    "getsockopt_block getsockopt_keep getsockopt_number_keep"
)
setsockopt_block, setsockopt_keep, setsockopt_number_keep, note_options_keep = define_ffi(
    "setsockopt_block setsockopt_keep setsockopt_number_keep note_options_keep"
)
get_nonblocking_block, set_nonblocking_keep, clock_keep = define_ffi(
    "get_nonblocking_block set_nonblocking_keep clock_keep"
)
wait_for_rest_block, connect_wait_block = define_ffi("wait_for_rest_block connect_wait_block")
getaddrinfo_block, copy_addresses_keep, freeaddrinfo, gai_strerror = define_ffi(
    "getaddrinfo_block copy_addresses_keep freeaddrinfo gai_strerror"
)
getprotobyname_block, getprotobynumber_block = define_ffi(
    "getprotobyname_block getprotobynumber_block"
)
begin_era_keep, drop_block = define_ffi("begin_era_keep drop_block")
if __package__:
    foreign_socket = ffi.typeof("struct foreign_socket *")
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin_era_keep)


def make_foreign_socket(fd: int) -> Any:
    return ffi.new(foreign_socket, (fd,))


def make_foreign_owner() -> Any:
    return ffi.gc(make_foreign_socket(-1), drop_block)
declare("""
    struct foreign_run {
        size_t start, length, size; int error, truncated; struct foreign_frame source; ...;
    };
""")
sendmmsg_keep, sendmmsg_block, recvmmsg_keep, recvmmsg_block = define_ffi(
    "sendmmsg_keep sendmmsg_block recvmmsg_keep recvmmsg_block"
)
if __package__:
    SIZES = ffi.typeof("size_t[]")
getprotoent_block, setprotoent_block, endprotoent_block = define_ffi(
    "getprotoent_block setprotoent_block endprotoent_block"
)
socketpair_block, duplicate_block, if_nametoindex_keep = define_ffi(
    "socketpair_block duplicate_block if_nametoindex_keep"
)
if WINDOWS:
    format_message_keep, winsock_start_keep = define_ffi("format_message_keep winsock_start_keep")
if WINDOWS:
    def sendfile_block(*arguments: object) -> int:
        return -errno.ENOSYS
else:
    [sendfile_block] = define_ffi("sendfile_block")
accept_block, connect_block, sendto_block, recvfrom_block = define_ffi(
    "accept_block connect_block sendto_block recvfrom_block"
)
if __package__:
    any_pointer = ffi.typeof("void *")


def find_audit() -> int:
    import _cffi_backend

    python = None
    if sys.platform == "win32":
        python = ffi.cast("void *", sys.dllhandle)
    try:
        library: Any = _cffi_backend.load_library(python, 0)
        return int(ffi.cast("uintptr_t", library.load_function(any_pointer, "PySys_Audit")))
    except (AttributeError, OSError):
        return 0
[make_fast_module_keep] = define_ffi("make_fast_module_keep")
fast: Any = None  # C puts the module of §90T here
HAS_BASES_IN_C = bool(
    __package__ and make_fast_module_keep() and fast.make_bases(ffi.new, foreign_socket)
)

if TYPE_CHECKING or not HAS_BASES_IN_C:

    class SocketBase:
        __slots__ = ("_domain", "_foreign", "_nonblocking", "_protocol", "_type")

        _foreign: Any
        _domain: SocketDomain
        _type: SocketType
        _protocol: SocketProtocol
        _nonblocking: bool

        def __new__(cls, *arguments: object, **named: object) -> Self:
            self = object.__new__(cls)
            self._foreign, self._nonblocking = make_foreign_owner(), False
            return self

    class ConstantBase:
        __slots__ = ("value",)

        value: int

    class DomainBase(ConstantBase):
        __slots__ = ("extractor",)

        extractor: Callable[[bytes], SocketAddress]

    class InfoBase:
        __slots__ = ("domain", "type", "protocol", "address")

        domain: SocketDomain
        type: SocketType
        protocol: SocketProtocol
        address: SocketAddress

    class AddressBase:
        __slots__ = ("_packed",)

        _packed: bytes

    class RunBase:
        __slots__ = ("data", "size", "address", "truncated")

        data: bytes
        size: int
        address: SocketAddress | None
        truncated: bool

    class HeaderBase:
        __slots__ = ("address", "items", "flags")

        address: SocketAddress | None
        items: tuple[AncillaryItem, ...]
        flags: int

    class OptionBase:
        __slots__ = ("_number", "_quick")

        _quick: bool
        _number: tuple[Any, Any, Any, int, int] | None

else:
    SocketBase, ConstantBase, DomainBase = fast.SocketBase, fast.ConstantBase, fast.DomainBase
    InfoBase, AddressBase, OptionBase = fast.InfoBase, fast.AddressBase, fast.OptionBase
    RunBase, HeaderBase = fast.RunBase, fast.HeaderBase
CONTROL_ROOM = 4096
if not WINDOWS:
    declare("""
        struct iovec { void *iov_base; size_t iov_len; ...; };
        struct foreign_control {
            char bytes[4096]; int descriptors[1024]; size_t length; int flags, items; ...;
        };
    """)
    sendmsg_keep, sendmsg_block, recvmsg_keep, recvmsg_block = define_ffi(
        "sendmsg_keep sendmsg_block recvmsg_keep recvmsg_block"
    )
    close_descriptors_block, move_descriptor_keep, drop_control_block = define_ffi(
        "close_descriptors_block move_descriptor_keep drop_control_block"
    )
    if __package__:
        IOVECS = ffi.typeof("struct iovec[]")
        CONTROL = ffi.typeof("struct foreign_control *")


def new_control() -> Any:
    memory = new_uncleared(CONTROL)
    memory.length = 0
    return ffi.gc(memory, drop_control_block)


class Control:
    __slots__ = ("struct", "table", "parts", "bytes")

    def __init__(self) -> None:
        self.table = new_uncleared("int[]", 4 * (CONTROL_ROOM // 12))
        self.parts = ffi.new(IOVECS, 1)
        self.renew()

    def renew(self) -> None:
        self.struct = new_control()
        self.bytes = ffi.buffer(self.struct, CONTROL_ROOM)


controls: list[Control] = []


def take_control() -> Control:
    try:
        return controls.pop()
    except IndexError:
        return Control()
if HAS_UNIX_SOCKETS:
    declare("struct sockaddr_un { char sun_path[...]; ...; };")
declare("struct sockaddr { char sa_data[...]; ...; };")
[address_header_keep] = define_ffi("address_header_keep")


def make_foreign_unix_address(path: bytes) -> bytes:
    path = exact_bytes(path)
    abstract = ABSTRACT_NAMES and path[:1] == b"\0"
    limit = FOREIGN_VALUES["unix-max-path"]
    if len(path) > limit:
        raise ValueError(
            f"UnixAddress: path is {len(path)} bytes long, and at most {limit} fit: "
            f"{os.fsdecode(path)!r}"
        )
    if b"\0" in path and not abstract:
        raise ValueError(f"UnixAddress: path has a NUL in it: {os.fsdecode(path)!r}")
    length = ffi.offsetof("struct sockaddr_un", "sun_path") + len(path)
    if path and not abstract and len(path) < limit:
        length += 1
    address = ffi.new("struct sockaddr_un *")
    address_header_keep(address, FOREIGN_VALUES["af-unix"], length)
    ffi.memmove(address.sun_path, path, len(path))
    return bytes(ffi.buffer(address)[:length])


def foreign_unix_address_path(packed: bytes) -> bytes:
    path = packed[ffi.offsetof("struct sockaddr_un", "sun_path") :]
    return path if ABSTRACT_NAMES and path[:1] == b"\0" else path.partition(b"\0")[0]
declare("""
    struct in_addr { uint32_t s_addr; ...; };
    struct sockaddr_in { uint16_t sin_port; struct in_addr sin_addr; ...; };
""")


def make_foreign_ipv4_address(port: int, ip: int) -> bytes:
    address = ffi.new("struct sockaddr_in *")
    address_header_keep(address, FOREIGN_VALUES["af-inet"], ffi.sizeof(address[0]))
    address.sin_port = host_to_network_u16(port)
    address.sin_addr.s_addr = host_to_network_u32(ip)
    return bytes(ffi.buffer(address))


def foreign_ipv4_address_ip(packed: bytes) -> int:
    return network_to_host_u32(ffi.from_buffer("struct sockaddr_in *", packed).sin_addr.s_addr)


def foreign_ipv4_address_port(packed: bytes) -> int:
    return network_to_host_u16(ffi.from_buffer("struct sockaddr_in *", packed).sin_port)


def host_to_network_u16(x: int) -> int:
    return int.from_bytes(x.to_bytes(2, "big"), sys.byteorder)


def host_to_network_u32(x: int) -> int:
    return int.from_bytes(x.to_bytes(4, "big"), sys.byteorder)


network_to_host_u16 = host_to_network_u16
network_to_host_u32 = host_to_network_u32
declare(f"""
    struct addrinfo {{
        int ai_flags, ai_family, ai_socktype, ai_protocol;
        {on_machine(windows="size_t", macos="socklen_t", other="socklen_t")} ai_addrlen;
        struct sockaddr *ai_addr;
        char *ai_canonname;
        struct addrinfo *ai_next;
        ...;
    }};
""")


if __package__:
    hints_type, resolution_type = map(
        ffi.typeof, ("struct addrinfo *", "struct foreign_resolution *")
    )
    integers_type, bytes_type = map(ffi.typeof, ("int[]", "char[]"))
    QUARTER = ADDRESS_ROOM // 4


def new_resolution() -> Any:
    return ffi.new(resolution_type)


def make_foreign_address_info(flags: int, family: int, type: int, protocol: int) -> Any:
    return ffi.new(hints_type, (flags, family, type, protocol))


def foreign_address_infos(found: Any) -> Iterator[tuple[int, int, int, bytes]]:
    size = 4 * found.count
    numbers, addresses = ffi.new(integers_type, size), ffi.new(bytes_type, size * QUARTER)
    copy_addresses_keep(found, numbers, addresses)
    packed, values = ffi.buffer(addresses)[:], ffi.unpack(numbers, size)
    for at in range(0, size, 4):
        start = at * QUARTER
        yield values[at], values[at + 1], values[at + 2], packed[start : start + values[at + 3]]


def foreign_address_info_canonical_name(entry: Any) -> str | None:
    return get_foreign_string(entry.ai_canonname) if entry else None
declare(f"""
    struct protoent {{
        char *p_name;
        char **p_aliases;
        {on_machine(windows="short", macos="int", other="int")} p_proto;
        ...;
    }};
""")


def foreign_protocol_entry_name(x: Any) -> str:
    return get_foreign_string(x.p_name) or ""


def foreign_protocol_entry_aliases(x: Any) -> tuple[str, ...]:
    return get_foreign_strings(x.p_aliases)


def foreign_protocol_entry_protocol(x: Any) -> int:
    number: int = x.p_proto
    return number
declare(f"""
    struct servent {{
        char *s_name;
        char **s_aliases;
        {on_machine(windows="short", macos="int", other="int")} s_port;
        char *s_proto;
        ...;
    }};
    struct foreign_service {{ struct servent *found; ...; }};
""")
getservbyname_block, getservbyport_block = define_ffi("getservbyname_block getservbyport_block")
declare("struct foreign_names { char host[...], service[...]; int system_error; ...; };")
[getnameinfo_block] = define_ffi("getnameinfo_block")
declare("struct foreign_interface { unsigned index; char name[...]; };")
gethostname_keep, if_nameindex_block, if_indextoname_keep = define_ffi(
    "gethostname_keep if_nameindex_block if_indextoname_keep"
)


def get_foreign_string(pointer: Any) -> str | None:
    return os.fsdecode(ffi.string(pointer)) if pointer else None


def get_foreign_strings(pointer: Any) -> tuple[str, ...]:
    strings: list[str] = []
    while (string := get_foreign_string(pointer[len(strings)])) is not None:
        strings.append(string)
    return tuple(strings)
FRAME_ROOM = LONG_COPY = 65536
LONGEST = sys.maxsize
if __package__:
    new_uncleared = ffi.new_allocator(should_clear_after_alloc=False)
    NO_ADDRESS = ffi.NULL
LENDS_BYTES = sys.implementation.name == "cpython"


class Frame:
    __slots__ = ("struct", "data", "bytes", "address")

    def __init__(self, room: int) -> None:
        self.struct = ffi.new("struct foreign_frame *")
        if room > FRAME_ROOM and LENDS_BYTES:
            try:
                self.data = self.bytes = bytes(room)
            except OverflowError:
                raise MemoryError from None
        else:
            self.data = new_uncleared("char[]", room)
            self.bytes = ffi.buffer(self.data)
        self.address = ffi.buffer(self.struct, ADDRESS_ROOM)


frames: list[Frame] = []


def take_frame() -> Frame:
    try:
        return frames.pop()
    except IndexError:
        return Frame(FRAME_ROOM)
MANY = 64


class Batch:
    __slots__ = ("data", "runs")

    def __init__(self, count: int, room: int) -> None:
        self.data = new_uncleared("char[]", room + 65536)
        self.runs = new_uncleared("struct foreign_run[]", count)


batches: list[Batch] = []


def take_batch() -> Batch:
    try:
        return batches.pop()
    except IndexError:
        return Batch(MANY, LONG_COPY)


def set_blocking(sock: Socket, yes: bool) -> int:
    answer, mode = [INTERRUPTED], {0: not yes}
    while answer[0] == INTERRUPTED:
        next(zip(
            later(answer.__setitem__, 0, later(set_nonblocking_keep, sock._foreign, not yes)),
            later(
                setattr, sock, "_nonblocking",
                later(mode.get, later(answer.__getitem__, 0), sock._nonblocking),
            ),
            strict=False,
        ))
    return answer[0]

if WINDOWS and __package__ and (error := winsock_start_keep(0x0202)) != 0:
    raise ImportError(f"sockets: Winsock does not start: {errno_message(error)}")



class Socket(SocketBase):
    """Socket(fd, domain, type, protocol): a record for an open socket descriptor.

    `fd` is the descriptor; `domain`, `type` and `protocol` say what it is. The record owns the
    descriptor: close it with `close_socket`, or use the record in a `with` statement. Whether
    it blocks is asked of the kernel (on Windows, which cannot be asked, it is taken to be
    blocking). Raises TypeError or ValueError for wrong arguments, also if the record has been
    made before, SocketCondition (EBADF) for a descriptor that is not open.
    """

    __slots__ = ("__weakref__",)
    __match_args__ = ("fd", "domain", "type", "protocol")

    def __init__(
        self, fd: int, domain: SocketDomain, type: SocketType, protocol: SocketProtocol
    ) -> None:
        fd = expect_integer("Socket", "fd", fd, 0, DESCRIPTORS)
        check_kind("Socket", domain, type, protocol)
        if hasattr(self, "_domain"):
            raise ValueError(f"Socket: a record is made once, and this is one already: {self!r}")
        self._nonblocking = is_nonblocking("Socket", fd)
        self._domain, self._type, self._protocol = domain, type, protocol
        announce(self)
        note_options_keep(fd)
        self._foreign.fd = fd

    @property
    def fd(self) -> int:
        """The file descriptor; -1 once the socket is closed."""
        fd: int = self._foreign.fd
        return fd

    @property
    def domain(self) -> SocketDomain:
        return self._domain

    @property
    def type(self) -> SocketType:
        return self._type

    @property
    def protocol(self) -> SocketProtocol:
        return self._protocol

    @property
    def nonblocking(self) -> bool:
        """Whether calls return at once; change it with set_socket_nonblocking."""
        return self._nonblocking

    def __repr__(self) -> str:
        return self._text(self.fd)

    def _text(self, fd: int, *names: bytes) -> str:
        state = "closed" if fd < 0 else f"fd={fd}"
        mode = "nonblocking" if self._nonblocking else "blocking"
        ends = [str(foreign_to_socket_address(self._domain, name) or "") for name in names]
        at = "".join(f" {word} {end}" for word, end in zip(("at", "to"), ends, strict=False) if end)
        return f"<Socket {state} {self._domain!r} {self._type!r} {self._protocol!r} {mode}{at}>"

    def fileno(self) -> int:
        """The file descriptor, under the name that selectors and asyncio ask for."""
        return self.fd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.fd >= 0:
            close_socket(self)

    def __del__(self) -> None:
        foreign = getattr(self, "_foreign", None)
        fd = -1 if foreign is None else foreign.fd
        if fd >= 0:
            try:
                names = [ask_name(ask, foreign)[1] for ask in (getsockname_keep, getpeername_keep)]
            finally:
                close_block(foreign)
            self._complain(fd, 3, *names)

    def _complain(self, fd: int, stacklevel: int, *names: bytes) -> None:
        try:
            dropped = Socket._text(self, fd, *names)
        except Exception:
            dropped = f"Socket fd={fd}"
        warn(f"unclosed {dropped}", ResourceWarning, stacklevel=stacklevel, source=self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Socket cannot be copied or pickled: its descriptor has one owner")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in INSTEAD:
                return object.__getattribute__(self, name)  # which says what is wrong
            kind, instead = self.__class__.__name__, INSTEAD[name]
            raise AttributeError(
                f"{kind!r} object has no attribute {name!r}; use {instead} (what wants a socket of "
                "Python's takes that of to_python_socket)", name=name, obj=self,
            )
set_field = object.__setattr__


class Record:
    """An immutable value. Its fields are its slots; a subclass hands their values to __init__."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        if "__match_args__" not in cls.__dict__:
            own = cls.__dict__.get("__slots__", ())
            own = (own,) if isinstance(own, str) else own
            fields = tuple([slot for slot in own if slot[0] != "_"])
            type.__setattr__(cls, "__match_args__", cls.__match_args__ + fields)
        if cls.__doc__:
            cls.__doc__ = ClassText(cls.__doc__)

    def __init__(self, *values: object) -> None:
        fields = self.__match_args__
        if len(values) != len(fields):
            raise TypeError(
                f"{self.__class__.__name__} has the fields {', '.join(fields)}, "
                f"but was given {len(values)} values"
            )
        for field, value in zip(fields, values, strict=False):
            set_field(self, field, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self.__class__.__name__} is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self.__class__.__name__} is immutable: cannot delete {name!r}")

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, field) for field in self.__match_args__])

    _key = _values

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.__class__, self._key()))
    def __repr__(self) -> str:
        if id(self) in names_of_records:
            return names_of_records[id(self)][1]
        name, constant = self._named()
        if name is not None and constant is self:
            names_of_records[id(self)] = self, name
        return name or f"{self.__class__.__name__}({', '.join(self._written())})"

    def _written(self) -> list[str]:
        return list(map(written, self._values()))

    def _named(self) -> tuple[str | None, Self]:
        for kind in self.__class__.__mro__:
            for name, constant in list(vars(kind).items()):  # others may add names meanwhile
                if name.isupper() and constant == self:
                    return f"{kind.__name__}.{name}", constant
        return None, self

    def __format__(self, form: str) -> str:
        return format(str(self), form)
    def __replace__(self, /, **changes: Any) -> Self:
        fields = self.__match_args__
        values = [changes.pop(*pair) for pair in zip(fields, self._values(), strict=False)]
        if changes:
            raise TypeError(f"{self.__class__.__name__} has no field {next(iter(changes))!r}")
        return self.__class__(*values)

    def __reduce__(self) -> tuple[object, ...]:
        return remake, (self.__class__, *self._values())
names_of_records: dict[int, tuple[Record, str]] = {}


def remake(kind: Callable[..., Any], *values: object) -> Any:
    return kind(*values)._named()[1]


def written(value: object) -> str:
    name, owner = getattr(value, "__qualname__", "<"), getattr(value, "__self__", sys)
    return name if "<" not in name and isinstance(owner, (type, type(sys))) else repr(value)


class ClassText(str):
    """A docstring of a class that gives way to what is written below a record's name."""

    __slots__ = ()

    def __get__(self, record: Record | None, kind: type) -> str:
        name = None if record is None else record._named()[0]
        return self if name is None else texts_below(kind.__module__).get(name, self)


texts: dict[str, dict[str, str]] = {}


def texts_below(module: str) -> dict[str, str]:
    if module not in texts:
        import ast
        import inspect

        try:
            source = inspect.getsource(sys.modules[module])
        except (KeyError, OSError, TypeError):
            source = ""
        found = {
            f"{kind.name}.{name.target.id}": inspect.cleandoc(text.value.value)
            for kind in ast.parse(source).body if isinstance(kind, ast.ClassDef)
            for name, text in zip(kind.body, kind.body[1:], strict=False)
            if isinstance(name, ast.AnnAssign) and isinstance(name.target, ast.Name)
            and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        texts[module] = found
    return texts[module]
INSTEAD = {
    "accept": "accept_socket", "bind": "bind_socket", "close": "close_socket",
    "connect": "connect_socket", "connect_ex": "connect_socket", "detach": "detach_socket",
    "dup": "duplicate_socket", "family": "domain", "getblocking": "nonblocking",
    "getpeername": "get_peer_name", "getsockname": "get_socket_name",
    "getsockopt": "get_socket_option", "gettimeout": "nonblocking", "listen": "listen_socket",
    "makefile": "to_python_socket", "proto": "protocol", "recv": "receive_from_socket",
    "recv_into": "receive_into_socket", "recvfrom": "receive_from_socket",
    "recvfrom_into": "receive_into_socket", "recvmsg": "receive_message",
    "recvmsg_into": "receive_message_into", "send": "send_to_socket", "sendall": "send_all",
    "sendfile": "send_file", "sendmsg": "send_message", "sendto": "send_to_socket",
    "setblocking": "set_socket_nonblocking", "setsockopt": "set_socket_option",
    "settimeout": "within", "shutdown": "shutdown_socket",
}
if TYPE_CHECKING:
    class TypedBase(Generic[Value]):
        __slots__ = ()
else:
    class TypedBase:
        __slots__ = ()
        __class_getitem__ = classmethod(type(list[int]))


def mark_option(option: Any, quick: bool, number: tuple[Any, int, int, int, int] | None) -> None:
    set_field(option, "_quick", quick)
    set_field(option, "_number", number)


class SocketOption(Record, OptionBase, TypedBase[Value]):
    """SocketOption(id, size, maker, converter, level=SOL_SOCKET)

    `id` and `level` are the numbers of setsockopt(2); `size` is the greatest length of the
    value in bytes; `maker(value)` returns the bytes to set, `converter(bytes)` the value of
    the bytes got, as many as the kernel returned.
    """

    __slots__ = __match_args__ = ("id", "size", "maker", "converter", "level")

    id: int
    size: int
    maker: Callable[[Value], bytes]
    converter: Callable[[bytes], Value]
    level: int

    REUSE_ADDRESS: ClassVar[SocketOption[bool]]
    """SO_REUSEADDR, socket(7): bind to an address on which old connections still linger.

On Windows sockets that set it take an address from each other: do not set it there.
Value: a bool. Platforms: all."""
    REUSE_PORT: ClassVar[SocketOption[bool]]
    """SO_REUSEPORT, socket(7): share an address with the other sockets that have this set.

Each socket sets it before it is bound, and Linux spreads among them what arrives.
Value: a bool. Platforms: Linux, macOS, the BSDs (HAS_REUSE_PORT)."""
    BROADCAST: ClassVar[SocketOption[bool]]
    """SO_BROADCAST, socket(7): allow datagrams to a broadcast address, else EACCES.

Value: a bool. Platforms: all."""
    KEEP_ALIVE: ClassVar[SocketOption[bool]]
    """SO_KEEPALIVE, socket(7): ask a silent peer now and then whether it is still there.

TcpOption.KEEP_ALIVE_IDLE and its neighbours say how often.
Value: a bool. Platforms: all."""
    LINGER: ClassVar[SocketOption[int | None]]
    """SO_LINGER, socket(7): how long closing waits for what has not been sent yet.

Zero drops it and resets the connection. None: closing does not wait, and the system
goes on sending.
Value: an int, from 0 to 32767 seconds, or None. Platforms: all."""
    RECEIVE_BUFFER: ClassVar[SocketOption[int]]
    """SO_RCVBUF, socket(7): room in the kernel for what has arrived.

The kernel has limits of its own. Linux makes it twice what was set, to have room for its
own notes too, and reads back that.
Value: an int, from 0 to 2147483647 bytes. Platforms: all."""
    SEND_BUFFER: ClassVar[SocketOption[int]]
    """SO_SNDBUF, socket(7): room in the kernel for what is still to be sent.

It is counted as RECEIVE_BUFFER is.
Value: an int, from 0 to 2147483647 bytes. Platforms: all."""
    RECEIVE_TIMEOUT: ClassVar[SocketOption[float | None]]
    """SO_RCVTIMEO, socket(7): how long receiving waits, and accepting, if the socket blocks.

Then the call returns a condition of type EAGAIN or EWOULDBLOCK. Fractions are rounded
to a microsecond, and up to the kernel's next tick; on Windows, up to a millisecond.
Value: a float or an int, more than 0 and at most 4000000 seconds, or None for no
limit; it is read as a float or None. Platforms: all."""
    SEND_TIMEOUT: ClassVar[SocketOption[float | None]]
    """SO_SNDTIMEO, socket(7): how long sending waits, and on Linux connecting, if it blocks.

Then the call returns a condition of type EAGAIN or EWOULDBLOCK (connecting:
EINPROGRESS). It is rounded as RECEIVE_TIMEOUT is.
Value: a float or an int, more than 0 and at most 4000000 seconds, or None for no
limit; it is read as a float or None. Platforms: all."""
    ERROR: ClassVar[SocketOption[SocketCondition | None]]
    """SO_ERROR, socket(7): what went wrong since the last call, such as a connect.

Reading clears it. `finish_connect` reads it.
Value: a SocketCondition, or None; read only. Platforms: all."""
    TYPE: ClassVar[SocketOption[SocketType]]
    """SO_TYPE, socket(7): the socket's type, as the kernel knows it.

Value: a SocketType; read only. Platforms: all."""
    PASS_CREDENTIALS: ClassVar[SocketOption[bool]]
    """SO_PASSCRED, socket(7): with each message comes who has sent it, as Credentials.

Value: a bool. Platforms: Linux."""
    TIME_STAMPS: ClassVar[SocketOption[bool]]
    """SO_TIMESTAMPNS, socket(7): with each datagram comes when it has arrived, as a TimeStamp.

Value: a bool. Platforms: all but Windows; where there is only SO_TIMESTAMP, that."""
    OUT_OF_BAND_INLINE: ClassVar[SocketOption[bool]]
    """SO_OOBINLINE, socket(7): urgent data comes among the rest, and not by OUT_OF_BAND.

Value: a bool. Platforms: all."""
    RECEIVE_LOW_WATER: ClassVar[SocketOption[int]]
    """SO_RCVLOWAT, socket(7): as many bytes must be there before a receiver is woken up.

Value: an int, from 1 to 2147483647 bytes. Platforms: all but Windows."""
    PRIORITY: ClassVar[SocketOption[int]]
    """SO_PRIORITY, socket(7): which of this machine's queues what is sent waits in.

Value: an int, from 0 to 2147483647: a queue; more than 6 takes a privilege.
Platforms: Linux."""
    BUSY_POLL: ClassVar[SocketOption[int]]
    """SO_BUSY_POLL, socket(7): for how long a receive looks at the device itself before it waits.

More than the system's usual time takes a privilege.
Value: an int, from 0 to 2147483647 microseconds. Platforms: Linux."""
    MARK: ClassVar[SocketOption[int]]
    """SO_MARK, socket(7): a number that goes with each packet, for routes and filters to see.

It takes a privilege. Value: an int, from 0 to 4294967295: the mark. Platforms: Linux."""
    BIND_TO_DEVICE: ClassVar[SocketOption[str | None]]
    """SO_BINDTODEVICE, socket(7): send and receive over this interface only.

Value: a str, the name of the interface, or None for all of them. Platforms: Linux."""
    PEER_CREDENTIALS: ClassVar[SocketOption[Credentials | None]]
    """SO_PEERCRED, socket(7): who is at the other end of a UNIX connection.

Value: a Credentials, or None; read only. Platforms: Linux."""

    def __init__(
        self, id: int, size: int, maker: Callable[[Value], bytes],
        converter: Callable[[bytes], Value], level: int = FOREIGN_VALUES["$sol-socket"],
    ) -> None:
        who = self.__class__.__name__
        id = expect_integer(who, "id", id, -(2**31), 2**31 - 1)
        size = expect_integer(who, "size", size, 1, 65536, "bytes")
        level = expect_integer(who, "level", level, -(2**31), 2**31 - 1)
        for part, procedure in (("maker", maker), ("converter", converter)):
            expect_procedure(who, part, procedure)
        super().__init__(id, size, maker, converter, level)
        mark_option(self, False, None)


class LevelOption(SocketOption[Value]):
    __slots__ = ()
    __match_args__ = ("id", "size", "maker", "converter")

    def __init__(
        self, id: int, size: int, maker: Callable[[Value], bytes],
        converter: Callable[[bytes], Value],
    ) -> None:
        level = self.level
        who = self.__class__.__name__
        id = expect_integer(who, "id", id, -(2**31), 2**31 - 1)
        size = expect_integer(who, "size", size, 1, 65536, "bytes")
        level = expect_integer(who, "level", level, -(2**31), 2**31 - 1)
        for part, procedure in (("maker", maker), ("converter", converter)):
            expect_procedure(who, part, procedure)
        Record.__init__(self, id, size, maker, converter)
        mark_option(self, False, None)


def define_socket_option_type(name: str, level: int) -> type[LevelOption[Any]]:
    """Return a new subclass of SocketOption, called `name`, for the options of `level`.

    `level` is an integer of setsockopt(2), such as a protocol's number. The constructor of
    the new class is that of SocketOption without the level. Raises TypeError, ValueError.
    """
    expect("define_socket_option_type", "name", name, str)
    level = expect_integer("define_socket_option_type", "level", level, -(2**31), 2**31 - 1)
    module = sys._getframe(1).f_globals.get("__name__", "__main__")
    return type(name, (LevelOption,), {"__slots__": (), "level": level, "__module__": module})


class TcpOption(LevelOption[Value]):
    """TcpOption(id, size, maker, converter): an option of tcp(7)."""

    __slots__ = ()
    level = FOREIGN_VALUES["$ipproto-tcp"]

    NO_DELAY: ClassVar[TcpOption[bool]]
    """TCP_NODELAY, tcp(7): send small pieces of data at once, and not together later.

Value: a bool. Platforms: all."""
    KEEP_ALIVE_IDLE: ClassVar[TcpOption[int]]
    """TCP_KEEPIDLE, tcp(7): after how much silence the peer is asked, if KEEP_ALIVE is set.

Value: an int, from 1 to 32767 seconds. Platforms: Linux, macOS (TCP_KEEPALIVE), FreeBSD,
NetBSD, Windows 10 (HAS_KEEP_ALIVE_TIMES)."""
    KEEP_ALIVE_INTERVAL: ClassVar[TcpOption[int]]
    """TCP_KEEPINTVL, tcp(7): after how much more silence it is asked again.

Value: an int, from 1 to 32767 seconds. Platforms: as KEEP_ALIVE_IDLE."""
    KEEP_ALIVE_COUNT: ClassVar[TcpOption[int]]
    """TCP_KEEPCNT, tcp(7): how often it is asked in vain before the connection is given up.

Value: an int, from 1 to 127 probes. Platforms: as KEEP_ALIVE_IDLE."""
    CORK: ClassVar[TcpOption[bool]]
    """TCP_CORK, tcp(7): send full packets only, until it is taken out again.

Value: a bool. Platforms: Linux."""
    QUICK_ACK: ClassVar[TcpOption[bool]]
    """TCP_QUICKACK, tcp(7): acknowledge what arrives at once; the kernel may soon change it back.

Value: a bool. Platforms: Linux."""
    USER_TIMEOUT: ClassVar[TcpOption[int]]
    """TCP_USER_TIMEOUT, tcp(7): how long the peer may not acknowledge what was sent.

Then the connection is given up, with ETIMEDOUT.
Value: an int, from 0 to 2147483647 milliseconds; 0 is the system's usual time.
Platforms: Linux."""
    DEFER_ACCEPT: ClassVar[TcpOption[int]]
    """TCP_DEFER_ACCEPT, tcp(7): accept a connection only when data has come, or so late.

The kernel rounds it to one of the moments at which it asks again.
Value: an int, from 0 to 32767 seconds. Platforms: Linux."""
    FAST_OPEN: ClassVar[TcpOption[int]]
    """TCP_FASTOPEN, tcp(7): how many that come with data may wait at a listening socket.

The sysctl net.ipv4.tcp_fastopen must allow it too.
Value: an int, from 0 to 2147483647 connections. Platforms: Linux."""
    FAST_OPEN_CONNECT: ClassVar[TcpOption[bool]]
    """TCP_FASTOPEN_CONNECT, tcp(7): connecting waits for the first data, and goes with it.

Value: a bool. Platforms: Linux, from 4.11 on."""
    CONGESTION: ClassVar[TcpOption[str]]
    """TCP_CONGESTION, tcp(7): the algorithm that avoids congestion, as "cubic".

Setting it can block, since the kernel may have to load it.
Value: a str, of those in the sysctl net.ipv4.tcp_available_congestion_control.
Platforms: Linux."""
    INFORMATION: ClassVar[TcpOption[TcpInformation]]
    """TCP_INFO, tcp(7): what TCP has found out about the connection.

Value: a TcpInformation; read only. Platforms: Linux."""


class UdpOption(LevelOption[Value]):
    """UdpOption(id, size, maker, converter): an option of udp(7)."""

    __slots__ = ()
    level = FOREIGN_VALUES["$ipproto-udp"]

    RECEIVE_OFFLOAD: ClassVar[UdpOption[bool]]
    """UDP_GRO, udp(7): let the kernel join datagrams, for receive_datagrams to take as runs.

Any other call that receives takes what was joined for one datagram.
Value: a bool. Platforms: Linux, from 5.0 on (HAS_RECEIVE_OFFLOAD)."""


class RawOption(LevelOption[Value]):
    """RawOption(id, size, maker, converter): an option of raw(7)."""

    __slots__ = ()
    level = FOREIGN_VALUES["$ipproto-raw"]


class IpOption(LevelOption[Value]):
    """IpOption(id, size, maker, converter): an option of ip(7)."""

    __slots__ = ()
    level = FOREIGN_VALUES["$ipproto-ip"]

    TTL: ClassVar[IpOption[int]]
    """IP_TTL, ip(7): the time to live of what is sent: how many hops, over routers, it may take.

Value: an int, from 1 to 255 hops. Platforms: all."""
    RECEIVE_PACKET_INFO: ClassVar[IpOption[bool]]
    """IP_PKTINFO, ip(7): with each datagram comes where to, as an InternetPacketInfo.

Value: a bool. Platforms: Linux, macOS."""
    RECEIVE_TTL: ClassVar[IpOption[bool]]
    """IP_RECVTTL, ip(7): with each datagram comes the TimeToLive that it had left.

Value: a bool. Platforms: all but Windows."""
    RECEIVE_TYPE_OF_SERVICE: ClassVar[IpOption[bool]]
    """IP_RECVTOS, ip(7): with each datagram comes its TypeOfService.

Value: a bool. Platforms: all but Windows."""
    RECEIVE_ERRORS: ClassVar[IpOption[bool]]
    """IP_RECVERR, ip(7): what becomes of datagrams is reported, as InternetErrorReport items.

They wait in the error queue for ReceiveFromOption.ERROR_QUEUE.
Value: a bool. Platforms: Linux."""
    ADD_MEMBERSHIP: ClassVar[
        IpOption[InternetAddress | tuple[InternetAddress, InternetAddress | None]]
    ]
    """IP_ADD_MEMBERSHIP, ip(7): join a group, on one interface.

Value: a tuple of the group, an InternetAddress from 224.0.0.0 to 239.255.255.255, and
the InternetAddress that this machine has on the interface, or None for the system's
choice; or the group alone, for the same. Ports do not matter. Set only. Platforms: all."""
    DROP_MEMBERSHIP: ClassVar[
        IpOption[InternetAddress | tuple[InternetAddress, InternetAddress | None]]
    ]
    """IP_DROP_MEMBERSHIP, ip(7): leave a group, on one interface.

Value: a tuple or a group, as for ADD_MEMBERSHIP. Set only. Platforms: all."""
    MULTICAST_INTERFACE: ClassVar[IpOption[InternetAddress | None]]
    """IP_MULTICAST_IF, ip(7): the interface over which is sent what goes to groups.

Value: the InternetAddress that this machine has there, whose port does not matter, or None
for the system's choice, which is read as 0.0.0.0. Platforms: all."""
    MULTICAST_LOOP: ClassVar[IpOption[bool]]
    """IP_MULTICAST_LOOP, ip(7): what is sent to a group also comes to its members here.

Value: a bool. Platforms: all; on Windows it is the receiver's to set."""
    MULTICAST_TTL: ClassVar[IpOption[int]]
    """IP_MULTICAST_TTL, ip(7): the time to live of what is sent to groups, at first 1.

Value: an int, from 0 to 255 hops; 0 stays on this machine. Platforms: all."""
    TYPE_OF_SERVICE: ClassVar[IpOption[int]]
    """IP_TOS, ip(7): the type of service of what is sent, a field of the packet for routers.

Its upper six bits are a class of traffic; for TCP the kernel uses the lower two itself.
Value: an int, from 0 to 255: the field. Platforms: all; Windows takes no notice of it."""
    MTU_DISCOVER: ClassVar[IpOption[MtuDiscovery]]
    """IP_MTU_DISCOVER, ip(7): how the path MTU is found out.

Value: an MtuDiscovery. Platforms: Linux."""
    MTU: ClassVar[IpOption[int]]
    """IP_MTU, ip(7): the path MTU in bytes, as far as it is known, of a connected socket.

Value: an int, else ENOTCONN; read only. Platforms: Linux."""
    TRANSPARENT: ClassVar[IpOption[bool]]
    """IP_TRANSPARENT, ip(7): bind to addresses that are not this machine's, as proxies do.

It takes a privilege. Value: a bool. Platforms: Linux."""
    JOIN_GROUP: ClassVar[IpOption[InternetAddress | tuple[InternetAddress, int]]]
    """MCAST_JOIN_GROUP, ip(7): join a group, on the interface of an index.

Value: a tuple of the group, as for ADD_MEMBERSHIP, and the index, an int from 0 to
2147483647; or the group alone, for an index of 0, the system's choice. Set only.
Platforms: Linux, macOS, FreeBSD, Windows."""
    LEAVE_GROUP: ClassVar[IpOption[InternetAddress | tuple[InternetAddress, int]]]
    """MCAST_LEAVE_GROUP, ip(7): leave a group, on the interface of an index.

Value: a tuple or a group, as for JOIN_GROUP. Set only.
Platforms: Linux, macOS, FreeBSD, Windows."""
    JOIN_SOURCE_GROUP: ClassVar[
        IpOption[
            tuple[InternetAddress, InternetAddress] | tuple[InternetAddress, InternetAddress, int]
        ]
    ]
    """MCAST_JOIN_SOURCE_GROUP, ip(7): join a group, for what one source sends to it.

Value: a tuple of the group, the source's InternetAddress, and, if it is not 0, the
interface's index, as for JOIN_GROUP. Set only. Platforms: Linux, macOS, FreeBSD, Windows."""
    LEAVE_SOURCE_GROUP: ClassVar[
        IpOption[
            tuple[InternetAddress, InternetAddress] | tuple[InternetAddress, InternetAddress, int]
        ]
    ]
    """MCAST_LEAVE_SOURCE_GROUP, ip(7): leave a group, for one source.

Value: a tuple, as for JOIN_SOURCE_GROUP. Set only. Platforms: Linux, macOS, FreeBSD, Windows."""
    MULTICAST_ALL: ClassVar[IpOption[bool]]
    """IP_MULTICAST_ALL, ip(7): receive of groups that other sockets here have joined, too.

Value: a bool, at first True. Platforms: Linux."""


class SocketAddress(Record, AddressBase):
    """The base of all addresses. A subclass supplies `converter`, its fields, and a `domain`.

    `domain`, an attribute of the class, is the SocketDomain of the sockets that such an address
    is for. Where it is missing, it is left to the kernel which addresses fit a socket.
    """

    __slots__ = ()

    domain: ClassVar[SocketDomain]

    def converter(self) -> bytes:
        """Return the bytes of the C structure that stands for this address."""
        raise NotImplementedError(f"{self.__class__.__name__} does not define a converter")

    _decoded: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    def _decode(packed: bytes) -> tuple[Any, ...]:
        raise NotImplementedError

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in self._decoded:
                raise AttributeError(f"{self.__class__.__name__} has no attribute {name!r}")
            Record.__init__(self, *self._decode(self._packed))
            return object.__getattribute__(self, name)

    def _place(self, other: SocketAddress) -> tuple[list[Any], list[Any]] | None:
        if self.__class__ is not other.__class__:
            return None
        own, others = [[(part is not None, part) for part in each._key()] for each in (self, other)]
        return own, others

    def __lt__(self, other: Self) -> bool:
        pair = self._place(other)
        return NotImplemented if pair is None else pair[0] < pair[1]

    def __le__(self, other: Self) -> bool:
        pair = self._place(other)
        return NotImplemented if pair is None else pair[0] <= pair[1]
get_packed: Callable[[object], bytes] = AddressBase.__dict__["_packed"].__get__
set_packed: Callable[[object, bytes], None] = AddressBase.__dict__["_packed"].__set__


def socket_address_to_foreign(address: SocketAddress) -> bytes:
    try:
        return get_packed(address)
    except AttributeError:
        packed = address.converter()
    if not isinstance(packed, bytes):
        raise TypeError(
            f"{address.__class__.__name__}.converter must return bytes, "
            f"not {describe(packed)}"
        )
    set_packed(address, exact_bytes(packed))
    return get_packed(address)


def pack_if_possible(address: SocketAddress) -> bytes | None:
    try:
        return socket_address_to_foreign(address)
    except ValueError:  # it has no port, or no path that fits
        return None


def foreign_to_socket_address(domain: SocketDomain, packed: bytes) -> SocketAddress | None:
    return domain.extractor(packed) if packed else None


def check_domain(who: str, sock: Socket, address: SocketAddress) -> None:
    domain = getattr(address, "domain", None)
    if domain is sock._domain:
        return
    if isinstance(domain, SocketDomain) and value_of(domain) != value_of(sock._domain):
        raise ValueError(
            f"{who}: address must be of the socket's domain, {sock._domain!r}, and "
            f"{address} is of {domain!r}"
        )


class UnixAddress(SocketAddress):
    """UnixAddress(path): the address of a UNIX domain socket, unix(7).

    `path` is a str, bytes or os.PathLike; as an attribute it is a str (os.fsdecode). On Linux a
    path that begins with a NUL is an abstract name, which is in no file system; the empty path
    is the address of an unnamed socket. A path with a NUL elsewhere, or one too long for the
    structure, is a ValueError when it is first used.
    """

    __slots__ = __match_args__ = ("path",)

    path: str

    def __init__(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            raise TypeError(
                f"UnixAddress: path must be a str, bytes or os.PathLike, not {describe(path)}"
            )
        try:
            super().__init__(os.fsdecode(os.fsencode(path)))
        except UnicodeEncodeError:
            raise ValueError(f"UnixAddress: path cannot be encoded: {path!r}") from None

    def converter(self) -> bytes:
        return unix_address_to_foreign(self)

    _decoded = ("path",)

    @staticmethod
    def _decode(packed: bytes) -> tuple[Any, ...]:
        return (os.fsdecode(foreign_unix_address_path(packed)),)

    def __str__(self) -> str:
        return self.path.replace("\0", "@")
make_record = object.__new__


def unix_address_to_foreign(address: UnixAddress) -> bytes:
    if not HAS_UNIX_SOCKETS:
        unsupported_feature("UNIX sockets")
    return make_foreign_unix_address(os.fsencode(address.path))


def foreign_to_unix_address(packed: bytes) -> UnixAddress:
    """The extractor of the UNIX domain: the address that the bytes of a sockaddr_un mean.

    `packed` is as many bytes as the kernel returned, unix(7). Raises TypeError. Not on
    Windows (NotImplementedError).
    """
    if not HAS_UNIX_SOCKETS:
        unsupported_feature("UNIX sockets")
    expect("foreign_to_unix_address", "packed", packed, bytes)
    address = make_record(UnixAddress)
    set_packed(address, exact_bytes(packed)[: FOREIGN_VALUES["size-of/sockaddr-un"]])
    return address


def key_with_a_host(address: SocketAddress) -> tuple[Any, ...]:
    values = address._values()
    return values if values[0] is not None else (0, *values[1:])


class InternetAddress(SocketAddress):
    """InternetAddress(ip, port): an IPv4 address, ip(7).

    `ip` is a str, "127.0.0.1", an int, 0 to 2**32 - 1, first octet highest, an
    `ipaddress.IPv4Address`, or None for the any address; as an attribute it is the int, or
    None. `port` is an int, 0 to 65535, or None, with which no system call can be made
    (ValueError). `str(address)` is its text, as "127.0.0.1:80". Addresses can be sorted. The
    way back to Python is `ipaddress.IPv4Address(address.ip or 0)`.
    """

    __slots__ = __match_args__ = ("ip", "port")

    ip: int | None
    port: int | None

    def __init__(
        self, ip: int | str | ipaddress.IPv4Address | None, port: int | None
    ) -> None:
        who = "InternetAddress"
        if ip is not None:
            if not isinstance(ip, int):
                ip = read_host(who, ip, "IPv4Address", read_octets)
            ip = expect_integer(who, "ip", ip, 0, 2**32 - 1)
        if port is not None:
            port = expect_integer(who, "port", port, 0, 65535)
        super().__init__(ip, port)

    def converter(self) -> bytes:
        return internet_address_to_foreign(self)

    _decoded = ("ip", "port")

    @staticmethod
    def _decode(packed: bytes) -> tuple[Any, ...]:
        return foreign_ipv4_address_ip(packed), foreign_ipv4_address_port(packed)

    def __str__(self) -> str:
        return internet_address_to_string(self)

    _key = key_with_a_host

    def _written(self) -> list[str]:
        ip, *others = super()._written()
        return [ip if self.ip is None else repr(ipv4_to_string(self.ip)), *others]


def read_host(who: str, ip: object, kind: str, read: Callable[[str], Any]) -> Any:
    module: Any = sys.modules.get("ipaddress")
    known = module is not None and isinstance(ip, getattr(module, kind))
    if not known and not isinstance(ip, str):
        raise TypeError(
            f"{who}: ip must be an int, a str, an ipaddress.{kind} or None, not {describe(ip)}"
        )
    text = str(ip)
    try:
        return read(text)
    except ValueError as error:
        hint = guess(text, int(kind[3]))
        raise ValueError(
            f"{who}: ip is not an {kind[:4]} address: {text!r}: {error}{hint}"
        ) from None


def internet_address_to_foreign(address: InternetAddress) -> bytes:
    if address.port is None:
        raise ValueError(f"InternetAddress: {address} has no port, and cannot be used without")
    return make_foreign_ipv4_address(address.port, address.ip or 0)


def foreign_to_internet_address(packed: bytes) -> InternetAddress:
    """The extractor of the Internet domain: the address that the bytes of a sockaddr_in mean.

    `packed` is as many bytes as the kernel returned, ip(7). Raises TypeError, and ValueError
    if they are too few.
    """
    if type(packed) is not bytes:
        expect("foreign_to_internet_address", "packed", packed, bytes)
        packed = exact_bytes(packed)
    if len(packed) < SIZE_OF_ADDRESS:
        raise ValueError(
            f"foreign_to_internet_address: packed is {len(packed)} bytes long, which is too "
            f"short: {packed!r}"
        )
    address = make_record(InternetAddress)
    set_packed(address, packed)
    return address


def describe(value: object) -> str:
    return f"{brief(value)} ({value.__class__.__name__})"


def expect(who: str, argument: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
        hint = way_out(kind, value)
        raise TypeError(
            f"{who}: {argument} must be {article} {kind.__name__}, not {describe(value)}{hint}"
        )


def expect_integer(
    who: str, argument: str, value: object, low: int, high: int, unit: str = ""
) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{who}: {argument} must be an int, not {describe(value)}")
    number = int.__index__(value)
    if not low <= number <= high:
        unit = unit and f" {unit}"
        raise ValueError(f"{who}: {argument} must be from {low} to {high}{unit}, not {number}")
    return number


def expect_procedure(who: str, argument: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{who}: {argument} must be a procedure, not {describe(value)}")


def expect_seconds(who: str, argument: str, value: object) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if value is not None and not number:
        raise TypeError(
            f"{who}: {argument} must be a number of seconds, or None, not {describe(value)}"
        )


def check_kind(who: str, domain: object, type: object, protocol: object) -> None:
    if (
        isinstance(domain, SocketDomain) and isinstance(type, SocketType)
        and isinstance(protocol, SocketProtocol)
    ):
        return
    expect(who, "domain", domain, SocketDomain)
    expect(who, "type", type, SocketType)
    expect(who, "protocol", protocol, SocketProtocol)
def exact_bytes(data: bytes) -> bytes:
    return data if type(data) is bytes else bytes(memoryview(data))


def brief(value: object) -> str:
    import reprlib

    shortener = reprlib.Repr()
    shortener.maxother = shortener.maxstring = 60
    return shortener.repr(value)


def way_out(kind: type, value: Any) -> str:
    theirs: Any = getattr(sys.modules.get("socket"), "socket", ())
    if kind is str and isinstance(value, bytes):
        return "; decode it first"
    if kind is Socket and isinstance(value, theirs):
        return "; use from_python_socket"
    if issubclass(kind, SocketAddress):
        return address_hint(kind, value)
    number = isinstance(value, int) and not isinstance(value, bool)
    if issubclass(kind, SocketConstant) and number and -(2**31) <= value < 2**31:
        constant = lookup_domain(value) if kind is SocketDomain else remake(kind, value)
        return "" if constant is None else f"; use {constant!r}"
    return ""


def address_hint(kind: type, value: object) -> str:
    if isinstance(value, AddressInfo):
        return "; use its .address"
    if isinstance(value, os.PathLike):
        return "; use UnixAddress(path)"
    if kind is not SocketAddress:
        return f"; use {kind.__name__}(ip, port)" if isinstance(value, (str, tuple)) else ""
    if isinstance(value, (str, bytes)):
        return "; use string_to_internet_address, string_to_internet6_address or UnixAddress"
    if isinstance(value, tuple):
        return f"; use {'InternetAddress' if len(value) == 2 else 'Internet6Address'}(ip, port)"
    return ""


class Internet6Address(SocketAddress):
    """Internet6Address(ip, port, flow=0, scope=0): an IPv6 address, ipv6(7).

    `ip` is a str, "::1" or "fe80::1%eth0", an int, 0 to 2**128 - 1, first octet highest, an
    `ipaddress.IPv6Address`, or None for the any address; as an attribute it is the int, or
    None. `port` is an int, 0 to 65535, or None, with which no system call can be made
    (ValueError); `flow` the flow information and `scope` the index of a network interface, ints
    from 0 to 2**32 - 1. `str(address)` is its text, as "[::1]:80". Addresses can be sorted. The
    way back to Python is `ipaddress.IPv6Address(address.ip or 0)`.
    """

    __slots__ = __match_args__ = ("ip", "port", "flow", "scope")

    ip: int | None
    port: int | None
    flow: int
    scope: int

    def __init__(
        self, ip: int | str | ipaddress.IPv6Address | None, port: int | None, flow: int = 0,
        scope: int = 0,
    ) -> None:
        who = "Internet6Address"
        scope = expect_integer(who, "scope", scope, 0, 2**32 - 1)
        if ip is not None:
            if not isinstance(ip, int):
                ip, own = read_host(who, ip, "IPv6Address", split_scope)
                if own and scope not in (0, own):
                    raise ValueError(f"{who}: scope is {scope}, but ip has another, {own}")
                scope = scope or own
            ip = expect_integer(who, "ip", ip, 0, 2**128 - 1)
        if port is not None:
            port = expect_integer(who, "port", port, 0, 65535)
        flow = expect_integer(who, "flow", flow, 0, 2**32 - 1)
        super().__init__(ip, port, flow, scope)

    def converter(self) -> bytes:
        return internet6_address_to_foreign(self)

    _decoded = ("ip", "port", "flow", "scope")

    @staticmethod
    def _decode(packed: bytes) -> tuple[Any, ...]:
        parts = packed[8:24], packed[2:4], packed[4:8]
        scope = int.from_bytes(packed[24:28], sys.byteorder)
        return *[int.from_bytes(part, "big") for part in parts], scope

    def __str__(self) -> str:
        return internet6_address_to_string(self)

    _key = key_with_a_host

    def _written(self) -> list[str]:
        ip, port, *others = super()._written()
        named = [
            f"{field}={text}" for field, text in zip(self.__match_args__[2:], others, strict=False)
            if text != "0" or field not in ("flow", "scope")
        ]
        return [ip if self.ip is None else repr(ipv6_to_string(self.ip)), port, *named]


def internet6_address_to_foreign(address: Internet6Address) -> bytes:
    if address.port is None:
        raise ValueError(f"Internet6Address: {address} has no port, and cannot be used without")
    return make_foreign_address(
        FOREIGN_VALUES["%socket-domain/internet-v6"],
        address.port.to_bytes(2, "big") + address.flow.to_bytes(4, "big")
        + (address.ip or 0).to_bytes(16, "big") + address.scope.to_bytes(4, sys.byteorder),
    )


def foreign_to_internet6_address(packed: bytes) -> Internet6Address:
    """The extractor of the IPv6 domain: the address that the bytes of a sockaddr_in6 mean.

    `packed` is as many bytes as the kernel returned, ipv6(7). Raises TypeError, and
    ValueError if they are too few.
    """
    if type(packed) is not bytes:
        expect("foreign_to_internet6_address", "packed", packed, bytes)
        packed = exact_bytes(packed)
    if len(packed) < 28:
        raise ValueError(
            f"foreign_to_internet6_address: packed is {len(packed)} bytes long, which is too "
            f"short: {packed!r}"
        )
    address = make_record(Internet6Address)
    set_packed(address, packed)
    return address


class SocketConstant(Record, ConstantBase):
    """SocketConstant(value): a number of the C headers, wrapped in a class for its kind.

    `value` is an int, from -2147483648 to 2147483647. The constants that this library
    defines are attributes of their classes.
    """

    __slots__ = ()
    __match_args__ = ("value",)

    def __init__(self, value: int, *values: object) -> None:
        value = expect_integer(self.__class__.__name__, "value", value, -(2**31), 2**31 - 1)
        super().__init__(value, *values)

    if not TYPE_CHECKING:

        def __or__(self, other: object) -> NoReturn:
            if self.__class__ is not other.__class__:
                return NotImplemented
            raise TypeError(f"flags are not joined by |: pass both, {self!r}, {other!r}")


value_of: Callable[[SocketConstant], int] = ConstantBase.__dict__["value"].__get__


class AddressInfo(Record, InfoBase):
    """AddressInfo(domain, type, protocol, address): one way to reach a host.

    `domain`, `type` and `protocol` are what create_socket asks for, and `address`, a
    SocketAddress, is what connect_socket does.
    """

    __slots__ = ()
    __match_args__ = ("domain", "type", "protocol", "address")

    def __init__(
        self, domain: SocketDomain, type: SocketType, protocol: SocketProtocol,
        address: SocketAddress,
    ) -> None:
        check_kind("AddressInfo", domain, type, protocol)
        expect("AddressInfo", "address", address, SocketAddress)
        super().__init__(domain, type, protocol, address)


class ResolverCode:
    """The codes of getaddrinfo(3) and getnameinfo(3), which are the `type` of their conditions.

    Each is an int, as those of the module `errno` are: `condition.type == ResolverCode.NO_NAME`.
    """

    __slots__ = ()

    ADDRESS_FAMILY: ClassVar[int]
    """EAI_ADDRFAMILY, getaddrinfo(3): the host has no address of the domain that was asked for.

Platforms: Linux, macOS."""
    AGAIN: ClassVar[int]
    """EAI_AGAIN, getaddrinfo(3): no name server answers just now; later one may.

Platforms: all."""
    BAD_FLAGS: ClassVar[int]
    """EAI_BADFLAGS, getaddrinfo(3): flags that do not exist, or do not go together.

Platforms: all."""
    FAIL: ClassVar[int]
    """EAI_FAIL, getaddrinfo(3): a name server says that it cannot answer, now or later.

Platforms: all."""
    FAMILY: ClassVar[int]
    """EAI_FAMILY, getaddrinfo(3): the domain is none that names are known for.

Platforms: all."""
    MEMORY: ClassVar[int]
    """EAI_MEMORY, getaddrinfo(3): there is no memory left.

Platforms: all."""
    NO_DATA: ClassVar[int]
    """EAI_NODATA, getaddrinfo(3): the host exists, and has no address.

Platforms: Linux, macOS, Windows."""
    NO_NAME: ClassVar[int]
    """EAI_NONAME, getaddrinfo(3): there is no such host, or no such service.

Platforms: all."""
    OVERFLOW: ClassVar[int]
    """EAI_OVERFLOW, getaddrinfo(3): a name does not fit into its buffer.

Platforms: Linux, macOS, the BSDs."""
    SERVICE: ClassVar[int]
    """EAI_SERVICE, getaddrinfo(3): sockets of the type that was asked for have no such service.

Platforms: all."""
    SOCKET_TYPE: ClassVar[int]
    """EAI_SOCKTYPE, getaddrinfo(3): the type and the protocol do not go together.

Platforms: all."""
    SYSTEM: ClassVar[int]
    """EAI_SYSTEM, getaddrinfo(3): the reason is in errno, and then a condition's type is that.

Platforms: Linux, macOS, the BSDs."""


class AddressInfoOption(SocketConstant):
    """AddressInfoOption(value): a flag for get_address_info, the AI_... of getaddrinfo(3)."""

    __slots__ = ()

    CANONICAL_NAME: ClassVar[AddressInfoOption]
    """AI_CANONNAME, getaddrinfo(3): ask for the host's canonical name as well.

    Platforms: all."""
    NUMERIC_HOST: ClassVar[AddressInfoOption]
    """AI_NUMERICHOST, getaddrinfo(3): the node is a numeric address, and no server is asked.

    Platforms: all."""
    PASSIVE: ClassVar[AddressInfoOption]
    """AI_PASSIVE, getaddrinfo(3): a node of None means every address of this machine.

    Platforms: all."""
    NUMERIC_SERVICE: ClassVar[AddressInfoOption]
    """AI_NUMERICSERV, getaddrinfo(3): the service is a port, and no name is looked up.

    Platforms: all."""
    CONFIGURED: ClassVar[AddressInfoOption]
    """AI_ADDRCONFIG, getaddrinfo(3): only domains in which this machine has an address itself.

    Platforms: all."""
    V4_MAPPED: ClassVar[AddressInfoOption]
    """AI_V4MAPPED, getaddrinfo(3): of a host without IPv6, its IPv4 addresses mapped into it.

    It goes with the domain INTERNET_V6. Platforms: Linux, macOS, FreeBSD, Windows."""
    ALL: ClassVar[AddressInfoOption]
    """AI_ALL, getaddrinfo(3): with V4_MAPPED, both kinds, also of a host that has IPv6.

    Platforms: Linux, macOS, FreeBSD, Windows."""


class NameInfoOption(SocketConstant):
    """NameInfoOption(value): a flag for get_name_info, the NI_... of getnameinfo(3)."""

    __slots__ = ()

    NUMERIC_HOST: ClassVar[NameInfoOption]
    """NI_NUMERICHOST, getnameinfo(3): the host is its numeric address, and nobody is asked.

    Platforms: all."""
    NUMERIC_SERVICE: ClassVar[NameInfoOption]
    """NI_NUMERICSERV, getnameinfo(3): the service is its port, and no name is looked up.

    Platforms: all."""
    NAME_REQUIRED: ClassVar[NameInfoOption]
    """NI_NAMEREQD, getnameinfo(3): a host without a name is an error, ResolverCode.NO_NAME.

    Platforms: all."""
    LOCAL_NAME: ClassVar[NameInfoOption]
    """NI_NOFQDN, getnameinfo(3): of a host of the own domain, the name without the domain's.

    Platforms: all."""
    DATAGRAM: ClassVar[NameInfoOption]
    """NI_DGRAM, getnameinfo(3): the service is that of datagrams, and not of streams.

    Platforms: all."""


class ServiceEntry(Record):
    """ServiceEntry(name, aliases, port, protocol): an entry of the services, services(5).

    `name` is a str, `aliases` a tuple of str, `port` an int, 0 to 65535, and `protocol` the
    name of a protocol, as "tcp".
    """

    __slots__ = __match_args__ = ("name", "aliases", "port", "protocol")

    name: str
    aliases: tuple[str, ...]
    port: int
    protocol: str

    def __init__(self, name: str, aliases: Sequence[str], port: int, protocol: str) -> None:
        expect("ServiceEntry", "name", name, str)
        aliases = expect_names("ServiceEntry", aliases)
        port = expect_integer("ServiceEntry", "port", port, 0, 65535)
        expect("ServiceEntry", "protocol", protocol, str)
        super().__init__(name, aliases, port, protocol)


def foreign_to_service_entry(x: Any) -> ServiceEntry | None:
    if not x:
        return None
    return ServiceEntry(
        get_foreign_string(x.s_name) or "", get_foreign_strings(x.s_aliases),
        network_to_host_u16(x.s_port & 0xFFFF), get_foreign_string(x.s_proto) or "",
    )


class Interface(Record):
    """Interface(name, index): a network interface of this machine, netdevice(7).

    `name` is a str, `index` an int, from 1 to 4294967295.
    """

    __slots__ = __match_args__ = ("name", "index")

    name: str
    index: int

    def __init__(self, name: str, index: int) -> None:
        expect("Interface", "name", name, str)
        index = expect_integer("Interface", "index", index, 1, 2**32 - 1)
        super().__init__(name, index)


class AncillaryItem(Record):
    """The base of all ancillary items. A subclass supplies its fields, its numbers, two ways.

    `level` and `type`, attributes of the class, are the numbers of cmsg(3). The method
    `converter` returns the bytes of the C structure for an item that is to be sent. The class
    method `extractor` returns the item for bytes that have arrived; if it cannot read them, as
    when they were cut, it raises ValueError, and they stay bytes. register_ancillary_item
    makes the class known to receive_message.
    """

    __slots__ = ()

    level: int
    type: int

    def converter(self) -> bytes:
        raise NotImplementedError(
            f"{self.__class__.__name__} has no converter: such an item cannot be sent"
        )

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        raise NotImplementedError(
            f"{cls.__name__} has no extractor: such an item does not arrive"
        )


class AncillaryData(AncillaryItem):
    """AncillaryData(level, type, data): an ancillary item of any kind, as bytes, cmsg(3).

    `level` and `type` are its numbers in C, ints from -2147483648 to 2147483647; `data` is an
    object that holds the bytes of the structure, kept as bytes. Raises TypeError, ValueError.
    """

    __slots__ = __match_args__ = ("level", "type", "data")

    level: int
    type: int
    data: bytes

    def __init__(self, level: int, type: int, data: Buffer) -> None:
        level = expect_integer("AncillaryData", "level", level, -(2**31), 2**31 - 1)
        type = expect_integer("AncillaryData", "type", type, -(2**31), 2**31 - 1)
        with view_bytes("AncillaryData", data) as view:
            super().__init__(level, type, bytes(view))

    def converter(self) -> bytes:
        return self.data


class Descriptors(AncillaryItem):
    """Descriptors(files): open files to be sent through a UNIX socket, SCM_RIGHTS of unix(7).

    `files` is a list or tuple of descriptors, ints from 0, and of objects that have one, such
    as a Socket (`fileno()`); it is kept as a tuple. They stay the sender's, who may close them
    once they are sent. Raises TypeError, ValueError. What arrives is a ReceivedDescriptors.
    Platforms: all but Windows.
    """

    __slots__ = __match_args__ = ("files",)

    files: tuple[Any, ...]

    def __init__(self, files: Sequence[Any]) -> None:
        if not isinstance(files, (list, tuple)):
            raise TypeError(f"Descriptors: files must be a list, not {describe(files)}")
        set_field(self, "files", tuple([
            file if (type(file) is int and 0 <= file <= DESCRIPTORS) or hasattr(file, "fileno")
            else expect_integer("Descriptors", "file", file, 0, DESCRIPTORS)
            for file in files
        ]))

    def converter(self) -> bytes:
        return numbers_to_foreign([
            file if type(file) is int
            else expect_integer("Descriptors", "descriptor", file.fileno(), 0, DESCRIPTORS)
            for file in self.files
        ])


def numbers_to_foreign(numbers: Sequence[int]) -> bytes:
    return b"".join([number.to_bytes(4, sys.byteorder, signed=True) for number in numbers])


class ReceivedDescriptors(AncillaryItem):
    """The descriptors that came with a message, SCM_RIGHTS of unix(7), and their owner.

    `fds` are those that are still in it, `len(received)` how many these are. take_descriptor
    and take_socket take them out; leaving a `with` statement, or close_descriptors, closes
    the others. Dropped with any in it, it closes them, and there is a ResourceWarning. They
    are close-on-exec. Only receive_message makes such an item (TypeError); it can be sent on.
    Platforms: all but Windows.
    """

    __slots__ = ("_control", "_places")
    __match_args__ = ("fds",)

    _control: Any
    _places: range

    def __init__(self, *arguments: object) -> None:
        raise TypeError("ReceivedDescriptors: only receive_message makes these; use Descriptors")

    @property
    def fds(self) -> tuple[int, ...]:
        """The descriptors that nobody has taken."""
        held = getattr(self, "_control", None)
        if held is None:
            return ()
        return tuple([fd for place in self._places if (fd := held.descriptors[place]) >= 0])

    def __len__(self) -> int:
        return len(self.fds)

    def converter(self) -> bytes:
        return numbers_to_foreign(self.fds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        close_descriptors(self)

    def __del__(self) -> None:
        fds = self.fds if getattr(self, "_places", None) else ()
        if fds:
            try:
                close_descriptors_block(self._control, self._places.start, len(self._places))
            finally:
                warn(f"unclosed descriptors {fds}", ResourceWarning, stacklevel=2, source=self)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<ReceivedDescriptors fds={self.fds}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("ReceivedDescriptors cannot be copied or pickled: they have one owner")


class NumberItem(AncillaryItem):
    __slots__ = __match_args__ = ("value",)

    value: int
    high, size = 255, 4

    def __init__(self, value: int) -> None:
        super().__init__(
            expect_integer(self.__class__.__name__, "value", value, 0, self.high)
        )

    def converter(self) -> bytes:
        return self.value.to_bytes(self.size, sys.byteorder)

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        return cls(int.from_bytes(data[: whole(data, 1, 2, 4)], sys.byteorder))


class TimeToLive(NumberItem):
    """TimeToLive(value): with what time to live an IPv4 packet came, IP_TTL of ip(7).

    `value` is an int, from 0 to 255 hops. It arrives if IpOption.RECEIVE_TTL is set; on Linux
    it can also be sent, from 1. Platforms: all but Windows.
    """

    __slots__ = ()


class HopLimit(NumberItem):
    """HopLimit(value): with what hop limit an IPv6 packet came or goes, IPV6_HOPLIMIT, ipv6(7).

    `value` is an int, from 0 to 255 hops. It arrives if Internet6Option.RECEIVE_HOP_LIMIT is
    set. Platforms: all but Windows.
    """

    __slots__ = ()


class TypeOfService(NumberItem):
    """TypeOfService(value): the type of service of an IPv4 packet, IP_TOS of ip(7).

    `value` is an int, from 0 to 255; its lowest two bits tell of congestion. It arrives if
    IpOption.RECEIVE_TYPE_OF_SERVICE is set; on Linux it can also be sent. Platforms: all but
    Windows.
    """

    __slots__ = ()


class TrafficClass(NumberItem):
    """TrafficClass(value): the traffic class of an IPv6 packet, IPV6_TCLASS of ipv6(7).

    `value` is an int, from 0 to 255; its lowest two bits tell of congestion. It arrives if
    Internet6Option.RECEIVE_TRAFFIC_CLASS is set. Platforms: all but Windows.
    """

    __slots__ = ()


def whole(data: bytes, *sizes: int) -> int:
    if len(data) not in sizes:
        raise ValueError(f"an item of {len(data)} bytes, where {sizes} are known: {data!r}")
    return len(data)


class InternetPacketInfo(AncillaryItem):
    """InternetPacketInfo(interface, address=None, destination=None): IP_PKTINFO of ip(7).

    `interface` is the index of the interface over which an IPv4 packet came, or is to go, an
    int from 0 to 4294967295, where 0 leaves that to the system. `address`, an InternetAddress
    or None, is this machine's own: where answers come from. `destination`, likewise, is whom
    the packet was sent to, which may be a group; sending ignores it. Ports do not matter.
    It arrives if IpOption.RECEIVE_PACKET_INFO is set. Platforms: Linux, macOS.
    """

    __slots__ = ("interface", "address", "destination", "_data")
    __match_args__ = ("interface", "address", "destination")

    interface: int
    address: InternetAddress | None
    destination: InternetAddress | None

    def __init__(
        self, interface: int, address: InternetAddress | None = None,
        destination: InternetAddress | None = None,
    ) -> None:
        who = "InternetPacketInfo"
        interface = expect_integer(who, "interface", interface, 0, 2**32 - 1)
        expect_host(who, "address", address, InternetAddress)
        expect_host(who, "destination", destination, InternetAddress)
        super().__init__(interface, address, destination)
        set_field(self, "_data", interface.to_bytes(4, sys.byteorder) + b"".join(
            [host_to_bytes(host, 4) for host in (address, destination)]
        ))

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        return keep_packed(cls, data, 12)

    def _read(self, data: bytes) -> None:
        hosts = [InternetAddress(int.from_bytes(data[i : i + 4], "big"), None) for i in (4, 8)]
        Record.__init__(self, int.from_bytes(data[:4], sys.byteorder), *hosts)

    _data: bytes

    def converter(self) -> bytes:
        return self._data

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in self.__match_args__ or not hasattr(self, "_data"):
                raise AttributeError(f"{self.__class__.__name__} has no attribute {name!r}")
            self._read(self._data)
            return object.__getattribute__(self, name)


class Internet6PacketInfo(AncillaryItem):
    """Internet6PacketInfo(interface, address=None): IPV6_PKTINFO of ipv6(7).

    `interface` is the index of the interface over which an IPv6 packet came, or is to go, an
    int from 0 to 4294967295, where 0 leaves that to the system. `address`, an
    Internet6Address or None, is whom the packet was sent to, and sent along, where it comes
    from. Port, flow and scope do not matter. It arrives if
    Internet6Option.RECEIVE_PACKET_INFO is set. Platforms: all but Windows.
    """

    __slots__ = ("interface", "address", "_data")
    __match_args__ = ("interface", "address")

    interface: int
    address: Internet6Address | None

    def __init__(self, interface: int, address: Internet6Address | None = None) -> None:
        who = "Internet6PacketInfo"
        interface = expect_integer(who, "interface", interface, 0, 2**32 - 1)
        expect_host(who, "address", address, Internet6Address)
        super().__init__(interface, address)
        set_field(self, "_data", host_to_bytes(address, 16) + interface.to_bytes(4, sys.byteorder))

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        return keep_packed(cls, data, 20)

    def _read(self, data: bytes) -> None:
        address = Internet6Address(int.from_bytes(data[:16], "big"), None)
        Record.__init__(self, int.from_bytes(data[16:], sys.byteorder), address)

    _data: bytes

    def converter(self) -> bytes:
        return self._data

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in self.__match_args__ or not hasattr(self, "_data"):
                raise AttributeError(f"{self.__class__.__name__} has no attribute {name!r}")
            self._read(self._data)
            return object.__getattribute__(self, name)


def keep_packed(kind: type[Result], data: bytes, size: int) -> Result:
    if len(data) != size:
        whole(data, size)
    item = make_record(kind)
    set_field(item, "_data", data)
    return item


def expect_host(who: str, argument: str, host: object, kind: type) -> None:
    if host is not None:
        expect(who, argument, host, kind)


def host_to_bytes(host: Any, size: int) -> bytes:
    number: int = 0 if host is None else host.ip or 0
    return number.to_bytes(size, "big")


class Credentials(AncillaryItem):
    """Credentials(pid, uid, gid): who has sent a message, SCM_CREDENTIALS of unix(7).

    `pid` is the number of the process, an int from 0; `uid` and `gid` are those of its user
    and group, ints from 0 to 4294967295. It arrives if SocketOption.PASS_CREDENTIALS is set;
    SocketOption.PEER_CREDENTIALS is one, too. Sent, it must tell the truth (EPERM), unless the
    process is privileged. Platforms: Linux.
    """

    __slots__ = __match_args__ = ("pid", "uid", "gid")

    pid: int
    uid: int
    gid: int

    def __init__(self, pid: int, uid: int, gid: int) -> None:
        pid = expect_integer("Credentials", "pid", pid, 0, 2**31 - 1)
        uid = expect_integer("Credentials", "uid", uid, 0, 2**32 - 1)
        gid = expect_integer("Credentials", "gid", gid, 0, 2**32 - 1)
        super().__init__(pid, uid, gid)

    def converter(self) -> bytes:
        return b"".join([number.to_bytes(4, sys.byteorder) for number in self._values()])

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        whole(data, 12)
        return cls(*[int.from_bytes(data[i : i + 4], sys.byteorder) for i in (0, 4, 8)])


STAMPS = "time-stamps-ns" if "$scm/time-stamps-ns" in FOREIGN_VALUES else "time-stamps"


class TimeStamp(AncillaryItem):
    """TimeStamp(nanoseconds): when a datagram came, SCM_TIMESTAMPNS of socket(7).

    `nanoseconds` is an int, those since 1970, as of `time.time_ns()`. It arrives if
    SocketOption.TIME_STAMPS is set, and cannot be sent. Platforms: all but Windows; where
    there is only SCM_TIMESTAMP, it is precise to a thousand of them.
    """

    __slots__ = __match_args__ = ("nanoseconds",)

    nanoseconds: int

    def __init__(self, nanoseconds: int) -> None:
        nanoseconds = expect_integer("TimeStamp", "nanoseconds", nanoseconds, 0, 2**63 - 1)
        super().__init__(nanoseconds)

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        half = whole(data, FOREIGN_VALUES["size-of/time-stamp"]) // 2
        part = data[half : half + FOREIGN_VALUES["size-of/part-of-second"]]
        unit = 1 if STAMPS == "time-stamps-ns" else 1000
        whole_seconds = int.from_bytes(data[:half], sys.byteorder)
        return cls(whole_seconds * 10**9 + int.from_bytes(part, sys.byteorder) * unit)


class ErrorReport(AncillaryItem):
    __slots__ = __match_args__ = (
        "error", "origin", "icmp_type", "icmp_code", "info", "data", "offender"
    )

    error: int
    origin: int
    icmp_type: int
    icmp_code: int
    info: int
    data: int
    offender: SocketAddress | None

    def __init__(
        self, error: int, origin: int, icmp_type: int, icmp_code: int, info: int, data: int,
        offender: SocketAddress | None,
    ) -> None:
        super().__init__(error, origin, icmp_type, icmp_code, info, data, offender)

    @classmethod
    def extractor(cls, data: bytes) -> AncillaryItem:
        if len(data) < 16:
            whole(data, 16)
        error, info, more = [int.from_bytes(data[i : i + 4], sys.byteorder) for i in (0, 8, 12)]
        family = int.from_bytes(data[16:18], sys.byteorder)
        domain = socket_domain_db.get(family) if family else None
        offender = None if domain is None else foreign_to_socket_address(domain, data[16:])
        return cls(error, data[4], data[5], data[6], info, more, offender)


class InternetErrorReport(ErrorReport):
    """InternetErrorReport(error, origin, icmp_type, icmp_code, info, data, offender)

    What became of a datagram, from the error queue of an IPv4 socket: IP_RECVERR of ip(7).
    `error` is the errno, such as ECONNREFUSED. `origin` is 1 if this machine has found it
    out, 2 if an ICMP message told of it, whose `icmp_type` and `icmp_code` are those numbers of
    ICMP, and whose sender is `offender`, an InternetAddress, else None. `info` is, for
    EMSGSIZE, the greatest size in bytes that the path takes; `data` has no meaning for ICMP.
    It arrives if IpOption.RECEIVE_ERRORS is set, with the flag ReceiveFromOption.ERROR_QUEUE,
    and cannot be sent. Platforms: Linux.
    """

    __slots__ = ()


class Internet6ErrorReport(ErrorReport):
    """Internet6ErrorReport(error, origin, icmp_type, icmp_code, info, data, offender)

    What became of a datagram, from the error queue of an IPv6 socket: IPV6_RECVERR of ipv6(7).
    `error`, `icmp_type`, `icmp_code`, `info` and `data` are as in InternetErrorReport; `origin`
    is 3 for ICMPv6, and `offender` an Internet6Address, or None. It arrives if
    Internet6Option.RECEIVE_ERRORS is set, with the flag ReceiveFromOption.ERROR_QUEUE, and
    cannot be sent. Platforms: Linux.
    """

    __slots__ = ()


class SegmentSize(NumberItem):
    """SegmentSize(value): how long each datagram is of many in one, UDP_SEGMENT of udp(7).

    `value` is an int, from 1 to 65535 bytes. Sent, the kernel cuts the data at each of them.
    It arrives, as UDP_GRO, if UdpOption.RECEIVE_OFFLOAD is set and the kernel has joined
    some. Platforms: Linux.
    """

    __slots__ = ()
    high, size = 65535, 2


class SocketDomain(SocketConstant, DomainBase):
    """SocketDomain(value, extractor, address_size): a family of addresses, AF_... in C.

    `extractor(bytes)` returns the SocketAddress for an address of this family as the kernel
    returned it, exactly as long; it is not called for an address of no bytes. `address_size`
    is the greatest size of such an address in bytes.
    """

    __slots__ = ("address_size",)
    __match_args__ = ("value", "extractor", "address_size")

    address_size: int

    UNIX: ClassVar[SocketDomain]
    """AF_UNIX, unix(7): programs on one machine. Addresses are of the class UnixAddress.

Platforms: all but Windows (HAS_UNIX_SOCKETS)."""
    LOCAL: ClassVar[SocketDomain]
    """AF_LOCAL, unix(7): the domain UNIX, under a second name that most systems have.

Platforms: all but Windows (HAS_UNIX_SOCKETS)."""
    INTERNET: ClassVar[SocketDomain]
    """AF_INET, ip(7): IPv4. Addresses are of the class InternetAddress.

Platforms: all."""
    INTERNET_V6: ClassVar[SocketDomain]
    """AF_INET6, ipv6(7): IPv6. Addresses are of the class Internet6Address.

Platforms: all."""

    def __init__(
        self, value: int, extractor: Callable[[bytes], SocketAddress], address_size: int
    ) -> None:
        expect_procedure("SocketDomain", "extractor", extractor)
        address_size = expect_integer(
            "SocketDomain", "address_size", address_size, 1, ADDRESS_ROOM, "bytes"
        )
        super().__init__(value, extractor, address_size)


class SocketType(SocketConstant):
    """SocketType(value): a kind of traffic, the SOCK_... of socket(2)."""

    __slots__ = ()

    STREAM: ClassVar[SocketType]
    """SOCK_STREAM, socket(2): bytes without message boundaries, reliable and in order, as in TCP.

Platforms: all."""
    DATAGRAM: ClassVar[SocketType]
    """SOCK_DGRAM, socket(2): messages, which may be lost or overtake each other, as in UDP.

Platforms: all."""
    SEQUENCE_PACKET: ClassVar[SocketType]
    """SOCK_SEQPACKET, socket(2): messages, reliable and in order.

Platforms: all; sockets of this type, in the domain UNIX, on Linux and the BSDs."""
    RAW: ClassVar[SocketType]
    """SOCK_RAW, raw(7): packets as the network layer has them. Takes a privilege.

Platforms: all."""
    RANDOM: ClassVar[SocketType]
    """SOCK_RDM, socket(2): messages, reliable, which may overtake each other.

Platforms: all; sockets of this type in hardly any domain (on Linux, in that of TIPC)."""


class SocketProtocol(SocketConstant):
    """SocketProtocol(value): a protocol by its number, as in protocols(5)."""

    __slots__ = ()

    AUTO: ClassVar[SocketProtocol]
    """0, socket(2): the protocol that the system has for the domain and the type.

    Platforms: all."""


class ProtocolEntry(Record):
    """ProtocolEntry(name, aliases, value): an entry of the protocol database, protocols(5).

    `name` is a str, `aliases` a tuple of str, `value` a SocketProtocol.
    """

    __slots__ = __match_args__ = ("name", "aliases", "value")

    name: str
    aliases: tuple[str, ...]
    value: SocketProtocol

    def __init__(self, name: str, aliases: Sequence[str], value: SocketProtocol) -> None:
        expect("ProtocolEntry", "name", name, str)
        expect("ProtocolEntry", "value", value, SocketProtocol)
        super().__init__(name, expect_names("ProtocolEntry", aliases), value)


def expect_names(who: str, aliases: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(aliases, (tuple, list)):
        raise TypeError(f"{who}: aliases must be a tuple of str, not {describe(aliases)}")
    for alias in aliases:
        expect(who, "alias", alias, str)
    return tuple(aliases)


def foreign_to_protocol_entry(x: Any) -> ProtocolEntry | None:
    if not x:
        return None
    return ProtocolEntry(
        foreign_protocol_entry_name(x),
        foreign_protocol_entry_aliases(x),
        SocketProtocol(foreign_protocol_entry_protocol(x)),
    )


class ShutdownMethod(SocketConstant):
    """ShutdownMethod(value): which directions shutdown_socket ends, the SHUT_... of C."""

    __slots__ = ()

    READ: ClassVar[ShutdownMethod]
    """SHUT_RD, shutdown(2): whoever waits for data is woken, and told of the end.

    Platforms: all; on Windows C calls it SD_RECEIVE."""
    WRITE: ClassVar[ShutdownMethod]
    """SHUT_WR, shutdown(2): what was sent still arrives, and then the peer is told of the end.

    Platforms: all; on Windows C calls it SD_SEND."""
    READ_AND_WRITE: ClassVar[ShutdownMethod]
    """SHUT_RDWR, shutdown(2): both.

    Platforms: all; on Windows C calls it SD_BOTH."""


class SendToOption(SocketConstant):
    """SendToOption(value): a flag for send_to_socket, the MSG_... of sendto(2)."""

    __slots__ = ()

    DONT_ROUTE: ClassVar[SendToOption]
    """MSG_DONTROUTE, sendto(2): only to the networks that this machine is on, past no router.

    Platforms: all."""
    OUT_OF_BAND: ClassVar[SendToOption]
    """MSG_OOB, sendto(2): the last byte is urgent; in TCP it overtakes the others.

    Platforms: all."""


class ReceiveFromOption(SocketConstant):
    """ReceiveFromOption(value): a flag for receive_from_socket, the MSG_... of recvfrom(2)."""

    __slots__ = ()

    OUT_OF_BAND: ClassVar[ReceiveFromOption]
    """MSG_OOB, recvfrom(2): receive the urgent byte, which has overtaken the others.

    Platforms: all."""
    PEEK: ClassVar[ReceiveFromOption]
    """MSG_PEEK, recvfrom(2): look at the data, and leave it to be received again.

    Platforms: all."""
    WAIT_ALL: ClassVar[ReceiveFromOption]
    """MSG_WAITALL, recvfrom(2): on a blocking stream, wait for all bytes or its end.

    An error, a timeout or a signal can still make it fewer; receive_exactly goes on.
    Platforms: all."""
    DONT_WAIT: ClassVar[ReceiveFromOption]
    """MSG_DONTWAIT, recvfrom(2): do not block in this call, whatever the socket's mode.

    Platforms: all but Windows (HAS_DONT_WAIT)."""
    ERROR_QUEUE: ClassVar[ReceiveFromOption]
    """MSG_ERRQUEUE, recvfrom(2): receive a report of what became of a datagram, and the datagram.

    For receive_message, which has the report among its items. Never waits.
    Platforms: Linux."""


class Datagrams(Record, RunBase):
    """Datagrams(data, size, address, truncated=False): datagrams of one size, end to end.

    `data` is an object that holds bytes, kept as bytes; `size` is how many of them make a
    datagram, from 1, and what is left over at the end is a shorter one. No data is one
    datagram without contents, whatever `size` is. `address` is whom they go to or come from,
    or None. `truncated`, a bool, says of received datagrams, of those that are `size` bytes
    long, that they were longer, and the rest is lost. `len(run)` is how many datagrams there
    are, `run[i]` the bytes of one, and iterating goes through them.
    """

    __slots__ = ()
    __match_args__ = ("data", "size", "address", "truncated")

    def __init__(
        self, data: Buffer, size: int, address: SocketAddress | None, truncated: bool = False
    ) -> None:
        if type(data) is not bytes:
            with view_bytes("Datagrams", data) as view:
                data = bytes(view)
        size = expect_integer("Datagrams", "size", size, 1 if data else 0, LONGEST, "bytes")
        if address is not None:
            expect("Datagrams", "address", address, SocketAddress)
        expect("Datagrams", "truncated", truncated, bool)
        super().__init__(data, size, address, truncated)

    def __len__(self) -> int:
        return -(-len(self.data) // self.size) if self.data else 1

    def __getitem__(self, index: int) -> bytes:
        place = range(len(self))[index] * self.size
        return self.data[place : place + self.size]

    def __iter__(self) -> Iterator[bytes]:
        return map(self.__getitem__, range(len(self)))


class MessageHeader(Record, HeaderBase):
    """MessageHeader(address, items, flags): what came with the bytes of a message, recvmsg(2).

    `address` is the sender's, or None where the kernel tells none; `items` is a tuple of
    AncillaryItem, in the order in which they came; `flags` is the msg_flags of C, an int.
    """

    __slots__ = ()
    __match_args__ = ("address", "items", "flags")

    def __init__(
        self, address: SocketAddress | None, items: tuple[AncillaryItem, ...], flags: int
    ) -> None:
        super().__init__(address, items, flags)

    @property
    def truncated(self) -> bool:
        """Whether the message was longer than its room, MSG_TRUNC: the rest is lost."""
        return self.flags & FOREIGN_VALUES.get("%msg/truncated", 0) != 0

    @property
    def items_truncated(self) -> bool:
        """Whether ancillary data had no room, MSG_CTRUNC: items are missing, or cut."""
        return self.flags & FOREIGN_VALUES.get("%msg/items-truncated", 0) != 0


def get_socket_option(sock: Socket, option: SocketOption[Value]) -> Value:
    """getsockopt(2): the value of `option` for `sock`, through the option's converter.

    Raises SocketCondition (ENOPROTOOPT, EINVAL, EBADF ...), TypeError, and whatever the
    converter raises. Ready-made options never block, and keep the GIL; others release it.
    """
    if not isinstance(sock, Socket):
        expect("get_socket_option", "sock", sock, Socket)
    if not isinstance(option, SocketOption):
        expect("get_socket_option", "option", option, SocketOption)
    if option._number is not None:
        kind, _low, _high, level, id = option._number
        number = getsockopt_number_keep(sock._foreign, level, id)
        if number >= LEAST_INT:
            found: Value = kind(number)
            return found
    return read_option("get_socket_option", sock, option)


def read_option(who: str, sock: Socket, option: SocketOption[Value]) -> Value:
    size = expect_integer(who, "size", option.size, 1, 65536, "bytes")
    value = ffi.new("char[]", size)
    procedure = getsockopt_keep if option._quick else getsockopt_block
    result = call_with_errno(procedure, sock, option.level, option.id, value, size)
    if result < 0:
        report_failure(who, "getsockopt", -result, sock, repr(option))
    return option.converter(ffi.buffer(value)[:result])


def set_socket_option(sock: Socket, option: SocketOption[Value], value: Value) -> None:
    """setsockopt(2): set `option` of `sock` to `value`, through the option's maker.

    Raises SocketCondition (ENOPROTOOPT, EINVAL, EPERM ...), TypeError, ValueError, and
    whatever the maker raises. Ready-made options, but for memberships of groups and
    CONGESTION, never block, and keep the GIL; others release it.
    """
    if not isinstance(sock, Socket):
        expect("set_socket_option", "sock", sock, Socket)
    if not isinstance(option, SocketOption):
        expect("set_socket_option", "option", option, SocketOption)
    if option._number is not None:
        kind, low, high, level, id = option._number
        right = value.__class__ is kind and low <= value <= high
        if right and setsockopt_number_keep(sock._foreign, level, id, value) == 0:
            return
    packed = option.maker(value)
    if not isinstance(packed, bytes):
        raise TypeError(f"set_socket_option: maker must return bytes, not {describe(packed)}")
    packed = exact_bytes(packed)
    if len(packed) > option.size:
        raise ValueError(
            f"set_socket_option: maker returned {len(packed)} bytes, and {option!r} takes at most "
            f"{option.size}"
        )
    procedure = setsockopt_keep if option._quick else setsockopt_block
    result = call_with_errno(procedure, sock, option.level, option.id, packed, len(packed))
    if result < 0:
        about = f"{option!r} = {brief(value)}"
        report_failure("set_socket_option", "setsockopt", -result, sock, about)


def make_boolean(value: bool) -> bytes:
    expect("set_socket_option", "value", value, bool)
    return int(value).to_bytes(4, sys.byteorder)


def read_boolean(data: bytes) -> bool:
    return any(data)


class IntegerMaker(Record):
    """IntegerMaker(low, high, unit): the maker of an option whose value is a C int."""

    __slots__ = __match_args__ = ("low", "high", "unit")

    low: int
    high: int
    unit: str

    def __call__(self, value: int) -> bytes:
        number = expect_integer(
            "set_socket_option", "value", value, self.low, self.high, self.unit
        )
        return number.to_bytes(4, sys.byteorder, signed=True)


def read_integer(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder, signed=True)


def read_only(value: object) -> bytes:
    raise ValueError(f"set_socket_option: this option can only be read, not set to {value!r}")


def set_only(data: bytes) -> NoReturn:
    raise ValueError("get_socket_option: this option can only be set")
TIME_SIZE = 4 if WINDOWS else FOREIGN_VALUES["size-of/timeval"]
LINGER_SIZE = FOREIGN_VALUES["size-of/linger"]


def pair_of_numbers(size: int, first: int, second: int) -> bytes:
    half = size // 2
    return first.to_bytes(half, sys.byteorder) + second.to_bytes(half, sys.byteorder)


def make_seconds(value: float | None) -> bytes:
    expect_seconds("set_socket_option", "value", value)
    if value is not None and not 0 < value <= 4 * 10**6:
        raise ValueError(
            f"set_socket_option: value must be more than 0 and at most 4000000 seconds, "
            f"or None for no limit, not {value!r}"
        )
    micro = 0 if value is None else max(1, round(value * 10**6))
    if WINDOWS:
        return (-(-micro // 1000)).to_bytes(4, sys.byteorder)
    return pair_of_numbers(TIME_SIZE, micro // 10**6, micro % 10**6)


def read_seconds(data: bytes) -> float | None:
    if WINDOWS:
        return int.from_bytes(data, sys.byteorder) / 1000 or None
    half = len(data) // 2
    whole, part = data[:half], data[half:]
    seconds = int.from_bytes(whole, sys.byteorder) + int.from_bytes(part, sys.byteorder) / 10**6
    return seconds or None


def make_linger(value: int | None) -> bytes:
    if value is None:
        return bytes(LINGER_SIZE)
    value = expect_integer("set_socket_option", "value", value, 0, 32767, "seconds")
    return pair_of_numbers(LINGER_SIZE, 1, value)


def read_linger(data: bytes) -> int | None:
    half = len(data) // 2
    return int.from_bytes(data[half:], sys.byteorder) if any(data[:half]) else None


def flag_option(kind: type[SocketOption[Any]], id: int) -> SocketOption[bool]:
    """Return an option whose value is a bool, and an int to C: one that is on or off.

    `kind` is the class of the option, which knows its level, SocketOption, TcpOption or
    another of that family; `id` is its number there, as in setsockopt(2). Raises TypeError,
    ValueError.
    """
    expect_kind("flag_option", kind)
    return kind(id, 4, make_boolean, read_boolean)


def number_option(
    kind: type[SocketOption[Any]], id: int, low: int = -2147483648, high: int = 2147483647,
    unit: str = "",
) -> SocketOption[int]:
    """Return an option whose value is an int, to C as well, from `low` to `high`.

    `kind` and `id` are those of flag_option. Setting refuses a number that is out of bounds,
    and names the `unit` in which it is counted, as "seconds". Raises TypeError, ValueError.
    """
    expect_kind("number_option", kind)
    low = expect_integer("number_option", "low", low, LEAST_INT, 2**31 - 1)
    high = expect_integer("number_option", "high", high, low, 2**31 - 1)
    expect("number_option", "unit", unit, str)
    return kind(id, 4, IntegerMaker(low, high, unit), read_integer)


def expect_kind(who: str, kind: object) -> None:
    if not (isinstance(kind, type) and issubclass(kind, SocketOption)):
        raise TypeError(f"{who}: kind must be a class of options, not {describe(kind)}")


class Internet6Option(LevelOption[Value]):
    """Internet6Option(id, size, maker, converter): an option of ipv6(7)."""

    __slots__ = ()
    level = FOREIGN_VALUES["$ipproto-ipv6"]

    HOP_LIMIT: ClassVar[Internet6Option[int]]
    """IPV6_UNICAST_HOPS, ipv6(7): the hop limit of what is sent, but to groups.

Value: an int, from -1 to 255 hops; -1 sets the system's usual limit. Platforms: all."""
    V6_ONLY: ClassVar[Internet6Option[bool]]
    """IPV6_V6ONLY, ipv6(7): talk IPv6 only, and not IPv4 through addresses in ::ffff:0:0/96.

Value: a bool, at first False on Linux and macOS, and True on Windows and most BSDs.
Platforms: all; on OpenBSD it is always True."""
    RECEIVE_PACKET_INFO: ClassVar[Internet6Option[bool]]
    """IPV6_RECVPKTINFO, ipv6(7): with each datagram comes where to, as an Internet6PacketInfo.

Value: a bool. Platforms: all but Windows."""
    RECEIVE_HOP_LIMIT: ClassVar[Internet6Option[bool]]
    """IPV6_RECVHOPLIMIT, ipv6(7): with each datagram comes the HopLimit that it had left.

Value: a bool. Platforms: all but Windows."""
    RECEIVE_TRAFFIC_CLASS: ClassVar[Internet6Option[bool]]
    """IPV6_RECVTCLASS, ipv6(7): with each datagram comes its TrafficClass.

Value: a bool. Platforms: all but Windows."""
    RECEIVE_ERRORS: ClassVar[Internet6Option[bool]]
    """IPV6_RECVERR, ipv6(7): what becomes of datagrams is reported, as Internet6ErrorReport items.

They wait in the error queue for ReceiveFromOption.ERROR_QUEUE.
Value: a bool. Platforms: Linux."""
    JOIN_GROUP: ClassVar[Internet6Option[Internet6Address | tuple[Internet6Address, int]]]
    """IPV6_JOIN_GROUP, ipv6(7): join a group, on one interface.

Value: a tuple of the group, an Internet6Address that begins with ff, and the index of
the interface, an int from 0 to 2147483647; or the group alone, for an index of 0. With 0
the group's scope says which interface, and if that is 0 as well, the system. Set only.
Platforms: all."""
    LEAVE_GROUP: ClassVar[Internet6Option[Internet6Address | tuple[Internet6Address, int]]]
    """IPV6_LEAVE_GROUP, ipv6(7): leave a group, on one interface.

Value: a tuple or a group, as for JOIN_GROUP. Set only. Platforms: all."""
    MULTICAST_INTERFACE: ClassVar[Internet6Option[int]]
    """IPV6_MULTICAST_IF, ipv6(7): the interface over which is sent what goes to groups.

Value: an int, from 0 to 2147483647: its index, or 0 for the system's choice.
Platforms: all."""
    MULTICAST_LOOP: ClassVar[Internet6Option[bool]]
    """IPV6_MULTICAST_LOOP, ipv6(7): what is sent to a group also comes to its members here.

Value: a bool. Platforms: all; on Windows it is the receiver's to set."""
    MULTICAST_HOPS: ClassVar[Internet6Option[int]]
    """IPV6_MULTICAST_HOPS, ipv6(7): the hop limit of what is sent to groups, at first 1.

Value: an int, from -1 to 255 hops; -1 sets the system's usual limit. Platforms: all."""
    TRAFFIC_CLASS: ClassVar[Internet6Option[int]]
    """IPV6_TCLASS, ipv6(7): the traffic class of what is sent, the TYPE_OF_SERVICE of IPv6.

Value: an int, from -1 to 255: the field; -1 sets the system's usual one. Platforms: all."""
    DONT_FRAGMENT: ClassVar[Internet6Option[bool]]
    """IPV6_DONTFRAG, ipv6(7): refuse to send a datagram that is larger than the path MTU.

Value: a bool. Platforms: Linux, macOS, FreeBSD, Windows."""
    MTU_DISCOVER: ClassVar[Internet6Option[MtuDiscovery]]
    """IPV6_MTU_DISCOVER, ipv6(7): how the path MTU is found out.

Value: an MtuDiscovery. Platforms: Linux."""
    MTU: ClassVar[Internet6Option[int]]
    """IPV6_MTU, ipv6(7): the path MTU in bytes, as far as it is known, of a connected socket.

Value: an int, else ENOTCONN; read only. Platforms: Linux."""
    TRANSPARENT: ClassVar[Internet6Option[bool]]
    """IPV6_TRANSPARENT, ipv6(7): bind to addresses that are not this machine's, as proxies do.

It takes a privilege. Value: a bool. Platforms: Linux."""
    JOIN_SOURCE_GROUP: ClassVar[
        Internet6Option[
            tuple[Internet6Address, Internet6Address]
            | tuple[Internet6Address, Internet6Address, int]
        ]
    ]
    """MCAST_JOIN_SOURCE_GROUP, ipv6(7): join a group, for what one source sends to it.

Value: a tuple of the group, the source's Internet6Address, and, if it is not 0, the
interface's index, as for JOIN_GROUP. Set only. Platforms: Linux, macOS, FreeBSD, Windows."""
    LEAVE_SOURCE_GROUP: ClassVar[
        Internet6Option[
            tuple[Internet6Address, Internet6Address]
            | tuple[Internet6Address, Internet6Address, int]
        ]
    ]
    """MCAST_LEAVE_SOURCE_GROUP, ipv6(7): leave a group, for one source.

Value: a tuple, as for JOIN_SOURCE_GROUP. Set only. Platforms: Linux, macOS, FreeBSD, Windows."""
    MULTICAST_ALL: ClassVar[Internet6Option[bool]]
    """IPV6_MULTICAST_ALL, ipv6(7): receive of groups that other sockets here have joined, too.

Value: a bool, at first True. Platforms: Linux, from 4.20 on."""


def make_ip(value: InternetAddress | None) -> bytes:
    if value is not None:
        expect("set_socket_option", "value", value, InternetAddress)
    ip = value.ip if value is not None else None
    return (ip or 0).to_bytes(4, "big")


def read_ip(data: bytes) -> InternetAddress:
    return InternetAddress(int.from_bytes(data, "big"), None)


def make_membership(
    value: InternetAddress | tuple[InternetAddress, InternetAddress | None]
) -> bytes:
    group, interface = group_and_interface(InternetAddress, value, None, "address or None")
    return make_ip(group) + make_ip(interface)


def group_and_interface(kind: Any, value: Any, alone: Any, what: str) -> Any:
    pair = (value, alone) if isinstance(value, kind) else value
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(
            "set_socket_option: value must be the group's address, or a tuple of it and an "
            f"interface's {what}, not {describe(value)}"
        )
    expect_group(kind, pair[0])
    return pair


def make_membership6(value: Internet6Address | tuple[Internet6Address, int]) -> bytes:
    group, interface = group_and_interface(Internet6Address, value, 0, "index")
    interface = expect_interface(group, interface)
    return (group.ip or 0).to_bytes(16, "big") + interface.to_bytes(4, sys.byteorder)


def expect_group(kind: Any, group: Any) -> None:
    expect("set_socket_option", "group", group, kind)
    ip = group.ip or 0
    if kind is InternetAddress and ip >> 28 != 14:
        raise ValueError(
            f"set_socket_option: group must be from 224.0.0.0 to 239.255.255.255, not {group}"
        )
    if kind is Internet6Address and ip >> 120 != 0xFF:
        raise ValueError(f"set_socket_option: group must begin with ff, not be {group}")


def expect_interface(group: Any, interface: int) -> int:
    interface = expect_integer("set_socket_option", "interface", interface, 0, 2**31 - 1)
    scope: int = getattr(group, "scope", 0)
    if interface and scope not in (0, interface):
        raise ValueError(
            f"set_socket_option: interface is {interface}, but group has another, {scope}"
        )
    return interface or scope


def make_mark(value: int) -> bytes:
    number = expect_integer("set_socket_option", "value", value, 0, 2**32 - 1)
    return number.to_bytes(4, sys.byteorder)


def read_mark(data: bytes) -> int:
    return int.from_bytes(data, sys.byteorder)


def make_text(value: str) -> bytes:
    return name_to_foreign("set_socket_option", "value", value)


def read_text(data: bytes) -> str:
    return os.fsdecode(data.partition(b"\0")[0])


def make_device(value: str | None) -> bytes:
    return b"\0" if value is None else make_text(value)


def read_device(data: bytes) -> str | None:
    return read_text(data) or None


def read_peer(data: bytes) -> Credentials | None:
    nobody = data[4:] == b"\xff" * 8
    return None if nobody else Credentials(*[read_mark(data[at : at + 4]) for at in (0, 4, 8)])
TCP_STATES = (
    "UNKNOWN", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
    "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
)
TCP_FIELDS = {  # where each begins, and its size
    "retransmission_time": (8, 4), "round_trip": (68, 4), "deviation": (72, 4),
    "least_round_trip": (148, 4), "segment_size": (16, 4), "in_flight": (24, 4), "lost": (32, 4),
    "path_mtu": (60, 4), "slow_start_threshold": (76, 4), "congestion_window": (80, 4),
    "retransmitted": (100, 4), "bytes_unsent": (144, 4), "bytes_acknowledged": (120, 8),
    "bytes_received": (128, 8), "delivery_rate": (160, 8), "bytes_sent": (200, 8),
    "bytes_retransmitted": (208, 8),
}
TIMES = 4  # the first of them


class TcpInformation(Record):
    """What TCP has found out about a connection, tcp(7); TcpOption.INFORMATION reads it.

    `state` is "ESTABLISHED", "CLOSE_WAIT" and so on. Times, in seconds, as floats:
    `round_trip`, smoothed, and its mean `deviation`, `least_round_trip`, and
    `retransmission_time`, after which what is not acknowledged is sent again. Segments, as
    ints: `in_flight`, sent and not acknowledged, `lost` of these, `retransmitted` in all,
    `congestion_window` and `slow_start_threshold`. Bytes:
    `segment_size` of what is sent, `path_mtu`, `bytes_unsent`, `bytes_acknowledged`,
    `bytes_received`, `bytes_sent`, `bytes_retransmitted`, and `delivery_rate` per second. What
    the kernel does not tell is None.
    """

    __slots__ = ("state", *TCP_FIELDS)

    state: str
    round_trip: float | None
    deviation: float | None
    least_round_trip: float | None
    retransmission_time: float | None
    in_flight: int | None
    lost: int | None
    retransmitted: int | None
    congestion_window: int | None
    slow_start_threshold: int | None
    segment_size: int | None
    path_mtu: int | None
    bytes_unsent: int | None
    bytes_acknowledged: int | None
    bytes_received: int | None
    bytes_sent: int | None
    bytes_retransmitted: int | None
    delivery_rate: int | None


def read_tcp_information(data: bytes) -> TcpInformation:
    def number(start: int, size: int) -> int | None:
        part = data[start : start + size]
        found = int.from_bytes(part, sys.byteorder) if len(part) == size else None
        return None if found in (2**31 - 1, 2**32 - 1) else found  # which stand for no limit

    numbers = [number(*place) for place in TCP_FIELDS.values()]
    state = number(0, 1) or 0
    return TcpInformation(
        TCP_STATES[state if state < len(TCP_STATES) else 0],
        *[None if time is None else time / 10**6 for time in numbers[:TIMES]], *numbers[TIMES:],
    )


class MtuDiscovery(SocketConstant):
    """MtuDiscovery(value): what is done to find out the path MTU, ip(7), as for MTU_DISCOVER."""

    __slots__ = ()

    DONT: ClassVar[MtuDiscovery]
    """IP_PMTUDISC_DONT, ip(7): nothing; routers may cut every packet.

    Platforms: Linux."""
    WANT: ClassVar[MtuDiscovery]
    """IP_PMTUDISC_WANT, ip(7): forbid it, and cut here what is known to be too large.

    Platforms: Linux."""
    DO: ClassVar[MtuDiscovery]
    """IP_PMTUDISC_DO, ip(7): forbid it, and refuse to send what is too large, with EMSGSIZE.

    Platforms: Linux."""
    PROBE: ClassVar[MtuDiscovery]
    """IP_PMTUDISC_PROBE, ip(7): forbid it, and send even what is known to be too large.

    Platforms: Linux."""


def make_discovery(value: MtuDiscovery) -> bytes:
    expect("set_socket_option", "value", value, MtuDiscovery)
    return value.value.to_bytes(4, sys.byteorder, signed=True)


def read_discovery(data: bytes) -> MtuDiscovery:
    found: MtuDiscovery = remake(MtuDiscovery, read_integer(data))
    return found


class GroupMaker(Record):
    """GroupMaker(kind, names): the maker of an option about `names`, addresses of `kind`."""

    __slots__ = __match_args__ = ("kind", "names")

    kind: type[InternetAddress | Internet6Address]
    names: tuple[str, ...]

    def __call__(self, value: Any) -> bytes:
        given = value if isinstance(value, tuple) else (value,)
        addresses, index = given[: len(self.names)], given[len(self.names) :]
        if len(addresses) < len(self.names) or len(index) > 1:
            raise TypeError(
                f"set_socket_option: value must be a tuple of {' and '.join(self.names)}, and "
                f"perhaps the index of an interface, not {describe(value)}"
            )
        expect_group(self.kind, addresses[0])
        for name, address in zip(self.names[1:], addresses[1:], strict=True):
            expect("set_socket_option", name, address, self.kind)
        interface = expect_interface(addresses[0], index[0] if index else 0)
        packed = [self.kind(address.ip, 0).converter() for address in addresses]
        start = FOREIGN_VALUES["size-of/group-req"] - ADDRESS_ROOM
        return interface.to_bytes(4, sys.byteorder).ljust(start, b"\0") + b"".join(
            [each.ljust(ADDRESS_ROOM, b"\0") for each in packed]
        )


def set_socket_nonblocking(sock: Socket, flag: bool) -> None:
    """ioctl(2): make `sock` non-blocking (`flag` is True) or blocking (False).

    `sock.nonblocking` tells. Processes that share the open file share the mode. Raises
    SocketCondition (EBADF), TypeError. Does not block.
    """
    expect("set_socket_nonblocking", "sock", sock, Socket)
    expect("set_socket_nonblocking", "flag", flag, bool)
    result = set_blocking(sock, not flag)
    if result < 0:
        report_failure("set_socket_nonblocking", "ioctl", -result, sock)


def is_nonblocking(who: str, fd: int) -> bool:
    while (result := get_nonblocking_block(fd)) == INTERRUPTED:
        pass
    if result < 0:
        socket_error(who, "fcntl", -result)
    return result > 0


class SocketCondition(OSError):
    """SocketCondition(who, syscall, type, message, address=None)

    What a system call reported: `who` names the procedure of this library, `syscall` the system
    call, `type` is the errno (or a ResolverCode, if that was "getaddrinfo"; also as `errno`),
    `message` the system's text (also as `strerror`), `address` what it was about, or None: a
    SocketAddress, of a connected socket its peer, or a text. `name` is the name of the error in
    C. It is raised, or returned as a value where an operation would block. It is also an
    instance of Python's own class for its errno, such as ConnectionRefusedError, or of
    `socket.gaierror` if the resolver has spoken.
    """

    __module__ = __package__ or "sockets"
    __slots__ = ("who", "syscall", "address", "done")
    __match_args__ = ("who", "syscall", "type", "message", "address")

    who: str
    syscall: str
    address: object
    done: int | bytes | list[Datagrams] | list[SocketCondition]  # what was done before it failed

    def __new__(
        cls, who: str, syscall: str, type: int, message: str, address: object = None
    ) -> Self:
        if not who.__class__ is syscall.__class__ is message.__class__ is str:
            for argument, text in (("who", who), ("syscall", syscall), ("message", message)):
                expect("SocketCondition", argument, text, str)
        if type.__class__ is not int:
            expect_integer("SocketCondition", "type", type, -(2**31), 2**31 - 1)
        cls = condition_class(cls, syscall, type)
        self = OSError.__new__(cls, type, message)
        self.who, self.syscall, self.address = who, syscall, address
        return self

    @property
    def type(self) -> int:
        """The error's number: an errno, or the resolver's code."""
        return self.errno or 0

    @property
    def name(self) -> str:
        """The error's name in C, such as "ECONNREFUSED", or "EAI_NONAME" of the resolver's."""
        return error_name(self.syscall, self.type)

    @property
    def message(self) -> str:
        """The system's text for the error."""
        return self.strerror or ""

    def __str__(self) -> str:
        about = "" if self.address is None else f": {self.address}"
        return f"{self.who}: {self.syscall}: {self.name} ({self.message}){about}"

    def __repr__(self) -> str:
        kind, about = self.__class__.__name__, ""
        if self.address is not None:
            about = f", {self.address!r}"
        return f"{kind}({self.who!r}, {self.syscall!r}, {self.name}, {self.message!r}{about})"

    def __reduce__(self) -> tuple[object, ...]:
        kind = self.__class__.__dict__.get("made_from", self.__class__)
        state = {"done": self.done} if hasattr(self, "done") else None
        return kind, (self.who, self.syscall, self.type, self.message, self.address), state
new_error: Callable[..., Any] = OSError.__new__
condition_classes: dict[tuple[type[SocketCondition], int | None], Any] = {}


def condition_class(cls: type[SocketCondition], syscall: str, number: int) -> Any:
    resolver = syscall in RESOLVERS
    if resolver and number not in RESOLVER_CODES:
        return cls
    try:
        return condition_classes[cls, None if resolver else number]
    except KeyError:
        python_class, kind = python_error(None if resolver else number), cls
        if python_class is not OSError and not issubclass(cls, python_class):
            members = {
                "__slots__": (), "__module__": cls.__module__, "__doc__": cls.__doc__,
                "made_from": cls,
            }
            kind = type(cls.__name__, (cls, python_class), members)
        condition_classes[cls, None if resolver else number] = kind
        return kind


def python_error(number: int | None) -> type[OSError]:
    if number is None:
        import _socket

        return _socket.gaierror
    winsock = WINDOWS and number >= 10000
    error = OSError(0, "", None, number) if winsock else OSError(number, "")
    return error.__class__


def error_name(syscall: str, type: int) -> str:
    if syscall in RESOLVERS and type in RESOLVER_CODES:
        return RESOLVER_CODES[type]
    for name in ("EAGAIN", "EOPNOTSUPP", "EDEADLK"):  # of two names of one number, the known
        if type == getattr(errno, name):
            return name
    return errno.errorcode.get(type, f"error {type}")


def error_message(syscall: str, type: int) -> str:
    if syscall in RESOLVERS and type in RESOLVER_CODES and not WINDOWS:
        return get_foreign_string(gai_strerror(type)) or ""
    return errno_message(type)



def plain(kind: Any, number: int, *parts: Any) -> Any:
    return kind(number, *parts)


def offer(
    place: str, kind: Any, names: str, make: Callable[..., Any] = plain, *parts: Any
) -> None:
    for word in names.split():
        name, _, other = word.partition("=")
        number = FOREIGN_VALUES.get(place + (other or name.lower().replace("_", "-")))
        if number is not None:
            setattr(kind, name, make(kind, number, *parts))


offer(
    "%eai/", ResolverCode, "ADDRESS_FAMILY=addrfamily AGAIN BAD_FLAGS=badflags FAIL FAMILY MEMORY"
    " NO_DATA=nodata NO_NAME=noname OVERFLOW SERVICE SOCKET_TYPE=socktype SYSTEM",
    lambda kind, number: number,
)
offer(
    "%ai/", AddressInfoOption, "CANONICAL_NAME=canonname NUMERIC_HOST=numerichost PASSIVE"
    " NUMERIC_SERVICE=numericserv CONFIGURED=addrconfig V4_MAPPED=v4mapped ALL",
)
offer(
    "%ni/", NameInfoOption, "NUMERIC_HOST=numerichost NUMERIC_SERVICE=numericserv"
    " NAME_REQUIRED=namereqd LOCAL_NAME=nofqdn DATAGRAM=dgram",
)
if HAS_UNIX_SOCKETS:
    SocketDomain.UNIX = SocketDomain(
        FOREIGN_VALUES["%socket-domain/unix"], foreign_to_unix_address,
        FOREIGN_VALUES["size-of/addr-un"],
    )
    SocketDomain.LOCAL = SocketDomain.UNIX
SocketDomain.INTERNET = SocketDomain(
    FOREIGN_VALUES["%socket-domain/internet"], foreign_to_internet_address,
    FOREIGN_VALUES["size-of/addr-in"],
)
SocketDomain.INTERNET_V6 = SocketDomain(
    FOREIGN_VALUES["%socket-domain/internet-v6"], foreign_to_internet6_address, 28
)
if HAS_UNIX_SOCKETS:
    UnixAddress.domain = SocketDomain.UNIX
InternetAddress.domain = SocketDomain.INTERNET
Internet6Address.domain = SocketDomain.INTERNET_V6
offer("%socket-type/", SocketType, "STREAM DATAGRAM SEQUENCE_PACKET RAW RANDOM")
SocketProtocol.AUTO = SocketProtocol(0)
offer("%shutdown/", ShutdownMethod, "READ WRITE READ_AND_WRITE=read&write")
offer("%msg/", SendToOption, "DONT_ROUTE OUT_OF_BAND")
offer("%msg/", ReceiveFromOption, "OUT_OF_BAND PEEK WAIT_ALL DONT_WAIT ERROR_QUEUE")
def other_option(
    kind: Any, id: int, size: int, maker: Any, converter: Any,
    number: tuple[Any, int, int] | None = None,
) -> Any:
    option, parts = make_record(kind), (id, size, maker, converter, FOREIGN_VALUES["$sol-socket"])
    Record.__init__(option, *parts[: len(kind.__match_args__)])
    mark_option(option, True, number and (*number, option.level, id))
    return option


def boolean_option(kind: Any, id: int) -> Any:
    return other_option(kind, id, 4, make_boolean, read_boolean, (bool, 0, 1))


def integer_option(kind: Any, id: int, low: int, high: int, unit: str = "") -> Any:
    maker = IntegerMaker(low, high, unit)
    return other_option(kind, id, 4, maker, read_integer, (int, low, high))
offer("$so/", SocketOption, "REUSE_ADDRESS REUSE_PORT BROADCAST KEEP_ALIVE", boolean_option)
offer("$so/", SocketOption, "LINGER", other_option, LINGER_SIZE, make_linger, read_linger)
offer(
    "$so/", SocketOption, "RECEIVE_BUFFER SEND_BUFFER", integer_option, 0, 2**31 - 1, "bytes"
)
offer(
    "$so/", SocketOption, "RECEIVE_TIMEOUT SEND_TIMEOUT", other_option, TIME_SIZE, make_seconds,
    read_seconds,
)
def read_pending_error(data: bytes) -> SocketCondition | None:
    error = read_integer(data)
    if error == 0:
        return None
    return SocketCondition("get_socket_option", "getsockopt", error, errno_message(error))


def read_type(data: bytes) -> SocketType:
    return SocketType(read_integer(data))


offer("$so/", SocketOption, "ERROR", other_option, 4, read_only, read_pending_error)
offer("$so/", SocketOption, "TYPE", other_option, 4, read_only, read_type)
offer("$tcp/", TcpOption, "NO_DELAY", boolean_option)
if HAS_KEEP_ALIVE_TIMES:
    idle = "KEEP_ALIVE_IDLE=keep-idle KEEP_ALIVE_INTERVAL=keep-interval"
    offer("$tcp/", TcpOption, idle, integer_option, 1, 32767, "seconds")
    offer("$tcp/", TcpOption, "KEEP_ALIVE_COUNT=keep-count", integer_option, 1, 127, "probes")
offer("$ip/", IpOption, "TTL", integer_option, 1, 255, "hops")
offer("$ipv6/", Internet6Option, "HOP_LIMIT", integer_option, -1, 255, "hops")
offer("$ipv6/", Internet6Option, "V6_ONLY", boolean_option)
offer("$so/", SocketOption, f"PASS_CREDENTIALS TIME_STAMPS={STAMPS}", boolean_option)
offer(
    "$ip/", IpOption, "RECEIVE_PACKET_INFO=packet-info RECEIVE_TTL RECEIVE_TYPE_OF_SERVICE"
    " RECEIVE_ERRORS", boolean_option,
)
offer(
    "$ipv6/", Internet6Option, "RECEIVE_PACKET_INFO RECEIVE_HOP_LIMIT RECEIVE_TRAFFIC_CLASS"
    " RECEIVE_ERRORS", boolean_option,
)
offer("$ip/", IpOption, "ADD_MEMBERSHIP DROP_MEMBERSHIP", plain, 8, make_membership, set_only)
offer("$ip/", IpOption, "MULTICAST_INTERFACE", plain, 4, make_ip, read_ip)
offer("$ip/", IpOption, "MULTICAST_LOOP", boolean_option)
offer("$ip/", IpOption, "MULTICAST_TTL", integer_option, 0, 255, "hops")
offer("$ipv6/", Internet6Option, "JOIN_GROUP LEAVE_GROUP", plain, 20, make_membership6, set_only)
offer(
    "$ipv6/", Internet6Option, "MULTICAST_INTERFACE", integer_option, 0, 2**31 - 1,
    "(an interface)",
)
offer("$ipv6/", Internet6Option, "MULTICAST_LOOP", boolean_option)
offer("$ipv6/", Internet6Option, "MULTICAST_HOPS", integer_option, -1, 255, "hops")
offer("$udp/", UdpOption, "RECEIVE_OFFLOAD", boolean_option)
offer("$so/", SocketOption, "OUT_OF_BAND_INLINE", boolean_option)
offer("$so/", SocketOption, "RECEIVE_LOW_WATER", integer_option, 1, 2**31 - 1, "bytes")
offer("$so/", SocketOption, "PRIORITY", integer_option, 0, 2**31 - 1)
offer("$so/", SocketOption, "BUSY_POLL", integer_option, 0, 2**31 - 1, "microseconds")
offer("$so/", SocketOption, "MARK", other_option, 4, make_mark, read_mark)
offer("$so/", SocketOption, "BIND_TO_DEVICE", other_option, 16, make_device, read_device)
offer("$so/", SocketOption, "PEER_CREDENTIALS", other_option, 12, read_only, read_peer)
offer("$tcp/", TcpOption, "CORK QUICK_ACK FAST_OPEN_CONNECT", boolean_option)
offer("$tcp/", TcpOption, "USER_TIMEOUT", integer_option, 0, 2**31 - 1, "milliseconds")
offer("$tcp/", TcpOption, "DEFER_ACCEPT", integer_option, 0, 32767, "seconds")
offer("$tcp/", TcpOption, "FAST_OPEN", integer_option, 0, 2**31 - 1, "connections")
offer("$tcp/", TcpOption, "CONGESTION", plain, 16, make_text, read_text)
offer("$tcp/", TcpOption, "INFORMATION", other_option, 232, read_only, read_tcp_information)
offer("$ip/", IpOption, "TYPE_OF_SERVICE", integer_option, 0, 255)
offer("$ipv6/", Internet6Option, "TRAFFIC_CLASS", integer_option, -1, 255)
offer("$ipv6/", Internet6Option, "DONT_FRAGMENT", boolean_option)
if "$ip/mtu" in FOREIGN_VALUES:
    for number, each in enumerate(("DONT", "WANT", "DO", "PROBE")):
        setattr(MtuDiscovery, each, MtuDiscovery(number))
for place, kind in ("$ip/", IpOption), ("$ipv6/", Internet6Option):
    offer(place, kind, "TRANSPARENT MULTICAST_ALL", boolean_option)
    offer(place, kind, "MTU", other_option, 4, read_only, read_integer)
    offer(place, kind, "MTU_DISCOVER", other_option, 4, make_discovery, read_discovery)
size = FOREIGN_VALUES.get("size-of/group-req", 0)
for kind, address in (IpOption, InternetAddress), (Internet6Option, Internet6Address):
    one, two = GroupMaker(address, ("group",)), GroupMaker(address, ("group", "source"))
    names = "JOIN_SOURCE_GROUP LEAVE_SOURCE_GROUP"
    offer("$mcast/", kind, names, plain, size + ADDRESS_ROOM, two, set_only)
    if kind is IpOption:
        offer("$mcast/", kind, "JOIN_GROUP LEAVE_GROUP", plain, size, one, set_only)



def split_string(s: str, c: str) -> list[str]:
    parts = s.split(c)
    if "" in parts:
        raise ValueError(f"something is missing before or after a {c!r}")
    return parts


def decimal(text: str, limit: int) -> int:
    plain = text.isascii() and text.isdigit() and (text[0] != "0" or text == "0")
    if not plain or len(text) > len(str(limit)) or int(text) > limit:
        raise ValueError(
            f"{text!r} is not a decimal number from 0 to {limit} without leading zeros"
        )
    return int(text)


def read_octets(text: str) -> int:
    octets = split_string(text, ".")
    if len(octets) != 4:
        raise ValueError(f"{text!r} is not four octets with dots between them")
    return int.from_bytes([decimal(octet, 255) for octet in octets], "big")


def guess(text: str, version: int) -> str:
    label = text.partition(":")[0].rpartition(".")[2]
    if text[:1] == "[" or text.count(":") > 1:
        return "" if version == 6 else "; string_to_internet6_address reads IPv6 addresses"
    if label[:1].isalpha():
        return "; a host name is looked up by get_address_info"
    other = version == 6 and "." in text
    return "; string_to_internet_address reads IPv4 addresses" if other else ""


def read_ipv6(text: str) -> int:
    head, gap, tail = text.partition("::")
    first, last = read_groups(head, not gap), read_groups(tail, True)
    missing = 8 - len(first) - len(last)
    if missing < 1 if gap else missing:
        raise ValueError("it does not make eight groups")
    groups = [*first, *[0] * missing, *last]
    return int.from_bytes(b"".join([group.to_bytes(2, "big") for group in groups]), "big")


def read_groups(text: str, at_end: bool) -> list[int]:
    parts = split_string(text, ":") if text else []
    groups: list[int] = []
    for part in parts:
        if "." in part and at_end and len(parts) - len(groups) == 1:
            ip = read_octets(part)
            groups += [ip >> 16, ip & 0xFFFF]
        elif len(part) <= 4 and all(c in "0123456789abcdefABCDEF" for c in part):
            groups.append(int(part, 16))
        else:
            raise ValueError(f"{part!r} is not a group of one to four hexadecimal digits")
    return groups
NO_INTERFACE = 0, -errno.ENODEV, -errno.ENXIO


def split_scope(text: str) -> tuple[int, int]:
    ip, percent, zone = text.partition("%")
    return read_ipv6(ip), read_scope(zone) if percent else 0


def read_scope(zone: str) -> int:
    if zone.isdigit():
        return decimal(zone, 2**32 - 1)
    named = zone and "\0" not in zone
    index = ask_interface("string_to_internet6_address", os.fsencode(zone)) if named else 0
    if not index:
        raise ValueError(f"there is no network interface {zone!r}")
    return index


def ask_interface(who: str, name: bytes) -> int:
    index = if_nametoindex_keep(name)
    if index in NO_INTERFACE:
        return 0
    if index < 0:
        socket_error(who, "if_nametoindex", -index)
    return index


def ipv6_to_string(ip: int) -> str:
    if ip >> 32 == 0xFFFF:
        return f"::ffff:{ipv4_to_string(ip & 0xFFFFFFFF)}"
    groups = [f"{ip >> shift & 0xFFFF:x}" for shift in range(112, -1, -16)]
    for length in range(8, 1, -1):
        for start in range(9 - length):
            end = start + length
            if not any(group != "0" for group in groups[start:end]):
                return f"{':'.join(groups[:start])}::{':'.join(groups[end:])}"
    return ":".join(groups)


def report_unresolved(
    code: int, system_error: int, node: str | None, service: int | str | None
) -> NoReturn:
    subject = f"node {node!r}, service {service!r}"
    socket_error("get_address_info", "getaddrinfo", system_error or code, subject)


def node_to_foreign(who: str, node: str) -> bytes:
    expect(who, "node", node, str)
    try:
        if "\0" not in node:
            return node.encode("ascii") if node.isascii() else encode_name(node)
    except UnicodeError:
        pass
    raise ValueError(f"{who}: node is not a host name or an address: {node!r}")


def encode_name(node: str) -> bytes:
    try:
        newer: Any = __import__("idna")
    except ImportError:
        return node.encode("idna")
    encoded: bytes = newer.encode(node, uts46=True)  # as browsers do, capitals made small
    return encoded


def service_to_foreign(who: str, service: int | str) -> bytes:
    if not isinstance(service, (int, str)):
        given = describe(service) + way_out(str, service)
        raise TypeError(f"{who}: service must be an int, a str or None, not {given}")
    if isinstance(service, str):
        if any(c.isalpha() for c in service) and service.isascii() and "\0" not in service:
            return service.encode("ascii")
        if not (service.isascii() and service.isdigit()) or len(service) > 5:
            raise ValueError(f"{who}: service must be a name or a port, not {service!r}")
        service = int(service)
    return b"%d" % expect_integer(who, "service", service, 0, 65535)


def fold_flags(who: str, kind: type, flags: Sequence[SocketConstant]) -> int:
    bits = 0
    for flag in flags:
        expect(who, "flag", flag, kind)
        bits |= value_of(flag)
    return bits
known_types: dict[int, SocketType] = {}
known_protocols: dict[int, SocketProtocol] = {}


def known_constant(table: dict[int, Any], kind: Callable[[int], Any], value: int) -> Any:
    try:
        return table[value]
    except KeyError:
        return table.setdefault(value, remake(kind, value))
CLASS = type
RIGHTS = FOREIGN_VALUES["$sol-socket"], FOREIGN_VALUES.get("$scm/rights")


def numbers_of(who: str, item: Any, type: int | None = None) -> tuple[int, int]:
    level = getattr(item, "level", None)
    type = getattr(item, "type", None) if type is None else type
    if level is None or type is None:
        kind = item if isinstance(item, CLASS) else item.__class__
        if kind.__module__ == __name__ and kind is not AncillaryItem:
            unsupported_feature(f"an item of class {kind.__name__}")
        raise TypeError(f"{who}: the class {kind.__name__} needs a level and a type")
    if level.__class__ is not int or not -(2**31) <= level < 2**31:
        level = expect_integer(who, "level", level, -(2**31), 2**31 - 1)
    if type.__class__ is not int or not -(2**31) <= type < 2**31:
        type = expect_integer(who, "type", type, -(2**31), 2**31 - 1)
    return level, type


def announce(sock: Socket) -> None:
    kind = value_of(sock._domain), value_of(sock._type), value_of(sock._protocol)
    sys.audit("socket.__new__", sock, *kind)


def tell_address(event: str, sock: Socket, address: SocketAddress | None) -> None:
    sys.audit(event, sock, plain_address(address))


def plain_address(address: SocketAddress | None) -> object:
    if isinstance(address, InternetAddress):
        return ipv4_to_string(address.ip or 0), address.port
    if isinstance(address, Internet6Address):
        return ipv6_to_string(address.ip or 0), address.port, address.flow, address.scope
    return address.path if isinstance(address, UnixAddress) else address


def empty_socket(
    domain: SocketDomain, type: SocketType, protocol: SocketProtocol, nonblocking: bool
) -> Socket:
    sock = Socket.__new__(Socket)
    sock._domain, sock._type, sock._protocol = domain, type, protocol
    sock._nonblocking = nonblocking
    return sock
protocol_database = RLock()
PROTOCOL = "struct foreign_protocol *", foreign_to_protocol_entry
SERVICE = "struct foreign_service *", foreign_to_service_entry


def find_entry(
    who: str, kind: tuple[str, Callable[[Any], Result]], procedure: Callable[..., int],
    syscall: str, *key: object,
) -> Result:
    size = 8192
    with protocol_database:
        while True:
            answer = ffi.new(kind[0])
            strings = ffi.new("char[]", size)
            code = procedure(*key, answer, strings, size)
            if code == 0:
                return kind[1](answer.found)
            if code != -errno.ERANGE or size > 2**20:
                socket_error(who, syscall, -code)
            size *= 2


def name_to_foreign(who: str, argument: str, name: str) -> bytes:
    expect(who, argument, name, str)
    try:
        key = os.fsencode(name)
    except UnicodeEncodeError:
        raise ValueError(f"{who}: {argument} cannot be encoded: {name!r}") from None
    if b"\0" in key:
        raise ValueError(f"{who}: {argument} has a NUL in it: {name!r}")
    return key


def read_name(
    who: str, syscall: str, procedure: Callable[..., int], sock: Socket
) -> SocketAddress | None:
    expect(who, "sock", sock, Socket)
    result, packed = ask_name(procedure, sock._foreign)
    if result < 0:
        report_failure(who, syscall, -result, sock)
    return foreign_to_socket_address(sock._domain, packed)


def ask_name(procedure: Callable[..., int], foreign: Any) -> tuple[int, bytes]:
    frame = take_frame()
    while (result := procedure(foreign, frame.struct)) == INTERRUPTED:
        pass
    packed = frame.address[: frame.struct.length]
    frames.append(frame)
    return result, packed


def judge_connect(
    sock: Socket, address: SocketAddress, ret: int, since: float
) -> Literal[True] | SocketCondition:
    if ret == INTERRUPTED:
        packed = socket_address_to_foreign(address)
        while ret == INTERRUPTED:
            ret = wait_for_rest(sock, True, since)
            if ret > 0:
                ret = connect_block(sock._foreign, packed, len(packed))
        if ret == -errno.EALREADY:
            ret = call_with_errno(connect_wait_block, sock, since)
        if ret in (0, -errno.EISCONN):
            return True
        if ret == -ERROR_AGAIN and value_of(sock._domain) != FOREIGN_VALUES.get("af-unix"):
            ret = -ERROR_CONNECTING  # the connect still goes on
    expected = ERROR_AGAIN, ERROR_IN_PROGRESS, ERROR_WOULD_BLOCK
    if -ret not in expected:
        report_failure("connect_socket", "connect", -ret, sock, address)
    return socket_raise_unless("connect_socket", "connect", -ret, *expected, address=address)


def take_turns(who: str, infos: Sequence[AddressInfo]) -> list[AddressInfo]:
    if not isinstance(infos, (list, tuple)):
        raise TypeError(f"{who}: infos must be a list of AddressInfo, not {describe(infos)}")
    families: dict[int, list[AddressInfo]] = {}
    connecting = 0, SocketType.STREAM.value, SocketType.SEQUENCE_PACKET.value
    for info in infos:
        expect(who, "info", info, AddressInfo)
        if info.type.value & 15 in connecting:
            families.setdefault(info.domain.value, []).append(info)
    if not families:
        raise ValueError(f"{who}: infos has no address of a stream, to which to connect")
    longest = max(map(len, families.values()))
    return [row[turn] for turn in range(longest) for row in families.values() if turn < len(row)]


class Attempts:
    """What a connect_first has begun: the attempts that are under way, and the failures."""

    def __init__(self, who: str) -> None:
        import selectors

        kind: Any = getattr(selectors, "PollSelector", selectors.SelectSelector)
        self.who, self.selector, self.turn = who, kind(), monotonic()
        self.failures: list[SocketCondition] = []

    def are_under_way(self) -> bool:
        return len(self.selector.get_map()) > 0

    def begin(self, info: AddressInfo) -> None:
        self.turn, address = monotonic() + 0.25, info.address
        try:
            type = info.type if info.type.value else SocketType.STREAM
            sock = create_socket(info.domain, type, info.protocol)
        except SocketCondition as failure:
            self.note(failure, address)
            return
        self.selector.register(sock, 2, address)  # for writing
        try:
            answer = connect_socket(sock, address)
        except SocketCondition as failure:
            self.drop(sock, failure)
            return
        if answer is not True and answer.type != ERROR_CONNECTING:
            self.drop(sock, answer)

    def look(self, deadline: float | None, more: bool) -> tuple[Socket, SocketAddress] | None:
        moments = [] if deadline is None else [deadline]
        until = min(moments + [self.turn] * more, default=monotonic() + 2.0**20)
        left = min(max(until - monotonic(), 0.0), 2.0**20)
        for key, _ in self.selector.select(left) if self.are_under_way() else ():
            try:
                if finish_connect(key.fileobj, 0) is True:
                    self.selector.unregister(key.fileobj)
                    return key.fileobj, key.data
            except SocketCondition as failure:
                self.drop(key.fileobj, failure)
        return None

    def drop(self, sock: Socket, failure: SocketCondition) -> None:
        self.note(failure, self.selector.unregister(sock).data)
        close_socket(sock)

    def note(self, failure: SocketCondition, address: SocketAddress) -> None:
        failure.who, failure.address = self.who, address
        self.failures.append(failure.with_traceback(None))
        self.turn = monotonic()

    def silent(self) -> object:
        addresses = [key.data for key in self.selector.get_map().values()]
        return addresses[0] if len(addresses) == 1 else ", ".join(map(str, addresses)) or None

    def sum_up(self, condition: SocketCondition, others: list[SocketCondition]) -> SocketCondition:
        about = condition.address
        if others:
            told = [str(about)] * (about is not None) + [
                f"{error_name(each.syscall, each.type)} ({each.message}): {each.address}"
                for each in others
            ]
            about = "; ".join(told)
        summary = SocketCondition(
            self.who, condition.syscall, condition.type, condition.message, about
        )
        summary.done = self.failures
        return summary

    def close(self) -> None:
        for key in list(self.selector.get_map().values()):
            close_socket(key.fileobj)
        self.selector.close()


def recognise(who: str, fd: int) -> Socket:
    nonblocking, foreign = is_nonblocking(who, fd), make_foreign_socket(fd)
    family = ask_family(who, foreign)
    domain = lookup_domain(family)
    if domain is None:
        raise ValueError(
            f"{who}: no domain is registered for family {family}; hand a SocketDomain that "
            "knows its addresses to register_socket_domain"
        )
    type = remake(SocketType, ask_number(who, foreign, "$so/type") or 0)
    protocol = remake(SocketProtocol, ask_number(who, foreign, "$so/protocol") or 0)
    note_options_keep(fd)
    sock = empty_socket(domain, type, protocol, nonblocking)
    announce(sock)
    return sock


def ask_number(who: str, foreign: Any, name: str) -> int | None:
    if name not in FOREIGN_VALUES:
        return None
    level, value = FOREIGN_VALUES["$sol-socket"], ffi.new("char[4]")
    result = getsockopt_block(foreign, level, FOREIGN_VALUES[name], value, 4)
    if result < 0:
        socket_error(who, "getsockopt", -result)
    return read_integer(ffi.buffer(value)[:])


def ask_family(who: str, foreign: Any) -> int:
    family = ask_number(who, foreign, "$so/domain")
    if family is None:
        frame = take_frame()
        result = getsockname_keep(foreign, frame.struct)
        family = address_family_keep(frame.struct)
        frames.append(frame)
        if result < 0:
            socket_error(who, "getsockname", -result)
    return family
LISTEN_VARIABLES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"


def names_from_supervisor(who: str) -> list[str]:
    process, count, names = map(os.environ.get, LISTEN_VARIABLES)
    if process != str(os.getpid()) or count is None:
        return []
    try:
        number = decimal(count, 65536)
    except ValueError as error:
        raise ValueError(f"{who}: LISTEN_FDS: {error}") from None
    if names is None or number == 0:
        return ["unknown"] * number
    given = names.split(":")
    if len(given) != number:
        raise ValueError(
            f"{who}: LISTEN_FDNAMES has {len(given)} names, and LISTEN_FDS is {number}: {names!r}"
        )
    return given


def recognise_one_of(
    who: str, fd: int, name: str, domain: SocketDomain | None, type: SocketType | None
) -> Socket:
    about = f"descriptor {fd}, {name!r}"
    try:
        sock = recognise(who, fd)
    except SocketCondition as failure:
        failure.address = about
        raise
    for expected, found in (domain, sock._domain), (type, sock._type):
        if expected not in (None, found):
            raise ValueError(f"{who}: {about}, must be of {expected!r}, not of {found!r}")
    return sock


def borrow_buffer(who: str, buffer: Buffer, writable: bool = False) -> Any:
    try:
        return ffi.from_buffer(buffer, require_writable=writable)
    except (TypeError, ValueError, BufferError):
        refuse_buffer(who, buffer, writable)


def view_bytes(who: str, buffer: Buffer) -> memoryview:
    try:
        with memoryview(buffer) as view:  # not left to a collector that comes later
            return view.cast("B") if view.nbytes else memoryview(b"")
    except (TypeError, ValueError, BufferError):
        refuse_buffer(who, buffer)


def refuse_buffer(who: str, buffer: object, writable: bool = False) -> NoReturn:
    kind = "a writable object" if writable else "an object"
    hint = "; encode it first" if isinstance(buffer, str) else ""
    raise TypeError(
        f"{who}: buffer must be {kind} with its bytes in one piece, "
        f"not {describe(buffer)}{hint}"
    ) from None
MOST_OF_A_FILE = 2**30
REFUSALS = -errno.EINVAL, -errno.ENOSYS, -errno.EOPNOTSUPP


def send_part_of_file(
    sock: Socket, fd: int, offset: int, count: int, answers: list[Any]
) -> int | SocketCondition:
    send: Callable[..., int] = keeping(answers, sendfile_block)
    count = min(count, MOST_OF_A_FILE)
    since = 0.0 if sock._nonblocking else clock_keep()
    while (result := send(sock._foreign, fd, offset, count)) == INTERRUPTED:
        if since and (result := wait_for_rest(sock, True, since)) < 0:
            break
    if result in REFUSALS:
        data = read_at(fd, offset, min(count, FRAME_ROOM))
        put: Callable[..., int | SocketCondition] = keeping(answers, send_to_socket)
        return put(sock, data, None) if data else 0
    if result < 0:
        about = f"file {fd}" if -result == errno.EBADF and sock._foreign.fd >= 0 else None
        return not_yet("send_file", "sendfile", -result, about, sock)
    return result


def read_at(fd: int, offset: int, count: int) -> bytes:
    try:
        if sys.platform != "win32":
            return os.pread(fd, count, offset)
        os.lseek(fd, offset, os.SEEK_SET)  # where there is no other way, the position is moved
        return os.read(fd, count)
    except OSError as failure:
        socket_error("send_file", "pread", failure.errno or 0, f"file {fd}")


def descriptor_of(who: str, file: Any) -> int:
    try:
        fd = file if isinstance(file, int) else file.fileno()
    except (AttributeError, OSError, ValueError):
        raise TypeError(
            f"{who}: file must be an open file, or its descriptor, not {describe(file)}"
        ) from None
    return expect_integer(who, "file", fd, 0, DESCRIPTORS)


def lay_runs(
    who: str, sock: Socket, runs: Sequence[Datagrams]
) -> tuple[bytes, bytes, Any, int]:
    numbers, parts, names, datagrams = [0], [], [], 0
    last: object = numbers
    for run in expect_runs(who, runs):
        part, size, address = exact_bytes(run.data), run.size, run.address
        if address is not last:
            last, packed = address, b""
            if address is not None:
                check_domain(who, sock, address)
                packed = socket_address_to_foreign(address)
            tell_address("socket.sendmsg", sock, address)
        length = len(part)
        if type(size) is not int or not (1 if length else 0) <= size <= LONGEST:
            size = expect_integer(who, "size", size, 1 if length else 0, LONGEST, "bytes")
        numbers += length, size, len(packed)
        parts.append(part)
        names.append(packed)
        datagrams += 1 if length <= size else -(-length // size)
    return b"".join(parts), b"".join(names), ffi.new(SIZES, numbers), datagrams
NO_FAILURE = 0, ERROR_AGAIN, ERROR_WOULD_BLOCK, errno.EINTR


def is_stream(sock: Socket) -> bool:
    return sock._type.value & 15 == SocketType.STREAM.value


def expect_packets(who: str, sock: Socket) -> None:
    expect(who, "sock", sock, Socket)
    if is_stream(sock):
        raise ValueError(f"{who}: a stream does not keep the bounds of datagrams: {sock!r}")


def refuse_peeking(who: str, bits: int) -> None:
    if bits & ReceiveFromOption.PEEK.value:
        raise ValueError(f"{who}: PEEK would receive the same data again and again")


def expect_runs(who: str, runs: Sequence[Datagrams]) -> Sequence[Datagrams]:
    if not isinstance(runs, (list, tuple)):
        raise TypeError(f"{who}: runs must be a list of Datagrams, not {describe(runs)}")
    for run in runs:
        if run.__class__ is not Datagrams:
            expect(who, "run", run, Datagrams)
    return runs


def expect_messages(who: str, sock: Socket) -> None:
    if not HAS_MESSAGES:
        unsupported_feature(who)
    expect(who, "sock", sock, Socket)


def lay_buffers(
    who: str, buffers: Sequence[Buffer], lent: list[Any], writable: bool = False
) -> Any:
    if not isinstance(buffers, (list, tuple)):
        raise TypeError(
            f"{who}: buffers must be a list of objects that hold bytes, not {describe(buffers)}; "
            "put a single one into a list"
        )
    for buffer in buffers:
        lent.append(borrow_buffer(who, buffer, writable))
    return ffi.new(IOVECS, [(each, len(each)) for each in lent])


def items_to_foreign(who: str, items: Sequence[AncillaryItem]) -> tuple[list[int], bytes]:
    if not isinstance(items, (list, tuple)):
        raise TypeError(f"{who}: items must be a list of AncillaryItem, not {describe(items)}")
    table: list[int] = []
    parts: list[bytes] = []
    for item in items:
        if not isinstance(item, AncillaryItem):
            expect(who, "item", item, AncillaryItem)
        level, type = numbers_of(who, item)
        part = item.converter()
        if not isinstance(part, bytes):
            raise TypeError(
                f"{item.__class__.__name__}.converter must return bytes, not {describe(part)}"
            )
        parts.append(exact_bytes(part))
        table += level, type, len(parts[-1])
    return table, b"".join(parts)


def receive_parts(
    sock: Socket, parts: Any, count: int, size: int, frame: Frame, control: Control, room: int,
    bits: int,
) -> int:
    if sock._nonblocking:
        bits |= DONT_WAIT
    receive = recvmsg_keep if bits & DONT_WAIT and size < LONG_COPY else recvmsg_block
    since = 0.0 if bits & DONT_WAIT else clock_keep()
    while (n := receive(
        sock._foreign, parts, count, frame.struct, control.struct, room, control.table, bits
    )) == INTERRUPTED:
        if since and (n := wait_for_rest(sock, False, since)) < 0:
            break
    return n


def finish_message(
    who: str, n: int, done: Result, sock: Socket, frame: Frame, control: Control
) -> tuple[Result, MessageHeader] | tuple[None, SocketCondition]:
    source = frame.address[: frame.struct.length]
    if len(frame.data) <= FRAME_ROOM:
        frames.append(frame)
    if n < 0:
        controls.append(control)
        return None, not_yet(who, "recvmsg", -n, None, sock)
    try:
        address = foreign_to_socket_address(sock._domain, source)
        flags, items = control.struct.flags, tuple(read_items(who, control))
    except BaseException as failure:
        tell_done(failure, done)
        raise
    header = make_record(MessageHeader)
    set_field(header, "address", address)
    set_field(header, "items", items)
    set_field(header, "flags", flags)
    return done, header


def read_items(who: str, control: Control) -> list[AncillaryItem]:
    count = control.struct.items
    if not count:
        controls.append(control)
        return []
    numbers = ffi.unpack(control.table, 4 * count)
    found = [tuple(numbers[i : i + 4]) for i in range(0, 4 * count, 4)]
    items: list[Any] = [
        own_descriptors(control.struct, each[2], each[3]) if each[:2] == RIGHTS else None
        for each in found
    ]
    owned = any([item is not None for item in items])
    for i, (level, type, start, size) in enumerate(found):
        if items[i] is None:
            items[i] = read_item(who, level, type, control.bytes[start : start + size])
    if owned:
        control.renew()
    controls.append(control)
    return items


def own_descriptors(memory: Any, start: int, size: int) -> ReceivedDescriptors:
    received = make_record(ReceivedDescriptors)
    set_field(received, "_places", range(start // 4, (start + size) // 4))
    set_field(received, "_control", memory)
    return received


def read_item(who: str, level: int, type: int, data: bytes) -> AncillaryItem:
    kind = item_kinds.get((level, type))
    try:
        item = None if kind is None else kind.extractor(data)
    except ValueError:
        item = None
    if item is None:
        return AncillaryData(level, type, data)
    if not isinstance(item, AncillaryItem):
        expect(who, "item", item, AncillaryItem)
    return item


def deadline_after(who: str, timeout: float | None) -> float | None:
    if timeout is None:
        return None
    expect_seconds(who, "timeout", timeout)
    if not 0 <= timeout <= 10**9:
        raise ValueError(f"{who}: timeout must be from 0 to 1000000000 seconds, not {timeout!r}")
    return monotonic() + timeout


def deadline_for(who: str, timeout: float | None, sock: Socket) -> float | None:
    if timeout is not None and not sock._nonblocking:
        raise ValueError(f"{who}: a timeout needs a non-blocking socket, not {sock!r}")
    return deadline_after(who, timeout)


def wait_until(
    who: str, deadline: float | None, sock: Socket, reading: int, writing: int
) -> tuple[bool, bool]:
    while True:
        left = 2.0**20 if deadline is None else max(deadline - monotonic(), 0.0)
        milliseconds = int(min(left, 2.0**20) * 1000 + 0.999)
        result = poll_block(sock._foreign, reading, writing, milliseconds)
        if result < 0 and result != INTERRUPTED:
            report_failure(who, "poll", -result, sock)
        if result > 0 or (result == 0 and left < 2.0**20):
            return result & 1 > 0, result & 2 > 0
CONNECTING = ERROR_CONNECTING, errno.EALREADY


def repeat_until(
    deadline: float | None, sock: Socket, procedure: Callable[..., Any], *arguments: Any,
    **named: Any,
) -> Any:
    ready = False
    while True:
        try:
            result = procedure(sock, *arguments, **named)
        except SocketCondition as failure:
            if failure.syscall != "connect" or failure.type != errno.EALREADY:
                raise
            result = failure
        condition = result[-1] if isinstance(result, tuple) else result
        if not isinstance(condition, SocketCondition) or not sock._nonblocking:
            return result
        if condition.type not in (*NOT_YET, *CONNECTING):
            return result
        connecting = condition.syscall == "connect"
        sends = "sendto", "sendmmsg", "sendmsg", "sendfile"
        writing = connecting or condition.syscall in sends
        ready = wait_again(condition.who, deadline, sock, not writing, writing, ready)
        if not ready:
            late = late_condition(condition.who, condition.syscall, condition.address)
            return (None, late) if isinstance(result, tuple) else late
        if connecting and condition.type in CONNECTING:
            try:
                return finish_connect(sock)
            except SocketCondition as failure:
                failure.who, failure.address = condition.who, condition.address
                raise


def wait_again(
    who: str, deadline: float | None, sock: Socket, reading: bool, writing: bool, ready: bool
) -> bool:
    if ready:  # so poll said, but it is not
        sleep(0.01)
    return not (ready and is_over(deadline)) and any(
        wait_until(who, deadline, sock, reading, writing)
    )


def is_over(deadline: float | None) -> bool:
    return deadline is not None and monotonic() >= deadline


def late_condition(who: str, syscall: str, address: object = None) -> SocketCondition:
    return SocketCondition(
        who, syscall, errno.ETIMEDOUT, errno_message(errno.ETIMEDOUT), address
    )


def socket_error(who: str, syscall: str, type: int, address: object = None) -> NoReturn:
    """Raise the SocketCondition for error number `type`, with the system's message for it.

    `who` names the procedure that was asked, `syscall` the system call that failed;
    `address` is what it was about, or None. Raises TypeError, ValueError for wrong arguments.
    """
    raise SocketCondition(who, syscall, type, error_message(syscall, type), address)


def report_failure(
    who: str, syscall: str, type: int, sock: Socket | None, address: object = None
) -> NoReturn:
    if sock is None:
        socket_error(who, syscall, type, address)
    if type == ERROR_BAD_DESCRIPTOR and sock._foreign.fd < 0:
        report_closed(who, syscall, address)
    if address is None and syscall != "getpeername":
        _, packed = ask_name(getpeername_keep, sock._foreign)
        peer = foreign_to_socket_address(sock._domain, packed)
        address = peer if str(peer or "") else None
    message = error_message(syscall, type) + step_before(syscall, type)
    raise SocketCondition(who, syscall, type, message, address)


def step_before(syscall: str, type: int) -> str:
    if syscall == "accept" and type == ERROR_INVALID:
        return "; listen_socket first"
    if type == errno.EDESTADDRREQ:
        return "; pass it, or connect_socket first"
    if type == errno.ENOTCONN and syscall.startswith("send"):
        return "; connect_socket first"
    if type == errno.ENOTCONN and syscall.startswith("recv"):
        return "; connect_socket first, or use what accept_socket returned"
    return ""


def report_closed(who: str, syscall: str, address: object = None) -> NoReturn:
    message = f"{error_message(syscall, ERROR_BAD_DESCRIPTOR)}; the socket is closed"
    raise SocketCondition(who, syscall, ERROR_BAD_DESCRIPTOR, message, address)


def socket_raise_unless(
    who: str, syscall: str, type: int, *expected: int, address: object = None
) -> SocketCondition:
    """Return the SocketCondition for `type` if that is among `expected`, else raise it.

    The other arguments are those of socket_error.
    """
    for number in expected:
        if number.__class__ is not int:
            expect_integer("socket_raise_unless", "expected", number, -(2**31), 2**31 - 1)
    if type in expected:
        return SocketCondition(who, syscall, type, error_message(syscall, type), address)
    socket_error(who, syscall, type, address)
known_answers: dict[int, tuple[Any, tuple[int, str]]] = {}


def not_yet(
    who: str, syscall: str, type: int, address: object = None, sock: Socket | None = None
) -> SocketCondition:
    if type not in NOT_YET:
        report_failure(who, syscall, type, sock, address)
    if type not in known_answers:
        kind = condition_class(SocketCondition, syscall, type)
        known_answers[type] = kind, (type, errno_message(type))
    kind, told = known_answers[type]
    condition: SocketCondition = new_error(kind, *told)
    condition.who, condition.syscall, condition.address = who, syscall, address
    return condition


def read_runs(data: Any, runs: Any, count: int, domain: SocketDomain) -> list[Datagrams]:
    received = []
    for i in range(count):
        found = runs[i]
        packed = ffi.buffer(ffi.addressof(found, "source"), ADDRESS_ROOM)[: found.source.length]
        run = make_record(Datagrams)
        set_field(run, "data", ffi.buffer(data + found.start, found.length)[:])
        set_field(run, "size", found.size)
        set_field(run, "address", foreign_to_socket_address(domain, packed))
        set_field(run, "truncated", bool(found.truncated))
        received.append(run)
    return received



def string_to_internet_address(s: str) -> InternetAddress:
    """Read from `s` "ip:port" or "ip" (whose port is None): "192.0.2.1:80", "192.0.2.1".

    The ip is four decimal octets, the port a decimal number up to 65535; ASCII digits
    only, without signs, blanks or leading zeros. Raises ValueError for anything else, and
    quotes it; TypeError. No names are looked up; see get_address_info for that.
    """
    expect("string_to_internet_address", "s", s, str)
    try:
        ip_text, *ports = split_string(s, ":")
        if len(ports) > 1:
            raise ValueError("it has more than one colon")
        port_text = ports[0] if ports else None
        port = None if port_text is None else decimal(port_text, 65535)
        return InternetAddress(read_octets(ip_text), port)
    except ValueError as error:
        raise ValueError(f"{s!r} is not an Internet address: {error}{guess(s, 4)}") from None


def string_to_ipv4(s: str) -> int:
    """Read four decimal octets from `s`, "127.0.0.1", into an int, the first octet highest.

    Raises ValueError for anything else, and quotes it; TypeError.
    """
    expect("string_to_ipv4", "s", s, str)
    try:
        return read_octets(s)
    except ValueError as error:
        raise ValueError(f"{s!r} is not an IPv4 address: {error}{guess(s, 4)}") from None


def internet_address_to_string(address: InternetAddress) -> str:
    """Write `address` as "ip:port", or as "ip" if it has no port. Raises TypeError."""
    expect("internet_address_to_string", "address", address, InternetAddress)
    text = ipv4_to_string(address.ip or 0)
    return text if address.port is None else f"{text}:{address.port}"


def ipv4_to_string(ip: int) -> str:
    return ".".join(map(str, ip.to_bytes(4, "big")))


def string_to_ipv6(s: str) -> int:
    """Read an IPv6 address from `s`, "2001:db8::1", into an int, the first octet highest.

    All forms of RFC 4291 are read. Raises ValueError for anything else, and quotes it;
    TypeError.
    """
    expect("string_to_ipv6", "s", s, str)
    try:
        return read_ipv6(s)
    except ValueError as error:
        raise ValueError(f"{s!r} is not an IPv6 address: {error}{guess(s, 6)}") from None


def string_to_internet6_address(s: str) -> Internet6Address:
    """Read from `s` "ip", "ip%scope", or "[...]:port" of either: "::1", "[fe80::1%eth0]:80".

    Without a port, `port` is None. The scope is an index or the name of a network interface
    of this machine. Raises ValueError for anything else, and quotes it; TypeError;
    SocketCondition if the kernel cannot be asked for the name (with the reason, EMFILE or
    ENOMEM, if the C library tells it, and else with any).
    """
    expect("string_to_internet6_address", "s", s, str)
    try:
        text, port = s, None
        if s.startswith("["):
            text, bracket, rest = s[1:].partition("]")
            if not bracket or rest[:1] not in ("", ":"):
                raise ValueError("its brackets are wrong")
            port = decimal(rest[1:], 65535) if rest else None
        ip, scope = split_scope(text)
        return Internet6Address(ip, port, 0, scope)
    except ValueError as error:
        raise ValueError(f"{s!r} is not an IPv6 address: {error}{guess(s, 6)}") from None


def internet6_address_to_string(address: Internet6Address) -> str:
    """Write `address` as RFC 5952 has it: "ip", "ip%scope", or "[...]:port" of either.

    Raises TypeError.
    """
    expect("internet6_address_to_string", "address", address, Internet6Address)
    text = ipv6_to_string(address.ip or 0)
    if address.scope:
        text += f"%{address.scope}"
    return text if address.port is None else f"[{text}]:{address.port}"


def internet_address_to_internet6_address(address: InternetAddress) -> Internet6Address:
    """Map `address` into IPv6: 192.0.2.1 becomes ::ffff:192.0.2.1, with the same port.

    Raises TypeError.
    """
    expect("internet_address_to_internet6_address", "address", address, InternetAddress)
    return Internet6Address(0xFFFF << 32 | (address.ip or 0), address.port)


def internet6_address_to_internet_address(address: Internet6Address) -> InternetAddress | None:
    """The IPv4 address that is mapped into `address`, or None if it is an IPv6 one proper.

    Raises TypeError.
    """
    expect("internet6_address_to_internet_address", "address", address, Internet6Address)
    ip = address.ip or 0
    return InternetAddress(ip & 0xFFFFFFFF, address.port) if ip >> 32 == 0xFFFF else None


def get_address_info(
    node: str | None, service: int | str | None, domain: SocketDomain | None = None,
    type: SocketType | None = None, protocol: SocketProtocol | None = None,
    *flags: AddressInfoOption,
) -> tuple[list[AddressInfo], str | None]:
    """getaddrinfo(3): the addresses of a host's service, best first, and its canonical name.

    `node` is a host name, a numeric address, or None for this host (the any address with
    AddressInfoOption.PASSIVE, else loopback). `service` is a service name, a port from 0 to
    65535 as an int or in decimal, or None for no port. `domain`, `type` and `protocol` are
    hints, and so are `flags`, AddressInfoOption constants. Results of domains that are not
    registered are left out. The name is None unless asked for by CANONICAL_NAME. Raises
    SocketCondition whose type is an EAI code (or an errno if the system failed, as with
    EMFILE), TypeError, ValueError. Can block; other threads run meanwhile.
    """
    who = "get_address_info"
    if domain is not None:
        expect(who, "domain", domain, SocketDomain)
    if type is not None:
        expect(who, "type", type, SocketType)
    if protocol is not None:
        expect(who, "protocol", protocol, SocketProtocol)
    node_bytes = ffi.NULL if node is None else node_to_foreign(who, node)
    service_bytes = ffi.NULL if service is None else service_to_foreign(who, service)
    if node is service is None:
        raise ValueError(f"{who}: node and service cannot both be None")
    hints = make_foreign_address_info(
        fold_flags(who, AddressInfoOption, flags) if flags else 0,
        value_of(domain) if domain else 0,
        value_of(type) if type else 0,
        value_of(protocol) if protocol else 0,
    )
    kind = [0 if hint is None else value_of(hint) for hint in (domain, type, protocol)]
    sys.audit("socket.getaddrinfo", node, service, *kind)
    found = new_resolution()
    while (code := getaddrinfo_block(node_bytes, service_bytes, hints, found)) != 0:
        if found.system_error != errno.EINTR:
            report_unresolved(code, found.system_error, node, service)
    try:
        infos = []
        for family, type_value, protocol_value, packed in foreign_address_infos(found):
            known = socket_domain_db.get(family)
            if known is not None and packed:
                address: Any = foreign_to_socket_address(known, packed)
                expect(who, "address", address, SocketAddress)
                infos.append(AddressInfo(
                    known, known_constant(known_types, SocketType, type_value),
                    known_constant(known_protocols, SocketProtocol, protocol_value), address,
                ))
        return infos, foreign_address_info_canonical_name(found.list)
    finally:
        freeaddrinfo(found.list)


def get_name_info(address: SocketAddress, *flags: NameInfoOption) -> tuple[str, str]:
    """getnameinfo(3): the names of the host and of the service that `address` belongs to.

    `flags` are NameInfoOption constants. Returns (host, service); where there is no name, the
    host is a numeric address, as "192.0.2.1" or "fe80::1%eth0", and the service a port in
    decimal. Raises SocketCondition whose type is a ResolverCode (or an errno if the system
    failed, as with EMFILE), TypeError, ValueError. Can block; other threads run meanwhile.
    """
    who = "get_name_info"
    expect(who, "address", address, SocketAddress)
    packed = socket_address_to_foreign(address)
    bits = fold_flags(who, NameInfoOption, flags)
    sys.audit("socket.getnameinfo", plain_address(address))
    found = ffi.new("struct foreign_names *")
    while (code := getnameinfo_block(packed, len(packed), bits, found)) != 0:
        if found.system_error != errno.EINTR:
            socket_error(who, "getnameinfo", found.system_error or code, address)
    return get_foreign_string(found.host) or "", get_foreign_string(found.service) or ""


def get_service_by_name(name: str, protocol: str | None = None) -> ServiceEntry | None:
    """getservbyname(3): the entry whose name or alias is `name`, or None.

    `protocol` is the name of a protocol, as "udp", or None for the first of any. Raises
    TypeError, ValueError, SocketCondition (EMFILE, ENOMEM ...). Can block; other threads run
    meanwhile.
    """
    who = "get_service_by_name"
    key = name_to_foreign(who, "name", name)
    spoken = ffi.NULL if protocol is None else name_to_foreign(who, "protocol", protocol)
    sys.audit("socket.getservbyname", name, protocol)
    return find_entry(who, SERVICE, getservbyname_block, "getservbyname", key, spoken)


def get_service_by_port(port: int, protocol: str | None = None) -> ServiceEntry | None:
    """getservbyport(3): the entry for `port`, an int from 0 to 65535, or None.

    `protocol` is as for get_service_by_name. Raises TypeError, ValueError, SocketCondition
    (EMFILE, ENOMEM ...). Can block; other threads run meanwhile.
    """
    who = "get_service_by_port"
    port = expect_integer(who, "port", port, 0, 65535)
    spoken = ffi.NULL if protocol is None else name_to_foreign(who, "protocol", protocol)
    sys.audit("socket.getservbyport", port, protocol)
    key = host_to_network_u16(port)
    return find_entry(who, SERVICE, getservbyport_block, "getservbyport", key, spoken)


def get_interfaces() -> list[Interface]:
    """if_nameindex(3): all network interfaces of this machine.

    Raises SocketCondition (EMFILE, ENOBUFS ...). Can block; other threads run meanwhile. Not on
    Windows (NotImplementedError).
    """
    room, count = 0, 16
    while count > room:
        room = count
        found = ffi.new("struct foreign_interface[]", room)
        while (count := if_nameindex_block(found, room)) == INTERRUPTED:
            pass
    if count < 0:
        socket_error("get_interfaces", "if_nameindex", -count)
    return [Interface(get_foreign_string(each.name) or "", each.index) for each in found[0:count]]


def get_interface_by_name(name: str) -> Interface | None:
    """if_nametoindex(3): the interface of this machine that is called `name`, or None.

    Raises TypeError, ValueError, SocketCondition (EMFILE, ENOMEM ...). Does not block. Not on
    Windows (NotImplementedError).
    """
    who = "get_interface_by_name"
    index = ask_interface(who, name_to_foreign(who, "name", name))
    return Interface(name, index) if index else None


def get_interface_by_index(index: int) -> Interface | None:
    """if_indextoname(3): the interface of this machine with the number `index`, or None.

    Raises TypeError, ValueError, SocketCondition (EMFILE, ENOMEM ...). Does not block. Not on
    Windows (NotImplementedError).
    """
    who = "get_interface_by_index"
    index = expect_integer(who, "index", index, 0, 2**32 - 1)
    found = ffi.new("struct foreign_interface *")
    result = if_indextoname_keep(index, found)
    if result in NO_INTERFACE:
        return None
    if result < 0:
        socket_error(who, "if_indextoname", -result)
    return Interface(get_foreign_string(found.name) or "", index)


def get_host_name() -> str:
    """gethostname(2): the name of this machine, as its administrator has chosen it.

    Raises SocketCondition. Does not block.
    """
    sys.audit("socket.gethostname")
    name = ffi.new("char[]", 1025)
    result = gethostname_keep(name, 1024)
    if result < 0:
        socket_error("get_host_name", "gethostname", -result)
    return get_foreign_string(name) or ""
item_kinds: dict[tuple[int, int], type[AncillaryItem]] = {}


def register_ancillary_item(kind: type[AncillaryItem], type: int | None = None) -> None:
    """Let receive_message make items of class `kind`, in place of any with its numbers.

    `kind` is a subclass of AncillaryItem that has a level, a type and an extractor. `type`
    is the number with which such items arrive, where that is not the one of the class.
    Raises TypeError, ValueError: also for SCM_RIGHTS, since descriptors need an owner.
    """
    who = "register_ancillary_item"
    if not (isinstance(kind, CLASS) and issubclass(kind, AncillaryItem)):
        raise TypeError(f"{who}: kind must be a class of ancillary items, not {describe(kind)}")
    expect_procedure(who, "extractor", kind.extractor)
    level, type = numbers_of(who, kind, type)
    if (level, type) == RIGHTS:
        raise ValueError(f"{who}: descriptors always arrive as ReceivedDescriptors")
    item_kinds[level, type] = kind


def lookup_ancillary_item(level: int, type: int) -> type[AncillaryItem] | None:
    """Return the class registered for `level` and `type`, as in cmsg(3), or None.

    Raises TypeError, ValueError.
    """
    who = "lookup_ancillary_item"
    level = expect_integer(who, "level", level, -(2**31), 2**31 - 1)
    return item_kinds.get((level, expect_integer(who, "type", type, -(2**31), 2**31 - 1)))


def take_descriptor(received: ReceivedDescriptors) -> int:
    """Take the first descriptor out of `received`, and return it: it is the caller's now.

    No system call is made. Raises ValueError if none is left, TypeError.
    """
    hand = make_foreign_owner()
    while not move_descriptor_keep(*first_place("take_descriptor", received), hand):
        pass
    fd: int = hand.fd
    hand.fd = -1
    return fd


def take_socket(received: ReceivedDescriptors) -> Socket:
    """getsockopt(2): take the first descriptor out of `received`, as a Socket that owns it.

    It is recognised as by adopt_descriptor, and raises what that raises; then the descriptor
    stays where it was. ValueError also if none is left. Does not block.
    """
    while True:
        control, place, fd = first_place("take_socket", received)
        try:
            sock = recognise("take_socket", fd)
        except (SocketCondition, ValueError):
            if control.descriptors[place] == fd:
                raise
            continue
        if move_descriptor_keep(control, place, fd, sock._foreign):
            return sock


def close_descriptors(received: ReceivedDescriptors) -> None:
    """close(2): close all descriptors that are left in `received`.

    There may be none. Raises TypeError. Can block, as close_socket; other threads run
    meanwhile.
    """
    expect("close_descriptors", "received", received, ReceivedDescriptors)
    places = received._places
    close_descriptors_block(received._control, places.start, len(places))
    set_field(received, "_places", range(0))


def first_place(who: str, received: ReceivedDescriptors) -> tuple[Any, int, int]:
    expect(who, "received", received, ReceivedDescriptors)
    for place in received._places:
        fd = received._control.descriptors[place]
        if fd >= 0:
            return received._control, place, fd
    raise ValueError(f"{who}: no descriptor is left in {received!r}")
for item_kind, level, name in (
    (Descriptors, "$sol-socket", "$scm/rights"),
    (ReceivedDescriptors, "$sol-socket", "$scm/rights"),
    (SegmentSize, "$ipproto-udp", "$udp/segment"),
    (TimeToLive, "$ipproto-ip", "$ip/ttl-item"),
    (TypeOfService, "$ipproto-ip", "$ip/type-of-service-item"),
    (InternetPacketInfo, "$ipproto-ip", "$ip/packet-info"),
    (InternetErrorReport, "$ipproto-ip", "$ip/receive-errors"),
    (HopLimit, "$ipproto-ipv6", "$ipv6/hop-limit-item"),
    (TrafficClass, "$ipproto-ipv6", "$ipv6/traffic-class-item"),
    (Internet6PacketInfo, "$ipproto-ipv6", "$ipv6/packet-info"),
    (Internet6ErrorReport, "$ipproto-ipv6", "$ipv6/receive-errors"),
    (Credentials, "$sol-socket", "$scm/credentials"),
    (TimeStamp, "$sol-socket", f"$scm/{STAMPS}"),
):
    if name in FOREIGN_VALUES:
        item_kind.level, item_kind.type = FOREIGN_VALUES[level], FOREIGN_VALUES[name]
        arrives = "$udp/receive-offload" if item_kind is SegmentSize else name
        if arrives != "$scm/rights":
            register_ancillary_item(item_kind, FOREIGN_VALUES.get(arrives))


def create_socket(domain: SocketDomain, type: SocketType, protocol: SocketProtocol) -> Socket:
    """socket(2): make a socket, non-blocking and close-on-exec.

    `domain`, `type` and `protocol` are constants of their classes. Raises SocketCondition
    (EAFNOSUPPORT, EPROTONOSUPPORT, EMFILE, EACCES ...), TypeError. Does not block. On Linux and
    the BSDs both modes are set by the call itself; elsewhere by calls after it, and the
    descriptor is closed if one of them fails.
    """
    who = "create_socket"
    check_kind(who, domain, type, protocol)
    sock = empty_socket(domain, type, protocol, nonblocking=True)
    announce(sock)
    result = make_descriptor(
        sock, socket_block, value_of(domain), value_of(type), value_of(protocol)
    )
    if result < 0:
        socket_error(who, "socket", -result)
    return sock


def make_socket_pair(
    domain: SocketDomain, type: SocketType, protocol: SocketProtocol
) -> tuple[Socket, Socket]:
    """socketpair(2): make two connected sockets, non-blocking and close-on-exec.

    `domain`, `type` and `protocol` are as for create_socket; most systems have pairs in
    SocketDomain.UNIX only. Raises SocketCondition (EOPNOTSUPP, EMFILE ...), TypeError. Does
    not block. Not on Windows (NotImplementedError).
    """
    check_kind("make_socket_pair", domain, type, protocol)
    first = empty_socket(domain, type, protocol, nonblocking=True)
    second = empty_socket(domain, type, protocol, nonblocking=True)
    announce(first)
    announce(second)
    pair = ffi.new("int[2]")
    result, *_ = next(zip(
        later(socketpair_block, domain.value, type.value, protocol.value, pair),
        later(setattr, first._foreign, "fd", later(pair.__getitem__, 0)),
        later(setattr, second._foreign, "fd", later(pair.__getitem__, 1)),
        strict=False,
    ))
    if result < 0:
        socket_error("make_socket_pair", "socketpair", -result)
    return first, second
socket_domain_db: dict[int, SocketDomain] = {}


def register_socket_domain(domain: SocketDomain) -> None:
    """Let get_address_info return addresses of `domain`, in place of any with its number.

    So does adopt_descriptor with sockets. Raises TypeError.
    """
    expect("register_socket_domain", "domain", domain, SocketDomain)
    socket_domain_db[value_of(domain)] = domain


def lookup_domain(value: int) -> SocketDomain | None:
    """Return the domain registered for `value`, an AF_... of C, or None if there is none.

    Raises TypeError, ValueError.
    """
    value = expect_integer("lookup_domain", "value", value, -(2**31), 2**31 - 1)
    return socket_domain_db.get(value)


def next_protocol_entry() -> ProtocolEntry | None:
    """getprotoent(3): the next entry of the protocol database, or None at its end.

    The position is the process's, shared by all threads. Raises SocketCondition (EMFILE,
    ENOMEM ...). Can block; other threads run meanwhile. Not on Windows
    (NotImplementedError); HAS_PROTOCOL_ITERATION tells.
    """
    return find_entry("next_protocol_entry", PROTOCOL, getprotoent_block, "getprotoent")


def get_protocol_by_name(name: str) -> ProtocolEntry | None:
    """getprotobyname(3): the entry whose name or alias is `name`, or None.

    Raises TypeError, ValueError, SocketCondition (EMFILE, ENOMEM ...). Can block; other threads run
    meanwhile.
    """
    who = "get_protocol_by_name"
    key = name_to_foreign(who, "name", name)
    return find_entry(who, PROTOCOL, getprotobyname_block, "getprotobyname", key)


def get_protocol_by_constant(protocol: SocketProtocol) -> ProtocolEntry | None:
    """getprotobynumber(3): the entry for `protocol`, a SocketProtocol, or None.

    Raises TypeError, SocketCondition (EMFILE, ENOMEM ...). Can block; other threads run meanwhile.
    """
    who = "get_protocol_by_constant"
    expect(who, "protocol", protocol, SocketProtocol)
    return find_entry(
        who, PROTOCOL, getprotobynumber_block, "getprotobynumber", protocol.value
    )


def open_protocol_database(keep_alive: bool) -> None:
    """setprotoent(3): begin again; with `keep_alive`, keep the database open between calls.

    `keep_alive` is a bool. Raises TypeError. Can block; other threads run meanwhile. Not on
    Windows (NotImplementedError).
    """
    expect("open_protocol_database", "keep_alive", keep_alive, bool)
    with protocol_database:
        setprotoent_block(keep_alive)


def close_protocol_database() -> None:
    """endprotoent(3): close the database; the next iteration begins at its beginning.

    Can block; other threads run meanwhile. Not on Windows (NotImplementedError).
    """
    with protocol_database:
        endprotoent_block()


def bind_socket(sock: Socket, address: SocketAddress) -> None:
    """bind(2): give `sock` the local `address`.

    Raises SocketCondition (EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL ...), TypeError,
    ValueError. A UNIX path may lie on a slow file system, so that it can block; other
    threads run meanwhile.
    """
    expect("bind_socket", "sock", sock, Socket)
    expect("bind_socket", "address", address, SocketAddress)
    check_domain("bind_socket", sock, address)
    packed = socket_address_to_foreign(address)
    tell_address("socket.bind", sock, address)
    result = call_with_errno(bind_block, sock, packed, len(packed))
    if result < 0:
        report_failure("bind_socket", "bind", -result, sock, address)


def listen_socket(sock: Socket, queue_length: int) -> None:
    """listen(2): let connections arrive at `sock`, `queue_length` of them waiting at most.

    Raises SocketCondition (EADDRINUSE, EOPNOTSUPP ...), TypeError, and ValueError for a
    negative length. Never blocks, and keeps the GIL.
    """
    expect("listen_socket", "sock", sock, Socket)
    length = expect_integer(
        "listen_socket", "queue_length", queue_length, 0, 2**31 - 1, "connections"
    )
    result = call_with_errno(listen_keep, sock, length)
    if result < 0:
        report_failure("listen_socket", "listen", -result, sock)


def create_listener(
    address: SocketAddress, queue_length: int, *options: tuple[SocketOption[Any], Any]
) -> Socket:
    """listen(2): make a stream socket of the address's domain, bound to `address` and listening.

    `queue_length` is how many connections may wait, and each of the `options` a tuple of a
    SocketOption and its value, as (SocketOption.REUSE_ADDRESS, True). Returns a Socket,
    non-blocking and close-on-exec. Raises what create_socket, set_socket_option, bind_socket
    and listen_socket raise; then nothing is left open. A UNIX path may lie on a slow file
    system, so that it can block; other threads run meanwhile.
    """
    who = "create_listener"
    expect(who, "address", address, SocketAddress)
    expect(who, "the domain of address", getattr(address, "domain", None), SocketDomain)
    expect_integer(who, "queue_length", queue_length, 0, 2**31 - 1, "connections")
    for pair in options:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"{who}: an option must be a tuple of a SocketOption and its value, "
                f"not {describe(pair)}"
            )
    sock = create_socket(address.domain, SocketType.STREAM, SocketProtocol.AUTO)
    try:
        for option, value in options:
            set_socket_option(sock, option, value)
        bind_socket(sock, address)
        listen_socket(sock, queue_length)
    except BaseException:
        close_socket(sock)
        raise
    return sock


def accept_socket(
    sock: Socket, *, nonblocking: bool = False
) -> tuple[Socket, SocketAddress | None] | tuple[None, SocketCondition]:
    """accept(2): the next connection waiting at `sock`, as a new Socket and its address.

    The new socket is close-on-exec, and blocks unless `nonblocking` is True. Returns (socket,
    address), the address None where the kernel gives none; or, if no client waits and `sock` is
    non-blocking or its receive timeout ran out, (None, condition) of type EAGAIN or
    EWOULDBLOCK. Raises SocketCondition (ECONNABORTED, EMFILE, EINVAL ...), TypeError. Can
    block; other threads run meanwhile. On Linux and the BSDs both modes are set by the call
    itself (accept4).
    """
    if not isinstance(sock, Socket):
        expect("accept_socket", "sock", sock, Socket)
    if not isinstance(nonblocking, bool):
        expect("accept_socket", "nonblocking", nonblocking, bool)
    frame = take_frame()
    client = empty_socket(sock._domain, sock._type, sock._protocol, nonblocking)
    since, ret = clock_keep(), INTERRUPTED
    while ret == INTERRUPTED:
        ret = make_descriptor(client, accept_block, sock._foreign, nonblocking, frame.struct)
        if ret == INTERRUPTED and (late := wait_for_rest(sock, False, since)) < 0:
            ret = late
    if ret < 0:
        frames.append(frame)
        err = -ret
        return None, not_yet("accept_socket", "accept", err, None, sock)
    packed = frame.address[: frame.struct.length]
    frames.append(frame)
    try:
        announce(client)
    except BaseException:
        close_block(client._foreign)
        raise
    return client, foreign_to_socket_address(sock._domain, packed)


def get_socket_name(sock: Socket) -> SocketAddress | None:
    """getsockname(2): the address of `sock` itself, or None where the kernel gives none.

    Raises SocketCondition (EBADF ...), TypeError. Never blocks, and keeps the GIL.
    """
    return read_name("get_socket_name", "getsockname", getsockname_keep, sock)


def get_peer_name(sock: Socket) -> SocketAddress | None:
    """getpeername(2): the address that `sock` is connected to, or None where the kernel gives none.

    Raises SocketCondition (ENOTCONN, EBADF ...), TypeError. Never blocks, and keeps the GIL.
    """
    return read_name("get_peer_name", "getpeername", getpeername_keep, sock)


def connect_socket(sock: Socket, address: SocketAddress) -> Literal[True] | SocketCondition:
    """connect(2): connect `sock` to `address`, or set a datagram socket's default peer.

    Returns True when connected (compare with `is True`: a condition is true as well), or a
    condition of type EINPROGRESS (wait until writable, then look at the outcome), or EAGAIN or
    EWOULDBLOCK (try again). Raises SocketCondition (ECONNREFUSED, ETIMEDOUT, EISCONN, EALREADY
    ...), TypeError, ValueError. Can block; other threads run meanwhile.
    """
    if not isinstance(sock, Socket):
        expect("connect_socket", "sock", sock, Socket)
    if not isinstance(address, SocketAddress):
        expect("connect_socket", "address", address, SocketAddress)
    check_domain("connect_socket", sock, address)
    packed = socket_address_to_foreign(address)
    tell_address("socket.connect", sock, address)
    since = clock_keep()
    ret = connect_block(sock._foreign, packed, len(packed))
    return True if ret == 0 else judge_connect(sock, address, ret, since)


def finish_connect(sock: Socket, timeout: float | None = None) -> Literal[True] | SocketCondition:
    """poll(2): wait until a connect in progress has ended.

    Returns True when connected (compare with `is True`), or a condition of type ETIMEDOUT after
    `timeout` seconds, while the connect still goes on. Raises SocketCondition for a connect
    that failed, or that was never begun (ENOTCONN), TypeError, ValueError. Blocks, without
    limit if `timeout` is None; other threads run meanwhile.
    """
    who = "finish_connect"
    expect(who, "sock", sock, Socket)
    _, writable = wait_until(who, deadline_after(who, timeout), sock, False, True)
    if not writable:
        return late_condition(who, "connect")
    failure = read_option(who, sock, SocketOption.ERROR)
    if failure is not None:
        report_failure(who, "connect", failure.type, sock)
    read_name(who, "getpeername", getpeername_keep, sock)
    return True


def connect_first(
    infos: Sequence[AddressInfo], timeout: float | None = None
) -> tuple[Socket, SocketAddress] | tuple[None, SocketCondition]:
    """connect(2): a connection to the first of several addresses that answers, RFC 8305.

    `infos` is a list of AddressInfo, as get_address_info returns it; those whose type is
    neither STREAM nor SEQUENCE_PACKET are left out (0, which Windows has where no type was
    asked for, is taken for STREAM). Returns (socket, address), the socket non-blocking, or
    (None, condition) of type ETIMEDOUT if `timeout` seconds have passed. Raises SocketCondition
    if all attempts have failed, that of the last; TypeError; ValueError, also if no address is
    left. The `done` of either condition is a list of the conditions of all attempts that
    failed. Blocks, as long as the system tries if `timeout` is None; other threads run
    meanwhile.
    """
    who = "connect_first"
    deadline = deadline_after(who, timeout)
    waiting = take_turns(who, infos)
    attempts = Attempts(who)
    try:
        while True:
            if waiting and is_over(attempts.turn):
                attempts.begin(waiting.pop(0))
            connected = attempts.look(deadline, waiting != [])
            if connected is not None:
                return connected
            if not waiting and not attempts.are_under_way():
                raise attempts.sum_up(attempts.failures[-1], attempts.failures[:-1])
            if is_over(deadline):
                late = late_condition(who, "connect", attempts.silent())
                return None, attempts.sum_up(late, attempts.failures)
    finally:
        attempts.close()


def close_socket(sock: Socket) -> None:
    """close(2): close `sock`, whose `fd` is -1 from then on.

    A call in another thread that waits on the socket is not woken by this (shutdown_socket does
    that), and the descriptor's number stays taken until that call returns. Raises
    SocketCondition (EBADF if it was closed already; EIO ...), and the descriptor is gone
    nevertheless; TypeError. Can block where lingering was asked for; other threads run
    meanwhile.
    """
    if not isinstance(sock, Socket):
        expect("close_socket", "sock", sock, Socket)
    result = close_block(sock._foreign)
    if result < 0 and result != INTERRUPTED:
        report_failure("close_socket", "close", -result, sock)


def shutdown_socket(sock: Socket, method: ShutdownMethod) -> None:
    """shutdown(2): end one direction of a connection, or both.

    `method` is ShutdownMethod.READ, .WRITE or .READ_AND_WRITE. Raises SocketCondition
    (ENOTCONN, EBADF ...), TypeError. Does not block.
    """
    expect("shutdown_socket", "sock", sock, Socket)
    expect("shutdown_socket", "method", method, ShutdownMethod)
    result = call_with_errno(shutdown_block, sock, method.value)
    if result < 0:
        report_failure("shutdown_socket", "shutdown", -result, sock)


def duplicate_socket(sock: Socket) -> Socket:
    """dup(2): another Socket, with a descriptor of its own, for the same open socket.

    The two share their mode and everything else that is the open file's. Raises
    SocketCondition (EBADF, EMFILE), TypeError. Does not block. Not on Windows
    (NotImplementedError).
    """
    expect("duplicate_socket", "sock", sock, Socket)
    other = empty_socket(sock._domain, sock._type, sock._protocol, sock._nonblocking)
    announce(other)
    result = INTERRUPTED
    while result == INTERRUPTED:
        result = make_descriptor(other, duplicate_block, sock._foreign)
    if result < 0:
        report_failure("duplicate_socket", "dup", -result, sock)
    return other


def detach_socket(sock: Socket) -> int:
    """Take the descriptor out of `sock`, which then counts as closed, and return it.

    No system call is made. Calls of other threads that are under way go on with the number:
    do not close it before they have returned. Raises SocketCondition (EBADF) if the socket
    was closed before, TypeError.
    """
    expect("detach_socket", "sock", sock, Socket)
    fd: int = sock._foreign.fd
    if fd < 0:
        report_closed("detach_socket", "dup")
    sock._foreign.fd = -1
    return fd


def adopt_descriptor(fd: int) -> Socket:
    """getsockopt(2): a Socket for the open descriptor `fd`, of the kind that the kernel says.

    The domain must be registered (ValueError). Raises SocketCondition (EBADF, ENOTSOCK),
    TypeError, ValueError; then, and if a signal handler raises, the descriptor is still the
    caller's. Does not block.
    """
    fd = expect_integer("adopt_descriptor", "fd", fd, 0, DESCRIPTORS)
    sock = recognise("adopt_descriptor", fd)
    sock._foreign.fd = fd
    return sock


def from_python_socket(python_socket: socket.socket) -> Socket:
    """Move the descriptor of `python_socket`, a `socket.socket`, into a Socket.

    Raises as adopt_descriptor does, and TypeError; then the Python socket still has its
    descriptor. If a signal handler raises, one of the two has it.
    """
    from _socket import socket as PlainSocket
    from socket import socket as PythonSocket

    who = "from_python_socket"
    expect(who, "python_socket", python_socket, PythonSocket)
    fd = python_socket.fileno()
    if fd < 0:
        report_closed(who, "dup")
    sock = recognise(who, fd)
    if WINDOWS:
        sock._nonblocking = python_socket.gettimeout() is not None
    if make_descriptor(sock, PlainSocket.detach, python_socket) < 0:
        report_closed(who, "dup")
    python_socket.detach()  # of nothing, but now it calls itself closed
    return sock


def to_python_socket(sock: Socket) -> socket.socket:
    """Move the descriptor of `sock` into a `socket.socket`, blocking or not as before.

    Raises SocketCondition (EBADF) for a closed socket, TypeError. If a signal handler raises,
    one of the two has the descriptor.
    """
    import _socket
    from socket import socket as PythonSocket

    expect("to_python_socket", "sock", sock, Socket)
    foreign = sock._foreign
    if foreign.fd < 0:
        report_closed("to_python_socket", "dup")
    theirs = PythonSocket.__new__(PythonSocket)
    for field, value in ("_io_refs", 0), ("_closed", False):
        setattr(theirs, field, value)
    kind = (
        sock._domain.value, sock._type.value | getattr(_socket, "SOCK_NONBLOCK", 0),
        sock._protocol.value,
    )
    next(zip(
        later(_socket.socket.__init__, theirs, *kind, later(getattr, foreign, "fd")),
        later(setattr, foreign, "fd", -1),
        strict=False,
    ))
    theirs.setblocking(not sock._nonblocking)
    return theirs
FIRST_HANDED_ON = 3


def adopt_from_supervisor(
    domain: SocketDomain | None = None, type: SocketType | None = None, *,
    keep_environment: bool = False,
) -> list[tuple[str, Socket]]:
    """sd_listen_fds(3): the sockets that a supervisor has handed on, each with its name.

    Each must be of `domain` and of `type`, unless that is None (ValueError). Returns a list of
    (name, socket), in the supervisor's order, empty if there are none for this process; a
    socket without a name is called "unknown". They are close-on-exec from here on, and keep
    their mode. The variables LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES are removed from the
    environment, also after an error, unless `keep_environment` is True. Raises SocketCondition
    (EBADF, ENOTSOCK), TypeError, ValueError; then the descriptors are still the caller's. Does
    not block.
    """
    who = "adopt_from_supervisor"
    if domain is not None:
        expect(who, "domain", domain, SocketDomain)
    if type is not None:
        expect(who, "type", type, SocketType)
    expect(who, "keep_environment", keep_environment, bool)
    try:
        names = names_from_supervisor(who)
    finally:
        for variable in () if keep_environment else LISTEN_VARIABLES:
            os.environ.pop(variable, None)
    fds = range(FIRST_HANDED_ON, FIRST_HANDED_ON + len(names))
    adopted = [
        (name, recognise_one_of(who, fd, name, domain, type))
        for fd, name in zip(fds, names, strict=True)
    ]
    for fd in fds:
        os.set_inheritable(fd, False)
    empty = [(sock._foreign, "fd", -1) for _, sock in adopted]
    try:
        list(map(setattr, [sock._foreign for _, sock in adopted], ["fd"] * len(fds), fds))
        return adopted
    except BaseException:  # of a signal's handler
        list(starmap(setattr, empty))
        raise


def send_to_socket(
    sock: Socket, buffer: Buffer, address: SocketAddress | None, *flags: SendToOption
) -> int | SocketCondition:
    """sendto(2): send the bytes of `buffer` to `address`, or to the peer if it is None.

    Returns the number of bytes taken, or a condition of type EAGAIN or EWOULDBLOCK if none
    could be and the socket is non-blocking or its send timeout ran out. `flags` are
    SendToOption constants. Raises SocketCondition (EPIPE, ECONNRESET, EMSGSIZE, EISCONN ...;
    never a SIGPIPE), TypeError, ValueError. Blocks only on a blocking socket; other threads run
    meanwhile. The buffer cannot be resized during the call.
    """
    if not isinstance(sock, Socket):
        expect("send_to_socket", "sock", sock, Socket)
    if address is None:
        fa, fa_len = NO_ADDRESS, 0
    else:
        if not isinstance(address, SocketAddress):
            expect("send_to_socket", "address", address, SocketAddress)
        check_domain("send_to_socket", sock, address)
        fa = socket_address_to_foreign(address)
        fa_len = len(fa)
        tell_address("socket.sendto", sock, address)
    bits = fold_flags("send_to_socket", SendToOption, flags) if flags else 0
    buf = buffer if type(buffer) is bytes else borrow_buffer("send_to_socket", buffer)
    try:
        size = len(buf)
        if sock._nonblocking:
            send, bits = sendto_keep if size < LONG_COPY else sendto_block, bits | DONT_WAIT
            since = 0.0
        else:
            send, since = sendto_block, clock_keep()
        while (res := send(sock._foreign, buf, size, bits, fa, fa_len)) == INTERRUPTED:
            if since and (res := wait_for_rest(sock, True, since)) < 0:
                break
    finally:
        if buf is not buffer:
            ffi.release(buf)
    if res < 0:
        return not_yet("send_to_socket", "sendto", -res, address, sock)
    return res


def send_all(
    sock: Socket, buffer: Buffer, address: SocketAddress | None = None, *flags: SendToOption,
    timeout: float | None = None,
) -> tuple[int, SocketCondition | None]:
    """sendto(2), as often as it takes: send all bytes of `buffer` through a stream.

    Returns (count, None) when all are sent, or (count, condition) with how many were, if
    `timeout` seconds have passed (type ETIMEDOUT), or the SEND_TIMEOUT of a blocking socket in
    which nothing could be sent (EAGAIN or EWOULDBLOCK). Raises what send_to_socket raises;
    `done` of that, and of any exception that a signal's handler raises, is the count. Blocks,
    whatever the socket's mode, without limit if `timeout` is None; other threads run meanwhile.
    A timeout needs a non-blocking socket (ValueError).
    """
    if not isinstance(sock, Socket):
        expect("send_all", "sock", sock, Socket)
    deadline = None if timeout is None else deadline_for("send_all", timeout, sock)
    view: Any = buffer if type(buffer) is bytes else view_bytes("send_all", buffer)
    rest: Any = buffer
    answers: list[Any] = []
    send, done = keeping(answers, send_to_socket), 0
    try:
        while True:
            result = send(sock, rest, address, *flags)
            if isinstance(result, SocketCondition) and sock._nonblocking:
                result = repeat_until(deadline, sock, send, rest, address, *flags)
            if isinstance(result, SocketCondition):
                return done, result
            done += result
            if done >= len(view):
                return done, None
            if is_over(deadline):
                return done, late_condition("send_to_socket", "sendto", address)
            rest = memoryview(view)[done:]
    except BaseException as failure:
        tell_done(failure, sum(each for each in answers if isinstance(each, int)))
        raise
    finally:
        if rest is not buffer:
            rest.release()
        if view is not buffer:
            view.release()


def send_file(
    sock: Socket, file: int | IO[bytes], offset: int = 0, count: int | None = None, *,
    timeout: float | None = None,
) -> tuple[int, SocketCondition | None]:
    """sendfile(2): send the bytes of `file` through a stream, in as many calls as it takes.

    `file` is an open file, or its descriptor, of a kind that can be read at any place (ESPIPE).
    `offset` is where to begin, in bytes, and `count` how many bytes to send, or None for all to
    the end. Where the system cannot send this file by itself, it is read and sent. Returns
    (count, None) with how many bytes were sent, fewer if the file ends before; or (count,
    condition), as send_all does, if `timeout` seconds have passed. Raises SocketCondition
    (EPIPE, ECONNRESET, EIO ...; never a SIGPIPE), TypeError, ValueError; `done` of that, and of
    any exception that a signal's handler raises, is the count. Blocks, whatever the socket's
    mode; other threads run meanwhile. A timeout needs a non-blocking socket (ValueError). What
    is still in the buffer of a file object is not in its file yet.
    """
    expect("send_file", "sock", sock, Socket)
    fd = descriptor_of("send_file", file)
    offset = expect_integer("send_file", "offset", offset, 0, 2**62, "bytes")
    if count is not None:
        count = expect_integer("send_file", "count", count, 0, 2**62, "bytes")
    deadline = None if timeout is None else deadline_for("send_file", timeout, sock)
    answers: list[Any] = []
    done = 0
    try:
        while done != count:
            rest = (fd, offset + done, MOST_OF_A_FILE if count is None else count - done, answers)
            result = send_part_of_file(sock, *rest)
            if isinstance(result, SocketCondition) and sock._nonblocking:
                result = repeat_until(deadline, sock, send_part_of_file, *rest)
            if isinstance(result, SocketCondition):
                return done, result
            done += result
            if result == 0:
                break
            if done != count and is_over(deadline):
                return done, late_condition("send_file", "sendfile")
        return done, None
    except BaseException as failure:
        tell_done(failure, sum(each for each in answers if isinstance(each, int) and each > 0))
        raise


def receive_from_socket(
    sock: Socket, count: int, *flags: ReceiveFromOption
) -> tuple[bytes, SocketAddress | None] | tuple[None, SocketCondition]:
    """recvfrom(2): receive at most `count` bytes, and the address of their sender.

    Returns (bytes, address), the address None where the kernel gives none; or, if nothing
    is there and the socket is non-blocking, its receive timeout ran out or DONT_WAIT was
    given, (None, condition) of type EAGAIN or EWOULDBLOCK. `flags` are ReceiveFromOption
    constants. A datagram is cut to `count` bytes. Raises SocketCondition (ECONNRESET,
    ENOTCONN, ECONNREFUSED ...), TypeError, ValueError. Blocks only on a blocking socket; other
    threads run meanwhile.
    """
    if not isinstance(sock, Socket):
        expect("receive_from_socket", "sock", sock, Socket)
    if type(count) is not int or not 0 <= count <= LONGEST:
        count = expect_integer("receive_from_socket", "count", count, 0, LONGEST, "bytes")
    bits = fold_flags("receive_from_socket", ReceiveFromOption, flags) if flags else 0
    try:
        frame = frames.pop() if count <= FRAME_ROOM else Frame(count)
    except IndexError:
        frame = Frame(FRAME_ROOM)
    if sock._nonblocking:
        bits |= DONT_WAIT
    receive = recvfrom_keep if bits & DONT_WAIT and count < LONG_COPY else recvfrom_block
    since = 0.0 if bits & DONT_WAIT else clock_keep()
    while (n := receive(sock._foreign, frame.data, count, bits, frame.struct)) == INTERRUPTED:
        if since and (n := wait_for_rest(sock, False, since)) < 0:
            break
    if n < 0:
        if count <= FRAME_ROOM:
            frames.append(frame)
        return None, not_yet("receive_from_socket", "recvfrom", -n, None, sock)
    received = frame.bytes[: n if n < count else count]
    length = frame.struct.length
    address = sock._domain.extractor(frame.address[:length]) if length else None
    if count <= FRAME_ROOM:
        frames.append(frame)
    return received, address


def receive_exactly(
    sock: Socket, count: int, *flags: ReceiveFromOption, timeout: float | None = None
) -> tuple[bytes, SocketCondition | None]:
    """recvfrom(2), as often as it takes: receive `count` bytes from a stream.

    Returns (bytes, None) with all of them, or with fewer if the stream has ended; or (bytes,
    condition) with those that came before `timeout` seconds had passed (type ETIMEDOUT), or
    the RECEIVE_TIMEOUT of a blocking socket in which nothing came (EAGAIN or EWOULDBLOCK).
    Without a limit it goes on until all have come. Raises what receive_from_socket raises;
    `done` of that, and of any exception that a signal's handler raises, is the bytes.
    ValueError for PEEK, and for a socket that is no stream. Blocks, whatever the socket's
    mode; other threads run meanwhile. A timeout needs a non-blocking socket (ValueError).
    """
    if not isinstance(sock, Socket):
        expect("receive_exactly", "sock", sock, Socket)
    if type(count) is not int or not 0 <= count <= LONGEST:
        expect_integer("receive_exactly", "count", count, 0, LONGEST, "bytes")
    if not is_stream(sock):
        raise ValueError(
            f"receive_exactly: only a stream can be received in parts, not {sock!r}: the rest "
            f"of a message would be lost; use receive_from_socket or receive_datagrams"
        )
    if flags:
        refuse_peeking("receive_exactly", fold_flags("receive_exactly", ReceiveFromOption, flags))
    deadline = None if timeout is None else deadline_for("receive_exactly", timeout, sock)
    answers: list[Any] = []
    receive, left = keeping(answers, receive_from_socket), count
    try:
        while left > 0:
            room = min(left, 2**20)
            data, why = receive(sock, room, *flags)
            if data is None and sock._nonblocking:
                data, why = repeat_until(deadline, sock, receive, room, *flags)
            if data is None:
                return data_of(answers), why
            left -= len(data)
            if not data:
                break
            if left > 0 and is_over(deadline):
                return data_of(answers), late_condition("receive_from_socket", "recvfrom")
        return data_of(answers), None
    except BaseException as failure:
        tell_done(failure, data_of(answers))
        raise


def data_of(answers: list[Any]) -> bytes:
    return b"".join([data for data, _ in answers if data])


def receive_into_socket(
    sock: Socket, buffer: Buffer, *flags: ReceiveFromOption
) -> tuple[int, SocketAddress | None] | tuple[None, SocketCondition]:
    """recvfrom(2): receive into a writable buffer, and return how much, and from whom.

    At most as many bytes as `buffer` is long are received, to its beginning; the rest of it
    stays as it is. A datagram that does not fit is cut; on Linux, with the flag
    MSG_TRUNC, the count is how long it was. Returns (count, address), the address None where
    the kernel gives none; or, if nothing is there and the socket is non-blocking, its receive
    timeout ran out or DONT_WAIT was given, (None, condition) of type EAGAIN or EWOULDBLOCK.
    `flags` are ReceiveFromOption constants. Raises SocketCondition (ECONNRESET, ENOTCONN,
    ECONNREFUSED ...), TypeError, also for a buffer that cannot be written to. Blocks only on
    a blocking socket; other threads run meanwhile. The buffer cannot be resized during the
    call.
    """
    if not isinstance(sock, Socket):
        expect("receive_into_socket", "sock", sock, Socket)
    bits = fold_flags("receive_into_socket", ReceiveFromOption, flags) if flags else 0
    data = borrow_buffer("receive_into_socket", buffer, writable=True)
    frame = take_frame()
    try:
        count = len(data)
        if sock._nonblocking:
            bits |= DONT_WAIT
        receive = recvfrom_keep if bits & DONT_WAIT and count < LONG_COPY else recvfrom_block
        since = 0.0 if bits & DONT_WAIT else clock_keep()
        while (n := receive(sock._foreign, data, count, bits, frame.struct)) == INTERRUPTED:
            if since and (n := wait_for_rest(sock, False, since)) < 0:
                break
    finally:
        ffi.release(data)
    if n < 0:
        frames.append(frame)
        return None, not_yet("receive_into_socket", "recvfrom", -n, None, sock)
    length = frame.struct.length
    address = sock._domain.extractor(frame.address[:length]) if length else None
    frames.append(frame)
    return n, address


def send_datagrams(
    sock: Socket, runs: Sequence[Datagrams], *flags: SendToOption
) -> int | SocketCondition:
    """sendmmsg(2): send all datagrams of some runs, in order, each run to its own address.

    `runs` is a list or tuple of Datagrams, in which an address of None means the peer;
    `flags` are SendToOption constants. Returns how many datagrams were sent, fewer than all
    if there was no room for more; or a condition of type EAGAIN or EWOULDBLOCK if none could
    be and the socket is non-blocking or its send timeout ran out. Raises SocketCondition
    (EMSGSIZE, ECONNREFUSED, EDESTADDRREQ ...), whose `done`, as that of any exception of a
    signal's handler, is how many datagrams were sent before; TypeError; ValueError, also for
    a stream. Blocks only on a blocking socket; other threads run meanwhile, and also while
    more than 64 datagrams or 64 KiB are sent. Where there is no sendmmsg, sendto(2) is made
    for each; on Linux a run goes through the kernel as one where it can (UDP_SEGMENT,
    udp(7)).
    """
    who = "send_datagrams"
    expect_packets(who, sock)
    bits = fold_flags(who, SendToOption, flags) if flags else 0
    data, addresses, table, datagrams = lay_runs(who, sock, runs)
    answers: list[int] = []
    try:
        since = 0.0 if sock._nonblocking else clock_keep()
        bits |= DONT_WAIT if sock._nonblocking else 0
        keeps = sock._nonblocking and len(data) < LONG_COPY and datagrams <= MANY
        send = keeping(answers, sendmmsg_keep if keeps else sendmmsg_block)
        while (
            sent := send(sock._foreign, data, addresses, table, len(table) // 3, bits)
        ) == INTERRUPTED:
            if since and (sent := wait_for_rest(sock, True, since)) < 0:
                break
        if sent < 0:
            error = -sent
        elif table[0] in NO_FAILURE:
            return sent
        else:
            error = table[0]
        address, behind = None, 0
        for run in runs:
            behind += len(run)
            if behind > sent:
                address = run.address
                break
        return not_yet(who, "sendmmsg", error, address, sock)
    except BaseException as failure:
        tell_done(failure, max([0, *answers]))
        raise


def skip_datagrams(runs: Sequence[Datagrams], count: int) -> list[Datagrams]:
    """Return `runs` without their first `count` datagrams: what is still to be sent.

    Raises TypeError, and ValueError for a count that is negative.
    """
    who = "skip_datagrams"
    count = expect_integer(who, "count", count, 0, LONGEST, "datagrams")
    rest = []
    for run in expect_runs(who, runs):
        if count < len(run):
            left = Datagrams(
                run.data[count * run.size :], run.size, run.address, run.truncated
            )
            rest.append(left if count > 0 else run)
        count = max(count - len(run), 0)
    return rest


def receive_datagrams(
    sock: Socket, count: int, size: int, *flags: ReceiveFromOption
) -> list[Datagrams] | SocketCondition:
    """recvmmsg(2): receive the datagrams that are there, as a list of runs, in order.

    At most `count` datagrams, from 1 to 65536, are received, and at most `size` bytes, from
    1, of each; only if UdpOption.RECEIVE_OFFLOAD is set can there be more of them, for what
    the kernel has joined comes as a whole. Returns a list of Datagrams, or, if nothing is
    there and the socket is non-blocking, its receive timeout ran out or DONT_WAIT was given,
    a condition of type EAGAIN or EWOULDBLOCK. `flags` are ReceiveFromOption constants,
    without PEEK. A longer datagram is cut to `size` bytes, and its run is `truncated`.
    Raises SocketCondition (ECONNREFUSED ...), whose `done`, as that of any exception of a
    signal's handler, is a list of the runs that came before it; TypeError; ValueError, also
    for a stream. Blocks only on a blocking socket, for the first datagram; other threads run
    meanwhile, and also while more than 64 datagrams or 64 KiB may be received. Where there is
    no recvmmsg, recvfrom(2) is made for each.
    """
    who = "receive_datagrams"
    expect_packets(who, sock)
    count = expect_integer(who, "count", count, 1, 65536, "datagrams")
    size = expect_integer(who, "size", size, 1, 2**31 - 1, "bytes")
    bits = fold_flags(who, ReceiveFromOption, flags) if flags else 0
    refuse_peeking(who, bits)
    few = count <= MANY and count * size < LONG_COPY
    batch = take_batch() if few else Batch(count, count * size)
    answers: list[int] = []
    received: list[Datagrams] = []
    try:
        if sock._nonblocking:
            bits |= DONT_WAIT
        receive = keeping(answers, recvmmsg_keep if few and bits & DONT_WAIT else recvmmsg_block)
        since = 0.0 if bits & DONT_WAIT else clock_keep()
        while (
            n := receive(sock._foreign, batch.data, len(batch.data), size, batch.runs, count, bits)
        ) == INTERRUPTED:
            if since and (n := wait_for_rest(sock, False, since)) < 0:
                break
        received = read_runs(batch.data, batch.runs, n, sock._domain)
        error = batch.runs[0].error if n > 0 else -n
        if few:
            batches.append(batch)
        if error in NO_FAILURE and n > 0:
            return received
        return not_yet(who, "recvmmsg", error, None, sock)
    except BaseException as failure:
        n = max([0, *answers])
        tell_done(failure, received or read_runs(batch.data, batch.runs, n, sock._domain))
        raise


def send_message(
    sock: Socket, buffers: Sequence[Buffer], address: SocketAddress | None = None,
    items: Sequence[AncillaryItem] = (), *flags: SendToOption,
) -> int | SocketCondition:
    """sendmsg(2): send the bytes of several buffers, with ancillary items, as one message.

    `buffers` is a list or tuple of objects that hold bytes; `address` is whom the message goes
    to, or None for the peer; `items` is a list or tuple of AncillaryItem, of 4096 bytes in all
    as C lays them out (else ENOBUFS); `flags` are SendToOption constants. Returns the number
    of bytes taken, with the first of which the items went, or a condition of type EAGAIN or
    EWOULDBLOCK if none could be and the socket is non-blocking or its send timeout ran out.
    Raises SocketCondition (EPIPE, EMSGSIZE, EINVAL for an item that the socket does not know,
    ETOOMANYREFS ...; never a SIGPIPE), TypeError, ValueError. Blocks only on a blocking
    socket; other threads run meanwhile. The buffers cannot be resized during the call. Not on
    Windows (NotImplementedError).
    """
    who, packed = "send_message", b""
    expect_messages(who, sock)
    if address is not None:
        expect(who, "address", address, SocketAddress)
        check_domain(who, sock, address)
        packed = socket_address_to_foreign(address)
    table, data = items_to_foreign(who, items)
    bits = fold_flags(who, SendToOption, flags) if flags else 0
    lent: list[Any] = []
    try:
        parts = lay_buffers(who, buffers, lent)
        tell_address("socket.sendmsg", sock, address)
        if sock._nonblocking:
            bits |= DONT_WAIT
        keeps = sock._nonblocking and sum(map(len, lent)) < LONG_COPY
        send, since = sendmsg_keep if keeps else sendmsg_block, clock_keep()
        while (sent := send(
            sock._foreign, parts, len(lent), packed, len(packed), data, table, len(table) // 3, bits
        )) == INTERRUPTED:
            if since and (sent := wait_for_rest(sock, True, since)) < 0:
                break
    finally:
        for each in lent:
            ffi.release(each)
    if sent < 0:
        return not_yet(who, "sendmsg", -sent, address, sock)
    return sent


def receive_message(
    sock: Socket, count: int, *flags: ReceiveFromOption, room: int = 4096
) -> tuple[bytes, MessageHeader] | tuple[None, SocketCondition]:
    """recvmsg(2): receive at most `count` bytes, their sender, and ancillary items.

    `flags` are ReceiveFromOption constants; `room` is for how many bytes of ancillary data
    there is room, as C lays them out, an int from 0 to 4096. Returns (bytes, header), whose
    second is a MessageHeader; or, if nothing is there and the socket is non-blocking, its
    receive timeout ran out, DONT_WAIT was given, or with ERROR_QUEUE, (None, condition) of
    type EAGAIN or EWOULDBLOCK. Items of a kind that is not registered, or that were cut, are
    AncillaryData. Descriptors are close-on-exec, and come as ReceivedDescriptors, which closes
    those that nobody takes. Raises SocketCondition (ECONNRESET, ECONNREFUSED ...), TypeError,
    ValueError, and what an extractor raises but ValueError, with the bytes as its `done`.
    Blocks only on a blocking socket; other threads run meanwhile. Not on Windows
    (NotImplementedError).
    """
    who = "receive_message"
    expect_messages(who, sock)
    if type(count) is not int or not 0 <= count <= LONGEST:
        count = expect_integer(who, "count", count, 0, LONGEST, "bytes")
    room = expect_integer(who, "room", room, 0, CONTROL_ROOM, "bytes")
    bits = fold_flags(who, ReceiveFromOption, flags) if flags else 0
    frame = take_frame() if count <= FRAME_ROOM else Frame(count)
    control, memory = take_control(), frame.data
    if memory.__class__ is bytes:
        memory = ffi.from_buffer(memory)
    control.parts[0].iov_base, control.parts[0].iov_len = memory, count
    n = receive_parts(sock, control.parts, 1, count, frame, control, room, bits)
    data = frame.bytes[: max(0, n if n < count else count)]
    return finish_message(who, n, data, sock, frame, control)


def receive_message_into(
    sock: Socket, buffers: Sequence[Buffer], *flags: ReceiveFromOption, room: int = 4096
) -> tuple[int, MessageHeader] | tuple[None, SocketCondition]:
    """recvmsg(2): receive into several buffers, one after the other, and ancillary items.

    `buffers` is a list or tuple of writable buffers, of which each is filled before the next
    is begun; `flags` and `room` are as for receive_message, and so is the answer, but that its
    first is how many bytes were received (on Linux, with the flag MSG_TRUNC, how long the
    datagram was). Raises what receive_message raises, with the count as its `done`. Blocks
    only on a blocking socket; other threads run meanwhile. The buffers cannot be resized
    during the call. Not on Windows (NotImplementedError).
    """
    who = "receive_message_into"
    expect_messages(who, sock)
    room = expect_integer(who, "room", room, 0, CONTROL_ROOM, "bytes")
    bits = fold_flags(who, ReceiveFromOption, flags) if flags else 0
    lent: list[Any] = []
    try:
        parts = lay_buffers(who, buffers, lent, writable=True)
        size = sum(map(len, lent))
        frame, control = take_frame(), take_control()
        n = receive_parts(sock, parts, len(lent), size, frame, control, room, bits)
    finally:
        for each in lent:
            ffi.release(each)
    return finish_message(who, n, n, sock, frame, control)


def socket_maximum_connections() -> int:
    """SOMAXCONN: the greatest backlog for listen_socket, as the C headers have it; listen(2)."""
    return FOREIGN_VALUES["%somaxconn"]


def wait_for_socket(
    sock: Socket, reading: bool, writing: bool, timeout: float | None = None
) -> tuple[bool, bool]:
    """poll(2): wait until `sock` can be read from or written to, at most `timeout` seconds.

    `reading` and `writing` say what to wait for, `timeout` is a number of seconds, 0 to look
    and not wait, or None for no limit. Returns (readable, writable), both False when the time
    is up; the end of a connection, and an error, make it ready for whatever was asked. If
    nothing is asked, only the time passes. Raises SocketCondition (EBADF), TypeError,
    ValueError. Blocks; other threads run meanwhile.
    """
    expect("wait_for_socket", "sock", sock, Socket)
    expect("wait_for_socket", "reading", reading, bool)
    expect("wait_for_socket", "writing", writing, bool)
    deadline = deadline_after("wait_for_socket", timeout)
    return wait_until("wait_for_socket", deadline, sock, reading, writing)


def within(
    timeout: float | None, procedure: Callable[Concatenate[Socket, Rest], Result], sock: Socket,
    *arguments: Rest.args, **named: Rest.kwargs,
) -> Result:
    """poll(2): call `procedure(sock, *arguments, **named)` until it does not answer "not yet".

    `procedure` is accept_socket, receive_from_socket, send_to_socket, connect_socket, or one
    that answers like them. Returns what it returns; but if `timeout` seconds have passed, the
    condition in that result is of type ETIMEDOUT. A connect that is under way already, as after
    another `within` whose time was up, goes on, to the address that it was begun with.
    send_all, send_file, receive_exactly, finish_connect, wait_for_socket and wait_for_urgent,
    which wait by themselves, are called with this `timeout`. Raises what the procedure raises,
    TypeError, ValueError. Blocks, without limit if `timeout` is None; other threads run
    meanwhile. A timeout needs a non-blocking socket (ValueError); on a blocking one the
    procedure waits, and if the socket's own SEND_TIMEOUT or RECEIVE_TIMEOUT runs out, its "not
    yet" is returned.
    """
    expect("within", "sock", sock, Socket)
    expect_procedure("within", "procedure", procedure)
    waits: Callable[..., Result] = procedure
    if procedure in (
        send_all, send_file, receive_exactly, finish_connect, wait_for_socket, wait_for_urgent,
    ):
        return waits(sock, *arguments, timeout=timeout, **named)
    deadline = deadline_for("within", timeout, sock)
    result: Result = repeat_until(deadline, sock, procedure, *arguments, **named)
    return result
URGENT = 2


def wait_for_urgent(sock: Socket, timeout: float | None = None) -> bool:
    """poll(2): wait until urgent data is there (POLLPRI), at most `timeout` seconds.

    `timeout` is a number of seconds, 0 to look and not wait, or None for no limit. Returns
    False when the time is up, and else True: then ReceiveFromOption.OUT_OF_BAND receives it, if
    it was not the end of the connection, or an error, that has ended the waiting. Raises
    SocketCondition (EBADF), TypeError, ValueError. Blocks; other threads run meanwhile.
    """
    expect("wait_for_urgent", "sock", sock, Socket)
    deadline = deadline_after("wait_for_urgent", timeout)
    return wait_until("wait_for_urgent", deadline, sock, URGENT, False)[0]
if TYPE_CHECKING:
    @overload
    def or_raise(
        answer: tuple[First, Second] | tuple[None, SocketCondition]
    ) -> tuple[First, Second]: ...

    @overload
    def or_raise(answer: Result | SocketCondition) -> Result: ...


def or_raise(answer: Any) -> Any:
    """Return the `answer` of another procedure, but raise it if it is, or has, a condition.

    `answer` is what connect_socket, accept_socket, within, send_all or another procedure of
    this library has returned. Raises the SocketCondition that it is, or that is the second
    of two things; if the first of them is not None, it is the condition's `done`.
    """
    pair = isinstance(answer, tuple) and len(answer) == 2
    condition = answer[1] if pair else answer
    if not isinstance(condition, SocketCondition):
        return answer
    if pair and answer[0] is not None:
        condition.done = answer[0]
    try:
        raise condition
    finally:
        del answer, condition


def make_foreign_address(family: int, rest: bytes) -> bytes:
    """Return the bytes of an address: the header for `family`, an AF_... of C, and `rest`.

    `family` is an int, 0 to 255, `rest` the bytes behind the header. For converters of further
    classes of SocketAddress. Raises TypeError, ValueError.
    """
    family = expect_integer("make_foreign_address", "family", family, 0, 255)
    expect("make_foreign_address", "rest", rest, bytes)
    rest = exact_bytes(rest)
    header = ffi.new("struct sockaddr *")
    start = ffi.offsetof("struct sockaddr", "sa_data")
    address_header_keep(header, family, start + len(rest))
    return bytes(ffi.buffer(header)[:start]) + rest

if HAS_UNIX_SOCKETS:
    register_socket_domain(SocketDomain.UNIX)
register_socket_domain(SocketDomain.INTERNET)
register_socket_domain(SocketDomain.INTERNET_V6)

audit = find_audit() if HAS_BASES_IN_C else 0
HAS_FAST_PATHS = audit != 0 and bool(fast.take_places(globals(), audit))
