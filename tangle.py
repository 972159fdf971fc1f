"""tangle: write the code that a web means.

    python3 tangle.py [WEB] [--out DIR]     write WEB's files (sockets.md) below DIR (generated)
        --check     write nothing; status 1 if a file is not what WEB means
        --force     overwrite files that were edited since they were tangled
        --lines     with the way back to WEB: #line in C, lines.json for the rest
    python3 tangle.py [WEB] --root NAME     print what one chunk means
    python3 tangle.py [WEB] --dump          print WEB's structure as JSON
    python3 tangle.py [WEB] where FILE:LINE where a line of a file was written, or where
                                            a line of WEB went

WEB may be - for standard input.  The status is 0, or 1 if something is wrong with
the web or a file, or 2 if it is with the command.

Either everything is written or nothing is, and every file appears whole.
"""

from __future__ import annotations

import os
import re
import stat
import sys

from expansion import tangle
from messages import complain, say
from web import LANGUAGES, Chunk, Part, Problem, Run, Web, runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# ---------------------------------------------------------------------------
# The way back.

C_SUFFIXES = {"c", "h", "cc", "hh", "cpp", "hpp", "cxx", "hxx"}
MAP = "lines.json"


def with_lines(
    web: Web, path: str, data: bytes, contents: dict[str, bytes]
) -> dict[str, bytes]:
    """The outputs with the way back to the web: #line in C, and a map for the rest.

    The map tells of each run of characters its line and column in the output and
    those in the web, and of which web, by its digest, it tells.
    """
    import json

    found, files = {}, {}
    for name, output in contents.items():
        code = output.decode()
        origins = runs(web, name, code)
        if name.rpartition(".")[2] in C_SUFFIXES:
            found[name] = lined(code, origins, path).encode()
        else:
            found[name] = output
            files[name] = [[run.line, run.column, *run.place()] for run in origins]
    found[MAP] = json.dumps({"web": path, "digest": digest(data), "files": files},
                            separators=(",", ":")).encode() + b"\n"
    return found


def lined(code: str, origins: Iterable[Run], path: str) -> str:
    """C code with a #line wherever the next line is not written below the last one."""
    written: dict[int, int] = {}
    for run in origins:
        written.setdefault(run.line, run.place()[0])
    name = path.replace("\\", "/").replace('"', '\\"')
    joined, lines = joined_lines(code), []
    follows: int | None = None
    for number, line in enumerate(code.split("\n"), 1):
        place = written.get(number, follows)
        if place != follows and number not in joined:
            lines.append(f'#line {place} "{name}"')
            follows = place
        lines.append(line)
        follows = follows and follows + 1
    return "\n".join(lines)


def joined_lines(code: str) -> set[int]:
    """The lines of C before which no directive may stand.

    They begin inside a comment, after a backslash, or between parentheses, which
    may be a macro's.  (A brace in the first column closes what is open in one branch
    of an #if only.)
    """
    found: set[int] = set()
    line, depth = 1, 0
    for match in re.finditer(LANGUAGES["c"] + r"|\\\n|[()\n]", code):
        token = match[0]
        if token == "(":
            depth += 1
        elif token == ")":
            depth = max(depth - 1, 0)
        elif token != "\n":
            found.update(range(line + 1, line + 1 + token.count("\n")))
        elif code.startswith("}", match.end()):
            depth = 0
        elif depth:
            found.add(line + 1)
        line += token.count("\n")
    return found


