"""What mapping all of High Mountain Asia takes: scenes, core-hours, storage.

    python benchmarks/cluster_cost.py FOLDER              # measures a full tile, made when missing
    python benchmarks/cluster_cost.py FOLDER --write      # rewrites the table in docs/cluster.md
    python benchmarks/cluster_cost.py --cpu-s 80 --out-mb 3    # rates of your own, measures nothing

The rates are measured: a tile is mapped as a worker of a cluster does it, in a process of its own,
from reading the product to the checked outlines on disk. Numbers of tiles, dates and the size of a
product are assumptions, and options.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

from documents import rewrite
from full_tile import write_tile

from glacial_lakes.runtime.processes import ProcessPerCall
from glacial_lakes.scenes import open_scene
from glacial_lakes.settings import MappingSettings
from glacial_lakes.workflow.scene_tasks import SceneTask, map_scene

DOCUMENT = Path(__file__).parents[1] / "docs" / "cluster.md"


@dataclass(frozen=True)
class Rate:
    """What one scene takes."""

    cpu_s: float
    wall_s: float
    out_mb: float


def measure(folder: Path) -> Rate:
    """Map the full tile of ``benchmarks/full_tile.py`` once, JPEG 2000 as delivered."""
    if not (folder / "dem.tif").is_file():
        write_tile(folder)
    (product,) = folder.glob("*.SAFE")
    out = folder / "cluster_cost"
    task = SceneTask(
        scene=open_scene(product),
        folder=out,
        key="",
        dem=folder / "dem.tif",
        glaciers=None,
        aoi=None,
        min_area_m2=None,
        glacier_buffer_m=None,
        settings=MappingSettings(),
    )
    cpu, wall = children_s(), time.monotonic()
    with ProcessPerCall(1) as alone:
        record, _ = alone.submit(map_scene, task).result()
    assert record.state == "mapped", record.reason
    size = sum(path.stat().st_size for path in out.iterdir())
    return Rate(children_s() - cpu, time.monotonic() - wall, size / 1e6)


def children_s() -> float:
    """Return the CPU seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rate: Rate, given: argparse.Namespace) -> str:
    """Return the estimate as Markdown."""
    rows = [
        "| | one season | all seasons |",
        "|---|---|---|",
        f"| seasons | 1 | {given.seasons} |",
    ]
    scenes = given.tiles * given.dates
    for name, one, digits in (
        ("scenes", scenes, 0),
        ("core-hours of mapping", scenes * rate.cpu_s / 3600, 0),
        (
            f"hours on {given.cores} cores",
            scenes * rate.cpu_s / 3600 / given.cores,
            1,
        ),
        ("products to keep or fetch, TB", scenes * given.scene_gb / 1000, 1),
        ("results of scenes, GB", scenes * rate.out_mb / 1000, 0),
    ):
        rows.append(f"| {name} | {one:,.{digits}f} | {one * given.seasons:,.{digits}f} |")
    return "\n".join(rows)


def rates(rate: Rate) -> str:
    return (
        f"Measured on a computer of {os.cpu_count()} cores, one run: {rate.cpu_s:.0f} s of CPU "
        f"({rate.wall_s:.0f} s by the clock) and {rate.out_mb:.1f} MB of results for a tile."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="for the tile: 4 GB")
    parser.add_argument("--tiles", type=int, default=420, help="Sentinel-2 tiles of the region")
    parser.add_argument("--dates", type=int, default=10, help="usable dates of a tile in a season")
    parser.add_argument("--seasons", type=int, default=10)
    parser.add_argument("--cores", type=int, default=200)
    parser.add_argument("--scene-gb", type=float, default=1.0, help="size of a product")
    parser.add_argument("--cpu-s", type=float, help="CPU seconds of a tile, instead of measuring")
    parser.add_argument("--out-mb", type=float, default=3.0, help="results of a tile, with --cpu-s")
    parser.add_argument("--write", action="store_true", help="rewrite docs/cluster.md")
    given = parser.parse_args()
    if given.cpu_s:
        text = table(Rate(given.cpu_s, given.cpu_s, given.out_mb), given)
    elif given.folder:
        rate = measure(given.folder)
        text = f"{rates(rate)}\n\n{table(rate, given)}"
    else:
        parser.error("give FOLDER or --cpu-s")
    print(text)
    if given.write:
        rewrite(DOCUMENT, text)


if __name__ == "__main__":
    main()
