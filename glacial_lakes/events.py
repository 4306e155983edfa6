"""Progress of long work as small messages; the library never prints.

Long-running functions take ``on_event``, a function that is called with each message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage of a run began, e.g. ``"map"`` with ``total`` scenes to go."""

    stage: str
    total: int


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part of a stage is done, such as a format that was written."""

    stage: str
    name: str


@dataclass(frozen=True, slots=True)
class SceneMapped:
    """A scene was mapped."""

    scene_id: str
    outlines: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SceneReused:
    """A scene's earlier result still holds, so it was not mapped again."""

    scene_id: str


@dataclass(frozen=True, slots=True)
class SceneRefused:
    """A scene could not be used; the reason is one line."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class SceneOdd:
    """A scene is readable but looks odd; the reason is one line."""

    scene_id: str
    path: str
    reason: str
    is_used: bool
    """False: it was mapped, but waits for a person to trust it."""


@dataclass(frozen=True, slots=True)
class EditsTakenIn:
    """An inventory was edited itself: its edits became decisions, the file is kept."""

    decisions: int
    kept: str


@dataclass(frozen=True, slots=True)
class InventoryRestored:
    """An inventory was not there, and was put back as it was written."""

    path: str


@dataclass(frozen=True, slots=True)
class ScenesAway:
    """Scenes of the earlier inventory are not there; some of what they showed stays."""

    scenes: int
    lakes: int
    """Lakes that persons have touched and that only these scenes show."""


@dataclass(frozen=True, slots=True)
class ErrorsRevised:
    """More dates tell more of what the errors of a lake's areas share; those of older dates too."""

    areas: int
    """Areas of the earlier inventory of whose error another part is of the date now."""
    known: int
    """Areas that both inventories have."""


@dataclass(frozen=True, slots=True)
class DemNotGiven:
    """Scenes are mapped without elevation: shade and steep slopes are not excluded."""


@dataclass(frozen=True, slots=True)
class KernelsCompiling:
    """The innermost loops are compiled, here or by another process; once on a computer."""


@dataclass(frozen=True, slots=True)
class KernelsNotCompiled:
    """``NUMBA_DISABLE_JIT`` is set: the innermost loops take hundreds of times as long."""


@dataclass(frozen=True, slots=True)
class InputOdd:
    """An input is used, but a person should know something of it; one line."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RowsLeftOut:
    """Rows of an input could not be used; the others are. One line names them."""

    path: str
    reason: str
    count: int


Event = (
    StageStarted
    | PartDone
    | SceneMapped
    | SceneReused
    | SceneRefused
    | SceneOdd
    | EditsTakenIn
    | InventoryRestored
    | ScenesAway
    | ErrorsRevised
    | DemNotGiven
    | KernelsCompiling
    | KernelsNotCompiled
    | InputOdd
    | RowsLeftOut
)
Listener = Callable[[Event], None]
_Kind = TypeVar("_Kind")


def ignore(event: Event) -> None:
    """Do nothing with a message: the default listener."""


def only(kind: type[object], on_event: Listener) -> Listener:
    """Return a listener that passes on the messages of one kind alone.

    Parameters
    ----------
    kind : type
        Class of the messages that are passed on, e.g. :class:`PartDone`.
    on_event : callable
        Gets them.

    Examples
    --------
    >>> tell = only(PartDone, print)
    >>> tell(DemNotGiven()), tell(PartDone("export", "kmz"))
    PartDone(stage='export', name='kmz')
    (None, None)
    """

    def listen(event: Event) -> None:
        if isinstance(event, kind):
            on_event(event)

    return listen


def collecting(kind: type[_Kind], found: list[_Kind], on_event: Listener = ignore) -> Listener:
    """Return a listener that keeps the messages of one kind, and passes all of them on.

    Parameters
    ----------
    kind : type
        Class of the messages that are kept, e.g. :class:`SceneRefused`.
    found : list
        Takes them in the order in which they come.
    on_event : callable, optional
        Gets every message afterwards.

    Examples
    --------
    >>> refused = []
    >>> listen = collecting(SceneRefused, refused)
    >>> listen(DemNotGiven()), listen(SceneRefused("a.SAFE", "is empty"))
    (None, None)
    >>> [event.path for event in refused]
    ['a.SAFE']
    """

    def listen(event: Event) -> None:
        if isinstance(event, kind):
            found.append(event)
        on_event(event)

    return listen
