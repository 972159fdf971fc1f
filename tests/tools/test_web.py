"""What a web is read as: sections, headers, declarations, references."""

from __future__ import annotations

import pytest

from commonweb.notation import names_file
from commonweb.web import Web


def read(text: str) -> Web:
    return Web(text.encode())


def problems(text: str) -> list[str]:
    found = sorted(read(text).problems, key=lambda p: (p.line, p.column))
    return [f"{p.line}:{p.column}: {p.message}" for p in found]


# Sections.

def test_sections_have_numbers_titles_depths_places_and_ends() -> None:
    web = read("# Book\n\n## 1. One\ntext\n### 2. Two ##\n###### 3.\n###### 3A.\n##### 4. *Four*\n")
    assert [(s.number, s.title, s.depth, s.line, s.column, s.end) for s in web.sections] == [
        ("1", "One", 0, 3, 1, 5), ("2", "Two", 1, 5, 1, 6), ("3", None, None, 6, 1, 7),
        ("3A", None, None, 7, 1, 8), ("4", "*Four*", 3, 8, 1, 9)]


def sections(text: str) -> list[tuple[str, str | None, int | None]]:
    return [(s.number, s.title, s.depth) for s in read(text).sections]


def test_a_web_without_numbers_is_numbered_in_order() -> None:
    assert sections("# Book\n## Then\n#### Deep\n") == [("1", "Then", 0), ("2", "Deep", 2)]
    assert sections("Book\n====\n\nThen *now*\nand\n---\n") == [("1", "Then *now* and", 0)]


def test_code_right_below_the_title_stands_in_a_section_of_its_name() -> None:
    code = "```python\n# ⟨a.py⟩≡\n```\n"
    assert sections(f"# Book\n{code}## Then\n") == [("1", "Book", 0), ("2", "Then", 0)]
    assert problems(f"# Book\n{code}") == []
    assert problems(f"# Book\n{code}## 1. One\n") == [
        "3:3: ⟨a.py⟩ stands before the first section: expected a heading above it"]


@pytest.mark.parametrize("text", [
    "# One\n## A\n# Two\n", "One\n===\nA\n-\n# Two\n", "## Nought\n# One\n## A\n# Two\n",
    "---\ntitle: Book\n---\n# One\n## A\n"])
def test_headings_of_level_1_rank_at_the_top_unless_one_is_the_title(text: str) -> None:
    found = {title: depth for _, title, depth in sections(text)}
    assert found == {"Nought": 1, "One": 0, "A": 1, "Two": 0} or found.items() <= {
        "One": 0, "A": 1, "Two": 0}.items()


@pytest.mark.parametrize("text", [
    "# T\n## Usage\n### 1. Install\n### 2. Run\n## Code\n",
    "# T\n## 1. Install\n## 2. Run\n## Code\n",
    "# A\n### 1. Discovery\n### 3. Third\n# B\n### 1. Again\n"])
def test_a_list_of_steps_makes_no_numbers_of_sections(text: str) -> None:
    web = read(text + "```python\n# ⟨a.py⟩≡\n```\n")
    assert web.problems == []
    assert [s.number for s in web.sections] == [str(n + 1) for n in range(len(web.sections))]
    assert "1. " in "".join(s.title or "" for s in web.sections)


def test_a_number_that_was_forgotten_is_an_error() -> None:
    text = "# T\n" + "".join(f"## {n}. x\n" for n in range(1, 10)) + "### y\n"
    assert problems(text + "```\n# ⟨a.py⟩≡\n```\n") == [
        "11:1: a heading without a number: expected one, as nearly all headings of this web have "
        "it"]


def orders(*numbers: str) -> list[str]:
    text = "".join(f"## {number}. x\n" for number in numbers) + "```\n# ⟨a.py⟩≡\n```\n"
    return problems(text)


@pytest.mark.parametrize("numbers", [
    ["1", "2", "3"], ["1", "1A", "1B", "2"], ["1", "2", "2A", "3"], ["1", "1A", "2", "2A"]])
def test_numbers_ascend(numbers: list[str]) -> None:
    assert orders(*numbers) == []


