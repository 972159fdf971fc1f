"""The page that is woven of the document: its links, its code, its cross references."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import Element, files, read
from weaving import ROOT

from commonweb import figures
from commonweb.expansion import tangle
from test_document import ORIGINAL, sections
from commonweb.web import Web

BOOK = ROOT / "build" / "book" / "sockets.html"
REFERENCE = BOOK.with_name("sockets-reference.html")
FILES = BOOK.with_name("sockets-files.html")


@pytest.fixture(scope="module")
def page() -> Element:
    return read(BOOK.read_text("utf-8"))


def numbers(element: Element) -> list[str]:
    return [a.text() for a in element.every("a")]


def mirrored(found: list[str]) -> list[str]:
    return [number for number in found if number.isdigit()]


@pytest.fixture(scope="module")
def reference() -> Element:
    return read(REFERENCE.read_text("utf-8"))


@pytest.fixture(scope="module")
def tangled() -> Element:
    return read(FILES.read_text("utf-8"))


def outward(page: Element) -> list[str]:
    """The links of a page that lead out of it; of the others, each must lead somewhere."""
    named = page.named()
    links = [a.attributes["href"] for a in page.every("a")]
    assert [href for href in links if href.startswith("#") and href[1:] not in named] == []
    return [href for href in links if not href.startswith("#")]


def test_every_link_lands_in_the_page_in_the_files_or_on_the_reference(
    page: Element, tangled: Element
) -> None:
    assert len([*page.every("a")]) > 5000
    links = {href for href in outward(page) if not href.startswith("https://")}
    to_files = {href.partition("#")[2] for href in links if href.startswith(FILES.name + "#")}
    assert len(to_files) > 80
    assert to_files <= {*tangled.named()}
    assert {href.partition("#")[0] for href in links} == {REFERENCE.name, FILES.name}


def test_no_two_elements_have_one_name(page: Element) -> None:
    names = [one.attributes["id"] for one in page.every() if "id" in one.attributes]
    assert len(names) == len(set(names))


def test_links_hold_no_links_and_what_opens_holds_none(page: Element) -> None:
    for outer in [*page.every("a"), *page.every("summary")]:
        assert [one for one in outer.every("a") if one is not outer] == []


def test_the_code_taken_out_of_the_page_is_what_is_tangled(page: Element, web: Web) -> None:
    expected = {name: data.decode() for name, data in tangle(web).items()}
    assert files(page) == expected
    for name, code in expected.items():
        assert (ROOT / "generated" / name).read_text("utf-8") == code


def test_every_line_of_code_has_its_lines_number_and_its_text(page: Element, web: Web) -> None:
    """Of those that have an anchor: the others have their text."""
    named, count = page.named(), 0
    for part in web.parts:
        code = named[f"L{part.line}"].one("div", "code")
        for row in range(part.rows):
            line, column = part.place(row)
            shown = named.get(f"L{line}")
            if shown and shown.tag == "span":
                assert shown.text().rstrip("\n") == web.lines[line - 1][column - 1 :]
                count += 1
            assert shown or row > 0
        if not part.references:
            assert code.text() == part.code
    assert count > 800


def test_every_reference_opens_to_all_that_it_names(page: Element) -> None:
    """What a reference opens to is its chunk's blocks, indented as it is."""
    blocks: dict[str, str] = {}
    named = page.named()
    for chunk in page.every("div", "chunk"):
        name = re.sub(r"\+?≡$", "", chunk.one("span", "name").text())
        blocks[name] = blocks.get(name, "") + chunk.one("div", "code").code(named)
    opened = list(page.every("details"))
    assert len(opened) > 60
    for reference in opened:
        name = reference.one("summary").text()
        code = blocks[name.strip()]
        assert reference.code(named).split() == code.split()
        if "\n" in code.rstrip("\n") and "in" not in reference.classes and '"""' not in code:
            lead = name[: len(name) - len(name.lstrip())]
            indented = "".join(lead + line if line.strip() else line
                               for line in code.splitlines(keepends=True))
            assert reference.code(named).rstrip("\n") == indented.rstrip("\n")


