"""The colours of all classes of a set, and void where a reference that is shown has any."""

from __future__ import annotations

from collections.abc import Sequence

from retseg.core.types import Classes, Sample
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import read_label
from retseg.reporting.case_panels import class_order
from retseg.reporting.class_pictures import VOID
from retseg.reporting.view_models import Swatch


def class_legend(prepared: PreparedSet, shown: Sequence[Sample]) -> tuple[Swatch, ...]:
    """The legend of maps that show all classes at once; empty for a task with a positive class, which has none."""
    classes = prepared.classes
    if classes.positive is not None:
        return ()
    void = (VOID,) if any(has_void(sample, classes) for sample in shown) else ()
    return (*(Swatch(classes.items[i].name, classes.items[i].colour) for i in class_order(classes)), *void)


def has_void(sample: Sample, classes: Classes) -> bool:
    """Whether the reference of an image says nothing about some of its pixels."""
    path = next(iter(sample.labels.values()), None)
    return path is not None and bool((read_label(path) == classes.ignore).any())
