"""What `retseg compare` finds about runs of the tests' world, by the real statistics on sums made here."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from retseg.core.types import CLASS_MAP
from retseg.evaluation.comparison import CompareSystem, compare_systems
from retseg.evaluation.sums import ImageSums, SystemSums
from retseg.imaging.maps import read_probability
from retseg.metrics.counts import count
from retseg.metrics.ranking import ScoreHistogram, quantise
from retseg.metrics.registry import METRICS
from retseg.reporting.compare_page import ComparedSystem
from retseg.reporting.run_files import RunFolders
from tests.reporting.conftest import World

SOME = ("auc", "dice", "iou", "sensitivity", "specificity", "precision", "cldice", "betti0", "ece")


def comparison_of(
    world: World, systems: Mapping[str, Sequence[RunFolders]], metrics: Sequence[str] = SOME
) -> tuple[dict[str, Any], list[ComparedSystem]]:
    """comparison.json of some runs, one or several a system, and of the second observer; and the systems."""
    found = [CompareSystem(name, tuple(_sums(world, run, metrics) for run in runs)) for name, runs in systems.items()]
    if world.observer:
        found.append(CompareSystem("second", (_observer(world, next(iter(systems.values()))[0], metrics),), "observer"))
    data = compare_systems(found, [METRICS.get(name) for name in metrics], resamples=300)
    return data, [ComparedSystem(name, tuple(runs)) for name, runs in systems.items()]


def _sums(world: World, run: RunFolders, metrics: Sequence[str]) -> SystemSums:
    images = []
    for case in world.cases:
        scores = quantise(read_probability(run.predict / "prob" / f"{case.sample.id}.png"))[case.fov]
        truth = (case.targets[CLASS_MAP] == world.classes.positive)[case.fov]
        levels = [np.bincount(scores[where], minlength=65536) for where in (truth, ~truth)]
        counts, histogram = count(scores / 65535 > 0.4375, truth), ScoreHistogram(*levels)
        values = _values(run, case.sample.id, run.name, metrics)
        images.append(ImageSums(case.sample.id, case.sample.patient, counts, histogram, values))
    return SystemSums(run.name, "system", 0.4375, tuple(metrics), tuple(images))


def _observer(world: World, run: RunFolders, metrics: Sequence[str]) -> SystemSums:
    images = []
    for case in world.cases:
        drawn, truth = (
            (m == world.classes.positive)[case.fov] for m in (case.observers["second"], case.targets[CLASS_MAP])
        )
        values = _values(run, case.sample.id, "second", metrics)
        images.append(ImageSums(case.sample.id, case.sample.patient, count(drawn, truth), None, values))
    return SystemSums("second", "observer", None, tuple(metrics), tuple(images))


def _values(run: RunFolders, image: str, system: str, metrics: Sequence[str]) -> dict[str, float]:
    with (run.evaluate / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["id"], r["system"], r["class"]) == (image, system, "vessel")]
    found = {r["metric"]: float(r["value"] or "nan") for r in rows if r["threshold"] != "0.5"}
    return {name: found.get(name, float("nan")) for name in metrics}