def test_every_reference_of_the_document_opens(page: Element, web: Web) -> None:
    named = page.named()
    for part in web.parts:
        opened = [*named[f"L{part.line}"].every("details")]
        assert len(opened) >= len(part.references), part.name


@pytest.mark.parametrize("line", ORIGINAL.strip().splitlines())
def test_cross_references_are_the_originals(page: Element, line: str) -> None:
    """In the heads of the blocks, beside the sections, and in the list of the names."""
    name, defined, used = (part.strip() for part in line.split("|"))
    defining, using = sections(defined), sections(used)
    blocks: list[tuple[Element, str]] = []
    for section in page.one("main").elements:
        number = section.attributes.get("id", "")[1:]
        for block in section.every("div", "chunk"):
            head = block.one("div", "head")
            if re.fullmatch(rf"⟨{re.escape(name)} \w+⟩\+?≡", head.one("span", "name").text()):
                blocks.append((block, number))
                assert mirrored(numbers(head.one("span", "name"))) in ([defining[0]], [])
                sign = head.one("span", "name").text().split("⟩")[-1]
                assert sign == ("≡" if len(blocks) == 1 else "+≡")
    assert mirrored([*dict.fromkeys(number for _, number in blocks)]) == defining

    told = {re.sub(r" [\dA-Z, and]+\.$", "", p.text()): numbers(p)
            for aside in blocks[0][0].every("aside") for p in aside.every("p")}
    see = next((there for said, there in told.items() if said.startswith("See also")), [])
    assert mirrored(see) in (defining[1:], defining)  # if an addition comes first
    uses = next((there for said, there in told.items() if said.startswith("This code")), [])
    assert mirrored(uses) == using

    (row,) = [li for li in page.one("ul", "names").every("li")
              if re.match(rf"⟨{re.escape(name)} ", li.text())]
    shown = numbers(row)
    where = shown[: len(numbers(row.one("span", "name")))]
    assert mirrored(where) == defining
    assert mirrored(shown[len(where) :]) == using
    if not using:
        assert row.text().rstrip().endswith("a file.")


def test_the_contents_are_the_titled_sections_nested_by_depth(page: Element, web: Web) -> None:
    found: list[tuple[str, int]] = []

    def walk(element: Element, depth: int) -> None:
        for child in element.elements:
            if child.tag == "a":
                found.append((child.one("b").text(), depth))
            walk(child, depth + (child.tag == "ol"))

    walk(page.named()["contents"], -1)
    assert found == [(section.number, section.depth) for section in web.sections if section.title
                     ] + [("", 0)] * 5  # reference, files, index, chunks, licence


@pytest.mark.parametrize("name", ["page", "reference"])
def test_headings_skip_no_level(name: str, request: pytest.FixtureRequest) -> None:
    last = 0
    for heading in request.getfixturevalue(name).one("main").every():
        if re.fullmatch("h[1-6]", heading.tag):
            level = int(heading.attributes.get("aria-level", heading.tag[1]))
            assert level <= last + 1, heading
            last = level


def test_the_index_has_every_public_name_where_it_is_defined(page: Element, web: Web) -> None:
    import sockets

    named, rows = page.named(), {}
    for li in page.named()["index"].every("li"):
        rows[li.one("i").text()] = li
    for name in sockets.__all__:
        assert next(rows[name].every("b"), None), f"{name} is exported"
        definition = next(a for a in rows[name].every("a") if next(a.every("u"), None))
        line = int(definition.attributes["href"][2:])
        assert re.search(rf"\b{name}\b", web.lines[line - 1])
        assert named[f"L{line}"].one("a").attributes["href"] == f"#{rows[name].attributes['id']}" \
            or name in named[f"L{line}"].text()


