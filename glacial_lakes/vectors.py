"""Vector files: read with distrust, written whole."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import CRSError, DataLayerError, DataSourceError

from glacial_lakes.collector import swept
from glacial_lakes.errors import DamagedFileError, OutputError, UnsafeInputError, VectorError
from glacial_lakes.files import whole
from glacial_lakes.journals import settle
from glacial_lakes.shapefiles import check_shapefile, write_shapefile

__all__ = [
    "STYLES_LAYER",
    "categorized_style",
    "read_as_drawn",
    "read_layers",
    "read_vector",
    "spatial_layers",
    "write_layers",
    "write_shapefile",
]

logger = logging.getLogger(__name__)

STYLES_LAYER = "layer_styles"
"""The table in which QGIS looks for the styles of a GeoPackage."""

_FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Date stamp inside written files: equal content must give equal bytes on any day."""
_POLYGON, _MULTIPOLYGON = 3, 6
_ROWS_AT_ONCE = 20_000
"""Features that are compared together; bounds the memory."""


def read_vector(
    path: Path | str, layer: str | None = None, encoding: str | None = None
) -> gpd.GeoDataFrame:
    """Read a layer of a local vector file and make its geometries fit for use.

    The format is told from the first bytes, not from the name: shapefile, GeoPackage, GeoJSON,
    FlatGeobuf, KML, MapInfo, or a file geodatabase folder. Invalid polygons are repaired (their
    polygon parts are kept), heights are dropped. Features without geometry are dropped with a
    warning in the log.

    Parameters
    ----------
    path : path-like
        A local file.
    layer : str, optional
        Needed only when the file holds several spatial layers.
    encoding : str, optional
        Text encoding of a shapefile that does not tell it, e.g. ``"CP1251"``.

    Returns
    -------
    geopandas.GeoDataFrame
        All attributes, 2D valid geometry, with a CRS and a fresh index.

    Raises
    ------
    UnsafeInputError
        For URLs, virtual files and files that pretend to be another format.
    DamagedFileError
        When the file is cut short.
    VectorError
        When parts, CRS, text encoding, layer or all geometries are missing.
    """
    return _usable(read_as_drawn(path, layer, encoding), _local_file(path))


def read_as_drawn(
    path: Path | str, layer: str | None = None, encoding: str | None = None
) -> gpd.GeoDataFrame:
    """Read a layer as :func:`read_vector` does, but leave invalid and missing geometries as is.

    For files that a person has edited: what is wrong in them is the person's to mend.
    """
    source = _local_file(path)
    driver = _sniff(source)
    if driver == "ESRI Shapefile":
        encoding = check_shapefile(source, encoding)
    with _reading(source):
        layer = _spatial_layer(source, layer)
        if pyogrio.read_info(source, layer=layer)["driver"] not in {driver, "LIBKML"}:
            raise UnsafeInputError(source, f"is not the {driver} file it seems to be")
        frame = _frame(source, layer=layer, encoding=encoding, force_2d=True)
    if frame.crs is None:
        raise VectorError(source, "has no CRS", "give it one, e.g. with ogr2ogr -a_srs")
    return frame


def spatial_layers(path: Path | str) -> list[str]:
    """Return the names of the layers with geometry of a vector file, in their order."""
    source = _local_file(path)
    _sniff(source)
    with _reading(source):
        return [str(name) for name, geometry in pyogrio.list_layers(source) if geometry is not None]


