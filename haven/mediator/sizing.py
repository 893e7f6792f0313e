"""How large a question's answer is, as earlier answers of its project tell: for relative errors, and for errors of means."""

from dataclasses import replace

from haven import query
from haven.ledger.entries import Recorded
from haven.ledger.ledger import Ledger
from haven.mediator.asking import Prepared, probe_of
from haven.mediator.serving import offer_json, offer_of
from haven.privacy.budget import Price
from haven.privacy.mechanisms import Mechanism, Noise
from haven.privacy.tables import NoisyTable
from haven.query.evaluation import targets_in
from haven.query.private_plan import PrivatePlan, Target
from haven.query.sharing import table_over
from haven.query.sizes import NOTHING_KNOWN, Known, Sizes, sized

Column = tuple[str, tuple[int, ...], Noise]
"""A receipt, the noisy values of one target in it, and their noise."""


def known_sizes(ledger: Ledger, prepared: Prepared) -> Sizes:
    """The values of the question's aggregates in every group, by the first usable answers over the same rows and groups.

    The first, not the most exact: so the same question asked again has the same price, and is answered from the record.
    """
    question = prepared.question
    aggregates = sized(prepared.resolved.answer.aggregates)
    probe = replace(prepared, resolved=table_over(prepared.resolved, aggregates)).planned(probe_of(question, prepared.policy))
    plan, wanted = probe.plan, offer_of(probe.plan, question)
    if wanted is None or len(wanted.columns) != len(plan.targets):
        return NOTHING_KNOWN
    held: dict[int, Column] = {}
    for position, column in wanted.columns:
        for recorded in ledger.offers(question.project, plan.dataset, probe.snapshot, wanted.source, column.target):
            same = recorded.offer.keys == wanted.keys
            if same and (read := _read(ledger, recorded, plan.targets[position], column.target, plan.price)) is not None:
                held[position] = read
                break
    if not held:
        return NOTHING_KNOWN
    finished = query.finish(_with(plan, held), _table(plan, held))
    shown = [index for index, output in enumerate(plan.outputs) if targets_in(output.expression) <= held.keys()]
    groups = tuple(
        {aggregates[index]: Known(float(value), width) for index in shown if (value := row[index]) is not None and (width := errors[index])}
        for row, errors in zip(finished.rows, finished.errors, strict=True)
    )
    return Sizes(groups=groups, receipts=tuple(dict.fromkeys(receipt for receipt, _, _ in held.values())))


def _read(ledger: Ledger, recorded: Recorded, target: Target, name: str, price: Price) -> Column | None:
    """One target's noisy values; None where they are counts of which none can be told from 0."""
    answer = ledger.recorded(recorded.id)
    if answer is None or answer.document.get("offer") != offer_json(recorded.offer):
        return None
    position, column = next(each for each in recorded.offer.columns if each[1].target == name)
    noise = Noise(Mechanism(column.mechanism), column.scale, target.sensitivity, Price(price.definition, 0))
    values = answer.noisy.columns[position]
    return None if target.counts and max(values) <= noise.half_width() else (recorded.id, values, noise)


def _with(plan: PrivatePlan, held: dict[int, Column]) -> PrivatePlan:
    noises = tuple(held[index][2] if index in held else noise for index, noise in enumerate(plan.noises))
    return replace(plan, noises=noises)


def _table(plan: PrivatePlan, held: dict[int, Column]) -> NoisyTable:
    """The values that are known, and zeros that nothing reads."""
    keys = plan.public_keys() or ()
    return NoisyTable(keys, tuple(held[index][1] if index in held else (0,) * len(keys) for index in range(len(plan.targets))))
