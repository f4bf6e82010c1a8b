"""Measures how fast the metrics are beside the libraries that people would use, and how exact.

    python benchmarks/metrics.py
    python benchmarks/metrics.py --root path/to/HRF

The first part draws 20 maps of DRIVE's size and scores them pooled. With `--root`, a folder with `manual1/<name>.tif`
and `mask/<name>_mask.tif`, one full-size image is judged by shape and by vessel width, too; its prediction is the truth
moved, eroded and made noisy. Both sides take turns in one process, and what is printed are medians; OMP_NUM_THREADS=1
keeps both on one core.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from retseg.core.types import BoolArray, UInt16Array
from retseg.imaging.io import list_images, plain_stem, read_label
from retseg.imaging.label_maps import binary_mask
from retseg.metrics.counts import Counts
from retseg.metrics.metric import Metric
from retseg.metrics.ranking import ScoreHistogram, quantise, score_histogram
from retseg.metrics.registry import METRICS
from retseg.metrics.shapes import Shapes
from retseg.metrics.width import BANDS, EDGES, band_counts, band_histograms

IMAGES, HEIGHT, WIDTH, RADIUS = 20, 584, 565, 270

Pixels = list[tuple[UInt16Array, BoolArray]]
METRIC_LIST = [METRICS.get(name) for name in METRICS.names()]


def needing(what: str) -> list[Metric]:
    return [metric for metric in METRIC_LIST if metric.needs == what]


def race(ours: Callable[[], Any], theirs: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Median seconds of both, taking turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for function, own in zip((ours, theirs), seconds, strict=True):
            start = time.perf_counter()
            function()
            own.append(time.perf_counter() - start)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def show(what: str, ours: float, theirs: float, goal: str = "") -> None:
    print(f"{what:<52} {ours:8.3f} s {theirs:8.3f} s   {theirs / ours:6.1f} times as fast{goal}")


def drawn_pixels() -> Pixels:
    """The 16-bit scores and the truth inside the field of view of each drawn image."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    fov = np.hypot(y - HEIGHT / 2, x - WIDTH / 2) < RADIUS
    images = []
    for _ in range(IMAGES):
        truth = (ndimage.gaussian_filter(random.normal(size=fov.shape), 4) > 0.08)[fov]
        probability = np.where(truth, random.beta(4, 2, truth.size), random.beta(1, 6, truth.size))
        images.append((quantise(probability), truth))
    return images


def pooled(images: Pixels) -> ScoreHistogram:
    return sum((score_histogram(scores, truth) for scores, truth in images), ScoreHistogram.empty())


def sklearn_pixel_metrics(truth: BoolArray, marked: BoolArray) -> None:
    from sklearn import metrics

    metrics.f1_score(truth, marked)
    metrics.jaccard_score(truth, marked)
    metrics.accuracy_score(truth, marked)
    metrics.recall_score(truth, marked)
    metrics.recall_score(truth, marked, pos_label=False)
    metrics.precision_score(truth, marked)
    metrics.matthews_corrcoef(truth, marked)


