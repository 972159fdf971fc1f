"""tangle: write the code that a web means.

    python3 tangle.py [WEB] [--out DIR]     write WEB's files (sockets.md) below DIR (generated)
    python3 tangle.py [WEB] --dump          print WEB's structure as JSON and write nothing

A reference stands for its chunk: the chunk's first line goes in its place, the
others are indented to its column, and what follows it follows the last line.  An
empty line stays empty, and a line that begins inside a multi-line string is left
as it is.  Alone on its line a reference hands on its indentation, tabs and all.

Either everything is written or nothing is, and every file appears whole.
"""

from __future__ import annotations

import os
import re
import stat
import sys

from web import Chunk, Part, Problem, Web

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

LIMIT = 256 << 20  # bytes, of all outputs together
USAGE = "usage: python3 tangle.py [WEB] [--out DIR] [--dump]"


# ---------------------------------------------------------------------------
# Expansion.
#
# In expanded code "\r" ends a line if the next one begins inside a string, where
# no indentation may go; "\n" ends any other.  (No other "\r" is left in a web.)


class Hole:
    """A reference, as expansion needs it.

    `lead` is its indentation if it stands alone on its line; then those blanks are
    in no text around it.  `quoted` says that it stands inside a multi-line string.
    """

    def __init__(self, name: str, lead: str, quoted: bool) -> None:
        self.name, self.lead, self.quoted = name, lead, quoted


def pieces_of(chunk: Chunk) -> list[str | Hole]:
    """A chunk's code, cut at its references."""
    text = chunk.text
    spans = chunk.strings()
    if spans:
        cut, at = [], 0
        for start, end in spans:
            cut += [text[at:start], text[start:end].replace("\n", "\r")]
            at = end
        text = "".join(cut) + text[at:]
    pieces: list[str | Hole] = []
    at = span = 0
    for reference, start in chunk.references():
        end = start + reference.end - reference.start
        while span < len(spans) and spans[span][1] <= start:
            span += 1
        quoted = span < len(spans) and spans[span][0] < start
        before, lead = text[at:start], ""
        if not quoted:
            begin = text.rfind("\n", at, start) + 1
            if begin >= at and not text[begin:start].strip(" \t"):
                stop = text.find("\n", end)
                stop = len(text) if stop < 0 else stop
                if not text[end:stop].strip(" \t"):
                    before, lead, end = text[at:begin], text[begin:start], stop
        pieces += [before, Hole(reference.name, lead, quoted)]
        at = end
    pieces.append(text[at:])
    return [piece.replace("⟨⟨", "⟨") if isinstance(piece, str) else piece for piece in pieces
            if piece != ""]


class Line:
    """How far the current line of a chunk's expansion has come.

    `lead` is the blanks it begins with, `width` the number of characters after them.
    """

    def __init__(self) -> None:
        self.lead, self.width = "", 0

    def text(self, text: str) -> None:
        begin = max(text.rfind("\n"), text.rfind("\r")) + 1
        if begin or not (self.lead or self.width):
            rest = text[begin:].lstrip(" \t")
            self.lead = text[begin : len(text) - len(rest)]
            self.width = len(rest)
        else:
            self.width += len(text)

    def hole(self, hole: Hole, size: Size) -> None:
        if size.last and (size.last == "\r" or hole.quoted or not size.width):
            self.lead, self.width = "", size.width
        elif size.bytes:
            self.lead += hole.lead
            self.width += size.width


class Size:
    """How large an expansion is: at most so many bytes, with so many ends of lines
    after which indentation may go; the last end of a line, and the width of what follows."""

    def __init__(self) -> None:
        self.bytes, self.newlines, self.last, self.width = 0, 0, "", 0


