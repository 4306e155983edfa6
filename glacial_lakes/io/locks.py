"""Folders held against other runs, by locks of the system that go with the process."""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from glacial_lakes.errors import N_, LockedError, OutputError, remedy_for
from glacial_lakes.io.parsing import json_of
from glacial_lakes.runtime.quiet import quiet

LOCK_NAME = ".glacial_lakes.lock"
Holder = dict[str, str | int]

_KIND = "system"
"""Tells the locks of this version from those of 0.1.0, which held by being there."""
_HELD: set[Path] = set()


@contextmanager
def lock(folder: Path | str, seconds: float = 0.0) -> Iterator[Path]:
    """Hold a folder against other runs.

    The lock is one of the system on an open file: it is gone with its process, however that
    ends, and holds for other namespaces and, where the file system allows it, other computers.
    The file names its holder for people to read.

    Parameters
    ----------
    folder : path-like
        The folder to hold, which exists.
    seconds : float
        How long to wait for another one.

    Yields
    ------
    pathlib.Path
        The lock file.

    Raises
    ------
    LockedError
        When another run holds the folder; the message names the computer and the process.
    OSError
        When the folder does not allow a lock.
    """
    folder = Path(folder).absolute()
    path = folder / LOCK_NAME
    with held(path, seconds):
        if _is_of_older_version(holder := _read_holder(path)):
            raise _locked(path, holder)
        _name_holder(path)
        _HELD.add(folder)
        try:
            yield path
        finally:
            _HELD.discard(folder)
            with suppress(OSError):  # Windows keeps what is open; an unheld file is no lock
                path.unlink()


@contextmanager
def folder_lock(folder: Path | str) -> Iterator[Path]:
    """Make a folder for results and hold it; as :func:`lock`, with errors in plain words.

    Raises
    ------
    LockedError
        When another run holds the folder.
    OutputError
        When the folder cannot be made or does not allow a lock.
    """
    folder = Path(folder).absolute()
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = stack.enter_context(lock(folder))
        except OSError as error:
            raise OutputError(
                folder,
                "cannot be written: {reason}",
                remedy_for(error, N_("free the disk or choose another folder")),
                reason=error,
            ) from error
        yield path


@contextmanager
def lock_if_writable(folder: Path | str) -> Iterator[None]:
    """Hold a folder while it is only read; one that nobody can write needs no lock.

    Raises
    ------
    LockedError
        When another run holds the folder.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # a disk that is read-only, a share without rights, no folder
            stack.enter_context(lock(folder))
        yield


@contextmanager
def held(path: Path, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock of the system on a file, which is made when missing.

    Raises
    ------
    LockedError
        When another process holds it.
    OutputError
        When something else than a file stands there: a pipe would keep everybody waiting.
    """
    if not _is_free_or_file(path):
        what, remedy = N_("is no file, as the lock of its folder is"), N_("remove it")
        raise OutputError(path, what, remedy)
    with quiet(Warning):  # of file systems that know no such locks
        held = FileLock(path, timeout=seconds, thread_local=False)
        try:
            held.acquire(poll_interval=0.05)
        except Timeout:
            raise _locked(path, _read_holder(path)) from None
    try:
        yield
    finally:
        held.release()


def _is_free_or_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True


def is_held_here(folder: Path) -> bool:
    """Tell whether this process holds a folder."""
    return folder.absolute() in _HELD


def _name_holder(path: Path) -> None:
    holder: Holder = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "token": secrets.token_hex(8),
        "lock": _KIND,
    }
    with suppress(OSError), path.open("r+", encoding="utf-8", errors="replace") as file:
        if file.read(1) in {"", "{"}:  # else the marker of a file system without locks
            file.seek(0)
            file.truncate()
            json.dump(holder, file)


def _read_holder(path: Path) -> Holder:
    try:
        holder = json_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _is_of_older_version(holder: Holder) -> bool:
    """Tell whether the holder is a process of 0.1.0 that may be alive.

    What names nobody, such as a file that a full disk left empty, holds nothing.
    """
    pid = holder.get("pid")
    if holder.get("lock") == _KIND or not isinstance(pid, int):
        return False
    return holder.get("host") != socket.gethostname() or is_alive(pid)


def _locked(path: Path, holder: Holder) -> LockedError:
    is_new = holder.get("lock") == _KIND or not holder
    return LockedError(
        path.parent,
        "process {pid} on {host} is writing here"
        if "pid" in holder
        else "another run is writing here",
        "wait until it has ended"
        if is_new
        else "wait for it, or delete {name} if it no longer runs",
        pid=holder.get("pid"),
        host=holder.get("host"),
        name=path.name,
    )


def is_alive(pid: int) -> bool:
    """Tell whether a process of this computer lives."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 (os.kill would end the process there)

        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == still_active
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
