"""The model card: everything that a weights file says about itself, as Markdown to read."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import torch
import yaml

from retseg.core.errors import InputError
from retseg.core.types import Classes
from retseg.evaluation.config import METRICS_OF_THE_PROTOCOL
from retseg.inference.card import Card
from retseg.inference.checkpoint import load_weights
from retseg.inference.provenance import Figure, Provenance, ScoredSet
from retseg.metrics.registry import METRICS
from retseg.models.registry import MODELS
from retseg.reporting.making import title_of
from retseg.reporting.metric_headings import heading
from retseg.stages.find_net import weights_called
from retseg.stages.provenance import provenance_of
from retseg.stages.scored_sets import scored_set
from retseg.stages.sources import sources_of

_NOT_TOLD = "This file does not tell."
_CALIBRATION = ("ece", "ace", "brier")


def model_card(name: str) -> str:
    """The card of a shipped model, a run (its folder or name) or a weights file, as Markdown."""
    path = weights_called(name)
    model = load_weights(path, torch.device("cpu"))
    told = model.card.provenance or _of_run(path, model.card)
    parameters = sum(parameter.numel() for parameter in model.net.parameters())
    sections = {
        "": _heading(told.name if told else path.stem, model.card),
        "What it is": _what(model.card, parameters, path.stat().st_size, told),
        "Input and output": _input_and_output(model.card),
        "Trained on": _trained_on(model.card, told),
        "Figures": _results(told),
        "Threshold": _threshold(model.card),
        "Calibration": _calibration(told),
        "Intended use and limits": _use(told),
        "How to cite": _citation(model.card, told),
        "How it was made": _making(model.card, told),
    }
    blocks = [
        "\n".join([f"## {title}", "", *lines] if title else lines)
        for title, lines in ((title, list(lines)) for title, lines in sections.items())
    ]
    return "\n\n".join(blocks) + "\n"


def _of_run(path: Path, card: Card) -> Provenance | None:
    """What a run's own folder tells, with its evaluations; None for a weights file by itself."""
    run = path.parent.parent
    if path.parent.name != "train" or not (path.parent / "manifest.json").is_file():
        return None
    return provenance_of(run, card, run.name, list(_scored(run, card)))


def _scored(run: Path, card: Card) -> Iterator[ScoredSet]:
    """Figures of the run's evaluations; one of earlier weights, or without labels, has none to tell."""
    for manifest in sorted(run.glob("evaluate/*/manifest.json")):
        with suppress(InputError):
            yield scored_set(manifest.parent, card, run.name)


def _heading(name: str, card: Card) -> Iterator[str]:
    yield f"# Model card: {name}"
    yield ""
    yield f"A {card.arch} for {card.classes.name}, trained on {_sources(card)}."


def _what(card: Card, parameters: int, size: int, told: Provenance | None) -> Iterator[str]:
    architecture = MODELS.get(card.arch)
    yield f"- Net: {card.arch}. {architecture.about.rstrip('.')}."
    yield f"- Size: {parameters:,} parameters; the file has {size / 1e6:.2f} MB."
    options = ", ".join(f"{key} {value}" for key, value in card.options.items())
    yield f"- Options: {options or 'none'}."
    if told is not None:
        yield f"- Licence of the weights: {told.licence}."


def _input_and_output(card: Card) -> Iterator[str]:
    classes = card.classes
    yield f"- Input: a photograph of any size with 8 bits a channel (RGB), {', '.join(_brought(card))}."
    names = ", ".join(classes.names)
    yield f"- Output: for each pixel of the photograph the probability of each of {classes.count} classes: {names}."
    if classes.positive is not None:
        yield f"- Score: the probability of '{classes.names[classes.positive]}'."
    if card.heads:
        yield f"- Beside the classes it tells: {', '.join(card.heads)}."


def _brought(card: Card) -> Iterator[str]:
    """How a photograph is brought to the net, in words."""
    made = card.input
    if made.crop:
        yield "cut to its field of view"
    if card.calibre is not None and made.cameras:
        low, high = min(made.cameras.values()), max(made.cameras.values())
        yield f"looked at {made.diameter} pixels wide"
        yield f"scaled until its vessels are {card.calibre:.1f} pixels wide on average ({low} to {high} in training)"
    elif made.diameter is not None:
        yield f"scaled to a field of view {made.diameter} pixels wide"
    if made.normalise == "fov":
        yield "with zero mean and unit deviation of each colour inside the field of view"


