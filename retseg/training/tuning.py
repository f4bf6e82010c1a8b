"""Tuning a training-free method: every setting of its grid on the training photographs, of which the best is kept."""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retseg.core.errors import ImageError, InputError
from retseg.core.types import CLASS_MAP, Classes, OperatingPoint, Sample
from retseg.datasets.prepared import PreparedSet
from retseg.inference.method_predictor import class_probabilities
from retseg.methods.config import MethodConfig
from retseg.methods.method import Example, Fitted, Method, MethodParameters
from retseg.metrics.confusion import class_counts, confusion_matrix
from retseg.metrics.ranking import LEVELS, ScoreHistogram, quantise, score_histogram

CRITERION = "highest pooled Dice"
SPLIT = "train"
MOST_FOLDS = 5

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting and what it reached: the highest pooled Dice, its threshold, and the area under the ROC curve.

    Without a positive class the Dice is the mean over the classes, and there is no threshold and no area.
    """

    parameters: MethodParameters
    dice: float
    threshold: float | None
    auc: float | None


def settings_to_try(method: Method, config: MethodConfig) -> list[MethodParameters]:
    """Every combination of the grid's values; what the configuration fixes is not searched."""
    free = {name: values for name, values in method.grid.items() if config.search and name not in config.parameters}
    combinations = (dict(zip(free, values, strict=True)) for values in itertools.product(*free.values()))
    return [method.options({**config.parameters, **values}) for values in combinations]


def tuning_samples(prepared: PreparedSet, most: int | None) -> list[Sample]:
    """Labelled photographs of the split "train", at most `most`, evenly chosen; never one of a test patient."""
    tested = {sample.patient for sample in prepared.samples if sample.split != SPLIT}
    labelled = {row.id for row in prepared.rows if row.label is not None}
    found = [s for s in prepared.split(SPLIT) if s.id in labelled and s.patient not in tested]
    if not found:
        raise InputError(
            "the prepared set has no labelled training photographs to tune a method on",
            where=prepared.folder,
            fix="Tune it on another set and give that run with --run",
        )
    if most is None or most >= len(found):
        return found
    return [found[index] for index in np.unique(np.linspace(0, len(found) - 1, most).round().astype(int))]


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """What a method learnt, for each setting: from all patients, and from each part of them (`folds`)."""

    total: Sequence[Fitted]
    parts: Sequence[Sequence[Fitted]]
    folds: Mapping[str, int]

    def without(self, patient: str) -> list[Fitted]:
        """For each setting, what was learnt from the other parts than the patient's; from all if there is one part."""
        if len(self.parts) < 2:
            return list(self.total)
        own = self.parts[self.folds[patient]]
        return [{name: whole[name] - part[name] for name in whole} for whole, part in zip(self.total, own, strict=True)]


def fit(
    method: Method, settings: Sequence[MethodParameters], prepared: PreparedSet, samples: Sequence[Sample]
) -> Fits | None:
    """Lets the method learn from the photographs' labels; None for a method that learns nothing.

    So that a threshold is not fitted on what was learnt from the same patients, they are dealt to up to five parts.
    """
    if method.fit is None:
        return None
    patients = sorted({sample.patient for sample in samples})
    folds = {patient: number % MOST_FOLDS for number, patient in enumerate(patients)}
    parts: list[list[dict[str, NDArray[Any]]]] = [[{} for _ in settings] for _ in range(min(MOST_FOLDS, len(patients)))]
    for sample in samples:
        case = prepared.case(sample)
        example = Example(case.image, case.fov, case.targets[CLASS_MAP])
        for sums, parameters in zip(parts[folds[sample.patient]], settings, strict=True):
            _add(sums, method.fit(example, prepared.classes, parameters))
    total: list[dict[str, NDArray[Any]]] = [{} for _ in settings]
    for part in parts:
        for sums, own in zip(total, part, strict=True):
            _add(sums, own)
    return Fits(total, parts, folds)


