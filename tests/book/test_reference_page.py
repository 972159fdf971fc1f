"""The page of a web's public names, for small webs."""

from __future__ import annotations

from pages import read
from weaving import EVIL, chunk, check_reference, reference_of


def shown(code: str) -> dict[str, str]:
    """What stands in the reference of a module, by anchor: its heading, and the text below it."""
    page = read(reference_of("# T\n\n" + chunk(code)))
    check_reference(page)
    found: dict[str, str] = {}
    for element in page.one("main").every():
        if element.tag in ("h4", "h5"):
            found[anchor := element.attributes["id"]] = element.text()
        elif element.tag in ("p", "pre") and found:
            found[anchor] += f" | {element.text()}"
    return found


def links(code: str) -> list[str]:
    """Where lead the names in what is said, and in what follows a name."""
    page = read(reference_of("# T\n\n" + chunk(code)))
    return [a.attributes["href"] for one in page.one("main").every() if one.tag in ("h4", "h5", "p")
            for a in one.every("a") if "at" not in a.classes]


def test_a_name_has_its_parameters_its_section_and_what_is_said_of_it() -> None:
    assert shown('''__all__ = ["f", "C", "N"]
def f(x: int = 1, *y: "C") -> None:
    """read(2): eff.

    More,
    of it.
    Value: a number.

    >>> f()
    """
class C(OSError):
    """See."""
    field: int
    ONE: ClassVar[C]
    """One."""
N = 3
"""En."""
''') == {
        "f": "f(x: int = 1, *y: 'C') -> None §1 | read(2): eff. | More,\nof it."
             " | Value: a number. | >>> f()",
        "C": "class C of OSError §1 | See.",
        "C.field": "field: int §1",
        "C.ONE": "ONE §1 | One.",
        "N": "N §1 | En.",
    }


def test_names_and_manual_pages_in_what_is_said_are_links_once() -> None:
    assert links('''__all__ = ["C", "f", "go"]
def f(sock: C):
    """open(2): a C, `C`, `f`, `go` and go; C.ONE and ONE and g_h(x)."""
def go(): pass
class C:
    """ONE, ONE and go."""
    ONE: ClassVar[int]
    """See TWO and `f` of C.ONE."""
''') == ["#C", "https://man7.org/linux/man-pages/man2/open.2.html", "#C", "#go", "#C.ONE",
           "#C.ONE", "#f"]


def test_several_packages_keep_their_names_apart() -> None:
    page = read(reference_of(
        "# T\n\n## 1. A\n\n" + chunk('__all__ = ["f"]\ndef f(): "See b.f."', "a.py")
        + "\n## 2. B\n\n" + chunk('__all__ = ["f"]\ndef f(): "Unlike `f` of a.f."', "b.py")))
    check_reference(page)
    assert {"a.f", "b.f", "a.procedures-"} <= {*page.named()}
    below = [a.attributes["href"] for p in page.one("main").every("p") for a in p.every("a")]
    assert below == ["#b.f", "#a.f"]


def test_what_is_said_is_words_and_a_folder_of_blanks_an_address() -> None:
    said = f"{EVIL}\n\n    `{EVIL}`\n\n    - {EVIL}"
    code = f'__all__ = ["f"]\ndef f(x="{EVIL}"):\n    """{said}"""\n'
    text = reference_of("# T\n\n" + chunk(code))
    page = read(text)
    check_reference(page)
    assert page.one("main").text().count(EVIL) == 4
    assert 'href="a%20b.html#contents"' in text
