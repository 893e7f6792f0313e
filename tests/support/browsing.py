"""The pages in a real browser: opened as somebody, watched for what they must not do, and measured against WCAG 2.2 AA."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from haven.policy.roles import Principal
from tests.support.web_world import Web

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or ""
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
VENDOR = ROOT / "haven" / "web" / "static" / "vendor"
SCREENSHOTS = ROOT / "artifacts" / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = {"width": 360, "height": 780}
WIDE = {"width": 1280, "height": 900}
NEEDS = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed here"),
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed here: make setup brings it"),
    pytest.mark.skipif(not (VENDOR / "htmx.min.js").is_file(), reason="the pages' vendor files are not here: make setup brings them"),
]


@dataclass
class Watch:
    """What a page did that it must not do."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def request(self, request: Request) -> None:
        """Remember whom it asked."""
        self.hosts.add(request.url.split("/")[2])

    def over(self, page: Page) -> None:
        """Watch `page`."""
        page.on("request", self.request)
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM)
        try:
            yield launched
        finally:
            launched.close()


def opened(browser: Browser, web: Web, principal: Principal | None, path: str, **options: Any) -> tuple[Page, Watch]:  # noqa: ANN401 - Playwright's own options
    """A page as `principal` sees it, in a browser context of its own."""
    context = browser.new_context(**options)
    with web.client(principal) as client:
        session = client.cookies.get("haven_session")
    if session:
        context.add_cookies([{"name": "haven_session", "value": session, "url": web.address}])
    page, watch = context.new_page(), Watch()
    watch.over(page)
    page.goto(web.address + path, wait_until="networkidle")
    return page, watch


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds, each rule with the elements that break it."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]


def photographed(page: Page, name: str) -> None:
    """Keep a picture of the whole page, for the manual."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=True)
