"""From a raw centreline to the branches that a person would draw: without spurs, bubbles, and doubled junctions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import Float32Array
from retseg.imaging.centreline import NO_JUNCTION, IntArray, PixelGraph, Stretch

Calibre = Callable[[IntArray], Float32Array]
"""The calibre (N,) in pixels at places (N, 2) of the centreline."""

# Junctions lie on whole pixels: each may be half a pixel from where the vessels really meet.
_ROUNDING = 1.0


@dataclass(frozen=True, slots=True)
class Branches:
    """A pruned centreline.

    Attributes:
        graph: Its pixels.
        stretches: Its pieces, without the bridges inside junctions. Their `first` and `last` count in `graph.junction`.
        merged: (graph.junctions,) for each of the graph's junctions the number of the junction that it is part of.
        pixels: For each of those the numbers of its pixels, bridges included.
        calibre: (junctions,) the calibre at each in pixels: the width of the largest disc in the vessel there.
    """

    graph: PixelGraph
    stretches: list[Stretch]
    merged: IntArray
    pixels: list[IntArray]
    calibre: Float32Array


def prune(places: IntArray, calibre: Calibre) -> Branches:
    """Prunes the centreline of the pixels (N, 2).

    A disc of the local calibre lies in the vessel at each junction. By these discs, in this order, until nothing
    changes:

    1. Bubbles. A stretch is a bridge if it joins two junctions (or a junction to itself) and is shorter than their two
       radii together and a pixel more, so that it does not leave the discs. Of bridges that close a ring the longest
       is taken away.
    2. Spurs. A stretch from a junction to a free end that is shorter than the calibre at the junction is taken away,
       at each junction the shortest first and only one at a time: of a blunt end's two tips one goes, one stays.
    3. Doubled junctions. The two ends of a bridge that is left are one junction: a crossing of two vessels.

    Whatever has lost its third branch is no junction any more. No piece of the centreline vanishes or falls apart.
    """
    graph = PixelGraph(places)
    while True:
        widest = _calibre_of_junctions(graph, calibre)
        merged, bridges, spare = _bridges(graph, widest)
        unwanted = spare or _spurs(graph, widest)
        if not unwanted:
            break
        graph = graph.without(unwanted)
    kept = [stretch for number, stretch in enumerate(graph.stretches) if number not in bridges]
    members = _pixels_of_junctions(graph, merged, [graph.stretches[number] for number in bridges])
    largest = np.zeros(len(members), np.float32)
    np.maximum.at(largest, merged, widest)
    return Branches(graph, kept, merged, members, largest)


def _calibre_of_junctions(graph: PixelGraph, calibre: Calibre) -> Float32Array:
    """The largest calibre (junctions,) at the pixels of each junction."""
    widest = np.zeros(graph.junctions, np.float32)
    pixels = np.flatnonzero(graph.junction != NO_JUNCTION)
    np.maximum.at(widest, graph.junction[pixels], calibre(graph.places[pixels]))
    return widest


def _bridges(graph: PixelGraph, widest: Float32Array) -> tuple[IntArray, set[int], list[Stretch]]:
    """Which junctions are one, the numbers of the bridges between them, and the bridges that close bubbles."""
    short: list[tuple[float, int, Stretch]] = []
    for number, stretch in enumerate(graph.stretches):
        if stretch.first != NO_JUNCTION and stretch.last != NO_JUNCTION:
            length = graph.length(stretch)
            if length < (widest[stretch.first] + widest[stretch.last]) / 2 + _ROUNDING:
                short.append((length, number, stretch))
    one_of = list(range(graph.junctions))
    bridges: set[int] = set()
    spare: list[Stretch] = []
    for _, number, stretch in sorted(short, key=lambda entry: entry[:2]):
        first, last = _root(one_of, stretch.first), _root(one_of, stretch.last)
        if first == last:
            spare.append(stretch)
            continue
        one_of[last] = first
        bridges.add(number)
    roots = [_root(one_of, junction) for junction in range(graph.junctions)]
    merged: NDArray[np.intp] = np.unique(np.array(roots, np.intp), return_inverse=True)[1]
    return merged, bridges, spare


def _root(one_of: list[int], junction: int) -> int:
    while one_of[junction] != junction:
        one_of[junction] = one_of[one_of[junction]]
        junction = one_of[junction]
    return junction


def _spurs(graph: PixelGraph, widest: Float32Array) -> list[Stretch]:
    """The shortest spur of each junction that has one."""
    shortest: dict[int, tuple[float, Stretch]] = {}
    for stretch in graph.stretches:
        junction = max(stretch.first, stretch.last)
        if min(stretch.first, stretch.last) != NO_JUNCTION or junction == NO_JUNCTION:
            continue
        length = graph.length(stretch)
        if length < widest[junction] and length < shortest.get(junction, (np.inf, stretch))[0]:
            shortest[junction] = (length, stretch)
    return [stretch for _, stretch in shortest.values()]


def _pixels_of_junctions(graph: PixelGraph, merged: IntArray, bridges: Iterable[Stretch]) -> list[IntArray]:
    pixels = np.flatnonzero(graph.junction != NO_JUNCTION)
    owner = merged[graph.junction[pixels]]
    parts = [(pixels, owner)]
    parts += [(bridge.inner, np.full(len(bridge.inner), merged[bridge.first])) for bridge in bridges]
    every, owners = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(owners, kind="stable")
    count = int(merged.max()) + 1 if len(merged) else 0
    return np.split(every[order], np.searchsorted(owners[order], np.arange(1, count))) if count else []
