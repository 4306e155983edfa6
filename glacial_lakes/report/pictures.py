"""Pictures of lakes, cut from scenes in false colour: one sheet a lake, one picture an image."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import transform
from rasterio.windows import Window
from scipy.ndimage import map_coordinates

from glacial_lakes.columns import C
from glacial_lakes.report.relief import WEB_MERCATOR, Bounds, encoded, from_mercator, mercator
from glacial_lakes.schema import Status

AROUND = 1.7
"""Side of a picture, in extents of the lake."""
LEAST_SIDE_M = 600.0
SIZE = 128
"""Pixels of a side."""
COLUMNS = 8
"""Pictures side by side on a sheet."""
MOST_PICTURES = 12_000
"""Pictures of all images together, at most; beyond it, of those only that tell most."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The pictures of a lake."""

    content: bytes
    """WebP: squares of :data:`SIZE` pixels, :data:`COLUMNS` a line."""
    bounds: Bounds
    """West, south, east and north of each picture, in degrees."""
    scenes: list[int]
    """Which image each of them shows."""


def sheets(
    rows: gpd.GeoDataFrame, looks: Mapping[int, Path], telling: set[tuple[int, int]]
) -> dict[int, Sheet]:
    """Cut the pictures of lakes.

    Parameters
    ----------
    rows : geopandas.GeoDataFrame
        Rows of :func:`glacial_lakes.report.viewer_data.viewer_data`.
    looks : mapping of int to pathlib.Path
        Rasters of red, green and blue by place of the image; 0 where nothing is known.
    telling : set of (int, int)
        Lake and image of the pictures that tell most, which are cut whatever their number.

    Returns
    -------
    dict of int to Sheet
        By lake; lakes that no image shows are left out.
    """
    shown = rows[rows["scene"].isin(list(looks)) & (rows[C.STATUS] != Status.NODATA)]
    if len(shown) > MOST_PICTURES:
        is_telling = [pair in telling for pair in zip(shown["lake"], shown["scene"], strict=True)]
        shown = shown[is_telling]
    frames = frames_of(rows[rows["lake"].isin(shown["lake"])])
    cut: dict[int, dict[int, NDArray[np.uint8]]] = defaultdict(dict)
    for scene, of_scene in shown.groupby("scene"):
        lakes = [lake for lake in dict.fromkeys(of_scene["lake"].tolist()) if lake in frames]
        for lake, picture in cut_out(
            looks[int(str(scene))], {lake: frames[lake] for lake in lakes}
        ):
            cut[lake][int(str(scene))] = picture
    return {
        lake: Sheet(
            encoded(_sheet([pictures[scene] for scene in sorted(pictures)])),
            _degrees(frames[lake]),
            sorted(pictures),
        )
        for lake, pictures in sorted(cut.items())
    }


def frames_of(rows: gpd.GeoDataFrame) -> dict[int, Bounds]:
    """Return a square around all outlines of each lake, in web Mercator.

    Parameters
    ----------
    rows : geopandas.GeoDataFrame
        ``lake`` (a number) and outlines beside each other in degrees; those that are missing are
        left out.
    """
    bounds = rows.geometry.bounds.groupby(rows["lake"]).agg(
        {"minx": "min", "miny": "min", "maxx": "max", "maxy": "max"}
    )
    frames = {}
    for lake, west, south, east, north in bounds.dropna().itertuples(name=None):
        (left, right), (bottom, top) = mercator(np.array([west, east]), np.array([south, north]))
        least = LEAST_SIDE_M / math.cos(math.radians((south + north) / 2))
        half = max(AROUND * max(right - left, top - bottom), least) / 2
        x, y = (left + right) / 2, (bottom + top) / 2
        frames[int(lake)] = (x - half, y - half, x + half, y + half)
    return frames


def cut_out(
    look: Path, frames: Mapping[int, Bounds], size: int = SIZE
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the pictures of lakes in an image; nothing where it cannot be read.

    Parameters
    ----------
    look : pathlib.Path
        Raster of red, green and blue; 0 where nothing is known.
    frames : mapping of int to tuple
        West, south, east and north of each lake in web Mercator.
    size : int
        Pixels of a side.
    """
    try:
        with rasterio.open(look, driver="GTiff") as dataset:
            left, bottom, right, top = np.array(list(frames.values())).reshape(-1, 4).T
            corners = np.stack([[left, right, left, right], [top, top, bottom, bottom]])
            x, y = np.array(transform(WEB_MERCATOR, dataset.crs, *corners.reshape(2, -1))[:2])
            to = ~dataset.transform
            cols = (to.a * x + to.b * y + to.c).reshape(4, -1)
            rows = (to.d * x + to.e * y + to.f).reshape(4, -1)
            for place, lake in enumerate(frames):
                picture = _sampled(dataset, cols[:, place], rows[:, place], size)
                if picture is not None and picture.any():
                    yield lake, picture
    except RasterioError:  # pictures are a help; without them the page says the same
        return


def _sampled(
    dataset: Any, cols: NDArray[np.float64], rows: NDArray[np.float64], size: int
) -> NDArray[np.uint8] | None:
    """Return the picture between four places of an image, upper ones first; None outside of it.

    Between them places are interpolated: over a lake, one projection is a straight stretch of the
    other within a tenth of a pixel, and a picture takes a tenth of the time of a full warp.
    """
    if not (np.isfinite(cols).all() and np.isfinite(rows).all()):
        return None
    first = [max(0, math.floor(side.min()) - 1) for side in (cols, rows)]
    last = [
        min(length, math.ceil(side.max()) + 1)
        for side, length in ((cols, dataset.width), (rows, dataset.height))
    ]
    width, height = last[0] - first[0], last[1] - first[1]
    if width < 1 or height < 1:
        return None
    step = max(1.0, float(np.ptp(cols)) / size, float(np.ptp(rows)) / size)
    shape = (max(1, round(height / step)), max(1, round(width / step)))
    bands = dataset.read(
        [1, 2, 3],
        window=Window(first[0], first[1], width, height),
        out_shape=(3, *shape),
        resampling=Resampling.average,
    )
    at = [
        (_between(rows, size) - first[1]) * (shape[0] / height) - 0.5,
        (_between(cols, size) - first[0]) * (shape[1] / width) - 0.5,
    ]
    picture = np.empty((3, size, size), np.uint8)
    for band, sampled in zip(bands, picture, strict=True):
        map_coordinates(band, at, sampled, order=1, mode="grid-constant")
    return picture


def _between(corners: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return values at the centres of the pixels of a picture, from those at its corners."""
    across = (np.arange(size) + 0.5) / size
    upper, lower = (corners[n] + (corners[n + 1] - corners[n]) * across for n in (0, 2))
    values: NDArray[np.float64] = upper + (lower - upper) * across[:, None]
    return values


def _sheet(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    columns = min(COLUMNS, len(pictures))
    lines = -(-len(pictures) // columns)
    sheet = np.zeros((3, lines * SIZE, columns * SIZE), np.uint8)
    for place, picture in enumerate(pictures):
        row, col = divmod(place, columns)
        sheet[:, row * SIZE : (row + 1) * SIZE, col * SIZE : (col + 1) * SIZE] = picture
    return sheet


def _degrees(frame: Bounds) -> Bounds:
    left, bottom, right, top = frame
    west, south = from_mercator(left, bottom)
    east, north = from_mercator(right, top)
    return west, south, east, north
