"""Inventories made by hand for tests of exports and reports: every state and event occurs."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.errors import MissingFileError
from glacial_lakes.inventory.inventory import LAYERS, Inventory

SCENES = [
    ("LT05_L2SP_151031_19990812_20200907_02_T1", "1999-08-12T05:11:02", "LT05", 30, 4.0),
    ("LE07_L2SP_151031_20020828_20200916_02_T1", "2002-08-28T05:18:11", "LE07", 30, 11.5),
    ("LT05_L2SP_151031_20070818_20200829_02_T1", "2007-08-18T05:24:40", "LT05", 30, 2.2),
    ("LC08_L2SP_151031_20130903_20200912_02_T1", "2013-09-03T05:31:55", "LC08", 30, 18.0),
    ("S2A_MSIL2A_20160815T054642_N0500_R048_T43TDH", "2016-08-15T05:46:42.026", "S2A", 10, 7.1),
    ("S2B_MSIL2A_20180820T054639_N0500_R048_T43TDH", "2018-08-20T05:46:39.024", "S2B", 10, 35.0),
    ("LC08_L2SP_151031_20200801_20200908_02_T1", "2020-08-01T05:36:11", "LC08", 30, 3.0),
    ("S2A_MSIL2A_20200801T054641_N0500_R048_T43TDH", "2020-08-01T05:46:41.024", "S2A", 10, 2.4),
    ("S2B_MSIL2A_20240812T054639_N0511_R048_T43TDH", "2024-08-12T05:46:39.024", "S2B", 10, 22.0),
]


def blob(lon: float, lat: float, area_m2: float, rng: np.random.Generator) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    wave = 1 + sum(
        rng.uniform(-0.22, 0.22) / k * np.cos(k * angle + rng.uniform(0, 6)) for k in (1, 2, 3, 5)
    )
    stretch, turn = rng.uniform(1, 2.2), rng.uniform(0, np.pi)
    x, y = wave * np.cos(angle) * stretch, wave * np.sin(angle)
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    shape = shapely.Polygon(np.column_stack([x, y]))
    shape = shapely.transform(shape, lambda xy: xy * np.sqrt(area_m2 / shape.area))
    scale = np.array([111320 * np.cos(np.radians(lat)), 111132])
    return shapely.transform(shape, lambda xy: xy / scale + [lon, lat])


def grown(shape: shapely.Polygon, area_share: float) -> shapely.Polygon:
    centre = shapely.get_coordinates(shape.centroid)
    return shapely.transform(shape, lambda xy: centre + (xy - centre) * np.sqrt(area_share))


def glaciers(seed: int = 5, count: int = 9) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    shapes = [
        blob(rng.uniform(74.42, 74.58), rng.uniform(42.55, 42.66), rng.uniform(1e6, 5e6), rng)
        for _ in range(count)
    ]
    return gpd.GeoDataFrame(
        {"glacier_id": [f"G{i}" for i in range(count)]}, geometry=shapes, crs=4326
    )


def status_of(
    place: int, year: int, sensor: str, cloud: float, rng: np.random.Generator
) -> tuple[str, float]:
    """Lake 0 drains, 1 appears, 4 merges away, 5 freezes, 6 lies in a gap, 7 in shadow."""
    dry = {0: range(2018, 2100), 1: range(2013), 4: range(2020, 2100)}
    if year in dry.get(place, ()):
        return "absent", 1.0
    if place == 5 and year == 2016:
        return "frozen", 0.2
    if place == 6 and sensor == "LE07":
        return "nodata", 0.7
    if place == 7 and year in (2007, 2013):
        return "shadow", 0.0
    if rng.uniform() < cloud / 100:
        return "cloud", round(float(rng.uniform(0, 0.85)), 3)
    return "observed", 1.0


def make_inventory(count: int = 12, seed: int = 3, dates: int | None = None) -> Inventory:
    """Return an inventory in which lakes grow, drain, appear and merge, and clouds hide some."""
    rng = np.random.default_rng(seed)
    images = SCENES[-dates:] if dates else SCENES
    lakes, outlines, observations = [], [], []
    for place in range(count):
        lon, lat = 74.4 + rng.uniform(0, 0.2), 42.54 + rng.uniform(0, 0.13)
        base = float(np.exp(rng.uniform(np.log(3e3), np.log(4e5))))
        shape = blob(lon, lat, base, rng)
        point = shapely.point_on_surface(shape)
        common = {
            "lake_id": f"GL{round(point.x * 1000):06d}E{round(point.y * 1000):05d}N",
            "lon": round(point.x, 6),
            "lat": round(point.y, 6),
            "elev_m": round(float(rng.uniform(3300, 3900)), 1),
            "glacier_id": f"G{lon * 1000:06.0f}E{lat * 1000:05.0f}N",
            "glacier_dist_m": round(float(rng.gamma(1.2, 300)), 1),
            "lake_type": ["supraglacial", "ice-contact", "unconnected", "non-glacier-fed"][
                place % 4
            ],
            "dam_type": ["ice", "moraine", None, "bedrock"][place % 4],
        }
        trend = 0.06 if place == 2 else rng.uniform(-0.004, 0.012)
        rows, shapes = [], []
        for scene_id, time, sensor, pixel, cloud in images:
            share = 1 + trend * (int(time[:4]) - 1999) + rng.normal(0, 0.01)
            status, fraction = status_of(place, int(time[:4]), sensor, cloud, rng)
            is_seen = status == "observed"
            rows.append(
                {
                    "lake_id": common["lake_id"],
                    "acquired": pd.Timestamp(time, tz="UTC"),
                    "sensor": sensor,
                    "scene_id": scene_id,
                    "observed_fraction": fraction,
                    "status": status,
                    "area_m2": {"observed": base * share, "absent": 0.0}.get(status),
                    "area_sigma_m2": 0.3 * pixel * np.sqrt(base * share) if is_seen else None,
                }
            )
            shapes.append(grown(shape, share))
            if is_seen or (status != "absent" and fraction > 0.5):
                told = {"quality": "good", "outline_method": "half-water", "version": "0.1.0"}
                outlines.append({**common, **rows[-1], **told, "geometry": shapes[-1]})
        observations += rows
        full = [n for n, row in enumerate(rows) if row["status"] == "observed"]
        if full:
            first, last = rows[full[0]], rows[full[-1]]
            lakes.append(
                {
                    **common,
                    "first_seen": first["acquired"],
                    "last_seen": last["acquired"],
                    "n_observed": len(full),
                    "area_m2": last["area_m2"],
                    "area_sigma_m2": last["area_sigma_m2"],
                    "max_area_m2": max(rows[n]["area_m2"] for n in full),
                    "state": "gone" if rows[-1]["status"] == "absent" else "present",
                    "geometry": shapes[full[-1]],
                }
            )
    events = [] if dates or count < 8 else make_events([lake["lake_id"] for lake in lakes])
    return assemble(lakes, outlines, observations, events, [], make_scenes(images), [RUN])


def make_events(ids: list[str]) -> list[dict[str, object]]:
    names = ("lake_id", "event", "date", "after", "from_ids", "to_ids", "area_before_m2")
    rows = [
        (ids[0], "drained", "2018-08-20", "2016-08-15", ids[0], "", 168100.0),
        (ids[1], "appeared", "2013-09-03", "2007-08-18", "", ids[1], 0.0),
        (ids[3], "merged", "2020-08-01", "2018-08-20", f"{ids[3]} {ids[4]}", ids[3], None),
    ]
    return [dict(zip(names, row, strict=True)) for row in rows]


def make_scenes(images: list[tuple[str, str, str, int, float]]) -> list[dict[str, object]]:
    mapped = [
        {
            "scene_id": scene_id,
            "acquired": pd.Timestamp(time, tz="UTC"),
            "sensor": sensor,
            "level": "L2A" if sensor.startswith("S2") else "L2SP",
            "path": f"scenes/{scene_id}",
            "cloud_percent": cloud,
            "checksum": "unverified",
            "state": "mapped",
        }
        for scene_id, time, sensor, _, cloud in images
    ]
    refused = {
        "scene_id": "S2A_MSIL2A_20220817T054641_N0400_R048_T43TDH",
        "sensor": "S2A",
        "path": "scenes/S2A_MSIL2A_20220817T054641",
        "state": "refused",
        "reason": str(_REFUSAL),
        "reason_message": json.dumps(_REFUSAL.as_json()),
    }
    return [*mapped, refused]


_REFUSAL = MissingFileError(
    None, "lacks {name}", "download the product whole", name="GRANULE/IMG_DATA/R10m/B03.jp2"
).line

RUN = {
    "run_id": "1",
    "started": pd.Timestamp("2024-09-01T08:00:00", tz="UTC"),
    "version": "0.1.0",
    "settings": json.dumps({"area": {"min_area_m2": 2000.0, "glacier_buffer_m": 10000.0}}),
    "inputs": "{}",
}


def assemble(*tables: list[dict[str, object]]) -> Inventory:
    """Tables in the order of the schema's names; spatial ones in EPSG:4326."""
    built = {}
    for (name, columns), rows in zip(LAYERS.items(), [*tables, [], []], strict=True):
        frame = schema.conform(pd.DataFrame(rows), columns)
        if name in {"lakes", "outlines", "reviews"}:
            shapes = frame.pop("geometry") if "geometry" in frame else []
            frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=4326))
        built[name] = frame
    return Inventory(**built)


