"""Routing between two layers: each wire gets a column of its own, so unrelated edges never share a track.

A *wire* is one vertical line: it is entered from the left on some rows and left to the right on others, and
everything that enters it goes to everything that leaves it. One source with many targets, many sources
with one target, and sources that have all their targets in common are each one wire.

On a row, the wire that is entered there must stand left of every other wire that leaves there, or their
horizontal lines would run over each other. Where these demands form a circle, a wire is split in two that
are joined on a free row between them (a dogleg).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

COSTS_LIMIT = 150
"""Above this many wires in a channel, columns are given in plain order: comparing all pairs takes long."""
SHARED_TARGET_COST = 2
"""What it costs, in crossings, to join a shared target left of another wire: it could be misread."""
NEW_ROW_COST = 6


@dataclass(slots=True, eq=False)
class Wire:
    """Rows are half rows here: even ones hold nodes and lanes, odd ones lie between.

    The masks are the same sets of rows as bits, `inside` those between `low` and `high`.

    `links` are (row in, row out, edges as a bit mask). `before` and `after` are the other half of a dogleg:
    the wire that feeds this one on its only row in, and the one that it feeds, with the row of the joint.
    """

    links: list[tuple[int, int, int]]
    column: int = -1
    before: Wire | None = None
    after: Wire | None = None
    joint: int = -1
    rows_in: frozenset[int] = field(init=False)
    rows_out: frozenset[int] = field(init=False)
    low: int = field(init=False)
    high: int = field(init=False)
    mask_in: int = field(init=False)
    mask_out: int = field(init=False)
    needs: int = field(init=False)
    inside: int = field(init=False)

    def __post_init__(self) -> None:
        self._measure()

    def _measure(self) -> None:
        self.rows_in = frozenset(a for a, _, _ in self.links)
        self.rows_out = frozenset(b for _, b, _ in self.links)
        self.mask_in, self.mask_out = _bits(self.rows_in), _bits(self.rows_out)
        rows = self.mask_in | self.mask_out
        self.low, self.high = (rows & -rows).bit_length() - 1, rows.bit_length() - 1
        self.needs = self.mask_out & ~self.mask_in
        self.inside = (1 << max(self.high, self.low + 1)) - (1 << (self.low + 1))

    @property
    def straight(self) -> bool:
        """Whether the wire stays on one row and so needs no column."""
        return self.low == self.high

    def renumber(self, number: dict[int, int]) -> None:
        """Replace the half rows by the rows that are drawn."""
        self.links = [(number[a], number[b], edges) for a, b, edges in self.links]
        self.joint = number.get(self.joint, -1)
        self._measure()

    def split_off(self, rows: frozenset[int], joint: int) -> Wire:
        """Let what leaves on `rows` take a second wire, which this one feeds on row `joint`."""
        moved: dict[tuple[int, int], int] = defaultdict(int)
        kept: dict[tuple[int, int], int] = defaultdict(int)
        for a, b, edges in self.links:
            if b in rows:
                moved[joint, b] |= edges
                kept[a, joint] |= edges
            else:
                kept[a, b] |= edges
        self.links = [(a, b, edges) for (a, b), edges in kept.items()]
        self._measure()
        self.after = Wire([(a, b, edges) for (a, b), edges in moved.items()], before=self, joint=joint)
        return self.after


@dataclass(slots=True)
class Channel:
    """The wires between two layers, and how many columns they take."""

    wires: list[Wire]
    columns: int

    def renumber(self, number: dict[int, int]) -> None:
        """Replace the half rows by the rows that are drawn."""
        for wire in self.wires:
            wire.renumber(number)


def route_channel(links: list[tuple[int, int, int]], free_rows: FreeRows) -> Channel:
    """Give the links (row in, row out, edges) of one gap between layers their wires and columns."""
    wires = _bundle(links)
    standing = [wire for wire in wires if not wire.straight]
    free_rows.enter_channel({row for wire in wires for row in wire.rows_in | wire.rows_out})
    queue = _Queue(standing, free_rows)
    skyline: list[int] = []
    columns = 0
    while (wire := queue.take()) is not None:
        skyline += [-1] * (wire.high + 1 - len(skyline))
        rows = slice(wire.low, wire.high + 1)
        wire.column = 1 + max(skyline[rows])
        skyline[rows] = [wire.column] * (wire.high + 1 - wire.low)
        columns = max(columns, wire.column + 1)
    return Channel([wire for wire in wires if wire.straight] + queue.taken, columns)


class FreeRows:
    """Rows on which a dogleg may run: a node's row that nothing uses in this channel, or one in between."""

    def __init__(self, count: int) -> None:
        self.opened: set[int] = set()
        self._even = range(0, 2 * count, 2)
        self._used: set[int] = set()

    def enter_channel(self, pins: set[int]) -> None:
        """Begin with a channel whose wires start or end on the rows `pins`."""
        self._used = set(pins)

    def take(self, near: int) -> int:
        """The cheapest free row: near, and better one that exists than a new one."""
        known = [row for row in (*self._even, *self.opened) if row not in self._used]
        best = min(known, key=lambda row: (abs(row - near), row), default=None)
        new = self._nearest_new(near)
        if best is None or abs(new - near) + NEW_ROW_COST < abs(best - near):
            best = new
            self.opened.add(new)
        self._used.add(best)
        return best

    def _nearest_new(self, near: int) -> int:
        step = 0
        while True:
            for row in (near + step, near - step):
                if row > 0 and row % 2 and row not in self._used and row not in self.opened:
                    return row
            step += 1


