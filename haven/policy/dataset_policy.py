"""A dataset's policy: what it holds, what its people were promised, what they consented to, and how answers are checked."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StrictStr, ValidationInfo, field_validator, model_validator

from haven.catalog.dataset import Dataset, Declared, Flag, Name, Table, check_units_stay_apart
from haven.policy.digest import canonical_digest, without_none
from haven.policy.duo import ConditionEntry, Permission
from haven.policy.periods import Calendar
from haven.policy.quantities import Delta, Disease, Doi, Epsilon, Orcid, Ror, UserName, Words, is_bench
from haven.policy.roles import Tier
from haven.policy.shares import Share
from haven.privacy.budget import Definition


class Privacy(Declared):
    """What the people of a population are promised: a definition (gdp if none is named) and one (epsilon, delta). `pure` has no delta."""

    definition: Definition = Definition.GDP
    epsilon: Epsilon
    delta: Delta | None = None

    @model_validator(mode="after")
    def _delta_fits_the_definition(self) -> Self:
        if self.definition is Definition.PURE and self.delta is not None:
            raise ValueError("pure differential privacy has no delta; remove it, or write definition: gdp.")
        if self.definition.gaussian and self.delta is None:
            raise ValueError(f"{self.definition} needs a delta; write one well below one divided by the number of people, as delta: 1e-7.")
        return self


class Exact(StrEnum):
    """Whether exact aggregates may leave through human review."""

    NEVER = "never"
    REVIEWED = "reviewed"


class Timing(Declared):
    """Answers leave at the end of a slot of this many milliseconds (doubled until it fits); None in a bench home with `timing: off`."""

    slot_ms: Annotated[int, Field(strict=True, ge=1, le=60_000)] | None = 50


class Between(StrEnum):
    """What a withdrawal between two dates of the calendar does: the dataset stops until the next, or answers on until then."""

    STOP = "stop"
    WAIT = "wait"


class Consent(Declared):
    """What participants consented to, in GA4GH DUO terms; `withdrawals` is a file of units beside the policy.

    `between` goes with a calendar, and says what a withdrawal between two of its dates does.
    """

    permission: Permission
    disease: Disease | None = None
    modifiers: tuple[ConditionEntry, ...] = ()
    withdrawals: Words | None = None
    between: Between | None = None

    @model_validator(mode="after")
    def _disease_goes_with_ds(self) -> Self:
        if self.permission is Permission.DS and self.disease is None:
            raise ValueError("disease specific consent (DUO:0000007) names its disease; write disease: MONDO:0013209 (its identifier).")
        if self.permission is not Permission.DS and self.disease is not None:
            raise ValueError("only disease specific consent (DUO:0000007) names a disease; remove `disease`.")
        if len({modifier.id for modifier in self.modifiers}) != len(self.modifiers):
            raise ValueError("a modifier is listed twice; list each once.")
        return self


class Sensitivity(StrEnum):
    """How much harm disclosure could do."""

    OPEN = "open"
    LOW = "low"
    HEALTH = "health"
    GENETIC = "genetic"
    STIGMATISING = "stigmatising"


class Identifiability(StrEnum):
    """How close the records stand to a person."""

    ANONYMISED = "anonymised"
    PSEUDONYMISED = "pseudonymised"
    IDENTIFIABLE = "identifiable"


class Risk(Declared):
    """The facts that the risk tier follows from. `tier` overrides upward only. What is not said is taken as the riskiest."""

    sensitivity: Sensitivity = Sensitivity.STIGMATISING
    identifiability: Identifiability = Identifiability.IDENTIFIABLE
    vulnerable_groups: Flag = True
    tier: Tier | None = None


class Dominance(Declared):
    """The (n, k) rule: a cell fails whose n largest contributors hold at least the share k of it."""

    n: Annotated[int, Field(strict=True, ge=1, le=10)] = 2
    k: Annotated[float, Field(gt=0, le=1, strict=True)] = 0.90


class DisclosureRules(Declared):
    """The parameters of the disclosure rules."""

    threshold: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10
    dominance: Dominance = Dominance()
    p_percent: Annotated[float, Field(ge=0, le=100, strict=True)] = 10
    protected_columns: tuple[StrictStr, ...] = ()


class Producer(Declared):
    """Someone who made the data, with their CRediT roles."""

    name: Words
    orcid: Orcid | None = None
    ror: Ror | None = None
    roles: tuple[Words, ...] = ()


class Funder(Declared):
    """Who paid for it."""

    name: Words
    ror: Ror | None = None
    award: StrictStr | None = None


class Attribution(Declared):
    """The credit that every answer and release carries."""

    citation: StrictStr = ""
    doi: Doi | None = None
    producers: tuple[Producer, ...] = ()
    funders: tuple[Funder, ...] = ()


def _timing(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was written
    return {"slot_ms": None} if value == "off" else value


class DatasetPolicy(Declared):
    """One dataset's file. A policy that exists is valid in itself; whether it agrees with its population's others, `caps` says."""

    dataset: Name
    title: Words
    custodian: UserName
    description: StrictStr = ""
    tables: dict[Name, Table] = Field(min_length=1)
    population: Name | None = None
    privacy: Privacy
    share: Share | None = None
    calendar: Calendar | None = None
    exact: Exact = Exact.NEVER
    timing: Annotated[Timing, BeforeValidator(_timing, json_schema_input_type=Timing | StrictStr)] = Timing()
    consent: Consent
    risk: Risk = Risk()
    disclosure: DisclosureRules = DisclosureRules()
    attribution: Attribution = Attribution()

    @field_validator("timing")
    @classmethod
    def _timing_is_off_in_bench_homes_only(cls, timing: Timing, info: ValidationInfo) -> Timing:
        if timing.slot_ms is None and not is_bench(info):
            raise ValueError("timing is off in bench homes only; write timing: {slot_ms: 50}, or leave it out.")
        return timing

    @model_validator(mode="after")
    def _share_is_no_more_than_the_whole(self) -> Self:
        if self.share is not None and self.share.epsilon > self.privacy.epsilon:
            raise ValueError(f"`share` is more than the population's own epsilon; write {self.privacy.epsilon:f} or less, or leave it out.")
        return self

    @model_validator(mode="after")
    def _between_goes_with_a_calendar(self) -> Self:
        if self.calendar is not None and self.consent.between is None:
            raise ValueError("a calendar says what a withdrawal between its dates does; write consent: {between: wait} or {between: stop}.")
        if self.calendar is None and self.consent.between is not None:
            raise ValueError("`consent.between` is between the dates of a `calendar`; write one, as {every: 3 months, from: 2026-01-01}.")
        return self

    @model_validator(mode="after")
    def _tables_agree(self) -> Self:
        check_units_stay_apart(self.tables)
        if all(table.public for table in self.tables.values()):
            raise ValueError(
                "every table is public: nobody's privacy is at stake, so there is no budget to keep; serve the files as they are."
            )
        declared = {column for table in self.tables.values() for column in table.columns}
        unknown = [column for column in self.disclosure.protected_columns if column not in declared]
        if unknown:
            raise ValueError(f"the protected column {unknown[0]} is in no table; name a declared column.")
        return self

    @property
    def catalogue(self) -> Dataset:
        """The public face of the dataset."""
        return Dataset(name=self.dataset, title=self.title, tables=self.tables)

    @property
    def budget_owner(self) -> str:
        """The population whose one budget this draws on: the declared one, else the dataset's own name."""
        return self.population or self.dataset

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON of everything declared: equal digests, equal policies. Defaults count as if written."""
        plain = self.model_dump(mode="json")
        plain["population"] = self.budget_owner
        # what came to policies later leaves no trace where it is not used, so that older files keep the digests they had
        added = {name: plain.pop(name) for name in ("share", "calendar")} | {"between": plain["consent"].pop("between")}
        return canonical_digest(plain | without_none(added))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with these fields changed, unchecked. Its digest is its own: one worked out for this policy does not go with it."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("digest", None)
        return copied
