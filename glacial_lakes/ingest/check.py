"""What is wrong with a file of lakes: geometry, overlaps, codes, dates, fields, units."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, Message, UnsafeInputError, require
from glacial_lakes.ingest.dates import day_in_name
from glacial_lakes.ingest.fields import ID_FORM, UNITS, area_unit, numbers_in, recognise
from glacial_lakes.ingest.neighbours import described, slip_beside
from glacial_lakes.ingest.reading import dates, in_future, is_in_degrees, text_of, texts_of
from glacial_lakes.ingest.track_files import ID_PLACE_M, place_of
from glacial_lakes.io.numbers import numbers_of
from glacial_lakes.io.repair import moved_areas, repaired
from glacial_lakes.io.vector import has_marks, read_as_drawn, spatial_layers
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.measures.meridian import distance_m, in_degrees, in_equal_area
from glacial_lakes.runtime.findings import Finding, State
from glacial_lakes.schema import LakeState
from glacial_lakes.tracking.epochs import shared_areas

AREA_LAYERS = ("lakes", "outlines")
"""The layers of an inventory that are examined; of other files all."""
_IN_M2 = (C.AREA_M2, "gl_area")
"""Fields that hold square metres in all inventories that have them."""
_OFF = 0.1
"""Difference of a written area from the geometry's that is told."""
_ON = 0.5
"""Share of an outline on another one from which one of the two is wrong."""
_SLIVER = 1e-3
"""Smaller shares come from rounded coordinates."""
_LISTED = 3
_NAMED = 8
_OURS = {
    name for column in (*schema.LAKES, *schema.LATEST) for name in (column.name, column.shapefile)
}
_POLYGONS = (3, 6)
_NUMBERS = {column.name: column.unit for column in schema.OUTLINES if column.type == "real"}
_NUMBERS |= {"area": "m2"}


@dataclass(frozen=True)
class Lakes:
    """A layer of a file, with what is needed to examine it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    frame : geopandas.GeoDataFrame
        As drawn: invalid and missing geometries too.
    named : mapping of str to str
        Our column to the field that holds it.
    """

    path: Path
    frame: gpd.GeoDataFrame
    named: Mapping[str, str]

    def column(self, ours: str) -> pd.Series | None:
        """Return a field by our name, None when the file has none."""
        return self.frame[self.named[ours]] if ours in self.named else None

    def examples(self, rows: Iterable[int]) -> str:
        """Name the first of some rows, by their code where they have one, and count them."""
        ids = self.column(C.LAKE_ID)
        numbers = [int(row) for row in rows]
        names = []
        for row in numbers[:_LISTED]:
            code = None if ids is None else text_of(ids.iloc[row])
            names.append(f"{row + 1}: {code}" if code else str(row + 1))
        more = ", …" if len(numbers) > _LISTED else ""
        return f"{len(numbers)} ({', '.join(names)}{more})"


def check_file(
    path: Path | str, *, layer: str | None = None, encoding: str | None = None
) -> list[Finding]:
    """Examine an inventory, a shapefile or any other file of lakes; nothing is changed.

    Parameters
    ----------
    path : path-like
        The file.
    layer : str, optional
        The only layer to examine; default: ``lakes`` and ``outlines`` of an inventory, else all.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it.

    Returns
    -------
    list of glacial_lakes.runtime.findings.Finding
        ``fault``: a wrong answer would come of it; ``note``: to be known. Examples are numbers of
        rows from 1, with the lake's code.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> [finding.subject for finding in gl.check_file("inventory.gpkg") if finding.state == "fault"]
    []
    """
    require(path, (str, os.PathLike), "path", N_("give the path of a file"))
    path = Path(path)
    findings: list[Finding] = []
    try:
        layers = [layer] if layer else spatial_layers(path)
        if set(AREA_LAYERS) <= set(layers):
            layers = list(AREA_LAYERS)
        for name in layers:
            frame = read_as_drawn(path, name, encoding, local_times=True, on_text="mark")
            frame = frame.reset_index(drop=True)
            lakes = Lakes(path, frame, recognise(path, frame.columns))
            findings.append(Finding("layer", "ok", f"{name}: {len(frame)}, {frame.crs.name}"))
            findings.extend(_examine(lakes))
        findings.extend(_beside(path, frame))
    except (InputError, UnsafeInputError) as error:
        findings.append(Finding("file", "fault", error.what, error.remedy))
    return findings


