"""identifiers: what the code of a web names, and where in the document.

    index = Index(web, tangle(web))
    index.identifiers               every identifier, by name, with its definitions and uses
    index.marks[part]               the identifiers of a part's code, in the order of its text
    index.elsewhere(section)        those used in a section and defined in none of its parts
    index.find("sock.fd", section)  what a name in prose means, or None

The outputs are read, for only they can be parsed: Python with `ast`, C with
tree-sitter.  From their lines and columns `origins.runs` leads back to the document.  A name is
resolved as the language does it.  An attribute is that of its object's class, where
annotations, calls of classes and results of functions tell which one that is;
otherwise it is that of the one class of the web that has such an attribute, if it
is one.  In an output that cannot be parsed nothing is found.

Every place counts once, however often its chunk is used: what is bound at one
place is one identifier, and a use that means several things means the first.

Syntax trees are many objects and no garbage: switch the collector off, as
`tangle.py` does, or it takes longer than all else in a large web.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import tree_sitter_c
from tree_sitter import Language, Parser

from .origins import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from .web import Part, Section, Web

    Spot = tuple[Part, int, int]  # a part, a row of its text, characters before it in the row
    Step = tuple[ast.AST, "Scope"]
    CStep = tuple[Node, "Scope"]
    Classes = tuple["Scope", ...] | None  # None: not known


class Use:
    """A place where an identifier stands: `offset` and `length` count characters of a row."""

    def __init__(self, spot: Spot, length: int) -> None:
        self.part, self.row, self.offset = spot
        self.length = length

    @property
    def place(self) -> tuple[int, int]:
        """Line and column in the document."""
        return self.part.place(self.row, self.offset)

    @property
    def section(self) -> Section | None:
        return self.part.section


class Identifier:
    """One thing that the code names.

    `language` is "python" or "c".  `kind` is "module", "constant", "variable", "function",
    "class", "method", "attribute", "parameter", "local", "type" or "external"; in C also
    "macro", "field" and "label".  `scope` is the qualified name of the function, class or
    structure that it belongs to, "" for one of a file, and the module that an external
    one comes from ("builtins", for one); `file` is the output that defines it, "" if none does.
    `exported` says that a chunk that binds it exports it, `public` that an
    `__all__` names it.
    """

    def __init__(self, name: str, language: str, kind: str, scope: str, file: str) -> None:
        self.name, self.language, self.kind = name, language, kind
        self.scope, self.file = scope, file
        self.exported = self.public = False
        self.definitions: list[Use] = []
        self.uses: list[Use] = []

    def __repr__(self) -> str:
        where = f" of {self.scope}" if self.scope else ""
        return f"<{self.language} {self.kind} {self.name}{where}>"


# ---------------------------------------------------------------------------
# Sources, scopes and bindings, in either language.


class Source:
    """An output, and where its characters were written."""

    def __init__(self, web: Web, name: str, text: str) -> None:
        self.name, self.text, self.lines = name, text, text.split("\n")
        self.runs = list(runs(web, name, text))
        self.starts = [(run.line, run.column) for run in self.runs]

    def column(self, line: int, octets: int) -> int:
        """Columns in characters, from columns in bytes; both count from 0, lines from 1."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return octets if text.isascii() else len(text.encode()[:octets].decode(errors="ignore"))

    def spot(self, line: int, column: int, name: str) -> Spot | None:
        """Where a name of the output stands in the document, if there it is one word."""
        at = bisect_right(self.starts, (line, column + 1)) - 1
        if at < 0:
            return None
        run = self.runs[at]
        start = column + 1 - run.column
        end = start + len(name)
        if run.line != line or run.text[start:end] != name:
            return None
        if is_word(run.text[start - 1 : start]) or is_word(run.text[end : end + 1]):
            return None
        return run.part, run.row, run.offset + start

    def seek(self, name: str, line: int, column: int, last: int) -> Spot | None:
        """The first place of a name from there to the last line."""
        for number in range(line, min(last, len(self.lines)) + 1):
            text, at = self.lines[number - 1], column - 1
            while (at := text.find(name, at + 1)) >= 0:
                if spot := self.spot(number, at, name):
                    return spot
            column = 0
        return None


def is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


class Scope:
    """What binds names.  `kind` is "module", "class", "function", "comprehension", "types"
    (of type parameters); in C "program", "file", "function", "block" or "struct"."""

    def __init__(self, kind: str, name: str, parent: Scope | None, source: Source) -> None:
        self.kind, self.name, self.parent, self.source = kind, name, parent, source
        self.names: dict[str, Binding] = {}
        self.outer: dict[str, str] = {}  # what is declared to be global or nonlocal
        self.attributes: dict[str, Binding] = {}  # of a class: what its objects get later
        self.bases: list[ast.expr] = []
        self.stars: list[str] = []  # the modules of which all is imported

    def inner(self, kind: str, name: str = "") -> Scope:
        qualified = f"{self.name}.{name}" if self.name and name else self.name or name
        return Scope(kind, qualified, self, self.source)


# What a binding does at a spot: a weak definition is a use where there are strong ones.
USE, WEAK, STRONG = 0, 1, 2


class Binding:
    """A name that a scope binds; or one that comes from outside of the web.

    `origin` is the module and the name that were imported.  `within` is the scope that a class, a
    function or a structure opens.  What is known of its value: it is an object of the class
    `instance`, or as `hint` annotates it, or a call of it `returns` such a one, or it is one
    of `values`; None among these is unknown.
    """

    def __init__(self, name: str, language: str, kind: str, scope: str, file: str) -> None:
        self.name, self.language, self.kind = name, language, kind
        self.scope, self.file = scope, file
        self.spots: list[tuple[Spot, int]] = []
        self.public = False
        self.origin: tuple[str, str] | None = None
        self.within: Scope | None = None
        self.instance: Scope | None = None
        self.hint: tuple[ast.expr, Scope] | None = None
        self.returns: tuple[ast.expr, Scope] | None = None
        self.values: list[tuple[ast.expr, Scope] | None] = []
        self.tag = ""  # in C, the name of its type

    def at(self, spot: Spot | None, strength: int = USE) -> None:
        if spot:
            self.spots.append((spot, strength))


# ---------------------------------------------------------------------------
# Python.
#
# One walk binds the names of all files and notes what they use; then the uses are resolved.
# The walk keeps a stack of its own, for code may be nested deeply, and goes in
# the order of the text, for a `global` stands before what it concerns.

SKIPPED = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop, ast.Constant)
LITERALS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp,
            ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.Compare, ast.Lambda)
DEPTH = 60  # how far types are followed


