"""Which candidates are lakes, and what the others are taken for.

Shade, snow, ice and rivers share parts of the spectrum of water but not all of: falling off
steeply from green to the near infrared, standing out from the shore in a way that neither
brightness nor shade explains, lying flat, and being wider than a river.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glacial_lakes import schema
from glacial_lakes.errors import N_
from glacial_lakes.mapping.features import TURNED_AWAY, Features
from glacial_lakes.mapping.masks import (
    MIN_SILT_RED,
    MIN_SNOW_GREEN,
    MIN_WATER_NDWI,
    SHADED,
    STEEP_DEG,
    is_milk,
)
from glacial_lakes.mapping.probability import lake_prob, model
from glacial_lakes.mapping.seeds import FLAT_DEG, MAX_DARK_NIR, MAX_SEED_NIR, is_grey

Float = NDArray[np.float32]

Bool = NDArray[np.bool_]

Category = Literal["lake", "shadow", "snow", "river", "land"]

ALMOST_FLAT_DEG, DISTINCT, FAR_APART = 6.0, 4.0, 8.0
"""Slope and separation of a lake that ice beside it does not explain, whatever its colour; and a
separation that shade has seldom."""

DIM = 0.6
"""Direct light relative to level ground below which slopes look bluish."""

MAX_SHADED_ICE_NDWI = 0.33
"""Snow and ice in shade reach this index."""

MAX_SHADE_NDWI = 0.55
"""Whatever lies in deep shade stays below this index."""

ABOVE_ICE = 0.2
"""Sky light adds less than this to the index of shaded snow and ice."""

SHADE_GREEN, DARK = 0.4, 0.5
"""Shares of the shore's green: what is darker than the first may be shade whatever its index, and
below the second a larger contrast is asked for."""

MAX_SHADE_BLUE = 2.5
"""Light of the sky and of the slopes around is bluer than sunlight by less than this factor of
green over near infrared; on real images shade reaches 2.2."""

MAX_CLOUD_SHADE_BLUE = 4.0
"""The same in the shadow of a cloud, with hazy air between it and the ground."""

AIR_ERROR = 0.1
"""Share of the light of the air by which what is taken off may be wrong."""

DARKER_THAN_SHADE, SELDOM_SHADE = 0.05, 0.1
"""Shares of the shore's light: the sky leaves more than the first in the deepest shade, and more
than the second in nearly all."""

MAX_GREY_RATIO = 0.25
"""Near infrared of water under glint over that of its shore."""

MAX_LAKE_GREEN_RATIO = 1.5
"""Rivers carry more sediment than the lakes that they pass, and shine brighter than the shore."""

MAX_WATER_SWIR1 = 0.1
"""Water absorbs beyond 1.5 µm, however much it carries; a river among its gravel does not."""

MIN_BLUE_ICE_GREEN, MIN_ICE_BLUE, MIN_ICE_SHORE_NDWI = 0.14, 0.93, -0.05
"""Green, blue over green, and index of the shore from which ice and snow explain an index that
shaded ones reach: so bright and of so faint an index water is by silt, which is not blue. Darker
ground may look blue by what a correction of the air leaves."""

LOW_SUN_DEG = 35.0
"""Below this elevation sky light colours all slopes that do not face the sun."""

FLAGGED, SHADOWED = 0.2, 0.5
"""Shares of a candidate that the product flags as a cloud's shadow from which it may be one, and
from which only clear water is believed."""

HAZY = 0.3
"""Share under thin cloud from which a candidate has its colour."""

DIMMED = 0.85
"""A cloud's shadow leaves less than this share of the light in the green."""

MANY_PX = 20.0
"""Size from which the colour of a candidate is no accident of a few mixed pixels."""

MIN_SEPARATION = 1.5
"""Standard deviations by which the core of a lake differs from its shore at least."""

MAX_RIVER_WIDENING, MAX_STEEP_WIDENING = 1.6, 2.2
"""Width at the widest place over the mean: a river has one width, crooked lakes have not (no
outline of the Indus inventories that is as long and narrow as a river is below the first). The
second where a DEM tells that the ground is steep."""

MAX_LAKE_ELONGATION = 15.0
"""Length over width of what is a river by its shape alone."""

