"""Scenes on the workers of a Dask cluster: the same work and the same bytes as on one computer."""

from __future__ import annotations

import asyncio
import functools
import importlib
import logging
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import glacial_lakes
from glacial_lakes.errors import N_, ClusterError, ConfigError, Message
from glacial_lakes.events import Listener
from glacial_lakes.places import file_of
from glacial_lakes.runtime import machine
from glacial_lakes.runtime.processes import ProcessPerCall
from glacial_lakes.runtime.revision import code_version, versions
from glacial_lakes.workflow.compiling import compile_ahead
from glacial_lakes.workflow.manifest import Record
from glacial_lakes.workflow.output_folder import RUNNING_NAME, remove_work
from glacial_lakes.workflow.scene_tasks import (
    SCENE_SECONDS,
    Mapped,
    SceneTask,
    capacity,
    map_all,
    map_scene,
)

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 5.0
LEAST_AHEAD = 16
"""Scenes handed over while there are few workers: a cluster that adapts sees what is wanted."""

_SEEN_SECONDS = 5.0  # network file systems show new folders late
_POLL_SECONDS = 1.0
_START = N_("start it with: dask scheduler --host 127.0.0.1, and give the address that it prints")
_SCHEMES = {"tcp", "tls", "ucx", "ws", "wss"}

_LOG = logging.getLogger(__name__)


@contextmanager
def connect(address: str, seconds: float = CONNECT_SECONDS) -> Iterator[Client]:
    """Connect to the scheduler of a cluster.

    Parameters
    ----------
    address : str
        E.g. ``tcp://10.0.0.5:8786``.
    seconds : float
        How long to try.

    Yields
    ------
    distributed.Client

    Raises
    ------
    ConfigError
        When Dask is not installed, or the address is none.
    ClusterError
        When nobody answers there.
    """
    try:
        from distributed import Client  # noqa: PLC0415 (an extra)
    except ImportError:
        remedy = N_('install it: python -m pip install "glacial-lakes[dask]"')
        raise ConfigError(None, "Dask is not installed", remedy) from None
    # What matters is raised. Distributed sets the level of each of its own; its event loop logs
    # a traceback when Ctrl-C meets a question to the scheduler that has not left yet.
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(("distributed.", "tornado.")):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if not _is_address(address):  # a client that is told nonsense leaves a broken thread behind
        remedy = N_("give one such as tcp://10.0.0.5:8786")
        raise ConfigError(address, "is no address of a Dask scheduler", remedy)
    _knock(address, seconds)
    try:
        client = Client(address, timeout=seconds, set_as_default=False)
    except OSError:  # it went in the meantime
        raise ClusterError(address, "no Dask scheduler answers there", _START) from None
    with client:
        yield client


def _knock(address: str, seconds: float) -> None:
    """See who answers, before a client asks again and again.

    Raises
    ------
    ClusterError
        When nobody does in that time, or something that is no scheduler.
    """
    from distributed.comm.core import connect as reach  # noqa: PLC0415 (an extra)
    from distributed.security import Security  # noqa: PLC0415

    async def ask() -> None:
        arguments = Security().get_connection_args("client")
        comm = await asyncio.wait_for(reach(address, timeout=seconds, **arguments), seconds)
        comm.abort()

    with ThreadPoolExecutor(1) as apart:  # this thread may have an event loop of its own
        error = apart.submit(asyncio.run, ask()).exception()
    if isinstance(error, OSError | TimeoutError):  # refused, unknown host, too late
        raise ClusterError(address, "no Dask scheduler answers there", _START)
    if error is not None:
        raise ClusterError(address, "what answers there is no Dask scheduler", _START)


def map_on_cluster(
    tasks: Sequence[SceneTask],
    client: Any,
    *,
    work: Path,
    jobs: int | None = None,
    max_memory: int | None = None,
    scene_seconds: float = SCENE_SECONDS,
    on_event: Listener,
) -> list[Record]:
    """Map scenes on the workers of a cluster, each in a process of its own.

    A scene whose worker is lost goes to another one; only what a worker was at is done again.

    Parameters
    ----------
    tasks : sequence of SceneTask
        The scenes.
    client : distributed.Client
        The cluster. Workers may come and go.
    work : pathlib.Path
        Folder for unfinished results, seen by all; workers stop when its file
        ``running`` is removed.
    jobs : int, optional
        Scenes at a time. Default: one for each thread of the workers.
    max_memory : int, optional
        Bytes for all scenes at a time together. Default: what each worker may use.
    scene_seconds : float
        Longest time for a scene.
    on_event : callable
        Told of each scene when it is done.

    Returns
    -------
    list of Record
        In the order of the tasks.

    Raises
    ------
    ClusterError
        When the scheduler is lost, or a worker sees other files or has other versions.
    OutputError
        When the output folder cannot be written.
    """
    most, scene_bytes = jobs, None
    if max_memory is not None:
        grids = [task.scene.grid for task in tasks]
        strip_rows = tasks[0].settings.strip_rows
        room = capacity(grids, jobs or max(_threads(client), 1), max_memory, strip_rows)
        most, scene_bytes = room.jobs, room.scene_bytes

    def ahead() -> int:
        return most or max(LEAST_AHEAD, 2 * _threads(client))

    _check_versions(client)
    if not _threads(client):
        _LOG.warning(Message("the cluster has no workers yet; the scenes wait for them"))
    executor = client.get_executor(pure=False)
    call = functools.partial(
        map_on_worker, versions=_versions(), memory_bytes=scene_bytes, seconds=scene_seconds
    )
    return map_all(
        tasks, executor, alone=executor, work=work, call=call, ahead=ahead, on_event=on_event
    )


