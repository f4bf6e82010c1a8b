"""What evaluate and predict left about instances: the figures of summary.json, and the id maps. Nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retseg.core.types import UInt16Array
from retseg.imaging.io import read_label
from retseg.reporting.numbers import Interval, Scores, intervals_in, mapping_in, number_in, scores_in
from retseg.reporting.run_files import RunRecord

YARDSTICK = "connected components"
"""What every way of telling instances apart is measured against: whatever hangs together is one."""

PREDICTED = "predicted"


@dataclass(frozen=True, slots=True)
class InstanceMetric:
    """A metric of instances as evaluate describes it."""

    name: str
    title: str
    definition: str
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class InstanceView:
    """The figures of one way of telling instances apart; the intervals are those of the means over images."""

    pooled: Scores = field(default_factory=dict)
    means: Scores = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceCounts:
    """How many instances one image has, and how many each way finds."""

    id: str
    truth: int
    found: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class InstanceFigures:
    """All of a run's figures of instances; `ways` is in the order of the file, the run's own first."""

    metrics: tuple[InstanceMetric, ...]
    ways: Mapping[str, InstanceView]
    images: tuple[InstanceCounts, ...]

    @property
    def first(self) -> str:
        """What the run itself predicted."""
        return next(iter(self.ways))


def instance_figures(record: RunRecord) -> InstanceFigures | None:
    """The figures of instances, or None where the task has none and in files of older versions."""
    found = mapping_in(record.summary.get("instances"))
    ways = {str(name): _view(mapping_in(view)) for name, view in mapping_in(found.get("systems")).items()}
    if not ways:
        return None
    metrics = tuple(_metric(one) for one in found.get("metrics") or () if isinstance(one, Mapping))
    images = tuple(_counts(one, ways) for one in found.get("images") or () if isinstance(one, Mapping))
    return InstanceFigures(metrics, ways, images)


def first_way(record: RunRecord) -> str:
    """How the run told instances apart, in words."""
    found = instance_figures(record)
    return PREDICTED if found is None else found.first


def found_instances(record: RunRecord, image: str) -> UInt16Array | None:
    """The id map (H, W) that the run predicted, or None where there is none."""
    path = record.folders.predict / "instances" / f"{image}.png"
    return read_label(path).astype(np.uint16) if path.is_file() else None


def _metric(data: Mapping[str, Any]) -> InstanceMetric:
    name = str(data.get("name") or "")
    ends = data.get("range")
    low, high = ends if isinstance(ends, list | tuple) and len(ends) == 2 else (0.0, 1.0)
    return InstanceMetric(
        name,
        str(data.get("title") or name),
        str(data.get("definition") or ""),
        bool(data.get("higher_is_better", True)),
        (float(low or 0.0), float("inf") if high is None else float(high)),
    )


def _view(data: Mapping[str, Any]) -> InstanceView:
    intervals = intervals_in(mapping_in(data.get("intervals")).get("per_image_mean"))
    return InstanceView(scores_in(data.get("pooled")), scores_in(data.get("per_image_mean")), intervals)


def _counts(data: Mapping[str, Any], ways: Mapping[str, Any]) -> InstanceCounts:
    found = {name: int(value) for name in ways if (value := number_in(data.get(name))) is not None}
    return InstanceCounts(str(data.get("id") or ""), int(number_in(data.get("truth")) or 0), found)
