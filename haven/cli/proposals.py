"""`haven proposal`: acts that need two custodians: what waits, what was decided, confirm, decline, withdraw."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from haven.cli.console import print_json, print_rows, say, spoken_errors
from haven.cli.custodians import AsCustodian, ReasonOption, proved
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.proposals import Proposal, ProposalState
from haven.mediator.policies import Policies
from haven.mediator.policy_changes import LOOSENED, PolicyChange, PolicyChanges

app = typer.Typer(help="Acts that need two custodians.", no_args_is_help=True)


@app.command("list")
def list_proposals(
    decided: Annotated[bool, typer.Option("--decided", help="What was decided, the newest first, in place of what waits.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """What waits for a second custodian, or what was decided."""
    with spoken_errors(), open_books(home) as (_, ledger):
        found = ledger.proposals.decided() if decided else ledger.proposals.waiting()
        print_rows("proposals", [_line(proposal) for proposal in found], as_json=as_json)


@app.command()
def show(proposal_id: str, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """One proposal, with what it would change."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        proposal = _found(ledger, proposal_id)
        changed = _changed(proposal, PolicyChanges(ledger, Policies(ledger.registry, ledger.people, bench=opened.bench)))
        if as_json:
            print_json(_line(proposal) | {"detail": dict(proposal.detail), "changes": changed})
            return
        for name, value in _line(proposal).items():
            say(f"{name}: {value}")
        for sentence in changed:
            say(f"  {sentence}")


@app.command()
def confirm(proposal_id: str, custodian: AsCustodian, reason: ReasonOption, home: HomeOption = DEFAULT_HOME) -> None:
    """Agree as a second custodian: the act is done now."""
    done = _decide(home, custodian, lambda ledger, name: ledger.proposals.confirm(proposal_id, reason, actor=name, now=now()))
    say(f"Confirmed: {done.kind} of {done.subject}.{_next_step(done)}")


@app.command()
def decline(proposal_id: str, custodian: AsCustodian, reason: ReasonOption, home: HomeOption = DEFAULT_HOME) -> None:
    """Say no, for good."""
    done = _decide(home, custodian, lambda ledger, name: ledger.proposals.decline(proposal_id, reason, actor=name, now=now()))
    say(f"Declined: {done.kind} of {done.subject}.")


@app.command()
def withdraw(proposal_id: str, custodian: AsCustodian, reason: ReasonOption, home: HomeOption = DEFAULT_HOME) -> None:
    """Take one's own proposal back."""
    done = _decide(home, custodian, lambda ledger, name: ledger.proposals.withdraw(proposal_id, reason, actor=name, now=now()))
    say(f"Withdrawn: {done.kind} of {done.subject}.")


def _decide(home: Path, custodian: str, act: Callable[[Ledger, str], Proposal]) -> Proposal:
    with spoken_errors(), open_books(home) as (_, ledger):
        return act(ledger, proved(ledger, custodian))


def _next_step(done: Proposal) -> str:
    if done.kind == LOOSENED and done.detail["reads_again"]:
        return " It changes which rows are stored: run `haven dataset add POLICY.yaml` to read them under it."
    return ""


def _found(ledger: Ledger, proposal_id: str) -> Proposal:
    proposal = ledger.proposals.proposal(proposal_id)
    if proposal is None:
        raise Refused(Code.NOT_FOUND, "There is no proposal of this number.", "See `haven proposal list`.")
    return proposal


def _changed(proposal: Proposal, changes: PolicyChanges) -> list[str]:
    """What a policy that waits would change, in sentences, beside the version in force."""
    if proposal.kind != LOOSENED or proposal.state is not ProposalState.OPEN:
        return []
    text = str(proposal.detail["text"])
    change: PolicyChange = changes.of_dataset(text) if proposal.detail["kind"] == "dataset" else changes.of_project(text)
    return [one.sentence for one in change.changes]


def _line(proposal: Proposal) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "kind": proposal.kind,
        "subject": proposal.subject,
        "reason": proposal.reason,
        "state": proposal.state.value,
        "proposed_by": proposal.proposed_by,
        "proposed_at": proposal.proposed_at.isoformat(),
        "decided_by": proposal.decided_by,
        "decision_reason": proposal.decision_reason,
    }
