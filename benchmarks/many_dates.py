"""Cost of many dates of one tile, from products to inventory and report, beside decoding them.

    python benchmarks/many_dates.py FOLDER              # makes the tile in FOLDER
    python benchmarks/many_dates.py FOLDER --dates 20 --write

The dates are copies of the Sentinel-2 tile of speed.py with other names and metadata; each is read,
verified, mapped with its own sun on the DEM, and tracked. A run over one date comes before and does
not count. ``decode only`` reads the same bands of one date in two threads and does nothing with
them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

from documents import rewrite
from full_tile import SIZE, TAKEN
from speed import DOCUMENT, chains, made, run

MARKS = ("<!-- dates measured -->", "<!-- end of dates measured -->")
DECODE = "JP2: decode only, five bands, SCL and DEM"
PROJECT = '[inputs]\nscenes = ["scenes/*"]\ndem = "dem.tif"\n'


def dated(safe: Path, folder: Path, day: str) -> None:
    """Copy a SAFE as that of another day (``YYYYMMDD``); images are linked, not copied."""
    old = f"{TAKEN.time:%Y%m%d}"
    dashed = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    new = folder / safe.name.replace(old, day)
    for path in sorted(safe.rglob("*")):
        target = new / str(path.relative_to(safe)).replace(old, day)
        if path.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jp2":
            os.link(path, target)
        else:
            text = path.read_text("utf-8").replace(old, day)
            target.write_text(text.replace(f"{TAKEN.time:%Y-%m-%d}", dashed), "utf-8")
    manifest = new / "manifest.safe"

    def checked(found: re.Match[str]) -> str:
        stored = (new / found[2]).read_bytes()
        if found[2].endswith(".jp2"):
            return found[0]
        size, digest = len(stored), hashlib.sha3_256(stored).hexdigest()
        return f'size="{size}"{found[1]}href="./{found[2]}"{found[3]}SHA3-256">{digest}<'

    manifest.write_text(
        re.sub(
            r'size="\d+"([^>]*>[^>]*)href="\./([^"]+)"([^S]*)SHA3-256">\w+<',
            checked,
            manifest.read_text("utf-8"),
        ),
        "utf-8",
    )


def project(folder: Path, tile: Path, dates: int) -> list[str]:
    """Lay out a project of some dates of a tile, and return the command that runs it."""
    (folder / "scenes").mkdir(parents=True)
    for number in range(dates):
        day = f"{2000 + number // 28 + 17}08{1 + number % 28:02}"
        dated(next(tile.glob("*.SAFE")), folder / "scenes", day)
    shutil.copy(tile / "dem.tif", folder / "dem.tif")
    (folder / "project.toml").write_text(PROJECT, "utf-8")
    return [sys.executable, "-m", "glacial_lakes", "run", str(folder / "project.toml")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of an edge")
    parser.add_argument("--dates", type=int, default=4)
    parser.add_argument("--write", action="store_true", help="rewrite docs/performance.md")
    options = parser.parse_args()
    folder = made(options.folder, options.size)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        out = Path(name)
        decode = [run(chains(folder, out)[DECODE]) for _ in range(2)][-1]
        run([project(out / "first", folder, 1)])  # compiles what is not compiled yet
        whole = run([project(out / "all", folder, options.dates)])
    ratio = whole.wall_s / decode.wall_s / options.dates
    text = (
        f"{options.dates} dates of {options.size} × {options.size} pixels as JPEG 2000, "
        f"{os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}): "
        f"`run` takes {whole.wall_s:.0f} s from products to inventory, shapefiles and report, "
        f"{whole.wall_s / options.dates:.1f} s a date. Decoding one date alone takes "
        f"{decode.wall_s:.1f} s: **{ratio:.2f} × decode only** a date."
    )
    print(text)
    if options.write:
        rewrite(DOCUMENT, text, MARKS)


if __name__ == "__main__":
    main()
