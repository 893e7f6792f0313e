"""A project as approved: who asks, for what, until when, and with how much of each dataset's budget."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictStr

from haven.catalog.dataset import Declared, Name
from haven.policy.digest import canonical_digest, without_none
from haven.policy.duo import Modifier
from haven.policy.purpose import Institution, Purpose
from haven.policy.quantities import Country, Day, UserName, Words
from haven.policy.shares import Grant, PeriodShare, Share

__all__ = ["Ethics", "Grant", "PeriodShare", "ProjectPolicy", "Share"]


class Ethics(Declared):
    """The approval of a research ethics committee."""

    approval: Words
    expires: Day


def _distinct(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was written
    if isinstance(value, Sequence) and not isinstance(value, str) and len({str(item) for item in value}) != len(value):
        raise ValueError("an entry is listed twice; list each once.")
    return value


class ProjectPolicy(Declared):
    """One project's file. `starts` counts a dataset's time limit; `agreements` names what the project agrees to (COL)."""

    project: Name
    title: Words
    lay_summary: StrictStr = ""
    purpose: Purpose
    researchers: Annotated[tuple[UserName, ...], BeforeValidator(_distinct)] = Field(min_length=1)
    datasets: dict[Name, Grant] = Field(min_length=1)
    ethics: Ethics | None = None
    country: Country
    institution: Institution | None = None
    agreements: tuple[Modifier, ...] = ()
    starts: Day | None = None
    ends: Day

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything declared."""
        plain = self.model_dump(mode="json")
        # caps that are not there leave no trace, so that files from before there were any have the digests they had
        plain["datasets"] = {name: without_none(grant) for name, grant in plain["datasets"].items()}
        return canonical_digest(plain)
