"""What the public names say of themselves: to `help`, to editors, and is it so?"""

from __future__ import annotations

import ast
import inspect
import os
import pydoc
import re
import socket as native
import subprocess
import sys
import typing
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from helpers import wine_lacks

import sockets
from sockets import (
    Internet6Address,
    InternetAddress,
    SocketConstant,
    SocketDomain,
    SocketOption,
    SocketProtocol,
    SocketType,
    _sockets,
    create_socket,
    get_socket_option,
)

CLASSES = {name: kind for name in sockets.__all__
           if inspect.isclass(kind := getattr(sockets, name))}
PROCEDURES = {name: procedure for name in sockets.__all__
              if callable(procedure := getattr(sockets, name)) and name not in CLASSES}
PREDICATES = [name for name in sockets.__all__ if name.startswith("HAS_")]


def texts_below(body: list[ast.stmt]) -> dict[str, str | None]:
    """The names that a body declares or binds, and the text below each, as editors see it."""
    found: dict[str, str | None] = {}
    for at, statement in enumerate(body):
        target = (statement.target if isinstance(statement, ast.AnnAssign)
                  else statement.targets[0] if isinstance(statement, ast.Assign) else None)
        if isinstance(target, ast.Name):
            below = body[at + 1] if at + 1 < len(body) else None
            text = (below.value.value if isinstance(below, ast.Expr)
                    and isinstance(below.value, ast.Constant) else None)
            found[target.id] = inspect.cleandoc(text) if isinstance(text, str) else None
    return found


PROGRAM = ast.parse(inspect.getsource(_sockets))
AT_LEAST = {"SocketOption.LINGER", "SocketType.STREAM", "IpOption.ADD_MEMBERSHIP"}
DECLARED = {
    f"{kind.name}.{name}": text
    for kind in PROGRAM.body if isinstance(kind, ast.ClassDef)
    for name, text in texts_below(kind.body).items() if name.isupper()
}
EXISTING = {
    f"{kind.__name__}.{name}": constant
    for kind in CLASSES.values() for name, constant in vars(kind).items() if name.isupper()
}
OPTION_KINDS = {name for name, kind in CLASSES.items() if issubclass(kind, SocketOption)}
OPTIONS = {name: option for name, option in EXISTING.items() if isinstance(option, SocketOption)}


def kind_of(name: str) -> str:
    return name.partition(".")[0]


def said(name: str) -> str:
    text = DECLARED[name]
    assert text is not None
    return text


def value_of(name: str) -> str:
    """What is said of an option's value; of one "as" another, what is said of that."""
    [value] = re.findall(r"Value: (.*?)\.(?: (?:Set only\. )?Platforms: |$)",
                         " ".join(said(name).split()))
    same = re.search(r" as for (\w+)$", value)
    return value_of(f"{kind_of(name)}.{same[1]}") if same else value


def platforms_of(name: str) -> str:
    [platforms] = re.findall(r"Platforms: (.*)\.$", " ".join(said(name).split()))
    same = re.fullmatch(r"as (\w+)", platforms)
    return platforms_of(f"{kind_of(name)}.{same[1]}") if same else platforms


# The form.

def test_every_constant_and_option_is_declared_with_a_text_below_its_name() -> None:
    assert set(DECLARED) >= set(EXISTING) >= AT_LEAST
    assert [name for name, text in DECLARED.items() if not text] == []


@pytest.mark.parametrize("name", DECLARED)
def test_the_first_line_says_the_name_in_c_the_manual_page_and_what_it_means(name: str) -> None:
    first, _, rest = said(name).partition("\n")
    assert re.fullmatch(r"([A-Z][A-Z0-9]*_[A-Z0-9_]+|0), \w+\([2357]\): [a-z0-9A-Z].*\.", first)
    assert rest.startswith("\n")
    assert "Platforms: " in rest


@pytest.mark.parametrize("name", [name for name in DECLARED if kind_of(name) in OPTION_KINDS])
def test_an_option_says_what_its_value_is(name: str) -> None:
    kinds = "a bool|an int|a float or an int|a str|a tuple|an? [A-Z][a-z]+|the InternetAddress"
    assert re.match(kinds, value_of(name))


PAGES = {
    "SocketOption": "socket(7)", "TcpOption": "tcp(7)", "UdpOption": "udp(7)", "IpOption": "ip(7)",
    "Internet6Option": "ipv6(7)", "AddressInfoOption": "getaddrinfo(3)",
    "MtuDiscovery": "ip(7)", "NameInfoOption": "getnameinfo(3)", "ResolverCode": "getaddrinfo(3)",
    "ShutdownMethod": "shutdown(2)", "SendToOption": "sendto(2)",
    "ReceiveFromOption": "recvfrom(2)",
}


