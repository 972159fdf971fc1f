"""What a web's Python packages show: every public name, and what is said of it.

    packages(web, tangle(web))  the modules that have an `__all__`, with all that it names
    as_text(package)            one of them as text

Nothing is run: the outputs are read with `ast`.  What is said of a function or class is its
docstring; of any other name, the string that stands below it, as editors have it.  An output
that cannot be parsed has no public names.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from contextlib import suppress
from typing import NamedTuple

from .messages import Problem
from .names import absolute, module_name
from .origins import runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .web import Web

    Function = ast.FunctionDef | ast.AsyncFunctionDef
    Found = tuple["Module", ast.stmt, str]  # where it is, and what is said below it

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
WIDTH = 100
DEPTH = 60  # how often a name may be handed on


class Entry(NamedTuple):
    """A public name, with its class before it if it has one, and what is said of it.

    `form` is what follows the name: parameters, or a type.  It is defined in `line` of the web, in
    the section `number`; neither is known of what the web does not define.
    """

    name: str
    form: str
    text: str
    line: int
    number: str

    @property
    def last(self) -> str:
        """The name without its class's."""
        return self.name.rpartition(".")[2]


class Class(NamedTuple):
    """A class: what is said of it, the names of its bases, and its members.

    Fields are those of its objects; constants are attributes of the class itself.
    """

    entry: Entry
    bases: list[str]
    fields: list[Entry]
    methods: list[Entry]
    constants: list[Entry]


class Package(NamedTuple):
    """A module, and the names that its `__all__` has, by kind."""

    name: str
    text: str
    procedures: list[Entry]
    classes: list[Class]
    constants: list[Entry]
    version: str

    def entries(self) -> Iterator[Entry]:
        """All that is said."""
        yield from self.procedures
        for each in self.classes:
            yield each.entry
            yield from (*each.fields, *each.methods, *each.constants)
        yield from self.constants


def packages(web: Web, contents: dict[str, bytes]) -> list[Package]:
    """The modules among a web's outputs that have an `__all__`."""
    modules = Modules(web, contents)
    found = [modules[name] for name in modules.codes if "__all__" in modules.codes[name]]
    return [Reader(modules, module).package() for module in found
            if module and "__all__" in module.names]


def unread(web: Web, contents: dict[str, bytes]) -> Iterator[Problem]:
    """The modules that seem to have an `__all__`, and are no Python."""
    for name, data in contents.items():
        if name.endswith(".py") and b"__all__" in data:
            try:
                ast.parse(data)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                line = getattr(error, "lineno", None) or 1
                place = next((run.place() for run in runs(web, name, data.decode())
                              if run.line >= line), (1, 1))
                yield Problem(*place, f"no reference of {name}: expected valid Python: "
                              f"{getattr(error, 'msg', None) or 'it nests too deeply'}")


# ---------------------------------------------------------------------------
# Modules.


class Module:
    """A Python output: what its names are bound to first, and where its lines were written."""

    def __init__(self, web: Web, output: str, name: str, code: str) -> None:
        self.web, self.output, self.name, self.code = web, output, name, code
        self.names: dict[str, tuple[ast.stmt, str]] = {}
        self.tree = ast.parse(code)
        for statement, text in statements(self.tree.body):
            for bound in bound_by(statement):
                self.names.setdefault(bound, (statement, text))
        self._places: dict[int, tuple[int, str]] = {}

    def place(self, node: ast.stmt) -> tuple[int, str]:
        """The line of the web in which a statement was written, and the section there."""
        if not self._places:
            for run in runs(self.web, self.output, self.code):
                number = run.part.section.number if run.part.section else ""
                self._places.setdefault(run.line, (run.place()[0], number))
        return self._places.get(node.lineno, (0, ""))

    def source(self, node: ast.ImportFrom) -> str:
        """The name of the module that an import takes from."""
        return absolute("." * node.level + (node.module or ""), self.output)


