"""What all objects of the REST API share: how a model is configured and how a time is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Between them a client may ask: near the ends of the calendar, no time can be counted from."""


class WireModel(BaseModel):
    """An answer of the server.

    Every field is required, also those that may be null: the clients that exist fail when one is left out.
    Unknown fields are ignored when read, so that an older client understands a newer server. A model is
    built at its first use (`defer_build`), which keeps the command line's start quick.
    """

    model_config = ConfigDict(defer_build=True, extra="ignore")


class RequestModel(BaseModel):
    """A body that the server reads. Unknown fields are refused: a misspelt one would be lost in silence."""

    model_config = ConfigDict(defer_build=True, extra="forbid")


def _with_zone(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _without_zone(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6]


def _read_without_zone(value: object) -> object:
    """Read what `_without_zone` wrote; without this a naive text would be refused by `AwareDatetime`."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


Timestamp = Annotated[AwareDatetime, PlainSerializer(_with_zone, return_type=str, when_used="json")]
"""An aware datetime; in JSON RFC 3339 in UTC with microseconds: `2026-01-31T12:00:00.123456Z`."""

NaiveTimestamp = Annotated[
    AwareDatetime,
    BeforeValidator(_read_without_zone),
    PlainSerializer(_without_zone, return_type=str, when_used="json"),
]
"""An aware datetime too; in JSON UTC without a zone, as the clients expect: `2026-01-31T12:00:00.123456`."""


def _can_be_stored(value: datetime) -> datetime:
    if not EARLIEST <= value <= LATEST:
        raise ValueError(f"has to be between the years {EARLIEST.year} and {LATEST.year}")
    return value


NaiveIsUtc = Annotated[
    AwareDatetime,
    BeforeValidator(_read_without_zone),
    AfterValidator(_can_be_stored),
    PlainSerializer(_with_zone, return_type=str, when_used="json"),
]
"""An aware datetime that a client sends; without a zone it is UTC."""
