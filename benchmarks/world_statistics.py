"""Worlds beside real images and real relief, in figures and in pictures.

    GLACIAL_LAKES_DATA=… python benchmarks/world_statistics.py       # rewrites docs/simulator.md
    python benchmarks/world_statistics.py --pictures FOLDER --seeds 20003 20055

The table compares percentiles of reflectance and NDWI of water and land, and of slopes. Worlds are
those of development seeds. A picture shows the image in true colour and, beside it, shortwave and
near infrared with the true shores drawn on.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from accuracy_tables import table
from documents import MEASURED, rewrite
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from scipy import ndimage

from glacial_lakes.simulate.frame import MARGIN_M, block_mean
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.worlds import DEVELOPMENT, World, WorldSite, look, make_world

DOCUMENT = Path(__file__).parents[1] / "docs" / "simulator.md"
SHARES = (10, 50, 90)
WORLDS = 8
Values = NDArray[np.floating]


class Sample:
    """Green and near infrared of pixels of one kind, from many images."""

    def __init__(self) -> None:
        self.green: list[Values] = []
        self.nir: list[Values] = []

    def add(self, green: Values, nir: Values, where: NDArray[np.bool_]) -> None:
        """Take the pixels of an image, at most 20,000, evenly."""
        chosen = where & np.isfinite(green) & np.isfinite(nir)
        step = max(1, int(chosen.sum()) // 20_000)
        self.green.append(green[chosen][::step])
        self.nir.append(nir[chosen][::step])

    def row(self, what: str, name: str) -> list[str]:
        """Return a row of the table."""
        green, nir = np.concatenate(self.green), np.concatenate(self.nir)
        total = np.maximum(green + nir, 1e-4)
        values = (green, nir, (green - nir) / total)
        return [what, name, *(_percentiles(one) for one in values)]


def _percentiles(values: Values, form: str = ".3f") -> str:
    return " ".join(f"{value:{form}}" for value in np.percentile(values, SHARES))


def of_worlds(sites: Iterable[WorldSite]) -> tuple[dict[tuple[str, str], Sample], list[Values]]:
    """Return samples by level and kind from the clear and the Landsat images, and slopes."""
    samples: dict[tuple[str, str], Sample] = {}
    slopes = []
    for site in sites:
        rim = round(MARGIN_M / 30.0)
        slopes.append(slope_deg(block_mean(site.terrain, 3)[rim:-rim, rim:-rim], 30.0))
        for view in site.world.views:
            if view.group == "hard" or view.condition != "clear":
                continue
            scene = look(site, view)
            green, nir = scene.bands["green"], scene.bands["nir"]
            inside = _inside(scene, scene.truth[scene.truth["frozen_fraction"] < 0.01])
            outside = ~_inside(scene, scene.truth)
            for kind, where in (
                ("water", ndimage.binary_erosion(inside, iterations=2)),
                ("land", ndimage.binary_erosion(outside, iterations=2)),
            ):
                samples.setdefault((view.air.level, kind), Sample()).add(green, nir, where)
    return samples, slopes


def _inside(scene: SimulatedScene, lakes: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    if lakes.empty:
        return np.zeros(scene.grid.shape, bool)
    return geometry_mask(lakes.geometry, scene.grid.shape, scene.grid.transform, invert=True)


def of_real(data: Path) -> Iterator[tuple[str, str, Sample]]:
    """Yield what real chips show: name, kind, sample."""
    for name in ("sentinel2", "landsat5"):
        file = np.load(data / "ukis_csmask" / f"{name}.npz")
        image, mask = file["img"], file["msk"][..., 0]
        sample = Sample()  # of water its labels are too loose
        sample.add(image[..., 1], image[..., 3], mask == 3)
        yield f"ukis {name}, TOA", "land", sample
    with rasterio.open(data / "real_chips/loon_bilinear/loon_bilinear.tif") as file:
        image = file.read() * 2e-5 - 0.1
        lakes = gpd.read_file(data / "real_chips/loon_source/lakes_truth.gpkg").to_crs(file.crs)
        valid = gpd.read_file(data / "real_chips/loon_source/valid_area.gpkg").to_crs(file.crs)
        shape = image.shape[1:]
        inside = geometry_mask(lakes.geometry, shape, file.transform, invert=True)
        known = geometry_mask(valid.geometry, shape, file.transform, invert=True)
    for kind, where in (("water", ndimage.binary_erosion(inside)), ("land", known & ~inside)):
        sample = Sample()
        sample.add(image[1], image[3], where)
        yield "Loon, Landsat 8, TOA", kind, sample
    with rasterio.open(data / "real_chips/everest_2000_toa/everest_2000_toa.tif") as file:
        image = file.read()
    sample = Sample()
    sample.add(image[1], image[3], image[1] > 0)
    yield "Everest, Landsat 7, TOA", "land", sample
    with rasterio.open(data / "real_chips/tahoe/tahoe.tif") as file:
        image = file.read() * 1e-4
    for kind, where in (("water", image[1] <= 0.005), ("land", image[1] > 0.05)):
        sample = Sample()
        sample.add(image[0], image[1], where)
        yield "Tahoe, Sentinel-2, SR", kind, sample


def slope_deg(height: Values, cell_m: float) -> Values:
    """Return slopes in degrees."""
    return np.degrees(np.arctan(np.hypot(*np.gradient(height.astype(float), cell_m))))


def steepness_of_spectrum(height: Values, cell_m: float) -> float:
    """Return how fast the power of relief falls with wave number, between 150 m and 1.5 km."""
    size = min(height.shape)
    part = height[:size, :size].astype(float)
    window = np.hanning(size)[:, None] * np.hanning(size)[None, :]
    power = np.abs(np.fft.fft2((part - part.mean()) * window)) ** 2
    axis = np.fft.fftfreq(size, cell_m)
    wave = np.hypot(axis[:, None], axis[None, :])
    edges = np.geomspace(1 / 1500.0, 1 / 150.0, 9)
    which = np.digitize(wave.ravel(), edges)
    mean = [power.ravel()[which == number].mean() for number in range(1, edges.size)]
    middle = np.sqrt(edges[1:] * edges[:-1])
    return float(-np.polyfit(np.log(middle), np.log(mean), 1)[0])


def report(data: Path) -> str:
    """Return the tables as Markdown."""
    sites = [make_world(World.of(seed)) for seed in DEVELOPMENT[:WORLDS]]
    samples, slopes = of_worlds(sites)
    rows = [
        sample.row(kind, f"{WORLDS} worlds, {level}")
        for (level, kind), sample in sorted(samples.items())
    ]
    rows += [sample.row(kind, name) for name, kind, sample in of_real(data)]
    rows.sort(key=lambda row: row[0], reverse=True)
    with rasterio.open(data / "relief" / "bigtujunga.tif") as file:
        real = file.read(1, masked=True).filled(0)
        real = real[20:620, 200:800]
    spectra = [steepness_of_spectrum(block_mean(site.terrain, 3), 30.0) for site in sites]
    relief = [
        [
            f"{WORLDS} worlds, 30 m",
            _percentiles(np.concatenate([one.ravel() for one in slopes]), ".0f"),
            f"{np.median(spectra):.1f} ({min(spectra):.1f}–{max(spectra):.1f})",
        ],
        [
            "San Gabriel Mountains, SRTM 30 m",
            _percentiles(slope_deg(real, 30.0), ".0f"),
            f"{steepness_of_spectrum(real, 30.0):.1f}",
        ],
    ]
    head = ["", "images", "green", "near infrared", "NDWI"]
    return (
        "Percentiles 10, 50 and 90 of pixels.\n\n"
        + table(head, rows)
        + "\n\n"
        + table(["relief", "slope °", "power falls with wave number to the power of"], relief)
    )


def picture(site: WorldSite, path: Path) -> None:
    """Draw the images of a world, the true shores on the right."""
    figure, axes = plt.subplots(len(site.world.views), 2, figsize=(16, 24), squeeze=False)
    for (left, right), view in zip(axes, site.world.views, strict=True):
        scene = look(site, view)
        shape = scene.grid.shape
        bands = {
            name: np.kron(band, np.ones((shape[0] // band.shape[0],) * 2, np.float32))
            for name, band in scene.bands.items()
        }
        box = scene.grid.bounds
        extent = (box[0], box[2], box[1], box[3])
        for axis, names in ((left, ("red", "green", "blue")), (right, ("swir1", "nir", "green"))):
            stack = np.stack([bands[name] for name in names], axis=-1)
            bright = max(float(np.nanpercentile(stack, 96)), 0.1)
            shown = np.clip(np.nan_to_num(stack) / bright, 0, 1) ** 0.6
            axis.imshow(shown, extent=extent)
            axis.set_axis_off()
        for outline in scene.truth.geometry:
            for ring in (outline.exterior, *outline.interiors):
                right.plot(*np.array(ring.coords).T, color="red", linewidth=0.6)
        right.set_xlim(extent[:2])
        right.set_ylim(extent[2:])
        taken = view.acquisition
        left.set_title(f"{taken.sensor} {taken.time:%Y-%m-%d} {view.condition} {view.air.level}")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pictures", type=Path, help="folder for pictures, instead of the table")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(DEVELOPMENT[:4]))
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
        for seed in options.seeds:
            picture(make_world(World.of(seed)), options.pictures / f"{seed}.png")
        return
    text = report(Path(os.environ["GLACIAL_LAKES_DATA"]))
    print(text)
    rewrite(DOCUMENT, text, MEASURED)


if __name__ == "__main__":
    main()