def compare_pixels(repeats: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    images = drawn_pixels()
    scores, truth = (np.concatenate(parts) for parts in zip(*images, strict=True))
    marked, decisions = scores > 32767, needing("counts")

    def decide() -> list[float]:
        counts = sum((score_histogram(*image).counts_at(0.5) for image in images), Counts())
        return [metric.function(counts) for metric in decisions]

    print(f"{IMAGES} images of {WIDTH}x{HEIGHT}, {truth.size} pixels inside the field of view, pooled")
    print(f"{'':<52} {'ours':>10} {'scikit-learn':>12}")
    auc = race(lambda: pooled(images).roc_auc(), lambda: roc_auc_score(truth, scores), repeats)
    show("ROC AUC", *auc, " (goal: 10)")
    ap = race(lambda: pooled(images).average_precision(), lambda: average_precision_score(truth, scores), repeats)
    show("average precision", *ap)
    show("the seven pixel metrics at one half", *race(decide, lambda: sklearn_pixel_metrics(truth, marked), repeats))
    exact = pooled(images)
    print(f"AUC, ours less scikit-learn's: {exact.roc_auc() - roc_auc_score(truth, scores):+.1e}")
    print(f"AP, ours less scikit-learn's:  {exact.average_precision() - average_precision_score(truth, scores):+.1e}")


def monai_error() -> None:
    """MONAI's AUC of about 1.6 million pixels, with labels as float32, as its transforms give them."""
    import torch
    from monai.metrics import compute_roc_auc
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    truth = random.random(1_600_000) < 0.12
    probability = np.where(truth, random.beta(4, 2, truth.size), random.beta(1, 6, truth.size)).astype(np.float32)
    reference = roc_auc_score(truth, probability)
    start = time.perf_counter()
    monai = float(compute_roc_auc(torch.from_numpy(probability), torch.from_numpy(truth.astype(np.float32))))
    seconds = time.perf_counter() - start
    ours = score_histogram(quantise(probability), truth).roc_auc()
    print(f"{truth.size} pixels, float32 scores: scikit-learn {reference:.6f}; ours from 16 bits {ours:.6f};")
    print(f"  MONAI with float32 labels {monai:.6f}, off by {monai - reference:+.1e}, in {seconds:.1f} s")


@dataclass(frozen=True, eq=False)
class FullSize:
    """One image (H, W): its masks inside the field of view, and 16-bit scores that make the predicted one."""

    name: str
    predicted: BoolArray
    truth: BoolArray
    fov: BoolArray
    scores: UInt16Array

    @classmethod
    def read(cls, root: Path) -> FullSize:
        """The first image of the folder."""
        path = list_images(root / "manual1")[0]
        mask_path = root / "mask" / f"{plain_stem(path)}_mask.tif"
        truth, fov = binary_mask(read_label(path), path), binary_mask(read_label(mask_path), mask_path)
        random = np.random.default_rng(0)
        moved = np.roll(truth, (2, 1), axis=(0, 1))
        predicted = (ndimage.binary_erosion(moved) | (random.random(truth.shape) < 0.002)) & fov
        scores = np.where(predicted, 32768, 0) + random.integers(0, 32768, truth.shape)
        return cls(path.name, predicted, truth & fov, fov, scores.astype(np.uint16))


def our_shapes(image: FullSize) -> tuple[Shapes, dict[str, float]]:
    shapes = Shapes(image.predicted, image.truth, image.fov)
    return shapes, {metric.name: metric.function(shapes) for metric in needing("shapes")}


def our_widths(image: FullSize, shapes: Shapes) -> dict[str, tuple[float, float, float]]:
    counts, histograms = band_counts(shapes), band_histograms(image.scores, shapes)
    return {band: (c.sensitivity(), c.dice(), histograms[band].roc_auc()) for band, c in counts.items()}


def their_shapes(image: FullSize, diameter: float) -> tuple[tuple[BoolArray, BoolArray], dict[str, float]]:
    """The same kinds of figures, as the libraries' documentation shows them, on the whole frame."""
    import torch
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice
    from skimage.morphology import skeletonize

    predicted, truth = image.predicted, image.truth
    lines = skeletonize(predicted), skeletonize(truth)
    precision, sensitivity = (lines[0] & truth).sum() / lines[0].sum(), (lines[1] & predicted).sum() / lines[1].sum()
    eight = np.ones((3, 3))
    one, other = (torch.from_numpy(mask)[None, None] for mask in (predicted, truth))
    return lines, {
        "cldice": 2 * precision * sensitivity / (precision + sensitivity),
        "betti0": abs(ndimage.label(predicted, eight)[1] - ndimage.label(truth, eight)[1]),
        "betti1": abs(ndimage.label(~predicted)[1] - ndimage.label(~truth)[1]),
        "hd95": float(compute_hausdorff_distance(one, other, include_background=True, percentile=95)),
        "nsd": float(compute_surface_dice(one, other, [2 * diameter / 1000], include_background=True)),
    }


def their_widths(image: FullSize, lines: tuple[BoolArray, BoolArray], diameter: float) -> dict[str, Any]:
    from sklearn.metrics import roc_auc_score

    bands = []
    for mask, line in zip((image.predicted, image.truth), lines, strict=True):
        radius = ndimage.distance_transform_edt(mask)
        nearest = ndimage.distance_transform_edt(~line, return_distances=False, return_indices=True)
        calibre = 2 * radius[tuple(nearest)]
        bands.append(np.where(mask, np.digitize(calibre, np.array(EDGES) * diameter / 1000), -1))
    result = {}
    for index, band in enumerate(BANDS):
        own = bands[1] == index
        tp, fp = (own & image.predicted).sum(), ((bands[0] == index) & ~image.truth).sum()
        counted = image.fov & (own | ~image.truth)
        auc = roc_auc_score(image.truth[counted], image.scores[counted]) if own.any() else np.nan
        result[band] = tp / own.sum(), 2 * tp / (tp + fp + own.sum()), auc
    return result


def compare_shapes(root: Path, repeats: int) -> None:
    image = FullSize.read(root)
    shapes, figures = our_shapes(image)
    widths = our_widths(image, shapes)
    # Linux counts the peak in KiB, macOS in bytes. Read before any other library has run.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    lines, their_figures = their_shapes(image, shapes.diameter)
    their_bands = their_widths(image, lines, shapes.diameter)
    print(f"{image.name}, {image.truth.shape[1]}x{image.truth.shape[0]}, skeletons shared on both sides")
    print(f"{'':<52} {'ours':>10} {'scikit-image, scipy, MONAI, scikit-learn':>12}")
    shape = race(lambda: our_shapes(image), lambda: their_shapes(image, shapes.diameter), repeats)
    show("clDice, Betti errors, HD95, NSD", *shape)

    def widths_alone() -> None:
        fresh = Shapes(image.predicted, image.truth, image.fov)
        fresh.truth_skeleton, fresh.predicted_skeleton = shapes.truth_skeleton, shapes.predicted_skeleton
        our_widths(image, fresh)

    width = race(widths_alone, lambda: their_widths(image, lines, shapes.diameter), repeats)
    show("sensitivity, Dice and AUC of three bands of width", *width)
    show("both", shape[0] + width[0], shape[1] + width[1], " (goal: 3)")
    print(f"peak memory of the whole process with ours only: {peak:.0f} MiB")
    for metric, value in figures.items():
        print(f"  {metric:<8} ours {value:12.5f}   theirs {their_figures[metric]:12.5f}")
    for band in BANDS:
        print(f"  {band:<8} ours {_row(widths[band])}   theirs {_row(their_bands[band])}")
    print("  MONAI's HD95 is the larger of both directions' percentiles; the protocol's pools both directions.")
    print(
        "  Theirs know no field of view: what its rim and a vessel enclose is a hole where the frame cuts the rim, and"
    )
    print("  a vessel that leaves it gets narrow there.")


def _row(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with manual1/ and mask/, such as HRF's")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each side")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    # First, while the process is still small.
    if arguments.root is not None:
        compare_shapes(arguments.root, max(1, arguments.repeats))
        print()
    compare_pixels(arguments.repeats)
    monai_error()


if __name__ == "__main__":
    main()
