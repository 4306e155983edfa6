"""In QGIS people read names of fields and values in their language; stored values stay."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import geopandas as gpd
import pytest
from defusedxml import ElementTree
from editing import qgis
from sample_inventory import make_inventory

from glacial_lakes import schema
from glacial_lakes.export.export import export
from glacial_lakes.inventory.inventory import ALL_LAYERS, Inventory
from glacial_lakes.language import translate
from glacial_lakes.schema import LakeState, LakeType, Status

RUSSIAN = re.compile("[А-Яа-яё]")
VAGUE = "погрешность больше четверти площади"


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    made = make_inventory(6)
    doubted = made.lakes.index == made.lakes.index[made.lakes["state"] == "present"][0]
    lakes = made.lakes.assign(
        review_conflict=doubted,
        area_sigma_m2=made.lakes["area_sigma_m2"].mask(doubted, made.lakes["area_m2"]),
    )
    told = json.dumps({"project": {"language": "ru"}})
    return replace(made, lakes=lakes, runs=made.runs.assign(settings=told))


@pytest.fixture(scope="module")
def path(inventory: Inventory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("styles") / "inventory.gpkg"
    inventory.to_file(path)
    return path


@pytest.fixture(scope="module")
def styles(path: Path) -> dict[str, Element]:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT f_table_name, styleQML FROM layer_styles").fetchall()
    return {name: parsed(text) for name, text in rows}


def parsed(text: str) -> Element:
    root: Element = ElementTree.fromstring(text, forbid_dtd=False)
    return root


def lists(style: Element) -> dict[str, dict[str, str]]:
    """Return the lists of a style by field: stored value to what is shown."""
    return {
        str(field.get("name")): {
            str(option.get("value")): str(option.get("name"))
            for option in field.iterfind(".//Option[@name='map']/Option/Option")
        }
        for field in style.iterfind("fieldConfiguration/field")
        if field.find("editWidget[@type='ValueMap']") is not None
    }


def aliases(style: Element) -> dict[str, str]:
    return {
        str(alias.get("field")): str(alias.get("name")) for alias in style.iterfind("aliases/alias")
    }


def test_every_column_has_a_name_in_the_language_of_the_project(
    styles: dict[str, Element],
) -> None:
    assert styles.keys() == ALL_LAYERS.keys()
    for layer, columns in ALL_LAYERS.items():
        told = aliases(styles[layer])
        assert told.keys() == {column.name for column in columns}
        assert all(RUSSIAN.search(name) for name in told.values()), told
    assert aliases(styles["lakes"])["area_m2"] == "Площадь на эллипсоиде, м²"
    assert aliases(styles["lakes"])["state"] == "Состояние озера"


def test_columns_of_few_values_have_a_list_in_the_language(styles: dict[str, Element]) -> None:
    lakes, outlines = lists(styles["lakes"]), lists(styles["outlines"])
    assert lakes["state"]["unconfirmed"] == "не подтверждено"
    assert lakes["lake_type"]["supraglacial"] == "надледниковое"
    assert lakes["verified"]["true"] == "да"
    assert lakes["verified"]["false"] == "нет"
    assert set(LakeState) <= lakes["state"].keys()
    assert set(LakeType) <= lakes["lake_type"].keys()
    assert set(Status) <= outlines["status"].keys()
    assert lists(styles["reviews"])["decision"]["redrawn"] == "контур исправлен"
    assert lists(styles["events"])["event"]["drained"] == "опорожнилось"
    assert lists(styles["alerts"])["alert"]["sudden_growth"] == "внезапный рост"
    assert lists(styles["scenes"])["state"]["refused"] == "отклонён"
    for style in styles.values():
        for shown in lists(style).values():
            assert all(RUSSIAN.search(label) or label == "–" for label in shown.values()), shown


def test_a_list_holds_every_value_that_is_stored_and_none_is_translated(
    inventory: Inventory, styles: dict[str, Element]
) -> None:
    seen = 0
    for layer, columns in ALL_LAYERS.items():
        table, shown = getattr(inventory, layer), lists(styles[layer])
        for column in columns:
            if column.words is not None or column.type == "boolean":
                stored = {str(value) for value in table[column.name].dropna()}
                stored = {v.lower() for v in stored} if column.type == "boolean" else stored
                assert stored <= shown[column.name].keys(), (layer, column.name)
                seen += len(stored)
    assert seen > 20


def test_a_style_of_english_shows_the_values_themselves(tmp_path: Path) -> None:
    export(make_inventory(3), tmp_path, ["shp"])
    style = parsed((tmp_path / "shapefiles" / "lakes.qml").read_text(encoding="utf-8"))
    assert lists(style)["Status"]["nodata"] == "nodata"
    assert aliases(style)["GL_Area"] == "Area on the ellipsoid, m²"


def test_a_shapefile_has_its_own_field_names_in_the_style(
    inventory: Inventory, tmp_path: Path
) -> None:
    export(inventory, tmp_path, ["shp"], language="ru")
    style = parsed((tmp_path / "shapefiles" / "lakes.qml").read_text(encoding="utf-8"))
    names = {column.shapefile for column in schema.LATEST if column.shapefile}
    assert aliases(style).keys() == names
    assert all(RUSSIAN.search(name) for name in aliases(style).values())
    assert lists(style).keys() == {"Status", "GL_Type", "Event", "Trend"}
    assert lists(style)["GL_Type"]["ice-contact"] == "приледниковое, в контакте с ледником"
    day = parsed((tmp_path / "shapefiles" / "lakes_2020-08-01.qml").read_text(encoding="utf-8"))
    assert day.find("renderer-v2").get("attr") == "Status"


def groups_of(style: Element) -> dict[str, list[str]]:
    """Return the legend of a style: its headings and the rules below them."""
    return {
        str(group.get("label")): [str(rule.get("label")) for rule in group.iterfind("rule")]
        for group in style.iterfind("renderer-v2/rules/rule")
    }


def test_the_shapefile_of_the_latest_state_is_drawn_by_type_change_and_doubt(
    inventory: Inventory, tmp_path: Path
) -> None:
    export(inventory, tmp_path, ["shp"], language="ru")
    style = parsed((tmp_path / "shapefiles" / "lakes.qml").read_text(encoding="utf-8"))
    told = groups_of(style)
    assert list(told) == ["Тип", "Тренд", "Что проверить"]
    assert all(RUSSIAN.search(label) for labels in told.values() for label in labels), told
    fields = aliases(style).keys()
    rules = [rule.get("filter", "") for rule in style.iterfind("renderer-v2/rules//rule")]
    assert {name for rule in rules for name in re.findall('"([^"]+)"', rule)} <= fields
    assert "Catal_No" in style.find("labeling").find(".//text-style").get("fieldName")


def test_the_shapefile_tells_numbers_of_reports_and_trends_of_lakes(
    inventory: Inventory, tmp_path: Path
) -> None:
    numbered = inventory.with_reviews(inventory.reviews)
    export(numbered, tmp_path, ["shp"])
    back = gpd.read_file(tmp_path / "shapefiles" / "lakes.shp").set_index("GLAKE_ID")
    lakes, trends = (t.set_index("lake_id") for t in (numbered.lakes, numbered.trends))
    assert (back["Report_No"] == lakes["number"].reindex(back.index).astype(int)).all()
    assert (back["N_Observed"] == lakes["n_observed"].reindex(back.index).astype(int)).all()
    told = trends.reindex(back.index)
    assert back["Trend"].fillna("").tolist() == told["trend"].fillna("").tolist()
    assert back["Change"].tolist() == pytest.approx(told["difference_m2"].tolist(), nan_ok=True)


def test_the_legend_tells_type_state_doubt_and_change_in_the_language(
    styles: dict[str, Element],
) -> None:
    told = {layer: groups_of(styles[layer]) for layer in ("lakes", "trends")}
    assert list(told["lakes"]) == ["Тип", "Состояние", "Что проверить"]
    assert len(told["lakes"]["Тип"]) == len(LakeType)
    assert told["trends"]["Тренд"][:2] == ["растёт", "сокращается"]
    for groups in told.values():
        assert all(RUSSIAN.search(label) for labels in groups.values() for label in labels), told


LEGEND_KEYS = """
import json, os, sys
from qgis.core import QgsApplication, QgsRenderContext, QgsVectorLayer
application = QgsApplication([], False)
application.initQgis()
told = {}
for name, place in json.loads(sys.argv[1]).items():
    layer = QgsVectorLayer(place, name, "ogr")
    layer.loadDefaultStyle()
    renderer, context = layer.renderer(), QgsRenderContext()
    context.setExpressionContext(layer.createExpressionContext())
    renderer.startRender(context, layer.fields())
    labels = {rule.ruleKey(): rule.label() for rule in renderer.rootRule().descendants()}
    told[name] = {}
    for feature in layer.getFeatures():
        context.expressionContext().setFeature(feature)
        keys = renderer.legendKeysForFeature(feature, context)
        key = feature["GLAKE_ID" if place.endswith(".shp") else "lake_id"]
        told[name][key] = sorted(labels[key] for key in keys if "-" in key)
    renderer.stopRender(context)
