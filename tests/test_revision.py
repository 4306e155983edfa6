"""The version that results name tells the commit where the package lies in a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import glacial_lakes
from glacial_lakes.runtime.revision import code_version

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
VERSION = glacial_lakes.__version__


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b")
    clean = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, env=clean, check=True, capture_output=True)
    return done.stdout.decode().strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    package = root / "glacial_lakes"
    package.mkdir(parents=True)
    (package / "code.py").write_text("a = 1\n")
    (root / "pyproject.toml").write_text("")
    (root / "README.md").write_text("")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def told(root: Path) -> str:
    code_version.cache_clear()
    return code_version(root / "glacial_lakes")


def test_a_checkout_names_its_commit(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")[:12]
    assert told(checkout) == f"{VERSION}+g{commit}"
    (checkout / "README.md").write_text("another text")  # computes nothing
    assert told(checkout) == f"{VERSION}+g{commit}"


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_code_that_differs_from_the_commit_says_so(checkout: Path, name: str) -> None:
    (checkout / "glacial_lakes" / name).write_text("a = 2\n")
    assert told(checkout).endswith(".dirty")
    git(checkout, "add", ".")
    assert told(checkout).endswith(".dirty")
    git(checkout, "commit", "-qm", "second")
    assert told(checkout) == f"{VERSION}+g{git(checkout, 'rev-parse', 'HEAD')[:12]}"


def test_a_worktree_names_its_own_commit(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "second")
    commit = git(tmp_path / "other", "rev-parse", "HEAD")[:12]
    assert told(tmp_path / "other") == f"{VERSION}+g{commit}" != told(checkout)


def test_a_hook_of_another_repository_does_not_confuse_it(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = told(checkout)
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert told(checkout) == before


def test_what_is_installed_has_its_version_alone(checkout: Path) -> None:
    site = checkout / "venv" / "site-packages"  # in the folder of somebody's repository
    shutil.copytree(checkout / "glacial_lakes", site / "glacial_lakes")
    assert told(site) == VERSION


def test_without_git_a_checkout_is_not_taken_for_a_release(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert told(checkout) == f"{VERSION}+unknown"
