"""CPython's own tests of sockets, with its module and with ours: what is lost?

    cpython.py PYTHON LOST [MODULE ...]

runs the modules (all of SUITES) with PYTHON, first as they are, and then what has passed once
more on the socket of stock_socket.py; of that, what fails gets a second chance. The file LOST
says which tests are known not to pass then, in groups, each below a line with its reason; and,
below "not run: ..." and a reason, which classes are left out both times. Exit status 1 if others
are lost as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Those that take long come first. test_ssl is about what is in OpenSSL.
SUITES = [
    "test_socket", "test_asyncio.test_events", "test_imaplib", "test_xmlrpc", "test_selectors",
    "test_ftplib", "test_poplib", "test_asyncio.test_sendfile",
    "test_asyncio.test_sock_lowlevel", "test_asyncio.test_streams",
    "test_asyncio.test_sslproto", "test_asyncio.test_server", "test_asyncio.test_unix_events",
    "test_asyncio.test_selector_events", "test_asyncio.test_buffered_proto",
    "test_asyncio.test_base_events", "test_epoll", "test_socketserver", "test_smtplib",
    "test_smtpd", "test_nntplib", "test_telnetlib", "test_httplib", "test_httpservers",
    "test_urllib2_localnet", "test_docxmlrpc", "test_wsgiref", "test_asyncore", "test_asynchat",
]
PATIENCE = 40  # seconds for one test
HERE = Path(__file__).parent


class Known:
    """What the file of lost tests says: the reason for each of them, and which are not run."""

    def __init__(self, path: str) -> None:
        self.reasons: dict[str, str] = {}
        self.not_run: set[str] = set()
        reason = ""
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                reason = line[2:]
            elif line:
                self.reasons[line] = reason
                if reason.startswith("not run: "):
                    self.not_run.add(line)


def run_suite(python: str, module: str, choice: str, left_out: set[str]) -> dict[str, str]:
    """What becomes of each test. One that hangs is killed, and the rest is run without it."""
    found: dict[str, str] = {}
    left_out = set(left_out)
    with tempfile.TemporaryDirectory() as place:
        outcomes, skipped = Path(place, "outcomes"), Path(place, "left-out")
        while True:
            outcomes.write_text("")
            skipped.write_text("\n".join(left_out))
            problem = watch([
                python, str(HERE / "cpython_suite.py"), f"test.{module}", choice,
                str(outcomes), str(skipped),
            ], outcomes, place)
            running = ""
            for line in outcomes.read_text(encoding="utf-8").splitlines():
                name, outcome = line.split("\t", 1)
                running = name if outcome == "begun" else ""
                if outcome != "begun":
                    found[name] = outcome
            if not running:
                if problem:
                    found[module] = problem
                return found
            found[running] = problem or "ended the process"
            left_out |= {*found}


def watch(command: list[str], outcomes: Path, place: str) -> str:
    """Run a command until it ends, or until its file has not grown for too long; say which."""
    with open(Path(place, "output"), "wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True, env={**os.environ, "TMPDIR": place},
        )
    size, since = -1, time.monotonic()
    while True:
        try:
            status = process.wait(0.1)
            told = Path(place, "output").read_text(errors="replace").split("\n")
            return "" if status == 0 else "\n".join(told[-2:]).strip()
        except subprocess.TimeoutExpired:
            pass
        if (now := outcomes.stat().st_size) != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "hangs"


def compare(python: str, module: str, not_run: set[str]) -> tuple[set[str], dict[str, str]]:
    """What passes with CPython's socket, and what does not of that with ours."""
    since = time.monotonic()
    stock = run_suite(python, module, "stock", not_run)
    passed = {name for name, outcome in stock.items() if outcome == "passed"}
    middle = time.monotonic()
    ours = run_suite(python, module, "ours", not_run | ({*stock} - passed))
    lost = {name: ours.get(name, "not run") for name in passed if ours.get(name) != "passed"}
    if lost:
        again = run_suite(python, module, "ours", not_run | ({*stock} - {*lost}))
        for name in [name for name in lost if again.get(name) == "passed"]:
            print(f"passes only the second time: {name}\n    {lost.pop(name)}")
    print(f"{module:36} stock {len(passed):4}  ours {len(passed) - len(lost):4}"
          f"  {middle - since:4.0f} s {time.monotonic() - middle:4.0f} s", flush=True)
    if not passed:
        sys.exit(f"nothing passes with CPython's socket: {set(stock.values()) or 'no tests'}")
    return passed, lost


def main() -> None:
    python, path, *modules = sys.argv[1:]
    known = Known(path)
    passed: set[str] = set()
    lost: dict[str, str] = {}
    with ThreadPoolExecutor(int(os.environ.get("WORKERS", "4"))) as pool:
        for more, less in pool.map(
            lambda module: compare(python, module, known.not_run), modules or SUITES
        ):
            passed |= more
            lost |= less
    reasons = Counter(known.reasons.get(name, "unknown") for name in lost)
    print(f"{len(passed)} pass with CPython's socket, {len(passed) - len(lost)} of them with ours")
    for reason, count in reasons.most_common():
        print(f"{count:5} lost: {reason}")
    for name in sorted({*known.reasons} & (passed - {*lost})):
        print(f"no longer lost, take it out of {path}: {name}")
    new = sorted({*lost} - {*known.reasons})
    for name in new:
        print(f"lost: {name}\n    {lost[name]}")
    sys.exit(bool(new))


if __name__ == "__main__":
    main()
