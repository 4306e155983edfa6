"""A site: terrain, glaciers and lakes of one mountain area over the years, made from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS

from glacial_lakes.grid import Grid
from glacial_lakes.simulate.frame import (
    COARSE_M,
    CRS_NAME,
    FINE_M,
    MARGIN_M,
    NORTH,
    SCENE_M,
    WEST,
)
from glacial_lakes.simulate.glaciers import Glacier, make_glaciers
from glacial_lakes.simulate.ground import Ground, coarsened, make_ground
from glacial_lakes.simulate.lakes import Lake, LakeState, Strait, lakes_in
from glacial_lakes.simulate.noise import Field, generator
from glacial_lakes.simulate.placement import WISHES, Wish, place_lakes
from glacial_lakes.simulate.relief import Valley, make_relief


@dataclass(frozen=True, eq=False)
class Site:
    """One mountain area with its glaciers and lakes over the years.

    Made by :func:`make_site`.
    """

    seed: int
    terrain: Field
    """True elevation in metres with the lakes let in, on ``terrain_grid``."""
    valleys: tuple[Valley, ...]
    """Largest first."""
    glaciers: tuple[Glacier, ...]
    lakes: tuple[Lake, ...]
    straits: tuple[Strait, ...]

    @property
    def terrain_grid(self) -> Grid:
        """The grid of the terrain: cells of 10 m, 1.5 km wider than the scenes on each side."""
        corner = Affine(FINE_M, 0, WEST - MARGIN_M, 0, -FINE_M, NORTH + MARGIN_M)
        shape = (self.terrain.shape[0], self.terrain.shape[1])
        return Grid(CRS.from_string(CRS_NAME), corner, shape)

    @cached_property
    def centre_lonlat(self) -> tuple[float, float]:
        """Longitude and latitude of the centre in degrees."""
        to_lonlat = Transformer.from_crs(CRS_NAME, "EPSG:4326", always_xy=True)
        lon, lat = to_lonlat.transform(WEST + SCENE_M / 2, NORTH - SCENE_M / 2)
        return float(lon), float(lat)

    def lakes_in(self, year: float) -> list[LakeState]:
        """Return the lakes as they are in a (decimal) year."""
        return lakes_in(self.lakes, self.straits, year)

    @cached_property
    def ground(self) -> Ground:
        """The ground at 5 m, for Sentinel-2; made once."""
        return make_ground(self.seed, self.terrain, self.valleys, self.glaciers)

    @cached_property
    def coarse_ground(self) -> Ground:
        """The ground at 10 m, for Landsat; made once."""
        return coarsened(self.ground)


def make_site(seed: int, *, wishes: tuple[Wish, ...] = WISHES) -> Site:
    """Make a mountain area from a seed; equal arguments give equal sites.

    Parameters
    ----------
    seed : int
        Decides on relief, glaciers, lakes and ground.
    wishes : tuple of Wish
        The lakes to place, largest first; one that finds no place is left out.

    Returns
    -------
    Site
    """
    size = SCENE_M + 2 * MARGIN_M
    relief = make_relief(generator(seed, 1), size)
    glaciers = make_glaciers(generator(seed, 2), relief.valleys, round(size / COARSE_M))
    placed = place_lakes(generator(seed, 3), relief, glaciers, wishes)
    return Site(seed, placed.terrain, relief.valleys, glaciers, placed.lakes, placed.straits)
