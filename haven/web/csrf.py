"""Forms come from haven's own pages: each carries a token that only this haven can make, for this browser and this person.

The browser holds a random nonce in a cookie; the token is HMAC-SHA256(secret, nonce ‖ name of who is logged in). Requests that carry an
`Authorization` header are exempt: no browser adds one by itself.
"""

import hashlib
import hmac
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from haven.errors import Code, Refused

COOKIE = "haven_nonce"
FIELD = "csrf_token"
HEADER = "x-haven-csrf"
_NONCE = re.compile(r"^[0-9a-f]{32}$")


def nonce_of(request: Request) -> str:
    """The browser's nonce, or the one that this response will give it."""
    found = request.cookies.get(COOKIE, "")
    if _NONCE.match(found):
        return found
    if not hasattr(request.state, "fresh_nonce"):
        request.state.fresh_nonce = secrets.token_hex(16)
    return str(request.state.fresh_nonce)


def token(secret: bytes, nonce: str, name: str) -> str:
    """The token of a browser's nonce and of the person logged in there ("" for nobody)."""
    return hmac.new(secret, f"{nonce}\n{name}".encode(), hashlib.sha256).hexdigest()


def keep_nonce(request: Request, response: Response, path: str) -> None:
    """Give the browser its nonce, where it has none."""
    fresh = getattr(request.state, "fresh_nonce", None)
    if fresh is not None:
        response.set_cookie(COOKIE, fresh, path=path, httponly=True, samesite="strict", secure=request.url.scheme == "https")


def matches(request: Request, secret: bytes, name: str, given: str) -> bool:
    """True when `given` is the token of this browser and `name`."""
    nonce = request.cookies.get(COOKIE, "")
    return bool(_NONCE.match(nonce)) and hmac.compare_digest(token(secret, nonce, name).encode(), given.encode())


def check(request: Request, secret: bytes, name: str, given: str) -> None:
    """Raises Refused `auth.forbidden` unless `given` is the token of this browser and `name`."""
    if not matches(request, secret, name, given):
        raise Refused(Code.AUTH_FORBIDDEN, "This form is too old, or did not come from this haven.", "Open the page again and resend it.")
