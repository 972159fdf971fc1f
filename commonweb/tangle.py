"""Write the code that a web means.

    {program} [WEB] [--out DIR]     write WEB's files below DIR (generated)
        --check     write nothing; status 1 if a file is not what WEB means
        --force     overwrite files that were edited since they were tangled
        --detangle  take the edits of files into WEB, then tangle it
        --lines     with the way back to WEB: #line in C, lines.json for the rest
        --draft     even if chunks are unused or not yet written, which are listed
        --watch     again whenever WEB is saved, until it is interrupted
    {program} [WEB] --root NAME     print what one chunk means
    {program} [WEB] --dump          print WEB's structure as JSON
    {program} [WEB] --reference     print what WEB's Python says of its public names
    {program} [WEB] where FILE:LINE where a line of a file was written, or where
                                    a line of WEB went
    {program} --version             print the version

WEB is a document, or several in one folder, or - for standard input; without any it is what
pyproject.toml lists as documents below [tool.commonweb].  The status is 0,
or 1 if something is wrong with the web or a file, or 2 if it is with the command.

Either everything is written or nothing is, and every file appears whole.
"""

from __future__ import annotations

import os

from . import __version__
from .documents import choose, parted, read, read_all, tell, unread
from .messages import Problem, complain, nearest, reason, run, say, warn
from .record import Record, read_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .outputs import Place
    from .web import Part, Web
    from .writing import Output

# What else is needed is imported where it is: this starts at every save, nearly always finds
# nothing changed, and then is done before Python could have imported the rest.

USAGE = ("usage: {program} [WEB ...] [--out DIR] [--lines] [--draft] [--watch] [--check | --force"
         " | --detangle | --root NAME | --dump | --reference | where FILE:LINE]")


class Options:
    """What the command line asks for; `wrong` is what is wrong with it."""

    def __init__(self, arguments: list[str], default: Sequence[str] = ()) -> None:
        self.mode = self.value = self.wrong = ""
        self.out, self.lines, self.draft = "generated", False, False
        self.watch = False
        paths, words = [], iter(arguments)
        for word in words:
            option, equals, value = word.partition("=")
            if word == "--lines":
                self.lines = True
            elif word == "--draft":
                self.draft = True
            elif word == "--watch":
                self.watch = True
            elif word in ("-h", "--help", "--version", "--dump", "--reference", "--check",
                          "--force", "--detangle"):
                self.set_mode(word)
            elif option in ("--out", "--root") or word == "where":
                value = value if equals else next(words, "")
                if not value:
                    self.wrong = f"{option} wants " + {
                        "--out": "a folder", "--root": "a name", "where": "FILE:LINE"}[option]
                elif option == "--out":
                    self.out = value
                else:
                    self.set_mode(option)
                    self.value = value
            elif not word or (word.startswith("-") and word != "-"):
                self.wrong = f"unknown option {word!r}" + nearest(
                    word, ["--out", "--root", "--dump", "--reference", "--check", "--force",
                           "--detangle", "--lines", "--draft", "--watch", "--help", "--version"])
            else:
                paths.append(word)
        if self.mode not in ("-h", "--help", "--version") and not self.wrong:
            paths, self.wrong = choose(paths, default)
        if self.watch and self.mode not in ("", "--force") and not self.wrong:
            self.wrong = f"--watch and {self.mode} do not go together"
        if self.watch and "-" in paths and not self.wrong:
            self.wrong = "--watch wants a web that is a file"
        self.paths = paths

    def set_mode(self, mode: str) -> None:
        if self.mode not in ("", mode):
            self.wrong = f"{self.mode} and {mode} do not go together"
        self.mode = mode


def main(arguments: list[str], program: str = "web-tangle", default: Sequence[str] = ()) -> int:
    options = Options(arguments, default)
    if options.wrong:
        warn(f"{program}: {options.wrong}")
        warn(USAGE.format(program=program))
        return 2
    if options.mode in ("-h", "--help"):
        say(*(__doc__ or USAGE).rstrip().format(program=program).split("\n"))
        return 0
    if options.mode == "--version":
        say(f"{program} {__version__}")
        return 0
    if options.watch:
        from .watch import watch

        return watch(lambda: tangle_once(options), lambda: options.paths, program)
    return tangle_once(options)


def tangle_once(options: Options) -> int:
    """Do what the command line asks for with what the web is now."""
    path = "<stdin>" if options.paths == ["-"] else options.paths[0]
    try:
        data = read_all(options.paths)
    except (OSError, ValueError) as error:
        wrong = getattr(error, "filename", None) or path
        return unread(path if wrong == "-" else wrong, error)
    if options.mode in ("--root", "--dump", "--reference", "where"):
        return answer(options, path, data)
    record = Record(options.paths, options.out, data, options.lines, options.draft)
    if options.mode != "--detangle":
        return produce(options, path, data, record)
    if options.paths == ["-"]:
        return complain(path, [Problem(1, 1, "--detangle wants a web that is a file")])
    return take_back(options, path, data, record)


