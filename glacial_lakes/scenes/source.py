"""The files of a product: a folder, a zip or a tar, listed once and read by name only."""

from __future__ import annotations

import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    MissingFileError,
    UnsafeInputError,
    remedy_for,
)
from glacial_lakes.io.zips import open_zip

MAX_METADATA_BYTES = 64_000_000
"""Largest metadata file that is read whole; the largest real one is below 1 MB."""

MAX_UNPACKED_RATIO, HARMLESS_BYTES = 100, 1 << 28
"""Times that an archive may grow when it is unpacked, where that is more than 256 MiB: images grow
by 2 or 3, empty ones by 10. A ``.tar.gz`` is unpacked as a whole for each look into it."""

MAX_UNPACKED_BYTES = 64_000_000_000
"""Most that an archive may hold; a whole Sentinel-2 or Landsat product has 2 GB at most."""

MAX_DEPTH = 6
"""Folders below ``GRANULE`` that are looked into; a SAFE has three."""

PARTS = frozenset(("GRANULE", "MASKS", "QI", "R10M", "R20M", "R60M"))
"""Folders inside those of products: of SAFE, of MAJA, of Sentinel-2 on Amazon."""

_STRAY = re.compile(
    r"\._.*|~\$.*|\.~.*|.*~|.*_\$folder\$|\.DS_Store|Thumbs\.db|ehthumbs\.db|desktop\.ini|Icon\r?"
    r"|__MACOSX|\.Spotlight-V100|\.Trashes|\.fseventsd|.*\.(?:aux\.xml|tmp|part|partial|crdownload)",
    re.IGNORECASE,
)
"""Files and folders that systems, browsers and GDAL leave beside those of a product."""

_COPY = re.compile(
    r"(?: ?\(\d+\)| - (?:copy|копия)(?: \(\d+\))?| copy(?: \d+)?)(?=\.\w+$|$)|^(?:copy of|копия) ",
    re.IGNORECASE,
)
"""What systems put into the name of a second copy."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_ARCHIVE_ENDINGS = {".zip": "zip", ".gz": "tar.gz", ".tgz": "tar.gz", "": "tar"}

_MAGIC = {
    "GTiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "JP2OpenJPEG": (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
}

# RuntimeError: an encrypted zip; NotImplementedError: its compression is not known
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the files of a product lie.

    Only names in :attr:`names` can be read: nothing that metadata says leads outside.
    """

    path: Path
    """The folder or archive, absolute."""
    kind: Literal["folder", "zip", "tar"]
    names: tuple[str, ...]
    """Files below it, sorted, with ``/``."""
    root: str = ""
    """Start of the names of the product's files: empty, or the folder in an archive with ``/``."""

    def within(self, name: str) -> Source:
        """Return the source whose root is the folder that a file lies in."""
        return replace(self, root=name[: name.rfind("/") + 1])


def open_source(path: Path) -> Source:
    """List the files of a folder or archive.

    Raises
    ------
    UnsafeInputError
        For an archive with a member that would lie outside it.
    DamagedFileError
        For an archive that cannot be listed.
    """
    path = path.absolute()
    if path.is_dir():
        return Source(path, "folder", true_names(_files(path)))
    try:
        require_plain(path)
        _require_true_name(path)
        if path.suffix.lower() == ".zip":
            return Source(path, "zip", _safe(path, _members_of_zip(path)))
        return Source(path, "tar", _safe(path, _members_of_tar(path)))
    except (*_BROKEN, ValueError, ArithmeticError, LookupError, struct.error) as error:
        remedy = remedy_for(error, N_("download it again"))
        raise DamagedFileError(path, "cannot be unpacked ({error})", remedy, error=error) from None


def is_stray(name: str) -> bool:
    """Tell whether a file or folder is one that computers leave beside those of people."""
    return _STRAY.fullmatch(name) is not None


def require_plain(path: Path) -> None:
    """Refuse a pipe, socket or device: it would keep its reader waiting, or never end.

    Raises
    ------
    UnsafeInputError
        When it is none of a plain file.
    OSError
        When it is not there.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnsafeInputError(path, "is no plain file", "put the file itself in its place")


def _require_true_name(path: Path) -> None:
    """Refuse an archive of another kind than its ending, by which GDAL would open it.

    Browsers unpack ``.tar.gz`` on their way and keep the name; people give one to what has none.
    """
    with path.open("rb") as stream:
        first = stream.read(4)
    if tarfile.is_tarfile(path):
        kind = "tar.gz" if first.startswith(_GZIP) else "tar"
    elif first == _ZIP and zipfile.is_zipfile(path):
        kind = "zip"
    else:
        return  # it is told what is wrong when it is opened
    name = path.name.lower()
    named = next(kind for ending, kind in _ARCHIVE_ENDINGS.items() if name.endswith(ending))
    if kind != named:
        raise UnsafeInputError(
            path,
            "is an archive of the kind {kind}",
            "rename it so that it ends in .{kind}",
            kind=kind,
        )


def _members_of_zip(path: Path) -> list[str]:
    with open_zip(path) as archive:
        items = archive.infolist()
    _check_size(path, sum(item.file_size for item in items))
    for item in items:
        if stat.S_ISLNK(item.external_attr >> 16):
            raise _link(path, item.filename)
    return [item.filename for item in items if not item.is_dir()]


def _members_of_tar(path: Path) -> list[str]:
    members, total = [], 0
    with tarfile.open(path) as archive:
        for item in archive:  # what it holds is unpacked only to reach the next one
            total += item.size
            _check_size(path, total)
            if _is_file(path, item):
                if "path" in item.pax_headers:
                    what = N_("is a tar with long names, which cannot be read as it is")
                    raise UnsafeInputError(path, what, "unpack it, and name the folder")
                members.append(item.name)
    return members


def _check_size(path: Path, unpacked: int) -> None:
    """Refuse an archive that would grow beyond all bounds."""
    packed = path.stat().st_size
    if unpacked > max(HARMLESS_BYTES, min(MAX_UNPACKED_RATIO * packed, MAX_UNPACKED_BYTES)):
        raise UnsafeInputError(
            path,
            "would grow from {packed} to {unpacked} MB when it is unpacked",
            "download it again",
            packed=-(-packed // 10**6),
            unpacked=unpacked // 10**6,
        )


def _link(path: Path, name: str) -> UnsafeInputError:
    return UnsafeInputError(
        path, "holds {name!r}, which is a link or device", "download it again", name=name
    )


def find(source: Source, pattern: str) -> str | None:
    """Return the first file whose name below the root matches an expression, any case."""
    return next(iter(find_all(source, pattern)), None)


def find_all(source: Source, pattern: str) -> list[str]:
    """Return the files whose names below the root match an expression, any case."""
    expression = re.compile(re.escape(source.root) + pattern, re.IGNORECASE)
    return [name for name in source.names if expression.fullmatch(name)]


def gdal_name(source: Source, name: str) -> str:
    """Return a file's name as GDAL takes it."""
    if source.kind == "folder":
        return str(source.path / name)
    # braces mark where the archive's own name ends, whatever its folders are called
    return f"/vsi{source.kind}/{{{source.path.as_posix()}}}/{name.removeprefix('./')}"


