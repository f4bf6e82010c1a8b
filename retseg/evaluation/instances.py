"""Single things: the instances found, and those that connected components would have found, beside the true ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retseg.core.errors import InputError
from retseg.core.types import BoolArray, Classes, UInt8Array, UInt16Array
from retseg.evaluation.bootstrap import RESAMPLES, intervals
from retseg.evaluation.figures import Figures, defined, json_ready, mean, mean_figures
from retseg.evaluation.sums import ImageSums, SystemSums
from retseg.evaluation.tables import MetricRow, Place
from retseg.imaging.io import read_label
from retseg.metrics.instances import InstanceSums, instance_sums
from retseg.metrics.ranking import LEVELS, Float64Array
from retseg.metrics.registry import INSTANCE_METRICS
from retseg.postprocess.registry import separate

FOUND = ""
"""What the prediction's own instances are called among an image's sums."""

PREDICTED = "predicted"
"""What instances are called where nothing says how they were told apart."""

YARDSTICK = "connected components"
"""The other way: everything that hangs together in the very same class map is one instance."""

COMPONENTS = "components"
"""The name of that way among the separations."""

InstanceScore = Mapping[str, Mapping[str, InstanceSums]]
"""One photograph's sums, by way (`FOUND`, `YARDSTICK`) and by the name of the thing."""


@dataclass(frozen=True, slots=True)
class InstanceFiles:
    """The id maps of one photograph; `found` is None where the predictions have none.

    `plain` says that the prediction's own instances are connected components, so that there is no other way.
    """

    truth: Path
    found: Path | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ClassMaps:
    """The class maps that the instances of a photograph lie in.

    `label` and `predicted` (H, W) are the true and the predicted class of each pixel, `counted` (H, W) says which
    pixels count, and `scores` holds the 16-bit scores (H, W) of classes by index, where they are known.
    """

    label: UInt8Array
    predicted: UInt8Array
    counted: BoolArray
    scores: Mapping[int, UInt16Array]


def score_instances(files: InstanceFiles, maps: ClassMaps, classes: Classes) -> InstanceScore:
    """Matches the instances of one photograph, by every way and for every class of things.

    An instance belongs to the class of things that most of its pixels are in. How sure a found instance is follows from
    the mean probability of that class over its pixels; 1 for all where the probabilities are not known.
    """
    truth = _of_things(_id_map(files.truth, maps.label), maps.label, classes)
    if files.found is not None and files.plain:
        ways = {YARDSTICK: _id_map(files.found, maps.label)}
    else:
        ways = {YARDSTICK: separate(maps.predicted, classes, {}, COMPONENTS)}
        if files.found is not None:
            ways = {FOUND: _id_map(files.found, maps.label), **ways}
    result = {}
    for way, ids in ways.items():
        found = _of_things(ids, maps.predicted, classes)
        result[way] = {
            classes.names[thing]: instance_sums(
                truth[thing], found[thing], _mean_scores(found[thing], maps.scores.get(thing)), maps.counted
            )
            for thing in classes.things
        }
    return result


def _id_map(path: Path, label: UInt8Array) -> UInt16Array:
    ids = read_label(path)
    if ids.ndim != 2:
        raise InputError(
            "an id map is a grey image of 16 bits, 0 where there is no thing", where=path, fix="Write it anew"
        )
    if ids.shape != label.shape:
        raise InputError(
            f"the id map has {ids.shape[1]}x{ids.shape[0]} pixels, the ground truth {label.shape[1]}x{label.shape[0]}",
            where=path,
            fix="Bring predictions back to the photograph's own size; the ground truth is never resized",
        )
    return ids.astype(np.uint16, copy=False)


def _of_things(ids: UInt16Array, class_map: UInt8Array, classes: Classes) -> dict[int, UInt16Array]:
    """The id map (H, W) of each class of things: 0 where there is none of it."""
    if len(classes.things) == 1:
        return {classes.things[0]: ids}
    number = int(ids.max(initial=0)) + 1
    pixels = np.stack([np.bincount(ids[class_map == thing], minlength=number) for thing in classes.things])
    # An instance on no pixel of any thing has to be something; it is the first.
    owner = np.array(classes.things)[pixels.argmax(axis=0)]
    return {thing: np.where(owner[ids] == thing, ids, np.uint16(0)) for thing in classes.things}


def _mean_scores(ids: UInt16Array, scores: UInt16Array | None) -> Float64Array | None:
    """The mean probability over each id's pixels, by id; NaN for an id without a pixel."""
    if scores is None:
        return None
    # Sums of whole numbers far below 2**53 are exact in float64, so no order of summation changes them.
    totals, pixels = np.bincount(ids.ravel(), weights=scores.ravel()), np.bincount(ids.ravel())
    means = np.full(len(pixels), np.nan)
    np.divide(totals, pixels * (LEVELS - 1.0), out=means, where=pixels > 0)
    return means


