"""What is the same for all candidates of a scene: bands, terrain, air, what proposes water."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.mapping import masks
from glacial_lakes.mapping.candidates import Candidate, Measured, measure
from glacial_lakes.mapping.fields import Fields
from glacial_lakes.mapping.outside_model import OutsideModel
from glacial_lakes.mapping.path_radiance import path_reflectance
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.mapping.read_mask import Blocks
from glacial_lakes.mapping.seeds import Proposer
from glacial_lakes.scenes import Scene
from glacial_lakes.scenes.dem import Dem
from glacial_lakes.scenes.sensors import is_top_of_atmosphere
from glacial_lakes.terrain import Terrain, read_terrain

Look = Callable[[Window, dict[str, NDArray[np.float32]]], None]


@dataclass(frozen=True)
class Job:
    """What is the same for all candidates of a scene."""

    scene: Scene
    dem: Dem | None
    propose: Proposer
    blocks: Blocks
    bands: list[str]
    """That are read."""
    outline_bands: list[str]
    smallest_m2: float
    may_hold_ice: bool
    look: Look | None = None
    model: OutsideModel | None = None
    """What proposes, when it may leave ground unanswered."""
    fields: Fields | None = None
    """What keeps all that is gone through, when somebody asks for it."""
    asked: tuple[shapely.Geometry, ...] = ()
    """On the map of the scene, each of which a lake meets, or nothing is told of it."""

    @cached_property
    def terrain(self) -> Terrain | None:
        """The DEM for the scene's sun; None without one."""
        if self.dem is None:
            return None
        sun = self.scene.sun_azimuth_deg, self.scene.sun_elevation_deg
        return read_terrain(self.dem, self.scene.grid, *sun)

    @cached_property
    def path(self) -> dict[str, float]:
        """Reflectance of the air in the bands that are read."""
        if not is_top_of_atmosphere(self.scene.level):
            return {}
        height = None
        if self.terrain is not None:
            coarse = self.scene.grid.coarsened(16)
            heights = self.terrain.on(coarse.transform, coarse.shape, "elevation_m")
            height = float(np.nanmedian(heights))
        return path_reflectance(self.scene, self.bands, height)

    def wants(self, outline: shapely.Geometry) -> bool:
        """Return whether anything may be told of a lake."""
        return all(outline.intersects(places) for places in self.asked)

    def seeds(self, pixels: Pixels) -> NDArray[np.bool_]:
        """Return the pixels that may hold water."""
        cloud = pixels.cloud & ~masks.shows_water(pixels.reflectance)
        excluded = pixels.snow_or_ice | cloud | pixels.dark_slope
        return self.propose(pixels, excluded)

    def measure(self, pixels: Pixels, candidate: Candidate) -> list[Measured]:
        """Draw and measure the outlines of a candidate."""
        return measure(
            pixels,
            candidate,
            self.scene.grid,
            bands=self.outline_bands,
            smallest_m2=self.smallest_m2,
            sun_elevation_deg=self.scene.sun_elevation_deg,
            may_hold_ice=self.may_hold_ice,
            has_cloud_mask=self.scene.quality is not None,
            air=self.path.get("green", 0.0),
            model=self.model,
            keep_fraction=self.fields is not None,
        )
