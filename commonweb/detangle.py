"""The way back: what somebody edited in tangled files is taken into the web.

The files carry no marks.  So each is compared with what it was when it was tangled, and that, line
by line, with the rows of code that it was made of: an edit goes to the part that wrote those
lines, less the indentation that a reference had handed on.  What the web has changed meanwhile is
merged with it, line by line of the document.

What cannot be decided is a problem that tells both places.  And whatever was decided is tangled
again before anything is written: if that is not the edited files, nothing is.
"""

from __future__ import annotations

import os
import re

from .edits import Base, across, unequal
from .messages import Problem
from .strings import long_strings
from .traces import Line, Stretch, Trace, indentation, rows_of
from .web import Web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .edits import Edit
    from .origins import Use
    from .web import Chunk, Part

    Row = tuple[int, str]  # its number in the part, or else -1, and its text
    Move = tuple[int, int, str]  # a line of the web, 1 if the edit is below it, and its own place

LIBRARY = "expected the library of pip install 'commonweb[detangle]'"


class Changes:
    """What is to change in a part, as a file has it at one of the part's places.

    Lines stand there `before` a row, instead of it (`rows`) or `after` it, each with its place in
    the file; `spans` of a row are replaced by other text of the web.
    """

    def __init__(self) -> None:
        self.before: dict[int, list[tuple[str, str]]] = {}
        self.rows: dict[int, list[tuple[str, str]]] = {}
        self.after: dict[int, list[tuple[str, str]]] = {}
        self.spans: dict[int, list[tuple[int, int, str]]] = {}


