"""Paths → scenes: what is a product, which reader opens it, which of two copies is used."""

from __future__ import annotations

import glob
import logging
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GlacialLakesError,
    InputError,
    Message,
    MissingFileError,
    ResourceError,
    UnknownProductError,
    remedy_for,
    require,
)
from glacial_lakes.events import Event, InputOdd, Listener, SceneRefused
from glacial_lakes.places import PathLike, listed
from glacial_lakes.runtime.processes import in_turn
from glacial_lakes.scenes.bands import groups, is_band, open_bands, start_of
from glacial_lakes.scenes.copies import SPOILED, soundness
from glacial_lakes.scenes.families import FAMILIES
from glacial_lakes.scenes.geotiff import open_geotiff, quality_file_of, sidecar_of
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.plausibility import assumed_time
from glacial_lakes.scenes.quality import QUALITY_LAYERS, SATURATION_LAYER
from glacial_lakes.scenes.raster import is_nodata, read_thinned
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.source import (
    PARTS,
    Source,
    is_stray,
    open_source,
    require_plain,
    true_names,
)
from glacial_lakes.settings import LimitSettings

Thing = TypeVar("Thing")

MAX_DEPTH = 8
"""Folders below a given one that are searched: so deep lie images in ``tiles`` of Amazon."""

_SAME_GRANULE_S = 1.0
"""Two images of one tile closer in time are one image, processed twice."""

_LEAST_PART = 0.02
"""Share of a tile that each of two data strips shows alone."""

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
_LOG = logging.getLogger(__name__)
_LISTED_FAST = (".zip", ".tar")
_TIFFS = (".tif", ".tiff")
_IMAGES = (*_TIFFS, ".jp2")
_ANY_NAME = re.IGNORECASE | re.DOTALL  # names of files may hold the ends of lines
_SAFE_NAME = re.compile(r"(?:[^_]+_)?S2[A-Z]_.*\.(?:SAFE|zip)", _ANY_NAME)
_OLD_SAFE_NAME = re.compile(r"S2[A-Z]_(?:OPER|USER)_PRD_.*", _ANY_NAME)
_LANDSAT_FOLDER = re.compile(r"L[CEMOT]\d{2}_L\w{3}_\d{6}_\d{8}_\w+", _ANY_NAME)
_LANDSAT_ARCHIVE = re.compile(r"L[CEMOT]\d.*\.(?:tar|tar\.gz|tgz)", _ANY_NAME)
_READABLE = N_(
    "give a Sentinel-2 .SAFE folder or zip, a Landsat folder or tar, or a GeoTIFF with a sidecar"
)


def open_scene(path: PathLike) -> Scene:
    """Describe one product; no pixel of a Sentinel-2 or Landsat product is read.

    Parameters
    ----------
    path : path-like
        A Sentinel-2 ``.SAFE`` folder or ``.zip``, a Landsat folder, ``.tar`` or ``.tar.gz``,
        their ``MTD_MSIL*.xml`` or ``*_MTL.*`` file, or a GeoTIFF with a sidecar.

    Returns
    -------
    Scene

    Raises
    ------
    UnknownProductError
        When it is none of these.
    MissingFileError
        When it or one of its files is not there.
    MetadataError
        When scale, offset, time or sun are not told.
    DamagedFileError, GridError, UnsafeInputError
        When a file cannot be read, does not fit the others, or is not what it claims to be.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> gl.open_scene("sample_data/scenes/LT05_L2SP_151030_20030817_20200904_02_T1").sensor
    'LT05'
    """
    require(path, (str, os.PathLike), "path", N_("give the path of a product"))
    path = Path(path).absolute()
    try:
        str(path).encode()  # as GDAL takes it
    except UnicodeEncodeError:
        raise InputError(path, "its name is no UTF-8 text", "rename it") from None
    try:
        if not path.exists():
            what = N_("matches no product") if glob.has_magic(path.name) else N_("does not exist")
            raise MissingFileError(path, what, "check the path")
        if not path.is_dir():
            require_plain(path)
        return _open(path)
    except GlacialLakesError as error:
        if error.path is None:
            raise type(error)(path, error.what, error.remedy) from error
        raise
    except (ValueError, ArithmeticError, LookupError, OSError, RuntimeError) as error:
        remedy = remedy_for(error, N_("download it again"))
        raise DamagedFileError(
            path, "cannot be understood ({error})", remedy, error=error
        ) from error


