"""What a hostile file cannot do: run code, ask the network, hang or end a run, steer a terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely
from sample_project import PRODUCTS, Maker, project_of

from glacial_lakes.errors import (
    DamagedFileError,
    ResourceError,
    TimeLimitError,
    UnsafeInputError,
    VectorError,
    shown,
)
from glacial_lakes.events import Event, SceneRefused
from glacial_lakes.io import vector
from glacial_lakes.runtime import doors
from glacial_lakes.runtime.processes import ProcessPerCall, in_turn
from glacial_lakes.scenes import discover, open_scene
from glacial_lakes.scenes.source import open_source
from glacial_lakes.settings import LimitSettings
from glacial_lakes.workflow.run import run

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
CANARY = "open({place!r}, 'a').write('executed')\nraise ImportError('not the real one')\n"


@pytest.fixture
def requests() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this computer, and what came to it."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    seen.append(connection.recv(400))
                    connection.sendall(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], seen


def trap(folder: Path, *names: str) -> Path:
    """Lay modules named like libraries into a folder; return the file that shows that one ran."""
    place = folder / "CANARY"
    for name in names:
        (folder / f"{name}.py").write_text(CANARY.format(place=str(place)), encoding="utf-8")
    return place


def the_path(_: object) -> list[str]:
    return list(sys.path)


def test_workers_import_nothing_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = trap(tmp_path, "pyogrio", "rasterio", "numba")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")  # as in a notebook or after python -c
    with ProcessPerCall(1) as pool:
        apart = pool.submit(the_path, None).result()
    (turned,) = in_turn(the_path, [None])
    for found in (apart, turned):
        assert str(tmp_path) not in found
        assert "" not in found
    assert not canary.exists()


@pytest.mark.parametrize("start", [("-m", "glacial_lakes"), ("-c", "START")])
def test_no_command_imports_from_the_folder_it_is_called_in(
    start: tuple[str, str], sample_data: Path, tmp_path: Path
) -> None:
    canary = trap(tmp_path, "click", "pyogrio", "rasterio", "geopandas", "numba")
    words = [
        word.replace("START", "import glacial_lakes.__main__ as m; m.main()") for word in start
    ]
    scene = sample_data / "scenes" / PRODUCTS[0]
    done = subprocess.run(
        [sys.executable, *words, "scenes", str(scene)],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, canary.exists()) == (0, False), done.stderr


def test_a_checkout_that_is_worked_in_stays_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(doors.PACKAGE_HOME)
    assert doors.import_path([""]) == [str(doors.PACKAGE_HOME)]


LINKED = (
    '{"type": "FeatureCollection", "crs": CRS, "features": [{"type": "Feature", "properties": {},'
    ' "geometry": {"type": "Polygon", "coordinates": [[[74,42],[74.1,42],[74.1,42.1],[74,42]]]}}]}'
)


@pytest.mark.parametrize(
    "crs",
    [
        '{"type": "link", "properties": {"href": "ADDRESS"}}',
        '{"type":"URL","properties":{"url":"ADDRESS"}}',
        '{"properties": {"href": "ADDRESS", "type": "ogcwkt"}, "type": "link"}',
        '{"properties": {"a": {"b": 1}, "href": "ADDRESS"}, "type": "link"}',
        '{"x": 1, "type": "link", "properties": {"href": "ADDRESS"}}',
        '{"type": "lin\\u006b", "properties": {"href": "ADDRESS"}}',
    ],
)
def test_a_linked_crs_is_refused_and_nobody_is_asked(
    crs: str, requests: tuple[int, list[bytes]], tmp_path: Path
) -> None:
    port, seen = requests
    path = tmp_path / "lakes.geojson"
    url = f"http://127.0.0.1:{port}/crs"
    path.write_text(LINKED.replace("CRS", crs.replace("ADDRESS", url)), encoding="utf-8")
    with pytest.raises(UnsafeInputError, match="is a link"):
        vector.read_vector(path)
    assert seen == []


@pytest.mark.parametrize("name", ["Pulkovo 1942", "urn:ogc:def:crs:EPSG::999999", "28413"])
def test_a_geojson_that_names_an_unknown_crs_is_not_taken_for_degrees(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / "lakes.geojson"
    crs = json.dumps({"type": "name", "properties": {"name": name}})
    path.write_text(LINKED.replace("CRS", crs), encoding="utf-8")
    with pytest.raises(VectorError, match="which is not known: places may be off"):
        vector.read_vector(path)


@pytest.mark.parametrize(
    "name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "WGS 84", "urn:ogc:def:crs:EPSG::4326"]
)
def test_a_geojson_may_name_the_crs_that_it_has_anyway(name: str, tmp_path: Path) -> None:
    path = tmp_path / "lakes.geojson"
    crs = json.dumps({"type": "name", "properties": {"name": name}})
    path.write_text(LINKED.replace("CRS", crs), encoding="utf-8")
    assert vector.read_vector(path).total_bounds.tolist() == [74, 42, 74.1, 42.1]


def test_gdal_asks_nobody_while_a_file_is_read(
    requests: tuple[int, list[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector, "_refuse_linked_crs", lambda source: None)  # the door before
    port, seen = requests
    hidden = '{"\\u0074ype": "\\u006cink", "properties": {"\\u0068ref": "ADDRESS"}}'
    url = f"http://127.0.0.1:{port}/crs"
    path = tmp_path / "lakes.geojson"
    path.write_text(LINKED.replace("CRS", hidden.replace("ADDRESS", url)), encoding="utf-8")
    before = pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY")
    vector.read_vector(path)
    assert pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY") == before
    assert seen == []


def test_programs_of_the_package_are_offline_whatever_the_environment_says(
    requests: tuple[int, list[bytes]],
) -> None:
    port, seen = requests
    environment = {"PROJ_NETWORK": "ON", "no_proxy": "127.0.0.1", "GDAL_HTTP_PROXY": ""}
    doors.go_offline(environment)
    assert environment["PROJ_NETWORK"] == "OFF"
    ask = (
        "import pyogrio, pyproj, rasterio\n"
        "for read in (pyogrio.read_info, rasterio.open):\n"
        "    try:\n"
        f"        read('/vsicurl/http://127.0.0.1:{port}/x.tif')\n"
        "    except (OSError, RuntimeError):\n"
        "        pass\n"
        "assert not pyproj.network.is_network_enabled()\n"
    )
    inherited = {name: text for name, text in ENVIRONMENT.items() if name.lower() != "no_proxy"}
    subprocess.run([sys.executable, "-c", ask], env=inherited | environment, check=True)
    assert seen == []


@pytest.mark.parametrize(
    "content",
    [
        b"<!-- <kml --><OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>",
        b"<OGRWFSDataSource><URL>http://127.0.0.1:1/</URL><!-- <kml --></OGRWFSDataSource>",
        b"<gml:FeatureCollection xmlns:gml='x'><!-- <kml --></gml:FeatureCollection>",
        b'!table\n!version 300\nDefinition Table\n"\\IsSeamless" = "TRUE"\n',
    ],
)
def test_a_file_that_leads_elsewhere_is_no_vector_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "lakes.kml"
    path.write_bytes(content)
    with pytest.raises((UnsafeInputError, VectorError), match=r"refers to other|no vector file"):
        vector.read_vector(path)


def crash_hang_or_double(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGTERM)
    if number == 3:
        time.sleep(600)
    if number == 4:
        raise ValueError(number)
    return 2 * number


def test_of_calls_in_turn_one_that_fails_costs_only_itself() -> None:
    outcomes = [*in_turn(crash_hang_or_double, [1, 2, 3, 4, 5], seconds=1.0)]
    assert (outcomes[0], outcomes[4]) == (2, 10)
    kinds = [type(outcome) for outcome in outcomes[1:4]]
    assert kinds == [ResourceError, TimeLimitError, ValueError]


class OnlyThere:
    """What the process that makes it can read, and this one cannot, as a missing package does."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return read_only_there, (os.getpid(),)


