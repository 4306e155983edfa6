"""Writing a scene as a Sentinel-2 L1C or L2A product (SAFE, compact naming)."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from glacial_lakes.grid import Grid
from glacial_lakes.simulate.acquisition import Acquisition
from glacial_lakes.simulate.quality import Label, scene_classification
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS

TILE = "T43TDH"
ORBIT = 91
QUANTIFICATION = 10_000
Level = Literal["L1C", "L2A"]
_CENTRE = {"L1C": "VGS4", "L2A": "2APS"}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
_PSD = "https://psd-14.sentinel2.eo.esa.int/PSD"
_BANDS_OF_MSI = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
_OFFSETS = {
    "L1C": ("RADIO_ADD_OFFSET", "Radiometric_Offset_List"),
    "L2A": ("BOA_ADD_OFFSET", "BOA_ADD_OFFSET_VALUES_LIST"),
}
_QUANTIFICATION = {
    "L1C": f'<QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</QUANTIFICATION_VALUE>',
    "L2A": f"""\
<QUANTIFICATION_VALUES_LIST>
<BOA_QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</BOA_QUANTIFICATION_VALUE>
<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE>
<WVP_QUANTIFICATION_VALUE unit="cm">1000.0</WVP_QUANTIFICATION_VALUE>
</QUANTIFICATION_VALUES_LIST>""",
}
_IRRADIANCE = (
    1884.69, 1959.66, 1823.24, 1512.06, 1424.64, 1287.61, 1162.08, 1041.63, 955.32, 812.92,
    367.15, 245.59, 85.25,
)  # fmt: skip


def write_sentinel2(scene: SimulatedScene, folder: Path, *, level: Level = "L2A") -> Path:
    """Write a scene as a SAFE folder and return it.

    Bands of 10 m and 20 m as lossless JPEG 2000, the scene classification of Level-2A, product
    and tile metadata, and a manifest with checksums: MD5 before baseline 04.00, SHA3-256 from
    then on, as in products of those times. Level-2A before baseline 02.08 has the element names
    of that time, which end in ``_2A``. Bands that lake mapping does not use are left out. In
    Level-1C the reflectance of the scene stands for that at the top of the atmosphere.

    Parameters
    ----------
    scene : SimulatedScene
        A scene of ``S2A`` or ``S2B``.
    folder : pathlib.Path
        Where the SAFE folder is made; it must not hold one of that name yet.
    level : str
        ``"L1C"`` or ``"L2A"``.
    """
    names = _names(scene.acquisition, level)
    safe = folder / names.product
    offset = -1000 if names.carries_offset else 0
    sensor = scene.acquisition.instrument
    layers: list[tuple[str, int, NDArray[np.uint16] | NDArray[np.uint8]]] = [
        (code, round(pixel), stored_numbers(scene.bands[band], offset))
        for band, code, pixel in zip(BANDS, sensor.files, sensor.pixel_m, strict=True)
    ]
    if level == "L2A":
        layers.append(("SCL", 20, scene_classification(scene.labels)))
    images = []
    for code, pixel, values in layers:
        place = f"R{pixel}m/{names.image}_{code}_{pixel}m"
        if level == "L1C":
            place = f"{names.image}_{code}"
        name = f"{names.granule}/IMG_DATA/{place}"
        _write_jp2(safe / f"{name}.jp2", values, pixel, scene.grid)
        images.append(name)
    metadata = _product_metadata(scene, names, images, offset)
    _write(safe / f"MTD_MSI{level}.xml", _aged(metadata) if names.is_old else metadata)
    _write(safe / names.granule / "MTD_TL.xml", _tile_metadata(scene, names))
    _write(safe / names.datastrip / "MTD_DS.xml", _datastrip_metadata(names))
    _write(safe / "manifest.safe", _manifest(safe, names))
    return safe


def sentinel2_name(acquisition: Acquisition) -> str:
    """Return the name of the SAFE folder of Level-2A."""
    return _names(acquisition, "L2A").product


@dataclass(frozen=True)
class _Names:
    """The names and times that recur throughout a product."""

    level: Level
    product: str
    granule: str
    """Folder of the tile, from the product's."""
    datastrip: str
    """Folder of the data strip."""
    image: str
    """What every image's name begins with."""
    tile_id: str
    datastrip_id: str
    datatake_id: str
    baseline: str
    start: str
    generated: str

    @property
    def carries_offset(self) -> bool:
        """Whether products of the baseline tell an offset to add to their numbers."""
        return float(self.baseline) >= 4.0

    @property
    def kind(self) -> str:
        """The level as the metadata spell it."""
        return f"Level-{self.level[1:]}"

    @property
    def is_old(self) -> bool:
        """Whether Level-2A of the baseline had other element names."""
        return self.level == "L2A" and float(self.baseline) < 2.08


