"""Files that are old or new and never half written: temporary names, moves, checksums."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from glacial_lakes.errors import N_, ForeignFileError, LockedError, OutputError, remedy_for
from glacial_lakes.io.at_rest import at_rest
from glacial_lakes.io.locks import held, is_alive, is_held_here, lock
from glacial_lakes.io.marks import MARK, MARK_NAME, refuse_foreign
from glacial_lakes.io.parsing import json_of
from glacial_lakes.places import is_plain

Verify = Callable[[Path], None]

_STAGE_PREFIX, _STAGE_SUFFIX = ".glacial_lakes-", ".new"
_STAGE = re.compile(r"\.glacial_lakes-[0-9a-f]{16}\.new")
_FILES, _STAGE_LOCK, _BEGUN, _JOURNAL = "files", "lock", "journal.begun", "journal.json"
_PATIENCE_S = 10.0
_OWN_STAGES: set[Path] = set()
"""Places where this process writes aside."""
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
    ForeignFileError
        When ``path`` holds something that is no earlier result of the same kind.
    LockedError
        On Windows, when another program has the file open.
    """
    target = Path(path).absolute()
    waits = is_aside(target)  # all that lies there is flushed together
    with _output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if not waits:
            _remove_leftovers(target)
    temporary = target.with_name(_temporary_stem(target) + target.suffix)
    try:
        with _output_errors(target):
            yield temporary
            if not temporary.is_file():
                raise OutputError(target, "nothing was written", "see the messages before this one")
            if verify is not None:
                verify(temporary)
            if not waits:
                _flush(temporary)
            refuse_foreign(temporary, target)
            _replace(temporary, target)
            if not waits:
                _flush_folder(target.parent)
    finally:
        for leftover in (temporary, *_side_files(temporary)):
            leftover.unlink(missing_ok=True)


@contextmanager
def whole_set(path: Path | str) -> Iterator[Path]:
    """Give a temporary place for a file of several parts, such as a shapefile, and move all parts.

    Parameters
    ----------
    path : path-like
        The main file, e.g. ``lakes.shp``.

    Yields
    ------
    pathlib.Path
        A path of the same name in an empty temporary folder beside ``path``; every file written
        there is put into place by :func:`together`.

    Raises
    ------
    OutputError
        When the main file was not written, or the disk refuses.
    """
    target = Path(path).absolute()
    if is_aside(target):
        with _output_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        yield target
        return
    with together(target.parent) as aside:
        yield aside.folder / target.name
        if not (aside.folder / target.name).is_file():
            raise OutputError(target, "nothing was written", "see the messages before this one")


@dataclass(slots=True)
class Aside:
    """Files that are written aside, to be put into a folder together."""

    folder: Path
    """Where to write them, under their names in the folder."""
    target: Path
    """The folder."""
    first: tuple[str, ...] = ()
    """Names that are put into place before the others; ``last`` after them."""
    last: tuple[str, ...] = ()
    removals: dict[str, str] = field(default_factory=dict)
    """Files to be removed, with the SHA-256 that they must have."""
    expected: dict[str, str] = field(default_factory=dict)
    """Files that may be replaced only while they have this SHA-256."""


@contextmanager
def together(folder: Path | str) -> Iterator[Aside]:
    """Give a place for files that are put into a folder together, or none of them.

    The files lie aside until all are whole and flushed. A journal beside them, written first and
    removed last, then tells what goes where; each file replaces its older one in one step, so
    that none is ever missing. Whoever comes to the folder after a crash finds the journal and
    carries the rest out (:func:`settle`).

    Parameters
    ----------
    folder : path-like
        Made when missing. It is locked while the files are moved, unless this process holds it.

    Yields
    ------
    Aside

    Raises
    ------
    ForeignFileError
        When something that is no earlier result stands in the place of a file.
    LockedError
        When another program has a GeoPackage open that is to be replaced, or another run writes
        into the folder.
    OutputError
        When the disk refuses.
    """
    target = Path(folder).absolute()
    with _output_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        stage = target / f"{_STAGE_PREFIX}{secrets.token_hex(8)}{_STAGE_SUFFIX}"
        files = stage / _FILES
        files.mkdir(parents=True)
    _OWN_STAGES.add(stage)
    try:
        with _output_errors(target), held(stage / _STAGE_LOCK):
            aside = Aside(files, target)
            yield aside
            folder_lock = nullcontext() if is_held_here(target) else lock(target, _PATIENCE_S)
            with folder_lock, ExitStack() as guards:
                _commit(aside, stage, guards)
                if sys.platform == "win32":
                    guards.close()  # what is open there cannot be replaced
                try:
                    _carry_out(stage, target, is_sure=True)
                except KeyboardInterrupt:
                    _carry_out(stage, target)
                    raise
    finally:
        _OWN_STAGES.discard(stage)
        if not (stage / _JOURNAL).exists():
            shutil.rmtree(stage, ignore_errors=True)


