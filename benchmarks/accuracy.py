"""Accuracy of mapping on simulated scenes of known truth, beside the plain methods.

    python benchmarks/accuracy.py                    # kept seeds: rewrites docs/accuracy.md
    python benchmarks/accuracy.py --development      # other seeds: prints, writes nothing
    python benchmarks/accuracy.py --development --sites 2 --rows FOLDER
    python benchmarks/accuracy.py --worlds kept      # worlds by seed: rewrites docs/accuracy.md
    python benchmarks/accuracy.py --worlds development --limit 8 --keep FOLDER

Worlds (``glacial_lakes.simulate.World``) differ in relief, materials, sky, masks and faults; the
sites are a regression set, all of one world. ``--keep`` is a folder where worlds stay, so that a
second run does not simulate again; ``--outlines`` compares what ``map_worlds.py`` mapped of them,
perhaps by another version. Kept worlds are only measured: nobody fits to them or looks into them.

Every site is seen under all conditions of ``CONDITIONS``, further sites by Landsat only. The kept
seeds were never mapped while the method was made; whoever changes the mapping looks at development
seeds only. ``--rows`` stores one row a lake and one an outline, to ask further questions of.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import accuracy_tables
import accuracy_worlds
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from baselines import BASELINES
from documents import MEASURED, rewrite
from scipy import ndimage

from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import Scene, open_scene
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.scene import SimulatedScene, simulate_scene
from glacial_lakes.simulate.series import write_dem, write_glaciers, write_product
from glacial_lakes.simulate.site import Site, make_site
from glacial_lakes.simulate.surface import make_surface
from glacial_lakes.validation.accuracy import Accuracy
from glacial_lakes.validation.validate import validate

KEPT = tuple(range(7001, 7018))
KEPT_FOR_LANDSAT = tuple(range(7018, 7035))
"""Further sites without Sentinel-2: one site has few lakes that are large for Landsat."""
DEVELOPMENT = tuple(range(201, 211))
DEVELOPMENT_FOR_LANDSAT = tuple(range(211, 231))
DOCUMENT = Path(__file__).parents[1] / "docs" / "accuracy.md"
WORLDS_MEASURED = ("<!-- measured on worlds -->", "<!-- end of measured on worlds -->")
SMALLEST_M2 = {10.0: 500.0, 30.0: 4500.0}
"""Five pixels: the default of mapping."""
NEAR_SHORE_M = 30.0
HOMOGENEOUS = 0.8
"""A shore is of one kind when this share of it is."""


@dataclass(frozen=True)
class Condition:
    """Under which a site is seen; what is not given changes from site to site."""

    name: str
    sensor: str
    month: int
    year: int | None = None
    sun_deg: tuple[float, float] = (50.0, 65.0)
    more: dict[str, float] = field(default_factory=dict)

    def acquisition(self, seed: int) -> Acquisition:
        """Return the acquisition of a site."""
        rng = np.random.default_rng([seed, len(self.name), self.month])
        year = self.year or 2016 + seed % 7
        return Acquisition(
            datetime(year, self.month, 3 + seed % 24, 5, 57, tzinfo=UTC),
            self.sensor,
            sun_azimuth_deg=float(rng.uniform(130, 165)),
            sun_elevation_deg=float(rng.uniform(*self.sun_deg)),
            seed=seed,
            **self.more,
        )


CONDITIONS = (
    Condition("clear", "S2A", 7),
    Condition("haze", "S2B", 8, more={"haze": 0.015}),
    Condition("cirrus", "S2A", 9, more={"cirrus": 0.08}),
    Condition("cloud 15 %", "S2B", 7, more={"cloud_fraction": 0.15}),
    Condition("cloud 40 %", "S2A", 8, more={"cloud_fraction": 0.4}),
    Condition("cloud 60 %", "S2B", 9, more={"cloud_fraction": 0.6}),
    Condition("fresh snow", "S2A", 10, sun_deg=(35, 45), more={"fresh_snow_line_m": 3500.0}),
    Condition("low sun", "S2B", 10, sun_deg=(20, 30)),
    Condition("partly frozen", "S2A", 6, more={"ice_line_m": 3500.0, "snow_line_m": 3700.0}),
    Condition("clear", "LC08", 8),
    Condition("haze", "LC08", 7, more={"haze": 0.015}),
    Condition("cloud 30 %", "LC09", 9, year=2022, more={"cloud_fraction": 0.3}),
    Condition("clear", "LT05", 8, year=2006),
    Condition("cirrus", "LT05", 7, year=1996, more={"cirrus": 0.05}),
    Condition("cloud 30 %", "LT05", 9, year=2008, more={"cloud_fraction": 0.3}),
    Condition("clear", "LE07", 8, year=2001),
    Condition("gaps", "LE07", 8, year=2009),
)
LANDSAT = tuple(one for one in CONDITIONS if one.sensor.startswith("L"))


def shore_kinds(site: Site, acquisition: Acquisition) -> pd.DataFrame:
    """Return for each lake what most of its near shore is, and whether nearly all of it is.

    Told from the noise-free reflectance of the ground, before light, blur and pixels.
    """
    ground = site.ground if acquisition.sensor.startswith("S2") else site.coarse_ground
    surface = make_surface(site, ground, acquisition)
    _, green, red, nir, swir, _ = surface.albedo
    kinds = np.where((green > 0.3) & (swir < 0.4 * green), 2, (nir - red) / (nir + red) > 0.3)
    water = np.zeros(green.shape, bool)
    for cover in surface.lakes:
        water[cover.window] |= cover.share > 0
    rows = {}
    for cover in surface.lakes:
        wet = cover.share > 0.5
        away = ndimage.distance_transform_edt(~wet) * ground.cell_m
        near = (away > 0) & (away <= NEAR_SHORE_M) & ~water[cover.window]
        counts = np.bincount(kinds[cover.window][near].astype(int), minlength=3)
        kind = ("moraine", "vegetated", "ice")[int(counts.argmax())]
        rows[cover.state.lake.lake_id] = (kind, counts.max() >= HOMOGENEOUS * counts.sum())
    return pd.DataFrame.from_dict(rows, orient="index", columns=["shore", "homogeneous"])


def compared(outlines: gpd.GeoDataFrame, scene: SimulatedScene, shores: pd.DataFrame) -> Accuracy:
    """Compare with the truth; each lake keeps what is known of it, and its own shore error."""
    pixel = scene.grid.resolution
    truth = scene.truth
    result = validate(outlines, truth, min_area_m2=SMALLEST_M2[pixel], pixel_m=pixel)
    # The image lies off by its pointing error, which is no error of the outline.
    back = outlines.set_geometry(outlines.translate(*(-shift for shift in scene.shift_m)))
    centred = validate(back, truth, min_area_m2=SMALLEST_M2[pixel], pixel_m=pixel).lakes
    known = truth[["lake_id", "water", "lake_type", "cloud_shadow_fraction"]].copy()
    known["observed_fraction"] = truth["observed_fraction"]
    known["shown"] = (
        (truth["observed_fraction"] > 0.999)
        & (truth["cloud_shadow_fraction"] < 0.01)
        & (truth["shadow_fraction"] < 0.01)
        & (truth["frozen_fraction"] < 0.01)
    )
    shore = centred[["shore_points", "shore_sum_m", "shore_sum_m2"]].add_prefix("centred_")
    lakes = result.lakes.join(known).join(shore).join(shores, on="lake_id")
    # An area is given although less than 90 % of the lake can be seen.
    areas = outlines[outlines["status"] == "observed"] if "status" in outlines else outlines
    hidden = truth[truth["observed_fraction"] < 0.9].geometry.to_numpy()
    tree = shapely.STRtree(areas.geometry.to_numpy())
    lakes["area_though_hidden"] = False
    lakes.loc[truth["observed_fraction"] < 0.9, "area_though_hidden"] = np.isin(
        np.arange(len(hidden)), tree.query(hidden, predicate="intersects")[0]
    )
    status = outlines.get("status", "observed")
    return Accuracy(lakes, result.outlines.assign(status=status), result.min_area_m2)


def scenes_of_site(
    seed: int, conditions: tuple[Condition, ...] = CONDITIONS
) -> Iterator[tuple[Scene, Path, SimulatedScene, pd.DataFrame]]:
    """Simulate a site; yield each scene, the folder of its DEM, its truth and kinds of shore."""
    site = make_site(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dem(site, folder / "dem.tif")
        write_glaciers(site, folder / "glaciers.gpkg")
        for condition in conditions:
            acquisition = condition.acquisition(seed)
            simulated = simulate_scene(site, acquisition)
            scene = open_scene(write_product(simulated, folder))
            yield scene, folder, simulated, shore_kinds(site, acquisition)


def mapped(scene: Scene, folder: Path) -> gpd.GeoDataFrame:
    """Map a scene of a site."""
    return map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg").outlines


def rows_of_site(seed: int, conditions: tuple[Condition, ...] = CONDITIONS) -> list[pd.DataFrame]:
    """Simulate, map and compare all scenes of a site; return its lakes and outlines."""
    lakes, found = [], []
    scenes = scenes_of_site(seed, conditions)
    for condition, (scene, folder, simulated, shores) in zip(conditions, scenes, strict=True):
        methods = {"glacial_lakes": mapped(scene, folder)}
        methods |= {name: plain(scene, folder / "dem.tif") for name, plain in BASELINES.items()}
        for method, outlines in methods.items():
            result = compared(outlines, simulated, shores)
            told: dict[str, Any] = {
                "method": method,
                "site": seed,
                "condition": condition.name,
                "sensor": condition.sensor,
                "pixel": scene.grid.resolution,
            }
            lakes.append(result.lakes.assign(**told))
            found.append(result.outlines.assign(**told))
    return [pd.concat(lakes, ignore_index=True), pd.concat(found, ignore_index=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--development", action="store_true", help="other seeds; prints only")
    parser.add_argument("--sites", type=int, help="only so many seeds")
    parser.add_argument("--rows", type=Path, help="folder for the rows behind the tables")
    parser.add_argument("--worlds", choices=tuple(accuracy_worlds.SEEDS), help="not the sites")
    parser.add_argument("--seeds", type=int, nargs="+", help="worlds of these seeds instead")
    parser.add_argument("--limit", type=int, help="only so many worlds")
    parser.add_argument("--keep", type=Path, help="folder where worlds are kept, and read again")
    parser.add_argument("--outlines", type=Path, help="folder of outlines from map_worlds.py")
    options = parser.parse_args()
    if options.worlds:
        lakes, outlines, text = _worlds(options)
        is_kept = options.worlds == "kept" and options.seeds is None
        measured, whole = WORLDS_MEASURED, is_kept and options.limit is None
        whole = whole and options.outlines is None
    else:
        lakes, outlines = _sites(options)
        text = accuracy_tables.report(lakes, outlines)
        measured, whole = MEASURED, not options.development and options.sites is None
    if options.rows:
        options.rows.mkdir(parents=True, exist_ok=True)
        lakes.to_pickle(options.rows / "lakes.pkl")
        outlines.to_pickle(options.rows / "outlines.pkl")
    print(text)
    if whole:
        rewrite(DOCUMENT, text, measured)


def _worlds(options: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    seeds = (options.seeds or accuracy_worlds.SEEDS[options.worlds])[: options.limit]
    with tempfile.TemporaryDirectory() as name:
        lakes, outlines = accuracy_worlds.run(seeds, options.keep or Path(name), options.outlines)
    return lakes, outlines, accuracy_worlds.report(lakes, outlines)


def _sites(options: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    seeds = (DEVELOPMENT if options.development else KEPT)[: options.sites]
    jobs = [(seed, CONDITIONS) for seed in seeds]
    if not options.development and options.sites is None:
        jobs += [(seed, LANDSAT) for seed in KEPT_FOR_LANDSAT]
    with ProcessPoolExecutor(2) as pool:
        sites = list(pool.map(rows_of_site, *zip(*jobs, strict=True)))
    lakes, outlines = (pd.concat(part, ignore_index=True) for part in zip(*sites, strict=True))
    return lakes, outlines


if __name__ == "__main__":
    main()