@pytest.mark.parametrize("name", [name for name in DECLARED if kind_of(name) in PAGES])
def test_the_manual_page_is_that_of_its_class(name: str) -> None:
    assert said(name).split(": ")[0].endswith(PAGES[kind_of(name)])


# Is it so?

# On Linux.
UNKNOWN_TO_PYTHON = {
    "UDP_GRO": 104, "SO_BUSY_POLL": 46, "SO_BINDTODEVICE": 25, "TCP_CORK": 3, "TCP_QUICKACK": 12,
    "TCP_FASTOPEN_CONNECT": 30, "TCP_USER_TIMEOUT": 18, "TCP_DEFER_ACCEPT": 9, "TCP_FASTOPEN": 23,
    "TCP_CONGESTION": 13, "TCP_INFO": 11, "IP_MTU_DISCOVER": 10, "IP_MTU": 14,
    "IP_TRANSPARENT": 19, "IP_MULTICAST_ALL": 49, "IPV6_MTU_DISCOVER": 23, "IPV6_MTU": 24,
    "IPV6_TRANSPARENT": 75, "IPV6_MULTICAST_ALL": 29, "IPV6_DONTFRAG": 62, "SO_PEERCRED": 17,
    "MCAST_JOIN_GROUP": 42, "MCAST_LEAVE_GROUP": 45, "MCAST_JOIN_SOURCE_GROUP": 46,
    "MCAST_LEAVE_SOURCE_GROUP": 47, "IP_PMTUDISC_DONT": 0, "IP_PMTUDISC_WANT": 1,
    "IP_PMTUDISC_DO": 2, "IP_PMTUDISC_PROBE": 3, "SO_PRIORITY": 12, "SO_MARK": 36,
    "SO_TIMESTAMPNS": 35, "IP_PKTINFO": 8, "IP_RECVTTL": 12, "IP_RECVTOS": 13,
    "IP_RECVERR": 11, "IPV6_RECVERR": 25, "IPV6_RECVTCLASS": 66,
}


@pytest.mark.parametrize("name", EXISTING)
def test_the_name_in_c_has_the_number(name: str) -> None:
    in_c = said(name).split(",")[0]
    constant = EXISTING[name]
    number = (constant.id if isinstance(constant, SocketOption)
              else constant if isinstance(constant, int) else constant.value)
    if in_c == "0":
        assert number == 0
        return
    renamed = {"AF_LOCAL": "AF_UNIX"}
    expected = getattr(native, renamed.get(in_c, in_c), None)
    if expected is None and sys.platform == "linux":
        expected = UNKNOWN_TO_PYTHON[in_c]
    if expected is None or (sys.platform == "win32" and in_c == "EAI_NODATA"):
        pytest.skip("Python does not know it, or compilers' headers do not agree on it")
    assert number == expected


def unless_wine_lacks(names: list[str]) -> list[Any]:
    return [
        pytest.param(name, marks=wine_lacks("keep-alive"))
        if re.search("KEEP_ALIVE_[CIT]", name) else name for name in names
    ]


@pytest.mark.parametrize("name", unless_wine_lacks(DECLARED))
def test_it_exists_where_it_is_said_to(name: str) -> None:
    platforms = platforms_of(name)
    here = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}.get(sys.platform, "BSD")
    if platforms.startswith("all"):
        expected = not platforms.startswith(f"all but {here}")
    else:
        expected = here in platforms
    assert (name in EXISTING) == expected
    predicate = re.search(r"\((HAS_\w+)\)", platforms)
    if predicate:
        assert getattr(sockets, predicate[1]) is (name in EXISTING)


def refusal(option: SocketOption, value: object) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        option.maker(value)
    return str(caught.value)


UNITS = "seconds|milliseconds|microseconds|bytes|hops|probes|connections"
NUMBERS = re.compile(rf"an int, from (-?\d+) to (\d+)(?: ({UNITS}))?(?:[,:;]|$)")


@pytest.mark.parametrize("name", [name for name in OPTIONS if value_of(name).startswith("an int,")
                                  and "read only" not in value_of(name)])
