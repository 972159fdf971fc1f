"""What looks like a chunk and is none is an error where it stands; what is only shown is none."""

from __future__ import annotations

import pytest

from commonweb.markdown import language_of
from commonweb.notation import LANGUAGES, comment, is_comment
from commonweb.web import Web

GOOD = "# T\n\n## A\n\n```python\n# ⟨a.py⟩≡\nprint(1)\n```\n\n## B\n\n"


def problems(text: str) -> list[tuple[int, int, str]]:
    found = sorted(Web((GOOD + text).encode()).problems, key=lambda p: (p.line, p.column))
    lines = GOOD.count("\n")
    return [(p.line - lines, p.column, p.message) for p in found]


def one(text: str, line: int, begin: str) -> None:
    """There is one problem, at a name's bracket in that line."""
    ((at, column, message),) = problems(text)
    assert (at, column) == (line, text.split("\n")[line - 1].index(begin) + 1)
    assert message.startswith(("not a chunk's header: expected only ",
                               "this stands in no fenced block: "))


@pytest.mark.parametrize("language", [name.split()[0] for names, comments, _ in LANGUAGES
                                      for name in names.split(",") if comments])
def test_a_comment_of_any_language_opens_a_header(language: str) -> None:
    begin, end = comment(language)
    text = f"```{language}\n{begin} ⟨dir/a⟩≡ {end}\n{begin}| exports: x {end}\nx\n```\n"
    web = Web((GOOD + text).encode())
    assert web.problems == []
    (part,) = web.chunks["dir/a"].parts
    assert (part.text, [word.name for word in part.exports]) == ("x", ["x"])


def test_every_language_that_pygments_knows_has_a_comment_in_the_table() -> None:
    lexers = pytest.importorskip("pygments.lexers")
    from pygments.token import Comment

    names = {name for names, comments, _ in LANGUAGES for name in names.replace(",", "").split()
             if comments}
    for _, aliases, _, _ in lexers.get_all_lexers():
        known = names.intersection(aliases)
        for name in known - SHOWN_OTHERWISE:
            begin, end = comment(name)
            tokens = lexers.get_lexer_by_name(name).get_tokens(
                f"{begin} zq {end}".rstrip() + "\n")
            assert any(kind in Comment and "zq" in text for kind, text in tokens), name


# What their lexers need more of around a comment to know it for one, or do not know.
SHOWN_OTHERWISE = {"cobol", "do", "erl", "jsp", "markdown", "md", "php", "php3", "php4", "php5",
                   "s", "sml", "sqlite3", "stata"}


@pytest.mark.parametrize("header", [
    "##", "####", "////", "///", "//!", "#-", "!", "!!", "REM", "rem", "'", "\"", "*", "--", ";;",
    "%%", "dnl", "C", "NB.", "⍝", "@c", "..", "\\"])
def test_other_forms_of_a_comment_open_a_header_too(header: str) -> None:
    assert problems(f"```\n{header} ⟨b.x⟩≡\nend\n```\n") == []


@pytest.mark.parametrize(("begin", "end"), [
    ("/**", "*/"), ("/**", "**/"), ("(*", "*)"), ("{-", "-}"), ("#|", "|#"), ("<!--", "-->"),
    ("{", "}"), ("--[[", "]]"), ("###", "###"), ("(", ")"), ("\"", "\"")])
def test_a_comment_with_two_ends_opens_a_header(begin: str, end: str) -> None:
    assert is_comment(begin, end)
    assert problems(f"```\n{begin} ⟨b.x⟩≡ {end}\nend\n```\n") == []


NEAR = ["⟨b.x⟩≡", "<<b.x>>=", "<b.x>≡", "〈b.x〉≡", "«b.x»≡", "# 〈b.x〉+≡", "<<b.x>>+=",
        "`# ⟨b.x⟩≡`", "**⟨b.x⟩≡**", "1. # ⟨b.x⟩≡", "/* ⟨b.x⟩≡", "# ⟨b.x⟩++≡", "?? ⟨b.x⟩≡"]


@pytest.mark.parametrize("header", NEAR)
@pytest.mark.parametrize("above", ["", "\n", "#!/bin/sh\n", "/*\n"])
def test_what_is_nearly_a_header_is_one_error(header: str, above: str) -> None:
    bracket = next(sign for sign in "⟨〈«<" if sign in header)
    one(f"```x\n{above}{header}\ncode\n```\n", 2 + above.count("\n"), bracket)


