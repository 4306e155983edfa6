"""The columns of every table that leaves the package: name, type, unit, meaning, shapefile name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.errors import N_, Message
from glacial_lakes.language import translate

ColumnType = Literal["text", "real", "integer", "boolean", "time", "date"]


class Word(StrEnum):
    """A value of a text column; shown in tables as the plain text that it is."""

    def __repr__(self) -> str:
        return repr(self.value)


Words = type[Word]


class Status(Word):
    """What happened to a lake on a date.

    Only ``observed`` has an area; ``absent`` has area 0, seen as land; all others are *not
    observed*, and say why.
    """

    OBSERVED = "observed"
    ABSENT = "absent"
    CLOUD = "cloud"
    SHADOW = "shadow"
    NODATA = "nodata"
    FROZEN = "frozen"
    UNCERTAIN = "uncertain"


class LakeState(Word):
    """What is known of a lake now.

    ``merged``: a part of another lake now; ``unconfirmed``: a small outline that other images
    contradict.
    """

    PRESENT = "present"
    GONE = "gone"
    MERGED = "merged"
    UNCONFIRMED = "unconfirmed"


ENDED = frozenset({LakeState.GONE, LakeState.MERGED})
"""States of what is no lake of its own any more."""


class EventKind(Word):
    """What can happen to a lake."""

    APPEARED = "appeared"
    DRAINED = "drained"
    REFILLED = "refilled"
    SPLIT = "split"
    MERGED = "merged"
    GROWN = "grown"
    SHRUNK = "shrunk"
    SEASONAL_FILL = "seasonal_fill"
    SEASONAL_DRAIN = "seasonal_drain"


FAST_EVENTS = frozenset(
    {EventKind.GROWN, EventKind.SHRUNK, EventKind.SEASONAL_FILL, EventKind.SEASONAL_DRAIN}
)
"""Events after which a lake is still the same body of water, of another size."""


class AlertKind(Word):
    """A reason to look at a lake; each with its colour on a map, red, green, blue."""

    colour: str

    def __new__(cls, value: str, colour: str) -> Self:  # noqa: D102 (of the class)
        self = str.__new__(cls, value)
        self._value_ = value
        self.colour = colour
        return self

    SUDDEN_DRAINAGE = "sudden_drainage", "213,94,0"
    SUDDEN_GROWTH = "sudden_growth", "0,114,178"
    NEW_NEAR_GLACIER = "new_near_glacier", "0,158,115"
    CONTACT_GAINED = "contact_gained", "86,180,233"
    CONTACT_LOST = "contact_lost", "204,121,167"


class TrendKind(Word):
    """What the series of a lake shows."""

    GROWING = "growing"
    SHRINKING = "shrinking"
    NONE = "none"


class Autocorrelation(Word):
    """What the p-value of a trend makes of values that remember those before them."""

    CORRECTED = "corrected"
    NOT_CORRECTED = "not corrected"


class LakeType(Word):
    """Relation of a lake to the glacier."""

    SUPRAGLACIAL = "supraglacial"
    ICE_CONTACT = "ice-contact"
    UNCONNECTED = "unconnected"
    NON_GLACIER_FED = "non-glacier-fed"
    UNKNOWN = "unknown"


class VolumeMethod(Word):
    """What tells the volume of a lake.

    ``curve``: bathymetry or rating curve of the lake; ``relations``: published area scalings.
    """

    CURVE = "curve"
    RELATIONS = "relations"


class Decision(Word):
    """What a person can decide.

    ``withdrawn`` takes an acceptance back. What was ``split`` from a lake is added; what was
    ``merged`` into one is a lake no more.
    """

    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"
    REDRAWN = "redrawn"
    ADDED = "added"
    SPLIT = "split"
    MERGED = "merged"
    RECLASSIFIED = "reclassified"
    COMMENTED = "commented"


class SceneState(Word):
    """Whether a scene could be used."""

    MAPPED = "mapped"
    REFUSED = "refused"
    ODD = "odd"
    """Mapped, but it looks odd: not used until a person trusts it."""


class ChecksumState(Word):
    """Whether a product was compared with checksums of its own."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


class PlausibilityState(Word):
    """Whether what a scene shows can be so; trusted: odd, and a person says that it is right."""

    PLAUSIBLE = "plausible"
    ODD = "odd"
    IMPLAUSIBLE = "implausible"
    TRUSTED = "trusted"
    UNJUDGED = "unjudged"


UNUSED = (SceneState.REFUSED, SceneState.ODD)
"""States of scenes of which an inventory holds nothing."""


class Merge(Enum):
    """What outlines that are put together, for they show one lake on one date, have as one."""

    LEADING = "what the leading outline has"
    SUM = "their sum"
    ROOT_SUM_SQUARES = "the root of the sum of their squares"
    LARGEST = "the largest of them"


