"""The sample scenes: where they are installed, and a copy to work on."""

from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError, PackagePath, files
from pathlib import Path

from glacial_lakes.errors import MissingFileError, OutputError
from glacial_lakes.io.atomic import whole

PROJECT_NAME = "project.toml"
_MARK = ".glacial_lakes_demo"


def sample_folder() -> Path:
    """Return the folder of the sample scenes: in the source tree, or as installed with the wheel.

    Raises
    ------
    MissingFileError
        When the package was installed without them.
    """
    source = Path(__file__).parents[2] / "sample_data"
    if (source / PROJECT_NAME).is_file():
        return source
    for file in _installed_files():
        if file.parts[-3:] == ("share", "glacial_lakes", PROJECT_NAME):
            return Path(str(file.locate())).resolve().parent
    raise MissingFileError(None, "the sample scenes are not installed", "install the wheel again")


def _installed_files() -> list[PackagePath]:
    try:
        return files("glacial-lakes") or []
    except PackageNotFoundError:
        return []


def copy_sample(folder: Path | str) -> Path:
    """Copy the sample scenes and their project file.

    Parameters
    ----------
    folder : path-like
        A new or empty folder, or an earlier copy, whose results are kept.

    Returns
    -------
    pathlib.Path
        The project file of the copy.

    Raises
    ------
    OutputError
        When the folder holds something else, or cannot be written.
    """
    folder = Path(folder).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _MARK).exists():
            raise OutputError(folder, "holds files of other work", "name a new folder for the demo")
        (folder / _MARK).touch()
        sample = sample_folder()
        for source in sorted(path for path in sample.rglob("*") if path.is_file()):
            target = folder / source.relative_to(sample)
            if not target.exists():  # what a person changed in an earlier copy stays
                with whole(target) as temporary:
                    shutil.copyfile(source, temporary)
    except OSError as error:
        raise OutputError(
            folder,
            "cannot be written: {reason}",
            "name another folder",
            reason=error,
        ) from error
    return folder / PROJECT_NAME
