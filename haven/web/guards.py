"""Who may open a page, and which forms are taken. Deny by default: every page names its roles."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role
from haven.web import csrf
from haven.web.parts import parts_of

LARGEST_FORM = 100_000
MOST_FIELDS = 200
FORM_TYPE = "application/x-www-form-urlencoded"
PLURALS = {Role.RESEARCHER: "researchers", Role.CUSTODIAN: "custodians", Role.CHECKER: "output checkers", Role.AUDITOR: "auditors"}


class LogInFirst(Exception):
    """Nobody has logged in, and the page needs somebody: the browser is sent to the log-in."""


async def who_asks(request: Request) -> Principal | None:
    """Who is asking, None for nobody."""
    if not hasattr(request.state, "principal"):
        request.state.principal = await parts_of(request).identity.of_request(request)
    principal: Principal | None = request.state.principal
    return principal


def only(*roles: Role) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency: the person asking, where their role is one of `roles`. Else LogInFirst, or Refused `auth.forbidden`."""

    async def allowed(request: Request) -> Principal:
        principal = await who_asks(request)
        if principal is None:
            raise LogInFirst
        if principal.role not in roles:
            whose = " and ".join(PLURALS[role] for role in roles)
            raise Refused(
                Code.AUTH_FORBIDDEN, f"This page is for {whose}; you are logged in as {_a(principal.role)}.", "Go to your own page."
            )
        return principal

    return allowed


@dataclass(frozen=True, slots=True)
class Form:
    """A form that came from haven's own page, and who sent it."""

    principal: Principal
    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field's text, "" where it was not sent."""
        return self.fields.get(name, "")


def form_of(*roles: Role) -> Callable[[Request], Awaitable[Form]]:
    """A dependency: a checked form of a person in one of `roles`. Refused for a wrong role, a missing or wrong token, or a large form."""
    allowed = only(*roles)

    async def checked(request: Request) -> Form:
        principal = await allowed(request)
        fields = await read_form(request)
        csrf.check(request, parts_of(request).secret, principal.name, fields.get(csrf.FIELD, ""))
        return Form(principal, fields)

    return checked


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form without files. Refused where it is something else or larger than 100 kB."""
    declared = request.headers.get("content-length", "")
    if not declared.isascii() or not declared.isdigit() or int(declared[:12]) > LARGEST_FORM:
        raise Refused(Code.REQUEST_TOO_LARGE, "This form is larger than 100 kB.", "Write less at once.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise Refused(Code.REQUEST_INVALID, "This is not a form of this haven.", "Use the form on the page.")
    sent = await request.form(max_files=0, max_fields=MOST_FIELDS)
    return {name: value for name, value in sent.items() if isinstance(value, str)}


def _a(role: Role) -> str:
    return f"an {role.value}" if role is Role.AUDITOR else f"a {role.value}"