def find_products(paths: PathLike | Iterable[PathLike]) -> list[Path]:
    """Find products without opening them.

    Parameters
    ----------
    paths : path-like or iterable of path-like
        Products, folders that hold products up to eight levels deep, or glob patterns. A path
        that yields nothing is returned itself, so that opening it tells why.

    Returns
    -------
    list of Path
        Absolute, sorted, each once. A GeoTIFF without a sidecar is taken for a forgotten
        scene beside stacks that have one, and where it is named as a band;
        elsewhere it is a DEM or a mask, and left out.
    """
    found: set[Path] = set()
    for item in listed(paths):
        path = item.absolute()
        if path.is_dir():
            found.update(_with_stacks(path, [path]))
        elif path.exists() or not glob.has_magic(str(item)):
            found.add(_product_of(path))
        else:
            hits = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
            found.update(_with_stacks(path, sorted(hits)))
    return sorted(found)


def discover(
    paths: PathLike | Iterable[PathLike],
    on_event: Listener | None = None,
    *,
    limits: LimitSettings | None = None,
) -> list[Scene]:
    """Open every product that is found; what cannot be used is told and left out.

    Of products of one granule (same sensor, tile and sensing time) the surface reflectance
    of the latest processing is kept.

    Parameters
    ----------
    paths : path-like or iterable of path-like
        As for :func:`find_products`.
    on_event : callable, optional
        Called with a :class:`glacial_lakes.events.SceneRefused` for each product left out, and an
        :class:`glacial_lakes.events.InputOdd` for each whose time of day is assumed. Without it
        they are warnings in the log.
    limits : LimitSettings, optional
        With them products are opened in a process of their own, where one that crashes, hangs or
        eats the memory costs only itself.

    Returns
    -------
    list of Scene
        Sorted by time and id, whatever the order of the paths.

    Raises
    ------
    MissingFileError
        When nobody listens and a path that is given does not exist.

    Examples
    --------
    >>> scenes = discover("sample_data/scenes")
    >>> len(scenes), scenes[0].sensor
    (9, 'LT05')
    """
    found = find_products(paths)
    if on_event is None:
        on_event = _log_refusal
        for path in found:
            if not path.exists():
                open_scene(path)  # says why
    scenes = []
    for path, opened in opened_apart(open_scene, found, limits):
        if isinstance(opened, Scene):
            scenes.append(opened)
        else:
            on_event(SceneRefused(str(path), _reason(opened, path)))
    return without_twins(scenes, on_event, limits=limits)


def without_twins(
    scenes: Iterable[Scene], on_event: Listener, *, limits: LimitSettings | None = None
) -> list[Scene]:
    """Return scenes sorted by time and id, of those of one granule the best, and tell the others.

    Copies of one product, which have one id, are read through: one that is spoiled takes no place
    of a good one, whatever their folders are called.

    Parameters
    ----------
    scenes : iterable of Scene
    on_event : callable
        Called with a :class:`glacial_lakes.events.SceneRefused` for each that is left out.
    limits : LimitSettings, optional
        With them copies are read in a process of their own.
    """
    scenes = list(scenes)
    sound = _soundness_of_copies(scenes, limits)

    def preference(scene: Scene) -> tuple[Any, ...]:
        return *_preference(scene), sound.get(scene.path, 0), scene.path

    kept: list[Scene] = []
    for scene in sorted(scenes, key=preference, reverse=True):
        twin = next((other for other in kept if _same_granule(scene, other)), None)
        namesake = next((other for other in kept if other.id == scene.id), None)
        if twin is not None:
            reason = Message(
                "is another processing of the image {scene}, which is used", scene=twin.id
            )
            on_event(SceneRefused(scene.path, reason))
        elif namesake is not None:
            what = Message("has the name of another scene, {path}", path=namesake.path)
            reason = Message("{what}; {remedy}", what=what, remedy=Message("rename one of them"))
            on_event(SceneRefused(scene.path, reason))
        else:
            kept.append(scene)
    kept.sort(key=lambda scene: (scene.acquired, scene.id))
    for scene in kept:
        assumed = assumed_time(scene)
        if assumed is not None:
            on_event(InputOdd(scene.path, assumed))
    return kept