class Python:
    """The bindings of all Python files of a web."""

    def __init__(self) -> None:
        self.bindings: list[Binding] = []
        self.modules: dict[str, Scope] = {}
        self.externals: dict[tuple[str, str], Binding] = {}
        self.names: list[tuple[Scope, str, Spot, int]] = []
        self.attributes: list[tuple[Scope, ast.Attribute, Spot | None]] = []
        self.keywords: list[tuple[Scope, ast.expr, str, Spot]] = []
        self.imported: list[tuple[Binding, str, Spot]] = []  # `name` of `import name as other`
        self.rebound: dict[Binding, tuple[str, str]] = {}  # imports that are bound otherwise too
        self.slots: list[tuple[Scope, str, Spot | None]] = []
        self.public: list[tuple[Scope, str]] = []
        # What statements say of their targets: values, annotations, and that they are changed.
        self.values: dict[int, ast.expr] = {}
        self.hints: dict[int, ast.expr] = {}
        self.changed: set[int] = set()
        self.classes: dict[Source, list[Scope]] = {}
        self.pending: list[Step] = []  # bounds of type parameters
        self.trees: list[ast.AST] = []  # kept, for their nodes are told apart by identity
        self.forget()
        self.handlers: dict[type, Callable[[Any, Scope], list[Step]] | None] = {}

    def forget(self) -> None:
        """Forget what is known of expressions: there are new attributes."""
        self.things: dict[int, Binding | Scope | None] = {}
        self.types: dict[int, Classes] = {}
        self.lines: dict[Scope, list[Scope]] = {}
        self.members: dict[Scope, dict[str, set[Scope]]] = {}
        self.depth = 0

    # Binding.

    def read(self, source: Source) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
        self.trees.append(tree)
        module = Scope("module", "", None, source)
        self.modules[module_name(source.name)] = module
        handlers = self.handlers
        stack: list[Step] = [(tree, module)]
        while stack:
            node, scope = stack.pop()
            kind = node.__class__
            if kind not in handlers:
                handlers[kind] = getattr(self, "see_" + kind.__name__, None)
            see = handlers[kind]
            children = see(node, scope) if see else steps(node, scope)
            if self.pending:
                children += self.pending
                self.pending = []
            children.reverse()
            stack += children

    def bind(
        self, scope: Scope, name: str, spot: Spot | None, kind: str = "", strength: int = STRONG
    ) -> Binding | None:
        """Bind a name in a scope, or where the scope says; in the end only, if that is nonlocal."""
        where = scope.outer.get(name)
        if where == "nonlocal":
            if spot:
                self.names.append((scope, name, spot, strength))
            return None
        while where and scope.parent:
            scope = scope.parent
        binding = scope.names.get(name)
        if not binding:
            binding = self.new(scope, name, kind)
            scope.names[name] = binding
        if binding.origin and kind not in ("module", "external"):
            self.rebound[binding] = kind or kind_in(scope, name), scope.name
        binding.at(spot, strength)
        return binding

    def new(self, scope: Scope, name: str, kind: str = "") -> Binding:
        binding = Binding(name, "python", kind or kind_in(scope, name), scope.name,
                          scope.source.name)
        self.bindings.append(binding)
        return binding

    def here(self, scope: Scope, node: Any, name: str) -> Spot | None:
        """The place of a name with which a node begins."""
        source, line = scope.source, node.lineno
        return source.spot(line, source.column(line, node.col_offset), name)

    def at_end(self, scope: Scope, node: Any, name: str) -> Spot | None:
        """The place of a name with which a node ends."""
        source, line = scope.source, node.end_lineno
        return source.spot(line, source.column(line, node.end_col_offset) - len(name), name)

    def after(self, scope: Scope, node: Any, skip: int, name: str, last: int) -> Spot | None:
        """The first place of a name so many bytes after a node begins."""
        source, line = scope.source, node.lineno
        return source.seek(name, line, source.column(line, node.col_offset + skip), last)

    # One method for each kind of node that binds or names something; what is left to walk
    # is returned.

    def see_Name(self, node: ast.Name, scope: Scope) -> list[Step]:
        spot = self.here(scope, node, node.id)
        if isinstance(node.ctx, ast.Load):
            if spot:
                self.names.append((scope, node.id, spot, USE))
            return []
        weak = isinstance(node.ctx, ast.Del) or id(node) in self.changed
        binding = self.bind(scope, node.id, spot, strength=WEAK if weak else STRONG)
        if binding:
            self.learn(binding, node, scope)
        return []

    def learn(self, binding: Binding, target: ast.expr, scope: Scope) -> None:
        key = id(target)
        if key in self.hints:
            binding.hint = binding.hint or (self.hints[key], scope)
        elif key in self.values:
            binding.values.append((self.values[key], scope))
        elif key not in self.changed:
            binding.values.append(None)

    def see_Attribute(self, node: ast.Attribute, scope: Scope) -> list[Step]:
        self.attributes.append((scope, node, self.at_end(scope, node, node.attr)))
        return [(node.value, scope)]

    def see_NamedExpr(self, node: ast.NamedExpr, scope: Scope) -> list[Step]:
        outer = scope
        while outer.kind == "comprehension" and outer.parent:
            outer = outer.parent
        self.values[id(node.target)] = node.value
        return [(node.target, outer), (node.value, scope)]

    def see_Assign(self, node: ast.Assign, scope: Scope) -> list[Step]:
        for target in node.targets:
            self.values[id(target)] = node.value
            if isinstance(target, ast.Name):
                self.see_strings(target.id, node.value, scope)
        return steps(node, scope)

    def see_AnnAssign(self, node: ast.AnnAssign, scope: Scope) -> list[Step]:
        self.hints[id(node.target)] = node.annotation
        if node.value:
            self.values[id(node.target)] = node.value
            if isinstance(node.target, ast.Name):
                self.see_strings(node.target.id, node.value, scope)
        return steps(node, scope)

    def see_AugAssign(self, node: ast.AugAssign, scope: Scope) -> list[Step]:
        self.changed.add(id(node.target))
        if isinstance(node.target, ast.Name):
            self.see_strings(node.target.id, node.value, scope)
        return steps(node, scope)

    def see_withitem(self, node: ast.withitem, scope: Scope) -> list[Step]:
        if node.optional_vars:  # taken to be what is entered
            self.values[id(node.optional_vars)] = node.context_expr
        return steps(node, scope)

    def see_strings(self, name: str, value: ast.expr, scope: Scope) -> None:
        """The strings in `__all__` are uses, those in `__slots__` may be all that defines."""
        if name != {"module": "__all__", "class": "__slots__"}.get(scope.kind):
            return
        for text in value.elts if isinstance(value, (ast.List, ast.Tuple, ast.Set)) else [value]:
            if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
                continue
            line, word = text.lineno, text.value
            column = scope.source.column(line, text.col_offset) + 1
            spot = scope.source.spot(line, column, word)
            if scope.kind == "class":
                if not word.startswith("__"):
                    self.slots.append((scope, word, spot))
            else:
                self.public.append((scope, word))
                if spot:
                    self.names.append((scope, word, spot, USE))

    def attribute(self, scope: Scope, name: str) -> Binding:
        """What a class's objects have under a name, which may be new."""
        binding = scope.names.get(name) or scope.attributes.get(name)
        if not binding:
            binding = scope.attributes[name] = self.new(scope, name)
        return binding

    def see_FunctionDef(self, node: Any, scope: Scope) -> list[Step]:
        asynchronous = isinstance(node, ast.AsyncFunctionDef)
        spot = self.after(scope, node, 5 if asynchronous else 3, node.name, node.body[0].lineno)
        decorators = [at.attr if isinstance(at, ast.Attribute) else getattr(at, "id", "")
                      for at in node.decorator_list]
        kind, is_value = "function", False
        if scope.kind == "class":
            is_value = not {"property", "cached_property", "setter", "deleter"}.isdisjoint(
                decorators)
            kind = "attribute" if is_value else "method"
        binding = self.bind(scope, node.name, spot, kind)
        outer = self.types_of(node, scope)
        inner = outer.inner("function", node.name)
        if binding and not binding.within:
            binding.within = inner
            if node.returns and is_value:
                binding.hint = node.returns, outer
            elif node.returns:
                binding.returns = node.returns, outer
        left, types = self.parameters(node.args, scope, outer, inner)
        if scope.kind == "class" and "staticmethod" not in decorators:
            first = [*node.args.posonlyargs, *node.args.args][:1]
            if first:
                inner.names[first[0].arg].instance = scope
        left[:0] = [(at, scope) for at in node.decorator_list]
        if node.returns:
            types.append((node.returns, outer))
        return left + types + [(statement, inner) for statement in node.body]

    see_AsyncFunctionDef = see_FunctionDef

    def types_of(self, node: Any, scope: Scope) -> Scope:
        """The scope of a definition's type parameters, if it has any."""
        parameters = getattr(node, "type_params", ())
        if not parameters:
            return scope
        inner = scope.inner("types")
        for parameter in parameters:
            self.bind(inner, parameter.name, self.after(
                inner, parameter, 0, parameter.name, parameter.lineno), "type")
            for field in ("bound", "default_value"):
                if getattr(parameter, field, None):
                    self.pending.append((getattr(parameter, field), inner))
        return inner

    def parameters(
        self, arguments: ast.arguments, scope: Scope, types: Scope, inner: Scope
    ) -> tuple[list[Step], list[Step]]:
        """Bind a function's parameters; what is left are their defaults and annotations."""
        found = [*arguments.posonlyargs, *arguments.args, arguments.vararg,
                 *arguments.kwonlyargs, arguments.kwarg]
        annotations: list[Step] = []
        for argument in found:
            if argument:
                binding = self.bind(inner, argument.arg, self.here(scope, argument, argument.arg),
                                    "parameter")
                if argument.annotation:
                    annotations.append((argument.annotation, types))
                    if binding and argument not in (arguments.vararg, arguments.kwarg):
                        binding.hint = argument.annotation, types
        defaults = [*arguments.defaults, *arguments.kw_defaults]
        return [(default, scope) for default in defaults if default], annotations

    def see_Lambda(self, node: ast.Lambda, scope: Scope) -> list[Step]:
        inner = scope.inner("function", "<lambda>")
        defaults, _ = self.parameters(node.args, scope, scope, inner)
        return [*defaults, (node.body, inner)]

    def see_ClassDef(self, node: Any, scope: Scope) -> list[Step]:
        binding = self.bind(scope, node.name,
                            self.after(scope, node, 5, node.name, node.body[0].lineno), "class")
        outer = self.types_of(node, scope)
        inner = outer.inner("class", node.name)
        inner.bases = node.bases
        if binding and not binding.within:
            binding.within = inner
        self.classes.setdefault(scope.source, []).append(inner)
        return [(at, scope) for at in node.decorator_list] + [
            (base, outer) for base in node.bases + [word.value for word in node.keywords]] + [
            (statement, inner) for statement in node.body]

    def see_TypeAlias(self, node: Any, scope: Scope) -> list[Step]:
        self.bind(scope, node.name.id, self.here(scope, node.name, node.name.id), "type")
        return [(node.value, self.types_of(node, scope))]

    def see_ListComp(self, node: Any, scope: Scope) -> list[Step]:
        inner = scope.inner("comprehension")
        left: list[Step] = []
        for number, part in enumerate(node.generators):
            left.append((part.iter, inner if number else scope))
            left += [(child, inner) for child in (part.target, *part.ifs)]
        results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        return left + [(result, inner) for result in results]

    see_SetComp = see_DictComp = see_GeneratorExp = see_ListComp

    def see_Import(self, node: ast.Import, scope: Scope) -> list[Step]:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            if alias.asname:
                self.import_as(scope, alias.asname, self.at_end(scope, alias, alias.asname),
                               alias.name, "")
            else:
                self.import_as(scope, first, self.here(scope, alias, first), first, "")
        return []

    def see_ImportFrom(self, node: ast.ImportFrom, scope: Scope) -> list[Step]:
        module = node.module or ""
        if node.level:
            path = scope.source.name.rpartition(".")[0].split("/")[: -node.level]
            module = ".".join([*path, module] if module else path)
        for alias in node.names:
            if alias.name == "*":
                scope.stars.append(module)
                continue
            start = self.here(scope, alias, alias.name)
            if alias.asname and alias.asname != alias.name:
                binding = self.import_as(
                    scope, alias.asname, self.at_end(scope, alias, alias.asname), module,
                    alias.name)
                if binding and start:
                    self.imported.append((binding, alias.name, start))
            else:
                self.import_as(scope, alias.name, start, module, alias.name)
        return []

    def import_as(
        self, scope: Scope, name: str, spot: Spot | None, module: str, attribute: str
    ) -> Binding | None:
        binding = self.bind(scope, name, spot, "external" if attribute else "module")
        if binding and not binding.origin and binding.kind in ("external", "module"):
            binding.origin = module, attribute
            binding.scope = module if attribute else module.rpartition(".")[0]
        return binding

    def see_Global(self, node: Any, scope: Scope) -> list[Step]:
        where = "global" if isinstance(node, ast.Global) else "nonlocal"
        source, line = scope.source, node.lineno
        column = source.column(line, node.col_offset + len(where))
        for name in node.names:
            scope.outer[name] = where
            spot = source.seek(name, line, column, node.end_lineno)
            if spot:
                self.names.append((scope, name, spot, USE))
        return []

    see_Nonlocal = see_Global

    def see_ExceptHandler(self, node: ast.ExceptHandler, scope: Scope) -> list[Step]:
        if node.name and node.type:
            source, line = scope.source, node.type.end_lineno or node.lineno
            column = source.column(line, node.type.end_col_offset or 0)
            binding = self.bind(scope, node.name, source.seek(
                node.name, line, column, node.body[0].lineno))
            if binding:
                caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                binding.values += [(kind, scope) for kind in caught]
        return steps(node, scope)

    def see_MatchAs(self, node: Any, scope: Scope) -> list[Step]:
        if node.name:
            self.bind(scope, node.name, self.at_end(scope, node, node.name))
        return steps(node, scope)

    see_MatchStar = see_MatchAs

    def see_MatchMapping(self, node: Any, scope: Scope) -> list[Step]:
        if node.rest:
            last = (node.patterns or [node])[-1]
            line, octets = ((last.end_lineno, last.end_col_offset) if node.patterns else
                            (node.lineno, node.col_offset))
            self.bind(scope, node.rest, scope.source.seek(
                node.rest, line, scope.source.column(line, octets), node.end_lineno))
        return steps(node, scope)

    def see_Call(self, node: ast.Call, scope: Scope) -> list[Step]:
        for keyword in node.keywords:
            if keyword.arg and (spot := self.here(scope, keyword, keyword.arg)):
                self.keywords.append((scope, node.func, keyword.arg, spot))
        return steps(node, scope)

    # Resolving.

    def resolve(self) -> list[Binding]:
        """What every name means, when all files have been read."""
        for binding, (kind, scope_name) in self.rebound.items():
            if self.follow(binding) is binding:
                binding.kind, binding.scope, binding.origin = kind, scope_name, None
        self.resolve_stores()
        self.forget()
        for scope, name, spot, strength in self.names:
            self.lookup(scope, name).at(spot, strength)
        for binding, name, spot in self.imported:
            self.imported_from(binding, name).at(spot)
        # The inner ones of a chain come last, and are needed by the outer ones.
        for scope, node, place in reversed(self.attributes):
            found = self.thing(node, scope)
            if place:
                (found if isinstance(found, Binding) else self.external(node.attr, "?")).at(place)
        for scope, function, name, spot in self.keywords:
            parameter = self.parameter(self.thing(function, scope), name)
            if parameter:
                parameter.at(spot)
        for scope, name in self.public:
            self.lookup(scope, name).public = True
        for binding in self.bindings:
            target = self.follow(binding) if binding.origin else binding
            if isinstance(target, Binding) and target is not binding and (
                    target.name == binding.name):
                target.spots += [(spot, USE) for spot, _ in binding.spots]
                binding.spots = []
        return [*self.bindings, *self.externals.values()]

    def resolve_stores(self) -> None:
        """Slots, `self.x = ...` and `Class.x = ...` make attributes of a class."""
        for scope, name, spot in self.slots:
            self.attribute(scope, name).at(spot, WEAK)
        left = []
        for item in self.attributes:
            scope, node, spot = item
            if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                base = self.thing(node.value, scope)
                strength, owners = WEAK, self.classes_of(node.value, scope)
                if isinstance(base, Binding) and base.kind == "class" and base.within:
                    strength, owners = STRONG, (base.within,)
                if owners and len(owners) == 1:
                    known = self.member(owners[0], node.attr)
                    if strength == WEAK and id(node) in self.changed and known:
                        strength = USE
                    binding = known or self.attribute(owners[0], node.attr)
                    self.learn(binding, node, scope)
                    binding.at(spot, strength)
                    continue
            left.append(item)
        self.attributes = left

    def lookup(self, scope: Scope, name: str) -> Binding:
        """What a name means in a scope; of an import, what was imported, if it is ours."""
        found = self.find(scope, name) or self.external(
            name, "builtins" if hasattr(builtins, name) else "")
        target = self.follow(found)
        return target if isinstance(target, Binding) and target.name == name else found

    def find(self, scope: Scope, name: str) -> Binding | None:
        at: Scope | None = scope
        first = True  # names of a class are seen by itself, not by what is in it
        while at:
            seen = first or at.kind != "class"
            where = at.outer.get(name) if seen else None
            if where == "global":
                while at.parent:
                    at = at.parent
            if seen and name in at.names:
                return at.names[name]
            if at.kind == "module":
                return self.from_star(at, name)
            first = first and at.kind == "types"
            at = at.parent
        return None

    def from_star(self, module: Scope, name: str) -> Binding | None:
        for star in module.stars:
            source = self.modules.get(star)
            if source and name in source.names and not name.startswith("_"):
                return source.names[name]
        return None

    def external(self, name: str, module: str) -> Binding:
        """Something of a module that is not ours; "?" stands for an unknown object."""
        key = module, name
        binding = self.externals.get(key)
        if not binding:
            kind = "attribute" if module == "?" else "external"
            binding = self.externals[key] = Binding(
                name, "python", kind, module.replace("?", ""), "")
            if module not in ("?", "", "builtins"):
                binding.origin = key
        return binding

    def follow(self, binding: Binding) -> Binding | Scope:
        """What an import brings, through further imports."""
        for _ in range(DEPTH):
            if not binding.origin:
                break
            module, name = binding.origin
            source = self.modules.get(module)
            if not name:
                return source or binding
            found = source and (source.names.get(name) or self.from_star(source, name))
            if not found:
                return self.modules.get(f"{module}.{name}") or binding
            binding = found
        return binding

    def imported_from(self, binding: Binding, name: str) -> Binding:
        found = self.follow(binding)
        if isinstance(found, Binding) and found.name == name:
            return found
        return self.external(name, binding.origin[0] if binding.origin else "")

    def thing(self, node: ast.expr, scope: Scope) -> Binding | Scope | None:
        """The binding, or the module of ours, that an expression names."""
        key = id(node)
        if key not in self.things:
            self.things[key] = None  # while it is being asked
            if self.depth < DEPTH:
                self.depth += 1
                if isinstance(node, ast.Name):
                    self.things[key] = self.follow(self.lookup(scope, node.id))
                elif isinstance(node, ast.Attribute):
                    self.things[key] = self.attribute_of(node, scope)
                self.depth -= 1
        return self.things[key]

    def attribute_of(self, node: ast.Attribute, scope: Scope) -> Binding | Scope | None:
        base, name = node.value, node.attr
        owner = self.thing(base, scope)
        if isinstance(owner, Scope):  # a module
            module = module_name(owner.source.name)
            found = owner.names.get(name) or self.from_star(owner, name)
            return self.follow(found) if found else self.modules.get(f"{module}.{name}") or (
                self.external(name, module))
        if owner and owner.kind in ("module", "external"):
            if not owner.origin:
                return None
            module = ".".join(filter(None, owner.origin))
            return self.modules.get(f"{module}.{name}") or self.external(name, module)
        if is_super(base):
            above = self.ancestors(class_around(scope))[1:]
            owners: Classes = tuple(above)
        else:
            owners = self.classes_of(base, scope)
        if owners is None:
            return self.by_name(name, scope)
        for kind in owners:
            if member := self.member(kind, name):
                return member
        return None

    def member(self, kind: Scope, name: str) -> Binding | None:
        for at in self.ancestors(kind):
            found = at.names.get(name) or at.attributes.get(name)
            if found:
                return found
        return None

    def ancestors(self, kind: Scope | None) -> list[Scope]:
        """A class of ours and those it inherits from, the nearest first."""
        if not kind:
            return []
        if kind not in self.lines:
            self.lines[kind] = line = [kind]
            seen = {kind}
            for at in line:  # which grows
                for base in at.bases:
                    above = self.thing(base, at.parent or at)
                    within = above.within if isinstance(above, Binding) else None
                    if within and within.kind == "class" and within not in seen:
                        seen.add(within)
                        line.append(within)
        return self.lines[kind]

    def by_name(self, name: str, scope: Scope) -> Binding | None:
        """The attribute of that name, if but one class that the file knows has one, or inherits
        it to all that do."""
        while scope.parent:
            scope = scope.parent
        members = self.members.get(scope)
        if members is None:
            members = self.members[scope] = self.members_in(scope)
        owners = members.get(name, set())
        if len(owners) > 1:
            roots = {owner for owner in owners if owners.isdisjoint(self.ancestors(owner)[1:])}
            members[name] = owners = roots if len(roots) == 1 else set()
        return next((self.member(owner, name) for owner in owners), None)

    def members_in(self, module: Scope) -> dict[str, set[Scope]]:
        """The attributes of the classes that a module defines or imports, and whose they are."""
        imported = [self.follow(binding) for binding in module.names.values() if binding.origin]
        classes = dict.fromkeys(self.classes.get(module.source, ()))
        classes.update({one.within: None for one in imported
                        if isinstance(one, Binding) and one.kind == "class" and one.within})
        members: dict[str, set[Scope]] = {}
        for kind in classes:
            for name in (*kind.names, *kind.attributes):
                members.setdefault(name, set()).add(kind)
        return members

    def parameter(self, target: Binding | Scope | None, name: str) -> Binding | None:
        """The parameter that a keyword means in a call."""
        if not isinstance(target, Binding) or not target.within:
            return None
        if target.kind == "class":
            maker = next((maker for word in ("__init__", "__new__")
                          if (maker := self.member(target.within, word))), None)
            return self.parameter(maker, name) if maker else self.member(target.within, name)
        found = target.within.names.get(name)
        return found if found and found.kind == "parameter" else None

    def classes_of(self, node: ast.expr, scope: Scope) -> Classes:
        """The classes of ours that an expression's value may be an object of, if that is known."""
        key = id(node)
        if key not in self.types:
            self.types[key] = None
            if self.depth < DEPTH:
                self.depth += 1
                self.types[key] = self.evaluate(node, scope)
                self.depth -= 1
        return self.types[key]

    def evaluate(self, node: ast.expr, scope: Scope) -> Classes:
        if isinstance(node, LITERALS):
            return ()
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.classes_of(node.value, scope)
        called, named = isinstance(node, ast.Call), node
        if isinstance(node, ast.Call):
            named = node.func
            if isinstance(named, ast.Attribute) and named.attr == "__new__" and node.args:
                named = node.args[0]
        target = self.thing(named, scope)
        if not isinstance(target, Binding):
            return None
        if target.kind == "class":
            return (target.within,) if target.within else None
        if target.instance:
            return (target.instance,)
        if target.kind == "external" and (
                not called or isinstance(getattr(builtins, target.name, None), type)):
            return ()
        if called:
            return self.annotated(*target.returns) if target.returns else None
        if target.hint:
            return self.annotated(*target.hint)
        found = [value and self.classes_of(*value) for value in target.values]
        return union(found) if found else None

    def annotated(self, node: ast.expr, scope: Scope) -> Classes:
        """The classes that an annotation allows."""
        parts = [node]
        for part in parts:  # which grow
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr):
                parts += [part.left, part.right]
        return union([self.named_by(part, scope) for part in parts
                      if not isinstance(part, ast.BinOp)])

    def named_by(self, node: ast.expr, scope: Scope) -> Classes:
        """The classes that one alternative of an annotation allows."""
        if isinstance(node, ast.Constant):
            return None if isinstance(node.value, str) else ()
        if isinstance(node, ast.Subscript):
            whole = self.thing(node.value, scope)
            if isinstance(whole, Binding) and whole.kind == "external" and whole.name in (
                    "ClassVar", "Final", "Optional", "type"):
                return self.annotated(node.slice, scope)
            return self.named_by(node.value, scope)
        target = self.thing(node, scope)
        if isinstance(target, Binding):
            if target.kind == "class":
                return (target.within,) if target.within else None
            if target.name == "Self" and (around := class_around(scope)):
                return (around,)
            if target.kind == "external" and target.name not in ("Any", "object"):
                return ()
        return None


