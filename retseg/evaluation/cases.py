"""One photograph's scores: what counts is read from files and reduced to sums and figures that can be put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import InputError
from retseg.core.types import BoolArray, Classes, UInt8Array, UInt16Array
from retseg.evaluation.class_ranking import ClassRanking, rank_classes, read_class_scores
from retseg.evaluation.figures import Figures, shape_figures
from retseg.evaluation.instances import ClassMaps, InstanceFiles, InstanceScore, score_instances
from retseg.evaluation.maps_of_others import MapEncoding, read_scores
from retseg.evaluation.traps import TrapSums, trap_case
from retseg.imaging.io import read_label, write_png
from retseg.imaging.maps import read_class_probabilities
from retseg.metrics.confusion import Int64Array, confusion_matrix
from retseg.metrics.counts import Counts, count
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import LEVELS, ScoreHistogram, score_histogram
from retseg.metrics.shapes import Shapes
from retseg.metrics.width import band_counts, band_histograms

A = TypeVar("A", bound=NDArray[Any])

FIXED_THRESHOLD = 0.5
"""Reported beside the frozen threshold, whatever that is."""


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The files that one photograph's scores are computed from, all on its native grid.

    `label` and `observers` are class maps of the reference and of the further observers. `prediction` is the positive
    class's probability, or the class map where the task has no positive class; `threshold` binarises it.
    `class_probabilities` is None where they were not written, `instances` where the photograph has no id map. Maps of
    others are handed on below `maps` as retseg itself would have written them, so that reports can show them.
    """

    id: str
    patient: str
    reference: str
    label: Path
    fov: Path
    prediction: Path
    threshold: float = FIXED_THRESHOLD
    class_probabilities: Path | None = None
    instances: InstanceFiles | None = None
    observers: Mapping[str, Path] = field(default_factory=dict)
    maps: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What is the same for every photograph. `encoding` says how the grey values of the maps are meant."""

    classes: Classes
    metrics: Sequence[Metric]
    encoding: MapEncoding
    traps: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One mask (or map) beside one truth: sums that can be added over photographs, and figures of shape."""

    counts: Counts
    histogram: ScoreHistogram | None = None
    shapes: Figures = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class CaseScore:
    """Everything about one photograph.

    `system` and `at_half` judge the prediction's positive class at the frozen threshold and at one half (None for a
    task without one). `confusion` counts each pixel's true class (row) and its most probable class (column; None where
    that is not known). `observers` judges each further observer beside the reference; `drawn` does so over all classes
    of a task without a positive one. `agreement` judges the first of a pair of names with the second as the truth; the
    system goes by "". `bands` judges the prediction by vessel width. `density` is the share of the field of view that
    is positive, by name. `binary` says that the map knows only yes and no. `ranking` judges the probabilities of the
    classes of a task without a positive one, `instances` single things. `void` says that not one pixel counted.
    """

    id: str
    patient: str
    threshold: float
    binary: bool = False
    system: Judged | None = None
    at_half: Judged | None = None
    confusion: Int64Array | None = None
    observers: Mapping[str, Judged] = field(default_factory=dict)
    drawn: Mapping[str, Int64Array] = field(default_factory=dict)
    agreement: Mapping[tuple[str, str], Judged] = field(default_factory=dict)
    bands: Mapping[str, Judged] = field(default_factory=dict)
    density: Mapping[str, float] = field(default_factory=dict)
    traps: TrapSums | None = None
    ranking: ClassRanking | None = None
    instances: InstanceScore | None = None
    void: bool = False


SYSTEM = ""
"""What the prediction is called in `CaseScore.agreement` and `.density`, where observers go by their names."""


def score_case(files: CaseFiles, task: Task, fov_out: Path) -> CaseScore:
    """Scores one photograph and writes the field of view that it was scored in to `fov_out`."""
    label = _class_map(files.label)
    fov = _same_size(files.id, "the field of view", read_label(files.fov), label) > 0
    write_png(fov_out, fov)
    drawn = {
        name: _same_size(files.id, "an observer's label", _class_map(path), label)
        for name, path in files.observers.items()
    }
    truths = _Truths(label, fov, fov & (label != task.classes.ignore), drawn)
    if task.classes.positive is None:
        return _score_classes(files, task, truths)
    return _score_positive(files, task, task.classes.positive, truths)


