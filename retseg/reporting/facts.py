"""The run's facts: what was trained on what, how, where the threshold comes from, and with which versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retseg.core.errors import RetsegError
from retseg.core.manifest import Manifest
from retseg.core.types import Sample
from retseg.datasets.prepared import PreparedSet
from retseg.datasets.registry import DATASETS
from retseg.reporting.run_files import RunRecord
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import capitalised, counted, duration, listed, score, threshold, whole

_UNKNOWN = "not recorded"
Teller = Callable[[RunRecord], str | None]


def dataset_title(prepared: PreparedSet) -> str:
    """The dataset's name as people write it; its name in the files where its plugin is not installed."""
    try:
        return DATASETS.get(prepared.name).title
    except RetsegError:
        return prepared.name


def dataset_credit(prepared: PreparedSet) -> str | None:
    """Whose photographs these are and on what terms, or None where the plugin is not installed."""
    try:
        dataset = DATASETS.get(prepared.name)
    except RetsegError:
        return None
    return " ".join(f"{part.rstrip('.')}." for part in (dataset.credit, dataset.licence) if part) or None


def architecture(record: RunRecord) -> str | None:
    """The name of the run's architecture."""
    name = _setting(record, "model", "arch") or record.card.get("arch")
    return None if name is None else str(name)


def recipe(record: RunRecord) -> str | None:
    """The name of the run's recipe."""
    name = _setting(record, "recipe") or record.card.get("recipe")
    return None if name is None else str(name)


def training_samples(record: RunRecord, prepared: PreparedSet) -> tuple[list[Sample], list[Sample]]:
    """The photographs of the prepared set that set the weights, and those that were set aside for validation."""
    if record.train is None or _source(record) not in (None, prepared.name):
        return [], []
    train = [sample for sample in prepared.split("train") if sample.labels]
    aside = set(record.card.get("validation_patients") or _fact(record, "validation_patients") or ())
    return [s for s in train if s.patient not in aside], [s for s in train if s.patient in aside]


def seen_patients(record: RunRecord, prepared: PreparedSet) -> frozenset[str]:
    """The patients of the prepared set that had a part in the training: weights, epoch or threshold."""
    used = [sample for part in training_samples(record, prepared) for sample in part]
    point = record.operating_point
    fitted = point.patients if point is not None and point.dataset == prepared.name else ()
    return frozenset((*(sample.patient for sample in used), *fitted))


def trained_on(record: RunRecord, prepared: PreparedSet) -> str | None:
    """In words, all photographs that had a part in the training; None where that is not recorded."""
    used = [sample for part in training_samples(record, prepared) for sample in part]
    if used:
        return f"{_people(used)} from {dataset_title(prepared)}"
    source = _source(record)
    return source if source != prepared.name else None


def kept_epoch(record: RunRecord) -> int | None:
    """The epoch whose weights were kept, or None where that is not recorded."""
    epoch = record.card.get("epoch") or _fact(record, "epoch")
    return None if epoch is None else int(epoch)


def facts_table(records: Sequence[RunRecord], prepared: PreparedSet) -> Table:
    """One column for each run; rows that no run has anything to say on are left out."""
    groups = (
        ("Data", _data_rows(prepared)),
        ("Network", _network_rows()),
        ("Training", _training_rows()),
        ("Prediction and threshold", _prediction_rows()),
        ("Made with", _version_rows(records)),
    )
    built = tuple(RowGroup(name, tuple(_rows(tellers, records))) for name, tellers in groups)
    return Table(
        caption="What was trained on what, and how",
        corner="",
        columns=tuple(record.name for record in records),
        groups=tuple(group for group in built if group.rows),
        textual=True,
    )


def _rows(tellers: Mapping[str, Teller], records: Sequence[RunRecord]) -> list[Row]:
    rows = []
    for name, tell in tellers.items():
        told = [tell(record) for record in records]
        if any(told):
            rows.append(Row(name, tuple(Cell(text or _UNKNOWN) for text in told)))
    return rows


def _data_rows(prepared: PreparedSet) -> dict[str, Teller]:
    test_rows = {row.id: row for row in prepared.rows}
    classes = listed([item.name for item in prepared.classes.items])

    def weights_from(record: RunRecord) -> str | None:
        return _people(training_samples(record, prepared)[0]) or trained_on(record, prepared)

    def validated_on(record: RunRecord) -> str | None:
        if record.train is None:
            return None
        used, aside = training_samples(record, prepared)
        if not used:
            return None
        return f"{_people(aside)}, from the training split" if aside else "none"

    def scored_on(record: RunRecord) -> str | None:
        images, patients = record.summary.get("n_images"), record.summary.get("n_patients")
        if not images:
            return None
        return f"{counted(int(images), 'image')} of {counted(int(patients or 0), 'patient')}"

    def field_of_view(record: RunRecord) -> str | None:
        shown = [test_rows[i].fov_source for i in sorted(record.scores.ids) if i in test_rows]
        estimated = shown.count("estimated")
        if not shown or estimated in (0, len(shown)):
            source = set(shown) or {row.fov_source for row in prepared.rows}
            return "estimated from the photographs" if source == {"estimated"} else "as shipped with the dataset"
        return f"estimated for {counted(estimated, 'image')}, as shipped for the others"

    return {
        "Dataset": lambda _: dataset_title(prepared),
        "Classes": lambda _: f"{prepared.classes.count}: {classes}",
        "Trained on": weights_from,
        "Set aside for validation": validated_on,
        "Tested on": scored_on,
        "Test images without a reference": lambda record: (
            counted(len(unlabelled), "image") if (unlabelled := record.summary.get("unlabelled")) else None
        ),
        "Field of view": field_of_view,
        "Reference observer": lambda _: prepared.reference,
        "Further observers": lambda _: listed(prepared.observers) or None,
    }


