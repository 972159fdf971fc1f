"""get_address_info: names, numbers and services, through the system's resolver.

No test asks the network: nodes are numeric, or `localhost`, which /etc/hosts knows.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers import needs_posix, run_python, windows_differs, wine_lacks
from hypothesis import given, settings
from hypothesis import strategies as st

from sockets import (
    AddressInfo,
    AddressInfoOption,
    InternetAddress,
    SocketCondition,
    SocketDomain,
    SocketProtocol,
    SocketType,
    foreign_to_internet_address,
    get_address_info,
    lookup_domain,
    register_socket_domain,
)

LOOPBACK = 0x7F000001
STREAM = (SocketDomain.INTERNET, SocketType.STREAM, None)
NUMERIC = AddressInfoOption.NUMERIC_HOST
Arguments = tuple[Any, ...]


def need(service: object) -> None:
    """Skip where the machine knows no names of services; Debian has them in netbase."""
    if isinstance(service, str) and not service.isdecimal():
        try:
            socket.getservbyname(service)
        except OSError:
            pytest.skip("the machine has no list of services")


def address_of(*arguments: Any) -> object:
    """The address of the one result that the arguments have."""
    [info], _ = get_address_info(*arguments)
    return info.address


def port_of(service: Any) -> object:
    address = address_of("127.0.0.1", service, *STREAM)
    assert isinstance(address, InternetAddress)
    assert address.ip == LOOPBACK
    return address.port


def as_python_says(
    node: str | None, service: int | str | None, domain: int, type: int, protocol: int, flags: int
) -> list[tuple[int, int, str]]:
    """Type, protocol and address of Python's own results, in order."""
    return [
        (kind, number, ("{}:{}" if family == socket.AF_INET else "[{}]:{}").format(*address))
        for family, kind, number, _, address in socket.getaddrinfo(
            node, service, domain, type, protocol, flags)
    ]


def as_we_say(*arguments: Any) -> list[tuple[int, int, str]]:
    infos, _ = get_address_info(*arguments)
    return [(info.type.value, info.protocol.value, str(info.address)) for info in infos]


def run_program(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50,
        env={**os.environ, **environment},
    )


# Results.

@windows_differs("hints")
def test_localhost_is_the_loopback_interface() -> None:
    infos, name = get_address_info("localhost", 80, *STREAM)
    assert infos
    assert name is None
    for info in infos:
        assert isinstance(info, AddressInfo)
        assert info.domain is SocketDomain.INTERNET
        assert info.type == SocketType.STREAM
        assert info.protocol == SocketProtocol(socket.IPPROTO_TCP)
        assert info.address == InternetAddress(LOOPBACK, 80)


@pytest.mark.parametrize("node", ["127.0.0.1", "192.0.2.255", "0.0.0.0", "255.255.255.255"])
def test_a_numeric_host_is_itself(node: str) -> None:
    for flags in ((), (NUMERIC,)):
        assert str(address_of(node, 8080, *STREAM, *flags)) == f"{node}:8080"


@pytest.mark.parametrize(
    ("node", "service", "type"),
    [
        ("localhost", 80, None), ("localhost", "http", None), ("127.0.0.1", 0, None),
        ("127.0.0.1", None, None), (None, 7, None), ("localhost", 53, SocketType.DATAGRAM),
        ("127.0.0.1", "domain", None), ("127.0.0.1", None, SocketType.RAW),
    ],
)
def test_the_results_and_their_order_are_pythons(
    node: str | None, service: int | str | None, type: SocketType | None
) -> None:
    need(service)
    number = type.value if type else 0
    theirs = as_python_says(node, service, 0, number, 0, 0)
    assert theirs
    assert as_we_say(node, service, None, type) == theirs
    assert as_we_say(node, service, SocketDomain.INTERNET, type) == as_python_says(
        node, service, socket.AF_INET, number, 0, 0)


@windows_differs("hints")
def test_hints_narrow_the_results() -> None:
    everything, _ = get_address_info("127.0.0.1", 53)
    assert {info.type for info in everything} >= {SocketType.STREAM, SocketType.DATAGRAM}
    for kind in (SocketType.STREAM, SocketType.DATAGRAM):
        narrow, _ = get_address_info("127.0.0.1", 53, None, kind)
        assert narrow == [info for info in everything if info.type == kind]
    udp = SocketProtocol(socket.IPPROTO_UDP)
    narrow, _ = get_address_info("127.0.0.1", 53, None, None, udp)
    assert [info.type for info in narrow if info.type != SocketType.RAW] == [SocketType.DATAGRAM]
    assert {info.protocol for info in narrow} == {udp}


