"""Ctrl-C, also where Python drops it: in a ``__del__`` no exception can be raised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_project import PRODUCTS, Maker, tree

from glacial_lakes.runtime import interrupts

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
SCRIPT = """
import importlib, signal, sys
from glacial_lakes.cli.commands import main

class Deaf:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def interrupted(*arguments, **named):
    result = step(*arguments, **named)
    Deaf()
    return result

module, name, project = sys.argv[1:]
module = importlib.import_module("glacial_lakes." + module)
step = getattr(module, name)
setattr(module, name, interrupted)
main(["run", project])
"""


class Deaf:
    """Ctrl-C comes when this is let go."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.fixture(autouse=True)
def usual_handler() -> Iterator[None]:
    """Let Ctrl-C raise, as in a program that is started by hand."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("module", "step", "reached"),
    [
        ("workflow.scene_tasks", "wait", "no scene"),
        ("workflow.run", "_track", "one scene"),
        ("workflow.run", "_replace_results", "inventory"),
    ],
)
def test_an_interrupt_that_python_drops_ends_the_run(
    make: Maker, tmp_path: Path, module: str, step: str, reached: str
) -> None:
    path = make(tmp_path, PRODUCTS[:1])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, module, step, path],
        check=False,
        capture_output=True,
        env=ENVIRONMENT,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 130, done.stderr
    assert (done.stdout, done.stderr.count("interrupted")) == ("", 1)
    assert "Traceback" not in done.stderr
    names = set(tree(path))
    assert ("inventory.gpkg" in names) == (reached == "inventory")
    assert any(name.startswith("scenes/") for name in names) == (reached != "no scene")
    hidden = {path.name for path in (tmp_path / "output").rglob(".*")}
    assert hidden <= {".glacial_lakes"}


def test_a_loop_that_asks_hears_of_it() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.remembered():
        interrupts.raise_if_interrupted()
        Deaf()
        with pytest.raises(KeyboardInterrupt):
            interrupts.raise_if_interrupted()


def test_an_interrupt_is_raised_at_once_and_so_is_a_second_one() -> None:
    heard = []
    with pytest.raises(KeyboardInterrupt), interrupts.remembered():
        for _ in range(2):
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                heard.append("Ctrl-C")
    assert heard == ["Ctrl-C"] * 2


def test_an_error_that_a_library_makes_of_an_interrupt_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts.remembered():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as interrupt:
            raise OSError from interrupt


def test_what_else_python_drops_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Bad:
        def __del__(self) -> None:
            raise ValueError

    hook = sys.unraisablehook
    sys.unraisablehook = sys.__unraisablehook__
    try:
        with interrupts.remembered():
            Bad()
    finally:
        sys.unraisablehook = hook
    assert "ValueError" in capsys.readouterr().err


def test_afterwards_all_is_as_before() -> None:
    hook = sys.unraisablehook
    with interrupts.remembered():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert sys.unraisablehook is hook
    interrupts.raise_if_interrupted()


def test_a_program_that_is_deaf_to_interrupts_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts.remembered():
        signal.raise_signal(signal.SIGINT)
        interrupts.raise_if_interrupted()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_other_threads_leave_the_handler_alone() -> None:
    handlers = []

    def look() -> None:
        with interrupts.remembered():
            handlers.append(signal.getsignal(signal.SIGINT))
            interrupts.raise_if_interrupted()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]
