"""Compile the C files by themselves, with every warning of the compilers that are there.

Usage: check_c.py FLAG...
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import cffi

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
PYTHON = ["-DPy_LIMITED_API=0x030B0000", "-isystem", sysconfig.get_path("include"),
          "-isystem", Path(cffi.__file__).parent, "-include", "_cffi_include.h",
          "-include", GENERATED / "sockets-stub.c"]
FILES = {"socket-ffi-values": [], "sockets-stub": [], "sockets-fast": PYTHON}

if __name__ == "__main__":
    for compiler in ("gcc", "clang"):
        if not shutil.which(compiler):
            print(f"no {compiler} here: its warnings are not seen")
            continue
        for file, options in FILES.items():
            subprocess.run([compiler, *sys.argv[1:], *options, "-fPIC", "-c",
                            GENERATED / f"{file}.c", "-o", "/dev/null"], check=True)
