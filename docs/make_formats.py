"""Write the tables of readable products into the pages on formats and the README, from the readers.

Run it in the root of the repository after a change of a reader, of its Russian words, or of the
table of sensors::

    python docs/make_formats.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from glacial_lakes.language import day, number
from glacial_lakes.scenes.families import ROWS
from glacial_lakes.scenes.sensors import SENSORS

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- made by docs/make_formats.py: {name} -->", "<!-- end: {name} -->"
PAGES: Mapping[Path, str] = {
    FOLDER / "formats.md": "en",
    FOLDER / "formats.ru.md": "ru",
    FOLDER.parent / "README.md": "en",
}
"""Pages with tables, and their languages."""
PRODUCTS = {
    "en": ("product", "as", "reflectance", "quality layer"),
    "ru": ("продукт", "в виде", "отражение", "слой качества"),
}
SENSORS_HAVE = {
    "en": ("sensor", "pixel, m", "bands", "from", "to", "usual local time"),
    "ru": ("съёмочная система", "пиксель, м", "каналы", "с", "по", "обычное местное время"),
}
OUTLINES_ONLY = {"en": "outlines only", "ru": "только контуры"}
HOURS = {"en": "h", "ru": "ч"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def tables(language: str) -> dict[str, str]:
    """Return each table by its name."""
    products = [row.words(language) for row in ROWS]
    sensors = [
        (
            f"`{one.name}`",
            f"{one.pixel_m:g}",
            ", ".join(one.bands) or OUTLINES_ONLY[language],
            _day(one.launch, language),
            _day(one.end, language),
            "–" if one.overpass_h is None else _hours(one.overpass_h, language),
        )
        for one in SENSORS
        if one.launch or not one.name.startswith("S2")
    ]
    return {
        "products": table(PRODUCTS[language], products),
        "short": table(PRODUCTS[language][:2], [row[:2] for row in products]),
        "sensors": table(SENSORS_HAVE[language], sensors),
    }


def _day(text: str, language: str) -> str:
    return day(date.fromisoformat(text), language) if text else "–"


def _hours(hours: float, language: str) -> str:
    digits = len(f"{hours % 1:g}"[2:])
    return f"{number(hours, digits, language)} {HOURS[language]}"


def filled(text: str, language: str) -> str:
    """Return a page with its tables made anew."""
    for name, rows in tables(language).items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        expression = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text = expression.sub(lambda _, new=f"{begin}\n{rows}\n\n{end}": new, text)
    return text


if __name__ == "__main__":
    for page, language in PAGES.items():
        text = filled(page.read_text(encoding="utf-8"), language)
        page.write_text(text, encoding="utf-8", newline="\n")