def test_a_number_has_the_bounds_and_the_unit_that_are_told(name: str) -> None:
    option, value = OPTIONS[name], NUMBERS.match(value_of(name))
    assert value is not None
    low, high, unit = int(value[1]), int(value[2]), value[3]
    for right in (low, high):
        assert option.converter(option.maker(right)) == right
    for wrong in (low - 1, high + 1):
        assert re.search(rf"from {low} to {high}\b.*{unit or ''}.* not {wrong}$",
                         refusal(option, wrong))
    assert unit or re.search(": (its index|the mark|the field|a queue)", value_of(name))
    for wrong_type in (float(high), str(high), True):
        refusal(option, wrong_type)


@pytest.mark.parametrize("name", [name for name in OPTIONS if value_of(name).startswith("a bool")])
def test_a_truth_value_is_what_is_told(name: str) -> None:
    option = OPTIONS[name]
    for value in (True, False):
        assert option.converter(option.maker(value)) is value
    for wrong in (1, 0, None, "yes"):
        refusal(option, wrong)


@pytest.mark.parametrize("name", [name for name in OPTIONS if "seconds, or None" in value_of(name)
                                  and "float" in value_of(name)])
def test_a_time_is_what_is_told(name: str) -> None:
    option = OPTIONS[name]
    [high] = map(int, re.findall(r"^a float or an int, more than 0 and at most (\d+) seconds, ",
                                 value_of(name)))
    for seconds in (0.25, 3, high):
        assert option.converter(option.maker(seconds)) == seconds
        assert isinstance(option.converter(option.maker(seconds)), float)
    assert option.converter(option.maker(None)) is None
    for wrong in (0, -1, high + 1, "1", True, Decimal(1)):
        refusal(option, wrong)


@pytest.mark.parametrize("name", OPTIONS)
def test_none_is_a_value_where_it_is_told(name: str) -> None:
    option, value = OPTIONS[name], value_of(name)
    if "read only" in value or "tuple" in value:  # which have tests of their own
        return
    if re.search(r"\bor None\b", value):
        option.maker(None)
    else:
        refusal(option, None)


@pytest.mark.parametrize("name", [name for name in OPTIONS if "read only" in value_of(name)])
def test_what_can_only_be_read_says_so(name: str) -> None:
    kind = re.match(r"an? ([A-Z]\w+|int)(, .*)?; read only$", value_of(name))
    assert kind is not None
    assert "can only be read" in refusal(OPTIONS[name], None)
    if kind[1] == "int":  # of a connected socket
        return
    with create_socket(SocketDomain.INTERNET, SocketType.STREAM, SocketProtocol.AUTO) as sock:
        value = get_socket_option(sock, OPTIONS[name])
    assert value is None if kind[2] else isinstance(value, CLASSES[kind[1]])


GROUP, GROUP6 = InternetAddress(0xEF010203, 99), Internet6Address(0xFF02 << 112 | 7, 99)
SOURCE, SOURCE6 = InternetAddress("192.0.2.1", None), Internet6Address("2001:db8::1", None)
MEMBERSHIPS: dict[str, tuple[list[Any], list[Any]]] = {
    "IpOption.GROUP": (
        [GROUP, (GROUP, 0), (GROUP, 2147483647), (InternetAddress(0xE0000000, None), 1)],
        [(InternetAddress(0xDFFFFFFF, None), 1), (GROUP, -1), (GROUP, 2147483648), (GROUP, SOURCE),
         (GROUP, None), (GROUP6, 1), (), (GROUP, 1, 1), "239.1.2.3"],
    ),
    "IpOption.SOURCE_GROUP": (
        [(GROUP, SOURCE), (GROUP, SOURCE, 2147483647)],
        [GROUP, (GROUP,), (GROUP, 1), (SOURCE, GROUP), (GROUP, SOURCE6), (GROUP, SOURCE, -1),
         (GROUP, SOURCE, 1, 1), (GROUP, SOURCE, None)],
    ),
    "Internet6Option.SOURCE_GROUP": (
        [(GROUP6, SOURCE6), (GROUP6, SOURCE6, 1)],
        [GROUP6, (GROUP6, 1), (SOURCE6, GROUP6), (GROUP6, SOURCE), (GROUP6, SOURCE6, -1),
         (Internet6Address(GROUP6.ip, None, scope=3), SOURCE6, 2)],
    ),
    "IpOption": (
        [(GROUP, None), (GROUP, InternetAddress(0x7F000001, None)),
         (InternetAddress(0xE0000000, None), None), (InternetAddress(0xEFFFFFFF, None), None)],
        [(InternetAddress(0xDFFFFFFF, None), None), (InternetAddress(0xF0000000, None), None),
         (GROUP, 0)],
    ),
    "Internet6Option": (
        [(GROUP6, 0), (GROUP6, 2147483647), (Internet6Address(0xFF << 120, None), 0)],
        [(GROUP6, -1), (GROUP6, 2147483648), (Internet6Address(0xFE << 120, None), 0),
         (GROUP6, None)],
    ),
}


