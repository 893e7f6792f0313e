"""The client, the wire, the API and the whole house behind them: what a researcher gets is what the rows say."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import haven
from haven.cli.house import House
from haven.cli.serving import web_parts
from haven.client.session import Haven
from haven.errors import Code
from haven.policy.roles import Principal
from haven.web.app import create_app
from haven.web.identity import TokenIdentity
from tests.support import house as real
from tests.support.api_service import listening

Connect = Callable[[Principal, str | None], Haven]
HUGE = real.HUGE


@pytest.fixture(scope="module")
def connect(shared_bench_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Connects anyone to the haven, as their kernel would."""
    people = shared_bench_house.ledger.people
    path = tmp_path_factory.mktemp("sock") / "gw.sock"
    app = create_app(web_parts(shared_bench_house, TokenIdentity(people), ""))

    def connected(who: Principal, project: str | None = "aging") -> Haven:
        token = people.issue_token(who.name, datetime.now(UTC), actor="operator")
        with pytest.MonkeyPatch.context() as environment:
            environment.delenv("HAVEN_URL", raising=False)
            environment.setenv("HAVEN_SOCKET", str(path))
            return haven.connect(token=token, project=project)

    with listening(app, path):
        yield connected


@pytest.fixture(scope="module")
def h(connect: Connect) -> Haven:
    return connect(real.ANNA, "aging")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT female, COUNT(*) AS n, SUM(age) AS years FROM persons GROUP BY female ORDER BY female",
        "SELECT site, COUNT(*) AS n, COUNT(weight) AS weighed FROM persons GROUP BY site ORDER BY site NULLS LAST",
        "SELECT kind, COUNT(*) AS n, COUNT(DISTINCT id) AS people FROM visits GROUP BY kind ORDER BY kind",
        "SELECT COUNT(*) AS n FROM persons WHERE entered >= DATE '2020-03-01'",
    ],
)
def test_without_noise_an_answer_is_what_plain_sql_says(h: Haven, sql: str) -> None:
    with real.plain_sql() as plain:
        expected = plain.execute(sql).fetchall()
    got = h.query(sql.replace("FROM ", "FROM clinic."), epsilon=HUGE).to_arrow()
    assert [tuple(row.values()) for row in got.to_pylist()] == expected


