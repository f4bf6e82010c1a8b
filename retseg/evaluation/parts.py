"""What is scored: folders of predictions, the files of each photograph in them, and what is missing or unusable."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from retseg.core.errors import InputError, listed
from retseg.core.types import Classes, OperatingPoint
from retseg.datasets.prepared import IndexRow, PreparedSet
from retseg.evaluation.cases import FIXED_THRESHOLD, CaseFiles
from retseg.evaluation.config import EvaluateConfig
from retseg.evaluation.instances import COMPONENTS, PREDICTED, InstanceFiles
from retseg.evaluation.maps_of_others import OURS, MapEncoding, find_encoding
from retseg.evaluation.matching import Matching, match_maps
from retseg.evaluation.overlap import FitOverlap, fit_overlap
from retseg.evaluation.protocol import patients_of
from retseg.inference.card import Card


@dataclass(frozen=True, slots=True)
class Predictions:
    """A folder of predictions and what is known of where they come from.

    `folder` holds prob/<id>.png (mask/<id>.png for tasks without a positive class) on the native grid, optionally
    classes/<id>.nii.gz and instances/<id>.png; or maps of others under any reasonable name. `point` is the frozen
    threshold with the patients that it was fitted on; None for tasks without a positive class, and where none is known
    (then one half is used). `card` belongs to the weights, if they are known: their patients are not scored. `ids` are
    the photographs that this folder answers for; None for all. `separation` names the way in which the instances, if
    they are there, were told apart.
    """

    folder: Path
    point: OperatingPoint | None = None
    card: Card | None = None
    ids: frozenset[str] | None = None
    separation: str = PREDICTED


@dataclass(frozen=True, slots=True)
class Part:
    """One folder of predictions with its photographs, the threshold in force, and how its files were found."""

    given: Predictions
    rows: tuple[IndexRow, ...]
    point: OperatingPoint | None
    matching: Matching
    overlap: FitOverlap


@dataclass(frozen=True, slots=True)
class Unusable:
    """A photograph whose prediction cannot be scored, and why."""

    id: str
    reason: str


def part_of(prepared: PreparedSet, given: Predictions, rows: Sequence[IndexRow], config: EvaluateConfig) -> Part:
    """What `given` answers for among `rows`: its files, its threshold, and the patients it must not be tested on."""
    mine = tuple(row for row in rows if given.ids is None or row.id in given.ids)
    ids = [row.id for row in mine]
    kind = given.folder / "mask"
    if prepared.classes.positive is None:
        found = {one: path for one in ids if (path := kind / f"{one}.png").is_file()}
        matching = Matching(found, tuple(one for one in ids if one not in found), (), "")
    else:
        matching = match_maps(given.folder, ids)
    point = _threshold_in_force(prepared.classes, given.point, config)
    labelled = patients_of(row for row in mine if row.label is not None)
    origins = {row.patient: (row.origin, str(row.origin_patient)) for row in mine if row.origin is not None}
    overlap = fit_overlap(prepared.name, labelled, point, given.card, prepared.classes.subject, origins)
    return Part(given, mine, point, matching, overlap)


def written_by_us(part: Part) -> bool:
    """Whether all files lie where `retseg predict` puts them."""
    return all(path.parent.is_relative_to(part.given.folder / "prob") for path in part.matching.found.values())


def _threshold_in_force(
    classes: Classes, point: OperatingPoint | None, config: EvaluateConfig
) -> OperatingPoint | None:
    """The threshold asked for, else the operating point's, else one half; None without a positive class."""
    if classes.positive is None:
        return None
    if config.threshold is not None:
        return OperatingPoint(config.threshold, "given by the user", "", "none")
    return point or OperatingPoint(FIXED_THRESHOLD, "fixed, none was fitted", "", "none")