def measure(pieces: list[str | Hole], sizes: dict[str, Size]) -> Size:
    """The size of a chunk's expansion, by arithmetic alone."""
    total, line = Size(), Line()
    for piece in pieces:
        if isinstance(piece, str):
            total.bytes += len(piece) if piece.isascii() else len(piece.encode())
            total.newlines += piece.count("\n")
            last = max(piece.rfind("\n"), piece.rfind("\r"))
            total.last = piece[last] if last >= 0 else total.last
            line.text(piece)
        else:
            size = sizes[piece.name]
            total.bytes += size.bytes + (len(piece.lead) if size.bytes else 0)
            if not piece.quoted:
                total.bytes += size.newlines * (len(piece.lead) + len(line.lead) + line.width)
                total.newlines += size.newlines
            if size.last:
                total.last = "\r" if piece.quoted else size.last
            line.hole(piece, size)
    total.width = len(line.lead) + line.width
    return total


def bottom_up(pieces: dict[str, list[str | Hole]], roots: list[str]) -> list[str]:
    """All names below the roots, each after those that it refers to.  Cycles there are none."""
    order: dict[str, None] = {}
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        name, left = stack.pop()
        if left:
            order.setdefault(name)
        elif name not in order:
            stack.append((name, True))
            stack += [(piece.name, False) for piece in pieces[name] if isinstance(piece, Hole)
                      and piece.name not in order]
    return list(order)


def indented(text: str, indent: str) -> str:
    """Put the indentation before each line but the first, if it is not empty or in a string."""
    if not indent:
        return text
    if "\n\n" in text or text[-1:] == "\n" or "\n\r" in text:
        return re.sub(r"\n(?=[^\n\r])", "\n" + indent, text)
    return text.replace("\n", "\n" + indent)


ALL = 1 << 62  # of any indentation

def expand(
    name: str, pieces: dict[str, list[str | Hole]], sizes: dict[str, Size], known: dict[str, str]
) -> str:
    """The expansion of a chunk, given those of the chunks that are used more than once.

    The other chunks are expanded where they stand, on a stack of our own: a web may
    nest them deeper than Python nests calls.  So every line is written once, with
    its whole indentation.
    """
    out: list[str] = []
    # How much of its indentation the current line has already.
    done = 0
    # The chunks being expanded: what is left of each, its indentation, whether it stands in
    # a string (a newline of its own then is none of ours), whether that began with it.
    stack = [(iter(pieces[name]), "", False, False, Line())]
    while stack:
        rest, indent, quoted, _, line = stack[-1]
        for piece in rest:
            inner, raw, enters = indent, quoted, False
            if isinstance(piece, str):
                text = piece
                line.text(piece)
            else:
                size, enters = sizes[piece.name], piece.quoted
                if not size.bytes:
                    continue
                if enters:
                    inner, raw, done = "", True, 0
                else:
                    if size.newlines or piece.lead:
                        inner += line.lead + piece.lead + " " * line.width
                    if not piece.lead:
                        done = min(done, len(inner))
                line.hole(piece, size)
                if piece.name not in known:
                    stack.append((iter(pieces[piece.name]), inner, raw, enters, Line()))
                    break
                text = known[piece.name]
            if text:
                if text[0] not in "\n\r":
                    out.append(inner[done:])
                shown = indented(text, inner)
                out.append(shown.replace("\n", "\r") if raw else shown)
                done = 0 if text[-1] == "\n" else ALL
            if enters:
                done = ALL
        else:
            if stack.pop()[3]:
                done = ALL
    return "".join(out)