def opened_apart(
    opens: Callable[[Thing], Any], things: Sequence[Thing], limits: LimitSettings | None
) -> Iterator[tuple[Thing, Any]]:
    """Open things one after the other, with limits apart from this process.

    Yields
    ------
    tuple
        Each thing, and what was opened or a GlacialLakesError.
    """
    if limits is None:
        for thing in things:
            try:
                yield thing, opens(thing)
            except GlacialLakesError as error:
                yield thing, error
        return
    outcomes = in_turn(opens, things, seconds=limits.open_s, memory_bytes=limits.open_memory_bytes)
    for thing, outcome in zip(things, outcomes, strict=True):
        if isinstance(outcome, MemoryError):
            remedy = N_("allow more with limits.open_memory_gb")
            yield thing, ResourceError(None, "the memory does not suffice", remedy)
        elif isinstance(outcome, GlacialLakesError) or not isinstance(outcome, Exception):
            yield thing, outcome
        else:
            what = N_("cannot be understood ({error})")
            yield thing, DamagedFileError(None, what, "download it again", error=outcome)


def _log_refusal(event: Event) -> None:
    if isinstance(event, SceneRefused | InputOdd):
        _LOG.warning(Message("{path}: {reason}", path=event.path, reason=event.reason))


def _open(path: Path) -> Scene:
    if path.name.lower().endswith(_IMAGES) and not _is_metadata(path.name) and path.is_file():
        return _open_image(path)
    if path.is_dir() or path.name.lower().endswith(_ARCHIVES):
        source = open_source(path)
        names = _metadata_names(source)
    elif _is_metadata(path.name):
        source = open_source(path.parent)
        names = [path.name]
    else:
        raise UnknownProductError(path, "is no product that can be read", _READABLE)
    if len(names) > 1:
        raise UnknownProductError(
            path,
            Message("holds {count} product", "holds {count} products", count=len(names)),
            "open one of their metadata files",
        )
    loose = {} if names or not path.is_dir() or _is_safe(path) else groups(source.names)
    if len(loose) == 1:
        return open_bands(source, next(iter(loose)), path.name)
    if loose:
        raise UnknownProductError(
            path,
            Message("holds {count} product", "holds {count} products", count=len(loose)),
            "open one of their bands",
        )
    if not names:
        below = find_products(path) if path.is_dir() else []
        if len(below) == 1 and below != [path] and below[0].is_dir():
            return _open(below[0])  # a product in a folder, often of its own name
        raise _no_product(path, below, _archives_among(source.names))
    source = source.within(names[0])
    family = next(one for one in FAMILIES if one.owns(names[0].rpartition("/")[2]))
    return family.opens(source, names[0])


def _metadata_names(source: Source) -> list[str]:
    """Product metadata at the root of a folder, or some folders down an archive."""
    depth = 0 if source.kind == "folder" else MAX_DEPTH
    names = [name for name in source.names if name.count("/") <= depth]
    return [name for family in FAMILIES for name in family.metadata_among(names)]


def _open_image(path: Path) -> Scene:
    """Open an image that is a scene itself, or one of the bands of a scene."""
    is_tiff = path.name.lower().endswith(_TIFFS)
    start = None if is_tiff and sidecar_of(path).is_file() else _start_of(path)
    if start is not None:
        whole = _whole_product_of(path)
        if whole is not None:
            return _open(whole)
        source = open_source(path.parent)
        return open_bands(source, start, "" if _metadata_names(source) else source.path.name)
    if is_tiff:
        return open_geotiff(path)
    raise UnknownProductError(path, "is no product that can be read", _READABLE)


