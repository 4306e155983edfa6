"""The area of one lake through time: what a run over whole scenes tells, of a part of each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from conftest import Call
from PIL import Image
from sample_project import PRODUCTS, Maker, project_of

import glacial_lakes as gl
from glacial_lakes.errors import InputError
from glacial_lakes.events import SceneMapped, SceneReused, StageStarted
from glacial_lakes.inventory.area_series import AreaSeries, series_in
from glacial_lakes.workflow.area_series import series_of_project
from glacial_lakes.workflow.run import run

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(scope="module")
def inventory(finished: Path) -> gl.Inventory:
    return gl.open_inventory(finished.parent / "output" / "inventory.gpkg")


@pytest.fixture
def fresh(finished: Path, tmp_path: Path) -> Path:
    """Return the same project without any result."""
    ignored = shutil.ignore_patterns("output")
    shutil.copytree(finished.parent, tmp_path / "fresh", ignore=ignored)
    return tmp_path / "fresh" / finished.name


POOLED = ["area_sigma_shared_m2", "area_sigma_date_m2"]
"""Parts of the error that all lakes of a run tell, and with them the error of a change."""
POOLED += ["volume_change_low_m3", "volume_change_high_m3"]


def assert_same(found: AreaSeries, expected: AreaSeries, *, pooled: bool = False) -> None:
    assert found.lake_id == expected.lake_id
    tables = (found.observations, expected.observations)
    if not pooled:
        parts = (table[POOLED[:2]].astype(float).pow(2).sum(axis=1) ** 0.5 for table in tables)
        np.testing.assert_allclose(*parts, rtol=1e-9)
        tables = tuple(table.drop(columns=POOLED) for table in tables)
    pd.testing.assert_frame_equal(*tables)
    for one, other in zip(found.outlines.geometry, expected.outlines.geometry, strict=True):
        # GeoPackages hold polygons as parts of one.
        assert shapely.get_parts(one).tolist() == shapely.get_parts(other).tolist(), found.lake_id
    assert found.events["event"].tolist() == expected.events["event"].tolist()


def chosen(inventory: gl.Inventory) -> list[str]:
    """Return the largest lake, which images cut, and the one that was seen least."""
    largest = inventory.lakes.sort_values("max_area_m2")["lake_id"].iloc[-1]
    return [largest, inventory.lakes.sort_values("n_observed")["lake_id"].iloc[0]]


def test_a_series_has_the_observations_of_the_run(fresh: Path, inventory: gl.Inventory) -> None:
    project = project_of(fresh)
    for lake in chosen(inventory):
        assert_same(series_of_project(project, lake), series_in(inventory, lake))
    assert not (fresh.parent / "output").exists()


def test_a_lake_is_found_by_its_place(fresh: Path, inventory: gl.Inventory) -> None:
    lake = inventory.latest().iloc[0]
    found = series_of_project(project_of(fresh), lake.geometry.buffer(1e-4))
    assert_same(found, series_in(inventory, lake["lake_id"]))


def test_where_the_run_is_of_today_its_inventory_tells(
    finished: Path, inventory: gl.Inventory
) -> None:
    lake = chosen(inventory)[0]
    heard: list[object] = []
    found = series_of_project(project_of(finished), lake, on_event=heard.append)
    assert_same(found, series_in(inventory, lake), pooled=True)
    assert not any(isinstance(event, SceneMapped | StageStarted) for event in heard)
    assert set(found.pictures) == set(found.observations["scene_id"])
    assert all(picture.colours.shape[0] == 3 for picture in found.pictures.values())


def test_only_a_new_scene_is_mapped_and_the_rest_is_that_of_a_new_run(
    make: Maker, tmp_path: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1], "[export]\nformats = []\n")
    run(project_of(path))
    source = Path(__file__).parents[1] / "sample_data" / "scenes" / PRODUCTS[1]
    shutil.copytree(source, path.parent / "scenes" / PRODUCTS[1])
    before = gl.open_inventory(path.parent / "output" / "inventory.gpkg")
    lake = before.lakes.sort_values("max_area_m2")["lake_id"].iloc[-1]
    heard: list[object] = []
    found = series_of_project(project_of(path), lake, on_event=heard.append)
    assert [event.scene_id for event in heard if isinstance(event, SceneMapped)] == [PRODUCTS[1]]
    assert [event.scene_id for event in heard if isinstance(event, SceneReused)] == [PRODUCTS[0]]
    run(project_of(path))
    after = gl.open_inventory(path.parent / "output" / "inventory.gpkg")
    assert_same(found, series_in(after, lake))


def test_scenes_in_memory_give_the_same(sample_data: Path, inventory: gl.Inventory) -> None:
    scenes = gl.discover([sample_data / "scenes" / name for name in PRODUCTS])
    inputs = {"dem": sample_data / "dem.tif", "glaciers": sample_data / "glaciers.gpkg"}
    lake = chosen(inventory)[0]
    found = gl.area_series(lake, reversed(scenes), **inputs)
    assert_same(found, series_in(inventory, lake))
    told = gl.area_series(lake, scenes, inventory=inventory)
    assert_same(told, series_in(inventory, lake), pooled=True)
    assert lake in repr(found)
    with pytest.raises(InputError, match="scenes is given as str; give a list of scenes"):
        gl.area_series(lake, "scenes")


def test_a_lake_that_nobody_knows_is_one_line(call: Call, finished: Path, fresh: Path) -> None:
    for lake, path, said in (
        ("GL000000E00000N", finished, "the inventory has no lake GL000000E00000N; name it by"),
        ("Blue lake", fresh, "Blue lake is no ID of a lake, and there is no inventory"),
        ("74.3,42.3", fresh, "no image shows a lake at this place; give the outline"),
    ):
        code, out, err = call("-q", "series", lake, path)
        assert (code, out) == (1, ""), lake
        (line,) = err.splitlines()
        assert said in line
    code, _, err = call("series", "1", finished, "-o", "series.gpkg")
    assert code == 2
    assert "does not end in .csv" in err


def test_the_command_tells_dates_and_writes_table_and_figure(
    call: Call, finished: Path, inventory: gl.Inventory, tmp_path: Path
) -> None:
    lake = chosen(inventory)[0]
    expected = inventory.observations_of(lake)
    out = tmp_path / "lake.csv"
    code, text, _ = call("series", lake, finished, "-o", out)
    assert code == 0
    first, *lines = text.splitlines()
    assert first == lake
    assert [line[:10] for line in lines[: len(expected)]] == [
        f"{time:%Y-%m-%d}" for time in expected["acquired"]
    ]
    assert lines[-2:] == [str(out), str(out.with_suffix(".png"))]
    table = pd.read_csv(out)
    np.testing.assert_allclose(table["area_m2"], expected["area_m2"].astype(float), rtol=1e-9)
    assert table["status"].tolist() == expected["status"].tolist()
    with Image.open(out.with_suffix(".png")) as picture:
        assert picture.width >= 1000
    assert call("series", lake, finished, "-o", out)[0] == 0  # an earlier result is replaced
    number = str(inventory.lakes.set_index("lake_id").loc[lake, "number"])
    code, text, _ = call("--json", "series", number, finished)
    told = json.loads(text)
    assert (code, told["lake"], len(told["observations"])) == (0, lake, len(expected))
    code, text, _ = call("--lang", "ru", "series", lake, finished)
    assert code == 0
    assert "м²" in text
    assert "наблюдалось" in text


def test_a_picture_that_is_no_figure_stays_however_often_one_asks(
    finished: Path, tmp_path: Path, call: Call
) -> None:
    photo, table = tmp_path / "lake.png", tmp_path / "lake.csv"
    photo.write_bytes(b"a photo")
    for _ in range(2):
        code, _, said = call("-q", "series", "1", finished, "-o", table)
        assert (code, photo.read_bytes()) == (2, b"a photo"), said
        assert "lake.png" in said
        assert not table.exists()
