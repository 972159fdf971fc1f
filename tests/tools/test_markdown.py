"""Which fences and headings a document has, beside another reader of CommonMark."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from commonweb.markdown import Fence, Heading, blocks


def fences(text: str) -> list[tuple[int, str, list[str]]]:
    return [(b.opens, b.info, b.lines) for b in blocks(text) if isinstance(b, Fence)]


def headings(text: str) -> list[tuple[int, int, str]]:
    return [(b.line, b.level, " ".join(b.text.split())) for b in blocks(text)
            if isinstance(b, Heading)]


def contents(text: str) -> list[list[str]]:
    return [lines for _, _, lines in fences(text)]


ORACLE = MarkdownIt("commonmark")
CONTAINERS = ["", "", "", " ", "  ", "   ", "    ", "> ", ">", "- ", "-", "1. ", "2) ", "* ",
              "     ", "+   ", "10. ", "-     "]
LINES = ["```", "~~~", "````", "``` py", "~~~~ a`b", "``` a`b", "```  ", "text", "# h",
         "## h ##", "", "", "   ", "---", "===", "***", "<div>", "</div>", "<!-- c", "-->",
         "<pre>", "</pre>", "<a>", "<a b=\"c\" d>", "<?x", "?>", "<!X", "<![CDATA[", "]]>", "- ",
         "* * *", "1.", "code", "x\ty", "#", "#x", "# #", "### a #b", "1234567890. x", "0. q",
         "<i>z", "~~", "`````", "~~~ ~~~", "==", "-", "--- ", "*em* text", "[a b](c)"]
documents = st.lists(
    st.tuples(st.lists(st.sampled_from(CONTAINERS), max_size=3), st.sampled_from(LINES)).map(
        lambda drawn: "".join(drawn[0]) + drawn[1]),
    max_size=9,
).map(lambda lines: "".join(line + "\n" for line in lines))


def oracle(text: str) -> tuple[list[tuple[int, str, list[str]]], list[tuple[int, int, str]]]:
    found, heads = [], []
    tokens = ORACLE.parse(text)
    for number, token in enumerate(tokens):
        assert token.map or token.type not in ("fence", "heading_open")
        if token.type == "fence" and token.map:
            found.append((token.map[0] + 1, token.info.strip(), token.content.split("\n")[:-1]))
        if token.type == "heading_open" and token.map and not token.level:
            heads.append((token.map[0] + 1, int(token.tag[1]),
                          " ".join(tokens[number + 1].content.split())))
    return found, heads


def beyond_the_oracle(text: str) -> bool:
    """Whether the oracle departs from the standard.

    It takes `>` after four blanks for a quote in a fence, and a fence's line or a thematic break
    after four blanks for the end of a paragraph in a list or in a quote in a quote, which by the
    standard they continue.
    """
    return "    >" in text or re.search(r"^ {4,}(```|~~~|---|\*)", text, re.M) is not None


@settings(max_examples=300, deadline=None)
@given(documents)
def test_fences_and_headings_are_those_of_commonmark(text: str) -> None:
    if not beyond_the_oracle(text):
        assert (fences(text), headings(text)) == oracle(text)


# The standard takes a definition for a paragraph while it is read, the oracle never; so nothing
# stands here that may interrupt one of them and not the other.
DEFINING = st.lists(st.sampled_from([
    "[a]: b", "[a]: <b> 'c'", "[a]:\n  b", "'c'", "[a]: b c", "[a\\]b]: c", "[]: b", "[ ]: b",
    "  [a]: <b", "text", " *text*", "===", "---", " -- ", "=", "", "# h", "```", "~~~", "> q",
]), max_size=8).map(lambda lines: "".join(line + "\n" for line in lines))


@settings(max_examples=200, deadline=None)
@given(DEFINING)
def test_what_is_underlined_is_a_heading_unless_it_only_defines_links(text: str) -> None:
    assert (fences(text), headings(text)) == oracle(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("---\na: b\n# c\n---\n# d\n", [(5, 1, "d")]),
    ("---\ntitle: a\n...\n# d", [(4, 1, "d")]),
    ("---\n# a\n---\n", [(2, 1, "a")]),
    ("---\n\na: b\n---\n", [(3, 2, "a: b")]),
    ("---\ntext\n---\n", [(2, 2, "text")]),
    ("---\na: b\n", []),
    ("text\n---\na: b\n---\n", [(1, 2, "text"), (3, 2, "a: b")]),
])
def test_front_matter_has_no_headings(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert headings(text) == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("```\na\n```\n", [["a"]]),
    ("~~~\na\n```\n~~~\n", [["a", "```"]]),
    ("````\n```\n````\n", [["```"]]),
    ("```\na\n`````\nb\n", [["a"]]),
    ("```\na\n``` b\n```\n", [["a", "``` b"]]),
    ("``` a`b\nx\n", []),
    ("~~~ a`b\nx\n~~~\n", [["x"]]),
    ("   ```\n    a\n b\n   ```\n", [[" a", "b"]]),
    ("    ```\n    a\n    ```\n", []),
    ("```\na\n    ```\n```\n", [["a", "    ```"]]),
    ("text\n```\na\n```\n", [["a"]]),
    ("text\n    ```\nmore\n", []),
    ("   - text\n    ```\n     ```\n     a\n", [["a"]]),
    ("> ```\n> a\n> ```\n", [["a"]]),
    ("> ```\n> a\nb\n", [["a"]]),
    ("- ```\n  a\n\n   b\n  ```\n", [["a", "", " b"]]),
    ("- ```\n  a\nb\n", [["a"]]),
    ("1. - > ```\n     > a\n     > ```\n", [["a"]]),
    ("- x\n\n  ```\n  a\n  ```\n", [["a"]]),
    ("-\n\n  ```\n  a\n  ```\n", [["a"]]),
    ("<pre>\n```\n</pre>\n", []),
    ("<!--\n```\n\n-->\n```\na\n```\n", [["a"]]),
    ("<div>\n```\n\n```\na\n```\n", [["a"]]),
    ("<?php\n```\n?>\n", []),
    ("<!X\n```\n>\n", []),
    ("<![CDATA[\n```\n]]>\n", []),
    ("<a-b c='d'>\n```\n\n", []),
    ("text\n<a>\n```\na\n```\n", [["a"]]),
    # A tab reaches to the next fourth column, and may be cut.
    ("\t```\n", []),
    (" ```\n\ta\n ```\n", [["   a"]]),
    (">\t```\n>\ta\n> ```\n", [["a"]]),
    ("> ```\n>\ta\n> ```\n", [["  a"]]),
    ("-\t```\n\ta\n\t\tb\n\t```\n", [["a", "\tb"]]),
    ("> ```\n\t> a\n", [[]]),
    ("```\n\ta\n```\n", [["\ta"]]),
])
def test_fence(text: str, expected: list[list[str]]) -> None:
    assert contents(text) == expected
    assert contents(text.removesuffix("\n")) == expected


def test_headings_stand_outside_lists_quotes_and_code() -> None:
    text = ("# a #\n> # no\n- # no\n\n"
            "###### b##\n####### no\n#no\n```\n# no\n```\n\n    # no\n   # c")
    assert headings(text) == [(1, 1, "a"), (5, 6, "b##"), (13, 1, "c")]
