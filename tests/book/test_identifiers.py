"""What the code of a web names: identifiers, their definitions and uses, and their places."""

from __future__ import annotations

import ast
import gc
import io
import keyword
import re
import symtable
import sys
import time
import tokenize

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pygments.lexers import CLexer
from pygments.token import Comment, Name

from weaving import ROOT

from commonweb import expansion
from commonweb.identifiers import Index
from commonweb.places import Places
from commonweb.web import Web


def index_of(text: str) -> tuple[Web, Index]:
    web = Web(text.encode())
    assert not web.problems
    return web, Index(web, expansion.tangle(web))


def program(code: str, file: str = "m.py", language: str = "python") -> str:
    begin, end = ("/* ", " */") if language == "c" else ("# ", "")
    return f"# S\n\n```{language}\n{begin}⟨{file}⟩≡{end}\n{code.strip(chr(10))}\n```\n"


def read(code: str, language: str = "python") -> Index:
    return index_of(program(code, "m.c" if language == "c" else "m.py", language))[1]


def check(index: Index, name: str, scope: str, kind: str, definitions: str, uses: str) -> None:
    """One identifier has the name and the scope; it is defined and used in those rows (from 0)."""
    found = [one for one in index.named.get(name, ()) if one.scope == scope]
    assert [one.kind for one in found] == [kind]
    assert " ".join(str(use.row) for use in found[0].definitions) == definitions
    assert " ".join(str(use.row) for use in found[0].uses) == uses


def check_places(web: Web, index: Index) -> None:
    """Every place holds the name, and no place is two identifiers'."""
    seen: set[tuple[int, int]] = set()
    for identifier in index.identifiers:
        assert identifier.name and (identifier.definitions or identifier.uses)
        for use in identifier.definitions + identifier.uses:
            line, column = use.place
            shown = web.lines[line - 1][column - 1 : column - 1 + use.length]
            assert shown == identifier.name, (identifier, use.place)
            assert use.place not in seen, (identifier, use.place)
            seen.add(use.place)


# Python: what binds a name, of which kind it is and to which scope it belongs.

BINDINGS = {
    "assignment": ("x = 1\nx", "x", "", "variable", "0", "1"),
    "constant": ("X_1 = 1\nX_1", "X_1", "", "constant", "0", "1"),
    "every assignment defines": ("x = 1\nx = 2\nx", "x", "", "variable", "0 1", "2"),
    "targets in a tuple": ("a, (b, *c) = 1, (2,)\nc", "c", "", "variable", "0", "1"),
    "several targets": ("a = b = 1\nb", "b", "", "variable", "0", "1"),
    "a change is a use": ("x = 1\nx += 1", "x", "", "variable", "0", "1"),
    "what is only changed": ("x += 1", "x", "", "variable", "0", ""),
    "deletion is a use": ("x = 1\ndel x", "x", "", "variable", "0", "1"),
    "annotation": ("x: int\nx", "x", "", "variable", "0", "1"),
    "annotation with a value": ("x: int = 1\nx", "x", "", "variable", "0", "1"),
    "walrus": ("if (x := 1):\n    x", "x", "", "variable", "0", "1"),
    "for": ("for x in []:\n    x", "x", "", "variable", "0", "1"),
    "with": ("with open('') as x:\n    x", "x", "", "variable", "0", "1"),
    "except": ("try:\n    1\nexcept OSError as x:\n    x", "x", "", "variable", "2", "3"),
    "except of a short name": ("try:\n    1\nexcept A as s:\n    s", "s", "", "variable", "2",
                               "3"),
    "except over two lines": (
        "try:\n    1\nexcept (A,\n        B) as A_B:\n    A_B", "A_B", "", "constant", "3", "4"),
    "import": ("import os\nos", "os", "", "module", "0", "1"),
    "import of a part": ("import os.path\nos.path", "os", "", "module", "0", "1"),
    "import as": ("import os.path as x\nx", "x", "os", "module", "0", "1"),
    "from import": ("from time import sleep\nsleep", "sleep", "time", "external", "0", "1"),
    "from import as": ("from time import sleep as x\nx", "x", "time", "external", "0", "1"),
    "what is imported as": ("from time import sleep as x", "sleep", "time", "external", "", "0"),
    "an import with a replacement": (
        "try:\n    import x\nexcept ImportError:\n    x = None", "x", "", "variable", "1 3", ""),
    "function": ("def f(): pass\nf()", "f", "", "function", "0", "1"),
    "function over two lines": ("def \\\n  f(): pass\nf()", "f", "", "function", "1", "2"),
    "decorated function": ("@d\ndef d(): pass", "d", "", "function", "1", "0"),
    "async function": ("async def f(): pass\nf()", "f", "", "function", "0", "1"),
    "async function called nc": ("async def nc(): pass\nnc()", "nc", "", "function", "0", "1"),
    "class": ("class C: pass\nC()", "C", "", "class", "0", "1"),
    "parameters": ("def f(a, /, b, *c, d, **e):\n    a, b, c, d, e", "a", "f", "parameter", "0",
                   "1"),
    "last parameter": ("def f(a, /, b, *c, d, **e):\n    a, b, c, d, e", "e", "f", "parameter",
                       "0", "1"),
    "local": ("def f():\n    x = 1\n    x", "x", "f", "local", "1", "2"),
    "local of an inner one": ("def f():\n    def g():\n        x = 1\n        x", "x", "f.g",
                              "local", "2", "3"),
    "inner function": ("def f():\n    def g(): pass\n    g()", "g", "f", "function", "1", "2"),
    "lambda": ("g = lambda x: x", "x", "<lambda>", "parameter", "0", "0"),
    "comprehension": ("[x for x in []]", "x", "", "local", "0", "0"),
    "match capture": ("match 1:\n    case x:\n        x", "x", "", "variable", "1", "2"),
    "match as": ("match 1:\n    case int() as x:\n        x", "x", "", "variable", "1", "2"),
    "match star": ("match 1:\n    case [1, *x]:\n        x", "x", "", "variable", "1", "2"),
    "match rest": ("match 1:\n    case {'x': 1, **x}:\n        x", "x", "", "variable", "1", "2"),
    "global": ("def f():\n    global x\n    x = 1\nx", "x", "", "variable", "2", "1 3"),
    "nonlocal": ("def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2", "x", "f",
                 "local", "1 4", "3"),
    "nonlocal, bound later": (
        "def f():\n    def g():\n        nonlocal x\n        x = 2\n    x = 1", "x", "f",
        "local", "3 4", "2"),
    "builtin": ("len('')", "len", "builtins", "external", "", "0"),
    "unknown": ("nobody", "nobody", "", "external", "", "0"),
    "method": ("class C:\n    def m(self): pass\nC().m", "m", "C", "method", "1", "2"),
    "property": ("class C:\n    @property\n    def p(self): pass\n    @p.setter\n"
                 "    def p(self, v): pass", "p", "C", "attribute", "2 4", "3"),
    "class attribute": ("class C:\n    x = 1\nC.x", "x", "C", "attribute", "1", "2"),
    "class constant": ("class C:\n    X: int\nC.X = 1", "X", "C", "constant", "1 2", ""),
    "attribute of self": (
        "class C:\n    def __init__(self):\n        self.x = 1\n    def m(self):\n"
        "        return self.x", "x", "C", "attribute", "2", "4"),
    "declared attribute": (
        "class C:\n    x: int\n    def __init__(self):\n        self.x = 1", "x", "C",
        "attribute", "1", "3"),
    "slot": ("class C:\n    __slots__ = ('x',)\n    def m(self):\n        return self.x", "x",
             "C", "attribute", "1", "3"),
    "declared slot": ("class C:\n    __slots__ = ('x',)\n    x: int", "x", "C", "attribute", "2",
                      "1"),
    "changed attribute": (
        "class C:\n    x = 1\n    def m(self):\n        self.x += 1", "x", "C", "attribute",
        "1", "3"),
    "__all__": ("__all__ = ['f']\ndef f(): pass", "f", "", "function", "1", "0"),
}


