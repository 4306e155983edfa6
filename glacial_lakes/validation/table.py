"""The numbers of an accuracy as a table of text, for a terminal."""

from __future__ import annotations

import pandas as pd

from glacial_lakes.language import number, translate
from glacial_lakes.validation.accuracy import Accuracy

TABLES: dict[str, tuple[tuple[str, str, int, float], ...]] = {
    "Lakes hit (IoU ≥ 0.5)": (
        ("lakes", "lakes", 0, 1),
        ("outlines", "outlines", 0, 1),
        ("hits", "hits", 0, 1),
        ("precision", "precision", 2, 1),
        ("recall", "recall", 2, 1),
        ("f1", "F1", 2, 1),
    ),
    "Lakes seen (any overlap)": (
        ("missed_lakes", "missed", 0, 1),
        ("false_lakes", "false", 0, 1),
        ("splits", "splits", 0, 1),
        ("merges", "merges", 0, 1),
        ("precision_any", "precision", 2, 1),
        ("recall_any", "recall", 2, 1),
        ("f1_any", "F1", 2, 1),
    ),
    "Error matrix of areas, km²": (
        ("reference_area_m2", "reference", 3, 1e-6),
        ("map_area_m2", "on the map", 3, 1e-6),
        ("true_area_m2", "true", 3, 1e-6),
        ("false_area_m2", "false", 3, 1e-6),
        ("missed_area_m2", "missed", 3, 1e-6),
    ),
    "Accuracy of areas": (
        ("iou", "IoU", 3, 1),
        ("users_accuracy", "user's", 3, 1),
        ("producers_accuracy", "producer's", 3, 1),
        ("area_bias", "bias, %", 1, 100),
    ),
    "Area of the lakes hit": (
        ("areas", "lakes", 0, 1),
        ("area_error", "median error, %", 1, 100),
        ("area_error_abs", "median absolute error, %", 1, 100),
        ("within_1_sigma", "within 1 σ", 2, 1),
        ("within_2_sigma", "within 2 σ", 2, 1),
    ),
    "Shores of the lakes hit": (
        ("shore_rmse_m", "RMSE, m", 1, 1),
        ("shore_bias_m", "outwards, m", 1, 1),
        ("shore_rmse_px", "RMSE, pixels", 2, 1),
        ("shore_bias_px", "outwards, pixels", 2, 1),
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
    said: list[str] = []
    for title, columns in TABLES.items():
        cells = [first]
        for name, heading, digits, factor in columns:
            values = _cells(numbers, name, digits, factor, language=language)
            cells.append([translate(heading, language), *values])
        said += [translate(title, language), *_aligned(cells), ""]
    left_out = translate("{lakes} lakes and {outlines} outlines do not count", language)
    said.append(
        left_out.format(
            lakes=int((~accuracy.lakes["counted"]).sum()),
            outlines=int((~accuracy.outlines["counted"]).sum()),
        )
    )
    causes = accuracy.causes()
    if len(causes):
        listed = ", ".join(f"{cause}: {count}" for cause, count in causes.items())
        said.append(translate("False lakes by cause: {causes}", language).format(causes=listed))
    return said


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
