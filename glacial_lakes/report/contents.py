"""What the report says: an inventory's tables put into words, numbers and drawings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.change.offsets import difference_of, offsets_of
from glacial_lakes.change.series import best_of_day, scenes_showing, times_of_scenes
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import reference
from glacial_lakes.inventory.register import differing
from glacial_lakes.io.parsing import json_of
from glacial_lakes.language import MISSING, translate
from glacial_lakes.measures.meridian import turned
from glacial_lakes.report.changes import (
    alert_rows,
    changed_lakes,
    conflicts_of,
    total_rows,
    trend_rows,
)
from glacial_lakes.report.chips import draw_chip
from glacial_lakes.report.curves import draw_curve
from glacial_lakes.report.maps import Map, MapInput, draw_map, extent_of
from glacial_lakes.report.model import (
    Alert,
    Change,
    Conflict,
    Lake,
    LakeEvent,
    LakeTrend,
    Observation,
    SceneRow,
    Screening,
)
from glacial_lakes.report.summaries import TO_VISIT, Sheet, tables, without_empty
from glacial_lakes.schema import UNUSED, LakeState, Status

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.inventory.total import Total

LISTED = 2000
"""Lakes in the table: more make a page that no reader can use and a browser opens slowly."""
DRAWN = 300
"""Lakes with a curve and an outline, at most: first those that a newer image contradicts, with
an alert or a change, then the largest."""
DRAWN_DATES = 20_000
"""Dates in all curves together, at most: they bound the size of the page."""
MOST_ROWS = 1000
"""Alerts and events in the tables, at most."""

TABLE_ROWS = 200
"""Rows of a table that ``inventory.xlsx`` has whole, at most."""
SUMMARY_ROWS = 20
"""Alerts, events, changed lakes and groups in a summary, at most."""
SUMMARY_EPOCHS, SUMMARY_TOTALS = 4, 60
"""Dates and rows of the totals in a summary, at most."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the template shows."""

    lakes: tuple[Lake, ...]
    """The lakes of the table: all, or the most important :data:`LISTED`."""
    n_lakes: int
    n_unseen: int
    """Lakes that are present and were not seen on the last date."""
    events: tuple[LakeEvent, ...]
    n_events: int
    alerts: tuple[Alert, ...]
    n_alerts: int
    n_contradicted: int
    changed: tuple[Lake, ...]
    totals: tuple[dict[str, Any], ...]
    tables: tuple[Sheet, ...]
    """Sums by group, changes, what to visit and to check."""
    scenes: tuple[SceneRow, ...]
    total: Total
    map: Map | None
    has_glaciers: bool
    first_date: pd.Timestamp | None
    last_date: pd.Timestamp | None
    n_dates: int
    sensors: tuple[str, ...]
    bounds: tuple[float, float, float, float] | None
    versions: tuple[str, ...]
    run_started: pd.Timestamp | None
    settings: tuple[tuple[str, str], ...]
    """Name and value of each setting of the last run."""
    min_area_m2: float | None
    glacier_buffer_m: float | None
    labels: Mapping[str, str]
    """What the partner calls lakes, by lake ID: number of the catalogue and name."""
    unseen_entries: tuple[dict[str, Any], ...]
    """Lakes of the partner's catalogue that the images do not show."""
    differing: tuple[dict[str, Any], ...]
    """Where the catalogue and a person say different things of a lake."""
    n_without_dem: int
    """Outlines that shade and slope are not excluded from."""

    @property
    def scene_by_id(self) -> dict[str, SceneRow]:
        """Scenes by their id."""
        return {scene.scene_id: scene for scene in self.scenes}

    @property
    def drawn(self) -> tuple[Lake, ...]:
        """The lakes with a curve."""
        return tuple(lake for lake in self.lakes if lake.curve is not None)

    @property
    def unseen(self) -> tuple[Lake, ...]:
        """Lakes of the table that are present and were not seen on the last date."""
        return tuple(lake for lake in self.lakes if lake.is_unseen_last)

    @property
    def contradicted(self) -> tuple[Lake, ...]:
        """Lakes whose newest outline is clearly different from what a person drew."""
        return tuple(lake for lake in self.lakes if lake.conflict)


