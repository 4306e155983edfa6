"""Older outlines of others become an inventory: dates, fields, codes, damage."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from glacial_lakes import schema
from glacial_lakes.cli.commands import ERROR, OK, PARTIAL, USAGE, main
from glacial_lakes.errors import ConfigError, InputError, VectorError
from glacial_lakes.events import InputOdd
from glacial_lakes.export.export import epochs
from glacial_lakes.ingest.check import check_file
from glacial_lakes.ingest.dates import ROUGH, day_in_name, day_of, image_of
from glacial_lakes.ingest.fields import field_map, recognise
from glacial_lakes.ingest.reading import read_outlines
from glacial_lakes.ingest.track_files import track_files
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.io.numbers import numbers_of
from glacial_lakes.io.shapefile import write_shapefile
from glacial_lakes.mapping.mapped_scene import MappedScene
from glacial_lakes.review.review_file import review_file

YEARS = (2000, 2010, 2020)


def indus(data: Path) -> list[Path]:
    return [data / "hkh_indus_lakes" / f"HKH_{year}_indus.shp" for year in YEARS]


@pytest.fixture(scope="module")
def inventory(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return track_files(indus(data), tmp_path_factory.mktemp("indus") / "inventory.gpkg")


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return three surveys of made lakes in the columns of the inventory of the Indus basin."""
    rng, folder = np.random.default_rng(11), tmp_path_factory.mktemp("surveys")
    places = 900 * np.stack(np.meshgrid(np.arange(8), np.arange(5)), -1).reshape(-1, 2)
    radii = rng.uniform(60, 200, len(places))
    x, y = places.T
    codes = gpd.GeoSeries.from_xy(x + 500_000, y + 4_700_000, crs=32643).to_crs(4326)
    paths = []
    for number, (year, sensor) in enumerate(zip(YEARS, ("LT05", "LT05", "LC08"), strict=True)):
        images = [f"{sensor}_L1TP_15{i % 3}035_{year}0{7 + i % 3}12_20200907" for i in range(40)]
        there = np.arange(len(places)) % 10 != number  # each survey misses other lakes
        shapes = [
            lake(*(place + rng.uniform(-5, 5, 2)), radius * (1 + 0.1 * number))
            for place, radius in zip(places, radii, strict=True)
        ]
        table = lakes(
            *shapes,
            GLIMS_ID=[f"GL{p.x * 1000:06.0f}E{p.y * 1000:05.0f}N" for p in codes],
            Type="M(e)",
            Area=[shape.area / 1e6 for shape in shapes],
            Altitude=4100,
            Image_ID=images,
        )
        paths.append(write(table[there], folder / f"HKH_{year}_made.shp"))
    return paths


def lake(east: float, north: float = 0.0, radius: float = 100.0) -> shapely.Geometry:
    return shapely.Point(500_000 + east, 4_700_000 + north).buffer(radius)


def lakes(*shapes: shapely.Geometry, **fields: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(fields, geometry=list(shapes), crs=32643)


def write(table: gpd.GeoDataFrame, path: Path, **options: object) -> Path:
    table.to_file(path, **options)
    return path


# Dates


@pytest.mark.parametrize(
    ("value", "day", "precision"),
    [
        ("2015-08-01", "2015-08-01", "day"),
        ("20150801", "2015-08-01", "day"),
        (20150801.0, "2015-08-01", "day"),
        ("2015/08/01", "2015-08-01", "day"),
        ("1.8.2015", "2015-08-01", "day"),
        ("2015-08-01T05:30:00Z", "2015-08-01", "day"),
        (pd.Timestamp("2015-08-01"), "2015-08-01", "day"),
        ("2015-08", "2015-08-15", "month"),
        (2015, "2015-07-01", "year"),
        ("2015/8/10", "2015-08-10", "day"),
        ("2015-8-10", "2015-08-10", "day"),
        ("10.08.2015 0:00:00", "2015-08-10", "day"),
        ("10.08.2015 г.", "2015-08-10", "day"),
        ("10 августа 2015 г.", "2015-08-10", "day"),
        ("Aug 10, 2015", "2015-08-10", "day"),
        ("10-AUG-2015", "2015-08-10", "day"),
        ("8/13/2015", "2015-08-13", "day"),
        ("13/08/2015", "2015-08-13", "day"),
        ("20150810T053000", "2015-08-10", "day"),
        ("2015-08-10T02:00:00+06:00", "2015-08-10", "day"),
        (pd.Timestamp("2015-08-10T02:00:00+06:00"), "2015-08-10", "day"),
        ("2015\u201308\u201310", "2015-08-10", "day"),
        ("12.VIII.2015", "2015-08-12", "day"),
        ("2-xi-2015", "2015-11-02", "day"),
        ("２０１５-０８-１０", "2015-08-10", "day"),
        ("август 2015", "2015-08-15", "month"),
        ("08.2015", "2015-08-15", "month"),
        ("20150899", "2015-08-15", "month"),
        ("20159999", "2015-07-01", "year"),
        ("2015.0", "2015-07-01", "year"),
    ],
)
def test_a_date_is_read_as_people_write_it(value: object, day: str, precision: str) -> None:
    found = day_of(value)
    assert found is not None
    assert (f"{found.time:%Y-%m-%d}", found.precision) == (day, precision)


@pytest.mark.parametrize("value", ["08/01/2015", "31.02.2015", "20151301", "summer", "15", "42217"])
def test_a_date_that_could_mean_two_days_or_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=value):
        day_of(value)


