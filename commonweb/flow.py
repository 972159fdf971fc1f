"""Flow: which uses of chunks a read of a name may mean, in a Python file.

As the walk goes through the file it is known who may have bound each name last.  Where a
function ends, what it reads of the code around it is left to that.  `hygiene` says what is made of
it.
"""

from __future__ import annotations

from .names import Import, Scope, Walk
from .origins import Use
from .places import Places, common

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from typing import Any, TypeAlias

    # What may have bound a name: a chunk where it is used, or an earlier round of a loop.
    Source: TypeAlias = "Use | Branch"
    Sources = frozenset[Source]

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

    def either(self, name: str, sources: Sources) -> Sources:
        """Who may have bound a name last, if perhaps it was one of these."""
        return union(sources, self.find(name) or NOBODY)


class FlowScope(Scope):
    """A scope, and where in it control has come.

    `home` is the innermost use of a chunk that holds all of it (None for a module).
    `waiting` are the reads that are not met by a binding before them: those of inner
    functions, and those of names from farther out.
    """

    def __init__(self, kind: str, name: str, above: FlowScope | None, home: Use | None) -> None:
        super().__init__(kind, name, above)
        self.home = home
        self.branch = Branch(None)
        self.loops: list[Branch] = []
        self.trials: list[dict[str, Sources]] = []  # what open loops and trys ever bound
        self.bindings: dict[str, dict[Use, Any]] = {}  # a node for each use that binds
        self.defined: dict[str, Definition] = {}  # what several chunks export
        self.calls = 0  # how many there were, so far
        self.waiting: dict[tuple[str, Use], Any] = {}

    def bind(self, name: str, source: Sources, perhaps: bool) -> None:
        self.branch.names[name] = self.branch.either(name, source) if perhaps else source
        for trial in self.trials:
            trial[name] = union(source, trial.get(name, NOBODY))


class Definition:
    """A function or class that several chunks export, before it is bound anew."""

    def __init__(self, use: Use, node: Any, scope: FlowScope) -> None:
        self.use, self.node, self.branch, self.calls = use, node, scope.branch, scope.calls
        self.read = self.later = False  # read where it was defined; read in functions there


