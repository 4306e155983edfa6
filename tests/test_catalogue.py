"""The partner's catalogue: its numbers, names and districts stay with the lakes for ever."""

from __future__ import annotations

import os
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import glacial_lakes as gl
from glacial_lakes import schema
from glacial_lakes.coverage import CompleteCoverage
from glacial_lakes.errors import GlacialLakesError, VectorError
from glacial_lakes.inventory.catalogue import degrees_of, read_catalogue
from glacial_lakes.inventory.inventory import Inventory
from glacial_lakes.inventory.register import differing, pattern_of
from glacial_lakes.language import in_language
from glacial_lakes.report.contents import describe
from glacial_lakes.report.page import write_report
from glacial_lakes.report.summaries import sheets
from glacial_lakes.review.differences import differences
from glacial_lakes.review.edited_file import read_edited
from glacial_lakes.schema import Decision
from glacial_lakes.settings import CatalogueSettings, read_project

PLACES = [(74.50 + i / 100, 42.60) for i in range(6)]
NAMES = {"id": "НОМЕР", "name": "НАЗВАНИЕ", "district": "РАЙОН", "comment": "ПРИМЕЧАНИЕ"}
HEADS = ["НОМЕР", "НАЗВАНИЕ", "РАЙОН", "ПРИМЕЧАНИЕ"]
ROWS = [
    ["КЫР-7", "Адыгене", "Чуйский", "плотина"],
    ["КЫР-3", "Ак-Көл", "Кеминский", None],
    ["КЫР-11", None, "Чуйский", "осмотр 2024"],
]
YEAR = pd.Timedelta(days=365)


def square(lon: float, lat: float, size: float = 0.002) -> shapely.Polygon:
    return shapely.box(lon, lat, lon + size, lat + size)


def scene(day: str, places: list[tuple[float, float]], sensor: str = "S2A") -> gl.MappedScene:
    """Return a scene as tracking takes it, with an outline at each place."""
    time = pd.Timestamp(f"{day}T05:00:00").to_pydatetime()
    outlines = gpd.GeoDataFrame(geometry=[square(*place) for place in places], crs=4326)
    return gl.MappedScene(outlines, CompleteCoverage(f"{sensor}_{day}", time, sensor, 10.0))


def listed(rows: list[list[str | None]], shift_deg: float = 0.0) -> gpd.GeoDataFrame:
    shapes = [square(lon + shift_deg, lat) for lon, lat in PLACES[: len(rows)]]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=HEADS), geometry=shapes, crs=4326)


def of_shapefile(folder: Path, rows: list[list[str | None]]) -> CatalogueSettings:
    listed(rows).to_crs(28413).to_file(folder / "list.shp", encoding="CP1251")
    (folder / "list.cpg").unlink(missing_ok=True)
    names = {key: name[:10] for key, name in NAMES.items()}
    return CatalogueSettings(file="list.shp", encoding="CP1251", **names)


def of_geopackage(folder: Path, rows: list[list[str | None]]) -> CatalogueSettings:
    (folder / "list.gpkg").unlink(missing_ok=True)
    listed(rows).to_file(folder / "list.gpkg")
    return CatalogueSettings(file="list.gpkg", **NAMES)


def of_table(folder: Path, rows: list[list[str | None]]) -> CatalogueSettings:
    """Write a table as a Russian spreadsheet saves it: CP1251, semicolons, decimal commas."""
    lines = [";".join([*HEADS, "Широта", "Долгота"])]
    for row, (lon, lat) in zip(rows, PLACES, strict=False):
        cells = [text or "" for text in row]
        place = [f"{lat + 0.001:.4f}", f"{lon + 0.001:.4f}"]
        lines.append(";".join([*cells, *(text.replace(".", ",") for text in place)]))
    # CP1251 has no Kyrgyz letters
    text = "\r\n".join(lines).replace("ө", "о")
    (folder / "list.csv").write_bytes(text.encode("cp1251"))
    return CatalogueSettings(file="list.csv", **NAMES)


def catalogue_of(folder: Path, settings: CatalogueSettings, saved: str = "2026-01-01"):
    path = folder / str(settings.file)
    time = pd.Timestamp(saved, tz="UTC").timestamp()
    os.utime(path, (time, time))
    return read_catalogue(settings, folder)


def tracked(
    folder: Path,
    settings: CatalogueSettings,
    scenes: list[gl.MappedScene],
    previous: Inventory | None = None,
    saved: str = "2026-01-01",
) -> Inventory:
    return gl.track(scenes, previous=previous, catalogue=catalogue_of(folder, settings, saved))


TWO_YEARS = [scene("2024-08-01", PLACES[:4]), scene("2025-08-01", PLACES[:4])]


