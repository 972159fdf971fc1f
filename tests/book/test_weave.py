"""Webs of all kinds, woven: hostile ones, strange ones, large ones; and the command."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import Element, files, read

from commonweb import weave
from commonweb.identifiers import Index
from commonweb.expansion import tangle
from webs import draw_web
from commonweb.web import Web

ROOT = Path(__file__).parents[2]
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
                         "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def woven(text: str | bytes, folder: Path = ROOT / "tests" / "book", paper: bool = False) -> str:
    web = Web(text.encode() if isinstance(text, str) else text)
    assert web.problems == []
    outputs = tangle(web)
    assert web.problems == []
    page = weave.document(weave.Book(web, folder, Index(web, outputs), paper),
                          weave.title_of(web, Path("web.md")), "")
    assert web.problems == []
    if not paper:
        check(read(page), {name: data.decode() for name, data in outputs.items()})
    return page


# What a page may hold. All else is the web's, and is words.
ATTRIBUTES = {"id", "class", "href", "title", "style", "role", "aria-label", "aria-level",
              "tabindex", "alt", "src", "start", "data-n", "data-full", "data-bare", "fill",
              "stroke", "font-family", "font-size", *weave.KEPT}
ATTRIBUTES |= {name.lower() for name in weave.KEPT}
WORDS = ("main div section aside header nav h1 h2 h3 h4 h5 h6 p a span ul ol li b i q u small em "
         "strong code pre br hr blockquote img table thead tbody tr th td details summary figure")
TAGS = {*weave.SHAPES, *WORDS.split(" ")}


def check(page: Element, outputs: dict[str, str] | None = None) -> None:
    """No script, nothing from outside, no link in a link; and the code is the code."""
    html = page.one("html")
    assert [one.tag for one in html.elements] == [
        "meta", "title", "meta", "meta", "meta", "style", "header", "nav", "main", "script"]
    assert html.one("script").text() == (weave.STYLE / "page.js").read_text("utf-8")
    assert html.one("style").text() == "\n" + (weave.STYLE / "page.css").read_text("utf-8")
    named: set[str] = set()
    links = []
    for element in [*html.one("header").every(), *html.one("main").every()]:
        assert element.tag in TAGS, element
        assert set(element.attributes) <= ATTRIBUTES, element
        assert re.fullmatch(r"|--c:\d+|width:[\d.e+]+em|text-align:\w+",
                            element.attributes.get("style", "")), element
        if "id" in element.attributes:
            assert element.attributes["id"] not in named, element
            named.add(element.attributes["id"])
        if "src" in element.attributes:
            assert re.match(r"data:image/(png|jpeg|gif|webp);base64,", element.attributes["src"])
        if element.tag == "a":
            links.append(element.attributes["href"])
            assert [one for one in element.every("a") if one is not element] == []
    for href in links:
        if href.startswith("#") and re.match(r"#[Lsx]\d", href):
            assert href[1:] in named, href
        else:
            assert not re.match(r"[\s\0-\x20]*(javascript|vbscript|file|data):(?!image/)", href,
                                re.IGNORECASE), href
    if outputs is not None:
        assert files(page) == outputs


def chunk(code: str, name: str = "a.py", language: str = "python") -> str:
    return f"```````{language}\n# ⟨{name}⟩≡\n{code}\n```````\n"


# Webs that are not to be trusted.

EVIL = """<script>hacked()</script><img src=x onerror=hacked()></title></style></script>"""
EVIL_LINKS = [
    "javascript:hacked()", "JaVaScRiPt:hacked()", "&#106;avascript:hacked()", "java\tscript:x",
    "javascript&colon;hacked()", "\x01javascript:hacked()", "vbscript:x", "%6aavascript:hacked()",
    "data:text/html,<script>hacked()</script>", "data:image/svg+xml,<svg/onload=hacked()>",
    "file:///etc/passwd", "javascript&#x3A;hacked()", "&NewLine;javascript:hacked()",
]


def test_markup_in_any_place_is_words() -> None:
    text = (f"# {EVIL}\n\n{EVIL}\n\n## {EVIL}\n\n<div onclick=hacked()>{EVIL}</div>\n\n"
            f"| {EVIL} | |\n|:-:|--|\n| <b onclick=x>{EVIL} | \" onx=y |\n\n"
            f"```{EVIL}\n{EVIL}\n```\n\n`{EVIL}` **{EVIL}**\n\n"
            f"![{EVIL}](x.png \"{EVIL}\") [{EVIL}](y '\" onclick=hacked() x=\"')\n\n"
            f"    {EVIL}\n\n> {EVIL}\n\n- {EVIL}\n\n&lt;script>\n\n<!-- {EVIL} -->\n\n")
    name = EVIL.replace("/", "").replace("\n", "")
    text += chunk(f"x = '{EVIL}'  # {EVIL}\n⟨{name} a⟩", "<script>alert(1)<.py")
    text += f"\n## 2 {EVIL}\n\n" + chunk(f"y = 1 < 2  # {EVIL}\n", f"{name} a", EVIL.split()[0])
    page = woven(text.replace("2 <", "<"))
    assert "<script>hacked" not in page
    assert page.count("<script>") == 1


def test_declarations_and_identifiers_are_words() -> None:
    page = woven("# T\n\n" + chunk("def f(x):\n    ⟨Tell <b>⟩\n    return y") + "\n# U\n\n"
                 + "```python\n# ⟨Tell <b>⟩≡\n#| captures: x\n#| exports: y\ny = x\n```\n")
    assert "This section captures" in page


@pytest.mark.parametrize("target", EVIL_LINKS)
def test_a_link_that_would_run_a_script_is_none(target: str) -> None:
    woven(f"# T [t](<{target}>)\n\n[x](<{target}>) [y]({target}) ![z](<{target}>) <{target}>\n\n"
          f"[r] ![r]\n\n[r]: <{target}>\n\n" + chunk("x = 1"))


@pytest.mark.parametrize("name", [
    "../secret.png", "/etc/passwd", "%2e%2e/secret.png", "link.png", "in/link/secret.png",
    "http://127.0.0.1:9/x.png", "//127.0.0.1:9/x.png", "x%00.png", "y" * 5000 + ".png",
    "directory.png", "missing.png", "in/../../secret.png", "picture.svg", "%ff.png",
])
def test_no_picture_comes_from_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "web"
    (folder / "in").mkdir(parents=True)
    (folder / "directory.png").mkdir()
    (folder / "picture.svg").write_text("<svg/>")
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "in" / "link").symlink_to(tmp_path)
    place = folder / "web.md"
    place.write_text(f"# T\n\n![p](<{name}>)\n\n" + chunk("x = 1"))
    assert weave.pictures(Web(place.read_bytes()), folder) == []
    page = woven(place.read_bytes(), folder)
    assert "<img" not in page
    assert ">p</a>" in page


def test_pictures_of_the_folder_are_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PIXEL)
    page = read(woven("# T\n\n![one & \"two\"](a%20b.png)\n\n" + chunk("x = 1"), tmp_path))
    image = page.one("img")
    assert image.attributes["alt"] == 'one & "two"'
    assert base64.b64decode(image.attributes["src"].partition(",")[2]) == PIXEL


def test_the_licence_is_the_folders_own(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "web" / "LICENSE").symlink_to(tmp_path / "secret")
    assert "s3cret" not in woven("# T\n\n" + chunk("x = 1"), tmp_path / "web")


def figures(source: str) -> Element:
    return read(woven(f"# T\n\n```dot\n{source}\n```\n\n" + chunk("x = 1"))).one("figure")


def words(drawing: Element) -> list[str]:
    return [text.text() for text in drawing.every("text")]


def test_a_figure_is_shapes_and_words() -> None:
    drawing = figures("digraph roads { a -> b [label=\"to & <fro>\"]; a [shape=box] }")
    assert {one.tag for one in drawing.every()} == {
        "figure", "svg", "g", "path", "polygon", "ellipse", "text"}
    assert words(drawing) == ["a", "b", "to & <fro>"]
    assert drawing.one("svg").attributes["aria-label"] == "roads"


@pytest.mark.parametrize("source", [
    'digraph { a [URL="javascript:hacked()" tooltip="<script>" target="_blank"]; a -> b }',
    'digraph { a [href="http://example.com/"]; a -> b [URL="javascript:x" label=to] }',
    'digraph { a [label=<<b>a</b>>]; b; }',
    'digraph { a [id="s1" class="bar"]; b }',
    'digraph { stylesheet="http://example.com/x.css"; a; b }',
    'digraph { a [fontname="x\\" onload=\\"hacked()"]; b }',
    'digraph { URL="javascript:x"; a; b }',
    'digraph "</script><script>hacked()" { a; b }',
    'digraph { a [fillcolor="red:blue" style=filled]; b }',
    'digraph { a; b; dpi=96 }', 'digraph { a; b; size="1,1" }',
])
def test_figures_of_all_kinds_keep_their_nodes_and_nothing_else(source: str) -> None:
    assert {"a", "b"} <= set(words(figures(source)))


def test_pictures_do_not_come_in_by_figures() -> None:
    for source in ('digraph { a [image="/etc/passwd" label=""] }',
                   f'digraph {{ a [image="{ROOT}/tests/book/x.png"]; b }}',
                   'graph {a [label=<<table><tr><td><img src="/etc/x.png"/></td></tr></table>>]}',
                   'digraph { a [shape=epsf shapefile="/etc/passwd"] }'):
        web = Web(f"# T\n\n```dot\n{source}\n```\n\n{chunk('x = 1')}".encode())
        book = weave.Book(web, ROOT / "tests" / "book", Index(web, tangle(web)), False)
        check(read(weave.document(book, "t", "")))


@pytest.mark.parametrize("source", [
    "digraph {", "", "nothing", "digraph { a } digraph { b }", "digraph { a [label=\"\x01\"] }",
    "digraph { a [label=<<b>] }", "// nothing", "digraph \x02 { }",
])
def test_a_figure_that_cannot_be_drawn_is_one_error(source: str) -> None:
    web = Web(f"# T\n\n```dot\n{source}\n```\n\n{chunk('x = 1')}".encode())
    weave.document(weave.Book(web, ROOT, Index(web, tangle(web)), False), "t", "")
    (problem,) = web.problems
    assert problem.line == 3
    assert "no figure" in problem.message


# Webs that are strange.

STRANGE = {
    "no prose": chunk("x = 1").join(["# T\n", ""]),
    "no numbers": "# T\n\n## U\n\n" + chunk("x = 1") + "\n##### V\n\n###### W\n",
    "numbers": "# T\n\n## 1. U\n\n" + chunk("x = 1") + "\n### 1A. V\n###### 2.\nx\n## extra\n",
    "the same titles": "# T\n# T\n# T\n" + chunk("x = 1"),
    "titles that are links": "# 1. [a](#x) §1 `a.py` `x` ⟨b⟩\n\n".replace("# ", "## ")
                             + chunk("x = 1"),
    "a title of nothing": "#\n\n" + chunk("x = 1"),
    "links in names": "# T\n" + chunk("⟨See §1 [a](b) `x` *em*⟩\nx = 1")
                      + chunk("pass", "See §1 [a](b) `x` *em*"),
    "names of several kinds": "# T\n" + chunk("⟨a < b & \"c\"⟩\n⟨`co de`⟩\n⟨*x⟩")
                              + chunk("p", "a < b & \"c\"") + chunk("q", "`co de`")
                              + chunk("r", "*x"),
    "crlf": "# T\r\n\r\n" + chunk("x = 1\n⟨B⟩\n").replace("\n", "\r\n") + chunk("y\r\nz", "B"),
    "cr": ("# T\n\n" + chunk("x = 1\n⟨B⟩\n") + chunk("y\nz", "B")).replace("\n", "\r"),
    "a byte order mark": "\ufeff# T\n\n" + chunk("x = 1"),
    "tabs": "# T\n\n" + chunk("if x:\n\t⟨B⟩\n\tf(\t⟨B⟩\t)\n") + chunk("y\n\tz\n\n\tu", "B"),
    "a long line": "# T\n\n" + chunk("x = '" + "y" * 100_000 + "'"),
    "many words": "# T\n\n" + "word " * 50_000 + "\n\n" + chunk("x = 1"),
    "outside of the plane": "# 𝄞 🧵\n\n🧵 `𐐷`\n\n" + chunk("𐐷 = '🧵🧵' + ⟨🧵 ⟩ + 𐐷")
                            + chunk("'𐍈\u0301'", "🧵"),
    "right to left": "# سلم\n\nسلم\n\n" + chunk("x = '\u202e\u2066سلم'  # \u200f\n⟨سلم⟩")
                     + chunk("y = 'سلم'", "سلم"),
    "strange blanks": "# T\n\n" + chunk("x = '\x0b\x0c\x1c\x85\u2028\u2029'\n\x0c\n\u00a0"),
    "in lists and quotes": "# T\n\n- a\n\n  > b\n  >\n  > ```python\n  > # ⟨a.py⟩≡\n  > if x:\n"
                           "  >\n  >     ⟨B⟩\n  > ```\n\n1. c\n\n   ```python\n   # ⟨B⟩≡\n"
                           "   y\n   ```\n",
    "indented fences": "# T\n\n   ```python\n   # ⟨a.py⟩≡\n  x\n    y\n   ```\n",
    "tildes": "# T\n\n~~~python\n# ⟨a.py⟩≡\n```\n~~~\n",
    "nothing in a chunk": "# T\n\n```python\n# ⟨a.py⟩≡\n```\n",
    "nothing in a chunk used": "# T\n\n" + chunk("  ⟨B⟩  \nx(⟨B⟩)\n\n⟨C⟩")
                               + "```\n# ⟨B⟩≡\n```\n```\n# ⟨C⟩≡\n\n\n```\n",
    "literal brackets": "# T\n\n" + chunk("'⟨⟨x⟩' ⟨B⟩ '⟨⟨⟨⟨'") + chunk("⟨⟨y⟩ '⟨⟨'", "B"),
    "strings of several lines": "# T\n\n" + chunk("if x:\n    ⟨B⟩\n    z = '''⟨B⟩\n  ⟨B⟩\n'''\n")
                                + chunk("u = '''\n  v\nw'''\ny", "B"),
    "in a line": "# T\n\n" + chunk("  x = f(⟨B⟩, ⟨B⟩)(⟨C⟩) # ⟨B⟩") + chunk("a,\n\n  b", "B")
                 + chunk("⟨B⟩ ⟨B⟩", "C"),
    "an empty fence": "# T\n\n```\n```\n\n```\n\n\n```\n\n" + chunk("x = 1"),
    "languages nobody knows": "# T\n\n" + chunk("x < 1", "a.b", "né<b>")
                              + "\n```{.x y=z}\nq\n```\n",
    "numbers in prose": "## 1. T\n\n§1 §§1, 2 and 3 §99 § §1A §§ 1\N{EN DASH}1\n\n"
                        + chunk("x = 1"),
    "two parts at once": "# T\n\n" + chunk("x = '''") + chunk("⟨B⟩'''", "a.py").replace("≡", "+≡")
                         + chunk("p\n  q", "B"),
    "setext": "T\n===\n\n# U\n\nV\n---\n\n" + chunk("x = 1"),
    "a table of empty cells": "# T\n\n| | a | |\n|--|:-:|--:|\n| | | |\n\n" + chunk("x = 1"),
    "html": "# T\n\n<div>\n\n<b>x</b> <br/> &amp; &nosuch; &#0; &#xD800;\n\n" + chunk("x = 1"),
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_webs_are_woven_whole(text: str) -> None:
    woven(text)
    woven(text, paper=True)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_code_of_any_web_is_in_its_page(data: st.DataObject) -> None:
    text, _ = draw_web(data)
    woven(text)
    woven(text.replace("\n", "\r\n"))


SNIPPETS = st.sampled_from([
    "# H\n", "## *H*\n", "- ", "> ", "1. ", "    ", "\n", "\n\n", "`x`", "`a.py`", "⟨B⟩", "`⟨B⟩`",
    "§1", "[x](y)", "![x](y.png)", "<b onclick=x>", "<script>", "</script>", "&amp;", "&#60;",
    "|a|b|\n|-|-|\n|c||\n", "***", "---\n", "\t", "~~~\n", "```dat\n", "\\", "[x]: y\n", "\x00"[:0],
    "\x0c", "\u2028", "\ud7ff", "🧵", "<!--", "-->", "<", ">", '"', "'", "word", " ",
])


@settings(max_examples=300, deadline=None)
@given(st.lists(SNIPPETS | st.text(max_size=8), max_size=30).map("".join))
def test_any_prose_can_be_woven(prose: str) -> None:
    text = "# T\n\n" + chunk("x = 1\n⟨B⟩") + chunk("y", "B") + "\n\n" + prose
    web = Web(text.encode("utf-8", "replace"))
    if not web.problems:
        woven(text.encode("utf-8", "replace"))


# Webs that are large.


def test_a_web_that_doubles_does_not_make_a_page_that_does() -> None:
    names = [f"N{i}" for i in range(18)]
    text = "# T\n\n" + chunk("⟨N0⟩") + "".join(
        chunk(f"⟨{name}⟩\n⟨{name}⟩", before)
        for before, name in zip(names, [*names[1:], "end"], strict=True)) + chunk("1", "end")
    web = Web(text.encode())
    outputs = tangle(web)
    page = weave.document(weave.Book(web, ROOT, Index(web, outputs), False), "t", "")
    assert web.problems == []
    assert len(page) < 4 * weave.Expander.LIMIT
    assert page.count("<details") > 10_000


def test_thousands_of_nested_chunks() -> None:
    depth = 3000
    text = "# T\n\n" + chunk("⟨N0⟩") + "".join(
        chunk(f"a{i}\n⟨N{i + 1}⟩", f"N{i}") for i in range(depth)) + chunk("end", f"N{depth}")
    start = time.process_time()
    web = Web(text.encode())
    page = weave.document(weave.Book(web, ROOT, Index(web, tangle(web)), False), "t", "")
    assert time.process_time() - start < 20
    deepest = 0
    waiting = [(read(page), 0)]
    while waiting:
        element, level = waiting.pop()
        deepest = max(deepest, level)
        waiting += [(child, level + (child.tag == "details")) for child in element.elements]
    assert 50 < deepest <= weave.Expander.DEPTH


def large(lines: int) -> bytes:
    out = ["# Large", ""]
    for number in range(lines // 20):
        out += [f"## {number + 1}. Section", "", f"It speaks of `f{number}` and §{number + 1}.", "",
                "```python", "# ⟨large.py⟩" + ("+" if number else "") + "≡",
                f"def f{number}(a, b):", *(f"    x{i} = a + {i}  # ⟨⟨why" for i in range(9)),
                f"    return f{max(number - 1, 0)}(a, x0)", "```", "", ""]
    return "\n".join(out).encode()


def seconds(data: bytes) -> float:
    start = time.process_time()
    web = Web(data)
    page = weave.document(weave.Book(web, ROOT, Index(web, tangle(web)), False), "t", "")
    assert web.problems == []
    assert len(page) > len(data)
    return time.process_time() - start


def test_weaving_takes_as_long_as_the_web_is() -> None:
    small, big = seconds(large(25_000)), seconds(large(100_000))
    print(f"25,000 lines in {small:.2f} s, 100,000 lines in {big:.2f} s")
    assert big < 30
    assert big < small * 4 * 1.6


def test_the_document_is_woven_in_two_seconds() -> None:
    data = (ROOT / "sockets.md").read_bytes()
    best = min(seconds(data) for _ in range(3))
    print(f"sockets.md to HTML in {best:.2f} s")
    assert best < 2


# The command.


def run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "commonweb", "weave", *arguments], cwd=folder,
                          env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "t.md").write_text("# T\n\n![p](p.png)\n\n" + chunk("x = 1"))
    (tmp_path / "p.png").write_bytes(PIXEL)
    return tmp_path


def test_what_is_unchanged_is_not_woven_again(place: Path) -> None:
    def weave_it() -> tuple[bool, float]:
        start = time.monotonic()
        result = run(place, "t.md", "--out", "out", "--fonts", "fonts")
        assert result.returncode == 0, result.stderr
        return result.stdout.startswith("wrote"), time.monotonic() - start

    targets = [place / "out" / "t.html", place / "out" / "t.pdf"]
    assert weave_it()[0]
    before = [target.stat().st_mtime_ns for target in targets]
    assert not weave_it()[0]
    assert [target.stat().st_mtime_ns for target in targets] == before
    changes = [lambda: (place / "t.md").write_text("# U\n\n![p](p.png)\n\n" + chunk("x = 1")),
               lambda: (place / "p.png").write_bytes(PIXEL + b"x"),
               lambda: (place / "LICENSE").write_text("free"),
               lambda: targets[0].write_text("spoilt"),
               targets[1].unlink]
    for change in changes:
        change()
        assert weave_it()[0]
        assert not weave_it()[0]
    assert targets[0].read_text().startswith("<!doctype html>")
    assert targets[1].read_bytes().startswith(b"%PDF")
    assert sorted(os.listdir(place / "out")) == [".t.woven", "t.html", "t.pdf"]


def test_two_runs_write_the_same_page(place: Path) -> None:
    for out in ("one", "two"):
        assert run(place, "t.md", "--out", out).returncode == 0
    assert (place / "one" / "t.html").read_bytes() == (place / "two" / "t.html").read_bytes()


@pytest.mark.parametrize(("text", "message"), [
    (b"# T\n", "t.md:1:1: error: no chunk of this web is a file"),
    (b"# T\xff\n", "t.md:1:4: error: byte 0xFF is not UTF-8"),
    (chunk("⟨Nobody⟩").join(["# T\n", ""]).encode(), "t.md:4:1: error: ⟨Nobody⟩ is not defined"),
    (("# T\n\n" + chunk("x") + "\n```dot\ngraph {\n```\n").encode(),
     "t.md:8:1: error: no figure: "),
    (b"![x](x%00.png)\n", "error"),
])
def test_what_is_wrong_is_told_and_nothing_is_written(
    place: Path, text: bytes, message: str
) -> None:
    (place / "t.md").write_bytes(text)
    result = run(place, "t.md", "--out", "out")
    assert result.returncode == 1
    assert message in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert not (place / "out").exists()


def test_what_cannot_be_read_or_written_is_told(place: Path) -> None:
    for arguments in (["missing.md"], ["."], ["t.md", "--out", "p.png"]):
        result = run(place, *arguments)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
