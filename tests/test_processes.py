"""Calls in processes of their own: what one call can do to the others, and to the parent."""

from __future__ import annotations

import math
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from glacial_lakes.errors import ResourceError, TimeLimitError
from glacial_lakes.runtime.processes import ProcessPerCall

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def test_results_and_errors_come_back_as_they_are() -> None:
    with ProcessPerCall(2) as pool:
        root, pid, bad = pool.submit(math.sqrt, 4), pool.submit(os.getpid), pool.submit(int, "x")
        assert root.result() == 2.0
        assert pid.result() != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            bad.result()


def test_each_call_has_a_process_of_its_own() -> None:
    with ProcessPerCall(1) as pool:
        pids = [pool.submit(os.getpid) for _ in range(3)]
        assert len({pid.result() for pid in pids}) == 3


@posix
def test_a_crash_names_its_signal_and_touches_no_other_call() -> None:
    with ProcessPerCall(2) as pool:
        crash = pool.submit(os.abort)
        others = [pool.submit(math.sqrt, 9) for _ in range(3)]
        with pytest.raises(ResourceError, match="SIGABRT"):
            crash.result()
        assert [other.result() for other in others] == [3.0] * 3


def test_a_quiet_exit_is_an_error_too() -> None:
    with (
        ProcessPerCall(1) as pool,
        pytest.raises(ResourceError, match="ended with code 7"),
    ):
        pool.submit(os._exit, 7).result()


def the_child(pool: ProcessPerCall) -> subprocess.Popen[bytes]:
    """The process of the one call that runs."""
    while not pool._running:
        threading.Event().wait(0.02)
    return next(iter(pool._running))


def test_a_call_that_hangs_is_killed() -> None:
    with ProcessPerCall(1, seconds=1.0) as pool:
        call = pool.submit(time.sleep, 600)
        child = the_child(pool)
        with pytest.raises(TimeLimitError, match="1 s"):
            call.result()
    assert child.poll() not in {None, 0}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory reliably")
def test_a_call_that_wants_too_much_memory_gets_a_memory_error() -> None:
    with ProcessPerCall(1, memory_bytes=400 * 2**20) as pool:
        assert len(pool.submit(bytes, 10**8).result()) == 10**8
        with pytest.raises(MemoryError):
            pool.submit(bytes, 10**9).result()


def test_what_a_call_prints_does_not_mix_with_its_result() -> None:
    with ProcessPerCall(1) as pool:
        assert pool.submit(os.write, 1, b"noise of a native library\n").result() == 26


def test_an_error_in_the_block_kills_what_runs() -> None:
    with pytest.raises(KeyboardInterrupt), ProcessPerCall(1) as pool:
        pool.submit(time.sleep, 600)
        waiting = pool.submit(time.sleep, 600)
        child = the_child(pool)
        raise KeyboardInterrupt
    assert child.poll() not in {None, 0}
    assert waiting.cancelled()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"  # without a __main__ guard, as people write scripts
    script.write_text(
        "import os, time, threading\n"
        "from glacial_lakes.runtime.processes import ProcessPerCall\n"
        "pool = ProcessPerCall(1)\n"
        "print(pool.submit(os.getpid).result(), flush=True)\n"
        "pool.submit(time.sleep, 600)\n"
        "while not pool._running: time.sleep(0.05)\n"
        "time.sleep(0.5)\n"
        "print(next(iter(pool._running)).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    first, child = int(parent.stdout.readline()), int(parent.stdout.readline())
    assert first != child
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(child)


@pytest.mark.parametrize("which", ["serve", "serve_in_turn"])
def test_a_child_that_is_ready_only_after_its_parent_died_does_nothing(
    tmp_path: Path, which: str
) -> None:
    mark = tmp_path / "done"
    call = (None, Path.touch, (mark,), {}) if which == "serve" else (None, Path.touch, [mark])
    child = subprocess.Popen(
        [sys.executable, "-c", f"from glacial_lakes.runtime import processes as p; p.{which}()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    child.communicate(pickle.dumps(call))  # and closed: what a parent that dies then leaves behind
    assert child.returncode == 1
    assert not mark.exists()


def test_a_call_that_cannot_be_loaded_tells_why() -> None:
    with ProcessPerCall(1) as pool, pytest.raises(ValueError, match="invalid literal"):
        pool.submit(len, _Unloadable()).result()


class _Unloadable:
    def __reduce__(self) -> tuple[type, tuple[str]]:
        return int, ("x",)


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
