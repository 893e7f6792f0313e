"""Who may do what to a release: `check_…` raises, `may_…` asks, and the reason can be shown."""

from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role
from haven.release.facts import ProjectFacts
from haven.release.records import not_found
from haven.release.request import Request
from haven.release.states import TABLE, Event, State, Who, step


def parts(principal: Principal, request: Request, project: ProjectFacts | None) -> frozenset[Who]:
    """The parts `principal` plays towards `request`. Of a project nobody knows, nobody can be shown to be an independent checker."""
    played = set()
    if principal.name == request.author:
        played.add(Who.AUTHOR)
    elif principal.role is Role.CHECKER and project is not None and principal.name not in project.members:
        played.add(Who.CHECKER)
    if principal.role is Role.CUSTODIAN:
        played.add(Who.CUSTODIAN)
    return frozenset(played)


def check_may(principal: Principal, request: Request, event: Event, project: ProjectFacts | None) -> None:
    """Raise Refused `release.state` or `release.role` unless `principal` may do `event` to `request` now."""
    allowed = step(request.state, event)
    if not parts(principal, request, project) & allowed.who:
        who = " or ".join(sorted(f"the {part.value}" for part in allowed.who))
        raise Refused(
            Code.RELEASE_ROLE,
            f"To {event.value} this release is for {who}; you are not.",
            "An author, and whoever belongs to the project, never checks its releases. Ask another checker.",
        )
    if Who.CHECKER in allowed.who:
        _check_seat(principal, request)


def _check_seat(principal: Principal, request: Request) -> None:
    if principal.name in request.earlier_checkers and request.state is State.APPEALED:
        raise Refused(Code.RELEASE_ROLE, "An appeal is decided by a checker who has not voted on it before.", "Ask another checker.")
    needed = request.lane.checkers if request.lane else 0
    if principal.name not in request.seats and len(request.seats) >= needed:
        raise Refused(Code.RELEASE_ROLE, "This release already has the checkers it needs.", "Take another one from the queue.")


def why_not(principal: Principal, request: Request, event: Event, project: ProjectFacts | None) -> str | None:
    """The reason why `principal` may not do `event` now, None where they may."""
    try:
        check_may(principal, request, event, project)
    except Refused as refused:
        return str(refused)
    return None


def may(principal: Principal, request: Request, event: Event, project: ProjectFacts | None) -> bool:
    """True when `principal` may do `event` to `request` now."""
    return why_not(principal, request, event, project) is None


def acts(principal: Principal, request: Request, project: ProjectFacts | None) -> list[Event]:
    """What `principal` may do now, in the order of the table."""
    return [event for event in TABLE[request.state] if may(principal, request, event, project)]


def may_see(principal: Principal, request: Request, project: ProjectFacts | None) -> bool:
    """True for the author and the project's members; once submitted also for checkers, custodians and auditors."""
    inside = principal.name == request.author or (project is not None and principal.name in project.members)
    overseer = principal.role in {Role.CHECKER, Role.CUSTODIAN, Role.AUDITOR}
    return inside or (overseer and request.state is not State.DRAFT)


def check_may_see(principal: Principal, request: Request, project: ProjectFacts | None) -> None:
    """Raise Refused `not_found` unless `principal` may see `request`."""
    if not may_see(principal, request, project):
        raise not_found()


def check_may_open(principal: Principal, project: ProjectFacts | None) -> ProjectFacts:
    """The project, where `principal` may ask for a release of it. Raises Refused `policy.*`."""
    if project is None or principal.name not in project.members or principal.role is not Role.RESEARCHER:
        raise Refused(Code.POLICY_NOT_MEMBER, "Releases are asked for by a project's own researchers.", "Name one of your projects.")
    if project.closed is not None:
        raise Refused(Code.POLICY_SUSPENDED, f"This project may not release anything now: {project.closed}", "Ask its custodian.")
    return project
