"""Tables that a service hands on: lakes, sums by group, changes, what to visit, what to check.

The workbook and the report show the same tables. Headings and words are English in them, and are
told in the reader's language by :func:`heading` and :func:`words`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from glacial_lakes import schema
from glacial_lakes.change.errors import sum_sigma
from glacial_lakes.change.offsets import difference_of, offsets_of
from glacial_lakes.change.series import SEEN, best_of_day, times_of_scenes
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, Message
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory.decisions import reference
from glacial_lakes.inventory.register import differing
from glacial_lakes.io.parsing import json_of
from glacial_lakes.language import in_language, translate
from glacial_lakes.measures.meridian import distance_m, in_equal_area
from glacial_lakes.schema import LakeState, Status

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

ALL = N_("all")
"""Name of the row of all lakes, in tables of groups."""
Kind = Literal["text", "word", "truth", "real", "integer", "day"]
_KM2 = 1e6
_CLASSES_KM2 = (0.0, 0.01, 0.05, 0.1, 0.5, 1.0)
"""Lower ends of the classes of size."""
_BAND_M = 500
_MATCHED = 0.3
"""Share of the smaller outline that lakes of two inventories have in common to be one lake."""
_SURE = 1.96
_GEOD = pyproj.Geod(ellps="WGS84")
_FAR_M = 500.0
"""From so far away a place of the catalogue is that of another lake."""
TO_VISIT = N_("To visit")
"""Title of the table of lakes that somebody should see."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table."""

    title: str
    kind: Kind = "text"
    unit: str = ""
    digits: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: rows of plain values, None where nothing is known."""

    title: str
    fields: tuple[Field, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""
    is_group: bool = False
    """Sums of groups, few rows."""


NUMBER = Field(N_("No."), "integer")
_WHO = (
    NUMBER,
    Field(N_("Catalogue No.")),
    Field(N_("Name")),
    Field(N_("District")),
    Field(N_("Lake ID")),
)
_WHERE = (
    Field(N_("Latitude"), "real", "°", 5),
    Field(N_("Longitude"), "real", "°", 5),
)
_TITLES = {
    C.CATALOGUE_NO: _WHO[1].title,
    C.LAKE_NAME: _WHO[2].title,
    C.DISTRICT: _WHO[3].title,
    C.COMMENT: N_("Comment"),
}
_AREA = Field(N_("Lake area"), "real", N_("km²"), 4)
_ERROR = Field(N_("Standard error"), "real", N_("km²"), 4)


def sheets(inventory: Inventory, since: str | Inventory | None = None) -> list[Sheet]:
    """Return all tables of an inventory: the list of its lakes, :func:`tables`, and what it lacks.

    See there for what is given and raised.
    """
    lakes = _lakes(inventory)
    found = [_not_shown(inventory)]
    return [_list_of(lakes), *_tables(inventory, lakes, since), *(s for s in found if s.rows)]


def tables(inventory: Inventory, since: str | Inventory | None = None) -> list[Sheet]:
    """Return the sums by group, the changes, and what is to be visited and to be checked.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.
    since : str or Inventory, optional
        What changes are told from: a date (``2010-08-01``), a year, years (``2009-2011``), or an
        earlier inventory; by default the first area of each lake.

    Returns
    -------
    list of Sheet
        Without those that have nothing to tell.

    Raises
    ------
    InputError
        When no image is of the time that is named.
    """
    return _tables(inventory, _lakes(inventory), since)


def _tables(
    inventory: Inventory, lakes: pd.DataFrame, since: str | Inventory | None
) -> list[Sheet]:
    found = [
        *_groups(lakes),
        _change_of_all(changes := _change(inventory, lakes, since)),
        changes,
        to_visit(inventory),
        _quality(inventory, lakes),
    ]
    return [sheet for sheet in found if sheet.rows]


def _change_of_all(changes: Sheet) -> Sheet:
    """Return the sums of the changes of lakes."""
    fields = (
        Field(N_("Lakes in common"), "integer"),
        Field(N_("Date before"), "day"),
        Field(N_("Date of the area"), "day"),
        Field(N_("Area before"), "real", N_("km²"), 4),
        _AREA,
        Field(N_("Change"), "real", N_("km²"), 4),
        Field(N_("Error if independent"), "real", N_("km²"), 4),
        Field(N_("Error if fully correlated"), "real", N_("km²"), 4),
        Field(N_("Grew beyond the error"), "integer"),
        Field(N_("Shrank beyond the error"), "integer"),
    )
    title, note = N_("Change of all lakes"), changes.note
    if not changes.rows:
        return Sheet(title, fields, (), note)
    before, now, change = (np.array([row[n] for row in changes.rows]) for n in (6, 8, 9))
    errors = [row[10] for row in changes.rows]
    is_known = all(error is not None for error in errors)
    is_sure = np.array([row[12] is True for row in changes.rows])
    row = (
        len(changes.rows),
        min(row[5] for row in changes.rows),
        max(row[7] for row in changes.rows),
        float(before.sum()),
        float(now.sum()),
        float(change.sum()),
        float(np.sqrt(np.square(errors).sum())) if is_known else None,
        float(np.sum(errors)) if is_known else None,
        int((is_sure & (change > 0)).sum()),
        int((is_sure & (change < 0)).sum()),
    )
    return Sheet(title, fields, (row,), note, is_group=True)


def without_empty(sheet: Sheet) -> Sheet:
    """Return a table without the columns in which nothing is known."""
    kept = [n for n in range(len(sheet.fields)) if any(row[n] is not None for row in sheet.rows)]
    fields = tuple(sheet.fields[n] for n in kept)
    return replace(sheet, fields=fields, rows=tuple(tuple(r[n] for n in kept) for r in sheet.rows))


def _lakes(inventory: Inventory) -> pd.DataFrame:
    """Return the lakes by number, with the time of the image of their area."""
    lakes = schema.conform(inventory.lakes, schema.LAKES)
    rows = schema.conform(inventory.outlines, schema.OUTLINES)
    whole = rows[(rows[C.STATUS] == Status.OBSERVED) & rows[C.AREA_M2].notna()]
    drawn = inventory.outlines.loc[whole.index]
    shown = reference(drawn) if len(drawn) else {C.ACQUIRED: {}, C.SENSOR: {}}
    area_of, sensor = (lakes[C.LAKE_ID].map(shown[name]) for name in (C.ACQUIRED, C.SENSOR))
    size = lakes[C.AREA_M2] / _KM2
    lakes = lakes.assign(
        area_of=pd.to_datetime(area_of, utc=True),
        size_class=size.map(_size_class).astype("float64"),
        band=lakes[C.ELEV_M].map(_band).astype("float64"),
        **{C.SENSOR: sensor.astype("object")},
    )
    return lakes.sort_values([C.NUMBER, C.LAKE_ID], kind="stable", na_position="last")


def _size_class(area_km2: float) -> float | None:
    """Return the lower end of the class of an area."""
    return max((low for low in _CLASSES_KM2 if area_km2 >= low), default=None)


def _size_label(low: float) -> Message:
    place = _CLASSES_KM2.index(low) + 1
    if place == len(_CLASSES_KM2):
        return Message("≥ {low:.2f}", low=low)
    return Message("{low:.2f} – {high:.2f}", low=low, high=_CLASSES_KM2[place])


def _band(height_m: float) -> float | None:
    """Return the lower end of the band of an elevation."""
    return None if math.isnan(height_m) else height_m // _BAND_M * _BAND_M


def _band_label(low: float) -> str:
    return f"{low:.0f} – {low + _BAND_M:.0f}"


def _who(row: Any) -> tuple[Any, ...]:
    number = None if pd.isna(row.number) else int(row.number)
    return number, row.catalogue_no, row.lake_name, row.district, row.lake_id


def _km2(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value) / _KM2


def _real(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _time(value: Any) -> pd.Timestamp | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value)


def _each(table: pd.DataFrame) -> Iterator[Any]:
    return iter(table.itertuples(index=False))


def _list_of(lakes: pd.DataFrame) -> Sheet:
    fields = (
        *_WHO,
        *_WHERE,
        Field(N_("Elevation"), "real", N_("m")),
        Field(N_("Basin")),
        Field(N_("Type"), "word"),
        Field(N_("Dam"), "word"),
        Field(N_("Distance to glacier"), "real", N_("m")),
        Field(N_("State"), "word"),
        _AREA,
        _ERROR,
        Field(N_("Date of the area"), "day"),
        Field(N_("First seen"), "day"),
        Field(N_("Last seen"), "day"),
        Field(N_("Areas measured"), "integer"),
        Field(N_("Checked by")),
        Field(N_("Drawn by")),
        Field(N_("Comment")),
    )
    rows = tuple(
        (
            *_who(lake),
            _real(lake.lat),
            _real(lake.lon),
            _real(lake.elev_m),
            lake.basin,
            lake.lake_type,
            lake.dam_type,
            _real(lake.glacier_dist_m),
            lake.state,
            _km2(lake.area_m2),
            _km2(lake.area_sigma_m2),
            _time(lake.area_of),
            _time(lake.first_seen),
            _time(lake.last_seen),
            None if pd.isna(lake.n_observed) else int(lake.n_observed),
            lake.verified_by,
            lake.edited_by,
            lake.comment,
        )
        for lake in _each(lakes)
    )
    return Sheet(N_("Lakes"), fields, rows, N_("An empty area is not zero: it is not known."))


def _groups(lakes: pd.DataFrame) -> Iterator[Sheet]:
    """Yield numbers, areas and errors of the present lakes by basin, district and so on."""
    present = lakes[lakes[C.STATE] == LakeState.PRESENT]
    kinds: tuple[tuple[str, str, str, str, Callable[[Any], str]], ...] = (
        (N_("By basin"), N_("Basin"), C.BASIN, "", str),
        (N_("By district"), N_("District"), C.DISTRICT, "", str),
        (N_("By size"), N_("Size class"), "size_class", N_("km²"), _size_label),
        (N_("By elevation"), N_("Elevation band"), "band", N_("m"), _band_label),
        (N_("By type"), N_("Type"), C.LAKE_TYPE, "", str),
    )
    for title, heading, name, unit, label in kinds:
        kind: Kind = "text" if name in (C.BASIN, C.DISTRICT) else "word"
        fields = (
            Field(heading, kind, unit),
            Field(N_("Lakes"), "integer"),
            Field(N_("Area known for"), "integer"),
            _AREA,
            Field(N_("Standard error"), "real", N_("km²"), 4),
            Field(N_("Error if independent"), "real", N_("km²"), 4),
            Field(N_("Error if fully correlated"), "real", N_("km²"), 4),
        )
        if present[name].isna().all():
            yield Sheet(title, fields, ())
            continue
        groups = [(label(group), members) for group, members in present.groupby(name)]
        if len(rest := present[present[name].isna()]):
            groups.append(("–", rest))
        groups.append((ALL, present))
        rows = tuple((group, *_sums(members)) for group, members in groups)
        yield Sheet(title, fields, rows, is_group=True)


def _sums(rows: pd.DataFrame) -> tuple[float | None, ...]:
    """Return lakes, those with an area, their area and its error: real, independent, correlated."""
    known = rows[rows[C.AREA_M2].notna()]
    area = float(known[C.AREA_M2].sum()) / _KM2 if len(known) else None
    sigma = known[C.AREA_SIGMA_M2].to_numpy(dtype=float) / _KM2
    if not len(known) or not np.isfinite(sigma).all():
        return len(rows), len(known), area, None, None, None
    as_seen: dict[str, Any] = {C.STATUS: Status.OBSERVED, C.ACQUIRED: known["area_of"]}
    error = sum_sigma(known.assign(**as_seen)) / _KM2
    return len(rows), len(known), area, error, float(np.sqrt((sigma**2).sum())), float(sigma.sum())


def _change(inventory: Inventory, lakes: pd.DataFrame, since: str | Inventory | None) -> Sheet:
    before = _before(inventory, since)
    fields = (
        *_WHO,
        Field(N_("Date before"), "day"),
        Field(N_("Area before"), "real", N_("km²"), 4),
        Field(N_("Date of the area"), "day"),
        _AREA,
        Field(N_("Change"), "real", N_("km²"), 4),
        Field(N_("Standard error"), "real", N_("km²"), 4),
        Field(N_("Change"), "real", "%", 1),
        Field(N_("Exceeds its uncertainty"), "truth"),
    )
    lakes = lakes[lakes[C.LAKE_ID].isin(before.index)]
    gone = lakes[C.STATE] == LakeState.GONE
    as_seen: dict[str, Any] = {
        C.STATUS: np.where(gone, Status.ABSENT, Status.OBSERVED),
        C.ACQUIRED: lakes[C.LAST_SEEN].where(gone, lakes["area_of"]),
        C.AREA_M2: lakes[C.AREA_M2].mask(gone, 0.0),
    }
    now = lakes.assign(**as_seen)
    old = before.loc[now[C.LAKE_ID]].assign(**{C.LAKE_ID: now[C.LAKE_ID].to_numpy()})
    rows = []
    errors = difference_of(old, now, offsets_of(inventory.observations))
    for lake, first, error in zip(_each(now), _each(old), errors, strict=True):
        is_gone = lake.status == Status.ABSENT
        if pd.isna(lake.area_m2) or (first.acquired == lake.acquired and not is_gone):
            continue
        change, known = float(lake.area_m2 - first.area_m2), _real(error)
        rows.append(
            (
                *_who(lake),
                _time(first.acquired),
                _km2(first.area_m2),
                _time(lake.acquired),
                _km2(lake.area_m2),
                _km2(change),
                _km2(known),
                100 * change / first.area_m2 if first.area_m2 > 0 else None,
                None if known is None else abs(change) > _SURE * known,
            )
        )
    return Sheet(N_("Changes"), fields, tuple(rows), N_("Only lakes that both dates show."))


def _before(inventory: Inventory, since: str | Inventory | None) -> pd.DataFrame:
    """Return the area of each lake at the time that changes are told from, by lake ID."""
    if since is not None and not isinstance(since, str):
        return _of_inventory(inventory, since)
    rows = best_of_day(schema.conform(inventory.observations, schema.OBSERVATIONS))
    rows = rows[rows[C.STATUS].isin(SEEN) & rows[C.AREA_M2].notna()]
    if since is not None:
        first, last = _period(since)
        time = times_of_scenes(rows, inventory.scenes)
        days = rows.groupby(C.SCENE_ID)[C.ACQUIRED]  # an older survey is of several years
        spans = (days.transform("min") < last) & (days.transform("max") >= first)
        rows = rows[((time >= first) & (time < last)) | spans]
        if rows.empty:
            what = Message("no image of the inventory is of {time}", time=since)
            raise InputError(None, what, "name a date, a year, or years such as 2009-2011")
        rows = rows.sort_values([C.LAKE_ID, C.ACQUIRED], kind="stable")
        rows = rows.drop_duplicates(C.LAKE_ID, keep="last")
    else:
        rows = rows[rows[C.STATUS] == Status.OBSERVED]
        rows = rows.sort_values([C.LAKE_ID, C.ACQUIRED], kind="stable").drop_duplicates(C.LAKE_ID)
    return rows.set_index(C.LAKE_ID)


def _period(text: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return begin and end of a day, a month, a year, or of several years."""
    parts = text.split("-")
    try:
        if len(parts) == 2 and all(len(part) == 4 for part in parts):
            return (
                pd.Timestamp(f"{parts[0]}-01-01", tz="UTC"),
                pd.Timestamp(f"{int(parts[1]) + 1}-01-01", tz="UTC"),
            )
        period = pd.Period(text)
    except ValueError:
        remedy = N_("name a date, a year, years such as 2009-2011, or an earlier inventory (.gpkg)")
        raise InputError(None, Message("{text} is no time", text=text), remedy) from None
    return period.start_time.tz_localize("UTC"), (period + 1).start_time.tz_localize("UTC")


