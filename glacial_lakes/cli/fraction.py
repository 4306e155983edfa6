"""How far a command is, from what it tells of its work; for programs that show it, such as QGIS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from glacial_lakes.events import Event, Listener, PartDone, SceneMapped, SceneRefused, StageStarted

_WEIGHTS = {"map": 20.0}
"""How long stages take beside the others, which count as 1."""


def percents(stages: Sequence[str], tell: Callable[[int], None]) -> Listener:
    """Return a listener that tells how much of a command is done, whenever that is more.

    Parameters
    ----------
    stages : sequence of str
        The stages of the command in their order, as :class:`~glacial_lakes.events.StageStarted`
        names them; each ends when the next one starts.
    tell : callable
        Gets whole percents, each larger than the one before, from 0; never 100: a command has
        ended when it says so.

    Examples
    --------
    >>> listen = percents(["read", "export"], print)
    >>> for event in (StageStarted("read", 2), PartDone("read", "a"), StageStarted("export", 1)):
    ...     listen(event)
    0
    25
    50
    """
    weights = [_WEIGHTS.get(stage, 1.0) for stage in stages]
    stage, total, done, most = -1, 0, 0, -1

    def listen(event: Event) -> None:
        nonlocal stage, total, done, most
        match event:
            case StageStarted(name, parts) if name in stages:
                stage, total, done = stages.index(name), parts, 0
            case PartDone(name) if stage >= 0 and name == stages[stage]:
                done += 1
            case SceneMapped() | SceneRefused() if stage >= 0 and stages[stage] == "map":
                done += 1
            case _:
                return
        part = min(done / total, 1.0) if total else 1.0
        now = int(100 * (sum(weights[:stage]) + weights[stage] * part) / sum(weights))
        if most < now < 100:
            most = now
            tell(now)

    return listen
