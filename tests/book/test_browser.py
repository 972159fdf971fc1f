"""The page in a browser: what readers see, press and hear."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from weaving import EVIL, EVIL_LINKS, NESTED, NESTED_CODE, ROOT, chunk, page_of, woven

from commonweb.expansion import tangle
from commonweb.listings import Expander
from commonweb.web import Web

BOOK = (ROOT / "build" / "book" / "sockets.html").as_uri()
REFERENCE = BOOK.replace(".html", "-reference.html")
FILES = BOOK.replace(".html", "-files.html")
AXE = (ROOT / "build" / "npm" / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)


Opener = Callable[..., Page]
pytestmark = pytest.mark.timeout(300)
expect.set_options(timeout=30_000)  # a browser on a busy machine takes its time


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Opens a page; at the end nothing was requested and nothing was said on the console."""
    contexts: list[BrowserContext] = []
    heard: list[str] = []

    def opened(address: str = BOOK, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: heard.append("a dialog"))
        page.on("request", lambda request: heard.append(request.url)
                if not request.url.startswith(
                    ("data:", BOOK, REFERENCE, FILES, address.partition("#")[0])) else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []


def point(page: Page, selector: str, text: str) -> None:
    """Move the pointer to what is in sight then: scrolling would end a preview."""
    place = page.locator(selector, has_text=text).first
    place.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => "
                  "requestAnimationFrame(done)))")
    place.hover()


def number(page: Page) -> str:
    """The section to which the page's address leads."""
    return page.url.partition("#s")[2]


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => "
                  "requestAnimationFrame(done)))")


def test_first_paint_comes_at_once(open_page: Opener) -> None:
    page = open_page()
    paints = page.evaluate("performance.getEntriesByType('paint').map(p => [p.name, p.startTime])")
    print(paints)
    assert paints
    assert page.title() == "Native Sockets"


@pytest.mark.parametrize("address", [FILES, REFERENCE, BOOK], ids=["files", "reference", "book"])
@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_the_page_does_not_scroll_sideways(open_page: Opener, width: int, address: str) -> None:
    page = open_page(address, width=width)
    for state in (False, True):
        page.evaluate("open => document.querySelectorAll('details').forEach(d => d.open = open)",
                      state)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(address + ("#get_address_info" if address == REFERENCE else "#L2241"))
    assert page.evaluate("scrollX") == 0


