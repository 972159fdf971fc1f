"""Hygiene: a chunk reads of its surroundings what it captures, and shows them what it exports.

The tangled Python files are read as Python reads them, and each name in them is
followed from where it is bound to where it is read.  Often both stand in one chunk.
Where they do not, the name leaves chunks on its way and enters others (a chunk within
a chunk is left, or entered, by itself):

- Bound at the top of the file, outside functions and classes, it must be *exported* by
  every chunk that it leaves.  It enters all chunks freely.
- Bound in a function, a class or a comprehension, it must be exported by every chunk
  that it leaves, and *captured* by every chunk that it enters.
- Imported at the top of the file, it is common to the file.
- An attribute or a keyword is no such name, nor is one that nobody in the file binds.
  What other files of the web import from this one must leave its chunks, too.

On the other hand, what a chunk captures it must read of its surroundings, and what it
exports it must bind there for them, both at each place where it is used.  A chunk is all
its parts: each of them may declare for the others.

What a chunk defines by `def` or `class` and exports, no other chunk defines anew before anybody
can have used it: the one would be lost.  (Alternatives stand in branches; what is decorated may be
meant to be defined again.)

Which bindings a read may mean is a matter of control flow.  In the function (or class, or
file) that binds the name, the read means those that may be the latest when it is reached;
so two chunks of a function may each have an `i` of their own.  What a function reads of
the code around it, it may read at any time: then all bindings are meant.  A variable that
is assigned by `global` or `nonlocal` belongs to whoever binds it otherwise; the assignment
counts as a read.  Text is text: no name is looked for in strings.

In C a declared export must be defined in its chunk or in one that this refers to: by
`#define`, as a function with its body, as an enumeration's constant, as the tag of a
structure, union or enumeration with its body, or as a variable or type in a declaration.
"""

from __future__ import annotations

import re
import sys

from .origins import Run, Use, runs
from .web import Chunk, Web, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeAlias

    # What may have bound a name: a chunk where it is used, or an earlier round of a loop.
    Source: TypeAlias = "Use | Branch"
    Sources = frozenset[Source]

PYTHON = {"python", "py", "pyi", "python3"}
C = {"c", "h"}


def check(web: Web, outputs: dict[str, bytes]) -> None:
    """Check the chunks of a web that has no problems yet, given the files that it means."""
    hygiene = Hygiene(web)
    for name, output in outputs.items():
        if language(web.chunks[name]) in PYTHON:
            hygiene.read(name, output.decode())
    hygiene.judge()
    for chunk in web.chunks.values():
        if language(chunk) in C:
            check_c(web, chunk)


def language(chunk: Chunk) -> str:
    suffix = chunk.name.rpartition(".")[2] if chunk.is_file else ""
    return suffix if suffix in PYTHON | C else chunk.parts[0].language or ""


# ---------------------------------------------------------------------------
# Scopes, and the flow of control in them.

NOBODY: Sources = frozenset()
MANY = 64


def order(use: Use) -> int:
    return use.order


