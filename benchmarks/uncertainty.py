"""How well a model's uncertainty maps tell where its masks are wrong.

    python benchmarks/uncertainty.py --run default --dataset chase --out reports/uncertainty-chase
    python benchmarks/uncertainty.py --maps FOLDER --one-view FOLDER --dataset data/prepared/chase-KEY --split train

Reads `uncertainty/<id>.png` and `mask/<id>.png` of a folder of predictions, and asks of every pixel inside the field of
view whether the mask differs from the truth there. Beside the uncertainty stands p (1 - p) of a single view, which
costs nothing, against the same masks: the difference is what the further views are worth. It has to be another
prediction's p, because an entropy of the averaged map ranks pixels exactly as p (1 - p) of that map does. Nothing is
fitted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

import retseg
from retseg.core.config import merge, parse_assignments
from retseg.core.errors import RetsegError
from retseg.core.manifest import Manifest
from retseg.core.types import CLASS_MAP, BoolArray, Case, Float32Array, OperatingPoint
from retseg.datasets.prepared import PreparedSet
from retseg.evaluation.overlap import fit_overlap
from retseg.imaging.io import read_label
from retseg.imaging.maps import read_probability
from retseg.inference.card import Card
from retseg.metrics.counts import count
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.stages.predict import split_samples
from retseg.stages.prepare import prepared_set
from retseg.stages.settings import load_settings

Doubt = Callable[[str], Float32Array]
"""A map (H, W) in 0..1 for the id of a photograph: how much each pixel is doubted."""


def doubts_of(folder: Path, one_view: Path | None) -> dict[str, Doubt]:
    """What is compared, by the heading of its column."""

    def stored(identifier: str) -> Float32Array:
        return read_probability(folder / "uncertainty" / f"{identifier}.png")

    if one_view is None:
        return {"uncertainty": stored}

    def of_one_view(identifier: str) -> Float32Array:
        probability = read_probability(one_view / "prob" / f"{identifier}.png")
        return 4 * probability * (1 - probability)

    return {"uncertainty": stored, "one view's 4 p (1 - p)": of_one_view}


@dataclass(frozen=True, slots=True)
class Findings:
    """One kind of doubt against the errors of the masks.

    `pooled` counts the wrong (`pos`) and right (`neg`) pixels at each level of doubt; `means` and `losses` are each
    photograph's mean doubt and 1 - Dice.
    """

    pooled: ScoreHistogram
    means: tuple[float, ...]
    losses: tuple[float, ...]

    def correlation(self) -> float:
        """Pearson's correlation over pixels of the doubt and being wrong (0 or 1): the point-biserial one."""
        wrong, right, level = self.pooled.pos, self.pooled.neg, self.pooled.level
        number, share = self.pooled.positives + self.pooled.negatives, self.error_rate()
        mean = ((wrong + right) @ level) / number
        variance = ((wrong + right) @ (level - mean) ** 2) / number
        if variance == 0 or share in (0, 1):
            return float("nan")
        together = (wrong @ level) / number - mean * share
        return float(together / np.sqrt(variance * share * (1 - share)))

    def auroc(self) -> float:
        """How often a wrong pixel is doubted more than a right one, ties counting one half."""
        return self.pooled.roc_auc()

    def error_rate(self) -> float:
        """Share of all pixels where the mask is wrong."""
        return self.pooled.positives / (self.pooled.positives + self.pooled.negatives)

    def rates(self, parts: int = 10) -> list[float]:
        """Share of wrong pixels in equal parts of all pixels, the least doubted first.

        Pixels of one level are alike: where a border falls among them, both sides get the level's own share.
        """
        pixels = np.concatenate([[0], np.cumsum(self.pooled.pos + self.pooled.neg)])
        wrong = np.concatenate([[0], np.cumsum(self.pooled.pos)])
        borders = np.linspace(0, pixels[-1], parts + 1)
        return list(np.diff(np.interp(borders, pixels, wrong)) / np.diff(borders))

    def spearman(self) -> float:
        """Rank correlation over photographs of mean doubt and 1 - Dice; NaN for fewer than three."""
        return float(spearmanr(self.means, self.losses).statistic) if len(self.means) > 2 else float("nan")


