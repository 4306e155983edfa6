"""What a result was made from: stamps and checksums of inputs, and the manifest that tells them."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pandas as pd

from glacial_lakes import schema, settings
from glacial_lakes.columns import C
from glacial_lakes.errors import Message, shown
from glacial_lakes.events import SceneRefused
from glacial_lakes.io import atomic
from glacial_lakes.io.checksums import parts_of
from glacial_lakes.io.parsing import json_of
from glacial_lakes.places import is_plain
from glacial_lakes.runtime.revision import code_version, versions
from glacial_lakes.scenes.plausibility import PERCENTILES
from glacial_lakes.scenes.raster import paths_of
from glacial_lakes.scenes.scene import Scene
from glacial_lakes.schema import SceneState

FILE_NAME = "manifest.json"
UNVERIFIED = "unverified"
"""In place of a checksum that nobody gave."""
_KNOWN_STATES = (SceneState.MAPPED, SceneState.REFUSED)


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a scene: the content of ``done.json``, written after all else."""

    scene_id: str
    state: SceneState
    reason: str
    """Why it was refused or is odd, one line; else empty."""
    n_outlines: int
    key: str
    stamp: str
    checksum: str
    outputs: dict[str, str]
    """SHA-256 by file name."""
    verified: Literal["verified", "unverified"] = "unverified"
    """Whether the product's files agree with the checksums that its makers sent with it."""
    plausibility: str = ""
    """Verdict of :func:`glacial_lakes.scenes.plausibility.assess`; empty: not asked."""
    reflectance: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Percentiles by band that it was judged by."""
    ground: Mapping[str, float] = field(default_factory=dict)
    """Median by band of clear ground, by which it is compared with other scenes of the place."""

    def is_odd(self, trusted: Collection[str]) -> bool:
        """Tell whether it was mapped but waits for a person to say that it is right."""
        return (
            self.state == SceneState.MAPPED
            and self.plausibility in ("odd", "implausible")
            and self.scene_id not in trusted
        )

    def as_json(self) -> dict[str, Any]:
        """Return what ``done.json`` holds; :meth:`from_json` reads it."""
        return asdict(self) | {C.REASON_MESSAGE: Message(self.reason).as_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Record:
        """Return the record of :meth:`as_json`; TypeError for content of another form."""
        known = dict(content)
        kept = known.pop(C.REASON_MESSAGE, None)
        if kept is not None:
            known["reason"] = Message.from_json(kept)
        return cls(**known)


def scene_parts(scene: Scene) -> list[Path]:
    """Return the files of a scene's product, also those that lie outside its folder."""
    layers = [*scene.bands.values(), scene.quality, scene.saturation]
    paths = {path for layer in layers if layer is not None for path in paths_of(layer)}
    elsewhere = {Path(path) for path in paths if not path.startswith("/vsi")}
    is_here = "://" not in scene.path
    product = parts_of(Path(scene.path.partition("#")[0])) if is_here else []
    return sorted({*product, *(path for path in elsewhere if path.is_file())})


