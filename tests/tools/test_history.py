"""What git remembers of a web: found wherever it is kept, and nothing of a stranger's is run."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from webs import needs_links, needs_posix

from commonweb import history, tangle

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="no git here")
WEB = "## 1. x\n```python\n# ⟨a.py⟩≡\n{}\n```\n"
OLD, NEW = "old\n", "new\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*words: str, at: str = ".") -> str:
    return subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main",
         "-c", "protocol.file.allow=always", *words],
        cwd=at, check=True, capture_output=True, text=True).stdout.strip()


def repository(at: str = "r", folder: str = ".", *options: str) -> Path:
    """A repository in which a web and its output are committed, and later something else."""
    home = Path(at, folder)
    home.mkdir(parents=True)
    git("init", "-q", *options, at=at)
    (home / "w.md").write_text(WEB.format("old"))
    assert tangle.main([str(home / "w.md"), "--out", str(home / "generated")]) == 0
    shutil.rmtree(home / "build")
    git("add", ".", at=at)
    git("commit", "-q", "-m", "one", at=at)
    (home / "w.md").write_text(WEB.format("between"))
    (home / "other").write_text("x")
    git("add", ".", at=at)
    git("commit", "-q", "-m", "two", at=at)
    return home


def tangles(home: Path | str) -> None:
    """What was committed is known to be tangled, and overwritten; but no edit of it is."""
    home = Path(home)
    output = home / "generated/a.py"
    assert output.read_text() == OLD
    (home / "w.md").write_text(WEB.format("new"))
    output.write_text("mine\n")
    command = [str(home / "w.md"), "--out", str(home / "generated")]
    assert tangle.main(command) == 1
    output.write_text(OLD)
    assert tangle.main(command) == 0
    assert output.read_text() == NEW


def refuses(home: Path | str, capsys: pytest.CaptureFixture[str]) -> str:
    """It is not known what was committed; why not."""
    home = Path(home)
    (home / "w.md").write_text(WEB.format("new"))
    capsys.readouterr()
    assert tangle.main([str(home / "w.md"), "--out", str(home / "generated")]) == 1
    assert (home / "generated/a.py").read_text() == OLD
    message = capsys.readouterr().err.split("\n")[0]
    known, _, rest = message.partition(" is not known to be tangled")
    assert known.endswith("generated/a.py")
    return rest.partition(": line 1 is not what")[0].strip(" ()")


# Where it may be kept.

@pytest.mark.parametrize("folder", [".", "d/e"])
def test_a_working_tree_and_a_folder_in_it(folder: str) -> None:
    tangles(repository("r", folder))


def test_from_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository("r", "d"))
    tangles("")


def test_references_and_objects_that_are_packed() -> None:
    home = repository()
    git("pack-refs", "--all", at="r")
    git("gc", "-q", at="r")
    git("commit-graph", "write", "--reachable", at="r")
    assert not Path("r/.git/refs/heads/main").exists()
    tangles(home)


def test_a_commit_that_is_checked_out_without_a_branch() -> None:
    home = repository()
    git("checkout", "-q", "--detach", "HEAD", at="r")
    tangles(home)


def test_another_working_tree() -> None:
    repository()
    git("worktree", "add", "-q", "../t", at="r")
    tangles("t")


def test_a_submodule() -> None:
    repository()
    Path("s").mkdir()
    git("init", "-q", at="s")
    git("submodule", "--quiet", "add", "../r", "inner", at="s")
    assert Path("s/inner/.git").is_file()
    tangles("s/inner")


@pytest.mark.parametrize("options", [["--depth", "1"], ["--shared"], ["--no-hardlinks"]])
def test_a_clone_that_has_not_all_objects_itself(options: list[str], place: Path) -> None:
    home = repository()
    (home / "w.md").write_text(WEB.format("old"))
    git("commit", "-q", "-a", "-m", "back", at="r")  # so that a cut past tells the same
    git("clone", "-q", *options, (place / "r").as_uri() if "1" in options else "r", "c")
    tangles("c")


def test_hashes_that_are_longer() -> None:
    tangles(repository("r", ".", "--object-format=sha256"))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may chown")
def test_a_working_tree_that_is_another_users() -> None:
    home = repository()
    for path in [Path("r"), *Path("r").rglob("*")]:
        os.chown(path, 12345, 12345)
    with pytest.raises(subprocess.CalledProcessError):
        git("log", at="r")  # for it would obey that user's configuration
    tangles(home)


# What cannot be known.

def test_without_a_repository_or_a_commit_there_is_no_reason_to_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    repository()
    shutil.rmtree("r/.git")
    assert refuses("r", capsys) == ""
    git("init", "-q", at="r")
    assert refuses("r", capsys) == ""


def test_git_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    repository()
    shutil.copy(shutil.which("git") or "", place / "git")
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", str(place / "none")]))
    assert refuses("r", capsys) == "git is not installed"


def spoil(path: str, data: bytes) -> Callable[[], object]:
    return lambda: Path("r/.git", path).write_bytes(data)


UNREADABLE = "it cannot be read what r/.git has checked out"


@pytest.mark.parametrize(("what", "why"), [
    (lambda: Path("r/.git/HEAD").unlink(), f"r/.git/HEAD: {os.strerror(2)}"),
    (spoil("HEAD", b"x"), UNREADABLE),
    (spoil("HEAD", b"\0"), "r/.git/HEAD names nothing that may be read"),
    (spoil("HEAD", b"ref: //x/y"), "r/.git/HEAD names nothing that may be read"),
    (spoil("HEAD", b"ref: refs/../../w.md"), UNREADABLE),
    (spoil("HEAD", b"x" * 100000), "r/.git/HEAD: too large"),
    (spoil("HEAD", b"0" * 39 + b"1"), "git: fatal: bad object HEAD"),
    (spoil("refs/heads/main", b"ref: refs/heads/main"), UNREADABLE),
    (spoil("commondir", b"nowhere"), f"r/.git/nowhere/objects: {os.strerror(2)}"),
    (lambda: (Path("r/.git/reftable").mkdir(), spoil("HEAD", b"ref: refs/heads/.invalid")()),
     UNREADABLE),
    (lambda: shutil.rmtree("r/.git/objects"), f"r/.git/objects: {os.strerror(2)}"),
    (lambda: file("x"), "r/.git names no repository"),
    (lambda: file("gitdir: x"), f"r/x/objects: {os.strerror(2)}"),
    (lambda: file("gitdir: //x/y"), "r/.git names nothing that may be read"),
    (lambda: file("gitdir: a\0b"), "r/.git names nothing that may be read"),
])
def test_a_repository_that_is_damaged(
    what: Callable[[], object], why: str, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    repository()
    what()
    assert refuses("r", capsys).replace(f"{place}{os.sep}", "") == why


def file(text: str) -> None:
    """Let the repository be a file that names it."""
    shutil.rmtree("r/.git")
    Path("r/.git").write_text(text)


@needs_posix
def test_objects_that_are_never_read_to_their_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git is not waited for longer than it takes, not for each output again."""
    repository()
    commit = git("rev-parse", "HEAD", at="r")
    path = Path("r/.git/objects", commit[:2], commit[2:])
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(history, "SECONDS", 0.5)
    assert refuses("r", capsys) == "git did not answer in 0 seconds"


