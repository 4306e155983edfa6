"""Outline tables of single scenes → epochs: outlines of adjoining tiles become one outline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from glacial_lakes.columns import C
from glacial_lakes.coverage import MIN_OBSERVED_FRACTION, CompleteCoverage, SceneCoverage
from glacial_lakes.errors import N_, InputError, require
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.measures import geodesic_area_perimeter, hanshaw_bookhagen_error
from glacial_lakes.runtime.threads import one_ahead
from glacial_lakes.schema import MAPPED, OUTLINES, Status, conform, merged
from glacial_lakes.tracking.epochs import Epoch, groups_of, utc
from glacial_lakes.tracking.ragged import RaggedPolygons

_SAME_LAKE = 0.9


@dataclass(frozen=True)
class _Scene:
    """A scene with the columns of its patches, and their outlines in some CRS."""

    coverage: SceneCoverage
    columns: pd.DataFrame
    ragged: RaggedPolygons
    crs: Any


def epochs_of(mapped: Iterable[MappedScene], *, min_overlap: float) -> list[Epoch]:
    """Group mapped scenes into epochs, in the order of time.

    Parameters
    ----------
    mapped : iterable of MappedScene
        In any CRS; a scene may have no outlines.
    min_overlap : float
        Smallest intersection over the smaller area that makes outlines of two tiles one lake.

    Returns
    -------
    list of Epoch
        Sorted by time, sensor and scene.

    Raises
    ------
    InputError
        When outlines have no CRS, or a scene is given twice.
    """
    groups: dict[tuple[str, str], list[_Scene]] = {}
    # Not the tables that were read: those of all scenes would lie in memory together.
    for scene in one_ahead(_in_frame, map(_scene, checked(mapped))):
        key = (utc(scene.coverage.acquired).strftime("%Y-%m-%d"), scene.coverage.sensor)
        groups.setdefault(key, []).append(replace(scene, ragged=scene.ragged.copy()))
    epochs = [_epoch(groups.pop(key), min_overlap) for key in [*groups]]
    return sorted(epochs, key=lambda epoch: (epoch.acquired, epoch.scene_ids))


def checked(mapped: Iterable[MappedScene]) -> Iterator[MappedScene]:
    """Yield scenes, when each has a name of its own and a frame.

    Raises
    ------
    InputError
        When it is no mapped scene, or outlines have no CRS or are no polygons, or a scene is given
        twice.
    """
    names: set[str] = set()
    for scene in mapped:
        remedy = N_("give MappedScene(outlines, coverage), e.g. with a CompleteCoverage")
        require(scene, MappedScene, "a mapped scene", remedy)
        if scene.outlines.crs is None and len(scene.outlines):
            raise InputError(None, "the outlines have no CRS", "give them one, e.g. with set_crs")
        _require_polygons(scene.outlines)
        name = scene.coverage.scene_id
        if name in names:
            raise InputError(None, "scene {name} is given twice", "leave one out", name=name)
        names.add(name)
        yield scene


def _require_polygons(outlines: gpd.GeoDataFrame) -> None:
    """Refuse points and lines, which have no area; what is empty or missing is not one of them."""
    shapes = outlines.geometry.to_numpy()
    flat = np.isin(shapely.get_dimensions(shapes), (0, 1)) & ~shapely.is_empty(shapes)
    if flat.any():
        raise InputError(
            None,
            "the outlines hold a {kind}, which has no area",
            "give polygons",
            kind=shapes[flat][0].geom_type,
        )


def _epoch(scenes: list[_Scene], min_overlap: float) -> Epoch:
    scenes = sorted(scenes, key=lambda one: (utc(one.coverage.acquired), one.coverage.scene_id))
    coverages = tuple(scene.coverage for scene in scenes)
    tables = [_table(scene) for scene in scenes]
    filled = [table for table in tables if len(table)] or tables[:1]
    patches = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=EQUAL_AREA)
    patches["is_merged"] = False
    if len(scenes) > 1 and len(patches):
        patches = _merge_tiles(Epoch.of(coverages, patches), min_overlap)
    return Epoch.of(coverages, _sorted(patches))


def _table(scene: _Scene) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(scene.columns, geometry=scene.ragged.geometries(), crs=EQUAL_AREA)
    # Outlines of images have water between them, drawn ones may share a shore.
    return _joined(table) if isinstance(scene.coverage, CompleteCoverage) else table


def _in_frame(scene: _Scene) -> _Scene:
    if not len(scene.ragged):
        return scene
    return replace(scene, ragged=scene.ragged.to_crs(scene.crs, EQUAL_AREA), crs=EQUAL_AREA)


def _scene(mapped: MappedScene) -> _Scene:
    """Return a scene as tracking wants it, though not in the frame of tracking."""
    table, coverage = mapped.outlines, mapped.coverage
    if C.AREA_M2 not in table:
        table = _measured(table)
    columns = {
        column.name: _once(table[column.name]) if column.type == "text" else table[column.name]
        for column in OUTLINES
        if column.name in table
    }
    columns = {name: values.array for name, values in columns.items()}
    frame = conform(pd.DataFrame(columns, index=pd.RangeIndex(len(table))), MAPPED)
    frame[C.SCENE_ID] = coverage.scene_id
    time = pd.Series(utc(coverage.acquired), index=frame.index)
    frame[C.ACQUIRED] = frame[C.ACQUIRED].fillna(time.astype("datetime64[ms, UTC]"))
    frame[C.SENSOR] = coverage.sensor
    frame[C.AREA_M2] = frame[C.AREA_M2].where(frame[C.STATUS] == Status.OBSERVED)
    return _Scene(coverage, frame, RaggedPolygons.of(table.geometry.to_numpy()), table.crs)


def _measured(drawn: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return outlines that somebody drew with what is measured of them; they were seen whole."""
    size = geodesic_area_perimeter(drawn.geometry)
    columns = {
        name: drawn[name] for name in (*size, C.OBSERVED_FRACTION, C.STATUS) if name in drawn
    }
    seen = {C.OBSERVED_FRACTION: 1.0, C.STATUS: Status.OBSERVED}
    return drawn.assign(**{**{name: size[name] for name in size}, **seen, **columns})