def empty_inventory() -> Inventory:
    return assemble([], [], [], [], [], [], [])


HOSTILE = (
    "<script>document.title='owned'</script>",
    "</script><img src=x onerror=\"document.title='owned'\">",
    '=HYPERLINK("http://evil.example/","x")',
    "`${document.title='owned'}`",
    "'\"><svg onload=document.title='owned'>",
    "{{ 7 * 7 }}{% raw %}",
    "@SUM(1,2)\t\n",
)


def hostile_inventory() -> Inventory:
    """Every text field of every table, save times and identities' links, holds an attack."""
    inventory = make_inventory(8)
    ids = inventory.lakes["lake_id"].tolist()
    swap = {name: HOSTILE[i % len(HOSTILE)].replace(" ", "") + str(i) for i, name in enumerate(ids)}
    swap |= {
        scene_id: HOSTILE[i % len(HOSTILE)] + str(i)
        for i, scene_id in enumerate(inventory.scenes["scene_id"])
    }
    changed = {}
    for name, columns in LAYERS.items():
        table = getattr(inventory, name).copy()
        for i, column in enumerate(columns):
            if column.type != "text" or column.name in {"state", "status", "settings"}:
                continue
            if column.name in {"lake_id", "scene_id"}:
                table[column.name] = table[column.name].map(lambda text: swap.get(text, text))
            elif column.name in {"from_ids", "to_ids"}:
                table[column.name] = table[column.name].map(
                    lambda text: " ".join(swap.get(part, part) for part in (text or "").split())
                )
            elif len(table):
                table[column.name] = HOSTILE[i % len(HOSTILE)]
        changed[name] = table
    changed["runs"]["settings"] = json.dumps({"name": HOSTILE[1], "area": {"aoi": HOSTILE[0]}})
    return replace(inventory, **changed)
