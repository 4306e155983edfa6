"""Outlines against reference outlines: accuracy by size class, with intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, Message, VectorError, require, require_amount
from glacial_lakes.events import Listener, PartDone, StageStarted, ignore
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.marks import overwriting, refuse_foreign
from glacial_lakes.io.repair import repaired
from glacial_lakes.io.vector import read_vector
from glacial_lakes.measures import inner_lon_lat
from glacial_lakes.scenes import sensors
from glacial_lakes.schema import Status
from glacial_lakes.validation.accuracy import Accuracy, size_class
from glacial_lakes.validation.causes import causes_below
from glacial_lakes.validation.overlay import equal_area_frame, overlay
from glacial_lakes.validation.shores import DEFAULT_STEP_M, shore_offsets

MIN_OBSERVED = 0.5
"""Reference lakes of which the image shows less are neither hit nor miss."""
MAX_FROZEN = 0.5
"""Reference lakes of which more is under ice are neither hit nor miss."""
FAR_M = 10_000.0
"""A reference of which all lakes are farther from all outlines than this is of another place."""
PIXEL_COLUMNS = (C.PIXEL_M, "resolution_m")
"""Columns in which outlines may tell their pixel size."""
_SHORE_COLUMNS = ("shore_points", "shore_sum_m", "shore_sum_m2")


def validate(
    outlines: gpd.GeoDataFrame | gpd.GeoSeries,
    reference: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    min_area_m2: float = 0.0,
    pixel_m: float | None = None,
    causes: pd.Series | None = None,
    seed: int = 0,
) -> Accuracy:
    """Compare outlines of one date with reference outlines of the same date and area.

    All is measured in a Lambert azimuthal equal-area frame about the middle of the reference.

    Parameters
    ----------
    outlines : GeoDataFrame or GeoSeries of Polygon or MultiPolygon
        In any CRS; may be empty. Used where present, under the names of
        :data:`glacial_lakes.schema.MAPPED` or of the shapefiles: ``status`` (outlines that are not
        ``observed`` count as found, but not in area and shore errors; ``absent`` ones are left
        out), ``area_sigma_m2``, and the pixel size in ``pixel_m``, ``resolution_m`` or by
        ``sensor``.
    reference : GeoDataFrame or GeoSeries of Polygon or MultiPolygon
        In any CRS. Lakes with ``observed_fraction`` below :data:`MIN_OBSERVED` or
        ``frozen_fraction`` above :data:`MAX_FROZEN` are neither hit nor miss, where the reference
        has these columns; outlines that touch only such lakes are no false lakes.
    min_area_m2 : float
        Smaller reference lakes are neither hit nor miss; smaller outlines count only where they
        hit a lake.
    pixel_m : float, optional
        Pixel size of the outlines, instead of what they tell.
    causes : Series of str, optional
        What lies below each outline, with the index of the outlines; see
        :func:`glacial_lakes.validation.causes.causes_below`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Accuracy

    Raises
    ------
    VectorError
        When a CRS is missing, geometries are no polygons, or no reference lake counts.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import glacial_lakes as gl
    >>> from shapely import box
    >>> lakes = [box(0, 0, 300, 300), box(900, 0, 999, 99)]
    >>> reference = gpd.GeoDataFrame(geometry=lakes, crs=32643)
    >>> found = gl.validate(reference.iloc[:1], reference)
    >>> float(found.to_frame().loc["all", "recall"])
    0.5
    """
    require_amount(min_area_m2, "min_area_m2")
    given, lakes = _polygons(outlines, "outlines"), _polygons(reference, "reference")
    given = given[_column(given, schema.STATUS, Status.OBSERVED).to_numpy() != Status.ABSENT]
    if lakes.empty:
        raise VectorError(None, "the reference has no lakes", "name one that has")
    frame = equal_area_frame(lakes.geometry)
    shapes = given.geometry.to_crs(frame).to_numpy()
    lake_shapes = lakes.geometry.to_crs(frame).to_numpy()
    _check_meeting(shapes, lake_shapes)
    counted = _is_observable(lakes) & (shapely.area(lake_shapes) >= min_area_m2)
    if not counted.any():
        raise VectorError(
            None,
            "no lake of the reference is observed and large enough",
            "lower the smallest size, or name another date",
        )
    laid = overlay(shapes, lake_shapes, counted, min_area_m2)
    hit = counted & (laid.lake_outline >= 0)
    partner = laid.lake_outline[hit]

    table = _described(given, shapes)
    table = table.assign(
        counted=laid.outline_counted,
        hit=np.isin(np.arange(len(table)), partner),
        true=laid.outline_true,
        alone=laid.outline_alone,
        merges=laid.outline_merges,
        false_m2=laid.outline_false_m2,
        cause=pd.Series(index=given.index, dtype=object)
        if causes is None
        else causes.reindex(given.index),
    )
    result = _described(lakes, lake_shapes)
    missed_m2 = np.where(counted, result[C.AREA_M2] - laid.lake_true_m2, 0.0)
    result = result.assign(
        counted=counted,
        hit=hit,
        seen=laid.lake_seen,
        split=laid.lake_split,
        iou=np.where(hit, laid.lake_iou, np.nan),
        true_m2=laid.lake_true_m2,
        missed_m2=np.maximum(missed_m2, 0.0),
        outline=_at(hit, given.index[partner].astype(object), None),
        outline_false_m2=_at(hit, laid.outline_false_m2[partner], 0.0),
    )
    pairs = dict(zip(np.flatnonzero(hit).tolist(), partner.tolist(), strict=True))
    differences = _differences(given, _pixels(given, pixel_m), shapes, lake_shapes, pairs)
    result = result.assign(**differences)
    # An outline stands in the class of the lake that it hits: its own area may be wrong.
    classes = table["size_class"].to_numpy(dtype=object, copy=True)
    classes[partner] = result.loc[hit, "size_class"]
    return Accuracy(result, table.assign(size_class=classes), float(min_area_m2), seed)


def _check_meeting(shapes: Any, lakes: Any) -> None:
    """Refuse a reference of another place: all outlines would be false, and all lakes missed."""
    known = shapes[np.isfinite(shapely.bounds(shapes)).all(axis=1)]
    if not len(shapes):
        return
    nearest = shapely.STRtree(lakes).query_nearest(known, return_distance=True)[1]
    if not len(nearest) or nearest.min() > FAR_M:
        raise VectorError(
            None,
            "lies {distance:.0f} km away from all outlines",
            "correct the CRS or the coordinates, or name a reference of the same area",
            distance=float(nearest.min()) / 1000 if len(nearest) else math.inf,
        )


def validate_files(
    outlines: Path | str,
    reference: Path | str,
    *,
    layer: str | None = None,
    reference_layer: str | None = None,
    date: str | None = None,
    causes: Path | str | None = None,
    min_area_m2: float = 0.0,
    pixel_m: float | None = None,
    on_event: Listener = ignore,
) -> Accuracy:
    """Compare two vector files; see :func:`validate`.

    Parameters
    ----------
    outlines, reference : path-like
        Any vector files with polygons.
    layer, reference_layer : str, optional
        Needed only where a file has several spatial layers.
    date : str, optional
        ``YYYY-MM-DD``: only outlines of this day (UTC); needed where the outlines have several.
    causes : path-like, optional
        Map of causes; see :func:`glacial_lakes.validation.causes.causes_below`.
    min_area_m2, pixel_m : float
        As for :func:`validate`.
    on_event : callable, optional
        Called with messages of :mod:`glacial_lakes.events` as the files are read.

    Raises
    ------
    InputError
        When a file cannot be used.
    """
    on_event(StageStarted("read", 2))
    given = _of_date(read_vector(outlines, layer), date, Path(outlines).absolute())
    on_event(PartDone("read", Path(outlines).name))
    lakes = read_vector(reference, reference_layer)
    on_event(PartDone("read", Path(reference).name))
    for table, path in ((given, outlines), (lakes, reference)):
        if not _areal(table).all():
            what = N_("has geometries that are no polygons")
            raise VectorError(Path(path).absolute(), what, "leave them out")
    found = None if causes is None else causes_below(given.geometry, causes)
    on_event(StageStarted("compare", 1))
    try:
        return validate(given, lakes, min_area_m2=min_area_m2, pixel_m=pixel_m, causes=found)
    except VectorError as error:  # of the reference: the outlines may be empty
        raise VectorError(Path(reference).absolute(), error.what, error.remedy) from error


def write_accuracy(accuracy: Accuracy, path: Path | str, language: str = "en") -> list[Path]:
    """Write an accuracy as strict JSON, and its figure beside it.

    Parameters
    ----------
    accuracy : Accuracy
        The result of :func:`validate`.
    path : path-like
        The JSON file; the figure has the same name and the ending ``.png``.
    language : {"en", "ru"}
        Language of the figure.

    Returns
    -------
    list of pathlib.Path
        Both files.

    Raises
    ------
    OutputError
        When a file cannot be written.
    ForeignFileError
        When something that is no older result stands in the place of one.
    """
    target = Path(path).absolute()
    picture = target.with_suffix(".png")
    text = json.dumps(accuracy.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    with whole(target) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8", newline="\n")
        refuse_foreign(temporary, target)
        known = [picture] if target.exists() else []  # an older figure lies beside older numbers
        with overwriting(known), whole(picture) as drawn:
            accuracy.plot(language).savefig(drawn, dpi=150)
    return [target, picture]


_NO_CRS = {
    "outlines": N_("the outlines have no CRS"),
    "reference": N_("the reference have no CRS"),
}
_NO_POLYGONS = {
    "outlines": N_("the outlines have geometries that are no polygons"),
    "reference": N_("the reference have geometries that are no polygons"),
}


def _polygons(table: gpd.GeoDataFrame | gpd.GeoSeries, name: str) -> gpd.GeoDataFrame:
    """Return the rows with a valid polygon, in an order that does not depend on theirs."""
    if isinstance(table, gpd.GeoSeries):
        table = table.to_frame("geometry")
    remedy = N_("give a GeoDataFrame, e.g. MappedScene.outlines or what geopandas reads")
    require(table, gpd.GeoDataFrame, name, remedy)
    if table.crs is None:
        raise VectorError(None, _NO_CRS[name], "give them one, e.g. with set_crs")
    rows = table[~(table.geometry.is_empty | table.geometry.isna())]
    flat = rows.geometry.force_2d()
    rows = rows.set_geometry(gpd.GeoSeries(repaired(flat), index=rows.index, crs=rows.crs))
    if not _areal(rows).all():
        raise VectorError(None, _NO_POLYGONS[name], "leave them out")
    written = shapely.to_wkb(shapely.normalize(rows.geometry.to_numpy()))
    return rows.iloc[sorted(range(len(rows)), key=written.__getitem__)]


def _areal(table: gpd.GeoDataFrame) -> pd.Series:
    types: pd.Series = table.geom_type.isin(["Polygon", "MultiPolygon"])
    return types


def _of_date(table: gpd.GeoDataFrame, date: str | None, path: Path) -> gpd.GeoDataFrame:
    """Return the outlines of a day: those of several dates lie on top of each other."""
    days = pd.to_datetime(_column(table, schema.ACQUIRED, None), utc=True, errors="coerce")
    names = days.dt.strftime("%Y-%m-%d")
    known = sorted(names.dropna().unique())
    if date is not None and date not in known:
        remedy = Message("use one of {known}", known=known) if known else N_("leave the date out")
        raise VectorError(path, "has no outlines of {date}", remedy, date=date)
    if date is None and len(known) > 1:
        what = Message(
            "has outlines of {count} date, {first} to {last}",
            "has outlines of {count} dates, {first} to {last}",
            count=len(known),
            first=known[0],
            last=known[-1],
        )
        raise VectorError(path, what, "name one of them")
    return table if date is None else table[names == date]


def _column(table: pd.DataFrame, column: schema.Column, default: Any) -> pd.Series:
    """Return a column under its name or that of the shapefiles, the default where it is missing."""
    for name in (column.name, column.shapefile):
        if name in table:
            values: pd.Series = table[name]
            return values
    return pd.Series(default, index=table.index, dtype=object)


def _is_observable(lakes: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    seen = pd.to_numeric(_column(lakes, schema.OBSERVED_FRACTION, 1.0)).fillna(1.0)
    frozen = lakes["frozen_fraction"].fillna(0.0) if "frozen_fraction" in lakes else 0.0
    return ((seen >= MIN_OBSERVED) & (frozen <= MAX_FROZEN)).to_numpy(dtype=bool)


def _described(table: gpd.GeoDataFrame, shapes: npt.NDArray[np.object_]) -> pd.DataFrame:
    area_m2 = pd.Series(shapely.area(shapes), index=table.index, dtype=float)
    return inner_lon_lat(table.geometry).assign(
        size_class=size_class(area_m2), **{C.AREA_M2: area_m2}
    )


def _pixels(outlines: gpd.GeoDataFrame, pixel_m: float | None) -> npt.NDArray[np.float64]:
    if pixel_m is not None:
        return np.full(len(outlines), float(pixel_m))
    for name in PIXEL_COLUMNS:
        if name in outlines:
            sizes = pd.to_numeric(outlines[name], errors="coerce")
            return np.asarray(sizes.where(sizes > 0), dtype=np.float64)
    return np.asarray(sensors.pixel_m(_column(outlines, schema.SENSOR, "")), dtype=np.float64)


def _at(
    places: npt.NDArray[np.bool_], values: npt.ArrayLike, elsewhere: object
) -> npt.NDArray[Any]:
    spread = np.full(len(places), elsewhere)
    spread[places] = values
    return spread


def _differences(
    outlines: gpd.GeoDataFrame,
    pixels_m: npt.NDArray[np.float64],
    shapes: npt.NDArray[np.object_],
    lake_shapes: npt.NDArray[np.object_],
    pairs: Mapping[int, int],
) -> dict[str, npt.NDArray[np.float64]]:
    """Return what lakes and the outlines that hit them differ by, aligned with the lakes."""
    status = _column(outlines, schema.STATUS, Status.OBSERVED)
    states_area = (status.isna() | (status == Status.OBSERVED)).to_numpy(dtype=bool)
    sigmas = pd.to_numeric(_column(outlines, schema.AREA_SIGMA, np.nan), errors="coerce")
    sigmas_m2 = sigmas.to_numpy(dtype=float)
    names = ("outline_area_m2", "area_error", C.AREA_SIGMA_M2, C.PIXEL_M)
    values = dict.fromkeys(names, np.nan) | dict.fromkeys(_SHORE_COLUMNS, 0.0)
    columns: dict[str, npt.NDArray[np.float64]] = {
        name: np.repeat(value, len(lake_shapes)) for name, value in values.items()
    }
    for lake, outline in pairs.items():
        if not states_area[outline]:
            continue
        pixel_m = pixels_m[outline]
        step_m = pixel_m / 2 if pixel_m > 0 else DEFAULT_STEP_M
        offsets = shore_offsets(shapes[outline], lake_shapes[lake], step_m)
        found = (
            shapes[outline].area,
            shapes[outline].area / lake_shapes[lake].area - 1,
            sigmas_m2[outline],
            pixel_m,
            *offsets,
        )
        for name, value in zip(columns, found, strict=True):
            columns[name][lake] = value
    return columns
