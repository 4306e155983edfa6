"""A server of files on this computer that gives parts, counts what it gave, and may misbehave."""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from glacial_lakes.errors import DamagedFileError, MissingFileError, ResourceError

FAULTS = [
    ("stall", ResourceError, "does not answer as it should"),
    ("cut", ResourceError, "does not answer as it should"),
    ("429", ResourceError, "HTTP 429"),
    ("500", ResourceError, "HTTP 500"),
    ("403", MissingFileError, "refuses it"),
    ("whole", DamagedFileError, "whole files only"),
    ("other", DamagedFileError, "another part"),
    ("drip", ResourceError, "slower than"),
    ("drip of headers", ResourceError, "slower than"),
    ("short", ResourceError, "the answer was cut"),
    ("long", ResourceError, "does not answer as it should"),
    ("unknown size", DamagedFileError, "another part"),
    ("no range", DamagedFileError, "another part"),
    ("garbage", ResourceError, "does not answer as it should"),
    ("416", MissingFileError, "HTTP 416"),
    ("418", MissingFileError, "HTTP 418"),
]
"""What a server does, whatever lies on it, and how it is told."""


@dataclass
class Log:
    """What a server was asked and gave."""

    root: Path
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    """Bytes of bodies."""
    fault: str = ""
    """One of ``FAULTS``, ``lie``, ``changed``, ``more`` or ``noise``, a status such as ``429``, or
    the address that it sends on to; ``old``, ``chunked`` and ``gzip`` are no faults, but rare."""
    faulty: str = ""
    """Part of the names of files that the fault is of; empty: of all."""
    drips_all: bool = False
    """Whether documents drip, too, and not parts of files alone."""
    busy: list[str] = field(default_factory=list)
    """``Retry-After`` of the next requests, each of which is refused as one too many (429)."""
    most: int | None = None
    """Requests after which it refuses all, as when the signature of an address is over."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """What is given for a path instead of a file."""

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def forget(self) -> None:
        self.requests.clear()
        self.sent = 0


class _Handler(BaseHTTPRequestHandler):
    log: Log
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        log, path = self.log, self.path.partition("?")[0]
        log.requests.append((path, self.headers.get("Range", "")))
        if log.busy or path in log.answers:
            self._answer(path)
            return
        file = log.root / path.lstrip("/")
        fault = log.fault if log.faulty in path else ""
        if log.drips_all:
            self._drip(200, b"{" * 9999, {}, fault == "drip")
            return
        if log.most is not None and len(log.requests) > log.most:
            fault = "403"
        if fault.isdecimal():
            self._give(int(fault), b"no", {})
            return
        if fault.startswith("http"):
            self._give(302, b"", {"Location": f"{fault}{self.path}"})
            return
        if not file.is_file():
            self._give(404, b"", {})
            return
        data = file.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None or fault == "whole":
            self._give(200, data, {})
            return
        start, end = int(asked[1]), min(int(asked[2]) + 1, len(data))
        part = data[start:end]
        size = len(data) + (4096 if fault == "lie" else 0)
        told = f"bytes {start + (fault == 'other')}-{end - 1}/{size}"
        headers = {"Content-Range": told, "ETag": '"2"' if fault == "changed" else '"1"'}
        if fault == "unknown size":
            headers["Content-Range"] = f"bytes {start}-{end - 1}/*"
        elif fault == "no range":
            del headers["Content-Range"]
        elif fault == "old":
            self.protocol_version, self.close_connection = "HTTP/1.0", True
        elif fault == "stall":
            time.sleep(3)
        if not self._misbehaves(fault, part, headers):
            self._give(206, part, headers)

    def _answer(self, path: str) -> None:
        """Give what is given instead of files: that it is busy, or what was laid down."""
        if self.log.busy:
            self._give(429, b"no", {"Retry-After": self.log.busy.pop(0)})
        else:
            self._give(200, self.log.answers[path], {"Content-Type": "application/json"})

    def _misbehaves(self, fault: str, part: bytes, headers: dict[str, str]) -> bool:
        """Give the answer of a fault of bodies; return whether it is one."""
        if fault in ("drip", "drip of headers"):
            self._drip(206, part, headers, fault == "drip")
        elif fault == "garbage":
            self.wfile.write(b"\x00\xff" * 99)
            self.close_connection = True
        elif fault == "chunked":
            pieces = (b"%x\r\n%b\r\n" % (len(one), one) for one in (part[:99], part[99:], b""))
            headers["Transfer-Encoding"] = "chunked"
            self._give(206, b"".join(pieces), headers, length=-1)
        elif fault == "gzip":
            self._give(206, gzip.compress(part), headers | {"Content-Encoding": "gzip"})
        elif fault == "noise":
            self._give(206, bytes(255 - byte for byte in part), headers)
        elif fault == "short":
            self._give(206, part[:-9], headers)
        elif fault == "more":
            self._give(206, part + b"more" * 9, headers)
        elif fault in ("long", "cut"):
            body = part if fault == "long" else part[: len(part) // 2]
            self._give(206, body, headers, length=len(part) + 9 * (fault == "long"))
            self.close_connection = fault == "cut"
        else:
            return False
        return True

    def _give(
        self, status: int, body: bytes, headers: dict[str, str], length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.log.sent += len(body)

    def _drip(self, status: int, body: bytes, headers: dict[str, str], is_body: bool) -> None:
        """Give an answer byte by byte, each in time, for as long as anybody waits."""
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        whole = f"HTTP/1.1 {status} OK\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        at_once = len(whole) - len(body) if is_body else 0
        self.close_connection = True
        with suppress(OSError):
            self.wfile.write(whole[:at_once])
            for place in range(at_once, len(whole)):
                self.wfile.write(whole[place : place + 1])
                time.sleep(0.2)

    def log_message(self, *words: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Be silent about those who do not wait for the end of an answer."""


@contextmanager
def range_server(root: Path) -> Iterator[Log]:
    """Serve a folder on a free port of this computer while the block runs."""
    log = Log(root)
    handler = type("Handler", (_Handler,), {"log": log})
    server = _Server(("127.0.0.1", 0), handler)
    log.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield log
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
