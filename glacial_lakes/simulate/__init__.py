"""Scenes with known truth, in the true layout of their products.

A :class:`Site` is a mountain area made from a seed. An :class:`Acquisition` tells when, by which
sensor and in what weather it is seen. :func:`simulate_scene` returns one scene,
:func:`simulate_series` writes a whole series of products with DEM, glaciers and truth::

    from datetime import UTC, datetime
    from pathlib import Path
    from glacial_lakes.simulate import Acquisition, make_site, simulate_series

    site = make_site(seed=3)
    dates = [Acquisition(datetime(2021, 8, 20, 5, 57, tzinfo=UTC), "S2A", cloud_fraction=0.2)]
    simulate_series(site, dates, Path("scenes_of_site_3"))

The simulator knows nothing of the mapper: it shares no code, no spectra and no mixing model
with it. ``docs/simulator.md`` tells every assumption and its source.
"""

from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.placement import WISHES, Wish
from glacial_lakes.simulate.scene import SimulatedScene, simulate_scene
from glacial_lakes.simulate.sensors import SENSORS, Sensor
from glacial_lakes.simulate.series import Series, simulate_series, write_product
from glacial_lakes.simulate.site import Site, make_site
from glacial_lakes.simulate.worlds import World, WorldSite, WrittenWorld, make_world, write_world

__all__ = [
    "SENSORS",
    "WISHES",
    "Acquisition",
    "Sensor",
    "Series",
    "SimulatedScene",
    "Site",
    "Wish",
    "World",
    "WorldSite",
    "WrittenWorld",
    "make_site",
    "make_world",
    "simulate_scene",
    "simulate_series",
    "write_product",
    "write_world",
]
