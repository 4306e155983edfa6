"""Writing a scene as a Sentinel-2 product in EOPF Zarr; needs the library ``zarr``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.io.extras import optional
from glacial_lakes.simulate.quality import scene_classification
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.sentinel2 import QUANTIFICATION, TILE, sentinel2_name, stored_numbers

Layout = Literal["v2", "v3", "sharded", "geozarr"]
"""Zarr 2 as ESA's samples; Zarr 3; the same in shards; reflectance in shards as GeoZarr has it."""


def write_eopf_zarr(
    scene: SimulatedScene,
    folder: Path,
    layout: Layout = "v2",
    *,
    chunk: int = 64,
    shard: int = 128,
) -> Path:
    """Write a scene as a Level-2A product and return its folder.

    Names of groups and attributes are those of products that ESA and the EOPF Explorer made in
    2025 and 2026. Bands that lake mapping does not use are left out.

    Parameters
    ----------
    scene : SimulatedScene
        A scene of Sentinel-2.
    folder : pathlib.Path
        Where the product is made; it must not hold one of that name yet.
    layout : str
        ``"v2"``, ``"v3"``, ``"sharded"`` or ``"geozarr"``.
    chunk, shard : int
        Their edges, in pixels.
    """
    zarr = optional("zarr", "zarr")
    name = sentinel2_name(scene.acquisition).removesuffix(".SAFE")
    product = folder / f"{name}.zarr"
    root = zarr.open_group(
        str(product),
        mode="w-",
        zarr_format=2 if layout == "v2" else 3,
        attributes=_attributes(scene, name),
    )
    offset = -1000 if float(scene.acquisition.baseline) >= 4.0 else 0
    files, edges = scene.acquisition.instrument, (chunk, shard)
    for band, code, pixel in zip(BANDS, files.files, files.pixel_m, strict=True):
        numbers = stored_numbers(scene.bands[band], offset)
        place = f"measurements/reflectance/r{pixel:.0f}m"
        factors = {"scale_factor": 1 / QUANTIFICATION, "add_offset": offset / QUANTIFICATION}
        attributes: dict[str, Any] = {"long_name": f"BOA reflectance, {code}", **factors}
        attributes["_eopf_attrs"] = dict(attributes)
        values: NDArray[Any] = numbers
        if layout == "geozarr":
            attributes = {"long_name": attributes["long_name"]}
            values = ((numbers.astype(np.float64) + offset) / QUANTIFICATION).astype(np.float32)
            values[numbers == 0] = np.nan
        name = f"{place}/{code.lower()}"
        _write(root, name, values, round(pixel), scene, attributes, layout, edges)
    classes = scene_classification(scene.labels)
    place = "conditions/mask/l2a_classification/r20m/scl"
    attributes = {"long_name": "scene classification"}
    _write(root, place, classes, 20, scene, attributes, layout, edges)
    if layout == "v2":
        zarr.consolidate_metadata(str(product), zarr_format=2)
    return product


def _attributes(scene: SimulatedScene, name: str) -> dict[str, Any]:
    """Return the attributes of the root."""
    taken, code = scene.acquisition, f"EPSG:{scene.grid.crs.to_epsg()}"
    made = taken.time + timedelta(hours=5, minutes=6, seconds=29)
    mean = "mean_sun_{}_angle_in_deg_for_all_bands_all_detectors"
    return {
        "stac_discovery": {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "properties": {
                "datetime": "null",
                "start_datetime": f"{taken.time:%Y-%m-%dT%H:%M:%S}.024Z",
                "created": f"{made:%Y-%m-%dT%H:%M:%S}.000000Z",
                "platform": taken.instrument.platform.lower(),
                "processing:level": "L2A",
                "product:type": "S02MSIL2A",
                "eopf:baseline": taken.baseline,
                "eo:cloud_cover": scene.cloud_percent,
                "grid:code": f"MGRS-{TILE[1:]}",
            },
        },
        "other_metadata": {
            "horizontal_CRS_code": code,
            mean.format("zenith"): 90.0 - scene.sun_elevation_deg,
            mean.format("azimuth"): scene.sun_azimuth_deg,
        },
    }


def _write(
    root: Any,
    name: str,
    values: NDArray[Any],
    pixel_m: int,
    scene: SimulatedScene,
    attributes: dict[str, Any],
    layout: Layout,
    edges: tuple[int, int],
) -> None:
    """Write an array with the coordinates of its group."""
    zarr = optional("zarr", "zarr")
    group, _, leaf = name.rpartition("/")
    parent = root.require_group(group)
    west, north = scene.grid.transform.c, scene.grid.transform.f
    transform = [pixel_m, 0, west, 0, -pixel_m, north]
    epsg = scene.grid.crs.to_epsg()
    if layout == "geozarr":
        parent.attrs.update({"spatial:transform": transform, "proj:code": f"EPSG:{epsg}"})
    else:
        attributes = {**attributes, "proj:epsg": epsg, "proj:transform": [*transform, 0, 0, 1]}
    starts = ((north - pixel_m / 2, -pixel_m), (west + pixel_m / 2, pixel_m))
    for axis, size, (first, step) in zip("yx", values.shape, starts, strict=True):
        if axis not in parent:
            places = first + step * np.arange(size)
            extra: dict[str, Any] = {"dimension_names": (axis,)}
            if layout == "v2":
                extra = {"attributes": {"_ARRAY_DIMENSIONS": [axis]}}
            parent.create_array(axis, data=places, chunks=(size,), **extra)
    packing: dict[str, Any] = {"compressors": zarr.codecs.BloscCodec(cname="zstd")}
    if layout == "v2":
        packing = {"compressors": optional("zarr", "numcodecs").Blosc(cname="zstd")}
        attributes = {"_ARRAY_DIMENSIONS": ["y", "x"], **attributes}
    else:  # as xarray writes what is no data: of floats their bytes in base 64
        packing["dimension_names"] = ("y", "x")
        attributes["_FillValue"] = "AAAAAAAA+H8=" if values.dtype.kind == "f" else 0
    if layout in ("sharded", "geozarr"):
        packing["shards"] = (edges[1], edges[1])
    parent.create_array(
        leaf,
        data=values,
        chunks=(edges[0], edges[0]),
        fill_value=np.nan if values.dtype.kind == "f" else 0,
        attributes=attributes,
        **packing,
    )
