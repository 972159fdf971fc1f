"""The files that a web means: where they go, how they are written, what was written last."""

from __future__ import annotations

import os
import posixpath
import stat

from .messages import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .web import Chunk, Web


class Output:
    """A file to write: its name, where, what, and what stands there now (None: nothing)."""

    def __init__(self, name: str, path: str, data: bytes, old: bytes | None) -> None:
        self.name, self.path, self.data, self.old = name, path, data, old
        self.temporary, self.backup = "", ""


def check_names(web: Web) -> None:
    """A file's name is a path of plain parts, and no two name the same place."""
    seen: dict[str, Chunk] = {}
    for chunk in web.files:
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
    for chunk in web.files:
        name, part = chunk.name, chunk.parts[0]
        if wrong and part.line in wrong:
            continue
        places[name] = posixpath.join(out, name)
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
                if name.startswith(".tangle-"):
                    import re

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
    """A digest of data.

    SHA-256 is the fastest where processors help; but hashlib loads OpenSSL for it, which takes
    longer than to tangle many a web.
    """
    if len(data) < 1 << 20:
        try:
            from _blake2 import blake2b

            return blake2b(data, digest_size=32).hexdigest()
        except ImportError:  # it is CPython's own
            pass
    from hashlib import sha256

    return sha256(data).hexdigest()


def tools() -> list[bytes]:
    """The tools themselves, on which it depends what is written."""
    here, found = os.path.dirname(__file__), []
    for name in sorted(os.listdir(here)):
        if name.endswith(".py"):
            with open(os.path.join(here, name), "rb") as file:
                found.append(file.read())
    return found


class Record:
    """The digests of what was last tangled from a web to a folder.

    It lies in the folder `build` beside the web: first `key`, the digest of all that
    decided what was written, then for each output the digests of what it is
    and of what it was.  The record is written before the outputs, so a process that is killed in
    between leaves nothing that would seem to be edited.
    """

    def __init__(self, path: str, out: str, data: bytes, lines: bool) -> None:
        home = os.path.realpath(os.path.dirname(path) or ".")
        sources = [data, repr((path, lines)).encode(), *tools()]
        self.key = digest("".join([digest(source) for source in sources]).encode())
        there = os.path.join(os.path.realpath(out), "").removeprefix(os.path.join(home, ""))
        name = digest(repr((os.path.basename(path), there, lines)).encode())[:16]
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
                with open(posixpath.join(out, name), "rb") as file:
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
