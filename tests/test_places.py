"""Two names of one place are told, and results never meet inputs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacial_lakes.errors import ConfigError, OverlapError
from glacial_lakes.places import is_same, keep_apart, lies_in, refuse_addresses

links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


@pytest.mark.parametrize(
    "name",
    [
        "aoi.gpkg",
        "./aoi.gpkg",
        "b/../aoi.gpkg",
        "AOI.GPKG",
        "link.gpkg",
        "hard.gpkg",
        "way/aoi.gpkg",
    ],
)
@links
def test_one_file_has_many_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aoi.gpkg").write_text("aoi")
    (tmp_path / "b").mkdir()
    (tmp_path / "link.gpkg").symlink_to("aoi.gpkg")
    (tmp_path / "way").symlink_to(tmp_path, target_is_directory=True)
    os.link(tmp_path / "aoi.gpkg", tmp_path / "hard.gpkg")
    monkeypatch.chdir(tmp_path)
    assert is_same(name, "aoi.gpkg")
    with pytest.raises(OverlapError, match="would replace the input"):
        keep_apart([name], ["aoi.gpkg"])
    keep_apart([f"{name}.other"], ["aoi.gpkg"])


def test_letters_of_two_unicode_forms_are_the_same(tmp_path: Path) -> None:
    assert is_same(tmp_path / "Ала-Арча й", tmp_path / "Ала-Арча й")


@links
def test_what_is_reached_by_a_link_lies_in_both_folders(tmp_path: Path) -> None:
    (tmp_path / "archive" / "product").mkdir(parents=True)
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "product").symlink_to(tmp_path / "archive" / "product")
    for folder in ("archive", "scenes", "."):
        assert lies_in(tmp_path / "scenes" / "product", tmp_path / folder)
    assert not lies_in(tmp_path / "archive" / "product", tmp_path / "scenes")
    assert not lies_in(tmp_path / "scenes2", tmp_path / "scenes")


@links
def test_links_in_a_circle_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    keep_apart([tmp_path / "c"], [tmp_path / "a"])


@pytest.mark.parametrize("part", ["aoi.dbf", "AOI.shx", "aoi.cpg", "aoi.qml"])
def test_parts_of_a_shapefile_are_the_input(part: str, tmp_path: Path) -> None:
    with pytest.raises(OverlapError):
        keep_apart([tmp_path / part], [tmp_path / "aoi.shp"])
    with pytest.raises(OverlapError):
        keep_apart([tmp_path / "aoi.shp"], [tmp_path / part])


def test_an_output_inside_a_product_is_refused_and_one_beside_it_is_not(tmp_path: Path) -> None:
    product = tmp_path / "scenes" / "LT05"
    product.mkdir(parents=True)
    with pytest.raises(OverlapError, match="would be written into the input"):
        keep_apart([product / "deep" / "lakes.gpkg"], [product])
    keep_apart([tmp_path / "scenes" / "lakes.gpkg"], [product])
    with pytest.raises(OverlapError, match="would mix results with the input"):
        keep_apart([tmp_path / "scenes"], [product], folder=True)


@pytest.mark.parametrize(
    "text", ["s3://bucket/out", "s3:/bucket/out", "https://x/y.gpkg", "/vsicurl/http://x", "gs:\\b"]
)
def test_addresses_are_no_outputs(text: str) -> None:
    with pytest.raises(ConfigError, match="is an address"):
        refuse_addresses(text)
    refuse_addresses("C:/data/out", "C:\\data", "out:1", "//server/share/out", "./s3")


names = st.lists(st.sampled_from(["a", "B", "й", "c d"]), min_size=1, max_size=4)


@given(names, names)
def test_inside_and_same_agree(one: list[str], other: list[str]) -> None:
    root = Path("/nowhere")
    first, second = root.joinpath(*one), root.joinpath(*other)
    both = lies_in(first, second) and lies_in(second, first)
    assert both == is_same(first, second)
    assert lies_in(first / "x", first)
    assert not lies_in(first, first / "x")
