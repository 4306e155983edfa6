"""The numbers of an accuracy as a table of text, for a terminal."""

from __future__ import annotations

import pandas as pd

from glacial_lakes.errors import N_, Message
from glacial_lakes.language import in_language, number, translate
from glacial_lakes.validation.accuracy import Accuracy

TABLES: dict[str, tuple[tuple[str, str, int, float], ...]] = {
    N_("Lakes hit (IoU ≥ 0.5)"): (
        ("lakes", N_("lakes"), 0, 1),
        ("outlines", N_("outlines"), 0, 1),
        ("hits", N_("hits"), 0, 1),
        ("precision", N_("precision"), 2, 1),
        ("recall", N_("recall"), 2, 1),
        ("f1", N_("F1"), 2, 1),
    ),
    N_("Lakes seen (any overlap)"): (
        ("missed_lakes", N_("missed"), 0, 1),
        ("false_lakes", N_("false"), 0, 1),
        ("splits", N_("splits"), 0, 1),
        ("merges", N_("merges"), 0, 1),
        ("precision_any", N_("precision"), 2, 1),
        ("recall_any", N_("recall"), 2, 1),
        ("f1_any", N_("F1"), 2, 1),
    ),
    N_("Error matrix of areas, km²"): (
        ("reference_area_m2", N_("reference"), 3, 1e-6),
        ("map_area_m2", N_("on the map"), 3, 1e-6),
        ("true_area_m2", N_("true"), 3, 1e-6),
        ("false_area_m2", N_("false"), 3, 1e-6),
        ("missed_area_m2", N_("missed"), 3, 1e-6),
    ),
    N_("Accuracy of areas"): (
        ("iou", N_("IoU"), 3, 1),
        ("users_accuracy", N_("user's"), 3, 1),
        ("producers_accuracy", N_("producer's"), 3, 1),
        ("area_bias", N_("bias, %"), 1, 100),
    ),
    N_("Area of the lakes hit"): (
        ("areas", N_("lakes"), 0, 1),
        ("area_error", N_("median error, %"), 1, 100),
        ("area_error_abs", N_("median absolute error, %"), 1, 100),
        ("within_1_sigma", N_("within 1 σ"), 2, 1),
        ("within_2_sigma", N_("within 2 σ"), 2, 1),
    ),
    N_("Shores of the lakes hit"): (
        ("shore_rmse_m", N_("RMSE, m"), 1, 1),
        ("shore_bias_m", N_("outwards, m"), 1, 1),
        ("shore_rmse_px", N_("RMSE, pixels"), 2, 1),
        ("shore_bias_px", N_("outwards, pixels"), 2, 1),
    ),
}
"""Title to columns: name in the frame, heading, digits, factor."""


def lines(accuracy: Accuracy, language: str = "en") -> list[str]:
    """Return the numbers by size class as lines of text.

    Parameters
    ----------
    accuracy : Accuracy
        The result of a comparison.
    language : {"en", "ru"}
        Language of headings and numbers.
    """
    numbers = accuracy.to_frame()
    first = [
        translate("km²", language),
        *(translate(str(name), language) for name in numbers.index),
    ]
    rows: list[str] = []
    for title, columns in TABLES.items():
        cells = [first]
        for name, heading, digits, factor in columns:
            values = _cells(numbers, name, digits, factor, language=language)
            cells.append([translate(heading, language), *values])
        rows += [translate(title, language), *_aligned(cells), ""]
    left_out = Message(
        "not counted: {lakes}, {outlines}",
        lakes=Message("{count} lake", "{count} lakes", count=(~accuracy.lakes["counted"]).sum()),
        outlines=Message(
            "{count} outline", "{count} outlines", count=(~accuracy.outlines["counted"]).sum()
        ),
    )
    rows.append(in_language(left_out, language))
    causes = accuracy.causes()
    if len(causes):
        listed = ", ".join(f"{cause}: {count}" for cause, count in causes.items())
        rows.append(translate("False lakes by cause: {causes}", language).format(causes=listed))
    return rows


def _cells(
    numbers: pd.DataFrame, name: str, digits: int, factor: float, *, language: str
) -> list[str]:
    texts = [number(value * factor, digits, language) for value in numbers[name]]
    if f"{name}_low" not in numbers:
        return texts
    ends = zip(numbers[f"{name}_low"] * factor, numbers[f"{name}_high"] * factor, strict=True)
    return [
        text
        if pd.isna(low)
        else f"{text} ({number(low, digits, language)} … {number(high, digits, language)})"
        for text, (low, high) in zip(texts, ends, strict=True)
    ]


def _aligned(columns: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    rows = zip(*columns, strict=True)
    return [
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