def _names(taken: Acquisition, level: Level) -> _Names:
    made = taken.time + timedelta(hours=5, minutes=6, seconds=29)
    sensed, made_at = f"{taken.time:%Y%m%dT%H%M%S}", f"{made:%Y%m%dT%H%M%S}"
    orbit = f"{20_000 + taken.time.toordinal() % 20_000:06d}"  # any number: no orbit was flown
    made_by = f"{taken.sensor}_OPER_MSI_{level}"
    centre = _CENTRE[level]
    return _Names(
        level=level,
        product=(
            f"{taken.sensor}_MSI{level}_{sensed}_N{taken.baseline.replace('.', '')}"
            f"_R{ORBIT:03d}_{TILE}_{made_at}.SAFE"
        ),
        granule=f"GRANULE/{level}_{TILE}_A{orbit}_{sensed}",
        datastrip=f"DATASTRIP/DS_{centre}_{made_at}_S{sensed}",
        image=f"{TILE}_{sensed}",
        tile_id=f"{made_by}_TL_{centre}_{made_at}_A{orbit}_{TILE}_N{taken.baseline}",
        datastrip_id=f"{made_by}_DS_{centre}_{made_at}_S{sensed}_N{taken.baseline}",
        datatake_id=f"G{taken.sensor}_{sensed}_{orbit}_N{taken.baseline}",
        baseline=taken.baseline,
        start=f"{taken.time:%Y-%m-%dT%H:%M:%S}.024Z",
        generated=f"{made:%Y-%m-%dT%H:%M:%S}.000000Z",
    )


def stored_numbers(reflectance: NDArray[np.float32], offset: int) -> NDArray[np.uint16]:
    """Return reflectance as it is stored: 0 for no data, with an offset that is to be added."""
    numbers = np.round(reflectance * QUANTIFICATION) - offset
    numbers = np.where(np.isfinite(numbers), np.clip(numbers, 1, 65_534), 0)
    return numbers.astype(np.uint16)


