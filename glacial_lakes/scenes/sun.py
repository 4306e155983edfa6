"""How high the sun stands: to compare what a product tells with its date and place."""

from __future__ import annotations

import math
from datetime import datetime


def sun_elevation(time: datetime, lon_deg: float, lat_deg: float) -> float:
    """Return the elevation of the sun above the horizon in degrees, within about 0.5°.

    Declination and equation of time by the series of Spencer (1971, *Search* 2, 172), refraction
    left out.

    Parameters
    ----------
    time : datetime.datetime
        UTC.
    lon_deg, lat_deg : float
        East and north positive.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> round(sun_elevation(datetime(2021, 6, 21, 12, tzinfo=UTC), 0.0, 23.4))
    90
    """
    hours = time.hour + time.minute / 60 + time.second / 3600
    year = 2 * math.pi * (time.timetuple().tm_yday - 1 + (hours - 12) / 24) / 365
    declination = (
        0.006918
        - 0.399912 * math.cos(year)
        + 0.070257 * math.sin(year)
        - 0.006758 * math.cos(2 * year)
        + 0.000907 * math.sin(2 * year)
        - 0.002697 * math.cos(3 * year)
        + 0.00148 * math.sin(3 * year)
    )
    of_time = 229.18 * (
        0.000075
        + 0.001868 * math.cos(year)
        - 0.032077 * math.sin(year)
        - 0.014615 * math.cos(2 * year)
        - 0.040849 * math.sin(2 * year)
    )
    angle = math.radians(15 * (hours - 12) + lon_deg + of_time / 4)
    lat = math.radians(lat_deg)
    sine = math.sin(lat) * math.sin(declination)
    sine += math.cos(lat) * math.cos(declination) * math.cos(angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))