@pytest.mark.parametrize(
    "value", [None, "", "  ", np.nan, pd.NaT, 0, "N/A", "-", "<Null>", "99999999", "нет данных"]
)
def test_an_empty_date_is_missing(value: object) -> None:
    assert day_of(value) is None


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)))
def test_every_day_reads_back_from_every_form(day: date) -> None:
    for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%Y_%m_%d"):
        found = day_of(f"{day:{form}}")
        assert found is not None
        assert found.time == pd.Timestamp(day, tz="UTC")


@pytest.mark.parametrize(
    ("name", "day", "sensor"),
    [
        ("LT05_L1TP_152035_20000908_20200907", "2000-09-08", "LT05"),
        ("LC08_L1TP_146038_20180916_2011", "2018-09-16", "LC08"),
        ("LC08_L1TP_144039_20201009", "2020-10-09", "LC08"),
        ("LC08_152035_20200915", "2020-09-15", "LC08"),
        ("LE70410272007125EDC00", "2007-05-05", "LE07"),
        ("S2A_MSIL1C_20210824T060631_N0301_R134_T43SDU_20210824T101422", "2021-08-24", "S2A"),
        ("20210824T060631_20210824T061422_T43SDU", "2021-08-24", None),
    ],
)
def test_a_scene_name_tells_day_and_sensor(name: str, day: str, sensor: str | None) -> None:
    image = image_of(name)
    assert image is not None
    assert (f"{image.time:%Y-%m-%d}", image.sensor) == (day, sensor)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("HKH_2010_indus", "2010-07-01"),
        ("lakes_2015-08-01", "2015-08-01"),
        ("ozera_01.08.2015", "2015-08-01"),
        ("High_Asia_glacial_lake_1990", "1990-07-01"),
        ("LC08_L1TP_152035_20200729_20200908", "2020-07-29"),
        ("lakes_20200915_2020", "2020-09-15"),
    ],
)
def test_the_name_of_a_file_tells_its_date(name: str, day: str) -> None:
    found = day_in_name(name)
    assert found is not None
    assert f"{found.time:%Y-%m-%d}" == day


@pytest.mark.parametrize("name", ["lakes", "lakes_v12", "epsg32643", "12345678"])
def test_other_numbers_in_a_name_are_no_date(name: str) -> None:
    assert day_in_name(name) is None


@pytest.mark.parametrize("name", ["change_1990_2018", "HKH_2020_v20210405"])
def test_two_dates_in_a_name_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"2018|2020"):
        day_in_name(name)


# Fields


def test_fields_of_the_inventories_of_the_region_are_recognised() -> None:
    wang = ["GLAKE_ID", "GL_Image", "GL_Type", "GL_Time", "GL_Elev", "GL_Area", "GL_A_Error"]
    found = recognise("w.shp", wang)
    assert found["lake_id"] == "GLAKE_ID"
    assert found["acquired"] == "GL_Time"
    assert found["area_sigma_m2"] == "GL_A_Error"
    assert recognise("i.shp", ["GLIMS_ID", "Image_ID", "Type"]) == {
        "lake_id": "GLIMS_ID",
        "source_image": "Image_ID",
        "dam_type": "Type",
    }
    griml = recognise("g.gpkg", ["lake_id", "lake_name", "area_sqkm", "start_date", "end_date"])
    assert griml["area"] == "area_sqkm"
    assert griml["lake_name"] == "lake_name"


def test_blanks_and_dashes_in_names_of_fields_are_no_other_names() -> None:
    found = recognise("a.gpkg", ["Дата съёмки", "Lake-Name", "AREA KM2"])
    assert found == {"acquired": "Дата съёмки", "lake_name": "Lake-Name", "area": "AREA KM2"}


def test_a_field_of_another_name_is_given_by_the_user() -> None:
    assert field_map("acquired=IMG_DAY") == ("acquired", "IMG_DAY")
    assert recognise("a.shp", ["img_day", "date"], {"acquired": "IMG_DAY"})["acquired"] == "img_day"
    with pytest.raises(VectorError, match="has no column IMG_DAY; use one of date"):
        recognise("a.shp", ["date"], {"acquired": "IMG_DAY"})
    with pytest.raises(ConfigError, match="did you mean acquired"):
        field_map("aquired=IMG_DAY")
    with pytest.raises(ConfigError, match="which field"):
        field_map("IMG_DAY")


# The outlines of the Indus basin


def test_each_outline_has_the_date_of_its_own_image(data: Path, inventory: Inventory) -> None:
    rows = inventory.outlines[inventory.outlines["scene_id"] == "HKH_2000_indus"]
    given = gpd.read_file(indus(data)[0])
    days = set(given["Image_ID"].str.extract(r"_(\d{8})_")[0])
    assert set(rows["acquired"].dt.strftime("%Y%m%d")) == days
    told = rows["source_image"].str.extract(r"_(\d{8})_")[0]
    assert (told == rows["acquired"].dt.strftime("%Y%m%d")).all()
    seen = inventory.observations[inventory.observations["status"] == "observed"]
    both = seen.merge(inventory.outlines, on=["lake_id", "scene_id"], suffixes=("", "_outline"))
    assert len(both) == len(seen)
    assert (both["acquired"] == both["acquired_outline"]).all()