def _bundle(links: list[tuple[int, int, int]]) -> list[Wire]:
    """One wire for all rows that lead to the same rows."""
    exits: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for a, b, edges in links:
        exits[a].append((b, edges))
    bundles: dict[frozenset[int], list[tuple[int, int, int]]] = defaultdict(list)
    for a, out in exits.items():
        bundles[frozenset(b for b, _ in out)] += [(a, b, edges) for b, edges in out]
    return [Wire(bundle) for bundle in bundles.values()]


class _Queue:
    """Hands out wires from left to right: an allowed one that crosses the others least."""

    def __init__(self, wires: list[Wire], free_rows: FreeRows) -> None:
        self.taken: list[Wire] = []
        self._waiting = sorted(wires, key=lambda wire: (wire.low, wire.high))
        self._entered = sum(wire.mask_in for wire in wires)
        self._free_rows = free_rows
        self._score = self._scores()

    def take(self) -> Wire | None:
        """The next wire, or None when all are taken. May split a wire, whose rest is handed out later."""
        if not self._waiting:
            return None
        entered = self._entered
        allowed = [wire for wire in self._waiting if not wire.needs & entered]
        wire = min(allowed, key=self._rank) if allowed else self._break_circle()
        self._waiting.remove(wire)
        self.taken.append(wire)
        self._entered &= ~wire.mask_in
        return wire

    def _rank(self, wire: Wire) -> tuple[int, int, int]:
        return (self._score[id(wire)], wire.low, wire.high)

    def _blocked(self, wire: Wire) -> int:
        """The rows, as bits, that the wire leaves on while another wire has yet to be entered there."""
        return wire.needs & self._entered

    def _break_circle(self) -> Wire:
        wanted = 0
        for waiting in self._waiting:
            wanted |= waiting.needs
        wanted &= self._entered
        holders = [w for w in self._waiting if w.mask_in & wanted]
        entered, score = self._entered, self._score
        wire = min(holders, key=lambda w: ((w.needs & entered).bit_count(), score[id(w)], w.low, w.high))
        blocked = self._blocked(wire)
        rows = sorted(row for row in wire.rows_out if blocked >> row & 1)
        joint = self._free_rows.take(rows[len(rows) // 2])
        rest = wire.split_off(frozenset(rows), joint)
        self._waiting.append(rest)
        self._score[id(rest)] = len(self._waiting)
        return wire

    def _scores(self) -> dict[int, int]:
        """For each wire, what standing left of all others costs more than standing right of them."""
        wires, scores = self._waiting, [0] * len(self._waiting)
        if len(wires) <= COSTS_LIMIT:
            for i, one in enumerate(wires):
                for j in range(i + 1, len(wires)):
                    if wires[j].low > one.high:
                        break  # they are sorted: none of the rest shares a row with this one
                    cost = _cost(one, wires[j])
                    scores[i] += cost
                    scores[j] -= cost
        return {id(wire): score for wire, score in zip(wires, scores, strict=True)}


def _cost(one: Wire, other: Wire) -> int:
    """How many more crossings there are when `one` stands left of `other` than the other way round.

    A joint that could be misread has its price as well.
    """
    cost = (
        (other.mask_in & one.inside).bit_count()
        + (one.mask_out & other.inside).bit_count()
        - (one.mask_in & other.inside).bit_count()
        - (other.mask_out & one.inside).bit_count()
    )
    if one.mask_out & other.mask_out:
        cost += SHARED_TARGET_COST * ((len(other.rows_out) > 1) - (len(one.rows_out) > 1))
    return cost


def _bits(rows: frozenset[int]) -> int:
    mask = 0
    for row in rows:
        mask |= 1 << row
    return mask