def edited(inventory: Inventory, number: str, when: str = "2026-02-01", **fields: str) -> Inventory:
    """Return the inventory with what a person wrote beside the lake of a number."""
    lake = inventory.lakes.set_index("catalogue_no").loc[number]
    last = inventory.reviews["review_id"].max() if len(inventory.reviews) else 0
    row = {
        "review_id": int(last) + 1,
        "lake_id": lake["lake_id"],
        "decision": Decision.COMMENTED,
        "reviewer": "Иванова",
        "reviewed": pd.Timestamp(when, tz="UTC"),
        **fields,
    }
    table = schema.conform(pd.DataFrame([row]), schema.REVIEWS)
    shapes = gpd.GeoSeries([lake["geometry"]], crs=4326)
    return inventory.with_reviews(gpd.GeoDataFrame(table, geometry=shapes))


@pytest.mark.parametrize("write", [of_shapefile, of_geopackage, of_table])
def test_numbers_names_districts_and_remarks_join_the_lakes(write, tmp_path: Path) -> None:
    settings = write(tmp_path, ROWS)
    inventory = tracked(tmp_path, settings, TWO_YEARS)
    lakes = inventory.lakes.sort_values("lon").reset_index(drop=True)
    assert lakes["catalogue_no"].tolist() == ["КЫР-7", "КЫР-3", "КЫР-11", None]
    assert lakes["district"].tolist() == ["Чуйский", "Кеминский", "Чуйский", None]
    assert lakes["comment"].tolist() == ["плотина", None, "осмотр 2024", None]
    assert lakes["lake_name"].iloc[0] == "Адыгене"
    outlines = inventory.outlines.groupby("lake_id")["catalogue_no"].nunique(dropna=False)
    assert outlines.tolist() == [1] * 4


def test_numbers_stay_with_the_lake_when_list_and_lakes_move(tmp_path: Path) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    before = tracked(tmp_path, settings, TWO_YEARS)
    numbers = before.lakes.set_index("lake_id")["catalogue_no"]
    (tmp_path / "list.gpkg").unlink()
    listed(ROWS, shift_deg=0.01).to_file(tmp_path / "list.gpkg")  # each on its neighbour now
    after = tracked(tmp_path, settings, TWO_YEARS, before, "2026-06-01")
    assert after.lakes.set_index("lake_id")["catalogue_no"].equals(numbers)


def test_a_lake_of_the_catalogue_whose_scenes_are_away_is_kept(tmp_path: Path) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    before = tracked(tmp_path, settings, TWO_YEARS)
    after = tracked(tmp_path, settings, [scene("2026-08-01", PLACES[4:])], before)
    kept = after.lakes.set_index("catalogue_no")["lake_name"]
    assert kept["КЫР-7"] == "Адыгене"
    assert {"КЫР-7", "КЫР-3", "КЫР-11"} <= set(kept.index)


@pytest.mark.parametrize("is_catalogue_newer", [False, True])
def test_of_catalogue_and_edit_the_newer_counts_and_the_other_is_told(
    is_catalogue_newer: bool, tmp_path: Path
) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    inventory = edited(tracked(tmp_path, settings, TWO_YEARS), "КЫР-7", lake_name="Большое")
    renamed = [[*ROWS[0][:1], "Адыгине", *ROWS[0][2:]], *ROWS[1:]]
    of_geopackage(tmp_path, renamed)
    saved = "2026-03-01" if is_catalogue_newer else "2026-01-15"
    after = tracked(tmp_path, settings, TWO_YEARS, inventory, saved)
    lake = after.lakes.set_index("catalogue_no").loc["КЫР-7"]
    assert lake["lake_name"] == ("Адыгине" if is_catalogue_newer else "Большое")
    assert lake["district"] == "Чуйский"
    (told,) = differing(after.register, after.lakes, after.reviews).to_dict("records")
    assert (told["catalogue"], told["person"]) == ("Адыгине", "Большое")
    assert told["counts"] == lake["lake_name"]
    assert told["reviewer"] == "Иванова"
    page = write_report(after, tmp_path / "r.html", language="ru").read_text(encoding="utf-8")
    assert "Каталог и исправления расходятся" in page
    assert "Большое" in page
    assert "Адыгине" in page
    again = tracked(tmp_path, settings, TWO_YEARS, after, "2026-09-01")
    assert again.lakes.set_index("catalogue_no").loc["КЫР-7", "lake_name"] == lake["lake_name"]


def test_an_edit_of_one_value_does_not_outdate_another(tmp_path: Path) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    inventory = edited(tracked(tmp_path, settings, TWO_YEARS), "КЫР-7", lake_name="Большое")
    of_geopackage(tmp_path, [[*ROWS[0][:3], "новое примечание"], *ROWS[1:]])
    after = tracked(tmp_path, settings, TWO_YEARS, inventory, "2026-03-01")
    lake = after.lakes.set_index("catalogue_no").loc["КЫР-7"]
    assert (lake["lake_name"], lake["comment"]) == ("Большое", "новое примечание")


