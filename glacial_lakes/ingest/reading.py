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
from glacial_lakes.errors import N_, InputError, Message, VectorError, shown
from glacial_lakes.events import InputOdd, Listener, RowsLeftOut
from glacial_lakes.ingest.dates import (
    ROUGH,
    Day,
    Image,
    day_in_name,
    day_of,
    excel_day,
    image_of,
    puts_month_first,
)
from glacial_lakes.ingest.fields import (
    ID_FORM,
    SHARE,
    area_unit,
    errors_m2,
    numbers_in,
    recognise,
    unit_in_name,
)
from glacial_lakes.io.numbers import numbers_of
from glacial_lakes.io.vector import logged, read_rows, row_numbers
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.measures import geodesic_area_perimeter, hanshaw_bookhagen_error
from glacial_lakes.measures.meridian import in_degrees, in_equal_area
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
_MOST_DEG = np.array([180.0, 90.0, 180.0, 90.0])
_DAM_CLASS = r"[A-Z](\([A-Za-z]+\))?"
_READ = (
    schema.LAKE_ID,
    schema.AREA_SIGMA,
    schema.PIXEL,
    *(column for column in schema.OUTLINES if column.taken_over),
)
_POLYGONS = (3, 6)
_EXAMPLES = 3


def read_outlines(
    path: Path | str,
    *,
    fields: Mapping[str, str] | None = None,
    date: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    on_event: Listener = logged,
) -> list[MappedScene]:
    """Read older outlines as scenes for :func:`glacial_lakes.track`.

    A scene is a survey: outlines drawn on images of some days or years, in which no lake is drawn
    twice. A file with several surveys gives one scene each. The date of an outline is that of the
    date field, else that of the Landsat or Sentinel-2 scene that the row names, else that in the
    name of the file; a year or month stands for its middle, and ``quality`` says so. Areas and
    perimeters are those of the geometry on the ellipsoid, not of the file's fields. The standard
    deviation of the area is the file's error, in the unit that the field tells or that its areas
    have, else that of Hanshaw & Bookhagen (2014) where the sensor tells the pixel, else missing.
    A field ``Type`` is
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
    on_event : callable, optional
        Called with :class:`~glacial_lakes.events.RowsLeftOut` for rows that cannot be used, and
        with :class:`~glacial_lakes.events.InputOdd` for what was not understood; without it they
        are warnings in the log.

    Returns
    -------
    list of MappedScene
        Outlines with :data:`glacial_lakes.schema.MAPPED` and further columns of
        :data:`glacial_lakes.schema.OUTLINES`, in the file's CRS; the file's own codes in
        ``lake_id``. The observation mask is a :class:`~glacial_lakes.coverage.DrawnCoverage`.

    Raises
    ------
    VectorError
        When it has no polygons, no CRS, no date that can be read, coordinates beyond its CRS, or
        not the fields named.
    InputError
        When the file cannot be read; see :func:`glacial_lakes.io.vector.read_vector`.
    """
    path = Path(path)
    frame = read_rows(path, layer, encoding, on_event, local_times=True)
    frame = _polygons(frame, path, on_event)
    named = recognise(path, frame.columns, fields)
    if C.DAM_TYPE not in (fields or {}):
        named = _by_content(named, frame)
    days = dates(frame, named, path, date)
    _tell_dates(days, path, on_event)
    table = _described(frame, named, days, path, on_event)
    table = table[days["time"][table.index].notna()]
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
        ``time`` (UTC, NaT where it is not told), ``precision``, ``sensor`` (of the image, where a
        row names one) and ``unread`` (the text of a date that cannot be read), same index.

    Raises
    ------
    VectorError
        When no outline has a date, or no date of its field can be read.
    """
    count = len(frame)
    images: list[Image | None] = [None] * count
    if C.SOURCE_IMAGE in named:
        images = [image_of(text) for text in frame[named[C.SOURCE_IMAGE]]]
    days: list[Day | None] = [None] * count
    unread: list[str | None] = [None] * count
    if date is not None:
        days = [_given(date)] * count
    elif C.ACQUIRED in named:
        days, unread = _read(frame[named[C.ACQUIRED]], path)
    elif {"start_date", "end_date"} <= named.keys():
        days, unread = _middle(frame, named, path)
    days = [
        day or (Day(image.time, "day") if image else None)
        for day, image in zip(days, images, strict=True)
    ]
    if date is None and "year" in named and any(day is None for day in days):
        years, _ = _read(frame[named["year"]], path)
        days = [day or year for day, year in zip(days, years, strict=True)]
    unread = [None if day else text for day, text in zip(days, unread, strict=True)]
    if any(day is None and text is None for day, text in zip(days, unread, strict=True)):
        file_day = _of_name(path)
        days = [day or (None if text else file_day) for day, text in zip(days, unread, strict=True)]
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
            "unread": unread,
        },
        index=frame.index,
        dtype="object",
    ).astype({"time": "datetime64[ms, UTC]"})


def _tell_dates(days: pd.DataFrame, path: Path, on_event: Listener) -> None:
    undated = days["time"].isna()
    if undated.any():
        what = Message(
            "rows without a date left out: {rows}", rows=row_numbers(undated, days.index)
        )
        texts = sorted(set(days["unread"].dropna()))[:_EXAMPLES]
        if texts:
            what = Message("{what}; not understood: {texts}", what=what, texts=texts)
        on_event(RowsLeftOut(str(path), what, int(undated.sum())))
    future = in_future(days["time"])
    if future.any():
        on_event(
            InputOdd(
                str(path),
                Message("dates in the future: {rows}", rows=row_numbers(future, days.index)),
            )
        )


def in_future(times: pd.Series) -> pd.Series:
    """Return which times are later than tomorrow, wherever on Earth."""
    later: pd.Series = times > pd.Timestamp.now("UTC") + pd.Timedelta(days=1)
    return later


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


def _read(values: pd.Series, path: Path) -> tuple[list[Day | None], list[str | None]]:
    """Return the dates of a field, and the texts of those that cannot be read."""
    month_first = puts_month_first(values)
    days: list[Day | None] = []
    unread: list[str | None] = []
    for value in values:
        try:
            day, text = day_of(value, month_first=month_first), None
        except ValueError as error:
            day, text = None, str(error)
        days.append(day)
        unread.append(text)
    first = next((text for text in unread if text is not None), None)
    if first is None or any(day is not None for day in days):
        return days, unread
    counted = excel_day(first)
    what = N_("field {field} has a date that cannot be read: {error}")
    if counted is not None:
        what = N_(
            "field {field} has a number for a date: {error}, which is {day} if it counts "
            "days since 1900"
        )
    raise VectorError(
        path,
        what,
        "write dates as 2015-08-01, or name another field or the date",
        field=str(values.name),
        error=first,
        **({} if counted is None else {"day": Message.of_day(counted)}),
    )


def _middle(
    frame: gpd.GeoDataFrame, named: Mapping[str, str], path: Path
) -> tuple[list[Day | None], list[str | None]]:
    first, last = (_read(frame[named[name]], path) for name in ("start_date", "end_date"))
    days = [
        Day((one.time + (other.time - one.time) / 2).floor("D"), "month") if one and other else None
        for one, other in zip(first[0], last[0], strict=True)
    ]
    unread = [one or other for one, other in zip(first[1], last[1], strict=True)]
    return days, unread


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


def _polygons(frame: gpd.GeoDataFrame, path: Path, on_event: Listener) -> gpd.GeoDataFrame:
    areal = np.isin(shapely.get_type_id(frame.geometry.to_numpy()), _POLYGONS)
    if not areal.any():
        raise VectorError(path, "has no polygons", "give the outlines of the lakes")
    if not areal.all():
        what = Message(
            "rows that are no polygons left out: {rows}", rows=row_numbers(~areal, frame.index)
        )
        on_event(RowsLeftOut(str(path), what, int((~areal).sum())))
    frame = frame[areal]
    if is_in_degrees(frame):
        raise VectorError(
            path, "has coordinates in degrees, and a CRS in metres", "give it the right CRS"
        )
    known = _is_on_earth(frame.geometry)
    if not known.any():
        raise VectorError(
            path, "has coordinates that its CRS does not know", "give it the right CRS"
        )
    if not known.all():
        what = Message(
            "rows with coordinates that the CRS does not know left out: {rows}",
            rows=row_numbers(~known, frame.index),
        )
        on_event(RowsLeftOut(str(path), what, int((~known).sum())))
        frame = frame[known]
    return frame


def is_in_degrees(frame: gpd.GeoDataFrame) -> bool:
    """Tell whether places in a CRS of metres are those of degrees: all within some 180 m."""
    bounds = frame.total_bounds
    within = bool((np.abs(bounds) <= _MOST_DEG).all() and np.abs(bounds).max() > 0)
    return within and frame.crs.is_projected


def _is_on_earth(shapes: gpd.GeoSeries) -> Any:
    west, south, east, north = in_degrees(shapes).bounds.to_numpy().T
    with np.errstate(invalid="ignore"):
        return (west >= -180.1) & (east <= 180.1) & (south >= -90.1) & (north <= 90.1)


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
    frame: gpd.GeoDataFrame,
    named: Mapping[str, str],
    days: pd.DataFrame,
    path: Path,
    on_event: Listener,
) -> gpd.GeoDataFrame:
    """Return the outlines with our columns."""
    columns: dict[str, Any] = {}
    missing = pd.Series(None, frame.index, dtype=object)
    for column in _READ:
        values = frame[named[column.name]] if column.name in named else missing
        if column.type == "real":
            columns[column.name] = _field_numbers(values, column, path, on_event)
        else:
            columns[column.name] = texts_of(values)
    table = gpd.GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    # A code of another form is the number that the partner's catalogue gives the lake.
    codes = table[C.LAKE_ID].where(~table[C.LAKE_ID].astype("str").str.fullmatch(ID_FORM), None)
    table[C.CATALOGUE_NO] = table[C.CATALOGUE_NO].where(table[C.CATALOGUE_NO].notna(), codes)
    size = geodesic_area_perimeter(table.geometry)
    table[C.AREA_M2], table[C.PERIMETER_M] = size[C.AREA_M2], size[C.PERIMETER_M]
    if C.AREA_SIGMA_M2 in named:
        table[C.AREA_SIGMA_M2] = _errors(frame, named, table[C.AREA_M2], path, on_event)
    shown = table[C.STATUS].isin(set(Status) - {Status.ABSENT})
    table[C.STATUS] = table[C.STATUS].where(shown, Status.OBSERVED)
    table[C.ACQUIRED] = days["time"]
    sensor_names = texts_of(frame[named[C.SENSOR]]) if C.SENSOR in named else days[C.SENSOR]
    table[C.SENSOR] = sensor_names.where(sensor_names.notna(), days[C.SENSOR])
    known = table[C.PIXEL_M].where(table[C.PIXEL_M] > 0)
    table[C.PIXEL_M] = known.fillna(sensors.pixel_m(table[C.SENSOR]))
    table[C.AREA_ERR_HB_M2] = hanshaw_bookhagen_error(table[C.PERIMETER_M], table[C.PIXEL_M])
    table[C.AREA_SIGMA_M2] = table[C.AREA_SIGMA_M2].where(table[C.AREA_SIGMA_M2] > 0)
    table[C.AREA_SIGMA_M2] = table[C.AREA_SIGMA_M2].fillna(table[C.AREA_ERR_HB_M2])
    rough = days["precision"].map(ROUGH).astype("object")
    table[C.QUALITY] = table[C.QUALITY].astype("object").where(table[C.QUALITY].notna(), rough)
    table[C.QUALITY] = table[C.QUALITY].where(table[C.QUALITY].notna(), None)
    flat = ~(table[C.AREA_M2] > 0)
    if flat.any():
        what = Message("rows without an area left out: {rows}", rows=row_numbers(flat, table.index))
        on_event(RowsLeftOut(str(path), what, int(flat.sum())))
    return table[~flat]


def _field_numbers(
    values: pd.Series, column: schema.Column, path: Path, on_event: Listener
) -> pd.Series:
    """Return the numbers of a field, and tell which are none."""
    found = numbers_in(values, column.name, column.unit)
    if found.odd.any():
        what = Message(
            "field {field}: numbers that are not understood: {rows}, such as {text}",
            field=str(values.name),
            rows=row_numbers(found.odd, values.index),
            text=str(values[found.odd].iloc[0]),
        )
        on_event(InputOdd(str(path), what))
    return found.found.where(found.found > _LEAST_NUMBER)


def _errors(
    frame: gpd.GeoDataFrame,
    named: Mapping[str, str],
    area_m2: pd.Series,
    path: Path,
    on_event: Listener,
) -> pd.Series:
    """Return the errors of the areas in m², in the unit told or in that of the areas."""
    field = named[C.AREA_SIGMA_M2]
    errors, written = numbers_of(frame[field], schema.AREA_SIGMA.unit), None
    if "area" in named:
        written = area_unit(numbers_of(frame[named["area"]]).found, area_m2)
    in_name = unit_in_name(field)
    units = errors.units if in_name is None else errors.units.fillna(in_name)
    found, unit = errors_m2(errors.found, area_m2, units, written)
    if unit is None:
        what = Message("the unit of the errors in {field} is not understood", field=field)
        on_event(InputOdd(str(path), Message("{what}; they are left out", what=what)))
    elif unit != (written or "m2"):
        name = N_("shares of the area") if unit == SHARE else unit
        what = Message("the errors in {field} are taken for {unit}", field=field, unit=name)
        on_event(InputOdd(str(path), what))
    return found


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


def _surveys(table: gpd.GeoDataFrame) -> list[tuple[gpd.GeoDataFrame, bool]]:
    """Cut a file where the outlines of a day lie on ground that was drawn before."""
    ground = in_equal_area(table.geometry)
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
    ground = in_equal_area(rows.geometry).to_numpy()
    resolution = {"resolution_m": float(pixels.max())} if len(pixels) else {}
    coverage = DrawnCoverage(
        scene_id=shown(f"{path.stem}_{times[0]:%Y-%m-%d}" if several else path.stem),
        acquired=times[(len(times) - 1) // 2].to_pydatetime(),
        sensor="+".join(sensors),
        extent=shapely.convex_hull(shapely.union_all(ground)),
        **resolution,
    )
    return MappedScene(rows.drop(columns=C.SENSOR), coverage)


def _once(rows: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    """Leave out outlines that are drawn twice."""
    ground = in_equal_area(rows.geometry).to_numpy()
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
