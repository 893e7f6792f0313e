"""What a receipt says to its reader: the spend, the mechanisms, what is left, and whom to credit. JSON-ready, no floats in amounts."""

from typing import Any

from haven.ledger.entries import Receipt
from haven.policy.dataset_policy import DatasetPolicy
from haven.privacy.accounting import as_quantities, epsilon_of
from haven.privacy.budget import Price
from haven.privacy.choices import Choice
from haven.privacy.mechanisms import Mechanism, Noise
from haven.query.private_plan import PrivatePlan


def amounts(price: Price, policy: DatasetPolicy) -> dict[str, str]:
    """A loss as decimal strings: the unit that adds, delta, and the nominal epsilon at the dataset's delta."""
    return {**as_quantities(price), "epsilon": str(epsilon_of(price, policy.privacy.delta))}


def mechanisms(plan: PrivatePlan) -> list[dict[str, Any]]:
    """One object a release of the plan: what is noised, by which mechanism, at what scale, with what sensitivity and price."""
    released = [_mechanism(target.words, target.grid, noise) for target, noise in zip(plan.targets, plan.noises, strict=True)]
    if plan.selection is not None:
        chosen = _mechanism("units behind each group, to choose the groups that may be shown", 1.0, plan.selection.noise)
        released.insert(0, {**chosen, "threshold": plan.selection.threshold, "cost": as_quantities(plan.selection.price)})
    return released


def receipt_facts(plan: PrivatePlan, policy: DatasetPolicy, project: str, sql: str) -> dict[str, Any]:
    """The part of a receipt that is settled before it is posted: it is recorded with the answer."""
    return {
        "dataset": plan.dataset,
        "project": project,
        "sql": sql,
        "plan_digest": plan.digest,
        "mechanisms": mechanisms(plan),
        "cost": as_quantities(plan.price),
        "epsilon": str(epsilon_of(plan.price, policy.privacy.delta)),
        "citation": policy.attribution.citation,
        "words": list(plan.words),
        "warnings": list(plan.warnings),
        "plan": plan_facts(plan),
    }


def plan_facts(plan: PrivatePlan) -> dict[str, Any]:
    """What a plan does, for a picture of it: unit, bounds, keys, what is summed, choice of groups, price, and the SQL that runs.

    Data-free, as the plan is: the SQL is generated from question and policy.
    """
    return {
        "unit": plan.bounds.unit if plan.bounds is not None else "",
        "source": plan.source,
        "bounds": _bounds(plan),
        "keys": [{"name": key.name, "values": None if key.domain is None else len(key.domain)} for key in plan.keys],
        "targets": mechanisms(plan),
        "threshold": None if plan.selection is None else plan.selection.threshold,
        "price": as_quantities(plan.price),
        "sql": plan.sql,
    }


def _bounds(plan: PrivatePlan) -> dict[str, Any]:
    if plan.bounds is None:
        return {}
    rows = plan.bounds.rows
    return {
        "rows_per_unit": rows.rows_per_unit,
        "groups_per_unit": rows.groups_per_unit,
        "rows_per_group": rows.rows_per_group,
        "filters": list(plan.bounds.filters),
    }


def receipt_document(receipt: Receipt, facts: dict[str, Any], policy: DatasetPolicy) -> dict[str, Any]:
    """The receipt as its reader sees it (`facts` as recorded with the answer)."""
    return {
        "id": receipt.id,
        **facts,
        "policy_digest": receipt.reservation.policy_digest,
        "snapshot": receipt.reservation.snapshot,
        "remaining": amounts(receipt.left, policy),
        "posted_at": receipt.posted_at.isoformat(),
        "entry": receipt.entry,
        "entry_digest": receipt.entry_digest,
        "replayed": receipt.replayed,
    }


def _mechanism(words: str, grid: float, noise: Noise | Choice) -> dict[str, Any]:
    if isinstance(noise, Choice):
        return _chosen(words, noise)
    gaussian = noise.mechanism is Mechanism.DISCRETE_GAUSSIAN
    return {
        "of": words,
        "mechanism": str(noise.mechanism),
        "scale": noise.scale * grid,
        "grid": grid,
        "sensitivity": (noise.sensitivity.l2 if gaussian else noise.sensitivity.l1) * grid,
        "norm": "L2" if gaussian else "L1",
        "half_width_95": noise.half_width() * grid,
        "cost": as_quantities(noise.price),
    }


def _chosen(words: str, choice: Choice) -> dict[str, Any]:
    """A choice among candidates: the scale of its noise on scores, and how many ranks (or rows of the commonest) off it is at most."""
    return {
        "of": words,
        "mechanism": choice.mechanism,
        "scale": choice.scale,
        "sensitivity": choice.sensitivity.largest,
        "norm": "score",
        "candidates": choice.candidates,
        "rank_error_95": choice.rank_error(),
        "cost": as_quantities(choice.price),
    }