def test_a_number_that_a_person_moves_belongs_to_the_other_lake(tmp_path: Path) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    inventory = tracked(tmp_path, settings, TWO_YEARS)
    free = inventory.lakes.loc[inventory.lakes["catalogue_no"].isna(), "lake_id"].item()
    lakes = inventory.lakes.assign(
        catalogue_no=inventory.lakes["catalogue_no"].where(
            inventory.lakes["lake_id"] != free, "свободное"
        )
    )
    moved = edited(replace(inventory, lakes=lakes), "свободное", catalogue_no="КЫР-7")
    after = tracked(tmp_path, settings, TWO_YEARS, moved)
    owners = after.lakes.loc[after.lakes["catalogue_no"] == "КЫР-7", "lake_id"].tolist()
    assert owners == [free]
    assert after.lakes.set_index("lake_id").loc[free, "lake_name"] == "Адыгене"
    before, now = (table.lakes.set_index("lake_id")["number"] for table in (inventory, after))
    assert now.to_dict() == before.to_dict()


def test_a_number_that_a_person_gave_is_not_given_again_when_its_lake_is_rejected(
    tmp_path: Path,
) -> None:
    settings = replace(of_geopackage(tmp_path, ROWS), new_numbers=("KG-{n}",))
    inventory = tracked(tmp_path, settings, TWO_YEARS)
    named = edited(inventory, "KG-1", catalogue_no="KG-7")
    gone = edited(named, "KG-7", decision=Decision.REJECTED)
    places = [*PLACES[:3], PLACES[5]]
    later = [*TWO_YEARS, scene("2026-08-01", places), scene("2027-08-01", places)]
    after = tracked(tmp_path, settings, later, gone)
    assert set(after.lakes["catalogue_no"]) == {"КЫР-7", "КЫР-3", "КЫР-11", "KG-8"}


def test_a_number_given_here_is_not_taken_for_that_of_another_place(tmp_path: Path) -> None:
    settings = replace(of_geopackage(tmp_path, ROWS), new_numbers=("KG-{n}",))
    years = [scene("2024-08-01", PLACES[:5]), scene("2025-08-01", PLACES[:5])]
    inventory = tracked(tmp_path, settings, years)
    ours, other = inventory.lakes.sort_values("lon")["lake_id"].iloc[3:5]
    of_geopackage(tmp_path, [*ROWS, [None] * 4, ["KG-1", "Чужое", "Чуйский", None]])
    after = tracked(tmp_path, settings, years, inventory, "2027-01-01")
    again = tracked(tmp_path, settings, years, after, "2027-01-01")
    for found in (after, again):
        numbers = found.lakes.set_index("lake_id")[["catalogue_no", "lake_name", "district"]]
        assert numbers["catalogue_no"][[ours, other]].tolist() == ["KG-1", "KG-2"]
        assert numbers.loc[[ours, other], ["lake_name", "district"]].isna().all(axis=None)
        (told,) = describe(found, [], "ru").unseen_entries
        assert told["lake_name"] == "Чужое"
        assert ours in in_language(told["reason"], "ru")
    decided = edited(again, "KG-1", "2027-02-01", catalogue_no="KG-50")
    decided = edited(decided, "KG-2", "2027-02-01", catalogue_no="KG-1")
    last = tracked(tmp_path, settings, years, decided, "2027-01-01")
    lakes = last.lakes.set_index("lake_id")
    assert lakes["catalogue_no"][[ours, other]].tolist() == ["KG-50", "KG-1"]
    assert lakes["lake_name"][other] == "Чужое"
    assert describe(last, [], "ru").unseen_entries == ()


def test_a_list_that_was_numbered_anew_is_told_by_what_moved(tmp_path: Path) -> None:
    inventory = tracked(tmp_path, of_geopackage(tmp_path, ROWS), TWO_YEARS)
    anew = [[ROWS[1][0], *ROWS[0][1:]], [ROWS[0][0], *ROWS[1][1:]], ROWS[2]]
    after = tracked(tmp_path, of_geopackage(tmp_path, anew), TWO_YEARS, inventory, "2027-01-01")
    for found, count in ((inventory, 0), (after, 2)):
        quality = next(one for one in sheets(found) if one.title == "Quality control")
        moved = [row for row in quality.rows if "another place" in row[5]]
        assert len(moved) == count
    assert {in_language(row[6], "ru") for row in moved} == {"на расстоянии 0,8 км"}


def test_a_column_is_found_by_what_a_shapefile_in_utf_8_leaves_of_its_name(tmp_path: Path) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    cut = {name: name.encode()[:10].decode(errors="ignore") for name in HEADS}
    listed(ROWS).rename(columns=cut).to_file(tmp_path / "list.gpkg")
    found = read_catalogue(settings, tmp_path)
    assert found is not None
    assert found.places["lake_name"].tolist() == ["Адыгене", "Ак-Көл", None]


