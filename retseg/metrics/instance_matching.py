"""Which true and which found instances of one image belong together, and what that leaves to be added over images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray, UInt16Array

LEAST_IOU = 0.5
"""IoU from which on a found instance can be the same thing as a true one."""

_LARGEST_TABLE = 2**20
"""Cells of a table of all pairs of instances up to which counting in it is faster than sorting the pixels."""

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]
Scores = Mapping[int, float] | NDArray[np.floating[Any]]


def _no_numbers() -> Float64Array:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class InstanceSums:
    """All that the metrics of instances need to know of one class in any number of images. `+` pools them.

    `images` is the number of images with a pixel that counts, `truths` that of true instances. `scores` and `overlaps`
    (n,) float64 belong to the n found instances, in no particular order: how sure each of them is, and its IoU with the
    true instance that it was matched to, 0 where that was none. Matching is greedy in order of falling score, as COCO
    does it. The instances of an id map do not share pixels, therefore the pairs matched at 0.5 whose IoU is at
    least t are those matched at t, for every t above 0.5: one number tells all thresholds.
    `intersection` and `union` are the two sums of pixels of the aggregated Jaccard index; `count_difference` is the sum
    over images of |found instances - true instances|.
    """

    images: int = 0
    truths: int = 0
    scores: Float64Array = field(default_factory=_no_numbers)
    overlaps: Float64Array = field(default_factory=_no_numbers)
    intersection: int = 0
    union: int = 0
    count_difference: int = 0

    def __add__(self, other: InstanceSums) -> InstanceSums:
        return InstanceSums(
            self.images + other.images,
            self.truths + other.truths,
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.overlaps, other.overlaps]),
            self.intersection + other.intersection,
            self.union + other.union,
            self.count_difference + other.count_difference,
        )

    @property
    def found(self) -> int:
        """Number of found instances."""
        return len(self.scores)

    @property
    def empty(self) -> bool:
        """Whether there is neither a true nor a found instance."""
        return not self.truths and not self.found


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """The true and found instances of one image, numbered from 0 by their first pixels, and which of them meet.

    `found_ids` (F,) holds the found instances' numbers in the id map, `truth_areas` (T,) and `found_areas` (F,) their
    pixels. For each of the P pairs that share pixels, `truth` and `found` (P,) say which two they are, `shared` (P,)
    how many pixels they share.
    """

    found_ids: Int64Array
    truth_areas: Int64Array
    found_areas: Int64Array
    truth: Int64Array
    found: Int64Array
    shared: Int64Array

    @property
    def union(self) -> Int64Array:
        """Pixels that belong to either instance of each pair (P,)."""
        return self.truth_areas[self.truth] + self.found_areas[self.found] - self.shared

    @property
    def iou(self) -> Float64Array:
        """Intersection over union of each pair (P,), above 0."""
        return self.shared / self.union


def _by_first_pixel(ids: UInt16Array) -> tuple[Int64Array, Int64Array]:
    """The numbers in a list of pixels (n,) by their first pixels, without 0; and each pixel's place among them (n,).

    Places begin at 1; that of a pixel of number 0 is 0.
    """
    first = np.full(int(ids.max(initial=0)) + 1, len(ids), np.int64)
    # Where an index comes more than once the last value stays, so the pixels go in from last to first.
    first[ids[::-1]] = np.arange(len(ids))[::-1]
    numbers = np.argsort(first, kind="stable")[: int((first < len(ids)).sum())]
    numbers = numbers[numbers > 0]
    place = np.zeros(len(first), np.int64)
    place[numbers] = np.arange(1, len(numbers) + 1)
    return numbers, place[ids]


def _pairs(truth: UInt16Array, found: UInt16Array, counted: BoolArray | None) -> _Pairs:
    selected = (truth > 0) | (found > 0)
    if counted is not None:
        selected &= counted
    truth_ids, truth_place = _by_first_pixel(truth[selected])
    found_ids, found_place = _by_first_pixel(found[selected])
    columns = len(found_ids) + 1
    codes = truth_place * columns + found_place
    if (len(truth_ids) + 1) * columns <= _LARGEST_TABLE:
        pixels = np.bincount(codes)
        together = np.flatnonzero(pixels)
        shared = pixels[together]
    else:
        together, shared = np.unique(codes, return_counts=True)
    meet = (together >= columns) & (together % columns > 0)
    return _Pairs(
        found_ids,
        np.bincount(truth_place, minlength=len(truth_ids) + 1)[1:],
        np.bincount(found_place, minlength=columns)[1:],
        together[meet] // columns - 1,
        together[meet] % columns - 1,
        shared[meet],
    )


def _matched(pairs: _Pairs, scores: Float64Array) -> Float64Array:
    """IoU of each found instance with the true one that it is matched to, 0 without one: (F,).

    The surest found instance chooses first among the true ones that are left, and takes that of the highest IoU.
    """
    overlaps, iou = np.zeros(len(pairs.found_areas)), pairs.iou
    free = np.ones(len(pairs.truth_areas), bool)
    good = np.flatnonzero(iou >= LEAST_IOU)
    order = np.lexsort((pairs.truth[good], -iou[good], pairs.found[good], -scores[pairs.found[good]]))
    for pair in good[order]:
        truth, found = pairs.truth[pair], pairs.found[pair]
        if free[truth] and not overlaps[found]:
            overlaps[found], free[truth] = iou[pair], False
    return overlaps


def _aggregated(pairs: _Pairs) -> tuple[int, int]:
    """The two sums of pixels of the aggregated Jaccard index.

    Each true instance is laid upon the found one of the highest IoU, which another may use again; what no true instance
    used is added to the union, and so is a true instance that no found one meets.
    """
    order = np.lexsort((pairs.found, -pairs.shared, -pairs.iou, pairs.truth))
    met, first = np.unique(pairs.truth[order], return_index=True)
    best = order[first]
    missed = np.delete(pairs.truth_areas, met)
    unused = np.delete(pairs.found_areas, pairs.found[best])
    return int(pairs.shared[best].sum()), int(pairs.union[best].sum() + missed.sum() + unused.sum())


def _scores_of(ids: Int64Array, scores: Scores | None) -> Float64Array:
    if scores is None:
        return np.ones(len(ids))
    try:
        chosen = np.array([scores[int(number)] for number in ids], np.float64)
    except (KeyError, IndexError) as error:
        raise ValueError(f"a found instance has no score: {error}") from error
    if np.isnan(chosen).any():
        raise ValueError(f"the score of the found instance {ids[np.isnan(chosen)][0]} is not a number")
    return chosen


def instance_sums(
    truth: UInt16Array,
    found: UInt16Array,
    scores: Scores | None = None,
    counted: BoolArray | None = None,
) -> InstanceSums:
    """What the metrics of instances need to know of one class in one image.

    Args:
        truth: The true instances as an id map (H, W): 0 where there is none. Ids need not be without gaps.
        found: The instances that were found, likewise. Their ids need not be those of the truth.
        scores: How sure each found instance is, any scale, by its id; an array's first entry belongs to 0 and is not
            read. Without scores all are equally sure.
        counted: The pixels that count (H, W); all of them if not given. The others are taken out of both maps, and an
            instance of which nothing is left does not exist.
    """
    for name, array in (("found instances", found), ("counted pixels", counted)):
        if array is not None and array.shape != truth.shape:
            raise ValueError(f"{name} {array.shape} and true instances {truth.shape} differ in shape")
    pairs = _pairs(truth, found, counted)
    of_found = _scores_of(pairs.found_ids, scores)
    intersection, union = _aggregated(pairs)
    truths = len(pairs.truth_areas)
    return InstanceSums(
        images=int(bool(truth.size) if counted is None else counted.any()),
        truths=truths,
        scores=of_found,
        overlaps=_matched(pairs, of_found),
        intersection=intersection,
        union=union,
        count_difference=abs(len(of_found) - truths),
    )
