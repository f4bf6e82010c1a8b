"""Patients drawn again and again, and what the figures would have been with the patients drawn.

The patient is the unit: both eyes of one patient resemble each other, so to draw photographs would pretend to more
independent evidence than there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from retseg.evaluation.figures import PIXEL_ACCURACY, Figures, mean
from retseg.evaluation.sums import SystemSums
from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram, merge_levels

Int64Array = NDArray[np.int64]
Float64Array = NDArray[np.float64]

MERGED_LEVELS = 4096
"""Distinct scores that resampled histograms keep, for far less work. Measured against all 65,536 on made-up patients
who differ much, no figure moves by 1e-4 (average precision most, by 6e-5; it would be 3e-4 with 1,024 levels). Only the
adaptive calibration error of a dozen tiny images (3,000 pixels each) moved by 1.2e-4."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """`resamples` draws of as many patients as there are, with replacement.

    `times` (different draws, patients) says how often each patient is in a draw; `which` (resamples,) is each
    resample's row of it. Four patients can be drawn in 35 ways only, so most work is done once.
    """

    patients: tuple[str, ...]
    times: Int64Array
    which: Int64Array


def draw_patients(patients: Iterable[str], resamples: int, seed: int) -> Draws:
    """Draws patients; the same names and seed give the same draws on any machine, whatever the names' order."""
    names = tuple(sorted(set(patients)))
    n = len(names)
    drawn = np.random.Generator(np.random.PCG64(seed)).integers(n, size=(resamples, n))
    cells = drawn + n * np.arange(resamples)[:, None]
    times = np.bincount(cells.ravel(), minlength=resamples * n).reshape(resamples, n)
    different, which = np.unique(times, axis=0, return_inverse=True)
    return Draws(names, different.astype(np.int64), which.reshape(-1))


def pooled_figures(sums: SystemSums, metrics: Sequence[Metric]) -> Figures:
    """Each metric of the sums over all photographs, exactly; NaN where it cannot be pooled."""
    figures = {metric.name: sums.pooled.get(metric.name, np.nan) for metric in metrics}
    counts, histogram = _total([i.counts for i in sums.images]), None
    if any(metric.needs == "scores" for metric in metrics):
        histogram = _total([i.histogram for i in sums.images])
    for metric in metrics:
        total = {"counts": counts, "scores": histogram}.get(metric.needs)
        if total is not None:
            figures[metric.name] = float(metric.function(total))
    return figures


def mean_of_images(sums: SystemSums, metrics: Sequence[Metric]) -> Figures:
    """The mean of each metric over the photographs for which it is defined."""
    return {m.name: mean(finite(image.values.get(m.name, np.nan)) for image in sums.images) for m in metrics}


def finite(value: float) -> float:
    """The value, with NaN for an infinite one: neither can enter a mean."""
    return value if np.isfinite(value) else np.nan


def resampled_pooled(sums: SystemSums, metrics: Sequence[Metric], draws: Draws) -> dict[str, Float64Array]:
    """Each metric pooled over the patients of each resample: float64 (resamples,); absent where it cannot be pooled."""
    of_counts = [metric for metric in metrics if metric.needs == "counts"]
    of_scores = [metric for metric in metrics if metric.needs == "scores"]
    result: dict[str, Float64Array] = {}
    if of_counts and sums.images and all(image.confusion is not None for image in sums.images):
        return _resampled_classes(sums, of_counts, draws)
    if of_counts and all(image.counts is not None for image in sums.images):
        result |= _evaluate(of_counts, _resampled_counts(sums, draws), draws)
    if of_scores and all(image.histogram is not None for image in sums.images):
        result |= _resampled_scores(sums, of_scores, draws)
    return result


def resampled_means(values: Float64Array, patients: Sequence[str], draws: Draws) -> Float64Array:
    """The mean of per-image values (images,) over the photographs of the patients of each resample.

    Undefined values are left out, as everywhere; a resample without a defined one is NaN.
    """
    place = {name: number for number, name in enumerate(draws.patients)}
    owner = np.array([place[name] for name in patients], np.intp)
    known = np.isfinite(values)
    n = len(draws.patients)
    sums = np.bincount(owner[known], weights=values[known], minlength=n)
    numbers = draws.times @ np.bincount(owner[known], minlength=n)
    # Not BLAS: its order of summation, and so the last digit, depends on the machine.
    totals = (draws.times * sums).sum(axis=1)
    means = np.full(len(totals), np.nan)
    np.divide(totals, numbers, out=means, where=numbers > 0)
    return means[draws.which]


