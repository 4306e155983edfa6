"""Files that are old or new and never half written: temporary names, moves, locks, checksums."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glacial_lakes.errors import LockedError, Message, OutputError

Verify = Callable[[Path], None]
Holder = dict[str, str | int]

LOCK_NAME = ".glacial_lakes.lock"
_SHARING_VIOLATIONS = {5, 32, 33}  # Windows: denied, in use, locked (virus scanners, QGIS)
_REPLACE_TRIES = 8


@contextmanager
def whole(path: Path | str, verify: Verify | None = None) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well, put it in its place.

    The file is flushed to the disk before the move, so that ``path`` holds the old content or
    the new one whatever happens. When the block fails, the temporary file is removed and the
    old file stays as it was.

    Parameters
    ----------
    path : path-like
        The file to write. Its folder is made when missing.
    verify : callable, optional
        Called with the temporary path before the move; raises when the content is not what was
        meant. No exception on writing is no proof: some drivers hide a full disk.

    Yields
    ------
    pathlib.Path
        A path with the same suffix in the same folder, at which no file exists yet.

    Raises
    ------
    OutputError
        When the disk is full, the folder is read-only, or nothing was written.
    LockedError
        On Windows, when another program has the file open.
    """
    target = Path(path).absolute()
    with _output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
    temporary = target.with_name(_temporary_stem(target) + target.suffix)
    try:
        with _output_errors(target):
            yield temporary
            if not temporary.is_file():
                raise OutputError(target, "nothing was written", "see the messages before this one")
            if verify is not None:
                verify(temporary)
            _flush(temporary)
            _replace(temporary, target)
            _flush_folder(target.parent)
    finally:
        for leftover in (temporary, *_side_files(temporary)):
            leftover.unlink(missing_ok=True)


@contextmanager
def whole_set(path: Path | str) -> Iterator[Path]:
    """Give a temporary place for a file of several parts, such as a shapefile, and move all parts.

    Several files cannot be replaced in one step. The old main file goes first and the new one
    comes last, so that a crash between leaves no main file, and never old and new parts mixed.

    Parameters
    ----------
    path : path-like
        The main file, e.g. ``lakes.shp``.

    Yields
    ------
    pathlib.Path
        A path of the same name in an empty temporary folder beside ``path``; every file written
        there is moved.

    Raises
    ------
    OutputError
        When the main file was not written, or the disk refuses.
    """
    target = Path(path).absolute()
    with _output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        folder = target.with_name(_temporary_stem(target))
        folder.mkdir()
    try:
        with _output_errors(target):
            main = folder / target.name
            yield main
            if not main.is_file():
                raise OutputError(target, "nothing was written", "see the messages before this one")
            others = sorted(part for part in folder.iterdir() if part != main)
            for part in (*others, main):
                _flush(part)
            target.unlink(missing_ok=True)
            for part in (*others, main):
                _replace(part, target.with_name(part.name))
            _flush_folder(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move_folder(source: Path, target: Path) -> None:
    """Put a finished folder in the place of an older one.

    A crash between leaves no folder, and never old and new parts mixed.

    Parameters
    ----------
    source, target : pathlib.Path
        Folders on the same disk.

    Raises
    ------
    OutputError
        When the disk refuses.
    """
    with _output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        _replace(source, target)


@contextmanager
def lock(folder: Path | str) -> Iterator[Path]:
    """Hold an output folder against other runs.

    The lock is a small file that names its holder. The lock of a process of this computer that
    no longer lives is taken over.

    Parameters
    ----------
    folder : path-like
        The folder to hold; made when missing.

    Yields
    ------
    pathlib.Path
        The lock file.

    Raises
    ------
    LockedError
        When another run holds the folder; the message names the computer and the process.
    """
    folder = Path(folder).absolute()
    path = folder / LOCK_NAME
    with _output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        holder: Holder = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "token": secrets.token_hex(8),
        }
        if not _create(path, holder):
            _take_over(path)
            if not _create(path, holder):
                raise _locked(path, _read_holder(path))
    try:
        yield path
    finally:
        if _read_holder(path) == holder:
            path.unlink(missing_ok=True)


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Parameters
    ----------
    path : path-like
        A file.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if getattr(error, "winerror", None) in _SHARING_VIOLATIONS:
            raise LockedError(
                path,
                "is open in another program, or may not be changed",
                "close it there, e.g. in QGIS, then start again",
            ) from error
        raise OutputError(
            path,
            "cannot be written: {reason}",
            "free the disk or choose another folder",
            reason=Message(error.strerror or str(error)),
        ) from error


def _temporary_stem(target: Path) -> str:
    return f".{target.stem}.{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.part"


def _remove_leftovers(target: Path) -> None:
    """Remove what killed processes of this computer left of the same file."""
    prefix = f".{target.stem}.{socket.gethostname()}-"
    for entry in target.parent.iterdir():
        if not entry.name.startswith(prefix) or ".part" not in entry.name:
            continue
        pid = entry.name[len(prefix) :].partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _side_files(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm")]


def _flush(path: Path) -> None:
    with path.open("rb+") as file:  # Windows flushes only a file open for writing
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems do not know it
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(source: Path, target: Path) -> None:
    for attempt in range(_REPLACE_TRIES):
        try:
            source.replace(target)
        except PermissionError as error:
            in_use = getattr(error, "winerror", None) in _SHARING_VIOLATIONS
            if not in_use or attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(0.05 * 2**attempt)
        else:
            return


def _create(path: Path, holder: Holder) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(holder, file)
    except FileExistsError:
        return False
    return True


def _take_over(path: Path) -> None:
    """Remove a lock whose process is dead.

    Only the one who makes the claim file named by the dead lock's token may remove that lock;
    otherwise a second taker could remove the first one's new lock.
    """
    holder = _read_holder(path)
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or not isinstance(pid, int) or _is_alive(pid):
        raise _locked(path, holder)
    claim = path.with_name(f"{path.name}.{holder.get('token')}")
    if not _create(claim, {"pid": os.getpid()}):
        raise _locked(path, holder)
    try:
        if _read_holder(path) == holder:
            path.unlink(missing_ok=True)
    finally:
        claim.unlink(missing_ok=True)


def _read_holder(path: Path) -> Holder:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _locked(path: Path, holder: Holder) -> LockedError:
    return LockedError(
        path.parent,
        "process {pid} on {host} is writing here"
        if "pid" in holder
        else "another run is writing here",
        "wait for it, or delete {name} if it no longer runs",
        pid=holder.get("pid"),
        host=holder.get("host"),
        name=path.name,
    )


def _is_alive(pid: int) -> bool:
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
    except OSError:
        return True
    return True
