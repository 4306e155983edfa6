"""An inventory and an edited file → what the person decided. No files, no clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from glacial_lakes import decisions, schema
from glacial_lakes.errors import InputError
from glacial_lakes.inventory import Inventory
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.edited import FIELDS
from glacial_lakes.tracking.epochs import EQUAL_AREA
from glacial_lakes.tracking.lake_ids import known_ids, lake_id

SAME_SHARE = 0.001
"""Share of its area by which an outline may differ through rounding or re-projection."""
SAME_M = 0.5
"""Distance in metres, the same."""
_ONE_PLACE = 0.5
"""Share of the smaller outline that two outlines of one lake have in common."""
_MISSING = 0.5
_SHIFTED_ROWS = 3
_CUT_BYTES = 254

_LOG = logging.getLogger(__name__)

_OF_LAKE = (*FIELDS, "verified", "verified_by", "edited_by")

Row = dict[str, Any]


@dataclass(frozen=True)
class _Task:
    """Outlines of one image, or of all lakes, and the person's version of them."""

    old: gpd.GeoDataFrame
    new: gpd.GeoDataFrame
    whole_lakes: bool
    """A row stands for its lake on all dates."""


def differences(
    inventory: Inventory,
    edited: Mapping[str, gpd.GeoDataFrame],
    *,
    missing_is_rejected: bool | None = None,
) -> gpd.GeoDataFrame:
    """Understand what a person changed.

    Parameters
    ----------
    inventory : Inventory
        As it was before.
    edited : mapping of str to geopandas.GeoDataFrame
        From :func:`glacial_lakes.review.edited.read_edited`.
    missing_is_rejected : bool, optional
        Whether lakes that the file lacks were deleted. By default they were, unless more than
        half are missing, which is refused.

    Returns
    -------
    geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS` in EPSG:4326, without number, time and source;
        ``reviewer`` where a field of the file names one.

    Raises
    ------
    InputError
        When more than half of the lakes are missing, all outlines are shifted, or an added
        outline lies on another lake.
    """
    rows: list[Row] = []
    for task in _tasks(inventory, edited):
        rows += _compared(inventory, task, missing_is_rejected)
    rows = [row for row in _one_each(rows) if _is_new(inventory, row)]
    taken = {*inventory.outlines["lake_id"], *inventory.lakes["lake_id"]}
    taken |= set(inventory.reviews["lake_id"].dropna())
    for row in rows:
        if row["lake_id"] is None:
            point = shapely.point_on_surface(row["geometry"])
            row["lake_id"] = lake_id(point.x, point.y, taken)
            taken.add(row["lake_id"])
    table = schema.conform(pd.DataFrame(rows), schema.REVIEWS)
    shapes = table.pop("geometry") if rows else pd.Series([], dtype="object")
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326))


def _tasks(inventory: Inventory, edited: Mapping[str, gpd.GeoDataFrame]) -> Iterator[_Task]:
    if "lakes" in edited:
        yield _Task(_before(inventory, edited), edited["lakes"], True)
    if "outlines" in edited:
        yield from _by_image(*_undecided(inventory, edited["outlines"]))
    if "file" in edited:
        yield from _of_file(inventory, edited["file"])


def _standing(inventory: Inventory) -> gpd.GeoDataFrame:
    """Return the lakes with their image, and with what is told of the lake, not of the image."""
    stands = decisions.reference(inventory.outlines).reset_index()
    stands = stands[stands["lake_id"].isin(inventory.lakes["lake_id"])]
    lakes = inventory.lakes.set_index("lake_id").reindex(stands["lake_id"])
    for name in _OF_LAKE:
        stands[name] = lakes[name].to_numpy()
    return stands.reset_index(drop=True)


