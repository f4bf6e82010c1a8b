"""The trap table: what each known mistake of protocol would have reported for the very same predictions.

Each trap needs only sums over pixels, so one photograph's share is computed where its arrays are, and shares are added.
All figures are pooled over the photographs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from retseg.core.types import BoolArray, Classes, UInt8Array, UInt16Array
from retseg.evaluation.figures import json_ready
from retseg.metrics.counts import Counts, count
from retseg.metrics.ranking import LEVELS, ScoreHistogram, score_histogram

RESIZED = 256
"""Side, in pixels, of the square that many published evaluations resize ground truth and prediction to."""

_EIGHT_BITS = 257  # of 65,535 levels each of 255 holds this many


@dataclass(frozen=True, slots=True, eq=False)
class TrapSums:
    """One photograph's share of every trap, or the sum of several (about 3 MB either way).

    `inside` and `outside` count the scores within and beyond the field of view, `resized` those of the 256x256 copies;
    `at_*` are their decisions at the frozen threshold. `own` decides each photograph at the threshold that its own
    ground truth likes best. `dilated` judges the prediction beside the ground truth dilated by one pixel.
    `near_marked` and `near_true` are the marked pixels within one pixel of a true one, and the reverse.
    """

    inside: ScoreHistogram
    outside: ScoreHistogram
    resized: ScoreHistogram
    at_inside: Counts
    at_outside: Counts
    at_resized: Counts
    own: Counts
    dilated: Counts
    near_marked: int
    near_true: int

    def __add__(self, other: TrapSums) -> TrapSums:
        return TrapSums(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))


# --- One photograph ---------------------------------------------------------------------------------------------------


def trap_case(scores: UInt16Array, label: UInt8Array, fov: BoolArray, classes: Classes, threshold: float) -> TrapSums:
    """One photograph's share of the traps.

    Args:
        scores: (H, W) 16-bit scores of the positive class, also beyond the field of view, as they are.
        label: (H, W) class map of the reference observer; pixels of the ignore value count in no trap.
        fov: (H, W) field of view.
        classes: The class table, with a positive class.
        threshold: The frozen one; binarise with `score / 65535 > threshold`.
    """
    if classes.positive is None:
        raise ValueError("the trap table needs a task with a positive class")
    known = label != classes.ignore
    counted = fov & known
    beyond = known & ~fov
    truth = label == classes.positive
    inside = score_histogram(scores[counted], truth[counted])
    # Whatever a label says beyond the field of view, who scores the full frame calls it background.
    outside = score_histogram(scores[beyond], np.zeros(int(beyond.sum()), bool))
    resized = _resized_histogram(scores, truth, counted)
    truth &= counted
    marked = (scores >= _first_above(threshold)) & counted
    fat_truth = grown(truth) & counted
    return TrapSums(
        inside,
        outside,
        resized,
        inside.counts_at(threshold),
        outside.counts_at(threshold),
        resized.counts_at(threshold),
        inside.counts_at(inside.best_dice_threshold()[0]),
        count(marked[counted], fat_truth[counted]),
        int((marked & fat_truth).sum()),
        int((truth & grown(marked)).sum()),
    )


def grown(mask: BoolArray) -> BoolArray:
    """The mask (H, W) with all eight neighbours of its pixels."""
    # Shifted copies take a tenth of the time of a general dilation.
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    tall = wide.copy()
    tall[1:] |= wide[:-1]
    tall[:-1] |= wide[1:]
    return tall


def _first_above(threshold: float) -> int:
    """The lowest 16-bit score whose probability is above the threshold."""
    return int(np.searchsorted(np.arange(LEVELS) / (LEVELS - 1), threshold, side="right"))


def _resized_histogram(scores: UInt16Array, truth: BoolArray, counted: BoolArray) -> ScoreHistogram:
    """The scores of the copies of 256x256 pixels: masks by the nearest pixel, scores bilinearly, without smoothing."""
    height, width = scores.shape
    nearest = np.ix_(_nearest(height), _nearest(width))
    small = counted[nearest]
    return score_histogram(_bilinear(scores)[small], truth[nearest][small])


def _nearest(length: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return ((np.arange(RESIZED) * 2 + 1) * length // (2 * RESIZED)).astype(np.int64)


def _bilinear(scores: UInt16Array) -> UInt16Array:
    (top, bottom, down), (left, right, across) = (_neighbours(length) for length in scores.shape)
    upper = scores[np.ix_(top, left)] * (1 - across) + scores[np.ix_(top, right)] * across
    lower = scores[np.ix_(bottom, left)] * (1 - across) + scores[np.ix_(bottom, right)] * across
    result: UInt16Array = np.rint(upper * (1 - down[:, None]) + lower * down[:, None]).astype(np.uint16)
    return result


def _neighbours(length: int) -> tuple[Any, Any, Any]:
    """The pixels before and after the centre of each of the 256 new ones, and the weight of the latter."""
    at = np.clip((np.arange(RESIZED) + 0.5) * (length / RESIZED) - 0.5, 0, length - 1)
    before = np.floor(at).astype(np.int64)
    return before, np.minimum(before + 1, length - 1), at - before


# --- The table --------------------------------------------------------------------------------------------------------

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Trap:
    """A row to be: its name, what a reader sees, why it is wrong, and what it would have reported."""

    name: str
    title: str
    says: str
    figures: Figures


def trap_table(sums: Sequence[TrapSums], honest: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """One row a trap, JSON-ready: name, title, says (why it is wrong), figures, and honest (the same metrics, rightly).

    `honest` holds the pooled figures of the evaluation; what it lacks is computed from the sums. Undefined figures are
    None. Traps that make no difference here are left out: those beyond the field of view where it fills the whole
    frame, and those of scores and thresholds where the maps are masks.
    """
    if not sums:
        return []
    total = reduce(add, sums)
    right = {**_decisions(total.at_inside), **_rankings(total.inside)}
    right |= {name: value for name, value in honest.items() if value is not None and not math.isnan(value)}
    rows = [*_frame_traps(total), *_truth_traps(total), *_threshold_traps(total, sums), *_average_traps(total)]
    return [
        {
            "name": trap.name,
            "title": trap.title,
            "says": trap.says,
            "figures": json_ready(trap.figures),
            "honest": json_ready({name: right.get(name, math.nan) for name in trap.figures}),
        }
        for trap in rows
    ]


def _decisions(counts: Counts) -> dict[str, float]:
    return {
        "dice": counts.dice(),
        "iou": counts.iou(),
        "accuracy": counts.accuracy(),
        "sensitivity": counts.sensitivity(),
        "specificity": counts.specificity(),
        "precision": counts.precision(),
    }


def _rankings(histogram: ScoreHistogram) -> dict[str, float]:
    """AUC and average precision; nothing for masks, which rank nothing."""
    if _is_of_masks(histogram):
        return {}
    return {"auc": histogram.roc_auc(), "ap": histogram.average_precision()}


def _is_of_masks(histogram: ScoreHistogram) -> bool:
    return not (histogram.pos[1:-1].any() or histogram.neg[1:-1].any())


def _only(figures: Figures, *names: str) -> dict[str, float]:
    return {name: figures[name] for name in names if name in figures}


def _frame_traps(total: TrapSums) -> Iterator[_Trap]:
    everywhere = total.at_inside + total.at_outside
    masks = _is_of_masks(total.inside)
    if total.at_outside.total:
        ranked = {} if masks else _rankings(total.inside + total.outside)
        yield _Trap(
            "full_frame",
            "Count pixels outside the field of view",
            "The black border of the photograph is easy to get right; counting it pads every figure that rewards true "
            "negatives.",
            _only({**ranked, **_decisions(everywhere)}, "auc", "accuracy", "specificity", "dice"),
        )
    yield _Trap(
        "nothing",
        'Predict "no vessel" everywhere',
        "Vessels are few, so an empty answer is mostly right; a high accuracy alone says nothing.",
        _only(_decisions(_nothing(total.at_inside)), "accuracy", "specificity", "sensitivity", "dice"),
    )
    if total.at_outside.total:
        yield _Trap(
            "nothing_full_frame",
            'Predict "no vessel" everywhere, and count the full frame',
            "Both together: without finding a single vessel, the accuracy looks like that of a published method.",
            _only(_decisions(_nothing(everywhere)), "accuracy", "specificity", "sensitivity", "dice"),
        )


def _nothing(counts: Counts) -> Counts:
    """The counts of a prediction that marks no pixel."""
    return Counts(0, 0, counts.tp + counts.fn, counts.tn + counts.fp)


def _truth_traps(total: TrapSums) -> Iterator[_Trap]:
    ranked = {} if _is_of_masks(total.inside) else _rankings(total.resized)
    yield _Trap(
        "resized",
        f"Resize the ground truth to {RESIZED}x{RESIZED}",
        "Thin vessels vanish from the small copy or grow to a whole pixel, so the task that is scored is another one; "
        "figures at different sizes cannot be compared.",
        _only({**ranked, **_decisions(total.at_resized)}, "dice", "auc", "sensitivity", "precision"),
    )
    yield _Trap(
        "dilated",
        "Dilate the ground truth by one pixel",
        "Nobody drew these fatter vessels: false positives along the edges count as right, and a method that draws "
        "vessels too wide is rewarded for it.",
        _only(_decisions(total.dilated), "dice", "precision", "sensitivity"),
    )
    yield _Trap(
        "tolerant",
        "Forgive errors within one pixel of the ground truth",
        "Most errors of any method lie along the edges of vessels, and thin vessels are all edge; forgiving one pixel "
        "on either side forgives nearly everything that tells methods apart.",
        _tolerant(total),
    )


def _tolerant(total: TrapSums) -> Figures:
    at = total.at_inside
    precision = total.near_marked / (at.tp + at.fp) if at.tp + at.fp else math.nan
    sensitivity = total.near_true / (at.tp + at.fn) if at.tp + at.fn else math.nan
    both = precision + sensitivity
    dice = 2 * precision * sensitivity / both if both else 0.0
    return {"dice": dice, "precision": precision, "sensitivity": sensitivity}


def _threshold_traps(total: TrapSums, sums: Sequence[TrapSums]) -> Iterator[_Trap]:
    if _is_of_masks(total.inside):
        return
    yield _Trap(
        "threshold_per_image",
        "Choose the threshold of each photograph with its ground truth",
        "In use there is no ground truth to choose with; every photograph gets the best figure that it could have had.",
        _only(_decisions(total.own), "dice", "iou"),
    )
    best, _ = total.inside.best_dice_threshold()
    yield _Trap(
        "threshold_on_test",
        "Choose one threshold on the test photographs",
        "The test then measures how well it was fitted itself; the threshold must be frozen before the test is opened.",
        _only(_decisions(total.inside.counts_at(best)), "dice", "iou"),
    )
    yield _Trap(
        "eight_bits",
        "Round the scores to 8 bits",
        "Of 65,536 scores 256 remain, and pixels that were told apart become ties; the more confident the scores, the "
        "more this moves AUC and average precision.",
        _rankings(_rounded(total.inside)),
    )


def _rounded(histogram: ScoreHistogram) -> ScoreHistogram:
    """The histogram of the same scores rounded to the nearest of 256 levels."""
    levels = (np.arange(LEVELS) + _EIGHT_BITS // 2) // _EIGHT_BITS * _EIGHT_BITS
    rounded = ScoreHistogram.empty()
    np.add.at(rounded.pos, levels, histogram.pos)
    np.add.at(rounded.neg, levels, histogram.neg)
    return rounded


def _average_traps(total: TrapSums) -> Iterator[_Trap]:
    vessel = total.at_inside
    background = Counts(vessel.tn, vessel.fn, vessel.fp, vessel.tp)
    dice, iou = (vessel.dice(), background.dice()), (vessel.iou(), background.iou())
    yield _Trap(
        "with_background",
        "Average the Dice of the background in",
        "The background is most of the picture and easy; its Dice near 1 lifts the mean by half of what is missing.",
        {"dice": sum(dice) / 2, "iou": sum(iou) / 2},
    )
    if total.at_outside.total:
        yield _Trap(
            "with_outside",
            "Average over the classes, with the outside of the field of view as one",
            "The outside is known from the mask and scores a perfect 1; as one of three classes it lifts every mean, "
            "whatever becomes of the vessels.",
            {"dice": (sum(dice) + 1) / 3, "iou": (sum(iou) + 1) / 3},
        )
