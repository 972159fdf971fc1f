"""Tangling at every save."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from webs import TANGLE, needs_posix

from commonweb import tangle, watch

WEB = "## 1. x\n```\n# ⟨a.x⟩≡\n{}\n```\n"
WAITS = "waiting for changes of w.md\n"

pytestmark = needs_posix  # which have an interrupt to send


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """The command, in a folder with a web that it has tangled, waiting for a change."""
    monkeypatch.chdir(tmp_path)
    save("one")
    # Whoever runs the tests in the background may have had interrupts ignored, which is inherited.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen([*TANGLE, "w.md", "--watch"], stdout=subprocess.PIPE, encoding="utf-8",
                          stderr=subprocess.PIPE) as process:
        signal.signal(signal.SIGINT, handler)
        try:
            assert told(process) == ["wrote generated/a.x\n"]
            yield process
        finally:
            process.kill()


def save(code: str) -> None:
    """Write the web as many editors do: another file is put in its place."""
    Path("new").write_text(WEB.format(code))
    os.replace("new", "w.md")


def told(process: subprocess.Popen[str]) -> list[str]:
    """What it says until it waits again."""
    assert process.stdout
    lines = []
    while (line := process.stdout.readline()) != WAITS:
        assert line
        lines.append(line)
    return lines


def test_every_save_is_tangled_and_it_says_what_changed(watching: subprocess.Popen[str]) -> None:
    for code in ("two", "three"):
        save(code)
        assert told(watching) == ["wrote generated/a.x\n"]
        assert Path("generated/a.x").read_text() == code + "\n"
    Path("w.md").write_text("prose\n\n" + WEB.format("three"))
    assert told(watching) == ["1 unchanged in generated\n"]


def test_it_goes_on_after_every_error_and_ends_when_it_is_interrupted(
    watching: subprocess.Popen[str]
) -> None:
    assert watching.stderr
    save("⟨Missing⟩")
    assert told(watching) == []
    assert "⟨Missing⟩ is not defined" in watching.stderr.readline()
    os.remove("w.md")
    assert told(watching) == []
    save("right")
    assert told(watching) == ["wrote generated/a.x\n"]
    Path("generated/a.x").write_text("mine\n")
    save("other")
    assert told(watching) == []
    watching.send_signal(signal.SIGINT)
    assert watching.wait(60) == 0
    errors = [line for line in watching.stderr.read().splitlines() if "error:" in line]
    assert len(errors) == 2
    assert "w.md:1:1: error: cannot be read: " in errors[0]
    assert "generated/a.x was edited since it was tangled" in errors[1]


def test_it_ends_when_nobody_listens_any_more(watching: subprocess.Popen[str]) -> None:
    assert watching.stdout
    watching.stdout.close()
    save("two")
    assert watching.wait(60) == 141


@pytest.mark.parametrize("words", [["--check"], ["--dump"], ["--detangle"], ["where", "a:1"]])
def test_what_is_not_for_every_save_is_wrong_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert tangle.main(["w.md", "--watch", *words]) == 2
    assert f"--watch and {words[0]} do not go together" in capsys.readouterr().err
    assert tangle.main(["-", "--watch"]) == 2


def test_a_file_is_looked_at_when_it_is_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([{"a": (1,)}, {"a": (1,)}, {"a": (2,)}, {"a": (3,)}, {"a": (3,)}, {"a": (3,)}])
    done = []

    def look(paths: object) -> dict[str, tuple[int, ...]]:
        try:
            return dict(next(looks))
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(watch, "states", look)
    monkeypatch.setattr(watch, "sleep", lambda seconds: None)
    assert watch.watch(lambda: done.append(1), lambda: ["a"], "p") == 0
    assert len(done) == 2