class Redrawn(Enum):
    """What an outline has that a person drew."""

    OF_IMAGE = "what the outline has that it replaces"
    OF_LAKE = "the same; where there was none, what the lake has on other dates"
    MEASURED = "what is measured of it"
    FIXED = "a value of its own, Column.drawn_as"


MEANING = "column"
"""Context of the meanings of columns in the catalogues."""

UNITS: Mapping[str, str] = {
    "m": N_("m"),
    "m2": N_("m²"),
    "m3": N_("m³"),
    "m3/s": N_("m³/s"),
    "a": N_("years"),
    "m2/a": N_("m²/year"),
    "%/a": N_("%/year"),
    "deg": "°",
}
"""Units of columns as people write them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: everything that a reader of a table must know about it."""

    name: str
    type: ColumnType
    unit: str
    en: str
    """Meaning in English; :meth:`meaning` gives it in any language."""
    shapefile: str | None = None
    """Name in shapefiles, at most 10 ASCII characters, after Wang et al. (2020); None: left out."""
    title: str = ""
    """What a form has room for, where the meaning is a list of values; in English."""
    words: Words | None = None
    """What alone can stand there."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Values of older files, each with what it is called now."""
    merge: Merge = Merge.LEADING
    redrawn: Redrawn = Redrawn.OF_IMAGE
    drawn_as: str | float | bool | None = None
    taken_over: bool = False
    """Whether that of a file that others made is believed."""

    def meaning(self, language: str = "en") -> str:
        """Return the meaning in a language."""
        return translate(self.en, language, MEANING)

    def label(self, language: str = "en") -> str:
        """Return what a form says beside the value: a short meaning, and the unit."""
        text = translate(self.title or self.en, language, MEANING)
        unit = self.unit_as_read(language)
        return text if not unit or f"({unit})" in text else f"{text}, {unit}"

    def unit_as_read(self, language: str = "en") -> str:
        """Return the unit as people write it, nothing where there is none."""
        plain = self.unit in ("", "1")
        return "" if plain else translate(UNITS.get(self.unit, self.unit), language)

    def mention(self, name: str | None = None) -> Message:
        """Return what messages call the column: what people read in a form, and its own name.

        Parameters
        ----------
        name : str, optional
            How the file at hand spells it, such as in a shapefile.

        Examples
        --------
        >>> DAM_TYPE.mention(), DAM_TYPE.mention("Dam_Type")
        ('"Dam type" (dam_type)', '"Dam type" (Dam_Type)')
        """
        label = Message(self.title or self.en, context=MEANING)
        return Message('"{label}" ({name})', context="format", label=label, name=name or self.name)

    def shown_value(self, value: object, language: str = "en") -> str:
        """Return a value as people read it: where only some words can stand, in the language."""
        text = str(value)
        return text if self.words is None or language == "en" else translate(text, language)