def read_only_there(home: int) -> int:
    if home != os.getpid():
        raise ModuleNotFoundError("a package that only the other process has")
    return home


def only_there_or_double(number: int) -> object:
    return OnlyThere() if number == 2 else 2 * number


def test_an_answer_that_cannot_be_read_here_costs_only_itself() -> None:
    outcomes = [*in_turn(only_there_or_double, [1, 2, 3], seconds=20.0)]
    assert (outcomes[0], outcomes[2]) == (2, 6)
    assert isinstance(outcomes[1], ModuleNotFoundError)


def pid(_: object) -> int:
    return os.getpid()


def test_calls_in_turn_share_one_process() -> None:
    pids = {*in_turn(pid, range(5))}
    assert len(pids) == 1
    assert os.getpid() not in pids


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
@pytest.mark.parametrize("ending", ["_SR_B3.TIF", "_MTL.txt"])
def test_a_product_with_no_plain_file_is_refused_at_once(
    kind: str, ending: str, sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = shutil.copytree(sample_data / "scenes" / PRODUCTS[0], tmp_path / PRODUCTS[0])
    (part,) = product.glob(f"*{ending.replace('B3', 'B2')}")
    part.unlink()
    monkeypatch.chdir(product)  # the names of sockets must be short
    if kind == "pipe":
        os.mkfifo(part)
    elif kind == "device":
        part.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(part.name)
    with pytest.raises(UnsafeInputError, match="no plain file"):
        open_scene(product)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "link to a pipe", "link to nothing"])
