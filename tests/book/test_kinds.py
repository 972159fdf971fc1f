"""Webs of all kinds, woven: hostile ones, strange ones, large ones."""

from __future__ import annotations

import base64
import gc
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Element, read
from weaving import (
    EVIL, EVIL_LINKS, NESTED, NESTED_CODE, PIXEL, ROOT, TAGS, check, chunk, page_of, woven,
)
from webs import draw_web

from commonweb import listings
from commonweb import figures
from commonweb.listings import Expander
from commonweb.expansion import tangle
from commonweb.links import images
from commonweb.prose import parse
from commonweb.web import Web

# Webs that are not to be trusted.

SHOWN = EVIL.replace("<img src=x onerror=hacked()>", "x")  # a picture that is not there


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


@pytest.mark.parametrize("paper", [False, True])
def test_what_the_templates_print_is_words(paper: bool, tmp_path: Path) -> None:
    """A title, headings, names of chunks and files, a picture's, a licence, a figure's source."""
    (tmp_path / "LICENSE").write_text(f"{EVIL}\n\n{EVIL}")
    name = EVIL.replace("/", "")
    web = Web((f"# {EVIL}\n\n## 1. {EVIL}\n\n![{EVIL}](<x\" onclick=hacked()>)\n\n"
               f"```dot\n{EVIL}\n```\n\n"
               + chunk(f"⟨{name} a⟩ ⟨{name} b⟩", "<script>.py") + "\n## 2. U\n\n"
               + chunk("x", f"{name} a") + chunk("y", f"{name} b")).encode())
    assert web.problems == []
    page = read(page_of(web, tangle(web), tmp_path, paper, dict.fromkeys([7])))
    main = page.one("main")
    assert page.one("title").text() == EVIL
    assert len([*page.every("script")]) == (0 if paper else 1)
    assert {one.tag for one in main.every()} <= {*TAGS, "main"}
    assert not any(key.startswith("on") for one in main.every() for key in one.attributes)
    section = page.named()["s1"]
    titles = [page.one("h1"), section.one("h2").one("span"), page.named()["contents"].one("span")]
    assert [title.text() for title in titles] == [SHOWN] * 3
    assert [p.text() for p in page.named()["licence"].every("p")] == [EVIL] * 2
    assert page.one("figure").one("pre").text() == EVIL
    assert page.named()["L5"].one("a").text() == EVIL
    names = [li.one("span", "name").text() for li in page.one("ul", "names").every("li")]
    name = SHOWN.replace("/", "")
    assert names == [f"⟨{name} a 2⟩", f"⟨{name} b 2⟩", "⟨<script>.py 1⟩"]


def test_declarations_and_identifiers_are_words() -> None:
    page = woven("# T\n\n" + chunk("def f(x):\n    ⟨Tell <b>⟩\n    return y") + "\n# U\n\n"
                 + "```python\n# ⟨Tell <b>⟩≡\n#| captures: x\n#| exports: y\ny = x\n```\n")
    assert "Captures <code>" in page


@pytest.mark.parametrize("target", EVIL_LINKS)
def test_a_link_that_would_run_a_script_is_none(target: str) -> None:
    woven(f"# T [t](<{target}>)\n\n[x](<{target}>) [y]({target}) ![z](<{target}>) <{target}>\n\n"
          f"[r] ![r]\n\n[r]: <{target}>\n\n" + chunk("x = 1"))


@pytest.mark.parametrize("name", [
    "../secret.png", "/etc/passwd", "%2e%2e/secret.png", "link.png", "in/link/secret.png",
    "http://127.0.0.1:9/x.png", "//127.0.0.1:9/x.png", "x%00.png", "y" * 5000 + ".png",
    "directory.png", "missing.png", "in/../../secret.png", "picture.bmp", "%ff.png",
])
def test_no_picture_comes_from_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "web"
    (folder / "in").mkdir(parents=True)
    (folder / "directory.png").mkdir()
    (folder / "picture.bmp").write_text("BM")
    (tmp_path / "secret.png").write_bytes(PIXEL)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "in" / "link").symlink_to(tmp_path)
    place = folder / "web.md"
    place.write_text(f"# T\n\n![p](<{name}>)\n\n" + chunk("x = 1"))
    assert figures.pictures(images(parse(Web(place.read_bytes()))), folder) == ({}, [])
    page = woven(place.read_bytes(), folder)
    assert "<img" not in page
    assert ">p</a>" in page