@pytest.mark.parametrize("case", BINDINGS.values(), ids=BINDINGS.keys())
def test_python_binds_a_name(case):
    code, *expected = case
    check(read(code), *expected)


NEW = {
    "type parameter": ("def f[T](x: T) -> T: pass", "T", "", "type", "0", "0 0"),
    "type alias": ("type X = int\nX", "X", "", "type", "0", "1"),
    "type parameter of a class": ("class C[T]:\n    x: T", "T", "", "type", "0", "1"),
    "generic methods do not see the class": (
        "x = 1\nclass C:\n    x = 2\n    def m[T](self): return x", "x", "", "variable", "0", "3"),
    "but their bounds do": ("class C:\n    x = int\n    def m[T: x](self): pass", "x", "C",
                            "attribute", "1", "2"),
    "bound of a type parameter": ("class B: pass\ndef f[T: B](x): pass", "B", "", "class", "0",
                                  "1"),
}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12's syntax")
@pytest.mark.parametrize("case", NEW.values(), ids=NEW.keys())
def test_python_binds_a_type(case):
    code, *expected = case
    check(read(code), *expected)


# Python: which binding a use means.

USES = {
    "a local hides": ("x = 1\ndef f():\n    x = 2\n    return x", "x", "", "variable", "0", ""),
    "a parameter hides": ("x = 1\ndef f(x): return x", "x", "", "variable", "0", ""),
    "a default is evaluated outside": ("x = 1\ndef f(x=x): pass", "x", "", "variable", "0", "1"),
    "an annotation too": ("x = 1\ndef f(x: x) -> x: pass", "x", "", "variable", "0", "1 1"),
    "an inner function reads": ("def f(x):\n    def g(): return x", "x", "f", "parameter", "0",
                                "1"),
    "methods do not see the class": ("x = 1\nclass C:\n    x = 2\n    def m(self): return x",
                                     "x", "", "variable", "0", "3"),
    "the class sees itself": ("x = 1\nclass C:\n    x = 2\n    y = x", "x", "C", "attribute", "2",
                              "3"),
    "a comprehension in a class does not": (
        "x = 1\nclass C:\n    x = 2\n    y = [x for _ in z]", "x", "", "variable", "0", "3"),
    "but its first iterable does": (
        "x = 1\nclass C:\n    x = 2\n    y = [_ for _ in x]", "x", "C", "attribute", "2", "3"),
    "a walrus leaves the comprehension": (
        "def f():\n    [y := 1 for _ in z]\n    return y", "y", "f", "local", "1", "2"),
    "a global is seen through": (
        "x = 1\ndef f():\n    global x\n    def g(): return x", "x", "", "variable", "0", "2 3"),
    "what is global in a class is not in its functions": (
        "def f(x):\n    class C:\n        global x\n        g = lambda: x", "x", "f",
        "parameter", "0", "3"),
    "used before it is defined": ("def f(): return g()\ndef g(): pass", "g", "", "function", "1",
                                  "0"),
    "in an f-string": ("x = 1\nf'{x} {x!r:>{x}}'", "x", "", "variable", "0", "1 1 1"),
    "in an f-string, not its text": ("x = 1\nf'x x {x}'", "x", "", "variable", "0", "1"),
    "a keyword is a parameter": ("def f(x): pass\nf(x=1)", "x", "f", "parameter", "0", "1"),
    "a keyword of a class": (
        "class C:\n    def __init__(self, x): pass\nC(x=1)", "x", "C.__init__", "parameter", "1",
        "2"),
    "a keyword of fields": ("class C:\n    x: int\nC(x=1)", "x", "C", "attribute", "1", "2"),
    "an attribute of an instance": ("class C:\n    x = 1\nclass D:\n    x = 1\nc = D()\nc.x", "x",
                                    "D", "attribute", "3", "5"),
    "of what a call has made": (
        "class C:\n    x = 1\nclass D:\n    x = 1\nclass E:\n    def __init__(self):\n"
        "        self.d = D()\n    def m(self): self.d.x", "x", "D", "attribute", "3", "7"),
    "of a caught error": (
        "class C(OSError):\n    x = 1\nclass D:\n    x = 1\ntry:\n    1\nexcept C as d:\n    d.x",
        "x", "C", "attribute", "1", "7"),
    "of one of two caught errors": (
        "class C(OSError):\n    x = 1\nclass D(OSError):\n    y = 1\ntry:\n    1\n"
        "except C as d:\n    1\nexcept D as d:\n    d.y", "y", "D", "attribute", "3", "9"),
    "of either value": (
        "class C:\n    x = 1\nclass D:\n    x = 1\nc = C()\nc = D()\nc.x", "x", "", "attribute",
        "", "6"),
    "of a value that is not known": (
        "class C:\n    x = 1\nclass D:\n    x = 1\nc = C()\nfor c in z:\n    c.x", "x", "",
        "attribute", "", "6"),
    "inherited": ("class C:\n    x = 1\nclass D(C): pass\nD().x", "x", "C", "attribute", "1", "3"),
    "of super": ("class C:\n    def m(self): pass\nclass D(C):\n    def m(self): super().m()",
                 "m", "C", "method", "1", "3"),
    "of the only class": ("class C:\n    x = 1\ndef f(c): c.x", "x", "C", "attribute", "1", "2"),
    "of one family": ("class C:\n    x = 1\nclass D(C):\n    x = 2\ndef f(c): c.x", "x", "C",
                      "attribute", "1", "4"),
    "of two classes, not known": ("class C:\n    x = 1\nclass D:\n    x = 2\ndef f(c): c.x", "x",
                                  "", "attribute", "", "4"),
    "of a module": ("class C:\n    path = 1\nimport os\nos.path.sep", "path", "os", "external", "",
                    "3"),
    "of a builtin class": ("class C:\n    join = 1\nx = str(1)\nx.join", "join", "", "attribute",
                           "", "3"),
    "of a caught builtin": (
        "class C:\n    args = 1\ntry:\n    1\nexcept OSError as x:\n    x.args", "args", "",
        "attribute", "", "5"),
    "of a string": ("class C:\n    join = 1\n''.join('')", "join", "", "attribute", "", "2"),
    "a private one": ("class C:\n    def m(self): self.__x = 1\n    def n(self): self.__x", "__x",
                      "C", "attribute", "1", "2"),
    "of what is annotated": ("class C:\n    x = 1\nclass D:\n    x = 2\ndef f(a, d: D): d.x", "x",
                             "D", "attribute", "3", "4"),
    "of what anything annotates": ("class C:\n    x = 1\ndef f(c: object): c.x", "x", "C",
                                   "attribute", "1", "2"),
    "of what a foreign class annotates": (
        "import z\nclass C:\n    x = 1\ndef f(c: z.C): c.x", "x", "", "attribute", "", "3"),
    "of many that are annotated": ("class C:\n    x = 1\ndef f(*c: D): c.x\nclass D:\n    y = 1",
                                   "x", "C", "attribute", "1", "2"),
    "of another value than the annotated": (
        "class C:\n    x = 1\nclass D:\n    y = 2\ndef f(d: D):\n    d = z()\n    d.x", "x", "C",
        "attribute", "1", "6"),
    "that every class has": ("class C:\n    __doc__ = ''\ndef f(c): c.__doc__", "__doc__", "",
                             "attribute", "", "2"),
    "a value that is defined by itself": ("x = x.y\nx.y", "y", "", "attribute", "", "0 1"),
}


