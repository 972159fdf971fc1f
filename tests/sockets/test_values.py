"""The numbers of the C headers, the build that asks for them, and the package without it."""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sockets
from sockets._values import FOREIGN_VALUES

fcntl: Any = pytest.importorskip(
    "fcntl", reason="compiles with the compiler of a POSIX system; Windows' numbers have a file"
)

GENERATED = Path(__file__).parents[2] / "generated"
PACKAGE = Path(sockets.__file__).parent
LIBRARY = "socket-ffi-values" + (".dylib" if sys.platform == "darwin" else ".so")
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]


class InAddr(ctypes.Structure):
    _fields_ = [("s_addr", ctypes.c_uint32)]


class SockaddrIn(ctypes.Structure):
    _fields_ = [
        ("sin_family", ctypes.c_uint16), ("sin_port", ctypes.c_uint16), ("sin_addr", InAddr),
        ("sin_zero", ctypes.c_char * 8),
    ]


class SockaddrUn(ctypes.Structure):
    _fields_ = [
        ("sun_family", ctypes.c_uint16),
        ("sun_path", ctypes.c_char * (108 if sys.platform == "linux" else 104)),
    ]


class Addrinfo(ctypes.Structure):
    _fields_ = [
        ("ai_flags", ctypes.c_int), ("ai_family", ctypes.c_int), ("ai_socktype", ctypes.c_int),
        ("ai_protocol", ctypes.c_int), ("ai_addrlen", ctypes.c_uint32),
        ("ai_addr", ctypes.c_void_p), ("ai_canonname", ctypes.c_void_p),
        ("ai_next", ctypes.c_void_p),
    ]


class Protoent(ctypes.Structure):
    _fields_ = [
        ("p_name", ctypes.c_void_p), ("p_aliases", ctypes.c_void_p), ("p_proto", ctypes.c_int),
    ]


# Every name of section 79, and its value by other ways than the library's.
KNOWN: dict[str, int] = {
    "$error-again": errno.EAGAIN,
    "$error-in-progress": errno.EINPROGRESS,
    "$error-would-block": errno.EWOULDBLOCK,
    "$file-set-flag": fcntl.F_SETFL,
    "$ipproto-ip": socket.IPPROTO_IP,
    "$ipproto-raw": socket.IPPROTO_RAW,
    "$ipproto-tcp": socket.IPPROTO_TCP,
    "$ipproto-udp": socket.IPPROTO_UDP,
    "$option-non-blocking": os.O_NONBLOCK,
    "$socket-error": -1,
    "$sol-socket": socket.SOL_SOCKET,
    "%ai/canonname": socket.AI_CANONNAME,
    "%ai/numerichost": socket.AI_NUMERICHOST,
    "%ai/passive": socket.AI_PASSIVE,
    "%msg/dont-route": socket.MSG_DONTROUTE,
    "%msg/dont-wait": socket.MSG_DONTWAIT,
    "%msg/out-of-band": socket.MSG_OOB,
    "%msg/peek": socket.MSG_PEEK,
    "%msg/wait-all": socket.MSG_WAITALL,
    "%shutdown/read": socket.SHUT_RD,
    "%shutdown/read&write": socket.SHUT_RDWR,
    "%shutdown/write": socket.SHUT_WR,
    "%socket-domain/internet": socket.AF_INET,
    "%socket-domain/internet-v6": socket.AF_INET6,
    "%socket-domain/local": socket.AF_UNIX,
    "%socket-domain/unix": socket.AF_UNIX,
    "%socket-type/datagram": socket.SOCK_DGRAM,
    "%socket-type/random": socket.SOCK_RDM,
    "%socket-type/raw": socket.SOCK_RAW,
    "%socket-type/sequence-packet": socket.SOCK_SEQPACKET,
    "%socket-type/stream": socket.SOCK_STREAM,
    "af-inet": socket.AF_INET,
    "af-unix": socket.AF_UNIX,
    "invalid-socket": -1,
    "size-of/addr-in": ctypes.sizeof(SockaddrIn),
    "size-of/addr-un": ctypes.sizeof(SockaddrUn),
    "size-of/addrinfo": ctypes.sizeof(Addrinfo),
    "size-of/integer": ctypes.sizeof(ctypes.c_int),
    "size-of/ip": ctypes.sizeof(InAddr),
    "size-of/pointer": ctypes.sizeof(ctypes.c_void_p),
    "size-of/port": SockaddrIn.sin_port.size,
    "size-of/protoent": ctypes.sizeof(Protoent),
    "size-of/sa-family": 2 if sys.platform == "linux" else 1,
    "size-of/size-t": ctypes.sizeof(ctypes.c_size_t),
    "size-of/sockaddr-in": ctypes.sizeof(SockaddrIn),
    "size-of/sockaddr-un": ctypes.sizeof(SockaddrUn),
    "size-of/socklen-t": 4,
    "unix-max-path": SockaddrUn.sun_path.size,
}
OF_THE_HEADERS = {"%somaxconn": "SOMAXCONN"}  # Python's own may be of older headers
WINDOWS_ONLY = [
    "$format-message-allocate-buffer", "$format-message-from-system", "size-of/wsa-data",
]
ALL_NAMES = [*KNOWN, *OF_THE_HEADERS, *WINDOWS_ONLY]


