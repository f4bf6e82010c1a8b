"""The tables of a comparison: figures with intervals, differences with their p values, and the figures by patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retseg.reporting.compare_files import MEAN, POOLED, VIEWS, Comparison, Entrant, Pair, SystemRecords
from retseg.reporting.compare_views import interval
from retseg.reporting.compare_words import best_first
from retseg.reporting.metric_headings import best_values, figure, needs_scores, shape_metrics
from retseg.reporting.score_notes import direction_notes, protocol_notes
from retseg.reporting.subjects import in_words_of, plural, size_of_sample, subject_of, themselves
from retseg.reporting.view_models import Cell, Row, RowGroup, Table
from retseg.reporting.wording import NOT_AVAILABLE, capitalised, counted, listed, whole

_FAMILIES = (
    ("Agreement with the reference", ("auc", "ap", "dice", "iou", "mcc")),
    ("What is found, and what is marked in error", ("sensitivity", "specificity", "precision", "accuracy")),
    ("Shape of the vessel tree", ("cldice", "betti0", "betti1", "hd95", "nsd")),
    ("How far the probabilities can be believed", ("ece", "ace", "brier")),
)
_FURTHER = "Further figures"
_WIDEST = 5
_VIEW_NAMES = {POOLED: "All pixels pooled", MEAN: "Mean over the images"}
_HUMAN = "human observer"
_MOST_PAIRS = 60
_MOST_PROTOCOLS = 4
_YES_NO = {True: "yes", False: "no", None: NOT_AVAILABLE}


def families(metrics: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The metrics in tables that fit on a page, under a heading each; a plugged-in one goes into the last."""
    left = list(metrics)
    for title, names in _FAMILIES:
        if present := tuple(name for name in names if name in left):
            left = [name for name in left if name not in present]
            yield title, present
    for start in range(0, len(left), _WIDEST):
        yield _FURTHER, tuple(left[start : start + _WIDEST])


def protocol_lines(systems: Sequence[SystemRecords]) -> tuple[str, ...]:
    """How the figures of every run came about, in full."""
    return tuple(protocol_notes([record for system in systems for record in system.records]))


def short_protocol(systems: Sequence[SystemRecords]) -> tuple[str, ...]:
    """The protocol line for under a table: of many runs only what they share, with a word on where the rest stands."""
    records = [record for system in systems for record in system.records]
    if len(records) <= _MOST_PROTOCOLS:
        return protocol_lines(systems)
    lines = [str(record.summary.get("protocol") or "").rstrip(". ").split("; ") for record in records]
    shared = [part for part in lines[0] if part and all(part in line for line in lines)]
    if any(len(line) > len(shared) for line in lines):
        shared.append("each run’s own threshold stands at the end of the page")
    return (f"Protocol: {in_words_of('; '.join(shared), subject_of(records))}.",)


def sample_size(comparison: Comparison) -> str:
    """`4 patients, 8 images`, with a word on what is too few."""
    size = size_of_sample(comparison.n_patients, comparison.n_images, comparison.subject)
    return f"{size}; weak: fewer than six {plural(comparison.subject)}" if comparison.weak else size


def figure_tables(comparison: Comparison, systems: Sequence[SystemRecords]) -> tuple[Table, ...]:
    """One table a family of metrics: the pooled figures and the means over images, systems first, then observers."""
    protocol = short_protocol(systems)
    tables = []
    for title, metrics in families(comparison.told):
        groups = [group for view in VIEWS if (group := _view_group(comparison, view, metrics)) is not None]
        if groups:
            notes = (*_figure_notes(comparison, metrics), *protocol)
            columns = tuple(map(comparison.heading, metrics))
            tables.append(Table(title, "System", columns, tuple(groups), notes, aside=sample_size(comparison)))
    return tuple(tables)