def test_hints_may_be_named() -> None:
    infos, _ = get_address_info("127.0.0.1", 53, type=SocketType.DATAGRAM)
    assert [info.type for info in infos] == [SocketType.DATAGRAM]


# departure 25
def test_no_node_is_this_host() -> None:
    assert address_of(None, 80, *STREAM) == InternetAddress(LOOPBACK, 80)
    assert address_of(None, 80, *STREAM, AddressInfoOption.PASSIVE) == InternetAddress(0, 80)


# departure 25
def test_neither_node_nor_service_is_refused() -> None:
    with pytest.raises(ValueError, match=r"get_address_info: node and service"):
        get_address_info(None, None)


def test_no_service_is_port_zero() -> None:
    assert port_of(None) == 0


def test_the_canonical_name_comes_when_it_is_asked_for() -> None:
    canonical = AddressInfoOption.CANONICAL_NAME
    theirs = socket.getaddrinfo(
        "localhost", 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)
    infos, name = get_address_info("localhost", 80, *STREAM, canonical)
    assert infos
    assert name == theirs[0][3] != ""
    assert get_address_info("127.0.0.1", 80, *STREAM, canonical, NUMERIC)[1] == "127.0.0.1"
    assert get_address_info("localhost", 80, *STREAM)[1] is None


# departure 26
@pytest.mark.parametrize(
    ("service", "port"),
    [(0, 0), (80, 80), (65535, 65535), ("0", 0), ("80", 80), ("65535", 65535),
     ("http", 80), ("domain", 53), ("telnet", 23)],
)
def test_a_service_is_a_port_or_its_decimal_text_or_a_name(
    service: int | str, port: int
) -> None:
    need(service)
    assert port_of(service) == port


@settings(deadline=None)
@given(st.integers(0, 65535))
def test_every_port_comes_back(port: int) -> None:
    assert port_of(port) == port_of(str(port)) == port


# departure 26: the resolver itself would take most of these, and cut them to 16 bits
@pytest.mark.parametrize(
    "service",
    ["65536", "99999999", "4294967376", " 80", "80 ", "+80", "-1", "80.5", "80.0", "8_0",
     "\uff18\uff10", "٨٠", "²", "", " ", "80\0", "\0", "8 0", "1,2", "#", "http\0", "héllo",
     -1, 65536, 2**31, 2**64],
    ids=ascii,
)
def test_what_only_looks_like_a_port_is_refused(service: int | str) -> None:
    with pytest.raises(ValueError) as refusal:
        get_address_info("127.0.0.1", service, *STREAM)
    assert "get_address_info: service" in str(refusal.value)
    shown = service
    if isinstance(service, str) and service.isascii() and service.isdigit():
        shown = int(service)
    assert repr(shown) in str(refusal.value)


# departure 26
@pytest.mark.parametrize("service", [80.0, True, False, b"80", ["80"], SocketProtocol(80)])
def test_what_is_no_service_at_all_is_refused(service: Any) -> None:
    with pytest.raises(TypeError) as refusal:
        get_address_info("127.0.0.1", service, *STREAM)
    assert "get_address_info: service" in str(refusal.value)
    assert repr(service) in str(refusal.value)


@settings(deadline=None)
@given(st.text("0123456789 +-._x\t\n\0٣\uff18", max_size=8))
def test_a_text_of_digits_and_signs_is_its_number_or_refused(text: str) -> None:
    try:
        port = port_of(text)
    except ValueError:
        assert not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65536)
    except SocketCondition as condition:  # a letter makes it a name, and there is none such
        assert "x" in text
        assert condition.type == socket.EAI_SERVICE
    else:
        assert text.isascii()
        assert text.isdigit()
        assert port == int(text)


