"""Every command, typed as a person types it: what it prints, what it changes, and how it ends when refused."""

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from haven.cli.house import now, open_books, open_house
from haven.cli.main import app
from haven.ledger.registry import PolicyKind, State
from tests.support import house as small
from tests.support.house import PERSONS

REFUSED, FAULT = 2, 3
COUNT = "SELECT COUNT(*) AS n FROM persons"


def haven(*words: object, home: Path | None = None) -> Result:
    """One command line."""
    place = [] if home is None else ["--home", str(home)]
    return CliRunner().invoke(app, [*map(str, words), *place], env={"COLUMNS": "250", "HAVEN_TOKEN": "", "HAVEN_HOME": ""})


def ok(*words: object, home: Path | None = None) -> str:
    """What a command that succeeds prints."""
    result = haven(*words, home=home)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words: object, home: Path | None = None, code: str, exit_code: int = REFUSED) -> str:
    """What a command that is refused says; nothing of Python's own shows."""
    result = haven(*words, home=home)
    assert result.exit_code == exit_code, result.output
    assert code in result.stderr
    assert "Traceback" not in result.output
    return result.stderr


def data(*words: object, home: Path | None = None) -> object:
    """The JSON that a command prints."""
    return json.loads(ok(*words, home=home))


def _snapshots(home: Path, name: str) -> list[str]:
    folder = home / "data" / name
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")) if folder.exists() else []


# making a home


def test_init_makes_a_private_home_and_only_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert str(home) in ok("init", home).replace("\n", "")
    assert home.stat().st_mode & 0o077 == 0
    assert (home / "books.sqlite").stat().st_mode & 0o077 == 0
    refused("init", home, code="home.invalid")
    assert data("audit", "verify", "--json", home=home)["whole"] is True


def test_init_bench_says_so(tmp_path: Path) -> None:
    assert "bench" in ok("init", tmp_path / "home", "--bench")


