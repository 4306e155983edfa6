"""Machines that lack what others have: packages, streams, rights, room, an answer of a port."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import typing
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from sample_inventory import make_inventory
from sample_project import PRODUCTS, Maker, project_of, spoil

from glacial_lakes.cli.commands import cli
from glacial_lakes.cli.doctor import examine
from glacial_lakes.errors import (
    ClusterError,
    ConfigError,
    LockedError,
    ResourceError,
    VectorError,
)
from glacial_lakes.export.export import FORMATS, export
from glacial_lakes.io import locks, vector
from glacial_lakes.review.review_file import review_file
from glacial_lakes.runtime.processes import ProcessPerCall, in_turn
from glacial_lakes.settings import TABLES, read_project
from glacial_lakes.workflow import run as workflow
from glacial_lakes.workflow import scene_tasks
from glacial_lakes.workflow.dask import connect
from glacial_lakes.workflow.map_files import map_scenes

EXTRAS = (
    "pyarrow",
    "xarray",
    "zarr",
    "pystac_client",
    "requests",
    "dask",
    "distributed",
    "jupyterlab",
)
HIDE = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""
CALLS = """
import json, sys
from glacial_lakes.cli.commands import main
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ended:
        assert ended.code == 0, words
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def bare(*calls: Sequence[object]) -> subprocess.CompletedProcess[str]:
    """Run commands where no extra is installed and every warning is an error.

    What hides the extras is imported by each Python that starts, those of workers too.
    """
    told = json.dumps([[str(word) for word in words] for words in calls])
    with tempfile.TemporaryDirectory() as hiding:
        Path(hiding, "sitecustomize.py").write_text(HIDE, encoding="utf-8")
        path = os.pathsep.join([hiding, ENVIRONMENT["PYTHONPATH"]])
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", CALLS, told],
            env=ENVIRONMENT | {"PYTHONPATH": path},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


def blocks(place: Path) -> None:
    """Write basins that cover all sample scenes, under a name of their own."""
    areas = [shapely.box(70, 40, 75.5, 45), shapely.box(75.5, 40, 80, 45)]
    table = gpd.GeoDataFrame({"river": ["west", "east"]}, geometry=areas, crs=4326)
    table.to_file(place, layer="basins")
    gpd.GeoDataFrame(geometry=[shapely.box(70, 40, 80, 45)], crs=4326).to_file(place, layer="aoi")
    catalogue = "NO,LAKE,AREA,NOTE,X,Y\nKG-1,Верхнее,Чуй,опасно,74.52,42.6\n"
    place.with_name("catalogue.csv").write_text(catalogue, encoding="CP1251")
    place.with_name("curves.csv").write_text("lake,area_km2,volume_million_m3\n1,0.05,0.4\n")
    depths = np.pad(np.full((9, 9), 5.0, np.float32), 9)
    places = from_origin(460_000, 4_717_000, 10, 10)
    size = {"width": 27, "height": 27, "count": 1, "dtype": "float32", "crs": "EPSG:32643"}
    with rasterio.open(place.with_name("depths.tif"), "w", "GTiff", transform=places, **size) as to:
        to.write(depths, 1)


