"""`haven policy check | explain | diff`, as a person at a terminal sees them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from haven.cli.policy import app, rule_exists
from tests.support.policy_files import dataset_text, project_text

POLICIES = Path(__file__).parents[3] / "policies"
CLAUSE = {"id": "a", "title": "A title", "text": "A text.", "rule": "haven.policy.tiers.tier_of", "test": "tests/t.py::test_it"}


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def code_of_conduct(folder: Path, **changes: str) -> Path:
    (folder / "policies").mkdir()
    (folder / "tests").mkdir()
    (folder / "tests" / "t.py").write_text("def test_it() -> None: ...\n", encoding="utf-8")
    path = folder / "policies" / "code-of-conduct.yaml"
    path.write_text(json.dumps({"title": "C", "source": "S", "clauses": [CLAUSE | changes]}), encoding="utf-8")
    return path


def test_the_shipped_policies_pass_the_check() -> None:
    assert run("check", POLICIES) == (0, "5 files checked, 0 problems.\n")


def test_every_problem_is_printed_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(dataset_text(title=5, risk__tier="low"), encoding="utf-8")
    code, output = run("check", path)
    assert code == 1
    assert output.count("bad.yaml, line ") == 2
    assert "2 problems" in output


def test_the_check_speaks_json(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    code, output = run("check", "--json", path)
    assert code == 1
    assert json.loads(output)["files"] == [str(path)]
    assert "no policy" in json.loads(output)["problems"][0]


def test_an_empty_folder_is_not_a_pass(tmp_path: Path) -> None:
    assert run("check", tmp_path)[0] == 1


def test_sound_files_that_disagree_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(dataset_text(), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(project_text(datasets={"cohort": {"epsilon": 9}, "elsewhere": {"epsilon": 1}}), encoding="utf-8")
    code, output = run("check", tmp_path)
    assert code == 1
    assert "asks for epsilon 9 of cohort" in output


def test_bench_policies_are_judged_by_bench_rules(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(dataset_text(timing="off"), encoding="utf-8")
    assert run("check", path)[0] == 1
    assert run("check", "--bench", path)[0] == 0
    assert "as soon as they are ready" in run("explain", "--bench", path)[1]


def test_a_code_of_conduct_points_at_rules_and_tests_that_are_there(tmp_path: Path) -> None:
    assert run("check", code_of_conduct(tmp_path))[0] == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rule": "haven.policy.tiers.no_such_rule"}, "The rule `haven.policy.tiers.no_such_rule`"),
        ({"rule": "haven.no_such_room.rule"}, "The rule `haven.no_such_room.rule`"),
        ({"test": "tests/t.py::test_other"}, "The test `tests/t.py::test_other`"),
        ({"test": "tests/other.py::test_it"}, "The test `tests/other.py::test_it`"),
    ],
)
def test_a_clause_without_its_rule_or_test_is_a_problem(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    code, output = run("check", code_of_conduct(tmp_path, **changes))
    assert code == 1
    assert words in output


def test_a_rule_outside_haven_is_not_there() -> None:
    assert not rule_exists("no_such_package.rule")
    assert rule_exists("haven.policy")


def test_each_kind_of_file_is_explained(tmp_path: Path) -> None:
    assert "kept by liver-registry" in run("explain", POLICIES / "datasets" / "nafld.yaml")[1]
    assert "Purpose: ancestry" in run("explain", POLICIES / "projects" / "ancestry-allele-frequencies.yaml")[1]
    assert run("explain", code_of_conduct(tmp_path)) == (0, "A title: A text.\n")


def test_what_cannot_be_explained_or_compared_says_why(tmp_path: Path) -> None:
    for command in (("explain", tmp_path / "no.yaml"), ("diff", tmp_path / "no.yaml", tmp_path / "no.yaml")):
        code, output = run(*command)
        assert code == 1
        assert "no.yaml cannot be read" in output


def test_two_policies_are_compared(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(dataset_text(), encoding="utf-8")
    (tmp_path / "b.yaml").write_text(dataset_text(privacy__epsilon=5), encoding="utf-8")
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    assert run("diff", a, b) == (0, "looser: privacy.epsilon: 4 -> 5\n")
    assert run("diff", a, a) == (0, "The two policies say the same.\n")
    assert json.loads(run("diff", "--json", a, b)[1]) == [{"path": "privacy.epsilon", "before": "4", "after": "5", "direction": "looser"}]
