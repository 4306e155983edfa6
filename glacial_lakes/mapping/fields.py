"""What mapping goes through on its way from pixels to outlines, kept as it goes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from glacial_lakes.columns import C
from glacial_lakes.grid import within
from glacial_lakes.io.extras import lazy_pixels
from glacial_lakes.mapping import indices
from glacial_lakes.mapping.classification import by_rules
from glacial_lakes.mapping.features import Features
from glacial_lakes.mapping.pixels import Pixels
from glacial_lakes.mapping.probability import lake_prob

if TYPE_CHECKING:
    import xarray as xr

    from glacial_lakes.mapping.candidates import Measured
    from glacial_lakes.mapping.mapped_scene import MappedScene

Bool = NDArray[np.bool_]

_LAYERS: dict[str, tuple[str, type, str]] = {
    "ndwi": ("float32", float, "normalised difference water index, NDWI"),
    "slope_deg": ("float32", float, "slope by the elevation model, degrees"),
    "illumination": ("float32", float, "direct light relative to level ground"),
    "seed": ("bool", bool, "pixels that may hold water"),
    "cloud": ("bool", bool, "cloud"),
    "snow_or_ice": ("bool", bool, "snow or ice in sunlight, by its spectrum"),
    "dark_slope": ("bool", bool, "steep slope in deep shade"),
}


@dataclass
class Fields:
    """Collects what a scene goes through; whoever maps tells it."""

    parts: list[tuple[Window, dict[str, NDArray[Any]]]] = field(default_factory=list)
    classified: list[tuple[Measured, Features, str]] = field(default_factory=list)

    def keep_pixels(self, core: Pixels, seeds: Bool) -> None:
        """Keep what is known of some rows."""
        green, nir = core.reflectance["green"], core.reflectance["nir"]
        ndwi = indices.ndwi_or_zero(green, nir)
        ndwi[~np.isfinite(green + nir)] = np.nan
        layers: dict[str, NDArray[Any]] = {
            "ndwi": ndwi,
            "slope_deg": core.slope_deg,
            "illumination": core.illumination,
            "seed": seeds.copy(),
            "cloud": core.cloud.copy(),
            "snow_or_ice": core.snow_or_ice.copy(),
            "dark_slope": core.dark_slope,
        }
        self.parts.append((core.window, layers))

    def keep_classified(self, one: Measured, found: Features, category: str) -> None:
        """Keep an outline of a candidate, its features, and what it was taken for."""
        self.classified.append((one, found, category))

    def to_xarray(self, mapped: MappedScene, window: Window) -> xr.Dataset:
        """Return all of it on the grid of a mapped scene.

        Parameters
        ----------
        mapped : MappedScene
            What came of it.
        window : Window
            Of its grid, on that of the scene.
        """
        cube = mapped.to_xarray()
        shape = cube.sizes["y"], cube.sizes["x"]
        for name, (dtype, kind, meaning) in _LAYERS.items():
            plane = np.full(shape, np.nan if kind is float else False, dtype)
            for part, layers in self.parts:
                _lay(layers[name], part, plane, window)
            cube[name] = (("y", "x"), plane, {"long_name": meaning, "grid_mapping": "spatial_ref"})
        water = np.full(shape, np.nan, np.float32)
        numbers = np.zeros(shape, np.int32)
        for number, one in enumerate((one for one, _, _ in self.classified), 1):
            known = cast("NDArray[np.float32]", one.fraction)
            _lay(known, one.window, water, window, np.fmax)
            _lay(one.body * np.int32(number), one.window, numbers, window, np.maximum)
        cube["water_fraction"] = (
            ("y", "x"),
            water,
            {"long_name": "fraction of water", "units": "1", "grid_mapping": "spatial_ref"},
        )
        cube["candidate"] = (
            ("y", "x"),
            numbers,
            {"long_name": "number of the candidate, or 0", "grid_mapping": "spatial_ref"},
        )
        return cube.assign(self._of_candidates()).assign_coords(
            number=("number", np.arange(1, len(self.classified) + 1, dtype=np.int32))
        )

    def _of_candidates(self) -> dict[str, Any]:
        """Return what is told of each candidate, by its number."""
        columns: dict[str, NDArray[Any]] = {
            f"feature_{each.name}": np.array(
                [getattr(found, each.name) for _, found, _ in self.classified]
            )
            for each in fields(Features)
        }
        likely = [lake_prob(found, by_rules(found)) for _, found, _ in self.classified]
        columns |= {
            "level": np.array([one.level for one, _, _ in self.classified], float),
            "category": np.array([category for _, _, category in self.classified], str),
        }
        columns[C.LAKE_PROB] = np.array([prob for prob, _ in likely], float)
        columns[C.LAKE_PROB_REASONS] = np.array([reasons for _, reasons in likely], str)
        return {name: ("number", values) for name, values in columns.items()}


def require_xarray() -> None:
    """Refuse to begin what only xarray can hold in the end."""
    lazy_pixels()


def _lay(
    values: NDArray[Any], window: Window, plane: NDArray[Any], there: Window, how: Any = None
) -> None:
    """Lay the values of a window into the plane of another one, as far as both reach."""
    top, left = max(window.row_off, there.row_off), max(window.col_off, there.col_off)
    bottom = min(window.row_off + window.height, there.row_off + there.height)
    right = min(window.col_off + window.width, there.col_off + there.width)
    if bottom <= top or right <= left:
        return
    both = Window(left, top, right - left, bottom - top)
    into, taken = plane[within(both, there)], values[within(both, window)]
    into[:] = taken if how is None else how(into, taken)
