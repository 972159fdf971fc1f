"""The book on paper: what its pages say, against where things stand."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import Destination
from weaving import ROOT, chunk, woven

from commonweb.identifiers import Index
from commonweb.expansion import tangle
from commonweb.weave import main, pdf
from commonweb.web import Web

BOOK = ROOT / "build" / "book" / "sockets.pdf"


def tool(*arguments: str) -> str:
    return subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def pages() -> list[str]:
    """The text of each page, laid out as it is; the first is page 1."""
    return ["", *tool("pdftotext", "-layout", str(BOOK), "-").split("\f")[:-1]]


@pytest.fixture(scope="module")
def reader() -> PdfReader:
    return PdfReader(BOOK)


def plain(text: str) -> str:
    """Text without what setting it changes: blanks, and the shapes of quotes and dashes."""
    return re.sub(r"\s+|[-\N{SOFT HYPHEN}\N{HYPHEN}\"']|[\u2018-\u201f]", "", text)


def test_it_is_tagged_and_says_whose_it_is_and_of_when() -> None:
    told = dict(re.findall(r"(?m)^(\w+): +(.*)$", tool("pdfinfo", str(BOOK))))
    assert told["Title"] == "Native Sockets"
    assert told["Author"] == "the authors of Native Sockets"
    assert "2026" in told["CreationDate"]
    assert told["Tagged"] == "yes"


def test_the_running_heads_name_chapters(pages: list[str]) -> None:
    """Of two levels: few heads stand above many pages."""
    heads: dict[str, int] = {}
    for text in pages[2:]:
        head = re.match(r"\s*(.*?)(?:  +§.*)?$", text.split("\n")[0])
        assert head
        heads[head[1]] = heads.get(head[1], 0) + 1
    assert len(heads) > 15
    assert max(heads.values()) < 0.4 * len(pages)


def test_rows_of_tables_are_not_torn(pages: list[str]) -> None:
    """No page of §102A ends with the number of a row."""
    first = max(page for page, text in enumerate(pages) if "Memory and wrong results" in text)
    last = max(page for page, text in enumerate(pages) if "Left out on purpose" in text)
    assert first < last
    for text in pages[first:last]:
        above, line = [line for line in text.split("\n") if line.strip()][-3:-1]
        goes_on = re.match(r"\s*\d\d?, ", above)  # a row with more numbers than a line has room for
        assert goes_on or not re.fullmatch(r"\s*\d\d?(, \d\d?)*,?\s*", line)


def test_every_page_but_the_first_has_its_number(pages: list[str]) -> None:
    for number, text in enumerate(pages[2:], 2):
        assert text.rstrip().split()[-1] == str(number)


def contents(pages: list[str]) -> dict[str, str]:
    """The pages that the contents give, in two columns, by the numbers of sections."""
    (page,) = [number for number, text in enumerate(pages) if re.search(r"(?m)^ *Contents$", text)]
    columns = [tool("pdftotext", "-layout", "-f", str(page), "-l", str(page), "-x", str(left),
                    "-y", "0", "-W", "260", "-H", "842", str(BOOK), "-") for left in (50, 310)]
    return dict(re.findall(r"(?ms)^ *(\d+[A-Z]?) +\D.*? (\d+)$", "".join(columns)))


def test_the_contents_give_the_page_of_every_titled_section(pages: list[str], web: Web) -> None:
    told = contents(pages)
    titled = {section.number: section.title for section in web.sections if section.title}
    assert list(told) == list(titled)
    for number, title in titled.items():
        heading = plain(number + title.replace("`", ""))
        assert heading in plain(pages[int(told[number])]), f"{number}. {title}"


def test_the_index_gives_the_page_of_every_definition(
    reader: PdfReader, pages: list[str], web: Web
) -> None:
    """The line of code that defines a name stands on the page that the index says: there is a link
    to the line where that is told."""
    start, end = [min(number for number, text in enumerate(pages)
                      if title in text and " . . . " not in text)  # not in the contents
                  for title in ("Index of identifiers", "Names of the chunks")]
    told: dict[int, str] = {}  # lines, and the page
    boxes = tool("pdftotext", "-f", str(start), "-l", str(end - 1), "-bbox", str(BOOK), "-")
    for number, text in enumerate(re.findall(r"(?s)<page .*?</page>", boxes), start):
        page = reader.pages[number - 1]
        words = [(float(left), float(page.mediabox.height) - float(bottom), word)
                 for left, bottom, word in re.findall(
                     r'<word xMin="([\d.]+)" .*? yMax="([\d.]+)">(.*?)</word>', text)]
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            left, above, right, below = map(float, link["/Rect"])
            told[int(link["/Dest"].removeprefix("L"))] = "".join(
                word for x, y, word in words
                if left - 1 < x < right and min(above, below) - 3 < y < max(above, below) - 3)
    wrong = []
    for line, text in told.items():
        match = re.fullmatch(r"p\.\s*(\d+)", text)
        code = plain(web.lines[line - 1].replace("⟨⟨", "⟨"))
        if not match or code not in plain(pages[int(match[1])]):
            wrong.append((line, text))
    assert wrong == []
    index = Index(web, tangle(web))
    found = {use.place[0] for identifier in index.identifiers
             for use in identifier.definitions[:1]}
    assert told.keys() <= found
    assert len(told) > 1000


def test_a_link_of_the_documents_own_is_not_told_a_page() -> None:
    text = "# T\n\n" + chunk("def first():\n    first()") + '\n<a class="page" href="#t">own</a>\n'
    found = PdfReader(BytesIO(pdf(woven(text, paper=True)))).pages
    at = next(number for number, page in enumerate(found, 1) if "def first" in page.extract_text())
    whole = " ".join(" ".join(page.extract_text() for page in found).split())
    assert f"first 1, p. {at} " in f"{whole} "
    assert " own " in whole
    assert "000" not in whole


def test_running_heads_name_the_sections_of_the_page(pages: list[str], web: Web) -> None:
    """It is the one that the page begins with; so a section stands on the last page before one
    with a later head."""
    order = [section.number for section in web.sections]
    heads = {}
    for page, text in enumerate(pages[1:], 1):
        match = re.search(r"  §(\d+[A-Z]?)$", text.strip().split("\n")[0])
        if match:
            heads[page] = order.index(match[1])
    assert len(heads) > 50
    assert [*heads.values()] == sorted(heads.values())
    told = contents(pages)
    for number, section in enumerate(web.sections):
        if section.title:
            page = int(told[section.number])
            on_top = plain(section.number + section.title.replace("`", "")) == plain(
                pages[page].strip().split("\n", 1)[1].strip().split("\n")[0])
            assert heads[page] == number if on_top else heads[page] < number, section.title
            assert number <= heads.get(page + 1, number), section.title


def outline(items: list[object], depth: int = 0) -> list[tuple[int, Destination]]:
    found = []
    for item in items:
        if isinstance(item, list):
            found += outline(item, depth + 1)
        else:
            assert isinstance(item, Destination)
            found.append((depth, item))
    return found


def test_the_outline_has_every_section_at_its_depth_and_page(
    reader: PdfReader, pages: list[str], web: Web
) -> None:
    found = outline(list(reader.outline))
    titled = [section for section in web.sections if section.title]
    numbered = [(depth, item) for depth, item in found
                if re.match(r"\d+[A-Z]? ", str(item.title).replace("\n", " "))]
    assert [" ".join(str(item.title).split()).replace("\u2019", "'") for _, item in numbered] == [
        f"{section.number} {section.title}".replace("`", "") for section in titled]
    assert {section.depth for section in titled} == {0, 1, 2, 3}
    open_: list[int] = []
    for (depth, item), section in zip(numbered, titled, strict=True):
        assert section.depth is not None
        while open_ and open_[-1] >= section.depth:
            open_.pop()
        open_.append(section.depth)
        assert depth == len(open_) - 1, section.title
        page = reader.get_destination_page_number(item)
        assert page is not None
        assert plain(str(item.title)) in plain(pages[page + 1])
    assert {"Contents", "Index of identifiers", "Names of the chunks", "Licence"} <= {
        str(item.title) for depth, item in found if depth == 0}


def test_every_link_leads_to_a_place(reader: PdfReader) -> None:
    named, count = set(reader.named_destinations), 0
    for page in reader.pages:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if str(link.get("/A", {}).get("/URI", "")).startswith("https://"):
                continue
            target = link.get("/Dest") or link["/A"].get("/D")
            assert target in named, link
            count += 1
    assert count > 1000


def test_fonts_are_embedded_the_books_own_among_them() -> None:
    rows = tool("pdffonts", str(BOOK)).splitlines()[2:]
    assert len(rows) >= 7
    for row in rows:
        assert row.split()[-5:-3] == ["yes", "yes"], row
    for family in ("Prose", "Display", "Code", "Signs"):
        assert any(f"+{family}" in row for row in rows)


def test_no_word_leaves_the_pages_text(web: Web) -> None:
    """Nothing is cut off, nothing runs into the outer margin."""
    text = tool("pdftotext", "-bbox", str(BOOK), "-")
    millimetre = 72 / 25.4
    for number, page in enumerate(re.findall(r"<page .*?</page>", text, re.DOTALL), 1):
        for left, right, word in re.findall(
                r'<word xMin="([\d.-]+)" .*? xMax="([\d.-]+)" .*?>(.*?)</word>', page):
            assert float(left) > 10 * millimetre, (number, word)
            assert float(right) < (210 - 14) * millimetre, (number, word)


def foot(text: str) -> str:
    """The last line of a page above its number."""
    return [line for line in text.split("\n") if line.strip()][-2:][0]


def test_no_heading_stands_alone_at_the_foot_of_a_page(pages: list[str], web: Web) -> None:
    titles = {plain(f"{section.number}{section.title}".replace("`", ""))
              for section in web.sections if section.title}
    titles |= {plain(bold) for bold in re.findall(r"(?m)^\*\*(.+)\*\*$", web.text)}
    for number, text in enumerate(pages[2:], 2):
        last = foot(text)
        assert not re.search(r"⟩\s*\+?≡", last), f"page {number}: {last}"
        assert plain(last) not in titles, f"page {number}: {last}"
        if text.lstrip().split("\n")[0].endswith(f" {last.strip()}"):  # a section begins there
            assert not re.fullmatch(r" {0,6}\d+[A-Z]?", last), f"page {number}: {last}"


# Other documents.


def printed(place: Path, text: str) -> Path:
    """The paper of a document, without the book's fonts."""
    (place / "t.md").write_text(text, "utf-8")
    assert main([str(place / "t.md"), "--out", str(place), "--fonts", str(place), "--pdf"]) == 0
    return place / "t.pdf"


