"""Headless Chromium, asked over its own pipe: real clicks and keys, no driver and no network.

`with browsing(folder) as page:` skips the test where there is no Chromium on the machine.
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WHY_NOT = f"there is no Chromium here ({', '.join(NAMES)}): .ci/run installs it where it may"

_ALWAYS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--disable-component-update", "--disable-extensions", "--remote-debugging-pipe",
)  # fmt: skip


@dataclass
class Page:
    """One page of a browser; everything waits until it has happened."""

    sending: IO[bytes]
    receiving: IO[bytes]
    session: str = ""
    _asked: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the DevTools protocol, answered; its events are kept."""
        self._asked += 1
        number = self._asked
        body: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if self.session:
            body["sessionId"] = self.session
        self.sending.write(json.dumps(body).encode() + b"\0")
        self.sending.flush()
        while (told := self._next()).get("id") != number:
            self.events.append(told)
        assert "error" not in told, (method, told["error"])
        result: dict[str, Any] = told["result"]
        return result

    def open(self, file: Path, *, fragment: str = "") -> None:
        """Open a file and wait until it is loaded."""
        self.events.clear()
        self.ask("Page.navigate", url="about:blank")
        self._wait_for("Page.loadEventFired")
        self.ask("Page.navigate", url=f"{file.resolve().as_uri()}{fragment}")
        self._wait_for("Page.loadEventFired")

    def evaluate(self, script: str) -> Any:
        """What a JavaScript expression comes to, waited for where it is a promise."""
        told = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def click(self, selector: str) -> None:
        """A real click into the middle of the first element that a selector finds."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text: str) -> None:
        """Text into whatever has the focus."""
        self.ask("Input.insertText", text=text)

    def key(self, name: str, code: int) -> None:
        """A key such as Enter (13) or Tab (9), pressed and released."""
        text = "\r" if name == "Enter" else ""
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, text=text,
                windowsVirtualKeyCode=code,
            )  # fmt: skip

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Be a window of this size, for eyes that want it light or dark."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, file: Path) -> None:
        """What the window shows, as PNG."""
        file.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """What the console was told, and every exception, since the page was opened."""
        told = [event for event in self.events if event.get("method") in _COMPLAINTS]
        return [json.dumps(event["params"]) for event in told]

    def _next(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self.receiving.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        told: dict[str, Any] = json.loads(text)
        return told

    def _wait_for(self, event: str) -> None:
        while not any(each.get("method") == event for each in self.events):
            self.events.append(self._next())
        self.events[:] = [each for each in self.events if each.get("method") != event]


_COMPLAINTS = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


@contextmanager
def browsing(folder: Path, *more: str) -> Iterator[Page]:
    """A browser with one blank page, its profile below `folder`; ended with the block."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(WHY_NOT)
    to_browser, from_browser = _pipe(), _pipe()
    # bash gives the pipes the two numbers that Chromium expects them at
    command = f'exec "$@" 3<&{to_browser[0]} 4>&{from_browser[1]}'
    started = subprocess.Popen(
        ["bash", "-c", command, "chromium", program, *_ALWAYS, *more,
         f"--user-data-dir={folder / 'profile'}", "about:blank"],
        pass_fds=(to_browser[0], from_browser[1]), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=_environment(folder), start_new_session=True,
    )  # fmt: skip
    os.close(to_browser[0])
    os.close(from_browser[1])
    with os.fdopen(to_browser[1], "wb") as sending, os.fdopen(from_browser[0], "rb") as receiving:
        page = Page(sending, receiving)
        try:
            target = page.ask("Target.createTarget", url="about:blank")["targetId"]
            found = page.ask("Target.attachToTarget", targetId=target, flatten=True)
            page.session = found["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                page.ask(f"{domain}.enable")
            yield page
        finally:
            started.kill()
            started.wait()


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are above the numbers that are given to the browser."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _environment(folder: Path) -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "UTC"}