def tally(
    method: Method,
    settings: Sequence[MethodParameters],
    fitted: Sequence[Fitted | None],
    prepared: PreparedSet,
    sample: Sample,
) -> Int64Array:
    """What each setting gives on one photograph, to be added over photographs: int64 (settings, bins).

    The bins are the two score histograms of the positive class, or the confusion matrix where there is none. Only
    pixels inside the field of view count, on the native grid.
    """
    case, classes = prepared.case(sample), prepared.classes
    truth = case.targets[CLASS_MAP]
    counted = case.fov & (truth != classes.ignore)
    rows = []
    for parameters, learnt in zip(settings, fitted, strict=True):
        try:
            found = class_probabilities(method, parameters, learnt, classes, case.image, case.fov)
        except ImageError as error:
            raise ImageError(error.what, where=sample.image, fix=error.fix) from None
        if classes.positive is None:
            scored = np.array(classes.scored)
            guess = scored[found[scored][:, counted].argmax(axis=0)].astype(np.uint8)
            rows.append(confusion_matrix(truth[counted], guess, classes.count).ravel())
        else:
            histogram = score_histogram(quantise(found[classes.positive][counted]), truth[counted] == classes.positive)
            rows.append(np.concatenate([histogram.pos, histogram.neg]))
    return np.stack(rows)


def judge(settings: Sequence[MethodParameters], tallies: Int64Array, classes: Classes) -> list[Trial]:
    """What each setting reached, from the sum of the photographs' tallies."""
    return [_judged(parameters, row, classes) for parameters, row in zip(settings, tallies, strict=True)]


def unseen(tally: Int64Array, classes: Classes) -> tuple[str, ...]:
    """Names of the classes that no label contained, by a photographs' tally; only known without a positive class."""
    if classes.positive is not None:
        return ()
    pixels = tally.reshape(classes.count, classes.count).sum(axis=1)
    return tuple(classes.names[index] for index in classes.scored if not pixels[index])


def best(trials: Sequence[Trial]) -> int:
    """The trial with the highest Dice; the first of equals, and the first of all where none is defined."""
    return max(range(len(trials)), key=lambda i: (-1.0 if math.isnan(trials[i].dice) else trials[i].dice, -i))


def operating_point(trial: Trial, dataset: str, samples: Sequence[Sample]) -> OperatingPoint | None:
    """The trial's threshold with the patients that it was fitted on; None without a positive class."""
    if trial.threshold is None:
        return None
    return OperatingPoint(
        threshold=trial.threshold,
        criterion=CRITERION,
        dataset=dataset,
        split=SPLIT,
        patients=tuple(sorted({sample.patient for sample in samples})),
        value=None if math.isnan(trial.dice) else trial.dice,
    )


def tuning_table(trials: Sequence[Trial], kept: int) -> str:
    """tuning.csv: one line a setting, with its parameters, figures, and whether it was kept."""
    names = list(trials[0].parameters.model_dump())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "dice", "auc", "threshold", "kept"])
    for index, trial in enumerate(trials):
        values = trial.parameters.model_dump(mode="json")
        figures = (trial.dice, trial.auc, trial.threshold)
        shown = ["" if v is None or math.isnan(v) else f"{v:.6f}" for v in figures]
        writer.writerow([*(_cell(values[name]) for name in names), *shown, "yes" if index == kept else ""])
    return text.getvalue()


def _judged(parameters: MethodParameters, row: Int64Array, classes: Classes) -> Trial:
    if classes.positive is None:
        found = class_counts(row.reshape(classes.count, classes.count))
        dices = [c.dice() for index, c in enumerate(found) if c is not None and index in classes.scored]
        return Trial(parameters, float(np.mean(dices)) if dices else math.nan, None, None)
    histogram = ScoreHistogram(pos=row[:LEVELS], neg=row[LEVELS:])
    threshold, dice = histogram.best_dice_threshold()
    return Trial(parameters, dice, threshold, histogram.roc_auc())


def _add(sums: dict[str, NDArray[Any]], more: Fitted) -> None:
    for name, values in more.items():
        sums[name] = sums[name] + values if name in sums else values


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, str) else str(value)
