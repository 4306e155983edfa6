"""How far outlines move when a real image changes by what nobody would see.

    GLACIAL_LAKES_DATA=… python benchmarks/stability.py
    GLACIAL_LAKES_DATA=… python benchmarks/stability.py --chips loon_nearest --pictures FOLDER

Each chip is mapped as it is and after each of ``CHANGES``. Lakes of 40 pixels or more that both
show are compared by |A′/A − 1|, pooled over the chips. Beside it stands a peer that sees the same
lakes: the contour of the near infrared halfway between the median of the lake and that of its
shore. The chips have no labels; nothing is fitted to them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from accuracy_tables import table
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from scipy import ndimage

from glacial_lakes.mapping.outlines import contour
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import Scene, discover

Planes = dict[str, NDArray[np.float32]]
"""Reflectance by band, shape (y, x); NaN was not observed."""

CHIPS = ("loon_nearest", "loon_bilinear", "dal_lake", "khadakwasla", "tahoe", "LC08", "LE07")
"""Beginnings of the names of scenes; the last two are of ``flathead_landsat``."""
SMALLEST_PX = 40
WAVELENGTH_UM = {
    "blue": 0.49, "green": 0.56, "red": 0.665, "nir": 0.842, "swir1": 1.61, "swir2": 2.19,
}  # fmt: skip
HAZE = {"blue": 0.02, "nir": 0.004}
STEP = 1 / 255
"""Of 8 bits over reflectance from 0 to 1."""
LAKE_PX, SHORE_PX = 2.0, (3.0, 6.0)
"""The peer takes the lake from deeper inside, and the shore from between these distances."""
GOALS = {"median %": 2.0, "90th percentile %": 6.0}


def moved(plane: NDArray[np.float32], pixels: float, order: int) -> NDArray[np.float32]:
    """Return a plane moved by so many pixels down and along; splines of order 1 blur."""
    known = np.isfinite(plane)
    filled = np.where(known, plane, np.nanmean(plane))
    result = ndimage.shift(filled, (pixels, pixels), order=order, mode="nearest")
    lost = ndimage.shift(~known, (pixels, pixels), np.float32, order=1, mode="nearest") > 0
    result[lost] = np.nan
    return result


def hazed(planes: Planes) -> Planes:
    """Return planes behind additive haze, a power of the wavelength."""
    ratio = np.log(HAZE["blue"] / HAZE["nir"])
    power = ratio / np.log(WAVELENGTH_UM["nir"] / WAVELENGTH_UM["blue"])
    return {
        name: plane
        + np.float32(HAZE["blue"] * (WAVELENGTH_UM["blue"] / WAVELENGTH_UM[name]) ** power)
        for name, plane in planes.items()
    }


CHANGES: Mapping[str, Callable[[Planes], Planes]] = {
    "half a pixel, bilinear": lambda planes: {k: moved(v, 0.5, 1) for k, v in planes.items()},
    "half a pixel, cubic": lambda planes: {k: moved(v, 0.5, 3) for k, v in planes.items()},
    "haze": hazed,
    "near infrared off by 0.2": lambda planes: {
        k: moved(v, 0.2, 3) if k == "nir" else v for k, v in planes.items()
    },
    "8 bits": lambda planes: {k: np.rint(v / STEP) * np.float32(STEP) for k, v in planes.items()},
}


def rewritten(scene: Scene, planes: Planes, file: Path) -> Scene:
    """Return a scene whose bands hold other reflectance, which is written to a file."""
    profile = {
        "driver": "GTiff", "count": len(planes), "dtype": "float32", "nodata": np.nan,
        "height": scene.grid.shape[0], "width": scene.grid.shape[1],
        "crs": scene.grid.crs, "transform": scene.grid.transform,
    }  # fmt: skip
    with rasterio.open(file, "w", **profile) as target:
        target.write(np.stack(list(planes.values())))
    bands = {
        name: replace(
            scene.bands[name], path=str(file), driver="GTiff", index=index, scale=1.0, offset=0.0,
            nodata=np.nan, saturated=None,
        )
        for index, name in enumerate(planes, 1)
    }  # fmt: skip
    return replace(scene, bands=bands)


def half_levels(scene: Scene, planes: Planes, lakes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the half-level contour of the near infrared around each lake, its area in m²."""
    nir, transform = planes["nir"], scene.grid.transform
    shape = nir.shape
    water = (
        ~geometry_mask(lakes.geometry, shape, transform) if len(lakes) else np.zeros(shape, bool)
    )
    shapes = []
    for lake in lakes.geometry:
        left, bottom, right, top = lake.buffer(12 * scene.grid.resolution).bounds
        (col, row), (end_col, end_row) = ~transform * (left, top), ~transform * (right, bottom)
        rows = slice(max(0, int(row)), min(shape[0], int(end_row) + 1))
        cols = slice(max(0, int(col)), min(shape[1], int(end_col) + 1))
        there = transform * transform.translation(cols.start, rows.start)
        part, size = nir[rows, cols], (rows.stop - rows.start, cols.stop - cols.start)
        own = ~geometry_mask([lake], size, there)
        depth, away = (ndimage.distance_transform_edt(mask) for mask in (own, ~own))
        away[water[rows, cols] & ~own] = 0
        deep = depth > min(LAKE_PX, depth.max() - 0.5)
        shore = (away > SHORE_PX[0]) & (away <= SHORE_PX[1])
        level = (np.nanmedian(part[deep]) + np.nanmedian(part[shore])) / 2
        near = np.where(np.isfinite(part) & (away <= SHORE_PX[1]), -part, np.float32(-level - 1))
        pieces = contour(near, -level, there)
        overlap = shapely.area(shapely.intersection(pieces, lake)) if pieces else []
        shapes.append(pieces[int(np.argmax(overlap))] if len(overlap) else shapely.Polygon())
    return gpd.GeoDataFrame(geometry=shapes, index=lakes.index, crs=lakes.crs)


