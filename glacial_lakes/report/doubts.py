"""Which lakes a person should look at first, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.errors import N_
from glacial_lakes.inventory.map_rules import HARDLY_PROB, VAGUE_SHARE
from glacial_lakes.schema import LakeState, LakeType, Status

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

REASONS: Mapping[str, int] = {
    N_("a newer image contradicts the outline that a person drew"): 6,
    N_("unconfirmed: other images contradict its only outline"): 5,
    N_("by its features it is hardly a lake"): 5,
    N_("an alert that no later image confirms yet"): 4,
    N_("an alert"): 3,
    N_("at most one image shows it whole"): 3,
    N_("the outline was drawn under poor conditions"): 2,
    N_("the error is more than a quarter of the area"): 2,
    N_("its type is not known"): 1,
}
"""Reasons to doubt a lake and their weights; doubts add up."""
_CONTRADICTED, _UNCONFIRMED, _HARDLY, _OPEN_ALERT, _ALERT, _SINGLE, _POOR, _VAGUE, _UNTYPED = (
    REASONS
)

_GOOD = "good"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a lake should be looked at, and how soon."""

    reasons: tuple[str, ...]
    """Of :data:`REASONS`, the weightiest first."""
    weight: float
    """Sum of the weights of the reasons, and the probability that its newest outline is no lake:
    of two lakes with the same reasons, the less likely one comes first."""
    lake_prob: float | None
    """Probability that its newest outline is a lake; None where no mapping told it."""
    features: str
    """Codes of the features that speak most for it or against it."""


def doubts(inventory: Inventory) -> dict[str, Doubt]:
    """Tell why each lake should be looked at.

    Parameters
    ----------
    inventory : Inventory
        Tables of :mod:`glacial_lakes.schema`.

    Returns
    -------
    dict of str to Doubt
        By lake ID; without reasons for a lake that a person has verified, unless a newer image
        contradicts the outline that was drawn.
    """
    lakes = schema.conform(inventory.lakes, schema.LAKES).set_index(C.LAKE_ID)
    alerts = inventory.alerts
    outlines = schema.conform(inventory.outlines, schema.OUTLINES)
    whole = outlines[outlines[C.STATUS] == Status.OBSERVED].sort_values(C.ACQUIRED, kind="stable")
    newest = whole.drop_duplicates(C.LAKE_ID, keep="last").set_index(C.LAKE_ID)
    newest = newest[[C.QUALITY, C.LAKE_PROB, C.LAKE_PROB_REASONS]].reindex(lakes.index)
    quality, prob = newest[C.QUALITY], newest[C.LAKE_PROB].astype("Float64")
    is_poor = quality.notna() & ~quality.astype("string").str.startswith(_GOOD).fillna(True)
    confirmed = alerts[C.CONFIRMED].fillna(False).astype(bool)
    reasons = {
        _CONTRADICTED: lakes[C.REVIEW_CONFLICT].fillna(False).astype(bool),
        _UNCONFIRMED: lakes[C.STATE] == LakeState.UNCONFIRMED,
        _HARDLY: prob < HARDLY_PROB,
        _OPEN_ALERT: lakes.index.isin(alerts.loc[~confirmed, C.LAKE_ID]),
        _ALERT: lakes.index.isin(alerts.loc[confirmed, C.LAKE_ID]),
        _SINGLE: lakes[C.N_OBSERVED].fillna(0) <= 1,
        _POOR: is_poor,
        _VAGUE: lakes[C.AREA_SIGMA_M2] > VAGUE_SHARE * lakes[C.AREA_M2],
        _UNTYPED: lakes[C.LAKE_TYPE].isna() | (lakes[C.LAKE_TYPE] == LakeType.UNKNOWN),
    }
    flags = {name: pd.Series(which, lakes.index, "boolean") for name, which in reasons.items()}
    table = pd.DataFrame(flags).fillna(False).astype(bool)
    verified = lakes[C.VERIFIED].fillna(False).astype(bool)
    table.loc[verified, [reason for reason in REASONS if reason != _CONTRADICTED]] = False
    weights = table.to_numpy() @ np.array(list(REASONS.values()))
    weights = weights + (1 - prob.fillna(1.0).to_numpy(float)) * ~verified.to_numpy()
    codes = newest[C.LAKE_PROB_REASONS].astype(object)
    columns = (lakes.index, table.to_numpy(), weights, prob, codes.where(codes.notna(), ""))
    return {
        str(lake): Doubt(
            tuple(reason for reason, has_reason in zip(REASONS, row, strict=True) if has_reason),
            round(float(weight), 3),
            None if pd.isna(likely) else float(likely),
            str(code),
        )
        for lake, row, weight, likely, code in zip(*columns, strict=True)
    }
