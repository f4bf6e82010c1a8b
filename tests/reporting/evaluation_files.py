"""The folder that `retseg evaluate` writes, made here by its description, so that reports are tested by themselves."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import label

from retseg.core.types import CLASS_MAP, INSTANCES, Case, Classes, OperatingPoint
from retseg.imaging.io import read_label, write_png
from retseg.inference.card import Card
from retseg.metrics.confusion import class_counts, confusion_matrix
from retseg.metrics.counts import Counts, count
from retseg.metrics.ranking import ScoreHistogram, quantise
from retseg.reporting.instance_pictures import matched

COUNTED = ("dice", "iou", "accuracy", "sensitivity", "specificity", "precision", "mcc")
SHAPES = ("cldice", "betti0", "betti1", "hd95", "nsd")
METRICS = ("auc", "ap", *COUNTED, *SHAPES, "ece", "ace", "brier")
INSTANCE_METRICS = (
    ("map", "AP 0.50 to 0.95", [0, 1]),
    ("ap50", "AP at 0.50", [0, 1]),
    ("pq", "Panoptic quality", [0, 1]),
    ("aji", "Aggregated Jaccard", [0, 1]),
    ("count-error", "Count error", [0, None]),
)
WIDTH = ("sensitivity", "precision", "dice", "auc")
Figures = dict[str, float]


@dataclass
class Evaluation:
    """What was predicted of a set's test images: probabilities (C, H, W) by the image's id."""

    dataset: str
    system: str
    classes: Classes
    cases: Sequence[Case]
    probabilities: Mapping[str, np.ndarray]
    point: OperatingPoint | None
    card: Card
    all_classes: bool = True
    unseen: tuple[str, ...] = ()
    instances: Path | None = None

    def write(self, out: Path) -> None:
        """Writes metrics.csv, summary.json, curves.json, protocol.json and fov/."""
        scored = [case for case in self.cases if CLASS_MAP in case.targets]
        for case in self.cases:
            write_png(out / "fov" / f"{case.sample.id}.png", case.fov.astype(np.uint8) * 255)
        rows: list[tuple[Any, ...]] = []
        found = self._single(scored, rows) if self.point else self._several(scored, rows)
        patients = len({case.sample.patient for case in scored})
        at = f"vessel where probability > {self.point.threshold}, frozen" if self.point else "each most probable class"
        line = (
            f"{self.dataset}, test: {len(scored)} photographs of {patients} patients; inside the field of view; {at}."
        )
        summary = {
            "system": self.system,
            "dataset": self.dataset,
            "split": "test",
            "n_images": len(scored),
            "n_patients": patients,
            "threshold": self.point.to_json() if self.point else None,
            **found,
            **self._per_class(scored, rows),
            **self._everyday(scored),
            "undefined": dict.fromkeys(SHAPES, "a figure of shape belongs to one photograph"),
            "unlabelled": [case.sample.id for case in self.cases if CLASS_MAP not in case.targets],
            "missing": [],
            "matched": None,
            "warnings": [],
            "fit_overlap": None,
            "protocol": line,
        }
        self._write_rows(out / "metrics.csv", rows)
        protocol = {"line": line, "per_class": "the most probable class", "weights": self.card.to_json()}
        for name, data in (("summary", summary), ("protocol", protocol), ("curves", self._curves(scored))):
            (out / f"{name}.json").write_text(json.dumps(ready(data)), encoding="utf-8")

    def _single(self, scored: Sequence[Case], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        """The figures of a task with a positive class."""
        own, half, humans = [], [], {}
        for case in scored:
            at, histogram = self._judged(case, self.point.threshold), self._histogram(case)
            at_half = self._judged(case, 0.5)
            own.append((at, histogram, figures(at, histogram, shaped=True)))
            half.append((at_half, histogram, figures(at_half, histogram)))
            for name, value in own[-1][2].items():
                decided = name in COUNTED or name in SHAPES
                self._row(rows, case, self.system, name, value, self.point.threshold if decided else None)
            for name in COUNTED:
                self._row(rows, case, self.system, name, half[-1][2][name], 0.5)
            for name, drawn in case.observers.items():
                mark = count((drawn == self.classes.positive)[case.fov], self._truth(case)[case.fov])
                humans.setdefault(name, []).append((mark, None, figures(mark, None, shaped=True)))
                for metric, value in humans[name][-1][2].items():
                    self._row(rows, case, name, metric, value, None, decision="mask")
        return {
            **view(own),
            "intervals": intervals(view(own), scored),
            "at_half": {k: {n: v for n, v in f.items() if n not in SHAPES} for k, f in view(half).items()},
            "observers": {
                name: {"n_images": len(found), **view(found), "intervals": intervals(view(found), scored)}
                for name, found in humans.items()
            },
            **self._further(scored, view(own)),
        }

    def _further(self, scored: Sequence[Case], own: Mapping[str, Any]) -> dict[str, Any]:
        """By width, agreement, density: of the right form, and with figures that tell the entries apart."""
        bands = {
            band: {v: {m: own[v].get(m) and own[v][m] - lost for m in WIDTH} for v in own if v != "per_image_n"}
            | {"share": share}
            for band, lost, share in (("thin", 0.1, 0.25), ("medium", 0.05, 0.5), ("thick", 0.0, 0.25))
        }
        names = list(dict.fromkeys(name for case in scored for name in case.observers))
        pairs = [(a, "first", "observers") for a in names] + [(self.system, b, "system") for b in ("first", *names)]
        return {
            "by_width": bands if scored else {},
            "width_edges": [5, 10],
            "agreement": [{"a": a, "b": b, "kind": k, "n_images": len(scored), **own} for a, b, k in pairs if names],
            "density": [
                {
                    "id": case.sample.id,
                    "patient": case.sample.patient,
                    "system": float((self._positive(case) > self.point.threshold)[case.fov].mean()),
                    "observers": {
                        "first": float(self._truth(case)[case.fov].mean()),
                        **{n: float((d == self.classes.positive)[case.fov].mean()) for n, d in case.observers.items()},
                    },
                }
                for case in scored
            ],
            "traps": None,
        }

    def _several(self, scored: Sequence[Case], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        """The figures of a task without a positive class: means over the classes of the most probable one."""
        own, humans, total = [], {}, 0
        for case in scored:
            decided = {self.system: self.probabilities[case.sample.id].argmax(axis=0), **case.observers}
            for name, drawn in decided.items():
                matrix = self._confusion(case, drawn)
                total = total + matrix if name == self.system else total
                means = self._class_means(matrix)
                (own if name == self.system else humans.setdefault(name, [])).append((None, None, means))
                for metric, value in means.items():
                    decision = "argmax" if name == self.system else "mask"
                    self._row(rows, case, name, metric, value, None, "(mean of classes)", decision)
        observers = {name: {"n_images": len(found), **view(found)} for name, found in humans.items()}
        found = view(own)
        if scored:
            found["pooled"] = self._class_means(total)
        return {**found, "intervals": intervals(found, scored) if scored else None, "observers": observers}

    def _everyday(self, scored: Sequence[Case]) -> dict[str, Any]:
        """What only tasks without a positive class have: the confusion, the classes never seen, the instances."""
        if self.point is not None or not scored:
            return {}
        matrix = sum(self._confusion(case, self.probabilities[case.sample.id].argmax(axis=0)) for case in scored)
        found: dict[str, Any] = {"confusion": {"classes": list(self.classes.names), "matrix": matrix.tolist()}}
        if self.unseen:
            found["unseen"] = list(self.unseen)
        if self.instances is not None:
            found["instances"] = instance_view(scored, self.instances, self.probabilities)
        return found

    def _class_means(self, matrix: np.ndarray) -> Figures:
        """Each metric's mean over the classes that the truth has and the training had; pixel accuracy of all."""
        known = [
            counts
            for name, counts in zip(self.classes.names, class_counts(matrix), strict=True)
            if counts is not None and name not in self.unseen
        ]
        found = {name: float(np.nanmean([getattr(one, name)() for one in known] or [np.nan])) for name in COUNTED}
        return {"ap": found["iou"] / 2 + 0.4, **found, "accuracy": float(matrix.trace() / matrix.sum())}

    def _per_class(self, scored: Sequence[Case], rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        if not scored or not self.all_classes:
            return {"per_class": {}}
        total = 0
        for case in scored:
            matrix = self._confusion(case, self.probabilities[case.sample.id].argmax(axis=0))
            total = total + matrix
            for index, counts in enumerate(class_counts(matrix)):
                for name in COUNTED if counts is not None else ():
                    value = getattr(counts, name)()
                    self._row(rows, case, self.system, name, value, None, self.classes.names[index], "argmax")
        return {
            "per_class": {
                self.classes.names[index]: {n: getattr(counts, n)() for n in COUNTED}
                if counts and self.classes.names[index] not in self.unseen
                else None
                for index, counts in enumerate(class_counts(total))
                if index != self.classes.outside
            }
        }

    def _curves(self, scored: Sequence[Case]) -> dict[str, Any]:
        if self.point is None or not scored:
            return {}
        histogram = sum((self._histogram(case) for case in scored), ScoreHistogram.empty())
        levels = np.linspace(0, 65535, 120).astype(int)
        tp = np.array([histogram.pos[level:].sum() for level in levels], float)
        fp = np.array([histogram.neg[level:].sum() for level in levels], float)
        positives = max(1, histogram.positives)
        recall, precision = tp / positives, tp / np.maximum(tp + fp, 1)
        bins = np.minimum(np.arange(65536) * 15 // 65535, 14)
        every = histogram.pos + histogram.neg
        number = np.bincount(bins, every)
        with np.errstate(invalid="ignore"):
            confidence = np.bincount(bins, every * histogram.level) / number
            observed = np.bincount(bins, histogram.pos) / number
        return {
            "roc": {"fpr": fp / histogram.negatives, "tpr": recall},
            "pr": {"recall": recall, "precision": precision},
            "sweep": {
                "threshold": levels / 65535,
                "dice": 2 * tp / (tp + fp + positives),
                "sensitivity": recall,
                "precision": precision,
            },
            "reliability": {
                "low": np.arange(15) / 15,
                "high": np.arange(1, 16) / 15,
                "confidence": confidence,
                "observed": observed,
                "count": number.astype(int),
            },
            "threshold": self.point.threshold,
        }

    def _positive(self, case: Case) -> np.ndarray:
        return quantise(self.probabilities[case.sample.id][self.classes.positive]) / 65535

    def _truth(self, case: Case) -> np.ndarray:
        return case.targets[CLASS_MAP] == self.classes.positive

    def _judged(self, case: Case, threshold: float) -> Counts:
        return count((self._positive(case) > threshold)[case.fov], self._truth(case)[case.fov])

    def _histogram(self, case: Case) -> ScoreHistogram:
        scores = quantise(self.probabilities[case.sample.id][self.classes.positive])[case.fov]
        truth = self._truth(case)[case.fov]
        return ScoreHistogram(*(np.bincount(scores[part], minlength=65536) for part in (truth, ~truth)))

    def _confusion(self, case: Case, drawn: np.ndarray) -> np.ndarray:
        truth = case.targets[CLASS_MAP][case.fov]
        return confusion_matrix(truth, drawn[case.fov].astype(np.uint8), self.classes.count, self.classes.ignore)

    def _row(
        self,
        rows: list[tuple[Any, ...]],
        case: Case,
        system: str,
        metric: str,
        value: float,
        threshold: float | None,
        class_name: str | None = None,
        decision: str | None = None,
    ) -> None:
        name = class_name or self.classes.names[self.classes.positive]
        how = decision or ("score" if threshold is None else "threshold")
        text = "" if math.isnan(value) else repr(float(value))
        at = "" if threshold is None else repr(threshold)
        rows.append((case.sample.id, case.sample.patient, system, name, metric, text, at, how))

    @staticmethod
    def _write_rows(path: Path, rows: Sequence[tuple[Any, ...]]) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("id", "patient", "system", "class", "metric", "value", "threshold", "decision"))
            writer.writerows(rows)


def figures(counts: Counts, histogram: ScoreHistogram | None, *, shaped: bool = False) -> Figures:
    """All metrics of one decision; those of shapes are stand-ins that only look like themselves."""
    found = {name: math.nan for name in METRICS if shaped or name not in SHAPES}
    found |= {name: getattr(counts, name)() for name in COUNTED}
    if histogram is not None:
        error = (1 - found["dice"]) / 20
        ranking = {"auc": histogram.roc_auc(), "ap": histogram.average_precision()}
        found |= {**ranking, "ece": error, "ace": error / 2, "brier": error * 3}
    if shaped:
        dice = found["dice"]
        found |= {"cldice": dice / 2 + 0.45, "betti0": 90 * (1 - dice), "betti1": 9.0, "hd95": 1 / dice, "nsd": dice}
    return found


def instance_view(scored: Sequence[Case], folder: Path, probabilities: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The figures of instances by the contract: stand-ins that follow from how many are matched."""
    images, shares = [], {"watershed": [], "connected components": []}
    for case in scored:
        truth = case.targets[INSTANCES]
        mask = probabilities[case.sample.id].argmax(axis=0) == 1
        ways = {
            "watershed": read_label(folder / f"{case.sample.id}.png").astype(np.uint16),
            "connected components": label(mask, np.ones((3, 3)))[0].astype(np.uint16),
        }
        counts = {name: len(np.unique(ids[ids > 0])) for name, ids in ways.items()}
        images.append({"id": case.sample.id, "patient": case.sample.patient, "truth": int(truth.max()), **counts})
        for name, ids in ways.items():
            shares[name].append(2 * len(matched(ids, truth)) / (counts[name] + int(truth.max())))
    return {
        "metrics": [
            {"name": n, "title": t, "definition": f"What {t} is.", "higher_is_better": n != "count-error", "range": r}
            for n, t, r in INSTANCE_METRICS
        ],
        "systems": {
            name: {
                "pooled": _of_instances(float(np.mean(values))),
                "per_image_mean": _of_instances(float(np.mean(values)) - 0.01),
                "intervals": {"per_image_mean": {"map": [0.1, 0.9]}},
            }
            for name, values in shares.items()
        },
        "images": images,
    }


def _of_instances(share: float) -> Figures:
    errors = {"count-error": 3 * (1 - share)}
    return {name: share * 0.9 for name, _, _ in INSTANCE_METRICS if name not in errors} | errors


def view(found: Sequence[tuple[Counts | None, ScoreHistogram | None, Figures]]) -> dict[str, Figures]:
    """Pooled figures, means over images, and over how many."""
    if not found:
        empty = dict.fromkeys(METRICS, math.nan)
        return {"pooled": empty, "per_image_mean": empty, "per_image_n": dict.fromkeys(METRICS, 0)}
    columns = {name: [values[name] for *_, values in found] for name in found[0][2]}
    means = {name: float(np.mean(values)) for name, values in columns.items()}
    if found[0][0] is None:
        pooled = means
    else:
        counts = sum((one for one, *_ in found), Counts())
        histograms = [one for _, one, _ in found if one is not None]
        pooled = figures(counts, sum(histograms, ScoreHistogram.empty()) if histograms else None)
        pooled |= {name: math.nan for name in SHAPES if name in means}
    numbers = {name: int(np.isfinite(values).sum()) for name, values in columns.items()}
    return {"pooled": pooled, "per_image_mean": means, "per_image_n": numbers}


def intervals(found: Mapping[str, Figures], cases: Sequence[Case]) -> dict[str, Any]:
    """Intervals of the right form around the figures, 0.02 wide."""
    patients = len({case.sample.patient for case in cases})
    return {
        **{v: {m: [f - 0.01, f + 0.01] for m, f in found[v].items()} for v in ("pooled", "per_image_mean")},
        "n_patients": patients,
        "n_images": len(cases),
        "weak": patients < 6,
        "level": 0.95,
        "resamples": 10_000,
        "seed": 0,
        "method": "percentile bootstrap over patients",
    }


def ready(value: Any) -> Any:
    """The same for JSON: no arrays, and null for NaN and for intervals around it."""
    if isinstance(value, Mapping):
        return {key: ready(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        items = [ready(item) for item in value]
        return None if len(items) == 2 and isinstance(value, list) and items == [None, None] else items
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
