"""Items of STAC are the scenes of their products: here, on servers, and on those that misbehave."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, get_args

import geopandas as gpd
import makers
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from geopandas.testing import assert_geodataframe_equal
from products import Products, larger
from range_server import FAULTS, Log, range_server
from rasterio.windows import Window
from real_servers import rustac, started
from shapely import box

import glacial_lakes as gl
from glacial_lakes.errors import (
    ConfigError,
    DamagedFileError,
    GlacialLakesError,
    GridError,
    MetadataError,
    MissingFileError,
    ResourceError,
    UnknownProductError,
    UnsafeInputError,
)
from glacial_lakes.mapping.candidates import AROUND_PX
from glacial_lakes.mapping.read_mask import MARGIN_PX
from glacial_lakes.scenes.catalogues import find_items
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.scenes.raster import read_header
from glacial_lakes.scenes.remote import (
    PAGE,
    Access,
    describe,
    session_for,
    shown_address,
    signed,
    tidy,
)
from glacial_lakes.scenes.stac import PROVIDERS, open_item
from glacial_lakes.settings import StacSource
from glacial_lakes.simulate.stac import Keeper, write_catalogue, write_stac_item
from glacial_lakes.workflow.catalogues import KEPT_FOLDER

pytestmark = pytest.mark.usefixtures("no_pause")

KEEPERS: tuple[Keeper, ...] = get_args(Keeper)
BASELINES = ("03.01", "04.00", "05.09")


@pytest.fixture(scope="module")
def items(products: Products, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Path]:
    """Return one scene as each provider keeps it, by provider and baseline."""
    folder = tmp_path_factory.mktemp("items")
    made = {}
    for baseline in BASELINES:
        scene = products.scenes["2022"]
        taken = dataclasses.replace(scene.acquisition, baseline=baseline)
        scene = dataclasses.replace(scene, acquisition=taken)
        for keeper in KEEPERS:
            place = folder / f"{keeper}-{baseline}"
            made[keeper, baseline] = write_stac_item(scene, place, keeper)
    return made


@pytest.fixture(scope="module")
def safe(products: Products) -> gl.Scene:
    return gl.open_scene(products.find("S2B_MSIL2A_2022*"))


def opened(path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> gl.Scene:
    item = json.loads(path.read_text())
    if change is not None:
        change(item)
    return open_item(item, str(path), path.parent)


# ---- what the numbers mean ----


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize(
    ("keeper", "address", "is_told"),
    [
        ("earth-search", ".", True),
        ("earth-search", "https://sentinel-cogs.s3.us-west-2.amazonaws.com", True),
        ("planetary", "https://sentinel2l2a01.blob.core.windows.net", True),
        ("planetary", "gs://gcp-public-data-sentinel-2", True),
        ("copernicus", "https://eodata.dataspace.copernicus.eu", True),
        ("copernicus", ".", True),
        ("untold", "https://example.com", False),
        ("untold", ".", False),
    ],
)
def test_the_offset_is_right_or_refused_by_name(
    keeper: Keeper,
    address: str,
    is_told: bool,
    baseline: str,
    items: dict[Any, Path],
    safe: gl.Scene,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each cell of provider and baseline; told by nobody it is right only where there is none."""
    path = items[keeper, baseline]

    def here(url: str, access: Access) -> str:
        assert url.startswith("https://")
        return str(path.parent / url.rpartition("/")[2])

    monkeypatch.setattr("glacial_lakes.scenes.stac.describe", here)
    item = json.loads(path.read_text())
    for asset in item["assets"].values():
        asset["href"] = f"{address}/{asset['href'].removeprefix('./')}"
    root = path.parent if address == "." else None
    if not is_told and baseline >= "04.00":
        with pytest.raises(MetadataError, match=f"baseline {baseline} needs"):
            open_item(item, str(path), root, Access((), ""))
        return
    scene = open_item(item, str(path), root, Access((), ""))
    assert scene.provenance["contradictions"] == ()
    bands = list(scene.bands)
    assert np.nanmax(np.abs(scene.read(bands) - safe.read(bands))) < 1e-6
    assert np.array_equal(scene.read_quality(), safe.read_quality())
    assert (scene.sensor, scene.level, scene.grid) == (safe.sensor, safe.level, safe.grid)


