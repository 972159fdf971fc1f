"""Drafts: what is unused or not yet written stops nothing, and is listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commonweb import tangle

WEB = """\
## 1. One
```python
# ⟨a.py⟩≡
def first():
    pass
    ⟨To be written⟩

x = 1⟨Another⟩
```
## 2. Two
```python
# ⟨Unused⟩≡
y ⟨To be written⟩
```
"""
GAPS = ["w.md:6:5: warning: ⟨To be written⟩ is not defined",
        "w.md:8:6: warning: ⟨Another⟩ is not defined",
        "w.md:12:3: warning: ⟨Unused⟩ is never used (a file's name has a suffix or a / and no "
        "blanks, or begins with ./, as in ⟨./Unused⟩)",
        "w.md:13:3: warning: ⟨To be written⟩ is not defined"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("w.md").write_text(WEB)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("w.md:")]


def test_a_draft_is_tangled_and_what_it_lacks_is_listed_every_time(
    capsys: pytest.CaptureFixture[str]
) -> None:
    assert tangle.main(["w.md"]) == 1
    assert [line.replace("error", "warning") for line in told(capsys)] == GAPS
    for options in ([], ["--check"], []):
        assert tangle.main(["w.md", "--draft", *options]) == 0
        assert told(capsys) == GAPS
    assert Path("generated/a.py").read_text() == "def first():\n    pass\n\n\nx = 1\n"
    assert tangle.main(["w.md"]) == 1  # what a draft may have, nothing else may
    assert tangle.main(["w.md", "--check"]) == 1


def test_a_draft_that_lacks_nothing_is_tangled_in_silence(
    capsys: pytest.CaptureFixture[str]
) -> None:
    Path("w.md").write_text("## 1. x\n```\n# ⟨a.x⟩≡\na\n```\n")
    assert tangle.main(["w.md", "--draft"]) == 0
    assert capsys.readouterr() == ("wrote generated/a.x\n", "")


def test_all_else_that_is_wrong_with_a_draft_is_an_error(
    capsys: pytest.CaptureFixture[str]
) -> None:
    Path("w.md").write_text(WEB + "```python\n# ⟨Unused⟩≡\n# ⟨\n```\n")
    assert tangle.main(["w.md", "--draft"]) == 1
    assert sum("error:" in line for line in told(capsys)) == 2
    assert not Path("generated").exists()


def test_names_of_a_draft_may_be_for_what_is_not_yet_written(
    capsys: pytest.CaptureFixture[str]
) -> None:
    Path("w.md").write_text(WEB.replace("# ⟨a.py⟩≡\n", "# ⟨a.py⟩≡\n#| exports: later\n"))
    assert tangle.main(["w.md", "--draft"]) == 0
    assert any("later" in line and "warning:" in line for line in told(capsys))


def test_a_draft_of_nothing_but_plans_is_tangled_to_nothing(
    capsys: pytest.CaptureFixture[str]
) -> None:
    Path("w.md").write_text("## 1. x\n```\n# ⟨Plan⟩≡\n⟨Step⟩\n```\n")
    assert tangle.main(["w.md", "--draft"]) == 0
    assert len(told(capsys)) == 3
    assert not Path("generated").exists()


def test_what_is_not_yet_written_is_defined_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert tangle.main(["w.md", "--draft", "--dump"]) == 0
    chunks = json.loads(capsys.readouterr().out)["chunks"]
    assert chunks["To be written"] == {"kind": "named", "defined_in": [], "used_in": ["1", "2"]}


def test_edits_of_a_draft_go_back_into_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert tangle.main(["w.md", "--draft"]) == 0
    path = Path("generated/a.py")
    path.write_text(path.read_text().replace("    pass", "    return 1"))
    assert tangle.main(["w.md", "--draft", "--detangle"]) == 0
    assert Path("w.md").read_text() == WEB.replace("    pass", "    return 1")
