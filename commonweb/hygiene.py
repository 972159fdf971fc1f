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

import sys

from .c_definitions import definitions
from .messages import Problem
from .names import absolute
from .origins import Use
from .places import Places, common, normal
from .web import Chunk, Web, Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .flow import Definition, Flow, FlowScope



def check(web: Web, outputs: dict[str, bytes]) -> list[Problem]:
    """What is wrong with the chunks of a web without problems, given the files that it means."""
    hygiene = Hygiene(web)
    for name, output in outputs.items():
        if web.chunks[name].language == "python":
            hygiene.read(name, output.decode())
    hygiene.judge()
    for chunk in web.chunks.values():
        if chunk.language == "c":
            hygiene.check_c(chunk)
    return hygiene.problems


def words(found: Iterable[Word]) -> dict[str, Word]:
    return {normal(word.name): word for word in reversed(list(found))}


class Hygiene:
    """What the files do with the chunks' names, and what is wrong with that."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.problems: list[Problem] = []
        self.captures = {name: words(word for part in chunk.parts for word in part.captures)
                         for name, chunk in web.chunks.items()}
        self.exports = {name: words(word for part in chunk.parts for word in part.exports)
                        for name, chunk in web.chunks.items()}
        self.captured = {name for found in self.captures.values() for name in found}
        exporters: dict[str, set[str]] = {}
        for chunk, found in self.exports.items():
            for name in found:
                exporters.setdefault(name, set()).add(chunk)
        self.exporters = {name: chunks for name, chunks in exporters.items() if len(chunks) > 1}
        self.flows: dict[str, Flow] = {}
        self.reported: set[tuple[str, str, str]] = set()
        self.uses: dict[str, dict[Use, None]] = {}  # of each chunk of the files read
        self.reads: set[tuple[Use, str]] = set()  # of names that some chunk captures
        self.enters: dict[Use, set[str]] = {}  # read in a use, and bound around it
        self.bound: dict[Use, set[str]] = {}  # in a use, for what is around it
        self.held: dict[str, list[Use]] = {}  # bound in a use, and not exported

    def error(self, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(line, column, message))

    def read(self, name: str, text: str) -> None:
        """Take in a Python file."""
        from .flow import Flow  # which imports more than C needs

        part, places = self.web.chunks[name].parts[0], Places(self.web, name, text)
        flow = Flow(places, self.captured, self.exporters)
        try:
            flow.walk(text)
        except SyntaxError as error:
            place = part.line, part.column
            if places.runs:
                place = places.place(error.lineno or 1, max(error.offset or 1, 1) - 1)
            self.error(*place, f"expected valid Python: {error.msg} (line {error.lineno} of {name},"
                       f" as Python {sys.version_info[0]}.{sys.version_info[1]} reads it)")
            return
        except (RecursionError, MemoryError):
            self.error(part.line, part.column, f"⟨{name}⟩ nests deeper than can be read")
            return
        self.flows[name] = flow
        self.meet(name, flow)
        for use, read in flow.reads:
            self.note(use, read)
        for loss in flow.lost:
            self.check_loss(places, *loss)
        for scope in flow.scopes:
            for bound, binders in scope.bindings.items():
                for binder in binders:
                    self.show(bound, binder, scope.home)
        for way in flow.ways():
            self.follow(flow, *way)

    def check_loss(self, places: Places, name: str, old: Definition, use: Use, node: Any) -> None:
        line = places.place_of(name, old.node)[0]
        self.report("define", use, name, places.place_of(name, node), f"{name} is defined anew: "
                    f"⟨{old.use.name}⟩ exports it, too (bound in {self.web.at(line)}), and nothing "
                    "has used that: expected another name")

    def meet(self, name: str, flow: Flow) -> None:
        """Take in all uses of chunks in a file; those without code are in no run."""
        names = [name]
        self.uses.setdefault(name, {})
        for name in names:
            for reference, _ in self.web.chunks[name].references():
                if reference.name not in self.uses:
                    self.uses[reference.name] = {}
                    names.append(reference.name)
        for use in flow.alone:
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

    def follow(self, flow: Flow, scope: FlowScope, name: str, binder: Use, reader: Use, node: Any
               ) -> None:
        """The way of a name from a use that binds it to a use that reads it."""
        around = common(binder, reader)
        module = scope is flow.module
        free = module and (binder, name) in flow.imported
        if not free:
            self.leave(flow, scope, name, binder, around, flow.places.place_of(name, node))
        use: Use | None = reader
        inner: Use | None = None
        while use and use is not around:
            self.enters.setdefault(use, set()).add(name)
            if not module and name not in self.captures[use.name]:
                line = flow.places.place_of(name, scope.bindings[name][binder])[0]
                if inner and inner.reference:
                    self.report("capture", use, name, (inner.reference.line,
                                inner.reference.column), f"⟨{inner.name}⟩ reads {name} (bound in "
                                f"{self.web.at(line)}), and ⟨{use.name}⟩ does not capture it"
                                f"{self.where(use)}: expected #| captures: {name}")
                else:
                    self.report("capture", use, name, flow.places.place_of(name, node),
                                f"{name} (bound in {self.web.at(line)}) is read, and ⟨{use.name}⟩ "
                                f"does not capture it{self.where(use)}: expected #| captures: "
                                f"{name}")
            inner, use = use, use.above

    def leave(self, flow: Flow, scope: FlowScope, name: str, binder: Use, around: Use | None,
              place: tuple[int, int]) -> None:
        """A name leaves the use that binds it, and those around that, for a place outside."""
        use: Use | None = binder
        while use and use is not around:
            if name not in self.exports[use.name]:
                line = flow.places.place_of(name, scope.bindings[name][binder])[0]
                self.report("export", use, name, place, f"{name} is private to ⟨{use.name}⟩ "
                            f"(bound in {self.web.at(line)}): expected #| exports: {name} there")
            use = use.above

    def report(self, kind: str, use: Use, name: str, place: tuple[int, int], message: str) -> None:
        """Say what is wrong with a chunk and a name, once."""
        if (kind, use.name, name) not in self.reported:
            self.reported.add((kind, use.name, name))
            self.error(*place, message)

    def where(self, use: Use) -> str:
        """Which use of a chunk it is, if there are several."""
        if not use.reference or len(self.web.chunks[use.name].users) == 1:
            return ""
        return f" where it is used in {self.web.at(use.reference.line)}"

    def hint(self, name: str, found: dict[Use, set[str]], uses: Iterable[Use]) -> str:
        """The nearest of the names found in some uses, as the end of a message."""
        near = self.web.nearest(name, (one for use in uses for one in found.get(use, ())))
        return f"; did you mean {near}?" if near else ""

    def judge(self) -> None:
        """Find what is wrong with the declarations, now that all files are read."""
        for flow in self.flows.values():
            self.check_imports(flow)
        stars = {name for name, flow in self.flows.items()
                 if any(wanted.name == "*" for wanted in flow.wanted)}
        for chunk, uses in self.uses.items():
            for name, word in self.captures[chunk].items():
                self.check_capture(chunk, name, word, uses, stars)
            for name, word in self.exports[chunk].items():
                self.check_export(chunk, name, word, uses)

    def check_capture(self, chunk: str, name: str, word: Word, uses: Iterable[Use],
                      stars: set[str]) -> None:
        if not any((use, name) in self.reads or name in self.enters.get(use, ()) for use in uses):
            self.error(word.line, word.column, f"{name} is captured, but ⟨{chunk}⟩ does not "
                           "read it" + self.hint(name, self.enters, uses))
            return
        for use in uses:
            if name not in self.enters.get(use, ()) and root(use).name not in stars:
                self.error(word.line, word.column, f"{name} is captured, but ⟨{chunk}⟩ reads "
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
        self.error(word.line, word.column, f"{name} is exported, but ⟨{chunk}⟩ does not bind "
                       "it" + self.hint(name, self.bound, uses))

    def check_imports(self, flow: Flow) -> None:
        """What a file imports of another's names must have left its chunks."""
        for wanted in flow.wanted:
            name = wanted.attribute
            for path in paths(flow.places.name, wanted.module):
                other = self.flows.get(path)
                if other and other is not flow:
                    for binder in other.module.bindings.get(name, ()):
                        if (binder, name) not in other.imported:
                            self.leave(other, other.module, name, binder, root(binder),
                                       flow.places.place_of(name, wanted.source))

    def check_c(self, chunk: Chunk) -> None:
        """What a chunk of C exports it must define, or a chunk below it."""
        exports = [word for part in chunk.parts for word in part.exports]
        if not exports:
            return
        names, defined = {chunk.name: None}, set[str]()
        stack = list(names)
        while stack:
            inner = self.web.chunks[stack.pop()]
            defined |= definitions(inner.text)
            for reference, _ in inner.references():
                if reference.name not in names:
                    names[reference.name] = None
                    stack.append(reference.name)
        for word in exports:
            if word.name not in defined:
                near = self.web.nearest(word.name, defined)
                self.error(word.line, word.column, f"{word.name} is exported, but ⟨{chunk.name}⟩ "
                           "does not define it" + (f"; did you mean {near}?" if near else ""))


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


def paths(name: str, module: str) -> list[str]:
    """The files that an import of a module in a file may mean, those beside it first."""
    found = [absolute(module, name)]
    if not module.startswith("."):
        found = [absolute(f".{module}", name), *found]
    return [f"{stem.replace('.', '/')}{end}".lstrip("/") for stem in dict.fromkeys(found)
            if not stem.startswith(".") for end in (".py", "/__init__.py")]
