"""Scenes of one day and sensor as one epoch: outlines of adjoining tiles become one outline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from glacial_lakes.coverage import MIN_OBSERVED_FRACTION
from glacial_lakes.errors import InputError
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.overlaps import overlap_areas
from glacial_lakes.schema import MAPPED, OUTLINES, conform
from glacial_lakes.threads import one_ahead
from glacial_lakes.tracking.packed import Geometries, Packed

Fractions = npt.NDArray[np.float64]
Statuses = npt.NDArray[np.object_]
EQUAL_AREA = "EPSG:6933"
"""The one frame of all matching (EASE-Grid 2.0): true areas, and true shapes near 30 degrees."""
_SAME_LAKE = 0.9
_DEFAULT_RESOLUTION_M = 30.0
_HANSHAW_BOOKHAGEN = 0.6872 / 2


class Seen(NamedTuple):
    """How an epoch saw places: arrays of one length."""

    scene: npt.NDArray[np.intp]
    """Position of the scene that sees a place best."""
    fraction: Fractions
    """How much that shows of it."""
    status: Statuses


class SceneCoverage(Protocol):
    """What tracking must know of a scene besides its outlines: where it saw the ground."""

    @property
    def scene_id(self) -> str:
        """Name of the scene."""

    @property
    def acquired(self) -> datetime:
        """Time of the image, UTC."""

    @property
    def sensor(self) -> str:
        """Satellite and sensor."""

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Return ``observed_fraction`` and ``status`` of each geometry, same index."""