def _is_safe(path: Path) -> bool:
    """Tell whether a folder is named like a whole product, whose metadata must be there."""
    return path.name.upper().endswith(".SAFE")


def _is_of(name: str, metadata: Iterable[str]) -> bool:
    """Tell whether a file or folder is of a product whose metadata lies beside it."""
    return any(
        name.upper() in family.folders
        or ((start := family.start_of(one)) and name.lower().startswith(start.lower()))
        for one in metadata
        for family in FAMILIES
        if family.owns(one)
    )


def _whole_product_of(path: Path) -> Path | None:
    """Return the product with metadata that a file beside these is of; None where it is of none."""
    metadata = _metadata_among(item.name for item in path.parent.iterdir())
    own = [name for name in metadata if _is_of(path.name, [name])]
    if not own:
        return None
    return path.parent if len(metadata) == 1 else path.parent / own[0]


def _start_of(path: Path) -> str | None:
    """Return what the names of the bands of a scene begin with, of which a file is one."""
    if not is_band(path.name):
        return None
    bands = groups(true_names(item.name for item in path.parent.iterdir()))
    return next((start for start, files in bands.items() if path.name in files.values()), None)


def _is_lone_band(path: Path) -> bool:
    """Tell whether a file is a band of which nothing else is beside it, of a known product or none.

    A quality layer that is named after no product is a mask.
    """
    start = start_of(path.name)
    if start is None or sidecar_of(path).is_file():
        return False
    if not start and path.stem.lower() in (*QUALITY_LAYERS, SATURATION_LAYER):
        return False
    try:
        if start and read_name(start.rstrip("_. -"), path) is None:
            return False
    except UnknownProductError:
        pass
    names = true_names(item.name for item in path.parent.iterdir())
    return path.name in names and start not in groups(names) and _whole_product_of(path) is None


def _is_metadata(name: str) -> bool:
    return any(family.owns(name) for family in FAMILIES)


def _archives_among(names: Iterable[str]) -> list[str]:
    """Return the archives of products among names, which may have folders."""
    last = {name: name.rpartition("/")[2] for name in names}
    return [
        name
        for name, file in last.items()
        if file.lower().endswith(_ARCHIVES)
        and (_SAFE_NAME.fullmatch(file) or _LANDSAT_ARCHIVE.fullmatch(file))
    ]


def _no_product(path: Path, below: list[Path], packed: list[str]) -> GlacialLakesError:
    if packed and not path.is_dir():
        what, remedy = N_("is an archive of the archive {name}"), N_("unpack it, and give that one")
        return UnknownProductError(path, what, remedy, name=packed[0])
    if _OLD_SAFE_NAME.fullmatch(path.name):
        what = N_("is a SAFE in the format before December 2016")
        return UnknownProductError(path, what, "download its later processing, a tile each")
    if _SAFE_NAME.fullmatch(path.name):
        what = N_("lacks its metadata, MTD_MSIL1C.xml or MTD_MSIL2A.xml")
        return MissingFileError(path, what, "download the product whole")
    if _LANDSAT_ARCHIVE.fullmatch(path.name) or _LANDSAT_FOLDER.fullmatch(path.name):
        return MissingFileError(path, "lacks its metadata, *_MTL.txt", "download it whole")
    if below not in ([], [path]):
        what = N_("is no product itself, but holds some")
        return UnknownProductError(
            path, what, "open them one by one, e.g. {name}", name=below[0].name
        )
    return UnknownProductError(path, "holds no product that can be read", _READABLE)