def _examine(lakes: Lakes) -> Iterator[Finding]:
    if lakes.frame.empty:
        yield Finding("geometry", "fault", "no rows", "name a file with lakes, or copy it again")
        return
    yield from _geometry(lakes)
    yield from _texts(lakes)
    times = None
    try:
        days = dates(lakes.frame, lakes.named, lakes.path)
        times = days["time"].dt.floor("D")
        yield from _dates(lakes, days)
    except InputError as error:
        # Lakes of an inventory have dates of their own kind, first and last seen.
        if C.LAST_SEEN in lakes.frame:
            times = pd.to_datetime(lakes.frame[C.LAST_SEEN], utc=True, errors="coerce")
            times = times.dt.floor("D")
        else:
            yield Finding("dates", "fault", error.what, error.remedy)
    usable = _usable(lakes)
    yield from _overlaps(lakes, usable, times)
    yield from _codes(lakes, usable, times)
    yield from _numbers(lakes)
    yield from _areas(lakes, usable)
    yield from _places(lakes, usable)
    pairs = ", ".join(f"{ours}={theirs}" for ours, theirs in sorted(lakes.named.items()))
    if pairs:
        yield Finding("fields", "ok", pairs)
    else:
        yield Finding("fields", "note", "none is known here")
    used = {"geometry", *lakes.named.values()}
    unused = [str(name) for name in lakes.frame.columns if name not in used | _OURS]
    if unused and pairs:
        names = [*unused[:_NAMED], *(["…"] if len(unused) > _NAMED else [])]
        yield Finding("fields", "note", Message("not used: {names}", names=names))


def _beside(path: Path, frame: gpd.GeoDataFrame) -> Iterator[Finding]:
    """Compare the place of the lakes with that of the other files in the folder."""
    slip = slip_beside(path, frame)
    if slip is not None:
        remedy = N_("correct the coordinates or the CRS")
        yield Finding("places", "fault", described(slip), remedy)


def _geometry(lakes: Lakes) -> Iterator[Finding]:
    if is_in_degrees(lakes.frame):
        what = N_("has coordinates in degrees, and a CRS in metres")
        yield Finding("CRS", "fault", what, "give it the right CRS")
    shapes = lakes.frame.geometry.to_numpy()
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~missing & ~np.isin(shapely.get_type_id(shapes), _POLYGONS)
    broken = ~missing & ~shapely.is_valid(shapes)
    beyond = np.zeros(len(shapes), dtype=bool)
    beyond[~missing] = _beyond(lakes.frame.geometry[~missing])
    if missing.any():
        what = Message("without geometry: {places}", places=lakes.examples(np.flatnonzero(missing)))
        yield Finding("geometry", "fault", what, "draw them, or delete the rows")
    if other.any():
        what = Message("no polygons: {places}", places=lakes.examples(np.flatnonzero(other)))
        yield Finding("geometry", "fault", what, "leave them out")
    if broken.any():
        what = Message("invalid: {places}", places=lakes.examples(np.flatnonzero(broken)))
        remedy = N_("mend them, e.g. with the QGIS tool Fix geometries")
        yield Finding("geometry", "fault", what, remedy)
        drawn = lakes.frame.geometry
        mended = gpd.GeoSeries(repaired(drawn), index=drawn.index, crs=drawn.crs)
        moved = moved_areas(drawn, mended)
        if moved is not None:
            yield Finding("geometry", "note", moved)
    if beyond.any():
        what = Message(
            "outside of what the CRS knows: {places}", places=lakes.examples(np.flatnonzero(beyond))
        )
        yield Finding("CRS", "fault", what, "give it the right CRS")
    if not (missing | other | broken).any():
        yield Finding("geometry", "ok", "all polygons are valid")