@pytest.mark.parametrize("case", USES.values(), ids=USES.keys())
def test_python_use_means(case):
    code, *expected = case
    check(read(code), *expected)


NAMES = st.sampled_from("abc")
SIMPLE = st.one_of(
    st.tuples(st.sampled_from(["use", "assign", "change", "walrus", "delete", "for", "except",
                               "annotate"]), NAMES),
    st.tuples(st.sampled_from(["lambda", "comprehension", "inner walrus"]), NAMES, NAMES, NAMES),
)
BODY = st.recursive(
    st.lists(SIMPLE, min_size=1, max_size=4),
    lambda body: st.lists(st.one_of(SIMPLE, st.tuples(
        st.sampled_from(["function", "class"]), st.lists(NAMES, max_size=2, unique=True), NAMES,
        st.lists(st.tuples(st.sampled_from(["global", "nonlocal"]), NAMES), max_size=1),
        body)), min_size=1, max_size=4),
    max_leaves=12,
)
TEXTS = {
    "use": "{}", "assign": "{} = 0", "change": "{} += 0", "walrus": "({} := 0)",
    "delete": "del {}", "for": "for {} in (): pass",
    "except": "try: pass\n{indent}except OSError as {}: pass", "annotate": "{}: int",
    "lambda": "lambda {}, p={}: {}", "comprehension": "[{0} for {1} in {2}]",
    "inner walrus": "[({0} := {1}) for _ in {2}]",
}


