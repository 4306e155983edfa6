"""An image as people pass it on: one GeoTIFF of some bands, with a sidecar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio

from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.worlds.world import View

SCALE = 0.0001


def write_chip(scene: SimulatedScene, view: View, folder: Path) -> Path:
    """Write the first ``view.chip`` bands with 16 bits, all on the grid of the finest.

    There is no quality layer. Values below 1 are clipped to 1, as processors do that keep 0 for
    no data: deep clear water has no near infrared but this.
    """
    taken = scene.acquisition
    path = folder / f"{taken.sensor}_{taken.time:%Y%m%d}_{view.air.level}.tif"
    layers = []
    for name in BANDS[: view.chip]:
        band = scene.bands[name]
        finer = scene.grid.shape[0] // band.shape[0]
        whole = np.repeat(np.repeat(band, finer, 0), finer, 1)
        counts = np.clip(np.round(whole / SCALE), 1, 65_534)
        layers.append(np.where(np.isfinite(whole), counts, 0).astype(np.uint16))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=scene.grid.shape[1],
        height=scene.grid.shape[0],
        count=len(layers),
        dtype="uint16",
        crs=scene.grid.crs,
        transform=scene.grid.transform,
        nodata=0,
        compress="deflate",
    ) as file:
        file.write(np.stack(layers))
    lines = [
        f"acquired = {taken.time:%Y-%m-%dT%H:%M:%SZ}",
        f'sensor = "{taken.sensor}"',
        f"scale = {SCALE}",
        "offset = 0.0",
        "nodata = 0",
        f"sun_azimuth_deg = {scene.sun_azimuth_deg:.4f}",
        f"sun_elevation_deg = {scene.sun_elevation_deg:.4f}",
        f'level = "{"TOA" if view.air.level == "TOA" else "SR"}"',
        "",
        "[bands]",
        *(f"{name} = {number}" for number, name in enumerate(BANDS[: view.chip], 1)),
    ]
    path.with_suffix(".toml").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    return path
