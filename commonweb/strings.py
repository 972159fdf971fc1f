"""Which code stands in strings of several lines."""

from __future__ import annotations

import re

from .notation import REFERENCE

# What a multi-line string is.  Comments and short strings are matched too, so that
# a quote inside them opens nothing.  A chunk is taken to close what it opens.
SHORT = r"""|"(?:\\(?s:.)|[^\\"\n])*"?|'(?:\\(?s:.)|[^\\'\n])*'?"""
LONG = r"""|%s[^%s\\]*(?:(?:\\(?s:.|\Z)|%s(?!%s))[^%s\\]*)*(?:%s|\Z)"""
PYTHON = "#.*" + "".join([LONG % (q * 3, q, q, q * 2, q, q * 3) for q in "\"'"]) + SHORT
C = r"//.*|/\*(?s:.*?)(?:\*/|\Z)" + SHORT
LANGUAGES = {"python": PYTHON, "py": PYTHON, "pyi": PYTHON, "c": C, "h": C}


def long_strings(text: str, language: str | None) -> list[tuple[int, int]]:
    """The spans of multi-line strings: triple-quoted ones, and those that a backslash continues.

    Indentation may not pass into them.  Only Python and C are known; a string's
    prefix does not matter, for a raw string too ends at the first quote without a
    backslash before it.
    """
    tokens = LANGUAGES.get(language or "")
    triple = tokens is PYTHON and ('"""' in text or "'''" in text)
    if not tokens or not (triple or "\\\n" in text):
        return []
    # References are prose, with apostrophes in it.
    text = REFERENCE.sub(lambda match: "_" * len(match[0]), text)
    return [match.span() for match in re.finditer(tokens, text) if match[0][0] in "\"'"
            and ("\n" in match[0] or (triple and match[0].startswith(('"""', "'''"))))]
