"""A checker at work in a real browser: log in at the hub, open the queue, look at each item, approve with a reason."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

from haven.errors import Code, Fault, Refused

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS = 30_000


def browser_path() -> Path:
    """Where this machine's Chromium is. Refused where it has none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise Refused(
            Code.HOME_INVALID,
            "The demonstration's checker works in a real browser, and this machine has none.",
            "Install Debian's chromium: apt-get install chromium.",
        )
    return Path(found)


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    try:
        with sync_playwright() as playwright:
            opened = playwright.chromium.launch(executable_path=str(browser_path()))
            try:
                yield opened
            finally:
                opened.close()
    except Error:
        raise Fault(Code.FAULT_SERVICE, "The checker's browser could not do its part: a page was not as expected, or it ended.") from None


def log_in(page: Page, address: str, name: str, password: str) -> None:
    """Through the hub's own form."""
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{address}/hub/login")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("input[type=submit], button[type=submit]")
    page.wait_for_url(lambda url: "/hub/login" not in url)


def approve(page: Page, pages: str, release: str, reason: str) -> str:
    """From the queue to the request: look at each item and approve it, then finish. What the page then says on top."""
    page.goto(f"{pages}queue")
    page.click(f"a[href*='/releases/{release}']")
    items = page.locator("a[href*='?item=']")
    for address in [link.get_attribute("href") or "" for link in items.all()]:
        page.click(f"a[href='{address}']")
        _submit(page, "Approve this item", reason)
    _submit(page, "Finish: approve", reason)
    return page.locator("main .lead").first.inner_text()


def _submit(page: Page, button: str, reason: str) -> None:
    """Give the reason in the form of this button and press it."""
    form = page.locator("form").filter(has=page.get_by_role("button", name=button, exact=True)).first
    form.locator("[name=reason]").fill(reason)
    form.get_by_role("button", name=button, exact=True).click()
    page.wait_for_load_state()