# departure 23
@pytest.mark.parametrize(
    ("arguments", "argument", "shown"),
    [
        ((b"127.0.0.1", 80), "node", "b'127.0.0.1' (bytes)"),
        ((LOOPBACK, 80), "node", f"{LOOPBACK} (int)"),
        ((InternetAddress(LOOPBACK, 80), 80), "node", "(InternetAddress)"),
        (("127.0.0.1", 80, SocketType.STREAM), "domain", "SocketType.STREAM"),
        (("127.0.0.1", 80, 2), "domain", "2 (int)"),
        (("127.0.0.1", 80, None, SocketDomain.INTERNET), "type", "SocketDomain.INTERNET"),
        (("127.0.0.1", 80, None, SocketProtocol.AUTO), "type", "SocketProtocol.AUTO"),
        (("127.0.0.1", 80, None, None, SocketType.STREAM), "protocol", "SocketType.STREAM"),
        (("127.0.0.1", 80, None, None, 0), "protocol", "0 (int)"),
        (("127.0.0.1", 80, None, None, None, 4), "flag", "4 (int)"),
        (("127.0.0.1", 80, None, None, None, NUMERIC, SocketType.STREAM), "flag",
         "SocketType.STREAM"),
        (("127.0.0.1", 80, None, None, None, None), "flag", "None"),
    ],
)
def test_wrong_arguments_are_named(arguments: Arguments, argument: str, shown: str) -> None:
    with pytest.raises(TypeError) as refusal:
        get_address_info(*arguments)
    assert f"get_address_info: {argument} " in str(refusal.value)
    assert shown in str(refusal.value)


@pytest.mark.parametrize("node", ["local\0host", "\0", "a" * 64 + ".ä", "\ud800"], ids=ascii)
def test_a_node_that_cannot_be_a_name_is_refused_and_quoted(node: str) -> None:
    with pytest.raises(ValueError) as refusal:
        get_address_info(node, 80)
    assert "get_address_info: node" in str(refusal.value)
    assert repr(node) in str(refusal.value)


# Domains.

def test_a_result_has_the_registered_domain_itself() -> None:
    infos, _ = get_address_info("127.0.0.1", 80)
    for info in infos:
        assert info.domain is lookup_domain(socket.AF_INET) is SocketDomain.INTERNET


def test_the_ready_made_domains_are_registered_and_no_others() -> None:
    assert lookup_domain(socket.AF_INET) is SocketDomain.INTERNET
    assert lookup_domain(socket.AF_UNIX) in (SocketDomain.UNIX, SocketDomain.LOCAL)
    assert lookup_domain(socket.AF_INET6) is SocketDomain.INTERNET_V6
    assert lookup_domain(4242) is None


def test_a_domain_replaces_the_one_of_its_number() -> None:
    mine = SocketDomain(socket.AF_INET, lambda packed: InternetAddress(0, 1), 16)
    register_socket_domain(mine)
    try:
        assert lookup_domain(socket.AF_INET) is mine
        infos, _ = get_address_info("127.0.0.1", 80, *STREAM)
        assert infos[0].domain is mine
        assert infos[0].address == InternetAddress(0, 1)
    finally:
        register_socket_domain(SocketDomain.INTERNET)
    assert address_of("127.0.0.1", 80, *STREAM) == InternetAddress(LOOPBACK, 80)


# departure 27
def test_a_domain_that_nobody_registered_is_left_out_and_a_registered_one_is_there() -> None:
    program = """if True:
        import socket, struct
        from sockets import *
        from sockets._sockets import socket_domain_db

        del socket_domain_db[socket.AF_INET6]

        class Internet6Address(SocketAddress):
            __slots__ = ("host", "port")

            def __init__(self, host, port):
                super().__init__(host, port)

        def extract(packed):
            port, host = struct.unpack_from("!2xH4x16s", packed)
            return Internet6Address(socket.inet_ntop(socket.AF_INET6, host), port)

        domain = SocketDomain(socket.AF_INET6, extract, 28)
        STREAM = None, SocketType.STREAM, None
        CANONICAL = AddressInfoOption.CANONICAL_NAME
        print(get_address_info("::1", 80, *STREAM))
        print(get_address_info("::1", 80, *STREAM, CANONICAL))
        print(get_address_info("::1", 80, domain))
        register_socket_domain(domain)
        print(lookup_domain(socket.AF_INET6) is domain)
        [info], name = get_address_info("::1", 80, *STREAM)
        print(info.domain is domain, info.address, name)
        ours = [
            (info.domain.value, str(info.address)) for info in get_address_info(None, 7)[0]
        ]
        theirs = [
            (family, str(Internet6Address(*address[:2]) if family == socket.AF_INET6
                         else InternetAddress(0x7F000001, address[1])))
            for family, _, _, _, address in socket.getaddrinfo(None, 7)
        ]
        print(ours == theirs, len({family for family, _ in ours}))
    """
    run = run_program(program)
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        "([], None)", "([], '::1')", "([], None)", "True",
        "True Internet6Address('::1', 80) None", "True 2",
    ]


# What the resolver reports.