def without_prediction(parts: Sequence[Part], rows: Sequence[IndexRow], config: EvaluateConfig) -> list[Unusable]:
    """The photographs without a prediction; InputError that lists them unless that is allowed."""
    found = {identifier for part in parts for identifier in part.matching.found}
    reasons = {name: reason for part in parts for name, reason in failure_reasons(part.given.folder).items()}
    missing = [row.id for row in rows if row.id not in found]
    labelled = {row.id for row in rows if row.label is not None}
    if missing and (not config.allow_missing or not any(row.id in found for row in rows if row.label is not None)):
        known = next((f"; {name}: {reasons[name].rstrip('.')}" for name in missing if name in reasons), "")
        raise InputError(
            f"{len(missing)} of {len(rows)} predictions are missing ({listed(missing)}){known}",
            where=parts[0].given.folder,
            fix="Give the folder that holds all of them, or score the others with --allow-missing",
        )
    return [Unusable(one, reasons.get(one, "there is no prediction").rstrip(".")) for one in missing if one in labelled]


def refuse_unusable(unusable: Sequence[Unusable], config: EvaluateConfig) -> None:
    """Raises InputError that names them all with their reasons, unless it is allowed to score the others."""
    if unusable and not config.allow_missing:
        what = "; ".join(f"{one.id}: {one.reason.rstrip('.')}" for one in unusable[:3])
        more = f"; and {len(unusable) - 3} more" if len(unusable) > 3 else ""
        raise InputError(
            f"{len(unusable)} prediction(s) cannot be scored: {what}{more}",
            fix="Mend them, or score the others with --allow-missing",
        )


def case_files(prepared: PreparedSet, parts: Sequence[Part], scored: set[str], maps: Path) -> dict[str, CaseFiles]:
    """The files of every photograph that is scored."""
    files = {}
    for part in parts:
        shown = None if prepared.classes.positive is None or written_by_us(part) else maps
        for row in part.rows:
            if row.id in scored and row.id in part.matching.found:
                files[row.id] = _files_of(prepared, row, part, shown)
    # Some photographs with all classes and some without would give figures over a part of the set.
    if not all(case.class_probabilities is not None and case.class_probabilities.is_file() for case in files.values()):
        files = {identifier: replace(case, class_probabilities=None) for identifier, case in files.items()}
    if not all(case.instances.found.is_file() for case in files.values() if case.instances and case.instances.found):
        files = {identifier: _without_found(case) for identifier, case in files.items()}
    return files


def _without_found(case: CaseFiles) -> CaseFiles:
    return case if case.instances is None else replace(case, instances=InstanceFiles(case.instances.truth))


def _files_of(prepared: PreparedSet, row: IndexRow, part: Part, maps: Path | None) -> CaseFiles:
    sample = row.sample(prepared.folder)
    instances = None
    if row.instances is not None and prepared.classes.things:
        found = part.given.folder / "instances" / f"{row.id}.png"
        # Whoever took connected components is his own yardstick.
        plain = part.given.separation == COMPONENTS
        instances = InstanceFiles(prepared.folder / row.instances, found, plain)
    return CaseFiles(
        id=row.id,
        patient=row.patient,
        reference=str(row.reference),
        label=prepared.folder / (row.label or ""),
        fov=prepared.folder / row.fov,
        prediction=part.matching.found[row.id],
        threshold=part.point.threshold if part.point else FIXED_THRESHOLD,
        class_probabilities=part.given.folder / "classes" / f"{row.id}.nii.gz",
        instances=instances,
        observers={name: sample.labels[name] for name in row.observers},
        maps=maps,
    )


def encoding_of(prepared: PreparedSet, parts: Sequence[Part]) -> MapEncoding:
    """How the values of all the folders' maps are meant."""
    if prepared.classes.positive is None:
        return OURS
    found = find_encoding([path for part in parts for path in part.matching.found.values()])
    # What we wrote has one scale, however low its highest score.
    return replace(OURS, binary=found.binary) if all(part.given.card is not None for part in parts) else found


def failure_reasons(predictions: Path) -> dict[str, str]:
    """Why `predict` left photographs out, by their id."""
    path = predictions / "failures.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file) if row.get("id") and row.get("reason")}
