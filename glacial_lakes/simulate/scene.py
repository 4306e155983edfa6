"""One scene: the site as one sensor sees it on one date, and what is true on that date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from glacial_lakes.grid import Grid
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.camera import develop, pointing, scan_gaps, take
from glacial_lakes.simulate.frame import (
    CRS_NAME,
    LANDSAT_OFFSET_M,
    NORTH,
    SCENE_M,
    WEST,
    block_mean,
)
from glacial_lakes.simulate.lakes import LakeState
from glacial_lakes.simulate.noise import Field, generator
from glacial_lakes.simulate.quality import Label, label_pixels
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.site import Site
from glacial_lakes.simulate.sky import light_up, make_sky, through_air
from glacial_lakes.simulate.surface import cover_lake, make_surface
from glacial_lakes.simulate.truth import View, lake_truth, places_in_view

SLC_FAILURE = datetime(2003, 5, 31, tzinfo=UTC)
"""When the scan line corrector of Landsat 7 failed."""


@dataclass(frozen=True, eq=False)
class SimulatedScene:
    """A scene before it is written as a product."""

    acquisition: Acquisition
    grid: Grid
    """Grid of the finest bands."""
    bands: Mapping[str, Field]
    """Reflectance by band name, each on its own pixel size, NaN for no data."""
    saturated: NDArray[np.uint8]
    """Bits by band (bit 0: blue), on ``grid``."""
    labels: NDArray[np.uint8]
    """:class:`glacial_lakes.simulate.quality.Label` at 20 m (Sentinel-2) or 30 m."""
    truth: gpd.GeoDataFrame
    """One row a lake: true outline in the site's CRS and what could be seen of it."""
    empty_places: pd.Series
    """Observed fraction of the places of lakes that do not exist on the date, by lake."""
    sun_azimuth_deg: float
    sun_elevation_deg: float
    shift_m: tuple[float, float]
    """Geolocation error: how far the image lies east and north of the truth."""

    @property
    def cloud_percent(self) -> float:
        """Cloud cover as the processor sees it."""
        cloudy = np.isin(self.labels, [Label.CLOUD, Label.CLOUD_MEDIUM, Label.CIRRUS])
        return float(100.0 * cloudy.mean())


def simulate_scene(site: Site, acquisition: Acquisition) -> SimulatedScene:
    """Simulate one scene of a site; equal arguments give equal scenes.

    Parameters
    ----------
    site : Site
        Where.
    acquisition : Acquisition
        When, by which sensor, in what weather.

    Returns
    -------
    SimulatedScene
    """
    sensor = acquisition.instrument
    landsat = sensor.name.startswith("L")
    ground = site.coarse_ground if landsat else site.ground
    surface = make_surface(site, ground, acquisition)
    sky = make_sky(site, ground, acquisition)
    signal = surface.albedo
    light_up(signal, ground, sky, sensor.relief_corrected)
    through_air(signal, ground, sky, acquisition.haze)

    rng = generator(site.seed, 41, acquisition.seed, acquisition.time.toordinal())
    shift = pointing(rng, sensor)
    grid = _grid(min(sensor.pixel_m), LANDSAT_OFFSET_M if landsat else 0.0)
    first = round((grid.transform.c - ground.transform.c) / ground.cell_m)

    def pixels(field: Field, pixel_m: float, blur_m: float) -> Field:
        return take(
            field,
            cell_m=ground.cell_m,
            first=first,
            count=round(SCENE_M / pixel_m),
            pixel_m=pixel_m,
            blur_m=blur_m,
            shift_m=shift,
        )

    bands: dict[str, Field] = {}
    saturated = np.zeros(grid.shape, np.uint8)
    for number, name in enumerate(BANDS):
        seen = pixels(signal[number], sensor.pixel_m[number], sensor.blur_m[number])
        bands[name], full = develop(
            rng, seen, sensor, number, sun_elevation_deg=sky.sun_elevation_deg
        )
        if full.shape == grid.shape:
            saturated |= full.astype(np.uint8) << number
    if sensor.name == "LE07" and acquisition.time > SLC_FAILURE:
        gaps = scan_gaps(rng, *grid.shape)
        bands = {name: np.where(gaps, np.float32(np.nan), band) for name, band in bands.items()}
        saturated[gaps] = 0

    mask_m = max(sensor.pixel_m)
    factor = round(mask_m / grid.resolution)
    labels = label_pixels(
        rng,
        {
            name: block_mean(band, factor) if band.shape == grid.shape else band
            for name, band in bands.items()
        },
        pixels(sky.cloud, mask_m, 1.0),
        pixels(sky.shade, mask_m, 1.0),
        pixel_m=mask_m,
        dilation=3 if landsat else 2,
    )
    view = View(ground, sky, np.isnan(bands["green"]), grid)
    present = {cover.state.lake.lake_id for cover in surface.lakes}
    absent = [
        cover_lake(ground, acquisition, LakeState(lake, lake.outline))
        for lake in site.lakes
        if lake.lake_id not in present
    ]
    return SimulatedScene(
        acquisition=acquisition,
        grid=grid,
        bands=bands,
        saturated=saturated,
        labels=labels,
        truth=lake_truth(surface.lakes, view),
        empty_places=places_in_view(absent, view),
        sun_azimuth_deg=sky.sun_azimuth_deg,
        sun_elevation_deg=sky.sun_elevation_deg,
        shift_m=shift,
    )


def _grid(pixel_m: float, offset_m: float) -> Grid:
    count = round(SCENE_M / pixel_m)
    corner = Affine(pixel_m, 0, WEST - offset_m, 0, -pixel_m, NORTH + offset_m)
    return Grid(CRS.from_string(CRS_NAME), corner, (count, count))