class Modules:
    """The Python outputs of a web, by the names under which they are imported."""

    def __init__(self, web: Web, contents: dict[str, bytes]) -> None:
        self.web = web
        self.outputs = {module_name(output): output for output in contents
                        if output.endswith(".py")}
        self.codes = {name: contents[output].decode() for name, output in self.outputs.items()}
        self.known: dict[str, Module | None] = {}

    def __getitem__(self, name: str) -> Module | None:
        if name not in self.known:
            self.known[name] = None
            if name in self.codes:
                with suppress(SyntaxError, ValueError, RecursionError):
                    self.known[name] = Module(self.web, self.outputs[name], name, self.codes[name])
        return self.known[name]

    def find(self, module: Module, name: str, depth: int = 0) -> Found | None:
        """What a name of a module is: a definition, in it or where it is imported from."""
        statement, text = module.names.get(name, (module.names.get("*", (None,))[0], ""))
        if not isinstance(statement, ast.ImportFrom):
            return (module, statement, text) if statement else None
        alias = next((each.name for each in statement.names
                      if name == (each.asname or each.name)), name)
        source = self[module.source(statement)]
        return self.find(source, alias, depth + 1) if source and depth < DEPTH else None

    def lineage(self, module: Module, node: ast.ClassDef) -> list[tuple[Module, ast.ClassDef]]:
        """A class and those of the web that it derives from, in about the order of look-up."""
        found = [(module, node)]
        for home, kind in found:  # which grows meanwhile
            for base in kind.bases:
                where = self.find(home, base.id) if isinstance(base, ast.Name) else None
                if where and isinstance(where[1], ast.ClassDef):
                    pair = where[0], where[1]
                    if pair not in found:
                        found.append(pair)
        return found


def statements(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """The statements of a body, those in branches too, each with the string below it.

    Overloads are left out: what is to be known is said of the function itself.
    """
    for at, statement in enumerate(body):
        if isinstance(statement, FUNCTIONS) and any(
                ast.unparse(each).endswith("overload") for each in statement.decorator_list):
            continue
        below = body[at + 1] if at + 1 < len(body) else None
        text = ""
        if (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)):
            text = inspect.cleandoc(below.value.value)
        yield statement, text
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            for branch in ("body", "orelse", "finalbody"):
                yield from statements(getattr(statement, branch, []))


def bound_by(statement: ast.stmt) -> list[str]:
    """The names that a statement binds or declares."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in statement.names]
    targets = (statement.targets if isinstance(statement, ast.Assign)
               else [statement.target] if isinstance(statement, ast.AnnAssign) else [])
    return [node.id for target in targets for node in ast.walk(target)
            if isinstance(node, ast.Name)]


# ---------------------------------------------------------------------------
# Packages.


class Reader:
    """What a module's `__all__` names, found in whatever modules."""

    def __init__(self, modules: Modules, module: Module) -> None:
        self.modules, self.module = modules, module
        self.found = {name: modules.find(module, name)
                      for name in sorted(set(listed(module)), key=str.casefold)}
        self.shown = {found[1]: name for name, found in self.found.items() if found}

    def package(self) -> Package:
        statement, _ = self.module.names.get("__version__", (None, ""))
        version = getattr(getattr(statement, "value", None), "value", "")
        shown = Package(self.module.name, ast.get_docstring(self.module.tree) or "", [], [], [],
                        version if isinstance(version, str) else "")
        for name, found in self.found.items():
            if not found:
                shown.constants.append(Entry(name, "", "", 0, ""))
            elif isinstance(found[1], FUNCTIONS):
                shown.procedures.append(function(found[0], name, found[1]))
            elif isinstance(found[1], ast.ClassDef):
                shown.classes.append(self.class_of(found[0], name, found[1]))
            else:
                shown.constants.append(variable(found[0], name, found[1], found[2]))
        return shown

    def class_of(self, module: Module, name: str, node: ast.ClassDef) -> Class:
        """A class and its members: its own, and those that it has from bases that are not shown."""
        shown = Class(Entry(name, "", ast.get_docstring(node) or "", *module.place(node)),
                      self.bases(module, node), [], [], [])
        known, form = set[str](), ""
        for home, kind in self.modules.lineage(module, node):
            for statement, text in statements(kind.body):
                for bound in bound_by(statement):
                    if bound in ("__init__", "__new__") and isinstance(statement, FUNCTIONS):
                        form = form or parameters(statement, 1)
                    if (bound in known or bound.startswith("_")
                            or (kind in self.shown and kind is not node)):
                        continue
                    known.add(bound)
                    full = f"{name}.{bound}"
                    if is_of_objects(statement):
                        shown.fields.append(variable(home, full, statement, text))
                    elif isinstance(statement, FUNCTIONS):
                        shown.methods.append(function(home, full, statement, 1))
                    elif text:
                        shown.constants.append(variable(home, full, statement, text))
        return shown._replace(entry=shown.entry._replace(form=form))

    def bases(self, module: Module, node: ast.ClassDef) -> list[str]:
        """The bases of a class, or in place of those that are not shown, theirs."""
        names: list[str] = []
        for base in node.bases:
            found = self.modules.find(module, base.id) if isinstance(base, ast.Name) else None
            if not found:
                names.append(ast.unparse(base))
            elif found[1] in self.shown:
                names.append(self.shown[found[1]])
            elif isinstance(found[1], ast.ClassDef):
                names += self.bases(found[0], found[1])
        return names