def find(folder: Path, cases: Iterable[Case], positive: int, doubts: Mapping[str, Doubt]) -> dict[str, Findings]:
    """Each kind of doubt against the masks in `folder`, one case at a time; pixels inside the field of view count."""
    pooled = dict.fromkeys(doubts, ScoreHistogram.empty())
    means: dict[str, list[float]] = {name: [] for name in doubts}
    losses = []
    for case in cases:
        truth = (case.targets[CLASS_MAP] == positive)[case.fov]
        mask: BoolArray = (read_label(folder / "mask" / f"{case.sample.id}.png") > 0)[case.fov]
        losses.append(1 - count(mask, truth).dice())
        for name, doubt in doubts.items():
            levels = quantise(doubt(case.sample.id)[case.fov])
            pooled[name] += score_histogram(levels, mask != truth)
            means[name].append(float(levels.mean()))
    return {name: Findings(pooled[name], tuple(means[name]), tuple(losses)) for name in doubts}


def table(found: dict[str, Findings]) -> list[str]:
    """Markdown, a column for each kind of doubt."""
    rows: dict[str, list[str]] = {
        "correlation with error over pixels": [f"{one.correlation():.3f}" for one in found.values()],
        "AUROC for finding errors": [f"{one.auroc():.4f}" for one in found.values()],
        "correlation with 1 - Dice over photographs (Spearman)": [f"{one.spearman():.3f}" for one in found.values()],
    }
    for number, rates in enumerate(zip(*(one.rates() for one in found.values()), strict=True), 1):
        end = " (least doubted)" if number == 1 else " (most doubted)" if number == 10 else ""
        rows[f"error rate in tenth {number}{end}"] = [f"{rate:.4f}" for rate in rates]
    lines = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return [f"| | {' | '.join(found)} |", "| --- |" + " --- |" * len(found), *lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", help="a run's folder or name, or `default`; predicted with four views and with one")
    source.add_argument("--maps", type=Path, help="a folder of predictions with uncertainty/ in it")
    parser.add_argument("--one-view", type=Path, help="with --maps: predictions of the same run without averaging")
    parser.add_argument("--dataset", required=True, help="name of a set, or a prepared folder")
    parser.add_argument("--out", type=Path, help="where the predictions of --run are written; beside it, -one-view")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, help="only the first N photographs are judged")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting, as for retseg")
    arguments = parser.parse_args()
    if arguments.run and not arguments.out:
        parser.error("--run needs --out")
    try:
        show(arguments)
    except RetsegError as error:
        parser.exit(1, f"{error.line}\n")


def show(arguments: argparse.Namespace) -> None:
    prepared = prepared_set(load_settings({}, (), {"dataset.name": arguments.dataset})).folder
    data = PreparedSet.open(prepared)
    positive = data.classes.positive
    assert positive is not None
    samples = split_samples(data, arguments.split)[: arguments.limit]
    folder, one_view = arguments.maps, arguments.one_view
    if arguments.run:
        folder = predicted(arguments, prepared, arguments.out, {"uncertainty": True, "flips": 4})
        plain = arguments.out.with_name(f"{arguments.out.name}-one-view")
        one_view = predicted(arguments, prepared, plain, {"uncertainty": False, "flips": 1})
    found = find(folder, (data.case(sample) for sample in samples), positive, doubts_of(folder, one_view))
    rate = next(iter(found.values())).error_rate()
    print(f"### {data.name}, {arguments.split}: {len(samples)} photographs, {rate:.2%} of the pixels wrong\n")
    print("\n".join(table(found)))
    facts = manifest.facts if (manifest := Manifest.find(folder)) else {}
    if "card" in facts:
        point = OperatingPoint.from_json(facts["threshold"])
        patients = [sample.patient for sample in samples]
        if overlap := fit_overlap(data.name, patients, point, Card.from_json(facts["card"])):
            print(f"\nNOT A TEST: {overlap.words}.")


def predicted(arguments: argparse.Namespace, prepared: Path, out: Path, views: Mapping[str, Any]) -> Path:
    """A folder of predictions with these views, made now unless it is there."""
    given = merge(parse_assignments(arguments.set), {"predict": views, "evaluate": {"split": arguments.split}})
    return retseg.predict(prepared=prepared, run=arguments.run, out=out, set=given, device=arguments.device)


if __name__ == "__main__":
    main()
