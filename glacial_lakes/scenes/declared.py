"""A scene whose facts a person declares, in a sidecar or as arguments, and what they must meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from glacial_lakes.errors import Message, MetadataError
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.metadata import to_name, to_number, to_sun
from glacial_lakes.scenes.plausibility import check_time, contradictions
from glacial_lakes.scenes.quality import Decoder
from glacial_lakes.scenes.raster import AnyBand, AnyLayer, read_numbers, to_reflectance
from glacial_lakes.scenes.sensors import MAPPING_BANDS
from glacial_lakes.scenes.sun import sun_over

LOWEST, HIGHEST = -0.2, 2.0
"""Reflectance outside this range is no reflectance; a sunlit snow slope may exceed 1."""

_MOST_OUTSIDE = 0.05
"""Share of pixels outside the range from which the declared scale is not believed."""

SMALL_SCALE = 0.1
"""Below it a factor is one of whole numbers."""

SAMPLE = 64
"""Edge in pixels of each of the windows that the scale is checked on."""


def declared(
    where: Path | str,
    *,
    id: str,  # noqa: A002 - as the field of a scene
    path: str,
    sensor: str,
    level: str,
    acquired: datetime,
    grid: Grid,
    bands: Mapping[str, AnyBand],
    quality: tuple[AnyLayer | None, Decoder],
    sun: tuple[float, float] | None,
    cloud_percent: object,
    provenance: Mapping[str, Any],
    processed: str = "",
    doubts: Sequence[Message] = (),
    is_lazy: bool = False,
) -> dict[str, Any]:
    """Return the fields of a scene that was declared.

    Parameters
    ----------
    where : path-like
        What errors name.
    id, path, sensor, level, acquired, grid, bands, provenance
        As of a scene.
    quality : (band or None, Decoder)
    sun : (float, float) or None
        Elevation and azimuth in degrees; None: by time and place.
    cloud_percent : object
        A number, or None.
    processed : str
        When the product was made, ISO 8601 or empty.
    doubts : sequence of Message
        What else cannot be so, as clauses.
    is_lazy : bool
        Whether each look at pixels may compute or fetch much: the scale is then checked on one
        small window in the middle, else on nine.

    Raises
    ------
    MetadataError
        When scale and offset do not give reflectance, or the satellite did not fly then.
    """
    _check_scale(bands, grid, where, is_lazy)
    check_time(acquired, sensor, where)
    azimuth, elevation = sun_over(grid, acquired) if sun is None else (sun[1], sun[0])
    has_sun = elevation > 0  # else contradictions tell that the time is wrong
    layer, decoder = quality
    return {
        "id": id,
        "path": path,
        "sensor": sensor,
        "level": to_name(level, "level", where),
        "acquired": acquired,
        "grid": grid,
        "sun_azimuth_deg": azimuth if has_sun else None,
        "sun_elevation_deg": elevation if has_sun else None,
        "bands": bands,
        "quality": layer,
        "decoder": decoder,
        "cloud_percent": None
        if cloud_percent is None
        else to_number(cloud_percent, "cloud_percent", where),
        "provenance": {
            "baseline": "",
            "processed": processed,
            "checksum": "unverified",
            "sun": "computed" if sun is None else "told",
            "contradictions": (
                *doubts,
                *contradictions(acquired, grid, sun, processed),
            ),
            **provenance,
        },
    }


def declared_sun(angles_of: Mapping[str, object], where: Path | str) -> tuple[float, float] | None:
    """Return elevation and azimuth of the sun in degrees, or None where neither is told.

    Raises
    ------
    MetadataError
        When one is told and the other not, or the sun cannot stand there.
    """
    names = ("sun_elevation_deg", "sun_azimuth_deg")
    angles = [name for name in names if angles_of.get(name) is not None]
    if not angles:
        return None
    if len(angles) == 1:
        raise MetadataError(
            where, "has {angle} only", "give both sun angles or none", angle=angles[0]
        )
    elevation, azimuth = (to_number(angles_of[name], name, where) for name in names)
    return to_sun(elevation, azimuth, where)


def declared_scale(value: object, where: Path | str) -> float:
    """Return the factor from number to reflectance.

    Raises
    ------
    MetadataError
        When it is no number above 0.
    """
    scale = to_number(value, "scale", where)
    if scale <= 0:
        raise MetadataError(
            where,
            "scale is {scale:g}",
            "write the factor from number to reflectance",
            scale=scale,
        )
    return scale


def _check_scale(
    bands: Mapping[str, AnyBand], grid: Grid, where: Path | str, is_lazy: bool
) -> None:
    """Refuse stored numbers that were declared as reflectance, on some small windows."""
    rows, cols = (
        [step * (max(0, size - SAMPLE) // 2) for step in ((1,) if is_lazy else (0, 1, 2))]
        for size in grid.shape
    )
    for name in MAPPING_BANDS:
        samples = [
            read_numbers(bands[name], Window(col, row, SAMPLE, SAMPLE))[0]
            for row in rows
            for col in cols
        ]
        numbers = np.concatenate([sample.ravel() for sample in samples])
        scale = bands[name].scale
        known = numbers[np.isfinite(numbers)]
        if numbers.dtype.kind == "f" and known.size and scale < SMALL_SCALE:
            low, high = np.percentile(known, (1, 99))
            if max(abs(low), abs(high)) <= HIGHEST:
                raise MetadataError(
                    where,
                    "scale is {scale:g}, but the {name} numbers are reflectance already "
                    "({low:.3g} to {high:.3g})",
                    "write scale = 1 and offset = 0",
                    scale=scale,
                    name=name,
                    low=low,
                    high=high,
                )
        reflectance = to_reflectance(bands[name], numbers)
        seen = reflectance[np.isfinite(reflectance)]
        outside = (seen < LOWEST) | (seen > HIGHEST)
        if seen.size and outside.mean() > _MOST_OUTSIDE:
            raise MetadataError(
                where,
                "scale {scale:g} and offset {offset:g} give {name} reflectance "
                "from {low:.3g} to {high:.3g}",
                "write the factors that give reflectance between 0 and about 1",
                scale=bands[name].scale,
                offset=bands[name].offset,
                name=name,
                low=seen.min(),
                high=seen.max(),
            )
