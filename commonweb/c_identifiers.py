"""What the names in a web's C files mean.

A file is read as it stands, before its preprocessor: whatever any branch of an `#if` defines
is defined.  Functions and variables that are not static are the program's, and so is
all of a header.  Tags of structures stand among the names as "struct x".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import tree_sitter_c
from tree_sitter import Language, Parser

from .bindings import STRONG, USE, WEAK, Binding, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from .places import Places, Spot

    Step = tuple[Node, Scope]

C_LANGUAGE = Language(tree_sitter_c.language())
C_KEYWORDS = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|false|float|"
    "for|goto|if|inline|int|long|NULL|register|restrict|return|short|signed|sizeof|static|struct|"
    "switch|true|typedef|union|unsigned|void|volatile|while").fullmatch
C_TOKEN = re.compile(
    r"""//.*|/\*(?s:.*?)\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\.?[0-9](?:[eEpP][+-]|[\w.])*"""
    r"""|[^\W\d]\w*|->|\S""")
DECLARATORS = frozenset({"pointer_declarator", "array_declarator", "function_declarator",
                         "parenthesized_declarator", "init_declarator", "attributed_declarator"})
DEPTH = 60  # how far types that stand for others are followed


class C:
    """The bindings of all C files of a web."""

    def __init__(self) -> None:
        self.parser = Parser(C_LANGUAGE)
        self.bindings: list[Binding] = []
        self.externals: dict[tuple[str, str], Binding] = {}
        self.program: Scope | None = None
        self.places: Places  # of the file that is read
        self.fields: dict[tuple[str, str], list[Binding]] = {}
        self.uses: list[tuple[Scope, str, Spot]] = []
        self.members: list[tuple[Scope, str, str, Spot]] = []  # with the variable before it

    def read(self, places: Places) -> None:
        program = self.program = self.program or Scope("program", "", None, "")
        file = Scope("file", "", program, places.name)
        self.places = places
        stack: list[Step] = [(self.parser.parse(places.text.encode()).root_node, file)]
        while stack:
            node, scope = stack.pop()
            see = HANDLERS.get(node.type)
            stack += reversed(see(self, node, scope) if see else children(node, scope))

    def bind(
        self, scope: Scope, node: Node | None, kind: str, strength: int = STRONG, tag: str = ""
    ) -> Binding | None:
        """Bind the name that a node is; that of a structure or a label begins with its kind."""
        if not node:
            return None
        name = text_of(node)
        key = f"{tag} {name}" if tag in ("struct", "label") else name
        binding = scope.names.get(key)
        if not binding:
            binding = Binding(name, "c", kind, scope.name, self.places.name)
            binding.tag = tag
            scope.names[key] = binding
            self.bindings.append(binding)
            if kind == "field":
                self.fields.setdefault((shelf(self.places.name), name), []).append(binding)
        binding.at(self.spot(node), strength)
        return binding

    def spot(self, node: Node) -> Spot | None:
        row, octets = node.start_point
        return self.places.spot(text_of(node), row + 1, self.places.column(row + 1, octets))

    def globals_of(self, scope: Scope, static: bool) -> Scope:
        """Where a declaration at the level of a file belongs."""
        return scope.above if scope.kind == "file" and scope.above and (
            not static or not shelf(self.places.name)) else scope

    def use(self, scope: Scope, node: Node, tagged: bool = False) -> None:
        """Note that the name is used that a node is."""
        if spot := self.spot(node):
            self.uses.append((scope, f"struct {text_of(node)}" if tagged else text_of(node), spot))

    def declare(
        self, declarator: Node, scope: Scope, where: Scope, kind: str, strength: int, tag: str
    ) -> tuple[Binding | None, Scope, list[Step]]:
        """Bind the name in a declarator; the scope of a function's parameters, and what is left
        to walk."""
        name, parameters, others = unwrap(declarator)
        inner = scope.inner("function", text_of(name) if name else "")
        return self.bind(where, name, kind, strength, tag), inner, [
            (other, scope) for other in others] + [(one, inner) for one in parameters]

    # One function for each kind of node that binds or names something; it returns what is left
    # to walk.

    def see_name(self, node: Node, scope: Scope) -> list[Step]:
        name = text_of(node)
        if not C_KEYWORDS(name) and (node.type != "primitive_type" or name.endswith("_t")):
            self.use(scope, node)
        return []

    def see_field(self, node: Node, scope: Scope, base: str = "") -> list[Step]:
        if spot := self.spot(node):
            self.members.append((scope, text_of(node), base, spot))
        return []

    def see_field_expression(self, node: Node, scope: Scope) -> list[Step]:
        base, field = part_of(node, "argument"), part_of(node, "field")
        if not base or not field or base.type != "identifier":
            return children(node, scope)
        self.see_field(field, scope, text_of(base))
        return [(base, scope)]

    def see_function(self, node: Node, scope: Scope) -> list[Step]:
        declarator, body = part_of(node, "declarator"), part_of(node, "body")
        if declarator and self.calls_macro(node, declarator, scope):
            return children(node, scope)
        left = [(child, scope) for child in node.named_children if child not in (declarator, body)]
        inner = scope.inner("function")
        if declarator:
            where = self.globals_of(scope, "static" in storage_of(node))
            _, inner, more = self.declare(declarator, scope, where, "function", STRONG, "")
            left += more
        return [*left, (body, inner)] if body else left

    def see_declaration(self, node: Node, scope: Scope) -> list[Step]:
        """Functions, variables or fields, or a parameter."""
        macro = part_of(node, "type") if goes_on(node.prev_sibling) else None
        if macro:  # as in `void f ARGS((int n));`
            return [(macro, scope)]
        declarators = node.children_by_field_name("declarator")
        left = [(child, scope) for child in node.named_children if child not in declarators]
        storage, tag = storage_of(node), tag_of(part_of(node, "type"))
        where = self.globals_of(scope, "static" in storage)
        for child in declarators:
            kind = {"field_declaration": "field", "parameter_declaration": "parameter"}.get(
                node.type, "function" if is_function(child) or goes_on(node) else
                "variable" if scope.kind in ("file", "program") else "local")
            if self.calls_macro(node, child, scope):
                left.append((child, scope))
                continue
            strength = WEAK if kind == "function" or "extern" in storage else STRONG
            left += self.declare(child, scope, where, kind, strength, tag)[2]
        return left

    def calls_macro(self, node: Node, declarator: Node, scope: Scope) -> bool:
        """Whether what looks as if it declared something calls two macros, the first of which the
        grammar takes for a type: they may stand for operators, as in `1 ROWS(PLUS) MORE(PLUS)`."""
        kind, name = part_of(node, "type"), unwrap(declarator)[0]
        known = self.find(scope, text_of(name)) if name else None
        return bool(kind and kind.type == "macro_type_specifier" and known
                    and known.kind == "macro")

    def see_typedef(self, node: Node, scope: Scope) -> list[Step]:
        kind = part_of(node, "type")
        declarators = node.children_by_field_name("declarator")
        left = [(child, scope) for child in node.named_children if child not in declarators]
        where = self.globals_of(scope, True)
        for child in declarators:
            binding, _, more = self.declare(child, scope, where, "type", STRONG, tag_of(kind))
            left += more
            body = part_of(kind, "body") if kind else None
            if binding and kind and body and kind.type != "enum_specifier" and (
                    not part_of(kind, "name")):
                binding.within = scope.inner("struct", binding.name)
                left.remove((kind, scope))
                return left + children(body, binding.within)
        return left

    def see_struct(self, node: Node, scope: Scope) -> list[Step]:
        name, body = part_of(node, "name"), part_of(node, "body")
        scope = outside(scope, "struct")  # C has no nested names
        if not body:
            if name:
                self.use(scope, name, tagged=True)
            return []
        binding = self.bind(self.globals_of(scope, True), name, "type", STRONG, "struct")
        if node.type == "enum_specifier":
            return children(body, scope)
        inner = scope.inner("struct", text_of(name) if name else "")
        if binding:
            inner = binding.within = binding.within or inner
        return children(body, inner)

    def see_offsetof(self, node: Node, scope: Scope) -> list[Step]:
        """A macro, which the grammar takes for a keyword."""
        self.use(scope, node.children[0])
        return children(node, scope)

    def see_enumerator(self, node: Node, scope: Scope) -> list[Step]:
        scope = outside(scope, "struct")
        self.bind(self.globals_of(scope, True), part_of(node, "name"), "constant")
        value = part_of(node, "value")
        return [(value, scope)] if value else []

    def see_block(self, node: Node, scope: Scope) -> list[Step]:
        return children(node, scope.inner("block"))

    def see_macro(self, node: Node, scope: Scope) -> list[Step]:
        name, parameters, value = [part_of(node, field) for field in (
            "name", "parameters", "value")]
        scope = outside(scope, "struct", "block", "function")
        self.bind(self.globals_of(scope, True), name, "macro")
        inner = scope.inner("function", text_of(name) if name else "")
        for child in parameters.named_children if parameters else ():
            if child.type == "identifier":
                self.bind(inner, child, "parameter")
        if value:
            self.lex(value, inner)
        return []

    def see_call(self, node: Node, scope: Scope) -> list[Step]:
        """A directive that the grammar does not know better."""
        directive, argument = part_of(node, "directive"), part_of(node, "argument")
        if directive and argument and text_of(directive).strip("# \t") == "undef":
            self.lex(argument, scope)
        return []

    def see_label(self, node: Node, scope: Scope) -> list[Step]:
        """A label is its function's; its name cannot clash with another one."""
        label = part_of(node, "label")
        if label:
            defines = node.type == "labeled_statement"
            self.bind(outside(scope, "block"), label, "label", STRONG if defines else USE, "label")
        return [(child, scope) for child in node.named_children if child != label]

    def lex(self, node: Node, scope: Scope) -> None:
        """Note what a piece of text uses, the body of a macro."""
        text = text_of(node)
        row, octets = node.start_point
        line, begin = row + 1, -self.places.column(row + 1, octets)
        seen, before, base = 0, "", ""
        for match in C_TOKEN.finditer(text):
            token, start = match[0], match.start()
            if text.find("\n", seen, start) >= 0:
                line += text.count("\n", seen, start)
                begin = text.rfind("\n", seen, start) + 1
            seen = start
            if (token[0].isalpha() or token[0] == "_") and not C_KEYWORDS(token) and (
                    token != "defined"):
                spot = self.places.spot(token, line, start - begin)
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
            scope = scope.above
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
        for _ in range(DEPTH):
            if not kind or kind.within or not kind.tag or kind.tag == "struct":
                break
            kind = self.find(scope, kind.tag)
        if kind and kind.within and name in kind.within.names:
            return kind.within.names[name]
        if known and known.tag and (known.tag.startswith("struct ") or kind) and not (
                kind and kind.within):
            return self.external(name, "field")  # of a structure that is not ours
        found = self.fields.get(("", name), [])
        if own := shelf(scope.file):
            found = found + self.fields.get((own, name), [])
        return found[0] if len(found) == 1 else self.external(name, "field")


