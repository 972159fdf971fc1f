"""Names: what Python code binds and what it reads, told in the order in which it runs.

    class Reads(Walk):
        def read(self, name, node):
            print(name, "is read in line", node.lineno, "of a", self.scope.kind)

    Reads().walk(text)

A `Walk` knows what each kind of node of a syntax tree does to names.  Who wants to know of it
inherits, and is told by the methods that here do nothing: first of names, then of the flow of
control.  A name comes with a node in which it stands, as the first word that is equal.
Attributes and keywords are no names; they are told by themselves.
"""

from __future__ import annotations

import ast
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from typing_extensions import Self


class Scope:
    """A "module", "class", "function" or "comprehension", or the "types" of type parameters."""

    def __init__(self, kind: str, name: str, above: Self | None) -> None:
        self.kind, self.name, self.above = kind, name, above
        self.outer: dict[str, str] = {}  # names declared "global" or "nonlocal"

    def seen(self) -> Iterator[Self]:
        """This scope and those around whose names are seen from here, the nearest first.

        The names of a class are seen where it stands itself, or type parameters in it.
        """
        scope: Self | None = self
        direct = True
        while scope:
            if direct or scope.kind != "class":
                yield scope
            direct = direct and scope.kind == "types"
            scope = scope.above


class Rest:
    """The rest of a node, in which a name stands that is no node itself."""

    def __init__(self, node: Any, line: int, column: int) -> None:
        self.lineno, self.col_offset = line, column
        self.end_lineno, self.end_col_offset = node.end_lineno, node.end_col_offset


def after(part: Any, node: Any) -> Any:
    """What of a node stands after a part of it; all of it if it has no such part."""
    return Rest(node, part.end_lineno, part.end_col_offset) if part else node


class Import:
    """An import of one thing: the name that is bound, and in which node, or "*".

    What it means is a module, or an attribute of a module, whose name stands in `source`.
    A module that is relative to that of the file begins with dots.
    """

    def __init__(self, statement: Any, alias: Any, module: str, attribute: str) -> None:
        self.module, self.attribute = module, attribute
        self.name: str = alias.asname or attribute or module
        self.source = alias if hasattr(alias, "lineno") else statement  # Python 3.9
        self.node = self.source
        if alias.asname and self.source is alias:
            self.node = Rest(alias, alias.lineno, alias.col_offset + len(alias.name.encode()))


