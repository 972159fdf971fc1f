"""The files that a web means: what they may be named, and where they go."""

from __future__ import annotations

import os
import posixpath

from .messages import Problem, reason
from .record import Record, is_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .web import Chunk, Part, Web

# ---------------------------------------------------------------------------
# Names.

PRIVATE = "where version control keeps what it runs: expected another folder"
LONGEST = 4096  # no system takes longer paths
# Characters that nobody sees; some scripts and pictures are written with the joiners.
JOINERS = {"\u200c", "\u200d", *map(chr, range(0xFE00, 0xFE10))}
FILLERS = {*"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0",
           *map(chr, range(0xE0100, 0xE01F0))}  # and all that Unicode calls format characters


def hidden(text: str) -> Iterator[str]:
    """Its characters that are invisible, or turn the order of others round."""
    if not text.isascii():
        from unicodedata import category

        for character in text:
            if category(character) == "Cf" or character in JOINERS or character in FILLERS:
                yield character


def folded(name: str) -> str:
    """A name as the systems see it that tell neither cases nor accents' forms apart."""
    if not name.isascii():
        from unicodedata import normalize

        name = normalize("NFC", normalize("NFC", name).casefold())
    return name.casefold()


def is_private(part: str) -> bool:
    """Whether a part of a path is, to some system, where version control keeps what it runs."""
    if not part.isascii():
        from unicodedata import normalize

        unseen = set(hidden(part))
        part = normalize("NFKC", "".join([c for c in part if c not in unseen]))
    return part.casefold().rstrip(". ") in (".git", "git~1", ".hg", "hg~1")


def check_names(web: Web) -> list[Problem]:
    """A name has nothing hidden; a file's is a path of plain parts; no two name the same."""
    problems: list[Problem] = []
    seen: dict[str, Chunk] = {}
    alike: dict[str, Chunk] = {}
    for chunk in web.chunks.values():
        part = chunk.parts[0]
        wrong = wrong_name(chunk.name, chunk.is_file)
        if not wrong and chunk.is_file:
            other = seen.setdefault(folded(chunk.name), chunk)
            if other is not chunk:
                wrong = (f"and ⟨{other.name}⟩ ({web.at(other.parts[0].line)}) are one file on some "
                         "systems")
        elif not wrong and not chunk.name.isascii():
            unseen = set(hidden(chunk.name))
            shown = "".join([c for c in chunk.name if c not in unseen])
            other = web.chunks.get(shown) or alike.setdefault(shown, chunk)
            if other is not chunk:
                wrong = f"looks like ⟨{other.name}⟩ ({web.at(other.parts[0].line)})"
        if wrong:
            problems.append(Problem(part.line, part.column, f"⟨{chunk.name}⟩ {wrong}"))
    return problems + check_folders(web, seen)


def wrong_name(name: str, is_file: bool) -> str:
    """What forbids a chunk's name, if anything does."""
    for character in hidden(name):
        if is_file or character not in JOINERS:
            from unicodedata import name as name_of

            return (f"has an invisible character in its name, U+{ord(character):04X} "
                    f"({name_of(character, 'without a name')}): expected none")
    if not is_file:
        return ""
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in name or (
        name.startswith("~") and len(parts) > 1
    ):
        return ("leads out of the output folder: expected a relative path, its parts joined "
                "by /")
    if ".." in parts:
        return "leads out of the output folder: expected a path without .."
    if {"", "."} & set(parts):
        return ("is not a plain path: expected parts that are neither empty nor . between "
                "single /")
    if len(name) > LONGEST:
        return f"is longer than any system's paths: expected at most {LONGEST} characters"
    private = next(filter(is_private, parts), "")
    if private:
        return f"leads into {private}, {PRIVATE}"
    return ""