def matched(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> pd.Series:
    """Return for each lake the one of the other table that shares most of the smaller of both."""
    one, other = after.sindex.query(before.geometry, predicate="intersects")
    first, second = before.geometry.iloc[one], after.geometry.iloc[other]
    shared = first.intersection(second, align=False).area.to_numpy()
    share = shared / np.minimum(first.area.to_numpy(), second.area.to_numpy())
    pairs = pd.DataFrame({"before": before.index[one], "after": after.index[other]})
    pairs = pairs.assign(shared=shared)[share > 0.5].sort_values("shared", ascending=False)
    pairs = pairs.drop_duplicates("before").drop_duplicates("after")
    found: pd.Series = pairs.set_index("before")["after"]
    return found


def with_area(outlines: gpd.GeoDataFrame, smallest_px: float) -> gpd.GeoDataFrame:
    """Return the outlines that have an area, from so many pixels on."""
    large = outlines.geometry.area >= smallest_px * outlines["pixel_m"] ** 2
    return outlines[large & outlines["area_m2"].notna()]


def of_chip(scene: Scene, pictures: Path | None) -> pd.DataFrame:
    """Map a chip as it is and after each change; return one row a lake and change."""
    names = list(scene.bands)
    planes: Planes = dict(zip(names, scene.read(names), strict=True))
    rows, drawn = [], {}
    with tempfile.TemporaryDirectory() as folder:
        whole = map_lakes(rewritten(scene, planes, Path(folder) / "as_it_is.tif")).outlines
        lakes, smaller = with_area(whole, SMALLEST_PX), with_area(whole, SMALLEST_PX / 2)
        peers = half_levels(scene, planes, lakes)
        for number, (change, changing) in enumerate(CHANGES.items()):
            changed = changing(planes)
            mapped = map_lakes(rewritten(scene, changed, Path(folder) / f"{number}.tif")).outlines
            drawn[change] = mapped
            after, found = with_area(mapped, SMALLEST_PX / 2), with_area(mapped, SMALLEST_PX)
            pairs = matched(lakes, after)
            ratio = after.area.loc[pairs].set_axis(pairs.index) / lakes.area.loc[pairs.index]
            told = {
                "chip": scene.id,
                "change": change,
                "x": lakes.centroid.x.round(),
                "y": lakes.centroid.y.round(),
                "area_m2": lakes.area.round(),
                "moved": ratio.reindex(lakes.index) - 1,
                "peer": half_levels(scene, changed, lakes).area / peers.area.where(peers.area > 0)
                - 1,
            }
            rows.append(pd.DataFrame(told).assign(new=len(found) - len(matched(found, smaller))))
    if pictures:
        draw(scene, planes, whole, drawn, pictures)
    return pd.concat(rows, ignore_index=True)


def draw(
    scene: Scene,
    planes: Planes,
    whole: gpd.GeoDataFrame,
    drawn: Mapping[str, gpd.GeoDataFrame],
    folder: Path,
) -> None:
    """Draw the outlines before (yellow, red without an area) and after each change (cyan)."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (only for pictures)

    folder.mkdir(parents=True, exist_ok=True)
    shown = np.stack([planes["nir"], planes["green"], planes.get("blue", planes["green"])], -1)
    low, high = np.nanpercentile(shown, [1, 98], axis=(0, 1))
    left, bottom, right, top = scene.grid.bounds
    height, width = scene.grid.shape
    for name, after in {"as it is": None, **drawn}.items():
        figure = Figure((width / 60, height / 60), dpi=120)
        axes = figure.add_axes((0, 0, 1, 1))
        picture = np.nan_to_num((shown - low) / (high - low)).clip(0, 1)
        axes.imshow(picture, extent=(left, right, bottom, top), interpolation="nearest")
        if after is not None and len(after):
            after.boundary.plot(ax=axes, color="cyan", linewidth=0.6)
        for is_seen, colour in ((True, "yellow"), (False, "red")):
            part = whole[whole["area_m2"].notna() == is_seen]
            if len(part):
                part.boundary.plot(ax=axes, color=colour, linewidth=0.6)
        axes.set_axis_off()
        figure.savefig(folder / f"{scene.id[:14]}_{name.replace(' ', '_').replace(',', '')}.png")


def report(rows: pd.DataFrame) -> str:
    """Return a table of the changes, one of the chips, and the lakes that moved most."""
    parts = []
    for what, groups in (
        ("change", rows.groupby("change", sort=False)),
        ("chip", rows.groupby(["chip", "change"], sort=False)),
    ):
        lines = []
        for key, group in groups:
            both = group[group["moved"].notna()]
            row = [
                " ".join(np.atleast_1d(key)),
                str(len(group)),
                str(int(group["moved"].isna().sum())),
            ]
            row.append(str(int(group.groupby("chip")["new"].first().sum())))
            for column in ("moved", "peer"):
                apart = 100 * both[column].abs()
                row += [f"{100 * both[column].median():+.1f}"]
                row += [f"{apart.median():.1f}", f"{apart.quantile(0.9):.1f}"]
            lines.append(row)
        head = [what, "lakes", "lost", "new", "signed median %", *GOALS]
        head += [f"peer: {name}" for name in head[4:]]
        parts.append(table(head, lines))
    goals = ", ".join(f"{name} <= {limit:g}" for name, limit in GOALS.items())
    both = rows[rows["moved"].notna()]
    apart = 100 * both["moved"].abs()
    parts.append(
        f"Goal of each change: {goals}. All together: median {apart.median():.1f}, "
        f"90th percentile {apart.quantile(0.9):.1f}."
    )
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--chips", nargs="+", default=CHIPS, help="beginnings of names of scenes")
    parser.add_argument("--rows", type=Path, help="CSV file for the rows behind the tables")
    parser.add_argument("--pictures", type=Path, help="folder for pictures with outlines")
    options = parser.parse_args()
    root = Path(os.environ["GLACIAL_LAKES_DATA"])
    scenes = discover([root / "real_chips", root / "flathead_landsat"])
    chosen = [scene for scene in scenes if scene.id.startswith(tuple(options.chips))]
    rows = pd.concat([of_chip(scene, options.pictures) for scene in chosen], ignore_index=True)
    if options.rows:
        rows.to_csv(options.rows, index=False)
    print(report(rows))


if __name__ == "__main__":
    main()