class InstanceBoard:
    """The instances of one photograph after another, by both ways.

    Args:
        classes: The class table of the task.
        system: What the prediction is called in metrics.csv.
        separation: How the prediction told its instances apart: the name of its figures in summary.json.
        unseen: Names of classes that were never seen in training: they enter no figure.
        resamples: Draws of patients for the intervals.
        seed: Seed of these draws.
    """

    def __init__(
        self,
        classes: Classes,
        system: str,
        separation: str,
        *,
        unseen: Collection[str] = (),
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> None:
        self.metrics = [INSTANCE_METRICS.get(name) for name in INSTANCE_METRICS.names()]
        self.rows: list[MetricRow] = []
        self._things = tuple(name for i in classes.things if (name := classes.names[i]) not in unseen)
        self._names = {FOUND: separation, YARDSTICK: YARDSTICK}
        self._systems = {FOUND: system, YARDSTICK: YARDSTICK}
        self._resampling = {"resamples": resamples, "seed": seed}
        self._scores: list[tuple[str, str, InstanceScore]] = []

    def add(self, identifier: str, patient: str, score: InstanceScore) -> None:
        """Adds one photograph."""
        self._scores.append((identifier, patient, score))
        for way, of_things in score.items():
            for thing in self._things:
                place = Place(identifier, patient, self._systems[way], thing)
                self.rows += place.rows(self._figures([of_things[thing]]), "argmax")

    @property
    def systems(self) -> tuple[str, ...]:
        """What the ways are called in summary.json; none where no photograph has true instances."""
        return tuple(self._names[way] for way in self._ways())

    def summary(self) -> dict[str, Any] | None:
        """What summary.json holds of instances, JSON-ready; None where no photograph has true instances."""
        if not self._scores:
            return None
        return {
            "metrics": [
                {
                    "name": metric.name,
                    "title": metric.title,
                    "definition": metric.definition,
                    "higher_is_better": metric.higher_is_better,
                    "range": [limit if math.isfinite(limit) else None for limit in metric.range],
                }
                for metric in self.metrics
            ],
            "systems": {self._names[way]: self._view(way) for way in self._ways()},
            "images": list(self._images()),
        }

    def protocol(self, scored: bool) -> dict[str, Any] | None:
        """How single things were judged, JSON-ready, with a clause for the protocol's line; None where none were.

        Args:
            scored: Whether the probabilities of the things' classes were there.
        """
        if not self._scores:
            return None
        sure = "mean probability of the thing's class over the instance's pixels"
        return {
            "line": f"instances {' and '.join('as predicted' if s == PREDICTED else f'by {s}' for s in self.systems)}",
            "systems": list(self.systems),
            "truth": "the id map of the ground truth; what does not count is taken out of all id maps",
            "class": "the class of things that most of an instance's pixels are in",
            "score": sure if scored else "1 for every instance: the probabilities of all classes are not there",
            "per_image": "means over the things that the photograph's truth contains",
            YARDSTICK: "pixels of one class of things that touch, also at corners, in the very same class map",
        }

    def _ways(self) -> Sequence[str]:
        return list(self._scores[0][2]) if self._scores else []

    def _view(self, way: str) -> dict[str, Any]:
        """Figures over all photographs' instances together, and means over the photographs with their intervals."""
        names = [metric.name for metric in self.metrics]
        pooled = self._figures(
            [sum((s[way][thing] for *_, s in self._scores), InstanceSums()) for thing in self._things]
        )
        images = [
            ImageSums(identifier, patient, None, None, self._figures([score[way][thing] for thing in self._things]))
            for identifier, patient, score in self._scores
        ]
        sums = SystemSums(self._names[way], "system", None, tuple(names), tuple(images))
        values = [image.values for image in images]
        return {
            "pooled": json_ready(pooled),
            "per_image_mean": json_ready(mean_figures(values, names)),
            "per_image_n": defined(values, names),
            "intervals": {
                "per_image_mean": intervals(sums, self.metrics, **self._resampling).to_json()["per_image_mean"]
            },
        }

    def _figures(self, of_things: Sequence[InstanceSums]) -> Figures:
        """Means over the things that the truth contains; NaN where it contains none."""
        there = [sums for sums in of_things if sums.truths]
        return {metric.name: mean(float(metric.function(sums)) for sums in there) for metric in self.metrics}

    def _images(self) -> Iterator[dict[str, Any]]:
        """How many instances each photograph has, in truth and by every way."""
        for identifier, patient, score in self._scores:
            first = next(iter(score.values()))
            found = {self._names[way]: sum(one.found for one in self._of(sums)) for way, sums in score.items()}
            yield {"id": identifier, "patient": patient, "truth": sum(s.truths for s in self._of(first)), **found}

    def _of(self, sums: Mapping[str, InstanceSums]) -> list[InstanceSums]:
        return [sums[thing] for thing in self._things]
