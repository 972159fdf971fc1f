"""What was written last: the record by which a run sees that nothing has changed.

Nearly every run ends here, so this imports hardly anything.  The folder may be a stranger's: a
record that is none, or names what is no output, is as good as none.
"""

from __future__ import annotations

import os
import posixpath
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .writing import Output

LIMIT = 256 << 20  # bytes, of a web and of all its outputs together
TEMPORARY = ".tangle-"
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_plain(path: str, limit: int = LIMIT) -> bytes:
    """What a file holds that is a plain one; nothing else is as much as opened."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "not a plain file", path)
    handle = os.open(path, READ)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise OSError(0, "too large", path)
        return os.read(handle, status.st_size)
    finally:
        os.close(handle)


def temporary(out: str, folder: int | None = None) -> str:
    """How the names begin of what is being written below an output folder."""
    return f"{TEMPORARY}{os.stat(out, dir_fd=folder).st_ino:x}-"


def has_bytes(name: str) -> bool:
    """Whether the file system can have a file of this name."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


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


def is_below(path: str, folder: str) -> bool:
    """Whether a real path leads to somewhere in a folder, or to the folder itself."""
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def parted(record: bytes) -> tuple[list[str], bytes]:
    """The lines of a record, and the web below them."""
    head, _, web = record.partition(b"\n\n")
    return head.decode("utf-8", "replace").split("\n"), web


class Record:
    """What was last tangled from a web to a folder.

    It lies in the folder `build` beside the web: first `key`, the digest of all that
    decided what was written, then for each output the digests of what it is
    and of what it was; then, below an empty line, the web, against which an edit of an output can
    be told from one of the web.  The record is written before the outputs, so a process that is
    killed in between leaves nothing that would seem to be edited.
    """

    def __init__(self, paths: list[str], out: str, data: bytes, lines: bool, draft: bool = False
                 ) -> None:
        home = self.home = os.path.realpath(os.path.dirname(paths[0]) or ".")
        self.data, self.lines, self.draft = data, lines, draft
        self.out = os.path.realpath(out)
        sources = [data, repr((paths, lines, draft)).encode(), *tools()]
        self.key = digest("".join([digest(source) for source in sources]).encode())
        there = os.path.join(self.out, "").removeprefix(os.path.join(home, ""))
        self.web = "\0".join([os.path.basename(path) for path in paths]), there
        name = digest(repr((*self.web, lines)).encode())[:16]
        plain = os.path.join(home, "build", "tangled")
        self.folder = os.path.realpath(plain)
        self.path = os.path.join(self.folder, name)
        self.astray = os.path.normcase(self.folder) != os.path.normcase(plain)  # through a link
        self.old: bytes | None = None
        self.kept = b""  # the web that was tangled last
        self.digests: dict[str, list[str]] = {}
        if self.astray:
            return
        try:
            self.old = read_plain(self.path)
        except OSError:
            return
        (_, *files), self.kept = parted(self.old)
        for line in files:
            now, before, name = [*line.split(" ", 2), "", ""][:3]
            if (name.isprintable() and has_bytes(name)
                    and not {"", ".", ".."} & set(name.split("/"))):
                self.digests[name] = [now, before]

    def others(self) -> set[str]:
        """What was last tangled to the same folder from other webs beside this one."""
        from ast import literal_eval
        from contextlib import suppress

        found: set[str] = set()
        for name in os.listdir(self.folder):
            with suppress(OSError, ValueError, SyntaxError):
                first, *lines = parted(read_plain(os.path.join(self.folder, name)))[0]
                web, there = literal_eval(first.partition(" ")[2])
                first = os.path.basename(web.partition("\0")[0])
                if (there == self.web[1] and web != self.web[0]
                        and os.path.isfile(os.path.join(self.home, first))):
                    found.update([line.split(" ", 2)[2] for line in lines if line])
        return found

    def is_fresh(self) -> bool:
        """Whether everything is as it was written, and would be written again.

        It is not if something is left of a run that was killed.  What a draft lacks is always to be
        told.
        """
        if self.draft or not self.digests:
            return False
        if not self.old or not self.old.startswith(self.key.encode()):
            return False
        left, folders = LIMIT, set()
        try:
            mine = temporary(self.out)
            for name, (now, _) in self.digests.items():
                data = read_plain(posixpath.join(self.out, name), left)
                if digest(data) != now:
                    return False
                left -= len(data)
                folders.add(posixpath.dirname(name))
            return not any([name.startswith(mine) for folder in folders
                            for name in os.listdir(posixpath.join(self.out, folder))])
        except OSError:
            return False

    def renewed(self, outputs: list[Output], gone: Iterable[Output] = ()) -> bytes | None:
        """What the record of these outputs is to hold, if that is new and has a place.

        Those that are gone are still to be known if they are not yet removed.
        """
        lines = [f"{self.key} {self.web!a}"]
        for output in outputs:
            now = digest(output.data)
            before = now if output.old in (None, output.data) else digest(output.old or b"")
            lines.append(f"{now} {before} {output.name}")
        lines += [" ".join([*self.digests[output.name], output.name]) for output in gone]
        data = "\n".join([*lines, "", ""]).encode() + self.data
        above = self.folder
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        if (data == self.old or self.astray or os.path.isdir(self.path)
                or not os.path.isdir(above) or not os.access(above, os.W_OK)):
            return None
        return data
