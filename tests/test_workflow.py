"""A whole run: what is mapped when, what a fault or a kill leaves behind, equal bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numba
import pytest
from affine import Affine
from conftest import Call
from geopandas.testing import assert_geodataframe_equal
from rasterio.crs import CRS
from sample_project import PRODUCTS, Maker, in_this_process, project_of, spoil, tree

from glacial_lakes.errors import InputError, LockedError, MissingFileError
from glacial_lakes.events import (
    DemNotGiven,
    Event,
    SceneMapped,
    SceneRefused,
    SceneReused,
    StageStarted,
)
from glacial_lakes.grid import Grid
from glacial_lakes.inventory.inventory import open_inventory
from glacial_lakes.io import atomic, locks
from glacial_lakes.io.marks import MARK_NAME
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.runtime.revision import code_version
from glacial_lakes.scenes import open_scene
from glacial_lakes.workflow import manifest, scene_tasks
from glacial_lakes.workflow.map_files import map_scenes
from glacial_lakes.workflow.output_folder import WORK_PREFIX
from glacial_lakes.workflow.run import RunResult, find_scenes, run, tasks_of
from glacial_lakes.workflow.scene_tasks import OUTLINES_NAME, capacity, estimate_bytes, folder_name

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """Return the project file of a copy of the finished run."""
    shutil.copytree(finished.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "project.toml"


here = pytest.mark.usefixtures("here")


def command(project: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "glacial_lakes", *options, "run", str(project)]


def test_the_outputs_are_those_of_the_design(finished: Path) -> None:
    names = set(tree(finished))
    dates = ("2003-08-17", "2006-08-17", "2009-07-24")
    assert {f"shapefiles/lakes_{date}.shp" for date in dates} <= names
    assert {
        "inventory.gpkg",
        "shapefiles/lakes.shp",
        "observations.csv",
        "events.csv",
        "report.html",
        "viewer.html",
        "manifest.json",
    } <= names
    assert [path.name for path in (finished.parent / "output").rglob(".*")] == [MARK_NAME]


def test_the_viewer_of_a_run_shows_the_images_and_the_rivers_of_its_scenes(finished: Path) -> None:
    page = (finished.parent / "output" / "viewer.html").read_text(encoding="utf-8")
    told = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert told is not None
    data = json.loads(told[1])
    assert data["pictures"]["sheets"]
    assert any(data["rivers"])


def test_the_manifest_leads_from_every_output_to_every_input(finished: Path) -> None:
    output = finished.parent / "output"
    content = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    results = {name for name in tree(finished) if not name.startswith(("scenes/", "as_written/"))}
    assert set(content["outputs"]) == results - {"manifest.json"}
    assert manifest.outputs_hold(output, content["outputs"])
    assert content["inputs"]["dem"]["sha256"] == atomic.sha256(finished.parent / "dem.tif")
    assert [row["scene_id"] for row in content["scenes"]] == list(PRODUCTS)
    for row in content["scenes"]:
        assert row["state"] == "mapped"
        assert row["path"] == f"scenes/{row['scene_id']}"
        assert len(row["sha256"]) == 64
        assert manifest.outputs_hold(output / "scenes" / row["scene_id"], row["outputs"])
    assert content["settings"]["mapping"]["min_pixels"] == 5.0
    assert content["n_lakes"] == len(open_inventory(output / "inventory.gpkg").lakes)


def test_the_inventory_tells_its_scenes_and_its_run(finished: Path) -> None:
    inventory = open_inventory(finished.parent / "output" / "inventory.gpkg")
    assert list(inventory.scenes["scene_id"]) == list(PRODUCTS)
    assert set(inventory.scenes["state"]) == {"mapped"}
    assert set(inventory.scenes["checksum"]) == {"verified"}
    (row,) = inventory.runs.to_dict("records")
    assert row["version"] == code_version()
    assert json.loads(row["libraries"])["numba"] == numba.__version__
    assert json.loads(row["settings"])["project"]["output"] == "output"
    assert set(json.loads(row["inputs"])["scenes"]) == set(PRODUCTS)


def test_outlines_on_disk_are_the_outlines_that_were_mapped(finished: Path) -> None:
    folder = finished.parent
    scene = open_scene(folder / "scenes" / PRODUCTS[0])
    fresh = map_lakes(scene, dem=folder / "dem.tif", glaciers=folder / "glaciers.gpkg")
    path = folder / "output" / "scenes" / folder_name(scene.id) / OUTLINES_NAME
    loaded = MappedScene.read(path)
    assert_geodataframe_equal(loaded.outlines, fresh.outlines, check_crs=False, check_dtype=False)
    assert loaded.outlines.crs == fresh.outlines.crs
    assert loaded.coverage == fresh.coverage


@here
def test_a_second_run_does_nothing_and_says_so(finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (finished.parent / "output").rglob("*.*")}
    result = run(project_of(finished))
    assert result.unchanged
    assert result.mapped == ()
    assert result.reused == PRODUCTS
    assert result.n_lakes > 0
    after = {path: path.stat().st_mtime_ns for path in (finished.parent / "output").rglob("*.*")}
    assert after == before


@here
def test_files_that_were_only_touched_are_not_mapped_again(copied: Path) -> None:
    for path in (copied.parent / "scenes").rglob("*"):
        os.utime(path)
    assert run(project_of(copied)).unchanged


@here
def test_a_changed_output_is_made_again_without_mapping(copied: Path) -> None:
    expected = tree(copied)
    (copied.parent / "output" / "events.csv").write_text("edited", encoding="utf-8")
    result = run(project_of(copied))
    assert (result.mapped, result.reused, result.unchanged) == ((), PRODUCTS, False)
    [kept] = (copied.parent / "output" / "edited").glob("events_*.csv")
    assert kept.read_text(encoding="utf-8") == "edited"
    kept.unlink()
    assert tree(copied) == expected


@here
def test_of_a_new_scene_only_that_one_is_mapped(
    make: Maker, tmp_path: Path, finished: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    events: list[Event] = []
    assert run(project_of(path)).mapped == PRODUCTS[:1]
    names = set(open_inventory(tmp_path / "output" / "inventory.gpkg").lakes["lake_id"])
    shutil.copytree(finished.parent / "scenes" / PRODUCTS[1], tmp_path / "scenes" / PRODUCTS[1])
    result = run(project_of(path), on_event=events.append)
    assert result.mapped == PRODUCTS[1:2]
    assert result.reused == PRODUCTS[:1]
    assert events[0] == StageStarted("map", 1)
    assert [event.scene_id for event in events if isinstance(event, SceneReused)] == [*PRODUCTS[:1]]
    assert [event.scene_id for event in events if isinstance(event, SceneMapped)] == [PRODUCTS[1]]
    inventory = open_inventory(tmp_path / "output" / "inventory.gpkg")
    assert len(inventory.scenes) == 2
    assert len(names & set(inventory.lakes["lake_id"])) > 0.8 * len(names)
    for product in PRODUCTS[:2]:
        outlines = f"scenes/{product}/outlines.gpkg"
        assert tree(path)[outlines] == tree(finished)[outlines]


@here
def test_settings_that_matter_map_again_and_others_do_not(copied: Path) -> None:
    project = project_of(copied)
    renamed = replace(
        project,
        project=replace(project.project, name="Озёра"),
        mapping=replace(project.mapping, strip_rows=64),
    )
    result = run(renamed)
    assert (result.mapped, result.unchanged) == ((), False)
    larger = replace(
        project,
        area=replace(project.area, min_area_m2=20_000.0),
        inputs=replace(project.inputs, months=(7,)),
    )
    assert run(larger).mapped == PRODUCTS[2:]


def test_the_map_of_the_report_shows_the_glaciers(finished: Path) -> None:
    page = (finished.parent / "output/report.html").read_text(encoding="utf-8")
    assert '<path class="glacier"' in page


@here
def test_what_a_scene_that_left_had_given_goes_too(copied: Path) -> None:
    shapefile = copied.parent / "output" / "shapefiles" / "lakes_2009-07-24.shp"
    assert shapefile.is_file()
    shutil.rmtree(copied.parent / "scenes" / PRODUCTS[2])
    result = run(project_of(copied))
    assert result.mapped == ()
    assert not list(shapefile.parent.glob("lakes_2009-07-24*"))
    assert (shapefile.parent / "lakes_2006-08-17.shp").is_file()


def test_the_result_is_the_same_to_the_byte_whatever_the_jobs_order_and_folder(
    make: Maker, tmp_path: Path, finished: Path
) -> None:
    folder = tmp_path / "Ала-Арча, көлдөр [2]"
    folder.mkdir()
    path = make(folder, PRODUCTS[::-1])
    result = run(project_of(path), jobs=1)
    assert result.mapped == PRODUCTS
    assert tree(path) == tree(finished)


def test_another_executor_gives_the_same_bytes(make: Maker, tmp_path: Path, finished: Path) -> None:
    path = make(tmp_path)
    with ThreadPoolExecutor(1) as threads:
        run(project_of(path), executor=threads)
    assert tree(path) == tree(finished)


class LosesWorkers(Executor):
    """An executor whose workers die, as those of a cluster may."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future[object] = Future()
        future.set_exception(BrokenProcessPool("a worker was lost"))
        return future


