"""Type by outline age, contact, volume, floods: hand-computed figures and surveyed lakes."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from sample_inventory import make_inventory
from test_catchment import crater, round_lake, write_dem
from test_inventory import X0, Y0, _tables

from glacial_lakes import measures, schema
from glacial_lakes.inventory import attributes
from glacial_lakes.inventory.build import track
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.measures import registry
from glacial_lakes.measures.flood import PEAK_RELATIONS
from glacial_lakes.measures.volume import MIN_RELATIONS, SCATTER_FACTOR, VOLUME_RELATIONS

VOLUME_COLUMNS = [
    f"{name}{part}_{unit}"
    for name, unit in (("mean_depth", "m"), ("volume", "m3"))
    for part in ("_low", "", "_high")
]


def volumes_of(*areas: float) -> pd.DataFrame:
    return measures.volumes(pd.Series(areas, dtype=float))


@pytest.mark.parametrize(
    ("name", "area", "volume"),
    [  # computed by hand from the papers' equations
        ("Evans 1986", 1e5, 1.10680e6),
        ("Huggel 2002", 1e5, 1.30928e6),
        ("Huggel 2002", 1e6, 3.44376e7),
        ("Sakai 2012", 1e6, 4.324e7),
        ("Cook & Quincey 2015", 1e5, 1.41182e6),
        ("Kapitsa 2017", 1e5, 1.01462e6),
    ],
)
def test_a_relation_gives_the_volume_of_its_paper(name: str, area: float, volume: float) -> None:
    relation = next(relation for relation in VOLUME_RELATIONS if relation.name == name)
    assert relation.volume_m3(np.array([area]))[0] == pytest.approx(volume, rel=1e-4)


def test_a_volume_is_the_median_of_the_relations_within_their_widened_range() -> None:
    row = volumes_of(1e5).iloc[0]
    assert row["volume_m3"] == pytest.approx(43.24e6 * 0.1**1.5307, rel=1e-9)
    assert row["volume_low_m3"] == pytest.approx(1.01462e6 / SCATTER_FACTOR, rel=1e-4)
    assert row["volume_high_m3"] == pytest.approx(1.41182e6 * SCATTER_FACTOR, rel=1e-4)
    assert row["mean_depth_m"] == pytest.approx(row["volume_m3"] / 1e5)


@pytest.mark.parametrize(
    ("lake", "area_m2", "surveyed_m3"),
    [  # Haritashya et al. (2018): sonar of 2014 and 2015, areas of 2017
        ("Imja", 1.33e6, 78.4e6),
        ("Lower Barun", 1.79e6, 112.3e6),
    ],
)
def test_the_interval_holds_surveyed_volumes(lake: str, area_m2: float, surveyed_m3: float) -> None:
    row = volumes_of(area_m2).iloc[0]
    assert row["volume_low_m3"] < surveyed_m3 < row["volume_high_m3"], lake


@pytest.mark.parametrize("area", [0.0, 1.9e3, 9.9e3, 6.01e6, 1e9, np.nan])
def test_outside_of_the_fitted_range_there_is_no_volume(area: float) -> None:
    assert volumes_of(area).isna().all(axis=None)


def test_fewer_than_three_relations_give_no_volume() -> None:
    area = pd.Series([1e5])
    assert MIN_RELATIONS == 3
    assert measures.volumes(area, VOLUME_RELATIONS[:2]).isna().all(axis=None)
    assert measures.volumes(area, VOLUME_RELATIONS[:3]).notna().all(axis=None)


@given(
    st.lists(st.floats(1.0e4, 6.0e6), min_size=2, max_size=30).map(sorted),
)
def test_larger_lakes_hold_more_also_where_a_relation_ends(areas: list[float]) -> None:
    found = volumes_of(*areas)
    assert found.notna().all(axis=None)
    assert (found["volume_m3"].diff().dropna() >= 0).all()
    assert (found["volume_low_m3"] < found["volume_m3"]).all()
    assert (found["volume_m3"] < found["volume_high_m3"]).all()
    peaks = measures.peak_discharges(found["volume_low_m3"], found["volume_high_m3"])
    for mechanism in ("breach", "ice"):
        low, high = (peaks[f"peak_{mechanism}_{end}_m3_s"] for end in ("low", "high"))
        assert (low < high).all()
        assert (low.diff().dropna() >= 0).all()


def test_the_index_is_kept_and_missing_stays_missing() -> None:
    area = pd.Series([1e5, None, 5e5], index=["c", "a", "b"], dtype="Float64")
    found = measures.volumes(area)
    peaks = measures.peak_discharges(found["volume_low_m3"], found["volume_high_m3"])
    flood = measures.potential_flood(area, pd.Series([5.0, 5.0, None], index=area.index))
    for table in (found, peaks, flood):
        assert table.index.to_list() == ["c", "a", "b"]
        assert table.loc["a"].isna().all()
    assert flood.loc["b"].isna().all()


@pytest.mark.parametrize(
    ("name", "volume", "peak"),
    [  # computed by hand from the papers' equations
        ("Clague & Mathews 1973", 1e6, 75.0),
        ("Walder & Costa 1996, tunnel", 1e6, 46.0),
        ("Walder & Costa 1996, breach", 1e6, 1100.0),
        ("Walder & Costa 1996, tunnel", 5e8, 2780.0),
        ("Haeberli 1983, t = 1000 s", 1e6, 1000.0),
        ("Haeberli 1983, t = 2000 s", 1e6, 500.0),
        ("Evans 1986", 1e6, 1089.7),
        ("Popov 1991", 1e6, 1140.9),
        ("Huggel 2002", 1e6, 2000.0),
        ("Huggel 2004", 1e6, 973.8),
        ("Huggel 2004", 2e7, math.nan),
    ],
)
def test_a_relation_gives_the_peak_of_its_paper(name: str, volume: float, peak: float) -> None:
    relation = next(relation for relation in PEAK_RELATIONS if relation.name == name)
    found = relation.peak_m3_s(np.array([volume]))[0]
    assert found == pytest.approx(peak, rel=1e-3, nan_ok=True)


def test_the_range_for_ice_dams_holds_a_measured_flood() -> None:
    """Hazard Lake 1978: 19.62 million m³ through a tunnel, about 640 m³/s (Clarke 1982)."""
    volume = pd.Series([19.62e6])
    row = measures.peak_discharges(volume, volume).iloc[0]
    assert row["peak_ice_low_m3_s"] < 640 < row["peak_ice_high_m3_s"]


def test_a_potential_flood_is_the_area_times_the_smaller_of_depth_and_height() -> None:
    area, height = pd.Series([1e6, 1e6, 1e6]), pd.Series([20.0, 300.0, 0.0])
    found = measures.potential_flood(area, height)
    middle = found.mean(axis=1)
    assert middle.tolist() == pytest.approx([20e6, 55e6, 0.0])
    assert found.iloc[0].tolist() == pytest.approx([0.74 * 20e6, 1.26 * 20e6])


@pytest.mark.parametrize(
    ("column", "told", "year"),
    [
        ("src_date", "2003-07-30T00:00:00", 2003),  # RGI 7
        ("BgnDate", "19980813", 1998),  # RGI 6
        ("BGNDATE", "20030799", 2003),  # RGI 4, day not known
        ("BgnDate", "-9999999", None),
        ("src_date", None, None),
        ("name", "2003", None),
    ],
)
def test_the_year_of_a_glacier_outline_is_read(
    column: str, told: str | None, year: int | None
) -> None:
    table = gpd.GeoDataFrame({column: [told]}, geometry=[shapely.Point(0, 0)], crs=4326)
    found = measures.glacier_years(table).iloc[0]
    assert pd.isna(found) if year is None else found == year


def test_years_of_real_outlines(data: Path) -> None:
    folder = data / "oggm_rgi_dem"
    for name, year in (("rgi7/rgi7g_hef.shp", 2003), ("RGI60-14.03439/RGI60-14.03439.shp", 1998)):
        assert set(measures.glacier_years(gpd.read_file(folder / name))) == {year}


@pytest.mark.parametrize(
    ("outline_year", "image_year", "types"),
    [
        (2019, 2021, ["supraglacial", "ice-contact", "unconnected", "unconnected"]),
        (2000, 2021, ["unknown", "ice-contact", "unconnected", "unconnected"]),
        (None, 2021, ["unknown", "ice-contact", "unconnected", "unconnected"]),
        (2019, 1990, ["supraglacial", "ice-contact", "unknown", "unconnected"]),
    ],
)
def test_a_type_is_told_only_where_the_age_of_the_outlines_allows_it(
    outline_year: int | None, image_year: int, types: list[str]
) -> None:
    ice = gpd.GeoDataFrame(
        {"src_date": [f"{outline_year}-08-01" if outline_year else None]},
        geometry=[shapely.box(0, 0, 5000, 2000)],
        crs=32643,
    )
    lakes = [
        shapely.box(2000, 500, 2200, 700),  # on the glacier
        shapely.box(5030, 500, 5200, 700),  # 30 m from it
        shapely.box(5400, 500, 5600, 700),
        shapely.box(8000, 500, 8200, 700),
    ]
    acquired = pd.Series([pd.Timestamp(f"{image_year}-08-20", tz="UTC")] * 4)
    found = measures.relation_to_glaciers(gpd.GeoSeries(lakes, crs=32643), ice, acquired, 50.0)
    assert found["lake_type"].tolist() == types
    assert found["glacier_year"].isna().all() == (outline_year is None)


def test_contact_is_the_shore_at_the_glacier_as_an_interval() -> None:
    west, north = 500_000.0, 4_700_000.0  # where the projection keeps lengths, but for 0.04 %
    ice = gpd.GeoDataFrame(
        {"rgi_id": ["one", "two"]},
        geometry=[
            shapely.box(west - 900, north, west, north + 200),
            shapely.box(west - 900, north + 200, west, north + 600),
        ],
        crs=32643,
    )
    lakes = [
        shapely.box(west, north + 50, west + 400, north + 350),  # shares 300 m of shore with both
        shapely.box(west + 30, north + 50, west + 400, north + 350),  # a gap of 30 m
        shapely.box(west + 60, north + 50, west + 400, north + 350),
        shapely.box(west - 500, north + 50, west - 200, north + 150),  # on the ice
    ]
    found = measures.glacier_contact(gpd.GeoSeries(lakes, crs=32643), ice, 50.0)
    assert found["glacier_contact_low_m"].tolist() == pytest.approx([300, 0, 0, 800], rel=1e-3)
    high = [300 + 2 * 50, 300 + 2 * 20, 0, 800]
    assert found["glacier_contact_high_m"].tolist() == pytest.approx(high, rel=1e-3)


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    """A DEM around the five lakes of the tables, falling to the south."""
    return write_dem(tmp_path / "dem.tif", lambda east, north: 3500 + 0.3 * north + 0 * east, 9000)


def moved_tables() -> list[MappedScene]:
    """The five lakes of the inventory tests, moved to the middle of the DEMs here."""
    tables = _tables()
    for one in tables:
        moved = one.outlines.translate(460_000 - X0 - 1800, 4_720_000 - Y0)
        one.outlines.geometry = moved
    return tables


def test_an_inventory_has_the_attributes_of_lakes_that_are_present(ground: Path) -> None:
    lakes = track(moved_tables(), dem=ground).lakes
    present = lakes["state"] == "present"
    assert (~present).sum() == 1
    told = ["volume_m3", "peak_breach_high_m3_s", "front_angle_deg", "downstream_slope_deg"]
    assert lakes.loc[present, told].notna().all(axis=None)
    names = [column.name for column in schema.ATTRIBUTES]
    assert lakes.loc[~present, names].isna().all(axis=None)
    # The DEM has the lakes on a ramp: their level is that of the middle, a radius from the shore.
    radius = np.sqrt(lakes.loc[present, "area_m2"] / math.pi)
    slope = np.degrees(np.arctan(0.3 * (1000 + radius) / 1000)).tolist()
    assert lakes.loc[present, "downstream_slope_deg"].tolist() == pytest.approx(slope, abs=0.7)
    expected = measures.volumes(lakes["area_m2"].where(present))["volume_m3"]
    assert lakes["volume_m3"].tolist() == pytest.approx(expected.tolist(), nan_ok=True)


def test_without_a_dem_relief_is_missing_and_volume_is_not() -> None:
    lakes = track(_tables()).lakes
    assert lakes["volume_m3"].notna().sum() == 4
    relief = ["upslope_area_m2", "front_angle_deg", "potential_flood_high_m3", "headwall_area_m2"]
    assert lakes[relief].isna().all(axis=None)


def test_the_order_of_images_changes_no_attribute(ground: Path, tmp_path: Path) -> None:
    tables, digests = moved_tables(), set()
    for number, order in enumerate(([0, 1, 2, 3], [2, 3, 0, 1])):
        track([tables[place] for place in order], dem=ground).to_file(tmp_path / f"{number}.gpkg")
        digests.add((tmp_path / f"{number}.gpkg").read_bytes())
    assert len(digests) == 1
    back = open_inventory(tmp_path / "0.gpkg").lakes
    assert back["front_angle_deg"].notna().any()


def one_lake(ice: gpd.GeoDataFrame, dem: Path, year: int = 2020) -> Inventory:
    (scene,) = _tables((year,))
    table = scene.outlines.iloc[:1].copy()
    table.geometry = [round_lake(300)]
    table["area_m2"] = table.area
    return track([replace(scene, outlines=table)], glaciers=ice, dem=dem)


def test_only_a_lake_whose_whole_catchment_has_no_ice_is_not_fed_by_glaciers(
    tmp_path: Path,
) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20))
    told = {"rgi_id": ["g"], "src_date": "2019-08-01"}
    inside, outside = (
        gpd.GeoDataFrame(told, geometry=[round_lake(150, far)], crs=32643) for far in (1200, 4000)
    )
    cut = write_dem(tmp_path / "cut.tif", lambda east, north: 3000 + 0.2 * north + 0 * east, 2000)
    for ice, ground_there, kind in (
        (inside, dem, "unconnected"),
        (outside, dem, "non-glacier-fed"),
        (outside, cut, "unconnected"),  # more may drain in from beyond the DEM
    ):
        inventory = one_lake(ice, ground_there)
        assert inventory.lakes["lake_type"].tolist() == [kind]
        assert inventory.outlines["lake_type"].tolist() == [kind]
        assert inventory.lakes["dam_type"].isna().all()


def test_a_lake_that_drains_onto_ice_of_its_time_is_dammed_by_it(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", lambda east, north: 3000 + 0.2 * north + 0 * east)
    below = shapely.box(460_000 - 2000, 4_720_000 - 3000, 460_000 + 2000, 4_720_000 - 290)
    above = shapely.box(460_000 - 2000, 4_720_000 + 290, 460_000 + 2000, 4_720_000 + 3000)
    for shape, year, dam in ((below, 2019, "ice"), (above, 2019, None), (below, 2003, None)):
        ice = gpd.GeoDataFrame({"src_date": [f"{year}-08-01"]}, geometry=[shape], crs=32643)
        inventory = one_lake(ice, dem)
        assert inventory.lakes["lake_type"].tolist() == ["ice-contact"]
        assert inventory.lakes["dam_type"].tolist() == [dam]
        assert inventory.outlines["dam_type"].tolist() == [dam]


def test_a_lake_on_a_glacier_has_a_dam_of_ice_and_no_volume(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "dem.tif", crater(2000, 300, 20))
    ice = gpd.GeoDataFrame({"src_date": ["2019-08-01"]}, geometry=[round_lake(3000)], crs=32643)
    lake = one_lake(ice, dem).lakes.iloc[0]
    assert (lake["lake_type"], lake["dam_type"], lake["glacier_year"]) == (
        "supraglacial",
        "ice",
        2019,
    )
    assert lake[[*VOLUME_COLUMNS, "peak_ice_low_m3_s"]].isna().all()
    assert lake["glacier_contact_low_m"] == pytest.approx(2 * math.pi * 300, rel=0.01)


def test_what_a_person_says_outranks_the_type_and_a_redrawn_area_its_volume() -> None:
    first = track(_tables())
    name, shape = first.lakes["lake_id"].iloc[1], first.lakes.geometry.iloc[1]
    acquired = first.outlines.loc[first.outlines["lake_id"] == name, "acquired"].max()
    image = first.outlines[
        (first.outlines["lake_id"] == name) & (first.outlines["acquired"] == acquired)
    ].iloc[0]
    reviews = schema.conform(
        gpd.GeoDataFrame(
            {
                "review_id": [1, 2],
                "lake_id": [name, name],
                "decision": ["redrawn", "reclassified"],
                "acquired": [acquired, None],
                "scene_id": [image["scene_id"], None],
                "sensor": [image["sensor"], None],
                "lake_type": [None, "ice-contact"],
                "reviewer": ["A", "A"],
            },
            geometry=[shape.buffer(0.001), shape],
            crs=4326,
        ),
        schema.REVIEWS,
    )
    after = first.with_reviews(reviews).lakes.set_index("lake_id").loc[name]
    before = first.lakes.set_index("lake_id").loc[name]
    assert after["lake_type"] == "ice-contact"
    assert after["area_m2"] > 1.2 * before["area_m2"]
    expected = measures.volumes(pd.Series([after["area_m2"]]))["volume_m3"].iloc[0]
    assert after["volume_m3"] == pytest.approx(expected)


def test_every_screening_attribute_says_so_in_both_languages() -> None:
    careful = ("depth", "volume", "peak", "flood", "_slope_", "front", "lowering", "headwall")
    for column in schema.ATTRIBUTES:
        is_careful = any(word in column.name for word in careful)
        assert column.en.startswith(schema.SCREENING_EN) == is_careful, column.name
        assert (
            column.meaning("ru").startswith("Предварительная оценка, не оценка опасности: ")
            == is_careful
        ), column.name


def test_a_file_of_measures_takes_part_without_being_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "roundness.py").write_text(
        "def of_lakes(lakes):\n"
        "    return lakes[['area_m2']].rename(columns={'area_m2': 'double'}) * 2\n"
    )
    monkeypatch.setattr(measures, "__path__", [*measures.__path__, str(tmp_path)])
    registry.of_lakes.cache_clear()
    try:
        lakes = attributes.screened(make_inventory(5).lakes)
    finally:
        registry.of_lakes.cache_clear()
        sys.modules.pop("glacial_lakes.measures.roundness", None)
    present = (lakes["state"] == "present") & lakes["area_m2"].notna()
    assert present.any()
    assert (lakes["double"] == 2 * lakes["area_m2"].where(present)).eq(present).all()
    assert lakes["volume_m3"].notna().any()