MIN_RIVER_PX = 25.0
"""A narrow wet line longer than this is a river or stream, and what lies on it a piece of it."""


SURE_PROB = 0.6
"""Probability from which a candidate is a lake though the rules take it for something else."""


SURE_ON_LINE = 0.95
"""The same of what lies on a line that goes on as a river: lakes do, one below the other."""


LIKELY_PROB = 0.5
"""The same where shade alone speaks against it, and the shade around does not explain it."""


MIN_LIKELY = 0.3
"""Probability below which the rest of a candidate is none when lakes stand out of it."""


UNSEEN_SHADE_FACTOR, MAX_SHADE_SEPARATION = 2.5, 6.0
"""What the shadow of a cloud that nobody flagged may explain must be so many times as likely a
lake; such shade blends into the ground around, from which most lakes are farther apart."""


def classify(features: Features, min_lake_prob: float = 0.0) -> Category:
    """Return whether a candidate is a lake, or what it is taken for.

    The rules have the first word. The fitted probability
    (:func:`glacial_lakes.mapping.probability.lake_prob`) takes back what is hardly one, and adds
    what they refuse and what is one almost surely by the scene alone, if it stands out from its
    shore: to an outside model that takes bare ground for water they do not give way. The colour of
    much silt over many pixels is that of nothing else, however seldom it was seen.

    Parameters
    ----------
    features : Features
    min_lake_prob : float
        What is less likely a lake is none; without it all that any setting might take.
    """
    rules = by_rules(features)
    if rules == "lake" and _is_silty(features):
        return "lake"
    prob, _ = lake_prob(features, rules)
    if rules == "lake" and may_be_unseen_shade(features):
        least = min(UNSEEN_SHADE_FACTOR * min_lake_prob, max(SURE_PROB, min_lake_prob))
        return "lake" if prob >= least else "shadow"
    if rules == "lake":
        return "lake" if prob >= min_lake_prob else "land"
    if features.separation < MIN_SEPARATION or (rules == "river" and _is_line(features)):
        return rules
    if is_black_unexplained(features):
        return rules
    own, _ = lake_prob(replace(features, outside=np.nan), rules)
    # A river is of water too: the line tells it, of which a piece may look like a lake.
    if rules == "river" and features.trace_px > features.length_px:
        least = SURE_ON_LINE
    elif features.unlike_shade and is_shade_alone(features):
        least = LIKELY_PROB
    else:
        least = SURE_PROB
    return "lake" if own >= max(least, min_lake_prob) else rules


def is_sure(features: Features | None) -> bool:
    """Return whether a candidate is a lake almost surely, under the sky that it knows of."""
    if features is None:
        return False
    rules = by_rules(features)
    return rules == "lake" and lake_prob(features, rules)[0] >= SURE_PROB


def is_likely(features: Features | None) -> bool:
    """Return whether a candidate may well be a lake by itself."""
    return features is not None and lake_prob(features, by_rules(features))[0] >= MIN_LIKELY


def is_shade(features: Features | None) -> bool:
    """Return whether a candidate is shade by itself, and hardly a lake."""
    return features is not None and by_rules(features) == "shadow" and not is_likely(features)


def is_shade_alone(features: Features) -> bool:
    """Return whether shade of slopes is all that speaks against what may well be a lake."""
    if by_rules(features) != "shadow" or by_rules(features, in_sun=True) != "lake":
        return False
    return lake_prob(replace(features, outside=np.nan), "shadow")[0] >= LIKELY_PROB


def may_be_lake(features: Features) -> bool:
    """Return whether a candidate is a lake where any sky is thinkable and any setting.

    Which clouds may cast a shadow on it, and so whether a flag of the product holds, needs all of
    the scene.
    """
    if classify(features) == "lake":
        return True
    return features.shadow_fraction > 0 and (
        classify(replace(features, shadow_fraction=0.0)) == "lake"
    )