class Flow(Walk):
    """The flow of control through a file.

    It finds the `ways` of names from who binds to who reads them; the `reads` of those names that
    are `captured`, whoever binds them; and of definitions that several chunks export (`exporters`
    has the chunks of each) those that are `lost`: defined anew before anybody can have used them.
    """

    scope: FlowScope
    module: FlowScope

    def __init__(self, places: Places, captured: Container[str],
                 exporters: Mapping[str, Container[str]]) -> None:
        self.places, self.captured, self.exporters = places, captured, exporters
        self.alone: dict[Use, Sources] = {}  # each use that has code
        self.lines: dict[int, Use | None] = {}  # that are all of one use
        for run in places.runs:
            if run.use not in self.alone:
                self.alone[run.use] = frozenset((run.use,))
            whole = self.lines.setdefault(run.line, run.use) is run.use
            self.lines[run.line] = run.use if whole else None
        self.scopes: list[FlowScope] = []
        self.links: dict[tuple[FlowScope, str, Sources], dict[Use, Any]] = {}
        self.reads: set[tuple[Use, str]] = set()
        self.lost: list[tuple[str, Definition, Use, Any]] = []
        self.imported: set[tuple[Use, str]] = set()
        self.wanted: list[Import] = []  # of other files
        self.assigned: dict[str, dict[Use, Any]] = {}  # by global
        super().__init__()

    # Places.

    def use(self, name: str, node: Any) -> Use:
        """The use in which a name of a node stands."""
        use = None if self.formatted else self.lines.get(node.lineno)
        return use or self.places.run(*self.places.find(name, node, self.formatted)).use

    def home(self, node: Any) -> Use | None:
        """The innermost use that holds all of a node."""
        node, places = self.formatted or node, self.places
        first = places.run(node.lineno, places.column(node.lineno, node.col_offset))
        last = places.run(node.end_lineno,
                          places.column(node.end_lineno, node.end_col_offset) - 1)
        return common(first.use, last.use)

    # Names.

    def new_scope(self, kind: str, name: str, above: FlowScope | None, node: Any) -> FlowScope:
        scope = FlowScope(kind, name, above, self.home(node) if node else None)
        self.scopes.append(scope)
        return scope

    def bind(self, name: str, node: Any, kind: str = "", value: Any = None) -> Use:
        scope, use = self.scope, self.use(name, node)
        scope.defined.pop(name, None)
        outer = scope.outer.get(name)
        if outer:
            owner = self.module if outer == "global" else scope
            owner.waiting.setdefault((name, use), node)
            if outer == "global":
                self.assigned.setdefault(name, {}).setdefault(use, node)
        else:
            scope.bindings.setdefault(name, {}).setdefault(use, node)
            scope.bind(name, self.alone[use], self.perhaps > 0 or kind == "declared")
        return use

    def imports(self, found: Import) -> None:
        if found.attribute:
            self.wanted.append(found)
        if found.name != "*":
            use = self.bind(found.name, found.node)
            if self.scope is self.module:
                self.imported.add((use, found.name))

    def read(self, name: str, node: Any) -> None:
        use = self.use(name, node)
        if name in self.captured:
            self.reads.add((use, name))
        if name in self.exporters:
            self.read_definition(name)
        scope = self.module
        for scope in self.scope.seen():
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
        scope.waiting.setdefault((name, use), node)

    def delete(self, name: str, node: Any) -> None:
        self.read(name, node)
        self.unbind(name)

    def unbind(self, name: str) -> None:
        if name not in self.scope.outer:
            self.scope.branch.names[name] = NOBODY

    def define(self, node: Any, inner: Any) -> None:
        """A function or class is bound: none that another chunk exported may be lost by it."""
        name, scope, old = node.name, self.scope, self.scope.defined.get(node.name)
        use = self.bind(name, node)
        if use.name not in self.exporters.get(name, ()) or name in scope.outer or (
                node.decorator_list):
            return
        scope.defined[name] = Definition(use, node, scope)
        if old and old.use.name != use.name and old.branch is scope.branch and not (
                old.read or (old.later and old.calls < scope.calls)):
            self.lost.append((name, old, use, node))

    def read_definition(self, name: str) -> None:
        scope: FlowScope | None = self.scope
        later = False
        while scope:
            if name in scope.defined:
                found = scope.defined[name]
                found.read, found.later = found.read or not later, True
            later = later or scope.kind == "function"
            scope = scope.above

    def call(self, node: Any) -> None:
        scope: FlowScope | None = self.scope
        while scope:
            scope.calls += 1
            scope = None if scope.kind == "function" else scope.above

    def close(self) -> None:
        """Leave a scope.  Reads that still wait mean any of its bindings, or go farther out."""
        scope, *around = self.scope.seen()
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
                continue
            for outer in around:
                if outer.kind != "types" or name in outer.bindings:
                    outer.waiting.setdefault((name, use), node)
                    break
        super().close()

    def ways(self) -> Iterator[tuple[FlowScope, str, Use, Use, Any]]:
        """The ways of names, in the order of the file: a scope, its name, who binds it, who reads
        it, and in which node."""
        for (scope, name, sources), readers in self.links.items():
            for binder, reader in pairs(name, sources, readers):
                yield scope, name, binder, reader, readers[reader]

    # Control.

    def enter(self, start: Branch | None = None) -> None:
        self.scope.branch = Branch(self.scope.branch)
        if start:
            self.resume(start)
            self.scope.branch.dead = start.dead

    def leave(self) -> Branch:
        branch = self.scope.branch
        assert branch.below
        self.scope.branch = branch.below
        return branch

    def resume(self, start: Branch) -> None:
        self.scope.branch.names.update(start.names)

    def join(self, branches: list[Branch], passing: bool) -> None:
        here = self.scope.branch
        live = [branch for branch in branches if not branch.dead]
        if not live and not passing:
            here.dead = True
        found: dict[str, tuple[Sources, int]] = {}
        for branch in live:
            for name, sources in branch.names.items():
                others, count = found.get(name, (NOBODY, 0))
                found[name] = union(sources, others), count + 1
        for name, (sources, count) in found.items():
            every = count == len(live) + passing
            here.names[name] = sources if every else here.either(name, sources)

    def loop(self) -> None:
        scope = self.scope
        scope.branch = Branch(scope.branch, loop=True)
        scope.loops.append(scope.branch)
        self.attempt()

    def end_loop(self, endless: bool) -> None:
        scope = self.scope
        ever, body = scope.trials.pop(), scope.loops.pop()
        self.leave()
        if body.jumps:  # wherever it was
            body.names, body.dead = ever, False
        body.names = {name: sources - {body} for name, sources in body.names.items()}
        body.left = {} if body.dead else body.names
        self.join([body], body.jumps or not endless)
        if endless and not body.jumps:
            scope.branch.dead = True

    def attempt(self) -> None:
        self.scope.trials.append({})

    def broken(self) -> Branch:
        ever, here = self.scope.trials.pop(), self.scope.branch
        broken = Branch(None)
        broken.names = {name: here.either(name, sources) for name, sources in ever.items()}
        return broken

    def jump(self, of_loop: bool = False) -> None:
        self.scope.branch.dead = True
        if of_loop and self.scope.loops:
            self.scope.loops[-1].jumps = True


def pairs(name: str, sources: Sources, readers: Iterable[Use]) -> list[tuple[Use, Use]]:
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
        return []
    first, last = min(binders, key=order), max(binders, key=order)
    found = {(binder, reader) for reader in readers for binder in (first, last)}
    first, last = min(readers, key=order), max(readers, key=order)
    found |= {(binder, reader) for binder in binders for reader in (first, last)}
    return sorted([pair for pair in found if pair[0] is not pair[1]],
                  key=lambda pair: (pair[1].order, pair[0].order))
