"""Vessel segments in colours, such that those that touch or meet differ."""

from __future__ import annotations

import numpy as np

from retseg.core.types import BoolArray, UInt8Array, UInt16Array
from retseg.imaging.segments import VesselGraph

COLOURS = (
    (0, 158, 115), (230, 159, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178),
    (170, 230, 120), (255, 170, 150), (150, 110, 230), (120, 230, 220), (190, 190, 190),
)  # fmt: skip
"""Seven colours of Okabe and Ito, which colour-blind readers tell apart, and five more for where those do not do."""

_FIRST_CHOICE = 7
_DIMMED = 0.45


def segment_overlay(graph: VesselGraph, photograph: UInt8Array | None = None) -> UInt8Array:
    """Each segment in its own colour on black or on the dimmed photograph (H, W, 3), junctions as white dots."""
    table = np.zeros((len(graph.segments) + 1, 3), np.uint8)
    table[1:] = np.array(COLOURS, np.uint8)[colour_numbers(graph)] if graph.segments else 0
    drawn = table[graph.ids]
    if photograph is not None:
        dimmed = np.rint(photograph * np.float32(_DIMMED)).astype(np.uint8)
        drawn = np.where((graph.ids > 0)[..., None], drawn, dimmed)
    drawn[_dots(graph)] = 255
    return drawn


def colour_numbers(graph: VesselGraph) -> list[int]:
    """The index in COLOURS of each segment, in order; segments that touch or share a junction differ."""
    beside = _neighbours(graph)
    chosen: dict[int, int] = {}
    # Those with most neighbours choose first, as long as there is a choice.
    for number in sorted(beside, key=lambda one: (-len(beside[one]), one)):
        taken = [chosen[other] for other in beside[number] if other in chosen]
        wheel = [(number + turn) % _FIRST_CHOICE for turn in range(_FIRST_CHOICE)]
        colours = [*wheel, *range(_FIRST_CHOICE, len(COLOURS))]
        chosen[number] = min(colours, key=taken.count)
    return [chosen[segment.id] for segment in graph.segments]


def _neighbours(graph: VesselGraph) -> dict[int, set[int]]:
    """The ids of the segments that touch each segment or share a junction with it."""
    beside: dict[int, set[int]] = {segment.id: set() for segment in graph.segments}
    pairs = {(one, other) for junction in graph.junctions for one in junction.segments for other in junction.segments}
    for one, other in (*pairs, *_touching(graph.ids)):
        if one != other:
            beside[one].add(other)
            beside[other].add(one)
    return beside


def _touching(ids: UInt16Array) -> set[tuple[int, int]]:
    """Pairs of different ids of which pixels touch by side or corner."""
    # Numbers of two ids in one, so that they are sorted out as plain numbers.
    found: set[int] = set()
    for one, other in (
        (ids[:, 1:], ids[:, :-1]),
        (ids[1:], ids[:-1]),
        (ids[1:, 1:], ids[:-1, :-1]),
        (ids[1:, :-1], ids[:-1, 1:]),
    ):
        meeting = (one != other) & (one > 0) & (other > 0)
        found.update(np.unique(one[meeting].astype(np.int64) << 16 | other[meeting]).tolist())
    return {(pair >> 16, pair & 0xFFFF) for pair in found}


def _dots(graph: VesselGraph) -> BoolArray:
    """Where the junctions are marked: a square of about a third of the calibre, in the vessel."""
    marked = np.zeros(graph.ids.shape, bool)
    for junction in graph.junctions:
        half = max(0, round(junction.calibre / 6))
        row, column = (round(value) for value in junction.place)
        marked[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = True
    return marked & (graph.ids > 0)
