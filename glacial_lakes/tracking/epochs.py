"""What one sensor saw on one day: patches of water, and where it saw the ground."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from glacial_lakes.columns import C
from glacial_lakes.coverage import SceneCoverage
from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.kernels.overlaps import overlap_areas
from glacial_lakes.schema import Status
from glacial_lakes.tracking.ragged import Geometries, RaggedPolygons

LIKELY = 0.5
"""Probability below which an outline is more likely no lake."""

Fractions = npt.NDArray[np.float64]
Statuses = npt.NDArray[np.object_]


class Seen(NamedTuple):
    """How an epoch saw places: arrays of one length."""

    scene: npt.NDArray[np.intp]
    """Position of the scene that sees a place best."""
    fraction: Fractions
    """How much that shows of it."""
    status: Statuses


@dataclass(frozen=True)
class Epoch:
    """What one sensor saw on one day.

    Parameters
    ----------
    coverages : tuple of SceneCoverage
        The scenes, sorted by time and name.
    patches : pandas.DataFrame
        :data:`glacial_lakes.schema.MAPPED` columns, one row an outline; sorted, so that the order
        of the input has no influence. Column ``is_merged`` tells outlines that were put together
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
    ragged: RaggedPolygons
    bounds: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64]

    @classmethod
    def of(cls, coverages: tuple[SceneCoverage, ...], patches: gpd.GeoDataFrame) -> Epoch:
        """Return the epoch of some scenes and all their outlines."""
        outlines = patches.geometry.to_numpy()
        table = pd.DataFrame(patches.drop(columns="geometry"))
        bounds = np.ascontiguousarray(shapely.bounds(outlines).T)
        return cls(coverages, table, RaggedPolygons.of(outlines), bounds, shapely.area(outlines))

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
        return max(coverage.resolution_m for coverage in self.coverages)

    @cached_property
    def is_complete(self) -> bool:
        """Whether a place without an outline was no lake; older inventories do not tell."""
        return all(coverage.is_complete for coverage in self.coverages)

    @cached_property
    def scenes(self) -> npt.NDArray[np.intp]:
        """Position of the scene of each patch."""
        numbers = {name: number for number, name in reversed([*enumerate(self.scene_ids)])}
        named = [numbers[name] for name in self.columns[C.SCENE_ID].tolist()]
        scenes: npt.NDArray[np.intp] = np.array(named, dtype=np.intp)
        return scenes

    @cached_property
    def outlines(self) -> Geometries:
        """Geometries of the patches."""
        return self.ragged.geometries()

    @cached_property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which patches were seen whole."""
        return np.asarray(self.patches[C.STATUS] == Status.OBSERVED, dtype=bool)

    @cached_property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the patches that tracking reads one by one."""
        numbers = (C.OBSERVED_FRACTION, C.AREA_M2, C.AREA_SIGMA_M2, C.AREA_MIN_M2, C.AREA_MAX_M2)
        columns = {name: self.patches[name].to_numpy(dtype=float) for name in numbers}
        probable = self.patches.get(C.LAKE_PROB, pd.Series(np.nan, self.patches.index))
        columns[C.LAKE_PROB] = probable.to_numpy(dtype=float, na_value=np.nan)
        texts = (C.SCENE_ID, C.STATUS, "is_merged")
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
        meets = shapely.intersects(self.ragged[patches].geometries(), place)
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
        fraction, status = np.zeros(shape), np.full(shape, Status.NODATA, dtype=object)
        if len(geometries):
            places = gpd.GeoSeries(geometries, crs=EQUAL_AREA)
            for row, coverage in enumerate(self.coverages):
                seen = coverage.observe(places)
                fraction[row] = seen[C.OBSERVED_FRACTION].to_numpy(dtype=float, na_value=0.0)
                status[row] = seen[C.STATUS].to_numpy(dtype=object)
        return fraction, status

    def best_views(self, geometries: Geometries) -> Seen:
        """Tell which scene sees each geometry best, how much of it, and what hides the rest."""
        fraction, status = self.observe(geometries)
        best, column = fraction.argmax(axis=0), np.arange(len(geometries))
        return Seen(best, fraction[best, column], status[best, column])


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