def under_sky(features: Features, reach: float, *, is_whole: bool = True) -> Features:
    """Return a candidate as the clouds towards the sun tell it.

    What the product flags as shadow beyond what a cloud may cast is dark for another reason:
    products take dark lakes for shadows.

    Parameters
    ----------
    features : Features
    reach : float
        The share on which a cloud may cast its shadow.
    is_whole : bool
        Whether all of that sky is in the scene; else clouds may lie beyond.
    """
    shadow = min(features.shadow_fraction, reach) if is_whole else features.shadow_fraction
    asked = may_be_cloud_shadow(features)
    return replace(features, reach_fraction=reach if asked else 0.0, shadow_fraction=shadow)


def sky_decides(features: Features, min_lake_prob: float, least: float = 0.0) -> bool:
    """Return whether what is told of a candidate depends on the clouds towards the sun.

    Parameters
    ----------
    features : Features
    min_lake_prob : float
        As for :func:`classify`.
    least : float
        The share on which clouds that are known may cast their shadow; others may add to it.
    """
    if not (may_be_cloud_shadow(features) or features.shadow_fraction > 0):
        return False
    verdicts = set()
    for reach in (least, *(one for one in _skies() if one > least)):
        found = under_sky(features, reach)
        rules = by_rules(found)
        dark = found.shadow_fraction > SHADOWED
        verdicts.add((classify(found, min_lake_prob), lake_prob(found, rules), dark))
    return len(verdicts) > 1


@cache
def _skies() -> tuple[float, ...]:
    """Return a share on each side of all that rules and the model ask of it, and on it."""
    edges = {0.0, FLAGGED, SHADOWED, 1.0}
    for term in model().terms:
        for name, own in zip(term.features, term.edges, strict=True):
            edges.update(own if name in ("shadow", "reach") else ())
    ordered = sorted(edges)
    between = [(low + high) / 2 for low, high in pairwise(ordered)]
    return tuple(sorted([*ordered, *between]))


def by_rules(features: Features, *, in_sun: bool = False) -> Category:
    """Return what physical limits alone take a candidate for.

    Parameters
    ----------
    features : Features
    in_sun : bool
        As if no slope shaded it.
    """
    e = features
    contrast = e.ndwi - e.shore_ndwi
    if is_milk(e.blue, e.green, e.red, e.nir, e.swir1):
        # Light of the sky is blue, and so are snow and ice: neither has the colour of silt.
        if _is_river(e):
            return "river"
        return "lake" if e.separation > MIN_SEPARATION or _is_silty(e) else "land"
    if _is_black_in_the_sun(e):
        return "lake"
    low_sun = e.sun_elevation_deg < LOW_SUN_DEG
    turned_away = e.slope_deg > STEEP_DEG / 2 and (e.illumination < TURNED_AWAY or low_sun)
    shaded = e.illumination < SHADED or (turned_away and _is_dull(e, contrast, low_sun=low_sun))
    shaded = not in_sun and (shaded or may_be_shade(e))
    faint = e.ndwi < MIN_WATER_NDWI
    reached = e.reach_fraction > SHADOWED and may_be_cloud_shadow(e)
    # Shaded snow and ice reach this index: sky light adds some 0.13 to that of sunlit ones.
    bluish_ice = e.shore_ndwi > -0.1 and e.ndwi < MAX_SHADED_ICE_NDWI
    reached |= e.shadow_fraction > FLAGGED and bluish_ice
    # Shade keeps the ratios of what it falls on, up to the blue of the sky light; so only water
    # that stands out clearly is believed there, and on a slope in shade not even that.
    clear = e.ndwi > MIN_WATER_NDWI + 0.04 and contrast > 0.25
    flat = not e.slope_deg > STEEP_DEG / 4
    clear_in_shade = contrast > 0.25 and e.ndwi > (MAX_SHADE_NDWI if low_sun else 0.4)
    clear_in_shade &= not may_be_shade(e)
    category: Category = "lake"
    if (
        (shaded and not (clear_in_shade and flat))
        or (e.shadow_fraction > SHADOWED and not clear)
        or reached
    ):
        category = "shadow"
    elif _is_river(e):
        category = "river"
    elif _is_blue_ice(e):
        category = "shadow" if e.green_ratio < DIMMED else "snow"
    elif faint and e.green > MIN_SNOW_GREEN and e.nir_ratio > 0.75 and e.haze_fraction < HAZY:
        category = "snow"
    elif e.nir > MAX_SEED_NIR and e.haze_fraction < HAZY:
        category = "snow" if e.green > MIN_SNOW_GREEN else "land"
    elif e.nir_ratio > 0.9 or (e.green_ratio > MAX_LAKE_GREEN_RATIO and e.swir1 > MAX_WATER_SWIR1):
        category = "land"
    elif not faint:
        category = "lake" if contrast > _least_contrast(e) else "snow"
    elif contrast < 0.2 or e.separation < MIN_SEPARATION:
        category = "land"
    return category