LAKE_ID = Column(C.LAKE_ID, "text", "", "Lake identity, given once and kept", "GLAKE_ID")
SCENE_ID = Column(C.SCENE_ID, "text", "", "Source scene", "GL_Image")
ACQUIRED = Column(C.ACQUIRED, "time", "UTC", "Time of the image", "GL_Date")
SENSOR = Column(C.SENSOR, "text", "", "Satellite and sensor", "GL_Sensor")
AREA = Column(
    C.AREA_M2,
    "real",
    "m2",
    "Area on the ellipsoid",
    "GL_Area",
    merge=Merge.SUM,
    redrawn=Redrawn.MEASURED,
)
AREA_SIGMA = Column(
    C.AREA_SIGMA_M2,
    "real",
    "m2",
    "One standard deviation of the area",
    "GL_A_Error",
    merge=Merge.ROOT_SUM_SQUARES,
    redrawn=Redrawn.MEASURED,
)
AREA_MIN = Column(
    C.AREA_MIN_M2,
    "real",
    "m2",
    "Without an area: the least that it can be, what the image shows less two standard deviations",
    "GL_A_Min",
    title="Least area, where it is not known",
    merge=Merge.LARGEST,
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
AREA_MAX = Column(
    C.AREA_MAX_M2,
    "real",
    "m2",
    "Without an area: the most that it can be, with all that is hidden beside it; empty: no bound",
    "GL_A_Max",
    title="Largest area, where it is not known",
    merge=Merge.SUM,
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
AREA_SIGMA_SHARED = Column(
    C.AREA_SIGMA_SHARED_M2,
    "real",
    "m2",
    "Part of it that all dates of one lake and instrument share",
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
AREA_SIGMA_DATE = Column(
    C.AREA_SIGMA_DATE_M2,
    "real",
    "m2",
    "Part of it that each date adds",
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
AREA_ERR_HB = Column(
    C.AREA_ERR_HB_M2,
    "real",
    "m2",
    "Area error by the perimeter formula of Hanshaw & Bookhagen (2014)",
    merge=Merge.SUM,
    redrawn=Redrawn.MEASURED,
)
PIXEL = Column(
    C.PIXEL_M,
    "real",
    "m",
    "Pixel of the image that the outline was drawn on",
    "Pixel_M",
    merge=Merge.LARGEST,
)
PERIMETER = Column(
    C.PERIMETER_M,
    "real",
    "m",
    "Length of the outline",
    "GL_Peri",
    merge=Merge.SUM,
    redrawn=Redrawn.MEASURED,
)
ELEVATION = Column(
    C.ELEV_M,
    "real",
    "m",
    "Median elevation of the DEM in the lake",
    "GL_Elev",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
LON = Column(
    C.LON,
    "real",
    "deg",
    "Longitude of a point in the lake",
    "GL_Long",
    redrawn=Redrawn.MEASURED,
)
LAT = Column(
    C.LAT,
    "real",
    "deg",
    "Latitude of a point in the lake",
    "GL_Lati",
    redrawn=Redrawn.MEASURED,
)
LAKE_TYPE = Column(
    C.LAKE_TYPE,
    "text",
    "",
    "Relation to the glacier",
    "GL_Type",
    words=LakeType,
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
DAM_TYPE = Column(
    C.DAM_TYPE,
    "text",
    "",
    "Dam type",
    "Dam_Type",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
GLACIER_ID = Column(
    C.GLACIER_ID,
    "text",
    "",
    "Nearest glacier",
    "Glac_ID",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
GLACIER_DIST = Column(
    C.GLACIER_DIST_M,
    "real",
    "m",
    "Distance to the nearest glacier outline",
    "Glac_Dist",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
OBSERVED_FRACTION = Column(
    C.OBSERVED_FRACTION,
    "real",
    "1",
    "Share of the lake that the image shows",
    "Obs_Frac",
    redrawn=Redrawn.FIXED,
    drawn_as=1.0,
    taken_over=True,
)
STATUS = Column(
    C.STATUS,
    "text",
    "",
    "observed, absent, or why not observed: cloud, shadow, nodata, frozen, uncertain",
    "Status",
    title="Status",
    words=Status,
    redrawn=Redrawn.FIXED,
    drawn_as=Status.OBSERVED,
    taken_over=True,
)
MANUAL = "manual"
"""Method of an outline that a person drew."""
OUTLINE_METHOD = Column(
    C.OUTLINE_METHOD,
    "text",
    "",
    "How the outline was drawn",
    "Method",
    redrawn=Redrawn.FIXED,
    drawn_as=MANUAL,
    taken_over=True,
)
THRESHOLD = Column(
    C.THRESHOLD,
    "real",
    "1",
    "Index value at the lake's shore (half of the pixel is water)",
    "Thresh",
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
QUALITY = Column(
    C.QUALITY,
    "text",
    "",
    "good, fair or poor outline, with the reason",
    "Quality",
    title="Quality of the outline",
    redrawn=Redrawn.FIXED,
    drawn_as="good",
    taken_over=True,
)
LAKE_PROB = Column(
    C.LAKE_PROB,
    "real",
    "1",
    "Probability that the outline is a lake, by its own features",
    "Lake_Prob",
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
LAKE_PROB_REASONS = Column(
    C.LAKE_PROB_REASONS,
    "text",
    "",
    "What speaks most for a lake (+) or against one (-)",
    "Lake_Why",
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
NO_DEM = N_("fair: no DEM, shade and slope not excluded")
NO_CLOUD_MASK = N_("fair: no cloud mask, cloud told by brightness alone")
"""Quality of an outline of which nothing worse can be said."""
EVENT = Column(C.EVENT, "text", "", "Event on this date", "Event", words=EventKind)
VERIFIED = Column(C.VERIFIED, "boolean", "", "A person has checked it", "Verified")
VERIFIED_BY = Column(C.VERIFIED_BY, "text", "", "Who checked it", "Verif_By")
EDITED = Column(
    C.EDITED,
    "boolean",
    "",
    "A person has redrawn it",
    "Edited",
    redrawn=Redrawn.FIXED,
    drawn_as=True,
)
EDITED_BY = Column(C.EDITED_BY, "text", "", "Who redrew it", "Edited_By")
NUMBER = Column(C.NUMBER, "integer", "1", "Number in reports, given once and kept", "Report_No")
CATALOGUE_NO = Column(
    C.CATALOGUE_NO,
    "text",
    "",
    "Number in the partner's catalogue",
    "Catal_No",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
DISTRICT = Column(
    C.DISTRICT,
    "text",
    "",
    "Administrative district",
    "District",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
LAKE_NAME = Column(
    C.LAKE_NAME,
    "text",
    "",
    "Name of the lake",
    "Lake_Name",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
COMMENT = Column(
    C.COMMENT,
    "text",
    "",
    "Comment of a person",
    "Comment",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
SOURCE_IMAGE = Column(
    C.SOURCE_IMAGE,
    "text",
    "",
    "Image that the outline was drawn on, as its file tells",
    "Src_Image",
    taken_over=True,
)
VERSION = Column(C.VERSION, "text", "", "Version of glacial_lakes", "Version")

BASIN = Column(C.BASIN, "text", "", "Basin that the lake lies in", "Basin")
N_OBSERVED = Column(C.N_OBSERVED, "integer", "1", "Number of areas measured", "N_Observed")
REVIEW_CONFLICT = Column(
    C.REVIEW_CONFLICT,
    "boolean",
    "",
    "A newer outline is clearly different from the one that a person drew",
    "Conflict",
)
DIFFERENCE = Column(C.DIFFERENCE_M2, "real", "m2", "Last area minus first", "Change")
DIFFERENCE_SIGMA = Column(
    C.DIFFERENCE_SIGMA_M2,
    "real",
    "m2",
    "Its standard deviation",
    "Change_Err",
)
EXCEEDS_UNCERTAINTY = Column(
    C.EXCEEDS_UNCERTAINTY,
    "boolean",
    "",
    "The change exceeds 1.96 standard deviations of a difference of two areas",
    "Chg_Sure",
)
TREND = Column(
    C.TREND,
    "text",
    "",
    "growing, shrinking, or none shown; empty below four dates",
    "Trend",
    title="Trend",
    words=TrendKind,
)

MAPPED = (
    SCENE_ID,
    ACQUIRED,
    SENSOR,
    PIXEL,
    AREA,
    AREA_SIGMA,
    AREA_MIN,
    AREA_MAX,
    AREA_ERR_HB,
    PERIMETER,
    ELEVATION,
    LON,
    LAT,
    GLACIER_ID,
    GLACIER_DIST,
    OBSERVED_FRACTION,
    STATUS,
    OUTLINE_METHOD,
    THRESHOLD,
    QUALITY,
    LAKE_PROB,
    LAKE_PROB_REASONS,
)
"""Outlines of one scene as mapped: one row a water body, no identity yet."""

OUTLINES = (
    LAKE_ID,
    *MAPPED,
    AREA_SIGMA_SHARED,
    AREA_SIGMA_DATE,
    LAKE_TYPE,
    DAM_TYPE,
    EVENT,
    VERIFIED,
    VERIFIED_BY,
    EDITED,
    EDITED_BY,
    CATALOGUE_NO,
    LAKE_NAME,
    DISTRICT,
    COMMENT,
    SOURCE_IMAGE,
    VERSION,
)
"""Outlines in an inventory: one row a lake a date (a lake in several parts is a MultiPolygon)."""

OF_LAKE = (NUMBER, BASIN, N_OBSERVED, REVIEW_CONFLICT)
OF_TREND = (DIFFERENCE, DIFFERENCE_SIGMA, EXCEEDS_UNCERTAINTY, TREND)
LATEST = (*OUTLINES, *OF_LAKE, *OF_TREND)
"""The latest whole outline of each lake, as the one file in which some people see it: with what
its row in the layer of lakes and that of trends say."""

OBSERVATIONS = (
    LAKE_ID,
    ACQUIRED,
    AREA,
    AREA_SIGMA,
    AREA_MIN,
    AREA_MAX,
    OBSERVED_FRACTION,
    STATUS,
    SCENE_ID,
    SENSOR,
    AREA_SIGMA_SHARED,
    AREA_SIGMA_DATE,
)
"""One row for every lake and scene, also where the lake was not seen."""

SCREENING_EN = "Screening, not a hazard assessment: "
"""Every attribute that could be taken for more than it is begins so."""


def _screening(name: str, unit: str, en: str) -> Column:
    return Column(name, "real", unit, SCREENING_EN + en)


ATTRIBUTES = (
    Column(
        C.GLACIER_YEAR,
        "integer",
        "",
        "Year of the glacier outline that type and contact are judged by; empty: not told",
        title="Year of the glacier outline",
    ),
    Column(
        C.GLACIER_CONTACT_LOW_M,
        "real",
        "m",
        "Length of shore on or inside glacier outlines",
    ),
    Column(
        C.GLACIER_CONTACT_HIGH_M,
        "real",
        "m",
        "Length of shore at most 50 m from glacier outlines",
    ),
    Column(
        C.UPSLOPE_AREA_M2,
        "real",
        "m2",
        "Area that drains to the lake by the DEM; empty: the DEM does not show all of it",
        title="Area that drains to the lake",
    ),
    Column(
        C.UPSLOPE_GLACIER_FRACTION,
        "real",
        "1",
        "Share of glaciers in that area",
    ),
    _screening(C.MEAN_DEPTH_LOW_M, "m", "low end of the mean depth"),
    _screening(
        C.MEAN_DEPTH_M,
        "m",
        "mean depth, of the lake's own survey or by published area scalings",
    ),
    _screening(C.MEAN_DEPTH_HIGH_M, "m", "high end of the mean depth"),
    _screening(C.VOLUME_LOW_M3, "m3", "low end of the volume"),
    _screening(
        C.VOLUME_M3,
        "m3",
        "volume, of the lake's own survey or by published area scalings; empty outside of their "
        "range",
    ),
    _screening(C.VOLUME_HIGH_M3, "m3", "high end of the volume"),
    _screening(
        C.PEAK_BREACH_LOW_M3_S,
        "m3/s",
        "low end of the peak discharge if a dam of moraine or debris breaks",
    ),
    _screening(
        C.PEAK_BREACH_HIGH_M3_S,
        "m3/s",
        "high end of the peak discharge if a dam of moraine or debris breaks",
    ),
    _screening(
        C.PEAK_ICE_LOW_M3_S,
        "m3/s",
        "low end of the peak discharge if the dam is of ice",
    ),
    _screening(
        C.PEAK_ICE_HIGH_M3_S,
        "m3/s",
        "high end of the peak discharge if the dam is of ice",
    ),
    _screening(
        C.POTENTIAL_FLOOD_LOW_M3,
        "m3",
        "low end of the potential flood volume (Fujita et al. 2013)",
    ),
    _screening(
        C.POTENTIAL_FLOOD_HIGH_M3,
        "m3",
        "high end of the potential flood volume (Fujita et al. 2013)",
    ),
    _screening(
        C.DOWNSTREAM_SLOPE_DEG,
        "deg",
        "mean slope of the first kilometre of the way of the water below the lake",
    ),
    _screening(
        C.FRONT_ANGLE_DEG,
        "deg",
        "steepest angle down from the lake to ground within 1 km; above 10: steep lakefront",
    ),
    _screening(
        C.LOWERING_HEIGHT_M,
        "m",
        "how far the lake would sink until its front is nowhere steeper than 10 degrees",
    ),
    _screening(
        C.HEADWALL_AREA_M2,
        "m2",
        "ground steeper than 30 degrees that falls to the lake by 14 degrees or more",
    ),
)
"""What ``docs/attributes.md`` explains: formula, paper, range and interval of each."""

VOLUMES = (
    Column(
        C.VOLUME_METHOD,
        "text",
        "",
        "curve: the lake's own survey; relations: published area scalings, a screening",
        title="What tells the volume",
        words=VolumeMethod,
    ),
    Column(C.VOLUME_LOW_M3, "real", "m3", "Low end of the volume"),
    Column(C.VOLUME_M3, "real", "m3", "Volume"),
    Column(C.VOLUME_HIGH_M3, "real", "m3", "High end of the volume"),
    Column(C.VOLUME_CHANGE_LOW_M3, "real", "m3", "Low end of the change since the first date"),
    Column(C.VOLUME_CHANGE_M3, "real", "m3", "Change of the volume since the first date"),
    Column(C.VOLUME_CHANGE_HIGH_M3, "real", "m3", "High end of the change since the first date"),
)
"""Volume on a date. Low and high are one standard deviation off."""

LAKES = (
    LAKE_ID,
    LON,
    LAT,
    ELEVATION,
    LAKE_TYPE,
    DAM_TYPE,
    GLACIER_ID,
    GLACIER_DIST,
    Column(C.FIRST_SEEN, "time", "UTC", "First image that shows it"),
    Column(C.LAST_SEEN, "time", "UTC", "Last image that shows it"),
    N_OBSERVED,
    AREA,
    AREA_SIGMA,
    AREA_SIGMA_SHARED,
    AREA_SIGMA_DATE,
    Column(C.MAX_AREA_M2, "real", "m2", "Largest area measured"),
    Column(
        C.STATE,
        "text",
        "",
        "present, gone, merged into another lake, or unconfirmed: one small outline that other "
        "images contradict",
        title="State",
        words=LakeState,
        renamed=(("doubtful", LakeState.UNCONFIRMED.value),),
    ),
    VERIFIED,
    VERIFIED_BY,
    EDITED,
    EDITED_BY,
    REVIEW_CONFLICT,
    NUMBER,
    CATALOGUE_NO,
    LAKE_NAME,
    DISTRICT,
    COMMENT,
    BASIN,
    *ATTRIBUTES,
)
"""One row a lake; geometry and area are those of its latest full observation, or of the outline
that a person drew until a newer one is clearly different."""

LAKE_EVENTS = (
    LAKE_ID,
    Column(
        C.EVENT,
        "text",
        "",
        "appeared, drained, refilled, split, merged, grown, shrunk, seasonal_fill, seasonal_drain",
        title="Event",
        words=EventKind,
    ),
    Column(C.DATE, "date", "UTC", "First image that shows it"),
    Column(C.AFTER, "date", "UTC", "Last image before it"),
    Column(C.FROM_IDS, "text", "", "Lakes before, separated by blanks"),
    Column(C.TO_IDS, "text", "", "Lakes after, separated by blanks"),
    Column(C.AREA_BEFORE_M2, "real", "m2", "Area before"),
    Column(C.AREA_AFTER_M2, "real", "m2", "Area after"),
)

TRENDS = (
    LAKE_ID,
    Column(
        C.N, "integer", "1", "Dates with an area since the last event but fast growth or shrinkage"
    ),
    Column(C.FIRST, "time", "UTC", "First of them"),
    Column(C.LAST, "time", "UTC", "Last of them"),
    Column(C.SPAN_YEARS, "real", "a", "Time between them"),
    DIFFERENCE,
    DIFFERENCE_SIGMA,
    Column(
        C.METHOD,
        "text",
        "",
        "difference (fewer than four dates), theil-sen, seasonal: months among themselves, or "
        "least-squares: of several instruments, with an offset for each",
        title="Method of the trend",
    ),
    Column(
        C.SLOPE_M2_PER_YEAR,
        "real",
        "m2/a",
        "Median slope (Theil-Sen), or that of least squares",
    ),
    Column(
        C.SLOPE_LOW_M2_PER_YEAR,
        "real",
        "m2/a",
        "Lower end of its 95 % interval",
    ),
    Column(
        C.SLOPE_HIGH_M2_PER_YEAR,
        "real",
        "m2/a",
        "Upper end of its 95 % interval",
    ),
    Column(
        C.SLOPE_PERCENT_PER_YEAR,
        "real",
        "%/a",
        "Slope in percent of the median area",
    ),
    Column(
        C.LINE_FIRST_M2,
        "real",
        "m2",
        "Area on the line of the trend at the first date",
    ),
    Column(
        C.LINE_LAST_M2,
        "real",
        "m2",
        "Area on the line of the trend at the last date",
    ),
    Column(C.P, "real", "1", "p-value of the Mann-Kendall test, or of least squares"),
    Column(
        C.AUTOCORRELATION,
        "text",
        "",
        "Whether p allows for areas that remember the one before: corrected, or not corrected "
        "(several instruments, or no lake of five dates), where p is too small if they do",
        title="Autocorrelation",
        words=Autocorrelation,
    ),
    Column(
        C.Q,
        "real",
        "1",
        "p-value with regard to the number of lakes (Benjamini, Krieger, Yekutieli)",
    ),
    EXCEEDS_UNCERTAINTY,
    TREND,
    Column(C.STEP_AFTER, "date", "UTC", "Last date before a step"),
    Column(C.STEP_DATE, "date", "UTC", "First date after a step"),
    Column(C.STEP_M2, "real", "m2", "Size of the step"),
    Column(
        C.STEP_P,
        "real",
        "1",
        "p-value of the step (Pettitt); too small if areas remember the one before",
    ),
    Column(
        C.SENSORS,
        "text",
        "",
        "Instruments of the areas, separated by blanks; the others are compared with the first",
    ),
    Column(
        C.SENSOR_OFFSET_PCT,
        "real",
        "%",
        "By how much the second instrument draws this lake larger than the first",
    ),
    Column(C.SENSOR_OFFSET_LOW_PCT, "real", "%", "Lower end of its 95 % interval"),
    Column(C.SENSOR_OFFSET_HIGH_PCT, "real", "%", "Upper end of its 95 % interval"),
    Column(
        C.SENSOR_OFFSETS,
        "text",
        "%",
        "What near dates of all lakes tell of the offset of each further instrument: mean and "
        "standard deviation, JSON",
        title="Offsets that the region tells",
    ),
    Column(
        C.CONFOUNDED,
        "boolean",
        "",
        "The years of the instruments do not overlap: growth and offset cannot be told apart",
    ),
    AREA_SIGMA_SHARED,
    AREA_SIGMA_DATE,
)
"""One row a lake: how its area changed since its last event but fast growth or shrinkage."""

ALERTS = (
    LAKE_ID,
    Column(C.ALERT, "text", "", ", ".join(AlertKind), title="Alert", words=AlertKind),
    Column(C.DATE, "date", "UTC", "First image that shows it"),
    Column(C.AFTER, "date", "UTC", "Last image before it"),
    Column(C.AREA_BEFORE_M2, "real", "m2", "Area before"),
    Column(C.SIGMA_BEFORE_M2, "real", "m2", "Its standard deviation"),
    Column(C.AREA_AFTER_M2, "real", "m2", "Area after"),
    Column(C.SIGMA_AFTER_M2, "real", "m2", "Its standard deviation"),
    Column(
        C.Z,
        "real",
        "1",
        "Change in standard deviations of the difference; empty where the area after is not known",
        title="Change in standard deviations",
    ),
    Column(C.CONFIRMED, "boolean", "", "A later image agrees"),
    Column(C.SCENE_IDS, "text", "", "Scenes that show it, separated by blanks"),
    GLACIER_ID,
    GLACIER_DIST,
)
"""One row a reason to look; the geometry is that of the lake."""

TOTALS = (
    Column(C.EPOCH, "text", "", "Date, or name of the composite"),
    BASIN,
    Column(C.FIRST_IMAGE, "time", "UTC", "First image used"),
    Column(C.LAST_IMAGE, "time", "UTC", "Last image used"),
    Column(C.N_LAKES, "integer", "1", "Lakes with an area"),
    Column(C.AREA_M2, "real", "m2", "Sum of their areas"),
    Column(
        C.AREA_SIGMA_M2,
        "real",
        "m2",
        "Standard deviation of the sum, with what the errors of lakes have in common",
    ),
    Column(
        C.SIGMA_INDEPENDENT_M2,
        "real",
        "m2",
        "Standard deviation of the sum if errors are independent",
    ),
    Column(
        C.SIGMA_CORRELATED_M2,
        "real",
        "m2",
        "Standard deviation of the sum if errors are fully correlated",
    ),
    Column(C.N_UNSEEN, "integer", "1", "Known lakes not observed"),
    Column(
        C.UNSEEN_AREA_M2,
        "real",
        "m2",
        "Their areas on the nearest date that shows them",
    ),
    Column(C.COMPARED_WITH, "text", "", "Epoch before"),
    Column(C.N_COMMON, "integer", "1", "Lakes that both epochs show"),
    Column(C.CHANGE_M2, "real", "m2", "Change of the area of these"),
    Column(
        C.SENSOR_OFFSET_M2,
        "real",
        "m2",
        "What another instrument than before makes of their areas; taken out of the change",
    ),
    Column(
        C.CHANGE_SIGMA_M2,
        "real",
        "m2",
        "Standard deviation of the change, with what the errors of dates and lakes have in common",
    ),
    Column(
        C.CHANGE_SIGMA_INDEPENDENT_M2,
        "real",
        "m2",
        "Its standard deviation if errors are independent",
    ),
    Column(
        C.CHANGE_SIGMA_CORRELATED_M2,
        "real",
        "m2",
        "Its standard deviation if errors are fully correlated",
    ),
)
"""One row an epoch, for all lakes and for each basin."""

REVIEWS = (
    Column(C.REVIEW_ID, "integer", "1", "Number of the decision"),
    LAKE_ID,
    Column(C.DECISION, "text", "", ", ".join(Decision), title="Decision", words=Decision),
    Column(
        C.ACQUIRED,
        "time",
        "UTC",
        "Image that the decision refers to; empty: the lake on all dates",
        title="Image that the decision refers to",
    ),
    SCENE_ID,
    SENSOR,
    Column(
        C.OTHER_ID,
        "text",
        "",
        "Lake that it was split from or merged into",
    ),
    LAKE_TYPE,
    DAM_TYPE,
    CATALOGUE_NO,
    LAKE_NAME,
    DISTRICT,
    COMMENT,
    Column(C.AREA_BEFORE_M2, "real", "m2", "Area before"),
    Column(C.AREA_AFTER_M2, "real", "m2", "Area after"),
    Column(
        C.REPLACED,
        "text",
        "",
        "Outline that was redrawn, WKT in EPSG:4326",
    ),
    Column(C.REVIEWER, "text", "", "Who"),
    Column(C.REVIEWED, "time", "UTC", "When"),
    Column(C.SOURCE, "text", "", "Name of the edited file"),
)
"""One row a decision of a person, never changed or removed; of two on one thing the later counts.
The geometry is the outline drawn, or the place decided on."""

REGISTER = (
    NUMBER,
    LAKE_ID,
    CATALOGUE_NO,
    LAKE_NAME,
    DISTRICT,
    COMMENT,
    Column(C.LON, "real", "deg", "Longitude that the catalogue tells"),
    Column(C.LAT, "real", "deg", "Latitude that the catalogue tells"),
    Column(C.SOURCE, "text", "", "Catalogue file; empty: the number was given here"),
    Column(
        C.DECIDED_AFTER,
        "text",
        "",
        "Number of the last decision that each value of the catalogue is newer than, JSON",
    ),
    Column(C.REASON, "text", "", "Why no lake of the images has this number"),
    Column(
        C.REASON_MESSAGE,
        "text",
        "",
        "The reason as template and values, for other languages, JSON",
    ),
)
"""One row a lake that ever had a number here, and one a lake of the partner's catalogue: what the
catalogue says of it. Rows are never removed, numbers never given again."""

CURVES = (
    LAKE_ID,
    Column(C.AREA_M2, "real", "m2", "Area of the lake in a survey"),
    Column(C.VOLUME_M3, "real", "m3", "Its volume then"),
    Column(C.VOLUME_SIGMA_M3, "real", "m3", "One standard deviation of the volume"),
    Column(C.SOURCE, "text", "", "File that tells it"),
)
"""Bathymetries and rating curves that the project gives, one row a lake and area."""

STORAGE = (
    LAKE_ID,
    Column(C.N, "integer", "1", "Dates with an area or without the lake"),
    Column(C.FIRST, "time", "UTC", "First of them"),
    Column(C.LAST, "time", "UTC", "Last of them"),
    *VOLUMES,
)
"""Volume of each lake on its last date, and how it changed since its first one."""

SERIES = (*OBSERVATIONS, *VOLUMES)
"""One lake through time: one row a scene."""

SCENES = (
    SCENE_ID,
    ACQUIRED,
    SENSOR,
    Column(C.LEVEL, "text", "", "Processing level"),
    Column(C.PATH, "text", "", "Product"),
    Column(C.CLOUD_PERCENT, "real", "%", "Cloud as the product says"),
    Column(C.SUN_AZIMUTH_DEG, "real", "deg", "Sun azimuth"),
    Column(C.SUN_ELEVATION_DEG, "real", "deg", "Sun elevation"),
    Column(
        C.CHECKSUM,
        "text",
        "",
        "verified or unverified",
        title="Checksum",
        words=ChecksumState,
    ),
    Column(
        C.STATE,
        "text",
        "",
        "mapped, refused, or odd: mapped, but not used until a person trusts it",
        title="State of the scene",
        words=SceneState,
    ),
    Column(C.REASON, "text", "", "Why it was refused or is odd"),
    Column(
        C.REASON_MESSAGE,
        "text",
        "",
        "The reason as template and values, for other languages, JSON",
    ),
    Column(C.N_OUTLINES, "integer", "1", "Outlines mapped"),
    Column(
        C.N_REJECTED,
        "integer",
        "1",
        "Outlines left out because a person rejected the place",
    ),
    Column(
        C.PLAUSIBILITY,
        "text",
        "",
        "plausible, odd, implausible, trusted by a person, or unjudged: too few pixels",
        title="Plausibility",
        words=PlausibilityState,
    ),
    Column(
        C.REFLECTANCE,
        "text",
        "1",
        "Percentiles 1, 5, 50, 95, 99 of reflectance by band that it was judged by, JSON",
        title="Percentiles of reflectance",
    ),
)

RUNS = (
    Column(C.RUN_ID, "text", "", "Run"),
    Column(C.STARTED, "time", "UTC", "Start"),
    VERSION,
    Column(C.SETTINGS, "text", "", "Effective settings, JSON"),
    Column(C.INPUTS, "text", "", "Input names and SHA-256, JSON"),
    Column(C.LIBRARIES, "text", "", "Versions of libraries, JSON"),
)

_PANDAS_DTYPES = {
    "real": "float64",
    "integer": "Int64",
    "boolean": "boolean",
}


def merged(rows: pd.DataFrame, leading: int) -> dict[str, Any]:
    """Return the row of outlines that are put together, by the rule of each column.

    Parameters
    ----------
    rows : pandas.DataFrame
        The outlines.
    leading : int
        Position of the outline that the lake is named by.

    Returns
    -------
    dict
        Values of all columns of ``rows``. What has to be known of every outline is missing where
        one lacks it.

    Examples
    --------
    >>> rows = pd.DataFrame({"area_m2": [3.0, 1.0], "area_sigma_m2": [0.3, 0.4]})
    >>> merged(rows, 0)
    {'area_m2': 4.0, 'area_sigma_m2': 0.5}
    """
    row = {str(name): value for name, value in rows.iloc[leading].items()}
    for column in OUTLINES:
        if column.merge is not Merge.LEADING and column.name in row:
            row[column.name] = _MERGED[column.merge](rows[column.name].astype("float64"))
    return row


_MERGED: Mapping[Merge, Callable[[pd.Series], float]] = {
    Merge.SUM: lambda values: float(values.sum(min_count=len(values))),
    Merge.ROOT_SUM_SQUARES: lambda values: float(np.sqrt((values.to_numpy() ** 2).sum())),
    Merge.LARGEST: lambda values: float(values.max()),
}


def conform(table: pd.DataFrame, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return the table with the schema's columns first, in order, with their types.

    Columns that are missing are added as missing values; others (geometry) are kept behind.
    Values that have another name now get it.
    """
    table = table.copy(deep=False)  # columns are replaced, never changed
    for column in columns:
        values = table.get(column.name)
        typed = _typed(values, column.type, table.index)
        table[column.name] = typed.replace(dict(column.renamed)) if column.renamed else typed
    names = [column.name for column in columns]
    rest = [name for name in table.columns if name not in names]
    ordered: pd.DataFrame = table[names + rest]
    return ordered


def _typed(values: pd.Series | None, kind: ColumnType, index: pd.Index) -> pd.Series:
    if values is None:
        values = pd.Series([None] * len(index), index=index, dtype="object")
    if kind in {"time", "date"}:
        if values.dtype == "datetime64[ms, UTC]":
            return values
        times = pd.to_datetime(
            values, utc=True, format="ISO8601" if values.dtype == object else None
        )
        return times.astype("datetime64[ms, UTC]")
    if kind == "text":
        missing = values.isna()
        texts = values.astype("object")
        return texts.where(~missing, None) if missing.any() else texts
    typed: pd.Series = values.astype(_PANDAS_DTYPES[kind])  # type: ignore[call-overload]
    return typed
