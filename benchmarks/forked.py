"""Commands of the program in children that may be killed, hang or crash without harm to the rest.

A child is forked from a process that has loaded the program and opened nothing: a command then
costs a tenth of a start of Python, and what it does to itself is gone with it.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from glacial_lakes.cli.commands import main

HANG_S = 90.0
"""A command on the small data of a trial that takes longer is taken to hang."""
_STEP_S = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command."""

    code: int | None
    """Exit code; None when a signal ended it."""
    is_hung: bool
    text: str
    """Of stdout and stderr."""
    errors: str
    """Of stderr alone."""

    @property
    def fault(self) -> str:
        """What no command may do, whatever it was given; empty when it did nothing of it."""
        what = {
            "hangs": self.is_hung,
            "was ended by a signal": self.code is None,
            "a traceback": "Traceback" in self.text,
            "GL0000": "GL0000" in self.text,
            f"exit code {self.code}": self.code not in (0, 1, 2, 3, 4),
        }
        if any(what.values()):
            return next(name for name, is_so in what.items() if is_so)
        if self.code == 1 and "refused: " in self.text:  # a run tells it of each scene
            return ""
        last = self.errors.strip().splitlines()[-1:]
        if self.code in (1, 2, 4) and not (last and last[0].startswith(("GL", "Error", "Usage"))):
            return f"exit code {self.code} without its line"
        return ""


class Running:
    """A command that was started."""

    def __init__(
        self, arguments: tuple[object, ...], log: Path, before: Callable[[], object] | None = None
    ) -> None:
        self.log = log
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _be_the_command([str(one) for one in arguments], log, before)
        self.status: int | None = None

    def is_over(self) -> bool:
        """Tell whether it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def kill(self) -> bool:
        """End it and the processes that it started; tell whether it still ran."""
        ran = not self.is_over()
        if ran:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                os.kill(self.pid, signal.SIGKILL)
            _, self.status = os.waitpid(self.pid, 0)
        return ran

    def outcome(self, seconds: float = HANG_S) -> Outcome:
        """Wait for its end, and end it when it does not come."""
        end = time.monotonic() + seconds
        while not self.is_over() and time.monotonic() < end:
            time.sleep(_STEP_S)
        is_hung = self.kill()
        errors = _text(self.log.with_suffix(".err"))
        status = self.status or 0
        code = os.waitstatus_to_exitcode(status)
        return Outcome(
            None if code < 0 else code,
            is_hung,
            _text(self.log.with_suffix(".out")) + errors,
            errors,
        )


def command(*arguments: object, log: Path, before: Callable[[], object] | None = None) -> Outcome:
    """Run a command to its end.

    Parameters
    ----------
    *arguments : object
        As on the command line.
    log : pathlib.Path
        Where its words go, without ending.
    before : callable, optional
        Called in the child before the command.
    """
    return Running(arguments, log, before).outcome()


def die_at_rename(number: int, *, after: bool) -> Callable[[], None]:
    """Return what makes a process kill itself at its n-th change of a name on the disk.

    A name changes by a rename, a replacement or a removal. Counted from 1.
    """
    count = itertools.count(1)

    def call_and_die(call: Callable[..., object], *arguments: object, **named: object) -> object:
        is_it = next(count) == number
        if is_it and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **named)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return functools.partial(_at_names, call_and_die)


def count_renames(tally: Path) -> Callable[[], None]:
    """Return what makes a process write a byte into a file at each change of a name."""

    def call_and_tell(call: Callable[..., object], *arguments: object, **named: object) -> object:
        with tally.open("ab") as file:
            file.write(b"x")
        return call(*arguments, **named)

    return functools.partial(_at_names, call_and_tell)


def _at_names(around: Callable[..., object]) -> None:
    for name in ("replace", "rename", "unlink", "remove", "rmdir"):
        setattr(os, name, functools.partial(around, getattr(os, name)))


def _be_the_command(arguments: list[str], log: Path, before: Callable[[], object] | None) -> None:
    code = 99
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        for number, ending in ((1, ".out"), (2, ".err")):
            file = os.open(log.with_suffix(ending), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(file, number)
        if before is not None:
            before()
        main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:  # noqa: BLE001 (told, and the child ends)
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace") if path.exists() else ""