def test_what_the_files_tell_is_taken_over(data: Path, inventory: Inventory) -> None:
    rows = inventory.outlines
    assert rows["dam_type"].str.startswith(("M(", "I(", "B(", "O")).mean() > 0.99
    assert rows["elev_m"].between(2500, 6500).mean() > 0.99
    given = gpd.read_file(indus(data)[2])
    written = given["Area"].sum() * 1e6
    measured = rows.loc[rows["scene_id"] == "HKH_2020_indus", "area_m2"].sum()
    assert measured == pytest.approx(written, rel=0.01)
    assert inventory.scenes["sensor"].tolist() == ["LT05", "LT05", "LC08"]


def test_an_undated_outline_has_the_year_of_the_file_and_says_so(inventory: Inventory) -> None:
    rough = inventory.outlines[inventory.outlines["quality"].isin(ROUGH.values())]
    assert rough["scene_id"].tolist() == ["HKH_2010_indus"]
    assert f"{rough['acquired'].item():%Y-%m-%d}" == "2010-07-01"
    assert rough["area_sigma_m2"].notna().all() == rough["source_image"].notna().all()


def test_codes_that_files_bring_are_kept(data: Path, inventory: Inventory) -> None:
    given = gpd.read_file(indus(data)[2])
    latest = inventory.outlines[inventory.outlines["scene_id"] == "HKH_2020_indus"]
    both = gpd.sjoin(
        given.set_geometry(given.representative_point()).to_crs(4326),
        latest[["lake_id", "geometry"]],
        predicate="within",
    )
    assert len(both) == len(given)
    kept = both["GLIMS_ID"] == both["lake_id"]
    assert kept.mean() > 0.98
    assert inventory.lakes["lake_id"].is_unique


def test_a_lake_that_a_later_survey_lacks_is_neither_absent_nor_gone(
    inventory: Inventory,
) -> None:
    rows = inventory.observations
    assert set(rows["status"]) == {"observed", "uncertain", "nodata"}
    assert not {"appeared", "drained"} & set(inventory.events["event"])
    unseen = rows[rows["status"] != "observed"]
    assert len(unseen) > 100
    assert unseen["area_m2"].isna().all()
    assert unseen["observed_fraction"].isna().all()


def test_events_lie_between_the_images_that_show_them(inventory: Inventory) -> None:
    days = inventory.outlines.set_index(["lake_id", "acquired"]).index
    assert len(inventory.events) >= 5
    for event in inventory.events.itertuples():
        assert event.after < event.date
        assert (event.to_ids.split()[0], event.date) in days


def test_totals_and_shapefiles_are_of_surveys_not_of_days(inventory: Inventory) -> None:
    assert len(inventory.totals) == 3
    assert inventory.totals["n_lakes"].min() > 450
    assert {name[:4] for name in epochs(inventory)} == {"2000", "2010", "2020"}
    assert len(epochs(inventory)) == 3


def test_the_order_of_files_changes_nothing_and_equal_files_give_equal_bytes(
    surveys: list[Path], tmp_path: Path
) -> None:
    paths = surveys[1:]
    for name, order in (("a", paths), ("b", paths[::-1])):
        track_files(order, tmp_path / name / "inventory.gpkg")
    one, other = (tmp_path / name / "inventory.gpkg" for name in "ab")
    assert one.read_bytes() == other.read_bytes()


def test_a_second_run_keeps_the_identities_also_without_codes(
    surveys: list[Path], tmp_path: Path
) -> None:
    paths, out = surveys[1:], tmp_path / "out" / "inventory.gpkg"
    first = track_files(paths, out)
    assert len(first.lakes) == 40
    for path in paths:
        table = gpd.read_file(path).drop(columns="GLIMS_ID")
        table.geometry = table.translate(5, -5)
        write(table, tmp_path / path.name)
    again = track_files([tmp_path / path.name for path in paths], out)
    assert set(again.lakes["lake_id"]) == set(first.lakes["lake_id"])


# Files of other makers


def outlines_of(surveys: list[MappedScene]) -> list[gpd.GeoDataFrame]:
    return [survey.outlines for survey in surveys]


def test_a_cp1251_shapefile_with_fields_of_its_own(tmp_path: Path) -> None:
    table = lakes(lake(0), lake(900), DATA=["01.08.2015", "01.08.2015"], NAIM=["Адыгене", "Топ"])
    path = write(table, tmp_path / "ozera.shp", encoding="CP1251")
    fields = {"acquired": "DATA", "lake_name": "NAIM"}
    with_cpg = read_outlines(path, fields=fields)[0].outlines
    path.with_suffix(".cpg").unlink()
    with pytest.raises(VectorError, match="encoding"):
        read_outlines(path, fields=fields)
    told = read_outlines(path, fields=fields, encoding="CP1251")[0].outlines
    assert told["lake_name"].tolist() == with_cpg["lake_name"].tolist() == ["Адыгене", "Топ"]
    assert set(told["acquired"].dt.strftime("%Y-%m-%d")) == {"2015-08-01"}
    out = tmp_path / "out" / "inventory.gpkg"
    track_files([path], out, fields=fields, encoding="CP1251")
    assert open_inventory(out).lakes["lake_name"].tolist() == ["Адыгене", "Топ"]


@pytest.mark.skipif(not shutil.which("ogr2ogr"), reason="needs ogr2ogr")
@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp"])
def test_files_that_ogr2ogr_made_give_the_same_lakes(
    surveys: list[Path], tmp_path: Path, suffix: str
) -> None:
    source = surveys[0]
    path = tmp_path / f"{source.stem}{suffix}"
    subprocess.run(["ogr2ogr", "-t_srs", "EPSG:4326", path, source], check=True)
    ours, theirs = (read_outlines(file)[0].outlines for file in (source, path))
    assert theirs["area_m2"].to_numpy() == pytest.approx(ours["area_m2"].to_numpy(), rel=1e-4)
    for name in ("lake_id", "acquired", "dam_type", "source_image"):
        assert theirs[name].tolist() == ours[name].tolist()