def _write_jp2(
    path: Path, values: NDArray[np.uint16] | NDArray[np.uint8], pixel_m: int, grid: Grid
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype=values.dtype,
        crs=grid.crs,
        transform=Affine(pixel_m, 0, grid.transform.c, 0, -pixel_m, grid.transform.f),
        QUALITY=100,
        REVERSIBLE="YES",
        YCBCR420="NO",
        RESOLUTIONS=4,
        BLOCKXSIZE=1024,
        BLOCKYSIZE=1024,
    ) as dataset:
        dataset.write(values, 1)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _product_metadata(scene: SimulatedScene, names: _Names, images: list[str], offset: int) -> str:
    files = "\n".join(f"<IMAGE_FILE>{name}</IMAGE_FILE>" for name in images)
    level = names.level
    tag, listing = _OFFSETS[level]
    offsets = ""
    if names.carries_offset:
        values = "\n".join(f'<{tag} band_id="{band}">{offset}</{tag}>' for band in range(13))
        offsets = f"<{listing}>\n{values}\n</{listing}>\n"
    irradiance = "\n".join(
        f'<SOLAR_IRRADIANCE bandId="{band}" unit="W/m²/µm">{value}</SOLAR_IRRADIANCE>'
        for band, value in enumerate(_IRRADIANCE)
    )
    spectral = "\n".join(
        f'<Spectral_Information bandId="{band}" physicalBand="{name}"/>'
        for band, name in enumerate(_BANDS_OF_MSI)
    )
    day = scene.acquisition.time.timetuple().tm_yday
    distance = 1.0 - 0.01672 * math.cos(math.radians(0.9856 * (day - 4)))
    footprint = _footprint(scene.grid)
    kind = names.kind
    return f"""{_HEAD}<n1:{kind}_User_Product xmlns:n1="{_PSD}/User_Product_{kind}.xsd">
<n1:General_Info>
<Product_Info>
<PRODUCT_START_TIME>{names.start}</PRODUCT_START_TIME>
<PRODUCT_STOP_TIME>{names.start}</PRODUCT_STOP_TIME>
<PRODUCT_URI>{names.product}</PRODUCT_URI>
<PROCESSING_LEVEL>{kind}</PROCESSING_LEVEL>
<PRODUCT_TYPE>S2MSI{level[1:]}</PRODUCT_TYPE>
<PROCESSING_BASELINE>{names.baseline}</PROCESSING_BASELINE>
<GENERATION_TIME>{names.generated}</GENERATION_TIME>
<PREVIEW_IMAGE_URL>Not applicable</PREVIEW_IMAGE_URL>
<PREVIEW_GEO_INFO>Not applicable</PREVIEW_GEO_INFO>
<Datatake datatakeIdentifier="{names.datatake_id}">
<SPACECRAFT_NAME>{scene.acquisition.instrument.platform}</SPACECRAFT_NAME>
<DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
<DATATAKE_SENSING_START>{names.start}</DATATAKE_SENSING_START>
<SENSING_ORBIT_NUMBER>{ORBIT}</SENSING_ORBIT_NUMBER>
<SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
</Datatake>
<Query_Options completeSingleTile="true">
<PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT>
</Query_Options>
<Product_Organisation>
<Granule_List>
<Granule datastripIdentifier="{names.datastrip_id}"
 granuleIdentifier="{names.tile_id}" imageFormat="JPEG2000">
{files}
</Granule>
</Granule_List>
</Product_Organisation>
</Product_Info>
<Product_Image_Characteristics>
<Special_Values>
<SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
</Special_Values>
<Special_Values>
<SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
</Special_Values>
<Image_Display_Order>
<RED_CHANNEL>3</RED_CHANNEL>
<GREEN_CHANNEL>2</GREEN_CHANNEL>
<BLUE_CHANNEL>1</BLUE_CHANNEL>
</Image_Display_Order>
{_QUANTIFICATION[level]}
{offsets}<Reflectance_Conversion>
<U>{1.0 / distance**2:.12f}</U>
<Solar_Irradiance_List>
{irradiance}
</Solar_Irradiance_List>
</Reflectance_Conversion>
<Spectral_Information_List>
{spectral}
</Spectral_Information_List>
</Product_Image_Characteristics>
</n1:General_Info>
<n1:Geometric_Info>
<Product_Footprint>
<Product_Footprint>
<Global_Footprint><EXT_POS_LIST>{footprint}</EXT_POS_LIST></Global_Footprint>
</Product_Footprint>
</Product_Footprint>
</n1:Geometric_Info>
<n1:Quality_Indicators_Info>
<Cloud_Coverage_Assessment>{scene.cloud_percent:.6f}</Cloud_Coverage_Assessment>
</n1:Quality_Indicators_Info>
</n1:{kind}_User_Product>
"""


def _aged(metadata: str) -> str:
    """Give product metadata of Level-2A the element names that Sen2Cor used until 2018."""
    for now, then in (
        (r"\bPRODUCT_URI\b", "PRODUCT_URI_2A"),
        (r"\bIMAGE_FILE\b", "IMAGE_FILE_2A"),
        (r"\bBOA_QUANTIFICATION_VALUE\b", "L2A_BOA_QUANTIFICATION_VALUE"),
        (r"\bQUANTIFICATION_VALUES_LIST\b", "L1C_L2A_Quantification_Values_List"),
        (r"\bProduct_Image_Characteristics\b", "L2A_Product_Image_Characteristics"),
        (r"\bProduct_Info\b", "L2A_Product_Info"),
    ):
        metadata = re.sub(now, then, metadata)
    return metadata


