"""The report's first paragraphs: what was done and what came of it, in words for a reader who is no engineer."""

from __future__ import annotations

from collections.abc import Sequence

from retseg.datasets.prepared import PreparedSet
from retseg.reporting.facts import architecture, dataset_title, training_samples
from retseg.reporting.metric_headings import heading
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_tables import has_scores, observers_of, scores_in
from retseg.reporting.wording import capitalised, counted, listed, score

_MEASURE = "dice"


def title(records: Sequence[RunRecord], prepared: PreparedSet) -> str:
    """The page's heading where the configuration gives none."""
    return f"{capitalised(listed([record.name for record in records]))} on {dataset_title(prepared)}"


def summary(records: Sequence[RunRecord], prepared: PreparedSet) -> tuple[str, ...]:
    """What was trained on what, how it does, and how that compares with a human observer."""
    return tuple(text for text in (_task(records, prepared), _outcome(records, prepared)) if text)


def _task(records: Sequence[RunRecord], prepared: PreparedSet) -> str:
    aim = _aim(prepared)
    many = len(records) > 1
    networks = listed([_network(record) for record in records])
    trained = [record for record in records if record.train is not None]
    train = training_samples(trained[0], prepared) if trained else ([], [])
    seen = [sample for part in train for sample in part]
    if trained and seen:
        patients = len({sample.patient for sample in seen})
        start = (
            f"{capitalised(networks)} {'were' if many else 'was'} trained on {counted(len(seen), 'image')} of "
            f"{counted(patients, 'patient')} from {dataset_title(prepared)} to {aim}."
        )
    else:
        start = f"{capitalised(networks)} {'were' if many else 'was'} used to {aim} in {dataset_title(prepared)}."
    return f"{start} {_test(records)}".strip()


def _network(record: RunRecord) -> str:
    name = architecture(record)
    return record.name if name is None or name in record.name else f"{record.name} ({name})"
