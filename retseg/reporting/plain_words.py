"""The report's first paragraphs: what was done and what came of it, in words for a reader who is no engineer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retseg.datasets.prepared import PreparedSet
from retseg.reporting.making import architecture, dataset_title, seen_patients, source_set, trained_on
from retseg.reporting.metric_headings import inline
from retseg.reporting.numbers import intervals_in, mapping_in, scores_in
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import intervals_of
from retseg.reporting.score_tables import has_scores, observers_of
from retseg.reporting.subjects import images_of, plural
from retseg.reporting.wording import counted, listed, score

_MEASURE, _MEASURE_OF_SEVERAL = "dice", "iou"
_MOST_NAMES = 5
"""More names than these are no title, and their figures no sentence: tables have them."""


def title(records: Sequence[RunRecord], prepared: PreparedSet) -> str:
    """The page's heading where the configuration gives none."""
    names = listed([record.name for record in records]) if len(records) <= _MOST_NAMES else f"{len(records)} systems"
    return f"{names} on {dataset_title(prepared)}"


def summary(records: Sequence[RunRecord], prepared: PreparedSet) -> tuple[str, ...]:
    """What was trained on what, how it does, and how that compares with a human observer."""
    scored = [record for record in records if has_scores(record)]
    outcome = _outcome(scored, prepared) if scored else (_unscored(records),)
    return (f"{_task(records, prepared)} {_test(records, prepared)}".strip(), *outcome)


def _task(records: Sequence[RunRecord], prepared: PreparedSet) -> str:
    names = listed([_network(record) for record in records])
    tuned = [record.train is not None and record.train.stage == "tune" for record in records]
    if all(tuned):
        noun, verb = "training-free method", "tuned"
    else:
        noun = "network" if all(architecture(record) for record in records) and not any(tuned) else "system"
        verb = "trained or tuned" if any(tuned) else "trained"
    networks = f"The {noun}s {names} were" if len(records) > 1 else f"The {noun} {names} was"
    sources = {trained_on(record) for record in records if record.train is not None}
    if len(sources) == 1 and None not in sources:
        return f"{networks} {verb} on {sources.pop()} to {_aim(prepared)}."
    return f"{networks} used to {_aim(prepared)}."


def _network(record: RunRecord) -> str:
    name = architecture(record)
    return record.name if name is None or name in record.name else f"{record.name} ({name})"


def _aim(prepared: PreparedSet) -> str:
    classes = prepared.classes
    if classes.positive is None:
        return f"give every pixel of an image one of {counted(classes.count, 'class', 'classes')}"
    return f"mark every pixel of an image that shows {classes.items[classes.positive].name}"


def _test(records: Sequence[RunRecord], prepared: PreparedSet) -> str:
    images = frozenset().union(*(record.scores.ids for record in records))
    samples = [sample for sample in prepared.samples if sample.id in images]
    if not samples:
        return ""
    patients = {sample.patient for sample in samples}
    tested = (
        f"The test was on {images_of(len(samples), len(patients), prepared.classes.subject)} "
        f"from {dataset_title(prepared)}"
    )
    subjects = plural(prepared.classes.subject)
    seen = frozenset().union(*(seen_patients(record, prepared) | _owned_up(record) for record in records)) & patients
    if seen:
        return (
            f"{tested}, but {len(seen)} of these {subjects} had a part in the training: "
            "the figures below are not those of a test."
        )
    unknown = [record.name for record in records if source_set(record) is None]
    if unknown:
        return f"{tested}. Which {subjects} had a part in the training of {listed(unknown)} is not recorded."
    return f"{tested}; none of these {subjects} had a part in the training."


def _owned_up(record: RunRecord) -> frozenset[str]:
    """The scored patients that evaluate found weights or threshold to be fitted on."""
    overlap = mapping_in(record.summary.get("fit_overlap"))
    return frozenset(str(patient) for patients in overlap.values() for patient in patients or ())