def _footprint(grid: Grid) -> str:
    """Return latitudes and longitudes of the corners, closed, as the metadata list them."""
    west, south, east, north = grid.bounds
    corners = [(west, north), (east, north), (east, south), (west, south), (west, north)]
    to_lonlat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lonlat = [to_lonlat.transform(x, y) for x, y in corners]
    return " ".join(f"{lat:.9f} {lon:.9f}" for lon, lat in lonlat)


def _tile_metadata(scene: SimulatedScene, names: _Names) -> str:
    rows, cols = scene.grid.shape
    west, _, _, north = scene.grid.bounds
    sizes = "\n".join(
        f'<Size resolution="{m}"><NROWS>{rows * 10 // m}</NROWS>'
        f"<NCOLS>{cols * 10 // m}</NCOLS></Size>"
        for m in (10, 20, 60)
    )
    places = "\n".join(
        f'<Geoposition resolution="{m}"><ULX>{west:.0f}</ULX><ULY>{north:.0f}</ULY>'
        f"<XDIM>{m}</XDIM><YDIM>-{m}</YDIM></Geoposition>"
        for m in (10, 20, 60)
    )
    zenith, azimuth = 90.0 - scene.sun_elevation_deg, scene.sun_azimuth_deg
    steps = rows * 10 // 5000 + 2

    def values(angle: float) -> str:
        row = "<VALUES>" + " ".join([f"{angle:.4f}"] * steps) + "</VALUES>"
        return "\n".join([row] * steps)

    def angles(name: str, angle: float) -> str:
        return (
            f'<{name}>\n<COL_STEP unit="m">5000</COL_STEP>\n<ROW_STEP unit="m">5000</ROW_STEP>\n'
            f"<Values_List>\n{values(angle)}\n</Values_List>\n</{name}>"
        )

    shares = {label: 100.0 * float((scene.labels == label).mean()) for label in Label}
    medium = shares[Label.CLOUD_MEDIUM] + shares[Label.DILATED]
    classes = f"""\
<DARK_FEATURES_PERCENTAGE>{shares[Label.DARK]:.6f}</DARK_FEATURES_PERCENTAGE>
<CLOUD_SHADOW_PERCENTAGE>{shares[Label.SHADOW]:.6f}</CLOUD_SHADOW_PERCENTAGE>
<VEGETATION_PERCENTAGE>{shares[Label.PLANTS]:.6f}</VEGETATION_PERCENTAGE>
<NOT_VEGETATED_PERCENTAGE>{shares[Label.BARE]:.6f}</NOT_VEGETATED_PERCENTAGE>
<WATER_PERCENTAGE>{shares[Label.WATER]:.6f}</WATER_PERCENTAGE>
<MEDIUM_PROBA_CLOUDS_PERCENTAGE>{medium:.6f}</MEDIUM_PROBA_CLOUDS_PERCENTAGE>
<HIGH_PROBA_CLOUDS_PERCENTAGE>{shares[Label.CLOUD]:.6f}</HIGH_PROBA_CLOUDS_PERCENTAGE>
<THIN_CIRRUS_PERCENTAGE>{shares[Label.CIRRUS]:.6f}</THIN_CIRRUS_PERCENTAGE>
<SNOW_ICE_PERCENTAGE>{shares[Label.SNOW]:.6f}</SNOW_ICE_PERCENTAGE>
"""
    if names.level == "L1C":  # tells of clouds only
        classes = ""
    kind, epsg = names.kind, scene.grid.crs.to_epsg()
    return f"""{_HEAD}<n1:{kind}_Tile_ID xmlns:n1="{_PSD}/S2_PDI_{kind}_Tile_Metadata.xsd">
<n1:General_Info>
<TILE_ID metadataLevel="Brief">{names.tile_id}</TILE_ID>
<DATASTRIP_ID metadataLevel="Standard">{names.datastrip_id}</DATASTRIP_ID>
<DOWNLINK_PRIORITY metadataLevel="Standard">NOMINAL</DOWNLINK_PRIORITY>
<SENSING_TIME metadataLevel="Standard">{names.start}</SENSING_TIME>
</n1:General_Info>
<n1:Geometric_Info>
<Tile_Geocoding metadataLevel="Brief">
<HORIZONTAL_CS_NAME>WGS84 / UTM zone {epsg - 32600}N</HORIZONTAL_CS_NAME>
<HORIZONTAL_CS_CODE>EPSG:{epsg}</HORIZONTAL_CS_CODE>
{sizes}
{places}
</Tile_Geocoding>
<Tile_Angles metadataLevel="Standard">
<Sun_Angles_Grid>
{angles("Zenith", zenith)}
{angles("Azimuth", azimuth)}
</Sun_Angles_Grid>
<Mean_Sun_Angle>
<ZENITH_ANGLE unit="deg">{zenith:.10f}</ZENITH_ANGLE>
<AZIMUTH_ANGLE unit="deg">{azimuth:.10f}</AZIMUTH_ANGLE>
</Mean_Sun_Angle>
</Tile_Angles>
</n1:Geometric_Info>
<n1:Quality_Indicators_Info metadataLevel="Standard">
<Image_Content_QI>
<CLOUDY_PIXEL_PERCENTAGE>{scene.cloud_percent:.6f}</CLOUDY_PIXEL_PERCENTAGE>
<NODATA_PIXEL_PERCENTAGE>{shares[Label.NODATA]:.6f}</NODATA_PIXEL_PERCENTAGE>
{classes}</Image_Content_QI>
</n1:Quality_Indicators_Info>
</n1:{kind}_Tile_ID>
"""


