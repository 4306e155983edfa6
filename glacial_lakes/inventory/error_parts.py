"""Both parts of the error of each area, in all tables of an inventory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from glacial_lakes.change.errors import split
from glacial_lakes.columns import C
from glacial_lakes.events import ErrorsRevised, Listener
from glacial_lakes.tracking.tables import Tracked

if TYPE_CHECKING:
    from glacial_lakes.inventory.inventory import Inventory

_Table = TypeVar("_Table", bound=pd.DataFrame)

_PARTS = [C.AREA_SIGMA_SHARED_M2, C.AREA_SIGMA_DATE_M2]
_SAME = 0.02
"""Part of an error by which it may differ and count as the same."""


def with_parts(tracked: Tracked) -> Tracked:
    """Return the tables with both parts of each error, as all observations tell them now.

    Outlines and lakes have those of the observation whose area they have.
    """
    parts = split(tracked.observations)
    observations = tracked.observations.assign(**parts)
    known_parts = observations[[C.LAKE_ID, C.SCENE_ID, C.AREA_SIGMA_M2, *_PARTS]]
    known_parts = known_parts.dropna(subset=[C.AREA_SIGMA_M2]).drop_duplicates(
        [C.LAKE_ID, C.SCENE_ID]
    )
    outlines = _with_known_parts(
        tracked.outlines, known_parts.drop(columns=C.AREA_SIGMA_M2), [C.LAKE_ID, C.SCENE_ID]
    )
    drawn = outlines[[C.LAKE_ID, C.AREA_SIGMA_M2, *_PARTS]].dropna()
    drawn = drawn.drop_duplicates([C.LAKE_ID, C.AREA_SIGMA_M2], keep="last")
    lakes = _with_known_parts(tracked.lakes, drawn, [C.LAKE_ID, C.AREA_SIGMA_M2])
    return replace(tracked, observations=observations, outlines=outlines, lakes=lakes)


def tell_revised(inventory: Inventory, previous: Inventory, on_event: Listener) -> None:
    """Tell how many areas that the earlier inventory had have other parts of their error now."""
    key = [C.LAKE_ID, C.SCENE_ID]
    old, new = (
        one.observations[[*key, C.AREA_SIGMA_M2, C.AREA_SIGMA_DATE_M2]].dropna()
        for one in (previous, inventory)
    )
    both = old.merge(new, on=key, suffixes=("", "_now"))
    moved = both[f"{C.AREA_SIGMA_DATE_M2}_now"] - both[C.AREA_SIGMA_DATE_M2]
    count = int((moved.abs() > _SAME * both[C.AREA_SIGMA_M2]).sum())
    if count:
        on_event(ErrorsRevised(count, len(both)))


def _with_known_parts(table: _Table, parts: pd.DataFrame, key: list[str]) -> _Table:
    known = parts.set_index(key)[_PARTS]
    found = known.reindex(pd.MultiIndex.from_frame(table[key]))
    unknown = table[C.AREA_SIGMA_M2].isna().to_numpy()
    return table.assign(**{name: found[name].mask(unknown).to_numpy() for name in _PARTS})