def test_init_demo_has_datasets_projects_and_someone_in_each_role(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ok("init", home, "--demo")
    assert {one["dataset"] for one in data("dataset", "list", "--json", home=home)} == {"nafld", "thousand-genomes"}
    assert {one["role"] for one in data("user", "list", "--json", home=home)} == {"researcher", "custodian", "checker", "auditor"}
    assert "17549" not in ok("dataset", "show", "nafld", home=home)
    answer = data("query", COUNT, "--project", "liver-fibrosis", "--epsilon", "0.5", "--json", home=home)
    assert answer["rows"][0][0] == pytest.approx(17549, abs=200)


@pytest.mark.parametrize(
    "words", [["dataset", "list"], ["user", "list"], ["audit", "verify"], ["budget", "show"], ["query", COUNT, "--project", "p"]]
)
def test_a_place_without_a_haven_is_refused(tmp_path: Path, words: list[str]) -> None:
    refused(*words, home=tmp_path, code="home.invalid")


def test_a_home_with_damaged_settings_is_refused(normal_home: Path) -> None:
    (normal_home / "haven.yaml").write_text("kind: castle\n", encoding="utf-8")
    refused("dataset", "list", home=normal_home, code="home.invalid")


# datasets


def test_a_dataset_is_listed_and_shown_without_any_count(normal_home: Path) -> None:
    listed = data("dataset", "list", "--json", home=normal_home)
    assert [(one["dataset"], one["snapshot"], one["state"]) for one in listed] == [("clinic", 1, "active"), ("sister", 1, "active")]
    shown = ok("dataset", "show", "clinic", home=normal_home)
    assert json.loads(shown)["tables"]["visits"]["rows_per_unit"] == 4
    assert str(PERSONS) not in shown
    assert "clinic" in ok("dataset", "list", home=normal_home)
    refused("dataset", "show", "nothing", home=normal_home, code="not_found.unknown")


def test_a_dataset_is_added_and_read_again(tmp_path: Path) -> None:
    home, sources = tmp_path / "home", small.write_sources(tmp_path / "sources")
    ok("init", home)
    assert "snapshot 1" in ok("dataset", "add", sources / "clinic.yaml", home=home)
    assert "snapshot 2" in ok("dataset", "ingest", "clinic", home=home)
    assert _snapshots(home, "clinic") == ["1", "2"]
    report = json.loads((home / "data" / "clinic" / "2" / "report.json").read_text(encoding="utf-8"))
    assert report["units"] == PERSONS


def _without_source(sources: Path) -> None:
    (sources / "visits.parquet").unlink()


def _truncated(sources: Path) -> None:
    content = (sources / "visits.parquet").read_bytes()
    (sources / "visits.parquet").write_bytes(content[: len(content) // 2])


def _without_column(sources: Path) -> None:
    table = pq.read_table(sources / "visits.parquet").drop_columns(["cost"])
    pq.write_table(table, sources / "visits.parquet")


def _no_parquet(sources: Path) -> None:
    (sources / "persons.parquet").write_text("id,age\n1,2\n", encoding="utf-8")


def _withdrawals_missing(sources: Path) -> None:
    policy = json.loads((sources / "clinic.yaml").read_text(encoding="utf-8"))
    policy["consent"]["withdrawals"] = "nowhere.csv"
    (sources / "clinic.yaml").write_text(json.dumps(policy), encoding="utf-8")


@pytest.mark.parametrize("spoil", [_without_source, _truncated, _without_column, _no_parquet, _withdrawals_missing])
def test_data_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    home, sources = tmp_path / "home", small.write_sources(tmp_path / "sources")
    ok("init", home)
    spoil(sources)
    said = refused("dataset", "add", sources / "clinic.yaml", home=home, code="ingest.")
    assert "person-0" not in said
    assert _snapshots(home, "clinic") == []
    assert data("dataset", "list", "--json", home=home) == []
    assert data("audit", "verify", "--json", home=home)["whole"] is True


@pytest.mark.parametrize(
    "text",
    ["", "dataset: [", "dataset: x\ndataset: y\n", "not: a policy\n", "- 1\n", "dataset: clinic\ntitle: T\n", "\x00", "a: &b [*b]\n"],
)
def test_a_malformed_policy_is_refused(normal_home: Path, tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    refused("dataset", "add", file, home=normal_home, code="policy.invalid")
    refused("project", "add", file, home=normal_home, code="policy.invalid")


def test_a_policy_that_is_not_there_or_not_text_is_refused(normal_home: Path, tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x01")
    for file in (tmp_path / "nowhere.yaml", tmp_path, tmp_path / "bytes.yaml"):
        refused("dataset", "add", file, home=normal_home, code="policy.invalid")
        refused("project", "add", file, home=normal_home, code="policy.invalid")


def test_a_normal_home_takes_no_bench_policy(tmp_path: Path) -> None:
    home, sources = tmp_path / "home", small.write_sources(tmp_path / "sources", small.BENCH)
    ok("init", home)
    refused("dataset", "add", sources / "clinic.yaml", home=home, code="policy.invalid")


def test_paused_and_resumed_a_dataset_obeys_at_once(normal_home: Path) -> None:
    question = ("query", COUNT, "--project", "aging", "--epsilon", "0.1")
    ok("dataset", "pause", "clinic", "--reason", "a recount", home=normal_home)
    assert "a recount" in refused(*question, home=normal_home, code="policy.paused")
    ok("dataset", "resume", "clinic", home=normal_home)
    ok(*question, home=normal_home)
    refused("dataset", "pause", "nothing", home=normal_home, code="not_found.unknown")


def test_withdrawn_people_leave_and_a_list_that_is_not_there_is_refused(bench_home: Path, tmp_path: Path) -> None:
    units = tmp_path / "units.txt"
    units.write_text("person-001\nperson-002\n", encoding="utf-8")
    ok("dataset", "withdraw", "clinic", "--units", units, home=bench_home)
    answer = data("query", COUNT, "--project", "aging", "--epsilon", "1000000", "--json", home=bench_home)
    assert answer["rows"] == [[PERSONS - 2]]
    refused("dataset", "withdraw", "clinic", "--units", tmp_path / "nowhere.txt", home=bench_home, code="ingest.source")
    assert _snapshots(bench_home, "clinic") == ["1", "2"]
    refused("dataset", "withdraw", "nothing", "--units", units, home=bench_home, code="not_found.unknown")


# projects and people


def test_a_project_is_added_shown_suspended_and_resumed(normal_home: Path) -> None:
    assert {one["project"] for one in data("project", "list", "--json", home=normal_home)} == {"aging", "both", "ended", "origins"}
    assert json.loads(ok("project", "show", "aging", home=normal_home))["researchers"] == ["anna", "ben"]
    question = ("query", COUNT, "--project", "aging", "--epsilon", "0.1")
    ok("project", "suspend", "aging", "--reason", "a complaint", home=normal_home)
    assert "a complaint" in refused(*question, home=normal_home, code="policy.suspended")
    ok("project", "resume", "aging", "--reason", "settled", home=normal_home)
    ok(*question, home=normal_home)
    refused("project", "show", "nothing", home=normal_home, code="policy.unknown_project")
    assert "aging" in ok("project", "list", home=normal_home)


def test_a_new_version_of_a_project_counts_from_the_next_question(normal_home: Path) -> None:
    file = normal_home / "sources" / "aging.yaml"
    policy = json.loads(file.read_text(encoding="utf-8")) | {"researchers": ["ben"]}
    file.write_text(json.dumps(policy), encoding="utf-8")
    assert "version 2" in ok("project", "add", file, home=normal_home)
    refused("query", COUNT, "--project", "aging", "--as", "anna", "--epsilon", "0.1", home=normal_home, code="policy.not_member")
    ok("query", COUNT, "--project", "aging", "--as", "ben", "--epsilon", "0.1", home=normal_home)


@pytest.mark.parametrize("change", [{"datasets": {"clinic": {"epsilon": 5}}}, {"datasets": {"nothing": {"epsilon": 1}}}])
def test_a_project_is_granted_no_more_than_there_is(normal_home: Path, change: dict) -> None:
    file = normal_home / "sources" / "aging.yaml"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")
    refused("project", "add", file, home=normal_home, code="policy.invalid" if "clinic" in change["datasets"] else "not_found.unknown")


def test_a_person_is_added_with_a_password_and_a_token_shown_once(normal_home: Path) -> None:
    password = ok("user", "add", "dora", "--role", "researcher", "--project", "aging", home=normal_home).split()[-1]
    token = ok("user", "token", "dora", home=normal_home).split()[-1]
    as_data = data("user", "token", "dora", "--json", home=normal_home)["token"]
    with open_books(normal_home) as (_, ledger):
        person = ledger.people.person("dora")
        assert person is not None
        assert person.project == "aging"
        assert ledger.people.verify_password("dora", password, now()) is not None
        assert {ledger.people.principal_of_token(one, now()).name for one in (token, as_data)} == {"dora"}
    assert token not in (normal_home / "books.sqlite").read_bytes().decode("latin-1")
    refused("user", "add", "dora", "--role", "auditor", home=normal_home, code="request.conflict")
    refused("user", "token", "nobody", home=normal_home, code="not_found.unknown")


def test_a_new_password_replaces_the_old_one(normal_home: Path) -> None:
    first = ok("user", "password", "anna", home=normal_home).split()[-1]
    second = ok("user", "password", "anna", home=normal_home).split()[-1]
    with open_books(normal_home) as (_, ledger):
        assert ledger.people.verify_password("anna", second, now()) is not None
        assert ledger.people.verify_password("anna", first, now()) is None


def test_a_suspended_person_asks_nothing_until_resumed(normal_home: Path) -> None:
    question = ("query", COUNT, "--project", "aging", "--as", "anna", "--epsilon", "0.1")
    ok("user", "suspend", "anna", "--reason", "shared a password", home=normal_home)
    refused(*question, home=normal_home, code="policy.suspended")
    ok("user", "resume", "anna", "--reason", "taught", home=normal_home)
    ok(*question, home=normal_home)
    assert "anna" in ok("user", "list", home=normal_home)


# budgets, questions, the books


def test_a_budget_is_shown_for_a_dataset_and_for_a_project(normal_home: Path) -> None:
    answer = data("query", COUNT, "--project", "aging", "--epsilon", "0.2", "--json", home=normal_home)
    (line,) = data("budget", "show", "--project", "aging", "--json", home=normal_home)
    assert line["spent"]["rho"] == answer["receipt"]["cost"]["rho"]
    assert line["left"] == answer["receipt"]["remaining"]
    clinic, sister = data("budget", "show", "--json", home=normal_home)
    assert clinic["spent"] == line["spent"]
    assert Decimal(sister["spent"]["rho"]) == 0
    assert sister["left"]["rho"] == clinic["left"]["rho"]  # one population, one budget
    assert [one["dataset"] for one in data("budget", "show", "--dataset", "sister", "--json", home=normal_home)] == ["sister"]
    assert "rho" in ok("budget", "show", home=normal_home)
    refused("budget", "show", "--dataset", "nothing", home=normal_home, code="not_found.unknown")
    refused("budget", "show", "--project", "nothing", home=normal_home, code="policy.unknown_project")


def test_a_question_is_answered_in_words_and_in_data(normal_home: Path) -> None:
    sql = "SELECT site, COUNT(*) AS n FROM persons GROUP BY site"
    words = ok("query", sql, "--project", "aging", "--epsilon", "0.5", home=normal_home)
    assert all(text in words for text in ("north", "±", "receipt q-", "cite: The clinic (2026)."))
    again = data("query", sql, "--project", "aging", "--epsilon", "0.5", "--as", "ben", "--json", home=normal_home)
    assert again["columns"] == [{"name": "site", "type": "text"}, {"name": "n", "type": "integer"}]
    assert again["receipt"]["replayed"] is True
    assert "free" in ok("query", sql, "--project", "aging", "--epsilon", "0.5", home=normal_home)


def test_a_bench_home_marks_every_answer(bench_home: Path) -> None:
    assert "bench home" in ok("query", COUNT, "--project", "aging", "--epsilon", "1", home=bench_home)
    assert data("query", COUNT, "--project", "aging", "--epsilon", "1", "--json", home=bench_home)["receipt"]["bench"] is True


def test_a_preview_spends_nothing(normal_home: Path) -> None:
    words = ok("query", COUNT, "--project", "aging", "--error", "30", "--preview", home=normal_home)
    assert "nothing was spent" in words
    told = data("query", COUNT, "--project", "aging", "--rho", "0.001", "--preview", "--json", home=normal_home)
    assert told["cost"]["rho"].startswith("0.00")
    assert not told["free"]
    (line,) = data("budget", "show", "--project", "aging", "--json", home=normal_home)
    assert Decimal(line["spent"]["rho"]) == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([COUNT, "--project", "aging"], "budget.invalid"),
        ([COUNT, "--project", "aging", "--epsilon", "much"], "budget.invalid"),
        ([COUNT, "--project", "aging", "--epsilon", "nan"], "budget.invalid"),
        ([COUNT, "--project", "aging", "--epsilon=-1"], "budget.invalid"),
        ([COUNT, "--project", "aging", "--epsilon", "1", "--rho", "1"], "budget.invalid"),
        ([COUNT, "--project", "aging", "--epsilon", "40"], "budget.exhausted"),
        ([COUNT, "--project", "nothing", "--epsilon", "1"], "policy.unknown_project"),
        ([COUNT, "--project", "aging", "--epsilon", "1", "--as", "carl"], "policy.not_member"),
        (["SELECT age FROM persons", "--project", "aging", "--epsilon", "1"], "query.rows"),
        ([COUNT, "--project", "aging", "--epsilon", "1", "--url", "http://127.0.0.1:9"], "auth.missing"),
        ([COUNT, "--project", "aging", "--epsilon", "1", "--url", "no address", "--token", "t"], "request.invalid"),
    ],
)
def test_a_question_that_is_refused_ends_with_code_2_and_costs_nothing(normal_home: Path, words: list[str], code: str) -> None:
    refused("query", *words, home=normal_home, code=code)
    with open_books(normal_home) as (_, ledger):
        assert ledger.history("aging") == ()


def test_a_question_that_ends_in_a_fault_ends_with_code_3(normal_home: Path) -> None:
    (normal_home / "data" / "clinic" / "1" / "data.duckdb").write_bytes(b"no database")
    refused("query", COUNT, "--project", "aging", "--epsilon", "0.1", home=normal_home, code="fault.question", exit_code=FAULT)


def test_the_books_are_verified_and_exported(normal_home: Path) -> None:
    ok("query", COUNT, "--project", "aging", "--epsilon", "0.1", home=normal_home)
    assert "The books are whole" in ok("audit", "verify", home=normal_home)
    lines = [json.loads(line) for line in ok("audit", "export", home=normal_home).splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(one["digest"] == two["prev_digest"] for one, two in pairwise(lines))
    assert len(lines) == data("audit", "verify", "--json", home=normal_home)["entries"]


def test_tampered_books_are_not_whole_and_the_exit_says_so(normal_home: Path) -> None:
    with sqlite3.connect(normal_home / "books.sqlite") as books:
        books.execute("UPDATE accounts SET spent_pico = '0', reserved_pico = '0'")
        books.execute("UPDATE spends SET state = 'void'")
        books.execute("DROP TRIGGER IF EXISTS entries_are_kept")
        triggers = [name for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            books.execute(f'DROP TRIGGER "{name}"')
        books.execute("UPDATE entries SET body = replace(body, 'clinic', 'clanic') WHERE seq = 2")
    result = haven("audit", "verify", home=normal_home)
    assert result.exit_code == FAULT
    assert "NOT whole" in result.stdout


def test_books_that_are_no_database_are_a_coded_fault(normal_home: Path) -> None:
    (normal_home / "books.sqlite").write_bytes(b"nothing of the kind" * 100)
    refused("dataset", "list", home=normal_home, code="fault.ledger", exit_code=FAULT)


# bundles, policies, help


def test_verify_refuses_what_is_no_bundle(tmp_path: Path) -> None:
    refused("verify", tmp_path / "nowhere.zip", code="verify.failed")
    file = tmp_path / "bundle.zip"
    file.write_bytes(b"PK no zip")
    result = haven("verify", file)
    assert result.exit_code == FAULT
    assert "NOT whole" in result.stdout
    assert json.loads(haven("verify", file, "--json").stdout)["whole"] is False


@pytest.mark.parametrize("key", ["abc", "g" * 64, "0" * 5000, "/nowhere/key", "/"])
def test_verify_refuses_what_is_no_key(tmp_path: Path, key: str) -> None:
    file = tmp_path / "bundle.zip"
    file.write_bytes(b"PK no zip")
    refused("verify", file, "--key", key, code="verify.failed")
    odd = tmp_path / "odd.key"
    odd.write_bytes(b"\xff" * 64)
    refused("verify", file, "--key", odd, code="verify.failed")


def test_policy_check_accepts_the_shipped_policies_and_names_what_is_wrong(normal_home: Path, tmp_path: Path) -> None:
    ok("policy", "check", normal_home / "sources")
    file = tmp_path / "bad.yaml"
    file.write_text("dataset: x\ncolour: blue\n", encoding="utf-8")
    result = haven("policy", "check", file)
    assert result.exit_code != 0
    assert "colour" in result.output
    assert haven("policy", "check", tmp_path / "nowhere.yaml").exit_code != 0
    assert "clinic" in ok("policy", "explain", normal_home / "sources" / "clinic.yaml").lower()
    assert "the same" in ok("policy", "diff", normal_home / "sources" / "clinic.yaml", normal_home / "sources" / "clinic.yaml")


COMMANDS = {
    "": ["init", "serve", "up", "demo", "dataset", "project", "user", "budget", "query", "audit", "verify", "policy"],
    "dataset": ["add", "list", "show", "ingest", "withdraw", "pause", "resume"],
    "project": ["add", "list", "show", "suspend"],
    "user": ["add", "list", "password", "token"],
    "budget": ["show"],
    "audit": ["verify", "export"],
    "policy": ["check", "explain", "diff"],
}


@pytest.mark.parametrize("group", COMMANDS)
def test_help_names_every_command_and_says_what_it_is_for(group: str) -> None:
    words = ok(*group.split(), "--help")
    for command in COMMANDS[group]:
        assert command in words
        said = ok(*group.split(), command, "--help")
        assert len(said.strip().splitlines()) > 3
        assert "Usage" in said


HOMELESS = {("", "init"), ("", "demo"), ("", "verify"), *(("", group) for group in COMMANDS)}


@pytest.mark.parametrize("words", [(group, one) for group in COMMANDS for one in COMMANDS[group] if group != "policy"])
def test_every_command_that_needs_a_home_takes_one(words: tuple[str, str]) -> None:
    assert (words in HOMELESS) != ("--home" in ok(*" ".join(words).split(), "--help"))


def test_a_paused_dataset_stays_paused_when_the_house_is_opened_again(normal_home: Path) -> None:
    ok("dataset", "pause", "clinic", home=normal_home)
    with open_house(normal_home) as house:
        assert house.ledger.registry.state(PolicyKind.DATASET, "clinic").state is State.PAUSED
