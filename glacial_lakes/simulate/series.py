"""A series of scenes of one site, with the inputs that mapping takes and the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
from scipy import ndimage

from glacial_lakes.columns import C
from glacial_lakes.errors import OutputError
from glacial_lakes.grid import shifted
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.events import DateView, lake_events
from glacial_lakes.simulate.frame import COARSE_M, CRS_NAME, FINE_M, block_mean
from glacial_lakes.simulate.glaciers import glacier_outline
from glacial_lakes.simulate.landsat import landsat_name, write_landsat
from glacial_lakes.simulate.noise import fractal_field, generator
from glacial_lakes.simulate.scene import SimulatedScene, simulate_scene
from glacial_lakes.simulate.sentinel2 import sentinel2_name, write_sentinel2
from glacial_lakes.simulate.site import Site
from glacial_lakes.simulate.truth import geodesic_area_m2

GLACIER_YEAR = 2003.0
"""Glacier outlines are those of one year, as in a glacier inventory: the ice retreats from them."""


@dataclass(frozen=True)
class Series:
    """What a series consists of."""

    folder: Path
    products: tuple[Path, ...]
    """In order of the schedule."""


def product_name(acquisition: Acquisition) -> str:
    """Return the name of the folder that the product of an acquisition has."""
    if acquisition.sensor in {"S2A", "S2B"}:
        return sentinel2_name(acquisition)
    return landsat_name(acquisition)


def write_product(scene: SimulatedScene, folder: Path) -> Path:
    """Write a scene in the layout of its sensor and return the product's folder.

    Raises
    ------
    OutputError
        When a product of that name is there already.
    """
    product = folder / product_name(scene.acquisition)
    if product.exists():
        raise OutputError(product, "the product is there already", "choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    if product.suffix == ".SAFE":
        return write_sentinel2(scene, folder)
    return write_landsat(scene, folder)


RESULTS = ("dem.tif", "glaciers.gpkg", "truth.gpkg", "truth_events.csv")
"""What a series has beside its products."""


def simulate_series(site: Site, schedule: Sequence[Acquisition], folder: Path) -> Series:
    """Simulate all scenes of a schedule and write them with their ancillary data and truth.

    Written into ``folder``: ``scenes/`` with one product a date, ``dem.tif``,
    ``glaciers.gpkg``, ``truth.gpkg`` (a layer a date) and ``truth_events.csv``.

    Parameters
    ----------
    site : Site
        Where.
    schedule : sequence of Acquisition
        Dates, in order of time.
    folder : pathlib.Path
        Must not hold products of the same names yet.

    Returns
    -------
    Series

    Raises
    ------
    OutputError
        When a product of the same name is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_dem(site, folder / "dem.tif")
    products: list[Path] = []
    views: list[DateView] = []
    with fixed_date():
        write_glaciers(site, folder / "glaciers.gpkg")
        for acquisition in schedule:
            scene = simulate_scene(site, acquisition)
            products.append(write_product(scene, folder / "scenes"))
            view = DateView(acquisition, scene.truth, scene.empty_places)
            write_layer(folder / "truth.gpkg", view.date, scene.truth, append=bool(views))
            views.append(view)
    events = lake_events(site, views)
    events.to_csv(folder / "truth_events.csv", index=False, lineterminator="\n")
    return Series(folder, tuple(products))


def write_dem(site: Site, path: Path) -> None:
    """Write the DEM of the site: 30 m, blurred and with errors as satellite DEMs have.

    The vertical error of the Copernicus DEM is about 2–4 m, correlated over a few hundred
    metres, and larger on steep slopes (Copernicus DEM Product Handbook).
    """
    terrain = ndimage.gaussian_filter(site.terrain, 1.2)
    dem = block_mean(terrain, round(COARSE_M / FINE_M))
    rng = generator(site.seed, 51)
    steep = np.hypot(*np.gradient(dem, COARSE_M))
    wide = fractal_field(rng, dem.shape, COARSE_M, longest_m=1500.0, hurst=0.6)
    grain = rng.standard_normal(dem.shape, dtype=np.float32)
    dem = dem + (0.9 + 2.2 * steep) * wide + 0.45 * grain
    rim = 6  # the outermost 180 m would show the edge of the simulated world
    dem = np.round(dem[rim:-rim, rim:-rim], 2).astype(np.float32)
    grid = site.terrain_grid.coarsened(round(COARSE_M / FINE_M))
    transform = shifted(grid.transform, rim, rim)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=dem.shape[1],
        height=dem.shape[0],
        count=1,
        dtype="float32",
        crs=grid.crs,
        transform=transform,
        nodata=-9999.0,
        compress="deflate",
        zlevel=9,
        predictor=3,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as dataset:
        dataset.write(dem, 1)


def write_glaciers(site: Site, path: Path) -> None:
    """Write the glacier outlines of :data:`GLACIER_YEAR` with their ``glacier_id`` and date."""
    outlines = [glacier_outline(glacier, GLACIER_YEAR) for glacier in site.glaciers]
    table = gpd.GeoDataFrame(
        {
            C.GLACIER_ID: [glacier.glacier_id for glacier in site.glaciers],
            "src_date": f"{GLACIER_YEAR:.0f}",
        },
        geometry=outlines,
        crs=CRS_NAME,
    )
    table.insert(2, C.AREA_M2, [round(geodesic_area_m2(outline), 1) for outline in outlines])
    write_layer(path, "glaciers", table, append=False)


def write_layer(path: Path, layer: str, table: gpd.GeoDataFrame, *, append: bool) -> None:
    """Write a layer of polygons into a GeoPackage, the same bytes for the same table."""
    pyogrio.write_dataframe(
        table,
        path,
        layer=layer,
        driver="GPKG",
        append=append,
        dataset_options={} if append else {"VERSION": "1.2"},
        layer_options={"SPATIAL_INDEX": "NO"},
        geometry_type="Polygon",
    )


@contextmanager
def fixed_date() -> Iterator[None]:
    """Let GeoPackages be written with a fixed date, so that equal data give equal bytes."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
