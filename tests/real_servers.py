"""Servers that others wrote, started on this computer: nginx, and PostgreSQL with pgstac."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PGSTAC = "GLACIAL_LAKES_PGSTAC"
"""Names the folder of programs of a virtual environment with stac-fastapi-pgstac."""
_START_S = 60.0


class LackingServerError(Exception):
    """A server is not installed; says what is missing."""


def started(stack: ExitStack, start: Callable[[], AbstractContextManager[Any]]) -> Any:
    """Start a server, or skip with what is not installed."""
    try:
        return stack.enter_context(start())
    except LackingServerError as error:
        pytest.skip(str(error))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(words: Sequence[object], port: int, **how: Any) -> Iterator[None]:
    """Run a program while the block runs, which begins when it answers on a port."""
    with subprocess.Popen([str(word) for word in words], **how) as server:
        try:
            end = time.monotonic() + _START_S
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                    break
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{words[0]} does not start")
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


# ---- nginx ----

_NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {own}/pid;
error_log {own}/errors;
events {{}}
http {{
  log_format told '$request_uri|$http_range|$status|$body_bytes_sent';
  access_log {own}/log told;
  client_body_temp_path {own}/a; proxy_temp_path {own}/b; fastcgi_temp_path {own}/c;
  uwsgi_temp_path {own}/d; scgi_temp_path {own}/e;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location /forbidden/ {{ return 403; }}
    location /busy/ {{ return 429; }}
    location /broken/ {{ return 500; }}
    location /dropped/ {{ return 444; }}
    location /slow/ {{ alias {root}/; limit_rate 200; }}
    location /whole/ {{ alias {root}/; max_ranges 0; }}
  }}
}}
"""
FAULTS = ("forbidden", "busy", "broken", "dropped", "slow", "whole")
"""First folders of addresses under which it misbehaves; others are served well."""


@dataclass
class Nginx:
    """A running server of a folder."""

    url: str
    log: Path
    skipped: int = 0

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def forget(self) -> None:
        """Leave out what was asked until now."""
        time.sleep(0.1)  # it writes a line after the answer
        self.skipped = len(self.log.read_text().splitlines())

    @property
    def requests(self) -> list[tuple[str, str, int, int]]:
        """What was asked since: path, range, status and bytes of the body."""
        time.sleep(0.1)
        lines = self.log.read_text().splitlines()[self.skipped :]
        parts = (line.split("|") for line in lines)
        return [(path, part, int(status), int(sent)) for path, part, status, sent in parts]

    @property
    def sent(self) -> int:
        return sum(sent for *_, sent in self.requests)


@contextmanager
def nginx(root: Path) -> Iterator[Nginx]:
    """Serve a folder by nginx while the block runs."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise LackingServerError("nginx is not installed (Debian: nginx-light)")
    with tempfile.TemporaryDirectory(prefix="nginx-") as own:
        port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        settings = Path(own) / "nginx.conf"
        settings.write_text(_NGINX.format(user=user, own=own, port=port, root=root))
        words = (program, "-c", settings, "-e", f"{own}/errors")
        with running(words, port):
            yield Nginx(f"http://127.0.0.1:{port}", Path(own) / "log")


# ---- PostgreSQL with pgstac ----


def _postgres(name: str) -> str:
    found = [shutil.which(name), *sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    there = next((str(path) for path in reversed(found) if path is not None), None)
    if there is None:
        raise LackingServerError(f"{name} of PostgreSQL is not installed")
    if not any(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        raise LackingServerError("PostGIS is not installed (Debian: postgresql-postgis)")
    return there


def _of_pgstac(name: str) -> Path:
    path = Path(os.environ.get(PGSTAC, "")) / name
    if not os.environ.get(PGSTAC) or not path.is_file():
        raise LackingServerError(f"{PGSTAC} names no folder with {name} of stac-fastapi-pgstac")
    return path


@contextmanager
def pgstac(
    collections: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Give the address of a STAC server with some items in a database while the block runs."""
    initdb, postgres = _postgres("initdb"), _postgres("postgres")
    loader, server = _of_pgstac("pypgstac"), _of_pgstac("uvicorn")
    owner = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pgstac-")))
        if os.geteuid() == 0:  # which PostgreSQL refuses to be
            owner = {"user": "postgres"}
            os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        data, port = folder / "data", free_port()
        words = [initdb, "-D", str(data), "-U", "stac", "-A", "trust", "--no-sync"]
        subprocess.run(words, check=True, **owner, **quiet)
        words = [postgres, "-D", str(data), "-p", str(port), "-k", str(folder), "-F",
                 "-c", "listen_addresses=127.0.0.1"]  # fmt: skip
        stack.enter_context(running(words, port, **owner, **quiet))
        environment = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "stac", "PGPASSWORD": "none",
            "PGDATABASE": "postgres",
        }  # fmt: skip
        subprocess.run([loader, "migrate"], check=True, env=environment, **quiet)
        for kind, entries in (("collections", collections), ("items", items)):
            path = folder / f"{kind}.ndjson"
            path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
            words = [loader, "load", kind, path, "--method", "upsert"]
            subprocess.run(words, check=True, env=environment, **quiet)
        own = free_port()
        words = [server, "stac_fastapi.pgstac.app:create_app", "--factory", "--port", own]
        stack.enter_context(running(words, own, env=environment, **quiet))
        yield f"http://127.0.0.1:{own}"


# ---- rustac ----


@contextmanager
def rustac(item: Path) -> Iterator[str]:
    """Give the address of a STAC server that knows one item, and no filter."""
    program = Path(sys.executable).with_name("rustac")
    if not program.exists():
        raise LackingServerError("rustac is not installed")
    port = free_port()
    words = (program, "serve", "--addr", f"127.0.0.1:{port}", "--create-collections", item)
    with running(words, port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield f"http://127.0.0.1:{port}"
