"""The report: self-contained, honest about what was not seen, safe with hostile text."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from sample_inventory import (
    HOSTILE,
    empty_inventory,
    glaciers,
    hostile_inventory,
    make_inventory,
)

import glacial_lakes.report
from glacial_lakes import schema
from glacial_lakes.change import trends
from glacial_lakes.errors import ConfigError, InputError
from glacial_lakes.language import number
from glacial_lakes.report.atlas import write_atlas
from glacial_lakes.report.contents import describe, lakes_of
from glacial_lakes.report.maps import draw_map, fit
from glacial_lakes.report.page import write_report
from glacial_lakes.scenes.sensors import instrument_of

TEMPLATES = Path(glacial_lakes.report.__file__).parent / "templates"
VOID = {"meta", "br", "link", "img", "input", "hr"}
PLAIN_WORDS = {"glacial_lakes", "WGS", "Sentinel", "Landsat", "Shapefile", "shapefile", "UTC"}
PLAIN_WORDS |= {"XLSX"}


class Page(HTMLParser):
    """The elements and the readable text of a page, and whether every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": [], "code": []}
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        self.raw.get(inside, self.text).append(data)

    def tags(self):
        return {tag for tag, _ in self.elements}

    def ids(self):
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]


@pytest.fixture(scope="module")
def inventory():
    return make_inventory()


def page_of(inventory, folder, **options):
    return Page(write_report(inventory, folder / "r.html", **options).read_text(encoding="utf-8"))


def test_what_needs_a_look_begins_with_outlines_without_a_dem(inventory, tmp_path):
    assert "Without a DEM" not in page_of(inventory, tmp_path).text
    outlines = inventory.outlines.assign(quality="fair: no DEM, shade and slope not excluded")
    without = page_of(replace(inventory, outlines=outlines), tmp_path)
    told = " ".join(without.text)
    assert told.index("What needs a look") < told.index("Without a DEM")
    assert told.index("Without a DEM") < told.index("Key numbers")
    assert f"not excluded from {len(outlines)} outlines" in told


def test_a_russian_report_has_no_english_words_left(inventory, tmp_path):
    page = page_of(inventory, tmp_path, language="ru", glaciers=glaciers())
    data = {"GL1002", "GRANULE/IMG_DATA/R10m/B03.jp2"}
    for table in (inventory.lakes, inventory.outlines, inventory.scenes, inventory.observations):
        for name in table.columns.intersection(
            ["scene_id", "sensor", "level", "lake_id", "glacier_id"]
        ):
            data |= set(table[name].dropna())
    data |= set(inventory.scenes["sensor"].map(instrument_of))
    tables = (schema.OUTLINES, schema.LAKES, schema.LAKE_EVENTS, schema.TRENDS, schema.ALERTS)
    columns = {c.name for t in tables for c in t}
    fields = {c.shapefile for c in schema.LATEST if c.shapefile}
    told = {c.meaning("ru") for t in tables for c in t}
    units = {"UTC"}
    left = set()
    for text in page.text:
        part = text.strip()
        if part in data | columns | fields | told | units:
            continue
        for known in sorted(data, key=len, reverse=True):
            part = part.replace(known, "")
        left |= set(re.findall(r"[A-Za-z_]{2,}", part)) - PLAIN_WORDS
    assert left == set()
    assert ("html", {"lang": "ru"}) in page.elements


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_reaches_for_nothing_outside_itself(inventory, tmp_path, language):
    page = page_of(inventory, tmp_path, language=language, glaciers=glaciers())
    ids = page.ids()
    assert len(ids) == len(set(ids))
    for tag, attrs in page.elements:
        assert tag not in {"img", "link", "iframe", "object", "embed", "base", "form", "use"}
        assert not attrs.keys() & {"src", "srcset", "action", "style", "xlink:href"}
        if "href" in attrs:
            assert attrs["href"].startswith("#")
            assert attrs["href"][1:] in ids
        assert not any(name.startswith("on") for name in attrs)
        assert not any("://" in (value or "") for value in attrs.values())
    assert not re.search(r"@import|url\(|://", "".join(page.raw["style"] + page.raw["script"]))


