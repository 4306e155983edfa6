"""What goes wrong between the sensor and the file: shifts, warps, dropped lines, coarse steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from glacial_lakes.simulate.noise import Field
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.worlds.frame import between, choose

_ORDER = {"nearest": 0, "bilinear": 1, "cubic": 3}


@dataclass(frozen=True, slots=True)
class ImageFaults:
    """Faults of an image."""

    band_shift_px: tuple[tuple[float, float], ...]
    """By how much each band lies east and south of the others, in its own pixels: up to 0.3
    (Gascon et al. 2017; Landsat: Storey et al. 2014)."""
    resampling: str
    """``none``, or the kernel of a warp through which the image went."""
    warp_px: tuple[float, float]
    """Shift of that warp, pixels east and south, before it is undone in the georeference."""
    warp_turn: float
    """Turn of that warp, radians."""
    dropped_lines: int
    """Lines of which part is lost in one band (TM)."""
    step: float
    """Reflectance of one count; 0 for the sensor's own."""

    @classmethod
    def of(cls, rng: np.random.Generator, sensor: str) -> ImageFaults:
        """Draw the faults of an image."""
        most = float(rng.choice([0.05, 0.15, 0.3], p=[0.5, 0.3, 0.2]))
        angle, far = rng.uniform(0, 2 * np.pi, 6), most * np.sqrt(rng.random(6))
        shifts = tuple(
            (float(d * np.cos(a)), float(d * np.sin(a))) for a, d in zip(angle, far, strict=True)
        )
        kernel = choose(rng, none=0.65, bilinear=0.15, nearest=0.1, cubic=0.1)
        return cls(
            band_shift_px=shifts,
            resampling=kernel,
            warp_px=(between(rng, -0.5, 0.5), between(rng, -0.5, 0.5)),
            warp_turn=between(rng, -0.003, 0.003),
            dropped_lines=int(rng.integers(2, 9)) if sensor == "LT05" and rng.random() < 0.4 else 0,
            step=float(rng.choice([0.0, 1 / 255, 1 / 127], p=[0.8, 0.15, 0.05])),
        )

    @classmethod
    def none(cls) -> ImageFaults:
        """Return those of a perfect image."""
        return cls(((0.0, 0.0),) * 6, "none", (0.0, 0.0), 0.0, 0, 0.0)


def warped(field: Field, faults: ImageFaults) -> Field:
    """Return a band after a warp: sampled off its pixels by a kernel, its place kept right.

    The shift is what a warp to another grid does at one place; the turn makes it change over the
    image. Both are undone in the georeference of the new grid, which here means that only the
    kernel's smoothing and (nearest) its jitter of up to half a pixel remain.
    """
    if faults.resampling == "none":
        return field
    order = _ORDER[faults.resampling]
    rows, cols = field.shape
    y, x = np.mgrid[0:rows, 0:cols].astype(np.float32)
    # where the new pixel's centre falls on the old lattice, and back
    turn, (dx, dy) = faults.warp_turn, faults.warp_px
    u = x + dx + turn * (y - rows / 2)
    v = y + dy - turn * (x - cols / 2)
    there = ndimage.map_coordinates(field, [v, u], order=order, mode="nearest")
    # the second leg, onto the product's grid, with the same kernel
    u2 = x - dx - turn * (y - rows / 2)
    v2 = y - dy + turn * (x - cols / 2)
    back = ndimage.map_coordinates(there, [v2, u2], order=order, mode="nearest")
    return np.asarray(back, np.float32)


def stepped(field: Field, step: float) -> Field:
    """Return a band in whole counts of a size."""
    return field if step <= 0 else np.asarray(np.round(field / step) * step, np.float32)


def dropped(
    bands: Mapping[str, Field], lines: int, rng: np.random.Generator
) -> tuple[dict[str, Field], np.ndarray]:
    """Return bands of which lines are partly lost: one band at a time goes dark or bright.

    Also returns the rows that are struck.
    """
    out = {name: band.copy() for name, band in bands.items()}
    shape = out["green"].shape
    struck = np.sort(rng.choice(np.arange(4, shape[0] - 4), lines, replace=False))
    for row in struck:
        name = BANDS[int(rng.integers(6))]
        if out[name].shape != shape:
            continue
        first = int(rng.integers(shape[1] // 2))
        length = int(rng.integers(shape[1] // 6, shape[1] // 2))
        value = float(rng.choice([0.0, float(np.nanpercentile(out[name], 99.5))]))
        out[name][row, first : first + length] = value
    return out, struck
