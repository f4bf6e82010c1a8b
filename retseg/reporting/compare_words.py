"""The comparison in one paragraph for a reader who is no statistician: who is best by what, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retseg.reporting.compare_files import FEWEST_PATIENTS, MEAN, Comparison, Pair
from retseg.reporting.compare_views import interval_in_words, ranked_names
from retseg.reporting.metric_headings import figure, lower_is_better
from retseg.reporting.subjects import images_of, plural
from retseg.reporting.wording import counted, listed

_SHOWN_PAIRS = 3
_MOST_NAMES = 4
_LEVEL = 0.05


def comparison_title(comparison: Comparison, dataset: str) -> str:
    """What is compared on what; many systems are counted and not named."""
    names = [entrant.name for entrant in comparison.systems]
    what = listed(names) if len(names) <= _MOST_NAMES else counted(len(names), "system")
    return f"{what} compared on {dataset}"


def comparison_summary(comparison: Comparison, dataset: str) -> str:
    """The page's first paragraph."""
    sentences = [_who(comparison, dataset), *_ranking(comparison), *_human(comparison)]
    return " ".join([*sentences, weak_words(comparison) if comparison.weak else _significance(comparison)])


def smallest_p(patients: int) -> float:
    """The smallest p value that a two-sided Wilcoxon signed-rank test of so many patients can give."""
    return float(min(1.0, 2.0 ** (1 - patients)))


def weak_words(comparison: Comparison) -> str:
    """Why there is no significance test, and what one would take."""
    count, subjects = comparison.n_patients, plural(comparison.subject)
    few = (
        f"with {counted(count, comparison.subject)} the smallest p value that a Wilcoxon test can give is "
        f"{smallest_p(count)}"
    )
    needed = [
        f"{counted(pair.patients_needed, comparison.subject)} for {pair.a} against {pair.b}"
        for pair in _leading_pairs(comparison)
        if pair.patients_needed is not None
    ]
    to_show = f" To show differences in {comparison.inline(_first(comparison))} as large as these would take about "
    return (
        f"No significance test is made: {few}, so that no difference, however large, could pass for significant. "
        f"A test needs at least {FEWEST_PATIENTS} {subjects}."
        f"{to_show + listed(needed) + '.' if needed else ''}"
        f" Use a set with more {subjects}, or {comparison.subject}-wise folds over a whole set."
        " The intervals are weak for the same reason."
    )


def pair_words(pair: Pair) -> str:
    """`A over B by 0.012 (95% interval 0.004 to 0.020)`, with the better system first."""
    # The better system comes first, whichever way the metric points.
    swapped = ((pair.difference or 0) < 0) != bool(lower_is_better((pair.metric,)))
    better, worse = (pair.b, pair.a) if swapped else (pair.a, pair.b)
    low, high = pair.low, pair.high
    if (pair.difference or 0) < 0 and low is not None and high is not None:
        low, high = -high, -low
    within = interval_in_words(pair.metric, low, high)
    text = f"{better} over {worse} by {figure(pair.metric, abs(pair.difference or 0))}"
    return f"{text} ({within})" if within else text


def _first(comparison: Comparison) -> str:
    """The metric that systems are ranked by."""
    return next(iter((*comparison.measures, *comparison.metrics)), "")


def _who(comparison: Comparison, dataset: str) -> str:
    systems, observers = comparison.systems, comparison.observers
    parts = [counted(len(systems), "system")]
    if observers:
        parts.append(counted(len(observers), "human observer"))
    images = images_of(comparison.n_images, comparison.n_patients, comparison.subject)
    alone = len(systems) + len(observers) == 1
    return f"{listed(parts)} {'was' if alone else 'were'} judged on the same {images} from {dataset}."


