"""What each choice about prediction gives, judged on the patients that a run set aside: how photographs are scaled,
how many views are averaged, how small a speck may be.

    python benchmarks/prediction_choices.py --run default
    python benchmarks/prediction_choices.py --run runs/weights-seed0 --set predict.specks=160 --set predict.gaps=4
    python benchmarks/prediction_choices.py --run runs/weights-seed0 --shrunk 540

The weights, the threshold and everything else stay as they are; one thing is changed at a time. With `--shrunk` each
photograph is first shrunk until its field of view is so many pixels wide, as a small camera would have taken it, and
its map is carried back to the grid of the truth. No test photograph is opened.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from retseg.core.device import choose_device
from retseg.core.errors import RetsegError
from retseg.core.types import CLASS_MAP, BoolArray, Case, Float32Array, UInt8Array
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.fov import fov_diameter
from retseg.inference.card import Card
from retseg.inference.checkpoint import LoadedModel, load_weights
from retseg.inference.config import PredictConfig
from retseg.inference.prediction import Prediction
from retseg.inference.predictor import Predictor
from retseg.inference.writer import PredictionWriter
from retseg.metrics.calibration import ECE
from retseg.metrics.ranking import ScoreHistogram, score_histogram
from retseg.metrics.shapes import Shapes
from retseg.metrics.topology import centreline_dice, pieces_difference
from retseg.stages.prepare import prepared_set
from retseg.stages.run_model import RunModel
from retseg.stages.settings import load_settings


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to predict: a card, which says how photographs are scaled, and the settings."""

    name: str
    card: Card
    config: PredictConfig


@dataclass(slots=True)
class Figures:
    """What a choice reached on the photographs of one dataset."""

    scores: ScoreHistogram
    cldice: list[float]
    betti0: list[float]

    def cells(self, threshold: float) -> list[str]:
        """AUC, Dice at the threshold, clDice, Betti-0 error, ECE."""
        values = (
            f"{self.scores.roc_auc():.4f}",
            f"{self.scores.counts_at(threshold).dice():.4f}",
            f"{np.mean(self.cldice):.4f}",
            f"{np.mean(self.betti0):.1f}",
            f"{ECE.function(self.scores):.4f}",
        )
        return list(values)


def choices(card: Card, config: PredictConfig) -> Iterator[Choice]:
    """What is compared; the first is how the run predicts by itself."""
    yield Choice("as it is", card, config)
    for diameter in sorted({*card.input.cameras.values()}):
        fixed = replace(card, calibre=None, input=card.input.model_copy(update={"diameter": diameter, "cameras": {}}))
        yield Choice(f"no first look: every field of view {diameter} pixels wide", fixed, config)
    if card.calibre is not None:
        for factor in (0.8, 0.9, 1.1, 1.2):
            yield Choice(f"vessels {factor:g} times as wide", replace(card, calibre=card.calibre * factor), config)
    for flips in (1, 4, 8):
        if flips != config.flips:
            yield Choice(f"{flips} views", card, config.model_copy(update={"flips": flips}))
    for least in (0.0, 60.0, 120.0, 240.0):
        if least != config.specks:
            name = f"specks below {least:g} millionths removed" if least else "specks stay"
            yield Choice(name, card, config.model_copy(update={"specks": least}))
    if config.gaps:
        yield Choice("gaps stay", card, config.model_copy(update={"gaps": 0.0}))


def measure(choice: Choice, model: LoadedModel, cases: list[Case], threshold: float, shrunk: int | None) -> Figures:
    """The figures of a choice over the photographs."""
    predictor = Predictor(LoadedModel(model.net, choice.card), choice.config, torch.device("cpu"))
    positive = predictor.classes.positive
    assert positive is not None
    config = choice.config
    writer = PredictionWriter(
        Path(), predictor.classes, threshold, all_classes=False, specks=config.specks, gaps=config.gaps
    )  # which decides here and writes nothing
    found = Figures(ScoreHistogram.empty(), [], [])
    for case in cases:
        image, fov = case.image, case.fov
        if shrunk is not None:
            image, fov = as_small(image, fov, shrunk)
        probability = as_large(predictor.probabilities(image, fov)[positive], case.fov.shape)
        stored, mask = writer.decided(Prediction(case.sample.id, case.image, case.fov, probability[None]))
        truth = case.targets[CLASS_MAP] == positive
        found.scores += score_histogram(stored[case.fov], truth[case.fov])
        shapes = Shapes(mask > 0, truth, case.fov)
        found.cldice.append(centreline_dice(shapes))
        found.betti0.append(pieces_difference(shapes))
    return found


def as_small(image: UInt8Array, fov: BoolArray, diameter: int) -> tuple[UInt8Array, BoolArray]:
    """The photograph as a camera would have taken it whose field of view is so many pixels wide."""
    factor = diameter / fov_diameter(fov)
    size = (round(fov.shape[1] * factor), round(fov.shape[0] * factor))
    picture = Image.fromarray(image).resize(size, Image.Resampling.BOX)
    return np.array(picture), np.array(Image.fromarray(fov).resize(size, Image.Resampling.NEAREST))


def as_large(values: Float32Array, shape: tuple[int, ...]) -> Float32Array:
    """A map on the grid (H, W) of the truth."""
    if values.shape == shape:
        return values
    return np.array(Image.fromarray(values).resize((shape[1], shape[0]), Image.Resampling.BILINEAR))


def show(arguments: argparse.Namespace) -> None:
    data = PreparedSet.open(prepared_set(load_settings({}, (), {"dataset.name": arguments.dataset})).folder)
    (member,) = RunModel.find(arguments.run, expect=data.classes).members
    model = load_weights(member.weights, choose_device("cpu"))
    point = model.card.operating_point
    assert point is not None
    config = load_settings({}, arguments.set).predict.over(model.card.predict)
    aside = [sample for sample in data.samples if sample.patient in model.card.validation_patients]
    groups: dict[str, list[Case]] = {}
    for sample in aside:
        groups.setdefault(data.dataset_of(sample), []).append(data.case(sample))
    heads = [f"{name}: {figure}" for name in groups for figure in ("AUC", "Dice", "clDice", "Betti-0", "ECE")]
    counts = ", ".join(f"{len(cases)} of {name}" for name, cases in groups.items())
    print(f"Validation photographs: {counts}; threshold {point.threshold:.4f}.\n")
    print(f"| what is changed | {' | '.join(heads)} |\n| --- |{' --- |' * len(heads)}")
    for choice in choices(model.card, config):
        cells: list[str] = []
        for cases in groups.values():
            cells += measure(choice, model, cases, point.threshold, arguments.shrunk).cells(point.threshold)
        print(f"| {choice.name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a finished run of a joined set, or `default`")
    parser.add_argument("--dataset", default="joined", help="the set it was trained on: its name or prepared folder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for retseg")
    parser.add_argument("--shrunk", type=int, metavar="PIXELS", help="first shrink the field of view to this width")
    arguments = parser.parse_args()
    try:
        show(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


if __name__ == "__main__":
    main()