def test_a_web_of_the_past_that_is_too_large(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = repository()
    (home / "w.md").write_text(WEB.format("old") + "x" * 1000000)
    (home / "generated/a.py").write_text("between\n")
    git("commit", "-q", "-a", "-m", "large", at="r")
    (home / "generated/a.py").write_text(OLD)
    git("commit", "-q", "-a", "-m", "old again", at="r")
    monkeypatch.setattr(history, "LIMIT", 1 << 19)
    assert re.match("git: (its answer is larger than|fatal: attempting to allocate) ",
                    refuses("r", capsys))


def test_a_commit_that_is_small_only_on_the_disk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository()
    data = b"commit %d\0" % (1 << 26) + bytes(1 << 26)
    name = hashlib.sha1(data).hexdigest()
    path = Path("r/.git/objects", name[:2], name[2:])
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(data))
    Path("r/.git/HEAD").write_text(name)
    monkeypatch.setattr(history, "LIMIT", 1 << 25)
    assert refuses("r", capsys).startswith("git: fatal: attempting to allocate")


# A stranger's repository.  Everything that can name a program names one that leaves a mark.

PROGRAMS = ["alias.cat-file", "alias.log", "alias.rev-list", "browser.x.cmd",
            "core.alternateRefsCommand", "core.askPass", "core.attributesFile", "core.editor",
            "core.excludesFile", "core.fsmonitor", "core.gitProxy", "core.hooksPath", "core.pager",
            "core.sshCommand", "credential.helper", "diff.external", "diff.x.command",
            "diff.x.textconv", "difftool.x.cmd", "filter.x.clean", "filter.x.process",
            "filter.x.smudge", "gc.recentObjectsHook", "gpg.openpgp.program", "gpg.program",
            "gpg.ssh.defaultKeyCommand", "gpg.ssh.program", "gpg.x509.program",
            "init.templateDir", "interactive.diffFilter", "man.x.cmd", "merge.x.driver",
            "mergetool.x.cmd", "pager.cat-file", "pager.log", "pager.rev-list", "pager.show",
            "remote.origin.receivepack", "remote.origin.uploadpack", "remote.origin.vcs",
            "sendemail.smtpServer", "sequence.editor", "ssh.variant", "submodule.x.update",
            "tar.x.command", "trailer.x.cmd", "trailer.x.command",
            "uploadpack.packObjectsHook"]
