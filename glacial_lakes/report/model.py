"""The rows of the report: lakes, observations, events and scenes, missing values as None."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from glacial_lakes.change.trends import CHANGE_SIGMAS
from glacial_lakes.schema import LakeType, Status, TrendKind

if TYPE_CHECKING:
    from glacial_lakes.report.chips import Chip
    from glacial_lakes.report.curves import Curve


@dataclass(frozen=True, slots=True)
class Observation:
    """One date of one lake; missing numbers are None."""

    acquired: pd.Timestamp
    sensor: str | None
    scene_id: str | None
    area_m2: float | None
    sigma_m2: float | None
    observed_fraction: float | None
    status: str

    @property
    def is_measured(self) -> bool:
        """Whether the area of the date is known."""
        return self.status == Status.OBSERVED and self.area_m2 is not None

    @property
    def is_seen(self) -> bool:
        """Whether the lake, or its absence, was seen."""
        return self.is_measured or self.status == Status.ABSENT


@dataclass(frozen=True, slots=True)
class Change:
    """Difference of two measured areas; ``sigma_m2`` leaves out what both err by alike."""

    first: Observation
    last: Observation
    area_m2: float
    sigma_m2: float | None

    @property
    def percent(self) -> float | None:
        """Change in percent of the first area."""
        return 100 * self.area_m2 / self.first.area_m2 if self.first.area_m2 else None

    @property
    def is_significant(self) -> bool:
        """Whether the difference exceeds its own uncertainty; never when that is unknown."""
        return self.sigma_m2 is not None and abs(self.area_m2) > CHANGE_SIGMAS * self.sigma_m2


@dataclass(frozen=True, slots=True)
class LakeTrend:
    """How the area changed since the last event of a lake; ``kind`` is None below four dates."""

    kind: str | None
    n: int
    first: pd.Timestamp
    last: pd.Timestamp
    difference_m2: float | None
    difference_sigma_m2: float | None
    slope_m2_per_year: float | None
    slope_low_m2_per_year: float | None
    slope_high_m2_per_year: float | None
    slope_percent_per_year: float | None
    line_first_m2: float | None
    line_last_m2: float | None
    q: float | None
    exceeds_uncertainty: bool
    autocorrelation: str | None
    sensors: str | None
    sensor_offset_pct: float | None
    sensor_offset_low_pct: float | None
    sensor_offset_high_pct: float | None
    confounded: bool | None

    @property
    def is_shown(self) -> bool:
        """Whether the lake has a trend."""
        return self.kind in {TrendKind.GROWING, TrendKind.SHRINKING}

    @property
    def is_change(self) -> bool:
        """Whether there is a trend, or a difference where the dates are too few for one."""
        return self.is_shown or (self.kind is None and self.n > 1 and self.exceeds_uncertainty)


@dataclass(frozen=True, slots=True)
class Conflict:
    """An outline that a person drew, and a newer one that is clearly different."""

    drawn_by: str | None
    drawn_of: pd.Timestamp
    """Time of the image that it belongs to."""
    drawn_area_m2: float | None
    drawn_sigma_m2: float | None
    newer_of: pd.Timestamp
    newer_area_m2: float | None
    newer_sigma_m2: float | None


@dataclass(frozen=True, slots=True)
class Screening:
    """First-order attributes of one lake, named as in the schema; missing numbers are None."""

    glacier_year: float | None
    glacier_contact_low_m: float | None
    glacier_contact_high_m: float | None
    upslope_area_m2: float | None
    upslope_glacier_fraction: float | None
    volume_low_m3: float | None
    volume_high_m3: float | None
    peak_breach_low_m3_s: float | None
    peak_breach_high_m3_s: float | None
    peak_ice_low_m3_s: float | None
    peak_ice_high_m3_s: float | None
    downstream_slope_deg: float | None
    front_angle_deg: float | None
    headwall_area_m2: float | None


@dataclass(frozen=True)
class Lake:
    """One lake of the report; ``number`` is given once and kept."""

    number: int
    lake_id: str
    lon: float | None
    lat: float | None
    elev_m: float | None
    catalogue_no: str | None
    lake_name: str | None
    district: str | None
    comment: str | None
    lake_type: str | None
    dam_type: str | None
    glacier_id: str | None
    glacier_dist_m: float | None
    state: str
    area_m2: float | None
    sigma_m2: float | None
    area_of: pd.Timestamp | None
    """Time of the image of the outline that stands for the lake: that of its area."""
    observations: tuple[Observation, ...]
    change: Change | None
    """From the first to the last measured area; None with fewer than two."""
    is_unseen_last: bool
    verified_by: str | None
    edited_by: str | None
    conflict: Conflict | None
    screening: Screening
    trend: LakeTrend | None
    curve: Curve | None
    """None in large inventories, where not every lake is drawn."""
    chip: Chip | None

    @property
    def newer(self) -> Observation | None:
        """The newest measurement, where a person's outline of an older image stands."""
        if not self.measured or self.area_of is None:
            return None
        last = self.measured[-1]
        return last if last.acquired.floor("D") > self.area_of.floor("D") else None

    @property
    def may_breach(self) -> bool:
        """Whether a dam of moraine or debris is possible."""
        return self.dam_type not in {"ice", "bedrock"}

    @property
    def may_be_ice_dammed(self) -> bool:
        """Whether a dam of ice is possible."""
        touches = self.lake_type in {LakeType.ICE_CONTACT, LakeType.UNKNOWN}
        return self.dam_type == "ice" or (self.dam_type is None and touches)

    @cached_property
    def measured(self) -> tuple[Observation, ...]:
        """The observations with an area."""
        return tuple(entry for entry in self.observations if entry.is_measured)


@dataclass(frozen=True, slots=True)
class LakeEvent:
    """One event with the scenes that show it; lakes are (id, number or None)."""

    lake: tuple[str, int | None]
    event: str
    date: pd.Timestamp | None
    after: pd.Timestamp | None
    before_lakes: tuple[tuple[str, int | None], ...]
    after_lakes: tuple[tuple[str, int | None], ...]
    area_before_m2: float | None
    area_after_m2: float | None
    scenes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One reason to look at a lake; the lake is (id, number or None)."""

    lake: tuple[str, int | None]
    kind: str
    date: pd.Timestamp | None
    after: pd.Timestamp | None
    area_before_m2: float | None
    sigma_before_m2: float | None
    area_after_m2: float | None
    sigma_after_m2: float | None
    glacier_dist_m: float | None
    is_confirmed: bool
    scenes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneRow:
    """One scene; ``n_measured`` and ``n_unseen`` count lakes."""

    number: int
    scene_id: str
    acquired: pd.Timestamp | None
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    """First and last image, where it is a survey of several days; else None."""
    sensor: str | None
    level: str | None
    cloud_percent: float | None
    n_measured: int
    n_unseen: int
    is_refused: bool
    reason: str | None
