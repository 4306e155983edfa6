"""What the shapefile format needs: ten-letter names, text encoding, parts that belong together."""

from __future__ import annotations

import codecs
import csv
import glob
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from glacial_lakes.errors import N_, DamagedFileError, Message, OutputError, VectorError
from glacial_lakes.io.atomic import whole_set
from glacial_lakes.io.shapefile_index import check_index
from glacial_lakes.io.writing import written
from glacial_lakes.kernels.text import texts_of
from glacial_lakes.runtime.quiet import quiet
from glacial_lakes.schema import Column

logger = logging.getLogger(__name__)

_FIXED_DATE = "2000-01-01"
"""Date stamp of the attribute file: equal content must give equal bytes on any day."""
_TEXT_BYTES = 254
_CPG_BYTES = 64
_NAME_BYTES = 10
_COPY = N_("copy all parts of it")
_NEEDED: Mapping[str, tuple[str, str]] = {
    ".shx": (
        N_("index"),
        N_("copy all parts of it, or make it anew, e.g. with ogr2ogr and SHAPE_RESTORE_SHX=YES"),
    ),
    ".dbf": (N_("attributes"), _COPY),
    ".prj": (
        N_("CRS"),
        N_("copy it too, or give it the CRS it was drawn in, e.g. with ogr2ogr -a_srs"),
    ),
}
"""What a shapefile needs, what it lacks otherwise, and what helps."""
LANGUAGE_DRIVERS: Mapping[int, str] = {
    **{0x26: "cp866", 0x65: "cp866", 0xC9: "cp1251", 0x96: "mac-cyrillic"},
    **{0x02: "cp850", 0x64: "cp852", 0x66: "cp865", 0x6A: "cp737", 0x6B: "cp857"},
    **{0xC8: "cp1250", 0xCA: "cp1254", 0xCB: "cp1253", 0xCC: "cp1257"},
    **{0x4D: "cp936", 0x4E: "cp949", 0x4F: "cp950", 0x50: "cp874"},
    **{0x13: "cp932", 0x78: "cp950", 0x79: "cp949", 0x7A: "cp936", 0x7B: "cp932"},
}
"""Number in the head of a ``.dbf`` → encoding of its texts. Western ones (3, 87) are left out:
programs write them whatever the text is."""
_PAGES = {"65001": "utf-8", "10007": "mac-cyrillic", "20866": "koi8-r", "21866": "koi8-u"} | {
    f"2859{number}": f"iso8859-{number}" for number in range(1, 10)
}
"""Numbers of Windows that are no ``cp`` in Python."""
_WESTERN = {"ascii", "cp1252", "cp437", "cp850", "iso8859-1", "iso8859-15", "mac-roman"}
"""Encodings that programs of the west write into the .cpg file whatever the text is."""
_OTHER_SCRIPT = re.compile(rb"(?:([\x80-\xff])(?!\1)){4}")
"""In western texts no four letters outside ASCII follow each other; lines may."""


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
        with written(path):
            # Numbers of nine digits lose their last decimals; values are compared below.
            with quiet(RuntimeWarning):
                pyogrio.write_dataframe(
                    frame,
                    temporary,
                    driver="ESRI Shapefile",
                    geometry_type="Polygon",
                    encoding="UTF-8",
                    layer_options={"2GB_LIMIT": "YES", "DBF_DATE_LAST_UPDATE": _FIXED_DATE},
                )
            _compare_shapefile(frame, temporary, path)
        dictionary = temporary.with_name(f"{path.stem}_fields.csv")
        _write_dictionary(fields, dictionary)
        names = sorted(part.name for part in temporary.parent.glob(f"{glob.escape(path.stem)}.*"))
        names.append(dictionary.name)
    return [path.with_name(name) for name in names]


def spellings(name: str) -> tuple[str, str, str]:
    """Return a name, and what shapefiles cut it to: ten letters, or ten bytes of UTF-8.

    Examples
    --------
    >>> spellings("НАЗВАНИЕ ОЗЕРА")
    ('НАЗВАНИЕ ОЗЕРА', 'НАЗВАНИЕ О', 'НАЗВА')
    """
    return name, name[:_NAME_BYTES], name.encode()[:_NAME_BYTES].decode(errors="ignore")