def test_districts_of_the_office_are_read_in_the_encoding_of_its_catalogue(tmp_path: Path) -> None:
    settings = of_shapefile(tmp_path, ROWS)
    table = gpd.GeoDataFrame({"РАЙОН": ["Чуйский"]}, geometry=[square(74, 42, 1)], crs=4326)
    table.to_file(tmp_path / "районы.shp", encoding="CP1251")
    (tmp_path / "районы.cpg").unlink()
    named = replace(settings, districts="районы.shp", district_field="РАЙОН")
    found = read_catalogue(named, tmp_path)
    assert found is not None
    assert found.districts["district"].tolist() == ["Чуйский"]
    with pytest.raises(VectorError) as refused:
        read_catalogue(replace(named, encoding=None), tmp_path)
    assert 'encoding = "CP1251"' in in_language(refused.value, "ru")


def test_a_lake_whose_number_a_person_took_away_gets_no_other(tmp_path: Path) -> None:
    settings = replace(of_geopackage(tmp_path, ROWS), new_numbers=("KG-{n}",))
    inventory = edited(tracked(tmp_path, settings, TWO_YEARS), "KG-1", catalogue_no="")
    after = tracked(tmp_path, settings, TWO_YEARS, inventory)
    assert after.lakes["catalogue_no"].isna().sum() == 1


def test_lakes_of_the_catalogue_that_no_image_shows_are_told_with_the_reason(
    tmp_path: Path,
) -> None:
    settings = of_geopackage(
        tmp_path, [*ROWS, ["КЫР-20", "Сухое", None, None], ["КЫР-21", None, None, None]]
    )
    inventory = tracked(tmp_path, settings, [scene("2024-08-01", PLACES[:3])])
    contents = describe(inventory, [], "ru")
    told = {
        row["catalogue_no"]: in_language(row["reason"], "ru") for row in contents.unseen_entries
    }
    assert set(told) == {"КЫР-20", "КЫР-21"}
    assert "место видно на снимках, последний – 01.08.2024" in told["КЫР-20"]
    page = write_report(inventory, tmp_path / "r.html", language="ru").read_text(encoding="utf-8")
    assert "Озёра каталога, которых нет на снимках" in page
    assert "Сухое" in page


def test_a_place_in_a_lake_that_has_a_number_is_not_that_of_its_neighbour(tmp_path: Path) -> None:
    near = (PLACES[1][0] + 0.003, PLACES[1][1])  # 80 m of land between them
    settings = of_geopackage(tmp_path, ROWS)
    one = [scene(day, PLACES[:3]) for day in ("2024-08-01", "2025-08-01")]
    before = tracked(tmp_path, settings, one)
    two = [*one, scene("2026-08-01", [*PLACES[:3], near]), scene("2027-08-01", [*PLACES[:3], near])]
    listed([*ROWS, ["КЫР-50", "Второй список", None, None]]).assign(
        geometry=[*(square(*place) for place in PLACES[:3]), square(*PLACES[1], 0.001)]
    ).to_file(tmp_path / "list.gpkg")
    for previous in (before, None):  # also where all join at once
        after = tracked(tmp_path, settings, two, previous, "2027-09-01")
        lakes = after.lakes.sort_values("lon")
        assert lakes["catalogue_no"].tolist() == ["КЫР-7", "КЫР-3", None, "КЫР-11"]
        (told,) = describe(after, [], "ru").unseen_entries
        assert told["catalogue_no"] == "КЫР-50"
        owner = lakes["lake_id"].iloc[1]
        assert in_language(told["reason"], "ru") == f"лежит в озере {owner}, у которого номер КЫР-3"


def test_a_point_in_a_lake_and_in_one_that_swallowed_it_is_that_of_the_smaller_one(
    tmp_path: Path,
) -> None:
    large, small = square(74.50, 42.60, 0.004), square(74.5045, 42.60, 0.002)
    joint = shapely.box(74.50, 42.60, 74.5065, 42.604)
    places = pd.DataFrame({"НОМЕР": ["1", "2"], "lat": 42.601, "lon": [74.5055, 74.502]})
    places.to_csv(tmp_path / "list.csv", index=False)
    scenes = []
    for year, shapes in ((2023, [large, small]), (2024, [large, small]), (2025, [joint])):
        time = pd.Timestamp(f"{year}-08-01T05:00").to_pydatetime()
        outlines = gpd.GeoDataFrame(geometry=shapes, crs=4326)
        scenes.append(gl.MappedScene(outlines, CompleteCoverage(str(year), time, "S2A", 10.0)))
    inventory = tracked(tmp_path, CatalogueSettings(file="list.csv", id="НОМЕР"), scenes)
    lakes = inventory.lakes.sort_values("lon")
    assert lakes["catalogue_no"].tolist() == ["2", "1"], lakes[["lake_id", "catalogue_no", "state"]]


