"""How outlines lie to glaciers: nearest one, length of contact, type of lake.

Glacier outlines are older or younger than an image. What they cannot tell of the image's time is
``unknown``, never a guess.
"""

from __future__ import annotations

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from glacial_lakes.columns import C
from glacial_lakes.errors import Message, VectorError
from glacial_lakes.io.repair import repaired
from glacial_lakes.io.vector import Places, as_places
from glacial_lakes.measures.geometry import geodesic_area_perimeter
from glacial_lakes.schema import LakeType

logger = logging.getLogger(__name__)

GLACIER_ID_COLUMNS = ("rgi_id", "rgiid", C.GLACIER_ID, "glims_id", "glimsid", "glac_id")
"""Column names (lower case) that hold a glacier's identity, best first."""
GLACIER_DATE_COLUMNS = ("src_date", "bgndate", "begdate", "src_year", "year")
"""Column names (lower case) that hold the date of the image behind an outline: RGI 7 and GLIMS
(``src_date``), RGI 3 to 6 (``BgnDate``); best first."""

LINE_TYPE_COLUMN, GLACIER_LINE = "line_type", "glac_bound"
GLIMS_LINES = {
    *(GLACIER_LINE, "intrnl_rock", "debris_cov", "snowline", "centerline", "pro_lake"),
    *("supra_lake", "basin_bound", "medial_moraine", "line_other", "ice_divide", "terminus"),
}
"""What outlines of GLIMS are."""

ON_ICE = 0.9
"""Share of a lake on a glacier outline from which it lies on the glacier. "Entirely within" would
be upset by the pixels that the two outlines differ by."""
SAME_TIME_YEARS = 5
"""Outline and image that are at most so far apart tell of the same ice, up to a pixel or two of
retreat (10 to 20 m a year is usual)."""
RETREATED_M = 1000.0
"""Farther from younger outlines than this, a lake had no contact in an older image either."""
_BOXES_AT_ONCE = 20_000
"""Bounds the memory."""


def glacier_outlines(source: Places) -> gpd.GeoDataFrame:
    """Return the outlines of glaciers among places.

    A download of GLIMS also holds lakes, rocks, snow lines and basins: of a file with its field
    ``line_type`` only ``glac_bound`` are glaciers (Raup & Khalsa 2010, GLIMS Analysis Tutorial).

    Parameters
    ----------
    source : path-like, GeoDataFrame, GeoSeries, geometry or bounds
        As for :func:`glacial_lakes.io.vector.as_places`.

    Raises
    ------
    VectorError
        When a file of GLIMS has no glaciers.
    """
    table = as_places(source)
    field = next((name for name in table.columns if str(name).lower() == LINE_TYPE_COLUMN), None)
    if field is None or not len(table):
        return table
    kinds = table[field].astype("string").str.strip().str.lower()
    if not kinds.isin(GLIMS_LINES).any():
        return table
    is_glacier = (kinds == GLACIER_LINE).fillna(False).to_numpy(dtype=bool)
    if not is_glacier.any():
        raise VectorError(
            source if isinstance(source, Path | str) else None,
            "has no glaciers: its {field} is {kinds}",
            "give the outlines of {kind}",
            field=str(field),
            kinds=sorted(kinds.dropna().unique()),
            kind=GLACIER_LINE,
        )
    if not is_glacier.all():
        logger.info(
            Message(
                "{count} outline of GLIMS that is no glacier left out",
                "{count} outlines of GLIMS that are no glaciers left out",
                count=int((~is_glacier).sum()),
            )
        )
    glaciers: gpd.GeoDataFrame = table[is_glacier].reset_index(drop=True)
    return glaciers


