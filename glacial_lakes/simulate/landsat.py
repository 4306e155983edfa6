"""Writing a scene as a Landsat Collection 2 Level 2 product."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.mtl import (
    Format,
    Group,
    Line,
    corner_lines,
    per_band,
    projection_lines,
    quoted,
    write_mtl,
)
from glacial_lakes.simulate.quality import qa_pixel
from glacial_lakes.simulate.scene import SLC_FAILURE, SimulatedScene
from glacial_lakes.simulate.sensors import BANDS

PATH_ROW = (151, 30)
SCALE, OFFSET = 2.75e-05, -0.2
SENSOR_ID = {"LT05": "TM", "LE07": "ETM", "LC08": "OLI_TIRS", "LC09": "OLI_TIRS"}
_SOFTWARE = {"LT05": "LEDAPS_3.4.0", "LE07": "LEDAPS_3.4.0"}
_LEVEL2_PARAMETERS = {
    "REFLECTANCE_MAXIMUM": "1.602213",
    "REFLECTANCE_MINIMUM": "-0.199972",
    "QUANTIZE_CAL_MAX": "65535",
    "QUANTIZE_CAL_MIN": "1",
    "REFLECTANCE_MULT": "2.75e-05",
    "REFLECTANCE_ADD": "-0.2",
}


def write_landsat(
    scene: SimulatedScene, folder: Path, *, metadata: Iterable[Format] = ("txt",)
) -> Path:
    """Write a scene as a product folder (L2SP) and return it.

    Surface reflectance of six bands, QA_PIXEL, QA_RADSAT and the metadata file; the coastal
    and thermal bands are left out.

    Parameters
    ----------
    scene : SimulatedScene
        A scene of ``LT05``, ``LE07``, ``LC08`` or ``LC09``.
    folder : pathlib.Path
        Where the product folder is made.
    metadata : iterable of str
        Formats of the MTL file. Products of Collection 2 have all three, ``txt``, ``json`` and
        ``xml``.
    """
    name = landsat_name(scene.acquisition)
    product = folder / name
    product.mkdir(parents=True)
    files: list[Line] = []
    for band, code in zip(BANDS, scene.acquisition.instrument.files, strict=True):
        path = product / f"{name}_SR_{code}.TIF"
        write_tiff(path, _counts(scene.bands[band]), scene, nodata=0)
        files.append((f"FILE_NAME_BAND_{code[1:]}", path.name))
    quality = qa_pixel(scene.labels, scene.acquisition.sensor)
    quality[~np.isfinite(scene.bands["green"])] = 1
    for key, suffix, values in (
        ("FILE_NAME_QUALITY_L1_PIXEL", "QA_PIXEL", quality),
        ("FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION", "QA_RADSAT", radsat(scene)),
    ):
        path = product / f"{name}_{suffix}.TIF"
        write_tiff(path, values, scene, nodata=1 if suffix == "QA_PIXEL" else None)
        files.append((key, path.name))
    files.append(("FILE_NAME_METADATA_ODL", f"{name}_MTL.txt"))
    write_mtl(product, name, "LANDSAT_METADATA_FILE", _groups(scene, name, files), metadata)
    write_md5(product, name)
    return product


def write_md5(product: Path, name: str) -> None:
    """List the checksums of a product's files in ``NAME_MD5.txt``."""
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.name}\n"
        for path in sorted(product.iterdir())
    ]
    (product / f"{name}_MD5.txt").write_text("".join(sums), encoding="utf-8", newline="\n")


def landsat_name(acquisition: Acquisition) -> str:
    """Return the product identifier; older scenes were reprocessed in September 2020."""
    taken = acquisition.time.date()
    made = max(taken + timedelta(days=14), date(2020, 9, 4))
    path, row = PATH_ROW
    return f"{acquisition.sensor}_L2SP_{path:03d}{row:03d}_{taken:%Y%m%d}_{made:%Y%m%d}_02_T1"


def _counts(reflectance: NDArray[np.float32]) -> NDArray[np.uint16]:
    numbers = np.round((reflectance - np.float32(OFFSET)) / np.float32(SCALE))
    numbers = np.where(np.isfinite(numbers), np.clip(numbers, 1, 65_535), 0)
    return numbers.astype(np.uint16)