def test_images_of_earth_search_without_its_property_are_refused(
    items: dict[Any, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their offset is listed whether it was undone or not."""
    path = items["earth-search", "05.09"]
    item = json.loads(path.read_text())
    del item["properties"]["earthsearch:boa_offset_applied"]
    for asset in item["assets"].values():
        asset["href"] = f"https://sentinel-cogs.s3.us-west-2.amazonaws.com/{asset['href'][2:]}"
    monkeypatch.setattr(
        "glacial_lakes.scenes.stac.describe",
        lambda url, access: str(path.parent / url.rpartition("/")[2]),
    )
    with pytest.raises(MetadataError, match="the offset of the reflectance is not told"):
        open_item(item, "x", None, Access((), ""))


def test_an_offset_that_is_listed_against_the_baseline_is_implausible(
    items: dict[Any, Path],
) -> None:
    def listed_as_none(item: dict[str, Any]) -> None:
        for asset in item["assets"].values():
            asset["raster:offset"] = 0.0

    wrong = opened(items["copernicus", "05.09"], listed_as_none)
    assert assess(wrong).verdict == "implausible"


def test_the_table_of_providers_tells_how_each_is_known() -> None:
    assert len({one.name for one in PROVIDERS}) == len(PROVIDERS) >= 4
    assert all(one.known_by and one.offset for one in PROVIDERS)


# ---- what an item tells ----


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda item: item["properties"].update(platform="sentinel-3b"), UnknownProductError, "3b"),
        (lambda item: item["properties"].pop("datetime"), MetadataError, "sensing time"),
        (lambda item: item["assets"].pop("green"), MetadataError, "green"),
        (lambda item: item["properties"].update({"proj:epsg": 32644}), GridError, "32644"),
        (lambda item: item["assets"]["green"].update(href="../../../etc/passwd.tif"),
         UnsafeInputError, "outside of its catalogue"),
        (lambda item: item["assets"]["green"].update(href="./B99.tif"), MissingFileError, "B99"),
        (lambda item: item["assets"]["green"].update(href="https://example.com/B03.tif"),
         UnsafeInputError, "lies on a server"),
        (lambda item: item.update(properties=None), MetadataError, "no item"),
        (lambda item: item.update(id="a/../b"), MetadataError, "name of the item"),
    ],
)  # fmt: skip
def test_what_an_item_does_not_tell_or_may_not_name_is_refused(
    change: Callable[[dict[str, Any]], None],
    error: type[GlacialLakesError],
    words: str,
    items: dict[Any, Path],
) -> None:
    with pytest.raises(error, match=words):
        opened(items["earth-search", "05.09"], change)


def test_an_image_of_another_format_is_not_opened(items: dict[Any, Path], tmp_path: Path) -> None:
    item = json.loads(items["earth-search", "05.09"].read_text())
    (tmp_path / "B03.tif").write_text("<VRTDataset/>")
    item["assets"] = {"green": {"href": "./B03.tif"}, "nir": {"href": "./B03.tif"}}
    with pytest.raises(UnsafeInputError, match="is not a TIFF file"):
        open_item(item, str(tmp_path / "item.json"), tmp_path)


def landsat_item(folder: Path, at: Path) -> dict[str, Any]:
    """Return an item of a Landsat product as USGS tells it: without factors, bands as numbers."""
    names = ("blue", "green", "red", "nir08", "swir16", "swir22")
    files = {name: f"SR_B{number}" for number, name in enumerate(names, 2)}
    files |= {"qa_pixel": "QA_PIXEL", "qa_radsat": "QA_RADSAT"}
    product = gl.open_scene(folder)
    assets = {
        key: {
            "href": Path(os.path.relpath(next(folder.glob(f"*_{file}.TIF")), at)).as_posix(),
            "type": "image/vnd.stac.geotiff; cloud-optimized=true",
            **({"eo:bands": [{"name": file, "common_name": key}]} if key in names else {}),
        }
        for key, file in files.items()
    }
    return {
        "type": "Feature",
        "id": f"{product.id}_SR",
        "collection": "landsat-c2l2-sr",
        "properties": {
            "datetime": product.acquired.isoformat(),
            "platform": "LANDSAT_8",
            "instruments": ["OLI", "TIRS"],
            "landsat:correction": "L2SP",
            "landsat:collection_number": "02",
            "landsat:wrs_path": "151",
            "landsat:wrs_row": "030",
            "view:sun_azimuth": product.sun_azimuth_deg,
            "view:sun_elevation": product.sun_elevation_deg,
            "proj:code": f"EPSG:{product.grid.crs.to_epsg()}",
        },
        "assets": assets,
    }


def test_landsat_has_the_factors_of_its_collection_where_none_are_listed(
    products: Products,
) -> None:
    folder = products.find("LC08*")
    item = landsat_item(folder, folder.parent)
    scene = open_item(item, str(folder.parent / "item.json"), folder.parent)
    product = gl.open_scene(folder)
    assert (scene.sensor, scene.level, scene.grid) == (product.sensor, "L2SP", product.grid)
    bands = list(scene.bands)
    np.testing.assert_allclose(scene.read(bands), product.read(bands), atol=1e-6)
    assert np.array_equal(scene.read_quality(), product.read_quality())
    item["properties"]["landsat:correction"] = "L1TP"
    with pytest.raises(MetadataError, match="scale of"):
        open_item(item, str(folder.parent / "item.json"), folder.parent)


def hls_item(product: Path, keeper: str, url: str) -> dict[str, Any]:
    """Return an item of HLS: as LP DAAC tells it, next to nothing, or the Planetary Computer."""
    assets = {
        path.stem.rpartition(".")[2]: {"href": f"{url}/{path.name}", "title": path.name}
        for path in sorted(product.glob("*.tif"))
    }
    scene = gl.open_scene(product)
    properties: dict[str, Any] = {"datetime": scene.acquired.isoformat(), "eo:cloud_cover": 7}
    collection = "HLSL30_2.0"
    if keeper == "planetary":
        collection = "hls2-l30"
        properties |= {"platform": "landsat-8", "instruments": ["oli"], "gsd": 30}
        # of tiles south of the equator it tells another CRS than the images
        properties |= {"proj:code": f"EPSG:{scene.grid.crs.to_epsg() + 100}"}
        properties |= {"view:sun_azimuth": scene.sun_azimuth_deg}
        properties |= {"view:sun_elevation": scene.sun_elevation_deg}
        for asset in assets.values():
            asset["type"] = "image/tiff; application=geotiff; profile=cloud-optimized"
    return {"type": "Feature", "id": product.name, "collection": collection,
            "properties": properties, "assets": assets}  # fmt: skip


@pytest.mark.parametrize("keeper", ["lpdaac", "planetary"])
@pytest.mark.parametrize("year", ["2013", "2018"])
def test_hls_of_a_server_is_the_scene_of_its_files(
    products: Products, tmp_path: Path, year: str, keeper: str
) -> None:
    """Its items tell no factors, and no satellite or one that its bands are not those of."""
    product = makers.write_hls(products.scenes[year], tmp_path / "here")
    here = gl.open_scene(product)
    there = tmp_path / "there" / product.name
    there.mkdir(parents=True)
    for path in product.glob("*.tif"):
        rasterio.shutil.copy(path, there / path.name, driver="COG", blocksize=128)
    if year == "2018":  # the wide near infrared, which is not that of the reader
        wide = there / f"{product.name}.B08.tif"
        wide.write_bytes((there / f"{product.name}.B12.tif").read_bytes())
    with range_server(there) as log:
        item = hls_item(product, keeper, log.url)
        if year == "2018":
            item["assets"]["B08"] = {"href": f"{log.url}/{product.name}.B08.tif"}
        access = Access((log.host,), str(tmp_path / "kept"), wait_s=2.0)
        scene = open_item(item, "https://example.com/item", None, access)
        bands = list(here.bands)
        assert np.array_equal(scene.read(bands), here.read(bands), equal_nan=True)
        assert np.array_equal(scene.read_quality(), here.read_quality())
    assert (scene.id, scene.sensor, scene.level, scene.grid, scene.acquired) == (
        here.id, here.sensor, here.level, here.grid, here.acquired
    )  # fmt: skip
    assert scene.provenance["granule"] == here.provenance["granule"]
    assert (scene.cloud_percent, assess(scene).verdict) == (7, assess(here).verdict)


# ---- catalogues ----


def found(source: StacSource, folder: Path, hosts: tuple[str, ...] = ()) -> list[str]:
    access = Access(hosts, str(folder / "kept"), wait_s=20.0, attempts=2)
    return [one.item["id"] for one in find_items(source, folder, access)]


def test_a_static_catalogue_is_searched_by_time_collection_clouds_and_place(
    items: dict[Any, Path],
) -> None:
    path = items["earth-search", "05.09"]
    folder = path.parents[1]
    write_catalogue(folder, [path])
    name = path.stem
    for settings, is_found in (
        ({}, True),
        ({"datetime": "2022-08-01/2022-08-31"}, True),
        ({"datetime": "2022"}, True),
        ({"datetime": "../2022-08-16"}, True),
        ({"datetime": "2022-08-17/.."}, False),
        ({"collections": ("sentinel-2-l2a",)}, True),
        ({"collections": ("landsat-c2-l2",)}, False),
        ({"max_cloud_percent": 100.0}, True),
        ({"max_cloud_percent": -1.0}, False),
    ):
        source = StacSource("catalog.json", **settings)
        assert found(source, folder) == ([name] if is_found else []), settings
    access = Access((), "")
    source = StacSource("catalog.json")
    assert len(find_items(source, folder, access, (74.0, 42.0, 76.0, 43.5))) == 1
    assert find_items(source, folder, access, (10.0, 42.0, 11.0, 43.5)) == []
    with pytest.raises(ConfigError, match="knows no filter"):
        found(StacSource("catalog.json", filter="a = 1"), folder)


@pytest.mark.parametrize(
    ("links", "error"),
    [
        ([{"rel": "child", "href": "../../secret.json"}], UnsafeInputError),
        ([{"rel": "child", "href": "https://example.com/catalog.json"}], UnsafeInputError),
        ([{"rel": "item", "href": "./gone.json"}], MissingFileError),
    ],
)
def test_a_link_never_leads_out_of_a_catalogue(
    links: list[dict[str, str]], error: type[GlacialLakesError], tmp_path: Path
) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "catalog.json").write_text(json.dumps({"type": "Catalog", "links": links}))
    with pytest.raises(error):
        found(StacSource("catalog.json"), folder)


def test_a_catalogue_that_links_to_itself_ends(tmp_path: Path) -> None:
    links = [{"rel": "child", "href": "./catalog.json"}]
    (tmp_path / "catalog.json").write_text(json.dumps({"type": "Catalog", "links": links}))
    assert found(StacSource("catalog.json"), tmp_path) == []


def project_of(folder: Path, scenes: str, more: str = "") -> Path:
    path = folder / "project.toml"
    folder.mkdir(exist_ok=True)
    path.write_text(f"[inputs]\nscenes = [{scenes}]\n{more}\n[export]\nformats = []\n")
    return path


def test_a_project_runs_on_a_static_catalogue(
    items: dict[Any, Path], tmp_path: Path, here: None
) -> None:
    path = items["copernicus", "05.09"]
    catalogue = write_catalogue(path.parents[1], [path])
    project = project_of(tmp_path / "p", f'{{ stac = "{catalogue.as_posix()}" }}')
    result = gl.run(gl.read_project(project))
    assert (result.refused, result.n_lakes > 2) == ((), True)
    assert gl.run(gl.read_project(project)).unchanged


@pytest.mark.parametrize(
    "scenes", ['{ stack = "x" }', "{ stac = 5 }", '{ stac = "x", datetime = 2020 }', "5"]
)
def test_what_is_no_source_of_scenes_is_told(scenes: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a list of texts, or of tables such as"):
        gl.read_project(project_of(tmp_path, scenes))


# ---- servers ----


@pytest.fixture
def server(items: dict[Any, Path]) -> Iterator[Log]:
    with range_server(items["earth-search", "05.09"].parents[1]) as log:
        yield log


def remote_item(path: Path, log: Log) -> dict[str, Any]:
    item = json.loads(path.read_text())
    for asset in item["assets"].values():
        asset["href"] = f"{log.url}/{path.parent.name}/{asset['href'].removeprefix('./')}"
    return item


@pytest.fixture
def access(server: Log, tmp_path: Path) -> Access:
    return Access((server.host,), str(tmp_path / "kept"), wait_s=0.8, attempts=2)


def test_an_item_on_a_server_is_the_same_scene(
    items: dict[Any, Path], server: Log, access: Access, safe: gl.Scene
) -> None:
    item = remote_item(items["earth-search", "05.09"], server)
    scene = open_item(item, "https://example.com/item", None, access)
    bands = list(scene.bands)
    assert np.nanmax(np.abs(scene.read(bands) - safe.read(bands))) < 1e-6
    server.forget()
    again = open_item(item, "https://example.com/item", None, access)
    again.read(bands)
    again.read_quality()
    assert server.requests == []


def test_a_host_that_is_not_allowed_is_never_asked(
    items: dict[Any, Path], server: Log, access: Access
) -> None:
    item = remote_item(items["earth-search", "05.09"], server)
    with pytest.raises(UnsafeInputError, match="which the project does not allow"):
        open_item(item, "x", None, dataclasses.replace(access, hosts=("example.com",)))
    assert server.requests == []
    with pytest.raises(UnsafeInputError, match="only https"):
        describe("http://example.com/a.tif", Access(("example.com",), access.folder))
    with pytest.raises(UnsafeInputError, match="only https"):
        describe("https://me:word@example.com/a.tif", Access(("example.com",), access.folder))


def test_a_server_that_sends_on_to_another_host_is_not_followed(
    items: dict[Any, Path], server: Log, access: Access, tmp_path: Path
) -> None:
    with range_server(tmp_path) as other:
        server.fault = other.url
        with pytest.raises(UnsafeInputError, match="does not allow"):
            open_item(remote_item(items["earth-search", "05.09"], server), "x", None, access)
        assert other.requests == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        *FAULTS,
        ("404", MissingFileError, "does not have it"),
        ("lie", DamagedFileError, "another file than before"),
        ("changed", DamagedFileError, "another file than before"),
    ],
)
def test_a_server_that_misbehaves_is_told_in_one_line(
    fault: str,
    error: type[GlacialLakesError],
    words: str,
    items: dict[Any, Path],
    server: Log,
    access: Access,
) -> None:
    item = remote_item(items["earth-search", "05.09"], server)
    scene = open_item(item, "x", None, access)
    for part in Path(access.folder).glob("*.pages"):
        part.write_bytes(part.read_bytes()[:1] + bytes(len(part.read_bytes()) - 1))
    server.fault = fault
    with pytest.raises(error, match=words):
        scene.read(["green"])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long was waited between requests, which here takes no time."""
    waited: list[float] = []
    monkeypatch.setattr("glacial_lakes.scenes.remote.time.sleep", waited.append)
    return waited


@pytest.mark.parametrize("asked", ["7", "date", "soon", ""])
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    asked: str, items: dict[Any, Path], server: Log, tmp_path: Path, pauses: list[float]
) -> None:
    """A part of an image, a document and a page of a search."""
    access = Access((server.host,), str(tmp_path / "kept"), wait_s=20.0)
    scene = open_item(remote_item(items["earth-search", "05.09"], server), "x", None, access)
    in_7_s = format_datetime(datetime.now(UTC) + timedelta(seconds=7.5), usegmt=True)
    asks = [in_7_s if asked == "date" else asked]
    asked_s = 7.0 if asked in ("7", "date") else 0.0
    server.answers = {"/catalog.json": json.dumps({"type": "Catalog"}).encode(), "/v1": b"{}"}
    for ask in (
        lambda: scene.read(["green"], Window(0, 0, 9, 9)),
        lambda: find_items(StacSource(f"{server.url}/catalog.json"), tmp_path, access),
        lambda: session_for(access).get(f"{server.url}/v1"),
    ):
        pauses.clear()
        server.busy = list(asks)
        ask()
        assert server.busy == []
        assert len(pauses) == 1
        assert asked_s - 1 <= pauses[0] <= asked_s + 1


def test_a_server_that_is_busy_for_longer_than_anybody_waits_is_asked_once(
    items: dict[Any, Path], server: Log, access: Access, pauses: list[float]
) -> None:
    scene = open_item(remote_item(items["earth-search", "05.09"], server), "x", None, access)
    server.forget()
    server.busy = ["3600"] * 9
    with pytest.raises(ResourceError, match="HTTP 429, busy for 3600 s"):
        scene.read(["green"], Window(0, 0, 9, 9))
    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("way", ["old", "chunked", "gzip"])
def test_an_answer_of_http_1_0_or_in_chunks_or_packed_is_read(
    way: str, items: dict[Any, Path], server: Log, access: Access, safe: gl.Scene
) -> None:
    server.fault = way
    scene = open_item(remote_item(items["earth-search", "05.09"], server), "x", None, access)
    assert np.nanmax(np.abs(scene.read(["green"]) - safe.read(["green"]))) < 1e-6


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_catalogue_that_drips_is_given_up(is_whole: bool, tmp_path: Path) -> None:
    (tmp_path / "catalog.json").write_text(json.dumps({"type": "Catalog", "links": ["x" * 999]}))
    with range_server(tmp_path) as log:
        log.fault, log.drips_all = "drip" if is_whole else "drip of headers", True
        access = Access((log.host,), str(tmp_path / "kept"), wait_s=0.3, attempts=1)
        for name in ("catalog.json", "v1"):
            with pytest.raises(ResourceError, match="does not answer as it should"):
                find_items(StacSource(f"{log.url}/{name}"), tmp_path, access)


def test_a_server_that_fails_costs_its_scene_and_not_the_run(
    items: dict[Any, Path], server: Log, tmp_path: Path, here: None, products: Products
) -> None:
    good = products.find("S2A_MSIL2A_2018*")
    item = remote_item(items["earth-search", "05.09"], server)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "item.json").write_text(json.dumps(item))
    server.fault, server.faulty = "500", "B08"
    project = project_of(
        tmp_path / "p",
        f'"{good.as_posix()}", {{ stac = "item.json" }}',
        f'hosts = ["{server.host}"]\n[limits]\nwait_s = 1',
    )
    result = gl.run(gl.read_project(project))
    assert len(result.mapped) == 1
    assert "HTTP 500" in result.refused[0].reason
    server.fault = ""
    result = gl.run(gl.read_project(project))
    assert result.refused == ()
    assert len(result.mapped) == 1
    assert len(result.reused) == 1
    server.forget()
    assert gl.run(gl.read_project(project)).unchanged
    assert server.requests == []
    assert (tmp_path / "p" / "output" / KEPT_FOLDER).is_dir()