SETTINGS = ["core.repositoryFormatVersion=1", "core.fsmonitorHookVersion=2", "core.worktree=EVIL",
            "diff.x.cachetextconv=true", "extensions.partialClone=origin",
            "extensions.worktreeConfig=true", "log.mailmap=true", "log.showSignature=true",
            "mailmap.file=EVIL/mailmap", "protocol.allow=always", "protocol.ext.allow=always",
            "remote.origin.partialclonefilter=blob:none", "remote.origin.promisor=true",
            "remote.origin.url=ext::TOUCH", "url.ext::TOUCH.insteadOf=https://"]
VARIABLES = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "EVIL", "GIT_ASKPASS": "TOUCH", "GIT_COMMON_DIR": "EVIL",
    "GIT_CONFIG": "EVIL/included", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_GLOBAL": "EVIL/included",
    "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=TOUCH'",
    "GIT_CONFIG_SYSTEM": "EVIL/included", "GIT_CONFIG_VALUE_0": "TOUCH", "GIT_DIR": "EVIL",
    "GIT_EDITOR": "TOUCH", "GIT_EXEC_PATH": "EVIL", "GIT_EXTERNAL_DIFF": "TOUCH",
    "GIT_INDEX_FILE": "EVIL/touch", "GIT_NAMESPACE": "x", "GIT_OBJECT_DIRECTORY": "EVIL",
    "GIT_PAGER": "TOUCH", "GIT_PREFIX": "x/", "GIT_PROXY_COMMAND": "TOUCH",
    "GIT_REPLACE_REF_BASE": "refs/replace/", "GIT_SEQUENCE_EDITOR": "TOUCH", "GIT_SSH": "TOUCH",
    "GIT_SSH_COMMAND": "TOUCH", "GIT_TEMPLATE_DIR": "EVIL", "GIT_TRACE": "EVIL/marks/trace",
    "GIT_TRACE2": "EVIL/marks/trace", "GIT_TRACE2_EVENT": "EVIL/marks/trace",
    "GIT_TRACE_SETUP": "EVIL/marks/trace", "GIT_WORK_TREE": "EVIL", "PAGER": "TOUCH",
    "SSH_ASKPASS": "TOUCH",
}


