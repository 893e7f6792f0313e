"""A policy in words says what its YAML says."""

from haven.policy.explain import explain_dataset, explain_project
from tests.support.policy_files import dataset, project


def test_a_dataset_is_explained_whole() -> None:
    policy = dataset(
        consent={
            "permission": "DUO:0000007",
            "disease": "MONDO:0013209",
            "withdrawals": "gone.csv",
            "modifiers": [
                "DUO:0000021",
                {"id": "DUO:0000022", "countries": ["NO", "SE"]},
                {"id": "DUO:0000024", "until": "2028-01-01"},
                {"id": "DUO:0000025", "months": 12},
            ],
        },
        exact="reviewed",
        tables__persons__columns__kind={"type": "category"},
        attribution={"citation": "A citation."},
    )
    words = "\n".join(explain_dataset(policy))
    for part in (
        "A cohort (cohort), kept by keeper.",
        "epsilon 4 at delta 1e-7",
        "Exact aggregates may leave after human review",
        "time grid of 50 ms",
        "DUO:0000007 (DS, disease specific research) of MONDO:0013209",
        "geographical restriction): NO, SE.",
        "publication moratorium): 2028-01-01.",
        "time limit on use): 12 months.",
        "ethics approval required).",
        "Publish nothing before 2028-01-01",
        "Participants listed in gone.csv are left out.",
        "Risk tier: standard.",
        "at most 5 row(s) of a person count",
        "Table codes is public.",
        "persons.age: integer from 0 to 100.",
        "persons.region: category with 2 public keys.",
        "persons.kind: category whose keys appear only above a threshold.",
        "Credit: A citation.",
        policy.digest,
    ):
        assert part in words


def test_pure_privacy_is_explained_without_a_delta() -> None:
    words = "\n".join(explain_dataset(dataset(privacy={"definition": "pure", "epsilon": 4})))
    assert "pure differential privacy: epsilon 4, over all questions ever" in words
    assert "No list of withdrawn participants" in words
    assert "Credit: none is declared." in words
    assert "Exact aggregates never leave." in words


def test_a_project_is_explained_whole() -> None:
    asking = project(
        purpose={"kind": "disease", "disease": "MONDO:0013209", "control_set": True, "methods": True},
        ethics={"approval": "2026/1", "expires": "2028-01-01"},
    )
    words = "\n".join(explain_project(asking))
    assert "Purpose: disease of MONDO:0013209, methods, control set." in words
    assert "Researchers: ada, ben." in words
    assert "May spend epsilon 1 of cohort." in words
    assert "Ethics approval 2026/1 holds until 2028-01-01." in words
    assert "There is no ethics approval." in "\n".join(explain_project(project()))


def test_shares_parts_and_the_calendar_are_explained() -> None:
    calendar = {"every": "1 month", "from": "2026-01-01"}
    words = "\n".join(explain_dataset(dataset(share={"epsilon": 2}, calendar=calendar, consent__between="wait")))
    assert "Of that, at most epsilon 2 is spent on this dataset." in words
    assert "Its data are renewed every month from 2026-01-01, at no other time." in words
    assert "A withdrawal takes effect at the next of these dates." in words
    stopping = dataset(calendar=calendar | {"every": "2 weeks"}, consent__between="stop")
    assert "answers nothing until the next of these dates" in "\n".join(explain_dataset(stopping))
    grant = {"epsilon": 1, "per_researcher": {"epsilon": 0.3}, "per_period": {"weeks": 2, "epsilon": 0.25}}
    asking = "\n".join(explain_project(project(datasets={"cohort": grant})))
    assert "May spend epsilon 1 of cohort: at most 0.3 by each researcher, at most 0.25 in each 2 weeks (UTC)." in asking
