"""GeoPackages: layers read as they are, written whole, and their journals settled."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from glacial_lakes.errors import (
    ConfigError,
    DamagedFileError,
    OutputError,
    VectorError,
    require_path,
)
from glacial_lakes.io.at_rest import settle
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.drivers import require_vector_driver
from glacial_lakes.io.qgis_style import FIXED_DATE, style_table
from glacial_lakes.io.repair import POLYGON
from glacial_lakes.io.vector import driver_of, local_file, read_frame, reading

Value = str | float | bytes
"""A value of a record."""


def same_content(one: Path, other: Path) -> bool:
    """Tell whether two GeoPackages at rest hold the same tables with the same rows.

    Programs change the file by opening it, such as the date of its last change.
    """
    with closing(sqlite3.connect(f"{one.as_uri()}?mode=ro", uri=True)) as database:
        database.execute("ATTACH ? AS other", (f"{other.as_uri()}?mode=ro",))
        listed = "SELECT table_name FROM {}.gpkg_contents ORDER BY table_name"
        names, others = (
            [str(row[0]) for row in database.execute(listed.format(side))]
            for side in ("main", "other")
        )
        return names == others and all(_same_rows(database, name) for name in names)


def _same_rows(database: sqlite3.Connection, name: str) -> bool:
    table = quoted(name)
    columns = [
        database.execute(f"PRAGMA {side}.table_xinfo({table})").fetchall()
        for side in ("main", "other")
    ]
    if columns[0] != columns[1]:
        return False
    sides = (f"main.{table}", f"other.{table}")
    lacks = "SELECT 1 FROM (SELECT * FROM {} EXCEPT SELECT * FROM {}) LIMIT 1"
    return all(
        database.execute(lacks.format(*pair)).fetchone() is None for pair in (sides, sides[::-1])
    )


def quoted(name: str) -> str:
    """Return a name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


STYLES_LAYER = "layer_styles"
"""The table in which QGIS looks for the styles of a GeoPackage."""


_WHILE_WRITING = {
    "OGR_CURRENT_DATE": FIXED_DATE,
    # SQLite would wait for the disk some ten times a layer; the whole file is flushed once.
    "OGR_SQLITE_SYNCHRONOUS": "OFF",
}
NO_WAITING = "PRAGMA main.synchronous = OFF"
"""For a file that is flushed as a whole before it takes its place."""

_ROWS_AT_ONCE = 20_000
"""Features that are compared together; bounds the memory."""


def layer_names(path: Path | str) -> list[str]:
    """Return the names of the layers and tables of a GeoPackage, without the styles.

    Raises
    ------
    VectorError, UnsafeInputError
        When it is no readable GeoPackage.
    """
    source = local_file(path)
    if driver_of(source) != "GPKG":
        raise VectorError(source, "is no GeoPackage", "name the inventory.gpkg of a run")
    require_vector_driver("GPKG", source)
    with reading(source):
        return [str(name) for name, _ in pyogrio.list_layers(source) if name != STYLES_LAYER]


def read_layers(path: Path | str, names: Collection[str] | None = None) -> dict[str, pd.DataFrame]:
    """Read layers of a GeoPackage as they are: tables, and GeoDataFrames where there is geometry.

    Columns that are computed of others are left out: they say nothing that these do not.

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
    there = layer_names(path)
    source = local_file(path)
    with reading(source):
        chosen = there if names is None else [name for name in there if name in names]
        layers = {name: read_frame(source, layer=name) for name in chosen}
    return {
        name: layer.drop(columns=_computed(source, name), errors="ignore")
        for name, layer in layers.items()
    }


def _computed(path: Path, layer: str) -> list[str]:
    """Return the columns of a layer that are computed of others."""
    listed = "SELECT name FROM pragma_table_xinfo(?) WHERE hidden IN (2, 3)"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return [str(name) for (name,) in database.execute(listed, (layer,))]
    except sqlite3.Error as error:
        raise DamagedFileError(
            path, "cannot be read: {error}", "copy it again", error=error
        ) from error


def require_ending(path: str | Path) -> None:
    """Refuse a path for a GeoPackage that QGIS would not take for one.

    Examples
    --------
    >>> require_ending("lakes.GPKG")
    """
    require_path(path)
    if Path(path).suffix.lower() != ".gpkg":
        raise ConfigError(path, "its ending names no format", "use any of .gpkg")


def write_layers(
    path: Path | str,
    layers: Mapping[str, pd.DataFrame],
    styles: Mapping[str, str] | None = None,
    records: Mapping[str, Mapping[str, Value]] | None = None,
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
    records : mapping of str to mapping, optional
        Further tables of one row, by name: values by column, which may be bytes. See
        :func:`read_record`.

    Raises
    ------
    OutputError
        When the file cannot be written, or does not read back as it was meant.
    """
    tables = {name: _for_gpkg(table) for name, table in layers.items()}
    if styles:
        tables[STYLES_LAYER] = style_table(styles, tables)

    def verify(written: Path) -> None:
        for name, table in tables.items():
            _compare(table, written, name, Path(path))
        for name, record in (records or {}).items():
            if read_record(written, name) != record:
                raise _differs(path, name)
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
        if records:
            _add_records(temporary, records)