def test_invalid_outlines_are_repaired_and_told(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (table,) = outlines_of(read_outlines(data / "griml_iml2017" / "IMLs_2017.shp"))
    assert "46 invalid polygons repaired" in caplog.text
    assert table.geometry.is_valid.all()
    assert len(table) == 130
    assert table["area_m2"].sum() == pytest.approx(table.area.sum(), rel=0.05)


def test_a_period_stands_for_its_middle_and_says_so(tmp_path: Path) -> None:
    period = {"startdate": ["2017-07-01"] * 2, "enddate": ["2017-08-31"] * 2}
    path = write(lakes(lake(0), lake(900), **period), tmp_path / "iml.shp")
    (table,) = outlines_of(read_outlines(path))
    assert set(table["acquired"].dt.strftime("%Y-%m-%d")) == {"2017-07-31"}
    assert set(table["quality"]) == {ROUGH["month"]}
    assert table["area_sigma_m2"].isna().all()


def test_an_outline_that_is_drawn_twice_counts_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(lakes(lake(0), lake(0), lake(900)), tmp_path / "lakes_2015.gpkg")
    assert len(read_outlines(path)[0].outlines) == 2
    assert "1 outline that is drawn twice left out" in caplog.text


def test_a_file_with_several_surveys_is_cut_where_lakes_are_drawn_again(tmp_path: Path) -> None:
    days = ["2000-08-01", "2000-08-09", "2010-08-01", "2010-08-09"]
    table = lakes(*[lake(900 * (n % 2)) for n in range(4)], date=days)
    first, second = read_outlines(write(table, tmp_path / "all.gpkg"))
    assert first.outlines["acquired"].dt.year.tolist() == [2000, 2000]
    assert second.outlines["acquired"].dt.year.tolist() == [2010, 2010]
    assert second.coverage.scene_id == "all_2010-08-01"


def test_our_own_shapefiles_come_back_as_they_were(surveys: list[Path], tmp_path: Path) -> None:
    rows = track_files(surveys, tmp_path / "inventory.gpkg").latest()
    assert len(rows) == 40
    write_shapefile(rows, tmp_path / "lakes.shp", schema.OUTLINES)
    again = track_files([tmp_path / "lakes.shp"], tmp_path / "again" / "inventory.gpkg")
    assert set(again.lakes["lake_id"]) == set(rows["lake_id"])
    both = again.lakes.merge(rows, on="lake_id")
    assert both["area_m2_x"].to_numpy() == pytest.approx(both["area_m2_y"].to_numpy(), rel=1e-6)
    assert both["area_sigma_m2_x"].to_numpy() == pytest.approx(
        both["area_sigma_m2_y"].to_numpy(), rel=1e-6
    )


def test_a_part_of_a_lake_in_our_own_older_outlines_is_no_drainage(tmp_path: Path) -> None:
    whole, part = lake(0, radius=300), lake(0, radius=60)
    table = lakes(whole, part, acquired=["2015-08-01", "2016-08-01"], status=["observed", "cloud"])
    made = track_files([write(table, tmp_path / "map.gpkg")], tmp_path / "o" / "i.gpkg")
    assert made.observations["status"].tolist() == ["observed", "cloud"]
    assert made.events.empty


def odd_rows(path: Path) -> tuple[list[str], gpd.GeoDataFrame]:
    """Return what is told of a file, and its outlines."""
    told: list[str] = []
    (read,) = outlines_of(read_outlines(path, on_event=lambda event: told.append(event.reason)))
    return told, read


@pytest.mark.parametrize("bad", ["31.02.2015", "лето", "08/01/2015"])
def test_one_bad_date_costs_one_row_which_is_named_and_told_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str
) -> None:
    days = ["2015-08-10", bad, "2015-08-12"]
    table = lakes(lake(0), lake(900), lake(1800), date=days)
    path = write(table, tmp_path / "lakes_2015.gpkg")
    out = tmp_path / "o" / "i.gpkg"
    code, told, _ = run(capsys, "track", path, "-o", out)
    assert code == PARTIAL
    assert f"rows without a date left out: 1 (2); not understood: {bad}" in told
    assert len(open_inventory(out).outlines) == 2
    assert f"dates that cannot be read, such as {bad}: 1 (2)" in str(check_file(path))


def test_one_row_in_no_place_or_without_an_area_costs_one_row(tmp_path: Path) -> None:
    flat = shapely.Polygon([(500_000, 4_700_000), (500_100, 4_700_100), (500_000, 4_700_000)])
    shapes = [None, flat, lake(0), shapely.Point(500_000, 4_700_000), lake(900), lake(1800)]
    table = lakes(*shapes, date=["2015-08-10"] * 5 + ["summer"]).to_crs(4326)
    table.loc[4, "geometry"] = shapely.box(74, 95, 75, 96)  # no such latitude
    path = write(table, tmp_path / "lakes.gpkg")
    told, read = odd_rows(path)
    assert len(read) == 1
    assert [line for line in told if "left out" in line] == [
        "rows without geometry left out: 2 (1, 2)",
        "rows that are no polygons left out: 1 (4)",
        "rows with coordinates that the CRS does not know left out: 1 (5)",
        "rows without a date left out: 1 (6); not understood: summer",
    ]


