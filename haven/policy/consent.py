"""Does a project's declared purpose fit what participants consented to? GA4GH DUO terms against the purpose, fail closed.

Guarantees: a project is allowed only if nothing prohibits its purpose, the permission covers it and every modifier is met; what haven
cannot decide is refused. Adding a modifier, or declaring a further use (commercial, ancestry, methods), never turns a refusal into leave.
Each rule answers with a sentence, whichever way it falls.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from haven.errors import Code, Refused
from haven.policy.dataset_policy import Consent
from haven.policy.diseases import NO_DISEASES, Diseases
from haven.policy.duo import Condition, Modifier, Permission, term
from haven.policy.project_policy import ProjectPolicy
from haven.policy.purpose import PurposeKind, prohibition


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found: whether it allows, and its sentence."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The whole answer: allowed only if every rule allows; `reasons` are the refusals, or, where allowed, what each rule found."""

    allowed: bool
    reasons: tuple[str, ...]
    obligations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """What a modifier's rule looks at."""

    condition: Condition
    project: ProjectPolicy
    today: date


def match_consent(consent: Consent, project: ProjectPolicy, today: date, diseases: Diseases = NO_DISEASES) -> Decision:
    """Whether `project` may use data given under `consent` on `today`, why, and which obligations that carries."""
    findings = [_not_prohibited(project), _permission(consent, project, diseases)]
    findings += [_modifier(_Case(condition, project, today)) for condition in consent.modifiers]
    refusals = tuple(finding.reason for finding in findings if not finding.allowed)
    if refusals:
        return Decision(allowed=False, reasons=refusals)
    return Decision(allowed=True, reasons=tuple(finding.reason for finding in findings), obligations=obligations_of(consent))


def check_consent(consent: Consent, project: ProjectPolicy, today: date, diseases: Diseases = NO_DISEASES) -> Decision:
    """The decision, where it allows. Raises Refused(POLICY_PURPOSE) with every reason where it does not."""
    decision = match_consent(consent, project, today, diseases)
    if not decision.allowed:
        suggestion = "Use a dataset whose consent covers this purpose, or ask the custodian whether the project's declaration is right."
        raise Refused(Code.POLICY_PURPOSE, " ".join(decision.reasons), suggestion)
    return decision


def obligations_of(consent: Consent) -> tuple[str, ...]:
    """What whoever uses the data takes upon themselves, in sentences, dated where the modifier has a date."""
    return tuple(OBLIGATIONS[condition.id].format(until=condition.until) for condition in consent.modifiers if condition.id in OBLIGATIONS)


def _not_prohibited(project: ProjectPolicy) -> Finding:
    reason = prohibition(project.purpose, project.institution)
    return Finding(reason is None, reason or "No prohibited purpose or user.")


def _permission(consent: Consent, project: ProjectPolicy, diseases: Diseases) -> Finding:
    name = term(consent.permission)
    match consent.permission:
        case Permission.NRES | Permission.GRU:
            return Finding(allowed=True, reason=f"Consent {name} allows every research purpose.")
        case Permission.HMB:
            return _health(project, name)
        case Permission.DS:
            return _disease(consent, project, diseases, name)
        case Permission.POA:
            return _ancestry_only(project, name)


def _health(project: ProjectPolicy, name: str) -> Finding:
    purpose = project.purpose
    if purpose.kind not in {PurposeKind.HEALTH, PurposeKind.DISEASE}:
        return Finding(allowed=False, reason=f"Consent {name} does not cover a purpose of kind `{purpose.kind}`.")
    if purpose.studies_ancestry:
        return Finding(allowed=False, reason=f"Consent {name} excludes the study of population origins or ancestry.")
    return Finding(allowed=True, reason=f"Consent {name} covers a purpose of kind `{purpose.kind}`.")


def _disease(consent: Consent, project: ProjectPolicy, diseases: Diseases, name: str) -> Finding:
    purpose, family = project.purpose, consent.disease
    if purpose.kind is not PurposeKind.DISEASE or purpose.disease is None or family is None:
        return Finding(allowed=False, reason=f"Consent {name} covers {family} alone, not a purpose of kind `{purpose.kind}`.")
    if purpose.studies_ancestry:
        return Finding(allowed=False, reason=f"Consent {name} excludes the study of population origins or ancestry.")
    if purpose.disease != family and not diseases.knows(purpose.disease):
        return Finding(allowed=False, reason=f"Consent {name} covers {family}; how {purpose.disease} relates to it is not known here.")
    if not diseases.is_kind_of(purpose.disease, family):
        return Finding(allowed=False, reason=f"Consent {name} covers {family}, and {purpose.disease} is not a kind of it.")
    return Finding(allowed=True, reason=f"Consent {name} covers {purpose.disease}, which is {family} or a kind of it.")