def test_a_place_that_a_person_rejected_is_told_so_when_the_list_names_it(tmp_path: Path) -> None:
    before = tracked(tmp_path, of_geopackage(tmp_path, ROWS[:2]), TWO_YEARS)
    ours = before.lakes[before.lakes["catalogue_no"].isna()].sort_values("lon")["lake_id"].iloc[0]
    numbers = before.lakes["catalogue_no"].fillna(before.lakes["lake_id"])
    gone = edited(
        replace(before, lakes=before.lakes.assign(catalogue_no=numbers)),
        *(ours,),
        decision=Decision.REJECTED,
    )
    after = tracked(tmp_path, of_geopackage(tmp_path, ROWS), TWO_YEARS, gone, "2026-03-01")
    assert ours not in set(after.lakes["lake_id"])
    (told,) = describe(after, [], "ru").unseen_entries
    assert told["catalogue_no"] == "КЫР-11"
    assert in_language(told["reason"], "ru") == f"озеро {ours} отклонено человеком"


def test_new_lakes_get_the_next_free_number_of_their_district(tmp_path: Path) -> None:
    rows = [["KG-CHU-0007", "A", "Чуйский", None], ["KG-KEM-0002", "B", "Кеминский", None]]
    settings = of_geopackage(tmp_path, rows)
    west, south, east, north = 74.515, 42.5, 74.535, 42.7
    polygons = [shapely.box(west, south, east, north), shapely.box(east, south, 74.6, north)]
    gpd.GeoDataFrame({"name": ["Чуйский", "Кеминский"]}, geometry=polygons, crs=4326).to_file(
        tmp_path / "districts.gpkg"
    )
    settings = replace(
        settings,
        new_numbers=("Чуйский=KG-CHU-{n:04d}", "KG-XXX-{n}", "Кеминский=KG-KEM-{n:04d}"),
        districts="districts.gpkg",
    )
    years = [scene("2024-08-01", PLACES), scene("2025-08-01", PLACES)]
    inventory = tracked(tmp_path, settings, years)
    lakes = inventory.lakes.sort_values("lon")
    assert sorted(lakes["catalogue_no"]) == [
        *("KG-CHU-0007", "KG-CHU-0008", "KG-CHU-0009"),
        *("KG-KEM-0002", "KG-KEM-0003", "KG-KEM-0004"),
    ]
    again = tracked(tmp_path, settings, years, inventory, "2027-01-01")
    numbers = [
        one.lakes.set_index("lake_id")["catalogue_no"].to_dict() for one in (inventory, again)
    ]
    assert numbers[0] == numbers[1]
    places = [*PLACES, (74.56, 42.61)]
    later = [*years, scene("2026-08-01", places), scene("2027-08-01", places)]
    grown = tracked(tmp_path, settings, later, again)
    new = grown.lakes[~grown.lakes["lake_id"].isin(again.lakes["lake_id"])]
    assert new["catalogue_no"].tolist() == ["KG-KEM-0005"]


def test_numbers_are_those_of_their_pattern_only() -> None:
    form = pattern_of("KG-CHU-{n:04d}/a")
    assert form.fullmatch("KG-CHU-0012/a")[1] == "0012"
    assert form.fullmatch("KG-CHU-0012/b") is None
    assert form.fullmatch("KG-CHU-xx/a") is None


def test_without_a_pattern_new_lakes_get_no_number(tmp_path: Path) -> None:
    inventory = tracked(tmp_path, of_geopackage(tmp_path, ROWS), TWO_YEARS)
    assert inventory.lakes["catalogue_no"].isna().sum() == 1


def test_the_register_is_kept_in_the_file(tmp_path: Path) -> None:
    inventory = tracked(tmp_path, of_geopackage(tmp_path, ROWS), TWO_YEARS)
    inventory.to_file(tmp_path / "inventory.gpkg")
    read = gl.open_inventory(tmp_path / "inventory.gpkg")
    pd.testing.assert_frame_equal(read.register, inventory.register, check_dtype=False)


@pytest.mark.parametrize(
    ("rows", "change", "told"),
    [
        ([ROWS[0], ROWS[0]], {}, "один номер у нескольких озёр: КЫР-7"),
        (ROWS, {"id": "КОД"}, "нет столбца КОД"),
        (ROWS, {"id": None}, "не указано, в каком столбце номера"),
    ],
)
def test_a_catalogue_that_cannot_be_is_refused_in_one_line(
    rows: list[list[str | None]], change: dict[str, str | None], told: str, tmp_path: Path
) -> None:
    settings = replace(of_geopackage(tmp_path, rows), **change)
    with pytest.raises(VectorError) as refused:
        read_catalogue(settings, tmp_path)
    assert told in in_language(refused.value, "ru")