def union(one: Sources, other: Sources) -> Sources:
    """All of both.  Of very many, so that time grows with the file, only the first and the
    last that use the same chunk, and then the first and the last of all."""
    found = one | other if other else one
    if len(found) <= MANY:
        return found
    uses = sorted((use for use in found if isinstance(use, Use)), key=order)
    ends = {(use.name, last): use for last in (True, False) for use in uses[:: last or -1]}
    uses = sorted(set(ends.values()), key=order)
    kept: list[Source] = [*uses[: MANY // 4], *uses[-MANY // 4 :]]
    return frozenset(kept).union([source for source in found if isinstance(source, Branch)])


class Branch:
    """A stretch of code that may be passed by: who may have bound the names that it binds.

    At the end of a loop's body `left` says what that leaves to the next round; before,
    the branch itself stands for it among the sources.  `dead` is a branch that is not
    left at its end, and `jumps` a loop that may be left elsewhere.
    """

    def __init__(self, below: Branch | None, loop: bool = False) -> None:
        self.below, self.loop = below, loop
        self.names: dict[str, Sources] = {}
        self.left: dict[str, Sources] = {}
        self.dead = self.jumps = False

    def find(self, name: str) -> Sources | None:
        """Who may have bound a name last; None: nobody yet."""
        branch: Branch | None = self
        rounds: list[Source] = []
        while branch:
            if name in branch.names:
                found = branch.names[name]
                return found.union(rounds) if rounds else found
            if branch.loop:
                rounds.append(branch)
            branch = branch.below
        return None


class Scope:
    """A module, class, function, comprehension or list of type parameters.

    `home` is the innermost use of a chunk that holds all of it (None for a module).
    `waiting` are the reads that are not met by a binding before them: those of inner
    functions, and those of names from farther out.
    """

    def __init__(self, kind: str, above: Scope | None, home: Use | None) -> None:
        self.kind, self.above, self.home = kind, above, home
        self.branch = Branch(None)
        self.loops: list[Branch] = []
        self.trials: list[dict[str, Sources]] = []  # what open loops and trys ever bound
        self.bindings: dict[str, dict[Use, Any]] = {}  # a node for each use that binds
        self.defined: dict[str, Definition] = {}  # what several chunks export
        self.calls = 0  # how many there were, so far
        self.waiting: dict[tuple[str, Use], Any] = {}
        self.outer: dict[str, str] = {}  # names declared "global" or "nonlocal"

    def around(self) -> Scope | None:
        """The next scope whose names are seen from here: those of a class are not."""
        scope = self.above
        while scope and scope.kind == "class" and self.kind != "types":
            scope = scope.above
        return scope

    def bind(self, name: str, source: Sources, perhaps: bool) -> None:
        names = self.branch.names
        names[name] = union(source, self.branch.find(name) or NOBODY) if perhaps else source
        for trial in self.trials:
            trial[name] = union(source, trial.get(name, NOBODY))

    def unbind(self, name: str) -> None:
        if name not in self.outer:
            self.branch.names[name] = NOBODY

    def enter(self, loop: bool = False) -> None:
        self.branch = Branch(self.branch, loop)

    def leave(self) -> Branch:
        branch = self.branch
        assert branch.below
        self.branch = branch.below
        return branch

    def join(self, branches: list[Branch], passing: bool) -> None:
        """Go on after one of the branches, or (passing) after none of them."""
        live = [branch for branch in branches if not branch.dead]
        if not live and not passing:
            self.branch.dead = True
        every = len(live) + passing
        found: dict[str, tuple[Sources, int]] = {}
        for branch in live:
            for name, sources in branch.names.items():
                others, count = found.get(name, (NOBODY, 0))
                found[name] = union(sources, others), count + 1
        for name, (sources, count) in found.items():
            if count < every:
                sources = union(sources, self.branch.find(name) or NOBODY)
            self.branch.names[name] = sources


class Definition:
    """A function or class that several chunks export, before it is bound anew."""

    def __init__(self, use: Use, node: Any, scope: Scope) -> None:
        self.use, self.node, self.branch, self.calls = use, node, scope.branch, scope.calls
        self.read = self.later = False  # read where it was defined; read in functions there


# ---------------------------------------------------------------------------
# The walk.

# The parts of nodes that are no nodes, or are looked at by themselves.
PLAIN = {"ctx", "op", "ops", "id", "arg", "attr", "kind", "conversion", "simple", "type_comment",
         "level", "module", "names", "name", "is_async", "str"}
WORD = re.compile(r"\w+")


class Walk:
    """One walk through a Python file, in the order in which it runs."""

    def __init__(self, hygiene: Hygiene, name: str, text: str) -> None:
        self.hygiene, self.name = hygiene, name
        self.lines = text.split("\n")
        self.rows: list[list[Run]] = [[] for _ in range(len(self.lines) + 1)]
        self.alone: dict[Use, Sources] = {}  # each use that has code, as a set
        for run in runs(hygiene.web, name, text):
            self.rows[run.line].append(run)
            if run.use not in self.alone:
                self.alone[run.use] = frozenset((run.use,))
        # Who reads what: for a name of a scope, and those who may have bound it.
        self.links: dict[tuple[Scope, str, Sources], dict[Use, Any]] = {}
        self.imports: set[tuple[Use, str]] = set()
        self.assigned: dict[str, dict[Use, Any]] = {}  # by global
        self.wanted: list[tuple[int, str, str, Any]] = []  # of other files
        self.star = False
        self.formatted: Any = None  # the f-string that we are in
        self.perhaps = 0  # we are in parts of an expression that may be passed by
        self.fields: dict[type, tuple[str, ...]] = {}
        self.methods: dict[type, Any] = {}
        self.module = self.scope = Scope("module", None, None)
        self.scopes = [self.module]

    # Places.

    def column(self, line: int, offset: int) -> int:
        """The index of a character, given its byte's."""
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))

    def run(self, line: int, column: int) -> Run:
        """The run of a character, or else the last before it, or the first."""
        line = min(line, len(self.lines))
        before = [run for run in self.rows[line] if run.column <= column + 1]
        while not before and line > 1:
            line -= 1
            before = self.rows[line]
        return before[-1] if before else next(row[0] for row in self.rows if row)

    def find(self, name: str, node: Any) -> tuple[Run, int]:
        """The run in which a node's name stands, and where in it."""
        if self.formatted and node is not self.formatted:
            # Before 3.12 the places in an f-string are not reliable.
            line, column = node.lineno, self.column(node.lineno, node.col_offset)
            if line > len(self.lines) or not self.lines[line - 1].startswith(name, column):
                return self.find(name, self.formatted)
        line = node.lineno
        column = first = self.column(line, node.col_offset)
        rest = ((number, match) for number in range(line, node.end_lineno + 1)
                for match in WORD.finditer(self.lines[number - 1], first * (number == line)))
        for number, match in rest:
            if match[0] == name or normal(match[0]) == name:
                line, column = number, match.start()
                break
        run = self.run(line, column)
        return run, min(max(column + 1 - run.column, 0), len(run.text))

    def place(self, name: str, node: Any) -> tuple[int, int]:
        """Where a name of a node stands in the document."""
        run, offset = self.find(name, node)
        return run.place(offset)

    def spot(self, line: int, column: int) -> tuple[int, int] | None:
        """Where a character, or the last before it, stands in the document."""
        if not self.alone:
            return None
        run = self.run(max(line, 1), max(column, 1) - 1)
        end = len(run.text)
        return run.place(min(max(column - run.column, 0), end) if run.line == line else end)

    def use(self, name: str, node: Any) -> Use:
        if not self.formatted:
            row: list[Run] = self.rows[node.lineno]
            if len(row) == 1:
                return row[0].use
        return self.find(name, node)[0].use

    def home(self, node: Any) -> Use | None:
        """The innermost use that holds all of a node."""
        node = self.formatted or node
        first = self.run(node.lineno, self.column(node.lineno, node.col_offset)).use
        last = self.run(node.end_lineno, self.column(node.end_lineno, node.end_col_offset) - 1).use
        return common(first, last)

    # Names.

    def bind(self, name: str, node: Any, perhaps: bool = False, scope: Scope | None = None) -> Use:
        scope, use = scope or self.scope, self.use(name, node)
        scope.defined.pop(name, None)
        outer = scope.outer.get(name)
        if outer:
            owner = self.module if outer == "global" else scope
            owner.waiting.setdefault((name, use), node)
            if outer == "global":
                self.assigned.setdefault(name, {}).setdefault(use, node)
        else:
            scope.bindings.setdefault(name, {}).setdefault(use, node)
            scope.bind(name, self.alone[use], perhaps or self.perhaps > 0)
        return use

    def read(self, name: str, node: Any) -> None:
        use = self.use(name, node)
        if name in self.hygiene.captured:
            self.hygiene.note(use, name)
        if name in self.hygiene.contested:
            self.read_definition(name)
        scope: Scope | None = self.scope
        while scope:
            if scope.outer.get(name) == "global":
                scope = self.module
                break
            sources = None if name in scope.outer else scope.branch.find(name)
            if sources:
                if sources != self.alone[use]:
                    self.links.setdefault((scope, name, sources), {}).setdefault(use, node)
                return
            if scope.kind in ("function", "module"):
                break
            scope = scope.around()
        assert scope
        scope.waiting.setdefault((name, use), node)

    def define(self, node: Any) -> None:
        """A function or class is bound: none that another chunk exported may be lost by it."""
        name, scope, old = node.name, self.scope, self.scope.defined.get(node.name)
        use = self.bind(name, node)
        exports = self.hygiene.exports
        if name not in self.hygiene.contested or name in scope.outer or (
                name not in exports[use.name] or node.decorator_list):
            return
        scope.defined[name] = Definition(use, node, scope)
        if old and old.use.name != use.name and old.branch is scope.branch and not (
                old.read or (old.later and old.calls < scope.calls)):
            line = self.place(name, old.node)[0]
            self.hygiene.report("define", use, name, self.place(name, node), f"{name} is defined "
                                f"anew: ⟨{old.use.name}⟩ exports it, too (bound in line {line}), "
                                "and nothing has used that: expected another name")

    def read_definition(self, name: str) -> None:
        scope: Scope | None = self.scope
        later = False
        while scope:
            if name in scope.defined:
                found = scope.defined[name]
                found.read, found.later = found.read or not later, True
            later = later or scope.kind == "function"
            scope = scope.above

    def call_(self, node: Any) -> list[Any]:
        scope: Scope | None = self.scope
        while scope:
            scope.calls += 1
            scope = None if scope.kind == "function" else scope.above
        return [node.func, *node.args, *node.keywords]

    def open(self, kind: str, node: Any) -> None:
        self.scope = Scope(kind, self.scope, self.home(node))
        self.scopes.append(self.scope)

    def close(self) -> None:
        """Leave a scope.  Reads that still wait mean any of its bindings, or go farther out."""
        scope, around = self.scope, self.scope.around()
        if scope is self.module:
            for name, uses in self.assigned.items():
                scope.bindings.setdefault(name, uses)
        everybody: dict[str, Sources] = {}
        for (name, use), node in scope.waiting.items():
            if name in scope.bindings:
                if name not in everybody:
                    everybody[name] = frozenset(scope.bindings[name])  # all of them, once
                sources = everybody[name]
                if len(sources) > 1 or use not in sources:
                    self.links.setdefault((scope, name, sources), {}).setdefault(use, node)
            elif around:
                around.waiting.setdefault((name, use), node)
        if scope.above:
            self.scope = scope.above

    # Nodes.  Statements, and expressions with a scope or a choice, have methods.

    def all(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            self.node(node)

    def node(self, node: Any) -> None:
        """Walk an expression or a statement: what has a method by that, the rest by its parts.

        A stack of our own, since what is written flat may be deep: `a + b + c + …`.  A
        method may return what is to be walked next; between +1 and -1 stand parts of an
        expression that may be passed by.
        """
        stack = [node]
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is int:
                self.perhaps += node
                continue
            if kind not in self.methods:
                self.methods[kind] = getattr(self, kind.__name__.lower() + "_", None)
                self.fields[kind] = tuple(
                    field for field in reversed(kind._fields) if field not in PLAIN)
            method = self.methods[kind]
            if method:
                stack += reversed(method(node) or ())
                continue
            for field in self.fields[kind]:
                value = getattr(node, field, None)
                if value.__class__ is list:
                    stack += [item for item in reversed(value) if hasattr(item, "_fields")]
                elif hasattr(value, "_fields"):
                    stack.append(value)

    def name_(self, node: Any) -> None:
        kind = node.ctx.__class__.__name__
        if kind == "Load":
            self.read(node.id, node)
        elif kind == "Store":
            self.bind(node.id, node)
        else:
            self.read(node.id, node)
            self.scope.unbind(node.id)

    def constant_(self, node: Any) -> None:
        pass

    def joinedstr_(self, node: Any) -> None:
        around, self.formatted = self.formatted, self.formatted or node
        self.all(node.values)
        self.formatted = around

    templatestr_ = joinedstr_

    def boolop_(self, node: Any) -> list[Any]:
        return [node.values[0], +1, *node.values[1:], -1]

    def ifexp_(self, node: Any) -> list[Any]:
        return [node.test, +1, node.body, node.orelse, -1]

    def namedexpr_(self, node: Any) -> None:
        self.node(node.value)
        scope, inside = self.scope, False
        while scope.kind == "comprehension" and scope.above:
            scope, inside = scope.above, True
        self.bind(node.target.id, node.target, inside, scope)

    def lambda_(self, node: Any) -> None:
        self.signature(node.args)
        self.function(node, [node.body])

    def listcomp_(self, node: Any) -> None:
        first = node.generators[0]
        self.node(first.iter)
        self.open("comprehension", node)
        for generator in node.generators:
            if generator is not first:
                self.node(generator.iter)
            self.node(generator.target)
            self.all(generator.ifs)
        if hasattr(node, "elt"):
            self.node(node.elt)
        else:
            self.all((node.key, node.value))
        self.close()

    setcomp_ = dictcomp_ = generatorexp_ = listcomp_

    # Definitions.

    def signature(self, node: Any) -> None:
        """What is read where a function is defined: defaults and annotations."""
        self.all(node.defaults)
        self.all([default for default in node.kw_defaults if default])
        self.all([argument.annotation for argument in arguments(node) if argument.annotation])

    def function(self, node: Any, body: list[Any]) -> None:
        self.open("function", node)
        perhaps, self.perhaps = self.perhaps, 0
        for argument in arguments(node.args):
            self.bind(argument.arg, argument)
        self.all(body)
        self.perhaps = perhaps
        self.close()

    def parameters(self, node: Any) -> bool:
        """Open a scope for type parameters, if there are any."""
        if not getattr(node, "type_params", None):
            return False
        self.open("types", node)
        for parameter in node.type_params:
            self.bind(parameter.name, parameter)
        self.all([value for parameter in node.type_params
                  for value in (getattr(parameter, "bound", None),
                                getattr(parameter, "default_value", None)) if value])
        return True

    def functiondef_(self, node: Any) -> None:
        self.all(node.decorator_list)
        generic = self.parameters(node)
        self.signature(node.args)
        if node.returns:
            self.node(node.returns)
        self.function(node, node.body)
        if generic:
            self.close()
        self.define(node)

    asyncfunctiondef_ = functiondef_

    def classdef_(self, node: Any) -> None:
        self.all(node.decorator_list)
        generic = self.parameters(node)
        self.all(node.bases)
        self.all(node.keywords)
        self.open("class", node)
        self.all(node.body)
        self.close()
        if generic:
            self.close()
        self.define(node)

    def typealias_(self, node: Any) -> None:
        generic = self.parameters(node)
        self.node(node.value)
        if generic:
            self.close()
        self.node(node.name)

    # Simple statements.

    def assign_(self, node: Any) -> None:
        self.node(node.value)
        self.all(node.targets)

    def augassign_(self, node: Any) -> None:
        if node.target.__class__.__name__ == "Name":
            self.read(node.target.id, node.target)
        self.node(node.value)
        self.node(node.target)

    def annassign_(self, node: Any) -> None:
        self.node(node.annotation)
        if node.value:
            self.node(node.value)
        if node.value or node.target.__class__.__name__ != "Name":
            self.node(node.target)
        else:  # it declares the name and leaves its value as it is
            self.bind(node.target.id, node.target, True)

    def import_(self, node: Any) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            if name == "*":
                self.star = True
                continue
            use = self.bind(name, alias if hasattr(alias, "lineno") else node)
            if self.scope is self.module:
                self.imports.add((use, name))

    def importfrom_(self, node: Any) -> None:
        self.import_(node)
        self.wanted += [(node.level, node.module or "", alias.name, node) for alias in node.names]

    def global_(self, node: Any) -> None:
        if self.scope is not self.module:
            for name in node.names:
                self.scope.outer[name] = node.__class__.__name__.lower()

    nonlocal_ = global_

    def return_(self, node: Any) -> None:
        self.all([value for value in (getattr(node, "value", None), getattr(node, "exc", None),
                                      getattr(node, "cause", None)) if value])
        self.scope.branch.dead = True

    raise_ = return_

    def break_(self, node: Any) -> None:
        self.scope.branch.dead = True
        if self.scope.loops:
            self.scope.loops[-1].jumps = True

    continue_ = break_

    # Compound statements.

    def branch(self, *nodes: Any) -> Branch:
        self.scope.enter()
        for part in nodes:
            self.all(part)
        return self.scope.leave()

    def if_(self, node: Any) -> None:
        self.node(node.test)
        branches = [self.branch(node.body)]
        while len(node.orelse) == 1 and node.orelse[0].__class__ is node.__class__:
            node = node.orelse[0]  # elif: there may be more of them than Python nests calls
            self.perhaps += 1
            self.node(node.test)
            self.perhaps -= 1
            branches.append(self.branch(node.body))
        branches.append(self.branch(node.orelse))
        self.scope.join(branches, False)

    def loop(self, node: Any, heads: list[Any], endless: bool) -> None:
        scope = self.scope
        scope.enter(loop=True)
        body = scope.branch
        ever: dict[str, Sources] = {}
        scope.loops.append(body)
        scope.trials.append(ever)
        self.all(heads)
        self.all(node.body)
        scope.trials.pop()
        scope.loops.pop()
        scope.leave()
        if body.jumps:  # wherever it was
            body.names, body.dead = ever, False
        body.names = {name: sources - {body} for name, sources in body.names.items()}
        body.left = {} if body.dead else body.names
        scope.join([body], body.jumps or not endless)
        if endless and not body.jumps:
            scope.branch.dead = True
        scope.join([self.branch(node.orelse)], True)

    def for_(self, node: Any) -> None:
        self.node(node.iter)
        self.loop(node, [node.target], False)

    asyncfor_ = for_

    def while_(self, node: Any) -> None:
        endless = node.test.__class__.__name__ == "Constant" and bool(node.test.value)
        self.loop(node, [node.test], endless)

    def try_(self, node: Any) -> None:
        scope = self.scope
        ever: dict[str, Sources] = {}
        scope.trials.append(ever)
        body = self.branch(node.body)
        if not node.finalbody:
            scope.trials.pop()
        scope.enter()  # the handlers begin wherever the body may have broken off
        for name, sources in list(ever.items()):
            scope.branch.names[name] = union(sources, scope.branch.find(name) or NOBODY)
        scope.join([self.branch([handler]) for handler in node.handlers], False)
        handled = scope.leave()
        scope.enter()
        scope.branch.names.update(body.names)
        self.all(node.orelse)
        done = scope.leave()
        done.dead = done.dead or body.dead
        scope.join([done, handled], False)
        if node.finalbody:
            scope.trials.pop()
            dead = scope.branch.dead
            for name, sources in list(ever.items()):
                scope.branch.names[name] = union(sources, scope.branch.find(name) or NOBODY)
            self.all(node.finalbody)
            scope.branch.dead = scope.branch.dead or dead

    trystar_ = try_

    def excepthandler_(self, node: Any) -> None:
        if node.type:
            self.node(node.type)
        if node.name:
            self.bind(node.name, After(node, node.type))
        self.all(node.body)
        if node.name:
            self.scope.unbind(node.name)

    def match_(self, node: Any) -> None:
        self.node(node.subject)
        branches, passing = [], True
        for case in node.cases:
            branches.append(self.branch([case.pattern], [case.guard] if case.guard else [],
                                        case.body))
            passing = passing and not (
                case.guard is None and case.pattern.__class__.__name__ == "MatchAs"
                and case.pattern.pattern is None)
        self.scope.join(branches, passing)

    def matchas_(self, node: Any) -> None:
        pattern = getattr(node, "pattern", None)
        if pattern:
            self.node(pattern)
        if node.name:
            self.bind(node.name, After(node, pattern))

    matchstar_ = matchas_

    def matchmapping_(self, node: Any) -> None:
        self.all(node.keys)
        self.all(node.patterns)
        if node.rest:
            self.bind(node.rest, After(node, node.patterns[-1] if node.patterns else None))


class After:
    """Where a name stands that is no node: somewhere in a node, after a part of it."""

    def __init__(self, node: Any, part: Any) -> None:
        self.lineno, self.col_offset = node.lineno, node.col_offset
        self.end_lineno, self.end_col_offset = node.end_lineno, node.end_col_offset
        if part:
            self.lineno, self.col_offset = part.end_lineno, part.end_col_offset


def arguments(node: Any) -> list[Any]:
    """All arguments of a signature."""
    rest = [argument for argument in (node.vararg, node.kwarg) if argument]
    return [*node.posonlyargs, *node.args, *node.kwonlyargs, *rest]


# ---------------------------------------------------------------------------
# The judgement.


def common(one: Use, other: Use) -> Use | None:
    """The innermost use that both are part of."""
    a: Use | None = one
    b: Use | None = other
    while a is not b:
        if a and (not b or a.depth >= b.depth):
            a = a.above
        elif b:
            b = b.above
    return a


def normal(name: str) -> str:
    """An identifier as Python compares it."""
    if name.isascii():
        return name
    import unicodedata

    return unicodedata.normalize("NFKC", name)


def words(found: Iterable[Word]) -> dict[str, Word]:
    return {normal(word.name): word for word in reversed(list(found))}


class Hygiene:
    """What the files do with the chunks' names."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.captures = {name: words(word for part in chunk.parts for word in part.captures)
                         for name, chunk in web.chunks.items()}
        self.exports = {name: words(word for part in chunk.parts for word in part.exports)
                        for name, chunk in web.chunks.items()}
        self.captured = {name for found in self.captures.values() for name in found}
        exporters: dict[str, set[str]] = {}
        for chunk, found in self.exports.items():
            for name in found:
                exporters.setdefault(name, set()).add(chunk)
        self.contested = {name for name, chunks in exporters.items() if len(chunks) > 1}
        self.walks: dict[str, Walk] = {}
        self.reported: set[tuple[str, str, str]] = set()
        self.uses: dict[str, dict[Use, None]] = {}  # of each chunk of the files read
        self.reads: set[tuple[Use, str]] = set()  # of names that some chunk captures
        self.enters: dict[Use, set[str]] = {}  # read in a use, and bound around it
        self.bound: dict[Use, set[str]] = {}  # in a use, for what is around it
        self.held: dict[str, list[Use]] = {}  # bound in a use, and not exported

    def read(self, name: str, text: str) -> None:
        """Take in a Python file."""
        import ast
        import warnings

        part, walk = self.web.chunks[name].parts[0], Walk(self, name, text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                walk.node(ast.parse(text))
        except SyntaxError as error:
            place = walk.spot(error.lineno or 1, error.offset or 1)
            self.web.error(*(place or (part.line, part.column)), "expected valid Python: "
                           f"{error.msg} (line {error.lineno} of {name}, as Python "
                           f"{sys.version_info[0]}.{sys.version_info[1]} reads it)")
            return
        except (RecursionError, MemoryError):
            self.web.error(part.line, part.column, f"⟨{name}⟩ nests deeper than can be read")
            return
        walk.close()
        self.walks[name] = walk
        self.meet(name, walk)
        for scope in walk.scopes:
            for bound, binders in scope.bindings.items():
                for binder in binders:
                    self.show(bound, binder, scope.home)
        for (scope, bound, sources), readers in walk.links.items():
            for binder, reader in pairs(bound, sources, readers):
                self.follow(walk, scope, bound, binder, reader, readers[reader])

    def meet(self, name: str, walk: Walk) -> None:
        """Take in all uses of chunks in a file; those without code are in no run."""
        names = [name]
        self.uses.setdefault(name, {})
        for name in names:
            for reference, _ in self.web.chunks[name].references():
                if reference.name not in self.uses:
                    self.uses[reference.name] = {}
                    names.append(reference.name)
        for use in walk.alone:
            for one in (use, *above(use)):
                self.uses[one.name][one] = None

    def note(self, use: Use | None, name: str) -> None:
        """A name is read in a use."""
        while use and (use, name) not in self.reads:
            self.reads.add((use, name))
            use = use.above

    def show(self, name: str, binder: Use | None, home: Use | None) -> None:
        """A use binds a name of a scope: how far around is it seen?"""
        while binder and binder is not home:
            self.bound.setdefault(binder, set()).add(name)
            if name not in self.exports[binder.name]:
                self.held.setdefault(name, []).append(binder)
                break
            binder = binder.above

    def follow(self, walk: Walk, scope: Scope, name: str, binder: Use, reader: Use, node: Any
               ) -> None:
        """The way of a name from a use that binds it to a use that reads it."""
        around = common(binder, reader)
        module = scope is walk.module
        free = module and (binder, name) in walk.imports
        if not free:
            self.leave(walk, scope, name, binder, around, walk.place(name, node))
        use: Use | None = reader
        inner: Use | None = None
        while use and use is not around:
            self.enters.setdefault(use, set()).add(name)
            if not module and name not in self.captures[use.name]:
                line = walk.place(name, scope.bindings[name][binder])[0]
                if inner and inner.reference:
                    self.report("capture", use, name, (inner.reference.line,
                                inner.reference.column), f"⟨{inner.name}⟩ reads {name} (bound in "
                                f"line {line}), and ⟨{use.name}⟩ does not capture it"
                                f"{self.where(use)}: expected #| captures: {name}")
                else:
                    self.report("capture", use, name, walk.place(name, node),
                                f"{name} (bound in line {line}) is read, and ⟨{use.name}⟩ does "
                                f"not capture it{self.where(use)}: expected #| captures: {name}")
            inner, use = use, use.above

    def leave(self, walk: Walk, scope: Scope, name: str, binder: Use, around: Use | None,
              place: tuple[int, int]) -> None:
        """A name leaves the use that binds it, and those around that, for a place outside."""
        use: Use | None = binder
        while use and use is not around:
            if name not in self.exports[use.name]:
                line = walk.place(name, scope.bindings[name][binder])[0]
                self.report("export", use, name, place, f"{name} is private to ⟨{use.name}⟩ "
                            f"(bound in line {line}): expected #| exports: {name} there")
            use = use.above

    def report(self, kind: str, use: Use, name: str, place: tuple[int, int], message: str) -> None:
        """Say what is wrong with a chunk and a name, once."""
        if (kind, use.name, name) not in self.reported:
            self.reported.add((kind, use.name, name))
            self.web.error(*place, message)

    def where(self, use: Use) -> str:
        """Which use of a chunk it is, if there are several."""
        if not use.reference or len(self.web.chunks[use.name].users) == 1:
            return ""
        return f" where it is used in line {use.reference.line}"

    def hint(self, name: str, found: dict[Use, set[str]], uses: Iterable[Use]) -> str:
        """The nearest of the names found in some uses, as the end of a message."""
        near = self.web.nearest(name, (one for use in uses for one in found.get(use, ())))
        return f"; did you mean {near}?" if near else ""

    def judge(self) -> None:
        """Find what is wrong with the declarations, now that all files are read."""
        for walk in self.walks.values():
            self.check_imports(walk)
        stars = {walk.name for walk in self.walks.values() if walk.star}
        for chunk, uses in self.uses.items():
            for name, word in self.captures[chunk].items():
                self.check_capture(chunk, name, word, uses, stars)
            for name, word in self.exports[chunk].items():
                self.check_export(chunk, name, word, uses)

    def check_capture(self, chunk: str, name: str, word: Word, uses: Iterable[Use],
                      stars: set[str]) -> None:
        if not any((use, name) in self.reads or name in self.enters.get(use, ()) for use in uses):
            self.web.error(word.line, word.column, f"{name} is captured, but ⟨{chunk}⟩ does not "
                           "read it" + self.hint(name, self.enters, uses))
            return
        for use in uses:
            if name not in self.enters.get(use, ()) and root(use).name not in stars:
                self.web.error(word.line, word.column, f"{name} is captured, but ⟨{chunk}⟩ reads "
                               f"no {name} of what is around it{self.where(use)}")
                return

    def check_export(self, chunk: str, name: str, word: Word, uses: Iterable[Use]) -> None:
        if any(name in self.bound.get(use, ()) for use in uses):
            return
        holders = [holder for holder in self.held.get(name, ())
                   if any(use.name == chunk for use in above(holder))]
        if holders:
            # One that something else has been found to lack already, else the nearest.
            holder = min(holders, key=lambda use: (
                ("export", use.name, name) not in self.reported, use.depth))
            self.report("export", holder, name, (word.line, word.column), f"{name} is exported"
                        f", but private to ⟨{holder.name}⟩: expected #| exports: {name} there")
            return
        self.web.error(word.line, word.column, f"{name} is exported, but ⟨{chunk}⟩ does not bind "
                       "it" + self.hint(name, self.bound, uses))

    def check_imports(self, walk: Walk) -> None:
        """What a file imports of another's names must have left its chunks."""
        for level, module, name, node in walk.wanted:
            for path in paths(walk.name, level, module):
                other = self.walks.get(path)
                if other and other is not walk:
                    for binder in other.module.bindings.get(name, ()):
                        if (binder, name) not in other.imports:
                            self.leave(other, other.module, name, binder, root(binder),
                                       walk.place(name, node))


def above(use: Use | None) -> Iterator[Use]:
    """The uses around a use."""
    while use and use.above:
        use = use.above
        yield use


def root(use: Use) -> Use:
    """The file that a use is in."""
    while use.above:
        use = use.above
    return use


def paths(name: str, level: int, module: str) -> list[str]:
    """The files that an import in a file may mean."""
    folders = name.split("/")[:-1]
    if level > len(folders) + 1:
        return []
    bases = [folders[: len(folders) + 1 - level]] if level else [folders, []]
    stems = ["/".join(base + [word for word in module.split(".") if word]) for base in bases]
    return [f"{stem}{end}".lstrip("/") for stem in dict.fromkeys(stems)
            for end in (".py", "/__init__.py")]


def pairs(name: str, sources: Sources, readers: Iterable[Use]) -> set[tuple[Use, Use]]:
    """Who reads what of whom, as far as it matters.

    A name leaves the more chunks, and enters the more, the farther away the other end is;
    so each reader is paired with the first and the last binder only, and vice versa.
    """
    binders: set[Use] = set()
    rounds: set[Branch] = set()
    stack = [sources]
    while stack:
        for source in stack.pop():
            if isinstance(source, Use):
                binders.add(source)
            elif source not in rounds:
                rounds.add(source)
                stack.append(source.left.get(name, NOBODY))
    if not binders:
        return set()
    first, last = min(binders, key=order), max(binders, key=order)
    found = {(binder, reader) for reader in readers for binder in (first, last)}
    first, last = min(readers, key=order), max(readers, key=order)
    found |= {(binder, reader) for binder in binders for reader in (first, last)}
    return {(binder, reader) for binder, reader in found if binder is not reader}


# ---------------------------------------------------------------------------
# C.

# Comments and literals, which are no code.
NO_CODE = re.compile(
    r"""//.*|/\*(?s:.*?)(?:\*/|\Z)|"(?:\\(?s:.)|[^\\"\n])*"?|'(?:\\(?s:.)|[^\\'\n])*'?""")
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)
DIRECTIVE = re.compile(r"^[ \t]*#.*", re.M)
TAG = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\{")
CONSTANTS = re.compile(r"\benum\b[^{};()]*\{([^{}]*)\}")
TOKEN = re.compile(r"\w+|[^\w\s]")
NO_TYPE = {"return", "goto", "else", "case", "do", "if", "while", "for", "switch", "break",
           "continue", "default"}


def check_c(web: Web, chunk: Chunk) -> None:
    exports = [word for part in chunk.parts for word in part.exports]
    if not exports:
        return
    names, defined = dict.fromkeys([chunk.name]), set[str]()
    stack = list(names)
    while stack:
        inner = web.chunks[stack.pop()]
        defined |= definitions(inner.text)
        for reference, _ in inner.references():
            if reference.name not in names:
                names[reference.name] = None
                stack.append(reference.name)
    for word in exports:
        if word.name not in defined:
            near = web.nearest(word.name, defined)
            web.error(word.line, word.column, f"{word.name} is exported, but ⟨{chunk.name}⟩ does "
                      "not define it" + (f"; did you mean {near}?" if near else ""))


def definitions(text: str) -> set[str]:
    """The names that C code defines."""
    text = NO_CODE.sub(" ", text.replace("\\\n", " "))
    found = set(DEFINE.findall(text))
    text = DIRECTIVE.sub("", text)
    found.update(TAG.findall(text))
    for constants in CONSTANTS.findall(text):
        found.update(re.findall(r"(?:^|,)\s*(\w+)", constants))
    tokens = [";", *TOKEN.findall(text), ";", ";"]
    calls: list[str] = []  # what stands before the parentheses that are open
    called = ""  # and before the last one that was closed
    typed = value = False  # a word of the statement has passed; here is a value, or no declarator
    for at in range(1, len(tokens) - 2):
        before, token, after, then = tokens[at - 1 : at + 3]
        if token == "(":
            calls.append(before)
        elif token == ")":
            called = calls.pop() if calls else ""
        elif token in ";:{}":
            if token == "{" and before == ")" and called.isidentifier() and called not in NO_TYPE:
                found.add(called)
            typed, value = token == "}", False
        elif calls:
            if before == "*" and (after, then) == (")", "("):  # a pointer to a function
                found.add(token)
        elif token == "=":
            value = True
        elif token == "," and typed:
            value = False
        elif token.isidentifier():
            if typed and not value and after in "=;,[":
                found.add(token)
            value = value or token in NO_TYPE
            typed = typed or not value
    return found