def test_a_heading_keeps_what_it_is_of_wherever_a_page_ends(tmp_path: Path) -> None:
    """Titles, and paragraphs in bold, above tables, lists, code and text, at every height."""
    table = "| a | b |\n|---|---|\n" + "| row | row |\n" * 3
    below = [table, "- row\n- row\n", table, "```text\nrow\nrow\n```\n", table, "row row\n"]
    text = "# T\n\n## Title\n\n"
    for number in range(90):
        code = chunk("x = 'row'").replace("≡", "+≡" if number else "≡")
        text += f"{'Filler. ' * (number * 7 % 40 + 1)}\n\n**Bold**\n\n{below[number % 6]}\n"
        text += f"### Title\n\n{code}\n" * (number % 4 == 0)
    told = tool("pdftotext", "-layout", str(printed(tmp_path, text)), "-").split("\f")
    feet = [foot(text) for text in told if "Filler" in text]
    assert len(feet) > 15
    assert not [line for line in feet if re.search("Title|Bold|⟩", line)]


def test_a_line_of_code_too_long_for_the_page_goes_on_below(tmp_path: Path) -> None:
    long = "x = " + " + ".join(f"name_{number}" for number in range(40))
    book = printed(tmp_path, f"# T\n\n## A\n\n```text\n{long}\n```\n\n"
                             f"| `{'v' * 300}` | a |\n|---|---|\n| `{'w' * 300}` | `a.b.c` |\n\n"
                             + chunk(f"{long}\ny = '{'z' * 250}'\nlast = 1"))
    text = tool("pdftotext", "-bbox", str(book), "-")
    rights = [float(right) for right in re.findall(r'<word .*?xMax="([\d.]+)"', text)]
    assert max(rights) < (210 - 20) * 72 / 25.4
    words = re.sub(r"\s", "", tool("pdftotext", "-raw", str(book), "-"))
    assert words.count(re.sub(r"\s", "", long)) == 2
    assert "z" * 250 in words
    assert words.count("w") >= 300


def test_front_matter_dates_and_signs_the_paper(tmp_path: Path) -> None:
    book = printed(tmp_path, "---\ntitle: T\nauthor: A. B.\ndate: 2026-03-04\n---\n\n## A\n\n"
                             + chunk("x = 1"))
    told = dict(re.findall(r"(?m)^(\w+): +(.*)$", tool("pdfinfo", "-isodates", str(book))))
    assert told["Author"] == "A. B."
    assert told["CreationDate"].startswith("2026-03-04")