def render(body: list, lines: list[str], indent: str = "") -> None:
    for kind, *rest in body:
        if kind in ("function", "class"):
            parameters, default, declared, inner = rest
            head = f"({', '.join(parameters)}, *, k={default})" if kind == "function" else (
                f"({default})")
            word = "def" if kind == "function" else "class"
            lines.append(f"{indent}{word} n{len(lines)}{head}:")
            lines += [f"{indent}  {where} {name}" for where, name in declared]
            render(inner, lines, indent + "  ")
        else:
            lines += (indent + TEXTS[kind].format(*rest, indent=indent)).split("\n")


def meanings(code: str) -> dict[tuple[int, int], tuple[int, str]]:
    """For the place of every name its table in `symtable`, as a number, and itself.

    Python 3.12 and later have a table for a generator, but not for a comprehension in a list.
    """
    code = code.replace("[", "(").replace("]", ")")
    found: dict[tuple[int, int], tuple[int, str]] = {}

    def owner(table, above, name):
        symbol = table.lookup(name)
        if table.get_type() == "module" or symbol.is_global():
            return 0, name
        if symbol.is_local():
            return table.get_id(), name
        for outer in reversed(above):
            if outer.get_type() == "function" and name in outer.get_identifiers() and (
                    outer.lookup(name).is_local()):
                return outer.get_id(), name
        raise AssertionError(name)

    def walk(node, table, above):
        if isinstance(node, ast.Name) and node.id in "abc":
            found[node.lineno, node.col_offset] = owner(table, above, node.id)
        elif isinstance(node, ast.arg) and node.arg in "abc":
            found[node.lineno, node.col_offset] = owner(table, above, node.arg)
        elif isinstance(node, ast.ExceptHandler):
            found[node.lineno, node.type.end_col_offset + 4] = owner(table, above, node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found[node.lineno, node.col_offset + len(type(node).__name__) + 1] = (
                owner(table, above, node.names[0]))
        inner, outside = table, []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)):
            [inner] = [one for one in table.get_children() if one.get_lineno() == node.lineno
                       and one.get_type() in ("function", "class")]
            if isinstance(node, ast.GeneratorExp):
                outside = [node.generators[0].iter]
            elif isinstance(node, ast.ClassDef):
                outside = node.bases
            else:
                outside = node.args.defaults + node.args.kw_defaults
        for child in ast.iter_child_nodes(node):
            walk_in(child, inner, outside, table, above)

    def walk_in(node, inner, outside, table, above):
        if node in outside:
            walk(node, table, above)
        elif isinstance(node, (ast.comprehension, ast.arguments)) and outside:
            for child in ast.iter_child_nodes(node):
                walk_in(child, inner, outside, table, above)
        else:
            walk(node, inner, above if inner is table else [*above, table])

    walk(ast.parse(code), symtable.symtable(code, "m", "exec"), [])
    return found


@settings(max_examples=300, deadline=None)
@given(BODY)
def test_names_belong_to_the_scopes_that_symtable_says(body):
    lines: list[str] = []
    render(body, lines)
    code = "\n".join(lines)
    try:
        compile(code, "m", "exec")
    except SyntaxError:
        assume(False)
    expected: dict[tuple[int, str], set[tuple[int, int]]] = {}
    for place, meaning in meanings(code).items():
        expected.setdefault(meaning, set()).add(place)
    index = read(code)
    actual: dict[int, set[tuple[int, int]]] = {}
    [part] = {use.part for one in index.identifiers for use in one.definitions + one.uses} or [None]
    for mark in index.marks.get(part, ()):
        if mark.identifier.name in "abc":
            actual.setdefault(id(mark.identifier), set()).add((mark.use.row + 1, mark.use.offset))
    assert sorted(map(sorted, actual.values())) == sorted(map(sorted, expected.values()))


@settings(deadline=None)
@given(st.text("abc.()=:[]{}\"' \n\t#defclassλ⟨é", max_size=60))
def test_no_text_stops_the_index(text):
    for file, language in (("m.py", "python"), ("m.c", "c")):
        web = Web(program(text, file, language).encode())
        if not web.problems:
            check_places(web, Index(web, expansion.tangle(web)))


# Several files.


def files(codes: dict[str, str]) -> str:
    return "".join(program(code, name + ".py") for name, code in codes.items())