def where(web: Web, path: str, out: str, contents: dict[str, bytes], place: str) -> list[str]:
    """The places that a line of an output, or of the web, has on the other side.

    A line that is empty has the place of what stands before it.
    """
    asked = re.fullmatch(r"(.+?):([0-9]{1,9})(?::([0-9]{1,9}))?", place)
    if not asked:
        raise LookupError("not a place: expected FILE:LINE or FILE:LINE:COLUMN")
    file, line, column = asked[1], int(asked[2]), int(asked[3] or 0)
    found: dict[tuple[str, int], str] = {}
    if os.path.realpath(file) == os.path.realpath(path):
        for name, data in contents.items():
            for run in runs(web, name, data.decode()):
                first = run.place()
                if first[0] == line and (not column or 0 <= column - first[1] < len(run.text)):
                    found.setdefault((name, run.line), f"{os.path.join(out, name)}:"
                                     f"{run.line}:{run.column}: ⟨{run.part.name}⟩")
        if not found:
            raise LookupError("no output has this line: expected a line of a chunk's code")
        return list(found.values())
    relative = os.path.relpath(os.path.realpath(file), os.path.realpath(out))
    name = relative.replace(os.sep, "/")
    if name not in contents:
        raise LookupError(f"{file} is neither {path} nor one of its files in {out}"
                          + nearest(name, contents))
    with open(file, "rb") as stream:
        if stream.read() != contents[name]:
            raise LookupError(f"{file} is not what {path} means now: tangle first")
    best: Run | None = None
    for run in runs(web, name, contents[name].decode()):
        if run.line > line or (best and best.line == line and run.column > column):
            break
        best = run
    if not best or line > contents[name].count(b"\n"):
        raise LookupError(f"{file} has no line {line} of code")
    number = best.part.section.number if best.part.section else "?"
    written = ":".join(map(str, best.place(
        max(0, min(column - best.column, len(best.text) - 1)) if best.line == line else 0)))
    return [f"{path}:{written}: §{number}, ⟨{best.part.name}⟩"]


# ---------------------------------------------------------------------------
# Writing.


class Output:
    """A file to write: its name, where, what, and what stands there now (None: nothing)."""

    def __init__(self, name: str, path: str, data: bytes, old: bytes | None) -> None:
        self.name, self.path, self.data, self.old = name, path, data, old
        self.temporary, self.backup = "", ""


def check_names(web: Web) -> None:
    """A file's name is a path of plain parts, and no two name the same place."""
    seen: dict[str, Chunk] = {}
    for chunk in web.chunks.values():
        if not chunk.is_file:
            continue
        name, part = chunk.name, chunk.parts[0]
        if name.startswith("/") or "\\" in name or ":" in name:
            web.error(part.line, part.column, f"⟨{name}⟩ leads out of the output folder: "
                      "expected a relative path, its parts joined by /")
        elif ".." in name.split("/"):
            web.error(part.line, part.column, f"⟨{name}⟩ leads out of the output folder: "
                      "expected a path without ..")
        elif {"", "."} & set(name.split("/")):
            web.error(part.line, part.column, f"⟨{name}⟩ is not a plain path: expected parts "
                      "that are neither empty nor . between single /")
        else:
            key = name.casefold()
            if not key.isascii():  # some systems compose accents in names, some do not
                import unicodedata

                key = unicodedata.normalize("NFC", key)
            other = seen.setdefault(key, chunk)
            if other is not chunk:
                web.error(part.line, part.column, f"⟨{name}⟩ and ⟨{other.name}⟩ (line "
                          f"{other.parts[0].line}) are one file on some systems")
    for key, chunk in seen.items():
        part, above = chunk.parts[0], key.rpartition("/")[0]
        while above:
            if above in seen:
                web.error(part.line, part.column, f"⟨{chunk.name}⟩ needs a folder where "
                          f"⟨{seen[above].name}⟩ (line {seen[above].parts[0].line}) is a file")
            above = above.rpartition("/")[0]


def check_places(web: Web, path: str, out: str) -> dict[str, str]:
    """Where the files go, unless something stands in the way.  Nothing is written yet."""
    places: dict[str, str] = {}
    taken = {os.path.realpath(path): "the web itself"}
    wrong = {problem.line for problem in web.problems}
    for name, chunk in web.chunks.items():
        part = chunk.parts[0]
        if not chunk.is_file or part.line in wrong:
            continue
        places[name] = os.path.join(out, *name.split("/"))
        try:
            obstacle = find_obstacle(places[name], out)
            real = os.path.realpath(places[name])
            if not obstacle and real in taken:
                obstacle = f"would replace {taken[real]}"
            taken[real] = f"⟨{name}⟩"
        except (OSError, ValueError) as error:
            obstacle = f"cannot be written: {reason(error)}"
        if obstacle:
            web.error(part.line, part.column, f"⟨{name}⟩ {obstacle}")
    return places


