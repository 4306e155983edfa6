"""Pictures of lakes, cut from scenes in false colour, and put together on sheets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from glacial_lakes.columns import C
from glacial_lakes.kernels.interpolation import sampled
from glacial_lakes.report.relief import WEB_MERCATOR, Bounds, encoded, from_mercator, mercator
from glacial_lakes.runtime.machine import core_count
from glacial_lakes.schema import Status

AROUND = 1.7
"""Side of a picture, in extents of the lake."""
LEAST_SIDE_M = 600.0
SIZE = 128
"""Pixels of a side."""
COLUMNS = 8
"""Pictures side by side on a sheet."""
PER_SHEET = 128
"""Pictures on a sheet: few files are copied and read much faster than many small ones."""
MOST_PICTURES = 12_000
"""Pictures of all images together, at most; beyond it, of those only that tell most."""

_MOST_OPEN = 32
"""Images that a thread keeps open."""
_CELLS = 2
"""Along a side of a picture, within which the image is even: 0.4 m for 10 km."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a lake."""

    bounds: Bounds
    """West, south, east and north of each, in degrees."""
    scenes: tuple[int, ...]
    """Which image each of them shows."""
    places: tuple[int, ...]
    """Where each of them lies: :data:`PER_SHEET` places a sheet, :data:`COLUMNS` a line."""


def sheets(
    rows: gpd.GeoDataFrame, looks: Mapping[int, Path], telling: set[tuple[int, int]]
) -> tuple[list[bytes], dict[int, Pictures]]:
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
    list of bytes
        Sheets of squares of :data:`SIZE` pixels, JPEG. Neighbours lie on one sheet.
    dict of int to Pictures
        By lake; lakes that no image shows are left out.
    """
    shown = rows[rows["scene"].isin(list(looks)) & (rows[C.STATUS] != Status.NODATA)]
    if len(shown) > MOST_PICTURES:
        is_telling = [pair in telling for pair in zip(shown["lake"], shown["scene"], strict=True)]
        shown = shown[is_telling]
    frames = frames_of(rows[rows["lake"].isin(shown["lake"])])
    pairs = dict.fromkeys(zip(shown["lake"].tolist(), shown["scene"].tolist(), strict=True))
    rank = {lake: place for place, lake in enumerate(_by_neighbourhood(frames))}
    asked = sorted(
        (pair for pair in pairs if pair[0] in frames), key=lambda pair: (rank[pair[0]], pair[1])
    )
    parts = [asked[first : first + PER_SHEET] for first in range(0, len(asked), PER_SHEET)]
    contents: list[bytes] = []
    of_lake: dict[int, list[tuple[int, int]]] = {}
    spans = [span.tolist() for span in np.array_split(np.arange(len(parts)), core_count())]
    with ThreadPoolExecutor(core_count(), "pictures") as pool:
        done = pool.map(lambda span: _span([parts[n] for n in span], frames, looks), spans)
        for shows, content in chain.from_iterable(done):
            for place, (lake, scene) in enumerate(shows, len(contents) * PER_SHEET):
                of_lake.setdefault(lake, []).append((scene, place))
            if content:
                contents.append(content)
    return contents, {
        lake: Pictures(_degrees(frames[lake]), *zip(*own, strict=True))
        for lake, own in of_lake.items()
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
) -> Iterator[tuple[int, Picture]]:
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
    with ExitStack() as stack:
        yield from _cut_out(_opened(look, {}, stack), frames, size)


def _opened(
    look: Path, kept: dict[Path, DatasetReader | None], stack: ExitStack
) -> DatasetReader | None:
    """Return an image, or None where it cannot be read; the newest ones are kept open."""
    if look not in kept:
        if len(kept) >= _MOST_OPEN:
            oldest = kept.pop(next(iter(kept)))
            if oldest is not None:
                oldest.close()
        try:
            kept[look] = stack.enter_context(rasterio.open(look, driver="GTiff"))
        except RasterioError:  # pictures are a help; without them the page says the same
            kept[look] = None
    return kept[look]


def _cut_out(
    dataset: DatasetReader | None, frames: Mapping[int, Bounds], size: int
) -> Iterator[tuple[int, Picture]]:
    if dataset is None:
        return
    try:
        for lake, (rows, cols) in _lattices(dataset, frames).items():
            picture = _cut(dataset, rows, cols, size)
            if picture is not None:
                yield lake, picture
    except RasterioError:
        return


def _span(
    parts: Sequence[Sequence[tuple[int, int]]],
    frames: Mapping[int, Bounds],
    looks: Mapping[int, Path],
) -> list[tuple[list[tuple[int, int]], bytes]]:
    """Make sheets one after the other, which share what is decoded of an image."""
    kept: dict[Path, DatasetReader | None] = {}
    with ExitStack() as stack:
        return [_sheet(part, frames, lambda n: _opened(looks[n], kept, stack)) for part in parts]


def _sheet(
    asked: Sequence[tuple[int, int]],
    frames: Mapping[int, Bounds],
    opened: Callable[[int], DatasetReader | None],
) -> tuple[list[tuple[int, int]], bytes]:
    """Return lakes and images that there are pictures of, and these pictures."""
    cut = {
        (lake, scene): picture
        for scene in dict.fromkeys(scene for _, scene in asked)
        for lake, picture in _cut_out(
            opened(scene), {lake: frames[lake] for lake, other in asked if other == scene}, SIZE
        )
    }
    shows = [pair for pair in asked if pair in cut]
    if not shows:
        return [], b""
    columns, lines = min(COLUMNS, len(shows)), -(-len(shows) // COLUMNS)
    sheet = np.zeros((lines * SIZE, columns * SIZE, 3), np.uint8)
    for place, pair in enumerate(shows):
        row, col = divmod(place, COLUMNS)
        sheet[row * SIZE : (row + 1) * SIZE, col * SIZE : (col + 1) * SIZE] = cut[pair]
    return shows, encoded(sheet)


def _lattices(
    dataset: DatasetReader, frames: Mapping[int, Bounds]
) -> dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return rows and columns of an image where the nodes of each frame lie."""
    if not frames:
        return {}
    left, bottom, right, top = np.array(list(frames.values())).T[:, :, None, None]
    share = np.linspace(0, 1, _CELLS + 1)
    x, y = np.broadcast_arrays(left + share * (right - left), top - share[:, None] * (top - bottom))
    (x, y), back = _from_mercator(dataset.crs.to_wkt()).transform(x, y), ~dataset.transform
    cols, rows = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    return {lake: (rows[n], cols[n]) for n, lake in enumerate(frames)}


