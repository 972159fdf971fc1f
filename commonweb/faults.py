"""What is wrong with a web whose parts are well written each by itself.

A number out of order, a fence that is not closed, a name that nothing defines or nothing uses,
chunks that need each other.
"""

from __future__ import annotations

import re
from functools import cached_property

from .markdown import EXAMPLE, Document
from .messages import Gap, Problem
from .notation import (
    KNOWN, LIKE_HEADER, NEARLY_HEADER, closers, comment, followers, names_file, one_name,
)
from .strings import may_hold_strings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .markdown import Fence
    from .web import Chunk, Part, Reference, Section, Web

# What was perhaps meant to be a header: a name in some kind of brackets, and no other words.
NEAR_HEADER = (r"[^\w⟨〈<«]*[⟨〈<«]+[ \t]*([^\s⟨⟩〈〉<>«»](?:[^⟨⟩〈〉<>«»]*[^ \t⟨⟩〈〉<>«»])?)"
               r"[ \t]*[⟩〉>»]\W*")
FILE_LIKE = re.compile(r"/|\w\.\w+$")  # what may be meant as a file's name, blanks and all
# What opens a fence where CommonMark sees one, and the signs of lists and quotes.
HIDDEN = re.compile(r"((?:[ \t>]|[-+*][ \t]|[0-9]{1,9}[.)][ \t])*)"
                    r"(?=(`{3,}[^`]*|~{3,}.*)$)(([`~])\4*)")
OTHER_BRACKETS = re.compile(r"(?:<<|〈|«)([^<>〈〉«»\n]+)(?:>>|〉|»)")
CONTAINERS = re.compile(r"^(?:[ \t>]|[-+*][ \t]+|[0-9]{1,9}[.)][ \t]+)*")
# What cannot stand in a document: surrogates are how bytes that are not UTF-8 were decoded.
GARBAGE = re.compile("[\0\udc80-\udcff]")


def garbage(text: str, above: int) -> Iterator[Problem]:
    """The first of each line's characters that cannot stand in a document."""
    for number, line in enumerate(text.split("\n"), 1):
        if found := GARBAGE.search(line):
            code = ord(found[0])
            yield Problem(above + number, found.start() + 1, "a NUL character" if not code else
                          f"byte 0x{code - 0xDC00:02X} is not UTF-8")


