"""Trials of :mod:`faults`, each a finding: what was done, and what was wrong if anything was."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import secrets
import shutil
import socket
import sqlite3
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_corpus import FAMILIES, FAULTY, SERVED, item_on, made, served
from fault_corpus import project_text as bare_project
from forked import Outcome, Running, command, count_renames, die_at_rename

from glacial_lakes.io import atomic
from glacial_lakes.io.marks import MARK_NAME

SAMPLE = Path(__file__).parents[1] / "sample_data"
SCENES = (
    "LT05_L2SP_151030_20030817_20200904_02_T1",
    "LE07_L2SP_151030_20060817_20200904_02_T1",
    "LT05_L2SP_151030_20090724_20200904_02_T1",
)
SENTINEL2 = "S2A_MSIL2A_20230905T055651_N0509_R091_T43TDH_20230905T110320.SAFE"
FORMATS = '[export]\nformats = ["shp", "csv"]\n'
INPUTS = 'dem = "dem.tif"\nglaciers = "glaciers.gpkg"\n'
Tree = dict[str, str]
Words = Callable[[Path], tuple[object, ...]]
"""From a folder to a command on what was put into it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a trial."""

    kind: str
    trial: str
    """What was done, enough to do it again."""
    fault: str
    """Empty when the promise held."""
    untold: bool = False
    """It did not hold, and nothing in the format could have told."""


def project_text(scenes: tuple[str, ...]) -> str:
    """Return a project file of some scenes."""
    return (
        f"[inputs]\nscenes = {json.dumps([f'scenes/{name}' for name in scenes])}\n{INPUTS}{FORMATS}"
    )


OLD, NEW = project_text(SCENES[:2]), project_text(SCENES)


def tree(output: Path) -> Tree:
    """Return the SHA-256 of every result; records of scenes hold times of change."""
    paths = [path for path in sorted(output.rglob("*")) if path.is_file()]
    return {
        path.relative_to(output).as_posix(): atomic.sha256(path)
        for path in paths
        if path.name not in {"done.json", MARK_NAME}
        and not path.relative_to(output).parts[0].startswith(".glacial_lakes-")
        and path.suffix != ".lock"
    }


def results(found: Tree) -> Tree:
    """Return what a run puts into place together: all but what each scene gave."""
    return {name: sum_ for name, sum_ in found.items() if not name.startswith("scenes/")}


def _left(folder: Path) -> str:
    """Return what a finished command left and may not."""
    names = [
        path.name
        for path in folder.rglob("*")
        if path.name.endswith((".part", ".new", "-journal", "-wal"))
        or path.name.startswith((".work-", "work-"))
    ]
    return f"left {names}" if names else ""


def areas(path: Path, layer: str = "lakes") -> list[float]:
    """Return the areas of a GeoPackage, sorted, without GDAL."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        rows = file.execute(f'SELECT area_m2 FROM "{layer}"')  # noqa: S608 (our own name)
        return sorted(round(row[0] or 0.0, 1) for row in rows)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all trials start from."""

    folder: Path
    base: Path
    """A project with results of two scenes, and the third one mapped."""
    old: Tree
    """What lies there."""
    new: Tree
    """What a run over all three gives there."""
    fresh: Tree
    """What it gives where there was nothing."""
    corpus: Path
    """A product of each other family."""

    @classmethod
    def make(cls, folder: Path) -> Bench:
        """Make the project by runs that nobody disturbs."""
        base, corpus = folder / "base", made(folder / "corpus")
        for name in SCENES:
            shutil.copytree(SAMPLE / "scenes" / name, base / "scenes" / name)
        for name in ("dem.tif", "glaciers.gpkg"):
            shutil.copy(SAMPLE / name, base / name)
        fresh, old = (_run_whole(base, text) for text in (NEW, OLD))
        shutil.copytree(base, folder / "ahead")
        new = _run_whole(folder / "ahead", NEW)
        shutil.rmtree(folder / "ahead")
        assert old != new
        return cls(folder, base, old, new, fresh, corpus)

    def log(self) -> Path:
        """Return a place for the words of a command."""
        return self.folder / "words"

    @contextmanager
    def copy(self, text: str = NEW, where: Path | None = None) -> Iterator[Path]:
        """Give a copy of the project."""
        place = (where or self.folder) / "trial"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.base, place, symlinks=True)
        (place / "project.toml").write_text(text)
        yield place
        shutil.rmtree(place, ignore_errors=True)


def _run_whole(place: Path, text: str) -> Tree:
    (place / "project.toml").write_text(text)
    done = command("run", place / "project.toml", log=place.with_name("words"))
    assert done.code == 0, done.text
    return results(tree(place / "output"))


# ---- Kills ----


def _readers(place: Path, number: int) -> tuple[object, ...]:
    """Return one of the commands that read results."""
    inventory = place / "output" / "inventory.gpkg"
    return (
        ("export", inventory, "-o", place / "read", "--format", "csv"),
        ("review", inventory),
        ("report", inventory, "-o", place / "read.html"),
        ("validate", inventory, inventory, "--date", "2003-08-17"),
        ("check", inventory),
    )[number % 5]


def _after(bench: Bench, place: Path, number: int, expected: list[Tree]) -> str:
    """Return what is wrong after a command was ended: seen by a reader, and after the next run."""
    output = place / "output"
    reader = _readers(place, number)
    seen = command(*reader, log=bench.log())
    if seen.fault and reader[0] != "check":  # whose code 1 stands for findings
        return f"{reader[0]} {seen.fault}: {seen.errors[-200:]}"
    if reader[0] in ("export", "review", "report") and seen.code != 0:
        return f"{reader[0]} gives {seen.code}: {seen.errors[-200:]}"
    if results(tree(output)) not in expected:
        return f"{reader[0]} leaves old and new results mixed"
    again = command("run", place / "project.toml", log=bench.log())
    if again.code != 0:
        return f"the next run gives {again.code}: {again.errors[-200:]}"
    if results(tree(output)) != bench.new:
        return "the next run gives other bytes"
    return _left(output)


def renamed(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Kill a run before and after each change of a name."""
    names = _renames(bench)
    points = [(number, after) for number in range(1, names + 1) for after in (False, True)]
    chance.shuffle(points)
    for trial, (number, after) in enumerate(points):
        with bench.copy() as place:
            arm = die_at_rename(number, after=after)
            run = command("run", place / "project.toml", log=bench.log(), before=arm)
            if run.code is None:
                fault = _after(bench, place, trial, [bench.old, bench.new])
                when = "after" if after else "before"
                yield Finding(f"at one of {names} names", f"{when} name {number}", fault)