print(json.dumps(told), flush=True)
os._exit(0)
"""


@qgis
def test_qgis_draws_lakes_by_type_doubt_and_change(path: Path, inventory: Inventory) -> None:
    export(inventory, path.parent, ["shp"], language="ru")
    places = {name: f"{path}|layername={name}" for name in ("lakes", "trends")}
    places["shapefile"] = str(path.parent / "shapefiles" / "lakes.shp")
    command = ["/usr/bin/python3", "-c", LEGEND_KEYS, json.dumps(places)]
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(path.parent)}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["shapefile"]
    latest = inventory.latest().set_index("lake_id")
    for lake, shown in told["shapefile"].items():
        change = told["trends"].get(lake, [])
        both = {*told["lakes"][lake], *change} - {"изменение не больше погрешности", VAGUE}
        assert set(shown) - {"по признакам это вряд ли озеро", VAGUE} == both, lake
        assert (VAGUE in shown) == (latest["area_sigma_m2"] > 0.25 * latest["area_m2"])[lake]
    for lake in inventory.lakes.itertuples():
        shown = told["lakes"][lake.lake_id]
        is_here = lake.state in (LakeState.PRESENT, LakeState.UNCONFIRMED)
        assert (translate(lake.lake_type or "unknown", "ru") in shown) == is_here
        is_vague = is_here and lake.area_sigma_m2 > 0.25 * lake.area_m2
        assert (VAGUE in shown) == is_vague
        contradicted = "более новый снимок противоречит контуру, проведённому человеком" in shown
        assert contradicted == bool(lake.review_conflict)
    for trend in inventory.trends.itertuples():
        kind = trend.trend if isinstance(trend.trend, str) else None
        if kind in ("growing", "shrinking"):
            assert told["trends"][trend.lake_id] == [translate(kind, "ru")]
    assert any(told["trends"].values())


@qgis
def test_qgis_shows_the_lists_and_keeps_the_values(path: Path) -> None:
    code = (
        "import json, os, sys\n"
        "from qgis.core import QgsApplication, QgsExpression, QgsVectorLayer\n"
        "application = QgsApplication([], False)\n"
        "application.initQgis()\n"
        "layer = QgsVectorLayer(sys.argv[1] + '|layername=lakes', 'lakes', 'ogr')\n"
        "layer.loadDefaultStyle()\n"
        "index = layer.fields().indexOf('state')\n"
        "setup = layer.editorWidgetSetup(index)\n"
        "values = sorted(feature['state'] for feature in layer.getFeatures())\n"
        "assert layer.labelsEnabled()\n"
        "label = layer.labeling().settings()\n"
        "assert label.isExpression, label.fieldName\n"
        "assert 'catalogue_no' in label.fieldName and 'lake_name' in label.fieldName\n"
        "assert not QgsExpression(label.fieldName).hasParserError()\n"
        "told = [setup.type(), setup.config()['map'], layer.attributeAlias(index), values]\n"
        "print(json.dumps(told), flush=True)\n"
        "os._exit(0)\n"
    )
    command = ["/usr/bin/python3", "-c", code, str(path)]
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(path.parent)}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    kind, shown, alias, values = json.loads(run.stdout.splitlines()[-1])
    assert kind == "ValueMap"
    assert {"есть": "present"} in shown
    assert alias == "Состояние озера"
    assert set(values) <= set(LakeState)