@pytest.mark.parametrize(
    "name", ["p.tar", "p.zip", "p.tar.gz", "p.tgz", "p.SAFE", "p.tif", "p.jp2"]
)
def test_what_is_no_file_beside_products_is_told_and_never_waited_for(
    kind: str, name: str, sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = tmp_path / "scenes"
    shutil.copytree(sample_data / "scenes" / PRODUCTS[0], scenes / PRODUCTS[0])
    monkeypatch.chdir(scenes)  # the names of sockets must be short
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "device":
        Path(name).symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(name)
    else:
        if kind == "link to a pipe":
            os.mkfifo(tmp_path / "pipe")
        Path(name).symlink_to(tmp_path / "pipe")
    told: list[SceneRefused] = []
    assert [scene.id for scene in discover(scenes, told.append)] == [PRODUCTS[0]]  # type: ignore[arg-type]
    assert [event.path for event in told] == [str(scenes / name)]
    assert ("no plain file" in told[0].reason) == (kind != "link to nothing")


@pytest.mark.parametrize("kind", ["pipe", "copy"])
def test_metadata_that_strayed_beside_products_hide_none_of_them(
    kind: str, sample_data: Path, tmp_path: Path
) -> None:
    for name in PRODUCTS[:2]:
        shutil.copytree(sample_data / "scenes" / name, tmp_path / name)
    strayed = next((tmp_path / PRODUCTS[0]).glob("*_MTL.txt"))
    if kind == "copy":
        shutil.copy(strayed, tmp_path)
    elif hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / strayed.name)
    told: list[SceneRefused] = []
    found = discover(tmp_path, told.append)  # type: ignore[arg-type]
    assert sorted(scene.id for scene in found) == sorted(PRODUCTS[:2])
    assert [Path(event.path) for event in told] in ([tmp_path], [tmp_path / strayed.name])


@pytest.mark.parametrize("name", ["scene.zip", "scene.tar"])
def test_an_archive_of_any_name_that_cannot_be_listed_is_told(
    name: str, sample_data: Path, tmp_path: Path
) -> None:
    """It may be the product of a year; one that holds something else is left alone."""
    shutil.copytree(sample_data / "scenes" / PRODUCTS[0], tmp_path / PRODUCTS[0])
    (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(600))
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        archive.writestr("letter.txt", "")
    told: list[SceneRefused] = []
    assert len(discover(tmp_path, told.append)) == 1  # type: ignore[arg-type]
    assert [event.path for event in told] == [str(tmp_path / name)]


_GRID_CRS = (
    'GEOGCS["g",DATUM["d",SPHEROID["s",6378137,298],EXTENSION["PROJ4_GRIDS","/etc/passwd"]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'
)


