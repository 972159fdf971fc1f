"""What importing the package does, and what forks and interpreters in one process make of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from helpers import needs_posix, with_lock

import sockets
from sockets import _sockets

CPYTHON = sys.implementation.name == "cpython"


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", f"import sys\nsys.path = {sys.path!r}\n{code}"],
        capture_output=True, text=True, timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LOADING = {"import", "open", "exec", "compile", "marshal.loads", "os.listdir", "os.scandir"}
HARMLESS = {"builtins.id", "sys._getframe", "object.__getattr__", "object.__setattr__"}


def test_importing_does_nothing_but_load_modules() -> None:
    events = run_python("""
import errno, os
seen = set()
sys.addaudithook(lambda event, arguments: seen.add(event))
import sockets
print(*seen)
""")
    assert "exec" in events.split()
    assert set(events.split()) <= LOADING | HARMLESS


@needs_posix
def test_importing_opens_no_descriptor_and_starts_no_thread() -> None:
    run_python("""
import _thread, os
def state():
    return os.listdir("/dev/fd"), _thread._count(), os.environ.copy()
before = state()
import sockets
assert state() == before, (before, state())
""")


@pytest.mark.skipif(not CPYTHON, reason="PyPy's own modules come with others")
@pytest.mark.skipif(
    sys.flags.dev_mode or hasattr(sys, "gettotalrefcount"),
    reason="a Python that looks for mistakes looks up each encoding that is named",
)
def test_importing_loads_few_other_modules() -> None:
    loaded = run_python("""
before = set(sys.modules)
import sockets
print(*{name.partition(".")[0] for name in set(sys.modules) - before})
""")
    assert set(loaded.split()) <= {
        "sockets", "__future__", "_cffi_backend", "errno", "itertools", "os", "stat",
    }


# Copies of the package, as other packages have them inside.

COPIES = """
import importlib, pickle
for name in {names}:
    copy = importlib.import_module(name)
    here = copy._sockets
    kind = copy.SocketDomain.INTERNET, copy.SocketType.DATAGRAM, copy.SocketProtocol.AUTO
    with copy.create_socket(*kind) as sock:
        copy.bind_socket(sock, copy.InternetAddress(0x7F000001, 0))
        address = copy.get_socket_name(sock)
        assert copy.send_to_socket(sock, bytearray(b"x"), address) == 1
        assert copy.receive_from_socket(sock, 9) == (b"x", address)
        nothing, condition = copy.receive_from_socket(sock, 9)
        assert nothing is None and isinstance(condition, copy.SocketCondition)
        for value in (address, kind, copy.send_to_socket, copy.SocketOption.TYPE):
            assert pickle.loads(pickle.dumps(value)) == value
        assert str(pickle.loads(pickle.dumps(condition))) == str(condition)
    print(name, here.HAS_FAST_PATHS, copy.send_to_socket.__module__)
"""


@pytest.mark.parametrize("order", [["inside.sockets"], ["inside.sockets", "sockets"],
                                   ["sockets", "inside.sockets"]], ids=" ".join)
@pytest.mark.parametrize("linked", [False, pytest.param(True, marks=needs_posix)])
def test_a_copy_under_another_name_is_a_package_like_the_first(
    order: list[str], linked: bool, folder: Path
) -> None:
    original = Path(sockets.__file__).parent
    (folder / "inside").mkdir()
    (folder / "inside" / "__init__.py").touch()
    if linked:
        (folder / "inside" / "sockets").symlink_to(original)
    else:
        shutil.copytree(original, folder / "inside" / "sockets")
    printed = run_python(
        f"sys.path.insert(0, {str(folder)!r})\n" + COPIES.format(names=order)
        + "print('sockets' in sys.modules)"
    )
    assert printed.splitlines() == [
        f"{name} {_sockets.HAS_FAST_PATHS} {name}._sockets" for name in order
    ] + [str("sockets" in order)]


# Interpreters inside of a process. CPython takes a module that does not say that it is made for
# locks of their own for one that is not.

WORK = """
from sockets import *
sock = create_socket(SocketDomain.INTERNET, SocketType.DATAGRAM, SocketProtocol.AUTO)
bind_socket(sock, InternetAddress(0x7F000001, 0))
assert send_to_socket(sock, b"x", get_socket_name(sock)) == 1
assert receive_from_socket(sock, 2)[0] == b"x"
print("works", flush=True)
"""


@with_lock
@pytest.mark.parametrize("own_lock", [False, True])
def test_another_interpreter_can_import_it_if_it_shares_the_lock(own_lock: bool) -> None:
    if own_lock and sys.version_info < (3, 12):
        pytest.skip("here all interpreters share one lock")
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    if sys.version_info >= (3, 13):
        create, run = f"create({'isolated' if own_lock else 'legacy'!r})", "exec"
    else:
        create, run = f"create(isolated={own_lock})", "run_string"
    printed = run_python(f"""
import {module} as interpreters
import sockets
work = "import sys; sys.path = " + repr(sys.path) + {WORK!r}
refusal = "try:\\n import sockets\\nexcept ImportError as error:\\n print(error, flush=True)"
refusal = "import sys; sys.path = " + repr(sys.path) + "\\n" + refusal
other = interpreters.{create}
interpreters.{run}(other, refusal if {own_lock} else work)
interpreters.destroy(other)
{WORK}
""")
    there, here = printed.splitlines()
    assert there.endswith("does not support loading in subinterpreters" if own_lock else "works")
    assert here == "works"


# A fork.

@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_the_child_of_a_fork_shares_its_parents_sockets_and_closes_its_own() -> None:
    printed = run_python("""
import os
from sockets import *
left, right = make_socket_pair(SocketDomain.UNIX, SocketType.STREAM, SocketProtocol.AUTO)
child = os.fork()
if child == 0:
    send_to_socket(left, b"from the child", None)
    close_socket(left)
    close_socket(right)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(receive_from_socket(right, 100)[0].decode())
assert send_to_socket(left, b"still open", None) == 10
""")
    assert printed == "from the child\n"


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has its lock"
)
def test_where_there_is_no_lock_importing_brings_none_back() -> None:
    assert run_python("import sockets; print(sys._is_gil_enabled())") == "False\n"