def listed(module: Module) -> list[str]:
    """The names in a module's `__all__`, if they are written there."""
    statement = module.names["__all__"][0]
    value = getattr(statement, "value", None)
    return [node.value for node in ast.walk(value) if isinstance(node, ast.Constant)
            and isinstance(node.value, str)] if value else []


# ---------------------------------------------------------------------------
# Entries.


def function(module: Module, name: str, node: Function, skipped: int = 0) -> Entry:
    return Entry(name, parameters(node, skipped) + typed(node.returns, " -> "),
                 ast.get_docstring(node) or "", *module.place(node))


def variable(module: Module, name: str, node: ast.stmt, text: str) -> Entry:
    """What is no function: a name with a type, or what a property is."""
    hint = None
    if isinstance(node, FUNCTIONS):
        hint, text = node.returns, ast.get_docstring(node) or ""
    elif isinstance(node, ast.AnnAssign):
        hint = node.annotation
        if isinstance(hint, ast.Subscript) and not is_of_objects(node):
            hint = hint.slice
            if isinstance(hint, ast.Name) and hint.id == name.partition(".")[0]:
                hint = None  # of its own class, as is to be expected
    return Entry(name, typed(hint), text, *module.place(node))


def is_of_objects(node: ast.stmt) -> bool:
    """Whether what a class binds is a field of its objects."""
    if isinstance(node, FUNCTIONS):
        return any(ast.unparse(each).endswith("property") for each in node.decorator_list)
    return isinstance(node, ast.AnnAssign) and not re.match(
        r"(typing\.)?(ClassVar|Final)\b", ast.unparse(node.annotation))


def typed(hint: ast.expr | None, sign: str = ": ") -> str:
    return sign + ast.unparse(hint) if hint else ""


class Code(str):
    """Code that a signature prints as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def code(node: ast.expr | None) -> object:
    return Code(ast.unparse(node)) if node else inspect.Parameter.empty


def parameters(node: Function, skipped: int = 0) -> str:
    """The parameters of a function, in parentheses."""
    of, given = inspect.Parameter, node.args
    kinds: list[tuple[ast.arg | None, inspect._ParameterKind]] = [
        *((each, of.POSITIONAL_ONLY) for each in given.posonlyargs),
        *((each, of.POSITIONAL_OR_KEYWORD) for each in given.args),
        (given.vararg, of.VAR_POSITIONAL),
        *((each, of.KEYWORD_ONLY) for each in given.kwonlyargs),
        (given.kwarg, of.VAR_KEYWORD),
    ]
    required = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    defaults = [None] * required + [*given.defaults, *given.kw_defaults]
    values = iter(defaults)
    return str(inspect.Signature([
        of(each.arg, kind,
           default=code(None if kind in (of.VAR_POSITIONAL, of.VAR_KEYWORD) else next(values)),
           annotation=code(each.annotation))
        for each, kind in kinds if each][skipped:]))


# ---------------------------------------------------------------------------
# Text.


def as_text(package: Package) -> str:
    """A package's reference as text."""
    out = [heading(package.name, "="), package.text + "\n"]
    for title, entries in (("Procedures", package.procedures), ("Constants", package.constants)):
        if entries:
            out += [heading(title, "-"), *map(told, entries)]
    if package.classes:
        out.append(heading("Classes", "-"))
    for each in package.classes:
        bases = f"  of {', '.join(each.bases)}" if each.bases else ""
        out.append(told(each.entry, "\nclass ", bases))
        out += [textwrap.indent(told(entry), "    ")
                for entry in (*each.fields, *each.methods, *each.constants)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip() + "\n"


def heading(title: str, sign: str) -> str:
    return f"\n{title}\n{sign * len(title)}\n"


def told(entry: Entry, before: str = "", behind: str = "") -> str:
    """An entry: its name and form, its section, and what is said of it."""
    number = f"  §{entry.number}" if entry.number else ""
    head = before + textwrap.fill(
        f"{entry.last}{entry.form}{behind}{number}", WIDTH - len(before),
        subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False)
    return f"{head}\n{textwrap.indent(entry.text, '    ')}\n" if entry.text else head
