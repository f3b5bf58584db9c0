"""A worker as the broker's consumer sees it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

MessageOutcome = Literal["claimed", "stale", "foreign", "given_back", "refused"]
"""What became of a message: its step was claimed here, no longer waited, needs another worker's handler, is
left to others because no slot is free or it is paused; or it was no message of ours."""


@dataclass(frozen=True, slots=True)
class Taker:
    """What a worker serves, whether all its slots are taken, how to have it claim, and how to tell others of
    steps that are not for it (`pass_on`) or need another message (`unpublished`)."""

    namespaces: Sequence[str]
    handlers: Collection[str]
    is_full: Callable[[], bool]
    look: Callable[[], None]
    pass_on: Callable[[], None]
    unpublished: Callable[[], None]
