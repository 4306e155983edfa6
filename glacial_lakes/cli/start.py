"""A folder with images → its project, without a word typed: what dragging it onto a file does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from glacial_lakes.errors import MissingFileError
from glacial_lakes.io.atomic import whole
from glacial_lakes.settings import project_template

PROJECT_NAME = "project.toml"
SCENES_FOLDER = "scenes"
BESIDE = "_lakes"
"""Ending of the folder of a project beside a folder that holds images and nothing else."""
_IMAGE = re.compile(r"(S2|S1|L[COTEM]0?\d_|HLS).*|.*\.(zip|tar)", re.IGNORECASE | re.DOTALL)
"""Names of products; whether one can be read is told when it is."""
_DEM = re.compile(r"dem.*\.tif+", re.IGNORECASE)
_GLACIERS = re.compile(r"(.*glacier|rgi|.*ледник).*\.(gpkg|shp|geojson)", re.IGNORECASE)


def project_in(folder: Path, language: str) -> Path | None:
    """Return the project file of a folder, written when there is none.

    Parameters
    ----------
    folder : pathlib.Path
        A folder with ``project.toml``; with images in its folder ``scenes``; with images, which is
        only read: its project is written beside it; or a new one, in which ``scenes`` is made.
    language : str
        Of a project that is written.

    Returns
    -------
    pathlib.Path or None
        None where there are no images yet.

    Raises
    ------
    MissingFileError
        When it is a file of another kind, or nothing there can be read.
    OutputError
        When the project file cannot be written.
    """
    folder = folder.absolute()
    if folder.is_file():
        if folder.name != PROJECT_NAME:
            raise MissingFileError(folder, "is no folder", "name, or drag, the folder of images")
        return folder
    for project in (folder / PROJECT_NAME, _beside(folder) / PROJECT_NAME):
        if project.is_file():
            return project
    if _has_images(folder / SCENES_FOLDER):
        return _written(folder, folder, (f"{SCENES_FOLDER}/*",), language)
    if _has_images(folder):
        return _written(_beside(folder), folder, (f"../{folder.name}/*",), language)
    (folder / SCENES_FOLDER).mkdir(parents=True, exist_ok=True)
    return None


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}{BESIDE}")


def _names(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        yield from sorted(path.name for path in folder.iterdir())


def _has_images(folder: Path) -> bool:
    return any(_IMAGE.fullmatch(name) for name in _names(folder))


def _written(folder: Path, inputs: Path, scenes: tuple[str, ...], language: str) -> Path:
    """Write a project file that names the images, and elevation model and glaciers where found."""
    chosen: dict[str, object] = {"inputs.scenes": scenes}
    before = "" if folder == inputs else f"../{inputs.name}/"
    for key, form in (("inputs.dem", _DEM), ("inputs.glaciers", _GLACIERS)):
        found = next((name for name in _names(inputs) if form.fullmatch(name)), None)
        if found is not None:
            chosen[key] = before + found
    path = folder / PROJECT_NAME
    with whole(path) as temporary:
        text = project_template(language, chosen)
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return path