def _of_inventory(inventory: Inventory, earlier: Inventory) -> pd.DataFrame:
    """Return what an earlier inventory says of the lakes: by ID, number, or the same ground."""
    old = _lakes(earlier)
    old = old[old[C.AREA_M2].notna() & old["area_of"].notna()]
    by_id = {lake: i for i, lake in enumerate(old[C.LAKE_ID])}
    by_number = {no: i for i, no in enumerate(old[C.CATALOGUE_NO]) if no is not None}
    ground = earlier.lakes.geometry.loc[old.index].to_crs(EQUAL_AREA).to_numpy()
    tree = shapely.STRtree(ground)
    found = {}
    shapes = inventory.lakes.geometry.to_crs(EQUAL_AREA)
    numbers = schema.conform(inventory.lakes, schema.LAKES)[C.CATALOGUE_NO]
    for lake, number, shape in zip(inventory.lakes[C.LAKE_ID], numbers, shapes, strict=True):
        place = by_id.get(lake, by_number.get(number) if number is not None else None)
        if place is None:
            near = tree.query(shape, predicate="intersects")
            shared = shapely.area(shapely.intersection(ground[near], shape))
            least = np.minimum(shapely.area(ground[near]), shape.area)
            good = shared >= _MATCHED * least
            place = int(near[shared.argmax()]) if good.any() else None
        if place is not None:
            found[lake] = place
    rows = old.iloc[list(found.values())].assign(**{C.STATUS: Status.OBSERVED})
    rows = rows.assign(**{C.ACQUIRED: rows["area_of"]}).set_axis(list(found), axis=0)
    return rows.rename_axis(C.LAKE_ID)


