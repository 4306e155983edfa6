"""Writing a scene as a Landsat Collection 2 Level 2 product."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer

from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.quality import qa_pixel
from glacial_lakes.simulate.scene import SLC_FAILURE, SimulatedScene
from glacial_lakes.simulate.sensors import BANDS

PATH_ROW = (151, 30)
SCALE, OFFSET = 2.75e-05, -0.2
_SENSOR_ID = {"LT05": "TM", "LE07": "ETM", "LC08": "OLI_TIRS", "LC09": "OLI_TIRS"}
_SOFTWARE = {"LT05": "LEDAPS_3.4.0", "LE07": "LEDAPS_3.4.0"}

Line = tuple[str, str]


def write_landsat(scene: SimulatedScene, folder: Path) -> Path:
    """Write a scene as a product folder (L2SP) and return it.

    Surface reflectance of six bands, QA_PIXEL, QA_RADSAT and the metadata file; the coastal
    and thermal bands are left out.

    Parameters
    ----------
    scene : SimulatedScene
        A scene of ``LT05``, ``LE07``, ``LC08`` or ``LC09``.
    folder : pathlib.Path
        Where the product folder is made.
    """
    name = landsat_name(scene.acquisition)
    product = folder / name
    product.mkdir(parents=True)
    files: list[Line] = []
    for band, code in zip(BANDS, scene.acquisition.instrument.files, strict=True):
        path = product / f"{name}_SR_{code}.TIF"
        _write_tiff(path, _counts(scene.bands[band]), scene, nodata=0)
        files.append((f"FILE_NAME_BAND_{code[1:]}", path.name))
    quality = qa_pixel(scene.labels, scene.acquisition.sensor)
    quality[~np.isfinite(scene.bands["green"])] = 1
    for key, suffix, values in (
        ("FILE_NAME_QUALITY_L1_PIXEL", "QA_PIXEL", quality),
        ("FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION", "QA_RADSAT", _radsat(scene)),
    ):
        path = product / f"{name}_{suffix}.TIF"
        _write_tiff(path, values, scene, nodata=1 if suffix == "QA_PIXEL" else None)
        files.append((key, path.name))
    files.append(("FILE_NAME_METADATA_ODL", f"{name}_MTL.txt"))
    text = _metadata(scene, name, files)
    (product / f"{name}_MTL.txt").write_text(text, encoding="utf-8", newline="\n")
    sums = [
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.name}\n"
        for path in sorted(product.iterdir())
    ]
    (product / f"{name}_MD5.txt").write_text("".join(sums), encoding="utf-8", newline="\n")
    return product


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


def _radsat(scene: SimulatedScene) -> NDArray[np.uint16]:
    """Return QA_RADSAT: the bit of a band is its number in the product minus one."""
    bits = np.zeros(scene.saturated.shape, np.uint16)
    for number, code in enumerate(scene.acquisition.instrument.files):
        full = (scene.saturated >> number) & 1
        bits |= full.astype(np.uint16) << (int(code[1:]) - 1)
    return bits


def _write_tiff(
    path: Path, values: NDArray[np.uint16], scene: SimulatedScene, nodata: int | None
) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype="uint16",
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


def _metadata(scene: SimulatedScene, name: str, files: list[Line]) -> str:
    taken = scene.acquisition
    path, row = PATH_ROW
    codes = [code[1:] for code in taken.instrument.files]
    rows, cols = scene.grid.shape
    west, south, east, north = scene.grid.bounds
    centres = {
        "UL": (west + 15, north - 15),
        "UR": (east - 15, north - 15),
        "LL": (west + 15, south + 15),
        "LR": (east - 15, south + 15),
    }
    to_lonlat = Transformer.from_crs(scene.grid.crs, "EPSG:4326", always_xy=True)
    geographic = {key: to_lonlat.transform(*centre) for key, centre in centres.items()}
    corners: list[Line] = []
    for key, (lon, lat) in geographic.items():
        corners.append((f"CORNER_{key}_LAT_PRODUCT", f"{lat:.5f}"))
        corners.append((f"CORNER_{key}_LON_PRODUCT", f"{lon:.5f}"))
    for key, (x, y) in centres.items():
        corners.append((f"CORNER_{key}_PROJECTION_X_PRODUCT", f"{x:.3f}"))
        corners.append((f"CORNER_{key}_PROJECTION_Y_PRODUCT", f"{y:.3f}"))
    image: list[Line] = [
        ("SPACECRAFT_ID", _quoted(taken.instrument.platform)),
        ("SENSOR_ID", _quoted(_SENSOR_ID[taken.sensor])),
        ("WRS_TYPE", "2"),
        ("WRS_PATH", f"{path:03d}"),
        ("WRS_ROW", f"{row:03d}"),
        ("DATE_ACQUIRED", f"{taken.time:%Y-%m-%d}"),
        ("SCENE_CENTER_TIME", _quoted(f"{taken.time:%H:%M:%S}.0000000Z")),
        ("CLOUD_COVER", f"{scene.cloud_percent:.2f}"),
        ("CLOUD_COVER_LAND", f"{scene.cloud_percent:.2f}"),
        ("SUN_AZIMUTH", f"{scene.sun_azimuth_deg:.8f}"),
        ("SUN_ELEVATION", f"{scene.sun_elevation_deg:.8f}"),
    ]
    if taken.sensor == "LE07":
        state = "OFF" if taken.time > SLC_FAILURE else "ON"
        image.append(("SENSOR_MODE_SLC", _quoted(state)))
    identity: list[Line] = [
        (
            "ORIGIN",
            _quoted("Simulated by glacial_lakes in the layout of the U.S. Geological Survey"),
        ),
        ("LANDSAT_PRODUCT_ID", _quoted(name)),
        ("PROCESSING_LEVEL", _quoted("L2SP")),
        ("COLLECTION_NUMBER", "02"),
        ("COLLECTION_CATEGORY", _quoted("T1")),
        ("OUTPUT_FORMAT", _quoted("GEOTIFF")),
    ]
    groups: list[tuple[str, list[Line]]] = [
        (
            "PRODUCT_CONTENTS",
            identity
            + [(key, _quoted(value)) for key, value in files]
            + [(f"DATA_TYPE_BAND_{code}", _quoted("UINT16")) for code in codes],
        ),
        ("IMAGE_ATTRIBUTES", image),
        (
            "PROJECTION_ATTRIBUTES",
            [
                ("MAP_PROJECTION", _quoted("UTM")),
                ("DATUM", _quoted("WGS84")),
                ("ELLIPSOID", _quoted("WGS84")),
                ("UTM_ZONE", str(scene.grid.crs.to_epsg() - 32600)),
                ("GRID_CELL_SIZE_REFLECTIVE", "30.00"),
                ("REFLECTIVE_LINES", str(rows)),
                ("REFLECTIVE_SAMPLES", str(cols)),
                ("ORIENTATION", _quoted("NORTH_UP")),
                *corners,
            ],
        ),
        (
            "LEVEL2_PROCESSING_RECORD",
            [
                ("LANDSAT_PRODUCT_ID", _quoted(name)),
                ("PROCESSING_LEVEL", _quoted("L2SP")),
                (
                    "ALGORITHM_SOURCE_SURFACE_REFLECTANCE",
                    _quoted(_SOFTWARE.get(taken.sensor, "LaSRC_1.5.0")),
                ),
            ],
        ),
        (
            "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS",
            [(f"REFLECTANCE_MAXIMUM_BAND_{code}", "1.602213") for code in codes]
            + [(f"REFLECTANCE_MINIMUM_BAND_{code}", "-0.199972") for code in codes]
            + [(f"QUANTIZE_CAL_MAX_BAND_{code}", "65535") for code in codes]
            + [(f"QUANTIZE_CAL_MIN_BAND_{code}", "1") for code in codes]
            + [(f"REFLECTANCE_MULT_BAND_{code}", "2.75e-05") for code in codes]
            + [(f"REFLECTANCE_ADD_BAND_{code}", "-0.2") for code in codes],
        ),
        (
            "LEVEL1_PROCESSING_RECORD",
            [
                ("LANDSAT_PRODUCT_ID", _quoted(name.replace("L2SP", "L1TP"))),
                ("PROCESSING_LEVEL", _quoted("L1TP")),
            ],
        ),
    ]
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for group, entries in groups:
        lines.append(f"  GROUP = {group}")
        lines += [f"    {key} = {value}" for key, value in entries]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])


def _quoted(text: str) -> str:
    return f'"{text}"'
