"""Time and memory of mapping one scene, over its number of pixels.

    python benchmarks/pixel_scaling.py FOLDER            # makes the scenes in FOLDER
    python benchmarks/pixel_scaling.py FOLDER --write    # rewrites docs/performance.md

The scenes are those of speed.py, with the same lakes a pixel. Whole processes, start-up included,
the sizes in turns; a first round does not count. A slope is that of log CPU time over log pixels.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np
from documents import rewrite
from full_tile import SIZE
from speed import DOCUMENT, Run, chains, made, run
from tracking_speed import slope

FIGURE = Path(__file__).parents[1] / "docs" / "images" / "pixels.svg"
MARKS = ("<!-- pixels measured -->", "<!-- end of pixels measured -->")
OURS = {"GeoTIFF": "deflate: glacial_lakes", "JPEG 2000": "JP2: glacial_lakes"}
TIMES = ("wall_s", "cpu_s")


def table(runs: dict[tuple[str, int], list[Run]], sizes: list[int]) -> str:
    """Return wall, CPU and memory by format and size, and the slopes, in Markdown."""
    lines = [
        "| file | pixels of an edge | wall s, median | CPU s, median | peak GiB | lakes |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind in OURS:
        for size in sizes:
            rounds = runs[kind, size]
            wall, cpu = (np.median([getattr(one, name) for one in rounds]) for name in TIMES)
            peak = max(one.peak_gib for one in rounds)
            lines.append(
                f"| {kind} | {size} | {wall:.2f} | {cpu:.2f} | {peak:.2f} | {rounds[-1].said} |"
            )
    told = ", ".join(f"{kind} {slope_of(runs, kind, sizes):.2f}" for kind in OURS)
    return "\n".join(lines) + f"\n\nSlope of CPU time over pixels: {told}."


def cpu_of(runs: dict[tuple[str, int], list[Run]], kind: str, sizes: list[int]) -> list[float]:
    """Return the median CPU time of each size."""
    return [float(np.median([one.cpu_s for one in runs[kind, size]])) for size in sizes]


def slope_of(runs: dict[tuple[str, int], list[Run]], kind: str, sizes: list[int]) -> float:
    """Return the slope of log CPU time over log pixels."""
    return slope([size**2 for size in sizes], cpu_of(runs, kind, sizes))


def draw(runs: dict[tuple[str, int], list[Run]], sizes: list[int], path: Path) -> None:
    """Draw CPU time over pixels, with lines of slope 1."""
    import matplotlib as mpl  # noqa: PLC0415 (half a second, and only here)

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "glacial_lakes"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, ax = plt.subplots(figsize=(4.8, 3.6), layout="constrained")
    pixels = np.array(sizes) ** 2 / 1e6
    for kind in OURS:
        times = cpu_of(runs, kind, sizes)
        ax.loglog(pixels, times, "o-", label=f"{kind} ({slope_of(runs, kind, sizes):.2f})")
        ax.loglog(pixels, times[-1] * pixels / pixels[-1], ":", color="0.7", zorder=0)
    ax.set_xlabel("million pixels")
    ax.set_ylabel("CPU s")
    ax.legend(fontsize="small", title="file (slope); dotted: linear", title_fontsize="small")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[SIZE // 4, SIZE // 2, SIZE])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md")
    options = parser.parse_args()
    sizes = sorted(set(options.sizes))
    runs: dict[tuple[str, int], list[Run]] = {}
    for number in range(options.rounds + 1):
        for size in sizes:
            folder = made(options.folder, size)
            with tempfile.TemporaryDirectory() as out:
                commands = chains(folder, Path(out))
                for kind, name in OURS.items():
                    one = run(commands[name])
                    if number:
                        runs.setdefault((kind, size), []).append(one)
                    sys.stderr.write(f"{number} {size} {kind}: {one.wall_s:.2f} s\n")
    text = (
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}), "
        f"{options.rounds} rounds.\n\n{table(runs, sizes)}"
    )
    print(text)
    if options.write:
        rewrite(DOCUMENT, text, MARKS)
        draw(runs, sizes, FIGURE)


if __name__ == "__main__":
    main()