def to_visit(inventory: Inventory) -> Sheet:
    """Return the lakes that somebody should see, each with its reasons and its place."""
    lakes = schema.conform(inventory.lakes, schema.LAKES)
    reasons: dict[str, dict[str, None]] = {}
    alerts = inventory.alerts
    for lake, kind in zip(alerts[C.LAKE_ID], alerts[C.ALERT], strict=True):
        reasons.setdefault(str(lake), {})[str(kind)] = None
    contradicted = lakes[C.REVIEW_CONFLICT].fillna(False).astype(bool)
    for lake in lakes.loc[contradicted, C.LAKE_ID]:
        newer = N_("Newer outline clearly differs from the one drawn by a person")
        reasons.setdefault(str(lake), {})[newer] = None
    for lake in lakes.loc[lakes[C.STATE] == LakeState.UNCONFIRMED, C.LAKE_ID]:
        reasons.setdefault(str(lake), {})[str(LakeState.UNCONFIRMED)] = None
    fields = (
        *_WHO,
        *_WHERE,
        Field(N_("Elevation"), "real", N_("m")),
        _AREA,
        Field(N_("Reason"), "word"),
        Field(N_("Comment")),
    )
    chosen = lakes[lakes[C.LAKE_ID].isin(reasons)].sort_values([C.NUMBER, C.LAKE_ID])
    rows = tuple(
        (
            *_who(lake),
            _real(lake.lat),
            _real(lake.lon),
            _real(lake.elev_m),
            _km2(lake.area_m2),
            tuple(reasons[lake.lake_id]),
            lake.comment,
        )
        for lake in _each(chosen)
    )
    return Sheet(TO_VISIT, fields, rows)


