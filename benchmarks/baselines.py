"""The plain methods that a user would otherwise take: a threshold and polygons of its pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.windows import Window
from shapely.geometry import shape
from skimage.filters import threshold_otsu

from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.terrain import read_terrain

MAX_SLOPE_DEG = 15.0
MIN_PIXELS = 5


def _ndwi(scene: Scene) -> NDArray[np.float32]:
    green, nir = scene.read(["green", "nir"], _whole(scene))
    with np.errstate(invalid="ignore", divide="ignore"):
        value: NDArray[np.float32] = (green - nir) / (green + nir)
    return value


def _whole(scene: Scene) -> Window:
    rows, cols = scene.grid.shape
    return Window(0, 0, cols, rows)


def _polygons(scene: Scene, water: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    parts = shapes(water.astype("uint8"), water, connectivity=4, transform=scene.grid.transform)
    table = gpd.GeoDataFrame(
        geometry=[shape(part) for part, _ in parts], crs=scene.grid.crs.to_wkt()
    )
    return table[table.area >= MIN_PIXELS * scene.grid.pixel_area_m2].reset_index(drop=True)


def zero(scene: Scene, dem: Path) -> gpd.GeoDataFrame:
    """NDWI > 0, 4-connected."""
    return _polygons(scene, _ndwi(scene) > 0)


def otsu(scene: Scene, dem: Path) -> gpd.GeoDataFrame:
    """One threshold a scene after Otsu (1979)."""
    value = _ndwi(scene)
    return _polygons(scene, value > threshold_otsu(value[np.isfinite(value)]))


def masked(scene: Scene, dem: Path) -> gpd.GeoDataFrame:
    """NDWI > 0 outside of the product's cloud and shadow mask, on slopes below 15 degrees."""
    flags = scene.read_quality(_whole(scene))
    clear = flags & (Quality.CLOUD | Quality.CLOUD_SHADOW | Quality.CIRRUS) == 0
    terrain = read_terrain(dem, scene.grid, scene.sun_azimuth_deg, scene.sun_elevation_deg)
    gentle = terrain.on(scene.grid.transform, scene.grid.shape, "slope_deg") < MAX_SLOPE_DEG
    return _polygons(scene, (_ndwi(scene) > 0) & clear & gentle)


BASELINES: MappingProxyType[str, Callable[[Scene, Path], gpd.GeoDataFrame]] = MappingProxyType(
    {"NDWI > 0": zero, "Otsu": otsu, "NDWI, masks, slope": masked}
)
