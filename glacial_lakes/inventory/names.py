"""What people call lakes: by ID, number or name, however they write the name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pandas as pd

from glacial_lakes import schema
from glacial_lakes.columns import C

_NUMBERS = (C.LAKE_ID, C.NUMBER, C.CATALOGUE_NO)
_MARKS = dict.fromkeys(map(ord, "'’‘ʻʼʹ`´\"«»„“”‟‹›"))
"""Quotation marks, and the apostrophes of Uzbek letters."""
_LAKE = {"оз", "озеро", "lake", "көлү", "көлі", "кӯли", "koli"}
"""Words that say before or after a name that it is one of a lake."""


def bare(name: str) -> str:
    """Return a name without what people write in many ways: marks, capitals, the word lake.

    Examples
    --------
    >>> bare("оз. «Зелёное»") == bare("ЗЕЛЕНОЕ") == bare("Озеро Зеленое")
    True
    """
    text = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е").translate(_MARKS)
    words = re.findall(r"\w+", text)
    if len(words) > 1 and words[0] in _LAKE:
        words = words[1:]
    if len(words) > 1 and words[-1] in _LAKE:
        words = words[:-1]
    return " ".join(words) or " ".join(text.split())


class LakeNames:
    """The lakes of an inventory by all that people call them.

    Parameters
    ----------
    lakes : pandas.DataFrame
        :data:`~glacial_lakes.schema.LAKES`.
    """

    def __init__(self, lakes: pd.DataFrame) -> None:
        self._lakes = schema.conform(lakes, schema.LAKES)
        self._ids: list[dict[str, list[str]]] = [
            self._by(column, str.casefold) for column in _NUMBERS
        ]
        self._named = self._by(C.LAKE_NAME, bare)

    def _by(self, column: str, key: Callable[[str], str]) -> dict[str, list[str]]:
        here = self._lakes[self._lakes[column].notna()]
        found: dict[str, list[str]] = {}
        for name, lake in zip(here[column], here[C.LAKE_ID], strict=True):
            found.setdefault(key(str(name)), []).append(str(lake))
        return found

    def ids(self, name: str) -> list[str]:
        """Return the IDs of all lakes that are called so; none when there is no such lake.

        An ID outranks a number in reports, that a number in the catalogue, and that a name.
        """
        exact = (known.get(name.strip().casefold()) for known in self._ids)
        return next((ids for ids in exact if ids), self._named.get(bare(name), []))

    def described(self, ids: list[str]) -> list[str]:
        """Return IDs with the number and the name of each lake, by which people tell them apart."""
        table = self._lakes.set_index(C.LAKE_ID)
        columns = [C.CATALOGUE_NO, C.LAKE_NAME, C.DISTRICT]
        words = [[str(word) for word in table.loc[lake, columns] if pd.notna(word)] for lake in ids]
        return [
            f"{lake} ({', '.join(told)})" if told else lake
            for lake, told in zip(ids, words, strict=True)
        ]
