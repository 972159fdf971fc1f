"""One reading of a document: what the tangler takes for code is the code that the book shows."""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import files, read
from test_markdown import (
    CONTAINERS, LINES, beyond_the_oracle, documents, fences, headings, oracle,
)
from weaving import ROOT, check, chunk, page_of, woven
from webs import mutated

from commonweb.expansion import tangle
from commonweb.markdown import Fence, blocks
from commonweb.prose import differences, parse
from commonweb.weave import main
from commonweb.web import Web

PACKAGES = ROOT / "build" / "readmes" / "node_modules"
needs_readmes = pytest.mark.skipif(not PACKAGES.exists(), reason="wants make build/readmes/ready")


@cache
def readmes() -> dict[str, str]:
    """What packages say of themselves."""
    return {str(path.relative_to(PACKAGES)): path.read_text("utf-8", "replace")
            for path in sorted(PACKAGES.rglob("*.md"))}


@cache
def examples() -> list[str]:
    """CommonMark's, in which an arrow stands for a tab."""
    spec = (PACKAGES / "commonmark-spec" / "spec.txt").read_text("utf-8")
    found = re.findall(r"^`{32} example\n(.*?)^\.\n", spec, re.DOTALL | re.MULTILINE)
    return [example.replace("→", "\t") for example in found]


def with_chunks(text: str) -> Web:
    """A document in which each code block is made a chunk, a file of its own, after a first one."""
    web = Web(text.encode())
    lines = web.lines[:]
    found = [block for block in blocks(web.text) if isinstance(block, Fence) and block.closed]
    for number, fence in reversed([*enumerate(found)]):
        opening = lines[fence.opens - 1]
        blanks = re.sub("[^>\t]", " ", opening[: fence.column - 1])  # in the same list or quote
        lines.insert(fence.opens, f"{blanks}# ⟨f{number}.txt⟩≡")
    headed = re.sub(r"(?m)^(#+) +(?=\d+[A-Za-z]{0,2}\.)", r"\1 n", "\n".join(lines))
    return Web(f"# T\n\n{chunk('x = 1')}\n{headed}\n".encode())


def assert_one_reading(web: Web, name: str) -> bool:
    """All code is in the page, and no link in a link; whether there is a page."""
    if not beyond_the_oracle(web.text):
        assert differences(web, parse(web)) == [], name
    elif differences(web, parse(web)):
        return False
    if web.problems:
        return False
    outputs = tangle(web)
    page = read(page_of(web, outputs, PACKAGES / "nowhere"))
    check(page, {file: data.decode() for file, data in outputs.items()})
    return True


@needs_readmes
@pytest.mark.timeout(600)
def test_the_code_of_real_documents_is_in_their_books() -> None:
    assert len(readmes()) > 300
    read_whole = [assert_one_reading(with_chunks(text), name) for name, text in readmes().items()]
    assert sum(read_whole) > 300


@needs_readmes
def test_commonmarks_examples_have_its_fences_and_headings() -> None:
    for example in examples():
        if not beyond_the_oracle(example):
            assert (fences(example), headings(example)) == oracle(example), example


@needs_readmes
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_slips_in_commonmarks_examples_change_both_readings_alike(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(examples())) + data.draw(st.sampled_from(examples()))
    scraps = st.sampled_from(["===", "---", "# h", "```"])
    changed = data.draw(mutated(text.split("\n"), scraps)) + "\n"
    if not (beyond_the_oracle(changed) or "]:" in changed):  # see test_markdown.DEFINING
        assert (fences(changed), headings(changed)) == oracle(changed)


@needs_readmes
def test_a_document_that_is_no_web_has_nothing_that_looks_like_a_chunk() -> None:
    for name, text in [*readmes().items(), *((example, example) for example in examples())]:
        found = {problem.message.split(":")[0] for problem in Web(text.encode()).problems}
        assert "no chunk of this web is a file, so there is nothing to write" in found
        assert not any("header" in message or "stands" in message for message in found), name


@needs_readmes
def test_the_code_of_commonmarks_examples_is_in_their_books() -> None:
    assert len(examples()) == 652
    assert sum(assert_one_reading(with_chunks(text), text) for text in examples()) > 600


SCRAPS = st.tuples(st.sampled_from(CONTAINERS), st.sampled_from(LINES)).map("".join)


@needs_readmes
@pytest.mark.timeout(600)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_what_is_done_to_a_document_leaves_it_one_reading(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([*examples(), *readmes().values()]))
    assert_one_reading(with_chunks(data.draw(mutated(text.split("\n"), SCRAPS))), text)


