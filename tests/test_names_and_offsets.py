"""Names of products, and the offset of Sentinel-2 in every way in which it is told."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from products import Products, copied

import glacial_lakes as gl
from glacial_lakes.errors import MetadataError, UnknownProductError
from glacial_lakes.scenes.families import FAMILIES, ROWS
from glacial_lakes.scenes.names import read_name
from glacial_lakes.scenes.offsets import stored_offset
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.simulate.eopf_zarr import write_eopf_zarr
from glacial_lakes.simulate.sentinel2 import write_sentinel2

KNOWN = {
    # Sentinel-2: products, as Earth Search keeps them, granules, Earth Engine
    "S2A_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T092154.SAFE": "S2A L2A 02.08",
    "S2B_MSIL2A_20220816T055649_N0400_R091_T43TDH_20220816T084500": "S2B L2A 04.00",
    "S2C_MSIL1C_20250113T103309_N0511_R108_T32TLQ_20250113T122458.SAFE": "S2C L1C 05.11",
    "S2C_MSIL2A_20260502T055649_N0512_R091_T43TDH_20260502T084500.zarr": "S2C L2A 05.12",
    "S2D_MSIL2A_20290502T055649_N0600_R091_T43TDH_20290502T084500.SAFE.zip": "S2D L2A 06.00",
    "S2Z_MSIL1C_20390502T055649_N0712_R091_T43TDH_20390502T084500.SAFE": "S2Z L1C 07.12",
    "S2A_MSIL2A_20210816T055649_N9999_R091_T43TDH_20220301T084500.SAFE": "S2A L2A 99.99",
    "S2B_43TDH_20220816_0_L2A": "S2B L2A ",
    "S2B_T43TDH_20220816T055649_L2A": "S2B L2A ",
    "T43TDH_20220816T055649": "  ",
    "20220816T055649_20220816T055650_T43TDH": "  ",
    # Landsat: collections 1 to 3, before them, Earth Engine
    "LT04_L2SP_151030_19880817_20200904_02_T1": "LT04 L2SP 02",
    "LT05_L2SP_151030_20030817_20200904_02_T1": "LT05 L2SP 02",
    "LT05_L1TP_151030_20030817_20170831_01_T1.tar": "LT05 L1TP 01",
    "LE07_L2SR_151030_20060817_20200914_02_T1": "LE07 L2SR 02",
    "LE07_L1GT_151030_20060817_20200914_02_T2.tar.gz": "LE07 L1GT 02",
    "LC08_L2SP_151030_20130903_20200904_02_T1": "LC08 L2SP 02",
    "LC08_L2SP_151030_20130903_20200904_02_T1_SR": "LC08 L2SP 02",
    "LO08_L1TP_151030_20130903_20170904_01_T1": "LO08 L1TP 01",
    "LC09_L2SR_151030_20230903_20230904_02_T2": "LC09 L2SR 02",
    "LC09_L1TP_151030_20260903_20260903_02_RT": "LC09 L1TP 02",
    "LC08_L2SP_151030_20130903_20280904_03_T1": "LC08 L2SP 03",
    "LC10_L2SP_151030_20320903_20320904_03_T1": "LC10 L2SP 03",
    "LC08_151030_20130903": "LC08  ",
    "LT05_151030_20030817": "LT05  ",
    "LT51510302003229EDC00": "LT05  ",
    "LE71510302006229EDC00": "LE07  ",
    "LC81510302013246LGN00": "LC08  ",
    # HLS, PlanetScope, MAJA
    "HLS.L30.T43TDH.2022228T052331.v2.0": "HLSL30  2.0",
    "HLS.S30.T43TDH.2022228T055649.v2.0": "HLSS30  2.0",
    "20230812_051234_12_2461_3B_AnalyticMS_SR_8b": " 3B ",
    "20230812_051234_12_2461_3B_AnalyticMS_SR_8b_harmonized_clip": " 3B ",
    "20180812_051234_1027_3B_AnalyticMS_SR": " 3B ",
    "20180812_051234_1027": "  ",
    "SENTINEL2A_20180812-055641-123_L2A_T43TDH_C_V2-2": "S2A L2A ",
    "SENTINEL2C_20250812-055641-123_L2A_T43TDH_C_V4-0": "S2C L2A ",
}
"""Name → sensor, level, baseline or collection."""

REFUSED = {
    "S20_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T092154.SAFE": "S20",
    "S2AB_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T092154": "S2AB",
    "S2a_MSIL2A_20180812T055641_N0208_R091_T43TDH_20180812T092154": "S2a",
    "S2A_MSIL3A_20180812T055641_N0208_R091_T43TDH_20180812T092154": "L3A",
    "S2A_MSIL1B_20180812T055641_N0208_R091_T43TDH_20180812T092154": "L1B",
    "S2A_MSIL2A_20180812T055641_NNEXT_R091_T43TDH_20180812T092154": "NNEXT",
    "S2A_MSIL2A_20181312T055641_N0208_R091_T43TDH_20180812T092154": "20181312055641",
    "S2A_T43TDH_20220816T055649_L4X": "L4X",
    "LC11_L2SP_151030_20130903_20200904_02_T1": "LC11",
    "LT03_L2SP_151030_19800903_20200904_02_T1": "LT03",
    "LX08_L2SP_151030_20130903_20200904_02_T1": "LX08",
    "LM05_L1TP_151030_19900903_20200904_02_T1": "LM05",
    "LC08_L3ST_151030_20130903_20200904_02_T1": "L3ST",
    "LC08_L2SP_151030_20130903_20200904_04_T1": "04",
    "LC08_L2SP_151030_20130903_20200904_02_T3": "T3",
    "LC08_L2SP_151030_20130931_20200904_02_T1": "20130931",
    "LC12_151030_20130903": "LC12",
    "HLS.N30.T43TDH.2022228T055649.v2.0": "N30",
    "HLS.S30.T43TDH.2022228T055649.v1.4": "1.4",
    "HLS.S30.T43TDH.2022368T055649.v2.0": "2022368055649",
    "20230812_051234_12_2461_1B_AnalyticMS": "1B",
    "SENTINEL9A_20180812-055641-123_L2A_T43TDH_C_V2-2": "SENTINEL9A",
    "LANDSAT8_20180812-055641-123_L2A_T43TDH_C_V2-2": "LANDSAT8",
    "SENTINEL2A_20180812-055641-123_L3A_T43TDH_C_V2-2": "L3A",
}
"""Name of a known form → the part that is not known."""


def test_the_lists_of_names_are_long_enough() -> None:
    assert len(KNOWN) + len(REFUSED) >= 60


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_name_tells_sensor_level_and_processing(name: str) -> None:
    named = read_name(name, "here")
    assert named is not None
    assert f"{named.sensor} {named.level} {named.baseline or named.collection}" == KNOWN[name]
    assert named.day.year in range(1988, 2040)


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_with_an_unknown_part_is_refused_for_that_part(name: str) -> None:
    with pytest.raises(UnknownProductError) as refusal:
        read_name(name, "here")
    assert f" {REFUSED[name]} in its name" in refusal.value.what


@pytest.mark.parametrize("name", ["dem", "lake_BOA", "S2", "2022-08-16", "LC08", "orthophoto_2021"])
def test_other_names_tell_nothing(name: str) -> None:
    assert read_name(name, "here") is None


def test_a_name_tells_the_time_or_only_the_day() -> None:
    time = datetime(2022, 8, 16, 5, 56, 49, tzinfo=UTC)
    for name in ("T43TDH_20220816T055649", "HLS.S30.T43TDH.2022228T055649.v2.0"):
        named = read_name(name, "here")
        assert named is not None
        assert (named.time, named.granule) == (time, "43TDH")
    named = read_name("LC81510302013246LGN00", "here")
    assert named is not None
    assert (named.day, named.time, named.granule) == (date(2013, 9, 3), None, "151030")


WAYS = {
    "metadata": {"listed": True},
    "applied": {"is_applied": True},
    "applied, list left": {"is_applied": True, "listed": True},
    "not applied": {"is_applied": False},
    "not told": {},
}
BASELINES = {"02.14": 0.0, "03.01": 0.0, "04.00": -1000.0, "05.09": -1000.0, "05.12": -1000.0}
"""Baseline → what the numbers as they are delivered need."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_each_cell_of_the_offsets_is_right_or_refused(baseline: str, way: str) -> None:
    own = BASELINES[baseline]
    told = {key: own if key == "listed" else value for key, value in WAYS[way].items()}
    if way == "not told" and own:
        with pytest.raises(MetadataError, match=rf"offset .* baseline {baseline}"):
            stored_offset("here", float(baseline), **told)
        return
    offset, doubt = stored_offset("here", float(baseline), **told)
    assert offset == (0.0 if way.startswith("applied") else own)
    assert doubt is None


