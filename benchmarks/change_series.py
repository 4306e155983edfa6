"""Mapped series of lakes whose true areas are known, for ``change.py``; kept on the disk.

Two kinds. A *site* has lakes that are constant, or grow evenly by a tenth or a fifth; a *world* has
constant lakes, and air, masks, faults of the image and georeferencing that vary from date to date.
Each series is mapped and tracked as any project, and its inventory is written beside the truth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from world_images import seen_on, write_ground

from glacial_lakes import schema
from glacial_lakes.change.errors import split
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene
from glacial_lakes.scenes.sensors import instrument
from glacial_lakes.simulate import make_site, simulate_scene
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.lakes import growing, stable
from glacial_lakes.simulate.placement import WISHES
from glacial_lakes.simulate.series import write_dem, write_glaciers, write_product
from glacial_lakes.simulate.worlds import World, look, make_world
from glacial_lakes.simulate.worlds.scene import write_image

START, END = 2013.0, 2025.0
"""Years between which lakes grow."""
GROWTH = (0.0, 0.0, 0.1, 0.2)
"""Of the lakes of a site, in turn."""
ALIKE = 0.4
"""Intersection over union of an outline with the lake that it shows."""


@dataclass(frozen=True)
class Known:
    """A mapped series and its truth."""

    name: str
    inventory: Inventory
    truth: pd.DataFrame
    """``day, sensor, true_id, area_m2, hidden, lake_id``, one row a true lake and date; the lake
    of the inventory is missing where none was found."""


def site_series(seed: int, schedule: Sequence[Acquisition], folder: Path, *, grow: bool) -> Known:
    """Return the series of a site, made when it is not in the folder."""
    name = f"site_{seed}"
    if (folder / name / "truth.csv").exists():
        return _read(folder, name)
    shares = GROWTH if grow else (0.0,)
    histories = [growing(1 / (1 + share), START, END) if share else stable() for share in shares]
    wishes = tuple(
        replace(wish, history=histories[n % len(histories)], joined=None)
        for n, wish in enumerate(WISHES)
    )
    site = make_site(seed, wishes=wishes)
    with tempfile.TemporaryDirectory() as there:
        aside = Path(there)
        write_dem(site, aside / "dem.tif")
        write_glaciers(site, aside / "glaciers.gpkg")

        def images() -> Iterator[tuple[Path, gpd.GeoDataFrame]]:
            for acquisition in schedule:
                scene = simulate_scene(site, acquisition)
                yield write_product(scene, aside / "scenes"), scene.truth

        return _made(folder, name, images(), aside)


def world_series(seed: int, dates: Sequence[tuple[str, str]], folder: Path) -> Known:
    """Return the series of a world with sensor and day of each image."""
    name = f"world_{seed}"
    if (folder / name / "truth.csv").exists():
        return _read(folder, name)
    site = seen_on(make_world(World.of(seed)), [(*date, "any") for date in dates])
    with tempfile.TemporaryDirectory() as there:
        aside = Path(there)
        write_ground(site, aside)

        def images() -> Iterator[tuple[Path, gpd.GeoDataFrame]]:
            for view in site.world.views:
                scene = look(site, view)
                yield write_image(scene, view, aside / "scenes"), scene.truth

        return _made(folder, name, images(), aside)


def _made(
    folder: Path, name: str, images: Iterator[tuple[Path, gpd.GeoDataFrame]], aside: Path
) -> Known:
    mapped, truths = [], []
    extra = {
        key: aside / file
        for key, file in (("dem", "dem.tif"), ("glaciers", "glaciers.gpkg"))
        if (aside / file).exists()
    }
    for product, truth in images:
        scene = open_scene(product)
        mapped.append(map_lakes(scene, **extra))
        truths.append((scene.acquired, scene.sensor, truth))
    inventory = track(mapped, glaciers=extra.get("glaciers"))
    table = pd.concat([known_of(inventory, *truth) for truth in truths], ignore_index=True)
    ids = (
        table.dropna(subset="lake_id")
        .groupby("true_id")["lake_id"]
        .agg(lambda names: names.mode().iloc[0])
    )
    table["lake_id"] = table["true_id"].map(ids)
    (folder / name).mkdir(parents=True, exist_ok=True)
    inventory.to_file(folder / name / "inventory.gpkg")
    table.to_csv(folder / name / "truth.csv", index=False)
    return _read(folder, name)


def known_of(
    inventory: Inventory, acquired: datetime, sensor: str, truth: gpd.GeoDataFrame
) -> pd.DataFrame:
    """Return the true lakes of a date with the lake whose outline shows each."""
    rows = inventory.outlines
    rows = rows[(rows["acquired"].dt.date == acquired.date()) & (rows["sensor"] == sensor)]
    rows = rows.to_crs(truth.crs)
    true, drawn = truth.geometry.to_numpy(), rows.geometry.to_numpy()
    lake, outline = shapely.STRtree(drawn).query(true, predicate="intersects")
    shared = shapely.area(shapely.intersection(true[lake], drawn[outline]))
    alike = shared / (shapely.area(true)[lake] + shapely.area(drawn)[outline] - shared) > ALIKE
    names = np.full(len(truth), None, dtype=object)
    names[lake[alike]] = rows["lake_id"].to_numpy()[outline[alike]]
    gone = 1 - truth["observed_fraction"] + truth["shadow_fraction"] + truth["frozen_fraction"]
    return pd.DataFrame(
        {
            "day": f"{acquired:%Y-%m-%d}",
            "sensor": sensor,
            "true_id": truth["lake_id"].astype(str),
            "area_m2": truth["area_m2"],
            "hidden": gone + truth["cloud_shadow_fraction"],
            "lake_id": names,
        }
    )


def named(name: str, inventory: Inventory, table: pd.DataFrame) -> Known:
    """Return a series in which each true lake has the lake that shows it most often."""
    ids = table.dropna(subset="lake_id").groupby("true_id")["lake_id"]
    table["lake_id"] = table["true_id"].map(ids.agg(lambda names: names.mode().iloc[0]))
    return Known(name, inventory, table)


def _read(folder: Path, name: str) -> Known:
    truth = pd.read_csv(folder / name / "truth.csv", dtype={"true_id": str, "lake_id": str})
    return Known(name, open_inventory(folder / name / "inventory.gpkg"), truth)


Numbers = npt.NDArray[np.float64]

SIZES_KM2 = (0.004, 0.3)
_PIXEL_M = {"S2A": 10.0, "S2B": 10.0, "LC08": 30.0, "LE07": 30.0, "LT05": 30.0}


def table_series(
    seed: int,
    lakes: int,
    dates: Sequence[tuple[str, str]],
    *,
    growth: float = 0.0,
    course: npt.ArrayLike = 1.0,
    km2: tuple[float, float] = SIZES_KM2,
    hide: float = 0.1,
    memory: float = 0.0,
    shift_px: float = 0.1,
    date_share: float = 0.38,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return observations of lakes without images, and their truth, as mapped ones err.

    The truth is the true area, and how much each date truly adds to its error.

    Parameters
    ----------
    seed, lakes : int
    dates : sequence of tuple of str
        Sensor and day of each image.
    growth : float
        Share by which each lake grows evenly from the first to the last date.
    course : array_like of float
        Size of each lake on each date besides, in shares of its first one.
    km2 : tuple of float
        Smallest and largest lake.
    hide : float
        Share of dates on which a lake is not seen.
    memory : float
        Correlation of the errors of two dates a year apart, beside what all dates share.
    shift_px, date_share : float
        Median error of outlines in pixels, and median share of it that a date adds.
    """
    rng = np.random.default_rng(seed)
    days = pd.to_datetime([day for _, day in dates], utc=True)
    years = ((days - days[0]) / pd.Timedelta(days=365.2425)).to_numpy()
    sensors = np.array([sensor for sensor, _ in dates])
    tools = instrument(pd.Series(sensors, dtype=object)).to_numpy()
    size = np.exp(rng.uniform(*np.log(np.array(km2) * 1e6), lakes))[:, None]
    true = size * (1 + growth * years / max(years[-1], 1e-9)) * np.asarray(course, dtype=float)
    pixel = np.array([_PIXEL_M[sensor] for sensor in sensors])
    shore = shift_px * np.exp(rng.normal(0, 0.35, (lakes, 1)))
    sigma = shore * pixel * 4.2 * np.sqrt(true) * np.exp(rng.normal(0, 0.12, true.shape))
    share = np.clip(date_share * np.exp(rng.normal(0, 0.3, (lakes, 1))), 0.1, 0.9)
    of_lake, shared = rng.normal(size=(lakes, 1)), np.zeros(true.shape)
    for tool in sorted(set(tools)):
        common, own = rng.normal(), rng.normal(size=(lakes, 1))
        drawn = np.sqrt(0.3) * common + np.sqrt(0.2) * of_lake + np.sqrt(0.5) * own
        shared[:, tools == tool] = np.repeat(drawn, (tools == tool).sum(), axis=1)
    noise = rng.normal(size=true.shape) * np.where(rng.random(true.shape) < 0.1, 1.8, 0.88)
    if memory:
        gaps = memory ** np.diff(years)
        for n, kept in enumerate(gaps, start=1):
            noise[:, n] = kept * noise[:, n - 1] + np.sqrt(1 - kept**2) * noise[:, n]
    area = true + sigma * (np.sqrt(1 - share**2) * shared + share * noise)
    hidden = rng.random(true.shape) < hide
    rows = _rows(f"L{seed}", dates, np.where(hidden, np.nan, area), sigma)
    truth = rows[["lake_id", "scene_id"]].assign(
        true_m2=true.ravel(), date_sigma_m2=(sigma * share).ravel()
    )
    return rows, truth


