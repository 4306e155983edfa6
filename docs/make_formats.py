"""Write the tables of readable products into ``formats.md`` and the README, from the readers.

Run it in the root of the repository after a change of a reader or of the table of sensors::

    python docs/make_formats.py
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from glacial_lakes.scenes.families import ROWS
from glacial_lakes.scenes.sensors import SENSORS

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- made by docs/make_formats.py: {name} -->", "<!-- end: {name} -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def tables() -> dict[str, str]:
    """Return each table by its name."""
    products = [(row.product, row.given, row.reflectance, row.quality) for row in ROWS]
    sensors = [
        (
            f"`{one.name}`",
            f"{one.pixel_m:g}",
            ", ".join(one.bands) or "outlines only",
            one.launch or "–",
            one.end or "–",
            "–" if one.overpass_h is None else f"{one.overpass_h:g} h",
        )
        for one in SENSORS
        if one.launch or not one.name.startswith("S2")
    ]
    return {
        "products": table(("product", "as", "reflectance", "quality layer"), products),
        "short": table(("product", "as"), [(row.product, row.given) for row in ROWS]),
        "sensors": table(
            ("sensor", "pixel, m", "bands", "from", "to", "usual local time"), sensors
        ),
    }


def filled(text: str) -> str:
    """Return a page with its tables made anew."""
    for name, rows in tables().items():
        begin, end = BEGIN.format(name=name), END.format(name=name)
        expression = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        text = expression.sub(lambda _, new=f"{begin}\n{rows}\n\n{end}": new, text)
    return text


PAGES = (FOLDER / "formats.md", FOLDER.parent / "README.md")

if __name__ == "__main__":
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