def check_shapefile(shp: Path, encoding: str | None = None) -> str:
    """Check what GDAL passes over silently: cut parts, missing parts, unknown text encoding.

    Parameters
    ----------
    shp : pathlib.Path
        The ``.shp`` file.
    encoding : str, optional
        Text encoding that the user named.

    Returns
    -------
    str
        The encoding to read names and texts with: that of the user, the ``.cpg`` file or the
        table itself. A variable of the environment is for other programs.

    Raises
    ------
    VectorError
        When a part is missing, or there are letters outside ASCII in an unknown encoding.
    DamagedFileError
        When a part is shorter than its header says, or shapes and rows differ in number.
    """
    parts = parts_of(shp)
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
    check_index(parts[".shp"], parts[".shx"])
    with parts[".dbf"].open("rb") as file:
        header = file.read(32)
        rows = int.from_bytes(header[4:8], "little")
        start = int.from_bytes(header[8:10], "little")
        width = int.from_bytes(header[10:12], "little")
        fields = file.read(max(0, start - 32))
        is_cut = len(header) < 32 or start + rows * width > parts[".dbf"].stat().st_size
        file.seek(start)
        records = b"" if is_cut else file.read(rows * width)
    if is_cut:
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
    if encoding is not None:
        return _named(encoding)
    names = [fields[at : at + 11].split(b"\0")[0] for at in range(0, len(fields) - 31, 32)]
    own_encoding = _cpg_encoding(parts.get(".cpg")) or LANGUAGE_DRIVERS.get(header[29])
    is_utf8 = all(_is_utf8(text) for text in (records, *names))
    if own_encoding is not None and _has_one_byte_a_letter(own_encoding) and is_utf8:
        return "UTF-8"  # or all is ASCII, which is the same in both
    if own_encoding is not None and not (
        own_encoding in _WESTERN and any(_OTHER_SCRIPT.search(text) for text in (records, *names))
    ):
        return own_encoding
    if is_utf8:
        return "UTF-8"
    raise VectorError(
        shp,
        "has letters outside ASCII and no .cpg file that tells their encoding"
        if own_encoding is None
        else "has words of letters outside ASCII, and is told to be in {encoding}, which has few",
        "write it into {stem}.cpg beside it, 1251 for Russian text, or name it: --encoding CP1251, "
        'in a project encoding = "CP1251" in [catalogue]',
        stem=shp.stem,
        encoding=own_encoding,
    )


def parts_of(shp: Path) -> dict[str, Path]:
    """Return the files of a shapefile by their endings.

    Raises
    ------
    VectorError
        When one that is needed is missing, or is spelled another way.
    """
    around = [part for part in shp.parent.iterdir() if part.is_file()]
    parts = {part.suffix.lower(): part for part in around if part.stem == shp.stem}
    for suffix, (loss, remedy) in _NEEDED.items():
        if suffix in parts:
            continue
        wanted = f"{shp.stem}{suffix}"
        other = next((part for part in around if part.name.lower() == wanted.lower()), None)
        if other is not None:
            raise VectorError(
                shp,
                "has no {name} beside it, but {other}",
                "give all parts of it one spelling",
                name=wanted,
                other=other.name,
            )
        raise VectorError(
            shp,
            "has no {stem}{suffix} beside it ({loss})",
            remedy,
            stem=shp.stem,
            suffix=suffix,
            loss=Message(loss),
        )
    return parts