def _total(parts: Sequence[Counts | None] | Sequence[ScoreHistogram | None]) -> Counts | ScoreHistogram | None:
    if not parts or any(part is None for part in parts):
        return None
    return reduce(add, parts)


def _evaluate(
    metrics: Sequence[Metric], totals: Iterator[Counts] | Iterator[ScoreHistogram], draws: Draws
) -> dict[str, Float64Array]:
    values = np.empty((len(metrics), len(draws.times)))
    for number, total in enumerate(totals):
        for row, metric in enumerate(metrics):
            values[row, number] = metric.function(total)
    return {metric.name: values[row, draws.which] for row, metric in enumerate(metrics)}


def _resampled_counts(sums: SystemSums, draws: Draws) -> Iterator[Counts]:
    table = np.zeros((len(draws.patients), 4), np.int64)
    for image in sums.images:
        if image.counts is not None:
            c = image.counts
            table[draws.patients.index(image.patient)] += (c.tp, c.fp, c.fn, c.tn)
    for four in (draws.times @ table).tolist():
        yield Counts(*four)


def _resampled_classes(sums: SystemSums, metrics: Sequence[Metric], draws: Draws) -> dict[str, Float64Array]:
    """Means over the judged classes that the truth of the patients drawn contains, and their pixel accuracy."""
    matrices = [image.confusion for image in sums.images if image.confusion is not None]
    # float64 for the speed of BLAS: numbers of pixels are whole and far below 2**53, so every sum is exact.
    by_patient = np.zeros((len(draws.patients), *matrices[0].shape), np.float64)
    np.add.at(by_patient, [draws.patients.index(image.patient) for image in sums.images], np.array(matrices))
    drawn = np.tensordot(draws.times.astype(np.float64), by_patient, axes=1).astype(np.int64)
    tp = np.diagonal(drawn, axis1=1, axis2=2)
    truths, found, total = drawn.sum(axis=2), drawn.sum(axis=1), drawn.sum(axis=(1, 2))
    four = np.stack([tp, found - tp, truths - tp, total[:, None] - truths - found + tp], axis=2)
    values = np.full((len(metrics), len(drawn)), np.nan)
    for number, each in enumerate(four[:, list(sums.judged)].tolist()):
        counts = [Counts(*one) for one in each if one[0] + one[2]]
        for row, metric in enumerate(metrics):
            values[row, number] = mean(float(metric.function(one)) for one in counts)
    result = {metric.name: values[row] for row, metric in enumerate(metrics)}
    if PIXEL_ACCURACY in result:
        np.divide(tp.sum(axis=1), total, out=result[PIXEL_ACCURACY], where=total > 0)
    return {name: of_draws[draws.which] for name, of_draws in result.items()}


def _resampled_scores(sums: SystemSums, metrics: Sequence[Metric], draws: Draws) -> dict[str, Float64Array]:
    by_patient = {name: ScoreHistogram.empty() for name in draws.patients}
    for image in sums.images:
        if image.histogram is not None:
            by_patient[image.patient] += image.histogram
    merged = merge_levels(list(by_patient.values()), MERGED_LEVELS)
    exact, short = reduce(add, by_patient.values()), reduce(add, merged)
    result = _evaluate(metrics, _drawn_histograms(merged, draws), draws)
    for metric in metrics:
        # Merging lowers the average precision, by nearly as much in every draw as in the whole sample, where both
        # figures are known. The shift takes that out.
        shift = metric.function(exact) - metric.function(short)
        if np.isfinite(shift):
            result[metric.name] = np.clip(result[metric.name] + shift, *metric.range)
    return result


def _drawn_histograms(merged: Sequence[ScoreHistogram], draws: Draws) -> Iterator[ScoreHistogram]:
    level = merged[0].level
    # float64 for the speed of BLAS: numbers of pixels are whole and far below 2**53, so every sum is exact.
    pos, neg = (np.array([getattr(h, side) for h in merged], np.float64) for side in ("pos", "neg"))
    for start in range(0, len(draws.times), _AT_ONCE):
        times = draws.times[start : start + _AT_ONCE].astype(np.float64)
        drawn = ((times @ side).astype(np.int64) for side in (pos, neg))
        for row_pos, row_neg in zip(*drawn, strict=True):
            yield ScoreHistogram(row_pos, row_neg, level)