def test_the_policy_allows_only_the_page_s_own_style_and_script(inventory, tmp_path):
    page = page_of(inventory, tmp_path)
    (policy,) = [a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name in ("style", "script"):
        (text,) = page.raw[name]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_hostile_text_is_shown_and_never_becomes_markup(inventory, tmp_path):
    harmless = page_of(make_inventory(8), tmp_path, title="Lakes")
    page = page_of(hostile_inventory(), tmp_path, title=HOSTILE[0])
    assert page.tags() <= harmless.tags()
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    text = "".join(page.text + page.raw["code"])
    assert HOSTILE[0] in text
    assert HOSTILE[4].replace(" ", "") in text
    assert HOSTILE[5] in text
    assert "49" not in re.findall(r"\{\{ 7 \* 7 \}\}|\b49\b", text)


def test_what_was_not_observed_has_no_area_and_is_drawn_apart(inventory):
    contents = describe(inventory, [], "en")
    unseen = 0
    for lake in contents.lakes:
        rows = inventory.observations[inventory.observations["lake_id"] == lake.lake_id]
        counts = rows["status"].value_counts()
        assert len(lake.curve.areas) == counts.get("observed", 0)
        assert len(lake.curve.absent) == counts.get("absent", 0)
        gaps = [mark.label for mark in lake.curve.gaps]
        expected = rows.loc[~rows["status"].isin(["observed", "absent"]), "status"]
        assert sorted(gaps) == sorted(expected)
        zero = max((mark.y for mark in lake.curve.areas), default=0)
        assert all(mark.y > zero for mark in lake.curve.gaps)
        unseen += len(gaps)
    assert unseen > 5


def test_error_bars_span_one_sigma_on_the_scale_of_the_axis(inventory):
    for lake in describe(inventory, [], "en").lakes:
        ticks = lake.curve.y_ticks
        values = [float(tick.label.replace(",", "")) for tick in ticks]
        factor = 1e6 if lake.curve.unit == "km²" else 1.0
        pixels_per_m2 = (ticks[0].y - ticks[-1].y) / (values[-1] - values[0]) / factor
        for mark, seen in zip(lake.curve.areas, lake.measured, strict=True):
            assert mark.low - mark.high == pytest.approx(2 * seen.sigma_m2 * pixels_per_m2, abs=0.3)
            assert ticks[0].y - mark.y == pytest.approx(seen.area_m2 * pixels_per_m2, abs=0.3)


def test_totals_count_present_lakes_and_name_both_errors(inventory, tmp_path):
    present = inventory.lakes[inventory.lakes["state"] == "present"]
    total = describe(inventory, [], "en").total
    assert total.n_present == len(present) < len(inventory.lakes)
    assert total.area_m2 == pytest.approx(present["area_m2"].sum())
    assert total.sigma_independent_m2 == pytest.approx(np.hypot.reduce(present["area_sigma_m2"]))
    assert total.sigma_correlated_m2 == pytest.approx(present["area_sigma_m2"].sum())
    text = " ".join(page_of(inventory, tmp_path).text)
    assert "with what the errors of lakes have in common" in text
    assert total.sigma_independent_m2 < total.sigma_m2 < total.sigma_correlated_m2


def test_lakes_hidden_on_the_last_date_are_told_and_not_counted_as_gone(inventory):
    contents = describe(inventory, [], "en")
    rows = inventory.observations
    last = rows[rows["acquired"] == rows["acquired"].max()]
    hidden = set(last.loc[~last["status"].isin(["observed", "absent"]), "lake_id"])
    assert {lake.lake_id for lake in contents.unseen} == hidden
    assert hidden


def test_growth_is_called_only_beyond_its_own_uncertainty(inventory):
    contents = describe(inventory, [], "en")
    assert contents.changed
    for lake in contents.changed:
        assert lake.trend.exceeds_uncertainty
        assert lake.trend.slope_low_m2_per_year * lake.trend.slope_high_m2_per_year > 0
        assert len(re.findall(",", lake.curve.trend)) == 2
    rest = [lake for lake in contents.lakes if lake not in contents.changed]
    assert rest
    assert not any(lake.curve.trend for lake in rest if lake.state == "present")
    gone = replace(inventory, lakes=inventory.lakes.assign(state="gone"))
    assert describe(gone, [], "en").changed == ()
    wide = inventory.observations.assign(area_sigma_m2=1e7)
    assert describe(replace(inventory, observations=wide), [], "en").changed == ()


def test_the_change_of_a_lake_has_the_error_of_its_trend(inventory):
    """Of two instruments the region tells that error: the page knew only what is usual."""
    rows = inventory.observations
    late = rows["acquired"] > rows["acquired"].median()
    rows = rows.assign(
        sensor=np.where(late, "S2A", "LC08"),
        area_sigma_shared_m2=0.9 * rows["area_sigma_m2"],
        area_sigma_date_m2=np.sqrt(1 - 0.9**2) * rows["area_sigma_m2"],
    )
    twin = rows[late].assign(  # a week before, by the other instrument
        sensor="LC08",
        acquired=rows.loc[late, "acquired"] - pd.Timedelta(days=7),
        scene_id=rows.loc[late, "scene_id"] + " twin",
    )
    rows = schema.conform(pd.concat([rows, twin], ignore_index=True), schema.OBSERVATIONS)
    none = schema.conform(pd.DataFrame(), schema.LAKE_EVENTS)
    found = trends(rows, none).set_index("lake_id")
    lakes = lakes_of(replace(inventory, observations=rows), list(inventory.lakes["lake_id"]), "en")
    told = {
        lake.lake_id: lake.change
        for lake in lakes
        if lake.change and found.loc[lake.lake_id, "n"] == len(lake.measured)
    }
    assert sum(change.first.sensor != change.last.sensor for change in told.values()) > 2
    for lake, change in told.items():
        assert change.sigma_m2 == pytest.approx(found.loc[lake, "difference_sigma_m2"])


def test_alerts_come_first_with_the_scenes_that_show_them(inventory, tmp_path):
    alerts = {alert.kind: alert for alert in describe(inventory, [], "en").alerts}
    before, after = alerts["sudden_drainage"].scenes
    assert "_20160815T" in before
    assert "_20180820T" in after
    text = " ".join(page_of(inventory, tmp_path).text)
    assert text.index("What needs a look") < text.index("sudden drainage") < text.index("Key numb")
    still = replace(inventory, events=inventory.events.iloc[:0])
    text = " ".join(page_of(still, tmp_path).text)
    assert "sudden drainage" not in text
    assert "Nothing needs a look." in text


def test_totals_by_date_tell_what_was_not_observed(inventory, tmp_path):
    rows = {row["epoch"]: row for row in describe(inventory, [], "en").totals}
    last = inventory.observations[inventory.observations["sensor"] == "S2B"]
    last = last[last["acquired"] == last["acquired"].max()]
    row = rows["2024-08-12"]
    assert row["n_lakes"] == (last["status"] == "observed").sum()
    assert row["n_unseen"] == (~last["status"].isin(["observed", "absent"])).sum() > 0
    assert row["area_m2"] == pytest.approx(last["area_m2"].sum())


def test_events_carry_the_scenes_that_show_them(inventory):
    events = {event.event: event for event in describe(inventory, [], "en").events}
    before, after = events["drained"].scenes
    assert "_20160815T" in before
    assert "_20180820T" in after


def test_refused_scenes_keep_their_reason(inventory, tmp_path):
    text = " ".join(page_of(inventory, tmp_path).text)
    assert "lacks GRANULE/IMG_DATA/R10m/B03.jp2" in text
    text = " ".join(page_of(inventory, tmp_path, language="ru").text)
    assert "не хватает: GRANULE/IMG_DATA/R10m/B03.jp2; скачайте продукт целиком" in text


def test_equal_inventories_give_equal_bytes_whatever_the_order_of_rows(inventory, tmp_path):
    first = write_report(inventory, tmp_path / "a.html").read_bytes()
    mixed = {
        name: getattr(inventory, name).sample(frac=1, random_state=4)
        for name in ("lakes", "outlines", "observations", "events", "scenes")
    }
    assert write_report(replace(inventory, **mixed), tmp_path / "b.html").read_bytes() == first


def clouded_lakes():
    clear = make_inventory(3, dates=1)
    assert len(clear.lakes)
    rows = clear.observations.assign(status="cloud", area_m2=np.nan, area_sigma_m2=np.nan)
    lakes = clear.lakes.assign(area_m2=np.nan, area_sigma_m2=np.nan)
    outlines = clear.outlines.assign(status="cloud", area_m2=np.nan, area_sigma_m2=np.nan)
    return replace(clear, observations=rows, lakes=lakes, outlines=outlines)


@pytest.mark.parametrize(
    "made",
    [
        empty_inventory,
        lambda: make_inventory(3, dates=1),
        lambda: make_inventory(3, dates=2),
        clouded_lakes,
        lambda: replace(make_inventory(2), runs=empty_inventory().runs),
        lambda: replace(make_inventory(2), scenes=empty_inventory().scenes),
    ],
    ids=["nothing", "one date", "one day", "no area", "no run", "no scenes"],
)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_poor_inventory_gives_a_whole_page(made, language, tmp_path):
    page = page_of(made(), tmp_path, language=language)
    text = " ".join(page.text)
    assert "NaN" not in text
    assert "None" not in text
    assert not re.search(r"\bnan\b", text)


def test_a_lake_without_area_shows_a_dash(tmp_path):
    text = " ".join(page_of(clouded_lakes(), tmp_path).text)
    assert "never fully observed" in text
    assert "0.0000" not in text


def test_a_hundred_lakes_with_many_dates_stay_light(tmp_path):
    path = write_report(make_inventory(100), tmp_path / "r.html", glaciers=glaciers())
    assert path.stat().st_size < 3_000_000


def test_an_unknown_language_leaves_the_old_report(inventory, tmp_path):
    path = write_report(inventory, tmp_path / "r.html")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="'de' is not known; use one of en, ru"):
        write_report(inventory, path, language="de")
    assert path.read_bytes() == before


