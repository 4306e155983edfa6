"""The sample scenes: where they are installed, and a copy to work on."""

from __future__ import annotations

import shutil
from pathlib import Path

from glacial_lakes.errors import MissingFileError, OutputError

PROJECT_NAME = "project.toml"
_MARK = ".glacial_lakes_demo"


def sample_folder() -> Path:
    """Return the folder of the sample scenes: in the installed package, or in the source tree.

    Raises
    ------
    MissingFileError
        When the package was installed without them.
    """
    package = Path(__file__).parent
    for folder in (package / "sample_data", package.parent / "sample_data"):
        if (folder / PROJECT_NAME).is_file():
            return folder
    raise MissingFileError(package / "sample_data", "is not installed", "install the wheel again")


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
        shutil.copytree(sample_folder(), folder, dirs_exist_ok=True)
    except OSError as error:
        what = error.strerror or str(error)
        raise OutputError(folder, f"cannot be written: {what}", "name another folder") from error
    return folder / PROJECT_NAME
