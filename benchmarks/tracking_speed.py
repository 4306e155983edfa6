"""Time and memory of tracking, inventory, report and export, over the number of lakes and dates.

    python benchmarks/tracking_speed.py FOLDER                # makes the outlines in FOLDER
    python benchmarks/tracking_speed.py FOLDER --lakes 100 400 --dates 5 20 --region 0
    python benchmarks/tracking_speed.py FOLDER --write        # rewrites docs/performance.md

The outlines are simulated (many_lakes.py). Every step runs in a fresh process, which first reads
what it needs: outlines and coverages of all dates, or the inventory. Time is that of the step
alone, wall and CPU; memory is the peak of its process so far, with the interpreter and what was
read. A slope is that of log time over log size, from the smallest to the largest size: 1 is linear.
The region is one inventory of many lakes on two dates, without coverages, as drawn by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from many_lakes import dates_in, read_date, write_all

import glacial_lakes as gl
from glacial_lakes.export import export
from glacial_lakes.inventory import open_inventory
from glacial_lakes.report import write_report
from glacial_lakes.vectors import read_vector

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
FIGURE = Path(__file__).parents[1] / "docs" / "images" / "scaling.svg"
BEGIN, END = "<!-- tracking measured -->", "<!-- end of tracking measured -->"
FORMATS = ("shp", "gpkg", "csv", "kmz", "geojson")
STEPS = ("track", "write", "open", "report", *FORMATS)


@dataclass(frozen=True)
class Cost:
    """What one step took."""

    wall_s: float
    cpu_s: float
    peak_gib: float


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Print what a step takes, for the process that started this one."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps({"step": name, "peak_gib": peak, **took}), flush=True)


def track(data: Path, out: Path) -> None:
    with measured("track"):
        tables = (read_date(folder) for folder in dates_in(data))
        inventory = gl.track(tables, glaciers=data / "glaciers.gpkg")
    with measured("write"):
        inventory.to_file(out / "inventory.gpkg")


def report(data: Path, out: Path) -> None:
    glaciers = read_vector(data / "glaciers.gpkg")
    with measured("open"):
        inventory = open_inventory(out / "inventory.gpkg")
    with measured("report"):
        write_report(inventory, out / "report.html", glaciers=glaciers)


def export_all(data: Path, out: Path) -> None:
    inventory = open_inventory(out / "inventory.gpkg")
    for name in FORMATS:
        with measured(name):
            export(inventory, out / "export", [name])


PARTS: dict[str, Callable[[Path, Path], None]] = {
    "track": track,
    "report": report,
    "export": export_all,
}


def costs(data: Path, out: Path) -> dict[str, Cost]:
    """Run all steps, each part in a fresh process."""
    found: dict[str, Cost] = {}
    for part in PARTS:
        command = [sys.executable, __file__, str(data), "--part", part, "--out", str(out)]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        for line in said.splitlines():
            told = json.loads(line)
            found[told.pop("step")] = Cost(**told)
            sys.stderr.write(f"{data.name} {line}\n")
    return found


def sized(folder: Path, lakes: int, dates: int, *, complete: bool = False) -> Path:
    """Return the folder of the outlines of so many lakes and dates, made when it is missing."""
    data = folder / f"{'drawn' if complete else 'mapped'}_{lakes}_{dates}"
    if not (data / "glaciers.gpkg").exists():
        write_all(data, lakes, dates, complete=complete)
    return data


def slope(sizes: list[int], times: list[float]) -> float:
    """Return the slope of log time over log size."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0]) if len(sizes) > 1 else np.nan
