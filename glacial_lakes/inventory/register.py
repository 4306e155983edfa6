"""Numbers that lakes keep for ever: those of reports, and those of the partner's catalogue.

The register only grows. What the catalogue says of a lake is a decision like that of a person: the
newer of two on one thing counts, and the other is told (:func:`differing`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, Message
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.inventory import decisions
from glacial_lakes.inventory.catalogue import FIELDS, Catalogue
from glacial_lakes.io.parsing import json_of
from glacial_lakes.measures.meridian import distance_m, in_equal_area
from glacial_lakes.schema import LakeState, Status
from glacial_lakes.settings import NUMBER_PATTERN
from glacial_lakes.tracking.tables import Tracked, footprints

JOIN_M = 200.0
"""Farthest that a lake lies from where the catalogue has it: lists round their coordinates, and
:class:`~glacial_lakes.settings.TrackingSettings` takes outlines so far apart for one lake."""
_PLACE_M = 50.0
"""Radius of the ground around a point that images are asked about."""
_REJECTED = N_("a person rejected the lake {lake}")
_SEEN = 0.5
"""Share of a place from which an image shows it."""

Row = dict[str, Any]


@dataclass
class Views:
    """How scenes saw the places of a catalogue, filled in scene by scene."""

    places: gpd.GeoSeries
    """In :data:`~glacial_lakes.grid.EQUAL_AREA`, by catalogue number."""
    fraction: pd.Series
    """Most that one scene shows of each."""
    status: pd.Series
    """What hides the rest there."""
    last: pd.Series
    """Time of the last scene that shows it."""

    @classmethod
    def of(cls, catalogue: Catalogue) -> Views:
        """Return the views before any scene has been seen."""
        placed = catalogue.placed
        shapes = in_equal_area(placed.geometry).to_numpy()
        points = shapely.get_dimensions(shapes) < 2
        shapes = np.where(points, shapely.buffer(shapes, _PLACE_M), shapes)
        index = pd.Index(placed[C.CATALOGUE_NO])
        places = gpd.GeoSeries(shapes, index=index, crs=EQUAL_AREA)
        return cls(
            places,
            pd.Series(0.0, index=index),
            pd.Series(Status.NODATA, index=index, dtype="object"),
            pd.Series(pd.NaT, index=index, dtype="datetime64[ms, UTC]"),
        )

    def add(self, coverage: Any, acquired: pd.Timestamp) -> None:
        """Take in how a scene saw the places."""
        if self.places.empty:
            return
        seen = coverage.observe(self.places)
        fraction = pd.Series(seen[C.OBSERVED_FRACTION].to_numpy(dtype=float), self.places.index)
        status = pd.Series(seen[C.STATUS].to_numpy(dtype=object), self.places.index)
        better = (fraction > self.fraction) | (
            (self.status == Status.NODATA) & (status != Status.NODATA)
        )
        self.fraction = self.fraction.where(~better, fraction)
        self.status = self.status.where(~better, status)
        later = (fraction >= _SEEN) & ~(self.last >= acquired)
        self.last = self.last.where(~later, acquired)


def registered(
    register: pd.DataFrame,
    tracked: Tracked,
    reviews: gpd.GeoDataFrame,
    catalogue: Catalogue | None = None,
    views: Views | None = None,
    kept: Collection[str] = (),
) -> tuple[pd.DataFrame, Tracked]:
    """Give the lakes numbers, join the catalogue to them, and say of them what it says.

    Parameters
    ----------
    register : pandas.DataFrame
        :data:`glacial_lakes.schema.REGISTER` of the earlier inventory.
    tracked : Tracked
        Lakes with what persons said of them.
    reviews : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS`.
    catalogue : Catalogue, optional
        What the file says now; by default the register holds what it last said.
    views : Views, optional
        How the scenes saw its places, for the reasons.
    kept : collection of str
        Lakes with the rows of the earlier inventory: what the catalogue and its districts said of
        them then is said anew.

    Returns
    -------
    register : pandas.DataFrame
        With the numbers of new lakes and what the catalogue says now.
    tracked : Tracked
        Lakes and outlines with ``number``, ``catalogue_no``, ``lake_name``, ``district`` and
        ``comment``.
    """
    rows = _records(register)
    said = _said_by_persons(reviews)
    if catalogue is not None:
        tracked = _without_earlier_words(tracked, rows, said, kept)
    tracked = replace(tracked, lakes=_with_words_of_outlines(tracked.lakes, tracked.outlines))
    if catalogue is not None:
        rows = [row for row in rows if not _is_second(row, rows)]  # told anew, if still true
        elsewhere = _elsewhere(rows, catalogue, tracked.outlines, said)
        rows = _with_catalogue(rows, catalogue, reviews, elsewhere)
    rows = _joined(rows, tracked, said, catalogue)
    rows = _numbered(rows, tracked.lakes)
    tracked = _named(rows, tracked, said)
    if catalogue is not None:
        if catalogue.districts is not None:
            told = {row[C.LAKE_ID] for row in rows if row[C.DISTRICT] is not None}
            told |= {lake for lake, field in said if field == C.DISTRICT}
            tracked = _in_districts(tracked, catalogue.districts, told, kept)
        by_persons = {
            lake: who.value for (lake, name), who in said.items() if name == C.CATALOGUE_NO
        }
        rows, tracked = _with_new_numbers(rows, tracked, catalogue.patterns, by_persons)
    table = schema.conform(pd.DataFrame(_explained(rows, tracked, reviews, views)), schema.REGISTER)
    order = [C.NUMBER, C.CATALOGUE_NO]
    return table.sort_values(order, kind="stable", ignore_index=True), tracked


def catalogued_lakes(register: pd.DataFrame) -> set[str]:
    """Return the lakes that have a number of the partner's catalogue."""
    return set(register.loc[register[C.CATALOGUE_NO].notna(), C.LAKE_ID].dropna())


def differing(register: pd.DataFrame, lakes: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """Return where the catalogue and a person say different things of a lake.

    Parameters
    ----------
    register, lakes, reviews : pandas.DataFrame
        Layers of an inventory.

    Returns
    -------
    pandas.DataFrame
        ``lake_id``, ``field``, ``catalogue`` and ``person`` (the two values), ``reviewer``, and
        ``counts``: the value that the lake has.
    """
    said = _said_by_persons(reviews)
    now = lakes.set_index(C.LAKE_ID)
    found = []
    for row in _records(register):
        lake = row[C.LAKE_ID]
        if lake not in now.index or not row[C.SOURCE]:
            continue
        for field in FIELDS:
            decision = said.get((lake, field))
            if decision is None or row[field] is None or decision.value == row[field]:
                continue
            found.append(
                {
                    C.LAKE_ID: lake,
                    "field": field,
                    "catalogue": row[field],
                    "person": decision.value,
                    C.REVIEWER: decision.reviewer,
                    "counts": now.loc[lake, field],
                }
            )
    columns = [C.LAKE_ID, "field", "catalogue", "person", C.REVIEWER, "counts"]
    return pd.DataFrame(found, columns=columns)


def pattern_of(pattern: str) -> re.Pattern[str]:
    """Return what tells the numbers of a pattern such as ``KG-CHU-{n:04d}``."""
    before, _, after = NUMBER_PATTERN.sub("\0", pattern).partition("\0")
    return re.compile(f"{re.escape(before)}([0-9]+){re.escape(after)}")


def _numbered_as(pattern: str, n: int) -> str:
    found = NUMBER_PATTERN.search(pattern)
    digits = 1 if found is None else int(found["digits"] or 1)
    return NUMBER_PATTERN.sub(f"{n:0{digits}d}", pattern)


@dataclass(frozen=True, slots=True)
class _Said:
    """The last that a person said on one thing of a lake."""

    value: str | None
    review: int
    reviewer: str | None


def _records(table: pd.DataFrame) -> list[Row]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _empty_row() -> Row:
    return {column.name: None for column in schema.REGISTER}


def _said_by_persons(reviews: pd.DataFrame) -> dict[tuple[str, str], _Said]:
    said: dict[tuple[str, str], _Said] = {}
    if reviews.empty:
        return said
    for row in _records(reviews.sort_values(C.REVIEW_ID, kind="stable")):
        for field in FIELDS:
            if row[field] is not None:
                value = row[field] or None
                said[row[C.LAKE_ID], field] = _Said(value, int(row[C.REVIEW_ID]), row[C.REVIEWER])
    return said


def _with_words_of_outlines(
    lakes: gpd.GeoDataFrame, outlines: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the lakes with what any of their outlines brought: the latest that says something."""
    if outlines.empty or lakes.empty:
        return lakes
    lakes = lakes.copy(deep=False)
    by_time = outlines.sort_values(C.ACQUIRED, kind="stable")
    for name in FIELDS:
        latest = by_time[by_time[name].notna()].drop_duplicates(C.LAKE_ID, keep="last")
        values = lakes[C.LAKE_ID].map(latest.set_index(C.LAKE_ID)[name])
        lakes[name] = lakes[name].where(lakes[name].notna(), values)
    return gpd.GeoDataFrame(schema.conform(lakes, schema.LAKES), crs=lakes.crs)


def _is_second(row: Row, rows: list[Row]) -> bool:
    """Tell whether a lake that was numbered here has the number of an entry of the catalogue."""
    return row[C.LAKE_ID] is None and any(
        other is not row and other[C.CATALOGUE_NO] == row[C.CATALOGUE_NO] for other in rows
    )


def _elsewhere(
    rows: list[Row],
    catalogue: Catalogue,
    outlines: gpd.GeoDataFrame,
    said: Mapping[tuple[str, str], _Said],
) -> dict[str, float]:
    """Return numbers that were given here, and that the file now gives to lakes far from those.

    Returned is how far, in metres. Where a person gave the number, the lake is that of the file.
    """
    given = {
        row[C.CATALOGUE_NO]: row[C.LAKE_ID]
        for row in rows
        if row[C.LAKE_ID] is not None and not row[C.SOURCE]
        if (row[C.LAKE_ID], C.CATALOGUE_NO) not in said
    }
    places = catalogue.placed[catalogue.placed[C.CATALOGUE_NO].isin(given)]
    if places.empty or outlines.empty:
        return {}
    numbers = places[C.CATALOGUE_NO].tolist()
    grounds = footprints(outlines).reindex([given[number] for number in numbers])
    away = distance_m(in_equal_area(places.geometry).to_numpy(), grounds.to_numpy())
    return {
        number: float(metres)
        for number, metres in zip(numbers, away, strict=True)
        if metres > JOIN_M
    }


def _with_catalogue(
    rows: list[Row],
    catalogue: Catalogue,
    reviews: gpd.GeoDataFrame,
    elsewhere: Mapping[str, float],
) -> list[Row]:
    """Return the register with what the file says now; what it no longer names is kept.

    A value that the file has changed is newer than what persons decided before it was saved. What
    it says at first is a fact that every decision outranks.
    """
    known = {row[C.CATALOGUE_NO]: row for row in rows if row[C.CATALOGUE_NO] is not None}
    before = reviews.loc[reviews[C.REVIEWED] <= catalogue.saved, C.REVIEW_ID]
    last = int(before.max()) if len(before) else 0
    for entry in _records(catalogue.places):
        is_new = entry[C.CATALOGUE_NO] not in known or entry[C.CATALOGUE_NO] in elsewhere
        row = _empty_row() if is_new else known[entry[C.CATALOGUE_NO]]
        if is_new:
            rows.append(row)
        after = _decided_after(row)
        for field in FIELDS:
            if row[C.SOURCE] and row[field] != entry[field]:
                after[field] = last
        point = shapely.point_on_surface(entry["geometry"])
        row |= {field: entry[field] for field in FIELDS}
        row |= {C.LON: shapely.get_x(point), C.LAT: shapely.get_y(point)}
        row |= {C.SOURCE: catalogue.source, C.DECIDED_AFTER: json.dumps(after) if after else None}
    return rows


def _decided_after(row: Row) -> dict[str, int]:
    return dict(json_of(row[C.DECIDED_AFTER])) if row.get(C.DECIDED_AFTER) else {}


def _joined(
    rows: list[Row],
    tracked: Tracked,
    said: Mapping[tuple[str, str], _Said],
    catalogue: Catalogue | None,
) -> list[Row]:
    """Give each number of the catalogue its lake: for ever, or until a person says otherwise."""
    in_reports = _report_numbers(rows)
    by_number = {  # of two rows of one number that of a lake
        row[C.CATALOGUE_NO]: row
        for row in sorted(rows, key=lambda row: row[C.LAKE_ID] is not None)
        if row[C.CATALOGUE_NO] is not None
    }
    left: list[tuple[str, Row]] = []
    for (lake, field), decision in said.items():
        if field != C.CATALOGUE_NO:
            continue
        for row in rows:  # a lake has one number, a number one lake
            if row[C.LAKE_ID] == lake and row[C.CATALOGUE_NO] not in (None, decision.value):
                row[C.LAKE_ID] = None
                if decision.value is not None and decision.value not in by_number:
                    left.append((lake, row))
        if decision.value in by_number:
            by_number[decision.value][C.LAKE_ID] = lake
    for lake, row in left:  # a lake that a person gave a number of its own is still called so
        if row[C.LAKE_ID] is None:
            words = {field: row[field] for field in FIELDS if field != C.CATALOGUE_NO}
            rows.append(_empty_row() | words | {C.LAKE_ID: lake})
    if catalogue is None or tracked.outlines.empty:
        return _tidied(rows, in_reports)
    decided = {lake for lake, field in said if field == C.CATALOGUE_NO}
    joined = {row[C.LAKE_ID] for row in by_number.values()} | decided
    ids = tracked.lakes.set_index(C.LAKE_ID)[C.CATALOGUE_NO]
    for lake, number in ids.dropna().items():  # outlines may bring the numbers of the catalogue
        entry = by_number.get(number)
        if entry is not None and entry[C.LAKE_ID] is None and lake not in joined:
            entry[C.LAKE_ID] = lake
            joined.add(lake)
    places = catalogue.placed.set_index(C.CATALOGUE_NO).geometry
    open_places = places[[by_number[number][C.LAKE_ID] is None for number in places.index]]
    grounds = footprints(tracked.outlines)
    grounds = grounds[grounds.index.isin(set(tracked.lakes[C.LAKE_ID]) | joined)]
    for number, lake in _nearest(in_equal_area(open_places), grounds, joined):
        by_number[number][C.LAKE_ID] = lake
    return _tidied(rows, in_reports)


def _report_numbers(rows: list[Row]) -> dict[str, int]:
    """Return the number of reports of each lake."""
    return {
        row[C.LAKE_ID]: row[C.NUMBER]
        for row in rows
        if row[C.LAKE_ID] is not None and not _is_missing(row[C.NUMBER])
    }


def _tidied(rows: list[Row], numbers: Mapping[str, int]) -> list[Row]:
    """Put the report's number of a lake into the row of its catalogue number.

    It stays with the lake when a number of the catalogue goes to another one.
    """
    kept = []
    in_catalogue = {row[C.LAKE_ID] for row in rows if row[C.CATALOGUE_NO] is not None}
    for row in rows:
        if row[C.CATALOGUE_NO] is None and row[C.LAKE_ID] in in_catalogue:
            continue
        kept.append(row | {C.NUMBER: numbers.get(row[C.LAKE_ID])})
    alone = {row[C.LAKE_ID] for row in kept}
    kept += [
        _empty_row() | {C.LAKE_ID: lake, C.NUMBER: number}
        for lake, number in numbers.items()
        if lake not in alone
    ]
    return kept


def _nearest(
    places: gpd.GeoSeries, grounds: gpd.GeoSeries, joined: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield places and lakes that belong together: each once, the closest pairs first.

    A place that lies in a lake is no place of its neighbours, also where the lake has a number.
    """
    if places.empty or grounds.empty:
        return
    shapes, lakes = places.to_numpy(), grounds.to_numpy()
    tree = shapely.STRtree(lakes)
    place, lake = tree.query(shapely.buffer(shapes, 2 * JOIN_M), predicate="intersects")
    away = distance_m(shapes[place], lakes[lake])
    shared = shapely.area(shapely.intersection(shapes[place], lakes[lake]))
    is_inside = shapely.intersects(shapely.point_on_surface(shapes[place]), lakes[lake])
    is_of_a_lake = np.isin(place, place[is_inside])
    may_join = np.where(is_of_a_lake, is_inside, away <= JOIN_M)
    sizes = shapely.area(lakes[lake])  # the ground of a lake may hold that of another one
    pairs = sorted(
        (float(distance), -float(area), float(size), str(places.index[i]), str(grounds.index[j]))
        for distance, area, size, i, j in zip(
            *(column[may_join] for column in (away, shared, sizes, place, lake)), strict=True
        )
    )
    numbers: set[str] = set()
    taken = set(joined)
    for *_, number, name in pairs:
        if number not in numbers and name not in taken:
            numbers.add(number)
            taken.add(name)
            yield number, name


def _numbered(rows: list[Row], lakes: gpd.GeoDataFrame) -> list[Row]:
    """Give each lake that has none the next number of reports, the largest lake first."""
    by_lake = {row[C.LAKE_ID]: row for row in rows if row[C.LAKE_ID] is not None}
    next_number = 1 + max(
        (int(row[C.NUMBER]) for row in rows if not _is_missing(row[C.NUMBER])), default=0
    )
    ordered = lakes.sort_values(
        [C.AREA_M2, C.LAKE_ID], ascending=[False, True], kind="stable", na_position="last"
    )
    for lake in ordered[C.LAKE_ID]:
        row = by_lake.get(lake)
        if row is None:
            row = _empty_row() | {C.LAKE_ID: lake}
            rows.append(row)
        if _is_missing(row[C.NUMBER]):
            row[C.NUMBER] = next_number
            next_number += 1
    return rows


def _is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _named(rows: list[Row], tracked: Tracked, said: Mapping[tuple[str, str], _Said]) -> Tracked:
    """Return lakes and outlines with numbers, and with what the catalogue says."""
    lakes = tracked.lakes.copy(deep=False)
    by_lake = {row[C.LAKE_ID]: row for row in rows if row[C.LAKE_ID] is not None}
    ids = lakes[C.LAKE_ID]
    numbers = [by_lake[lake][C.NUMBER] if lake in by_lake else None for lake in ids]
    lakes[C.NUMBER] = pd.array(numbers, dtype="Int64")
    values: dict[str, dict[str, str]] = {field: {} for field in FIELDS}
    for lake, row in by_lake.items():
        after = _decided_after(row)
        for field in FIELDS:
            decision = said.get((lake, field))
            is_newer = decision is not None and decision.review > after.get(field, 0)
            if row[field] is not None and not is_newer:
                values[field][lake] = row[field]
    return _with_values(replace(tracked, lakes=lakes), values)


def _with_values(tracked: Tracked, values: Mapping[str, Mapping[str, str]]) -> Tracked:
    """Return lakes and outlines with values by column and lake; the others keep theirs.

    Numbers, names and districts are those of the lake: its outlines of all dates have them too.
    """
    tables = []
    for table, columns in ((tracked.lakes, schema.LAKES), (tracked.outlines, schema.OUTLINES)):
        changed = table.copy(deep=False)
        for field, by_lake in values.items():
            if by_lake:
                found = changed[C.LAKE_ID].map(by_lake)
                changed[field] = changed[field].where(found.isna(), found)
        tables.append(gpd.GeoDataFrame(schema.conform(changed, columns), crs=table.crs))
    return replace(tracked, lakes=tables[0], outlines=tables[1])


def _without_earlier_words(
    tracked: Tracked,
    rows: list[Row],
    said: Mapping[tuple[str, str], _Said],
    kept: Collection[str],
) -> Tracked:
    """Return the tables without what the catalogue said of kept lakes, and no person did.

    Lakes that scenes show are made anew in each run; the others would tell for ever what the
    catalogue has taken back.
    """
    tables = [table.copy() for table in (tracked.lakes, tracked.outlines)]
    for row in rows:
        for field in FIELDS:
            lake, value = row[C.LAKE_ID], row[field]
            if lake not in kept or value is None or (lake, field) in said:
                continue
            for table in tables:
                table.loc[(table[C.LAKE_ID] == lake) & (table[field] == value), field] = None
    return replace(tracked, lakes=tables[0], outlines=tables[1])


def _in_districts(
    tracked: Tracked, districts: gpd.GeoDataFrame, told: Collection[str], kept: Collection[str]
) -> Tracked:
    """Say in which district lakes lie of which neither catalogue nor person tells it.

    Those that are kept have the district of an earlier run, which may be called otherwise now.
    """
    lakes = tracked.lakes
    is_open = lakes[C.DISTRICT].isna() | lakes[C.LAKE_ID].isin(kept)
    open_lakes = lakes[is_open & ~lakes[C.LAKE_ID].isin(told)]
    points = shapely.point_on_surface(open_lakes.geometry.to_numpy())
    lake, district = shapely.STRtree(districts.geometry.to_numpy()).query(
        points, predicate="intersects"
    )
    names = districts[C.DISTRICT].iloc[district]
    found = dict(zip(open_lakes[C.LAKE_ID].iloc[lake], names, strict=True))
    known = {str(name): str(text) for name, text in found.items() if text is not None}
    return _with_values(tracked, {C.DISTRICT: known})


def _with_new_numbers(
    rows: list[Row],
    tracked: Tracked,
    patterns: Mapping[str, str],
    by_persons: Mapping[str, str | None],
) -> tuple[list[Row], Tracked]:
    """Give present lakes without a number of the catalogue the next free one of their pattern.

    Numbers that persons gave are not free, also when their lakes are no more; a lake whose number
    a person took away gets none.
    """
    if not patterns:
        return rows, tracked
    taken = {number for number in by_persons.values() if number is not None}
    taken |= {str(row[C.CATALOGUE_NO]) for row in rows if row[C.CATALOGUE_NO] is not None}
    taken |= set(tracked.lakes[C.CATALOGUE_NO].dropna())
    last = {}
    for pattern in patterns.values():
        form = pattern_of(pattern)
        found = [int(match[1]) for number in taken if (match := form.fullmatch(number))]
        last[pattern] = max(found, default=0)
    by_lake = {row[C.LAKE_ID]: row for row in rows if row[C.LAKE_ID] is not None}
    lakes = tracked.lakes[tracked.lakes[C.STATE] == LakeState.PRESENT]
    is_open = lakes[C.CATALOGUE_NO].isna() & ~lakes[C.LAKE_ID].isin(by_persons)
    new = lakes[is_open].sort_values(C.NUMBER, kind="stable")
    given: dict[str, str] = {}
    for lake, district in zip(new[C.LAKE_ID], new[C.DISTRICT], strict=True):
        pattern = patterns.get(district or "", patterns.get("", ""))
        if not pattern:
            continue
        last[pattern] += 1
        given[lake] = _numbered_as(pattern, last[pattern])
        by_lake[lake][C.CATALOGUE_NO] = given[lake]
    return rows, _with_values(tracked, {C.CATALOGUE_NO: given})


def _explained(
    rows: list[Row], tracked: Tracked, reviews: gpd.GeoDataFrame, views: Views | None
) -> Iterator[Row]:
    """Yield the rows with the reason why no lake of the images has a number of the catalogue."""
    lakes = tracked.lakes
    there = set(lakes[C.LAKE_ID])
    rejected = decisions.rejected_lakes(reviews) if len(reviews) else reviews
    refused = set(rejected[C.LAKE_ID])
    grounds, no_lakes = (
        shapely.STRtree(in_equal_area(gpd.GeoSeries(table.geometry)).to_numpy())
        for table in (lakes, rejected)
    )
    taken = dict(zip(lakes[C.LAKE_ID], lakes[C.CATALOGUE_NO], strict=True))
    numbered = {number: lake for lake, number in taken.items() if number is not None}

    def at_place(number: str, views: Views) -> Message:
        place = views.places[number]
        inside = shapely.point_on_surface(place)
        for found in no_lakes.query(inside, predicate="intersects"):
            return Message(_REJECTED, lake=rejected[C.LAKE_ID].iloc[found])
        for found in grounds.query(place, predicate="intersects"):
            lake = lakes[C.LAKE_ID].iloc[found]
            return Message(
                "lies in lake {lake}, which has number {number}",
                lake=lake,
                number=taken[lake] or "–",
            )
        return _unseen(views, number)

    for row in rows:
        if not row[C.SOURCE]:
            yield row
            continue
        if row[C.LAKE_ID] in there:
            yield row | {C.REASON: None, C.REASON_MESSAGE: None}
            continue
        reason = None
        if row[C.LAKE_ID] is None and row[C.CATALOGUE_NO] in numbered:
            reason = Message(
                "lake {lake} had this number before the catalogue gave it to this place: give one "
                "of them another number",
                lake=numbered[row[C.CATALOGUE_NO]],
            )
        elif row[C.LAKE_ID] in refused:
            reason = Message(_REJECTED, lake=row[C.LAKE_ID])
        elif row[C.LAKE_ID] is not None:
            reason = Message("the images of today do not show lake {lake}", lake=row[C.LAKE_ID])
        elif _is_missing(row[C.LON]):
            reason = Message("the catalogue does not tell where it lies")
        elif views is not None and row[C.CATALOGUE_NO] in views.places.index:
            reason = at_place(row[C.CATALOGUE_NO], views)
        if reason is None:
            yield row
        else:
            text = json.dumps(reason.as_json(), ensure_ascii=False)
            yield row | {C.REASON: str(reason), C.REASON_MESSAGE: text}


def _unseen(views: Views, number: str) -> Message:
    if views.fraction[number] >= _SEEN:
        return Message(
            "images show the place, and no lake was mapped there; the last is of {day} "
            "(limits: smallest area, area of interest, distance to glaciers)",
            day=Message.of_day(views.last[number]),
        )
    if views.status[number] == Status.NODATA:
        return Message("no image shows the place")
    return Message(
        "no image shows the place clearly: {reason}", reason=Message(str(views.status[number]))
    )
