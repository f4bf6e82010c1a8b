"""How a run was made: what its manifests and the card of its weights say of data, configuration and circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retseg.core.errors import RetsegError
from retseg.core.manifest import Manifest
from retseg.core.types import Classes
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.registry import DATASETS
from retseg.reporting.run_files import History, RunRecord
from retseg.reporting.subjects import images_of

TRAIN, VALIDATION = "train", "validation"


def dataset_title(prepared: PreparedSet) -> str:
    """The name of the prepared set's dataset as people write it."""
    return title_of(prepared.name)


def title_of(dataset: str) -> str:
    """A dataset's name as people write it; its name in the files where its plugin is not installed."""
    try:
        return DATASETS.get(dataset).title
    except RetsegError:
        return dataset


def classes_of(dataset: str) -> Classes | None:
    """A dataset's class table, or None where its plugin is not installed."""
    try:
        # A set whose folder says what its classes are has none before it is read.
        return getattr(DATASETS.get(dataset), "classes", None)
    except RetsegError:
        return None


def dataset_credit(prepared: PreparedSet) -> str | None:
    """Whose photographs these are and on what terms, or None where nobody else is to be credited."""
    owners = dict.fromkeys(row.origin or prepared.name for row in prepared.rows)
    return " ".join(credit for credit in map(_credit, owners) if credit) or None


def architecture(record: RunRecord) -> str | None:
    """The name of the run's architecture."""
    name = setting(record, "model", "arch") or record.card.get("arch")
    return None if name is None else str(name)


def recipe(record: RunRecord) -> str | None:
    """The name of the run's recipe."""
    name = setting(record, "recipe") or record.card.get("recipe")
    return None if name is None else str(name)


def loss_name(record: RunRecord) -> str | None:
    """The name of the loss that the run was trained with."""
    name = setting(record, "loss", "name")
    return None if name is None else str(name)


def seen_patients(record: RunRecord, prepared: PreparedSet) -> frozenset[str]:
    """The patients of the prepared set that had a part in the training: weights, epoch or threshold."""
    used = (*_patients(record, TRAIN), *_patients(record, VALIDATION)) if source_set(record) == prepared.name else ()
    point = record.operating_point
    fitted = point.patients if point is not None and point.dataset == prepared.name else ()
    return frozenset((*used, *fitted))


def trained_on(record: RunRecord) -> str | None:
    """In words, all photographs that had a part in the training; None where that is not recorded."""
    source = source_set(record)
    if source is None:
        return None
    seen = photographs_of(record, TRAIN, VALIDATION)
    return f"{seen} from {title_of(source)}" if seen else title_of(source)


def kept_epoch(record: RunRecord) -> int | None:
    """The epoch whose weights were kept, or None where that is not recorded."""
    epoch = record.card.get("epoch") or fact(record, "epoch")
    return None if epoch is None else int(epoch)


def epochs_of(history: History) -> tuple[float, ...]:
    """The epochs' numbers, as history.csv has them."""
    return history.columns.get("epoch") or tuple(float(i) for i in range(1, len(history) + 1))


def kept_row(record: RunRecord) -> int | None:
    """The row of history.csv whose weights were kept, or None where that is not recorded."""
    epoch, epochs = kept_epoch(record), epochs_of(record.history)
    return epochs.index(epoch) if epoch is not None and epoch in epochs else None


def any_manifest(record: RunRecord) -> Manifest | None:
    """The manifest of the training, or of the first later stage that has one."""
    return record.train or record.predict or record.evaluate


def setting(record: RunRecord, *path: str) -> Any:
    """A value of the configuration that the run was trained with, or None.

    Of a model without a training here, such as a shipped one, its card tells it.
    """
    value: Any = record.train.config if record.train else (record.card.get("provenance") or {}).get("config")
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def fact(record: RunRecord, name: str) -> Any:
    """A remark that the training left in its manifest, or None."""
    return record.train.facts.get(name) if record.train else None


def source_set(record: RunRecord) -> str | None:
    """The dataset that the run was trained on."""
    source = record.card.get("dataset") or fact(record, "dataset")
    return None if source is None else str(source)


def made_with(manifest: Manifest | None, name: str) -> Any:
    """With what a result was made: "packages", "git_commit", "device", "seconds" and so on, or None."""
    return manifest.provenance.get(name) if manifest else None


def _credit(name: str) -> str | None:
    try:
        dataset = DATASETS.get(name)
    except RetsegError:
        return None
    return f"{dataset.credit.rstrip('.')}. Terms: {dataset.licence}." if dataset.credit else None


def _patients(record: RunRecord, part: str) -> tuple[str, ...]:
    """The patients of one part of the training data."""
    found = record.card.get(f"{part}_patients") or fact(record, f"{part}_patients") or ()
    return tuple(str(patient) for patient in found)


def _images(record: RunRecord, part: str) -> int:
    """The number of photographs of one part of the training data."""
    return len((record.card.get("splits") or {}).get(part) or ()) or int(fact(record, f"{part}_images") or 0)


def photographs_of(record: RunRecord, *parts: str) -> str | None:
    """`20 images of 10 patients` of some parts of the training data, or None where that is not recorded."""
    images = sum(_images(record, part) for part in parts)
    patients = {patient for part in parts for patient in _patients(record, part)}
    return images_of(images, len(patients), record.subject) if images else None
