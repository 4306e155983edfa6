"""Hostile and damaged products, and checksums."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
import zipfile
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from products import Products, copied, pack

from glacial_lakes.errors import (
    DamagedFileError,
    GlacialLakesError,
    MissingFileError,
    UnsafeInputError,
)
from glacial_lakes.scenes import open_scene, verify
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.scenes.source import open_source

SIDECAR = (
    "acquired = 2019-07-23T10:20:31Z\nsensor = 'X'\nscale = 1e-4\noffset = 0\nnodata = 0\n"
    "[bands]\ngreen = 1\nnir = 1\n"
)


@pytest.fixture
def landsat(products: Products, tmp_path: Path) -> Path:
    copy = copied(products.find("LC08*"), tmp_path)
    next(copy.glob("*_MD5.txt")).unlink()
    return copy


@pytest.fixture
def sentinel2(products: Products, tmp_path: Path) -> Path:
    return copied(products.find("S2A*N0208*"), tmp_path)


def test_a_vrt_that_is_named_tif_is_refused(landsat: Path) -> None:
    [green] = landsat.glob("*_SR_B3.TIF")
    secret = landsat / "secret.tif"
    green.rename(secret)
    green.write_text(
        f'<VRTDataset rasterXSize="300" rasterYSize="300"><VRTRasterBand dataType="UInt16" '
        f'band="1"><SimpleSource><SourceFilename>{secret}</SourceFilename></SimpleSource>'
        "</VRTRasterBand></VRTDataset>",
        encoding="utf-8",
    )
    with pytest.raises(UnsafeInputError, match=r"SR_B3\.TIF.*not a TIFF"):
        open_scene(landsat)


def test_a_vrt_stack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lake.tif").write_text("<VRTDataset/>", encoding="utf-8")
    (tmp_path / "lake.toml").write_text(SIDECAR, encoding="utf-8")
    with pytest.raises(UnsafeInputError, match="not a TIFF"):
        open_scene(tmp_path / "lake.tif")


@pytest.mark.parametrize(
    "entity",
    [
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_xml_with_a_document_type_is_refused(sentinel2: Path, entity: str) -> None:
    metadata = sentinel2 / "MTD_MSIL2A.xml"
    head, body = metadata.read_text(encoding="utf-8").split("\n", 1)
    metadata.write_text(f"{head}\n{entity}\n{body}", encoding="utf-8")
    with pytest.raises(UnsafeInputError, match="document type"):
        open_scene(sentinel2)


@pytest.mark.parametrize("name", ["../x_MTL.txt", "/etc/LC08_MTL.txt", "a/../../LC08_MTL.txt"])
def test_a_tar_member_outside_the_tar_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "LC08_x.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"END\n"))
    with pytest.raises(UnsafeInputError, match="outside"):
        open_scene(path)


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        ("w", "LC08_x.tar.gz", r"ends in \.tar$"),  # as browsers leave it
        ("w:gz", "LC08_x.tar", r"ends in \.tar\.gz$"),
        ("zip", "LC08_x.tar", r"ends in \.zip$"),
        ("w", "LC08_x.zip", r"ends in \.tar$"),
    ],
)
def test_an_archive_of_another_kind_than_its_name_is_told(
    tmp_path: Path, content: str, name: str, told: str
) -> None:
    path = tmp_path / name
    member = tmp_path / "LC08_x_MTL.txt"
    member.write_text("END")
    if content == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(member, member.name)
    else:
        with tarfile.open(path, content) as tar:  # type: ignore[call-overload]
            tar.add(member, member.name)
    with pytest.raises(UnsafeInputError, match=told):
        open_scene(path)


def test_a_tar_whose_long_names_gdal_does_not_know_is_told(tmp_path: Path) -> None:
    path = tmp_path / "S2A_x.tar"
    member = tmp_path / "MTD_MSIL2A.xml"
    member.write_text("<a/>")
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(member, "S2A_x.SAFE/GRANULE/" + "x" * 101)
    with pytest.raises(UnsafeInputError, match="unpack it"):
        open_scene(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_tar_with_a_link_or_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "LC08_x.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("LC08_x_MTL.txt")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(UnsafeInputError, match="link or device"):
        open_scene(path)


@pytest.mark.parametrize("name", ["../x.xml", "/x.xml", "a\\..\\..\\x.xml", "C:x.xml"])
def test_a_zip_member_outside_the_zip_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "S2A_x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UnsafeInputError, match="outside"):
        open_source(path)


def test_a_zip_that_windows_packed_is_read_and_faults_name_its_file(
    sample_data: Path, tmp_path: Path
) -> None:
    """PowerShell before 5.1 writes names with backslashes; a band that is cut short lies there."""
    [safe] = (sample_data / "scenes").glob("S2A_*20230905*.SAFE")
    path = tmp_path / "S2A.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in safe.rglob("*.*"):
            if file.is_file() and file.name != "manifest.safe":
                name = zipfile.ZipInfo("x")
                name.filename = str(PureWindowsPath(file.relative_to(safe.parent)))
                content = file.read_bytes()
                is_cut = file.name.endswith("B03_10m.jp2")
                archive.writestr(name, content[: len(content) // 2] if is_cut else content)
    with zipfile.ZipFile(path) as archive:
        assert any("\\GRANULE\\" in name for name in archive.namelist())
    scene = open_scene(path)
    assert scene.grid == open_scene(safe).grid
    with pytest.raises(DamagedFileError, match="cannot be read") as caught:
        assess(scene)
    assert str(caught.value.path).startswith(f"{path}/{safe.name}/GRANULE/")


def test_the_mtl_cannot_name_a_file_outside_its_folder(landsat: Path) -> None:
    [mtl] = landsat.glob("*_MTL.txt")
    [green] = landsat.glob("*_SR_B3.TIF")
    shutil.move(green, landsat.parent / "outside.TIF")
    text = mtl.read_text(encoding="utf-8").replace(green.name, "../outside.TIF")
    mtl.write_text(text, encoding="utf-8")
    with pytest.raises(MissingFileError, match=r"outside\.TIF"):
        open_scene(landsat)


def test_a_sidecar_cannot_name_a_file_outside_its_folder(
    products: Products, tmp_path: Path
) -> None:
    shutil.copyfile(products.stack, tmp_path / "lake.tif")
    sidecar = "quality = '../lake_SCL.tif'\ndecoder = 'scl'\n" + SIDECAR
    (tmp_path / "lake.toml").write_text(sidecar, encoding="utf-8")
    with pytest.raises(UnsafeInputError, match="not a file beside it"):
        open_scene(tmp_path / "lake.tif")


def test_a_huge_header_is_refused_before_any_pixel_is_read(tmp_path: Path) -> None:
    path = tmp_path / "lake.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=60_000, height=60_000, count=1, dtype="uint16",
        SPARSE_OK=True, tiled=True, blockxsize=8192, blockysize=8192, crs="EPSG:32643",
        transform=rasterio.transform.from_origin(300_000, 4_700_000, 10, 10),
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 10_000
    (tmp_path / "lake.toml").write_text(SIDECAR, encoding="utf-8")
    with pytest.raises(UnsafeInputError, match="60000 x 60000"):
        open_scene(path)


def test_a_file_beside_an_image_changes_neither_grid_nor_nodata(landsat: Path) -> None:
    before = open_scene(landsat)
    expected = before.read(["green"])
    [green] = landsat.glob("*_SR_B3.TIF")
    Path(f"{green}.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:3857</SRS><GeoTransform>0,1,0,0,0,-1</GeoTransform>"
        '<PAMRasterBand band="1"><NoDataValue>9000</NoDataValue></PAMRasterBand></PAMDataset>',
        encoding="utf-8",
    )
    after = open_scene(landsat)
    assert after.grid == before.grid
    np.testing.assert_array_equal(after.read(["green"]), expected)


def test_an_archive_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    for name in ("S2A_x.zip", "LC08_x.tar", "LE07_x.tar.gz"):
        (tmp_path / name).write_bytes(b"not an archive" * 100)
        with pytest.raises(DamagedFileError, match="unpacked"):
            open_scene(tmp_path / name)


@given(place=st.floats(0, 1), junk=st.binary(max_size=12), cut=st.booleans())
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("ending", ["txt", "json", "xml"])
def test_damaged_metadata_opens_or_is_refused_and_nothing_else(
    landsat: Path, ending: str, place: float, junk: bytes, cut: bool
) -> None:
    [pristine] = landsat.glob(f"*_MTL.{ending}")
    metadata = landsat.parent / "damaged" / pristine.name
    if not metadata.parent.exists():
        metadata.parent.mkdir()
        for image in landsat.glob("*.TIF"):
            shutil.copyfile(image, metadata.parent / image.name)
    content = pristine.read_bytes()
    at = int(place * len(content))
    metadata.write_bytes(content[:at] + junk + (b"" if cut else content[at + len(junk) :]))
    try:
        scene = open_scene(metadata.parent)
    except GlacialLakesError as refusal:
        assert "\n" not in str(refusal)
    else:
        assert scene.acquired.tzinfo is not None


def test_products_that_list_checksums_are_verified(products: Products, sentinel2: Path) -> None:
    for product in products.truth:
        lists = product.suffix == ".SAFE" or product.name.endswith("_02_T1")
        assert verify(open_scene(product)) == ("verified" if lists else "unverified")
    scene = open_scene(sentinel2)
    assert scene.provenance["checksum"] == "unverified"
    assert verify(scene) == "verified"
    packed = pack(sentinel2, sentinel2.parent, "zip")
    assert verify(open_scene(packed)) == "verified"


@pytest.mark.parametrize("name", ["*_B03_10m.jp2", "*_SCL_20m.jp2", "MTD_TL.xml"])
def test_one_wrong_byte_in_a_used_file_is_found(sentinel2: Path, name: str) -> None:
    [file] = sentinel2.rglob(name)
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    try:
        scene = open_scene(sentinel2)
    except DamagedFileError:
        return  # the byte made the XML invalid, which is told at once
    with pytest.raises(DamagedFileError, match=file.name):
        verify(scene)


def test_a_product_without_a_list_is_unverified(
    products: Products, sentinel2: Path, landsat: Path
) -> None:
    (sentinel2 / "manifest.safe").unlink()
    assert verify(open_scene(sentinel2)) == "unverified"
    assert verify(open_scene(landsat)) == "unverified"
    assert verify(open_scene(products.older)) == "unverified"


def test_a_file_that_the_list_leaves_out_makes_the_product_unverified(sentinel2: Path) -> None:
    manifest = sentinel2 / "manifest.safe"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "_B03_" not in line), encoding="utf-8")
    assert verify(open_scene(sentinel2)) == "unverified"


@pytest.mark.parametrize("packed", [False, True])
def test_landsat_md5_lists_are_used(landsat: Path, packed: bool) -> None:
    listing = landsat / f"{landsat.name}_MD5.txt"
    listing.write_text(
        "".join(
            f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.name}\n"
            for path in sorted(landsat.iterdir())
        ),
        encoding="utf-8",
    )
    product = landsat
    if packed:
        product = landsat.parent / f"{landsat.name}.tar"
        with tarfile.open(product, "w") as archive:
            for path in sorted(landsat.iterdir()):
                archive.add(path, path.name)
    assert verify(open_scene(product)) == "verified"


def test_sha3_of_new_manifests_is_understood(sentinel2: Path) -> None:
    manifest = sentinel2 / "manifest.safe"
    text = manifest.read_text(encoding="utf-8").replace('"MD5"', '"SHA3-256"')
    for file in sentinel2.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            old = hashlib.md5(content, usedforsecurity=False).hexdigest()
            text = text.replace(old, hashlib.sha3_256(content).hexdigest().upper())
    manifest.write_text(text, encoding="utf-8")
    assert verify(open_scene(sentinel2)) == "verified"


def test_no_setting_of_the_computer_moves_an_image(sample_data: Path) -> None:
    """This one is of old programs that took the point of a pixel for its corner."""
    product = next((sample_data / "scenes").glob("LT05*2003*"))
    with rasterio.Env(GTIFF_POINT_GEO_IGNORE="YES"):
        there = open_scene(product).grid
    assert there == open_scene(product).grid
