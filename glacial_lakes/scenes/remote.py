"""Images on servers: of a TIFF only the blocks that are needed are fetched, once, and kept.

What was fetched lies in a sparse copy of the file, which GDAL opens like any other: GDAL itself
asks no server. A copy is four files: what it is of (``.remote.json``), its bytes (``.tif``), which
pages of these are there (``.pages``), and its address with a signature (``.url``). ``access.json``
beside them tells what may be asked. Only hosts that a person allowed are asked, also where a server
sends on to another one.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from glacial_lakes.errors import (
    N_,
    DamagedFileError,
    GlacialLakesError,
    Message,
    MissingFileError,
    ResourceError,
    UnsafeInputError,
)
from glacial_lakes.io.extras import optional
from glacial_lakes.io.parsing import json_of
from glacial_lakes.scenes import tiff_blocks
from glacial_lakes.scenes.tiff_blocks import Blocks

ENDING = ".remote.json"
"""Of the description of a copy: the name of a remote image in a scene."""

PAGE = 1 << 12
"""Bytes that are fetched together at least."""
HEAD = 1 << 14
"""Bytes that are fetched first: the directories of most COG."""
JOINED = 1 << 15
"""Gap between parts that are fetched together for all that: a request costs more."""
MOST_AT_ONCE = 1 << 24
"""Bytes of one request; a larger part is fetched in several."""
PAUSE_S = 0.2
"""Before a server is asked again; each time four times as long."""
TOGETHER = 8
"""Requests at a time."""

Answer = TypeVar("Answer")

_LOCAL = ("localhost", "127.0.0.1", "::1")
_BUSY = (429, 500, 502, 503, 504)
_ABSENT = (404, 410)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_MOST_BYTES = 1 << 36


class AbsentError(MissingFileError):
    """A server has no such file."""


class BusyError(ResourceError):
    """A server has no time now."""

    asked_s = 0.0
    """How long it asks to be left alone."""


@dataclass(frozen=True, slots=True)
class Access:
    """What may be asked, and how long a server is waited for."""

    hosts: tuple[str, ...]
    """``host`` or ``host:port``."""
    folder: str
    """Where copies are kept."""
    wait_s: float = 30.0
    """Longest time without a byte of an answer."""
    attempts: int = 3

    @property
    def longest_s(self) -> float:
        """Longest time until a document is there, or a page of what was found."""
        return 10 * self.wait_s

    def require(self, url: str) -> None:
        """Refuse an address that nobody allowed.

        Raises
        ------
        UnsafeInputError
            For another host, or another scheme than https; http is for servers of this computer.
        """
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
        if not is_safe or parts.username is not None:
            what = N_("is an address that is not read")
            raise UnsafeInputError(
                shown_address(url), what, "only https:// is, without a name of a user"
            )
        if parts.netloc not in self.hosts and parts.hostname not in self.hosts:
            raise UnsafeInputError(
                shown_address(url),
                "lies on the host {host}, which the project does not allow",
                "add it to hosts in [inputs]",
                host=parts.netloc,
            )


@dataclass
class _Copy:
    """A sparse copy that is open in this process."""

    facts: Mapping[str, Any]
    url: str
    access: Access
    path: Path

    @property
    def size(self) -> int:
        return int(self.facts["size"])

    @property
    def data(self) -> Path:
        return _beside(self.path, ".tif")

    @property
    def pages(self) -> Path:
        return _beside(self.path, ".pages")

    def lacking(self, ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the parts, in whole pages, that are to be fetched for some first and end bytes."""
        there = np.fromfile(self.pages, np.uint8)
        wanted = np.zeros(len(there), bool)
        for start, end in ranges:
            if not 0 <= start <= end <= self.size:
                what = N_("lists blocks beyond its end")
                raise DamagedFileError(self.facts["url"], what, _AGAIN)
            wanted[start // PAGE : -(-end // PAGE)] = True
        edges = np.flatnonzero(np.diff(wanted & (there == 0), prepend=False, append=False))
        parts: list[tuple[int, int]] = []
        for start, end in (edges.reshape(-1, 2) * PAGE).tolist():
            if parts and start - parts[-1][1] <= JOINED and end - parts[-1][0] <= MOST_AT_ONCE:
                parts[-1] = parts[-1][0], end
            else:
                parts.append((start, end))
        return [
            (first, min(first + MOST_AT_ONCE, end, self.size))
            for start, end in parts
            for first in range(start, end, MOST_AT_ONCE)
        ]

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Fetch what is not there yet of some parts."""
        with _lock_of(self.path):
            parts = self.lacking(ranges)
            if len(parts) == 1:
                self._fetch_part(parts[0])
            elif parts:
                with ThreadPoolExecutor(min(TOGETHER, len(parts)), "fetch") as pool:
                    list(pool.map(self._fetch_part, parts))

    def count(self) -> int:
        """Return how many pages are there."""
        return int(np.fromfile(self.pages, np.uint8).sum())

    def _fetch_part(self, part: tuple[int, int]) -> None:
        start, end = part
        content, size, tag = _get_part(self.url, start, end, self.access)
        if size != self.size or tag != self.facts["tag"]:
            self.drop()
            what = N_("is another file than before on its server")
            raise DamagedFileError(self.facts["url"], what, "run again")
        self.keep(start, content)

    def drop(self) -> None:
        """Remove what was fetched, so that it is fetched anew."""
        for name in (self.path, self.data, self.pages):
            name.unlink(missing_ok=True)

    def keep(self, start: int, content: bytes) -> None:
        """Write a part into the copy; the bytes first, then that they are there."""
        _write_at(self.data, start, content)
        end = start + len(content)
        count = -(-end // PAGE) if end == self.size else end // PAGE
        _write_at(self.pages, start // PAGE, b"\1" * (count - start // PAGE))

    def read(self, start: int, count: int) -> bytes:
        """Return some bytes, which are fetched when they are not there."""
        self.fetch([(start, min(start + count, self.size))])
        with self.data.open("rb") as stream:
            stream.seek(start)
            return stream.read(count)


_AGAIN = N_("run again, or download the file whole, and name that")


def _write_at(path: Path, start: int, content: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(start)
        stream.write(content)


_locks: dict[Path, threading.Lock] = {}
_locks_lock = threading.Lock()


def _lock_of(path: Path) -> threading.Lock:
    """Return the lock of a copy: threads that read one image fetch each part once."""
    with _locks_lock:
        return _locks.setdefault(path, threading.Lock())


def is_remote(path: str) -> bool:
    """Tell whether the path of a band is that of an image on a server."""
    return path.endswith(ENDING)


def describe(url: str, access: Access) -> str:
    """Return the path that stands for an image on a server, having fetched its first bytes.

    One that is known is not asked for again.

    Raises
    ------
    UnsafeInputError
        When its host is not allowed.
    MissingFileError, DamagedFileError, ResourceError
        When the server has no such file, gives something else, or nothing.
    """
    access.require(url)
    path = _place_of(url, access)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path.with_name(_ACCESS), json.dumps(asdict(access) | {"folder": ""}))
    _write(_beside(path, ".url"), url)  # maybe signed anew
    with _lock_of(path):
        if _open(path) is None:
            content, size, tag = _get_part(url, 0, HEAD, access)
            facts = {"url": shown_address(url), "size": size, "tag": tag}
            _write(path, json.dumps(facts, indent=1))
            copy = _Copy(facts, url, access, path)
            with copy.data.open("wb") as stream:
                stream.truncate(size)
            with copy.pages.open("wb") as stream:
                stream.truncate(-(-size // PAGE))
            copy.keep(0, content)
    return str(path)


def _place_of(url: str, access: Access) -> Path:
    name = sha256(shown_address(url).encode()).hexdigest()[:32]
    return Path(access.folder) / f"{name}{ENDING}"


def is_kept(url: str, access: Access) -> bool:
    """Tell whether a file on a server is known, so that it is opened without a request."""
    return _open(_place_of(url, access)) is not None


def beside(path: str, name: str) -> str | None:
    """Return the path that stands for a file beside one, or in a folder there; None: there is none.

    Raises
    ------
    UnsafeInputError, MissingFileError, DamagedFileError, ResourceError
        As for :func:`describe`.
    """
    copy = _known(path)
    parts = urlsplit(copy.url)
    place = f"{parts.path.rpartition('/')[0]}/{quote(name)}"
    try:
        return describe(urlunsplit(parts._replace(path=place)), copy.access)
    except AbsentError:
        return None


def size_of(path: str) -> int:
    """Return the bytes of a file on a server."""
    return _known(path).size


def read_part(path: str, start: int, end: int) -> bytes:
    """Return some bytes of a file on a server, fetched where they are not there yet."""
    return _known(path).read(start, end - start)


def drop(path: str) -> None:
    """Remove what was fetched of a file on a server, so that it is fetched anew."""
    copy = _open(Path(path))
    if copy is not None:
        copy.drop()


def lacking_bytes(path: str, parts: Iterable[tuple[int, int]]) -> int:
    """Return how many bytes are to be fetched for some parts of a file on a server."""
    return sum(end - start for start, end in _known(path).lacking(parts))


def _known(path: str) -> _Copy:
    copy = _open(Path(path))
    if copy is None:
        what = N_("is no longer there")
        raise MissingFileError(path, what, "run again: what is needed is fetched anew")
    return copy


def address_of(path: str) -> str:
    """Return the address of an image on a server, without a signature."""
    copy = _open(Path(path))
    return "" if copy is None else str(copy.facts["url"])


def _open(path: Path) -> _Copy | None:
    """Return a copy that is whole: with its bytes and its pages; None where it is not."""
    try:
        facts = json_of(path.read_bytes())
        known = json_of(path.with_name(_ACCESS).read_bytes())
        hosts = tuple(map(str, known["hosts"]))
        access = Access(hosts, str(path.parent), float(known["wait_s"]), int(known["attempts"]))
        copy = _Copy(facts, _beside(path, ".url").read_text("utf-8"), access, path)
        is_whole = 0 < copy.size <= _MOST_BYTES and copy.data.stat().st_size == copy.size
        is_whole &= copy.pages.stat().st_size == -(-copy.size // PAGE)
        is_whole &= facts["url"] == shown_address(copy.url)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return copy if is_whole else None


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name.removesuffix(ENDING) + ending)


def _write(path: Path, text: str) -> None:
    """Write a small file whole: others may read or write it at the same time."""
    try:
        if path.read_text("utf-8") == text:
            return
    except (OSError, ValueError):
        pass
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def tidy(folder: Path, most_bytes: int) -> None:
    """Remove the copies that were used longest ago while all take more than so many bytes."""
    copies = []
    for path in folder.glob(f"*{ENDING}"):
        parts = [path, *(_beside(path, ending) for ending in _PARTS)]
        states = [part.stat() for part in parts if part.exists()]
        used = sum(getattr(state, "st_blocks", state.st_size // 512) * 512 for state in states)
        copies.append((max(state.st_mtime for state in states), used, parts))
    total = sum(used for _, used, _ in copies)
    for _, used, parts in sorted(copies):
        if total <= most_bytes:
            return
        total -= used
        for part in parts:
            part.unlink(missing_ok=True)


_PARTS = (".tif", ".pages", ".url")
_ACCESS = "access.json"


class RemoteImage:
    """An open TIFF on a server, with what is asked of a dataset of rasterio."""

    def __init__(self, path: str, open_local: Any) -> None:
        copy = _known(path)
        self._copy, self._open_local = copy, open_local
        try:
            self._blocks = tiff_blocks.read_blocks(copy.read, copy.facts["url"])
        except DamagedFileError:
            copy.drop()
            raise
        self._count = copy.count()
        self._dataset = self._opened()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def read(
        self, index: int, window: Window | None = None, out_shape: tuple[int, int] | None = None
    ) -> NDArray[Any]:
        """Return the numbers of a window, or a thinned copy of all, as rasterio does."""
        height, width = self._blocks.shape
        window = Window(0, 0, width, height) if window is None else window
        rows, cols = ((part.start, part.stop) for part in window.toslices())
        self._copy.fetch(self.parts(rows, cols, index))
        count = self._copy.count()
        if count != self._count:  # by whomever: what GDAL read ahead was not there yet
            self._count = count
            self._dataset.close()
            self._dataset = self._opened()
        try:
            numbers: NDArray[Any] = self._dataset.read(index, window=window, out_shape=out_shape)
        except RasterioError as error:
            self._dataset.close()
            raise self._spoiled(error) from error
        return numbers

    def _opened(self) -> Any:
        try:
            return self._open_local(str(self._copy.data))
        except DamagedFileError as error:
            raise self._spoiled(error.__cause__ or error) from error

    def _spoiled(self, error: BaseException) -> DamagedFileError:
        """Return what is told of bytes that are no image, which are not kept."""
        self._copy.drop()
        what = N_("is no image as its server gives it ({reason})")
        reason = str(error.__cause__ or error).replace(self._copy.data.name, "").lstrip(" ,:")
        return DamagedFileError(self._copy.facts["url"], what, _AGAIN, reason=reason)

    def parts(
        self, rows: tuple[int, int], cols: tuple[int, int], index: int = 1
    ) -> list[tuple[int, int]]:
        """Return first and end byte of the blocks that hold some rows and columns."""
        return parts_of(self._blocks, set(self._blocks.touched(rows, cols)), index)

    def lacking_bytes(self, numbers: set[int], index: int) -> int:
        """Return how many bytes are still to be fetched for some blocks."""
        parts = self._copy.lacking(parts_of(self._blocks, numbers, index))
        return sum(end - start for start, end in parts)

    def touched(self, rows: tuple[int, int], cols: tuple[int, int]) -> set[int]:
        """Return the numbers of the blocks that hold some rows and columns."""
        return set(self._blocks.touched(rows, cols))

    def close(self) -> None:
        """Close the copy."""
        self._dataset.close()

    def __enter__(self) -> RemoteImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parts_of(blocks: Blocks, numbers: set[int], index: int) -> list[tuple[int, int]]:
    """Return first and end byte of blocks of a sample; those that are not there have none."""
    count = -(-blocks.shape[0] // blocks.block[0]) * -(-blocks.shape[1] // blocks.block[1])
    first = (index - 1) * count if len(blocks.offsets) > count else 0
    chosen = np.array(sorted(numbers), int) + first
    offsets, sizes = blocks.offsets[chosen].astype(int), blocks.sizes[chosen].astype(int)
    # four bytes before and after a block of a COG tell its size, and GDAL may look at them
    return [
        (max(0, start - 4), start + size)
        for start, size in zip(offsets.tolist(), sizes.tolist(), strict=True)
        if start and size
    ]


def shown_address(url: str) -> str:
    """Return an address without its signature, which is nobody else's business."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


class Limit:
    """A time for all that this thread asks within it: a timeout begins anew with each byte.

    When it is over, the connections of the thread are cut, and whoever reads from them is told.

    Parameters
    ----------
    seconds : float
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, one: socket.socket) -> None:
        """Cut this connection, too, when the time is over."""
        self._sockets.append(one)
        if self.is_over:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        for one in self._sockets:
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # below what encrypts

    def __enter__(self) -> Limit:
        _running.limit = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _running.limit = None


_running = threading.local()
_sessions = threading.local()


def session_for(access: Access) -> Any:
    """Return a session of ``requests`` that asks only hosts that are allowed, also when sent on.

    Whoever reads a body in parts (``stream``) sets a :class:`Limit`; others have one.
    """
    known = getattr(_sessions, "known", None)
    if known is not None and known[0] == access:
        return known[1]
    requests = optional("stac", "requests")

    class Allowed(requests.adapters.HTTPAdapter):  # type: ignore[misc, name-defined]
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            kinds = self.poolmanager.pool_classes_by_scheme
            self.poolmanager.pool_classes_by_scheme = {
                scheme: _watched(kind) for scheme, kind in kinds.items()
            }

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            access.require(request.url)
            if urlsplit(request.url).hostname in _LOCAL:
                kwargs["proxies"] = {}
            return super().send(request, *args, **kwargs)

    class Session(requests.Session):  # type: ignore[misc, name-defined]
        def send(self, request: Any, **kwargs: Any) -> Any:
            if kwargs.get("stream") or getattr(_running, "limit", None) is not None:
                return super().send(request, **kwargs)
            return patiently(lambda: self._send_once(request, **kwargs), access)

        def _send_once(self, request: Any, **kwargs: Any) -> Any:
            with Limit(access.longest_s):
                answer = super().send(request, **kwargs)
            require_time(answer, shown_address(request.url))
            return answer

    session = Session()
    session.auth = lambda request: request  # no names and passwords of a .netrc
    session.max_redirects = 5
    for scheme in ("https://", "http://"):
        session.mount(scheme, Allowed(pool_maxsize=TOGETHER))
    _sessions.known = (access, session)
    return session


def _watched(pool: Any) -> Any:
    """Return a pool of urllib3 whose connections are cut when the time of their thread is over."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc, name-defined]
        def getresponse(self) -> Any:
            limit = getattr(_running, "limit", None)
            if limit is not None and self.sock is not None:
                limit.watch(self.sock)
            return super().getresponse()

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _get_part(url: str, start: int, end: int, access: Access) -> tuple[bytes, int, str]:
    """Return bytes of a file, the size of the whole, and what the server calls this version.

    Fewer bytes come at the end of the file. A server that is busy, stalls or cuts is asked again.
    """
    return patiently(lambda: _try_part(url, start, end, access), access, ResourceError)


def patiently(
    ask: Callable[[], Answer], access: Access, kind: type[ResourceError] = BusyError
) -> Answer:
    """Ask a server, and after a pause again when it fails.

    One that asks to be left alone is; for longer than it may be silent nobody waits, and it is not
    asked before.

    Parameters
    ----------
    ask : callable
    access : Access
    kind : type
        Failures after which it is asked again.
    """
    for attempt in range(1, access.attempts):
        try:
            return ask()
        except kind as error:
            asked_s = error.asked_s if isinstance(error, BusyError) else 0.0
            if asked_s > access.wait_s:
                raise
            time.sleep(max(asked_s, min(PAUSE_S * 4**attempt, 10.0)))
    return ask()


def require_time(answer: Any, where: str) -> None:
    """Refuse the answer of a server that is busy, with the time that it asks for.

    Raises
    ------
    BusyError
    """
    if answer.status_code not in _BUSY:
        return
    asked_s = _asked_s(answer.headers.get("Retry-After", ""))
    status = answer.status_code
    reason = Message("HTTP {status}", status=status)
    if asked_s:
        reason = Message("HTTP {status}, busy for {seconds:.0f} s", status=status, seconds=asked_s)
    error = BusyError(where, *_FAILED, reason=reason)
    error.asked_s = asked_s
    raise error


def _asked_s(text: str) -> float:
    """Return the seconds of ``Retry-After``, which tells them or a time; 0 where it does not."""
    if text.strip().isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _try_part(url: str, start: int, end: int, access: Access) -> tuple[bytes, int, str]:
    requests = optional("stac", "requests")
    headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    where = shown_address(url)
    address = signed(url, access)
    try:
        with (
            Limit(2 * access.wait_s + (end - start) / _SLOWEST) as limit,
            session_for(access).get(
                address, headers=headers, stream=True, timeout=(access.wait_s, access.wait_s)
            ) as answer,
        ):
            if limit.is_over:  # of headers that were cut some may be missing
                raise _failed(where, _TOO_SLOW)
            require_time(answer, where)
            if answer.status_code == 200:
                what = N_("its server gives whole files only")
                raise DamagedFileError(where, what, "download the file, and name that")
            if answer.status_code != 206:
                raise _refused(where, answer.status_code)
            range_of = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            first, last, size = (
                (int(text) for text in range_of.groups()) if range_of else (-1, -1, -1)
            )
            if first != start or last != min(end, size) - 1 or size > _MOST_BYTES:
                what = N_("its server gives another part than it was asked for")
                raise DamagedFileError(where, what, _AGAIN)
            content = _body(answer, last + 1 - first, where, limit)
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            return content, size, tag
    except GlacialLakesError:
        raise
    except (requests.RequestException, OSError) as error:
        raise _failed(where, _TOO_SLOW if limit.is_over else type(error).__name__) from None


def _body(answer: Any, count: int, where: str, limit: Limit) -> bytes:
    """Return the body of an answer: as long as it says."""
    parts, taken = [], 0
    for part in answer.iter_content(1 << 16):
        taken += len(part)
        parts.append(part)
        if taken > count:
            what = N_("its server gives more than it was asked for")
            raise DamagedFileError(where, what, _AGAIN)
    if taken < count:
        raise _failed(where, _TOO_SLOW if limit.is_over else N_("the answer was cut"))
    return b"".join(parts)


_SLOWEST = 10_000
"""Bytes a second below which a server is given up."""
_TOO_SLOW = Message("it is slower than {rate} kB/s", rate=_SLOWEST // 1000)


_FAILED = N_("its server does not answer as it should ({reason})"), N_("run again later")


def _failed(where: str, reason: str) -> ResourceError:
    return ResourceError(where, *_FAILED, reason=reason)


def _refused(where: str, status: int) -> GlacialLakesError:
    if status in (401, 403):
        what = N_("its server refuses it (HTTP {status})")
        remedy = N_("it may need a signature: see docs/remote.md")
        return MissingFileError(where, what, remedy, status=status)
    what = N_("its server does not have it (HTTP {status})")
    kind = AbsentError if status in _ABSENT else MissingFileError
    return kind(where, what, "search again", status=status)


SIGNERS = {".blob.core.windows.net": ("planetary_computer", "planetarycomputer.microsoft.com")}
"""Providers whose addresses need a signature: ending of the host, library, host of the library."""


def signed(url: str, access: Access) -> str:
    """Return an address with the signature of its provider, if its library is installed.

    One that has a signature keeps it for as long as that holds.
    """
    host = urlsplit(url).hostname or ""
    for ending, (library, asked) in SIGNERS.items():
        if host.endswith(ending) and asked in access.hosts:
            if _is_signed(url):
                return url
            signer = optional("planetary", library)
            utils = optional("planetary", f"{library}.utils")
            ask = optional("planetary", f"{library}.sas").get_token  # which keeps what it was given
            try:
                place = utils.parse_blob_url(urlsplit(url))
                ask(*place, retry_total=access.attempts - 1, retry_backoff_factor=PAUSE_S)
                return str(signer.sign_url(shown_address(url)))
            except Exception as error:  # noqa: BLE001 (of the library or of its server)
                raise _failed(asked, type(error).__name__) from None
    return url


def _is_signed(url: str) -> bool:
    """Tell whether an address of Azure has a signature that holds for a minute more."""
    [ends] = parse_qs(urlsplit(url).query).get("se", [""])[:1]
    try:
        until = datetime.fromisoformat(ends)
    except ValueError:
        return False
    soon = datetime.now(UTC) + timedelta(minutes=1)
    return (until if until.tzinfo else until.replace(tzinfo=UTC)) > soon
