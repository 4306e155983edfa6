"""Small products of other makers, in their own layouts, of the scenes of ``products``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from rasterio.crs import CRS

from glacial_lakes.grid import Grid, scaled
from glacial_lakes.simulate.quality import QA_OLI, SCL, Label
from glacial_lakes.simulate.scene import SimulatedScene

FMASK = {Label.CLOUD: 2, Label.CLOUD_MEDIUM: 2, Label.SHADOW: 8, Label.SNOW: 16, Label.WATER: 32}
"""As Fmask of HLS writes classes; aerosol bits come besides."""

HLS_CRS = """PROJCS["UTM Zone 43, Northern Hemisphere",
 GEOGCS["Unknown datum based upon the WGS 84 ellipsoid",
  DATUM["Not specified (based on WGS 84 spheroid)",SPHEROID["WGS 84",6378137,298.257223563]],
  PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],
 PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],
 PARAMETER["central_meridian",75],PARAMETER["scale_factor",0.9996],
 PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]"""
"""As images of HLS tell their zone: by no code, on a datum without a name."""


def write(
    path: Path,
    layers: np.ndarray,
    grid: Grid,
    tags: Mapping[str, str] | None = None,
    **profile: object,
) -> Path:
    """Write layers (band, y, x) or (y, x) as a GeoTIFF, or as a lossless JPEG 2000."""
    layers = layers if layers.ndim == 3 else layers[np.newaxis]
    path.parent.mkdir(parents=True, exist_ok=True)
    how = {"driver": "GTiff", "compress": "deflate"}
    if path.suffix == ".jp2":
        how = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"}
    with rasterio.open(
        path, "w", width=layers.shape[2], height=layers.shape[1], count=len(layers),
        dtype=layers.dtype.name, crs=grid.crs, transform=grid.transform, **{**how, **profile},
    ) as dataset:  # fmt: skip
        dataset.write(layers)
        dataset.update_tags(**(tags or {}))
    return path


def coarser(values: np.ndarray, factor: int) -> np.ndarray:
    """Return means of squares of pixels."""
    rows, cols = (size // factor for size in values.shape)
    return values[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor).mean((1, 3))


def at_30_m(scene: SimulatedScene) -> tuple[dict[str, np.ndarray], np.ndarray, Grid]:
    """Return bands, labels and grid of a scene on pixels of 30 m."""
    factor = round(30 / scene.grid.resolution)
    edge = scene.grid.shape[0]
    fine = {
        name: np.kron(values, np.ones((edge // len(values),) * 2))
        for name, values in scene.bands.items()
    }
    labels = np.kron(scene.labels, np.ones((edge // len(scene.labels),) * 2, np.uint8))
    bands = {name: coarser(values, factor) for name, values in fine.items()}
    grid = Grid(scene.grid.crs, scaled(scene.grid.transform, factor), bands["green"].shape)
    return bands, labels[factor // 2 :: factor, factor // 2 :: factor], grid


def numbers(
    values: np.ndarray, scale: float, fill: int, dtype: str, offset: float = 0.0
) -> np.ndarray:
    """Return reflectance as stored numbers."""
    stored = np.round((values - offset) / scale)
    return np.where(np.isfinite(values), stored, fill).astype(dtype)


def classes(labels: np.ndarray, table: Mapping[Label, int], fill: int = 0) -> np.ndarray:
    """Return a quality layer (uint8)."""
    found = np.zeros(labels.shape, np.uint8)
    for label, value in table.items():
        found[labels == label] = value
    found[labels == Label.NODATA] = fill
    return found


def write_hls(
    scene: SimulatedScene, folder: Path, *, tile: str = "T43TDH", has_tags: bool = True
) -> Path:
    """Write an HLS product: L30 of a scene of Landsat, S30 of one of Sentinel-2."""
    bands, labels, grid = at_30_m(scene)
    grid = Grid(CRS.from_wkt(HLS_CRS), grid.transform, grid.shape)
    time, is_s2 = scene.acquisition.time, scene.acquisition.sensor.startswith("S2")
    product = f"HLS.{'S30' if is_s2 else 'L30'}.{tile}.{time:%Y%jT%H%M%S}.v2.0"
    codes = ("B02", "B03", "B04", "B8A" if is_s2 else "B05",
             "B11" if is_s2 else "B06", "B12" if is_s2 else "B07")  # fmt: skip
    tags = {
        "scale_factor": "0.0001", "add_offset": "0", "cloud_coverage": "7", "ACCODE": "LaSRC",
        "SENSING_TIME": f"{time:%Y-%m-%dT%H:%M:%S}.1234567Z", "_FillValue": "-9999",
        "HLS_PROCESSING_TIME": "2024-03-28T03:36:40Z",
        "MEAN_SUN_ZENITH_ANGLE": str(90 - scene.sun_elevation_deg),
        "MEAN_SUN_AZIMUTH_ANGLE": str(scene.sun_azimuth_deg),
    }  # fmt: skip
    place = folder / product
    for name, code in zip(("blue", "green", "red", "nir", "swir1", "swir2"), codes, strict=True):
        stored = numbers(bands[name], 1e-4, -9999, "int16")
        write(
            place / f"{product}.{code}.tif", stored, grid, tags if has_tags else None, nodata=-9999
        )
    mask = classes(labels, FMASK) | 64
    mask[labels == Label.NODATA] = 255
    write(place / f"{product}.Fmask.tif", mask, grid, nodata=255)
    return place


def write_planet(
    scene: SimulatedScene,
    folder: Path,
    *,
    count: int = 4,
    mask: str = "udm2",
    metadata: str = "json",
    ending: str = "",
) -> Path:
    """Write a PlanetScope scene of 4 or 8 bands (the pixels keep their size)."""
    time, factor = scene.acquisition.time, scene.grid.shape[0] // len(scene.labels)
    name = f"{time:%Y%m%d_%H%M%S}_12_2461"
    kind = "AnalyticMS_SR_8b" if count == 8 else "AnalyticMS_SR"
    order = {4: ("blue", "green", "red", "nir"),
             8: ("blue", "blue", "green", "green", "red", "red", "nir", "nir")}[count]  # fmt: skip
    stored = np.stack([numbers(scene.bands[band], 1e-4, 0, "uint16") for band in order])
    place = folder / name
    write(place / f"{name}_3B_{kind}{ending}.tif", stored, scene.grid, nodata=0)
    labels = np.kron(scene.labels, np.ones((factor, factor), np.uint8))
    clip = ending.replace("_harmonized", "")
    if mask == "udm2":
        cloud = np.isin(labels, (Label.CLOUD, Label.CLOUD_MEDIUM))
        hidden = (labels == Label.NODATA).astype(np.uint8)
        snow, shadow = labels == Label.SNOW, labels == Label.SHADOW
        none = np.zeros(labels.shape, bool)
        clear = ~(snow | shadow | cloud)
        layers = np.stack([clear, snow, shadow, none, none, cloud, clear * 90, hidden])
        write(place / f"{name}_3B_udm2{clip}.tif", layers.astype(np.uint8), scene.grid)
    elif mask == "udm":
        bits = classes(labels, {Label.CLOUD: 2, Label.CLOUD_MEDIUM: 2}, 1)
        write(place / f"{name}_3B_AnalyticMS_DN_udm{clip}.tif", bits, scene.grid)
    elevation = scene.sun_elevation_deg
    instrument = "PSB.SD" if count == 8 else "PS2"
    if metadata == "json":
        (place / f"{name}_metadata.json").write_text(
            f"""{{"id": "{name}", "type": "Feature", "properties": {{
            "acquired": "{time:%Y-%m-%dT%H:%M:%S}.12Z", "cloud_percent": 3, "cloud_cover": 0.03,
            "instrument": "{instrument}", "satellite_id": "2461",
            "published": "2024-08-12T10:00:00Z", "sun_azimuth": {scene.sun_azimuth_deg},
            "sun_elevation": {scene.sun_elevation_deg}}}}}"""
        )
    elif metadata == "xml":
        eight = "_8b" if count == 8 else ""
        (place / f"{name}_3B_AnalyticMS{eight}_metadata{clip}.xml").write_text(
            f"""<?xml version="1.0"?>
