"""Files are written all or not at all, and only where they belong, whatever stands there.

A folder is opened step by step and through no link, so that nobody who puts a link in its place
meanwhile leads a file elsewhere.  What stood there is kept under a second name till all is done.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing, suppress

from .record import temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .outputs import Place

    Steps = tuple[str, Sequence[str]]  # where to start, and the folders one in another from there

# Whether folders can be opened, and files be named by what they are called in an open one.
OPENS = hasattr(os, "O_NOFOLLOW") and {
    os.link, os.mkdir, os.open, os.rename, os.rmdir, os.stat, os.unlink} <= os.supports_dir_fd
CHANGES_OPEN = os.chmod in os.supports_fd
DIRECTORY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
SEARCH = getattr(os, "O_PATH", os.O_RDONLY) | DIRECTORY
MOST = 100  # folders that are open at a time
CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


class Folder:
    """A folder that was reached step by step, from one that is there, and through no link.

    A name `at` it is for the functions of `os`, together with its `handle`: so it is that folder
    still, whatever somebody puts in its place.  Where folders cannot be opened it is
    their path.  With a list for those that were `made`, missing ones are made.
    """

    def __init__(self, start: str, steps: Sequence[str], made: list[Steps] | None = None) -> None:
        self.path, self.handle = start, None
        if OPENS:
            self.handle = os.open(start, SEARCH)
        try:
            for number, step in enumerate(steps):
                try:
                    self.enter(step)
                except FileNotFoundError:
                    if made is None:
                        raise
                    os.mkdir(self.at(step), dir_fd=self.handle)
                    made.append((start, steps[: number + 1]))
                    self.enter(step)
        except BaseException:
            self.close()
            raise

    def at(self, name: str) -> str:
        return os.path.join(self.path, name) if self.handle is None else name

    def enter(self, step: str) -> None:
        path = os.path.join(self.path, step)
        if self.handle is not None:
            try:
                inner = os.open(step, SEARCH, dir_fd=self.handle)
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    error.strerror = f"{path} is no folder any more"
                raise
            os.close(self.handle)
            self.handle = inner
        elif not os.path.isdir(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.path = path

    def close(self) -> None:
        if self.handle is not None:
            os.close(self.handle)

    def opened(self) -> int:
        """Itself, open for reading: for its list of names, and for locks."""
        return os.open(".", os.O_RDONLY | DIRECTORY, dir_fd=self.handle)

    def names(self, prefix: str) -> list[str]:
        """Those of its names that begin so."""
        if self.handle is None:
            return []
        handle = self.opened()
        try:
            return [name for name in os.listdir(handle) if name.startswith(prefix)]
        finally:
            os.close(handle)

    def status(self, name: str) -> os.stat_result | None:
        """What stands there, be it a link; nothing if nothing does."""
        try:
            return os.stat(self.at(name), dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def create(self, name: str, data: bytes, mode: int | None) -> None:
        """Write a new file; without a mode its permissions are what the umask says.

        A script, which begins with #!, may be run by whoever may read it. As whom it runs is not
        for a web to say: set-user-ID and the like are dropped.
        """
        script = data.startswith(b"#!")
        handle = os.open(self.at(name), CREATE, (0o777 if script else 0o666) if mode is None else
                         mode & 0o777, dir_fd=self.handle)
        with open(handle, "wb") as file:
            file.write(data)
            if mode is not None:
                os.chmod(handle if CHANGES_OPEN else self.at(name),
                         (mode | (mode >> 2 & 0o111 if script else 0)) & 0o777)

    def link(self, name: str, other: str) -> None:
        os.link(self.at(name), self.at(other), src_dir_fd=self.handle, dst_dir_fd=self.handle,
                follow_symlinks=False)

    def replace(self, name: str, other: str) -> None:
        os.replace(self.at(name), self.at(other), src_dir_fd=self.handle, dst_dir_fd=self.handle)

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self.at(name), dir_fd=self.handle)


class Output:
    """A file to write: its name, where, what, and what stands there now (None: nothing)."""

    def __init__(self, name: str, place: Place, data: bytes, old: bytes | None) -> None:
        self.name, self.place, self.data, self.old = name, place, data, old
        self.temporary = self.backup = ""
        self.stood = self.replaced = False

    @property
    def path(self) -> str:
        return self.place.path

    def prepare(self, folder: Folder, name: str) -> None:
        """Write it by another name, and give what stands there a second one to go back to."""
        status = folder.status(self.place.name)
        mode = status.st_mode if status and stat.S_ISREG(status.st_mode) else None
        self.temporary = name
        folder.create(name, self.data, mode)
        self.keep(folder, name, status is not None, mode)

    def keep(self, folder: Folder, name: str, stood: bool, mode: int | None) -> None:
        self.stood = stood
        if stood:
            self.backup = name + "-old"
            try:
                folder.link(self.place.name, self.backup)
            except (OSError, NotImplementedError):  # not every file system has them
                if mode is None or self.old is None:
                    self.backup = ""
                else:
                    folder.create(self.backup, self.old, mode)

    def replace(self, folder: Folder) -> None:
        self.replaced = True
        folder.replace(self.temporary, self.place.name)
        self.temporary = ""

    def restore(self, folder: Folder) -> None:
        """Go back, if it was replaced."""
        if self.replaced and self.backup:
            folder.replace(self.backup, self.place.name)
        elif self.replaced and not self.stood:
            folder.remove(self.place.name)

    def clean(self, folder: Folder) -> None:
        for name in (self.temporary, self.backup):
            if name:
                folder.remove(name)


class Removal(Output):
    """A file to remove, and what stands in it now."""

    def __init__(self, name: str, place: Place, old: bytes) -> None:
        super().__init__(name, place, b"", old)

    def prepare(self, folder: Folder, name: str) -> None:
        """Give it a second name to go back to."""
        status = folder.status(self.place.name)
        self.keep(folder, name, status is not None, status.st_mode if status else None)

    def replace(self, folder: Folder) -> None:
        self.replaced = True
        folder.remove(self.place.name)


class Run:
    """One run that writes below an output folder: the folders that it has opened, and its
    temporary names.

    These say which output folder it is, for one may lie in another, and then are random.  A run
    shares a lock on its output folder: who gets it alone knows that such files are of runs that
    were killed.  (The number of a process tells nothing to other containers.)
    """

    def __init__(self) -> None:
        self.made: list[Steps] = []
        self.folders: dict[str, Folder] = {}
        self.lock: int | None = None
        self.names = ""

    def folder(self, place: Place) -> Folder:
        """The folder of a place; it stays open, unless there are too many."""
        found = self.folders.pop(place.folder, None)
        if not found:
            if len(self.folders) == MOST:
                self.folders.pop(next(iter(self.folders))).close()
            found = Folder(place.start, place.steps, self.made)
        self.folders[place.folder] = found
        return found

    def begin(self, out: Place, places: Iterable[Place]) -> None:
        """Get the lock, and remove from the folders of these places what is left of other runs."""
        folder = self.folder(out)
        prefix = temporary(folder.at("."), folder.handle)
        self.names = f"{prefix}{os.urandom(8).hex()}-"
        if OPENS:
            with suppress(OSError, ImportError):  # not every file system has locks
                self.lock = folder.opened()
                self.sweep(self.lock, {place.folder: place for place in places}.values(), prefix)

    def sweep(self, lock: int, places: Iterable[Place], prefix: str) -> None:
        from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

        left = []
        for place in places:
            with suppress(OSError), closing(Folder(place.start, place.steps)) as folder:
                left += [(place, name) for name in folder.names(prefix)]
        with suppress(OSError):
            if left:
                flock(lock, LOCK_EX | LOCK_NB)
            for place, name in left:
                self.folder(place).remove(name)
        for _ in range(100):  # while another run is sweeping
            try:
                flock(lock, LOCK_SH | LOCK_NB)
                break
            except BlockingIOError:
                from time import sleep

                sleep(0.01)

    def end(self) -> None:
        for start, steps in reversed(self.made):
            with suppress(OSError), closing(Folder(start, steps[:-1])) as folder:
                os.rmdir(folder.at(steps[-1]), dir_fd=folder.handle)
        with suppress(OSError):
            for folder in self.folders.values():
                folder.close()
            if self.lock is not None:
                os.close(self.lock)


def write(outputs: list[Output], places: Iterable[Place], out: Place) -> None:
    """Write all or nothing: everything that can fail comes before the first replacement.

    `places` are those below the output folder, which `out` is in, that may have to be swept.
    """
    run, at = Run(), out
    try:
        run.begin(out, places)
        for number, output in enumerate(outputs):
            at = output.place
            output.prepare(run.folder(at), f"{run.names}{number}")
        for output in outputs:
            at = output.place
            output.replace(run.folder(at))
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename = at.path  # better known than the temporary file
        for output in reversed(outputs):
            with suppress(OSError):
                output.restore(run.folder(output.place))
        raise
    else:
        run.made.clear()
    finally:
        for output in outputs:
            with suppress(OSError):
                output.clean(run.folder(output.place))
        run.end()