EVERY_SETTING: dict[str, object] = {
    "project.name": "All of them",
    "project.output": "results",
    "project.language": "ru",
    "area.aoi": "areas.gpkg|layername=aoi",
    "area.min_area_m2": 2000,
    "area.glacier_buffer_m": 5000,
    "area.basins": "areas.gpkg|layername=basins",
    "area.basin_field": "river",
    "inputs.scenes": ["scenes/*"],
    "inputs.dem": "dem.tif",
    "inputs.glaciers": "glaciers.gpkg",
    "inputs.months": [8],
    "inputs.trusted_scenes": [PRODUCTS[0]],
    "inputs.hosts": ["example.org"],
    "mapping.min_pixels": 4,
    "mapping.index": "mndwi",
    "mapping.seed_threshold": 0.1,
    "mapping.seed_method": "otsu",
    "mapping.min_lake_prob": 0.2,
    "mapping.strip_rows": 64,
    "tracking.min_overlap": 0.4,
    "tracking.max_distance_m": 100,
    "tracking.drained_fraction": 0.2,
    "tracking.min_pixels": 4,
    "tracking.sure_pixels": 50,
    "tracking.max_lost_fraction": 0.5,
    "tracking.fast_fraction": 0.2,
    "tracking.fast_fraction_per_year": 0.05,
    "project.by": "A. Ivanova",
    "catalogue.file": "catalogue.csv",
    "catalogue.sheet": "Lakes",
    "catalogue.id": "NO",
    "catalogue.name": "LAKE",
    "catalogue.district": "AREA",
    "catalogue.comment": "NOTE",
    "catalogue.lon": "X",
    "catalogue.lat": "Y",
    "catalogue.encoding": "CP1251",
    "catalogue.new_numbers": ["KG-{n:04d}"],
    "catalogue.districts": "areas.gpkg|layername=basins",
    "catalogue.district_field": "river",
    "storage.curves": "curves.csv",
    "storage.sheet": "Curves",
    "storage.bathymetry": ["depths.tif"],
    "export.since": "2003",
    "export.formats": [name for name in FORMATS if name != "parquet"],
    "limits.open_s": 60,
    "limits.open_memory_gb": 1.5,
    "limits.scene_s": 600,
    "limits.memory_gb": 2,
    "limits.wait_s": 20,
    "limits.kept_gb": 1,
}
APART = {"mapping.detector"}
"""Needs an extension; tests/test_detectors.py has one."""


