"""Running sums over photographs: by vessel width, and by whom the prediction is set beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.evaluation.cases import SYSTEM, CaseScore, Judged
from retseg.evaluation.figures import Figures, defined, json_ready, mean_figures, pixel_figures
from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram

BY_WIDTH = ("sensitivity", "precision", "dice", "auc")
"""Metrics that make sense for vessels of one width."""


class Tally:
    """Sums over photographs, and each photograph's own figures; no photograph's histogram is kept.

    The pooled figures of scores are undefined as soon as one photograph has none.
    """

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics
        self.counts = Counts()
        self._histogram: ScoreHistogram | None = ScoreHistogram.empty()
        self._images: list[Figures] = []

    def add(self, judged: Judged) -> Figures:
        """Adds one photograph and returns its figures."""
        self.counts += judged.counts
        if judged.histogram is None:
            self._histogram = None
        elif self._histogram is not None:
            self._histogram += judged.histogram
        figures = pixel_figures(self._metrics, judged.counts, judged.histogram)
        self._images.append(figures)
        return figures

    def view(self) -> dict[str, Mapping[str, Any]]:
        """Pooled figures, means over the photographs, and over how many."""
        names = [metric.name for metric in self._metrics]
        return {
            "pooled": json_ready(pixel_figures(self._metrics, self.counts, self._histogram)),
            "per_image_mean": json_ready(mean_figures(self._images, names)),
            "per_image_n": defined(self._images, names),
        }

    def __len__(self) -> int:
        return len(self._images)


class WidthBoard:
    """The scores of thin, medium and thick vessels."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = [metric for metric in metrics if metric.name in BY_WIDTH]
        self._bands: dict[str, Tally] = {}

    def add(self, score: CaseScore) -> dict[str, Figures]:
        """Adds one photograph and returns its figures of a decision by band."""
        result = {}
        for band, judged in score.bands.items():
            figures = self._bands.setdefault(band, Tally(self._metrics)).add(judged)
            result[band] = {m.name: figures[m.name] for m in self._metrics if m.needs == "counts"}
        return result

    def view(self) -> dict[str, Any]:
        """Each band's figures, and its share of all vessel pixels."""
        vessel = {band: tally.counts.tp + tally.counts.fn for band, tally in self._bands.items()}
        total = sum(vessel.values())
        return {
            band: {**tally.view(), "share": vessel[band] / total if total else None}
            for band, tally in self._bands.items()
        }


class AgreementBoard:
    """Each of a pair judged with the other as the truth: the observers among themselves, the system with each."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = [metric for metric in metrics if metric.needs != "shapes"]
        self._pairs: dict[tuple[str, str], Tally] = {}

    def add(self, score: CaseScore) -> None:
        """Adds one photograph."""
        for pair, judged in score.agreement.items():
            self._pairs.setdefault(pair, Tally(self._metrics)).add(judged)

    def rows(self, system: str) -> list[dict[str, Any]]:
        """One entry a pair, observers first."""
        return [
            {
                "a": system if first == SYSTEM else first,
                "b": second,
                "kind": "system" if first == SYSTEM else "observers",
                "n_images": len(tally),
                **tally.view(),
            }
            for (first, second), tally in sorted(self._pairs.items(), key=lambda item: item[0][0] == SYSTEM)
        ]
