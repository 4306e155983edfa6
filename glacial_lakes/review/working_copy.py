"""An inventory that was edited itself → decisions, by the copy of it as it was written."""

from __future__ import annotations

import glob
import re
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd

from glacial_lakes.columns import C
from glacial_lakes.errors import DamagedFileError, InputError, LockedError, Message
from glacial_lakes.events import EditsTakenIn, InputOdd, InventoryRestored, Listener, ignore
from glacial_lakes.inventory.inventory import (
    ALL_LAYERS,
    KEYS,
    Inventory,
    is_inventory,
    open_inventory,
)
from glacial_lakes.io import atomic, marks
from glacial_lakes.io.at_rest import settle
from glacial_lakes.io.atomic import Aside
from glacial_lakes.io.carry_over import carry_over
from glacial_lakes.io.geopackage import read_layers, same_content
from glacial_lakes.places import SHAPEFILE_PARTS
from glacial_lakes.review.differences import differences
from glacial_lakes.review.edited_file import read_edited
from glacial_lakes.review.ignored_edits import ignored_edits
from glacial_lakes.review.records import nameless, signed
from glacial_lakes.settings import digest

WRITTEN_FOLDER = "as_written"
"""Where an inventory lies as it was written; nobody is to edit it there."""
KEPT_FOLDER = "edited"
"""Where inventories lie as a person left them."""


@dataclass(frozen=True, eq=False)
class Edits:
    """What was edited in an inventory itself since it was written."""

    inventory: Inventory
    """With the decisions."""
    reviews: gpd.GeoDataFrame
    """The new decisions, :data:`glacial_lakes.schema.REVIEWS`."""
    is_edited: bool
    """The file holds something else than was written, decisions or not."""
    ignored: tuple[Message, ...] = ()
    """What was written there and no decision follows from."""


def replace(inventory: Inventory, path: Path) -> None:
    """Write an inventory, and a copy of it that will tell what was edited in it.

    Parameters
    ----------
    inventory : Inventory
        Made with regard to what the file held.
    path : pathlib.Path
        The ``.gpkg`` file.

    Raises
    ------
    LockedError
        When the file is open in another program, or was edited since it was read.
    OutputError
        When it cannot be written.
    """
    with atomic.together(path.parent) as aside:
        stage_unedited(inventory, path, aside)


def stage_unedited(inventory: Inventory, path: Path, aside: Aside) -> None:
    """Write as :func:`replace` does, to be put into place with other files."""
    written = _written(path)
    if written is not None and not _is_as_written(path, written):
        raise LockedError(path, "was edited in the meantime", "start again")
    stage(inventory, path, aside)


def edits(path: Path, *, by: str | None = None, missing_is_rejected: bool | None = None) -> Edits:
    """Read an inventory with what was edited in it as decisions.

    Parameters
    ----------
    path : pathlib.Path
        The ``.gpkg`` file.
    by : str, optional
        Who decided where the fields of checks and edits name nobody; by default whom the project
        that made the inventory names, else nobody.
    missing_is_rejected : bool, optional
        See :func:`glacial_lakes.review.differences.differences`.

    Raises
    ------
    InputError
        When the edits cannot be understood, or the file is not the one that was written last.
    LockedError
        When it is open in another program.
    """
    written = _written(path)
    if written is None or _is_as_written(path, written):
        inventory = open_inventory(path)
        return Edits(inventory, inventory.reviews.iloc[:0], False)
    before = open_inventory(written)
    try:
        edited = read_edited(path)
        found = differences(before, edited, missing_is_rejected=missing_is_rejected)
    except InputError as error:
        raise type(error)(error.path or path, error.what, error.remedy) from error
    untaken = tuple(ignored_edits(before, edited, found))
    if untaken:
        what = Message("a copy of the edited file goes to the folder {name}", name=KEPT_FOLDER)
        untaken = (*untaken, what)
    if found.empty:
        return Edits(before, before.reviews.iloc[:0], True, untaken)
    saved = pd.Timestamp(path.stat().st_mtime, unit="s", tz="UTC")
    found = signed(found, before.reviews, path.name, by or before.decided_by, saved)
    return Edits(before.with_reviews(found), found, True, untaken)


def is_reviewable(path: Path) -> bool:
    """Tell whether it is known how an inventory was written."""
    return _written(path) is not None


def keep(path: Path) -> Path:
    """Copy an edited inventory into the folder of those, and return where it is kept."""
    kept = kept_place(path, path.parent / KEPT_FOLDER)
    _copy(path, kept)
    return kept


def kept_place(path: Path, folder: Path) -> Path:
    """Return where a copy of an edited file lies, or is free to lie: the name has its time."""
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    stem, number = f"{path.stem}_{changed:%Y-%m-%dT%H%M%SZ}", 1
    kept = folder / f"{stem}{path.suffix}"
    while kept.exists() and atomic.sha256(kept) != atomic.sha256(path):
        number += 1  # two edits within a second
        kept = kept.with_name(f"{stem}_{number}{path.suffix}")
    return kept


