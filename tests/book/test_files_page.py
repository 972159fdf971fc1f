"""The page of a web's files, for small webs."""

from __future__ import annotations

import pytest
from pages import read
from weaving import EVIL, check_files, chunk, files_of

from commonweb import tangled

WEB = ("# T\n\n## 1. A\n\n" + chunk("\n\nx = 1\n⟨Twice⟩\n\ny = ⟨Value⟩ + 1\nif y:\n    ⟨Twice⟩")
       + "\n## 2. B\n\n" + chunk("⟨Inner⟩", "Twice") + chunk("41", "Value")
       + "\n## 3. C\n\n" + chunk("print(x)\n\nprint(y)", "Inner")
       + chunk("⟨Inner⟩", "b.py"))


def shown(text: str) -> list[tuple[str, str, str, list[str]]]:
    """Of each stretch the section, the numbers of its lines, its code, and its anchors."""
    page = read(files_of(text)[0])
    check_files(page)
    return [(div.one("a").text(), div.one("small").text(), div.one("pre").text()[1:],
             [one.attributes["id"] for one in div.every() if "id" in one.attributes])
            for file in page.every("div", "file") for div in file.elements]


def test_each_line_stands_beside_the_section_that_wrote_it_and_each_block_has_its_place() -> None:
    place = {name: f"L{number}" for number, line in enumerate(WEB.split("\n"), 1)
             for name in ("a.py", "b.py", "Twice", "Value", "Inner") if f"⟨{name}⟩≡" in line}
    assert shown(WEB) == [
        ("§1", "1\n2\n3", "\n\nx = 1\n", [place["a.py"]]),
        ("§3", "4\n5\n6\n7", "print(x)\n\nprint(y)\n\n", [place["Inner"], place["Twice"]]),
        ("§1", "8\n9", "y = 41 + 1\nif y:\n", [place["Value"]]),
        ("§3", "10\n11\n12", "    print(x)\n\n    print(y)\n", []),
        ("§3", "1\n2\n3", "print(x)\n\nprint(y)\n", [place["b.py"]]),
    ]


def test_each_chunk_leads_to_its_place_in_the_files() -> None:
    files, book = map(read, files_of(WEB))
    named = files.named()
    links = [a.attributes["href"] for head in book.every("div", "head") for a in head.elements
             if a.tag == "a"]
    assert len(links) == 5
    for link in links:
        page, _, anchor = link.partition("#")
        assert page == "a%20b-files.html"
        assert anchor in named
    assert {file.attributes["href"].partition("#")[2] for file in files.one("main").one("nav")
            .every("a")} <= {*named}


def test_what_a_file_says_is_words() -> None:
    assert "".join(code for _, _, code, _ in shown("# T\n\n" + chunk(f"x = '{EVIL}'"))) == (
        f"x = '{EVIL}'\n")


def test_a_file_that_is_empty_or_too_large_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tangled, "LIMIT", 10)
    page = read(files_of("# T\n\n" + chunk("x = 1") + chunk("y = 12345678", "b.py")
                         + chunk("", "c/py.typed"))[0])
    check_files(page)
    assert [section.one("h2").text() for section in page.every("section")
            if "id" in section.attributes and not [*section.every("pre")]] == ["b.py", "c/py.typed"]