@pytest.fixture(scope="module")
def bare_project(make: Maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that sets every setting, run on a bare machine."""
    folder = tmp_path_factory.mktemp("bare")
    path = make(folder, PRODUCTS[:1])
    blocks(folder / "areas.gpkg")
    lines = []
    for name in TABLES:
        lines.append(f"[{name}]")
        told = {key: value for key, value in EVERY_SETTING.items() if key.startswith(f"{name}.")}
        exclusive = "mapping.seed_method"  # instead of a threshold
        lines += [
            f"{key.partition('.')[2]} = {value!r}"
            for key, value in told.items()
            if key != exclusive
        ]
    path.write_text("\n".join(lines).replace("'", '"'), encoding="utf-8")
    done = bare(["run", path])
    assert done.returncode == 0, done.stderr
    return path


def test_every_setting_is_run_on_a_bare_machine(bare_project: Path) -> None:
    known = {f"{table}.{one.name}" for table, kind in TABLES.items() for one in fields(kind)}
    assert EVERY_SETTING.keys() | APART == known
    totals = (bare_project.parent / "results" / "totals.csv").read_text(encoding="utf-8")
    assert "east" in totals or "west" in totals


@pytest.mark.thorough
def test_every_command_runs_on_a_bare_machine(bare_project: Path, tmp_path: Path) -> None:
    folder, output = bare_project.parent, bare_project.parent / "results"
    inventory, scene = output / "inventory.gpkg", folder / "scenes" / PRODUCTS[0]
    calls: dict[str, list[object]] = {
        "init": [tmp_path / "new"],
        "start": [tmp_path / "fresh", "--no-open"],
        "scenes": [scene],
        "map": [scene, "-o", tmp_path / "map.gpkg", "--dem", folder / "dem.tif"],
        "run": [bare_project],
        "series": ["1", bare_project],
        "check": [output / "shapefiles" / "lakes.shp"],
        "track": [tmp_path / "map.gpkg", "-o", tmp_path / "older.gpkg"],
        "export": [inventory, "-o", tmp_path / "exported", "--epoch", "2003=2003"],
        "report": [inventory, "-o", tmp_path / "page.html"],
        "review": [inventory, output / "shapefiles" / "lakes.shp", "--dry-run"],
        "validate": [inventory, inventory, "--layer", "lakes", "--reference-layer", "lakes"],
        "qgis-install": ["-o", tmp_path / "qgis"],
        "doctor": [],
    }
    assert calls.keys() | {"demo"} == cli.commands.keys()  # the demo is a run of its own project
    default = ["export", inventory, "-o", tmp_path / "default"]
    done = bare(*([verb, *words] for verb, words in calls.items()), default)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.splitlines()[-1].startswith("parquet is left out")
    assert (tmp_path / "default" / "report.html").is_file()


def test_a_format_that_cannot_be_written_is_told_before_hours_of_mapping(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, PRODUCTS[:1], '[export]\nformats = ["csv", "parquet"]\n')
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match="pip install pyarrow"):
        workflow.run(project_of(path))
    assert not (tmp_path / "output").exists()
    with pytest.raises(ConfigError, match="pyarrow"):
        export(make_inventory(), tmp_path / "exported", ["csv", "parquet"])
    assert not (tmp_path / "exported").exists()


@pytest.mark.usefixtures("here")
def test_basins_without_a_column_are_numbered_and_a_wrong_one_is_told_before_mapping(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, PRODUCTS[:1], '[area]\nbasins = "areas.gpkg|layername=aoi"\n')
    blocks(tmp_path / "areas.gpkg")
    result = workflow.run(project_of(path))
    totals = (result.output / "totals.csv").read_text(encoding="utf-8")
    assert ",1," in totals
    overrides = {"area.basins": "areas.gpkg|layername=basins", "project.output": "other"}
    monkeypatch.setattr(workflow, "_map", None)
    with pytest.raises(VectorError, match=r"no column name; it has: river.*basin_field"):
        workflow.run(read_project(path, overrides=overrides, environment={}))


def test_a_layer_can_be_named_wherever_a_file_can(tmp_path: Path) -> None:
    path = tmp_path / "areas.gpkg"
    blocks(path)
    with pytest.raises(VectorError) as caught:
        vector.read_vector(path)
    remedy = caught.value.remedy
    named = remedy.rpartition(" ")[2]
    assert len(vector.read_vector(tmp_path / named)) in {1, 2}
    assert set(vector.read_vector(f"{path}|layername=basins")["river"]) == {"west", "east"}


def test_another_layer_of_the_same_glaciers_is_mapped_anew(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    keys = set()
    for name in ("glaciers.gpkg", "glaciers.gpkg|layername=a", "glaciers.gpkg|layername=b"):
        inputs = replace(project_of(path).inputs, glaciers=name)
        project = replace(project_of(path), inputs=inputs)
        scenes = workflow.find_scenes(project, print)
        (task,) = workflow.tasks_of(project, scenes, {}, tmp_path)
        keys.add(task.key)
    assert len(keys) == 3


@pytest.mark.parametrize("started", [True, False])
def test_a_dry_run_needs_no_lock_where_nobody_can_write(
    started: bool, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(finished.parent / "output", tmp_path / "output")
    inventory, edited = copy / "inventory.gpkg", copy / "shapefiles" / "lakes.shp"

    @contextlib.contextmanager
    def refused(*_: object) -> Iterator[None]:
        raise OSError(30, "Read-only file system")
        yield

    monkeypatch.setattr(locks, "lock", refused)
    assert review_file(inventory, edited, dry_run=True).empty
    if started:  # one that runs is still heard of
        monkeypatch.undo()
        with locks.lock(copy), pytest.raises(LockedError):
            review_file(inventory, edited, dry_run=True)


def test_without_any_temporary_folder_processes_run_and_doctor_tells_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As where HOME, TMPDIR and the package lie on disks that nobody can write."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    assert list(in_turn(len, ["ab", "abc"])) == [2, 3]
    with ProcessPerCall(1) as executor:
        assert executor.submit(len, "abcd").result() == 4
    found = {finding.subject: finding for finding in examine({})}
    assert found["temporary folder"].state == "fault"
    assert "TMPDIR" in found["temporary folder"].remedy
    places = make_inventory(3).lakes[["lake_id", "geometry"]]
    places.to_file(tmp_path / "lakes.gpkg")
    with zipfile.ZipFile(tmp_path / "lakes.zip", "w") as archive:
        archive.write(tmp_path / "lakes.gpkg", "lakes.gpkg")
    with pytest.raises(ResourceError, match="no place to unpack"):
        vector.as_places(tmp_path / "lakes.zip")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", ["map", "track"])
def test_quiet_tells_the_reason_of_a_failure(
    verb: str, make: Maker, tmp_path: Path, call: typing.Any
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    spoil(path, PRODUCTS[0])
    source = tmp_path / "scenes" / PRODUCTS[0]
    if verb == "track":
        source = tmp_path / "lakes.geojson"
        source.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    code, _, told = call(verb, "-q", source, "-o", tmp_path / "x.gpkg")
    assert code == 1
    assert told.splitlines()[0].startswith(f"refused: {source}: GL1")


@pytest.mark.usefixtures("here")
def test_a_lock_on_an_input_ends_the_run_and_is_forgotten(make: Maker, tmp_path: Path) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    hold = (
        "import sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('BEGIN EXCLUSIVE')\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "glaciers.gpkg")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError, match="open in another program") as caught:
            workflow.run(project_of(path))
        holder.communicate()
    assert "SELECT" not in str(caught.value)
    assert len(workflow.run(project_of(path)).mapped) == 1


@pytest.mark.parametrize(("culprit", "remembered"), [("glaciers.gpkg", False), ("scene", True)])
def test_only_what_a_scene_itself_is_guilty_of_is_remembered(
    culprit: str, remembered: bool, make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    project = project_of(path)
    (scene,) = workflow.find_scenes(project, print)
    (task,) = workflow.tasks_of(project, [scene], {}, tmp_path / "output")
    at_fault = scene.path if culprit == "scene" else tmp_path / culprit

    def fail(*_: object, **__: object) -> None:
        raise VectorError(at_fault, "cannot be read", "try again")

    monkeypatch.setattr(scene_tasks, "map_lakes", fail)
    task.folder.parent.mkdir(parents=True)
    record, _ = scene_tasks.map_scene(task)
    assert record.state == "refused"
    assert (task.folder / scene_tasks.RECORD_NAME).exists() == remembered


@pytest.mark.usefixtures("here")
def test_an_unforeseen_error_in_one_scene_costs_only_that_scene(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, PRODUCTS[:2])
    told: list[object] = []

    def turn(call: typing.Any, scenes: typing.Any, **_: object) -> Iterator[object]:
        yield RuntimeError("a fault of a library")
        yield call(scenes[1])

    monkeypatch.setattr("glacial_lakes.workflow.map_files.in_turn", turn)
    limits = project_of(tmp_path / "project.toml").limits
    out = tmp_path / "lakes.gpkg"
    outlines = map_scenes([tmp_path / "scenes"], out, limits=limits, on_event=told.append)
    assert set(outlines["scene_id"]) == {PRODUCTS[1]}
    assert any("a fault of a library" in str(getattr(one, "reason", "")) for one in told)


def connected(address: str) -> None:
    with connect(address, 1.0):
        pass


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"SSH"])
def test_a_port_that_is_no_scheduler_is_told_in_one_line(
    answer: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.sendall(answer)
                threading.Event().wait(3)
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with ThreadPoolExecutor(1) as trying:
            error = trying.submit(connected, address).exception(timeout=20)  # a client asks minutes
    assert isinstance(error, ClusterError)
    assert "scheduler" in str(error)
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="redirections of a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_reason_to_fail(closed: str, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    inventory = finished.parent / "output" / "inventory.gpkg"
    export_it = f'"{inventory}" -o "{out}" --format gpkg --format geojson'
    words = f'"{sys.executable}" -m glacial_lakes export {export_it} {closed}'
    done = subprocess.run(["sh", "-c", words], env=ENVIRONMENT, check=False)
    assert done.returncode == 0
    assert len(gpd.read_file(out / "lakes.geojson"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_output_is_one_line(sample_data: Path) -> None:
    scene = sample_data / "scenes" / PRODUCTS[0]
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(
            [sys.executable, "-m", "glacial_lakes", "scenes", str(scene)],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("GL3000 the standard output cannot be written")
