"""Time and memory of tracking, inventory, report and export, over the number of lakes and dates.

    python benchmarks/tracking_speed.py FOLDER                # makes the outlines in FOLDER
    python benchmarks/tracking_speed.py FOLDER --lakes 100 400 --dates 5 20 --region 0
    python benchmarks/tracking_speed.py FOLDER --write        # rewrites docs/performance.md

The outlines are simulated (many_lakes.py). Every step runs in a fresh process, which first reads
what it needs: outlines and coverages of all dates, or the inventory. Time is that of the step
alone, wall and CPU; memory is the peak of its process so far, with the interpreter and what was
read, and of a second process where there is one. "report and exports" writes all by one call. A
slope is that of log time over log size, from the smallest to the largest size: 1 is linear.
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
from documents import rewrite
from many_lakes import dates_in, read_date, write_all

import glacial_lakes as gl
from glacial_lakes.export.export import export
from glacial_lakes.inventory.inventory import open_inventory
from glacial_lakes.io.vector import read_vector
from glacial_lakes.report.page import write_report

DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
FIGURE = Path(__file__).parents[1] / "docs" / "images" / "scaling.svg"
MARKS = ("<!-- tracking measured -->", "<!-- end of tracking measured -->")
FORMATS = ("shp", "gpkg", "csv", "kmz", "geojson")
TOGETHER = "report and exports"
STEPS = ("track", "write", "open", "report", *FORMATS, TOGETHER)
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@dataclass(frozen=True)
class Cost:
    """What one step took."""

    wall_s: float
    cpu_s: float
    peak_gib: float


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Print what a step takes, for the process that started this one."""
    wall, cpu = time.perf_counter(), _cpu_s()
    yield
    peak = sum(resource.getrusage(who).ru_maxrss for who in WHO) / 2**20
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_s() - cpu}
    print(json.dumps({"step": name, "peak_gib": peak, **took}), flush=True)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in WHO]
    return sum(one.ru_utime + one.ru_stime for one in used)


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


def export_together(data: Path, out: Path) -> None:
    inventory = open_inventory(out / "inventory.gpkg")
    with measured(TOGETHER):
        export(inventory, out / "together", ["report", *FORMATS])


PARTS: dict[str, Callable[[Path, Path], None]] = {
    "track": track,
    "report": report,
    "export": export_all,
    "together": export_together,
}


def costs(data: Path, out: Path) -> dict[str, Cost]:
    """Run all steps, each part in a fresh process."""
    found: dict[str, Cost] = {}
    for part in PARTS:
        command = [sys.executable, __file__, str(data), "--part", part, "--out", str(out)]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        for line in said.splitlines():
            told = json.loads(line)
            step = told.pop("step")
            found[step] = Cost(**told)
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


def table(found: dict[tuple[int, int], dict[str, Cost]], region: dict[str, Cost] | None) -> str:
    """Return wall, CPU and memory of all steps by size, in Markdown."""
    lines = [
        "| lakes × dates | step | wall s | CPU s | peak GiB |",
        "| --- | --- | --- | --- | --- |",
    ]
    sizes: list[tuple[str, dict[str, Cost]]] = [
        (f"{lakes:,} × {dates}", steps) for (lakes, dates), steps in sorted(found.items())
    ]
    if region is not None:
        sizes.append(("region", region))
    for size, steps in sizes:
        for step in STEPS:
            cost = steps[step]
            lines.append(
                f"| {size} | {step} | {cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.peak_gib:.2f} |"
            )
    return "\n".join(lines)


def slopes(
    found: dict[tuple[int, int], dict[str, Cost]], lakes: list[int], dates: list[int]
) -> str:
    """Return the slopes of CPU time over lakes at the most dates, and over dates."""
    lines = ["| step | slope over lakes | slope over dates |", "| --- | --- | --- |"]
    for step in STEPS:
        over_lakes = [found[count, max(dates)][step].cpu_s for count in lakes]
        over_dates = [found[max(lakes), count][step].cpu_s for count in dates]
        both = slope(lakes, over_lakes), slope(dates, over_dates)
        lines.append(f"| {step} | {both[0]:.2f} | {both[1]:.2f} |")
    return "\n".join(lines)


def draw(
    found: dict[tuple[int, int], dict[str, Cost]], lakes: list[int], dates: list[int], path: Path
) -> None:
    """Draw CPU time over lakes and over dates, with lines of slope 1."""
    import matplotlib as mpl  # noqa: PLC0415 (half a second, and only here)

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "glacial_lakes"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    steps = ("track", "write", "report", "shp", "geojson", "kmz")
    series = (
        (axes[0], f"lakes, {max(dates)} dates", lakes, [(n, max(dates)) for n in lakes]),
        (axes[1], f"dates, {max(lakes):,} lakes", dates, [(max(lakes), n) for n in dates]),
    )
    for ax, label, sizes, keys in series:
        for step in steps:
            times = [found[key][step].cpu_s for key in keys]
            ax.loglog(sizes, times, "o-", label=f"{step} ({slope(sizes, times):.2f})")
            ax.loglog(sizes, times[-1] * np.array(sizes) / sizes[-1], ":", color="0.7", zorder=0)
        ax.set_xlabel(label)
        ax.legend(fontsize="small", title="step (slope); dotted: linear", title_fontsize="small")
    axes[0].set_ylabel("CPU s")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lakes", type=int, nargs="+", default=[625, 2500, 10_000])
    parser.add_argument("--dates", type=int, nargs="+", default=[10, 40])
    parser.add_argument("--region", type=int, default=100_000, help="lakes of the region; 0: none")
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        PARTS[options.part](options.folder, options.out)
        return
    lakes, dates = sorted(set(options.lakes)), sorted(set(options.dates))
    sizes = {(count, dates[-1]) for count in lakes} | {(lakes[-1], count) for count in dates}
    found: dict[tuple[int, int], dict[str, Cost]] = {}
    region = None
    for count, days in sorted(sizes):
        data = sized(options.folder, count, days)
        with tempfile.TemporaryDirectory(dir=options.folder) as out:
            found[count, days] = costs(data, Path(out))
    if options.region:
        data = sized(options.folder, options.region, 2, complete=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as out:
            region = costs(data, Path(out))
    text = (
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"load {os.getloadavg()[2]:.1f} during the last quarter of an hour: this and other work. "
        f"{f'The region has {options.region:,} lakes on 2 dates.' if region else ''}\n\n"
        f"{table(found, region)}\n\n{slopes(found, lakes, dates)}"
    )
    print(text)
    if options.write:
        rewrite(DOCUMENT, text, MARKS)
        draw(found, lakes, dates, FIGURE)


if __name__ == "__main__":
    main()
