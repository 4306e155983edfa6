from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from glacial_lakes.errors import LockedError, OutputError
from glacial_lakes.io import atomic
from glacial_lakes.io.marks import overwriting


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def _dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("number", [5, 32, 33])
def test_a_file_that_windows_holds_open_is_named_and_stays(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "inventory.gpkg"
    target.write_text("old")
    waits: list[float] = []

    def refuse(source: Path, to: Path) -> None:
        error = PermissionError(13, "The process cannot access the file")
        error.winerror = number
        raise error

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(atomic.time, "sleep", waits.append)
    with (
        pytest.raises(LockedError, match=r"inventory.gpkg: is open in another program.*QGIS"),
        overwriting(),
        atomic.whole(target) as temporary,
    ):
        temporary.write_text("new")
    assert 3 < sum(waits) < 20  # virus scanners let go by then
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_written_whole_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.csv"
    for text in ("lake,area\na,1\n", "lake,area,depth\nb,2,3\n"):
        with atomic.whole(target) as temporary:
            assert temporary.parent == target.parent
            assert temporary.suffix == ".csv"
            temporary.write_text(text)
        assert target.read_text() == text
    assert _names(target.parent) == ["a.csv"]


@pytest.mark.parametrize("failure", [RuntimeError("x"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, failure: BaseException
) -> None:
    target = tmp_path / "a.gpkg"
    target.write_text("old")
    with pytest.raises(type(failure)), atomic.whole(target) as temporary:
        temporary.write_text("half")
        temporary.with_name(temporary.name + "-journal").write_text("journal")
        raise failure
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["a.gpkg"]


def test_content_that_does_not_verify_is_not_moved(tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise OutputError(path, "is not what was meant")

    target = tmp_path / "a.txt"
    target.write_text("old")
    with (
        pytest.raises(OutputError, match="not what was meant"),
        atomic.whole(target, refuse) as temp,
    ):
        temp.write_text("new")
    assert target.read_text() == "old"


def test_writing_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nothing was written"), atomic.whole(tmp_path / "a"):
        pass


def test_an_error_of_the_system_names_the_target_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught, atomic.whole(tmp_path / "file" / "a.csv"):
        pass
    assert "a.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a Linux device")
def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OutputError, match="No space left"), atomic.whole(target) as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_text("new")
    assert target.read_text() == "old"


def test_a_killed_writer_leaves_the_old_file_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_text("old")
    code = (
        "import sys, time; from glacial_lakes.io import atomic\n"
        f"with atomic.whole({str(target)!r}) as path:\n"
        "    path.write_bytes(b'x' * 1000); print('half', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(_names(tmp_path)) == 2
        process.kill()
    assert target.read_text() == "old"
    with overwriting(), atomic.whole(target) as temporary:
        temporary.write_text("new")
    assert _names(tmp_path) == ["a.bin"]


def test_the_temporary_file_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with overwriting(), atomic.whole(target) as first:
        first.write_text("first")
        with atomic.whole(target) as second:
            assert second != first
            second.write_text("second")
        assert first.exists()
    assert target.read_text() == "first"


def test_all_parts_of_a_set_are_moved_together(tmp_path: Path) -> None:
    target = tmp_path / "lakes.shp"
    for text in ("one", "two"):
        with overwriting(), atomic.whole_set(target) as main:
            for suffix in (".shp", ".dbf", ".shx"):
                main.with_suffix(suffix).write_text(text)
        assert {part.read_text() for part in tmp_path.iterdir()} == {text}
    assert _names(tmp_path) == ["lakes.dbf", "lakes.shp", "lakes.shx"]


def test_a_failed_set_leaves_all_old_parts(tmp_path: Path) -> None:
    target = tmp_path / "lakes.shp"
    for suffix in (".shp", ".dbf"):
        target.with_suffix(suffix).write_text("old")
    with pytest.raises(RuntimeError), atomic.whole_set(target) as main:
        main.with_suffix(".dbf").write_text("new")
        raise RuntimeError
    assert {part.read_text() for part in tmp_path.iterdir()} == {"old"}
    assert len(_names(tmp_path)) == 2


def test_sha256_is_the_digest_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc" * 100_000)
    assert atomic.sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()