def test_scenes_whose_worker_died_are_tried_once_more(
    make: Maker, tmp_path: Path, finished: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    result = run(project_of(path), executor=LosesWorkers())
    assert result.mapped == PRODUCTS[:1]
    outlines = f"scenes/{PRODUCTS[0]}/outlines.gpkg"
    assert tree(path)[outlines] == tree(finished)[outlines]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory reliably")
def test_too_little_memory_refuses_scenes_and_says_what_to_do(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    result = run(project_of(path), max_memory=30 * 2**20)
    (refused,) = result.refused
    assert refused.reason.startswith("GL5000 ")
    assert "--max-memory" in refused.reason
    assert not (tmp_path / "output" / "inventory.gpkg").exists()
    with in_this_process():
        assert run(project_of(path)).mapped == PRODUCTS[:1]


def test_a_spoilt_scene_is_a_row_with_a_reason_and_the_others_are_as_ever(
    make: Maker, tmp_path: Path, finished: Path, call: Call
) -> None:
    path = make(tmp_path, PRODUCTS[:2])
    spoil(path, PRODUCTS[1])
    code, out, _ = call("run", path, "--json")
    assert code == 3
    answer = json.loads(out)
    assert answer["mapped"] == [PRODUCTS[0]]
    (refused,) = answer["refused"]
    assert refused["path"] == str(tmp_path / "scenes" / PRODUCTS[1])
    assert refused["reason"].startswith("GL10")
    assert "\n" not in refused["reason"]
    outlines = f"scenes/{PRODUCTS[0]}/outlines.gpkg"
    assert tree(path)[outlines] == tree(finished)[outlines]
    table = open_inventory(tmp_path / "output" / "inventory.gpkg").scenes.set_index("scene_id")
    assert table.loc[PRODUCTS[1], "state"] == "refused"
    assert table.loc[PRODUCTS[1], "reason"]
    with in_this_process():
        again = run(project_of(path))
    assert again.unchanged
    assert [event.path for event in again.refused] == [refused["path"]]


@here
def test_one_wrong_bit_in_an_image_is_told_and_not_mapped(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path, PRODUCTS[:2])
    (band,) = (tmp_path / "scenes" / PRODUCTS[0]).glob("*_SR_B2.TIF")
    content = bytearray(band.read_bytes())
    content[len(content) // 2] ^= 1
    band.write_bytes(content)
    done = run(project_of(path))
    (refused,) = done.refused
    assert f"{band.name}: differs from its MD5 checksum" in refused.reason
    assert done.mapped == PRODUCTS[1:2]
    told: list[object] = []
    with pytest.raises(InputError, match="no scene could be used"):
        map_scenes([band.parent], tmp_path / "lakes.gpkg", on_event=told.append)
    assert any(getattr(event, "reason", None) == refused.reason for event in told)
    assert not (tmp_path / "lakes.gpkg").exists()
    (tmp_path / "scenes" / PRODUCTS[0] / f"{PRODUCTS[0]}_MD5.txt").unlink()
    run(project_of(path))
    scenes = open_inventory(tmp_path / "output" / "inventory.gpkg").scenes.set_index("scene_id")
    assert scenes.loc[PRODUCTS[0], "checksum"] == "unverified"
    assert scenes.loc[PRODUCTS[1], "checksum"] == "verified"


@here
def test_when_all_scenes_are_refused_no_inventory_is_written(
    make: Maker, tmp_path: Path, call: Call
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    spoil(path, PRODUCTS[0])
    code, _, _ = call("run", path)
    assert code == 1
    assert not (tmp_path / "output" / "inventory.gpkg").exists()
    assert not (tmp_path / "output" / "manifest.json").exists()


@here
@pytest.mark.parametrize("given", [True, False])
def test_a_run_tells_when_no_dem_is_given(given: bool, make: Maker, tmp_path: Path) -> None:
    project = project_of(make(tmp_path, ()))
    if not given:
        project = replace(project, inputs=replace(project.inputs, dem=None))
    told: list[Event] = []
    run(project, on_event=told.append)
    assert (DemNotGiven() in told) is not given


@here
def test_a_second_run_at_the_same_time_is_refused(copied: Path, call: Call) -> None:
    expected = tree(copied)
    with locks.lock(copied.parent / "output"):
        with pytest.raises(LockedError):
            run(project_of(copied))
        code, _, said = call("run", copied)
    assert code == 4
    (line,) = said.splitlines()
    assert line.startswith("GL3001 ")
    assert str(os.getpid()) in line
    assert tree(copied) == expected


def reached(output: Path, stage: str) -> bool:
    if stage == "mapping":
        return any(output.glob("scenes/*/done.json"))
    return (output / stage).exists()


@posix
@pytest.mark.parametrize("stage", ["mapping", "inventory.gpkg", "observations.csv"])
def test_after_a_kill_the_next_run_ends_with_the_same_bytes(
    make: Maker, tmp_path: Path, finished: Path, stage: str
) -> None:
    path = make(tmp_path)
    if stage != "mapping":  # as another run has left it that was killed before it
        scenes = finished.parent / "output" / "scenes"
        shutil.copytree(scenes, tmp_path / "output" / "scenes")
    process = subprocess.Popen(
        command(path, "-q"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not reached(tmp_path / "output", stage) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.wait()
    # The names follow each other within milliseconds: there a kill may come behind the last.
    came_too_late = (tmp_path / "output" / "manifest.json").exists()
    assert not came_too_late or stage != "mapping"
    with in_this_process():
        result = run(project_of(path))
    assert result.reused
    assert tree(path) == tree(finished)
    assert [path.name for path in (tmp_path / "output").rglob(".*")] == [MARK_NAME]


@here
def test_a_process_that_outlives_its_run_brings_no_folder_back(make: Maker, tmp_path: Path) -> None:
    project = project_of(make(tmp_path, PRODUCTS[:1]))
    (scene,) = find_scenes(project, print)
    (task,) = tasks_of(project, [scene], {}, tmp_path / "output")
    work = tmp_path / "output" / f"{WORK_PREFIX}{'0' * 16}"
    with pytest.raises(FileNotFoundError):
        scene_tasks.map_scene(replace(task, folder=work / task.folder.name))
    assert not work.exists()


@posix
def test_an_interrupt_leaves_the_old_result_whole(copied: Path) -> None:
    expected = {name: sha for name, sha in tree(copied).items() if not name.startswith("scenes/")}
    text = copied.read_text(encoding="utf-8")
    copied.write_text(text + "[mapping]\nmin_pixels = 50\n", encoding="utf-8")
    process = subprocess.Popen(
        command(copied), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stderr is not None
    assert "3 scenes to map" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted" in errors
    after = {name: sha for name, sha in tree(copied).items() if not name.startswith("scenes/")}
    assert after == expected


@here
def test_scenes_out_of_season_are_left_out(copied: Path) -> None:
    project = project_of(copied)
    august = replace(project, inputs=replace(project.inputs, months=(8,)))
    result = run(august)
    assert (result.reused, result.refused) == (PRODUCTS[:2], ())
    winter = replace(project, inputs=replace(project.inputs, months=(1, 2)))
    with pytest.raises(InputError, match=r"none of 3 scenes lies in the months \[1, 2\]"):
        run(winter)


@here
def test_a_scene_that_is_named_but_missing_is_an_error(copied: Path) -> None:
    project = project_of(copied)
    scenes = ("scenes/*", "scenes/LC09_missing")
    with pytest.raises(MissingFileError, match="LC09_missing"):
        run(replace(project, inputs=replace(project.inputs, scenes=scenes)))


@here
def test_a_pattern_that_matches_nothing_is_told(make: Maker, tmp_path: Path) -> None:
    result: RunResult = run(project_of(make(tmp_path, ())))
    assert result.paths == ()
    assert [type(event) for event in result.refused] == [SceneRefused]
    assert "scenes" in result.refused[0].path


def test_memory_decides_jobs_before_strip_rows(sentinel_grid: Grid) -> None:
    one = estimate_bytes(sentinel_grid.shape, 256)
    plenty = capacity([sentinel_grid] * 9, 8, 20 * one, 256)
    assert (plenty.jobs, plenty.strip_rows) == (8, 256)
    scarce = capacity([sentinel_grid] * 9, 8, 3 * one, 256)
    assert (scarce.jobs, scarce.strip_rows) == (3, 256)
    little = capacity([sentinel_grid] * 9, 8, one - 1, 256)
    assert (little.jobs, little.strip_rows) == (1, 128)
    assert capacity([sentinel_grid], 8, 20 * one, 256).jobs == 1
    for room in (plenty, scarce, little):
        assert room.jobs * room.scene_bytes <= room.all_bytes


@pytest.fixture
def sentinel_grid() -> Grid:
    """Return the grid of a full Sentinel-2 tile."""
    transform = Affine(10, 0, 399960, 0, -10, 4800000)
    return Grid(CRS.from_epsg(32643), transform, (10980, 10980))


@pytest.mark.parametrize("scene_id", ["a/b", "..", "Көл 1", "C:\\x", "a.b."])
def test_a_folder_name_is_safe_whatever_the_scene_is_called(scene_id: str) -> None:
    name = folder_name(scene_id)
    assert name.isascii()
    assert not set(name) & set('/\\:*?"<>|.')
