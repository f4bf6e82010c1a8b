"""Several systems on the same patients: their figures, and which differences are more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from retseg.core.errors import InputError, listed
from retseg.evaluation.bootstrap import LEVEL, RESAMPLES, interval_of, is_weak
from retseg.evaluation.comparison_tables import PAIR_COLUMNS
from retseg.evaluation.comparison_tables import write_comparison as write_comparison
from retseg.evaluation.figures import mean
from retseg.evaluation.paired import SIGNIFICANT, bootstrap_p, holm, signed_rank_p
from retseg.evaluation.power import patients_needed_from, patients_needed_pooled
from retseg.evaluation.resampling import (
    Draws,
    Float64Array,
    draw_patients,
    finite,
    mean_of_images,
    pooled_figures,
    resampled_means,
    resampled_pooled,
)
from retseg.evaluation.sums import Kind, SystemSums
from retseg.metrics.metric import Metric

POOLED, MEAN = "pooled", "per_image_mean"
VIEWS = (POOLED, MEAN)

P_VALUES = ("p_bootstrap", "p_wilcoxon")


@dataclass(frozen=True, slots=True)
class CompareSystem:
    """One system, or one human observer. `members` holds one evaluation for each seed that it was trained with."""

    name: str
    members: tuple[SystemSums, ...]
    kind: Kind = "system"


def compare_systems(
    systems: Sequence[CompareSystem], metrics: Sequence[Metric], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """The figures of all systems with intervals, and every difference between two of them with its tests.

    All systems are judged on the same draws of patients. A figure of several seeds is the mean over the seeds; the
    interval speaks of patients, `seed_sd` of seeds. A difference of pooled figures is that of the two figures. A
    difference of means is the mean of the differences on the photographs where both systems have a value (the
    difference of the two means wherever nothing is undefined). p-values are corrected by Holm over all pairs of one
    metric and view. Below six patients they are None, and so is `significant`.

    A difference is `significant` if the corrected p of both tests is below 5%. For a pooled difference, too, the
    signed-rank test of the same metric's means a patient must agree, in direction as well: the bootstrap alone calls
    two equal systems different too often with few patients (measured at a nominal 5%: 13% with 6 patients, 9% with 14,
    5% with 30).

    Returns:
        What comparison.json holds.
    """
    ids = _check(systems)
    owners = [ids[name] for name in ids]
    patients = sorted(set(owners))
    draws = draw_patients(patients, resamples, seed) if len(patients) > 1 else None
    measured = [_measure(system, metrics, list(ids), owners, draws) for system in systems]
    names = [metric.name for metric in metrics]
    pairs = [pair for view in VIEWS for name in names for pair in _pairs(measured, view, name, owners, draws)]
    return {
        "n_patients": len(patients),
        "n_images": len(ids),
        "weak": is_weak(len(patients)),
        "resamples": resamples,
        "seed": seed,
        "level": LEVEL,
        "metrics": names,
        "systems": [{"name": s.name, "kind": s.kind, "seeds": len(s.members)} for s in systems],
        "tables": {view: {name: {m.name: m.cell(view, name) for m in measured} for name in names} for view in VIEWS},
        "pairs": _judged(pairs),
        "per_patient": {name: {m.name: _per_patient(m.images[name], owners) for m in measured} for name in names},
    }


@dataclass(frozen=True, slots=True)
class _Measured:
    """A system's figures, one a seed; their means over seeds in each resample; its mean value on each photograph."""

    name: str
    figures: Mapping[str, Mapping[str, Sequence[float]]]
    resampled: Mapping[str, Mapping[str, Float64Array]]
    images: Mapping[str, Float64Array]

    def value(self, view: str, metric: str) -> float:
        return mean(finite(value) for value in self.figures[view][metric])

    def cell(self, view: str, metric: str) -> dict[str, float | None]:
        known = [value for value in self.figures[view][metric] if np.isfinite(value)]
        drawn = self.resampled[view].get(metric)
        low, high = (interval_of(drawn) if drawn is not None else None) or (None, None)
        return {
            "value": _json(self.value(view, metric)),
            "low": low,
            "high": high,
            "seed_sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        }


def _check(systems: Sequence[CompareSystem]) -> dict[str, str]:
    """The patient of each photograph; InputError unless all systems were scored on the same photographs."""
    names = [system.name for system in systems]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two systems are called {listed(twice)}", fix="Give each system a name of its own")
    members = [(system.name, member) for system in systems for member in system.members]
    if not members or any(not system.members for system in systems):
        raise InputError("there is nothing to compare", fix="Give folders that `retseg evaluate` wrote")
    first = _patients(members[0][1])
    for name, member in members[1:]:
        if (other := _patients(member)) != first:
            raise InputError(
                f"'{names[0]}' and '{name}' were not scored on the same photographs of the same patients "
                f"({_difference(names[0], first, name, other)})",
                fix="Score all systems on one prepared set and split, with no prediction missing",
            )
    return {identifier: first[identifier] for identifier in sorted(first)}


def _patients(sums: SystemSums) -> dict[str, str]:
    return {image.id: image.patient for image in sums.images}


def _difference(a: str, of_a: Mapping[str, str], b: str, of_b: Mapping[str, str]) -> str:
    parts = {
        f"not in '{a}'": sorted(of_b.keys() - of_a.keys()),
        f"not in '{b}'": sorted(of_a.keys() - of_b.keys()),
        "of different patients": sorted(i for i in of_a.keys() & of_b.keys() if of_a[i] != of_b[i]),
    }
    return "; ".join(f"{what}: {listed(ids)}" for what, ids in parts.items() if ids)


def _measure(
    system: CompareSystem, metrics: Sequence[Metric], ids: Sequence[str], owners: Sequence[str], draws: Draws | None
) -> _Measured:
    names = [metric.name for metric in metrics]
    values = {name: np.array([_values(member, name, ids) for member in system.members]) for name in names}
    points = {POOLED: [pooled_figures(member, metrics) for member in system.members]}
    points[MEAN] = [mean_of_images(member, metrics) for member in system.members]
    resampled: dict[str, dict[str, Float64Array]] = {POOLED: {}, MEAN: {}}
    if draws is not None:
        pooled = [resampled_pooled(member, metrics, draws) for member in system.members]
        shared = [name for name in names if all(name in figures for figures in pooled)]
        resampled[POOLED] = {name: _over_seeds(np.array([figures[name] for figures in pooled])) for name in shared}
        resampled[MEAN] = {
            name: _over_seeds(np.array([resampled_means(row, owners, draws) for row in values[name]])) for name in names
        }
    return _Measured(
        name=system.name,
        figures={view: {name: [f[name] for f in points[view]] for name in names} for view in VIEWS},
        resampled=resampled,
        images={name: _over_seeds(values[name]) for name in names},
    )


def _values(sums: SystemSums, metric: str, ids: Sequence[str]) -> list[float]:
    values = {image.id: image.values.get(metric, np.nan) for image in sums.images}
    return [finite(values[identifier]) for identifier in ids]


def _over_seeds(values: Float64Array) -> Float64Array:
    """The mean over the first axis without undefined values; NaN where there is none."""
    known = np.isfinite(values)
    totals = np.where(known, values, 0.0).sum(axis=0)
    means = np.full(totals.shape, np.nan)
    np.divide(totals, known.sum(axis=0), out=means, where=known.any(axis=0))
    return means


def _pairs(
    measured: Sequence[_Measured], view: str, metric: str, owners: Sequence[str], draws: Draws | None
) -> list[dict[str, Any]]:
    """Every pair of systems that both have the figure, in the order given, corrected together."""
    compare = _pooled_pair if view == POOLED else _mean_pair
    found = [(a, b, compare(a, b, metric, owners, draws)) for a, b in combinations(measured, 2)]
    pairs = [
        {"a": a.name, "b": b.name, "view": view, "metric": metric, **pair} for a, b, pair in found if pair is not None
    ]
    for test in P_VALUES:
        for pair, corrected in zip(pairs, holm([pair[test] for pair in pairs]), strict=True):
            pair[f"{test}_holm"] = corrected
    return pairs


def _pooled_pair(
    a: _Measured, b: _Measured, metric: str, owners: Sequence[str], _: Draws | None
) -> dict[str, Any] | None:
    difference, n = a.value(POOLED, metric) - b.value(POOLED, metric), len(set(owners))
    if not np.isfinite(difference):
        return None
    of_a, of_b = a.resampled[POOLED].get(metric), b.resampled[POOLED].get(metric)
    if of_a is None or of_b is None:
        return _tested(difference, None, None, n, None)
    drawn = of_a - of_b
    return _tested(difference, drawn, None, n, patients_needed_pooled(difference, drawn, n))


def _mean_pair(
    a: _Measured, b: _Measured, metric: str, owners: Sequence[str], draws: Draws | None
) -> dict[str, Any] | None:
    differences = a.images[metric] - b.images[metric]
    difference = mean(differences.tolist())
    if not np.isfinite(difference):
        return None
    by_patient = np.array([value for value in _of_patients(differences, owners).values() if np.isfinite(value)])
    drawn = resampled_means(differences, owners, draws) if draws is not None else None
    return _tested(difference, drawn, signed_rank_p(by_patient), len(by_patient), patients_needed_from(by_patient))


def _tested(
    difference: float, drawn: Float64Array | None, signed_rank: float | None, patients: int, needed: int | None
) -> dict[str, Any]:
    low, high = (interval_of(drawn) if drawn is not None and patients > 1 else None) or (None, None)
    weak = is_weak(patients)
    return {
        "difference": difference,
        "low": low,
        "high": high,
        "p_bootstrap": None if weak or drawn is None else bootstrap_p(drawn),
        "p_wilcoxon": None if weak else signed_rank,
        "n_patients": patients,
        "patients_needed": needed,
    }


def _judged(pairs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The pairs with their verdicts, keys in the order of the tables."""
    means = {(pair["a"], pair["b"], pair["metric"]): pair for pair in pairs if pair["view"] == MEAN}
    verdicts = [_significant(pair, means.get((pair["a"], pair["b"], pair["metric"]))) for pair in pairs]
    judged = [{**pair, "significant": verdict} for pair, verdict in zip(pairs, verdicts, strict=True)]
    return [{key: pair[key] for key in PAIR_COLUMNS} for pair in judged]


def _significant(pair: Mapping[str, Any], mean_pair: Mapping[str, Any] | None) -> bool | None:
    bootstrap, signed_rank = pair["p_bootstrap_holm"], mean_pair["p_wilcoxon_holm"] if mean_pair else None
    if mean_pair is None or bootstrap is None or signed_rank is None:
        return None
    alike = pair["difference"] * mean_pair["difference"] > 0
    return bool(alike and max(bootstrap, signed_rank) < SIGNIFICANT)


def _of_patients(values: Float64Array, owners: Sequence[str]) -> dict[str, float]:
    """The mean of each patient's photographs that have a value; NaN where none has."""
    return {
        patient: mean(value for value, owner in zip(values.tolist(), owners, strict=True) if owner == patient)
        for patient in sorted(set(owners))
    }


def _per_patient(values: Float64Array, owners: Sequence[str]) -> dict[str, float | None]:
    return {patient: _json(value) for patient, value in _of_patients(values, owners).items()}


def _json(value: float) -> float | None:
    return value if np.isfinite(value) else None
