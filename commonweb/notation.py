"""How a web is written: the forms of headers, declarations, references, numbers and names."""

from __future__ import annotations

import re

# How comments begin, and how some of them end.
COMMENT = r"[ \t]*(#|//|--|;+|%+|(/\*)|<!--|\(\*)"
CLOSERS = {"/*": "*/", "<!--": "-->", "(*": "*)"}
# A header: its comment's beginning (twice, if it is C's), name, sign, and comment's end; and the
# declarations below it, which are comments of the same kind.
HEADER = re.compile(COMMENT + r"[ \t]*⟨([^⟨⟩\n]*)⟩(\+?)≡[^\S\n]*(\*/|-->|\*\))?[^\S\n]*\n"
                    r"((?:[ \t]*(?:\1|(?(2)//|\1))\|.*\n)*)")
NEARLY_HEADER = re.compile(COMMENT + r"\|?[ \t]*(?=⟨)")
REFERENCE = re.compile(r"⟨⟨|⟨([^⟨⟩\n]*)(⟩?)")
NUMBER = re.compile(r"([0-9]+[A-Za-z]{0,2})\.(?=\s|$)\s*(.*)")
ORDINARY = re.compile("([0-9]{1,9})([A-Z]?)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FILE = re.compile(r"\S*(?:/\S*|\.[^.\s]+)")


def names_file(name: str) -> bool:
    """A name without spaces that has a `/` or a suffix is a file's."""
    return " " not in name and FILE.fullmatch(name) is not None


def followers(number: str) -> list[str]:
    """The numbers that may follow one; "" is the start, and after Z come no more letters."""
    match = ORDINARY.fullmatch(number)
    if not match:
        return [] if number else ["1"]
    letter = chr(ord(match[2] or "@") + 1)
    return [str(int(match[1]) + 1)] + ([match[1] + letter] if letter <= "Z" else [])