def tangle(web: Web) -> dict[str, bytes]:
    """Every file of a web that has no problems yet; too large ones become its problem."""
    pieces = {name: pieces_of(chunk) for name, chunk in web.chunks.items()}
    files = [name for name, chunk in web.chunks.items() if chunk.is_file]
    order = bottom_up(pieces, files)
    sizes: dict[str, Size] = {}
    for name in order:
        sizes[name] = measure(pieces[name], sizes)
    if sum(sizes[name].bytes for name in files) > LIMIT:
        largest = max(files, key=lambda name: sizes[name].bytes)
        culprit = next((name for name in bottom_up(pieces, [largest])
                        if sizes[name].bytes > LIMIT), largest)
        part = web.chunks[largest].parts[0]
        web.error(part.line, part.column, f"⟨{largest}⟩ grows too large: more than "
                  f"{LIMIT >> 20} MiB in all outputs" + (
                      f"; ⟨{culprit}⟩ alone has more" if culprit != largest else ""))
        return {}
    known: dict[str, str] = {}
    for name in order:
        if web.chunks[name].is_file or len(web.chunks[name].uses) > 1:
            known[name] = expand(name, pieces, sizes, known)
    return {name: (known[name].replace("\r", "\n") + "\n").encode() if web.chunks[name].rows
            else b"" for name in files}


# ---------------------------------------------------------------------------
# Writing.


class Output:
    """A file to write: where, what, and what stands there now (None: nothing)."""

    def __init__(self, path: str, data: bytes, old: bytes | None) -> None:
        self.path, self.data, self.old = path, data, old
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


def say(text: str, stream: TextIO) -> None:
    """Print a line, whatever the terminal can show; nothing in a name may steer it."""
    text = "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])
    try:
        print(text, file=stream)
    except UnicodeEncodeError:
        print(text.encode("ascii", "backslashreplace").decode(), file=stream)


def complain(path: str, problems: list[Problem]) -> int:
    for problem in sorted(problems, key=lambda found: (found.line, found.column)):
        say(f"{path}:{problem!r}", sys.stderr)
    return 1


def main(arguments: list[str]) -> int:
    paths, out, dumping = [], None, False
    words = iter(arguments)
    for word in words:
        if word in ("-h", "--help"):
            print(__doc__.rstrip() if __doc__ else USAGE)
            return 0
        if word == "--dump":
            dumping = True
        elif word == "--out" or word.startswith("--out="):
            out = word[6:] or next(words, "")
            if not out:
                say("tangle.py: --out wants a folder", sys.stderr)
                say(USAGE, sys.stderr)
                return 2
        else:
            paths.append(word)
    unknown = [word for word in paths if word.startswith("-") or not word]
    if unknown or len(paths) > 1:
        say(f"tangle.py: unknown option {unknown[0]!r}" if unknown else
            f"tangle.py: expected one web, but got {' and '.join(paths)}", sys.stderr)
        say(USAGE, sys.stderr)
        return 2
    path, out = paths[0] if paths else "sockets.md", out or "generated"

    try:
        with open(path, "rb") as file:
            web = Web(file.read())
    except (OSError, ValueError) as error:
        return complain(path, [Problem(1, 1, f"cannot be read: {reason(error)}")])
    check_names(web)
    if dumping:
        if web.problems:
            return complain(path, web.problems)
        sys.stdout.flush()
        sys.stdout.buffer.write(dump(web).encode() + b"\n")
        sys.stdout.flush()
        return 0
    places = check_places(web, path, out)
    contents = {} if web.problems else tangle(web)
    if contents and web.declares:
        from hygiene import check

        check(web, contents)
    if web.problems:
        return complain(path, web.problems)

    outputs, unchanged = [], 0
    try:
        for name, data in contents.items():
            place, old = places[name], None
            if os.path.exists(place):
                with open(place, "rb") as file:
                    old = file.read()
            if old == data:
                unchanged += 1
            else:
                outputs.append(Output(place, data, old))
        write(outputs)
    except OSError as error:
        parts = {places[name]: web.chunks[name].parts[0] for name in contents}
        part = parts.get(error.filename, next(iter(parts.values())))
        web.error(part.line, part.column, f"cannot write {error.filename}: {reason(error)}")
        return complain(path, web.problems)
    said = [f"wrote {', '.join([output.path for output in outputs])}"] if outputs else []
    said += [f"{unchanged} unchanged in {out}"] if unchanged else []
    say("; ".join(said), sys.stdout)
    return 0


if __name__ == "__main__":
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
    sys.exit(status)
