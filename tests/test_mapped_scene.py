"""A mapped scene comes back from its file as it was, and outlines need no columns to be tracked."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from affine import Affine
from geopandas.testing import assert_geodataframe_equal, assert_geoseries_equal
from pyproj import Geod
from rasterio.crs import CRS

import glacial_lakes as gl
from glacial_lakes import schema
from glacial_lakes.coverage import CompleteCoverage, Coverage, DrawnCoverage, SceneCoverage, State
from glacial_lakes.errors import ConfigError, DamagedFileError, InputError, VectorError
from glacial_lakes.io.vector import spatial_layers
from glacial_lakes.mapping.mapped_scene import MappedScene, read_rivers

UTM = "EPSG:32643"
SURVEY = CompleteCoverage("survey 2020", datetime(2020, 8, 1, tzinfo=UTC), "S2A", 10.0)


def mask(shape: tuple[int, int] = (40, 50)) -> Coverage:
    states = np.random.default_rng(0).integers(0, len(State), shape).astype(np.uint8)
    grid = gl.Grid(CRS.from_string(UTM), Affine(10, 0, 500_000, 0, -10, 4_700_000), shape)
    acquired = datetime(2020, 8, 1, 5, 30, 12, 345_678, tzinfo=UTC)
    return Coverage.from_states(states, scene_id="S2A", acquired=acquired, sensor="S2A", grid=grid)


def drawn(*lakes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(lakes), crs=UTM)


def lake(x: float = 0.0, radius: float = 100.0) -> shapely.Polygon:
    return shapely.Point(500_200 + x, 4_699_800).buffer(radius)


@pytest.mark.parametrize(
    "coverage",
    [
        mask(),
        SURVEY,
        DrawnCoverage("hkh", datetime(2000, 9, 1), "", 30.0, extent=shapely.box(0, 0, 10, 10)),
    ],
    ids=lambda coverage: type(coverage).__name__,
)
@pytest.mark.parametrize("lakes", [0, 2])
def test_a_mapped_scene_comes_back_from_its_file(
    tmp_path: Path, coverage: SceneCoverage, lakes: int
) -> None:
    rows = drawn(*[lake(900.0 * n) for n in range(lakes)]).assign(status="observed", area_m2=3e4)
    scene = MappedScene(gpd.GeoDataFrame(schema.conform(rows, schema.MAPPED)), coverage)
    scene.to_file(tmp_path / "scene.gpkg")
    back = MappedScene.read(tmp_path / "scene.gpkg")
    assert back.coverage == coverage
    assert_geodataframe_equal(back.outlines, scene.outlines, check_like=True)
    assert set(back.outlines.geom_type) <= {"Polygon"}


def test_equal_scenes_give_equal_bytes_and_one_file_that_gdal_reads(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        path = tmp_path / name / "scene.gpkg"
        MappedScene(drawn(lake()), mask()).to_file(path)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert list(path.parent.iterdir()) == [path]
    assert len(digests) == 1
    assert [name for name, _ in pyogrio.list_layers(path)] == ["outlines", "coverage"]
    kept = pyogrio.read_dataframe(path, layer="coverage")
    assert kept["content"].item() == mask().tiff


def test_rivers_come_back_and_are_no_layer_that_anybody_must_choose_from(tmp_path: Path) -> None:
    path = tmp_path / "scene.gpkg"
    rivers = gpd.GeoSeries([lake(x, 20).buffer(0) for x in (0, 300)], crs=UTM)
    MappedScene(drawn(lake()), mask(), rivers).to_file(path)
    back = MappedScene.read(path)
    assert back.rivers is not None
    assert_geoseries_equal(back.rivers, rivers, check_index_type=False)
    assert_geoseries_equal(read_rivers(path), rivers, check_index_type=False)
    assert spatial_layers(path) == ["outlines"]
    MappedScene(drawn(lake()), mask(), rivers[:0]).to_file(path)  # over what had some
    assert read_rivers(path).empty
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE rivers SET content = x'00'")
    with pytest.raises(DamagedFileError, match="is no mapped scene"):
        read_rivers(path)


def test_what_is_no_mapped_scene_is_refused_in_one_line(tmp_path: Path) -> None:
    drawn(lake()).to_file(tmp_path / "bare.gpkg", layer="outlines")
    with pytest.raises(DamagedFileError, match=r"bare.gpkg: is no mapped scene"):
        MappedScene.read(tmp_path / "bare.gpkg")
    with pytest.raises(VectorError, match="does not exist"):
        MappedScene.read(tmp_path / "missing.gpkg")

    class Own:
        scene_id, sensor, acquired = "x", "S2A", datetime(2020, 8, 1)

        def observe(self, geometries: gpd.GeoSeries) -> pd.DataFrame:
            raise NotImplementedError

    with pytest.raises(InputError, match="class Own has no form in files"):
        MappedScene(drawn(lake()), Own()).to_file(tmp_path / "own.gpkg")
    with pytest.raises(ConfigError, match=r"own.shp: its ending names no format; use any of .gpkg"):
        MappedScene(drawn(lake()), Own()).to_file(tmp_path / "own.shp")
    assert not list(tmp_path.glob("own.*"))


def test_outlines_go_where_tables_go(sample_data: Path, tmp_path: Path) -> None:
    scene = gl.open_scene(next((sample_data / "scenes").glob("S2A_MSIL2A_2018*")))
    mapped = gl.map_lakes(scene, dem=sample_data / "dem.tif", min_area_m2=20_000)
    assert mapped.outlines.attrs == {}
    mapped.outlines.to_file(tmp_path / "lakes.gpkg")
    assert len(gpd.read_file(tmp_path / "lakes.gpkg")) == len(mapped.outlines) > 0
    pytest.importorskip("pyarrow")
    mapped.outlines.to_parquet(tmp_path / "lakes.parquet")
    back = gpd.read_parquet(tmp_path / "lakes.parquet")
    assert back["area_m2"].equals(mapped.outlines["area_m2"])


def test_a_mapped_scene_tells_itself_in_a_line_and_in_a_table() -> None:
    scene = MappedScene(drawn(lake(), lake(900)).assign(area_m2=31_000.0), SURVEY)
    assert repr(scene) == "<MappedScene survey 2020: S2A, 2020-08-01, 2 outlines, 0.062 km²>"
    odd = MappedScene(drawn(), CompleteCoverage("<b>", datetime(2020, 8, 1), "S2A"))
    assert "&lt;b&gt;" in odd._repr_html_()
    assert "0 outlines" in odd._repr_html_()


def test_polygons_without_areas_are_measured_on_the_ellipsoid_when_tracked() -> None:
    later = CompleteCoverage("survey 2022", datetime(2022, 8, 1, tzinfo=UTC), "S2A", 10.0)
    inventory = gl.track([MappedScene(drawn(lake()), SURVEY), MappedScene(drawn(lake()), later)])
    (in_degrees,) = drawn(lake()).to_crs(4326).geometry
    area, perimeter = Geod(ellps="WGS84").geometry_area_perimeter(in_degrees)
    rows = inventory.outlines
    assert rows["area_m2"].tolist() == pytest.approx([abs(area)] * 2, rel=1e-6)
    assert rows["perimeter_m"].tolist() == pytest.approx([perimeter] * 2, rel=1e-6)
    assert set(rows["status"]) == {"observed"}
    assert inventory.lakes["state"].tolist() == ["present"]


def test_polygons_without_areas_are_still_without_when_they_come_from_a_file(
    tmp_path: Path,
) -> None:
    scene = MappedScene(drawn(lake(), lake(900)).assign(note=["a", "b"]), SURVEY)
    scene.to_file(tmp_path / "scene.gpkg")
    back = MappedScene.read(tmp_path / "scene.gpkg")
    assert set(back.outlines.columns) == set(scene.outlines.columns)
    assert len(gl.track([back]).lakes) == len(gl.track([scene]).lakes) == 2
    assert "km²" not in repr(MappedScene(drawn(lake()).assign(area_m2=np.nan), SURVEY))
