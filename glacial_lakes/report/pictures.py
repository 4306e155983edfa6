"""Pictures of lakes, cut from scenes in false colour: one sheet a lake, one picture an image."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.warp import reproject

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
            for lake, (left, _, right, top) in frames.items():
                picture = np.zeros((3, size, size), np.uint8)
                step = (right - left) / size
                reproject(
                    rasterio.band(dataset, [1, 2, 3]),
                    picture,
                    dst_transform=Affine(step, 0, left, 0, -step, top),
                    dst_crs=WEB_MERCATOR,
                    resampling=Resampling.bilinear,
                )
                if picture.any():
                    yield lake, picture
    except RasterioError:  # pictures are a help; without them the page says the same
        return


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