def pairs_table(comparison: Comparison, systems: Sequence[SystemRecords]) -> Table | None:
    """The differences between systems, grouped by metric; of very many pairs only the best system's."""
    shown = shown_pairs(comparison)
    if not shown:
        return None
    tested = any(pair.significant is not None for pair in shown)
    columns = ["Difference", "95% interval"]
    if tested:
        columns += ["p, bootstrap", "after Holm", "p, Wilcoxon", "after Holm", "Significant"]
    columns += [f"{capitalised(plural(comparison.subject))} needed", "n"]
    places = [(metric, view) for metric in comparison.metrics for view in VIEWS]
    rows = {p: tuple(_pair_row(pair, tested) for pair in shown if (pair.metric, pair.view) == p) for p in places}
    groups = tuple(
        RowGroup(comparison.heading(metric), rows[metric, view], note=_VIEW_NAMES[view].lower())
        for metric, view in places
        if rows[metric, view]
    )
    notes = (*_pair_notes(comparison, shown, tested), *short_protocol(systems))
    corner, aside = "The first minus the second", sample_size(comparison)
    return Table("Differences between systems", corner, tuple(columns), groups, notes, aside=aside)


def shown_pairs(comparison: Comparison) -> tuple[Pair, ...]:
    """All pairs where they fit on a page; else those of the leading metrics, only the best system's if need be."""
    pairs = comparison.pairs
    if len(pairs) > _MOST_PAIRS:
        pairs = tuple(pair for pair in pairs if pair.metric in comparison.measures)
    if len(pairs) > _MOST_PAIRS:
        best = best_first(comparison)[0]
        pairs = tuple(pair for pair in pairs if best in (pair.a, pair.b))
    return pairs


def patients_table(comparison: Comparison, systems: Sequence[SystemRecords]) -> Table | None:
    """Every patient's figures, for readers who cannot see the plots."""
    names = [entrant.name for entrant in comparison.entrants]
    groups = []
    for metric in comparison.measures:
        values = comparison.per_patient.get(metric, {})
        patients = dict.fromkeys(patient for name in names for patient in values.get(name, {}))
        rows = tuple(
            Row(patient, tuple(Cell(figure(metric, values.get(name, {}).get(patient))) for name in names))
            for patient in patients
        )
        if rows:
            groups.append(RowGroup(comparison.heading(metric), rows))
    if not groups:
        return None
    subject = comparison.subject
    mean = f"A {subject} with several images counts with the mean over them."
    notes = (*(() if themselves(subject) else (mean,)), *short_protocol(systems))
    aside = sample_size(comparison)
    return Table(f"Figures by {subject}", capitalised(subject), tuple(names), tuple(groups), notes, aside=aside)


def _view_group(comparison: Comparison, view: str, metrics: Sequence[str]) -> RowGroup | None:
    if not any(comparison.values(view, metric, comparison.entrants) for metric in metrics):
        return None
    figures = [
        {metric: comparison.estimate(view, metric, entrant.name).value for metric in metrics}
        for entrant in comparison.systems
    ]
    best = best_values(figures, metrics)
    rows: list[Row] = []
    for entrant in (*comparison.systems, *comparison.observers):
        rows += _figure_rows(comparison, view, metrics, entrant, best if entrant.kind == "system" else {})
    return RowGroup(_VIEW_NAMES[view], tuple(rows))


def _figure_rows(
    comparison: Comparison, view: str, metrics: Sequence[str], entrant: Entrant, best: dict[str, float]
) -> Iterator[Row]:
    """The system's figures; under them, where there are several seeds, their spread."""
    human = entrant.kind == "observer"
    found = {metric: comparison.estimate(view, metric, entrant.name) for metric in metrics}
    cells = tuple(
        Cell(
            figure(metric, one.value),
            metric in best and one.value == best[metric],
            small=interval(metric, one.low, one.high),
        )
        for metric, one in found.items()
    )
    seeds = counted(entrant.seeds, "seed") if entrant.seeds > 1 else ""
    yield Row(entrant.name, cells, _HUMAN if human else seeds, human=human)
    if any(one.seed_sd is not None for one in found.values()):
        spread = tuple(Cell(figure(metric, one.seed_sd)) for metric, one in found.items())
        yield Row(entrant.name, spread, "spread over its seeds (SD)", minor=True)


