"""A world made: its ground and lakes, its images, and the products on the disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry import Polygon
from skimage.measure import find_contours

from glacial_lakes.columns import C
from glacial_lakes.grid import Grid, placed
from glacial_lakes.simulate.camera import develop, pointing, scan_gaps, take
from glacial_lakes.simulate.frame import CRS_NAME, FINE_M, NORTH, WEST, block_mean
from glacial_lakes.simulate.landsat import write_landsat
from glacial_lakes.simulate.landsat_level1 import write_landsat_level1
from glacial_lakes.simulate.noise import Field, generator
from glacial_lakes.simulate.quality import label_pixels
from glacial_lakes.simulate.scene import SLC_FAILURE, SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.sentinel2 import write_sentinel2
from glacial_lakes.simulate.series import fixed_date, write_layer
from glacial_lakes.simulate.sky import Sky
from glacial_lakes.simulate.truth import geodesic_area_m2
from glacial_lakes.simulate.worlds import elevation
from glacial_lakes.simulate.worlds.air import make_sky, see
from glacial_lakes.simulate.worlds.chip import write_chip
from glacial_lakes.simulate.worlds.cover import Ground, LakeCover, make_ground, make_surface
from glacial_lakes.simulate.worlds.drainage import CELL_M as DRAINAGE_M
from glacial_lakes.simulate.worlds.drainage import Ice, drain, glaciers
from glacial_lakes.simulate.worlds.faults import dropped, stepped, warped
from glacial_lakes.simulate.worlds.frame import Frame, finer
from glacial_lakes.simulate.worlds.lakes import Lake, place
from glacial_lakes.simulate.worlds.masks import lie
from glacial_lakes.simulate.worlds.relief import from_dem, make_mountains
from glacial_lakes.simulate.worlds.world import View, World

OPAQUE = 0.5
"""Optical thickness of cloud from which a cell counts as hidden."""
MAPPED_YEARS_AGO = 12.0


@dataclass(frozen=True, eq=False)
class WorldSite:
    """The ground of a world, made once for its images."""

    world: World
    frame: Frame
    bare: Field
    """Elevation before lakes lie in it, metres, cells of 10 m."""
    terrain: Field
    """Elevation with them."""
    lakes: tuple[Lake, ...]
    ice: Ice
    ground: Ground
    rivers: tuple[Polygon, ...]
    """True running water: an outline there is false."""

    @cached_property
    def coarse_ground(self) -> Ground:
        """The ground at 10 m, for Landsat."""
        return self.ground.for_landsat()

    def dem(self) -> tuple[Field, object] | None:
        """Return the DEM that comes with the world and its transform, or None."""
        inside = finer(self.ice.inside_m, round(DRAINAGE_M / FINE_M))
        low = finer(self.ice.lowness, round(DRAINAGE_M / FINE_M)) * (inside > -150.0)
        size = self.terrain.shape[0]
        low = np.pad(low, [(0, size - low.shape[0])] * 2, mode="edge")
        return elevation.make_dem(self.world.seed, self.world.dem, self.terrain, self.bare, low)

    def glacier_outlines(self) -> gpd.GeoDataFrame:
        """Return outlines of the glaciers as an inventory of some years ago has them."""
        field = np.pad(self.ice.inside_m + np.float32(25.0), 1, constant_values=-600.0)
        rim = WEST - 1500.0
        parts = []
        for ring in find_contours(field, 0.0):  # type: ignore[no-untyped-call]
            if len(ring) < 8:
                continue
            x = rim + (ring[:, 1] - 0.5) * DRAINAGE_M
            y = NORTH + 1500.0 - (ring[:, 0] - 0.5) * DRAINAGE_M
            part = Polygon(np.column_stack([x, y])).buffer(0)
            parts += [p for p in getattr(part, "geoms", [part]) if p.area > 2e4]
        year = f"{self.world.views[0].acquisition.time.year - MAPPED_YEARS_AGO:.0f}"
        names = [f"G{number + 1:03d}" for number in range(len(parts))]
        return gpd.GeoDataFrame(
            {C.GLACIER_ID: names, "src_date": year}, geometry=parts, crs=CRS_NAME
        )


def make_world(
    world: World, *, relief: Path | NDArray[np.float32] | None = None, cell_m: float | None = None
) -> WorldSite:
    """Make the ground and the lakes of a world; equal arguments give equal ground.

    Parameters
    ----------
    world : World
        From :meth:`World.of`.
    relief : pathlib.Path or numpy.ndarray, optional
        A DEM in metres to take the relief from, as a file or an array without voids; else it is
        carved from the seed.
    cell_m : float, optional
        Cell edge of an array, metres; 30 if not given.

    Examples
    --------
    >>> from glacial_lakes import simulate
    >>> site = simulate.make_world(simulate.World.of(20_001))
    >>> len(site.lakes) > 20
    True
    """
    frame = Frame(world.size_m)
    if relief is None:
        bare = make_mountains(world.seed, world.mountains, frame)
    else:
        bare = from_dem(relief, world.seed, frame, cell_m=cell_m)
    drainage = drain(bare)
    line = float(np.quantile(bare, world.habit.ice_line))
    ice = glaciers(drainage, line, world.habit.balance_gradient)
    there = place(world.seed, world.lakes, bare, drainage, ice, frame)
    ground, rivers = make_ground(world.seed, frame, there.terrain, drainage, ice, world.habit)
    return WorldSite(world, frame, bare, there.terrain, there.lakes, ice, ground, tuple(rivers))


def look(site: WorldSite, view: View) -> SimulatedScene:
    """Simulate one image of a world; equal arguments give equal images."""
    world, frame = site.world, site.frame
    number = world.views.index(view) if view in world.views else 0
    sensor = view.acquisition.instrument
    landsat = view.group == "landsat"
    ground = site.coarse_ground if landsat else site.ground
    signal, covers = make_surface(
        world.seed, frame, ground, site.lakes, world.palette, world.habit, view.season
    )
    to_lonlat = Transformer.from_crs(CRS_NAME, "EPSG:4326", always_xy=True)
    centre = to_lonlat.transform(WEST + world.size_m / 2, NORTH - world.size_m / 2)
    sun = view.acquisition.sun(*centre)
    largest = max((lake.outline for lake in site.lakes), key=lambda one: one.area, default=None)
    sky = make_sky(world.seed, frame, site.terrain, ground, view.air, sun, number, largest)
    see(signal, ground, sky, view.air)
    rng = generator(world.seed, 111, number)
    shift = pointing(rng, sensor)
    grid = frame.grid(min(sensor.pixel_m), landsat=landsat)
    transform = frame.ground_transform(ground.cell_m)
    first = round((grid.transform.c - transform.c) / ground.cell_m)

    def pixels(
        field: Field, pixel_m: float, blur_m: float, moved: tuple[float, float] = (0, 0)
    ) -> Field:
        return take(
            field,
            cell_m=ground.cell_m,
            first=first,
            count=round(frame.size_m / pixel_m),
            pixel_m=pixel_m,
            blur_m=blur_m,
            shift_m=(shift[0] + moved[0] * pixel_m, shift[1] - moved[1] * pixel_m),
        )

    bands: dict[str, Field] = {}
    saturated = np.zeros(grid.shape, np.uint8)
    for band, name in enumerate(BANDS):
        pixel = sensor.pixel_m[band]
        seen = pixels(signal[band], pixel, sensor.blur_m[band], view.faults.band_shift_px[band])
        noisy, full = develop(rng, seen, sensor, band, sun_elevation_deg=sun[1])
        bands[name] = stepped(warped(noisy, view.faults), view.faults.step)
        if full.shape == grid.shape:
            saturated |= full.astype(np.uint8) << band
    if view.faults.dropped_lines:
        bands, _ = dropped(bands, view.faults.dropped_lines, rng)
    if sensor.name == "LE07" and view.acquisition.time > SLC_FAILURE:
        gaps = scan_gaps(rng, *grid.shape)
        bands = {name: np.where(gaps, np.float32(np.nan), band) for name, band in bands.items()}
        saturated[gaps] = 0
    mask_m = max(sensor.pixel_m)
    factor = round(mask_m / grid.resolution)
    coarse = {
        name: block_mean(band, factor) if band.shape == grid.shape else band
        for name, band in bands.items()
    }
    labels = label_pixels(
        rng,
        coarse,
        pixels(sky.cloud, mask_m, 1.0),
        pixels(sky.shade, mask_m, 1.0),
        pixel_m=mask_m,
        dilation=3 if landsat else 2,
    )
    labels = lie(
        labels,
        view.masks,
        rng,
        pixel_m=mask_m,
        green=coarse["green"],
        lakes=[_pixels_of(cover, ground, frame, grid, mask_m) for cover in covers],
    )
    truth = _truth(covers, ground, frame, sky, (grid, np.isnan(bands["green"])))
    return SimulatedScene(
        acquisition=view.acquisition,
        grid=grid,
        bands=bands,
        saturated=saturated,
        labels=labels,
        truth=truth,
        empty_places=pd.Series(dtype="float64"),
        sun_azimuth_deg=sun[0],
        sun_elevation_deg=sun[1],
        shift_m=shift,
    )


def _pixels_of(
    cover: LakeCover, ground: Ground, frame: Frame, grid: Grid, pixel_m: float
) -> NDArray[np.intp]:
    """Return the flat indices of the mask's pixels that a lake touches, one pixel wider."""
    count = round(frame.size_m / pixel_m)
    wet = np.argwhere(cover.share > 0.3)
    transform = frame.ground_transform(ground.cell_m)
    x, y = placed(
        transform,
        wet[:, 1] + cover.window[1].start + 0.5,
        wet[:, 0] + cover.window[0].start + 0.5,
    )
    col = np.floor((x - grid.transform.c) / pixel_m).astype(np.intp)
    row = np.floor((grid.transform.f - y) / pixel_m).astype(np.intp)
    good = (col >= 0) & (col < count) & (row >= 0) & (row < count)
    return np.unique(row[good] * count + col[good])