def read_record(path: Path | str, name: str) -> dict[str, Value] | None:
    """Return the one row of a table that :func:`write_layers` was given as a record.

    Parameters
    ----------
    path : path-like
        A GeoPackage.
    name : str
        The table.

    Returns
    -------
    dict or None
        Values by column, without those that are missing; None when there is no such table.
    """
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if database.execute(there, (name,)).fetchone() is None:
            return None
        database.row_factory = sqlite3.Row
        row = database.execute(f"SELECT * FROM {quoted(name)}").fetchone()  # noqa: S608
    values = {} if row is None else dict(row)
    return {key: values[key] for key in values if key != "fid" and values[key] is not None}


def _add_records(path: Path, records: Mapping[str, Mapping[str, Value]]) -> None:
    """Add tables of one row; pyogrio writes no bytes."""
    types = {str: "TEXT", float: "REAL", bytes: "BLOB"}
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(NO_WAITING)
        for name, record in records.items():
            columns = [f"{quoted(key)} {types[type(value)]}" for key, value in record.items()]
            fid = "fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"
            database.execute(f"CREATE TABLE {quoted(name)} ({', '.join([fid, *columns])})")
            names, marks = ", ".join(map(quoted, record)), ", ".join("?" * len(record))
            insert = f"INSERT INTO {quoted(name)} ({names}) VALUES ({marks})"  # noqa: S608
            database.execute(insert, tuple(record.values()))
            contents = "(table_name, data_type, identifier, last_change, srs_id)"
            listed = f"INSERT INTO gpkg_contents {contents} VALUES (?, 'attributes', ?, ?, 0)"  # noqa: S608
            database.execute(listed, (name, name, FIXED_DATE))


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
    single = shapely.get_type_id(values) == POLYGON
    values[single] = shapely.multipolygons(values[single], indices=np.arange(single.sum()))
    return gpd.GeoSeries(values, index=geometries.index, crs=geometries.crs)


def _compare(table: pd.DataFrame, written: Path, layer: str, path: Path) -> None:
    info = pyogrio.read_info(written, layer=layer, force_feature_count=True)
    spatial = isinstance(table, gpd.GeoDataFrame)
    names = [name for name in table.columns if not spatial or name != table.geometry.name]
    same = list(info["fields"]) == names and info["features"] == len(table)
    for start in range(0, len(table), _ROWS_AT_ONCE) if spatial and same else ():
        part = {"skip_features": start, "max_features": _ROWS_AT_ONCE, "columns": []}
        _, _, geometry, _ = pyogrio.raw.read(written, layer=layer, **part)
        shapes = table.geometry.iloc[start : start + _ROWS_AT_ONCE].to_numpy()
        expected = shapely.to_wkb(shapes, byte_order=1)
        same &= len(geometry) == len(expected) and bool(np.array_equal(geometry, expected))
    if not same:
        raise _differs(path, layer)


def _differs(path: Path | str, layer: str) -> OutputError:
    return OutputError(
        path, "layer {layer} does not read back as written", "check the disk", layer=layer
    )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    before = {name: pyogrio.get_gdal_config_option(name) for name in _WHILE_WRITING}
    pyogrio.set_gdal_config_options(_WHILE_WRITING)
    try:
        yield
    except (DataSourceError, DataLayerError, sqlite3.Error) as error:
        raise OutputError(
            path, "cannot be written: {reason}", "check the disk", reason=error
        ) from error
    finally:
        pyogrio.set_gdal_config_options(before)