def test_what_one_file_imports_from_another_is_one_identifier():
    _, index = index_of(files({
        "pack/__init__": "from .inner import f\n__all__ = ['f']",
        "pack/inner": "#| exports: f\ndef f(x): pass",
        "user": "import pack\nfrom pack import f\nf(x=1)\npack.f()",
    }))
    [found] = index.named["f"]
    assert (found.file, found.kind, found.public) == ("pack/inner.py", "function", True)
    assert len(found.definitions) == 1
    assert [use.section.number for use in found.uses] == ["1", "1", "3", "3", "3"]
    [parameter] = index.named["x"]
    assert len(parameter.uses) == 1


def test_imports_are_followed_through_stars_and_other_names():
    _, index = index_of(files({
        "a": "def f(): pass", "b": "from a import *", "c": "from b import f as h\nh()",
    }))
    [f] = index.named["f"]
    assert [use.section.number for use in f.definitions + f.uses] == ["1", "3"]
    assert [use.section.number for use in index.named["h"][0].uses] == ["3"]


def test_imports_in_a_circle_end():
    _, index = index_of(files({"a": "from b import f\nf()", "b": "from a import f"}))
    assert all(one.kind == "external" for one in index.named["f"])


def test_an_external_module_is_the_same_in_all_files():
    _, index = index_of(files({"a": "import os\nos.sep", "b": "import os\nos.sep"}))
    [module], [attribute] = index.named["os"], index.named["sep"]
    assert (len(module.definitions), len(module.uses), len(attribute.uses)) == (2, 2, 2)


def test_an_attribute_is_not_that_of_a_class_that_its_file_does_not_know():
    _, index = index_of(files({"a": "class C:\n    data = 1", "b": "def f(x): x.data"}))
    assert [(one.scope, len(one.uses)) for one in index.named["data"]] == [("C", 0), ("", 1)]


def test_a_file_that_is_not_python_hides_nothing_of_the_others():
    web, index = index_of(files({"a": "def f(:", "b": "g = 1"}))
    assert [one.name for one in index.identifiers] == ["g"]
    check_places(web, index)


@pytest.mark.parametrize("code", [
    "x = " + "(" * 500 + "1" + ")" * 500, "x = " + "1 + " * 5000 + "x", "x" + ".y()" * 3000,
    "x = 1\n" + "".join([f"x{n + 1} = x{n}.y\n" for n in range(2000)]) + "x = 2",
    "class C0: pass\n" + "".join([f"class C{n + 1}(C{n}): pass\n" for n in range(1500)])
    + "C1500().y",
], ids=["parentheses", "sums", "calls", "values", "bases"])
def test_depth_ends_in_no_error(code):
    web, index = index_of(program(code))
    check_places(web, index)


# C.

