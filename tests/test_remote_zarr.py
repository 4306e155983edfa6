"""Products in Zarr on a server are the scenes of those here, of which only parts are fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from geopandas.testing import assert_geodataframe_equal
from products import GREEN, LAYOUTS, Products, copied, larger
from range_server import FAULTS, Log, range_server
from shapely import box

import glacial_lakes as gl
from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    InputError,
    MissingFileError,
    UnsafeInputError,
)
from glacial_lakes.scenes.remote import Access
from glacial_lakes.scenes.stac import open_item
from glacial_lakes.simulate.eopf_zarr import Layout, write_eopf_zarr

zarr = pytest.importorskip("zarr")

pytestmark = pytest.mark.usefixtures("no_pause")


def item_of(product: Path, address: str) -> dict[str, Any]:
    """Return an item whose assets are parts of a product, as the catalogue of ESA has it."""
    kind = {"type": "application/vnd+zarr"}
    place = f"{address}/{product.name}"
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": product.stem,
        "collection": "sentinel-2-l2a",
        "geometry": None,
        "properties": {"datetime": "2022-08-16T05:56:49Z", "platform": "sentinel-2b"},
        "links": [],
        "assets": {
            "SR_10m": {"href": f"{place}/measurements/reflectance/r10m", **kind},
            "SCL_20m": {"href": f"{place}/conditions/mask/l2a_classification/r20m/scl", **kind},
            "product": {"href": place, **kind},
        },
    }


@pytest.fixture
def server(stores: dict[str, Path]) -> Iterator[Log]:
    with range_server(stores["v2"].parents[1]) as log:
        yield log


@pytest.fixture
def access(server: Log, tmp_path: Path) -> Access:
    return Access((server.host,), str(tmp_path / "kept"), wait_s=0.8, attempts=2)


def opened(layout: str, stores: dict[str, Path], server: Log, access: Access) -> gl.Scene:
    return open_item(item_of(stores[layout], f"{server.url}/{layout}"), "item", None, access)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_product_on_a_server_is_the_scene_of_the_one_here(
    layout: Layout, stores: dict[str, Path], server: Log, access: Access
) -> None:
    here = gl.open_scene(stores[layout])
    there = opened(layout, stores, server, access)
    assert (there.id, there.grid, there.sensor) == (here.id, here.grid, here.sensor)
    assert there.provenance["baseline"] == here.provenance["baseline"]
    bands = list(here.bands)
    assert np.array_equal(there.read(bands), here.read(bands), equal_nan=True)
    assert np.array_equal(there.read_quality(), here.read_quality())
    assert_geodataframe_equal(gl.map_lakes(there).outlines, gl.map_lakes(here).outlines)
    server.forget()
    again = opened(layout, stores, server, access)
    again.read(bands)
    again.read_quality()
    asked = [path for path, _ in server.requests]
    assert not [path for path in asked if (server.root / path[1:]).exists()]
    if layout == "v2":  # whose documents the root tells
        assert asked == []


def test_a_static_catalogue_may_name_a_product_beside_it(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    product = copied(stores["sharded"], tmp_path)
    (tmp_path / "item.json").write_text(json.dumps(item_of(product, ".")))
    scene = open_item(item_of(product, "."), str(tmp_path / "item.json"), tmp_path)
    assert scene.path == str(product)
    assert scene.provenance["product"] == "eopf_zarr"
    with pytest.raises(UnsafeInputError, match="outside of its catalogue"):
        open_item(item_of(product, ".."), str(tmp_path / "item.json"), tmp_path)


def test_only_the_chunks_of_a_window_are_fetched_and_that_is_foretold(
    products: Products, tmp_path: Path
) -> None:
    """Of shards, too: an area of 5 km in an image of 20 km, in chunks of 2.6 km."""
    from rasterio.windows import Window

    from glacial_lakes.scenes.raster import ZARR, open_raster

    scene = larger(products.scenes["2022"], 11)
    product = write_eopf_zarr(scene, tmp_path / "s", "sharded", chunk=256, shard=1024)
    with range_server(tmp_path / "s") as log:
        access = Access((log.host,), str(tmp_path / "kept"))
        there = open_item(item_of(product, log.url), "item", None, access)
        band = there.bands["green"]
        window = Window(700, 300, 500, 500)
        spans = tuple((part.start, part.stop) for part in window.toslices())
        with open_raster(band.path, ZARR) as array:
            numbers = array.touched(*spans)
            foretold = array.lacking_bytes(numbers, 1)
            log.forget()
            read = array.read(1, window=window)
            assert log.sent == foretold > 0
            assert array.lacking_bytes(numbers, 1) == 0
        here = zarr.open_array(product / GREEN, mode="r")
        assert np.array_equal(read, here[300:800, 700:1200])
        files = [path for path in (product / GREEN / "c").rglob("*") if path.is_file()]
        share = len(numbers) / (-(-here.shape[0] // 256) * -(-here.shape[1] // 256))
        assert log.sent < 1.3 * share * sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("layout", ["v2", "sharded"])
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [*FAULTS, ("more", DamagedFileError, "more than")],
)
def test_a_server_that_misbehaves_is_told_in_one_line(
    fault: str,
    error: type[GlacialLakesError],
    words: str,
    layout: str,
    stores: dict[str, Path],
    server: Log,
    access: Access,
) -> None:
    scene = opened(layout, stores, server, access)
    server.fault, server.faulty = fault, GREEN
    with pytest.raises(error, match=words) as caught:
        scene.read(["green"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", ["v2", "sharded"])
def test_a_chunk_that_is_none_is_not_kept(
    layout: str, stores: dict[str, Path], server: Log, access: Access
) -> None:
    scene = opened(layout, stores, server, access)
    server.fault, server.faulty = "noise", f"{GREEN}/{'c/0/' if layout == 'sharded' else '0.'}"
    with pytest.raises((DamagedFileError, UnsafeInputError)):
        scene.read(["green"])
    server.fault = ""
    here = gl.open_scene(stores[layout])
    again = opened(layout, stores, server, access)
    assert np.array_equal(again.read(["green"]), here.read(["green"]), equal_nan=True)


def test_a_chunk_that_a_server_does_not_have_was_not_observed(
    stores: dict[str, Path], server: Log, access: Access
) -> None:
    """As Zarr has it; one that it refuses to give is an error."""
    scene = opened("v2", stores, server, access)
    server.fault, server.faulty = "404", f"{GREEN}/0.0"
    green = scene.read(["green"])[0]
    assert np.isnan(green[:64, :64]).all()
    assert np.isfinite(green[64:, 64:]).any()


def test_a_server_that_refuses_what_it_does_not_have_is_understood(
    stores: dict[str, Path], server: Log, access: Access
) -> None:
    """Stores without a right to list answer 403 where others answer 404."""
    server.fault, server.faulty = "403", "zarr.json"
    assert opened("v2", stores, server, access).sensor == "S2B"
    with pytest.raises(MissingFileError, match="refuses it"):
        opened("sharded", stores, server, access)


def test_what_a_server_says_of_codecs_is_not_believed(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    product = copied(stores["v3"], tmp_path)
    document = product / GREEN / "zarr.json"
    content = json.loads(document.read_text())
    content["codecs"] = [{"name": "numcodecs.pickle", "configuration": {}}]
    document.write_text(json.dumps(content))
    with range_server(tmp_path) as log:
        access = Access((log.host,), str(tmp_path / "kept"))
        with pytest.raises(UnsafeInputError, match="pickle"):
            open_item(item_of(product, log.url), "item", None, access)
        bomb = b"\x28\xb5\x2f\xfd\xe0" + (2**40).to_bytes(8, "little") + bytes(8)
        content["codecs"] = json.loads((stores["v3"] / GREEN / "zarr.json").read_text())["codecs"]
        document.write_text(json.dumps(content))
        for chunk in (product / GREEN / "c").rglob("*"):
            if chunk.is_file():
                chunk.write_bytes(bomb)
        access = Access((log.host,), str(tmp_path / "kept anew"))
        scene = open_item(item_of(product, log.url), "item", None, access)
        with pytest.raises(UnsafeInputError, match="unpack"):
            scene.read(["green"])


def test_a_run_reads_it_keeps_it_and_plans_it(
    products: Products, tmp_path: Path, here: None
) -> None:
    scene = larger(products.scenes["2022"], 5)
    product = write_eopf_zarr(scene, tmp_path / "s", "sharded", chunk=512, shard=1024)
    with range_server(tmp_path / "s") as log:
        west, north = scene.grid.transform.c, scene.grid.transform.f
        area = box(west + 1500, north - 3600, west + 3600, north - 1500)
        gpd.GeoSeries([area], crs=scene.grid.crs.to_wkt()).to_file(tmp_path / "aoi.gpkg")
        (tmp_path / "item.json").write_text(json.dumps(item_of(product, log.url)))
        (tmp_path / "project.toml").write_text(
            f'[inputs]\nscenes = [{{ stac = "item.json" }}]\nhosts = ["{log.host}"]\n'
            '[area]\naoi = "aoi.gpkg"\n[export]\nformats = []\n'
        )
        project = gl.read_project(tmp_path / "project.toml")
        plan = gl.explain(project)
        log.forget()
        result = gl.run(project)
        assert (result.refused, len(result.mapped)) == ((), 1)
        assert log.sent == pytest.approx(plan.bytes, rel=0.2)
        assert plan.scenes[0].is_remote
        log.forget()
        assert gl.run(project).unchanged
        assert [path for path, _ in log.requests if (log.root / path[1:]).is_file()] == []


def test_an_item_in_hand_is_a_scene(stores: dict[str, Path], server: Log, tmp_path: Path) -> None:
    pystac = pytest.importorskip("pystac")
    item = item_of(stores["v2"], f"{server.url}/v2")
    there = {"hosts": [server.host], "folder": tmp_path / "kept"}
    expected = gl.open_scene(stores["v2"]).read(["green"])
    for form in (item, pystac.Item.from_dict(item)):
        scene = gl.Scene.from_stac(form, **there)
        assert np.array_equal(scene.read(["green"]), expected, equal_nan=True)
    with pytest.raises(UnsafeInputError, match="tell where what is fetched is kept"):
        gl.Scene.from_stac(item, hosts=[server.host])
    with pytest.raises(UnsafeInputError, match="which the project does not allow"):
        gl.Scene.from_stac(item, folder=tmp_path / "kept")
    with pytest.raises(InputError, match="item is given as str"):
        gl.Scene.from_stac("item.json")
    local = copied(stores["v2"], tmp_path)
    path = tmp_path / "item.json"
    path.write_text(json.dumps(item_of(local, ".")))
    assert gl.Scene.from_stac(pystac.Item.from_file(path)).path == str(local)