@pytest.mark.parametrize(("numbers", "expected"), [
    (["2"], ["1:1: section 2: expected 1"]),
    (["0", "1"], ["1:1: section 0: expected 1"]),
    (["1", "3", "4"], ["2:1: section 3: expected 2 or 1A after 1"]),
    (["1", "2", "2", "3"], ["3:1: section 2 again (first in line 2): expected 3 or 2A after 2"]),
    (["1", "2", "1", "3"], ["3:1: section 1 again (first in line 1): expected 3 or 2A after 2"]),
    (["1", "1B", "2"], ["2:1: section 1B: expected 2 or 1A after 1"]),
    (["1", "2A"], ["2:1: section 2A: expected 2 or 1A after 1"]),
    (["1", "01"], ["2:1: section 01: expected 2 or 1A after 1"]),
    (["1", "1a"], ["2:1: section 1a: expected 2 or 1A after 1"]),
    (["1", *(f"1{chr(65 + i)}" for i in range(26)), "1AA", "2"],
     ["28:1: section 1AA: expected 2 after 1Z"]),
])
def test_numbers_out_of_order(numbers: list[str], expected: list[str]) -> None:
    assert orders(*numbers) == expected


def test_chapters_may_have_numbers() -> None:
    assert sections("# 1. A\n## 2. B\n# 3. C\n") == [("1", "A", 0), ("2", "B", 1), ("3", "C", 0)]


# Chunks.

