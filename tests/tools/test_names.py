"""The walk of names: every name of a file is told once, in its scope."""

import ast
import sys
from pathlib import Path

import pytest

import commonweb
from commonweb.names import Walk

FILES = sorted(Path(commonweb.__file__).parent.glob("*.py")) + sorted(Path(__file__).parent.glob(
    "*.py"))


class Told(Walk):
    """All that is told of names, with where it stands and in which scopes."""

    def __init__(self):
        self.facts = []
        super().__init__()

    def tell(self, what, name, node):
        scopes, scope = [], self.scope
        while scope:
            scopes.append(scope.name or scope.kind)
            scope = scope.above
        self.facts.append((what, name, (node.lineno, node.col_offset), ".".join(scopes[-2::-1])))

    def bind(self, name, node, kind="", value=None):
        self.tell(kind or "bind", name, node)

    def define(self, node, inner):
        self.tell(inner.kind, node.name, node)

    def imports(self, found):
        self.tell("import", found.name, found.node)

    def read(self, name, node):
        self.tell("read", name, node)

    def delete(self, name, node):
        self.tell("delete", name, node)

    def declare(self, name, node):
        self.tell(self.scope.outer.get(name, "global"), name, node)

    def attribute(self, node, kind="", value=None):
        self.tell("attribute", node.attr, node)


def told(code):
    walk = Told()
    walk.walk(code)
    assert walk.scope is walk.module
    assert (walk.formatted, walk.perhaps) == (None, 0)
    return walk.facts


def in_short(code):
    return [" ".join(filter(None, (what, name, scope))) for what, name, _, scope in told(code)]


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_name_and_attribute_of_a_file_is_told_once(path):
    code = path.read_text(encoding="utf-8")
    expected = []
    for node in ast.walk(ast.parse(code)):
        place = (node.lineno, node.col_offset) if hasattr(node, "lineno") else None
        if isinstance(node, ast.Name):
            expected.append(({ast.Load: "read", ast.Store: "bind", ast.Del: "delete"}[
                type(node.ctx)], node.id, place))
        elif isinstance(node, ast.arg):
            expected.append(("parameter", node.arg, place))
        elif isinstance(node, ast.Attribute):
            expected.append(("attribute", node.attr, place))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            expected.append(("read", node.target.id, (node.target.lineno, node.target.col_offset)))
    found = [({"changed": "bind", "declared": "bind"}.get(what, what), name, place)
             for what, name, place, _ in told(code)]
    kinds = ("read", "bind", "delete", "parameter", "attribute")
    assert sorted(fact for fact in found if fact[0] in kinds) == sorted(expected)


@pytest.mark.parametrize(("code", "facts"), [
    ("a = b", "read b, bind a"),
    ("a: b = c", "read b, read c, bind a"),
    ("a: b", "read b, declared a"),
    ("a += b", "read a, read b, changed a"),
    ("a.b += c", "read c, attribute b, read a"),
    ("with a as b: pass", "read a, bind b"),
    ("for a in b: c", "read b, bind a, read c"),
    ("import a.b, c as d", "import a, import d"),
    ("from a import b, c as d", "import b, import d"),
    ("try: a\nexcept b as c: d", "read a, read b, caught c, read d"),
    ("@a\ndef f(b: c = d) -> e: b",
     "read a, read d, read c, read e, parameter b f, read b f, function f"),
    ("@a\nclass C(b, c=d): e = 1", "read a, read b, read d, bind e C, class C"),
    ("class C:\n  def m(self): self.a", "parameter self C.m, attribute a C.m, read self C.m, "
     "function m C, class C"),
    ("f = lambda a=b: a", "read b, parameter a <lambda>, read a <lambda>, bind f"),
    ("[a for b in c for d in e if (f := a)]", "read c, bind b comprehension, read e comprehension, "
     "bind d comprehension, read a comprehension, bind f, read a comprehension"),
    ("def f():\n  global a\n  a = b", "global a f, read b f, bind a f, function f"),
    ("f'{a}{b!r:>{c}}'", "read a, read b, read c"),
])
def test_what_runs_first_is_told_first(code, facts):
    assert ", ".join(in_short(code)) == facts


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no type parameters")
def test_type_parameters_have_a_scope_around_that_of_the_function():
    assert in_short("def f[T: a](b: T = c) -> T: b") == [
        "read c", "type T types", "read a types", "read T types", "read T types",
        "parameter b types.f", "read b types.f", "function f"]


def test_the_names_of_a_class_are_seen_in_it_but_not_in_its_functions():
    seen = {}

    class Seen(Walk):
        def read(self, name, node):
            seen[name] = [scope.name or scope.kind for scope in self.scope.seen()]

    Seen().walk("class C:\n  a\n  [b for _ in ()]\n  def f(self):\n    c\n    class D: d")
    assert seen == {"a": ["C", "module"], "b": ["comprehension", "module"], "c": ["f", "module"],
                    "d": ["D", "f", "module"]}