def test_what_is_no_image_is_not_kept(items: dict[Any, Path], server: Log, access: Access) -> None:
    path = items["earth-search", "05.09"]
    there = open_item(remote_item(path, server), "item", None, access)
    server.fault, server.faulty = "noise", "B08"
    with pytest.raises(DamagedFileError, match=r"B08\.tif: is no image as its server gives it"):
        there.read(["nir"])
    server.fault = ""
    again = open_item(remote_item(path, server), "item", None, access)
    here = open_item(json.loads(path.read_text()), str(path), path.parent)
    np.testing.assert_array_equal(again.read(["nir"]), here.read(["nir"]))


@pytest.mark.parametrize("most", [3, 9, 15])
def test_an_address_that_expires_in_mid_run_costs_its_scene_and_gives_no_half_of_it(
    items: dict[Any, Path], server: Log, tmp_path: Path, here: None, products: Products, most: int
) -> None:
    good = products.find("S2A_MSIL2A_2018*")
    item = remote_item(items["earth-search", "05.09"], server)

    def mapped(name: str, most: int | None) -> Any:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "item.json").write_text(json.dumps(item))
        scenes = f'"{good.as_posix()}", {{ stac = "item.json" }}'
        project = project_of(tmp_path / name, scenes, f'hosts = ["{server.host}"]')
        server.forget()
        server.most = most
        return gl.run(gl.read_project(project))

    whole = mapped("whole", None)
    assert len(server.requests) > most
    expired = mapped("expired", most)
    assert "HTTP 403" in expired.refused[0].reason
    assert len(expired.mapped) == len(expired.refused) == 1
    again = mapped("expired", None)
    assert again.refused == ()
    assert len(server.requests) > 0
    lakes = [gl.open_inventory(one.output / "inventory.gpkg").lakes for one in (whole, again)]
    assert_geodataframe_equal(*lakes)