def compiler() -> str:
    for name in ("gcc", "clang"):
        if shutil.which(name):
            return name
    pytest.skip("no C compiler")


def compile_library(source: Path, directory: Path) -> Path:
    library = directory / LIBRARY
    subprocess.run(
        [compiler(), "-std=c11", "-shared", "-fPIC", "-o", library, source], check=True, timeout=50
    )
    return library


def ask(library: Path, name: str, before: int = 0) -> tuple[int, int]:
    """What the library returns for a name, and the value that it leaves behind."""
    answer = ctypes.CDLL(str(library)).get_ffi_value
    answer.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_longlong)]
    answer.restype = ctypes.c_int
    value = ctypes.c_longlong(before)
    return answer(name.encode(), ctypes.byref(value)), value.value


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(
        GENERATED / "socket-ffi-values.c", tmp_path_factory.mktemp("values")
    )


@pytest.fixture(scope="module")
def builder() -> Any:
    spec = importlib.util.spec_from_file_location("build_sockets", GENERATED / "build_sockets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def program(builder: Any, library: Path) -> dict[str, Any]:
    """The program, run as the build runs it."""
    found: dict[str, Any] = builder.load_program(str(library.parent))
    return found


@pytest.fixture(scope="module")
def wrapper(builder: Any, program: dict[str, Any], library: Path) -> str:
    """The C text that cffi writes around the stubs."""
    path = library.parent / "_stub.c"
    builder.write_wrapper(program, path)
    return path.read_text()


@pytest.fixture(scope="module")
def stub() -> str:
    return (GENERATED / "sockets-stub.c").read_text(encoding="utf-8")


# The library of values.

def test_the_seed_has_fifty_two_names() -> None:
    assert len(set(ALL_NAMES)) == len(ALL_NAMES) == 52


# departure 8
@pytest.mark.parametrize("name", KNOWN)
def test_the_library_knows_a_name_and_its_value(library: Path, name: str) -> None:
    assert ask(library, name, before=4242) == (1, KNOWN[name])


@pytest.mark.parametrize("name", OF_THE_HEADERS)
def test_the_library_knows_what_the_preprocessor_says(library: Path, name: str) -> None:
    text = subprocess.run(
        [compiler(), "-E", "-P", "-xc", "-"], check=True, capture_output=True, text=True,
        input=f"#include <sys/socket.h>\n{OF_THE_HEADERS[name]}\n", timeout=50,
    ).stdout
    assert ask(library, name) == (1, int(text.split()[-1], 0))
    assert sockets.socket_maximum_connections() == int(text.split()[-1], 0)


# departure 8
@pytest.mark.parametrize("name", WINDOWS_ONLY)
def test_the_library_knows_a_name_of_windows_and_lacks_its_value(library: Path, name: str) -> None:
    assert ask(library, name)[0] == 2
    assert name not in FOREIGN_VALUES


# departure 8: there the answer was 0, which is a value
@pytest.mark.parametrize(
    "name", ["", "$", "%msg/dont-wai", "%msg/dont-waits", "%MSG/DONT-WAIT", "size-of(pointer",
             "$file-get-flag", "%ai/canonicalname", "-1", "ä"],
)
def test_the_library_says_that_it_does_not_know_a_name(library: Path, name: str) -> None:
    assert ask(library, name, before=4242) == (0, 4242)


# departure 8
def test_zero_and_minus_one_are_values(library: Path) -> None:
    for name, value in {
        "$ipproto-ip": 0, "%shutdown/read": 0, "$socket-error": -1, "invalid-socket": -1,
    }.items():
        assert ask(library, name, before=4242) == (1, value)
        assert FOREIGN_VALUES[name] == value


@pytest.mark.parametrize("name", [*KNOWN, *OF_THE_HEADERS])
def test_the_package_has_the_librarys_values(library: Path, name: str) -> None:
    assert FOREIGN_VALUES[name] == ask(library, name)[1]


def test_the_resolvers_codes_are_the_headers(library: Path) -> None:
    for name in ("again", "badflags", "fail", "family", "memory", "noname", "service", "socktype"):
        code = getattr(socket, f"EAI_{name.upper()}")
        assert ask(library, f"%eai/{name}") == (1, code)
        assert FOREIGN_VALUES[f"%eai/{name}"] == code


# The build.

def test_the_build_asks_for_every_name(program: dict[str, Any]) -> None:
    assert set(ALL_NAMES) <= set(program["FOREIGN_NAMES"])
    assert set(KNOWN) | set(OF_THE_HEADERS) <= set(program["FOREIGN_VALUES"])
    assert not set(WINDOWS_ONLY) & set(program["FOREIGN_VALUES"])


def test_the_build_writes_the_values_down(
    builder: Any, program: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "_values.py"
    builder.write_values(program, path)
    module: dict[str, Any] = {}
    exec(compile(path.read_text(), path, "exec"), module)
    assert module["FOREIGN_VALUES"] == program["FOREIGN_VALUES"] == FOREIGN_VALUES


def define(
    program: dict[str, Any], library: Path, monkeypatch: pytest.MonkeyPatch, names: list[Any]
) -> Any:
    monkeypatch.setattr(sys, "path", [*sys.path, str(library.parent)])
    return program["define_foreign_values"](LIBRARY, "get_ffi_value", names)


# departure 8
def test_a_name_that_the_library_does_not_know_stops_the_build(
    program: dict[str, Any], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert define(program, library, monkeypatch, ["af-unix"]) == {"af-unix": socket.AF_UNIX}
    assert define(program, library, monkeypatch, ["size-of/wsa-data"]) == {}
    with pytest.raises(LookupError, match=r"socket-ffi-values.*'%msg/dont-weight'"):
        define(program, library, monkeypatch, ["af-unix", "%msg/dont-weight"])


# departure 8
def test_a_value_commented_out_in_the_c_file_stops_the_build(
    builder: Any, tmp_path: Path
) -> None:
    text = (GENERATED / "socket-ffi-values.c").read_text(encoding="utf-8")
    line = 'VALUE("%msg/dont-wait", MSG_DONTWAIT),'
    assert text.count(line) == 1
    source = tmp_path / "changed.c"
    source.write_text(text.replace(line, f"/* {line} */"), encoding="utf-8")
    compile_library(source, tmp_path)
    with pytest.raises(LookupError, match="'%msg/dont-wait'"):
        builder.load_program(str(tmp_path))


def test_the_arguments_of_the_question_are_checked(
    program: dict[str, Any], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TypeError, match="b'af-unix'"):
        define(program, library, monkeypatch, [b"af-unix"])
    with pytest.raises(ValueError, match="twice"):
        define(program, library, monkeypatch, ["af-unix", "af-inet", "af-unix"])
    with pytest.raises(FileNotFoundError, match="no-such-library"):
        program["define_foreign_values"]("no-such-library.so", "get_ffi_value", [])


# What the build refuses of the stubs and of their wrappers.

def stub_function(stub: str, name: str) -> str:
    """The text of one stub, from its head to its closing brace."""
    found = re.search(rf"^\w+ {name}\(.*?^}}$", stub, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[0]


def of_this_platform(program: dict[str, Any], stub: str) -> dict[str, bool]:
    """The stubs that stand in the C file, and whether they keep the lock."""
    return {
        name: keeps for name, keeps in program["KEEPS_LOCK"].items() if f" {name}(" in stub
        and re.search(rf"^\w+ {name}\(", stub, re.MULTILINE)
    }


def test_the_stubs_as_they_are_pass(
    builder: Any, program: dict[str, Any], stub: str, wrapper: str
) -> None:
    builder.check_guards(stub, program["KEEPS_LOCK"])
    builder.check_wrappers(wrapper, program["KEEPS_LOCK"])
    here = of_this_platform(program, stub)
    assert {"accept_block", "connect_block", "recvfrom_block", "sendto_block"} <= set(here)
    assert {"listen_keep", "recvfrom_keep", "sendto_keep"} <= set(here)


def test_every_declaration_that_says_otherwise_than_its_stub_is_refused(
    builder: Any, program: dict[str, Any], stub: str
) -> None:
    for name, keeps in program["KEEPS_LOCK"].items():
        with pytest.raises(SystemExit, match=rf"sockets-stub\.c: {name} "):
            builder.check_guards(stub, {**program["KEEPS_LOCK"], name: not keeps})


def test_every_stub_that_loses_or_gains_a_guard_is_refused(
    builder: Any, program: dict[str, Any], stub: str
) -> None:
    for name, keeps in of_this_platform(program, stub).items():
        body = stub_function(stub, name)
        if keeps:
            changed = body.replace("{\n", "{\n    GUARD((void) 0);\n", 1)
            said = "has a GUARD"
        else:
            changed = body.replace("GUARD(", "(void) (")
            said = "lacks the GUARD"
        assert changed != body
        with pytest.raises(SystemExit, match=rf"{name} {said}"):
            builder.check_guards(stub.replace(body, changed), program["KEEPS_LOCK"])


def test_a_blocking_stub_that_is_not_there_is_refused(
    builder: Any, program: dict[str, Any], stub: str
) -> None:
    body = stub_function(stub, "accept_block")
    with pytest.raises(SystemExit, match="accept_block"):
        builder.check_guards(stub.replace(body, ""), program["KEEPS_LOCK"])


BEGIN, END = "  Py_BEGIN_ALLOW_THREADS\n", "  Py_END_ALLOW_THREADS\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (BEGIN, "  PyThreadState *state = PyEval_SaveThread();\n"),
        (BEGIN, ""),
        (BEGIN, BEGIN + BEGIN),
        (END, END + BEGIN + END),
        (END, ""),
        (END, "  PyEval_RestoreThread(state);\n"),
        (BEGIN, "  Py_BEGIN_ALLOW_THREADS;\n"),
        ("\n_cffi_f_listen_keep(", "\n_cffi_g_listen_keep("),
    ],
    ids=["saved", "no begin", "two begins", "two pairs", "no end", "restored", "semicolon", "name"],
)
@pytest.mark.parametrize("everywhere", [False, True])
def test_wrappers_of_another_form_are_refused(
    builder: Any, program: dict[str, Any], wrapper: str, old: str, new: str, everywhere: bool
) -> None:
    start = wrapper.index("\n_cffi_f_listen_keep(")
    changed = wrapper[:start] + wrapper[start:].replace(old, new, -1 if everywhere else 1)
    assert changed != wrapper
    with pytest.raises(SystemExit, match=r"cffi.*pyproject\.toml"):
        builder.check_wrappers(changed, program["KEEPS_LOCK"])


def test_a_wrapper_more_or_less_than_declared_is_refused(
    builder: Any, program: dict[str, Any], wrapper: str
) -> None:
    keeps = dict(program["KEEPS_LOCK"])
    with pytest.raises(SystemExit, match="cffi"):
        builder.check_wrappers(wrapper, {**keeps, "one_more": True})
    keeps.popitem()
    with pytest.raises(SystemExit, match="cffi"):
        builder.check_wrappers(wrapper, keeps)


@pytest.mark.parametrize("name", ["socket-ffi-values.c", "sockets-stub.c"])
@pytest.mark.parametrize("command", ["gcc", "clang"])
def test_a_c_file_compiles_without_a_warning(command: str, name: str, tmp_path: Path) -> None:
    if shutil.which(command) is None:
        pytest.skip(f"no {command}")
    run = subprocess.run(
        [command, *STRICT, "-fPIC", "-c", GENERATED / name, "-o", tmp_path / "out.o"],
        capture_output=True, text=True, timeout=50,
    )
    assert (run.returncode, run.stderr) == (0, "")


# The package, anywhere and without the library.

def run_python(
    *arguments: str, directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=directory, capture_output=True, text=True, timeout=50,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )


def copy_package(directory: Path, *left_out: str) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", *left_out)
    return Path(shutil.copytree(PACKAGE, directory / "elsewhere" / "sockets", ignore=ignored))


# departures 41, 42, 43, 48
def test_the_package_works_from_any_directory_and_without_the_values_library(
    tmp_path: Path,
) -> None:
    package = copy_package(tmp_path)
    assert not list(tmp_path.rglob("*socket-ffi-values*"))
    empty = tmp_path / "empty"
    empty.mkdir()
    program = """if True:
        import sys
        sys.path.insert(0, sys.argv[1])
        import sockets
        from sockets import *
        parts = SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO
        with create_socket(*parts) as one, create_socket(*parts) as other:
            for sock in (one, other):
                bind_socket(sock, string_to_internet_address("127.0.0.1:0"))
            set_socket_nonblocking(other, False)
            send_to_socket(one, b"hello", get_socket_name(other))
            data, sender = receive_from_socket(other, 100)
            assert sender == get_socket_name(one)
            print(data)
        print(sockets.__file__)
        try:
            with open("/proc/self/maps") as maps:
                print("socket-ffi-values" in maps.read())
        except FileNotFoundError:
            print(False)
    """
    run = run_python("-I", "-c", program, str(package.parent), directory=empty)
    said = f"b'hello'\n{package / '__init__.py'}\nFalse\n"
    assert (run.returncode, run.stdout, run.stderr) == (0, said, "")


@pytest.mark.parametrize(
    ("left_out", "named"),
    [(("_stub*.so", "_stub*.pyd"), "_stub"), (("_values.py",), "_values"),
     (("_stub*.so", "_stub*.pyd", "_values.py"), "_stub")],
)
def test_the_package_without_its_compiled_parts_says_so_in_one_line(
    left_out: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    package = copy_package(tmp_path, *left_out)
    program = "import sys; sys.path.insert(0, sys.argv[1]); import sockets"
    run = run_python("-I", "-c", program, str(package.parent), directory=tmp_path)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert re.match(rf"ImportError: sockets: sockets\.{named} is missing; .*`make build`", last)
    assert len(re.findall(r"^\w*Error", run.stderr, re.MULTILINE)) == 1  # nothing led to it
    assert run.stdout == ""


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = """if True:
        import sys
        sys.path[:0] = sys.argv[1:]
        import sockets
        heavy = "typing dataclasses socket ctypes cffi re enum inspect collections functools"
        print([name for name in heavy.split() if name in sys.modules])
        print(sockets.SocketType.STREAM)
    """
    backend = importlib.util.find_spec("_cffi_backend")
    places = [PACKAGE.parent]
    if backend is not None and backend.has_location:  # PyPy has it built in
        places.append(Path(str(backend.origin)).parent)
    run = run_python("-I", "-S", "-c", program, *map(str, places))
    assert (run.stdout, run.stderr) == ("[]\nSocketType.STREAM\n", "")