def _texts(lakes: Lakes) -> Iterator[Finding]:
    lost = np.flatnonzero(has_marks(lakes.frame))
    if len(lost):
        what = Message("letters that cannot be read: {places}", places=lakes.examples(lost))
        yield Finding("texts", "fault", what, "write them again")


def _beyond(shapes: gpd.GeoSeries) -> Any:
    bounds = in_degrees(shapes).bounds.to_numpy()
    inside = np.isfinite(bounds).all(axis=1) & (np.abs(bounds[:, [0, 2]]) <= 180.1).all(axis=1)
    return ~(inside & (np.abs(bounds[:, [1, 3]]) <= 90.1).all(axis=1))


def _usable(lakes: Lakes) -> gpd.GeoSeries:
    """Return the polygons that can be measured, by row number."""
    shapes = lakes.frame.geometry
    fine = shapes.notna() & ~shapes.is_empty & shapes.geom_type.isin(["Polygon", "MultiPolygon"])
    shapes = shapes[fine]
    shapes = shapes[~_beyond(shapes)] if len(shapes) else shapes
    return gpd.GeoSeries(repaired(shapes), index=shapes.index, crs=shapes.crs)


def _dates(lakes: Lakes, days: pd.DataFrame) -> Iterator[Finding]:
    undated = np.flatnonzero(days["time"].isna() & days["unread"].isna())
    if len(undated):
        what = Message("without a date: {places}", places=lakes.examples(undated))
        yield Finding("dates", "fault", what, "write dates as 2015-08-01")
    unread = np.flatnonzero(days["unread"].notna())
    if len(unread):
        what = Message(
            "dates that cannot be read, such as {text}: {places}",
            text=days["unread"].iloc[unread[0]],
            places=lakes.examples(unread),
        )
        yield Finding("dates", "fault", what, "write dates as 2015-08-01")
    future = np.flatnonzero(in_future(days["time"]))
    if len(future):
        what = Message("in the future: {places}", places=lakes.examples(future))
        yield Finding("dates", "fault", what, "correct them")
    rough = np.flatnonzero(days["precision"].isin(["year", "month"]))
    if len(rough):
        what = Message("known to the year or month only: {places}", places=lakes.examples(rough))
        yield Finding("dates", "note", what, "write dates as 2015-08-01")
    try:
        named = day_in_name(lakes.path.stem)
    except ValueError:
        named = None
    years = days["time"].dropna().dt.year
    if named and not years.between(named.time.year - 2, named.time.year + 2).all():
        first, last = int(years.min()), int(years.max())
        what = Message(
            "{first} to {last}, but the name of the file tells {year}",
            first=first,
            last=last,
            year=named.time.year,
        )
        yield Finding("dates", "note", what)
    elif not len(undated) + len(unread) + len(future):
        begin, end = (Message.of_day(time) for time in (days["time"].min(), days["time"].max()))
        yield Finding("dates", "ok", Message("{first} – {last}", first=begin, last=end))


def _groups(lakes: Lakes, rows: pd.Index, times: pd.Series | None) -> list[pd.Index]:
    """Return the rows of each scene or, where none is named, of each day."""
    frame = lakes.frame.loc[rows]
    if C.STATE in frame:  # lakes that are gone lie where others are now
        frame = frame[frame[C.STATE] == LakeState.PRESENT]
    if C.SCENE_ID in frame:
        return [part.index for _, part in frame.groupby(C.SCENE_ID, dropna=False)]
    if times is not None and _is_series(lakes, times):
        return [part.index for _, part in frame.groupby(times[frame.index], dropna=False)]
    return [frame.index]