C_CASES = {
    "function": ("int f(void) { return 0; }\nint g(void) { return f(); }", "f", "", "function",
                 "0", "1"),
    "a name with a dollar": ("int f$x(void) { return 0; }", "f$x", "", "function", "0", ""),
    "a field called defined": ("struct s { int defined; };", "defined", "s", "field", "0", ""),
    "function of a pointer": ("char *f(void) { return 0; }", "f", "", "function", "0", ""),
    "a prototype is a use": ("int f(int);\nint f(int a) { return a; }", "f", "", "function", "1",
                             "0"),
    "a prototype alone": ("int f(int a);\nint g(void) { return f(1); }", "f", "", "function", "0",
                          "1"),
    "macro before a type": ("#define API\nAPI int f(void) { return 0; }", "API", "", "macro", "0",
                            "1"),
    "variable": ("static int x = 1;\nint f(void) { return x; }", "x", "", "variable", "0", "1"),
    "extern variable": ("extern int x;\nint x;", "x", "", "variable", "1", "0"),
    "pointer to functions": ("int (*p)(int q);\nint f(void) { return p(1); }", "p", "", "variable",
                             "0", "1"),
    "array": ("int a[3];\nint f(void) { return a[0]; }", "a", "", "variable", "0", "1"),
    "parameter": ("int f(int a, char *b)\n{\n    return a + *b;\n}", "b", "f", "parameter", "0",
                  "2"),
    "local": ("int f(void)\n{\n    int a = 1, *b = &a;\n    return *b;\n}", "b", "f", "local", "2",
              "3"),
    "loop": ("void f(void)\n{\n    for (int i = 0; i < 3; i++)\n        ;\n}", "i", "f", "local",
             "2", "2 2"),
    "a local hides": ("int x;\nint f(void) { int x = 1; return x; }", "x", "", "variable", "0", ""),
    "typedef": ("typedef int t;\nt x;", "t", "", "type", "0", "1"),
    "typedef in branches": ("#ifdef A\ntypedef int t;\n#else\ntypedef long t;\n#endif\nt x;", "t",
                            "", "type", "1 3", "5"),
    "tag": ("struct s { int a; };\nstruct s x;", "s", "", "type", "0", "1"),
    "union": ("union u { int a; };\nunion u x;", "u", "", "type", "0", "1"),
    "field": ("struct s { int a; };\nint f(struct s *x) { return x->a; }", "a", "s", "field", "0",
              "1"),
    "field of one of two": (
        "struct s { int a; };\nstruct t { int a; };\nint f(struct t *x) { return x->a; }", "a", "t",
        "field", "1", "2"),
    "field through a typedef": (
        "typedef struct { int a; } s;\nstruct t { int a; };\nint f(s x) { return x.a; }", "a", "s",
        "field", "0", "2"),
    "field through a name for a tag": (
        "struct s { int a; };\nstruct t { int a; };\ntypedef struct s u;\n"
        "int f(u x) { return x.a; }", "a", "s", "field", "0", "3"),
    "field of a foreign structure": (
        "struct s { int a; };\nint f(struct foreign *x) { return x->a; }", "a", "", "field", "",
        "1"),
    "designator": ("struct s { int a; };\nstruct s x = { .a = 1 };", "a", "s", "field", "0", "1"),
    "macro that the grammar knows": (
        "struct s { int a; };\nint x = offsetof(struct s, a);", "offsetof", "", "external", "",
        "1"),
    "enumerator": ("enum e { A, B = A };\nint x = B;", "B", "", "constant", "0", "1"),
    "macro": ("#define M 1\nint x = M;", "M", "", "macro", "0", "1"),
    "macro in branches": ("#ifndef M\n#define M 1\n#else\n#undef M\n#define M 2\n#endif", "M", "",
                          "macro", "1 4", "0 3"),
    "macro with parameters": ("#define M(a, b) ((a) + \\\n    (a) * (b))\nint x = M(1, 2);", "a",
                              "M", "parameter", "0", "0 1"),
    "names in a macro": ("static int x;\n#define M(y) (x + y /* x */ + 'x') // x\n", "x", "",
                         "variable", "0", "1"),
    "strings in a macro": ('int x;\n#define M "x \\" x" x', "x", "", "variable", "0", "1"),
    "field in a macro": ("struct s { int a; };\n#define M(p) ((p)->a)", "a", "s", "field", "0",
                         "1"),
    "tag in a macro": ("struct s { int a; };\n#define M (struct s *) 0", "s", "", "type", "0", "1"),
    "condition": ("#define M 1\n#if defined M && M > 0\n#endif", "M", "", "macro", "0", "1 1"),
    "macro for operators": (
        "#define ROWS(R) R(a) R(b)\n#define MORE(R) R(c)\n#define PLUS(x) + x\nint f(void)\n{\n"
        "    return 1 ROWS(PLUS) MORE(PLUS) ROWS(PLUS)\n        MORE(PLUS);\n}", "MORE", "",
        "macro", "1", "5 6"),
    "label": ("void f(void)\n{\nagain:\n    goto again;\n}", "again", "f", "label", "2", "3"),
    "function of a library": ("int f(void) { return poll(0, 0, 0); }", "poll", "", "external", "",
                              "0"),
    "type of a library": ("socklen_t x;", "socklen_t", "", "external", "", "0"),
    "type that the grammar knows": ("size_t x;", "size_t", "", "external", "", "0"),
    "statements as arguments": ("#define G(e) e\nint f(int a)\n{\n    G(a = 1;\n      a = 2);\n"
                                "    return a;\n}", "a", "f", "parameter", "1", "3 4 5"),
}


@pytest.mark.parametrize("case", C_CASES.values(), ids=C_CASES.keys())
def test_c_name(case):
    code, *expected = case
    check(read(code, "c"), *expected)


def test_c_keywords_are_no_identifiers():
    index = read("#define N NULL\nstatic const int *f(void) { return sizeof(int) ? 0 : N; }", "c")
    assert sorted(index.named) == ["N", "f"]


@pytest.mark.parametrize(("code", "names"), [
    ("void f ARGS((char*));", "ARGS f"), ("int f __P((const char *));", "__P f"),
    ("int f ARGS((int));", "ARGS f"), ("int f ARGS((t *, struct s *));", "ARGS f s t"),
    ("typedef int f ARGS((void));", "ARGS f"), ("struct s { int f ARGS((int)); };", "ARGS f s"),
    ("void f ARGS((int a, char *b));", "ARGS f"), ("static int f _((void));\nint n;", "_ f n"),
])
def test_a_macro_around_a_prototypes_parameters_leaves_only_names_of_the_code(code, names):
    web, index = index_of(program(code, "m.c", "c"))
    check_places(web, index)
    assert sorted(index.named) == sorted(names.split())
    assert {one.kind for one in index.named["f"]} <= {"function", "type", "field"}


def test_functions_are_the_programs_unless_static_and_headers_are_shared():
    text = program("int f(void);\n#define M 1", "a.h", "c") + program(
        "int f(void) { return M; }\nstatic int g(void) { return 0; }", "a.c", "c") + program(
        "int h(void) { return f() + g() + M; }", "b.c", "c")
    _, index = index_of(text)
    [f], [m] = index.named["f"], index.named["M"]
    assert ([use.section.number for use in f.definitions], len(f.uses)) == (["2"], 2)
    assert len(m.uses) == 2
    assert sorted(one.kind for one in index.named["g"]) == ["external", "function"]


def test_fields_are_those_of_the_files_own_structures_and_of_headers():
    text = program("struct a { int x; };", "a.c", "c") + program(
        "struct h { int y; };", "h.h", "c") + program(
        "int f(void) { return g()->x + g()->y; }", "b.c", "c")
    _, index = index_of(text)
    assert [(one.scope, len(one.uses)) for one in index.named["x"]] == [("a", 0), ("", 1)]
    assert [(one.scope, len(one.uses)) for one in index.named["y"]] == [("h", 1)]


