"""Rows of the table of decisions: what a person did to one outline, and wrote into its fields."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.edited import FIELDS, text_of

Row = dict[str, Any]

_CUT_BYTES = 254


def decision(kind: str, old: pd.Series, new: pd.Series | None, shape: Any) -> Row:
    """Return a decision on an outline; who decided is what the new row names."""
    return {
        "decision": kind,
        "lake_id": old["lake_id"],
        "acquired": old["acquired"],
        "scene_id": old["scene_id"],
        "sensor": old["sensor"],
        "reviewer": None if new is None else _who(old, new, ("edited_by", "verified_by")),
        "geometry": shape,
    }


def _who(old: pd.Series, new: pd.Series, fields: tuple[str, ...]) -> str | None:
    """Return the name that the person wrote; one that stood there before tells nothing."""
    written = [new[name] for name in fields if new[name] and new[name] != text_of(old[name])]
    return written[0] if written else None


def changed(old: gpd.GeoDataFrame, i: int, shape: shapely.Geometry) -> Row:
    """Return what a redrawn outline replaced, with both areas."""
    before = old.geometry.iloc[i]
    areas = geodesic_area_perimeter(gpd.GeoSeries([before, shape], crs=4326))["area_m2"]
    text = shapely.to_wkt(before, rounding_precision=-1)
    return {"area_before_m2": areas[0], "area_after_m2": areas[1], "replaced": text}


def told_in(old: pd.Series, new: pd.Series, whole_lakes: bool) -> list[Row]:
    """Return what a person wrote into the fields of a row."""
    rows: list[Row] = []
    changes = {
        name: new[name] or ""
        for name in FIELDS
        if name in new.index and not _same_text(text_of(old[name]), new[name])
    }
    for kind, names in (("reclassified", FIELDS[:2]), ("commented", FIELDS[2:])):
        told = {name: changes[name] for name in names if name in changes}
        if told:
            row = decision(kind, old, new, old["geometry"]) | told
            if whole_lakes or kind == "commented":
                row |= {"acquired": None, "scene_id": None, "sensor": None}
            rows.append(row)
    was = bool(old["verified"]) if pd.notna(old["verified"]) else False
    if bool(new["verified"]) != was:
        kind = "withdrawn" if was else "accepted"
        row = decision(kind, old, new, old["geometry"])
        rows.append(row | {"reviewer": _who(old, new, ("verified_by", "edited_by"))})
    return rows


def _same_text(old: str | None, new: str | None) -> bool:
    """Tell whether a text is the old one, or what a shapefile leaves of it."""
    if (old or "") == (new or ""):
        return True
    if old is None or new is None:
        return False
    cut = old.encode()[:_CUT_BYTES].decode(errors="ignore").strip()
    return len(cut) == len(new) and all(b in {a, "?"} for a, b in zip(cut, new, strict=True))
