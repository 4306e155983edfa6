"""Glacial lake inventories from multi-date satellite images: map, track, export.

>>> import glacial_lakes as gl
>>> scenes = gl.discover("scenes/")  # doctest: +SKIP
>>> mapped = [gl.map_lakes(scene, dem="dem.tif") for scene in scenes]  # doctest: +SKIP
>>> inventory = gl.track(mapped, glaciers="glaciers.gpkg")  # doctest: +SKIP
>>> inventory.to_shapefile("lakes.shp")  # doctest: +SKIP

The names below are imported on first use, so that ``import glacial_lakes`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glacial_lakes.change.trends import trend
    from glacial_lakes.coverage import CompleteCoverage, Coverage, State
    from glacial_lakes.errors import GlacialLakesError
    from glacial_lakes.export.export import export as export_inventory
    from glacial_lakes.export.export import export_composites as export_composites
    from glacial_lakes.grid import Grid
    from glacial_lakes.ingest.check import check_file
    from glacial_lakes.ingest.track_files import track_files
    from glacial_lakes.inventory.build import track
    from glacial_lakes.inventory.inventory import Inventory, open_inventory
    from glacial_lakes.mapping.mapped_scene import MappedScene
    from glacial_lakes.mapping.pipeline import map_fields as map_fields
    from glacial_lakes.mapping.pipeline import map_lakes
    from glacial_lakes.mapping.stacks import stack
    from glacial_lakes.report.page import write_report
    from glacial_lakes.review.review_file import review_file
    from glacial_lakes.scenes.products import discover, open_scene
    from glacial_lakes.scenes.quality import Quality
    from glacial_lakes.scenes.scene import Scene
    from glacial_lakes.settings import MappingSettings, Project, TrackingSettings, read_project
    from glacial_lakes.validation.accuracy import Accuracy
    from glacial_lakes.validation.validate import validate
    from glacial_lakes.workflow.area_series import area_series
    from glacial_lakes.workflow.map_files import map_scenes
    from glacial_lakes.workflow.plan import explain as explain
    from glacial_lakes.workflow.run import RunResult as RunResult
    from glacial_lakes.workflow.run import run

__version__ = "0.2.0"

_HOMES = {
    "Accuracy": "validation.accuracy",
    "CompleteCoverage": "coverage",
    "Coverage": "coverage",
    "GlacialLakesError": "errors",
    "Grid": "grid",
    "Inventory": "inventory.inventory",
    "MappedScene": "mapping.mapped_scene",
    "MappingSettings": "settings",
    "Project": "settings",
    "Quality": "scenes.quality",
    "RunResult": "workflow.run",
    "Scene": "scenes.scene",
    "State": "coverage",
    "TrackingSettings": "settings",
    "area_series": "workflow.area_series",
    "check_file": "ingest.check",
    "discover": "scenes.products",
    "explain": "workflow.plan",
    "export_composites": "export.export",
    "export_inventory": "export.export",
    "map_fields": "mapping.pipeline",
    "map_lakes": "mapping.pipeline",
    "map_scenes": "workflow.map_files",
    "open_inventory": "inventory.inventory",
    "open_scene": "scenes.products",
    "read_project": "settings",
    "review_file": "review.review_file",
    "run": "workflow.run",
    "stack": "mapping.stacks",
    "track": "inventory.build",
    "track_files": "ingest.track_files",
    "trend": "change.trends",
    "validate": "validation.validate",
    "write_report": "report.page",
}
"""Where each public name is made."""
_ORIGINAL_NAMES = {"export_inventory": "export"}  # gl.export is the module
_MODULES = {"indices": "mapping.indices", "regions": "mapping.regions"}
"""Modules that are reached under another name than their own."""

__all__ = [
    "Accuracy",
    "CompleteCoverage",
    "Coverage",
    "GlacialLakesError",
    "Grid",
    "Inventory",
    "MappedScene",
    "MappingSettings",
    "Project",
    "Quality",
    "Scene",
    "State",
    "TrackingSettings",
    "area_series",
    "check_file",
    "discover",
    "export_inventory",
    "map_lakes",
    "map_scenes",
    "open_inventory",
    "open_scene",
    "read_project",
    "review_file",
    "run",
    "stack",
    "track",
    "track_files",
    "trend",
    "validate",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home = import_module(f"glacial_lakes.{_HOMES[name]}")
        return getattr(home, _ORIGINAL_NAMES.get(name, name))
    if not name.startswith("_"):
        module = f"glacial_lakes.{_MODULES.get(name, name)}"
        if find_spec(module) is not None:
            return import_module(module)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
