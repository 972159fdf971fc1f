"""The reference: what a web's Python packages show, read out of their code."""

from __future__ import annotations

import subprocess

import pytest
from webs import SOCKETS, TANGLE, needs_sockets

from commonweb.expansion import tangle
from commonweb.names import absolute
from commonweb.reference import Entry, Package, as_text, packages
from commonweb.web import Web


def web_of(**files: str) -> str:
    """A web of a section for each file of a package `p`; its names have no suffix."""
    return "".join(
        f"## {number}. x\n```python\n# ⟨p/{name}.py⟩≡\n{code}```\n"
        for number, (name, code) in enumerate(files.items(), 1))


def read(text: str) -> list[Package]:
    web = Web(text.encode())
    contents = tangle(web)
    assert web.problems == []
    return packages(web, contents)


def only(text: str) -> Package:
    [package] = read(text)
    return package


def told(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [entry[:3] for entry in entries]


def test_public_names_are_found_through_imports_by_kind_and_in_order() -> None:
    package = only(web_of(
        __init__='"""All.\n\nOf it."""\nfrom .a import *\nfrom ._b.c import g as f, K\n'
                 'from p import _d as d\n__all__ = ["f", "K", "LIMIT", "z", "d"]\nLIMIT = 3\n'
                 '"""How much."""\n',
        a='def z(x): "Zed."\n',
        **{"_b/c": 'def g():\n    """Gee."""\nclass K: pass\n', "_d": "x = 1\n"},
    ))
    assert (package.name, package.text) == ("p", "All.\n\nOf it.")
    assert told(package.procedures) == [("f", "()", "Gee."), ("z", "(x)", "Zed.")]
    assert told([each.entry for each in package.classes]) == [("K", "", "")]
    assert told(package.constants) == [("d", "", ""), ("LIMIT", "", "How much.")]
    assert [entry.name for entry in package.entries()] == ["f", "z", "K", "d", "LIMIT"]


def test_of_an_overloaded_function_the_last_definition_counts() -> None:
    package = only(web_of(a=(
        '__all__ = ["f", "C"]\n@overload\ndef f(x: int) -> int: ...\n'
        '@overload\ndef f(x: str) -> str: ...\ndef f(x): "Eff."\n'
        'class C:\n    @typing.overload\n    def g(self, x: int) -> int: ...\n'
        '    def g(self, x): "Gee."\n')))
    assert told(package.procedures) == [("f", "(x)", "Eff.")]
    assert told(package.classes[0].methods) == [("C.g", "(x)", "Gee.")]


def test_parameters_are_shown_as_they_are_written() -> None:
    parameters = "(a, b: int, /, c=1, *d: str, e, f: 'int' = 2 ** 3, **g: K[x])"
    package = only(web_of(a=f"__all__ = ('f', 'g')\ndef f{parameters} -> int | None: ...\n"
                            "async def g(*, a): ...\n"))
    assert told(package.procedures) == [
        ("f", f"{parameters} -> int | None", ""), ("g", "(*, a)", "")]


def test_a_class_has_fields_methods_and_constants() -> None:
    [shown] = only(web_of(a='''__all__ = ["C"]
class Base(Exception):
    """Not shown."""
    HELD: ClassVar[int]
    "Held."
    below: int
    def __init__(self, x: int) -> None: ...
    def h(self): "Inherited."
class C(Base, Other):
    """A class."""
    ONE: ClassVar["C"]
    """The first."""
    count = 3
    field: int | None
    "A field."
    _hidden: int
    @property
    def p(self) -> str:
        """A property."""
    if True:
        def m(self, y=1) -> None: "A method."
    def __len__(self): ...
''')).classes
    assert told([shown.entry]) == [("C", "(x: int)", "A class.")]
    assert shown.bases == ["Exception", "Other"]
    assert told(shown.fields) == [
        ("C.field", ": int | None", "A field."), ("C.p", ": str", "A property."),
        ("C.below", ": int", "")]
    assert told(shown.methods) == [
        ("C.m", "(y=1) -> None", "A method."), ("C.h", "()", "Inherited.")]
    assert told(shown.constants) == [("C.ONE", ": 'C'", "The first."), ("C.HELD", ": int", "Held.")]
    assert shown.fields[0].last == "field"


def test_what_a_shown_base_has_is_said_there() -> None:
    classes = only(web_of(a='''__all__ = ["A", "B"]
class A:
    x: int
    def __new__(cls, x): ...
class _M(A):
    y: int
class B(_M): ...
''')).classes
    assert [(each.entry.form, each.bases, [entry.name for entry in each.fields])
            for each in classes] == [("(x)", [], ["A.x"]), ("(x)", ["A"], ["B.y"])]


def test_an_entry_leads_to_the_section_that_defines_it() -> None:
    package = only('''# x
## 1. All
```python
# ⟨a.py⟩≡
__all__ = ["f", "C"]
⟨Below⟩
```
## 2. Below
```python
# ⟨Below⟩≡
def f(): ...
class C:
    ⟨Fields⟩
```
###### 2A.
```python
# ⟨Fields⟩≡

x: int
"""Told."""
```
''')
    assert [(entry.name, entry.line, entry.number) for entry in package.entries()] == [
        ("f", 11, "2"), ("C", 12, "2"), ("C.x", 19, "2A")]


@pytest.mark.parametrize("code", [
    "from .nowhere import f\n", "from .a import f\n", "from .. import f\n", "from q import *\n", "",
], ids=["no module", "itself", "above all", "outside", "nowhere"])
def test_a_name_that_the_web_does_not_define_is_shown_alone(code: str) -> None:
    package = only(web_of(a=f"{code}__all__ = ['f']\n"))
    assert package.constants == [Entry("f", "", "", 0, "")]


def test_classes_that_derive_from_each_other_are_read_once() -> None:
    code = "__all__ = ['A', 'B']\nclass A(B): ...\nclass B(A): x: int\n"
    assert [each.bases for each in only(web_of(a=code)).classes] == [["B"], ["A"]]


def test_what_is_no_python_and_what_shows_nothing_is_left_out() -> None:
    assert read(web_of(a="__all__ = [\n", b="x = '__all__'\n", c="def f(): ...\n")) == []


def test_as_text_each_name_stands_with_its_section_above_what_is_said() -> None:
    text = as_text(only(web_of(a='''"""A module."""
__all__ = ["f", "C", "N", "g"]
def f(x: int) -> int:
    """Eff.

    More."""
def g(): ...
N: int = 3
"""A number."""
class C(Exception):
    """A class."""
    x: int
    y: int
    K: ClassVar[int]
    """A constant."""
''')))
    assert text == '''p.a
===

A module.

Procedures
----------

f(x: int) -> int  §1
    Eff.

    More.

g() -> None  §1

Constants
---------

N: int  §1
    A number.

Classes
-------

class C  of Exception  §1
    A class.

    x: int  §1
    y: int  §1
    K: int  §1
        A constant.
'''.replace("g() -> None", "g()")


def test_lines_are_not_too_long() -> None:
    names = ", ".join(f"argument_{number}: int" for number in range(20))
    text = as_text(only(web_of(a=f"__all__ = ['f']\ndef f({names}) -> None: ...\n")))
    assert all(len(line) <= 100 for line in text.splitlines())
    assert " ".join(text.split()).endswith(f"f({names}) -> None §1")


# The command.

def run(text: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*TANGLE, "-", *arguments], input=text.encode(), capture_output=True,
                          timeout=100)