def _once(texts: pd.Series) -> pd.Series:
    """Return texts with equal ones held once: a file gives a new one for every row."""
    place, known = pd.factorize(texts.astype("object"))
    held = np.full(len(known) + 1, None, dtype=object)  # a missing text has the place -1
    held[:-1] = known
    return pd.Series(held[place], texts.index)


def _joined(patches: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make one row of drawn outlines that share a piece of their shore: parts of one lake."""
    outlines = patches.geometry.to_numpy()
    left, right = shapely.STRtree(outlines).query(outlines, predicate="touches")
    shared = shapely.length(shapely.intersection(outlines[left], outlines[right])) > 0
    rows, dropped = [], list[int]()
    for group in groups_of(len(patches), left[shared], right[shared]):
        members = patches.iloc[group]
        row = merged(members, leading=int(shapely.area(outlines[group]).argmax()))
        # The shore that they share counts twice in the sum of perimeters, but not in the error.
        error = float(np.sqrt((members[C.AREA_ERR_HB_M2].to_numpy(dtype=float) ** 2).sum()))
        union = shapely.union_all(outlines[group])
        rows.append(row | {C.AREA_ERR_HB_M2: error, "geometry": union})
        dropped.extend(group)
    if not rows:
        return patches
    joined = conform(gpd.GeoDataFrame(rows, geometry="geometry", crs=EQUAL_AREA), MAPPED)
    rest = patches.drop(index=patches.index[dropped])
    parts = [rest, joined] if len(rest) else [joined]
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=EQUAL_AREA)


def _sorted(patches: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    bounds = patches.geometry.bounds if len(patches) else pd.DataFrame(columns=["minx", "miny"])
    order = np.lexsort(
        (
            patches[C.SCENE_ID].to_numpy(dtype=str),
            shapely.area(patches.geometry.to_numpy()),
            bounds["miny"].to_numpy(dtype=float),
            bounds["minx"].to_numpy(dtype=float),
        )
    )
    return patches.iloc[order].reset_index(drop=True)


def _merge_tiles(epoch: Epoch, min_overlap: float) -> gpd.GeoDataFrame:
    """Make one row of the outlines that several tiles have of one lake."""
    outlines = epoch.outlines
    patches = gpd.GeoDataFrame(epoch.patches, geometry=outlines, crs=EQUAL_AREA)
    left, right = epoch.tree.query(outlines, "dwithin", distance=epoch.resolution_m)
    scene = patches[C.SCENE_ID].to_numpy()
    keep = (left < right) & (scene[left] != scene[right])
    left, right = left[keep], right[keep]
    area = shapely.area(outlines)
    shared = shapely.area(shapely.intersection(outlines[left], outlines[right]))
    # Two whole outlines are one lake when they overlap; a cut one may only touch its other part.
    same = (shared >= min_overlap * np.minimum(area[left], area[right])) | ~(
        epoch.whole[left] & epoch.whole[right]
    )
    rows: list[dict[str, Any]] = []
    dropped: list[int] = []
    for group in groups_of(len(patches), left[same], right[same]):
        rows.append(_merged(epoch, patches, group))
        dropped.extend(group)
    if not rows:
        return patches
    joint = gpd.GeoDataFrame(rows, geometry="geometry", crs=EQUAL_AREA)
    rest = patches.drop(index=dropped)
    joint = gpd.GeoDataFrame(conform(joint, MAPPED), geometry="geometry", crs=EQUAL_AREA)
    return gpd.GeoDataFrame(
        pd.concat([rest, joint] if len(rest) else [joint], ignore_index=True), crs=EQUAL_AREA
    )


def _merged(epoch: Epoch, patches: gpd.GeoDataFrame, group: npt.NDArray[np.intp]) -> dict[str, Any]:
    members = patches.iloc[group]
    outlines = epoch.outlines[group]
    area = shapely.area(outlines)
    union = shapely.union_all(outlines)
    leader = np.lexsort((members[C.SCENE_ID].to_numpy(dtype=str), -area, ~epoch.whole[group]))[0]
    if epoch.whole[group][leader] and area[leader] >= _SAME_LAKE * union.area:
        row: dict[str, Any] = members.iloc[leader].to_dict()
        return row
    seen = epoch.observe(np.array([union], dtype=object))[0][:, 0]
    overlap = max(0.0, float(area.sum()) - union.area) / union.area
    fraction = float(np.clip(max(seen.max(), seen.sum() - overlap), 0.0, 1.0))
    row = merged(members, leading=int(leader)) | {"geometry": union, "is_merged": True}
    row[C.OBSERVED_FRACTION] = fraction
    if fraction < MIN_OBSERVED_FRACTION:
        row[C.PERIMETER_M] = members[C.PERIMETER_M].iloc[leader]  # of what one image shows
        return row | {C.AREA_M2: None, C.AREA_SIGMA_M2: None, C.AREA_ERR_HB_M2: None}
    size = geodesic_area_perimeter(gpd.GeoSeries([union], crs=EQUAL_AREA)).iloc[0]
    area_m2, perimeter_m = float(size[C.AREA_M2]), float(size[C.PERIMETER_M])
    bound = hanshaw_bookhagen_error(perimeter_m, epoch.resolution_m)
    return row | {
        C.STATUS: Status.OBSERVED,
        C.AREA_M2: area_m2,
        C.AREA_MIN_M2: None,
        C.AREA_MAX_M2: None,
        C.AREA_SIGMA_M2: bound if np.isnan(row[C.AREA_SIGMA_M2]) else row[C.AREA_SIGMA_M2],
        C.AREA_ERR_HB_M2: bound,
        C.PERIMETER_M: perimeter_m,
    }