HANDLERS: dict[str, Callable[[C, Node, Scope], list[Step]]] = {
    "identifier": C.see_name, "type_identifier": C.see_name, "primitive_type": C.see_name,
    "field_identifier": C.see_field, "field_expression": C.see_field_expression,
    "function_definition": C.see_function, "declaration": C.see_declaration,
    "parameter_declaration": C.see_declaration, "type_definition": C.see_typedef,
    "struct_specifier": C.see_struct, "union_specifier": C.see_struct,
    "enum_specifier": C.see_struct, "field_declaration": C.see_declaration,
    "enumerator": C.see_enumerator, "compound_statement": C.see_block,
    "for_statement": C.see_block, "preproc_def": C.see_macro,
    "preproc_function_def": C.see_macro, "preproc_call": C.see_call,
    "labeled_statement": C.see_label, "goto_statement": C.see_label,
    "offsetof_expression": C.see_offsetof,
}


def shelf(file: str) -> str:
    """Whose structures a file's are: its own, or everybody's."""
    return "" if file.endswith(".h") else file


def text_of(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def part_of(node: Node, field: str) -> Node | None:
    return node.child_by_field_name(field)


def children(node: Node, scope: Scope) -> list[Step]:
    return [(child, scope) for child in node.named_children]


def outside(scope: Scope, *kinds: str) -> Scope:
    """The nearest scope that is none of these kinds."""
    while scope.kind in kinds and scope.above:
        scope = scope.above
    return scope


def storage_of(node: Node) -> set[str]:
    return {text_of(child) for child in node.children if child.type == "storage_class_specifier"}


def unwrap(node: Node) -> tuple[Node | None, list[Node], list[Node]]:
    """The name in a declarator, a function's parameters, and what else is in it."""
    parameters: list[Node] = []
    others: list[Node] = []
    at: Node | None = node
    while at and at.type in DECLARATORS:
        inner = part_of(at, "declarator")
        if not inner:
            inner = next((child for child in at.children if child.type in DECLARATORS
                          or child.type.endswith("identifier")), None)
        for child in at.named_children:
            if child.type == "parameter_list":
                parameters = child.named_children
            elif child != inner:
                others.append(child)
        at = inner
    if at and not at.type.endswith("identifier"):
        return None, parameters, [*others, at]
    if at and (at.is_missing or C_KEYWORDS(text_of(at))):  # as in `int f ARGS((int));`
        at = None
    return at, parameters, others


def is_function(node: Node) -> bool:
    """Whether a declarator declares a function, and no pointer to one as `(*f)(int)` does."""
    found = False
    at: Node | None = node
    while at and at.type in DECLARATORS and at.type != "parenthesized_declarator":
        found = found or at.type == "function_declarator"
        at = part_of(at, "declarator")
    return found and not (at and at.type == "parenthesized_declarator")


def goes_on(node: Node | None) -> bool:
    """Whether a declaration has no end of its own: a macro stands where its parameters would."""
    return bool(node and node.type == "declaration" and node.children[-1].is_missing
                and node.next_sibling)


def tag_of(node: Node | None) -> str:
    """The name, among a scope's, of the type that a node is."""
    if not node:
        return ""
    if node.type == "type_identifier":
        return text_of(node)
    name = part_of(node, "name") if node.type.endswith("_specifier") else None
    return f"struct {text_of(name)}" if name else ""
