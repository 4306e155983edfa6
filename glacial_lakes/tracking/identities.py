"""Lake identities: their written form, and how an older inventory's identities are kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyproj
import shapely
from scipy.optimize import linear_sum_assignment

from glacial_lakes.grid import EQUAL_AREA
from glacial_lakes.tracking.epochs import groups_of, shared_areas
from glacial_lakes.tracking.ragged import Geometries


def lake_id(lon: float, lat: float, taken: Collection[str] = ()) -> str:
    """Return the identity of a lake from a point in it.

    The 15-character form of the inventories of the region (ICIMOD, Wang et al. 2020): ``GL``,
    longitude × 1000, hemisphere, latitude × 1000, hemisphere. Where it is taken, ``_2``, ``_3``,
    … follows.

    Parameters
    ----------
    lon, lat : float
        Degrees, WGS 84.
    taken : collection of str
        Identities that are given already.

    Returns
    -------
    str
        The identity.

    Examples
    --------
    >>> lake_id(74.5123, 42.6368)
    'GL074512E42637N'
    >>> lake_id(-51.4, -0.5, taken={"GL051400W00500S"})
    'GL051400W00500S_2'
    """
    east_west = "E" if lon >= 0 else "W"
    north_south = "N" if lat >= 0 else "S"
    form = f"GL{round(abs(lon) * 1000):06d}{east_west}{round(abs(lat) * 1000):05d}{north_south}"
    if form not in taken:
        return form
    number = 2
    while f"{form}_{number}" in taken:
        number += 1
    return f"{form}_{number}"


def lake_ids(
    births: Geometries, known: Sequence[str | None], reserved: Collection[str] = ()
) -> list[str]:
    """Give identities to lakes in the order of their birth.

    Parameters
    ----------
    births : numpy.ndarray of geometry
        First outline of each lake in :data:`.epochs.EQUAL_AREA`, oldest first.
    known : sequence of str or None
        Identity that a lake has already.
    reserved : collection of str
        Identities never to be given again.

    Returns
    -------
    list of str
        One identity a lake, all different.
    """
    to_degrees = pyproj.Transformer.from_crs(EQUAL_AREA, 4326, always_xy=True)
    points = shapely.get_coordinates(shapely.point_on_surface(births))
    lon, lat = to_degrees.transform(points[:, 0], points[:, 1])
    taken = {name for name in known if name is not None} | set(reserved)
    names = []
    for number, name in enumerate(known):
        given = name if name is not None else lake_id(lon[number], lat[number], taken)
        taken.add(given)
        names.append(given)
    return names


def known_ids(
    footprints: Geometries,
    old_footprints: Geometries,
    old_ids: Sequence[str],
    *,
    min_overlap: float,
) -> list[str | None]:
    """Find the identities that lakes have in an older inventory.

    Every group of overlapping footprints is matched as a whole, so that the sum of intersection
    over union is largest; each old identity goes to one lake at most.

    Parameters
    ----------
    footprints, old_footprints : numpy.ndarray of geometry
        All ground that each lake ever covered, in :data:`glacial_lakes.grid.EQUAL_AREA`.
    old_ids : sequence of str
        Identities of the old footprints.
    min_overlap : float
        Smallest intersection over the smaller area of a match.

    Returns
    -------
    list of str or None
        For each footprint its old identity, or None.
    """
    new, old, shared = shared_areas(shapely.STRtree(old_footprints), footprints)
    area, old_area = shapely.area(footprints)[new], shapely.area(old_footprints)[old]
    linked = shared >= min_overlap * np.minimum(area, old_area)
    new, old = new[linked], old[linked]
    likeness = (shared / (area + old_area - shared))[linked]
    names: list[str | None] = [None] * len(footprints)
    for row, column in best_pairs(new, old, likeness, len(footprints), len(old_footprints)):
        names[row] = old_ids[column]
    return names


def best_pairs(
    left: np.ndarray, right: np.ndarray, weight: np.ndarray, n_left: int, n_right: int
) -> list[tuple[int, int]]:
    """Return the one-to-one pairs of a weighted bipartite graph with the largest total weight."""
    left, right = np.asarray(left, dtype=int), np.asarray(right, dtype=int)
    alone = (np.bincount(left, minlength=n_left)[left] == 1) & (
        np.bincount(right, minlength=n_right)[right] == 1
    )
    pairs = [np.column_stack([left[alone], left[alone], right[alone]])]
    left, right, weight = left[~alone], right[~alone], weight[~alone]
    edges = zip(left.tolist(), right.tolist(), weight.tolist(), strict=True)
    by_edge = {(a, b): w for a, b, w in edges}
    for group in groups_of(n_left + n_right, left, right + n_left):
        rows, columns = group[group < n_left], group[group >= n_left] - n_left
        table = np.array([[by_edge.get((int(a), int(b)), 0.0) for b in columns] for a in rows])
        chosen = np.column_stack(linear_sum_assignment(table, maximize=True))
        chosen = chosen[table[chosen[:, 0], chosen[:, 1]] > 0]
        first = np.full(len(chosen), rows[0])
        pairs.append(np.column_stack([first, rows[chosen[:, 0]], columns[chosen[:, 1]]]))
    found = np.concatenate(pairs)
    found = found[np.argsort(found[:, 0], kind="stable"), 1:]
    return [(a, b) for a, b in found.tolist()]