@settings(max_examples=300, deadline=None)
@given(documents)
def test_any_lines_have_one_reading(text: str) -> None:
    assert_one_reading(with_chunks(text), text)


def example(code: str, name: str) -> str:
    """A chunk that is only shown."""
    return chunk(code, name).replace("python\n", "python example\n")


def test_what_stands_in_an_html_block_is_no_chunk_of_the_book() -> None:
    page = read(woven("# T\n\n<!--\nTODO: begins with\n```python\n-->\n\n" + chunk("x = 1\n⟨B⟩")
                      + "\n<!--\n" + example("hidden", "c.py") + "-->\n\n<pre>\n## 2. U\n"
                      + example("y", "d.py") + "</pre>\n\n" + chunk("y", "B")))
    assert "hidden" not in page.one("main").text()
    assert "TODO" not in page.one("main").text()
    assert [*files(page)] == ["a.py"]
    assert page.one("pre").text().startswith("## 2. U\n")
    assert [h2.text() for h2 in page.one("main").every("h2")][1:3] == ["Contents", "1 T"]


@pytest.mark.parametrize(("source", "shown"), [
    ("a <b title='x'>bold</b> word", "a bold word"),
    ("a <!-- note --> word <!--> and <!---> more", "a  word  and  more"),
    ("<!-- note --> and words", " and words"),
    ("<div>\n*x* <!-- a\nb -->\n</div>", "*x* "),
    ("<!-- never closed", ""),
])
def test_html_is_words_and_its_comments_are_hidden(source: str, shown: str) -> None:
    page = read(woven("## 1. T\n\n" + chunk("x = 1") + f"\n{source}\n"))
    section = page.named()["s1"].one("div", "text")
    assert section.text().partition("x = 1\n")[2].strip("\n") == shown


@pytest.mark.parametrize("depth", [21, 90])
def test_a_chunk_in_many_quotes_is_in_the_book(depth: int) -> None:
    woven("# T\n\n" + "".join("> " * depth + f"{line}\n" for line in chunk("x").split("\n")))


def test_a_chunk_in_more_quotes_than_the_book_can_have_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "w.md"
    lines = chunk("x").split("\n")
    place.write_text("# T\n\n" + "".join("> " * 200 + f"{line}\n" for line in lines))
    assert main([str(place), "--out", str(tmp_path / "out")]) == 1
    assert "w.md:3:1: error: the tangler and the book's reader" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_nested_too_deeply_for_paper_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "w.md"
    place.write_text(f"# T\n\n{'*a **b ' * 500}{'x** y* ' * 500}\n\n{chunk('x')}")
    assert main([str(place), "--out", str(tmp_path / "out")]) == 1
    said, told = capsys.readouterr()
    assert "no PDF is written: something in it is nested too deeply" in told
    out = tmp_path / "out"
    assert said == f"wrote {out / 'w.html'} and {out / 'w-files.html'}\n"
    assert not (tmp_path / "out/w.pdf").exists()


@pytest.mark.parametrize("words", [
    "![picture](p.png)", "the `x` of it", "see §1", "`⟨Rest⟩`", "`a.py`", "![*a* `x` §1][r]",
    "*all `x` of §1 ![p](q)*",
])
def test_no_link_stands_in_a_link(words: str) -> None:
    page = read(woven(f"## 1. T\n\n[{words}](https://example.com/) then `x`, §1\n\n[r]: y\n\n"
                      + chunk("x = 1\n⟨Rest⟩") + chunk("y = x", "Rest")))
    paragraph = page.named()["s1"].one("p")
    outer, *others = paragraph.every("a")
    assert outer.attributes["href"] == "https://example.com/"
    assert len(others) == 2  # those after it
    assert outer.text()


# What is dense takes time that grows with it: what is quadratic would take 64 times as long.


@pytest.mark.parametrize("words", ["'\"", "it's ", "[a]: b 'c\n", "[", "![", "*a ", "a <!-- "])
def test_eight_times_the_prose_takes_some_eight_times_as_long(words: str) -> None:
    def seconds(count: int) -> float:
        web = Web(f"# T\n\n{words * count}\n\n{chunk('x')}".encode())
        start = time.process_time()
        parse(web)
        return time.process_time() - start

    count = 1500  # already more quotes than are made typographic
    large = min(seconds(8 * count) for _ in range(2))
    assert large < 30 * max(seconds(count), seconds(count), 0.02)