@dataclass(frozen=True, slots=True, eq=False)
class _Truths:
    label: UInt8Array
    fov: BoolArray
    counted: BoolArray
    drawn: Mapping[str, UInt8Array]


def _score_classes(files: CaseFiles, task: Task, truths: _Truths) -> CaseScore:
    """The scores of a task without a positive class."""
    label, counted, classes = truths.label, truths.counted, task.classes
    predicted = _same_size(files.id, "the prediction", _class_map(files.prediction), label)
    drawn = {name: _observed(files.observers[name], label, map_, counted, task) for name, map_ in truths.drawn.items()}
    scores, ranking, instances = None, None, None
    if files.class_probabilities is not None:
        scores = read_class_scores(files.class_probabilities, classes)
        _same_size(files.id, "the classes' probabilities", scores[0], label)
        ranking = rank_classes(scores, label, counted, classes, task.metrics)
    if files.instances is not None:
        of_things = {} if scores is None else {thing: scores[thing] for thing in classes.things}
        instances = score_instances(files.instances, ClassMaps(label, predicted, counted, of_things), classes)
    return CaseScore(
        files.id,
        files.patient,
        files.threshold,
        confusion=_confusion(files.prediction, label[counted], predicted[counted], classes),
        drawn=drawn,
        ranking=ranking,
        instances=instances,
        void=not counted.any(),
    )


def _score_positive(files: CaseFiles, task: Task, positive: int, truths: _Truths) -> CaseScore:
    label, fov, counted = truths.label, truths.fov, truths.counted
    maps = read_scores(files.prediction, label.shape, task.encoding)
    scores = maps.scores
    threshold = FIXED_THRESHOLD if maps.binary else files.threshold
    marked = _above(scores, threshold) & counted
    truth = (label == positive) & counted
    if files.maps is not None:
        write_png(files.maps / "prob" / f"{files.id}.png", scores)
        write_png(files.maps / "mask" / f"{files.id}.png", _above(scores, threshold) & fov)
    shapes = Shapes(marked, truth, fov, counted)
    inside, true_inside = scores[counted], truth[counted]
    histogram = score_histogram(inside, true_inside)
    scored = None if maps.binary else histogram
    judged = Judged(histogram.counts_at(threshold), scored, shape_figures(task.metrics, shapes))
    at_half = judged
    if threshold != FIXED_THRESHOLD:
        half = Shapes(_above(scores, FIXED_THRESHOLD) & counted, truth, fov, counted)
        at_half = Judged(histogram.counts_at(FIXED_THRESHOLD), scored, shape_figures(task.metrics, half))
    confusion = None
    if files.class_probabilities is not None:
        best = _most_probable(files.class_probabilities)
        best = _same_size(files.id, "the classes' probabilities", best, label)
        confusion = _confusion(files.class_probabilities, label[counted], best[counted], task.classes)
    return CaseScore(
        files.id,
        files.patient,
        threshold,
        binary=maps.binary,
        system=judged,
        at_half=at_half,
        confusion=confusion,
        observers={name: _observer(task, map_, positive, truths) for name, map_ in truths.drawn.items()},
        agreement=_agreements(files, task, truths, scores, judged, threshold),
        bands=_bands(shapes, scores, maps.binary),
        density=_densities(files.reference, positive, truths, marked),
        traps=trap_case(scores, label, fov, task.classes, threshold) if task.traps else None,
        instances=_instances_of_positive(files, task, positive, truths, scores, threshold),
        void=not counted.any(),
    )


def _instances_of_positive(
    files: CaseFiles, task: Task, positive: int, truths: _Truths, scores: UInt16Array, threshold: float
) -> InstanceScore | None:
    """The instances of a task whose things are its positive class."""
    if files.instances is None:
        return None
    marked = _above(scores, threshold) & truths.fov
    predicted = np.where(marked, np.uint8(positive), np.uint8(task.classes.ignore))
    maps = ClassMaps(truths.label, predicted, truths.counted, {positive: scores})
    return score_instances(files.instances, maps, task.classes)


