"""What the schema tells of columns is what the stages do with them."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacial_lakes import schema
from glacial_lakes.columns import C
from glacial_lakes.inventory.inventory import DERIVED, LAYERS
from glacial_lakes.mapping.unmixing import unmix
from glacial_lakes.scenes import sensors
from glacial_lakes.schema import Merge, Redrawn

SIZES = st.lists(st.floats(1.0, 1e7), min_size=1, max_size=5)


@given(SIZES, st.data())
def test_outlines_put_together_have_sums_and_what_the_leading_one_has(
    areas: list[float], data: st.DataObject
) -> None:
    leading = data.draw(st.integers(0, len(areas) - 1))
    rows = pd.DataFrame(
        {
            "area_m2": areas,
            "area_sigma_m2": [0.1 * area for area in areas],
            "pixel_m": [10.0 * (1 + number) for number in range(len(areas))],
            "quality": [f"outline {number}" for number in range(len(areas))],
        }
    )
    row = schema.merged(rows, leading)
    assert row["area_m2"] == pytest.approx(math.fsum(areas))
    assert row["area_sigma_m2"] == pytest.approx(0.1 * math.hypot(*areas))
    assert row["pixel_m"] == 10.0 * len(areas)
    assert row["quality"] == f"outline {leading}"


@pytest.mark.parametrize("name", ["area_m2", "area_sigma_m2"])
def test_a_sum_of_which_a_part_is_missing_is_missing(name: str) -> None:
    assert math.isnan(schema.merged(pd.DataFrame({name: [1.0, np.nan]}), 0)[name])


NAMES = {name for name in vars(C) if name.isupper()}
SPELLINGS = {name.lower() for name in NAMES}
PACKAGE = Path(schema.__file__).parent
OWN_WORDS = {
    *("columns.py", "ingest/fields.py", "scenes", "language"),
    "cli/qgis_plugin/provider.py",
}
"""Here the same words stand for fields of other files or of products, or the package is not at
hand."""


def spelled(source: Path) -> list[str]:
    """Return the names of columns that a file spells; single words mean other things too."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [text for text in texts if text in SPELLINGS and "_" in str(text)]


def test_names_of_columns_are_spelled_in_one_place() -> None:
    found = {}
    for source in sorted(PACKAGE.rglob("*.py")):
        place = source.relative_to(PACKAGE)
        if not {place.as_posix(), place.parts[0]} & OWN_WORDS:
            found[place.as_posix()] = spelled(source)
    told = {place: names for place, names in found.items() if names}
    assert sum(map(len, told.values())) <= 2, told
    assert spelled(PACKAGE / "columns.py")  # it would find them


JSON = {"workflow/manifest.py", "workflow/run.py", "ingest/dates.py", "report/viewer.py"}
"""Here manifests and the data of pages have fields of the same names."""


def picked(source: Path) -> list[str]:
    """Return the names of columns that a file spells to pick something, single words as well."""
    slices = [
        node.slice
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Subscript)
    ]
    texts = [
        one.value for part in slices for one in ast.walk(part) if isinstance(one, ast.Constant)
    ]
    return [text for text in texts if text in SPELLINGS]


def test_columns_of_tables_are_picked_by_their_names() -> None:
    others = OWN_WORDS | JSON | {"schema.py"}
    found = {}
    for source in sorted(PACKAGE.rglob("*.py")):
        place = source.relative_to(PACKAGE)
        if not {place.as_posix(), place.parts[0]} & others:
            found[place.as_posix()] = picked(source)
    assert {place: names for place, names in found.items() if names} == {}


def assigned(text: str) -> list[str]:
    """Return the names of columns that a text spells as keywords of ``table.assign``."""
    return [
        str(keyword.arg)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assign"
        for keyword in node.keywords
        if keyword.arg in SPELLINGS
    ]


def test_columns_of_tables_are_assigned_by_their_names() -> None:
    texts = {source: source.read_text(encoding="utf-8") for source in PACKAGE.rglob("*.py")}
    assert {source: names for source, text in texts.items() if (names := assigned(text))} == {}
    assert assigned("table.assign(status=1, other=2)") == ["status"]  # it would find them


def test_every_name_is_that_of_a_column_and_every_column_has_one() -> None:
    assert all(getattr(C, name) == name.lower() for name in NAMES)
    tables = [*(LAYERS | DERIVED).values(), schema.MAPPED, schema.TOTALS]
    assert {column.name for table in tables for column in table} == SPELLINGS


def test_columns_of_one_name_and_meaning_have_one_rule() -> None:
    """``state`` and ``date`` mean different things in different tables; outlines have one rule."""
    names = [column.name for column in schema.OUTLINES]
    assert len(set(names)) == len(names)
    for column in schema.OUTLINES:
        assert (column.merge is Merge.LEADING) or column.type == "real", column.name
        if column.drawn_as is not None:
            assert column.redrawn is Redrawn.FIXED, column.name
    for columns in (LAYERS | DERIVED).values():
        for column in columns:
            assert len(column.shapefile or "") <= 10


def test_a_person_draws_no_value_of_another_image() -> None:
    """What was measured on an image is measured again, or does not hold for a drawn outline."""
    of_image = {c.name for c in schema.MAPPED if c.redrawn is Redrawn.OF_IMAGE}
    assert of_image == {"scene_id", "acquired", "sensor", "pixel_m"}


def test_the_blur_of_an_image_is_that_of_the_sensor_with_the_nearest_pixel() -> None:
    assert [sensors.blur_px(pixel) for pixel in (3.0, 10.0, 30.0)] == [0.8, 0.8, 0.6]
    rng = np.random.default_rng(0)
    bands = rng.random((4, 40, 40)).astype(np.float32)
    rows, cols = np.indices((40, 40))
    lake = (rows - 20) ** 2 + (cols - 20) ** 2 < 100
    nothing, all_seen = np.zeros_like(lake), np.ones_like(lake)
    fine, coarse = (
        unmix(bands, lake, nothing, all_seen, pixel_m=pixel).water for pixel in (10.0, 30.0)
    )
    assert not np.array_equal(fine, coarse, equal_nan=True)


def test_values_of_older_files_get_their_present_names_and_others_stay() -> None:
    states = pd.DataFrame({"state": ["doubtful", "present", "mine", None]})
    read = schema.conform(states, schema.LAKES)["state"].tolist()
    assert read == ["unconfirmed", "present", "mine", None]
