"""What recorded answers offer to other questions of their project: looked up by the rows they are of and the targets they hold.

An offer only says where to look. What is used of an answer is read from the recorded answer itself, which the chain protects.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select

from haven.ledger.entries import Offer, OfferedColumn, Recorded
from haven.ledger.prepared import Driver, Prepared, StoredRow
from haven.ledger.schema import offers, spends

_ADD = Prepared(insert(offers))
_HOLDING = (
    select(offers.c.id)
    .where(
        offers.c.project == bindparam("project"),
        offers.c.dataset == bindparam("dataset"),
        offers.c.snapshot == bindparam("snapshot"),
        offers.c.source == bindparam("source"),
        offers.c.target == bindparam("target"),
    )
    .distinct()
)
_FIND = Prepared(
    select(offers).join(spends, spends.c.id == offers.c.id).where(offers.c.id.in_(_HOLDING)).order_by(spends.c.end_entry, offers.c.position)
)


def add(driver: Driver, row: StoredRow, offer: Offer) -> None:
    """Record what the answer of the spend in `row` offers."""
    common = {"id": row.id, "project": row.project, "dataset": row.dataset, "snapshot": row.snapshot, "source": offer.source}
    common |= {"keys": json.dumps(offer.keys), "bounds": offer.bounds}
    _ADD.run_each(driver, [common | _column(position, column) for position, column in offer.columns])


def _column(position: int, column: OfferedColumn) -> dict[str, Any]:
    return {"position": position, "target": column.target, "mechanism": column.mechanism, "scale": column.scale.hex()}


def find(driver: Driver, project: str, dataset: str, snapshot: int, source: str, target: str) -> tuple[Recorded, ...]:
    """Every recorded answer over these rows that holds `target`, the oldest first."""
    where = {"project": project, "dataset": dataset, "snapshot": snapshot, "source": source, "target": target}
    found: defaultdict[str, list[StoredRow]] = defaultdict(list)
    for row in _FIND.all(driver, where):
        found[row.id].append(row)
    return tuple(Recorded(receipt, _offer(rows)) for receipt, rows in found.items())


def _offer(rows: Sequence[StoredRow]) -> Offer:
    columns = tuple((row.position, OfferedColumn(row.target, row.mechanism, float.fromhex(row.scale))) for row in rows)
    keys = tuple((name, size) for name, size in json.loads(rows[0].keys))
    return Offer(rows[0].source, keys, rows[0].bounds, columns)