@pytest.mark.parametrize("name", [name for name in OPTIONS if "tuple" in value_of(name)])
def test_a_membership_is_what_is_told(name: str) -> None:
    kind = re.sub(r"(JOIN|LEAVE|ADD|DROP)_", "", name)
    right, wrong = MEMBERSHIPS[kind if kind in MEMBERSHIPS else kind_of(name)]
    assert "Set only. Platforms:" in " ".join(said(name).split())
    for value in right:
        assert len(OPTIONS[name].maker(value)) == OPTIONS[name].size
    for value in wrong:
        refusal(OPTIONS[name], value)


# `help` and editors.

@pytest.mark.parametrize("name", [name for name in EXISTING if kind_of(name) != "ResolverCode"])
def test_help_shows_what_stands_below_the_name(name: str) -> None:
    constant, kind = EXISTING[name], CLASSES[kind_of(name)]
    text = said(repr(constant))  # of two equal ones, the first one's
    assert constant.__doc__ == inspect.getdoc(constant) == text
    lines = [line.strip() for line in text.splitlines()]
    for shown in (constant, kind):
        page = [line.strip(" |") for line in pydoc.render_doc(
            shown, renderer=pydoc.plaintext).splitlines()]
        assert any(page[at : at + len(lines)] == lines for at in range(len(page))), page


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_what_its_docstring_says(name: str) -> None:
    [tree] = [kind for kind in PROGRAM.body if isinstance(kind, ast.ClassDef) and kind.name == name]
    assert inspect.getdoc(CLASSES[name]) == ast.get_docstring(tree)


def test_a_record_without_a_name_says_what_its_class_says() -> None:
    for record in (InternetAddress(1, 2), SocketType(77), SocketOption(1, 4, bytes, bytes)):
        assert record.__doc__ == record.__class__.__doc__


def test_constants_of_other_programs_are_read_from_their_sources(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "told.py").write_text(
        "from sockets import SocketType\n"
        "class Kind(SocketType):\n"
        "    '''A kind.'''\n"
        "    __slots__ = ()\n"
        "    ONE: SocketType\n"
        "    '''The first\n\n    of all.'''\n"
        "    TWO: SocketType\n"
        "Kind.ONE, Kind.TWO = Kind(1), Kind(2)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import told  # type: ignore[import-not-found]

    assert told.Kind.ONE.__doc__ == "The first\n\nof all."
    assert told.Kind.TWO.__doc__ == told.Kind.__doc__ == "A kind."


def test_without_a_source_a_constant_says_what_its_class_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_source(module: object) -> str:
        raise OSError("source code not available")

    monkeypatch.setattr(_sockets, "texts", {})
    monkeypatch.setattr(inspect, "getsource", no_source)
    assert SocketType.RAW.__doc__ == SocketType.__doc__


# Predicates.

@pytest.mark.parametrize("name", unless_wine_lacks(PREDICATES))
def test_a_predicate_says_what_it_tells_and_where_it_is_true(name: str) -> None:
    text = texts_below(PROGRAM.body)[name]
    assert text is not None
    form = r"Whether .*\w\(\d\): .*\.\n\nValue: a bool, (True on|False on) (.*)\."
    told = re.fullmatch(form, text)
    assert told is not None
    value = getattr(sockets, name)
    here = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}.get(sys.platform, "BSD")
    assert type(value) is bool
    assert value is ((here in told[2]) == (told[1] == "True on"))


# Records and procedures.

@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_how_it_is_called_and_what_its_fields_are(name: str) -> None:
    kind, text = CLASSES[name], inspect.getdoc(CLASSES[name])
    assert text is not None
    assert text.splitlines()[0].endswith((".", ")"))
    if kind in (sockets.SocketAddress, sockets.ResolverCode, sockets.TcpInformation,
                sockets.AncillaryItem, sockets.ReceivedDescriptors):
        return  # which programs do not call
    parameters = [parameter for parameter in inspect.signature(kind).parameters
                  if parameter != "values"]
    shown = re.match(rf"{name}\(([^)]*)\)", text)
    assert shown is not None
    assert re.sub(r"=\w+", "", shown[1]).split(", ") == parameters
    like_its_base = kind.__mro__[1] in (SocketConstant, _sockets.LevelOption)
    assert like_its_base or all(f"`{parameter}" in text for parameter in parameters
                                if parameter != "value")