def _product_of(path: Path) -> Path:
    """Product that a path stands for: of metadata, its folder or the first of its formats."""
    if path.is_file() and is_band(path.name) and not sidecar_of(path).is_file():
        start = _start_of(path)
        whole = _whole_product_of(path)
        if whole is not None:
            return whole
        products = _products_of_folder(path.parent)
        if start is not None and products == [path.parent] and not _has_metadata(path.parent):
            return path.parent
        if start is not None:
            files = groups(true_names(item.name for item in path.parent.iterdir()))[start]
            return path.parent / min(files.values())
    if path.is_file() and _is_metadata(path.name):
        products = _products_of_folder(path.parent)
        stem = path.stem.lower()
        return next((found for found in products if found.stem.lower() == stem), products[0])
    return path


def _products_of_folder(folder: Path) -> list[Path]:
    """Products whose metadata lies in this folder itself."""
    products = _metadata_among(item.name for item in folder.iterdir())
    if not products and not _is_safe(folder):
        products = _loose_products(folder)
    return [folder] if len(products) == 1 else [folder / name for name in products]


def _metadata_among(names: Iterable[str]) -> list[str]:
    """Return the metadata of each product of a folder among the names of its files."""
    names, products = list(names), []
    for family in FAMILIES:
        found = family.metadata_among(names)
        products += found[:1] if family.is_alone else found
    return products


def _has_metadata(folder: Path) -> bool:
    return any(_is_metadata(item.name) for item in folder.iterdir())


def _loose_products(folder: Path) -> list[str]:
    """Return a band of each scene whose bands lie in a folder as single files."""
    names = [item.name for item in folder.iterdir()]
    if not any(is_band(name) or name.upper() in PARTS for name in names):
        return []
    found = groups(open_source(folder).names)
    return [min(files.values()) for files in found.values()]


def _with_stacks(origin: Path, hits: list[Path]) -> set[Path]:
    """Products among paths and below them, with the GeoTIFFs that are scenes."""
    products: set[Path] = set()
    images: set[Path] = set()
    for hit in hits:
        for path in _search(hit, MAX_DEPTH):
            is_image = path.name.lower().endswith(_TIFFS) and not _is_metadata(path.name)
            is_image = is_image and not _is_no_file(path)
            is_image = is_image and (sidecar_of(path).is_file() or _start_of(path) is None)
            (images if is_image else products).add(path)
    sidecars = {image: sidecar_of(image) for image in images if sidecar_of(image).is_file()}
    layers = {sidecar.parent / (quality_file_of(sidecar) or "") for sidecar in sidecars.values()}
    stacks = set(sidecars) - layers
    folders = {stack.parent for stack in stacks}
    plain = images - stacks - layers
    forgotten = {image for image in plain if image.parent in folders or _is_lone_band(image)}
    return products | stacks | forgotten or (plain & set(hits)) or {origin}


def _search(path: Path, depth: int) -> Iterator[Path]:
    try:
        if not path.is_dir():
            if _looks_like_product(path) or _is_lone_band(path):
                yield path if _is_no_file(path) else _product_of(path)
            return
        products, items = _products_of_folder(path), sorted(path.iterdir())
    except OSError:
        yield path  # opening it tells why it cannot be listed
        return
    yield from products
    metadata = _metadata_among(item.name for item in items)
    owners = {family for family in FAMILIES for name in metadata if family.owns(name)}
    if any(family.is_folder for family in owners) or depth == 0:
        return
    is_loose = bool(products) and not metadata
    parts = {item.name for item in items if _is_of(item.name, metadata)}
    # of a folder that is named like a product and is none, single bands are no scenes
    is_named_so = not metadata and bool(
        _SAFE_NAME.fullmatch(path.name) or _LANDSAT_FOLDER.fullmatch(path.name)
    )
    others = groups({*true_names(item.name for item in items)} - parts if metadata else ())
    yield from (path / min(files.values()) for files in others.values())
    parts.update(file for files in others.values() for file in files.values())
    below = [
        found
        for item in items
        if not (item.name.startswith(".") or is_stray(item.name) or _is_metadata(item.name))
        if not _leads_back(item, path)
        if not (is_loose and (is_band(item.name) or item.name.upper() in PARTS))
        if item.name not in parts
        for found in _search(item, depth - 1)
        if not (is_named_so and _is_single_band(found, path))
    ]
    yield from below
    if (is_named_so or _is_safe(path)) and not products and not below:
        yield path  # opening it tells that its metadata is missing