Forms = dict[tuple[str, str], Path]


@pytest.fixture(scope="module")
def forms(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Forms:
    """Return one scene as SAFE, Zarr and Zarr of reflectance, by form and baseline."""
    made: Forms = {}
    for baseline in ("03.01", "04.00", "05.09"):
        scene = products.scenes["2022"]
        taken = dataclasses.replace(scene.acquisition, baseline=baseline)
        scene = dataclasses.replace(scene, acquisition=taken)
        folder = tmp_path_factory.mktemp(baseline)
        made["SAFE", baseline] = write_sentinel2(scene, folder)
        if importlib.util.find_spec("zarr") is not None:
            for form, layout in (("Zarr", "v2"), ("reflectance", "geozarr")):
                made[form, baseline] = write_eopf_zarr(scene, folder / form, layout)
    return made


def put_offset(product: Path, stored: int | None) -> None:
    """List another offset in the metadata of a product, or none."""
    for path in product.glob("MTD_MSIL2A.xml"):
        text = path.read_text()
        new = "" if stored is None else rf"\g<1>{stored}<"
        path.write_text(re.sub(r"(<BOA_ADD_OFFSET [^>]*>)-?\d+<" if new else
                               r"(?s)<BOA_ADD_OFFSET_VALUES_LIST>.*</BOA_ADD_OFFSET_VALUES_LIST>",
                               new, text))  # fmt: skip
    for path in product.glob("measurements/reflectance/*/b*/.zattrs"):
        told = json.loads(path.read_text())
        for table in (told, told["_eopf_attrs"]):
            del table["add_offset"]
            if stored is not None:
                table["add_offset"] = stored / 10_000
        path.write_text(json.dumps(told))


@pytest.mark.parametrize("baseline", ["03.01", "04.00", "05.09"])
@pytest.mark.parametrize(
    ("form", "told", "before", "since"),
    [
        ("SAFE", "listed", "right", "right"),
        ("SAFE", 0, "right", "implausible"),
        ("SAFE", None, "right", "refused"),
        ("Zarr", "listed", "right", "right"),
        ("Zarr", 0, "right", "implausible"),
        ("Zarr", -1000, "implausible", "right"),
        ("Zarr", None, "refused", "refused"),
        ("reflectance", "listed", "right", "right"),
    ],
)
def test_each_cell_of_products_here_is_right_implausible_or_refused(
    form: str,
    told: str | int | None,
    before: str,
    since: str,
    baseline: str,
    forms: Forms,
    products: Products,
    tmp_path: Path,
) -> None:
    """As listed; listed as undone, which nobody delivers; of floats there is none. STAC: there."""
    if form != "SAFE":
        pytest.importorskip("zarr")
    product = copied(forms[form, baseline], tmp_path)
    if told != "listed":
        put_offset(product, told)
    outcome = before if baseline < "04.00" else since
    if outcome == "refused":
        with pytest.raises(MetadataError, match="offset"):
            gl.open_scene(product)
        return
    scene = gl.open_scene(product)
    if outcome == "implausible":
        found = assess(scene)
        assert (found.verdict, f"baseline {baseline}" in found.reason) == ("implausible", True)
        return
    assert scene.provenance["contradictions"] == ()
    truth = products.scenes["2022"].bands["green"]
    assert np.nanmax(np.abs(scene.read(["green"])[0] - truth)) <= 0.00006


@pytest.mark.parametrize(("baseline", "listed"), [(2.14, -1000.0), (3.01, -1000.0), (4.0, 0.0),
                                                  (5.09, 0.0), (5.09, -100.0)])  # fmt: skip
def test_a_list_that_contradicts_the_baseline_is_told(baseline: float, listed: float) -> None:
    """The converter of EOPF writes its offset into old products, too."""
    offset, doubt = stored_offset("here", baseline, listed=listed)
    assert offset == listed
    assert doubt is not None
    assert f"baseline {baseline:05.2f}" in doubt


def test_without_a_baseline_only_what_is_told_counts() -> None:
    assert stored_offset("here", None, listed=-1000.0) == (-1000.0, None)
    assert stored_offset("here", None, is_applied=True) == (0.0, None)
    for told in ({}, {"is_applied": False}):
        with pytest.raises(MetadataError, match="neither the offset"):
            stored_offset("here", None, **told)


def test_a_baseline_of_the_future_is_believed_only_where_it_tells() -> None:
    assert stored_offset("here", 6.01, listed=-500.0) == (-500.0, None)
    with pytest.raises(MetadataError, match=r"baseline 06\.01"):
        stored_offset("here", 6.01)


def test_ones_own_processing_is_known_by_its_day() -> None:
    before, after = (datetime(year, 3, 1, tzinfo=UTC) for year in (2021, 2023))
    assert stored_offset("here", 99.99, made=before) == (0.0, None)
    with pytest.raises(MetadataError, match=r"Sen2Cor 2\.10"):
        stored_offset("here", 99.99, made=after)


def test_the_tables_of_products_are_made_of_the_readers() -> None:
    path = Path(__file__).parents[1] / "docs" / "make_formats.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for page, language in script.PAGES.items():
        text = page.read_text(encoding="utf-8")
        assert "made by docs/make_formats.py" in text
        assert text == script.filled(text, language), "run: python docs/make_formats.py"
    assert {row for family in FAMILIES for row in family.rows} < set(ROWS)
    assert all(family.rows for family in FAMILIES)