def test_a_line_that_is_led_to_is_in_sight_and_its_code_not_scrolled(open_page: Opener) -> None:
    page = open_page(width=360)
    lines = page.evaluate("all('.code > [id^=L]:not(.e)').map(element => element.id)")
    for line in lines[:: len(lines) // 40]:
        page.evaluate("line => location.hash = line", line)
        place = page.evaluate("""line => {
            const element = document.getElementById(line), box = element.getBoundingClientRect();
            return [box.top, element.parentElement.scrollLeft];
        }""", line)
        assert 36 <= place[0] < 800, line
        assert place[1] == 0, line


VISIBLE = """selector => [...document.querySelectorAll(selector)].filter(
    element => element.checkVisibility() && element.getBoundingClientRect().height > 0).length"""


def test_without_script_it_is_all_there_and_references_open(open_page: Opener) -> None:
    page = open_page(java_script_enabled=False, width=800)
    reference = page.locator("#s45 details").first
    code = reference.locator("> div")
    expect(code).to_be_hidden()
    reference.locator("summary").click()
    expect(code).to_be_visible()
    expect(code).to_contain_text("return None, ")
    reference.locator("summary").press("Enter")
    expect(code).to_be_hidden()
    expect(page.locator("#contents")).to_be_visible()
    expect(page.locator("#index")).to_be_visible()
    page.locator("#contents a", has_text="Closing and shutting").click()
    assert number(page) == "49"


def test_a_long_reference_opens_to_the_blocks_of_its_chunk(open_page: Opener) -> None:
    page = open_page()
    reference = page.locator("#s1 details.far").first
    blocks = page.evaluate("""() => all("#s1 details.far > div")[0].querySelectorAll("a").length""")
    assert blocks > 10
    shown = page.evaluate("""() => all("a", document.querySelector("#s1 details.far > div"))
        .map(a => block(a).textContent).join("")""")
    names = page.evaluate("document.querySelectorAll('[id]').length")
    reference.locator("summary").first.click()
    opened = page.locator("#s1 .code details[open] > div").first
    expect(opened).not_to_contain_text("This code stands in")
    assert opened.evaluate("element => element.textContent") == shown
    assert page.evaluate("document.querySelectorAll('[id]').length") == names
    inner = opened.locator("summary").first
    inner.click()
    expect(inner.locator("xpath=following-sibling::div")).to_be_visible()


def test_what_is_not_written_twice_opens_with_its_indentation(
    open_page: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Expander, "LIMIT", 0)
    web = Web(NESTED.encode())
    (tmp_path / "web.html").write_text(page_of(web, tangle(web)), "utf-8")
    page = open_page((tmp_path / "web.html").as_uri())
    assert page.evaluate("tangled(document.querySelector('.code'))") == NESTED_CODE
    code = page.locator(".code").first
    for _ in range(5):
        code.locator("details:not([open]) > summary").first.click()
    assert code.locator("details.far").count() == 0
    assert page.evaluate("tangled(document.querySelector('.code'))") == NESTED_CODE
    inner = code.locator("details details summary").first
    assert inner.evaluate("element => element.textContent").startswith(8 * " " + "⟨C")


def test_without_script_a_long_reference_leads_to_the_blocks(open_page: Opener) -> None:
    page = open_page(java_script_enabled=False)
    reference = page.locator("#s1 details.far").first
    reference.locator("summary").click()
    expect(reference.locator("> div")).to_contain_text("This code stands in sections 2, ")
    reference.locator("> div a").first.click()
    assert page.url.startswith(BOOK + "#L")


def test_a_reference_opens_at_the_pointer_and_leads_to_its_chunk(open_page: Opener) -> None:
    page = open_page()
    row = page.locator("#s45 .code > div").first
    row.locator("summary").click()
    expect(row.locator("details > div")).to_be_visible()
    before = page.evaluate("document.querySelector('#s45 .code > div').offsetHeight")
    lines = row.locator("details > div").inner_text().rstrip("\n").count("\n") + 1
    assert before == pytest.approx((lines + 1) * 20.25, abs=1)
    row.locator("a.to").click()
    assert page.url.endswith(page.locator("#s46 .chunk").get_attribute("id") or "?")


def test_a_one_line_reference_in_a_line_opens_and_closes(open_page: Opener, tmp_path: Path) -> None:
    place = tmp_path / "web.html"
    place.write_text(woven("# T\n\n" + chunk("for i in range(⟨Limit⟩):\n    pass")
                           + chunk("31", "Limit")), "utf-8")
    page = open_page(place.as_uri())
    inside = page.locator(".code details > div").first
    height = page.evaluate("document.querySelector('.code').offsetHeight")
    for visible in (False, True, False):
        expect(inside).to_be_visible(visible=visible)
        assert page.evaluate("document.querySelector('.code').offsetHeight") == height
        page.locator(".code summary").click()


def test_n_and_p_go_through_the_sections_in_order(open_page: Opener) -> None:
    page = open_page()
    order = page.evaluate("[...document.querySelectorAll('main > section')].map(s => s.id)")
    seen = []
    for _ in range(12):
        press(page, "n")
        seen.append(page.url.partition("#")[2])
    assert seen == order[:12]
    press(page, "p")
    press(page, "p")
    assert page.url.partition("#")[2] == order[9]
    for key in ("Control+n", "Alt+p"):
        page.keyboard.press(key)
    assert page.url.partition("#")[2] == order[9]


def test_the_bar_tells_the_section(open_page: Opener) -> None:
    page = open_page(BOOK + "#s46")
    page.mouse.wheel(0, 30)
    expect(page.locator(".bar .place")).to_have_text("§46 Accepting Connections to Sockets")


@pytest.mark.parametrize(("words", "expected", "anchor"), [
    ("closing and shut", "Closing and shutting down sockets", "#s49"),
    ("ACCEPT_SOCKET", "accept_socketfunction", "#L"),
    ("ECONNRESET", "ECONNRESET", "#L"),
])
def test_search_leads_to_what_is_found(
    open_page: Opener, words: str, expected: str, anchor: str
) -> None:
    page = open_page()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type(words)
    expect(page.get_by_role("option").first).to_contain_text(expected)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.url.partition("#")[1:][1].startswith(anchor[1:])
    target = page.url.partition("#")[2]
    assert 0 <= page.evaluate("id => document.getElementById(id).getBoundingClientRect().top",
                              target) < 800


def test_the_first_hit_is_what_a_reader_means(open_page: Opener) -> None:
    """Twenty queries and more, by kind: what is first, its kind and its section."""
    page = open_page()
    for words, first in {
        "accept_socket": "accept_socket function §45",
        "accept-socket": "accept_socket function §45",
        "set-socket-nonblocking!": "set_socket_nonblocking function §65",
        "string->internet-address": "string_to_internet_address function §15",
        "UnixAddress": "UnixAddress class §11",
        "aceept": "accept_socket function §45",
        "recieve": "receive_",
        "close": "close_socket function §49",
        "45": "Accepting Connections to Sockets section §45",
        "§65b": "Waiting section §65B",
        "65B": "Waiting section §65B",
        "closing and shut": "Closing and shutting down sockets section §49",
        "ipv6": "IPv6 addresses section §19A",
        "Split IPV4": "Split IPV4 address chunk §16",
        "error blocking intelli": "Return intelligently from non-blocking errors chunk §46",
        "sockets-stub": "sockets-stub.c chunk §81",
        "contents": "Contents",
        "index": "Index",
        "asyncio": "text",
        "socket-type/stream": "text",
        "half closed": "text",
        "signal handler": "text",
        "backlog": "text",
        "ECONNRESET": "ECONNRESET",
        "SO_REUSEADDR": "SO_REUSEADDR name §80E",
    }.items():
        hits = page.evaluate("""words => search(words)[0].map(({text, kind, section}) =>
            [text, kind, typeof section === "string" ? section : ""].join(" "))""", words)
        assert any(first in hit for hit in hits[: 1 if "§" in first else 3]), (words, hits[:3])
    rows = page.evaluate("search('make-socket-domain')[0].map(({text}) => text)")
    assert any("make-socket-domain, socket-domain?" in row for row in rows)
    assert page.evaluate("search('xyzzy')[0]") == []


def test_search_answers_short_words_by_names_and_by_prose_when_that_is_read(
    open_page: Opener
) -> None:
    """It reads while nothing else is to be done, so that no letter has to wait for it."""
    page = open_page()
    first = page.evaluate("""() => {
      open(); field.value = "ab"; show("ab");
      return found.map(({ kind }) => kind);
    }""")
    assert first
    assert "text" not in first
    page.evaluate("""() => new Promise((done) => {
      const look = () => stage === 3 ? done() : setTimeout(look, 50);
      look();
    })""")
    assert "text" in page.evaluate("() => found.map(({ kind }) => kind)")


def test_search_says_that_there_is_nothing(open_page: Opener) -> None:
    page = open_page()
    page.keyboard.press("/")
    status = page.get_by_role("dialog").get_by_role("status")
    expect(status).to_have_text("")
    page.keyboard.type("xyzzy")
    expect(status).to_have_text("Nothing found.")
    page.get_by_role("combobox").fill("65B")
    expect(status).to_have_text(re.compile(r"\d+ found"))


def test_keys_can_be_turned_off_and_stay_so(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("button", name="Search").click()
    page.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    for key in ("/", "n", "p"):
        press(page, key)
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert "#" not in page.url
    page.get_by_role("button", name="Search").click()
    page.get_by_role("checkbox").check()
    page.keyboard.press("Escape")
    press(page, "n")
    assert "#" in page.url


def test_a_block_is_one_stop_for_tab_and_arrows_lead_through_it(open_page: Opener) -> None:
    page = open_page(BOOK + "#s45")
    page.keyboard.press("Tab")
    stops = page.evaluate("""all("a[href], button, summary, input, [tabindex]")
        .filter(element => element.tabIndex >= 0).length""")
    print(f"{stops} stops")
    assert stops < 3000
    links = page.locator("#s45 .chunk a")
    links.first.focus()
    page.keyboard.press("ArrowRight")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(links.last).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    expect(links.first).to_be_focused()


def test_copy_gives_a_block_as_it_is_tangled(open_page: Opener) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    code = page.evaluate("""() => all(".chunk").filter(chunk => /^⟨sockets\\/_sockets.py/.test(
        chunk.querySelector(".name").textContent)).map(chunk =>
        tangled(chunk.querySelector(".code"))).join("")""")
    assert code == (ROOT / "generated" / "sockets" / "_sockets.py").read_text("utf-8")
    page.locator("#s46 .copy").first.click()
    expect(page.get_by_role("status").filter(has_text="Code copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied in code.replace("\n    ", "\n")
    assert "⟨" not in copied


def test_links_that_last_are_copied_from_their_signs(open_page: Opener) -> None:
    page = open_page(BOOK + "#s45", permissions=["clipboard-read", "clipboard-write"])
    for sign, anchor in (("#s46 a.n", "s46"),
                         ("#s16 .head > .name > a", "chunk-Split-IPV4-address"),
                         ("#s45 aside a[href='#accept_socket']", "accept_socket")):
        page.locator(sign).first.click()
        assert page.url.partition("#")[2] == anchor
        expect(page.get_by_role("status").filter(has_text="Link copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == f"{BOOK}#{anchor}"
        top = page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", anchor)
        assert 0 <= top < 800


def test_any_line_of_code_can_be_led_to(open_page: Opener) -> None:
    """Also those that no link of the page leads to."""
    lines = (ROOT / "sockets.md").read_text("utf-8").split("\n")
    page = open_page()
    code = page.evaluate("document.querySelector('main').textContent")
    start = lines.index("def accept_socket(") if "def accept_socket(" in lines else next(
        number for number, line in enumerate(lines) if line.startswith("def accept_socket"))
    for number in range(start, start + 12):
        page.evaluate("id => location.hash = id", f"L{number + 1}")
        expect(page.locator(":target")).to_have_count(1)
        target = page.locator(f"#L{number + 1}")
        expect(target).to_have_count(1)
        if "⟨" not in lines[number]:
            assert target.evaluate("element => element.textContent") == lines[number] + "\n"
        assert page.evaluate("document.querySelector(':target').id") == f"L{number + 1}"
    assert page.evaluate("document.querySelector('main').textContent") == code
    page = open_page(BOOK + f"#L{start + 4}")
    assert page.evaluate("document.querySelector(':target').id") == f"L{start + 4}"


def test_a_preview_can_be_hovered_and_dismissed(open_page: Opener) -> None:
    page = open_page(BOOK + "#s45")
    point(page, "#s45 .code a", "make_descriptor")
    preview = page.locator("[role=tooltip]")
    expect(preview).to_contain_text("§82A · Dealing with errors")
    box = preview.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 20)
    page.wait_for_timeout(500)
    expect(preview).to_be_visible()
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()


def test_what_is_out_of_sight_costs_nothing_and_is_found_and_printed(open_page: Opener) -> None:
    page = open_page()
    skipped = """all("main > section").filter(section =>
        getComputedStyle(section).contentVisibility === "auto").length"""
    assert page.evaluate(skipped) > 200
    assert page.evaluate("window.find('copyright © 2012 Aaron')")
    assert page.evaluate("scrollY") > 1000
    page.emulate_media(media="print")
    assert page.evaluate(skipped) == 0


def test_search_by_keys_pointer_and_nothing(open_page: Opener) -> None:
    page = open_page()
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("socket")
    options = page.get_by_role("option")
    expect(options.first).to_have_attribute("aria-selected", "true")
    for key, chosen in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1)):
        page.keyboard.press(key)
        expect(options.nth(chosen)).to_have_attribute("aria-selected", "true")
        assert page.get_by_role("combobox").get_attribute("aria-activedescendant") == \
            options.nth(chosen).get_attribute("id")
    page.get_by_role("combobox").fill("no xyzzy")
    expect(options).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert "#" not in page.url
    page.keyboard.press("/")
    page.keyboard.type("Blocking Sockets")
    options.first.click()
    assert number(page) == "65"
    page.keyboard.press("/")
    page.keyboard.type("n/p")
    expect(page.get_by_role("combobox")).to_have_value("n/p")


def test_a_preview_shows_what_a_link_leads_to(open_page: Opener) -> None:
    page = open_page(BOOK + "#s45", width=1280)
    preview = page.locator("[role=tooltip]")
    expect(preview).to_be_hidden()
    point(page, "#s45 .text p a", "54")
    expect(preview).to_be_visible()
    box = preview.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    page.mouse.move(5, 400)
    expect(preview).to_be_hidden()
    point(page, "#s45 .code a", "make_descriptor")
    expect(preview).to_contain_text("def make_descriptor")
    page.keyboard.press("Escape")
    expect(preview).to_be_hidden()


def test_every_link_has_a_preview_or_none_is_due(open_page: Opener) -> None:
    """What a preview is made of is found for every link: none throws, none is empty."""
    page = open_page()
    empty = page.evaluate("""() => {
        const links = all("main a[href^='#']:not(a.n)");
        const anchors = new Set(links.map(link => link.getAttribute("href")));
        return [...anchors].filter(anchor => {
            const target = document.getElementById(anchor.slice(1));
            return target.closest("main > section") && !excerpt(target).textContent.trim();
        });
    }""")
    assert empty == []


def violations(page: Page, *rules: str) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("""rules => axe.run(document, {
        resultTypes: ["violations"], elementRef: false, ...(rules.length ? {runOnly: rules} : {})})
        .then(result => result.violations)""", list(rules))
    return [f"{one['id']}: {len(one['nodes'])} times, {one['nodes'][0]['html'][:200]}"
            for one in found]


@pytest.mark.parametrize("address", [FILES, REFERENCE, BOOK], ids=["files", "reference", "book"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_reports_nothing(open_page: Opener, scheme: str, width: int, address: str) -> None:
    page = open_page(address, width=width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details:not(.far)').forEach(d => d.open = true)")
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_reports_nothing_of_what_the_script_shows(open_page: Opener, scheme: str) -> None:
    """A preview, and the search, each on a page that is small."""
    page = open_page(BOOK + "#s45", color_scheme=scheme)
    point(page, "#s45 .code a", "make_descriptor")
    expect(page.get_by_role("tooltip")).to_be_visible()
    page.evaluate("all('main > section').forEach(s => { if (s.id !== 's45') s.remove(); })")
    assert [one for one in violations(page) if not one.startswith("heading-order")] == []
    page = open_page(color_scheme=scheme)
    page.keyboard.press("/")
    page.keyboard.type("socket")
    expect(page.get_by_role("option").first).to_be_visible()
    page.evaluate("all('main > section').forEach(s => { if (s.id !== 's45') s.remove(); })")
    assert [one for one in violations(page) if not one.startswith("heading-order")] == []


CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const light = name => {
        canvas.fillStyle = style.getPropertyValue("--" + name).trim();
        const parts = canvas.fillStyle.slice(1).match(/../g).map(p => parseInt(p, 16) / 255)
            .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2];
    };
    const worst = {};
    for (const ground of ["paper", "code", "open", "target"])
        for (const sign of ["ink", "soft", "link", "name", "word", "quote", "note"]) {
            const [a, b] = [light(ground), light(sign)];
            worst[`${sign} on ${ground}`] = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        }
    return worst;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_can_be_read_on_every_ground(open_page: Opener, scheme: str) -> None:
    """Whatever is hovered over, led to or opened: 4.5 to 1 or better."""
    found = open_page(color_scheme=scheme).evaluate(CONTRAST)
    assert len(found) == 28
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def test_the_search_fits_a_phone(open_page: Opener) -> None:
    page = open_page(width=360)
    page.get_by_role("button", name="Search").click()
    page.keyboard.type("e")
    box = page.get_by_role("dialog").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_book_and_reference_lead_to_each_other(open_page: Opener) -> None:
    page = open_page(BOOK + "#s46")
    page.locator(".bar a", has_text="Reference").click()
    assert page.url == REFERENCE
    page.locator("nav a", has_text="accept_socket").click()
    assert page.url == REFERENCE + "#accept_socket"
    page.locator("#accept_socket .at").click()
    assert page.url == BOOK + "#accept_socket"
    page.wait_for_load_state()
    page.keyboard.press("/")
    page.keyboard.type("reference")
    expect(page.get_by_role("option").first).to_have_text("Reference")
    page.keyboard.press("Enter")
    page.wait_for_url(REFERENCE)


def test_each_block_leads_to_its_lines_in_the_files_and_they_to_it(open_page: Opener) -> None:
    page = open_page(BOOK + "#s17")
    block = page.locator("#s17 .chunk").first
    anchor = block.get_attribute("id")
    block.locator(".head > a").click()
    assert page.url == f"{FILES}#{anchor}"
    stretch = page.locator(":target")
    expect(stretch).to_contain_text("def string_to_ipv4")
    top = stretch.bounding_box()
    assert top
    assert 0 <= top["y"] < 800
    page.mouse.click(top["x"] + 80, top["y"] + 50)  # a line's number
    page.wait_for_url(f"{BOOK}#{anchor}")


def test_the_reference_is_dark_where_the_reader_has_it_so(open_page: Opener) -> None:
    grounds = [open_page(REFERENCE, color_scheme=scheme).evaluate(
        "getComputedStyle(document.body).backgroundColor") for scheme in ("light", "dark")]
    assert grounds == ["rgb(253, 252, 249)", "rgb(22, 24, 27)"]


# Pages that are not to be trusted.


def test_an_untrusted_web_runs_nothing(open_page: Opener, tmp_path: Path) -> None:
    name = EVIL.replace("/", "")
    links = "".join(f"[x](<{link}>) <{link}>\n\n" for link in EVIL_LINKS)
    graph = 'digraph { a [URL="javascript:hacked()"] }'
    text = (f"# {EVIL}\n\n{EVIL}\n\n{links}```{EVIL}\n{EVIL}\n```\n\n```dot\n{graph}\n```\n"
            + chunk(f"x = '{EVIL}'\n⟨{name} a⟩") + f"\n## {EVIL}\n\n"
            + chunk(f"y = 1 # {EVIL}", f"{name} a"))
    place = tmp_path / "web.html"
    place.write_text(woven(text), "utf-8")
    page = open_page(place.as_uri())
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.evaluate("document.querySelectorAll('script, [onerror], [onclick]').length") == 1
    assert page.evaluate("[...document.links].filter(a => !/^(file|https?):$/.test(a.protocol))"
                         ".map(a => a.href)") == []
    page.keyboard.press("/")
    page.keyboard.type("script")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")
    for link in page.locator("main a[href^='#']").all()[:40]:
        link.dispatch_event("mouseover")
    page.evaluate("all('main a[href^=\"#\"]').forEach(link => point(link))")


def test_the_pages_policy_lets_no_other_script_run(open_page: Opener, tmp_path: Path,
                                                   browser: Browser) -> None:
    """Even if words got through as markup."""
    place = tmp_path / "web.html"
    place.write_text(woven("# T\n\nHERE\n\n" + chunk("x = 1")).replace(
        "HERE", "<script>hacked = 1</script><img src=x onerror='hacked = 1'>"
                "<a id=bad href='javascript:hacked = 1'>x</a>"
                "<iframe src='javascript:parent.hacked = 1'></iframe>"), "utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto(place.as_uri())
    page.locator("#bad").click()
    assert page.evaluate("typeof hacked") == "undefined"
    assert [url for url in asked if not re.match(r"(file:.*web\.html|data:)", url)] == []
    page.close()


def test_the_page_prints_without_the_bar(open_page: Opener) -> None:
    page = open_page()
    page.emulate_media(media="print")
    assert page.evaluate(VISIBLE, ".bar") == 0
    assert page.evaluate(VISIBLE, ".chunk") > 100


def test_printed_only_the_first_line_stands_beside_a_sections_number(
    open_page: Opener, tmp_path: Path
) -> None:
    words = "word " * 60
    place = tmp_path / "t.html"
    place.write_text(woven("# T\n\n## 1. A\n\n" + chunk("x = 1") + "".join(
        f"\n###### {number}.\n\n{words}\n" for number in range(2, 30))), "utf-8")
    page = open_page(place.as_uri())
    page.pdf(path=tmp_path / "t.pdf", format="A4")
    layout = subprocess.run(["pdftotext", "-bbox-layout", tmp_path / "t.pdf", "-"],
                            capture_output=True, text=True, check=True, timeout=60).stdout
    lines = re.findall(r'<line xMin="([\d.]+)"[^>]*>\s*(?:<word[^>]*>word</word>\s*){5}', layout)
    assert len(lines) > 60
    assert max(map(float, lines)) - min(map(float, lines)) < 1
