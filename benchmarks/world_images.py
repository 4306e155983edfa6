"""Series of images of one world: air, season, masks and faults are drawn anew for each date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from glacial_lakes.simulate.series import write_layer
from glacial_lakes.simulate.worlds import World, elevation
from glacial_lakes.simulate.worlds.scene import WorldSite

Date = tuple[str, str, str]
"""Sensor, day and condition of an image of a world; "any" for any condition."""


def seen_on(site: WorldSite, dates: Sequence[Date]) -> WorldSite:
    """Return a world whose views are those of some dates: their clouds and noise differ.

    What varies is that of other worlds, with reflectance of the surface in whole products.
    """
    skies = (view for n in range(100_000) for view in World.of(1000 * site.world.seed + n).views)
    found = []
    for sensor, day, condition in dates:
        group = "landsat" if sensor[0] == "L" else "hard" if condition in HARD else "clear"
        view = next(
            view
            for view in skies
            if (view.group, view.air.level) == (group, "SR")
            and condition in {view.condition, "any"}
        )
        time = datetime.fromisoformat(f"{day}T05:40:00").replace(tzinfo=UTC)
        taken = replace(view.acquisition, time=time, sensor=sensor, baseline="05.09")
        found.append(replace(view, acquisition=taken, chip=0))
    return replace(site, world=replace(site.world, views=tuple(found)))


HARD = ("cloud", "snow", "low sun")
"""Conditions of Sentinel-2 that are a group of their own."""


def write_ground(site: WorldSite, folder: Path) -> dict[str, Path]:
    """Write DEM and glaciers of a world, as far as it has them; return their paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    dem, ice = site.dem(), site.glacier_outlines()
    if dem is not None:
        written["dem"] = folder / "dem.tif"
        elevation.write(dem[0], dem[1], written["dem"])  # type: ignore[arg-type]
    if len(ice):
        written["glaciers"] = folder / "glaciers.gpkg"
        write_layer(written["glaciers"], "glaciers", ice, append=False)
    return written