def test_pictures_of_the_folder_are_in_the_page(tmp_path: Path) -> None:
    (tmp_path / "a b.png").write_bytes(PIXEL)
    page = read(woven("# T\n\n![one & \"two\"](a%20b.png)\n\n" + chunk("x = 1"), tmp_path))
    image = page.one("img")
    assert image.attributes["alt"] == 'one & "two"'
    assert base64.b64decode(image.attributes["src"].partition(",")[2]) == PIXEL


GRAPH = """digraph roads { a_b -> c [label="to & <fro>"]; c [label="c, §1"] }"""


def drawn(source: str, place: Path) -> None:
    subprocess.run(["dot", "-Tsvg", "-o", place], input=source.encode(), check=True, timeout=60)


@pytest.mark.parametrize("paper", [False, True])
def test_what_graphviz_drew_before_is_a_figure_as_if_it_were_drawn_now(
    tmp_path: Path, paper: bool
) -> None:
    drawn(GRAPH, tmp_path / "a.svg")
    (tmp_path / "b.png").write_bytes(PIXEL)
    text = ("# T\n\n## A\n\n![alt](a.svg)\n\n*Caption `a_b`.*\n\n![b](b.png)\n\n*B.*\n\n"
            f"![b](b.png)\n\n- ![alt](a.svg)\n\n```dot\n{GRAPH}\n```\n\n"
            + chunk("#| exports: a_b\na_b = 1"))
    page = read(woven(text, tmp_path, paper))
    before, picture, now = page.every("figure")
    assert before.one("figcaption").text() == "Caption a_b."
    assert picture.one("img").attributes["alt"] == "b"
    assert len([*page.every("img")]) == 2
    inline = page.named()["s1"].one("li").one("svg")
    for svg in (before.one("svg"), inline):
        assert words(svg) == words(now) == ["a_b", "c, §1", "to & <fro>"]
        assert [a.attributes["href"] for a in svg.every("a")] == ([] if paper else ["#a_b", "#s1"])