@pytest.mark.parametrize("damage", ["magic", "offsets", "entries"])
def test_a_tiff_whose_directory_lies_is_refused(
    damage: str, items: dict[Any, Path], access: Access, tmp_path: Path
) -> None:
    data = bytearray((items["earth-search", "05.09"].parent / "B03.tif").read_bytes())
    place = int.from_bytes(data[4:8], "little")
    if damage == "magic":
        data[:2] = b"ZZ"
    elif damage == "entries":
        data[place : place + 2] = b"\xff\xff"
    else:
        data[4:8] = (2**32 - 1).to_bytes(4, "little")
    (tmp_path / "B03.tif").write_bytes(data)
    with range_server(tmp_path) as log:
        allowed = dataclasses.replace(access, hosts=(log.host,))
        with pytest.raises(DamagedFileError):
            read_header(describe(f"{log.url}/B03.tif", allowed), "GTiff")


def test_only_the_blocks_that_a_window_touches_are_fetched(access: Access, tmp_path: Path) -> None:
    """A full tile, of which a part has numbers; what is fetched is what lies there, and pages."""
    edge, block = 10_980, 512
    path = tmp_path / "full.tif"
    numbers = np.random.default_rng(1).integers(1, 9000, (4 * block, 4 * block), np.uint16)
    with rasterio.open(
        path, "w", driver="GTiff", width=edge, height=edge, count=1, dtype="uint16",
        crs="EPSG:32643", transform=Affine(10, 0, 399960, 0, -10, 4800000), tiled=True,
        blockxsize=block, blockysize=block, compress="deflate", sparse_ok=True, nodata=0,
    ) as dataset:  # fmt: skip
        window = rasterio.windows.Window(block, block, *numbers.shape)
        dataset.write(numbers, 1, window=window)
    with range_server(tmp_path) as log:
        allowed = dataclasses.replace(access, hosts=(log.host,))
        described = describe(f"{log.url}/full.tif", allowed)
        from glacial_lakes.scenes.raster import open_raster

        part = rasterio.windows.Window(2 * block - 200, 2 * block - 100, 500, 500)
        with open_raster(described, "GTiff") as image:
            read = image.read(1, window=part)
            touched = image.parts(*((s.start, s.stop) for s in part.toslices()))
        assert np.array_equal(
            read, numbers[part.row_off - block :, part.col_off - block :][:500, :500]
        )
        needed = sum(end - start for start, end in touched)
        assert len(touched) == 4
        assert log.sent <= 1.3 * needed
        first = log.sent
        with open_raster(described, "GTiff") as image:
            image.read(1, window=part)
            assert log.sent == first
            image.read(1, window=rasterio.windows.Window(2 * block, 2 * block, 600, 100))
        assert log.sent > first
        asked = [range_ for _, range_ in log.requests]
        assert len(set(asked)) == len(asked)