def _is_silty(e: Features) -> bool:
    """Return whether many pixels are red with silt; snow whose air was taken off badly is not."""
    is_red = e.red > MIN_SILT_RED * e.green and is_milk(e.blue, e.green, e.red, e.nir, e.swir1)
    return bool(is_red and e.width_px * e.length_px > MANY_PX)


def _is_dull(e: Features, contrast: float, *, low_sun: bool) -> bool:
    """Return whether shade may explain a candidate on a slope that faces away from the sun."""
    # The dimmer the slope, the bluer its light and the more it resembles water.
    least = 0.7 if low_sun else 0.55 if e.illumination < DIM else 0.4
    if e.green_ratio < SHADE_GREEN:
        return True
    if e.shore_ndwi > 0 and e.illumination > DIM and not low_sun:
        # Beside snow and ice all water is dark and rises little; shaded ice rises less still.
        return e.ndwi < MAX_SHADED_ICE_NDWI or contrast < ABOVE_ICE
    return contrast < least or (e.green_ratio < DARK and contrast < least + 0.1)


def may_be_shade(features: Features) -> bool:
    """Return whether shade may explain a candidate of which no DEM tells slope and light.

    Shade lowers green and near infrared to shares that only the blue of the sky sets apart; water
    lowers near infrared alone, or far more.
    """
    e = features
    dim = e.green_ratio < DARK and e.green_ratio < MAX_SHADE_BLUE * e.nir_ratio
    return bool(np.isnan(e.illumination) and dim) or is_black_unexplained(e)


def is_black_unexplained(features: Features) -> bool:
    """Return whether a candidate shows no light of its own, and no DEM tells of shade.

    Its index and ratios are what the light of the air is wrong by. That is known by the darkest
    ground of a scene, which becomes as black as this whether it is water or shade.
    """
    e = features
    is_black = max(e.green, e.nir) < AIR_ERROR * e.air and e.separation < MAX_SHADE_SEPARATION
    return bool(np.isnan(e.illumination) and is_black)


def may_be_cloud_shadow(features: Features) -> bool:
    """Return whether a candidate is so dim and so faint that a cloud's shadow explains it."""
    e = features
    dim = e.green_ratio < DIMMED and e.green_ratio < MAX_CLOUD_SHADE_BLUE * e.nir_ratio
    return dim and e.ndwi < MIN_WATER_NDWI


def may_be_unseen_shade(features: Features) -> bool:
    """Return whether the shadow of a small cloud, which masks miss, may explain a candidate.

    Shade is darker than the ground around, whatever that is, and not far from it in colour.
    """
    e = features
    return e.green_ratio < DIMMED and e.separation < MAX_SHADE_SEPARATION and e.haze_fraction < HAZY


def _is_blue_ice(e: Features) -> bool:
    """Return whether ice or snow, perhaps in shade, explains a candidate by its colour."""
    if e.green < MIN_BLUE_ICE_GREEN or e.haze_fraction > HAZY:
        return False
    flat_and_distinct = e.slope_deg < ALMOST_FLAT_DEG and e.separation > DISTINCT
    beside_ice = e.shore_ndwi > MIN_ICE_SHORE_NDWI and e.ndwi < MAX_SHADED_ICE_NDWI
    beside_ice = beside_ice and not flat_and_distinct
    return (beside_ice and e.blue > MIN_ICE_BLUE * e.green) or (
        e.ndwi < MIN_WATER_NDWI and e.blue > e.green
    )


