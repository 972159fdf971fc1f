"""The guide is a web that can be tangled and run, and what it quotes of the tools they say."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from webs import needs_posix

from commonweb import faults, hygiene, tangle, web

# In the tools' own source archive the guide stands beside the tests; here, beside the tools.
PLACES = Path(__file__).parents[2] / "commonweb", Path(__file__).parents[1]
[GUIDE] = [place / "guide" for place in PLACES if (place / "__main__.py").exists()]
TABLE = (GUIDE / "pyproject.toml").read_text(encoding="utf-8")
DOCUMENTS = re.findall(r'"(.*?)"', TABLE.partition("documents =")[2])
TEXTS = {name: (GUIDE / name).read_text(encoding="utf-8") for name in DOCUMENTS}
EXAMPLE = re.compile(r"^````markdown example( draft)?\n((?:(?!````).*\n)*)````\n\n"
                     r"```text\n((?:(?!```).*\n)*)```$", re.M)
EXAMPLES = [match.groups() for text in TEXTS.values() for match in EXAMPLE.finditer(text)]
SESSION = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
NEEDED = {"make": "gcc"}  # what a program of a session needs besides


def words_of(text: str) -> list[str]:
    """What it says, on however many lines; which version of Python this is does not matter."""
    return re.sub(r"Python\s+3\.\d+", "Python", text).split()


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What a command of a session prints."""
    if words[0] == "web-tangle":
        here = [] if any(word.endswith(".md") for word in words) else DOCUMENTS
        tangle.main([*here, *words[1:]])
        return "".join(capsys.readouterr())
    words = [sys.executable if words[0] == "python3" else words[0], *words[1:]]
    done = subprocess.run([word.encode() for word in words],  # whatever the locale is
                          capture_output=True, encoding="utf-8", timeout=60, check=True)
    return done.stdout + done.stderr


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the guide, in the working folder."""
    shutil.copytree(GUIDE, tmp_path / "guide")
    monkeypatch.chdir(tmp_path / "guide")
    return tmp_path / "guide"


def test_its_table_names_all_its_documents() -> None:
    assert sorted(DOCUMENTS) == sorted(path.name for path in GUIDE.glob("*.md"))


@needs_posix
@pytest.mark.parametrize("name", [name for name in DOCUMENTS if SESSION.search(TEXTS[name])])
def test_its_sessions_go_as_it_shows(
    name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if name != DOCUMENTS[0]:  # which is the first to tangle it
        tangle.main([*DOCUMENTS, "--out", "out"])
        capsys.readouterr()
    for session in SESSION.findall(TEXTS[name]):
        for line, answer in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", session, re.M):
            words = shlex.split(line)
            if words[0] == "web-weave":  # the book's tests do that
                continue
            if not all(map(shutil.which, [words[0], NEEDED.get(words[0], "sh")])) and (
                    words[0] != "web-tangle"):
                pytest.skip(f"no {words[0]} here")
            assert words_of(said(words, capsys)) == words_of(answer), line


@pytest.mark.parametrize(("draft", "text", "messages"), EXAMPLES,
                         ids=[text.split("\n")[0].strip("# `") for _, text, _ in EXAMPLES])
def test_an_example_gets_the_messages_that_stand_below_it(
    draft: str, text: str, messages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("web.md").write_text(text)
    assert tangle.main(["web.md", *["--draft"] * bool(draft)]) == (0 if draft else 1)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("web.md:")]
    assert words_of("\n".join(lines)) == words_of(messages)


def test_a_web_of_nowebs_is_translated_as_it_shows(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [(before, command, after)] = re.findall(
        r"^```noweb example\n(.*?)^```\n.*?`python3 (\S+ c hello\.c) < hello\.nw`.*?"
        r"^````markdown example\n(.*?)^````\n", TEXTS["coming-from.md"], re.M | re.S)
    tangle.main([*DOCUMENTS, "--out", "out"])
    done = subprocess.run([sys.executable, "-X", "utf8", *command.split()], input=before,
                          capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert done.stdout == after
    Path("hello.md").write_text(after)
    capsys.readouterr()
    assert tangle.main(["hello.md", "--root", "hello.c"]) == 0
    ours = capsys.readouterr().out
    assert "{\n    puts(\"Hello\");\n    return 1 << 0;\n}\n" in ours
    if notangle := shutil.which("notangle"):
        done = subprocess.run([notangle, "-"], input=before, capture_output=True,
                              encoding="utf-8", timeout=60, check=True)
        assert done.stdout == ours


def pieces(module: ModuleType) -> set[str]:
    """The pieces of text, two words or more, of which a module makes its messages."""
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
             and isinstance(node.value, str) and id(node) not in told}
    return {text for text in found if re.search(r"[a-z] [a-z]", text) and "\\" not in text}


@pytest.mark.parametrize("module", [web, faults, hygiene])
def test_every_message_about_a_web_is_in_it(module: ModuleType) -> None:
    text = re.sub(r"\s+", " ", " ".join(TEXTS.values()))
    found = pieces(module)
    assert len(found) > 8
    assert {piece for piece in found if piece.strip() not in text} == set()