def test_the_oldest_copies_are_removed_beyond_the_limit(
    items: dict[Any, Path], server: Log, access: Access
) -> None:
    open_item(remote_item(items["earth-search", "05.09"], server), "x", None, access)
    folder = Path(access.folder)
    count = len(list(folder.glob("*.tif")))
    tidy(folder, 10**9)
    assert len(list(folder.glob("*.tif"))) == count
    tidy(folder, 4 * PAGE)
    assert len(list(folder.glob("*.tif"))) < count
    tidy(folder, 0)
    assert [path.name for path in folder.iterdir()] == ["access.json"]


def test_addresses_of_azure_are_signed_by_the_library_of_their_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library itself, whose service of tokens is one of this computer."""
    library = pytest.importorskip("planetary_computer")
    monkeypatch.setattr(importlib.import_module("planetary_computer.sas"), "TOKEN_CACHE", {})
    store = "sentinel2l2a01.blob.core.windows.net"
    url, other = f"https://{store}/sentinel2-l2/B03.tif", "https://example.com/B03.tif"
    with range_server(tmp_path) as log:
        monkeypatch.setattr(library.settings.Settings.get(), "sas_url", f"{log.url}/token")
        allowed = Access((store, "planetarycomputer.microsoft.com"), str(tmp_path), attempts=2)
        path = "/token/sentinel2l2a01/sentinel2-l2"
        log.fault = "500"
        with pytest.raises(ResourceError, match=r"planetarycomputer.* does not answer"):
            signed(url, allowed)
        assert len(log.requests) == 2
        log.forget()
        token = {"msft:expiry": "2099-01-01T00:00:00Z", "token": "sig=abc"}
        log.answers[path] = json.dumps(token).encode()
        assert signed(url, dataclasses.replace(allowed, hosts=(store,))) == url
        assert signed(other, allowed) == other
        assert log.requests == []
        assert signed(url, allowed) == f"{url}?sig=abc"
        assert signed(url.replace("B03", "B08"), allowed).endswith("B08.tif?sig=abc")
        assert [asked for asked, _ in log.requests] == [path]
        assert shown_address(signed(url, allowed)) == url
        over, holds = (f"{url}?se={year}-01-01T00%3A00%3A00Z&sig=old" for year in (2020, 2099))
        assert signed(over, allowed) == f"{url}?sig=abc"
        assert signed(holds, allowed) == holds


# ---- how much is fetched, and what a plan says of it ----


def touched_bytes(path: Path, bounds: tuple[float, float, float, float]) -> int:
    """Return the bytes of the blocks of an image that touch a place, as GDAL tells them."""
    west, south, east, north = bounds
    with rasterio.open(path) as image:
        total = 0
        for (row, col), window in image.block_windows(1):
            left, bottom, right, top = image.window_bounds(window)
            if left < east and right > west and bottom < north and top > south:
                tag = image.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=1)
                total += int(tag or 0)
        return total


@pytest.fixture(scope="module")
def tile(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an item whose images are 20 km wide, in blocks of 512 pixels."""
    folder = tmp_path_factory.mktemp("tile")
    return write_stac_item(larger(products.scenes["2022"], 11), folder, block=512)


