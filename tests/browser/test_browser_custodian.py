"""The custodian's pages in a real browser: accessible, narrow, dark, by keyboard, and each journey without scripts too."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from ruamel.yaml import YAML

from haven.ledger.proposals import Proposal
from haven.ledger.registry import PolicyKind, State
from haven.ledger.revocations import Revocable, propose_revocation
from haven.mediator.policy_changes import PolicyChanges
from haven.policy.roles import Principal
from tests.support import policy_files
from tests.support.browsing import NARROW, NEEDS, WIDE, chromium, opened, photographed, violations
from tests.support.release_world import CUSTODIAN, NOW
from tests.support.web_world import DATASET, OTHER_CUSTODIAN, PROJECT, Web, ask, build, serving, write_policy

pytestmark = NEEDS
SHARE = "/datasets/nafld/projects/liver"
POLICY = "/datasets/nafld/policy"


def yaml(plain: dict[str, Any]) -> str:
    """As a custodian would write it."""
    out = io.StringIO()
    writer = YAML(typ="safe")
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(plain, out)
    return out.getvalue()


def told(targets: list[str], keys: list[str], condition: str) -> dict[str, Any]:
    """What is recorded of an answer's plan, as the mediator records it."""
    mechanisms = [{"of": of, "mechanism": "discrete Gaussian", "scale": 40.8, "half_width_95": 80.0} for of in targets]
    plan = {"targets": mechanisms, "keys": [{"name": key, "values": 3} for key in keys], "source": f'"persons" AND {condition}'}
    steps = ["The privacy unit is one value of id: all rows of persons that it owns.", "One unit counts with at most 1 rows."]
    return {"plan": plan, "mechanisms": mechanisms, "words": steps, "warnings": [], "findings": []}


@dataclass
class Scene:
    """The haven that is looked at: a month of questions, one that probes, and one proposal."""

    web: Web
    receipt: str
    proposal: str

    def pages(self) -> dict[str, tuple[Principal, str]]:
        return {
            "datasets": (CUSTODIAN, "/datasets"),
            "alerts": (CUSTODIAN, "/alerts"),
            "dataset": (CUSTODIAN, "/datasets/nafld"),
            "questions": (CUSTODIAN, "/datasets/nafld/questions"),
            "question": (CUSTODIAN, f"/datasets/nafld/questions/{self.receipt}"),
            "share": (CUSTODIAN, f"{SHARE}?epsilon=3.5"),
            "share-refused": (CUSTODIAN, f"{SHARE}?epsilon=none"),
            "project": (CUSTODIAN, "/projects/liver"),
            "researcher": (CUSTODIAN, "/researchers/anna"),
            "policy": (CUSTODIAN, POLICY),
            "proposals": (OTHER_CUSTODIAN, "/proposals"),
            "proposal": (OTHER_CUSTODIAN, f"/proposals/{self.proposal}"),
            "no-datasets": (Principal("nobody-yet", CUSTODIAN.role), "/datasets"),
        }