def _is_series(lakes: Lakes, times: pd.Series) -> bool:
    """Tell whether most codes come on several dates: the file holds lakes through time."""
    ids = lakes.column(C.LAKE_ID)
    if ids is None:
        return False
    per_lake = times.groupby(ids).nunique()
    return bool(len(per_lake) and (per_lake > 1).mean() > _ON)


def _overlaps(lakes: Lakes, usable: gpd.GeoSeries, times: pd.Series | None) -> Iterator[Finding]:
    ground = in_equal_area(usable)
    large: list[int] = []
    older: list[int] = []
    small: list[int] = []
    for rows in _groups(lakes, usable.index, times):
        shapes = ground[rows].to_numpy()
        other, one, shared = shared_areas(shapely.STRtree(shapes), shapes)
        share = shared / np.minimum(shapely.area(shapes)[one], shapely.area(shapes)[other])
        pairs = one < other
        is_large = pairs & (share >= _ON)
        is_older = np.zeros(len(pairs), dtype=bool)
        if times is not None:  # of the latest outlines of all lakes some are older than others
            days = times[rows].to_numpy()
            known = ~pd.isna(days)
            is_older = known[one] & known[other] & (days[one] != days[other])
        large += [int(row) for row in rows[np.unique(other[is_large & ~is_older])]]
        older += [int(row) for row in rows[np.unique(other[is_large & is_older])]]
        slight = pairs & (share >= _SLIVER) & (share < _ON)
        small += [int(row) for row in rows[np.unique(other[slight])]]
    if large:
        what = Message(
            "outlines on others of the same date: {places}", places=lakes.examples(sorted(large))
        )
        yield Finding("overlaps", "fault", what, "keep one of the two")
    if older:
        what = Message(
            "outlines on others of another date: {places}", places=lakes.examples(sorted(older))
        )
        yield Finding("overlaps", "note", what, "do not add up their areas")
    if small:
        what = Message(
            "outlines that cut others a little: {places}", places=lakes.examples(sorted(small))
        )
        yield Finding("overlaps", "note", what)
    if not large and not older and not small:
        yield Finding("overlaps", "ok", "none")


def _codes(lakes: Lakes, usable: gpd.GeoSeries, times: pd.Series | None) -> Iterator[Finding]:
    ids = lakes.column(C.LAKE_ID)
    if ids is None:
        yield Finding("codes", "note", "no field with lake codes is known here")
        return
    texts = texts_of(ids)
    missing = np.flatnonzero(texts.isna())
    twice: list[int] = []
    for rows in _groups(lakes, lakes.frame.index, times):
        again = texts[rows].dropna().duplicated()
        twice += [int(row) for row in again.index[again]]
    formed = texts.map(lambda text: bool(re.fullmatch(ID_FORM, str(text)))).astype(bool)
    formless = np.flatnonzero(~formed & texts.notna())
    if len(missing):
        what = Message("without a code: {places}", places=lakes.examples(missing))
        yield Finding("codes", "fault", what, "give them codes, or let track do it")
    if twice:
        what = Message(
            "codes given twice on one date: {places}", places=lakes.examples(sorted(twice))
        )
        yield Finding("codes", "fault", what, "give one of the two another code")
    if len(formless):
        what = Message("not of the form GL074512E42637N: {places}", places=lakes.examples(formless))
        yield Finding("codes", "note", what)
    rows = usable.index.intersection(texts.index[formed])
    if len(rows):
        place = in_equal_area(place_of(texts[rows])).to_numpy()
        away = distance_m(place, in_equal_area(usable[rows]).to_numpy())
        far = rows[away > ID_PLACE_M]
        if len(far):
            what = Message("name a place more than 1 km away: {places}", places=lakes.examples(far))
            yield Finding("codes", "note", what)
    if not len(missing) and not twice:
        yield Finding(
            "codes",
            "ok",
            Message("{count} in the field {field}", count=texts.nunique(), field=str(ids.name)),
        )