MARGIN_M = 10 * (MARGIN_PX + AROUND_PX) + 20
"""Ground beside an area that mapping looks at: lakes that may be wanted, what is around them, a
pixel of the bands of 20 m."""


def area_of(tile: Path, east_m: float, south_m: float) -> gpd.GeoSeries:
    """Return an area of 5 × 5 km in a tile, by where its upper left corner lies."""
    with rasterio.open(tile.parent / "B03.tif") as image:
        west, north, crs = image.bounds.left, image.bounds.top, image.crs.to_wkt()
    east, south = west + east_m, north - south_m
    return gpd.GeoSeries([box(east, south - 5000, east + 5000, south)], crs=crs)


def needed_bytes(tile: Path, area: gpd.GeoSeries, margin_m: float) -> int:
    """Return the bytes of all blocks that an area and a margin around it touch."""
    around = area.buffer(margin_m, join_style="mitre").total_bounds
    return sum(touched_bytes(band, tuple(around)) for band in tile.parent.glob("*.tif"))


def project_at(folder: Path, tile: Path, area: gpd.GeoSeries, log: Log) -> gl.Project:
    more = f'hosts = ["{log.host}"]\n[area]\naoi = "aoi.gpkg"'
    path = project_of(folder, '{ stac = "item.json" }', more)
    area.to_file(folder / "aoi.gpkg")
    (folder / "item.json").write_text(json.dumps(remote_item(tile, log)))
    return gl.read_project(path)