@pytest.mark.parametrize("above", ["\n", "#!/bin/sh\n", "/*\n * told\n"])
def test_a_header_below_something_else_is_an_error(above: str) -> None:
    one(f"```sh\n{above}# ⟨b.sh⟩≡\ncode\n```\n", 2 + above.count("\n"), "⟨")
    one(f"```sh\n{above}# ⟨a.py⟩+≡\ncode\n```\n", 2 + above.count("\n"), "⟨")


def test_the_comment_that_is_expected_is_the_languages_own() -> None:
    ((_, _, message),) = problems("```f90\n⟨b.f90⟩≡\nend\n```\n")
    assert "expected only ! ⟨Name⟩≡ or ! ⟨Name⟩+≡ in the first line" in message


HIDDEN = ["<details>\n<summary>x</summary>\n{}\n</details>\n", "<!--\n{}\n-->\n",
          "<div>\n{}\n</div>\n", "    {}\n"]


@pytest.mark.parametrize("around", HIDDEN)
@pytest.mark.parametrize("mark", ["```", "`````", "~~~~"])
@pytest.mark.parametrize("header", ["# ⟨b.x⟩≡", "# ⟨a.py⟩+≡", "⟨b.x⟩≡", "#!/bin/sh\n# ⟨b.x⟩≡"])
def test_a_fence_that_commonmark_hides_is_an_error_if_it_looks_like_a_chunk(
    around: str, mark: str, header: str
) -> None:
    fence = f"{mark}x\n{header}\ncode\n{mark}"
    if around.startswith("    "):
        fence = fence.replace("\n", "\n    ")
    text = around.format(fence)
    one(text, next(at for at, line in enumerate(text.split("\n"), 1) if "⟨" in line), "⟨")
    assert problems(text.replace(f"{mark}x", f"{mark}x example")) == []


@pytest.mark.parametrize("text", [
    "# ⟨b.x⟩≡\ncode\n", "    # ⟨b.x⟩≡\n    code\n", "> // ⟨b.x⟩≡\n", "---\na: b\n# ⟨b.x⟩≡\n---\n"])
def test_a_header_without_a_fence_is_an_error(text: str) -> None:
    one(text, next(at for at, line in enumerate(text.split("\n"), 1) if "⟨" in line), "⟨")


@pytest.mark.parametrize("info", [
    "python example", "markdown example", "example", "{.python .example}", "{python, example}"])
def test_what_is_only_shown_says_so(info: str) -> None:
    for header in ("# ⟨a.py⟩≡", "# ⟨b.py⟩≡", "⟨b⟩≡", "x\n# ⟨c⟩≡", "# ⟨see"):
        assert problems(f"~~~~~ {info}\n{header}\n~~~~~\n") == []


@pytest.mark.parametrize("text", [
    "Lines such as `# ⟨b.x⟩≡`\n`# ⟨c.x⟩≡` begin chunks.\n",
    "⟨b.x⟩≡ is told elsewhere\n", "* ⟨b.x⟩≡\n", "```\nx = a <<b>>= c\n```\n",
    "```\n⟨a|b⟩ = ⟨c|d⟩\n```\n", "```\n<stmt> ::=\n```\n", "```\n⟨stmt⟩ ::=\n```\n",
    "```js\n// index.js\nlet a = <b>=</b>;\n```\n", "```html\n<br>\n<a>=\n```\n",
    "```\n# see ⟨a.py⟩\n```\n", "```\ncin >>x>>=1\n<<-EOS\n```\n"])
def test_ordinary_prose_and_code_is_none(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(("info", "language"), [
    ("", None), ("Python now", "python"), ("{python}", "python"), ("{.python .lines}", "python"),
    ("{#id .python}", "python"), ("python{1,2}", "python"), ("rust,ignore", "rust"),
    ("c++", "c++"), ("{r, echo=FALSE}", "r"), ("{.x y=z}", "x"), ("{}", None)])
def test_the_language_of_a_fence(info: str, language: str | None) -> None:
    assert language_of(info) == language


@pytest.mark.parametrize("brackets", ["<<{}>>", "〈{}〉", "«{}»", "<< {} >>"])
def test_a_reference_in_other_brackets_is_an_error(brackets: str) -> None:
    chunk = "```python\n# ⟨Say  it⟩≡\npass\n```\n"
    wrong = brackets.format("Say it")
    code = f"```python\n# ⟨b.py⟩≡\nif x:\n    {wrong}\n⟨Say it⟩\n```\n"
    assert problems(code + chunk) == [(4, 5, f"{wrong} is no reference: expected ⟨Say it⟩")]
    assert problems(code.replace("Say it⟩", "Other⟩").replace("Say it", "x") + chunk.replace(
        "Say  it", "Other")) == []