def test_a_table_without_coordinates_or_with_odd_ones_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("НОМЕР;НАЗВАНИЕ\n1;А\n", encoding="utf-8")
    settings = CatalogueSettings(file="list.csv", id="НОМЕР")
    with pytest.raises(VectorError, match="where its lakes lie"):
        read_catalogue(settings, tmp_path)
    path.write_text("НОМЕР;lat;lon\n1;42,5;74,5\n2;4712345;74,5\n", encoding="utf-8")
    with pytest.raises(VectorError, match=r"no degrees in rows 3"):
        read_catalogue(settings, tmp_path)


def test_a_project_names_its_catalogue(tmp_path: Path) -> None:
    of_geopackage(tmp_path, ROWS)
    text = '[catalogue]\nfile = "list.gpkg"\nid = "НОМЕР"\nnew_numbers = ["KG-{n:04d}"]\n'
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    project = read_project(tmp_path / "project.toml", environment={})
    assert project.catalogue.new_numbers == ("KG-{n:04d}",)
    for wrong in ('new_numbers = ["KG"]', 'new_numbers = ["{n}{n}"]', 'file = "none.shp"'):
        (tmp_path / "project.toml").write_text(f"[catalogue]\n{wrong}\n", encoding="utf-8")
        with pytest.raises(GlacialLakesError):
            read_project(tmp_path / "project.toml", environment={})


def test_labels_stand_wherever_a_lake_is_shown(tmp_path: Path) -> None:
    inventory = tracked(tmp_path, of_geopackage(tmp_path, ROWS), TWO_YEARS)
    gl.export_inventory(
        inventory, tmp_path / "out", ["kmz", "xlsx", "shp", "report"], language="ru"
    )
    with zipfile.ZipFile(tmp_path / "out" / "lakes.kmz") as archive:
        document = archive.read("doc.kml").decode()
    assert "<name>КЫР-7 Адыгене</name>" in document
    assert document.index("<name>Кеминский</name>") < document.index("<name>Чуйский</name>")
    assert "<TimeSpan>" in document
    assert "#present" in document
    shapes = gpd.read_file(tmp_path / "out" / "shapefiles" / "lakes.shp")
    assert set(shapes["Catal_No"].dropna()) == {"КЫР-7", "КЫР-3", "КЫР-11"}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("КЫР-7 Адыгене") >= 3
    assert np.isin(["number", "catalogue_no", "district"], inventory.lakes.columns).all()


PLACELESS = [*ROWS, ["07", "Без места", "Чуйский", None], ["008", "Найдено в поле", None, None]]


def placeless_table(folder: Path) -> CatalogueSettings:
    settings = of_table(folder, ROWS)
    more = [";".join([*(text or "" for text in row), "", "–"]) for row in PLACELESS[3:]]
    text = "\r\n".join(["", *more, ";Без номера;Чуйский;;42,7;74,9", ""])
    path = folder / "list.csv"
    path.write_bytes(path.read_bytes() + text.encode("cp1251"))
    return settings


def placeless_shapefile(folder: Path) -> CatalogueSettings:
    rows = [*PLACELESS, [None, "Без номера", "Чуйский", None]]
    shapes = [*(square(*place) for place in PLACES[:3]), None, None, square(74.9, 42.7)]
    table = gpd.GeoDataFrame(pd.DataFrame(rows, columns=HEADS), geometry=shapes, crs=4326)
    table = table.replace("Ак-Көл", "Ак-Кол")  # CP866 has no Kyrgyz letters
    table.to_file(folder / "list.shp", encoding="CP866")
    (folder / "list.cpg").write_text("866")
    return CatalogueSettings(file="list.shp", **{key: name[:10] for key, name in NAMES.items()})


@pytest.mark.parametrize("write", [placeless_table, placeless_shapefile])
def test_a_lake_whose_place_the_list_does_not_tell_is_listed_and_waits_for_its_number(
    write, tmp_path: Path
) -> None:
    settings = write(tmp_path)
    before = tracked(tmp_path, settings, TWO_YEARS)
    assert before.lakes["catalogue_no"].dropna().tolist() == ["КЫР-7", "КЫР-3", "КЫР-11"]
    book = {sheet.title: sheet for sheet in sheets(before)}["Not on images"]
    reasons = {row[0]: in_language(row[-1], "ru") for row in book.rows}
    assert {number: reasons[number] for number in ("07", "008")} == dict.fromkeys(
        ("07", "008"), "в каталоге не указано, где оно находится"
    )
    lakes = before.lakes.assign(catalogue_no=before.lakes["catalogue_no"].fillna("–"))
    numbered = edited(replace(before, lakes=lakes), "–", catalogue_no="008")
    after = tracked(tmp_path, settings, TWO_YEARS, numbered)
    assert after.lakes.set_index("catalogue_no").loc["008", "lake_name"] == "Найдено в поле"