def test_the_command_prints_every_package() -> None:
    text = web_of(a="__all__ = ['f']\ndef f(): 'É.'\n", b="__all__ = ['g']\ndef g(): ...\n")
    done = run(text, "--reference")
    assert (done.returncode, done.stderr) == (0, b"")
    printed = done.stdout.decode().replace("\r\n", "\n")
    assert printed == "\n\n".join(as_text(package) for package in read(text))
    assert "    É.\n" in printed


def test_the_command_says_that_there_is_nothing_to_print() -> None:
    done = run(web_of(a="x = 1\n"), "--reference")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(
        "<stdin>:1:1: error: no reference: expected Python with an __all__")


def test_the_command_says_what_it_cannot_read() -> None:
    done = run(web_of(a="__all__ = ['f']\n\ndef f(:\n", b="__all__ = ['g']\ndef g(): ...\n"),
               "--reference")
    assert (done.returncode, done.stdout) == (1, b"")
    said = done.stderr.decode().splitlines()
    assert "error: no reference of p/a.py: expected valid Python: invalid syntax" in said[0]
    assert "def f(:" in said[1]


@pytest.mark.parametrize(("module", "output", "name"), [
    ("a.b", "x/y.py", "a.b"), (".", "x/y.py", "x"), (".a", "x/y.py", "x.a"),
    (".a", "x/__init__.py", "x.a"), ("..a", "x/y/z.py", "x.a"), (".a", "y.py", "a"),
    ("..a", "y.py", "..a"), ("..", "x/y/__init__.py", "x")])
def test_what_a_relative_import_means(module: str, output: str, name: str) -> None:
    assert absolute(module, output) == name


@needs_sockets
def test_the_reference_of_a_large_web_has_every_public_name_once() -> None:
    package = only(SOCKETS.read_text(encoding="utf-8"))
    names = [entry.name for entry in package.entries()]
    assert len(names) == len(set(names)) > 150
    assert {"create_socket", "SocketOption.LINGER", "HAS_DONT_WAIT", "Socket.fd"} <= set(names)
    assert all(entry.line and entry.number for entry in package.entries())
    assert all(entry.text for entry in (*package.procedures, *package.constants))
