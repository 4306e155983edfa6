"""Time and memory of mapping a full tile, beside decoding alone and the tools of others.

    python benchmarks/speed.py FOLDER                 # makes the tile in FOLDER when it is missing
    python benchmarks/speed.py FOLDER --size 2745 --rounds 3
    python benchmarks/speed.py FOLDER --write         # rewrites docs/performance.md

Whole processes, start-up included, one after the other in turns; the page cache is warm after a
first round that does not count. Memory is the largest process of each chain. Times of one session
can be compared with each other and with nothing else.

What the others do is less: GDAL, the naive and the tuned script threshold NDWI > 0.2 and draw
pixel edges. Ours masks cloud, snow, slope and cast shadow, draws outlines between the pixels from
local signals, and gives areas, errors and attributes, in a GeoPackage and a shapefile.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from documents import rewrite
from full_tile import SIZE

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"

OURS = """
import sys
from pathlib import Path
import glacial_lakes as gl
from glacial_lakes import schema
from glacial_lakes.io.vector import write_layers
from glacial_lakes.io.shapefile import write_shapefile
scene, folder, out = (Path(word) for word in sys.argv[1:4])
near = dict(glaciers=folder / "glaciers.gpkg") if sys.argv[4:] else {}
lakes = gl.map_lakes(gl.open_scene(scene), dem=folder / "dem.tif", min_area_m2=5000, **near)
write_layers(out / "lakes.gpkg", {"outlines": lakes.outlines}, {})
write_shapefile(lakes.to_crs(4326), out / "lakes.shp", schema.MAPPED)
print(len(lakes))
"""

READ_OF_SAFE = ("B02", "B03", "B04", "B08", "B11", "SCL")

DECODE = """
import sys
from concurrent.futures import ThreadPoolExecutor
import rasterio
from rasterio.windows import Window
def read(job):
    path, band = job
    with rasterio.open(path) as file:
        for row in range(0, file.height, 1024):
            file.read(band, window=Window(0, row, file.width, min(1024, file.height - row)))
jobs = [(word.rpartition(":")[0], int(word.rpartition(":")[2])) for word in sys.argv[1:]]
with ThreadPoolExecutor(2) as pool:
    list(pool.map(read, jobs))
"""

NAIVE = """
import sys
import geopandas as gpd
import numpy as np
import rasterio
from rasterio.features import shapes
from shapely.geometry import shape
with rasterio.open(sys.argv[1]) as file:
    green, nir = file.read(2).astype(float), file.read(4).astype(float)
    water = (green - nir) / (green + nir) > 0.2
    found = [shape(part) for part, value in shapes(water.astype("uint8"), water,
             connectivity=8, transform=file.transform) if value]
    lakes = gpd.GeoDataFrame(geometry=found, crs=file.crs)
lakes[lakes.area >= 5000].to_file(sys.argv[2] + "/naive.shp")
"""

TUNED = """
import sys
from concurrent.futures import ThreadPoolExecutor
import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.features import shapes
from rasterio.windows import Window
def rows(row):
    with rasterio.open(sys.argv[1]) as file:
        window = Window(0, row, file.width, min(512, file.height - row))
        green, nir = file.read((2, 4), window=window).astype(np.int32)
    water[row:row + len(green)] = 5 * (green - nir) > green + nir
with rasterio.open(sys.argv[1]) as file:
    water, transform, crs = np.zeros(file.shape, np.uint8), file.transform, file.crs
with ThreadPoolExecutor(2) as pool:
    list(pool.map(rows, range(0, len(water), 512)))
found = [shapely.geometry.shape(part) for part, _ in shapes(water, water == 1, connectivity=8,
         transform=transform)]