def _ancestry_only(project: ProjectPolicy, name: str) -> Finding:
    purpose = project.purpose
    if purpose.kind is not PurposeKind.ANCESTRY:
        return Finding(allowed=False, reason=f"Consent {name} does not cover a purpose of kind `{purpose.kind}`.")
    if purpose.methods or purpose.control_set:
        return Finding(allowed=False, reason=f"Consent {name} covers neither methods research nor use as a control set.")
    return Finding(allowed=True, reason=f"Consent {name} covers the study of ancestry.")


def _modifier(case: _Case) -> Finding:
    """What the modifier's own rule finds; a modifier without a rule is refused."""
    rule = RULES.get(case.condition.id)
    name = term(case.condition.id)
    if rule is None:
        return Finding(allowed=False, reason=f"Modifier {name} cannot be decided by a rule, so it is refused.")
    refusal = rule(case)
    return Finding(refusal is None, f"Modifier {name}: {refusal or 'met.'}")


def _non_commercial(case: _Case) -> str | None:
    return "the purpose is commercial." if case.project.purpose.commercial else None


def _not_for_profit(case: _Case) -> str | None:
    institution = case.project.institution
    if institution is None:
        return "the project names no institution, so it is not known to be not-for-profit."
    return "the institution works for profit." if institution.for_profit else None


def _not_for_profit_non_commercial(case: _Case) -> str | None:
    return _non_commercial(case) or _not_for_profit(case)


def _no_methods(case: _Case) -> str | None:
    return "the purpose includes methods research." if case.project.purpose.methods else None


def _genetic(case: _Case) -> str | None:
    return None if case.project.purpose.genetic else "the purpose is not declared as genetic (purpose: {genetic: true})."


def _collaboration(case: _Case) -> str | None:
    agreed = Modifier.COL in case.project.agreements
    return None if agreed else f"the project has not agreed to collaborate (agreements: [{Modifier.COL}])."


def _ethics(case: _Case) -> str | None:
    ethics = case.project.ethics
    if ethics is None:
        return "the project has no ethics approval."
    return f"the ethics approval expired on {ethics.expires}." if case.today > ethics.expires else None


def _geography(case: _Case) -> str | None:
    countries, project = case.condition.countries or (), case.project
    if project.country not in countries:
        return f"the project is in {project.country}; use is limited to {', '.join(countries)}."
    abroad = project.institution is not None and project.institution.country not in {None, *countries}
    return f"the institution is outside {', '.join(countries)}." if abroad else None


def _time_limit(case: _Case) -> str | None:
    starts, months = case.project.starts, case.condition.months
    if starts is None or months is None:
        return "the project does not say when it starts (starts: 2026-01-31), so its time cannot be counted."
    if case.today < starts:
        return f"the project starts on {starts}."
    return None if case.today < months_after(starts, months) else f"its {months} months ended on {months_after(starts, months)}."


def _users(case: _Case) -> str | None:
    allowed = set(case.condition.users or ())
    outside = [name for name in case.project.researchers if name not in allowed]
    return "the project has researchers who are not approved users." if outside else None


def _projects(case: _Case) -> str | None:
    return None if case.project.project in (case.condition.projects or ()) else "this project is not an approved one."


def _institutions(case: _Case) -> str | None:
    institution = case.project.institution
    if institution is None:
        return "the project names no institution."
    approved = set(case.condition.institutions or ())
    return None if approved & {institution.name, institution.ror} else "the project's institution is not an approved one."


def _no_ancestry(case: _Case) -> str | None:
    return "the purpose includes the study of population origins or ancestry." if case.project.purpose.studies_ancestry else None


def _always(_: _Case) -> str | None:
    """Met by whoever accepts the obligation (see OBLIGATIONS), or a use that is added, not restricted (CC)."""
    return None


def months_after(day: date, months: int) -> date:
    """The same day of the month, `months` later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


RULES: Mapping[Modifier, Callable[[_Case], str | None]] = {
    Modifier.NMDS: _no_methods,
    Modifier.GSO: _genetic,
    Modifier.NPUNCU: _not_for_profit_non_commercial,
    Modifier.NPU: _not_for_profit,
    Modifier.NCU: _non_commercial,
    Modifier.COL: _collaboration,
    Modifier.IRB: _ethics,
    Modifier.GS: _geography,
    Modifier.TS: _time_limit,
    Modifier.US: _users,
    Modifier.PS: _projects,
    Modifier.IS: _institutions,
    Modifier.NPOA: _no_ancestry,
    Modifier.PUB: _always,
    Modifier.MOR: _always,
    Modifier.RTN: _always,
    Modifier.CC: _always,
}
"""A modifier that is not here (RS) cannot be decided by a rule, and is refused."""

OBLIGATIONS: Mapping[Modifier, str] = {
    Modifier.PUB: "Make the results available to the wider scientific community (DUO:0000019).",
    Modifier.MOR: "Publish nothing before {until} (DUO:0000024).",
    Modifier.RTN: "Return derived or enriched data to the custodian (DUO:0000029).",
    Modifier.COL: "Collaborate with the data's primary investigators (DUO:0000020).",
}
