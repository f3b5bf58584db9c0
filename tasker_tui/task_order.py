"""Which end of the list of tasks comes first; the one place that knows how the two orders differ.

Tasks are created in the order of their ids, and the server gives the pages before and after an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from tasker_tui.client_port import OLDEST

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TaskOrder:
    """`title` is empty for the usual order; `above` says what rows above the view are."""

    newest_on_top: bool
    title: str
    above: str

    @property
    def turned(self) -> TaskOrder:
        """The other one."""
        return OLDEST_FIRST if self.newest_on_top else NEWEST_FIRST

    def place(self, uuid: str) -> int:
        """A number that ascends from the first row to the last; without its sign from the oldest task on."""
        number = int(uuid.replace("-", ""), 16)
        return -number if self.newest_on_top else number

    def uuid_at(self, place: int) -> str:
        """The id at a place, where there need not be a task."""
        return str(UUID(int=abs(place)))

    def below(self, uuid: str | None) -> dict[str, Any]:
        """How the server is asked for the rows below a task; without one for the first rows."""
        if uuid is None:
            return {} if self.newest_on_top else {"after": OLDEST}
        return {"before": uuid} if self.newest_on_top else {"after": uuid}

    def above_of(self, uuid: str | None) -> dict[str, Any]:
        """And for those above it; without one for the last rows."""
        return self.turned.below(uuid)

    def arranged(self, answered: Sequence[T]) -> Sequence[T]:
        """A page as it is shown: the server gives each with the newest first."""
        return answered if self.newest_on_top else answered[::-1]


NEWEST_FIRST = TaskOrder(newest_on_top=True, title="", above="newer")
OLDEST_FIRST = TaskOrder(newest_on_top=False, title="oldest first", above="older")