def _before(inventory: Inventory, edited: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the lakes as they were when the person made the copy.

    The layer of outlines in the copy tells it: since then a run, or another review, may have
    given the inventory newer outlines, which the person has not seen.
    """
    now = _standing(inventory)
    if "outlines" not in edited or not len(edited["outlines"]):
        return now
    copied = edited["outlines"].dropna(subset=["lake_id", "acquired"])
    then = decisions.reference(copied.assign(edited=copied["edited"].astype("boolean")))
    then = then.reset_index()
    current = dict(zip(now["lake_id"], now["acquired"].dt.floor("s"), strict=True))
    same = [
        current.get(name) == when
        for name, when in zip(then["lake_id"], then["acquired"].dt.floor("s"), strict=True)
    ]
    older = then[~np.array(same, dtype=bool)]
    kept = now[now["lake_id"].isin(then["lake_id"][same])]
    parts = [part for part in (kept, older) if len(part)] or [now]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=4326)


def _undecided(
    inventory: Inventory, copied: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return outlines of now and of the copy, of lakes that nobody has decided on since."""
    reviews = inventory.reviews
    since = reviews[reviews["review_id"] > copied.attrs.get("last_review", 0)]
    asked = [
        table[~table["lake_id"].isin(since["lake_id"])] for table in (inventory.outlines, copied)
    ]
    return asked[0], asked[1]


def _of_file(inventory: Inventory, table: gpd.GeoDataFrame) -> Iterator[_Task]:
    """Tell whether a file holds the latest outlines of all lakes, or those of some images."""
    outlines, days = inventory.outlines, table["acquired"].dt.floor("D")
    known = table[table["acquired"].notna() & table["lake_id"].notna()]
    if known.empty:
        yield _Task(_standing(inventory), table, True)
        return
    image = outlines["acquired"].dt.floor("D")
    present = inventory.lakes.loc[inventory.lakes["state"] == "present", "lake_id"]
    whole = outlines[(outlines["status"] == "observed") & (image <= days.max())]
    latest = decisions.reference(whole[whole["lake_id"].isin(present)]).reset_index()
    others = [outlines[image.isin(days.dropna().unique())], outlines]
    if _likeness(latest, known) < max(_likeness(rows, known) for rows in others):
        yield from _by_image(outlines, table)
        return
    unit = _unit(known)
    keys = set(_keys(known, unit))
    told = outlines[[key in keys for key in _keys(outlines, unit)]]  # what the file shows, and
    rest = latest[~latest["lake_id"].isin(known["lake_id"])]  # what it should show
    base = pd.concat([told, rest], ignore_index=True)[list(outlines.columns)]
    base = gpd.GeoDataFrame(base.drop_duplicates("lake_id"), crs=4326)
    yield _Task(base, table, True)


def _unit(rows: pd.DataFrame) -> str:
    """Return how finely the file tells times: some programs keep only days."""
    times = rows["acquired"]
    return "D" if (times == times.dt.floor("D")).all() else "s"


def _keys(rows: pd.DataFrame, unit: str) -> Iterator[tuple[str, pd.Timestamp]]:
    return zip(rows["lake_id"], rows["acquired"].dt.floor(unit), strict=True)


def _likeness(rows: pd.DataFrame, known: pd.DataFrame) -> float:
    """Return intersection over union of the lakes and images of two tables."""
    unit = _unit(known)
    ours, theirs = set(_keys(rows, unit)), set(_keys(known, unit))
    return len(ours & theirs) / max(1, len(ours | theirs))


def _by_image(outlines: gpd.GeoDataFrame, table: gpd.GeoDataFrame) -> Iterator[_Task]:
    newest = table["acquired"].max()
    days = table["acquired"].fillna(newest).dt.floor("D")
    for day in sorted(days.dropna().unique()):
        new = table[days == day]
        old = outlines[outlines["acquired"].dt.floor("D") == day]
        told = new["sensor"].where(new["sensor"].notna(), _likely_sensors(old, new))
        for sensor in sorted({*told.fillna("")}):
            yield _Task(old[old["sensor"] == sensor], new[told.fillna("") == sensor], False)


def _likely_sensors(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> pd.Series:
    """Return the sensor of the day's outline that is most like each new one."""
    outlines = old.sort_values("sensor")
    ours = outlines.geometry.to_crs(EQUAL_AREA).to_numpy()
    likely = []
    for shape in new.geometry.to_crs(EQUAL_AREA):
        shared = shapely.area(shapely.intersection(ours, shape))
        like = shared / (shapely.area(ours) + shape.area - shared)
        likely.append(outlines["sensor"].iloc[int(like.argmax())] if len(like) else None)
    return pd.Series(likely, index=new.index, dtype="object")


def _compared(inventory: Inventory, task: _Task, missing_is_rejected: bool | None) -> list[Row]:
    old, new = task.old.reset_index(drop=True), task.new.reset_index(drop=True)
    old_m = old.geometry.to_crs(EQUAL_AREA).to_numpy()
    new_m = new.geometry.to_crs(EQUAL_AREA).to_numpy()
    pairs, loose = _paired(old, new, old_m, new_m)
    missing = [i for i in range(len(old)) if i not in pairs]
    if len(missing) > _MISSING * len(old) and missing_is_rejected is None:
        raise InputError(
            None,
            f"the edited file lacks {len(missing)} of {len(old)} lakes",
            "if it is a selection, add --partial; if all these lakes are false, add --whole",
        )
    rows: list[Row] = []
    shifts = []
    for i, members in sorted(pairs.items()):
        drawn = shapely.union_all(new_m[members])
        row = new.iloc[members[0]]
        if not is_same(old_m[i], drawn):
            shape = shapely.union_all(new.geometry.to_numpy()[members])
            rows.append(_decision("redrawn", old.iloc[i], row, shape) | _changed(old, i, shape))
            shifts.append(_shift_m(old_m[i], drawn))
        rows += _told(old.iloc[i], row, task.whole_lakes)
    shifts = [shift for shift in shifts if shift]
    if len(shifts) >= _SHIFTED_ROWS and len(shifts) > len(pairs) / 2:
        raise InputError(
            None,
            f"{len(shifts)} outlines are unchanged but shifted by about {np.median(shifts):.1f} m",
            "correct the CRS of the edited file; nothing was taken in",
        )
    if missing_is_rejected is not False:
        rows += [_rejection(inventory, old, i, task) for i in missing]
    standing = {
        str(old["lake_id"].iloc[i]): shapely.union_all(new_m[members])
        for i, members in pairs.items()
    }
    rows += _additions(inventory, old, new.iloc[loose], standing)
    return rows


def is_same(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    """Tell whether two outlines differ by no more than rounding and re-projection (metres)."""
    if shapely.hausdorff_distance(one, other) > SAME_M:
        return False
    return bool(shapely.symmetric_difference(one, other).area <= SAME_SHARE * one.area)


def _paired(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, old_m: np.ndarray, new_m: np.ndarray
) -> tuple[dict[int, list[int]], list[int]]:
    """Return for each old row the new rows that are it, and the new rows that are none."""
    place = {name: i for i, name in enumerate(old["lake_id"])}
    groups: dict[int, list[int]] = {}
    loose: list[int] = []
    for j, name in enumerate(new["lake_id"]):
        if name in place:
            groups.setdefault(place[name], []).append(j)
        else:
            loose.append(j)
    pairs: dict[int, list[int]] = {}
    for i, members in groups.items():
        exploded = len(shapely.get_parts(old_m[i])) > 1 and len(members) > 1
        if exploded and is_same(old_m[i], shapely.union_all(new_m[members])):
            pairs[i] = members  # a lake in several parts, which the program has taken apart
            continue
        shared = shapely.area(shapely.intersection(new_m[members], old_m[i]))
        best = members[int(shared.argmax())]
        pairs[i] = [best]
        loose += [j for j in members if j != best and not is_same(new_m[best], new_m[j])]
    lost = [i for i in range(len(old)) if i not in pairs]
    if lost and loose:  # drawn anew, or with a code that was mangled
        names = known_ids(new_m[loose], old_m[lost], [str(i) for i in lost], min_overlap=_ONE_PLACE)
        found = {j: int(name) for j, name in zip(loose, names, strict=True) if name is not None}
        pairs |= {i: [j] for j, i in found.items()}
        loose = [j for j in loose if j not in found]
    return pairs, sorted(loose)


def _shift_m(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Return by how much an outline was moved as it is; 0 when its form changed."""
    move = shapely.get_coordinates(one.centroid) - shapely.get_coordinates(other.centroid)
    if is_same(one, shapely.transform(other, lambda xy: xy + move)):
        return float(np.hypot(*move[0]))
    return 0.0


def _decision(kind: str, old: pd.Series, new: pd.Series | None, shape: Any) -> Row:
    return {
        "decision": kind,
        "lake_id": old["lake_id"],
        "acquired": old["acquired"],
        "scene_id": old["scene_id"],
        "sensor": old["sensor"],
        "reviewer": None if new is None else _who(old, new, ("edited_by", "verified_by")),
        "geometry": shape,
    }


def _who(old: pd.Series, new: pd.Series, fields: tuple[str, ...]) -> str | None:
    """Return the name that the person wrote; one that stood there before tells nothing."""
    written = [new[name] for name in fields if new[name] and new[name] != _text(old[name])]
    return written[0] if written else None


def _changed(old: gpd.GeoDataFrame, i: int, shape: shapely.Geometry) -> Row:
    before = old.geometry.iloc[i]
    areas = geodesic_area_perimeter(gpd.GeoSeries([before, shape], crs=4326))["area_m2"]
    text = shapely.to_wkt(before, rounding_precision=-1)
    return {"area_before_m2": areas[0], "area_after_m2": areas[1], "replaced": text}


def _told(old: pd.Series, new: pd.Series, whole_lakes: bool) -> list[Row]:
    """Return what a person wrote into the fields of a row."""
    rows: list[Row] = []
    changes = {
        name: new[name] or ""
        for name in FIELDS
        if name in new.index and not _same_text(_text(old[name]), new[name])
    }
    for kind, names in (("reclassified", FIELDS[:2]), ("commented", FIELDS[2:])):
        told = {name: changes[name] for name in names if name in changes}
        if told:
            row = _decision(kind, old, new, old["geometry"]) | told
            if whole_lakes or kind == "commented":
                row |= {"acquired": None, "scene_id": None, "sensor": None}
            rows.append(row)
    was = bool(old["verified"]) if pd.notna(old["verified"]) else False
    if bool(new["verified"]) != was:
        kind = "withdrawn" if was else "accepted"
        row = _decision(kind, old, new, old["geometry"])
        rows.append(row | {"reviewer": _who(old, new, ("verified_by", "edited_by"))})
    return rows


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value).strip() or None


def _same_text(old: str | None, new: str | None) -> bool:
    """Tell whether a text is the old one, or what a shapefile leaves of it."""
    if (old or "") == (new or ""):
        return True
    if old is None or new is None:
        return False
    cut = old.encode()[:_CUT_BYTES].decode(errors="ignore").strip()
    return len(cut) == len(new) and all(b in {a, "?"} for a, b in zip(cut, new, strict=True))


def _rejection(inventory: Inventory, old: gpd.GeoDataFrame, i: int, task: _Task) -> Row:
    """Return the rejection of a lake with all ground it ever covered, or of one outline."""
    row, name = old.iloc[i], old["lake_id"].iloc[i]
    mine = inventory.outlines[inventory.outlines["lake_id"] == name]
    decision = _decision("rejected", row, None, row["geometry"])
    size = float(geodesic_area_perimeter(old.geometry.iloc[i : i + 1])["area_m2"].iloc[0])
    decision |= {"area_before_m2": size}
    if not task.whole_lakes and len(mine) > 1:
        return decision
    ground = shapely.union_all(mine.geometry.to_numpy())
    others = inventory.outlines[inventory.outlines["lake_id"] != name].geometry
    near = others[others.intersects(ground)]
    place = shapely.difference(ground, shapely.union_all(near.to_numpy()))
    parts = shapely.get_parts(place)
    parts = parts[shapely.get_type_id(parts) == 3]
    place = shapely.multipolygons(parts) if len(parts) else row["geometry"]
    return decision | {"geometry": place, "acquired": None, "scene_id": None, "sensor": None}


def _additions(
    inventory: Inventory,
    old: gpd.GeoDataFrame,
    new: gpd.GeoDataFrame,
    standing: Mapping[str, shapely.Geometry],
) -> list[Row]:
    """Return the lakes that a person added; one at a rejected place has its identity back."""
    rows: list[Row] = []
    placed = dict(standing)
    rejected = decisions.rejected_lakes(inventory.reviews)
    places = dict(zip(rejected["lake_id"], rejected.geometry.to_crs(EQUAL_AREA), strict=True))
    now = inventory.lakes[~inventory.lakes["lake_id"].isin(old["lake_id"])]
    born = dict(zip(now["lake_id"], now.geometry.to_crs(EQUAL_AREA), strict=True))
    for (_, row), shape in zip(new.iterrows(), new.geometry.to_crs(EQUAL_AREA), strict=True):
        if row["lake_id"] in places and not row["verified"]:
            _LOG.warning("%s stays rejected; set verified to bring it back", row["lake_id"])
            continue
        if any(is_same(other, shape) for other in born.values()):
            continue  # added by an earlier review of the same file
        where = row["geometry"]
        on = next((name for name, other in placed.items() if _one_place(shape, other)), None)
        if on is not None:
            point = shapely.point_on_surface(where)
            raise InputError(
                None,
                f"an added outline at {point.y:.5f} {point.x:.5f} lies on the lake {on}",
                "delete one of the two; nothing was taken in",
            )
        name = next((n for n, place in places.items() if _one_place(shape, place)), None)
        placed[name or f"{where.centroid.y:.5f} {where.centroid.x:.5f}"] = shape
        image = _image(inventory, old, row)
        area = float(geodesic_area_perimeter(gpd.GeoSeries([where], crs=4326))["area_m2"].iloc[0])
        written = {"reviewer": row["edited_by"] or row["verified_by"], "lake_id": name}
        added = image | written | {"decision": "added", "geometry": where, "area_after_m2": area}
        told = {field: row[field] for field in FIELDS if field in row.index and row[field]}
        rows.append(added | told)
    return rows


def _one_place(one: shapely.Geometry, other: shapely.Geometry) -> bool:
    shared = shapely.intersection(one, other).area
    return bool(shared >= _ONE_PLACE * min(one.area, other.area))


def _image(inventory: Inventory, old: gpd.GeoDataFrame, row: pd.Series) -> Row:
    """Return the image that an added outline is of: that of its date, else the newest one."""
    scenes = inventory.scenes[inventory.scenes["state"] != "refused"].dropna(subset="acquired")
    days = old["acquired"].dt.floor("D").unique()
    if len(days) == 1:
        chosen = scenes[scenes["scene_id"].isin(old["scene_id"])]
    else:
        day = pd.Timestamp(row["acquired"]).floor("D")
        chosen = scenes[scenes["acquired"].dt.floor("D") == day]
    chosen = (chosen if len(chosen) else scenes).sort_values(["acquired", "scene_id"])
    if chosen.empty:
        raise InputError(None, "the inventory has no scene that a lake could be added to")
    last = chosen.iloc[-1]
    return {name: last[name] for name in ("acquired", "scene_id", "sensor")}


def _is_new(inventory: Inventory, row: Row) -> bool:
    """Tell whether the inventory does not say so already: the file may be taken in again."""
    lake = inventory.lakes[inventory.lakes["lake_id"] == row["lake_id"]]
    kind, outlines = row["decision"], inventory.outlines
    if kind == "added":
        return True
    if lake.empty:
        return False
    if kind == "redrawn":
        shapes = outlines[
            (outlines["lake_id"] == row["lake_id"]) & (outlines["acquired"] == row["acquired"])
        ]
        drawn = gpd.GeoSeries([row["geometry"]], crs=4326).to_crs(EQUAL_AREA)[0]
        return not any(is_same(shape, drawn) for shape in shapes.geometry.to_crs(EQUAL_AREA))
    if kind in {"reclassified", "commented"} and row["acquired"] is None:
        fields = [name for name in FIELDS if name in row]
        return any((_text(lake[name].iloc[0]) or "") != row[name] for name in fields)
    return True


def _one_each(rows: list[Row]) -> list[Row]:
    """Leave out what a person did twice, in the layer of lakes and in that of outlines."""
    gone = {r["lake_id"] for r in rows if r["decision"] == "rejected" and r["acquired"] is None}
    seen: set[object] = set()
    kept = []
    for row in rows:
        key: object = (row["decision"], row["lake_id"], row["acquired"])
        if row["lake_id"] is None:
            key = shapely.to_wkb(shapely.set_precision(row["geometry"], 1e-6))
        if key not in seen and (row["lake_id"] not in gone or row["acquired"] is None):
            kept.append(row)
        seen.add(key)
    return kept
