"""Chromium as the tests need it: a page at a width, in light or dark, on paper, and what it says, asks for and logs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

SLICE = 4000
"""Pixels in height of one picture of a page, at most."""
PAPER = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True, "printBackground": True}


class Browser:
    """One page at a time."""

    def __init__(self, binary: str, driver: str, axe: str) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = binary
        for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--disable-dev-shm-usage"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_script_timeout(300)
        self.axe = axe

    def quit(self) -> None:
        """Leave nothing behind."""
        self.driver.quit()

    def open(
        self, page: Path, *, width: int = 1400, scheme: str = "light", media: str = "", script: bool = True
    ) -> None:
        """Load a page as a screen of that width, colour scheme and medium shows it; ``script``: whether scripts run."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.command(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.command("Emulation.setScriptExecutionDisabled", value=not script)
        self.logged(), self.requested()  # of the page before
        self.driver.get(page.as_uri())

    def command(self, name: str, **parameters: Any) -> Any:
        """One of Chromium's own (DevTools protocol)."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def logged(self) -> list[str]:
        """What the console has been told since the last call: errors, and what the page's policy has refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self) -> list[str]:
        """Addresses that pages have asked for since the last call, data in the page itself aside."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [url for params in sent if not (url := params["request"]["url"]).startswith("data:")]

    def violations(self) -> list[str]:
        """What axe-core finds that is serious or critical, with the first places."""
        self.run(self.axe)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']}).then((result) => done(result.violations));"
        )
        return [
            f"{violation['impact']} {violation['id']}: {violation['help']}; "
            + "; ".join(f"{node['target']} {node['html'][:120]}" for node in violation["nodes"][:3])
            for violation in found
            if violation["impact"] in ("serious", "critical")
        ]

    def photograph(self, path: Path) -> None:
        """The whole page, in slices ``<path>-1.png``, …"""
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        for index, top in enumerate(range(0, int(size["height"]), SLICE), start=1):
            clip = {"x": 0, "y": top, "width": size["width"], "height": min(SLICE, size["height"] - top), "scale": 1}
            shot = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
            path.with_name(f"{path.name}-{index}.png").write_bytes(base64.b64decode(shot["data"]))

    def print(self) -> bytes:
        """The page as PDF, A4."""
        return base64.b64decode(self.command("Page.printToPDF", **PAPER)["data"])