@pytest.mark.parametrize(
    "place_m",
    [
        pytest.param((7300, 9100), id="amid blocks"),
        pytest.param((10300, 5200), id="at the beginning of blocks"),
        pytest.param((4000, 4000), id="over four blocks"),
        pytest.param((10_000, 4900), id="with lakes at the edge of blocks, and the sun beyond it"),
        pytest.param((3738, 4677), id="with what is around lakes beyond the edge of blocks"),
        pytest.param((14_900, 14_900), id="at the edge of the image"),
    ],
)
def test_an_area_fetches_its_blocks_and_little_more_and_the_plan_says_how_much(
    place_m: tuple[int, int], tile: Path, tmp_path: Path, here: None
) -> None:
    area = area_of(tile, *place_m)
    with range_server(tile.parents[1]) as log:
        project = project_at(tmp_path / "p", tile, area, log)
        plan = gl.explain(project)
        opening = log.sent
        assert len(plan.scenes) == 1
        assert plan.bytes == plan.fetched_bytes > 0
        log.forget()
        result = gl.run(project)
        assert result.refused == ()
        assert result.mapped
        assert log.sent == pytest.approx(plan.bytes, rel=0.2)
        assert log.sent + opening <= 1.3 * needed_bytes(tile, area, MARGIN_M)
        log.forget()
        assert gl.explain(project).bytes == 0
        assert gl.run(project).unchanged
        assert log.requests == []