def _unscored(records: Sequence[RunRecord]) -> str:
    unlabelled = {str(image) for record in records for image in record.summary.get("unlabelled") or ()}
    if unlabelled:
        return (
            "The test images have no reference labels, so nothing could be scored. "
            "Their predictions are shown below without scores."
        )
    return "Nothing was scored: no test image has both a reference and a prediction."


def _outcome(records: Sequence[RunRecord], prepared: PreparedSet) -> tuple[str, ...]:
    values = {r.name: v for r in records if (v := _measured(r, r.summary.get("pooled"))) is not None}
    if not values:
        return ()
    ranked = sorted(values, key=lambda name: -values[name])
    between = {r.name: words for r in records if (words := _interval(r))}
    several = prepared.classes.positive is None
    averaged = ", averaged over the classes," if several else ""
    measure = f"{inline(measure_of(records[0]), several)} over all test pixels{averaged}"
    best, others = ranked[0], [f"{name} with {score(values[name])}{between.get(name, '')}" for name in ranked[1:]]
    scale = "where 0 means no overlap and 1 means that every pixel agrees"
    figure = f"{measure} is {score(values[best])}{between.get(best, '')}, {scale}."
    if others:
        come = "come" if len(others) > 1 else "comes"
        if len(others) >= _MOST_NAMES:
            others = others[: _MOST_NAMES - 2]
            others[-1] += "; the table of results has them all"
        figure = f"Of the {len(ranked)} systems, {best} agrees best with the reference: its {figure}"
        figure = f"{figure} Then {come} {listed(others)}."
    else:
        figure = f"Against the reference, its {figure}"
    humans = {
        n: v for n, f in observers_of(records).items() if (v := _measured(records[0], f.get("pooled"))) is not None
    }
    text = " ".join([figure, *(_compared(best, values[best], name, value) for name, value in humans.items())])
    if several:
        text = f"{text}{_right_pixels(records, best)}"
    return (text, _caution(records, all(name in between for name in values)))


def measure_of(record: RunRecord) -> str:
    """The metric that a run is judged by first."""
    return _MEASURE_OF_SEVERAL if record.several else _MEASURE


def _right_pixels(records: Sequence[RunRecord], best: str) -> str:
    """What share of the pixels got their class, in a sentence with a space before it."""
    record = next(record for record in records if record.name == best)
    share = scores_in(record.summary.get("pooled")).get("accuracy")
    who = "It" if len(records) == 1 else best
    return "" if share is None else f" {who} gives {share:.1%} of the pixels their class."


def _caution(records: Sequence[RunRecord], intervals: bool) -> str:
    """How far the figures carry: how many patients they rest on, and whether that is enough for an interval."""
    patients = max(int(record.summary.get("n_patients") or 0) for record in records)
    described = f"These figures describe {counted(patients, records[0].subject)}"
    if not intervals:
        return f"{described} and carry no confidence interval: a small difference between two rows may be chance."
    if any(intervals_of(record).get("weak") for record in records):
        return (
            f"{described}, fewer than six: the intervals in the tables are weak, and a difference between two rows may "
            "be chance."
        )
    return f"{described}; a difference that is smaller than the intervals in the tables may be chance."


def _interval(record: RunRecord) -> str:
    """The 95% interval of the measure in words, with a space before it; empty where there is none."""
    pair = intervals_in(intervals_of(record).get("pooled")).get(measure_of(record))
    return "" if pair is None else f" (95% interval {score(pair[0])} to {score(pair[1])})"


def _compared(system: str, value: float, observer: str, human: float) -> str:
    if score(value) == score(human):
        closeness = "as closely as"
    else:
        closeness = "more closely than" if value > human else "less closely than"
    return (
        f"A human observer ({observer}) reaches {score(human)} against the same reference, "
        f"so {system} agrees with the reference {closeness} that observer does."
    )


def _measured(record: RunRecord, figures: Mapping[str, Any] | None) -> float | None:
    return scores_in(figures).get(measure_of(record))
