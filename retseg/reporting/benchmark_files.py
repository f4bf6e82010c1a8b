"""What `retseg benchmark` left in benchmark.json, typed. Nothing here is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retseg.core.errors import InputError
from retseg.core.types import Classes
from retseg.reporting.making import classes_of
from retseg.reporting.numbers import mapping_in, number_in
from retseg.reporting.subjects import PATIENT

NOT_A_TEST = "NOT A TEST"

_SETS = "+,"
_OF_SEVERAL = ("iou", "accuracy", "ap")


@dataclass(frozen=True, slots=True)
class BenchmarkCell:
    """One system, trained on one set and tested on one. Without figures, `reason` says why there are none."""

    system: str
    train: str
    test: str
    figures: Mapping[str, Any]
    folds: int | None = None
    seeds: int = 1
    n_patients: int = 0
    n_images: int = 0
    weak: bool = False
    protocol: str = ""
    run: str = ""
    reason: str = ""

    @property
    def same_camera(self) -> bool:
        """Whether the test set's camera is one that the system was trained on."""
        return self.test in split_sets(self.train)

    @property
    def not_a_test(self) -> bool:
        """Whether patients were scored that the system was fitted on."""
        return NOT_A_TEST in self.protocol

    def value(self, metric: str) -> float | None:
        """The pooled figure, or the mean over images of a metric that cannot be pooled."""
        found = mapping_in(self.figures.get(metric))
        pooled = number_in(found.get("pooled"))
        return number_in(found.get("mean")) if pooled is None else pooled


@dataclass(frozen=True, slots=True)
class Benchmark:
    """benchmark.json: the cells, and the order of rows and columns. `classes` is the class table of the test sets."""

    title: str
    systems: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    metrics: tuple[str, ...]
    cells: Mapping[tuple[str, str, str], BenchmarkCell]
    classes: Classes | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Benchmark:
        """Reads what the benchmark wrote; InputError where that is not a benchmark."""
        try:
            cells = [_cell(found) for found in data["cells"]]
            classes = next((known for name in data["test"] if (known := classes_of(str(name))) is not None), None)
            return cls(
                title=str(data.get("title") or "Benchmark"),
                systems=tuple(map(str, data["systems"])),
                train=tuple(map(str, data["train"])),
                test=tuple(map(str, data["test"])),
                metrics=_metrics(tuple(map(str, data["metrics"])), cells, classes),
                cells={(cell.system, cell.train, cell.test): cell for cell in cells},
                classes=classes,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"the benchmark is not as benchmark writes it ({error!r})",
                fix="Run `retseg benchmark` again with --force",
            ) from None

    @property
    def subject(self) -> str:
        """What photographs have in common, in the singular."""
        return PATIENT if self.classes is None else self.classes.subject

    @property
    def several(self) -> bool:
        """Whether the task has several classes and none of them is the positive one."""
        return self.classes is not None and self.classes.positive is None

    @property
    def origin(self) -> str:
        """What differs from set to set, in the singular: eyes are photographed with a few cameras, all else is not."""
        return "camera" if self.subject == PATIENT else "set"

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """(system, training set) of every row that has any cell."""
        known = {(system, train) for system, train, _ in self.cells}
        return tuple((s, t) for s in self.systems for t in self.train if (s, t) in known)

    @property
    def filled(self) -> tuple[BenchmarkCell, ...]:
        """The cells that have figures, in the order of the rows."""
        ordered = [self.cells.get((s, t, test)) for s, t in self.rows for test in self.test]
        return tuple(cell for cell in ordered if cell is not None and cell.figures)


def _metrics(named: tuple[str, ...], cells: Sequence[BenchmarkCell], classes: Classes | None) -> tuple[str, ...]:
    """The metrics of the page; those of several classes where the sets have them, whatever the file names."""
    if classes is None or classes.positive is not None:
        return named
    known = [metric for metric in _OF_SEVERAL if any(cell.value(metric) is not None for cell in cells)]
    return tuple(known) or named


def split_sets(train: str) -> tuple[str, ...]:
    """The sets that a system was trained on together: `one+other` is two."""
    for separator in _SETS:
        train = train.replace(separator, " ")
    return tuple(train.split())


def _cell(data: Mapping[str, Any]) -> BenchmarkCell:
    folds = data.get("folds")
    return BenchmarkCell(
        system=str(data["system"]),
        train=str(data["train"]),
        test=str(data["test"]),
        figures=data.get("figures") or {},
        folds=None if folds is None else int(folds),
        seeds=len(data.get("seeds") or ()) or 1,
        n_patients=int(data.get("n_patients") or 0),
        n_images=int(data.get("n_images") or 0),
        weak=bool(data.get("weak")),
        protocol=str(data.get("protocol") or ""),
        run=str(data.get("run") or ""),
        reason=str(data.get("reason") or ""),
    )
