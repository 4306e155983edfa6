"""The command line: verbs, options, streams and exit codes as other people's scripts see them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import geopandas as gpd
import pandas as pd
import pytest
import rasterio

from glacial_lakes.cli.commands import cli, main, memory_amount, month_list
from glacial_lakes.io.vector import read_vector
from glacial_lakes.settings import read_project

pytestmark = pytest.mark.usefixtures("here")

VERBS = {
    "track": {
        *("-o", "--field", "--date", "--encoding", "--layer"),
        *("--glaciers", "--basins", "--basin-field", "--allow-empty"),
        "--catalogue",
    },
    "check": {"--layer", "--encoding"},
    "demo": set(),
    "init": set(),
    "start": {"--open", "--no-open"},
    "scenes": {"--verify"},
    "map": {"-o", "--dem", "--glaciers", "--aoi", "--min-area-m2"},
    "run": {"--jobs", "--max-memory", "--dask", "--plan", "--allow-empty"},
    "series": {"-o"},
    "export": {"-o", "--format", "--epoch", "--months", "--since"},
    "report": {"-o", "--kind", "--dem", "--glaciers", "--since", "--lake"},
    "review": {"--by", "--dry-run", "--partial", "--whole", "--encoding", "--conflicts"},
    "validate": {
        *("-o", "--layer", "--reference-layer", "--date"),
        *("--min-area-m2", "--pixel-m", "--causes"),
    },
    "qgis-install": {"-o"},
    "doctor": {"--warm"},
}
HEAVY = {"numpy", "numba", "pandas", "rasterio", "geopandas", "pyogrio", "shapely", "scipy"}
"""Libraries whose import a person would have to wait for."""

COMMON = {"-v", "--verbose", "-q", "--quiet", "--log-file", "--json", "--debug", "--lang"}
COMMON |= {"--progress"}
COMMON |= {"--overwrite"}
MAP_COLUMNS = {
    *("scene_id", "acquired", "area_m2", "area_sigma_m2", "perimeter_m"),
    *("observed_fraction", "lon", "lat"),
}
OLD, NEW = "LT05_L2SP_151030_20030817_20200904_02_T1", "LE07_L2SP_151030_20060817_20200904_02_T1"


class Done:
    """What a command left: exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]):
    """Return a function that runs the command line in this process."""

    def run_command(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, out, err)

    return run_command


def shell(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "glacial_lakes", *map(str, arguments)],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **variables},
    )


