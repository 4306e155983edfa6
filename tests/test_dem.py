"""An elevation model is an input like others: distrusted, and its voids are unknown ground."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import rasterio

from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    GridError,
    ImplausibleError,
    UnsafeInputError,
)
from glacial_lakes.grid import Grid
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene
from glacial_lakes.scenes.dem import examine, open_dem, read_heights
from glacial_lakes.terrain import read_terrain

LANDSAT = "LC08_L2SP_151030_20130903_20200904_02_T1"


@pytest.fixture(scope="module")
def whole() -> tuple[Any, dict[str, Any]]:
    with rasterio.open(Path(__file__).parents[1] / "sample_data" / "dem.tif") as dataset:
        return dataset.read(1), dict(dataset.profile)


@pytest.fixture(scope="module")
def grid(whole: tuple[Any, dict[str, Any]]) -> Grid:
    _, profile = whole
    return Grid(profile["crs"], profile["transform"], (profile["height"], profile["width"]))


def write(path: Path, heights: Any, profile: dict[str, Any], **tags: Any) -> Path:
    scale, unit = tags.pop("scale", None), tags.pop("unit", None)
    options = profile | {"dtype": heights.dtype.name} | tags
    with rasterio.open(path, "w", **options) as dataset:
        dataset.write(heights, 1)
        if scale:
            dataset.scales = (scale,)
        if unit:
            dataset.units = (unit,)
    return path


@pytest.mark.parametrize(
    ("mark", "tag", "kind"),
    [
        (-32768, -32768, "int16"),
        (-32768, None, "int16"),
        (-9999, None, "float32"),
        (0, None, "int16"),
        (np.nan, -9999, "float32"),
        (32767, None, "int16"),
        (8848, None, "int16"),
        (-3.4e38, None, "float32"),
    ],
)
def test_a_void_is_unknown_ground_however_it_is_marked(
    tmp_path: Path, whole: Any, grid: Grid, mark: float, tag: float | None, kind: str
) -> None:
    heights, profile = whole
    holed = heights.astype(kind)
    holed[100:140, 100:140] = mark
    path = write(tmp_path / "dem.tif", holed, profile, nodata=tag)
    found = read_heights(path, grid)
    hole = np.zeros(found.shape, bool)
    hole[100:140, 100:140] = True
    assert np.isnan(found[hole]).all()
    far = ~hole
    far[98:142, 98:142] = False
    np.testing.assert_allclose(found[far], heights.astype(kind)[far], atol=0.01)
    terrain = read_terrain(path, grid, 145.0, 30.0)
    row, col = (int(v) for v in ~terrain.grid.transform * (grid.bounds[0], grid.bounds[3]))
    inner = np.s_[-col + 105 : -col + 135, -row + 105 : -row + 135]
    assert np.isnan(terrain.illumination[inner]).all()
    assert np.nanmin(terrain.elevation_m) > 1000


def test_no_lake_is_lost_to_a_void(tmp_path: Path, whole: Any, sample_data: Path) -> None:
    """Lakes in it are judged as without an elevation model."""
    heights, profile = whole
    holed = heights.astype("float32")
    holed[50:250, 50:250] = -32768
    path = write(tmp_path / "dem.tif", holed, profile, nodata=-32768)
    scene = open_scene(sample_data / "scenes" / LANDSAT)
    ice = sample_data / "glaciers.gpkg"
    status = {
        name: map_lakes(scene, dem=dem, glaciers=ice).outlines["status"].value_counts()
        for name, dem in (("whole", sample_data / "dem.tif"), ("void", path), ("none", None))
    }
    assert status["void"].get("observed", 0) >= status["whole"]["observed"]
    assert status["void"].get("shadow", 0) <= status["whole"].get("shadow", 0)


@pytest.mark.parametrize(
    ("factor", "kind", "tags"),
    [
        (10, "uint16", {"scale": 0.1, "nodata": 0}),
        (100, "int32", {"scale": 0.01}),
        (1 / 0.3048, "float32", {"unit": "ft"}),
        (3937 / 1200, "float32", {"unit": "US survey foot"}),
        (10, "uint16", {"unit": "dm", "nodata": None}),
        (1, "float32", {"unit": "metre"}),
    ],
)
def test_tags_of_scale_and_unit_are_done(
    tmp_path: Path, whole: Any, grid: Grid, factor: float, kind: str, tags: dict[str, Any]
) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", (heights * factor).astype(kind), profile, **tags)
    np.testing.assert_allclose(read_heights(path, grid), heights, atol=0.15)
    assert examine(path) == ""


@pytest.mark.parametrize("factor", [1 / 0.3048, 10, 100])
def test_heights_in_another_unit_are_refused(
    tmp_path: Path, whole: Any, grid: Grid, factor: float
) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", (heights * factor).astype("float32"), profile)
    for ask in (examine, lambda dem: read_heights(dem, grid)):
        with pytest.raises(ImplausibleError, match="no ground has") as refusal:
            ask(path)
        assert "feet" in refusal.value.remedy


def test_low_ground_in_feet_is_too_steep(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    low = ((heights - 3000) / 0.3048).astype("float32")
    with pytest.raises(ImplausibleError, match="steeper"):
        read_terrain(write(tmp_path / "dem.tif", low, profile), grid)


def test_an_unknown_unit_is_refused(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    path = write(tmp_path / "dem.tif", heights, profile, unit="sazhen")
    with pytest.raises(ImplausibleError, match="sazhen"):
        read_heights(path, grid)


def test_a_cut_model_is_refused_in_one_line(tmp_path: Path, sample_data: Path, grid: Grid) -> None:
    content = (sample_data / "dem.tif").read_bytes()
    path = tmp_path / "dem.tif"
    refusals = 0
    for share in np.linspace(0.02, 0.95, 12):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(GlacialLakesError) as refusal:
            read_heights(path, grid)
        assert "dem.tif" in str(refusal.value)
        assert "\n" not in str(refusal.value)
        refusals += isinstance(refusal.value, DamagedFileError)
    assert refusals > 6


class Listener(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_error(404)

    do_HEAD = do_GET  # noqa: N815 (the name that the base class knows)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Listener.seen.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def hostile(port: int, canary: Path, size: str) -> dict[str, str]:
    band = (
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename>{}'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    head = f"<VRTDataset {size}><SRS>EPSG:32643</SRS>"
    raw = (
        '<VRTRasterBand dataType="Int16" band="1" subClass="VRTRawRasterBand"><SourceFilename>'
        f"{canary}</SourceFilename></VRTRasterBand></VRTDataset>"
    )
    url = f"http://127.0.0.1:{port}/x.tif"
    return {
        "vrt of the network": head + band.format(f"/vsicurl/{url}"),
        "vrt of a file": head + band.format(canary),
        "raw vrt": head + raw,
        "late vrt": "\n" * 3000 + head + band.format(canary),
        "wms": f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}</ServerUrl></Service></GDAL_WMS>',
        "wcs": f"<WCS_GDAL><ServiceURL>{url}</ServiceURL></WCS_GDAL>",
        "stacta": f'{{"type": "Feature", "stac_version": "1.0.0", "links": ["{url}"]}}',
        "text": "ncols 2\nnrows 2\n",
        "nothing": "",
    }


@pytest.mark.parametrize("name", hostile(0, Path("x"), ""))
def test_a_model_that_refers_to_others_is_refused_unread(
    tmp_path: Path, grid: Grid, port: int, sample_data: Path, name: str
) -> None:
    canary = tmp_path / "secret.tif"
    shutil.copy(sample_data / "dem.tif", canary)
    size = f'rasterXSize="{grid.shape[1]}" rasterYSize="{grid.shape[0]}"'
    path = tmp_path / "dem.tif"
    path.write_text(hostile(port, canary, size)[name], encoding="utf-8")
    with pytest.raises(GlacialLakesError) as refusal:
        read_heights(path, grid)
    assert str(path) in str(refusal.value)
    assert Listener.seen == []


@pytest.mark.parametrize("address", ["http://127.0.0.1/d.tif", "/vsicurl/http://x/d.tif"])
def test_an_address_is_no_model(grid: Grid, address: str) -> None:
    with pytest.raises(UnsafeInputError):
        read_heights(address, grid)


def test_what_lies_beside_a_model_moves_nothing(
    tmp_path: Path, sample_data: Path, grid: Grid
) -> None:
    path = tmp_path / "dem.tif"
    shutil.copy(sample_data / "dem.tif", path)
    before = read_heights(path, grid)
    (tmp_path / "dem.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32644</SRS><GeoTransform>0,30,0,0,0,-30</GeoTransform>"
        '<PAMRasterBand band="1"><Scale>2</Scale><NoDataValue>3190</NoDataValue></PAMRasterBand>'
        "</PAMDataset>",
        encoding="utf-8",
    )
    (tmp_path / "dem.tfw").write_text("30\n0\n0\n-30\n0\n0\n", encoding="utf-8")
    np.testing.assert_array_equal(read_heights(path, grid), before)


def test_a_model_without_a_place_is_refused(tmp_path: Path, whole: Any, grid: Grid) -> None:
    heights, profile = whole
    for lack in ({"crs": None}, {"transform": profile["transform"].rotation(10)}):
        path = write(tmp_path / "dem.tif", heights, profile | lack)
        with pytest.raises(GridError), open_dem(path):
            pass
