from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from retseg.core.types import BoolArray
from retseg.metrics.counts import Counts, count
from retseg.metrics.ranking import score_histogram
from retseg.metrics.shapes import Shapes
from retseg.metrics.width import BANDS, EDGES, band_counts, band_histograms, band_map

Y, X = np.mgrid[-300:301, -300:301]
FOV = np.hypot(Y, X) < 299.5
"""A field of view of 599 pixels: medium begins at 3 pixels, thick at 6."""


def vessels(*bars: tuple[int, int]) -> BoolArray:
    """Horizontal vessels, each of a first row and a width, that cross the field of view."""
    mask = np.zeros(FOV.shape, bool)
    for row, width in bars:
        mask[row : row + width, 100:500] = True
    return mask


THIN, MEDIUM, THICK = (150, 2), (250, 4), (400, 10)
ALL = vessels(THIN, MEDIUM, THICK)
SMALL = st.tuples(*[arrays.arrays(np.bool_, (12, 13))] * 2)


def test_vessels_of_three_widths_fall_into_three_bands() -> None:
    bands = band_map(Shapes(ALL, ALL, FOV))
    top, left = (np.flatnonzero(FOV.any(axis=axis))[0] for axis in (1, 0))
    for index, (row, width) in enumerate((THIN, MEDIUM, THICK)):
        own = bands[row - top : row - top + width, 150 - left : 450 - left]
        assert (own == index).all(), BANDS[index]
    assert ((bands >= 0) == Shapes(ALL, ALL, FOV).truth).all()
    assert EDGES == (5, 10)


def test_a_missed_thin_vessel_is_missed_among_the_thin() -> None:
    counts = band_counts(Shapes(vessels(MEDIUM, THICK), ALL, FOV))
    assert counts["thin"].sensitivity() == 0
    assert counts["medium"].sensitivity() == counts["thick"].sensitivity() == 1
    assert all(counts[band].fp == 0 for band in BANDS)


def test_a_false_vessel_lies_in_the_band_of_its_own_width() -> None:
    truth = vessels(THIN, MEDIUM)
    counts = band_counts(Shapes(ALL, truth, FOV))
    assert counts["thick"].fp > 0.9 * 10 * 400
    assert counts["thick"].tp == counts["thick"].fn == 0
    assert counts["thin"].precision() > 0.95


def test_the_prediction_does_not_move_a_true_pixel_into_another_band() -> None:
    def band_sizes(predicted: BoolArray) -> list[int]:
        return [c.tp + c.fn for c in band_counts(Shapes(predicted, ALL, FOV)).values()]

    assert band_sizes(ALL) == band_sizes(FOV) == band_sizes(np.zeros_like(FOV))


@given(pair=SMALL)
def test_the_bands_together_are_the_whole(pair: tuple[BoolArray, BoolArray]) -> None:
    shapes = Shapes(*pair, np.ones((12, 13), bool))
    together = sum(band_counts(shapes).values(), Counts())
    whole = count(*pair)
    assert (together.tp, together.fp, together.fn, together.tn) == (whole.tp, whole.fp, whole.fn, 0)


@given(pair=SMALL, seed=st.integers(0, 99))
def test_the_histograms_together_are_the_whole(pair: tuple[BoolArray, BoolArray], seed: int) -> None:
    predicted, fov = pair
    truth = np.random.default_rng(seed).random(fov.shape) < 0.3
    scores = np.random.default_rng(seed + 1).integers(0, 65536, fov.shape).astype(np.uint16)
    shapes = Shapes(predicted, truth, fov)
    found = band_histograms(scores, shapes)
    whole = score_histogram(scores[fov], truth[fov])
    assert list(found) == list(BANDS)
    assert np.array_equal(sum(own.pos for own in found.values()), whole.pos)
    bands = band_map(shapes)
    for index, name in enumerate(BANDS):
        assert np.array_equal(found[name].neg, whole.neg)
        assert np.array_equal(found[name].pos, np.bincount(shapes.cut(scores)[bands == index], minlength=65536))


def test_pixels_that_do_not_count_are_no_negatives() -> None:
    counted = X < 0
    shapes = Shapes(ALL, ALL, FOV, counted)
    scores = np.zeros(FOV.shape, np.uint16)
    assert band_histograms(scores, shapes)["thin"].negatives == (FOV & counted & ~ALL).sum()


def test_images_can_be_added() -> None:
    first, second = Shapes(vessels(THIN), ALL, FOV), Shapes(vessels(THICK), ALL, FOV)
    total = {name: band_counts(first)[name] + band_counts(second)[name] for name in BANDS}
    assert total["thin"].sensitivity() == total["thick"].sensitivity() == 0.5
    scores = np.where(ALL, 60000, 100).astype(np.uint16)
    assert (band_histograms(scores, first)["thin"] + band_histograms(scores, second)["thin"]).roc_auc() == 1


def test_scores_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="uint16"):
        band_histograms(np.zeros(FOV.shape), Shapes(ALL, ALL, FOV))  # type: ignore[arg-type]