def test_every_exported_name_and_every_chunk_has_an_anchor_that_lasts(
    page: Element, web: Web
) -> None:
    import sockets

    named = page.named()
    for name in sockets.__all__:
        if name != "__version__":
            assert named[name].text() == name
            assert named[name].attributes["href"][:2] == "#x"
    for name, chunk in web.chunks.items():
        anchor = "chunk-" + re.sub(r"[^\w./]+", "-", name).strip("-")
        head = named[anchor]
        assert head.one("a").attributes["href"] == f"#{anchor}"
        assert head in named[f"L{chunk.parts[0].line}"].elements


def test_the_title_page_says_who_when_and_under_which_licence(page: Element) -> None:
    import sockets

    assert page.one("p", "imprint").text() == (
        f"The authors of Native Sockets · Version {sockets.__version__} · 2026 · ISC License")
    metas = {one.attributes.get("name") or one.attributes.get("property"):
             one.attributes.get("content") for one in page.every("meta")}
    assert metas["author"] == "the authors of Native Sockets"
    assert metas["og:title"] == "Native Sockets"
    assert "Aaron W. Hsu" in str(metas["description"])
    assert metas["og:description"] == metas["description"]


def test_the_page_says_how_to_read_it_by_a_block_that_opens(page: Element) -> None:
    reading = page.named()["reading"]
    assert next(reading.one("div", "sample").every("details"))
    for word in ("captures", "exports", "▸", "→", "key /"):
        assert word in reading.text()


def test_what_the_original_did_is_told_where_it_did(page: Element, web: Web) -> None:
    """Each row of the table leads to its sections, where it is told, which lead back to it."""
    named, count = page.named(), 0
    rows = [tr for letter in "BCDE" for tr in named[f"s102{letter}"].every("tr")]
    for row in (tr for tr in rows if not next(tr.every("th"), None)):
        cells = [*row.every("td")]
        links = numbers(cells[1])
        assert links, row.text()
        for number in links:
            told = [a for aside in named[f"s{number}"].every("aside", "told")
                    for a in aside.every("a")
                    if a.attributes["href"] == f"#{row.attributes['id']}"]
            if number == links[0]:
                assert [a.text() for a in told] == [cells[0].text()]
                count += 1
    assert count > 35


def test_figures_have_captions_and_their_nodes_lead_on(page: Element) -> None:
    captions = [caption.text() for figure in page.every("figure")
                for caption in figure.every("figcaption")
                if caption.text().startswith("Figure ")]
    assert [caption.split(". ")[0] for caption in captions] == [
        f"Figure {number}" for number in range(1, len(captions) + 1)]
    assert len(captions) == 9
    links = {a.attributes["href"] for figure in page.every("figure") for svg in figure.every("svg")
             for a in svg.every("a")}
    assert {"#s45", "#s48", "#SocketDomain", "#accept_socket"} <= links


def test_the_pictures_of_the_figures_are_what_their_sources_mean() -> None:
    """To the last stroke, if this Graphviz drew them; else word by word."""
    sources = [*(ROOT / "figures").glob("*.dot")]
    assert len(sources) == 7
    for source in sources:
        svg = source.with_suffix(".svg").read_bytes()
        now, then = figures.drawing(source.read_text()), figures.drawn_by_graphviz(svg)
        version = figures.graphviz().removeprefix("dot - graphviz version ")
        if version.encode() not in svg:
            now, then = (re.findall(r"<text.*?>(.*?)<", html) for html in (now, then))
        assert now == then, f"{source}: make figures"


@pytest.mark.skipif(not shutil.which("java"), reason="the Nu checker wants Java")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", [BOOK, REFERENCE, FILES], ids=["book", "reference", "files"])
def test_the_nu_checker_finds_no_error(page: Path) -> None:
    checker = ROOT / "build" / "npm" / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    checked = subprocess.run(["java", "-Xss8m", "-jar", checker, "--format", "gnu", page],
                             capture_output=True, text=True, timeout=280, check=False)
    told = [line for line in checked.stderr.splitlines() if ": info: " not in line
            and "Content Security Policy" not in line]  # it does not know the script's digest
    assert (checked.returncode, told) == (0, [])