def faults(web: Web) -> Iterator[Problem]:
    checks = Checks(web)
    yield from checks.numbers()
    yield from checks.fences()
    yield from checks.hidden()
    yield from checks.references()
    yield from checks.chunks()
    yield from checks.cycles()
    yield from checks.strings()


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
                again = (f" again (first in {self.web.at(first.line)})" if first is not section
                         else "")
                yield Problem(section.line, section.column, f"section {number}{again}: "
                              f"expected {expected}" + (f" after {right}" if right else ""))
            last = number
            following = str(int(number) + 1) if number.isdecimal() else ""
        for heading in self.web.bare:
            yield Problem(heading.line, heading.column, "a heading without a number: expected one, "
                          "as nearly all headings of this web have it")

    def fences(self) -> Iterator[Problem]:
        """Fences are closed, chunks stand in sections, and illustrations look like no chunks."""
        for fence in self.web.all_fences:
            if not fence.closed:
                yield Problem(fence.opens, fence.column, "unclosed fence: expected a line "
                              f"{fence.mark} after it, in the same list or quote")
        for fence in self.web.fences:
            if not fence.only_shown:
                yield from self.nearly_headers(fence)
        for part in self.web.parts:
            if not part.section:
                yield Problem(part.line, part.column, f"⟨{part.name}⟩ stands before the first "
                              "section: expected a heading above it")

    def nearly_headers(self, fence: Fence) -> Iterator[Problem]:
        """What in an illustration looks like a header: a comment in its first line that begins with
        a name, or in any line a name with a sign."""
        nearly, form = NEARLY_HEADER.match(fence.content), comment(fence.language)
        if nearly and closers(nearly[2]):
            form = nearly[2], max(closers(nearly[2]))
        else:
            nearly = LIKE_HEADER.search(fence.content)
        if nearly:
            self.web.mentioned.add(" ".join(nearly[3].split()))
            first, others = [" ".join([form[0], header, form[1]]).rstrip()
                             for header in ("⟨Name⟩≡", "⟨Name⟩+≡")]
            yield Problem(*fence.place_of(nearly.end(1)), f"not a chunk's header: expected only "
                          f"{first} or {others} in the first line, or the word example after "
                          f"{fence.mark} for what is only shown")

    def hidden(self) -> Iterator[Problem]:
        """Nothing outside of fences looks like a header, or like a fence and one below it."""
        for line, like in self.like_headers():
            opening = self.hidden_fence(line)
            self.web.mentioned.add(" ".join(like[3].split()))
            if opening and not EXAMPLE.search(opening[2]):
                blanks = len(opening[1].expandtabs(4))
                yield Problem(line, len(like[1]) + 1, "this stands in no fenced block: the line "
                              f"{opening[3]} above is " + (
                                  "indented too far: expected less than four blanks" if blanks > 3
                                  else "part of HTML: expected an empty line before it, or --> at "
                                  "a comment's end"))
            elif not opening and closers(CONTAINERS.sub("", like[1]).strip()):
                yield Problem(line, len(like[1]) + 1, "this stands in no fenced block: expected "
                              "a line ``` above it")

    def like_headers(self) -> Iterator[tuple[int, re.Match[str]]]:
        """What outside of fences looks like a header, with its line."""
        fences: dict[int, list[tuple[int, int]]] = {}
        for fence in self.web.all_fences:
            fences.setdefault(fence.document.above, []).append((fence.at, fence.end))
        for _, above, text in self.web.documents:
            document, begin = Document(text, above), 0
            for at, end in [*sorted(fences.get(above, ())), (len(text), len(text))]:
                for like in LIKE_HEADER.finditer(text, begin, at):
                    yield document.place(like.end(1))[0], like
                begin = end

    def hidden_fence(self, line: int) -> re.Match[str] | None:
        """What is no fence and would be one that has this line among its first ones."""
        for row in range(line - 2, max(line - 5, -1), -1):
            if opening := HIDDEN.match(self.web.lines[row]):
                return opening
        return None

    def references(self) -> Iterator[Problem]:
        """What is referred to is defined, and no file; and there are files."""
        web = self.web
        for part in web.parts:
            yield from self.other_brackets(part)
            for reference in part.references:
                used = web.chunks.get(reference.name)
                if (not used or used.is_missing) and reference.name not in web.mentioned:
                    near = self.near_header(reference.name) or web.hint(reference.name)
                    yield Gap(reference.line, reference.column,
                              f"⟨{reference.name}⟩ is not defined{near}")
                elif used and used.is_file:
                    yield Problem(reference.line, reference.column,
                                  f"⟨{used.name}⟩ is a file, not to be referred to")
        if not (web.files or any(map(names_file, web.mentioned))):
            yield Gap(1, 1, "no chunk of this web is a file, so there is nothing to write: "
                      "expected a name like ⟨hello.py⟩")

    def other_brackets(self, part: Part) -> Iterator[Problem]:
        """What would be a reference, if its brackets were those of references."""
        for match in OTHER_BRACKETS.finditer(part.text):
            name = " ".join(match[1].split())
            if name in self.web.chunks:
                self.web.mentioned.add(name)
                yield Problem(*part.place_of(match.start()), f"{match[0]} is no reference: "
                              f"expected ⟨{name}⟩")

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
                    "" if " " in chunk.name and not FILE_LIKE.search(chunk.name) else
                    " (a file's name has a suffix or a / and no blanks, or begins with ./, as in "
                    f"⟨./{chunk.name}⟩)"))
            begun = None if first.continues else first
            told = first  # the first part whose fence tells the language
            for part in others:
                if not part.continues and begun:
                    yield Problem(part.line, part.column, f"{name}≡ a second time, the first is "
                                  f"in {self.web.at(begun.line)}: expected {name}+≡")
                elif not part.continues:
                    begun = part
                if told.language is None:
                    told = part
                elif part.language and one_name(part.language) != one_name(told.language):
                    yield Problem(part.fence.opens, part.fence.column,
                                  f"{name} is in {part.language} here, but in {told.language} "
                                  f"in {self.web.at(told.fence.opens)}")

    def cycles(self) -> Iterator[Problem]:
        """No chunk is part of itself."""
        for cycle in self.web.cycles:
            reference = next(reference for reference, _ in cycle[-1].references()
                             if reference.name == cycle[0].name)
            links = " → ".join([f"⟨{link.name}⟩" for link in [*cycle, cycle[0]]])
            yield Problem(reference.line, reference.column, f"a cycle: {links}")

    def strings(self) -> Iterator[Problem]:
        """No indentation is passed on into what may be a string, for all that is known."""
        unsure = {chunk for chunk in self.web.chunks.values()
                  if chunk.language not in KNOWN and may_hold_strings(chunk.text)}
        indented: dict[Chunk, Reference] = {}  # and by which reference
        for chunk in reversed(self.web.order if unsure and not self.web.cycles else []):
            text = chunk.text
            for reference, start in chunk.references():
                if used := self.web.chunks.get(reference.name):
                    if start and text[start - 1] != "\n":
                        indented.setdefault(used, reference)
                    elif chunk in indented:
                        indented.setdefault(used, indented[chunk])
        for chunk in unsure & indented.keys():
            reference = indented[chunk]
            why = f"{chunk.language} is not known here" if chunk.language else (
                "its block names no language")
            yield Problem(reference.line, reference.column, "indentation would be passed on into "
                          f"⟨{chunk.name}⟩, perhaps into strings of several lines: {why}; expected "
                          "the reference at the beginning of a line, or the language text for what "
                          "has no such strings")

    def near_header(self, name: str) -> str:
        """Which line may have been meant as a chunk's header, as the end of a message."""
        if name not in self.near_headers:
            return ""
        return (f"; {self.web.at(self.near_headers[name])} is not read as its header: expected "
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
