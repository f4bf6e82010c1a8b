"""What a reader must know before any number: that it is no test, what is missing, what was found odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retseg.reporting.numbers import mapping_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_tables import has_scores
from retseg.reporting.subjects import plural, subject_of
from retseg.reporting.wording import counted, listed

_SHOWN = 5
_ENDINGS = ".!?:"


def banner(records: Sequence[RunRecord]) -> str:
    """`NOT A TEST: ...` where patients are scored that weights or threshold were fitted on; empty otherwise."""
    parts = []
    for record in records:
        found = mapping_in(record.summary.get("fit_overlap"))
        whose = f" of {record.name}" if len(records) > 1 else ""
        parts += [
            f"the {what}{whose} {'was' if what == 'threshold' else 'were'} fitted on "
            f"{counted(len(patients), f'scored {record.subject}')} ({_some(patients)})"
            for what in ("weights", "threshold")
            if (patients := _names(found.get(what)))
        ]
    return f"NOT A TEST: {listed(parts)}." if parts else ""


def score_remarks(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """What stands before the tables: that there are no scores, or what they do not cover, and warnings."""
    remarks = []
    unlabelled = {str(image) for record in records for image in record.summary.get("unlabelled") or ()}
    if not any(map(has_scores, records)):
        remarks.append(
            "There are no scores: the test images have no reference labels to compare with."
            if unlabelled
            else "There are no scores: no test image has both a reference and a prediction."
        )
    elif unlabelled:
        remarks.append(f"{counted(len(unlabelled), 'test image')} without a reference label could not be scored.")
    overlapping = [r.name for r in records if any(mapping_in(r.summary.get("fit_overlap")).values())]
    if overlapping:
        remarks.append(
            f"These are no test results for {listed(overlapping)}: {plural(subject_of(records))} that had a part in "
            "the training are scored."
        )
    unseen = {record.name: text for record in records if (text := _unseen(record))}
    for text in dict.fromkeys(unseen.values()):
        names = [name for name, own in unseen.items() if own == text]
        remarks.append(text if len(names) == len(records) else f"{listed(names)}: {text}")
    for record in records:
        whose = f"{record.name}: " if len(records) > 1 else ""
        remarks += [f"Warning: {whose}{_sentence(text)}" for text in _names(record.summary.get("warnings"))]
        missing = _names(record.summary.get("missing"))
        if missing:
            remarks.append(
                f"{record.name} has no usable prediction of {counted(len(missing), 'image')}, which "
                f"{'is' if len(missing) == 1 else 'are'} not scored: {listed(missing)}."
            )
        matched = record.summary.get("matched")
        if matched:
            remarks.append(f"{whose}{_sentence(str(matched))}")
    return tuple(remarks)


def _unseen(record: RunRecord) -> str:
    """Says which classes no training photograph showed; empty where a warning has already named them."""
    names = _names(record.summary.get("unseen"))
    warnings = _names(record.summary.get("warnings"))
    if not names or any(all(name in text for name in names) for text in warnings):
        return ""
    them = (
        "It is N/A in the tables and enters no mean; its"
        if len(names) == 1
        else ("They are N/A in the tables and enter no mean; their")
    )
    return f"No training photograph shows {listed(names)}. {them} pixels count as errors in the pixel accuracy."


def _names(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list | tuple) else []


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return listed(names) if rest <= 0 else f"{', '.join(names[:_SHOWN])} and {rest} more"


def _sentence(text: str) -> str:
    return text if text.endswith(tuple(_ENDINGS)) else f"{text}."
