"""The curves of an evaluation, all systems in one chart: ROC, precision-recall, threshold sweep, reliability."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from retseg.reporting.figures import Series
from retseg.reporting.metric_headings import figure, heading
from retseg.reporting.numbers import Scores, mapping_in, number_in, numbers_in, scores_in
from retseg.reporting.plane_chart import Axis, Guide, Point, Strip, plane_chart
from retseg.reporting.run_files import RunRecord
from retseg.reporting.score_notes import protocol_notes
from retseg.reporting.score_tables import observers_of
from retseg.reporting.view_models import HUMAN_HUE, Cell, Chapter, Chart, Row, RowGroup, Table
from retseg.reporting.wording import listed, score, threshold, whole

_HUMAN_SHAPES = ("diamond", "square", "triangle")
_Decided = Callable[[Scores], tuple[float | None, float | None]]
"""Where a decision with these figures stands in a chart."""


def curve_chapter(records: Sequence[RunRecord]) -> Chapter | None:
    """The charts that curves.json allows, or None where no run has a curve."""
    drawn = [record for record in records if record.curves]
    if not drawn:
        return None
    areas = (*_roc_charts(records), *_precision_recall_charts(records))
    charts = (*areas, reliability_chart(records), *sweep_charts(records))
    table = reliability_table(records)
    remarks = [
        "A dot marks a system at its frozen threshold. The zoomed charts show the corner in which good systems differ; "
        "what is missing there lies outside of it."
    ]
    if observers_of(records):
        remarks.append("A human observer’s drawing is a single decision, so it is a single point and not a curve.")
    missing = [record.name for record in records if not record.curves]
    if missing:
        remarks.append(f"There are no curves of {listed(missing)}, whose probabilities are not known.")
    return Chapter(
        id="curves",
        heading="Curves",
        contents="Curves",
        remarks=tuple(remarks),
        charts=tuple(chart for chart in charts if chart is not None),
        fold="The reliability diagram in figures",
        folded=() if table is None else (table,),
        notes=tuple(protocol_notes(records)),
    )


def _roc_charts(records: Sequence[RunRecord]) -> list[Chart | None]:
    series = _series(records, "roc", "fpr", "tpr")
    points = _decisions(records, lambda f: (_less_from_one(f.get("specificity")), f.get("sensitivity")))
    description = _described(series, points, records, "auc")
    across, up = "False positive rate (1 − specificity)", "True positive rate (sensitivity)"
    chance = Guide((0, 0), (1, 1), label="chance")
    whole_one = plane_chart(
        "chart-roc", "ROC", Axis(across), Axis(up), series=series, points=points, guides=[chance],
        description=description,
    )  # fmt: skip
    zoomed = plane_chart(
        "chart-roc-zoomed", "ROC, zoomed", Axis(across, 0, 0.2), Axis(up, 0.8, 1), series=series, points=points,
        description=f"The corner up to 0.2 across and from 0.8 up. {description}",
    )  # fmt: skip
    return [whole_one, zoomed]


def _precision_recall_charts(records: Sequence[RunRecord]) -> list[Chart | None]:
    series = _series(records, "pr", "recall", "precision")
    points = _decisions(records, lambda f: (f.get("sensitivity"), f.get("precision")))
    description = _described(series, points, records, "ap")
    across, up = "Recall (sensitivity)", "Precision"
    whole_one = plane_chart(
        "chart-pr", "Precision and recall", Axis(across), Axis(up), series=series, points=points,
        description=description,
    )  # fmt: skip
    zoomed = plane_chart(
        "chart-pr-zoomed", "Precision and recall, zoomed", Axis(across, 0.6, 1), Axis(up, 0.6, 1), series=series,
        points=points, description=f"The corner from 0.6 on both axes. {description}",
    )  # fmt: skip
    return [whole_one, zoomed]


def sweep_charts(records: Sequence[RunRecord]) -> list[Chart]:
    """For each system Dice, sensitivity and precision by threshold, with the frozen threshold and its Dice marked."""
    charts = []
    for number, record in enumerate(records):
        sweep = mapping_in(record.curves.get("sweep"))
        thresholds = numbers_in(sweep.get("threshold"))
        known = {name: numbers_in(sweep.get(name)) for name in ("dice", "sensitivity", "precision")}
        series = [
            Series(heading(name), thresholds, values, hue=number, dash=dash)
            for dash, (name, values) in enumerate(known.items())
            if len(values) == len(thresholds) > 1
        ]
        frozen = number_in(record.curves.get("threshold"))
        frozen = record.threshold if frozen is None else frozen
        reached = scores_in(record.summary.get("pooled")).get("dice")
        guides, points, words = [], [], ""
        if frozen is not None:
            guides = [Guide((frozen, 1), (frozen, 0), text=f"frozen at {threshold(frozen)}", dash=0)]
        if frozen is not None and reached is not None:
            points = [Point(frozen, reached, number, text=f"Dice {score(reached)}")]
            words = f" At the frozen threshold {threshold(frozen)} the Dice is {score(reached)}."
        chart = plane_chart(
            f"chart-sweep-{number}",
            f"By threshold: {record.name}",
            Axis("Threshold"),
            Axis("All pixels pooled"),
            series=series,
            points=points,
            guides=guides,
            description=f"Lines: {listed([one.label for one in series])}.{words}",
        )
        if chart is not None and series:
            charts.append(chart)
    return charts


def reliability_chart(records: Sequence[RunRecord]) -> Chart | None:
    """How often a probability came true, with the number of pixels above, on a logarithmic scale."""
    series, points, strips, described = [], [], [], []
    for number, record in enumerate(records):
        bins = _bins(record)
        if bins is None:
            continue
        seen = [(c, o) for c, o in zip(bins["confidence"], bins["observed"], strict=True) if math.isfinite(c + o)]
        series.append(Series(record.name, [c for c, _ in seen], [o for _, o in seen], hue=number, dash=number))
        points += [Point(c, o, number, "small-dot") for c, o in seen]
        most = max(map(math.log1p, bins["count"]), default=0) or 1.0
        heights = [math.log1p(count) / most for count in bins["count"]]
        strips.append(Strip(bins["low"], bins["high"], heights, number))
        ece = scores_in(record.summary.get("pooled")).get("ece")
        error = "" if ece is None else f", ECE {figure('ece', ece)}"
        described.append(f"{record.name}: {whole(sum(bins['count']))} pixels{error}")
    return plane_chart(
        "chart-reliability",
        "Reliability",
        Axis("Probability that the system gave"),
        Axis("Share that was vessel; bars: pixels, logarithmic"),
        series=series,
        points=points,
        guides=[Guide((0, 0), (1, 1), label="as often as said")],
        strips=strips,
        description=f"Observed share against probability in 15 bins. {'; '.join(described)}. A table has the figures.",
    )


def reliability_table(records: Sequence[RunRecord]) -> Table | None:
    """The bins of the reliability diagram."""
    groups = []
    for record in records:
        bins = _bins(record)
        if bins is None:
            continue
        rows = tuple(
            Row(f"{low:.3f} to {high:.3f}", (Cell(score(confidence)), Cell(score(observed)), Cell(whole(count))))
            for low, high, confidence, observed, count in zip(
                *(bins[name] for name in ("low", "high", "confidence", "observed", "count")), strict=True
            )
        )
        groups.append(RowGroup(record.name, rows))
    if not groups:
        return None
    columns = ("Mean probability", "Share observed", "Pixels")
    notes = tuple(protocol_notes(records))
    return Table("Probabilities and what came of them", "Probability", columns, tuple(groups), notes)


def _bins(record: RunRecord) -> dict[str, tuple[float, ...]] | None:
    """The columns of the reliability diagram, or None where they are missing or of unequal length."""
    stored = mapping_in(record.curves.get("reliability"))
    bins = {name: numbers_in(stored.get(name)) for name in ("low", "high", "confidence", "observed", "count")}
    lengths = {len(values) for values in bins.values()}
    return bins if len(lengths) == 1 and 0 not in lengths else None


def _series(records: Sequence[RunRecord], curve: str, x: str, y: str) -> list[Series]:
    series = []
    for number, record in enumerate(records):
        stored = mapping_in(record.curves.get(curve))
        xs, ys = numbers_in(stored.get(x)), numbers_in(stored.get(y))
        if len(xs) == len(ys) > 1:
            series.append(Series(record.name, xs, ys, hue=number, dash=number))
    return series


def _decisions(records: Sequence[RunRecord], place: _Decided) -> list[Point]:
    """Each system's decision and each observer's drawing as a point, where both of its figures are known."""
    points = []
    for number, record in enumerate(records):
        x, y = place(scores_in(record.summary.get("pooled")))
        if x is not None and y is not None:
            label = "" if record.curves else record.name
            points.append(Point(x, y, number, "dot", label, tip=f"{record.name}: {score(x)}, {score(y)}"))
    for number, (name, figures) in enumerate(observers_of(records).items()):
        x, y = place(scores_in(figures.get("pooled")))
        if x is not None and y is not None:
            shape = _HUMAN_SHAPES[number % len(_HUMAN_SHAPES)]
            tip = f"{name}: {score(x)}, {score(y)}"
            points.append(Point(x, y, HUMAN_HUE, shape, f"{name} (human observer)", tip=tip))
    return points


def _described(series: Sequence[Series], points: Sequence[Point], records: Sequence[RunRecord], area: str) -> str:
    areas = {r.name: scores_in(r.summary.get("pooled")).get(area) for r in records}
    lines = [
        one.label + ("" if areas.get(one.label) is None else f" ({heading(area)} {score(areas[one.label])})")
        for one in series
    ]
    places = [point.tip for point in points if point.tip]
    return f"Lines: {listed(lines)}." + (f" Points: {'; '.join(places)}." if places else "")


def _less_from_one(value: float | None) -> float | None:
    return None if value is None else 1 - value