@pytest.mark.parametrize(
    "name", ["aoi.gpkg", "aoi.shp", "aoi.fgb", "aoi.gdb", "aoi.geojson", "esri.geojson"]
)
@pytest.mark.filterwarnings("ignore:.*Float64:RuntimeWarning")
def test_a_crs_that_names_a_file_is_refused_before_that_file_is_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GDAL opens it when it lists the layers."""
    path = tmp_path / name
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.box(74, 42, 75, 43)], crs="EPSG:4326")
    if name == "esri.geojson":
        table = {
            "type": "x",
            "geometryType": "esriGeometryPoint",
            "spatialReference": {"wkt": _GRID_CRS},
            "features": [{"attributes": {"a": 1}, "geometry": {"x": 74, "y": 42}}],
        }
        path.write_text(json.dumps(table))
    elif name == "aoi.geojson":
        crs = {"type": "name", "properties": {"name": _GRID_CRS}}
        path.write_text(json.dumps({**frame.to_geo_dict(), "crs": crs}))
    elif name in {"aoi.fgb", "aoi.gdb"}:
        driver = "FlatGeobuf" if name == "aoi.fgb" else "OpenFileGDB"
        if driver not in pyogrio.list_drivers(write=True):
            pytest.skip(f"this GDAL writes no {driver}")
        frame.set_crs(_GRID_CRS, allow_override=True).to_file(path, driver=driver)
    else:
        frame.to_file(path)
    if name == "aoi.shp":
        path.with_suffix(".prj").write_text(_GRID_CRS)
    elif name == "aoi.gpkg":
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(
                "UPDATE gpkg_spatial_ref_sys SET definition = ?, organization = 'NONE' "
                "WHERE srs_id = 4326",
                (_GRID_CRS,),
            )
    for function in ("list_layers", "read_info"):
        monkeypatch.setattr(pyogrio, function, lambda *_, **__: pytest.fail("GDAL has it open"))
    for read in (vector.read_vector, vector.spatial_layers):
        with pytest.raises(UnsafeInputError, match="refers to another file, /etc/passwd"):
            read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
@pytest.mark.parametrize("name", ["aoi.gpkg", "aoi.geojson"])
def test_a_pipe_in_place_of_outlines_is_refused_at_once(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(UnsafeInputError, match="no plain file"):
        vector.read_vector(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes in the file system")
@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("a.shp", "a.cpg"),
        ("a.shp", "a.qix"),
        ("a.gpkg", "a.gpkg-journal"),
        ("a.gpkg", "a.gpkg-wal"),
    ],
)
def test_a_pipe_in_place_of_a_part_is_refused_and_not_waited_for(
    name: str, part: str, tmp_path: Path
) -> None:
    frame = gpd.GeoDataFrame(geometry=[shapely.box(74, 42, 75, 43)], crs="EPSG:4326")
    frame.to_file(tmp_path / name)
    (tmp_path / part).unlink(missing_ok=True)
    os.mkfifo(tmp_path / part)
    with pytest.raises(UnsafeInputError, match="no plain file"):
        vector.read_vector(tmp_path / name)


def test_an_archive_that_grows_beyond_bounds_is_not_unpacked(tmp_path: Path) -> None:
    packed = tmp_path / "LT05_bomb.tar.gz"
    with tarfile.open(packed, "w:gz", compresslevel=1) as archive:
        first = tarfile.TarInfo("bomb.bin")
        first.size = 1 << 40
        archive.addfile(first)  # the header suffices: what it holds is never reached
    zipped = tmp_path / "bomb.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.bin", bytes(100 << 20))
    for path in (packed, zipped):
        with pytest.raises(UnsafeInputError, match="would grow"):
            open_source(path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    link = zipfile.ZipInfo("L_MTL.txt")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeInputError, match="link"):
        open_source(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\5\6", b"PK\3\4" + bytes(60), bytes(range(3, 253, 5))]
)
@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz"])
def test_a_broken_archive_is_one_refusal(content: bytes, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DamagedFileError):
        open_source(path)


def test_discovery_with_limits_finds_what_it_finds_without(sample_data: Path) -> None:
    names = [str(sample_data / "scenes" / name) for name in PRODUCTS]
    events: list[Event] = []
    missing = str(sample_data / "scenes" / "missing.zip")
    found = discover([*names, missing], events.append, limits=LimitSettings())
    assert found == discover(names)
    (refused,) = events
    assert isinstance(refused, SceneRefused)
    assert "GL1002" in refused.reason


def test_the_limits_of_discovery_and_mapping_are_those_of_the_project(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    path.write_text(
        path.read_text(encoding="utf-8") + "\n[limits]\nopen_s = 7\nscene_s = 1\n", encoding="utf-8"
    )
    project = project_of(path)
    told = []

    def turn(function: object, items: list[Path], **limits: object) -> Iterator[object]:
        told.append(limits)
        return map(open_scene, items)

    monkeypatch.setattr("glacial_lakes.scenes.products.in_turn", turn)
    result = run(project, jobs=1)
    assert told == [{"seconds": 7.0, "memory_bytes": 2 * 10**9}]
    assert ["1 s" in event.reason for event in result.refused] == [True]


NAMES = [b"S2A_\xea\xee\xef\xe8\xff.zip", b"S2A_\x1b[2J\x1b]0;owned\x07.zip", b"S2A_a\nb.zip"]


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_a_product_of_any_name_is_a_row_that_can_be_read_by_people(
    make: Maker, tmp_path: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    for name in NAMES:
        place = os.fsencode(tmp_path / "scenes") + b"/" + name
        with open(place, "wb") as file:  # noqa: PTH123
            file.write(b"PK\5\6" + bytes(18))
    stray = os.fsencode(tmp_path / "scenes" / PRODUCTS[0]) + b"/\xea\x1b[2J.txt"
    with open(stray, "wb"):  # noqa: PTH123
        pass
    words = ["run", str(path), "--log-file", "run.log", "-vv"]
    done = subprocess.run(
        [sys.executable, "-m", "glacial_lakes", *words],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    told = [done.stdout, done.stderr, (tmp_path / "run.log").read_bytes()]
    told += [(tmp_path / "output" / name).read_bytes() for name in ("manifest.json", "report.html")]
    manifest = json.loads(told[3])
    named = [row["scene_id"] for row in manifest["scenes"]]
    assert {shown(os.fsdecode(name)) for name in NAMES} <= {*named}
    for text in told:
        assert not {*text} & ({*range(0x20)} - {*b"\t\r\n"})
        text.decode()
    assert b"\nb.zip" not in b"".join(told)


def test_what_is_no_text_is_shown_as_what_it_is() -> None:
    assert shown("a\x1b[2J\x9b\udcea\n\u2028b ü 湖") == r"a\x1b[2J\x9b\xea\x0a\u2028b ü 湖"
    assert shown("gpj.\u202elakes") == r"gpj.\u202elakes"  # turned round it reads as a picture
