# SPDX-License-Identifier: Apache-2.0
"""A browser to press buttons in: as much of W3C's WebDriver as the tests need, spoken to Debian's chromedriver.

https://www.w3.org/TR/webdriver2/ and https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # what the standard calls a reference to an element
ENTER, TAB = "\ue007", "\ue004"
_PORT = re.compile(rb"started successfully on port (\d+)")
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]


def what_is_missing() -> str | None:
    """Why no browser can be started here, or None."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"no {' and no '.join(missing)} on the PATH: apt-get install chromium chromium-driver" if missing else None


class Browser:
    """A headless chromium with a profile of its own, up from `with` on."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._http = requests.Session()
        self._http.trust_env = False
        self._driver: subprocess.Popen[bytes] | None = None
        self._session = ""

    def __enter__(self) -> Self:
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S607  # found on the PATH, as Debian installs it
        assert self._driver.stdout
        printed = b""
        while (match := _PORT.search(printed)) is None:
            line = self._driver.stdout.readline()
            assert line, f"chromedriver ended: {printed.decode()}"
            printed += line
        options = {
            "binary": shutil.which("chromium"),
            "args": [*_ARGUMENTS, f"--user-data-dir={self._profile}"],
        }
        asked = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._session = f"http://127.0.0.1:{int(match[1])}"
        self._session += f"/session/{self._post('session', capabilities={'alwaysMatch': asked})['sessionId']}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._driver
        assert self._driver.stdout
        try:
            self._http.delete(self._session, timeout=30)
        finally:
            self._driver.terminate()
            self._driver.stdout.close()
            self._driver.wait(30)
            self._http.close()

    def open(self, url: str) -> None:
        """Until the page has loaded, and whatever it leads on to by itself."""
        self._post("url", url=url)

    @property
    def url(self) -> str:
        return str(self._get("url"))

    @property
    def title(self) -> str:
        return str(self._get("title"))

    def script(self, body: str) -> Any:
        """What a function with this body returns; it runs beside the page, whatever the page's policy says."""
        return self._post("execute/sync", script=body, args=[])

    def click(self, selector: str) -> None:
        found = self._post("element", using="css selector", value=selector)
        self._post(f"element/{found[ELEMENT]}/click")

    def press(self, key: str) -> None:
        keys = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self._post("actions", actions=[{"type": "key", "id": "keyboard", "actions": keys}])

    def console(self) -> list[str]:
        """What the browser complained of since it was last asked."""
        return [f"{entry['source']}: {entry['message']}" for entry in self._post("se/log", type="browser")]

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = 15) -> None:
        """Until the condition holds, which every page that comes meanwhile is asked for."""
        give_up_at = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < give_up_at, f"still at {self.title!r}"

    def size(self, width: int, height: int, *, phone: bool = False) -> None:
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=phone)

    def scheme(self, name: str) -> None:
        """`light` or `dark`, as the person prefers it."""
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def tell(self, command: str, **parameters: Any) -> Any:
        """One command of the DevTools protocol."""
        return self._post("goog/cdp/execute", cmd=command, params=parameters)

    def screenshot(self) -> bytes:
        """PNG."""
        return base64.b64decode(self._get("screenshot"))

    def _get(self, path: str) -> Any:
        return self._value(self._http.get(f"{self._session}/{path}", timeout=60))

    def _post(self, path: str, **body: Any) -> Any:
        return self._value(self._http.post(f"{self._session}/{path}", json=body, timeout=60))

    @staticmethod
    def _value(reply: requests.Response) -> Any:
        value = reply.json()["value"]
        assert reply.ok, value
        return value
