"""What a run fetches of images on a server, against its plan and the blocks that its area touches.

    python benchmarks/remote_bytes.py [PLACES] [SEED] [IMAGE]

Areas of 5 × 5 km lie at random places of four images of 20 × 20 km in blocks of 512 pixels: three
dates of the sample data, repeated, and ground full of lakes of up to 5 km², more and larger than in
any mountains. One line an area: bytes of the plan, fetched over planned, and fetched over those of
the blocks that the area and the margin of ``docs/remote.md`` touch. With IMAGE, 0 to 3, on that one
alone.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import full_tile
import numpy as np

import glacial_lakes as gl
from glacial_lakes.grid import Grid
from glacial_lakes.simulate.quality import Label
from glacial_lakes.simulate.scene import SimulatedScene
from glacial_lakes.simulate.sensors import BANDS
from glacial_lakes.simulate.stac import write_stac_item

ROOT = Path(__file__).parents[1]
DATES, TIMES, PLACES, SEED = ("2018-08-12", "2022-08-16", "2023-09-05"), 11, 8, 1
LAKES_SEED, LAKES_SIZE, DENSER = 3, 2000, 3
ROOM_M = 15_000


def full_of_lakes(like: SimulatedScene) -> SimulatedScene:
    """Return ground with lakes of all sizes, of the same date as another scene."""
    rng, shape = np.random.default_rng(LAKES_SEED), (LAKES_SIZE, LAKES_SIZE)
    full_tile.LAKES_PER_PX *= DENSER
    tile = full_tile.make_ground(rng, LAKES_SIZE)
    meadow = (0.5 + 0.5 * full_tile.smooth(rng, shape, 80)).clip(0, 1).astype(np.float32)
    grain = full_tile.smooth(rng, shape, 4)
    bands = {}
    for number, name in enumerate(BANDS):
        fine = full_tile.band(rng, tile, meadow, grain, number)
        is_coarse = len(like.bands[name]) < like.grid.shape[0]
        bands[name] = full_tile.coarser(fine) if is_coarse else fine
    edge = LAKES_SIZE * len(like.labels) // like.grid.shape[0]
    return replace(
        like,
        grid=Grid(like.grid.crs, like.grid.transform, shape),
        bands=bands,
        labels=np.full((edge, edge), Label.BARE, np.uint8),
        saturated=np.zeros(shape, np.uint8),
    )


def main() -> None:
    sys.path.append(str(ROOT / "tests"))
    from products import larger, sample_scene  # noqa: PLC0415 - of the tests
    from range_server import range_server  # noqa: PLC0415
    from sample_project import in_this_process  # noqa: PLC0415
    from test_stac import MARGIN_M, area_of, needed_bytes, project_at  # noqa: PLC0415

    places, seed, *only = (*map(int, sys.argv[1:]), *(PLACES, SEED)[len(sys.argv) - 1 :])
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name, in_this_process():
        folder = Path(name)
        small = [sample_scene(ROOT / "sample_data", date) for date in DATES]
        scenes = [*(larger(scene, TIMES) for scene in small), full_of_lakes(small[-1])]
        for number, scene in enumerate(scenes):
            if only and number not in only:
                continue
            tile = write_stac_item(scene, folder / f"tile{number}", block=512)
            for run in range(places):
                east, south = rng.integers(0, ROOM_M, 2).tolist()
                area = area_of(tile, east, south)
                with range_server(tile.parents[1]) as log:
                    project = project_at(folder / f"{number}-{run}", tile, area, log)
                    plan = gl.explain(project)
                    opening = log.sent
                    log.forget()
                    result = gl.run(project)
                    assert not result.refused
                needed = needed_bytes(tile, area, MARGIN_M)
                print(
                    f"image {number} {east:6d} {south:6d} {result.n_lakes:3d} lakes "
                    f"{plan.bytes / 1e6:6.1f} MB told, fetched {log.sent / plan.bytes:.2f}, "
                    f"{(log.sent + opening) / needed:.2f} of the blocks",
                    flush=True,
                )


if __name__ == "__main__":
    main()
