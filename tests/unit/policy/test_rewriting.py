"""One value of a policy's text is changed, and nothing else."""

from decimal import Decimal
from pathlib import Path

import pytest

from haven.errors import Code, Refused
from haven.policy.loader import parse_project_policy
from haven.policy.rewriting import with_share
from tests.support import policy_files

EXAMPLE = (Path(__file__).parents[3] / "policies" / "projects" / "liver-fibrosis.yaml").read_text(encoding="utf-8")
WRITTEN = """\
# why this project is here
project: study
title: "A study: of many"
purpose: {kind: health}
researchers:
  - ada   # leads it
  - ben
datasets:
  cohort:
    epsilon: 1      # as the board decided
    per_researcher: {epsilon: 0.0005}
  other: {epsilon: 2}
country: NO
ends: 2030-06-30
"""


@pytest.mark.parametrize(("epsilon", "written"), [("2", "2"), ("0.25", "0.25"), ("3.0", "3"), ("1e-3", "0.001")])
def test_only_the_share_changes_and_comments_stay(epsilon: str, written: str) -> None:
    before, after = WRITTEN.splitlines(), with_share(WRITTEN, "cohort", Decimal(epsilon)).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1].split("#")[0].strip() == f"epsilon: {written}"
    assert changed[0][1].endswith("# as the board decided")
    assert parse_project_policy("\n".join(after), "study.yaml").datasets["cohort"].epsilon == Decimal(epsilon)


def test_the_same_share_gives_the_very_text() -> None:
    assert with_share(WRITTEN, "other", Decimal(2)) == WRITTEN
    assert with_share(EXAMPLE, "nafld", Decimal(1)).replace("epsilon: 1}", "epsilon: 1.0}") == EXAMPLE


@pytest.mark.parametrize("text", ["", "[", "a", "datasets: 3", "datasets: {cohort: 1}", "datasets: {other: {epsilon: 1}}", "- a\n- b"])
def test_a_text_without_the_share_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        with_share(text, "cohort", Decimal(1))
    assert refused.value.code is Code.POLICY_INVALID


@pytest.mark.parametrize("title", ["\U0001d4b3 and \U0001f642", "é\u2028", "a\u0301"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_characters_before_it_do_not_move_it(title: str, line_end: str) -> None:
    text = WRITTEN.replace("of many", title).replace("\n", line_end)
    assert with_share(text, "other", Decimal("1.5")) == text.replace("other: {epsilon: 2}", "other: {epsilon: 1.5}")


def test_json_is_yaml_too() -> None:
    text = with_share(policy_files.project_text(), "cohort", Decimal("0.5"))
    assert parse_project_policy(text, "study.yaml") == policy_files.project(datasets__cohort__epsilon=0.5)
