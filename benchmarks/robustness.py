"""How much a model's maps lose when the photographs are worse, smaller, larger, turned or of another colour.

    python benchmarks/robustness.py --run default --dataset chase
    python benchmarks/robustness.py --run runs/weights-seed0 --dataset data/prepared/chase-KEY --split train --limit 4

Each photograph is degraded and predicted as a user would: the field of view is found anew. The map goes back to the
photograph's own grid and is judged there, inside the set's own field of view, against the untouched truth, at the
model's own frozen threshold. Nothing is fitted. Outside the field of view that was found the map counts as 0, as in the
mask; so does all of it where no field of view is found or the photograph is not taken for one of the retina.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from degradations import DEGRADATIONS, UNTOUCHED, Degradation

from retseg.core.config import parse_assignments
from retseg.core.device import choose_device
from retseg.core.errors import ImageError, RetsegError
from retseg.core.progress import progress
from retseg.core.types import CLASS_MAP, Case, Float32Array, UInt8Array
from retseg.datasets.prepared import PreparedSet
from retseg.evaluation.overlap import fit_overlap
from retseg.imaging.fov import estimate_fov
from retseg.imaging.fundus_check import NO_FUNDUS, check_fundus
from retseg.inference.prediction import Predicts
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.stages.predict import split_samples
from retseg.stages.prepare import prepared_set
from retseg.stages.run_model import RunModel, open_predictor
from retseg.stages.settings import load_settings

_MOST_LOST = 0.05
"""The fall of the pooled Dice that the project allows itself within the promised ranges."""


@dataclass(slots=True)
class Tally:
    """What one degradation left of a set: the pooled scores, and each photograph's Dice by its id."""

    pooled: ScoreHistogram
    dice: dict[str, float]
    blank: int = 0

    def add(self, identifier: str, scores: ScoreHistogram, threshold: float) -> None:
        """Counts one photograph in."""
        self.pooled += scores
        self.dice[identifier] = scores.counts_at(threshold).dice()


def measure(
    predictor: Predicts,
    threshold: float,
    cases: Iterable[Case],
    degradations: Sequence[Degradation],
    check: bool = True,
    done: Callable[[str], object] = lambda name: None,
) -> dict[str, Tally]:
    """The tallies of the untouched photographs and of every degradation, by name; `done` hears of each photograph."""
    everything = (UNTOUCHED, *degradations)
    tallies = {one.name: Tally(ScoreHistogram.empty(), {}) for one in everything}
    for case in cases:
        truth = (case.targets[CLASS_MAP] == predictor.classes.positive)[case.fov]
        for one in everything:
            found = predicted(predictor, one.worsen(case.image), check)
            tally = tallies[one.name]
            if found is None:
                tally.blank += 1
                values = np.zeros(case.fov.shape, np.float32)
            else:
                values = one.back(found, (case.fov.shape[0], case.fov.shape[1]))
            tally.add(case.sample.id, score_histogram(quantise(values[case.fov]), truth), threshold)
            done(f"{case.sample.id}, {one.name}")
    return tallies


def predicted(predictor: Predicts, image: UInt8Array, check: bool) -> Float32Array | None:
    """The map (H, W) of a photograph, 0 outside the field of view found in it.

    None where `predict` would leave the mask blank: no field of view, or with `check` not taken for a retina.
    """
    try:
        fov = estimate_fov(image)
    except ImageError:
        return None
    if check and check_fundus(image, fov).level == NO_FUNDUS:
        return None
    (prediction,) = predictor.probabilities_of_many([("", image, fov)])
    seen: Float32Array = prediction.positive(predictor.classes) * fov
    return seen


def table(tallies: dict[str, Tally], threshold: float, degradations: Sequence[Degradation]) -> list[str]:
    """Markdown: pooled Dice, its change, AUC, and the photograph that lost most."""
    whole = tallies[UNTOUCHED.name]
    base = whole.pooled.counts_at(threshold).dice()
    lines = [
        "| degradation | Dice | change | AUC | worst photograph's change |",
        "| --- | --- | --- | --- | --- |",
        f"| {UNTOUCHED.name} | {base:.4f} | - | {whole.pooled.roc_auc():.4f} | - |",
    ]
    falls = {}
    for one in degradations:
        tally = tallies[one.name]
        dice = tally.pooled.counts_at(threshold).dice()
        changes = {name: value - whole.dice[name] for name, value in tally.dice.items()}
        worst = min(changes, key=lambda name: changes[name])
        name = one.name + (f" ({tally.blank} left blank)" if tally.blank else "")
        auc = tally.pooled.roc_auc()
        lines.append(f"| {name} | {dice:.4f} | {dice - base:+.4f} | {auc:.4f} | {changes[worst]:+.4f} ({worst}) |")
        if one.promised:
            falls[one.name] = base - dice
    most = max(falls, key=lambda name: falls[name])
    verdict = "within" if falls[most] <= _MOST_LOST else "beyond"
    outside = ", ".join(one.name for one in degradations if not one.promised)
    return [
        *lines,
        "",
        f"Largest fall of the pooled Dice: {falls[most]:.4f} ({most}), {verdict} the promised {_MOST_LOST}."
        + (f" Not counted: {outside}." if outside else ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a run's folder or name, or `default`")
    parser.add_argument("--dataset", required=True, help="name of a set, or a prepared folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="only the first N photographs")
    parser.add_argument("--threads", type=int, help="threads of torch")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for retseg")
    arguments = parser.parse_args()
    try:
        show(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


def show(arguments: argparse.Namespace) -> None:
    import torch

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings = load_settings(parse_assignments(arguments.set), (), {"dataset.name": arguments.dataset})
    data = PreparedSet.open(prepared_set(settings).folder)
    model = RunModel.find(arguments.run, expect=data.classes)
    config = settings.predict.over(model.card.predict)
    predictor = open_predictor([member.weights for member in model.members], config, choose_device(arguments.device))
    point = model.operating_point(config)
    assert point is not None
    samples = split_samples(data, arguments.split)[: arguments.limit]
    cases = (data.case(sample) for sample in samples)
    with progress("Degrading", len(samples) * (1 + len(DEGRADATIONS)), unit="map") as bar:
        tallies = measure(
            predictor,
            point.threshold,
            cases,
            DEGRADATIONS,
            settings.predict.check,
            lambda name: bar.advance(1, name),
        )
    print(f"### {data.name}, {arguments.split}: {len(samples)} photographs, threshold {point.threshold:.4f}\n")
    print("\n".join(table(tallies, point.threshold, DEGRADATIONS)))
    if overlap := fit_overlap(data.name, (sample.patient for sample in samples), point, model.card):
        print(f"\nNOT A TEST: {overlap.words}.")


if __name__ == "__main__":
    main()
