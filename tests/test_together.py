"""Files that are put into place together: after a kill anywhere the rest is carried out."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from glacial_lakes.errors import ForeignFileError, LockedError, OutputError
from glacial_lakes.io import atomic, locks
from glacial_lakes.io.marks import overwriting

OLD = {
    "a.csv": "n\nold\n",
    "sub/b.csv": "n\nold\n",
    "sub/c.csv": "n\nold\n",
    "gone.csv": "n\ngone\n",
}
NEW = {"a.csv": "n\nnew\n", "sub/b.csv": "n\nnew\n", "sub/c.csv": "n\nnew\n", "d/e.csv": "n\nnew\n"}

WRITE = f"""
import os, signal, sys
from pathlib import Path
from glacial_lakes.io import atomic, locks
folder, stop = Path(sys.argv[1]), int(sys.argv[2])
count = 0
def dies(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        global count
        if count == stop:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return real(*args, **kwargs)
    setattr(os, name, call)
for name in ("replace", "rename", "unlink", "mkdir", "fsync"):
    dies(name)
with locks.lock(folder), atomic.together(folder) as aside:
    for name, text in {NEW!r}.items():
        with atomic.whole(aside.folder / name) as path:
            path.write_text(text)
    aside.removals["gone.csv"] = atomic.sha256(folder / "gone.csv")
    aside.last = ("a.csv",)
print(count)
"""


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def found(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def write(folder: Path, stop: int) -> subprocess.CompletedProcess[str]:
    told = [sys.executable, "-c", WRITE, str(folder), str(stop)]
    return subprocess.run(told, check=False, capture_output=True, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_after_a_kill_at_any_step_all_is_old_or_all_is_new(tmp_path: Path) -> None:
    fill(tmp_path / "whole", OLD)
    steps = int(write(tmp_path / "whole", -1).stdout)
    assert steps > 20
    assert found(tmp_path / "whole") == NEW
    seen = set()
    for stop in range(steps):
        folder = tmp_path / str(stop)
        fill(folder, OLD)
        assert write(folder, stop).returncode == -9, stop
        between = found(folder)
        assert {*OLD} - {"gone.csv"} <= {*between}, "an older file is missing"
        is_half = between not in (OLD, NEW)
        marked = [*folder.glob(".glacial_lakes-*/journal.json")]
        assert marked or not is_half, stop
        atomic.settle(folder)
        assert found(folder) == (NEW if marked or between == NEW else OLD), stop
        assert not [*folder.glob(".glacial_lakes-*")]
        seen.add("half" if is_half else "old" if between == OLD else "new")
    assert seen == {"old", "half", "new"}


def half(folder: Path, journal: object) -> None:
    stage = folder / ".glacial_lakes-0123456789abcdef.new"
    fill(stage / "files", {"a.csv": "n\nnew\n", "x.txt": "new"})
    text = journal if isinstance(journal, str) else json.dumps(journal)
    (stage / "journal.json").write_text(text)


def journal(*moves: str, over: dict[str, str | None] | None = None, **removals: str) -> object:
    return {"moves": moves, "over": over or {}, "removals": removals}


def test_what_was_changed_after_a_crash_is_not_lost(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    half(tmp_path, journal("a.csv", over={"a.csv": atomic.sha256(tmp_path / "a.csv")}))
    fill(tmp_path, {"a.csv": "n\nmine\n"})
    with pytest.raises(ForeignFileError, match="was changed while results were half"):
        atomic.settle(tmp_path)
    assert (tmp_path / "a.csv").read_text() == "n\nmine\n"
    (tmp_path / "a.csv").unlink()
    atomic.settle(tmp_path)
    assert (tmp_path / "a.csv").read_text() == "n\nnew\n"


@pytest.mark.parametrize(
    "content",
    [
        journal("../precious.txt"),
        journal("x.txt", over={"../precious.txt": None}),
        journal("/precious.txt"),
        journal("C:\\precious.txt"),
        journal(**{"../precious.txt": "0"}),
        {"moves": "a.csv", "over": [], "removals": {}},
        {"moves": [1], "over": {}, "removals": {}},
        [1],
        "{",
        "",
    ],
)
def test_a_journal_of_anybody_reaches_nothing_outside(content: object, tmp_path: Path) -> None:
    fill(tmp_path, {"precious.txt": "mine"})
    (tmp_path / "in").mkdir()
    half(tmp_path / "in", content)
    with pytest.raises(ForeignFileError, match="not as this program does"):
        atomic.settle(tmp_path / "in")
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_journal_does_not_follow_links(tmp_path: Path) -> None:
    fill(tmp_path, {"out/thesis.txt": "mine"})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "out")
    half(tmp_path / "in", journal("sub/thesis.txt", over={"sub/thesis.txt": None}))
    stage = tmp_path / "in" / ".glacial_lakes-0123456789abcdef.new"
    fill(stage / "files", {"sub/thesis.txt": "theirs"})
    with pytest.raises(ForeignFileError, match="is a link"):
        atomic.settle(tmp_path / "in")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_a_failure_before_all_is_whole_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    with pytest.raises(RuntimeError), atomic.together(tmp_path) as aside:
        (aside.folder / "a.csv").write_text("n\nnew\n")
        raise RuntimeError
    with pytest.raises(ForeignFileError), atomic.together(tmp_path) as aside:
        fill(aside.folder, {"a.csv": "n\nnew\n", "sub/b.csv": "other\n1\n"})
    assert found(tmp_path) == OLD
    assert not [*tmp_path.glob(".*")]


def test_a_set_that_cannot_be_moved_whole_is_carried_on_later(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    with overwriting():
        with pytest.raises(OutputError), atomic.together(tmp_path) as aside:
            fill(aside.folder, {"a.csv": "n\nnew\n", "d": "a file"})
            (tmp_path / "d" / "x").mkdir(parents=True)
        with pytest.raises(OutputError):
            atomic.settle(tmp_path)
        (tmp_path / "d" / "x").rmdir()
        (tmp_path / "d").rmdir()
        atomic.settle(tmp_path)
    assert (tmp_path / "d").read_text() == "a file"
    assert not [*tmp_path.glob(".*")]


def test_files_that_another_process_still_writes_are_left_alone(tmp_path: Path) -> None:
    with atomic.together(tmp_path) as aside:
        code = "import sys; from pathlib import Path; from glacial_lakes.io import atomic\n"
        told = [sys.executable, "-c", f"{code}atomic.settle(Path(sys.argv[1]))", str(tmp_path)]
        subprocess.run(told, check=True)
        fill(aside.folder, NEW)
    assert found(tmp_path) == NEW


def test_files_are_put_into_a_folder_one_set_after_the_other(tmp_path: Path) -> None:
    with (
        locks.lock(tmp_path),
        atomic.together(tmp_path) as outer,
        atomic.together(tmp_path) as inner,
    ):
        fill(inner.folder, {"a.csv": "n\n1\n"})
        fill(outer.folder, {"a.csv": "n\n2\n"})
    assert (tmp_path / "a.csv").read_text() == "n\n2\n"


def test_a_geopackage_that_another_program_has_begun_to_change_is_not_replaced(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.gpkg"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE t (n)")
    before = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        with (
            pytest.raises(LockedError, match="is open in another program"),
            overwriting(),
            atomic.together(tmp_path) as aside,
        ):
            (aside.folder / "a.gpkg").write_bytes(before)
        program.execute("INSERT INTO t VALUES (1)")
        program.execute("COMMIT")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT * FROM t").fetchall() == [(1,)]


def test_a_file_that_was_edited_since_it_was_read_is_not_replaced(tmp_path: Path) -> None:
    fill(tmp_path, OLD)
    with (
        pytest.raises(LockedError, match="edited in the meantime"),
        atomic.together(tmp_path) as aside,
    ):
        aside.expected["a.csv"] = atomic.sha256(tmp_path / "a.csv")
        fill(aside.folder, NEW)
        fill(tmp_path, {"a.csv": "n\nmine\n"})
    assert found(tmp_path) == OLD | {"a.csv": "n\nmine\n"}


def test_the_lock_of_the_folder_keeps_others_from_moving(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(atomic, "_PATIENCE_S", 0.1)
    told = (
        "import sys; from glacial_lakes.io import locks\n"
        "with locks.lock(sys.argv[1]): print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", told, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LockedError), atomic.together(tmp_path) as aside:
            fill(aside.folder, NEW)
        assert found(tmp_path) == {}
        other.communicate()
    assert not [*tmp_path.iterdir()]