class Stranger:
    """A repository with every trap, and where the marks would be."""

    def __init__(self, place: Path) -> None:
        self.home, self.evil = repository(), place / "evil"
        self.touch = self.evil / "touch"
        (self.evil / "marks").mkdir(parents=True)
        self.touch.write_text(f"#!/bin/sh\n: > {self.evil}/marks/$$\nexit 1\n")
        self.touch.chmod(0o755)
        commits = git("rev-list", "HEAD", at="r").split()
        signed = self.evil / "commit"
        signed.write_text(git("cat-file", "commit", commits[0], at="r").replace(
            "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iHUEABYKAB0=\n"
            " -----END PGP SIGNATURE-----\n\n", 1) + "\n")
        git("reset", "-q", "--soft", git("hash-object", "-t", "commit", "-w", str(signed), at="r"),
            at="r")
        git("replace", commits[1], commits[0], at="r")
        (self.home / ".git/info/grafts").write_text(f"{commits[0]}\n")
        self.set_traps()

    def set_traps(self) -> None:
        for name in ("git", "git-rev-list", "git-cat-file"):  # beside the web, or in PATH
            shutil.copy(self.touch, self.home / name)
            shutil.copy(self.touch, self.evil / name)
        for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction",
                     "pre-auto-gc", "fsmonitor-watchman"):
            shutil.copy(self.touch, self.home / ".git/hooks" / name)
        for path in (".gitattributes", ".git/info/attributes"):
            (self.home / path).write_text("* filter=x diff=x merge=x\n")
        included = self.evil / "included"
        for setting in [*(f"{key}=TOUCH" for key in PROGRAMS), *SETTINGS]:
            key, _, text = self.named(setting).rpartition("=")
            git("config", "--file", str(included), key, text)
        shutil.copy(included, self.home / ".git/config.worktree")
        with open(self.home / ".git/config", "a") as file:
            file.write(included.read_text() + f"[include]\npath = {included}\n"
                       f'[includeIf "gitdir:/"]\npath = {included}\n')

    def named(self, text: str) -> str:
        return text.replace("TOUCH", str(self.touch)).replace("EVIL", str(self.evil))

    @property
    def marks(self) -> list[str]:
        return os.listdir(self.evil / "marks")


@pytest.fixture
def stranger(place: Path, monkeypatch: pytest.MonkeyPatch) -> Stranger:
    found = Stranger(place)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", os.environ["PATH"]]))
    return found


@needs_posix
@pytest.mark.parametrize("words", [["log", "-1"], ["status"], ["cat-file", "-p", "1" * 40],
                                   ["diff", "HEAD~"]])
def test_the_traps_work(stranger: Stranger, words: list[str]) -> None:
    """Git itself falls into them: otherwise the next tests would say nothing."""
    program = shutil.which("git", path=os.environ["PATH"].split(os.pathsep, 2)[2])
    assert program
    subprocess.run([program, *words], cwd=stranger.home, check=False, capture_output=True,
                   env={**os.environ, "GIT_WORK_TREE": "."})
    assert stranger.marks


@needs_posix
@pytest.mark.parametrize("variables", [False, True])
@pytest.mark.parametrize("inside", [False, True])
def test_nothing_of_a_strangers_repository_is_run(
    stranger: Stranger, variables: bool, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its folder nor from outside; and what was committed is known all the same."""
    if inside:
        monkeypatch.chdir(stranger.home)
    if variables:
        for name, text in VARIABLES.items():
            monkeypatch.setenv(name, stranger.named(text))
    tangles("" if inside else stranger.home)
    assert stranger.marks == []


@needs_posix
def test_what_a_strangers_repository_lacks_is_not_fetched(
    stranger: Stranger, capsys: pytest.CaptureFixture[str]
) -> None:
    blob = git("--no-replace-objects", "--git-dir", "r/.git", "-c", "core.worktree=..",
               "rev-parse", "HEAD~:w.md")
    Path("r/.git/objects", blob[:2], blob[2:]).unlink()
    for mark in stranger.marks:
        (stranger.evil / "marks" / mark).unlink()
    assert refuses(stranger.home, capsys).startswith("git: fatal: ")
    assert stranger.marks == []


@needs_links
def test_a_repository_that_is_a_link(place: Path) -> None:
    """Only data is read, wherever it leads."""
    repository()
    os.rename("r/.git", "elsewhere")
    os.symlink(place / "elsewhere", "r/.git")
    tangles("r")
