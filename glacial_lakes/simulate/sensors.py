"""What each sensor does to the light: pixel, blur, noise, quantisation, pointing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

SensorName = Literal["S2A", "S2B", "LT05", "LE07", "LC08", "LC09"]
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")


@dataclass(frozen=True, slots=True)
class Sensor:
    """One instrument; per-band tuples follow :data:`BANDS`. Sources: ``docs/simulator.md``."""

    name: SensorName
    platform: str
    """As the metadata spell it."""
    files: tuple[str, ...]
    """Band names in file names."""
    pixel_m: tuple[float, ...]
    blur_m: tuple[float, ...]
    """Standard deviation of the optics' point spread, without the pixel's own box."""
    reference: tuple[float, ...]
    """Reflectance at which ``snr`` is specified."""
    snr: tuple[float, ...]
    step: tuple[float, ...]
    """Reflectance of one count, sun overhead; 0 where quantisation does not matter."""
    ceiling: tuple[float, ...]
    """Reflectance at saturation, sun overhead."""
    pointing_m: float
    """Standard deviation of the geolocation error along each axis."""
    relief_corrected: float
    """Share of the terrain illumination that the processor takes out, 0–1."""


_MSI = Sensor(
    name="S2A",
    platform="Sentinel-2A",
    files=("B02", "B03", "B04", "B08", "B11", "B12"),
    pixel_m=(10.0, 10.0, 10.0, 10.0, 20.0, 20.0),
    blur_m=(4.2, 4.2, 4.2, 4.5, 8.0, 8.0),
    reference=(0.205, 0.220, 0.224, 0.311, 0.051, 0.055),
    snr=(154.0, 168.0, 142.0, 172.0, 100.0, 100.0),
    step=(0.0,) * 6,
    ceiling=(1.6,) * 6,
    pointing_m=2.1,
    relief_corrected=0.35,
)
_OLI = Sensor(
    name="LC08",
    platform="LANDSAT_8",
    files=("B2", "B3", "B4", "B5", "B6", "B7"),
    pixel_m=(30.0,) * 6,
    blur_m=(10.0, 10.0, 10.0, 10.0, 10.5, 10.5),
    reference=(0.063, 0.051, 0.045, 0.046, 0.052, 0.063),
    snr=(364.0, 302.0, 227.0, 204.0, 265.0, 334.0),
    step=(0.0,) * 6,
    ceiling=(1.3,) * 6,
    pointing_m=3.5,
    relief_corrected=0.0,
)
_TM = Sensor(
    name="LT05",
    platform="LANDSAT_5",
    files=("B1", "B2", "B3", "B4", "B5", "B7"),
    pixel_m=(30.0,) * 6,
    blur_m=(12.0,) * 6,
    reference=(0.063, 0.052, 0.045, 0.046, 0.057, 0.063),
    snr=(40.0, 41.0, 28.0, 35.0, 36.0, 29.0),
    step=(0.0012, 0.0025, 0.0021, 0.0027, 0.0017, 0.0025),
    ceiling=(0.31, 0.64, 0.54, 0.67, 0.43, 0.62),
    pointing_m=3.5,
    relief_corrected=0.0,
)
_ETM = replace(
    _TM,
    name="LE07",
    platform="LANDSAT_7",
    blur_m=(11.0,) * 6,
    step=(0.0019, 0.0021, 0.0019, 0.0029, 0.0026, 0.0026),
    ceiling=(0.46, 0.52, 0.48, 0.73, 0.65, 0.61),
)

SENSORS: dict[SensorName, Sensor] = {
    sensor.name: sensor
    for sensor in (
        _MSI,
        replace(_MSI, name="S2B", platform="Sentinel-2B"),
        _OLI,
        replace(_OLI, name="LC09", platform="LANDSAT_9"),
        _TM,
        _ETM,
    )
}
