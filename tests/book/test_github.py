"""What GitHub shows of a document, the book shows too; and nothing that could run comes with it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Element, read
from weaving import EVIL_LINKS, PIXEL, check, chunk, page_of, woven

from commonweb.expansion import tangle
from commonweb.links import anchors, missing, targets
from commonweb.matter import Matter
from commonweb.prose import parse
from commonweb.web import Web

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><script>y</script><rect/></svg>'


def prose(text: str, folder: Path | None = None) -> Element:
    """The first section of a web with this text."""
    page = woven("# T\n\n## A\n\n" + text + "\n\n" + chunk("x = 1"), *[folder] * bool(folder))
    return read(page).named()["s1"]


def test_tasks_and_struck_words() -> None:
    section = prose("- [ ] open\n- [x] done\n- plain\n\n~~gone~~ and ~one~")
    boxes = [*section.every("input")]
    assert ["checked" in box.attributes for box in boxes] == [False, True]
    assert all("disabled" in box.attributes for box in boxes)
    assert [one.text() for one in section.every("s")] == ["gone", "one"]


def test_alerts() -> None:
    section = prose("> [!WARNING]\n> Mind *this*.\n")
    assert section.one("div", "markdown-alert-warning").one("em").text() == "this"
    assert "[!" not in section.text()


def test_footnotes_stand_at_the_end_and_lead_back() -> None:
    page = read(woven("# T\n\n## A\n\none[^x] two[^x] three[^y]\n\n[^x]: The `x`.\n\n"
                      "[^y]: Y.\n\n    ```\n    shown\n    ```\n\n[^z]: never\n\n"
                      + chunk("x = 1")))
    notes = page.named()["notes"]
    assert [li.text().split()[0] for li in notes.every("li")] == ["The", "Y."]
    assert notes.one("pre").text().strip() == "shown"
    names = page.named()
    for a in [*page.one("main").every("a")]:
        if a.attributes["href"].startswith("#fn"):
            assert a.attributes["href"][1:] in names
    assert "never" not in notes.text()


def test_html_lays_words_out_and_code_in_it_stays_code(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_bytes(SVG)
    page = read(woven(
        "# T\n\n## A\n\n<details open>\n<summary>More <b>here</b></summary>\n\n" + chunk("x = 1")
        + "\n</details>\n\n<p align=center><img src=a.svg width=20 alt=q></p>\n\n"
        "H<sub>2</sub>O\n",
        tmp_path))
    details = page.named()["s1"].one("details")
    assert (details.one("summary").text(), "open" in details.attributes) == ("More here", True)
    assert details.one("div", "code").text() == "x = 1\n"
    image = page.one("img")
    assert (image.attributes["alt"], image.attributes["width"]) == ("q", "20")
    data = base64.b64decode(image.attributes["src"].partition(",")[2])
    assert b"<rect" in data
    assert b"script" not in data
    assert b"onload" not in data


@pytest.mark.parametrize("text", [
    "<div>", "</div></section></main>", "<table><tr>", "<p title=\"", "<a href=x>", "<b><i>",
    "<details><summary>", "<h1>", "<pre>", "<div onclick=x class=bar id=s1 style=color:red>x",
    "<svg onload=x>", "<math><mi>", "<textarea>", "<style>*{}</style>", "<iframe src=x>",
    "<plaintext>", "<title>", "<noscript>", "<template>", "<select>", "<form><input>",
    "<base href=x>", "<!--", "<?x", "<![CDATA[", "<a href=\"javascript:x\">y</a>",
    "<a id=L3 name=top>", "<x-y>",
    "<img src=javascript:x>", "<img src=data:image/svg+xml,x>", "<a><a><img src=x></a>", "<li>"])
def test_any_html_leaves_the_code_whole(text: str) -> None:
    for around in (f"{text}\n\n", f"a {text} b\n\n", f"> {text}\n\n", f"- {text}\n\n"):
        web = Web((f"# T\n\n## A\n\n{around}" + chunk("x = 1\n⟨B⟩") + f"\n## B {text}\n\n"
                   + chunk("y", "B") + "\n## C\n\n" + chunk("z", "c.py")).encode())
        outputs = tangle(web) if not web.problems else {}
        if outputs:  # else the fence is part of the HTML, which is said
            page = read(page_of(web, outputs))
            assert {"s1", "s2", "s3", "index", "chunks"} <= {*page.named()}
            assert [one.one("div", "code").text() for one in page.every("div", "chunk")][1:] == [
                "y\n", "z\n"]


PIECES = st.sampled_from([
    "<div>", "</div>", "<p>", "</p>", "<details>", "</details>", "<summary>", "</summary>", "<b>",
    "</b>", "<table>", "<td>", "</table>", "<a href=x>", "</a>", "<img src=x onerror=y>",
    "<script>", "</script>", "<pre>", "</pre>", "text", "*em*", "\n\n", "\n", "- ", "> ", "[x](y)",
    "`c`", "<!--",
    "-->", "<p title=\"", "\"", ">", "<", "&lt;", "[^1]", "\n\n[^1]: note\n\n", "- [ ] a\n",
    "|a|\n|-|\n", "<svg>", "<style>", "<h2>", "</h2>", "\ue0000;"])


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_html_at_random_leaves_a_page_that_is_well_formed(text: str) -> None:
    web = Web(f"# T\n\n## A\n\n{chunk('x = 1')}\n## B\n\n{text}\n\n## C\n".encode())
    if not web.problems:
        page = read(page_of(web, tangle(web)))
        assert [*page.every("script")] == [page.one("html").elements[-1]]
        assert not any(key.startswith("on") for one in page.every() for key in one.attributes)
        assert {"s1", "index", "chunks"} <= {*page.named()}


@pytest.mark.parametrize("target", EVIL_LINKS)
def test_a_link_in_html_that_would_run_a_script_is_none(target: str) -> None:
    check(read(woven(f"# T\n\n## A\n\n<a href=\"{target}\">x</a> <img src=\"{target}\">\n\n"
                     + chunk("x = 1"))))


# Links.

def told(text: str, folder: Path) -> tuple[dict[str, str], list[str]]:
    (folder / "notes.md").write_text("")
    (folder / "a.png").write_bytes(PIXEL)
    web = Web(text.encode())
    tokens = parse(web)
    found, problems = targets(web, tokens, [str(folder / "w.md")], folder / "build" / "book")
    problems += missing(tokens, {"a.png": ""})
    return found, [f"{p.line}: {p.message}" for p in problems]


@pytest.mark.parametrize(("link", "expected"), [
    ("#a-section", "#L3"), ("#A-Section", "#L3"), ("#a-section-1", "#L5"), ("#über-c", "#L7"),
    ("w.md#a-section", "#L3"), ("notes.md", "../../notes.md"), ("./notes.md#x", "../../notes.md#x"),
    ("#here", "#L10"), ("#there", "#u-there"), ("#", "#top"), ("#top", "#top")])
def test_where_links_lead(tmp_path: Path, link: str, expected: str) -> None:
    text = ("# T\n\n## A section\n\n## A *section*\n\nÜber `C`!\n---\n\nx<a name=here></a>\n\n"
            "<div id=there></div>\n\n"
            f"[x]({link})\n")
    found, problems = told(text, tmp_path)
    assert ([*found.values()], problems) == ([expected], [])
    found, problems = told(text.replace(f"[x]({link})", f"<a href=\"{link}\">x</a>"), tmp_path)
    assert ([*found.values()], problems) == ([expected], [])


@pytest.mark.parametrize(("text", "message"), [
    ("[x](#none)", "a link to #none leads nowhere"),
    ("[x](gone.md)", "a link to gone.md leads nowhere"),
    ("![x](gone.png)", "no picture gone.png"), ("<img src=gone.png>", "no picture gone.png"),
    ("<a href=gone.md>x</a>", "a link to gone.md leads nowhere"),
    ("[x]\n\n[x]: #none", "a link to"), ("> - [x](a%00b)", "a link to")])
def test_what_leads_nowhere_is_named_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    _, (problem,) = told(f"# T\n\n{text}\n", tmp_path)
    assert problem.startswith(f"3: {message}")


@pytest.mark.parametrize("link", [
    "https://example.com/x#y", "mailto:a@b.c", "//example.com", "/root", "#L3", "#s1"])
def test_other_links_are_left_alone(tmp_path: Path, link: str) -> None:
    assert told(f"# T\n\n[x](<{link}>)\n", tmp_path) == ({}, [])


def test_anchors_are_those_of_github() -> None:
    web = Web(b"# What's new?\n\n## 1. `f(x)` & more\n\n## A  b_c-d\n\n## x\n\n## x\n")
    assert [*anchors(parse(web))] == ["whats-new", "1-fx--more", "a--b_c-d", "x", "x-1"]


# Titles.

@pytest.mark.parametrize(("front", "title", "by"), [
    ("title: A *b*", "A *b*", ("", "")),
    ("title: A\nauthor: B\ndate: 2026-01-02", "A", ("B", "2026-01-02")),
    ("title: A\nauthors: [B, {name: C}]", "A", ("B, C", "")),
    ("title: [a]\nauthor: {x: y}", "a", ("", "")),
    ("title: 1\nauthor:\n  - B\n  - C", "1", ("B, C", "")),
    ("a: &a [x]\ntitle: *a", "x", ("", ""))])
def test_front_matter_says_title_authors_and_date(
    front: str, title: str, by: tuple[str, str]
) -> None:
    matter = Matter(f"---\n{front}\n---\n# T\n")
    assert (matter.title, matter.author, matter.date, matter.problems) == (title, *by, [])


@pytest.mark.parametrize(("front", "line"), [
    ("title: [", 2), ("a: b\ntitle: !x y", 3), ("a: *b", 2)])
def test_front_matter_that_is_no_yaml_is_an_error(front: str, line: int) -> None:
    (problem,) = Matter(f"---\n{front}\n---\n").problems
    assert problem.line == line
    assert problem.message.startswith("the front matter is no YAML")


@pytest.mark.parametrize(("text", "titles"), [
    ("# T\n\n## A\n\n", ["T"]), ("# T\n\n", ["T"]), ("## A\n\n", ["web"]),
    ("# A\n\nx\n\n# B\n\n", ["A"]), ("T\n=\n\nA\n-\n\n", ["T"])])
def test_a_page_has_one_title_before_its_contents(text: str, titles: list[str]) -> None:
    page = read(woven(text + chunk("x = 1")))
    assert [one.text() for one in page.every("h1")] == titles


def test_no_index_where_nothing_is_known_of_a_language() -> None:
    page = woven("# T\n\n```rust\n// ⟨a.rs⟩≡\nfn main() {}\n```\n")
    assert "Index" not in page[page.index("<header") : page.index("<script")]
