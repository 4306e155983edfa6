"""All that varies from world to world, drawn from documented ranges by a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.noise import generator
from glacial_lakes.simulate.worlds.air import Air
from glacial_lakes.simulate.worlds.cover import Habit, Season
from glacial_lakes.simulate.worlds.elevation import DemFaults
from glacial_lakes.simulate.worlds.faults import ImageFaults
from glacial_lakes.simulate.worlds.frame import between, choose
from glacial_lakes.simulate.worlds.lakes import Lakes
from glacial_lakes.simulate.worlds.masks import MaskFaults
from glacial_lakes.simulate.worlds.materials import Palette
from glacial_lakes.simulate.worlds.relief import Mountains

DEVELOPMENT = range(20_000, 20_400)
"""Seeds of the worlds on which rules are made and weights fitted."""
KEPT = range(90_000, 90_048)
"""Seeds of the worlds that nobody fits to or looks into; they only measure."""

Group = Literal["clear", "hard", "landsat"]
GROUPS: tuple[Group, ...] = ("clear", "hard", "landsat")
"""Clear Sentinel-2; Sentinel-2 with snow, cloud or a low sun; Landsat."""


@dataclass(frozen=True, slots=True)
class View:
    """One image of a world."""

    group: Group
    condition: str
    acquisition: Acquisition
    season: Season
    air: Air
    masks: MaskFaults
    faults: ImageFaults


@dataclass(frozen=True, slots=True)
class World:
    """A mountain area and three images of it; everything that varies, and nothing random left.

    Made by :meth:`of`; a world with something changed is made by :func:`dataclasses.replace`.

    Examples
    --------
    >>> from glacial_lakes.simulate import World
    >>> World.of(20_001) == World.of(20_001)
    True
    """

    seed: int
    size_m: float
    """Edge of the images, a multiple of 60 m."""
    mountains: Mountains
    lakes: Lakes
    palette: Palette
    habit: Habit
    dem: DemFaults
    views: tuple[View, ...]

    @classmethod
    def of(cls, seed: int) -> World:
        """Draw the world of a seed."""
        rng = generator(seed, 100)
        size = float(60 * rng.integers(100, 136))
        if rng.random() < 0.1:
            size = float(60 * rng.integers(140, 168))
        return cls(
            seed=seed,
            size_m=size,
            mountains=Mountains.of(rng),
            lakes=Lakes.of(rng, size),
            palette=Palette.of(rng),
            habit=Habit.of(rng),
            dem=DemFaults.of(rng),
            views=tuple(_view(rng, seed, group) for group in GROUPS),
        )


def _view(rng: np.random.Generator, seed: int, group: Group) -> View:
    sentinel2 = group != "landsat"
    condition = "clear"
    if group == "hard":
        condition = choose(rng, cloud=0.45, snow=0.3, **{"low sun": 0.25})
    elif group == "landsat":
        condition = choose(rng, clear=0.6, cloud=0.25, snow=0.15)
    sensor = choose(rng, S2A=1, S2B=1) if sentinel2 else choose(rng, LC08=0.4, LT05=0.35, LE07=0.25)
    level = choose(rng, SR=0.7, TOA=0.3)
    month = {"low sun": 11, "snow": int(rng.choice([5, 6, 10]))}.get(
        condition, int(rng.integers(7, 10))
    )
    years = {"LT05": (1988, 2011), "LE07": (2000, 2003), "LC08": (2014, 2024)}
    year = int(rng.integers(*years.get(sensor, (2017, 2024))))
    minute = int(rng.integers(-12, 13)) + (57 if sentinel2 else 30)
    time = datetime(year, month, int(rng.integers(1, 28)), 5, 0, 7, tzinfo=UTC)
    time = time.replace(hour=5 + minute // 60, minute=minute % 60)
    baseline = "05.09" if year >= 2022 else choose(rng, **{"02.08": 1, "03.01": 1})
    air = Air.clear(rng, level, sentinel2=sentinel2)
    cloudy = air.cloudy(rng)
    if condition == "cloud":
        air = cloudy
    elif rng.random() < 0.25:  # even a good image has some small clouds, or a veil
        air = replace(air, cumulus=between(rng, 0.002, 0.01), veil=between(rng, 0.0, 0.08))
    snowy = condition == "snow"
    season = Season(
        snow_line=between(rng, 0.25, 0.7) if snowy else between(rng, 0.75, 1.05),
        fresh_line=between(rng, 0.0, 0.6) if snowy and rng.random() < 0.5 else 2.0,
        ice_line=between(rng, 0.2, 0.9) if snowy or rng.random() < 0.12 else 2.0,
        grass="dry grass" if month >= 9 or rng.random() < 0.2 else "meadow",
        glint=float(
            rng.choice([between(rng, 0.002, 0.008), between(rng, 0.008, 0.03)], p=[0.8, 0.2])
        ),
        bergs=between(rng, 0.0, 0.15) if rng.random() < 0.4 else 0.0,
    )
    return View(
        group=group,
        condition=condition,
        acquisition=Acquisition(time, sensor, baseline=baseline, seed=seed),  # type: ignore[arg-type]
        season=season,
        air=air,
        masks=MaskFaults.of(rng),
        faults=ImageFaults.of(rng, sensor),
    )
