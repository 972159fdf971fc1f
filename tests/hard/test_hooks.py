"""The hooks with which pre-commit checks commits: this project's own, and the one for others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "commonweb" / "README.md").read_text(encoding="utf-8")
[WEB] = re.findall(r"^````markdown example\n(.*?)^````", README, re.M | re.S)
GUIDE = (ROOT / "commonweb" / "guide" / "editors-and-ci.md").read_text(encoding="utf-8")
[CONFIG] = re.findall(r"^```yaml\n(repos:.*?)^```", GUIDE, re.M | re.S)

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout of git's")


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env={**os.environ, **variables}, capture_output=True,
                          encoding="utf-8", timeout=110)


def git(*words: str, cwd: Path) -> str:
    done = run("git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.org",
               "-c", "commit.gpgsign=false", *words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pre_commit(*words: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "pre_commit", *words, cwd=cwd, **variables)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """This project as others get it, with what is not committed yet."""
    place = tmp_path / "tools"
    for name in git("ls-files", cwd=ROOT).splitlines():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    git("init", "--quiet", cwd=place)
    git("add", ".", cwd=place)
    git("commit", "--quiet", "-m", "All", cwd=place)
    git("tag", "v0.1.0", cwd=place)
    return place


@pytest.fixture
def project(tmp_path: Path, tools: Path) -> Path:
    """Another project, with the web of the tools' README and the hook of their guide."""
    place = tmp_path / "project"
    place.mkdir()
    config = CONFIG.replace("URL", tools.as_uri())
    (place / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
    (place / ".gitignore").write_text("build\n", encoding="utf-8")
    (place / "powers.md").write_text(WEB, encoding="utf-8")
    git("init", "--quiet", cwd=place)
    done = run(sys.executable, "-m", "commonweb", "tangle", "powers.md", "--out", "src", cwd=place,
               PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    git("add", ".", cwd=place)
    return place


def test_another_projects_webs_are_checked_with_nothing_but_python(
    project: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    for name in ("git", "basename", "env", "sed", "uname"):
        (programs / name).symlink_to(shutil.which(name) or name)
    place = {"PATH": str(programs), "PRE_COMMIT_HOME": str(tmp_path / "home")}
    done = pre_commit("run", cwd=project, **place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"web-tangle\.+Passed\n", done.stdout.partition("tools.\n")[2]), done.stdout
    (project / "powers.md").write_text(WEB.replace("31", "30"), encoding="utf-8")
    git("add", ".", cwd=project)
    done = pre_commit("run", cwd=project, **place)
    assert done.returncode == 1
    assert "powers.md:10:1: error: src/powers.py is not fresh" in done.stdout


def test_what_is_here_passes_this_projects_own_hooks(tmp_path: Path) -> None:
    done = pre_commit("run", "--all-files", cwd=ROOT, PRE_COMMIT_HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^.*\.+Passed$", done.stdout, re.M)) == 2
