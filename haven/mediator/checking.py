"""Station 8 for a planned question: the policy's thresholds, the plan's facts, and what is recorded of the verdict."""

from dataclasses import asdict
from typing import Any

from haven import disclosure, query
from haven.disclosure import Outcome, PlanFacts, Thresholds, Verdict
from haven.errors import question_fault
from haven.mediator.asking import Planned
from haven.mediator.receipts import receipt_facts
from haven.policy.dataset_policy import DatasetPolicy
from haven.privacy.tables import NoisyTable
from haven.query.private_plan import PrivatePlan


def judge(plan: PrivatePlan, policy: DatasetPolicy, noisy: NoisyTable) -> Verdict:
    """The verdict on noised values alone."""
    return disclosure.check(noisy, plan_facts(plan), thresholds(policy))


def check(planned: Planned, noisy: NoisyTable) -> Verdict:
    """The same; what a rule withholds is not an answer: it raises the question's fault."""
    verdict = judge(planned.plan, planned.policy, noisy)
    if verdict.outcome is Outcome.WITHHOLD:
        raise question_fault()
    return verdict


def record(planned: Planned, noisy: NoisyTable, verdict: Verdict, made: dict[str, Any]) -> dict[str, Any]:
    """What the books keep of an answer beside its noisy integers: the receipt's facts, the table as first asked, and the findings.

    `made` says how it was made and what it offers to others (`haven.mediator.serving.made`).
    """
    plan, question = planned.plan, planned.question
    finished = query.finish(plan, noisy)
    return {
        **receipt_facts(plan, planned.policy, question.project, question.sql),
        "columns": [{"name": output.name, "type": str(output.type)} for output in plan.outputs],
        "rows": [list(row) for row in finished.rows],
        "errors": [list(row) for row in finished.errors],
        "key_columns": list(plan_facts(plan).key_columns),
        **made,
        "findings": [asdict(finding) | {"rows": list(finding.rows)} for finding in verdict.findings],
    }


def plan_facts(plan: PrivatePlan) -> PlanFacts:
    """What the rules may know of a plan."""
    return PlanFacts(
        key_columns=tuple(dict.fromkeys(column for key in plan.keys for column in key.columns or (key.name,))),
        count_targets=tuple(index for index, target in enumerate(plan.targets) if target.counts),
        grids=tuple(target.grid for target in plan.targets),
    )


def thresholds(policy: DatasetPolicy) -> Thresholds:
    """The thresholds that the dataset's policy declares."""
    return Thresholds(policy.disclosure.threshold, frozenset(policy.disclosure.protected_columns))