def find_obstacle(target: str, out: str) -> str:
    """What forbids writing this file, or nothing."""
    above = os.path.dirname(target)
    while above and not os.path.lexists(above):
        above = os.path.dirname(above)
    if above and not os.path.isdir(above):
        return f"needs a folder where {above} is a file"
    base = os.path.join(os.path.realpath(out), "")
    for end in (os.path.dirname(target), target):
        if not os.path.join(os.path.realpath(end), "").startswith(base):
            return f"leads out of {out} through a link"
    if os.path.isdir(target):
        return f"would replace the folder {target}"
    if os.path.exists(target) and not os.path.isfile(target):
        return f"would replace {target}, which is not a plain file"
    return ""


def write(outputs: list[Output]) -> None:
    """Write all or nothing: everything that can fail comes before the first replacement."""
    made: list[str] = []
    replaced: list[Output] = []
    sweep({os.path.dirname(output.path) for output in outputs})
    try:
        for number, output in enumerate(outputs):
            folder = os.path.dirname(output.path)
            make_folders(folder, made)
            temporary = os.path.join(folder, f".tangle-{os.getpid()}-{number}")
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY
                             | getattr(os, "O_BINARY", 0), 0o666)
            output.temporary = temporary
            with open(handle, "wb") as file:
                file.write(output.data)
            if output.old is not None:
                os.chmod(temporary, stat.S_IMODE(os.stat(output.path).st_mode))
                try:  # a second name for the old file, to go back to
                    os.link(output.path, temporary + "-old", follow_symlinks=False)
                    output.backup = temporary + "-old"
                except (OSError, NotImplementedError):
                    pass  # not every file system has them
        for output in outputs:
            os.replace(output.temporary, output.path)
            output.temporary = ""
            replaced.append(output)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename = output.path  # better known than the temporary file
        for done in reversed(replaced):
            if done.backup:
                os.replace(done.backup, done.path)
                done.backup = ""
            elif done.old is None:
                os.unlink(done.path)
        raise
    else:
        made.clear()
    finally:
        for output in outputs:
            for left in (output.temporary, output.backup):
                if left:
                    os.unlink(left)
        for folder in reversed(made):
            os.rmdir(folder)


def sweep(folders: set[str]) -> None:
    """Remove what a process that was killed has left in these folders."""
    if os.name != "posix":
        return
    for folder in folders:
        try:
            for name in os.listdir(folder):
                left = re.fullmatch(r"\.tangle-([0-9]{1,9})-[0-9]+(?:-old)?", name)
                if left and not is_alive(int(left[1])):
                    os.unlink(os.path.join(folder, name))
        except OSError:
            pass  # it is only about tidiness


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def make_folders(folder: str, made: list[str]) -> None:
    """Make a folder and those above it, and note which ones are new."""
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(missing):
        os.mkdir(folder)
        made.append(folder)


# ---------------------------------------------------------------------------
# Losing nothing.
#
# A file is overwritten only if it is known to be tangled.  It is if its digest is in the
# record of the last run; or else, where that is missing or of another branch, if it
# is what the web meant in the commit that last changed it.  So there is no mark in
# the outputs and no file of digests in the repository, where they would conflict.


