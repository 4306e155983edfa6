"""Where compiled code is kept between processes, and what makes it out of date.

Numba keeps the machine code of a function for as long as the file of that function is unchanged.
Yet kernels take in other kernels, and numbers from other files, which are compiled into them. So
the folder that numba keeps them in carries a stamp of all files that kernels read.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm
import numba
import numpy as np

PACKAGE = Path(__file__).parents[1]
KEPT_FOLDERS = 3
"""That of the code as it is, and those before it: branches and environments take turns."""

_KERNELS = b"\nfrom glacial_lakes.kernels.jit import "
# A plain beginning is found some ten times as quickly as the start of a line.
_IMPORT = re.compile(rb"\nfrom (glacial_lakes\.[\w.]+) import (\([^)]*\)|.*)")
_ENUM = re.compile(rb"\nclass (\w+)\(\w*(?:Enum|Flag)\)")
_NAME = re.compile(rb"[A-Za-z_]\w*")
_CONSTANT = re.compile(rb"_?[A-Z][A-Z0-9_]*[A-Z0-9]")  # neither C, the columns, nor N_, the words
_LONG_NAME = "x" * 120
"""As long as what numba appends to the folder: the paths of Windows end at 260 characters."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of compiled code.

    Parameters
    ----------
    folder : pathlib.Path or None
        None when nothing can be written anywhere: each process compiles for itself.
    lasting : bool
        Whether it is still there after the next start of the computer.
    """

    folder: Path | None
    lasting: bool


@cache
def place() -> Place:
    """Return the folder of compiled code, made when it is not there.

    It lies where numba was told to keep its results (``NUMBA_CACHE_DIR``), else in the package,
    else among the user's caches, else in the temporary folder; the first of them that can be
    written.
    """
    name = f"{_prefix()}{stamp()}"
    chosen: str = getattr(numba.config, "CACHE_DIR", "")
    lasting = [Path(chosen)] if chosen else []
    for home in (*lasting, PACKAGE / "__pycache__", *of_user()):
        if _begin(home / name):
            return Place(home / name, lasting=True)
    with suppress(OSError):  # no folder for temporary files
        home = Path(tempfile.gettempdir()) / f"glacial_lakes-{_user()}"
        if _is_own(home) and _begin(home / name):
            return Place(home / name, lasting=False)
    return Place(None, lasting=False)


def stamp(package: Path = PACKAGE) -> str:
    """Return what changes with any file that kernels read, and with numba and numpy."""
    digest = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for path, text in sorted(sources(package).items()):
        digest.update(f"\n{path.relative_to(package).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()[:12]


def sources(package: Path) -> dict[Path, bytes]:
    """Return the files that kernels read, with their content.

    These are the files that define kernels, those that they take constants and enumerations from,
    by name and at the left margin, and so on from there.

    Parameters
    ----------
    package : pathlib.Path
        Folder of the package.
    """
    texts = {}
    for folder, _, names in os.walk(package):  # twice as quick as Path.rglob
        for name in names:
            if name.endswith(".py"):
                path = Path(folder, name)
                texts[path] = path.read_bytes()
    found: dict[Path, bytes] = {}
    coming = [path for path, text in texts.items() if _KERNELS in text]
    coming.append(package / "kernels" / "jit.py")
    while coming:
        path = coming.pop()
        if path in found:
            continue
        found[path] = texts[path]
        for module, names in _IMPORT.findall(texts[path]):
            home = package.joinpath(*module.decode().split(".")[1:])
            for source in (home.with_suffix(".py"), home / "__init__.py"):
                if source in texts and source not in found:
                    enums = _ENUM.findall(texts[source])
                    named = _NAME.findall(names)
                    coming += [
                        source for name in named if _CONSTANT.fullmatch(name) or name in enums
                    ]
    return found


def is_off() -> bool:
    """Tell whether numba was told to compile nothing (``NUMBA_DISABLE_JIT``)."""
    return bool(getattr(numba.config, "DISABLE_JIT", 0))


def is_complete() -> bool:
    """Tell whether all kernels are kept, or nothing can be kept: nothing to compile ahead."""
    folder = place().folder
    return folder is None or (folder / _complete_name()).exists()


def complete() -> None:
    """Say that all kernels are kept."""
    folder = place().folder
    if folder is not None:
        with suppress(OSError):
            (folder / _complete_name()).touch()


@contextmanager
def held() -> Iterator[None]:
    """Hold the folder of compiled code in the block; wait for another process that holds it.

    The system lets go of it when the process ends, however it ends. Where the disk knows no such
    lock the block is entered at once: two processes then do the same work, and no harm.
    """
    folder = place().folder
    with ExitStack() as stack:
        if folder is not None:
            from filelock import FileLock  # noqa: PLC0415 (mapping starts without it)

            lock = FileLock(folder / "lock", fallback_to_soft=False)
            with suppress(OSError, NotImplementedError):
                stack.enter_context(lock)
        yield


def _complete_name() -> str:
    """Return the name of the file that says so, for this Python and this processor."""
    processor = getattr(numba.config, "CPU_NAME", None) or llvm.get_host_cpu_name()
    return f"complete-{sys.implementation.cache_tag}-{processor}"


def _prefix() -> str:
    """Return the beginning of the names of our folders: several packages may share a cache."""
    where = hashlib.sha256(str(PACKAGE).encode()).hexdigest()[:8]
    return f"kernels-{where}-"


def of_user() -> list[Path]:
    """Return the folder for what programs of this user keep; none when there is no home."""
    with suppress(RuntimeError):  # no home
        if sys.platform == "win32":
            home = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            home = Path.home() / "Library" / "Caches"
        else:
            home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return [Path(home) / "glacial_lakes"]
    return []


def _user() -> str:
    return "user" if sys.platform == "win32" else str(os.getuid())


def _is_own(folder: Path) -> bool:
    """Tell whether a folder, made when it is not there, is ours alone.

    Whoever writes compiled code decides what this process does, and all may write beside it.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode):  # a link leads elsewhere
        return False
    return sys.platform == "win32" or (state.st_uid == os.getuid() and not state.st_mode & 0o022)


def _begin(folder: Path) -> bool:
    """Make a folder of compiled code when it is not there; tell whether it can be written."""
    is_new = not folder.exists()
    trial = folder / f"{_LONG_NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(b"")
        trial.unlink()
    except OSError:
        return False
    if is_new:
        _remove_old(folder)
    return True


def _remove_old(folder: Path) -> None:
    """Remove the folders of this package's earlier code, but for the newest."""
    ours = re.compile(re.escape(_prefix()) + r"[0-9a-f]{12}")
    with suppress(OSError):  # another process may be at it
        old = [
            (path.stat().st_mtime_ns, path)
            for path in folder.parent.iterdir()
            if ours.fullmatch(path.name) and path != folder and path.is_dir()
        ]
        for _, path in sorted(old, reverse=True)[KEPT_FOLDERS - 1 :]:
            shutil.rmtree(path, ignore_errors=True)