@pytest.mark.parametrize("write", [placeless_table, placeless_shapefile])
def test_rows_of_the_list_without_a_number_are_told(write, tmp_path: Path) -> None:
    note = catalogue_of(tmp_path, write(tmp_path)).note
    assert note is not None
    row = {"list.csv": 7, "list.shp": 6}[write(tmp_path).file or ""]
    assert in_language(note, "ru") == f"у 1 строки нет номера, она не используется: {row}"


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("42°31'48\"", 42.53),
        ("42° 31' 48,0'' с.ш.", 42.53),
        ("42 31 48", 42.53),
        ("42°31,8′", 42.53),
        ("N42°31′48″", 42.53),
        ("42º31’48” с. ш.", 42.53),
        ("74°30' в. д.", 74.5),
        ("12°30'00\" ю. ш.", -12.5),
        ("70°15' W", -70.25),
        ("-42,53", -42.53),
        ("42.53°", 42.53),
    ],
)
def test_degrees_are_read_as_offices_write_them(text: str, degrees: float) -> None:
    assert degrees_of(text) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize("text", ["42°75'", "42°31'75\"", "близко", "4 712 345", "1e2"])
def test_what_is_no_degrees_is_not_taken_for_them(text: str) -> None:
    assert not abs(degrees_of(text)) <= 180


def test_a_list_in_degrees_minutes_and_seconds_joins_as_one_in_degrees(tmp_path: Path) -> None:
    lines = ["НОМЕР;Широта;Долгота"]
    for n, (lon, lat) in enumerate(PLACES[:3]):
        cells = [f"{int(x)}°{x % 1 * 60 + 0.06:.4f}'".replace(".", ",") for x in (lat, lon)]
        lines.append(f"0{n};{cells[0]};{cells[1]}")
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    inventory = tracked(tmp_path, CatalogueSettings(file="list.csv", id="НОМЕР"), TWO_YEARS)
    lakes = inventory.lakes.sort_values("lon")
    assert lakes["catalogue_no"].tolist() == ["00", "01", "02", None]


@pytest.mark.parametrize("write", [of_shapefile, of_geopackage, of_table])
def test_a_lake_that_a_person_gives_a_number_of_its_own_is_still_called_so(
    write, tmp_path: Path
) -> None:
    settings = write(tmp_path, ROWS)
    before = tracked(tmp_path, settings, TWO_YEARS)
    lake = before.lakes.set_index("catalogue_no").loc["КЫР-7"]
    inventory = edited(before, "КЫР-7", catalogue_no="КЫР-7а")
    for _ in range(2):
        inventory = tracked(tmp_path, settings, TWO_YEARS, inventory)
        now = inventory.lakes.set_index("lake_id").loc[lake["lake_id"]]
        for name in ("lake_name", "district", "comment", "number"):
            assert now[name] == lake[name], name
        assert now["catalogue_no"] == "КЫР-7а"
        assert inventory.lakes["number"].is_unique
    back = edited(inventory, "КЫР-7а", "2026-04-01", catalogue_no="КЫР-7")
    after = tracked(tmp_path, settings, TWO_YEARS, back)
    assert after.lakes.set_index("catalogue_no").loc["КЫР-7", "lake_name"] == lake["lake_name"]
    assert after.register["lake_id"].dropna().is_unique


@pytest.mark.parametrize("write", [of_shapefile, of_geopackage])
def test_headings_and_sums_among_the_rows_of_a_list_are_no_lakes(write, tmp_path: Path) -> None:
    rows = [*ROWS, ["Итого", None, None, None]]
    settings = write(tmp_path, rows)
    path = tmp_path / str(settings.file)
    table = gpd.read_file(path, **({"encoding": "CP1251"} if settings.encoding else {}))
    table.geometry = [*table.geometry[:3], None]
    table.to_file(path, **({"encoding": "CP1251"} if settings.encoding else {}))
    catalogue = catalogue_of(tmp_path, settings)
    assert len(catalogue.places) == 3
    assert in_language(catalogue.note, "ru").startswith("у 1 строки нет номера")


def test_a_sum_below_the_numbers_of_a_list_is_no_lake(tmp_path: Path) -> None:
    lines = ["п/п;НОМЕР;НАЗВАНИЕ;lat;lon", "1;КЫР-7;Адыгене;42,6;74,5", "2;9;Всего;;", "Итого;2;;;"]
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    settings = CatalogueSettings(file="list.csv", id="НОМЕР", name="НАЗВАНИЕ")
    found = catalogue_of(tmp_path, settings)
    assert found.places["catalogue_no"].tolist() == ["КЫР-7", "9"]
    assert in_language(found.note, "ru") == "у 1 строки нет номера, она не используется: 4"


