"""Build a copy of the package in a folder of its own, with other flags or other headers.

Usage: build_variant.py FOLDER [HEADER...]. CFLAGS and LDFLAGS are the environment's. The texts of
the headers are put before both C files. `PYTHONPATH=FOLDER/generated` makes Python import the copy.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build(folder: Path, header: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    subprocess.run(
        [sys.executable, "tangle.py", "--lines", "--force",
         "--out", folder.resolve() / "generated"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )
    for source in (folder / "generated").glob("*.c"):
        source.write_text(header + source.read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=folder, check=True
    )


if __name__ == "__main__":
    folder, *headers = map(Path, sys.argv[1:])
    build(folder, "".join(header.read_text() for header in headers))