# departures 23, 24
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("EAI_NONAME", ("nosuch.invalid", 80, None, None, None, NUMERIC)),
        ("EAI_NONAME", ("127.0.0.1.5", "80", None, None, None, NUMERIC)),
        ("EAI_NONAME", ("127.0.0.256", None, None, None, None, NUMERIC)),
        ("EAI_SERVICE", ("127.0.0.1", "no-such-service", *STREAM)),
        ("EAI_SERVICE", ("127.0.0.1", "0x50", *STREAM)),
        pytest.param(
            "EAI_BADFLAGS", ("127.0.0.1", 80, None, None, None, AddressInfoOption(1 << 29)),
            marks=wine_lacks("flags"),
        ),
        ("EAI_FAMILY",
         ("127.0.0.1", 80, SocketDomain(4242, foreign_to_internet_address, 16), None, None)),
        ("EAI_SOCKTYPE", ("127.0.0.1", 80, None, SocketType(4242), None)),
    ],
)
def test_what_the_resolver_reports_is_named_and_says_what_was_asked(
    name: str, arguments: Arguments
) -> None:
    code = getattr(socket, name)
    with pytest.raises(SocketCondition) as raised:
        get_address_info(*arguments)
    condition = raised.value
    assert type(condition).__bases__ == (SocketCondition, socket.gaierror)
    assert condition.who == "get_address_info"
    assert condition.syscall == "getaddrinfo"
    assert condition.type == code
    with pytest.raises(socket.gaierror) as theirs:
        socket.getaddrinfo(
            arguments[0], arguments[1],
            *(hint.value if hint else 0 for hint in arguments[2:]),
        )
    assert condition.type == theirs.value.args[0]
    if sys.platform != "win32":  # where Python has one text for all of them
        assert condition.message == theirs.value.args[1]
    for part in ("get_address_info", "getaddrinfo", name, condition.message):
        assert part in str(condition)
    for asked in arguments[:2]:
        assert repr(asked) in str(condition)


PRELOADED = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

