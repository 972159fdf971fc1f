"""What git remembers of a web, asked without trusting its repository.

The configuration, attributes and hooks of a repository name programs that git would run, and it may
be a stranger's.  So git never sees it, but one of our own, which has nothing but the name of
the commit at HEAD; and of the other one only the objects, which are data.
"""

from __future__ import annotations

import os
import re
import subprocess
from time import monotonic

from .messages import reason
from .record import LIMIT, read_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

SECONDS = 60.0  # how long git is waited for; if that was not enough, it is not asked again
SMALL = 1 << 16  # bytes, of files that hold a name
HASH = re.compile(r"\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b")


class History:
    """The commits that led to what is checked out in a folder.

    What cannot be known is empty; `trouble` says why, unless nothing was committed.  `top` is the
    folder where the working tree begins.
    """

    def __init__(self, folder: str) -> None:
        self.trouble, self.late = "", False
        self.place: TemporaryDirectory[str] | None = None
        self.top = os.path.realpath(folder)
        while not os.path.lexists(os.path.join(self.top, ".git")):
            below, self.top = self.top, os.path.dirname(self.top)
            if self.top == below:
                return
        try:
            private, common = directories(os.path.join(self.top, ".git"))
            commit = head(private, common)
            if commit:
                self.program = find_git()
                self.place = pretend(commit, common)
                self.environment = environment(self.place.name, os.path.join(common, "objects"))
        except (OSError, ValueError) as error:
            path = getattr(error, "filename", None)
            self.trouble = f"{path}: {reason(error)}" if path else str(error)

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        if self.place:
            self.place.cleanup()

    def name(self, path: str) -> str:
        """What git calls a file; nothing if it is not in the working tree."""
        above, name = os.path.split(path)
        real, top = os.path.join(os.path.realpath(above), name), os.path.join(self.top, "")
        return real[len(top) :].replace(os.sep, "/") if real.startswith(top) else ""

    def changes(self, path: str, most: int = 1) -> list[str]:
        """The commits that changed a file, the last ones first."""
        name = self.name(path)
        return self.ask("rev-list", f"-{most}", "HEAD", "--", name).decode().split() if name else []

    def content(self, commit: str, path: str) -> bytes:
        """What a file held in a commit."""
        name = self.name(path)
        return self.ask("cat-file", "blob", f"{commit}:{name}") if name and commit else b""

    def ask(self, *words: str) -> bytes:
        """What git answers, if it does in time; and its answers may not be too large."""
        if not self.place or self.late:
            return b""
        from threading import Timer

        begin = monotonic()
        with open(os.path.join(self.place.name, "said"), "w+b") as said, subprocess.Popen(
            [self.program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
            cwd=self.place.name, env=self.environment,
        ) as process:
            timer = Timer(SECONDS, process.kill)
            timer.start()
            try:
                data = process.stdout.read(LIMIT + 1) if process.stdout else b""
                if len(data) > LIMIT:
                    process.kill()
                process.wait()
            finally:
                timer.cancel()
            self.late = monotonic() - begin > SECONDS
            if self.late:
                self.trouble = f"git did not answer in {SECONDS:.0f} seconds"
            elif len(data) > LIMIT:
                self.trouble = f"git: its answer is larger than {LIMIT >> 20} MiB"
            elif process.returncode:
                said.seek(0)
                self.trouble = "git: " + said.read(SMALL).decode("utf-8", "replace").strip()
        return b"" if process.returncode else data


def directories(path: str) -> tuple[str, str]:
    """Where a repository has what is its own, and what its working trees have in common.

    `path` is its folder, or a file that names that.
    """
    private = path
    if not os.path.isdir(path):
        word, _, name = named(path).partition(" ")
        if word != "gitdir:":
            raise ValueError(f"{path} names no repository")
        private = os.path.join(os.path.dirname(path), name)
    common = private
    if os.path.lexists(os.path.join(private, "commondir")):
        common = os.path.join(private, named(os.path.join(private, "commondir")))
    os.stat(os.path.join(common, "objects"))
    others = os.path.join(common, "objects", "info", "alternates")
    if os.path.lexists(others):
        named(others)
    return private, common


def named(path: str) -> str:
    """The name that a file holds."""
    name = os.fsdecode(read_plain(path, SMALL)).rstrip("\r\n")
    if "\0" in name or re.search(r"(?:^|\s)[\\/]{2}", name):  # (which is on another machine)
        raise ValueError(f"{path} names nothing that may be read")
    return name


def head(private: str, common: str) -> str:
    """The commit that is checked out; nothing if there is none yet."""
    text = named(os.path.join(private, "HEAD"))
    for _ in range(5):
        if HASH.fullmatch(text):
            return text
        reference = re.fullmatch(r"ref: (refs(?:/[^/\\:]+)+)", text)
        if not reference or ".." in reference[1].split("/"):
            break
        path = os.path.join(common, *reference[1].split("/"))
        if os.path.isfile(path):
            text = named(path)
            continue
        if os.path.lexists(os.path.join(common, "reftable")):
            break
        packed = os.path.join(common, "packed-refs")
        if not os.path.lexists(packed):
            return ""
        found = re.search(rb"^([0-9a-f]+) %s$" % re.escape(os.fsencode(reference[1])),
                          read_plain(packed), re.M)
        if not found:
            return ""
        text = found[1].decode()
    raise ValueError(f"it cannot be read what {private} has checked out")


def find_git() -> str:
    """The program git, not looked for in the working folder."""
    for folder in os.get_exec_path():
        path = os.path.join(folder, "git.exe" if os.name == "nt" else "git")
        if os.path.isabs(folder) and os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise ValueError("git is not installed")


def pretend(commit: str, common: str) -> TemporaryDirectory[str]:
    """A repository that has nothing but a commit's name, and where its past is cut off."""
    from tempfile import TemporaryDirectory

    shallow = os.path.join(common, "shallow")
    lines = read_plain(shallow).decode("ascii", "replace") if os.path.lexists(shallow) else ""
    place = TemporaryDirectory(prefix="tangle-")
    try:
        os.mkdir(os.path.join(place.name, "refs"))
        for name, text in (
            ("HEAD", commit + "\n"),
            ("config", "[core]\nrepositoryFormatVersion = 1\nbare = true\n" + (
                "[extensions]\nobjectFormat = sha256\n" if len(commit) == 64 else "")),
            ("shallow", "".join([f"{line}\n" for line in HASH.findall(lines)])),
        ):
            if text:
                with open(os.path.join(place.name, name), "wb") as file:
                    file.write(text.encode())
    except BaseException:
        place.cleanup()
        raise
    return place


def environment(place: str, objects: str) -> dict[str, str]:
    """What git is told: our own repository, where the objects are, and no configuration."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "LC_ALL": "C", "HOME": place, "XDG_CONFIG_HOME": place, "GIT_DIR": place,
            "GIT_OBJECT_DIRECTORY": os.path.abspath(objects), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOC_LIMIT": str(LIMIT), "GIT_LITERAL_PATHSPECS": "1"}
