"""Hygiene: what chunks read of each other and show each other, followed name by name."""

import itertools
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webs import SOCKETS, TANGLE, needs_sockets

from commonweb.expansion import tangle
from commonweb.hygiene import check
from commonweb.web import Web

HERE = "¦"  # marks where an error is expected


def document(*blocks, language="python"):
    """A web of such blocks; none of them needs a fence or a section."""
    return "\n".join(["## 1.", *(f"```{language}\n{block.strip()}\n```" for block in blocks)])


def problems(text):
    web = Web(text.encode())
    assert not web.problems, web.problems
    found = check(web, tangle(web))
    return sorted((problem.line, problem.column, problem.message) for problem in found)


def judge(*blocks, language="python"):
    """The messages about a web, which must stand at its marks and nowhere else."""
    if sys.version_info < (3, 10) and any(re.search("^ *match ", block, re.M) for block in blocks):
        pytest.skip("no match statement")
    text, places = document(*blocks, language=language), []
    lines = text.split("\n")
    for row, line in enumerate(lines):
        while HERE in line:
            places.append((row + 1, line.index(HERE) + 1))
            line = line.replace(HERE, "", 1)
        lines[row] = line
    found = problems("\n".join(lines))
    assert [(line, column) for line, column, _ in found] == places, found
    return [message for _, _, message in found]


# The rules.


def test_a_chunk_in_a_function_captures_what_it_reads_and_exports_what_is_read_of_it():
    assert judge("""
# ⟨a.py⟩≡
def port_of(s):
    ⟨Split⟩
    return port
""", """
# ⟨Split⟩≡
#| captures: s
#| exports: port
host, port = s.split(":")
""") == []


def test_a_name_of_the_function_that_is_read_without_a_capture_is_an_error():
    assert judge("""
# ⟨a.py⟩≡
def port_of(s, sep):
    ⟨Split⟩
    return port
""", """
# ⟨Split⟩≡
#| captures: s
#| exports: port
host, port = s.split(¦sep)
""") == ["sep (bound in line 4) is read, and ⟨Split⟩ does not capture it: "
         "expected #| captures: sep"]


def test_a_name_that_a_chunk_binds_for_itself_is_an_error_where_it_is_read_outside():
    assert judge("""
# ⟨a.py⟩≡
def port_of(s):
    ⟨Split⟩
    return ¦host, port
""", """
# ⟨Split⟩≡
#| captures: s
#| exports: port
host, port = s.split(":")
""") == ["host is private to ⟨Split⟩ (bound in line 12): expected #| exports: host there"]


def test_a_capture_that_is_not_read_is_an_error_with_the_nearest_name():
    assert judge("""
# ⟨a.py⟩≡
def f(socket, other):
    ⟨Use⟩
""", """
# ⟨Use⟩≡
#| captures: socket, ¦sockte, ¦elsewhere
print(socket)
""") == ["sockte is captured, but ⟨Use⟩ does not read it; did you mean socket?",
         "elsewhere is captured, but ⟨Use⟩ does not read it"]


def test_an_export_that_is_not_bound_is_an_error_with_the_nearest_name():
    assert judge("""
# ⟨a.py⟩≡
⟨Define⟩
""", """
# ⟨Define⟩≡
#| exports: ¦conect, ¦local, ¦print
def connect(a):
    local = a
    print(local)
""") == ["conect is exported, but ⟨Define⟩ does not bind it; did you mean connect?",
         "local is exported, but ⟨Define⟩ does not bind it",
         "print is exported, but ⟨Define⟩ does not bind it"]


def test_at_module_level_a_name_that_is_not_exported_is_private_to_its_chunk():
    assert judge("""
# ⟨a.py⟩≡
⟨One⟩
⟨Two⟩
""", """
# ⟨One⟩≡
#| exports: shown
hidden = 1
shown = hidden
""", """
# ⟨Two⟩≡
def f():
    return shown + ¦hidden
""") == ["hidden is private to ⟨One⟩ (bound in line 10): expected #| exports: hidden there"]


TWICE = ("# ⟨One⟩≡\n#| exports: f\ndef f(): pass", "# ⟨Two⟩≡\n#| exports: f\ndef ¦f(): pass")


@pytest.mark.parametrize("around", [
    "⟨One⟩\n⟨Two⟩", "⟨One⟩\nx = 1\n⟨Two⟩\nf()", "⟨One⟩\ndef g(): return f()\n⟨Two⟩",
    "if a:\n    ⟨One⟩\n    ⟨Two⟩", "class A:\n    ⟨One⟩\n    ⟨Two⟩",
    "def a():\n    ⟨One⟩\n    with b():\n        ⟨Two⟩",
])
def test_what_one_chunk_exports_no_other_defines_anew_before_it_is_used(around):
    line = around.count("\n") + 9
    assert judge("# ⟨a.py⟩≡\n" + around, *TWICE) == [
        f"f is defined anew: ⟨One⟩ exports it, too (bound in line {line}), and nothing has used "
        "that: expected another name"]