def radsat(scene: SimulatedScene) -> NDArray[np.uint16]:
    """Return QA_RADSAT: the bit of a band is its number in the product minus one."""
    bits = np.zeros(scene.saturated.shape, np.uint16)
    for number, code in enumerate(scene.acquisition.instrument.files):
        full = (scene.saturated >> number) & 1
        bits |= full.astype(np.uint16) << (int(code[1:]) - 1)
    return bits


def write_tiff(
    path: Path,
    values: NDArray[np.uint16] | NDArray[np.uint8],
    scene: SimulatedScene,
    nodata: int | None,
) -> None:
    """Write one layer as Landsat products hold it."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype=values.dtype.name,
        crs=scene.grid.crs,
        transform=scene.grid.transform,
        nodata=nodata,
        compress="deflate",
        zlevel=9,
        predictor=2,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as dataset:
        dataset.update_tags(AREA_OR_POINT="Point")
        dataset.write(values, 1)


def image_lines(scene: SimulatedScene) -> list[Line]:
    """Return what was seen when by which sensor."""
    taken = scene.acquisition
    path, row = PATH_ROW
    image: list[Line] = [
        ("SPACECRAFT_ID", quoted(taken.instrument.platform)),
        ("SENSOR_ID", quoted(SENSOR_ID[taken.sensor])),
        ("WRS_TYPE", "2"),
        ("WRS_PATH", f"{path:03d}"),
        ("WRS_ROW", f"{row:03d}"),
        ("DATE_ACQUIRED", f"{taken.time:%Y-%m-%d}"),
        ("SCENE_CENTER_TIME", quoted(f"{taken.time:%H:%M:%S}.0000000Z")),
        ("CLOUD_COVER", f"{scene.cloud_percent:.2f}"),
        ("CLOUD_COVER_LAND", f"{scene.cloud_percent:.2f}"),
        ("SUN_AZIMUTH", f"{scene.sun_azimuth_deg:.8f}"),
        ("SUN_ELEVATION", f"{scene.sun_elevation_deg:.8f}"),
    ]
    if taken.sensor == "LE07":
        state = "OFF" if taken.time > SLC_FAILURE else "ON"
        image.append(("SENSOR_MODE_SLC", quoted(state)))
    return image


def _groups(scene: SimulatedScene, name: str, files: list[Line]) -> list[Group]:
    codes = [code[1:] for code in scene.acquisition.instrument.files]
    sensor = scene.acquisition.sensor
    rows, cols = scene.grid.shape
    identity: list[Line] = [
        (
            "ORIGIN",
            quoted("Simulated by glacial_lakes in the layout of the U.S. Geological Survey"),
        ),
        ("LANDSAT_PRODUCT_ID", quoted(name)),
        ("PROCESSING_LEVEL", quoted("L2SP")),
        ("COLLECTION_NUMBER", "02"),
        ("COLLECTION_CATEGORY", quoted("T1")),
        ("OUTPUT_FORMAT", quoted("GEOTIFF")),
    ]
    return [
        (
            "PRODUCT_CONTENTS",
            identity
            + [(key, quoted(value)) for key, value in files]
            + [(f"DATA_TYPE_BAND_{code}", quoted("UINT16")) for code in codes],
        ),
        ("IMAGE_ATTRIBUTES", image_lines(scene)),
        (
            "PROJECTION_ATTRIBUTES",
            [
                *projection_lines(scene.grid),
                ("REFLECTIVE_LINES", str(rows)),
                ("REFLECTIVE_SAMPLES", str(cols)),
                ("ORIENTATION", quoted("NORTH_UP")),
                *corner_lines(scene.grid),
            ],
        ),
        (
            "LEVEL2_PROCESSING_RECORD",
            [
                ("LANDSAT_PRODUCT_ID", quoted(name)),
                ("PROCESSING_LEVEL", quoted("L2SP")),
                (
                    "ALGORITHM_SOURCE_SURFACE_REFLECTANCE",
                    quoted(_SOFTWARE.get(sensor, "LaSRC_1.5.0")),
                ),
            ],
        ),
        (
            "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS",
            [
                line
                for key, value in _LEVEL2_PARAMETERS.items()
                for line in per_band(key, codes, [value] * len(codes))
            ],
        ),
        (
            "LEVEL1_PROCESSING_RECORD",
            [
                ("LANDSAT_PRODUCT_ID", quoted(name.replace("L2SP", "L1TP"))),
                ("PROCESSING_LEVEL", quoted("L1TP")),
            ],
        ),
    ]
