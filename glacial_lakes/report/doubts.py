"""Which lakes a person should look at first, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.inventory.map_rules import VAGUE_SHARE
from glacial_lakes.schema import LakeState, LakeType, Status

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

REASONS: Mapping[str, int] = {
    N_("a newer image contradicts the outline that a person drew"): 6,
    N_("unconfirmed: other images contradict its only outline"): 5,
    N_("an alert that no later image confirms yet"): 4,
    N_("an alert"): 3,
    N_("only one image shows it"): 3,
    N_("the outline was drawn under poor conditions"): 2,
    N_("the error is more than a quarter of the area"): 2,
    N_("its type is not known"): 1,
}
"""Reasons to doubt a lake and their weights; doubts add up."""
_CONTRADICTED, _UNCONFIRMED, _OPEN_ALERT, _ALERT, _SINGLE, _POOR, _VAGUE, _UNTYPED = REASONS

_GOOD = "good"


def doubts(inventory: Inventory) -> dict[str, list[str]]:
    """Tell why each lake should be looked at.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.

    Returns
    -------
    dict of str to list of str
        Reasons of :data:`REASONS` by lake ID, the weightiest first; none for a lake that a
        person has verified, unless a newer image contradicts the outline that was drawn.
    """
    lakes = schema.conform(inventory.lakes, schema.LAKES).set_index(C.LAKE_ID)
    alerts = inventory.alerts
    outlines = schema.conform(inventory.outlines, schema.OUTLINES)
    whole = outlines[outlines[C.STATUS] == Status.OBSERVED].sort_values(C.ACQUIRED, kind="stable")
    quality = whole.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)[C.QUALITY]
    quality = quality.reindex(lakes.index)
    is_poor = quality.notna() & ~quality.astype("string").str.startswith(_GOOD).fillna(True)
    confirmed = alerts[C.CONFIRMED].fillna(False).astype(bool)
    told = {
        _CONTRADICTED: lakes[C.REVIEW_CONFLICT].fillna(False).astype(bool),
        _UNCONFIRMED: lakes[C.STATE] == LakeState.UNCONFIRMED,
        _OPEN_ALERT: lakes.index.isin(alerts.loc[~confirmed, C.LAKE_ID]),
        _ALERT: lakes.index.isin(alerts.loc[confirmed, C.LAKE_ID]),
        _SINGLE: lakes[C.N_OBSERVED].fillna(0) <= 1,
        _POOR: is_poor,
        _VAGUE: lakes[C.AREA_SIGMA_M2] > VAGUE_SHARE * lakes[C.AREA_M2],
        _UNTYPED: lakes[C.LAKE_TYPE].isna() | (lakes[C.LAKE_TYPE] == LakeType.UNKNOWN),
    }
    columns = {name: pd.Series(which, lakes.index, "boolean") for name, which in told.items()}
    table = pd.DataFrame(columns).fillna(False).astype(bool)
    verified = lakes[C.VERIFIED].fillna(False).astype(bool)
    table.loc[verified, [reason for reason in REASONS if reason != _CONTRADICTED]] = False
    rows = table.to_numpy()
    return {
        str(lake): [reason for reason, is_told in zip(REASONS, row, strict=True) if is_told]
        for lake, row in zip(lakes.index, rows, strict=True)
    }