def driver_of(name: str) -> Literal["GTiff", "JP2OpenJPEG"]:
    """Return the driver for a raster's ending."""
    return "GTiff" if name.lower().endswith((".tif", ".tiff")) else "JP2OpenJPEG"


def raster_name(source: Source, name: str, driver: str) -> str:
    """Return a raster's name for GDAL, after a look at its first bytes.

    Raises
    ------
    UnsafeInputError
        When the file is of another format than its driver's, such as a VRT named ``.tif``.
    """
    with open_file(source, name) as stream:
        first = stream.read(12)
    if not first.startswith(_MAGIC[driver]):
        raise UnsafeInputError(
            source.path / name,
            "is not a {format} file, whatever its name says",
            "download the product again",
            format="JPEG 2000" if driver == "JP2OpenJPEG" else "TIFF",
        )
    return gdal_name(source, name)


def read_metadata(source: Source, name: str) -> bytes:
    """Return the content of a metadata file, within bounds."""
    with open_file(source, name) as stream:
        content = stream.read(MAX_METADATA_BYTES + 1)
    if len(content) > MAX_METADATA_BYTES:
        raise UnsafeInputError(
            source.path / name, "is too large for a metadata file", "download the product again"
        )
    return content


@contextmanager
def open_file(source: Source, name: str) -> Iterator[IO[bytes]]:
    """Open one file of a product as a stream of bytes."""
    where = source.path / name
    if name not in source.names:
        raise MissingFileError(source.path, "lacks {name}", "download the product whole", name=name)
    try:
        if source.kind == "folder":
            require_plain(where)
            with where.open("rb") as stream:
                yield stream
        elif source.kind == "zip":
            with open_zip(source.path) as archive, archive.open(name) as stream:
                yield stream
        else:
            with tarfile.open(source.path) as tar:
                member = tar.extractfile(name)
                if member is None:
                    raise DamagedFileError(where, "is not a plain file", "download it again")
                with member as stream:
                    yield stream
    except _BROKEN as error:
        remedy = remedy_for(error, N_("download it again"))
        raise DamagedFileError(where, "cannot be read ({error})", remedy, error=error) from None


def _files(folder: Path) -> Iterator[str]:
    """Names of the files in a folder; of its subfolders only those that are parts of products."""
    for item in folder.iterdir():
        if not item.is_dir():
            yield item.name
        elif item.name.upper() in PARTS:
            yield from _walk(item, MAX_DEPTH, f"{item.name}/")


def _walk(folder: Path, depth: int, prefix: str) -> Iterator[str]:
    for item in folder.iterdir():
        if item.is_dir():
            if depth:
                yield from _walk(item, depth - 1, f"{prefix}{item.name}/")
        else:
            yield prefix + item.name


def _is_file(path: Path, member: tarfile.TarInfo) -> bool:
    if not (member.isfile() or member.isdir()):
        raise _link(path, member.name)
    return member.isfile()


def _safe(path: Path, members: list[str]) -> tuple[str, ...]:
    for name in members:
        parts = re.split(r"[/\\]", name)
        if not parts[0] or ".." in parts or ":" in parts[0]:
            raise UnsafeInputError(
                path, "holds {name!r}, which would lie outside it", "download it again", name=name
            )
    if len(set(members)) < len(members):
        raise UnsafeInputError(path, "holds two files of one name", "download it again")
    return true_names(members)


def true_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of files of people, sorted: no stray files, no second copies."""
    kept = {name for name in names if not any(map(is_stray, name.split("/")))}
    above = {name.rsplit("/", depth)[0] for name in kept for depth in range(MAX_DEPTH + 1)}
    return tuple(sorted(name for name in kept if not _is_copy(name, above)))


def _is_copy(name: str, names: set[str]) -> bool:
    """Tell whether a file, or a folder that it lies in, is a copy of one beside it."""
    parts = name.split("/")
    for end, part in enumerate(parts, 1):
        original = _COPY.sub("", part)
        if original != part and "/".join([*parts[: end - 1], original]) in names:
            return True
    return False
