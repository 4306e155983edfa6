"""A run on a Dask cluster: a scheduler and two workers in processes, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Call
from sample_project import PRODUCTS, Maker, project_of, spoil, tree

from glacial_lakes.errors import ConfigError
from glacial_lakes.events import Event, SceneMapped
from glacial_lakes.language import in_language
from glacial_lakes.workflow.dask import connect
from glacial_lakes.workflow.run import run

pytest.importorskip("distributed")

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@dataclass(frozen=True)
class Started:
    """A cluster of processes of this computer."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]
    folder: Path

    def add_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "3GB")
        worker = start("worker", self.address, *options, folder=self.folder, **environment)
        self.workers.append(worker)
        return worker


def start(*words: str, folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        cwd=folder,
        env=ENVIRONMENT | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def cluster(folder: Path, workers: int = 0) -> Iterator[Started]:
    """Start a scheduler and workers, and end them."""
    port = free_port()
    options = ("--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    process = start("scheduler", *options, folder=folder)
    started = Started(f"tcp://127.0.0.1:{port}", process, [], folder)
    try:
        for _ in range(workers):
            started.add_worker()
        if workers:
            with connect(started.address, 30) as client:
                client.wait_for_workers(workers, timeout=60)
        yield started
    finally:
        for child in (*started.workers, process):
            child.kill()
            child.wait()


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Return a cluster of two workers that outlasts each test."""
    with cluster(tmp_path_factory.mktemp("cluster"), workers=2) as started:
        yield started


@pytest.fixture
def two_mortals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Return a cluster of two workers whose processes may be killed."""
    with cluster(tmp_path_factory.mktemp("cluster"), workers=2) as started:
        yield started


@pytest.fixture
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Return a scheduler without workers."""
    with cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def test_a_cluster_gives_the_same_bytes_as_this_computer(
    two_workers: Started, make: Maker, finished: Path, tmp_path: Path, call: Call
) -> None:
    path = make(tmp_path)
    code, out, _ = call("run", path, "--dask", two_workers.address, "--json")
    assert (code, json.loads(out)["mapped"]) == (0, list(PRODUCTS))
    assert tree(path) == tree(finished)
    assert [path.name for path in (tmp_path / "output").rglob(".*")] == [".glacial_lakes"]
    with connect(two_workers.address) as client:
        assert run(project_of(path), executor=client).unchanged


@pytest.mark.thorough
@posix
def test_a_killed_worker_costs_only_the_scene_it_was_at(
    two_mortals: Started, make: Maker, finished: Path, tmp_path: Path
) -> None:
    path = make(tmp_path)
    mapped: list[str] = []
    left_over: list[str] = []
    with connect(two_mortals.address) as client:
        pids = client.run(os.getpid)
        client.get_task_stream()  # from here on it is recorded

        def kill_who_was_first() -> None:
            """Kill the worker that has given a scene and is at another one."""
            victim = ""
            while not victim:
                time.sleep(0.02)
                at_work = client.processing()
                gave = [task["worker"] for task in client.get_task_stream()]
                if len(gave) == len(mapped):  # what it gave has arrived
                    victim = next((worker for worker in gave if at_work.get(worker)), "")
            left_over.extend(at_work[victim])
            os.kill(pids[victim], signal.SIGKILL)

        def listen(event: Event) -> None:
            if isinstance(event, SceneMapped):
                mapped.append(event.scene_id)
                if len(mapped) == 1:
                    killers.append(threading.Timer(0, kill_who_was_first))
                    killers[0].start()

        killers: list[threading.Timer] = []
        result = run(project_of(path), executor=client, on_event=listen)
        done = [task["key"] for task in client.get_task_stream()]
    assert len(left_over) == 1
    assert [worker.poll() for worker in two_mortals.workers].count(-signal.SIGKILL) == 1
    assert (result.mapped, result.refused) == (PRODUCTS, ())
    assert sorted(mapped) == sorted(PRODUCTS)
    assert len(set(done)) == 3
    # It may have ended within the moment before the kill; its result went with the worker.
    assert {key for key in done if done.count(key) > 1} <= set(left_over)
    assert tree(path) == tree(finished)


@pytest.mark.thorough
@posix
def test_an_interrupt_stops_the_workers_and_the_next_run_goes_on(
    two_workers: Started, make: Maker, finished: Path, tmp_path: Path
) -> None:
    path = make(tmp_path)
    command = [sys.executable, "-m", "glacial_lakes", "run", path, "--dask", two_workers.address]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8")
    while not any((tmp_path / "output").glob("scenes/*/done.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    deadline = time.monotonic() + 20
    while list((tmp_path / "output").glob(".mapping-*")) and time.monotonic() < deadline:
        time.sleep(0.1)  # workers look once a second whether the run still wants them
    assert not list((tmp_path / "output").glob(".mapping-*"))
    with connect(two_workers.address) as client:
        result = run(project_of(path), executor=client)
    assert result.reused
    assert tree(path) == tree(finished)


def test_what_fails_in_the_event_loop_of_the_client_prints_no_traceback(
    two_workers: Started, tmp_path: Path
) -> None:
    # Ctrl-C in the moment in which a question is on its way to the scheduler
    script = tmp_path / "fails.py"
    script.write_text(
        "import sys\n"
        "from glacial_lakes.workflow.dask import connect\n"
        "with connect(sys.argv[1]) as client:\n"
        "    client.loop.add_callback(lambda: 1 / 0)\n"
        "    client.nthreads()\n"
    )
    command = [sys.executable, script, two_workers.address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert not done.stderr


@pytest.mark.thorough
@posix
def test_a_lost_scheduler_ends_the_run_in_one_line(
    two_mortals: Started, make: Maker, tmp_path: Path
) -> None:
    path = make(tmp_path)
    command = [sys.executable, "-m", "glacial_lakes", "-q", "run", path]
    process = subprocess.Popen(
        [*command, "--dask", two_mortals.address], stderr=subprocess.PIPE, encoding="utf-8"
    )
    while not any((tmp_path / "output").glob(".mapping-*/*/*")):
        time.sleep(0.02)
    two_mortals.scheduler.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1, errors
    assert errors.startswith("GL5002 the connection to the Dask scheduler was lost")


def test_a_bad_scene_is_one_failed_row(
    two_workers: Started, make: Maker, finished: Path, tmp_path: Path, call: Call
) -> None:
    path = make(tmp_path, PRODUCTS[:2])
    spoil(path, PRODUCTS[1])
    code, out, _ = call("run", path, "--dask", two_workers.address, "--json")
    assert code == 3
    answer = json.loads(out)
    assert answer["mapped"] == [PRODUCTS[0]]
    (refused,) = answer["refused"]
    assert refused["path"] == str(tmp_path / "scenes" / PRODUCTS[1])
    assert refused["reason"].startswith("GL10")
    outlines = f"scenes/{PRODUCTS[0]}/outlines.gpkg"
    assert tree(path)[outlines] == tree(finished)[outlines]


@pytest.mark.thorough
def test_a_worker_that_comes_late_is_waited_for(
    scheduler: Started, make: Maker, finished: Path, tmp_path: Path
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    with subprocess.Popen(
        [sys.executable, "-m", "glacial_lakes", "run", str(path), "--dask", scheduler.address],
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as waiting:
        assert waiting.stderr is not None
        assert any("no workers yet" in line for line in waiting.stderr)
        scheduler.add_worker()
        rest = waiting.stderr.read()
    assert waiting.returncode == 0, rest
    outlines = f"scenes/{PRODUCTS[0]}/outlines.gpkg"
    assert tree(path)[outlines] == tree(finished)[outlines]


@pytest.mark.thorough
def test_a_worker_of_another_version_ends_the_run_in_one_line(
    scheduler: Started, make: Maker, tmp_path: Path, call: Call
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "sitecustomize.py").write_text(
        "import glacial_lakes\nglacial_lakes.__version__ = '0.0.1'\n", encoding="utf-8"
    )
    scheduler.add_worker(PYTHONPATH=os.pathsep.join([str(fake), ENVIRONMENT["PYTHONPATH"]]))
    code, _, said = call("-q", "run", path, "--dask", scheduler.address)
    assert code == 1
    (line,) = said.splitlines()
    assert line.startswith("GL5002 ")
    assert "glacial_lakes 0.0.1" in line
    assert not (tmp_path / "output" / "inventory.gpkg").exists()


def test_an_address_without_answer_is_told_in_one_line(
    make: Maker, tmp_path: Path, call: Call
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    address = f"tcp://127.0.0.1:{free_port()}"
    code, _, said = call("run", path, "--dask", address, "--lang", "ru")
    assert code == 1
    (line,) = said.splitlines()
    assert line.startswith(f"GL5002 {address}: по этому адресу")


@pytest.mark.parametrize("address", ["nonsense", "ftp://1.2.3.4:5", "tcp://", "tcp://a:b"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError) as caught, connect(address, 2):
        pass
    assert address in str(caught.value)


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r'install "glacial-lakes\[dask\]"') as caught:
        connect("tcp://127.0.0.1:1").__enter__()
    assert "установите" in in_language(caught.value, "ru")