def settle(folder: Path) -> None:
    """Carry out what a crashed command began to put into a folder, and remove what it only began.

    Every command does so before it reads or writes there.

    Parameters
    ----------
    folder : pathlib.Path
        Any folder; need not exist.

    Raises
    ------
    ForeignFileError
        When a file was changed since then: nothing of it is lost.
    LockedError
        When the command that puts files there still runs.
    OutputError
        When results are half put into place and the disk refuses the rest.
    """
    try:
        names = [entry.name for entry in os.scandir(folder) if _STAGE.fullmatch(entry.name)]
    except OSError:
        return
    for name in sorted(names):
        stage = folder / name
        if stage in _OWN_STAGES or stage.is_symlink() or not stage.is_dir():
            continue
        with _output_errors(folder), suppress(FileNotFoundError):
            is_half = (stage / _JOURNAL).exists()
            try:
                with held(stage / _STAGE_LOCK, _PATIENCE_S if is_half else 0.0):
                    if (stage / _JOURNAL).exists():
                        _carry_out(stage, folder)
            except LockedError:
                if is_half:
                    raise
                continue  # it is being written, and nothing of it is in its place yet
            except OSError:
                if is_half:
                    raise
                continue  # nothing can be removed here
            shutil.rmtree(stage, ignore_errors=True)


def is_aside(path: Path) -> bool:
    """Tell whether a path lies in a place where files wait until all are whole."""
    return any(_STAGE.fullmatch(parent.name) for parent in path.parents)


