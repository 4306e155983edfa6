"""The words, numbers and dates that a partner reads, in their language.

English is the source; each other language is a catalogue, :mod:`glacial_lakes.language.catalogue`.
A text that has no form in it stays English, so that nothing that matters is ever hidden. File
formats, column names and CSV numbers are never translated.
"""

from __future__ import annotations

import functools
import math
import re
import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from glacial_lakes.errors import CONTEXT, COUNT, N_, GlacialLakesError, Message, fill
from glacial_lakes.language.catalogue import catalogue, languages

__all__ = [
    "CODES",
    "MISSING",
    "area_unit",
    "counted",
    "day",
    "decimal_mark",
    "degrees",
    "epoch",
    "in_language",
    "languages",
    "number",
    "system_language",
    "translate",
    "words_of",
]

MISSING = "–"
"""Shown where a number, date or text is not known."""

_MINUS = "\N{MINUS SIGN}"


def translate(text: str, language: str, context: str | None = None) -> str:
    """Return a text, or a code of the tables, in a language.

    Parameters
    ----------
    text : str
        English text, or a code such as ``nodata``; placeholders such as ``{count}`` are kept.
    language : str
        One of :func:`languages`.
    context : str, optional
        Tells apart what is one word in English and two in another language.

    Returns
    -------
    str
        The form of the language, or the English one when it has none.

    Examples
    --------
    >>> translate("drained", "ru"), translate("nodata", "en")
    ('опорожнилось', 'no data')
    """
    source = words_of(text)
    if not source:  # gettext keeps the head of a catalogue there
        return source
    texts = catalogue(language)
    return texts.gettext(source) if context is None else texts.pgettext(context, source)


def words_of(code: str) -> str:
    """Return what a code of the tables says in English; any other text as it is.

    Examples
    --------
    >>> words_of("nodata"), words_of("sudden_drainage"), words_of("{n_lakes} lakes")
    ('no data', 'sudden drainage', '{n_lakes} lakes')
    """
    is_code = re.fullmatch("[a-z]+(_[a-z]+)+", code)
    return CODES.get(code) or (code.replace("_", " ") if is_code else code)


def in_language(message: GlacialLakesError | str, language: str) -> str:
    """Return an error or a message in a language; names, paths and numbers are kept.

    Parameters
    ----------
    message : GlacialLakesError, Message or str
        A plain text is looked up as a whole.
    language : str
        One of :func:`languages`.

    Returns
    -------
    str
        One line; what the catalogue lacks stays English.

    Examples
    --------
    >>> in_language(GlacialLakesError("lakes.shp", "is cut short", "copy it again"), "ru")
    'GL0000 lakes.shp: обрывается на середине; скопируйте заново'
    """
    if isinstance(message, GlacialLakesError):
        return in_language(message.line, language)
    if not isinstance(message, Message):
        return catalogue(language).gettext(message) if message else message
    if not message.template or language == "en":
        return str.__str__(message)
    values = {name: _spoken(value, language) for name, value in message.values.items()}
    context = message.values.get(CONTEXT)
    if message.plural:
        template = counted(message.template, message.plural, message.values.get(COUNT), language)
    elif context is not None:
        template = catalogue(language).pgettext(str(context), message.template)
    else:
        template = catalogue(language).gettext(message.template)
    return fill(template, values)


def counted(one: str, many: str, count: Any, language: str) -> str:
    """Return the form of a text that a number asks for, with its placeholders.

    Parameters
    ----------
    one, many : str
        English text for the number one, and for any other.
    count : int
        The number; what is none is taken for many.
    language : str
        One of :func:`languages`.

    Examples
    --------
    >>> [counted("{count} lake", "{count} lakes", count, "ru") for count in (1, 2, 5)]
    ['{count} озеро', '{count} озера', '{count} озёр']
    """
    number = count if isinstance(count, int) else 0
    return catalogue(language).ngettext(one, many, number)


class _Number(float):
    """A number whose decimals stand behind the mark of a language.

    Only where the text rounds it for readers, as ``{area:.3f}``: ``{value}`` and ``{value:g}``
    repeat what stands in a file, and ``{baseline:05.2f}`` is a name.
    """

    mark: str

    def __format__(self, spec: str) -> str:
        text = float.__format__(self, spec)
        return text.replace(".", self.mark) if re.fullmatch(r"\.\d+f", spec) else text


