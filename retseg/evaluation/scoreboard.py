"""Puts the scores of one photograph after another together, for one system and the human observers beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from retseg.core.types import Classes
from retseg.evaluation.bootstrap import intervals
from retseg.evaluation.breakdown import AgreementBoard, WidthBoard
from retseg.evaluation.cases import FIXED_THRESHOLD, SYSTEM, CaseScore, Judged
from retseg.evaluation.class_board import MEAN_OF_CLASSES as MEAN_OF_CLASSES
from retseg.evaluation.class_board import ClassBoard
from retseg.evaluation.curves import curves_of
from retseg.evaluation.figures import RANKING, Figures, defined, json_ready, mean_figures, pixel_figures
from retseg.evaluation.sums import ImageSums, SystemSums
from retseg.evaluation.tables import Decision, MetricRow, Place
from retseg.evaluation.traps import TrapSums, trap_table
from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram
from retseg.metrics.width import EDGES

_BINARY = "the maps hold only yes and no, and a decision has no ranking and no probability to judge"
_NO_PROBABILITIES = "the probabilities of all classes are not there (classes/<id>.nii.gz)"
_NO_POSITIVE = "the task has no positive class"


class Scoreboard:
    """The scores of one system, and of the human observers beside it.

    Args:
        classes: The class table of the task.
        metrics: What is reported, in the order of the tables.
        system: Name of what is scored.
        resamples: Draws of patients for the intervals.
        seed: Seed of these draws.
        unseen: Names of classes that the system never met in training.
    """

    def __init__(
        self,
        classes: Classes,
        metrics: Sequence[Metric],
        system: str,
        *,
        resamples: int = 10_000,
        seed: int = 0,
        unseen: Collection[str] = (),
    ) -> None:
        self.classes = classes
        self.metrics = metrics
        self.names = tuple(metric.name for metric in metrics)
        self.system = system
        self.rows: list[MetricRow] = []
        self._resampling = {"resamples": resamples, "seed": seed}
        self.binary = False
        self._thresholds: set[float] = set()
        self._sums: list[ImageSums] = []
        self._at_half: list[ImageSums] = []
        self._widths = WidthBoard(metrics)
        self._agreement = AgreementBoard(metrics)
        self._densities: list[dict[str, Any]] = []
        self._traps: list[TrapSums] = []
        self._histogram = ScoreHistogram.empty()
        self.class_board = ClassBoard(classes, metrics, system, unseen=unseen)
        self.void: list[str] = []
        self._observers: dict[str, list[ImageSums]] = {}
        self._drawn: dict[str, ClassBoard] = {}

    def add(self, score: CaseScore) -> None:
        """Adds one photograph's scores."""
        self._thresholds.add(score.threshold)
        if score.void:
            self.void.append(score.id)
        if score.system is not None:
            self._add_judged(score, score.system)
        for name, judged in score.observers.items():
            self._add_observer(score, name, judged)
        if score.confusion is not None:
            figures = self.class_board.add(score.confusion, score.ranking)
            self.rows += self.class_board.rows((score.id, score.patient), figures, score.confusion, score.ranking)
            if score.system is None:
                self._sums.append(ImageSums(score.id, score.patient, None, None, figures, score.confusion))
        for name, confusion in score.drawn.items():
            board = self._drawn.setdefault(name, ClassBoard(self.classes, self.metrics, name, "mask"))
            figures = board.add(confusion)
            self._observers.setdefault(name, []).append(
                ImageSums(score.id, score.patient, None, None, figures, confusion)
            )
            self.rows += board.rows((score.id, score.patient), figures, confusion)

    def sums(self) -> list[SystemSums]:
        """What the statistics of this system and of the observers rest on, image by image."""
        one = len(self._thresholds) == 1 and self.classes.positive is not None
        threshold = next(iter(self._thresholds)) if one else None
        own = SystemSums(self.system, "system", threshold, self.names, tuple(self._sums))
        if self.classes.positive is None:
            own = replace(own, pooled=self._pooled(), judged=self.class_board.judged)
        return [own, *self._observer_sums().values()]

    def curves(self) -> dict[str, Any]:
        """The content of curves.json."""
        if self.classes.positive is None or self.binary:
            return {}
        return curves_of(self._histogram, self.sums()[0].threshold)

    def summary(self) -> dict[str, Any]:
        """The figures of summary.json, JSON-ready: pooled over all pixels, and means over the photographs."""
        pooled, confusion = self._pooled(), self.class_board.confusion
        result: dict[str, Any] = {
            **self._view(pooled, [image.values for image in self._sums]),
            "intervals": self._intervals(self.sums()[0]),
            "undefined": self._undefined(),
            "observers": {name: self._observer_view(sums) for name, sums in self._observer_sums().items()},
            "per_class": {} if confusion is None else self.class_board.per_class(),
        }
        if self.classes.positive is not None:
            at_half = pixel_figures(self.metrics, _pool(self._at_half), None if self.binary else self._histogram)
            result["at_half"] = self._view(at_half, [image.values for image in self._at_half])
            result["agreement"] = self._agreement.rows(self.system)
            result["by_width"] = self._widths.view()
            result["width_edges"] = list(EDGES)
            result["density"] = self._densities
            result["traps"] = trap_table(self._traps, pooled) if self._traps else None
        if confusion is not None:
            result["confusion"] = {"classes": list(self.classes.names), "matrix": confusion.tolist()}
        return result

    def _add_judged(self, score: CaseScore, judged: Judged) -> None:
        own, half = self._image(score, judged), self._image(score, score.at_half or judged)
        figures = own.values
        self._sums.append(own)
        self._at_half.append(replace(half, histogram=None))
        if judged.histogram is not None:
            self._histogram += judged.histogram
        self._agreement.add(score)
        self._densities.append(_density(score))
        if score.traps is not None:
            self._traps.append(score.traps)
        self.binary |= score.binary
        place, decision = self._place(score, self.system), _decision(score)
        if not score.binary:
            self.rows += place.rows(self._of_kind(figures, "scores"), "score")
        self.rows += place.rows(self._of_kind(figures, "counts", "shapes"), *decision)
        if not score.binary and score.threshold != FIXED_THRESHOLD:
            self.rows += place.rows(self._of_kind(half.values, "counts", "shapes"), "threshold", FIXED_THRESHOLD)
        for band, values in self._widths.add(score).items():
            inner = Place(score.id, score.patient, self.system, f"{place.class_name} ({band})")
            self.rows += inner.rows(values, *decision)

    def _image(self, score: CaseScore, judged: Judged) -> ImageSums:
        figures = pixel_figures(self.metrics, judged.counts, judged.histogram) | judged.shapes
        return ImageSums(score.id, score.patient, judged.counts, judged.histogram, figures)

    def _add_observer(self, score: CaseScore, name: str, judged: Judged) -> None:
        image = self._image(score, judged)
        self._observers.setdefault(name, []).append(image)
        self.rows += self._place(score, name).rows(self._of_kind(image.values, "counts", "shapes"), "mask")

    def _pooled(self) -> Figures:
        if self.classes.positive is None:
            return self.class_board.pooled()
        return pixel_figures(self.metrics, _pool(self._sums), None if self.binary else self._histogram)

    def _observer_sums(self) -> dict[str, SystemSums]:
        sums = {
            name: SystemSums(name, "observer", None, self.names, tuple(images))
            for name, images in self._observers.items()
        }
        drawn = {name: replace(sums[name], pooled=b.pooled(), judged=b.judged) for name, b in self._drawn.items()}
        return {**sums, **drawn}

    def _observer_view(self, sums: SystemSums) -> dict[str, Any]:
        drawn = self._drawn.get(sums.name)
        pooled = drawn.pooled() if drawn else pixel_figures(self.metrics, _pool(sums.images))
        view = self._view(pooled, [image.values for image in sums.images])
        return {"n_images": len(sums.images), **view, "intervals": self._intervals(sums)}

    def _intervals(self, sums: SystemSums) -> dict[str, Any] | None:
        if not sums.images:
            return None
        found = intervals(sums, self.metrics, **self._resampling).to_json(self.classes.subject)
        return {**found, "pooled": {**found["pooled"], **self._shapes_of(found["per_image_mean"])}}

    def _view(self, pooled: Figures, images: Sequence[Mapping[str, float]]) -> dict[str, Mapping[str, Any]]:
        means = json_ready(mean_figures(images, self.names))
        return {
            "pooled": {**json_ready(pooled), **self._shapes_of(means)},
            "per_image_mean": means,
            "per_image_n": defined(images, self.names),
        }

    def _shapes_of(self, means: Mapping[str, Any]) -> dict[str, Any]:
        """Figures of shape belong to one photograph, so their mean stands in the pooled view, too."""
        return {m.name: means[m.name] for m in self.metrics if m.needs == "shapes"}

    def _undefined(self) -> dict[str, str]:
        """Why a figure is not there, by metric."""
        if not self._sums:
            return {}
        if self.classes.positive is None:
            ranking = {} if self.class_board.has_ranking else dict.fromkeys(RANKING, _NO_PROBABILITIES)
            nothing = {m.name: _NO_POSITIVE for m in self.metrics if m.needs != "counts" and m.name not in RANKING}
            return {m.name: reason for m in self.metrics if (reason := (ranking | nothing).get(m.name))}
        return {m.name: _BINARY for m in self.metrics if m.needs == "scores"} if self.binary else {}

    def _place(self, score: CaseScore, system: str) -> Place:
        assert self.classes.positive is not None
        return Place(score.id, score.patient, system, self.classes.names[self.classes.positive])

    def _of_kind(self, figures: Mapping[str, float], *needs: str) -> Figures:
        return {m.name: figures[m.name] for m in self.metrics if m.needs in needs}


def _decision(score: CaseScore) -> tuple[Decision, float | None]:
    return ("mask", None) if score.binary else ("threshold", score.threshold)


def _density(score: CaseScore) -> dict[str, Any]:
    shares = json_ready(score.density)
    own = shares.pop(SYSTEM)
    return {"id": score.id, "patient": score.patient, "system": own, "observers": shares}


def _pool(images: Sequence[ImageSums]) -> Counts:
    return sum((image.counts for image in images if image.counts is not None), Counts())
