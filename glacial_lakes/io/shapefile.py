"""What the shapefile format needs: ten-letter names, text encoding, parts that belong together."""

from __future__ import annotations

import csv
import glob
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from glacial_lakes.errors import N_, DamagedFileError, Message, OutputError, VectorError
from glacial_lakes.io.atomic import whole_set
from glacial_lakes.kernels.text import texts_of
from glacial_lakes.schema import Column

logger = logging.getLogger(__name__)

_FIXED_DATE = "2000-01-01"
"""Date stamp of the attribute file: equal content must give equal bytes on any day."""
_TEXT_BYTES = 254


def write_shapefile(
    table: gpd.GeoDataFrame, path: Path | str, columns: Sequence[Column]
) -> list[Path]:
    """Write polygons as a shapefile with fixed field names, and a dictionary of its fields.

    Text is UTF-8 (``.cpg``), times are ISO text in UTC because the format has no times, the
    dictionary is ``<stem>_fields.csv``. Text longer than 254 bytes is cut, with a warning in the
    log. An empty table gives a valid empty shapefile.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Polygons with the columns' full names.
    path : path-like
        The ``.shp`` file; all parts of an old one are replaced.
    columns : sequence of schema.Column
        Fields in order; those without a shapefile name are left out.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    OutputError
        When a value does not fit the format, or the files do not read back as they were meant.
    """
    path = Path(path).absolute()
    fields = {column.shapefile: column for column in columns if column.shapefile}
    frame = gpd.GeoDataFrame(
        {
            name: _for_dbf(table[column.name].reset_index(drop=True), column, path)
            for name, column in fields.items()
        },
        geometry=shapely.force_2d(table.geometry.to_numpy()),
        crs=table.crs,
    )
    with whole_set(path) as temporary:
        try:
            with warnings.catch_warnings():
                # Numbers of nine digits lose their last decimals; values are compared below.
                warnings.filterwarnings("ignore", message=".*not successfully written.*")
                pyogrio.write_dataframe(
                    frame,
                    temporary,
                    driver="ESRI Shapefile",
                    geometry_type="Polygon",
                    encoding="UTF-8",
                    layer_options={"2GB_LIMIT": "YES", "DBF_DATE_LAST_UPDATE": _FIXED_DATE},
                )
        except (DataSourceError, DataLayerError, FeatureError) as error:
            raise OutputError(
                path, "cannot be written: {reason}", "check the disk", reason=error
            ) from error
        _compare_shapefile(frame, temporary, path)
        dictionary = temporary.with_name(f"{path.stem}_fields.csv")
        _write_dictionary(fields, dictionary)
        names = sorted(part.name for part in temporary.parent.glob(f"{glob.escape(path.stem)}.*"))
        names.append(dictionary.name)
    return [path.with_name(name) for name in names]


def check_shapefile(shp: Path, encoding: str | None = None) -> str | None:
    """Check what GDAL passes over silently: cut parts, missing parts, unknown text encoding.

    Parameters
    ----------
    shp : pathlib.Path
        The ``.shp`` file.
    encoding : str, optional
        Text encoding that the user named.

    Returns
    -------
    str or None
        The encoding to read the attributes with; None where GDAL finds the right one.

    Raises
    ------
    VectorError
        When a part is missing, or text has letters outside ASCII in an unknown encoding.
    DamagedFileError
        When a part is shorter than its header says, or shapes and rows differ in number.
    """
    parts = {
        part.suffix.lower(): part
        for part in shp.parent.iterdir()
        if part.stem == shp.stem and part.is_file()
    }
    for suffix, loss in ((".shx", N_("index")), (".dbf", N_("attributes")), (".prj", N_("CRS"))):
        if suffix not in parts:
            raise VectorError(
                shp,
                "has no {stem}{suffix} beside it ({loss})",
                "copy all parts of it",
                stem=shp.stem,
                suffix=suffix,
                loss=Message(loss),
            )
    for suffix in (".shp", ".shx"):
        size = parts[suffix].stat().st_size
        with parts[suffix].open("rb") as file:
            stated = 2 * int.from_bytes(file.read(28)[24:28], "big")
        if stated != size:
            raise DamagedFileError(
                parts[suffix],
                "has {size} bytes, its header says {stated}",
                "copy it again",
                size=size,
                stated=stated,
            )
    with parts[".dbf"].open("rb") as file:
        header = file.read(32)
        rows = int.from_bytes(header[4:8], "little")
        start = int.from_bytes(header[8:10], "little")
        width = int.from_bytes(header[10:12], "little")
        file.seek(start)
        records = file.read(rows * width)
    if len(header) < 32 or len(records) < rows * width:
        raise DamagedFileError(parts[".dbf"], "is cut short", "copy it again")
    shapes = (parts[".shx"].stat().st_size - 100) // 8
    if shapes != rows:
        raise DamagedFileError(
            shp,
            "has {shapes} shapes but {rows} rows of attributes",
            "copy all parts of it",
            shapes=shapes,
            rows=rows,
        )
    if encoding is not None or ".cpg" in parts or records.isascii():
        return encoding
    try:
        records.decode("utf-8")
    except UnicodeDecodeError:
        raise VectorError(
            shp,
            "has letters outside ASCII and no .cpg file that tells their encoding",
            'name it, e.g. encoding="CP1251" for Russian text',
        ) from None
    return "UTF-8"  # text of a one-byte encoding is never valid UTF-8 by chance


