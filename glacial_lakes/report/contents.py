"""What the report says: an inventory's tables put into words, numbers and drawings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.change.series import best_of_day, evidence
from glacial_lakes.language import translate
from glacial_lakes.report.changes import alert_rows, changed_lakes, total_rows, trend_rows
from glacial_lakes.report.conflicts import conflicts_of
from glacial_lakes.report.curves import draw_curve
from glacial_lakes.report.maps import Map, MapInput, draw_chip, draw_map
from glacial_lakes.report.rows import (
    Alert,
    Conflict,
    Lake,
    LakeEvent,
    Observation,
    SceneRow,
    Screening,
    Total,
)

if TYPE_CHECKING:
    from glacial_lakes.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything the template shows."""

    lakes: tuple[Lake, ...]
    events: tuple[LakeEvent, ...]
    alerts: tuple[Alert, ...]
    changed: tuple[Lake, ...]
    totals: tuple[dict[str, Any], ...]
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
    settings: str | None
    min_area_m2: float | None
    glacier_buffer_m: float | None

    @property
    def scene_by_id(self) -> dict[str, SceneRow]:
        """Scenes by their id."""
        return {scene.scene_id: scene for scene in self.scenes}

    @property
    def unseen(self) -> tuple[Lake, ...]:
        """Lakes that are present and were not seen on the last date."""
        return tuple(lake for lake in self.lakes if lake.is_unseen_last)

    @property
    def contradicted(self) -> tuple[Lake, ...]:
        """Lakes whose newest outline is clearly different from what a person drew."""
        return tuple(lake for lake in self.lakes if lake.conflict)


def describe(inventory: Inventory, glaciers: Iterable[shapely.Geometry], language: str) -> Contents:
    """Gather what the report says of an inventory.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`; every one may be empty.
    glaciers : iterable of shapely.Geometry
        Outlines in EPSG:4326 for the map, may be empty.
    language : str
        Language of the labels in the drawings.
    """
    observations = best_of_day(schema.conform(inventory.observations, schema.OBSERVATIONS))
    scenes = schema.conform(inventory.scenes, schema.SCENES)
    times = scenes.loc[scenes["state"] != "refused", "acquired"].dropna()
    times = times if len(times) else observations["acquired"].dropna()
    events = schema.conform(inventory.events, schema.LAKE_EVENTS)
    conflicts = conflicts_of(
        schema.conform(inventory.lakes, schema.LAKES),
        schema.conform(inventory.outlines, schema.OUTLINES),
    )
    lakes = _lakes(inventory, observations, events, times, conflicts=conflicts, language=language)
    numbers = {lake.lake_id: lake.number for lake in lakes}
    ice = [glacier for glacier in glaciers if glacier is not None and not glacier.is_empty]
    shapes = dict(zip(inventory.lakes["lake_id"], inventory.lakes.geometry, strict=True))
    known = [shape for shape in shapes.values() if shape is not None and not shape.is_empty]
    runs = schema.conform(inventory.runs, schema.RUNS).sort_values("started", kind="stable")
    settings = _json_object(_text(runs["settings"].iloc[-1]) if len(runs) else None)
    versions = runs["version"].dropna()
    if versions.empty and "version" in inventory.outlines:
        versions = inventory.outlines["version"].dropna().sort_values()
    area = settings.get("area")
    area = area if isinstance(area, dict) else {}
    return Contents(
        lakes=lakes,
        events=_events(events, observations, numbers),
        alerts=alert_rows(inventory, numbers),
        changed=changed_lakes(lakes),
        totals=total_rows(inventory),
        scenes=_scenes(scenes, observations),
        total=_total(lakes),
        map=draw_map(
            [_on_map(lake, shapes[lake.lake_id], conflicts) for lake in lakes], ice, language
        ),
        has_glaciers=bool(ice),
        first_date=times.min() if len(times) else None,
        last_date=times.max() if len(times) else None,
        n_dates=times.dt.floor("D").nunique(),
        sensors=tuple(sorted({str(name) for name in scenes["sensor"].dropna()})),
        bounds=tuple(shapely.total_bounds(known)) if known else None,
        versions=tuple(dict.fromkeys(str(version) for version in versions)),
        run_started=_time(runs["started"].iloc[-1]) if len(runs) else None,
        settings=json.dumps(settings, indent=2, ensure_ascii=False) if settings else None,
        min_area_m2=_real(area.get("min_area_m2")),
        glacier_buffer_m=_real(area.get("glacier_buffer_m")),
    )


