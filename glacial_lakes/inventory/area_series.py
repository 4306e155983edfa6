"""The area of one lake through time: its dates, outlines, events and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from glacial_lakes import change
from glacial_lakes.change.series import involved
from glacial_lakes.columns import C
from glacial_lakes.grid import Grid
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.inventory.netcdf import write_areas
from glacial_lakes.runtime.notebooks import ShowsFacts
from glacial_lakes.schema import Status

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AROUND = 1.7
"""Side of a picture, in extents of the lake."""
LEAST_SIDE_M = 600.0


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """What a scene shows of a lake, in false colour."""

    colours: NDArray[np.uint8]
    """Shape (3, y, x), as :func:`glacial_lakes.mapping.false_colour.false_colour` makes them."""
    grid: Grid
    """Of these pixels, which are those of the scene."""


@dataclass(frozen=True, eq=False, repr=False)
class AreaSeries(ShowsFacts):
    """One lake through time, as :func:`glacial_lakes.area_series` gives it.

    Examples
    --------
    >>> import glacial_lakes as gl
    >>> inventory = gl.open_inventory("inventory.gpkg")
    >>> series = series_in(inventory, inventory.lakes["lake_id"].iloc[0])
    >>> len(series.observations) == len(inventory.scenes)
    True
    """

    lake_id: str
    observations: pd.DataFrame
    """:data:`~glacial_lakes.schema.SERIES` of the lake, one row a scene, by time."""
    outlines: gpd.GeoDataFrame
    """:data:`~glacial_lakes.schema.OUTLINES` of the lake, one row a date with an outline."""
    events: pd.DataFrame
    """:data:`~glacial_lakes.schema.LAKE_EVENTS` that the lake takes part in."""
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    """By scene; scenes that do not show the place have none."""

    def plot(self, ax: Axes | None = None, language: str = "en") -> Axes:
        """Draw the area through time, as :func:`.plots.plot_area` does."""
        from glacial_lakes.inventory import plots  # noqa: PLC0415 (matplotlib takes half a second)

        return plots.plot_area(self.observations, ax, language, self.events)

    def figure(self, language: str = "en") -> Figure:
        """Draw the area through time, and below it each picture with the outline of its date.

        Parameters
        ----------
        language : {"en", "ru"}
            Language of the labels.

        Returns
        -------
        matplotlib.figure.Figure
            Not tied to any window.
        """
        from glacial_lakes.inventory import plots  # noqa: PLC0415

        return plots.figure_of_series(self, language)

    def to_netcdf(self, path: Path | str) -> Path:
        """Write the areas as CF netCDF, as :meth:`glacial_lakes.Inventory.to_netcdf` does.

        Raises
        ------
        OutputError
            When it cannot be written.
        """
        named = self.outlines.reindex(columns=[C.LAKE_ID, C.LON, C.LAT, C.ELEV_M]).tail(1)
        place = pd.DataFrame({C.LAKE_ID: [self.lake_id]}).merge(named, "left", C.LAKE_ID)
        return write_areas(self.observations, place, path)

    def __repr__(self) -> str:
        facts = self._facts()
        return f"<AreaSeries {facts['lake']}: {facts['dates']}, {facts['period']}>"

    def _facts(self) -> dict[str, str]:
        measured = self.observations[self.observations[C.STATUS] == Status.OBSERVED]
        areas, times = measured[C.AREA_M2], self.observations[C.ACQUIRED].dropna()
        facts = {
            "lake": self.lake_id,
            "dates": f"{len(self.observations)} dates, {len(measured)} with an area",
            "period": f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}" if len(times) else "none",
        }
        if len(measured):
            facts["area"] = f"{areas.min():.0f} to {areas.max():.0f} m²"
        return facts


def series_in(inventory: Inventory, lake_id: str) -> AreaSeries:
    """Return what an inventory tells of one lake through time, without pictures.

    Raises
    ------
    InputError
        When there is no such lake.
    """
    events = inventory.events
    concerned = [lake_id in involved(event) for _, event in events.iterrows()]
    outlines = inventory.outlines
    return AreaSeries(
        lake_id,
        change.with_volumes(
            inventory.observations_of(lake_id), inventory.curves, inventory.shallow
        ),
        outlines[outlines[C.LAKE_ID] == lake_id].reset_index(drop=True),
        events.loc[np.array(concerned, dtype=bool)].reset_index(drop=True),
    )


def frame(outlines: gpd.GeoDataFrame, grid: Grid) -> tuple[float, float, float, float]:
    """Return the bounds of a picture of a lake, a square on the map of a scene.

    Parameters
    ----------
    outlines : geopandas.GeoDataFrame
        All of the lake.
    grid : Grid
        Of the scene.
    """
    shapes = outlines.geometry.to_crs(grid.crs.to_wkt()).to_numpy()
    west, south, east, north = shapely.total_bounds(shapes)
    half = max(AROUND * max(east - west, north - south), LEAST_SIDE_M) / 2
    x, y = (west + east) / 2, (south + north) / 2
    return x - half, y - half, x + half, y + half
