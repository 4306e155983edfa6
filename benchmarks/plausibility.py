"""How many good scenes are called odd or implausible, and how many bad ones are caught.

    GLACIAL_LAKES_DATA=… python benchmarks/plausibility.py            # good products
    GLACIAL_LAKES_DATA=… python benchmarks/plausibility.py --faults   # and the same with faults

Good are all products with pixels of the folder of real data and of the sample data, and scenes of
the simulator: sites, seasons and skies by seed; a quarter of them is of one place. It takes two
minutes. Faults are wrong scales and offsets of each of them, two bands swapped, and one layer of
another scene of the same grid, known only by their pixels: what metadata contradicts is caught
without any.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.mapping.reach import extent_of
from glacial_lakes.scenes import find_products, open_scene
from glacial_lakes.scenes.agreement import Ground, disagreeing
from glacial_lakes.scenes.plausibility import assess
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.simulate import Acquisition, make_site, simulate_scene, write_product

FOLDERS = ("flathead_landsat", "real_chips", "landsat_c2", "independent_truth", "sentinel2_safe")
FAULTS = {
    "x 10": (10.0, 0.0),
    "/ 10": (0.1, 0.0),
    "x -1": (-1.0, 0.0),
    "stored numbers": (1e4, 0.0),
    "offset -0.1 twice": (1.0, -0.1),
    "offset -0.2 twice": (1.0, -0.2),
    "offset -0.1 left out": (1.0, 0.1),
    "offset -0.2 left out": (1.0, 0.2),
}


SWAPS = (
    ("green", "nir"),
    ("red", "nir"),
    ("blue", "nir"),
    ("green", "swir1"),
    ("nir", "swir1"),
    ("swir1", "swir2"),
    ("green", "red"),
    ("blue", "green"),
)
LAYERS = ("blue", "green", "red", "nir", "swir1", "quality")


def with_swapped(scene: Scene, one: str, other: str) -> Scene | None:
    """Return a scene with two bands exchanged; None where it lacks one."""
    if not {one, other} <= scene.bands.keys():
        return None
    exchanged = {one: scene.bands[other], other: scene.bands[one]}
    return replace(scene, bands={**scene.bands, **exchanged})


def with_layer_of(scene: Scene, other: Scene, layer: str) -> Scene | None:
    """Return a scene with a layer of another one of its grid; None where it cannot be."""
    if other is scene or other.grid != scene.grid:
        return None
    if layer == "quality":
        if scene.quality is None or other.quality is None:
            return None
        return replace(scene, quality=other.quality, decoder=other.decoder)
    if layer not in scene.bands or layer not in other.bands:
        return None
    return replace(scene, bands={**scene.bands, layer: other.bands[layer]})


def verdicts_of(scenes: Iterable[Scene | None]) -> dict[str, int]:
    """Count verdicts."""
    return dict(Counter(assess(scene).verdict for scene in scenes if scene is not None))


def good_products() -> Iterator[Scene]:
    """Yield the products with pixels of the data at hand."""
    roots = [Path(os.environ["GLACIAL_LAKES_DATA"]) / name for name in FOLDERS]
    for root in [*roots, Path(__file__).parents[1] / "sample_data" / "scenes"]:
        for path in find_products(root):
            try:
                yield open_scene(path)
            except GlacialLakesError:
                continue  # metadata without images


def simulated(count: int, folder: Path) -> Iterator[Scene]:
    """Yield scenes of the simulator: every third snowy, half of them cloudy, four sensors."""
    shots = [
        ("LT05", 2004, 7, 2),
        ("LE07", 2006, 9, 20),
        ("LC08", 2016, 10, 29),
        ("S2A", 2021, 6, 5),
    ]
    for seed in range(count):
        sensor, year, month, day = shots[seed % len(shots)]
        acquisition = Acquisition(
            datetime(year, month, day, 5, 40, tzinfo=UTC),
            sensor,
            cloud_fraction=0.0 if seed % 2 else 0.1 * (seed % 9),
            fresh_snow_line_m=3000.0 if seed % 3 == 0 else None,
            haze=0.003 * (1 + seed % 4),
            seed=seed,
        )
        scene = simulate_scene(make_site(seed=seed // 4), acquisition)
        yield open_scene(write_product(scene, folder / str(seed)))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", action="store_true", help="also the same scenes with faults")
    parser.add_argument("--simulated", type=int, default=12, help="scenes of the simulator")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scenes, verdicts = [], {}
        for scene in (*good_products(), *simulated(options.simulated, Path(folder))):
            scenes.append(scene)
            found = verdicts[scene.path] = assess(scene)
            if found.reason:
                print(f"  {found.verdict}: {Path(scene.path).name}: {found.reason}", flush=True)
        print("good scenes:", len(scenes), dict(Counter(v.verdict for v in verdicts.values())))
        apart = disagreeing(
            {
                scene.path: Ground(
                    extent_of(scene.grid),
                    verdicts[scene.path].ground,
                    {band: levels[2] for band, levels in verdicts[scene.path].reflectance.items()},
                )
                for scene in scenes
            }
        )
        print("odd beside others of their place:", len(apart))
        for path, reason in apart.items():
            print(f"  {Path(path).name}: {reason}")
        judged = [scene for scene in scenes if verdicts[scene.path].verdict != "unjudged"]
        for name, (factor, shift) in FAULTS.items() if options.faults else ():
            counts: Counter[str] = Counter()
            for scene in judged:
                bands = {
                    band: replace(b, scale=b.scale * factor, offset=b.offset * factor + shift)
                    for band, b in scene.bands.items()
                }
                counts[assess(replace(scene, bands=bands)).verdict] += 1
            print(f"{name:22}", dict(counts))
        for one, other in SWAPS if options.faults else ():
            counted = verdicts_of(with_swapped(scene, one, other) for scene in judged)
            print(f"{f'{one} as {other}':22}", counted)
        for layer in LAYERS if options.faults else ():
            counted = verdicts_of(
                with_layer_of(one, other, layer) for one in judged for other in judged
            )
            print(f"{f'{layer} of another date':22}", counted)


if __name__ == "__main__":
    main()
