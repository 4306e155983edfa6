"""Write ``data_dictionary.md`` from the tables of ``glacial_lakes.schema``.

Run it in the root of the repository after a change of the schema::

    python docs/make_data_dictionary.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from glacial_lakes import schema
from glacial_lakes.export import export
from glacial_lakes.inventory.inventory import DERIVED, LAYERS

DICTIONARY = Path(__file__).with_name("data_dictionary.md")

INTRODUCTION = """\
# Data dictionary

Every column of every file. Made from `glacial_lakes/schema.py` by
`python docs/make_data_dictionary.py`; a test keeps both equal.

- Missing is missing: an empty cell (CSV), NULL (GeoPackage, shapefile). It is never 0.
- Times are UTC. Areas and lengths are on the WGS 84 ellipsoid.
- Geometry is in EPSG:4326. Outlines are polygons with holes for islands.
- The shapefile names are those that the inventories of the region use (Wang et al. 2020,
  *Earth Syst. Sci. Data* 12, 2169–2182). A file `lakes_fields.csv` with the same list lies
  beside each shapefile.
"""

STATUS_MEANINGS = {
    "observed": "seen well enough; the row has an area",
    "absent": "the place was seen and held no water; the area is 0",
    "cloud": "not observed: cloud, thin cloud included",
    "shadow": "not observed: shadow of a cloud or of a mountain",
    "nodata": "not observed: outside the image, or in a gap of it",
    "frozen": "not observed: ice or snow on the lake",
    "uncertain": "not observed: the signal, or what other images say, does not settle it",
}

LAYER_MEANINGS = {
    "lakes": "One row a lake. Geometry and area are those of its latest full "
    "observation, or of the outline that a person drew until a newer one is clearly different.",
    "outlines": "One row a lake and date with an outline of its own.",
    "observations": "One row for every lake and scene, also where the lake was not seen.",
    "events": "One row an event. A split or merge is one row, under the lake that keeps its name.",
    "trends": "One row a lake: how its area changed since its last event. Derived: made anew by "
    "every run.",
    "alerts": "One row a reason to look; the geometry is that of the lake. Derived: made anew by "
    "every run.",
    "reviews": "What persons decided (`glacial-lakes review`). Rows are only added, never changed. "
    "The geometry is the outline drawn, or the place decided on.",
    "scenes": "One row a product that was found, used or refused.",
    "register": "One row a lake that ever had a number in reports, and one a lake of the partner's "
    "catalogue, with what the catalogue says of it, and why images do not show it. Rows are never "
    "removed.",
    "curves": "One row a surveyed volume: bathymetries and rating curves that the project gives.",
    "storage": "One row a lake that has a volume: on its last date, and its change since the "
    "first. Low and high are one standard deviation off. Derived: made anew by every run.",
    "runs": "One row a run: version, effective settings, SHA-256 of all inputs.",
}


def dictionary() -> str:
    """Return the text of the data dictionary."""
    parts = [
        INTRODUCTION,
        "## Status of a lake on a date\n",
        table(("status", "meaning"), [(f"`{s}`", STATUS_MEANINGS[s]) for s in schema.Status]),
        "## Layers of `inventory.gpkg`\n",
    ]
    for layer, columns in (LAYERS | DERIVED).items():
        parts += [f"### `{layer}`\n", LAYER_MEANINGS[layer] + "\n", columns_table(columns)]
    parts += [
        "## `lakes.csv`\n",
        "Columns of the layer `lakes`; how each attribute is found: [attributes](attributes.md).\n",
        "## `observations.csv`\n",
        f"Columns of the layer `observations`: {names(export.OBSERVATION_FIELDS)}.\n",
        "## `events.csv`\n",
        f"Columns of the layer `events`: {names(export.EVENT_FIELDS)}.\n",
        "## `trends.csv`\n",
        "Columns of the layer `trends`.\n",
        "## `alerts.csv`\n",
        "Columns of the layer `alerts`.\n",
        "## `storage.csv`\n",
        "Columns of the layer `storage`.\n",
        "## The table of `glacial-lakes series`\n",
        "One row a scene: the columns of the layer `observations`, and the volume.\n",
        columns_table(schema.VOLUMES),
        "## `totals.csv`\n",
        "One row a date, for all lakes (`basin` empty) and for each basin; "
        "`totals_of_composites.csv` has the same columns, one row an epoch.\n",
        columns_table(schema.TOTALS),
        "## Shapefiles\n",
        "Fields of the layer `outlines`, one file a date, and `lakes.shp` with the latest state.\n",
        fields_table(schema.OUTLINES),
        "`lakes.shp` has these besides, of the layers `lakes` and `trends`.\n",
        fields_table((*schema.OF_LAKE, *schema.OF_TREND)),
        "## `glacial-lakes map`\n",
        "Layer `outlines`, without identities, in the projection of the scenes where they share "
        f"one: {names(c.name for c in schema.MAPPED)}.\n",
    ]
    return "\n".join(parts)


def columns_table(columns: Sequence[schema.Column]) -> str:
    """Return a Markdown table of columns."""
    head = ("column", "type", "unit", "meaning", "по-русски", "shapefile")
    rows = [
        (
            f"`{c.name}`",
            c.type,
            c.unit,
            c.en,
            c.meaning("ru"),
            f"`{c.shapefile}`" if c.shapefile else "",
        )
        for c in columns
    ]
    return table(head, rows)


def fields_table(columns: Sequence[schema.Column]) -> str:
    """Return a Markdown table of the fields that columns have in shapefiles."""
    rows = [(f"`{c.shapefile}`", f"`{c.name}`", c.unit) for c in columns if c.shapefile]
    return table(("field", "column", "unit"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with an empty line behind it."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def names(columns: Iterable[str]) -> str:
    """Return column names as code, with commas."""
    return ", ".join(f"`{name}`" for name in columns)


if __name__ == "__main__":
    DICTIONARY.write_text(dictionary(), encoding="utf-8", newline="\n")