def _commit(aside: Aside, stage: Path, guards: ExitStack) -> None:
    """Look that everything can be put into place, flush it, and write the journal."""
    entries = [entry for entry in aside.folder.rglob("*") if not entry.is_dir()]
    names = sorted(entry.relative_to(aside.folder).as_posix() for entry in entries)
    rest = [name for name in names if name not in (*aside.first, *aside.last)]
    moves = [
        *(name for name in aside.first if name in names),
        *rest,
        *(name for name in aside.last if name in names),
    ]
    over: dict[str, str | None] = {}
    for name in moves:
        target = aside.target / name
        _refuse_links(aside.target, name)
        refuse_foreign(aside.folder / name, target)
        state, over[name] = _state(target), _checksum(target)
        if aside.expected.get(name, over[name]) != over[name]:
            raise LockedError(target, "was edited in the meantime", "start again")
        _flush(aside.folder / name)
        if target.suffix.lower() == ".gpkg":  # from here on, closing it would free it
            guards.enter_context(at_rest(target))
            if _state(target) != state:
                raise LockedError(target, "was edited in the meantime", "start again")
    journal = {"moves": moves, "over": over, "removals": aside.removals}
    with (stage / _BEGUN).open("w", encoding="utf-8") as file:
        json.dump(journal, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    for folder in {entry.parent for entry in entries} | {aside.folder}:
        _flush_folder(folder)
    _replace(stage / _BEGUN, stage / _JOURNAL)
    _flush_folder(stage)
    _flush_folder(aside.target)


def _carry_out(stage: Path, folder: Path, *, is_sure: bool = False) -> None:
    """Do what a journal tells, wherever it was stopped before.

    A journal may come from anybody: it reaches nothing outside its folder, and nothing that was
    changed since it was written.
    """
    journal = _read_journal(stage / _JOURNAL)
    for name in journal["moves"]:
        source, target = stage / _FILES / name, folder / name
        if source.is_symlink() or not source.is_file():
            continue  # it is in its place
        _refuse_links(folder, name)
        if not is_sure and not _is_expected(target, source, journal["over"].get(name)):
            what = N_("was changed while results were half put into place")
            raise ForeignFileError(target, what, "move it to another folder, then start again")
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(source, target)
    for name, checksum in journal["removals"].items():
        target = folder / name
        _refuse_links(folder, name)
        if _checksum(target) == checksum:
            target.unlink()
    for parent in {(folder / name).parent for name in journal["moves"]}:
        _flush_folder(parent)
    (stage / _JOURNAL).unlink()
    _flush_folder(stage)


def _is_expected(target: Path, source: Path, over: str | None) -> bool:
    found = _checksum(target)
    return found is None or found in (over, sha256(source))


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        state = path.lstat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def _checksum(path: Path) -> str | None:
    return None if path.is_symlink() or not path.is_file() else sha256(path)


def _read_journal(path: Path) -> dict[str, Any]:
    try:
        journal = json_of(path.read_text(encoding="utf-8"))
        moves, over, removals = (journal[key] for key in ("moves", "over", "removals"))
        names = [*moves, *over, *removals]
        is_sound = all(isinstance(name, str) and is_plain(name) for name in names)
        if is_sound and isinstance(over, dict) and isinstance(removals, dict):
            return {"moves": moves, "over": over, "removals": removals}
    except (ValueError, TypeError, KeyError):
        pass
    what = N_("tells of results to be put into place, and not as this program does")
    raise ForeignFileError(path, what, "delete its folder if it is not yours")


def _refuse_links(folder: Path, name: str) -> None:
    step = folder
    for part in PurePosixPath(name).parts[:-1]:
        step /= part
        if step.is_symlink():
            what = N_("is a link to another folder")
            raise ForeignFileError(step, what, "make the output folder itself the link")


def move_results(source: Path, target: Path, names: Sequence[str]) -> None:
    """Put finished files in the place of older ones of the same names.

    The first of them tells that the others are whole: the old one goes first and the new one
    comes last, so that a crash between leaves none, and never old and new under one record.
    Nothing else in the folder is touched.

    Parameters
    ----------
    source, target : pathlib.Path
        Folders on the same disk.
    names : sequence of str
        Files, the record first; those that ``source`` lacks are removed where an older record
        tells that they were results.

    Raises
    ------
    ForeignFileError
        When the folder is a link, or a file of that name is no earlier result.
    OutputError
        When the disk refuses.
    """
    with _output_errors(target):
        if target.is_symlink():
            what = N_("is a link to another folder")
            raise ForeignFileError(target, what, "name another folder")
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            if (source / name).exists():
                refuse_foreign(source / name, target / name)
        has_record = (target / names[0]).is_file()
        (target / names[0]).unlink(missing_ok=True)
        _flush_folder(target)
        for name in reversed(names):
            if (source / name).exists():
                _replace(source / name, target / name)
            elif has_record:
                (target / name).unlink(missing_ok=True)
        _flush_folder(target)
        if not any(source.iterdir()):
            source.rmdir()


def mark(folder: Path) -> None:
    """Put the mark of results into a folder; see :mod:`glacial_lakes.io.marks`."""
    with whole(folder / MARK_NAME) as temporary:
        temporary.write_text(MARK, encoding="utf-8", newline="\n")


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
            remedy_for(error, N_("free the disk or choose another folder")),
            reason=error,
        ) from error


def _temporary_stem(target: Path) -> str:
    return f".{target.stem}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.part"


def _host() -> str:
    """Name this computer, and among its processes those that know each other by number."""
    with suppress(OSError):
        return f"{socket.gethostname()}-{Path('/proc/self/ns/pid').stat().st_ino:x}"
    return socket.gethostname()


def _remove_leftovers(target: Path) -> None:
    """Remove what killed processes of this computer left of the same file."""
    name = re.compile(
        rf"\.{re.escape(target.stem)}\.{re.escape(_host())}-(\d+)-[0-9a-f]{{8}}\.part"
        rf"({re.escape(target.suffix)})?(-journal|-wal|-shm)?"
    )
    for entry in target.parent.iterdir():
        found = name.fullmatch(entry.name)
        if found and not entry.is_symlink() and not is_alive(int(found[1])):
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
