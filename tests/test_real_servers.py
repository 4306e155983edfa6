"""Servers that others wrote: nginx gives images, and PostgreSQL with pgstac is searched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from products import Products, larger
from real_servers import FAULTS, Nginx, nginx, pgstac, started
from shapely import box
from test_stac import found, project_of, touched_bytes

import glacial_lakes as gl
from glacial_lakes.errors import ConfigError, ResourceError
from glacial_lakes.scenes.remote import Access
from glacial_lakes.scenes.stac import open_item
from glacial_lakes.settings import StacSource
from glacial_lakes.simulate.stac import write_stac_item

pytestmark = pytest.mark.usefixtures("no_pause")

Started = Iterator[Any]


@pytest.fixture(scope="module")
def item(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an item whose images are 20 km wide, in blocks of 512 pixels."""
    folder = tmp_path_factory.mktemp("served")
    return write_stac_item(larger(products.scenes["2022"], 11), folder, block=512)


@pytest.fixture(scope="module")
def small(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stac_item(products.scenes["2022"], tmp_path_factory.mktemp("small"))


@pytest.fixture
def files(item: Path, small: Path) -> Started:
    with ExitStack() as stack:
        yield started(stack, lambda: nginx(item.parents[2]))


def on_server(item: Path, address: str, root: Path) -> dict[str, Any]:
    """Return an item with its images on a server."""
    content: dict[str, Any] = json.loads(item.read_text())
    place = item.parent.relative_to(root).as_posix()
    for asset in content["assets"].values():
        asset["href"] = f"{address}/{place}/{asset['href'].removeprefix('./')}"
    return content


def test_images_of_nginx_are_the_scene_and_asked_for_once(
    small: Path, files: Nginx, tmp_path: Path
) -> None:
    access = Access((files.host,), str(tmp_path / "kept"))
    content = on_server(small, files.url, small.parents[2])
    here = open_item(json.loads(small.read_text()), str(small), small.parent)
    there = open_item(content, "item", None, access)
    bands = list(here.bands)
    assert np.array_equal(there.read(bands), here.read(bands), equal_nan=True)
    assert {status for _, _, status, _ in files.requests} == {206}
    files.forget()
    again = open_item(content, "item", None, access)
    again.read(bands)
    assert files.requests == []


def test_an_area_of_a_tile_on_nginx_fetches_its_blocks_and_little_more(
    item: Path, files: Nginx, tmp_path: Path, here: None
) -> None:
    import rasterio

    with rasterio.open(item.parent / "B03.tif") as image:
        west, north, crs = image.bounds.left, image.bounds.top, image.crs.to_wkt()
    area = box(west + 7300, north - 14_100, west + 12_300, north - 9100)
    folder = tmp_path / "p"
    more = f'hosts = ["{files.host}"]\n[area]\naoi = "aoi.gpkg"'
    project = project_of(folder, '{ stac = "item.json" }', more)
    gpd.GeoSeries([area], crs=crs).to_file(folder / "aoi.gpkg")
    (folder / "item.json").write_text(json.dumps(on_server(item, files.url, item.parents[2])))
    result = gl.run(gl.read_project(project))
    assert (result.refused, result.n_lakes > 0) == ((), True)
    margin = area.buffer(160 + 20, join_style="mitre").bounds
    needed = sum(touched_bytes(band, margin) for band in item.parent.glob("*.tif"))
    assert 0 < files.sent <= 1.3 * needed


@pytest.mark.parametrize("fault", FAULTS)
def test_what_nginx_does_wrong_costs_the_scene_and_not_the_run(
    fault: str, small: Path, files: Nginx, tmp_path: Path, products: Products, here: None
) -> None:
    content = on_server(small, f"{files.url}/{fault}", small.parents[2])
    folder = tmp_path / "p"
    good = products.find("S2A_MSIL2A_2018*").as_posix()
    more = f'hosts = ["{files.host}"]\n[limits]\nwait_s = 1'
    project = gl.read_project(project_of(folder, f'"{good}", {{ stac = "item.json" }}', more))
    (folder / "item.json").write_text(json.dumps(content))
    result = gl.run(project)
    assert len(result.mapped) == 1
    assert len(result.refused) == 1
    assert "server" in result.refused[0].reason
    (folder / "item.json").write_text(json.dumps(on_server(small, files.url, small.parents[2])))
    assert len(gl.run(project).mapped) == 1  # another item: mapped now


# ---- a server that is searched ----


COLLECTION = {
    "type": "Collection",
    "stac_version": "1.0.0",
    "id": "sentinel-2-l2a",
    "description": "Simulated scenes",
    "license": "other",
    "extent": {
        "spatial": {"bbox": [[-180, -90, 180, 90]]},
        "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]},
    },
    "links": [],
}


@pytest.fixture(scope="module")
def searched(small: Path) -> Started:
    """Return the address of pgstac, and of nginx for the images of its one item."""
    with ExitStack() as stack:
        images = started(stack, lambda: nginx(small.parents[2]))
        content = on_server(small, images.url, small.parents[2])
        yield started(stack, lambda: pgstac([COLLECTION], [content])), images


def test_pgstac_is_searched_by_all_that_a_project_tells(searched: Any, tmp_path: Path) -> None:
    address, _ = searched
    hosts = (address.removeprefix("http://"),)
    for settings, count in (
        ({}, 1),
        ({"collections": ("sentinel-2-l2a",), "datetime": "2022-08-01/2022-08-31"}, 1),
        ({"datetime": "2021-08-01/2021-08-31"}, 0),
        ({"max_cloud_percent": -1.0}, 0),
        ({"filter": "eo:cloud_cover >= 0"}, 1),
        ({"filter": "eo:cloud_cover < 0"}, 0),
        ({"filter": "platform = 'sentinel-2b'", "collections": ("sentinel-2-l2a",)}, 1),
        ({"filter": "platform = 'sentinel-2a'"}, 0),
    ):
        assert len(found(StacSource(address, **settings), tmp_path, hosts)) == count, settings


def test_a_filter_that_pgstac_cannot_read_is_an_error(searched: Any, tmp_path: Path) -> None:
    address, _ = searched
    source = StacSource(address, filter="eo:cloud_cover <")
    with pytest.raises((ConfigError, ResourceError)):
        found(source, tmp_path, (address.removeprefix("http://"),))


def test_a_project_runs_on_pgstac_and_nginx(searched: Any, tmp_path: Path, here: None) -> None:
    address, images = searched
    hosts = json.dumps([address.removeprefix("http://"), images.host])
    source = f'{{ stac = "{address}", filter = "eo:cloud_cover < 90" }}'
    project = gl.read_project(project_of(tmp_path / "p", source, f"hosts = {hosts}"))
    plan = gl.explain(project)
    assert plan.fetched_bytes == plan.bytes > 0
    result = gl.run(project)
    assert (result.refused, result.n_lakes > 2) == ((), True)
    images.forget()
    assert gl.run(project).unchanged
    assert images.requests == []