def _for_dbf(values: pd.Series, column: Column, path: Path) -> pd.Series:
    missing = values.isna()
    if column.type in {"time", "date"}:
        form = "{:%Y-%m-%dT%H:%M:%SZ}" if column.type == "time" else "{:%Y-%m-%d}"
        return pd.Series(texts_of(values, form.format), values.index, dtype="object")
    if column.type == "real":
        numbers = values.astype("float64")
        if np.isinf(numbers).any():
            raise OutputError(
                path, "{column} has infinite values", "report this as a fault", column=column.name
            )
        return numbers
    if column.type == "text":
        texts: pd.Series = values.astype("object").where(~missing, None)
        known = texts[~missing].tolist()
        if set(map(type, known)) <= {str} and (
            4 * max(map(len, known), default=0) <= _TEXT_BYTES  # a letter has four bytes at most
        ):
            return texts
        cut: pd.Series = texts.map(_cut_text, na_action="ignore")
        if (count := int((cut[~missing] != texts[~missing]).sum())) > 0:
            logger.warning(
                Message(
                    "{path}: {count} text of {column} cut to 254 bytes",
                    "{path}: {count} texts of {column} cut to 254 bytes",
                    path=path,
                    count=count,
                    column=column.name,
                )
            )
        return cut
    return values


def _cut_text(text: str) -> str:
    return str(text).encode()[:_TEXT_BYTES].decode(errors="ignore")


def _compare_shapefile(frame: gpd.GeoDataFrame, written: Path, path: Path) -> None:
    back = pyogrio.read_dataframe(written)
    names = [name for name in frame.columns if name != "geometry"]
    different = [name for name in names if name not in back or not _equal(frame[name], back[name])]
    ours, theirs = frame.geometry.to_numpy(), back.geometry.to_numpy()
    if len(back) != len(frame) or not (
        np.array_equal(shapely.bounds(ours), shapely.bounds(theirs), equal_nan=True)
        and np.allclose(shapely.area(ours), shapely.area(theirs), rtol=1e-9, atol=0, equal_nan=True)
    ):
        different.append("geometry")
    if different:
        raise OutputError(
            path,
            "{different} does not read back as written",
            "use the GeoPackage",
            different=different,
        )


def _equal(ours: pd.Series, theirs: pd.Series) -> bool:
    if len(ours) != len(theirs):
        return False
    if pd.api.types.is_numeric_dtype(ours.dtype):
        left = ours.astype("float64").to_numpy(na_value=np.nan)
        right = theirs.astype("float64").to_numpy(na_value=np.nan)
        return np.allclose(left, right, rtol=1e-9, atol=1e-12, equal_nan=True)
    # The format pads texts with blanks, so that blanks at the end and empty texts do not last.
    texts = [values.astype("object").where(values.notna(), "") for values in (ours, theirs)]
    if texts[0].tolist() == texts[1].tolist():
        return True
    return bool((texts[0].str.rstrip() == texts[1].str.rstrip()).all())


def _write_dictionary(fields: Mapping[str, Column], path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["field", "name", "type", "unit", "meaning", "значение"])
        for field, column in fields.items():
            writer.writerow(
                [field, column.name, column.type, column.unit, column.en, column.meaning("ru")]
            )
