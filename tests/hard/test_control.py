"""Any bytes as ancillary data, in C, laid out as here and as on macOS: tests/hard/control.c."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LAYOUTS = {"as here": [], "as on macOS": ["plain.h", "narrow.h"]}
SANITIZED = {
    "gcc": ["-O2"],
    "clang": ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
}


@pytest.mark.parametrize("compiler", SANITIZED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_ancillary_data_of_any_bytes_are_read_within_their_bounds(
    layout: str, compiler: str, tmp_path: Path
) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler} here")
    before = [word for name in LAYOUTS[layout] for word in ("-include", HERE / name)]
    program = tmp_path / "control"
    subprocess.run(
        [compiler, "-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror",
         *SANITIZED[compiler], *before, HERE / "control.c", "-o", program],
        check=True, timeout=100,
    )
    run = subprocess.run([program], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 1_000_000
