"""Small products in every layout that is read, written by the simulator from its sample scenes.

A corner of a sample scene is taken with GDAL alone, so that what a product must give is known
without the readers under test.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.windows import Window

from glacial_lakes.grid import Grid
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.eopf_zarr import Layout
from glacial_lakes.simulate.landsat import write_landsat
from glacial_lakes.simulate.landsat_level1 import Collection, write_landsat_level1
from glacial_lakes.simulate.quality import QA_OLI, QA_TM, SCL, Label
from glacial_lakes.simulate.sample import SCHEDULE
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.sentinel2 import Level, write_sentinel2
from glacial_lakes.simulate.series import product_name

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
"""Of EOPF Zarr."""
GREEN = "measurements/reflectance/r10m/b03"
"""The green band in it."""

SIZE_M = 1800
"""Edge of the products: 180 pixels of Sentinel-2, 60 of Landsat."""

CORNERS_M = {"LT05": (2700, 900), "LE07": (2700, 900), "LC08": (900, 2700), "S2A": (3000, 3000)}
"""South and east of the corner of the sample scene; chosen to hold lakes."""

SIDECAR = {
    "acquired": "2019-07-23T10:20:31Z",
    "sensor": '"S2A"',
    "scale": "0.0001",
    "offset": "0.0",
    "sun_azimuth_deg": "146.0",
    "sun_elevation_deg": "62.0",
    "quality": '"lake_SCL.tif"',
    "decoder": '"scl"',
}
STACK_BANDS = {"blue": 2, "green": 3, "red": 4, "nir": 8, "swir1": 10, "swir2": 11}


def sample_scene(sample_data: Path, date: str) -> SimulatedScene:
    """Return a corner of the sample scene of a date."""
    [taken] = (entry for entry in SCHEDULE if f"{entry.time:%Y-%m-%d}" == date)
    product = sample_data / "scenes" / product_name(taken)
    sentinel2 = product.suffix == ".SAFE"
    scale, offset = (1e-4, -0.1 * (taken.baseline >= "04.00")) if sentinel2 else (2.75e-5, -0.2)
    corner = CORNERS_M.get(taken.sensor, CORNERS_M["S2A"])

    def layer(ending: str) -> tuple[np.ndarray, Grid]:
        [path] = product.rglob(f"*_{ending}")
        with rasterio.open(path) as dataset:
            south, east, size = (round(m / dataset.res[0]) for m in (*corner, SIZE_M))
            window = Window(east, south, size, size)
            values = dataset.read(1, window=window)
            return values, Grid(dataset.crs, dataset.window_transform(window), values.shape)

    bands = {}
    for band, code, pixel in zip(
        BANDS, taken.instrument.files, taken.instrument.pixel_m, strict=True
    ):
        ending = f"{code}_{pixel:.0f}m.jp2" if sentinel2 else f"SR_{code}.TIF"
        values, grid = layer(ending)
        reflectance = values.astype(np.float64) * scale + offset
        bands[band] = np.where(values == 0, np.nan, reflectance).astype(np.float32)
        if band == "green":
            finest = grid
    if sentinel2:
        labels = _labels(layer("SCL_20m.jp2")[0], SCL)
        saturated = np.zeros(finest.shape, np.uint8)
    else:
        labels = _labels(layer("QA_PIXEL.TIF")[0], QA_OLI if taken.sensor == "LC08" else QA_TM)
        saturated = _saturated(layer("QA_RADSAT.TIF")[0], taken)
    azimuth, elevation = _sun(product)
    return SimulatedScene(
        acquisition=taken,
        grid=finest,
        bands=bands,
        saturated=saturated,
        labels=labels,
        truth=gpd.GeoDataFrame(),
        empty_places=pd.Series(dtype=float),
        sun_azimuth_deg=azimuth,
        sun_elevation_deg=elevation,
        shift_m=(0.0, 0.0),
    )


def larger(scene: SimulatedScene, times: int) -> SimulatedScene:
    """Return a scene that shows the same again and again, to the east and the south."""
    grid = scene.grid
    shape = tuple(times * size for size in grid.shape)
    return dataclasses.replace(
        scene,
        grid=Grid(grid.crs, grid.transform, shape),
        bands={name: np.tile(band, (times, times)) for name, band in scene.bands.items()},
        labels=np.tile(scene.labels, (times, times)),
        saturated=np.tile(scene.saturated, (times, times)),
    )


def _labels(classes: np.ndarray, table: dict[Label, int]) -> np.ndarray:
    labels = np.full(classes.shape, Label.BARE, np.uint8)
    for label, value in table.items():
        labels[classes == value] = label
    return labels


def _saturated(radsat: np.ndarray, taken: Acquisition) -> np.ndarray:
    bits = np.zeros(radsat.shape, np.uint8)
    for number, code in enumerate(taken.instrument.files):
        bits |= ((radsat >> (int(code[1:]) - 1)) & 1).astype(np.uint8) << number
    return bits


def _sun(product: Path) -> tuple[float, float]:
    if product.suffix == ".SAFE":
        text = next(product.rglob("MTD_TL.xml")).read_text(encoding="utf-8")
        mean = text[text.index("<Mean_Sun_Angle>") :]
        zenith, azimuth = (
            float(re.search(f"<{name}_ANGLE[^>]*>([^<]+)<", mean)[1])
            for name in ("ZENITH", "AZIMUTH")
        )
        return azimuth, 90 - zenith
    text = next(product.glob("*_MTL.txt")).read_text(encoding="utf-8")
    azimuth, elevation = (
        float(re.search(rf"SUN_{name} = ([\d.]+)", text)[1]) for name in ("AZIMUTH", "ELEVATION")
    )
    return azimuth, elevation


class Products:
    """The small products of a session, below one folder.

    ``series`` holds Level 2 products as they are delivered, ``level1`` those of Level 1 and of
    older layouts, ``stack`` a GeoTIFF of the bands with its scene classification, and
    ``scanner`` the metadata of a Multispectral Scanner.
    """

    def __init__(self, folder: Path, sample_data: Path) -> None:
        self.folder = folder
        self.series, self.level1 = folder / "series", folder / "level1"
        self.scenes = {
            f"{entry.time:%Y}": sample_scene(sample_data, f"{entry.time:%Y-%m-%d}")
            for entry in SCHEDULE
            if f"{entry.time:%Y}" not in {"2009", "2016", "2019"}
        }
        """What the products show, by year."""
        self.truth: dict[Path, SimulatedScene] = {}
        """What each product shows."""
        for year in ("2003", "2006", "2013"):
            scene = self.scenes[year]
            self._keep(write_landsat(scene, self.series, metadata=("txt", "json", "xml")), scene)
        for year in ("2018", "2022", "2023"):
            self._keep(write_sentinel2(self.scenes[year], self.series), self.scenes[year])
        self.l1c_2018 = self._sentinel2("2018", "02.06", "L1C")
        self.l1c_2022 = self._sentinel2("2022", "04.00", "L1C")
        self.old_l2a = self._sentinel2("2018", "02.07", "L2A")
        self.collection2 = self._landsat("2013", 2)
        self.collection1 = self._landsat("2013", 1)
        self.collection1_tm = self._landsat("2003", 1)
        self.older = self._landsat("2006", 0)
        self.older_tm = self._landsat("2003", 0)
        self._write_stack()
        self._write_scanner()

    def find(self, pattern: str) -> Path:
        """Return the product of the series whose name matches."""
        [path] = self.series.glob(pattern)
        return path

    def _keep(self, path: Path, scene: SimulatedScene) -> Path:
        self.truth[path] = scene
        return path

    def _sentinel2(self, year: str, baseline: str, level: Level) -> Path:
        scene = self.scenes[year]
        # an hour earlier, so that the older copy of a scene is another scene
        taken = scene.acquisition
        taken = dataclasses.replace(taken, baseline=baseline, time=taken.time - timedelta(hours=1))
        scene = dataclasses.replace(scene, acquisition=taken)
        return self._keep(write_sentinel2(scene, self.level1, level=level), scene)

    def _landsat(self, year: str, collection: Collection) -> Path:
        scene = self.scenes[year]
        return self._keep(write_landsat_level1(scene, self.level1, collection), scene)

    def _write_stack(self) -> None:
        scene, folder = self.scenes["2018"], self.folder / "stack"
        folder.mkdir()
        self.stack = folder / "lake_BOA.tif"
        self.stack_quality = folder / "lake_SCL.tif"
        transform, crs = scene.grid.transform, scene.grid.crs
        size = scene.grid.shape[0]
        # bands that mapping does not use hold something, too
        counts = np.tile(np.round(scene.bands["green"] * 10_000).astype(np.uint16), (11, 1, 1))
        for band, number in STACK_BANDS.items():
            values = np.round(scene.bands[band] * 10_000)
            factor = size // values.shape[0]
            counts[number - 1] = np.kron(values, np.ones((factor, factor)))
        counts[:, :5, :9] = 65_535
        classes = np.zeros((size // 2, size // 2), np.uint8)
        for label, value in SCL.items():
            classes[scene.labels == label] = value
        classes[40:50, 30:50] = 11
        for path, values, pixel, nodata in (
            (self.stack, counts, 1, 65_535),
            (self.stack_quality, classes[np.newaxis], 2, None),
        ):
            with rasterio.open(
                path, "w", driver="GTiff", width=values.shape[2], height=values.shape[1],
                count=len(values), dtype=values.dtype.name, crs=crs, nodata=nodata,
                transform=transform * rasterio.Affine.scale(pixel), compress="deflate",
            ) as dataset:  # fmt: skip
                dataset.write(values)

    def _write_scanner(self) -> None:
        """Metadata of Landsat 5 as if its other instrument had seen the scene."""
        whole = self.find("LT05*")
        self.scanner = self.folder / "scanner" / f"{whole.name.replace('LT05', 'LM05')}_MTL.xml"
        self.scanner.parent.mkdir()
        text = next(whole.glob("*_MTL.xml")).read_text(encoding="utf-8")
        text = text.replace("<SENSOR_ID>TM<", "<SENSOR_ID>MSS<").replace(whole.name, "LM05")
        self.scanner.write_text(text, encoding="utf-8")


def pack(product: Path, folder: Path, ending: str, root: str = "") -> Path:
    """Pack a product as it is delivered: SAFE folders inside a zip, Landsat files in a tar."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = folder / f"{product.name}.{ending}"
    files = sorted(path for path in product.rglob("*") if path.is_file())
    if ending == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, Path(product.name) / path.relative_to(product))
    else:
        with tarfile.open(packed, "w:gz" if ending.endswith("gz") else "w") as archive:
            for path in files:
                archive.add(path, root + path.name)
    return packed


def copied(product: Path, folder: Path) -> Path:
    """Return a copy of a product that may be spoiled."""
    return Path(shutil.copytree(product, folder / product.name))