# Places.


def test_columns_count_characters_in_either_language():
    web, index = index_of(program('é = "ü"; x = é + "漢字"; x') + program(
        'char *a = "漢字"; char *b = "é"; char *c = b;\n#define é "ö" b', "m.c", "c"))
    check_places(web, index)
    assert [use.offset for use in index.named["x"][0].uses] == [23]
    assert len(index.named["b"][0].uses) == 2


def test_fences_in_lists_and_quotes_have_their_own_margins():
    web, index = index_of(
        "# S\n\n1. A list:\n\n   ```python\n   # ⟨m.py⟩≡\n   x = 1\n   if x:\n       ⟨Inner⟩\n"
        "   ```\n\n> ```python\n> # ⟨Inner⟩≡\n> y = x\n> ```\n")
    check_places(web, index)
    assert [use.place for use in index.named["x"][0].definitions] == [(7, 4)]
    assert [use.place for use in index.named["x"][0].uses] == [(8, 7), (14, 7)]
    assert [use.row for use in index.named["y"][0].definitions] == [0]


TWICE = """# A

```python
# ⟨m.py⟩≡
def f(a):
    ⟨Body⟩
    return b


def g(a):
    ⟨Body⟩
    return b
```

# B

```python
# ⟨Body⟩≡
b = a
c = b
```
"""


def test_a_chunk_used_twice_has_each_place_once():
    web, index = index_of(TWICE)
    check_places(web, index)
    # What is bound at one place is one thing, and is used by both of those around it.
    [b] = index.named["b"]
    assert [use.place for use in b.definitions] == [(19, 1)]
    assert [use.place for use in b.uses] == [(7, 12), (12, 12), (20, 5)]
    # What they bind themselves are two; the chunk uses the first.
    assert [len(one.uses) for one in index.named["a"]] == [1, 0]


def test_names_made_of_pieces_are_left_out():
    web, index = index_of("# A\n```python\n# ⟨m.py⟩≡\na⟨B⟩ = 1\n```\n```python\n# ⟨B⟩≡\nb\n```\n")
    check_places(web, index)
    assert index.identifiers == []


def test_exported_is_what_the_chunk_that_binds_it_exports():
    _, index = index_of(program("#| exports: f, C\ndef f(x): pass\ndef g(): pass\nclass C:\n"
                                "    def f(self): pass"))
    assert [one.name for one in index.identifiers if one.exported] == ["C", "f"]


# Sections, and names in prose.

PROSE = """# First

```python
# ⟨m.py⟩≡
#| exports: f, C
import os

class C:
    size = len = 1
    X = 2

    def m(self, count): return count

def f(sock: C, size):
    total = os.sep
    return total

⟨Rest⟩
```

# Second

```python
# ⟨Rest⟩≡
class D:
    X = 3
    only = 1

def g(): return f(C(), 1).m
```

# Third

```c
/* ⟨m.c⟩≡ */
#define GUARD(x) x
struct frame { int length; };
int f(int total) { return GUARD(total); }
```
"""


@pytest.mark.parametrize(("name", "section", "expected"), [
    ("f", 0, "function f"), ("f()", 0, "function f"), ("f(sock, size)", 1, "function f"),
    ("C", 1, "class C"), ("C.size", 1, "attribute size of C"), ("C.m()", 2, "method m of C"),
    ("sock.size", 0, "attribute size of C"), ("size", 0, "attribute size of C"),
    ("C.X", 2, "constant X of C"), ("D.X", 0, "constant X of D"), ("X", 0, "constant X of C"),
    ("X", 1, "constant X of D"), ("X", 2, None), ("total", 0, "local total of f"),
    ("total", 1, None), ("total", 2, "parameter total of f"),
    ("count", 0, "parameter count of C.m"),
    ("only", 2, "attribute only of D"), ("GUARD", 0, "macro GUARD"), ("f", 2, "c function f"),
    ("struct frame", 0, "type frame"), ("frame->length", 1, "field length of frame"),
    ("os", 0, None), ("os.sep", 0, None), ("os.size", 0, None), ("f(2)", 0, None),
    ("len", 0, "attribute len of C"), ("len", 1, None), ("C.len", 1, "attribute len of C"),
    ("nobody", 0, None), ("a b", 0, None), ("", 0, None),
    ("f(", 0, None), ("self", 1, None),
])
def test_a_name_in_prose_means(name, section, expected):
    web, index = index_of(PROSE)
    found = index.find(name, web.sections[section])
    assert (expected or "None") in repr(found) if found else expected is None


def test_elsewhere_are_the_names_that_a_section_uses_and_others_define():
    web, index = index_of(PROSE)
    names = [[repr(one)[1:-1] for one in index.elsewhere(section)] for section in web.sections]
    assert names == [
        [], ["python class C", "python function f", "python method m of C"], []]


def test_marks_are_in_the_order_of_the_text():
    web, index = index_of(PROSE)
    [part] = web.chunks["Rest"].parts
    assert [(mark.identifier.name, mark.defines) for mark in index.marks[part]] == [
        ("D", True), ("X", True), ("only", True), ("g", True), ("f", False), ("C", False),
        ("m", False)]


# The document.