def test_the_page_is_small() -> None:
    size = BOOK.stat().st_size
    print(f"{BOOK.name}: {size} bytes, its paper {BOOK.with_suffix('.pdf').stat().st_size}")
    assert size < 1_600_000


# The files.


def test_the_files_are_what_is_tangled_and_each_line_leads_to_its_section(
    page: Element, tangled: Element, web: Web
) -> None:
    named, whole = page.named(), tangled.named()
    for name, data in tangle(web).items():
        line, code = 1, ""
        for stretch in whole[f"chunk-{name}"].every("pre"):
            code += stretch.text()[1:]
        assert code == data.decode()
        for file in whole[f"chunk-{name}"].every("div", "file"):
            for stretch in file.elements:
                link = stretch.one("a")
                anchor = link.attributes["href"][1:]
                number = link.text()[1:]
                assert anchor in {*(one.attributes.get("id") for one in
                                    named[f"s{number}"].every("div", "chunk"))}
                assert stretch.one("small").text().split("\n")[0] == str(line)
                line += stretch.one("pre").text().count("\n") - 1
    for part in web.parts:
        assert f"L{part.line}" in whole or not part.text.strip(), part.name


def test_the_files_are_light_and_run_nothing(tangled: Element) -> None:
    assert FILES.stat().st_size < 800_000
    assert [*tangled.every("script")] == []


# The reference.


def test_every_link_of_the_reference_lands_in_it_in_the_book_or_in_a_manual(
    page: Element, reference: Element
) -> None:
    named, manuals = page.named(), set()
    for href in outward(reference):
        file, _, anchor = href.partition("#")
        if file == BOOK.name:
            assert not anchor or anchor in named, href
        elif file != "recipes.html":
            manuals.add(href)
            assert re.fullmatch(
                r"https://man7\.org/linux/man-pages/man([2357])/[a-z0-9_]+\.\1\.html", href)
    assert "https://man7.org/linux/man-pages/man2/accept.2.html" in manuals


def test_every_public_name_has_its_place_and_leads_to_its_definition(
    reference: Element, web: Web
) -> None:
    import sockets

    named = reference.named()
    constants = [f"{name}.{constant}" for name in sockets.__all__
                 if isinstance(getattr(sockets, name), type)
                 for constant in vars(getattr(sockets, name)) if constant.isupper()]
    assert len(constants) > 50
    for name in [*sockets.__all__, *constants]:
        assert named[name].one("b").text() == name.rpartition(".")[2]
        [href] = [a.attributes["href"] for a in named[name].every("a", "at")]
        anchor = href.partition("#")[2]
        if anchor != name:
            line = web.lines[int(anchor[1:]) - 1]
            assert re.search(rf"\b{name.rpartition('.')[2]}\b", line), name


def test_the_contents_of_the_reference_have_every_name_and_constant_once(
    reference: Element
) -> None:
    import sockets

    links = [a.attributes["href"][1:] for a in reference.one("main").one("nav").every("a")]
    assert len(links) == len(set(links))
    assert {link for link in links if "." not in link and "-" not in link} == {*sockets.__all__}
    assert {"SocketOption.LINGER", "procedures-", "classes-", "constants-"} <= {*links}


def test_what_the_reference_says_is_what_the_docstring_says(reference: Element) -> None:
    import sockets

    text = re.sub(r"\s+", " ", reference.one("main").text())
    for name in sockets.__all__:
        if callable(getattr(sockets, name)):
            said = re.sub(r"\s+", " ", str(getattr(sockets, name).__doc__)).replace("`", "").strip()
            assert said in text, name


def test_the_reference_is_small_and_runs_nothing(reference: Element) -> None:
    assert REFERENCE.stat().st_size < 300_000
    assert [*reference.every("script")] == []