def test_a_year_before_the_name_of_a_month_is_a_date(tmp_path: Path) -> None:
    written = ["2015-Aug-13", "2015 август 13", "13-Aug-2015"]
    table = lakes(lake(0), lake(900), lake(1800), date=written)
    _, read = odd_rows(write(table, tmp_path / "lakes.gpkg"))
    assert [f"{time:%Y-%m-%d}" for time in read["acquired"]] == ["2015-08-13"] * 3


@pytest.mark.parametrize(
    ("crs", "slip"),
    [
        (32743, "its CRS is of the other hemisphere"),
        (32645, "its CRS is off by 2 UTM zones"),
    ],
)
def test_a_survey_whose_crs_slipped_is_refused(crs: int, slip: str, tmp_path: Path) -> None:
    here = lakes(lake(0), lake(900), date=["2010-08-10"] * 2)
    there = here.assign(date="2015-08-10").set_crs(crs, allow_override=True)
    paths = [write(here, tmp_path / "a.gpkg"), write(there, tmp_path / "b.gpkg")]
    with pytest.raises(InputError, match=slip):
        track_files(paths, tmp_path / "inventory.gpkg")
    assert slip in str(check_file(paths[1]))


def test_a_survey_far_from_the_others_is_told(tmp_path: Path) -> None:
    here = lakes(lake(0), lake(900), date=["2010-08-10"] * 2)
    there = here.assign(date="2015-08-10", geometry=here.translate(yoff=500_000))
    paths = [write(here, tmp_path / "a.gpkg"), write(there, tmp_path / "b.gpkg")]
    told: list[object] = []
    track_files(paths, tmp_path / "inventory.gpkg", on_event=told.append)
    odd = [str(event.reason) for event in told if isinstance(event, InputOdd)]
    assert odd == ["lies 501 km from the others"]


def test_degrees_in_a_crs_of_metres_are_refused(tmp_path: Path) -> None:
    table = lakes(lake(0), lake(900), date=["2010-08-10"] * 2).to_crs(4326)
    path = write(table.set_crs(32643, allow_override=True), tmp_path / "lakes.gpkg")
    with pytest.raises(VectorError, match="coordinates in degrees, and a CRS in metres"):
        read_outlines(path)
    assert "coordinates in degrees, and a CRS in metres" in str(check_file(path))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("field", ["2015-08-10T00:30:00+06:00", "2015-08-10"])
def test_no_library_warns_of_what_people_give(field: str, tmp_path: Path) -> None:
    far = shapely.transform(lake(0), lambda xy: xy + 43_000_000)  # beyond the CRS
    table = lakes(lake(0), lake(900), far, date=pd.to_datetime([field] * 3))
    _, read = odd_rows(write(table, tmp_path / "lakes.gpkg"))
    assert {f"{time:%Y-%m-%d}" for time in read["acquired"]} == {"2015-08-10"}


def test_a_field_of_slashed_dates_is_read_as_its_clear_ones_are(tmp_path: Path) -> None:
    table = lakes(lake(0), lake(900), date=["08/01/2015", "08/25/2015"])
    _, read = odd_rows(write(table, tmp_path / "lakes.gpkg"))
    assert sorted(f"{time:%m-%d}" for time in read["acquired"]) == ["08-01", "08-25"]


def test_a_number_of_days_is_told_with_the_day_that_it_would_be(tmp_path: Path) -> None:
    path = write(lakes(lake(0), date=[42217]), tmp_path / "lakes_2015.gpkg")
    with pytest.raises(VectorError, match="42217, which is 2015-08-01 if it counts days"):
        read_outlines(path)


def test_a_year_field_is_the_date_where_nothing_tells_the_day(tmp_path: Path) -> None:
    images = ["LT05_L1TP_152035_20000908_20200907", None]
    table = lakes(lake(0), lake(900), Year=[2000, 2000], Image_ID=images)
    _, read = odd_rows(write(table, tmp_path / "lakes.gpkg"))
    assert sorted(f"{time:%Y-%m-%d}" for time in read["acquired"]) == ["2000-07-01", "2000-09-08"]


def test_a_written_day_stays_that_day_whatever_its_time_zone(tmp_path: Path) -> None:
    times = ["2015-08-10T02:00:00+06:00", "2015-08-10T22:30:00-05:00"]
    path = write(lakes(lake(0), lake(900)).to_crs(4326), tmp_path / "lakes.geojson")
    content = json.loads(path.read_text())
    for feature, time in zip(content["features"], times, strict=True):
        feature["properties"] = {"date": time}
    path.write_text(json.dumps(content))
    _, read = odd_rows(path)
    assert {f"{time:%Y-%m-%d}" for time in read["acquired"]} == {"2015-08-10"}


def test_a_date_in_the_future_is_told(tmp_path: Path) -> None:
    path = write(lakes(lake(0), date=["2051-08-10"]), tmp_path / "lakes.gpkg")
    assert odd_rows(path)[0] == ["dates in the future: 1 (1)"]
    assert "in the future: 1 (1)" in str(check_file(path))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0,0380", 0.038),
        ("3450,5", 3450.5),
        ("3 450,5", 3450.5),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("12,5 %", 12.5),
        ("3450 м", 3450.0),
        ("1e3", 1000.0),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, number: float) -> None:
    found = numbers_of(pd.Series([written, None, "n/a"]))
    assert found.found[0] == pytest.approx(number)
    assert found.found[1:].isna().all()
    assert not found.odd.any()


