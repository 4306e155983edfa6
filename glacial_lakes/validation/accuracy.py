"""The accuracy of a map: objects right, false and missed, and their numbers by size class."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.runtime.notebooks import ShowsFacts
from glacial_lakes.validation.intervals import Estimate, bootstrap, f1_score, median, ratio, wilson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_LIMITS_KM2 = (0.0, 0.01, 0.05, 0.1, 1.0, math.inf)
SIZE_CLASSES = ("<0.01", "0.01-0.05", "0.05-0.1", "0.1-1", ">1")
"""In km²; the lower limit belongs to a class, the upper one to the next."""
ALL = "all"

COUNTS = {
    "lakes": "Reference lakes that count",
    "outlines": "Outlines that count",
    "hits": "Lakes hit: one outline with IoU at or above one half",
    "seen": "Lakes that any outline overlaps",
    "true_outlines": "Outlines that overlap any lake",
    "splits": "Lakes that hold the main parts of several outlines",
    "merges": "Outlines that hold the main parts of several lakes",
    "missed_lakes": "Lakes that no outline overlaps",
    "false_lakes": "Outlines that overlap no lake",
    "areas": "Hits whose outline states an area",
    "sigmas": "Hits whose outline states an area with its standard deviation",
}
"""Columns of :meth:`Accuracy.to_frame` without interval."""
AREAS = {
    "reference_area_m2": "Area of the reference lakes that count",
    "map_area_m2": "Area of the outlines that count, outside of lakes that do not",
    "true_area_m2": "Area in both",
    "false_area_m2": "Area in the map only",
    "missed_area_m2": "Area in the reference only",
}
"""Columns of :meth:`Accuracy.to_frame` in m²: the error matrix of areas and its margins."""
ESTIMATES = {
    "precision": "Share of outlines that hit a lake",
    "recall": "Share of lakes that are hit",
    "f1": "Harmonic mean of both",
    "precision_any": "Share of outlines that overlap a lake",
    "recall_any": "Share of lakes that an outline overlaps",
    "f1_any": "Harmonic mean of both",
    "iou": "Shared over united area of all lakes and outlines",
    "users_accuracy": "Share of the mapped area that is lake",
    "producers_accuracy": "Share of the lake area that is mapped",
    "area_bias": "Mapped over reference area, minus 1",
    "area_error": "Median of mapped over true area of a hit, minus 1",
    "area_error_abs": "Median of its absolute value",
    "within_1_sigma": "Share of hits whose true area lies within one standard deviation",
    "within_2_sigma": "Share of hits whose true area lies within two",
    "shore_rmse_m": "Root mean square distance between the outlines of hits, both ways",
    "shore_bias_m": "Mean signed distance; positive where the map is too large",
    "shore_rmse_px": "The same in pixels",
    "shore_bias_px": "The same in pixels",
}
"""Columns of :meth:`Accuracy.to_frame` with interval (``…_low``, ``…_high``)."""


@dataclass(frozen=True, eq=False, repr=False)
class Accuracy(ShowsFacts):
    """What a comparison found, object by object; the numbers follow from it.

    Attributes
    ----------
    lakes : pandas.DataFrame
        One row a reference lake, indexed as the reference was: ``lon, lat, area_m2, size_class,
        counted, hit, seen, split, outline`` (index of the outline that hits it), ``iou,
        outline_area_m2, outline_false_m2, area_error`` (relative), ``area_sigma_m2, true_m2,
        missed_m2, shore_points, shore_sum_m, shore_sum_m2, pixel_m``.
    outlines : pandas.DataFrame
        One row an outline, indexed as they were: ``lon, lat, area_m2, size_class, counted, hit,
        true, alone, merges, false_m2, cause``.
    min_area_m2 : float
        Smallest lake that counts.
    seed : int
        Of the bootstrap.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import glacial_lakes as gl
    >>> from shapely import box
    >>> lakes = gpd.GeoDataFrame(geometry=[box(0, 0, 300, 300)], crs=32643)
    >>> gl.validate(lakes, lakes)
    <Accuracy: reference lakes 1, 1 hit, 0 missed; outlines 1, ...>
    """

    lakes: pd.DataFrame
    outlines: pd.DataFrame
    min_area_m2: float = 0.0
    seed: int = 0

    @classmethod
    def pooled(cls, parts: Iterable[Accuracy]) -> Accuracy:
        """Return the accuracy over several maps, each compared with its own reference."""
        given = list(parts)
        return cls(
            pd.concat([part.lakes for part in given], ignore_index=True),
            pd.concat([part.outlines for part in given], ignore_index=True),
            min(part.min_area_m2 for part in given),
            given[0].seed,
        )

    def __repr__(self) -> str:
        facts = "; ".join(f"{name} {text}" for name, text in self._facts().items())
        return f"<Accuracy: {facts}>"

    def _facts(self) -> dict[str, str]:
        lakes, outlines = self.lakes[self.lakes["counted"]], self.outlines[self.outlines["counted"]]
        hits, true = int(lakes["hit"].sum()), int(outlines["true"].sum())
        iou = lakes["iou"].where(lakes["hit"]).median()
        return {
            "reference lakes": f"{len(lakes)}, {hits} hit, {len(lakes) - hits} missed",
            "outlines": f"{len(outlines)}, {true} true, {len(outlines) - true} false",
            "median IoU of the hits": "–" if pd.isna(iou) else f"{iou:.2f}",
        }

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers by size class.

        Returns
        -------
        pandas.DataFrame
            Indexed by :data:`SIZE_CLASSES` and ``all``; the columns of :data:`COUNTS`,
            :data:`AREAS` and :data:`ESTIMATES`, NaN where there is nothing to tell it from.
        """
        return self._frame.copy()

    def to_dict(self) -> dict[str, Any]:
        """Return all results as values of strict JSON; what is not known is None."""
        numbers = {
            str(name): {key: _plain(value) for key, value in row.items()}
            for name, row in self._frame.astype(object).iterrows()
        }
        missed = self.lakes[self.lakes["counted"] & ~self.lakes["hit"]]
        false = self.outlines[self.outlines["counted"] & ~self.outlines["hit"]]
        return {
            "min_area_m2": self.min_area_m2,
            "seed": self.seed,
            "lakes_left_out": int((~self.lakes["counted"]).sum()),
            "outlines_left_out": int((~self.outlines["counted"]).sum()),
            "numbers": numbers,
            "false_lakes_by_cause": self.causes().to_dict(),
            "lakes_not_hit": _places(missed, [C.LON, C.LAT, C.AREA_M2, "seen"]),
            "outlines_without_hit": _places(false, [C.LON, C.LAT, C.AREA_M2, "true", "cause"]),
        }

    def causes(self) -> pd.Series:
        """Return how many outlines that overlap no lake have each cause, most frequent first."""
        found = self.outlines.loc[self.outlines["alone"], "cause"].dropna()
        counts = found.value_counts().rename_axis("cause").reset_index(name="count")
        ordered = counts.sort_values(["count", "cause"], ascending=[False, True])
        series: pd.Series = ordered.set_index("cause")["count"]
        return series

    def plot(self, language: str = "en") -> Figure:
        """Draw detection, area errors, shores and areas by size class.

        Parameters
        ----------
        language : {"en", "ru"}
            Language of the labels.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from glacial_lakes.validation.figure import draw  # noqa: PLC0415 (matplotlib is slow to load)

        return draw(self._frame, self.lakes, language)

    @cached_property
    def _frame(self) -> pd.DataFrame:
        lakes = self.lakes[self.lakes["counted"]]
        outlines = self.outlines[self.outlines["counted"]]
        rows = {
            name: _numbers(
                lakes[lakes["size_class"] == name],
                outlines[outlines["size_class"] == name],
                self.seed,
            )
            for name in SIZE_CLASSES
        }
        rows[ALL] = _numbers(lakes, outlines, self.seed)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("size_class")


def size_class(area_m2: pd.Series) -> pd.Series:
    """Return the size class of areas, as text."""
    limits_m2 = [limit * 1e6 for limit in SIZE_LIMITS_KM2]
    classes = pd.cut(area_m2, limits_m2, right=False, labels=list(SIZE_CLASSES))
    return classes.astype(object)


def _numbers(lakes: pd.DataFrame, outlines: pd.DataFrame, seed: int) -> dict[str, float]:
    hits, seen, true = (int(x.sum()) for x in (lakes["hit"], lakes["seen"], outlines["true"]))
    found = lakes[lakes["hit"]]
    errors = found["area_error"].dropna()
    stated = found[found["area_error"].notna() & (found[C.AREA_SIGMA_M2] > 0)]
    sigmas = (stated["outline_area_m2"] - stated[C.AREA_M2]).abs() / stated[C.AREA_SIGMA_M2]
    estimates = {
        "precision": wilson(hits, len(outlines)),
        "recall": wilson(hits, len(lakes)),
        "f1": f1_score(hits, len(outlines), hits, len(lakes)),
        "precision_any": wilson(true, len(outlines)),
        "recall_any": wilson(seen, len(lakes)),
        "f1_any": f1_score(true, len(outlines), seen, len(lakes)),
        **_of_areas(lakes, outlines, seed),
        "area_error": bootstrap(errors.to_numpy()[:, None], median, seed),
        "area_error_abs": bootstrap(errors.abs().to_numpy()[:, None], median, seed),
        "within_1_sigma": wilson(int((sigmas <= 1).sum()), len(sigmas)),
        "within_2_sigma": wilson(int((sigmas <= 2).sum()), len(sigmas)),
        **_of_shores(found, seed),
    }
    true_m2, missed_m2 = lakes["true_m2"].sum(), lakes["missed_m2"].sum()
    false_m2 = outlines["false_m2"].sum()
    numbers: dict[str, float] = {
        "lakes": len(lakes),
        "outlines": len(outlines),
        "hits": hits,
        "seen": seen,
        "true_outlines": true,
        "splits": int(lakes["split"].sum()),
        "merges": int(outlines["merges"].sum()),
        "missed_lakes": len(lakes) - seen,
        "false_lakes": int(outlines["alone"].sum()),
        "areas": len(errors),
        "sigmas": len(sigmas),
        "reference_area_m2": true_m2 + missed_m2,
        "map_area_m2": true_m2 + false_m2,
        "true_area_m2": true_m2,
        "false_area_m2": false_m2,
        "missed_area_m2": missed_m2,
    }
    for name in ESTIMATES:
        value, low, high = estimates[name]
        numbers |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return numbers


def _of_areas(lakes: pd.DataFrame, outlines: pd.DataFrame, seed: int) -> dict[str, Estimate]:
    """Return ratios of summed areas; what is drawn is a lake with the outline that hits it."""
    alone = outlines.loc[~outlines["hit"], "false_m2"].to_numpy()
    rows = np.concatenate(
        [
            lakes[["true_m2", "missed_m2", "outline_false_m2"]].to_numpy(dtype=float),
            np.column_stack([np.zeros((len(alone), 2)), alone]),
        ]
    )
    return {
        "iou": bootstrap(rows, ratio([1, 0, 0], [1, 1, 1]), seed),
        "users_accuracy": bootstrap(rows, ratio([1, 0, 0], [1, 0, 1]), seed),
        "producers_accuracy": bootstrap(rows, ratio([1, 0, 0], [1, 1, 0]), seed),
        "area_bias": bootstrap(rows, ratio([0, -1, 1], [1, 1, 0]), seed),
    }


def _of_shores(found: pd.DataFrame, seed: int) -> dict[str, Estimate]:
    in_metres = found.loc[found["shore_points"] > 0]
    in_pixels = in_metres[in_metres[C.PIXEL_M].notna()]
    estimates = {}
    for unit, table, length in (
        ("m", in_metres, np.ones(len(in_metres))),
        ("px", in_pixels, in_pixels[C.PIXEL_M].to_numpy(dtype=float)),
    ):
        points = table["shore_points"].to_numpy(dtype=float)
        sums, squares = table["shore_sum_m"] / length, table["shore_sum_m2"] / length**2
        mean_square = bootstrap(np.column_stack([squares, points]), ratio([1, 0], [0, 1]), seed)
        mean = bootstrap(np.column_stack([sums, points]), ratio([1, 0], [0, 1]), seed)
        estimates[f"shore_rmse_{unit}"] = Estimate(*(math.sqrt(value) for value in mean_square))
        estimates[f"shore_bias_{unit}"] = mean
    return estimates


def _places(table: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    rows = table[columns].astype(object)
    return [
        {"row": _plain(label), **{str(key): _plain(value) for key, value in row.items()}}
        for label, row in rows.iterrows()
    ]


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float | np.floating) and not math.isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
