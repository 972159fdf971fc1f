"""Compile the C parts of `sockets`; everything else about the package is in pyproject.toml.

In between it calls `build_sockets.py`, which section 90A of sockets.md explains.
"""

import gzip
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import CompileError

GENERATED = Path(__file__).parent / "generated"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
STABLE_ABI = sys.implementation.name == "cpython" and not FREE_THREADED
STRICT = ["-Werror=int-conversion", "-Werror=incompatible-pointer-types"]
NO_PLACE = [f"-fdebug-prefix-map={Path.cwd()}=."]  # the same code, wherever it is built


def stop(reason):
    raise SystemExit("sockets: " + reason)


def find_sources():
    """Where to build from: what is generated, but with #line where it is of this document.

    So compilers, debuggers and sanitizers speak of sockets.md. Where that is not there, or C was
    edited without it, what is generated is compiled as it is.
    """
    lines = Path("build", "lines")
    for options in (["--check"], ["--lines", "--force", "--out", lines]):
        if subprocess.run(
            [sys.executable, "tangle.py", *options], cwd=GENERATED.parent, capture_output=True
        ).returncode:
            return GENERATED
    return GENERATED.parent / lines


def load_builder(sources):
    spec = importlib.util.spec_from_file_location("build_sockets", sources / "build_sockets.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    return builder


class BuildForeignParts(build_ext):
    def build_extensions(self):
        self.check_tools()
        sources = find_sources()
        builder = load_builder(sources)
        directory = Path(self.build_temp).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        program = self.ask_values(builder, sources, directory)
        package = Path(self.get_ext_fullpath("sockets._stub")).parent
        package.mkdir(parents=True, exist_ok=True)
        builder.write_values(program, package / "_values.py")
        wrapper = directory / "_stub.c"
        builder.write_wrapper(program, wrapper)
        [extension] = self.extensions
        extension.sources = [str(wrapper)]
        extension.libraries = program["C_LIBRARIES"]
        if self.compiler.compiler_type == "unix":
            extension.extra_compile_args = STRICT + NO_PLACE
        super().build_extensions()

    def check_tools(self):
        """Say in one line what is missing, where a compiler would say it in many."""
        if self.compiler.compiler_type == "unix":
            command = self.compiler.compiler_so[0]
            if shutil.which(command) is None:
                stop(f"there is no C compiler {command!r}; install one (Debian: gcc libc6-dev)")
        headers = Path(sysconfig.get_path("include"))
        if not (headers / "Python.h").is_file():
            stop(f"there is no Python.h in {headers}; install Python's headers "
                 "(Debian: python3-dev)")
        try:
            from cffi import __version__, __version_info__
        except ImportError:
            stop("there is no cffi; install cffi 1.17 or later")
        if __version_info__[:2] < (1, 17):
            stop(f"cffi {__version__} is too old; install cffi 1.17 or later")

    def ask_values(self, builder, sources, directory):
        """Compile the library of values, and run the program, which asks it."""
        try:
            objects = self.compiler.compile(
                [str(sources / "socket-ffi-values.c")], output_dir=str(directory)
            )
        except CompileError:
            stop("the C compiler does not find what it needs, as it says above; "
                 "install the C library's headers (Debian: libc6-dev)")
        suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
        self.compiler.link_shared_object(
            objects, str(directory / ("socket-ffi-values" + suffix)),
            libraries=["ws2_32"] if sys.platform == "win32" else [],
        )
        return builder.load_program(str(directory))

    def copy_extensions_to_source(self):
        super().copy_extensions_to_source()
        built = Path(self.build_lib) / "sockets" / "_values.py"
        shutil.copyfile(built, GENERATED / "sockets" / "_values.py")


def describe():
    """The README for an index page, where links to files beside it lead nowhere.

    They lead into the repository, if pyproject.toml says where that is. Else what was linked is
    left as text, and pictures are left out.
    """
    text, project = (
        (GENERATED.parent / name).read_text(encoding="utf-8")
        for name in ("README.md", "pyproject.toml")
    )
    if found := re.search('^Repository = "(.*?)/?"', project, re.M):
        text = re.sub(r"(!\[[^]]*\])\(([^:)]+)\)", rf"\1({found[1]}/raw/HEAD/\2)", text)
        return re.sub(r"(\[[^]]*\])\(([^:)]+)\)", rf"\1({found[1]}/blob/HEAD/\2)", text)
    text = re.sub(r"!\[[^]]*\]\([^:)]+\)\n*", "", text)
    return re.sub(r"\[([^]]*)\]\([^:)]+\)", r"\1", text)


class PackReproducibly(sdist):
    """One order, one owner, one time: the same files make the same archive. (setuptools' own
    notes are left out; they tell an archive's files from a checkout's.)
    """

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **options):
        now = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))

        def anonymous(member):
            member.mtime, member.mode = now, 0o755 if member.mode & 0o100 else 0o644
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            return member

        archive = f"{base_name}.tar.gz"
        with (
            gzip.GzipFile(archive, "wb", mtime=now) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in sorted(Path(base_dir).rglob("*")):
                if "native_sockets.egg-info" not in path.parts:
                    tar.add(path, recursive=False, filter=anonymous)
        return archive


setup(
    long_description=describe(),
    long_description_content_type="text/markdown",
    ext_modules=[Extension(
        "sockets._stub", sources=[], py_limited_api=STABLE_ABI,
        define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
    )],
    cmdclass={"build_ext": BuildForeignParts, "sdist": PackReproducibly},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI else {},
)
