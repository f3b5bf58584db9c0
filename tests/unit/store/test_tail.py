"""Following a log: whatever transactions do, each row is read once, and a cursor loses none."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.store import tail as tail_module
from engine.store.tail import BadCursor, Cursor, Snapshot, Tail


@dataclass
class Log:
    """A table that transactions append to, as PostgreSQL shows it: ids at once, rows at the commit."""

    next_xid: int = 100
    next_id: int = 1
    running: list[int] = field(default_factory=list)
    rows: dict[int, int] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        running = frozenset(self.running)
        return Snapshot(min(running, default=self.next_xid), self.next_xid, running)

    def begin(self) -> None:
        self.running.append(self.next_xid)
        self.next_xid += 1

    def write(self, which: int, count: int) -> None:
        for _ in range(count):
            self.rows[self.next_id] = self.running[which % len(self.running)]
            self.next_id += 1

    def end(self, which: int) -> None:
        del self.running[which % len(self.running)]

    @property
    def last_id(self) -> int:
        return self.next_id - 1

    def visible(self) -> set[int]:
        return {row for row, xid in self.rows.items() if xid not in self.running}

    def read(self, tail: Tail) -> list[int]:
        """One reading as `engine.store.transitions.read_new` makes it."""
        floor, laggards, before = tail.floor, tail.laggards, tail.seen
        found = [row for row in self.visible() if row > floor and not before.sees(self.rows[row])]
        tail.advance(self.snapshot(), self.last_id)
        ended = [xid for xid in laggards if xid not in self.running]
        low = min((laggards[xid] for xid in ended), default=0)
        late = [row for row in self.visible() if low < row <= floor and self.rows[row] in ended]
        return sorted(found + late)

    def since(self, cursor: Cursor) -> set[int]:
        """What a client lacks that stands at a cursor."""
        return {
            row for row in self.visible() if row > cursor.low_id and not cursor.snapshot.sees(self.rows[row])
        }


ACTIONS = st.lists(
    st.one_of(
        st.just(("begin", 0, 0)),
        st.tuples(st.just("write"), st.integers(0, 5), st.integers(1, 40)),
        st.tuples(st.just("end"), st.integers(0, 5), st.just(0)),
        st.just(("read", 0, 0)),
    ),
    max_size=60,
)


def do(log: Log, action: tuple[str, int, int]) -> None:
    name, which, count = action
    if name == "begin":
        log.begin()
    elif log.running and name == "write":
        log.write(which, count)
    elif log.running and name == "end":
        log.end(which)


@given(ACTIONS, ACTIONS, st.booleans())
@settings(max_examples=300)
def test_every_row_is_read_once_and_every_cursor_leads_to_all_that_follows(first, then, cramped):
    # Small bounds, so that short histories have laggards and floors above 0.
    margin, laggard = tail_module.MARGIN, tail_module.LAGGARD_ROWS
    tail_module.MARGIN, tail_module.LAGGARD_ROWS = 0, 20 if cramped else 10_000
    try:
        log = Log()
        for action in first:
            do(log, action)
        id_before, before = log.last_id, log.snapshot()
        tail = Tail(before, id_before, log.snapshot(), log.last_id)
        known, read, cursors = log.visible(), [], []
        for action in [*then, ("read", 0, 0)]:
            do(log, action)
            if action[0] == "read":
                read += log.read(tail)
                cursors.append((Cursor.parse(str(tail.cursor)), known | set(read)))
        assert len(read) == len(set(read))
        assert set(read) == log.visible() - known
        for cursor, had in cursors:
            assert had | log.since(cursor) == log.visible()
    finally:
        tail_module.MARGIN, tail_module.LAGGARD_ROWS = margin, laggard


@given(st.integers(0, 2**40), st.sets(st.integers(10, 200), max_size=19))
def test_a_cursor_is_read_as_it_was_written(low_id, running):
    cursor = Cursor(low_id, Snapshot(min(running, default=300), 300, frozenset(running)))
    assert Cursor.parse(str(cursor)) == cursor


def test_a_cursor_stays_short_however_many_transactions_run():
    running = frozenset(range(1_000, 9_000))
    written = str(Cursor(7, Snapshot(1_000, 9_000, running)))
    assert len(written) < 100
    assert not Cursor.parse(written).snapshot.sees(1_000)


@pytest.mark.parametrize("text", ["", "7", "x-1:2:", "7-1:2", "7-a:b:", "7-1:2:x"])
def test_other_texts_are_no_cursors(text):
    with pytest.raises(BadCursor):
        Cursor.parse(text)
