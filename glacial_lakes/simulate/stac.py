"""Writing a scene as an item of a static STAC catalogue, as several providers keep them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from glacial_lakes.simulate.quality import scene_classification
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.sentinel2 import QUANTIFICATION, TILE, sentinel2_name, stored_numbers

Keeper = Literal["earth-search", "planetary", "copernicus", "untold"]
"""Whose item it is; ``untold`` tells nothing of an offset."""

_COMMON = {"swir1": "swir16", "swir2": "swir22"}


def write_stac_item(
    scene: SimulatedScene,
    folder: Path,
    keeper: Keeper = "earth-search",
    *,
    address: str = "",
    block: int = 128,
) -> Path:
    """Write the bands of a Sentinel-2 scene as COG, and an item that names them; return the item.

    Parameters
    ----------
    scene : SimulatedScene
        A scene of Sentinel-2.
    folder : pathlib.Path
        Where the folder of the item is made.
    keeper : str
        ``earth-search`` has undone the offset, and lists it all the same; ``planetary`` has not,
        and does not list it; ``copernicus`` has not, and lists it.
    address : str
        What names of images start with, in place of the folder of the item.
    block : int
        Edge of the blocks of an image, in pixels.
    """
    taken = scene.acquisition
    name = f"{taken.sensor}_{TILE[1:]}_{taken.time:%Y%m%d}_0_L2A"
    place = folder / name
    place.mkdir(parents=True)
    offset = -1000 if float(taken.baseline) >= 4.0 else 0
    stored = 0 if keeper == "earth-search" else offset
    assets: dict[str, Any] = {}
    files = taken.instrument
    for band, code, pixel in zip(BANDS, files.files, files.pixel_m, strict=True):
        key = {"earth-search": _COMMON.get(band, band), "copernicus": f"{code}_{pixel:.0f}m"}.get(
            keeper, code
        )
        _write_cog(
            place / f"{code}.tif", stored_numbers(scene.bands[band], stored), pixel, scene, block
        )
        assets[key] = {
            "href": f"{address}/{name}/{code}.tif" if address else f"./{code}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data", "reflectance"],
            **_listed(keeper, offset),
        }
    _write_cog(place / "SCL.tif", scene_classification(scene.labels), 20, scene, block)
    key = {"earth-search": "scl", "copernicus": "SCL_20m"}.get(keeper, "SCL")
    href = f"{address}/{name}/SCL.tif" if address else "./SCL.tif"
    assets[key] = {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"]}
    item = place / f"{name}.json"
    item.write_text(json.dumps(_item(scene, name, keeper, assets), indent=1), encoding="utf-8")
    return item


def write_catalogue(folder: Path, items: list[Path]) -> Path:
    """Write the catalogue of some items below a folder, and return it."""
    links = [{"rel": "item", "href": f"./{path.relative_to(folder).as_posix()}"} for path in items]
    path = folder / "catalog.json"
    content = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "simulated",
        "description": "Simulated scenes",
        "links": [{"rel": "self", "href": "./catalog.json"}, *links],
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def _listed(keeper: Keeper, offset: int) -> dict[str, Any]:
    shift = offset / QUANTIFICATION
    if keeper == "earth-search":
        return {"raster:bands": [{"nodata": 0, "scale": 1 / QUANTIFICATION, "offset": shift}]}
    if keeper == "copernicus":
        return {"nodata": 0, "raster:scale": 1 / QUANTIFICATION, "raster:offset": shift}
    return {}


def _item(
    scene: SimulatedScene, name: str, keeper: Keeper, assets: dict[str, Any]
) -> dict[str, Any]:
    taken, grid = scene.acquisition, scene.grid
    west, south, east, north = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    ring = [(west, north), (west, south), (east, south), (east, north), (west, north)]
    corners = [list(to_degrees.transform(*corner)) for corner in ring]
    lons, lats = zip(*corners, strict=True)
    made = taken.time + timedelta(hours=5)
    properties: dict[str, Any] = {
        "datetime": f"{taken.time:%Y-%m-%dT%H:%M:%S}.024000Z",
        "platform": taken.instrument.platform.lower(),
        "eo:cloud_cover": scene.cloud_percent,
        "proj:epsg": grid.crs.to_epsg(),
        "grid:code": f"MGRS-{TILE[1:]}",
        "view:sun_azimuth": scene.sun_azimuth_deg,
        "view:sun_elevation": scene.sun_elevation_deg,
        "s2:product_uri": sentinel2_name(taken),
        "s2:product_type": "S2MSI2A",
        "s2:generation_time": f"{made:%Y-%m-%dT%H:%M:%S}.000000Z",
    }
    if keeper == "copernicus":
        properties["processing:version"] = taken.baseline
    else:
        properties["s2:processing_baseline"] = taken.baseline
    if keeper == "earth-search":
        properties["earthsearch:boa_offset_applied"] = float(taken.baseline) >= 4.0
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "bbox": [min(lons), min(lats), max(lons), max(lats)],
        "properties": properties,
        "links": [],
        "assets": assets,
    }


def _write_cog(
    path: Path, values: NDArray[Any], pixel_m: float, scene: SimulatedScene, block: int
) -> None:
    transform = scene.grid.transform
    rows, cols = values.shape
    with rasterio.open(
        path,
        "w",
        driver="COG",
        width=cols,
        height=rows,
        count=1,
        dtype=values.dtype.name,
        crs=scene.grid.crs,
        transform=Affine(pixel_m, 0, transform.c, 0, -pixel_m, transform.f),
        nodata=0,
        compress="deflate",
        blocksize=block,
    ) as dataset:
        dataset.write(np.ascontiguousarray(values), 1)