def test_the_plan_of_products_here_is_what_their_images_hold(
    products: Products, tmp_path: Path, call: Any
) -> None:
    landsat, safe = products.find("LC08*"), products.find("S2A_MSIL2A_2018*")
    path = project_of(tmp_path / "p", f'"{landsat.as_posix()}", "{safe.as_posix()}"')
    plan = gl.explain(gl.read_project(path))
    assert [scene.sensor for scene in plan.scenes] == ["LC08", "S2A"]
    for scene, folder, ending in zip(plan.scenes, (landsat, safe), ("TIF", "jp2"), strict=True):
        size = sum(image.stat().st_size for image in folder.rglob(f"*.{ending}"))
        assert 0.5 * size < scene.bytes <= size
    code, said, _ = call("run", path, "--plan", "--json")
    answer = json.loads(said)
    assert code == 0
    assert answer["bytes"] == plan.bytes
    assert not (tmp_path / "p" / "output").exists()


PEAK = """
import resource, sys
import glacial_lakes as gl
result = gl.run(gl.read_project(sys.argv[1]), jobs=1)
assert len(result.mapped) == 1, result.refused
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells the peak")
def test_the_plan_tells_the_memory_of_a_run(tile: Path, tmp_path: Path, here: None) -> None:
    with range_server(tile.parents[1]) as log:
        area = area_of(tile, 7300, 9100)
        gl.run(project_at(tmp_path / "compiled", tile, area, log), jobs=1)  # which takes memory
        plan = gl.explain(project_at(tmp_path / "p", tile, area, log), jobs=1)
        words = [sys.executable, "-c", PEAK, str(tmp_path / "p" / "project.toml")]
        told = subprocess.run(words, check=True, capture_output=True, text=True)
    assert int(told.stdout) == pytest.approx(plan.memory_bytes, rel=0.2)


# ---- servers that are searched ----


@pytest.fixture(scope="module")
def searched(tile: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a STAC server that knows one item, and no filter."""
    item = tmp_path_factory.mktemp("served") / "item.json"
    content = json.loads(tile.read_text())
    for name, asset in content["assets"].items():
        asset["href"] = f"https://example.com/{name}.tif"
    item.write_text(json.dumps(content))
    with ExitStack() as stack:
        yield started(stack, lambda: rustac(item))


def test_a_server_is_searched_by_time_and_collection(searched: str, tmp_path: Path) -> None:
    hosts = (searched.removeprefix("http://"),)
    for settings, count in (
        ({}, 1),
        ({"collections": ("sentinel-2-l2a",), "datetime": "2022-08-01/2022-08-31"}, 1),
        ({"datetime": "2021-08-01/2021-08-31"}, 0),
        ({"collections": ("landsat-c2-l2",)}, 0),
        ({"max_cloud_percent": -1.0}, 0),
    ):
        assert len(found(StacSource(searched, **settings), tmp_path, hosts)) == count, settings


def test_a_filter_that_a_server_does_not_know_is_an_error(searched: str, tmp_path: Path) -> None:
    hosts = (searched.removeprefix("http://"),)
    source = StacSource(searched, filter="eo:cloud_cover < 5")
    with pytest.raises(ConfigError, match="the server knows no filter"):
        found(source, tmp_path, hosts)


def test_a_server_that_is_not_allowed_or_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnsafeInputError, match="does not allow"):
        found(StacSource("https://example.com/v1"), tmp_path)
    with pytest.raises(ResourceError, match="does not answer"):
        found(StacSource("http://127.0.0.1:9/v1"), tmp_path, ("127.0.0.1:9",))


def test_a_server_whose_search_lies_on_another_host_is_not_followed(tmp_path: Path) -> None:
    with range_server(tmp_path) as log, range_server(tmp_path) as other:
        landing = {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "a",
            "description": "b",
            "conformsTo": ["https://api.stacspec.org/v1.0.0/core",
                           "https://api.stacspec.org/v1.0.0/item-search"],
            "links": [{"rel": "self", "href": f"{log.url}/v1"},
                      {"rel": "search", "href": f"{other.url}/v1/search", "method": "POST",
                       "type": "application/geo+json"}],
        }  # fmt: skip
        log.answers["/v1"] = json.dumps(landing).encode()
        with pytest.raises(UnsafeInputError, match="does not allow"):
            found(StacSource(f"{log.url}/v1"), tmp_path, (log.host,))
        assert other.requests == []