NAMES = tuple(Scene.pages(Scene(None, "", "")))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with serving(build(tmp_path_factory.mktemp("custodian"))) as web:
        people = web.world.ledger.people
        people.add_user("nobody-yet", CUSTODIAN.role, actor="operator", now=NOW)
        write_policy(web.world, PolicyKind.DATASET, yaml(policy_files.bent(policy_files.DATASET, **DATASET, description="Who has it.")))
        grant = {**PROJECT, "datasets": {"nafld": {"epsilon": 3}}}
        write_policy(web.world, PolicyKind.PROJECT, policy_files.project_text(**grant))
        for day in range(24):
            question = f"SELECT region, COUNT(*) AS n, AVG(age) AS age FROM persons WHERE age > {day} GROUP BY region"  # noqa: S608 - never run
            price, when, who = 6 * 10**8 * (day % 7 + 1), NOW + timedelta(days=day - 21), "anna" if day % 3 else "colin"
            ask(web, question, price, when, actor=who, document=told(["number of rows", "sum of age - 50"], ["region"], f'"age" > {day}'))
        for age in range(21):
            probing = f"SELECT COUNT(*) AS n FROM persons WHERE age = {age} AND region = 'north'"  # noqa: S608 - never run
            facts = told(["number of rows"], [], f'"age" = {age} AND "region" = north')
            ask(web, probing, 10**7, NOW + timedelta(days=3, minutes=-age), actor="colin", document=facts)
        ledger = web.world.ledger
        propose_revocation(ledger.proposals, Revocable.PROJECT, "liver", "Their approval ended.", actor=CUSTODIAN.name, now=NOW)
        ledger.registry.set_state(PolicyKind.PROJECT, "liver", State.ACTIVE, "It was renewed.", CUSTODIAN.name, NOW)
        changes = PolicyChanges(ledger, web.parts.policies)
        (written,) = [one.text for one in ledger.registry.list_policies(PolicyKind.DATASET) if one.name == "nafld"]
        looser = changes.of_dataset(written.replace("epsilon: 4", "epsilon: 4.5"))
        proposal = changes.submit(looser, "The board agreed to more questions.", actor=CUSTODIAN.name, now=NOW)
        assert isinstance(proposal, Proposal)
        yield Scene(web, web.world.ledger.recent(limit=1)[0].reservation.id, proposal.id)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_keeps_its_policy_and_talks_to_no_other_host(browser: Browser, scene: Scene, name: str, scheme: str) -> None:
    principal, path = scene.pages()[name]
    page, watch = opened(browser, scene.web, principal, path, viewport=WIDE, color_scheme=scheme)
    if name == "policy":
        rewrite(page, "epsilon: 4", "epsilon: 8")
        page.get_by_role("button", name="Propose this version").wait_for()
    for picture in page.locator("picture img").all():
        picture.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every(one => one.complete && one.naturalWidth)")
    photographed(page, f"{name}-{scheme}")
    assert violations(page) == []
    assert watch.hosts == {scene.web.address.removeprefix("http://")}
    assert [text for text in watch.complaints if "status of 4" not in text] == []
    page.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_a_screen_of_360_pixels(browser: Browser, scene: Scene, name: str) -> None:
    principal, path = scene.pages()[name]
    page, _ = opened(browser, scene.web, principal, path, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.context.close()


def rewrite(page: Page, old: str, new: str) -> None:
    """Replace words in the editor by keyboard: select them, then type."""
    page.locator("#text").focus()
    page.evaluate(
        "old => { const text = document.getElementById('text'); const at = text.value.indexOf(old);"
        " if (at < 0) throw new Error('not there'); text.setSelectionRange(at, at + old.length); }",
        old,
    )
    page.keyboard.type(new)


def test_a_policy_is_checked_while_it_is_written_and_proposed_without_a_mouse(browser: Browser, scene: Scene) -> None:
    page, watch = opened(browser, scene.web, CUSTODIAN, POLICY)
    assert "This is what applies now" in page.locator("#verdict").inner_text()
    rewrite(page, "rows_per_unit: 5", "rows_per_unit: many")
    page.locator("#verdict .problems").wait_for()
    said = page.locator("#verdict .problems").inner_text()
    assert "rows_per_unit" in said
    assert violations(page) == []
    page.locator("#verdict a[data-line]").focus()
    page.keyboard.press("Enter")
    marked = page.evaluate(
        "(() => { const t = document.getElementById('text'); return t.value.slice(t.selectionStart, t.selectionEnd); })()"
    )
    assert marked.strip() == "rows_per_unit: many"
    rewrite(page, "rows_per_unit: many", "rows_per_unit: 5")
    rewrite(page, "epsilon: 4", "epsilon: 5")
    page.get_by_role("button", name="Propose this version").wait_for()
    assert "privacy.epsilon: 4 → 5" in page.locator("#verdict").inner_text()
    page.locator("#text").focus()
    page.keyboard.press("Tab")  # the Check button
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "reason"
    page.keyboard.type("The board asked for it.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/proposals/p-*")
    assert "You proposed it" in page.locator(".lead").inner_text()
    assert watch.complaints == []
    number = page.url.rpartition("/")[2]
    page.context.close()
    page, _ = opened(browser, scene.web, OTHER_CUSTODIAN, f"/proposals/{number}")
    page.locator("#reason").focus()
    page.keyboard.type("Not now.")
    page.get_by_role("button", name="Decline").focus()
    page.keyboard.press("Enter")
    page.get_by_text("It was declined by keeper").wait_for()
    page.context.close()


def test_a_share_is_previewed_while_it_is_written_and_changed_without_a_mouse(browser: Browser, scene: Scene) -> None:
    page, watch = opened(browser, scene.web, CUSTODIAN, SHARE)
    page.locator("#epsilon").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("0.9")
    page.get_by_role("button", name="Change the share").wait_for()
    assert "ε = 0.9" in page.locator("#preview").inner_text()
    assert violations(page) == []
    page.locator("#share-reason").focus()
    page.keyboard.type("They need less.")
    page.keyboard.press("Enter")
    page.get_by_text("(now 0.9)").wait_for()
    assert watch.complaints == []
    page.context.close()


def test_a_person_is_stopped_and_let_in_again_without_a_mouse(browser: Browser, scene: Scene) -> None:
    page, watch = opened(browser, scene.web, CUSTODIAN, "/researchers/anna")
    page.locator("#reason").focus()
    page.keyboard.type("Asked for by the board.")
    page.keyboard.press("Enter")
    page.get_by_text("This researcher is stopped").wait_for()
    assert violations(page) == []
    page.locator("#lift-reason").focus()
    page.keyboard.type("It was a mistake.")
    page.keyboard.press("Enter")
    page.get_by_text("This researcher may take part.").wait_for()
    assert watch.complaints == []
    page.context.close()


def test_every_journey_works_without_scripts(browser: Browser, scene: Scene) -> None:
    page, _ = opened(browser, scene.web, CUSTODIAN, POLICY, java_script_enabled=False)
    text = page.locator("#text").input_value()
    page.locator("#text").fill(text.replace("title:", "titel:"))
    page.get_by_role("button", name="Check").click()
    page.get_by_text("Did you mean `title`?").wait_for()
    page.locator("#text").fill(text.replace("epsilon: 4", "epsilon: 6"))
    page.get_by_role("button", name="Check").click()
    page.locator("#reason").fill("More is known now.")
    page.get_by_role("button", name="Propose this version").click()
    page.wait_for_url("**/proposals/p-*")
    page.locator("#reason").fill("Later, then.")
    page.get_by_role("button", name="Take it back").click()
    page.get_by_text("It was withdrawn by custos").wait_for()
    page.goto(scene.web.address + SHARE)
    page.locator("#epsilon").fill("3.8")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Propose the share").wait_for()
    page.goto(scene.web.address + "/datasets/nafld")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export days (CSV)").click()
    assert download.value.suggested_filename == "nafld-days.csv"
    page.context.close()


def test_the_burn_down_is_drawn(browser: Browser, scene: Scene) -> None:
    page, watch = opened(browser, scene.web, CUSTODIAN, "/datasets/nafld", viewport=WIDE)
    page.locator("picture img").first.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('picture img').naturalWidth > 300")
    assert watch.complaints == []
    page.context.close()
