"""Calls in processes of their own: one that crashes, hangs or eats the memory ends only itself."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import spawn
from pathlib import Path
from typing import IO, Any

from glacial_lakes.errors import Message, ResourceError, TimeLimitError
from glacial_lakes.runtime import doors, interrupts

_LOG = logging.getLogger(__name__)
_SERVE = "from glacial_lakes.runtime.processes import serve; serve()"
_SERVE_IN_TURN = "from glacial_lakes.runtime.processes import serve_in_turn; serve_in_turn()"
_START_SECONDS = 120.0
"""Longest time until a process has loaded what it needs, on a busy computer."""
_READY, _LEAVE = b"r", b"l"
"""What a child says when it has loaded its call, and what it then waits for."""
_WAIT_SECONDS = 0.5  # Windows delivers Ctrl-C only between waits


class ProcessPerCall(Executor):
    """An executor that starts a fresh Python for each call.

    Against :class:`concurrent.futures.ProcessPoolExecutor`: the death of a process tells which
    call it was and ends no other call; a call that takes too long is killed; memory that native
    libraries keep is given back; and the script that called the library is not run again in
    the child, so that it needs no ``if __name__ == "__main__"``. Nothing is forked.

    Parameters
    ----------
    max_workers : int
        Calls at a time.
    seconds : float, optional
        Longest time for a call.
    memory_bytes : int, optional
        Most memory for a call, where the system can limit it (Linux).

    Notes
    -----
    A future raises :class:`ResourceError` when its process died or was killed.
    """

    def __init__(
        self, max_workers: int, *, seconds: float | None = None, memory_bytes: int | None = None
    ) -> None:
        self._threads = ThreadPoolExecutor(max_workers)
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a call; function, arguments and result must be picklable."""
        return self._threads.submit(self._call, (self._memory_bytes, fn, args, kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with ``cancel_futures`` also kill the ones that run."""
        with self._lock:
            self._cancelled = self._cancelled or cancel_futures
            for process in self._running if cancel_futures else ():
                process.kill()
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Wait for the calls that run; after an error, kill them."""
        self.shutdown(cancel_futures=kind is not None)

    def _call(self, call: tuple[Any, ...]) -> Any:
        late = threading.Event()
        with _messages() as messages:
            process = self._start(messages)

            def give_up() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(self._seconds or threading.TIMEOUT_MAX, give_up)
            timer.daemon = True
            timer.start()
            try:
                answer = _converse(process, pickle.dumps(call))
            finally:
                timer.cancel()
                with self._lock:
                    self._running.discard(process)
                messages.seek(0)
                for line in messages:
                    _LOG.debug(line.decode(errors="replace").rstrip())
        if self._cancelled:
            raise CancelledError
        if late.is_set():
            raise _too_late(self._seconds)
        if not answer:
            raise ResourceError(None, _ending(process.returncode), "run again with -v for details")
        returned, value = pickle.loads(answer)  # noqa: S301 (from our own child)
        if returned:
            return value
        raise value

    def _start(self, messages: IO[bytes]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._cancelled:
                raise CancelledError
            process = _start(_SERVE, messages)
            self._running.add(process)
        return process


def in_turn(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    seconds: float | None = None,
    memory_bytes: int | None = None,
) -> Iterator[Any]:
    """Call a function with one item after the other, in one process apart from this one.

    As safe as :class:`ProcessPerCall`, and much cheaper for short calls: only after a call that
    crashed or took too long the next ones get a fresh process.

    Parameters
    ----------
    function : callable
        Takes one item; both are picklable, and so is what it returns.
    items : iterable
        What it is called with.
    seconds : float, optional
        Longest time for a call.
    memory_bytes : int, optional
        Most memory for the process, where the system can limit it (Linux).

    Yields
    ------
    object
        For each item what the function returned, or the exception that it raised:
        :class:`ResourceError` when the process died or was killed.
    """
    waiting = list(items)
    while waiting:
        for outcome in _until_one_fails((memory_bytes, function, waiting), seconds):
            waiting = waiting[1:]
            yield outcome


def _messages() -> IO[bytes]:
    """Return a file for what a process prints: one that keeps nothing where none can be written."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return Path(os.devnull).open("w+b")


Answer = tuple[bool | None, Any]
"""Whether a call returned, and what it did or raised; None: unreadable, and none comes after it."""


def _until_one_fails(call: tuple[Any, ...], seconds: float | None) -> Iterator[Any]:
    """Yield outcomes by one process, up to that of the item over which it died."""
    left = len(call[-1])
    with _messages() as messages:
        process = _start(_SERVE_IN_TURN, messages)
        answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        forwarder = threading.Thread(target=_forward, args=(process, call, answers), daemon=True)
        forwarder.start()
        try:
            ready = _next_answer(answers, max(_START_SECONDS, seconds or 0.0))
            while left:
                answer = ready and _next_answer(answers, seconds)
                left -= 1
                if answer is _LATE or ready is _LATE:
                    yield _too_late(seconds)
                    return
                if answer is None:
                    process.kill()
                    code = process.wait()
                    yield ResourceError(None, _ending(code), "run again with -v for details")
                    return
                yield answer[1]
                if answer[0] is None:
                    return
        finally:
            process.kill()
            process.wait()
            forwarder.join()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with suppress(OSError):  # what was not sent to it yet
                        pipe.close()
            messages.seek(0)
            for line in messages:
                _LOG.debug(line.decode(errors="replace").rstrip())


_LATE: Answer = (False, None)
"""In place of an answer that did not come in time."""


def _next_answer(answers: queue.SimpleQueue[Answer | None], seconds: float | None) -> Answer | None:
    """Return the next answer, or ``_LATE``; None when no more will come."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        try:
            return answers.get(timeout=_WAIT_SECONDS)
        except queue.Empty:
            interrupts.raise_if_interrupted()
            if deadline is not None and time.monotonic() > deadline:
                return _LATE


def _forward(
    process: subprocess.Popen[bytes],
    call: tuple[Any, ...],
    answers: queue.SimpleQueue[Answer | None],
) -> None:
    """Send the call to a process, and pass on what it answers until it ends."""
    assert process.stdin and process.stdout  # noqa: S101 (both are pipes)
    try:
        if _send(process, pickle.dumps(call)):
            answers.put((True, None))
        while True:
            answers.put(pickle.load(process.stdout))  # noqa: S301 (from our own child)
    except (OSError, ValueError, EOFError, pickle.UnpicklingError):
        answers.put(None)
    except Exception as error:  # noqa: BLE001 (an answer that cannot be read here)
        answers.put((None, error))  # what follows it in the pipe cannot be told apart


def _start(what: str, messages: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a Python that serves us; it imports nothing from the folder it works in."""
    environment = dict(os.environ)
    doors.go_offline(environment)
    environment["PYTHONPATH"] = os.pathsep.join(doors.import_path())
    return subprocess.Popen(  # noqa: S603 (our own interpreter)
        [os.fsdecode(spawn.get_executable()), "-P", "-c", what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=messages,
        env=environment,
    )


def _too_late(seconds: float | None) -> TimeLimitError:
    return TimeLimitError(
        None,
        "took longer than {seconds:.0f} s",
        "try it alone on a faster machine, or allow more: in [limits] of the project, or without a "
        "project by variables such as GLACIAL_LAKES_LIMITS_OPEN_S",
        seconds=seconds,
    )


def serve() -> None:
    """Answer one call: what the child process does, and all it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native libraries print must not mix with the answer
    try:
        try:
            memory_bytes, function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301
        finally:
            _await_leave(answer)
        _limit_memory(memory_bytes)
        outcome: tuple[bool, Any] = (True, function(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 (every failure is the caller's to judge)
        outcome = (False, error)
    with answer:
        answer.write(pickle.dumps(outcome))


def serve_in_turn() -> None:
    """Answer one call for each item, as soon as it is done: all that such a child does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    memory_bytes, function, items = pickle.load(sys.stdin.buffer)  # noqa: S301
    _await_leave(answer)  # it is ready: the time of the first call begins
    _limit_memory(memory_bytes)
    with answer:
        for item in items:
            outcome: tuple[bool, Any]
            try:
                outcome = (True, function(item))
            except Exception as error:  # noqa: BLE001 (every failure is the caller's to judge)
                outcome = (False, error)
            answer.write(pickle.dumps(outcome))
            answer.flush()


def _converse(process: subprocess.Popen[bytes], call: bytes) -> bytes:
    """Send the call, return the answer; empty when the process died first."""
    assert process.stdin and process.stdout  # noqa: S101 (both are pipes)
    with process:
        try:
            _send(process, call)
            return process.stdout.read()
        except BrokenPipeError:
            return b""
        except BaseException:
            process.kill()
            raise


def _send(process: subprocess.Popen[bytes], call: bytes) -> bool:
    """Send a call and, once it is loaded, leave to do it; tell whether it was loaded.

    The pipe is left open: its end tells the child that we died.
    """
    assert process.stdin and process.stdout  # noqa: S101 (both are pipes)
    process.stdin.write(call)
    process.stdin.flush()
    if process.stdout.read(1) != _READY:
        return False
    process.stdin.write(_LEAVE)
    process.stdin.flush()
    return True


def _await_leave(answer: IO[bytes]) -> None:
    """Tell the parent that the call is loaded, and go on only if it lives; later die with it.

    To load takes seconds, in which it may have been killed: its work must not be done after it.
    """
    answer.write(_READY)
    answer.flush()
    if os.read(0, 1) != _LEAVE:
        os._exit(1)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    os.read(0, 1)  # not through sys.stdin, whose lock would hang the end of the interpreter
    os._exit(1)


def _limit_memory(memory_bytes: int | None) -> None:
    """Let this process grow to so much resident memory, and no more.

    The system limits what is reserved (``VmData``), which is more than what is used: libraries
    reserve much when they start. What was reserved until now is therefore not counted.
    """
    if memory_bytes is None or sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 (not on Windows)

    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    kilobytes = dict(re.findall(r"^(VmData|VmRSS):\s*(\d+) kB$", status, re.MULTILINE))
    reserved, used = (1024 * int(kilobytes[name]) for name in ("VmData", "VmRSS"))
    limit = reserved + max(memory_bytes - used, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _ending(code: int) -> Message:
    if code >= 0:
        return Message("its process ended with code {code}", code=code)
    try:
        return Message("its process was ended by {signal}", signal=signal.Signals(-code).name)
    except ValueError:
        return Message("its process was ended by signal {signal}", signal=-code)
