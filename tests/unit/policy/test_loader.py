"""A malformed policy is refused with its file, its line and what to write; a sound one is read exactly."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven.errors import Code, Refused
from haven.policy.conduct import CodeOfConduct
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import (
    kind_of,
    load_code_of_conduct,
    load_dataset_policy,
    load_project_policy,
    parse_code_of_conduct,
    parse_dataset_policy,
    parse_project_policy,
    problems_in,
    shipped_diseases,
)
from haven.policy.project_policy import ProjectPolicy
from haven.privacy.budget import Definition
from tests.support.policy_files import DATASET, bent, dataset, dataset_text, project, project_text

FOREIGN_WORDS = (
    "pydantic",
    "Input should",
    "Extra inputs",
    "Field required",
    "validation error",
    "Value error",
    "ValidationError",
    "ruamel",
)


def refusal_of(text: str, *, bench: bool = False) -> Refused:
    with pytest.raises(Refused) as failure:
        parse_dataset_policy(text, "cohort.yaml", bench=bench)
    assert failure.value.code is Code.POLICY_INVALID
    assert not any(word in str(failure.value) for word in FOREIGN_WORDS)
    return failure.value


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


@pytest.mark.parametrize(
    ("changes", "part", "words"),
    [
        ({"custodain": "x"}, '"custodain"', "Did you mean `custodian`?"),
        ({"qqqqqqqq": "x"}, '"qqqqqqqq"', "Remove it."),
        ({"tables__persons__columns__age__bound": [0, 1]}, '"bound"', "Did you mean `bounds`?"),
        ({"title": ...}, "{", "`title` is missing"),
        ({"consent": ...}, "{", "`consent` is missing"),
        ({"title": 5}, '"title"', "put it in quotes"),
        ({"title": ""}, '"title"', "must not be empty"),
        ({"tables": []}, '"tables"', "{key: value}"),
        ({"privacy": 4}, '"privacy"', "{key: value}"),
        ({"tables__persons__columns__age__type": "int"}, '"int"', "integer, number, boolean, category, date"),
        ({"tables__persons__columns__region__keys": "north"}, '"keys"', "is a list"),
        ({"tables__persons__columns__age__bounds": [0]}, '"bounds"', "`tables.persons.columns.age.bounds.1` is missing"),
        ({"tables__visits__rows_per_unit": "5"}, '"rows_per_unit"', "whole number"),
        ({"tables__visits__rows_per_unit": 0}, '"rows_per_unit"', "at least 1"),
        ({"tables__visits__rows_per_unit": 10**7}, '"rows_per_unit"', "at most 1000000"),
        ({"tables__visits__rows_per_group": 9}, '"visits"', "rows_per_group cannot exceed"),
        ({"dataset": "Cohort 1"}, '"dataset"', "Names begin with"),
        ({"privacy": {"epsilon": 4}}, '"privacy"', "gdp needs a delta"),
        ({"privacy__definition": "approx"}, '"definition"', "zcdp, pure"),
        ({"privacy__definition": "pure"}, '"privacy"', "has no delta"),
        ({"privacy__delta": ...}, '"privacy"', "needs a delta"),
        ({"privacy__epsilon": 0}, '"epsilon"', "positive"),
        ({"privacy__epsilon": -1}, '"epsilon"', "positive"),
        ({"privacy__epsilon": True}, '"epsilon"', "without quotes"),
        ({"privacy__epsilon": "4"}, '"epsilon"', "without quotes"),
        ({"privacy__epsilon": 51}, '"epsilon"', "at most 50"),
        ({"privacy__epsilon": 1e-13}, '"epsilon"', "more digits than its smallest unit"),
        ({"privacy__delta": 0.5}, '"delta"', "at most 0.001"),
        ({"privacy__delta": 1e-19}, '"delta"', "more digits"),
        ({"timing": "off"}, '"timing"', "bench homes only"),
        ({"timing__slot_ms": 0}, '"slot_ms"', "at least 1"),
        ({"consent__permission": "DUO:0000019"}, '"permission"', "DUO:0000004"),
        ({"consent__disease": "MONDO:0013209"}, '"consent"', "only disease specific"),
        ({"consent__permission": "DUO:0000007"}, '"consent"', "names its disease"),
        ({"consent__modifiers": ["DUO:0000022"]}, '"DUO:0000022"', "cannot be decided without `countries`"),
        ({"consent__modifiers": ["DUO:0000021", "DUO:0000021"]}, '"consent"', "listed twice"),
        ({"consent__modifiers": [{"id": "DUO:0000022", "countries": ["Norway"]}]}, '"Norway"', "two-letter"),
        ({"consent__modifiers": [{"id": "DUO:0000022", "countries": []}]}, '"countries"', "too few entries"),
        ({"consent__modifiers": [{"id": "DUO:0000024", "until": "soon"}]}, '"until"', "2027-12-31"),
        ({"consent__modifiers": [{"id": "DUO:0000024", "until": 5}]}, '"until"', "2027-12-31"),
        ({"risk__vulnerable_groups": "no"}, '"vulnerable_groups"', "true or false"),
        ({"risk__tier": "low"}, '"tier"', "de-minimis, standard, high"),
        ({"disclosure__dominance": {"n": 2, "k": 1.5}}, '"k"', "at most 1"),
        ({"disclosure__dominance": {"n": 2, "k": 0}}, '"k"', "greater than 0"),
        ({"disclosure__p_percent": "10"}, '"p_percent"', "a number without quotes"),
        ({"disclosure__protected_columns": ["ethnicity"]}, "{", "is in no table"),
        ({"attribution__doi": "https://doi.org/10.1/x"}, '"doi"', "without its address"),
        ({"attribution__producers": [{"name": "A", "orcid": "1234"}]}, '"orcid"', "ORCID"),
        ({"attribution__producers": [{"name": "A", "ror": "x"}]}, '"ror"', "ROR"),
        ({"tables__codes__columns": {"id": {"type": "category"}}}, "{", "rename or remove"),
    ],
)
def test_a_malformed_policy_is_refused_at_its_line_with_what_to_write(changes: dict[str, Any], part: str, words: str) -> None:
    text = dataset_text(**changes)
    refusal = refusal_of(text)
    assert refusal.reason.startswith(f"cohort.yaml, line {line_of(text, part)}: ")
    assert words in str(refusal)


def test_a_dataset_of_public_tables_alone_is_refused() -> None:
    text = dataset_text(tables={"codes": {"source": "c.csv", "public": True, "columns": {"code": {"type": "category"}}}})
    assert "nobody's privacy is at stake" in str(refusal_of(text))


def test_a_disease_is_written_as_a_mondo_identifier() -> None:
    text = dataset_text(consent={"permission": "DUO:0000007", "disease": "NAFLD"})
    assert "as MONDO:0013209" in str(refusal_of(text))


def test_a_parameter_that_a_modifier_does_not_take_is_refused() -> None:
    text = dataset_text(consent__modifiers=[{"id": "DUO:0000021", "months": 3}])
    assert "`months` says nothing about DUO:0000021" in str(refusal_of(text))


def test_every_problem_is_counted_and_the_first_line_comes_first() -> None:
    text = dataset_text(title=5, privacy__epsilon=0, risk__tier="low")
    assert "2 more problems follow" in str(refusal_of(text))
    assert "1 more problem follows" in str(refusal_of(dataset_text(title=5, risk__tier="low")))
    problems = problems_in(text, "cohort.yaml", DatasetPolicy)
    assert [problem.line for problem in problems] == sorted(line_of(text, part) for part in ('"title"', '"epsilon"', '"tier"'))
    assert problems_in(dataset_text(), "cohort.yaml", DatasetPolicy) == ()


def test_a_text_that_is_not_yaml_is_refused_at_its_line() -> None:
    assert refusal_of("dataset: x\ntables: [\n").reason.startswith("cohort.yaml, line 3: the text is not YAML")


def test_a_bench_home_reads_large_budgets_and_no_time_grid() -> None:
    text = dataset_text(privacy__epsilon=10**9, privacy__delta=0.5, timing="off")
    policy = parse_dataset_policy(text, "cohort.yaml", bench=True)
    assert policy.privacy.epsilon == Decimal(10) ** 9
    assert policy.timing.slot_ms is None
    assert "at most 1000000000" in str(refusal_of(dataset_text(privacy__epsilon=2 * 10**9), bench=True))
    assert "delta is at most" in str(refusal_of(dataset_text(privacy__delta=1.0), bench=True))


def test_budgets_are_the_decimals_that_were_written() -> None:
    policy = dataset(privacy={"definition": "zcdp", "epsilon": 0.1, "delta": 1e-7})
    assert policy.privacy.epsilon == Decimal("0.1")
    assert policy.privacy.delta == Decimal("1e-7")


def test_a_pure_policy_has_no_delta() -> None:
    policy = dataset(privacy={"definition": "pure", "epsilon": 4})
    assert (policy.privacy.definition, policy.privacy.delta) == (Definition.PURE, None)


def test_a_promise_without_a_definition_is_accounted_as_gaussian_differential_privacy() -> None:
    unsaid, said = dataset(privacy={"epsilon": 1, "delta": 1e-7}), dataset(privacy={"definition": "gdp", "epsilon": 1, "delta": 1e-7})
    assert unsaid.privacy.definition is Definition.GDP
    assert unsaid.digest == said.digest


def test_defaults_are_those_of_the_contract() -> None:
    policy = dataset()
    assert policy.budget_owner == "cohort"
    assert policy.timing.slot_ms == 50
    assert (policy.disclosure.threshold, policy.disclosure.dominance.n, policy.disclosure.dominance.k) == (10, 2, 0.9)
    assert policy.disclosure.p_percent == 10
    assert policy.exact.value == "never"
    assert dataset(population="people").budget_owner == "people"


def test_the_catalogue_shows_the_declared_tables_and_nothing_of_who_may() -> None:
    policy = dataset()
    assert policy.catalogue.model_dump().keys() == {"name", "title", "tables", "facts"}
    assert policy.catalogue.tables == policy.tables
    assert policy.catalogue.facts == {}


def test_zero_and_one_are_read_as_false_and_true() -> None:
    policy = dataset(risk__vulnerable_groups=1, tables__codes__public=1)
    assert policy.risk.vulnerable_groups is True
    assert policy.tables["codes"].public is True


def test_both_spellings_of_npoa_are_the_same_term() -> None:
    assert dataset(consent__modifiers=["DUO:00000044"]).consent == dataset(consent__modifiers=["DUO:0000044"]).consent


def test_equal_policies_have_equal_digests_however_they_are_written() -> None:
    written = dataset()
    assert parse_dataset_policy(json.dumps(DATASET, sort_keys=True), "x.yaml").digest == written.digest
    assert dataset(population="cohort", timing={"slot_ms": 50}, privacy__epsilon=4.0).digest == written.digest
    assert len(written.digest) == 64


@pytest.mark.parametrize(
    "changes",
    [{"title": "B"}, {"privacy__epsilon": 4.5}, {"consent__permission": "DUO:0000006"}, {"tables__visits__rows_per_unit": 6}],
)
def test_a_change_changes_the_digest(changes: dict[str, Any]) -> None:
    assert dataset(**changes).digest != dataset().digest


def test_a_projects_digest_follows_its_content() -> None:
    assert project().digest == project().digest
    assert project().digest != project(ends="2030-07-01").digest


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose": {"kind": "disease"}}, "names it"),
        ({"purpose": {"kind": "health", "disease": "MONDO:0013209"}}, "only a purpose of kind `disease`"),
        ({"purpose": {"kind": "curiosity"}}, "general, health, disease"),
        ({"researchers": []}, "too few entries"),
        ({"researchers": ["ada", "ada"]}, "listed twice"),
        ({"researchers": "ada"}, "is a list"),
        ({"datasets": {"cohort": {"epsilon": 51}}}, "at most 50"),
        ({"datasets": {"Cohort!": {"epsilon": 1}}}, "Names begin"),
        ({"country": "Norway"}, "two-letter"),
        ({"ends": "2030-02-30"}, "2027-12-31"),
        ({"ends": ...}, "`ends` is missing"),
        ({"ethics": {"approval": "x"}}, "`ethics.expires` is missing"),
        ({"institution": {"name": "I", "sector": "pub", "for_profit": False}}, "academic"),
    ],
)
def test_a_malformed_project_is_refused_with_what_to_write(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as failure:
        parse_project_policy(project_text(**changes), "study.yaml")
    assert failure.value.code is Code.POLICY_INVALID
    assert words in str(failure.value)
    assert not any(word in str(failure.value) for word in FOREIGN_WORDS)


CLAUSE = {"id": "a", "title": "A", "text": "T", "rule": "haven.policy.tiers.tier_of", "test": "tests/unit/x.py::test_x"}


def test_a_clause_is_there_once() -> None:
    with pytest.raises(Refused, match="twice"):
        parse_code_of_conduct(json.dumps({"title": "C", "source": "S", "clauses": [CLAUSE, CLAUSE]}), "c.yaml")


def test_the_kind_of_a_file_follows_from_its_keys() -> None:
    assert kind_of(dataset_text(), "x") is DatasetPolicy
    assert kind_of(project_text(), "x") is ProjectPolicy
    assert kind_of("clauses: []", "x") is CodeOfConduct
    with pytest.raises(Refused, match="no policy"):
        kind_of("a: 1", "x")
    with pytest.raises(Refused, match="not YAML"):
        kind_of("a: [", "x")


def test_files_are_read_by_path(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(dataset_text(), encoding="utf-8")
    (tmp_path / "p.yaml").write_text(project_text(), encoding="utf-8")
    (tmp_path / "c.yaml").write_text(json.dumps({"title": "C", "source": "S", "clauses": [CLAUSE]}), encoding="utf-8")
    assert load_dataset_policy(tmp_path / "d.yaml") == dataset()
    assert load_project_policy(tmp_path / "p.yaml") == project()
    assert load_code_of_conduct(tmp_path / "c.yaml").clauses[0].id == "a"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_refused_by_its_name_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret-folder" / "d.yaml"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(Refused, match=r"d\.yaml cannot be read") as failure:
        load_dataset_policy(path)
    assert "secret-folder" not in str(failure.value)


def test_the_shipped_ancestry_knows_that_steatohepatitis_is_a_liver_disorder() -> None:
    assert shipped_diseases().is_kind_of("MONDO:0007027", "MONDO:0005154")
    assert not shipped_diseases().is_kind_of("MONDO:0005154", "MONDO:0007027")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    "title",
    "tables",
    "privacy__epsilon",
    "consent__modifiers",
    "tables__visits__columns__cost__bounds",
    "timing",
    "risk",
    "attribution",
]


@given(st.sampled_from(PATHS), PLAIN)
def test_whatever_is_written_is_read_or_refused_in_havens_own_words(path: str, value: object) -> None:
    text = json.dumps(bent(DATASET, **{path: value}))
    if problems_in(text, "cohort.yaml", DatasetPolicy):
        assert refusal_of(text).reason.startswith("cohort.yaml, line ")
    else:
        assert parse_dataset_policy(text, "cohort.yaml").digest


def test_a_changed_copy_has_a_digest_of_its_own() -> None:
    written = dataset()
    known = written.digest
    renamed = written.model_copy(update={"title": "Another"})
    assert renamed.digest == dataset(title="Another").digest != known
    assert written.digest == known