def module_name(output: str) -> str:
    """The name by which the module that a file holds is imported."""
    name = output.rpartition(".")[0].replace("/", ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def absolute(module: str, output: str) -> str:
    """The name of a module that is perhaps relative to that of a file; it stays relative if it
    leads above all folders."""
    words = module.lstrip(".")
    level, path = len(module) - len(words), output.rpartition(".")[0].split("/")
    if not level or level > len(path):
        return module
    return ".".join([*path[:-level], words] if words else path[:-level])


def arguments(node: ast.arguments) -> list[ast.arg]:
    """All arguments of a signature."""
    rest = [argument for argument in (node.vararg, node.kwarg) if argument]
    return [*node.posonlyargs, *node.args, *node.kwonlyargs, *rest]


# The fields of nodes that name nothing.
PLAIN = {"ctx", "op", "ops", "conversion"}


class Walk:
    """One walk through a Python file."""

    def __init__(self) -> None:
        self.formatted: Any = None  # the f-string that we are in
        self.perhaps = 0  # above 0 we are in parts of an expression that may be passed by
        self.handlers: dict[type, tuple[Callable[[Any], Any] | None, tuple[str, ...]]] = {}
        self.module = self.scope = self.new_scope("module", "", None, None)

    # What is told of names.

    def new_scope(self, kind: str, name: str, above: Any, node: Any) -> Any:
        """What stands for a scope that opens."""
        return Scope(kind, name, above)

    def bind(self, name: str, node: Any, kind: str = "", value: Any = None) -> Any:
        """A name is bound, perhaps to a value that is known.

        `kind` is "parameter", "type", "caught" (the value is an exception's type), "changed"
        (by an augmented assignment), "declared" (its value is left as it is), or nothing.
        """

    def define(self, node: Any, inner: Any) -> None:
        """A function or class, whose scope has been `inner`, is bound to its name."""

    def imports(self, found: Import) -> None:
        """A name is bound by an import."""

    def read(self, name: str, node: Any) -> None:
        """A name is read."""

    def delete(self, name: str, node: Any) -> None:
        """A name is deleted."""

    def unbind(self, name: str) -> None:
        """A name is no longer bound, though nobody says so: that of an exception."""

    def declare(self, name: str, node: Any) -> None:
        """A name is declared to be global or nonlocal, as `self.scope.outer` says."""

    def attribute(self, node: ast.Attribute, kind: str = "", value: Any = None) -> None:
        """An attribute is read, deleted or, as a name is, bound."""

    def call(self, node: ast.Call) -> None:
        """Something is called, perhaps with keywords."""

    # What is told of the flow of control.

    def enter(self, start: Any = None) -> None:
        """Here begins a branch: code that may be passed by, perhaps with the state of another."""

    def leave(self) -> Any:
        """Here ends the branch; what stands for it, and its state."""

    def join(self, branches: list[Any], passing: bool) -> None:
        """One of the branches has been gone through, or (passing) none of them."""

    def loop(self) -> None:
        """Here begins a branch that is gone through any number of times."""

    def end_loop(self, endless: bool) -> None:
        """Here it ends."""

    def attempt(self) -> None:
        """Here begins code that may break off anywhere."""

    def broken(self) -> Any:
        """Here it ends; the state of a branch that begins wherever it may have broken off."""

    def resume(self, start: Any) -> None:
        """Here control goes on with the state of a branch."""

    def jump(self, of_loop: bool = False) -> None:
        """Control does not come to what follows; a loop is left or goes on, or a function ends."""

    # The walk.  A method for a kind of node may return what is to be walked next.

    def walk(self, text: str) -> None:
        """Walk through a file; it may be no Python, or nest too deeply."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.tree = ast.parse(text)
        self.all(self.tree.body)
        self.close()

    def all(self, nodes: Iterable[Any]) -> None:
        """Walk nodes: those that have a method by that, others by their parts.

        A stack of our own, since what is written flat may be deep: `a + b + c + …`.  Between
        +1 and -1 stand parts of an expression that may be passed by.  None and strings, which
        have no parts, may stand among the nodes.
        """
        stack = [*nodes]
        stack.reverse()
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is int:
                self.perhaps += node
                continue
            if kind not in self.handlers:
                self.handlers[kind] = getattr(self, f"see_{kind.__name__}", None), tuple(
                    field for field in getattr(kind, "_fields", ())[::-1] if field not in PLAIN)
            see, fields = self.handlers[kind]
            if see:
                more = see(node)
                if more:
                    stack += more[::-1]
                continue
            for field in fields:
                value = getattr(node, field, None)
                if value.__class__ is list:
                    stack += value[::-1]
                elif value is not None:
                    stack.append(value)

    def open(self, kind: str, name: str, node: Any) -> None:
        self.scope = self.new_scope(kind, name, self.scope, node)

    def close(self) -> None:
        """Leave a scope."""
        self.scope = self.scope.above or self.module

    # Expressions.

    def see_Name(self, node: ast.Name) -> None:
        kind = node.ctx.__class__
        if kind is ast.Load:
            self.read(node.id, node)
        elif kind is ast.Store:
            self.bind(node.id, node)
        else:
            self.delete(node.id, node)

    def see_Constant(self, node: ast.Constant) -> None:
        pass

    def see_Attribute(self, node: ast.Attribute) -> list[Any]:
        self.attribute(node)
        return [node.value]

    def see_Call(self, node: ast.Call) -> list[Any]:
        self.call(node)
        return [node.func, *node.args, *node.keywords]

    def see_JoinedStr(self, node: Any) -> None:
        around, self.formatted = self.formatted, self.formatted or node
        self.all(node.values)
        self.formatted = around

    see_TemplateStr = see_JoinedStr

    def see_BoolOp(self, node: ast.BoolOp) -> list[Any]:
        return [node.values[0], +1, *node.values[1:], -1]

    def see_IfExp(self, node: ast.IfExp) -> list[Any]:
        return [node.test, +1, node.body, node.orelse, -1]

    def see_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.all([node.value])
        inner, perhaps = self.scope, self.perhaps
        while self.scope.kind == "comprehension" and self.scope.above:
            self.scope, self.perhaps = self.scope.above, perhaps + 1
        self.bind(node.target.id, node.target, "", node.value)
        self.scope, self.perhaps = inner, perhaps

    def see_ListComp(self, node: Any) -> None:
        first = node.generators[0]
        self.all([first.iter])
        self.open("comprehension", "", node)
        for generator in node.generators:
            if generator is not first:
                self.all([generator.iter])
            self.all([generator.target, *generator.ifs])
        self.all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self.close()

    see_SetComp = see_DictComp = see_GeneratorExp = see_ListComp

    # Definitions.

    def see_Lambda(self, node: ast.Lambda) -> None:
        self.defaults(node.args)
        self.function("<lambda>", node, [node.body])

    def defaults(self, node: ast.arguments) -> None:
        self.all([*node.defaults, *node.kw_defaults])

    def function(self, name: str, node: Any, body: list[Any]) -> Any:
        """Walk a function's inside; its scope."""
        self.open("function", name, node)
        inner, perhaps, self.perhaps = self.scope, self.perhaps, 0
        for argument in arguments(node.args):
            self.bind(argument.arg, argument, "parameter")
        self.all(body)
        self.perhaps = perhaps
        self.close()
        return inner

    def open_types(self, node: Any) -> bool:
        """Open a scope for type parameters, if there are any."""
        parameters = getattr(node, "type_params", None)
        if not parameters:
            return False
        self.open("types", "", node)
        for parameter in parameters:
            self.bind(parameter.name, parameter, "type")
        values = [getattr(parameter, field, None) for parameter in parameters
                  for field in ("bound", "default_value")]
        self.all(values)
        return True

    def see_FunctionDef(self, node: Any) -> None:
        self.all(node.decorator_list)
        self.defaults(node.args)
        generic = self.open_types(node)
        annotations = [argument.annotation for argument in arguments(node.args)]
        self.all([*annotations, node.returns])
        inner = self.function(node.name, node, node.body)
        if generic:
            self.close()
        self.define(node, inner)

    see_AsyncFunctionDef = see_FunctionDef

    def see_ClassDef(self, node: Any) -> None:
        self.all(node.decorator_list)
        generic = self.open_types(node)
        self.all([*node.bases, *node.keywords])
        self.open("class", node.name, node)
        inner = self.scope
        self.all(node.body)
        self.close()
        if generic:
            self.close()
        self.define(node, inner)

    def see_TypeAlias(self, node: Any) -> None:
        generic = self.open_types(node)
        self.all([node.value])
        if generic:
            self.close()
        self.bind(node.name.id, node.name, "type")

    # Simple statements.

    def store(self, target: Any, kind: str, value: Any) -> None:
        """Walk what an assignment binds to a value, or only declares."""
        if isinstance(target, ast.Name):
            self.bind(target.id, target, kind, value)
        elif isinstance(target, ast.Attribute):
            self.attribute(target, kind, value)
            self.all([target.value])
        else:
            self.all([target])

    def see_Assign(self, node: ast.Assign) -> None:
        self.all([node.value])
        for target in node.targets:
            self.store(target, "", node.value)

    def see_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read(node.target.id, node.target)
        self.all([node.value])
        self.store(node.target, "changed", node.value)

    def see_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.all([node.annotation, node.value])
        self.store(node.target, "" if node.value else "declared", node.value)

    def see_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            self.imports(Import(node, alias, name, ""))

    def see_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            self.imports(Import(node, alias, module, alias.name))

    def see_Global(self, node: Any) -> None:
        for name in node.names:
            if self.scope is not self.module:
                self.scope.outer[name] = node.__class__.__name__.lower()
            self.declare(name, node)

    see_Nonlocal = see_Global

    def see_Return(self, node: ast.Return) -> None:
        self.all([node.value])
        self.jump()

    def see_Raise(self, node: ast.Raise) -> None:
        self.all([node.exc, node.cause])
        self.jump()

    def see_Break(self, node: Any) -> None:
        self.jump(of_loop=True)

    see_Continue = see_Break

    # Compound statements.

    def branch(self, nodes: Iterable[Any], start: Any = None) -> Any:
        self.enter(start)
        self.all(nodes)
        return self.leave()

    def see_If(self, node: ast.If) -> None:
        self.all([node.test])
        branches = [self.branch(node.body)]
        while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
            node = node.orelse[0]  # elif: there may be more of them than Python nests calls
            self.all([+1, node.test, -1])
            branches.append(self.branch(node.body))
        branches.append(self.branch(node.orelse))
        self.join(branches, False)

    def see_For(self, node: Any) -> None:
        self.all([node.iter])
        self.loop()
        self.all([node.target, *node.body])
        self.end_loop(endless=False)
        self.join([self.branch(node.orelse)], True)

    see_AsyncFor = see_For

    def see_While(self, node: ast.While) -> None:
        self.loop()
        self.all([node.test, *node.body])
        self.end_loop(isinstance(node.test, ast.Constant) and bool(node.test.value))
        self.join([self.branch(node.orelse)], True)

    def see_Try(self, node: Any) -> None:
        if node.finalbody:
            self.attempt()
        self.attempt()
        body = self.branch(node.body)
        self.enter(self.broken())
        self.join([self.branch([handler]) for handler in node.handlers], False)
        handled = self.leave()
        self.join([self.branch(node.orelse, body), handled], False)
        if node.finalbody:
            self.resume(self.broken())
            self.all(node.finalbody)

    see_TryStar = see_Try

    def see_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.all([node.type])
        if node.name:
            self.bind(node.name, after(node.type, node), "caught", node.type)
        self.all(node.body)
        if node.name:
            self.unbind(node.name)

    def see_Match(self, node: Any) -> None:
        self.all([node.subject])
        branches, passing = [], True
        for case in node.cases:
            branches.append(self.branch([case.pattern, case.guard, *case.body]))
            passing = passing and not (
                case.guard is None and isinstance(case.pattern, ast.MatchAs)
                and case.pattern.pattern is None)
        self.join(branches, passing)

    def see_MatchAs(self, node: Any) -> None:
        pattern = getattr(node, "pattern", None)
        self.all([pattern])
        if node.name:
            self.bind(node.name, after(pattern, node))

    see_MatchStar = see_MatchAs

    def see_MatchMapping(self, node: Any) -> None:
        self.all([*node.keys, *node.patterns])
        if node.rest:
            self.bind(node.rest, after(node.patterns[-1] if node.patterns else None, node))