def read_layers(path: Path | str, names: Collection[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read layers of a GeoPackage as they are: tables, and GeoDataFrames where there is geometry.

    Parameters
    ----------
    path : path-like
        A GeoPackage, such as an inventory.
    names : collection of str, optional
        The layers to read, where the file has them; by default all.

    Returns
    -------
    dict of str to pandas.DataFrame
        By layer name, without the styles.

    Raises
    ------
    VectorError, UnsafeInputError
        When it is no readable GeoPackage.
    """
    source = _local_file(path)
    if _sniff(source) != "GPKG":
        raise VectorError(source, "is no GeoPackage", "name the inventory.gpkg of a run")
    with _reading(source):
        there = [name for name, _ in pyogrio.list_layers(source) if name != STYLES_LAYER]
        chosen = there if names is None else [name for name in there if name in names]
        return {name: _frame(source, layer=name) for name in chosen}


def write_layers(
    path: Path | str,
    layers: Mapping[str, pd.DataFrame],
    styles: Mapping[str, str] | None = None,
) -> None:
    """Write tables as the layers of one GeoPackage, whole or not at all.

    Version 1.2 of the format, which QGIS 3 and older GDAL read without a warning. Polygons are
    written as MultiPolygon. The file is read back and compared before it takes its place; equal
    input gives equal bytes.

    Parameters
    ----------
    path : path-like
        The ``.gpkg`` file; an old one is replaced.
    layers : mapping of str to DataFrame or GeoDataFrame
        In this order. A GeoDataFrame needs a CRS.
    styles : mapping of str to str, optional
        QML text by layer name, kept in the table that QGIS opens the layers with.

    Raises
    ------
    OutputError
        When the file cannot be written, or does not read back as it was meant.
    """
    tables = {name: _for_gpkg(table) for name, table in layers.items()}
    if styles:
        tables[STYLES_LAYER] = _style_table(styles, tables)

    def verify(written: Path) -> None:
        for name, table in tables.items():
            _compare(table, written, name, Path(path))
        settle(path)

    with whole(path, verify) as temporary, _writing(Path(path)):
        for number, (name, table) in enumerate(tables.items()):
            pyogrio.write_dataframe(
                table,
                temporary,
                layer=name,
                driver="GPKG",
                append=number > 0,
                geometry_type="MultiPolygon" if isinstance(table, gpd.GeoDataFrame) else None,
                dataset_options={} if number else {"VERSION": "1.2"},
                layer_options={"FID": "id" if name == STYLES_LAYER else "fid"},
            )


def categorized_style(column: str, colours: Mapping[str, str]) -> str:
    """Return a QGIS style (QML) that colours polygons by the values of a text column.

    Parameters
    ----------
    column : str
        Attribute to colour by.
    colours : mapping of str to str
        Value to colour as ``"red,green,blue"``, 0 to 255; the fill is transparent.
    """
    categories, symbols = [], []
    for number, (value, colour) in enumerate(colours.items()):
        categories.append(
            f'<category render="true" symbol="{number}" value={quoteattr(value)} '
            f"label={quoteattr(value)}/>"
        )
        options = {
            "color": f"{colour},70",
            "outline_color": f"{colour},255",
            "outline_width": "0.5",
            "outline_width_unit": "MM",
            "style": "solid",
        }
        properties = "".join(
            f'<Option name="{name}" type="QString" value="{value}"/>'
            for name, value in options.items()
        )
        symbols.append(
            f'<symbol name="{number}" type="fill" alpha="1"><layer class="SimpleFill" '
            f'enabled="1"><Option type="Map">{properties}</Option></layer></symbol>'
        )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        '<qgis version="3.22" styleCategories="Symbology">'
        f'<renderer-v2 type="categorizedSymbol" attr={quoteattr(column)} forceraster="0">'
        f"<categories>{''.join(categories)}</categories><symbols>{''.join(symbols)}</symbols>"
        "</renderer-v2></qgis>"
    )


def _local_file(path: Path | str) -> Path:
    text = str(path)
    if "://" in text or text.startswith("/vsi"):
        raise UnsafeInputError(text, "is no local file", "download it and name the copy")
    source = Path(path).absolute()  # GDAL reads relative names such as s3:x as addresses
    if not source.exists():
        raise VectorError(source, "does not exist", "check the name")
    return source


def _sniff(source: Path) -> str:
    """Name the driver of the first bytes; refuse what sends GDAL to other files or the network."""
    if source.is_dir():
        if source.suffix.lower() == ".gdb" and any(source.glob("*.gdbtable")):
            return "OpenFileGDB"
        raise VectorError(source, "is a folder, not a vector file", "name a file in it")
    with source.open("rb") as file:
        head = file.read(65536)
    for forbidden in (b"<OGRVRTDataSource", b"<VRTDataset", b"gdal_streamed_alg", b"<!ENTITY"):
        if forbidden in head:
            raise UnsafeInputError(source, "refers to other files", "convert it to a GeoPackage")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    suffix = source.suffix.lower()
    signs = {
        "ESRI Shapefile": head.startswith(b"\x00\x00\x27\x0a") and suffix == ".shp",
        "GPKG": head.startswith(b"SQLite format 3\x00") and head[68:70] == b"GP",
        "FlatGeobuf": head.startswith(b"fgb\x03fgb"),
        "GeoJSON": text.startswith(b"{") and b'"type"' in text,
        "KML": text.startswith(b"<") and b"<kml" in text,
        "MapInfo File": text.lower().startswith(b"!table")
        or (suffix == ".mif" and text.lower().startswith(b"version")),
    }
    for driver, found in signs.items():
        if found:
            return driver
    raise VectorError(
        source, "is no vector file that is known here", "convert it to a GeoPackage or shapefile"
    )


def _spatial_layer(source: Path, layer: str | None) -> str:
    names = [str(name) for name, geometry in pyogrio.list_layers(source) if geometry is not None]
    if layer is not None:
        if layer not in names:
            raise VectorError(
                source, f"has no spatial layer {layer!r}", f"it has: {', '.join(names)}"
            )
        return layer
    if len(names) != 1:
        what = f"has the layers {', '.join(names)}" if names else "has no spatial layer"
        raise VectorError(source, what, "name the layer to read" if names else "")
    return names[0]


def _usable(frame: gpd.GeoDataFrame, source: Path) -> gpd.GeoDataFrame:
    geometries = frame.geometry.to_numpy()
    areal = np.isin(shapely.get_type_id(geometries), (_POLYGON, _MULTIPOLYGON))
    broken = areal & ~shapely.is_valid(geometries)
    if broken.any():
        geometries = geometries.copy()
        geometries[broken] = [_polygon_parts(geometry) for geometry in geometries[broken]]
        logger.warning("%s: %d invalid polygons repaired", source, broken.sum())
    lost = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    if len(frame) and lost.all():
        raise VectorError(source, f"none of its {len(frame)} features has a geometry")
    if lost.any():
        logger.warning("%s: %d features without geometry left out", source, lost.sum())
    usable: gpd.GeoDataFrame = frame.set_geometry(
        gpd.GeoSeries(geometries, index=frame.index, crs=frame.crs)
    )[~lost]
    return usable.reset_index(drop=True)


def _polygon_parts(geometry: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(geometry)))
    return shapely.union_all(parts[shapely.get_type_id(parts) == _POLYGON])


def _for_gpkg(table: pd.DataFrame) -> pd.DataFrame:
    if not isinstance(table, gpd.GeoDataFrame):
        return table.reset_index(drop=True)
    if table.crs is None:
        raise ValueError("a spatial layer needs a CRS")
    multi: pd.DataFrame = table.set_geometry(_multi(_flat(table.geometry))).reset_index(drop=True)
    return multi


def _flat(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    if not shapely.has_z(geometries.to_numpy()).any():
        return geometries
    return gpd.GeoSeries(
        shapely.force_2d(geometries.to_numpy()), index=geometries.index, crs=geometries.crs
    )


def _multi(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    values = geometries.to_numpy().copy()
    single = shapely.get_type_id(values) == _POLYGON
    values[single] = shapely.multipolygons(values[single], indices=np.arange(single.sum()))
    return gpd.GeoSeries(values, index=geometries.index, crs=geometries.crs)


def _style_table(styles: Mapping[str, str], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    names = [name for name in tables if name in styles]
    return pd.DataFrame(
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": names,
            "f_geometry_column": "geom",
            "styleName": names,
            "styleQML": [styles[name] for name in names],
            "styleSLD": "",
            "useAsDefault": True,
            "description": "",
            "owner": "",
            "ui": "",
            "update_time": pd.Timestamp(_FIXED_DATE),
        }
    )


def _frame(source: Path, **options: Any) -> gpd.GeoDataFrame:
    """Read a layer; pyogrio leaves all that it read to Python's collector, which comes late."""
    with swept():
        return pyogrio.read_dataframe(source, **options)


def _compare(table: pd.DataFrame, written: Path, layer: str, path: Path) -> None:
    told = pyogrio.read_info(written, layer=layer, force_feature_count=True)
    spatial = isinstance(table, gpd.GeoDataFrame)
    names = [name for name in table.columns if not spatial or name != table.geometry.name]
    same = list(told["fields"]) == names and told["features"] == len(table)
    for start in range(0, len(table), _ROWS_AT_ONCE) if spatial and same else ():
        part = {"skip_features": start, "max_features": _ROWS_AT_ONCE, "columns": []}
        _, _, geometry, _ = pyogrio.raw.read(written, layer=layer, **part)
        shapes = table.geometry.iloc[start : start + _ROWS_AT_ONCE].to_numpy()
        expected = shapely.to_wkb(shapes, byte_order=1)
        same &= len(geometry) == len(expected) and bool(np.array_equal(geometry, expected))
    if not same:
        raise OutputError(path, f"layer {layer} does not read back as written", "check the disk")


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    try:
        yield
    except CRSError as error:
        raise VectorError(source, f"its CRS cannot be read: {error}", "replace its .prj") from error
    except UnicodeError as error:
        raise VectorError(
            source, f"its text is not in the encoding named: {error}", "name the right encoding"
        ) from error
    except (DataSourceError, DataLayerError) as error:
        raise DamagedFileError(source, f"cannot be read: {error}", "copy it again") from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_DATE})
    try:
        yield
    except (DataSourceError, DataLayerError) as error:
        raise OutputError(path, f"cannot be written: {error}", "check the disk") from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