def _figure_notes(comparison: Comparison, metrics: Sequence[str]) -> Iterator[str]:
    yield from direction_notes(metrics, comparison.several)
    if len(comparison.systems) > 1:
        yield "Bold: the best system of each column, which alone does not mean that the difference is significant."
    subjects = plural(comparison.subject)
    intervals = f"In brackets: 95% intervals, bootstrap over {subjects}, {whole(comparison.resamples)} resamples."
    if comparison.weak:
        intervals += (
            f" From {counted(comparison.n_patients, comparison.subject)} they are weak, and tend to be too narrow."
        )
    yield intervals
    if any(entrant.seeds > 1 for entrant in comparison.systems):
        yield f"The figures of a system with several seeds are means over them; the interval speaks of {subjects} only."
    ranking = [comparison.heading(metric) for metric in metrics if needs_scores(metric)]
    if ranking and comparison.observers:
        verb = "does" if len(ranking) == 1 else "do"
        yield f"A human observer’s drawing has no probabilities, so {listed(ranking)} {verb} not apply to it."
    if of_images := shape_metrics(metrics):
        named = listed(list(map(comparison.heading, of_images)))
        yield f"{named} are of whole images, so that pixels of several are not pooled."


def _pair_row(pair: Pair, tested: bool) -> Row:
    cells = [
        _signed(pair.metric, pair.difference),
        NOT_AVAILABLE
        if pair.low is None or pair.high is None
        else f"{_signed(pair.metric, pair.low)} to {_signed(pair.metric, pair.high)}",
    ]
    if tested:
        values = (pair.p_bootstrap, pair.p_bootstrap_holm, pair.p_wilcoxon, pair.p_wilcoxon_holm)
        cells += [*map(_p_value, values), _YES_NO[pair.significant]]
    cells += [NOT_AVAILABLE if pair.patients_needed is None else whole(pair.patients_needed), whole(pair.n_patients)]
    marked = cells.index("yes") if "yes" in cells else -1
    row = tuple(Cell(text, index == marked) for index, text in enumerate(cells))
    return Row(f"{pair.a} \N{MINUS SIGN} {pair.b}", row)


def _pair_notes(comparison: Comparison, shown: Sequence[Pair], tested: bool) -> Iterator[str]:
    subjects = plural(comparison.subject)
    if tested:
        yield (
            f"Paired bootstrap over the same {subjects} ({whole(comparison.resamples)} resamples), and Wilcoxon’s "
            f"signed-rank test of the {subjects}’ means, which has no pooled form. Holm’s correction is over all pairs "
            "of one metric and view. Significant: both tests below 5% after the correction; for a pooled figure, too, "
            f"the signed-rank test of the {subjects}’ means must agree, because with few {subjects} the bootstrap "
            "alone claims too often."
        )
    yield (
        f"{capitalised(subjects)} needed: about how many {subjects} would show a difference as large as this one, were "
        f"it real (80% power, 5% level); {NOT_AVAILABLE} where there is no difference to show."
    )
    if len(shown) < len(comparison.pairs):
        named = listed([comparison.heading(metric) for metric in dict.fromkeys(pair.metric for pair in shown)])
        yield (
            f"{len(shown)} of {whole(len(comparison.pairs))} comparisons are shown: those by {named}"
            f"{f' of {best_first(comparison)[0]}, the best system' if _of_one(comparison, shown) else ''}. "
            "All of them stand in pairs.csv."
        )


def _of_one(comparison: Comparison, shown: Sequence[Pair]) -> bool:
    """Whether the pairs of a metric that is shown are not all of its pairs."""
    metrics = {pair.metric for pair in shown}
    return len(shown) < sum(pair.metric in metrics for pair in comparison.pairs)


def _p_value(value: float | None) -> str:
    if value is None:
        return NOT_AVAILABLE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _signed(metric: str, value: float | None) -> str:
    text = figure(metric, value)
    return f"+{text}" if value is not None and value > 0 else text
