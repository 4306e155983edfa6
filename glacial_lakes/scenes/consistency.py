"""Whether the bands and the quality layer of a scene are of one image, each in its place.

Neighbouring bands change together from one pixel to the next: an edge of snow, water or shade is
an edge in both. A band of another image has other shadows, snow and clouds. Bands that were
swapped follow their neighbours less than those far away, and land is brighter in the near infrared
than in green. A quality layer of another image finds snow and cloud where there are none.

The limits were set by 44 good scenes: real ones and those of two simulators, four sensors, top of
atmosphere and ground, half of them with cloud and some all snow (``benchmarks/plausibility.py``);
the worst of them stands beside each. Snow that saturates the blue band of TM spoils its
correlations, so that those of blue are hardly asked. Blue, green and red follow each other too
closely to be told apart so, and green least where there are plants. They are told by their
brightness: land is darkest in blue and, but for plants, brightest in red; seen through the air,
the darkest ground is bluest. All snow and ice, or all plants, tell nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glacial_lakes.errors import N_, Message
from glacial_lakes.scenes.quality import Decoder, Flags, Quality, tells_snow
from glacial_lakes.scenes.sampling import Part
from glacial_lakes.scenes.sensors import is_top_of_atmosphere

FEWEST_PIXELS = 1000
"""Fewer pixels of land, snow or cloud than this are not judged."""

LAND_BRIGHTER = 0.5
"""Share of land that is brighter in the near infrared than in green (lowest of good ones: 0.99),
and in the first shortwave infrared than in the second (1.00)."""

TOGETHER = {("green", "red"): 0.75, ("swir1", "swir2"): 0.75, ("blue", "green"): 0.25}
"""Least correlation of the steps between neighbouring pixels (good ones: 0.89, 0.89, 0.46)."""

NIR_EXPLAINED = 0.35
"""Least share of the variance of near-infrared steps that those of the bands on both sides of it
explain (good ones: 0.45)."""

EXPLAINED = {"blue": 0.25, "green": 0.75, "red": 0.8, "swir1": 0.72, "swir2": 0.7}
"""Least share of the variance of a band's steps that those of all others explain (good ones: 0.39,
0.87, 0.90, 0.85, 0.81)."""
ALIKE = 1e-6
"""Bands that differ by less of their variance are one, as where all are grey."""
FEWEST_BANDS = 4
"""Of fewer bands no one is told by the others."""

LEVEL_EXPLAINED = {
    "blue": 0.79,
    "green": 0.85,
    "red": 0.87,
    "nir": 0.8,
    "swir1": 0.93,
    "swir2": 0.89,
}
"""Least share of the variance of the logarithm of a band that those of all others and their
products explain (good ones: 0.86, 0.90, 0.91, 0.86, 0.96, 0.92, lowest where snow saturates TM):
what the ground is made of, how it is lit and what covers it is the same in all."""
LEAST_REFLECTANCE = 0.01
"""Darker ground is taken as being so bright: below, noise is most of the logarithm."""
FLAT_LEVEL = 0.02
"""Standard deviation of a logarithm below which a scene shows one thing, such as snow."""
MOST_PIXELS = 20_000
"""So many pixels suffice for a regression."""

NEIGHBOURS = (("green", "red", "nir"), ("blue", "green", "nir"), ("swir1", "swir2", "green"))
"""A band, one that it follows, and one that it follows less."""
NEARER = 0.1
"""By so much the correlation with the farther one may be larger (good ones: 0.03)."""

OUT_OF_ORDER = 1.05
"""How many times as bright as the next longer one a band of visible light is only when it is
called by another's name. On land at the ground blue over green and red (highest of good ones: 0.85
and 0.77, swapped 1.17) and, where plants are few, green over red (0.89, swapped 1.13); seen through
the air, of the darkest ground, red over green and green over blue (0.84, swapped 1.19)."""

BARE, LIT_NIR = 2.0, 0.08
"""Land that is less than so many times as bright in the near infrared as in visible light has few
plants; darker there than the second number it is shade."""

DARKEST_PERCENT, DARK = 1.0, 0.1
"""The darkest ground is so many in 100 pixels; where it is brighter than this, there is none."""

INVERTED = 0.6
"""Share of clear ground that is darker in the near infrared than the median of what is darkest,
and darker than :data:`DARK`, in all other bands (highest of good ones: 0.16; inverted 0.97)."""

COLOURS = ("blue", "green", "red")
"""By their wavelength."""
AT_GROUND = ("L2", "SR", "BOA")
"""How levels begin that are not seen through the air."""

FLAT = 0.002
"""Steps smaller than this (standard deviation of reflectance) are noise, as on open water."""

SHOWN_IS_TOLD = 0.5
"""Share of what the bands show that a quality layer may call no data (highest of good ones: 0.24,
of a thinned image with stripes; 0.0 where nothing was thinned)."""

SNOW_IS_SNOW = 0.5
"""Share of what a quality layer calls snow whose NDSI is above 0.1 (good ones: 0.99)."""
WHITE_IS_CLEAR = 0.3
"""Share of bright snow and cloud of high NDSI that it calls clear (highest of good ones: 0.05)."""
CLOUD_IS_BRIGHTER = 1.5
"""Green of what it calls cloud over that of what it calls clear (lowest of good ones: 2.4)."""

_HIDDEN = Quality.NODATA | Quality.CLOUD | Quality.CLOUD_SHADOW | Quality.CIRRUS | Quality.SNOW

Values = NDArray[np.float32]
Bool = NDArray[np.bool_]


def swapped_bands(parts: Sequence[Part]) -> list[Message]:
    """Return why the bands of a scene cannot be what they are called, as clauses.

    Parameters
    ----------
    parts : sequence of Part
        From :func:`glacial_lakes.scenes.sampling.sample_of`.
    """
    bands = _bands(parts)
    if not {"green", "nir", "swir1"} <= bands.keys():
        return []
    land = _is_clear(_flags(parts), bands["green"].size)
    # not water, which is dark there, nor snow and cloud
    land &= (bands["swir1"] > 0.08) & (bands["swir1"] > bands["green"])
    land &= np.isfinite(bands["nir"])
    found = []
    for darker, brighter in (("green", "nir"), ("swir2", "swir1")):
        if darker in bands and land.sum() >= FEWEST_PIXELS:
            share = float((bands[brighter] > bands[darker])[land].mean())
            if share < LAND_BRIGHTER:
                found.append(
                    Message(
                        "{brighter} is darker than {darker} on {percent:.0f} % of the land, "
                        "as if these bands were swapped",
                        brighter=brighter,
                        darker=darker,
                        percent=100 * (1 - share),
                    )
                )
    return found


def disordered_colours(parts: Sequence[Part], level: str) -> list[Message]:
    """Return why blue, green and red cannot be what they are called, as clauses.

    Parameters
    ----------
    parts : sequence of Part
        From :func:`glacial_lakes.scenes.sampling.sample_of`.
    level : str
        Of the scene: whether it is seen through the air. Where it tells neither, only what can be
        neither is told.
    """
    bands = _bands(parts)
    if not {*COLOURS, "nir"} <= bands.keys():
        return []
    seen = np.isfinite(bands["nir"])
    for name in COLOURS:
        seen &= np.isfinite(bands[name])
    clear = seen & _is_clear(_flags(parts), seen.size)
    through_air = _disordered_darkest(bands, clear)
    if is_top_of_atmosphere(level):
        return through_air
    at_ground = _disordered_land(bands, clear)
    return at_ground if through_air or level.upper().startswith(AT_GROUND) else []


def _disordered_land(bands: dict[str, Values], clear: Bool) -> list[Message]:
    brightest = np.maximum.reduce([bands[name] for name in COLOURS])
    # neither water nor shade, which are dark there, nor snow and cloud, which are no brighter
    land = clear & (bands["nir"] > LIT_NIR) & (bands["nir"] > 1.1 * brightest)
    if "swir1" in bands:
        land &= (bands["swir1"] > LIT_NIR) & (bands["swir1"] > brightest)
    bare = land & (bands["nir"] < BARE * brightest)
    found = []
    for short, long, where in (
        ("blue", "green", land),
        ("blue", "red", bare),
        ("green", "red", bare),
    ):
        if where.sum() >= FEWEST_PIXELS:
            below = np.maximum(bands[long][where], 1e-3)
            ratio = float(np.median(bands[short][where] / below))
            if ratio > OUT_OF_ORDER:
                what = N_(
                    "{one} is {ratio:.2f} times as bright as {other} on land, "
                    "as if these bands were swapped"
                )
                found.append(Message(what, one=short, other=long, ratio=ratio))
    return found


def _disordered_darkest(bands: dict[str, Values], clear: Bool) -> list[Message]:
    if clear.sum() < FEWEST_PIXELS:
        return []
    darkest = {name: float(np.percentile(bands[name][clear], DARKEST_PERCENT)) for name in COLOURS}
    found = []
    for short, long in itertools.combinations(COLOURS, 2):
        ratio = darkest[long] / max(darkest[short], 1e-3)
        if ratio > OUT_OF_ORDER and min(darkest.values()) < DARK:
            what = N_(
                "the darkest ground is {ratio:.2f} times as bright in {one} as in {other}, and "
                "through the air it is bluer, as if these bands were swapped"
            )
            found.append(Message(what, one=long, other=short, ratio=ratio))
    return found


def inverted_infrared(parts: Sequence[Part]) -> list[Message]:
    """Return why near infrared seems to be inverted, as a clause.

    Water and shade are dark in all bands. An inverted band has the edges of its image, and explains
    those of others as well as before.

    Parameters
    ----------
    parts : sequence of Part
        From :func:`glacial_lakes.scenes.sampling.sample_of`.
    """
    bands = _bands(parts)
    if not {"nir", "swir1"} <= bands.keys():  # without the second, forest is dark in all others
        return []
    brightest = np.maximum.reduce([bands[name] for name in bands if name != "nir"])
    clear = np.isfinite(brightest) & np.isfinite(bands["nir"])
    clear &= _is_clear(_flags(parts), clear.size)
    if clear.sum() < FEWEST_PIXELS:
        return []
    infrared, brightest = bands["nir"][clear], brightest[clear]
    limit = float(np.percentile(brightest, DARKEST_PERCENT))
    share = float((infrared < np.median(infrared[brightest <= limit])).mean())
    if limit > DARK or share < INVERTED:
        return []
    what = N_(
        "what is darkest in all other bands is brighter than {percent:.0f} % of the ground in near "
        "infrared, as if that were inverted"
    )
    return [Message(what, percent=100 * share)]


def mixed_bands(parts: Sequence[Part]) -> list[Message]:
    """Return why the bands of a scene seem not to be of one image, or not in order, as clauses."""
    bands = {name: _steps([part.bands[name] for part in parts]) for name in parts[0].bands}
    found = []
    for (one, other), least in TOGETHER.items():
        correlation = _correlation(bands, one, other)
        if correlation is not None and correlation < least:
            found.append(
                Message(
                    "{one} and {other} do not show the same edges (correlation {value:.2f}), "
                    "as if one were of another image",
                    one=one,
                    other=other,
                    value=correlation,
                )
            )
    for name, near, far in NEIGHBOURS:
        close, distant = _correlation(bands, name, near), _correlation(bands, name, far)
        if close is not None and distant is not None and close < distant - NEARER:
            found.append(
                Message(
                    "{band} follows {far} more than {near}, as if bands were swapped",
                    band=name,
                    far=far,
                    near=near,
                )
            )
    others = [bands[name] for name in ("green", "red", "swir1", "swir2") if name in bands]
    if "nir" in bands and "red" in bands:
        explained = _explained(bands["nir"], others)
        if explained is not None and explained < NIR_EXPLAINED:
            found.append(
                Message(
                    "near infrared does not show the edges of the other bands "
                    "(explained {value:.2f}), as if it were of another image",
                    value=explained,
                )
            )
    explained_by_all = _explained_by_others(bands)
    if not {"swir1", "swir2"} <= explained_by_all.keys():  # no other band is like either
        explained_by_all = {k: v for k, v in explained_by_all.items() if not k.startswith("swir")}
    least_sure = min(EXPLAINED, key=lambda name: explained_by_all.get(name, 1.0) / EXPLAINED[name])
    if not found and (value := explained_by_all.get(least_sure, 1.0)) < EXPLAINED[least_sure]:
        found.append(
            Message(
                "{band} does not show the edges of the other bands (explained {value:.2f}), "
                "as if it were of another image",
                band=least_sure,
                value=value,
            )
        )
    return found or _mixed_levels(_bands(parts))


def _mixed_levels(bands: dict[str, Values]) -> list[Message]:
    """Return which band the brightness of all others does not explain, as a clause.

    A band of another date with the same light has the edges of the ground, and yet other snow,
    shade, moisture and plants.
    """
    if not bands.keys() >= LEVEL_EXPLAINED.keys():  # in fewer, materials are not told apart
        return []
    explained = {
        name: value
        for name in LEVEL_EXPLAINED
        if (value := _level_explained(bands, name)) is not None
    }
    lack = {name: (1 - value) / (1 - LEVEL_EXPLAINED[name]) for name, value in explained.items()}
    worst = max(lack, key=lack.__getitem__, default=None)
    if worst is None or lack[worst] <= 1:
        return []
    what = N_(
        "{band} is not as bright as the other bands tell (explained {value:.2f}), "
        "as if it were of another image"
    )
    return [Message(what, band=worst, value=explained[worst])]


def foreign_quality(parts: Sequence[Part], decoder: Decoder) -> list[Message]:
    """Return why a quality layer seems to be of another image, as clauses.

    Parameters
    ----------
    parts : sequence of Part
    decoder : Decoder
        Of the scene: snow is only missed in layers that tell it.
    """
    bands, flags = _bands(parts), _flags(parts)
    if flags is None or "green" not in bands:
        return []
    green = bands["green"]
    seen = np.isfinite(green)
    clear = seen & _is_clear(flags, green.size)
    cloud = seen & _is_set(flags, Quality.CLOUD)
    found = []
    hidden = seen & _is_set(flags, Quality.NODATA)
    if hidden.sum() >= max(FEWEST_PIXELS, SHOWN_IS_TOLD * seen.sum()):
        found.append(
            Message(
                "the quality layer calls {percent:.0f} % of what the bands show no data, "
                "as if it were of another image",
                percent=100 * float(hidden.sum() / seen.sum()),
            )
        )
    if "swir1" in bands:
        with np.errstate(divide="ignore", invalid="ignore"):
            ndsi = (green - bands["swir1"]) / (green + bands["swir1"])
        known = np.isfinite(ndsi)
        snow = known & _is_set(flags, Quality.SNOW)
        if snow.sum() >= FEWEST_PIXELS:
            share = float((ndsi[snow] > 0.1).mean())
            if share < SNOW_IS_SNOW:
                found.append(
                    Message(
                        "{percent:.0f} % of what the quality layer calls snow is none, "
                        "as if it were of another image",
                        percent=100 * (1 - share),
                    )
                )
        # snow by Dozier (1989), and as bright as only snow and cloud are
        white = known & (ndsi > 0.4) & (green > 0.35)
        if tells_snow(decoder) and white.sum() >= FEWEST_PIXELS:
            share = float(clear[white].mean())
            if share > WHITE_IS_CLEAR:
                found.append(
                    Message(
                        "the quality layer calls {percent:.0f} % of the snow and cloud clear, "
                        "as if it were of another image",
                        percent=100 * share,
                    )
                )
    if min(cloud.sum(), clear.sum()) >= FEWEST_PIXELS:
        ratio = float(np.median(green[cloud])) / max(float(np.median(green[clear])), 1e-3)
        if ratio < CLOUD_IS_BRIGHTER:
            found.append(
                Message(
                    "what the quality layer calls cloud is {ratio:.1f} times as bright as clear "
                    "ground, as if it were of another image",
                    ratio=ratio,
                )
            )
    return found


def _bands(parts: Sequence[Part]) -> dict[str, Values]:
    return {
        name: np.concatenate([part.bands[name].ravel() for part in parts])
        for name in parts[0].bands
    }


def _flags(parts: Sequence[Part]) -> Flags | None:
    flags = [part.flags.ravel() for part in parts if part.flags is not None]
    return np.concatenate(flags) if flags else None


def _is_set(flags: Flags, which: Quality) -> Bool:
    is_set: Bool = (flags & np.uint8(which)) != 0
    return is_set


def _is_clear(flags: Flags | None, size: int) -> Bool:
    return np.ones(size, bool) if flags is None else ~_is_set(flags, _HIDDEN)


def _steps(planes: Sequence[Values]) -> Values:
    """Return the differences of each pixel to those below and to the right of it."""
    steps = []
    for plane in planes:
        here = plane[:-1, :-1]
        steps += [(plane[1:, :-1] - here).ravel(), (plane[:-1, 1:] - here).ravel()]
    return np.concatenate(steps)


def _correlation(steps: dict[str, Values], one: str, other: str) -> float | None:
    if one not in steps or other not in steps:
        return None
    known = np.isfinite(steps[one]) & np.isfinite(steps[other])
    pair = steps[one][known], steps[other][known]
    if known.sum() < 2 * FEWEST_PIXELS or min(part.std() for part in pair) < FLAT:
        return None
    return float(np.corrcoef(*pair)[0, 1])


def _explained(values: NDArray[Any], others: Sequence[NDArray[Any]]) -> float | None:
    """Return the share of variance that a linear regression on others explains (R²)."""
    predictors = np.stack(others, axis=1).astype(np.float64)
    known = np.isfinite(values) & np.isfinite(predictors).all(axis=1)
    own = values[known].astype(np.float64)
    if known.sum() < 2 * FEWEST_PIXELS or own.std() < FLAT:
        return None
    own -= own.mean()
    centred = predictors[known] - predictors[known].mean(axis=0)
    weights, *_ = np.linalg.lstsq(centred, own, rcond=None)
    return float(1 - np.square(own - centred @ weights).sum() / np.square(own).sum())


def _level_explained(bands: dict[str, Values], name: str) -> float | None:
    """Return the share of variance of a band's logarithm that those of the others explain."""
    known = np.logical_and.reduce([np.isfinite(bands[one]) for one in LEVEL_EXPLAINED])
    places = np.flatnonzero(known)
    if places.size < 2 * FEWEST_PIXELS:
        return None
    places = places[:: max(1, places.size // MOST_PIXELS)]
    order = (name, *(other for other in LEVEL_EXPLAINED if other != name))
    own, *others = (
        np.log(np.maximum(bands[one][places].astype(np.float64), LEAST_REFLECTANCE))
        for one in order
    )
    if own.std() < FLAT_LEVEL:
        return None
    centred = [values - values.mean() for values in others]
    pairs = itertools.combinations_with_replacement(centred, 2)
    return _explained(own, [*centred, *(one * other for one, other in pairs)])


def _explained_by_others(steps: dict[str, Values]) -> dict[str, float]:
    """Return, for each band, the share of variance that a regression on all others explains.

    All follow from the inverse of the matrix of correlations: 1 / (1 - R²) stands on its diagonal.
    """
    values = np.stack(list(steps.values()))
    known = np.isfinite(values).all(axis=0)
    if known.sum() < 2 * FEWEST_PIXELS:
        return {}
    values = values[:, known].astype(np.float64)
    lively = values.std(axis=1) >= FLAT
    if lively.sum() < FEWEST_BANDS:
        return {}
    correlation = np.corrcoef(values[lively])
    inflation = np.diag(np.linalg.inv(correlation + ALIKE * np.eye(len(correlation))))
    names = [name for name, is_lively in zip(steps, lively, strict=True) if is_lively]
    return {name: float(1 - 1 / max(own, 1.0)) for name, own in zip(names, inflation, strict=True)}