_DATE_ERROR = {"S2": 0.6, "LC": 1.0, "LE": 1.5, "LT": 1.5}
"""How much a date of an instrument errs beside one of Landsat 8."""


def unlike_series(
    seed: int,
    lakes: int,
    dates: Sequence[tuple[str, str]],
    *,
    larger: Mapping[str, float],
    spread: float = 0.02,
    told: float = 1.0,
    tails: bool = False,
    memory: float = 0.0,
    hide: float = 0.15,
) -> pd.DataFrame:
    """Return observations of constant lakes whose instruments draw unlike, and tell wrong errors.

    Nothing here follows from what images tell of their errors, other than in :func:`table_series`.

    Parameters
    ----------
    seed, lakes, dates, memory, hide
        As of :func:`table_series`.
    larger : mapping of str to float
        Share by which an instrument draws a lake of 0.03 km² larger; less of a larger lake.
    spread : float
        Standard deviation of that from lake to lake.
    told : float
        By how much the error that is told is larger than the true one.
    tails : bool
        Whether dates err as Student's t of four degrees of freedom does.
    """
    rng = np.random.default_rng(seed)
    days = pd.to_datetime([day for _, day in dates], utc=True)
    years = ((days - days[0]) / pd.Timedelta(days=365.2425)).to_numpy()
    tools = instrument(pd.Series([sensor for sensor, _ in dates], dtype=object)).to_numpy()
    size = np.exp(rng.uniform(*np.log(np.array((0.004, 0.5)) * 1e6), lakes))[:, None]
    of_size = np.sqrt(3e4 / size)
    off = np.zeros((lakes, len(dates)))
    for tool in sorted(set(tools)):
        own = larger.get(tool, 0.0) + spread * rng.normal(size=(lakes, 1))
        off[:, tools == tool] = own * of_size
    sigma = 0.015 * np.array([_DATE_ERROR[tool] for tool in tools]) * of_size
    noise = rng.standard_t(4, off.shape) / np.sqrt(2) if tails else rng.normal(size=off.shape)
    for n, kept in enumerate(memory ** np.diff(years) if memory else (), start=1):
        noise[:, n] = kept * noise[:, n - 1] + np.sqrt(1 - kept**2) * noise[:, n]
    area = size * np.maximum(1 + off + sigma * noise, 0.05)
    area[rng.random(off.shape) < hide] = np.nan
    usual = np.exp(rng.normal(0, 0.15, off.shape))
    return _rows(f"U{seed}", dates, area, told * size * np.hypot(sigma, 0.03 * of_size) * usual)


def _rows(
    name: str, dates: Sequence[tuple[str, str]], area: Numbers, sigma: Numbers
) -> pd.DataFrame:
    """Return observations of areas, shape (lake, date), missing where a lake is hidden."""
    lakes, hidden = len(area), np.isnan(area).ravel()
    rows = pd.DataFrame(
        {
            "lake_id": np.repeat([f"{name}-{n:04d}" for n in range(lakes)], len(dates)),
            "acquired": np.tile(pd.to_datetime([day for _, day in dates], utc=True), lakes),
            "scene_id": np.tile([f"{sensor} {day}" for sensor, day in dates], lakes),
            "sensor": np.tile([sensor for sensor, _ in dates], lakes),
            "status": np.where(hidden, "cloud", "observed"),
            "observed_fraction": np.where(hidden, 0.2, 1.0),
            "area_m2": np.maximum(area, 1.0).ravel(),
            "area_sigma_m2": np.where(hidden, np.nan, sigma.ravel()),
        }
    )
    rows = rows.assign(**split(schema.conform(rows, schema.OBSERVATIONS)))
    return schema.conform(rows, schema.OBSERVATIONS)
