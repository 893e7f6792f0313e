"""`haven budget`: what is left and how long it will last, and the correction of what the books say was lost."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

import typer

from haven.cli.console import print_json, print_rows, say, spoken_errors
from haven.cli.custodians import AsCustodian, ReasonOption, proved
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.errors import Code, Refused
from haven.ledger.accounts import Spender
from haven.ledger.corrections import KIND, Correction
from haven.mediator.budgets import Wanted, budget_line
from haven.mediator.policies import InForce, Policies
from haven.privacy.budget import ATTO, PICO, Definition, Price

PLAIN = re.compile(r"[0-9]{1,10}(\.[0-9]{1,18})?", re.ASCII)

app = typer.Typer(help="Privacy budgets.", no_args_is_help=True)


@app.command()
def show(
    dataset: Annotated[str | None, typer.Option(help="One dataset.")] = None,
    project: Annotated[str | None, typer.Option(help="One project's shares.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Total, spent, left and forecast: of each dataset, or of each share of a project."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        policies = Policies(ledger.registry, ledger.people, bench=opened.bench).now()
        granted = None if project is None else policies.project(project)
        named = policies.datasets.values() if dataset is None else (policies.dataset(dataset),)
        shown = [policy for policy in named if granted is None or policy.dataset in granted.datasets]
        wanted = [Wanted(policy, now().date(), granted, people=policies.people_of(policy)) for policy in shown]
        lines = [budget_line(ledger, each) for each in wanted]
        if as_json:
            print_json(lines)
        else:
            print_rows("budgets", [_words(line) for line in lines], as_json=False)


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss as it is typed: of which dataset, and of which project's share and researcher's part of it."""

    dataset: str
    project: str
    researcher: str
    amount: str
    delta: str


@app.command()
def correct(
    dataset: Annotated[str, typer.Option(help="Of which dataset's people.")],
    amount: Annotated[str, typer.Option(help="How much, in what adds up: rho under zcdp, mu2 under gdp, epsilon under pure.")],
    custodian: AsCustodian,
    reason: ReasonOption,
    project: Annotated[str, typer.Option(help="Of this project's share too.")] = "",
    researcher: Annotated[str, typer.Option(help="Of this researcher's part of it too.")] = "",
    delta: Annotated[str, typer.Option(help="How much of the delta for selections.")] = "0",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Propose to add a loss that was not booked; another custodian confirms it. Nothing is ever given back or rewritten."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        policies = Policies(ledger.registry, ledger.people, bench=opened.bench).now()
        detail = _correction(Loss(dataset, project, researcher, amount, delta), policies).detail
        name = proved(ledger, custodian)
        subject = f"dataset:{dataset}"
        proposal = ledger.proposals.propose(KIND, subject, detail, reason, actor=name, now=now())
        say(f"Proposed as {proposal.id}: another custodian confirms it with `haven proposal confirm {proposal.id}`.")


def _correction(loss: Loss, policies: InForce) -> Correction:
    policy = policies.dataset(loss.dataset)
    if loss.project and loss.researcher and loss.researcher not in policies.project(loss.project).researchers:
        raise Refused(Code.NOT_FOUND, "That person is no researcher of this project.", "See `haven project show` for who is.")
    if loss.project:
        policies.project(loss.project)
    price = _price(policy.privacy.definition, loss)
    return Correction(Spender(policy.budget_owner, policy.dataset, loss.project, loss.researcher), price)


def _price(definition: Definition, loss: Loss) -> Price:
    """The loss in units of the books. Refused for what is no exact number of them: a loss that was rounded would be another."""
    units = []
    for text, per_one in ((loss.amount, PICO), (loss.delta, ATTO)):
        exact = Fraction(text) * per_one if PLAIN.fullmatch(text) else Fraction(-1)
        if exact < 0 or exact.denominator != 1:
            raise Refused(
                Code.BUDGET_INVALID,
                "A loss is a number from 0 on, of at most 12 decimals (18 for delta).",
                "Write it as 0.001, rounded up to its last decimal.",
            )
        units.append(int(exact))
    if definition is Definition.PURE and units[1]:
        raise Refused(Code.BUDGET_INVALID, "Pure differential privacy has no delta to lose.", "Leave --delta out.")
    return Price(definition, *units)


def _words(line: dict[str, object]) -> dict[str, object]:
    words: dict[str, object] = {"dataset": line["dataset"], "definition": line["definition"]}
    for part in ("total", "spent", "left"):
        amounts = line[part]
        if isinstance(amounts, dict):
            words[part] = ", ".join(f"{name} {value}" for name, value in amounts.items())
    forecast = line["forecast"]
    said = str(forecast["words"]) if isinstance(forecast, dict) else ""
    return words | {"forecast": "more is spent than its policy now allows: it answers no question" if line["overspent"] else said}