class Detangler:
    """Takes edits of files that were tangled from one web into it.

    `lines` are then the document's lines, `moves` where each edit went, `problems` what forbids it.
    """

    def __init__(self, base: Base, edits: list[Edit], out: str) -> None:
        self.base, self.web, self.out = base, base.web, out
        self.problems: list[Problem] = []
        self.moves: list[Move] = []
        self.lines = list(base.web.lines)
        self.changes: dict[tuple[Use, Part], Changes] = {}
        self.traces = {name: Trace(base.web, name, data.decode())
                       for name, data in base.contents.items() if data}
        self.trace_of: dict[Use, Trace] = {
            use: trace for trace in self.traces.values() for use in trace.uses}
        for edit in edits:
            self.edit(edit)
        if not self.problems:
            self.apply()
        if not self.problems:
            self.verify(edits)

    # What an edit changes.

    def edit(self, edit: Edit) -> None:
        path, trace = edit.output.path, self.traces.get(edit.output.name)
        header = self.web.chunks[edit.output.name].parts[0].line
        lines, wrong = edit.lines, next((row for row, line in enumerate(edit.lines) if any(
            "\ud800" <= sign < "\ue000" or sign in "\0\r" for sign in line)), None)
        if wrong is not None:
            self.wrong(header, f"{path}:{edit.numbers[wrong]} has a character that no web can have")
        elif not trace:
            self.wrong(header, f"{path} was empty: expected the edit made here")
        elif lines[-1]:
            self.wrong(trace.lines[-1], f"{path} ends within a line: expected its end, as tangling "
                       "writes it")
        else:
            lines, numbers = lines[:-1], [f"{path}:{number}" for number in edit.numbers]
            for begin, end, row, stop in unequal(lines, [line.text for line in trace.lines]):
                self.hunk(trace, row, stop, [*zip(lines[begin:end], numbers[begin:end])],
                          numbers[begin])

    def hunk(self, trace: Trace, row: int, stop: int, new: list[tuple[str, str]], at: str) -> None:
        """Lines of an output that somebody replaced by others."""
        old = trace.lines[row:stop]
        soles = [line.sole for line in old]
        if not old:
            self.insert(trace, row, new, at)
        elif len(old) == len(new):
            for line, (text, place) in zip(old, new):
                if line.text != text:
                    self.replace(line, text, place)
        elif not all(soles):
            wrong = next(line for line, sole in zip(old, soles) if not sole)
            self.wrong(wrong, f"{at}: the edit changes a line that several places of the web are "
                       f"put together in{self.both(wrong)}: expected it without that line")
        elif not new or follow(soles):
            for sole in soles:
                if sole:
                    self.change(sole).rows[sole.row] = []
            first = soles[0]
            assert first
            self.change(first).rows[first.row] = new
            self.moves += [(sole.line, 0, at) for sole in soles if sole]
        else:
            ends = next([a, b] for a, b in zip(soles, soles[1:])
                        if a and b and not follow([a, b]))
            one, other = map(self.name, ends)
            self.wrong(old[0], f"{at}: the edit goes across a seam: it replaces {one} and {other} "
                       "together: expected an edit of each by itself")

    def replace(self, line: Line, text: str, place: str) -> None:
        """Another text for a line: for its row, or for what changed between references."""
        if sole := line.sole:
            self.change(sole).rows[sole.row] = [(text, place)]
            self.moves.append((sole.line, 0, place))
            return
        begin = alike(line.text, text)
        same = alike(line.text[begin:][::-1], text[begin:][::-1])
        end = len(line.text) - same
        touched = [stretch for stretch in line.stretches if line.plain and stretch.at <= begin
                   and end <= stretch.end]
        if len(touched) != 1:
            self.wrong(line, f"{place}: the edit is at a seam or goes across one{self.both(line)}: "
                       "expected it within what one of them wrote")
            return
        (stretch,) = touched
        raw = [*re.findall("⟨⟨|.", stretch.raw)]
        start = stretch.begin + len("".join(raw[: begin - stretch.at]))
        after = stretch.begin + len("".join(raw[: end - stretch.at]))
        new = text[begin : len(text) - same].replace("⟨", "⟨⟨")
        self.change(stretch).spans.setdefault(stretch.row, []).append((start, after, new))
        self.moves.append((stretch.line, 0, place))

    def insert(self, trace: Trace, row: int, new: list[tuple[str, str]], at: str) -> None:
        """Lines that somebody added before this one.

        Where they may stand at several places alike, one within a part is taken.
        """
        for place, shifted in slid(trace.lines, row, new):
            after = begin_of_row(trace.lines, place)
            if after and any(follow([end, after]) for end in ends_of_rows(trace.lines, place - 1)):
                self.change(after).before.setdefault(after.row, []).extend(shifted)
                self.moves.append((after.line - 1, 1, at))
                return
        lines = trace.lines
        found = [(lines[row - 1], stretch, False) for stretch in ends_of_rows(lines, row - 1)]
        if first := begin_of_row(lines, row):
            found.append((lines[row], first, True))
        fit = [choice for choice in found if self.fits(trace, choice[1], new)]
        lead = next((indentation(text) for text, _ in new if text.strip()), None)
        alike = [choice for choice in fit if indentation(choice[0].text) == lead]
        if len(fit) != 1 and len(alike) == 1:
            fit = alike
        if len(fit) == 1:
            _, stretch, is_before = fit[0]
            change = self.change(stretch)
            rows = change.before if is_before else change.after
            rows.setdefault(stretch.row, []).extend(new)
            self.moves.append((stretch.line - is_before, 1, at))
            return
        line = lines[row - 1] if row else lines[row]
        places = [self.name(stretch) for _, stretch, _ in fit or found]
        self.wrong(line, f"{at}: what is added there may belong to {' or to '.join(places)}: "
                   "expected it in one of them by hand" if len(fit) > 1 else
                   f"{at}: what is added there fits nowhere: expected the indentation of "
                   + " or of ".join(places or ["a line beside it"]))

    def fits(self, trace: Trace, stretch: Stretch, new: list[tuple[str, str]]) -> bool:
        """Whether lines can have the indentation of what a stretch is part of."""
        indent = trace.indent(self.web, stretch.use)
        return all(text.startswith(indent) for text, _ in new if text)

    def change(self, stretch: Stretch) -> Changes:
        return self.changes.setdefault((stretch.use, stretch.part), Changes())

    # What the parts become.

    def apply(self) -> None:
        """Change the parts, if all their uses agree on what they become."""
        parts: dict[Part, list[Row]] = {}
        seen: dict[Part, Use] = {}
        changed = {part for _, part in self.changes}
        chunks = {use.name for use, _ in self.changes}
        for use, trace in self.trace_of.items():
            if use.name not in chunks:
                continue
            for part, rows in self.become(trace, use):
                if part not in changed:
                    continue
                other = parts.setdefault(part, rows)
                first = seen.setdefault(part, use)
                if [row[1] for row in other] != [row[1] for row in rows]:
                    self.wrong(part.line, f"⟨{part.name}⟩ stands at {self.place(first)} and at "
                               f"{self.place(use)}, but not with the same edits: expected them "
                               "alike")
        if not self.problems:
            for part in sorted(changed, key=lambda part: -part.line):
                self.rewrite(part, parts[part])

    def become(self, trace: Trace, use: Use) -> list[tuple[Part, list[Row]]]:
        """The rows that the parts of a chunk have, as they are edited at one of its places."""
        chunk, indent, text = self.web.chunks[use.name], trace.indent(self.web, use), ""
        found = []
        for part in chunk.parts:
            changes = self.changes.get((use, part), Changes())
            rows: list[Row] = []
            for number, raw in enumerate(rows_of(part)):
                for begin, end, new in sorted(changes.spans.get(number, ()), reverse=True):
                    raw = raw[:begin] + new + raw[end:]
                kept: list[Row | tuple[str, str]] = [(
                    number if number not in changes.spans else -1, raw)]
                for row in (*changes.before.get(number, ()), *changes.rows.get(number, kept),
                            *changes.after.get(number, ())):
                    if isinstance(row[0], str):
                        row = -1, self.unindented(row[0], row[1], chunk, text, indent, part)
                    rows.append(row)
                    if indent:
                        text += row[1] + "\n"
            found.append((part, rows))
        return found

    def unindented(self, text: str, place: str, chunk: Chunk, before: str, indent: str, part: Part
                   ) -> str:
        """A line of a file as the chunk has it, below the code that comes before."""
        if not text.startswith(indent) and text and not in_string(before, chunk):
            self.wrong(part.line, f"{place} is not indented as what ⟨{part.name}⟩ stands for there:"
                       f" expected at least {len(indent)} blanks")
        if indent and not in_string(before, chunk):
            if text and not text.strip(" \t"):
                self.wrong(part.line, f"{place} has nothing but blanks: expected none")
            text = text[len(indent) :]
        return text.replace("⟨", "⟨⟨")

    def rewrite(self, part: Part, rows: list[Row]) -> None:
        """Put other rows into the document, behind what the lists and quotes around them take."""
        first = part.place(0)[0] - 1
        lines = self.lines[first : first + part.rows]
        starts = part.fence.starts
        lead = self.lines[part.fence.opens][: max(starts[0], 0)] if starts else ""
        self.lines[first : first + part.rows] = [
            lines[number] if number >= 0 else lead + text if text else lead.rstrip(" \t")
            for number, text in rows]

    def verify(self, edits: list[Edit]) -> None:
        """Tangling gives the files as they were edited, and all others as they were."""
        again = Base(with_ends(self.base.data, self.web.lines, self.lines))
        expected = {name: data.decode().split("\n") for name, data in self.base.contents.items()}
        paths = {name: os.path.join(self.out, name) for name in expected}
        for edit in edits:
            expected[edit.output.name] = edit.lines
            paths[edit.output.name] = edit.output.path
        gaps = {gap.message for gap in self.web.gaps}
        for problem in again.web.problems + [gap for gap in again.web.gaps
                                             if gap.message not in gaps]:
            line = across([*unequal(self.web.lines, self.lines)], problem.line - 1) + 1
            self.wrong(line, f"the edits would make this: {problem.message}")
        for name, lines in expected.items():
            if self.problems:
                return
            found = again.lines(name) if name in again.contents else []
            for row, _, _, _ in unequal(lines, found):
                line = self.moves[0][0] if self.moves else 1
                self.wrong(line, f"{paths[name]}:{row + 1}: after the edits this line would be "
                           "another one: expected what tangling can write")
                break

    # What is said.

    def wrong(self, place: Line | int, message: str) -> None:
        if isinstance(place, Line):
            place = next((stretch.line for stretch in place.stretches), 1)
        self.problems.append(Problem(place, 1, message))

    def name(self, stretch: Stretch) -> str:
        return f"⟨{stretch.part.name}⟩ ({self.web.at(stretch.line)})"

    def both(self, line: Line) -> str:
        """The places that a line is put together of, as part of a message."""
        names = [self.name(stretch) for stretch in line.stretches
                 if stretch.raw.strip() or stretch.whole]
        return f", {' and '.join(dict.fromkeys(names))}" if names else ""

    def place(self, use: Use) -> str:
        """Where in the files a use of a chunk begins."""
        trace = self.trace_of[use]
        return f"{os.path.join(self.out, trace.name)}:{trace.uses[use][0][0].number}"


def alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other)) if a != b),
                min(len(one), len(other)))


def follow(stretches: Sequence[Stretch | None]) -> bool:
    """Whether they are rows of one part, at one of its places, each below the one before."""
    return all(a and b and a.use is b.use and a.part is b.part and b.row == a.row + 1
               for a, b in zip(stretches, stretches[1:]))


def begin_of_row(lines: list[Line], at: int) -> Stretch | None:
    """The stretch at the beginning of a line, if its row begins there."""
    first = lines[at].stretches[0] if at < len(lines) and lines[at].plain else None
    return first if first and not first.begin else None


def ends_of_rows(lines: list[Line], at: int) -> list[Stretch]:
    """The stretches at the end of a line that end their rows."""
    line = lines[at] if at >= 0 else None
    return [stretch for stretch in line.stretches
            if stretch.end == len(line.text)
            and stretch.begin + len(stretch.raw) == len(rows_of(stretch.part)[stretch.row])
            ] if line and line.plain else []


def slid(lines: list[Line], row: int, new: list[tuple[str, str]]
         ) -> Iterable[tuple[int, list[tuple[str, str]]]]:
    """The places where added lines may stand to make the same file, and what they then are."""
    yield row, new
    texts, at = [*new], row
    while at and lines[at - 1].text == texts[-1][0]:
        at, texts = at - 1, [texts[-1], *texts[:-1]]
        yield at, texts
    texts, at = [*new], row
    while at < len(lines) and lines[at].text == texts[0][0]:
        at, texts = at + 1, [*texts[1:], texts[0]]
        yield at, texts


