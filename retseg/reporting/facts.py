"""The run's facts: what was trained on what, how, where the threshold comes from, and with which versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from retseg.datasets.prepared import PreparedSet
from retseg.reporting.figures import MOST_CURVES
from retseg.reporting.making import (
    TRAIN,
    VALIDATION,
    any_manifest,
    architecture,
    dataset_title,
    fact,
    made_with,
    photographs_of,
    setting,
    source_set,
    title_of,
)
from retseg.reporting.run_files import RunRecord
from retseg.reporting.subjects import PATIENT, images_of
from retseg.reporting.training_facts import BEGAN_WITH, Teller, course_rows, training_rows
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import capitalised, counted, listed, score, threshold, whole

_UNKNOWN = "not recorded"
_NOTHING = {BEGAN_WITH: "random weights"}
_FOV_SOURCES = {"owner": "as shipped with the dataset", "estimated": "estimated from the photographs"}


def facts_tables(records: Sequence[RunRecord], prepared: PreparedSet) -> tuple[Table, ...]:
    """What is known of each run. Of few runs one table with a column for each; of many what they share, then the rest.

    A run of many is a row, in a table for each group of facts, since a page is longer than it is wide.
    """
    if len(records) <= MOST_CURVES:
        return (facts_table(records, prepared),)
    whole_table = facts_table(records, prepared)
    shared = [
        RowGroup(group.heading, tuple(Row(r.heading, r.cells[:1]) for r in group.rows if _alike(r)))
        for group in whole_table.groups
    ]
    tables = [
        Table(
            caption="What was the same for all of them",
            corner="",
            columns=(f"All {len(records)}",),
            groups=tuple(group for group in shared if group.rows),
            textual=True,
        )
    ]
    for group in whole_table.groups:
        own = [row for row in group.rows if not _alike(row)]
        if own:
            rows = tuple(Row(r.name, tuple(row.cells[i] for row in own)) for i, r in enumerate(records))
            columns = tuple(row.heading for row in own)
            tables.append(Table(group.heading, "System", columns, (RowGroup("", rows),), textual=True))
    return tuple(table for table in tables if table.groups)


def facts_table(records: Sequence[RunRecord], prepared: PreparedSet) -> Table:
    """One column for each run; rows that no run has anything to say on are left out."""
    groups = (
        ("Data", _data_rows(prepared)),
        ("Network", _network_rows()),
        ("Training", {**training_rows(), **course_rows()}),
        ("Prediction" if prepared.classes.positive is None else "Prediction and threshold", _prediction_rows()),
        ("Made with", _version_rows()),
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
    """A row for each teller that has something to say of some run; "" is nothing to say, None is not known."""
    rows = []
    for name, tell in tellers.items():
        told = [tell(record) for record in records]
        if any(told):
            nothing = _NOTHING.get(name, "no")
            rows.append(Row(name, tuple(Cell(_UNKNOWN if text is None else text or nothing) for text in told)))
    return rows


def _alike(row: Row) -> bool:
    return len({cell.text for cell in row.cells}) == 1


def _data_rows(prepared: PreparedSet) -> dict[str, Teller]:
    classes = listed([item.name for item in prepared.classes.items])

    def weights_from(record: RunRecord) -> str | None:
        people, source = photographs_of(record, TRAIN), source_set(record)
        if source is None or source == prepared.name:
            return people
        return f"{people} from {title_of(source)}" if people else title_of(source)

    def validated_on(record: RunRecord) -> str | None:
        if not photographs_of(record, TRAIN):
            return None
        return photographs_of(record, VALIDATION) or "none"

    def scored_on(record: RunRecord) -> str | None:
        images, patients = record.summary.get("n_images"), record.summary.get("n_patients")
        if not images:
            return None
        return images_of(int(images), int(patients or 0), record.subject)

    def field_of_view(record: RunRecord) -> str | None:
        # Where no class lies outside of it, the field of view is the whole photograph.
        if prepared.classes.outside is None:
            return None
        tested = record.scores.ids.union(map(str, record.summary.get("unlabelled") or ()))
        sources = Counter(row.fov_source for row in prepared.rows if row.id in tested)
        if len(sources) > 1:
            return f"estimated for {counted(sources['estimated'], 'image')}, as shipped for the others"
        return _FOV_SOURCES.get(next(iter(sources), ""))

    return {
        "Dataset": lambda _: dataset_title(prepared),
        "Classes": lambda _: f"{prepared.classes.count}: {classes}",
        "Told apart one by one": lambda _: listed([prepared.classes.names[i] for i in prepared.classes.things]) or None,
        "Trained on": weights_from,
        "Set aside for validation": validated_on,
        "Tested on": scored_on,
        "Test images without a reference": lambda record: (
            counted(len(unlabelled), "image") if (unlabelled := record.summary.get("unlabelled")) else None
        ),
        "Field of view": field_of_view,
        "Reference observer" if prepared.classes.subject == PATIENT else "Reference by": lambda _: prepared.reference,
        "Further observers": lambda _: listed(prepared.observers) or None,
    }


def _network_rows() -> dict[str, Teller]:
    def options(record: RunRecord) -> str | None:
        chosen = setting(record, "model", "options")
        if chosen is None:
            chosen = record.card.get("options")
        return None if chosen is None else _pairs(chosen) or "as by default"

    def parameters(record: RunRecord) -> str | None:
        count = fact(record, "parameters")
        return None if count is None else whole(count)

    return {"Architecture": architecture, "Options": options, "Trainable parameters": parameters}


def _prediction_rows() -> dict[str, Teller]:
    def windows(record: RunRecord) -> str | None:
        config = record.predict.config.get("predict", {}) if record.predict else {}
        if "window" not in config:
            return None
        if config.get("whole_image"):
            where = "the whole image at once"
        elif config["window"] is None:
            where = "the whole image at once where memory allows, else windows of 512 pixels"
        else:
            where = f"windows of {config['window']} pixels, {config.get('overlap', 0):.0%} overlap"
        views = config.get("flips", 1)
        if views == "auto":
            return f"{where}, mean of 2 or 4 flipped views of larger photographs"
        return where + (f", mean of {views} flipped and turned views" if views > 1 else "")

    def point(record: RunRecord) -> str | None:
        return None if record.threshold is None else threshold(record.threshold)

    def fitted_on(record: RunRecord) -> str | None:
        fitted = record.operating_point
        if fitted is None:
            return None
        people = f", {counted(len(fitted.patients), record.subject)}" if fitted.patients else ""
        where = " ".join(part for part in (fitted.dataset, fitted.split) if part)
        return f"{where}{people}" if where else None

    def criterion(record: RunRecord) -> str | None:
        fitted = record.operating_point
        if fitted is None:
            return None
        reached = f", which reached {score(fitted.value)} there" if fitted.value is not None else ""
        return f"{capitalised(fitted.criterion)}{reached}"

    return {"Prediction": windows, "Threshold": point, "Threshold fitted on": fitted_on, "Criterion": criterion}


def _version_rows() -> dict[str, Teller]:
    own = __package__.partition(".")[0]

    def version(record: RunRecord) -> str | None:
        packages: Mapping[str, str] = made_with(any_manifest(record), "packages") or {}
        return packages.get(own)

    def libraries(record: RunRecord) -> str | None:
        packages: Mapping[str, str] = made_with(any_manifest(record), "packages") or {}
        return _pairs({name: number for name, number in packages.items() if name != own}) or None

    def platform(record: RunRecord) -> str | None:
        manifest = any_manifest(record)
        python, system = made_with(manifest, "python"), made_with(manifest, "platform")
        return ", ".join(part for part in (python and f"Python {python}", system) if part) or None

    def commit(record: RunRecord) -> str | None:
        value = made_with(any_manifest(record), "git_commit")
        return None if value is None else str(value)

    return {own: version, "Git commit": commit, "Libraries": libraries, "Platform": platform}


def _pairs(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