@pytest.mark.parametrize("around", [
    # Alternatives.
    "if a:\n    ⟨One⟩\nelse:\n    ⟨Two⟩", "⟨One⟩\nif a:\n    ⟨Two⟩",
    "try:\n    ⟨One⟩\nexcept E:\n    ⟨Two⟩", "try:\n    a\nexcept E:\n    ⟨One⟩\nelse:\n    ⟨Two⟩",
    "match a:\n    case 1:\n        ⟨One⟩\n    case _:\n        ⟨Two⟩",
    "while a:\n    ⟨One⟩\nelse:\n    ⟨Two⟩",
    # It was used.
    "⟨One⟩\nf()\n⟨Two⟩", "⟨One⟩\ng = f\n⟨Two⟩", "⟨One⟩\n[f for a in b]\n⟨Two⟩",
    "⟨One⟩\ndef g(): return f()\ng()\n⟨Two⟩", "⟨One⟩\nclass A:\n    x = f\n⟨Two⟩",
    "⟨One⟩\ng = lambda: f\nclass A:\n    g()\n⟨Two⟩",
    # It was bound otherwise, or taken away, in between.
    "⟨One⟩\nf = None\n⟨Two⟩", "⟨One⟩\ndel f\n⟨Two⟩",
    # They are in scopes of their own.
    "def a():\n    ⟨One⟩\ndef b():\n    ⟨Two⟩", "class A:\n    ⟨One⟩\nclass B:\n    ⟨Two⟩",
    "⟨One⟩\ndef b():\n    ⟨Two⟩",
])
def test_alternatives_may_export_one_name_and_so_may_what_follows_a_use(around):
    assert judge("# ⟨a.py⟩≡\n" + around, *(chunk.replace("¦", "") for chunk in TWICE)) == []


@pytest.mark.parametrize(("one", "two"), [
    ("@overload\ndef f(): pass", "def f(): pass"), ("def f(): pass", "@g(a)\ndef f(): pass"),
    ("@property\ndef f(a): pass", "#| captures: f\n@f.setter\ndef f(a, b): pass"),
    ("f = None", "def f(): pass"), ("def f(): pass", "f = 1"), ("import f", "def f(): pass"),
    ("def f(): pass", "def g(): pass\n#\nf = g"),
])
def test_what_is_decorated_or_no_definition_may_be_exported_again(one, two):
    assert judge("# ⟨a.py⟩≡\nclass A:\n    ⟨One⟩\n    ⟨Two⟩", f"# ⟨One⟩≡\n#| exports: f\n{one}",
                 f"# ⟨Two⟩≡\n#| exports: f\n{two}") == []


def test_a_chunk_that_is_used_twice_and_one_around_another_export_one_definition():
    assert judge("# ⟨a.py⟩≡\n⟨One⟩\n⟨One⟩\n⟨Two⟩", "# ⟨One⟩≡\n#| exports: f\ndef f(): pass",
                 "# ⟨Two⟩≡\n#| exports: g\n⟨Three⟩",
                 "# ⟨Three⟩≡\n#| exports: g\ndef g(): pass") == []


def test_what_the_file_itself_binds_at_module_level_is_free_to_its_chunks():
    assert judge("""
# ⟨a.py⟩≡
LIMIT = 3
def f(s):
    ⟨Use⟩
""", """
# ⟨Use⟩≡
#| captures: s
print(s, LIMIT)
""") == []


def test_a_name_of_the_module_may_be_captured():
    assert judge("""
# ⟨a.py⟩≡
for name in "ab":
    ⟨Greet⟩
""", """
# ⟨Greet⟩≡
#| captures: name
print(name)
""") == []


def test_the_parts_of_a_chunk_share_their_names_and_declarations():
    assert judge("""
# ⟨a.py⟩≡
def f(s, t):
    ⟨Use⟩
    return both
""", """
# ⟨Use⟩≡
#| captures: s, t
first = s
""", """
# ⟨Use⟩+≡
#| exports: both
both = first + t
""") == []


def test_builtins_and_names_that_nobody_binds_are_left_alone():
    assert judge("""
# ⟨a.py⟩≡
def f(s):
    ⟨Use⟩
""", """
# ⟨Use⟩≡
#| captures: s
print(len(s), nowhere, __file__)
""") == []


def test_attributes_and_keywords_are_no_names():
    assert judge("""
# ⟨a.py⟩≡
def f(s, end, sep):
    ⟨Use⟩
    return end, sep
""", """
# ⟨Use⟩≡
#| captures: s
print(s.end, sep="", **{"end": ""})
s.sep = 1
""") == []


