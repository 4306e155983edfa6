# ruff: noqa: S608
"""Columns, layers and styles that a person adds in QGIS survive runs and reviews."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely
from sample_inventory import make_inventory

from glacial_lakes.errors import InputError, LockedError, OutputError
from glacial_lakes.events import Event, InputOdd, ScenesAway
from glacial_lakes.inventory.inventory import Inventory, open_inventory
from glacial_lakes.inventory.kept import (
    annotated_lakes,
    refuse_empty,
    tell_away,
    touched_lakes,
    with_kept,
)
from glacial_lakes.io.at_rest import settle
from glacial_lakes.io.carry_over import carry_over
from glacial_lakes.io.kinds import may_replace
from glacial_lakes.review import working_copy
from glacial_lakes.review.review_file import review_file
from glacial_lakes.runtime.revision import code_version
from glacial_lakes.tracking.tables import Tracked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    inventory = make_inventory(8)
    by_this_code = inventory.runs.assign(version=code_version())
    working_copy.replace(replace(inventory, runs=by_this_code), tmp_path / "inventory.gpkg")
    return tmp_path / "inventory.gpkg"


def execute(path: Path, *statements: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database, database:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(name, 1, lambda _: 0)
        return [row for text in statements for row in database.execute(text).fetchall()]


def test_columns_stay_with_their_rows(path: Path) -> None:
    execute(
        path,
        "ALTER TABLE lakes ADD COLUMN depth_m REAL",
        "ALTER TABLE outlines ADD COLUMN 'мой столбец' TEXT(20)",
        "UPDATE lakes SET depth_m = fid * 1.5",
        "UPDATE outlines SET 'мой столбец' = lake_id || acquired",
    )
    before = execute(path, "SELECT lake_id, depth_m FROM lakes ORDER BY lake_id")
    for text in ("one", "two"):
        execute(path, f"UPDATE lakes SET comment = '{text}' WHERE fid = 2")
        assert len(review_file(path)) == 1
        assert execute(path, "SELECT lake_id, depth_m FROM lakes ORDER BY lake_id") == before
    assert execute(
        path, 'SELECT COUNT(*) FROM outlines WHERE "мой столбец" != lake_id || acquired'
    ) == [(0,)]
    assert execute(path, 'SELECT COUNT(*) FROM outlines WHERE "мой столбец" IS NULL') == [(0,)]
    working_copy.take_in(path)
    inventory = open_inventory(path)
    fewer = replace(inventory, lakes=inventory.lakes.iloc[::-2].reset_index(drop=True))
    working_copy.replace(fewer, path)
    assert set(execute(path, "SELECT lake_id, depth_m FROM lakes")) < set(before)
    assert pyogrio.read_info(path, layer="lakes")["dtypes"][-1] == "float64"
    assert review_file(path).empty


COMPUTED = (
    "ha REAL AS (area_m2 / 10000.0)",
    '"объём, м³" REAL GENERATED ALWAYS AS (depth_m * area_m2) VIRTUAL',
    "[note, 'my] TEXT AS (lake_id || ', (STORED' /* , ( */ || coalesce(\"depth_m\", '-')) STORED",
)


def with_computed(path: Path) -> None:
    """Add columns to the lakes that are computed of others; those stored need a new table."""
    execute(path, "ALTER TABLE lakes ADD COLUMN depth_m REAL", "UPDATE lakes SET depth_m = fid")
    ((text,),) = execute(path, "SELECT sql FROM sqlite_master WHERE name = 'lakes'")
    held = ", ".join(
        f'"{name}"' for (name,) in execute(path, "SELECT name FROM pragma_table_info('lakes')")
    )
    execute(
        path,
        "CREATE TABLE copy AS SELECT * FROM lakes",
        "DROP TABLE lakes",
        f"{str(text).rpartition(')')[0]}, {', '.join(COMPUTED)})",
        f"INSERT INTO lakes ({held}) SELECT {held} FROM copy",
        "DROP TABLE copy",
    )


def test_columns_that_are_computed_of_others_are_computed_of_the_new_ones(path: Path) -> None:
    with_computed(path)
    listed = """SELECT ha, "объём, м³", "note, 'my", depth_m FROM lakes ORDER BY lake_id"""
    before = execute(path, listed)
    for comment in ("one", "two"):
        execute(path, f"UPDATE lakes SET comment = '{comment}' WHERE fid = 2")
        assert len(review_file(path)) == 1
        assert execute(path, listed) == before
    assert len(before) == len({note for _, _, note, _ in before}) == 8
    execute(path, "UPDATE lakes SET depth_m = 7 WHERE fid = 1")
    assert execute(path, 'SELECT "объём, м³" / area_m2 FROM lakes WHERE fid = 1') == [(7,)]


RULES = """
    "lake_id" TEXT COLLATE NOCASE UNIQUE|
    "lake_type" TEXT DEFAULT 'moraine-dammed' CHECK ("lake_type" != 'none')|
    "checked" INTEGER NOT NULL DEFAULT 0|
    "how, (sure" TEXT DEFAULT 'a, b' CHECK ("how, (sure" IN ('a, b', 'sure'))|
    [by] TEXT NOT NULL|
    twice REAL AS (area_m2 * 2) STORED NOT NULL|
    CONSTRAINT deep CHECK (area_m2 > 0 OR checked = 1)
