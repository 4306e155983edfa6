"""English and Russian: the words, numbers and dates that a partner reads.

English is the source. A text that has no Russian form yet stays English, so that nothing that
matters is ever hidden. File formats, column names and CSV numbers are never translated.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Literal

Language = Literal["en", "ru"]

MISSING = "–"
"""Shown where a number, date or text is not known."""

_THIN = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def translate(text: str, language: str) -> str:
    """Return the text in a language.

    Parameters
    ----------
    text : str
        English text, or a code of the tables; placeholders such as ``{count}`` are kept.
    language : str
        ``"en"`` or ``"ru"``.

    Returns
    -------
    str
        The Russian form, or the text itself when it has none.
    """
    return (RUSSIAN if language == "ru" else ENGLISH).get(text, text)


def number(value: float | None, digits: int = 0, language: str = "en") -> str:
    """Write a number for a reader.

    Parameters
    ----------
    value : float or None
        None, NaN and infinity are shown as a dash, never as 0.
    digits : int
        Digits after the decimal sign.
    language : str
        English ``1,234.5``; Russian ``1 234,5`` with a thin space.
    """
    if value is None or _is_missing(value) or math.isinf(value):
        return MISSING
    text = f"{abs(value):,.{digits}f}"
    if language == "ru":
        text = text.replace(",", _THIN).replace(".", ",")
    is_zero = not text.strip("0,." + _THIN)
    return _MINUS + text if value < 0 and not is_zero else text


def day(when: datetime | None, language: str = "en") -> str:
    """Write the date of a time (UTC): ``2021-08-12``, in Russian ``12.08.2021``.

    Parameters
    ----------
    when : datetime.datetime, pandas.Timestamp or None
        None and NaT are shown as a dash.
    language : str
        ``"en"`` or ``"ru"``.
    """
    if when is None or _is_missing(when):
        return MISSING
    return when.strftime("%d.%m.%Y" if language == "ru" else "%Y-%m-%d")


def degrees(
    value: float | None, axis: Literal["lon", "lat"], language: str = "en", digits: int = 3
) -> str:
    """Write a longitude or latitude: ``74.512° E``, in Russian ``74,512° в. д.``.

    Parameters
    ----------
    value : float or None
        Degrees, east and north positive; None and NaN are shown as a dash.
    axis : {"lon", "lat"}
        Which of the two.
    language : str
        ``"en"`` or ``"ru"``.
    digits : int
        Digits after the decimal sign.
    """
    if value is None or _is_missing(value):
        return MISSING
    side = {"lon": "WE", "lat": "SN"}[axis][int(value >= 0)]
    return f"{number(abs(value), digits, language)}° {translate(side, language)}"


def area_unit(area_m2: float) -> tuple[str, float]:
    """Return the unit that suits an area, and how many m² it holds.

    Parameters
    ----------
    area_m2 : float
        The largest area to be shown, in m².

    Returns
    -------
    tuple of str and float
        ``("km²", 1e6)`` from 0.1 km² on, else ``("m²", 1.0)``.
    """
    return ("km²", 1e6) if area_m2 >= 1e5 else ("m²", 1.0)


def _is_missing(value: object) -> bool:
    """Tell NaN, NaT and pandas' NA, without the half second that loading pandas takes."""
    try:
        return bool(value != value)  # noqa: PLR0124 (NaN differs from itself)
    except TypeError:
        return True  # NA is neither equal nor different


ENGLISH = {
    "nodata": "no data",
    "absent": "no water",
    "sudden_drainage": "sudden drainage",
    "sudden_growth": "sudden growth",
    "new_near_glacier": "new lake near a glacier",
    "contact_gained": "contact with the glacier gained",
    "contact_lost": "contact with the glacier lost",
    "none": "none shown",
}
"""Codes of the tables that are no English words."""

