"""Positions and round numbers that all drawings of the report share.

The templates draw what the functions of this package place, so that all text is escaped in one
way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a drawing with what is said there."""

    x: float
    y: float
    label: str = ""
    title: str = ""


def round_ticks(low: float, high: float, about: int) -> list[float]:
    """Return round numbers from low to high, about so many."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(place * step, 10) for place in range(first, last + 1)]


def digits_of(ticks: list[float]) -> int:
    """Return how many digits after the decimal sign tell the ticks apart."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1e-2
    return max(0, -math.floor(math.log10(step) + 1e-9))
