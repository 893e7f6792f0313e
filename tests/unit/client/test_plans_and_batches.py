"""Plans as words and pictures, batches, progress and calling back: the client against the real routes, and against hostile words."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import haven
from haven.client import progress
from haven.client.batch import BatchAnswers, Proposal
from haven.client.picture import PlanPicture
from haven.client.preview import Preview
from haven.client.session import Haven
from haven.errors import QUESTION_FAULT, Code
from haven.mediator.answers import Answer, Question
from haven.policy.roles import Principal
from haven.web.api.batches import proposal_json
from haven.web.api.questions import preview_json
from tests.support import api_service
from tests.support.release_world import RECEIPT

SQL = "SELECT test, COUNT(*) AS n FROM nafld.labs GROUP BY test"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_service.Service]:
    with api_service.serving(api_service.build(tmp_path_factory.mktemp("api"))) as running:
        yield running
    running.world.ledger.close()


@pytest.fixture
def h(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> Haven:
    for name in ("HAVEN_URL", "HAVEN_TOKEN", "HAVEN_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "anna-token")
    return haven.connect()


def words_of(picture: PlanPicture) -> str:
    return " ".join(" ".join(ET.fromstring(picture.svg).itertext()).split())  # noqa: S314 - the client's own SVG


def test_a_plan_picture_shows_unit_bounds_sensitivity_noise_price_and_sql(h: Haven) -> None:
    picture = h.query(SQL, epsilon=0.1).plan_picture()
    words = words_of(picture)
    for said in ("one value of id", "60 rows", "6 groups", "6 public values", "private values", "31 persons", "at most 2.5 (L2)"):
        assert said in words
    for said in ("discrete Gaussian of scale 3.2", "± 6.3 at 95 %", "rho 0.001", "ε 0.1", "SELECT k0, count(*) AS t0 FROM"):
        assert said in words
    assert [title for title, _ in picture.steps] == ["Privacy unit", "Rows", "Bounds", "Groups", "Noise", "Price", "SQL"]


def test_a_previews_plan_is_drawn_alike_and_saved(h: Haven, tmp_path: Path) -> None:
    preview = h.preview(SQL, epsilon=0.1, size_hint=1000)
    target = preview.plan_picture().save(tmp_path / "plan.svg")
    assert ET.parse(target).getroot().tag == f"{SVG}svg"  # noqa: S314 - the client's own SVG
    for name in ("plan.png", "no/such/folder/plan.svg"):
        with pytest.raises(haven.Refused):
            preview.plan_picture().save(tmp_path / name)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(["</text><script>alert(1)</script>", "x" * 999]))
def test_whatever_a_plan_says_its_picture_is_shapes_and_words(words: str) -> None:
    document = {
        "plan": {
            "unit": words,
            "source": words,
            "bounds": {"rows_per_unit": words, "filters": [words]},
            "keys": [{"name": words, "values": None}],
            "targets": [{"of": words, "mechanism": words, "norm": words}],
            "threshold": words,
            "sql": words,
        },
        "cost": {words: words},
        "epsilon": words,
        "made_from": {"rule": words, "receipts": [words]},
    }
    tags = [element.tag for element in ET.fromstring(PlanPicture(document).svg).iter()]  # noqa: S314 - the client's own SVG
    assert set(tags) <= {f"{SVG}{name}" for name in ("svg", "g", "rect", "text", "path")}
    attributes = {name for element in ET.fromstring(PlanPicture(document).svg).iter() for name in element.attrib}  # noqa: S314 - the same
    assert not any(name.startswith("on") or "href" in name for name in attributes)
    assert repr(PlanPicture(document))


def test_a_receipt_without_a_plan_is_not_drawn() -> None:
    with pytest.raises(haven.Refused):
        PlanPicture({"id": "r"})


def test_explain_ends_with_the_sql_and_the_price(h: Haven) -> None:
    lines = h.query(SQL, epsilon=0.1).explain().splitlines()
    assert lines[-2].startswith("SQL that runs: SELECT k0")
    assert lines[-1].startswith("cost ε 0.1")


def test_a_preview_shows_the_error_in_groups_of_the_named_size(h: Haven) -> None:
    preview = h.preview(SQL, epsilon=0.1, size_hint=1000)
    assert preview.expected["n"] == {"half_width": 6.3, "relative": 0.0063}
    assert "± 6.3 (0.6%)" in preview._repr_html_()
    bare = Preview({**preview_json(api_service.PREVIEW), "expected": {}})
    assert "in a group of that size" not in bare._repr_html_()


def test_relative_errors_and_sizes_arrive_at_the_mediator(h: Haven, service: api_service.Service) -> None:
    h.query(SQL, relative_error="0.05", size_hint=500)
    asked = service.mediator.asked[-1]
    assert (str(asked.relative_error), asked.size_hint, asked.error) == ("0.05", 500, None)


def test_a_batch_gives_its_answers_in_order_with_receipts_and_consistent_forms(h: Haven) -> None:
    batch = h.batch([SQL, SQL], epsilon=0.1, weights=[1, 2])
    assert len(batch) == 2
    assert [answer.receipt.id for answer in batch] == [RECEIPT] * 2
    assert batch[0].to_pandas()["n"].tolist() == [812, 95, -3]
    moved = batch.consistent(0)
    assert moved is not None
    assert moved["n ±"].tolist() == [6.3, 6.3, 6.3]
    assert batch.consistent(1) is None
    assert batch[0:1][0].receipt.id == batch[0].receipt.id
    assert "1 releases" in repr(batch)
    assert "<table" in batch._repr_html_()


def test_a_proposal_says_price_releases_and_errors(h: Haven) -> None:
    proposal = h.propose([SQL], rho="0.001")
    assert (proposal.epsilon, proposal.cost["rho"], proposal.share_of_budget) == ("0.1", "0.001", 0.041)
    assert proposal.errors[0] == {"n": 6.3, "wild": None}
    assert "answered from" in proposal._repr_html_()
    assert "release 1" in repr(proposal)


@pytest.mark.parametrize("weights", [[1], [1, 2, 3]])
def test_a_batch_has_one_weight_a_question(h: Haven, weights: list[float]) -> None:
    with pytest.raises(haven.Refused):
        h.batch([SQL, SQL], epsilon=1, weights=weights)


@pytest.mark.parametrize("payment", [{}, {"epsilon": 1, "rho": 1}])
def test_a_batch_is_paid_in_exactly_one_way(h: Haven, payment: dict[str, Any]) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.batch([SQL], **payment)
    assert refused.value.code is Code.BUDGET_INVALID


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"answers": [None], "proposal": proposal_json(api_service.PROPOSAL)},
        {"answers": [{}], "proposal": proposal_json(api_service.PROPOSAL)},
        {"answers": [], "proposal": {}},
    ],
)
def test_a_batch_that_cannot_be_read_is_the_one_fault(document: object) -> None:
    with pytest.raises(haven.Fault):
        BatchAnswers(document)


@pytest.mark.parametrize("document", [None, [], {}, {"releases": [], "questions": None}])
def test_a_proposal_that_cannot_be_read_is_the_one_fault(document: object) -> None:
    with pytest.raises(haven.Fault):
        Proposal(document)


@pytest.fixture
def slow(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A mediator that answers when the event is set, with a journey as the real one has."""
    go_on = threading.Event()
    mediator = service.mediator

    def ask(question: Question, principal: Principal) -> Answer:
        with mediator.in_flight.journey(principal.name, question.idempotency_key) as journey:
            assert journey.begin(progress_grid(), go_on.set)
            go_on.wait(20)
        return api_service.ANSWER

    monkeypatch.setattr(mediator, "ask", ask)
    yield go_on
    go_on.set()