def copied_aside(paths: Iterable[Path], aside: Aside) -> dict[Path, str]:
    """Put copies of edited files among what persons edited, together with what replaces them.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        Files in ``aside.target``; of a shapefile all parts are copied.
    aside : Aside
        From :func:`glacial_lakes.io.atomic.together`.

    Returns
    -------
    dict of pathlib.Path to str
        Names of the copies in the folder, by what they are copies of.
    """
    kept: dict[Path, str] = {}
    for path in paths:
        if path in kept:
            continue
        parts = [path]
        if path.suffix in SHAPEFILE_PARTS:
            parts = [path.with_suffix(end) for end in SHAPEFILE_PARTS]
        stem = kept_place(path, aside.target / KEPT_FOLDER).stem
        while any((aside.folder / KEPT_FOLDER).glob(f"{glob.escape(stem)}.*")):
            stem += "_"  # a namesake of another folder, edited in the same second
        for part in parts:
            name = f"{KEPT_FOLDER}/{stem}{part.suffix}"
            if part.is_file() and part not in kept and not (aside.target / name).exists():
                copy = aside.folder / name
                copy.parent.mkdir(exist_ok=True)
                shutil.copyfile(part, copy)
                kept[part] = name
    return kept


def put(inventory: Inventory, path: Path) -> None:
    """Write an inventory in the place of the one it was made of, whatever was edited in that."""
    with atomic.together(path.parent) as aside:
        stage(inventory, path, aside)


def stage(inventory: Inventory, path: Path, aside: Aside) -> None:
    """Write an inventory and its copy, to be put into place with other files.

    Parameters
    ----------
    inventory : Inventory
        Made with regard to what the file held.
    path : pathlib.Path
        The ``.gpkg`` file, in the folder of ``aside``.
    aside : Aside
        From :func:`glacial_lakes.io.atomic.together`.
    """
    settle(path)
    if path.is_file():
        aside.expected[path.name] = atomic.sha256(path)
    name = f"{WRITTEN_FOLDER}/{_name(path.stem, inventory.runs, inventory.reviews)}"
    written = aside.folder / name
    inventory.only_own().to_file(written)
    if path.is_file() and not (marks.is_overwriting() and not is_inventory(path)):
        own = {layer: [c.name for c in columns] for layer, columns in ALL_LAYERS.items()}
        carry_over(path, written, own, KEYS)
    shutil.copyfile(written, aside.folder / path.name)
    aside.first = (name, path.name)
    for other in _copies(path, begun=True):
        if other.name != written.name:
            aside.removals[f"{WRITTEN_FOLDER}/{other.name}"] = atomic.sha256(other)


def take_in(path: Path, on_event: Listener = ignore, by: str | None = None) -> None:
    """Make decisions of what a person edited in an inventory since it was written.

    The edited file is kept; an inventory that was deleted is put back. ``by`` is as for
    :func:`edits`.
    """
    if restore(path):
        on_event(InventoryRestored(str(path)))
    if not path.is_file():
        return
    found = edits(path, by=by)
    if found.is_edited:
        kept = keep(path)
        put(found.inventory, path)
        on_event(EditsTakenIn(len(found.reviews), str(kept)))
        for reason in (*found.ignored, *nameless(found.reviews)):
            on_event(InputOdd(str(path), reason))


def restore(path: Path) -> bool:
    """Put an inventory that is not there back as it was written; tell whether it was."""
    copies = _copies(path)
    if path.exists() or len(copies) != 1:
        return False
    _copy(copies[0], path)
    return True


def _copy(source: Path, target: Path) -> None:
    expected = atomic.sha256(source)

    def verify(copied: Path) -> None:
        if atomic.sha256(copied) != expected:
            raise OSError("the copy does not read back as written")

    with atomic.whole(target, verify) as temporary:
        shutil.copyfile(source, temporary)


def _copies(path: Path, *, begun: bool = False) -> list[Path]:
    """Return the copies of one inventory as it was written, also those that killed runs began.

    Several inventories may lie in one folder, and the name of one may begin or end as that of
    another: a copy is told by its whole name.
    """
    folder = path.parent / WRITTEN_FOLDER
    form = rf"{re.escape(path.stem)}\.[0-9a-f]{{16}}"
    name = re.compile(rf"{form}\.gpkg")
    part = re.compile(rf"\.{form}\..+-\d+-[0-9a-f]{{8}}\.part\.gpkg(-journal|-wal|-shm)?")
    if not folder.is_dir():
        return []
    return sorted(
        entry
        for entry in folder.iterdir()
        if (name.fullmatch(entry.name) or (begun and part.fullmatch(entry.name)))
        and not entry.is_symlink()
        and entry.is_file()
    )


def _written(path: Path) -> Path | None:
    """Return the copy of an inventory as it was written; None when none is kept."""
    settle(path)
    copies = _copies(path)
    if not copies or not path.is_file():
        return None
    tables = read_layers(path, ("runs", "reviews"))
    if len(tables) == 2:
        name = _name(path.stem, tables["runs"], tables["reviews"])
        if path.parent / WRITTEN_FOLDER / name in copies:
            return path.parent / WRITTEN_FOLDER / name
    raise InputError(
        path,
        "is not the inventory that the last run or review wrote",
        "to take in what was edited in it, move it elsewhere and review it from there; "
        "to go on from it as it is, delete the folder {folder} beside it",
        folder=WRITTEN_FOLDER,
    )


def _name(stem: str, runs: pd.DataFrame, reviews: pd.DataFrame) -> str:
    """Return a name that tells one writing of an inventory from all others.

    An inventory follows from its runs and reviews; nobody edits these two tables by hand.
    """
    identity = [sorted(map(str, runs[C.RUN_ID])), sorted(map(str, reviews[C.REVIEW_ID]))]
    return f"{stem}.{digest(identity)[:16]}.gpkg"


def _is_as_written(path: Path, written: Path) -> bool:
    if atomic.sha256(path) == atomic.sha256(written):
        return True
    try:
        return same_content(path, written)
    except sqlite3.Error as error:
        raise DamagedFileError(
            path, "cannot be read: {error}", "copy it again", error=error
        ) from error
