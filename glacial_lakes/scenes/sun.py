"""Where the sun stands at a time and place: what products must agree with, or do not tell."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from pyproj import Transformer

from glacial_lakes.grid import Grid

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


def sun_position(time: datetime, lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Return azimuth (clockwise from north) and elevation of the sun in degrees.

    The low-precision formula of the Astronomical Almanac, good to 0.01° from 1950 to 2050
    (Michalsky 1988, *Solar Energy* 40, 227–235). Refraction is left out.

    Parameters
    ----------
    time : datetime.datetime
        Aware time.
    lon_deg, lat_deg : float
        Geographic position, east and north positive.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> [round(angle) for angle in sun_position(datetime(2021, 6, 21, 9, tzinfo=UTC), 0.0, 50.0)]
    [110, 46]
    """
    days = (time - _J2000).total_seconds() / 86400.0
    mean_longitude = math.radians((280.460 + 0.9856474 * days) % 360.0)
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360.0)
    longitude = mean_longitude + math.radians(
        1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly)
    )
    obliquity = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    sidereal_h = (18.697374558 + 24.06570982441908 * days + lon_deg / 15.0) % 24.0
    hour_angle = sidereal_h * math.pi / 12.0 - ascension
    lat = math.radians(lat_deg)
    elevation = math.asin(
        math.sin(lat) * math.sin(declination)
        + math.cos(lat) * math.cos(declination) * math.cos(hour_angle)
    )
    azimuth = math.atan2(
        -math.sin(hour_angle),
        math.tan(declination) * math.cos(lat) - math.sin(lat) * math.cos(hour_angle),
    )
    return math.degrees(azimuth) % 360.0, math.degrees(elevation)


def sun_over(grid: Grid, time: datetime) -> tuple[float, float]:
    """Return azimuth and elevation of the sun over the middle of a grid; NaN where it is nowhere.

    Examples
    --------
    >>> from affine import Affine
    >>> from rasterio.crs import CRS
    >>> grid = Grid(CRS.from_epsg(32643), Affine(10, 0, 455000, 0, -10, 4725000), (1000, 1000))
    >>> [round(angle) for angle in sun_over(grid, datetime(2021, 8, 24, 6, 8, tzinfo=UTC))]
    [155, 56]
    """
    west, south, east, north = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs.to_wkt(), "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform((west + east) / 2, (south + north) / 2)
    return sun_position(time, lon, lat)
