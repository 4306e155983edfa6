"""The columns of every table that leaves the package: name, type, unit, meaning, shapefile name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Literal

import numpy as np
import pandas as pd

ColumnType = Literal["text", "real", "integer", "boolean", "time", "date"]


class Word(StrEnum):
    """A value of a text column; shown in tables as the plain text that it is."""

    def __repr__(self) -> str:
        return repr(self.value)


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
    """What is known of a lake now; unconfirmed: a small outline that other images contradict."""

    PRESENT = "present"
    GONE = "gone"
    UNCONFIRMED = "unconfirmed"


class EventKind(Word):
    """What can happen to a lake."""

    APPEARED = "appeared"
    DRAINED = "drained"
    REFILLED = "refilled"
    SPLIT = "split"
    MERGED = "merged"


class AlertKind(Word):
    """A reason to look at a lake."""

    SUDDEN_DRAINAGE = "sudden_drainage"
    SUDDEN_GROWTH = "sudden_growth"
    NEW_NEAR_GLACIER = "new_near_glacier"
    CONTACT_GAINED = "contact_gained"
    CONTACT_LOST = "contact_lost"


class TrendKind(Word):
    """What the series of a lake shows."""

    GROWING = "growing"
    SHRINKING = "shrinking"
    NONE = "none"


class LakeType(Word):
    """Relation of a lake to the glacier."""

    SUPRAGLACIAL = "supraglacial"
    ICE_CONTACT = "ice-contact"
    UNCONNECTED = "unconnected"
    NON_GLACIER_FED = "non-glacier-fed"
    UNKNOWN = "unknown"


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


@dataclass(frozen=True, slots=True)
class Column:
    """One column: everything that a reader of a table must know about it."""

    name: str
    type: ColumnType
    unit: str
    en: str
    """Meaning in English."""
    ru: str
    """Meaning in Russian."""
    shapefile: str | None = None
    """Name in shapefiles, at most 10 ASCII characters, after Wang et al. (2020); None: left out."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Values of older files, each with what it is called now."""
    merge: Merge = Merge.LEADING
    redrawn: Redrawn = Redrawn.OF_IMAGE
    drawn_as: str | float | bool | None = None
    taken_over: bool = False
    """Whether that of a file that others made is believed."""