@pytest.fixture
def scene(sample_data: Path) -> Path:
    """Return a small sample scene."""
    return sample_data / "scenes" / OLD


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Return the folder and the words of a demo over two of the sample scenes."""
    folder = tmp_path_factory.mktemp("демо 1") / "new"
    done = shell("demo", folder, GLACIAL_LAKES_INPUTS_SCENES=f"scenes/{OLD},scenes/{NEW}")
    assert done.returncode == 0, done.stderr
    yield folder, done.stdout


def test_the_verbs_and_options_are_those_of_the_design() -> None:
    found = {
        name: {word for option in command.params for word in (*option.opts, *option.secondary_opts)}
        for name, command in cli.commands.items()
    }
    arguments = {"folder", "paths", "path", "project", "inventory", "edited"}
    arguments |= {"outlines", "reference", "lake"}
    assert {name: words - COMMON - arguments for name, words in found.items()} == VERBS
    assert all(words >= COMMON for words in found.values())


def test_help_tells_the_exit_codes_and_imports_nothing_heavy(call) -> None:
    code = (
        "import sys\n"
        "from glacial_lakes.cli.commands import main\n"
        "sys.argv = ['glacial-lakes', *sys.argv[1:]]\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)"
    )
    for words in ([], ["run"]):
        command = [sys.executable, "-c", code, *words, "--help"]
        helped = subprocess.run(command, capture_output=True, text=True, check=True)
        assert helped.stdout
        assert not HEAVY & set(helped.stderr.split())
    done = call("--help")
    for word in (*VERBS, "130", "interrupted"):
        assert word in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("segment",),
        ("map", "x.SAFE"),
        ("map", "-o", "x.gpkg"),
        ("map", "x.SAFE", "-o", "x.gpkg", "--min-area-m2", "-1"),
        ("run",),
        ("run", "p.toml", "--jobs", "0"),
        ("run", "p.toml", "--max-memory", "lots"),
        ("export", "i.gpkg", "-o", "d", "--format", "dwg"),
        ("export", "i.gpkg", "-o", "d", "--epoch", "2020"),
        ("export", "i.gpkg", "-o", "d", "--epoch", "2020=2021-2019"),
        ("export", "i.gpkg", "-o", "d", "--epoch", "../x=2019-2021"),
        ("export", "i.gpkg", "-o", "d", "--epoch", "2020=2019-2021", "--months", "7-13"),
        ("export", "i.gpkg", "-o", "d", "--epoch", "2020=2019-2021", "--months", "July"),
        ("export", "i.gpkg", "-o", "d", "--months", "7-10"),
        ("validate", "o.gpkg"),
        ("validate", "o.gpkg", "r.gpkg", "--pixel-m", "0"),
        ("validate", "o.gpkg", "r.gpkg", "-o", "report.html"),
        ("--lang", "de", "doctor"),
    ],
)
def test_wrong_usage_ends_with_2_and_nothing_on_stdout(call, arguments: tuple[str, ...]) -> None:
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


@pytest.mark.parametrize(
    ("text", "amount"),
    [("4GB", 4 * 10**9), ("1.5 gib", 3 * 2**29), ("800M", 8 * 10**8), ("1024", 1024)],
)
def test_memory_is_told_as_people_write_it(text: str, amount: int) -> None:
    assert memory_amount(text) == amount


@pytest.mark.parametrize("text", ["0GB", "-1GB", "4 apples", "", "GB", "1e9"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        memory_amount(text)


def test_init_writes_a_project_that_can_be_read_and_never_overwrites(call, tmp_path: Path) -> None:
    done = call("init", tmp_path / "Ала Арча")
    path = tmp_path / "Ала Арча" / "project.toml"
    assert done.code == 0
    assert done.out.splitlines()[0] == str(path)
    assert read_project(path, environment={}).folder == path.parent
    assert (path.parent / "scenes").is_dir()
    path.write_text("mine", encoding="utf-8")
    again = call("init", tmp_path / "Ала Арча")
    assert (again.code, again.out) == (2, "")
    assert path.read_text(encoding="utf-8") == "mine"


def test_init_in_russian_writes_a_project_whose_report_is_russian(call, tmp_path: Path) -> None:
    assert call("--lang", "ru", "init", tmp_path).code == 0
    project = read_project(tmp_path / "project.toml", environment={}).project
    assert (project.language, project.name) == ("ru", "Ледниковые озёра")


def test_a_wrong_project_file_is_one_line_and_2(call, tmp_path: Path) -> None:
    path = tmp_path / "project.toml"
    path.write_text("[area]\nmin_aera_m2 = 3\n", encoding="utf-8")
    done = call("run", path)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert line.startswith(f"GL2000 {path}: ")
    assert "did you mean min_area_m2?" in line
    assert "Traceback" in call("run", path, "--debug").err


def test_an_error_that_nobody_foresaw_is_one_line_too(call) -> None:
    @cli.command("fail")
    def fail() -> None:
        raise ZeroDivisionError("division\nby zero")

    try:
        done = call("fail")
    finally:
        del cli.commands["fail"]
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert "ZeroDivisionError: division by zero" in line
    assert "--debug" in line


def test_scenes_lists_what_was_found(call, sample_data: Path) -> None:
    done = call("scenes", sample_data)
    products = sorted((sample_data / "scenes").iterdir())
    assert done.code == 0
    assert len(done.out.splitlines()) == len(products)
    assert re.search(
        rf"2003-08-17 \d\d:\d\d  LT05    L2SP   02     \d\d°  unverified .* %  {OLD}", done.out
    )


def test_scenes_tells_checksums_and_what_is_assumed(call, scene: Path, tmp_path: Path) -> None:
    copy = tmp_path / scene.name
    shutil.copytree(scene, copy)
    (row,) = json.loads(call("scenes", copy, "--json", "--verify").out)["scenes"]
    assert (row["checksum"], row["baseline"], row["problems"]) == ("verified", "02", [])
    assert 30 < row["sun_elevation_deg"] < 80
    for metadata in copy.glob("*_MTL.*"):
        metadata.unlink()
    (row,) = json.loads(call("scenes", copy, "--json").out)["scenes"]
    assert row["problems"][0].startswith("only the day is told; time and sun are those at which LT")
    told = call("scenes", copy).out.splitlines()
    assert told[1].startswith("    only the day is told")


def test_json_stands_alone_on_stdout_and_its_option_may_come_first_or_last(
    call, scene: Path, tmp_path: Path
) -> None:
    (tmp_path / "LC09_broken").mkdir()
    for arguments in (("--json", "scenes"), ("scenes", "--json")):
        done = call(*arguments, scene, tmp_path / "LC09_broken")
        answer = json.loads(done.out)
        assert done.code == 3
        assert [row["scene_id"] for row in answer["scenes"]] == [OLD]
        assert answer["scenes"][0]["acquired"].startswith("2003-08-17T")
        (refused,) = answer["refused"]
        assert refused["path"] == str(tmp_path / "LC09_broken")
        assert refused["reason"].startswith("GL10")


def test_no_scene_at_all_is_an_error(call, tmp_path: Path) -> None:
    done = call("scenes", tmp_path / "nowhere")
    assert done.code == 1
    assert "refused: " in done.out


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".geojson", ".fgb"])
def test_map_writes_the_format_of_the_ending(
    call, scene: Path, sample_data: Path, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"озёра 2003{ending}"
    done = call("map", scene, "-o", out, "--dem", sample_data / "dem.tif", "--min-area-m2", 9000)
    assert done.code == 0
    assert str(out) in done.out
    outlines = read_vector(out)
    assert len(outlines) > 3
    assert set(outlines.geom_type) <= {"Polygon", "MultiPolygon"}
    with rasterio.open(next(scene.glob("*_SR_B2.TIF"))) as band:
        epsg = band.crs.to_epsg()
    assert outlines.crs.to_epsg() == (4326 if ending == ".geojson" else epsg)
    if ending != ".shp":
        assert set(outlines.columns) >= MAP_COLUMNS
        observed = outlines.loc[outlines["status"] == "observed", "area_m2"]
        assert observed.min() >= 9000
        assert set(outlines["scene_id"]) == {OLD}
    else:
        assert {"GL_Image", "GL_Area", "GL_A_Error", "GL_Peri", "Obs_Frac"} <= set(outlines.columns)


def test_map_joins_scenes_and_tells_the_refused_ones(call, scene: Path, tmp_path: Path) -> None:
    other = scene.with_name(NEW)
    shutil.copytree(other, tmp_path / NEW)
    (band,) = (tmp_path / NEW).glob("*_SR_B4.TIF")
    band.write_bytes(band.read_bytes()[:1000])
    done = call("--json", "map", scene, tmp_path / NEW, "-o", tmp_path / "o.gpkg")
    answer = json.loads(done.out)
    assert done.code == 3
    assert answer["scenes"] == [OLD]
    assert [row["path"] for row in answer["refused"]] == [str(tmp_path / NEW)]
    done = call("--json", "map", scene, other, "-o", tmp_path / "o.gpkg")
    assert done.code == 0
    assert json.loads(done.out)["scenes"] == sorted([OLD, NEW])
    assert set(read_vector(tmp_path / "o.gpkg")["scene_id"]) == {OLD, NEW}


@pytest.mark.parametrize("given", [True, False])
def test_map_says_when_no_dem_excludes_shade(
    given: bool, call, scene: Path, tmp_path: Path, sample_data: Path
) -> None:
    dem = ("--dem", sample_data / "dem.tif") if given else ()
    done = call("map", scene, "-o", tmp_path / "o.gpkg", *dem)
    assert done.code == 0
    assert ("no DEM is given" in done.err) is not given


def test_map_without_a_usable_scene_writes_nothing(call, tmp_path: Path) -> None:
    done = call("map", tmp_path / "x.SAFE", "-o", tmp_path / "o.gpkg")
    assert done.code == 1
    assert "x.SAFE" in done.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["o.kml", "o", "o.gpkg.bak"])
def test_map_refuses_an_ending_it_cannot_write(
    call, scene: Path, tmp_path: Path, name: str
) -> None:
    done = call("map", scene, "-o", tmp_path / name)
    assert done.code == 2
    assert ".gpkg, .shp, .geojson, .fgb" in done.err


def test_map_names_an_input_that_is_missing(call, scene: Path, tmp_path: Path) -> None:
    done = call("map", scene, "-o", tmp_path / "o.gpkg", "--dem", tmp_path / "нет.tif")
    assert done.code == 1
    assert "нет.tif" in done.err


@pytest.mark.thorough
def test_the_demo_ends_by_telling_where_everything_is(demo: tuple[Path, str]) -> None:
    folder, words = demo
    output = folder / "output"
    places = [output / "inventory.gpkg", output / "shapefiles", output / "report.html"]
    for path in places:
        assert path.exists()
        assert str(path) in words
    assert re.search(r"\d+ lakes, .* ± \d\.\d+ km²", words)


def test_the_demo_runs_again_in_its_own_folder_only(
    demo: tuple[Path, str], call, tmp_path: Path, monkeypatch
) -> None:
    folder, _ = demo
    monkeypatch.setenv("GLACIAL_LAKES_INPUTS_SCENES", f"scenes/{OLD},scenes/{NEW}")
    done = call("demo", folder)
    assert done.code == 0
    assert "Nothing new" in done.out
    (tmp_path / "thesis.docx").touch()
    refused = call("demo", tmp_path)
    assert refused.code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_the_log_file_has_everything_and_quiet_means_quiet(
    demo: tuple[Path, str], call, tmp_path: Path, monkeypatch
) -> None:
    folder, _ = demo
    log = tmp_path / "журнал.log"
    monkeypatch.setenv("GLACIAL_LAKES_INPUTS_SCENES", f"scenes/{OLD},scenes/{NEW}")
    done = call("run", folder / "project.toml", "-q", "--log-file", log)
    assert (done.code, done.err) == (0, "")
    text = log.read_text(encoding="utf-8")
    assert f"{OLD}: as before" in text
    assert re.match(r"\d{4}-\d\d-\d\d ", text)


@pytest.mark.parametrize(
    ("text", "months"),
    [("7-10", (7, 8, 9, 10)), ("11-2", (11, 12, 1, 2)), ("8", (8,)), ("7,8,9", (7, 8, 9))],
)
def test_a_season_may_be_a_list_or_run_through_the_turn_of_the_year(text, months) -> None:
    assert month_list(text) == months


def test_epochs_are_exported_with_their_totals(
    call, demo: tuple[Path, str], tmp_path: Path
) -> None:
    epochs = ("--epoch", "early=2003", "--epoch", "late=2006-2007", "--months", "7-9")
    done = call("export", demo[0] / "output" / "inventory.gpkg", "-o", tmp_path / "e", *epochs)
    assert done.code == 0, done.err
    assert {path.name for path in (tmp_path / "e" / "shapefiles").glob("*.shp")} == {
        "lakes_early.shp",
        "lakes_late.shp",
    }
    lakes = gpd.read_file(tmp_path / "e" / "shapefiles" / "lakes_late.shp")
    assert lakes["GLAKE_ID"].is_unique
    assert set(lakes["GL_Date"].str[:4]) == {"2006"}
    totals = pd.read_csv(tmp_path / "e" / "totals_of_composites.csv")
    assert totals["epoch"].tolist() == ["early", "late"]
    assert totals["n_lakes"].iloc[1] == len(lakes)
    none = call(
        "export",
        demo[0] / "output" / "inventory.gpkg",
        "-o",
        tmp_path / "f",
        *epochs[:3],
        "then=1990",
        "--lang",
        "ru",
    )
    assert none.code == 1
    assert "нет снимков за годы 1990–1990" in none.err
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("name", ["lakes.shp", "lakes.GPKG", "e.kmz", "notes"])
def test_an_export_into_a_file_is_wrong_usage(call, tmp_path: Path, name: str) -> None:
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    done = call("export", "inventory.gpkg", "-o", tmp_path / name)
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "the files of an export have names of their own" in line
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]


def test_export_and_report_of_an_inventory(call, demo: tuple[Path, str], tmp_path: Path) -> None:
    inventory = demo[0] / "output" / "inventory.gpkg"
    done = call("export", inventory, "-o", tmp_path / "e", "--format", "shp", "--format", "kmz")
    assert done.code == 0
    assert (tmp_path / "e" / "shapefiles" / "lakes.shp").is_file()
    assert (tmp_path / "e" / "lakes.kmz").is_file()
    assert not (tmp_path / "e" / "events.csv").exists()
    for line in done.out.splitlines():
        assert Path(line).is_file()
    report = tmp_path / "отчёт.html"
    done = call("report", inventory, "-o", report, "--lang", "ru")
    assert (done.code, done.out) == (0, f"{report}\n")
    assert 'lang="ru"' in report.read_text(encoding="utf-8")


def test_an_atlas_has_images_of_the_run_and_an_option_of_another_kind_is_refused(
    call, demo: tuple[Path, str], tmp_path: Path
) -> None:
    inventory = demo[0] / "output" / "inventory.gpkg"
    atlas, summary = tmp_path / "atlas.html", tmp_path / "summary.html"
    done = call("report", inventory, "-o", atlas, "--kind", "atlas", "--lake", "1", "--lake", "2")
    assert (done.code, done.out) == (0, f"{atlas}\n")
    text = atlas.read_text(encoding="utf-8")
    assert text.count("<article") == 2
    assert text.count('href="data:image/jpeg') >= 2
    done = call("report", inventory, "-o", summary, "--kind", "summary", "--since", inventory)
    assert done.code == 0
    assert call("report", inventory, "-o", tmp_path / "r.html", "--lake", "1").code == 2
    word = call("report", inventory, "-o", tmp_path / "r.docx")
    assert word.code == 2
    assert "r.docx: its ending names no format; use any of .html, .htm" in word.err


def test_a_file_that_is_no_inventory_is_an_error(call, sample_data: Path, tmp_path: Path) -> None:
    for path in (sample_data / "glaciers.gpkg", sample_data / "dem.tif", tmp_path / "no.gpkg"):
        done = call("report", path, "-o", tmp_path / "r.html")
        assert done.code == 1
        assert path.name in done.err
        assert len(done.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_words_are_russian_when_asked_for(call, tmp_path: Path, monkeypatch) -> None:
    assert "Положите снимки" in call("init", tmp_path / "1", "--lang", "ru").out
    assert "Положите снимки" in call("--lang", "ru", "init", tmp_path / "2").out
    monkeypatch.setenv("GLACIAL_LAKES_LANGUAGE", "ru")
    assert "Положите снимки" in call("init", tmp_path / "3").out
    assert "Put scenes" in call("--lang", "en", "init", tmp_path / "4").out
    assert "Put scenes" in call("init", tmp_path / "5", "--lang", "en").out


def test_a_narrow_console_is_no_reason_to_fail(tmp_path: Path) -> None:
    done = shell("init", tmp_path / "Көл", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert (tmp_path / "Көл" / "project.toml").is_file()


def test_a_reader_that_stops_early_is_no_error(sample_data: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "glacial_lakes", "scenes", str(sample_data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"Traceback" not in errors


def test_a_run_without_scenes_tells_each_refusal_once(call, tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    project = tmp_path / "project.toml"
    project.write_text('[inputs]\nscenes = ["scenes"]\n', encoding="utf-8")
    log = tmp_path / "run.log"
    done = call("run", project, "--log-file", log)
    assert done.code == 1
    assert (done.out + done.err).count("refused: ") == 1
    assert "0 scenes" not in done.err
    assert log.read_text(encoding="utf-8").count("refused: ") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("init", "file"), "file/scenes: cannot be reached: Not a directory; check the path"),
        (("doctor", "--log-file", "none/log"), "none/log: cannot be written: No such file or dir"),
        (("doctor", "--log-file", "file/log"), "file/log: cannot be written: Not a directory; ch"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_with_what_to_do(
    words: tuple[str, ...], told: str, call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    done = call(*words)
    assert done.code == 1
    assert told in done.err
    assert done.err.strip().endswith("; check the path")