def _quality(inventory: Inventory, lakes: pd.DataFrame) -> Sheet:
    """Return what a person should check at a desk."""
    by_id = {lake.lake_id: lake for lake in _each(lakes)}
    rows: list[tuple[Any, ...]] = []

    def add(lake_id: str, what: str, detail: Any = None) -> None:
        if lake_id in by_id:
            rows.append((*_who(by_id[lake_id]), what, detail))

    outlines = schema.conform(inventory.outlines, schema.OUTLINES)
    newest = outlines.sort_values(C.ACQUIRED, kind="stable").drop_duplicates(C.LAKE_ID, keep="last")
    weak = newest[~newest[C.QUALITY].fillna("good").str.startswith("good")]
    for lake, quality in zip(weak[C.LAKE_ID], weak[C.QUALITY], strict=True):
        add(lake, N_("The newest outline is weak"), quality)
    for lake in _each(lakes):
        if pd.isna(lake.area_m2):
            add(lake.lake_id, N_("The area is not known"))
        if lake.state == LakeState.PRESENT and not bool(_real(lake.verified)):
            add(lake.lake_id, N_("No person has checked it"))
    numbers = lakes[C.CATALOGUE_NO].dropna()
    for number in numbers[numbers.duplicated()].unique():
        for lake in lakes.loc[lakes[C.CATALOGUE_NO] == number, C.LAKE_ID]:
            add(lake, N_("Several lakes have its catalogue number"), number)
    for lake, metres in _moved(inventory):
        far = Message("{km:.1f} km away", km=metres / 1000)
        add(lake, N_("The catalogue has its number at another place"), far)
    for row in _each(differing(inventory.register, inventory.lakes, inventory.reviews)):
        detail = Message(
            "{field}: {one} / {other} ({who})",
            field=Message(_TITLES[row.field]),
            one=row.catalogue,
            other=row.person or "–",
            who=row.reviewer or "–",
        )
        add(row.lake_id, N_("Catalogue and edits differ"), detail)
    fields = (*_WHO, Field(N_("To check"), "word"), Field(N_("Detail"), "word"))
    return Sheet(N_("Quality control"), fields, tuple(rows))