FORMS = ["# {}", "// {}", "/* {} */", "-- {}", "; {}", ";;; {}", "% {}", "<!-- {} -->", "(* {} *)",
         "#{}", "  # {}  ", "/*{}*/"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sign", ["≡", "+≡"])
def test_a_first_line_comment_with_name_and_sign_makes_a_chunk(form: str, sign: str) -> None:
    header = form.format(f"⟨Do  this,\tnow⟩{sign}")
    web = read(f"# 1. x\n~~~ Py now\n{header}\ncode\n~~~\n")
    (part,) = web.chunks["Do this, now"].parts
    assert part.continues == (sign == "+≡")
    assert (part.language, part.line, part.column, part.rows, part.text) == (
        "py", 3, header.index("⟨") + 1, 1, "code")
    assert web.fences == []


@pytest.mark.parametrize("header", [
    "# ⟨A⟩", "# ⟨A⟩ ≡", "# ⟨A⟩=", "# ⟨A⟩≡ more", "# ⟨A≡", "# ⟨A⟩++≡", "/* ⟨A⟩≡", "/* ⟨A⟩≡ */ x",
    "<!-- ⟨A⟩≡ --", "# ⟨A⟩⟨B⟩≡", "#| ⟨A⟩≡", "// ⟨A⟩≡ */"])
def test_a_first_line_comment_that_only_begins_like_a_header_is_an_error(header: str) -> None:
    (problem, *rest) = problems(f"## 1. x\n```\n# ⟨a.py⟩≡\n```\n```\n{header}\n```\n")
    assert problem.startswith(f"6:{header.index('⟨') + 1}: not a chunk's header: expected only ")
    assert rest == []


@pytest.mark.parametrize("first", ["", "x = 1  # ⟨A⟩≡", "⟨A⟩", "# see ⟨A⟩", "# x"])
def test_other_fences_are_illustrations(first: str) -> None:
    web = read(f"## 1. x\n```\n# ⟨a.py⟩≡\n```\n```\n{first}\n```\n")
    assert web.problems == []
    assert [fence.opens for fence in web.fences] == [5]


def test_a_header_below_the_first_line_is_an_error() -> None:
    assert problems("## 1. x\n```\n# ⟨a.py⟩≡\nx\n# ⟨B⟩+≡\n```\n") == [
        "5:3: the header of ⟨B⟩ is not the first line of its code block: expected the one from "
        "line 2 closed before"]


@pytest.mark.parametrize(("name", "expected"), [
    ("a.py", True), ("a/b", True), ("Makefile", False), (".gitignore", True), ("see a.py", False),
    ("e.g.", False), ("x.tar.gz", True), ("a/", True), ("Read a/b", False)])
def test_which_names_are_files(name: str, expected: bool) -> None:
    assert names_file(name) is expected


@pytest.mark.parametrize(("header", "first", "second"), [
    ("# {}", "#| captures: a, b", "#| exports: c"),
    ("/* {} */", "//| captures: a, b", "//| exports: c"),
    ("/* {} */", "/*| captures: a, b */", "//|exports:c"),
    ("// {}", "//| exports: c", "//| captures:a,b"),
    ("<!-- {} -->", "<!--| captures: a, b -->", "<!--| exports: c -->"),
    ("; {}", ";| captures: a , b ", ";| exports: c"),
])
def test_captures_and_exports_are_read_and_not_code(header: str, first: str, second: str) -> None:
    web = read(f"## 1. x\n```\n{header.format('⟨a.x⟩≡')}\n{first}\n{second}\nx\n```\n")
    assert web.problems == []
    (part,) = web.chunks["a.x"].parts
    assert [word.name for word in part.captures] == ["a", "b"]
    assert [word.name for word in part.exports] == ["c"]
    assert part.text == "x"
    for word in (*part.captures, *part.exports):
        assert web.lines[word.line - 1][word.column - 1 :].startswith(word.name)


@pytest.mark.parametrize(("line", "expected"), [
    ("#| captures:", "4:13: an identifier is missing here"),
    ("#| captures: a,,b", "4:16: an identifier is missing here"),
    ("#| captures: a, 3b", "4:17: '3b' is not an identifier"),
    ("#| captures: a b", "4:14: 'a b' is not an identifier"),
    ("#| captures: a, a", "4:17: a a second time in captures"),
    ("#| exprots: a", "4:4: 'exprots' is not a declaration: "
     "expected captures: or exports: and names"),
    ("#| captures a", "4:4: 'captures a' is not a declaration: "
     "expected captures: or exports: and names"),
    ("#| exports: a\n#| exports: b, a", "5:16: a a second time in exports"),
])
def test_a_wrong_declaration_is_an_error(line: str, expected: str) -> None:
    assert problems(f"## 1. x\n```\n# ⟨a.py⟩≡\n{line}\nx\n```\n") == [expected]


def test_a_lisp_block_comment_below_a_header_is_code() -> None:
    assert read("# x\n```\n; ⟨a.el⟩≡\n#| exports |#\n```\n").chunks["a.el"].rows == 1


# References.

def references(code: str) -> list[tuple[str, int, int]]:
    web = read(f"## 1. x\n> - ~~~\n>   # ⟨a.py⟩≡\n>   {code}\n>   ~~~\n")
    return [(r.name, r.line, r.column) for r in web.chunks["a.py"].parts[0].references]


def test_references_are_found_anywhere_in_a_line_and_know_their_place() -> None:
    assert references("f(⟨A⟩, ⟨ B  c ⟩) # ⟨D⟩") == [("A", 4, 7), ("B c", 4, 12), ("D", 4, 24)]


def test_a_doubled_bracket_is_a_literal_one() -> None:
    assert references("⟨⟨A⟩ ⟨⟨⟨B⟩⟩ ⟩") == [("B", 4, 12)]


def test_a_reference_knows_its_line_in_every_part() -> None:
    text = ("## 1. x\n```\n# ⟨a.py⟩≡\n#| exports: b\n\n⟨A⟩\n```\n"
            "  ```\n  # ⟨a.py⟩+≡\n    ⟨A⟩⟨A⟩\n  ```\n")
    web = read(text + "```\n# ⟨A⟩≡\n```\n")
    assert not web.problems
    assert [(r.line, r.column) for r in web.chunks["A"].uses] == [(6, 1), (10, 5), (10, 8)]
    chunk = web.chunks["a.py"]
    assert [chunk.text[at : at + 3] for _, at in chunk.references()] == ["⟨A⟩"] * 3


def test_a_code_line_knows_its_place() -> None:
    web = read("# x\n> \t```\n> # ⟨a.py⟩≡\n> \tab\n> ```\n")
    (part,) = web.chunks["a.py"].parts
    assert part.text == "ab"
    assert part.place(0, 1) == (4, 5)


@pytest.mark.parametrize(("line", "expected"), [
    ("x ⟨A", "4:3: unclosed ⟨: expected ⟩ on the same line "
     "(⟨⟨ stands for a ⟨ that is none of a reference's)"),
    ("x ⟨ ⟩", "4:3: an empty name: expected ⟨Name⟩"),
])
def test_a_wrong_reference_is_an_error(line: str, expected: str) -> None:
    assert problems(f"## 1. x\n```\n# ⟨a.py⟩≡\n{line}\n```\n") == [expected]


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    text = "## 1. x\n```py\n# ⟨a.py⟩≡\nx\n\ny\n```\n"
    for variant in (text, text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text,
                    text[:-1]):
        web = read(variant)
        assert not web.problems
        assert (web.chunks["a.py"].text, web.chunks["a.py"].parts[0].line) == ("x\n\ny", 3)


def test_only_line_ends_end_lines() -> None:
    web = read("## 1. x\n```py\n# ⟨a.py⟩≡\nx\x0cy\x85z\u2028\n```\n")
    assert web.chunks["a.py"].text == "x\x0cy\x85z\u2028"
