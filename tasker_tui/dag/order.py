"""Order inside the layers: barycentre sweeps, then swaps of neighbours, keeping the fewest crossings."""

from __future__ import annotations

from bisect import bisect_right

from tasker_tui.dag.layers import Layered

SWEEPS = 8
PATIENCE = 2
"""Sweeps without fewer crossings before it is left at that."""
SWAP_LIMIT = 400
"""Swapping neighbours tries every pair, so it is left out for graphs with more links than this."""

Neighbours = list[list[int]]


def reduce_crossings(layered: Layered) -> None:
    """Reorder `layered.layers` in place. Deterministic: ties keep the order of the template."""
    left, right = _neighbours(layered)
    position = [0] * len(layered.layer_of)
    for layer in layered.layers:
        _number(layer, position)
    best, fewest = [list(layer) for layer in layered.layers], _all_crossings(layered, position)
    in_vain = 0
    for sweep in range(SWEEPS):
        if in_vain == PATIENCE or (fewest == 0 and sweep):
            break
        _sweep(layered.layers, position, left if sweep % 2 == 0 else right, backwards=sweep % 2 == 1)
        crossings = _all_crossings(layered, position)
        in_vain += 1
        if crossings < fewest:
            best, fewest, in_vain = [list(layer) for layer in layered.layers], crossings, 0
    layered.layers[:] = best
    if fewest and sum(map(len, layered.links)) <= SWAP_LIMIT:
        _swap_neighbours(layered.layers, left, right)


def _neighbours(layered: Layered) -> tuple[Neighbours, Neighbours]:
    left: Neighbours = [[] for _ in layered.layer_of]
    right: Neighbours = [[] for _ in layered.layer_of]
    for links in layered.links:
        for a, b in links:
            right[a].append(b)
            left[b].append(a)
    return left, right


def _number(layer: list[int], position: list[int]) -> None:
    for i, item in enumerate(layer):
        position[item] = i


def _sweep(layers: list[list[int]], position: list[int], beside: Neighbours, backwards: bool) -> None:
    for layer in reversed(layers) if backwards else layers:
        centre = {}
        for item in layer:
            around = beside[item]
            if len(around) == 1:
                centre[item] = float(position[around[0]])
            elif around:
                centre[item] = sum([position[n] for n in around]) / len(around)
            else:
                centre[item] = float(position[item])
        layer.sort(key=centre.__getitem__)
        _number(layer, position)


def _all_crossings(layered: Layered, position: list[int]) -> int:
    return sum(_crossings(links, position) for links in layered.links)


def _crossings(links: list[tuple[int, int]], position: list[int]) -> int:
    seen: list[int] = []
    count = 0
    for _, target in sorted([(position[a], position[b]) for a, b in links]):
        at = bisect_right(seen, target)
        count += len(seen) - at
        seen.insert(at, target)
    return count


def _swap_neighbours(layers: list[list[int]], left: Neighbours, right: Neighbours) -> None:
    position = [0] * len(left)
    for layer in layers:
        _number(layer, position)
    for _ in range(SWEEPS):
        swaps = sum(_swap_in(layer, position, left, right) for layer in layers)
        if swaps == 0:
            return


def _swap_in(layer: list[int], position: list[int], left: Neighbours, right: Neighbours) -> bool:
    swapped = False
    for i in range(len(layer) - 1):
        upper, lower = layer[i], layer[i + 1]
        gain = sum(
            _inversions(beside[upper], beside[lower], position)
            - _inversions(beside[lower], beside[upper], position)
            for beside in (left, right)
        )
        if gain > 0:
            layer[i], layer[i + 1] = lower, upper
            position[upper], position[lower] = i + 1, i
            swapped = True
    return swapped


def _inversions(above: list[int], below: list[int], position: list[int]) -> int:
    return sum(1 for a in above for b in below if position[a] > position[b])
