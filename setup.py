"""Compile the C parts of `sockets`; everything else about the package is in pyproject.toml.

In between it calls `build_sockets.py`, which section 90A of sockets.md explains.
"""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

GENERATED = Path(__file__).parent / "generated"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
STABLE_ABI = sys.implementation.name == "cpython" and not FREE_THREADED
STRICT = ["-Werror=int-conversion", "-Werror=incompatible-pointer-types"]


def find_sources():
    """Where to build from: what is generated, but with #line where it is of this document.

    So compilers, debuggers and sanitizers speak of sockets.md. Where that is not there, or C was
    edited without it, what is generated is compiled as it is.
    """
    lines = Path("build", "lines")
    for options in (["--check"], ["--lines", "--out", lines]):
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
            extension.extra_compile_args = STRICT
        super().build_extensions()

    def ask_values(self, builder, sources, directory):
        """Compile the library of values, and run the program, which asks it."""
        objects = self.compiler.compile(
            [str(sources / "socket-ffi-values.c")], output_dir=str(directory)
        )
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


setup(
    ext_modules=[Extension("sockets._stub", sources=[], py_limited_api=STABLE_ABI)],
    cmdclass={"build_ext": BuildForeignParts},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if STABLE_ABI else {},
)
