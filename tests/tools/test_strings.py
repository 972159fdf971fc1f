"""Which lines of code begin in a string of several lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweb.notation import KNOWN
from commonweb.strings import LONG, WITHIN, long_strings
from commonweb.web import Web


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


@pytest.mark.parametrize(("language", "code", "expected"), [
    ("js", "a = `x\n${f(`y\n{`)}\n`\nb", ".xxx."),
    ("ts", "r = /`/\nb", ".."),
    ("js", "// `\nb = '`'\nc = \"`\"\nd", "...."),
    ("go", "s := `a\\`\nb := `c\nd`\ne", "..x."),
    ("rust", "let s = r#\"a\n\"b\n\"#;\nc", ".xx."),
    ("rust", "fn f<'a>(c: char) { c == '\"' }\nlet s = \"a\nb\";\nc", "..x."),
    ("cpp", 'R"x(a\n)" b\n)x"\nc', ".xx."),
    ("lua", "s = [==[a\n]]\n]==]\nb", ".xx."),
    ("lua", "--[[ \"\n]]\nb", "..."),
    ("sh", "cat <<EOF\na\n EOF\nEOF\nb", ".xxx."),
    ("bash", "echo 'a\nb' \"c\nd\" # it's\ne", ".xx."),
    ("sh", "echo $#\necho 'a\nb'\nx <<<y\nb", "..x.."),
    ("ruby", "x << y\nz = <<~EOS\n a\nEOS\nb", "..xx."),
    ("perl", "print <<\"E\";\na\nE\nb", ".xx."),
    ("php", "$a = <<<X\nb\nX;\nc", ".xx."),
    ("java", 'String s = """\na\n""";\nb', ".xx."),
    ("kotlin", "c == '\"'\nb", ".."),
    ("csharp", 's = @"a\\\nb""\nc";\nd', ".xx."),
    ("haskell", "f' = \"a\\\n  \\b\"\nc", ".x."),
    ("ocaml", "{q|a\n|}\n|q}\nlet x' = 'y'\nb", ".xx.."),
    ("sql", "SELECT 'it''s\na', $$b\nc$$ -- '\n;", ".xx."),
    ("clojure", "(f \\\" \"a\nb\") ; \"\nc", ".x."),
    ("elisp", "\"a\nb\"\nc", ".x."),
    ("powershell", "@'\n'a\n'@\nb", ".xx."),
    ("nix", "''\n''${a}\n''\nb", ".xx."),
    ("toml", 'a = """\nb\n"""\nc', ".xx."),
    ("elixir", '"""\na\n"""\nb', ".xx."),
    ("julia", "a' * \"b\nc\"\nd", ".x."),
    ("r", "\"a\nb\"\nc", ".x."),
])
def test_which_lines_begin_in_a_string_of_another_language(
    language: str, code: str, expected: str
) -> None:
    assert inside(code, language) == expected


def test_the_table_of_languages_says_forms_that_are_known() -> None:
    for _, _, words in KNOWN.values():
        assert {*words.split()} <= {*WITHIN, *LONG}


@settings(max_examples=150)
@given(st.sampled_from(sorted(KNOWN)), st.lists(st.sampled_from(
    ["'", '"', '"""', "`", "${", "}", "<<EOF", "EOF", "\n", "\\", "[[", "]]", "{|", "|}", "$$",
     "//", "#", "/*", "*/", "--", "@\"", 'R"x(', ')x"', 'r#"', '"#', "a", " ", "''"]), max_size=30))
def test_spans_are_in_order_and_in_the_text(language: str, pieces: list[str]) -> None:
    text = "".join(pieces)
    end = 0
    for start, stop in long_strings(text, language):
        assert end <= start < stop <= len(text)
        end = stop


def test_text_has_no_strings() -> None:
    assert inside('"""a\nb"""', "text") == ".."


UNSURE = """# T
```python
# ⟨a.py⟩≡
{}⟨B⟩
```
```{}
# ⟨B⟩≡
⟨C⟩
```
```{}
# ⟨C⟩≡
{}
```
"""


@pytest.mark.parametrize(("lead", "middle", "language", "code", "line"), [
    ("  ", "python", "wren", 'a = "\nb"', 4), ("", "python", "wren", 'a = "\nb"', None),
    ("  ", "wren", "", "a = `\nb`", 4), ("x(", "text", "wren", 'a = """\nb\n"""', 4),
    ("  ", "python", "text", '6" by\n4"', None), ("  ", "", "js", "a = `\nb`", None),
    ("  ", "python", "wren", "a = \"b\"\nc = '\"'\nit's \"d\"", None),
    ("  ", "python", "wren", "don't\nisn't", None), ("  ", "", "", 'a "', None)])
def test_what_is_not_known_of_a_language_is_not_changed_in_silence(
    lead: str, middle: str, language: str, code: str, line: int | None
) -> None:
    found = Web(UNSURE.format(lead, middle, language, code).encode()).problems
    assert [problem.line for problem in found] == [line] * bool(line)
    assert all("indentation would be passed on into ⟨C⟩" in p.message for p in found)