def _numbers(lakes: Lakes) -> Iterator[Finding]:
    """Tell fields of numbers with texts that are none."""
    for ours, theirs in sorted(lakes.named.items()):
        if ours not in _NUMBERS:
            continue
        odd = numbers_in(lakes.frame[theirs], ours, _NUMBERS[ours]).odd
        if odd.any():
            what = Message(
                "{name} has numbers that are not understood, such as {text}: {places}",
                name=theirs,
                text=str(lakes.frame[theirs][odd].iloc[0]),
                places=lakes.examples(np.flatnonzero(odd)),
            )
            yield Finding("fields", "fault", what, "write them as 1234.5, heights in metres")


def _areas(lakes: Lakes, usable: gpd.GeoSeries) -> Iterator[Finding]:
    written = lakes.column("area")
    if written is None or usable.empty:
        return
    name = str(written.name)
    area_m2 = geodesic_area_perimeter(usable)[C.AREA_M2]
    numbers = numbers_of(written)
    values = numbers.found[usable.index]
    known = values.notna() & (area_m2 > 0)
    if not known.any() and numbers.odd.any():
        return  # what is not understood is told of all fields
    if not known.any():
        yield Finding("areas", "note", Message("field {name} is empty", name=name))
        return
    values, area_m2 = values[known], area_m2[known]
    if (values <= 0).any():
        rows = values.index[values <= 0]
        what = Message("not above 0 in {name}: {places}", name=name, places=lakes.examples(rows))
        yield Finding("areas", "fault", what, "compute the areas anew")
    unit = area_unit(values, area_m2)
    if unit is None:
        return
    contradicts = unit != "m2" and name.lower() in _IN_M2
    if contradicts:
        what = Message(
            "{name} is in {unit}, but this field is in m2 everywhere", name=name, unit=unit
        )
        yield Finding("areas", "fault", what, "multiply it, or rename the field")
    rest = (values * UNITS[unit] / area_m2 - 1).abs()
    decimals = _step(values) * UNITS[unit] / area_m2  # what rounding may do
    off = rest.index[rest > _OFF + decimals]
    if len(off):
        what = Message(
            "{name} ({unit}) differs by more than 10 % from the geometry: {places}",
            name=name,
            unit=unit,
            places=lakes.examples(off),
        )
        state: State = "fault" if len(off) > _ON * len(values) else "note"
        yield Finding("areas", state, what, "compute the areas anew")
    elif not contradicts:
        yield Finding(
            "areas", "ok", Message("{name} ({unit}) agrees with the geometry", name=name, unit=unit)
        )


def _step(values: pd.Series) -> float:
    """Return half of the last digit that a field is written with."""
    for digits in range(9):
        if np.allclose(values, values.round(digits), rtol=0, atol=1e-9):
            return 0.5 * 10.0**-digits
    return 0.0


def _places(lakes: Lakes, usable: gpd.GeoSeries) -> Iterator[Finding]:
    lon, lat = lakes.column(C.LON), lakes.column(C.LAT)
    if lon is None or lat is None or usable.empty:
        return
    x, y = (numbers_of(values).found[usable.index] for values in (lon, lat))
    known = x.between(-180, 180) & y.between(-90, 90)
    points = gpd.GeoSeries(gpd.points_from_xy(x[known], y[known]), index=x.index[known], crs=4326)
    shapes = in_equal_area(usable[known]).to_numpy()
    away = distance_m(in_equal_area(points).to_numpy(), shapes)
    far = points.index[away > ID_PLACE_M]
    if len(far):
        what = Message(
            "longitude and latitude lie more than 1 km away: {places}", places=lakes.examples(far)
        )
        yield Finding("places", "note", what)
