"""Whether any bytes at all make a parser of text fail otherwise than by one line.

    python benchmarks/fuzz.py                       # all targets, 20 s each
    python benchmarks/fuzz.py mtl --seconds 600 --seed 3

Bytes are mutated from good files: flipped, cut, doubled, exchanged with words that have meaning
somewhere. With the package ``atheris`` installed its coverage leads the mutation
(``--guided``); without it they are random by seed. A failure prints its kind and keeps its input in
``fuzz-TARGET-N.bin``; the exit code is the number of kinds.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from glacial_lakes.errors import GlacialLakesError
from glacial_lakes.ingest.dates import day_in_name, day_of, image_of
from glacial_lakes.ingest.fields import field_map, recognise
from glacial_lakes.scenes import find_products, open_scene
from glacial_lakes.scenes.metadata import read_xml, to_name, to_number, to_time
from glacial_lakes.scenes.mtl import read_mtl
from glacial_lakes.scenes.source import Source
from glacial_lakes.settings import project_template, read_project
from glacial_lakes.workflow import manifest

SAMPLES = Path(__file__).parents[1] / "sample_data" / "scenes"
SLOWEST_S = 10.0
"""A parser that takes longer for an input of a few kilobytes hangs."""

WORDS = (
    b"GROUP", b"END_GROUP", b"=", b'"', b"\\", b"\n", b"\x00", b"\xff\xfe", b"nan", b"inf", b"-1",
    b"1e999", b"9" * 5000, b"[" * 2000, b"{" * 2000, b"0001-01-01", b"9999-12-31T23:59:60Z",
    b"2013-02-30", b"24:00:00", b"+99:99", b"../", b"/etc/passwd", b"<!DOCTYPE x>", b"&x;",
    b"<a>", b"]]>", b"\xd0\xbb",
    "２０１５".encode(), b"\xed\xa0\x80", b"output", b"scenes", b"inputs",
    b"%s",
)  # fmt: skip
"""What means something to one of the parsers, or to what is below it."""


def _file(folder: Path, name: str, content: bytes) -> Source:
    (folder / name).write_bytes(content)
    return Source(folder, "folder", (name,))


def _mtl(folder: Path, content: bytes) -> None:
    for ending in ("txt", "json", "xml"):
        _refused(
            lambda end=ending: read_mtl(_file(folder, f"L_MTL.{end}", content), f"L_MTL.{end}")
        )


def _xml(folder: Path, content: bytes) -> None:
    read_xml(_file(folder, "MTD_MSIL2A.xml", content), "MTD_MSIL2A.xml")


def _product(pattern: str, metadata: str) -> Callable[[Path, bytes], None]:
    """Return what opens a whole product whose metadata are the bytes."""

    def run(folder: Path, content: bytes) -> None:
        [sample] = SAMPLES.glob(pattern)
        product = folder / sample.name
        if not product.exists():
            shutil.copytree(sample, product)
        [path] = product.rglob(metadata)
        path.write_bytes(content)
        find_products(product)
        open_scene(product)

    return run


def _sidecar(folder: Path, content: bytes) -> None:
    image = folder / "scene.tif"
    if not image.exists():
        profile = {"count": 2, "width": 64, "height": 64, "dtype": "uint16", "crs": "EPSG:32643"}
        place = Affine(30, 0, 455025, 0, -30, 4722015)
        with rasterio.open(image, "w", driver="GTiff", transform=place, **profile) as stack:
            stack.write(np.full((2, 64, 64), 2000, np.uint16))
        shutil.copy(image, folder / "q.tif")
    (folder / "scene.toml").write_bytes(content)
    find_products(folder)
    open_scene(image)


def _project(folder: Path, content: bytes) -> None:
    (folder / "project.toml").write_bytes(content)
    read_project(folder / "project.toml", environment={})


def _record(folder: Path, content: bytes) -> None:
    (folder / "done.json").write_bytes(content)
    manifest.read_record(folder / "done.json")
    manifest.outputs_of(manifest.read(folder / "done.json"))


def _dates(_: Path, content: bytes) -> None:
    text = content.decode("utf-8", errors="replace")
    for line in (text, *text.split()):
        image_of(line)
        for parse in (day_of, day_in_name):
            try:
                parse(line)
            except ValueError:  # how they say no; the caller names the file
                continue
        _refused(lambda line=line: to_time(line, "x", "x"))


def _fields(_: Path, content: bytes) -> None:
    text = content.decode("utf-8", errors="replace")
    for parse in (field_map, lambda t: to_number(t, "x", "x"), lambda t: to_name(t, "x", "x")):
        _refused(lambda parse=parse: parse(text))
    names = text.split("\n")[:20]
    _refused(lambda: recognise("x.shp", names))


def _refused(call: Callable[[], object]) -> None:
    try:
        call()
    except GlacialLakesError as error:
        check_line(error)


def check_line(error: GlacialLakesError) -> None:
    """Require that an error is one line with a code of its own."""
    assert error.code != "GL0000", error
    assert len(str(error).splitlines()) == 1, str(error)


TARGETS: Mapping[str, Callable[[Path, bytes], None]] = {
    "mtl": _mtl,
    "landsat": _product("LC08_*2013*", "*_MTL.txt"),
    "xml": _xml,
    "sentinel2": _product("S2A_*2023*", "MTD_MSIL2A.xml"),
    "tile": _product("S2A_*2023*", "MTD_TL.xml"),
    "sidecar": _sidecar,
    "project": _project,
    "record": _record,
    "dates": _dates,
    "fields": _fields,
}
"""Parsers of text. Each takes a folder to write into and the bytes."""


def run_target(target: str, folder: Path, content: bytes) -> None:
    """Feed bytes to a parser: it returns, or gives one of our errors, or this raises."""
    started = time.monotonic()
    _refused(lambda: TARGETS[target](folder, content))
    assert time.monotonic() - started < SLOWEST_S, "hangs"


def _metadata(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(SAMPLES.rglob(pattern))]


GOOD: Mapping[str, Callable[[], list[bytes]]] = {
    "mtl": lambda: _metadata("*_MTL.txt"),
    "landsat": lambda: _metadata("*_MTL.txt"),
    "xml": lambda: _metadata("MTD_MSIL2A.xml"),
    "sentinel2": lambda: _metadata("MTD_MSIL2A.xml"),
    "tile": lambda: _metadata("MTD_TL.xml"),
    "sidecar": lambda: [
        b'acquired = 2019-07-23T10:20:31Z\nsensor = "S2A"\nscale = 0.0001\noffset = 0.0\n'
        b'nodata = "none"\nquality = "q.tif"\ndecoder = "scl"\n[bands]\ngreen = 1\nnir = 2\n'
    ],
    "project": lambda: [
        project_template("ru").encode(),
        b'[project]\nname = "x"\noutput = "output"\nlanguage = "ru"\n[area]\n'
        b"min_area_m2 = 2000\n[inputs]\nscenes = ['scenes/*', \"a\"]\nmonths = [7, 8]\n"
        b"[mapping]\nseed_threshold = 0.1\n[export]\nformats = ['kmz', 'csv']\n",
    ],
    "record": lambda: [
        b'{"scene_id": "a", "state": "mapped", "reason": "", "n_outlines": 1, "key": "k",'
        b' "stamp": "s", "checksum": "c", "outputs": {"outlines.gpkg": "00"}, "verified":'
        b' "verified", "plausibility": "odd", "reflectance": {"nir": [0, 1, 2, 3, 4]},'
        b' "ground": {"nir": 0.2}, "reason_message": {"template": "x {a}", "values": {"a": 1}}}'
    ],
    "dates": lambda: [
        b"2015-08-01 20150801 01.08.2015 2015-08 2015 LT05_L1TP_151030_20030817_x",
        b"S2A_MSIL2A_20230905T055651_N0509_R091_T43TDH LT51510302003229 2021-08-24T06:08Z",
    ],
    "fields": lambda: [b"acquired=IMG_DAY", b"GL_Date\nGL_Area\nname\n12.5", b"-3.5e-2"],
}
"""Good inputs, from which bad ones are made."""


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return bytes with one to eight small changes."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        span = chance.choice((1, 1, 2, 8, 64, 512))
        match chance.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + span]
            case 2:
                data[at:at] = data[at : at + span]
            case 3:
                data[at : at + span] = chance.choice(WORDS)
            case 4:
                data[at:at] = chance.choice(WORDS)
            case _:
                del data[at:]
    return bytes(data)


def random_run(target: str, seconds: float, seed: int) -> tuple[int, dict[str, bytes]]:
    """Return how many inputs were tried, and one input of each kind of failure."""
    chance = random.Random(f"{target} {seed}")  # noqa: S311 (no secret)
    samples = GOOD[target]()
    failures: dict[str, bytes] = {}
    count, end = 0, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            content = mutated(chance.choice(samples), chance)
            count += 1
            try:
                run_target(target, Path(folder), content)
            except Exception as error:  # noqa: BLE001 (that is what is looked for)
                place = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
                if kind not in failures:
                    failures[kind] = content
                    print(f"{target}: {kind}: {str(error)[:200]}")
    return count, failures


def guided(target: str, seconds: float) -> None:
    """Let atheris mutate; it ends the process at the first failure."""
    import atheris  # noqa: PLC0415 (an option)

    folder = tempfile.mkdtemp()
    atheris.instrument_all()
    arguments = [sys.argv[0], f"-max_total_time={int(seconds)}"]
    atheris.Setup(arguments, lambda content: run_target(target, Path(folder), content))
    atheris.Fuzz()


def main() -> None:
    """Fuzz one target or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guided", action="store_true", help="by atheris, which must be there")
    options = parser.parse_args()
    kinds = 0
    for target in TARGETS if options.target == "all" else [options.target]:
        if options.guided:
            guided(target, options.seconds)
            continue
        count, failures = random_run(target, options.seconds, options.seed)
        print(f"{target}: {count} inputs, {len(failures)} kinds of failure, seed {options.seed}")
        for number, content in enumerate(failures.values(), 1):
            Path(f"fuzz-{target}-{number}.bin").write_bytes(content)
        kinds += len(failures)
    sys.exit(min(kinds, 100))


if __name__ == "__main__":
    main()
