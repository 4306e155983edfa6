"""The first and last outline of a lake as a small drawing of the report."""

from __future__ import annotations

from dataclasses import dataclass

import shapely

from glacial_lakes.report.maps import ScaleBar, extent_of, fit, scale_bar

CHIP_SIZE = 150


@dataclass(frozen=True, slots=True)
class Chip:
    """A lake's first and last outline at one scale, and what a person drew that the last denies."""

    first: str
    last: str
    drawn: str
    scale: ScaleBar


def draw_chip(
    first: shapely.Geometry | None,
    last: shapely.Geometry | None,
    drawn: shapely.Geometry | None,
    language: str,
) -> Chip | None:
    """Draw outlines of a lake, all in EPSG:4326; None when there is no first and no last one."""
    if all(outline is None or outline.is_empty for outline in (first, last)):
        return None
    shown = [outline for outline in (first, last, drawn) if outline is not None]
    frame = fit(extent_of(shown), CHIP_SIZE, (CHIP_SIZE, CHIP_SIZE), 30.0)
    return Chip(
        frame.path(first), frame.path(last), frame.path(drawn), scale_bar(frame, 60, language)
    )
