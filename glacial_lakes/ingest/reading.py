"""A vector file of lakes that was not made here, as outline tables that tracking takes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.coverage import DrawnCoverage
from glacial_lakes.errors import InputError, Message, VectorError
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.ingest.dates import ROUGH, Day, Image, day_in_name, day_of, image_of
from glacial_lakes.ingest.fields import UNITS, area_unit, recognise
from glacial_lakes.io.vector import read_vector
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.measures import geodesic_area_perimeter, hanshaw_bookhagen_error
from glacial_lakes.scenes import sensors
from glacial_lakes.schema import Status
from glacial_lakes.tracking.epochs import shared_areas

logger = logging.getLogger(__name__)

SAME_OUTLINE = 0.9
"""Intersection over union from which two outlines of one date are one, drawn twice."""
_REDRAWN = 0.5
"""Share of an outline, and of the outlines of a day, that lies on ground drawn before: from there
on a file holds a new survey of the same lakes."""
_LEAST_NUMBER = -500.0
"""Smaller numbers, such as -9999, stand for no value; no lake lies below the Dead Sea."""
_DAM_CLASS = r"[A-Z](\([A-Za-z]+\))?"
_READ = (
    schema.LAKE_ID,
    schema.AREA_SIGMA,
    schema.PIXEL,
    *(column for column in schema.OUTLINES if column.taken_over),
)
_POLYGONS = (3, 6)


def read_older(
    path: Path | str,
    *,
    fields: Mapping[str, str] | None = None,
    date: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
) -> list[MappedScene]:
    """Read older outlines as scenes for :func:`glacial_lakes.track`.

    A scene is a survey: outlines drawn on images of some days or years, in which no lake is drawn
    twice. A file with several surveys gives one scene each. The date of an outline is that of the
    date field, else that of the Landsat or Sentinel-2 scene that the row names, else that in the
    name of the file; a year or month stands for its middle, and ``quality`` says so. Areas and
    perimeters are those of the geometry on the ellipsoid, not of the file's fields. The standard
    deviation of the area is the file's error, in the unit that its areas have, else that of
    Hanshaw & Bookhagen (2014) where the sensor tells the pixel, else missing. A field ``Type`` is
    the type of the lake unless it holds the dam classes of ICIMOD.

    Parameters
    ----------
    path : path-like
        A shapefile, GeoPackage, GeoJSON or other vector file with polygons and a CRS.
    fields : mapping of str to str, optional
        Our column to the file's field, where :data:`glacial_lakes.ingest.fields.NAMES` does not
        know it.
    date : str, optional
        Day, month or year of all outlines; goes before what the file tells.
    layer : str, optional
        Layer, where the file has several.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it, e.g. ``"CP1251"``.

    Returns
    -------
    list of MappedScene
        Outlines with :data:`glacial_lakes.schema.MAPPED` and further columns of
        :data:`glacial_lakes.schema.OUTLINES`, in the file's CRS; the file's own codes in
        ``lake_id``. The observation mask is a :class:`~glacial_lakes.coverage.DrawnCoverage`.

    Raises
    ------
    VectorError
        When it has no polygons, no CRS, no date, dates that cannot be read, coordinates beyond
        its CRS, or not the fields named.
    InputError
        When the file cannot be read; see :func:`glacial_lakes.io.vector.read_vector`.
    """
    path = Path(path)
    frame = _polygons(read_vector(path, layer, encoding), path)
    named = recognise(path, frame.columns, fields)
    if C.DAM_TYPE not in (fields or {}):
        named = _by_content(named, frame)
    days = dates(frame, named, path, date)
    if undated := int(days["time"].isna().sum()):
        logger.warning(
            Message(
                "{path}: {count} outline without a date left out",
                "{path}: {count} outlines without a date left out",
                path=path,
                count=undated,
            )
        )
    table = _described(frame, named, days)[days["time"].notna()]
    return [_survey(rows, path, several) for rows, several in _surveys(table)]


def dates(
    frame: gpd.GeoDataFrame, named: Mapping[str, str], path: Path, date: str | None = None
) -> pd.DataFrame:
    """Return when each outline was drawn.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        The file.
    named : mapping of str to str
        Which field is which.
    path : pathlib.Path
        Its name may tell the date.
    date : str, optional
        Date of all outlines.

    Returns
    -------
    pandas.DataFrame
        ``time`` (UTC, NaT where it is not told), ``precision`` and ``sensor`` (of the image,
        where a row names one), same index.

    Raises
    ------
    VectorError
        When no outline has a date, or a date cannot be read.
    """
    count = len(frame)
    images: list[Image | None] = [None] * count
    if C.SOURCE_IMAGE in named:
        images = [image_of(text) for text in frame[named[C.SOURCE_IMAGE]]]
    days: list[Day | None] = [None] * count
    if date is not None:
        days = [_given(date)] * count
    elif C.ACQUIRED in named:
        days = _read(frame[named[C.ACQUIRED]], path)
    elif {"start_date", "end_date"} <= named.keys():
        days = _middle(frame, named, path)
    days = [
        day or (Day(image.time, "day") if image else None)
        for day, image in zip(days, images, strict=True)
    ]
    if any(day is None for day in days):
        told = _of_name(path)
        days = [day or told for day in days]
    if all(day is None for day in days):
        raise VectorError(
            path,
            "does not tell the date of its outlines",
            "name the field with --field acquired=FIELD, or the date with --date",
        )
    times = [day.time if day else pd.NaT for day in days]
    return pd.DataFrame(
        {
            "time": pd.to_datetime(pd.Series(times, index=frame.index), utc=True),
            "precision": [day.precision if day else None for day in days],
            C.SENSOR: [image.sensor if image else None for image in images],
        },
        index=frame.index,
        dtype="object",
    ).astype({"time": "datetime64[ms, UTC]"})


def _given(date: str) -> Day:
    try:
        day = day_of(date)
    except ValueError:
        day = None
    if day is None:
        raise InputError(
            None, "{date} is no date", "write it as 2015-08-01, 2015-08 or 2015", date=date
        )
    return day


def _read(values: pd.Series, path: Path) -> list[Day | None]:
    try:
        return [day_of(value) for value in values]
    except ValueError as error:
        raise VectorError(
            path,
            "field {field} has a date that cannot be read: {error}",
            "write dates as 2015-08-01, or name another field or the date",
            field=str(values.name),
            error=error,
        ) from None


def _middle(frame: gpd.GeoDataFrame, named: Mapping[str, str], path: Path) -> list[Day | None]:
    first, last = (_read(frame[named[name]], path) for name in ("start_date", "end_date"))
    return [
        Day((one.time + (other.time - one.time) / 2).floor("D"), "month") if one and other else None
        for one, other in zip(first, last, strict=True)
    ]


def _of_name(path: Path) -> Day | None:
    try:
        return day_in_name(path.stem)
    except ValueError as error:
        raise VectorError(
            path,
            "its name tells several dates: {error}",
            "name the right one with --date",
            error=error,
        ) from None


def _polygons(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    areal = np.isin(shapely.get_type_id(frame.geometry.to_numpy()), _POLYGONS)
    if not areal.any():
        raise VectorError(path, "has no polygons", "give the outlines of the lakes")
    if not areal.all():
        logger.warning(
            Message(
                "{path}: {count} feature that is no polygon left out",
                "{path}: {count} features that are no polygons left out",
                path=path,
                count=int((~areal).sum()),
            )
        )
    frame = frame[areal].reset_index(drop=True)
    west, south, east, north = frame.geometry.to_crs(4326).total_bounds
    if not (-180.1 <= west <= east <= 180.1 and -90.1 <= south <= north <= 90.1):
        raise VectorError(
            path, "has coordinates that its CRS does not know", "give it the right CRS"
        )
    return frame


def _by_content(named: dict[str, str], frame: gpd.GeoDataFrame) -> dict[str, str]:
    """Take a field ``Type`` without the dam classes of ICIMOD for the type of the lake."""
    field = named.get(C.DAM_TYPE, "")
    if field.lower() != "type" or C.LAKE_TYPE in named:
        return named
    texts = texts_of(frame[field]).dropna()
    if texts.str.fullmatch(_DAM_CLASS).mean() >= _REDRAWN:
        return named
    return {C.LAKE_TYPE if ours == C.DAM_TYPE else ours: name for ours, name in named.items()}


def _described(
    frame: gpd.GeoDataFrame, named: Mapping[str, str], days: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Return the outlines with our columns."""
    told: dict[str, Any] = {}
    missing = pd.Series(None, frame.index, dtype=object)
    for column in _READ:
        values = frame[named[column.name]] if column.name in named else missing
        told[column.name] = _numbers(values) if column.type == "real" else texts_of(values)
    table = gpd.GeoDataFrame(told, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    size = geodesic_area_perimeter(table.geometry)
    table[C.AREA_M2], table[C.PERIMETER_M] = size[C.AREA_M2], size[C.PERIMETER_M]
    if "area" in named and C.AREA_SIGMA_M2 in named:  # errors are in the unit of the areas
        unit = area_unit(_numbers(frame[named["area"]]), table[C.AREA_M2])
        table[C.AREA_SIGMA_M2] *= UNITS[unit or "m2"]
    shown = table[C.STATUS].isin(set(Status) - {Status.ABSENT})
    table[C.STATUS] = table[C.STATUS].where(shown, Status.OBSERVED)
    table[C.ACQUIRED] = days["time"]
    told_sensor = texts_of(frame[named[C.SENSOR]]) if C.SENSOR in named else days[C.SENSOR]
    table[C.SENSOR] = told_sensor.fillna(days[C.SENSOR])
    known = table[C.PIXEL_M].where(table[C.PIXEL_M] > 0)
    table[C.PIXEL_M] = known.fillna(sensors.pixel_m(table[C.SENSOR]))
    table[C.AREA_ERR_HB_M2] = hanshaw_bookhagen_error(table[C.PERIMETER_M], table[C.PIXEL_M])
    table[C.AREA_SIGMA_M2] = table[C.AREA_SIGMA_M2].where(table[C.AREA_SIGMA_M2] > 0)
    table[C.AREA_SIGMA_M2] = table[C.AREA_SIGMA_M2].fillna(table[C.AREA_ERR_HB_M2])
    table[C.QUALITY] = table[C.QUALITY].fillna(days["precision"].map(ROUGH)).astype("object")
    table[C.QUALITY] = table[C.QUALITY].where(table[C.QUALITY].notna(), None)
    return table[table[C.AREA_M2] > 0]


def texts_of(values: pd.Series) -> pd.Series:
    """Return a field's texts; None where there is none."""
    return pd.Series([text_of(value) for value in values], index=values.index, dtype="object")


def text_of(value: Any) -> str | None:
    """Return a field's text without blanks around it, None where there is none."""
    if value is None or pd.isna(value):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None


def _numbers(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers) & (numbers > _LEAST_NUMBER))


