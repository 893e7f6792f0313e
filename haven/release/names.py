"""Names of files: what a researcher's file is called inside the haven and in the bundle."""

import re

LONGEST = 80
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(name: str, ending: str) -> str:
    """`name` made of `[A-Za-z0-9._-]`, without folders, leading dots or dashes, at most 80 characters, with `ending` as its only ending.

    Never empty, and idempotent. The ending is ours: it follows from the bytes, never from what the file was called.
    """
    last = re.split(r"[\\/]", name)[-1]
    stem = _NOT_ALLOWED.sub("-", last).lstrip(".-_")
    stem = re.sub(r"\.[A-Za-z0-9]{1,8}$", "", stem)
    stem = stem.replace(".", "-").strip("-_")[: LONGEST - len(ending)].rstrip("-_")
    return (stem or "item") + ending