"""


def with_rules(path: Path) -> None:
    """Declare the lakes anew, with rules on columns of ours, of a person, and on the table."""
    ((text,),) = execute(path, "SELECT sql FROM sqlite_master WHERE name = 'lakes'")
    held = [name for (name,) in execute(path, "SELECT name FROM pragma_table_info('lakes')")]
    columns = dict(
        zip(held, str(text).partition("(")[2].rpartition(")")[0].split(","), strict=True)
    )
    parts = [part.strip() for part in RULES.split("|")]
    columns |= {"lake_id": parts[0], "lake_type": parts[1]}
    listed = ", ".join(f'"{name}"' for name in held)
    gpkg = "SELECT sql FROM sqlite_master WHERE tbl_name = 'lakes' AND type = 'trigger'"
    triggers = [str(sql) for (sql,) in execute(path, gpkg)]
    execute(
        path,
        "CREATE TABLE copy AS SELECT * FROM lakes",
        "DROP TABLE lakes",
        f"CREATE TABLE lakes ({', '.join([*columns.values(), *parts[2:]])})",
        f"INSERT INTO lakes ({listed}, \"by\") SELECT {listed}, 'me' FROM copy",
        "DROP TABLE copy",
        *triggers,
    )


def declared(path: Path) -> list[tuple[object, ...]]:
    return execute(
        path,
        'SELECT name, upper(type), "notnull", dflt_value, hidden '
        "FROM pragma_table_xinfo('lakes') ORDER BY name",
    )


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE lakes SET \"how, (sure\" = 'maybe'", "CHECK"),
        ("UPDATE lakes SET lake_type = 'none'", "CHECK"),
        ("UPDATE lakes SET area_m2 = -1", "CHECK"),
        ('UPDATE lakes SET "by" = NULL', "NOT NULL"),
        ("UPDATE lakes SET checked = NULL", "NOT NULL"),
        ("UPDATE lakes SET lake_id = (SELECT lower(max(lake_id)) FROM lakes)", "UNIQUE"),
    ],
)
def test_rules_that_a_person_gave_columns_are_still_kept(
    path: Path, statement: str, told: str
) -> None:
    with_rules(path)
    before = declared(path)
    for comment in ("one", "two"):
        execute(path, f"UPDATE lakes SET comment = '{comment}' WHERE fid = 2")
        assert len(review_file(path)) == 1
        assert declared(path) == before
    with pytest.raises(sqlite3.IntegrityError, match=told):
        execute(path, statement)
    assert execute(path, "PRAGMA integrity_check") == [("ok",)]
    places = pyogrio.read_dataframe(path, layer="lakes", bbox=(-180, -90, 180, 90))
    assert len(places) == 8
    assert execute(path, "SELECT count(*) FROM lakes WHERE twice = area_m2 * 2") == [(8,)]


def test_a_new_row_has_the_default_of_a_column_or_the_rule_is_named(path: Path) -> None:
    execute(path, "ALTER TABLE lakes ADD COLUMN seen TEXT NOT NULL DEFAULT 'not yet'")
    execute(path, "UPDATE lakes SET seen = 'in 2021' WHERE fid <= 3")
    working_copy.take_in(path)
    working_copy.replace(make_inventory(10), path)
    listed = "SELECT seen, count(*) FROM lakes GROUP BY seen ORDER BY seen"
    assert execute(path, listed) == [("in 2021", 3), ("not yet", 7)]
    assert "seen" in {name for name, _, notnull, *_ in declared(path) if notnull}

    with_rules(path)
    working_copy.take_in(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"rule of yours .* NOT NULL constraint failed: lakes.by"):
        working_copy.replace(make_inventory(12), path)
    assert path.read_bytes() == before


def test_a_column_that_is_computed_of_others_is_no_word_of_a_person(path: Path) -> None:
    execute(path, f"ALTER TABLE lakes ADD COLUMN {COMPUTED[0]}")
    assert annotated_lakes(open_inventory(path)) == set()
    working_copy.take_in(path)
    working_copy.replace(make_inventory(6), path)  # of fewer lakes: nothing of a person waits
    assert execute(path, "SELECT name FROM sqlite_master WHERE name LIKE 'kept%'") == []
    assert execute(path, "SELECT count(*) FROM lakes WHERE ha * 10000 = area_m2") == [(6,)]


def test_an_inventory_with_a_computed_column_is_theirs(path: Path) -> None:
    make_inventory(8).to_file(path.with_name("new.gpkg"))
    assert may_replace(path.with_name("new.gpkg"), path)
    execute(path, f"ALTER TABLE lakes ADD COLUMN {COMPUTED[0]}")
    assert not may_replace(path.with_name("new.gpkg"), path)


def test_a_computed_column_that_has_nothing_to_be_computed_of_is_told(path: Path) -> None:
    """Of a column that only an earlier version wrote."""
    execute(path, "ALTER TABLE lakes ADD COLUMN z REAL")
    execute(path, "ALTER TABLE lakes ADD COLUMN twice REAL AS (z * 2)")
    new = path.with_name("new.gpkg")
    make_inventory(6).to_file(new)
    own = {"lakes": ["lake_id", "z"]}
    with pytest.raises(OutputError, match=r"cannot be kept: .*no such column: z; move them"):
        carry_over(path, new, own, {"lakes": ("lake_id",)})


def test_titles_that_a_person_gave_to_layers_stay(path: Path) -> None:
    execute(
        path,
        "UPDATE gpkg_contents SET identifier = 'Озёра', description = 'мои слова' "
        "WHERE table_name = 'lakes'",
        "UPDATE lakes SET comment = 'seen' WHERE fid = 1",
    )
    assert len(review_file(path)) == 1
    titles = "SELECT identifier, description FROM gpkg_contents WHERE table_name = 'lakes'"
    assert execute(path, titles) == [("Озёра", "мои слова")]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "INSERT INTO events (lake_id, event, date) VALUES ('{lake}', 'drained', '2021-07-01')",
            "events is computed: 1 row that was added is not taken in, of {lake}",
        ),
        (
            "INSERT INTO observations (lake_id, area_m2) VALUES ('{lake}', 1234.5)",
            "observations is computed: 1 row that was added is not taken in, of {lake}",
        ),
        (
            "UPDATE observations SET sensor = 'field' WHERE fid < 3",
            '"Satellite and sensor" (observations.sensor) is computed and stays as it was, in 2 '
            "rows, such as of {lake}",
        ),
        (
            "DELETE FROM observations WHERE fid = 1",
            "observations is computed: 1 row that was deleted is back, of {lake}",
        ),
        (
            "UPDATE trends SET slope_m2_per_year = -99999 WHERE lake_id = '{lake}'",
            '"Median slope (Theil-Sen), or that of least squares" (trends.slope_m2_per_year) is '
            "computed and stays as it was, in 1 row, of {lake}",
        ),
        (
            "INSERT INTO alerts (lake_id, alert) VALUES ('{lake}', 'fast growth')",
            "alerts is computed: 1 row that was added is not taken in, of {lake}",
        ),
        (
            "INSERT INTO scenes (scene_id) VALUES ('my photo')",
            "scenes is computed: 1 row that was added is not taken in, of my photo",
        ),
    ],
)
def test_what_a_person_wrote_into_a_computed_layer_is_told_and_kept_in_a_copy(
    statement: str, told: str, path: Path
) -> None:
    ((lake,),) = execute(path, "SELECT lake_id FROM observations WHERE fid = 1")
    execute(path, statement.format(lake=lake))
    edited = path.read_bytes()
    heard: list[Event] = []
    assert review_file(path, on_event=heard.append).empty
    assert [event.reason for event in heard if isinstance(event, InputOdd)] == [
        told.format(lake=lake),
        "a copy of the edited file goes to the folder edited",
    ]
    (kept,) = (path.parent / "edited").iterdir()
    assert kept.read_bytes() == edited


@pytest.mark.parametrize("layer", ["lakes", "outlines", "observations", "events"])
def test_what_a_person_wrote_in_a_row_waits_until_the_row_is_back(path: Path, layer: str) -> None:
    """Scenes that are away for some runs take rows away, and bring them back."""
    execute(path, f"ALTER TABLE {layer} ADD COLUMN note TEXT", f"UPDATE {layer} SET note = fid")
    execute(path, f"UPDATE {layer} SET note = '' WHERE fid = 1")
    listed = f"SELECT note FROM {layer} WHERE note != '' ORDER BY CAST(note AS INTEGER)"
    before = execute(path, listed)
    inventory = open_inventory(path)
    table = getattr(inventory, layer)
    for _ in range(2):
        working_copy.take_in(path)
        fewer = table.iloc[: len(table) // 2].reset_index(drop=True)
        working_copy.replace(replace(inventory, **{layer: fewer}), path)
        assert len(execute(path, listed)) == len(fewer) - 1
        waiting = execute(path, f"SELECT note FROM kept_{layer} ORDER BY CAST(note AS INTEGER)")
        assert waiting == before[len(fewer) - 1 :]
        assert pyogrio.read_dataframe(path, layer=f"kept_{layer}")["note"].notna().all()
        assert len(getattr(open_inventory(path), layer)) == len(fewer)
    working_copy.replace(inventory, path)
    assert execute(path, listed) == before
    assert f"kept_{layer}" not in set(pyogrio.list_layers(path)[:, 0])


def test_indexes_and_triggers_on_layers_of_ours_stay(path: Path) -> None:
    execute(
        path,
        "ALTER TABLE lakes ADD COLUMN depth_m REAL",
        "CREATE INDEX by_depth ON lakes (depth_m)",
        "CREATE TABLE log (lake_id TEXT)",
        "CREATE TRIGGER logged AFTER UPDATE OF comment ON lakes "
        "BEGIN INSERT INTO log VALUES (NEW.lake_id); END",
    )
    listed = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') ORDER BY name"
    before = execute(path, listed)
    working_copy.take_in(path)
    working_copy.replace(make_inventory(6), path)
    assert execute(path, listed) == before
    assert execute(path, "SELECT * FROM log") == []
    execute(path, "UPDATE lakes SET comment = 'seen' WHERE fid = 2")
    assert len(execute(path, "SELECT * FROM log")) == 1


def test_a_trigger_on_a_view_of_a_person_stays(path: Path) -> None:
    execute(
        path,
        "CREATE VIEW remarks AS SELECT lake_id, comment FROM lakes",
        "CREATE TRIGGER noted INSTEAD OF UPDATE ON remarks BEGIN "
        "UPDATE lakes SET comment = NEW.comment WHERE lake_id = NEW.lake_id; END",
    )
    working_copy.take_in(path)
    working_copy.replace(make_inventory(6), path)
    execute(path, "UPDATE remarks SET comment = 'seen'")
    assert execute(path, "SELECT count(*) FROM lakes WHERE comment = 'seen'") == [(6,)]


def test_layers_tables_and_views_stay_as_they_are(path: Path) -> None:
    points = gpd.GeoDataFrame(
        {"name": ["a", "b"]}, geometry=gpd.points_from_xy([74.5, 74.6], [42.6, 42.7]), crs=4326
    ).to_crs(32643)
    pyogrio.write_dataframe(points, path, layer="field sites", driver="GPKG", append=True)
    execute(
        path,
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL, n INTEGER AS (id * 2))",
        "CREATE INDEX notes_text ON notes (text)",
        "INSERT INTO notes (id, text) VALUES (7, 'моё')",
        "CREATE VIEW large AS SELECT * FROM lakes WHERE area_m2 > 1e5",
        "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)",
        "INSERT INTO qgis_projects VALUES ('mine', x'00', x'0102')",
    )
    for count in (8, 6):
        working_copy.take_in(path)
        working_copy.replace(make_inventory(count), path)
        back = gpd.read_file(path, layer="field sites")
        assert back.crs == points.crs
        assert back["name"].tolist() == ["a", "b"]
        assert back.geometry.geom_equals(points.geometry).all()
        found = gpd.read_file(path, layer="field sites", bbox=tuple(points.total_bounds))
        assert len(found) == 2  # by the index of places
        assert execute(path, "SELECT * FROM notes") == [(7, "моё", 14)]
        assert execute(path, "SELECT content FROM qgis_projects") == [(b"\x01\x02",)]
        assert execute(path, "SELECT COUNT(*) FROM large")[0][0] > 0
        assert execute(path, "PRAGMA integrity_check") == [("ok",)]
        assert len(open_inventory(path).lakes) == count
    more = points.iloc[:1].assign(name="c")
    pyogrio.write_dataframe(more, path, layer="field sites", driver="GPKG", append=True)
    assert len(gpd.read_file(path, layer="field sites")) == 3


def test_the_style_of_a_person_stays_and_ours_is_renewed(path: Path) -> None:
    execute(
        path,
        "UPDATE layer_styles SET styleQML = '<qgis>mine</qgis>' WHERE f_table_name = 'outlines'",
        "UPDATE layer_styles SET useAsDefault = 0 WHERE f_table_name = 'lakes'",
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
        "f_geometry_column, styleName, styleQML, useAsDefault) "
        "VALUES ('', '', 'lakes', 'geom', 'depths', '<qgis>depths</qgis>', 1)",
    )
    working_copy.take_in(path)
    working_copy.replace(make_inventory(6), path)
    listed = "SELECT f_table_name, styleName, useAsDefault, styleQML FROM layer_styles"
    styles = {
        (str(layer), str(name)): (flag, text) for layer, name, flag, text in execute(path, listed)
    }
    assert styles["outlines", "outlines"][1] == "<qgis>mine</qgis>"
    assert styles["lakes", "depths"] == (1, "<qgis>depths</qgis>")
    assert styles["lakes", "lakes"][0] == 0
    assert "RuleRenderer" in str(styles["lakes", "lakes"][1])
    assert review_file(path).empty


def test_without_anything_added_the_bytes_are_those_of_a_new_file(path: Path) -> None:
    working_copy.replace(make_inventory(6), path)
    make_inventory(6).to_file(path.with_name("new.gpkg"))
    assert path.read_bytes() == path.with_name("new.gpkg").read_bytes()


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_transaction_of_another_program_is_noticed_before_anything_is_changed(
    mode: str, path: Path
) -> None:
    before = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as program:
        program.execute(f"BEGIN {mode}")
        for attempt in (
            lambda: review_file(path),
            lambda: working_copy.replace(make_inventory(3), path),
            lambda: make_inventory(3).to_file(path),
            lambda: settle(path),
        ):
            with pytest.raises(LockedError, match="is open in another program"):
                attempt()
        program.execute("COMMIT")
    assert path.read_bytes() == before
    settle(path)


def test_a_file_that_cannot_be_written_can_be_read(path: Path) -> None:
    copy = path.with_name("copy.gpkg")
    copy.write_bytes(path.read_bytes())
    copy.chmod(0o444)
    assert review_file(path, copy, dry_run=True).empty


# lakes that persons have touched


def with_comment(inventory: Inventory, path: Path, lakes: list[str]) -> Inventory:
    working_copy.replace(inventory, path)
    names = ", ".join(f"'{name}'" for name in lakes)
    execute(path, f"UPDATE lakes SET comment = 'seen' WHERE lake_id IN ({names})")
    review_file(path)
    return open_inventory(path)


def tables(inventory: Inventory) -> Tracked:
    names = ("lakes", "outlines", "observations", "events")
    return Tracked(*(getattr(inventory, name) for name in names))


def without(inventory: Inventory, scenes: set[str], lakes: set[str]) -> Inventory:
    """Return what tracking gives when some scenes are away, and lakes that only they show."""
    kept = {}
    for name in ("outlines", "observations", "scenes"):
        table = getattr(inventory, name)
        kept[name] = table[~table["scene_id"].isin(scenes)].reset_index(drop=True)
    for name in ("outlines", "observations"):
        kept[name] = kept[name][~kept[name]["lake_id"].isin(lakes)].reset_index(drop=True)
    shown = inventory.lakes[~inventory.lakes["lake_id"].isin(lakes)].reset_index(drop=True)
    return replace(inventory, lakes=shown, **kept)


def test_a_touched_lake_outlasts_its_scenes_and_an_untouched_one_does_not(tmp_path: Path) -> None:
    made = make_inventory(8)
    ids = made.lakes["lake_id"].tolist()
    inventory = with_comment(made, tmp_path / "inventory.gpkg", ids[2:4])
    assert touched_lakes(inventory.reviews) == set(ids[2:4])
    away = set(inventory.scenes["scene_id"].iloc[3:])
    today = without(inventory, away, set(ids[2:6]))
    got = with_kept(tables(today), tables(inventory), inventory.reviews, today.scenes)
    assert set(got.lakes["lake_id"]) == set(ids) - set(ids[4:6])
    before = inventory.lakes.set_index("lake_id").loc[ids[2:4]]
    after = got.lakes.set_index("lake_id").loc[ids[2:4]]
    assert after["comment"].tolist() == before["comment"].tolist() == ["seen", "seen"]
    assert after.geometry.geom_equals(before.geometry).all()
    mine = inventory.outlines[inventory.outlines["lake_id"].isin(ids[2:4])]
    assert got.outlines["lake_id"].isin(ids[2:4]).sum() == len(mine)
    rows = got.observations.set_index("lake_id")
    assert rows.loc[ids[0]].shape[0] == len(today.scenes.dropna(subset="acquired"))
    assert set(got.events["lake_id"]) <= set(got.lakes["lake_id"])
    assert got.outlines.crs == got.lakes.crs == inventory.lakes.crs
    again = with_kept(got, tables(inventory), inventory.reviews, today.scenes)
    assert again.lakes["lake_id"].tolist() == got.lakes["lake_id"].tolist()


@pytest.mark.parametrize("layer", ["lakes", "observations"])
def test_a_lake_outlasts_its_scenes_when_a_column_of_a_person_says_something_of_it(
    tmp_path: Path, layer: str
) -> None:
    made = make_inventory(8)
    ids = made.lakes["lake_id"].tolist()
    made.to_file(path := tmp_path / "inventory.gpkg")
    execute(path, f"ALTER TABLE {layer} ADD guide TEXT")
    execute(path, f"UPDATE {layer} SET guide = 'Asan' WHERE lake_id = '{ids[2]}'")
    inventory = open_inventory(path)
    assert annotated_lakes(inventory) == {ids[2]}
    today = without(inventory, set(inventory.scenes["scene_id"].iloc[3:]), set(ids[2:6]))
    told = annotated_lakes(inventory)
    got = with_kept(tables(today), tables(inventory), inventory.reviews, today.scenes, told)
    assert set(got.lakes["lake_id"]) == set(ids) - set(ids[3:6])


def test_a_lake_that_has_become_part_of_another_is_not_kept_twice(tmp_path: Path) -> None:
    made = make_inventory(8)
    ids = made.lakes["lake_id"].tolist()
    inventory = with_comment(made, tmp_path / "inventory.gpkg", [ids[2]])
    today = without(inventory, set(), {ids[2]})
    shapes = today.lakes.geometry.to_numpy().copy()
    place = inventory.lakes.set_index("lake_id").geometry[ids[2]]
    shapes[0] = shapely.multipolygons([*shapely.get_parts(shapes[0]), *shapely.get_parts(place)])
    grown = replace(today, lakes=today.lakes.set_geometry(gpd.GeoSeries(shapes, crs=4326)))
    got = with_kept(tables(grown), tables(inventory), inventory.reviews, today.scenes)
    assert ids[2] not in set(got.lakes["lake_id"])


def test_an_inventory_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    full = make_inventory(5)
    nothing = without(full, set(), set(full.lakes["lake_id"]))
    with pytest.raises(InputError, match=r"has 5 lakes, and no image shows any.*--allow-empty"):
        refuse_empty(nothing, full, tmp_path, False)
    refuse_empty(nothing, full, tmp_path, True)
    refuse_empty(nothing, nothing, tmp_path, False)
    refuse_empty(full, full, tmp_path, False)


def test_scenes_that_are_away_are_told() -> None:
    full = make_inventory(5)
    told: list[Event] = []
    tell_away(full, full, told.append)
    assert told == []
    tell_away(without(full, set(full.scenes["scene_id"].iloc[:2]), set()), full, told.append)
    assert told == [ScenesAway(2, 0)]


def test_a_style_that_a_person_chose_stays_chosen_where_ours_is_new(path: Path) -> None:
    chosen = "SELECT styleName FROM layer_styles WHERE f_table_name = 'observations' "
    execute(
        path,
        "DELETE FROM layer_styles WHERE f_table_name = 'observations'",  # as version 0.2.0 wrote it
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
        "f_geometry_column, styleName, styleQML, useAsDefault) "
        "VALUES ('', '', 'observations', '', 'mine', '<qgis>mine</qgis>', 1)",
    )
    working_copy.take_in(path)
    working_copy.replace(make_inventory(6), path)
    assert execute(path, chosen + "AND useAsDefault") == [("mine",)]
    assert len(execute(path, chosen)) == 2