def _spoken(value: Any, language: str) -> Any:
    if isinstance(value, Message):
        return in_language(value, language)
    if isinstance(value, float):
        spoken_number = _Number(value)
        spoken_number.mark = decimal_mark(language)
        return spoken_number
    return tuple(_spoken(item, language) for item in value) if isinstance(value, tuple) else value


def system_language(environment: Mapping[str, str]) -> str:
    """Return the language of the user's system, English when there is no catalogue of it.

    Parameters
    ----------
    environment : mapping
        E.g. ``os.environ``: the first that is set of LANGUAGE, LC_ALL, LC_MESSAGES and LANG
        counts, as for gettext. In Windows, where none is, the language of its menus.
    """
    names = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    locales = next((environment[name] for name in names if environment.get(name)), "")
    if not locales and sys.platform == "win32":
        locales = _windows_language()
    for name in locales.split(":"):
        code = name.partition(".")[0].partition("_")[0].lower()
        if code in languages():
            return code
    return "en"


def _windows_language() -> str:
    import ctypes  # noqa: PLC0415 (only there)
    import locale  # noqa: PLC0415

    menus = ctypes.windll.kernel32.GetUserDefaultUILanguage()  # type: ignore[attr-defined]
    return locale.windows_locale.get(menus, "")


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
    thousands, decimal = _number_marks(language)
    text = f"{abs(value):,.{digits}f}".translate({ord(","): thousands, ord("."): decimal})
    is_zero = not text.strip(f"0{thousands}{decimal}")
    return _MINUS + text if value < 0 and not is_zero else text


def decimal_mark(language: str) -> str:
    """Return what stands before the decimals of a number."""
    return _number_marks(language)[1]


def _number_marks(language: str) -> tuple[str, str]:
    """Return what stands between thousands and before decimals, as the catalogue shows it."""
    shown = translate("1,234.5", language, context="format")
    return shown[1], shown[-2]


def day(when: date | None, language: str = "en") -> str:
    """Write the date of a time (UTC): ``2021-08-12``, in Russian ``12.08.2021``.

    Parameters
    ----------
    when : datetime.date, datetime.datetime, pandas.Timestamp or None
        None and NaT are shown as a dash.
    language : str
        ``"en"`` or ``"ru"``.
    """
    if when is None or _is_missing(when):
        return MISSING
    return _day(when.year, when.month, when.day, language)


@functools.lru_cache(maxsize=4096)
def _day(year: int, month: int, of_month: int, language: str) -> str:
    """Return a date as it is written; tables of a hundred thousand rows have few dates."""
    return in_language(Message.of_day(date(year, month, of_month)), language)


def epoch(name: str, language: str = "en") -> str:
    """Write the name of an epoch with its day as people write it.

    Parameters
    ----------
    name : str
        Such as ``2020-08-01`` or ``2020-08-01_LC08``; that of a composite stays as it is.
    language : str
        ``"en"`` or ``"ru"``.

    Examples
    --------
    >>> epoch("2020-08-01_LC08", "ru"), epoch("2020", "ru")
    ('01.08.2020 LC08', '2020')
    """
    text, _, rest = name.partition("_")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return name
    return f"{day(datetime.fromisoformat(text), language)} {rest}".strip()


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


CODES = {
    "nodata": N_("no data"),
    "absent": N_("no water"),
    "new_near_glacier": N_("new lake near a glacier"),
    "contact_gained": N_("contact with the glacier gained"),
    "contact_lost": N_("contact with the glacier lost"),
    "none": N_("none shown"),
}
"""Codes of the tables, and what they say where that is more than their words."""

WORDS = (
    *(N_("N"), N_("S"), N_("E"), N_("W")),
    *(N_("m"), N_("km"), N_("m²"), N_("km²"), N_("ice"), N_("glacier-fed"), N_("proglacial")),
    *(N_("moraine"), N_("bedrock"), N_("landslide"), N_("artificial")),
    *(N_("present"), N_("gone"), N_("unconfirmed")),
    *(N_("mapped"), N_("refused"), N_("verified"), N_("unverified")),
    *(N_("ok"), N_("note"), N_("fault")),
)
"""Words that come out of tables, so that no call of :func:`translate` names them."""