def answer(options: Options, path: str, data: bytes) -> int:
    """Print what is asked about a web."""
    from .expansion import TooLarge, tangle
    from .outputs import check_names
    from .web import Web

    web = Web(data, options.draft)
    problems = web.problems + check_names(web)
    root = options.value if options.mode == "--root" else None
    contents: dict[str, bytes] = {}
    if not problems and root and root not in web.chunks:
        return complain(path, [Problem(1, 1, f"⟨{root}⟩ is not defined{web.hint(root)}")])
    try:
        if not problems and options.mode != "--dump":
            contents = tangle(web, [root] if root else None)
    except TooLarge as error:
        problems.append(error.problem)
    if problems:
        return tell(path, web, problems)
    if options.mode == "where":
        from .lines import where

        try:
            found = where(web, path, options.out, contents, options.value)
        except (OSError, LookupError) as error:
            warn(f"{options.value}: error: {reason(error)}")
            return 1
        say(*found)
        return 0
    if options.mode == "--reference":
        from .reference import as_text, packages, unread

        problems = [*unread(web, contents)]
        text = "\n\n".join(map(as_text, packages(web, contents)))
        if problems or not text:
            nothing = Problem(1, 1, "no reference: expected Python with an __all__")
            return complain(path, problems or [nothing], web.lines)
        say(text.encode())
        return 0
    say(contents[root] if root else dump(web).encode() + b"\n")
    return 0


def dump(web: Web) -> str:
    """The web's structure as JSON."""
    import json

    sections = [{
        "number": section.number, "title": section.title, "depth": section.depth,
        "line": section.line,
        "chunks": [{
            "name": part.name, "kind": "file" if web.chunks[part.name].is_file else "named",
            "continues": part.continues, "language": part.language, "line": part.line,
            "captures": [word.name for word in part.captures],
            "exports": [word.name for word in part.exports],
            "references": [reference.name for reference in part.references],
        } for part in section.parts],
    } for section in web.sections]
    chunks = {name: {
        "kind": "file" if chunk.is_file else "named",
        "defined_in": [] if chunk.is_missing else numbers(chunk.parts),
        "used_in": numbers(chunk.users),
    } for name, chunk in web.chunks.items()}
    return json.dumps({"sections": sections, "chunks": chunks}, ensure_ascii=False, indent=1)


def numbers(parts: list[Part]) -> list[str]:
    """The numbers of the sections where the parts stand, each once, in the document's order."""
    found = {part.section.number: part.line for part in parts if part.section}
    return sorted(found, key=lambda number: found[number])


def produce(options: Options, path: str, data: bytes, record: Record) -> int:
    """Write what a web means, or check that it is written."""
    if record.is_fresh():
        say(f"{len(record.digests)} unchanged in {options.out}")
        return 0

    from .web import Web

    web = Web(data, options.draft)
    places, contents, problems = mean(web, path, options, record)
    warnings = web.gaps if options.draft else []
    if contents and web.declares:
        from .hygiene import check

        # What is not yet written may be what a name is for.
        (warnings if warnings else problems).extend(check(web, contents))
    tell(path, web, warnings, "warning")
    if problems:
        return tell(path, web, problems)
    from .leftovers import check_leftovers, leftovers

    outputs, changed, gone = [], [], []
    try:
        outputs = to_write(web, path, data, options, places, contents)
        changed = [output for output in outputs if not is_fresh(output, options.mode)]
        gone = [*leftovers(record, [output.name for output in outputs], options.out)]
        problems = check_changes(web, path, options, changed, contents, record)
        if options.mode != "--force":
            problems += check_leftovers(record, gone, options.mode == "--check")
        if outputs and not problems and options.mode != "--check":
            replace(outputs, [*gone, *changed], options.out, record)
    except OSError as error:
        problems = [unwritten(web, places, error)]
    if problems:
        return tell(path, web, problems)
    said = [f"{verb} {', '.join([output.path for output in files])}"
            for verb, files in (("wrote", changed), ("removed", gone)) if files]
    said += [f"{len(outputs) - len(changed)} unchanged in {options.out}"] if len(outputs) > len(
        changed) else []
    say("; ".join(said))
    return 0


def mean(web: Web, path: str, options: Options, record: Record
         ) -> tuple[dict[str, Place], dict[str, bytes], list[Problem]]:
    """What a web means and where that goes; or else what is wrong with the web."""
    from .expansion import TooLarge, tangle

    places, problems = find_places(web, path, options, record)
    problems += web.problems
    try:
        return places, {} if problems else tangle(web), problems
    except TooLarge as error:
        return places, {}, [error.problem]


def to_write(
    web: Web, path: str, data: bytes, options: Options, places: dict[str, Place],
    contents: dict[str, bytes],
) -> list[Output]:
    """The files, and what stands there now."""
    from .writing import Output

    if options.lines:
        from .lines import with_lines

        contents = with_lines(web, path, data, contents)
    return [Output(name, places[name], text,
                   read_plain(places[name].path) if os.path.exists(places[name].path) else None)
            for name, text in contents.items()]