def test_map_labels_do_not_cover_each_other_or_a_lake():
    drawing = describe(make_inventory(60), [], "en").map
    boxes = [
        shapely.box(
            lake.label.x, lake.label.y - 9, lake.label.x + 6.6 * len(str(lake.number)), lake.label.y
        )
        for lake in drawing.lakes
        if lake.label
    ]
    assert len(boxes) > 40
    for a, b in combinations(boxes, 2):
        assert a.intersection(b).area == pytest.approx(0, abs=0.2)


def test_the_map_is_true_to_scale():
    frame = fit((74.4, 42.5, 74.6, 42.7), 760, (300, 800), 1000.0)
    geod = pyproj.Geod(ellps="WGS84")
    for end in ((74.51, 42.6), (74.5, 42.61)):
        metres = geod.inv(74.5, 42.6, *end)[2]
        dx, dy = frame.x(end[0]) - frame.x(74.5), frame.y(end[1]) - frame.y(42.6)
        assert np.hypot(dx, dy) / frame.pixels_per_m == pytest.approx(metres, rel=1e-4)


def test_outlines_are_drawn_at_their_true_place(inventory):
    contents = describe(inventory, [], "en")
    frame = contents.map.frame
    shapes = dict(zip(inventory.lakes["lake_id"], inventory.lakes.geometry, strict=True))
    for lake in contents.map.lakes:
        points = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", lake.path), dtype=float)
        west, south, east, north = shapes[lake.title].bounds
        expected = [frame.x(west), frame.y(north), frame.x(east), frame.y(south)]
        drawn = [*points.min(axis=0), *points.max(axis=0)]
        np.testing.assert_allclose(drawn, expected, atol=0.4)


