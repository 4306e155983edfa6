"""Decisions that a person made in the viewer, saved as a file → decisions on lakes."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_, InputError, Message
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.io.parsing import json_of
from glacial_lakes.review.baseline import standing
from glacial_lakes.review.differences import is_new, rejected_lake
from glacial_lakes.review.records import Row, decision
from glacial_lakes.schema import Decision, LakeType

FORMAT = "glacial_lakes review"
"""What the file says that it is."""
VERDICTS = ("keep", "reject", "later")

_MOST_BYTES = 64_000_000
_MOST_LETTERS = 250
_REMEDY = N_("save it again in the viewer")

_LOG = logging.getLogger(__name__)


def is_decision_file(path: Path) -> bool:
    """Tell whether a file is one that the viewer saved."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        return f'"{FORMAT}"'.encode() in file.read(400)


def read_decisions(path: Path, inventory: Inventory) -> gpd.GeoDataFrame:
    """Read what a person decided in the viewer.

    Parameters
    ----------
    path : pathlib.Path
        The file that the viewer saved.
    inventory : Inventory
        As it is now. Lakes that it does not have any more are left out, and so is what was
        decided on a lake before its last review; both are counted in the log.

    Returns
    -------
    geopandas.GeoDataFrame
        :data:`glacial_lakes.schema.REVIEWS` in EPSG:4326 without number and source; ``reviewed``
        is when the person decided.

    Raises
    ------
    InputError
        When the file says what no viewer says; the lake is named.
    """
    content = _content(path)
    by = _short(content.get("by"), path, "by")
    lakes = standing(inventory)
    places = {name: place for place, name in enumerate(lakes[C.LAKE_ID])}
    latest = inventory.reviews.groupby(C.LAKE_ID)[C.REVIEWED].max()
    rows: list[Row] = []
    left_out = 0
    for one in content["decisions"]:
        name, when = _lake_and_time(one, path)
        if name not in places or (name in latest.index and latest[name] > when):
            left_out += 1
            continue
        found = _rows(one, lakes.iloc[places[name]], inventory, path)
        signature = {C.REVIEWER: _short(one.get("by"), path, "by") or by, C.REVIEWED: when}
        rows += [row | signature for row in found if is_new(inventory, row)]
    if left_out:
        _LOG.warning(
            Message(
                "{path}: {count} decision is left out: its lake is gone or was reviewed since",
                "{path}: {count} decisions are left out: their lakes are gone or were reviewed "
                "since",
                count=left_out,
                path=path,
            )
        )
    table = schema.conform(pd.DataFrame(rows), schema.REVIEWS)
    shapes = table.pop("geometry") if rows else pd.Series([], dtype="object")
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=4326))


def _content(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(path, "is too large for a review", _REMEDY)
    try:
        content = json_of(path.read_bytes())
    except ValueError:
        content = None
    is_ours = isinstance(content, dict) and content.get("format") == FORMAT
    if not is_ours or not isinstance(content.get("decisions"), list):
        raise InputError(path, "is no review that the viewer saved", _REMEDY)
    if content.get("version") != 1:
        raise InputError(
            path, "was saved by a newer version", "update glacial_lakes, then review it again"
        )
    return dict(content)


def _lake_and_time(one: Any, path: Path) -> tuple[str, pd.Timestamp]:
    name = one.get(C.LAKE_ID) if isinstance(one, dict) else None
    if not isinstance(name, str):
        raise InputError(path, "has a decision without a lake", _REMEDY)
    try:
        when = pd.Timestamp(str(one.get("decided")))
        when = when.tz_localize("UTC") if when.tzinfo is None else when.tz_convert("UTC")
    except (ValueError, OverflowError):
        raise InputError(
            path, "does not tell when {lake} was decided on", _REMEDY, lake=name
        ) from None
    return name, min(when, pd.Timestamp(datetime.now(UTC))).floor("s").as_unit("ms")


def _rows(one: dict[str, Any], lake: pd.Series, inventory: Inventory, path: Path) -> list[Row]:
    """Return the decisions on a lake; one that is rejected has no other, and keeps its remark."""
    verdict, lake_type = one.get("verdict"), one.get(C.LAKE_TYPE)
    if verdict not in (None, *VERDICTS):
        raise InputError(
            path, "says {value!r} of {lake}", _REMEDY, value=str(verdict), lake=lake[C.LAKE_ID]
        )
    if lake_type is not None and lake_type not in list(LakeType):
        raise InputError(
            path,
            "has the type {value!r} for {lake}",
            _REMEDY,
            value=str(lake_type),
            lake=lake[C.LAKE_ID],
        )
    comment = _short(one.get("comment"), path, "comment")
    if verdict == "later":
        return []
    if verdict == "reject":
        return [rejected_lake(inventory, lake) | {C.COMMENT: comment}]
    of_lake = {C.ACQUIRED: None, C.SCENE_ID: None, C.SENSOR: None}
    rows = []
    if verdict == "keep":
        rows.append(decision(Decision.ACCEPTED, lake, None, lake["geometry"]))
    for kind, name, value in (
        (Decision.RECLASSIFIED, C.LAKE_TYPE, lake_type),
        (Decision.COMMENTED, C.COMMENT, comment),
    ):
        if value:
            rows.append(decision(kind, lake, None, lake["geometry"]) | of_lake | {name: value})
    return rows


def _short(value: Any, path: Path, name: str) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MOST_LETTERS:
        raise InputError(path, "has a {name} that is no short text", _REMEDY, name=name)
    return value.strip() or None
