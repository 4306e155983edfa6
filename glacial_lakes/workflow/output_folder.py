"""The folder of a run: its mark, what in it was written by runs, and what may be removed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from glacial_lakes.errors import N_, ForeignFileError
from glacial_lakes.io import atomic, marks
from glacial_lakes.io.atomic import Aside
from glacial_lakes.io.kinds import may_replace
from glacial_lakes.places import is_same
from glacial_lakes.review.working_copy import KEPT_FOLDER, WRITTEN_FOLDER, copied_aside
from glacial_lakes.settings import EXPORT_FORMATS
from glacial_lakes.workflow import manifest
from glacial_lakes.workflow.scene_tasks import RESULT_NAMES, SCENES_FOLDER

INVENTORY_NAME = "inventory.gpkg"
REPORT_NAME = "report.html"
VIEWER_NAME = "viewer.html"
WORK_PREFIX = ".mapping-"
RUNNING_NAME = "running"
"""File in the folder for unfinished results, there as long as the run."""

_SHAPEFILES = r"shapefiles/lakes(_\w[\w-]*)?(\.(shp|shx|dbf|prj|cpg|qml)|_fields\.csv)"
_OF_OTHER_NAMES = {"shp", "gpkg", "csv", "csv_excel", "xlsx", "report"}
_BY_FORMAT = "|".join(name for name in EXPORT_FORMATS if name not in _OF_OTHER_NAMES)
_RESULT = re.compile(
    rf"inventory\.gpkg|(report|viewer)\.html|viewer_files/[0-9a-f]{{4,16}}\.(jpg|webp)|manifest\.json"
    rf"|(lakes|outlines)\.({_BY_FORMAT})"
    rf"|(csv_excel/)?(lakes|observations|events|trends|alerts|totals)\.csv"
    r"|csv_excel/(list_of_lakes|by_\w+|change_of_all_lakes|changes|storage|to_visit|quality_control|not_on_images)\.csv"
    rf"|inventory\.xlsx|to_visit\.gpx|totals_of_composites\.csv|{_SHAPEFILES}"
)
"""Names of results of runs, this version's and those of earlier ones, from the output folder."""
_FOLDERS = (SCENES_FOLDER, "shapefiles", "csv_excel", "viewer_files", WRITTEN_FOLDER, KEPT_FOLDER)
"""Where results lie in the output folder."""
_WORK = re.compile(rf"{re.escape(WORK_PREFIX)}[0-9a-f]{{16}}")
_OF_SYSTEMS = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory", "._.DS_Store"}
_REMEDY = N_('give a folder of its own, e.g. "output", or replace them with --overwrite')


def claim(output: Path) -> None:
    """Put the mark of runs into an output folder, unless it holds results of other work.

    A folder without the mark is taken when none of its names is that of a result, or when an
    earlier version wrote it: its manifest or its records of scenes prove that.

    Parameters
    ----------
    output : pathlib.Path
        The folder, which exists.

    Raises
    ------
    ForeignFileError
        When something else has the names of results there; ``--overwrite`` lets it be replaced.
    OutputError
        When the mark cannot be written.
    """
    for name in _FOLDERS:
        if (output / name).is_symlink():
            what = N_("is a link to another folder")
            raise ForeignFileError(output / name, what, "make the output folder itself the link")
    if marks.is_marked(output):
        return
    names = {entry.name for entry in output.iterdir()} - _OF_SYSTEMS
    taken = sorted(name for name in names if _is_of_results(name))
    if taken and not marks.is_overwriting() and not is_of_runs(output):
        what = N_("holds files of other work, such as {name}")
        raise ForeignFileError(output, what, _REMEDY, name=taken[0])
    atomic.mark(output)