def test_nothing_to_map_is_no_map():
    assert draw_map([], [], "en") is None


def chromium(*arguments: str, profile: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed")
    quiet = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-logging=stderr",
        f"--user-data-dir={profile}",
    ]
    return subprocess.run(
        [program, *quiet, *arguments], capture_output=True, text=True, timeout=120, check=True
    )


def test_a_browser_runs_nothing_hostile_and_complains_of_nothing(tmp_path):
    path = write_report(hostile_inventory(), tmp_path / "r.html", title="Lakes")
    done = chromium("--dump-dom", path.as_uri(), profile=tmp_path / "profile")
    assert "CONSOLE" not in done.stderr
    assert "<title>Lakes</title>" in done.stdout
    assert done.stdout.count("<button") == 11


def test_the_sort_button_sorts_by_value_and_keeps_the_unknown_last(inventory, tmp_path):
    path = write_report(inventory, tmp_path / "r.html")
    html = path.read_text(encoding="utf-8")
    elevations = inventory.lakes["elev_m"].map(number)
    html = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", html)
    click = "document.querySelectorAll('table.sortable button')[4].click()"
    path.write_text(html.replace("</body>", f"<script>{click}</script></body>"), encoding="utf-8")
    done = chromium("--dump-dom", path.as_uri(), profile=tmp_path / "profile")
    table = re.search(r'<table class="sortable.*?</table>', done.stdout, re.DOTALL).group()
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)[1:]
    shown = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[4] for row in rows]
    assert shown == sorted(elevations, key=lambda text: float(text.replace(",", "")))


def test_times_are_never_shown_as_not_a_time(inventory, tmp_path):
    events = inventory.events.assign(after=pd.NaT)
    assert "NaT" not in " ".join(page_of(replace(inventory, events=events), tmp_path).text)