def test_an_ibis_question_is_what_plain_sql_says(h: Haven) -> None:
    persons = h.table("clinic.persons")
    question = persons.filter(persons.age >= 40).mutate(decade=(persons.age // 10) * 10).group_by("decade").agg(n=lambda t: t.count())
    with real.plain_sql() as plain:
        expected = plain.execute("SELECT (age // 10) * 10 AS d, COUNT(*) FROM persons WHERE age >= 40 GROUP BY d").fetchall()
    frame = h.query(question, epsilon=HUGE).to_pandas()
    got = {(decade, n) for decade, n in zip(frame["decade"], frame["n"], strict=True) if n}
    assert got == set(expected)


def test_a_question_is_paid_once_and_its_repetition_is_free(h: Haven) -> None:
    sql = "SELECT COUNT(*) AS n FROM clinic.persons WHERE age > 33"
    price = h.preview(sql, epsilon=2)
    before = h.budget["clinic"]
    first = h.query(sql, epsilon=2)
    after = h.budget["clinic"]
    again = h.query(sql, epsilon=2)
    assert first.receipt.cost == price.cost
    assert h.preview(sql, epsilon=2).free
    assert (first.receipt.replayed, again.receipt.replayed) == (False, True)
    assert again.to_arrow().equals(first.to_arrow())
    assert h.budget["clinic"].spent == after.spent != before.spent
    assert h.query(sql, epsilon=2, replay=False).receipt.id != first.receipt.id


def test_a_bench_home_says_so_on_every_answer(h: Haven) -> None:
    assert "no privacy is promised" in repr(h.query("SELECT COUNT(*) AS n FROM clinic.persons", epsilon=1))


def test_an_answer_has_error_bars_words_a_picture_and_an_honest_promise(h: Haven) -> None:
    answer = h.query("SELECT site, COUNT(*) AS n, AVG(weight) AS kg FROM clinic.persons GROUP BY site", epsilon=1)
    assert answer.errors["n"].notna().all()
    assert answer.errors["site"].isna().all()
    assert "discrete Gaussian" in answer.explain()
    assert answer.plot().svg.startswith("<svg")
    assert answer.receipt.citation == "The clinic (2026)."


def test_the_catalogue_shows_what_the_custodian_declared(h: Haven) -> None:
    clinic = h.datasets["clinic"]
    assert list(clinic.tables) == ["persons", "visits", "scans"]
    assert "DUO:0000006" in clinic.consent
    assert clinic.promise.startswith("zcdp: ε 1000000000, δ ")
    page = clinic._repr_html_()
    assert "2020-01-01 … 2024-12-31" in page
    assert "check, phone, urgent" in page
    assert "at most 4 rows each" in page


def test_everyone_sees_their_own_projects(connect: Connect) -> None:
    assert {"aging", "both"} <= set(connect(real.ANNA, None).projects)
    assert connect(real.CARL, None).projects == []


@pytest.mark.parametrize(
    ("who", "project", "sql", "code"),
    [
        (real.ANNA, "aging", "SELECT id FROM clinic.persons", Code.QUERY_ROWS),
        (real.ANNA, "aging", "SELECT AVG(nothing) AS x FROM clinic.persons", Code.QUERY_UNKNOWN_COLUMN),
        (real.ANNA, "aging", "SELECT COUNT(*) AS n FROM sister.members", Code.QUERY_UNKNOWN_TABLE),
        (real.ANNA, "nowhere", "SELECT COUNT(*) AS n FROM clinic.persons", Code.POLICY_UNKNOWN_PROJECT),
        (real.ANNA, "ended", "SELECT COUNT(*) AS n FROM clinic.persons", Code.POLICY_EXPIRED),
        (real.ANNA, "origins", "SELECT COUNT(*) AS n FROM clinic.persons", Code.POLICY_PURPOSE),
        (real.CARL, "aging", "SELECT COUNT(*) AS n FROM clinic.persons", Code.POLICY_NOT_MEMBER),
    ],
)
def test_what_may_not_be_asked_is_refused_with_its_code(connect: Connect, who: Principal, project: str, sql: str, code: Code) -> None:
    with pytest.raises(haven.Refused) as refused:
        connect(who, project).query(sql, epsilon=1)
    assert refused.value.code is code
    assert refused.value.suggestion


@pytest.mark.parametrize("who", [real.KEEPER, real.CORA, real.OTTO])
def test_only_researchers_ask(connect: Connect, who: Principal) -> None:
    with pytest.raises(haven.Refused):
        connect(who, "aging").query("SELECT COUNT(*) AS n FROM clinic.persons", epsilon=1)


@pytest.mark.parametrize("amount", ["1e12", "0.0000000000001", "2000000000"])
def test_a_price_that_the_books_cannot_hold_is_refused(h: Haven, amount: str) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.query("SELECT COUNT(*) AS n FROM clinic.persons", epsilon=amount)
    assert refused.value.code.startswith("budget.")


def test_a_release_is_asked_for_by_receipt(h: Haven, tmp_path: Path) -> None:
    answer = h.query("SELECT female, COUNT(*) AS n FROM clinic.persons GROUP BY female", epsilon=1)
    figure = answer.plot().save(tmp_path / "figure.png")
    note = tmp_path / "note.md"
    note.write_text("# Ageing\n\nWhat we saw.\n")
    release = h.request_release([answer, figure, note], title="Counts", context="For table 1.")
    assert release.status in {"submitted", "released"}
    assert [item["form"] for item in release.document["items"]] == ["table", "figure", "text"]
