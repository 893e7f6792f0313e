"""JupyterLab in a real browser, under the policy that keeps what a notebook shows from leaving through it."""

import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.running_hub import PASSWORD, RunningHub, hub, wait_for

__all__ = ["hub"]  # the fixture

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.hub,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no chromium on this machine"),
]

CELL = """from IPython.display import HTML, Javascript, display
display(HTML('<b id="shown">shown</b><img src="{there}/image"><script>window.ran = 1; fetch("{there}/script")</script>'))
display(HTML('<img src="x" onerror="window.ran = 2; fetch(&quot;{there}/handler&quot;)"><iframe src="{there}/frame"></iframe>'))
display(HTML('<form id="form" action="{there}/form"><input name="a"></form><link rel="stylesheet" href="{there}/style">'))
display(Javascript('window.ran = 3; new Image().src = "{there}/javascript"'))
print('fin' + 'ished')"""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another origin, and the paths that were asked of it."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def open_notebook(page: Page, hub: RunningHub) -> None:
    """From the hub's front door to an empty notebook, as a person would."""
    page.goto(hub.address)
    page.fill("#username_input", "ada")
    page.fill("#password_input", PASSWORD)
    page.click("#login_submit")
    page.wait_for_selector(".jp-Launcher", timeout=90_000)
    page.click('.jp-LauncherCard[data-category="Notebook"]')
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    page.wait_for_timeout(2_000)  # the kernel's channels open a moment after it is shown as idle
    if page.locator("dialog.jp-Dialog").count():  # on a slow machine the lab may speak of its connection: a person would close that
        page.locator("dialog.jp-Dialog button.jp-mod-accept").last.click()


@pytest.mark.timeout(240)
def test_what_a_notebook_shows_reaches_no_other_host(hub: RunningHub, elsewhere: tuple[str, list[str]]) -> None:
    there, asked = elsewhere
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        page = browser.new_page()
        open_notebook(page, hub)
        page.click(".jp-Notebook .cm-content")
        page.keyboard.insert_text(CELL.replace("{there}", there))
        page.keyboard.press("Shift+Enter")
        page.wait_for_selector(".jp-OutputArea-output pre:has-text('finished')", timeout=60_000)
        assert page.locator("#shown").count() == 1
        page.evaluate("document.getElementById('form')?.submit()")
        page.wait_for_timeout(1_000)
        assert page.evaluate("window.ran") is None
        assert asked == []

        control = browser.new_page()
        control.set_content(f'<img src="{there}/control">')
        assert wait_for(lambda: asked == ["/control"])
        browser.close()
    with hub.session("ada") as ada:
        ada.stop_sandbox()
