"""One module of CPython's tests, in a process of its own: which of them pass?

    cpython_suite.py MODULE stock|ours OUTCOMES LEFT_OUT

Each test leaves two lines in the file OUTCOMES: its name when it begins, and when it has ended,
its name with "passed", "skipped", or the last line of what went wrong. Who has started this sees
by them which test hangs, or has ended the process. The file LEFT_OUT names tests not to run, or
classes of them, one a line. With "ours", the socket of stock_socket.py stands in the place of
CPython's.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import unittest
from typing import Any

module, choice, outcomes, left_out = sys.argv[1:]
sys.argv[1:] = []
if choice == "ours":
    import stock_socket

    stock_socket.install()
    import stock_tls

    stock_tls.install()

from test import support  # noqa: E402  (after install: it imports socket)


class Result(unittest.TestResult):
    """Writes what becomes of each test. A test with a subtest that fails has failed."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self.file = file
        self.outcome = ""

    def write(self, test: unittest.TestCase, outcome: str) -> None:
        print(test.id(), outcome.replace("\n", " "), sep="\t", file=self.file, flush=True)

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.outcome = "passed"
        self.write(test, "begun")

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        self.write(test, self.outcome)

    def fail(self, test: Any, error: Any) -> None:
        self.outcome = f"{error[0].__name__}: {error[1]}"
        if not isinstance(test, unittest.TestCase):  # a fixture of a class or of the module
            self.write(test, self.outcome)

    addError = addFailure = fail

    def addSubTest(self, test: Any, subtest: Any, error: Any) -> None:
        if error is not None:
            self.fail(test, error)

    def addSkip(self, test: Any, reason: str) -> None:
        if self.outcome in ("", "passed"):
            self.outcome = "skipped"

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.outcome = "unexpected success"


def tests_of(suite: Any) -> Any:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from tests_of(each)
        else:
            yield each


def main() -> None:
    # No network. What test_socketserver calls one is this machine by itself.
    support.use_resources = ["cpu", "walltime", *["network"] * (module == "test.test_socketserver")]
    support.verbose = 0
    with open(left_out) as file:
        skipped = set(file.read().splitlines())
    with tempfile.TemporaryDirectory() as place, open(outcomes, "a") as file:
        os.chdir(place)
        try:
            loaded = importlib.import_module(module)
        except unittest.SkipTest:
            return
        suite = unittest.defaultTestLoader.loadTestsFromModule(loaded)
        chosen = [
            each for each in tests_of(suite)
            if not {each.id(), each.id().rpartition(".")[0]} & skipped
        ]
        unittest.TestSuite(chosen).run(Result(file))
        os.chdir("/")
        file.flush()
        os._exit(0)  # whatever a test that failed has left running


main()