lakes = gpd.GeoDataFrame(geometry=found, crs=crs)
lakes[lakes.area >= 5000].to_file(sys.argv[2] + "/tuned.shp")
"""


@dataclass(frozen=True)
class Run:
    """One run of a chain of commands."""

    wall_s: float
    cpu_s: float
    peak_gib: float
    said: str


def run(chain: list[list[str]]) -> Run:
    """Run commands one after the other; time and memory of them and their children."""
    start, cpu, peak, said = time.perf_counter(), 0.0, 0, ""
    for command in chain:
        with tempfile.TemporaryFile("w+") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"failed: {' '.join(command)[:300]}")
            out.seek(0)
            said = out.read().strip()
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss)
    return Run(time.perf_counter() - start, cpu, peak / 2**20, said)


def chains(folder: Path, out: Path) -> dict[str, list[list[str]]]:
    """Return the commands by name; those of tools that are not installed are left out."""
    python = sys.executable
    stack, dem = folder / "tile.tif", folder / "dem.tif"
    safe = next(folder.glob("*.SAFE"))
    jp2 = [next(safe.glob(f"GRANULE/*/IMG_DATA/R*/*_{name}_*.jp2")) for name in READ_OF_SAFE]
    five = [f"{stack}:{number}" for number in range(1, 6)]
    found = {
        "deflate: decode only, five bands and DEM": [
            [python, "-c", DECODE, *five, f"{dem}:1"],
        ],
        "deflate: glacial_lakes": [[python, "-c", OURS, str(stack), str(folder), str(out)]],
        "deflate: naive script": [[python, "-c", NAIVE, str(stack), str(out)]],
        "deflate: tuned script": [[python, "-c", TUNED, str(stack), str(out)]],
        "JP2: decode only, five bands, SCL and DEM": [
            [python, "-c", DECODE, *(f"{path}:1" for path in jp2), f"{dem}:1"],
        ],
        "JP2: glacial_lakes": [[python, "-c", OURS, str(safe), str(folder), str(out)]],
        "JP2: glacial_lakes, a fifth within the glacier buffer": [
            [python, "-c", OURS, str(safe), str(folder), str(out), "near"],
        ],
    }
    if shutil.which("gdal_calc.py") and shutil.which("ogr2ogr"):
        water, shapes = str(out / "water.tif"), str(out / "water.gpkg")
        ratio = "(A.astype(float)-B)/(A.astype(float)+B)>0.2"
        found["deflate: GDAL chain"] = [
            ["gdal_calc.py", "-A", str(stack), "--A_band=2", "-B", str(stack), "--B_band=4",
             f"--calc={ratio}", "--type=Byte", "--NoDataValue=0", "--overwrite", "--quiet",
             f"--outfile={water}"],
            ["rm", "-f", shapes],
            ["gdal_polygonize.py", "-q", "-8", water, "-f", "GPKG", shapes, "water"],
            ["ogr2ogr", "-overwrite", str(out / "gdal.shp"), shapes, "-dialect", "SQLite", "-sql",
             "SELECT * FROM water WHERE ST_Area(geom) >= 5000"],
        ]  # fmt: skip
    return found


def made(parent: Path, size: int) -> Path:
    """Return the folder of the scene of a size, made when it is missing."""
    folder = parent / str(size)
    if not (folder / "tile.tif").exists():
        # In a process of its own: the peak memory of a child counts from that of its parent.
        maker = Path(__file__).with_name("full_tile.py")
        subprocess.run([sys.executable, str(maker), str(folder), str(size)], check=True)
    return folder


def table(runs: dict[str, list[Run]]) -> str:
    """Return medians and ranges, with ratios to decoding alone of the same file."""
    lines = [
        "| what | wall s, median (range) | CPU s | peak GiB | × decode only | lakes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, all_of in runs.items():
        kind = name.partition(":")[0]
        base = next(rows for other, rows in runs.items() if other.startswith(f"{kind}: decode"))
        wall = [one.wall_s for one in all_of]
        ratio = np.median(wall) / np.median([one.wall_s for one in base])
        lines.append(
            f"| {name} | {np.median(wall):.2f} ({min(wall):.2f}–{max(wall):.2f}) "
            f"| {np.median([one.cpu_s for one in all_of]):.2f} "
            f"| {max(one.peak_gib for one in all_of):.2f} | {ratio:.2f} "
            f"| {all_of[-1].said or '–'} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of an edge")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only chains with this in their name")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md")
    options = parser.parse_args()
    folder = made(options.folder, options.size)
    runs: dict[str, list[Run]] = {}
    with tempfile.TemporaryDirectory() as name:
        wanted = chains(folder, Path(name))
        wanted = {key: chain for key, chain in wanted.items() if options.only in key}
        for number in range(options.rounds + 1):
            for key, chain in wanted.items():
                one = run(chain)
                if number:
                    runs.setdefault(key, []).append(one)
                sys.stderr.write(f"{number} {key}: {one.wall_s:.2f} s\n")
    text = (
        f"{options.size} × {options.size} pixels, {os.cpu_count()} cores "
        f"({platform.machine()}, Python {platform.python_version()}), {options.rounds} rounds.\n\n"
        + table(dict(sorted(runs.items())))
    )
    print(text)
    if options.write:
        rewrite(DOCUMENT, text)


if __name__ == "__main__":
    main()
