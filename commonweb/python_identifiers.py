"""What the names in a web's Python files mean.

Each file is walked by itself, and what it binds and uses is noted; then the uses are resolved.
An attribute is that of its object's class, where that is known: of `self`, of a class, of what
a call of a class has made, or of a parameter that a class annotates.  Otherwise it is that of the
one class which the file defines or imports that has such an attribute, if it is one.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any

from .bindings import STRONG, USE, WEAK, Binding, Scope
from .names import Import, Walk, absolute, module_name

if TYPE_CHECKING:
    from .places import Places, Spot

LITERALS = (ast.Constant, ast.JoinedStr, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp,
            ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.Compare, ast.Lambda)
FOREIGN = Scope("class", "", None, "")  # stands for any class that is not ours
ANYTHING = ("object", "Any")  # what as an annotation tells no class
DEPTH = 60  # how far a meaning is followed


class File(Walk):
    """What a file binds, and what it uses."""

    scope: Scope
    module: Scope

    def __init__(self, places: Places) -> None:
        self.places = places
        self.bindings: list[Binding] = []
        self.uses: list[tuple[Scope, str, Spot, int]] = []
        self.attributes: list[tuple[Scope, ast.Attribute, Spot | None]] = []
        self.stores: list[tuple[Scope, ast.Attribute, Spot | None, str, ast.expr | None]] = []
        self.keywords: list[tuple[Scope, ast.expr, str, Spot]] = []
        self.renamed: list[tuple[Binding, str, Spot]] = []  # `name` of `import name as other`
        self.rebound: dict[Binding, tuple[str, str]] = {}  # imports that are bound otherwise too
        self.slots: list[tuple[Scope, str, Spot | None]] = []
        self.public: list[str] = []
        super().__init__()

    def new_scope(self, kind: str, name: str, above: Scope | None, node: Any) -> Scope:
        if not above:
            return Scope(kind, name, None, self.places.name)
        scope = above.inner(kind, name)
        if kind == "class":
            scope.bases = node.bases
            self.module.classes.append(scope)
        return scope

    def new(self, scope: Scope, name: str, kind: str = "") -> Binding:
        binding = Binding(name, "python", kind or kind_in(scope, name), scope.name, scope.file)
        self.bindings.append(binding)
        return binding

    def bound(self, name: str, spot: Spot | None, kind: str = "", strength: int = STRONG
              ) -> Binding | None:
        """Bind a name here, or where the scope says; in the end only, if that is nonlocal."""
        scope, where = self.scope, self.scope.outer.get(name)
        if where == "nonlocal":
            if spot:
                self.uses.append((scope, name, spot, strength))
            return None
        if where:
            scope = self.module
        binding = scope.names.get(name)
        if not binding:
            binding = scope.names[name] = self.new(scope, name, kind)
        if binding.origin and kind not in ("module", "external"):
            self.rebound[binding] = kind or kind_in(scope, name), scope.name
        binding.at(spot, strength)
        return binding

    def bind(self, name: str, node: Any, kind: str = "", value: Any = None) -> None:
        binding = self.bound(name, self.places.spot_in(name, node),
                             kind if kind in ("parameter", "type") else "",
                             WEAK if kind == "changed" else STRONG)
        if binding:
            binding.learn(kind, value, self.scope)
        if value and name == {"module": "__all__", "class": "__slots__"}.get(self.scope.kind):
            self.strings(value)

    def define(self, node: Any, inner: Scope) -> None:
        kind = inner.kind
        if kind == "function":
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                told = argument.annotation
                if isinstance(told, (ast.Name, ast.Attribute)) and (
                        ast.unparse(told).rpartition(".")[2] not in ANYTHING):
                    inner.names[argument.arg].values[0] = told, self.scope
        if kind == "function" and self.scope.kind == "class":
            decorators = {at.attr if isinstance(at, ast.Attribute) else getattr(at, "id", "")
                          for at in node.decorator_list}
            kind = "method" if decorators.isdisjoint(
                ("property", "cached_property", "setter", "deleter")) else "attribute"
            first = [*node.args.posonlyargs, *node.args.args][:1]
            if first and "staticmethod" not in decorators:
                inner.names[first[0].arg].instance = self.scope
        binding = self.bound(node.name, self.places.spot_in(node.name, node), kind)
        if binding:
            binding.within = binding.within or inner

    def imports(self, found: Import) -> None:
        module, attribute = absolute(found.module, self.places.name), found.attribute
        if found.name == "*":
            self.scope.stars.append(module)
            return
        kind = "external" if attribute else "module"
        binding = self.bound(found.name, self.places.spot_in(found.name, found.node), kind)
        if not binding:
            return
        if not binding.origin and binding.kind == kind:
            binding.origin = module, attribute
            binding.scope = module if attribute else module.rpartition(".")[0]
        spot = self.places.spot_in(attribute, found.source) if attribute else None
        if spot and found.source is not found.node:
            self.renamed.append((binding, attribute, spot))

    def read(self, name: str, node: Any) -> None:
        if spot := self.places.spot_in(name, node):
            self.uses.append((self.scope, name, spot, USE))

    declare = read

    def delete(self, name: str, node: Any) -> None:
        self.bound(name, self.places.spot_in(name, node), strength=WEAK)

    def attribute(self, node: ast.Attribute, kind: str = "", value: Any = None) -> None:
        line, places = node.end_lineno or 0, self.places
        column = places.column(line, node.end_col_offset or 0) - len(node.attr)
        spot = places.spot(node.attr, line, column)
        if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            self.stores.append((self.scope, node, spot, kind, value))
        else:
            self.attributes.append((self.scope, node, spot))

    def call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg and (spot := self.places.spot_in(keyword.arg, keyword)):
                self.keywords.append((self.scope, node.func, keyword.arg, spot))

    def strings(self, value: ast.expr) -> None:
        """The strings in `__all__` are uses, those in `__slots__` may be all that defines."""
        for text in value.elts if isinstance(value, (ast.List, ast.Tuple, ast.Set)) else [value]:
            if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
                continue
            line, word = text.lineno, text.value
            spot = self.places.spot(word, line, self.places.column(line, text.col_offset) + 1)
            if self.scope is self.module:
                self.public.append(word)
                if spot:
                    self.uses.append((self.scope, word, spot, USE))
            elif not word.startswith("__"):
                self.slots.append((self.scope, word, spot))


class Python:
    """All Python files of a web."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self.modules: dict[str, Scope] = {}
        self.externals: dict[tuple[str, str], Binding] = {}
        self.forget()

    def forget(self) -> None:
        """Forget what is known of expressions: there are new attributes."""
        self.things: dict[int, Binding | Scope | None] = {}
        self.types: dict[int, Scope | None] = {}
        self.lines: dict[Scope, list[Scope]] = {}
        self.members: dict[Scope, dict[str, set[Scope]]] = {}
        self.depth = 0

    def read(self, places: Places) -> None:
        file = File(places)
        file.walk(places.text)
        self.files.append(file)
        self.modules[module_name(places.name)] = file.module

    # What every name means, when all files have been read.

    def resolve(self) -> list[Binding]:
        for file in self.files:
            for binding, (kind, scope_name) in file.rebound.items():
                if self.follow(binding) is binding:
                    binding.kind, binding.scope, binding.origin = kind, scope_name, None
        for file in self.files:
            self.resolve_stores(file)
        self.forget()
        for file in self.files:
            self.resolve_uses(file)
        bindings = [binding for file in self.files for binding in file.bindings]
        for binding in bindings:
            target = self.follow(binding)
            if isinstance(target, Binding) and target is not binding and (
                    target.name == binding.name):
                target.spots += [(spot, USE) for spot, _ in binding.spots]
                binding.spots = []
        return [*bindings, *self.externals.values()]

    def resolve_stores(self, file: File) -> None:
        """Slots, `self.x = ...` and `Class.x = ...` make attributes of a class."""
        for scope, name, spot in file.slots:
            self.attribute_in(scope, name, file).at(spot, WEAK)
        for scope, node, spot, kind, value in file.stores:
            owner = self.class_of(node.value, scope)
            if not owner or owner is FOREIGN:
                file.attributes.append((scope, node, spot))
                continue
            base, known = self.thing(node.value, scope), self.member(owner, node.attr)
            strength = STRONG if isinstance(base, Binding) and base.within is owner else WEAK
            if strength == WEAK and kind == "changed" and known:
                strength = USE
            binding = known or self.attribute_in(owner, node.attr, file)
            binding.learn(kind, value, scope)
            binding.at(spot, strength)

    def attribute_in(self, scope: Scope, name: str, file: File) -> Binding:
        """What a class's objects have under a name, which may be new."""
        binding = scope.names.get(name) or scope.attributes.get(name)
        if not binding:
            binding = scope.attributes[name] = file.new(scope, name)
        return binding

    def resolve_uses(self, file: File) -> None:
        for scope, name, spot, strength in file.uses:
            self.lookup(scope, name).at(spot, strength)
        for binding, name, spot in file.renamed:
            found = self.follow(binding)
            if not isinstance(found, Binding) or found.name != name:
                found = self.external(name, binding.origin[0] if binding.origin else "")
            found.at(spot)
        # The inner ones of a chain come last, and are needed by the outer ones.
        for scope, node, place in reversed(file.attributes):
            meant = self.thing(node, scope)
            if place:
                (meant if isinstance(meant, Binding) else self.external(node.attr, "?")).at(place)
        for scope, function, name, spot in file.keywords:
            parameter = self.parameter(self.thing(function, scope), name)
            if parameter:
                parameter.at(spot)
        for name in file.public:
            self.lookup(file.module, name).public = True

    # Names.

    def lookup(self, scope: Scope, name: str) -> Binding:
        """What a name means in a scope; of an import, what was imported, if it is ours."""
        found = self.find(scope, name) or self.external(
            name, "builtins" if hasattr(builtins, name) else "")
        target = self.follow(found)
        return target if isinstance(target, Binding) and target.name == name else found

    def find(self, scope: Scope, name: str) -> Binding | None:
        for at in scope.seen():
            if at.outer.get(name) == "global":
                return self.find(module_of(at), name)
            if name in at.names:
                return at.names[name]
        return self.from_star(module_of(scope), name)

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

    # Expressions.

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
            module = module_name(owner.file)
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
            return next(filter(None, [self.member(kind, name) for kind in above]), None)
        kind = self.class_of(base, scope)
        return self.member(kind, name) if kind else self.by_name(name, scope)

    def class_of(self, node: ast.expr, scope: Scope) -> Scope | None:
        """The class of an expression's value; or that which it names; None if it is not known."""
        key = id(node)
        if key not in self.types:
            self.types[key] = None
            if self.depth < DEPTH:
                self.depth += 1
                self.types[key] = self.evaluate(node, scope)
                self.depth -= 1
        return self.types[key]

    def evaluate(self, node: ast.expr, scope: Scope) -> Scope | None:
        if isinstance(node, LITERALS):
            return FOREIGN
        called = isinstance(node, ast.Call)
        target = self.thing(node.func if isinstance(node, ast.Call) else node, scope)
        if not isinstance(target, Binding):
            return None
        if target.kind == "class":
            return target.within
        if target.instance:
            return target.instance
        if target.kind == "external":
            made = not called or isinstance(getattr(builtins, target.name, None), type)
            return FOREIGN if made else None
        if called or len(target.values) != 1 or not target.values[0]:
            return None
        return self.class_of(*target.values[0])

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
                    above = self.thing(base, at.above or at)
                    within = above.within if isinstance(above, Binding) else None
                    if within and within.kind == "class" and within not in seen:
                        seen.add(within)
                        line.append(within)
        return self.lines[kind]

    def by_name(self, name: str, scope: Scope) -> Binding | None:
        """The attribute of that name, if but one class that the file knows has one, or inherits
        it to all that do; but not what every class has."""
        if hasattr(type, name):
            return None
        module = module_of(scope)
        members = self.members.get(module)
        if members is None:
            members = self.members[module] = self.members_in(module)
        owners = members.get(name, set())
        if len(owners) > 1:
            roots = {owner for owner in owners if owners.isdisjoint(self.ancestors(owner)[1:])}
            members[name] = owners = roots if len(roots) == 1 else set()
        return next((self.member(owner, name) for owner in owners), None)

    def members_in(self, module: Scope) -> dict[str, set[Scope]]:
        """The attributes of the classes that a module defines or imports, and whose they are."""
        imported = [self.follow(binding) for binding in module.names.values() if binding.origin]
        classes = dict.fromkeys(module.classes)
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


def kind_in(scope: Scope, name: str) -> str:
    """The kind of what is assigned to a name in a scope."""
    if scope.kind in ("module", "class") and name.isupper():
        return "constant"
    return {"module": "variable", "class": "attribute"}.get(scope.kind, "local")


def module_of(scope: Scope) -> Scope:
    while scope.above:
        scope = scope.above
    return scope


def is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (
        node.func.id == "super")


def class_around(scope: Scope | None) -> Scope | None:
    while scope and scope.kind != "class":
        scope = scope.above
    return scope
