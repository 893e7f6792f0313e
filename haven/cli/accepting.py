"""`haven audit checkpoint` and `accept-books`: signing the books' head, and going on with books that their witness contradicts."""

import re
from fractions import Fraction
from typing import Annotated

import typer

from haven.cli.appointing import appoint
from haven.cli.console import FAULT_EXIT, print_json, say, spoken_errors
from haven.cli.custodians import AsCustodian, ReasonOption, proved
from haven.cli.home import OpenHome
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.errors import Code, Refused
from haven.ledger.acceptance import KIND
from haven.ledger.amounts import in_words
from haven.ledger.doubts import Doubt
from haven.ledger.ledger import Ledger
from haven.ledger.notary import Notary
from haven.ledger.proposals import Proposal
from haven.mediator.policies import Policies
from haven.policy.caps import total_of
from haven.privacy.budget import PICO, Price

SUBJECT = "books"
_LOST = re.compile(r"([^=]{1,200})=([0-9]{1,10}(?:\.[0-9]{1,12})?)", re.ASCII)


def checkpoint(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Sign the head of the books and have it witnessed now. Exit 0 only when the books are the present ones."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        notary = appoint(opened, ledger)
        doubt = notary.examine(now())
        kept = None if doubt is not None else notary.checkpoint(now())
        if as_json:
            print_json({"doubt": None if doubt is None else doubt.cause.value, "checkpoint": None if kept is None else kept.note})
        elif doubt is not None:
            say(doubt.sentence())
        else:
            typer.echo("There is no entry to sign yet." if kept is None else kept.note, nl=kept is None)
        if doubt is not None:
            raise typer.Exit(FAULT_EXIT)


def accept_books(
    custodian: AsCustodian,
    reason: ReasonOption,
    lost: Annotated[
        list[str] | None,
        typer.Option(
            help="POPULATION=AMOUNT (in mu2, rho or epsilon): what the lost entries spent of it. All that is left, where not named."
        ),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Go on with books that their witness contradicts: proposed by one custodian, decided when another runs the same command."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        notary = appoint(opened, ledger)
        doubt = _decidable(notary)
        name = proved(ledger, custodian)
        waiting = next((one for one in ledger.proposals.waiting() if one.kind == KIND), None)
        if waiting is None:
            _propose(opened, ledger, (doubt, notary), (name, reason), tuple(lost or ()))
            return
        if lost:
            raise Refused(Code.REQUEST_INVALID, "What was lost stands in the proposal.", "Leave --lost out, or decline the proposal.")
        ledger.proposals.confirm(waiting.id, reason, actor=name, now=now())
        after = notary.examine(now())
        say(f"Decided. It was: {doubt.sentence()}")
        say("The haven answers again." if after is None else f"It still answers nothing: {after.sentence()}")


def _decidable(notary: Notary) -> Doubt:
    """The doubt that two people can end. Refused where there is none, or where its end needs no decision."""
    doubt = notary.examine(now())
    if doubt is None:
        raise Refused(Code.REQUEST_CONFLICT, "These books are the present ones: there is nothing to decide.")
    if doubt.passing:
        raise Refused(
            Code.REQUEST_CONFLICT, doubt.sentence(), "Bring the witness back; or, where it is gone for good, name another in haven.yaml."
        )
    return doubt


def _propose(opened: OpenHome, ledger: Ledger, why: tuple[Doubt, Notary], who: tuple[str, str], lost: tuple[str, ...]) -> None:
    charges = _charges(ledger, opened.bench, dict(_lost(one) for one in lost))
    doubt, notary = why
    terms = notary.terms(charges)
    proposal = ledger.proposals.propose(KIND, SUBJECT, terms.detail, who[1], actor=who[0], now=now())
    _say_proposed(doubt, charges, proposal)


def _say_proposed(doubt: Doubt, charges: dict[str, Price], proposal: Proposal) -> None:
    say(doubt.sentence())
    for population, price in sorted(charges.items()):
        say(f"Charged to the population {population}: {in_words(price, with_delta=True)}.")
    say(f"Proposed as {proposal.id}: another custodian runs `haven audit accept-books --as NAME --reason WHY`.")


def _charges(ledger: Ledger, bench: bool, stated: dict[str, Fraction]) -> dict[str, Price]:  # noqa: FBT001 - a kind of home
    """What to charge each population: what is left of it, or of that the amount that is stated. Refused for more, and for unknown names."""
    charges: dict[str, Price] = {}
    for policy in Policies(ledger.registry, ledger.people, bench=bench).datasets():
        total = total_of(policy.privacy)
        left = total.minus(ledger.population_balance(policy.budget_owner, definition=total.definition).taken)
        charges[policy.budget_owner] = left
    for population, amount in stated.items():
        if population not in charges:
            raise Refused(Code.NOT_FOUND, "There is no such population.", "Name one of: " + ", ".join(sorted(charges)))
        charges[population] = _part(charges[population], amount)
    return charges


def _part(left: Price, amount: Fraction) -> Price:
    """The stated amount, and all of what is left of delta unless nothing was lost at all."""
    pico = int(amount * PICO)
    if pico > left.pico:
        raise Refused(Code.BUDGET_INVALID, "That is more than is left.", "Leave the population out to charge all that is left.")
    return Price(left.definition, pico, left.atto_delta if pico else 0)


def _lost(text: str) -> tuple[str, Fraction]:
    found = _LOST.fullmatch(text)
    if found is None:
        raise Refused(Code.BUDGET_INVALID, "A loss is written POPULATION=AMOUNT.", "Write it as nafld=0.004, of at most 12 decimals.")
    return found[1], Fraction(found[2])