def test_a_comma_that_may_be_decimal_or_not_is_told_by_the_other_numbers() -> None:
    assert numbers_of(pd.Series(["3,450", "3,5"])).found.tolist() == [3.45, 3.5]
    assert numbers_of(pd.Series(["3,450", "900.5"])).found.tolist() == [3450, 900.5]
    assert numbers_of(pd.Series(["3,450"])).odd.all()


def test_an_error_has_the_unit_that_stands_beside_it(tmp_path: Path) -> None:
    written = ["5 %", "± 5%", "0,01 км²", "0.5 ha", "700 m²", "12 m"]
    shapes = [lake(900 * number) for number in range(len(written))]
    path = write(lakes(*shapes, Area_Err=written, date="2015-08-10"), tmp_path / "lakes.gpkg")
    told, read = odd_rows(path)
    share = 0.05 * read["area_m2"].iloc[0]
    expected = [share, share, 10_000, 5_000, 700]
    assert read["area_sigma_m2"].tolist()[:5] == pytest.approx(expected, rel=1e-6)
    assert pd.isna(read["area_sigma_m2"].iloc[5])
    assert told == ["field Area_Err: numbers that are not understood: 1 (6), such as 12 m"]


def test_a_number_with_a_unit_of_another_kind_is_not_understood(tmp_path: Path) -> None:
    table = lakes(lake(0), lake(900), GL_Elev=["3450 m", "3 ha"], obs_frac=["95 %", "0.9"])
    path = write(table.assign(date="2015-08-10"), tmp_path / "lakes.gpkg")
    told, read = odd_rows(path)
    assert read["elev_m"].tolist() == pytest.approx([3450, np.nan], nan_ok=True)
    assert read["observed_fraction"].tolist() == pytest.approx([0.95, 0.9])
    assert told == ["field GL_Elev: numbers that are not understood: 1 (2), such as 3 ha"]
    assert "GL_Elev has numbers that are not understood, such as 3 ha" in str(check_file(path))


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "shp"])
def test_outlines_of_several_dates_and_no_sensor_come_back_as_they_went(
    tmp_path: Path, ending: str
) -> None:
    files = []
    for year, size in (("2010", 150), ("2015", 175), ("2020", 200)):
        table = lakes(lake(0, radius=size), lake(900, radius=size), date=[f"{year}-08-10"] * 2)
        files.append(write(table, tmp_path / f"lakes_{year}.gpkg"))
    made = track_files(files, tmp_path / "i" / "i.gpkg")
    assert made.outlines["sensor"].isna().all()
    for rows in (made.outlines, made.outlines.iloc[:3], made.outlines.iloc[2:4]):
        edited = tmp_path / f"edited.{ending}"
        rows[["lake_id", "acquired", "comment", "geometry"]].to_file(edited)
        assert review_file(tmp_path / "i" / "i.gpkg", edited, missing_is_rejected=False).empty


def test_heights_in_feet_are_no_heights(tmp_path: Path) -> None:
    table = lakes(lake(0), lake(900), lake(1800), GL_Elev=[11_319.0, 3450.0, 1e30])
    path = write(table.assign(date="2015-08-10"), tmp_path / "lakes.gpkg")
    told, read = odd_rows(path)
    assert read["elev_m"].tolist() == pytest.approx([np.nan, 3450, np.nan], nan_ok=True)
    assert told == ["field GL_Elev: numbers that are not understood: 2 (1, 3), such as 11319.0"]
    assert "write them as 1234.5, heights in metres" in str(check_file(path))


def test_errors_that_would_be_most_of_the_area_are_not_taken_in_its_unit(tmp_path: Path) -> None:
    shapes = [lake(900 * number) for number in range(3)]
    km2 = lakes(*shapes).to_crs(6933).area / 1e6
    share = 0.8 * km2.median()  # as square kilometres it would be 80 % of the lakes
    path = write(
        lakes(*shapes, GL_Area=km2.tolist(), GL_A_Error=[share] * 3, date="2015-08-10"),
        tmp_path / "lakes.gpkg",
    )
    told, read = odd_rows(path)
    assert read["area_sigma_m2"].isna().all()
    assert told == ["the unit of the errors in GL_A_Error is not understood; they are left out"]


def test_numbers_that_are_not_understood_are_told_and_never_called_empty(tmp_path: Path) -> None:
    table = lakes(lake(0), lake(900), GL_Area=["3,145", "big"], date="2015-08-10", GL_Elev="high")
    path = write(table, tmp_path / "lakes.gpkg")
    told = "field GL_Elev: numbers that are not understood: 2 (1, 2), such as high"
    assert odd_rows(path)[0] == [told]
    found = str(check_file(path))
    assert "GL_Area has numbers that are not understood, such as 3,145" in found
    assert "is empty" not in found


@pytest.mark.parametrize(
    ("field", "error", "told"),
    [
        ("a_error", 1_500, ["the errors in a_error are taken for m2"]),
        ("a_error", 4.8, ["the errors in a_error are taken for %"]),
        ("a_error", "4,8 %", []),
        ("area_err_pct", 4.8, []),
        ("area_err_ha", 0.15, []),
        ("err_pct", 4.8, []),
        ("uncertaint", "4.8%", []),
        ("Error (sqkm)", 0.0015, []),
        ("a_error", 0.0015, []),
        (
            "a_error",
            9e9,
            ["the unit of the errors in a_error is not understood; they are left out"],
        ),
    ],
)
def test_errors_may_be_in_another_unit_than_the_areas(
    tmp_path: Path, field: str, error: object, told: list[str]
) -> None:
    table = lakes(lake(0), Area_km2=[0.031], date="2015-08-10", **{field: [error]})
    found, read = odd_rows(write(table, tmp_path / "lakes.gpkg"))
    assert found == told
    expected = np.nan if error == 9e9 else 1_500
    assert read["area_sigma_m2"].tolist() == pytest.approx([expected], rel=0.02, nan_ok=True)


