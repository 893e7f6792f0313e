"""Messages about releases, version 1: what an author or a checker may send to /api/v1/releases."""

import base64
import binascii
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from haven.wire.queries import Message, ProjectName

MOST_ITEMS = 50
Sentence = Annotated[str, Field(min_length=1, max_length=10_000)]
Words = Annotated[str, Field(max_length=10_000)]
Title = Annotated[str, Field(min_length=1, max_length=300)]
FileName = Annotated[str, Field(max_length=200)]


def _base64(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was sent
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        msg = "write the bytes as base64"
        raise ValueError(msg) from None


Bytes = Annotated[bytes, BeforeValidator(_base64, json_schema_input_type=str)]
Identifier = Annotated[str, Field(min_length=1, max_length=200)]


class ReleaseItem(Message):
    """One thing to take out: an answer by its `receipt`, or a file by its bytes (`content`, base64). Exactly one of the two."""

    receipt: Identifier | None = None
    content: Bytes | None = None
    name: FileName = ""
    note: Words = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.receipt is None) == (self.content is None):
            msg = "an item is an answer's receipt or a file's content"
            raise ValueError(msg)
        return self


class ReleaseRequest(Message):
    """A request: it is a draft until it is submitted."""

    project: ProjectName
    title: Title
    context: Sentence
    items: Annotated[tuple[ReleaseItem, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class ItemsRequest(Message):
    """Other items for a draft or a returned request."""

    items: Annotated[tuple[ReleaseItem, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class NoWords(Message):
    """An act that needs no words."""


class Reason(Message):
    """An act with its reason."""

    reason: Words = ""


class GivenReason(Message):
    """An act that is nothing without its reason."""

    reason: Sentence


class Vote(Message):
    """A checker's judgement of one item; `content` is the hash of the item that was looked at, `rule` a criterion's id."""

    item: Identifier
    content: Identifier
    approves: bool
    rule: Identifier
    reason: Sentence


class Return(Message):
    """What an author must mend: a comment, and further ones by item id."""

    comment: Sentence
    comments: dict[Identifier, Sentence] = Field(default_factory=dict)


class Review(Message):
    """The end of a checker's review: the criterion and the reason for every item without their vote."""

    rule: Identifier
    reason: Sentence