def unwritten(web: Web, places: dict[str, Place], error: OSError) -> Problem:
    """What is said where a file cannot be written."""
    parts = {places[chunk.name].path: chunk.parts[0] for chunk in web.files}
    part = parts.get(error.filename, next(iter(parts.values())))
    return Problem(part.line, part.column, f"cannot write {error.filename}: {reason(error)}")


def take_back(options: Options, path: str, data: bytes, record: Record) -> int:
    """Take what was edited in the files into the web, and tangle it.

    What the web then declares is checked when its new lines are there to be shown.
    """
    from .detangle import detangle
    from .edits import find_edits
    from .leftovers import leftovers
    from .outputs import Place
    from .web import Web
    from .writing import Output

    web, said = Web(data, options.draft), list[str]()
    places, contents, problems = mean(web, path, options, record)
    link = next(filter(os.path.islink, options.paths), "")
    if not problems and link:
        problems = [Problem(1, 1, f"{link} is a link: expected {os.path.realpath(link)}, if meant")]
    if problems:
        return tell(path, web, problems)
    new = web
    try:
        outputs = to_write(web, path, data, options, places, contents)
        coded = [output for output in outputs if output.name in contents]
        edits = find_edits(options.paths, coded, record)
        if edits:
            after, said, problems = detangle(web, data, path, edits, options.out)
            if not problems:
                new = Web(after, options.draft)
                record = Record(options.paths, options.out, after, options.lines, options.draft)
                places, contents, problems = mean(new, path, options, record)
            if not problems and read_all(options.paths) != data:
                problems = [Problem(1, 1, "was changed while its edits were taken: try again")]
            if not problems and after != data:
                outputs = to_write(new, path, after, options, places, contents)
                changed = [output for output in outputs if output.old != output.data]
                documents = [Output("", Place(name or path), *unended(text, read(name or path)))
                             for (name, text), (_, old) in zip(parted(after), parted(data))
                             if text != old]
                record.key = ""  # it is still to be checked
                gone = leftovers(record, [output.name for output in outputs], options.out)
                replace(outputs, [*documents, *changed], options.out, record, gone)
                data = after
    except OSError as error:
        problems = [unwritten(web, places, error)]
    if problems:
        return tell(path, web, problems)
    say(*said)
    return produce(options, path, data,
                   Record(options.paths, options.out, data, options.lines, options.draft))


def unended(text: bytes, old: bytes) -> tuple[bytes, bytes]:
    """A document, and what it was: if that ended within a line, it does so still."""
    return (text if old.endswith((b"\n", b"\r")) else text.removesuffix(b"\n")), old


def is_fresh(output: Output, mode: str) -> bool:
    """Whether it is there as it is meant; to who only checks, with the ends of lines that git may
    have given it."""
    return output.old == output.data or (
        mode == "--check" and (output.old or b"").replace(b"\r\n", b"\n") == output.data
        and output.old is not None)


def find_places(
    web: Web, path: str, options: Options, record: Record
) -> tuple[dict[str, Place], list[Problem]]:
    """Where the files go, and what is wrong with their names and places."""
    from .outputs import check_names, check_places

    problems = check_names(web)
    parts = {chunk.name: chunk.parts[0] for chunk in web.files}
    if options.lines and parts:
        from .lines import MAP

        if MAP in parts:
            part = parts[MAP]
            problems.append(Problem(part.line, part.column,
                                    f"⟨{MAP}⟩ is where --lines puts its map"))
        parts.setdefault(MAP, next(iter(parts.values())))
    wrong = {problem.line for problem in [*web.problems, *problems]}
    places, obstacles = check_places(
        {name: part for name, part in parts.items() if not wrong or part.line not in wrong},
        options.paths, options.out, record)
    return places, problems + obstacles


def check_changes(
    web: Web, path: str, options: Options, changed: list[Output], contents: dict[str, bytes],
    record: Record,
) -> list[Problem]:
    """What speaks against overwriting files, or against their being fresh."""
    if options.mode == "--check" and changed:
        from .edits import check_fresh

        return check_fresh(web, changed, contents)
    if options.mode != "--force" and any([output.old is not None for output in changed]):
        from .edits import check_edits

        return check_edits(web, options.paths, changed, contents, record)
    return []


def replace(outputs: list[Output], changed: list[Output], out: str, record: Record,
            left: Iterable[Output] = ()) -> None:
    """Write what has changed and remove what is among that, after the record of it; what else is
    left for the next time is still in the record."""
    from .outputs import Place
    from .writing import Output, write

    place, data = Place(record.path), record.renewed(outputs, left)
    places = [output.place for output in [*outputs, *changed]]
    if data and place.folder == record.folder:
        changed = [Output("", place, data, record.old), *changed]
        places.append(place)
    write(changed, places, Place(os.path.join(out, "")))


def command(program: str = "web-tangle", default: Sequence[str] = ()) -> None:
    """What the shell starts, by this name; without a web it takes the default."""
    run(lambda arguments, name: main(arguments, name, default), program)
