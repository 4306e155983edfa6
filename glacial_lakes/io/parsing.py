"""Texts of JSON, TOML and cells of tables → values, or one kind of error for whatever is none."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

_NOTHING = re.compile(
    r"[-–—?\s]*|<?nul+>?|n\W?a\W?n?|none|no ?data|unknown|нет(?: данных)?|н/?д|\*+", re.IGNORECASE
)


def is_nothing(text: str) -> bool:
    """Tell whether a cell of a table says that there is no value, as people write it.

    Examples
    --------
    >>> [is_nothing(text) for text in ("", "–", "н/д", "NULL", "0")]
    [True, True, True, True, False]
    """
    return _NOTHING.fullmatch(text) is not None


def json_of(text: str | bytes) -> Any:
    """Return what a text of JSON holds.

    Raises
    ------
    ValueError
        When it is none, or is nested more deeply than anything that means something.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def json_within(text: str, start: int) -> Any:
    """Return the value of JSON that begins at a place of a text, whatever follows it.

    Raises
    ------
    ValueError
        As for :func:`json_of`.
    """
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def toml_of(text: str) -> dict[str, Any]:
    """Return what a text of TOML holds.

    Raises
    ------
    ValueError
        As for :func:`json_of`. The parser of Python gives several kinds, also for a number of
        thousands of digits.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


_TOO_DEEP = "nested too deeply"
