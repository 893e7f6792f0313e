"""Loosening a policy takes two custodians: what a proposal of it holds, what its confirmation does, and what was agreed before.

A version that changes which rows are stored cannot come into force by words alone: its confirmation is a consent, for this one change of
this one version, that the version's registration with its rows then needs.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, select

from haven.ledger import policy_versions
from haven.ledger.policy_versions import CURRENT, PolicyKind, StoredPolicy, moved_on
from haven.ledger.proposals import Act, Proposal, ProposalState
from haven.ledger.schema import proposals
from haven.ledger.writer import Transaction

LOOSENED = "policy.loosened"
_CONSENTS = (
    select(proposals.c.id, proposals.c.detail)
    .where(
        proposals.c.kind == LOOSENED,
        proposals.c.subject == bindparam("subject"),
        proposals.c.state == ProposalState.CONFIRMED.value,
        proposals.c.decided_entry > bindparam("since"),
    )
    .order_by(proposals.c.decided_entry.desc())
)


def loosening_detail(kind: PolicyKind, name: str, *, before: str, digest: str, text: str, reads_again: bool) -> dict[str, Any]:
    """The detail of a proposal `policy.loosened` on the subject `KIND:NAME`.

    `before` and `digest` are the versions' digests. With `reads_again` the version changes what is stored: the consent then lets the
    version be registered with rows read anew, once; else the version applies as soon as it is confirmed.
    """
    return {"kind": kind.value, "name": name, "before": before, "digest": digest, "text": text, "reads_again": reads_again}


def _loosen(tx: Transaction, proposal: Proposal, now: datetime) -> None:
    """What a confirmed `policy.loosened` does. Refused where the version that it was compared with applies no more."""
    detail = proposal.detail
    kind, name, before = PolicyKind(detail["kind"]), str(detail["name"]), str(detail["before"])
    current = policy_versions.current(tx.connection, kind, name)
    if current is None or current.digest != before:
        raise moved_on()
    if not detail["reads_again"]:
        policy = StoredPolicy(kind, name, 1, str(detail["text"]), str(detail["digest"]), now, proposal.proposed_by)
        policy_versions.add(tx, policy, over=before, proposal=proposal.id)


ACTS: Mapping[str, Act] = MappingProxyType({LOOSENED: _loosen})
"""What confirmed proposals about policies do."""


def consent(connection: Connection, kind: PolicyKind, name: str, digest: str) -> str | None:
    """The confirmed proposal by which this version may follow the present one, None where there is none.

    An agreement is for one change of one version: it counts no more once any version came into force after it.
    """
    row = connection.execute(CURRENT, {"kind": kind.value, "name": name}).first()
    if row is None:
        return None
    for found in connection.execute(_CONSENTS, {"subject": f"{kind.value}:{name}", "since": row.entry}):
        detail = json.loads(found.detail)
        if (detail["before"], detail["digest"]) == (row.digest, digest):
            return str(found.id)
    return None
