"""What proposes water can be chosen, registered and installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from glacial_lakes.errors import ConfigError, MetadataError
from glacial_lakes.language import in_language
from glacial_lakes.mapping import indices, seeds
from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.mapping.seeds import detector_of
from glacial_lakes.scenes import Scene, discover
from glacial_lakes.settings import MappingSettings, read_project
from glacial_lakes.workflow.run import run

SAMPLE = Path(__file__).parents[1] / "sample_data"
EXTENSION = """
def ndwi_narrow(green, nir):
    return (green - nir) / (green + nir) - 0.05

def half(reflectance, excluded):
    return (reflectance["nir"] < 0.08) & ~excluded
"""
ENTRY_POINTS = """
[glacial_lakes.indices]
ndwi_narrow = lake_extension:ndwi_narrow
[glacial_lakes.detectors]
half = lake_extension:half
"""


@pytest.fixture(scope="module")
def scene() -> Scene:
    day = datetime(2021, 8, 1, tzinfo=UTC)
    scenes = [one for one in discover([SAMPLE / "scenes"]) if one.sensor.startswith("S2")]
    return min(scenes, key=lambda one: abs(one.acquired - day))


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "lake_extension.py").write_text(EXTENSION, "utf-8")
    info = tmp_path / "lake_extension-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lake-extension\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    indices._INDICES.pop("ndwi_narrow", None)
    sys.modules.pop("lake_extension", None)


@pytest.mark.parametrize(
    ("settings", "swir2"),
    [
        (MappingSettings(), False),
        (MappingSettings(index="mndwi"), False),
        (MappingSettings(index="awei_sh"), True),
    ],
)
def test_bands_that_nothing_asks_for_are_not_decoded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, settings: MappingSettings, swir2: bool
) -> None:
    asked: set[str] = set()
    read = Scene.read

    def noted(scene: Scene, names: list[str], *rest: object, **more: object) -> object:
        asked.update(names)
        return read(scene, names, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Scene, "read", noted)
    map_lakes(scene, settings=settings)
    assert asked == {"blue", "green", "red", "nir", "swir1"} | ({"swir2"} if swir2 else set())


def overlap(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> float:
    a, b = one.union_all(), other.union_all()
    return float(a.intersection(b).area / a.union(b).area)


def test_the_default_is_the_rule_of_the_method() -> None:
    assert detector_of(MappingSettings()) is seeds.water_seeds


@pytest.mark.parametrize("index", ["mndwi", "awei_sh", "ndwi_blue"])
def test_another_index_draws_the_same_large_lakes(scene: Scene, index: str) -> None:
    own = map_lakes(scene, dem=SAMPLE / "dem.tif", min_area_m2=20_000).outlines
    other = map_lakes(
        scene, dem=SAMPLE / "dem.tif", min_area_m2=20_000, settings=MappingSettings(index=index)
    ).outlines
    assert overlap(own, other) > 0.8


def test_a_registered_index_can_be_chosen() -> None:
    @indices.register
    def deep_water(nir: np.ndarray) -> np.ndarray:
        return -nir

    try:
        detector = detector_of(MappingSettings(index="deep_water", seed_threshold=-0.05))
        nir = np.array([[0.02, 0.3, np.nan]], np.float32)
        found = detector({"nir": nir}, np.zeros(nir.shape, bool))
    finally:
        indices._INDICES.pop("deep_water")
    assert found.tolist() == [[True, False, False]]


def test_a_detector_of_ones_own_takes_the_place_of_the_index(scene: Scene) -> None:
    nothing = map_lakes(scene, detector=lambda _, excluded: np.zeros_like(excluded))
    assert nothing.outlines.empty


def test_an_installed_package_offers_indices_and_detectors(extension: Path) -> None:
    ones = np.full((1, 1), 0.5, np.float32)
    by_index = detector_of(MappingSettings(index="ndwi_narrow", seed_threshold=0.0))
    assert not by_index({"green": ones, "nir": ones}, ones < 0).any()
    own = detector_of(MappingSettings(detector="half"))
    assert own({"nir": ones * 0.1}, ones < 0).all()


def test_a_fresh_process_finds_the_extension(extension: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(extension)!r})\n"
        "from glacial_lakes.mapping.seeds import detector_of\n"
        "from glacial_lakes.settings import MappingSettings\n"
        "print(detector_of(MappingSettings(detector='half')).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "half"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            MappingSettings(index="ndwy"),
            r'mapping.index = "ndwy" is .* mean ndwi\? Known .* mndwi,',
        ),
        (MappingSettings(index="zz"), "use one of .* ndwi, .*, or install the package"),
        (MappingSettings(detector="cnn"), 'mapping.detector = "cnn" is not known; install the'),
        (MappingSettings(index="ndvi"), 'index = "ndvi" has no .*; give mapping.seed_threshold'),
    ],
)
def test_what_is_not_known_is_refused_with_a_remedy(settings: MappingSettings, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        detector_of(settings)


@pytest.mark.parametrize("key", ["index", "detector"])
def test_an_unknown_name_in_a_project_is_told_with_its_file_before_anything_is_written(
    tmp_path: Path, key: str
) -> None:
    file = tmp_path / "lakes.toml"
    file.write_text(f'[mapping]\n{key} = "zz"\n', "utf-8")
    with pytest.raises(ConfigError, match=rf'mapping.{key} = "zz" is not known') as refused:
        run(read_project(file, environment={}))
    assert refused.value.path == str(file)
    assert "неизвестно" in in_language(refused.value.line, "ru")
    assert [path.name for path in tmp_path.iterdir()] == ["lakes.toml"]


def test_a_band_that_the_scene_lacks_is_named() -> None:
    ones = np.ones((2, 2), np.float32)
    with pytest.raises(MetadataError, match="no swir1 band"):
        detector_of(MappingSettings(index="mndwi"))({"green": ones}, ones < 0)


def test_the_example_of_the_document_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (SAMPLE.parent / "docs" / "extend.md").read_text("utf-8")
    blocks = [part.partition("```")[0] for part in text.split("```python\n")[1:]]
    monkeypatch.chdir(SAMPLE)
    space: dict[str, object] = {}
    try:
        for block in blocks:
            exec(block, space)  # noqa: S102 (our own page)
            assert len(space["lakes"]) > 5  # type: ignore[arg-type]
        learned = space["lakes"]
        assert len(learned) > 25  # type: ignore[arg-type]
        assert learned["lake_id"].is_unique  # type: ignore[index]
        assert learned["area_sigma_m2"].gt(0).mean() > 0.9  # type: ignore[index]
        lines = blocks[-1].split("import rasterize")[1].splitlines()
        assert sum(bool(line.strip()) for line in lines) < 20
    finally:
        indices._INDICES.pop("red_water", None)