<ps:EarthObservation xmlns:ps="http://schemas.planet.com/ps/v1/planet_product_metadata_geocorrected_level"
 xmlns:eop="http://earth.esa.int/eop" xmlns:opt="http://earth.esa.int/opt">
 <eop:Platform><eop:serialIdentifier>2461</eop:serialIdentifier></eop:Platform>
 <eop:Instrument><eop:shortName>{instrument}</eop:shortName></eop:Instrument>
 <ps:Acquisition>
  <opt:illuminationAzimuthAngle uom="deg">{scene.sun_azimuth_deg}</opt:illuminationAzimuthAngle>
  <opt:illuminationElevationAngle uom="deg">{elevation}</opt:illuminationElevationAngle>
  <ps:acquisitionDateTime>{time:%Y-%m-%dT%H:%M:%S}+00:00</ps:acquisitionDateTime>
 </ps:Acquisition>
 <opt:cloudCoverPercentage uom="percentage">3</opt:cloudCoverPercentage>
</ps:EarthObservation>"""
        )
    return place


def write_maja(
    scene: SimulatedScene, folder: Path, *, kinds: tuple[str, ...] = ("FRE", "SRE")
) -> Path:
    """Write a MAJA product of a scene of Sentinel-2; only the last kind shows the scene."""
    taken = scene.acquisition
    name = f"SENTINEL{taken.sensor[1:]}_{taken.time:%Y%m%d-%H%M%S}-123_L2A_T43TDH_C_V2-2"
    place = folder / name
    coarse = Grid(scene.grid.crs, scaled(scene.grid.transform, 2), scene.labels.shape)
    for kind in kinds:
        for band, code in zip(
            ("blue", "green", "red", "nir", "swir1", "swir2"),
            ("B2", "B3", "B4", "B8", "B11", "B12"),
            strict=True,
        ):
            grid = scene.grid if len(scene.bands[band]) == scene.grid.shape[0] else coarse
            factor = 1.0 if kind == kinds[-1] else 1.4
            stored = numbers(scene.bands[band] * factor, 1e-4, -10_000, "int16")
            write(place / f"{name}_{kind}_{code}.tif", stored, grid)
    for resolution, grid in ((1, scene.grid), (2, coarse)):
        factor = grid.shape[0] // len(scene.labels)
        labels = np.kron(scene.labels, np.ones((factor, factor), np.uint8))
        mg2 = classes(labels, {Label.WATER: 1, Label.SNOW: 4, Label.SHADOW: 8 + 16,
                               Label.CLOUD: 2, Label.CLOUD_MEDIUM: 2})  # fmt: skip
        clm = classes(labels, {Label.CLOUD: 3, Label.CLOUD_MEDIUM: 3, Label.SHADOW: 33,
                               Label.CIRRUS: 128})  # fmt: skip
        write(place / "MASKS" / f"{name}_MG2_R{resolution}.tif", mg2, grid)
        write(place / "MASKS" / f"{name}_CLM_R{resolution}.tif", clm, grid)
        sat = np.zeros(grid.shape, np.uint8)
        sat[3:5, 6:9] = 1 << resolution  # the second band of each group: green, and B6
        write(place / "MASKS" / f"{name}_SAT_R{resolution}.tif", sat, grid)
    (place / f"{name}_MTD_ALL.xml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<Muscate_Metadata_Document>
 <Product_Characteristics>
  <PRODUCT_ID>{name}</PRODUCT_ID><PRODUCT_VERSION>2.2</PRODUCT_VERSION>
  <ACQUISITION_DATE>{taken.time:%Y-%m-%dT%H:%M:%S}.123Z</ACQUISITION_DATE>
  <PLATFORM>SENTINEL{taken.sensor[1:]}</PLATFORM><PRODUCT_LEVEL>L2A</PRODUCT_LEVEL>
 </Product_Characteristics>
 <Dataset_Identification><GEOGRAPHICAL_ZONE type="Tile">T43TDH</GEOGRAPHICAL_ZONE>
 </Dataset_Identification>
 <Product_Organisation/>
 <Production><PRODUCTION_DATE>2024-08-13T07:00:00.000Z</PRODUCTION_DATE></Production>
 <Geometric_Informations><Mean_Value_List><Sun_Angles>
  <ZENITH_ANGLE unit="degrees">{90 - scene.sun_elevation_deg}</ZENITH_ANGLE>
  <AZIMUTH_ANGLE unit="degrees">{scene.sun_azimuth_deg}</AZIMUTH_ANGLE>
 </Sun_Angles></Mean_Value_List></Geometric_Informations>
 <Radiometric_Informations>
  <REFLECTANCE_QUANTIFICATION_VALUE>10000</REFLECTANCE_QUANTIFICATION_VALUE>
  <SPECIAL_VALUES_LIST><SPECIAL_VALUE name="nodata">-10000</SPECIAL_VALUE></SPECIAL_VALUES_LIST>
 </Radiometric_Informations>
 <Quality_Informations><QUALITY_INDEX name="CloudPercent">12</QUALITY_INDEX></Quality_Informations>
</Muscate_Metadata_Document>"""
    )
    return place


