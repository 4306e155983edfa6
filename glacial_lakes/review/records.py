"""Decisions as rows of a table: what a person did, who, when and from which file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import Message
from glacial_lakes.inventory.decisions import FIELDS
from glacial_lakes.measures import geodesic_area_perimeter
from glacial_lakes.review.edited_file import known_word, text_of
from glacial_lakes.schema import Decision

Row = dict[str, Any]

_CUT_BYTES = 254


def decision(kind: str, old: pd.Series, new: pd.Series | None, shape: Any) -> Row:
    """Return a decision on an outline; who decided is what the new row names."""
    return {
        C.DECISION: kind,
        C.LAKE_ID: old[C.LAKE_ID],
        C.ACQUIRED: old[C.ACQUIRED],
        C.SCENE_ID: old[C.SCENE_ID],
        C.SENSOR: old[C.SENSOR],
        C.REVIEWER: None if new is None else _who(old, new, (C.EDITED_BY, C.VERIFIED_BY)),
        "geometry": shape,
    }


def _who(old: pd.Series, new: pd.Series, fields: tuple[str, ...]) -> str | None:
    """Return the name that the person wrote; one that stood there before tells nothing."""
    written = [new[name] for name in fields if new[name] and new[name] != text_of(old[name])]
    return written[0] if written else None


def changed(old: gpd.GeoDataFrame, i: int, shape: shapely.Geometry) -> Row:
    """Return what a redrawn outline replaced, with both areas."""
    before = old.geometry.iloc[i]
    areas = geodesic_area_perimeter(gpd.GeoSeries([before, shape], crs=4326))[C.AREA_M2]
    text = shapely.to_wkt(before, rounding_precision=-1)
    return {C.AREA_BEFORE_M2: areas[0], C.AREA_AFTER_M2: areas[1], C.REPLACED: text}


def decisions_in(old: pd.Series, new: pd.Series, whole_lakes: bool) -> list[Row]:
    """Return what a person wrote into the fields of a row."""
    rows: list[Row] = []
    changes = {
        name: new[name] or ""
        for name in FIELDS
        if name in new.index
        and not same_text(text_of(old[name]), new[name])
        and is_word(name, new[name])
    }
    for kind, names in ((Decision.RECLASSIFIED, FIELDS[:2]), (Decision.COMMENTED, FIELDS[2:])):
        values = {name: changes[name] for name in names if name in changes}
        if values:
            row = decision(kind, old, new, old["geometry"]) | values
            if whole_lakes or kind == Decision.COMMENTED:
                row |= {C.ACQUIRED: None, C.SCENE_ID: None, C.SENSOR: None}
            rows.append(row)
    was = bool(old[C.VERIFIED]) if pd.notna(old[C.VERIFIED]) else False
    is_checked = bool(new[C.VERIFIED])
    checkers = text_of(old[C.VERIFIED_BY]), text_of(new[C.VERIFIED_BY])
    is_by_another = was and is_checked and checkers[1] is not None and not same_text(*checkers)
    if is_checked != was or is_by_another:
        kind = Decision.ACCEPTED if is_checked else Decision.WITHDRAWN
        row = decision(kind, old, new, old["geometry"])
        rows.append(row | {C.REVIEWER: _who(old, new, (C.VERIFIED_BY, C.EDITED_BY))})
    return rows


def is_word(name: str, text: str | None) -> bool:
    """Tell whether a text can stand in a column: where only some words can, none but them."""
    column = next(column for column in schema.OUTLINES if column.name == name)
    return text is None or known_word(column, text) is not None


def same_text(old: str | None, new: str | None) -> bool:
    """Tell whether a text is the old one, or what a shapefile leaves of it."""
    if (old or "") == (new or ""):
        return True
    if old is None or new is None:
        return False
    cut = old.encode()[:_CUT_BYTES].decode(errors="ignore").strip()
    return len(cut) == len(new) and all(b in {a, "?"} for a, b in zip(cut, new, strict=True))


def named(found: gpd.GeoDataFrame, by: str | None) -> gpd.GeoDataFrame:
    """Return decisions with who took them: where their fields name nobody, who gives the file.

    The user of the computer is nobody's name: several persons share one, and it signs for none.
    """
    found = found.copy()
    if by is not None:
        found[C.REVIEWER] = found[C.REVIEWER].fillna(by)
    return found


def nameless(found: gpd.GeoDataFrame) -> tuple[Message, ...]:
    """Tell how many decisions name nobody, if any."""
    count = int(found[C.REVIEWER].isna().sum())
    if not count:
        return ()
    return (
        Message(
            "{count} decision does not tell who took it: give the name with --by, or once for all "
            "with by in [project]",
            "{count} decisions do not tell who took them: give the name with --by, or once for all "
            "with by in [project]",
            count=count,
        ),
    )


def shared_numbers(lakes: pd.DataFrame, found: pd.DataFrame) -> Iterator[Message]:
    """Yield the catalogue numbers that lakes share, of which somebody decided something.

    Parameters
    ----------
    lakes : pandas.DataFrame
        :data:`glacial_lakes.schema.LAKES`, with what was decided.
    found : pandas.DataFrame
        Rows of :data:`glacial_lakes.schema.REVIEWS`.
    """
    numbered = lakes[lakes[C.CATALOGUE_NO].notna()]
    for number, own in numbered.groupby(C.CATALOGUE_NO, sort=True)[C.LAKE_ID]:
        if len(own) > 1 and own.isin(found[C.LAKE_ID]).any():
            yield Message(
                "the number {number} has several lakes: {lakes}; a list of lakes can mean only one "
                "of them, give the others another number",
                number=number,
                lakes=list(own),
            )


def signed(
    found: gpd.GeoDataFrame,
    earlier: gpd.GeoDataFrame,
    source: str,
    by: str | None,
    when: pd.Timestamp | None = None,
) -> gpd.GeoDataFrame:
    """Return new decisions that go on from earlier ones.

    Parameters
    ----------
    found, earlier : geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS`; those that do not tell when are of now.
    source : str
        Name of the edited file.
    by : str or None
        Who decided where the fields of checks and edits name nobody.
    when : pandas.Timestamp, optional
        When it was decided, UTC; by default now.
    """
    first = int(earlier[C.REVIEW_ID].max()) + 1 if len(earlier) else 1
    found = named(found, by)
    found[C.REVIEW_ID] = pd.array(range(first, first + len(found)), dtype="Int64")
    now = (when or pd.Timestamp(datetime.now(UTC))).floor("s").as_unit("ms")
    found[C.REVIEWED] = found[C.REVIEWED].fillna(now)
    found[C.SOURCE] = source
    return found