def _leads_back(item: Path, folder: Path) -> bool:
    """Tell whether a link leads to the folder that it lies in, or above it."""
    if not item.is_symlink():
        return False
    # pathlib's own resolve raises for a link to itself
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(item))


def _is_single_band(found: Path, product: Path) -> bool:
    """Tell whether what was found is an image, or lies in a folder that only products have."""
    if found.name.lower().endswith(_TIFFS):
        return True
    return any(part.upper() in PARTS for part in found.relative_to(product).parts)


def _looks_like_product(path: Path) -> bool:
    name = path.name
    return bool(
        name.lower().endswith(_TIFFS)
        or _is_metadata(name)
        or _SAFE_NAME.fullmatch(name)
        or _LANDSAT_ARCHIVE.fullmatch(name)
        or (_is_no_file(path) and name.lower().endswith((*_IMAGES, *_ARCHIVES, ".safe")))
        or (name.lower().endswith(_LISTED_FAST) and _holds_metadata(path))
    )


def _is_no_file(path: Path) -> bool:
    """Tell whether it is a pipe, socket or device, or leads to one or nowhere: never opened."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _holds_metadata(path: Path) -> bool:
    """Tell whether an archive of any name holds a product; one that is broken may do so."""
    try:
        source = open_source(path)
    except DamagedFileError:
        return True  # opening it tells why
    except GlacialLakesError:
        return False  # an archive of another name may be anything
    return bool(_metadata_names(source) or _archives_among(source.names))


def _reason(error: GlacialLakesError, product: Path) -> Message:
    """One line that names the file at fault where it is not the product itself."""
    at_fault = product if error.path is None else Path(error.path)
    inside = at_fault.name if product in at_fault.parents else None
    return type(error)(inside, error.what, error.remedy).line


def _preference(scene: Scene) -> tuple[bool, bool, str, str, str]:
    """Order in which scenes of one granule are preferred by what they tell, least first."""
    facts: Mapping[str, Any] = scene.provenance
    sound = not facts.get("contradictions")
    surface = scene.level.startswith("L2")
    return sound, surface, str(facts["baseline"]), str(facts["processed"]), scene.id


def _soundness_of_copies(scenes: Sequence[Scene], limits: LimitSettings | None) -> dict[str, int]:
    """Return by path how far each scene can be believed whose id another one has as well."""
    counts = Counter(scene.id for scene in scenes)
    copies = [scene for scene in scenes if counts[scene.id] > 1]
    return {
        scene.path: SPOILED if isinstance(found, GlacialLakesError) else found
        for scene, found in opened_apart(soundness, copies, limits)
    }


def _same_granule(one: Scene, other: Scene) -> bool:
    apart = abs((one.acquired - other.acquired).total_seconds())
    return (
        one.sensor == other.sensor
        and one.provenance["granule"] == other.provenance["granule"]
        and apart < _SAME_GRANULE_S
        and not _are_parts(one, other)
    )


def _are_parts(one: Scene, other: Scene) -> bool:
    """Tell whether two images of one tile and time are of two data strips, each with a part of it.

    Processings of one image show the same ground.
    """
    strips = {scene.provenance.get("datastrip") for scene in (one, other)}
    if len(strips) == 2 and all(strips):
        return True
    if strips in ({None}, {""}) or one.grid != other.grid or one.level != other.level:
        return False
    try:
        seen = [_seen(scene) for scene in (one, other)]
    except GlacialLakesError:
        return False  # mapping tells what is wrong with it
    if seen[0].shape != seen[1].shape:
        return False
    least = _LEAST_PART * seen[0].size
    return bool((seen[0] & ~seen[1]).sum() > least and (seen[1] & ~seen[0]).sum() > least)


def _seen(scene: Scene) -> NDArray[np.bool_]:
    """Return a thinned copy of where a scene has data."""
    band = scene.bands["green"]
    return ~is_nodata(band, read_thinned(band))
