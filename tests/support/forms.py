"""Forms of pages, filled in and sent as a browser without scripts does it."""

import re

import httpx


def token(page: httpx.Response) -> str:
    """The form token on a page."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field on a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def send(client: httpx.Client, page: str, form: str, **fields: str) -> httpx.Response:
    """Open `page`, then send the form at `form` with its token."""
    return client.post(form, data={"csrf_token": token(client.get(page)), **fields})