def check_folders(web: Web, files: dict[str, Chunk]) -> list[Problem]:
    """No file stands where another needs a folder; they are given by their folded names."""
    problems = []
    for key, chunk in files.items():
        part, above = chunk.parts[0], key.rpartition("/")[0]
        while above:
            if above in files:
                other = files[above]
                problems.append(Problem(part.line, part.column, f"⟨{chunk.name}⟩ needs a folder "
                                f"where ⟨{other.name}⟩ ({web.at(other.parts[0].line)}) is a file"))
            above = above.rpartition("/")[0]
    return problems


# ---------------------------------------------------------------------------
# Places.

class Place:
    """Where a file goes: to `name` in the folder that `steps` lead to from `start`.

    None of them is a link when the place is found, and who writes there follows none: see
    `Folder`.  They start in the working folder, which nobody can exchange, if they can.
    `path` is what the file is to people, `folder` the real path of where it goes; `real` is where
    its own path leads, if a link stands there.
    """

    def __init__(self, path: str) -> None:
        self.path, self.real = path, os.path.realpath(path)
        above, self.name = os.path.split(path)
        self.folder, here = os.path.realpath(above), os.path.realpath(".")
        start = here if is_below(self.folder, here) else self.folder
        while not os.path.lexists(start):
            start = os.path.dirname(start)
        self.start = "." if start == here else start
        self.steps = [step for step in self.folder[len(start) :].split(os.sep) if step]


def check_places(
    parts: dict[str, Part], paths: list[str], out: str, record: Record
) -> tuple[dict[str, Place], list[Problem]]:
    """Where the files go, unless something stands in the way.  Nothing is written yet."""
    places: dict[str, Place] = {}
    problems = []
    taken = {os.path.realpath(path): "the web itself" for path in paths}
    astray = leads_astray(paths[0], out)
    for name, part in parts.items():
        try:
            place = Place(posixpath.join(out, name))
            obstacle = astray or find_obstacle(place, out, record)
            if not obstacle and place.real in taken:
                obstacle = f"would replace {taken[place.real]}"
            taken[place.real] = f"⟨{name}⟩"
            places[name] = place
        except (OSError, ValueError) as error:
            obstacle = f"cannot be written: {reason(error)}"
        if obstacle:
            problems.append(Problem(part.line, part.column, f"⟨{name}⟩ {obstacle}"))
    return places, problems


def leads_astray(path: str, out: str) -> str:
    """Whether a link on the way to the output folder leads elsewhere than down.

    In the working folder and in the web's, links are not taken for what the person meant who
    named the output folder: both may have come from somebody else.
    """
    whole = os.path.join(os.getcwd(), out.replace(os.altsep or os.sep, os.sep))
    for base in (os.getcwd(), os.path.abspath(os.path.dirname(path))):
        if is_below(whole, base):
            here = base
            for step in whole[len(base) :].split(os.sep):
                above, here = here, os.path.join(here, step)
                real = os.path.realpath(here)
                if step != ".." and not is_below(real, os.path.realpath(above)):
                    return f"leads out of {out} through a link: expected --out {real}, if meant"
    return ""


def find_obstacle(place: Place, out: str, record: Record) -> str:
    """What forbids writing a file, or nothing."""
    path, real = place.path, place.real
    above = os.path.dirname(path)
    while above and not os.path.lexists(above):
        above = os.path.dirname(above)
    if above and not os.path.isdir(above):
        return f"needs a folder where {above} is a file"
    if not (is_below(place.folder, record.out) and is_below(real, record.out)):
        return f"leads out of {out} through a link"
    private = next(filter(is_private, place.steps if place.start == "." else real.split(os.sep)),
                   "")
    if private:
        return f"leads into {private}, {PRIVATE}"
    if is_below(real.casefold(), record.folder.casefold()):
        return "lies where it is recorded what was tangled: expected another name"
    if os.path.isdir(path):
        return f"would replace the folder {path}"
    if os.path.exists(path) and not os.path.isfile(path):
        return f"would replace {path}, which is not a plain file"
    return ""
