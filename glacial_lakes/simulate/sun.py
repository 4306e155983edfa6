"""Where the sun stands."""

from __future__ import annotations

import math
from datetime import UTC, datetime

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