def describe(
    inventory: Inventory,
    glaciers: Iterable[shapely.Geometry],
    language: str,
    since: str | Inventory | None = None,
) -> Contents:
    """Gather what the report says of an inventory.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`; every one may be empty.
    glaciers : iterable of shapely.Geometry
        Outlines in EPSG:4326 for the map, may be empty.
    language : str
        Language of the labels in the drawings.
    since : str or Inventory, optional
        What changes are told from, see :func:`glacial_lakes.report.summaries.tables`.
    """
    known_of = _tables(inventory)
    observations, scenes, times = known_of.observations, known_of.scenes, known_of.times
    events, conflicts, all_lakes = known_of.events, known_of.conflicts, known_of.lakes
    trends = known_of.trends
    alerts = inventory.alerts.sort_values(
        [C.DATE, C.LAKE_ID, C.ALERT], ascending=[False, True, True], kind="stable"
    )
    changed = changed_lakes(all_lakes, trends)
    important = list(
        dict.fromkeys([*conflicts, *alerts[C.LAKE_ID], *changed, *all_lakes[C.LAKE_ID]])
    )
    n_drawn = min(DRAWN, max(DRAWN_DATES // max(scenes[C.SCENE_ID].nunique(), 1), 1))
    drawn = set(important[:n_drawn])
    lakes = _lakes(known_of, important[:LISTED], drawn, language)
    by_id = {lake.lake_id: lake for lake in lakes}
    numbers = {name: by_id[name].number for name in important[:n_drawn]}
    ice = [glacier for glacier in glaciers if glacier is not None and not glacier.is_empty]
    shapes = dict(zip(inventory.lakes[C.LAKE_ID], inventory.lakes.geometry, strict=True))
    known = [shape for shape in shapes.values() if shape is not None and not shape.is_empty]
    rest = all_lakes[~all_lakes[C.LAKE_ID].isin(drawn)]
    runs = schema.conform(inventory.runs, schema.RUNS).sort_values(C.STARTED, kind="stable")
    settings = _json_object(_text(runs[C.SETTINGS].iloc[-1]) if len(runs) else None)
    versions = runs[C.VERSION].dropna()
    if versions.empty and C.VERSION in inventory.outlines:
        versions = inventory.outlines[C.VERSION].dropna().sort_values()
    area = settings.get("area")
    area = area if isinstance(area, dict) else {}
    return Contents(
        lakes=lakes,
        n_lakes=len(all_lakes),
        n_unseen=int(all_lakes["is_unseen_last"].sum()),
        events=_events(events, observations, numbers),
        n_events=len(events),
        alerts=alert_rows(alerts.iloc[:MOST_ROWS], numbers),
        n_alerts=len(alerts),
        n_contradicted=len(conflicts),
        changed=tuple(by_id[name] for name in changed),
        totals=total_rows(inventory),
        tables=tuple(without_empty(table) for table in tables(inventory, since)),
        scenes=_scenes(scenes, observations),
        total=inventory.total,
        labels=_labels(all_lakes),
        unseen_entries=_unseen_entries(inventory.register),
        differing=_differing(inventory),
        map=draw_map(
            [
                _on_map(lake, shapes[lake.lake_id], conflicts)
                for lake in lakes
                if lake.lake_id in drawn
            ],
            ice,
            language,
            rest=[
                (_state_on_map(lake.state, lake.is_unseen_last), shapes[lake.lake_id])
                for lake in _each(rest)
            ],
        ),
        has_glaciers=bool(ice),
        first_date=times.min() if len(times) else None,
        last_date=times.max() if len(times) else None,
        n_dates=times.dt.floor("D").nunique(),
        sensors=tuple(sorted({str(name) for name in scenes[C.SENSOR].dropna()})),
        bounds=_extent(known) if known else None,
        versions=tuple(dict.fromkeys(str(version) for version in versions)),
        run_started=_time(runs[C.STARTED].iloc[-1]) if len(runs) else None,
        settings=tuple(_listed_settings(settings)),
        min_area_m2=_real(area.get("min_area_m2")),
        glacier_buffer_m=_real(area.get("glacier_buffer_m")),
        n_without_dem=int((known_of.outlines[C.QUALITY] == schema.NO_DEM).sum()),
    )


def lakes_of(inventory: Inventory, names: Sequence[str], language: str) -> tuple[Lake, ...]:
    """Return lakes by area, each with a curve and an outline.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.
    names : sequence of str
        Lake IDs.
    language : str
        Language of the labels in the drawings.
    """
    return _lakes(_tables(inventory), names, set(names), language)


@dataclass(frozen=True, slots=True)
class _Tables:
    """What is told of lakes, as the schema wants it."""

    observations: pd.DataFrame
    """The best of each lake and day."""
    scenes: pd.DataFrame
    times: pd.Series
    """Of all images that were used."""
    events: pd.DataFrame
    outlines: gpd.GeoDataFrame
    conflicts: Mapping[str, tuple[Conflict, shapely.Geometry]]
    lakes: pd.DataFrame
    trends: Mapping[str, LakeTrend]


def _tables(inventory: Inventory) -> _Tables:
    observations = best_of_day(schema.conform(inventory.observations, schema.OBSERVATIONS))
    scenes = schema.conform(inventory.scenes, schema.SCENES)
    times = scenes.loc[~scenes[C.STATE].isin(UNUSED), C.ACQUIRED].dropna()
    times = times if len(times) else observations[C.ACQUIRED].dropna()
    outlines = schema.conform(inventory.outlines, schema.OUTLINES)
    return _Tables(
        observations,
        scenes,
        times,
        schema.conform(inventory.events, schema.LAKE_EVENTS),
        outlines,
        conflicts_of(schema.conform(inventory.lakes, schema.LAKES), outlines),
        _all_lakes(inventory, observations, times, scenes),
        trend_rows(inventory),
    )


def shortened(contents: Contents) -> Contents:
    """Return what a summary shows: the first rows of each table, and the last of the totals."""
    epochs = list(dict.fromkeys(row[C.EPOCH] for row in contents.totals))[-SUMMARY_EPOCHS:]
    totals = [row for row in contents.totals if row[C.EPOCH] in epochs]
    return replace(
        contents,
        alerts=contents.alerts[:SUMMARY_ROWS],
        events=contents.events[:SUMMARY_ROWS],
        changed=contents.changed[:SUMMARY_ROWS],
        totals=tuple(totals[-SUMMARY_TOTALS:]),
        tables=tuple(
            replace(table, rows=(*table.rows[:-1][: SUMMARY_ROWS - 1], table.rows[-1]))
            if table.is_group
            else table
            for table in contents.tables
            if table.is_group or table.title == TO_VISIT
        ),
    )


def _extent(known: Sequence[shapely.Geometry]) -> tuple[float, float, float, float]:
    """Return where lakes lie, with longitudes as they are told."""
    west, south, east, north = extent_of(known)
    return float(turned(west, 0.0)), south, float(turned(east, 0.0)), north


def _all_lakes(
    inventory: Inventory, observations: pd.DataFrame, times: pd.Series, scenes: pd.DataFrame
) -> pd.DataFrame:
    """Return the lakes by area, with number, last measurement and whether unseen at the end.

    The outlines of an older survey are of many days, and its date is one of them: the scene tells
    whether a lake was seen.
    """
    table = schema.conform(inventory.lakes, schema.LAKES)
    table = table.sort_values(
        [C.AREA_M2, C.LAKE_ID], ascending=[False, True], kind="stable", na_position="last"
    )
    is_measured = (observations[C.STATUS] == Status.OBSERVED) & observations[C.AREA_M2].notna()
    is_seen = is_measured | (observations[C.STATUS] == Status.ABSENT)
    last_day = times.max().floor("D") if len(times) else pd.NaT
    on_last = times_of_scenes(observations, scenes).dt.floor("D") == last_day
    latest = observations[is_measured].groupby(C.LAKE_ID)[C.ACQUIRED].max()
    state = table[C.STATE].where(table[C.STATE].notna() & (table[C.STATE] != ""), LakeState.PRESENT)
    seen = table[C.LAKE_ID].isin(observations.loc[is_seen & on_last, C.LAKE_ID])
    return table.assign(
        is_unseen_last=(table[C.STATE] == LakeState.PRESENT) & ~seen & (last_day is not pd.NaT),
        last_measured=latest.reindex(table[C.LAKE_ID]).array,
        area_of=_standing_times(inventory).reindex(table[C.LAKE_ID]).array,
        **{C.NUMBER: _numbers(table[C.NUMBER])},
        **{C.STATE: state},
    )


def _standing_times(inventory: Inventory) -> pd.Series:
    """Return the time of the image of the outline that stands for each lake, by lake ID."""
    rows = gpd.GeoDataFrame(schema.conform(inventory.outlines, schema.OUTLINES))
    rows = rows[(rows[C.STATUS] == Status.OBSERVED) & rows[C.AREA_M2].notna()]
    newest = rows.sort_values([C.LAKE_ID, C.ACQUIRED], kind="stable")
    newest = newest.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
    times: pd.Series = newest[C.ACQUIRED].copy()
    drawn = set(rows.loc[rows[C.EDITED].fillna(False).astype(bool), C.LAKE_ID])
    if drawn:  # only there does an older outline stand
        stands = reference(rows[rows[C.LAKE_ID].isin(drawn)])[C.ACQUIRED]
        times.update(stands)
    return times


def _numbers(given: pd.Series) -> list[int]:
    """Return the numbers of lakes; those that have none (written before 0.2) come behind."""
    following = 1 + (int(given.max()) if given.notna().any() else 0)
    numbers = []
    for number in given:
        numbers.append(following if pd.isna(number) else int(number))
        following += int(pd.isna(number))
    return numbers


def _labels(lakes: pd.DataFrame) -> dict[str, str]:
    """Return the number of the catalogue and the name of each lake that has one of them."""
    columns = (lakes[name] for name in (C.LAKE_ID, C.CATALOGUE_NO, C.LAKE_NAME))
    found = {
        str(lake): " ".join(text for text in (_text(number), _text(name)) if text)
        for lake, number, name in zip(*columns, strict=True)
    }
    return {lake: label for lake, label in found.items() if label}


def _differing(inventory: Inventory) -> tuple[dict[str, Any], ...]:
    rows = differing(inventory.register, inventory.lakes, inventory.reviews)
    return tuple({str(key): value for key, value in row._asdict().items()} for row in _each(rows))


def _unseen_entries(register: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    rows = schema.conform(register, schema.REGISTER)
    rows = rows[rows[C.SOURCE].notna() & rows[C.REASON].notna()]
    return tuple(
        {
            C.CATALOGUE_NO: _text(row.catalogue_no),
            C.LAKE_NAME: _text(row.lake_name),
            "district": _text(row.district),
            "lat": _real(row.lat),
            "lon": _real(row.lon),
            "reason": _reason(row),
        }
        for row in _each(rows)
    )


def _lakes(
    tables: _Tables, names: Sequence[str], drawn: set[str], language: str
) -> tuple[Lake, ...]:
    """Return lakes by area, with a curve and an outline those that are drawn."""
    observations, events, trends = tables.observations, tables.events, tables.trends
    listed = tables.lakes[tables.lakes[C.LAKE_ID].isin(names)]
    outlines = tables.outlines[tables.outlines[C.LAKE_ID].isin(drawn)]
    shown = observations[observations[C.LAKE_ID].isin(listed[C.LAKE_ID])]
    every = _observations(shown)
    changes = _changes(shown, every, observations)
    by_lake = {
        name: tuple(every[place] for place in places)
        for name, places in shown.groupby(C.LAKE_ID).indices.items()
    }
    measured = outlines[outlines[C.AREA_M2] > 0].sort_values(C.ACQUIRED, kind="stable")
    first = dict(zip(measured[C.LAKE_ID][::-1], measured.geometry[::-1], strict=True))
    last = dict(zip(measured[C.LAKE_ID], measured.geometry, strict=True))
    period = _axis(tables.times)
    happened_at: dict[str, list[tuple[pd.Timestamp, str]]] = {}
    for event in _each(events):
        for name in _involved(event) if not pd.isna(event.date) else ():
            label = translate(str(event.event), language)
            happened_at.setdefault(name, []).append((pd.Timestamp(event.date), label))
    lakes = []
    for row in _each(listed):
        entries = by_lake.get(row.lake_id, ())
        is_single = len({entry.acquired for entry in entries if entry.is_measured}) < 2
        latest = last.get(row.lake_id, row.geometry)
        trend = trends.get(str(row.lake_id))
        conflict, by_person = tables.conflicts.get(str(row.lake_id), (None, None))
        curve = chip = None
        if row.lake_id in drawn:
            happened = happened_at.get(str(row.lake_id), [])
            begin = None if is_single else first.get(row.lake_id)
            curve = draw_curve(entries, happened, period, language, trend)
            chip = draw_chip(begin, latest, by_person, language)
        lakes.append(
            Lake(
                number=int(row.number),
                lake_id=str(row.lake_id),
                lon=_real(row.lon),
                lat=_real(row.lat),
                elev_m=_real(row.elev_m),
                catalogue_no=_text(row.catalogue_no),
                lake_name=_text(row.lake_name),
                district=_text(row.district),
                comment=_text(row.comment),
                lake_type=_text(row.lake_type),
                dam_type=_text(row.dam_type),
                glacier_id=_text(row.glacier_id),
                glacier_dist_m=_real(row.glacier_dist_m),
                state=row.state,
                area_m2=_real(row.area_m2),
                sigma_m2=_real(row.area_sigma_m2),
                area_of=_time(row.area_of),
                observations=entries,
                change=changes.get(str(row.lake_id)),
                is_unseen_last=bool(row.is_unseen_last),
                verified_by=_text(row.verified_by),
                edited_by=_text(row.edited_by),
                conflict=conflict,
                screening=Screening(
                    **{field.name: _real(getattr(row, field.name)) for field in fields(Screening)}
                ),
                trend=trend,
                curve=curve,
                chip=chip,
            )
        )
    return tuple(lakes)


def _each(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows; their columns are known from the schema, not to the type checker."""
    return iter(table.itertuples())


def _observations(table: pd.DataFrame) -> list[Observation]:
    names = (C.SENSOR, C.SCENE_ID, C.AREA_M2, C.AREA_SIGMA_M2, C.OBSERVED_FRACTION, C.STATUS)
    sensor, scene, area, sigma, fraction, status = (_plain(table[name]) for name in names)
    status = [text or Status.UNCERTAIN for text in status]
    acquired = table[C.ACQUIRED].tolist()
    columns = (acquired, sensor, scene, area, sigma, fraction, status)
    return [Observation(*values) for values in zip(*columns, strict=True)]


def _changes(
    shown: pd.DataFrame, every: Sequence[Observation], observations: pd.DataFrame
) -> dict[str, Change]:
    """Return the change of each lake from its first to its last measured area.

    What two instruments differ by all lakes of the inventory tell.
    """
    measured = [place for place, entry in enumerate(every) if entry.is_measured]
    places = pd.Series(measured, dtype="int64").groupby(shown[C.LAKE_ID].to_numpy()[measured])
    first, last = places.first().to_numpy(), places.last().to_numpy()
    first, last = first[first != last], last[first != last]
    sigmas = difference_of(shown.iloc[first], shown.iloc[last], offsets_of(observations))
    found = {}
    for begin, end, sigma in zip(first, last, sigmas, strict=True):
        one, other = every[begin], every[end]
        if one.area_m2 is not None and other.area_m2 is not None:
            change = Change(one, other, other.area_m2 - one.area_m2, _real(sigma))
            found[str(shown[C.LAKE_ID].iloc[begin])] = change
    return found


def _plain(values: pd.Series) -> list[Any]:
    """Return numbers or texts, None for what is missing and for empty texts."""
    plain = values.astype(object).where(values.notna() & (values != ""), None)
    return plain.tolist()


def _axis(times: pd.Series) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the ends of the time axis: the period with a margin, at least a year."""
    if not len(times):
        return pd.Timestamp("2000-01-01", tz="UTC"), pd.Timestamp("2001-01-01", tz="UTC")
    span = max(times.max() - times.min(), pd.Timedelta(days=300))
    centre = times.min() + (times.max() - times.min()) / 2
    return centre - 0.53 * span, centre + 0.53 * span


def _involved(event: Any) -> set[str]:
    lineage = f"{_text(event.from_ids) or ''} {_text(event.to_ids) or ''}"
    return {str(event.lake_id), *lineage.split()}


def _events(
    events: pd.DataFrame, observations: pd.DataFrame, numbers: Mapping[str, int]
) -> tuple[LakeEvent, ...]:
    latest = events.sort_values([C.DATE, C.LAKE_ID], ascending=[False, True]).iloc[:MOST_ROWS]
    lakes = {name for event in _each(latest) for name in _involved(event)}
    shown = observations[observations[C.LAKE_ID].isin(lakes)]
    by_lake = dict(iter(shown.groupby(C.LAKE_ID)))
    rows = []
    for event in _each(latest):
        days = [pd.Timestamp(when).floor("D") for when in (event.after, event.date) if when]
        of_lakes = [by_lake[name] for name in sorted(_involved(event)) if name in by_lake]
        seen = pd.concat(of_lakes) if of_lakes else observations.iloc[:0]
        rows.append(
            LakeEvent(
                lake=(str(event.lake_id), numbers.get(event.lake_id)),
                event=_text(event.event) or "",
                date=_time(event.date),
                after=_time(event.after),
                before_lakes=_references(event.from_ids, numbers),
                after_lakes=_references(event.to_ids, numbers),
                area_before_m2=_real(event.area_before_m2),
                area_after_m2=_real(event.area_after_m2),
                scenes=tuple(scenes_showing(seen, _involved(event), days)),
            )
        )
    return tuple(rows)


def _references(ids: str | None, numbers: Mapping[str, int]) -> tuple[tuple[str, int | None], ...]:
    return tuple((name, numbers.get(name)) for name in (_text(ids) or "").split())


def _scenes(scenes: pd.DataFrame, observations: pd.DataFrame) -> tuple[SceneRow, ...]:
    is_measured = (observations[C.STATUS] == Status.OBSERVED) & observations[C.AREA_M2].notna()
    is_unseen = ~is_measured & (observations[C.STATUS] != Status.ABSENT)
    measured = observations.loc[is_measured].groupby(C.SCENE_ID)[C.LAKE_ID].nunique()
    unseen = observations.loc[is_unseen].groupby(C.SCENE_ID)[C.LAKE_ID].nunique()
    days = observations[is_measured].groupby(C.SCENE_ID)[C.ACQUIRED].agg(["min", "max"])
    spans = days[days["min"].dt.floor("D") != days["max"].dt.floor("D")]
    ordered = scenes.sort_values([C.ACQUIRED, C.SCENE_ID], kind="stable")
    return tuple(
        SceneRow(
            number=place,
            scene_id=_text(scene.scene_id) or _text(scene.path) or "",
            acquired=_time(scene.acquired),
            first=_time(spans["min"].get(scene.scene_id)),
            last=_time(spans["max"].get(scene.scene_id)),
            sensor=_text(scene.sensor),
            level=_text(scene.level),
            cloud_percent=_real(scene.cloud_percent),
            n_measured=int(measured.get(scene.scene_id, 0)),
            n_unseen=int(unseen.get(scene.scene_id, 0)),
            is_refused=scene.state in UNUSED,
            reason=_reason(scene),
        )
        for place, scene in enumerate(_each(ordered), start=1)
    )


def _reason(scene: Any) -> str | None:
    """Return why a scene was refused, as a message where its template and values are kept."""
    reason = _text(scene.reason)
    try:
        message = Message.from_json(json_of(_text(scene.reason_message) or "{}"))
    except (ValueError, TypeError, LookupError):
        return reason
    return message if message == reason else reason


def _on_map(
    lake: Lake,
    geometry: shapely.Geometry,
    conflicts: Mapping[str, tuple[Conflict, shapely.Geometry]],
) -> MapInput:
    state = _state_on_map(lake.state, lake.is_unseen_last)
    _, drawn = conflicts.get(lake.lake_id, (None, None))
    title = " ".join(filter(None, (lake.catalogue_no, lake.lake_name, lake.lake_id)))
    return MapInput(lake.number, title, state, geometry, drawn)


def _state_on_map(state: str, is_unseen_last: bool) -> str:
    return "unseen" if is_unseen_last else state


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        parsed = json_of(text or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _listed_settings(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield names as a project file has them, sections before points, and values as texts."""
    for name, value in settings.items():
        if isinstance(value, dict) and value and not before:
            yield from _listed_settings(value, f"{name}.")
        else:
            parts = value if isinstance(value, list) else [value]
            text = ", ".join(
                part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
                for part in parts
                if part is not None
            )
            yield f"{before}{name}", text or MISSING


def _real(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) or str(value) == "" else str(value)


def _time(value: Any) -> pd.Timestamp | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value)