def _surveys(table: gpd.GeoDataFrame) -> list[tuple[gpd.GeoDataFrame, bool]]:
    """Cut a file where the outlines of a day lie on ground that was drawn before."""
    ground = table.geometry.to_crs(EQUAL_AREA)
    day = table[C.ACQUIRED].dt.floor("D")
    surveys: list[list[Any]] = []
    for _, rows in table.groupby(day, sort=True):
        here = ground[rows.index].to_numpy()
        before = ground[surveys[-1]].to_numpy() if surveys else here[:0]
        _, outline, shared = _overlaps(before, here)
        covered = np.bincount(outline, weights=shared, minlength=len(here))
        again = covered >= _REDRAWN * shapely.area(here)
        if surveys and again.mean() < _REDRAWN:
            surveys[-1].extend(rows.index)
        else:
            surveys.append(list(rows.index))
    return [(table.loc[sorted(rows)], len(surveys) > 1) for rows in surveys]


def _overlaps(one: Any, other: Any) -> tuple[Any, Any, Any]:
    outline, place, shared = shared_areas(shapely.STRtree(one), other)
    return place, outline, shared


def _survey(rows: gpd.GeoDataFrame, path: Path, several: bool) -> MappedScene:
    rows = _once(rows, path).reset_index(drop=True)
    times = rows[C.ACQUIRED].sort_values(ignore_index=True)
    sensors = sorted({str(name) for name in rows[C.SENSOR].dropna()})
    pixels = rows[C.PIXEL_M].dropna()
    ground = rows.geometry.to_crs(EQUAL_AREA).to_numpy()
    told = {"resolution_m": float(pixels.max())} if len(pixels) else {}
    coverage = DrawnCoverage(
        scene_id=f"{path.stem}_{times[0]:%Y-%m-%d}" if several else path.stem,
        acquired=times[(len(times) - 1) // 2].to_pydatetime(),
        sensor="+".join(sensors),
        extent=shapely.convex_hull(shapely.union_all(ground)),
        **told,
    )
    return MappedScene(rows.drop(columns=C.SENSOR), coverage)


def _once(rows: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    """Leave out outlines that are drawn twice."""
    ground = rows.geometry.to_crs(EQUAL_AREA).to_numpy()
    one, other, shared = _overlaps(ground, ground)
    union = shapely.area(ground)[one] + shapely.area(ground)[other] - shared
    again = np.unique(other[(one < other) & (shared >= SAME_OUTLINE * union)])
    if len(again):
        logger.warning(
            Message(
                "{path}: {count} outline that is drawn twice left out",
                "{path}: {count} outlines that are drawn twice left out",
                path=path,
                count=len(again),
            )
        )
    return rows.drop(index=rows.index[again])
