"""Sentinel-2 products in Zarr are the same scenes as those in SAFE, whatever the layout."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geopandas.testing import assert_geodataframe_equal
from products import GREEN, LAYOUTS, Products, copied

import glacial_lakes as gl
from glacial_lakes.columns import C
from glacial_lakes.errors import (
    ConfigError,
    DamagedFileError,
    GlacialLakesError,
    GridError,
    MetadataError,
    MissingFileError,
    UnknownProductError,
    UnsafeInputError,
)
from glacial_lakes.io import extras
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.simulate.eopf_zarr import Layout

pytest.importorskip("zarr")


@pytest.fixture(scope="module")
def safe(products: Products) -> gl.Scene:
    return gl.open_scene(products.find("S2B_MSIL2A_2022*"))


@pytest.fixture(scope="module")
def outlines(safe: gl.Scene) -> Any:
    return gl.map_lakes(safe).outlines


@pytest.fixture
def store(stores: dict[str, Path], tmp_path: Path) -> Path:
    """Return a product of Zarr 3 that may be spoiled."""
    return copied(stores["sharded"], tmp_path)


def edited(document: Path, **changes: Any) -> None:
    """Change entries of a document of JSON; None removes one. Names have dots for depth."""
    content = json.loads(document.read_text())
    for name, value in changes.items():
        *above, last = name.split("__")
        table = content
        for step in above:
            table = table[step]
        if value is None:
            table.pop(last)
        else:
            table[last] = value
    document.write_text(json.dumps(content))


def packed(product: Path, folder: Path, prefix: str = "") -> Path:
    path = folder / f"{product.name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for item in sorted(product.rglob("*")):
            if item.is_file():
                archive.write(item, prefix + item.relative_to(product).as_posix())
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_product_in_zarr_is_the_scene_of_its_safe(
    layout: Layout, stores: dict[str, Path], safe: gl.Scene, outlines: Any
) -> None:
    scene = pickle.loads(pickle.dumps(gl.open_scene(stores[layout])))
    assert (scene.id, scene.sensor, scene.level) == (safe.id, safe.sensor, safe.level)
    assert (scene.acquired, scene.grid) == (safe.acquired, safe.grid)
    assert scene.provenance["baseline"] == safe.provenance["baseline"]
    assert scene.provenance["granule"] == safe.provenance["granule"]
    assert scene.sun_elevation_deg == pytest.approx(safe.sun_elevation_deg)
    bands = list(safe.bands)
    difference = np.abs(scene.read(bands) - safe.read(bands))
    assert np.array_equal(np.isnan(scene.read(bands)), np.isnan(safe.read(bands)))
    assert np.nanmax(difference) == 0
    assert np.array_equal(scene.read_quality(), safe.read_quality())
    assert assess(scene).verdict == assess(safe).verdict
    mapped = gl.map_lakes(scene).outlines
    assert len(mapped) > 2
    assert_geodataframe_equal(mapped, outlines)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bands_that_xarray_opens_are_those_of_the_product(
    layout: Layout, stores: dict[str, Path], safe: gl.Scene
) -> None:
    xr = pytest.importorskip("xarray")
    group = "measurements/reflectance/r10m"
    fine = xr.open_dataset(stores[layout], engine="zarr", group=group, consolidated=layout == "v2")
    told = {"scale": 1.0, "offset": 0.0} if layout == "geozarr" else {}
    scene = gl.Scene.from_xarray(fine, sensor=safe.sensor, acquired=safe.acquired, **told)
    bands = ["blue", "green", "red", "nir"]
    assert (list(scene.bands), scene.grid) == (bands, safe.grid)
    if layout == "geozarr":  # which names no scale: what the numbers were nobody tells
        np.testing.assert_allclose(scene.read(bands), safe.read(bands), atol=1e-6)
    else:
        assert np.array_equal(scene.read(bands), safe.read(bands), equal_nan=True)


@pytest.mark.parametrize("prefix", ["", "S2.zarr/"])
def test_a_zip_reads_as_its_folder(
    prefix: str, stores: dict[str, Path], tmp_path: Path, safe: gl.Scene
) -> None:
    path = packed(stores["v2"], tmp_path, prefix)
    [scene] = gl.discover(tmp_path)
    assert scene.path == str(path)
    assert np.array_equal(scene.read(["green"]), safe.read(["green"]), equal_nan=True)


def test_it_is_found_among_others_and_is_one_scene_with_its_safe(
    products: Products, stores: dict[str, Path]
) -> None:
    [found] = gl.discover(stores["v3"].parent)
    assert found.provenance["product"] == "eopf_zarr"
    both = [stores["v3"], products.find("S2B_MSIL2A_2022*")]
    assert len(gl.discover(both)) == 1


def test_a_thinned_copy_is_every_so_manyeth_pixel(stores: dict[str, Path]) -> None:
    from glacial_lakes.scenes.raster import ZARR, open_raster

    with open_raster(str(stores["sharded"] / GREEN), ZARR) as array:
        assert np.array_equal(array.read(1, out_shape=(45, 45)), array.read(1)[::4, ::4])


@pytest.mark.parametrize("baseline", ["02.08", "05.00"])
def test_an_offset_that_the_baseline_does_not_have_is_implausible(
    baseline: str, store: Path
) -> None:
    """The converter of ESA writes −0.1 for every baseline."""
    number = baseline.replace(".", "")
    name = store.name.replace("N0400", f"N{number}").removesuffix(".zarr")
    root = {
        "attributes__stac_discovery__id": name,
        "attributes__stac_discovery__properties__eopf:baseline": baseline,
    }
    edited(store / "zarr.json", **root)
    if baseline >= "04.00":
        for node in (store / "measurements").rglob("b*/zarr.json"):
            edited(node, attributes__add_offset=0.0)
    found = assess(gl.open_scene(store))
    assert found.verdict == "implausible"
    assert f"baseline {baseline}" in found.reason


@pytest.mark.parametrize(
    ("where", "changes", "error", "words"),
    [
        (GREEN, {"attributes__add_offset": None, "attributes___eopf_attrs": None}, MetadataError,
         "add_offset of measurements/reflectance/r10m/b03 is missing"),
        (GREEN, {"attributes__proj:epsg": 32644}, GridError, "two different CRS"),
        (GREEN, {"attributes__proj:epsg": "EPSG:none"}, GridError, "CRS"),
        (GREEN, {"attributes__proj:transform": [10, 0, 0, 0, -10, 0]}, GridError, "contradict"),
        ("", {"attributes__stac_discovery__properties__platform": "sentinel-3a"}, MetadataError,
         "sentinel-3a"),
        ("", {"attributes__stac_discovery__properties__start_datetime": None}, MetadataError,
         "sensing time"),
        ("", {"attributes__stac_discovery__properties__eopf:baseline": None,
              "attributes__stac_discovery__id": "a_T43TDH_b"}, MetadataError, "baseline"),
        ("", {"attributes__stac_discovery__properties__processing:level": "L3",
              "attributes__stac_discovery__properties__product:type": "S02MSIL3"},
         UnknownProductError, "level"),
    ],
)  # fmt: skip
def test_what_is_not_told_or_contradicts_is_refused(
    where: str, changes: dict[str, Any], error: type[GlacialLakesError], words: str, store: Path
) -> None:
    edited(store / where / "zarr.json", **changes)
    with pytest.raises(error, match=words):
        gl.open_scene(store)


def test_nothing_is_mapped_without_a_crs(store: Path) -> None:
    for node in (store / "measurements").rglob("zarr.json"):
        content = json.loads(node.read_text())
        content["attributes"].pop("proj:epsg", None)
        node.write_text(json.dumps(content))
    edited(store / "zarr.json", attributes__other_metadata__horizontal_CRS_code=None)
    with pytest.raises(GridError, match="no CRS is told"):
        gl.open_scene(store)


def test_any_of_the_places_of_a_crs_will_do(store: Path, safe: gl.Scene) -> None:
    for node in store.rglob("zarr.json"):
        content = json.loads(node.read_text())
        content["attributes"].pop("proj:epsg", None)
        node.write_text(json.dumps(content))
    assert gl.open_scene(store).grid == safe.grid


def test_a_missing_band_is_named(store: Path) -> None:
    (store / GREEN).rename(store / "elsewhere")
    with pytest.raises(MissingFileError, match="lacks measurements/reflectance/r10m/b03"):
        gl.open_scene(store)


def test_a_cube_that_is_no_product_of_sentinel_2_is_told_so(tmp_path: Path) -> None:
    import zarr

    zarr.open_group(str(tmp_path / "cube.zarr"), mode="w")
    with pytest.raises(UnknownProductError, match=r"from_xarray"):
        gl.open_scene(tmp_path / "cube.zarr")


@pytest.mark.parametrize("name", ["pickle", "vlen-bytes", "numcodecs.pickle", "gzip"])
def test_a_codec_that_could_run_or_hide_anything_is_not_used(name: str, store: Path) -> None:
    edited(store / GREEN / "zarr.json", codecs=[{"name": name, "configuration": {}}])
    with pytest.raises(UnsafeInputError, match=name):
        gl.open_scene(store)


def test_a_pickle_in_zarr_2_is_never_loaded(stores: dict[str, Path], tmp_path: Path) -> None:
    store = copied(stores["v2"], tmp_path)
    edited(store / GREEN / ".zarray", filters=[{"id": "pickle"}], dtype="|O")
    for chunk in (store / GREEN).glob("[0-9]*"):
        chunk.write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    with pytest.raises(UnsafeInputError, match="pickle"):
        gl.open_scene(store)
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [100_000, 100_000]},
        {"shape": [0, 5]},
        {"shape": [5, 5, 5]},
        {"codecs": [{"name": "sharding_indexed", "configuration": {
            "chunk_shape": [30_000, 30_000], "codecs": [], "index_codecs": []}}]},
        {"data_type": "complex64"},
    ],
)  # fmt: skip
def test_a_header_that_claims_too_much_is_refused(changes: dict[str, Any], store: Path) -> None:
    edited(store / GREEN / "zarr.json", **changes)
    with pytest.raises((UnsafeInputError, DamagedFileError, GridError)):
        gl.open_scene(store)


@pytest.mark.parametrize(
    "content",
    [
        bytes([2, 1, 33, 2]) + (2**31 - 1).to_bytes(4, "little") + bytes([0, 0, 0, 1, 16, 0, 0, 0]),
        b"\x28\xb5\x2f\xfd\xe0" + (2**40).to_bytes(8, "little") + bytes(8),
        b"\x28\xb5\x2f\xfd\x00" + bytes(20),
    ],
    ids=["blosc", "zstd", "zstd of no size"],
)
def test_a_chunk_that_would_unpack_without_bounds_is_refused(
    content: bytes, stores: dict[str, Path], tmp_path: Path
) -> None:
    store = copied(stores["v3"], tmp_path)
    for chunk in (store / GREEN / "c").rglob("[0-9]*"):
        if chunk.is_file():
            chunk.write_bytes(content)
    scene = gl.open_scene(store)
    with pytest.raises(UnsafeInputError, match="unpack"):
        scene.read(["green"])


def test_a_cut_chunk_is_refused_and_a_missing_one_was_not_observed(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    store = copied(stores["v3"], tmp_path)
    chunk = store / GREEN / "c/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-20])
    scene = gl.open_scene(store)
    with pytest.raises(DamagedFileError, match="b03"):
        scene.read(["green"])
    chunk.unlink()
    green = scene.read(["green"])[0]
    assert np.isnan(green[:64, :64]).all()
    assert np.isfinite(green[64:, 64:]).any()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_in_place_of_a_chunk_keeps_nobody_waiting(
    stores: dict[str, Path], tmp_path: Path
) -> None:
    store = copied(stores["v3"], tmp_path)
    chunk = store / GREEN / "c/0/0"
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(UnsafeInputError, match="no plain file"):
        gl.open_scene(store).read(["green"])


def test_without_the_library_the_command_that_installs_it_is_told(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(name: str) -> Any:
        raise ModuleNotFoundError(name, name="zarr")

    monkeypatch.setattr(extras, "import_module", lacking)
    with pytest.raises(ConfigError, match=r'pip install "glacial-lakes\[zarr\]"'):
        gl.open_scene(store)


def test_a_project_runs_on_it(stores: dict[str, Path], tmp_path: Path, here: None) -> None:
    project = tmp_path / "project.toml"
    project.write_text(
        f'[inputs]\nscenes = ["{stores["v2"].as_posix()}"]\n[export]\nformats = []\n'
    )
    result = gl.run(gl.read_project(project))
    assert result.n_lakes > 2
    assert result.refused == ()
    scenes = gl.open_inventory(result.output / "inventory.gpkg").scenes
    assert scenes[C.CHECKSUM].tolist() == ["unverified"]
