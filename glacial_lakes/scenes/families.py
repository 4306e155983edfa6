"""Families of products: by which metadata each is known, and its reader. A new one is a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from glacial_lakes.scenes import bands, eopf_zarr, geotiff, hls, landsat, maja, planet, sentinel2
from glacial_lakes.scenes.rows import Row
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.scenes.source import Source


@dataclass(frozen=True, slots=True)
class Family:
    """Products that one reader understands."""

    metadata: str
    """Regular expression of the name of the metadata, in any case; its group ``start``, if any, is
    what the names of all files of the product begin with."""
    opens: Callable[[Source, str], Scene]
    """The reader; it takes the files of a product and the name of its metadata."""
    one_each: Callable[[Iterable[str]], list[str]] = list
    """Of the names of metadata, one for each product: some tell the same in several formats."""
    rows: tuple[Row, ...] = ()
    """What the documents say of its products."""
    is_alone: bool = False
    """Whether a folder never holds two products beside each other."""
    folders: frozenset[str] = frozenset()
    """Folders of a product beside its metadata, in upper case."""
    is_folder: bool = False
    """Whether all that lies in the folder of the metadata is of the product."""

    def owns(self, name: str) -> bool:
        """Tell whether a file, by its name without folders, is metadata of the family."""
        return re.fullmatch(self.metadata, name, re.IGNORECASE) is not None

    def start_of(self, name: str) -> str | None:
        """Return what the files of a product begin with, by its metadata; None: with anything."""
        match = re.fullmatch(self.metadata, name, re.IGNORECASE)
        return None if match is None else match.groupdict().get("start")

    def metadata_among(self, names: Iterable[str]) -> list[str]:
        """Return the metadata of each product among names, which may have folders."""
        return self.one_each([name for name in names if self.owns(name.rpartition("/")[2])])


FAMILIES = (
    Family(
        sentinel2.METADATA,
        sentinel2.open_sentinel2,
        rows=sentinel2.ROWS,
        is_alone=True,
        folders=frozenset(("GRANULE", "DATASTRIP", "AUX_DATA", "HTML", "REP_INFO")),
    ),
    Family(
        eopf_zarr.METADATA,
        eopf_zarr.open_eopf,
        eopf_zarr.one_store,
        eopf_zarr.ROWS,
        is_alone=True,
        is_folder=True,
    ),
    Family(landsat.METADATA, landsat.open_landsat, landsat.metadata_files, landsat.ROWS),
    Family(hls.METADATA, hls.open_hls, rows=hls.ROWS),
    Family(planet.METADATA, planet.open_planet, rows=planet.ROWS),
    Family(maja.METADATA, maja.open_maja, rows=maja.ROWS, folders=frozenset(("DATA", "MASKS"))),
)
"""All but single bands and GeoTIFFs with a sidecar, which have no metadata of their own."""

ROWS = (*(row for family in FAMILIES for row in family.rows), *bands.ROWS, *geotiff.ROWS)
"""What the documents say of all products that are read."""
