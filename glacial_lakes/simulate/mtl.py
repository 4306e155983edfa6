"""Landsat MTL metadata: groups of keys as ODL text, JSON and XML, and what all of them tell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from pyproj import Transformer

from glacial_lakes.grid import Grid

Line = tuple[str, str]
Group = tuple[str, list[Line]]
Format = Literal["txt", "json", "xml"]


def quoted(text: str) -> str:
    """Return a text value as ODL writes it."""
    return f'"{text}"'


def write_mtl(
    product: Path, name: str, root: str, groups: Sequence[Group], formats: Iterable[Format]
) -> None:
    """Write ``NAME_MTL.txt``, ``.json`` and ``.xml``, those that are asked for."""
    texts = {"txt": _odl, "json": _json, "xml": _xml}
    for ending in formats:
        text = texts[ending](root, groups)
        (product / f"{name}_MTL.{ending}").write_text(text, encoding="utf-8", newline="\n")


def per_band(key: str, codes: Iterable[str], values: Iterable[str]) -> list[Line]:
    """Return ``KEY_BAND_N`` of each band."""
    return [(f"{key}_BAND_{code}", value) for code, value in zip(codes, values, strict=True)]


def corner_lines(grid: Grid) -> list[Line]:
    """Return where the centres of the corner pixels lie, in degrees and on the map."""
    west, south, east, north = grid.bounds
    centres = {
        "UL": (west + 15, north - 15),
        "UR": (east - 15, north - 15),
        "LL": (west + 15, south + 15),
        "LR": (east - 15, south + 15),
    }
    to_lonlat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    geographic = {key: to_lonlat.transform(*centre) for key, centre in centres.items()}
    lines: list[Line] = []
    for key, (lon, lat) in geographic.items():
        lines.append((f"CORNER_{key}_LAT_PRODUCT", f"{lat:.5f}"))
        lines.append((f"CORNER_{key}_LON_PRODUCT", f"{lon:.5f}"))
    for key, (x, y) in centres.items():
        lines.append((f"CORNER_{key}_PROJECTION_X_PRODUCT", f"{x:.3f}"))
        lines.append((f"CORNER_{key}_PROJECTION_Y_PRODUCT", f"{y:.3f}"))
    return lines


def projection_lines(grid: Grid) -> list[Line]:
    """Return the map projection."""
    return [
        ("MAP_PROJECTION", quoted("UTM")),
        ("DATUM", quoted("WGS84")),
        ("ELLIPSOID", quoted("WGS84")),
        ("UTM_ZONE", str(grid.crs.to_epsg() - 32600)),
        ("GRID_CELL_SIZE_REFLECTIVE", "30.00"),
    ]


def _odl(root: str, groups: Sequence[Group]) -> str:
    lines = [f"GROUP = {root}"]
    for group, entries in groups:
        lines.append(f"  GROUP = {group}")
        lines += [f"    {key} = {value}" for key, value in entries]
        lines.append(f"  END_GROUP = {group}")
    return "\n".join([*lines, f"END_GROUP = {root}", "END", ""])


def _json(root: str, groups: Sequence[Group]) -> str:
    plain = {group: {key: value.strip('"') for key, value in lines} for group, lines in groups}
    return json.dumps({root: plain})


def _xml(root: str, groups: Sequence[Group]) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{root}>"]
    for group, entries in groups:
        lines.append(f"  <{group}>")
        lines += [f"    <{key}>{escape(value.strip(chr(34)))}</{key}>" for key, value in entries]
        lines.append(f"  </{group}>")
    return "\n".join([*lines, f"</{root}>", ""])
