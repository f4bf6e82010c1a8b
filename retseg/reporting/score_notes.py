"""What stands under tables of scores: the protocol, the intervals' origin, and why a figure is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.reporting.metric_headings import heading, lower_is_better
from retseg.reporting.numbers import mapping_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.subjects import PATIENT, images_of, in_words_of, plural, size_of_sample, subject_of, themselves
from retseg.reporting.wording import counted, listed, whole


def protocol_notes(records: Sequence[RunRecord]) -> list[str]:
    """How the figures came about, as evaluate wrote it: what holds for all systems once, then what differs."""
    parts = {r.name: str(r.summary.get("protocol") or "").rstrip(". ").split("; ") for r in records}
    lines = list(parts.values())
    shared = [part for part in lines[0] if part and all(part in line for line in lines)]
    own = {name: [part for part in line if part and part not in shared] for name, line in parts.items()}
    sentences = ["; ".join(shared), *(f"{name}: {'; '.join(rest)}" for name, rest in own.items() if rest)]
    text = " ".join(f"{sentence}." for sentence in sentences if sentence)
    return [f"Protocol: {in_words_of(text, subject_of(records))}"] if text else []


def sample_size(records: Sequence[RunRecord], *, intervals: bool = False) -> str:
    """`4 patients, 8 images` where all systems were scored on as many; with `intervals`, whether those are weak."""
    counts = {(r.summary.get("n_patients"), r.summary.get("n_images")) for r in records}
    patients, images = next(iter(counts), (None, None))
    if len(counts) != 1 or not patients or not images:
        return ""
    subject = subject_of(records)
    if intervals and any(intervals_of(record).get("weak") for record in records):
        return f"{counted(int(images), 'image')}; weak: {counted(int(patients), subject)}, fewer than six"
    return size_of_sample(int(patients), int(images), subject)


def selection_notes(records: Sequence[RunRecord]) -> list[str]:
    """Says so where the systems were not scored on the same number of images or patients."""
    counts = {r.name: (r.summary.get("n_images"), r.summary.get("n_patients")) for r in records}
    if len(set(counts.values())) < 2:
        return []
    parts = [
        f"{name} on {images_of(int(images or 0), int(patients or 0), subject_of(records))}"
        for name, (images, patients) in counts.items()
    ]
    return [f"The systems were not scored on the same images: {listed(parts)}."]


def interval_notes(records: Sequence[RunRecord]) -> list[str]:
    """Where the intervals come from, how many patients stand behind them, and whether that is too few."""
    notes = []
    known = {record.name: intervals_of(record) for record in records}
    subject = subject_of(records)
    kinds = {name: _origin(one, subject) for name, one in known.items() if one}
    for origin in dict.fromkeys(kinds.values()):
        names = [name for name, found in kinds.items() if found == origin]
        whose = "" if len(names) == len(records) else f" ({listed(names)})"
        notes.append(f"In brackets{whose}: {origin}.")
    few = {name: int(one.get("n_patients") or 0) for name, one in known.items() if one.get("weak")}
    for patients in dict.fromkeys(few.values()):
        names = [name for name, number in few.items() if number == patients]
        whose = "" if len(few) == len(records) and len(set(few.values())) == 1 else f" for {listed(names)}"
        notes.append(
            f"Weak{whose}: {counted(patients, subject)}, fewer than six. "
            + (
                f"One {subject} gives no interval."
                if patients == 1
                else f"Intervals of so few {plural(subject)} tend to be too narrow; they support no claim of a "
                "difference."
            )
        )
    return notes


def undefined_notes(records: Sequence[RunRecord], metrics: Sequence[str], views: Sequence[str]) -> list[str]:
    """The reasons that evaluate gives for figures that a system has in none of these views."""
    notes = []
    for record in records:
        reasons: dict[str, list[str]] = {}
        for name, reason in mapping_in(record.summary.get("undefined")).items():
            known = any(scores_in(record.summary.get(view)).get(name) is not None for view in views)
            if name in metrics and not known:
                reasons.setdefault(str(reason).rstrip(". "), []).append(heading(name, record.several))
        whose = f"{record.name}: " if len(records) > 1 else ""
        notes += [f"{whose}no {listed(names)}, because {reason}." for reason, names in reasons.items()]
    return notes


def partial_mean_notes(records: Sequence[RunRecord], metrics: Sequence[str]) -> list[str]:
    """Says for which figures some image is left out of the mean, because the figure is undefined there."""
    notes = []
    for record in records:
        total, counts = record.summary.get("n_images"), record.summary.get("per_image_n") or {}
        explained = mapping_in(record.summary.get("undefined"))
        fewer = [
            f"{heading(name, record.several)} over {number}"
            for name, number in counts.items()
            if name in metrics and number != total and name not in explained
        ]
        if fewer:
            means = f"{listed(fewer)} of {total} images"
            notes.append(f"{record.name}: where a figure is undefined, the mean leaves the image out ({means}).")
    return notes


def direction_notes(metrics: Sequence[str], several: bool = False) -> list[str]:
    """Which figures are the better the smaller they are."""
    low = lower_is_better(metrics)
    if not low:
        return []
    if len(low) == len(metrics):
        return ["Lower is better in every column."]
    high = [name for name in metrics if name not in low]
    lower, higher = (listed([heading(name, several) for name in names]) for names in (low, high))
    return [f"Lower is better for {lower}, higher for {higher}."]


def intervals_of(record: RunRecord) -> Mapping[str, Any]:
    """What summary.json says of the run's intervals; empty in older files."""
    return mapping_in(record.summary.get("intervals"))


def _origin(intervals: Mapping[str, Any], subject: str) -> str:
    level = float(intervals.get("level") or 0.95)
    method = in_words_of(str(intervals.get("method") or f"bootstrap over {plural(PATIENT)}"), subject)
    counts = [("n_patients", subject), *([] if themselves(subject) else [("n_images", "image")])]
    people = [counted(int(number), noun) for key, noun in counts if (number := intervals.get(key))]
    resamples = intervals.get("resamples")
    drawn = f", {whole(int(resamples))} resamples" if resamples else ""
    of = f" ({', '.join(people)}{drawn})" if people else drawn
    return f"{level:.0%} interval, {method}{of}"
