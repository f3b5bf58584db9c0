"""Following a table that many transactions append to, without missing a row or seeing one twice.

Ids are given out before the rows that have them become visible, so "id greater than the last one" loses
rows of slow transactions. What is new is instead what the last reading's snapshot could not see; ids only
bound the part of the index that must be looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

MARGIN = 1_000
"""A transaction may take the id of its first row a moment before its transaction id is given out."""

LAGGARD_ROWS = 20_000
"""A transaction that runs for longer than so many rows is looked after by itself when it ends."""

MANY_RUNNING = 20
"""So many running transactions are written into a cursor; with more it is coarser, and brings doubles."""


POSITION = "pg_current_snapshot()::text AS snapshot, q.last_value, age('3'::xid) AS next_xid"
"""What `Snapshot.of` and `Tail.advance` need, of a sequence `q`. The age of the lowest transaction id, 3,
tells the next one to be given out; it is asked after `last_value`."""

XIDS = 2**32
LOWEST_XID = 3


class BadCursor(ValueError):
    """A text that is no cursor of ours."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A `pg_snapshot`: transactions below `xmin` have ended, those from `xmax` on had not begun, and of those
    between the ones in `running` had not ended."""

    xmin: int
    xmax: int
    running: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read PostgreSQL's own text form; raises ValueError."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(xid) for xid in running.split(",") if xid))

    @classmethod
    def of(cls, text: str, age: int) -> Snapshot:
        """A snapshot as PostgreSQL gives it, with all that had begun: its `xmax` is one more than the last
        transaction that has ended, and whoever began after that one runs unmentioned."""
        given = cls.parse(text)
        more = (age + LOWEST_XID - given.xmax) % XIDS
        upto = given.xmax + (more if more < XIDS // 2 else 0)
        return cls(given.xmin, upto, given.running | frozenset(range(given.xmax, upto)))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, sorted(self.running)))}"

    def sees(self, xid: int) -> bool:
        """Whether what a transaction wrote was visible."""
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a reader stands: it has all rows that `snapshot` sees; all others have ids above `low_id`."""

    low_id: int
    snapshot: Snapshot

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what `str` wrote; raises `BadCursor`."""
        low_id, _, snapshot = text.partition("-")
        try:
            return cls(int(low_id), Snapshot.parse(snapshot))
        except ValueError:
            raise BadCursor(f"'{text[:100]}' is not a cursor of this stream") from None

    def __str__(self) -> str:
        snapshot = self.snapshot
        if len(snapshot.running) > MANY_RUNNING:
            snapshot = Snapshot(snapshot.xmin, snapshot.xmin, frozenset())
        return f"{self.low_id}-{snapshot}"


class Tail:
    """The state of a reader between two readings.

    `seen` is the snapshot of the last reading; `last_id` the highest id given out by then. Of a transaction
    that `seen` could not see all ids are above its entry in `_floors`, or above `_floor_of_new`.
    """

    def __init__(self, before: Snapshot, id_before: int, seen: Snapshot, last_id: int) -> None:
        """`id_before` was asked before the snapshot `before` was taken, and that before `seen`.

        Of a transaction that already ran then and still does nothing is known: its floor is 0.
        """
        self.seen = seen
        self.last_id = last_id
        self._floor_of_new = max(id_before - MARGIN, 0)
        self._floors = {xid: 0 if xid < before.xmax else self._floor_of_new for xid in seen.running}

    @property
    def cursor(self) -> Cursor:
        """Where a client stands that has everything read so far."""
        return Cursor(min([self._floor_of_new, *self._floors.values()]), self.seen)

    @property
    def floor(self) -> int:
        """Unseen rows are above this id, but for those of laggards."""
        recent = [floor for xid, floor in self._floors.items() if xid not in self.laggards]
        return min([self._floor_of_new, *recent])

    @property
    def laggards(self) -> dict[int, int]:
        """Transactions that have run for long, and the id that all of theirs are above."""
        far = self.last_id - LAGGARD_ROWS
        return {xid: floor for xid, floor in self._floors.items() if floor < far}

    def advance(self, seen: Snapshot, last_id: int) -> None:
        """A reading was made; `last_id` was asked in the same statement, hence not before its snapshot."""
        # Whoever begins after `seen` gets ids above the one known before it was taken.
        floors = {xid: self._floors.get(xid, self._floor_of_new) for xid in seen.running}
        self._floors, self._floor_of_new = floors, max(self.last_id - MARGIN, 0)
        self.seen, self.last_id = seen, last_id
