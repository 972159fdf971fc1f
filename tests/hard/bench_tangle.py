"""How long tangling takes, beside other tanglers, on webs of 10^3 to 10^6 lines.

Usage: bench_tangle.py FOLDER [LINES ...]

A chunk has about nine lines of code, some of them references; every tenth is continued once, and
every tenth section has a title.  The first row is sockets.md, without another tangler.
Names come in random or in sorted order, and there are one, ten or a hundred roots. Each
column has the best of three runs, from start to end of the process: seconds, seconds of the
processor, and the greatest memory in MiB. What is not installed is passed over, and so is what
needs minutes, unless PATIENT is set. tangle.py and Entangled are run by the same Python, that of a
virtual environment: what else is installed may slow its start. The modules of both are compiled
before, as they are where they are installed.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENTANGLED = os.environ.get("ENTANGLED", "")
PATIENT = "PATIENT" in os.environ
WORDS = """read write open close find bind send take make keep the every one next last first a of
socket address buffer name value line part chunk table list record field number""".split()  # noqa: SIM905


class Chunk:
    """A chunk: its name, what it refers to, and whether it is continued."""

    def __init__(self, name: str) -> None:
        self.name, self.below, self.continued = name, [], False


def chunks_of(lines: int, roots: int, ordered: bool) -> list[Chunk]:
    """Trees of chunks below each root: each is referred to once, and each refers to four."""
    randomly = random.Random(lines)
    count = max(lines // 18, roots)
    names = {" ".join(randomly.choices(WORDS, k=4)).capitalize() + f" {n}" for n in range(count)}
    order = sorted(names)
    if not ordered:
        randomly.shuffle(order)
    chunks = [Chunk(f"root{n}.c") for n in range(roots)]
    chunks += [Chunk(name) for name in order[: count - roots]]
    for n, chunk in enumerate(chunks):
        if n >= roots:
            chunks[n - roots if n < 2 * roots else (n - roots) // 4].below.append(chunk)
        chunk.continued = n % 10 == 0
    return chunks


def code_of(chunk: Chunk, begin: str, reference: str) -> tuple[list[str], list[str]]:
    """The lines of a chunk's first part and of its second."""
    first = [f"    int {begin}_{n} = compute({n}, \"{begin}\");" for n in range(4)]
    inner = [f"        {reference % below.name}" for below in chunk.below]
    first += ["    if (x) {", *inner, "    }"]
    more = [f"    use({begin}_{n}); /* as long as other lines */" for n in range(3)]
    return (first, more) if chunk.continued else (first + more, [])


def write_webs(folder: Path, lines: int, roots: int, ordered: bool) -> None:
    """The same web in each tangler's own form."""
    texts: dict[str, list[str]] = {form: [] for form in ("ours", "noweb", "entangled", "nuweb")}
    forms = {"ours": "⟨%s⟩", "noweb": "<<%s>>", "entangled": "<<%s>>", "nuweb": "@<%s@>"}
    for n, chunk in enumerate(chunks_of(lines, roots, ordered)):
        root, word = chunk.name.endswith(".c"), chunk.name.replace(" ", "-")
        begins = {
            "ours": ("```c\n// ⟨%s⟩%s≡", "```"), "noweb": ("<<%s>>=%.0s", "@"),
            "entangled": (f"``` {{.c {'file=' if root else '#'}%s}}%.0s", "```"),
            "nuweb": (f"@{'o' if root else 'd'} %s @{{@%%%.0s", "@}")}
        for form, text in texts.items():
            begin, end = begins[form]
            name = word if form == "entangled" else chunk.name
            for sign, code in zip(("", "+"), code_of(chunk, f"v{n}", forms[form]), strict=True):
                if not sign:
                    text += ["", f"###### {n + 1}." if n % 10 else f"## {n + 1}. On {chunk.name}"]
                if code:
                    if form == "entangled":
                        code = [re.sub(r"<<.*>>", lambda found: found[0].replace(" ", "-"), line)
                                for line in code]
                    text += ["", f"Some prose about it, number {n}.", "", begin % (name, sign),
                             *code, end]
    paths = {"ours": folder / "ours.md", "noweb": folder / "web.nw",
             "entangled": folder / "entangled/web.md", "nuweb": folder / "web.w"}
    for form, text in texts.items():
        paths[form].parent.mkdir(parents=True, exist_ok=True)
        paths[form].write_text("\n".join(text) + "\n", encoding="utf-8")
    (folder / "entangled/entangled.toml").write_text(
        'version = "2.0"\nwatch_list = ["web.md"]\nannotation = "naked"\nhooks = []\n')