def map_on_worker(
    task: SceneTask,
    *,
    versions: Mapping[str, str],
    memory_bytes: int | None,
    seconds: float = SCENE_SECONDS,
) -> Mapped:
    """Map one scene on a worker: look whether it can, then do it in a process of its own.

    Parameters
    ----------
    task : SceneTask
        The scene; its folder lies in the folder of the run.
    versions : mapping of str to str
        What computes where the run was started.
    memory_bytes : int, optional
        Most memory for the scene, besides what the worker may use.
    seconds : float
        Longest time for it.

    Returns
    -------
    Mapped

    Raises
    ------
    ClusterError
        When this worker sees other files or has other versions.
    """
    _check(task, versions)
    compile_ahead()
    work = task.folder.parent
    share = min(_share(), memory_bytes or machine.memory_bytes())
    room = capacity([task.scene.grid], 1, share, task.settings.strip_rows)
    task = replace(task, settings=replace(task.settings, strip_rows=room.strip_rows))
    with ProcessPerCall(1, seconds=seconds, memory_bytes=room.scene_bytes) as alone:
        future = alone.submit(map_scene, task)
        while not wait([future], timeout=_POLL_SECONDS).done:
            if not (work / RUNNING_NAME).exists():  # nobody waits for this any more
                alone.shutdown(wait=False, cancel_futures=True)
    if not (work / RUNNING_NAME).exists():
        remove_work(work)  # the run has removed what was there then
    mapped: Mapped = future.result()
    return mapped


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in _SCHEMES and bool(parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        return False


def _check_versions(client: Any) -> None:
    """Look that scheduler and workers know this package; without it they cannot even tell why."""
    distributed: Any = importlib.import_module("distributed")  # an extra

    found = client.get_versions(packages=["glacial_lakes", "distributed"])
    needed = {  # what this process has loaded, whatever is installed beside it
        "glacial_lakes": glacial_lakes.__version__,
        "distributed": distributed.__version__,
    }
    for place, node in {"scheduler": found["scheduler"], **found["workers"]}.items():
        for name, own in needed.items():
            version = node["packages"][name]
            if version != own:
                what = Message(
                    "has {name} {version}, and not {own}", name=name, version=version, own=own
                )
                raise ClusterError(place, what, "install the same versions on all workers")


def _check(task: SceneTask, versions: Mapping[str, str]) -> None:
    host = socket.gethostname()
    own = _versions()
    for name, version in versions.items():
        if own.get(name) != version:
            what = Message(
                "the worker on {host} has {name} {own}, and not {version}",
                host=host,
                name=name,
                own=own.get(name),
                version=version,
            )
            raise ClusterError(None, what, "install the same versions on all workers")
    needed = (task.folder.parent / RUNNING_NAME, task.scene.path, task.dem, task.glaciers, task.aoi)
    for path in needed:
        if path is not None and not _is_seen(file_of(path)):
            what = Message("the worker on {host} does not see it", host=host)
            raise ClusterError(path, what, "keep it on a disk that all workers share")


def _is_seen(path: Path) -> bool:
    deadline = time.monotonic() + _SEEN_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _share() -> int:
    """Return the bytes that each thread of this worker may use."""
    from distributed import get_worker  # noqa: PLC0415 (an extra)

    worker: Any = get_worker()
    allowed = worker.memory_manager.memory_limit or machine.memory_bytes()
    return int(min(allowed, machine.memory_bytes()) // worker.state.nthreads)


def _versions() -> dict[str, str]:
    return {"glacial_lakes": code_version(), **versions()}


def _threads(client: Any) -> int:
    try:
        return sum(client.nthreads().values())
    except OSError:  # the client is connecting anew
        return 0
