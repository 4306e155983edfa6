"""One entry of a schedule: when and how a scene is taken, and what the weather is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from glacial_lakes.scenes.sun import sun_position
from glacial_lakes.simulate.lakes import decimal_year
from glacial_lakes.simulate.sensors import SENSORS, Sensor, SensorName


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A scene to simulate."""

    time: datetime
    """Aware, UTC."""
    sensor: SensorName
    baseline: str = "05.09"
    """Sentinel-2 processing baseline; from 04.00 on numbers carry an offset of -1000."""
    cloud_fraction: float = 0.0
    """Share of the scene under cloud, 0–1."""
    cloud_over: tuple[int, ...] = ()
    """Numbers of lakes (their order in the site) that cloud must hide."""
    cirrus: float = 0.0
    """Mean optical thickness of cirrus."""
    haze: float = 0.003
    """Reflectance at 0.56 µm that the atmospheric correction leaves at 3200 m."""
    snow_line_m: float = 4120.0
    """Elevation above which seasonal snow and firn lie."""
    fresh_snow_line_m: float | None = None
    """Elevation above which snow fell in the last days."""
    ice_line_m: float | None = None
    """Elevation above which lakes begin to be frozen; 350 m higher they are wholly so."""
    sun_azimuth_deg: float | None = None
    """None: from date and place."""
    sun_elevation_deg: float | None = None
    """None: from date and place."""
    seed: int = 0
    """Changes clouds, noise and pointing, and nothing else."""

    @property
    def instrument(self) -> Sensor:
        """What the sensor does to the light."""
        return SENSORS[self.sensor]

    @property
    def year(self) -> float:
        """The date as a year with its fraction."""
        return decimal_year(self.time)

    def sun(self, lon_deg: float, lat_deg: float) -> tuple[float, float]:
        """Return azimuth and elevation of the sun in degrees."""
        azimuth, elevation = sun_position(self.time, lon_deg, lat_deg)
        return (
            azimuth if self.sun_azimuth_deg is None else self.sun_azimuth_deg,
            elevation if self.sun_elevation_deg is None else self.sun_elevation_deg,
        )
