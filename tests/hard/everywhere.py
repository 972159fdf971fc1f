"""Run the tests wherever they can be run from here, and write into the README what came of it.

Usage: everywhere.py nothing
       everywhere.py machines
       everywhere.py python PYTHON...
       everywhere.py report PLACE WHAT REPORT

First `nothing`, which empties the table. For `machines` the two C files are compiled into
machine.c, also for other C libraries and processors. In an environment of its own, each Python gets
the wheel if the wheel is for it, and the source archive otherwise, from dist/. A report is what
pytest has written elsewhere.
"""

from __future__ import annotations

import collections
import json
import platform
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "everywhere"
README = ROOT / "README.md"
HEAD = "| where | with what | passed | failed | skipped |\n|---|---|--:|--:|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)*")

GLIBC, MUSL = "GNU C library", "musl"
PLAIN = ("-include", "tests/hard/plain.h")
BSD = (*PLAIN, "-include", "tests/hard/bsd.h")
MACHINES = {
    f"x86-64, {GLIBC}": (("gcc",), ()),
    f"x86-64, {GLIBC}, branches for other Unixes": (("gcc", *PLAIN), ()),
    f"x86-64, {GLIBC}, branches for macOS": (("gcc", *BSD), ()),
    f"x86-64, {MUSL}": (("musl-gcc", "-static"), ()),
    f"x86-64, {MUSL}, branches for macOS": (("musl-gcc", "-static", *BSD), ()),
    f"s390x (big-endian, under QEMU), {GLIBC}": (
        ("s390x-linux-gnu-gcc",), ("qemu-s390x", "-L", "/usr/s390x-linux-gnu"),
    ),
    f"ARM (32 bits, under QEMU), {GLIBC}": (
        ("arm-linux-gnueabihf-gcc",), ("qemu-arm", "-L", "/usr/arm-linux-gnueabihf"),
    ),
}
WARNINGS = ("-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-O1")

WHO = """
import json, platform, sys, sysconfig
name, version = platform.python_implementation(), platform.python_version()
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
if name == "PyPy":
    version = "%d.%d.%d" % sys.pypy_version_info[:3] + f" (Python {version})"
print(json.dumps([name + " " + version + ", free-threaded" * free, name == "CPython" and not free]))
"""


def run_machine(compiler: tuple[str, ...], emulator: tuple[str, ...]) -> tuple[int, int]:
    """Return how many things were so, and whether something was not."""
    program = PLACE / "machine"
    sources = ("tests/hard/machine.c", "generated/socket-ffi-values.c")
    subprocess.run([*compiler, *WARNINGS, *sources, "-o", program], cwd=ROOT, check=True)
    done = subprocess.run([*emulator, program], stdout=subprocess.PIPE, text=True, timeout=100)
    return (int(done.stdout), 0) if done.returncode == 0 else (0, 1)


def run_tests(python: str, archive: Path) -> collections.Counter[str]:
    """Return how many tests passed and failed, and of those skipped, why."""
    environment, report = PLACE / "venv", PLACE / "report.xml"
    shutil.rmtree(environment, ignore_errors=True)
    report.unlink(missing_ok=True)
    subprocess.run([python, "-m", "venv", environment], check=True)
    run: list[str | Path] = [environment / "bin" / "python", "-m"]
    install = [*run, "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--upgrade", "pip>=25.1"], check=True)
    subprocess.run([*install, "--group", "test", archive], cwd=ROOT, check=True)
    subprocess.run(
        [*run, "pytest", "-p", "no:cacheprovider", "-q", "-n", "2", f"--junitxml={report}"],
        cwd=ROOT,
    )
    return read_report(report)


# Where many tests are skipped, these are the kinds of reasons; `-rs` tells each.
KINDS = {
    "Windows, as documented": "Windows does it otherwise, as Microsoft documents",
    "Wine, not as documented": "Wine does it otherwise than Microsoft documents",
    "Wine, not documented": "Wine does it otherwise, and Microsoft documents nothing of it",
}
OTHERWISE = "about what the platform, or its Python, lacks"
MANY = 12


def read_report(report: Path) -> collections.Counter[str]:
    """Return how many tests passed and failed, and of those skipped, why."""
    counts: collections.Counter[str] = collections.Counter()
    for case in ElementTree.parse(report).iter("testcase"):
        endings = {
            ending.tag: re.sub(r".*'Skipped: (.*)'\)", r"\1", ending.text or "", flags=re.S)
            if ending.get("message") == "collection skipped" else ending.get("message")
            for ending in case
        }
        if "skipped" in endings:
            counts[f": {endings['skipped']}"] += 1
        else:
            counts["failed" if {"failure", "error"} & set(endings) else "passed"] += 1
    return counts


def write_counts(place: str, what: str, counts: collections.Counter[str]) -> int:
    """Write what was counted down, and return how much failed."""
    passed, failed = counts.pop("passed", 0), counts.pop("failed", 0)
    if len(counts) > MANY:
        kinds: collections.Counter[str] = collections.Counter()
        for why, count in counts.items():
            kinds[f": {KINDS.get(why.split(':')[1].strip(), OTHERWISE)}"] += count
        counts = kinds
    skipped = "; ".join(f"{count}{why}" for why, count in sorted(counts.items()))
    write(place, what, passed, failed, skipped)
    return failed


def write(place: str, what: str, passed: int, failed: int, skipped: str) -> None:
    text = README.read_text(encoding="utf-8")
    table = TABLE.search(text)
    assert table is not None, "README.md has no table of what was run"
    start = f"| {place} | {what} |"
    rows = [row for row in table[0][len(HEAD):].splitlines() if not row.startswith(start)]
    rows.append(f"{start} {passed} | {failed} | {skipped} |")
    new = HEAD + "".join(f"{row}\n" for row in rows)
    README.write_text(text[: table.start()] + new + text[table.end():], encoding="utf-8")


def empty() -> int:
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(HEAD, text), encoding="utf-8")
    return 0


def run_machines() -> int:
    failures = 0
    for place, (compiler, emulator) in MACHINES.items():
        if all(shutil.which(words[0]) for words in (compiler, emulator) if words):
            passed, failed = run_machine(compiler, emulator)
            write(f"Linux {place}", "the C files alone", passed, failed, "")
            failures += failed
    return failures


def run_pythons(pythons: list[str]) -> int:
    system = platform.freedesktop_os_release()
    version = system.get("VERSION_ID", "unstable")
    here = f"Linux {platform.machine().replace('_', '-')}, {system['NAME']} {version}"
    [source], [wheel] = (
        list((ROOT / "dist").glob(f"native_sockets-*.{kind}")) for kind in ("tar.gz", "whl")
    )
    failures = 0
    for python in pythons:
        told = subprocess.run([python, "-c", WHO], stdout=subprocess.PIPE, check=True).stdout
        what, stable = json.loads(told)
        print(f"{what}:", flush=True)
        failures += write_counts(here, what, run_tests(python, wheel if stable else source))
    return failures


def main(words: list[str]) -> int:
    PLACE.mkdir(parents=True, exist_ok=True)
    match words:
        case ["nothing"]:
            failures = empty()
        case ["machines"]:
            failures = run_machines()
        case ["python", *pythons]:
            failures = run_pythons(pythons)
        case ["report", place, what, report]:
            failures = write_counts(place, what, read_report(Path(report)))
        case _:
            sys.exit(__doc__)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