def test_a_web_that_declares_nothing_is_not_checked(tmp_path):
    text = document("# ⟨a.py⟩≡\n⟨One⟩\nprint(x", "# ⟨One⟩≡\nx = 1")
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    run = subprocess.run([*TANGLE, "a.md"], cwd=tmp_path,
                         capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_tangler_writes_nothing_if_a_declaration_is_wrong(tmp_path):
    text = document("# ⟨a.py⟩≡\n⟨One⟩", "# ⟨One⟩≡\n#| exports: y\nx = 1")
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    run = subprocess.run([*TANGLE, "a.md"], cwd=tmp_path,
                         capture_output=True, encoding="utf-8", timeout=60, check=False,
                         env={**os.environ, "PYTHONUTF8": "1"})
    assert run.returncode == 1
    assert run.stderr.startswith(
        "a.md:8:13: error: y is exported, but ⟨One⟩ does not bind it\n")
    assert not (tmp_path / "generated").exists()


# Chunks within chunks, and chunks used twice.


def test_each_chunk_on_a_names_way_in_captures_it():
    blocks = ["""
# ⟨a.py⟩≡
def f(s):
    ⟨Outer⟩
""", """
# ⟨Outer⟩≡
#| captures: s
if True:
    ⟨Inner⟩
""", """
# ⟨Inner⟩≡
#| captures: s
print(s)
"""]
    assert judge(*blocks) == []
    outer = blocks[1].replace("#| captures: s\n", "").replace("⟨Inner", "¦⟨Inner")
    assert judge(blocks[0], outer, blocks[2]) == [
        "⟨Inner⟩ reads s (bound in line 4), and ⟨Outer⟩ does not capture it: "
        "expected #| captures: s"]
    inner = blocks[2].replace("#| captures: s\n", "").replace("(s)", "(¦s)")
    assert judge(blocks[0], blocks[1], inner) == [
        "s (bound in line 4) is read, and ⟨Inner⟩ does not capture it: expected #| captures: s"]


def test_each_chunk_on_a_names_way_out_exports_it():
    blocks = ["""
# ⟨a.py⟩≡
⟨Outer⟩
print(x)
""", """
# ⟨Outer⟩≡
#| exports: x
⟨Inner⟩
""", """
# ⟨Inner⟩≡
#| exports: x
x = 1
"""]
    assert judge(*blocks) == []
    use = blocks[0].replace("(x)", "(¦x)")
    assert judge(use, blocks[1].replace("#| exports: x\n", ""), blocks[2]) == [
        "x is private to ⟨Outer⟩ (bound in line 14): expected #| exports: x there"]
    assert judge(use, blocks[1], blocks[2].replace("#| exports: x\n", "")) == [
        "x is private to ⟨Inner⟩ (bound in line 14): expected #| exports: x there"]


def test_what_an_inner_chunk_keeps_for_itself_its_outer_chunk_cannot_export():
    assert judge("""
# ⟨a.py⟩≡
⟨Outer⟩
""", """
# ⟨Outer⟩≡
#| exports: ¦x
⟨Inner⟩
""", """
# ⟨Inner⟩≡
x = 1
""") == ["x is exported, but private to ⟨Inner⟩: expected #| exports: x there"]


def test_what_is_bound_in_the_middle_needs_no_way_through_the_outside():
    assert judge("""
# ⟨a.py⟩≡
def f():
    ⟨Outer⟩
""", """
# ⟨Outer⟩≡
x = 1
⟨Inner⟩
print(y)
""", """
# ⟨Inner⟩≡
#| captures: x
#| exports: y
y = x
""") == []


def test_a_chunk_used_twice_is_checked_at_each_place():
    assert judge("""
# ⟨a.py⟩≡
def f(s):
    ⟨Use⟩
    return x
def g():
    ⟨Use⟩
""", """
# ⟨Use⟩≡
#| captures: ¦s
#| exports: x
x = s
""") == ["s is captured, but ⟨Use⟩ reads no s of what is around it where it is used in line 8"]


def test_a_chunk_that_reads_too_much_at_one_of_its_places_is_told_where():
    assert judge("""
# ⟨a.py⟩≡
def f():
    ⟨Use⟩
def g(s):
    ⟨Use⟩
""", """
# ⟨Use⟩≡
print(¦s)
""", "# ⟨b.py⟩≡\n⟨X⟩", "# ⟨X⟩≡\n#| exports: x\nx = 1") == [
        "s (bound in line 6) is read, and ⟨Use⟩ does not capture it where it is used in line 7: "
        "expected #| captures: s"]


def test_a_chunk_of_two_files_is_checked_in_both():
    assert judge("# ⟨a.py⟩≡\ns = 1\n⟨Use⟩", "# ⟨b.py⟩≡\n⟨Use⟩",
                 "# ⟨Use⟩≡\n#| captures: ¦s\nprint(s)") == [
        "s is captured, but ⟨Use⟩ reads no s of what is around it where it is used in line 9"]


def test_declarations_of_an_empty_chunk_are_errors():
    assert judge("# ⟨a.py⟩≡\ndef f(s):\n    ⟨Use⟩\n    print(s)",
                 "# ⟨Use⟩≡\n#| captures: ¦s\n#| exports: ¦x") == [
        "s is captured, but ⟨Use⟩ does not read it", "x is exported, but ⟨Use⟩ does not bind it"]


# Imports.


@pytest.mark.parametrize("line", [
    "import os", "import os.path", "import x as os", "from x import os", "from x import y as os",
    "try:\n    import os\nexcept ImportError:\n    os = None",
    "if True:\n    import os",
])
def test_what_any_chunk_imports_at_module_level_is_common_to_the_file(line):
    assert judge("# ⟨a.py⟩≡\n⟨One⟩\ndef f(s):\n    ⟨Two⟩", f"# ⟨One⟩≡\n{line}",
                 "# ⟨Two⟩≡\n#| captures: s\ns(os)") == []


def test_what_is_imported_in_a_function_is_the_functions():
    assert judge("# ⟨a.py⟩≡\ndef f(s):\n    import os\n    ⟨Two⟩",
                 "# ⟨Two⟩≡\n#| captures: s\ns(¦os)") == [
        "os (bound in line 5) is read, and ⟨Two⟩ does not capture it: expected #| captures: os"]


def test_another_file_imports_no_private_names():
    library = ["# ⟨p/a.py⟩≡\n⟨One⟩\nopen = 1", "# ⟨One⟩≡\n#| exports: shown\nshown = hidden = 1"]
    for line in ("from .a import shown, open, ¦hidden", "from p.a import open, ¦hidden"):
        assert judge(*library, f"# ⟨p/b.py⟩≡\n{line}") == [
            "hidden is private to ⟨One⟩ (bound in line 10): expected #| exports: hidden there"]


# Every way to bind a name, and to read one.

BIND = [
    "x = 1", "x: int = 1", "x, y = 1, 2", "[y, *x] = 1, 2", "(y, (x, z)) = 1, (2, 3)",
    "y = x = 1", "for x in ():\n    pass", "for y, (x, *z) in ():\n    pass",
    "with a() as x:\n    pass", "with a() as (x, y), b():\n    pass", "import x", "import x.y",
    "import y as x", "from y import x", "from y import z as x", "def x(): pass",
    "async def x(): pass", "class x: pass", "(x := 1)", "if (x := 1): pass",
    "while (x := 0): pass", "[(x := y) for y in ()]", "a(x := 1)", "y = 1 and (x := 1)",
    "try:\n    x = 1\nfinally:\n    pass", "try:\n    pass\nexcept E:\n    x = 1",
    "try:\n    pass\nexcept E:\n    pass\nelse:\n    x = 1",
    "@a\ndef x(): pass", "while 1:\n    x = 1\n    break", "if a:\n    x = 1\nelse:\n    x = 2",
    "for y in ():\n    pass\nelse:\n    x = 1", "x += 1", "f'{(x := 1)}'",
]
MATCH = ["x", "[x, *_]", "[_, *x]", "{'a': x}", "{**x}", "{'a': 1, **x}", "A(x)", "A(a=x)",
         "1 as x", "[1, (2 | 3) as x]"]
BIND += [f"match a:\n    case {pattern}:\n        pass" for pattern in MATCH]
if sys.version_info >= (3, 12):
    BIND += ["type x = int", "type x[T] = list[T]", "def x[T](y: T): pass", "class x[T]: pass"]
if sys.version_info >= (3, 11):
    BIND += ["try:\n    pass\nexcept* E:\n    x = 1"]


def indent(code, by="    "):
    return re.sub("(?m)^", by, code)


@pytest.mark.parametrize("code", BIND)
def test_a_binding_is_one(code):
    reads = "x" if code == "x += 1" else ""
    chunk = f"# ⟨Bind⟩≡\n#| exports: x\n{code}"
    if reads:
        chunk = chunk.replace("#| exports", "#| captures: x\n#| exports")
    head = f"# ⟨a.py⟩≡\nasync def f({reads}):\n    ⟨Bind⟩\n    return "
    assert judge(head + "x", chunk) == []
    [message] = judge(head + "¦x", chunk.replace("#| exports: x\n", ""))
    assert message.startswith("x is private to ⟨Bind⟩ (bound in line ")
    assert problems(document("# ⟨a.py⟩≡\n⟨Bind⟩", f"# ⟨Bind⟩≡\n#| exports: x\n{code}")) == []


@pytest.mark.parametrize("code", [
    "(x.y)", "x = x", "x.y = 1", "x[0] = 1", "del x", "del x.y", "y = [x for _ in ()]",
    "y = {x: 1}", "y = {1: x for _ in ()}", "y = (1 for y in x)", "y = (1 for y in () if x)",
    "y = lambda: x", "y = lambda z=x: z", "def y(z=x): pass", "def y(*, z=x): pass",
    "def y(z: x): pass", "def y(*z: x): pass", "def y() -> x: pass", "@x\ndef y(): pass",
    "@x\nclass y: pass", "class y(x): pass", "class y(z=x): pass", "class y:\n    z = x",
    "def y():\n    return x", "y: x = 1", "y: x", "y = f'{x}'", "y = f'{1:{x}}'", "f'{x!r:>{y}}'",
    "y(*x)", "y(**x)", "y(z=x)", "y = {**x}", "y = x[1:2]", "y = y[x:]", "x += 1", "await x",
    "yield x", "assert x", "assert y, x", "raise x", "raise y from x", "with x: pass",
    "while x: pass", "for _ in x: pass", "return x", "if y:\n    pass\nelif x:\n    pass",
    "try:\n    pass\nexcept x:\n    pass", "y = 1 if x else 2", "y = y < x", "y = x @ 1",
    "y = [z for y in () for z in x]", "print(\n    'ä', 'ö',   x)",
    "f'''ä\n {\nx}'''", "y = ('a'\n  f'{y}' f'ä{x}')",
    "match x:\n    case 1: pass",
    "match y:\n    case x.y: pass",
    "match y:\n    case _ if x: pass",
    pytest.param("def y[T: x](): pass", marks=pytest.mark.skipif(
        sys.version_info < (3, 12), reason="no type parameters")),
    pytest.param("type y = x", marks=pytest.mark.skipif(
        sys.version_info < (3, 12), reason="no type statement")),
])
def test_a_read_is_one(code):
    file = "# ⟨a.py⟩≡\nasync def f(x):\n    ⟨Read⟩"
    other = ["# ⟨b.py⟩≡\n⟨X⟩", "# ⟨X⟩≡\n#| exports: e\ne = 1"]
    assert judge(file, f"# ⟨Read⟩≡\n#| captures: x\n{code}", *other) == []
    place = [match.start() for match in re.finditer(r"(?<!\w)x(?!\w)", code)]
    marked = place[-1] if code == "x = x" else place[0]
    code = code[:marked] + HERE + code[marked:]
    [message] = judge(file, f"# ⟨Read⟩≡\n{code}", *other)
    assert message.startswith("x (bound in line 4) is read")


@pytest.mark.parametrize("code", [
    "'x'", "y: 'x' = 1", "f'x'", "a.x", "a(x=1)", "import a.x", "from x import a", "def y(x): x",
    "lambda x: x", "[x for x in ()]", "class y:\n    x = 1\n    x",
    "y = {x: x for x in ()}", "a = b'x'", "def y():\n    x = 1\n    return x",
    "def y():\n    return x\n    x = 1", "def y():\n    global x\n    return x",
    "try:\n    pass\nexcept E as x:\n    print(x)",
])
def test_what_is_no_read_of_a_name_around_is_none(code):
    assert judge("# ⟨a.py⟩≡\ndef f(x):\n    ⟨Use⟩\n    return x",
                 f"# ⟨Use⟩≡\n{code}", "# ⟨X⟩≡\n#| exports: e\ne = 1", "# ⟨b.py⟩≡\n⟨X⟩") == []


# Scopes.


def test_a_class_is_a_place_of_use_too_but_not_for_its_methods():
    assert judge("""
# ⟨a.py⟩≡
class A:
    size = 1
    ⟨Fields⟩
    again = field
    def method(self):
        return size, field
size = 2
field = 3
""", """
# ⟨Fields⟩≡
#| captures: size
#| exports: field
field = size
def other(self):
    return size
""") == []


def test_a_chunk_in_a_class_captures_and_exports_the_names_of_the_class():
    assert judge("""
# ⟨a.py⟩≡
class A:
    size = 1
    ⟨Fields⟩
    again = ¦field
""", """
# ⟨Fields⟩≡
field = ¦size
""", "# ⟨X⟩≡\n#| exports: e\ne = 1", "# ⟨b.py⟩≡\n⟨X⟩") == [
        "field is private to ⟨Fields⟩ (bound in line 11): expected #| exports: field there",
        "size (bound in line 5) is read, and ⟨Fields⟩ does not capture it: "
        "expected #| captures: size"]


def test_what_an_inner_function_reads_may_be_bound_by_anybody_around_it():
    assert judge("""
# ⟨a.py⟩≡
def f():
    def g():
        return ¦late
    ⟨Later⟩
    return g
""", """
# ⟨Later⟩≡
#| captures: g
late = g
""") == ["late is private to ⟨Later⟩ (bound in line 13): expected #| exports: late there"]


def test_nonlocal_reaches_for_a_name_and_global_too():
    assert judge("""
# ⟨a.py⟩≡
⟨State⟩
def f():
    count = 0
    ⟨Count⟩
    return count, g
""", """
# ⟨State⟩≡
total = 0
""", """
# ⟨Count⟩≡
#| exports: g
def g():
    global total
    nonlocal count
    ¦count = 1
    ¦total = 1
""") == ["count (bound in line 6) is read, and ⟨Count⟩ does not capture it: "
         "expected #| captures: count",
         "total is private to ⟨State⟩ (bound in line 12): expected #| exports: total there"]


def test_a_name_that_is_bound_by_global_alone_belongs_to_the_chunk_that_does_it():
    assert judge("""
# ⟨a.py⟩≡
⟨Start⟩
print(¦state)
""", """
# ⟨Start⟩≡
#| exports: start
def start():
    global state
    state = 1
start()
""") == ["state is private to ⟨Start⟩ (bound in line 12): expected #| exports: state there"]


def test_type_parameters_are_a_scope():
    if sys.version_info < (3, 12):
        pytest.skip("no type parameters in this Python")
    assert judge("""
# ⟨a.py⟩≡
class A[T]:
    ⟨Method⟩
""", """
# ⟨Method⟩≡
#| exports: get
#| captures: T
def get[S](self, s: S) -> T:
    type U = S
    return self
""") == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no type parameters")
def test_a_generic_method_sees_no_names_of_its_class_but_its_bounds_do():
    assert judge("""
# ⟨a.py⟩≡
class A:
    size = 1
    ⟨Method⟩
size = 2
""", """
# ⟨Method⟩≡
#| exports: get
def get[T](self):
    return size
""") == []
    [message] = judge("# ⟨a.py⟩≡\nclass A:\n    size = int\n    ⟨Method⟩",
                      "# ⟨Method⟩≡\n#| exports: get\ndef get[T: ¦size](self): pass")
    assert message.startswith("size (bound in line 5) is read, and ⟨Method⟩ does not capture it")


# The flow of control.


def flow(*lines, private="i = 0\nprint(i)"):
    """A function with a chunk that binds i for itself: the errors about that."""
    body = "\n".join(lines)
    return judge(f"# ⟨a.py⟩≡\ndef f(xs):\n{indent(body)}", f"# ⟨Own⟩≡\n{private}",
                 "# ⟨Two⟩≡\nfor i in 'ab':\n    print(i)", "# ⟨X⟩≡\n#| exports: e\ne = 1",
                 "# ⟨b.py⟩≡\n⟨X⟩\n⟨Own⟩\n⟨Two⟩")


@pytest.mark.parametrize("code", [
    "⟨Own⟩\n⟨Two⟩\n⟨Own⟩", "for i in xs:\n    print(i)\n⟨Own⟩\nfor i in xs:\n    print(i)",
    "⟨Own⟩\ni = 1\nprint(i)", "print([i for i in xs])\n⟨Own⟩\nprint([i for i in xs])",
    "if xs:\n    ⟨Own⟩\nelse:\n    i = 1\n    print(i)", "if xs:\n    ⟨Own⟩\n    return\ni = 1\ni",
    "i = 1\nif xs:\n    ⟨Own⟩\n    return\nprint(i)", "i = 1\nif xs:\n    ⟨Own⟩\n    raise xs\ni",
    "while True:\n    ⟨Own⟩\n    i = 1\n    print(i)", "i = 1\nprint(i)\n⟨Own⟩",
    "try:\n    i = 1\nexcept E:\n    ⟨Own⟩\n    raise\nprint(i)",
    "try:\n    ⟨Own⟩\nexcept E as i:\n    print(i)", "⟨Own⟩\ntry:\n    i = 1\nfinally:\n    xs()",
    "def g(i):\n    return i\n⟨Own⟩", "for x in xs:\n    ⟨Own⟩\n    i = 1\nelse:\n    i = 2\n    i",
    "⟨Own⟩\ndel xs\nwith xs as i:\n    i", "while xs:\n    if xs:\n        ⟨Own⟩\n        break\n",
    "i = 1\nfor x in xs:\n    print(i)\n    if x:\n        ⟨Own⟩\n        return\n",
])
def test_a_name_may_be_private_to_several_chunks_of_a_function(code):
    assert flow(code) == []


@pytest.mark.parametrize("code", [
    "i = 1\n⟨Own⟩\nprint(¦i)", "i = 1\nif xs:\n    ⟨Own⟩\nprint(¦i)",
    "for i in xs:\n    ⟨Own⟩\n    print(¦i)", "i = 1\nfor x in xs:\n    print(¦i)\n    ⟨Own⟩",
    "i = 1\nwhile ¦i < 3:\n    ⟨Own⟩", "i = 1\nwhile xs:\n    ⟨Own⟩\n    break\nprint(¦i)",
    "i = 1\nwhile xs:\n    if xs:\n        ⟨Own⟩\n        break\n    i = 2\nprint(¦i)",
    "i = 1\nwhile xs:\n    print(¦i)\n    if xs:\n        ⟨Own⟩\n        continue\n    i = 2",
    "try:\n    i = 1\n    ⟨Own⟩\n    i = 2\nexcept E:\n    print(¦i)",
    "i = 1\ntry:\n    ⟨Own⟩\nexcept E:\n    pass\nprint(¦i)",
    "i = 1\ntry:\n    ⟨Own⟩\n    i = 2\nfinally:\n    print(¦i)",
    "i = 1\nwith xs:\n    ⟨Own⟩\nprint(¦i)", "i = 1\n⟨Own⟩\nprint([¦i for x in xs])",
    "i = 1\n⟨Own⟩\nclass A:\n    j = ¦i", "i = 1\n⟨Own⟩\nxs and (i := 1)\nprint(¦i)",
    "i = 1\n⟨Own⟩\nj = lambda: ¦i", "i = 1\ni: int\n⟨Own⟩\ni: int\nprint(¦i)",
    "i = 1\nwhile xs:\n    while xs:\n        print(¦i)\n    ⟨Own⟩",
    "i = 1\nif xs:\n    pass\nelif xs:\n    ⟨Own⟩\nelse:\n    i = 2\nprint(¦i)",
    "i = 1\nfor x in xs:\n    pass\nelse:\n    ⟨Own⟩\nprint(¦i)",
])
def test_a_private_name_that_may_reach_a_read_elsewhere_is_an_error(code):
    [message] = flow(code)
    assert message.startswith("i is private to ⟨Own⟩")


def test_a_chunk_that_changes_a_name_captures_it_if_it_reads_it_first():
    assert judge("# ⟨a.py⟩≡\ndef f(n):\n    ⟨Next⟩\n    return n",
                 "# ⟨Next⟩≡\n#| exports: n\nn = ¦n + 1") == [
        "n (bound in line 4) is read, and ⟨Next⟩ does not capture it: expected #| captures: n"]
    assert judge("# ⟨a.py⟩≡\ndef f(n):\n    ⟨Next⟩\n    return n",
                 "# ⟨Next⟩≡\n#| exports: n\n#| captures: ¦n\nn = 1\nn += 1") == [
        "n is captured, but ⟨Next⟩ reads no n of what is around it"]


# Half statements.


def test_a_chunk_that_is_part_of_an_expression_captures_what_it_reads():
    assert judge("""
# ⟨a.py⟩≡
def f(a, b):
    return [⟨Sum⟩ for x in a if ⟨Right⟩]
""", """
# ⟨Sum⟩≡
#| captures: x, b
x + b
""", """
# ⟨Right⟩≡
#| captures: x
x < ¦b
""") == ["b (bound in line 4) is read, and ⟨Right⟩ does not capture it: expected #| captures: b"]


def test_a_chunk_may_be_a_functions_head_and_export_its_parameters():
    assert judge("""
# ⟨a.py⟩≡
⟨Head⟩
    return a + ¦b
f(1, 2)
""", """
# ⟨Head⟩≡
#| exports: f, a
def f(a, b):
""") == ["b is private to ⟨Head⟩ (bound in line 11): expected #| exports: b there"]


def test_a_chunk_may_be_a_name_or_a_list_of_them():
    assert judge("""
# ⟨a.py⟩≡
def ⟨Name⟩(⟨Parameters⟩):
    return a
⟨Name⟩(1)
""", """
# ⟨Name⟩≡
#| exports: fun
fun
""", """
# ⟨Parameters⟩≡
#| exports: a
a, b=1
""") == []


def test_a_chunk_may_stand_in_an_f_string():
    assert judge("""
# ⟨a.py⟩≡
def f(a):
    return f"ä {a} {⟨Inner⟩}"
""", """
# ⟨Inner⟩≡
#| captures: a
a * 2
""") == []


# Places.


def test_columns_count_characters_whatever_they_take_in_bytes():
    assert judge("""
# ⟨a.py⟩≡
def f(größe):
    ⟨Use⟩
""", """
# ⟨Use⟩≡
ä, é = "日本語🐍", ("ü", ¦größe)
""", "# ⟨X⟩≡\n#| exports: e\ne = 1", "# ⟨b.py⟩≡\n⟨X⟩") == [
        "größe (bound in line 4) is read, and ⟨Use⟩ does not capture it: "
        "expected #| captures: größe"]


def test_identifiers_are_compared_as_python_compares_them():
    assert judge("# ⟨a.py⟩≡\ndef f(ﬁnd):\n    ⟨Use⟩", "# ⟨Use⟩≡\n#| captures: ﬁnd\nprint(find)"
                 ) == []


@pytest.mark.parametrize(("code", "message"), [
    ("x = 1\n    ¦y = 2", "unexpected indent"), ("def f(:", ""), ("x = (1,", ""), ("'''abc", "")])
def test_what_is_not_python_is_one_error_in_the_document(code, message):
    text = document("# ⟨a.py⟩≡\nif 1:\n    ⟨One⟩", f"# ⟨One⟩≡\n#| exports: x\n{code}")
    [(line, _, said)] = problems(text.replace(HERE, ""))
    assert said.startswith(f"expected valid Python: {message}")
    assert 3 <= line <= text.count("\n") + 1


def test_a_syntax_error_has_the_place_where_it_was_written():
    [message] = judge("# ⟨a.py⟩≡\nif 1:\n    ⟨One⟩", "# ⟨One⟩≡\n#| exports: x\nx = 1\ny = 'ä' ¦ü 3")
    version = ".".join(map(str, sys.version_info[:2]))
    assert message == ("expected valid Python: invalid syntax "
                       f"(line 3 of a.py, as Python {version} reads it)")


def test_deep_nesting_is_no_traceback():
    for code in ("x = " + "-" * 20000 + "1", "x = " + "+".join("1" * 20000),
                 "if 1: pass\n" + "elif 1: pass\n" * 5000,
                 "x = " + "1 if 1 else " * 2000 + "1", "x = " + "lambda: " * 500 + "1"):
        found = problems(document("# ⟨a.py⟩≡\n⟨One⟩\nx = 1", f"# ⟨One⟩≡\n#| exports: x\n{code}"))
        assert len(found) <= 2


# Other files.


def test_a_stub_is_python():
    assert judge("# ⟨a.pyi⟩≡\n⟨One⟩", "# ⟨One⟩≡\n#| exports: x, f, ¦y\nx: int\ndef f() -> int: ..."
                 ) == ["y is exported, but ⟨One⟩ does not bind it"]


def test_a_program_without_suffix_is_python_if_its_fence_says_so():
    assert judge("# ⟨bin/a⟩≡\n⟨One⟩", "# ⟨One⟩≡\n#| exports: ¦y\nx = 1") == [
        "y is exported, but ⟨One⟩ does not bind it"]


C = r"""
// ⟨a.c⟩≡
//| exports: {names}
#include <a.h>
#define MACRO(a) \
    quoted(a)
typedef unsigned int number_t;
typedef struct {{ int field; }} pair;
typedef int (*callback)(int a, int b);
struct tag {{ int x; }};
enum {{ ONE, TWO = 2 }};
static const char *text = "in text(void) {{", letters[3], *after;
/* in_comment = 1; */ // also_comment = 1;
extern int declared(int a);
static int
defined(int a, char *b) {{
    if (called(a)) {{
        changed = a;
        return a;
    }}
    return value * other;
}}
⟨More⟩
"""
MORE = "// ⟨More⟩≡\nint more(void) { return 1; }"


def test_a_declared_export_in_c_is_defined_there():
    names = "MACRO, number_t, pair, callback, tag, ONE, TWO, text, letters, after, defined, more"
    assert judge(C.format(names=names), MORE, language="c") == []


@pytest.mark.parametrize("name", [
    "quoted", "in", "in_comment", "also_comment", "declared", "called", "changed", "value",
    "nowhere", "include", "a_h", "other",
])
def test_an_export_in_c_that_is_only_mentioned_is_an_error(name):
    [message] = judge(C.format(names="¦" + name), MORE, language="c")
    assert message.startswith(f"{name} is exported, but ⟨a.c⟩ does not define it")


def test_a_misspelt_export_in_c_gets_a_suggestion():
    assert judge(C.format(names="¦deifned"), MORE, language="c") == [
        "deifned is exported, but ⟨a.c⟩ does not define it; did you mean defined?"]


# Programs made at random, whose truth is known by running all their paths.

NAMES = "abc"


@st.composite
def programs(draw):
    """A function's body as a tree of statements, and of chunks around some of them.

    ("set", target, read), ("if", read, body, orelse), ("while", read, body),
    ("return", read), ("chunk", number, body).
    """
    numbers = itertools.count(1)

    def block(depth):
        body = [statement(depth) for _ in range(draw(st.integers(1, 3)))]
        if draw(st.booleans()):
            start = draw(st.integers(0, len(body) - 1))
            stop = draw(st.integers(start + 1, len(body)))
            body[start:stop] = [("chunk", next(numbers), body[start:stop])]
        return body

    def statement(depth):
        kinds = ["set", "set", "if", "while", "chunk", "return"]
        kind, name = draw(st.sampled_from(kinds if depth else kinds[:2])), st.sampled_from(NAMES)
        if kind == "set":
            return kind, draw(name), draw(name)
        if kind == "if":
            return kind, draw(name), block(depth - 1), block(depth - 1)
        if kind == "while":
            return kind, draw(name), block(depth - 1)
        if kind == "return":
            return "if", draw(name), [(kind, draw(name))], [("set", draw(name), draw(name))]
        return kind, next(numbers), block(depth - 1)

    return block(2)


def paths(body, way=()):
    """All sequences of (way of chunks, read, target), and whether they returned."""
    found = {((), False)}
    for kind, *rest in body:
        if kind == "set":
            more = {(((way, rest[1], rest[0]),), False)}
        elif kind == "return":
            more = {(((way, rest[0], None),), True)}
        elif kind == "chunk":
            more = paths(rest[1], (*way, rest[0]))
        else:
            test = ((way, rest[0], None),)
            first = paths(rest[1], way)
            if kind == "if":
                more = {(test + one, end) for one, end in first | paths(rest[2], way)}
            else:
                more = {(test, False)} | {(test + one, True) for one, end in first if end}
                once = {(test + one + test, False) for one, end in first if not end}
                more |= once | {(one + two, end) for one, _ in once for two, end in first
                                if end} | {
                    (one + two + test, False) for one, _ in once for two, end in first if not end}
        found = {(one, True) for one, end in found if end} | {
            (one + two, end) for one, returned in found if not returned for two, end in more}
        if len(found) > 3000:
            raise OverflowError
    return found


def truth(body):
    """What must be declared: (kind, chunk, name)."""
    needed = set()
    for path, _ in paths(body):
        bound = dict.fromkeys(NAMES, ())
        for way, read, target in path:
            source = bound[read]
            same = 0
            while same < min(len(way), len(source)) and way[same] == source[same]:
                same += 1
            needed |= {("exports", chunk, read) for chunk in source[same:]}
            needed |= {("captures", chunk, read) for chunk in way[same:]}
            if target:
                bound[target] = way
    return needed


def written(body, declared):
    """The program as a web with such declarations."""
    blocks = []

    def code(body):
        lines = []
        for kind, *rest in body:
            if kind == "set":
                lines.append(f"{rest[0]} = {rest[1]}")
            elif kind == "return":
                lines.append(f"return {rest[0]}")
            elif kind == "chunk":
                said = [f"#| {kind}: {name}" for kind, chunk, name in sorted(declared)
                        if chunk == rest[0]]
                blocks.append("\n".join([f"# ⟨Chunk {rest[0]}⟩≡", *said, code(rest[1])]))
                lines.append(f"⟨Chunk {rest[0]}⟩")
            else:
                lines.append(f"{kind} {rest[0]}:\n{indent(code(rest[1]))}")
                if kind == "if":
                    lines.append(f"else:\n{indent(code(rest[2]))}")
        return "\n".join(lines)

    blocks.append(f"# ⟨a.py⟩≡\ndef f({', '.join(NAMES)}):\n{indent(code(body))}")
    return document(*blocks, "# ⟨b.py⟩≡\n⟨Own⟩", "# ⟨Own⟩≡\n#| exports: own\nown = 1")


@settings(max_examples=150, deadline=None)
@given(programs(), st.data())
def test_what_must_be_declared_is_what_some_path_through_the_program_needs(body, data):
    try:
        needed = truth(body)
    except OverflowError:
        return
    assert problems(written(body, needed)) == []
    if not needed:
        return
    kind, chunk, name = data.draw(st.sampled_from(sorted(needed)))
    [(_, _, message)] = problems(written(body, needed - {(kind, chunk, name)}))
    assert f"⟨Chunk {chunk}⟩" in message
    assert f"#| {kind}: {name}" in message
    other = data.draw(st.sampled_from(["captures", "exports"]))
    [(_, _, message)] = problems(written(body, needed | {(other, chunk, "zzz")}))
    verb = {"captures": "captured", "exports": "exported"}[other]
    assert message.startswith(f"zzz is {verb}, but ⟨Chunk {chunk}⟩ does not")


def test_one_lost_export_is_one_error_whatever_else_is_private_inside():
    """A chunk in the chunk binds the name too; nobody outside sees that."""
    inner = ("chunk", 2, [("chunk", 3, [("set", "a", "b")]), ("set", "a", "b"), ("set", "a", "a")])
    body = [("chunk", 1, [("chunk", 4, [inner])]), ("set", "a", "a")]
    [(_, _, message)] = problems(written(body, truth(body) - {("exports", 2, "a")}))
    assert message.startswith("a is private to ⟨Chunk 2⟩")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.sampled_from(
    ["x", "y", " ", "\n", "    ", "=", "(", ")", ":", "def f(x):", "⟨A⟩", "⟨B⟩", "'", "'''",
     "f'{x}'", "{", "}", "lambda x: y", "for x in y:", "ä", ",", "#", "class x:", "global x",
     "import x", "del y", "[x for x in y]", "\\\n", ";", "return", "try:", "except x as y:",
     "finally:", "\x0c", "\t"],
), max_size=14), min_size=3, max_size=3))
def test_any_text_is_checked_without_a_traceback(parts):
    first, a, b = map("".join, parts)
    text = document(f"# ⟨a.py⟩≡\n{first}⟨A⟩", f"# ⟨A⟩≡\n#| captures: x\n#| exports: y\n{a}⟨B⟩",
                    f"# ⟨B⟩≡\n#| exports: x\n{b.replace('⟨A⟩', '')}".replace("⟨B⟩", ""))
    web = Web(text.encode())
    if not web.problems:
        lines = text.split("\n")
        for problem in check(web, tangle(web)):
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


# The document.


@needs_sockets
@pytest.mark.parametrize("kind", ["captures", "exports"])
def test_wrong_declarations_in_the_document_are_found(kind):
    """All of a kind are misspelt at once; what nobody reads may well be private."""
    source = SOCKETS.read_text(encoding="utf-8")
    assert problems(source) == []
    lines, misspelt = source.split("\n"), []
    for chunk in Web(source.encode()).chunks.values():
        for part in chunk.parts:
            for word in reversed(getattr(part, kind)):
                line = lines[word.line - 1]
                lines[word.line - 1] = f"{line[: word.column - 1]}wrong{line[word.column - 1:]}"
                misspelt.append((chunk.name, word.name))
    messages = [message for _, _, message in problems("\n".join(lines))]
    verb = {"captures": "captured", "exports": "exported"}[kind]
    for chunk, name in misspelt:
        assert any(message.startswith(f"wrong{name} is {verb}, but ⟨{chunk}⟩ does not")
                   for message in messages)
        if kind == "captures":
            assert any(message.endswith(f": expected #| captures: {name}") for message in messages)
    if kind == "exports":
        assert sum("is private to" in message for message in messages) > 100
