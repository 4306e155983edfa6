"""Whether a scene can be what it claims to be, judged by physics rather than by its format.

A wrong scale, offset, date or place gives a scene that every reader opens and that maps to
nonsense. The limits are wide: no good product of any sensor comes near them.

What a product tells of itself is compared when it is opened (:func:`contradictions`); what the
image shows is judged on a sample of its pixels before it is mapped (:func:`assess`):
``implausible`` when reflectance cannot be so, ``odd`` when it hardly can. Whether the layers of a
scene belong together is asked in :mod:`glacial_lakes.scenes.consistency`. Scenes of one place are
compared with each other in :mod:`glacial_lakes.scenes.agreement`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.errors import N_, GridError, ImplausibleError, Message, MetadataError
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.consistency import (
    disordered_colours,
    foreign_quality,
    inverted_infrared,
    mixed_bands,
    swapped_bands,
)
from glacial_lakes.scenes.quality import Quality
from glacial_lakes.scenes.sampling import Part, Reflectance, sample_of
from glacial_lakes.scenes.sensors import SERVICE
from glacial_lakes.scenes.sun import sun_over

if TYPE_CHECKING:
    from glacial_lakes.scenes.scene import Scene

Verdict = Literal["plausible", "odd", "implausible", "unjudged"]
Clear = NDArray[np.bool_]

PERCENTILES = (1.0, 5.0, 50.0, 95.0, 99.0)

FEWEST_PIXELS = 2000
"""Fewer observed pixels than this are no sample: thinned copies and slivers are not judged."""

DEEPEST, DEEP = -0.05, -0.03
"""A twentieth of all pixels below this is impossible, or odd: the atmospheric correction leaves
slightly negative numbers on dark water and in shade, but not below −0.03 on a twentieth of a
scene (lowest of the test data: 0.00, and −0.002 in the near infrared)."""

DEEPEST_BLUE = -0.15
"""For blue, where the correction of Landsat fails first (lowest of the test data: −0.02)."""

BRIGHTEST_HALF, BRIGHTEST = 1.3, 2.0
"""Half of all pixels above the first, or a twentieth above the second, is impossible: fresh snow
on slopes towards a low sun reaches 1.4 (1 % of the brightest scene: 1.2)."""

DARKEST_NIR, DARK_NIR = 0.08, 0.12
"""Where 99 of 100 pixels are darker than this in the near infrared there is no land, snow or cloud
in the scene (the darkest of the test data, nearly all a deep lake: 0.24)."""

HIGHEST_FLOOR = 0.09
"""Red or infrared that is nowhere darker than this, where at least a third is clear of cloud and
snow, is odd: mountains have shade and water (highest of the test data: 0.055)."""

_CLEAR_SHARE = 0.3
_GROUND_BANDS = ("green", "nir", "swir1")
"""Bands by which scenes of a place are compared: those that decide what is water."""
_HIDDEN = Quality.NODATA | Quality.CLOUD | Quality.CLOUD_SHADOW | Quality.CIRRUS | Quality.SNOW

_SUN_OFF_DEG = 15.0
"""How far the sun that a product tells may stand from that of its date and place. Products tell
that of the scene's centre, 1° off at most; scenes that were moved for a test are up to 9° off."""

_SUN_SURE_DEG = 1.5
"""How near the sun stands to where the metadata of a product as it was made tell it."""

_SUN_APART_DEG = 30.0
"""The same as the angle between both directions, by which a wrong azimuth is told as well (most of
the test data: 24°, of scenes that were moved)."""

_FIRST_IMAGE = "1972-07-23"
"""Launch of Landsat 1: no image of the ground from space for mapping is older."""

CORRECT_FACTORS = N_(
    "compare scale and offset with what the makers of the product say, or download it again"
)
CORRECT_METADATA = N_("download it again, or correct in its metadata what you changed there")
CORRECT_FILES = N_("see that each band has its own file, or download it again")
DOWNLOAD = N_("download it again")

Fault = tuple[Verdict, Message, str]
"""Of a scene: how bad it is, why, and what to do about it."""

_DARK = N_("{band} reflectance is below {low:.2f} on a twentieth of the image")


