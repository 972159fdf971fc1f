"""Files that a web once meant and means no more: removed, unless somebody edited them."""

from __future__ import annotations

import os
import posixpath
from contextlib import suppress

from .messages import Problem
from .outputs import Place, find_obstacle, folded, wrong_name
from .record import digest, read_plain
from .writing import Removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .record import Record


def leftovers(record: Record, names: Iterable[str], out: str) -> Iterator[Removal]:
    """What the record knows besides the files of these names, where it still stands.

    The record may be a stranger's, so it names nothing that could not be an output.
    """
    written = {folded(name) for name in names}
    gone = [name for name in record.digests if folded(name) not in written]
    others = record.others() if gone else set()
    for name in gone:
        place = Place(posixpath.join(out, name))
        if not (wrong_name(name, True) or name in others or os.path.islink(place.path)
                or find_obstacle(place, out, record)) and os.path.isfile(place.path):
            with suppress(OSError):  # it is none of ours if it is too large
                yield Removal(name, place, read_plain(place.path))


def check_leftovers(record: Record, found: Iterable[Removal], check: bool) -> list[Problem]:
    """What speaks against removing them, or against their being there."""
    problems = []
    for output in found:
        if check:
            problems.append(Problem(1, 1, f"{output.path} is no file of this web any more: "
                                    "expected it removed, as tangling does"))
        elif digest(output.old or b"") not in record.digests[output.name]:
            problems.append(Problem(1, 1, f"{output.path} is no file of this web any more, and was "
                                    "edited since it was tangled: move the edit and remove it, or "
                                    "lose it with --force"))
    return problems
