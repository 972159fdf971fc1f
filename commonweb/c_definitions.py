"""The names that C code defines, as far as they can be told without a parser."""

from __future__ import annotations

import re

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