def write_single_bands(
    scene: SimulatedScene,
    folder: Path,
    *,
    start: str = "",
    pattern: str = "B{number:02d}",
    layer: str = "SCL",
    ending: str = "tif",
    offset: float = 0.0,
    scale: float = 1e-4,
) -> Path:
    """Write a scene as one file a band, named by a pattern of number and size of pixels."""
    is_s2 = scene.acquisition.sensor.startswith("S2")
    codes = {"blue": 2, "green": 3, "red": 4, "nir": 8, "swir1": 11, "swir2": 12}
    if scene.acquisition.sensor == "LC08":
        codes = {"blue": 2, "green": 3, "red": 4, "nir": 5, "swir1": 6, "swir2": 7}
    coarse = Grid(
        scene.grid.crs, scaled(scene.grid.transform, 2 if is_s2 else 1), scene.labels.shape
    )
    for band, number in codes.items():
        is_fine = len(scene.bands[band]) == scene.grid.shape[0]
        stored = numbers(scene.bands[band], scale, 0, "uint16", offset)
        name = pattern.format(number=number, pixel=10 if is_fine else 20)
        write(folder / f"{start}{name}.{ending}", stored, scene.grid if is_fine else coarse)
    if layer:
        table = SCL if is_s2 else QA_OLI
        values = np.zeros(scene.labels.shape, np.uint16)
        for label, value in table.items():
            values[scene.labels == label] = value
        path = folder / f"{start}{layer}.{ending}"
        write(path, values.astype(np.uint8) if is_s2 else values, coarse)
    return folder
