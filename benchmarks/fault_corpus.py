"""What faults are tried on besides the sample: a small product of each other family, and a server.

    python benchmarks/fault_corpus.py FOLDER                 # makes the products
    python benchmarks/fault_corpus.py FOLDER --serve cut     # gives a folder, with a fault

A program of its own, for libraries such as zarr begin threads, and trials are forked.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FAMILIES = ("hls", "planet", "maja", "chunks", "shards", "stac")
SERVED = ("stall", "cut", "lie", "more", "other", "whole", "403", "404", "429", "500")
"""Faults of a server, as ``tests/range_server.py`` has them."""
FAULTY = "B08"
"""Part of the names of files that a fault is of: what comes before is served well."""


def make(folder: Path) -> None:
    """Write one product of each family, all of one place."""
    sys.path.append(str(ROOT / "tests"))
    import makers  # noqa: PLC0415 - of the tests
    from products import sample_scene  # noqa: PLC0415

    from glacial_lakes.simulate.eopf_zarr import write_eopf_zarr  # noqa: PLC0415
    from glacial_lakes.simulate.stac import write_stac_item  # noqa: PLC0415
    from glacial_lakes.workflow.compiling import compile_ahead  # noqa: PLC0415

    compile_ahead()  # which takes longer than a command of a trial may

    landsat, sentinel = (
        sample_scene(ROOT / "sample_data", day) for day in ("2013-09-03", "2022-08-16")
    )
    makers.write_hls(landsat, folder / "hls")
    makers.write_planet(sentinel, folder / "planet", metadata="xml")
    makers.write_maja(sentinel, folder / "maja")
    write_eopf_zarr(sentinel, folder / "chunks", "v2")
    write_eopf_zarr(sentinel, folder / "shards", "sharded")
    item = write_stac_item(sentinel, folder / "stac")
    (folder / "stac" / "project.toml").write_text(
        project_text(f'{{ stac = "{item.parent.name}/{item.name}" }}')
    )


def project_text(*scenes: str, more: str = "") -> str:
    """Return a project file of some scenes."""
    return f"[inputs]\nscenes = [{', '.join(scenes)}]\n{more}\n[export]\nformats = []\n"


def made(folder: Path) -> Path:
    """Return the folder with the products, which a program of its own makes."""
    subprocess.run([sys.executable, __file__, folder], check=True, timeout=300)
    return folder


@contextmanager
def served(folder: Path, fault: str) -> Iterator[str]:
    """Give the address of a server of a folder that misbehaves while the block runs."""
    words = [sys.executable, __file__, str(folder), "--serve", fault]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def item_on(address: str, folder: Path) -> dict[str, Any]:
    """Return the item of the corpus with its images on a server."""
    [path] = (folder / "stac").glob("*/*.json")
    item: dict[str, Any] = json.loads(path.read_text())
    for asset in item["assets"].values():
        asset["href"] = f"{address}/stac/{path.parent.name}/{asset['href'].removeprefix('./')}"
    return item


def serve(folder: Path, fault: str) -> None:
    """Serve a folder until somebody ends the program."""
    sys.path.append(str(ROOT / "tests"))
    from range_server import range_server  # noqa: PLC0415 - of the tests

    with range_server(folder) as log:
        log.fault, log.faulty = fault, FAULTY
        print(log.url, flush=True)
        while True:
            time.sleep(60)


def main() -> None:
    """Make the products, or serve them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--serve", choices=("", *SERVED))
    options = parser.parse_args()
    if options.serve is None:
        make(options.folder)
    else:
        serve(options.folder, options.serve)


if __name__ == "__main__":
    main()