def _moved(inventory: Inventory) -> Iterator[tuple[str, float]]:
    """Yield the lakes whose number lies elsewhere in the catalogue by now, and how far, metres.

    A number stays with its lake, also where an office numbers its list anew.
    """
    register = schema.conform(inventory.register, schema.REGISTER)
    there = register[C.SOURCE].notna() & register[C.LON].notna()
    register = register[there & register[C.LAKE_ID].isin(inventory.lakes[C.LAKE_ID])]
    if register.empty:
        return
    lakes = inventory.lakes.set_index(C.LAKE_ID).loc[register[C.LAKE_ID]]
    points = gpd.GeoSeries(gpd.points_from_xy(register[C.LON], register[C.LAT]), crs=4326)
    away = distance_m(in_equal_area(points).to_numpy(), in_equal_area(lakes.geometry).to_numpy())
    lon, lat, lake_lon, lake_lat = (
        table[name].to_numpy(dtype=float) for table in (register, lakes) for name in (C.LON, C.LAT)
    )
    _, _, metres = _GEOD.inv(lon, lat, lake_lon, lake_lat)
    for lake, is_far, distance in zip(register[C.LAKE_ID], away > _FAR_M, metres, strict=True):
        if is_far:
            yield str(lake), float(distance)


def _not_shown(inventory: Inventory) -> Sheet:
    """Return the lakes of the partner's catalogue that the images do not show, with the reason."""
    register = schema.conform(inventory.register, schema.REGISTER)
    rows = register[register[C.REASON].notna()]
    fields = (
        Field(N_("Catalogue No.")),
        Field(N_("Name")),
        Field(N_("District")),
        *_WHERE,
        Field(N_("Reason"), "word"),
    )
    return Sheet(
        N_("Not on images"),
        fields,
        tuple(
            (
                row.catalogue_no,
                row.lake_name,
                row.district,
                _real(row.lat),
                _real(row.lon),
                _reason(row),
            )
            for row in _each(rows)
        ),
        N_("Lakes of the catalogue that the images do not show"),
    )


