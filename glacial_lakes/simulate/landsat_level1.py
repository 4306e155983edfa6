"""Writing a scene as a Landsat Level 1 product: Collection 2, Collection 1, or before collections.

Layouts as of the Data Format Control Books LSDS-1822 (OLI), LSDS-272 and LSDS-284 (TM, ETM+).
"""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.landsat import (
    PATH_ROW,
    image_lines,
    landsat_name,
    radsat,
    write_md5,
    write_tiff,
)
from glacial_lakes.simulate.mtl import (
    Group,
    Line,
    corner_lines,
    per_band,
    projection_lines,
    quoted,
    write_mtl,
)
from glacial_lakes.simulate.quality import bqa, qa_pixel
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS

Collection = Literal[0, 1, 2]
"""0 stands for products from before there were collections."""

_ORIGIN = quoted("Simulated by glacial_lakes in the layout of the U.S. Geological Survey")
_OLI_MULT, _OLI_ADD = 2.0e-05, -0.1
_RADIANCE = {
    "LT05": ((-1.52, 193.0), (-2.84, 365.0), (-1.17, 264.0), (-1.51, 221.0), (-0.37, 30.2),
             (-0.15, 16.5)),
    "LE07": ((-6.2, 191.6), (-6.4, 196.5), (-5.0, 152.9), (-5.1, 241.1), (-1.0, 31.06),
             (-0.35, 10.8)),
}  # fmt: skip
"""Radiance of the numbers 1 and 255 by band (Chander et al. 2009, tables 2 and 3)."""
_IRRADIANCE = {
    "LT05": (1983.0, 1796.0, 1536.0, 1031.0, 220.0, 83.44),
    "LE07": (1997.0, 1812.0, 1533.0, 1039.0, 230.8, 84.90),
}
"""Solar irradiance by band (the same tables)."""


def write_landsat_level1(scene: SimulatedScene, folder: Path, collection: Collection) -> Path:
    """Write a scene as a Level 1 product folder and return it.

    The reflectance of the scene stands for that at the top of the atmosphere. TM and ETM+ are
    written with 8 bits, OLI with 16. Collection 2 has QA_PIXEL and QA_RADSAT, Collection 1 the
    quality band BQA. Products from before collections have no quality layer that is told, and
    those of TM and ETM+ tell radiance only.

    Parameters
    ----------
    scene : SimulatedScene
        A scene of ``LT05``, ``LE07``, ``LC08`` or ``LC09``.
    folder : pathlib.Path
        Where the product folder is made.
    collection : int
        2, 1 or 0.
    """
    taken = scene.acquisition
    name = level1_name(taken, collection)
    product = folder / name
    product.mkdir(parents=True)
    files: list[Line] = []
    for number, (band, code) in enumerate(zip(BANDS, taken.instrument.files, strict=True)):
        full = ((scene.saturated >> number) & 1).astype(bool)
        path = product / f"{name}_{code}.TIF"
        dimmed = scene.bands[band] * math.sin(math.radians(scene.sun_elevation_deg))
        counts = _counts(dimmed, full, *_scaling(taken, number), _depth(taken))
        # products from before collections were written without a tag for fill
        write_tiff(path, counts, scene, nodata=None if collection == 0 else 0)
        files.append((f"FILE_NAME_BAND_{code[1:]}", path.name))
    for key, suffix, values in _quality_layers(scene, collection):
        path = product / f"{name}_{suffix}.TIF"
        write_tiff(path, values, scene, nodata=1)
        files.append((key, path.name))
    if collection == 2:
        groups = _groups(scene, name, files)
        write_mtl(product, name, "LANDSAT_METADATA_FILE", groups, ("txt", "json", "xml"))
        write_md5(product, name)
    else:
        write_mtl(
            product, name, "L1_METADATA_FILE", _older(scene, name, files, collection), ("txt",)
        )
    return product


def level1_name(acquisition: Acquisition, collection: Collection) -> str:
    """Return the product identifier, or of older products that of the scene."""
    path, row = PATH_ROW
    taken = acquisition.time.date()
    if collection == 2:
        return landsat_name(acquisition).replace("L2SP", "L1TP")
    if collection == 1:
        made = taken + timedelta(days=14)
        day = f"{taken:%Y%m%d}_{made:%Y%m%d}"
        return f"{acquisition.sensor}_L1TP_{path:03d}{row:03d}_{day}_01_T1"
    short = acquisition.sensor[:2] + acquisition.sensor[3]
    return f"{short}{path:03d}{row:03d}{taken:%Y%j}EDC00"


def _depth(acquisition: Acquisition) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if acquisition.sensor in _RADIANCE else np.uint16


def _earth_sun_distance(acquisition: Acquisition) -> float:
    """Return the distance in astronomical units."""
    day = acquisition.time.timetuple().tm_yday
    return 1.0 - 0.01672 * math.cos(math.radians(0.9856 * (day - 4)))


def _scaling(taken: Acquisition, band: int) -> tuple[float, float]:
    """Return factor and summand that make of numbers reflectance × sine of the sun's elevation."""
    if taken.sensor not in _RADIANCE:
        return _OLI_MULT, _OLI_ADD
    low, high = _RADIANCE[taken.sensor][band]
    gain = (high - low) / 254
    per_radiance = math.pi * _earth_sun_distance(taken) ** 2 / _IRRADIANCE[taken.sensor][band]
    return gain * per_radiance, (low - gain) * per_radiance