@pytest.mark.parametrize("name", PROCEDURES)
def test_a_procedure_says_what_it_takes_what_it_raises_and_whether_it_can_block(name: str) -> None:
    docstring = inspect.getdoc(PROCEDURES[name])
    assert docstring is not None
    assert re.fullmatch(r".+\.(\n\n(?s:.+)\.)?", docstring)
    text = " ".join(docstring.split())
    parameters = inspect.signature(PROCEDURES[name]).parameters
    for argument in parameters:
        if argument == "sock" or "raises what" in text.lower() or "arguments are those" in text:
            continue
        assert f"`{argument}`" in text or f"`*{argument}`" in text
    if "timeout" in parameters:
        assert "`timeout` seconds" in text or "`timeout` is a number of seconds" in text
    if parameters:
        assert re.search(r"\b[Rr]aises? |other arguments are those", text)
    if re.match(r"\w+\([23]\)", text) and not text.startswith("SOMAXCONN"):
        assert re.search(r"\b(can block|Can block|[Nn]ever blocks?|Does not block|Blocks)\b", text)
        if re.search(r"[Cc]an block|Blocks", text):
            assert "other threads run meanwhile" in text


def long_name(procedure: Callable[..., Any]) -> str:
    return f"{procedure.__module__}.{procedure.__name__}"


@pytest.mark.parametrize("name", PROCEDURES)
def test_a_procedure_keeps_its_signature_and_its_types(name: str) -> None:
    procedure = PROCEDURES[name]
    [tree] = [each for each in PROGRAM.body
              if isinstance(each, ast.FunctionDef) and each.name == name]
    arguments = tree.args
    signature = inspect.signature(procedure)
    names = [each.arg for each in (*arguments.args, *arguments.kwonlyargs)]
    if arguments.vararg:
        names.insert(len(arguments.args), arguments.vararg.arg)
    if arguments.kwarg:
        names.append(arguments.kwarg.arg)
    assert list(signature.parameters) == names
    hints = typing.get_type_hints(procedure)
    assert set(hints) == {*names, "return"}
    for each in (*arguments.args, *arguments.kwonlyargs):
        assert each.annotation is not None
        assert signature.parameters[each.arg].annotation == ast.unparse(each.annotation)
    defaults = [parameter.default for parameter in signature.parameters.values()
                if parameter.default is not parameter.empty]
    assert defaults == [ast.literal_eval(default) for default in
                        (*arguments.defaults, *arguments.kw_defaults) if default is not None]
    assert inspect.getdoc(procedure) == ast.get_docstring(tree)
    assert long_name(procedure) == f"sockets._sockets.{name}"
    assert tree.returns is not None
    page = " ".join(pydoc.render_doc(procedure, renderer=pydoc.plaintext).split())
    shown = page[page.index(f" {name}(") :].split(" -> ")
    assert shown[0].count("(") == shown[0].count(")") == 1 + shown[0].count("= ()")
    assert shown[1].startswith((repr(ast.unparse(tree.returns)), f'"{ast.unparse(tree.returns)}"'))


def test_every_procedure_and_class_shows_its_source() -> None:
    program = """if True:
        import ast, functools, inspect, sockets
        ast.parse = functools.cache(ast.parse)  # which inspect calls anew for each class
        for name in sockets.__all__:
            value = getattr(sockets, name)
            if callable(value) and value.__module__ == "sockets._sockets":
                print(name, inspect.getsource(value).startswith((f"def {name}(", f"class {name}")))
    """
    environment = {name: value for name, value in os.environ.items() if name != "SOCKETS_PLACES"}
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path = {sys.path!r}\n{program}"],
        env=environment, capture_output=True, text=True, timeout=50,
    )
    assert run.stderr == ""
    assert run.stdout.split("\n")[:-1] == [
        f"{name} True" for name in sockets.__all__
        if name in {**PROCEDURES, **CLASSES} and name != "SocketCondition"  # in no module but ours
    ]


@pytest.mark.parametrize("name", CLASSES)
def test_the_types_of_a_class_can_be_asked_for(name: str) -> None:
    kind = CLASSES[name]
    hints = typing.get_type_hints(kind)
    for declared in DECLARED:
        if kind_of(declared) == name:
            hint = hints[declared.partition(".")[2]]
            [told] = typing.get_args(hint)
            assert typing.get_origin(hint) is typing.ClassVar
            kinds = (told, typing.get_origin(told))  # the class, or with the value's type
            assert (int if name == "ResolverCode" else kind) in kinds
    for method in vars(kind).values():
        if inspect.isfunction(method) and method.__name__ != "__init_subclass__":
            assert "return" in typing.get_type_hints(method)