def progress_grid() -> Any:  # noqa: ANN401 - the engine's grid, off
    from haven.engines.time_grid import TimeGrid  # noqa: PLC0415 - the client knows nothing of it

    return TimeGrid(None)


def test_a_long_question_shows_where_it_stands_and_nothing_else(
    h: Haven, slow: threading.Event, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "FIRST_LOOK", 0.05)
    monkeypatch.setattr(progress, "LOOKS_APART", 0.05)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    threading.Timer(0.6, slow.set).start()
    assert len(h.query(SQL, epsilon=0.1)) == 3
    shown = set(re.findall(r"\x1b\[2K(\w+) ·", capsys.readouterr().err))
    assert "running" in shown
    assert shown <= {"waiting", "running", "noising"}


def interrupted(monkeypatch: pytest.MonkeyPatch, when: object) -> None:
    """The next wait ends in the keyboard's interrupt, once `when()` holds."""
    join = threading.Thread.join

    def wait(self: threading.Thread, timeout: float | None = None) -> None:
        if self.name != "haven-question":
            return join(self, timeout)
        deadline = time.monotonic() + 10
        while not when() and time.monotonic() < deadline:  # type: ignore[operator]
            time.sleep(0.005)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", wait)


def test_an_interrupt_calls_a_running_question_back_and_says_that_it_is_spent(
    h: Haven, service: api_service.Service, slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, lambda: service.mediator.in_flight._journeys)
    with pytest.raises(haven.Fault) as fault:
        h.query(SQL, epsilon=0.1)
    assert (fault.value.code, fault.value.reason) == (Code.FAULT_QUESTION, QUESTION_FAULT)
    assert slow.is_set()


def test_an_interrupt_before_the_question_came_is_refused_and_it_never_runs(h: Haven, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupted(patched, lambda: True)
        patched.setattr(h._connection, "ask", lambda *_: time.sleep(0.2))
        with pytest.raises(haven.Refused) as refused:
            h.query(SQL, epsilon=0.1)
    assert refused.value.code is Code.REQUEST_CANCELLED


def test_an_error_while_waiting_is_the_questions_own(h: Haven) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.query("refuse", epsilon=0.1)
    assert refused.value.code == "query.unknown_column"