def _is_black_in_the_sun(e: Features) -> bool:
    """Return whether a candidate is darker than shade, and no DEM knows of any there.

    Deep or peaty water is, whose index is noise. So dark is no shadow of a cloud either: the sky
    and the thinner parts of the cloud light it. Where no DEM tells of shade, it must stand out more
    from its shore than what a correction of the air leaves of shade; where a low sun throws long
    shadows, it must be known to be flat. Under glint such water is grey, as a cloud's shadow may
    be.
    """
    is_known = not np.isnan(e.illumination)
    if (is_known and e.illumination <= TURNED_AWAY) or is_black_unexplained(e):
        return False
    light, is_flat = max(e.green_ratio, e.nir_ratio), e.slope_deg < FLAT_DEG
    if e.nir < MAX_DARK_NIR and light < SELDOM_SHADE:
        least = DISTINCT if is_flat else FAR_APART
        if light < DARKER_THAN_SHADE:
            least = MIN_SEPARATION if is_known else DISTINCT
        if e.separation > least and (e.sun_elevation_deg > LOW_SUN_DEG or is_flat):
            return True
    if not e.sun_elevation_deg > LOW_SUN_DEG:
        return False
    clouded = max(e.shadow_fraction - FLAGGED, e.reach_fraction - SHADOWED, e.haze_fraction - HAZY)
    flat = is_flat and clouded < 0
    dark = e.nir_ratio < MAX_GREY_RATIO and e.separation > DISTINCT
    return flat and dark and bool(is_grey(e.blue, e.green, e.nir, e.swir1))


def _least_contrast(e: Features) -> float:
    """Return how far the NDWI of a lake must stand out; shaded snow on a slope rises as well."""
    low_sun = e.sun_elevation_deg < LOW_SUN_DEG
    if e.shore_ndwi > 0 and e.slope_deg > (FLAT_DEG if low_sun else STEEP_DEG):
        beyond_shade = e.ndwi > MAX_SHADED_ICE_NDWI and e.green_ratio > SHADE_GREEN
        return ABOVE_ICE if beyond_shade and not low_sun else 0.35
    lit_and_flat = e.slope_deg < FLAT_DEG and e.illumination > TURNED_AWAY
    return 0.08 if lit_and_flat and e.shadow_fraction < FLAGGED else 0.14


def _is_line(e: Features) -> bool:
    return e.length_px > MAX_LAKE_ELONGATION * e.width_px


def _is_river(e: Features) -> bool:
    drawn_out = e.length_px / e.width_px
    if e.trace_px > MIN_RIVER_PX and (e.trace_px > 3 * e.length_px or drawn_out > 6):
        return not _widens_to_lake(e)
    even = e.widest_px < (MAX_RIVER_WIDENING if np.isnan(e.slope_deg) else MAX_STEEP_WIDENING) * (
        e.width_px
    )
    return drawn_out > 9 and e.narrow and even and not e.slope_deg < FLAT_DEG


def _widens_to_lake(e: Features) -> bool:
    """Return whether a stream widens here: round, and of pure water where the stream is mixed."""
    rounded = e.length_px / e.width_px < 5.2
    pure = e.separation > 6 and e.ndwi - e.shore_ndwi > 0.2
    return rounded and pure and e.green_ratio < MAX_LAKE_GREEN_RATIO


def shore_index(found: Features) -> float:
    """Return the NDWI of a pixel that is half water and half shore; 0 where both are black."""
    green, nir = (
        value * (1 + 1 / ratio) if ratio else 0.0
        for value, ratio in ((found.green, found.green_ratio), (found.nir, found.nir_ratio))
    )
    return (green - nir) / (green + nir) if green + nir else 0.0


def quality(features: Features, outline_method: str, *, has_cloud_mask: bool = True) -> str:
    """Return good, fair or poor, with the reason."""
    if features.haze_fraction > HAZY:
        return N_("poor: seen through thin cloud")
    if features.illumination < SHADED or features.shadow_fraction > SHADOWED:
        return N_("poor: in shadow")
    if np.isnan(features.slope_deg):
        return schema.NO_DEM
    if not has_cloud_mask:
        return schema.NO_CLOUD_MASK
    if outline_method == "unmixed_small":
        return N_("fair: few pure water pixels")
    return "good"
