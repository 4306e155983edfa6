"""Size of the viewer, time to make it and time to open it, over the number of lakes and dates.

    python benchmarks/viewer_speed.py FOLDER                   # 500 x 20 and 10,000 x 40
    python benchmarks/viewer_speed.py FOLDER --sizes 500x20
    python benchmarks/viewer_speed.py FOLDER --write           # rewrites docs/performance.md

The lakes are those of many_lakes.py, on the ground of one Sentinel-2 tile for 10,000 of them; a
fifth is under cloud on each date. The looks of the scenes are noise of several scales, harder to
compress than most ground, with the lakes dark. Making the page is one process that is given the
inventory as a run has it: with its trends and alerts. Opening is Chromium on the same machine,
headless, from the beginning of the navigation: until something is painted, and until the page
takes keys.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from documents import rewrite
from many_lakes import NORTH, PIXEL_M, SPACING_M, UTM, WEST, Lakes, make_lakes, outlines_of
from rasterio.features import rasterize
from rasterio.transform import from_origin

import glacial_lakes as gl
from glacial_lakes import schema
from glacial_lakes.inventory.inventory import LAYERS, Inventory
from glacial_lakes.report.viewer import write_viewer

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "performance.md"
MARKS = ("<!-- viewer measured -->", "<!-- end of viewer measured -->")
LOOKS = 3
"""Looks that are drawn; the scenes share them in turn."""
MB = 1e6


@dataclass(frozen=True)
class Measured:
    """What one page took."""

    lakes: int
    dates: int
    with_images: bool
    made_s: float
    cpu_s: float
    peak_gib: float
    page_mb: float
    folder_mb: float
    painted_s: float
    ready_s: float


def inventory_of(count: int, dates: int) -> tuple[Inventory, Lakes]:
    """Return an inventory of lakes that neither come, nor drain, nor split."""
    lakes = make_lakes(count, dates)
    nothing = np.zeros(count, np.intp)
    lakes = replace(lakes, born=nothing, drained=nothing + dates, split=nothing + dates)
    rng = np.random.default_rng(count)
    ids = np.array([f"GL{n:06d}E42000N" for n in range(count)])
    parts = []
    for number in range(dates):
        shapes = gpd.GeoSeries(outlines_of(lakes, number, dates), crs=UTM)
        area = shapes.area.to_numpy()
        sigma = 0.15 * shapes.length.to_numpy() * PIXEL_M
        hidden = rng.random(count) < 0.2
        when = pd.Timestamp("2000-07-15", tz="UTC") + pd.Timedelta(days=180 * number)
        parts.append(
            gpd.GeoDataFrame(
                {
                    "lake_id": ids,
                    "scene_id": f"S2A_{number:03d}",
                    "acquired": when,
                    "sensor": "S2A",
                    "pixel_m": PIXEL_M,
                    "status": np.where(hidden, "cloud", "observed"),
                    "observed_fraction": np.where(hidden, rng.random(count) * 0.8, 1.0),
                    "area_m2": np.where(hidden, np.nan, area),
                    "area_sigma_m2": np.where(hidden, np.nan, sigma),
                    "quality": "good",
                },
                geometry=shapes.to_crs(4326).to_numpy(),
                crs=4326,
            )
        )
    rows = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=4326)
    last = rows[rows["status"] == "observed"].drop_duplicates("lake_id", keep="last")
    points = last.geometry.representative_point()
    table = last.assign(
        lon=points.x,
        lat=points.y,
        elev_m=3500.0,
        lake_type="unconnected",
        state="present",
        n_observed=dates,
        number=range(1, len(last) + 1),
        lake_name=[f"Lake {n}" for n in range(len(last))],
        district=[f"District {n % 9}" for n in range(len(last))],
        first_seen=rows["acquired"].min(),
        last_seen=last["acquired"],
    )
    built: dict[str, pd.DataFrame] = {
        "lakes": table,
        "outlines": rows[(rows["status"] == "observed") | (rows["observed_fraction"] > 0.5)],
        "observations": pd.DataFrame(rows.drop(columns="geometry")),
    }
    made = {}
    for name, columns in LAYERS.items():
        table = built.get(name, pd.DataFrame()).reset_index(drop=True)
        frame = schema.conform(table, columns)
        if name in {"lakes", "outlines", "reviews"}:
            shapes = gpd.GeoSeries(table["geometry"] if name in built else [], crs=4326)
            frame = gpd.GeoDataFrame(frame, geometry=shapes)
        made[name] = frame
    return Inventory(**made), lakes


def looks_of(lakes: Lakes, dates: int, folder: Path) -> dict[str, Path]:
    """Draw what scenes look like, as runs keep it."""
    side = int(np.ceil(np.ceil(np.sqrt(lakes.x.size)) * SPACING_M / PIXEL_M))
    transform = from_origin(WEST, NORTH, PIXEL_M, PIXEL_M)
    rng = np.random.default_rng(side)
    paths = []
    for number in range(LOOKS):
        path = folder / f"look_{side}_{number}.tif"
        paths.append(path)
        if path.is_file():
            continue
        ground = np.full((side, side), 110, np.float32)
        for scale, strength in ((64, 30), (16, 15), (4, 10), (1, 6)):
            cells = -(-side // scale)
            noise = rng.normal(0, strength, (cells, cells)).astype(np.float32)
            ground += noise.repeat(scale, 0).repeat(scale, 1)[:side, :side]
        water = rasterize(
            outlines_of(lakes, number * dates // LOOKS, dates), (side, side), transform=transform
        )
        with rasterio.open(
            aside := path.with_suffix(".part.tif"),
            "w",
            driver="GTiff",
            width=side,
            height=side,
            count=3,
            dtype="uint8",
            crs=UTM,
            transform=transform,
            tiled=True,
            compress="JPEG",
            photometric="YCBCR",
            jpeg_quality=80,
        ) as dataset:
            for band, tint in enumerate((1.2, 1.0, 0.8), start=1):
                colour = np.where(water == 1, 10 * band, np.clip(ground * tint, 1, 255))
                dataset.write(colour.astype(np.uint8), band)
        aside.replace(path)
    return {f"S2A_{number:03d}": paths[number % LOOKS] for number in range(dates)}


def make(inventory: Inventory, page: Path, looks: dict[str, Path]) -> tuple[float, float, float]:
    """Return wall and CPU seconds and peak GiB of a process that writes the page."""
    ours, theirs = multiprocessing.Pipe()

    def work() -> None:
        begin, cpu = time.perf_counter(), time.process_time()
        write_viewer(inventory, page, looks=looks)
        took = time.perf_counter() - begin, time.process_time() - cpu
        theirs.send((*took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    told: tuple[float, float, float] = ours.recv()
    process.join()
    return told


def open_in_browser(page: Path) -> tuple[float, float]:
    """Return seconds until something is painted, and until the page takes keys; best of three."""
    sys.path.append(str(ROOT / "tests"))
    from browser import chromium  # noqa: PLC0415

    told = []
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        for _ in range(3):
            browser.open(page, 1280)
            told.append(
                browser.ask(
                    """
                    const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
                    const painted = "first-contentful-paint";
                    while (!at(painted)) await new Promise(requestAnimationFrame);
                    return [at(painted), at("ready")];
                    """
                )
            )
    painted, ready = np.min(told, axis=0) / 1000
    return float(painted), float(ready)


def measure(folder: Path, count: int, dates: int) -> list[Measured]:
    """Measure a page without and with images."""
    inventory, lakes = inventory_of(count, dates)
    _ = inventory.trends, inventory.alerts
    drawn = looks_of(lakes, dates, folder)
    found = []
    for looks in ({}, drawn):
        place = folder / f"{count}x{dates}{'_images' if looks else ''}"
        place.mkdir(exist_ok=True)
        page = place / "viewer.html"
        cost = make(inventory, page, looks)
        beside = sum(file.stat().st_size for file in place.glob("viewer_files/*"))
        found.append(
            Measured(
                count,
                dates,
                bool(looks),
                *cost,
                page.stat().st_size / MB,
                beside / MB,
                *open_in_browser(page),
            )
        )
        print(found[-1], flush=True)
    return found


def table(rows: list[Measured]) -> str:
    """Return what was measured, for the document."""
    lines = [
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}, "
        f"glacial_lakes {gl.__version__}), load {os.getloadavg()[2]:.1f} during the last quarter "
        "of an hour: this and other work.",
        "",
        "| lakes × dates | images | made in s | CPU s | peak GiB | page MB | beside it MB "
        "| first paint s | takes keys s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.lakes:,} × {row.dates} | {'yes' if row.with_images else 'no'} | "
        f"{row.made_s:.1f} | {row.cpu_s:.1f} | {row.peak_gib:.2f} | {row.page_mb:.1f} | "
        f"{row.folder_mb:.0f} | {row.painted_s:.1f} | {row.ready_s:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=["500x20", "10000x40"])
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = [
        one
        for size in options.sizes
        for one in measure(options.folder, *(int(part) for part in size.split("x")))
    ]
    print(table(rows))
    if options.write:
        rewrite(DOCUMENT, table(rows), MARKS)


if __name__ == "__main__":
    main()