def _renames(bench: Bench) -> int:
    """Return how many names a run changes."""
    tally = bench.folder / "names"
    with bench.copy() as place:
        arm = count_renames(tally)
        assert command("run", place / "project.toml", log=bench.log(), before=arm).code == 0
    return tally.stat().st_size


def killed(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Kill runs that map, track and write at random instants."""
    longest = 12.0
    for trial in itertools.count():
        fresh = trial % 2 == 0
        with bench.copy() as place:
            if fresh:
                shutil.rmtree(place / "output")
            started = time.monotonic()
            running = Running(("run", place / "project.toml"), bench.log())
            instant = chance.uniform(0.05, longest if fresh else longest / 4)
            while not running.is_over() and time.monotonic() - started < instant:
                time.sleep(0.01)
            if not running.kill():
                longest = max(2.0, time.monotonic() - started)
                continue  # it was over: no kill
            if fresh:
                shutil.rmtree(place / "read", ignore_errors=True)
                again = command("run", place / "project.toml", log=bench.log())
                fault = again.fault or f"the next run gives {again.code}" * (again.code != 0)
                is_same = results(tree(place / "output")) == bench.fresh
                fault = fault or "the next run gives other bytes" * (not is_same)
                fault = fault or _left(place / "output")
                yield Finding("while it maps for the first time", f"{instant:.2f} s", fault)
            else:
                fault = _after(bench, place, trial // 2, [bench.old, bench.new])
                yield Finding("while it replaces results", f"{instant:.2f} s", fault)


# ---- Full disk ----


def full_disk(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Let the disk be full at steps of a run's writing."""
    steps = [(step + chance.random()) / 40 for step in range(40)]
    chance.shuffle(steps)
    by_mount = os.geteuid() == 0 and _can_mount(bench.folder)
    for step in steps:
        yield (_small_disk if by_mount else _small_files)(bench, step)


def _can_mount(folder: Path) -> bool:
    place = folder / "disk"
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if done.returncode == 0:
        subprocess.run(["umount", place], check=True)
    return done.returncode == 0


def _kib(folder: Path) -> int:
    return sum(-(-path.lstat().st_size // 4096) * 4 + 4 for path in folder.rglob("*"))


def _small_disk(bench: Bench, step: float) -> Finding:
    disk = bench.folder / "disk"
    room = _kib(bench.base / "output")
    size = _kib(bench.base) + round(2 * room * step)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
    try:
        with bench.copy(where=disk) as place:
            fault = _when_full(bench, place, None)
            if not fault:
                grow = ["mount", "-o", f"remount,size={size + 20 * room}k", disk]
                subprocess.run(grow, check=True)
                fault = _with_room(bench, place)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
    return Finding("a file system of some size", f"{size} KiB", fault)


def _small_files(bench: Bench, step: float) -> Finding:
    largest = max(path.stat().st_size for path in (bench.base / "output").rglob("*.gpkg"))
    limit = round(largest * 1.1 * step)

    def arm() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with bench.copy() as place:
        fault = _when_full(bench, place, arm) or _with_room(bench, place)
    return Finding("files of some size at most", f"{limit} bytes", fault)


def _when_full(bench: Bench, place: Path, arm: Callable[[], None] | None) -> str:
    run = command("run", place / "project.toml", log=bench.log(), before=arm)
    found = results(tree(place / "output"))
    if run.fault:
        return f"{run.fault}: {run.errors[-200:]}"
    if run.code == 0 and found != bench.new:
        return "success that is none"
    if run.code != 0 and found not in (bench.old, bench.new):
        return "older results are not whole"
    return ""


def _with_room(bench: Bench, place: Path) -> str:
    run = command("run", place / "project.toml", log=bench.log())
    if run.code != 0:
        return f"with room again, the run gives {run.code}: {run.errors[-200:]}"
    return "" if results(tree(place / "output")) == bench.new else "with room again, other bytes"


# ---- Several at a time ----


def together(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Start two or five commands on one output."""
    for trial in itertools.count():
        count = 2 if trial % 2 == 0 else 5
        which = ("run", "export", "review")[trial // 2 % 3]
        with bench.copy() as place:
            inventory = place / "output" / "inventory.gpkg"
            calls: dict[str, tuple[object, ...]] = {
                "run": ("run", place / "project.toml"),
                "export": ("export", inventory, "-o", place / "out", "--format", "shp"),
                "review": ("review", inventory, "--by", "X"),
            }
            if which == "review":
                _comment(inventory, f"trial {trial}")
            begun = []
            for number in range(count):
                begun.append(Running(calls[which], bench.folder / f"words{number}"))
                time.sleep(chance.choice((0.0, 0.0, 0.2, 0.8)))
            done = [one.outcome() for one in begun]
            yield Finding(
                f"{count} of {which}", f"trial {trial}", _joint(bench, place, which, done)
            )


def _comment(inventory: Path, text: str) -> None:
    with closing(sqlite3.connect(inventory)) as file:
        file.execute("PRAGMA trusted_schema = ON")
        for (name,) in file.execute(
            "SELECT name FROM sqlite_master WHERE type='trigger'"
        ).fetchall():
            file.execute(f'DROP TRIGGER "{name}"')
        file.execute("UPDATE lakes SET comment = ? WHERE fid = 1", (text,))
        file.commit()


def _joint(bench: Bench, place: Path, which: str, done: list[Outcome]) -> str:
    """Return what is wrong after several commands."""
    for one in done:
        if one.fault or one.code not in (0, 4):
            return f"{one.fault or one.code}: {one.errors[-200:]}"
    if not any(one.code == 0 for one in done):
        return "nobody was let in"
    inventory = place / "output" / "inventory.gpkg"
    if which == "run" and results(tree(place / "output")) != bench.new:
        return "what is left is of no run"
    if which == "export":
        words = ("export", inventory, "-o", place / "alone", "--format", "shp")
        alone = command(*words, log=bench.log())
        if alone.code != 0 or tree(place / "alone") != tree(place / "out"):
            return "what is left is not what one export alone writes"
    if which == "review" and _comments(inventory) != 1:
        return "the comment is lost"
    return _left(place)


def _comments(inventory: Path) -> int:
    with closing(sqlite3.connect(inventory)) as file:
        found = file.execute("SELECT count(*) FROM lakes WHERE comment LIKE 'trial%'")
        return int(found.fetchone()[0])


# ---- Damage ----

Change = Callable[[bytes, random.Random], bytes]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _flip(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 8))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _zero(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    span = len(content[start : start + chance.choice((16, 512, 4096))])
    return content[:start] + bytes(span) + content[start + span :]


CHANGES: dict[str, Change] = {"cut short": _cut, "flipped bits": _flip, "zeros": _zero}
"""Besides being another file, which needs another file."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A file to be damaged, and the command that reads it."""

    kind: str
    files: tuple[str, ...]
    """Patterns below the folder of a trial; one file of them is damaged."""
    arguments: tuple[str, ...]
    """``{}`` stands for the folder."""
    is_checked: bool
    """Whether something tells a wrong bit in it: a checksum, or the format."""
    result: str = "out/o.gpkg"
    """Where the outlines are then."""


_WITH = ("-o", "{}/out/o.gpkg", "--dem", "{}/dem.tif", "--glaciers", "{}/glaciers.gpkg")
_MAP, _BARE, _SAFE = (("map", f"{{}}/{name}", *_WITH) for name in ("scene", "bare", "safe"))
_TRACK = ("track", "{}/s/lakes_2003-08-17.shp", "-o", "{}/out/o.gpkg")

_TIFF, _QA = "*_SR_B[2-5].TIF", "*_PIXEL.TIF"
_OUTLINES = ("track", "{}/inventory.gpkg", "-o", "{}/out/o.gpkg", "--layer", "outlines")

_BY = {name: ("map", f"{{}}/{name}", "-o", "{}/out/o.gpkg") for name in FAMILIES}
_RUN, _RAN = ("run", "{}/stac/project.toml"), "stac/output/inventory.gpkg"

VICTIMS = (
    Victim("TIFF of a product with checksums", (f"scene/{_TIFF}", f"scene/{_QA}"), _MAP, True),
    Victim("MTL of a product with checksums", ("scene/*_MTL.txt",), _MAP, True),
    Victim("JP2 of a product with checksums", ("safe/**/*.jp2",), _SAFE, True),
    Victim("XML of a product with checksums", ("safe/**/MTD*.xml",), _SAFE, True),
    Victim("MTL without checksums", ("bare/*_MTL.txt",), _BARE, False),
    Victim("TIFF without checksums", (f"bare/{_TIFF}",), _BARE, False),
    Victim("elevation model", ("dem.tif",), _MAP, False),
    Victim("GeoPackage of glaciers", ("glaciers.gpkg",), _MAP, False),
    Victim("GeoPackage of an inventory", ("inventory.gpkg",), _OUTLINES, False),
    *(
        Victim(f".{part} of a shapefile", (f"s/*.{part}",), _TRACK, False)
        for part in ("shp", "shx", "dbf", "prj", "cpg")
    ),
    Victim("TIFF of HLS", ("hls/**/*.tif",), _BY["hls"], False),
    Victim("TIFF of PlanetScope", ("planet/**/*.tif",), _BY["planet"], False),
    Victim("XML of PlanetScope", ("planet/**/*.xml",), _BY["planet"], False),
    Victim("TIFF of MAJA", ("maja/**/*_SRE_*.tif", "maja/**/*_R1.tif"), _BY["maja"], False),
    Victim("XML of MAJA", ("maja/**/*.xml",), _BY["maja"], False),
    Victim("document of Zarr 2", ("chunks/**/.z*",), _BY["chunks"], False),
    Victim("chunk of Zarr 2", ("chunks/**/b0*/[0-9]*",), _BY["chunks"], False),
    Victim("document of Zarr 3", ("shards/**/zarr.json",), _BY["shards"], False),
    Victim("shard of Zarr 3", ("shards/**/b0*/c/*/*",), _BY["shards"], False),
    Victim("item of STAC", ("stac/*/*.json",), _RUN, False, _RAN),
    Victim("TIFF of an item of STAC", ("stac/*/*.tif",), _RUN, False, _RAN),
)


def damaged(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Damage one file of each format in turn."""
    healthy = bench.folder / "healthy"
    _make_healthy(bench, healthy)
    right = {victim.arguments: _areas_of(bench, victim, healthy) for victim in VICTIMS}
    for victim, found in right.items():
        assert isinstance(found, list), (victim, found)
    for number in itertools.count():
        for victim in VICTIMS:
            how = [*CHANGES, "another file"][number % 4]
            place = bench.folder / "damaged"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(healthy, place)
            paths = sorted({path for pattern in victim.files for path in place.glob(pattern)})
            path = chance.choice(paths)
            before = path.read_bytes()
            if how == "another file":
                others = [other for other in place.rglob("*") if other.is_file() and other != path]
                after = chance.choice(sorted(others)).read_bytes()
            else:
                after = CHANGES[how](before, chance)
            path.write_bytes(after)
            found = _areas_of(bench, victim, place)
            fault = ""
            if isinstance(found, str):
                fault = found
            elif found is not None and found != right[victim.arguments] and after != before:
                fault = "other areas, and nothing is said"
            untold = fault.startswith("other") and not victim.is_checked
            untold &= how in ("flipped bits", "zeros")
            where = f"{path.relative_to(place)}, round {number}"
            yield Finding(f"{victim.kind}: {how}", where, "" if untold else fault, untold)


def _make_healthy(bench: Bench, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    product = SAMPLE / "scenes" / SCENES[0]
    shutil.copytree(product, place / "scene")
    shutil.copytree(product, place / "bare", ignore=shutil.ignore_patterns("*MD5*"))
    shutil.copytree(SAMPLE / "scenes" / SENTINEL2, place / "safe" / SENTINEL2)
    for name in FAMILIES:
        shutil.copytree(bench.corpus / name, place / name)
    for name in ("dem.tif", "glaciers.gpkg"):
        shutil.copy(SAMPLE / name, place / name)
    shutil.copy(bench.base / "output" / "inventory.gpkg", place / "inventory.gpkg")
    (place / "s").mkdir()
    for path in (bench.base / "output" / "shapefiles").glob("lakes_2003-08-17.*"):
        shutil.copy(path, place / "s" / path.name)


def _areas_of(bench: Bench, victim: Victim, place: Path) -> list[float] | str | None:
    """Return the areas that a command gives, None when it refuses, or what is wrong with it."""
    out = place / victim.result
    shutil.rmtree(out.parent, ignore_errors=True)
    (place / "out").mkdir(exist_ok=True)
    words = [word.replace("{}", str(place)) for word in victim.arguments]
    if words[1].endswith("/safe"):
        words[1] += f"/{SENTINEL2}"
    done = command(*words, log=bench.log())
    if done.fault:
        return f"{done.fault}: {done.errors[-200:]}"
    if done.code != 0:
        return "a result in spite of an error" if out.exists() and done.code != 3 else None
    return areas(out, _layer(out) if victim.arguments[0] == "map" else "lakes")


def _layer(path: Path) -> str:
    with closing(sqlite3.connect(path)) as file:
        name: str = file.execute("SELECT table_name FROM gpkg_contents").fetchone()[0]
    return name


# ---- Hostility ----


class Listener:
    """A port of this computer that counts who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.hits = 0
        self.pid = os.fork()  # no thread: children are forked after it
        if self.pid == 0:
            self._serve()

    def _serve(self) -> None:
        log = Path(f"/tmp/faults-{os.getpid()}.hits")  # noqa: S108
        while True:
            visitor, _ = self.socket.accept()
            with log.open("a") as file:
                file.write("x")
            visitor.close()

    def count(self) -> int:
        """Return how many have come."""
        log = Path(f"/tmp/faults-{self.pid}.hits")  # noqa: S108
        return len(log.read_text()) if log.exists() else 0

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        self.socket.close()
        Path(f"/tmp/faults-{self.pid}.hits").unlink(missing_ok=True)  # noqa: S108


def hostile(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Give inputs that reach for a canary file, for a port, or for places outside."""
    del chance
    listener = Listener()
    try:
        outside = bench.folder / "outside"
        shutil.rmtree(outside, ignore_errors=True)
        outside.mkdir()
        token = secrets.token_hex(16)
        canary = outside / "canary.txt"
        for name, make in _hostile_inputs(
            canary, f"http://127.0.0.1:{listener.port}", bench.corpus
        ).items():
            canary.write_text(f"{token}\n" * 4000)
            os.utime(canary, (1, 2))  # a read makes the first of them today
            place = bench.folder / "hostile"
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            for file in ("dem.tif", "glaciers.gpkg"):
                shutil.copy(SAMPLE / file, place / file)
            words = make(place)
            before, hits = set(outside.rglob("*")), listener.count()
            done = command(*words, log=bench.log())
            time.sleep(0.05)
            fault = done.fault and f"{done.fault}: {done.errors[-200:]}"
            if listener.count() != hits:
                fault = "a request"
            elif token in done.text or _holds(place, token):
                fault = "the canary is shown"
            elif canary.stat().st_atime > 1 and name != _LINK:  # its first bytes tell its format
                fault = "the canary was read"
            elif set(outside.rglob("*")) != before or Path("/tmp/faults-escaped").exists():  # noqa: S108
                fault = "a file outside"
            yield Finding("inputs", name, fault)
    finally:
        listener.close()


def _holds(folder: Path, token: str) -> bool:
    return any(
        token.encode() in path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


_LINK = "band: a link to the canary"


def _hostile_inputs(  # noqa: PLR0915 (many small ones)
    canary: Path, host: str, corpus: Path
) -> dict[str, Callable[[Path], tuple[object, ...]]]:
    """Return commands by what is hostile in their inputs; each is made in a folder of its own."""
    good = SAMPLE / "scenes" / SCENES[0]

    def with_dem(content: str, name: str = "dem.tif") -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            (place / name).write_text(content)
            return ("map", good, "-o", place / "o.gpkg", "--dem", place / name)

        return make

    def with_aoi(content: str, name: str) -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            (place / name).write_text(content)
            return ("map", good, "-o", place / "o.gpkg", "--aoi", place / name)

        return make

    def with_scene(change: Callable[[Path], object]) -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            product = place / good.name
            shutil.copytree(good, product, ignore=shutil.ignore_patterns("*MD5*"))
            change(product)
            return ("map", product, "-o", place / "o.gpkg")

        return make

    def with_safe(change: Callable[[Path], object]) -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            product = place / SENTINEL2
            shutil.copytree(SAMPLE / "scenes" / SENTINEL2, product)
            (product / "manifest.safe").unlink(missing_ok=True)
            change(product)
            return ("map", product, "-o", place / "o.gpkg")

        return make

    def band(product: Path) -> Path:
        return next(product.glob("*_SR_B2.TIF"))

    def replaced(content: str) -> Callable[[Path], object]:
        return lambda product: band(product).write_text(content)

    def linked(product: Path) -> None:
        band(product).unlink()
        band_path = product / f"{good.name}_SR_B2.TIF"
        band_path.symlink_to(canary)

    def in_mtl(product: Path) -> None:
        path = next(product.glob("*_MTL.txt"))
        text = path.read_text()
        path.write_text(text.replace(f'"{good.name}_SR_B2.TIF"', f'"../../outside/{canary.name}"'))

    def entity(content: str) -> Callable[[Path], object]:
        def change(product: Path) -> None:
            path = product / "MTD_MSIL2A.xml"
            text = path.read_text()
            path.write_text(text.replace("?>", f"?>\n{content}", 1))

        return change

    def archive(kind: str) -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            path = place / f"{good.name}.{'zip' if kind == 'zip' else 'tar'}"
            names = {"up": "../outside/escaped.txt", "root": "/tmp/faults-escaped"}  # noqa: S108
            if kind == "zip":
                with zipfile.ZipFile(path.with_name(f"{SENTINEL2}.zip"), "w") as zipped:
                    zipped.writestr("../outside/escaped.txt", "x")
                    for file in (SAMPLE / "scenes" / SENTINEL2).rglob("*"):
                        if file.is_file():
                            zipped.write(file, file.relative_to(SAMPLE / "scenes"))
                path = path.with_name(f"{SENTINEL2}.zip")
            else:
                with tarfile.open(path, "w") as tar:
                    for file in good.iterdir():
                        tar.add(file, file.name)
                    item = tarfile.TarInfo(names.get(kind, "linked"))
                    if kind == "link":
                        item.type, item.linkname = tarfile.SYMTYPE, str(canary)
                    tar.addfile(item)
            return ("map", path, "-o", place / "o.gpkg")

        return make

    def with_item(
        change: Callable[[dict[str, Any]], object],
    ) -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            [path] = (corpus / "stac").glob("*/*.json")
            shutil.copytree(path.parent, place / "item")
            item = json.loads(path.read_text())
            change(item)
            (place / "item" / path.name).write_text(json.dumps(item))
            text = bare_project(f'{{ stac = "item/{path.name}" }}')
            (place / "project.toml").write_text(text)
            return ("run", place / "project.toml")

        return make

    def lies_at(address: str) -> Callable[[dict[str, Any]], object]:
        return lambda item: item["assets"]["green"].update(href=address)

    def of_family(
        name: str, pattern: str, change: Callable[[str], str]
    ) -> Callable[[Path], tuple[object, ...]]:
        def make(place: Path) -> tuple[object, ...]:
            shutil.copytree(corpus / name, place / name)
            for path in (place / name).rglob(pattern):
                path.write_text(change(path.read_text()))
            return ("map", place / name, "-o", place / "o.gpkg")

        return make

    def pickled(text: str) -> str:
        return json.dumps({**json.loads(text), "filters": [{"id": "pickle"}], "dtype": "|O"})

    def formula(place: Path) -> tuple[object, ...]:
        (place / "l.geojson").write_text(json.dumps({
            "type": "FeatureCollection",
            "features": [{
                "type": "Feature",
                "properties": {"date": "2015-08-01", "name": f" =WEBSERVICE(\"{host}\")",
                               "comment": "\x1b]0;x\x07<script src='" + host + "'></script>"},
                "geometry": {"type": "Polygon", "coordinates": [
                    [[74.5, 42.5], [74.51, 42.5], [74.51, 42.51], [74.5, 42.51], [74.5, 42.5]]]},
            }],
        }))  # fmt: skip
        return ("track", place / "l.geojson", "-o", place / "o.gpkg")

    vrt = (
        '<VRTDataset rasterXSize="300" rasterYSize="300"><SRS>EPSG:32643</SRS>'
        "<GeoTransform>455025,30,0,4722015,0,-30</GeoTransform>"
        '<VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativeToVRT="0">{canary}</SourceFilename></VRTRasterBand></VRTDataset>'
    )
    remote = vrt.replace(str(canary), f"/vsicurl/{host}/x.tif")
    wms = f'<GDAL_WMS><Service name="TMS"><ServerUrl>{host}/${{z}}</ServerUrl></Service></GDAL_WMS>'
    ogr = (
        '<OGRVRTDataSource><OGRVRTLayer name="x">'
        "<SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    square = (
        '{"type": "FeatureCollection", "crs": %s, "features": [{"type": "Feature", "properties": '
        '{}, "geometry": {"type": "Polygon", "coordinates": [[[74.4,42.5],[74.6,42.5],[74.6,42.7],'
        "[74.4,42.7],[74.4,42.5]]]}}]}"
    )
    link = f'{{"type": "link", "properties": {{"href": "{host}/crs", "type": "proj4"}}}}'
    here = f'{{"type": "link", "properties": {{"href": "{canary}", "type": "proj4"}}}}'
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
        f"<!ENTITY {one} '{f'&{other};' * 10}'>" for other, one in itertools.pairwise("abcdefghij")
    )
    kml = (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>'
        f"{host}/x.kml</href></Link></NetworkLink></Document></kml>"
    )
    return {
        "elevation: a VRT of the canary": with_dem(vrt),
        "elevation: a VRT of a host": with_dem(remote),
        "elevation: WMS": with_dem(wms),
        "elevation: named .vrt": with_dem(vrt, "dem.vrt"),
        "band: a VRT of the canary": with_scene(replaced(vrt)),
        "band: a VRT of a host": with_scene(replaced(remote)),
        _LINK: with_scene(linked),
        "MTL: names the canary": with_scene(in_mtl),
        "area: a vector VRT of the canary": with_aoi(ogr.format(canary), "a.geojson"),
        "area: a vector VRT of a host": with_aoi(ogr.format(f"/vsicurl/{host}/a.shp"), "a.gpkg"),
        "area: named .vrt": with_aoi(ogr.format(canary), "a.vrt"),
        "area: GeoJSON with a linked CRS of a host": with_aoi(square % link, "a.geojson"),
        "area: GeoJSON with a linked CRS of the canary": with_aoi(square % here, "a.geojson"),
        "area: KML with a network link": with_aoi(kml, "a.kml"),
        "area: an address": lambda place: (
            "map", good, "-o", place / "o.gpkg", "--aoi", f"{host}/a.geojson",
        ),
        "elevation: an address": lambda place: (
            "map", good, "-o", place / "o.gpkg", "--dem", f"/vsicurl/{host}/dem.tif",
        ),
        "scene: an address": lambda place: ("map", f"{host}/s.SAFE", "-o", place / "o.gpkg"),
        "XML: a bomb of entities": with_safe(entity(bomb + "]>")),
        "XML: an entity of the canary": with_safe(
            entity(f"<!DOCTYPE x [<!ENTITY c SYSTEM 'file://{canary}'>]>")
        ),
        "XML: a document type of a host": with_safe(entity(f"<!DOCTYPE x SYSTEM '{host}/x.dtd'>")),
        "archive: zip with a path upwards": archive("zip"),
        "archive: tar with a path upwards": archive("up"),
        "archive: tar with a path from the root": archive("root"),
        "archive: tar with a link": archive("link"),
        "text: a formula and a script": formula,
        "STAC: an image that is the canary": with_item(lies_at(f"../../outside/{canary.name}")),
        "STAC: an image that is the canary, by its root": with_item(lies_at(str(canary))),
        "STAC: an image on a host": with_item(lies_at(f"{host}/green.tif")),
        "STAC: a path of GDAL": with_item(lies_at(f"/vsicurl/{host}/green.tif")),
        "STAC: a catalogue that links to a host": with_item(
            lambda item: item.update(type="Catalog", links=[{"rel": "item", "href": f"{host}/i"}])
        ),
        "Zarr: a pickle": of_family("chunks", ".zarray", pickled),
        "PlanetScope: a bomb of entities": of_family(
            "planet", "*.xml", lambda text: text.replace("?>", f"?>\n{bomb}]>", 1)
        ),
        "MAJA: an entity of the canary": of_family(
            "maja", "*_MTD_ALL.xml",
            lambda text: text.replace(
                "?>", f"?>\n<!DOCTYPE x [<!ENTITY c SYSTEM 'file://{canary}'>]>", 1
            ),
        ),
    }  # fmt: skip


# ---- Poison ----


def poisoned(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    """Map good scenes among bad ones: of files here, and of servers that misbehave."""
    files, servers = _poisoned_files(bench, chance), _poisoned_servers(bench)
    while True:
        yield next(files)
        yield next(servers)


def _poisoned_servers(bench: Bench) -> Iterator[Finding]:
    good = _good_sums(bench)
    for fault in itertools.cycle(SERVED):
        inputs = json.dumps([f"scenes/{name}" for name in SCENES[:2]])[1:-1]
        with served(bench.corpus, fault) as address, bench.copy() as place:
            shutil.rmtree(place / "output")
            (place / "item.json").write_text(json.dumps(item_on(address, bench.corpus)))
            hosts = f'{INPUTS}hosts = ["{address.removeprefix("http://")}"]\n[limits]\nwait_s = 1'
            text = bare_project(inputs, '{ stac = "item.json" }', more=hosts)
            (place / "project.toml").write_text(text)
            done = command("run", place / "project.toml", log=bench.log())
            wrong = done.fault and f"{done.fault}: {done.errors[-200:]}"
            if not wrong:
                wrong = _good_ones(place / "output", good, done)
            if not wrong and done.code != 3:
                wrong = "the scene on the server was not refused"
            yield Finding("a server that misbehaves and others", f"{fault} of {FAULTY}", wrong)


def _good_sums(bench: Bench) -> Tree:
    return {
        name: atomic.sha256(bench.base / "output" / "scenes" / name / "outlines.gpkg")
        for name in SCENES[:2]
    }


def _poisoned_files(bench: Bench, chance: random.Random) -> Iterator[Finding]:
    good = _good_sums(bench)
    kinds = list(POISON)
    for trial in itertools.count():
        some = kinds[trial % len(kinds) :][:1] + chance.sample(kinds, 2)
        with bench.copy('[inputs]\nscenes = ["scenes/*"]\n' + INPUTS + FORMATS) as place:
            shutil.rmtree(place / "output")
            for number, kind in enumerate(dict.fromkeys(some)):
                bad = place / "scenes" / SCENES[2].replace("2009", f"20{10 + number}")
                if number == 0:
                    bad = place / "scenes" / SCENES[2]
                else:
                    shutil.copytree(SAMPLE / "scenes" / SCENES[2], bad)
                POISON[kind](bad, chance)
            done = command("run", place / "project.toml", log=bench.log())
            fault = done.fault and f"{done.fault}: {done.errors[-200:]}"
            if not fault:
                fault = _good_ones(place / "output", good, done)
            yield Finding(f"{some[0]} and others", ", ".join(some), fault)


def _good_ones(output: Path, good: Tree, done: Outcome) -> str:
    if done.code not in (0, 3):
        return f"code {done.code}: {done.errors[-200:]}"
    for name, sum_ in good.items():
        path = output / "scenes" / name / "outlines.gpkg"
        if not path.is_file() or atomic.sha256(path) != sum_:
            return f"{name} is not as without bad ones"
    return ""


def _band(product: Path) -> Path:
    return next(product.glob("*_SR_B2.TIF"))


def _truncate(product: Path, chance: random.Random) -> None:
    path = _band(product)
    path.write_bytes(_cut(path.read_bytes(), chance))


def _noise(product: Path, chance: random.Random) -> None:
    _band(product).write_bytes(b"II*\x00" + chance.randbytes(5000))


def _fifo(product: Path, _: random.Random) -> None:
    path = _band(product)
    path.unlink()
    os.mkfifo(path)


def _empty(product: Path, _: random.Random) -> None:
    _band(product).write_bytes(b"")


def _folder(product: Path, _: random.Random) -> None:
    path = _band(product)
    path.unlink()
    path.mkdir()


def _loop(product: Path, _: random.Random) -> None:
    path = _band(product)
    path.unlink()
    path.symlink_to(path)


def _garbled_mtl(product: Path, chance: random.Random) -> None:
    path = next(product.glob("*_MTL.txt"))
    path.write_bytes(chance.randbytes(2000))


def _strange_name(product: Path, _: random.Random) -> None:
    product.rename(product.with_name(os.fsdecode(b"\xf1\xed\xe8\xec\xee\xea")))


def _secret(product: Path, _: random.Random) -> None:
    _band(product).chmod(0)


POISON: dict[str, Callable[[Path, random.Random], None]] = {
    "a band cut short": _truncate,
    "a band of noise": _noise,
    "an empty band": _empty,
    "a folder in place of a band": _folder,
    "a link to itself": _loop,
    "metadata of noise": _garbled_mtl,
    "a pipe in place of a band": _fifo,
    "a name that is no text": _strange_name,
    "a band that may not be read": _secret,
}