def test_errors_that_may_be_shares_or_hectares_are_left_out(tmp_path: Path) -> None:
    table = lakes(lake(0), Area_km2=[0.031], date="2015-08-10", area_error=[0.05])
    told, read = odd_rows(write(table, tmp_path / "lakes.gpkg"))
    assert told == ["the unit of the errors in area_error is not understood; they are left out"]
    assert read["area_sigma_m2"].isna().all()
    table = lakes(lake(0), Area_km2=[0.031], date="2015-08-10", area_error=[0.3])
    told, read = odd_rows(write(table, tmp_path / "other.gpkg"))
    assert told == ["the unit of the errors in area_error is not understood; they are left out"]


@pytest.mark.parametrize("unit_m2", [1.0, 1e4, 1e6])
def test_errors_have_the_unit_of_the_areas_beside_them(tmp_path: Path, unit_m2: float) -> None:
    table = lakes(lake(0), GL_Area=[31_000 / unit_m2], GL_A_Error=[1_500 / unit_m2])
    (read,) = outlines_of(read_outlines(write(table, tmp_path / "lakes_2015.gpkg")))
    assert read["area_sigma_m2"].tolist() == pytest.approx([1_500])


@pytest.mark.parametrize(("text", "ours"), [("M(e)", "dam_type"), ("proglacial", "lake_type")])
def test_a_field_type_is_told_by_what_it_holds(tmp_path: Path, text: str, ours: str) -> None:
    (read,) = outlines_of(
        read_outlines(write(lakes(lake(0), Type=[text]), tmp_path / "lakes_2015.gpkg"))
    )
    assert {name: read[name].item() for name in ("dam_type", "lake_type")} == {
        "dam_type": None,
        "lake_type": None,
        ours: text,
    }


def test_what_no_file_tells_stays_missing(tmp_path: Path) -> None:
    path = write(lakes(lake(0), alt=[-9999]), tmp_path / "lakes_2015-08-01.gpkg")
    made = track_files([path], tmp_path / "o" / "i.gpkg", fields={"elev_m": "alt"})
    row = made.outlines.iloc[0]
    for name in ("elev_m", "area_sigma_m2", "area_err_hb_m2", "sensor", "observed_fraction"):
        assert pd.isna(row[name]), name
    assert row["area_m2"] == pytest.approx(np.pi * 100**2, rel=0.01)