def digest(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()


TOOLS = ("web", "expansion", "hygiene", "tangle")  # on which it depends what is written


class Record:
    """The digests of what was last tangled from a web to a folder.

    It lies in the folder `build` beside the web: first `key`, the digest of all that
    decided what was written, then for each output the digests of what it is
    and of what it was.  The record is written before the outputs, so a process that is killed in
    between leaves nothing that would seem to be edited.
    """

    def __init__(self, path: str, out: str, data: bytes, lines: bool) -> None:
        home = os.path.realpath(os.path.dirname(path) or ".")
        self.key = digest(data + repr((path, lines)).encode())
        for module in TOOLS:
            with open(os.path.join(os.path.dirname(__file__), f"{module}.py"), "rb") as file:
                self.key = digest(self.key.encode() + file.read())
        name = digest(repr((os.path.basename(path), os.path.relpath(
            os.path.realpath(out), home), lines)).encode())[:16]
        self.path = os.path.join(home, "build", "tangled", name)
        self.old: bytes | None = None
        self.digests: dict[str, list[str]] = {}
        try:
            with open(self.path, "rb") as file:
                self.old = file.read()
        except OSError:
            return
        for line in self.old.decode("utf-8", "replace").split("\n")[1:]:
            now, before, name = [*line.split(" ", 2), "", ""][:3]
            if name:
                self.digests[name] = [now, before]

    def is_fresh(self, out: str) -> bool:
        """Whether everything is as it was written, and would be written again."""
        if not self.old or not self.old.startswith(self.key.encode()) or not self.digests:
            return False
        try:
            for name, (now, _) in self.digests.items():
                with open(os.path.join(out, *name.split("/")), "rb") as file:
                    if digest(file.read()) != now:
                        return False
        except OSError:
            return False
        return True

    def renewed(self, outputs: list[Output]) -> Output | None:
        """The record to write with these outputs, unless there is no place for it."""
        lines = [self.key]
        for output in outputs:
            now = digest(output.data)
            before = now if output.old in (None, output.data) else digest(output.old or b"")
            lines.append(f"{now} {before} {output.name}")
        data = "\n".join([*lines, ""]).encode()
        above = os.path.dirname(self.path)
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        if data == self.old or not os.path.isdir(above) or not os.access(above, os.W_OK):
            return None
        return Output(self.path, self.path, data, self.old)


def committed(path: str, target: str) -> bytes:
    """The web as it was in the commit that last changed an output; nothing if git has none."""
    import subprocess

    def git(*words: str) -> bytes:
        return subprocess.run(["git", "-C", os.path.dirname(path) or ".", *words], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True).stdout

    try:
        commit = git("log", "-1", "--format=%H", "--", os.path.abspath(target)).decode().strip()
        return git("show", f"{commit}:./{os.path.basename(path)}") if commit else b""
    except (OSError, subprocess.CalledProcessError):
        return b""


def check_edits(
    web: Web, path: str, outputs: list[Output], contents: dict[str, bytes], record: Record
) -> None:
    """Complain of outputs that would be overwritten and are not known to be tangled."""
    meant: dict[bytes, dict[str, bytes]] = {b"": {}}
    for output in outputs:
        if output.old is None or output.old == output.data or output.name not in contents:
            continue
        if os.path.islink(output.path):  # only the link is replaced
            continue
        known = record.digests.get(output.name, [])
        if digest(output.old) in known:
            continue
        then = committed(path, output.path)
        if then not in meant:
            before = Web(then)
            meant[then] = {} if before.problems else tangle(before)
        if output.old.replace(b"\r\n", b"\n") == meant[then].get(output.name):
            continue  # (git may have written the other ends of lines)
        verb = "was edited since it was tangled" if known or output.name in meant[then] else (
            "is not known to be tangled")
        found = list(differences(web, output, contents[output.name].decode()))
        for line, column, section, rows, notes in found[:3]:
            more = f" (and in {len(found) - 3} more places)" if len(found) > 3 else ""
            web.error(line, column, f"{output.path} {verb}: {rows} not what §{section} says here"
                      f"{more}; move the edit here, or lose it with --force", notes)


def check_fresh(web: Web, outputs: list[Output], contents: dict[str, bytes]) -> None:
    """Complain of outputs that are not what the web means."""
    for output in outputs:
        if output.old == output.data or output.name not in contents:
            continue
        if output.old is None:
            part = web.chunks[output.name].parts[0]
            web.error(part.line, part.column, f"{output.path} is missing: expected it tangled")
            continue
        for line, column, _, rows, notes in differences(web, output,
                                                        contents[output.name].decode()):
            web.error(line, column, f"{output.path} is not fresh: {rows} not what is said here",
                      notes)
            break


def differences(
    web: Web, output: Output, code: str
) -> Iterator[tuple[int, int, str, str, list[str]]]:
    """Where what stands in an output's file differs from what is to be written.

    Each time: line, column and section of the web, which lines of the file, and
    what these lines are, as notes.  `code` is the output without any #line.
    """
    old = (output.old or b"").decode("utf-8", "replace").split("\n")
    new = output.data.decode().split("\n")
    written = {run.line: run for run in reversed(list(runs(web, output.name, code)))}
    header = web.chunks[output.name].parts[0]
    for begin, end, row, stop in unequal(old, new):
        plain = row + 1
        if output.data != code.encode():
            plain -= sum([line.startswith("#line ") for line in new[: row + 1]])
        run = next((written[line] for line in [*range(plain, plain + stop - row),
                                               *range(plain - 1, 0, -1)] if line in written), None)
        line, column = run.place() if run else (header.line, header.column)
        section = (run.part if run else header).section
        rows = (f"lines {begin + 1} to {end} are" if end > begin + 1 else
                f"line {end} is" if end > begin else f"what follows line {begin} is")
        notes = [f"{output.path}:{number + 1}: {old[number]}" for number in range(begin, end)]
        if len(notes) > 4:
            notes[3:] = ["..."]
        yield line, column, section.number if section else "?", rows, notes


def unequal(old: list[str], new: list[str]) -> Iterator[tuple[int, int, int, int]]:
    """The spans of two lists of lines that differ."""
    first, last = 0, 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    rows, columns = len(old) - last, len(new) - last
    if (rows - first) * (columns - first) > 1000000:  # comparing would take long
        yield first, rows, first, columns
        return
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, old[first:rows], new[first:columns], False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            yield first + a, first + b, first + c, first + d


# ---------------------------------------------------------------------------
# The command.


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
        "used_in": numbers([use.part for use in chunk.uses]),
    } for name, chunk in web.chunks.items()}
    return json.dumps({"sections": sections, "chunks": chunks}, ensure_ascii=False, indent=1)


