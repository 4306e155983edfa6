"""Scenes of a project that catalogues tell: searched in its area, opened apart, parts kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from rasterio.warp import transform_bounds

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.events import Listener, SceneRefused
from glacial_lakes.io.vector import as_places
from glacial_lakes.scenes.catalogues import Bounds, Found, find_items
from glacial_lakes.scenes.products import opened_apart
from glacial_lakes.scenes.remote import Access, tidy
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.stac import open_item
from glacial_lakes.settings import Project, StacSource

KEPT_FOLDER = "fetched"
"""Folder in the output for parts of images that were fetched."""


def access_of(project: Project) -> Access:
    """Return what a project allows to ask of servers."""
    folder = project.folder / project.project.output / KEPT_FOLDER
    return Access(project.inputs.hosts, str(folder.absolute()), project.limits.wait_s)


def scenes_of_catalogues(project: Project, on_event: Listener) -> list[Scene]:
    """Open the scenes of all catalogues of a project; what cannot be used is told and left out.

    Raises
    ------
    GlacialLakesError
        When a catalogue itself cannot be read or searched.
    """
    access, bounds = access_of(project), area_bounds(project)
    tidy(Path(access.folder), int(project.limits.kept_gb * 10**9))
    sources = [one for one in project.inputs.scenes if isinstance(one, StacSource)]
    search = partial(find_items, folder=project.folder, access=access, bounds=bounds)
    items: dict[str, Found] = {}
    for source, found in opened_apart(search, sources, project.limits):
        if isinstance(found, GlacialLakesError):
            raise found if found.path else type(found)(source.stac, found.what, found.remedy)
        items |= {one.where: one for one in found}
    opens = partial(_open, access=access)
    scenes = []
    for one, scene in opened_apart(opens, list(items.values()), project.limits):
        if isinstance(scene, Scene):
            scenes.append(scene)
        else:
            on_event(SceneRefused(one.where, scene.line_beside(one.where)))
    return scenes


def _open(found: Found, access: Access) -> Scene:
    root = None if found.root is None else Path(found.root)
    return open_item(found.item, found.where, root, access)


def area_bounds(project: Project) -> Bounds | None:
    """Return where lakes of a project can lie, in degrees; None where nothing bounds them."""
    named = project.area.aoi
    around_m = 0.0
    if named is None:
        named, around_m = project.inputs.glaciers, project.area.glacier_buffer_m or 0.0
        if not around_m or named is None:
            return None
    places = as_places(project.folder / named)
    if places.crs is None or not len(places):
        return None
    box = transform_bounds(places.crs.to_wkt(), "EPSG:4326", *places.total_bounds)
    if not np.isfinite(box).all():
        return None
    south, north = max(-90.0, box[1]), min(90.0, box[3])
    wide = around_m / 111_000 / max(0.05, float(np.cos(np.radians(max(abs(south), abs(north))))))
    high = around_m / 111_000
    return (
        max(-180.0, box[0] - wide),
        max(-90.0, south - high),
        min(180.0, box[2] + wide),
        min(90.0, north + high),
    )