@pytest.mark.parametrize(
    ("name", "table", "told"),
    [
        ("lakes.gpkg", lakes(lake(0)), "does not tell the date"),
        ("l_2015.gpkg", lakes(lake(0), date=["08/01/2015"]), "cannot be read: 08/01/2015"),
        ("a_1990_2018.gpkg", lakes(lake(0)), "tells several dates: 1990 2018"),
        ("p_2015.gpkg", lakes(shapely.Point(500_000, 4_700_000)), "has no polygons"),
        ("d_2015.gpkg", lakes(lake(0)).set_crs(4326, allow_override=True), "coordinates"),
        ("c_2015.gpkg", lakes(lake(0)).set_crs(None, allow_override=True), "has no CRS"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(
    tmp_path: Path, name: str, table: gpd.GeoDataFrame, told: str
) -> None:
    path = write(table, tmp_path / name)
    with pytest.raises(InputError, match=told) as caught:
        read_outlines(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_date_named_goes_before_all_others(tmp_path: Path) -> None:
    path = write(lakes(lake(0), date=["2001-01-01"]), tmp_path / "a_1990_2018.gpkg")
    (table,) = outlines_of(read_outlines(path, date="2015-08-01"))
    assert f"{table['acquired'].item():%Y-%m-%d}" == "2015-08-01"
    with pytest.raises(InputError, match="is no date"):
        read_outlines(path, date="last summer")


# The command


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return int(str(caught.value.code)), *capsys.readouterr()


def test_one_bad_file_is_a_refused_row_and_not_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(lakes(lake(0)), tmp_path / "lakes_2015-08-01.gpkg")
    bad = tmp_path / "lakes_2016.shp"
    bad.write_bytes(b"\x00\x00\x27\x0a" + bytes(50))
    out = tmp_path / "out" / "inventory.gpkg"
    code, told, _ = run(capsys, "track", good, bad, "-o", out, "--json")
    assert code == PARTIAL
    values = json.loads(told)
    assert values["surveys"] == {"lakes_2015-08-01": 1}
    assert [row["path"] for row in values["refused"]] == [str(bad)]
    scenes = open_inventory(out).scenes.set_index("scene_id")
    assert scenes.loc["lakes_2016.shp", "state"] == "refused"
    code, told, _ = run(capsys, "track", good, bad, "-o", out)
    assert "2015-08-01" in told
    assert "refused:" in told


def test_when_all_files_are_bad_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "lakes_2016.gpkg"
    bad.write_text("no lakes")
    out = tmp_path / "out" / "inventory.gpkg"
    code, told, error = run(capsys, "track", bad, "-o", out)
    assert (code, told) == (ERROR, "")
    assert "no file could be used" in error
    assert not out.exists()


@pytest.mark.thorough
def test_an_inventory_is_never_replaced_by_one_that_lacks_its_scenes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = (
        write(lakes(lake(0)), tmp_path / f"lakes_{day}.gpkg")
        for day in ("2015-08-01", "2016-08-01")
    )
    out = tmp_path / "out" / "inventory.gpkg"
    assert run(capsys, "track", one, "-o", out)[0] == OK
    before = out.read_bytes()
    code, _, error = run(capsys, "track", other, "-o", out)
    assert code == ERROR
    assert "holds scenes that are not among the files, such as lakes_2015-08-01" in error
    assert out.read_bytes() == before
    assert run(capsys, "track", one, other, "-o", out)[0] == OK


def test_wrong_usage_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(lakes(lake(0)), tmp_path / "lakes_2015-08-01.gpkg")
    out = tmp_path / "inventory.gpkg"
    for arguments in (("-o", tmp_path / "o.shp"), ("-o", out, "--field", "x=y")):
        assert run(capsys, "track", path, *arguments)[0] == USAGE
    assert not out.exists()


def test_two_files_of_one_name_are_not_both_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        write(lakes(lake(0)), tmp_path / name / "lakes_2015-08-01.gpkg")
    paths = [tmp_path / name / "lakes_2015-08-01.gpkg" for name in "ab"]
    code, told, _ = run(capsys, "track", *paths, "-o", tmp_path / "i.gpkg")
    assert code == PARTIAL
    assert "has the name of another scene" in told


def test_glaciers_and_basins_describe_the_lakes(tmp_path: Path) -> None:
    path = write(lakes(lake(0), lake(5000)), tmp_path / "lakes_2015-08-01.gpkg")
    ice = write(lakes(lake(110, radius=20), rgi_id=["RGI-1"]), tmp_path / "glaciers.gpkg")
    land = write(lakes(lake(0, radius=1000), name=["Чу"]), tmp_path / "basins.gpkg")
    made = track_files([path], tmp_path / "i.gpkg", glaciers=ice, basins=land)
    rows = made.lakes.sort_values("lon")
    assert rows["lake_type"].tolist() == ["ice-contact", "unconnected"]
    assert rows["glacier_id"].tolist() == ["RGI-1", "RGI-1"]
    assert rows["basin"].tolist()[0] == "Чу"
    assert pd.isna(rows["basin"].tolist()[1])


def test_of_a_glims_download_only_glacier_boundaries_are_ice(tmp_path: Path) -> None:
    path = write(lakes(lake(0), lake(5000)), tmp_path / "lakes_2015-08-01.gpkg")
    kinds = ["glac_bound", "pro_lake", "INTRNL_ROCK", "basin_bound"]
    shapes = [lake(9000), lake(0, radius=120), lake(5000, radius=150), lake(0, radius=9000)]
    ice = write(lakes(*shapes, line_type=kinds), tmp_path / "glims_polygons.shp")
    made = track_files([path], tmp_path / "i.gpkg", glaciers=ice)
    assert made.lakes["lake_type"].tolist() == ["unconnected", "unconnected"]
    assert made.lakes["glacier_dist_m"].min() > 3000
    none = write(lakes(lake(0), line_type=["pro_lake"]), tmp_path / "lakes_of_glims.shp")
    with pytest.raises(VectorError, match="has no glaciers: its line_type is pro_lake"):
        track_files([path], tmp_path / "i.gpkg", glaciers=none)


def test_the_summary_is_russian_where_wished(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(lakes(lake(0)), tmp_path / "lakes_2015.gpkg")
    _, told, _ = run(capsys, "--lang", "ru", "track", path, "-o", tmp_path / "i.gpkg")
    assert "1 дата известна лишь до года или месяца" in told
    assert "погрешность известна для 0" in told


def test_fields_are_known_by_what_shapefiles_cut_their_names_to() -> None:
    """UTF-8 leaves five Cyrillic letters of a name; ASCII ten."""
    found = recognise("a.shp", ["ДАТА_", "НАЗВА", "НОМЕР", "РАЙОН"], {"acquired": "ДАТА_СНИМКА"})
    assert (found["acquired"], found["lake_name"]) == ("ДАТА_", "НАЗВА")
    assert recognise("a.shp", ["GLACIER_DI"], {"elev_m": "Glacier_dist"})["elev_m"] == "GLACIER_DI"
    with pytest.raises(VectorError, match="no column"):
        recognise("a.shp", ["ДАТ"], {"acquired": "ДАТА_СНИМКА"})


def test_a_file_that_was_refused_once_is_no_survey_that_could_be_lost(tmp_path: Path) -> None:
    square = shapely.box(74.5, 42.6, 74.504, 42.604)
    table = gpd.GeoDataFrame({"acquired": ["2015-08-01"]}, geometry=[square], crs=4326)
    table.to_file(tmp_path / "a.gpkg")
    table.assign(acquired="?").to_file(tmp_path / "b.gpkg")
    files = [tmp_path / "a.gpkg", tmp_path / "b.gpkg"]
    inventory = track_files(files, tmp_path / "o.gpkg")
    assert sorted(inventory.scenes["state"]) == ["mapped", "refused"]
    table.assign(acquired="2020-08-01").to_file(tmp_path / "b.gpkg")
    again = track_files(files, tmp_path / "o.gpkg")
    assert again.scenes["state"].tolist() == ["mapped", "mapped"]
    track_files(files, tmp_path / "o.gpkg")
