"""What the viewer holds: an inventory's tables as plain lists, as short as JSON can be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from glacial_lakes import schema
from glacial_lakes.change.series import involved
from glacial_lakes.columns import C
from glacial_lakes.language import day, translate
from glacial_lakes.mapping.probability import reason_text
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.measures.meridian import beside_each_other, in_degrees, turned
from glacial_lakes.report.doubts import REASONS, doubts
from glacial_lakes.report.packing import STEPS_PER_DEGREE, packed
from glacial_lakes.report.viewer_words import CODES, TEXTS
from glacial_lakes.schema import Status

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

SIMPLER_PX = 0.1
"""How far a drawn outline may be from the true one, in pixels of its image."""
_METRES_PER_DEGREE = 111_320.0
_GLACIER_TOLERANCE_DEG = 20 / _METRES_PER_DEGREE
_DEFAULT_PIXEL_M = 10.0

Json = dict[str, Any]


def viewer_data(
    inventory: Inventory,
    glaciers: Iterable[shapely.Geometry],
    language: str,
    rivers: Mapping[str, gpd.GeoSeries] | None = None,
) -> tuple[Json, gpd.GeoDataFrame]:
    """Put lakes into lists for the page, and tell which images show each of them.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`; every one may be empty.
    glaciers : iterable of shapely.Geometry
        Outlines in EPSG:4326, may be empty.
    language : str
        Language of all words and dates.
    rivers : mapping of str to geopandas.GeoSeries, optional
        What mapping took for rivers, by scene.

    Returns
    -------
    dict
        Plain numbers, texts, lists and None: a table is one list a column. Lakes are ordered by
        area and refer to each other by place. Areas are in m². What :func:`row_columns` makes of
        the rows is missing: it takes as long as all else.
    geopandas.GeoDataFrame
        What each image says of each lake, by lake and time, with ``lake`` (place of the lake),
        ``scene`` (place of the scene) and the outlines beside each other in degrees.
    """
    lakes = _lakes(inventory)
    places = {name: place for place, name in enumerate(lakes[C.LAKE_ID])}
    rows = _rows(inventory, places)
    scenes = _scenes(inventory, rows)
    rows = rows.assign(
        scene=rows[C.SCENE_ID].map(dict(zip(scenes[C.SCENE_ID], scenes.index, strict=True)))
    )
    centre, origin = _origin(lakes)
    of_lakes = beside_each_other(lakes.geometry, centre)
    of_rows = beside_each_other(rows.geometry, centre)
    rows = rows.set_geometry(of_rows)

    def on_map(shapes: gpd.GeoSeries, tolerance_deg: float) -> list[str]:
        """Write what lies on the map."""
        beside = beside_each_other(in_degrees(shapes), centre)
        return packed(beside[_near(beside, of_lakes)].to_numpy(), origin, tolerance_deg)

    ice = [shape for shape in glaciers if shape is not None and not shape.is_empty]
    days = sorted({str(text) for text in scenes["day"]})
    day_place = {name: place for place, name in enumerate(days)}
    data = {
        "language": language,
        "run": _last(inventory.runs, C.RUN_ID),
        "version": _last(inventory.runs, C.VERSION),
        "origin": list(origin),
        "words": {text: translate(text, language) for text in TEXTS},
        "codes": {code: translate(code, language) for code in CODES},
        "days": [day(pd.Timestamp(name), language) for name in days],
        "time": [round(pd.Timestamp(name).timestamp() / 86400) for name in days],
        "scenes": {
            "id": _texts(scenes[C.SCENE_ID]),
            "sensor": _texts(scenes[C.SENSOR]),
            "day": [day_place[name] for name in scenes["day"]],
        },
        "lakes": _lake_columns(lakes, of_lakes, origin, centre, language)
        | _doubt_columns(inventory, lakes, language),
        "trends": _trends(inventory, places, language),
        "events": _events(inventory, places, language),
        "alerts": _alerts(inventory, places, language),
        "reviews": _reviews(inventory, places, language),
        "glaciers": on_map(gpd.GeoSeries(ice, crs=4326), _GLACIER_TOLERANCE_DEG),
        "rivers": [
            on_map(rivers[name], 0.0) if rivers and name in rivers else []
            for name in scenes[C.SCENE_ID]
        ],
    }
    return data, rows


def _lakes(inventory: Inventory) -> gpd.GeoDataFrame:
    ordered = schema.conform(inventory.lakes, schema.LAKES).sort_values(
        [C.AREA_M2, C.LAKE_ID], ascending=[False, True], kind="stable", na_position="last"
    )
    return gpd.GeoDataFrame(ordered.reset_index(drop=True), geometry="geometry", crs=4326)


def _rows(inventory: Inventory, places: dict[str, int]) -> gpd.GeoDataFrame:
    """Return what each image says of each lake, with the outline where there is one."""
    observations = schema.conform(inventory.observations, schema.OBSERVATIONS)
    outlines = schema.conform(inventory.outlines, schema.OUTLINES)
    key = [C.LAKE_ID, C.SCENE_ID]
    drawn = outlines[[*key, C.ACQUIRED, C.SENSOR, C.STATUS, C.AREA_M2, C.AREA_SIGMA_M2]]
    drawn = drawn.assign(geometry=outlines.geometry.to_numpy())
    drawn[C.PIXEL_M] = outlines[C.PIXEL_M]
    drawn[C.EDITED] = outlines[C.EDITED].astype("boolean")
    drawn = drawn.drop_duplicates(key, keep="last")
    rows = observations.drop_duplicates(key, keep="last").merge(
        drawn, on=key, how="outer", suffixes=("", "_drawn")
    )
    for name in (C.ACQUIRED, C.SENSOR, C.STATUS, C.AREA_M2, C.AREA_SIGMA_M2):
        rows[name] = rows[name].where(rows[name].notna(), rows[f"{name}_drawn"])
    rows = rows[rows[C.LAKE_ID].isin(places) & rows[C.ACQUIRED].notna()]
    rows = rows.assign(lake=rows[C.LAKE_ID].map(places).astype(int))
    rows[C.SCENE_ID] = rows[C.SCENE_ID].fillna("")
    rows = rows.sort_values(["lake", C.ACQUIRED, C.SCENE_ID], kind="stable", ignore_index=True)
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)


def _scenes(inventory: Inventory, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the images that say something, in the order of time."""
    named = [C.SCENE_ID, C.ACQUIRED, C.SENSOR]
    used = rows[named].sort_values(C.ACQUIRED, kind="stable").drop_duplicates(C.SCENE_ID)
    times = schema.conform(inventory.scenes, schema.SCENES).drop_duplicates(C.SCENE_ID)
    own = times.set_index(C.SCENE_ID)[C.ACQUIRED].reindex(used[C.SCENE_ID])
    acquired = pd.Series(own.to_numpy(), index=used.index, dtype=used[C.ACQUIRED].dtype)
    used = used.assign(**{C.ACQUIRED: acquired.fillna(used[C.ACQUIRED])})
    used = used.sort_values([C.ACQUIRED, C.SCENE_ID], kind="stable", ignore_index=True)
    return used.assign(day=used[C.ACQUIRED].dt.strftime("%Y-%m-%d"))


def _origin(lakes: gpd.GeoDataFrame) -> tuple[float, tuple[int, int]]:
    """Return the middle longitude of the map, and the place that all others are told from."""
    bounds = beside_each_other(lakes.geometry).bounds.dropna()
    if bounds.empty:
        return 0.0, (0, 0)
    lon = float(bounds["minx"].min() + bounds["maxx"].max()) / 2
    lat = float(bounds["miny"].min() + bounds["maxy"].max()) / 2
    return lon, (round(lon * STEPS_PER_DEGREE), round(lat * STEPS_PER_DEGREE))


def _near(shapes: gpd.GeoSeries, lakes: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Tell which shapes lie on the map."""
    bounds = lakes.bounds.dropna()
    if bounds.empty or not len(shapes):
        return np.zeros(len(shapes), bool)
    west, south = bounds["minx"].min(), bounds["miny"].min()
    east, north = bounds["maxx"].max(), bounds["maxy"].max()
    pad = 0.05 + 0.2 * max(east - west, north - south)
    near: NDArray[np.bool_] = shapes.intersects(
        shapely.box(west - pad, south - pad, east + pad, north + pad)
    ).to_numpy()
    return near


def _lake_columns(
    lakes: gpd.GeoDataFrame,
    shapes: gpd.GeoSeries,
    origin: tuple[int, int],
    centre: float,
    language: str,
) -> Json:
    lon = np.round(turned(lakes[C.LON].to_numpy(float), centre), 5)
    return {
        "id": _texts(lakes[C.LAKE_ID]),
        "name": _texts(lakes[C.LAKE_NAME]),
        "number": _texts(
            lakes[C.CATALOGUE_NO].where(
                lakes[C.CATALOGUE_NO].notna(), lakes[C.NUMBER].astype("string")
            )
        ),
        "district": _texts(lakes[C.DISTRICT]),
        "basin": _texts(lakes[C.BASIN]),
        "lon": _numbers(pd.Series(lon), 5),
        "lat": _numbers(lakes[C.LAT], 5),
        "elev": _numbers(lakes[C.ELEV_M]),
        "type": _texts(lakes[C.LAKE_TYPE]),
        "dam": _texts(lakes[C.DAM_TYPE]),
        "glacier": _texts(lakes[C.GLACIER_ID]),
        "distance": _numbers(lakes[C.GLACIER_DIST_M]),
        "state": _texts(lakes[C.STATE]),
        "area": _numbers(lakes[C.AREA_M2]),
        "sigma": _numbers(lakes[C.AREA_SIGMA_M2]),
        "largest": _numbers(lakes[C.MAX_AREA_M2]),
        "first": [day(when, language) for when in lakes[C.FIRST_SEEN]],
        "last": [day(when, language) for when in lakes[C.LAST_SEEN]],
        "verified": [
            (name or "") if is_verified else None
            for is_verified, name in zip(
                lakes[C.VERIFIED].fillna(False).astype(bool),
                _texts(lakes[C.VERIFIED_BY]),
                strict=True,
            )
        ],
        "comment": _texts(lakes[C.COMMENT]),
        "shape": packed(shapes.to_numpy(), origin, 2 / _METRES_PER_DEGREE),
    }


def _doubt_columns(inventory: Inventory, lakes: gpd.GeoDataFrame, language: str) -> Json:
    found = doubts(inventory)
    of_lakes = [found[str(name)] for name in lakes[C.LAKE_ID]]
    places = {reason: place for place, reason in enumerate(REASONS)}
    features = list(dict.fromkeys(one.features for one in of_lakes))
    feature_places = {codes: place for place, codes in enumerate(features)}
    return {
        "doubt": [one.weight for one in of_lakes],
        "reasons": [[places[reason] for reason in one.reasons] for one in of_lakes],
        "reason": [translate(reason, language) for reason in REASONS],
        "prob": [one.lake_prob for one in of_lakes],
        "features": [feature_places[one.features] for one in of_lakes],
        "feature": [_features_text(codes, language) for codes in features],
    }


def _features_text(codes: str, language: str) -> str | None:
    """Return what speaks for a lake or against it; codes of another version are left out."""
    try:
        return reason_text(codes, language)
    except LookupError:
        return None


def row_columns(rows: gpd.GeoDataFrame, n_lakes: int, origin: Sequence[int]) -> Json:
    """Put what images say of lakes into lists.

    Parameters
    ----------
    rows : geopandas.GeoDataFrame
        As :func:`viewer_data` gives them.
    n_lakes : int
        Lakes of the page; some may have no row.
    origin : sequence of int
        Longitude and latitude that outlines are written from: ``data["origin"]``.

    Returns
    -------
    dict
        A list a column, and ``start``: the place of the first row of each lake, and of the end.
    """
    shapes = rows.geometry.to_numpy()
    has_shape = rows.geometry.notna().to_numpy() & ~rows.geometry.is_empty.to_numpy()
    is_part = has_shape & rows[C.AREA_M2].isna().to_numpy()
    least = np.full(len(rows), np.nan)
    if is_part.any():
        least[is_part] = geodesic_area_perimeter(rows.geometry[is_part])[C.AREA_M2].to_numpy()
    pixel = rows[C.PIXEL_M].astype(float).fillna(_DEFAULT_PIXEL_M).to_numpy()
    codes = {str(word): code for code, word in enumerate(Status)}
    status = rows[C.STATUS].map(codes).fillna(codes[Status.UNCERTAIN])
    starts = np.searchsorted(rows["lake"].to_numpy(), np.arange(n_lakes + 1))
    return {
        "status_words": list(codes),
        "start": starts.tolist(),
        "scene": rows["scene"].astype(int).tolist(),
        "status": status.astype(int).tolist(),
        "area": _numbers(rows[C.AREA_M2]),
        "sigma": _numbers(rows[C.AREA_SIGMA_M2]),
        "least": _numbers(pd.Series(least)),
        "seen": _numbers(100 * rows[C.OBSERVED_FRACTION]),
        "edited": rows.index[rows[C.EDITED].fillna(False).astype(bool)].tolist(),
        "shape": packed(shapes, (origin[0], origin[1]), SIMPLER_PX * pixel / _METRES_PER_DEGREE),
    }


def _trends(inventory: Inventory, places: dict[str, int], language: str) -> list[Json]:
    table = inventory.trends
    shown = table[table[C.TREND].notna() & table[C.LAKE_ID].isin(places)]
    return [
        {
            "lake": places[row[C.LAKE_ID]],
            "kind": _text(row[C.TREND]),
            "days": [_days(row[C.FIRST]), _days(row[C.LAST])],
            "line": [_number(row[C.LINE_FIRST_M2]), _number(row[C.LINE_LAST_M2])],
            "percent": [_number(row[C.SLOPE_PERCENT_PER_YEAR], 2)],
            "slope": [
                _number(row[name])
                for name in (C.SLOPE_M2_PER_YEAR, C.SLOPE_LOW_M2_PER_YEAR, C.SLOPE_HIGH_M2_PER_YEAR)
            ],
        }
        for row in _records(shown)
    ]


def _events(inventory: Inventory, places: dict[str, int], language: str) -> list[Json]:
    table = schema.conform(inventory.events, schema.LAKE_EVENTS)
    return [
        {
            "lakes": sorted(places[name] for name in involved(pd.Series(row)) if name in places),
            "kind": _text(row[C.EVENT]),
            "from": (_text(row[C.FROM_IDS]) or "").split(),
            "to": (_text(row[C.TO_IDS]) or "").split(),
            "date": day(row[C.DATE], language),
            "after": day(row[C.AFTER], language),
            "days": _days(row[C.DATE]),
        }
        for row in _records(table)
    ]


def _alerts(inventory: Inventory, places: dict[str, int], language: str) -> list[Json]:
    return [
        {
            "lake": places[row[C.LAKE_ID]],
            "kind": _text(row[C.ALERT]),
            "date": day(row[C.DATE], language),
            "after": day(row[C.AFTER], language),
            "before": [_number(row[C.AREA_BEFORE_M2]), _number(row[C.SIGMA_BEFORE_M2])],
            "now": [_number(row[C.AREA_AFTER_M2]), _number(row[C.SIGMA_AFTER_M2])],
            "days": _days(row[C.DATE]),
            "confirmed": bool(row[C.CONFIRMED]) if pd.notna(row[C.CONFIRMED]) else False,
        }
        for row in _records(inventory.alerts)
        if row[C.LAKE_ID] in places
    ]


def _reviews(inventory: Inventory, places: dict[str, int], language: str) -> list[Json]:
    table = schema.conform(inventory.reviews, schema.REVIEWS)
    return [
        {
            "lake": places[row[C.LAKE_ID]],
            "decision": _text(row[C.DECISION]),
            "image": day(row[C.ACQUIRED], language) if pd.notna(row[C.ACQUIRED]) else None,
            "days": _days(row[C.ACQUIRED]),
            "type": _text(row[C.LAKE_TYPE]),
            "dam": _text(row[C.DAM_TYPE]),
            "name": _text(row[C.LAKE_NAME]),
            "comment": _text(row[C.COMMENT]),
            "who": _text(row[C.REVIEWER]),
            "when": day(row[C.REVIEWED], language),
        }
        for row in _records(table)
        if row[C.LAKE_ID] in places
    ]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in table.columns if name != "geometry"]
    columns = [table[name] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _last(runs: pd.DataFrame, column: str) -> str | None:
    ordered = schema.conform(runs, schema.RUNS).sort_values(C.STARTED, kind="stable")
    return _text(ordered[column].iloc[-1]) if len(ordered) else None


def _numbers(values: pd.Series, digits: int = 0) -> list[float | int | None]:
    """Return numbers without digits that say nothing; None where they are missing."""
    plain = values.to_numpy(dtype=float, na_value=np.nan)
    known = np.isfinite(plain)
    rounded = np.round(np.where(known, plain, 0.0), digits)
    plain_numbers: list[Any] = (rounded if digits else rounded.astype(np.int64)).tolist()
    return [
        value if is_known else None
        for value, is_known in zip(plain_numbers, known.tolist(), strict=True)
    ]


def _number(value: Any, digits: int = 0) -> float | int | None:
    if value is None or pd.isna(value) or not math.isfinite(value):
        return None
    return round(float(value), digits or None)


def _texts(values: pd.Series) -> list[str | None]:
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) or str(value) == "" else str(value)


def _days(when: Any) -> int | None:
    return None if when is None or pd.isna(when) else int(pd.Timestamp(when).timestamp() // 86400)
