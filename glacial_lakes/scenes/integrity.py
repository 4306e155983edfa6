"""Whether a product's files are those that its makers sent out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from glacial_lakes.errors import DamagedFileError, GlacialLakesError, Message
from glacial_lakes.scenes.metadata import read_xml
from glacial_lakes.scenes.raster import paths_of
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.source import (
    Source,
    find,
    gdal_name,
    open_file,
    open_source,
    read_metadata,
)

_ALGORITHMS = {"MD5": "md5", "SHA3-256": "sha3_256", "SHA-256": "sha256"}
_CHUNK_BYTES = 1 << 20

Checksum = tuple[str, str]
"""Algorithm as :mod:`hashlib` names it, and hexadecimal digits."""


def verify(scene: Scene) -> Literal["verified", "unverified"]:
    """Compare the files that a scene uses with the checksums in its product.

    Sentinel-2 lists MD5 or SHA3-256 in ``manifest.safe``, Landsat Collection 2 lists MD5 in
    ``*_MD5.txt``.

    Returns
    -------
    str
        ``"verified"`` when every file that is used was listed and agrees; ``"unverified"``
        when the product lists none, or not all of them.

    Raises
    ------
    DamagedFileError
        When a file differs from its checksum.
    """
    path = Path(scene.path)
    metadata: tuple[str, ...] = scene.provenance["metadata"]
    if not metadata:  # of arrays
        return "unverified"
    source = open_source(path if path.is_dir() or _is_archive(path) else path.parent)
    checksums = _checksums(source.within(metadata[0]), metadata[0])
    layers = [*scene.bands.values(), scene.quality, scene.saturation]
    paths = {path for layer in layers if layer is not None for path in paths_of(layer)}
    used = [name for name in source.names if gdal_name(source, name) in paths or name in metadata]
    for name in used:
        if name.lower() in checksums:
            _compare(source, name, *checksums[name.lower()])
    return "verified" if all(name.lower() in checksums for name in used) else "unverified"


def checked(scene: Scene) -> tuple[str, list[Message]]:
    """Return ``verified``, ``unverified`` or ``damaged``, and of the last what is wrong."""
    try:
        return verify(scene), []
    except GlacialLakesError as error:
        return "damaged", [error.line]


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith((".zip", ".tar", ".gz", ".tgz"))


def _checksums(source: Source, metadata_name: str) -> Mapping[str, Checksum]:
    """Return what a product lists, by the names in small letters: some systems make them so."""
    manifest = find(source, r"manifest\.safe")
    if manifest is not None:
        return _from_manifest(source, manifest)
    stem = metadata_name.rpartition("_")[0]
    listing = next(
        (name for name in source.names if name.lower() == f"{stem}_md5.txt".lower()), None
    )
    return {} if listing is None else _from_md5(source, listing)


def _from_manifest(source: Source, name: str) -> dict[str, Checksum]:
    found = {}
    for item in read_xml(source, name).iter("byteStream"):
        location, checksum = item.find("fileLocation"), item.find("checksum")
        if location is None or checksum is None:
            continue
        algorithm = _ALGORITHMS.get(checksum.get("checksumName", ""))
        if algorithm is not None:
            file = source.root + location.get("href", "").removeprefix("./")
            found[file.lower()] = algorithm, (checksum.text or "").strip().lower()
    return found


def _from_md5(source: Source, name: str) -> dict[str, Checksum]:
    lines = read_metadata(source, name).decode("utf-8", errors="replace").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {
        (source.root + pair[1].strip().lstrip("*")).lower(): ("md5", pair[0].lower())
        for pair in pairs
        if len(pair) == 2
    }


def _compare(source: Source, name: str, algorithm: str, expected: str) -> None:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open_file(source, name) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != expected:
        raise DamagedFileError(
            source.path / name,
            "differs from its {algorithm} checksum",
            "download the product again, or remove its list of checksums if you changed it",
            algorithm=algorithm.upper().replace("_", "-"),
        )