def _network_rows() -> dict[str, Teller]:
    def options(record: RunRecord) -> str | None:
        chosen = _setting(record, "model", "options")
        return _pairs(chosen) if chosen else None

    def parameters(record: RunRecord) -> str | None:
        count = _fact(record, "parameters")
        return None if count is None else whole(count)

    return {"Architecture": architecture, "Options": options, "Trainable parameters": parameters}


def _training_rows() -> dict[str, Teller]:
    def optimiser(record: RunRecord) -> str | None:
        name = _setting(record, "train", "optimiser")
        rate, batch = _setting(record, "train", "lr"), _setting(record, "train", "batch")
        parts = [
            str(name) if name else "",
            f"learning rate {rate:g}" if rate is not None else "",
            f"batch {batch}" if batch is not None else "",
        ]
        return ", ".join(part for part in parts if part) or None

    def patches(record: RunRecord) -> str | None:
        size, count = _setting(record, "sampling", "patch_size"), _setting(record, "sampling", "patches_per_image")
        if size is None or count is None:
            return None
        fixed = "the same in every epoch" if _setting(record, "sampling", "fixed") else "anew in every epoch"
        return f"{count} of {size} × {size} pixels from each image, {fixed}"

    def loss(record: RunRecord) -> str | None:
        name = _setting(record, "loss", "name")
        return None if name is None else str(name)

    def epochs(record: RunRecord) -> str | None:
        done = len(record.history) or None
        kept = kept_epoch(record)
        if done is None:
            return None
        return whole(done) if kept is None else f"{whole(done)}; the weights are those of epoch {whole(kept)}"

    def wall_time(record: RunRecord) -> str | None:
        seconds = _provenance(record.train, "seconds")
        return None if seconds is None else duration(float(seconds))

    def seed(record: RunRecord) -> str | None:
        value = _provenance(record.train, "seed")
        return None if value is None else str(value)

    return {
        "Recipe": recipe,
        "Loss": loss,
        "Optimiser": optimiser,
        "Patches": patches,
        "Epochs": epochs,
        "Seed": seed,
        "Device": lambda record: _provenance(record.train, "device"),
        "Time to train": wall_time,
    }


def _prediction_rows() -> dict[str, Teller]:
    def windows(record: RunRecord) -> str | None:
        config = record.predict.config.get("predict", {}) if record.predict else {}
        if "window" not in config:
            return None
        if config.get("whole_image"):
            return "the whole image at once"
        views = config.get("flips", 1)
        averaged = f", mean of {views} flipped and turned views" if views > 1 else ""
        return f"windows of {config['window']} pixels, {config.get('overlap', 0):.0%} overlap{averaged}"

    def point(record: RunRecord) -> str | None:
        return None if record.threshold is None else threshold(record.threshold)

    def fitted_on(record: RunRecord) -> str | None:
        fitted = record.operating_point
        if fitted is None:
            return None
        people = f", {counted(len(fitted.patients), 'patient')}" if fitted.patients else ""
        where = " ".join(part for part in (fitted.dataset, fitted.split) if part)
        return f"{where}{people}" if where else None

    def criterion(record: RunRecord) -> str | None:
        fitted = record.operating_point
        if fitted is None:
            return None
        reached = f", which reached {score(fitted.value)} there" if fitted.value is not None else ""
        return f"{capitalised(fitted.criterion)}{reached}"

    return {"Prediction": windows, "Threshold": point, "Threshold fitted on": fitted_on, "Criterion": criterion}


def _version_rows(records: Sequence[RunRecord]) -> dict[str, Teller]:
    manifests = [manifest for record in records if (manifest := _any_manifest(record)) is not None]
    packages = dict.fromkeys(name for m in manifests for name in m.provenance.get("packages") or {})

    def version_of(name: str) -> Teller:
        return lambda record: (_provenance(_any_manifest(record), "packages") or {}).get(name)

    def commit(record: RunRecord) -> str | None:
        value = _provenance(_any_manifest(record), "git_commit")
        return None if value is None else str(value)

    tellers: dict[str, Teller] = {name: version_of(name) for name in packages}
    tellers["Python"] = lambda record: _provenance(_any_manifest(record), "python")
    tellers["Platform"] = lambda record: _provenance(_any_manifest(record), "platform")
    tellers["Git commit"] = commit
    return tellers


def _any_manifest(record: RunRecord) -> Manifest | None:
    return record.train or record.predict or record.evaluate


def _setting(record: RunRecord, *path: str) -> Any:
    """A value of the configuration that the run was trained with, or None."""
    value: Any = record.train.config if record.train else None
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _fact(record: RunRecord, name: str) -> Any:
    return record.train.facts.get(name) if record.train else None


def _source(record: RunRecord) -> str | None:
    """The dataset that the run was trained on."""
    source = record.card.get("dataset") or _fact(record, "dataset")
    return None if source is None else str(source)


def _provenance(manifest: Manifest | None, name: str) -> Any:
    return manifest.provenance.get(name) if manifest else None


def _people(samples: Sequence[Sample]) -> str | None:
    if not samples:
        return None
    patients = len({sample.patient for sample in samples})
    return f"{counted(len(samples), 'image')} of {counted(patients, 'patient')}"


def _pairs(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