def _counts(
    dimmed: NDArray[np.float32],
    full: NDArray[np.bool_],
    factor: float,
    summand: float,
    depth: type[np.uint8] | type[np.uint16],
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    top = np.iinfo(depth).max
    numbers = np.round((dimmed - summand) / factor)
    numbers = np.where(full, top, np.clip(numbers, 1, top))
    numbers = np.where(np.isfinite(dimmed), numbers, 0)
    return numbers.astype(np.uint8) if depth is np.uint8 else numbers.astype(np.uint16)


def _quality_layers(
    scene: SimulatedScene, collection: Collection
) -> list[tuple[str, str, NDArray[np.uint16]]]:
    sensor = scene.acquisition.sensor
    missing = ~np.isfinite(scene.bands["green"])
    if collection == 2:
        quality = np.where(missing, np.uint16(1), qa_pixel(scene.labels, sensor))
        return [
            ("FILE_NAME_QUALITY_L1_PIXEL", "QA_PIXEL", quality),
            ("FILE_NAME_QUALITY_L1_RADIOMETRIC_SATURATION", "QA_RADSAT", radsat(scene)),
        ]
    if collection == 1:
        quality = np.where(missing, np.uint16(1), bqa(scene.labels, sensor, scene.saturated))
        return [("FILE_NAME_BAND_QUALITY", "BQA", quality)]
    return []


def _radiometry(scene: SimulatedScene, *, reflectance: bool) -> dict[str, list[Line]]:
    """Return the groups that tell what numbers mean, by the last part of their names."""
    taken = scene.acquisition
    codes = [code[1:] for code in taken.instrument.files]
    top = np.iinfo(_depth(taken)).max
    groups = {
        "MIN_MAX_PIXEL_VALUE": per_band("QUANTIZE_CAL_MAX", codes, [str(top)] * len(codes))
        + per_band("QUANTIZE_CAL_MIN", codes, ["1"] * len(codes))
    }
    rescaling: list[Line] = []
    if taken.sensor in _RADIANCE:
        ranges = _RADIANCE[taken.sensor]
        groups["MIN_MAX_RADIANCE"] = per_band(
            "RADIANCE_MAXIMUM", codes, [f"{high:.3f}" for _, high in ranges]
        ) + per_band("RADIANCE_MINIMUM", codes, [f"{low:.3f}" for low, _ in ranges])
        gains = [(high - low) / 254 for low, high in ranges]
        rescaling += per_band("RADIANCE_MULT", codes, [f"{gain:.3f}" for gain in gains])
        lowest = [low - gain for (low, _), gain in zip(ranges, gains, strict=True)]
        rescaling += per_band("RADIANCE_ADD", codes, [f"{add:.5f}" for add in lowest])
    if reflectance:
        pairs = [_scaling(taken, number) for number in range(len(codes))]
        rescaling += per_band("REFLECTANCE_MULT", codes, [f"{mult:.8E}" for mult, _ in pairs])
        rescaling += per_band("REFLECTANCE_ADD", codes, [f"{add:.8f}" for _, add in pairs])
    groups["RADIOMETRIC_RESCALING"] = rescaling
    return groups


def _groups(scene: SimulatedScene, name: str, files: list[Line]) -> list[Group]:
    contents: list[Line] = [
        ("ORIGIN", _ORIGIN),
        ("LANDSAT_PRODUCT_ID", quoted(name)),
        ("PROCESSING_LEVEL", quoted("L1TP")),
        ("COLLECTION_NUMBER", "02"),
        ("COLLECTION_CATEGORY", quoted("T1")),
        ("OUTPUT_FORMAT", quoted("GEOTIFF")),
        *((key, quoted(value)) for key, value in files),
    ]
    distance = ("EARTH_SUN_DISTANCE", f"{_earth_sun_distance(scene.acquisition):.7f}")
    return [
        ("PRODUCT_CONTENTS", contents),
        ("IMAGE_ATTRIBUTES", [*image_lines(scene), distance]),
        ("PROJECTION_ATTRIBUTES", [*projection_lines(scene.grid), *corner_lines(scene.grid)]),
        (
            "LEVEL1_PROCESSING_RECORD",
            [("LANDSAT_PRODUCT_ID", quoted(name)), ("PROCESSING_LEVEL", quoted("L1TP"))],
        ),
        *(
            (f"LEVEL1_{group}", lines)
            for group, lines in _radiometry(scene, reflectance=True).items()
        ),
    ]


def _older(
    scene: SimulatedScene, name: str, files: list[Line], collection: Collection
) -> list[Group]:
    taken = scene.acquisition
    seen = image_lines(scene)
    attributes = ("CLOUD_COVER", "CLOUD_COVER_LAND", "SUN_AZIMUTH", "SUN_ELEVATION")
    scene_id = quoted(level1_name(taken, 0))
    info: list[Line] = [("ORIGIN", _ORIGIN), ("LANDSAT_SCENE_ID", scene_id)]
    if collection == 1:
        info += [("LANDSAT_PRODUCT_ID", quoted(name)), ("COLLECTION_NUMBER", "01")]
    info.append(("FILE_DATE", f"{taken.time + timedelta(days=14):%Y-%m-%dT%H:%M:%SZ}"))
    product: list[Line] = [
        ("DATA_TYPE", quoted("L1TP" if collection == 1 else "L1T")),
        ("OUTPUT_FORMAT", quoted("GEOTIFF")),
        *(line for line in seen if line[0] not in attributes),
        *corner_lines(scene.grid),
        *((key, quoted(value)) for key, value in files),
        ("METADATA_FILE_NAME", quoted(f"{name}_MTL.txt")),
    ]
    tells_reflectance = collection == 1 or taken.sensor not in _RADIANCE
    return [
        ("METADATA_FILE_INFO", info),
        ("PRODUCT_METADATA", product),
        ("IMAGE_ATTRIBUTES", [line for line in seen if line[0] in attributes]),
        *_radiometry(scene, reflectance=tells_reflectance).items(),
        ("PROJECTION_PARAMETERS", projection_lines(scene.grid)),
    ]