def test_districts_are_of_use_where_every_lake_has_one_already(tmp_path: Path) -> None:
    area = gpd.GeoDataFrame({"name": ["Другой"]}, geometry=[shapely.box(74, 42, 75, 43)], crs=4326)
    area.to_file(tmp_path / "districts.gpkg")
    settings = replace(of_geopackage(tmp_path, ROWS), districts="districts.gpkg")
    inventory = tracked(tmp_path, settings, [scene("2024-08-01", PLACES[:3])])
    assert inventory.lakes["district"].tolist() == ["Чуйский", "Кеминский", "Чуйский"]


def drawn(inventory: Inventory, shape: shapely.Polygon) -> Inventory:
    """Return the inventory with a lake that a person drew where scenes show none."""
    last = inventory.scenes.iloc[-1]
    row = {
        "review_id": 1,
        "lake_id": "GL074600E42700N",
        "decision": Decision.ADDED,
        "reviewed": pd.Timestamp("2026-02-01", tz="UTC"),
        **last[["acquired", "scene_id", "sensor"]],
    }
    table = schema.conform(pd.DataFrame([row]), schema.REVIEWS)
    return inventory.with_reviews(
        gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([shape], crs=4326))
    )


def test_a_renamed_district_reaches_a_lake_that_a_person_drew(tmp_path: Path) -> None:
    settings = replace(of_geopackage(tmp_path, ROWS), districts="districts.gpkg")

    def of(name: str, previous: Inventory | None) -> Inventory:
        area = gpd.GeoDataFrame({"name": [name]}, geometry=[shapely.box(74, 42, 75, 43)], crs=4326)
        area.to_file(tmp_path / "districts.gpkg")
        return tracked(tmp_path, settings, TWO_YEARS, previous)

    first = drawn(of("Чуйский", None), square(74.6, 42.7))
    second = of("Жайыл", of("Чуйский", first))
    for table in (second.lakes, second.outlines):
        district = table.set_index("lake_id")["district"]
        assert district["GL074600E42700N"] == "Жайыл"
    told = second.lakes.set_index("catalogue_no")["district"]
    assert told[["КЫР-7", "КЫР-3"]].tolist() == ["Чуйский", "Кеминский"]
    unnamed = edited(second, "КЫР-7", district="")
    assert "Жайыл" not in set(of("Жайыл", unnamed).lakes.set_index("catalogue_no")["district"][:2])


def test_what_the_catalogue_takes_back_leaves_a_lake_that_scenes_do_not_show(
    tmp_path: Path,
) -> None:
    settings = of_geopackage(tmp_path, ROWS)
    inventory = edited(tracked(tmp_path, settings, TWO_YEARS), "КЫР-7", comment="наше")
    some = [scene("2024-08-01", PLACES[2:4]), scene("2025-08-01", PLACES[2:4])]
    settings = of_geopackage(tmp_path, [["КЫР-7", None, None, None], *ROWS[1:]])
    later = tracked(tmp_path, settings, some, inventory, "2027-01-01")
    lake = later.lakes.set_index("catalogue_no").loc["КЫР-7"]
    assert lake[["lake_name", "district"]].isna().all()
    assert lake["comment"] == "наше"
    assert later.lakes.set_index("catalogue_no").loc["КЫР-3", "lake_name"] == "Ак-Көл"


def test_an_old_copy_is_no_decision_on_what_the_list_has_changed_since(tmp_path: Path) -> None:
    """The operator changed one remark; names and districts the ministry did, after the copy."""
    first = tracked(tmp_path, of_geopackage(tmp_path, ROWS), TWO_YEARS)
    first = replace(first, runs=run_of(first, "1"))
    first.to_file(tmp_path / "copy.gpkg")
    with closing(sqlite3.connect(tmp_path / "copy.gpkg")) as file, file:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            file.create_function(name, 1, lambda _: 0)
        file.execute("UPDATE lakes SET comment = 'осмотрено' WHERE catalogue_no = 'КЫР-3'")
    rows = [[no, name and f"{name} (новое)", "Жайыл", note] for no, name, _, note in ROWS]
    years = [*TWO_YEARS, scene("2026-08-01", PLACES[:4])]
    second = tracked(tmp_path, of_geopackage(tmp_path, rows), years, first, "2027-01-01")
    second = replace(second, runs=run_of(second, "2"))
    found = differences(second, read_edited(tmp_path / "copy.gpkg"))
    said = found[["decision", "lake_name", "district", "comment"]].to_numpy().tolist()
    assert said == [[Decision.COMMENTED, None, None, "осмотрено"]]


def run_of(inventory: Inventory, name: str) -> pd.DataFrame:
    runs = pd.DataFrame([*inventory.runs.to_dict("records"), {"run_id": name}])
    return schema.conform(runs, schema.RUNS)