def test_what_only_says_that_graphviz_drew_it_brings_nothing_that_runs(tmp_path: Path) -> None:
    drawn(GRAPH, tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text().replace("<title>", (
        '<script>x()</script><a href="javascript:x"><text onload="x()">t</text></a>'
        '<foreignObject><iframe src="x"/></foreignObject><image href="http://x"/><title>'))
    (tmp_path / "a.svg").write_text(svg)
    page = read(woven("# T\n\n![a](a.svg)\n\n" + chunk("x = 1"), tmp_path))  # which is checked
    assert "t" in words(page.one("figure"))
    (tmp_path / "a.svg").write_text(svg.replace("</svg>", ""))
    place = tmp_path / "t.md"
    place.write_text("![a](a.svg)\n")
    found, (problem,) = figures.pictures(images(parse(Web(place.read_bytes()))), tmp_path)
    assert (found, problem.line) == ({}, 1)


def test_the_licence_is_the_folders_own(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "web" / "LICENSE").symlink_to(tmp_path / "secret")
    assert "s3cret" not in woven("# T\n\n" + chunk("x = 1"), tmp_path / "web")


def figure_of(source: str) -> Element:
    return read(woven(f"# T\n\n```dot\n{source}\n```\n\n" + chunk("x = 1"))).one("figure")


def words(drawing: Element) -> list[str]:
    return [text.text() for text in drawing.every("text")]


def test_a_figure_is_shapes_and_words() -> None:
    drawing = figure_of("digraph roads { a -> b [label=\"to & <fro>\"]; a [shape=box] }")
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
    assert {"a", "b"} <= set(words(figure_of(source)))


def test_pictures_do_not_come_in_by_figures() -> None:
    for source in ('digraph { a [image="/etc/passwd" label=""] }',
                   f'digraph {{ a [image="{ROOT}/tests/book/x.png"]; b }}',
                   'graph {a [label=<<table><tr><td><img src="/etc/x.png"/></td></tr></table>>]}',
                   'digraph { a [shape=epsf shapefile="/etc/passwd"] }'):
        web = Web(f"# T\n\n```dot\n{source}\n```\n\n{chunk('x = 1')}".encode())
        drawings, _ = figures.drawn(figures.graphs(web), True)  # some cannot be drawn
        check(read(page_of(web, tangle(web), drawings=drawings)))


@pytest.mark.parametrize("source", [
    "digraph {", "", "nothing", "digraph { a } digraph { b }", "digraph { a [label=\"\x01\"] }",
    "digraph { a [label=<<b>] }", "// nothing", "digraph \x02 { }",
])
def test_a_figure_that_cannot_be_drawn_is_one_error(source: str) -> None:
    web = Web(f"# T\n\n```dot\n{source}\n```\n\n{chunk('x = 1')}".encode())
    _, (problem,) = figures.drawn(figures.graphs(web), True)
    assert (problem.line, problem.column) == (3, 1)
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


@pytest.fixture
def written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What long references open to is written where they stand, as it is if they are indented."""
    monkeypatch.setattr(listings, "LONG", 1 << 30)


@pytest.mark.usefixtures("written_twice")
def test_a_web_that_doubles_does_not_make_a_page_that_does() -> None:
    names = [f"N{i}" for i in range(18)]
    text = "# T\n\n" + chunk("⟨N0⟩") + "".join(
        chunk(f"⟨{name}⟩\n⟨{name}⟩", before)
        for before, name in zip(names, [*names[1:], "end"], strict=True)) + chunk("1", "end")
    web = Web(text.encode())
    outputs = tangle(web)
    page = page_of(web, outputs)
    assert len(page) < 4 * Expander.LIMIT
    assert page.count("<details") > 1000


def test_beyond_the_limit_code_is_not_written_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script can take it from where it stands, but for what stands within a line, and lines
    that may not be indented."""
    monkeypatch.setattr(Expander, "LIMIT", 0)
    web = Web(NESTED.encode())
    page = page_of(web, tangle(web))
    assert page.count("<details") == page.count("<details class=far") == 5
    found = read(page)
    assert found.one("div", "code").code(found.named()) == NESTED_CODE


def test_a_large_web_has_a_page_in_proportion() -> None:
    count = 1000
    text = "# T\n\n" + "".join(chunk("\n".join([
        *(f"    x{row} = {number}" for row in range(12)),
        *(f"    ⟨N{below}⟩" for below in range(4 * number + 1, 4 * number + 5) if below < count)]),
        f"N{number}" if number else "a.py") for number in range(count))
    web = Web(text.encode())
    assert len(page_of(web, tangle(web))) < 100 * len(web.lines) + 2 * Expander.LIMIT


@pytest.mark.usefixtures("written_twice")
def test_thousands_of_nested_chunks() -> None:
    depth = 3000
    text = "# T\n\n" + chunk("⟨N0⟩") + "".join(
        chunk(f"a{i}\n⟨N{i + 1}⟩", f"N{i}") for i in range(depth)) + chunk("end", f"N{depth}")
    start = time.process_time()
    web = Web(text.encode())
    page = page_of(web, tangle(web))
    assert time.process_time() - start < 20
    deepest = 0
    waiting = [(read(page), 0)]
    while waiting:
        element, level = waiting.pop()
        deepest = max(deepest, level)
        waiting += [(child, level + (child.tag == "details")) for child in element.elements]
    assert 50 < deepest <= Expander.DEPTH


def large(lines: int) -> bytes:
    out = ["# Large", ""]
    for number in range(lines // 20):
        out += [f"## {number + 1}. Section", "", f"It speaks of `f{number}` and §{number + 1}.", "",
                "```python", "# ⟨large.py⟩" + ("+" if number else "") + "≡",
                f"def f{number}(a, b):", *(f"    x{i} = a + {i}  # ⟨⟨why" for i in range(9)),
                f"    return f{max(number - 1, 0)}(a, x0)", "```", "", ""]
    return "\n".join(out).encode()


def seconds(data: bytes) -> float:
    """How long it takes to weave a page, without the collector, as the command does it."""
    gc.collect()
    gc.disable()
    try:
        start = time.process_time()
        web = Web(data)
        page = page_of(web, tangle(web))
        end = time.process_time()
    finally:
        gc.enable()
    assert len(page) > len(data)
    return end - start


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