def test_the_dictionary_tells_every_field_of_the_shapefiles(inventory, tmp_path):
    text = page_of(inventory, tmp_path).text
    for column in schema.LATEST:
        assert column.name in text
        assert column.shapefile is None or column.shapefile in text


def test_the_dictionary_writes_units_as_its_readers_do(inventory, tmp_path):
    page = write_report(inventory, tmp_path / "r.html", language="ru").read_text(encoding="utf-8")
    rows = re.findall(r"<tr><td>\w+</td><td>\w*</td><td>([^<]*)</td><td>", page)
    assert {"м", "м²", "°"} <= set(rows)
    assert {unit for unit in rows if re.search("[A-Za-z]", unit)} == {"UTC"}


def test_a_lake_seen_on_one_tile_is_not_unseen_on_the_next_tile_of_that_day(inventory):
    tile = inventory.observations.assign(
        status="nodata", scene_id="next tile", area_m2=np.nan, observed_fraction=np.nan
    )
    both = replace(inventory, observations=pd.concat([inventory.observations, tile]))
    counts = [
        [(len(lake.curve.areas), len(lake.curve.gaps)) for lake in describe(made, [], "en").lakes]
        for made in (inventory, both)
    ]
    assert counts[0] == counts[1]


def test_unconfirmed_lakes_count_in_no_total_and_are_named(inventory, tmp_path):
    present = inventory.lakes["state"] == "present"
    lakes = inventory.lakes.assign(state=inventory.lakes["state"].mask(present, "unconfirmed"))
    unconfirmed = replace(inventory, lakes=lakes)
    assert describe(unconfirmed, [], "en").total.n_present == 0
    assert "не подтверждено" in " ".join(page_of(unconfirmed, tmp_path, language="ru").text)


def test_settings_stand_in_an_annex_by_name_and_never_as_json(tmp_path):
    runs = make_inventory().runs.assign(
        settings='{"area": {"min_area_m2": 2000.0, "bounds": [1, 2]}, "name": "Chüy <b>", "x": {}}'
    )
    text = write_report(replace(make_inventory(), runs=runs), tmp_path / "r.html").read_text(
        "utf-8"
    )
    annex = text[text.index("Annex: settings of the last run") :]
    assert re.findall(r"<code>([^<]*)</code>", annex) == [
        *("area.min_area_m2", "2000.0", "area.bounds", "1, 2"),
        *("name", "Chüy &lt;b&gt;", "x", "{}"),
    ]
    assert "<pre" not in text


def test_a_summary_tells_the_change_of_all_lakes_and_sums_by_district(tmp_path):
    inventory = make_inventory()
    lakes = inventory.lakes.assign(district=["Чуй", "Нарын"] * 6)
    inventory = replace(inventory, lakes=lakes)
    page = write_report(inventory, tmp_path / "s.html", is_summary=True, since="1999")
    cells = re.findall(r"<(?:t[dh]|h[23])[^>]*>([^<]*)</(?:t[dh]|h[23])>", page.read_text("utf-8"))
    rows = inventory.observations
    first = rows[(rows["acquired"].dt.year == 1999) & rows["area_m2"].notna()]
    now = lakes.set_index("lake_id")["area_m2"].where(
        lakes.set_index("lake_id")["state"] != "gone", 0
    )
    change = (now.reindex(first["lake_id"]).to_numpy() - first["area_m2"].to_numpy()).sum()
    row = cells.index("Shrank beyond the error") + 1
    assert cells[row] == str(len(first))
    assert cells[row + 5].replace("−", "-") == f"{change / 1e6:.4f}"
    present = lakes[(lakes["state"] == "present") & (lakes["district"] == "Чуй")]
    row = cells.index("Чуй", cells.index("By district"))
    assert cells[row : row + 2] == ["Чуй", str(len(present))]
    assert cells[row + 3] == f"{present['area_m2'].sum() / 1e6:.4f}"


@pytest.fixture(scope="module")
def numbered():
    inventory = make_inventory()
    count = len(inventory.lakes)
    names = ["Озеро <b>", *[None] * (count - 1)]
    return replace(
        inventory,
        lakes=inventory.lakes.assign(
            number=range(1, count + 1),
            lake_name=names,
            catalogue_no=["KG-7", *[None] * (count - 1)],
        ),
    )


def leaves(inventory, folder, lakes=None, **options):
    """The IDs of the lakes of an atlas, a page each, and the page."""
    text = write_atlas(inventory, folder / "a.html", lakes, **options).read_text("utf-8")
    return re.findall(r"<p>(\S+) · ", text), text