@dataclass(frozen=True, slots=True)
class Plausibility:
    """What a sample of the pixels of a scene says of it."""

    verdict: Verdict
    reason: str = ""
    """Why it is odd or implausible, as a clause; else empty."""
    remedy: str = ""
    """What to do about it, as a clause."""
    reflectance: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By band :data:`PERCENTILES` of reflectance over all observed ground, rounded to 0.001."""
    ground: Mapping[str, float] = field(default_factory=dict)
    """By band the median reflectance of what is clear of cloud and snow, rounded to 0.001; empty
    where the scene does not tell these, or little is clear."""


_OVER_MIDNIGHT = timedelta(hours=1)
"""A name tells when the satellite began to take what may be an image of the next day."""

_OLD_NAME = "_OPER_"
"""In names of Sentinel-2 until 2016, which begin with the day on which the product was made."""

_SENSOR_IN_NAME = re.compile(r"(S2[A-Z]|L[A-Z]\d\d)_")
_DAY_IN_NAME = re.compile(r"_((?:19|20)\d{6})(?:T\d{6})?_")


def check_time(acquired: datetime, sensor: str, where: Path | str) -> None:
    """Refuse a time at which the satellite did not fly.

    Parameters
    ----------
    acquired : datetime.datetime
        Aware.
    sensor : str
        As of a scene; of an unknown one only what holds for all is asked.
    where : path-like
        Named in the message.

    Raises
    ------
    MetadataError
        When the time lies before the launch, after the end or in the future.
    """
    first, last = SERVICE.get(sensor, (_FIRST_IMAGE, ""))
    launched = datetime.fromisoformat(first).replace(tzinfo=UTC)
    ended = datetime.fromisoformat(last).replace(tzinfo=UTC) if last else datetime.now(UTC)
    if not launched <= acquired <= ended + timedelta(days=2):
        raise MetadataError(
            where,
            "the image is of {day}, when {sensor} took none",
            "download the product again, or correct the date",
            day=Message.of_day(acquired),
            sensor=sensor,
        )


def check_tile(tile: str, grid: Grid, where: Path | str, is_always_north: bool = False) -> None:
    """Refuse a grid that lies in another zone than the Sentinel-2 tile of a product.

    Parameters
    ----------
    tile : str
        Such as ``43TDH``.
    grid : Grid
    where : path-like
        Named in the message.
    is_always_north : bool
        Whether the maker counts southern tiles from the equator, too.

    Raises
    ------
    GridError
    """
    code = grid.crs.to_epsg() or 0
    hemisphere = 326 if tile[2] >= "N" or (is_always_north and code < 32700) else 327
    if code != hemisphere * 100 + int(tile[:2]):
        raise GridError(
            where,
            "the images lie in EPSG:{code}, but the tile is {tile}",
            "download the product again",
            code=code,
            tile=tile,
        )


def contradictions(
    acquired: datetime,
    grid: Grid,
    sun: tuple[float, float] | None,
    processed: str = "",
    name: str = "",
    sensor: str = "",
) -> list[Message]:
    """Return what cannot be true together of time, place and sun of a scene, as clauses.

    Parameters
    ----------
    acquired : datetime.datetime
    grid : Grid
    sun : (float, float) or None
        Elevation and azimuth in degrees, as the product tells them; None asks only for daylight.
    processed : str
        When the product was made, ISO 8601 or empty.
    name : str
        Of the product, where its maker writes the sensor and the day of the image first.
    sensor : str
        As its metadata tell it.
    """
    found: list[Message] = []
    named = None if _OLD_NAME in name else _DAY_IN_NAME.search(name)
    written = None if named is None else _day(named[1])
    day = timedelta(days=1)
    if written is not None and not -_OVER_MIDNIGHT <= acquired - written <= day + _OVER_MIDNIGHT:
        found.append(
            Message(
                "the image is of {day}, but its name tells {named}",
                day=Message.of_day(acquired),
                named=Message.of_day(written),
            )
        )
    maker = _SENSOR_IN_NAME.match(name)
    if maker is not None and sensor and maker[1][-2:] != sensor[-2:]:  # LO08 is LC08 too
        found.append(
            Message(
                "the image is of {sensor}, but its name tells {named}",
                sensor=sensor,
                named=maker[1],
            )
        )
    made = _day(processed)
    if made is not None and made < acquired - timedelta(days=2):
        found.append(
            Message(
                "the image is of {day}, but the product was made on {made}",
                day=Message.of_day(acquired),
                made=Message.of_day(made),
            )
        )
    direction, computed = sun_over(grid, acquired)  # not a number where the place is none
    when = {"day": Message.of_day(acquired), "time": f"{acquired:%H:%M}"}
    if sun is None and computed < 0:
        found.append(
            Message(
                "on {day} at {time} UTC the sun stands at {computed:.0f}° over the image",
                **when,
                computed=computed,
            )
        )
    elif sun is not None and abs(computed - sun[0]) > _SUN_OFF_DEG:
        found.append(
            Message(
                "on {day} at {time} UTC the sun stands at {computed:.0f}° over the image, "
                "not at {told:.0f}° as it tells",
                **when,
                computed=computed,
                told=sun[0],
            )
        )
    elif (
        sun is not None
        and abs(computed - (90.0 - sun[0])) < _SUN_SURE_DEG
        and abs(computed - sun[0]) > 2 * _SUN_SURE_DEG
    ):
        found.append(
            Message(
                "on {day} at {time} UTC the sun stands at {computed:.0f}° over the image; "
                "{told:.0f}°, as it tells, is its distance from the zenith",
                **when,
                computed=computed,
                told=sun[0],
            )
        )
    elif sun is not None and _angle(sun, (computed, direction)) > _SUN_APART_DEG:
        found.append(
            Message(
                "on {day} at {time} UTC the sun stands in the direction of {computed:.0f}°, "
                "not of {told:.0f}° as it tells",
                **when,
                computed=direction,
                told=sun[1],
            )
        )
    return found


def _angle(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the angle between two directions of elevation and azimuth, all in degrees."""
    (height, to), (other_height, other_to) = (np.radians(direction) for direction in (one, other))
    cosine = np.sin(height) * np.sin(other_height)
    cosine += np.cos(height) * np.cos(other_height) * np.cos(to - other_to)
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _day(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def assumed_time(scene: Scene) -> Message | None:
    """Return that only the day of a scene is told, as a clause; None where its time is."""
    if scene.provenance.get("time") != "overpass":
        return None
    return Message(
        "only the day is told; time and sun are those at which {sensor} usually passes",
        sensor=scene.sensor,
    )


def problems_of(scene: Scene) -> list[Message]:
    """Return what is wrong with a scene by its metadata, and what is only assumed of it."""
    found: list[Message] = list(scene.provenance.get("contradictions", ()))
    assumed = assumed_time(scene)
    found += [] if assumed is None else [assumed]
    if scene.quality is None:
        found.append(Message("has no quality layer: cloud and snow are not told"))
    return found


def assess(scene: Scene, within: Sequence[Window] | None = None) -> Plausibility:
    """Judge a scene by a sample of its pixels: some windows, or a thinned copy of the image.

    Parameters
    ----------
    scene : Scene
    within : sequence of Window, optional
        Where it is looked at, instead of all over it: what lies elsewhere need not be fetched.

    Returns
    -------
    Plausibility
        ``implausible`` also for what the metadata contradicts (``provenance["contradictions"]``);
        ``unjudged`` where fewer than :data:`FEWEST_PIXELS` are observed.

    Raises
    ------
    DamagedFileError
        When a file cannot be decoded.

    Examples
    --------
    >>> from glacial_lakes import open_scene
    >>> assess(open_scene("scene.SAFE")).verdict  # doctest: +SKIP
    'plausible'
    """
    for reason in scene.provenance.get("contradictions", ()):
        return Plausibility("implausible", reason, CORRECT_METADATA)
    parts = sample_of(scene, within)
    if not parts:
        return Plausibility("unjudged")
    samples = {name: _flat(parts, name) for name in scene.bands}
    observed = {name: values[np.isfinite(values)] for name, (values, _) in samples.items()}
    seen = {name: values for name, values in observed.items() if values.size >= FEWEST_PIXELS}
    if not seen:
        return Plausibility("unjudged")
    levels = {name: np.percentile(values, PERCENTILES) for name, values in seen.items()}
    percentiles = {
        name: tuple(round(float(v), 3) for v in values) for name, values in levels.items()
    }
    ground = {
        name: round(float(np.median(values[clear])), 3)
        for name, (values, clear) in samples.items()
        if name in _GROUND_BANDS and name in seen and scene.quality is not None
        if _is_clear_enough(values, clear)
    }
    known = [Part({name: part.bands[name] for name in seen}, part.flags) for part in parts]
    faults = _faults(samples, seen, levels)
    faults += [("implausible", reason, CORRECT_FILES) for reason in swapped_bands(known)]
    odd = [
        *mixed_bands(known),
        *disordered_colours(known, scene.level),
        *inverted_infrared(known),
        *foreign_quality(known, scene.decoder),
    ]
    faults += [("odd", reason, CORRECT_FILES) for reason in odd]
    for verdict, reason, remedy in sorted(faults, key=lambda fault: fault[0] != "implausible"):
        return Plausibility(verdict, reason, remedy, percentiles, ground)
    return Plausibility("plausible", "", "", percentiles, ground)


def require_plausible(scene: Scene, found: Plausibility) -> None:
    """Refuse a scene that was judged implausible.

    Raises
    ------
    ImplausibleError
        When its reflectance cannot be so.
    """
    if found.verdict == "implausible":
        raise ImplausibleError(scene.path, found.reason, found.remedy)


def _faults(
    samples: Mapping[str, tuple[Reflectance, Clear]],
    seen: Mapping[str, Reflectance],
    levels: Mapping[str, NDArray[Any]],
) -> list[Fault]:
    """Return what is wrong with a scene, the worst first."""
    impossible: list[Fault] = []
    odd: list[Fault] = []
    for name, percentiles in levels.items():
        _, low, half, high, _ = (float(level) for level in percentiles)
        lowest = DEEPEST_BLUE if name == "blue" else DEEPEST
        if low < lowest:
            what = Message(_DARK, band=name, low=low)
            impossible.append(("implausible", what, CORRECT_FACTORS))
        elif low < DEEP and name != "blue":
            what = Message(_DARK, band=name, low=low)
            odd.append(("odd", what, CORRECT_FACTORS))
        if half > BRIGHTEST_HALF:
            what = Message(
                "{band} reflectance is above {half:.2f} on half of the image", band=name, half=half
            )
            impossible.append(("implausible", what, CORRECT_FACTORS))
        elif high > BRIGHTEST:
            what = Message(
                "{band} reflectance is above {high:.2f} on a twentieth of the image",
                band=name,
                high=high,
            )
            impossible.append(("implausible", what, CORRECT_FACTORS))
        if seen[name].min() == seen[name].max():
            what = Message("{band} reflectance is {half:.3g} everywhere", band=name, half=half)
            impossible.append(("implausible", what, DOWNLOAD))
    if "nir" in levels:
        most = levels["nir"][-1]
        what = Message(
            "near-infrared reflectance is below {most:.3f} on 99 % of the image, land too",
            most=float(most),
        )
        if most < DARKEST_NIR:
            impossible.append(("implausible", what, CORRECT_FACTORS))
        elif most < DARK_NIR:
            odd.append(("odd", what, CORRECT_FACTORS))
    floors = [
        np.percentile(values[clear], 1)
        for name, (values, clear) in samples.items()
        if name in levels and name not in ("blue", "green")
        if _is_clear_enough(values, clear)
    ]
    if floors and min(floors) > HIGHEST_FLOOR:
        what = Message(
            "red and infrared reflectance is nowhere below {floor:.2f}, as it is in shade",
            floor=float(min(floors)),
        )
        odd.append(("odd", what, CORRECT_FACTORS))
    return impossible + odd


def _flat(parts: Sequence[Part], name: str) -> tuple[Reflectance, Clear]:
    """Return reflectance of the sampled pixels of a band, and which are clear of cloud and snow."""
    values = np.concatenate([part.bands[name].ravel() for part in parts])
    clear = np.isfinite(values)
    flags = [part.flags.ravel() for part in parts if part.flags is not None]
    if flags:
        clear &= (np.concatenate(flags) & np.uint8(_HIDDEN)) == 0
    return values, clear


def _is_clear_enough(values: Reflectance, clear: Clear) -> bool:
    return bool(clear.sum() > max(FEWEST_PIXELS, _CLEAR_SHARE * np.isfinite(values).sum()))
