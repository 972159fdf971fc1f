"""Which lines of code begin in a string of several lines."""

from __future__ import annotations

import pytest

from commonweb.strings import long_strings


def inside(code: str, language: str = "python") -> str:
    """Of each line of the code, whether it begins in a string."""
    spans, begins, at = long_strings(code, language), "", 0
    for line in code.split("\n"):
        begins += "x" if any(start < at < end for start, end in spans) else "."
        at += len(line) + 1
    return begins


@pytest.mark.parametrize(("code", "expected"), [
    ('s = """a\nb"""\nc', ".x."),
    ("s = '''a\n\"\"\"\nb'''\nc", ".xx."),
    ('s = rb"""\\"""\nb\n"""\nc', ".xx."),
    ('s = f"""{x}\n\\\\"""\nc', ".x."),
    ('"""a""" """b\n"""\nc', ".x."),
    ('# """\nc\nd', "..."),
    ("# it's\nx = '''\n'''", "..x"),
    ("'\"\"\"'\nc", ".."),
    ("'a\\\nb'\nc", ".x."),
    ("x = 1 + \\\n2", ".."),
    ("'unclosed\nc", ".."),
    ('⟨Don\'t """ do⟩\nc', ".."),
    ('"""a\n⟨B\'"""⟩\n"""\nc', ".xx."),
    ('"""open\nto the end', ".x"),
])
def test_which_lines_begin_in_a_python_string(code: str, expected: str) -> None:
    assert inside(code) == expected


@pytest.mark.parametrize(("code", "expected"), [
    ('"a\\\nb"\nc', ".x."), ("#define X \\\n  1", ".."), ('/* " */ "a\\\nb"\nc', ".x."),
    ("// it's \"\n\"a\\\nb\"", "..x"), ("'\"' x \\\n y", ".."), ('"""\nb\n"""', "..."),
])
def test_which_lines_begin_in_a_c_string(code: str, expected: str) -> None:
    assert inside(code, "c") == expected


def test_other_languages_have_no_multi_line_strings() -> None:
    assert inside('"""a\nb"""', "text") == ".."
