"""How likely a candidate is a lake, and what speaks for it or against it most.

A generalised additive model of physical features: each feature, and a few pairs of them, has a
number for each of some bins; their sum is the logarithm of the odds. The numbers are those of the
table ``lake_prob.json`` beside this file, which ``benchmarks/fit_classification.py`` writes.

What an outside model says (:mod:`glacial_lakes.mapping.outside_model`) is no part of the table,
which was fitted without one: its own odds multiply those of the scene, within bounds.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from glacial_lakes.errors import N_
from glacial_lakes.language import translate
from glacial_lakes.mapping.features import Features

TABLE = Path(__file__).with_name("lake_prob.json")
RULES = ("lake", "shadow", "snow", "river", "land")
"""What the rules of :mod:`glacial_lakes.mapping.classification` take a candidate for, which is one
of the features, by its place here."""
DARK_GREEN = 0.02
"""Of darker ground no tint is known: what a correction of the air leaves is as much."""
LEAST_RATIO = 0.01
"""Added to shares of the shore's light before one is divided by the other."""
DIGITS = 3
"""To which probabilities are rounded, so that they agree between machines."""

MOST_OUTSIDE = 0.9
"""An outside model counts at most as much as this probability, for or against: how good it is
nobody knows here, and it errs where the scene does, for both see the same light."""

REASONS: Mapping[str, str] = {
    "ndwi": N_("water index"),
    "contrast": N_("rise of the water index above the shore"),
    "shore_ndwi": N_("water index of the shore"),
    "green": N_("brightness in the green"),
    "nir": N_("brightness in the near infrared"),
    "swir1": N_("brightness in the short-wave infrared"),
    "green_ratio": N_("green against the shore"),
    "nir_ratio": N_("near infrared against the shore"),
    "blueness": N_("colour against the shore, as light of the sky changes it"),
    "tint": N_("blue against green: silt is not blue, snow and ice are"),
    "separation": N_("distance of water and shore in standard deviations"),
    "illumination": N_("light on the slope"),
    "slope": N_("slope"),
    "sun": N_("height of the sun"),
    "shadow": N_("cloud shadow that the product flags"),
    "reach": N_("place where the shadow of a cloud may fall"),
    "haze": N_("thin cloud that the product flags"),
    "width": N_("width"),
    "elongation": N_("length for its width"),
    "evenness": N_("evenness of its width"),
    "trace": N_("wet line that it is part of"),
    "outside": N_("probability that an outside model gives"),
}
"""What the codes of reasons mean; ``+`` after a code speaks for a lake, ``-`` against one."""


@dataclass(frozen=True, slots=True)
class Term:
    """Numbers that a feature, or a pair of features, adds to the logarithm of the odds."""

    features: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]
    """Of the bins of each feature; a value on an edge belongs to the bin above. A last bin is for
    what is not known."""
    values: tuple[float, ...]
    """One a bin; of a pair the bins of the second feature run first."""

    def value(self, found: Mapping[str, float]) -> float:
        """Return the number of what was found."""
        place = 0
        for name, edges in zip(self.features, self.edges, strict=True):
            x = found[name]
            number = len(edges) + 1 if math.isnan(x) else bisect_right(edges, x)
            place = place * (len(edges) + 2) + number
        return self.values[place]


@dataclass(frozen=True, slots=True)
class Model:
    """The fitted table."""

    fitted_on: str
    """Worlds whose candidates the numbers come from: the version of the table."""
    bias: float
    terms: tuple[Term, ...]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Model:
        """Return the model that a table describes."""
        terms = tuple(
            Term(
                tuple(term["features"]),
                tuple(tuple(edges) for edges in term["edges"]),
                tuple(term["values"]),
            )
            for term in table["terms"]
        )
        return cls(table["fitted_on"], table["bias"], terms)


@cache
def model() -> Model:
    """Return the model of the package."""
    return Model.of(json.loads(TABLE.read_text("utf-8")))


def described(features: Features, rules: str) -> dict[str, float]:
    """Return what the model knows of a candidate, by name.

    Parameters
    ----------
    features : Features
    rules : str
        What the rules take it for.
    """
    e = features
    share = max(e.nir_ratio, 0.0) + LEAST_RATIO
    return {
        "ndwi": e.ndwi,
        "contrast": e.ndwi - e.shore_ndwi,
        "shore_ndwi": e.shore_ndwi,
        "green": e.green,
        "nir": e.nir,
        "swir1": e.swir1,
        "green_ratio": e.green_ratio,
        "nir_ratio": e.nir_ratio,
        "blueness": (e.green_ratio + LEAST_RATIO) / share,
        "tint": e.blue / e.green if e.green > DARK_GREEN else math.nan,
        "separation": e.separation,
        "illumination": e.illumination,
        "slope": e.slope_deg,
        "sun": e.sun_elevation_deg,
        "shadow": e.shadow_fraction,
        "reach": e.reach_fraction,
        "haze": e.haze_fraction,
        "width": e.width_px,
        "elongation": e.length_px / e.width_px,
        "evenness": e.widest_px / e.width_px,
        "trace": e.trace_px,
        "rules": float(RULES.index(rules)),
    }


def lake_prob(features: Features, rules: str) -> tuple[float, str]:
    """Return the probability that a candidate is a lake, and the codes of two reasons.

    Parameters
    ----------
    features : Features
    rules : str
        What the rules take it for.

    Returns
    -------
    float
        From 0 to 1, rounded.
    str
        The two features that speak most for the likelier answer, such as ``contrast+, slope+``.
    """
    fitted, found = model(), described(features, rules)
    speaks = dict.fromkeys(REASONS, 0.0)
    odds = fitted.bias
    for term in fitted.terms:
        value = term.value(found)
        odds += value
        for name in term.features:
            if name in speaks:
                speaks[name] += value / len(term.features)
    speaks["outside"] = outside_odds(features.outside)
    odds += speaks["outside"]
    sign = 1.0 if odds >= 0 else -1.0
    strongest = sorted(REASONS, key=lambda name: -sign * round(speaks[name], DIGITS))[:2]
    codes = ", ".join(f"{name}{'+' if sign > 0 else '-'}" for name in strongest)
    return round(1 / (1 + math.exp(-odds)), DIGITS), codes


def outside_odds(probability: float) -> float:
    """Return what the probability of an outside model adds to the logarithm of the odds.

    Half adds nothing, and no probability more than its own odds of 9 to 1; 0 for NaN.

    Examples
    --------
    >>> [round(outside_odds(p), 2) for p in (0.0, 0.3, 0.5, 0.7, 1.0, float("nan"))]
    [-2.2, -0.85, 0.0, 0.85, 2.2, 0.0]
    """
    if math.isnan(probability):
        return 0.0
    share = min(max(probability, 1 - MOST_OUTSIDE), MOST_OUTSIDE)
    return math.log(share / (1 - share))


def reason_text(codes: str, language: str = "en") -> str:
    """Return reasons in words of a language.

    Examples
    --------
    >>> reason_text("contrast+, slope+")
    'for: rise of the water index above the shore; for: slope'
    """
    words = {"+": N_("for: {reason}"), "-": N_("against: {reason}")}
    return "; ".join(
        translate(words[code[-1]], language).format(reason=translate(REASONS[code[:-1]], language))
        for code in codes.split(", ")
    )
