"""The document: its sections are the original's, and what it means is what is committed."""

import inspect
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sockets
import sockets._sockets

from commonweb.web import Web

ROOT = Path(__file__).parents[2]

# The original's chunks: name, the sections that define it, the sections that use it.
ORIGINAL = """
Build address information hints | 26 | 22
Build socket and address, then return | 47 | 45
Call $recvfrom or $recvfrom-blocking | 58 | 57
Check get-address-info argument types | 23 | 22
Check create-socket arguments | 30 | 29
Convert datatypes and jump to the right foreign function | 54 | 53
Convert foreign address information list | 27 | 22
Convert recvfrom returns to scheme versions | 59 | 57
Datatype definitions | 5-14 20 21 25 31 36 38 40 41 51 55 61 63-66 | 1
Define POSIX foreign error handler | 84 | 82
Define Windows foreign error handler | 85 | 82
Define get-ffi-value | 77 | 76
External procedure definitions | 15 17 19 22 29 33 35 42-45 48-50 53 57 62 | 1
Foreign code initialization | 102 | 1
Foreign code utilities | 2 4 69-72 75 76 78 87 | 1
Foreign constants | 79 | 1
Foreign functions | 82 88-90 92-101 | 1
Internal procedure definitions | 18 67 68 | 1
Register pre-defined socket domains | 34 | 1
Return intelligently from non-blocking errors | 46 | 45
Socket constants | 24 32 37 39 52 56 60 | 1
Split IPV4 address | 16 | 15
Verify DFV syntax | 74 | 76
socket-ffi-values.c | 80 |
sockets-stub.c | 81 83 86 |
sockets/__init__.py | 3 |
"""
PROSE_ONLY = {"28", "73", "91", "103"}
# The original's titled sections by their depth; all others have no title.
DEPTHS = {
    0: "1 5 28",
    1: "4 20 21 63 66 69 81 87 102 103",
    2: "6 9 29 43 45 48 49 53 57 62 65 73 79 82 86 91",
    3: "11 13 92 94 97-99 101",
}


def sections(text: str) -> list[str]:
    numbers = []
    for part in text.split():
        first, _, last = part.partition("-")
        numbers += map(str, range(int(first), int(last or first) + 1))
    return numbers


@pytest.fixture(scope="module")
def web():
    result = subprocess.run(
        [sys.executable, "tangle.py", "--dump"], cwd=ROOT, capture_output=True, check=True
    )
    return json.loads(result.stdout)


def test_the_numbered_sections_are_those_of_the_original(web):
    numbers = [s["number"] for s in web["sections"] if s["number"].isdigit()]
    assert numbers == [str(n) for n in range(1, 104)]


def test_titles_stand_at_the_depths_of_the_original(web):
    expected = {number: depth for depth, text in DEPTHS.items() for number in sections(text)}
    numbered = [s for s in web["sections"] if s["number"].isdigit()]
    assert {s["number"]: s["depth"] for s in numbered if s["title"]} == expected


@pytest.mark.parametrize("line", ORIGINAL.strip().splitlines())
def test_a_chunk_has_the_sections_of_the_original(web, line):
    name, defined, used = (part.strip() for part in line.split("|"))
    chunk = web["chunks"][name]
    assert [n for n in chunk["defined_in"] if n.isdigit()] == sections(defined)
    assert [n for n in chunk["used_in"] if n.isdigit()] == sections(used)


def test_sections_of_prose_hold_no_code(web):
    without = {s["number"] for s in web["sections"] if s["number"].isdigit() and not s["chunks"]}
    assert without == PROSE_ONLY


def test_the_first_section_lays_the_program_out_as_the_original_does(web):
    [program] = [c for c in web["sections"][0]["chunks"] if c["kind"] == "file"]
    assert program["name"] == "sockets/_sockets.py"
    assert program["references"] == [
        "Foreign code utilities", "Foreign constants", "Foreign functions",
        "Foreign code initialization", "Datatype definitions", "Socket constants",
        "Internal procedure definitions", "External procedure definitions",
        "Register pre-defined socket domains",
        "Take the fast paths",  # an addition
    ]


def test_what_is_committed_is_what_the_document_means(tmp_path):
    subprocess.run([sys.executable, "tangle.py", "--out", tmp_path], cwd=ROOT, check=True)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            committed = ROOT / "generated" / path.relative_to(tmp_path)
            assert committed.read_bytes() == path.read_bytes(), f"{committed} is stale"


