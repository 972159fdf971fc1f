"""Bindings: what the code of a web binds to names, in either language."""

from __future__ import annotations

from . import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

    from .places import Spot

# What a binding does at a spot: a weak definition is a use where there are strong ones.
USE, WEAK, STRONG = 0, 1, 2


class Scope(names.Scope):
    """What binds names; its own is qualified by those around it.

    In C its kind is "program", "file", "function", "block" or "struct"."""

    def __init__(self, kind: str, name: str, above: Scope | None, file: str) -> None:
        super().__init__(kind, name, above)
        self.file = file
        self.names: dict[str, Binding] = {}
        self.attributes: dict[str, Binding] = {}  # of a class: what its objects get later
        self.bases: list[ast.expr] = []
        self.classes: list[Scope] = []  # of a module: all that are defined in it
        self.stars: list[str] = []  # of a module: those of which all is imported

    def inner(self, kind: str, name: str = "") -> Scope:
        qualified = f"{self.name}.{name}" if self.name and name else self.name or name
        return Scope(kind, qualified, self, self.file)


class Binding:
    """A name that a scope binds; or one that comes from outside of the web.

    `origin` is the module and the name that were imported.  `within` is the scope that a class, a
    function or a structure opens.  The value is an object of the class `instance`, or one of
    `values`; None among these is unknown.  `tag` is in C the name of its type.
    """

    def __init__(self, name: str, language: str, kind: str, scope: str, file: str) -> None:
        self.name, self.language, self.kind = name, language, kind
        self.scope, self.file = scope, file
        self.spots: list[tuple[Spot, int]] = []
        self.public = False
        self.origin: tuple[str, str] | None = None
        self.within: Scope | None = None
        self.instance: Scope | None = None
        self.values: list[tuple[ast.expr, Scope] | None] = []
        self.tag = ""

    def learn(self, kind: str, value: ast.expr | None, scope: Scope) -> None:
        """Note the value that it is bound to."""
        if kind not in ("changed", "declared"):
            self.values.append((value, scope) if value else None)

    def at(self, spot: Spot | None, strength: int = USE) -> None:
        if spot:
            self.spots.append((spot, strength))
