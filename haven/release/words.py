"""The words people write with an act: a title, a context, a reason."""

import unicodedata

from haven.errors import Code, Refused

LONGEST = 10_000


def required(text: str, what: str, longest: int = LONGEST) -> str:
    """`text` without surrounding space. Raises Refused `request.invalid` where it is empty, too long, or holds hidden characters."""
    cleaned = optional(text, what, longest)
    if not cleaned:
        raise Refused(Code.REQUEST_INVALID, f"The {what} is missing.", f"Write the {what} in a sentence: the people concerned read it.")
    return cleaned


def optional(text: str, what: str, longest: int = LONGEST) -> str:
    """`text` without surrounding space, which may be nothing. Raises Refused `request.invalid` as `required` does."""
    cleaned = text.replace("\r\n", "\n").strip()
    if len(cleaned) > longest:
        raise Refused(Code.REQUEST_INVALID, f"The {what} is longer than {longest} characters.", "Shorten it.")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} for character in cleaned if character not in "\n\t"):
        raise Refused(Code.REQUEST_INVALID, f"The {what} holds hidden characters.", "Write it in plain text.")
    return cleaned
