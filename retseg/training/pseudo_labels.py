"""Pseudo-labels: what a net is surest of, as if someone had drawn it; everything else takes part in nothing.

After Lee ("Pseudo-Label", ICML workshop 2013), with the class balance of Zou et al. ("Unsupervised Domain Adaptation
for Semantic Segmentation via Class-Balanced Self-Training", ECCV 2018): the same share of each class's pixels is kept,
since with one limit for all classes the common and easy ones (the background) would crowd out the others (vessels).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import BoolArray, Classes, Float32Array, UInt8Array, UInt16Array
from retseg.metrics.ranking import LEVELS, quantise

Int64Array = NDArray[np.int64]


class Decision(NamedTuple):
    """What a net takes each pixel for: its class (H, W) uint8, and that class's probability (H, W) in 16 bits."""

    classes: UInt8Array
    certainty: UInt16Array


def decide(probabilities: Float32Array, classes: Classes) -> Decision:
    """The most probable class of each pixel, from its probabilities (classes, H, W) in 0..1.

    The threshold of a task with a positive class has no part in it: where it is low, it calls pixels vessels of which
    the net is far from sure. The class "outside" is never taken: where the field of view ends is known.
    """
    scored = list(classes.scored)
    chosen = np.asarray(scored, np.uint8)[probabilities[scored].argmax(0)]
    certainty = np.take_along_axis(probabilities, chosen[None].astype(np.intp), 0)[0]
    return Decision(chosen, quantise(certainty))


def nothing_tallied(classes: Classes) -> Int64Array:
    """The tally of no image."""
    return np.zeros((classes.count, LEVELS), np.int64)


def tally(decision: Decision, fov: BoolArray, classes: Classes) -> Int64Array:
    """Pixels inside the field of view by class and certainty: (classes, 65536). Tallies of images add up."""
    counts = nothing_tallied(classes)
    for index in classes.scored:
        counts[index] = np.bincount(decision.certainty[fov & (decision.classes == index)], minlength=LEVELS)
    return counts


def limits(tallied: Int64Array, share: float) -> Int64Array:
    """The certainty (classes,) from which on pixels are kept: the highest that keeps this share of each class's.

    Pixels as sure as the last one needed are kept, too. For a class without pixels it is past every certainty.
    """
    found = np.full(len(tallied), LEVELS, np.int64)
    for index, counts in enumerate(tallied):
        if total := int(counts.sum()):
            from_the_top = counts[::-1].cumsum()
            found[index] = LEVELS - 1 - int(np.searchsorted(from_the_top, math.ceil(share * total)))
    return found


def pseudo_label(decision: Decision, fov: BoolArray, limit: Int64Array, classes: Classes) -> UInt8Array:
    """The class map (H, W): the decided class where its certainty reaches its limit, else the ignore value.

    Outside the field of view it is the class "outside" where the task has one, else the ignore value.
    """
    sure = decision.certainty >= limit[decision.classes]
    outside = classes.ignore if classes.outside is None else classes.outside
    label: UInt8Array = np.where(sure, decision.classes, np.uint8(classes.ignore))
    return np.where(fov, label, np.uint8(outside))