@dataclass(frozen=True)
class CompleteCoverage:
    """The coverage of outlines that somebody drew with care: every place was looked at.

    Parameters
    ----------
    scene_id, acquired, sensor
        As of a scene.
    resolution_m : float
        Pixel size of the images that the outlines were drawn on.
    """

    scene_id: str
    acquired: datetime
    sensor: str
    resolution_m: float = _DEFAULT_RESOLUTION_M

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Return that every geometry was seen whole."""
        return pd.DataFrame(
            {"observed_fraction": 1.0, "status": "observed"}, index=geometries.index
        )


@dataclass(frozen=True)
class DrawnCoverage(CompleteCoverage):
    """The coverage of an older inventory: its extent was looked at, but lakes may be left out.

    What has no outline in it counts as ``uncertain``, never as absent. Outlines that tell a date
    of their own keep it.

    Parameters
    ----------
    extent : shapely.Geometry
        Ground that was looked at, in :data:`EQUAL_AREA`; beyond it is no data.
    """

    extent: shapely.Geometry = field(default_factory=shapely.Polygon)
    is_complete: ClassVar[bool] = False

    def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
        """Return that every geometry that meets the extent was seen whole."""
        shapely.prepare(self.extent)
        inside = shapely.intersects(self.extent, geometries.to_crs(EQUAL_AREA).to_numpy())
        return pd.DataFrame(
            {
                "observed_fraction": np.where(inside, 1.0, 0.0),
                "status": np.where(inside, "observed", "nodata").astype(object),
            },
            index=geometries.index,
        )


@dataclass(frozen=True)
class Epoch:
    """What one sensor saw on one day.

    Parameters
    ----------
    coverages : tuple of SceneCoverage
        The scenes, sorted by time and name.
    patches : pandas.DataFrame
        :data:`glacial_lakes.schema.MAPPED` columns, one row an outline; sorted, so that the order
        of the input has no influence. Column ``united`` tells outlines that were put together
        from several scenes.
    packed : Packed
        The outlines of the patches, in :data:`EQUAL_AREA`.
    bounds : numpy.ndarray of float
        West, south, east and north of each patch, shape (4, patch).
    areas : numpy.ndarray of float
        Planar area of each patch.
    """

    coverages: tuple[SceneCoverage, ...]
    patches: pd.DataFrame
    packed: Packed
    bounds: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64]

    @classmethod
    def of(cls, coverages: tuple[SceneCoverage, ...], patches: gpd.GeoDataFrame) -> Epoch:
        """Return the epoch of some scenes and all their outlines."""
        outlines = patches.geometry.to_numpy()
        table = pd.DataFrame(patches.drop(columns="geometry"))
        bounds = np.ascontiguousarray(shapely.bounds(outlines).T)
        return cls(coverages, table, Packed.of(outlines), bounds, shapely.area(outlines))

    @property
    def acquired(self) -> pd.Timestamp:
        """Time of the first scene."""
        return utc(self.coverages[0].acquired)

    @property
    def scene_ids(self) -> list[str]:
        """Names of the scenes."""
        return [coverage.scene_id for coverage in self.coverages]

    @cached_property
    def resolution_m(self) -> float:
        """Pixel size of the coarsest scene in metres."""
        return max(_resolution_m(coverage) for coverage in self.coverages)

    @cached_property
    def is_complete(self) -> bool:
        """Whether a place without an outline was no lake; older inventories do not tell."""
        return all(getattr(coverage, "is_complete", True) for coverage in self.coverages)

    @cached_property
    def scenes(self) -> npt.NDArray[np.intp]:
        """Position of the scene of each patch."""
        numbers = {name: number for number, name in reversed([*enumerate(self.scene_ids)])}
        named = [numbers[name] for name in self.columns["scene_id"].tolist()]
        scenes: npt.NDArray[np.intp] = np.array(named, dtype=np.intp)
        return scenes

    @cached_property
    def outlines(self) -> Geometries:
        """Geometries of the patches."""
        return self.packed.geometries()

    @cached_property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which patches were seen whole."""
        return np.asarray(self.patches["status"] == "observed", dtype=bool)

    @cached_property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the patches that tracking reads one by one."""
        numbers = ("observed_fraction", "area_m2", "area_sigma_m2")
        columns = {name: self.patches[name].to_numpy(dtype=float) for name in numbers}
        texts = ("scene_id", "status", "united")
        return columns | {name: self.patches[name].to_numpy(dtype=object) for name in texts}

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Spatial index of the patches."""
        return shapely.STRtree(self.outlines)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Keep geometries and index only as long as the patches are worked on."""
        try:
            yield
        finally:
            for name in ("outlines", "tree"):
                self.__dict__.pop(name, None)

    def whole_patches_at(self, place: shapely.Geometry) -> npt.NDArray[np.intp]:
        """Return the patches seen whole that meet a place, without any index."""
        west, south, east, north = place.bounds
        left, bottom, right, top = self.bounds
        near = self.whole & (left <= east) & (right >= west) & (bottom <= north) & (top >= south)
        patches: npt.NDArray[np.intp] = np.flatnonzero(near)
        meets = shapely.intersects(self.packed[patches].geometries(), place)
        found: npt.NDArray[np.intp] = patches[np.asarray(meets, dtype=bool)]
        return found

    def observe(self, geometries: Geometries) -> tuple[Fractions, Statuses]:
        """Tell how well each scene saw the geometries (given in :data:`EQUAL_AREA`).

        Returns
        -------
        fraction, status : numpy.ndarray
            Shape (scene, geometry).
        """
        shape = (len(self.coverages), len(geometries))
        fraction, status = np.zeros(shape), np.full(shape, "nodata", dtype=object)
        if len(geometries):
            places = gpd.GeoSeries(geometries, crs=EQUAL_AREA)
            for row, coverage in enumerate(self.coverages):
                seen = coverage.observe(places)
                fraction[row] = seen["observed_fraction"].to_numpy(dtype=float, na_value=0.0)
                status[row] = seen["status"].to_numpy(dtype=object)
        return fraction, status

    def best_views(self, geometries: Geometries) -> Seen:
        """Tell which scene sees each geometry best, how much of it, and what hides the rest."""
        fraction, status = self.observe(geometries)
        best, column = fraction.argmax(axis=0), np.arange(len(geometries))
        return Seen(best, fraction[best, column], status[best, column])


@dataclass(frozen=True)
class _Scene:
    """A scene with the columns of its patches, and their outlines in some CRS."""

    coverage: SceneCoverage
    columns: pd.DataFrame
    packed: Packed
    crs: Any


def epochs_of(tables: Iterable[gpd.GeoDataFrame], *, min_overlap: float) -> list[Epoch]:
    """Group outline tables of single scenes into epochs, in the order of time.

    Parameters
    ----------
    tables : iterable of geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.MAPPED` columns, any CRS, with the scene's coverage in
        ``attrs["coverage"]``; a table may be empty.
    min_overlap : float
        Smallest intersection over the smaller area that makes outlines of two tiles one lake.

    Returns
    -------
    list of Epoch
        Sorted by time, sensor and scene.

    Raises
    ------
    InputError
        When a table has no coverage, or a scene is given twice.
    """
    groups: dict[tuple[str, str], list[_Scene]] = {}
    # Not the tables that were read: those of all scenes would lie in memory together.
    for scene in one_ahead(_in_frame, map(_scene, _checked(tables))):
        key = (utc(scene.coverage.acquired).strftime("%Y-%m-%d"), scene.coverage.sensor)
        groups.setdefault(key, []).append(replace(scene, packed=scene.packed.copy()))
    epochs = [_epoch(groups.pop(key), min_overlap) for key in [*groups]]
    return sorted(epochs, key=lambda epoch: (epoch.acquired, epoch.scene_ids))


def _checked(tables: Iterable[gpd.GeoDataFrame]) -> Iterator[gpd.GeoDataFrame]:
    """Yield tables, when each has a coverage of its own."""
    names: set[str] = set()
    for table in tables:
        coverage = table.attrs.get("coverage")
        if coverage is None:
            raise InputError(
                None,
                "a table of outlines does not tell where its scene saw the ground",
                'set table.attrs["coverage"], e.g. to a CompleteCoverage',
            )
        if coverage.scene_id in names:
            raise InputError(None, f"scene {coverage.scene_id} is given twice", "leave one out")
        names.add(coverage.scene_id)
        yield table


def shared_areas(
    tree: shapely.STRtree, outlines: Geometries
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return which outlines overlap which geometries of a tree, and by how much.

    Returns
    -------
    outline, place : numpy.ndarray of int
        Positions in ``outlines`` and in the tree.
    area : numpy.ndarray of float
        Shared area in the square of the frame's unit, above zero.
    """
    outline, place = tree.query(outlines)
    area = overlap_areas(outlines[outline], tree.geometries[place])
    shares = area > 0
    return outline[shares], place[shares], area[shares]


def groups_of(size: int, left: npt.ArrayLike, right: npt.ArrayLike) -> list[npt.NDArray[np.intp]]:
    """Return the connected components of more than one member of a graph given by its edges."""
    ends = np.asarray(left), np.asarray(right)
    graph = coo_array((np.ones(ends[0].size, dtype=np.int8), ends), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    order = order[np.bincount(label)[label[order]] > 1]  # most stand alone
    if not order.size:
        return []
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)


def utc(time: datetime) -> pd.Timestamp:
    """Return a time as a UTC timestamp; times without a zone are UTC already."""
    stamp = pd.Timestamp(time)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")


def is_late_summer(time: pd.Timestamp, place: shapely.Geometry) -> bool:
    """Tell whether lakes are free of ice and glaciers free of snow, where they ever are.

    Parameters
    ----------
    time : pandas.Timestamp
        Time of an image.
    place : shapely.Geometry
        In :data:`EQUAL_AREA`; tells the hemisphere.

    Returns
    -------
    bool
        True from July to September in the north, from January to March in the south.
    """
    return is_open_season(time, north=bool(is_north(place)))


def is_open_season(time: pd.Timestamp, *, north: bool) -> bool:
    """Tell whether it is late summer in the north or in the south."""
    return time.month in ((7, 8, 9) if north else (1, 2, 3))


def is_north(places: Any) -> Any:
    """Tell of one place or an array of places in :data:`EQUAL_AREA` if it is in the north."""
    return shapely.get_y(shapely.centroid(places)) >= 0


def _resolution_m(coverage: SceneCoverage) -> float:
    grid = getattr(coverage, "grid", None)
    if grid is not None:
        return float(grid.resolution)
    return float(getattr(coverage, "resolution_m", _DEFAULT_RESOLUTION_M))


def _epoch(scenes: list[_Scene], min_overlap: float) -> Epoch:
    scenes = sorted(scenes, key=lambda one: (utc(one.coverage.acquired), one.coverage.scene_id))
    coverages = tuple(scene.coverage for scene in scenes)
    tables = [_table(scene) for scene in scenes]
    filled = [table for table in tables if len(table)] or tables[:1]
    patches = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=EQUAL_AREA)
    patches["united"] = False
    if len(scenes) > 1 and len(patches):
        patches = _unite(Epoch.of(coverages, patches), min_overlap)
    return Epoch.of(coverages, _sorted(patches))


def _table(scene: _Scene) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(scene.columns, geometry=scene.packed.geometries(), crs=EQUAL_AREA)
    # Outlines of images have water between them, drawn ones may share a shore.
    return _joined(table) if isinstance(scene.coverage, CompleteCoverage) else table


def _in_frame(scene: _Scene) -> _Scene:
    if not len(scene.packed):
        return scene
    return replace(scene, packed=scene.packed.to_crs(scene.crs, EQUAL_AREA), crs=EQUAL_AREA)


def _scene(table: gpd.GeoDataFrame) -> _Scene:
    """Return a scene as tracking wants it, though not in the frame of tracking."""
    coverage: SceneCoverage = table.attrs["coverage"]
    columns = {
        column.name: _once(table[column.name]) if column.type == "text" else table[column.name]
        for column in OUTLINES
        if column.name in table
    }
    columns = {name: values.array for name, values in columns.items()}
    frame = conform(pd.DataFrame(columns, index=pd.RangeIndex(len(table))), MAPPED)
    frame["scene_id"] = coverage.scene_id
    time = pd.Series(utc(coverage.acquired), index=frame.index)
    frame["acquired"] = frame["acquired"].fillna(time.astype("datetime64[ms, UTC]"))
    frame["sensor"] = coverage.sensor
    frame["area_m2"] = frame["area_m2"].where(frame["status"] == "observed")
    return _Scene(coverage, frame, Packed.of(table.geometry.to_numpy()), table.crs)


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
        row: dict[str, Any] = members.iloc[int(shapely.area(outlines[group]).argmax())].to_dict()
        size = {
            name: members[name].sum(min_count=len(group)) for name in ("area_m2", "perimeter_m")
        }
        for name in ("area_sigma_m2", "area_err_hb_m2"):
            size[name] = float(np.sqrt((members[name].to_numpy(dtype=float) ** 2).sum()))
        rows.append(row | size | {"geometry": shapely.union_all(outlines[group])})
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
            patches["scene_id"].to_numpy(dtype=str),
            shapely.area(patches.geometry.to_numpy()),
            bounds["miny"].to_numpy(dtype=float),
            bounds["minx"].to_numpy(dtype=float),
        )
    )
    return patches.iloc[order].reset_index(drop=True)


def _unite(epoch: Epoch, min_overlap: float) -> gpd.GeoDataFrame:
    """Make one row of the outlines that several tiles have of one lake."""
    outlines = epoch.outlines
    patches = gpd.GeoDataFrame(epoch.patches, geometry=outlines, crs=EQUAL_AREA)
    left, right = epoch.tree.query(outlines, "dwithin", distance=epoch.resolution_m)
    scene = patches["scene_id"].to_numpy()
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
        rows.append(_united(epoch, patches, group))
        dropped.extend(group)
    if not rows:
        return patches
    united = gpd.GeoDataFrame(rows, geometry="geometry", crs=EQUAL_AREA)
    rest = patches.drop(index=dropped)
    united = gpd.GeoDataFrame(conform(united, MAPPED), geometry="geometry", crs=EQUAL_AREA)
    return gpd.GeoDataFrame(
        pd.concat([rest, united] if len(rest) else [united], ignore_index=True), crs=EQUAL_AREA
    )


def _united(epoch: Epoch, patches: gpd.GeoDataFrame, group: npt.NDArray[np.intp]) -> dict[str, Any]:
    members = patches.iloc[group]
    outlines = epoch.outlines[group]
    area = shapely.area(outlines)
    union = shapely.union_all(outlines)
    leader = np.lexsort((members["scene_id"].to_numpy(dtype=str), -area, ~epoch.whole[group]))[0]
    row: dict[str, Any] = members.iloc[leader].to_dict()
    if epoch.whole[group][leader] and area[leader] >= _SAME_LAKE * union.area:
        return row
    seen = epoch.observe(np.array([union], dtype=object))[0][:, 0]
    overlap = max(0.0, float(area.sum()) - union.area) / union.area
    fraction = float(np.clip(max(seen.max(), seen.sum() - overlap), 0.0, 1.0))
    row |= {"geometry": union, "observed_fraction": fraction, "united": True}
    if fraction < MIN_OBSERVED_FRACTION:
        return row | {"area_m2": None, "area_sigma_m2": None, "area_err_hb_m2": None}
    size = geodesic_area_perimeter(gpd.GeoSeries([union], crs=EQUAL_AREA)).iloc[0]
    area_m2, perimeter_m = float(size["area_m2"]), float(size["perimeter_m"])
    sigma = members["area_sigma_m2"].to_numpy(dtype=float)
    bound = _HANSHAW_BOOKHAGEN * perimeter_m * epoch.resolution_m
    return row | {
        "status": "observed",
        "area_m2": area_m2,
        "area_sigma_m2": bound if np.isnan(sigma).any() else float(np.sqrt((sigma**2).sum())),
        "area_err_hb_m2": bound,
        "perimeter_m": perimeter_m,
    }
