"""Vessels by width: the same counts and histograms, for thin, medium and thick vessels apart.

A true vessel pixel belongs to the band of the truth's own local calibre there (`imaging.vessels.local_calibre`),
whatever the prediction draws, so all systems are judged on the same pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retseg.core.types import Float32Array, UInt16Array
from retseg.metrics.counts import Counts
from retseg.metrics.ranking import LEVELS, ScoreHistogram
from retseg.metrics.shapes import Shapes

BANDS = ("thin", "medium", "thick")
"""Names of the bands, from narrow to wide."""

EDGES = (5.0, 10.0)
"""Calibres at which medium and thick begin, per mille of the field of view's diameter (2.7 and 5.4 of 540 pixels)."""


def band_counts(shapes: Shapes) -> dict[str, Counts]:
    """For each band: vessel pixels found (tp) and missed (fn), and false pixels (fp), by the band's name.

    A true pixel lies in the band of the truth's calibre. A false pixel has no true calibre, so it lies in the band of
    the prediction's own calibre there. A pixel without a vessel has none at all, so `tn` is 0: sensitivity, precision,
    Dice and IoU of a band make sense; accuracy, specificity and MCC do not.
    """
    found, false = shapes.truth & shapes.predicted, shapes.predicted & ~shapes.truth
    true = _per_band(shapes.truth_calibre[shapes.truth], shapes.diameter)
    tp = _per_band(shapes.truth_calibre[found], shapes.diameter)
    fp = _per_band(shapes.false_calibre[false], shapes.diameter)
    return {
        name: Counts(tp=int(tp[band]), fp=int(fp[band]), fn=int(true[band] - tp[band]), tn=0)
        for band, name in enumerate(BANDS)
    }


def band_histograms(scores: UInt16Array, shapes: Shapes) -> dict[str, ScoreHistogram]:
    """For each band: the scores of its true vessel pixels against those of all pixels without a vessel.

    `scores` is the whole image (H, W) of 16-bit scores. The negative pixels, those that count and are no vessel, are
    the same in all bands.
    """
    if scores.dtype != np.uint16:
        raise ValueError(f"scores must be uint16, not {scores.dtype}")
    inside = shapes.cut(scores)
    band = _band(shapes.truth_calibre[shapes.truth], shapes.diameter)
    pos = np.bincount(inside[shapes.truth] + band * LEVELS, minlength=LEVELS * len(BANDS)).reshape(len(BANDS), LEVELS)
    neg = np.bincount(inside[shapes.counted & ~shapes.truth], minlength=LEVELS)
    return {name: ScoreHistogram(pos=own, neg=neg) for name, own in zip(BANDS, pos, strict=True)}


def band_map(shapes: Shapes) -> NDArray[np.int8]:
    """The index in BANDS of each true vessel pixel (h, w) of the box around the field of view; -1 elsewhere."""
    bands = np.full(shapes.truth.shape, -1, np.int8)
    bands[shapes.truth] = _band(shapes.truth_calibre[shapes.truth], shapes.diameter)
    return bands


def _band(calibre: Float32Array, diameter: float) -> NDArray[np.intp]:
    return np.digitize(calibre, np.array(EDGES) * diameter / 1000)


def _per_band(calibre: Float32Array, diameter: float) -> NDArray[np.intp]:
    return np.bincount(_band(calibre, diameter), minlength=len(BANDS))
