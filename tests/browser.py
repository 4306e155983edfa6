"""A real Chromium, driven over a pipe: pages at any width, keys, what the console says."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_KEY_CODES = {
    "Tab": 9,
    "Escape": 27,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}


class Browser:
    """Speaks the DevTools protocol: one JSON a message, each ended by a zero byte."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back = to, back
        self.count = 0
        self.rest = b""
        self.session: str | None = None
        self.said: list[str] = []
        self.asked: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = os.read(self.back, 1 << 16)
            assert part, "the browser has gone"
            self.rest += part
        text, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(text)
        params = message.get("params", {})
        match message.get("method"):
            case "Runtime.exceptionThrown":
                self.said.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" | "Log.entryAdded":
                self.said.append(json.dumps(params))
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
        return message

    def open(self, page: Path, width: int, height: int = 844, anchor: str = "") -> None:
        """Open a page in a tab of its own, and wait until it is there."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        self.said, self.asked = [], []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 700,
        )
        self.call("Page.navigate", url=page.as_uri() + anchor)
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def ask(self, body: str) -> Any:
        """Run the body of a function in the page and return what it gives."""
        found = self.call(
            "Runtime.evaluate",
            expression=f"(async () => {{{body}}})()",
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after the other; ``л@KeyK`` is the key of another script at a place."""
        for name in keys:
            key, _, place = name.partition("@")
            code = _KEY_CODES.get(key, ord(key[0].upper()))
            text = {"text": key} if len(key) == 1 else {}
            named = {"key": key, "code": place, "windowsVirtualKeyCode": code}
            self.call("Input.dispatchKeyEvent", type="keyDown", **named, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    def picture(self, path: Path) -> None:
        """Keep what the window shows as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def print(self) -> bytes:
        """Return the page as it is printed, A4, PDF."""
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(printed["data"])


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile; skip the test where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("chromium is not installed")
    (hears, to), (back, says) = os.pipe(), os.pipe()

    def connect() -> None:
        held = os.dup(hears), os.dup(says)  # either may be 3 or 4 itself
        os.dup2(held[0], 3)
        os.dup2(held[1], 4)

    process = subprocess.Popen(
        [program, *_QUIET, f"--user-data-dir={folder / 'profile'}"],
        preexec_fn=connect,  # noqa: PLW1509 (before any thread is started)
        close_fds=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(hears)
    os.close(says)
    browser = Browser(to, back)
    try:
        yield browser
    finally:
        browser.session = None
        try:
            browser.call("Browser.close")
        except (AssertionError, OSError):
            process.kill()
        process.wait(timeout=30)
        os.close(to)
        os.close(back)
