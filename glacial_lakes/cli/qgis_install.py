"""The Processing tools put where QGIS looks for them; they run the package from here."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from glacial_lakes.errors import N_, ForeignFileError, MissingFileError
from glacial_lakes.io.atomic import whole
from glacial_lakes.io.marks import overwriting
from glacial_lakes.io.parsing import json_of
from glacial_lakes.language import translate
from glacial_lakes.schema import Decision
from glacial_lakes.settings import EXPORT_FORMATS

NAME = "glacial_lakes_tools"
"""Folder of the plugin, and what ``qgis_process plugins enable`` calls it."""
_WRITTEN = "written"
"""Key of the settings: SHA-256 of the other files, by name, which tells whether they are ours."""
_SOURCE = Path(__file__).with_name("qgis_plugin")
_START = '''"""Processing tools of glacial_lakes; written by glacial-lakes qgis-install."""


def classFactory(iface):  # noqa: N802 (of QGIS)
    """Return the plugin."""
    from .provider import Plugin

    return Plugin()
'''
WORDS = (
    *(N_("Map scenes"), N_("Run a project"), N_("Track older outlines"), N_("Take corrections in")),
    *(N_("Validate outlines"), N_("Export an inventory"), N_("Glacial lakes")),
    N_("Map single scenes into one file of outlines, without lake identities."),
    N_("Do the whole job of a project file: map what is new, track, export, report."),
    N_("Make an inventory of older outlines that others drew."),
    N_("Take corrections into an inventory: from a copy, or made in the inventory itself."),
    N_("Compare outlines with reference outlines of the same date and area."),
    N_("Write an inventory in other formats, or the best outlines of some years."),
    *(N_("Scenes"), N_("Elevation model"), N_("Glacier outlines"), N_("Outlines")),
    *(N_("Project file"), N_("Files of outlines"), N_("Date of all outlines"), N_("Inventory")),
    *(
        N_("Fields under other names, e.g. acquired=IMG_DAY; lake_name=NAIM"),
        N_("Edited copy"),
        N_("Who decided"),
    ),
    *(N_("Where two persons contradict each other"), N_("Only show what was understood")),
    *(N_("Reference outlines"), N_("Day of the outlines"), N_("Accuracy"), N_("Formats")),
    N_("Your list of lakes, or a project file"),
    *(N_("Tell changes from"), N_("Folder"), N_("the command failed")),
    *(N_("ask"), N_("file"), N_("inventory")),
    *(N_("Area of interest"), N_("Text encoding of a shapefile, e.g. CP1251")),
    *(N_("Layer of the files"), N_("Layer of the outlines"), N_("Layer of the reference outlines")),
    *(N_("Best outlines of some years, e.g. 2020=2019-2021"), N_("Their months, e.g. 7-9")),
    *(N_("Basins"), N_("Field of the basins with their names")),
    N_("Lakes that the edited file lacks"),
    *(N_("are no lakes"), N_("were left out of it"), N_("not told")),
    *map(str, Decision),
)
"""What the tools say, so that catalogues know it."""


def profiles(environment: Mapping[str, str], platform: str = sys.platform) -> list[Path]:
    """Return the folders in which QGIS 3 and 4 keep the plugins of the default profile.

    Parameters
    ----------
    environment : mapping of str to str
        Of the process.
    platform : str
        As :data:`sys.platform`.
    """
    if platform == "win32":
        home = Path(environment.get("APPDATA", ""))
    elif platform == "darwin":
        home = Path(environment.get("HOME", "")) / "Library" / "Application Support"
    else:
        data = environment.get("XDG_DATA_HOME")
        home = Path(data) if data else Path(environment.get("HOME", "")) / ".local" / "share"
    roots = [home / "QGIS" / name for name in ("QGIS3", "QGIS4")]
    there = [root for root in roots if root.is_dir()] or roots[:1]
    return [root / "profiles" / "default" / "python" / "plugins" for root in there]


def install(language: str, folder: Path | None = None) -> list[Path]:
    """Write the plugin into the profile of QGIS, or into another folder of plugins.

    Parameters
    ----------
    language : str
        Language of the tools.
    folder : pathlib.Path, optional
        Folder of plugins; by default those of QGIS.

    Returns
    -------
    list of pathlib.Path
        The folders of the plugin.

    Raises
    ------
    ForeignFileError
        When another plugin has its name.
    MissingFileError
        When it is not known where QGIS keeps plugins.
    """
    places = profiles(os.environ) if folder is None else [folder]
    if not all(place.is_absolute() for place in places):
        raise MissingFileError(None, "nobody knows where QGIS keeps its plugins", "name it: -o")
    files = {
        "__init__.py": _START,
        **{name: (_SOURCE / name).read_text("utf-8") for name in ("metadata.txt", "provider.py")},
    }
    settings = {**_settings(language), _WRITTEN: {name: _sum(text) for name, text in files.items()}}
    files["settings.json"] = json.dumps(settings, ensure_ascii=False, indent=1)
    targets = [place / NAME for place in places]
    for target in targets:
        start = target / "__init__.py"
        if target.is_dir() and (not start.is_file() or start.read_text("utf-8") != _START):
            raise ForeignFileError(target, "is a plugin of somebody else", "move it away")
    for target in targets:
        target.mkdir(parents=True, exist_ok=True)
        with overwriting(_unchanged(target)):
            for name, text in files.items():
                with whole(target / name) as temporary:
                    temporary.write_text(text, encoding="utf-8", newline="\n")
    return targets


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unchanged(target: Path) -> list[Path]:
    """Return the files of an earlier version of the plugin that nobody has changed since."""
    try:
        settings = json_of((target / "settings.json").read_bytes())
    except (OSError, ValueError):
        return []
    sums = settings.get(_WRITTEN) if isinstance(settings, dict) else None
    if not isinstance(sums, dict):
        return []
    paths = [target / name for name in ("__init__.py", "metadata.txt", "provider.py")]
    there = [path for path in paths if path.is_file()]
    return [path for path in there if sums.get(path.name) == _sum(path.read_text("utf-8"))]


def _settings(language: str) -> dict[str, object]:
    """Return what the plugin must know: it loads nothing of the package."""
    return {
        "python": sys.executable,
        "language": language,
        "formats": list(EXPORT_FORMATS),
        "words": {word: translate(word, language) for word in WORDS},
    }
