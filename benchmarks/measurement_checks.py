"""How far measurements of our maps are from those of a person's map, beside how far another person's are.

    python benchmarks/measurement_checks.py --run default --dataset chase
    python benchmarks/measurement_checks.py --run default --dataset hrf --split test

Takes each photograph's vessels from our map, from observer 1 and, where there is one, from observer 2; landmarks, scale
and field of view are the same for all. Prints a table: the mean absolute difference from observer 1, as a share of
observer 1's mean, and how often our interval holds observer 1's value.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from retseg.biomarkers.config import MeasureConfig
from retseg.biomarkers.eye import Eye
from retseg.biomarkers.interval import Interval
from retseg.biomarkers.measure import measure
from retseg.biomarkers.photograph import VesselMap, measure_photograph
from retseg.biomarkers.registry import BIOMARKERS
from retseg.biomarkers.units import Value
from retseg.core.errors import RetsegError
from retseg.core.manifest import Manifest
from retseg.core.types import Sample
from retseg.datasets.prepared import PreparedSet
from retseg.imaging.io import read_image, read_label
from retseg.imaging.maps import read_probability
from retseg.stages.predict import predict_prepared, split_samples
from retseg.stages.prepare import prepared_set
from retseg.stages.settings import load_settings

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """One photograph's measurements: ours, and those of the observers by name."""

    ours: Mapping[str, Interval]
    observers: Mapping[str, Numbers]


def photograph(predicted: Path, threshold: float, positive: int, config: MeasureConfig, sample: Sample) -> Found:
    """Measures one photograph in every way."""
    image = read_image(sample.image)
    mask, fov = (read_label(predicted / kind / f"{sample.id}.png") > 0 for kind in ("mask", "fov"))
    vessels = VesselMap(mask, read_probability(predicted / "prob" / f"{sample.id}.png"), threshold)
    made = measure_photograph(image, fov, vessels, config)
    observers = {}
    for name, path in sample.labels.items():
        eye = Eye((read_label(path) == positive) & fov, fov, made.um_per_pixel, made.disc, made.fovea)
        observers[name] = {key: one.number for key, one in measure(eye).items() if isinstance(one, Value)}
    ours = {name: one for name, one in made.measurements.items() if isinstance(one, Interval)}
    return Found(ours, observers)


def photographs(
    run: Path, dataset: str, split: str, maps: Path, config: MeasureConfig, workers: int, sets: Sequence[str] = ()
) -> list[Found]:
    """Measures every photograph of a dataset's split in every way; predicts it first into the folder `maps`."""
    settings = load_settings({}, sets, {"dataset.name": dataset, "evaluate.split": split})
    data = PreparedSet.open(prepared_set(settings).folder)
    predicted = predict_prepared(settings, data.folder, run=run, out=maps).folder
    threshold = float(Manifest.read(predicted).facts["threshold"]["threshold"])
    positive = data.classes.positive
    assert positive is not None
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(photograph, predicted, threshold, positive, config), split_samples(data, split)))


def holds(interval: Interval, value: float) -> bool:
    """Whether an interval holds a value."""
    return interval.low is not None and interval.high is not None and interval.low <= value <= interval.high


def print_table(found: Sequence[Found]) -> None:
    """One line a measurement, with those at the end named where our error is the larger."""
    reference, *others = next(iter(found)).observers
    print(
        f"| measurement | n | mean of {reference} | our error | {'error of ' + others[0] if others else '-'} | held |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    worse = []
    for name, measurement in BIOMARKERS.loadable().items():
        both = [one for one in found if name in one.ours and name in one.observers[reference]]
        if others:
            both = [one for one in both if name in one.observers[others[0]]]
        if not both:
            continue
        truth = np.array([one.observers[reference][name] for one in both])
        scale = float(np.abs(truth).mean()) or 1.0
        ours = float(np.abs(np.array([one.ours[name].value.number for one in both]) - truth).mean()) / scale
        held = float(np.mean([holds(one.ours[name], value) for one, value in zip(both, truth, strict=True)]))
        theirs = "-"
        if others:
            error = float(np.abs(np.array([one.observers[others[0]][name] for one in both]) - truth).mean()) / scale
            theirs = f"{100 * error:.1f}%"
            if ours > error:
                worse.append(measurement.title)
        cells = (
            measurement.title,
            len(both),
            f"{truth.mean():.4g}",
            f"{100 * ours:.1f}%",
            theirs,
            f"{100 * held:.0f}%",
        )
        print(f"| {' | '.join(map(str, cells))} |")
    if others:
        print(f"\nFurther from {reference} than {others[0]} is: {', '.join(worse) or 'none'}.")


def print_coverage(found: Sequence[Found]) -> None:
    """The share of all measurements whose interval holds the reference observer's value."""
    reference = next(iter(next(iter(found)).observers))
    held = [
        holds(interval, one.observers[reference][name])
        for one in found
        for name, interval in one.ours.items()
        if name in one.observers[reference]
    ]
    print(f"\n{100 * np.mean(held):.0f}% of {len(held)} intervals hold the value of {reference}.")


def show(arguments: argparse.Namespace) -> None:
    config = MeasureConfig(rejected=True)
    found = photographs(
        arguments.run, arguments.dataset, arguments.split, arguments.maps, config, arguments.workers, arguments.set
    )
    print(f"{arguments.dataset}, {arguments.split}: {len(found)} photographs\n")
    print_table(found)
    print_coverage(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("default"), help="a trained run, or `default`")
    parser.add_argument("--dataset", default="chase")
    parser.add_argument("--split", default="test")
    parser.add_argument("--maps", type=Path, default=Path("maps"), help="folder for the predictions")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for retseg")
    arguments = parser.parse_args()
    try:
        show(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


if __name__ == "__main__":
    main()
