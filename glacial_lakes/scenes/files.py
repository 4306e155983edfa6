"""Bands and layers of flags in the files of a product, checked against each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from rasterio.crs import CRS

from glacial_lakes.errors import MetadataError, MissingFileError
from glacial_lakes.grid import Grid
from glacial_lakes.scenes.local_metres import grid_of
from glacial_lakes.scenes.raster import Band, Header, coarsening, read_header, read_tags
from glacial_lakes.scenes.source import Source, driver_of, raster_name


@dataclass(frozen=True, slots=True)
class Stored:
    """One band in a file of a product, and what its numbers mean."""

    file: str
    """Name among those of the source."""
    scale: float
    offset: float
    nodata: float | None
    saturated: float | None = None
    index: int = 1
    """Band in the file, from 1."""


def bands_in(source: Source, stored: Mapping[str, Stored]) -> tuple[dict[str, Band], Grid, Header]:
    """Return bands on one grid, that of the finest, and the header of that.

    Raises
    ------
    MissingFileError
        When a file is not there.
    MetadataError
        When an image has no CRS, or fewer bands than are told.
    GridError
        When the bands do not fit each other, or have no square pixels in metres.
    """
    headers = {name: _header(source, one) for name, one in stored.items()}
    finest = min((header for _, header in headers.values()), key=lambda header: header.resolution)
    grid = grid_of(cast("CRS", finest.crs), finest.transform, finest.shape)
    bands = {
        name: Band(
            path,
            driver_of(stored[name].file),
            stored[name].index,
            stored[name].scale,
            stored[name].offset,
            stored[name].nodata,
            grid.resolution * coarsening(header, path, finest),
            stored[name].saturated,
        )
        for name, (path, header) in headers.items()
    }
    return bands, grid, finest


def layer_in(source: Source, file: str, grid: Grid, finest: Header, index: int = 1) -> Band:
    """Return a layer of flags on the grid of the bands, or coarser by a whole factor.

    Raises
    ------
    MissingFileError, MetadataError, GridError
        As for :func:`bands_in`.
    """
    path, header = _header(source, Stored(file, 1.0, 0.0, None, index=index))
    factor = coarsening(header, path, finest)
    return Band(path, driver_of(file), index, 1.0, 0.0, None, grid.resolution * factor)


def tags_in(source: Source, file: str) -> dict[str, str]:
    """Return the tags of an image and the descriptions of its bands."""
    driver = driver_of(file)
    return read_tags(raster_name(source, file, driver), driver)


def path_of(source: Source, name: str, expression: str) -> str:
    """Return what a product is opened by: its folder or archive, its metadata among others.

    Parameters
    ----------
    source : Source
        Its files.
    name : str
        Its metadata.
    expression : str
        Of the names of metadata of its family.
    """
    names = (one.rpartition("/")[2] for one in source.names)
    count = sum(re.fullmatch(expression, one, re.IGNORECASE) is not None for one in names)
    return str(source.path if count == 1 or source.kind != "folder" else source.path / name)


def _header(source: Source, stored: Stored) -> tuple[str, Header]:
    if stored.file not in source.names:
        raise MissingFileError(
            source.path, "lacks {name}", "download the product whole", name=stored.file
        )
    driver = driver_of(stored.file)
    path = raster_name(source, stored.file, driver)
    header = read_header(path, driver)
    where = source.path / stored.file
    if header.crs is None:
        raise MetadataError(where, "has no CRS", "give it one, e.g. with gdal_edit -a_srs")
    if stored.index > header.count:
        raise MetadataError(
            where,
            "has {count} bands, and band {index} is needed",
            "download the product again",
            count=header.count,
            index=stored.index,
        )
    return path, header