@pytest.mark.skipif(shutil.which("git") is None, reason="asks git")
def test_nothing_in_generated_was_written_by_hand(tmp_path):
    for web, folder in ("sockets.md", tmp_path), ("recipes.md", tmp_path / "recipes"):
        subprocess.run([sys.executable, "tangle.py", web, "--out", folder], cwd=ROOT, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "generated"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split():
        assert (tmp_path / Path(name).relative_to("generated")).exists(), f"{name} has no chunk"


def public():
    return [(name, getattr(sockets, name)) for name in sockets.__all__]


@pytest.mark.parametrize(("name", "thing"), public(), ids=[name for name, _ in public()])
def test_a_public_name_is_explained_where_it_is_defined(name, thing):
    if callable(thing):
        assert inspect.getdoc(thing), f"{name} has no docstring"
    else:
        assert isinstance(thing, bool)
        assert name.startswith("HAS_")


SYSTEM_CALLS = re.findall(
    r"^\| (`.*`) \| (.*) \|$", (ROOT / "sockets.md").read_text().partition("## 29.")[0], re.M
)


def test_the_table_of_system_calls_names_every_procedure_that_makes_one():
    listed = {name for procedures, _ in SYSTEM_CALLS for name in re.findall(r"`(\w+)`", procedures)}
    makes_one = {
        name for name, thing in public()
        if inspect.isroutine(thing) and re.match(r"\w+(\(\d\))?:", inspect.getdoc(thing))
    }
    assert listed == makes_one


@pytest.mark.parametrize(("procedures", "calls"), SYSTEM_CALLS)
def test_the_docstring_of_a_procedure_begins_with_its_system_call(procedures, calls):
    names, calls = re.findall(r"`(\w+)`", procedures), re.findall(r"`([^`]+)`", calls)
    for name, call in zip(names, calls * (len(names) // len(calls)), strict=True):
        assert inspect.getdoc(getattr(sockets, name)).startswith(call + ":")


def test_prose_does_not_name_sections_that_do_not_exist(web):
    numbers = {s["number"] for s in web["sections"]}
    text = (ROOT / "sockets.md").read_text()
    for number in re.findall(r"§(\d+[A-Z]?)", text):
        assert number in numbers, f"§{number} is mentioned, but there is no such section"


def rows_below(web, title):
    """The cells of the tables in a section."""
    section = next(section for section in web.sections if section.title == title)
    for line in web.lines[section.line : section.end - 1]:
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def by_rule(name: str) -> str:
    return re.sub("[-/]", "_", name.replace("->", "_to_")).rstrip("!")


def members_by_rule(names: list[str]) -> list[str]:
    """Of `make-x`, `x?`, `x`, `x-field` and `x/name`: the attributes of the class X."""
    record, members = names[0].removeprefix("make-"), []
    for name in names[1:]:
        kind, rest = name[len(record) :][:1], name[len(record) + 1 :].rstrip("?")
        if rest:
            member = rest.replace("&", "-and-").replace("-", "_")
            members.append(member.upper() if kind == "/" else member)
    assert members
    return members


def test_the_names_that_stand_for_the_originals_exist():
    """§102G: what a reader of the original finds there is what this program has."""
    web = Web((ROOT / "sockets.md").read_bytes())
    known = (ROOT / "generated/sockets/_sockets.py").read_text()
    known += (ROOT / "generated/build_sockets.py").read_text()
    known += (ROOT / "generated/socket-ffi-values.c").read_text()
    known += (ROOT / "generated/sockets-stub.c").read_text()
    originals = 0
    for there, here in list(rows_below(web, "The original's names, and ours"))[1:]:
        names = re.findall(r"`([^`]*)`", there)
        originals += len(names)
        ours = map(by_rule, names) if here == "by these rules" else re.findall(r"`([^`]*)`", here)
        for name in ours:
            if name == "cffi":
                continue
            head, _, member = name.partition(".")
            assert re.search(rf"\b{head}\b", known), name
            members = [member] if member else members_by_rule(names) if "attributes" in here else []
            for each in members:
                thing = getattr(sockets, head)
                assert hasattr(thing, each) or each in thing.__annotations__, (name, each)
    assert originals > 190


def test_the_picture_of_the_records_shows_their_hierarchy():
    """§5C: each arrow of the picture is a base class, and no public record is left out."""
    picture = (ROOT / "figures" / "records.dot").read_text()
    drawn = set()
    for line in picture.split("\n")[1:]:
        levels = [part.strip("{ }").split() for part in line.split("->")]
        if len(levels) > 1:
            drawn |= {(base, name) for above, below in itertools.pairwise(levels)
                      for base in above for name in below}
    records = {name for _, name in drawn}
    everything = vars(sockets._sockets)
    for base, name in drawn:
        bases = [kind.__name__ for kind in everything[name].__bases__]
        assert [kind for kind in bases if not kind.endswith("Base")] == [base]  # §91A
    public = {name for name in sockets.__all__ if isinstance(getattr(sockets, name), type)
              and issubclass(getattr(sockets, name), everything["Record"])}
    assert public - {"Record"} <= records