def _ranking(comparison: Comparison) -> Iterator[str]:
    """One sentence a metric: the best system and the one after it."""
    for metric in comparison.measures or comparison.metrics[:1]:
        view = comparison.view_of(metric)
        values = comparison.values(view, metric, comparison.systems)
        if not values:
            continue
        over = "mean over the images" if view == MEAN else "all pixels pooled"
        ranked = ranked_names(metric, values)
        best = comparison.estimate(view, metric, ranked[0])
        shares = [name for name in ranked if figure(metric, values[name]) == figure(metric, best.value)]
        within = interval_in_words(metric, best.low, best.high)
        value = f"{figure(metric, best.value)}{f' ({within})' if within else ''}"
        if len(values) == 1:
            yield f"The {comparison.inline(metric)} ({over}) of {ranked[0]} is {value}."
        elif len(shares) > 1:
            yield f"By {comparison.inline(metric)} ({over}), {listed(shares)} share the first place with {value}."
        else:
            follows = f"{ranked[1]} follows with {figure(metric, values[ranked[1]])}"
            yield f"By {comparison.inline(metric)} ({over}), {ranked[0]} is best with {value}; {follows}."


def _human(comparison: Comparison) -> Iterator[str]:
    metric = _first(comparison)
    view = comparison.view_of(metric)
    for name, value in comparison.values(view, metric, comparison.observers).items():
        yield f"A human observer ({name}) reaches a {comparison.inline(metric)} of {figure(metric, value)}."


def _significance(comparison: Comparison) -> str:
    tested = [pair for pair in _headline_pairs(comparison) if pair.significant is not None]
    if not tested:
        return "No significance test was made."
    sentences, without = [], []
    for metric in dict.fromkeys(pair.metric for pair in tested):
        pairs = [pair for pair in tested if pair.metric == metric]
        found = sorted((pair for pair in pairs if pair.significant), key=lambda pair: -abs(pair.difference or 0))
        if not found:
            without.append(metric)
            continue
        shown = [pair_words(pair) for pair in found[:_SHOWN_PAIRS]]
        rest = f"; and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
        share = f"{len(found)} of {counted(len(pairs), 'difference')}" if len(pairs) > 1 else "the difference"
        verb = "is" if len(found) == 1 else "are"
        sentences.append(f"In {comparison.inline(metric)}, {share} {verb} significant: {'; '.join(shown)}{rest}.")
    if without:
        sentences.append(f"In {listed(list(map(comparison.inline, without)))}, no difference is significant.")
        sentences += _too_many_pairs(comparison, [pair for pair in tested if pair.metric in without])
    return " ".join([*sentences, "Significant means beyond the 5% level after Holm’s correction over all pairs."])


def _too_many_pairs(comparison: Comparison, pairs: Sequence[Pair]) -> Iterator[str]:
    """Says so where Holm's correction over so many pairs leaves no signed-rank test a chance."""
    ranked = [pair for pair in pairs if pair.view == MEAN]
    most = max((sum(other.metric == pair.metric for other in ranked) for pair in ranked), default=0)
    smallest = smallest_p(comparison.n_patients)
    if smallest < _LEVEL <= smallest * most:
        patients = counted(comparison.n_patients, comparison.subject)
        yield (
            f"For means over images none could be: the smallest p that {patients} can give is {smallest:.3f}, and a "
            f"correction over {counted(most, 'pair')} takes it beyond 5%. Compare fewer systems, or more "
            f"{plural(comparison.subject)}."
        )


def _headline_pairs(comparison: Comparison) -> list[Pair]:
    """The pairs of the metrics that are spoken of, each in the view that it is spoken of in."""
    chosen = {metric: comparison.view_of(metric) for metric in comparison.measures or comparison.metrics[:1]}
    return [pair for pair in comparison.pairs if chosen.get(pair.metric) == pair.view]


def _leading_pairs(comparison: Comparison) -> list[Pair]:
    """The best system against the others by the first metric, the closest rivals first."""
    metric = _first(comparison)
    values = comparison.values(comparison.view_of(metric), metric, comparison.systems)
    if not values:
        return []
    best = ranked_names(metric, values)[0]
    pairs = [p for p in _headline_pairs(comparison) if p.metric == metric and best in (p.a, p.b)]
    return sorted(pairs, key=lambda pair: abs(pair.difference or 0))[:_SHOWN_PAIRS]


def best_first(comparison: Comparison) -> list[str]:
    """The names of the systems by the first metric, the best first; those without a figure last."""
    metric = _first(comparison)
    ranked = ranked_names(metric, comparison.values(comparison.view_of(metric), metric, comparison.systems))
    return [*ranked, *(entrant.name for entrant in comparison.systems if entrant.name not in ranked)]
