"""The viewer: one page that works from a disk, in a real browser at two widths, with any text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from browser import Browser, chromium
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.io import MemoryFile
from rasterio.transform import from_bounds, from_origin
from rasterio.windows import Window
from sample_inventory import HOSTILE, empty_inventory, glaciers, hostile_inventory, make_inventory
from skimage.color import deltaE_ciede2000, rgb2lab

import glacial_lakes.report
from glacial_lakes.errors import InputError
from glacial_lakes.grid import Grid
from glacial_lakes.inventory import plots
from glacial_lakes.inventory.inventory import open_inventory
from glacial_lakes.mapping.false_colour import false_colour
from glacial_lakes.report import pictures, viewer
from glacial_lakes.report.atlas import write_atlas
from glacial_lakes.report.doubts import doubts
from glacial_lakes.report.packing import STEPS_PER_DEGREE, packed
from glacial_lakes.report.page import write_report
from glacial_lakes.report.pictures import SIZE, sheets
from glacial_lakes.report.relief import STREAM_KM2, mercator, streams
from glacial_lakes.report.viewer import write_viewer
from glacial_lakes.report.viewer_data import viewer_data
from glacial_lakes.report.viewer_words import TEXTS
from glacial_lakes.review.decision_file import FORMAT
from glacial_lakes.review.review_file import review_file
from glacial_lakes.workflow.looks import looking
from glacial_lakes.workflow.output_folder import is_result

VIEWER = Path(glacial_lakes.report.__file__).parent / "viewer"
WIDTHS = (1280, 390)
OWN = ("outlines", "model", "curve", "pictures", "review", "map", "list", "panel", "viewer")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


def ask(browser: Browser, page: Path, body: str, width: int = 1280) -> Any:
    """Open a page, ask it, and see to it that it complained of nothing and reached for nothing."""
    browser.open(page, width)
    told = browser.ask(body)
    assert browser.said == []
    assert [url for url in browser.asked if not url.startswith((page.as_uri(), "data:"))] == []
    return told


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("viewer")
    return write_viewer(make_inventory(), folder / "v.html", glaciers=glaciers())[0]


def unpacked(text: str, origin: tuple[int, int]) -> list[np.ndarray]:
    """Read a packed outline one digit after the other: the plain reference of both sides."""
    rings = []
    for word in text.split():
        values, value, shift = [], 0, 0
        for character in word:
            digit = ord(character) - 63
            value |= (digit & 31) << shift
            shift += 5
            if digit < 32:
                values.append(~(value >> 1) if value & 1 else value >> 1)
                value = shift = 0
        rings.append(np.cumsum(np.reshape(values, (-1, 2)), axis=0) + origin)
    return rings


@given(
    st.lists(
        st.tuples(st.integers(-18_000_000, 18_000_000), st.integers(-9_000_000, 9_000_000)),
        min_size=3,
        max_size=9,
        unique=True,
    ),
    st.tuples(st.integers(-18_000_000, 18_000_000), st.integers(-9_000_000, 9_000_000)),
)
def test_a_packed_ring_is_the_ring_again(places, origin):
    ring = np.array(places) / STEPS_PER_DEGREE
    hollow = shapely.Polygon(ring, [ring[::-1]])
    (text, missing) = packed([hollow, None], origin)
    assert missing == ""
    for found, expected in zip(unpacked(text, origin), (places, places[::-1]), strict=True):
        assert found.tolist() == [list(place) for place in expected]


def test_lakes_have_the_number_of_the_catalogue_and_else_that_of_reports():
    inventory = make_inventory()
    lakes = inventory.lakes.assign(number=range(1, len(inventory.lakes) + 1))
    lakes["catalogue_no"] = ["KG-7", *[None] * (len(lakes) - 1)]
    lakes["district"] = ["Чуй", *[None] * (len(lakes) - 1)]
    data, _ = viewer_data(replace(inventory, lakes=lakes), [], "ru")
    numbers = dict(zip(data["lakes"]["id"], data["lakes"]["number"], strict=True))
    assert [numbers[name] for name in lakes["lake_id"][:3]] == ["KG-7", "2", "3"]
    districts = dict(zip(data["lakes"]["id"], data["lakes"]["district"], strict=True))
    assert [districts[name] for name in lakes["lake_id"][:2]] == ["Чуй", None]


def test_outlines_are_drawn_within_a_step_of_their_place(browser, page):
    inventory = make_inventory()
    told = ask(
        browser,
        page,
        "return LAKES.id.map((id, n) => [id, unpacked(LAKES.shape[n], DATA.origin)])",
    )
    shapes = dict(zip(inventory.lakes["lake_id"], inventory.lakes.geometry, strict=True))
    assert len(told) == len(shapes)
    for name, (ring,) in told:
        drawn = shapely.Polygon([(lon, lat) for lat, lon in ring])
        assert shapely.hausdorff_distance(drawn, shapes[name]) < 5e-5
        assert drawn.area == pytest.approx(shapes[name].area, rel=0.05)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_hostile_inventory_runs_nothing_and_asks_for_nothing_outside(browser, tmp_path, width):
    page, *_ = write_viewer(
        hostile_inventory(), tmp_path / "v.html", title="<script>document.title='owned'</script>"
    )
    title = ask(browser, page, "return document.title", width)
    assert title == "<script>document.title='owned'</script>"
    lakes = len(make_inventory(8).lakes)
    looked_at = "for (let n = 0; n < N_LAKES; n += 1) choose(n); return [N_LAKES, document.title]"
    assert ask(browser, page, looked_at, width) == [lakes, title]


def test_the_list_tells_the_number_of_each_lake(browser, tmp_path):
    inventory = make_inventory(8)
    numbers = [f"КР-0{n}" for n in range(len(inventory.lakes))]
    told = replace(inventory, lakes=inventory.lakes.assign(catalogue_no=numbers))
    page, *_ = write_viewer(told, tmp_path / "v.html")
    listed = "return [...document.querySelectorAll('li[data-lake] small')].map(o => o.textContent)"
    lines = ask(browser, page, listed)
    assert {number for number in numbers if any(f"№ {number}" in line for line in lines)} == set(
        numbers
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_every_part_fits_the_width_of_the_window(browser, page, width):
    wide = ask(
        browser,
        page,
        "choose(0); return [innerWidth, document.documentElement.scrollWidth,"
        "...['map', 'panel', 'time'].map((id) => document.getElementById(id).offsetWidth)]",
        width,
    )
    assert wide[0] == width
    assert wide[1] <= width
    assert min(wide[2:]) > 300


@pytest.mark.parametrize("width", WIDTHS)
def test_texts_without_a_blank_stay_within_the_panel(browser, tmp_path, width):
    inventory, text = make_inventory(), "Абвгд" * 48
    names = ("lake_name", "district", "basin", "catalogue_no", "comment", "verified_by")
    lakes = inventory.lakes.assign(**dict.fromkeys(names, text), verified=True)
    page, *_ = write_viewer(replace(inventory, lakes=lakes), tmp_path / "v.html", title=text)
    told = ask(
        browser,
        page,
        """
        choose(0);
        document.getElementById("narrow").open = true;
        const panel = document.getElementById("panel");
        const close = panel.querySelector(".close").getBoundingClientRect();
        return [panel.scrollWidth - panel.clientWidth, close.height < 60,
          document.documentElement.scrollWidth];
        """,
        width,
    )
    assert told[:2] == [0, True]
    assert told[2] <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_slider_shows_the_lakes_of_each_date(browser, page, width):
    told = ask(
        browser,
        page,
        """
        const drained = DATA.events.find((event) => event.kind === "drained").lakes[0];
        choose(drained);
        return DATA.days.map((day, n) => {
          const slider = document.getElementById("day");
          slider.value = String(n);
          slider.dispatchEvent(new Event("input"));
          const { seen } = knownOn(drained, n);
          const said = (where) => document.querySelector(where).textContent;
          const told = [said("#day-name"), said(".today")];
          return [...told, seen === null ? null : statusOf(seen)];
        });
        """,
        width,
    )
    assert [name.split()[0] for name, _, _ in told][:2] == ["1999-08-12", "2002-08-28"]
    assert told[0][2] == "observed"
    assert "km²" in told[0][1]
    assert told[-1][2] == "absent"
    assert "no water" in told[-1][1]


@pytest.mark.parametrize("width", WIDTHS)
def test_search_and_filters_leave_the_lakes_that_fit(browser, page, width):
    inventory = make_inventory()
    told = ask(
        browser,
        page,
        """
        const ids = () => list.lakes().map((lake) => LAKES.id[lake]).sort();
        const set = (id, value, event) => {
          const input = document.getElementById(id);
          input.value = value;
          input.dispatchEvent(new Event(event));
        };
        const all = ids().length;
        set("search", LAKES.id[3].toLowerCase().slice(2), "input");
        const found = ids();
        set("search", "", "input");
        set("filter-state", "gone", "change");
        const gone = ids();
        set("filter-state", "", "change");
        set("filter-type", "ice-contact", "change");
        const touching = ids();
        set("filter-size", "1", "change");
        const shown = view.state.shown.size;
        return { all, third: LAKES.id[3], found, gone, touching, small: ids(), shown };
        """,
        width,
    )
    lakes = inventory.lakes
    touching = lakes[lakes["lake_type"] == "ice-contact"]
    small = touching[(touching["area_m2"] >= 1e4) & (touching["area_m2"] < 1e5)]
    assert told["all"] == len(lakes)
    assert told["found"] == [told["third"]]
    assert told["gone"] == sorted(lakes.loc[lakes["state"] == "gone", "lake_id"])
    assert told["touching"] == sorted(touching["lake_id"])
    assert told["small"] == sorted(small["lake_id"])
    assert told["shown"] == len(small)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_is_decided_by_key_is_what_the_inventory_takes_in(browser, tmp_path, language):
    inventory, path = make_inventory(), tmp_path / "inventory.gpkg"
    inventory.to_file(path)
    page, *_ = write_viewer(inventory, tmp_path / "v.html", language=language)
    ask(browser, page, "localStorage.clear()")
    browser.open(page, 1280)
    browser.ask(
        "const by = document.getElementById('by'); by.value = 'Иванова <b>';"
        "by.dispatchEvent(new Event('change'))"
    )
    keys = {"en": "qkrlm", "ru": ["й@KeyQ", "л@KeyK", "к@KeyR", "д@KeyL", "ь@KeyM"]}[language]
    begin, keep, reject, later, remark = keys
    now = "return LAKES.id[chosen.lake]"
    browser.press(begin)
    assert browser.ask("return document.getElementById('save').disabled")
    queue = browser.ask("return list.lakes().map((lake) => [LAKES.id[lake], LAKES.doubt[lake]])")
    assert [doubt for _, doubt in queue] == sorted((doubt for _, doubt in queue), reverse=True)
    decided = [browser.ask(now)]
    for key in (keep, reject, later):
        browser.press(key)
        decided.append(browser.ask(now))
    assert decided == [name for name, _ in queue[:4]]
    browser.press(remark, "o", "k", "?", "Escape")
    browser.ask(
        "const type = document.getElementById('verdict-type'); type.value = 'unknown';"
        "type.dispatchEvent(new Event('change'))"
    )
    assert (
        browser.ask("return document.getElementById('decided').textContent.match(/[0-9]+/)[0]")
        == "3"
    )
    saved = tmp_path / "review.json"
    saved.write_text(browser.ask("return JSON.stringify(reviewFile(), null, 1)"), "utf-8")
    assert browser.said == []
    found = review_file(path, saved)
    assert sorted(zip(found["lake_id"], found["decision"], strict=True)) == sorted(
        [
            (decided[0], "accepted"),
            (decided[1], "rejected"),
            (decided[3], "reclassified"),
            (decided[3], "commented"),
        ]
    )
    assert set(found["reviewer"]) == {"Иванова <b>"}
    assert found["comment"].dropna().tolist() == ["ok?"]
    lakes = open_inventory(path).lakes.set_index("lake_id")
    assert decided[1] not in lakes.index
    assert lakes.loc[decided[0], "verified_by"] == "Иванова <b>"
    assert lakes.loc[decided[3], "lake_type"] == "unknown"
    assert review_file(path, saved).empty  # the same file again
    browser.open(page, 1280)  # what was decided is still there, where the browser keeps it
    assert browser.ask("return review.decisions.size") == 4


@pytest.fixture
def taken(tmp_path):
    """Take a decision on a lake, as a file tells it, into an inventory."""
    inventory, path = make_inventory(), tmp_path / "inventory.gpkg"
    inventory.to_file(path)

    def take(**decision):
        said = {"lake_id": inventory.lakes["lake_id"].iloc[0], "decided": "2024-10-01T12:00:00Z"}
        file = {"format": FORMAT, "version": 1, "by": "Petrova", "decisions": [said | decision]}
        saved = tmp_path / "review.json"
        saved.write_text(json.dumps(file, ensure_ascii=False), "utf-8")
        return review_file(path, saved)

    return take


def test_a_decision_keeps_who_and_when(taken):
    found = taken(verdict="keep", decided="2024-10-01T15:00:00+03:00")
    assert found["reviewed"].tolist() == [pd.Timestamp("2024-10-01T12:00:00Z")]
    assert found["reviewer"].tolist() == ["Petrova"]
    assert found["source"].tolist() == ["review.json"]


def test_a_lake_that_is_rejected_keeps_the_remark_that_says_why(taken):
    found = taken(verdict="reject", comment="shadow of the ridge")
    assert found["decision"].tolist() == ["rejected"]
    assert found["comment"].tolist() == ["shadow of the ridge"]


def test_each_decision_of_a_file_that_two_wrote_is_of_its_own_author(taken):
    assert taken(verdict="keep", by="Sidorova")["reviewer"].tolist() == ["Sidorova"]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_review_goes_on_with_that_of_somebody_else_and_has_a_name(browser, page, width):
    ask(browser, page, "localStorage.clear()")
    told = ask(
        browser,
        page,
        """
        const theirs = { format: REVIEW_FORMAT, version: 1, by: "A", decisions: [
          { lake_id: LAKES.id[0], verdict: "keep", decided: "2024-01-01T00:00:00Z" },
          { lake_id: LAKES.id[1], verdict: "keep", decided: "2024-01-01T00:00:00Z" }] };
        choose(1);
        decideHere({ verdict: "reject" }, false);
        saveHere();
        const asked = [document.activeElement.id, document.getElementById("decided").textContent];
        review.by = "B";
        takeReview(theirs);
        choose(2);
        decideHere({ verdict: "keep" }, false);
        localStorage.clear();
        const saved = reviewFile();
        return [asked, saved.by, saved.decisions.map((one) => [one.verdict, one.by ?? null])];
        """,
        width,
    )
    assert told == [
        ["by", "First put in your name."],
        "B",
        [["keep", "A"], ["reject", None], ["keep", None]],
    ]


def test_the_last_decision_is_taken_back_by_key(browser, page):
    ask(browser, page, "localStorage.clear()")
    browser.open(page, 1280)
    browser.press("q")
    now = """
        const decided = [...review.decisions.entries()].map(([lake, one]) => [lake, one.verdict]);
        return [chosen.lake, decided];
        """
    first, _ = browser.ask(now)
    browser.press("k", "r", "u")
    second, decisions = browser.ask(now)
    assert second != first
    assert decisions == [[first, "keep"]]
    browser.press("u", "u")
    assert browser.ask(now) == [first, []]
    assert browser.said == []


def test_keys_are_heard_after_the_slider_was_moved(browser, page):
    ask(browser, page, "localStorage.clear()")
    browser.open(page, 1280)
    browser.ask("document.getElementById('day').focus()")
    browser.press("q", "k")
    assert browser.ask("const n = review.decisions.size; localStorage.clear(); return n") == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_a_type_is_chosen_by_key_and_a_remark_left_without_leaving_the_lake(browser, page, width):
    ask(browser, page, "localStorage.clear()")
    browser.open(page, width)
    browser.press("q")
    lake = browser.ask("return chosen.lake")
    here = """
        const { lake_type: type, comment } = decisionOn(chosen.lake) ?? {};
        return [chosen.lake, document.activeElement.id, type ?? null, comment ?? null];
        """
    browser.press("t", "ArrowDown", "ArrowDown")
    assert browser.ask(here) == [lake, "verdict-type", "ice-contact", None]
    browser.press("Tab", "o", "k", "Tab")
    left, focus, *told = browser.ask(here)
    assert (left, told) == (lake, ["ice-contact", "ok"])
    inside = "return document.activeElement.closest('#panel') !== null"
    assert (focus, browser.ask(inside)) == ("", True)
    browser.ask("document.activeElement.blur(); localStorage.clear()")
    assert browser.said == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_button_back_closes_the_lake_and_not_the_page(browser, page, width):
    told = ask(
        browser,
        page,
        """
        const back = () => new Promise((done) => {
          window.addEventListener("popstate", () => done(chosen.lake), { once: true });
          history.back();
        });
        choose(2);
        choose(3);
        const opened = location.hash;
        const closed = await back();
        choose(4);
        choose(null);
        return [opened === `#lake=${LAKES.id[3]}`, closed, location.hash];
        """,
        width,
    )
    assert told == [True, None, ""]


def test_names_of_events_on_a_curve_do_not_cover_each_other(browser, tmp_path):
    inventory = make_inventory()
    events = inventory.events.iloc[[0, 0, 0]].assign(
        event=["drained", "shrunk", "split"],
        date=pd.to_datetime(["2018-08-20", "2018-08-20", "2018-09-01"], utc=True),
    )
    page, *_ = write_viewer(replace(inventory, events=events), tmp_path / "v.html", language="ru")
    texts, boxes, lines = ask(
        browser,
        page,
        """
        choose(DATA.events[0].lakes[0]);
        const texts = [...document.querySelectorAll(".event-label")];
        const boxes = texts.map((one) => one.getBBox()).map((box) => [box.x, box.x + box.width]);
        const lines = document.querySelectorAll("svg.curve .event").length;
        return [texts.map((one) => one.textContent), boxes, lines];
        """,
    )
    assert texts == ["опорожнилось, быстро сократилось"]
    assert lines == 2
    assert all(end < begin for (_, end), (begin, _) in pairwise(boxes))


def test_an_older_decision_does_not_undo_a_newer_one(taken):
    assert len(taken(lake_type="unknown", decided="2024-10-02T00:00:00Z")) == 1
    assert taken(lake_type="ice-contact", decided="2024-10-01T00:00:00Z").empty
    assert len(taken(lake_type="ice-contact", decided="2024-10-03T00:00:00Z")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "drain it"},
        {"lake_type": "<script>"},
        {"comment": ["x"]},
        {"comment": "x" * 9999},
        {"decided": "yesterday?"},
        {"lake_id": 5},
    ],
)
def test_a_file_that_says_what_no_viewer_says_is_refused(taken, wrong):
    with pytest.raises(InputError, match="save it again in the viewer"):
        taken(verdict=wrong.pop("verdict", "keep"), **wrong)


def test_a_lake_that_is_gone_is_left_out(taken):
    assert taken(lake_id="GL000000E00000N", verdict="keep").empty


def test_an_empty_inventory_is_a_page_too(browser, tmp_path):
    page, *_ = write_viewer(empty_inventory(), tmp_path / "v.html", language="ru")
    assert ask(browser, page, "return N_LAKES") == 0
    browser.press("q", "ArrowRight", "k", "n")
    assert browser.said == []


def test_a_gap_is_told_and_never_drawn_as_an_area(browser, page):
    inventory = make_inventory()
    rows = inventory.observations
    unseen = (~rows["status"].isin(["observed", "absent"])).groupby(rows["lake_id"]).sum()
    told = ask(
        browser,
        page,
        "return LAKES.id.map((id, n) => { choose(n); const drawn = (mark) => "
        "document.querySelectorAll(`svg.curve .${mark}`).length;"
        "return [id, drawn('gap') + drawn('least'), drawn('dot')]; })",
    )
    seen = (rows["status"] == "observed").groupby(rows["lake_id"]).sum()
    assert told == [[name, unseen[name], seen[name]] for name, _, _ in told]


def painted(inventory, folder: Path) -> dict[str, Path]:
    """Write a look of each scene: the outlines of its date blue on brown."""
    looks = {}
    utm = inventory.outlines.to_crs(32643)
    west, south, east, north = utm.total_bounds
    transform = from_origin(west - 500, north + 500, 10, 10)
    shape = (int((north - south) / 10) + 100, int((east - west) / 10) + 100)
    for scene, rows in utm.groupby("scene_id"):
        look = np.empty((3, *shape), np.uint8)
        look[:] = np.array([120, 80, 40])[:, None, None]
        water = geometry_mask(rows.geometry, shape, transform, invert=True)
        look[:, water] = np.array([1, 20, 160])[:, None]
        looks[scene] = folder / f"{len(looks)}.tif"
        profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": "EPSG:32643"}
        size = {"width": shape[1], "height": shape[0], "transform": transform}
        with rasterio.open(looks[scene], "w", **profile, **size) as dataset:
            dataset.write(look)
    return looks


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_summary_has_ten_pages_at_most_and_no_dead_link(browser, tmp_path, language):
    inventory = make_inventory(150)
    lakes = inventory.lakes.assign(
        basin=[f"Basin {n % 40}" for n in range(150)], district=[f"D {n % 7}" for n in range(150)]
    )
    inventory = replace(inventory, lakes=lakes)
    page = write_report(
        inventory, tmp_path / "s.html", is_summary=True, language=language, glaciers=glaciers()
    )
    text = page.read_text(encoding="utf-8")
    ids = set(re.findall(r' id="([^"]*)"', text))
    assert set(re.findall(r' href="#([^"]*)"', text)) <= ids
    full = write_report(inventory, tmp_path / "f.html", language=language).read_text("utf-8")
    numbered = re.compile(r'(?:No\.|№)&nbsp;(\d+)(?:</a>)? <span class="id">([^<]*)')
    assert set(numbered.findall(text)) <= set(numbered.findall(full))
    assert numbered.findall(text)
    browser.open(page, 1280)
    pages = len(re.findall(rb"/Type\s*/Page\b", browser.print()))
    assert 1 <= pages <= 10
    assert browser.said == []


@pytest.mark.parametrize("is_inline", [True, False])
def test_pictures_are_shown_from_the_page_or_from_its_folder(
    browser, tmp_path, monkeypatch, is_inline
):
    if not is_inline:
        monkeypatch.setattr(viewer, "MOST_PAGE_BYTES", 0)
    inventory = make_inventory()
    looks = painted(inventory, tmp_path)
    page, *files = write_viewer(inventory, tmp_path / "viewer.html", looks=looks)
    assert bool(files) != is_inline
    assert all(file.parent == tmp_path / "viewer_files" for file in files)
    assert all(is_result(path, tmp_path) for path in (page, *files))  # a later run removes them
    write_viewer(inventory, page, looks=looks, title="once more")  # over what is there
    assert "once more" in page.read_text(encoding="utf-8")
    browser.open(page, 1280)
    chips, blue, bounds = browser.ask(
        """
        choose(0);
        await sheetOf(Math.floor(picturesOf(0).at[0] / PICTURES.per_sheet));
        await new Promise((done) => setTimeout(done, 300));
        const canvases = [...document.querySelectorAll(".chip canvas")];
        const bounds = LAKES.id.map((id, lake) => [id, ...picturesOf(lake).bounds.flat()]);
        const pixels = PICTURES.sheets[0].startsWith("data:")
          ? canvases[0].getContext("2d").getImageData(0, 0, 128, 128).data : [];
        let blue = 0;
        for (let n = 0; n < pixels.length; n += 4) blue += pixels[n + 2] > pixels[n] + 40;
        return [canvases.length, blue, bounds];
        """
    )
    assert browser.said == []
    assert chips >= 2
    assert not is_inline or blue > 500
    assert [url for url in browser.asked if not url.startswith((tmp_path.as_uri(), "data:"))] == []
    for name, south, west, north, east in bounds:
        of_lake = inventory.outlines[inventory.outlines["lake_id"] == name]
        assert shapely.box(west, south, east, north).contains(shapely.union_all(of_lake.geometry))


def test_a_picture_shows_the_water_of_its_date_inside_of_the_outline(tmp_path):
    inventory = make_inventory()
    data, rows = viewer_data(inventory, [], "en")
    looks = painted(inventory, tmp_path)
    by_place = {n: looks[name] for n, name in enumerate(data["scenes"]["id"]) if name in looks}
    (content,), of_lake = sheets(rows[rows["lake"] == 0], by_place, set())
    sheet = of_lake[0]
    with MemoryFile(content) as memory, memory.open() as dataset:
        image = dataset.read()
    (left, right), (bottom, top) = mercator(
        np.array(sheet.bounds[::2]), np.array(sheet.bounds[1::2])
    )
    frame = from_bounds(left, bottom, right, top, SIZE, SIZE)
    compared = 0
    for place, scene in zip(sheet.places, sheet.scenes, strict=True):
        line, column = divmod(place, image.shape[2] // SIZE)
        picture = image[:, line * SIZE :, column * SIZE :][:, :SIZE, :SIZE]
        drawn = rows[(rows["lake"] == 0) & (rows["scene"] == scene) & rows.geometry.notna()]
        if drawn.empty:
            continue
        inside = geometry_mask(drawn.geometry.to_crs(3857), (SIZE, SIZE), frame, invert=True)
        blue = picture[2].astype(int) > picture[0]
        assert (blue & inside).sum() > 0.85 * inside.sum()
        assert (blue & ~inside).sum() < 0.3 * inside.sum()
        compared += 1
    assert compared > 2


def test_pictures_go_on_on_the_next_sheet(browser, tmp_path, monkeypatch):
    inventory = make_inventory()
    looks = painted(inventory, tmp_path)
    one, *_ = write_viewer(inventory, tmp_path / "one.html", looks=looks)
    monkeypatch.setattr(pictures, "PER_SHEET", 5)
    monkeypatch.setattr(viewer, "PER_SHEET", 5)
    many, *_ = write_viewer(inventory, tmp_path / "many.html", looks=looks)
    tints = """
        const tints = [];
        for (let lake = 0; lake < N_LAKES; lake += 1)
          for (const place of picturesOf(lake).scenes.keys()) {
            const canvas = document.createElement("canvas");
            await drawPicture(canvas, lake, place);
            const pixels = canvas.getContext("2d").getImageData(0, 0, 128, 128).data;
            const blue = pixels.filter((value, n) => n % 4 === 2);
            tints.push(blue.reduce((sum, value) => sum + value, 0) / blue.length);
          }
        return [PICTURES.sheets.length, tints];
        """
    (few, expected), (more, found) = (ask(browser, page, tints) for page in (one, many))
    assert few == 1
    assert more == -(-len(expected) // 5)
    assert found == pytest.approx(expected, abs=3)


def test_rivers_are_drawn_on_the_dates_of_the_images_that_show_them(browser, tmp_path):
    inventory = make_inventory()
    scene = inventory.scenes["scene_id"].iloc[2]
    here = inventory.lakes.to_crs(32643).geometry.iloc[:2].buffer(15)
    far = here.translate(4e5)
    rivers = {scene: pd.concat([here, far]), "another": here}
    page, *_ = write_viewer(inventory, tmp_path / "v.html", rivers=rivers)
    told = ask(
        browser,
        page,
        """
        const drawn = (n) => { setDay(n); return view.rivers.getLayers().length; };
        const shown = DATA.days.map((day, n) => drawn(n));
        return [shown, document.querySelectorAll("#map-key [data-mark=river]").length];
        """,
    )
    assert told == [[0, 0, 2, *[0] * (len(told[0]) - 3)], 1]


@pytest.mark.parametrize("width", WIDTHS)
def test_words_beside_the_map_are_in_the_language_of_the_page_and_fit(browser, tmp_path, width):
    page, *_ = write_viewer(make_inventory(), tmp_path / "v.html", language="ru")
    scale, text, room, zoom = ask(
        browser,
        page,
        """
        const order = document.getElementById("order");
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = getComputedStyle(order).font;
        const wide = [...order.options].map((one) => pen.measureText(one.textContent).width);
        const scale = document.querySelector(".leaflet-control-scale").textContent;
        const buttons = document.querySelectorAll(".leaflet-control-zoom a");
        const zoom = [...buttons].map((one) => one.title);
        return [scale, Math.max(...wide), order.clientWidth, zoom];
        """,
        width,
    )
    assert re.fullmatch(r"\d+ (м|км)", scale)
    assert text + 40 <= room
    assert zoom == ["Увеличить", "Уменьшить"]


def test_the_key_of_the_map_names_what_is_on_it(browser, page):
    marks = ask(
        browser,
        page,
        "return [...document.querySelectorAll('#map-key li')].map((one) => one.dataset.mark)",
    )
    assert marks == ["present", "earlier", "gone", "alert", "ice"]


def test_colours_tell_what_is_not_known_from_what_is_dark():
    dark = np.array([[0.0, 0.02, np.nan]], np.float32)
    for bands in (("green", "nir"), ("green", "nir", "swir1"), ("green", "red", "nir")):
        colours = false_colour(dict.fromkeys(bands, dark))
        assert (colours[:, 0, :2] > 0).all()
        assert (colours[:, 0, 2] == 0).all()


def test_a_look_does_not_depend_on_the_strips_that_it_came_in(tmp_path):
    grid = Grid(CRS.from_epsg(32643), from_origin(450000, 4720000, 10, 10), (700, 300))
    rng = np.random.default_rng(5)
    bands = {name: rng.random((600, 280), np.float32) for name in ("green", "nir", "swir1")}
    written = []
    for rows in (64, 250, 600):
        path = tmp_path / f"{rows}.tif"
        with looking(path, grid) as look:
            for row in range(0, 600, rows):
                part = {name: band[row : row + rows] for name, band in bands.items()}
                height = part["nir"].shape[0]
                look.add(Window(10, 40 + row, 280, height), part)
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]
    with rasterio.open(path) as dataset:
        expected = false_colour(bands).astype(float)
        found = dataset.read(window=Window(10, 40, 280, 600)).astype(float)
    assert np.corrcoef(found[0].ravel(), expected[0].ravel())[0, 1] > 0.5


@pytest.mark.parametrize("width", WIDTHS)
def test_the_images_are_seen_before_and_with_the_buttons_of_the_verdict(browser, tmp_path, width):
    inventory = make_inventory()
    page, *_ = write_viewer(inventory, tmp_path / "v.html", looks=painted(inventory, tmp_path))
    told = ask(
        browser,
        page,
        """
        return LAKES.id.map((id, lake) => {
          choose(lake);
          const [chip, keep] = [".chip canvas", "#verdict-keep"].map((where) =>
            document.querySelector(where).getBoundingClientRect());
          return [chip.top, chip.bottom, keep.top, keep.bottom];
        });
        """,
        width,
    )
    for top, bottom, above, below in told:
        assert 0 <= top < bottom <= above < below <= 844


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["viewer", "report", "atlas"])
def test_every_text_stands_out_from_its_ground(browser, tmp_path, kind, width):
    inventory = make_inventory()
    inventory = replace(inventory, lakes=inventory.lakes.assign(comment="a remark"))
    if kind == "viewer":
        page, *_ = write_viewer(inventory, tmp_path / "v.html", looks=painted(inventory, tmp_path))
    elif kind == "report":
        page = write_report(inventory, tmp_path / "r.html", glaciers=glaciers())
    else:
        page = write_atlas(inventory, tmp_path / "a.html", list(inventory.lakes["lake_id"]))
    told = ask(
        browser,
        page,
        r"""
        if (typeof choose === "function") { list.order("doubt"); choose(0); }
        for (const one of document.querySelectorAll("details")) one.open = true;
        const colour = (text) => {
          const [r, g, b, a = 1] = (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
          return { rgb: [r, g, b], a };
        };
        const over = (top, ground) => top.rgb.map((v, n) => v * top.a + ground[n] * (1 - top.a));
        const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const light = (rgb) => [0.2126, 0.7152, 0.0722]
          .reduce((sum, share, n) => sum + share * linear(rgb[n] / 255), 0);
        const ground = (one) => {
          if (!one) return [255, 255, 255];
          const own = colour(getComputedStyle(one).backgroundColor);
          return own.a === 1 ? own.rgb : over(own, ground(one.parentElement));
        };
        const low = [];
        let texts = 0;
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const one = node.parentElement;
          if (!node.data.trim() || !one.checkVisibility()) continue;
          if (one.closest("script, style, title, :disabled")) continue;
          const style = getComputedStyle(one);
          const behind = ground(one);
          const ink = over(colour(one.closest("svg") ? style.fill : style.color), behind);
          const [a, b] = [light(ink), light(behind)].sort((x, y) => y - x);
          texts += 1;
          if ((a + 0.05) / (b + 0.05) < 4.5) low.push([node.data.trim(), style.color, behind]);
        }
        return [texts, low];
        """,
        width,
    )
    texts, low = told
    assert texts > 40
    assert low == []


BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""Linear RGB as people see it who lack a kind of cones (Machado et al. 2009, severity 1)."""


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours of states that the pages use, as their files say them."""
    script = (VIEWER / "map.js").read_text(encoding="utf-8")
    (told,) = re.findall(r"const COLOURS = \{ (.*?) \};", script)
    style = (VIEWER.parent / "templates" / "style.css").read_text(encoding="utf-8")
    of_page = dict(re.findall(r"--(\w+): (#\w{6})", style))
    marks = re.findall(r"\.lake\.(merged|unconfirmed) \{[^}]*stroke: (#\w{6})", style)
    return {
        "viewer": dict(re.findall(r'(\w+): "(#\w{6})"', told)),
        "report": {"present": of_page["water"], "gone": of_page["event"], **dict(marks)},
        "figures": {"water": plots.WATER, "event": plots.EVENT, "gap": plots.GAP},
    }


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("name", ["viewer", "report", "figures"])
def test_states_are_told_apart_whatever_colours_one_sees(name, blindness):
    palette = palettes()[name]
    assert len(palette) == (3 if name == "figures" else 4)
    seen = {}
    for state, code in palette.items():
        plain = np.array([int(code[n : n + 2], 16) for n in (1, 3, 5)]) / 255
        linear = np.where(plain <= 0.04045, plain / 12.92, ((plain + 0.055) / 1.055) ** 2.4)
        linear = np.clip(np.array(BLINDNESS[blindness]) @ linear, 0, 1)
        back = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        seen[state] = rgb2lab(back)
        on_white = 1.05 / (np.array([0.2126, 0.7152, 0.0722]) @ linear + 0.05)
        assert on_white >= 3, state
    for one, other in combinations(seen, 2):
        assert deltaE_ciede2000(seen[one], seen[other]) > 15, (one, other)


def test_every_text_of_the_scripts_is_one_that_catalogues_know():
    asked = set()
    for name in OWN:
        script = (VIEWER / f"{name}.js").read_text(encoding="utf-8")
        asked |= set(re.findall(r'(?<![\w.])t\(\s*"([^"]*)"', script))
        asked |= {t for pair in re.findall(r'\? "([^"]*)" : "([^"]*)"\)', script) for t in pair}
        asked |= set(re.findall(r'title: "([^"]*)"', script))
    asked |= {"Date", "Sensor", "Lake area", "Seen part", "Keep", "Reject", "Later"}
    assert asked == set(TEXTS) | {"all"}


def test_equal_inventories_give_equal_bytes(tmp_path):
    one, other = (
        write_viewer(make_inventory(), tmp_path / name, glaciers=glaciers())[0] for name in "ab"
    )
    assert one.read_bytes() == other.read_bytes()


def test_no_script_of_the_page_stands_in_an_attribute(page):
    text = page.read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.search(r"\s(on\w+|style|src)=", markup)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_the_map_library_comes_with_its_licence():
    assert "Volodymyr Agafonkin" in (VIEWER / "LICENSE.leaflet").read_text(encoding="utf-8")
    assert "Leaflet 1.9.4" in (VIEWER / "leaflet.js").read_text(encoding="utf-8")[:200]


def test_lakes_that_a_person_verified_are_not_doubted_any_more():
    inventory = make_inventory()
    name = inventory.alerts["lake_id"].iloc[0]
    assert doubts(inventory)[name].reasons
    verified = inventory.lakes.assign(verified=inventory.lakes["lake_id"] == name)
    assert doubts(replace(inventory, lakes=verified))[name].reasons == ()


def test_an_unconfirmed_lake_is_doubted_more_than_one_of_unknown_type():
    inventory = make_inventory()
    lakes = inventory.lakes.copy()
    lakes.loc[0, "state"], lakes.loc[1, "lake_type"] = "unconfirmed", "unknown"
    found = doubts(replace(inventory, lakes=lakes))
    weights = [found[lakes["lake_id"][n]].weight for n in (0, 1)]
    assert weights[0] > weights[1] > 0


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_table_of_the_report_hides_a_column(browser, tmp_path, language):
    page = write_report(make_inventory(), tmp_path / "r.html", language=language)
    for width in (390, 768, 1024, 1280):
        hidden = ask(
            browser,
            page,
            """
            for (const one of document.querySelectorAll("details")) one.open = true;
            return [document.documentElement, ...document.querySelectorAll(".scroll")]
              .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.textContent);
            """,
            width,
        )
        assert hidden == [], width


def test_a_cell_bears_the_head_of_its_column_where_the_head_is_not_shown(browser, tmp_path):
    page = write_report(make_inventory(), tmp_path / "r.html")
    told = ask(
        browser,
        page,
        """
        const cell = document.querySelector("table.sortable tbody td:nth-child(8)");
        return [cell.dataset.head, getComputedStyle(cell).display];
        """,
        390,
    )
    assert told == ["Area, km²", "flow-root"]


def test_an_atlas_shows_the_water_of_each_image_and_prints_a_page_a_lake(browser, tmp_path):
    inventory = make_inventory()
    ids = inventory.lakes["lake_id"].tolist()[1:4]
    page = write_atlas(inventory, tmp_path / "a.html", ids, looks=painted(inventory, tmp_path))
    told = ask(
        browser,
        page,
        "return [...document.querySelectorAll('.leaf')].map((leaf) => ["
        "leaf.querySelectorAll('image').length, leaf.querySelectorAll('.over').length])",
        390,
    )
    assert len(told) == len(ids)
    assert all(images == 3 and 1 <= outlines <= 3 for images, outlines in told)
    assert len(re.findall(rb"/Type\s*/Page\b", browser.print())) == len(ids)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_atlas_prints_a_page_a_lake_of_many_dates_too(browser, tmp_path, language):
    inventory = make_inventory()
    rows = inventory.observations
    later = [
        rows.assign(
            acquired=rows["acquired"] + pd.Timedelta(days=40 * n),
            scene_id=rows["scene_id"] + (f"_{n}" if n else ""),
        )
        for n in range(6)
    ]
    many = replace(inventory, observations=pd.concat(later, ignore_index=True))
    ids = inventory.lakes["lake_id"].tolist()
    page = write_atlas(
        many, tmp_path / "a.html", ids, language=language, looks=painted(inventory, tmp_path)
    )
    browser.open(page, 1280)
    assert len(re.findall(rb"/Type\s*/Page\b", browser.print())) == len(ids)
    assert browser.said == []


def test_an_atlas_prints_a_page_a_lake_whose_texts_are_long(browser, tmp_path):
    inventory = make_inventory()
    lakes = inventory.lakes.assign(
        lake_name="Long name " * 24, district="District " * 24, comment="A long remark. " * 16
    )
    page = write_atlas(
        replace(inventory, lakes=lakes), tmp_path / "a.html", lakes["lake_id"].tolist()
    )
    browser.open(page, 1280)
    assert len(re.findall(rb"/Type\s*/Page\b", browser.print())) == len(lakes)


def test_a_notebook_shows_the_viewer_in_a_frame_that_sees_nothing_of_it(browser, tmp_path):
    shown = hostile_inventory().explore(title='"><script>document.title="owned"</script>')
    page = tmp_path / "notebook.html"
    page.write_text(f"<title>mine</title><p>{shown._repr_html_()}</p>", encoding="utf-8")
    browser.open(page, 1280)
    told = browser.ask(
        """
        const frame = document.querySelector("iframe");
        await new Promise((done) => setTimeout(done, 500));
        let seen = null;
        try { seen = frame.contentWindow.document; } catch { /* as it should be */ }
        return [document.title, seen === null ? "hidden" : "seen", frame.offsetHeight > 500];
        """
    )
    assert told == ["mine", "hidden", True]
    assert browser.said == []
    assert "MB; shown by a notebook" in repr(shown)


def test_the_less_likely_of_two_lakes_is_looked_at_first(browser, tmp_path):
    inventory = make_inventory()
    ids = inventory.lakes["lake_id"].tolist()
    prob = {name: round(1 - 0.04 * n, 2) for n, name in enumerate(ids)} | {ids[5]: 0.2}
    outlines = inventory.outlines.assign(
        lake_prob=inventory.outlines["lake_id"].map(prob), lake_prob_reasons="slope-, width-"
    )
    told = replace(inventory, outlines=outlines)
    found = doubts(told)
    assert "by its features it is hardly a lake" in found[ids[5]].reasons
    for one in ids:
        for other in ids:
            if found[one].reasons == found[other].reasons and prob[one] < prob[other]:
                assert found[one].weight > found[other].weight
    page, *_ = write_viewer(told, tmp_path / "v.html", language="ru")
    panel = ask(
        browser,
        page,
        f"choose(LAKES.id.indexOf('{ids[5]}')); return document.getElementById('panel').innerText",
    )
    assert "по признакам это вряд ли озеро" in panel
    assert "0,20 – против: уклон" in panel


def test_fifty_lakes_are_reviewed_by_key_whatever_they_are_called(browser, tmp_path):
    inventory = make_inventory(60)
    names = [f"{HOSTILE[n % len(HOSTILE)]} {n}" for n in range(len(inventory.lakes))]
    inventory = replace(inventory, lakes=inventory.lakes.assign(lake_name=names, district=names))
    page, *_ = write_viewer(inventory, tmp_path / "v.html")
    ask(browser, page, "localStorage.clear()")
    browser.open(page, 390)
    browser.press("q", *("k" if n % 5 else "r" for n in range(50)))
    told = browser.ask(
        "return [document.title, list.lakes().length, reviewFile().decisions.map((one) => "
        "[one.lake_id, one.verdict])]"
    )
    assert browser.said == []
    title, left, decisions = told
    assert title == "Glacial lake inventory"
    assert left == len(names) - 50
    assert len({lake for lake, _ in decisions}) == 50
    assert sorted(verdict for _, verdict in decisions) == ["keep"] * 40 + ["reject"] * 10


def test_a_stream_runs_where_enough_ground_drains_through():
    side, cell = 101, 50.0
    row, col = np.indices((side, side))
    valley = (3000 - 2.0 * row + 30.0 * abs(col - side // 2)).astype(np.float32)
    wet = streams(valley, cell)
    rows, cols = np.nonzero(wet)
    assert set(cols) == {side // 2}
    # Slopes are ten times as steep as the valley: each row of pixels drains straight into it.
    above = STREAM_KM2 * 1e6 / (side * cell**2)
    assert rows.min() == pytest.approx(above, abs=1.5)
    assert rows.max() >= side - 2
    unknown = np.full_like(valley, np.nan)
    assert not streams(unknown, cell).any()