def _named(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise VectorError(
            None,
            "{encoding} is no text encoding",
            "name one, e.g. CP1251, CP866 or UTF-8",
            encoding=encoding,
        ) from None


def _cpg_encoding(cpg: Path | None) -> str | None:
    """Return the encoding that a .cpg file names; None when it names none that can be known."""
    if cpg is None:
        return None
    with cpg.open("rb") as file:
        text = file.read(_CPG_BYTES).decode("ascii", errors="replace").strip().strip("\0\"'")
    bare = re.sub(r"(?i)^(ansi|oem|windows|win|msdos|dos|cp|ms|ibm|ldid)[-_ /]*(?=\d)", "", text)
    if not bare.isdecimal():
        candidates = [text, re.sub(r"[ _]", "-", text)]
    elif text.lower().startswith("ldid"):
        return LANGUAGE_DRIVERS.get(int(bare))
    else:
        iso = re.fullmatch(r"8859(\d\d?)", bare)
        candidates = [_PAGES.get(bare) or (f"iso8859-{iso[1]}" if iso else f"cp{bare}")]
    for name in candidates:
        try:
            found = codecs.lookup(name)
            is_of_tables = " a".encode(found.name) == b" a"  # not so codecs that are not for text
        except (LookupError, TypeError, ValueError):
            continue
        if is_of_tables:
            return found.name
    return None


def _has_one_byte_a_letter(encoding: str) -> bool:
    """Tell whether text of an encoding that is none of ASCII is never valid UTF-8 by chance."""
    upper = bytes(range(128, 256))
    return len(upper.decode(encoding, "replace")) == len(upper)


def _is_utf8(text: bytes) -> bool:
    """Tell whether a text is UTF-8, perhaps cut within its last letter."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _for_dbf(values: pd.Series, column: Column, path: Path) -> pd.Series:
    missing = values.isna()
    if column.type in {"time", "date"}:
        form = "{:%Y-%m-%dT%H:%M:%SZ}" if column.type == "time" else "{:%Y-%m-%d}"
        return pd.Series(texts_of(values, form.format), values.index, dtype="object")
    if column.type == "real":
        numbers = values.astype("float64")
        if np.isinf(numbers).any():
            raise OutputError(
                path,
                "{column} has infinite values",
                "report this as a fault",
                column=column.mention(),
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
                    column=column.mention(),
                )
            )
        return cut
    return values


def _cut_text(text: str) -> str:
    return str(text).encode()[:_TEXT_BYTES].decode(errors="ignore")


def _compare_shapefile(frame: gpd.GeoDataFrame, found: Path, path: Path) -> None:
    with quiet(RuntimeWarning):
        back = pyogrio.read_dataframe(found)
    names = [name for name in frame.columns if name != "geometry"]
    different = [name for name in names if name not in back or not _equal(frame[name], back[name])]
    shapes, back_shapes = frame.geometry.to_numpy(), back.geometry.to_numpy()
    if len(back) != len(frame) or not (
        np.array_equal(shapely.bounds(shapes), shapely.bounds(back_shapes), equal_nan=True)
        and np.allclose(
            shapely.area(shapes), shapely.area(back_shapes), rtol=1e-9, atol=0, equal_nan=True
        )
    ):
        different.append("geometry")
    if different:
        raise OutputError(
            path,
            "{different} does not read back as written",
            "use the GeoPackage",
            different=different,
        )


def _equal(before: pd.Series, after: pd.Series) -> bool:
    if len(before) != len(after):
        return False
    if pd.api.types.is_numeric_dtype(before.dtype):
        left = before.astype("float64").to_numpy(na_value=np.nan)
        right = after.astype("float64").to_numpy(na_value=np.nan)
        return np.allclose(left, right, rtol=1e-9, atol=1e-12, equal_nan=True)
    # The format pads texts with blanks, so that blanks at either end and empty texts do not last.
    texts = [values.astype("object").where(values.notna(), "") for values in (before, after)]
    if texts[0].tolist() == texts[1].tolist():
        return True
    return bool((texts[0].str.strip() == texts[1].str.strip()).all())


def _write_dictionary(fields: Mapping[str, Column], path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["field", "name", "type", "unit", "meaning", "значение"])
        for field, column in fields.items():
            writer.writerow(
                [field, column.name, column.type, column.unit, column.en, column.meaning("ru")]
            )