def measure(
    command: list[str], folder: Path, *, before: Callable[[], object] = tuple, runs: int = 3
) -> str:
    """The least time of a command, and its memory, if something is done before each run."""
    best, used, memory = 1e9, 1e9, 0.0
    for _ in range(runs):
        before()
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        best = min(best, time.perf_counter() - start)
        used = min(used, usage.ru_utime + usage.ru_stime)
        memory = max(memory, usage.ru_maxrss / 1024)
        if status:
            return "failed"
        if best > 20:
            break
    return f"{best:.2f} {used:.2f} {memory:.0f}"


def apart(procedure: Callable[..., object], *arguments: object) -> None:
    """Call it in a process of its own: a child's memory is at least what its parent has."""
    child = os.fork()
    if not child:
        procedure(*arguments)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit(1)


def agree(theirs: Path, ours: Path) -> None:
    """Stop if another tangler does not write the same; a last newline does not count."""
    if theirs.read_text().rstrip("\n") != ours.read_text().rstrip("\n"):
        print(f"{theirs} and {ours} are not the same", flush=True)
        os._exit(1)


OURS = [ENTANGLED or sys.executable, str(ROOT / "tangle.py"), "ours.md", "--out", "out"]


def measure_ours(folder: Path) -> list[str]:
    """What tangle.py needs the first time, and for nothing."""
    def forget() -> None:
        for name in ("out", "build"):
            shutil.rmtree(folder / name, ignore_errors=True)

    return [measure(OURS, folder, before=forget), measure(OURS, folder)]


def measure_change(folder: Path, word: str) -> str:
    """What it needs when a blank comes behind a word."""
    def change() -> None:
        web = folder / "ours.md"
        head, _, rest = web.read_text(encoding="utf-8").rpartition(word)
        web.write_text(f"{head}{word} {rest}", encoding="utf-8")

    return measure(OURS, folder, before=change)


def bench_own(folder: Path) -> None:
    """The row of sockets.md, whose chunks declare what they share."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "sockets.md", folder / "ours.md")
    count = (folder / "ours.md").read_bytes().count(b"\n")
    figures = [*measure_ours(folder), measure_change(folder, "(sock,")]
    print(f"| {count} | | | " + " | ".join(figures) + " | | | |", flush=True)


def bench(folder: Path, lines: int, roots: int, ordered: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    apart(write_webs, folder, lines, roots, ordered)
    with open(folder / "ours.md", "rb") as file:
        count = sum(1 for _ in file)
    figures = measure_ours(folder)
    slow = lines > 100000 and (ordered or roots > 10)  # noweb then needs minutes
    if shutil.which("notangle") and (not slow or PATIENT):
        each = [f"notangle -Rroot{n}.c web.nw > root{n}.c" for n in range(roots)]
        figures.append(measure(["sh", "-ec", "\n".join(each)], folder, runs=1 if slow else 3))
        apart(agree, folder / "root0.c", folder / "out/root0.c")
    else:
        figures.append("")
    figures.append(measure(["nuweb", "-t", "web.w"], folder) if shutil.which("nuweb") else "")
    figures.append(measure(
        [ENTANGLED, "-m", "entangled.main", "tangle", "--force"], folder / "entangled", runs=1,
    ) if ENTANGLED and (not slow or PATIENT) else "")
    if figures[-1]:
        apart(agree, folder / "entangled/root0.c", folder / "out/root0.c")
    figures.insert(2, measure_change(folder, "use("))
    order = "sorted" if ordered else "random"
    print(f"| {count} | {roots} | {order} | " + " | ".join(figures) + " |", flush=True)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| lines | roots | names | tangle.py | nothing changed | a line changed | notangle "
          "| nuweb | Entangled |")
    print("|---|---|---|---|---|---|---|---|---|")
    bench_own(Path(sys.argv[1]) / "sockets")
    for size in [int(word) for word in sys.argv[2:]] or [1000, 10000, 100000, 1000000]:
        for many in (1, 10, 100):
            for is_sorted in (False, True):
                bench(Path(sys.argv[1]) / "web", size, many, is_sorted)
