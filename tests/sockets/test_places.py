"""Tracebacks, warnings and compilers speak of the document."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import places
import pytest

ROOT = Path(__file__).parents[2]


def run_with_places(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ,
             "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "sockets"), *sys.path])},
        **options)


mapped = pytest.mark.skipif(not places.MODULES, reason="build/lines is not of this document")


@mapped
def test_a_traceback_leads_to_the_document() -> None:
    done = run_with_places("-c", "import places, sockets\nsockets.InternetAddress(.5, 1)")
    found = re.findall(r'File "(.*)", line (\d+), in (\w+)\n +(.*)\n', done.stderr)
    assert found[0][0] == str(ROOT / "sockets.md")
    document = (ROOT / "sockets.md").read_text(encoding="utf-8").split("\n")
    for _, line, _, text in found:
        assert text in document[int(line) - 1]
    assert done.stderr.splitlines()[-1].startswith("TypeError: ")


@mapped
@pytest.mark.skipif(not Path(sysconfig.get_path("platlib"), "sockets.pth").is_file(),
                    reason="not the environment that the Makefile makes")
def test_a_traceback_of_a_child_process_leads_to_the_document() -> None:
    done = subprocess.run([sys.executable, "-c", "import sockets\nsockets.InternetAddress('x', 1)"],
                          capture_output=True, text=True, check=False, timeout=60)
    assert f'File "{ROOT / "sockets.md"}", line ' in done.stderr
    assert "generated" not in done.stderr


@mapped
def test_every_line_of_a_module_leads_to_the_document() -> None:
    name = "sockets/_sockets.py"
    data = (ROOT / "generated" / name).read_bytes()
    code = places.compile_for_the_document(data, name)
    output = data.decode().split("\n")
    document = places.DOCUMENT.read_text(encoding="utf-8").split("\n")
    plain, seen = compile(data, name, "exec"), 0
    pairs = [(plain, code)]
    while pairs:
        there, here = pairs.pop()
        assert here.co_filename == str(places.DOCUMENT)
        assert (there.co_name, len(there.co_code)) == (here.co_name, len(here.co_code))
        for (*_, old), (*_, new) in zip(there.co_lines(), here.co_lines(), strict=False):
            if old:
                assert document[new - 1].split() == output[old - 1].split() or (
                    "⟨" in document[new - 1]), (old, new)
                seen += 1
                break
        pairs += [pair for pair in zip(there.co_consts, here.co_consts, strict=True)
                  if hasattr(pair[0], "co_code")]
    assert seen > 100


def test_a_warning_leads_to_the_document(tmp_path: Path) -> None:
    text = "## 1. x\n```\n# ⟨w.py⟩≡\n⟨Warn⟩\n```\n\n```\n# ⟨Warn⟩≡\nimport warnings\n\n" \
        "warnings.warn('é' + 'here')\n```\n"
    done = run_in_copy(tmp_path, text, "w.py")
    assert f"{tmp_path / 'sockets.md'}:11: UserWarning: éhere" in done.stderr
    assert "  warnings.warn('é' + 'here')" in done.stderr


def test_a_module_that_was_changed_since_is_imported_as_it_is(tmp_path: Path) -> None:
    text = "## 1. x\n```\n# ⟨w.py⟩≡\nx = 1\n```\n"
    (tmp_path / "generated").mkdir()
    (tmp_path / "generated/w.py").write_text("\n\n1 / 0\n", encoding="utf-8")
    done = run_in_copy(tmp_path, text, "w.py", tangled=False)
    assert f'{tmp_path / "generated" / "w.py"}", line 3' in done.stderr


def test_places_of_a_document_that_was_changed_since_are_not_used(tmp_path: Path) -> None:
    text = "## 1. x\n```\n# ⟨w.py⟩≡\n1 / 0\n```\n"
    assert 'sockets.md", line 4' in run_in_copy(tmp_path, text, "w.py").stderr
    with open(tmp_path / "sockets.md", "a") as document:
        document.write("More prose.\n")
    assert 'w.py", line 1' in run_places(tmp_path, "w.py").stderr


def run_in_copy(
    folder: Path, web: str, program: str, tangled: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program of a web of its own, with the support module as far below it as here."""
    (folder / "tests" / "sockets").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "sockets" / "places.py", folder / "tests" / "sockets")
    (folder / "sockets.md").write_text(web, encoding="utf-8")
    for options in [[]] * tangled + [["--lines", "--out", "build/lines"]]:
        subprocess.run([sys.executable, ROOT / "tangle.py", *options], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
    return run_places(folder, program)


def run_places(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder / "tests" / "sockets"), "PYTHONUTF8": "1",
                   "SOCKETS_PLACES": ""}
    return subprocess.run(
        [sys.executable, "-m", "places", str(folder / "generated" / program)], check=False,
        capture_output=True, encoding="utf-8", timeout=60, cwd=folder, env=environment)


def test_what_is_compiled_speaks_of_the_document_and_then_of_itself() -> None:
    wrappers = list((ROOT / "build").glob("temp*/_stub.c"))
    if not wrappers:
        pytest.skip("nothing was built here")
    [wrapper] = [path.read_text(encoding="utf-8") for path in wrappers][:1]
    named = re.findall(r'^#line \d+ "(.*)"$', wrapper, re.M)
    assert named[0] == "sockets.md"
    assert named[-1] == "_stub.c"
