"""Numbers as people write them: with a decimal comma, blanks between thousands, a unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glacial_lakes.io.parsing import is_nothing

_BLANKS = "\\s\u00a0\u202f\u2009'’"
_PLAIN = re.compile(r"[-+]?\d*\.?\d+(?:e[-+]?\d+)?|[-+]?\d+\.", re.IGNORECASE)
_COMMA = re.compile(r"[-+]?\d*,\d+(?:e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+")
_BOTH = re.compile(r"[-+]?\d{1,3}(?:(,|\.)\d{3})+(?!\1)[,.]\d+")
_EITHER_WAY = re.compile(r"^(?:±|\+/?-)(?=[\d.,])")
"""Before an error: it may be of either sign."""
_UNIT = re.compile(
    r"(?P<number>.*?\d[.,]?)\s*(?P<unit>%|km2|km²|km\^2|sq\.? ?km|км2|км²|км\^2|кв\.? ?км"
    r"|ha|hectares?|га|m2|m²|m\^2|sq\.? ?m|м2|м²|м\^2|кв\.? ?м|m|м)\.?",
    re.IGNORECASE,
)
_UNITS = {
    **dict.fromkeys(("m", "м"), "m"),
    **dict.fromkeys(("km2", "km²", "km^2", "sqkm", "км2", "км²", "км^2", "квкм"), "km2"),
    **dict.fromkeys(("ha", "hectare", "hectares", "га"), "ha"),
    **dict.fromkeys(("m2", "m²", "m^2", "sqm", "м2", "м²", "м^2", "квм"), "m2"),
    "%": "%",
}
_FITTING = {"m": {"m"}, "m2": {"m2", "ha", "km2", "%"}, "1": {"%"}}
"""Units that may stand beside the numbers of a column, by the unit of the column."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of a field.

    Parameters
    ----------
    found : pandas.Series of float64
        NaN where there is none.
    odd : pandas.Series of bool
        Rows that say something that was not understood.
    units : pandas.Series of str
        ``m``, ``m2``, ``ha``, ``km2`` or ``%`` where it stands beside a number, else None.
    """

    found: pd.Series
    odd: pd.Series
    units: pd.Series


def numbers_of(values: pd.Series, unit: str | None = None) -> Numbers:
    """Return the numbers that a field holds, as numbers or as texts.

    ``0,0380`` and ``3 450,5`` are read with a decimal comma. ``3,450`` could be three or three
    thousand: it is read as the other numbers of the field are, and not understood where they do
    not tell.

    Examples
    --------
    >>> numbers_of(pd.Series(["0,0380", "1 200,5", "n/a", "much"])).found.tolist()
    [0.038, 1200.5, nan, nan]
    >>> numbers_of(pd.Series(["± 5 %", "0,03 km²", "120"])).units.tolist()
    ['%', 'km2', None]
    """
    none = pd.Series(None, index=values.index, dtype=object)
    if pd.api.types.is_numeric_dtype(values.dtype):
        found = values.astype("float64")
        infinite: pd.Series = found.abs() == np.inf
        return Numbers(found.where(~infinite), infinite, none)
    texts = [
        None if value is None or pd.isna(value) else str(value).replace("\u2212", "-")
        for value in values
    ]
    parts = [_without_unit(text) for text in texts]
    bare = [_EITHER_WAY.sub("", re.sub(f"[{_BLANKS}]", "", number)) for number, _ in parts]
    comma = _is_decimal_comma(bare)
    numbers = [_number(text, comma) for text in bare]
    is_filled = [not is_nothing(text) for text in bare]
    odd = [there and number is None for there, number in zip(is_filled, numbers, strict=True)]
    units = [name if there else None for (_, name), there in zip(parts, is_filled, strict=True)]
    if unit is not None:
        misfits = [name is not None and name not in _FITTING.get(unit, ()) for name in units]
        odd = [one or other for one, other in zip(odd, misfits, strict=True)]
        shares = [unit == "1" and name == "%" for name in units]
        numbers = [
            None if misfit or number is None else number / 100 if is_share else number
            for number, misfit, is_share in zip(numbers, misfits, shares, strict=True)
        ]
    return Numbers(
        pd.Series([np.nan if n is None else n for n in numbers], values.index, dtype="float64"),
        pd.Series(odd, values.index, dtype=bool),
        none if not any(units) else pd.Series(units, values.index, dtype=object),
    )


def _without_unit(text: str | None) -> tuple[str, str | None]:
    match = _UNIT.fullmatch((text or "").strip())
    if match is None:
        return (text or "").strip(), None
    unit = re.sub(r"[. ]", "", match["unit"].lower())
    return match.group("number"), _UNITS.get(unit)


def _is_decimal_comma(texts: list[str]) -> bool | None:
    """Return whether commas are decimal; None where nothing tells."""
    with_comma = [text for text in texts if _COMMA.fullmatch(text)]
    if any(not _THOUSANDS.fullmatch(text) for text in with_comma):
        return True
    has_point = any("." in text and _PLAIN.fullmatch(text) for text in texts)
    return False if has_point or any(text.count(",") > 1 for text in texts) else None


def _number(text: str, comma: bool | None) -> float | None:
    if _PLAIN.fullmatch(text):
        return float(text)
    if _BOTH.fullmatch(text):
        decimal = max(",", ".", key=text.rfind)
        other = "." if decimal == "," else ","
        return float(text.replace(other, "").replace(decimal, "."))
    if comma is False and _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    if comma and _COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    return None