def read(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file, empty when there is none or it is damaged."""
    try:
        content = json_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_record(path: Path) -> Record | None:
    """Return what became of a scene; None when nothing tells it, or not as a run wrote it."""
    content = read(path)
    try:
        record = Record.from_json(content)
    except (TypeError, LookupError, ValueError, AttributeError):
        return None
    names = ("scene_id", "state", "reason", "key", "stamp", "checksum", "verified")
    if not all(isinstance(getattr(record, name), str) for name in names):
        return None
    is_sound = isinstance(record.n_outlines, int) and record.state in _KNOWN_STATES
    is_sound &= _are_levels(record.ground.values() if isinstance(record.ground, dict) else None)
    is_sound &= isinstance(record.reflectance, dict) and all(
        isinstance(levels, list) and len(levels) == len(PERCENTILES) and _are_levels(levels)
        for levels in record.reflectance.values()
    )
    return record if is_sound and record.outputs == outputs_of(content) else None


def _are_levels(values: Iterable[Any] | None) -> bool:
    return values is not None and all(isinstance(value, int | float) for value in values)


def outputs_of(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the outputs that a manifest names, with their checksums.

    A manifest may come from anybody: names that lead out of its folder, by ``..``, from a root
    or a drive, or with anything that is no file name, are no outputs.
    """
    named = content.get("outputs")
    if not isinstance(named, dict):
        return {}
    return {
        name: checksum
        for name, checksum in named.items()
        if isinstance(checksum, str) and isinstance(name, str) and is_plain(name)
    }


def holds(folder: Path, name: str, checksum: str) -> bool:
    """Tell whether a file lies in a folder itself, not behind a link, with a checksum."""
    path = folder / name
    steps = [path, *path.parents][: len(PurePosixPath(name).parts)]
    try:
        is_here = path.is_file() and not any(step.is_symlink() for step in steps)
        return is_here and atomic.sha256(path) == checksum
    except OSError:
        return False


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file, whole, with equal bytes for equal content on every system."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic.whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def outputs_hold(folder: Path, outputs: Mapping[str, str]) -> bool:
    """Tell whether every output is there with the checksum that the manifest names."""
    return bool(outputs) and all(holds(folder, name, sum_) for name, sum_ in outputs.items())


def scene_table(
    folder: Path,
    scenes: Iterable[Scene],
    records: Mapping[str, Record],
    refused: Iterable[SceneRefused],
    trusted: Collection[str] = (),
) -> pd.DataFrame:
    """Return the table of scenes of a run.

    Parameters
    ----------
    folder : pathlib.Path
        Paths are told from here, so that the table does not depend on where a project lies.
    scenes : iterable of Scene
        Scenes that were opened.
    records : mapping of str to Record
        What became of each, by id.
    refused : iterable of SceneRefused
        Refusals; those of products that could not even be opened get a row too.
    trusted : collection of str
        Scenes that a person vouches for.

    Returns
    -------
    pandas.DataFrame
        Columns of :data:`glacial_lakes.schema.SCENES`.
    """
    opened = {scene.path: scene for scene in scenes}
    rows: list[dict[str, Any]] = [
        {
            C.SCENE_ID: scene.id,
            C.ACQUIRED: scene.acquired,
            C.SENSOR: scene.sensor,
            C.LEVEL: scene.level,
            C.PATH: _relative(scene.path, folder),
            C.CLOUD_PERCENT: scene.cloud_percent,
            C.SUN_AZIMUTH_DEG: scene.sun_azimuth_deg,
            C.SUN_ELEVATION_DEG: scene.sun_elevation_deg,
            C.CHECKSUM: records[scene.id].verified,
            C.STATE: SceneState.ODD
            if records[scene.id].is_odd(trusted)
            else records[scene.id].state,
            **_reason(records[scene.id].reason, folder),
            C.N_OUTLINES: records[scene.id].n_outlines,
            C.PLAUSIBILITY: _plausibility(records[scene.id], trusted),
            C.REFLECTANCE: json.dumps(dict(records[scene.id].reflectance)) or None,
        }
        for scene in opened.values()
    ]
    rows += [
        {
            C.SCENE_ID: shown(Path(event.path).name),
            C.PATH: _relative(event.path, folder),
            C.CHECKSUM: UNVERIFIED,
            C.STATE: SceneState.REFUSED,
            **_reason(event.reason, folder),
        }
        for event in refused
        if event.path not in opened
    ]
    return schema.conform(pd.DataFrame(rows), schema.SCENES)


def content(
    project: settings.Project,
    scenes: pd.DataFrame,
    records: Mapping[str, Record],
    checksums: Mapping[str, str],
) -> dict[str, Any]:
    """Return all that a result follows from; as long as it is equal, nothing is new."""
    tables = settings.as_dict(project)
    tables.pop("limits")  # they decide what is tried, never what comes of it
    rows = json.loads(scenes.to_json(orient="records", date_format="iso"))
    for row in rows:
        record = records.get(row[C.SCENE_ID])
        row["sha256"] = (record and record.checksum) or UNVERIFIED
        row["outputs"] = record.outputs if record else {}
    paths = settings.input_files(project)
    return {
        "glacial_lakes": code_version(),
        "versions": versions(),
        "settings": tables,
        "inputs": {
            name: {"path": paths[name], "sha256": checksum} for name, checksum in checksums.items()
        },
        "scenes": rows,
    }


def _reason(reason: str, folder: Path) -> dict[str, str]:
    """Return the columns that tell why a scene was refused, in English and for other languages."""
    if not reason:
        return {}
    message = Message(reason).with_texts(lambda text: _relative(text, folder))
    return {
        C.REASON: str(message),
        C.REASON_MESSAGE: json.dumps(message.as_json(), ensure_ascii=False),
    }


def _plausibility(record: Record, trusted: Collection[str]) -> str | None:
    if record.plausibility in ("odd", "implausible") and record.scene_id in trusted:
        return "trusted"
    return record.plausibility or None


def _relative(text: str, folder: Path) -> str:
    text = text.replace(f"{folder}{os.sep}", "").replace(os.sep, "/")
    return shown(text.replace(f"{shown(str(folder))}{os.sep}", ""))
