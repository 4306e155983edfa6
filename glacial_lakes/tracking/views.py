"""What each epoch says about each lake: one column a quantity, for very many lakes and epochs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from glacial_lakes.coverage import MIN_OBSERVED_FRACTION

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class View(NamedTuple):
    """What one epoch says about one lake."""

    epoch: int
    scene: int
    """Position of the scene that sees it best."""
    fraction: float
    status: str
    resolution_m: float
    late_summer: bool
    shows_water: bool = False
    """Whether the lake, or a part of it, was outlined."""
    area_m2: float = np.nan
    sigma_m2: float = np.nan
    at_most_m2: float = np.nan
    """Where it was not seen whole, and most of what was seen is no water: what may be left."""
    at_least_m2: float = np.nan
    """Where it was not seen whole: the part of it that was."""

    @property
    def decides(self) -> bool:
        """Whether it tells the area: that of the lake, or zero."""
        return self.status in {"observed", "absent"}

    @property
    def lacks(self) -> bool:
        """Whether it tells that the lake is not there, or all but a remnant that is hidden."""
        return self.status == "absent" or not np.isnan(self.at_most_m2)

    @property
    def largest_m2(self) -> float:
        """The area, or what may be left of it."""
        return self.area_m2 if self.decides else self.at_most_m2

    @property
    def smallest_m2(self) -> float:
        """The area, or the part of it that was seen."""
        return self.area_m2 if self.decides else self.at_least_m2

    @property
    def is_ice(self) -> bool:
        """Whether the place is ice when lakes are open, or bare but for a remnant that is ice."""
        hidden = self.fraction <= 1 - MIN_OBSERVED_FRACTION
        return self.late_summer and self.status == "frozen" and (hidden or self.lacks)


@dataclass(frozen=True)
class Views:
    """What all epochs say about all lakes: arrays of shape (lake, epoch), named as in a view."""

    scene: npt.NDArray[np.intp]
    fraction: Numbers
    status: npt.NDArray[np.object_]
    resolution_m: Numbers
    late_summer: Flags
    shows_water: Flags
    area_m2: Numbers
    sigma_m2: Numbers
    at_most_m2: Numbers
    at_least_m2: Numbers

    @classmethod
    def blank(cls, lakes: int, epochs: int) -> Views:
        """Return views that tell that all places were seen, and nothing else."""
        shape = lakes, epochs
        unknown = [np.full(shape, np.nan) for _ in range(4)]
        no = [np.zeros(shape, dtype=bool) for _ in range(2)]
        status = np.full(shape, "observed", dtype=object)
        return cls(
            np.zeros(shape, dtype=int), np.ones(shape), status, np.zeros(shape), *no, *unknown
        )

    def of(self, lake: int) -> list[View]:
        """Return the views of a lake."""
        columns = (values[lake].tolist() for values in self._columns())
        epochs = range(self.status.shape[1])
        return [View(*values) for values in zip(epochs, *columns, strict=True)]

    def at(self, lake: int, epoch: int) -> View:
        """Return one view."""
        return View(epoch, *(values.item(lake, epoch) for values in self._columns()))

    def put(self, lake: int, view: View) -> None:
        """Enter one view."""
        for values, value in zip(self._columns(), view[1:], strict=True):
            values[lake, view.epoch] = value

    @property
    def decides(self) -> Flags:
        """Which of them tell the area: that of the lake, or zero."""
        decides: Flags = (self.status == "observed") | (self.status == "absent")
        return decides

    @property
    def lacks(self) -> Flags:
        """Which of them tell that the lake is not there, or all but a remnant that is hidden."""
        lacks: Flags = (self.status == "absent") | ~np.isnan(self.at_most_m2)
        return lacks

    def _columns(self) -> Iterator[npt.NDArray[Any]]:
        return (getattr(self, name) for name in View._fields[1:])