@pytest.mark.parametrize("name", ["{id}", "1", "kg-7", "озеро <B>", "оз. «b»", " B "])
def test_an_atlas_has_a_page_for_each_lake_by_any_of_its_names(numbered, tmp_path, name):
    ids = numbered.lakes["lake_id"].tolist()
    found, text = leaves(numbered, tmp_path, ["3", name.format(id=ids[0]), "3"])
    assert found == [ids[2], ids[0]]
    assert "Озеро &lt;b&gt;" in text
    assert "<b>" not in re.sub(r"<li><b>[^<]*</b>", "", text)
    assert Page(text).open == []


def test_an_atlas_asks_which_of_several_lakes_of_one_name_is_meant(numbered, tmp_path):
    names = ["оз. «Зелёное»", "Зеленое озеро", *numbered.lakes["lake_name"][2:]]
    two = replace(numbered, lakes=numbered.lakes.assign(lake_name=names))
    one, other = two.lakes["lake_id"][:2]
    with pytest.raises(InputError) as refused:
        write_atlas(two, tmp_path / "a.html", ["ЗЕЛЁНОЕ"])
    told = str(refused.value)
    assert f"{one} (KG-7, оз. «Зелёное»" in told
    assert f"{other} (Зеленое озеро" in told
    assert leaves(two, tmp_path, [other])[0] == [other]


def test_an_atlas_of_no_names_has_the_lakes_that_need_a_look(numbered, tmp_path):
    found, _ = leaves(numbered, tmp_path)
    assert sorted(found) == sorted(set(numbered.alerts["lake_id"]))
    quiet = replace(numbered, events=numbered.events.iloc[:0])
    assert "Nothing needs a look." in leaves(quiet, tmp_path)[1]


def test_an_atlas_refuses_a_lake_that_is_not_there(numbered, tmp_path):
    with pytest.raises(InputError, match="no lake 4711; name it by"):
        write_atlas(numbered, tmp_path / "a.html", ["4711"])
    assert not (tmp_path / "a.html").exists()


def test_a_page_of_the_atlas_tells_every_date_and_never_an_area_of_a_hidden_one(numbered, tmp_path):
    lake = numbered.lakes["lake_id"].iloc[7]
    _, text = leaves(numbered, tmp_path, [lake], language="ru")
    rows = numbered.observations[numbered.observations["lake_id"] == lake]
    dates = text[text.index('class="halves"') :]
    told = re.findall(r'<tr><td class="w">([^<]*)</td><td>[^<]*</td><td class="n">([^<]*)', dates)
    assert len(told) == len(rows)
    assert [area == "–" for _, area in told] == (rows["status"] == "shadow").tolist()


def test_a_report_has_the_tables_that_the_workbook_has(inventory, tmp_path):
    lakes = inventory.lakes.assign(
        district=["Чуйский", "Кеминский"] * (len(inventory.lakes) // 2)
        + ["Чуйский"] * (len(inventory.lakes) % 2),
        basin="Чу",
    )
    text = " ".join(page_of(replace(inventory, lakes=lakes), tmp_path, language="ru").text)
    titles = ("По бассейнам", "По районам", "По размеру", "По высоте", "По типу", "Изменения")
    for title in (*titles, "Обследовать", "Контроль качества"):
        assert title in text
    present = lakes[lakes["state"] == "present"]
    for district, rows in present.groupby("district"):
        area = f"{rows['area_m2'].sum() / 1e6:.4f}".replace(".", ",")
        assert re.search(rf"{district}\s+{len(rows)}\s+{len(rows)}\s+{area}", text)


def test_changes_of_a_report_are_told_from_the_year_that_is_named(inventory, tmp_path):
    text = " ".join(page_of(inventory, tmp_path, language="ru", since="2013").text)
    table = text[text.index("Дата до") :]
    table = table[: table.index("Обследовать")]
    assert set(re.findall(r"\d\d\.\d\d\.(\d{4})", table)) >= {"2013"}
    assert not re.search(r"\d\d\.\d\d\.(1999|200\d)", table)


def test_a_change_within_its_error_is_told_with_a_plain_no(tmp_path):
    page = write_report(make_inventory(), tmp_path / "r.html", language="ru", since="2013")
    text = page.read_text(encoding="utf-8")
    words = set(re.findall(r"<td[^>]*>(да|нет|аппарат не указан)</td>", text))
    assert words == {"да", "нет"}