@lru_cache
def _from_mercator(wkt: str) -> Transformer:
    """Return the way from web Mercator to a projection; finding one takes as long as a picture."""
    return Transformer.from_crs(WEB_MERCATOR.to_wkt(), wkt, always_xy=True)


def _cut(
    dataset: DatasetReader, rows: NDArray[np.float64], cols: NDArray[np.float64], size: int
) -> Picture | None:
    """Return a square of an image, shape (y, x, 3), or None where nothing of it is known."""
    ends = rows.min(), rows.max(), cols.min(), cols.max()
    if not all(map(math.isfinite, ends)):
        return None
    top, left = (max(0, math.floor(end) - 1) for end in ends[::2])
    bottom, right = (math.ceil(end) + 1 for end in ends[1::2])
    height, width = min(bottom, dataset.height) - top, min(right, dataset.width) - left
    if height <= 0 or width <= 0:
        return None
    source = dataset.read([1, 2, 3], window=Window(left, top, width, height))
    picture = sampled(source, rows - top, cols - left, size)
    return picture if picture.any() else None


def _by_neighbourhood(frames: Mapping[int, Bounds]) -> list[int]:
    """Return the lakes so that neighbours follow each other."""
    lakes = list(frames)
    left, bottom, right, top = np.array([frames[lake] for lake in lakes]).reshape(-1, 4).T
    middle = gpd.GeoSeries(gpd.points_from_xy((left + right) / 2, (bottom + top) / 2))
    along = middle.hilbert_distance().to_numpy() if lakes else np.zeros(0)
    return [lakes[place] for place in np.argsort(along, kind="stable")]


def _degrees(frame: Bounds) -> Bounds:
    left, bottom, right, top = frame
    west, south = from_mercator(left, bottom)
    east, north = from_mercator(right, top)
    return west, south, east, north
