"""The one vector file that a zip or KMZ holds, unpacked within bounds for as long as it is read."""

from __future__ import annotations

import lzma
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GlacialLakesError,
    ResourceError,
    UnsafeInputError,
    VectorError,
)
from glacial_lakes.io.zips import open_zip
from glacial_lakes.places import is_plain

MAX_BYTES = 1_000_000_000
"""Most that is unpacked."""
MAX_MEMBERS = 10_000
_CHUNK = 1 << 20
_MAIN = (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml", ".tab", ".mif")
_STRAY = ("__MACOSX",)
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


@contextmanager
def unpacked(source: Path) -> Iterator[Path]:
    """Give a vector file, or the one in a zip or KMZ; errors name the archive.

    Parameters
    ----------
    source : pathlib.Path
        Any file; what is no zip is given as it is.

    Raises
    ------
    VectorError
        When an archive holds no vector file, or several.
    UnsafeInputError
        When it would unpack to more than :data:`MAX_BYTES`, or holds links.
    DamagedFileError
        When it cannot be unpacked.
    ResourceError
        When no temporary folder can be written.
    """
    if not _is_zip(source):
        yield source
        return
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="glacial_lakes_"))
        except OSError as error:
            remedy = N_("set TMPDIR (Windows: TEMP) to a folder with room")
            raise ResourceError(source, "there is no place to unpack it", remedy) from error
        main = _unpack(source, Path(folder))
        try:
            yield main
        except GlacialLakesError as error:
            raise type(error)(source / main.name, error.what, error.remedy) from error


def _is_zip(source: Path) -> bool:
    if not source.is_file():  # a folder; a pipe would keep its reader waiting
        return False
    try:
        with source.open("rb") as file:
            begins_so = file.read(4) == b"PK\x03\x04"
    except OSError:  # whoever reads it as what it is tells why it cannot be read
        return False
    is_named_so = source.suffix.lower() in {".zip", ".kmz"}  # one that is cut short is told so
    return begins_so and (is_named_so or zipfile.is_zipfile(source))


def _unpack(source: Path, folder: Path) -> Path:
    try:
        with open_zip(source) as archive:
            members = _members(source, archive)
            main = _main(source, members)
            left = MAX_BYTES
            for name, item in members.items():
                if name.parent != main.parent or _stem(name) != _stem(main):
                    continue
                with archive.open(item) as stream, (folder / name.name).open("wb") as file:
                    while chunk := stream.read(_CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise UnsafeInputError(
                                source, "would unpack to more than 1 GB", "unpack it yourself"
                            )
                        file.write(chunk)
    except _BROKEN as error:
        raise DamagedFileError(
            source, "cannot be unpacked ({error})", "copy it again", error=error
        ) from None
    return folder / main.name


def _members(source: Path, archive: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return the files of an archive that a person put there."""
    items = [item for item in archive.infolist() if not item.is_dir()]
    if len(items) > MAX_MEMBERS:
        raise UnsafeInputError(source, "holds too many files", "unpack it yourself")
    for item in items:
        if not is_plain(item.filename) or stat.S_ISLNK(item.external_attr >> 16):
            raise UnsafeInputError(
                source,
                "holds {name!r}, which would lie outside it",
                "pack it again",
                name=item.filename,
            )
    members = {PurePosixPath(item.filename): item for item in items}
    return {
        name: item
        for name, item in members.items()
        if name.parts[0] not in _STRAY and not name.name.startswith("._")
    }


def _main(source: Path, members: dict[PurePosixPath, zipfile.ZipInfo]) -> PurePosixPath:
    found = [name for name in members if name.suffix.lower() in _MAIN]
    if source.suffix.lower() == ".kmz":  # of a KMZ the first is the document, others are linked
        found = [name for name in found if name.suffix.lower() == ".kml"][:1]
    packed = [name for name in members if name.suffix.lower() in {".zip", ".kmz"}]
    if packed and not found:
        what, remedy = N_("is an archive of the archive {name}"), N_("unpack it, and give that one")
        raise VectorError(source, what, remedy, name=packed[0])
    if len(found) != 1:
        names = [str(name) for name in sorted(found)[:5]]
        raise VectorError(
            source,
            "holds the vector files {names}" if found else "holds no vector file",
            "unpack it and name one" if found else "pack all parts of a shapefile, or a GeoPackage",
            names=names,
        )
    return found[0]


def _stem(name: PurePosixPath) -> str:
    """Return the name without endings, which may be several, such as ``.shp.xml``."""
    return name.name.partition(".")[0] if name.suffix.lower() == ".xml" else name.stem