def nearest_glacier(outlines: gpd.GeoSeries, glaciers: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the nearest glacier and the distance between the outlines.

    Parameters
    ----------
    outlines : GeoSeries in a projected CRS in metres
    glaciers : GeoDataFrame
        Glacier outlines in any CRS; the identity is taken from the first column of
        ``GLACIER_ID_COLUMNS``, else it is the row number.

    Returns
    -------
    DataFrame
        ``glacier_id`` (text) and ``glacier_dist_m`` (0 when they touch or overlap).
    """
    empty = pd.DataFrame(
        {C.GLACIER_ID: pd.Series(None, outlines.index, dtype=object), C.GLACIER_DIST_M: np.nan},
        index=outlines.index,
    )
    glaciers = glaciers[~(glaciers.geometry.is_empty | glaciers.geometry.isna())]
    if outlines.empty or glaciers.empty:
        return empty
    ids = glacier_ids(glaciers).to_numpy()
    tree = shapely.STRtree(repaired(glaciers.geometry.to_crs(outlines.crs)))
    (lake, glacier), distance = tree.query_nearest(
        outlines.to_numpy(), return_distance=True, all_matches=False
    )
    empty.iloc[lake, 0] = ids[glacier]
    empty.iloc[lake, 1] = distance
    return empty


def glacier_ids(glaciers: gpd.GeoDataFrame) -> pd.Series:
    """Return the identity of each glacier as text."""
    lower = {str(name).lower(): name for name in glaciers.columns}
    for wanted in GLACIER_ID_COLUMNS:
        if wanted in lower:
            named: pd.Series = glaciers[lower[wanted]].astype(str)
            return named
    return pd.Series([f"glacier {n}" for n in range(len(glaciers))], index=glaciers.index)


def glacier_years(glaciers: gpd.GeoDataFrame) -> pd.Series:
    """Return the year of the image behind each glacier outline.

    Dates are read from the first column of :data:`GLACIER_DATE_COLUMNS`, as ISO text, as times,
    or as the eight digits of the Randolph Glacier Inventory, whose unknown month and day are 99.

    Returns
    -------
    Series of Int64
        Missing where the file does not tell it.
    """
    lower = {str(name).lower(): name for name in glaciers.columns}
    years = pd.Series(pd.NA, index=glaciers.index, dtype="Int64")
    for wanted in GLACIER_DATE_COLUMNS:
        if wanted in lower:
            begins = glaciers[lower[wanted]].astype(str).str.extract(r"^\s*(\d{4})", expand=False)
            found = pd.to_numeric(begins, errors="coerce").astype("Int64")
            years = years.fillna(found.where(found.between(1850, 2100)))
    return years


def may_be_near(
    outlines: gpd.GeoSeries, glaciers: gpd.GeoDataFrame, distance_m: float
) -> NDArray[np.bool_]:
    """Tell which outlines may lie within a distance of a glacier: by bounds, for many at once.

    Parameters
    ----------
    outlines : GeoSeries
        In any CRS.
    glaciers : GeoDataFrame in a projected CRS in metres
        Not empty.
    distance_m : float
        Half of it is added, for lengths that a projection stretches.

    Returns
    -------
    numpy.ndarray of bool
        False only where an outline certainly is farther away.
    """
    boxes = gpd.GeoSeries(shapely.box(*glaciers.geometry.bounds.to_numpy().T), crs=glaciers.crs)
    around = boxes.buffer(1.5 * distance_m, join_style="mitre").to_crs(outlines.crs)
    tree = shapely.STRtree(shapely.box(*around.bounds.to_numpy().T))
    bounds = outlines.bounds.to_numpy()
    is_near = np.zeros(len(outlines), dtype=bool)
    for start in range(0, len(outlines), _BOXES_AT_ONCE):
        few = shapely.box(*bounds[start : start + _BOXES_AT_ONCE].T)
        is_near[start + tree.query(few)[0]] = True
    return is_near


def relation_to_glaciers(
    outlines: gpd.GeoSeries,
    glaciers: gpd.GeoDataFrame,
    acquired: pd.Series,
    contact_m: float,
    within_m: float | None = None,
) -> pd.DataFrame:
    """Return type of lake, and year of the glacier outline that it is judged by.

    ``supraglacial``: nine tenths or more on glacier outlines that are not older than the image
    by more than :data:`SAME_TIME_YEARS`. ``ice-contact``: at most ``contact_m`` away.
    ``unconnected``: farther. ``unknown``: on ice by outlines that are older or undated, since
    the lake may have formed where the ice was; or apart from outlines that are younger than the
    image, by less than :data:`RETREATED_M`.

    Parameters
    ----------
    outlines : GeoSeries in a projected CRS in metres
    glaciers : GeoDataFrame
        Glacier outlines in any CRS, not empty.
    acquired : Series of datetime
        When each outline was seen.
    contact_m : float
        Largest gap that still is contact.
    within_m : float, optional
        Where no glacier is so near, the year is not looked for; :data:`RETREATED_M` or more.

    Returns
    -------
    DataFrame
        ``lake_type`` (text) and ``glacier_year`` (Int64).
    """
    shapes = outlines.to_numpy()
    tree = shapely.STRtree(repaired(glaciers.geometry.to_crs(outlines.crs)))
    lake, glacier = tree.query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[lake], tree.geometries[glacier]))
    on_ice = np.bincount(lake, shared, minlength=len(shapes)) >= ON_ICE * shapely.area(shapes)
    (lake, glacier), gap = tree.query_nearest(
        shapes, max_distance=within_m, return_distance=True, all_matches=False
    )
    distance, year = np.full(len(shapes), np.inf), np.full(len(shapes), np.nan)
    distance[lake] = gap
    year[lake] = glacier_years(glaciers).astype("float64").to_numpy(na_value=np.nan)[glacier]
    seen = acquired.dt.year.astype("float64").to_numpy(na_value=np.nan)
    is_older = ~(year >= seen - SAME_TIME_YEARS)  # so are outlines without a date
    is_younger = year > seen + SAME_TIME_YEARS
    touches = distance <= contact_m
    kinds = np.select(
        [on_ice & ~is_older, on_ice, touches, is_younger & (distance <= RETREATED_M)],
        [LakeType.SUPRAGLACIAL, LakeType.UNKNOWN, LakeType.ICE_CONTACT, LakeType.UNKNOWN],
        LakeType.UNCONNECTED,
    )
    return pd.DataFrame(
        {
            C.LAKE_TYPE: pd.Series(kinds, outlines.index, dtype=object),
            C.GLACIER_YEAR: pd.Series(year, outlines.index).astype("Int64"),
        }
    )


def glacier_contact(
    outlines: gpd.GeoSeries, glaciers: gpd.GeoDataFrame, contact_m: float
) -> pd.DataFrame:
    """Return the length of shore that lies at glaciers, as an interval.

    Parameters
    ----------
    outlines : GeoSeries in a projected CRS in metres
    glaciers : GeoDataFrame
        Glacier outlines in any CRS.
    contact_m : float
        Largest gap that still is contact.

    Returns
    -------
    DataFrame
        ``glacier_contact_low_m``: shore on or inside glacier outlines;
        ``glacier_contact_high_m``: shore at most ``contact_m`` from them. Lengths on the
        ellipsoid, 0 without contact.
    """
    shapes = outlines.to_numpy()
    lengths = np.zeros((len(shapes), 2))
    tree = shapely.STRtree(repaired(glaciers.geometry.to_crs(outlines.crs)))
    lake, glacier = tree.query(shapes, predicate="dwithin", distance=contact_m)
    around = shapely.buffer(shapely.envelope(shapes[lake]), 2 * contact_m, join_style="mitre")
    near = shapely.intersection(tree.geometries[glacier], around)
    for place in np.unique(lake):
        ice, shore = shapely.union_all(near[lake == place]), shapely.boundary(shapes[place])
        reached = (shapely.intersection(shore, part) for part in (ice, ice.buffer(contact_m)))
        lengths[place] = [shapely.length(part) for part in reached]
    touching = np.unique(lake)
    perimeter = geodesic_area_perimeter(outlines.iloc[touching])[C.PERIMETER_M].to_numpy()
    lengths[touching] *= (perimeter / shapely.length(shapes[touching]))[:, None]
    names = [C.GLACIER_CONTACT_LOW_M, C.GLACIER_CONTACT_HIGH_M]
    return pd.DataFrame(lengths, columns=names, index=outlines.index)