def _reason(row: Any) -> str:
    try:
        return Message.from_json(json_of(row.reason_message))
    except (ValueError, TypeError, LookupError):
        return str(row.reason)


def route(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the order in which places are near each other: each next the closest one left.

    Parameters
    ----------
    points : sequence of tuple of float
        Latitude and longitude in degrees.

    Examples
    --------
    >>> route([(0, 0), (5, 0), (1, 0)])
    [0, 2, 1]
    """
    left = list(range(len(points)))
    order: list[int] = []
    while left:
        if not order:
            following = left[0]
        else:
            lat, lon = points[order[-1]]
            narrow = math.cos(math.radians(lat))
            following = min(
                left,
                key=lambda i: math.hypot(
                    points[i][0] - lat,
                    (points[i][1] - lon) * narrow,
                ),
            )
        order.append(following)
        left.remove(following)
    return order


def number(field: Field, value: float) -> float:
    """Return a number as it is shown: what rounds to zero has no sign."""
    return 0.0 if round(value, field.digits) == 0 else value


def heading(field: Field, language: str) -> str:
    """Return the heading of a column, with its unit."""
    title = translate(field.title, language)
    return f"{title}, {translate(field.unit, language)}" if field.unit else title


def words(field: Field, value: Any, language: str) -> str:
    """Return the text of a cell of text, words or truth: words of ours in the language."""
    if field.kind == "truth":
        return translate("yes" if value else "no", language, context="value")
    if field.kind != "word" and value != ALL:
        return str(value)
    parts = value if isinstance(value, tuple) else (value,)
    return "; ".join(
        in_language(part, language) if isinstance(part, Message) else translate(part, language)
        for part in parts
    )
