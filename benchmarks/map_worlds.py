"""Map written worlds, with whichever version of the package is on the path.

    python benchmarks/map_worlds.py WORLDS OUTLINES
    PYTHONPATH=/another/checkout python benchmarks/map_worlds.py WORLDS OUTLINES

``WORLDS`` is a folder that ``accuracy.py --worlds … --keep WORLDS`` filled. Each image gives one
file ``OUTLINES/SEED-GROUP.gpkg``; ``accuracy.py --worlds … --outlines OUTLINES`` compares them.
Nothing but the reading of a scene and the mapping is asked of the package.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from glacial_lakes.mapping.pipeline import map_lakes
from glacial_lakes.scenes import open_scene


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("worlds", type=Path)
    parser.add_argument("outlines", type=Path)
    options = parser.parse_args()
    options.outlines.mkdir(parents=True, exist_ok=True)
    for listing in sorted(options.worlds.glob("*/images.json")):
        folder = listing.parent
        extras = {
            name: folder / file
            for name, file in (("dem", "dem.tif"), ("glaciers", "glaciers.gpkg"))
            if (folder / file).exists()
        }
        for group, product in json.loads(listing.read_text()).items():
            path = options.outlines / f"{folder.name}-{group}.gpkg"
            if path.exists():
                continue
            mapped = map_lakes(open_scene(folder / product), **extras)
            outlines = getattr(mapped, "outlines", mapped)
            kept = [
                name
                for name in (
                    "status",
                    "quality",
                    "area_m2",
                    "area_sigma_m2",
                    "lake_prob",
                    "geometry",
                )
                if name in outlines
            ]
            outlines[kept].to_file(path, layer="outlines")
            print(path.name, len(outlines), flush=True)


if __name__ == "__main__":
    main()