/* A resolver that the system fails once for each error in RESOLVER_ERRORS, and then no more.
   With RESOLVER_TELLS and RESOLVER_WAITS it writes to the one and answers when it can read
   from the other. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    static const char *rest;
    static int begun;
    char *end;

    (void) node; (void) service; (void) hints;
    if (getenv("RESOLVER_WAITS")) {
        char one;

        if (write(atoi(getenv("RESOLVER_TELLS")), "x", 1) != 1
            || read(atoi(getenv("RESOLVER_WAITS")), &one, 1) != 1)
            abort();
    }
    if (!begun) {
        begun = 1;
        rest = getenv("RESOLVER_ERRORS");
    }
    errno = (int) strtol(rest, &end, 10);
    if (end == rest)
        return EAI_FAIL;
    rest = end;
    *result = NULL;
    return EAI_SYSTEM;
}
"""


@pytest.fixture(scope="module")
def failing_resolver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that stands in for the resolver, and fails as it is told."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        pytest.skip("needs gcc and LD_PRELOAD")
    directory = tmp_path_factory.mktemp("resolver")
    (directory / "resolver.c").write_text(PRELOADED)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", directory / "resolver.so", directory / "resolver.c"],
        check=True, timeout=50,
    )
    return directory / "resolver.so"


ASK_AND_TELL = """if True:
    from sockets import *
    try:
        get_address_info("example.org", "http")
    except SocketCondition as condition:
        print(condition.who, condition.syscall, condition.type, condition.message, sep="|")
        print(condition)
"""


# departure 24
def test_an_error_of_the_system_in_the_resolver_is_its_errno(failing_resolver: Path) -> None:
    run = run_program(
        ASK_AND_TELL, LD_PRELOAD=str(failing_resolver), RESOLVER_ERRORS=str(errno.EMFILE))
    assert run.stderr == ""
    message = os.strerror(errno.EMFILE)
    assert run.stdout.splitlines() == [
        f"get_address_info|getaddrinfo|{errno.EMFILE}|{message}",
        f"get_address_info: getaddrinfo: EMFILE ({message}): "
        "node 'example.org', service 'http'",
    ]


# departure 21
def test_a_resolver_that_a_signal_interrupts_is_asked_again(failing_resolver: Path) -> None:
    run = run_program(
        ASK_AND_TELL, LD_PRELOAD=str(failing_resolver),
        RESOLVER_ERRORS=f"{errno.EINTR} {errno.EINTR} {errno.EINTR}",
    )
    assert run.stderr == ""
    assert "EAI_FAIL" in run.stdout


# departure 28
def test_other_threads_run_while_a_name_is_resolved(failing_resolver: Path) -> None:
    program = """if True:
        import os, threading
        from sockets import *

        told, teller = os.pipe()
        waited_for, answerer = os.pipe()
        os.environ["RESOLVER_TELLS"], os.environ["RESOLVER_WAITS"] = str(teller), str(waited_for)

        def answer():  # it is waited for, and cannot run if the lock is kept
            os.write(answerer, os.read(told, 1))

        threading.Thread(target=answer, daemon=True).start()
        try:
            get_address_info("example.org", "http")
        except SocketCondition as condition:
            print(condition)
    """
    run = run_program(program, LD_PRELOAD=str(failing_resolver), RESOLVER_ERRORS="0 0")
    assert run.stderr == ""
    assert "getaddrinfo" in run.stdout


# Memory.

# departure 11
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
@pytest.mark.parametrize("extractor", ["raises", "returns"])
def test_the_results_are_freed_whatever_happens(extractor: str) -> None:
    # A list takes more than 250 bytes, so that 5,000 of them would be well over a megabyte.
    program = """if True:
        import os, socket, sys
        from sockets import *

        def extract(packed):
            if sys.argv[1:] == ["raises"]:
                raise ZeroDivisionError
            return InternetAddress(1, 2)

        register_socket_domain(SocketDomain(socket.AF_INET, extract, 16))

        def resolve(times):
            for _ in range(times):
                try:
                    get_address_info("127.0.0.1", 80, None, None, None, CANONICAL, NUMERIC)
                except ZeroDivisionError:
                    pass

        def resident():
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        CANONICAL, NUMERIC = AddressInfoOption.CANONICAL_NAME, AddressInfoOption.NUMERIC_HOST

        def growth():
            before = resident()
            resolve(5000)
            return resident() - before

        resolve(1000)
        print(min(growth() for _ in range(4)))  # what compiles while it runs has compiled
    """
    run = subprocess.run(
        [sys.executable, "-c", program, extractor], capture_output=True, text=True, timeout=50
    )
    assert run.stderr == ""
    assert int(run.stdout) < 700_000


def test_an_extractor_that_returns_no_address_is_told_so() -> None:
    known = lookup_domain(SocketDomain.INTERNET.value)
    assert known is not None
    wrong: Any = lambda packed: "127.0.0.1"  # noqa: E731
    register_socket_domain(SocketDomain(SocketDomain.INTERNET.value, wrong, 16))
    try:
        with pytest.raises(TypeError, match="get_address_info: address must be a SocketAddress"):
            get_address_info("127.0.0.1", 80, None, None, None, NUMERIC)
    finally:
        register_socket_domain(known)


WITHOUT_DESCRIPTORS = """if True:
    import os, resource
    from sockets import *

    ask = lambda: ({question})
    try:
        ask()  # reads what Python or the C library reads once
    except (SocketCondition, ValueError):
        pass
    close_protocol_database()
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    try:
        answer = repr(ask())
    except Exception as error:
        answer = str(error)
    while taken:
        os.close(taken.pop())
    print(answer)
"""


@needs_posix
@pytest.mark.parametrize("question", [
    "string_to_internet6_address('fe80::1%lo')", "string_to_internet6_address('fe80::1%nobody')",
    "get_protocol_by_name('tcp')", "get_protocol_by_name('no such protocol')",
    "get_protocol_by_constant(SocketProtocol(6))", "next_protocol_entry()",
    "get_address_info('localhost', 80)", "get_address_info('127.0.0.1', 'http')",
    "get_address_info('nobody.invalid', None)", "get_address_info(node='localhost', service=80)",
])
def test_that_nothing_could_be_asked_is_not_told_as_if_there_were_nothing(question: str) -> None:
    answer = run_python(WITHOUT_DESCRIPTORS.format(question=question))
    assert "EMFILE (Too many open files)" in answer


@needs_posix
@pytest.mark.parametrize(("question", "expected"), [
    ("get_address_info('127.0.0.1', 80)[0][0].address", "InternetAddress('127.0.0.1', 80)"),
    ("get_address_info('no address', 80, None, None, None, AddressInfoOption.NUMERIC_HOST)",
     "EAI_NONAME"),
    ("string_to_internet6_address('fe80::1%3')", "3)"),
])
def test_what_needs_no_descriptor_is_answered_without(question: str, expected: str) -> None:
    assert expected in run_python(WITHOUT_DESCRIPTORS.format(question=question))
