"""What `retseg compare` left in comparison.json, typed, and the systems that it is about. Nothing here is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from retseg.core.errors import InputError
from retseg.core.types import Classes
from retseg.reporting.metric_headings import heading, inline
from retseg.reporting.numbers import number_in
from retseg.reporting.run_files import RunFolders, RunRecord, read_run

POOLED, MEAN = "pooled", "per_image_mean"
VIEWS = (POOLED, MEAN)
FEWEST_PATIENTS = 6
"""Below this number of patients no significance test is made."""

_ESTIMATE = ("value", "low", "high", "seed_sd")
_FIX = "Run `retseg compare` again with --force"


@dataclass(frozen=True, slots=True)
class ComparedSystem:
    """A system by name, with the folders of its runs: several runs are several seeds of one and the same system."""

    name: str
    runs: tuple[RunFolders, ...]


@dataclass(frozen=True, slots=True)
class SystemRecords:
    """A compared system with what its runs left on disk."""

    name: str
    records: tuple[RunRecord, ...]

    @property
    def first(self) -> RunRecord:
        """The run that stands for the system where only one can be shown."""
        return self.records[0]

    @property
    def shown(self) -> RunRecord:
        """The first run, under the system's name."""
        return replace(self.first, folders=replace(self.first.folders, name=self.name))


@dataclass(frozen=True, slots=True)
class Entrant:
    """A column of the comparison: a system with its number of seeds, or a human observer."""

    name: str
    kind: Literal["system", "observer"]
    seeds: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval, and its standard deviation over seeds; None where undefined or not there."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    seed_sd: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One difference, a minus b. The p values and `significant` are None where no test was made."""

    a: str
    b: str
    view: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    p_bootstrap: float | None
    p_wilcoxon: float | None
    p_bootstrap_holm: float | None
    p_wilcoxon_holm: float | None
    n_patients: int
    significant: bool | None
    patients_needed: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """comparison.json. `per_patient` is metric -> system -> patient -> value; `classes` is the set's class table."""

    n_patients: int
    n_images: int
    resamples: int
    level: float
    metrics: tuple[str, ...]
    entrants: tuple[Entrant, ...]
    estimates: Mapping[tuple[str, str, str], Estimate]
    pairs: tuple[Pair, ...]
    per_patient: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    classes: Classes | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any], classes: Classes | None = None) -> Comparison:
        """Reads what the comparison wrote; InputError where that is not a comparison."""
        try:
            return cls(
                n_patients=int(data["n_patients"]),
                n_images=int(data["n_images"]),
                resamples=int(data["resamples"]),
                level=float(data.get("level", 0.95)),
                metrics=tuple(map(str, data["metrics"])),
                entrants=tuple(Entrant(s["name"], s["kind"], int(s.get("seeds") or 1)) for s in data["systems"]),
                estimates={
                    (view, metric, name): Estimate(*(number_in(found.get(key)) for key in _ESTIMATE))
                    for view, table in data["tables"].items()
                    for metric, systems in table.items()
                    for name, found in systems.items()
                },
                pairs=tuple(map(_pair, data["pairs"])),
                per_patient={
                    metric: {s: {str(p): number_in(v) for p, v in values.items()} for s, values in systems.items()}
                    for metric, systems in data["per_patient"].items()
                },
                classes=classes,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the comparison is not as compare writes it ({error!r})", fix=_FIX) from None

    @property
    def weak(self) -> bool:
        """Whether there are too few patients for a significance test."""
        return self.n_patients < FEWEST_PATIENTS

    @property
    def subject(self) -> str:
        """What photographs have in common, in the singular."""
        return "patient" if self.classes is None else self.classes.subject

    @property
    def several(self) -> bool:
        """Whether the task has several classes and none of them is the positive one."""
        return self.classes is not None and self.classes.positive is None

    @property
    def measures(self) -> tuple[str, ...]:
        """The metrics that a reader hears of first, as far as they were computed."""
        first = ("iou", "accuracy", "ap") if self.several else ("dice", "cldice", "auc")
        return tuple(metric for metric in first if metric in self.metrics)

    @property
    def told(self) -> tuple[str, ...]:
        """The metrics that tables show: of several classes only those with any figure, since most have none."""
        if not self.several:
            return self.metrics
        known = {metric for (_, metric, _), found in self.estimates.items() if found.value is not None}
        return tuple(metric for metric in self.metrics if metric in known)

    def heading(self, metric: str) -> str:
        """A metric's column heading."""
        return heading(metric, self.several)

    def inline(self, metric: str) -> str:
        """A metric's heading inside a sentence."""
        return inline(metric, self.several)

    @property
    def systems(self) -> tuple[Entrant, ...]:
        """The entrants that are no human observers."""
        return tuple(entrant for entrant in self.entrants if entrant.kind == "system")

    @property
    def observers(self) -> tuple[Entrant, ...]:
        """The human observers."""
        return tuple(entrant for entrant in self.entrants if entrant.kind == "observer")

    def estimate(self, view: str, metric: str, name: str) -> Estimate:
        """One figure; an empty one where the comparison has none."""
        return self.estimates.get((view, metric, name), Estimate())

    def values(self, view: str, metric: str, entrants: Sequence[Entrant]) -> dict[str, float]:
        """The defined figures of some entrants by name."""
        found = {entrant.name: self.estimate(view, metric, entrant.name).value for entrant in entrants}
        return {name: value for name, value in found.items() if value is not None}

    def view_of(self, metric: str) -> str:
        """The view that a metric is spoken of in: pooled where it can be pooled, else the mean over images."""
        return POOLED if self.values(POOLED, metric, self.systems) else MEAN


def read_systems(systems: Sequence[ComparedSystem], comparison: Comparison) -> tuple[SystemRecords, ...]:
    """What the runs of each system left on disk, each run under the name that readers see."""
    known = {entrant.name for entrant in comparison.systems}
    if unknown := [system.name for system in systems if system.name not in known]:
        raise InputError(f"the comparison knows no system called {', '.join(unknown)}", fix=_FIX)
    if empty := [system.name for system in systems if not system.runs]:
        raise InputError(f"no run was given for {', '.join(empty)}", fix="Name a run that has been evaluated")
    return tuple(SystemRecords(system.name, tuple(_records(system, comparison.classes))) for system in systems)


def _records(system: ComparedSystem, classes: Classes | None) -> list[RunRecord]:
    several = len(system.runs) > 1
    records = []
    for seed, folders in enumerate(system.runs, start=1):
        record = read_run(folders, classes)
        # metrics.csv names the run as evaluate did, so that name must outlive the one that readers see.
        summary = {"system": record.system, **record.summary}
        name = f"{system.name}, seed {seed} of {len(system.runs)}" if several else system.name
        records.append(replace(record, summary=summary, folders=replace(folders, name=name)))
    return records


def _pair(data: Mapping[str, Any]) -> Pair:
    needed, significant = data.get("patients_needed"), data.get("significant")
    return Pair(
        a=str(data["a"]),
        b=str(data["b"]),
        view=str(data["view"]),
        metric=str(data["metric"]),
        difference=number_in(data["difference"]),
        low=number_in(data.get("low")),
        high=number_in(data.get("high")),
        p_bootstrap=number_in(data.get("p_bootstrap")),
        p_wilcoxon=number_in(data.get("p_wilcoxon")),
        p_bootstrap_holm=number_in(data.get("p_bootstrap_holm")),
        p_wilcoxon_holm=number_in(data.get("p_wilcoxon_holm")),
        n_patients=int(data["n_patients"]),
        significant=None if significant is None else bool(significant),
        patients_needed=None if needed is None else int(needed),
    )