def kind_in(scope: Scope, name: str) -> str:
    """The kind of what is assigned to a name in a scope."""
    if scope.kind in ("module", "class") and name.isupper():
        return "constant"
    return {"module": "variable", "class": "attribute"}.get(scope.kind, "local")


def module_name(output: str) -> str:
    name = output.rpartition(".")[0].replace("/", ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def steps(node: ast.AST, scope: Scope) -> list[Step]:
    """The children of a node that may name something."""
    found: list[Step] = []
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            found += [(item, scope) for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, SKIPPED):
            found.append((value, scope))
    return found


def union(found: list[Classes]) -> Classes:
    """The classes of several values, if all are known."""
    known: dict[Scope, None] = {}
    for classes in found:
        if classes is None:
            return None
        known.update(dict.fromkeys(classes))
    return tuple(known)


def is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (
        node.func.id == "super")


def class_around(scope: Scope | None) -> Scope | None:
    while scope and scope.kind != "class":
        scope = scope.parent
    return scope


# ---------------------------------------------------------------------------
# C.
#
# A file is read as it stands, before its preprocessor: whatever any branch of an `#if` defines
# is defined.  Functions and variables that are not static are the program's, and so is
# all of a header.  Tags of structures stand among the names as "struct x".

C_LANGUAGE = Language(tree_sitter_c.language())
C_KEYWORDS = re.compile(
    "auto|break|case|char|const|continue|default|defined|do|double|else|enum|extern|false|float|"
    "for|goto|if|inline|int|long|NULL|register|restrict|return|short|signed|sizeof|static|struct|"
    "switch|true|typedef|union|unsigned|void|volatile|while").fullmatch
C_TOKEN = re.compile(
    r"""//.*|/\*(?s:.*?)\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\.?[0-9](?:[eEpP][+-]|[\w.])*"""
    r"""|[^\W\d]\w*|->|\S""")
DECLARATORS = frozenset({"pointer_declarator", "array_declarator", "function_declarator",
                         "parenthesized_declarator", "init_declarator", "attributed_declarator"})


class C:
    """The bindings of all C files of a web."""

    def __init__(self) -> None:
        self.parser = Parser(C_LANGUAGE)
        self.bindings: list[Binding] = []
        self.externals: dict[tuple[str, str], Binding] = {}
        self.program: Scope | None = None
        self.source: Source  # the file that is read
        self.fields: dict[tuple[str, str], list[Binding]] = {}
        self.uses: list[tuple[Scope, str, Spot]] = []
        self.members: list[tuple[Scope, str, str, Spot]] = []  # with the variable before it

    def read(self, source: Source) -> None:
        program = self.program = self.program or Scope("program", "", None, source)
        file = Scope("file", "", program, source)
        self.source = source
        stack: list[CStep] = [(self.parser.parse(source.text.encode()).root_node, file)]
        while stack:
            node, scope = stack.pop()
            see = HANDLERS.get(node.type)
            if see:
                children = see(self, node, scope)
            else:
                children = [(child, scope) for child in node.children if child.is_named]
            children.reverse()
            stack += children

    def bind(
        self, scope: Scope, node: Node | None, kind: str, strength: int = STRONG, tag: str = ""
    ) -> Binding | None:
        """Bind the name that a node is; that of a structure begins with "struct"."""
        if not node:
            return None
        name = text_of(node)
        key = f"struct {name}" if tag == "struct" else name
        binding = scope.names.get(key)
        if not binding:
            binding = Binding(name, "c", kind, scope.name, self.source.name)
            binding.tag = tag
            scope.names[key] = binding
            self.bindings.append(binding)
            if kind == "field":
                self.fields.setdefault((self.shelf(self.source), name), []).append(binding)
        binding.at(self.spot(node), strength)
        return binding

    def spot(self, node: Node) -> Spot | None:
        row, octets = node.start_point
        return self.source.spot(row + 1, self.source.column(row + 1, octets), text_of(node))

    def shelf(self, source: Source) -> str:
        """Whose structures a file's are: its own, or everybody's."""
        return "" if source.name.endswith(".h") else source.name

    def globals_of(self, scope: Scope, static: bool) -> Scope:
        """Where a declaration at the level of a file belongs."""
        return scope.parent if scope.kind == "file" and scope.parent and (
            not static or not self.shelf(self.source)) else scope

    # One function for each kind of node that binds or names something.

    def see_name(self, node: Node, scope: Scope) -> list[CStep]:
        name = text_of(node)
        if not C_KEYWORDS(name) and (node.type != "primitive_type" or name.endswith("_t")):
            spot = self.spot(node)
            if spot:
                self.uses.append((scope, name, spot))
        return []

    def see_field(self, node: Node, scope: Scope) -> list[CStep]:
        spot = self.spot(node)
        if spot:
            self.members.append((scope, text_of(node), "", spot))
        return []

    def see_field_expression(self, node: Node, scope: Scope) -> list[CStep]:
        base, field = part_of(node, "argument"), part_of(node, "field")
        if base and field and base.type == "identifier":
            spot = self.spot(field)
            if spot:
                self.members.append((scope, text_of(field), text_of(base), spot))
            return [(base, scope)]
        return [(child, scope) for child in node.children if child.is_named]

    def see_function(self, node: Node, scope: Scope) -> list[CStep]:
        static = any(text_of(child) == "static" for child in node.children
                     if child.type == "storage_class_specifier")
        declarator = part_of(node, "declarator")
        left: list[CStep] = []
        inner = scope.inner("function")
        if declarator:
            name, left, parameters = unwrap(declarator, scope)
            if name:
                inner = scope.inner("function", text_of(name))
                self.bind(self.globals_of(scope, static), name, "function")
            left += [(child, inner) for child in parameters]
        return [(child, scope) for child in node.children
                if child.is_named and child != declarator and child.type != "compound_statement"
                ] + left + [
                (child, inner) for child in node.children if child.type == "compound_statement"]

    def see_declaration(self, node: Node, scope: Scope) -> list[CStep]:
        storage = {text_of(child) for child in node.children
                   if child.type == "storage_class_specifier"}
        tag = tag_of(part_of(node, "type"))
        declarators, others = declared(node)
        left = [(child, scope) for child in others]
        for child in declarators:
            name, more, parameters = unwrap(child, scope)
            left += more
            if parameters is not NO_FUNCTION:
                prototype = scope.inner("function", text_of(name) if name else "")
                left += [(parameter, prototype) for parameter in parameters]
            function = parameters is not NO_FUNCTION and not is_pointer(child)
            level = scope.kind in ("file", "program")
            kind = "function" if function else "variable" if level else "local"
            target = self.globals_of(scope, "static" in storage)
            self.bind(target, name, kind, WEAK if function or "extern" in storage else STRONG, tag)
        return left

    def see_parameter(self, node: Node, scope: Scope) -> list[CStep]:
        declarator, kind = part_of(node, "declarator"), part_of(node, "type")
        left: list[CStep] = [(kind, scope)] if kind else []
        if declarator and not declarator.type.startswith("abstract"):
            name, more, parameters = unwrap(declarator, scope)
            self.bind(scope, name, "parameter", STRONG, tag_of(kind))
            left += more + [(parameter, scope.inner("function")) for parameter in parameters]
        return left

    def see_typedef(self, node: Node, scope: Scope) -> list[CStep]:
        kind = part_of(node, "type")
        declarators, others = declared(node)
        left = [(child, scope) for child in others if child != kind]
        where = self.globals_of(scope, True)
        for child in declarators:
            name, more, parameters = unwrap(child, scope)
            left += more + [(parameter, scope.inner("function")) for parameter in parameters]
            binding = self.bind(where, name, "type", STRONG, tag_of(kind))
            body = kind and part_of(kind, "body")
            if binding and kind and body and not part_of(kind, "name") and (
                    kind.type != "enum_specifier"):
                binding.within = scope.inner("struct", binding.name)
                return [*left, *((field, binding.within) for field in body.children
                                 if field.is_named)]
        return [(kind, scope), *left] if kind else left

    def see_struct(self, node: Node, scope: Scope) -> list[CStep]:
        name, body = part_of(node, "name"), part_of(node, "body")
        while scope.kind == "struct" and scope.parent:  # C has no nested names
            scope = scope.parent
        if not body:
            spot = self.spot(name) if name else None
            if name and spot:
                self.uses.append((scope, f"struct {text_of(name)}", spot))
            return []
        binding = self.bind(self.globals_of(scope, True), name, "type", STRONG, "struct")
        if node.type == "enum_specifier":
            return [(child, scope) for child in body.children if child.is_named]
        inner = scope.inner("struct", text_of(name) if name else "")
        if binding:
            inner = binding.within = binding.within or inner
        return [(child, inner) for child in body.children if child.is_named]

    def see_member(self, node: Node, scope: Scope) -> list[CStep]:
        tag = tag_of(part_of(node, "type"))
        declarators, others = declared(node)
        left = [(child, scope) for child in others]
        for child in declarators:
            name, more, parameters = unwrap(child, scope)
            self.bind(scope, name, "field", STRONG, tag)
            left += more + [(at, scope.inner("function")) for at in parameters]
        return left

    def see_enumerator(self, node: Node, scope: Scope) -> list[CStep]:
        while scope.kind == "struct" and scope.parent:
            scope = scope.parent
        self.bind(self.globals_of(scope, True), part_of(node, "name"), "constant")
        value = part_of(node, "value")
        return [(value, scope)] if value else []

    def see_block(self, node: Node, scope: Scope) -> list[CStep]:
        inner = scope.inner("block")
        return [(child, inner) for child in node.children if child.is_named]

    def see_macro(self, node: Node, scope: Scope) -> list[CStep]:
        name = part_of(node, "name")
        while scope.kind not in ("file", "program") and scope.parent:
            scope = scope.parent
        self.bind(self.globals_of(scope, True), name, "macro")
        inner = scope.inner("function", text_of(name) if name else "")
        parameters = part_of(node, "parameters")
        for child in parameters.children if parameters else ():
            if child.type == "identifier":
                self.bind(inner, child, "parameter")
        value = part_of(node, "value")
        if value:
            self.lex(value, inner)
        return []

    def see_call(self, node: Node, scope: Scope) -> list[CStep]:
        """A directive that the grammar does not know better."""
        directive, argument = part_of(node, "directive"), part_of(node, "argument")
        if directive and argument and text_of(directive).strip("# \t") == "undef":
            self.lex(argument, scope)
        return []

    def see_label(self, node: Node, scope: Scope) -> list[CStep]:
        """A label is its function's; its name cannot clash with another one."""
        where = scope
        while where.kind == "block" and where.parent:
            where = where.parent
        label = part_of(node, "label")
        name = text_of(label) if label else ""
        binding = where.names.get(f"label {name}")
        if not binding:
            binding = Binding(name, "c", "label", where.name, self.source.name)
            where.names[f"label {name}"] = binding
            self.bindings.append(binding)
        if label:
            binding.at(self.spot(label),
                       STRONG if node.type == "labeled_statement" else USE)
        return [(child, scope) for child in node.children if child.is_named and child != label]

    def lex(self, node: Node, scope: Scope) -> None:
        """Note what a piece of text uses, the body of a macro."""
        text = text_of(node)
        row, octets = node.start_point
        line, begin = row + 1, -self.source.column(row + 1, octets)
        seen, before, base = 0, "", ""
        for match in C_TOKEN.finditer(text):
            token, start = match[0], match.start()
            if text.find("\n", seen, start) >= 0:
                line += text.count("\n", seen, start)
                begin = text.rfind("\n", seen, start) + 1
            seen = start
            if (token[0].isalpha() or token[0] == "_") and not C_KEYWORDS(token):
                spot = self.source.spot(line, start - begin, token)
                if not spot:
                    pass
                elif before in (".", "->"):
                    self.members.append((scope, token, base, spot))
                else:
                    tagged = before in ("struct", "union", "enum")
                    self.uses.append((scope, f"struct {token}" if tagged else token, spot))
            if token in (".", "->"):
                base = before
            before = token

    # Resolving.

    def resolve(self) -> list[Binding]:
        for scope, name, spot in self.uses:
            self.lookup(scope, name).at(spot)
        for scope, name, variable, spot in self.members:
            self.field(scope, name, variable).at(spot)
        return [*self.bindings, *self.externals.values()]

    def find(self, scope: Scope | None, name: str) -> Binding | None:
        while scope:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def lookup(self, scope: Scope, name: str) -> Binding:
        found = self.find(scope, name)
        return found or self.external(name.removeprefix("struct "), "external")

    def external(self, name: str, kind: str) -> Binding:
        if (kind, name) not in self.externals:
            self.externals[kind, name] = Binding(name, "c", kind, "", "")
        return self.externals[kind, name]

    def field(self, scope: Scope, name: str, variable: str) -> Binding:
        """The field of a variable's structure, or of the only structure that has such a field."""
        known = self.find(scope, variable) if variable else None
        kind = self.find(scope, known.tag) if known and known.tag else None
        for _ in range(DEPTH):  # through the types that stand for others
            if not kind or kind.within or not kind.tag or kind.tag == "struct":
                break
            kind = self.find(scope, kind.tag)
        if kind and kind.within and name in kind.within.names:
            return kind.within.names[name]
        if known and known.tag and (known.tag.startswith("struct ") or kind) and not (
                kind and kind.within):
            return self.external(name, "field")  # of a structure that is not ours
        found = self.fields.get(("", name), [])
        if shelf := self.shelf(scope.source):
            found = found + self.fields.get((shelf, name), [])
        return found[0] if len(found) == 1 else self.external(name, "field")


HANDLERS: dict[str, Callable[[C, Node, Scope], list[CStep]]] = {
    "identifier": C.see_name, "type_identifier": C.see_name, "primitive_type": C.see_name,
    "field_identifier": C.see_field, "field_expression": C.see_field_expression,
    "function_definition": C.see_function, "declaration": C.see_declaration,
    "parameter_declaration": C.see_parameter, "type_definition": C.see_typedef,
    "struct_specifier": C.see_struct, "union_specifier": C.see_struct,
    "enum_specifier": C.see_struct, "field_declaration": C.see_member,
    "enumerator": C.see_enumerator, "compound_statement": C.see_block,
    "for_statement": C.see_block, "preproc_def": C.see_macro,
    "preproc_function_def": C.see_macro, "preproc_call": C.see_call,
    "labeled_statement": C.see_label, "goto_statement": C.see_label,
}
NO_FUNCTION: list[Node] = []  # in place of the parameters of what is no function


def text_of(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def part_of(node: Node, field: str) -> Node | None:
    return node.child_by_field_name(field)


def declared(node: Node) -> tuple[list[Node], list[Node]]:
    """The declarators of a declaration, and its other parts."""
    declarators = node.children_by_field_name("declarator")
    known = {child.id for child in declarators}
    return declarators, [child for child in node.children
                         if child.is_named and child.id not in known]


def unwrap(node: Node, scope: Scope) -> tuple[Node | None, list[CStep], list[Node]]:
    """The name in a declarator, what else is in it to walk, and a function's parameters."""
    left: list[CStep] = []
    parameters = NO_FUNCTION
    at: Node | None = node
    while at and at.type in DECLARATORS:
        inner = part_of(at, "declarator")
        if not inner:
            inner = next((child for child in at.children if child.type in DECLARATORS
                          or child.type.endswith("identifier")), None)
        for child in at.children:
            if child.type == "parameter_list":
                parameters = [one for one in child.children if one.is_named]
            elif child.is_named and child != inner:
                left.append((child, scope))
        at = inner
    if at and not at.type.endswith("identifier"):
        return None, [*left, (at, scope)], parameters
    return at, left, parameters


def is_pointer(node: Node) -> bool:
    """Whether a declarator declares a pointer to functions, as `(*f)(int)`."""
    at: Node | None = node
    while at and at.type in DECLARATORS:
        if at.type == "parenthesized_declarator":
            return True
        at = part_of(at, "declarator")
    return False


def tag_of(node: Node | None) -> str:
    """The name, among a scope's, of the type that a node is."""
    if not node:
        return ""
    if node.type == "type_identifier":
        return text_of(node)
    name = part_of(node, "name") if node.type.endswith("_specifier") else None
    return f"struct {text_of(name)}" if name else ""


# ---------------------------------------------------------------------------
# The index.


def identifiers(web: Web, outputs: dict[str, bytes]) -> list[Identifier]:
    """Every identifier of a web's outputs, by name and then by place."""
    python, c = Python(), C()
    for name, data in outputs.items():
        if name.endswith((".py", ".pyi", ".c", ".h")):
            source = Source(web, name, data.decode())
            try:
                (c if name.endswith((".c", ".h")) else python).read(source)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue  # not Python, or none that this one can parse
    exports = {name: {word.name for part in chunk.parts for word in part.exports}
               for name, chunk in web.chunks.items()}
    return assemble(python.resolve() + c.resolve(), exports)


def assemble(bindings: list[Binding], exports: dict[str, set[str]]) -> list[Identifier]:
    """Bindings at the same place of the document are one identifier."""
    made: dict[object, Identifier] = {}
    taken: dict[Spot, Identifier] = {}
    uses: list[tuple[Identifier, Spot]] = []
    for binding in bindings:
        if not binding.spots:
            continue
        spots = dict.fromkeys(spot for spot, _ in binding.spots)
        strength = max(strength for _, strength in binding.spots)
        strong = dict.fromkeys(spot for spot, at in binding.spots if at == strength and at)
        found = next((taken[spot] for spot in strong if spot in taken), None)
        if not found:
            key = (binding.kind, binding.name, binding.origin) if binding.origin else binding
            found = made.setdefault(key, Identifier(
                binding.name, binding.language, binding.kind, binding.scope,
                binding.file if strong else ""))
        found.public |= binding.public
        for spot in strong:
            if spot not in taken:
                taken[spot] = found
                found.definitions.append(Use(spot, len(binding.name)))
        uses += [(found, spot) for spot in spots if spot not in strong]
    for identifier, spot in uses:
        if spot not in taken:
            taken[spot] = identifier
            identifier.uses.append(Use(spot, len(identifier.name)))
    result = [found for found in made.values() if found.definitions or found.uses]
    for identifier in result:
        identifier.definitions.sort(key=by_place)
        identifier.uses.sort(key=by_place)
        identifier.exported = is_global(identifier) and any(
            identifier.name in exports[use.part.name] for use in identifier.definitions)
    result.sort(key=lambda found: (found.name.casefold(), found.name, by_place(
        (found.definitions or found.uses)[0])))
    return result


def by_place(use: Use) -> tuple[int, int]:
    return use.part.line + use.row, use.offset


def is_global(identifier: Identifier) -> bool:
    return not identifier.scope and identifier.kind in (
        "constant", "variable", "function", "class", "type", "macro")


# What may stand in prose: a name, with an object before it or arguments after it; but `f(2)` is
# a page of the manual.
MENTION = re.compile(
    r"(?:(?:struct|union|enum|class|def)\s+)?((?:\w+(?:\.|->))*)(\w+)(?!\([1-9]\))(?:\(.*\))?")


class Mark:
    """A place in a part's text, the identifier there, and whether it is defined there."""

    def __init__(self, use: Use, identifier: Identifier, defines: bool) -> None:
        self.use, self.identifier, self.defines = use, identifier, defines


class Index:
    """The identifiers of a web, by place and by name."""

    def __init__(self, web: Web, outputs: dict[str, bytes]) -> None:
        self.identifiers = identifiers(web, outputs)
        self.marks: dict[Part, list[Mark]] = {}
        self.named: dict[str, list[Identifier]] = {}
        for identifier in self.identifiers:
            self.named.setdefault(identifier.name, []).append(identifier)
            for use in identifier.definitions:
                self.marks.setdefault(use.part, []).append(Mark(use, identifier, True))
            for use in identifier.uses:
                self.marks.setdefault(use.part, []).append(Mark(use, identifier, False))
        for marks in self.marks.values():
            marks.sort(key=lambda mark: (mark.use.row, mark.use.offset))

    def named_in(self, section: Section) -> dict[Identifier, bool]:
        """What a section's code names, and whether it defines it."""
        found: dict[Identifier, bool] = {}
        for part in section.parts:
            for mark in self.marks.get(part, ()):
                found[mark.identifier] = mark.defines or found.get(mark.identifier, False)
        return found

    def elsewhere(self, section: Section) -> list[Identifier]:
        """What a section uses and other sections define, by name."""
        found = self.named_in(section)
        return sorted([identifier for identifier, defined in found.items()
                       if not defined and is_ours(identifier)], key=lambda at: at.name.casefold())

    def find(self, name: str, section: Section) -> Identifier | None:
        """What a name in a section's prose means, if it is one of ours.

        Of several the section's own comes first, then what is public, exported,
        global, of a class or a structure; a parameter or a local variable only where the
        section has it. Attributes of several classes mean none of them, and names of Python's
        own only what the section defines.
        """
        match = MENTION.fullmatch(name.strip())
        if not match:
            return None
        owner, last = match[1].replace("->", ".").strip("."), match[2]
        candidates = [one for one in self.named.get(last, ()) if is_ours(one)]
        if not candidates:
            return None
        here = self.named_in(section)
        if owner:
            members = [one for one in candidates if one.scope and one.kind not in (
                "local", "parameter", "label")]
            exact = [one for one in members if one.scope.split(".")[-1] == owner.split(".")[-1]]
            if exact or self.is_foreign(owner):
                return first_of(exact)
            return only(members, here)
        globals_ = [one for one in candidates if is_global(one)]
        if globals_:
            return max(globals_, key=lambda one: (
                here.get(one, False), one.public, one.exported, one.language == "python",
                one in here))
        if self.is_foreign(last):
            candidates = [one for one in candidates if here.get(one)]
        private = [one for one in candidates if one in here]
        members = [one for one in private if one.kind not in ("local", "parameter", "label")]
        return first_of(members) or first_of(private) or only(
            [one for one in candidates if one.kind not in ("local", "parameter", "label")], here)


    def is_foreign(self, name: str) -> bool:
        """Whether Python or a module of others has something of that name."""
        return hasattr(builtins, name) or any(
            one.language == "python" and one.kind in ("module", "external")
            for one in self.named.get(name.split(".")[0], ()))


def is_ours(identifier: Identifier) -> bool:
    return bool(identifier.definitions) and identifier.kind not in ("external", "module")


def first_of(found: list[Identifier]) -> Identifier | None:
    return found[0] if found else None


def only(found: list[Identifier], here: dict[Identifier, bool]) -> Identifier | None:
    """The one, or the one that the section has."""
    near = [one for one in found if one in here]
    return near[0] if len(near) == 1 else found[0] if len(found) == 1 else None
