"""Whether two revisions give the same results, and whether they need the same time and memory.

    python benchmarks/same_results.py --before REVISION            # and this checkout as it is
    python benchmarks/same_results.py --before REVISION --after REVISION_OR_FOLDER --data DIR
    python benchmarks/same_results.py --before REVISION --speed 9  # time and memory instead

Both run by the command line alone, which is a contract: the sample data with all exports, reports
and a review; with the folder of data (``--data`` or GLACIAL_LAKES_DATA) also the sites of
``independent_truth`` and outlines that others drew. Every file is compared byte for byte, and where
bytes differ value for value: ``comparison.py`` tells how, and what got another name. What is new is
listed; anything else that differs gives the exit code 1. Nothing is kept between calls, unless
``--keep FOLDER`` asks for the results. Parquet is compared where pyarrow is installed.

``--speed N`` maps single scenes with both in turns, N times after one that does not count, and
prints medians of the ratios of pairs; more than 3 % more gives the exit code 1. A process there
opens a scene and calls ``map_lakes``: what the command line does around it, such as opening
products in a process apart, is not part of it. ``--tile FOLDER``
times the full tile of ``speed.py`` too, which is made there when it is missing (4 GB).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from comparison import Found, compare_folders
from full_tile import SIZE
from speed import made as made_tile
from speed import run

ROOT = Path(__file__).parents[1]
FORMATS = ["gpkg", "shp", "csv", "geojson", "kmz", "report"]
FORMATS += ["parquet"] * bool(importlib.util.find_spec("pyarrow"))
EXPORTED = [word for name in FORMATS for word in ("--format", name)]
ALLOWED_RATIO = 1.03


@dataclass(frozen=True)
class Revision:
    """A checkout, and the folder for what it makes."""

    code: Path
    folder: Path

    def environment(self) -> dict[str, str]:
        kept = {key: word for key, word in os.environ.items() if not key.startswith("GLACIAL_")}
        path = os.pathsep.join([str(self.code), kept.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return kept | {"PYTHONPATH": path}

    def check(self) -> None:
        """Refuse to compare another package than that of the checkout."""
        told = [sys.executable, "-c", "import glacial_lakes; print(glacial_lakes.__file__)"]
        done = subprocess.run(
            told,
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        used = Path(done.stdout.strip()).resolve()
        if not used.is_relative_to(self.code.resolve()):
            raise SystemExit(f"{self.code}: Python takes {used} instead")

    def command(self, *words: object, language: str = "en") -> list[str]:
        told = ("-m", "glacial_lakes", "-q", "--json", "--lang", language, *words)
        return [sys.executable, *map(str, told)]

    def call(self, name: str, *words: object, language: str = "en") -> None:
        """Run a verb; what it prints becomes a file, and its exit code another."""
        done = subprocess.run(
            self.command(*words, language=language),
            check=False,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode not in (0, 3):
            raise SystemExit(f"{self.code}: {' '.join(map(str, words))}\n{done.stderr}")
        told = done.stdout.replace(str(self.folder), "FOLDER")
        printed = self.folder / "printed"
        printed.mkdir(exist_ok=True)
        (printed / f"{name}.json").write_text(told or "{}", "utf-8")
        (printed / f"{name}.exit").write_text(str(done.returncode), "utf-8")

    def run(self, name: str, inputs: Path, scenes: str = "*", language: str = "en") -> Path:
        """Run a project of scenes that lie elsewhere; return the inventory it makes."""
        found = sorted(str(path) for path in inputs.glob(scenes) if path.is_dir())
        file = self.folder / name / "project.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            f'[project]\nname = "{name}"\n[inputs]\nscenes = {json.dumps(found)}\n'
            f'dem = "{inputs / "dem.tif"}"\nglaciers = "{inputs / "glaciers.gpkg"}"\n'
            f"[export]\nformats = {json.dumps(FORMATS)}\n",
            "utf-8",
        )
        self.call(f"{name}_{len(found)}", "run", file, language=language)
        return file.parent / "output" / "inventory.gpkg"


def make_sample(made: Revision, sample: Path) -> None:
    """Make all that the sample data give: as a whole, scene by scene, and with corrections."""
    inventory = made.run("sample", sample, "scenes/*")
    season = ("--epoch", "2020=2018-2023", "--months", "7-10")
    made.call("composite", "export", inventory, "-o", made.folder / "composite", *season)
    ancillary = ("--dem", sample / "dem.tif", "--glaciers", sample / "glaciers.gpkg")
    (made.folder / "mapped").mkdir()
    for ending, scenes in {
        "gpkg": "S2A*",
        "shp": "LT05*",
        "geojson": "LE07*",
        "fgb": "LC08*",
    }.items():
        products = sorted((sample / "scenes").glob(scenes))
        out = made.folder / "mapped" / f"outlines.{ending}"
        made.call(f"map_{ending}", "map", *products, "-o", out, *ancillary)
    truth = ("--layer", "outlines", "--reference-layer", "2023-09-05", "--date", "2023-09-05")
    made.call("accuracy", "validate", inventory, sample / "truth.gpkg", *truth)
    made.call("faults", "check", inventory)

    # Corrections, and a run after them that has more scenes and speaks Russian.
    inventory = made.run("reviewed", sample, "scenes/L[TE]*")
    edited = made.folder / "reviewed" / "edited.geojson"
    edited.write_text(corrected((inventory.parent / "lakes.geojson").read_text("utf-8")), "utf-8")
    made.call("review", "review", inventory, edited, "--by", "Reviewer", "--whole")
    made.run("reviewed", sample, "scenes/L*", language="ru")


def corrected(lakes: str) -> str:
    """Return lakes as a person corrects them: one of each kind of decision."""
    told = json.loads(lakes)
    accepted, reclassified, moved, false = told["features"][:4]
    accepted["properties"] |= {"verified": True, "lake_name": "First", "comment": "seen"}
    reclassified["properties"]["lake_type"] = "supraglacial"
    shape = moved["geometry"]
    shape["coordinates"] = (np.array(shape["coordinates"]) + 0.0003).tolist()
    told["features"].remove(false)
    return json.dumps(told)


def make_others(made: Revision, data: Path) -> None:
    """Make inventories of scenes of another simulator, and of outlines that others drew."""
    for site in sorted(path for path in (data / "independent_truth").iterdir() if path.is_dir()):
        made.run(site.name, site)
    older = made.folder / "older" / "inventory.gpkg"
    older.parent.mkdir()
    made.call("older", "track", *sorted((data / "hkh_indus_lakes").glob("*.shp")), "-o", older)
    made.call("older_report", "report", older, "-o", older.parent / "report.html")
    made.call("older_exported", "export", older, "-o", older.parent / "exported", *EXPORTED)


MAPPING = """
import sys
import glacial_lakes as gl
scene, dem = sys.argv[1:]
gl.map_lakes(gl.open_scene(scene), dem=dem)
"""


def ratios(
    before: Revision, after: Revision, scene: Path, dem: Path, rounds: int
) -> dict[str, float]:
    """Return the medians over pairs of the ratios of time and of memory."""
    pairs = []
    for number in range(rounds + 1):
        both = {}
        for made in (before, after) if number % 2 else (after, before):
            path = f"PYTHONPATH={made.environment()['PYTHONPATH']}"
            command = [sys.executable, "-P", "-c", MAPPING, str(scene), str(dem)]
            both[made] = run([["env", path, *command]])
        pairs.append((both[before], both[after]))
    return {
        name: float(np.median([getattr(new, name) / getattr(old, name) for old, new in pairs[1:]]))
        for name in ("wall_s", "cpu_s", "peak_gib")
    }


def compare_speed(before: Revision, after: Revision, sites: list[Path], rounds: int) -> bool:
    """Print the ratios for the first Sentinel-2 scene of each site; tell whether all are small."""
    print(f"after / before, medians of {rounds} pairs")
    print("| scene | wall | CPU | memory |\n|---|---|---|---|")
    worst = 0.0
    for site in sites:
        scene = min(site.rglob("S2*.SAFE"))
        found = ratios(before, after, scene, site / "dem.tif", rounds)
        print(f"| {site.name} | " + " | ".join(f"{ratio:.3f}" for ratio in found.values()) + " |")
        worst = max(worst, found["wall_s"], found["peak_gib"])
    return worst <= ALLOWED_RATIO


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """Give the folder of a revision: a worktree for the time being, or the folder that is named."""
    if Path(revision).is_dir():
        yield Path(revision).absolute()
        return
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as name:
        code = Path(name) / "code"
        subprocess.run([*git, "add", "--quiet", "--detach", str(code), revision], check=True)
        try:
            yield code
        finally:
            subprocess.run([*git, "remove", "--force", str(code)], check=True)


def compare_results(before: Revision, after: Revision, sample: Path, data: Path | None) -> bool:
    """Make all with both, print what differs, and tell whether nothing does."""
    for made in (before, after):
        started = time.perf_counter()
        make_sample(made, sample)
        if data is not None:
            make_others(made, data)
        sys.stderr.write(f"{made.folder.name}: {time.perf_counter() - started:.0f} s\n")
    files = compare_folders(before.folder, after.folder)
    print(table(files))
    for title, name in (("New", "new"), ("DIFFERENT", "wrong")):
        places: dict[str, list[str]] = {}
        for file, found in files.items():
            for text in getattr(found, name):
                places.setdefault(text, []).append(file)
        print(f"\n{title}: {len(places) or 'nothing'}")
        for text, where in places.items():
            more = f" and {len(where) - 1} more" if where[1:] else ""
            print(f"- {text} ({where[0]}{more})")
    return not any(found.wrong for found in files.values())


def table(files: dict[str, Found]) -> str:
    """Return the counts of files by what they are part of."""
    rows: dict[str, list[Found]] = {}
    for file, found in files.items():
        rows.setdefault(file.partition("/")[0], []).append(found)
    rows["all"] = list(files.values())
    lines = [
        "| what | files | same bytes | same values | with new | DIFFERENT |",
        "|---|" + 5 * "---|",
    ]
    for name, all_of in rows.items():
        counts = (
            len(all_of),
            sum(found.same_bytes for found in all_of),
            sum(not found.same_bytes and not found.wrong for found in all_of),
            sum(bool(found.new) for found in all_of),
            sum(bool(found.wrong) for found in all_of),
        )
        lines.append(f"| {name} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--before", required=True, help="a revision, or the folder of a checkout")
    parser.add_argument("--after", default=str(ROOT), help="the same; default: this checkout")
    parser.add_argument("--data", type=Path, default=os.environ.get("GLACIAL_LAKES_DATA"))
    parser.add_argument("--keep", type=Path, help="folder for the results")
    parser.add_argument("--speed", type=int, default=0, metavar="N", help="pairs of timed runs")
    parser.add_argument("--tile", type=Path, help="folder of the tile of speed.py, timed too")
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of an edge of the tile")
    options = parser.parse_args()
    data = options.data and Path(options.data).absolute()
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        both = []
        for name in ("before", "after"):
            code = stack.enter_context(checkout(getattr(options, name)))
            both.append(Revision(code, (folder / name).absolute()))
            both[-1].folder.mkdir(parents=True)
            both[-1].check()
        before, after = both
        sample = before.code / "sample_data"  # the same for both
        if options.speed:
            sites = [sample, *([data / "independent_truth" / "clear_summer"] if data else [])]
            sites += [made_tile(options.tile.absolute(), options.size)] if options.tile else []
            same = compare_speed(before, after, sites, options.speed)
        else:
            same = compare_results(before, after, sample, data)
    raise SystemExit(not same)


if __name__ == "__main__":
    main()
