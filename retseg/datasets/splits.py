"""Splits, always by patient: no patient's eyes are ever on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from retseg.core.errors import ConfigError
from retseg.core.types import Sample

TRAIN = "train"
VALIDATION = "validation"
"""Photographs that their owner set aside for choosing; where a set has none, training patients are set aside."""
TEST = "test"
SPLITS = (TRAIN, VALIDATION, TEST)


def hold_out_patients(patients: Iterable[str], fraction: float, seed: int) -> set[str]:
    """Which patients are held out: `fraction` of them, at least one and never all, chosen by `seed` alone.

    A patient's place in the order comes from a digest of the seed and the patient's name, so the choice is the same
    on every machine, and one more patient changes it little. With fewer than two patients none is held out.
    """
    distinct = sorted(set(patients))
    if fraction <= 0 or len(distinct) < 2:
        return set()
    count = min(max(1, round(fraction * len(distinct))), len(distinct) - 1)
    return set(sorted(distinct, key=lambda patient: (_draw(patient, seed), patient))[:count])


def hold_out_of_each(samples: Iterable[Sample], fraction: float, seed: int) -> set[str]:
    """Which patients of `samples` are held out: as `hold_out_patients`, from each member of a joined set by itself.

    The names that a member's patients have there decide, so the choice is the one made where it is trained on alone.
    """
    members: dict[str | None, dict[str, str]] = {}
    for sample in samples:
        member, patient = sample.origin or (None, sample.patient)
        members.setdefault(member, {})[patient] = sample.patient
    return {names[own] for names in members.values() for own in hold_out_patients(names, fraction, seed)}


def patients_by_origin(samples: Iterable[Sample]) -> dict[str, set[str]]:
    """The patients of a joined set under the datasets that they come from, by their names there."""
    found: dict[str, set[str]] = {}
    for origin in (sample.origin for sample in samples):
        if origin is not None:
            found.setdefault(origin[0], set()).add(origin[1])
    return found


def _draw(patient: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{patient}".encode("utf-8", "surrogatepass")).hexdigest()


def deal_patients(patients: Iterable[str], folds: int, seed: int) -> list[set[str]]:
    """The patients dealt into `folds` sets whose sizes differ by one at most, in an order drawn by `seed` alone."""
    drawn = sorted(set(patients), key=lambda patient: (_draw(patient, seed), patient))
    return [set(drawn[fold::folds]) for fold in range(folds)]


def split_patients(samples: Sequence[Sample], is_test: Callable[[str], bool]) -> list[Sample]:
    """The samples with split "test" for the patients that `is_test` names, "train" for all others."""
    return [replace(sample, split=TEST if is_test(sample.patient) else TRAIN) for sample in samples]


def leave_one_out(samples: Sequence[Sample], fold: int, among: Sequence[str] | None = None) -> list[Sample]:
    """The samples with one patient as the test and all others for training.

    It is the `fold`-th of `among`, which lets a set count its own patients even where some are missing; without it,
    the `fold`-th of the samples' patients in order of name.
    """
    patients = sorted({sample.patient for sample in samples}) if among is None else among
    if fold >= len(patients):
        raise ConfigError(
            f"dataset.fold {fold} does not exist: leaving one of {len(patients)} patients out gives folds "
            f"0 to {len(patients) - 1}",
            fix="Choose one of these",
        )
    return split_patients(samples, lambda patient: patient == patients[fold])


def shared_patients(samples: Iterable[Sample]) -> set[str]:
    """Patients that stand in more than one split; empty for every honest split."""
    splits: dict[str, set[str]] = {}
    for sample in samples:
        splits.setdefault(sample.patient, set()).add(sample.split)
    return {patient for patient, found in splits.items() if len(found) > 1}