@pytest.fixture(scope="module")
def document() -> tuple[Web, dict[str, bytes], Index]:
    web = Web((ROOT / "sockets.md").read_bytes())
    outputs = expansion.tangle(web)
    return web, outputs, Index(web, outputs)


def test_every_place_in_the_document_holds_its_name(document):
    web, _, index = document
    check_places(web, index)


DEFINES = {
    "function": r"(?:def |:= ?|\b[\w*]+ \**){}\(|^\s*\[?{}\]? = ",
    "class": r"class {}[(:]|\b{}\b.* = fast\.",
    "method": r"def {}\(", "macro": r"# *define {}\b", "module": "import {}",
    "parameter": r"[(,*\s]{}\b", "constant": r"\b{}(?:: |,|$|.* =)|import {}$", "type": r"\b{}\b",
    "variable": r"\b{}\b.*(?:=|:)|^\w.* as {}:|\b{}\b", "field": r"[ *]{}[;,\[)]",
}


def test_every_definition_in_the_document_looks_like_one(document):
    web, _, index = document
    macros = {one.name for one in index.identifiers if one.kind == "macro"}
    for identifier in index.identifiers:
        if identifier.kind != "macro" and identifier.name in macros:
            continue  # one that stands for an operator too, of which the grammar knows nothing
        pattern = DEFINES.get(identifier.kind, r"\b{}\b").replace("{}", re.escape(identifier.name))
        for use in identifier.definitions:
            assert re.search(pattern, web.lines[use.place[0] - 1]), identifier


def public_names() -> list[str]:
    tree = ast.parse((ROOT / "generated/sockets/__init__.py").read_text())
    [names] = [node.value for node in tree.body
               if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"]
    return ast.literal_eval(names)


@pytest.mark.parametrize("name", public_names())
def test_a_public_name_is_one_identifier_with_a_definition(document, name):
    web, _, index = document
    [found] = [one for one in index.named[name] if one.public]
    assert found.file == "sockets/_sockets.py"
    assert found.kind in ("function", "class", "constant")
    assert found.exported
    overloads = 2 if name == "or_raise" else 0  # each of which defines it as well
    assert len(found.definitions) == 1 + overloads
    assert found.uses
    assert all(index.find(name, section) is found for section in web.sections)


def test_nothing_but_public_names_is_public(document):
    _, _, index = document
    assert sorted(one.name for one in index.identifiers if one.public) == sorted(public_names())


def marked(index: Index) -> set[tuple[int, int]]:
    return {use.place for one in index.identifiers for use in one.definitions + one.uses}


def test_no_name_of_the_documents_python_is_left_out(document):
    web, outputs, index = document
    places = marked(index)
    for file, data in outputs.items():
        if not file.endswith((".py", ".pyi")):
            continue
        source, missing, before = Places(web, file, data.decode()), set(), ""
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            converts, before = before == "!", token.string  # as `!r` in an f-string does
            if token.type == tokenize.NAME and not keyword.iskeyword(token.string) and not converts:
                part, row, offset = source.spot(token.string, *token.start)
                if part.place(row, offset) not in places:
                    missing.add((token.start, token.string))
        # Keywords of functions that are not ours, and the modules that `from` names.
        excused = set()
        for node in ast.walk(ast.parse(source.text)):
            if isinstance(node, ast.keyword):
                excused.add(((node.lineno, node.col_offset), node.arg))
            elif isinstance(node, ast.ImportFrom):
                excused |= {found for found in missing if found[0][0] == node.lineno
                            and found[1] in (node.module or "").split(".")}
        assert missing <= excused


def test_no_name_of_the_documents_c_is_left_out(document):
    web, outputs, index = document
    places = marked(index)
    for file, data in outputs.items():
        if not file.endswith(".c"):
            continue
        source = Places(web, file, data.decode())
        for start, kind, text in CLexer(stripnl=False).get_tokens_unprocessed(source.text):
            if kind in Name and kind not in Comment and kind is not Name.Builtin:
                line = source.text.count("\n", 0, start) + 1
                column = start - (source.text.rfind("\n", 0, start) + 1)
                part, row, offset = source.spot(text, line, column)
                assert part.place(row, offset) in places, (line, text)


@pytest.mark.parametrize(("name", "number", "expected"), [
    ("bind_socket", "43", "python function bind_socket"), ("Socket", "1", "python class Socket"),
    ("sock._foreign", "49", "python attribute _foreign of SocketBase"),
    ("GUARD", "45", "c macro GUARD"),
    ("bind_socket()", "1", "python function bind_socket"),
    ("SocketDomain.UNIX", "1", "python constant UNIX of SocketDomain"),
    ("recvfrom_block", "57", "python variable recvfrom_block"),
    ("recvfrom_block", "86", "c function recvfrom_block"),
    ("foreign_frame", "100", "c type foreign_frame"), ("selectors", "1", None),
])
def test_prose_of_the_document_means(document, name, number, expected):
    web, _, index = document
    [section] = [section for section in web.sections if section.number == number]
    found = index.find(name, section)
    assert (found and repr(found)[1:-1]) == expected


def test_the_document_is_indexed_in_a_second(document):
    web, outputs, _ = document
    times = []
    gc.disable()  # as the weaver does
    for _ in range(3):
        start = time.process_time()
        Index(web, outputs)
        times.append(time.process_time() - start)
    gc.enable()
    assert min(times) < 1