def _is_missing(
    cover: LakeCover, ground: Ground, frame: Frame, missing: tuple[Grid, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Tell which cells of a lake's window lie in pixels without data."""
    grid, absent = missing
    transform = frame.ground_transform(ground.cell_m)
    row, col = np.mgrid[cover.window] + 0.5
    x, y = placed(transform, col, row)
    pixel_col, pixel_row = placed(~grid.transform, x, y)
    at = np.clip(np.floor([pixel_row, pixel_col]).astype(np.intp), 0, absent.shape[0] - 1)
    return np.asarray(absent[at[0], at[1]])


def _truth(
    covers: tuple[LakeCover, ...],
    ground: Ground,
    frame: Frame,
    sky: Sky,
    missing: tuple[Grid, NDArray[np.bool_]],
) -> gpd.GeoDataFrame:
    """Return one row a lake, with the columns of :func:`glacial_lakes.simulate.truth.lake_truth`.

    Besides: ``kind`` of water, ``shape``, ``edge_fraction`` (share outside of the image), and
    ``veil`` (mean optical thickness of thin cloud over it).
    """
    transform = frame.ground_transform(ground.cell_m)
    y = NORTH - (transform.f - (np.arange(ground.shape[0]) + 0.5) * ground.cell_m)
    x = (transform.c + (np.arange(ground.shape[1]) + 0.5) * ground.cell_m) - WEST
    rows_in, cols_in = (y > 0) & (y < frame.size_m), (x > 0) & (x < frame.size_m)
    rows = []
    for cover in covers:
        window, lake = cover.window, cover.lake
        planar = lake.outline.area / ground.cell_m**2

        def share(field: NDArray[np.bool_] | Field, cover: LakeCover = cover) -> float:
            total = float(cover.share.sum(dtype=np.float64))
            return round(float((cover.share * field).sum(dtype=np.float64)) / max(total, 1e-9), 4)

        inside = rows_in[window[0]][:, None] & cols_in[window[1]][None, :]
        shown = float((cover.share * inside).sum(dtype=np.float64)) / max(planar, 1e-9)
        if shown <= 0.02:
            continue
        edge = 0.0 if shown > 0.985 and inside[cover.share > 0].all() else 1.0 - min(shown, 1.0)
        cloud = sky.cloud[window] > OPAQUE
        if missing[1].any():
            cloud = cloud | _is_missing(cover, ground, frame, missing)
        shaded = share(sky.lit[window] < 0.5)
        hidden = share(cloud)
        rows.append(
            {
                C.LAKE_ID: lake.lake_id,
                C.AREA_M2: round(geodesic_area_m2(lake.outline), 2),
                C.OBSERVED_FRACTION: round(max((1.0 - hidden) * (1.0 - edge), 0.0), 4),
                "cloud_fraction": hidden,
                "cloud_shadow_fraction": share((sky.shade[window] > OPAQUE) & ~cloud),
                "shadow_fraction": shaded,
                "in_shadow": shaded >= 0.5,
                "frozen_fraction": share(cover.ice),
                C.LAKE_TYPE: lake.lake_type,
                "water": lake.water.kind,
                "history": "stable",
                C.ELEV_M: round(lake.level_m, 1),
                "kind": lake.kind,
                "shape": lake.shape,
                "edge_fraction": round(edge, 4),
                "veil": share(np.where(cloud, 0.0, sky.cloud[window])),
                "geometry": lake.outline,
            }
        )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=CRS_NAME)


@dataclass(frozen=True, eq=False)
class Image:
    """One image of a world on the disk."""

    view: View
    product: Path
    truth: gpd.GeoDataFrame
    shift_m: tuple[float, float]
    """How far the image lies east and north of the truth."""


@dataclass(frozen=True, eq=False)
class WrittenWorld:
    """A world on the disk."""

    world: World
    folder: Path
    dem: Path | None
    glaciers: Path | None
    rivers: Path
    images: tuple[Image, ...]


def write_world(
    world: World,
    folder: Path,
    *,
    relief: Path | NDArray[np.float32] | None = None,
    cell_m: float | None = None,
) -> WrittenWorld:
    """Make a world and write its products, DEM, glaciers, rivers and truth.

    What a folder holds of the same world is read again instead of being made anew.

    Parameters
    ----------
    world : World
        What to make.
    folder : pathlib.Path
        A folder of the world's own.
    relief, cell_m : optional
        As in :func:`make_world`.

    Returns
    -------
    WrittenWorld
        ``dem`` and ``glaciers`` are None where the world has none.
    """
    if (folder / "truth.gpkg").exists():
        return _read(world, folder)
    site = make_world(world, relief=relief, cell_m=cell_m)
    folder.mkdir(parents=True, exist_ok=True)
    dem = site.dem()
    if dem is not None:
        elevation.write(dem[0], dem[1], folder / "dem.tif")  # type: ignore[arg-type]
    with fixed_date():
        ice = site.glacier_outlines()
        if len(ice):
            write_layer(folder / "glaciers.gpkg", "glaciers", ice, append=False)
        rivers = gpd.GeoDataFrame(geometry=list(site.rivers), crs=CRS_NAME)
        write_layer(folder / "rivers.gpkg", "rivers", rivers, append=False)
    tables, listing = [], {}
    for view in world.views:
        scene = look(site, view)
        product = write_image(scene, view, folder / "scenes")
        listing[view.group] = product.relative_to(folder).as_posix()
        tables.append(
            scene.truth.assign(group=view.group, shift_e=scene.shift_m[0], shift_n=scene.shift_m[1])
        )
    together = pd.concat(tables, ignore_index=True)
    part = folder / "truth.part.gpkg"
    with fixed_date():
        table = gpd.GeoDataFrame(together, geometry="geometry", crs=CRS_NAME)
        write_layer(part, "truth", table, append=False)
    (folder / "images.json").write_text(json.dumps(listing, indent=1), encoding="utf-8")
    part.rename(folder / "truth.gpkg")
    return _read(world, folder)


def write_image(scene: SimulatedScene, view: View, folder: Path) -> Path:
    """Write a scene as the product, or the chip, of its view and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    toa = view.air.level == "TOA"
    if view.chip:
        return write_chip(scene, view, folder)
    if view.group != "landsat":
        return write_sentinel2(scene, folder, level="L1C" if toa else "L2A")
    if toa:
        return write_landsat_level1(scene, folder, 1)
    return write_landsat(scene, folder)


def _read(world: World, folder: Path) -> WrittenWorld:
    truth = gpd.read_file(folder / "truth.gpkg", layer="truth")
    listing = json.loads((folder / "images.json").read_text(encoding="utf-8"))
    images = []
    for view in world.views:
        own = truth[truth["group"] == view.group].reset_index(drop=True)
        shift = own[["shift_e", "shift_n"]].max()  # one value an image
        images.append(
            Image(
                view,
                folder / listing[view.group],
                own,
                (float(shift["shift_e"]), float(shift["shift_n"])),
            )
        )
    dem, ice = folder / "dem.tif", folder / "glaciers.gpkg"
    return WrittenWorld(
        world,
        folder,
        dem if dem.exists() else None,
        ice if ice.exists() else None,
        folder / "rivers.gpkg",
        tuple(images),
    )
