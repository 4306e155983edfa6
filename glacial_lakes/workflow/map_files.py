"""Single scenes → one file of outlines, without identities: what ``glacial-lakes map`` does."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd
import pandas as pd
import pyogrio

from glacial_lakes import schema
from glacial_lakes.errors import (
    N_,
    ConfigError,
    GlacialLakesError,
    InputError,
    Message,
    MissingFileError,
    OutputError,
    ResourceError,
    UnsafeInputError,
)
from glacial_lakes.events import (
    DemNotGiven,
    InputOdd,
    Listener,
    SceneMapped,
    SceneOdd,
    SceneRefused,
    StageStarted,
    collecting,
    ignore,
)
from glacial_lakes.io import geopackage, shapefile
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.vector import Places
from glacial_lakes.io.writing import written
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.mapping.reach import check_reach, extent_of
from glacial_lakes.mapping.relief_fit import ReliefFit
from glacial_lakes.measures.meridian import in_degrees
from glacial_lakes.places import PathLike, file_of, keep_apart, listed, refuse_addresses
from glacial_lakes.runtime import machine
from glacial_lakes.runtime.processes import in_turn
from glacial_lakes.scenes import discover, find_products, verify
from glacial_lakes.scenes.dem import Dem, examine, files_of, name_of
from glacial_lakes.scenes.plausibility import Plausibility, assess, require_plausible
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.settings import AreaSettings, LimitSettings
from glacial_lakes.workflow.compiling import compile_ahead
from glacial_lakes.workflow.read_ahead import read_ahead, vector_readers
from glacial_lakes.workflow.scene_tasks import MEMORY_SHARE, UNFORESEEN

LAYER = "outlines"
_DEGREES = "EPSG:4326"

T = TypeVar("T")
Mapped = tuple[Plausibility, gpd.GeoDataFrame, float]
"""How likely a scene is what it seems, its outlines, and the seconds that they took."""


def map_scenes(
    paths: PathLike | Iterable[PathLike],
    out: Path | str,
    *,
    dem: Dem | None = None,
    glaciers: Places | None = None,
    aoi: Places | None = None,
    min_area_m2: float | None = None,
    limits: LimitSettings | None = None,
    on_event: Listener = ignore,
) -> gpd.GeoDataFrame:
    """Map scenes one after the other into one vector file.

    Parameters
    ----------
    paths : path-like or iterable of path-like
        Products, or folders of products.
    out : path-like
        ``.gpkg`` (layer ``outlines``), ``.shp``, ``.geojson`` or ``.fgb``; an old file is
        replaced.
    dem : path-like, rasterio dataset or xarray.DataArray, optional
        As for :func:`glacial_lakes.map_lakes`.
    glaciers, aoi : path-like, GeoDataFrame, GeoSeries, geometry or bounds, optional
        As for :func:`glacial_lakes.map_lakes`.
    min_area_m2 : float, optional
        Smallest lake.
    limits : LimitSettings, optional
        With them scenes are opened and mapped in a process of their own, where one that crashes,
        hangs or eats the memory costs only itself.
    on_event : callable, optional
        Called with messages of :mod:`glacial_lakes.events`; scenes that are refused are told
        here.

    Returns
    -------
    geopandas.GeoDataFrame
        Outlines of all scenes with the columns of :data:`glacial_lakes.schema.MAPPED`: in the
        CRS of the scenes where they share one, else (and in GeoJSON) in EPSG:4326.

    Raises
    ------
    ConfigError
        When the ending of ``out`` names no known format, or it would come over an input or over
        something that is no older result.
    InputError
        When no scene could be used; nothing is written.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> outlines = gl.map_scenes(
    ...     ["sample_data/scenes/LT05_L2SP_151030_20030817_20200904_02_T1"],
    ...     "outlines.gpkg",
    ...     dem="sample_data/dem.tif",
    ... )
    >>> outlines["sensor"].unique().tolist()
    ['LT05']
    """
    refuse_addresses(out)
    out = Path(out).absolute()
    if out.suffix.lower() not in WRITERS:
        raise ConfigError(
            out, "its ending names no format", "use any of {writers}", writers=list(WRITERS)
        )
    vectors = [Path(path) for path in (glaciers, aoi) if isinstance(path, Path | str)]
    others = [*files_of(dem), *vectors]
    for path in others:
        if not file_of(path).exists():
            raise MissingFileError(path, "does not exist", "check the path")
    paths = listed(paths)
    keep_apart([out], [*find_products(paths), *others])
    refused: list[SceneRefused] = []
    listen = collecting(SceneRefused, refused, on_event)
    readers = vector_readers(aoi=aoi, glaciers=glaciers)
    if isinstance(dem, Path | str):
        readers[Path(dem)] = functools.partial(examine, dem)
    with read_ahead(readers, limits):
        scenes = discover(paths, listen, limits=limits)
    if dem is None:
        on_event(DemNotGiven())
    elif reason := examine(dem):
        on_event(InputOdd(name_of(dem) or "dem", reason))
    check_reach(
        [extent_of(scene.grid) for scene in scenes],
        aoi=aoi,
        glaciers=glaciers,
        buffer_m=AreaSettings().glacier_buffer_m,
    )
    compile_ahead(on_event)
    on_event(StageStarted("map", len(scenes)))
    given = {"dem": dem, "glaciers": glaciers, "aoi": aoi, "min_area_m2": min_area_m2}
    call = functools.partial(_map, given)
    tables = []
    for scene, mapped in zip(scenes, outcomes(call, scenes, limits), strict=True):
        if isinstance(mapped, OutputError):  # no fault of the scene
            raise mapped
        if isinstance(mapped, Exception):
            listen(SceneRefused(scene.path, reason_of(mapped, scene.path)))
            continue
        found, outlines, seconds = mapped
        if found.verdict == "odd":
            on_event(SceneOdd(scene.id, scene.path, found.reason, is_used=True))
        tables.append(outlines)
        on_event(SceneMapped(scene.id, len(outlines), seconds))
    if not tables:
        only = refused[0].path if len(refused) == 1 else None
        raise InputError(only, "no scene could be used", "see the reasons above")
    on_event(StageStarted("export", 1))
    return _write(tables, out)


def _map(given: Mapping[str, Any], scene: Scene) -> Mapped:
    """Map one scene; also what a process apart from this one does."""
    started = time.monotonic()
    verify(scene)
    found = assess(scene)
    require_plausible(scene, found)
    fit = None if given["dem"] is None else ReliefFit(scene, given["dem"])
    mapped = map_lakes(scene, **given, look=None if fit is None else fit.add)
    fault = None if fit is None else fit.fault()
    if fault is not None and found.verdict == "plausible":
        found = replace(found, verdict="odd", reason=fault)
    outlines = schema.conform(mapped.outlines, schema.MAPPED)
    return found, outlines, time.monotonic() - started


def outcomes(
    call: Callable[[Scene], T], scenes: Sequence[Scene], limits: LimitSettings | None
) -> Iterator[T | Exception]:
    """Yield what a call returns of each scene, or the fault of the scene that it raised.

    Parameters
    ----------
    call : callable
        Takes a scene; picklable where there are limits.
    scenes : sequence of Scene
    limits : LimitSettings, optional
        With them the calls are made in a process of their own.
    """
    if limits is not None:
        most = limits.memory_bytes or int(machine.memory_bytes() * MEMORY_SHARE)
        yield from in_turn(call, scenes, seconds=limits.scene_s, memory_bytes=most)
        return
    for scene in scenes:
        try:
            yield call(scene)
        except (InputError, UnsafeInputError) as error:
            yield error


def reason_of(error: Exception, product: str) -> Message:
    """Return why a product could not be used, in one line that does not name it again."""
    if isinstance(error, GlacialLakesError):
        return error.line_beside(product)
    if isinstance(error, MemoryError):
        remedy = N_("allow more with limits.memory_gb")
        return ResourceError(None, "the memory does not suffice", remedy).line
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return InputError(None, what, UNFORESEEN).line


def _write(tables: list[gpd.GeoDataFrame], out: Path) -> gpd.GeoDataFrame:
    one_crs = all(table.crs == tables[0].crs for table in tables)
    crs = tables[0].crs if one_crs and out.suffix.lower() != ".geojson" else _DEGREES
    rows = [
        table.set_geometry(in_degrees(table.geometry)) if crs == _DEGREES else table.to_crs(crs)
        for table in tables
    ]
    filled = [table for table in rows if len(table)] or rows[:1]
    outlines = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=crs)
    WRITERS[out.suffix.lower()](outlines, out)
    return outlines


def _write_gpkg(outlines: gpd.GeoDataFrame, out: Path) -> None:
    geopackage.write_layers(out, {LAYER: outlines})


def _write_shapefile(outlines: gpd.GeoDataFrame, out: Path) -> None:
    shapefile.write_shapefile(outlines, out, schema.MAPPED)


def _write_by(driver: str) -> Callable[[gpd.GeoDataFrame, Path], None]:
    def write(outlines: gpd.GeoDataFrame, out: Path) -> None:
        with whole(out) as temporary, written(out):
            pyogrio.write_dataframe(outlines, temporary, layer=LAYER, driver=driver)

    return write


WRITERS: Mapping[str, Callable[[gpd.GeoDataFrame, Path], None]] = {
    ".gpkg": _write_gpkg,
    ".shp": _write_shapefile,
    ".geojson": _write_by("GeoJSON"),
    ".fgb": _write_by("FlatGeobuf"),
}
