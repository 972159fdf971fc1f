"""Write the code that a web means.

    {program} [WEB] [--out DIR]     write WEB's files (sockets.md) below DIR (generated)
        --check     write nothing; status 1 if a file is not what WEB means
        --force     overwrite files that were edited since they were tangled
        --lines     with the way back to WEB: #line in C, lines.json for the rest
    {program} [WEB] --root NAME     print what one chunk means
    {program} [WEB] --dump          print WEB's structure as JSON
    {program} [WEB] where FILE:LINE where a line of a file was written, or where
                                    a line of WEB went
    {program} --version             print the version

WEB may be - for standard input.  The status is 0, or 1 if something is wrong with
the web or a file, or 2 if it is with the command.

Either everything is written or nothing is, and every file appears whole.
"""

from __future__ import annotations

import os
import posixpath
import sys

from . import __version__
from .messages import Problem, complain, nearest, reason, say
from .outputs import Output, Record, check_names, check_places, sweep, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .web import Part, Web

# What else is needed is imported where it is: this starts at every save, nearly always finds
# nothing changed, and then is done before Python could have imported the rest.

USAGE = ("usage: {program} [WEB] [--out DIR] [--lines] [--check | --force | --root NAME | --dump"
         " | where FILE:LINE]")


class Options:
    """What the command line asks for; `wrong` is what is wrong with it."""

    def __init__(self, arguments: list[str]) -> None:
        self.mode = self.value = self.wrong = ""
        self.out, self.lines = "generated", False
        paths, words = [], iter(arguments)
        for word in words:
            option, equals, value = word.partition("=")
            if word == "--lines":
                self.lines = True
            elif word in ("-h", "--help", "--version", "--dump", "--check", "--force"):
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
                    word, ["--out", "--root", "--dump", "--check", "--force", "--lines", "--help",
                           "--version"])
            else:
                paths.append(word)
        if len(paths) > 1 and not self.wrong:
            self.wrong = f"expected one web, but got {' and '.join(paths)}"
        self.path = paths[0] if paths else "sockets.md"

    def set_mode(self, mode: str) -> None:
        if self.mode not in ("", mode):
            self.wrong = f"{self.mode} and {mode} do not go together"
        self.mode = mode


def main(arguments: list[str], program: str = "web-tangle") -> int:
    options = Options(arguments)
    if options.wrong:
        say(f"{program}: {options.wrong}", sys.stderr)
        say(USAGE.format(program=program), sys.stderr)
        return 2
    if options.mode in ("-h", "--help"):
        print((__doc__ or USAGE).rstrip().format(program=program))
        return 0
    if options.mode == "--version":
        print(f"{program} {__version__}")
        return 0
    path = options.path
    try:
        if path == "-":
            path, data = "<stdin>", sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except (OSError, ValueError) as error:
        folder = os.path.dirname(path) or "."
        near = nearest(os.path.basename(path), os.listdir(folder) if os.path.isdir(folder) else [])
        return complain(path, [Problem(1, 1, f"cannot be read: {reason(error)}{near}")])
    if options.mode in ("--root", "--dump", "where"):
        return answer(options, path, data)
    return produce(options, path, data)


def answer(options: Options, path: str, data: bytes) -> int:
    """Print what is asked about a web."""
    from .expansion import tangle
    from .web import Web

    web = Web(data)
    check_names(web)
    root = options.value if options.mode == "--root" else None
    contents: dict[str, bytes] = {}
    if not web.problems and root and root not in web.chunks:
        return complain(path, [Problem(1, 1, f"⟨{root}⟩ is not defined{web.hint(root)}")])
    if not web.problems and options.mode != "--dump":
        contents = tangle(web, [root] if root else None)
    if web.problems:
        return complain(path, web.problems, web.lines)
    if options.mode == "where":
        from .lines import where

        try:
            for line in where(web, path, options.out, contents, options.value):
                say(line, sys.stdout)
        except (OSError, LookupError) as error:
            say(f"{options.value}: error: {reason(error)}", sys.stderr)
            return 1
        return 0
    sys.stdout.flush()
    sys.stdout.buffer.write(contents[root] if root else dump(web).encode() + b"\n")
    sys.stdout.flush()
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
        "defined_in": numbers(chunk.parts),
        "used_in": numbers(chunk.users),
    } for name, chunk in web.chunks.items()}
    return json.dumps({"sections": sections, "chunks": chunks}, ensure_ascii=False, indent=1)


def numbers(parts: list[Part]) -> list[str]:
    """The numbers of the sections where the parts stand, each once, in the document's order."""
    found = {part.section.number: part.line for part in parts if part.section}
    return sorted(found, key=lambda number: found[number])


def produce(options: Options, path: str, data: bytes) -> int:
    """Write what a web means, or check that it is written."""
    out = options.out
    record = Record(path, out, data, options.lines)
    if options.mode != "--check":
        sweep({os.path.dirname(posixpath.join(out, name)) for name in record.digests})
    if record.is_fresh(out):
        say(f"{len(record.digests)} unchanged in {out}", sys.stdout)
        return 0

    from .expansion import tangle
    from .web import Web

    web = Web(data)
    check_names(web)
    places = check_places(web, path, out)
    if options.lines:
        from .lines import MAP, with_lines

        if MAP in web.chunks:
            part = web.chunks[MAP].parts[0]
            web.error(part.line, part.column, f"⟨{MAP}⟩ is where --lines puts its map")
    contents = {} if web.problems else tangle(web)
    problems = web.problems
    if contents and web.declares:
        from .hygiene import check

        problems = [*problems, *check(web, contents)]
    if problems:
        return complain(path, problems, web.lines)

    outputs = []
    try:
        written = with_lines(web, path, data, contents) if options.lines else contents
        for name, text in written.items():
            place, old = places.get(name, posixpath.join(out, name)), None
            if os.path.exists(place):
                with open(place, "rb") as file:
                    old = file.read()
            outputs.append(Output(name, place, text, old))
        changed = [output for output in outputs if output.old != output.data]
        if options.mode == "--check" and changed:
            from .edits import check_fresh

            check_fresh(web, changed, contents)
        elif options.mode != "--force" and any([output.old is not None for output in changed]):
            from .edits import check_edits

            check_edits(web, path, changed, contents, record)
        if not web.problems and options.mode != "--check":
            renewed = record.renewed(outputs)
            write([renewed, *changed] if renewed else changed)
    except OSError as error:
        parts = {places[name]: web.chunks[name].parts[0] for name in contents}
        part = parts.get(error.filename, next(iter(parts.values())))
        web.error(part.line, part.column, f"cannot write {error.filename}: {reason(error)}")
    if web.problems:
        return complain(path, web.problems, web.lines)
    said = [f"wrote {', '.join([output.path for output in changed])}"] if changed else []
    said += [f"{len(outputs) - len(changed)} unchanged in {out}"] if len(outputs) > len(
        changed) else []
    say("; ".join(said), sys.stdout)
    return 0


def command(program: str = "web-tangle") -> None:
    """What the shell starts, by this name."""
    import gc

    gc.disable()  # nothing here is garbage before the end
    try:
        status = main(sys.argv[1:], program)
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except OSError:  # nobody reads what we print, or its disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 1
    sys.stderr.flush()
    os._exit(status)  # what the web was read into need not be taken apart