def _trained_on(card: Card, told: Provenance | None) -> Iterator[str]:
    subject = card.classes.subject
    for line in told.credits if told else map(title_of, sources_of(card)):
        yield f"- {line.rstrip('.')}."
    yield ""
    yield "| photographs of | which |"
    yield "| --- | --- |"
    for split, ids in card.splits.items():
        yield f"| {split} | {len(ids)}: {', '.join(ids) or 'none'} |"
    yield ""
    yield f"- {_count(card.train_patients, subject)} set the weights: {_named(card.train_patients)}."
    if card.validation_patients:
        chose = "chose the epoch or fitted the threshold"
        yield f"- {_count(card.validation_patients, subject)} {chose}: {_named(card.validation_patients)}."
    for name in sources_of(card):
        if name != card.dataset:
            known = sorted(card.patients_behind_weights(name))
            yield f"- Of {title_of(name)} {_count(known, subject)} had a part in it: {_named(known)}."
    if card.unseen:
        yield f"- No label contained: {', '.join(card.unseen)}."


def _results(told: Provenance | None) -> Iterator[str]:
    if told is None or not told.results:
        yield "None are told: score it with `retseg evaluate`."
        return
    for number, result in enumerate(told.results):
        yield from [""] if number else []
        people = f"{result.n_images} photographs, n = {result.n_subjects} {result.subject}s"
        yield f"### {result.dataset}, {result.split}: {people}"
        yield ""
        yield "| figure | pooled (95% interval) | mean over photographs (95% interval) |"
        yield "| --- | --- | --- |"
        for metric in _in_order({*result.pooled, *result.means}):
            cells = (_cell(metric, view.get(metric)) for view in (result.pooled, result.means))
            yield f"| {heading(metric)} | {' | '.join(cells)} |"
        yield ""
        yield f"{result.protocol}"
        yield ""
        yield f"Made by: `{result.command}`"


def _threshold(card: Card) -> Iterator[str]:
    point = card.operating_point
    if point is None:
        yield "None: each pixel is given its most probable class."
        return
    reached = f", which reached {point.value:.4f} there" if point.value is not None else ""
    yield f"Above {point.threshold:.4f} a pixel counts as {_positive(card.classes)}."
    yield f"It is frozen: {point.criterion}{reached}."
    if point.patients:
        of = f"{title_of(point.dataset)}, {point.split}"
        yield f"It was fitted on {_count(point.patients, card.classes.subject)} of {of}: {_named(point.patients)}."


def _calibration(told: Provenance | None) -> Iterator[str]:
    results = told.results if told else ()
    rows = [(result, metric) for result in results for metric in _CALIBRATION if metric in result.pooled]
    if not rows:
        yield _NOT_TOLD
    for result, metric in rows:
        yield f"- {heading(metric)} on {_words(result)}: {_cell(metric, result.pooled[metric])}."


def _use(told: Provenance | None) -> Iterator[str]:
    if told is None:
        yield _NOT_TOLD
        return
    yield told.use
    yield ""
    yield from (f"- {limit}" for limit in told.limits)


def _citation(card: Card, told: Provenance | None) -> Iterator[str]:
    version = f" {card.retseg}" if card.retseg else ""
    yield f"Name the tool and the model (retseg{version}, model `{told.name if told else card.arch}`), and cite:"
    yield ""
    yield f"- the net: {MODELS.get(card.arch).citation.rstrip('.')}."
    yield from (f"- the photographs: {line.rstrip('.')}." for line in (told.credits if told else ()))


def _making(card: Card, told: Provenance | None) -> Iterator[str]:
    yield f"- With: retseg {card.retseg or 'from source'}, PyTorch {card.torch}, seed {card.seed}, epoch {card.epoch}."
    if told is None:
        return
    yield f"- Commit: {told.git_commit or 'not known'}"
    yield f"- Hardware: {told.hardware or 'not known'}"
    yield f"- Training: {told.training or 'not known'}"
    yield ""
    yield "```yaml"
    yield yaml.safe_dump(dict(told.config), sort_keys=False, allow_unicode=True, width=110).rstrip()
    yield "```"


def _sources(card: Card) -> str:
    return " and ".join(map(title_of, sources_of(card))) or "an unnamed dataset"


def _cell(metric: str, figure: Figure | None) -> str:
    if figure is None:
        return "-"
    unbounded = metric in METRICS and math.isinf(METRICS.get(metric).range[1])
    value, low, high = (
        None if x is None else f"{x:.{2 if unbounded else 4}f}" for x in (figure.value, figure.low, figure.high)
    )
    return f"{value} ({low} to {high})" if low is not None else str(value)


def _in_order(metrics: Collection[str]) -> list[str]:
    """The protocol's metrics in its order, then any others."""
    first = [metric for metric in METRICS_OF_THE_PROTOCOL if metric in metrics]
    return [*first, *sorted(set(metrics) - set(first))]


def _words(result: ScoredSet) -> str:
    return f"{result.dataset}, {result.split} (n = {result.n_subjects} {result.subject}s)"


def _positive(classes: Classes) -> str:
    return classes.names[classes.positive] if classes.positive is not None else "its class"


def _count(people: Iterable[str], subject: str) -> str:
    number = len(list(people))
    return f"{number} {subject}" + ("" if number == 1 else "s")


def _named(people: Iterable[str]) -> str:
    return ", ".join(people) or "none"
