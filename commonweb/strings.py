"""Which code stands in strings of several lines."""

from __future__ import annotations

import re
from functools import lru_cache

from .notation import KNOWN, REFERENCE

# The forms of strings, as the table of languages calls them: first those within a line, which only
# a backslash continues, then what may have several lines, with a sign that must be there. A prefix
# seldom matters, for a raw string too ends at the first quote without a backslash before it. A
# chunk is taken to close what it opens.
WITHIN = {
    '"': r'"(?:\\(?s:.)|[^\\"\n])*"?',
    "'": r"'(?:\\(?s:.)|[^\\'\n])*'?",
    "c'": r"(?<!\w)'(?:\\[^'\n]*|[^'\\\n])'",  # a character: a quote alone is something else
    "\\": r"\\(?s:.)",  # a character, where one is written so
    # A regular expression.
    "re": r"(?<=[=(,:;!&|?{}\[+\-*%~^<>\n])[ \t]*"
          r"/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/",
}
TRIPLE = r"""%s[^%s\\]*(?:(?:\\(?s:.|\Z)|%s(?!%s))[^%s\\]*)*(?:%s|\Z)"""
LONG = {
    '"""': ('"""', TRIPLE % ('"""', '"', '"', '""', '"', '"""')),
    "'''": ("'''", TRIPLE % ("'''", "'", "'", "''", "'", "'''")),
    '""': ('"', r'"(?:\\(?s:.)|[^"\\])*(?:"|\Z)'),
    "''": ("'", r"'(?:\\(?s:.)|[^'\\])*(?:'|\Z)"),
    "'s": ("'", r"'[^']*(?:'|\Z)"),
    '2"': ('"', r'"(?:[^"]|"")*(?:"|\Z)'),
    "2'": ("'", r"'(?:[^']|'')*(?:'|\Z)"),
    '@"': ('@', r'(?:\$?@|@\$)"(?:[^"]|"")*(?:"|\Z)'),
    "`": ("`", r"`[^`]*(?:`|\Z)"),
    "${": ("`", "`"),  # its end is looked for
    'r#"': ('r', r'\bb?r(?P<r>#*)"(?s:.*?)(?:"(?P=r)|\Z)'),
    'R"(': ('R"', r'R"(?P<d>[^()\\\s"]{0,16})\((?s:.*?)(?:\)(?P=d)"|\Z)'),
    "[[": ("[", r"\[(?P<l>=*)\[(?s:.*?)(?:\](?P=l)\]|\Z)"),
    "{|": ("|", r"\{(?P<o>[a-z_]*)\|(?s:.*?)(?:\|(?P=o)\}|\Z)"),
    "$$": ("$", r"\$(?P<t>[A-Za-z_]*)\$(?s:.*?)(?:\$(?P=t)\$|\Z)"),
    "nix": ("''", r"''(?:''[$'\\]|[^']|'(?!'))*(?:''|\Z)"),
    "@h": ("@", r"@(?P<p>[\"'])[ \t]*\n(?s:.*?)(?:\n(?P=p)@|\Z)"),
    # Here documents; where << is an operator too, they have a sign or capital letters.
    "<<": ("<<", r"(?<!<)<<-?[ \t]*[\"'\\]?(?P<h>[A-Za-z_]\w*).*"
                 r"(?s:.*?)(?:\n\t*(?P=h)(?=\n|\Z)|\Z)"),
    "<<~": ("<<", r"<<(?:[~-][\"'`]?|[\"'`]|(?=[A-Z]))(?P<h>[A-Za-z_]\w*).*"
                  r"(?s:.*?)(?:\n[ \t]*(?P=h)(?=\n|\Z)|\Z)"),
    "<<<": ("<<<", r"<<<[ \t]*[\"']?(?P<h>[A-Za-z_]\w*).*(?s:.*?)(?:\n[ \t]*(?P=h)\b|\Z)"),
}
CLOSED = re.compile(r"""(["'`])(?:\\.|(?!\1)[^\\])*\1""")  # what begins and ends in a line
TEMPLATE = re.compile(r"\\(?s:.)|`|\$\{|[{}]")


@lru_cache
def tokens(language: str) -> tuple[list[str], re.Pattern[str]]:
    """The signs of which one must be there, and all tokens in which quotes may stand: comments and
    short strings too, so that a quote inside them opens nothing."""
    _, comments, forms = KNOWN.get(language, ("", [], ""))
    words, found = forms.split(), []
    for comment in sorted(comments, key=len, reverse=True):
        begin, _, end = map(re.escape, comment.partition("…"))
        if begin == r"\#" and "<<" in forms:  # in shells it may be within a word
            begin = r"(?<![^\s;&|(])#"
        found.append(f"{begin}(?s:.*?)(?:{end}|\\Z)" if end else f"{begin}.*")
    found += [WITHIN[word] for word in words if word in ("re", "\\")]
    long = [LONG[word][1] for word in words if word in LONG]
    short = [WITHIN[word] for word in words if word in WITHIN and word not in ("re", "\\")]
    found += [f"(?P<{name}>{'|'.join(alike)})" for name, alike in (("long", long), ("short", short))
              if alike]
    signs = [LONG[word][0] for word in words if word in LONG]
    return ["\\\n", *signs] if words else [], re.compile("|".join(found))


def long_strings(text: str, language: str | None) -> list[tuple[int, int]]:
    """The spans of multi-line strings: those that may have several lines, and those that a
    backslash continues.

    Indentation may not pass into them.
    """
    signs, pattern = tokens(language or "")
    if not any([sign in text for sign in signs]):
        return []
    # References are prose, with apostrophes in it.
    text = REFERENCE.sub(lambda match: "_" * len(match[0]), text)
    spans, end = list[tuple[int, int]](), 0
    while match := pattern.search(text, end):
        begin, end = match.span()
        if match[0] == "`":
            end = end_of_template(text, end)
        if match.lastgroup == "long" or (match.lastgroup and "\n" in match[0]):
            spans.append((begin, end))
    return spans


def end_of_template(text: str, at: int) -> int:
    """Where a template ends that begins there; in its `${}` may be others."""
    open = ["`"]
    while open:
        match = TEMPLATE.search(text, at)
        if not match:
            return len(text)
        at, sign = match.end(), match[0]
        if sign == ("`" if open[-1] == "`" else "}"):
            open.pop()
        elif sign == "${" if open[-1] == "`" else sign in ("`", "{", "${"):
            open.append("`" if sign == "`" else "{")
    return at


def may_hold_strings(text: str) -> bool:
    """Whether, in a language that is not known, a string may go on from a line to another: a quote
    is left alone in two of them.  An apostrophe may stand in words."""
    if text.count('"') < 2 and text.count("`") < 2:
        return False
    lines = [CLOSED.sub("", line) for line in REFERENCE.sub("", text).split("\n")]
    return any([sum([quote in line for line in lines]) > 1 for quote in '"`'])