def _datastrip_metadata(names: _Names) -> str:
    return f"""{_HEAD}<n1:{names.kind}_DataStrip_ID
 xmlns:n1="{_PSD}/S2_PDI_{names.kind}_Datastrip_Metadata.xsd">
<n1:General_Info>
<Datatake_Info datatakeIdentifier="{names.datatake_id}">
<DATATAKE_SENSING_START>{names.start}</DATATAKE_SENSING_START>
</Datatake_Info>
</n1:General_Info>
</n1:{names.kind}_DataStrip_ID>
"""


def _manifest(safe: Path, names: _Names) -> str:
    kind, algorithm = ("SHA3-256", "sha3_256") if names.carries_offset else ("MD5", "md5")
    objects = []
    files = sorted(path for path in safe.rglob("*") if path.is_file())
    for number, path in enumerate(files):
        data = path.read_bytes()
        mime = "text/xml" if path.suffix == ".xml" else "application/octet-stream"
        href = "./" + path.relative_to(safe).as_posix()
        checksum = hashlib.new(algorithm, data).hexdigest()
        objects.append(
            f'<dataObject ID="Object_{number:02d}_{escape(path.stem)}">'
            f'<byteStream mimeType="{mime}" size="{len(data)}">'
            f'<fileLocation locatorType="URL" href="{href}"/>'
            f'<checksum checksumName="{kind}">{checksum}</checksum></byteStream></dataObject>'
        )
    listed = "\n".join(objects)
    return f"""{_HEAD}<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1"
 xmlns:safe="http://www.esa.int/safe/sentinel/1.1"
 version="esa/safe/sentinel/1.1/sentinel-2/msi/archive_l{names.level[1:].lower()}_user_product">
<metadataSection>
<metadataObject ID="acquisitionPeriod"><metadataWrap><xmlData>
<safe:acquisitionPeriod><safe:startTime>{names.start}</safe:startTime></safe:acquisitionPeriod>
</xmlData></metadataWrap></metadataObject>
</metadataSection>
<dataObjectSection>
{listed}
</dataObjectSection>
</xfdu:XFDU>
"""