def in_string(before: str, chunk: Chunk) -> bool:
    """Whether code that ends so leaves a string open."""
    spans = long_strings(before, chunk.language)
    return bool(spans) and spans[-1][1] == len(before)


# ---------------------------------------------------------------------------
# What the web changed meanwhile.


def merged(base: list[str], web: list[str], new: list[str], moves: list[Move]
           ) -> tuple[list[str], list[Problem]]:
    """The web's lines with the edits, both of which come from the base."""
    if web == base:
        return new, []
    from merge3 import Merge3

    lines: list[str] = []
    problems = []
    for region in Merge3(base, web, new).merge_regions():
        kind, begin, end = region[:3]
        if region[0] == "conflict":
            _, begin, end, first, last, _, _ = region
            places = [place for line, below, place in moves if begin < line + below <= end + 1]
            problems.append(Problem(first + 1, 1, "the web has changed here, and so has "
                                    f"{', '.join(places) or 'a file'}: expected one of both, "
                                    "or both by hand"))
            lines += web[first:last]
        else:
            lines += (base if kind == "unchanged" else new if kind == "b" else web)[begin:end]
    return lines, problems


def with_ends(data: bytes, old: list[str], new: list[str]) -> bytes:
    """A document with other lines, which end as those beside them do."""
    raw = [line for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)",
                                     data.decode("utf-8", "surrogateescape")) if line]
    whole, at = [], 0
    for begin, end, row, stop in unequal(new, old):
        ending = next((line[len(line.rstrip("\r\n")) :] for line in
                       (raw[row : row + 1] + raw[max(row - 1, 0) : row]) if line[-1] in "\r\n"),
                      "\n")
        whole += [*raw[at:row], *[line + ending for line in new[begin:end]]]
        at = stop
    return "".join(whole + raw[at:]).encode("utf-8", "surrogateescape")


def detangle(web: Web, data: bytes, path: str, edits: list[Edit], out: str
             ) -> tuple[bytes, list[str], list[Problem]]:
    """A document with the edits of its files, what to say of them, and what forbids that."""
    lines, said, moves = web.lines, list[str](), list[tuple[int, str]]()
    unknown = [edit for edit in edits if not edit.base]
    problems = [Problem(web.chunks[edit.output.name].parts[0].line, 1,
                        f"{edit.output.path} {edit.verb}, and from what is not known: expected the "
                        "record of it in build/tangled, or a commit") for edit in unknown]
    for base in {edit.base: None for edit in edits if edit.base}:
        detangler = Detangler(base, [edit for edit in edits if edit.base is base], out)
        changes = [*unequal(lines, base.web.lines)]
        for problem in detangler.problems:
            problem.line = across(changes, problem.line - 1) + 1
        problems += detangler.problems
        if detangler.problems:
            continue
        try:
            lines, conflicts = merged(base.web.lines, lines, detangler.lines, detangler.moves)
        except ModuleNotFoundError:
            conflicts = [Problem(1, 1, "the web has changed since the files were tangled, and no "
                                 f"module merge3 is there to merge both: {LIBRARY}")]
        problems += conflicts
        changes = [*unequal(lines, base.web.lines)]
        moves += [(across(changes, line - 1) + 1 + below, place)
                  for line, below, place in sorted(detangler.moves)]
    new = with_ends(data, web.lines, lines)
    after = Web(new, draft=True)
    for line, place in moves:
        name, number = after.place(line)
        said.append(f"{name or path}:{number}: took {place}")
    if not problems:
        changes = [*unequal(web.lines, lines)]
        problems = [Problem(across(changes, problem.line - 1) + 1, 1,
                            f"with the edits: {problem.message}")
                    for problem in after.problems]
    return new, said, problems
