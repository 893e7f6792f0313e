"""When a dataset's data may be renewed, and when they must be: by the dates of its published calendar alone. Pure, in days of UTC.

The dates depend on nobody's data, so neither does anything that is refused here; see docs/decisions/0017.
"""

from datetime import date

from haven.errors import Code, Refused
from haven.policy.dataset_policy import DatasetPolicy


def is_due(policy: DatasetPolicy, renewed: date | None, today: date) -> bool:
    """Whether a snapshot may be made today: always without a calendar, and before the first; else once one of its dates has come."""
    return policy.calendar is None or renewed is None or policy.calendar.is_due(renewed, today)


def check_due(policy: DatasetPolicy, renewed: date | None, today: date) -> None:
    """Raises Refused(REQUEST_CONFLICT) where the calendar has no date between the present snapshot and today."""
    if policy.calendar is not None and not is_due(policy, renewed, today):
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"The data of {policy.dataset} are renewed on published dates alone, the next of which is {policy.calendar.following(today)}.",
            "Ingest it on that day, or change its calendar: a renewal at another time would tell that someone came or left.",
        )


def check_renewed(policy: DatasetPolicy, renewed: date | None, today: date) -> None:
    """Raises Refused(POLICY_PAUSED) from a date of the calendar on until the snapshot of that date is made, whoever withdrew or not."""
    if policy.calendar is not None and renewed is not None and policy.calendar.is_due(renewed, today):
        raise Refused(
            Code.POLICY_PAUSED,
            f"The data of {policy.dataset} were due to be renewed on {policy.calendar.latest(today)}, and are not yet.",
            "Ask again once its custodian has renewed them; nothing was spent.",
        )
