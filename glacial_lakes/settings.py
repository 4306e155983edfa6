"""The project file as frozen dataclasses: every default with its unit and source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class MappingSettings:
    """How one scene is mapped."""

    index: str = "auto"
    """Water index of the seeds: ``auto`` chooses by sensor, or a name in :mod:`indices`."""
    min_pixels: float = 5.0
    """Smallest lake in pixels of the scene (Lesi et al. 2022)."""
    min_observed_fraction: float = 0.9
    """Below this share of a lake seen, its area is null (the rule of DEA Waterbodies)."""
    max_slope_deg: float = 20.0
    """Mean slope above which an object is no lake (10–20° in the literature)."""
    block_size: int = 2048
    """Pixels of a block edge: sets memory, never the result."""


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """How outlines of many dates become lakes."""

    min_overlap: float = 0.3
    """Smallest intersection over the smaller area that links two outlines."""
    max_distance_m: float = 200.0
    """Farthest gap between outlines that may still be one lake (GeoKauko: overlap, then 200 m)."""
    drained_fraction: float = 0.3
    """A lake has drained when it keeps less than this share of its area."""


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """Table ``[project]``."""

    name: str = "Glacial lakes"
    output: str = "output"
    """Folder for results, relative to the project file."""
    language: Literal["en", "ru"] = "en"


@dataclass(frozen=True, slots=True)
class AreaSettings:
    """Table ``[area]``."""

    aoi: str | None = None
    min_area_m2: float | None = None
    """Smallest lake in the inventory; None: ``min_pixels`` of each scene."""
    glacier_buffer_m: float | None = 10_000.0
    """Lakes farther than this from any glacier are left out (Wang et al. 2020)."""


@dataclass(frozen=True, slots=True)
class InputSettings:
    """Table ``[inputs]``."""

    scenes: tuple[str, ...] = ("scenes/*",)
    dem: str | None = None
    glaciers: str | None = None
    months: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Table ``[export]``."""

    formats: tuple[str, ...] = ("shp", "gpkg", "csv", "report")


@dataclass(frozen=True, slots=True)
class Project:
    """A project file and where it lies."""

    folder: Path = Path()
    """Folder of the project file; all paths in it are relative to this."""
    project: ProjectInfo = field(default_factory=ProjectInfo)
    area: AreaSettings = field(default_factory=AreaSettings)
    inputs: InputSettings = field(default_factory=InputSettings)
    mapping: MappingSettings = field(default_factory=MappingSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    export: ExportSettings = field(default_factory=ExportSettings)
