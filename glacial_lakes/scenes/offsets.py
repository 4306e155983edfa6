"""The offset of Sentinel-2, whichever way it is told: one rule for SAFE, Zarr, STAC and files.

From baseline 04.00 on 1000 is added to all stored numbers, and the metadata lists −1000 to undo it.
Some providers undo it in their copies and leave the list as it was; some copies tell nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from glacial_lakes.errors import N_, Message, MetadataError

OFFSET = -1000.0
"""Offset of all bands from baseline 04.00 on, in stored numbers (S2 PSD, RADIO_ADD_OFFSET)."""

OWN_BASELINE = 99.99
"""What Sen2Cor writes (N9999) when a user runs it."""

FIRST_UNKNOWN_BASELINE = 6.0
"""From here on the metadata alone is believed: what it must say is not known yet."""

_FIRST_BASELINE = 4.0
_FIRST_DAY = datetime(2022, 1, 25, tzinfo=UTC)
"""Day on which baseline 04.00, and Sen2Cor 2.10 with it, began."""


def expected_offset(baseline: float | None, made: datetime | None = None) -> float | None:
    """Return the offset that a baseline has as its maker delivers it, in stored numbers.

    Parameters
    ----------
    baseline : float or None
        Such as 5.09; None: not told.
    made : datetime.datetime, optional
        When the product was made, by which that of a person's own processing is known.

    Returns
    -------
    float or None
        −1000 or 0; None where it is not known.
    """
    if baseline == OWN_BASELINE and made is not None:
        return OFFSET if made >= _FIRST_DAY else 0.0
    if baseline is None or baseline >= FIRST_UNKNOWN_BASELINE:
        return None
    return OFFSET if baseline >= _FIRST_BASELINE else 0.0


def stored_offset(
    where: Path | str,
    baseline: float | None,
    *,
    listed: float | None = None,
    is_applied: bool | None = None,
    made: datetime | None = None,
) -> tuple[float, Message | None]:
    """Return what is to be added to stored numbers before they are divided.

    Parameters
    ----------
    where : path-like
        What errors name.
    baseline : float or None
        Such as 5.09; None: not told.
    listed : float, optional
        The offset that the metadata lists, in stored numbers.
    is_applied : bool, optional
        Whether a provider says that its copy has it applied
        (``earthsearch:boa_offset_applied``). Applied, a listed one is that of the original.
    made : datetime.datetime, optional
        As for :func:`expected_offset`.

    Returns
    -------
    offset : float
        In stored numbers.
    doubt : Message or None
        Why what is listed cannot be so, as a clause.

    Raises
    ------
    MetadataError
        When nothing tells it and the baseline may have one.
    """
    if is_applied:
        return 0.0, None
    expected = expected_offset(baseline, made)
    if listed is not None:
        if expected is None or listed == expected or baseline == OWN_BASELINE:
            return listed, None
        doubt = Message(
            "the offset of the reflectance is {wrong:g}, baseline {baseline:05.2f} has "
            "{expected:g}",
            wrong=listed,
            baseline=baseline,
            expected=expected,
        )
        return listed, doubt
    if expected == 0.0:
        return 0.0, None
    if is_applied is False and expected is not None:
        return expected, None
    if baseline is None:
        raise MetadataError(
            where,
            "neither the offset of the reflectance nor the baseline is told",
            "give scale and offset: offset = -0.1 from baseline 04.00 on unless it was taken off, "
            "else 0",
        )
    raise MetadataError(
        where,
        "the offset of the reflectance is not told, which baseline {baseline:05.2f} needs",
        N_("download the product from its source")
        if baseline != OWN_BASELINE
        else N_("make it again with Sen2Cor 2.10 or later, which tells the offset"),
        baseline=baseline,
    )