def _above(scores: UInt16Array, threshold: float) -> BoolArray:
    """`probability > threshold`, decided on the stored values so that masks and counts always agree."""
    first = int(np.searchsorted(np.arange(LEVELS) / (LEVELS - 1), threshold, side="right"))
    above: BoolArray = scores >= first
    return above


def _observer(task: Task, map_: UInt8Array, positive: int, truths: _Truths) -> Judged:
    """An observer beside the reference, without the pixels that either left open."""
    both = truths.counted & (map_ != task.classes.ignore)
    theirs, truth = (map_ == positive) & both, (truths.label == positive) & both
    return Judged(
        count(theirs[both], truth[both]), None, shape_figures(task.metrics, Shapes(theirs, truth, truths.fov, both))
    )


def _agreements(
    files: CaseFiles, task: Task, truths: _Truths, scores: UInt16Array, judged: Judged, threshold: float
) -> dict[tuple[str, str], Judged]:
    """Every observer beside every other, and the prediction beside each of them; `judged` is it beside the reference.

    Nothing where one observer drew: the agreement is the score itself.
    """
    if not truths.drawn:
        return {}
    positive = task.classes.positive
    maps = {files.reference: truths.label, **truths.drawn}
    settled = {name: truths.fov & (map_ != task.classes.ignore) for name, map_ in maps.items()}
    result: dict[tuple[str, str], Judged] = {}
    for second, truth_map in maps.items():
        for first, map_ in maps.items():
            if first != second:
                both = settled[first] & settled[second]
                result[first, second] = Judged(count(map_[both] == positive, truth_map[both] == positive))
        if second == files.reference:
            result[SYSTEM, second] = judged
        else:
            histogram = score_histogram(scores[settled[second]], truth_map[settled[second]] == positive)
            scored = None if judged.histogram is None else histogram
            result[SYSTEM, second] = Judged(histogram.counts_at(threshold), scored)
    return result


def _bands(shapes: Shapes, scores: UInt16Array, binary: bool) -> dict[str, Judged]:
    histograms = {} if binary else band_histograms(scores, shapes)
    return {name: Judged(counts, histograms.get(name)) for name, counts in band_counts(shapes).items()}


def _densities(reference: str, positive: int, truths: _Truths, marked: BoolArray) -> dict[str, float]:
    area = int(truths.counted.sum())
    masks = {SYSTEM: marked, reference: truths.label == positive}
    masks |= {name: map_ == positive for name, map_ in truths.drawn.items()}
    return {name: int((mask & truths.counted).sum()) / area if area else np.nan for name, mask in masks.items()}


def _most_probable(path: Path) -> UInt8Array:
    best: UInt8Array = read_class_probabilities(path).argmax(axis=0).astype(np.uint8)
    return best


def _observed(path: Path, label: UInt8Array, map_: UInt8Array, counted: BoolArray, task: Task) -> Int64Array:
    """The confusion matrix of an observer's class map against the reference, without what the observer left open."""
    both = counted & (map_ != task.classes.ignore)
    return _confusion(path, label[both], map_[both], task.classes)


def _confusion(path: Path, truth: UInt8Array, predicted: UInt8Array, classes: Classes) -> Int64Array:
    try:
        return confusion_matrix(truth, predicted, classes.count)
    except InputError as error:
        raise InputError(error.what, where=path, fix=f"Write class indices 0 to {classes.count - 1}") from None


def _class_map(path: Path) -> UInt8Array:
    values = read_label(path)
    if values.ndim != 2 or values.dtype != np.uint8:
        raise InputError("a class map is a grey image of class indices in 8 bits", where=path, fix="Write it anew")
    return np.asarray(values, np.uint8)


def _same_size(identifier: str, what: str, values: A, label: UInt8Array) -> A:
    if values.shape != label.shape:
        raise InputError(
            f"{what} of '{identifier}' has {values.shape[1]}x{values.shape[0]} pixels, "
            f"its ground truth {label.shape[1]}x{label.shape[0]}",
            fix="Bring predictions back to the photograph's own size; the ground truth is never resized",
        )
    return values