def numbers(parts: list[Part]) -> list[str]:
    """The numbers of the sections where the parts stand, each once, in the document's order."""
    found = {part.section.number: part.line for part in parts if part.section}
    return sorted(found, key=lambda number: found[number])


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def nearest(name: str, names: Iterable[str]) -> str:
    """The nearest other name, as the end of a message."""
    from difflib import get_close_matches

    near = get_close_matches(name, names, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


USAGE = ("usage: tangle.py [WEB] [--out DIR] [--lines] [--check | --force | --root NAME | --dump"
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
            elif word in ("-h", "--help", "--dump", "--check", "--force"):
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
                    word, ["--out", "--root", "--dump", "--check", "--force", "--lines", "--help"])
            else:
                paths.append(word)
        if len(paths) > 1 and not self.wrong:
            self.wrong = f"expected one web, but got {' and '.join(paths)}"
        self.path = paths[0] if paths else "sockets.md"

    def set_mode(self, mode: str) -> None:
        if self.mode not in ("", mode):
            self.wrong = f"{self.mode} and {mode} do not go together"
        self.mode = mode


def main(arguments: list[str]) -> int:
    options = Options(arguments)
    if options.wrong:
        say(f"tangle.py: {options.wrong}", sys.stderr)
        say(USAGE, sys.stderr)
        return 2
    if options.mode in ("-h", "--help"):
        print(__doc__.rstrip() if __doc__ else USAGE)
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


def produce(options: Options, path: str, data: bytes) -> int:
    """Write what a web means, or check that it is written."""
    out = options.out
    record = Record(path, out, data, options.lines)
    if options.mode != "--check":
        sweep({os.path.dirname(os.path.join(out, name)) for name in record.digests})
    if record.is_fresh(out):
        say(f"{len(record.digests)} unchanged in {out}", sys.stdout)
        return 0
    web = Web(data)
    check_names(web)
    places = check_places(web, path, out)
    if options.lines and MAP in web.chunks:
        part = web.chunks[MAP].parts[0]
        web.error(part.line, part.column, f"⟨{MAP}⟩ is where --lines puts its map")
    contents = {} if web.problems else tangle(web)
    if contents and web.declares:
        from hygiene import check

        check(web, contents)
    if web.problems:
        return complain(path, web.problems, web.lines)

    outputs = []
    try:
        written = with_lines(web, path, data, contents) if options.lines else contents
        for name, text in written.items():
            place, old = places.get(name, os.path.join(out, name)), None
            if os.path.exists(place):
                with open(place, "rb") as file:
                    old = file.read()
            outputs.append(Output(name, place, text, old))
        if options.mode == "--check":
            check_fresh(web, outputs, contents)
        elif options.mode != "--force":
            check_edits(web, path, outputs, contents, record)
        changed = [output for output in outputs if output.old != output.data]
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


def command() -> None:
    """What the shell starts."""
    import gc

    gc.disable()  # nothing here is garbage before the end
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except OSError:  # nobody reads what we print, or its disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = 1
    sys.stderr.flush()
    os._exit(status)  # what the web was read into need not be taken apart


if __name__ == "__main__":
    command()