def _lakes(
    inventory: Inventory,
    observations: pd.DataFrame,
    events: pd.DataFrame,
    times: pd.Series,
    *,
    conflicts: Mapping[str, tuple[Conflict, shapely.Geometry]],
    language: str,
) -> tuple[Lake, ...]:
    table = schema.conform(inventory.lakes, schema.LAKES)
    table = table.sort_values(
        ["area_m2", "lake_id"], ascending=[False, True], kind="stable", na_position="last"
    )
    by_lake = dict(iter(observations.groupby("lake_id")))
    outlines = schema.conform(inventory.outlines, schema.OUTLINES)
    measured = outlines[outlines["area_m2"] > 0].sort_values("acquired", kind="stable")
    first = dict(zip(measured["lake_id"][::-1], measured.geometry[::-1], strict=True))
    last = dict(zip(measured["lake_id"], measured.geometry, strict=True))
    period = _axis(times)
    last_day = times.max().floor("D") if len(times) else None
    trends = trend_rows(inventory)
    lakes = []
    for place, row in enumerate(_each(table), start=1):
        rows = by_lake.get(row.lake_id, observations.iloc[:0])
        entries = tuple(_observation(entry) for entry in _each(rows))
        on_last = [entry for entry in entries if entry.acquired.floor("D") == last_day]
        told = [
            (pd.Timestamp(event.date), translate(str(event.event), language))
            for event in _each(events)
            if not pd.isna(event.date) and row.lake_id in _involved(event)
        ]
        is_single = len({entry.acquired for entry in entries if entry.is_measured}) < 2
        latest = last.get(row.lake_id, row.geometry)
        trend = trends.get(str(row.lake_id))
        conflict, drawn = conflicts.get(str(row.lake_id), (None, None))
        lakes.append(
            Lake(
                number=place,
                lake_id=str(row.lake_id),
                lon=_real(row.lon),
                lat=_real(row.lat),
                elev_m=_real(row.elev_m),
                lake_type=_text(row.lake_type),
                dam_type=_text(row.dam_type),
                glacier_id=_text(row.glacier_id),
                glacier_dist_m=_real(row.glacier_dist_m),
                state=_text(row.state) or "present",
                area_m2=_real(row.area_m2),
                sigma_m2=_real(row.area_sigma_m2),
                observations=entries,
                is_unseen_last=row.state == "present"
                and last_day is not None
                and not any(entry.is_seen for entry in on_last),
                verified_by=_text(row.verified_by),
                edited_by=_text(row.edited_by),
                conflict=conflict,
                screening=Screening(
                    **{field.name: _real(getattr(row, field.name)) for field in fields(Screening)}
                ),
                trend=trend,
                curve=draw_curve(entries, told, period, language, trend),
                chip=draw_chip(
                    None if is_single else first.get(row.lake_id), latest, drawn, language
                ),
            )
        )
    return tuple(lakes)


def _each(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows; their columns are known from the schema, not to the type checker."""
    return iter(table.itertuples())


def _observation(row: Any) -> Observation:
    return Observation(
        acquired=row.acquired,
        sensor=_text(row.sensor),
        scene_id=_text(row.scene_id),
        area_m2=_real(row.area_m2),
        sigma_m2=_real(row.area_sigma_m2),
        observed_fraction=_real(row.observed_fraction),
        status=_text(row.status) or "uncertain",
    )


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
    rows = []
    for event in _each(events.sort_values(["date", "lake_id"], ascending=[False, True])):
        days = [pd.Timestamp(when).floor("D") for when in (event.after, event.date) if when]
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
                evidence=tuple(evidence(observations, _involved(event), days)),
            )
        )
    return tuple(rows)


def _references(ids: str | None, numbers: Mapping[str, int]) -> tuple[tuple[str, int | None], ...]:
    return tuple((name, numbers.get(name)) for name in (_text(ids) or "").split())


def _scenes(scenes: pd.DataFrame, observations: pd.DataFrame) -> tuple[SceneRow, ...]:
    is_measured = (observations["status"] == "observed") & observations["area_m2"].notna()
    is_unseen = ~is_measured & (observations["status"] != "absent")
    measured = observations.loc[is_measured].groupby("scene_id")["lake_id"].nunique()
    unseen = observations.loc[is_unseen].groupby("scene_id")["lake_id"].nunique()
    ordered = scenes.sort_values(["acquired", "scene_id"], kind="stable")
    return tuple(
        SceneRow(
            number=place,
            scene_id=_text(scene.scene_id) or _text(scene.path) or "",
            acquired=_time(scene.acquired),
            sensor=_text(scene.sensor),
            level=_text(scene.level),
            cloud_percent=_real(scene.cloud_percent),
            n_measured=int(measured.get(scene.scene_id, 0)),
            n_unseen=int(unseen.get(scene.scene_id, 0)),
            is_refused=bool(scene.state == "refused"),
            reason=_text(scene.reason),
        )
        for place, scene in enumerate(_each(ordered), start=1)
    )


def _total(lakes: tuple[Lake, ...]) -> Total:
    present = [lake for lake in lakes if lake.state == "present"]
    known = [lake for lake in present if lake.area_m2 is not None]
    areas = np.array([lake.area_m2 for lake in known], dtype="float64")
    sigmas = np.array([lake.sigma_m2 for lake in known], dtype="float64")
    dates = [lake.measured[-1].acquired for lake in known if lake.measured]
    has_sigma = len(known) > 0 and bool(np.isfinite(sigmas).all())
    return Total(
        n_present=len(present),
        n_known=len(known),
        area_m2=float(areas.sum()) if known else None,
        sigma_independent_m2=float(np.sqrt((sigmas**2).sum())) if has_sigma else None,
        sigma_correlated_m2=float(sigmas.sum()) if has_sigma else None,
        oldest=min(dates, default=None),
        newest=max(dates, default=None),
    )


def _on_map(
    lake: Lake,
    geometry: shapely.Geometry,
    conflicts: Mapping[str, tuple[Conflict, shapely.Geometry]],
) -> MapInput:
    state = "unseen" if lake.is_unseen_last else lake.state
    _, drawn = conflicts.get(lake.lake_id, (None, None))
    return MapInput(lake.number, lake.lake_id, state, geometry, drawn)


def _json_object(text: str | None) -> dict[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _real(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) or str(value) == "" else str(value)


def _time(value: Any) -> pd.Timestamp | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value)
