"""What is wrong with a web whose parts are well written each by itself.

A number out of order, a fence that is not closed, a name that nothing defines or nothing uses,
chunks that need each other.
"""

from __future__ import annotations

import re
from functools import cached_property

from .messages import Gap, Problem
from .notation import CLOSERS, NEARLY_HEADER, followers, names_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .web import Section, Web

# What was perhaps meant to be a header: a name in some kind of brackets, and no other words.
NEAR_HEADER = (r"[^\w⟨〈<«]*[⟨〈<«]+[ \t]*([^\s⟨⟩〈〉<>«»](?:[^⟨⟩〈〉<>«»]*[^ \t⟨⟩〈〉<>«»])?)"
               r"[ \t]*[⟩〉>»]\W*")
# What cannot stand in a document: surrogates are how bytes that are not UTF-8 were decoded.
GARBAGE = re.compile("[\0\udc80-\udcff]")


def garbage(text: str) -> Iterator[Problem]:
    """The first of each line's characters that cannot stand in a document."""
    for number, line in enumerate(text.split("\n"), 1):
        if found := GARBAGE.search(line):
            code = ord(found[0])
            yield Problem(number, found.start() + 1, "a NUL character" if not code else
                          f"byte 0x{code - 0xDC00:02X} is not UTF-8")


def faults(web: Web) -> Iterator[Problem]:
    checks = Checks(web)
    yield from checks.numbers()
    yield from checks.fences()
    yield from checks.references()
    yield from checks.chunks()
    yield from checks.cycles()


class Checks:
    """The checks of a web, in the order in which a hint of one may spare another its complaint."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def numbers(self) -> Iterator[Problem]:
        """Each section's number must follow the one before it.

        After a wrong one either it or the last right one may be followed, so that
        one slip is one error.
        """
        right = last = ""
        following = "1"
        firsts: dict[str, Section] = {}
        for section in self.web.sections if self.web.numbered else ():
            number = section.number
            first = firsts.setdefault(number, section)
            if number == following or number in followers(last) or number in followers(right):
                right = number
            else:
                expected = " or ".join(followers(right))
                again = f" again (first in line {first.line})" if first is not section else ""
                yield Problem(section.line, section.column, f"section {number}{again}: "
                              f"expected {expected}" + (f" after {right}" if right else ""))
            last = number
            following = str(int(number) + 1) if number.isdecimal() else ""
            if section.heading.level == 1:
                yield Problem(section.line, section.column, f"section {number} has a heading of "
                              "level 1: expected ## to ##### with a title, or ###### without")

    def fences(self) -> Iterator[Problem]:
        """Fences are closed, chunks stand in sections, and illustrations look like no chunks."""
        for fence in (*(part.fence for part in self.web.parts), *self.web.fences):
            if not fence.closed:
                yield Problem(fence.opens, fence.column, "unclosed fence: expected a line "
                              f"{fence.mark} after it, in the same list or quote")
        for fence in self.web.fences:
            if nearly := NEARLY_HEADER.match(fence.content):
                begin = nearly[1]
                end = f" {CLOSERS[begin]}" if begin in CLOSERS else ""
                yield Problem(*fence.place_of(nearly.end()), "not a chunk's header: expected only "
                              f"{begin} ⟨Name⟩≡{end} or {begin} ⟨Name⟩+≡{end}")
        for part in self.web.parts:
            if not part.section:
                yield Problem(part.line, part.column, f"⟨{part.name}⟩ stands before the first "
                              "section: expected a heading above it")

    def references(self) -> Iterator[Problem]:
        """What is referred to is defined, and no file; and there are files."""
        web = self.web
        for part in web.parts:
            for reference in part.references:
                used = web.chunks.get(reference.name)
                if not used or used.is_missing:
                    near = self.near_header(reference.name) or web.hint(reference.name)
                    yield Gap(reference.line, reference.column,
                              f"⟨{reference.name}⟩ is not defined{near}")
                elif used.is_file:
                    yield Problem(reference.line, reference.column,
                                  f"⟨{used.name}⟩ is a file, not to be referred to")
        if not web.files:
            near = next(filter(names_file, self.near_headers), "")
            yield Gap(1, 1, "no chunk of this web is a file, so there is nothing to write" + (
                self.near_header(near) or ": expected a name like ⟨hello.py⟩"))

    def chunks(self) -> Iterator[Problem]:
        """Every chunk is used, begun once and then continued, and in one language."""
        for chunk in self.web.chunks.values():
            first, *others = chunk.parts
            name = f"⟨{chunk.name}⟩"
            if first.continues:
                yield Problem(first.line, first.column, f"{name}+≡ continues nothing: "
                              f"expected {name}≡ the first time" + self.web.hint(chunk.name))
            elif not (chunk.is_file or chunk.users or chunk.name in self.web.mentioned):
                yield Gap(first.line, first.column, f"{name} is never used" + (
                    "" if " " in chunk.name else " (a file's name has a suffix or a /)"))
            begun = None if first.continues else first
            told = first  # the first part whose fence tells the language
            for part in others:
                if not part.continues and begun:
                    yield Problem(part.line, part.column, f"{name}≡ a second time, the first is "
                                  f"in line {begun.line}: expected {name}+≡")
                elif not part.continues:
                    begun = part
                if told.language is None:
                    told = part
                elif part.language not in (None, told.language):
                    yield Problem(part.fence.opens, part.fence.column,
                                  f"{name} is in {part.language} here, but in {told.language} "
                                  f"in line {told.fence.opens}")

    def cycles(self) -> Iterator[Problem]:
        """No chunk is part of itself."""
        for cycle in self.web.cycles:
            reference = next(reference for reference, _ in cycle[-1].references()
                             if reference.name == cycle[0].name)
            links = " → ".join([f"⟨{link.name}⟩" for link in [*cycle, cycle[0]]])
            yield Problem(reference.line, reference.column, f"a cycle: {links}")

    def near_header(self, name: str) -> str:
        """Which line may have been meant as a chunk's header, as the end of a message."""
        if name not in self.near_headers:
            return ""
        return (f"; line {self.near_headers[name]} is not read as its header: expected "
                f"a comment like # ⟨{name}⟩≡ in the first line of a fenced block")

    @cached_property
    def near_headers(self) -> dict[str, int]:
        """The lines that look like headers of chunks and are none, by their names."""
        headers = {part.line for part in self.web.parts}
        pattern, found = re.compile(NEAR_HEADER), dict[str, int]()
        for number, line in enumerate(self.web.lines, 1):
            near = pattern.fullmatch(line)
            if near and number not in headers and line.strip() != f"⟨{near[1]}⟩":
                found.setdefault(" ".join(near[1].split()), number)
        return found
