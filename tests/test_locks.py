"""One run a folder: locks of the system, which go with their process and with nothing else."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glacial_lakes.errors import LockedError, OutputError
from glacial_lakes.io import locks

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

HOLD = """
import sys; from glacial_lakes import errors; from glacial_lakes.io import locks
sys.stdin.readline()
try:
    with locks.lock(sys.argv[1]):
        print('won', flush=True); sys.stdin.readline()
except errors.LockedError as error: print('locked', error, flush=True)
"""


def holder(folder: Path, *before: str) -> subprocess.Popen[str]:
    """Start a process that takes the lock when it is told to."""
    told = [*before, sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def take(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_run_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with (
        locks.lock(tmp_path),
        pytest.raises(LockedError, match=rf"process {os.getpid()} on "),
        locks.lock(tmp_path),
    ):
        pass
    with locks.lock(tmp_path):
        pass
    assert names(tmp_path) == []


def test_of_many_processes_only_one_wins_whatever_an_earlier_one_left(tmp_path: Path) -> None:
    (tmp_path / locks.LOCK_NAME).write_text(json.dumps({"host": "h", "pid": 1, "lock": "system"}))
    runs = [holder(tmp_path) for _ in range(4)]
    said = [take(run).split()[0] for run in runs]
    for run in runs:
        run.communicate("end\n")
    assert sorted(said) == ["locked", "locked", "locked", "won"]
    assert names(tmp_path) == []


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_lock_goes_with_its_process(number: int, tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        assert take(process) == "won"
        with pytest.raises(LockedError, match=rf"process {process.pid} on"), locks.lock(tmp_path):
            pass
        process.send_signal(number)
        process.wait()
        with locks.lock(tmp_path):
            pass


def can_unshare() -> bool:
    told = ["unshare", "-p", "-f", "--mount-proc", "true"]
    if not shutil.which("unshare"):
        return False
    return subprocess.run(told, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="needs rights for namespaces")
def test_a_lock_holds_across_namespaces_of_processes(tmp_path: Path) -> None:
    with holder(tmp_path, "unshare", "-p", "-f", "--mount-proc") as inside:
        assert take(inside) == "won"
        with pytest.raises(LockedError), locks.lock(tmp_path):
            pass
        inside.communicate("end\n")
    with locks.lock(tmp_path), holder(tmp_path, "unshare", "-p", "-f", "--mount-proc") as inside:
        assert take(inside).startswith("locked")
        inside.communicate("end\n")


@pytest.mark.skipif(not can_unshare(), reason="needs rights for namespaces")
def test_the_lock_of_a_computer_of_another_name_holds_while_it_lives(tmp_path: Path) -> None:
    other = ("unshare", "-u", "sh", "-c", 'hostname otherbox; exec "$@"', "sh")
    with holder(tmp_path, *other) as process:
        assert take(process) == "won"
        with pytest.raises(LockedError, match="on otherbox is writing here"), locks.lock(tmp_path):
            pass
        process.kill()
    with locks.lock(tmp_path):  # what it left names it, and holds nothing
        pass
    assert names(tmp_path) == []


@pytest.mark.skipif(not can_unshare(), reason="needs rights to mount")
def test_a_lock_that_a_full_disk_leaves_empty_holds_like_any_other(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], check=True)
    try:
        folder = tmp_path / "output"
        folder.mkdir()
        with (tmp_path / "fill").open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(1024))
        with holder(folder) as process:
            assert take(process) == "won"
            assert (folder / locks.LOCK_NAME).read_bytes() == b""
            with pytest.raises(LockedError, match="another run"), locks.lock(folder):
                pass
            process.kill()
        with locks.lock(folder):
            pass
        assert names(folder) == []
    finally:
        subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("content", ["", "{", '{"host": "h", "pi', "[1]", "null"])
def test_a_file_that_names_nobody_is_no_lock(content: str, tmp_path: Path) -> None:
    (tmp_path / locks.LOCK_NAME).write_text(content)
    with locks.lock(tmp_path) as path:
        assert path.exists()
    assert names(tmp_path) == []


def test_the_lock_of_a_dead_process_of_version_0_1_is_taken_over(tmp_path: Path) -> None:
    old = {"host": socket.gethostname(), "pid": dead_pid(), "token": "0"}
    (tmp_path / locks.LOCK_NAME).write_text(json.dumps(old))
    with locks.lock(tmp_path) as path:
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert names(tmp_path) == []


@pytest.mark.parametrize("host", ["another-computer", socket.gethostname()])
def test_a_lock_of_version_0_1_that_may_be_alive_is_respected(host: str, tmp_path: Path) -> None:
    content = json.dumps({"host": host, "pid": os.getpid(), "token": "0"})
    (tmp_path / locks.LOCK_NAME).write_text(content)
    with pytest.raises(LockedError, match="delete"), locks.lock(tmp_path):
        pass
    assert (tmp_path / locks.LOCK_NAME).read_text() == content


@posix
@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_what_is_no_file_in_place_of_the_lock_is_told_and_not_waited_for(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / locks.LOCK_NAME
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("none")
    told = r"\.lock: is no file, as the lock of its folder is; remove it"
    for hold in (locks.folder_lock, locks.lock, locks.lock_if_writable):
        with pytest.raises(OutputError, match=told), hold(tmp_path):
            pass
    assert os.path.lexists(path)


@posix
def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / locks.LOCK_NAME).symlink_to(mine)
    with pytest.raises(OutputError), locks.folder_lock(tmp_path / "out"):
        pass
    assert mine.read_text() == "mine"
