"""identifiers: what the code of a web names, and where in the document.

    index = Index(web, tangle(web))
    index.identifiers               every identifier, by name, with its definitions and uses
    index.marks[part]               the identifiers of a part's code, in the order of its text
    index.elsewhere(section)        those used in a section and defined in none of its parts
    index.find("sock.fd", section)  what a name in prose means, or None

The outputs are read, for only they can be parsed: Python with `ast`, C with
tree-sitter.  From their lines and columns `places` lead back to the document.  A name is
resolved as the language does it.  In an output that cannot be parsed nothing is found.

Every place counts once, however often its chunk is used: what is bound at one
place is one identifier, and a use that means several things means the first.

Syntax trees are many objects and no garbage: switch the collector off, as
`tangle.py` does, or it takes longer than all else in a large web.
"""

from __future__ import annotations

import builtins
import re
from typing import TYPE_CHECKING

from .c_identifiers import C
from .places import Places
from .python_identifiers import Python

if TYPE_CHECKING:
    from .bindings import Binding
    from .places import Spot
    from .web import Part, Section, Web


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


def identifiers(web: Web, outputs: dict[str, bytes]) -> list[Identifier]:
    """Every identifier of a web's outputs, by name and then by place."""
    python, c = Python(), C()
    for name, data in outputs.items():
        if name.endswith((".py", ".pyi", ".c", ".h")):
            places = Places(web, name, data.decode())
            try:
                (c if name.endswith((".c", ".h")) else python).read(places)
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
