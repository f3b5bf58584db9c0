"""Rows: where each item of a layer stands from top to bottom, keeping the order and lines straight.

Each layer asks its items for the row that they would like and gets the nearest allowed rows in the least
squares sense (isotonic regression by pooling adjacent violators).
"""

from __future__ import annotations

from math import floor

from tasker_tui.dag.layers import Layered

ROUNDS = 3
LANE_WEIGHT = 6.0
"""A lane that bends twice is worse than a node that stands a row off."""


def assign_rows(layered: Layered) -> list[int]:
    """A row for each item: from 0 without unused rows, at least 1 apart and in order inside a layer."""
    rows = [0.0] * len(layered.layer_of)
    for layer in layered.layers:
        for i, item in enumerate(layer):
            rows[item] = float(i - len(layer) // 2)
    left, right = _weighted_neighbours(layered)
    for _ in range(ROUNDS):
        for layer in layered.layers:
            _settle(layered, layer, rows, left)
        for layer in reversed(layered.layers):
            _settle(layered, layer, rows, right)
    return _compact([floor(row + 0.5) for row in _snapped(layered, rows, left)])


def _weighted_neighbours(
    layered: Layered,
) -> tuple[list[list[tuple[int, float]]], list[list[tuple[int, float]]]]:
    left: list[list[tuple[int, float]]] = [[] for _ in layered.layer_of]
    right: list[list[tuple[int, float]]] = [[] for _ in layered.layer_of]
    for links in layered.links:
        for a, b in links:
            straight = LANE_WEIGHT if layered.is_lane(a) and layered.is_lane(b) else 1.0
            right[a].append((b, straight))
            left[b].append((a, straight))
    return left, right


def _settle(
    layered: Layered, layer: list[int], rows: list[float], beside: list[list[tuple[int, float]]]
) -> None:
    wishes = [_wish(item, rows, beside[item]) for item in layer]
    weights = [LANE_WEIGHT if layered.is_lane(item) else 1.0 for item in layer]
    for item, row in zip(layer, _nearest_allowed(wishes, weights), strict=True):
        rows[item] = row


def _wish(item: int, rows: list[float], beside: list[tuple[int, float]]) -> float:
    if not beside:
        return rows[item]
    if len(beside) == 1:
        return rows[beside[0][0]]
    total = moment = 0.0
    for neighbour, weight in beside:
        total += weight
        moment += rows[neighbour] * weight
    return moment / total


def _nearest_allowed(wishes: list[float], weights: list[float]) -> list[float]:
    """The rows nearest to the wishes that keep a distance of 1. Pools of items move as one."""
    pools: list[tuple[float, float, int]] = []  # sum of weights, weighted sum, size
    for i, (wish, weight) in enumerate(zip(wishes, weights, strict=True)):
        heavy, moment, size = weight, weight * (wish - i), 1
        while pools and pools[-1][1] * heavy >= moment * pools[-1][0]:
            above = pools.pop()
            heavy, moment, size = heavy + above[0], moment + above[1], size + above[2]
        pools.append((heavy, moment, size))
    flat = [moment / heavy for heavy, moment, size in pools for _ in range(size)]
    return [row + i for i, row in enumerate(flat)]


def _snapped(layered: Layered, rows: list[float], left: list[list[tuple[int, float]]]) -> list[float]:
    """Whole rows, left to right, so that a line that can be straight is exactly straight."""
    snapped = list(rows)
    for layer in layered.layers:
        wishes = [_whole_wish(item, rows, snapped, left[item]) for item in layer]
        weights = [LANE_WEIGHT if layered.is_lane(item) else 1.0 for item in layer]
        for item, row in zip(layer, _nearest_allowed(wishes, weights), strict=True):
            snapped[item] = floor(row + 0.5)
    return snapped


def _whole_wish(
    item: int, floated: list[float], snapped: list[float], before: list[tuple[int, float]]
) -> float:
    """The row of the neighbour on the left that floats nearest to the item, if it is near."""
    near = min((n for n, _ in before), key=lambda n: abs(floated[n] - floated[item]), default=item)
    return snapped[near] if abs(floated[near] - floated[item]) <= 1.0 else floated[item]


def _compact(rows: list[int]) -> list[int]:
    place = {row: i for i, row in enumerate(sorted(set(rows)))}
    return [place[row] for row in rows]
