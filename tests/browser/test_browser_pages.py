"""The pages in a real browser, under their own content security policy: accessible, narrow, dark, by keyboard, talking to nobody else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import Browser

from haven.disclosure import Finding, Outcome
from haven.policy.roles import Principal, Tier
from tests.support.browsing import NARROW, NEEDS, WIDE, chromium, opened, photographed, violations
from tests.support.release_world import AUDITOR, AUTHOR, CHECKER, NOW, RECEIPT, answer
from tests.support.web_world import PASSWORD, Web, ask, build, give_password, serving

pytestmark = NEEDS


@dataclass
class Scene:
    """The haven that is looked at, with one release in each interesting state."""

    web: Web
    submitted: str
    released: str
    rejected: str
    draft: str

    def pages(self) -> dict[str, tuple[Principal | None, str]]:
        return {
            "login": (None, "/log-in"),
            "register": (None, "/public/register"),
            "not-found": (None, "/nothing"),
            "queue": (CHECKER, "/queue"),
            "review-table": (CHECKER, f"/releases/{self.submitted}"),
            "review-figure": (CHECKER, f"/releases/{self.submitted}?item=i2"),
            "review-text": (CHECKER, f"/releases/{self.submitted}?item=i3"),
            "forbidden": (CHECKER, "/datasets"),
            "releases": (AUTHOR, "/releases"),
            "release-out": (AUTHOR, f"/releases/{self.released}"),
            "release-rejected": (AUTHOR, f"/releases/{self.rejected}"),
            "release-draft": (AUTHOR, f"/releases/{self.draft}"),
            "audit": (AUDITOR, "/audit?check=true"),
            "audit-entries": (AUDITOR, "/audit/entries?dataset=nafld"),
            "audit-entry": (AUDITOR, "/audit/entries/5"),
            "audit-report": (AUDITOR, f"/audit/report?month={NOW:%Y-%m}"),
            "events": (AUTHOR, "/events"),
            "statement": (None, "/public/statement/nafld"),
        }


NAMES = tuple(Scene.pages(Scene(None, "", "", "", "")))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with serving(build(tmp_path_factory.mktemp("browser"))) as web:
        for day in range(4):
            ask(
                web,
                f"a question of day {day}, as long as a researcher's",
                10**9 * (day + 1),
                NOW + timedelta(days=day - 3),
            )
        desk, world = web.world.desk, web.world
        released, rejected = world.submitted(), world.submitted()
        desk.approve(CHECKER, released, "check.safe", "Nothing identifying.", world.clock())
        desk.reject(CHECKER, rejected, "check.no-context", "What is it for?", world.clock())
        world.facts.risk = Tier.STANDARD
        world.facts.answers[RECEIPT] = answer(findings=(Finding("dp.low-count", Outcome.REVIEW, "Small noisy count.", (1,)),))
        draft = desk.create(AUTHOR, "liver", "A draft", "For later.", world.drafts(), world.clock())
        yield Scene(web, world.submitted(), released, rejected, draft)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_keeps_its_policy_and_talks_to_no_other_host(browser: Browser, scene: Scene, name: str, scheme: str) -> None:
    principal, path = scene.pages()[name]
    page, watch = opened(browser, scene.web, principal, path, viewport=WIDE, color_scheme=scheme)
    photographed(page, f"{name}-{scheme}")
    assert violations(page) == []
    assert watch.hosts == {scene.web.address.removeprefix("http://")}
    assert [text for text in watch.complaints if "status of 40" not in text] == []
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_a_screen_of_360_pixels(browser: Browser, scene: Scene, name: str) -> None:
    principal, path = scene.pages()[name]
    page, _ = opened(browser, scene.web, principal, path, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.context.close()


CONTRAST = """() => {
  const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    const own = channels(getComputedStyle(element).backgroundColor);
    return own.length && (own.length < 4 || own[3] > 0) ? own : element.parentElement ? ground(element.parentElement) : [255, 255, 255];
  };
  return [...document.querySelectorAll('button')].map(button => {
    const [ink, paper] = [light(channels(getComputedStyle(button).color)), light(ground(button))];
    return [button.innerText, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_button_can_be_read(browser: Browser, scene: Scene, scheme: str) -> None:
    page, _ = opened(browser, scene.web, CHECKER, f"/releases/{scene.submitted}", color_scheme=scheme)
    read = page.evaluate(CONTRAST)
    assert {"Return to the author", "Finish: reject everything", "Log out"} <= {name for name, _ in read}
    assert [(name, ratio) for name, ratio in read if ratio < 4.5] == []
    page.context.close()


def test_a_review_needs_no_mouse(browser: Browser, scene: Scene) -> None:
    page, watch = opened(browser, scene.web, CHECKER, f"/releases/{scene.submitted}")
    page.keyboard.press("j")
    page.wait_for_url("**?item=i2")
    page.keyboard.press("k")
    page.wait_for_url("**?item=i1")
    page.keyboard.press("?")
    assert page.locator("#help").get_attribute("open") is not None
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "return-reason"
    page.keyboard.type("jk")
    assert page.locator("#return-reason").input_value() == "jk"
    page.locator("body").press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    assert page.evaluate("document.activeElement.id") == "reason-yes"
    page.keyboard.type("Noised and large.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**?item=i2")
    assert "you approve" in page.locator("nav.items").inner_text()
    assert watch.complaints == []
    page.context.close()


def test_the_whole_way_works_without_scripts(browser: Browser, scene: Scene) -> None:
    give_password(scene.web)
    release = scene.web.world.submitted()
    page, _ = opened(browser, scene.web, None, f"/releases/{release}", java_script_enabled=False)
    assert page.url.endswith(f"/log-in?next=%2Freleases%2F{release}")
    page.get_by_label("Name").fill(CHECKER.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**/releases/{release}")
    page.locator("#finish-reason").fill("Looked at everything.")
    page.get_by_role("button", name="Finish: approve").click()
    page.get_by_text("released", exact=True).first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the signed bundle").click()
    assert download.value.suggested_filename == f"{release}.zip"
    page.context.close()


def test_the_queue_looks_again_by_itself_without_a_complaint(browser: Browser, scene: Scene) -> None:
    page, watch = opened(browser, scene.web, CHECKER, "/queue")
    before = page.locator("#waiting tbody tr").count()
    scene.web.world.submitted()
    page.evaluate(
        "htmx.trigger('#waiting', 'poll'); htmx.ajax('GET', '/queue', {target: '#waiting', select: '#waiting', swap: 'outerHTML'})"
    )
    page.wait_for_function("count => document.querySelectorAll('#waiting tbody tr').length > count", arg=before)
    assert watch.complaints == []
    page.context.close()
