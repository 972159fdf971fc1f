"""Python that is tangled says where it was written: in the document.

    import places                              from now on, modules of generated/ do so
    python -m places PROGRAM [ARGUMENT ...]    and so does a program, started like this
    SOCKETS_PLACES=FOLDER python ...           and so does all that the Makefile's Python starts, if
                                               this module is in FOLDER: so in the tests

Tracebacks, warnings and debuggers ask code objects for their file and lines. So the
modules that `tangle.py --lines --out build/lines` wrote a map of are compiled here, with
the document's name and places. If the document, or a file, is not as it was when the map
was made, the file is imported as it is. With `plugins = places`, coverage.py reports the
document's lines.
"""

from __future__ import annotations

import bisect
import json
import marshal
import os
import sys
from contextlib import suppress
from hashlib import sha256
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES = ROOT / "build" / "lines"
KEPT = ROOT / "build" / "places"
DOCUMENT = ROOT / "sockets.md"
try:
    MAP = json.loads((LINES / "lines.json").read_text(encoding="utf-8"))
except FileNotFoundError:
    MAP = {"digest": ""}
if MAP["digest"] != sha256(DOCUMENT.read_bytes()).hexdigest():
    MAP = {"files": {}}
MODULES = {
    name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): name
    for name in MAP["files"] if name.endswith(".py")
}


def columns(line, bytes):
    """Characters, of which Python's syntax trees count the bytes in UTF-8."""
    return bytes if line.isascii() else len(line.encode()[:bytes].decode(errors="replace"))


def compile_for_the_document(data, name):
    """Compile a tangled file so that its code knows where in the document it was written."""
    import ast

    text, document = data.decode(), DOCUMENT.read_text(encoding="utf-8").split("\n")
    lines, runs = text.split("\n"), MAP["files"][name]
    starts = [(run[0], run[1]) for run in runs]

    def place(line, bytes):
        """Where a character was written: line, and bytes before it."""
        column = columns(lines[line - 1], bytes) + 1
        run = runs[max(bisect.bisect(starts, (line, column)) - 1, 0)]
        shift = column - run[1] if run[0] == line else 0
        return run[2], len(document[run[2] - 1][: max(run[3] + shift - 1, 0)].encode())

    tree = ast.parse(text)
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            end = place(node.end_lineno, max(node.end_col_offset - 1, 0))
            node.lineno, node.col_offset = begin = place(node.lineno, node.col_offset)
            # What ends in a chunk that stands further up is taken to end where it begins.
            node.end_lineno, node.end_col_offset = max(begin, (end[0], end[1] + 1))
    return compile(tree, str(DOCUMENT), "exec", dont_inherit=True)


def is_known(data, name):
    """Whether this is the file that the map is of."""
    return (LINES / name).is_file() and (LINES / name).read_bytes() == data


def code_for_the_document(data, name):
    """The same, which is kept: the tests start some hundred processes."""
    key = sha256(MAGIC_NUMBER + (LINES / "lines.json").read_bytes() + data)
    key.update(Path(__file__).read_bytes())
    kept = KEPT / f"{name.replace('/', '.')}-{key.hexdigest()}"
    with suppress(OSError, EOFError, ValueError, TypeError):
        return marshal.loads(kept.read_bytes())
    code = compile_for_the_document(data, name)
    with suppress(OSError):
        KEPT.mkdir(exist_ok=True)
        new = KEPT / str(os.getpid())
        new.write_bytes(marshal.dumps(code))
        new.replace(kept)
    return code


class Loader(SourceFileLoader):
    def get_code(self, fullname):
        data, name = self.get_data(self.path), MODULES[fullname]
        if is_known(data, name):
            return code_for_the_document(data, name)
        return super().get_code(fullname)


class Finder:
    def find_spec(self, fullname, path, target=None):
        spec = PathFinder.find_spec(fullname, path, target) if fullname in MODULES else None
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(fullname, spec.origin)
        return spec


sys.meta_path.insert(0, Finder())


def coverage_init(registry, options):
    """coverage.py: the document is no Python, but these of its lines are code."""
    import coverage

    class Tracer(coverage.FileTracer):
        def source_filename(self):
            return str(DOCUMENT)

    class Reporter(coverage.FileReporter):
        def lines(self):
            found, codes = set(), [
                compile_for_the_document((LINES / name).read_bytes(), name)
                for module, name in MODULES.items() if module.startswith("sockets")]
            while codes:
                code = codes.pop()
                found.update(line for _, _, line in code.co_lines() if line)
                codes += [constant for constant in code.co_consts if hasattr(constant, "co_lines")]
            return found

    class Plugin(coverage.CoveragePlugin):
        def file_tracer(self, filename):
            return Tracer() if filename == str(DOCUMENT) else None

        def file_reporter(self, filename):
            return Reporter(filename)

    registry.add_file_tracer(Plugin())


if __name__ == "__main__":
    del sys.argv[0]
    program = Path(sys.argv[0]).resolve()
    sys.path[0] = str(program.parent)
    name = os.path.relpath(program, ROOT / "generated").replace(os.sep, "/")
    data = program.read_bytes()
    known = name in MAP["files"] and is_known(data, name)
    exec(compile_for_the_document(data, name) if known else compile(data, program, "exec"),
         {"__name__": "__main__", "__file__": str(program)})