RUSSIAN = {
    # compass and units
    "N": "с. ш.",
    "S": "ю. ш.",
    "E": "в. д.",
    "W": "з. д.",
    "North": "Север",
    "m": "м",
    "km": "км",
    "m²": "м²",
    "km²": "км²",
    "ha": "га",
    "year": "год",
    # states of a lake on a date
    "observed": "наблюдалось",
    "not observed": "не наблюдалось",
    "absent": "воды нет",
    "cloud": "облака",
    "shadow": "тень",
    "nodata": "нет данных",
    "frozen": "лёд",
    "uncertain": "неясно",
    "present": "есть",
    "gone": "исчезло",
    "unconfirmed": "не подтверждено",
    # events
    "appeared": "появилось",
    "drained": "опорожнилось",
    "refilled": "наполнилось вновь",
    "split": "разделилось",
    "merged": "слилось",
    # alerts and trends
    "sudden_drainage": "внезапное опорожнение",
    "sudden_growth": "внезапный рост",
    "new_near_glacier": "новое озеро у ледника",
    "contact_gained": "появился контакт с ледником",
    "contact_lost": "контакт с ледником утрачен",
    "growing": "растёт",
    "shrinking": "сокращается",
    "none": "не выявлен",
    # lake and dam types
    "supraglacial": "надледниковое",
    "ice-contact": "приледниковое, в контакте с ледником",
    "proglacial": "приледниковое",
    "unconnected": "без контакта с ледником",
    "glacier-fed": "с ледниковым питанием",
    "non-glacier-fed": "без ледникового питания",
    "moraine": "моренная",
    "ice": "ледниковая",
    "bedrock": "скальная (ригель)",
    "landslide": "завальная",
    "artificial": "искусственная",
    "unknown": "не определён",
    # scenes
    "mapped": "обработан",
    "refused": "отклонён",
    "verified": "проверена",
    "unverified": "не проверена",
    # decisions of persons
    "accepted": "подтверждено",
    "withdrawn": "подтверждение снято",
    "rejected": "отклонено",
    "redrawn": "контур исправлен",
    "added": "добавлено",
    "reclassified": "тип изменён",
    "commented": "примечание",
    "Nothing was changed in the edited file.": "В исправленном файле ничего не изменено.",
    "Nothing was written.": "Ничего не записано.",
    "the inventory was edited: {count} decisions kept, file in {path}": (
        "каталог был исправлен: решений сохранено – {count}, исправленный файл – {path}"
    ),
    "the inventory was changed, but no decision follows; kept as {path}": (
        "каталог был изменён, но решений из этого не следует; изменённый файл – {path}"
    ),
    "{path} was missing and is put back as it was written": (
        "{path} отсутствовал и восстановлен в том виде, в котором был записан"
    ),
    "first run on this computer: the innermost loops are compiled, once; this takes half a minute "
    "or more": (
        "первый запуск на этом компьютере: внутренние циклы компилируются – один раз; это займёт "
        "полминуты или больше"
    ),
    "no DEM is given: shade and steep slopes, which can look like water, are not excluded": (
        "ЦМР не задана: тени и крутые склоны, похожие на воду, не исключены"
    ),
    "{count} decisions are kept in the inventory.": "Решений сохранено в каталоге: {count}.",
    "Newer outline clearly differs from the one drawn by a person": (
        "Новый контур явно отличается от исправленного вручную"
    ),
    "Both outlines are kept and shown; the newer one stands for the lake. Who has checked the "
    "newer one sets verified, and the lake is no longer listed here.": (
        "Оба контура сохранены и показаны; озеро представляет новый. Когда новый контур проверен, "
        "отметьте verified – озеро исчезнет из этого списка."
    ),
    "Drawn by": "Кто исправил",
    "Drawn area": "Исправленная площадь",
    "Image": "Снимок",
    "Newer image": "Новый снимок",
    "Newer area": "Новая площадь",
    "drawn by a person": "исправлен вручную",
    "drawn by a person, newer outline clearly differs": (
        "исправлен вручную, новый контур явно отличается"
    ),
    "checked by": "проверил(а)",
    "drawn by": "контур исправил(а)",
    # report: head and key numbers
    "Glacial lake inventory": "Каталог ледниковых озёр",
    "Glacial lakes": "Ледниковые озёра",
    "Period": "Период",
    "Area": "Район",
    "Scenes": "Снимки",
    "Sensors": "Сенсоры",
    "What was done": "Что сделано",
    "Without a DEM": "Без ЦМР",
    "Shade and steep slopes can look like water, and are not excluded from {count} outlines: some "
    "may be no lakes, and some changes may be those of shade. Name a DEM in project.toml.": (
        "Тени и крутые склоны бывают похожи на воду; контуров, где они не исключены: {count}. "
        "Часть из них может быть не озёрами, а часть изменений – изменениями теней. "
        "Укажите ЦМР в project.toml."
    ),
    "Made with": "Создано программой",
    "run of": "запуск",
    "{mapped} scenes mapped, {refused} refused": "обработано: {mapped}, отклонено: {refused}",
    "Lakes were outlined on each scene, followed through time, and measured on the ellipsoid.": (
        "На каждом снимке оконтурены озёра, прослежены от даты к дате и измерены на эллипсоиде."
    ),
    "Key numbers": "Основные показатели",
    "lakes present": "озёр в наличии",
    "of {count} ever mapped": "из {count} когда-либо выявленных",
    "total area": "общая площадь",
    "if errors are independent": "при независимых погрешностях",
    "if errors are fully correlated": "при полностью коррелированных погрешностях",
    "area known for {known} of {count} lakes": "площадь известна для {known} из {count} озёр",
    "dates": "дат",
    "scenes refused": "снимков отклонено",
    "not observed on the last date": "не наблюдалось на последнюю дату",
    "latest area measured from {first} to {last}": "последние площади измерены с {first} по {last}",
    "There is no lake in this inventory.": "В этом каталоге нет озёр.",
    # report: attention
    "Events": "События",
    "Event": "Событие",
    "Date": "Дата",
    "Lake": "Озеро",
    "Lakes": "Озёра",
    "Before": "До",
    "After": "После",
    "Evidence": "Основание",
    "No event was found.": "Событий не выявлено.",
    "after {date}": "после {date}",
    "What needs a look": "На что обратить внимание",
    "Nothing needs a look.": "Ничто не требует внимания.",
    "alerts": "требуют внимания",
    "Alert": "Сигнал",
    "no later image agrees yet": "более поздним снимком пока не подтверждено",
    "Changes beyond the uncertainty of the areas, with the images that show them. Dates without "
    "observation never count. Contact is told against the glacier outlines given, which are of one "
    "time.": (
        "Изменения, превышающие погрешность площадей, и снимки, на которых они видны. Даты без "
        "наблюдения не учитываются. Контакт определён по заданным контурам ледников, а они "
        "относятся к одному времени."
    ),
    "Changes": "Изменения",
    "Growing and shrinking lakes": "Растущие и сокращающиеся озёра",
    "Median slope of all pairs of dates (Theil-Sen) with its 95 % interval, since the last event "
    "of the lake. Listed is what the Mann-Kendall test shows with regard to the number of lakes, "
    "and what exceeds the uncertainty of the areas. Below four dates there is only the difference "
    "of the last and the first area.": (
        "Медианный наклон по всем парам дат (Тейл–Сен) и его 95 % интервал, после последнего "
        "события на озере. Указано то, что выявляет тест Манна–Кендалла с учётом числа озёр и что "
        "больше погрешности площадей. Если дат меньше четырёх, дана только разность последней и "
        "первой площади."
    ),
    "Dates": "Дат",
    "m² a year": "м² в год",
    "% a year": "% в год",
    "q-value": "q-значение",
    "Trend": "Тренд",
    "trend, where one is shown": "тренд, если он выявлен",
    "No lake grew or shrank beyond its own uncertainty.": (
        "Ни одно озеро не выросло и не сократилось больше, чем на собственную погрешность."
    ),
    "Totals by date": "Итоги по датам",
    "Totals of two dates must not be subtracted: lakes that were not observed are missing in them. "
    "The change is that of the lakes that both dates show. Errors are given as independent / as "
    "fully correlated.": (
        "Итоги двух дат нельзя вычитать: в них нет озёр, которые не наблюдались. Изменение дано "
        "для озёр, видимых на обе даты. Погрешности – независимые / полностью коррелированные."
    ),
    "Basin": "Бассейн",
    "Their area, km²": "Их площадь, км²",
    "Lakes in common": "Общих озёр",
    "First": "Первое",
    "Last": "Последнее",
    "Change": "Изменение",
    "Not observed on the last date": "Не наблюдались на последнюю дату",
    "Nothing is known of these lakes on {date}: the area given is the latest one measured.": (
        "На {date} об этих озёрах ничего не известно: указана последняя измеренная площадь."
    ),
    # report: map
    "Map": "Карта",
    "Number of the lake as in the tables; click it for the lake.": (
        "Номер озера – как в таблицах; нажмите на него, чтобы перейти к озеру."
    ),
    "present, observed on the last date": "есть, наблюдалось на последнюю дату",
    "present, not observed on the last date": "есть, на последнюю дату не наблюдалось",
    "gone, last outline": "исчезло, последний контур",
    "unconfirmed, seen once": "не подтверждено, видно лишь раз",
    "glacier": "ледник",
    "A ring marks a lake too small to see at this scale.": (
        "Кольцом отмечено озеро, слишком малое для этого масштаба."
    ),
    "There is nothing to map.": "Наносить на карту нечего.",
    # report: scenes
    "Sensor": "Сенсор",
    "Scene": "Снимок",
    "Cloud, %": "Облачность, %",
    "Lakes measured": "Измерено озёр",
    "Not observed": "Не наблюдалось",
    "State": "Состояние",
    "There is no scene in this inventory.": "В этом каталоге нет снимков.",
    # report: lakes
    "No.": "№",
    "Lake ID": "Код озера",
    "Latitude": "Широта",
    "Longitude": "Долгота",
    "Elevation, m": "Высота, м",
    "Elevation": "Высота",
    "Type": "Тип",
    "Dam": "Плотина",
    "To glacier, m": "До ледника, м",
    "Distance to glacier": "Расстояние до ледника",
    "Area, km²": "Площадь, км²",
    "Change, km²": "Изменение, км²",
    "Measured": "Измерено",
    "Position": "Координаты",
    "Current area": "Площадь сейчас",
    "Last area": "Последняя площадь",
    "measured on": "измерена",
    "since {date}": "с {date}",
    "within its uncertainty": "в пределах погрешности",
    "A dot marks such a lake without a curve below.": (
        "Точкой отмечено такое озеро, для которого ниже нет графика."
    ),
    "Shown are {shown} of {count}; all are in {place}.": (
        "Показано {shown} из {count}; все – в {place}."
    ),
    "Drawn are the lakes that need a look, those that changed most, and the largest.": (
        "Графики построены для озёр, требующих внимания, с наибольшими изменениями и для "
        "самых крупных."
    ),
    "A click on a column's head sorts the table.": (
        "Щелчок по заголовку столбца сортирует таблицу."
    ),
    "by glacier outlines of {year}": "по контурам ледников {year} г.",
    "shore at the glacier": "берег у ледника",
    "Below the area: range of the volume by published relations. Screening, not a hazard "
    "assessment.": (
        "Под площадью: интервал объёма по опубликованным зависимостям. Предварительная оценка, не "
        "оценка опасности."
    ),
    "Screening, not a hazard assessment": "Предварительная оценка, не оценка опасности",
    "Volume": "Объём",
    "million m³": "млн м³",
    "m³/s": "м³/с",
    "Peak discharge": "Пиковый расход",
    "dam breaks": "прорыв плотины",
    "dam of ice": "ледниковая плотина",
    "Steepest look down within 1 km": "Наибольший угол вниз в пределах 1 км",
    "steep lakefront": "крутой фронт",
    "Slope of the first km downstream": "Уклон первого километра ниже озера",
    "Steep headwalls": "Крутые склоны над озером",
    "Catchment": "Водосбор",
    "glaciers": "ледники",
    "Each lake": "Каждое озеро",
    "area with one standard error": "площадь и стандартная погрешность",
    "no water seen": "воды нет (видно)",
    "outline {date}": "контур {date}",
    "never fully observed": "ни разу не наблюдалось полностью",
    "Observations": "Наблюдения",
    "observations": "наблюдений",
    "Area ± σ, km²": "Площадь ± σ, км²",
    "Seen, %": "Видно, %",
    "Status": "Состояние",
    "back to the map": "к карте",
    # report: method and dictionary
    "Method and limits": "Метод и ограничения",
    "Settings of the last run": "Параметры последнего запуска",
    "Data dictionary": "Словарь данных",
    "Column": "Столбец",
    "Shapefile": "Поле shapefile",
    "Unit": "Единица",
    "Meaning": "Значение",
    "deg": "град.",
    # charts
    "Area ({unit})": "Площадь ({unit})",
    "not observed: {reason}": "не наблюдалось: {reason}",
    # command line
    "Put scenes into {folder}, edit the file, then: glacial-lakes run {path}": (
        "Положите снимки в {folder}, исправьте файл, затем: glacial-lakes run {path}"
    ),
    "{count} outlines, {area} km² → {path}": "контуров: {count}, {area} км² → {path}",
    "{count} faults": "неисправностей: {count}",
    "All is well.": "Всё в порядке.",
    "ok": "хорошо",
    "note": "заметка",
    "fault": "ошибка",
    "No scene could be used; nothing was written.": (
        "Ни один снимок не пригоден; ничего не записано."
    ),
    "Nothing new: the result of the last run still holds.": (
        "Нового нет: прежний результат остаётся в силе."
    ),
    "{mapped} scenes mapped, {reused} as before, {refused} refused": (
        "снимков обработано: {mapped}, без изменений: {reused}, отклонено: {refused}"
    ),
    "{count} lakes, {present} present now, {area} ± {sigma} km²": (
        "озёр: {count}, из них есть сейчас: {present}, {area} ± {sigma} км²"
    ),
    "{count} lakes, {present} present now, {area} km², uncertainty known for {known}": (
        "озёр: {count}, из них есть сейчас: {present}, {area} км², погрешность известна для {known}"
    ),
    "{count} dates known to the year or month only": "известен лишь год или месяц: {count}",
    "{count} scenes to map": "снимков к обработке: {count}",
    "mapping": "обработка",
    "tracking lakes": "прослеживание озёр",
    "writing files": "запись файлов",
    "{scene}: {count} outlines in {seconds} s": "{scene}: контуров {count}, {seconds} с",
    "{scene}: as before": "{scene}: без изменений",
    "refused: {path}: {reason}": "отклонено: {path}: {reason}",
    "interrupted: older results are whole, and a new run goes on from here": (
        "прервано: прежние результаты целы, новый запуск продолжит с этого места"
    ),
    # accuracy
    "Lakes hit (IoU ≥ 0.5)": "Попадания (IoU ≥ 0,5)",
    "Lakes seen (any overlap)": "Обнаружение (любое перекрытие)",
    "Error matrix of areas, km²": "Матрица ошибок по площади, км²",
    "Accuracy of areas": "Точность по площади",
    "Area of the lakes hit": "Площади найденных озёр",
    "Shores of the lakes hit": "Берега найденных озёр",
    "lakes": "озёр",
    "outlines": "контуров",
    "hits": "попаданий",
    "precision": "точность",
    "recall": "полнота",
    "F1": "F1-мера",
    "missed": "пропущено",
    "false": "ложно",
    "true": "верно",
    "splits": "разбито",
    "merges": "слито",
    "reference": "эталон",
    "on the map": "на карте",
    "IoU": "IoU (доля общего)",
    "user's": "пользователя",
    "producer's": "производителя",
    "bias, %": "смещение, %",
    "median error, %": "медиана ошибки, %",
    "median absolute error, %": "медиана модуля, %",
    "within 1 σ": "в пределах 1 σ",
    "within 2 σ": "в пределах 2 σ",
    "RMSE, m": "СКО, м",
    "outwards, m": "наружу, м",
    "RMSE, pixels": "СКО, пикс.",
    "outwards, pixels": "наружу, пикс.",
    "all": "все",
    "{lakes} lakes and {outlines} outlines do not count": (
        "не учитываются: озёр {lakes}, контуров {outlines}"
    ),
    "False lakes by cause: {causes}": "Ложные озёра по причинам: {causes}",
    "at IoU ≥ 0.5": "при IoU ≥ 0,5",
    "Area of the reference lake (km²)": "Площадь озера по эталону (км²)",
    "Area error": "Ошибка площади",
    "RMSE": "СКО",
    "mean, outwards positive": "среднее, наружу > 0",
    "Distance of shores (pixels)": "Расстояние между берегами (пикс.)",
    "Distance of shores (m)": "Расстояние между берегами (м)",
    "Size class (km²)": "Класс площади (км²)",
    "inventory": "каталог озёр",
    "shapefiles": "шейп-файлы",
    "report": "отчёт",
}
"""English text to Russian, in one table."""