def is_of_runs(output: Path) -> bool:
    """Tell whether the folder without a mark was written by runs of an earlier version."""
    content = manifest.read(output / manifest.FILE_NAME)
    outputs = manifest.outputs_of(content)
    if isinstance(content.get("glacial_lakes"), str) and any(
        _is_result(name) and manifest.holds(output, name, sum_) for name, sum_ in outputs.items()
    ):
        return True
    folders = [*(output / SCENES_FOLDER).iterdir()] if (output / SCENES_FOLDER).is_dir() else []
    records = [manifest.read_record(folder / RESULT_NAMES[0]) for folder in folders]
    return bool(folders) and all(record is not None for record in records)


def owned(output: Path, earlier: Mapping[str, str]) -> Iterable[Path]:
    """Yield the files that may be replaced whatever they hold: the manifest names them.

    Parameters
    ----------
    output : pathlib.Path
        A folder with the mark.
    earlier : mapping of str to str
        Outputs by the manifest of the run before, with checksums.
    """
    yield output / manifest.FILE_NAME
    yield from (output / name for name in earlier if _is_result(name))


def is_result(path: Path, output: Path) -> bool:
    """Tell whether a path is the place of a result of runs in an output folder."""
    whole = path.resolve()
    for folder in whole.parents:
        if is_same(folder, output):
            name = whole.relative_to(folder).as_posix()
            return _is_result(name) or _is_result(name.casefold())
    return False


def keep_changed(output: Path, earlier: Mapping[str, str], aside: Aside) -> dict[Path, str]:
    """Put copies of results that somebody changed among what persons edited, before they go.

    Edits of the inventory are taken in, and a style of a person stays, so these are left out. Of
    a shapefile all parts are kept.

    Returns
    -------
    dict of pathlib.Path to str
        Names of the copies in the output folder, by what they are copies of.
    """
    return copied_aside(_changed(output, earlier), aside)


def _changed(output: Path, earlier: Mapping[str, str]) -> Iterable[Path]:
    for name, checksum in earlier.items():
        path = output / name
        is_other = _is_result(name) and name != INVENTORY_NAME and path.suffix != ".qml"
        if is_other and path.is_file() and not manifest.holds(output, name, checksum):
            yield path


def stale(output: Path, earlier: Mapping[str, str], now: Iterable[str]) -> dict[str, str]:
    """Return results that are not made any more, and that nobody has changed since.

    Parameters
    ----------
    output : pathlib.Path
        A folder with the mark.
    earlier : mapping of str to str
        Outputs by the manifest of the run before, with checksums.
    now : iterable of str
        Names of outputs that are made now.
    """
    gone = earlier.keys() - set(now)
    return {
        name: earlier[name]
        for name in sorted(gone)
        if _is_result(name) and manifest.holds(output, name, earlier[name])
    }


def leave_styles(output: Path, aside: Aside) -> None:
    """Take out the styles whose place a style of a person has taken."""
    for style in aside.folder.rglob("*.qml"):
        if not may_replace(style, output / style.relative_to(aside.folder)):
            style.unlink()


def remove_work(work: Path) -> None:
    """Remove a folder of unfinished results, and nothing that runs do not write."""
    if not _WORK.fullmatch(work.name) or work.is_symlink() or not work.is_dir():
        return
    for folder in sorted(work.iterdir()):
        if folder.is_symlink() or not folder.is_dir():
            if folder.name == RUNNING_NAME and not folder.is_symlink():
                folder.unlink(missing_ok=True)
            continue
        if all(_is_unfinished(entry) for entry in folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)
    if not any(work.iterdir()):
        shutil.rmtree(work, ignore_errors=True)


def _is_unfinished(entry: Path) -> bool:
    """Tell whether an entry is a result of a scene, or the beginning of one."""
    is_begun = entry.name.startswith(tuple(f".{Path(name).stem}." for name in RESULT_NAMES))
    is_known = entry.name in RESULT_NAMES or (is_begun and ".part" in entry.name)
    return is_known and (entry.is_symlink() or entry.is_file())


def _is_result(name: str) -> bool:
    return _RESULT.fullmatch(PurePosixPath(name).as_posix()) is not None


def _is_of_results(name: str) -> bool:
    return name in _FOLDERS or _is_result(name)
