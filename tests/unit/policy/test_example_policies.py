"""The policies that are shipped: sound, agreeing, with credit; and the schemas that editors use."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from haven.genomics.vcf import read_vcf
from haven.policy.caps import check_grant_fits, check_populations_agree
from haven.policy.consent import match_consent
from haven.policy.document import read_document
from haven.policy.loader import load_dataset_policy, load_project_policy, shipped_diseases
from haven.policy.roles import Tier
from haven.policy.schema import dataset_schema, project_schema, schema_texts
from haven.policy.tiers import tier_of

POLICIES = Path(__file__).parents[3] / "policies"
DATASETS = sorted((POLICIES / "datasets").glob("*.yaml"))
PROJECTS = sorted((POLICIES / "projects").glob("*.yaml"))
SCHEMAS = sorted((POLICIES / "schema").glob("*.json"))


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_an_example_dataset_is_named_as_its_file(path: Path) -> None:
    assert load_dataset_policy(path).dataset == path.stem


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.stem)
def test_every_example_dataset_carries_its_credit(path: Path) -> None:
    attribution = load_dataset_policy(path).attribution
    assert attribution.citation
    assert attribution.doi
    assert attribution.producers


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.stem)
def test_an_example_project_may_use_the_datasets_it_is_granted(path: Path) -> None:
    project = load_project_policy(path)
    for name in project.datasets:
        dataset = load_dataset_policy(POLICIES / "datasets" / f"{name}.yaml")
        check_grant_fits(dataset, project)
        assert match_consent(dataset.consent, project, date(2027, 1, 1), shipped_diseases()).allowed


def test_the_example_datasets_agree() -> None:
    check_populations_agree(load_dataset_policy(path) for path in DATASETS)


def test_the_examples_lie_in_two_risk_tiers() -> None:
    assert tier_of(load_dataset_policy(POLICIES / "datasets" / "nafld.yaml")).tier is Tier.STANDARD
    assert tier_of(load_dataset_policy(POLICIES / "datasets" / "thousand-genomes.yaml")).tier is Tier.DE_MINIMIS


def test_the_genome_policy_declares_exactly_the_sites_of_its_sources() -> None:
    columns = load_dataset_policy(POLICIES / "datasets" / "thousand-genomes.yaml").tables["people"].columns
    sites = {site.identifier for source in (POLICIES / "datasets" / "sources").glob("*.vcf.gz") for site in read_vcf(source).sites}
    assert set(columns) - {"population", "superpopulation", "sex"} == sites


def test_the_table_of_populations_says_what_the_panel_of_people_says() -> None:
    """Every code of the people is described once, and lies in the super-population that its people lie in."""
    sources = POLICIES / "datasets" / "sources"
    with (sources / "1000G_populations.csv").open(encoding="utf-8", newline="") as lines:
        described = list(csv.DictReader(lines))
    with (sources / "1000G_panel_2504.csv").open(encoding="utf-8", newline="") as lines:
        people = {(person["pop"], person["superpop"]) for person in csv.DictReader(lines)}
    assert len(described) == 26
    assert {(row["population"], row["superpopulation"]) for row in described} == people
    assert len({row["superpopulation_name"] for row in described}) == len({row["superpopulation"] for row in described}) == 5
    tables = load_dataset_policy(POLICIES / "datasets" / "thousand-genomes.yaml").tables
    assert set(tables["people"].columns["population"].keys or ()) == {row["population"] for row in described}
    assert tables["populations"].public


def test_a_nafld_project_without_ethics_approval_is_refused() -> None:
    project = load_project_policy(POLICIES / "projects" / "liver-fibrosis.yaml").model_copy(update={"ethics": None})
    consent = load_dataset_policy(POLICIES / "datasets" / "nafld.yaml").consent
    assert not match_consent(consent, project, date(2027, 1, 1)).allowed


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_shipped_schema_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == schema_texts()[path.name]


def test_both_schemas_are_shipped() -> None:
    assert {path.name for path in SCHEMAS} == set(schema_texts())


def test_schemas_refuse_unknown_keys_and_name_the_required_ones() -> None:
    for schema, required in ((dataset_schema(), "consent"), (project_schema(), "purpose")):
        assert schema["additionalProperties"] is False
        assert required in schema["required"]


@pytest.mark.parametrize(("paths", "schema"), [(DATASETS, dataset_schema()), (PROJECTS, project_schema())])
def test_the_examples_are_valid_under_the_schema_that_editors_use(paths: list[Path], schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    for path in paths:
        plain = read_document(path.read_text(encoding="utf-8")).value
        assert list(Draft202012Validator(schema).iter_errors(plain)) == []
        assert list(Draft202012Validator(schema).iter_errors(plain | {"colour": "red"}))