LAKE_ID = Column(
    "lake_id", "text", "", "Lake identity, given once and kept", "Постоянный код озера", "GLAKE_ID"
)
SCENE_ID = Column("scene_id", "text", "", "Source scene", "Исходный снимок", "GL_Image")
ACQUIRED = Column("acquired", "time", "UTC", "Time of the image", "Время съёмки (UTC)", "GL_Date")
SENSOR = Column("sensor", "text", "", "Satellite and sensor", "Спутник и сенсор", "GL_Sensor")
AREA = Column(
    "area_m2",
    "real",
    "m2",
    "Area on the ellipsoid",
    "Площадь на эллипсоиде",
    "GL_Area",
    merge=Merge.SUM,
    redrawn=Redrawn.MEASURED,
)
AREA_SIGMA = Column(
    "area_sigma_m2",
    "real",
    "m2",
    "One standard deviation of the area",
    "Стандартная погрешность площади",
    "GL_A_Error",
    merge=Merge.ROOT_SUM_SQUARES,
    redrawn=Redrawn.MEASURED,
)
AREA_ERR_HB = Column(
    "area_err_hb_m2",
    "real",
    "m2",
    "Area error by the perimeter formula of Hanshaw & Bookhagen (2014)",
    "Погрешность площади по периметру (Hanshaw & Bookhagen, 2014)",
    merge=Merge.SUM,
    redrawn=Redrawn.MEASURED,
)
PIXEL = Column(
    "pixel_m",
    "real",
    "m",
    "Pixel of the image that the outline was drawn on",
    "Пиксель снимка, по которому проведён контур",
    "Pixel_M",
    merge=Merge.LARGEST,
)
PERIMETER = Column(
    "perimeter_m",
    "real",
    "m",
    "Length of the outline",
    "Периметр",
    "GL_Peri",
    merge=Merge.SUM,
    redrawn=Redrawn.MEASURED,
)
ELEVATION = Column(
    "elev_m",
    "real",
    "m",
    "Median elevation of the DEM in the lake",
    "Высота по ЦМР",
    "GL_Elev",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
LON = Column(
    "lon",
    "real",
    "deg",
    "Longitude of a point in the lake",
    "Долгота",
    "GL_Long",
    redrawn=Redrawn.MEASURED,
)
LAT = Column(
    "lat",
    "real",
    "deg",
    "Latitude of a point in the lake",
    "Широта",
    "GL_Lati",
    redrawn=Redrawn.MEASURED,
)
LAKE_TYPE = Column(
    "lake_type",
    "text",
    "",
    "Relation to the glacier",
    "Тип озера",
    "GL_Type",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
DAM_TYPE = Column(
    "dam_type",
    "text",
    "",
    "Dam type",
    "Тип плотины",
    "Dam_Type",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
GLACIER_ID = Column(
    "glacier_id",
    "text",
    "",
    "Nearest glacier",
    "Ближайший ледник",
    "Glac_ID",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
GLACIER_DIST = Column(
    "glacier_dist_m",
    "real",
    "m",
    "Distance to the nearest glacier outline",
    "Расстояние до ближайшего ледника",
    "Glac_Dist",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
OBSERVED_FRACTION = Column(
    "observed_fraction",
    "real",
    "1",
    "Share of the lake that the image shows",
    "Доля озера, видимая на снимке",
    "Obs_Frac",
    redrawn=Redrawn.FIXED,
    drawn_as=1.0,
    taken_over=True,
)
STATUS = Column(
    "status",
    "text",
    "",
    "observed, absent, or why not observed: cloud, shadow, nodata, frozen, uncertain",
    "observed – видно, absent – воды нет, иначе причина: облака, тень, нет данных, лёд, неясно",
    "Status",
    redrawn=Redrawn.FIXED,
    drawn_as=Status.OBSERVED,
    taken_over=True,
)
MANUAL = "manual"
"""Method of an outline that a person drew."""
OUTLINE_METHOD = Column(
    "outline_method",
    "text",
    "",
    "How the outline was drawn",
    "Способ оконтуривания",
    "Method",
    redrawn=Redrawn.FIXED,
    drawn_as=MANUAL,
    taken_over=True,
)
THRESHOLD = Column(
    "threshold",
    "real",
    "1",
    "Index value at the lake's shore (half of the pixel is water)",
    "Порог индекса на берегу озера",
    "Thresh",
    redrawn=Redrawn.FIXED,
    drawn_as=None,
)
QUALITY = Column(
    "quality",
    "text",
    "",
    "good, fair or poor outline, with the reason",
    "Качество контура: good, fair, poor и причина",
    "Quality",
    redrawn=Redrawn.FIXED,
    drawn_as="good",
    taken_over=True,
)
NO_DEM = "fair: no DEM, shade and slope not excluded"
"""Quality of an outline of which nothing worse can be said."""
EVENT = Column("event", "text", "", "Event on this date", "Событие на эту дату", "Event")
VERIFIED = Column(
    "verified", "boolean", "", "A person has checked it", "Проверено человеком", "Verified"
)
VERIFIED_BY = Column("verified_by", "text", "", "Who checked it", "Кто проверил", "Verif_By")
EDITED = Column(
    "edited",
    "boolean",
    "",
    "A person has redrawn it",
    "Контур исправлен вручную",
    "Edited",
    redrawn=Redrawn.FIXED,
    drawn_as=True,
)
EDITED_BY = Column("edited_by", "text", "", "Who redrew it", "Кто исправил", "Edited_By")
LAKE_NAME = Column(
    "lake_name",
    "text",
    "",
    "Name of the lake",
    "Название озера",
    "Lake_Name",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
COMMENT = Column(
    "comment",
    "text",
    "",
    "Comment of a person",
    "Примечание человека",
    "Comment",
    redrawn=Redrawn.OF_LAKE,
    taken_over=True,
)
SOURCE_IMAGE = Column(
    "source_image",
    "text",
    "",
    "Image that the outline was drawn on, as its file tells",
    "Снимок, по которому проведён контур, как указано в файле",
    "Src_Image",
    taken_over=True,
)
VERSION = Column(
    "version", "text", "", "Version of glacial_lakes", "Версия glacial_lakes", "Version"
)

BASIN = Column("basin", "text", "", "Basin that the lake lies in", "Бассейн")

MAPPED = (
    SCENE_ID,
    ACQUIRED,
    SENSOR,
    PIXEL,
    AREA,
    AREA_SIGMA,
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
)
"""Outlines of one scene as mapped: one row a water body, no identity yet."""

OUTLINES = (
    LAKE_ID,
    *MAPPED,
    LAKE_TYPE,
    DAM_TYPE,
    EVENT,
    VERIFIED,
    VERIFIED_BY,
    EDITED,
    EDITED_BY,
    LAKE_NAME,
    COMMENT,
    SOURCE_IMAGE,
    VERSION,
)
"""Outlines in an inventory: one row a lake a date (a lake in several parts is a MultiPolygon)."""

OBSERVATIONS = (
    LAKE_ID,
    ACQUIRED,
    AREA,
    AREA_SIGMA,
    OBSERVED_FRACTION,
    STATUS,
    SCENE_ID,
    SENSOR,
)
"""One row for every lake and scene, also where the lake was not seen."""

SCREENING_EN = "Screening, not a hazard assessment: "
SCREENING_RU = "Предварительная оценка, не оценка опасности: "
"""Every attribute that could be taken for more than it is begins so."""


def _screening(name: str, unit: str, en: str, ru: str) -> Column:
    return Column(name, "real", unit, SCREENING_EN + en, SCREENING_RU + ru)


ATTRIBUTES = (
    Column(
        "glacier_year",
        "integer",
        "",
        "Year of the glacier outline that type and contact are judged by; empty: not told",
        "Год контура ледника, по которому определены тип и контакт; пусто – не указан",
    ),
    Column(
        "glacier_contact_low_m",
        "real",
        "m",
        "Length of shore on or inside glacier outlines",
        "Длина берега на контуре ледника или внутри него",
    ),
    Column(
        "glacier_contact_high_m",
        "real",
        "m",
        "Length of shore at most 50 m from glacier outlines",
        "Длина берега не дальше 50 м от контура ледника",
    ),
    Column(
        "upslope_area_m2",
        "real",
        "m2",
        "Area that drains to the lake by the DEM; empty: the DEM does not show all of it",
        "Площадь водосбора по ЦМР; пусто – ЦМР показывает не весь водосбор",
    ),
    Column(
        "upslope_glacier_fraction",
        "real",
        "1",
        "Share of glaciers in that area",
        "Доля ледников в площади водосбора",
    ),
    _screening(
        "mean_depth_low_m", "m", "low end of the mean depth", "нижняя граница средней глубины"
    ),
    _screening(
        "mean_depth_m",
        "m",
        "mean depth by published area scalings, median",
        "средняя глубина по опубликованным зависимостям от площади, медиана",
    ),
    _screening(
        "mean_depth_high_m", "m", "high end of the mean depth", "верхняя граница средней глубины"
    ),
    _screening("volume_low_m3", "m3", "low end of the volume", "нижняя граница объёма"),
    _screening(
        "volume_m3",
        "m3",
        "volume by published area scalings, median; empty outside of their range",
        "объём по опубликованным зависимостям от площади, медиана; вне их диапазона пусто",
    ),
    _screening("volume_high_m3", "m3", "high end of the volume", "верхняя граница объёма"),
    _screening(
        "peak_breach_low_m3_s",
        "m3/s",
        "low end of the peak discharge if a dam of moraine or debris breaks",
        "нижняя граница пикового расхода при прорыве моренной или завальной плотины",
    ),
    _screening(
        "peak_breach_high_m3_s",
        "m3/s",
        "high end of the peak discharge if a dam of moraine or debris breaks",
        "верхняя граница пикового расхода при прорыве моренной или завальной плотины",
    ),
    _screening(
        "peak_ice_low_m3_s",
        "m3/s",
        "low end of the peak discharge if the dam is of ice",
        "нижняя граница пикового расхода, если плотина ледниковая",
    ),
    _screening(
        "peak_ice_high_m3_s",
        "m3/s",
        "high end of the peak discharge if the dam is of ice",
        "верхняя граница пикового расхода, если плотина ледниковая",
    ),
    _screening(
        "potential_flood_low_m3",
        "m3",
        "low end of the potential flood volume (Fujita et al. 2013)",
        "нижняя граница возможного объёма паводка (Fujita et al., 2013)",
    ),
    _screening(
        "potential_flood_high_m3",
        "m3",
        "high end of the potential flood volume (Fujita et al. 2013)",
        "верхняя граница возможного объёма паводка (Fujita et al., 2013)",
    ),
    _screening(
        "downstream_slope_deg",
        "deg",
        "mean slope of the first kilometre of the way of the water below the lake",
        "средний уклон первого километра пути воды ниже озера",
    ),
    _screening(
        "front_angle_deg",
        "deg",
        "steepest angle down from the lake to ground within 1 km; above 10: steep lakefront",
        "наибольший угол вниз от озера до поверхности в пределах 1 км; больше 10 – крутой фронт",
    ),
    _screening(
        "lowering_height_m",
        "m",
        "how far the lake would sink until its front is nowhere steeper than 10 degrees",
        "на сколько понизится озеро, пока фронт нигде не круче 10 градусов",
    ),
    _screening(
        "headwall_area_m2",
        "m2",
        "ground steeper than 30 degrees that falls to the lake by 14 degrees or more",
        "склоны круче 30 градусов со средним уклоном пути к озеру от 14 градусов",
    ),
)
"""What ``docs/attributes.md`` explains: formula, paper, range and interval of each."""

LAKES = (
    LAKE_ID,
    LON,
    LAT,
    ELEVATION,
    LAKE_TYPE,
    DAM_TYPE,
    GLACIER_ID,
    GLACIER_DIST,
    Column("first_seen", "time", "UTC", "First image that shows it", "Первое наблюдение"),
    Column("last_seen", "time", "UTC", "Last image that shows it", "Последнее наблюдение"),
    Column("n_observed", "integer", "1", "Number of areas measured", "Число измерений площади"),
    AREA,
    AREA_SIGMA,
    Column("max_area_m2", "real", "m2", "Largest area measured", "Наибольшая площадь"),
    Column(
        "state",
        "text",
        "",
        "present, gone, or unconfirmed: one small outline that other images contradict",
        "present – есть, gone – исчезло, unconfirmed – не подтверждено другими снимками",
        renamed=(("doubtful", LakeState.UNCONFIRMED.value),),
    ),
    VERIFIED,
    VERIFIED_BY,
    EDITED,
    EDITED_BY,
    Column(
        "review_conflict",
        "boolean",
        "",
        "A newer outline is clearly different from the one that a person drew",
        "Новый контур явно отличается от исправленного вручную",
    ),
    LAKE_NAME,
    COMMENT,
    BASIN,
    *ATTRIBUTES,
)
"""One row a lake; geometry and area are those of its latest full observation, or of the outline
that a person drew until a newer one is clearly different."""

LAKE_EVENTS = (
    LAKE_ID,
    Column("event", "text", "", "appeared, drained, refilled, split, merged", "Событие"),
    Column("date", "date", "UTC", "First image that shows it", "Первый снимок после события"),
    Column("after", "date", "UTC", "Last image before it", "Последний снимок до события"),
    Column("from_ids", "text", "", "Lakes before, separated by blanks", "Озёра до события"),
    Column("to_ids", "text", "", "Lakes after, separated by blanks", "Озёра после события"),
    Column("area_before_m2", "real", "m2", "Area before", "Площадь до"),
    Column("area_after_m2", "real", "m2", "Area after", "Площадь после"),
)

TRENDS = (
    LAKE_ID,
    Column("n", "integer", "1", "Dates with an area since the last event", "Число дат с площадью"),
    Column("first", "time", "UTC", "First of them", "Первая из них"),
    Column("last", "time", "UTC", "Last of them", "Последняя из них"),
    Column("span_years", "real", "a", "Time between them", "Время между ними"),
    Column("difference_m2", "real", "m2", "Last area minus first", "Последняя площадь – первая"),
    Column(
        "difference_sigma_m2",
        "real",
        "m2",
        "Its standard deviation, errors independent",
        "Её стандартная погрешность (ошибки независимы)",
    ),
    Column(
        "method",
        "text",
        "",
        "difference (fewer than four dates), theil-sen, or seasonal: months among themselves",
        "difference – меньше четырёх дат, theil-sen, seasonal – месяцы сравниваются между собой",
    ),
    Column(
        "slope_m2_per_year",
        "real",
        "m2/a",
        "Median slope (Theil-Sen)",
        "Медианный наклон (Тейл–Сен)",
    ),
    Column(
        "slope_low_m2_per_year",
        "real",
        "m2/a",
        "Lower end of its 95 % interval",
        "Нижняя граница 95 % интервала",
    ),
    Column(
        "slope_high_m2_per_year",
        "real",
        "m2/a",
        "Upper end of its 95 % interval",
        "Верхняя граница 95 % интервала",
    ),
    Column(
        "slope_percent_per_year",
        "real",
        "%/a",
        "Slope in percent of the median area",
        "Наклон в процентах медианной площади",
    ),
    Column(
        "line_first_m2",
        "real",
        "m2",
        "Area on the line of the trend at the first date",
        "Площадь на линии тренда на первую дату",
    ),
    Column(
        "line_last_m2",
        "real",
        "m2",
        "Area on the line of the trend at the last date",
        "Площадь на линии тренда на последнюю дату",
    ),
    Column("p", "real", "1", "p-value of the Mann-Kendall test", "p-значение теста Манна–Кендалла"),
    Column(
        "q",
        "real",
        "1",
        "p-value with regard to the number of lakes (Benjamini-Hochberg)",
        "p-значение с учётом числа озёр (Бенджамини–Хохберг)",
    ),
    Column(
        "exceeds_uncertainty",
        "boolean",
        "",
        "The change exceeds 1.96 standard deviations of a difference of two areas",
        "Изменение больше 1,96 стандартной погрешности разности двух площадей",
    ),
    Column(
        "trend",
        "text",
        "",
        "growing, shrinking, or none shown; empty below four dates",
        "growing – растёт, shrinking – сокращается, none – тренд не выявлен; пусто – мало дат",
    ),
    Column("step_after", "date", "UTC", "Last date before a step", "Последняя дата до скачка"),
    Column("step_date", "date", "UTC", "First date after a step", "Первая дата после скачка"),
    Column("step_m2", "real", "m2", "Size of the step", "Величина скачка"),
    Column("step_p", "real", "1", "p-value of the step (Pettitt)", "p-значение скачка (Петтитт)"),
)
"""One row a lake: how its area changed since its last event."""

ALERTS = (
    LAKE_ID,
    Column("alert", "text", "", ", ".join(AlertKind), "Вид сигнала"),
    Column("date", "date", "UTC", "First image that shows it", "Первый снимок после изменения"),
    Column("after", "date", "UTC", "Last image before it", "Последний снимок до изменения"),
    Column("area_before_m2", "real", "m2", "Area before", "Площадь до"),
    Column("sigma_before_m2", "real", "m2", "Its standard deviation", "Её погрешность"),
    Column("area_after_m2", "real", "m2", "Area after", "Площадь после"),
    Column("sigma_after_m2", "real", "m2", "Its standard deviation", "Её погрешность"),
    Column(
        "z",
        "real",
        "1",
        "Change in standard deviations of the difference; empty where the area after is not known",
        "Изменение в стандартных погрешностях разности; пусто, если площадь после неизвестна",
    ),
    Column(
        "confirmed", "boolean", "", "A later image agrees", "Подтверждено более поздним снимком"
    ),
    Column("scene_ids", "text", "", "Scenes that show it, separated by blanks", "Снимки-основания"),
    GLACIER_ID,
    GLACIER_DIST,
)
"""One row a reason to look; the geometry is that of the lake."""

TOTALS = (
    Column("epoch", "text", "", "Date, or name of the composite", "Дата или название периода"),
    BASIN,
    Column("first_image", "time", "UTC", "First image used", "Первый снимок"),
    Column("last_image", "time", "UTC", "Last image used", "Последний снимок"),
    Column("n_lakes", "integer", "1", "Lakes with an area", "Озёр с площадью"),
    Column("area_m2", "real", "m2", "Sum of their areas", "Сумма их площадей"),
    Column(
        "sigma_independent_m2",
        "real",
        "m2",
        "Standard deviation of the sum if errors are independent",
        "Погрешность суммы при независимых погрешностях",
    ),
    Column(
        "sigma_correlated_m2",
        "real",
        "m2",
        "Standard deviation of the sum if errors are fully correlated",
        "Погрешность суммы при полностью коррелированных погрешностях",
    ),
    Column("n_unseen", "integer", "1", "Known lakes not observed", "Известных озёр не наблюдалось"),
    Column(
        "unseen_area_m2",
        "real",
        "m2",
        "Their areas on the nearest date that shows them",
        "Их площади на ближайшую дату наблюдения",
    ),
    Column("compared_with", "text", "", "Epoch before", "Предыдущий период"),
    Column("n_common", "integer", "1", "Lakes that both epochs show", "Озёр, видимых в обоих"),
    Column("change_m2", "real", "m2", "Change of the area of these", "Изменение их площади"),
    Column(
        "change_sigma_independent_m2",
        "real",
        "m2",
        "Its standard deviation if errors are independent",
        "Его погрешность при независимых погрешностях",
    ),
    Column(
        "change_sigma_correlated_m2",
        "real",
        "m2",
        "Its standard deviation if errors are fully correlated",
        "Его погрешность при полностью коррелированных погрешностях",
    ),
)
"""One row an epoch, for all lakes and for each basin."""

REVIEWS = (
    Column("review_id", "integer", "1", "Number of the decision", "Номер решения"),
    LAKE_ID,
    Column("decision", "text", "", ", ".join(Decision), "Решение"),
    Column(
        "acquired",
        "time",
        "UTC",
        "Image that the decision refers to; empty: the lake on all dates",
        "Снимок, к которому относится решение; пусто – озеро на все даты",
    ),
    SCENE_ID,
    SENSOR,
    Column(
        "other_id",
        "text",
        "",
        "Lake that it was split from or merged into",
        "Озеро, от которого отделено или с которым объединено",
    ),
    LAKE_TYPE,
    DAM_TYPE,
    LAKE_NAME,
    COMMENT,
    Column("area_before_m2", "real", "m2", "Area before", "Площадь до"),
    Column("area_after_m2", "real", "m2", "Area after", "Площадь после"),
    Column(
        "replaced",
        "text",
        "",
        "Outline that was redrawn, WKT in EPSG:4326",
        "Прежний контур, WKT в EPSG:4326",
    ),
    Column("reviewer", "text", "", "Who", "Кто"),
    Column("reviewed", "time", "UTC", "When", "Когда"),
    Column("source", "text", "", "Name of the edited file", "Имя исправленного файла"),
)
"""One row a decision of a person, never changed or removed; of two on one thing the later counts.
The geometry is the outline drawn, or the place decided on."""

SCENES = (
    SCENE_ID,
    ACQUIRED,
    SENSOR,
    Column("level", "text", "", "Processing level", "Уровень обработки"),
    Column("path", "text", "", "Product", "Файл продукта"),
    Column("cloud_percent", "real", "%", "Cloud as the product says", "Облачность по метаданным"),
    Column("sun_azimuth_deg", "real", "deg", "Sun azimuth", "Азимут Солнца"),
    Column("sun_elevation_deg", "real", "deg", "Sun elevation", "Высота Солнца"),
    Column("checksum", "text", "", "verified or unverified", "Контрольная сумма"),
    Column("state", "text", "", "mapped or refused", "Состояние"),
    Column("reason", "text", "", "Why it was refused", "Причина отказа"),
    Column("n_outlines", "integer", "1", "Outlines mapped", "Число контуров"),
    Column(
        "n_rejected",
        "integer",
        "1",
        "Outlines left out because a person rejected the place",
        "Контуры, исключённые по решению человека",
    ),
)

RUNS = (
    Column("run_id", "text", "", "Run", "Запуск"),
    Column("started", "time", "UTC", "Start", "Начало"),
    VERSION,
    Column("settings", "text", "", "Effective settings, JSON", "Параметры, JSON"),
    Column("inputs", "text", "", "Input names and SHA-256, JSON", "Входные данные, JSON"),
    Column("libraries", "text", "", "Versions of libraries, JSON", "Версии библиотек, JSON"),
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
